"""A view -> one SELECT -> records: the default of the hook `bakeio_project_view`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Column, ScalarSelect, Select, Table, case, func, literal_column, or_, select

from bakeio_core.dialects import dialect_of
from bakeio_core.errors import BakeioError, PluginError
from bakeio_core.export import Batch, EncodedBatch
from bakeio_core.hookspecs import hookimpl
from bakeio_core.model import Entity, OfRow, Source, View
from bakeio_core.output import encode_lines
from bakeio_core.plugins import describe
from bakeio_core.revision import Revision, field_hash, hashing
from bakeio_core.values import Kind, Number, Real, Text, all_shortest, kind_of, shortest

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog import Catalog

__all__ = ["Projection", "bakeio_project_view", "names_a_row", "revision_of"]

PAGE = 500
"""Rows worked on at a time: so few that a page's values stay in a processor's cache."""
REMEMBERED = 100_000
"""The most referred rows remembered for each reference, a few hundred bytes each."""


def names_a_row(catalog: Catalog, entity: Entity, source: object) -> bool:
    """Tell whether a source is one step over a reference to a column by which the target is known: a key or a lookup."""
    if not isinstance(source, str) or source.count(".") != 1:
        return False
    step, column = source.split(".")
    reference = entity.references[step]
    return (column,) in catalog.entities[reference.target].all_keys or column in reference.lookups.values()


def revision_of(catalog: Catalog, view: View) -> Revision:
    """Return what makes and reads the `_rev` of a view: over its keys, fields that name a referred row, and other editable fields."""
    entity, whole = catalog.entities[view.entity], catalog.views.get(view.name, view)
    firm = [name for name, item in whole.fields.items() if item.role == "key" or names_a_row(catalog, entity, item.source)]
    return Revision([*firm, *(name for name, item in whole.fields.items() if item.role == "editable" and name not in firm)], len(firm))


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
        self.chosen: dict[str, Any] = {}

    def cell(self, source: Source) -> Cell:
        """Return the selected value of a source: a column, a dotted path, a function of the tables or of the row a path leads to."""
        if isinstance(source, OfRow):
            row, target = self._follow(tuple(filter(None, source.path.split("."))))
            value = source.compute(row.c)
            if isinstance(value, ScalarSelect):
                value = value.correlate(row)  # and with nothing else: what it selects from is its own
            return self._computed(value if row is self.aliases[()][0] else case((row.c[target.primary].is_not(None), value)), value.type)
        if callable(source):
            expression = source(self.catalog.metadata.tables)
            return self._chosen(expression) or self._computed(expression, expression.type)
        *steps, column = source.split(".")
        table, entity = self._follow(tuple(steps))
        return self._stored(table, entity, column)

    def _stored(self, table: Any, entity: Entity, column: str) -> Cell:
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

    def _chosen(self, expression: Any) -> Cell | None:
        """Return a value looked up in one other row: as it is where an index alone has it, else as a column of that row.

        The row is joined once, however many values of it are wanted.
        """
        chosen: Any = expression.element if isinstance(expression, ScalarSelect) else None
        value = chosen.selected_columns[0] if isinstance(chosen, Select) else None
        target = next((e for e in self.catalog.entities.values() if isinstance(value, Column) and e.table is value.table), None)
        if value is None or target is None or target is self.entity or not _takes_one(chosen):
            return None
        which = chosen.with_only_columns(target.table.c[target.primary]).correlate(self.entity.table).scalar_subquery()
        text = self.text(which)
        if text not in self.chosen:
            cell = self._stored(target.table, target, value.name)
            alone = chosen.with_only_columns(cell.sql, maintain_column_froms=True).correlate(self.entity.table).scalar_subquery()
            if self.dialect.answers_by_index(self.db, self.text(select(alone).select_from(self.entity.table)), target.table.name):
                return replace(cell, sql=alone)
            self.chosen[text] = target.table.alias(f"r{len(self.chosen)}")
            self.source = self.source.outerjoin(self.chosen[text], self.chosen[text].c[target.primary] == which)
        return self._stored(self.chosen[text], target, value.name)

    def _computed(self, expression: Any, declared: Any) -> Cell:
        kind = kind_of(_typed(declared))
        if isinstance(kind, (Number, Real)):
            return Cell(self.dialect.as_double(expression), kind, shortest)
        if not kind.plain or not self.dialect.reads_expression(kind):
            return Cell(expression, kind, kind.from_python)
        return Cell(self.dialect.read_expression(expression, kind), kind, None)

    def select(self, cells: Sequence[Cell], where: Any = ()) -> Any:
        return select(*[cell.sql.label(f"c{place}") for place, cell in enumerate(cells)]).select_from(self.source).where(*where)

    def text(self, statement: Any) -> str:
        return str(statement.compile(dialect=self.dialect.sa, compile_kwargs={"literal_binds": True}))


def _takes_one(chosen: Any) -> bool:
    """Tell whether a SELECT gives the first of plain rows in an order: LIMIT 1, nothing grouped, left out or skipped."""
    limit = chosen._limit_clause
    plain = not (chosen._group_by_clauses or chosen._distinct or chosen._having_criteria or chosen._offset_clause is not None)
    return plain and limit is not None and getattr(limit, "value", None) == 1


def _typed(declared: Any) -> Column[Any]:
    """A stand-in column of an expression's type, in a table of its own so that no range is read off it."""
    from sqlalchemy import MetaData

    column: Column[Any] = Column("value", declared)
    Table("computed", MetaData(), column)
    return column


@hookimpl(trylast=True)
def bakeio_project_view(db: Connection, view: View, catalog: Catalog) -> Iterator[Batch]:
    """Give the view's records in the order of their ids, each with its `_rev`, by one SELECT."""
    return _project(db, view, catalog)


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
    projection = Projection(db, catalog, catalog.entities[view.entity])
    conditions = _conditions(projection, view, catalog)
    counted = select(func.count()).select_from(projection.source).where(*conditions)
    count = int(dialect_of(db).scalar(db, projection.text(counted)) or 0)
    return count if view.limit is None else min(count, view.limit)


def _project(db: Connection, view: View, catalog: Catalog) -> Iterator[Batch]:
    try:
        paging = Paging(db, view, catalog)
    except BakeioError:
        raise
    except Exception as error:  # what is computed is a stranger's function
        raise PluginError(f'the view "{view.name}" cannot be made: {describe(error)}') from error
    with paging.dialect.much_work(db):
        for rows in paging.dialect.stream(db, paging.statement, PAGE):
            yield EncodedBatch(len(rows), encode_lines(paging.records(rows)))


Slot = tuple["Remembered | None", int]
"""Where a field's values are: in the rows of the view or in what is remembered of the referred ones, and the place there."""


class Paging:
    """A view page by page: `statement` gives the rows, `records` makes their records, `_rev` last.

    Pages are worked on column by column. What a referred row says is read once and remembered, where many rows refer to few.
    """

    def __init__(self, db: Connection, view: View, catalog: Catalog) -> None:
        self.db, self.catalog, self.entity, self.dialect = db, catalog, catalog.entities[view.entity], dialect_of(db)
        self._is_whole = not view.missing and view.limit is None
        self._selected = Selected(Projection(db, catalog, self.entity))
        self._remembered: dict[str, Remembered] = {}
        self._sizes: dict[str, int] = {}
        whole = catalog.views.get(view.name, view).fields
        self.revision = revision_of(catalog, view)
        self._shown = [self._slot(item.source) for item in view.fields.values()]
        self._hashed = [self._slot({**whole, **view.fields}[name].source, hashed=True) for name in self.revision.fields]
        self._identity = self._selected.place(self.entity.identity)
        projection = self._selected.projection
        select = projection.select(self._selected.cells, _conditions(projection, view, catalog))
        self.statement = projection.text(select.order_by(self.entity.table.c[self.entity.primary]).limit(view.limit))
        self._record = msgspec.defstruct(
            "Record", [(f"f{place}", Any) for place in range(len(view.fields) + 1)],
            rename={f"f{place}": name for place, name in enumerate([*view.fields, "_rev"])}, gc=False,
        )  # fmt: skip

    def _slot(self, source: Source, hashed: bool = False) -> Slot:
        path = source.path + "." if isinstance(source, OfRow) else source if isinstance(source, str) else ""
        steps = path.split(".")[:-1]
        for size in range(1, len(steps) + 1):
            target = self._target(steps[:size])
            if self._is_worth_remembering(target):
                step, rest = ".".join(steps[:size]), ".".join(steps[size:])
                if step not in self._remembered:
                    alone = Projection(self.db, self.catalog, target, target.table.alias("t"))
                    self._remembered[step] = Remembered(self.db, alone, self._selected.place(step))
                inner = replace(source, path=rest) if isinstance(source, OfRow) else str(source)[len(step) + 1 :]
                return self._remembered[step], self._remembered[step].place(inner, hashed)
        return None, self._selected.place(source)

    def _target(self, steps: Sequence[str]) -> Entity:
        entity = self.entity
        for step in steps:
            entity = self.catalog.entities[entity.references[step].target]
        return entity

    def _is_worth_remembering(self, target: Entity) -> bool:
        return self._is_whole and 2 * self._size(target) <= min(self._size(self.entity), 2 * REMEMBERED)

    def _size(self, entity: Entity) -> int:
        if entity.name not in self._sizes:
            self._sizes[entity.name] = self.dialect.scalar(self.db, f"SELECT count(*) FROM {self.dialect.format_table(entity.table)}")
        return self._sizes[entity.name]

    def records(self, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Return the records of a page of rows."""
        own = self._selected.columns(rows)
        pages: dict[Remembered | None, Sequence[Sequence[Any]]] = {None: own}
        pages |= {remembered: remembered.columns(own[remembered.at]) for remembered in self._remembered.values()}
        hashes = [pages[owner][place] if owner else self._selected.hashes(place, own) for owner, place in self._hashed]
        identities = own[self._identity] if self.entity.identity == "uuid" else list(map(str, own[self._identity]))
        revisions = self.revision.texts(identities, hashes)
        return list(map(self._record, *(pages[owner][place] for owner, place in self._shown), revisions))


class Selected:
    """The values one SELECT gives: `place(source)` is where that of a source stands."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection
        self.cells: list[Cell] = []
        self._places: dict[str, int] = {}
        self._hashing: dict[int, Callable[[Sequence[Any]], list[int]]] = {}

    def place(self, source: Source) -> int:
        place = self._places.get(source) if isinstance(source, str) else None
        if place is None:
            place = len(self.cells)
            self.cells.append(self.projection.cell(source))
            if isinstance(source, str):
                self._places[source] = place
        return place

    def columns(self, rows: Sequence[tuple[Any, ...]]) -> list[Sequence[Any]]:
        """Return the wire values of rows column by column."""
        return [_made(cell.make, column) for cell, column in zip(self.cells, zip(*rows))]  # noqa: B905

    def hashes(self, place: int, columns: Sequence[Sequence[Any]]) -> list[int]:
        if place not in self._hashing:
            self._hashing[place] = hashing(self.cells[place].kind)
        return self._hashing[place](columns[place])


def _made(make: Callable[[Any], Any] | None, column: Sequence[Any]) -> Sequence[Any]:
    if make is None:
        return column
    return all_shortest(column) if make is shortest else list(map(make, column))


class Remembered:
    """What the rows many others refer to say in a view, read once. `at`: the place of the foreign key that leads to them."""

    def __init__(self, db: Connection, projection: Projection, at: int) -> None:
        self.db, self.at = db, at
        self._selected = Selected(projection)
        self._selected.place(projection.entity.primary)
        self._slots: list[tuple[int, bool]] = []
        self._known: _Known | None = None

    def place(self, source: Source, hashed: bool) -> int:
        self._slots.append((self._selected.place(source), hashed))
        return len(self._slots) - 1

    def columns(self, ids: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return, column by column, what the rows with these ids say; null where there is none."""
        if self._known is None:
            self._known = self._read()
        return list(zip(*map(self._known.__getitem__, ids)))  # noqa: B905

    def _read(self) -> _Known:
        projection, selected = self._selected.projection, self._selected
        known = _Known(tuple(field_hash(None) if hashed else None for _, hashed in self._slots))
        known[None] = known.nothing
        for rows in projection.dialect.stream(self.db, projection.text(projection.select(selected.cells)), PAGE):
            own = selected.columns(rows)
            columns = [selected.hashes(place, own) if hashed else own[place] for place, hashed in self._slots]
            known.update(zip(own[0], zip(*columns)))  # noqa: B905
        return known


class _Known(dict[Any, tuple[Any, ...]]):
    """What rows say by their ids; for others, nothing."""

    def __init__(self, nothing: tuple[Any, ...]) -> None:
        self.nothing = nothing

    def __missing__(self, identity: Any) -> tuple[Any, ...]:
        return self.nothing
