"""Look at the values that changes set: far from all others, moved by a row, one in many rows."""

from __future__ import annotations

import decimal
import itertools
import math
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from bakeio_core.catalog.entities.columns import MADE, STAMPS
from bakeio_core.catalog.exchange import Candidate, Change
from bakeio_core.errors import counted
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values import Boolean
from bakeio_core.values.kinds.numbers import Decimal, Float, Integer
from bakeio_core.values.kinds.times import Date, DateTime
from bakeio_core.values.wording import BadValue, shown

EARLIEST, AHEAD = date(1900, 1, 1), timedelta(days=731)
"""Days before the one, or so far in the future, are told."""
NEVER = 1 << 62
"""More than anything has, of what is turned off."""
MOST_VALUES = 1000
"""Of more different values only the most frequent are counted on, to find what many rows get."""
MOST_RECORDS = 1000
_LEAST_ROUNDED = 3
"""So many values that are others with fewer decimals are no chance, where they are nearly all."""
_LEAST = 8
"""So many rows with the values of one another are no chance."""
_LEAST_VALUES = 4
MOST_EXCHANGED = 20_000
"""Of more different values nothing is told: nobody looks for order in them."""


Why = tuple[str, str]
"""Why something is suspicious, in words for one record and for several; for all alike where the
second is empty."""
NO_REASON: Why = ("", "")


@dataclass
class Suspicion:
    """What is suspicious: in which records, of which column, and why, in words.

    `before` are the values the rows have, by record; `found` is the row a new one may be;
    `of_several` are the words for several records at once, where `message` names values of one.
    Beyond the first thousand records they are only counted.
    """

    records: list[int]
    column: str
    value: Any
    message: str
    before: dict[int, Any] = field(default_factory=dict)
    found: Candidate | None = None
    count: int = 0
    of_several: str = ""

    @property
    def cause(self) -> tuple[str, str]:
        """What all that is suspicious for one reason has in common."""
        return self.column, self.of_several or self.message

    def add(self, number: int, before: Any) -> None:
        """Add one more record."""
        self.count += 1
        if len(self.records) < MOST_RECORDS:
            self.records.append(number)
            self.before[number] = before


class ExchangedValues:
    """Count the values that changes set in one column, and those they replace.

    Where they are the same, one column of a sheet was sorted, and the others were not.

    Attributes:
        records: {record: what its row had} of the first changes.
    """

    def __init__(self) -> None:
        self.records: dict[int, Any] = {}
        self.count = 0
        self._new, self._old = Counter[Any](), Counter[Any]()

    def add(self, column: str, changes: Sequence[Change], most_records: int) -> None:
        """Add changes of a column."""
        if len(self._new) > MOST_EXCHANGED:
            return
        self.count += len(changes)
        self._new.update(change.new[column] for change in changes)
        self._old.update(change.old.get(column) for change in changes)
        for change in changes[: max(0, most_records - len(self.records))]:
            self.records[change.record] = change.old.get(column)

    @property
    def are_exchanged(self) -> bool:
        """Whether nearly all rows get values that others of them had: nothing was written."""
        if self.count < _LEAST or len(self._new) > MOST_EXCHANGED or len(self._new) < _LEAST_VALUES:
            return False
        return 10 * sum((self._new & self._old).values()) >= 9 * self.count


def _are_apart(one: float, other: float, times: float) -> bool:
    """Tell whether one number is so many times the other, whatever noise binary numbers have."""
    ratio = max(one / other, other / one)
    return ratio > times or math.isclose(ratio, times)


class SuspiciousValues:
    """Look at the values that changes set, one after another.

    Args:
        state: The import.
        part: The part.
    """

    def __init__(self, state: ImportState, part: Part) -> None:
        self.state, self.part, self.entity = state, part, part.entity
        self.rows, suspects = state.tables.rows(part.entity), part.entity.suspects
        off = {name: NEVER for name, limit in vars(suspects).items() if limit == 0}
        self.limits = replace(suspects, **off)
        self.found: list[Suspicion] = []
        self._counts: dict[str, Counter[Any]] = {}
        self._same: dict[tuple[str, Any], Suspicion] = {}
        self._changed: Counter[str] = Counter()
        self._moved: dict[str, Suspicion] = {}
        self._exchanged: dict[str, ExchangedValues] = {}
        self._rounded: dict[str, Suspicion] = {}
        self._updated: Counter[str] = Counter()

    def look(self, changes: Sequence[Change]) -> None:
        """Look at the values of changes, column by column."""
        by_column: dict[str, list[Change]] = {}
        for change in changes:
            for column in (c for c, value in change.new.items() if value is not MADE):
                by_column.setdefault(column, []).append(change)
        for column, some in by_column.items():
            if column in STAMPS:
                continue
            updates = [change for change in some if change.action == "update"]
            if updates and self.entity.kinds[column].is_scalar:
                known = self._exchanged.setdefault(column, ExchangedValues())
                known.add(column, updates, MOST_RECORDS)
            if column in self._compared:
                self._look_at_many(column, updates)
            if column in self._numbers:
                self._look_for_rounded(column, updates)
            if column in self._numbers or column in self._dates:
                self._look_at_each(column, some, self._far)
            if column in self._missing:
                self._look_at_each(column, some, self._overwritten)

    def _look_at_each(
        self, column: str, changes: Sequence[Change], why_of: Callable[[Change, str, Any], Why]
    ) -> None:
        for change in changes:
            value = change.new[column]
            why, of_several = NO_REASON if value is None else why_of(change, column, value)
            if why:
                has_old = change.action == "update"
                before = {change.record: change.old[column]} if has_old else {}
                of_it = Suspicion([change.record], column, value, why, before)
                of_it.of_several = of_several
                self.found.append(of_it)

    @staticmethod
    def _overwritten(change: Change, column: str, value: Any) -> Why:
        old = change.old.get(column)
        if old is None:
            return NO_REASON
        lacking = "though the file was exported for what has none"
        return f"replaces {shown(old)}, {lacking}", f"replaces what is there, {lacking}"

    @cached_property
    def _missing(self) -> set[str]:
        """The columns for lack of which the records of the file were exported."""
        names = self.part.document.header.get("missing")
        known = self.part.fields.by_name
        items = [known.get(name) for name in names] if isinstance(names, list) else []
        return {str(item.column) for item in items if item is not None}

    def _far(self, change: Change, column: str, value: Any) -> Why:
        """Say how a number or a day is far from those that are there, where it is."""
        if column in self._dates:
            return self._far_day(column, value), ""
        times, old = self.limits.times, change.old.get(column)
        least, most = self._extremes.get(column, (0, 0))
        if most > 0 and abs(value) > times * most:
            far = f"is more than {times} times the largest there is ({shown(most)})"
            return f"{far}: is it right?", ""
        if least > 0 and 0 < value * times < least:
            far = f"is less than a {times}th of the smallest there is ({shown(least)})"
            return f"{far}: is it right?", ""
        if old and old > 0 and value > 0 and _are_apart(float(value), float(old), times):
            far = f"is {times} times what it was or more, or a {times}th of it or less"
            return f"is {shown(value)} now, was {shown(old)}: is it right?", f"{far}: is it right?"
        return NO_REASON

    def _far_day(self, column: str, value: str) -> str:
        """Say how a day, or that of a moment, is far from those that are there, where it is."""
        known = (value, *self._extremes.get(column, ()))
        try:
            day, *ends = (date.fromisoformat(one[:10]) for one in known)
        except ValueError:  # what stands there is no day of the calendar
            return ""
        if not EARLIEST <= day <= self._latest:
            return "is a day far from today: is it right?"
        if not ends:
            return ""
        first, last = ends
        most = self.limits.days  # counted: a day so far from the ends of the calendar is none
        if (first - day).days <= most and (day - last).days <= most:
            return ""
        return f"is a day far from all others ({first} to {last}): is it right?"

    @cached_property
    def _dates(self) -> set[str]:
        kinds = self.entity.kinds.items()
        return {c for c, kind in kinds if isinstance(kind, (Date, DateTime))}.difference(STAMPS)

    @cached_property
    def _numbers(self) -> set[str]:
        """The columns whose numbers are amounts: not those that name a row."""
        kinds = self.entity.kinds.items()
        exact = {c for c, kind in kinds if isinstance(kind, Decimal) and kind.sql_convertible}
        binary = {c for c, kind in kinds if isinstance(kind, Float)}
        whole = {c for c, kind in kinds if isinstance(kind, Integer)}
        keys = {column for key in self.entity.all_keys for column in key}
        naming = {*keys, *self.entity.primary_key, *self.entity.references}
        return exact | binary | whole.difference(naming, self.entity.polymorphic)

    @cached_property
    def _latest(self) -> date:
        return date.fromisoformat(self.state.now[:10]) + AHEAD

    @cached_property
    def _extremes(self) -> dict[str, tuple[Any, Any]]:
        """The smallest and the largest number and day in each column before the import."""
        found = {}
        for column, ends in self.rows.extremes(sorted(self._numbers | self._dates)).items():
            with suppress(BadValue):  # what other programs stored may be no measure
                low, high = map(self.entity.kinds[column].stored, ends)
                found[column] = (low, high)
        return found

    # -- of many rows
    @cached_property
    def _compared(self) -> set[str]:
        """Columns in which one value in many rows, or that of the row beside, is strange."""
        kinds = self.entity.kinds.items()
        return {c for c, k in kinds if k.is_scalar and not isinstance(k, Boolean)}

    def _look_at_many(self, column: str, changes: Sequence[Change]) -> None:
        """Count the values rows get, and those that are the values of the rows beside them."""
        if column in self.entity.choices or column in self.entity.references:
            # many rows have one of these as it is: only what is replaced is strange
            replaced = [change for change in changes if change.old.get(column) is not None]
            self._count_values(column, replaced)
            return
        self._count_values(column, changes)
        changes = [change for change in changes if change.new[column] is not None]
        values = [change.new[column] for change in changes]
        olds = [change.old.get(column) for change in changes]
        down, up = map(operator.eq, values[1:], olds), map(operator.eq, values, olds[1:])
        if sum(down) + sum(up) >= self.limits.moved - 1:
            self._look_at_neighbours(column, changes)

    def _count_values(self, column: str, changes: Sequence[Change]) -> None:
        """Count the values rows get, and note the rows of those that many get."""
        values = [change.new[column] for change in changes]
        self._changed[column] += len(values) - values.count(None)
        counts = self._counts.setdefault(column, Counter())
        counts.update(values)
        if len(counts) > MOST_VALUES:
            counts = self._counts[column] = Counter(dict(counts.most_common(MOST_VALUES // 10)))
        for value in {value for value in values if counts[value] >= self.limits.same}:
            told = None if column in self.entity.references else value
            same = self._same.setdefault((column, value), Suspicion([], column, told, ""))
            for change in changes:
                if change.new[column] == value:
                    same.add(change.record, change.old.get(column))
            same.count = counts[value]

    def _look_at_neighbours(self, column: str, changes: Sequence[Change]) -> None:
        moved = self._moved.setdefault(column, Suspicion([], column, None, ""))
        for one, next_ in itertools.pairwise(changes):
            old, next_old = one.old.get(column), next_.old.get(column)
            is_taken = next_.new[column] == old or (
                next_old is not None and next_old == one.new[column]
            )
            if is_taken and old != next_old and next_.record == one.record + 1:
                if one.record not in moved.records[-1:]:
                    moved.add(one.record, old)
                moved.add(next_.record, next_old)

    def _look_for_rounded(self, column: str, updates: Sequence[Change]) -> None:
        """Look for numbers that are the old ones with fewer decimals, as a file of texts has them
        where a spreadsheet showed fewer.
        """
        self._updated[column] += len(updates)
        rounded = self._rounded.setdefault(column, Suspicion([], column, None, ""))
        for change in updates:
            if _is_rounded(change.old.get(column), change.new[column]):
                rounded.add(change.record, change.old.get(column))

    def of_many(self) -> Iterator[Suspicion]:
        """Return what is suspicious of many rows together."""
        exchanged = {c: known for c, known in self._exchanged.items() if known.are_exchanged}
        for column, known in exchanged.items():
            message = "has the value of another row: was this column sorted without the others?"
            found = Suspicion([*known.records], column, None, message, known.records)
            found.count = known.count
            yield found
        for column, moved in self._moved.items():
            if column not in exchanged and moved.count >= self.limits.moved:
                moved.message = "has the value of the row beside it: did the column move by a row?"
                yield moved
        for column, rounded in self._rounded.items():
            is_most = 10 * rounded.count >= 9 * self._updated[column]
            if rounded.count >= _LEAST_ROUNDED and is_most:
                rounded.message = (
                    "is the old number with fewer decimals: was the column shown with fewer?"
                )
                yield rounded
        for (_, value), same in self._same.items():
            is_most = value is None or 2 * same.count >= self._changed[same.column]
            if same.count >= self.limits.same and is_most:
                what = "get this one value" if value is not None else "lose their value"
                same.message = f"{counted(same.count, 'row')} {what}: is it right?"
                yield same


def _is_rounded(old: Any, new: Any) -> bool:
    """Tell whether a number is another one with fewer decimals."""
    if old is None or new is None:
        return False
    was, now = (decimal.Decimal(str(number)).normalize() for number in (old, new))
    kept, had = (max(0, -int(number.as_tuple().exponent)) for number in (now, was))
    return kept < had and abs(was - now) * 2 <= decimal.Decimal(1).scaleb(-kept)
