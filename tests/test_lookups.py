"""Rows are looked up by the index that tells most.

In whatever order indexes were made, and whoever made the database.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from bakeio_core import Bakeio, connect
from bakeio_core.database.connect import begin_write

NEW = 600
INDEXES = {
    "supplier": "CREATE INDEX supplier ON purchases (supplier_id)",
    "product_and_day": (
        "CREATE INDEX product_and_day ON purchases (product_id, purchase_date, id, unit_price)"
    ),
    "product": "CREATE INDEX product ON purchases (product_id)",
    "notes": "CREATE INDEX notes ON purchases (notes) WHERE notes IS NOT NULL",
}


@pytest.fixture
def receipts(bakery: str, tmp_path: Path) -> Path:
    """New purchases of every product, many of them from one shop."""
    with connect(bakery).connect() as db:
        products = db.execute(text("SELECT slug FROM products ORDER BY id")).scalars().all()
        shops = (
            db.execute(
                text("SELECT name FROM suppliers GROUP BY name HAVING count(*) = 1 ORDER BY name")
            )
            .scalars()
            .all()
        )
    records = [
        {
            "product_slug": products[n % len(products)],
            "supplier_name": shops[n % 2],
            "purchase_date": f"2031-{1 + n // 100:02}-11",
            "unit_price": 1 + n % 7,
            "quantity_purchased": 1 + n % 3,
        }
        for n in range(NEW)
    ]
    path = tmp_path / "receipts.json"
    path.write_text(json.dumps({"view_name": "purchases", "records": records}))
    return path


def made_in_order(url: str, order: Iterable[str]) -> None:
    """Leave a database with these indexes of purchases alone, made one after another."""
    engine = connect(url)
    with engine.begin() as db:
        if engine.dialect.name == "sqlite":
            known = (
                "SELECT name FROM sqlite_master "
                "WHERE type = 'index' AND tbl_name = 'purchases' AND sql IS NOT NULL"
            )
        else:
            known = (
                "SELECT indexname FROM pg_indexes WHERE tablename = 'purchases' "
                "AND indexname LIKE 'ix%' AND indexname NOT LIKE '%uuid'"
            )
        for name in db.execute(text(known)).scalars().all():
            db.execute(text(f"DROP INDEX {name}"))
        for name in order:
            db.execute(text(INDEXES[name]))
    engine.dispose()


def work_of_importing(core: Bakeio, url: str, path: Path) -> int:
    """Import a file in SQLite and return how many instructions of its virtual machine that took.

    It is the same at every run.
    """
    engine, steps = connect(url), [0]

    @event.listens_for(engine, "connect")
    def count(connection: sqlite3.Connection, record: Any) -> None:
        def tick() -> int:
            steps[0] += 1
            return 0

        connection.set_progress_handler(tick, 100)

    with begin_write(engine) as db:
        core.import_(db, path)
    engine.dispose()
    return steps[0]


def rows_read_of_purchases(core: Bakeio, url: str, path: Path) -> int:
    """Import a file in PostgreSQL and return how many rows of purchases that read."""
    engine = connect(url)
    with begin_write(engine) as db:
        core.import_(db, path)
        db.execute(text("SELECT pg_stat_force_next_flush()"))
    with engine.connect() as db:
        found = (
            "SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0) "
            "FROM pg_stat_user_tables WHERE relname = 'purchases'"
        )
        read = int(db.execute(text(found)).scalar_one())
    engine.dispose()
    return read


def work(core: Bakeio, url: str, path: Path) -> int:
    return (work_of_importing if "://" not in url else rows_read_of_purchases)(core, url, path)


@pytest.mark.parametrize(
    "indexes",
    [
        ("supplier", "product_and_day"),
        ("supplier", "product"),
        ("supplier", "product_and_day", "notes"),
    ],
)
def test_an_import_does_the_same_work_in_whatever_order_indexes_were_made(
    core: Bakeio, new_bakery: Callable[[], str], receipts: Path, indexes: tuple[str, ...]
) -> None:
    first, again = {}, {}
    for order in permutations(indexes):
        url = new_bakery()
        made_in_order(url, order)
        first[order] = work(core, url, receipts)
        again[order] = work(core, url, receipts)
    assert max(first.values()) < 1.5 * min(first.values()), first
    assert max(again.values()) < 1.5 * min(again.values()), again


def test_new_tables_get_their_indexes_in_one_order(core: Bakeio, tmp_path: Path) -> None:
    engine = connect(tmp_path / "new.db")
    with engine.begin() as db:
        core.create_tables(db)
        made = db.execute(
            text(
                "SELECT tbl_name, name FROM sqlite_master "
                "WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid"
            )
        ).all()
    engine.dispose()
    for table in {table for table, _ in made}:
        names = [name for of, name in made if of == table]
        assert names == sorted(names)


def test_upgrade_makes_the_index_an_old_database_lacks(core: Bakeio, bakery: str) -> None:
    made_in_order(bakery, ["supplier"])
    engine = connect(bakery)
    with begin_write(engine) as db:
        added = core.upgrade(db)
    engine.dispose()
    assert "purchases(product_id, purchase_date, id, unit_price)" in added


def test_parts_of_a_key_that_are_null_are_looked_up_too(
    core: Bakeio, bakery: str, tmp_path: Path
) -> None:
    """One lot without a day must not make every lot of the batch be read."""
    with connect(bakery).connect() as db:
        products = db.execute(text("SELECT slug FROM products ORDER BY id")).scalars().all()
    lots = [
        {
            "product_slug": slug,
            "purchase_uuid": None,
            "quantity": 1,
            "addition_date": None if n % 2 else "2031-05-01",
            "location": None,
        }
        for n, slug in enumerate(products)
    ]
    path = tmp_path / "lots.json"
    path.write_text(json.dumps({"entity_type": "inventory_items", "records": lots}))
    engine, asked = connect(bakery), list[str]()
    event.listen(engine, "before_cursor_execute", lambda c, cursor, sql, *rest: asked.append(sql))
    with begin_write(engine) as db:
        assert core.import_(db, path).summary["created"] == len(lots)
    with begin_write(engine) as db:
        assert core.import_(db, path).summary["unchanged"] == len(lots)
    engine.dispose()
    whole = [
        sql
        for sql in asked
        if " FROM inventory_items t" in sql and "WHERE" not in sql and "JOIN" not in sql
    ]
    assert whole == []
