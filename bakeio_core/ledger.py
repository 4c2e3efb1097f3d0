"""bakeio's own side tables in the user's database: its `database_id` and the version of these tables."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sqlalchemy import Column, Connection, MetaData, String, Table

from bakeio_core.catalog import Catalog
from bakeio_core.dialects import dialect_of
from bakeio_core.errors import DatabaseError

__all__ = ["adopt_database_id", "database_id", "make_tables", "refuse_writing", "upgrade"]

VERSION = 1
METADATA = MetaData()
META = Table("bakeio_meta", METADATA, Column("key", String(50), primary_key=True), Column("value", String(200), nullable=False))


def _meta(db: Connection) -> dict[str, str]:
    dialect = dialect_of(db)
    if META.name not in dialect.existing_columns(db):
        return {}
    return dict(dialect.fetch(db, f"SELECT key, value FROM {META.name}"))


def database_id(db: Connection) -> str | None:
    """Return the UUID this database keeps, None where bakeio has never written to it."""
    return _meta(db).get("database_id")


def make_tables(db: Connection, catalog: Catalog) -> list[str]:
    """Create every table that is missing, the entities' and bakeio's own; return the names of the new ones. Twice is harmless."""
    before = set(dialect_of(db).existing_columns(db))
    catalog.metadata.create_all(db)
    METADATA.create_all(db)
    meta = _meta(db)
    for key, value in {"database_id": str(uuid.uuid4()), "version": str(VERSION)}.items():
        if key not in meta:
            db.execute(META.insert().values(key=key, value=value))
    return sorted({*catalog.metadata.tables, *METADATA.tables} - before)


def adopt_database_id(db: Connection, wanted: str) -> None:
    """Take over the identity of the database a set came from: what is rebuilt from a backup is the same bakery."""
    db.execute(META.update().where(META.c.key == "database_id").values(value=wanted))


def outdated(db: Connection, catalog: Catalog) -> list[str]:
    """Return what an older database lacks, `table` or `table.column`; empty where there is nothing to upgrade."""
    there = dialect_of(db).existing_columns(db)
    missing = []
    for table in [*catalog.metadata.sorted_tables, *METADATA.sorted_tables]:
        if table.name not in there:
            missing.append(table.name)
        else:
            missing += [f"{table.name}.{column.name}" for column in table.columns if column.name not in there[table.name]]
    return missing


def refuse_writing(db: Connection, catalog: Catalog) -> None:
    """Raise DatabaseError where this bakeio must not write: the database is newer, or lacks columns `bakeio upgrade` adds."""
    version = int(_meta(db).get("version", VERSION))
    if version > VERSION:
        raise DatabaseError(f"the database was made by a newer bakeio (its version {version}, known here {VERSION}): update bakeio")
    columns = [name for name in outdated(db, catalog) if "." in name]
    if columns or version < VERSION:
        raise DatabaseError(f"the database is older than this bakeio ({_some(columns) or 'side tables'} missing); run: bakeio upgrade")


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def upgrade(db: Connection, catalog: Catalog) -> list[str]:
    """Add the tables, columns and indexes an older database lacks; return what was added. The caller's transaction holds it all.

    Raises DatabaseError where the database is newer, or where a missing column cannot be filled (required, without a default).
    """
    version = int(_meta(db).get("version", VERSION))
    if version > VERSION:
        raise DatabaseError(f"the database was made by a newer bakeio (its version {version}, known here {VERSION}): update bakeio")
    added = outdated(db, catalog)
    make_tables(db, catalog)
    dialect = dialect_of(db)
    for name in added:
        if "." in name:
            table_name, column_name = name.split(".")
            table = (catalog.metadata.tables | METADATA.tables)[table_name]
            dialect.add_column(db, table, table.c[column_name])
    for table in catalog.metadata.sorted_tables:
        for index in table.indexes:
            if any(f"{table.name}.{column.name}" in added for column in index.columns):
                index.create(db, checkfirst=True)
    db.execute(META.update().where(META.c.key == "version").values(value=str(VERSION)))
    return added
