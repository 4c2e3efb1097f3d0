"""Enumerations are stored as SQLAlchemy stores them, whatever a file calls their members."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Enum,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    select,
)
from support.databases import sql
from support.tables import bakeio_with, made, reading, things, writing

from bakeio_core import Bakeio, Entity, ImportRefused, View, editable, identity_columns, key
from bakeio_core.catalog.schema import view_schema


class State(enum.Enum):
    DRAFT = "draft"
    SENT = "sent"
    draft_2 = "DONE"
    DONE = "over"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


def values_of(kind: Any) -> list[str]:
    return [member.value for member in kind]


def columns() -> list[Column[Any]]:
    return [
        Column("state", Enum(State), nullable=False, default=State.DRAFT),
        Column("plain", Enum(State, native_enum=False, length=20, name="p"), default="SENT"),
        Column("valued", Enum(State, values_callable=values_of, name="v"), default=State.DONE),
        Column("size", Enum(Size), default=Size.LARGE),
        Column("listed", Enum("a", "b", name="l"), default="b"),
    ]


VIEW = View(
    name="things",
    entity="things",
    fields={"name": key("name"), "state": editable("state"), "size": editable("size")},
)


@pytest.fixture(scope="module")
def hosted() -> Bakeio:
    return bakeio_with(things(*columns()), [VIEW])


def file_of(folder: Path, *records: dict[str, Any], view: str = "") -> Path:
    header = {"view_name": view} if view else {"entity_type": "things"}
    path = folder / "file.json"
    path.write_text(json.dumps({**header, "records": records}), "utf-8")
    return path


def stored(url: str) -> list[tuple[Any, ...]]:
    return sql(url, "SELECT state, plain, valued, size, listed FROM things ORDER BY id")


def read_by_application(core: Bakeio, url: str) -> list[tuple[Any, ...]]:
    table = core.catalog.entities["things"].table
    with reading(url) as db:
        return [tuple(row)[3:] for row in db.execute(select(table).order_by(table.c.id))]


def test_what_is_stored_is_what_the_application_reads(
    hosted: Bakeio, new_database: Callable[[], str], tmp_path: Path
) -> None:
    url, table = made(hosted, new_database()), hosted.catalog.entities["things"].table
    file = file_of(
        tmp_path,
        {"name": "defaults"},
        {"name": "names", "state": "SENT", "plain": "DONE", "valued": "sent", "size": "SMALL"},
        {"name": "values", "state": "sent", "plain": "over", "valued": "DRAFT", "size": 1},
        {"name": "a value that is a name", "state": "DONE", "valued": "DONE", "listed": "a"},
        {"name": "nothing", "plain": None, "valued": None, "size": None, "listed": None},
    )
    with writing(url) as db:
        hosted.import_(db, file)
        db.execute(insert(table), {"name": "defaults of the application"})
    wanted = [
        ("DRAFT", "SENT", "over", "LARGE", "b"),
        ("SENT", "DONE", "sent", "SMALL", "b"),
        ("SENT", "DONE", "draft", "SMALL", "b"),
        ("DONE", "SENT", "DONE", "LARGE", "a"),
        ("DRAFT", None, None, None, None),
        ("DRAFT", "SENT", "over", "LARGE", "b"),
    ]
    assert stored(url) == wanted
    assert read_by_application(hosted, url)[2] == (
        *(State.SENT, State.DONE, State.DRAFT, Size.SMALL, "b"),
    )
    with reading(url) as db:
        hosted.export_complete(db, tmp_path / "set")
    other = made(hosted, new_database())
    with writing(other) as db:
        hosted.import_complete(db, tmp_path / "set")
        again = hosted.import_complete(db, tmp_path / "set").summary
    assert stored(other) == wanted
    assert (again["created"], again["updated"]) == (0, 0)


def test_a_member_is_edited_by_its_name_or_its_value(
    hosted: Bakeio, new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = made(hosted, new_database())
    with writing(url) as db:
        hosted.import_(db, file_of(tmp_path, {"name": "x"}))
        file = file_of(tmp_path, {"name": "x", "state": "sent", "size": 1}, view="things")
        report = hosted.import_(db, file)
        again = hosted.import_(db, file)
    assert stored(url)[0][0] == "SENT"
    notes = [str(problem) for problem in report.problems if problem.severity == "note"]
    assert any('"sent" is stored as "SENT"' in note for note in notes)
    assert again.summary["updated"] == 0


def test_what_no_member_is_called_is_refused_with_those_that_are(
    hosted: Bakeio, tmp_path: Path
) -> None:
    url = made(hosted, str(tmp_path / "a.db"))
    file = file_of(tmp_path, {"name": "x", "state": "Draft"}, {"name": "y", "size": True})
    with writing(url) as db, pytest.raises(ImportRefused) as refused:
        hosted.import_(db, file)
    said = [str(problem) for problem in refused.value.problems]
    assert '"Draft" is not one of "DRAFT", "SENT", "draft_2", "DONE": did you mean' in said[0]
    assert 'true is not one of "SMALL", "LARGE"' in said[1]


def test_the_schema_of_a_view_names_the_stored_texts(hosted: Bakeio) -> None:
    schema = view_schema(VIEW, hosted.catalog)
    fields = schema["properties"]["records"]["items"]["properties"]
    assert fields["state"]["enum"] == ["DRAFT", "SENT", "draft_2", "DONE", None]
    assert fields["size"]["enum"] == ["SMALL", "LARGE", None, ""]


def test_a_stored_text_that_is_no_member_is_taken_back_as_it_is(
    hosted: Bakeio, new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = made(hosted, new_database())
    sql(url, "INSERT INTO things (name, state, plain) VALUES ('x', 'DRAFT', 'of a later release')")
    with reading(url) as db:
        hosted.export_complete(db, tmp_path / "set")
    assert not hosted.validate(tmp_path / "set").errors
    other = made(hosted, new_database())
    with writing(other) as db:
        report = hosted.import_complete(db, tmp_path / "set")
        again = hosted.import_complete(db, tmp_path / "set").summary
    assert stored(other) == stored(url)
    assert [problem.severity for problem in report.problems] == ["warning"]
    assert (again["created"], again["updated"]) == (0, 0)


def keyed_by_states(metadata: MetaData) -> list[Table]:
    """Declare tables whose primary key is an enumeration, or has one, and one that refers to it."""
    state = Enum(State, name="state")
    return [
        Table("colours", metadata, Column("state", state, primary_key=True), Column("name", Text)),
        Table(
            "steps",
            metadata,
            Column("state", state, primary_key=True),
            Column("number", Integer, primary_key=True),
            Column("title", Text),
        ),
        Table(
            "paths",
            metadata,
            Column("name", String(9), primary_key=True),
            Column("state", state),
            Column("number", Integer),
            ForeignKeyConstraint(["state", "number"], ["steps.state", "steps.number"]),
        ),
    ]


def test_rows_are_found_by_a_key_that_is_an_enumeration(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    def declare(metadata: MetaData) -> list[Entity]:
        state = Column("state", Enum(State), nullable=False, unique=True)
        table = Table("states", metadata, *identity_columns(), state, Column("title", String(20)))
        return [Entity(table, keys=["state"]), *map(Entity, keyed_by_states(metadata))]

    fields = {"state": key("state"), "title": editable("title")}
    core = bakeio_with(declare, [View(name="states", entity="states", fields=fields)])
    url, other = made(core, new_database()), made(core, new_database())
    sql(url, "INSERT INTO states (state, title) VALUES ('DRAFT', 'a'), ('SENT', 'b')")
    file = tmp_path / "file.json"
    for value, title in (("DRAFT", "new"), ("draft", "newer")):
        record = {"state": value, "title": title}
        file.write_text(json.dumps({"view_name": "states", "records": [record]}), "utf-8")
        with writing(url) as db:
            assert core.import_(db, file).summary["updated"] == 1
    assert sql(url, "SELECT state, title FROM states ORDER BY id") == [
        ("DRAFT", "newer"),
        ("SENT", "b"),
    ]

    # and where it is the primary key, or a part of it that others refer to
    sql(url, "INSERT INTO colours (state, name) VALUES ('DONE', 'grey'), ('SENT', 'blue')")
    sql(url, "INSERT INTO steps VALUES ('DRAFT', 1, 'a'), ('SENT', 1, 'b')")
    sql(url, "INSERT INTO paths VALUES ('x', 'SENT', 1), ('y', NULL, NULL)")
    with reading(url) as db:
        core.export_complete(db, tmp_path / "set", prove=True)
    for each, created in ((other, 8), (other, 0), (url, 0)):
        with writing(each) as db:
            summary = core.import_complete(db, tmp_path / "set").summary
        assert (summary["created"], summary["updated"]) == (created, 0)
    for name in ("colours", "steps", "paths"):
        assert sql(other, f"SELECT * FROM {name}") == sql(url, f"SELECT * FROM {name}")
    record = {"state": "draft", "number": 1, "title": "first"}
    file.write_text(json.dumps({"entity_type": "steps", "records": [record]}), "utf-8")
    with writing(url) as db:
        assert core.import_(db, file).summary["updated"] == 1
        assert core.why(db, "steps", "DRAFT/1", "title")[0]["new"] == "first"
        assert core.undo(db).summary["updated"] == 1
    with writing(other) as db:
        assert core.undo(db).summary["deleted"] == 8


def test_a_view_lists_the_records_that_lack_a_choice(
    hosted: Bakeio, new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = made(hosted, new_database())
    sql(url, "INSERT INTO things (name, state, size) VALUES ('x', 'DRAFT', 'SMALL')")
    sql(url, "INSERT INTO things (name, state) VALUES ('y', 'DRAFT')")
    with reading(url) as db:
        hosted.export_view(db, replace(VIEW, missing=("size",)), tmp_path / "view.json")
    records = json.loads((tmp_path / "view.json").read_bytes())["records"]
    assert [record["name"] for record in records] == ["y"]
