"""Unique values that change hands between rows which are both updated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.catalog.model import Key, RowId
from bakeio_core.database.rows import Row, Rows
from bakeio_core.database.tables import Tables


class Swaps:
    """Keep back updates that take unique values another row still has.

    That row may be changing too, so they are written at the end, after its own update; where rows
    exchange values, these are parked first.

    Args:
        tables: The rows there are.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._waiting: dict[RowId, Change] = {}
        self._holders: dict[RowId, set[RowId]] = {}

    def hold_back(self, changes: Changes) -> None:
        """Take such updates out of a batch."""
        rows = self._tables.rows(changes.entity)
        for key in changes.entity.unique:
            wanted = dict(_taking(rows, key, changes.updates))
            held = rows.find(key, wanted.values()) if wanted else {}
            for identity, values in wanted.items():
                others = {row[rows.id_index] for row in held.get(values, ())} - {identity}
                if others:
                    self._holders.setdefault(identity, set()).update(others)
        waiting = [change for change in changes.updates if change.known_id in self._holders]
        if waiting:
            self._waiting.update((change.known_id, change) for change in waiting)
            changes.updates = [c for c in changes.updates if c.known_id not in self._holders]

    def take(self) -> list[Change]:
        """Return what was kept back, once: who holds a value comes before who takes it."""
        waiting, holders = self._waiting, self._holders
        self._waiting, self._holders = {}, {}
        among = {identity: holders[identity] & waiting.keys() for identity in waiting}
        try:
            return [waiting[identity] for identity in TopologicalSorter(among).static_order()]
        except CycleError:  # they exchange values
            return list(waiting.values())


def _taking(rows: Rows, key: Key, updates: Sequence[Change]) -> Iterator[tuple[RowId, Row]]:
    """Yield (id, values of a key that a row is to have) of updates that set any of them."""
    some = [change for change in updates if any(change.new.get(c) is not None for c in key)]
    current = rows.by_id([change.known_id for change in some]) if some and len(key) > 1 else {}
    for change in some:
        row = current.get(change.known_id)
        there = {} if row is None else dict(zip(rows.entity.columns, row, strict=True))
        values = tuple([change.new.get(c, there.get(c)) for c in key])
        if None not in values:  # no two rows are equal by what is empty
            yield change.known_id, values
