"""Whose database is this? What is no database of bakeio is told for what it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import Run
from support.databases import sql

from bakeio_core import Bakeio, connect
from bakeio_core.errors import DatabaseError


def test_init_asks_before_it_makes_tables_beside_those_of_another_program(
    new_database: Callable[[], str], run: Run, sample_set: Path
) -> None:
    url = new_database()
    sql(url, "CREATE TABLE orders (id integer PRIMARY KEY)")
    said = (
        "Error: the database has tables of another program (orders) and none of bakeio: name "
        "another one with --database, or say --yes to create bakeio's tables beside them\n"
    )
    for words in (["init"], ["import-complete", sample_set]):
        refused = run("-d", url, *words)
        assert (refused.code, refused.err) == (1, said)
    assert run("-d", url, "init", "--yes").code == 0
    assert run("-d", url, "init").out.endswith("all tables exist already\n")


def test_a_table_of_another_program_with_a_name_of_ours_is_called_so(
    new_database: Callable[[], str], run: Run
) -> None:
    url = new_database()
    sql(url, "CREATE TABLE suppliers (code text, boss text)")
    sql(url, "INSERT INTO suppliers VALUES ('a', 'b')")
    for command in ("init", "upgrade", "export-complete"):
        refused = run("-d", url, command)
        assert refused.code == 1
        assert "the table suppliers there is of another program, it has no id:" in refused.err
    assert "no bakeio_meta" not in refused.err


def test_what_reads_an_older_database_names_the_remedy(bakery: str, run: Run) -> None:
    sql(bakery, "ALTER TABLE products DROP COLUMN upc_code")
    for words in (
        ["export-view", "products", "-o", "x.json"],
        ["why", "products", "1"],
        ["suggest", "products", "flour"],
    ):
        refused = run("-d", bakery, *words)
        assert refused.code == 1
        assert "has no column upc_code: if it is older than this bakeio, run bakeio upgrade" in (
            refused.err
        ), words
    taken_back = run("-d", bakery, "undo", "--yes")
    assert "(products.upc_code missing); run: bakeio upgrade" in taken_back.err
    assert run("-d", bakery, "upgrade").code == 0
    assert run("-d", bakery, "why", "products", "1").code == 0


@pytest.mark.parametrize(
    ("database", "code", "told"),
    [
        ("folder", 2, "folder is a folder: name a file in it, such as folder/bakeio.db"),
        ("text.txt", 1, "file is not a database: it is another kind of file: choose a database"),
        ("empty.db", 1, "no database at empty.db; run: bakeio init"),
        (
            "foreign.db",
            1,
            "has tables of another program (tickets) and none of bakeio: name another one with "
            "--database, or run: bakeio init --yes",
        ),
        ("mysql://me:secret@h/db", 2, "bakeio works with SQLite and PostgreSQL: write a path"),
        ("nonsense://me:secret@h/db", 2, "bakeio works with SQLite and PostgreSQL"),
        (
            "postgresql+psycopg2://me:secret@h/db",
            2,
            "cannot use postgresql+psycopg2://me:***@h/db: No module named 'psycopg2'; "
            "write postgresql:// in place of it, which uses psycopg",
        ),
        ("postgresql://me:secret@127.0.0.1:9/x", 1, "is the server running, and are host and port"),
        ("postgresql://me:secret@no.invalid/x", 1, "is the server running, and are host and port"),
    ],
)
def test_what_is_no_database_is_told_in_one_line_with_the_next_step(
    database: str, code: int, told: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("text.txt").write_text("This is a letter, and no database at all. " * 99)
    Path("empty.db").touch()
    sql("foreign.db", "CREATE TABLE tickets (id INTEGER PRIMARY KEY)")
    done = run("-d", database, "export-complete")
    assert (done.code, len(done.err.splitlines())) == (code, 1)
    assert told in done.err
    assert "secret" not in done.err


def test_a_program_gets_missing_tables_made_as_the_command_makes_them(
    sample_set: Path, core: Bakeio, tmp_path: Path
) -> None:
    engine = connect(tmp_path / "new.db")
    with engine.begin() as db:
        with pytest.raises(DatabaseError, match="has no table"):
            core.import_complete(db, sample_set, dry_run=True)
        assert core.import_complete(db, sample_set).summary["created"] == 776
    engine.dispose()
    with sqlite3.connect(tmp_path / "new.db") as plain:
        assert plain.execute("SELECT count(*) FROM purchases").fetchone() == (400,)
