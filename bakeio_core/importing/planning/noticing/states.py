"""What a file that is a state says in vain, what it says that no edit might, and blank texts.

A set, or one entity's file, is taken as it is: checks of edits do not refuse it, and when a row was
made and touched last it says of new rows alone. A blank text where one is required is taken from
every file. All of it is told, once with its count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from bakeio_core.catalog.entities.model import ROW_KEY
from bakeio_core.catalog.exchange import Changes
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import FIRST_RECORDS, Problem, counted
from bakeio_core.history.journal.journal import all_runs
from bakeio_core.history.reports.report import UNDO
from bakeio_core.importing.linking.drafts import Draft
from bakeio_core.importing.reading.records.checking import BLANK, is_blank
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.kinds.text import Text
from bakeio_core.values.wording import BadValue


class StateValues:
    """Look at what a part of a set, or an entity's file, says; of a view's at blank texts alone.

    Args:
        state: The import.
        part: The part.
    """

    def __init__(self, state: ImportState, part: Part) -> None:
        self.state, self.part, self.entity = state, part, part.entity
        self.rows = state.tables.rows(part.entity)
        # a whole state that fills an empty table is a backup, and nobody's new values
        is_backup = state.source.kind == "set" and self.rows.was_empty
        checks = () if is_backup or part.view is not None else self.entity.all_checks.items()
        self._checks = {c: check for c, check in checks if c not in state.options.allow}
        kinds = () if is_backup else self.entity.kinds.items()
        texts = (c for c, kind in kinds if isinstance(kind, Text) and c != ROW_KEY)
        needed = (column for column in texts if not self.entity.nullable(column))
        # of one that is blank by default no text is required
        self._needed = [c for c in needed if not is_blank(self.entity.default(c))]
        self._blank: dict[str, list[int]] = {}
        self._refused: dict[str, list[int]] = {}
        self._why: dict[str, str] = {}
        self._stamped: dict[str, list[int]] = {}

    def look(self, batch: Changes) -> None:
        """Look at the values that a batch is to write."""
        for column, check in self._checks.items():
            self._check(column, check, _written(batch, column))
        for column in self._needed:
            for number, _, value in _written(batch, column):
                if is_blank(value):
                    self._blank.setdefault(column, []).append(number)

    def _check(self, column: str, check: Any, values: Iterable[tuple[int, Any, Any]]) -> None:
        for number, old, value in values:
            answer = None if value is None else check(old, value)
            if isinstance(answer, Problem):
                self._refused.setdefault(column, []).append(number)
                self._why.setdefault(column, str(answer.message))

    def compare(self, draft: Draft, row: Row, *, is_changed: bool) -> None:
        """Compare what a record says of when its row was made and touched with the row.

        Only a row that was not touched since the export still holds what the file was to say.
        """
        for column, moment in self._exported.items():
            name = self.part.fields.own.get(column, "")
            said, now = draft.values.get(name), self.rows.value(row, column)
            if said is None or now is None or now > moment:
                continue
            # an undo leaves an earlier moment in a row that the file then changes again
            is_older = is_changed and column != "created_at" and self._was_undone
            if not is_older and not self.entity.kinds[column].same(said, now):
                self._stamped.setdefault(name, []).append(draft.number)

    @cached_property
    def _exported(self) -> dict[str, Any]:
        """{column: when the file was exported}, of those that say when a row was touched."""
        found = dict[str, Any]()
        for column in self.entity.filled.moments if self.part.view is None else ():
            try:
                if self.state.same_database and self.state.source.exported_at:
                    read = self.entity.kinds[column].read
                    found[column] = read(self.state.source.exported_at, lambda note: None)
            except BadValue:
                continue
        return found

    @cached_property
    def _was_undone(self) -> bool:
        """Whether an import was taken back since the export."""
        seconds = slice(len("YYYY-MM-DDTHH:MM:SS"))
        exported = str(self.state.source.exported_at)[seconds]
        return any(
            run["mode"] == UNDO and run["at"][seconds] >= exported
            for run in all_runs(self.state.db)
        )

    def problems(self) -> Iterator[Problem]:
        """Return what was noticed."""
        for column, refused in self._refused.items():
            several = f"{counted(len(refused), 'value')} would be refused in a view; the first: "
            why = f"{several if len(refused) > 1 else ''}{self._why[column]}"
            field = self.part.fields.naming_of(column)
            message = f"{why} (taken as it is)"
            yield self._problem("check", "warning", field, refused, message)
        for column, numbers in self._blank.items():
            field = self.part.fields.naming_of(column)
            yield self._problem("bad-value", "warning", field, numbers, BLANK)
        for field, numbers in self._stamped.items():
            message = (
                f"what {counted(len(numbers), 'record')} "
                f"{'says' if len(numbers) == 1 else 'say'} is not taken: only new rows get it from "
                "a file"
            )
            yield self._problem("tampered-context", "note", field, numbers, message)

    def _problem(
        self, code: str, severity: str, field: str, numbers: list[int], message: str
    ) -> Problem:
        return Problem(
            code=code,
            severity=severity,
            file=self.part.file,
            record=numbers[0] if len(numbers) == 1 else None,
            records=numbers[:FIRST_RECORDS],
            count=len(numbers),
            entity=self.entity.name,
            field=field,
            message=message,
        )


def _written(batch: Changes, column: str) -> Iterator[tuple[int, Any, Any]]:
    """Yield (record, what its row has, what it gets) of what a batch writes in a column."""
    place = batch.columns.index(column)
    yield from ((n, None, row[place]) for n, row in zip(batch.numbers, batch.rows, strict=True))
    for change in batch.updates:
        if column in change.new:
            yield change.record, change.old.get(column), change.new[column]
