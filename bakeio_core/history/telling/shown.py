"""Which of many changes a report shows."""

from __future__ import annotations

from collections import Counter

from bakeio_core.catalog.exchange import MOST_SHOWN, SHOWN_OF_EACH, Changes


class Shown:
    """Choose the changes that are shown: the first of each entity and action, others while there
    is room.

    Args:
        most: How many others.
    """

    def __init__(self, most: int = MOST_SHOWN) -> None:
        self._room, self._taken = most, Counter[tuple[str, str]]()

    def take(self, entity: str, action: str, count: int) -> int:
        """Return how many of some changes of one kind are shown; they count as taken then."""
        kind = (entity, action)
        taken = min(count, max(self._room, SHOWN_OF_EACH - self._taken[kind]))
        self._taken[kind] += taken
        self._room -= min(self._room, taken)
        return taken

    def of(self, changes: Changes) -> Changes:
        """Return what is shown of a batch that was written."""
        name = changes.entity.name
        new = self.take(name, "create", len(changes.rows))
        return Changes(
            changes.entity,
            changes.columns,
            changes.rows[:new],
            changes.numbers[:new],
            updates=changes.updates[: self.take(name, "update", len(changes.updates))],
            deletes=changes.deletes[: self.take(name, "delete", len(changes.deletes))],
        )
