"""A view as one SELECT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    MetaData,
    ScalarSelect,
    Table,
    case,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from bakeio_core.catalog.entities.model import ROW_KEY, Entity
from bakeio_core.catalog.views.view import OfRow, OfRows, Source, View
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.row_ids import row_key
from bakeio_core.errors import BakeioError, PluginError, counted, describe
from bakeio_core.values.columns import kind_of
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.kinds.numbers import Decimal, Float, all_shortest
from bakeio_core.values.kinds.text import Text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog


@dataclass
class Cell:
    """One selected value.

    Attributes:
        sql: Its expression.
        kind: What kind of value it gives.
        make: Turns a column of the driver's values into wire values; None where nothing has to. It
            raises BadValue for a cell that holds what no file can.
    """

    sql: Any
    kind: Kind
    make: Callable[[Sequence[Any]], Sequence[Any]] | None


class Projection:
    """The SELECT of a view: joins one alias per path, computed sources as they are.

    Args:
        db: The connection.
        catalog: The entities that are installed.
        entity: The view's entity.
        table: Its table or an alias of it, where what is computed of a row may look at others of
            the same table.

    Attributes:
        stored: The columns that are selected as they are, by entity.
    """

    def __init__(self, db: Connection, catalog: Catalog, entity: Entity, table: Any = None) -> None:
        self.db, self.catalog, self.entity, self.dialect = db, catalog, entity, dialect_of(db)
        self.source: Any = entity.table if table is None else table
        self.stored: dict[str, dict[str, None]] = {}
        self.aliases: dict[tuple[str, ...], tuple[Any, Entity]] = {(): (self.source, entity)}
        self._prepared: dict[Any, Any] = {}

    def cell(self, source: Source) -> Cell:
        """Return the selected value of a source.

        Args:
            source: A column, a dotted path, a function of the tables or of the row a path leads
                to, or what code computes of the ids of rows.
        """
        if isinstance(source, OfRows):
            return self._of_rows(source)
        if isinstance(source, OfRow):
            row, target = self._follow(tuple(filter(None, source.path.split("."))))
            value = source.compute(row.c)
            declared = value.type
            if isinstance(value, ScalarSelect):
                # and with nothing else: what it selects from is its own
                value = value.correlate(row)
            if row is not self.aliases[()][0]:
                value = case((row.c[target.column(target.primary_key[0]).key].is_not(None), value))
            return self._computed(value, declared)
        if callable(source):
            expression = source(self.catalog.tables)
            return self._computed(expression, expression.type)
        *steps, column = source.split(".")
        return self._stored(*self._follow(tuple(steps)), column)

    def _of_rows(self, source: OfRows) -> Cell:
        ids, kind = self.cell(self.entity.primary), kind_of(_typed(source.type))

        def make(column: Sequence[Any]) -> Sequence[Any]:
            known = column if ids.make is None else ids.make(column)
            try:
                if source.prepare not in self._prepared:
                    self._prepared[source.prepare] = source.prepare(self.db, self.catalog)
                values = source.values(self._prepared[source.prepare], known)
                wire = [None if value is None else kind.from_python(value) for value in values]
                if isinstance(kind, (Decimal, Float)):
                    wire = all_shortest([None if value is None else float(value) for value in wire])
            except (BakeioError, SQLAlchemyError):
                raise
            except Exception as error:  # a stranger's function
                raise PluginError(f"{_called(source)}: {describe(error)}") from error
            if len(wire) != len(known):
                raise PluginError(
                    f"{_called(source)} gave {counted(len(wire), 'value')} for "
                    f"{counted(len(known), 'row')}: it must give one for each, or null"
                )
            return wire

        return Cell(ids.sql, kind, make)

    def lacking(self, source: OfRows) -> Any:
        """Return the condition that code computes nothing of a row."""
        cell, ids = self.cell(source), self.cell(self.entity.primary)
        found = self.dialect.fetch(self.db, self.text(self.select([ids])))
        column = [row[0] for row in found]
        values = cell.make(column) if column and cell.make is not None else ()
        pairs = zip(column, values, strict=True)
        return ids.sql.in_([identity for identity, value in pairs if value in (None, "")])

    def _stored(self, table: Any, entity: Entity, column: str) -> Cell:
        dialect, kind = self.dialect, entity.kinds[column]
        name = (
            dialect.format_table(table) if isinstance(table, Table) else dialect.quote(table.name)
        )
        if column == ROW_KEY:
            return Cell(literal_column(row_key(dialect, name, entity)), kind, None)
        make = dialect.results(kind, entity.column(column))
        self.stored.setdefault(entity.name, {})[column] = None
        sql = dialect.read(f"{name}.{dialect.quote(column)}", kind)
        return Cell(literal_column(sql), kind, make)

    def order(self) -> list[Any]:
        """Return what sorts the rows of the view's entity in the order of their ids."""
        return [self.entity.column(name) for name in self.entity.primary_key]

    def order_of(self, column: str) -> list[Any]:
        """Return what sorts rows in the order of the ids of those that a reference leads to."""
        row, target = self._follow((column,))
        return [row.c[target.column(name).key] for name in target.primary_key]

    def _follow(self, steps: tuple[str, ...]) -> tuple[Any, Entity]:
        if steps not in self.aliases:
            parent, entity = self._follow(steps[:-1])
            reference = entity.references[steps[-1]]
            target = self.catalog.entities[reference.target]
            alias = target.table.alias(f"j{len(self.aliases)}")
            at, to = entity.column(reference.column), target.column(reference.to)
            on = alias.c[to.key] == parent.c[at.key]
            self.source = self.source.outerjoin(alias, on)
            self.aliases[steps] = (alias, target)
        return self.aliases[steps]

    def _computed(self, expression: Any, declared: Any) -> Cell:
        kind = kind_of(_typed(declared))
        if isinstance(kind, (Decimal, Float)):
            return Cell(self.dialect.as_double(expression), kind, all_shortest)
        if not kind.sql_convertible or not self.dialect.reads_expression(kind):
            return Cell(expression, kind, lambda column: list(map(kind.from_python, column)))
        return Cell(self.dialect.read_expression(expression, kind), kind, None)

    def select(self, cells: Sequence[Cell], where: Sequence[Any] = ()) -> Any:
        """Return the statement that selects cells of the rows that meet all conditions."""
        columns = [cell.sql.label(f"c{index}") for index, cell in enumerate(cells)]
        return select(*columns).select_from(self.source).where(*where)

    def text(self, statement: Any) -> str:
        """Return a statement as SQL that needs no parameters."""
        return str(
            statement.compile(dialect=self.dialect.sa, compile_kwargs={"literal_binds": True})
        )


def _called(source: OfRows) -> str:
    """Return what a plugin calls the function that computes values."""
    module = getattr(source.values, "__module__", "")
    return f"{module}.{getattr(source.values, '__qualname__', source.values)}"


def kind_of_source(catalog: Catalog, entity: Entity, source: Source) -> Kind:
    """Return what a field of a view holds, without a look at the database.

    Args:
        catalog: Every entity, for what references lead to.
        entity: The entity of the view.
        source: Where the field's value comes from.
    """
    if isinstance(source, OfRows):
        return kind_of(_typed(source.type))
    if callable(source) and not isinstance(source, OfRow):
        return kind_of(_typed(source(catalog.tables).type))
    path = source.path if isinstance(source, OfRow) else source
    *steps, column = [*filter(None, path.split(".")), *([""] if isinstance(source, OfRow) else [])]
    for step in steps:
        entity = catalog.entities[entity.references[step].target]
    if isinstance(source, OfRow):
        return kind_of(_typed(source.compute(entity.table.alias().c).type))
    return entity.kinds[column]


def _typed(declared: Any) -> Column[Any]:
    """Return a stand-in column of an expression's type.

    It stands in a table of its own, so that no range is read off it.
    """
    column: Column[Any] = Column("value", declared)
    Table("computed", MetaData(), column)
    return column


def narrowing(projection: Projection, view: View, catalog: Catalog) -> list[Any]:
    """Return the conditions of a narrowed view: no hidden rows, only records that lack a value."""
    where: list[Any] = []
    if view.hides and not view.everything:
        column = projection.entity.column(view.hides)
        where.append(or_(column.is_(None), column.is_(False)))
    fields = {**catalog.views.get(view.name, view).fields, **view.fields}
    for name in view.missing:
        source = fields[name].source
        if isinstance(source, OfRows):
            where.append(projection.lacking(source))
            continue
        cell = projection.cell(source)
        lacks = cell.sql.is_(None)
        where.append(or_(lacks, cell.sql == "") if isinstance(cell.kind, Text) else lacks)
    return where


def belonging(
    projection: Projection, column: str, view: View, catalog: Catalog
) -> tuple[list[Any], list[Any]]:
    """Return the condition and the order of rows that belong to the records of a view.

    They come in the order of those records, and among them in that of their own ids.

    Args:
        projection: Selects from their table.
        column: Their foreign key to the row of a record.
        view: The view, narrowed or not.
        catalog: The entities and views that are installed.
    """
    whole = Projection(projection.db, catalog, catalog.entities[view.entity])
    reference = projection.entity.references[column]
    conditions = narrowing(whole, view, catalog)
    parents = select(whole.entity.column(reference.to)).select_from(whole.source)
    is_shown = projection.entity.column(column).in_(parents.where(*conditions).correlate(None))
    return [is_shown], [*projection.order_of(column), *projection.order()]


def count_records(db: Connection, view: View, catalog: Catalog) -> int:
    """Count the records the default projection of a view gives."""
    projection = Projection(db, catalog, catalog.entities[view.entity])
    conditions = narrowing(projection, view, catalog)
    counted = select(func.count()).select_from(projection.source).where(*conditions)
    count = int(dialect_of(db).scalar(db, projection.text(counted)) or 0)
    return count if view.limit is None else min(count, view.limit)
