"""Which database systems bakeio knows, and what is asked of a database once in a transaction."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Set
from functools import partial
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Table, inspect
from sqlalchemy.schema import CreateSchema

from bakeio_core.database.dialect import Dialect
from bakeio_core.database.systems.foreign_keys import ForeignKeys, OfPostgreSQL, OfSQLite
from bakeio_core.database.systems.statements.forms import server_encoding
from bakeio_core.database.systems.statements.rights import looked_into
from bakeio_core.errors import DatabaseError, UsageError
from bakeio_core.values import Charset
from bakeio_core.values.wording import kind_of_thing

T = TypeVar("T")
Found = Mapping[str, Set[str]]
"""The tables of a database by name, with the columns each really has."""
_answers: WeakKeyDictionary[object, WeakKeyDictionary[object, dict[str, Any]]] = WeakKeyDictionary()
"""What was answered in a transaction, and in each of its savepoints."""


def dialect_of(db: Connection) -> Dialect:
    """Return what is known of the connection's database system.

    Where the environment says `BAKEIO_DIALECT=portable`, a server that speaks the language of
    PostgreSQL is asked for none of the statements that such engines may lack.

    Raises:
        UsageError: for one bakeio does not know, and for what is no connection.
    """
    if not isinstance(db, Connection):
        raise UsageError(
            f"a connection is expected, not {kind_of_thing(db)}: "
            "with engine.begin() as db, or session.connection() of an ORM session"
        )
    name = db.dialect.name
    if name == "sqlite":
        from bakeio_core.database.systems.sqlite import SQLite

        return SQLite(db.dialect)
    if name == "cockroachdb" or _is_portable(name):
        from bakeio_core.database.systems.portable import Portable

        return Portable(db.dialect)
    if name == "postgresql" and server_encoding(db) == "SQL_ASCII":
        from bakeio_core.database.systems.unchecked_texts import UncheckedTexts

        return UncheckedTexts(db.dialect)
    if name == "postgresql":
        from bakeio_core.database.systems.postgresql import PostgreSQL

        return PostgreSQL(db.dialect)
    raise UsageError(f"bakeio works with postgresql and sqlite, not with {name}")


def _is_portable(name: str) -> bool:
    return name == "postgresql" and os.environ.get("BAKEIO_DIALECT") == "portable"


def once(db: Connection, question: str, ask: Callable[[], T]) -> T:
    """Return what a database answers, asked once in a transaction until `look_again`.

    An import wants to know some thirty times which tables there are. What is answered inside a
    savepoint goes with it, as a table made there may.

    Args:
        db: The connection.
        question: What is asked.
        ask: Asks it.
    """
    outer = db.get_transaction() or db.begin()
    inner = db.get_nested_transaction() or outer
    answers = _answers.setdefault(outer, WeakKeyDictionary())
    for known in (answers.get(inner, {}), answers.get(outer, {})):
        if question in known:
            return cast("T", known[question])
    answer = ask()
    answers.setdefault(inner, {})[question] = answer
    return answer


def look_again(db: Connection) -> None:
    """Ask anew from now on: tables were made, or others may have made some."""
    _answers.pop(db.get_transaction(), None)


def tables_there(db: Connection) -> Found:
    """Return the tables a database has without naming a schema, with their columns."""
    return once(db, "tables", lambda: dialect_of(db).existing_columns(db))


def charset_of(db: Connection) -> Charset | None:
    """Return the characters that texts of the connection's database can have, None for all."""
    return None if db.dialect.name == "sqlite" else Charset.of(server_encoding(db))


def schemas_looked_into(db: Connection) -> list[str]:
    """Return the schemas in which tables are looked for; none where there is but one place."""
    return [] if db.dialect.name == "sqlite" else looked_into(dialect_of(db), db)


def columns_there(db: Connection, tables: Iterable[Table]) -> dict[Table, Set[str]]:
    """Return those of some tables that the database has, with the columns they really have."""
    found: dict[Table, Set[str]] = {}
    wanted: dict[str | None, list[Table]] = {}
    for table in tables:
        wanted.setdefault(table.schema, []).append(table)
    for schema, some in wanted.items():
        there = _of_schema(db, schema) if schema else tables_there(db)
        found.update((table, there[table.name]) for table in some if table.name in there)
    return found


def _of_schema(db: Connection, schema: str) -> Found:
    known = inspect(db)
    if schema not in known.get_schema_names():
        return {}
    columns = known.get_multi_columns(schema=schema)
    return {name: {column["name"] for column in some} for (_, name), some in columns.items()}


def make_schemas(db: Connection, tables: Iterable[Table]) -> None:
    """Create the schemas of tables that are missing.

    Raises:
        DatabaseError: That is not a matter of a statement here.
    """
    there = inspect(db).get_schema_names()
    for schema in sorted({table.schema for table in tables if table.schema} - {*there}):
        if db.dialect.name == "sqlite":
            raise DatabaseError(
                f'the database has no schema "{schema}": attach a database of that name to the '
                "connection first"
            )
        db.execute(CreateSchema(schema))


def foreign_keys_of(db: Connection) -> ForeignKeys:
    """Return what knows the foreign keys that the connection's database has."""
    dialect = dialect_of(db)
    known = OfSQLite if db.dialect.name == "sqlite" else OfPostgreSQL
    return known(partial(dialect.fetch, db), dialect.quote, dialect.format_table)
