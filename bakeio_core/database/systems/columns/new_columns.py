"""Columns that are added to tables which are there already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, literal
from sqlalchemy.engine import Dialect as SADialect
from sqlalchemy.schema import CreateTable

from bakeio_core.errors import DatabaseError


def add_column(db: Connection, table: Table, column: Any) -> None:
    """Add a column with its default and its references to an existing table.

    Raises:
        DatabaseError: Existing rows could not be filled.
    """
    prepare = db.dialect.identifier_preparer
    added = NewColumn(
        altered=f"ALTER TABLE {prepare.format_table(table)}",
        table=prepare.format_table(table),
        name=prepare.quote(column.name),
        kind=column.type.compile(dialect=db.dialect),
        default=_default(db.dialect, column),
        is_required=not column.nullable,
        refers=[
            list(map(prepare.quote, foreign.target_fullname.split(".")))
            for foreign in column.foreign_keys
        ],
    )
    if added.is_required and added.default is None:
        raise DatabaseError(
            f"cannot add {table.name}.{column.name}: it is required and has no default. "
            "Add it by hand"
        )
    for sql in _for_sqlite(added) if db.dialect.name == "sqlite" else _for_others(added):
        db.exec_driver_sql(sql)


@dataclass(frozen=True)
class NewColumn:
    """A column that is added, in SQL: `refers` are the names of the columns it refers to."""

    altered: str
    table: str
    name: str
    kind: str
    default: str | None
    is_required: bool
    refers: list[list[str]]

    @property
    def declared(self) -> str:
        """The column with its default and whether it may be null."""
        default = f" DEFAULT {self.default}" if self.default else ""
        return f"{self.name} {self.kind}{default}" + (" NOT NULL" if self.is_required else "")


def _for_others(added: NewColumn) -> Iterator[str]:
    yield f"{added.altered} ADD COLUMN {added.declared}"
    for *target, column in added.refers:
        refers = f"REFERENCES {'.'.join(target)} ({column})"
        yield f"{added.altered} ADD FOREIGN KEY ({added.name}) {refers}"


def _for_sqlite(added: NewColumn) -> Iterator[str]:
    default = added.default or ""
    if added.is_required and ("(" in default or "CURRENT" in default):
        # SQLite adds only columns with constant defaults: add it without constraints, fill it
        yield f"{added.altered} ADD COLUMN {added.name} {added.kind}"
        yield f"UPDATE {added.table} SET {added.name} = {default}"
        return
    refers = "".join(f" REFERENCES {target} ({column})" for *_, target, column in added.refers)
    yield f"{added.altered} ADD COLUMN {added.declared}{refers}"


def _default(dialect: SADialect, column: Any) -> str | None:
    """Return the SQL of a column's default that fits into ALTER TABLE, None without one."""
    if column.server_default is not None:
        compiler: Any = dialect.ddl_compiler(dialect, CreateTable(column.table))
        return str(compiler.get_column_default_string(column))
    if column.default is not None and column.default.is_scalar:
        value = literal(column.default.arg, column.type)
        return str(value.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    return None
