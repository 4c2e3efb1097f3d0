"""Decisions are answered in a sheet as well as in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
from support.commands import Run
from support.databases import sql
from support.sheets import Rows, column, edit_csv, rows_of_csv

PURCHASE = {"purchase_date": "2026-01-02", "unit_price": 3, "quantity_purchased": 1}


def test_open_questions_are_answered_in_a_sheet_and_carried_out(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bought.json"
    records = [
        {"product_slug": "lemons_1each", "supplier_name": "Costko", **PURCHASE},
        {"product_slug": "lemons_1each", "supplier_name": "007", **PURCHASE},
        {"product_slug": "lemonz", "supplier_name": "Wegmans", **PURCHASE},
    ]
    path.write_text(json.dumps({"view_name": "purchases", "records": records}), "utf-8")
    imported = ("-d", sample, "import", path)
    for ending in ("csv", "xlsx"):
        sheet = tmp_path / f"answers.{ending}"
        assert run(*imported, "--no-input", "--decisions", sheet).code == 1

        def answer(rows: Rows) -> None:
            by_name = {row[column(rows, "key.name")]: row for row in rows[1:]}
            by_slug = {row[column(rows, "key.slug")]: row for row in rows[1:]}
            mapped, made, near = by_name["Costko"], by_name["007"], by_slug["lemonz"]
            for row, action in ((mapped, "existing"), (made, "create"), (near, "existing")):
                row[column(rows, "action")] = action
            mapped[column(rows, "target.slug")] = "costco_waltham_ma"
            near[column(rows, "target.slug")] = "lemons_1each"

        if ending == "csv":
            edit_csv(sheet, answer)
        else:
            book = openpyxl.load_workbook(sheet)
            cells = book["decisions"]
            rows = [["" if c.value is None else str(c.value) for c in row] for row in cells]
            answer(rows)
            for number, row in enumerate(rows, 1):
                for place, value in enumerate(row, 1):
                    cells.cell(number, place).value = value or None
            book.save(sheet)
        done = run(*imported, "--decisions", sheet, "--dry-run", "--json")
        assert (done.code, done.json["summary"]["created"]) == (0, 3), done.out
        assert {entry["action"] for entry in done.json["resolved"]} == {"existing", "create"}
    done = run(*imported, "--decisions", tmp_path / "answers.csv", "--json")
    assert done.json["created_entities"]["suppliers"] == [{"slug": "007"}]
    assert sql(sample, "SELECT name FROM suppliers WHERE slug = '007'") == [("007",)]


def test_a_sheet_that_holds_no_decisions_is_left_alone(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path, other = tmp_path / "bought.json", tmp_path / "prices.csv"
    record = {"product_slug": "lemonz", "supplier_name": "Wegmans", **PURCHASE}
    path.write_text(json.dumps({"view_name": "purchases", "records": [record]}), "utf-8")
    other.write_text("name,price\nx,1\n", "utf-8")
    done = run("-d", sample, "import", path, "--no-input", "--decisions", other)
    assert done.code != 0
    assert "no row of it has the headings action and entity" in done.err
    assert rows_of_csv(other)[0] == ["name", "price"]


def test_where_nothing_writes_sheets_a_file_of_that_ending_gets_no_json(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path, sheet = tmp_path / "bought.json", tmp_path / "answers.xlsx"
    record = {"product_slug": "lemons_1each", "supplier_name": "Costko", **PURCHASE}
    path.write_text(json.dumps({"view_name": "purchases", "records": [record]}), "utf-8")
    words = ("--block", "bakeio-sheets", "-d", sample, "import", path, "--no-input")
    told = run(*words, "--decisions", sheet)
    assert told.code != 0
    assert "no installed format writes .xlsx files" in told.err + told.out
    assert "bakeio-sheets" in told.err + told.out
    assert not sheet.exists()
