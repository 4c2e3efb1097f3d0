"""A view as one SELECT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ScalarSelect, Table, case, func, literal_column, or_, select

from bakeio_core.catalog.model import Entity, OfRow, Source, View
from bakeio_core.database.dialects import dialect_of
from bakeio_core.values.columns import kind_of
from bakeio_core.values.kind import Kind
from bakeio_core.values.numbers import Decimal, Float, shortest
from bakeio_core.values.text import Text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog


@dataclass
class Cell:
    """One selected value: its SQL, its kind, and what turns the driver's value into a wire value (None where nothing has to)."""

    sql: Any
    kind: Kind
    make: Callable[[Any], Any] | None


class Projection:
    """The SELECT of a view: joins one alias per path, computed sources as they are.

    `cell(source)` gives the selected value of any source of the view's entity; `select(cells)` the statement.
    table: the entity's table or an alias of it, where what is computed of a row may look at others of the same table.
    """

    def __init__(self, db: Connection, catalog: Catalog, entity: Entity, table: Any = None) -> None:
        self.db, self.catalog, self.entity, self.dialect = db, catalog, entity, dialect_of(db)
        self.source: Any = entity.table if table is None else table
        self.aliases: dict[tuple[str, ...], tuple[Any, Entity]] = {(): (self.source, entity)}

    def cell(self, source: Source) -> Cell:
        """Return the selected value of a source: a column, a dotted path, a function of the tables or of the row a path leads to."""
        if isinstance(source, OfRow):
            row, target = self._follow(tuple(filter(None, source.path.split("."))))
            value = source.compute(row.c)
            if isinstance(value, ScalarSelect):
                value = value.correlate(
                    row
                )  # and with nothing else: what it selects from is its own
            return self._computed(
                value
                if row is self.aliases[()][0]
                else case((row.c[target.primary].is_not(None), value)),
                value.type,
            )
        if callable(source):
            expression = source(self.catalog.metadata.tables)
            return self._computed(expression, expression.type)
        *steps, column = source.split(".")
        table, entity = self._follow(tuple(steps))
        return self._stored(table, entity, column)

    def _stored(self, table: Any, entity: Entity, column: str) -> Cell:
        name = f"{self._name(table)}.{self.dialect.quote(column)}"
        kind = entity.kinds[column]
        make = self.dialect.result(kind, entity.table.c[column])
        if self.dialect.doubles and isinstance(kind, Decimal) and make is None:
            make = shortest
        return Cell(literal_column(self.dialect.read(name, kind)), kind, make)

    def _name(self, table: Any) -> str:
        return (
            self.dialect.format_table(table)
            if isinstance(table, Table)
            else self.dialect.quote(table.name)
        )

    def _follow(self, steps: tuple[str, ...]) -> tuple[Any, Entity]:
        if steps not in self.aliases:
            parent, entity = self._follow(steps[:-1])
            target = self.catalog.entities[entity.references[steps[-1]].target]
            alias = target.table.alias(f"j{len(self.aliases)}")
            self.source = self.source.outerjoin(
                alias, alias.c[target.primary] == parent.c[steps[-1]]
            )
            self.aliases[steps] = (alias, target)
        return self.aliases[steps]

    def _computed(self, expression: Any, declared: Any) -> Cell:
        kind = kind_of(_typed(declared))
        if isinstance(kind, (Decimal, Float)):
            return Cell(self.dialect.as_double(expression), kind, shortest)
        if not kind.sql_convertible or not self.dialect.reads_expression(kind):
            return Cell(expression, kind, kind.from_python)
        return Cell(self.dialect.read_expression(expression, kind), kind, None)

    def select(self, cells: Sequence[Cell], where: Any = ()) -> Any:
        return (
            select(*[cell.sql.label(f"c{place}") for place, cell in enumerate(cells)])
            .select_from(self.source)
            .where(*where)
        )

    def text(self, statement: Any) -> str:
        return str(
            statement.compile(dialect=self.dialect.sa, compile_kwargs={"literal_binds": True})
        )


def _typed(declared: Any) -> Column[Any]:
    """A stand-in column of an expression's type, in a table of its own so that no range is read off it."""
    from sqlalchemy import MetaData

    column: Column[Any] = Column("value", declared)
    Table("computed", MetaData(), column)
    return column


def narrowing(projection: Projection, view: View, catalog: Catalog) -> list[Any]:
    """Return what narrows a view: hidden rows left out, only records that lack a value."""
    where: list[Any] = []
    if view.hides and not view.everything:
        column = projection.entity.table.c[view.hides]
        where.append(or_(column.is_(None), column.is_(False)))
    for name in view.missing:
        cell = projection.cell(
            {**catalog.views.get(view.name, view).fields, **view.fields}[name].source
        )
        where.append(
            or_(cell.sql.is_(None), cell.sql == "")
            if isinstance(cell.kind, Text)
            else cell.sql.is_(None)
        )
    return where


def count_records(db: Connection, view: View, catalog: Catalog) -> int:
    """Return how many records the default projection of a view gives."""
    projection = Projection(db, catalog, catalog.entities[view.entity])
    conditions = narrowing(projection, view, catalog)
    counted = select(func.count()).select_from(projection.source).where(*conditions)
    count = int(dialect_of(db).scalar(db, projection.text(counted)) or 0)
    return count if view.limit is None else min(count, view.limit)
