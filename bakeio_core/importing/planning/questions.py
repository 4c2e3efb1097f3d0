"""What is asked about single records, what came of the answers, and what becomes of a record."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from bakeio_core.catalog.exchange import ABSENT, CONFLICT, VALUE, Change, Changes
from bakeio_core.catalog.fields import FileField
from bakeio_core.database.stored.rows import Row
from bakeio_core.files.revision import field_hash
from bakeio_core.importing.linking.claims import PartOutcome
from bakeio_core.importing.linking.created.parents import CreatedParents
from bakeio_core.importing.linking.drafts import Draft, LinkError, PendingParent
from bakeio_core.importing.linking.later.deferred import DeferredLinks
from bakeio_core.importing.linking.link import Linker, Names
from bakeio_core.importing.linking.references import References
from bakeio_core.importing.planning.merge import Merged
from bakeio_core.importing.reading.decided_records import LEAVES, Decided
from bakeio_core.importing.reading.records.reader import Record
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values import Json
from bakeio_core.values.wording import BadValue, jsonable, shown

KEPT_HERE = "The database's value was kept"


def report_conflicts(outcome: PartOutcome, draft: Draft, merged: Merged, *, fails: bool) -> None:
    """Report what file and database both changed in a row: as errors where the import fails."""
    for name, (now, value) in merged.conflicts.items():
        wanted = shown_parent(value)
        said = conflict_message(now, wanted, has_base=draft.base is not None, fails=fails)
        severity = "error" if fails else "warning"
        outcome.report(draft, "conflict", name, jsonable(wanted), said, severity)


def shown_parent(value: Any) -> Any:
    """Return a value as a person reads it: a row yet to be created has no id."""
    return f"a new row of {value.target.name}" if isinstance(value, PendingParent) else value


def conflict_message(current: Any, value: Any, *, has_base: bool, fails: bool) -> str:
    """Return what is said of a field that file and database both changed."""
    remedy = "Choose with --on-conflict keep-db or take-file"
    if not has_base:
        return (
            f"was changed in the database after the export: the database has {shown(current)}, "
            f"the file {shown(value)}. {remedy}"
        )
    return (
        "changed in the file and in the database since the export: the database has "
        f"{shown(current)}, the file {shown(value)}. "
        f"{remedy if fails else KEPT_HERE}"
    )


class RecordQuestions:
    """Ask about the records of one part, and count what was decided about them.

    Args:
        state: The import.
        part: The part.
        linker: Knows what referred rows are called.
        outcome: What comes of the records.
    """

    def __init__(
        self,
        state: ImportState,
        part: Part,
        linker: Linker,
        outcome: PartOutcome,
    ) -> None:
        self.state, self.part, self.linker, self.outcome = state, part, linker, outcome
        self.rows = state.tables.rows(part.entity)

    # -- what is asked
    def ask_of_unread(self, record: Record, draft: Draft) -> None:
        """Ask for values in place of those that cannot be read."""
        for name, value, message in record.faults:
            self.outcome.ask(draft, VALUE, name, message, {"file": value})
        if record.decided is not None:
            for name, value, question, why in record.decided.faults:
                values = {**question.values, "file": value}
                message = question.message or why
                self.outcome.ask(draft, question.kind, name, message, values, why=why)

    def ask_of_conflicts(self, draft: Draft, row: Row, merged: Merged) -> None:
        """Ask which side is right, of each field that file and database both changed."""
        for name, (now, value) in merged.conflicts.items():
            values = {"file": shown_parent(value), "database": now}
            bases = self.bases(draft, row, [name])
            values |= {"base": bases[name]} if bases else {}
            message = "the file and the database both changed it since the export"
            if draft.base is None:
                message = "the row was changed in the database after the export"
            why = merged.stale.get(name, "")
            self.outcome.ask(draft, CONFLICT, name, message, values, why=why)

    def bases(self, draft: Draft, row: Row, names: Iterable[str]) -> dict[str, Any]:
        """Return what fields of a record were when it was exported, those that are known."""
        bases = {name: self._base(draft, name, row) for name in names}
        return {name: base for name, base in bases.items() if base is not ABSENT}

    def _base(self, draft: Draft, name: str, row: Row) -> Any:
        """Return what a field was when it was exported, ABSENT where nobody knows it any more.

        `_rev` has a hash of it alone: the journal may know a value that has this hash.
        """
        base, item = draft.base_of(self.part, name), self.part.fields.by_name[name]
        if base is None or item.target is not None:
            return ABSENT
        where = row[self.rows.id_index], str(item.column)
        earlier = self.state.earlier.values_before(self.part.entity, *where)
        return next((value for value in earlier if field_hash(value) == base), ABSENT)

    # -- what was answered
    def take_decided_row(self, draft: Draft, decided: Decided) -> None:
        """Take the row that somebody said a new record means."""
        target = decided[1].target
        hits = self.state.tables.meant(self.part.entity, target)
        if len(hits) == 1:
            draft.row = hits[0]
            return
        what = ", ".join(f"{column} {shown(value)}" for column, value in target.items())
        found = f"{len(hits)} rows have" if hits else "no row has"
        message = f"it was decided that it means the row with {what}, but {found} that"
        draft.fault = LinkError("unknown-row", message)

    def left_of_known(self, draft: Draft, row: Row, names: Names) -> list[str]:
        """Return the fields left out in which a record would change something in its row."""
        if draft.decided is None:
            return []
        left = draft.decided.left
        return [n for n in draft.decided.made if n in left and self._differs(draft, n, row, names)]

    def _differs(self, draft: Draft, name: str, row: Row, names: Names) -> bool:
        item = self.part.fields.by_name.get(name)
        value = draft.decided.left[name] if draft.decided is not None else None
        if item is None or item.column is None:
            return False
        current = self.linker.current(item, row, names, self.rows)
        if value is None:
            is_state = self.part.view is None or self.state.options.nulls == "clear"
            return is_state and current is not None
        is_emptied = value == "" and self.part.view is not None and not isinstance(item.kind, Json)
        if is_emptied and (current is None or item.role not in ("editable", "parent")):
            return False
        try:
            wire = value if is_emptied else item.kind.read(value, lambda note: None)
        except BadValue:
            return True
        base = draft.base_of(self.part, name)
        return not (item.kind.same(wire, current) or (base and field_hash(wire) == base))

    @staticmethod
    def left_of_new(draft: Draft) -> list[str]:
        """Return the fields left out in which a new record says something."""
        if draft.decided is None:
            return []
        left: dict[str, Any] = draft.decided.left
        return [name for name in draft.decided.made if left.get(name) not in (None, "")]

    def settle(self, draft: Draft, left: Collection[str]) -> bool:
        """Note which decisions about a record were carried out; tell whether a field was rejected.

        Args:
            draft: A record that is imported, or has nothing new.
            left: The fields left out in which it would have changed something.
        """
        if draft.decided is None:
            return False
        is_rejected = False
        for name, made in draft.decided.made.items():
            out = draft.decided.find(name, *LEAVES)
            if out is None:
                for decided in made:
                    self.outcome.apply(draft, decided)
            elif name in left and out[1].action == "keep-database":
                self.outcome.apply(draft, out)
            elif name in left:
                self.outcome.reject(draft, out)
                is_rejected = True
        return is_rejected


class MergedRecords:
    """Conclude on the records of one part that mean a row.

    Args:
        state: The import.
        outcome: What comes of the records.
        references: What they refer to.
        deferred: Keeps references to rows that may still come.
        parents: The rows decisions create.
        questions: What is asked and decided about them.
    """

    def __init__(
        self,
        state: ImportState,
        outcome: PartOutcome,
        references: References,
        deferred: DeferredLinks,
        parents: CreatedParents,
        questions: RecordQuestions,
    ) -> None:
        self.state, self.outcome = state, outcome
        self.references, self.deferred = references, deferred
        self.parents, self.questions = parents, questions
        self.entity, self.rows = outcome.entity, outcome.rows

    def conclude(
        self, draft: Draft, row: Row, merged: Merged, left: Collection[str], batch: Changes
    ) -> bool:
        """Turn what a record changes into an update, a conflict or nothing.

        Args:
            draft: The record.
            row: Its row.
            merged: What it changes.
            left: The fields in which it would change something, had nobody decided otherwise.
            batch: What is written next.

        Returns:
            Whether it changes anything, or would have.
        """
        identity, policy = row[self.rows.id_index], self.state.options.on_conflict
        if merged.conflicts and policy != "take-file":
            report_conflicts(self.outcome, draft, merged, fails=policy == "fail")
        if merged.conflicts and policy == "fail":
            ours = {name: now for name, (now, _) in merged.conflicts.items()}
            theirs = {name: shown_parent(value) for name, (_, value) in merged.conflicts.items()}
            change = Change("conflict", self.entity.name, draft.number, identity, theirs, ours)
            change.base = self.questions.bases(draft, row, merged.conflicts)
            self.outcome.count("conflicts", change, batch)
            self.questions.ask_of_conflicts(draft, row, merged)
            return True
        if not self.references.create_parents(draft, batch):
            return True
        new = draft.linked(merged.new)
        deferred = self.deferred.of(identity)
        for link in deferred:
            link.is_all = not new
        is_rejected = self.questions.settle(draft, left)
        if not new and is_rejected and not deferred:
            reason = "what it changes was rejected"
            skip = Change("skip", self.entity.name, draft.number, identity, reason=reason)
            self.outcome.count("skipped", skip, batch)
            return True
        if not new and not deferred:
            self.outcome.counts["unchanged"] += 1
            return False
        old = {column: self.rows.value(row, column) for column in new}
        for column, value in self.state.set_on_update(self.entity) if new else ():
            if column not in new:
                old[column], new[column] = self.rows.value(row, column), value
        self.parents.need(self.entity, new)
        change = Change("update", self.entity.name, draft.number, identity, new, old)
        change.base = old if draft.base is not None and not merged.conflicts else {}
        self.outcome.count("updated", change, batch)
        return True


def tell_kept_key(outcome: PartOutcome, draft: Draft, item: FileField, now: Any) -> None:
    """A row found by a worse key keeps the better one as it is here.

    Args:
        outcome: Where that is told.
        draft: The record; its key is what the row was found by.
        item: The field of the better key.
        now: What the row has there.
    """
    value = draft.values.get(item.name)
    if value is None or item.kind.same(value, now):
        return
    alike = ", ".join(map(outcome.part.fields.naming_of, draft.key or ()))
    message = (
        f"no row has {shown(value)}; the one with {shown(now)} has the same {alike}, so "
        "it is used and keeps its own value: write that value, or other values for a new row"
    )
    outcome.report(draft, "identity-mismatch", item.name, value, message, "warning")
