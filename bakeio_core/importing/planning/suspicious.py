"""Look at the values that changes set: far from all others, moved by a row, one in many rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from bakeio_core.catalog.columns import STAMPS
from bakeio_core.catalog.exchange import Candidate, Change
from bakeio_core.errors import counted
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.numbers import Decimal
from bakeio_core.values.text import Boolean
from bakeio_core.values.times import Date
from bakeio_core.values.wording import shown

EARLIEST, AHEAD = date(1900, 1, 1), timedelta(days=731)
"""Days before the one, or so far in the future, are told."""
MOST_VALUES = 1000
"""How many different values are counted, to find one that many rows get."""
MOST_RECORDS = 1000


@dataclass
class Suspicion:
    """What is suspicious: in which records, of which column, and why, in words.

    `before` are the values the rows have, by record; `found` is the row a new one may be. Beyond
    the first thousand records they are only counted.
    """

    records: list[int]
    column: str
    value: Any
    message: str
    before: dict[int, Any] = field(default_factory=dict)
    found: Candidate | None = None
    count: int = 0

    def add(self, number: int, before: Any) -> None:
        """Add one more record."""
        self.count += 1
        if len(self.records) < MOST_RECORDS:
            self.records.append(number)
            self.before[number] = before


class SuspiciousValues:
    """Look at the values that changes set, one after another.

    Args:
        state: The import.
        part: The part.
    """

    def __init__(self, state: ImportState, part: Part) -> None:
        self.state, self.part, self.entity = state, part, part.entity
        self.rows, self.limits = state.tables.rows(part.entity), part.entity.suspects
        self.found: list[Suspicion] = []
        self._same: dict[tuple[str, Any], Suspicion] = {}
        self._changed: dict[str, int] = {}
        self._last: dict[str, tuple[int, Any, Any]] = {}
        self._moved: dict[str, Suspicion] = {}

    def look(self, change: Change) -> None:
        """Look at the values of one change."""
        is_update = change.action == "update"
        for column, value in change.new.items():
            if column in STAMPS or column in self.entity.references:
                continue
            why = "" if value is None else self._far(change, column, value)
            if is_update and not why and change.old.get(column) is not None:
                why = self._overwritten(column, change.old[column])
            if why:
                before = {change.record: change.old[column]} if is_update else {}
                self.found.append(Suspicion([change.record], column, value, why, before))
            if is_update and value is not None:
                self._note(change, column, value)

    def _overwritten(self, column: str, old: Any) -> str:
        if column not in self._missing:
            return ""
        return f"replaces {shown(old)}, though the file was exported for what has none"

    @cached_property
    def _missing(self) -> set[str]:
        """The columns for lack of which the records of the file were exported."""
        names = self.part.document.header.get("missing")
        known = self.part.fields.by_name
        items = [known.get(name) for name in names] if isinstance(names, list) else []
        return {str(item.column) for item in items if item is not None}

    def _far(self, change: Change, column: str, value: Any) -> str:
        """Say how a number or a day is far from those that are there; empty where it is not."""
        if column in self._dates:
            return self._far_day(column, date.fromisoformat(value))
        if column not in self._numbers:
            return ""
        times, old = self.limits.times, change.old.get(column)
        least, most = self._extremes.get(column, (0, 0))
        if most > 0 and abs(value) > times * most:
            return f"is more than {times} times the largest there is ({shown(most)}): is it right?"
        if least > 0 and 0 < value * times < least:
            return (
                f"is less than a {times}th of the smallest there is ({shown(least)}): is it right?"
            )
        if old and old > 0 and value > 0 and (value >= times * old or value * times <= old):
            return f"was {shown(old)}: is it right?"
        return ""

    def _far_day(self, column: str, day: date) -> str:
        if not EARLIEST <= day <= self._latest:
            return "is a day far from today: is it right?"
        ends = self._extremes.get(column)
        if ends is None:
            return ""
        first, last = map(date.fromisoformat, ends)
        span = timedelta(days=self.limits.days)
        if first - span <= day <= last + span:
            return ""
        return f"is a day far from all others ({ends[0]} to {ends[1]}): is it right?"

    @cached_property
    def _dates(self) -> set[str]:
        return {column for column, kind in self.entity.kinds.items() if isinstance(kind, Date)}

    @cached_property
    def _numbers(self) -> set[str]:
        kinds = self.entity.kinds.items()
        return {c for c, kind in kinds if isinstance(kind, Decimal) and kind.sql_convertible}

    @cached_property
    def _latest(self) -> date:
        return date.fromisoformat(self.state.now[:10]) + AHEAD

    @cached_property
    def _extremes(self) -> dict[str, tuple[Any, Any]]:
        """The smallest and the largest number and day in each column before the import."""
        return self.rows.extremes(sorted(self._numbers | self._dates))

    # -- of many rows
    @cached_property
    def _compared(self) -> set[str]:
        """Columns in which one value in many rows, or that of the row beside, is strange."""
        kinds, choices = self.entity.kinds.items(), self.entity.choices
        return {c for c, k in kinds if c not in choices and not isinstance(k, Boolean)}

    def _note(self, change: Change, column: str, value: Any) -> None:
        """Note what a row gets, to see at the end whether many others get it as well."""
        if column not in self._compared or isinstance(value, (list, dict)):
            return
        number, old = change.record, change.old.get(column)
        self._changed[column] = self._changed.get(column, 0) + 1
        same = self._same.get((column, value))
        if same is None and len(self._same) < MOST_VALUES:
            same = self._same[column, value] = Suspicion([], column, value, "")
        if same is not None:
            same.add(number, old)
        last, last_old, last_new = self._last.get(column, (0, None, None))
        self._last[column] = number, old, value
        is_moved = value == last_old or (old is not None and old == last_new)
        if number == last + 1 and is_moved and old != last_old:
            moved = self._moved.setdefault(column, Suspicion([], column, None, ""))
            if last not in moved.records[-1:]:
                moved.add(last, last_old)
            moved.add(number, old)

    def of_many(self) -> Iterator[Suspicion]:
        """Return what is suspicious of many rows together."""
        for moved in self._moved.values():
            if moved.count >= self.limits.moved:
                moved.message = "has the value of the row beside it: did the column move by a row?"
                yield moved
        for same in self._same.values():
            is_most = 2 * same.count >= self._changed[same.column]
            if same.count >= self.limits.same and is_most:
                same.message = f"{counted(same.count, 'row')} get this one value: is it right?"
                yield same
