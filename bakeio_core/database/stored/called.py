"""What rows are called, for people: a key they can read, and a label; never an id alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.exchange import Change
from bakeio_core.database.stored.rows import Row
from bakeio_core.database.stored.tables import Tables
from bakeio_core.values.wording import printable, said, shown

FieldOf = Callable[[Entity, str], str]
"""Tells what a file calls a column of an entity."""


def row_text(key: Mapping[str, Any], label: str) -> str:
    """Return what a row is called, by key and label: `slug "deck" ("Deck oven")`.

    Args:
        key: What finds the row, {column or field: value}.
        label: What people call it; empty where it has no name.
    """
    named = ", ".join(f"{printable(name)} {shown(value)}" for name, value in key.items())
    if not named or label in ("", *key.values()):
        return named or shown(label)
    return f"{named} ({shown(label)})"


class CalledChanges:
    """Say what the rows of changes are called.

    Args:
        tables: The rows.
        field_of: What the file calls a column; the column itself where it is left out.
    """

    def __init__(self, tables: Tables, field_of: FieldOf = lambda entity, column: column) -> None:
        self.tables, self.field_of = tables, field_of

    def call(self, changes: Sequence[Change]) -> None:
        """Put `key` and `label` into changes."""
        by_entity: dict[str, list[Change]] = {}
        for change in changes:
            by_entity.setdefault(change.entity, []).append(change)
        for name, some in by_entity.items():
            self._call(self.tables.catalog.entities[name], some)

    def _call(self, entity: Entity, changes: Sequence[Change]) -> None:
        key = entity.readable_key
        columns = tuple(dict.fromkeys((*key, *entity.calling, *_parent(entity))))
        there = {c.id for c in changes if c.action not in ("create", "delete")}
        rows = self._cells(entity, entity.primary, there, columns)
        told = [change.old if change.action == "delete" else change.new for change in changes]
        named = [rows.get(change.id, row) for change, row in zip(changes, told, strict=True)]
        labels = self._labels(entity, named)
        for change, row, label in zip(changes, named, labels, strict=True):
            key_of = {column: row.get(column) for column in key}
            if entity.primary in key_of:
                key_of[entity.primary] = change.id
            change.key = {self.field_of(entity, c): v for c, v in key_of.items() if v is not None}
            change.label = label
        for column in entity.references:
            for change, name in zip(changes, self._names(entity, column, told), strict=True):
                change.names = {**change.names, column: name} if name else change.names
            self._link(entity, column, changes)

    def _link(self, entity: Entity, column: str, changes: Sequence[Change]) -> None:
        """Put into changes which rows a reference means, and meant before, by key and label."""
        sides = [
            (change, side, values[column])
            for change in changes
            if change.action != "conflict"  # which has what the file calls the rows
            for side, values in (("old", change.old), ("new", change.new))
            if values.get(column) is not None
        ]
        if not sides:
            return
        reference = entity.references[column]
        target = self.tables.catalog.entities[reference.target]
        columns = tuple(dict.fromkeys((*target.readable_key, *target.calling, *_parent(target))))
        rows = self._cells(target, reference.to, {value for _, _, value in sides}, columns)
        labels = self._labels(target, [*rows.values()])
        linked = {
            identity: {
                "key": {c: row.get(c) for c in target.readable_key if c != target.primary}
                or {reference.to: identity},
                "label": label,
            }
            for (identity, row), label in zip(rows.items(), labels, strict=True)
        }
        for change, side, identity in sides:
            if identity in linked:
                link = {**change.links.get(column, {}), side: linked[identity]}
                change.links = {**change.links, column: link}

    def label(self, entity: Entity, row: Row) -> str:
        """Return what people call one row; empty where it has no name."""
        return self._labels(entity, [dict(zip(entity.columns, row, strict=True))])[0]

    def _labels(self, entity: Entity, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return what people call rows; one that has no name goes by the row it belongs to."""
        labels = [_label(entity, row) for row in rows]
        for column in _parent(entity):
            names = self._names(entity, column, rows)
            labels = [label or name for label, name in zip(labels, names, strict=True)]
        return labels

    def _names(self, entity: Entity, column: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return what people call the rows that a reference means, empty where it means none."""
        reference = entity.references[column]
        target = self.tables.catalog.entities[reference.target]
        ids = {row.get(column) for row in rows}
        there = self._cells(target, reference.to, ids, target.calling) if target.calling else {}
        labels = {identity: _label(target, cells) for identity, cells in there.items()}
        return [labels.get(row.get(column), "") for row in rows]

    def _cells(
        self, entity: Entity, by: str, ids: Iterable[Any], columns: tuple[str, ...]
    ) -> dict[Any, dict[str, Any]]:
        """Return {value of the column `by`: {column: value}} of rows."""
        found = self.tables.rows(entity).known(by, ids, columns)
        return {value: dict(zip(columns, cells, strict=True)) for value, cells in found.items()}


def _parent(entity: Entity) -> tuple[str, ...]:
    """Return the reference to the row that a row without a name of its own belongs to."""
    needed = (c for c, reference in entity.references.items() if not reference.nullable)
    return () if entity.calling else tuple(needed)[:1]


def _label(entity: Entity, row: Mapping[str, Any]) -> str:
    cells = (row.get(column) for column in entity.calling)
    return " ".join(said(cell) for cell in cells if cell is not None)
