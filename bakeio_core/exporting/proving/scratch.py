"""Make tables in a scratch database, whatever database the application made them for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, Column, Index, MetaData, Table
from sqlalchemy.types import TypeEngine

from bakeio_core.database.connect import savepoint, translated
from bakeio_core.errors import DatabaseError
from bakeio_core.history.tables import make_missing

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog


def make_scratch_tables(db: Connection, catalog: Catalog) -> None:
    """Make the tables of all entities: as they are declared, where this database takes that.

    Else they are made without what only another database understands: its defaults, checks,
    computed columns, indexes of expressions, constraints that wait for the end and types of its
    own. A set says every value itself.

    Raises:
        DatabaseError: A column has a type that cannot be had here.
    """
    tables = list(catalog.tables.values())
    try:
        with translated(), savepoint(db):
            make_missing(db, tables)
    except DatabaseError:
        together = MetaData()
        with translated():
            make_missing(db, [_plain(table.to_metadata(together)) for table in tables])


def _plain(table: Table) -> Table:
    table.constraints = {c for c in table.constraints if not isinstance(c, CheckConstraint)}
    for constraint in table.constraints:
        constraint.deferrable = constraint.initially = None
    table.indexes = {index for index in table.indexes if index.unique and _is_plain(index)}
    for column in table.columns:
        column.server_default = column.computed = column.identity = None
        column.constraints = {c for c in column.constraints if not isinstance(c, CheckConstraint)}
        column.type = _generic(column.type)
    return table


def _is_plain(index: Index) -> bool:
    return not index.dialect_kwargs and all(isinstance(e, Column) for e in index.expressions)


def _generic(declared: TypeEngine[Any]) -> TypeEngine[Any]:
    try:
        return declared.as_generic()
    except NotImplementedError:
        return declared
