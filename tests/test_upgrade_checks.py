"""A check that a table has got since: `upgrade` names the rows that break it and fails for none."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from support.commands import Run
from support.databases import rows_of


@pytest.fixture
def older(bakery: str) -> str:
    """A bakery from before `package_size` had to be more than 0."""
    if bakery.startswith("postgresql"):
        with psycopg.connect(bakery) as db:
            db.execute("ALTER TABLE products DROP CONSTRAINT ck_products_package_size")
        return bakery
    with closing(sqlite3.connect(bakery)) as db:
        db.execute("PRAGMA writable_schema = on")
        db.execute(
            "UPDATE sqlite_master SET sql = replace(sql, "
            "'CONSTRAINT ck_products_package_size CHECK (package_size > 0), ', '') "
            "WHERE name = 'products'"
        )
        db.commit()
    return bakery


def empty_two_packages(url: str) -> None:
    statement = "UPDATE products SET package_size = 0 WHERE id IN (3, 7)"
    if url.startswith("postgresql"):
        with psycopg.connect(url) as db:
            db.execute(statement)
        return
    with closing(sqlite3.connect(url)) as db, db:
        db.execute("PRAGMA ignore_check_constraints = on")
        db.execute(statement)


def test_rows_that_break_a_new_check_are_named_and_stay(older: str, run: Run) -> None:
    empty_two_packages(older)
    before = rows_of(older)
    for _ in range(2):
        done = run("-d", older, "upgrade")
        assert done.code == 0
        assert "2 rows of products must have package_size > 0" in done.err
        assert "id 3, 7" in done.err
    assert rows_of(older) == before


def test_the_check_is_made_where_no_row_breaks_it_and_the_database_can(
    older: str, run: Run
) -> None:
    done = run("-d", older, "upgrade", "--json")
    made = ["products(ck_products_package_size)"] if older.startswith("postgresql") else []
    assert (done.json, done.err) == ({"added": made}, "")
    assert run("-d", older, "upgrade").out == "The database is up to date.\n"


def test_a_package_of_no_size_is_refused_and_an_export_of_one_named(
    bakery: str, older: str, run: Run, tmp_path: Path
) -> None:
    empty_two_packages(older)
    done = run("-d", older, "export-complete", "-o", tmp_path / "set")
    assert done.code == 1
    assert "table products, package_size: row 3" in done.err
    assert "must be more than 0" in done.err
