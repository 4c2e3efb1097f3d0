"""What a spreadsheet does to values is undone where `_rev` proves it, and told."""

from __future__ import annotations

import datetime
import json
import sqlite3
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from support.commands import Run, export
from support.databases import rows_of
from support.files import edit
from support.reports import counts
from support.sheets import Rows, column, edit_csv, excel, rows_of_csv, write_csv

CAME_BACK = "came back from what a spreadsheet did to them"
VIEWS = ("products", "inventory", "purchases")


def notes(report: dict[str, Any]) -> list[str]:
    known = (p for p in report["problems"] if p["severity"] == "note")
    return [f"{p['field']}: {p['message']}" for p in known]


def changes(report: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """What changes, {record: {field: new value}}."""
    return {
        change["record"]: {item["field"]: item["new"] for item in change["fields"]}
        for change in report["changes"]
    }


@pytest.mark.parametrize("country", ["us", "de"])
def test_a_csv_that_excel_opened_and_saved_changes_nothing(
    run: Run, new_bakery: Any, tmp_path: Path, country: str
) -> None:
    url = new_bakery()
    before = rows_of(url)
    for view in VIEWS:
        path = export(run, url, view, tmp_path / f"{view}.csv")
        done = run("-d", url, "import-view", excel(path, country), "--json")
        assert done.code == 0, done.out
        assert set(counts(done)) == {"processed", "unchanged"}, done.out
        if view == "products":
            assert f"upc_code: 43 values {CAME_BACK} (zeros in front lost)" in notes(done.json)
    assert rows_of(url) == before


def test_of_a_mangled_file_the_edits_land_and_nothing_else(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = export(run, sample, "inventory", tmp_path / "inventory.csv")

    def count(rows: Rows) -> None:
        quantity, day, location = (
            column(rows, name) for name in ("quantity", "addition_date", "location")
        )
        rows[3][quantity], rows[5][quantity], rows[7][quantity] = "2,5", "40", "1.250,5"
        rows[9][day], rows[11][day] = "05.03.2026", "31.01.26"
        rows[13][location] = "Regal 3"

    done = run("-d", sample, "import-view", excel(path, "de", count), "--json")
    assert changes(done.json) == {
        3: {"quantity": 2.5},
        5: {"quantity": 40},
        7: {"quantity": 1250.5},
        9: {"addition_date": "2026-03-05"},
        11: {"addition_date": "2026-01-31"},
        13: {"location": "Regal 3"},
    }
    assert counts(done)["updated"] == 6


def test_without_rev_what_nobody_can_tell_is_refused_by_its_place(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = export(run, sample, "inventory", tmp_path / "inventory.csv")
    rows = rows_of_csv(path)
    rev, day, quantity = (column(rows, n) for n in ("_rev", "addition_date", "quantity"))
    for row in rows[1:]:
        row[rev] = ""
    rows[4][day], rows[5][day] = "05/06/2025", "6/5/2025"
    rows[6][quantity] = "1,234"
    done = run("-d", sample, "import-view", write_csv(path, rows), "--json")
    assert done.code == 1
    said = {p["place"]: p["message"] for p in done.json["problems"] if p["severity"] == "error"}
    values = [p["value"] for p in done.json["problems"] if p["severity"] == "error"]
    assert values == ["05/06/2025", "6/5/2025"]
    log = tmp_path / "log.json"
    run("-d", sample, "import-view", path, "--skip-on-error", "--skipped-log", log)
    logged = json.loads(log.read_text("utf-8"))["records"]
    assert [one["record_data"]["addition_date"] for one in logged] == values
    letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert said == {
        f"{letter[day]}5": '"05/06/2025" can be read in more than one way: '
        "write 2025-06-05 or 2025-05-06, whichever is meant",
        f"{letter[day]}6": '"6/5/2025" can be read in more than one way: '
        "write 2025-05-06 or 2025-06-05, whichever is meant",
    }
    assert "quantity: 1 cell is read as marks of thousands" in notes(done.json)


def test_a_column_is_read_by_its_one_pattern(run: Run, sample: Path, tmp_path: Path) -> None:
    path = export(run, sample, "inventory", tmp_path / "inventory.csv", "--limit", "4")
    rows = rows_of_csv(path)
    rev, day = column(rows, "_rev"), column(rows, "addition_date")
    for row, said in zip(rows[1:], ("05/06/2025", "02/28/2025", "03/04/2025", ""), strict=True):
        row[rev], row[day] = "", said or row[day]
    done = run("-d", sample, "import-view", write_csv(path, rows), "--json")
    days = [change["addition_date"] for change in changes(done.json).values()]
    assert days == ["2025-05-06", "2025-02-28", "2025-03-04"]
    rows[4][day] = "31/01/2025"  # and now the column contradicts itself
    done = run("-d", sample, "import-view", write_csv(path, rows), "--json")
    assert done.code == 1


def test_json_is_taken_back_by_the_same_proof(run: Run, sample: Path, tmp_path: Path) -> None:
    path = export(run, sample, "products", tmp_path / "view.json")

    def mangle(records: list[dict[str, Any]]) -> None:
        records[0] |= {"upc_code": 11960232, "package_size": "25,0"}
        records[1] |= {"upc_code": "11580737", "package_unit_quantity": "5.0"}
        records[2] |= {"package_unit_quantity": f"{records[2]['package_unit_quantity']} "}
        records[3]["package_size"] = float(records[3]["package_size"]) * (1 + 2e-15)

    edit(path, mangle)
    done = run("-d", sample, "import-view", path, "--json")
    assert counts(done) == {"processed": 81, "unchanged": 81}, done.out
    assert f"upc_code: 2 values {CAME_BACK} (zeros in front lost)" in notes(done.json)


OF_COUNTRIES: list[tuple[str, Any, str]] = [
    *[("unit_price", 123456.78, told) for told in ("1,23,456.78", "Rs. 1,23,456.78")],
    *[("unit_price", 1234.56, told) for told in ("1\u202f234,56", "1 234,56 kr", "R$1.234,56")],
    *[("quantity_purchased", 0.5, told) for told in ("50%", "50,00 %", ",5")],
    *[
        ("purchase_date", "2026-01-05", told)
        for told in (
            *["1/5/2026 12:00:00 AM", "2026-01-05T00:00:00+01:00", "2026-01-04T23:00:00.000Z"],
            *["2026年1月5日", "2026. 01. 05.", "05-ene-26", "5 janv. 2026", "5 sty 2026", "44565"],
        )
    ],
]
OF_TEXTS = [
    *[("notes", "7-11", told) for told in ("11-Jul", "07. Nov", "07-nov", "11-juil.")],
    *[("notes", "SEPT1", "1-Sep"), ("notes", "March 2026", "Mrz 26"), ("notes", "007", "'007")],
    *[("notes", "1E5", "1,00E+05"), ("notes", "TRUE", "VERDADEIRO"), ("notes", "false", "ЛОЖЬ")],
    *[("notes", "1 1/2", "1.5"), ("notes", "50%", "0,5"), ("notes", "$5", "5")],
    *[("notes", "1e-5", "0,00001"), ("notes", "007 12:30", "07:12:30 AM")],
    *[("notes", "6214114499 24:00", told) for told in ("12:24:00 AM", "00:24:00")],
    *[("notes", "$ 19.507", "$19.51"), ("notes", "(€12)", "-12"), ("notes", "15-", "-15")],
    *[("notes", "13.658.455", "13658455"), ("notes", "0000160.020", "160020")],
    *[("notes", "24:00 4-", "-24:00:04"), ("notes", "888383.324 %", "8883833,24")],
    *[("notes", "100E-15", "0.0000000000001"), ("notes", "9E400", "1.79769313486232E+308")],
    *[("notes", "Monday Aug 12", "01.08.2012"), ("notes", "31.12.", "31.12.2026")],
    *[("notes", "1/29 26:18", "01/30/2026 02:18:00"), ("notes", "5 pm", "05:00:00 PM")],
]
"""(field, what it was, what a spreadsheet somewhere makes of it)."""


def test_what_spreadsheets_of_other_countries_show_comes_back(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    told = [*OF_COUNTRIES, *OF_TEXTS]
    with sqlite3.connect(sample) as db:
        for number, (field, was, _) in enumerate(told, 1):
            db.execute(f"UPDATE purchases SET {field} = ? WHERE id = ?", (was, number))
    path = export(run, sample, "purchases", tmp_path / "v.csv", "--limit", len(told))
    rows = rows_of_csv(path)
    for row, (field, _, shown) in zip(rows[1:], told, strict=True):
        row[column(rows, field)] = shown
    done = run("-d", sample, "import-view", write_csv(path, rows), "--dry-run", "--json")
    assert counts(done) == {"processed": len(told), "unchanged": len(told)}, done.out

    edits = [("5", "$5"), ("5", "5.0"), ("2625", "2.625"), ("$5", "$6"), ("5 lb", "5")]
    edits += [("Jan 5", "Jan 6"), ("12:30", "12:31"), ("1/2", "0.25"), ("TRUE", "FALSE")]
    edits += [("50%", "$50"), ("9,383", "9384"), ("3 eggs", "3")]
    with sqlite3.connect(sample) as db:
        for number, (was, _) in enumerate(edits, 1):
            db.execute("UPDATE purchases SET notes = ? WHERE id = ?", (was, number))
    path = export(run, sample, "purchases", tmp_path / "e.csv", "--limit", len(edits))
    rows = rows_of_csv(path)
    for row, (_, typed) in zip(rows[1:], edits, strict=True):
        row[column(rows, "notes")] = typed
    done = run("-d", sample, "import-view", write_csv(path, rows), "--dry-run", "--json")
    found = {number: change["notes"] for number, change in changes(done.json).items()}
    assert found == {number: typed for number, (_, typed) in enumerate(edits, 1)}

    path = export(run, sample, "purchases", tmp_path / "v.json", "--limit", len(OF_COUNTRIES))
    edit(path, lambda records: [
        {**r, field: shown}
        for r, (field, _, shown) in zip(records, OF_COUNTRIES, strict=True)
    ])  # fmt: skip
    done = run("-d", sample, "import-view", path, "--dry-run", "--json")
    assert counts(done) == {"processed": len(OF_COUNTRIES), "unchanged": len(OF_COUNTRIES)}


def test_a_cell_that_is_no_text_shows_the_text_it_was_or_is_refused_by_its_place(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    shown = {
        "Jan 5": datetime.datetime(2026, 1, 5),
        "6214114499 24:00": datetime.time(0, 24),
        "39 3:43": datetime.timedelta(hours=39, minutes=3, seconds=43),
        "33E28": 3.3e29,
        "wahr": True,
    }
    with sqlite3.connect(sample) as db:
        for number, text in enumerate(shown, 1):
            db.execute("UPDATE purchases SET notes = ? WHERE id = ?", (text, number))
    path = export(run, sample, "purchases", tmp_path / "v.xlsx", "--limit", len(shown) + 1)
    book = openpyxl.load_workbook(path)
    sheet = book["purchases"]
    (at,) = (cell.column for cell in sheet[1] if cell.value == "notes")
    for row, cell in enumerate([*shown.values(), datetime.timedelta(hours=25, minutes=30)], 2):
        sheet.cell(row, at).value = cell
    book.save(path)
    done = run("-d", sample, "import-view", path, "--dry-run", "--json")
    (refused,) = [p for p in done.json["problems"] if p["severity"] == "error"]
    assert refused["place"] == f"purchases!{openpyxl.utils.get_column_letter(at)}7"
    assert refused["message"].startswith("25:30:00 is a time, but text is expected")
    assert counts(done) == {"processed": 6, "unchanged": 5, "errors": 1}, done.out


def test_digits_a_spreadsheet_does_not_show_are_missed(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    with sqlite3.connect(sample) as db:
        db.execute("UPDATE purchases SET quantity_purchased = 2.625 + id / 1000.0 WHERE id <= 6")
        db.execute("UPDATE purchases SET quantity_purchased = 1234567 WHERE id = 7")
    path = export(run, sample, "purchases", tmp_path / "v.csv", "--limit", 7)
    rows = rows_of_csv(path)
    at = column(rows, "quantity_purchased")
    for row in rows[1:7]:
        row[at] = f"{float(row[at]):.2f}"
    done = run("-d", sample, "import-view", write_csv(path, rows), "--dry-run", "--json")
    asked = [q["question"] for q in done.json["questions"]]
    assert any("was the column shown with fewer?" in question for question in asked), done.out
    rows[7][at] = "1.23E+06"
    done = run("-d", sample, "import-view", write_csv(path, rows), "--dry-run", "--json")
    (refused,) = [p for p in done.json["problems"] if p["severity"] == "error"]
    assert refused["place"].endswith("8")
    assert '"1.23E+06" was shortened by a spreadsheet' in refused["message"]


def test_a_number_near_the_one_that_was_is_an_edit(run: Run, sample: Path, tmp_path: Path) -> None:
    """Rounding it would give what was: that is no proof that a spreadsheet changed it."""
    was = [2, 7, 7.3, 9, 10, 0.5, 100, 1]
    typed = [2.5, 7.4, 7.29, 8.99, 9.99, 0.49, 99.99, 1.01]
    with sqlite3.connect(sample) as db:
        for number, amount in enumerate(was, 1):
            db.execute("UPDATE purchases SET quantity_purchased = ? WHERE id = ?", (amount, number))

    def type_near_ones(rows: Rows) -> None:
        for row, amount in zip(rows[1:], typed, strict=True):
            row[column(rows, "quantity_purchased")], row[column(rows, "purchase_date")] = (
                amount,
                "2025-06-01",
            )

    for format_ in ("json", "csv", "xlsx"):
        path = export(run, sample, "purchases", tmp_path / f"v.{format_}", "--limit", 8)
        if format_ == "json":
            edit(path, lambda records: [
                {**r, "quantity_purchased": amount, "purchase_date": "2025-06-01"}
                for r, amount in zip(records, typed, strict=True)
            ])  # fmt: skip
        elif format_ == "csv":
            edit_csv(path, type_near_ones)
        else:
            book = openpyxl.load_workbook(path)
            sheet = book["purchases"]
            rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
            type_near_ones(rows)
            for place in range(8):
                for index, value in enumerate(rows[place + 1], 1):
                    sheet.cell(place + 2, index).value = value
            book.save(path)
        done = run("-d", sample, "import-view", path, "--dry-run", "--json")
        assert done.code == 0, done.out
        found = changes(done.json)
        assert [float(found[n]["quantity_purchased"]) for n in sorted(found)] == typed, format_


def test_an_emptied_cell_empties_and_an_empty_one_says_nothing(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = export(run, sample, "products", tmp_path / "products.csv")

    def empty(rows: Rows) -> None:
        rows[1][column(rows, "brand")] = rows[2][column(rows, "upc_code")] = ""
        rows[3][column(rows, "ingredient_name")] = ""

    edit_csv(path, empty)
    done = run("-d", sample, "import-view", path, "--dry-run", "--json")
    assert changes(done.json) == {1: {"brand": None}, 2: {"upc_code": None}}
    assert "brand: 1 cell was emptied: that empties the field" in notes(done.json)

    rows = rows_of_csv(path)
    rev = column(rows, "_rev")
    write_csv(path, [row[:rev] + row[rev + 1 :] for row in rows])
    done = run("-d", sample, "import-view", path, "--dry-run", "--json")
    assert done.json["changes"] == []
    assert done.json["summary"]["nulls_kept"] >= 2


def test_what_is_required_is_not_emptied(run: Run, sample: Path, tmp_path: Path) -> None:
    path = export(run, sample, "products", tmp_path / "products.csv")
    edit_csv(path, lambda rows: rows[1].__setitem__(column(rows, "package_unit"), ""))
    done = run("-d", sample, "import-view", path)
    assert done.code == 1
    assert "M2 " in done.out + done.err
    assert "package_unit: is empty, but a value is required" in done.out + done.err


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("#N/A", "holds the error #N/A of a spreadsheet"),
        ("#REF!", "holds the error #REF! of a spreadsheet"),
        ("=L2*2", 'holds the formula "=L2*2" without a result'),
    ],
)
def test_errors_and_formulas_are_never_values(
    run: Run, sample: Path, tmp_path: Path, cell: str, said: str
) -> None:
    path = export(run, sample, "products", tmp_path / "products.csv", "--limit", "3")

    def spoil(rows: Rows) -> None:
        rows[1][column(rows, "notes")] = rows[2][column(rows, "package_size")] = cell

    edit_csv(path, spoil)
    done = run("-d", sample, "import-view", path, "--json")
    assert done.code == 1
    found = {p["place"]: p["message"] for p in done.json["problems"] if p["severity"] == "error"}
    assert found.keys() == {"P2", "L3"}
    assert all(said in message for message in found.values())


DANGEROUS = (
    *['=HYPERLINK("http://x")', "+1 555 0100", "-5% off", "@home", "'=quoted", "''+", "\tTab"],
    *["=1+1\nsecond line", "'tis", "007", "1.50", "TRUE", "3/4", "1E5"],
)


def test_texts_a_spreadsheet_would_run_come_back_exact(
    run: Run, new_bakery: Any, tmp_path: Path
) -> None:
    url = new_bakery()
    path = export(run, url, "products", tmp_path / "view.json")

    def write(records: list[dict[str, Any]]) -> None:
        for record, text in zip(records, DANGEROUS, strict=False):
            record["notes"] = text

    edit(path, write)
    assert run("-d", url, "import-view", path).code == 0
    for ending in ("csv", "xlsx"):
        sheet = export(run, url, "products", tmp_path / f"products.{ending}")
        done = run("-d", url, "import-view", sheet, "--json")
        assert counts(done) == {"processed": 81, "unchanged": 81}, done.out
    cells = [cell for row in rows_of_csv(tmp_path / "products.csv") for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t")]
    done = run("-d", url, "import-view", excel(tmp_path / "products.csv", "de"), "--json")
    assert counts(done) == {"processed": 81, "unchanged": 81}, done.out


def test_a_point_taken_for_a_mark_of_thousands_comes_back_and_an_edit_stays(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = export(run, sample, "inventory", tmp_path / "inventory.csv")
    changed = list[str]()

    def german(rows: list[list[str]]) -> None:
        at = column(rows, "quantity")
        for row in rows[1:]:
            if len(row[at].partition(".")[2]) == 3:
                row[at] = str(int(row[at].replace(".", "")))
                changed.append(row[at])
        rows[1][at] = "3001"

    edit_csv(path, german)
    done = run("-d", sample, "import", path, "--dry-run", "--json")
    assert len(changed) > 20
    assert done.json["summary"]["updated"] == 1
    told = [p["message"] for p in done.json["problems"] if "mark of thousands" in p["message"]]
    assert told == [
        f"{len(changed)} values came back from what a spreadsheet did to them "
        "(a point taken for a mark of thousands)"
    ]


def test_a_value_typed_by_hand_is_no_damage_where_others_of_its_form_were_left_alone(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    texts = {1: "012", 2: "007", 3: "1E5", 4: "3/4", 5: "12:30"}
    sizes = {1: 2.625, 2: 3.125}
    with sqlite3.connect(sample) as db:
        for number, text in texts.items():
            db.execute("UPDATE products SET notes = ? WHERE id = ?", (text, number))
        for number, size in sizes.items():
            db.execute("UPDATE products SET package_size = ? WHERE id = ?", (size, number))

    def typed(notes: dict[int, Any], sizes: dict[int, Any]) -> dict[int, dict[str, Any]]:
        path = export(run, sample, "products", tmp_path / f"v.{ending}", "--limit", "8", "--force")

        def edit_rows(rows: Rows) -> None:
            for name, cells in (("notes", notes), ("package_size", sizes)):
                for number, cell in cells.items():
                    rows[number][column(rows, name)] = str(cell)

        def edit_records(records: list[dict[str, Any]]) -> None:
            for name, cells in (("notes", notes), ("package_size", sizes)):
                for number, cell in cells.items():
                    records[number - 1][name] = cell

        edit_csv(path, edit_rows) if ending == "csv" else edit(path, edit_records)
        done = run("-d", sample, "import-view", path, "--dry-run", "--json")
        return changes(done.json)

    for ending in ("csv", "json"):
        # all of a form changed: a spreadsheet did it
        everywhere = {1: "12", 2: "7"}
        assert typed(everywhere, {}) == {}, ending
        # one of a form changed, and another one left alone: somebody typed it
        assert typed({1: "12"}, {1: 2625}) == {1: {"notes": "12", "package_size": 2625}}, ending
        # one of a form that nothing else has: a cell was changed by its spreadsheet, a text of
        # JSON by who wrote it
        alone = typed({3: "100000", 4: "2026-03-04", 5: "12:30:00"}, {})
        assert (alone == {}) == (ending == "csv"), ending
        assert ending == "csv" or len(alone) == 3


def test_a_thousand_times_as_much_in_json_is_an_edit(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    with sqlite3.connect(sample) as db:
        db.execute("UPDATE inventory_items SET quantity = 2.625 WHERE id = 1")
    path = export(run, sample, "inventory", tmp_path / "v.json", "--limit", 1)
    edit(path, lambda records: records[0].update(quantity=2625, addition_date="2026-03-05"))
    done = run("-d", sample, "import-view", path, "--dry-run", "--json")
    assert changes(done.json)[1]["quantity"] == 2625


@pytest.mark.parametrize(("was", "typed"), [("true", "yes"), ("False", "n"), ("TRUE", "x")])
def test_a_word_no_spreadsheet_shows_is_an_edit(
    run: Run, sample: Path, tmp_path: Path, was: str, typed: str
) -> None:
    with sqlite3.connect(sample) as db:
        db.execute("UPDATE purchases SET notes = ? WHERE id = 1", (was,))
    path = export(run, sample, "purchases", tmp_path / "v.json", "--limit", 1)
    edit(path, lambda records: records[0].update(notes=typed, purchase_date="2025-06-01"))
    done = run("-d", sample, "import-view", path, "--dry-run", "--json")
    assert changes(done.json)[1]["notes"] == typed


def test_a_number_of_a_million_digits_in_a_text_is_told_at_once(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = export(run, sample, "inventory", tmp_path / "v.json", "--limit", 1)
    edit(path, lambda records: records[0].update(notes="number"))
    path.write_text(path.read_text("utf-8").replace('"number"', "1e999999999"), "utf-8")
    done = run("-d", sample, "import-view", path, "--json")
    assert [problem["code"] for problem in done.json["problems"]] == ["bad-value"]


def test_long_cells_are_told_at_once(run: Run, sample: Path, tmp_path: Path) -> None:
    path = export(run, sample, "inventory", tmp_path / "v.csv", "--limit", 4)
    rows = rows_of_csv(path)
    for row, cell in zip(
        rows[1:], ("(" * 50_000 + "1", "1%" * 50_000, "1 " * 50_000), strict=False
    ):
        row[column(rows, "quantity")] = cell
        row[column(rows, "addition_date")] = "T" * 100_000
    rows.append(["Total", *["1" + " " * 100_000 + "x"] * 3])
    done = run("-d", sample, "import-view", write_csv(path, rows), "--json")
    assert {p["code"] for p in done.json["problems"]} >= {"bad-value"}
