"""Records that were left out are corrected in a sheet as well as in JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from support.commands import Run, export
from support.databases import sql
from support.files import edit
from support.sheets import column, rows_of_csv, write_csv


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_skipped_records_are_mended_in_a_sheet_and_imported_again(
    run: Run, sample: Path, tmp_path: Path, ending: str
) -> None:
    sql(sample, "UPDATE products SET notes = 'old' WHERE id <= 4")
    path, log = export(run, sample, "products", tmp_path / "v.json"), tmp_path / f"log.{ending}"

    def spoil(records: list[dict[str, Any]]) -> None:
        records[0] |= {"package_size": "many", "notes": None, "brand": "=New & Sons"}
        records[1] |= {"package_size": "many", "notes": "", "upc_code": "012345678905"}
        records[2]["notes"] = "taken"

    edit(path, spoil)
    words = ("--skip-on-error", "--skipped-log", log, "--json")
    done = run("-d", sample, "import-view", path, *words)
    assert (done.code, done.json["summary"]["errors"]) == (3, 2), done.out
    if ending == "csv":
        rows = rows_of_csv(log)
        size = column(rows, "package_size")
        assert [row[0] for row in rows[1:]] == ['"many" is not a number'] * 2
        for number, row in enumerate(rows[1:], 1):
            row[size] = str(number)
        write_csv(log, rows)
    else:
        book = openpyxl.load_workbook(log)
        cells = book["products"]
        size = [cell.value for cell in cells[1]].index("package_size") + 1
        for number in (1, 2):
            cells.cell(number + 1, size).value = number
        book.save(log)
    again = run("-d", sample, "import", log, "--json")
    assert (again.code, again.json["summary"]["updated"]) == (0, 2), again.out
    rows = sql(sample, "SELECT package_size, notes, brand, upc_code FROM products WHERE id < 4")
    # null says nothing, an empty text empties, and what stood there otherwise is as it was
    assert [tuple(row[:2]) for row in rows][:2] == [(1, "old"), (2, None)]
    assert (rows[0][2], rows[1][3], rows[2][1]) == ("=New & Sons", "012345678905", "taken")
    assert not [p for p in again.json["problems"] if p["severity"] == "error"], again.out


def test_what_does_not_go_into_one_sheet_is_said_before_anything_is_written(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    run("-d", sample, "export-complete", "--output", tmp_path / "set")
    words = ("--skip-on-error", "--skipped-log", tmp_path / "log.csv", "--json")
    refused = run("-d", sample, "import-complete", tmp_path / "set", *words)
    assert refused.code == 2
    assert "name a log that ends in .json" in json.dumps(refused.json)
    assert not (tmp_path / "log.csv").exists()
