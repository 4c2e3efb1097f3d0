"""Unique values that change hands between rows of one part."""

from __future__ import annotations

from bakeio_core.catalog.entities.model import Entity, Key, RowId
from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.database.stored.rows import Row
from bakeio_core.database.stored.tables import Tables
from bakeio_core.history.changing_hands import Takers, Turns, in_turn


class Swaps:
    """Keep back what takes unique values that another row still has, or has left just now.

    That row may be changing too, so updates are written at the end, after its own; a new row is
    written after the update that leaves its place.

    Args:
        tables: The rows there are.
        entity: Whose rows the part is of.
    """

    def __init__(self, tables: Tables, entity: Entity) -> None:
        self._tables, self._entity, self._rows = tables, entity, tables.rows(entity)
        self._waiting: dict[RowId, Change] = {}
        self._left: dict[Key, dict[Row, RowId]] = {}
        self._new: list[tuple[Row, int]] = []

    def hold_back(self, changes: Changes) -> None:
        """Take such updates and new rows out of a batch."""
        takers = Takers(self._rows, changes.updates)
        held = takers.holders().keys()
        if held:
            self._waiting |= {c.known_id: c for c in changes.updates if c.known_id in held}
            changes.updates = [c for c in changes.updates if c.known_id not in held]
        for key, left in takers.left.items():
            self._left.setdefault(key, {}).update(left)
        if self._left and changes.rows:
            self._hold_back_new(changes)

    def _hold_back_new(self, changes: Changes) -> None:
        wait = {
            place
            for key, left in self._left.items()
            for place, row in enumerate(changes.rows if left else ())
            if self._rows.key_of(row, key) in left
        }
        numbered = list(zip(changes.rows, changes.numbers, strict=True))
        self._new += [numbered[place] for place in sorted(wait)]
        kept = [both for place, both in enumerate(numbered) if place not in wait]
        changes.rows, changes.numbers = [row for row, _ in kept], [number for _, number in kept]

    def free(self) -> Changes:
        """Return, once, the new rows whose places are free now."""
        key_of = self._rows.key_of
        free, held = list[tuple[Row, int]](), list[tuple[Row, int]]()
        for row, number in self._new:
            holders = {left.get(key_of(row, key)) for key, left in self._left.items()}
            (free if holders.isdisjoint(self._waiting) else held).append((row, number))
        self._new = held
        some = [row for row, _ in free], [number for _, number in free]
        return Changes(self._entity, self._entity.columns, *some)

    def take(self) -> Turns:
        """Return, once, the updates that were kept back, as they can be written in turn."""
        waiting, self._waiting = list(self._waiting.values()), {}
        return in_turn(self._tables, self._entity, waiting)
