"""A view page by page: the default of the hook `bakeio_project_view`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from bakeio_core.catalog.exchange import Batch, EncodedBatch
from bakeio_core.catalog.hookspecs import hookimpl
from bakeio_core.catalog.model import Entity, OfRow, Source, View
from bakeio_core.catalog.plugins import describe
from bakeio_core.database.dialects import dialect_of
from bakeio_core.errors import BakeioError, PluginError
from bakeio_core.exporting.view_query import Cell, Projection, narrowing
from bakeio_core.files.encoding import encode_lines
from bakeio_core.files.revision import field_hash, hashing, revision_of
from bakeio_core.values.numbers import all_shortest, shortest

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog

PAGE = 500
"""Rows worked on at a time: so few that a page's values stay in a processor's cache."""
REMEMBERED = 100_000
"""The most referred rows remembered for each reference, a few hundred bytes each."""


@hookimpl(trylast=True)
def bakeio_project_view(db: Connection, view: View, catalog: Catalog) -> Iterator[Batch]:
    """Give the view's records in the order of their ids, each with its `_rev`, by one SELECT."""
    return _project(db, view, catalog)


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


Slot = tuple["ReferredRows | None", int]
"""Where a field's values are: in the rows of the view or in what is remembered of the referred ones, and the place there."""


class Paging:
    """A view page by page: `statement` gives the rows, `records` makes their records, `_rev` last.

    Pages are worked on column by column. What a referred row says is read once and remembered, where many rows refer to few.
    """

    def __init__(self, db: Connection, view: View, catalog: Catalog) -> None:
        self.db, self.catalog, self.entity, self.dialect = (
            db,
            catalog,
            catalog.entities[view.entity],
            dialect_of(db),
        )
        self._is_whole = not view.missing and view.limit is None
        self._selected = Selected(Projection(db, catalog, self.entity))
        self._remembered: dict[str, ReferredRows] = {}
        self._sizes: dict[str, int] = {}
        whole = catalog.views.get(view.name, view).fields
        self.revision = revision_of(catalog, view)
        self._shown = [self._slot(item.source) for item in view.fields.values()]
        self._hashed = [
            self._slot({**whole, **view.fields}[name].source, hashed=True)
            for name in self.revision.fields
        ]
        self._identity = self._selected.place(self.entity.identity)
        projection = self._selected.projection
        select = projection.select(self._selected.cells, narrowing(projection, view, catalog))
        self.statement = projection.text(
            select.order_by(self.entity.table.c[self.entity.primary]).limit(view.limit)
        )
        self._record = msgspec.defstruct(
            "Record", [(f"f{place}", Any) for place in range(len(view.fields) + 1)],
            rename={f"f{place}": name for place, name in enumerate([*view.fields, "_rev"])}, gc=False,
        )  # fmt: skip

    def _slot(self, source: Source, hashed: bool = False) -> Slot:
        path = (
            source.path + "."
            if isinstance(source, OfRow)
            else source
            if isinstance(source, str)
            else ""
        )
        steps = path.split(".")[:-1]
        for size in range(1, len(steps) + 1):
            target = self._target(steps[:size])
            if self._is_worth_remembering(target):
                step, rest = ".".join(steps[:size]), ".".join(steps[size:])
                if step not in self._remembered:
                    alone = Projection(self.db, self.catalog, target, target.table.alias("t"))
                    self._remembered[step] = ReferredRows(
                        self.db, alone, self._selected.place(step)
                    )
                inner = (
                    replace(source, path=rest)
                    if isinstance(source, OfRow)
                    else str(source)[len(step) + 1 :]
                )
                return self._remembered[step], self._remembered[step].place(inner, hashed)
        return None, self._selected.place(source)

    def _target(self, steps: Sequence[str]) -> Entity:
        entity = self.entity
        for step in steps:
            entity = self.catalog.entities[entity.references[step].target]
        return entity

    def _is_worth_remembering(self, target: Entity) -> bool:
        return self._is_whole and 2 * self._size(target) <= min(
            self._size(self.entity), 2 * REMEMBERED
        )

    def _size(self, entity: Entity) -> int:
        if entity.name not in self._sizes:
            self._sizes[entity.name] = self.dialect.scalar(
                self.db, f"SELECT count(*) FROM {self.dialect.format_table(entity.table)}"
            )
        return self._sizes[entity.name]

    def records(self, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Return the records of a page of rows."""
        own = self._selected.columns(rows)
        pages: dict[ReferredRows | None, Sequence[Sequence[Any]]] = {None: own}
        pages |= {
            remembered: remembered.columns(own[remembered.at])
            for remembered in self._remembered.values()
        }
        hashes = [
            pages[owner][place] if owner else self._selected.hashes(place, own)
            for owner, place in self._hashed
        ]
        identities = (
            own[self._identity]
            if self.entity.identity == "uuid"
            else list(map(str, own[self._identity]))
        )
        revisions = self.revision.texts(identities, hashes)
        return list(
            map(self._record, *(pages[owner][place] for owner, place in self._shown), revisions)
        )


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
        return [_made(cell.make, column) for cell, column in zip(self.cells, zip(*rows))]

    def hashes(self, place: int, columns: Sequence[Sequence[Any]]) -> list[int]:
        if place not in self._hashing:
            self._hashing[place] = hashing(self.cells[place].kind)
        return self._hashing[place](columns[place])


def _made(make: Callable[[Any], Any] | None, column: Sequence[Any]) -> Sequence[Any]:
    if make is None:
        return column
    return all_shortest(column) if make is shortest else list(map(make, column))


class ReferredRows:
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
        return list(zip(*map(self._known.__getitem__, ids)))

    def _read(self) -> _Known:
        projection, selected = self._selected.projection, self._selected
        known = _Known(tuple(field_hash(None) if hashed else None for _, hashed in self._slots))
        known[None] = known.nothing
        for rows in projection.dialect.stream(
            self.db, projection.text(projection.select(selected.cells)), PAGE
        ):
            own = selected.columns(rows)
            columns = [
                selected.hashes(place, own) if hashed else own[place]
                for place, hashed in self._slots
            ]
            known.update(zip(own[0], zip(*columns)))
        return known


class _Known(dict[Any, tuple[Any, ...]]):
    """What rows say by their ids; for others, nothing."""

    def __init__(self, nothing: tuple[Any, ...]) -> None:
        self.nothing = nothing

    def __missing__(self, identity: Any) -> tuple[Any, ...]:
        return self.nothing
