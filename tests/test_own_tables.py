"""An application that never ran `bakeio init`: the first import makes bakeio's own tables and says
so, and rows that have nothing but an id are not doubled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Column, Engine, ForeignKey, MetaData, String, Table, inspect, text
from support.commands import Run
from support.hosts import guest, identity, name, table, write_records
from support.plugins import install
from support.reports import codes

from bakeio_core import (
    Bakeio,
    BakeioError,
    DatabaseError,
    Entity,
    ImportRefused,
    View,
    connect,
    editable,
    key,
)

OWN = {
    "bakeio_aliases",
    "bakeio_batches",
    "bakeio_changes",
    "bakeio_layouts",
    "bakeio_marks",
    "bakeio_meta",
    "bakeio_replaced",
    "bakeio_row_keys",
}
OWN |= {"bakeio_runs"}
METADATA = MetaData()
MEMOS = Table("memos", METADATA, identity(), Column("said", String(40)), Column("by", String(9)))
PAPERS = Table("papers", METADATA, identity(), Column("held", JSON))
NODES = Table(
    "nodes",
    METADATA,
    identity(),
    Column("said", String(9)),
    Column("up_id", ForeignKey("nodes.id")),
)
SEALS = Table(
    "seals",
    METADATA,
    identity(),
    Column("number", String(9), unique=True),
    Column("said", String(9)),
)
PEOPLE = Table("people", METADATA, identity(), name(), Column("town", String(40)))


@pytest.fixture(scope="module")
def host() -> Bakeio:
    fields = {"name": key("name"), "town": editable("town")}
    return guest(
        *(Entity(table) for table in (MEMOS, PAPERS, NODES)),
        Entity(SEALS, keys=["number"]),
        Entity(PEOPLE, keys=["name"]),
        views=[View(name="folk", entity="people", fields=fields)],
    )


@pytest.fixture
def engine(new_database: Callable[[], str]) -> Iterator[Engine]:
    made = connect(new_database())
    with made.begin() as db:
        METADATA.create_all(db)
    yield made
    made.dispose()


def own_tables(engine: Engine) -> set[str]:
    return {name for name in inspect(engine).get_table_names() if name.startswith("bakeio_")}


def said(report: Any) -> list[tuple[str, str]]:
    return [(problem.code, problem.severity) for problem in report.problems]


def test_the_first_import_makes_the_tables_and_says_so_whoever_asks(
    engine: Engine, host: Bakeio, tmp_path: Path
) -> None:
    file = write_records(tmp_path / "p.json", "people", {"name": "Ann"})
    with engine.begin() as db:
        plan = host.plan(db, file)
        dry = host.import_(db, file, dry_run=True)
    assert said(plan.report) == said(dry) == [("no-journal", "note")]
    assert plan.report.problems == dry.problems
    assert own_tables(engine) == set()
    with engine.begin() as db:
        report = host.import_(db, file)
        assert report.problems == dry.problems
        assert report.run == 1
        assert "bakeio_runs" in report.text() and "--no-journal" in report.text()
    assert own_tables(engine) == OWN
    with engine.begin() as db:
        again = host.import_(db, file)
        assert (again.run, said(again), again.summary["unchanged"]) == (2, [], 1)
        assert host.undo(db).summary["deleted"] == 1


def test_an_import_that_is_refused_makes_no_table(
    engine: Engine, host: Bakeio, tmp_path: Path
) -> None:
    file = write_records(tmp_path / "p.json", "people", {"name": "Ann"}, {"town": "Rome"})
    with engine.begin() as db, pytest.raises(ImportRefused):
        host.import_(db, file)
    assert own_tables(engine) == set()


def test_one_transaction_may_try_make_tables_itself_and_import(
    new_database: Callable[[], str], host: Bakeio, tmp_path: Path
) -> None:
    file = write_records(tmp_path / "p.json", "people", {"name": "Ann"})
    engine = connect(new_database())
    with engine.begin() as db:
        assert host.runs(db) == []  # nothing is there yet
        METADATA.create_all(db)
        assert said(host.import_(db, file, dry_run=True)) == [("no-journal", "note")]
        assert host.runs(db) == []
        assert host.import_(db, file).run == 1
        assert [run["id"] for run in host.runs(db)] == [1]
        for own in [*sorted(OWN - {"bakeio_runs"}), "bakeio_runs"]:
            db.execute(text(f"DROP TABLE {own}"))
        assert host.runs(db) == []
    engine.dispose()


def test_without_a_journal_it_makes_none_and_says_what_will_be_missing(
    engine: Engine, host: Bakeio, tmp_path: Path
) -> None:
    file = write_records(tmp_path / "p.json", "people", {"name": "Ann"})
    with engine.begin() as db:
        report = host.import_(db, file, journal=False)
        assert said(report) == [("no-journal", "note")]
        message = report.problems[0].message
        assert all(word in message for word in ("undo", "why", "a second import"))
        assert host.runs(db) == []
        assert host.why(db, "people", "Ann") == []
        with pytest.raises(BakeioError) as refused:
            host.undo(db)
    assert refused.value.code == "no-journal"
    assert own_tables(engine) == set()


def test_a_file_that_is_edited_again_is_no_conflict_with_itself(
    engine: Engine, host: Bakeio, tmp_path: Path
) -> None:
    with engine.begin() as db:
        db.execute(text("INSERT INTO people VALUES (1, 'Ann', 'Rome')"))
        host.export_view(db, "folk", tmp_path / "v.json")
    for town in ("Oslo", "Bonn"):
        document = json.loads((tmp_path / "v.json").read_text("utf-8"))
        document["records"][0]["town"] = town
        (tmp_path / "v.json").write_text(json.dumps(document), "utf-8")
        with engine.begin() as db:
            assert host.import_(db, tmp_path / "v.json").summary["updated"] == 1


def test_a_set_of_another_database_fills_an_empty_one_with_or_without_a_journal(
    engine: Engine, host: Bakeio, new_database: Callable[[], str], tmp_path: Path
) -> None:
    with engine.begin() as db:
        host.create_tables(db)
        db.execute(text("INSERT INTO people VALUES (1, 'Ann', 'Rome')"))
        host.export_complete(db, tmp_path / "set")
    for journal in (False, True):
        other = connect(new_database())
        with other.begin() as db:
            METADATA.create_all(db)
            host.import_complete(db, tmp_path / "set", journal=journal)
            assert table(db, "name", "people") == [("Ann",)]
        other.dispose()


# -- the command line
PLUGIN = """
from sqlalchemy import Column, Integer, String, Table
from bakeio_core import Entity, hookimpl

@hookimpl
def bakeio_entities(metadata):
    columns = [Column("id", Integer, primary_key=True), Column("name", String(9), unique=True)]
    return Entity(Table("people", metadata, *columns), keys=["name"])
"""
TABLE = "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(9) UNIQUE)"


def test_the_command_line_says_so_but_not_of_a_new_database(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "plugins", monkeypatch, "people", PLUGIN)
    url = tmp_path / "new.db"
    assert run("-d", url, "init").code == 0
    assert run("-d", url, "export-complete", "-o", tmp_path / "set").code == 0
    file = write_records(tmp_path / "p.json", "people", {"name": "Ann"})
    for words in (["import", file], ["import-complete", tmp_path / "set"]):
        path = tmp_path / f"{words[0]}.db"
        engine = connect(path)
        with engine.begin() as db:
            db.execute(text(TABLE))
        silent = run("-d", path, *words, "--no-journal", "--json")
        assert (silent.code, codes(silent.json)) == (0, {"no-journal"})
        assert own_tables(engine) == set()
        no_undo = run("-d", path, "undo", "--json")
        assert (no_undo.code, codes(no_undo.json)) == (1, {"no-journal"})
        dry = run("-d", path, *words, "--dry-run", "--json")
        assert own_tables(engine) == set()
        done = run("-d", path, *words, "--json")
        assert done.json["problems"] == dry.json["problems"] != []
        assert codes(done.json) == {"no-journal"}
        assert done.json["run"] == 1
        assert own_tables(engine) == OWN
        assert run("-d", path, *words, "--json").json["problems"] == []
        engine.dispose()
    fresh = run("-d", tmp_path / "fresh.db", "import-complete", tmp_path / "set", "--json")
    assert (fresh.code, fresh.json["problems"], fresh.json["run"]) == (0, [], 1)
    bare = ("import-complete", tmp_path / "set", "--no-journal")
    assert run("-d", tmp_path / "bare.db", *bare).code == 0
    engine = connect(tmp_path / "bare.db")
    assert own_tables(engine) == set()
    engine.dispose()


def test_a_user_who_may_make_no_tables_is_told_in_words(
    new_postgresql: Callable[[], str], host: Bakeio, tmp_path: Path
) -> None:
    engine = connect(new_postgresql())
    user = f"maker_{tmp_path.name}".replace("-", "_")[:40].lower()
    with engine.begin() as db:
        METADATA.create_all(db)
        db.execute(text(f"CREATE USER {user}"))
        db.execute(text(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}"))
        db.execute(text(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {user}"))
        db.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    file = write_records(tmp_path / "p.json", "people", {"name": "Ann"})
    try:
        with engine.begin() as db:
            db.execute(text(f"SET LOCAL ROLE {user}"))
            with pytest.raises(DatabaseError) as refused:
                host.import_(db, file)
            assert refused.value.code == "no-journal"
            assert "bakeio init" in str(refused.value) and "--no-journal" in str(refused.value)
            assert table(db, "name", "people") == []
            with pytest.raises(DatabaseError, match="may not make"):
                host.create_tables(db)
        assert own_tables(engine) == set()
    finally:
        with engine.begin() as db:
            db.execute(text(f"DROP OWNED BY {user}"))
            db.execute(text(f"DROP USER {user}"))
        engine.dispose()


# -- rows that have nothing but an id
WITHOUT_NUMBERS = "INSERT INTO seals VALUES (1, NULL, 'a'), (2, NULL, NULL), (3, 'n', 'b')"


def test_rows_with_nothing_but_an_id_are_not_doubled_by_a_second_import(
    engine: Engine, host: Bakeio, tmp_path: Path
) -> None:
    with engine.begin() as db:
        db.execute(text("INSERT INTO memos VALUES (1, 'x', 'me'), (2, 'x', 'me'), (3, 'y', NULL)"))
        db.execute(text(WITHOUT_NUMBERS))
        host.export_complete(db, tmp_path / "set")
        before = table(db, "id, said", "memos")
    for number in (1, 2):
        with engine.begin() as db:
            report = host.import_complete(db, tmp_path / "set")
            assert (report.run, report.summary["created"]) == (number, 0)
            assert table(db, "id, said", "memos") == before
    with engine.begin() as db:
        host.export_complete(db, tmp_path / "later")
        db.execute(text("DELETE FROM memos WHERE id = 2"))
        assert host.import_complete(db, tmp_path / "later").summary["created"] == 1
        assert table(db, "id, said", "memos") == before


def test_a_set_of_nobody_knows_which_database_is_refused_where_ids_are_taken_by_other_rows(
    engine: Engine, host: Bakeio, tmp_path: Path
) -> None:
    with engine.begin() as db:
        db.execute(text("INSERT INTO memos VALUES (1, 'x', 'me')"))
        host.export_complete(db, tmp_path / "set")
        db.execute(text("UPDATE memos SET said = 'z'"))
    with engine.begin() as db, pytest.raises(ImportRefused) as refused:
        host.import_complete(db, tmp_path / "set")
    assert [p.code for p in refused.value.problems if p.severity == "error"] == ["ambiguous-key"]
    with engine.begin() as db:
        assert table(db, "said", "memos") == [("z",)]


def test_rows_of_another_database_join_those_here_once(
    engine: Engine, host: Bakeio, new_database: Callable[[], str], tmp_path: Path
) -> None:
    with engine.begin() as db:
        host.create_tables(db)
        db.execute(text("INSERT INTO memos VALUES (1, 'x', 'me'), (2, 'x', 'me')"))
        db.execute(text(WITHOUT_NUMBERS))
        host.export_complete(db, tmp_path / "set")
    other = connect(new_database())
    with other.begin() as db:
        METADATA.create_all(db)
        db.execute(text("INSERT INTO memos VALUES (1, 'mine', 'you')"))
        db.execute(text("INSERT INTO seals VALUES (1, 'm', 'a')"))
    for created in (5, 0):
        with other.begin() as db:
            assert host.import_complete(db, tmp_path / "set").summary["created"] == created
            assert table(db, "said", "memos") == [("mine",), ("x",), ("x",)]
            assert len(table(db, "id", "seals")) == 4
    with other.begin() as db:
        db.execute(text("UPDATE memos SET said = 'corrected' WHERE id = 2"))
        assert host.import_complete(db, tmp_path / "set").summary["created"] == 0
        assert table(db, "said", "memos") == [("corrected",), ("mine",), ("x",)]
    other.dispose()


@pytest.mark.parametrize(
    ("entity", "row"), [("papers", "(1, '[1]')"), ("nodes", "(1, 'top', NULL), (2, 'below', 1)")]
)
def test_rows_that_cannot_be_told_apart_are_refused_a_second_time_and_come_home_by_their_ids(
    engine: Engine, host: Bakeio, tmp_path: Path, entity: str, row: str
) -> None:
    with engine.begin() as db:
        db.execute(text(f"INSERT INTO {entity} VALUES {row}"))
        host.export_complete(db, tmp_path / "set")
        before = len(table(db, "id", entity))
    with engine.begin() as db, pytest.raises(ImportRefused) as refused:
        host.import_complete(db, tmp_path / "set")
    errors = [p for p in refused.value.problems if p.severity == "error"]
    assert {p.code for p in errors} == {"ambiguous-key"}
    assert "bakeio init" in errors[0].message
    with engine.begin() as db:
        assert len(table(db, "id", entity)) == before
        host.create_tables(db)
        host.export_complete(db, tmp_path / "later")
    with engine.begin() as db:
        assert host.import_complete(db, tmp_path / "later").summary["unchanged"] == before
