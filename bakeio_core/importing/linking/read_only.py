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

from bakeio_core.catalog.view import OfRow
from bakeio_core.database.view_query import Projection
from bakeio_core.errors import FIRST_RECORDS, Problem, counted
from bakeio_core.files.revision import context_hash
from bakeio_core.importing.linking.drafts import Draft
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.folding import fold
from bakeio_core.values.numbers import shortest

IDS = 500
"""Rows of one SELECT."""


class ReadOnlyFields:
    """Compare the read-only fields of a part's records with the database.

    `naming` are those that say what a row, or one it refers to, is called.

    Args:
        state: The import.
        part: A part; one without a view has no such fields.
    """

    def __init__(self, state: ImportState, part: Part) -> None:
        self.state, self.part, self.entity = state, part, part.entity
        revision = part.revision
        self.names: tuple[str, ...] = () if revision is None else revision.context
        fields = {} if part.view is None else part.view.fields
        self._sources = {name: fields[name].source for name in self.names}
        ids = {n for n, source in self._sources.items() if source in self.entity.references}
        if not state.same_database:
            self.names = tuple(name for name in self.names if name not in ids)
        self.naming = {n for n, s in self._sources.items() if _calls(s) or n in ids}
        self._edited: Counter[str] = Counter()
        self._numbers: dict[str, list[int]] = {}

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

    def compare(self, drafts: Sequence[Draft], id_index: int) -> None:
        """Note in which of the fields records say another thing than their rows.

        Args:
            drafts: Records that have a row.
            id_index: Where the id stands in a row.
        """
        some = [d for d in drafts if not self.are_unedited(d.context_base, d.context)]
        rows = [row for d in some if (row := d.row) is not None]
        items = [(row[id_index], d.context) for row, d in zip(rows, some, strict=True)]
        for draft, names in zip(some, self.differing(items), strict=True):
            draft.differing = names

    def differing(self, items: Sequence[tuple[int, Mapping[str, Any]]]) -> list[dict[str, Any]]:
        """Return for each (id, what a record says) {field: what the row says} where that differs.

        A null says nothing.
        """
        given = [name for name in self.names if any(name in said for _, said in items)]
        if not given:
            return [{} for _ in items]
        rows = self._rows(given, {identity for identity, _ in items})
        found = []
        for identity, said in items:
            now = rows.get(identity, {})
            differs = (n for n in given if n in said and not self._same(n, said[n], now.get(n)))
            found.append({name: now.get(name) for name in differs})
        return found

    def _same(self, name: str, said: Any, now: Any) -> bool:
        value = plain(said)
        if value is None or value == "":
            return True
        if isinstance(value, (Decimal, float)):
            value = shortest(float(value))
        if isinstance(value, bool) != isinstance(now, bool):
            return False
        if isinstance(value, str) and isinstance(now, str):
            return value == now or (name in self.naming and fold(value) == fold(now))
        return bool(value == now)

    def _rows(self, names: Sequence[str], ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        projection = Projection(self.state.db, self.state.catalog, self.entity)
        cells = [projection.cell(source) for source in (self.entity.primary, *self._of(names))]
        primary, wanted = self.entity.table.c[self.entity.primary], sorted(ids)
        found: dict[int, dict[str, Any]] = {}
        for start in range(0, len(wanted), IDS):
            where = [primary.in_(wanted[start : start + IDS])]
            statement = projection.text(projection.select(cells, where))
            for row in projection.dialect.fetch(self.state.db, statement):
                made = [
                    value if cell.make is None else cell.make(value)
                    for cell, value in zip(cells, row, strict=True)
                ]
                found[made[0]] = dict(zip(names, made[1:], strict=True))
        return found

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
    return msgspec.json.decode(bytes(said)) if isinstance(said, msgspec.Raw) else said


def _calls(source: Any) -> bool:
    """Tell whether a source computes what the row that a reference means is called."""
    return isinstance(source, OfRow) and "." not in source.path and bool(source.path)
