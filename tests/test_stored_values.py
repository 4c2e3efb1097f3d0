"""What was exported restores: rows as other programs write them, in both databases."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.commands import Run
from support.databases import exact_rows_of, sql
from support.files import document, edit_set, set_contents

from bakeio_core import Bakeio, ExportRefused, connect
from bakeio_core.database.connect import begin_read, begin_write

PLAIN = {
    "an instant with Z": (
        "purchases",
        "created_at",
        "'2025-01-05T10:00:00Z'",
        "2025-01-05T10:00:00Z",
    ),
    "an instant as Go writes it": (
        "purchases",
        "created_at",
        "'2025-01-05T10:00:00.12345Z'",
        "2025-01-05T10:00:00.123450Z",
    ),
    "an instant of another zone": (
        "purchases",
        "updated_at",
        "'2025-01-05T10:00:00.123+01:00'",
        "2025-01-05T09:00:00.123000Z",
    ),
    "an instant that is a day": ("suppliers", "created_at", "'2025-01-05'", "2025-01-05T00:00:00Z"),
    "a day at midnight": ("purchases", "purchase_date", "'2025-01-05 00:00:00'", "2025-01-05"),
    "a day at midnight in UTC": (
        "inventory_items",
        "addition_date",
        "'2025-01-05T00:00:00.000Z'",
        "2025-01-05",
    ),
    "true as a word": ("products", "is_hidden", "'true'", True),
    "false as a letter": ("products", "is_hidden", "'f'", False),
    "noise of binary arithmetic": ("purchases", "unit_price", "0.1 + 0.2", 0.3),
    "more decimals than the column has": ("purchases", "unit_price", "0.459375", 0.459375),
    "a third": ("products", "package_size", "1 / 3.0", 0.333333333333333),
    "a number too large for the column": ("products", "package_size", "1e20", 1e20),
    "a text too long for the column": ("suppliers", "state", "'" + "x" * 90 + "'", "x" * 90),
}
UNHELD = {
    "infinity": ("purchases", "unit_price", "9e999", "Infinity"),
    "bytes that are no UTF-8": ("suppliers", "name", "CAST(x'436166e9' AS TEXT)", "x'436166e9'"),
    "a BLOB in a text": ("products", "notes", "x'ff00fe'", "x'ff00fe'"),
    "a NUL in a text": ("products", "notes", "'a' || char(0) || 'b'", "NUL"),
    "a word in a number": ("products", "package_size", "'abc'", '"abc"'),
    "a word in a truth": ("products", "is_hidden", "'perhaps'", '"perhaps"'),
    "a day of no calendar": ("purchases", "purchase_date", "'2025-02-30'", "2025-02-30"),
    "a day and an hour": ("purchases", "purchase_date", "'2025-01-05 08:00:00'", "08:00"),
    "a number in a day": ("purchases", "purchase_date", "1736071200", "1736071200"),
    "a zero day": ("purchases", "purchase_date", "'0000-00-00'", "0000-00-00"),
    "a word in an instant": ("suppliers", "updated_at", "'yesterday'", "yesterday"),
    "a reference to no row": ("purchases", "supplier_id", "9999", "9999"),
}
VIEWS = {"products": "products", "purchases": "purchases", "inventory_items": "inventory"}


def spoil(path: Path, table: str, column: str, value: str) -> None:
    """Write a value into the first row as another program would, which checks nothing."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA ignore_check_constraints = on")
        db.execute(f"UPDATE {table} SET {column} = {value} WHERE id = 1")


def first(folder: Path, table: str) -> dict[str, Any]:
    name = next(path for path in folder.iterdir() if path.name.endswith(f"_{table}.json"))
    record: dict[str, Any] = json.loads(name.read_bytes())["records"][0]
    return record


@pytest.mark.parametrize("case", PLAIN)
def test_a_value_whose_meaning_is_plain_is_exported_and_restored(
    sample: Path, tmp_path: Path, run: Run, case: str
) -> None:
    table, column, value, wire = PLAIN[case]
    spoil(sample, table, column, value)
    assert run("-d", sample, "export-complete", "-o", tmp_path / "set", "--prove").code == 0
    assert first(tmp_path / "set", table)[column] == wire
    assert run("validate-export", tmp_path / "set").code == 0
    home = run("-d", sample, "import-complete", tmp_path / "set")
    assert "0 created, 0 updated, 776 unchanged" in home.out
    elsewhere = tmp_path / "other.db"
    assert run("-d", elsewhere, "import-complete", tmp_path / "set").code == 0
    assert run("-d", elsewhere, "export-complete", "-o", tmp_path / "again").code == 0
    assert set_contents(tmp_path / "set") == set_contents(tmp_path / "again")


@pytest.mark.parametrize("case", PLAIN)
def test_an_unedited_view_of_such_values_changes_nothing_and_says_nothing(
    sample: Path, tmp_path: Path, run: Run, case: str
) -> None:
    spoil(sample, *PLAIN[case][:3])
    for view in VIEWS.values():
        file = tmp_path / f"{view}.json"
        assert run("-d", sample, "export-view", view, "-o", file, "--all").code == 0
        done = run("-d", sample, "import-view", file)
        assert (done.code, "0 created, 0 updated" in done.out) == (0, True), done.out
        assert "warning" not in done.out


@pytest.mark.parametrize("case", UNHELD)
def test_a_value_no_file_can_hold_is_named_and_nothing_is_written(
    sample: Path, tmp_path: Path, run: Run, case: str
) -> None:
    table, column, value, said = UNHELD[case]
    spoil(sample, table, column, value)
    done = run("-d", sample, "export-complete", "-o", tmp_path / "set", "--zip")
    assert done.code == 1
    assert f"table {table}, {column}: row 1" in done.err
    assert said in done.err
    assert not (tmp_path / "set").exists()
    assert not list(tmp_path.glob("archives/*"))


@pytest.mark.parametrize("case", UNHELD)
def test_a_view_that_shows_such_a_value_names_it_and_is_not_written(
    sample: Path, tmp_path: Path, run: Run, case: str
) -> None:
    table, column, value, said = UNHELD[case]
    spoil(sample, table, column, value)
    shown = {"suppliers": "name", "products": "notes package_size", "purchases": "unit_price"}
    file = tmp_path / "view.json"
    for view in VIEWS.values():
        done = run("-d", sample, "export-view", view, "-o", file, "--all")
        if done.code:
            assert (done.code, file.exists()) == (1, False)
            assert f"table {table}, {column}: row 1" in done.err
            assert said in done.err
        else:
            json.loads(file.read_bytes(), parse_constant=pytest.fail)
            file.unlink()
            is_shown = column in shown.get(table, "").split()
            assert not (is_shown and VIEWS.get(table) == view)


def test_as_stored_writes_null_and_keeps_what_is_stored_in_the_manifest(
    sample: Path, tmp_path: Path, run: Run
) -> None:
    spoil(sample, "products", "notes", "x'ff00fe'")
    done = run("-d", sample, "export-complete", "-o", tmp_path / "set", "--as-stored")
    assert done.code == 0
    assert "table products, notes: row 1" in done.err
    assert first(tmp_path / "set", "products")["notes"] is None
    gap = {"entity": "products", "field": "notes", "id": 1, "base64": "/wD+"}
    assert document(tmp_path / "set" / "manifest.json")["gaps"] == [gap]
    for command in (
        ("validate-export", tmp_path / "set"),
        ("-d", tmp_path / "other.db", "import-complete", tmp_path / "set"),
    ):
        told = run(*command)
        assert told.code == 0
        assert "is null in place of what no file can hold" in told.out + told.err


def test_values_that_only_their_column_refuses_come_back_with_a_warning(
    sample: Path, tmp_path: Path, run: Run
) -> None:
    spoil(sample, "purchases", "unit_price", "0.459375")
    run("-d", sample, "export-complete", "-o", tmp_path / "set")
    done = run("-d", tmp_path / "other.db", "import-complete", tmp_path / "set")
    assert done.code == 0
    said = next(
        line for line in (done.out + done.err).splitlines() if "unit_price: does not fit" in line
    )
    assert said.startswith("warning: 04_purchases.json, record 1 ")


def test_they_are_refused_by_another_kind_of_database(
    sample: Path, tmp_path: Path, run: Run, new_postgresql: Callable[[], str]
) -> None:
    spoil(sample, "purchases", "unit_price", "0.459375")
    run("-d", sample, "export-complete", "-o", tmp_path / "set")
    done = run("-d", new_postgresql(), "import-complete", tmp_path / "set")
    assert done.code == 1
    assert "0.459375 has 6 decimals" in done.out + done.err


def test_what_no_row_may_have_is_no_value_to_take_back(
    sample: Path, folder: Path, run: Run
) -> None:
    edit_set(folder, "04_purchases.json", lambda records: records[2].update(quantity_purchased=-1))
    for command in (("validate-export", folder), ("-d", sample, "import-complete", folder)):
        done = run(*command)
        assert done.code == 1
        assert "-1 is out of range: must be more than 0" in done.out + done.err


def test_prices_raised_by_sql_are_no_edits_of_a_view_or_a_set(
    bakery: str, tmp_path: Path, run: Run
) -> None:
    sql(bakery, "UPDATE purchases SET unit_price = unit_price * 1.05")
    before = exact_rows_of(bakery)
    run("-d", bakery, "export-view", "purchases", "-o", tmp_path / "view.json")
    run("-d", bakery, "export-complete", "-o", tmp_path / "set")
    view = {r["purchase_id"]: r["unit_price"] for r in document(tmp_path / "view.json")["records"]}
    records = document(tmp_path / "set" / "04_purchases.json")["records"]
    assert view == {r["id"]: r["unit_price"] for r in records}
    for command, source in (("import-view", "view.json"), ("import-complete", "set")):
        done = run("-d", bakery, command, tmp_path / source)
        assert (done.code, "0 created, 0 updated" in done.out) == (0, True), done.out
    assert exact_rows_of(bakery) == before


def test_an_edit_beside_such_a_price_is_taken(sample: Path, tmp_path: Path, run: Run) -> None:
    sql(str(sample), "UPDATE purchases SET unit_price = unit_price * 1.05")
    run("-d", sample, "export-view", "purchases", "-o", tmp_path / "view.json")
    whole = document(tmp_path / "view.json")
    whole["records"][0]["notes"] = "seen"
    (tmp_path / "view.json").write_text(json.dumps(whole), "utf-8")
    assert "0 created, 1 updated" in run("-d", sample, "import-view", tmp_path / "view.json").out


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("purchases", "unit_price", "'NaN'"),
        ("purchases", "purchase_date", "'infinity'"),
        ("suppliers", "updated_at", "'-infinity'"),
        ("inventory_items", "addition_date", "'12025-01-05'"),
    ],
)
def test_what_postgresql_has_beyond_numbers_and_calendars_is_named(
    new_postgresql: Callable[[str], str],
    sample_template: str,
    tmp_path: Path,
    run: Run,
    table: str,
    column: str,
    value: str,
) -> None:
    bakery = new_postgresql(sample_template)
    sql(bakery, f"UPDATE {table} SET {column} = {value} WHERE id = 1")
    done = run("-d", bakery, "export-complete", "-o", tmp_path / "set")
    assert (done.code, (tmp_path / "set").exists()) == (1, False)
    assert f"table {table}, {column}: row 1" in done.err
    if table in VIEWS:
        shown = run("-d", bakery, "export-view", VIEWS[table], "-o", tmp_path / "view.json")
        assert (shown.code, (tmp_path / "view.json").exists()) == (1, False)


odd = {
    ("suppliers", "name"): ["CAST(x'436166e9' AS TEXT)", "x'00'", "'é' || char(0)", "' '", "5"],
    ("suppliers", "created_at"): [
        "'2025-01-05T10:00:00Z'",
        "'2025-01-05 10:00'",
        "'2025-01-05 10:00:00.1 +05:30'",
        "'soon'",
        "1736071200",
        "'2025-13-05 10:00:00'",
        "CURRENT_TIMESTAMP",
    ],
    ("products", "package_size"): ["0.1 + 0.2", "1e15", "-0.0", "9e999", "'1,5'", "x'31'", "1e-7"],
    ("products", "is_hidden"): ["'TRUE'", "' no '", "2", "1.0", "'x'", "x'01'"],
    ("products", "preferred_supplier_id"): ["1.5", "'a'", "77777", "NULL"],
    ("purchases", "unit_price"): ["unit_price * 1.05", "-1", "1/3.0", "12345678.9", "-9e999"],
    ("purchases", "purchase_date"): ["'2025-01-05T00:00'", "'5.1.2025'", "20250105", "''"],
    ("inventory_items", "quantity"): ["quantity / 7.0", "'many'", "123456789012345678"],
}
edits = st.lists(
    st.sampled_from([(*where, value) for where, values in odd.items() for value in values]),
    min_size=1,
    max_size=3,
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=edits)
def test_what_the_export_says_is_what_every_import_does(
    edits: list[tuple[str, str, str]],
    sample_database: Path,
    core: Bakeio,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    path = folder / "bakery.db"
    path.write_bytes(sample_database.read_bytes())
    for edit in edits:
        spoil(path, *edit)
    engine, other = connect(path), connect(folder / "other.db")
    try:
        with begin_read(engine) as db:
            core.export_complete(db, folder / "set")
    except ExportRefused as refused:
        assert refused.problems
        assert not (folder / "set").exists()
    else:
        assert not core.validate(folder / "set").errors
        with begin_write(other) as db:
            core.create_tables(db)
            core.import_complete(db, folder / "set")
        with begin_read(other) as db:
            core.export_complete(db, folder / "again")
        # a number may be spelled 1e-7 or 1.0e-07, as Python or SQLite writes it
        first, again = (set_contents(folder / name) for name in ("set", "again"))
        assert list(map(json.loads, first.values())) == list(map(json.loads, again.values()))
        with begin_write(engine) as db:
            summary = core.import_complete(db, folder / "set").summary
        assert (summary["created"], summary["updated"]) == (0, 0)
    finally:
        engine.dispose()
        other.dispose()


def test_what_other_programs_stored_is_no_measure_of_edits(
    sample: Path, tmp_path: Path, run: Run
) -> None:
    file = tmp_path / "view.json"
    run("-d", sample, "export-view", "purchases", "-o", file)
    whole = document(file)
    for record in whole["records"]:
        record["unit_price"] = 5.25 if record["purchase_id"] != 1 else record["unit_price"]
    file.write_text(json.dumps(whole), "utf-8")
    spoil(sample, "purchases", "unit_price", "'abc'")
    done = run("-d", sample, "import-view", file, "--dry-run", "--yes")
    assert "updated" in done.out, done.out + done.err
