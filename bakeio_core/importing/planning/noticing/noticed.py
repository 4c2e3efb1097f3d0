"""What somebody should look at though it is not wrong: nothing of it stops an import.

Codes another row has, new rows beside others that are almost the same, values far from all others,
values that moved by a row, many rows set to one value. From when on is the entity's to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from bakeio_core.catalog.entities.columns import MADE
from bakeio_core.catalog.entities.model import Key, RowId
from bakeio_core.catalog.exchange import (
    NEW_ROW,
    SUSPICIOUS,
    Candidate,
    Change,
    Changes,
)
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import FIRST_RECORDS, Problem, counted
from bakeio_core.importing.linking.claims import PartOutcome
from bakeio_core.importing.linking.drafts import Draft
from bakeio_core.importing.planning.noticing.codes import Codes
from bakeio_core.importing.planning.noticing.states import StateValues
from bakeio_core.importing.planning.noticing.suspicious import Suspicion, SuspiciousValues
from bakeio_core.importing.reading.decided_records import DecidedRecords, told_records
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.kinds.text import Text
from bakeio_core.values.wording import shown

MOST_COMPARED = 1000
"""New rows compared with those that are there: as many as a person may have typed."""
ALIKE = 90
"""From this likeness on (0 to 100, rapidfuzz's ratio) two keys may be one that was misspelt."""


class Noticed:
    """Look at what a file is to write.

    Args:
        state: The import.
        part: The part.
        outcome: What comes of its records.
        decided: What is decided about them.
    """

    def __init__(
        self, state: ImportState, part: Part, outcome: PartOutcome, decided: DecidedRecords
    ) -> None:
        self.state, self.part, self.entity = state, part, part.entity
        self.outcome, self.decided = outcome, decided
        self.rows = state.tables.rows(part.entity)
        self.is_quiet = self.rows.was_empty
        self.values, self.states = SuspiciousValues(state, part), StateValues(state, part)
        self._found: list[Suspicion] = []
        self.codes = Codes(self.rows, part)
        self._created: dict[RowId, int] = {}
        self._keys: list[str] = []
        self._compared = 0
        self._told, self._beside = set[int](), set[RowId]()

    def look(self, batch: Changes) -> None:
        """Look at a batch before it is written; of a set, which is a state, at updates alone."""
        if batch.entity is not self.entity:
            return
        self.states.look(batch)
        self._compared += len(batch.rows)
        if self.state.source.kind != "set" and self._compared <= MOST_COMPARED:
            self._look_for_same(_made(batch))
        if self.is_quiet:
            return
        made = _made(batch) if self.part.view is not None else []
        changes = [*made, *batch.updates]
        self.values.look(changes)
        if self.part.view is not None:
            self.codes.look(changes)
        self._created.update((change.id or 0, change.record) for change in made)
        if made and len(self._created) <= MOST_COMPARED:
            self._look_at_new(made)

    # -- new rows
    def _look_at_new(self, made: Sequence[Change]) -> None:
        readable = self.entity.readable_key
        if readable == (self.entity.primary,):
            self._look_beside(made)
            self._look_for_almost_equal(made, self.entity.content)
            return
        column = readable[0]
        for change in made:
            value = change.new[column]
            if len(self._keys) < FIRST_RECORDS:
                self._keys.append(f"{self.part.fields.naming_of(column)} {shown(value)}")
            self._look_for_twin(change, column, value)
        for key in (key for key in self.entity.all_keys if len(key) > 2):
            self._look_for_almost_equal(made, key)

    def _look_for_same(self, made: Sequence[Change]) -> None:
        """Tell of rows whose key is spelled otherwise than a new one's, and reads the same.

        Another record means them, else the new one would.
        """
        numbers, readable = {c.id: c.record for c in made}, self.entity.readable_key[0]
        for change, key in [(change, key) for change in made for key in self.entity.all_keys]:
            value = tuple([change.new[column] for column in key])
            ids = self.rows.folded(key, value) if any(value) else []
            others = [i for i in ids if numbers.get(i, 0) < change.record and i != change.id]
            rows = list(self.rows.by_id(others[:1]).values())
            if not rows or change.record in self._told:
                continue
            if self.rows.key_of(rows[0], key) == value:
                continue  # another record takes just this key off the row
            there = self.rows.value(rows[0], readable)
            named = f"{self.part.fields.naming_of(readable)} {shown(there)}"
            message = (
                f"reads as in the row with {named}, and makes a second row: if both are one, "
                f"write {named}"
            )
            self._tell(change, key[0], value[0], message, rows, {readable: there}, 1.0)

    def _look_for_twin(self, change: Change, column: str, value: Any) -> None:
        """Tell of a row whose key is almost that of a new one."""
        if not isinstance(value, str) or not isinstance(self.entity.kinds[column], Text):
            return
        from rapidfuzz import fuzz, process  # where there is a text to compare

        near = process.extractOne(
            value, self._known_keys(column), scorer=fuzz.ratio, score_cutoff=ALIKE
        )
        if near is not None and near[0] != value and change.record not in self._told:
            field = self.part.fields.naming_of(column)
            near_one = shown(near[0])
            message = (
                f"makes a new row beside {near_one}: if that is meant, write {field} {near_one}"
            )
            row = self.rows.find((column,), [(near[0],)]).get((near[0],), [])
            self._tell(change, column, value, message, row, {column: near[0]}, near[1] / 100)

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

    def _look_for_almost_equal(self, made: Sequence[Change], content: Key) -> None:
        """Tell of rows that have all of a new one's content but one value."""
        field = self.part.fields.naming_of(naming := self.entity.readable_key[0])
        references = [c for c in content if c in self.entity.references]
        for column in content:
            if column in (self.entity.date, *references[:1]):
                continue  # the same on another day, or of something else, is no mistake
            there = self._there(rest := tuple(c for c in content if c != column), made)
            for change in made:
                same, new = tuple([change.new[c] for c in rest]), change.new[column]
                equal = there.get(same, []) if len(same) - same.count(None) > 1 else []
                rows = [row for row in equal if self.rows.differs(row, column, new)]
                if not rows or change.record in self._told:
                    continue
                named, other = (self.rows.value(rows[0], c) for c in (naming, column))
                has = "" if column in references else f", which has {shown(other)}"
                row = f"the row with {field} {shown(named)}{has}"
                message = f"is the only difference to {row}: to change that row, give its {field}"
                self._tell(change, column, new, message, rows[:1], {naming: named}, 0.9)

    def _there(self, key: Key, made: Sequence[Change]) -> dict[Row, list[Row]]:
        """Return {values: rows that have them} of the rows that were there before."""
        wanted = {tuple([change.new[c] for c in key]) for change in made}
        found = self.rows.find(key, {values for values in wanted if MADE not in values})
        is_new, place = self._created, self.rows.id_index
        return {
            value: old
            for value, rows in found.items()
            if (old := [row for row in rows if row[place] not in is_new])
        }

    # -- what is told
    def _tell(
        self,
        change: Change,
        column: str,
        value: Any,
        message: str,
        rows: Sequence[Row],
        key: dict[str, Any],
        score: float,
    ) -> None:
        """Note that a new row may be one that is there."""
        self._told.add(change.record)
        found = None
        if rows:
            identity = rows[0][self.rows.id_index]
            cells = (self.rows.value(rows[0], c) for c in self.entity.calling)
            label = " ".join(str(cell) for cell in cells if cell is not None)
            label = label or ", ".join(f"{name} {shown(v)}" for name, v in key.items())
            reasons = ("almost the same",)
            found = Candidate(self.entity.name, identity, key, label, score, reasons)
        self._found.append(Suspicion([change.record], column, value, message, found=found))

    def _open(self, found: Sequence[Suspicion]) -> Iterator[Problem]:
        """Ask about what is suspicious; what nobody has accepted yet is told, one cause once.

        The file is read once more for what its records are called.
        """
        numbers = {number for suspicion in found for number in suspicion.records}
        told = dict(told_records(self.part, numbers)) if numbers else {}
        by_cause: dict[tuple[str, str], Problem] = {}
        for suspicion in found:
            left = [n for n in suspicion.records if self._is_open(suspicion, n, told.get(n, {}))]
            if left:
                where = suspicion.column, suspicion.value, suspicion.message
                problem = self._problem("check", "warning", left, *where)
                problem.count += max(0, suspicion.count - len(suspicion.records))
                known = by_cause.setdefault(suspicion.cause, problem)
                if known is not problem:
                    _put_together(known, problem)
                    known.message = suspicion.of_several or known.message
        yield from by_cause.values()

    def _is_open(self, suspicion: Suspicion, number: int, told: Any) -> bool:
        draft = Draft(number, told, decided=self.decided.of(number, told))
        is_row = suspicion.found is not None
        field_ = "" if is_row else self.part.fields.naming_of(suspicion.column)
        if draft.decided is not None:
            kind = NEW_ROW if is_row else SUSPICIOUS
            accepted = draft.decided.find(field_, "accept", kind=kind)
            if accepted or draft.decided.find(field_, "value", "take-file"):
                return False
        values = {"file": told.get(field_, suspicion.value)} if field_ else {}
        if number in suspicion.before and suspicion.column not in self.entity.references:
            values["database"] = suspicion.before[number]
        kind, found = (NEW_ROW if is_row else SUSPICIOUS), suspicion.found
        question = self.outcome.ask(draft, kind, field_, suspicion.message, values, "accept")
        if question is not None and found is not None:
            question.search = lambda _, limit: [found][:limit]
        return True

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
        each = [*self.values.found, *self._found]
        each.sort(key=lambda suspicion: suspicion.records[0])
        given = self.state.source.origins
        codes = self.codes.suspicions({number for number, _ in given})
        yield from self._open([*each, *self.values.of_many(), *codes])
        yield from self.states.problems()

    def _of_new_rows(self) -> Problem:
        new = f"{counted(len(self._created), 'new row')} of {self.entity.name}"
        is_of_others = self.part.template is not None or self.state.source.layout is not None
        if self._beside and is_of_others:
            message = f"{new}; {len(self._beside):,} exist of the same"
        elif self._beside:
            parents = [c for c in self.entity.content if c in self.entity.references]
            id_field = self.part.fields.own.get(self.entity.primary, self.entity.primary)
            same = self.part.fields.naming_of(parents[0])
            message = (
                f"{new}; {len(self._beside):,} exist with the same {same} (to change one, give "
                f"{id_field} or _rev; to add none: --mode update-only)"
            )
        else:
            named = f" ({', '.join(self._keys[:5])})" if self._keys else ""
            message = f"{new}{named} (to add none: --mode update-only)"
        numbers = sorted(self._created.values())
        return self._problem("duplicate-key", "note", numbers, None, None, message)


def _made(batch: Changes) -> list[Change]:
    """Return the rows that a batch creates, one change each."""
    place, name = batch.columns.index(batch.entity.primary), batch.entity.name
    return [
        Change("create", name, n, row[place], dict(zip(batch.columns, row, strict=True)))
        for n, row in zip(batch.numbers, batch.rows, strict=True)
    ]


def _put_together(known: Problem, other: Problem) -> None:
    """Count a problem of the same cause with one that is known."""
    known.count += other.count
    known.record = None
    known.records = [*known.records, *other.records][:FIRST_RECORDS]
    known.value = known.value if known.value == other.value else None
