"""What a view's record says by an empty text, as an empty cell of a sheet has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.databases import sql

from bakeio_core import Bakeio, Decision, Question, Report, connect
from bakeio_core.database import begin_write

SLUG = "king_arthur_unbleached_all_purpose_flour_25lb"
Contents = dict[str, Any]


def imported(core: Bakeio, url: str, folder: Path, contents: Contents, **options: Any) -> Report:
    path = folder / "edited.json"
    path.write_text(json.dumps(contents))
    engine = connect(url)
    with begin_write(engine) as db:
        report = core.import_(db, path, **options)
    engine.dispose()
    return report


def exported(core: Bakeio, url: str, folder: Path, view: str) -> Contents:
    engine = connect(url)
    with engine.connect() as db:
        core.export_view(db, view, folder / "view.json")
    engine.dispose()
    contents: Contents = json.loads((folder / "view.json").read_text())
    del contents["record_count"]
    return contents


SHOWN = {
    "purchases": ("product_slug", "product_name", "product_id", "purchase_id"),
    "products": ("product_slug", "ingredient_name", "ingredient_slug", "product_id"),
}
FIELDS = [(view, field) for view, fields in SHOWN.items() for field in fields]


@pytest.mark.parametrize("has_revision", [True, False])
@pytest.mark.parametrize(("view", "field"), FIELDS)
def test_an_empty_text_says_as_little_as_a_null_where_nothing_is_written(
    core: Bakeio, bakery: str, tmp_path: Path, view: str, field: str, *, has_revision: bool
) -> None:
    contents = exported(core, bakery, tmp_path, view)
    record = contents["records"][0]
    if not has_revision:
        del record["_rev"]
    reports = []
    for nothing in ("", None):
        contents["records"] = [{**record, field: nothing}]
        reports.append(imported(core, bakery, tmp_path, contents))
    as_empty, as_null = reports
    assert as_empty.summary["unchanged"] == 1
    assert as_empty.summary == as_null.summary
    assert as_empty.problems == as_null.problems


def test_a_record_with_an_empty_key_is_known_by_a_standard_number(
    core: Bakeio, bakery: str, tmp_path: Path
) -> None:
    records = exported(core, bakery, tmp_path, "products")["records"]
    code = next(record["upc_code"] for record in records if record["upc_code"])
    for key in ({}, {"product_slug": None}, {"product_slug": ""}):
        record = {**key, "upc_code": code}
        contents = {"view_name": "products", "records": [record]}
        assert imported(core, bakery, tmp_path, contents).summary["unchanged"] == 1


@pytest.mark.parametrize("has_revision", [True, False])
@pytest.mark.parametrize("field", ["notes", "package_size", "package_unit"])
def test_a_field_that_was_emptied_is_rejected_as_one_with_another_value_is(
    core: Bakeio, bakery: str, tmp_path: Path, field: str, *, has_revision: bool
) -> None:
    sql(bakery, f"UPDATE products SET notes = 'Keep dry' WHERE slug = '{SLUG}'")
    records = exported(core, bakery, tmp_path, "products")["records"]
    record = next(record for record in records if record["product_slug"] == SLUG)
    if not has_revision:
        del record["_rev"]
    contents = {"view_name": "products", "records": [{**record, field: ""}]}
    rejected = Question("products", {"slug": SLUG}, field, kind="change")
    decisions = {rejected: Decision.leave_field()}
    report = imported(core, bakery, tmp_path, contents, decisions=decisions)
    assert (report.summary["rejected"], report.summary["skipped"]) == (1, 1)
    assert [entry["field"] for entry in report.resolved] == [field]


def test_a_field_that_was_empty_already_has_nothing_to_reject(
    core: Bakeio, bakery: str, tmp_path: Path
) -> None:
    contents = {"view_name": "products", "records": [{"product_slug": SLUG, "notes": ""}]}
    decisions = {
        Question("products", {"slug": SLUG}, "notes", kind="change"): Decision.leave_field()
    }
    report = imported(core, bakery, tmp_path, contents, decisions=decisions)
    assert (report.summary["rejected"], report.summary["unchanged"]) == (0, 1)
