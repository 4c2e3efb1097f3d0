"""A view page by page: the default of the hook `bakeio_project_view`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy.exc import DBAPIError

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.exchange import Batch, EncodedBatch
from bakeio_core.catalog.hookspecs import hookimpl
from bakeio_core.catalog.views.lists import list_views, parent_column
from bakeio_core.catalog.views.view import OfRow, Source, View
from bakeio_core.database.dialect import is_doubtful
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.view_query import Cell, Projection, belonging, narrowing
from bakeio_core.errors import BakeioError, PluginError, Problem, describe
from bakeio_core.exporting.careful import named, refuse
from bakeio_core.files.documents.encoding import encode_lines
from bakeio_core.files.revision import context_hashes, field_hash, hashing, revision_of
from bakeio_core.values.wording import BadValue

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog

PAGE = 500
"""Rows worked on at a time: so few that a page's values stay in a processor's cache."""
KEPT = 16
"""MiB of the database that are kept in memory: rows are read once, those they refer to often."""
REMEMBERED = 100_000
"""The most referred rows remembered for each reference, a few hundred bytes each."""


@hookimpl(trylast=True)
def bakeio_project_view(db: Connection, view: View, catalog: Catalog) -> Iterator[Batch]:
    """Give the view's records in the order of their ids, each with its `_rev`, by one SELECT."""
    return _project(db, view, catalog)


def _project(db: Connection, view: View, catalog: Catalog) -> Iterator[Batch]:
    try:
        paging = Paging(db, view, catalog)
    except (BakeioError, DBAPIError):
        raise
    except Exception as error:  # what is computed is a stranger's function
        raise PluginError(f'the view "{view.name}" cannot be made: {describe(error)}') from error
    with paging.dialect.much_work(db, KEPT):
        try:
            if paging.dialect.is_strict:
                paging.refuse_doubtful()
            for rows in paging.dialect.stream(db, paging.statement, PAGE):
                yield EncodedBatch(len(rows), encode_lines(paging.records(rows)))
            paging.finish()
        except BadValue as error:
            paging.refuse_doubtful()
            raise BakeioError(f'the view "{view.name}": {error}', code="bad-value") from None


Slot = tuple["ReferredRows | None", int]
"""Where a field's values are: in the rows of the view (None) or in referred ones, and the index."""


class Paging:
    """A view page by page: `statement` gives the rows, `records` makes their records, `_rev` last.

    Pages are worked on column by column. What a referred row says is read once and remembered,
    where many rows refer to few.

    Args:
        db: The connection.
        view: The view, or that of the rows of a list.
        catalog: The entities and views that are installed.
        holder: The view of whose records the rows of a list are part.
    """

    def __init__(
        self, db: Connection, view: View, catalog: Catalog, holder: View | None = None
    ) -> None:
        self.db, self.catalog, self.dialect = db, catalog, dialect_of(db)
        self.entity = catalog.entities[view.entity]
        self._is_unlimited = view.limit is None
        self._is_whole = not view.missing and view.limit is None
        self._selected = Selected(Projection(db, catalog, self.entity))
        self._referred: dict[str, ReferredRows] = {}
        self._sizes: dict[str, int] = {}
        self.revision = revision_of(catalog, view)
        fields = {**catalog.views.get(view.name, view).fields, **view.fields}
        shown = [name for name, item in view.fields.items() if item.role != "parent"]
        self._shown = [self._slot(fields[name].source) for name in shown]
        self._hashed = [
            self._slot(fields[name].source, hashed=True) for name in self.revision.fields
        ]
        places = {name: place for place, name in enumerate(shown)}
        self._context = [places[name] for name in self.revision.context]
        self._identity = self._selected.index(self.entity.identity)
        lists = list_views(view, catalog.entities)
        self._lists = [
            (self._selected.index(_to(listed, catalog)), ListRows(db, listed, catalog, view))
            for listed in lists.values()
        ]
        self._parent = self._selected.index(parent_column(view)) if holder is not None else 0
        projection = self._selected.projection
        where, order = narrowing(projection, view, catalog), projection.order()
        if holder is not None:
            where, order = belonging(projection, parent_column(view), holder, catalog)
        rows = projection.select(self._selected.cells, where)
        self.statement = projection.text(rows.order_by(*order).limit(view.limit))
        names = {f"f{index}": name for index, name in enumerate([*shown, *lists, "_rev"])}
        self._record = msgspec.defstruct("Record", list(names), rename=names, gc=False)

    def refuse_doubtful(self) -> None:
        """Raise where a cell that is read holds what no file can.

        Raises:
            ExportRefused: It names them.
        """
        read: dict[str, dict[str, None]] = {}
        owners = [self._selected, *(referred.selected for referred in self._referred.values())]
        for owner in owners:
            for name, columns in owner.projection.stored.items():
                read.setdefault(name, {}).update(columns)
        found: list[Problem] = []
        for name, columns in read.items():
            entity = self.catalog.entities[name]
            kinds = {column: entity.kinds[column] for column in columns}
            is_strict = self.dialect.is_strict
            if not is_strict or is_doubtful(self.db, self.dialect, entity.table, kinds):
                found += named(self.db, self.dialect, entity, columns)
        refuse(found, "")
        for _, rows in self._lists:
            rows.paging.refuse_doubtful()

    def _slot(self, source: Source, hashed: bool = False) -> Slot:
        path = source if isinstance(source, str) else ""
        if isinstance(source, OfRow):
            path = f"{source.path}."
        steps = path.split(".")[:-1]
        target = self.entity
        for size, step in enumerate(steps, 1):
            reference = target.references[step]
            target = self.catalog.entities[reference.target]
            if self._is_worth_remembering(target):
                referred = self._rows_at(".".join(steps[:size]), target, reference.to)
                rest = ".".join(steps[size:])
                if isinstance(source, OfRow):
                    return referred, referred.slot(replace(source, path=rest), hashed)
                return referred, referred.slot(".".join(path.split(".")[size:]), hashed)
        return None, self._selected.index(source)

    def _rows_at(self, path: str, target: Entity, to: str) -> ReferredRows:
        """Return the remembered rows a path of references leads to, by their column `to`."""
        if path not in self._referred:
            alone = Projection(self.db, self.catalog, target, target.table.alias("t"))
            self._referred[path] = ReferredRows(self.db, alone, self._selected.index(path), to)
        return self._referred[path]

    def _is_worth_remembering(self, target: Entity) -> bool:
        most = min(self._size(self.entity), 2 * REMEMBERED) if self._is_whole else -1
        return 2 * self._size(target) <= most

    def _size(self, entity: Entity) -> int:
        if entity.name not in self._sizes:
            count = f"SELECT count(*) FROM {self.dialect.format_table(entity.table)}"
            self._sizes[entity.name] = self.dialect.scalar(self.db, count)
        return self._sizes[entity.name]

    def records(self, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Return the records of a page of rows."""
        own = self._selected.columns(rows)
        pages: dict[ReferredRows | None, Sequence[Sequence[Any]]] = {None: own}
        for referred in self._referred.values():
            pages[referred] = referred.columns(own[referred.at])
        hashes = [
            pages[owner][index] if owner else self._selected.hashes(index, own)
            for owner, index in self._hashed
        ]
        identities = own[self._identity]
        if self.entity.identity != "uuid":
            identities = list(map(str, identities))
        shown = [pages[owner][index] for owner, index in self._shown]
        said = [shown[place] for place in self._context]
        contexts = context_hashes(zip(*said, strict=True) if said else [()] * len(rows))
        revisions = self.revision.texts(identities, hashes, contexts)
        lists = [rows.of(own[index]) for index, rows in self._lists]
        return list(map(self._record, *shown, *lists, revisions))

    def belonging(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, Any]]:
        """Yield (what its parent is known by, record) of each of the rows of a list."""
        parents = [row[self._parent] for row in rows]
        make = self._selected.cells[self._parent].make
        return zip(parents if make is None else make(parents), self.records(rows), strict=True)

    def finish(self) -> None:
        """Make sure that nothing of a list was left out.

        Raises:
            BakeioError: The database refers to records otherwise than they are stored.
        """
        for _, rows in self._lists if self._is_unlimited else ():
            rows.finish()


def _to(listed: View, catalog: Catalog) -> str:
    """Return the column of the records' rows that the rows of a list refer to."""
    return catalog.entities[listed.entity].references[parent_column(listed)].to


class ListRows:
    """The rows of one list, record by record: both come in the order of the records' ids.

    Args:
        db: The connection.
        listed: The view of the rows.
        catalog: The entities and views that are installed.
        holder: The view of the records, narrowed or not.
    """

    def __init__(self, db: Connection, listed: View, catalog: Catalog, holder: View) -> None:
        self.db, self.name = db, listed.name
        self.paging = Paging(db, listed, catalog, holder)
        self._groups = groupby(self._each(), key=itemgetter(0))
        self._waiting: tuple[Any, list[Any]] | None = None
        self._has_begun = False

    def _each(self) -> Iterator[tuple[Any, Any]]:
        for rows in self.paging.dialect.stream(self.db, self.paging.statement, PAGE):
            yield from self.paging.belonging(rows)

    def _next(self) -> None:
        found = next(self._groups, None)
        self._waiting = None if found is None else (found[0], [row for _, row in found[1]])

    def of(self, parents: Sequence[Any]) -> list[list[Any]]:
        """Return the rows of each of the next records, by what their rows are known by."""
        if not self._has_begun:
            self._has_begun = True
            self._next()
        found: list[list[Any]] = []
        for parent in parents:
            is_next = self._waiting is not None and self._waiting[0] == parent
            found.append(self._waiting[1] if self._waiting is not None and is_next else [])
            if is_next:
                self._next()
        return found

    def finish(self) -> None:
        """Raise where rows are left that belong to none of the records that were given.

        Raises:
            BakeioError: They would not be in the file.
        """
        if self._waiting is not None:
            raise BakeioError(
                f'the list "{self.name}": a row refers to {self._waiting[0]!r} otherwise than its '
                "record is stored, so it would not be in the file: correct that in the database",
                code="bad-value",
            )


class Selected:
    """The values one SELECT gives."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection
        self.cells: list[Cell] = []
        self._indexes: dict[str, int] = {}
        self._hashing: dict[int, Callable[[Sequence[Any]], list[int]]] = {}

    def index(self, source: Source) -> int:
        """Select the value of a source, a stored one once; return its index in the rows."""
        index = len(self.cells)
        if isinstance(source, str):
            index = self._indexes.setdefault(source, index)
        if index == len(self.cells):
            self.cells.append(self.projection.cell(source))
        return index

    def columns(self, rows: Sequence[tuple[Any, ...]]) -> list[Sequence[Any]]:
        """Return the wire values of rows column by column."""
        columns = zip(*rows, strict=True)
        return [
            cell.make(column) if cell.make is not None else column
            for cell, column in zip(self.cells, columns, strict=True)
        ]

    def hashes(self, index: int, columns: Sequence[Sequence[Any]]) -> list[int]:
        """Return the hashes of one of the columns, as a `_rev` holds them."""
        if index not in self._hashing:
            self._hashing[index] = hashing(self.cells[index].kind)
        return self._hashing[index](columns[index])


class ReferredRows:
    """What the rows that many others refer to say in a view, read once.

    Args:
        db: The connection.
        projection: Selects from their table alone.
        at: The index of the foreign key that leads to them, in the rows of the view.
        by: The column of theirs whose value the foreign key has.
    """

    def __init__(self, db: Connection, projection: Projection, at: int, by: str) -> None:
        self.db, self.at = db, at
        self.selected = Selected(projection)
        self.selected.index(by)
        self._slots: list[tuple[int, bool]] = []
        self._known: _Known | None = None

    def slot(self, source: Source, hashed: bool) -> int:
        """Select the value of a source, or its hash; return its index in `columns`."""
        self._slots.append((self.selected.index(source), hashed))
        return len(self._slots) - 1

    def columns(self, ids: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return, column by column, what the rows with these ids say; null where there is none."""
        if self._known is None:
            self._known = self._read()
        return list(zip(*map(self._known.__getitem__, ids), strict=True))

    def _read(self) -> _Known:
        projection, selected = self.selected.projection, self.selected
        known = _Known(tuple(field_hash(None) if hashed else None for _, hashed in self._slots))
        known[None] = known.nothing
        statement = projection.text(projection.select(selected.cells))
        for rows in projection.dialect.stream(self.db, statement, PAGE):
            own = selected.columns(rows)
            columns = [
                selected.hashes(index, own) if hashed else own[index]
                for index, hashed in self._slots
            ]
            known.update(zip(own[0], zip(*columns, strict=True), strict=True))
        return known


class _Known(dict[Any, tuple[Any, ...]]):
    """What rows say by their ids; for others, nothing."""

    def __init__(self, nothing: tuple[Any, ...]) -> None:
        self.nothing = nothing

    def __missing__(self, identity: Any) -> tuple[Any, ...]:
        return self.nothing
