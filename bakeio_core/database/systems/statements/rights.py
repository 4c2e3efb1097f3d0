"""What a user of PostgreSQL may do to tables of others."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sqlalchemy import Connection, exc
from sqlalchemy.engine import URL

from bakeio_core.errors import DatabaseError

if TYPE_CHECKING:
    from bakeio_core.database.dialect import Dialect


def user_of(url: URL) -> str | None:
    """Return who works with the database of a URL, which rights are given to; None if unknown.

    That is the role that is set at once, the user of the URL, or who libpq takes in its place.
    """
    options = f"{url.query.get('options', '')} {os.environ.get('PGOPTIONS', '')}"
    role = re.search(r"\brole=([^\s]+)", options)
    named = (role and role[1]) or url.username or url.query.get("user")
    if named or "service" in url.query or "PGSERVICE" in os.environ:
        return str(named) if named else None
    with suppress(KeyError, OSError, ImportError):  # a process may have a user without a name
        return os.environ.get("PGUSER") or getpass.getuser()
    return None


def lockable(dialect: Dialect, db: Connection, names: Sequence[str]) -> list[str]:
    """Return those of some formatted tables that this user may keep other writers off.

    Whoever may neither change nor delete rows may not; what they may do to a table, which is to
    add rows at most, needs no such lock.
    """
    sql = (
        "SELECT n.name FROM unnest(%s::text[]) WITH ORDINALITY AS n(name, place) "
        "WHERE has_table_privilege(n.name::regclass, 'UPDATE, DELETE, TRUNCATE') ORDER BY n.place"
    )
    return [row[0] for row in dialect.fetch(db, sql, (list(names),))]


def may_rebuild(dialect: Dialect, db: Connection, names: Sequence[str]) -> bool:
    """Tell whether this user may drop indexes and foreign keys of tables and make them again.

    Where a constraint may be looked at late, rows that were touched before forbid it.

    Args:
        dialect: That of the database.
        db: The connection.
        names: The tables as SQL names them, the one with the indexes first.
    """
    sql = (
        "SELECT bool_and(pg_has_role(c.relowner, 'USAGE') "
        "AND has_schema_privilege(c.relnamespace, 'CREATE')) AND NOT EXISTS ("
        "SELECT FROM pg_constraint k WHERE k.condeferrable "
        "AND %s::regclass IN (k.conrelid, k.confrelid)) "
        "FROM pg_class c WHERE c.oid = ANY(%s::regclass[])"
    )
    return bool(dialect.scalar(db, sql, (names[0], list(names))))


def refuse_closed_schemas(dialect: Dialect, db: Connection) -> None:
    """Raise where no schema is looked into, or one that this user may not look into.

    Raises:
        DatabaseError: It says which, and what to grant or to change.
    """
    sql = (
        "SELECT current_user, n.nspname FROM pg_namespace n "
        "WHERE n.oid::regnamespace::text = ANY(regexp_split_to_array("
        "replace(current_setting('search_path'), '\"$user\"', current_user), ' *, *')) "
        "AND NOT has_schema_privilege(n.oid, 'USAGE')"
    )
    for user, schema in dialect.fetch(db, sql):
        raise DatabaseError(
            f"{user} may not use the schema {schema} of the database, so no table is found. Ask "
            f"its owner to run: GRANT USAGE ON SCHEMA {schema} TO {user}"
        )
    if not looked_into(dialect, db):
        named = dialect.scalar(db, "SELECT current_setting('search_path')")
        raise DatabaseError(
            f"tables are looked for in the schemas of the search_path ({named or 'it is empty'}), "
            "and the database has none of these: create one, or name another in the URL, with "
            "?options=-csearch_path%3DNAME"
        )


def looked_into(dialect: Dialect, db: Connection) -> list[str]:
    """Return the schemas in which tables without one are looked for."""
    return [row[0] for row in dialect.fetch(db, "SELECT unnest(current_schemas(false))")]


def hiding_tables(dialect: Dialect, db: Connection, names: Sequence[str]) -> list[str]:
    """Return those of some formatted tables of which a policy may hide rows from this user.

    One that is not there hides none.
    """
    sql = (
        "SELECT n.name FROM unnest(%s::text[]) WITH ORDINALITY AS n(name, place) "
        "WHERE row_security_active(to_regclass(n.name)::oid) ORDER BY n.place"
    )
    return [row[0] for row in dialect.fetch(db, sql, (list(names),))]


@contextmanager
def without_policies(dialect: Dialect, db: Connection) -> Iterator[None]:
    """Have statements fail inside the block of which a policy would hide rows."""
    before = dialect.scalar(db, "SELECT current_setting('row_security')")
    change = "SELECT set_config('row_security', %s, true)"
    dialect.scalar(db, change, ("off",))
    try:
        yield
    finally:
        # what failed in the block may have ended the transaction, and this setting with it
        with suppress(exc.SQLAlchemyError):
            dialect.scalar(db, change, (before,))


def takes_copies(dialect: Dialect, db: Connection, name: str) -> bool:
    """Tell whether COPY writes to a formatted table as INSERT does: past no policy and no rule."""
    sql = (
        "SELECT relkind IN ('r', 'p') AND NOT relhasrules AND NOT row_security_active(oid) "
        "FROM pg_class WHERE oid = %s::regclass"
    )
    return bool(dialect.scalar(db, sql, (name,)))
