"""Unique values that change hands between rows which are both updated."""

from __future__ import annotations

from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.database.tables import Tables


class Swaps:
    """Keep back updates that take a unique value another row still has.

    That row may be changing too, so they are written at the end, after its own update; where rows
    exchange values, these are parked first.

    Args:
        tables: The rows there are.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._waiting: list[Change] = []

    def hold_back(self, changes: Changes) -> None:
        """Take such updates out of a batch."""
        rows = self._tables.rows(changes.entity)
        for key in changes.entity.unique:
            taking = [change for change in changes.updates if change.new.get(key[0]) is not None]
            if len(key) > 1 or not taking:
                continue
            holders = rows.find(key, {(change.new[key[0]],) for change in taking})
            held = {
                change.id
                for change in taking
                for row in holders.get((change.new[key[0]],), ())
                if row[rows.id_index] != change.id
            }
            if held:
                self._waiting += [change for change in changes.updates if change.id in held]
                changes.updates = [change for change in changes.updates if change.id not in held]

    def take(self) -> list[Change]:
        """Return what was kept back, once."""
        waiting, self._waiting = self._waiting, []
        return waiting
