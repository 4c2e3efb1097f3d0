"""What people do to sheets: each has its own words, and nothing else lands than what they meant."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from support.commands import Run, export
from support.reports import counts
from support.sheets import column, edit_csv, rows_of_csv, write_csv

from bakeio_core import Bakeio, connect

Sheet = Any


def index(sheet: Sheet, name: str) -> int:
    """Return the number of the column with a heading."""
    return [cell.value for cell in sheet[1]].index(name) + 1


def copied(book: Any, sheet: Sheet) -> None:
    sheet.append([cell.value for cell in sheet[75]])
    sheet.cell(83, index(sheet, "brand")).value = "Other"


def totalled(book: Any, sheet: Sheet) -> None:
    sheet.cell(84, 2).value = "Total:"
    sheet.cell(84, index(sheet, "current_inventory_qty")).value = "=SUM(I2:I82)"


def totalled_in_front(book: Any, sheet: Sheet) -> None:
    sheet.cell(84, 1).value = "Total"
    sheet.cell(84, index(sheet, "package_size")).value = 1234.5


def headed_again(book: Any, sheet: Sheet) -> None:
    sheet.insert_rows(40)
    for cell in sheet[1]:
        sheet.cell(40, cell.column).value = cell.value


def grouped(book: Any, sheet: Sheet) -> None:
    """Merge the brand of two rows of one maker, and put headings of groups above the others."""
    at = index(sheet, "brand")
    sheet.merge_cells(start_row=2, end_row=3, start_column=at, end_column=at)
    sheet.insert_rows(1)
    sheet.merged_cells.ranges.clear()
    sheet.merge_cells(start_row=3, end_row=4, start_column=at, end_column=at)
    for cell in sheet[2]:
        if cell.column not in (11, 12, 13):
            sheet.cell(1, cell.column).value = cell.value
            sheet.merge_cells(None, 1, cell.column, 2, cell.column)
    sheet.cell(1, 11).value = "Package"


def shown_otherwise(book: Any, sheet: Sheet) -> None:
    for row, form in ((2, "0%"), (3, "yyyy-mm-dd"), (4, "0.00 €"), (5, "h:mm")):
        sheet.cell(row, index(sheet, "package_size")).number_format = form
    sheet.cell(6, index(sheet, "brand")).value += " "


def titled(book: Any, sheet: Sheet) -> None:
    sheet.insert_rows(1, 2)
    sheet["B1"] = "What we have"


def moved(book: Any, sheet: Sheet) -> None:
    for row in sheet.iter_rows(max_row=82):
        row[9].value, row[15].value = row[15].value, row[9].value


def renamed(book: Any, sheet: Sheet) -> None:
    sheet.cell(1, index(sheet, "upc_code")).value = "UPC Code"


def removed(book: Any, sheet: Sheet) -> None:
    sheet.delete_cols(index(sheet, "ingredient_name"), 3)


def lost(book: Any, sheet: Sheet) -> None:
    sheet.delete_cols(index(sheet, "_rev"), 2)
    sheet.delete_cols(1)


def sorted_alone(book: Any, sheet: Sheet) -> None:
    at = index(sheet, "brand")
    cells = [sheet.cell(row, at) for row in range(2, 83)]
    values = sorted((cell.value for cell in cells), key=str)
    for cell, value in zip(cells, values, strict=True):
        cell.value = value


def remarked(book: Any, sheet: Sheet) -> None:
    sheet.cell(1, 19).value, sheet.cell(5, 19).value = "my remarks", "ask Anna"
    sheet.cell(6, 20).value = "loose"


def with_another(book: Any, sheet: Sheet) -> None:
    book.create_sheet("Remarks")["A1"] = "hello"


UNCHANGED = {"processed": 81, "unchanged": 81}
DONE: dict[str, tuple[Callable[[Any, Sheet], None], str]] = {
    "a total": (totalled, "row 84 is a total, no record: it is left out"),
    "a total in the first column": (totalled_in_front, "row 84 is a total, no record"),
    "the headings again": (headed_again, "row 40 repeats the headings and is left out"),
    "cells merged": (grouped, "row 1 is above the headings and is left out"),
    "cells shown otherwise": (
        shown_otherwise, "package_size: 2 values came back from what a spreadsheet did to them",
    ),
    "a title above": (titled, "row 1 is above the headings and is left out"),
    "columns moved": (moved, ""),
    "a heading renamed": (renamed, "UPC Code: is read as upc_code"),
    "columns removed": (removed, ""),
    "hidden columns lost": (lost, "81 records have no usable _rev"),
    "remarks": (remarked, "my remarks: is not a field of products and is ignored"),
    "a column without heading": (remarked, "column T has no heading, what is in it is ignored"),
    "another sheet": (with_another, 'the sheet "Remarks" has no headings of a view and is ignored'),
}  # fmt: skip


@pytest.fixture
def book(run: Run, sample: Path, tmp_path: Path) -> Path:
    return export(run, sample, "products", tmp_path / "book.xlsx")


def change(path: Path, edit: Callable[[Any, Sheet], None]) -> Path:
    book = openpyxl.load_workbook(path)
    edit(book, book["products"])
    book.save(path)
    return path


@pytest.mark.parametrize("kind", DONE)
def test_a_sheet_somebody_rearranged_changes_nothing(
    run: Run, sample: Path, book: Path, kind: str
) -> None:
    edit, said = DONE[kind]
    done = run("-d", sample, "import-view", change(book, edit), "--dry-run", "--json")
    assert {**counts(done), "nulls_kept": 0} == UNCHANGED | {"nulls_kept": 0}, done.out
    shown = run("-d", sample, "import-view", book, "--dry-run")
    assert said in shown.out + shown.err


def test_a_sheet_turned_on_its_side_is_refused_with_what_to_do(
    run: Run, sample: Path, book: Path
) -> None:
    def turned(book: Any, sheet: Sheet) -> None:
        columns = [[cell.value for cell in column] for column in sheet.iter_cols()]
        sheet.delete_rows(1, 90)
        for cells in columns:
            sheet.append(cells)

    done = run("-d", sample, "import-view", change(book, turned))
    assert done.code == 1
    assert "put the headings above the rows, one beside the other" in done.err


def test_a_copied_row_is_no_second_record(run: Run, sample: Path, book: Path) -> None:
    done = run("-d", sample, "import-view", change(book, copied), "--json")
    assert done.code == 1
    (problem,) = (p for p in done.json["problems"] if p["severity"] == "error")
    assert problem["place"] == "products row 83"
    assert problem["message"].startswith(
        "products row 83 is a copy of products row 75 (product_slug "
    )
    remedy = problem["message"].split("with other values: empty its ")[1]
    assert remedy.startswith(
        "product_id and _rev and give it its own product_slug to add a row of products"
    )
    assert len(problem["records"]) == problem["count"] == 2


def test_a_column_sorted_alone_is_asked_about(run: Run, sample: Path, book: Path) -> None:
    done = run("-d", sample, "import-view", change(book, sorted_alone), "--dry-run", "--json")
    (warning,) = (p for p in done.json["problems"] if p["severity"] == "warning")
    said = "has the value of another row: was this column sorted without the others?"
    assert (warning["field"], warning["message"]) == ("brand", said)
    assert warning["count"] > 60
    question = next(q for q in done.json["questions"] if q["question"] == said)
    assert question["places"][0].startswith("products!J")


def test_rows_sorted_without_a_hidden_column_are_refused_in_one_line(
    run: Run, sample: Path, book: Path
) -> None:
    def move_revisions(_: Any, sheet: Sheet) -> None:
        at = index(sheet, "_rev")
        revisions = [sheet.cell(row, at).value for row in range(2, 12)]
        for row, revision in enumerate([*revisions[1:], revisions[0]], 2):
            sheet.cell(row, at).value = revision

    done = run("-d", sample, "import-view", change(book, move_revisions), "--json")
    (problem,) = (p for p in done.json["problems"] if p["severity"] == "error")
    assert (problem["code"], problem["count"]) == ("identity-mismatch", 10)
    assert "If the rows were sorted without a hidden column" in problem["message"]


def test_cells_of_another_type_are_read_or_refused_by_their_place(
    run: Run, sample: Path, book: Path, tmp_path: Path
) -> None:
    def spoil(_: Any, sheet: Sheet) -> None:
        notes, size = index(sheet, "notes"), index(sheet, "package_size")
        code = index(sheet, "upc_code")
        sheet.cell(2, notes).value, sheet.cell(3, notes).value = True, 7
        sheet.cell(4, notes).value = datetime.datetime(2024, 1, 2)
        sheet.cell(5, size).value, sheet.cell(6, size).value = "=1+1", "#REF!"
        sheet.cell(7, size).value = 35.10000000000001
        sheet.cell(2, code).value, sheet.cell(4, code).value = 11960232, 36000291452

    skipping = ["--skip-on-error", "--skipped-log", tmp_path / "log.json", "--json"]
    done = run("-d", sample, "import-view", change(book, spoil), *skipping)
    found = {p["place"]: p["message"] for p in done.json["problems"] if p["severity"] == "error"}
    assert found.keys() == {"products!P2", "products!P4", "products!L5", "products!L6"}
    assert "is true or false, but text is expected" in found["products!P2"]
    assert "is a day, but text is expected" in found["products!P4"]
    assert 'holds the formula "=1+1" without a result' in found["products!L5"]
    assert "holds the error #REF!" in found["products!L6"]
    new = {c["record"]: {f["field"]: f["new"] for f in c["fields"]} for c in done.json["changes"]}
    assert new == {2: {"notes": "7"}, 6: {"package_size": 35.1}}


def test_refresh_keeps_the_separator_the_order_and_the_remarks(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = export(run, sample, "products", tmp_path / "p.csv", "--limit", "3")
    rows = [["remark", *row] for row in rows_of_csv(path)]
    rows[1][0], rows[1][column(rows, "brand")] = "asked", "Überbrand"
    new = dict.fromkeys(rows[0], "") | {"product_slug": "rye", "ingredient_slug": "bread_flour"}
    new |= {"package_unit": "lb", "package_unit_quantity": "5"}
    write_csv(path, [*rows, list(new.values())], ";", "cp1252")
    done = run("-d", sample, "import-view", path, "--refresh")
    assert done.code == 0, done.err
    lines = path.read_bytes().decode("cp1252").split("\r\n")
    assert lines[1].startswith("asked;1;")
    assert "Überbrand" in lines[1]
    number = lines[4].split(";")[1]
    assert number.isdigit()
    again = run("-d", sample, "import-view", path, "--json")
    assert counts(again) == {"processed": 4, "unchanged": 4}, again.out


def test_an_export_does_not_overwrite_edits_nor_what_is_not_its_own(
    run: Run, sample: Path, book: Path
) -> None:
    change(book, lambda _, sheet: sheet.__setitem__("J2", "Other"))
    refused = run("-d", sample, "export-view", "products", "-o", book)
    assert refused.code == 1
    assert "(1 edit is not imported yet)" in refused.err
    change(book, with_another)
    refused = run("-d", sample, "export-view", "products", "-o", book, "--force")
    assert refused.code == 2
    assert 'holds the sheet "Remarks", which bakeio did not write' in refused.err


def test_a_workbook_holds_several_views_and_offers_what_may_be_written(
    run: Run, new_bakery: Callable[[], str], tmp_path: Path
) -> None:
    url, path = new_bakery(), tmp_path / "bakery.xlsx"
    done = run("-d", url, "export-view", "products", "purchases", "inventory", "-o", path)
    assert done.code == 0, done.err
    assert counts(run("-d", url, "import", path, "--json")) == {"processed": 631, "unchanged": 631}
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Read me", "products", "purchases", "inventory"]
    sheet = book["purchases"]
    hidden = {
        cell.value.split(" ")[0]
        for cell in sheet[1]
        if sheet.column_dimensions[cell.column_letter].hidden
    }
    assert {"_rev", "purchase_id"} <= hidden
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref
    rules = {str(rule.sqref).split("2")[0]: rule for rule in sheet.data_validations.dataValidation}
    letter = openpyxl.utils.get_column_letter
    suppliers = rules[letter(index(sheet, "supplier_name"))]
    assert suppliers.type == "list"
    assert "Costco" in suppliers.formula1
    assert rules[letter(index(sheet, "unit_price"))].type == "decimal"
    assert rules[letter(index(sheet, "purchase_date"))].type == "date"
    assert isinstance(sheet.cell(2, index(sheet, "purchase_date")).value, datetime.datetime)
    codes = [c.value for c in book["products"][openpyxl.utils.get_column_letter(15)][1:]]
    assert "000011960232" in codes
    book["inventory"].delete_rows(5)
    book.save(path)
    done = run("-d", url, "import", path, "--dry-run", "--json")
    assert [p["message"] for p in done.json["problems"]] == [
        "holds 149 records of inventory_items, its header says 150; rows of records left out are "
        "left alone"
    ]


def test_several_views_want_a_format_with_sheets(run: Run, sample: Path, tmp_path: Path) -> None:
    for ending in ("csv", "json"):
        path = tmp_path / f"x.{ending}"
        done = run("-d", sample, "export-view", "products", "inventory", "-o", path)
        assert done.code == 2
        assert "has one view" in done.err
        assert not path.exists()


def test_what_is_no_sheet_is_refused_in_words(run: Run, sample: Path, tmp_path: Path) -> None:
    said = {
        "utf16.csv": ("product_slug;notes\n".encode("utf-16"), "is UTF-16 text"),
        "open.csv": (b'product_slug,notes\nx,"open\n', "is a quotation mark missing"),
        "none.csv": (b"this,is\nno,view\n", 'the headings match no view ("this", "is")'),
        "empty.csv": (b"", "no row of it has the headings of a view"),
        "old.xlsx": (b"\xd0\xcf\x11\xe0old", "is an old or a protected workbook"),
        "not.xlsx": (b"hello", "is not a workbook"),
        "zip.xlsx": (b"PK\x03\x04hello", "is not a workbook"),
    }
    for name, (data, words) in said.items():
        (tmp_path / name).write_bytes(data)
        done = run("-d", sample, "import-view", tmp_path / name)
        assert (done.code, words in done.err + done.out) == (1, True), (name, done.err)


def test_a_stream_takes_the_format_by_name(
    run: Run, core: Bakeio, sample: Path, tmp_path: Path
) -> None:
    path = export(run, sample, "products", tmp_path / "p.csv")
    edit_csv(path, lambda rows: rows[1].__setitem__(column(rows, "brand"), "New"))
    engine = connect(sample)
    with engine.begin() as db:
        source = core.open(io.BytesIO(path.read_bytes()), format="csv")
        assert core.plan(db, source).report.summary["updated"] == 1
        workbook = export(run, sample, "products", tmp_path / "p.xlsx")
        known = core.open(io.BytesIO(workbook.read_bytes()))
        assert core.plan(db, known).report.summary["unchanged"] == 81
    engine.dispose()


def test_a_text_in_quotes_behind_an_equals_sign_is_that_text(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = tmp_path / "products.csv"
    path.write_text('product_slug,upc_code\nlemons_1each,"=""0021000612239"""\n', "utf-8")
    done = run("-d", sample, "import", path, "--dry-run", "--json")
    assert done.json["changes"][0]["fields"][0]["new"] == "0021000612239", done.out


def test_what_other_programs_call_a_workbook_is_refused_with_what_to_do(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    for name in ("p.ods", "named.xlsx"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("mimetype", kind)
            archive.writestr("content.xml", "<x/>")
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    said = {
        "p.ods": "is an OpenDocument spreadsheet (.ods): save it as .xlsx, or as CSV",
        "named.xlsx": "is an OpenDocument spreadsheet (.ods): save it as .xlsx, or as CSV",
        "old.xls": "is an old or a protected workbook: save it as .xlsx without a password",
    }
    for name, message in said.items():
        assert message in run("-d", sample, "import", tmp_path / name).err
