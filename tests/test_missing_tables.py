"""A database that lacks a table: reading goes as far as it can, then says what to do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
from support.commands import Run


def drop(database: str, table: str) -> None:
    if database.startswith("postgresql"):
        with psycopg.connect(database) as db:
            db.execute(f"DROP TABLE {table} CASCADE")
        return
    with closing(sqlite3.connect(database)) as db:
        db.execute(f"DROP TABLE {table}")


def test_a_missing_table_is_named_with_the_remedy_which_makes_it(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    drop(bakery, "inventory_items")
    without = run("-d", bakery, "export-complete", "-o", tmp_path / "without")
    assert without.code == 0
    again = run("-d", bakery, "import-complete", tmp_path / "without")
    assert (again.code, "0 created, 0 updated" in again.out) == (0, True), again.err + again.out
    drop(bakery, "suppliers")  # which the rows of purchases refer to
    for command in (
        ("export-complete", "-o", tmp_path / "set"),
        ("export-view", "suppliers", "-o", tmp_path / "view.json"),
        ("suggest", "suppliers", "costco"),
    ):
        done = run("-d", bakery, *command)
        assert done.code == 1
        assert "has no table suppliers: run: bakeio upgrade" in done.err
    assert run("-d", bakery, "upgrade").code == 0
    assert run("-d", bakery, "suggest", "suppliers", "costco").code == 0
