"""What a view's records say in fields that imports never write, held against the database.

A file may be right, out of date or edited there; only what was edited is told, or, where the field
says what a row is called, refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Column
from sqlalchemy.sql import visitors

from bakeio_core.catalog.entities.model import RowId
from bakeio_core.catalog.views.view import OfRow, OfRows
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.stored.rows import Row
from bakeio_core.database.view_query import Cell, Projection, kind_of_source
from bakeio_core.errors import FIRST_RECORDS, Problem, counted
from bakeio_core.files.revision import context_hash, context_lines
from bakeio_core.importing.linking.drafts import Draft
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.folding import fold
from bakeio_core.values.kinds.numbers import shortest
from bakeio_core.values.wording import BadValue

IDS = 500
"""Rows of one SELECT."""


class ReadOnlyFields:
    """Compare the read-only fields of a part's records with the database.

    `naming` are those that say what a row, or one it refers to, is called, `calling` those of them
    that are computed.

    Args:
        state: The import.
        part: A part; one without a view has no such fields.
    """

    def __init__(self, state: ImportState, part: Part) -> None:
        self.state, self.part, self.entity = state, part, part.entity
        self.rows = state.tables.rows(part.entity)
        revision = part.revision
        self.names: tuple[str, ...] = () if revision is None else revision.context
        fields = {} if part.view is None else part.view.fields
        self._sources = {name: fields[name].source for name in self.names}
        ids = {n for n, source in self._sources.items() if source in self.entity.references}
        if not state.same_database:
            self.names = tuple(name for name in self.names if name not in ids)
        self.calling = tuple(n for n in self.names if _calls(self._sources[n]))
        self.naming = {*self.calling, *ids}
        self._kinds = {
            name: kind_of_source(state.catalog, self.entity, source)
            for name, source in (self._sources.items() if part.document.has_cells else ())
        }
        self._edited: Counter[str] = Counter()
        self._numbers: dict[str, list[int]] = {}
        self._selections: dict[tuple[str, ...], tuple[list[Cell], str]] = {}

    def are_unedited(self, context: int | None, said: Mapping[str, Any]) -> bool:
        """Tell whether a record says what was exported: its `_rev` has the hash of that.

        Args:
            context: The hash.
            said: {field: value}, also as `msgspec.Raw`.
        """
        revision = self.part.revision
        if revision is None or not said:
            return True
        if context is None:
            return False
        return context_hash([said[name] for name in revision.context if name in said]) == context

    def compare(self, drafts: Sequence[Draft]) -> None:
        """Note in which of these fields records say another thing than the rows they mean."""
        alike, id_index = dict[tuple[str, ...], list[Draft]](), self.rows.id_index
        for draft in drafts:
            if not self.are_unedited(draft.context_base, draft.context):
                names = tuple(name for name in self.names if name in draft.context)
                alike.setdefault(names, []).append(draft)
        for names, some in alike.items():
            ids = [row[id_index] for draft in some if (row := draft.row) is not None]
            said = [tuple([draft.context[name] for name in names]) for draft in some]
            for place, differing in self.differing(names, ids, said).items():
                some[place].differing = differing

    def differing(
        self, names: Sequence[str], ids: Sequence[int], said: Sequence[Sequence[Any]]
    ) -> dict[int, dict[str, Any]]:
        """Return the fields in which rows say another thing than records; a null says nothing.

        Args:
            names: Fields that records say, some of `names`.
            ids: The ids of their rows.
            said: What each record says in them, also as `msgspec.Raw`.

        Returns:
            {place of a record: {field: what its row says}}, only where any differs.
        """
        if not ids or not names:
            return {}
        rows = self._rows(names, ids)
        there = [rows.get(identity, (None,) * len(names)) for identity in ids]
        pairs = zip(context_lines(said), context_lines(there), strict=True)
        found = {}
        for place in [place for place, (one, other) in enumerate(pairs) if one != other]:
            cells = zip(names, said[place], there[place], strict=True)
            others = {name: now for name, value, now in cells if not self._same(name, value, now)}
            if others:
                found[place] = others
        return found

    def _same(self, name: str, said: Any, now: Any) -> bool:
        value = plain(said)
        return (
            value is None
            or value == ""
            or self._is(name, value, now)
            or self._shows(name, value, now)
        )

    def _shows(self, name: str, value: Any, now: Any) -> bool:
        """Tell whether a cell may be what a spreadsheet made of what the row says."""
        from bakeio_core.files.sheets.proof import is_display_of
        from bakeio_core.files.sheets.readings import readings
        from bakeio_core.files.sheets.shown import is_shown_for

        kind, value = self._kinds.get(name), self.part.document.said(value)
        if kind is None or isinstance(value, dict):
            return False
        is_read = any(self._is(name, reading.value, now) for reading in readings(kind, value))
        is_taken = isinstance(now, str) and is_shown_for(now, value)
        return is_read or is_taken or is_display_of(value, now)

    def _is(self, name: str, value: Any, now: Any) -> bool:
        if isinstance(value, (Decimal, float)):
            value = shortest(float(value))
        if isinstance(value, bool) != isinstance(now, bool):
            return False
        if isinstance(value, str) and isinstance(now, str):
            return value == now or (name in self.naming and fold(value) == fold(now))
        return bool(value == now)

    def _rows(self, names: Sequence[str], ids: Iterable[RowId]) -> dict[RowId, Row]:
        cells, select = self._selection(tuple(names))
        dialect, wanted = dialect_of(self.state.db), sorted(set(ids))
        found: dict[RowId, Row] = {}
        for start in range(0, len(wanted), IDS):
            some = ", ".join(map(_literal, wanted[start : start + IDS]))
            rows = dialect.fetch(self.state.db, f"{select} IN ({some})")
            if rows:
                pairs = zip(cells, zip(*rows, strict=True), strict=True)
                columns = [_made(cell, column) for cell, column in pairs]
                found.update(zip(columns[0], zip(*columns[1:], strict=True), strict=True))
        return found

    def _selection(self, names: tuple[str, ...]) -> tuple[list[Cell], str]:
        """Return the cells of some fields behind the row's id, and what selects them, up to IN.

        To make a statement anew for each block takes as long as to carry it out, and leaves tens
        of thousands of objects to the collector of garbage.
        """
        known = self._selections.get(names)
        if known is not None:
            return known
        projection = Projection(self.state.db, self.state.catalog, self.entity)
        sources = [self.entity.primary, *self._of(names)]
        cells = [projection.cell(source) for source in sources]
        identity = projection.text(cells[0].sql)
        made = cells, f"{projection.text(projection.select(cells))} WHERE {identity}"
        # what code prepared of all rows is out of date once some of them are written
        if not any(isinstance(source, OfRows) for source in sources):
            self._selections[names] = made
        return made

    def _of(self, names: Iterable[str]) -> Iterator[Any]:
        return (self._sources[name] for name in names)

    # -- what is said of them
    def note(self, number: int, names: Iterable[str]) -> None:
        """Count the fields in which a record says another thing than its row."""
        for name in names:
            self._edited[name] += 1
            first = [*self._numbers.get(name, ()), number]
            self._numbers[name] = sorted(first)[:FIRST_RECORDS]

    def problems(self) -> Iterator[Problem]:
        """Return a note for each field that was edited, with the view that can set it."""
        view = self.part.view
        for name in filter(self._edited.__contains__, self.names):
            count = self._edited[name]
            where = self._settable(name)
            remedy = f": set it in the view {where}" if where else ""
            said = f"{counted(count, 'record')} {'says' if count == 1 else 'say'}"
            name_of_view = view.name if view is not None else ""
            message = f"is read-only in the view {name_of_view}; what {said} is not taken{remedy}"
            yield Problem(
                code="tampered-context",
                severity="note",
                file=self.part.file,
                entity=self.entity.name,
                field=name,
                records=self._numbers[name],
                count=count,
                message=message,
            )

    def _settable(self, name: str) -> str:
        """Return the view and the field that write what a field shows; empty for none."""
        catalog, source = self.state.catalog, self._sources[name]
        for entity, column in self._columns(source):
            for view in catalog.views.values():
                for field, item in view.fields.items():
                    is_it = view.entity == entity and item.source == column
                    if is_it and item.role == "editable":
                        return f"{view.name} ({field})"
        return ""

    def _columns(self, source: Any) -> Iterator[tuple[str, str]]:
        """Yield the (entity, column) a source shows or is computed from."""
        if isinstance(source, str):
            *steps, column = source.split(".")
            entity = self.entity
            for step in steps:
                entity = self.state.catalog.entities[entity.references[step].target]
            yield entity.name, column
            return
        projection = Projection(self.state.db, self.state.catalog, self.entity)
        for element in visitors.iterate(projection.cell(source).sql):
            if isinstance(element, Column) and element.table is not None:
                yield str(element.table.name), str(element.name)


def plain(said: Any) -> Any:
    """Return a value of a record that may not be decoded yet."""
    if not isinstance(said, msgspec.Raw):
        return said
    try:
        return msgspec.json.decode(bytes(said))
    except (msgspec.MsgspecError, UnicodeDecodeError):  # beyond all use: no row has it
        return bytes(said).decode("utf-8", "backslashreplace")


def _literal(identity: RowId) -> str:
    """Return an id as it stands in SQL that is sent as it is."""
    if isinstance(identity, int):
        return str(identity)
    return "'" + identity.replace("'", "''").replace("%", "%%") + "'"


def _made(cell: Cell, column: Sequence[Any]) -> Sequence[Any]:
    """Return the wire values of a column; null where a cell holds what no file can."""
    if cell.make is None:
        return column
    try:
        return cell.make(column)
    except BadValue:
        return [None] if len(column) == 1 else [_made(cell, [value])[0] for value in column]


def _calls(source: Any) -> bool:
    """Tell whether a source computes what the row that a reference means is called."""
    return isinstance(source, OfRow) and "." not in source.path and bool(source.path)
