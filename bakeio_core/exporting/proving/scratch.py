"""Make tables in a scratch database, whatever database the application made them for."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import CompileError
from sqlalchemy.types import TypeEngine

from bakeio_core.database.connect import savepoint, translated
from bakeio_core.errors import DatabaseError
from bakeio_core.history.tables import make_missing

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog


_EVERYWHERE = (PrimaryKeyConstraint, UniqueConstraint, ForeignKeyConstraint)
"""The constraints that every database has."""


def make_scratch_tables(db: Connection, catalog: Catalog) -> None:
    """Make the tables of all entities: as they are declared, where this database takes that.

    Else they are made without what only another database understands: its defaults, checks,
    indexes of expressions, constraints that wait for the end and types of its own, whose values
    are kept as texts. A set says every value itself, but for those that are computed.

    Raises:
        DatabaseError: A column is computed in a way that is not understood here.
    """
    tables = list(catalog.tables.values())
    try:
        with translated(), savepoint(db):
            make_missing(db, tables)
    except DatabaseError:
        together = MetaData()
        with translated():
            copies = [table.to_metadata(together) for table in tables]
            make_missing(db, [_plain(copy, db.dialect) for copy in copies])


def _plain(table: Table, dialect: Dialect) -> Table:
    table.constraints = {c for c in table.constraints if isinstance(c, _EVERYWHERE)}
    for constraint in table.constraints:
        constraint.deferrable = constraint.initially = None
    table.indexes = {index for index in table.indexes if index.unique and _is_plain(index)}
    for column in table.columns:
        column.identity = None
        if column.computed is None:  # else nothing would have its values
            column.server_default = None
        column.constraints = {c for c in column.constraints if not isinstance(c, CheckConstraint)}
        column.type = _generic(column.type, dialect)
    return table


def _is_plain(index: Index) -> bool:
    return not index.dialect_kwargs and all(isinstance(e, Column) for e in index.expressions)


def _generic(declared: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    """Return a type that a database has: this one, what it is everywhere, or a text."""
    if _has(dialect, declared):
        return declared
    with suppress(NotImplementedError):
        everywhere = declared.as_generic()
        if _has(dialect, everywhere):
            return everywhere
    return Text()


def _has(dialect: Dialect, type_: TypeEngine[Any]) -> bool:
    try:
        type_.compile(dialect=dialect)
    except CompileError:
        return False
    return True
