"""The ids of the new rows of one import, and where the rows of its file ended up."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.model import Entity, RowId
from bakeio_core.database.dialect import HIGHEST
from bakeio_core.database.dialects import dialect_of

if TYPE_CHECKING:
    from sqlalchemy import Connection


class NewIds:
    """Give the new rows of one entity ids that no row has or had.

    Where the user of the database cannot make its own counter go on after rows that have ids of a
    file, none has such an id, but for rows of this very database that come back: theirs the counter
    is past.

    Attributes:
        keeps_all: Whether rows may have any id of a file.
        highest_kept: Up to which id a row may have that of the file.
        last: The highest id that a row of this import got; 0 where none did.

    Args:
        db: A connection inside the transaction of the import.
        entity: Whose rows.
        is_trial: Whether nothing of what is written stays: then the counter is not asked, and ids
            stand in for those it would give.
        same_database: Whether the file is of this very database.
    """

    def __init__(
        self, db: Connection, entity: Entity, *, is_trial: bool, same_database: bool
    ) -> None:
        self.db, self.table, self.primary = db, entity.table, entity.surrogate
        self.dialect = dialect_of(db)
        kept = self.dialect.kept_ids(db, self.table, self.primary)
        self.keeps_all = kept == HIGHEST
        self.highest_kept = kept if self.keeps_all or same_database else 0
        self.last = 0
        self._next = self.dialect.next_id(db, self.table, self.primary)
        self._draws = not (self.keeps_all or is_trial)
        self._count = 0
        # of what was given: where each run of rising numbers begins, its length and its place
        self._begins: list[int] = []
        self._runs: list[tuple[int, int]] = []
        self._drawn: list[int] = []
        if self._draws and same_database and not kept:
            # of a counter that may not be read, only a number of it tells how far it is
            self._drawn = self._draw(1)
            self.highest_kept = self._drawn[0] - 1
        if not self._draws:
            self._begins.append(self._next)
            self._runs.append((HIGHEST, 0))

    def take(self, count: int = 1) -> Sequence[int]:
        """Return so many ids, others at each call."""
        if self._draws:
            ids: Sequence[int] = self._drawn[:count]
            self._drawn = self._drawn[count:]
            ids = [*ids, *self._draw(count - len(ids))]
            for identity in ids:
                self._enter(identity)
        else:
            ids = range(self._next, self._next + count)
            self._next += count
        if ids:
            self.last = max(self.last, ids[-1])
        return ids

    def _draw(self, count: int) -> list[int]:
        return list(self.dialect.draw_ids(self.db, self.table, self.primary, count))

    def _enter(self, identity: int) -> None:
        if self._begins and identity == self._begins[-1] + self._runs[-1][0]:
            length, place = self._runs[-1]
            self._runs[-1] = (length + 1, place)
        else:
            self._begins.append(identity)
            self._runs.append((1, self._count))
        self._count += 1

    def took(self, identity: int) -> None:
        """Note that a row keeps the id of the file, so that new ids go on after it."""
        self._next = max(self._next, identity + 1)
        self.last = max(self.last, identity)

    def place(self, identity: int) -> int | None:
        """Return which one of the ids given here an id is; None where it was there before."""
        run = bisect_right(self._begins, identity) - 1
        if run < 0:
            return None
        length, place = self._runs[run]
        after = identity - self._begins[run]
        return place + after if after < length else None


class IdMap:
    """Where the rows of a file ended up: their ids and keys there, and their ids here.

    Where the file gives one id or key to several of its records, it leads to several rows.
    """

    def __init__(self) -> None:
        self._moved: dict[tuple[str, Any], tuple[RowId, ...]] = {}
        self._kept = array("q")
        self._kept_set: set[RowId] = set()
        self._shifted = (array("q"), array("q"))

    def keep(self, ids: Iterable[int]) -> None:
        """Note rows whose id here is that of the file."""
        self._kept.extend(ids)

    def move(self, column: str, value: Any, row_id: RowId) -> None:
        """Note what the file calls a row in a column in which it holds something else here."""
        known = self._moved.get((column, value), ())
        if row_id not in known:
            self._moved[column, value] = (*known, row_id)

    def shift(self, file_ids: Iterable[int], ids: Iterable[int]) -> None:
        """Note many rows whose ids in the file, which only rise, may be others here."""
        for known, some in zip(self._shifted, (file_ids, ids), strict=True):
            known.extend(some)

    def has_moved(self, primary: str) -> bool:
        """Tell whether a row has another id here than in the file."""
        before, after = self._shifted
        return before != after or any(column == primary for column, _ in self._moved)

    def get(self, column: str, value: Any) -> tuple[RowId, ...]:
        """Return the rows the file calls so."""
        return self._moved.get((column, value), ())

    def of_id(self, primary: str, file_id: RowId) -> tuple[RowId, ...]:
        """Return the rows of an id of the file."""
        if len(self._kept):
            self._kept_set.update(self._kept)
            self._kept = array("q")
        moved = self._moved.get((primary, file_id), ())
        before, after = self._shifted
        place = bisect_left(before, file_id) if before and isinstance(file_id, int) else len(before)
        if place < len(before) and before[place] == file_id:
            moved = (*moved, after[place])
        return (*moved, file_id) if file_id in self._kept_set else moved
