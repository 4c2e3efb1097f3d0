"""What a database holds, read without bakeio's imports and exports, and what other programs do to
it meanwhile.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, text

from bakeio_core import connect

TABLES = {
    "suppliers": "id uuid slug name city state zip notes created_at updated_at",
    "ingredients": "id uuid slug display_name category notes created_at updated_at",
    "products": (
        "id uuid slug ingredient_id brand product_name package_size package_unit "
        "package_unit_quantity upc_code preferred_supplier_id is_hidden notes created_at updated_at"
    ),
    "purchases": (
        "id uuid product_id supplier_id purchase_date unit_price quantity_purchased "
        "notes created_at updated_at"
    ),
    "inventory_items": (
        "id uuid product_id purchase_id quantity addition_date location notes created_at updated_at"
    ),
}
"""The columns of the bakery's tables."""
MADE_NEW = ("uuid", "created_at", "updated_at")
"""The columns in which the same row differs from database to database."""
STAMPS = MADE_NEW[1:]
NUMBERS = ("package_size", "package_unit_quantity", "unit_price", "quantity_purchased", "quantity")


# -- reading
def rows_of(url: str | Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all columns, read by the plain driver and made comparable between SQLite and
    PostgreSQL.
    """
    server = str(url).startswith("postgresql")
    db: Any = psycopg.connect(str(url)) if server else sqlite3.connect(url)
    try:
        if server:
            db.execute("SET TimeZone = 'UTC'")
        found = {}
        for table, columns in TABLES.items():
            rows = db.execute(
                f"SELECT {columns.replace(' ', ', ')} FROM {table} ORDER BY id"
            ).fetchall()
            found[table] = _comparable(columns.split(), rows)
        return found
    finally:
        db.close()


def _comparable(names: list[str], rows: list[Any]) -> list[tuple[Any, ...]]:
    """Return rows whose values are alike whichever system they come from."""
    columns = list(zip(*rows, strict=True))
    for place, name in enumerate(names if rows else ()):
        make = _maker(name)
        if make is not None:
            columns[place] = [None if value is None else make(value) for value in columns[place]]
    return list(zip(*columns, strict=True))


def _maker(column: str) -> Callable[[Any], Any] | None:
    """Return what makes the values of a column comparable, None where they are."""
    if column.endswith("_at"):
        return lambda value: str(value).replace("+00:00", "").removesuffix(".000000")
    if column.endswith("_date"):
        return str
    if column == "is_hidden":
        return bool
    return float if column in NUMBERS else None


def rows_without(url: str | Path, *left_out: str) -> dict[str, list[dict[str, Any]]]:
    """All rows without some columns, as what differs each time: uuid and stamps."""
    found = {}
    for table, rows in rows_of(url).items():
        named = [dict(zip(TABLES[table].split(), row, strict=True)) for row in rows]
        found[table] = [
            {column: value for column, value in row.items() if column not in left_out}
            for row in named
        ]
    return found


def hash_of(url: str | Path) -> str:
    """One number for all rows and columns of a database."""
    return hashlib.sha256(repr(rows_of(url)).encode()).hexdigest()


def exact_rows(db: Connection) -> dict[str, list[str]]:
    """All rows of the bakery as their driver gives them, type and all; none of bakeio's tables."""
    return {
        name: sorted(map(repr, db.execute(text(f"SELECT * FROM {name}")).all())) for name in TABLES
    }


def exact_rows_of(url: str | Path) -> dict[str, list[str]]:
    """Do what `exact_rows` does, in a transaction of its own."""
    engine = connect(url)
    with engine.connect() as db:
        found = exact_rows(db)
    engine.dispose()
    return found


def state(url: str) -> Any:
    """Everything a dry run must leave alone: all rows, the tables, and the sequences; of SQLite the
    file itself.
    """
    if url.startswith("postgresql"):
        with psycopg.connect(url) as db:
            tables = db.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' "
                "ORDER BY 1"
            ).fetchall()
            sequences = db.execute(
                "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1"
            ).fetchall()
        return tables, sequences, rows_of(url) if tables else None
    if not Path(url).exists():
        return None
    connection = sqlite3.connect(url)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    tables = connection.execute("SELECT name FROM sqlite_master ORDER BY 1").fetchall()
    connection.close()
    return tables, hashlib.sha256(Path(url).read_bytes()).hexdigest()


# -- writing
def sql(url: str | Path, *statements: str, **values: Any) -> list[tuple[Any, ...]]:
    """Run statements in one transaction; return the rows of the last one, if it has any."""
    engine = connect(url)
    found: list[tuple[Any, ...]] = []
    with engine.begin() as db:
        for statement in statements:
            result = db.execute(text(statement), values)
            found = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return found


def execute(url: str, statement: str) -> None:
    """Run a statement as another program would, without waiting for anybody."""
    if url.startswith("postgresql"):
        with psycopg.connect(url, options="-c lock_timeout=500") as server:
            server.execute(statement)  # type: ignore[call-overload]
        return
    db = sqlite3.connect(url, timeout=0)
    with db:
        db.execute(statement)
    db.close()
