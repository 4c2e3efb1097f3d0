"""What the database refuses is told with record, field, value and the other row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    UniqueConstraint,
)
from support.own_tables import Host, table

from bakeio_core import DatabaseError, Decision, Entity, ImportRefused, View, editable, key


def things(metadata: MetaData) -> Iterable[Entity]:
    shelves = table(metadata, "shelves", Column("code", String(9), unique=True))
    yield Entity(shelves, keys=["name"], label="name")
    things = table(
        metadata,
        "things",
        # SQLite would delete the other row, which no import does
        Column("code", String(9), unique=True, sqlite_on_conflict_unique="REPLACE"),
        Column("row", Integer),
        Column("place", Integer),
        Column("kind", String(9)),
        Column("shelf_id", ForeignKey("shelves.id")),
        UniqueConstraint("row", "place", name="one_place"),
        CheckConstraint("kind <> 'big' OR row < 5", name="big_in_front"),
        CheckConstraint("abs(place) < 100"),
    )
    yield Entity(things, keys=["name"], lookups={"shelf_id": {"shelf_code": "code"}})


VIEWS = [
    View(
        name="things",
        entity="things",
        fields={
            "name": key("name"),
            "article": editable("code"),
            "row": editable("row"),
            "kind": editable("kind"),
            "shelf": editable("shelf_id.name"),
        },
    )
]


@pytest.fixture
def host(new_database: Callable[[], str], tmp_path: Path) -> Host:
    return Host(new_database(), tmp_path, things, VIEWS)


def refused(host: Host, *records: dict[str, Any], **how: Any) -> list[Any]:
    with pytest.raises(ImportRefused) as raised:
        host.import_("things", *records, **how)
    return raised.value.problems


@pytest.mark.parametrize("indent", [None, 2])
def test_a_value_another_row_has_is_named_with_that_row(host: Host, indent: int | None) -> None:
    host.import_("things", {"name": "a", "code": "x", "row": 1, "place": 2})
    problems = refused(
        host,
        {"name": "b", "code": "x"},
        {"name": "c", "row": 1, "place": 2},
        {"name": "d", "code": "new"},
        {"name": "e", "code": "new"},
        indent=indent,
    )
    told = [(p.code, p.record, p.key, p.field, p.value, p.message) for p in problems]
    remedy = "give this record another value, or leave it out"
    there = 'the row of things with name "a" (id 1) already has'
    assert told == [
        ("constraint", 2 - 1, {"name": "b"}, "code", "x", f'{there} code "x": {remedy}'),
        ("constraint", 2, {"name": "c"}, "row", 1, f"{there} row 1 and place 2: {remedy}"),
        (
            *("constraint", 4, {"name": "e"}, "code", "new"),
            f'record 3 of the file already has code "new": {remedy}',
        ),
    ]
    assert host.sql("SELECT count(*) FROM things") == [(1,)]


def test_an_update_is_told_as_a_new_row_is_and_skipping_goes_on(host: Host) -> None:
    host.import_("things", {"name": "a", "code": "x"}, {"name": "b", "code": "y", "row": 7})
    path = host.folder / "view.json"
    records = [
        {"name": "b", "article": "x"},
        {"name": "a", "row": 3},
        {"name": "c", "article": "y"},
    ]
    path.write_text(json.dumps({"view_name": "things", "records": records}))
    report = host.import_file(path, skip_errors=True)
    assert (report.summary["updated"], report.summary["errors"]) == (1, 2)
    errors = [p for p in report.problems if p.severity == "error"]
    errors.sort(key=lambda problem: problem.record)
    assert [(p.record, p.field, p.value) for p in errors] == [
        (1, "article", "x"),
        (3, "article", "y"),
    ]
    assert 'the row of things with name "a" (id 1) already has article "x"' in errors[0].message
    assert host.sql("SELECT name, row FROM things ORDER BY 1") == [("a", 3), ("b", 7)]


def test_a_rule_that_a_row_breaks_is_told_with_its_values(host: Host) -> None:
    host.import_("things", {"name": "old", "row": 9})
    problems = refused(
        host,
        {"name": "a", "kind": "big", "row": 6},
        {"name": "b", "place": 100},
        {"name": "old", "kind": "big"},
    )
    messages = {problem.record: problem.message for problem in problems}
    assert messages[1].startswith('row 6 and kind "big" together break a rule of their table: ')
    assert "kind <> 'big' OR row < 5" in messages[1]
    assert messages[2].startswith("place 100 breaks a rule of its table: ")
    assert "abs(place) < 100" in messages[2]
    assert messages[3].startswith('row 9 and kind "big" together break')
    assert [(p.field, p.value) for p in problems][1] == ("place", 100)


def test_what_only_the_database_requires_is_told_as_missing(host: Host) -> None:
    if host.engine.dialect.name == "postgresql":
        host.sql("ALTER TABLE things ALTER COLUMN code SET NOT NULL")
    else:
        host.sql(
            "CREATE TRIGGER t BEFORE INSERT ON things WHEN NEW.code IS NULL BEGIN "
            "SELECT RAISE(ABORT, 'NOT NULL constraint failed: things.code'); END"
        )
    [problem] = refused(host, {"name": "a"})
    assert (problem.code, problem.field) == ("constraint", "code")
    assert problem.message == "is missing: every row of things needs it"


def test_a_row_another_one_refers_to_is_called_by_its_name(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    def one_to_a_shelf(metadata: MetaData) -> Iterable[Entity]:
        shelves, loose = things(metadata)
        loose.table.append_constraint(UniqueConstraint("shelf_id"))
        yield from (shelves, loose)

    host = Host(new_database(), tmp_path, one_to_a_shelf, VIEWS)
    host.import_("shelves", {"name": "left", "code": "l"})
    path = host.folder / "view.json"
    records = [{"name": name, "shelf": "left"} for name in "ab"]
    path.write_text(json.dumps({"view_name": "things", "records": records}))
    with pytest.raises(ImportRefused) as raised:
        host.import_file(path)
    problem = raised.value.problems[0]
    assert (problem.record, problem.field, problem.value) == (2, "shelf", "left")
    assert 'record 1 of the file already has shelf "left"' in problem.message


def test_a_rule_of_the_application_speaks_in_its_own_words(host: Host) -> None:
    if host.engine.dialect.name == "postgresql":
        host.sql(
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN RAISE EXCEPTION ''not on Sundays''; END'"
        )
        host.sql("CREATE TRIGGER t BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION no()")
    else:
        host.sql(
            "CREATE TRIGGER t BEFORE INSERT ON things BEGIN "
            "SELECT RAISE(ABORT, 'not on Sundays'); END"
        )
    [problem] = refused(host, {"name": "a"})
    assert problem.message == "the database refuses the row: not on Sundays"


def test_a_parent_that_is_refused_is_asked_for_again_in_words(host: Host) -> None:
    host.import_("shelves", {"name": "left", "code": "x"})
    path = host.folder / "view.json"
    records = [{"name": "a", "shelf": "right"}, {"name": "b", "shelf": "left"}]
    path.write_text(json.dumps({"view_name": "things", "records": records}))

    def create(missing: Any) -> Any:
        return {item: Decision.create(code="x", **item.key) for item in missing}

    with pytest.raises(ImportRefused) as raised, host.engine.begin() as db:
        host.core.apply(db, host.core.plan(db, path, resolve=create))
    [missing] = raised.value.report.refused_decisions
    why = 'code: the row of shelves with name "left" (id 1, left) already has code "x"'
    assert missing.why.startswith(f"it cannot be created as decided: {why}")
    with host.engine.begin() as db:
        plan = host.core.plan(db, path, resolve=create)
        report = host.core.apply(db, plan, skip_errors=True)
    assert (report.summary["created"], report.summary["errors"]) == (1, 1)
    assert host.sql("SELECT name FROM things") == [("b",)]


def test_a_constraint_that_waits_for_the_end_names_its_record(
    new_postgresql: Callable[[], str], tmp_path: Path
) -> None:
    host = Host(new_postgresql(), tmp_path, things)
    host.sql("ALTER TABLE things ADD CONSTRAINT late UNIQUE (kind) DEFERRABLE INITIALLY DEFERRED")
    host.import_("things", {"name": "a", "kind": "x"})
    records = [{"name": "b", "kind": "y"}, {"name": "c", "kind": "x"}]
    [problem] = refused(host, *records)
    assert (problem.code, problem.record, problem.field) == ("constraint", 2, "kind")
    report = host.import_("things", *records, skip_errors=True)
    assert (report.summary["created"], report.summary["errors"]) == (1, 1)


def test_what_is_refused_only_at_the_commit_is_no_riddle(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    def loose(metadata: MetaData) -> Iterable[Entity]:
        yield from things(metadata)
        notes = table(
            metadata,
            "notes",
            Column("thing_id", ForeignKey("things.id", deferrable=True, initially="DEFERRED")),
        )
        yield Entity(notes, keys=["name"])

    from bakeio_core.database.connect import begin_write

    host = Host(new_database(), tmp_path, loose)
    words = "refuses what was written: a reference"
    with pytest.raises(DatabaseError, match=words) as raised, begin_write(host.engine) as db:
        host.core.import_(db, host.file("things", {"name": "a"}))
        db.exec_driver_sql("INSERT INTO notes (uuid, name, thing_id) VALUES ('u', 'n', 99)")
    assert raised.value.code == "constraint"
    assert host.sql("SELECT count(*) FROM things") == [(0,)]


def test_a_reference_that_is_looked_at_late_is_told_before_the_commit(tmp_path: Path) -> None:
    def loose(metadata: MetaData) -> Iterable[Entity]:
        yield Entity(table(metadata, "notes", Column("thing", Integer)), keys=["name"])

    host = Host(str(tmp_path / "a.db"), tmp_path, loose)
    late = "thing INTEGER REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED"
    host.sql("ALTER TABLE notes DROP COLUMN thing")
    host.sql(f"ALTER TABLE notes ADD COLUMN {late}")
    host.import_("notes", {"name": "a"})
    for how in ({}, {"dry_run": True}, {"skip_errors": True}):
        with pytest.raises(ImportRefused) as raised:
            host.import_("notes", {"name": "b", "thing": 1}, {"name": "c", "thing": 99}, **how)
        problem = raised.value.problems[0]
        assert (problem.record, problem.field, problem.value) == (2, "thing", 99)
    assert host.sql("SELECT name FROM notes") == [("a",)]
