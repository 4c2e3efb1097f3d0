"""Foreign keys of several columns whose rows may come later: they are empty first, set at the end.

A reference of one column waits in planning, where its row is looked for (`linking/deferred.py`).
Several columns hold values of the file that only the database looks up together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bakeio_core.catalog.entities.model import Entity, RowId
from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.catalog.keys.rings import links_back
from bakeio_core.importing.reading.sources import Part


class LateKeys:
    """Take out of batches what has to wait.

    Args:
        entities: All of them, in import order.
    """

    def __init__(self, entities: Mapping[str, Entity]) -> None:
        self.entities = entities
        self._columns: dict[str, list[str]] = {}
        self._held: dict[str, tuple[Part, Changes]] = {}
        self._new: set[tuple[str, RowId | None]] = set()

    def _waiting(self, entity: Entity) -> list[str]:
        """Return the columns that wait: those that no field links to a row."""
        if entity.name not in self._columns:
            several = {c for f in entity.foreign_keys if not f.is_reference for c in f.columns}
            free = several - entity.references.keys() - {*entity.primary_key}
            late = links_back(self.entities, entity)
            self._columns[entity.name] = [column for column in late if column in free]
        return self._columns[entity.name]

    def without(self, changes: Changes) -> Changes:
        """Return a batch with nothing in the columns that wait; the very one where none does."""
        columns = self._waiting(changes.entity)
        if not columns:
            return changes
        places = {changes.columns.index(column) for column in columns}
        rows = [
            tuple([None if place in places else cell for place, cell in enumerate(row)])
            for row in changes.rows
        ]
        updates = [
            replace(change, new={c: v for c, v in change.new.items() if c not in columns})
            for change in changes.updates
        ]
        return replace(changes, rows=rows, updates=updates)

    def hold(self, part: Part, changes: Changes, written: Changes) -> None:
        """Keep what waits of a batch, and give its rows what was made of them on writing."""
        if changes is written:
            return
        entity, columns = changes.entity, self._waiting(changes.entity)
        places = {changes.columns.index(column): column for column in columns}
        primary = changes.columns.index(entity.primary)
        late, whole = list[Change](), []
        for row, bare, number in zip(changes.rows, written.rows, changes.numbers, strict=True):
            new = {column: row[place] for place, column in places.items()}
            late.append(
                Change("update", entity.name, number, row[primary], new, dict.fromkeys(new))
            )
            self._new.add((entity.name, row[primary]))
            whole.append(tuple([row[p] if p in places else cell for p, cell in enumerate(bare)]))
        changes.rows = whole
        for change in changes.updates:
            new = {column: change.new[column] for column in columns if column in change.new}
            old = {column: change.old.get(column) for column in new}
            late.append(Change("update", entity.name, change.record, change.id, new, old))
        held = self._held.setdefault(part.file, (part, Changes(entity, changes.columns)))
        held[1].updates += [change for change in late if change.new != change.old]

    def take(self) -> list[tuple[Part, Changes]]:
        """Return what waits, part by part; from now on nothing does."""
        self._columns = {name: [] for name in self.entities}
        return list(self._held.values())

    def is_of_new_row(self, change: Change) -> bool:
        """Tell whether an update sets what a row waited for that the import creates."""
        return change.action == "update" and (change.entity, change.id) in self._new
