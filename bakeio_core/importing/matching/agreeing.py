"""What an assistant gave and nobody has confirmed: whether a file of another source says the same.

A file that bakeio wrote says what the database has: that is no other source, only an echo. It is
one where the value was not there yet when the file was written, or where bakeio never wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bakeio_core.catalog.fields import REV
from bakeio_core.errors import FIRST_RECORDS, Problem, counted
from bakeio_core.files.revision import field_hash
from bakeio_core.history.telling.marks import Mark, all_marks
from bakeio_core.importing.linking.claims import Claims
from bakeio_core.importing.reading.decided_records import DecidedRecords, told_records
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.folding import padded
from bakeio_core.values.wording import shown


class Agreement:
    """Find the records of a part that confirm what an assistant gave.

    Args:
        state: The import.
        part: The part. What is unconfirmed is read at once: before anything of it is written.
        decided: What is decided about its records.
    """

    def __init__(self, state: ImportState, part: Part, decided: DecidedRecords) -> None:
        self.state, self.part, self.decided = state, part, decided
        is_looked_at = part.entity.codes and state.options.mode != "skip-existing"
        known = all_marks(state.db, part.entity) if is_looked_at else []
        self.unconfirmed = [mark for mark in known if mark.is_unverified]

    def settle(self, claims: Claims) -> Iterator[Problem]:
        """Note what records that mean such rows confirm; yield what is said of that."""
        record_of = claims.record_of if self.unconfirmed else {}
        taken = (None, "unchanged", "updated")
        marks = [
            mark
            for mark in self.unconfirmed
            if mark.row in record_of and claims.outcomes.get(mark.row) in taken
        ]
        numbers = {record_of[mark.row] for mark in marks}
        told = dict(told_records(self.part, numbers)) if numbers else {}
        by_column: dict[str, list[int]] = {}
        for mark in marks:
            number = record_of[mark.row]
            by = self._confirms(mark, number, told.get(number, {}))
            if by:
                self.state.confirmed.append((self.part.entity, mark, by))
                by_column.setdefault(mark.column, []).append(number)
        for column, records in sorted(by_column.items()):
            yield self._note(column, records)

    def _confirms(self, mark: Mark, number: int, told: Mapping[str, Any]) -> str:
        """Return what a record is a source of that gives a value too; empty where it is none."""
        made = self.decided.of(number, told)
        says = told if made is None else self.decided.applied(made)
        name = self.part.fields.own.get(mark.column, "")
        value = says.get(name)
        is_same = padded(value) == padded(mark.value) if padded(mark.value) else value == mark.value
        if value in (None, "") or not is_same or self._is_echo(mark, name, told):
            return ""
        source = self.state.source
        given = source.origins.get((number, name))
        if given is None:
            return source.name
        is_another = given and mark.source and given.casefold() != mark.source.casefold()
        return f"{shown(given)} ({source.name})" if is_another else ""

    def _is_echo(self, mark: Mark, name: str, told: Mapping[str, Any]) -> bool:
        """Tell whether a record only has what the database had when its file was written."""
        revision, text = self.part.revision, told.get(REV)
        if revision is not None and isinstance(text, str) and text:
            try:
                read = revision.read(text)
            except ValueError:
                return True
            place = revision.places.get(name)
            if read is not None and place is not None:
                return read.fields[place] == field_hash(mark.value)
        own = self.part.fields.own
        ids = (own.get(column, "") for column in (self.part.entity.primary, "uuid"))
        return self.state.same_database or any(told.get(identity) for identity in ids)

    def _note(self, column: str, records: list[int]) -> Problem:
        are = "is" if len(records) == 1 else "are"
        return Problem(
            code="unverified",
            severity="note",
            file=self.part.file,
            record=records[0],
            records=records[:FIRST_RECORDS],
            count=len(records),
            entity=self.part.entity.name,
            field=self.part.fields.naming_of(column),
            message=(
                f"{counted(len(records), 'value')} an assistant gave {are} confirmed: "
                "another source gives the same"
            ),
        )
