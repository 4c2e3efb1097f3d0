"""Bring an older database up to this version, and refuse to write to one that is not."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Table,
    exc,
    false,
    inspect,
    literal_column,
    select,
)
from sqlalchemy.schema import AddConstraint

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.database.dialect import log
from bakeio_core.database.dialects import columns_there, dialect_of, look_again, tables_there
from bakeio_core.errors import FIRST_RECORDS, DatabaseError, counted
from bakeio_core.history.tables import META, METADATA, VERSION, make_tables, stored_meta


def _lacking(db: Connection, catalog: Catalog) -> tuple[list[Table], list[Column[Any]]]:
    """Return the tables an older database lacks, and the columns of those it has."""
    tables = [*catalog.tables.values(), *METADATA.sorted_tables]
    there = columns_there(db, tables)
    columns = [c for table in tables if table in there for c in table.columns]
    return (
        [table for table in tables if table not in there],
        [column for column in columns if column.name not in there[column.table]],
    )


def _named(column: Column[Any]) -> str:
    return f"{column.table.fullname}.{column.name}"


def _stored_version(db: Connection) -> int:
    """Return the version of the database. Raises DatabaseError where it is newer than this one."""
    version = int(stored_meta(db).get("version", VERSION))
    if version > VERSION:
        raise DatabaseError(
            f"the database was made by a newer bakeio (its version {version}, known here "
            f"{VERSION}): update bakeio"
        )
    return version


def refuse_writing(db: Connection, catalog: Catalog) -> None:
    """Keep this bakeio from writing to a database it does not know.

    Raises:
        DatabaseError: It is newer, or lacks columns that `bakeio upgrade` adds.
    """
    version = _stored_version(db)
    lacking = _lacking(db, catalog)[1]
    columns = list(map(_named, lacking))
    if columns or version < VERSION:
        more = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
        missing = ", ".join(columns[:3]) + more or "side tables"
        raise DatabaseError(
            f"the database is older than this bakeio ({missing} missing); run: bakeio upgrade"
        )


def refuse_strangers(db: Connection, catalog: Catalog) -> None:
    """Keep from a database where another program has a table with the name of one of ours.

    Raises:
        DatabaseError: It has: the table there lacks the primary key.
    """
    for column in _lacking(db, catalog)[1]:
        if column.primary_key:
            raise DatabaseError(
                f"the table {column.table.fullname} there is of another program, it has no "
                f"{column.name}: name a database of your own with --database"
            )


BESIDE = "say --yes to create bakeio's tables beside them"
"""The remedy where a command can make the tables itself."""


def refuse_foreign(db: Connection, catalog: Catalog, remedy: str) -> None:
    """Keep from the database of another program.

    Args:
        db: The connection.
        catalog: What is installed.
        remedy: What to do instead, as the message ends.

    Raises:
        DatabaseError: It has tables, and none of them is of an entity or of bakeio itself.
    """
    there = tables_there(db).keys()
    has_ours = bool(columns_there(db, [*catalog.tables.values(), *METADATA.sorted_tables]))
    others = sorted(there)
    if others and not has_ours:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        raise DatabaseError(
            f"the database has tables of another program ({', '.join(others[:3])}{more}) and "
            f"none of bakeio: name another one with --database, or {remedy}"
        )


def _add_indexes(db: Connection, catalog: Catalog, added: Collection[str]) -> list[str]:
    """Create the indexes that are missing.

    One on the same columns serves whatever its name is, and so does one that begins with them. A
    missing unique index is not a matter of speed alone: it is made only for new columns.

    Args:
        db: The connection.
        catalog: The entities that are installed.
        added: What was just added, `table` or `table.column`.

    Returns:
        `table(column, ...)` of each, but for those of columns that were just added.
    """
    made, there = [], inspect(db)
    with warnings.catch_warnings():
        # it cannot tell what an index of expressions is on
        warnings.simplefilter("ignore", exc.SAWarning)
        known: dict[str, list[Any]] = {
            name: [*there.get_indexes(name), *there.get_unique_constraints(name)]
            for name in there.get_table_names()
        }
    taken = {index["name"] for indexes in known.values() for index in indexes} | known.keys()
    for table in (*catalog.metadata.sorted_tables, *METADATA.sorted_tables):
        if table.name not in known:  # another schema's
            continue
        whole = [
            index["column_names"]
            for index in known[table.name]
            if not any(option.endswith("_where") for option in index.get("dialect_options", {}))
        ]
        for index in table.indexes:
            columns = [column.name for column in index.columns]
            if index.name in taken:
                continue
            if any(f"{table.name}.{column}" in added for column in columns):
                index.create(db)
            elif not index.unique and columns not in [other[: len(columns)] for other in whole]:
                index.create(db)
                made.append(f"{table.name}({', '.join(columns)})")
    return made


def _add_checks(db: Connection, catalog: Catalog) -> list[str]:
    """Create the CHECK constraints that are missing, where the database can add one.

    Rows that break one are named, and it is left out: an upgrade must not fail for old rows, nor
    change them. An import keeps others from coming in either way.

    Returns:
        `table(constraint)` of each.
    """
    made, there, dialect = [], inspect(db), dialect_of(db)
    for table in catalog.metadata.sorted_tables:
        known = {check["name"] for check in there.get_check_constraints(table.name)}
        checks = [item for item in table.constraints if isinstance(item, CheckConstraint)]
        for check in sorted(checks, key=lambda check: str(check.name)):
            if not isinstance(check.name, str) or check.name in known:
                continue
            broken = _breaking(db, table, check)
            if broken:
                log.warning("%s", broken)
            elif dialect.adds_checks:
                db.execute(AddConstraint(check, isolate_from_table=False))
                made.append(f"{table.name}({check.name})")
    return made


def _breaking(db: Connection, table: Table, check: CheckConstraint) -> str:
    """Say which rows break a check; nothing where none does."""
    primary = next(iter(table.primary_key.columns))
    holds: ColumnElement[bool] = literal_column(f"({_sql(check)})", Boolean)
    ids = list(db.scalars(select(primary).where(holds.is_(false())).order_by(primary)))
    if not ids:
        return ""
    more = f" and {len(ids) - FIRST_RECORDS} more" if len(ids) > FIRST_RECORDS else ""
    rows = ", ".join(map(str, ids[:FIRST_RECORDS])) + more
    return (
        f"{counted(len(ids), 'row')} of {table.name} must have {_sql(check)}, and no import or "
        f"export takes them as they are: correct those with the {primary.name} {rows}"
    )


def _sql(check: CheckConstraint) -> str:
    return str(check.sqltext.compile(compile_kwargs={"literal_binds": True}))


def upgrade_tables(db: Connection, catalog: Catalog) -> list[str]:
    """Add what an older database lacks; the caller's transaction holds it all.

    Returns:
        What was added: `table`, `table.column`, `table(columns of an index)` or
        `table(constraint)`. The log tells of rows that break a check.

    Raises:
        DatabaseError: The database is newer, or a missing column cannot be filled because it is
            required and has no default.
    """
    _stored_version(db)
    tables, columns = _lacking(db, catalog)
    from bakeio_core.database.systems.columns.new_columns import add_column

    refuse_strangers(db, catalog)
    make_tables(db, catalog)
    for column in columns:
        add_column(db, column.table, column)
    look_again(db)
    added = [*(table.fullname for table in tables), *map(_named, columns)]
    added += _add_indexes(db, catalog, added)
    added += _add_checks(db, catalog)
    db.execute(META.update().where(META.c.key == "version").values(value=str(VERSION)))
    return added
