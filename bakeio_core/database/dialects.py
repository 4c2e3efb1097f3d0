"""Which database systems bakeio knows."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection

from bakeio_core.database.dialect import Dialect
from bakeio_core.database.systems.foreign_keys import ForeignKeys, OfPostgreSQL, OfSQLite
from bakeio_core.database.systems.postgresql import PostgreSQL
from bakeio_core.database.systems.sqlite import SQLite
from bakeio_core.errors import UsageError


def dialect_of(db: Connection) -> Dialect:
    """Return what is known of the connection's database system.

    Raises:
        UsageError: for one bakeio does not know.
    """
    known: dict[str, type[Dialect]] = {
        "sqlite": SQLite,
        "postgresql": PostgreSQL,
        "cockroachdb": PostgreSQL,
    }
    if db.dialect.name not in known:
        raise UsageError(
            f"bakeio works with {' and '.join(sorted(set(known) - {'cockroachdb'}))}, "
            f"not with {db.dialect.name}"
        )
    return known[db.dialect.name](db.dialect)


def foreign_keys_of(db: Connection) -> ForeignKeys:
    """Return what knows the foreign keys that the connection's database has."""
    dialect = dialect_of(db)
    known = OfSQLite if isinstance(dialect, SQLite) else OfPostgreSQL
    return known(partial(dialect.fetch, db), dialect.quote, dialect.format_table)
