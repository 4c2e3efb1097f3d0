"""What somebody should look at though it is not wrong: nothing of it stops an import.

Codes another row has, new rows beside others that are almost the same, values far from all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.catalog.model import Key, RowId
from bakeio_core.database.rows import Row
from bakeio_core.errors import FIRST_RECORDS, Problem, counted
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.folding import padded
from bakeio_core.values.numbers import Decimal
from bakeio_core.values.text import Text
from bakeio_core.values.times import Date
from bakeio_core.values.wording import shown

MOST_COMPARED = 1000
"""New rows compared with those that are there: as many as a person may have typed."""
ALIKE = 90
"""From this likeness on (0 to 100, rapidfuzz's ratio) two keys may be one that was misspelt."""
FAR = 10
"""A number so many times as large as any other in its column is told."""
EARLIEST, AHEAD = date(1900, 1, 1), timedelta(days=731)
"""Days before the one, or so far in the future, are told."""


class Noticed:
    """Look at what a view's file is to write.

    Args:
        state: The import.
        part: The part.
    """

    def __init__(self, state: ImportState, part: Part) -> None:
        self.state, self.part, self.entity = state, part, part.entity
        self.rows = state.tables.rows(part.entity)
        self.is_quiet = part.view is None or self.rows.was_empty
        self._problems: list[Problem] = []
        self._codes: dict[tuple[str, str], list[tuple[int, RowId, Any]]] = {}
        self._code_of: dict[tuple[str, RowId], str] = {}
        self._created: dict[RowId, int] = {}
        self._keys: list[str] = []
        self._beside: set[RowId] = set()

    def look(self, batch: Changes) -> None:
        """Look at a batch before it is written."""
        if self.is_quiet or batch.entity is not self.entity:
            return
        rows = [dict(zip(batch.columns, row, strict=True)) for row in batch.rows]
        primary = self.entity.primary
        made = [
            Change("create", self.entity.name, number, row[primary], row)
            for number, row in zip(batch.numbers, rows, strict=True)
        ]
        for change in (*made, *batch.updates):
            self._look_at_values(change)
        self._created.update((change.id or 0, change.record) for change in made)
        if made and len(self._created) <= MOST_COMPARED:
            self._look_at_new(made)

    # -- values
    def _look_at_values(self, change: Change) -> None:
        for column, value in change.new.items():
            if column in self.entity.codes:
                self._look_at_code(change, column, value)
            elif column in self._dates and value is not None:
                day = date.fromisoformat(value)
                if not EARLIEST <= day <= self._latest:
                    self._tell(change, column, value, "is a day far from today: is it right?")
            elif value is not None and column in self._largest:
                most = self._largest[column]
                if most > 0 and abs(value) > FAR * most:
                    far = f"is more than {FAR} times the largest there is ({shown(most)})"
                    message = f"{far}: is it right?"
                    self._tell(change, column, value, message)

    def _look_at_code(self, change: Change, column: str, value: Any) -> None:
        """Remember which row gets a code, and which one has none any more."""
        code, identity = padded(value), change.id or 0
        self._code_of[column, identity] = code
        if code:
            self._codes.setdefault((column, code), []).append((change.record, identity, value))

    @cached_property
    def _dates(self) -> set[str]:
        return {column for column, kind in self.entity.kinds.items() if isinstance(kind, Date)}

    @cached_property
    def _latest(self) -> date:
        return date.fromisoformat(self.state.now[:10]) + AHEAD

    @cached_property
    def _largest(self) -> dict[str, Any]:
        """The largest number in each column before the import."""
        kinds = self.entity.kinds
        numbers = [
            c for c, kind in kinds.items() if isinstance(kind, Decimal) and kind.sql_convertible
        ]
        found = self.rows.largest(numbers)
        return {c: most for c, most in found.items() if most is not None}

    # -- new rows
    def _look_at_new(self, made: Sequence[Change]) -> None:
        readable = self.entity.readable_key
        if readable == (self.entity.primary,):
            self._look_beside(made)
            self._look_for_almost_equal(made)
            return
        column = readable[0]
        for change in made:
            value = change.new[column]
            if len(self._keys) < FIRST_RECORDS:
                self._keys.append(f"{self.part.fields.naming_of(column)} {shown(value)}")
            self._look_for_twin(change, column, value)

    def _look_for_twin(self, change: Change, column: str, value: Any) -> None:
        """Tell of a row whose key is almost that of a new one."""
        if not isinstance(value, str) or not isinstance(self.entity.kinds[column], Text):
            return
        from rapidfuzz import fuzz, process  # few imports look for twins

        near = process.extractOne(
            value, self._known_keys(column), scorer=fuzz.ratio, score_cutoff=ALIKE
        )
        if near is not None and near[0] != value:
            field = self.part.fields.naming_of(column)
            near_one = shown(near[0])
            message = (
                f"makes a new row beside {near_one}: if that is meant, write {field} {near_one}"
            )
            self._tell(change, column, value, message)

    def _known_keys(self, column: str) -> list[str]:
        if column not in self._known:
            self._known[column] = self.rows.values_of(column)
        return self._known[column]

    @cached_property
    def _known(self) -> dict[str, list[str]]:
        return {}

    def _look_beside(self, made: Sequence[Change]) -> None:
        """Count the rows that were there of what new ones are of."""
        for column in [c for c in self.entity.content if c in self.entity.references][:1]:
            for rows in self._there((column,), made).values():
                self._beside.update(row[self.rows.id_index] for row in rows)

    def _look_for_almost_equal(self, made: Sequence[Change]) -> None:
        """Tell of rows that have all of a new one's content but one value."""
        content, told = self.entity.content, set[int]()
        id_field = self.part.fields.own.get(self.entity.primary, self.entity.primary)
        for column in content:
            if column in self.entity.references or column == self.entity.date:
                continue  # the same on another day is no mistake
            rest = tuple(c for c in content if c != column)
            there = self._there(rest, made)
            for change in made:
                rows = there.get(tuple([change.new[c] for c in rest]), [])
                if not rows or change.record in told:
                    continue
                told.add(change.record)
                identity = rows[0][self.rows.id_index]
                message = (
                    f"is all that differs from the row with {id_field} {identity}, which has "
                    f"{shown(self.rows.value(rows[0], column))}: if that row is meant, give its "
                    f"{id_field}"
                )
                self._tell(change, column, change.new[column], message)

    def _there(self, key: Key, made: Sequence[Change]) -> dict[Row, list[Row]]:
        """Return {values: rows that have them} of the rows that were there before."""
        found = self.rows.find(key, {tuple([change.new[c] for c in key]) for change in made})
        is_new, place = self._created, self.rows.id_index
        return {
            value: old
            for value, rows in found.items()
            if (old := [row for row in rows if row[place] not in is_new])
        }

    # -- what is told
    def _tell(self, change: Change, column: str, value: Any, message: str) -> None:
        self._problems.append(
            self._problem("check", "warning", [change.record], column, value, message)
        )

    def _problem(
        self,
        code: str,
        severity: str,
        records: Sequence[int],
        column: str | None,
        value: Any,
        message: str,
    ) -> Problem:
        return Problem(
            code=code,
            severity=severity,
            file=self.part.file,
            record=records[0] if len(records) == 1 else None,
            records=list(records[:FIRST_RECORDS]),
            count=max(1, len(records)),
            entity=self.entity.name,
            field=None if column is None else self.part.fields.naming_of(column),
            value=value if isinstance(value, (str, int, float)) else None,
            message=message,
        )

    def problems(self) -> Iterator[Problem]:
        """Return what was noticed, new rows first."""
        if self._created:
            yield self._of_new_rows()
        yield from sorted(self._problems, key=lambda problem: problem.record or 0)
        yield from self._shared_codes()

    def _of_new_rows(self) -> Problem:
        new = f"{counted(len(self._created), 'new row')} of {self.entity.name}"
        if self._beside:
            parents = [c for c in self.entity.content if c in self.entity.references]
            id_field = self.part.fields.own.get(self.entity.primary, self.entity.primary)
            same = self.part.fields.naming_of(parents[0])
            message = (
                f"{new}, beside {len(self._beside):,} of the same {same} (to change those give "
                f"{id_field} or _rev; none: --mode update-only)"
            )
        else:
            named = f" ({', '.join(self._keys[:5])})" if self._keys else ""
            message = f"{new}{named} (none: --mode update-only)"
        numbers = sorted(self._created.values())
        return self._problem("duplicate-key", "note", numbers, None, None, message)

    def _shared_codes(self) -> Iterator[Problem]:
        """Tell of codes that another row has, or gets, as well."""
        if not self._codes:
            return
        self.rows.forget_folded()
        for (column, code), known in sorted(self._codes.items(), key=lambda item: min(item[1])[:2]):
            known.sort(key=lambda one: one[0])
            ids = {identity for _, identity, _ in known}
            owners = [i for i in self.rows.folded((column,), (known[0][2],)) if i not in ids]
            others = [i for i in owners if self._code_of.get((column, i), code) == code]
            if len(ids) + len(others) < 2:
                continue
            rows = self.rows.by_id(others)
            names = [self._called(rows[i]) for i in others if i in rows][:3]
            has = (
                f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} it already"
                if names
                else (f"{counted(len(ids), 'record')} have it")
            )
            numbers = [number for number, _, _ in known]
            message = f"{has}: a code is of one row; see which is right"
            yield self._problem("check", "warning", numbers, column, known[0][2], message)

    def _called(self, row: Row) -> str:
        column = self.entity.readable_key[0]
        return f"{self.part.fields.naming_of(column)} {shown(self.rows.value(row, column))}"
