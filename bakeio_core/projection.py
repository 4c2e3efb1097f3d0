"""A view -> one SELECT -> records: the default of the hook `bakeio_project_view`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Column, ScalarSelect, Select, Table, func, literal_column, or_, select

from bakeio_core.dialects import Dialect, dialect_of
from bakeio_core.export import Batch, EncodedBatch
from bakeio_core.hookspecs import hookimpl
from bakeio_core.model import Entity, View
from bakeio_core.output import encode_lines
from bakeio_core.revision import Revision
from bakeio_core.values import Kind, Number, Real, Text, kind_of, shortest

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog import Catalog

__all__ = ["Projection", "bakeio_project_view", "names_a_row", "revision_of"]

PAGE = 2000


def names_a_row(catalog: Catalog, entity: Entity, source: object) -> bool:
    """Tell whether a source is one step over a reference to a column by which the target is known: a key or a lookup."""
    if not isinstance(source, str) or source.count(".") != 1:
        return False
    step, column = source.split(".")
    reference = entity.references[step]
    return (column,) in catalog.entities[reference.target].all_keys or column in reference.lookups.values()


def revision_of(catalog: Catalog, view: View) -> Revision:
    """Return what makes and reads the `_rev` of a view: over its keys, editable fields and fields that name a referred row."""
    entity, whole = catalog.entities[view.entity], catalog.views.get(view.name, view)
    naming = [name for name, item in whole.fields.items() if names_a_row(catalog, entity, item.source)]
    return Revision([name for name, item in whole.fields.items() if item.role != "readonly" or name in naming], naming)


@dataclass
class Cell:
    """One selected value: its SQL, its kind, and what turns the driver's value into a wire value (None where nothing has to)."""

    sql: Any
    kind: Kind
    make: Callable[[Any], Any] | None


class Projection:
    """The SELECT of a view: joins one alias per path, computed sources as they are.

    `cells(sources)` gives the selected values for any sources of the view's entity; `select(cells)` the statement.
    """

    def __init__(self, catalog: Catalog, entity: Entity, dialect: Dialect) -> None:
        self.catalog, self.entity, self.dialect = catalog, entity, dialect
        self.source: Any = entity.table
        self.aliases: dict[tuple[str, ...], tuple[Any, Entity]] = {(): (entity.table, entity)}
        self.chosen: dict[str, Any] = {}

    def cell(self, source: Any) -> Cell:
        """Return the selected value of a source: a column, a dotted path, or a function of the tables."""
        if callable(source):
            return self._computed(source(self.catalog.metadata.tables))
        *steps, column = source.split(".")
        table, entity = self._follow(tuple(steps))
        name = f"{self._name(table)}.{self.dialect.quote(column)}"
        kind = entity.kinds[column]
        make = self.dialect.result(kind, entity.table.c[column])
        if self.dialect.doubles and isinstance(kind, Number) and make is None:
            make = shortest
        return Cell(literal_column(self.dialect.read(name, kind)), kind, make)

    def _name(self, table: Any) -> str:
        return self.dialect.format_table(table) if isinstance(table, Table) else self.dialect.quote(table.name)

    def _follow(self, steps: tuple[str, ...]) -> tuple[Any, Entity]:
        if steps not in self.aliases:
            parent, entity = self._follow(steps[:-1])
            target = self.catalog.entities[entity.references[steps[-1]].target]
            alias = target.table.alias(f"j{len(self.aliases)}")
            self.source = self.source.outerjoin(alias, alias.c[target.primary] == parent.c[steps[-1]])
            self.aliases[steps] = (alias, target)
        return self.aliases[steps]

    def _chosen(self, expression: Any) -> Any:
        """Return a value looked up in one other row as a value of that row, joined once however many values of it are wanted."""
        chosen: Any = expression.element if isinstance(expression, ScalarSelect) else None
        value = chosen.selected_columns[0] if isinstance(chosen, Select) else None
        target = next((e for e in self.catalog.entities.values() if isinstance(value, Column) and e.table is value.table), None)
        if value is None or target is None or target is self.entity or not _takes_one(chosen):
            return expression
        which = chosen.with_only_columns(target.table.c[target.primary]).correlate(self.entity.table).scalar_subquery()
        text = str(which.compile(dialect=self.dialect.sa, compile_kwargs={"literal_binds": True}))
        if text not in self.chosen:
            self.chosen[text] = target.table.alias(f"r{len(self.chosen)}")
            self.source = self.source.outerjoin(self.chosen[text], self.chosen[text].c[target.primary] == which)
        return self.chosen[text].c[value.key]

    def _computed(self, expression: Any) -> Cell:
        expression = self._chosen(expression)
        kind = kind_of(_typed(expression))
        if isinstance(kind, (Number, Real)):
            return Cell(self.dialect.as_double(expression), kind, shortest)
        if not kind.plain or not self.dialect.reads_expression(kind):
            return Cell(expression, kind, kind.from_python)
        return Cell(self.dialect.read_expression(expression, kind), kind, None)

    def select(self, cells: list[Cell], where: Any = ()) -> Any:
        return select(*[cell.sql.label(f"c{place}") for place, cell in enumerate(cells)]).select_from(self.source).where(*where)

    def text(self, statement: Any) -> str:
        return str(statement.compile(dialect=self.dialect.sa, compile_kwargs={"literal_binds": True}))


def _takes_one(chosen: Any) -> bool:
    """Tell whether a SELECT gives the first of plain rows in an order: LIMIT 1, nothing grouped, left out or skipped."""
    limit = chosen._limit_clause
    plain = not (chosen._group_by_clauses or chosen._distinct or chosen._having_criteria or chosen._offset_clause is not None)
    return plain and limit is not None and getattr(limit, "value", None) == 1


def _typed(expression: Any) -> Column[Any]:
    """A stand-in column of the expression's type, in a table of its own so that no range is read off it."""
    from sqlalchemy import MetaData

    column: Column[Any] = Column("value", expression.type)
    Table("computed", MetaData(), column)
    return column


@hookimpl(trylast=True)
def bakeio_project_view(db: Connection, view: View, catalog: Catalog) -> Iterator[Batch]:
    """Give the view's records in the order of their ids, each with its `_rev`, by one SELECT."""
    return _project(db, view, catalog)


def _statement(db: Connection, view: View, catalog: Catalog) -> tuple[Projection, list[Cell], Any]:
    entity, dialect = catalog.entities[view.entity], dialect_of(db)
    projection = Projection(catalog, entity, dialect)
    whole = catalog.views.get(view.name, view).fields
    hashed = revision_of(catalog, view).fields
    names = [*view.fields, *(name for name in hashed if name not in view.fields)]
    by_name = {name: projection.cell({**whole, **view.fields}[name].source) for name in names}
    cells = [by_name[name] for name in names]
    cells.append(projection.cell("uuid" if "uuid" in entity.columns else entity.primary))
    conditions = _conditions(projection, view, catalog)
    return projection, cells, projection.select(cells, conditions).order_by(entity.table.c[entity.primary]).limit(view.limit)


def _conditions(projection: Projection, view: View, catalog: Catalog) -> list[Any]:
    """Return what narrows a view: hidden rows left out, only records that lack a value."""
    where: list[Any] = []
    if view.hides and not view.everything:
        column = projection.entity.table.c[view.hides]
        where.append(or_(column.is_(None), column.is_(False)))
    for name in view.missing:
        cell = projection.cell({**catalog.views.get(view.name, view).fields, **view.fields}[name].source)
        where.append(or_(cell.sql.is_(None), cell.sql == "") if isinstance(cell.kind, Text) else cell.sql.is_(None))
    return where


def count_records(db: Connection, view: View, catalog: Catalog) -> int:
    """Return how many records the default projection of a view gives."""
    projection = Projection(catalog, catalog.entities[view.entity], dialect_of(db))
    conditions = _conditions(projection, view, catalog)
    counted = select(func.count()).select_from(projection.source).where(*conditions)
    count = int(dialect_of(db).scalar(db, projection.text(counted)) or 0)
    return count if view.limit is None else min(count, view.limit)


def _project(db: Connection, view: View, catalog: Catalog) -> Iterator[Batch]:
    projection, cells, statement = _statement(db, view, catalog)
    make = _compile(view, catalog, cells)
    with projection.dialect.much_work(db):
        for rows in projection.dialect.stream(db, projection.text(statement), PAGE):
            yield EncodedBatch(len(rows), encode_lines(make(rows)))


def _compile(view: View, catalog: Catalog, cells: list[Cell]) -> Callable[[list[Any]], list[Any]]:
    """Generate a function from rows to records that encode in the order of the view's fields, `_rev` last."""
    revision = revision_of(catalog, view)
    order = [*view.fields, *(name for name in revision.fields if name not in view.fields)]
    names: dict[str, Any] = {}
    sources = []
    for place, cell in enumerate(cells):
        if cell.make:
            names[f"make{place}"] = cell.make
        sources.append(f"make{place}(v{place})" if cell.make and place < len(view.fields) else f"v{place}")
    hashed: Mapping[str, tuple[str, Kind]] = {
        name: (
            f"v{place}" if isinstance(cells[place].kind, (Number, Real)) or not cells[place].make else f"make{place}(v{place})",
            cells[place].kind,
        )
        for place, name in enumerate(order)
    }
    expression, used = revision.expression(f"v{len(cells) - 1}" if _has_uuid(view, catalog) else f"str(v{len(cells) - 1})", hashed)
    kind = msgspec.defstruct(
        "Record", [(f"f{place}", Any) for place in range(len(view.fields) + 1)],
        rename={f"f{place}": name for place, name in enumerate([*view.fields, "_rev"])}, gc=False,
    )  # fmt: skip
    loop = ", ".join(f"v{place}" for place in range(len(cells)))
    made = ", ".join([*sources[: len(view.fields)], expression])
    scope: dict[str, Any] = {**names, **used, "Record": kind}
    exec(f"def make(rows):\n    return [Record({made}) for {loop}, in rows]", scope)
    return scope["make"]  # type: ignore[no-any-return]


def _has_uuid(view: View, catalog: Catalog) -> bool:
    return "uuid" in catalog.entities[view.entity].columns
