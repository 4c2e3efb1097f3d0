"""Easy records of views are decided at once, and come out as they do with care."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Numeric, String, Table, text
from support.databases import sql
from support.hosts import guest
from support.views import exported, imported

from bakeio_core import (
    Bakeio,
    Entity,
    View,
    connect,
    editable,
    hookimpl,
    identity_columns,
    key,
)
from bakeio_core.database import begin_write

Contents = dict[str, Any]
SLUG = "king_arthur_unbleached_all_purpose_flour_25lb"
HIDDEN = View(
    name="hidden",
    entity="products",
    fields={
        "product_slug": key("slug"),
        "is_hidden": editable("is_hidden"),
        "package_size": editable("package_size"),
    },
)


class WithHidden:
    @hookimpl
    def bakeio_views(self) -> View:
        return HIDDEN


@pytest.fixture(scope="module")
def with_hidden() -> Bakeio:
    """The installed plugins, and a view that says which products are hidden."""
    return Bakeio.discover(plugins=[WithHidden()])


def hidden(is_hidden: bool, size: float = 25) -> Contents:
    record = {"product_slug": SLUG, "is_hidden": is_hidden, "package_size": size}
    return {"view_name": "hidden", "records": [record]}


def test_an_edited_truth_was_a_truth(with_hidden: Bakeio, bakery: str, tmp_path: Path) -> None:
    report = imported(with_hidden, bakery, hidden(True), tmp_path / "f.json")
    assert repr(report.changes[0].old["is_hidden"]) == "False"


def test_an_undo_gives_back_a_truth_for_a_word(
    with_hidden: Bakeio, sample: Path, tmp_path: Path
) -> None:
    sql(str(sample), f"UPDATE products SET is_hidden = 'yes' WHERE slug = '{SLUG}'")
    report = imported(with_hidden, str(sample), hidden(False), tmp_path / "f.json")
    engine = connect(str(sample))
    with begin_write(engine) as db:
        with_hidden.undo(db, report.run)
        held = db.execute(text(f"SELECT is_hidden FROM products WHERE slug = '{SLUG}'")).scalar()
    engine.dispose()
    assert held == 1


def test_what_a_cell_means_is_no_edit(with_hidden: Bakeio, sample: Path, tmp_path: Path) -> None:
    noisy = f"UPDATE products SET is_hidden = 'yes', package_size = 0.1 + 0.2 WHERE slug = '{SLUG}'"
    sql(str(sample), noisy)
    report = imported(with_hidden, str(sample), hidden(True, 0.3), tmp_path / "f.json")
    assert report.summary["unchanged"] == 1


@pytest.mark.parametrize(
    ("field", "said", "severity"),
    [("product_name", "Another", "error"), ("inventory_quantity", 12345, "note")],
)
def test_a_skipped_record_is_told_what_it_says_of_its_row(
    core: Bakeio, bakery: str, tmp_path: Path, field: str, said: Any, severity: str
) -> None:
    contents = exported(core, bakery, "purchases", tmp_path / "view.json")
    contents["records"][0][field] = said
    options: dict[str, Any] = {"mode": "skip-existing", "skip_errors": True}
    report = imported(core, bakery, contents, tmp_path / "f.json", **options)
    told = [(p.code, p.severity, p.field) for p in report.problems if p.field]
    assert told == [("tampered-context", severity, field)]
    skipped = len(contents["records"]) - (severity == "error")
    assert report.summary["skipped"] == skipped


def test_a_name_that_may_be_edited_names_no_row_beside_rev(
    core: Bakeio, bakery: str, tmp_path: Path
) -> None:
    contents = exported(core, bakery, "ingredients", tmp_path / "view.json")
    kept = ("_rev", "display_name", "category")
    contents["records"] = [{name: r[name] for name in kept} for r in contents["records"][:3]]
    contents["records"][0]["category"] = "Other"
    report = imported(core, bakery, contents, tmp_path / "f.json", skip_errors=True)
    assert {p.code for p in report.problems if p.severity == "error"} == {"missing-field"}
    assert report.summary["errors"] == 3


def test_a_number_of_many_digits_that_nobody_edited_came_back_from_nothing(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    wide = Column("wide", Numeric(30, 10))
    name = Column("name", String(20), unique=True, nullable=False)
    table = Table("weights", MetaData(), *identity_columns(), name, wide, Column("notes", String))
    fields = {"name": key("name"), "wide": editable("wide"), "notes": editable("notes")}
    entity = Entity(table, keys=["name"])
    core, url = guest(entity, views=[View("weights", "weights", fields)]), new_database()
    engine = connect(url)
    with engine.begin() as db:
        core.create_tables(db)
    engine.dispose()
    rows = [{"name": "one", "wide": 1}, {"name": "half", "wide": 0.5}, {"name": "two", "wide": 2}]
    imported(core, url, {"view_name": "weights", "records": rows}, tmp_path / "new.json")
    contents = exported(core, url, "weights", tmp_path / "view.json")
    for record, notes in zip(contents["records"], ("edited", "", ""), strict=True):
        record["notes"] = notes
    report = imported(core, url, contents, tmp_path / "f.json")
    assert [p.message for p in report.problems if "spreadsheet" in p.message] == []
    assert (report.summary["updated"], report.summary["unchanged"]) == (1, 2)


def test_of_two_records_of_one_row_the_first_is_told_first(
    core: Bakeio, bakery: str, tmp_path: Path
) -> None:
    contents = exported(core, bakery, "suppliers", tmp_path / "view.json")
    record = {name: value for name, value in contents["records"][0].items() if name != "_rev"}
    contents["records"] = [{**record, "city": None, "name": ""}, record]
    report = imported(core, bakery, contents, tmp_path / "f.json", skip_errors=True)
    told = {p.code: (p.record, p.records) for p in report.problems if p.severity == "error"}
    assert told == {"bad-value": (1, [1]), "duplicate-key": (1, [1, 2])}


def test_of_two_records_with_rev_of_one_row_the_first_is_told_first(
    core: Bakeio, bakery: str, tmp_path: Path
) -> None:
    contents = exported(core, bakery, "suppliers", tmp_path / "view.json")
    record = contents["records"][0]
    contents["records"] = [{**record, "notes": "edited"}, record]
    report = imported(core, bakery, contents, tmp_path / "f.json", skip_errors=True)
    told = [(p.code, p.message[:30]) for p in report.problems if p.severity == "error"]
    assert told == [("duplicate-key", "record 2 is a copy of record 1")]


@pytest.mark.parametrize("has_rev", [True, False])
def test_a_report_has_old_numbers_as_short_as_new_ones(
    core: Bakeio, bakery: str, tmp_path: Path, has_rev: bool
) -> None:
    contents = exported(core, bakery, "products", tmp_path / "view.json")
    record = next(r for r in contents["records"] if r["product_slug"] == SLUG)
    edited = record if has_rev else {"product_slug": SLUG}
    contents["records"] = [{**edited, "package_size": 26}]
    report = imported(core, bakery, contents, tmp_path / "f.json")
    change = report.changes[0]
    assert [change.old["package_size"], change.new["package_size"]] == [25, 26]
    assert "25.0" not in json.dumps(report.as_dict(), default=str)
    assert "25.0" not in repr([change.old, change.base])
