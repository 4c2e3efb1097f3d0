"""The rows of lists: they belong to the row of the record they stand in, and may be deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from bakeio_core.catalog.entities.model import RowId
from bakeio_core.catalog.exchange import ABSENT, CONFLICT, Change, Changes
from bakeio_core.catalog.fields import DELETE
from bakeio_core.catalog.views.lists import parent_column
from bakeio_core.database.stored.rows import Row
from bakeio_core.database.writing import whole_row
from bakeio_core.errors import Problem, counted
from bakeio_core.importing.linking.claims import PartOutcome
from bakeio_core.importing.linking.drafts import Draft, LinkError
from bakeio_core.importing.planning.questions import KEPT_HERE
from bakeio_core.importing.reading.derived.lists import ListDocument
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.wording import shown

_NO_ROW = (ABSENT, None)
_MOST_NAMED = 5
DELETED = "to be deleted"
"""What a file says of a row of a list that it deletes, where that is shown beside its values."""


def deletes(draft: Draft) -> bool:
    """Tell whether a row of a list is to be deleted."""
    return bool(draft.values.get(DELETE))


class ListRows:
    """Link the rows of a list to the rows of the records they stand in.

    A part that is not a list has none.

    Args:
        state: The import.
        part: The part.
        outcome: What comes of its records.
    """

    def __init__(self, state: ImportState, part: Part, outcome: PartOutcome) -> None:
        self.state, self.part, self.outcome = state, part, outcome
        self.entity = part.entity
        self._names: dict[int, Any] = {}
        self._is_dated = "created_at" in part.entity.columns and state.same_database
        if isinstance(part.document, ListDocument):
            part.document.called = self._called

    def _called(self, numbers: Collection[int]) -> dict[int, Any]:
        """Return what records are called by the field that their rows lack: {number: value}.

        It is remembered: the file is read again for a report, when the database is out of reach.
        """
        holder, view = self.part.holder, self.part.view
        if holder is None or view is None:
            return {}
        known, names = self.state.rows_of_records(holder), self._names
        asked = ((number, known.find(number)) for number in numbers if number not in names)
        found = {number: row for number, row in asked if row not in _NO_ROW}
        values = self._values(holder, parent_column(view), found.values()) if found else {}
        names |= {number: values[row][1] for number, row in found.items() if row in values}
        return {number: names[number] for number in numbers if number in names}

    def _values(
        self, holder: Part, column: str, ids: Iterable[RowId]
    ) -> dict[RowId, tuple[Any, Any]]:
        """Return what rows of records are referred to by, and called by: {id: (value, value)}."""
        reference, item = self.entity.references[column], self.part.fields.by_name[column]
        rows = self.state.tables.rows(holder.entity)
        to, named = rows.index[reference.to], rows.index[item.target or reference.to]
        return {i: (row[to], row[named]) for i, row in rows.by_id(set(ids)).items()}

    def note(self, drafts: Sequence[Draft]) -> None:
        """Note where the records ended up, for the rows of their lists."""
        if self.part.view is None or not self.part.view.lists:
            return
        noted = self.state.rows_of_records(self.part)
        for draft in drafts:
            is_out = draft.row is None or draft.is_left_out
            place = self.outcome.rows.id_index
            noted.note(draft.number, None if is_out or draft.row is None else draft.row[place])

    def link(self, drafts: list[Draft], batch: Changes) -> list[Draft]:
        """Link rows to those of their records; return those that are not left out with them."""
        document, holder = self.part.document, self.part.holder
        if holder is None or not isinstance(document, ListDocument):
            return drafts
        known = self.state.rows_of_records(holder)
        linked: dict[int, RowId] = {}
        left = []
        for draft in drafts:
            row = known.find(document.record_of(draft.number))
            if row is None:
                reason = "its record is left out"
                skip = Change("skip", self.entity.name, draft.number, reason=reason)
                self.outcome.count("skipped", skip, batch)
                continue
            left.append(draft)
            if row is ABSENT:
                message = "belongs to a record that cannot be imported"
                draft.fault = LinkError("missing-reference", message)
            else:
                linked[draft.number] = row
        self._put([draft for draft in left if draft.number in linked], linked, holder)
        return left

    def _put(self, drafts: Sequence[Draft], linked: dict[int, RowId], holder: Part) -> None:
        """Let rows say to which row they belong, as a file would that had a field for it."""
        if not drafts or self.part.view is None:
            return
        column = parent_column(self.part.view)
        values = self._values(holder, column, linked.values())
        for draft in drafts:
            draft.links[column], draft.values[column] = values[linked[draft.number]]

    # -- what the lists have not
    def finish(self) -> Iterator[Problem]:
        """Note at the end of a part what was decided in bulk; of a list say what it has not.

        Rows that belong to records of the file may have been taken out of it; those that came after
        its export were never in it.
        """
        holder, view = self.part.holder, self.part.view
        if view is not None and view.lists:
            noted = self.state.rows_of_records(self.part)
            for row, number in self.outcome.claims.record_of.items():
                if number not in noted.numbers:
                    noted.note(number, row)
        if holder is None or view is None:
            return
        known, column = self.state.rows_of_records(holder), parent_column(view)
        found = {n: row for n in self._stated(holder) if (row := known.find(n)) not in _NO_ROW}
        values = self._values(holder, column, found.values())
        number_of = {values[row][0]: number for number, row in found.items() if row in values}
        there = self.outcome.rows.find((column,), [(value,) for value in number_of])
        left = {
            number_of[value]: sum(map(self._is_left_out, rows)) for (value,), rows in there.items()
        }
        numbers = sorted(number for number, count in left.items() if count)
        if numbers:
            named = [holder.document.place(n) or f"record {n}" for n in numbers[:_MOST_NAMED]]
            some = ", ".join(named) + (", ..." if len(numbers) > _MOST_NAMED else "")
            lists = f"lists of {some} lack" if len(numbers) > 1 else f"list of {some} lacks"
            yield Problem(
                code="count-mismatch",
                severity="note",
                file=self.part.file,
                entity=self.entity.name,
                message=f"the {lists} {counted(sum(left.values()), 'row')} that the database has: "
                'left alone (to delete one, give it with "_delete": true)',
            )

    def _stated(self, holder: Part) -> list[int]:
        """Return the numbers of the records whose lists the file has, as far as it can be read.

        Of a row that cannot be read nobody knows which it is.
        """
        document, unread = self.part.document, self.state.rows_of_records(self.part).failed
        if isinstance(document, ListDocument):
            left_out = set(map(document.record_of, unread))
            return [number for number in document.stated if number not in left_out]
        return [] if unread else list(self.state.rows_of_records(holder).numbers)

    def _is_left_out(self, row: Row) -> bool:
        identity, exported = row[self.outcome.rows.id_index], self.state.source.exported_at
        if identity in self.outcome.claims:
            return False
        made = self.outcome.rows.value(row, "created_at") if self._is_dated else None
        return not (made and exported and str(made) > exported)

    # -- deleting
    def gone(self, draft: Draft) -> bool:
        """Tell whether a row to be deleted is not there any more: it was, when it was exported."""
        is_unknown = draft.fault is not None and draft.fault.code == "unknown-row"
        return deletes(draft) and draft.base is not None and is_unknown

    def refuses(self, draft: Draft) -> bool:
        """Report a row that is to be deleted and that there is none of; tell whether it is one."""
        if deletes(draft):
            message = "names no row of this record that could be deleted: restore its _rev or key"
            self.outcome.error(draft, "unknown-row", DELETE, True, message)
        return deletes(draft)

    def delete(self, draft: Draft, row: Row, changed: dict[str, Any], batch: Changes) -> None:
        """Delete a row; one that the database changed since the export is a conflict.

        Args:
            draft: The row of the list.
            row: Its row in the database.
            changed: What the database has now in the fields that it changed.
            batch: What is written next.
        """
        identity, policy = row[self.outcome.rows.id_index], self.state.options.on_conflict
        common = self.entity.name, draft.number, identity
        decided = {name: self._decided(draft, name) for name in changed}
        is_kept = any(action not in ("", "take-file") for action in decided.values())
        changed = {name: now for name, now in changed.items() if not decided[name]}
        if changed and policy != "take-file" and not is_kept:
            self._report(draft, changed, fails=policy == "fail")
        if changed and policy == "fail" and not is_kept:
            theirs = dict.fromkeys(changed, DELETED)
            self.outcome.count("conflicts", Change("conflict", *common, theirs, changed), batch)
        elif is_kept or (changed and policy != "take-file"):
            reason = "the database changed it since the export"
            self.outcome.count("skipped", Change("skip", *common, reason=reason), batch)
        else:
            old = dict(zip(self.entity.columns, whole_row(self.entity, row), strict=True))
            self.outcome.count("deleted", Change("delete", *common, {}, old), batch)

    @staticmethod
    def _decided(draft: Draft, name: str) -> str:
        """Return what was decided about a field in conflict, empty where nothing was."""
        actions = ("take-file", "keep-database", "leave-field")
        found = None if draft.decided is None else draft.decided.find(name, *actions)
        return "" if found is None else found[1].action

    def _report(self, draft: Draft, changed: dict[str, Any], *, fails: bool) -> None:
        for name, now in changed.items():
            remedy = "Choose with --on-conflict keep-db or take-file" if fails else KEPT_HERE
            message = (
                f"the row is {DELETED}, but the database changed this since the export, to "
                f"{shown(now)}. {remedy}"
            )
            severity = "error" if fails else "warning"
            self.outcome.report(draft, "conflict", name, None, message, severity)
            if fails:
                values = {"file": DELETED, "database": now}
                self.outcome.ask(draft, CONFLICT, name, message, values)
