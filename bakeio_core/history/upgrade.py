"""Bring an older database up to this version, and refuse to write to one that is not."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, exc, inspect

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.database.dialects import dialect_of
from bakeio_core.errors import DatabaseError
from bakeio_core.history.tables import META, METADATA, VERSION, make_tables, stored_meta


def outdated(db: Connection, catalog: Catalog) -> list[str]:
    """Return what an older database lacks, `table` or `table.column`; empty where there is nothing to upgrade_tables."""
    there = dialect_of(db).existing_columns(db)
    missing = []
    for table in [*catalog.metadata.sorted_tables, *METADATA.sorted_tables]:
        if table.name not in there:
            missing.append(table.name)
        else:
            missing += [
                f"{table.name}.{column.name}"
                for column in table.columns
                if column.name not in there[table.name]
            ]
    return missing


def refuse_writing(db: Connection, catalog: Catalog) -> None:
    """Raise DatabaseError where this bakeio must not write: the database is newer, or lacks columns `bakeio upgrade_tables` adds."""
    version = int(stored_meta(db).get("version", VERSION))
    if version > VERSION:
        raise DatabaseError(
            f"the database was made by a newer bakeio (its version {version}, known here {VERSION}): update bakeio"
        )
    columns = [name for name in outdated(db, catalog) if "." in name]
    if columns or version < VERSION:
        raise DatabaseError(
            f"the database is older than this bakeio ({_some(columns) or 'side tables'} missing); run: bakeio upgrade"
        )


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _index(db: Connection, catalog: Catalog, added: set[str]) -> list[str]:
    """Create the indexes that are missing; return them as `table(column, ...)`, but for those of columns that were just added.

    One on the same columns serves whatever it is called, and so does one that begins with them. A missing unique index is no matter of
    speed alone: it is made only for new columns.
    """
    made, there = [], inspect(db)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", exc.SAWarning
        )  # it cannot tell what an index of expressions is on
        known: dict[str, list[Any]] = {
            name: [*there.get_indexes(name), *there.get_unique_constraints(name)]
            for name in there.get_table_names()
        }
    taken = {index["name"] for indexes in known.values() for index in indexes} | known.keys()
    for table in (*catalog.metadata.sorted_tables, *METADATA.sorted_tables):
        if table.name not in known:  # another schema's
            continue
        whole = [
            index
            for index in known[table.name]
            if not any(option.endswith("_where") for option in index.get("dialect_options", {}))
        ]
        for index in table.indexes:
            columns = [column.name for column in index.columns]
            if index.name in taken:
                continue
            if any(f"{table.name}.{column}" in added for column in columns):
                index.create(db)
            elif not index.unique and not any(
                other["column_names"][: len(columns)] == columns for other in whole
            ):
                index.create(db)
                made.append(f"{table.name}({', '.join(columns)})")
    return made


def upgrade_tables(db: Connection, catalog: Catalog) -> list[str]:
    """Add the tables, columns and indexes an older database lacks; return what was added. The caller's transaction holds it all.

    Raises DatabaseError where the database is newer, or where a missing column cannot be filled (required, without a default).
    """
    version = int(stored_meta(db).get("version", VERSION))
    if version > VERSION:
        raise DatabaseError(
            f"the database was made by a newer bakeio (its version {version}, known here {VERSION}): update bakeio"
        )
    added = outdated(db, catalog)
    make_tables(db, catalog)
    dialect = dialect_of(db)
    for name in added:
        if "." in name:
            table_name, column_name = name.split(".")
            table = (catalog.metadata.tables | METADATA.tables)[table_name]
            dialect.add_column(db, table, table.c[column_name])
    added += _index(db, catalog, set(added))
    db.execute(META.update().where(META.c.key == "version").values(value=str(VERSION)))
    return added
