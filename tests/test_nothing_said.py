"""What a view's record says by an empty text, as an empty cell of a sheet has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table
from support.databases import sql
from support.hosts import guest
from support.views import exported, imported

from bakeio_core import (
    Bakeio,
    Decision,
    Entity,
    Question,
    View,
    connect,
    editable,
    key,
)

SLUG = "king_arthur_unbleached_all_purpose_flour_25lb"
Contents = dict[str, Any]


BLANK = ("ingredients", "display_name", "warning", "is blank, though a value is required: ")
FORMS: dict[str, Contents] = {
    "entity file": {"entity_type": "ingredients"},
    "view": {"view_name": "ingredients"},
}
ROWS = {"known row": "bread_flour", "new row": "fine_rye"}


@pytest.mark.parametrize("has_revision", [True, False])
@pytest.mark.parametrize("field", ["notes", "package_size", "package_unit"])
def test_a_field_that_was_emptied_is_rejected_as_one_with_another_value_is(
    core: Bakeio, bakery: str, tmp_path: Path, field: str, *, has_revision: bool
) -> None:
    sql(bakery, f"UPDATE products SET notes = 'Keep dry' WHERE slug = '{SLUG}'")
    records = exported(core, bakery, "products", tmp_path / "view.json")["records"]
    record = next(record for record in records if record["product_slug"] == SLUG)
    if not has_revision:
        del record["_rev"]
    contents = {"view_name": "products", "records": [{**record, field: ""}]}
    rejected = Question("products", {"slug": SLUG}, field, kind="change")
    decisions = {rejected: Decision.leave_field()}
    report = imported(core, bakery, contents, tmp_path / "edited.json", decisions=decisions)
    assert (report.summary["rejected"], report.summary["skipped"]) == (1, 1)
    assert [entry["field"] for entry in report.resolved] == [field]


def test_a_field_that_was_empty_already_has_nothing_to_reject(
    core: Bakeio, bakery: str, tmp_path: Path
) -> None:
    contents = {"view_name": "products", "records": [{"product_slug": SLUG, "notes": ""}]}
    decisions = {
        Question("products", {"slug": SLUG}, "notes", kind="change"): Decision.leave_field()
    }
    report = imported(core, bakery, contents, tmp_path / "edited.json", decisions=decisions)
    assert (report.summary["rejected"], report.summary["unchanged"]) == (0, 1)


@pytest.mark.parametrize("slug", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_blank_text_where_one_is_required_is_told_whichever_form_the_file_has(
    core: Bakeio, bakery: str, tmp_path: Path, form: Contents, slug: str
) -> None:
    named = "slug" if "entity_type" in form else "ingredient_slug"
    record = {named: slug, "display_name": "  ", "category": "Flour"}
    report = imported(core, bakery, {**form, "records": [record]}, tmp_path / "edited.json")
    (told,) = [p for p in report.problems if p.code == "bad-value"]
    assert (told.entity, told.field, told.severity, told.record) == (*BLANK[:3], 1)
    assert told.message.startswith(BLANK[3])


def test_a_text_that_is_empty_by_default_may_be_blank(tmp_path: Path) -> None:
    table = Table(
        "note",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("name", String(20), unique=True, nullable=False),
        Column("text", String(20), nullable=False, server_default=""),
    )
    view = View("notes", "note", {"name": key("name"), "text": editable("text")})
    core, url = guest(Entity(table, keys=["name"]), views=[view]), f"sqlite:///{tmp_path}/notes.db"
    engine = connect(url)
    table.metadata.create_all(engine)
    engine.dispose()
    records = [{"name": "a"}, {"name": "b", "text": " "}]
    report = imported(
        core, url, {"view_name": "notes", "records": records}, tmp_path / "edited.json"
    )
    assert report.summary["created"] == 2
    assert [p for p in report.problems if p.code == "bad-value"] == []
