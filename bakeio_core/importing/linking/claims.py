"""Which record of a part means which row, what came of it, and what happens where two mean one."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from bakeio_core.catalog.entities.model import Key, RowId
from bakeio_core.catalog.exchange import Change, Changes, Question
from bakeio_core.catalog.fields import REV
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import Problem, Problems, advised
from bakeio_core.importing.linking.created.parents import CreatedParents
from bakeio_core.importing.linking.drafts import Draft
from bakeio_core.importing.reading.decided_records import Decided, record_key
from bakeio_core.importing.reading.records.reader import Reader
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import CREATED, ImportState
from bakeio_core.values.wording import jsonable, listed, shown, whole


class Claims:
    """The rows the records of one part mean. `in` tells whether a row is claimed.

    Rows created in bulk are entered as two arrays, and looked into only where somebody asks.

    Args:
        keys: The columns of all keys by which rows are known.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = frozenset(keys)
        self._record_of: dict[RowId, int] = {}
        self._ids, self._numbers = array("q"), array("q")
        self.outcomes: dict[RowId, str] = {}
        self.refused: dict[tuple[Key, Row], Row] = {}
        self.moved: dict[RowId, Mapping[str, Any]] = {}

    @property
    def record_of(self) -> dict[RowId, int]:
        """{id of a row: number of the record that means it}."""
        if len(self._ids):
            self._record_of.update(zip(self._ids, self._numbers, strict=True))
            self.outcomes.update(dict.fromkeys(self._ids, "created"))
            self._ids, self._numbers = array("q"), array("q")
        return self._record_of

    def __contains__(self, identity: RowId) -> bool:
        return identity in self.record_of

    def claim(self, ids: Iterable[RowId], numbers: Iterable[int]) -> None:
        """Enter rows and the records that mean them."""
        self.record_of.update(zip(ids, numbers, strict=True))

    def move(self, changes: Iterable[Change]) -> None:
        """Note which changes take a key off their rows, for others to have."""
        moved = (change for change in changes if not self._keys.isdisjoint(change.new))
        self.moved.update((change.known_id, change.new) for change in moved)

    def create(self, ids: Sequence[Any], numbers: Iterable[int]) -> None:
        """Enter rows that records create, many at once."""
        if ids and isinstance(ids[0], str):
            self.claim(ids, numbers)
            self.outcomes.update(dict.fromkeys(ids, "created"))
            return
        self._ids.extend(ids)
        self._numbers.extend(numbers)


class PartOutcome:
    """Count what comes of the records of one part, and say what is wrong with them.

    `batch_changes` holds what the batch at hand is to do to rows: a row to create, {column: value}
    to set, or None where that names no other row. `withdrawn` are ids it is not to write after all,
    `left_out` those of all batches. `computed` are the fields of an entity's file that say what the
    database computes, `noted` the records by their rows that say it.

    Args:
        state: The import.
        part: The part.
        parents: The rows decisions create.
        is_decided: Whether the records are rows that a decision creates: they are no part of the
            file, so they are not counted, and asked about again where they fail.
    """

    def __init__(
        self, state: ImportState, part: Part, parents: CreatedParents, *, is_decided: bool
    ) -> None:
        self.state, self.part, self.entity, self.parents = state, part, part.entity, parents
        self.rows = state.tables.rows(part.entity)
        self.is_decided = is_decided
        self.problems = Problems() if is_decided else state.problems
        self.counts = Counter[str]() if is_decided else state.outcome.counts[part.entity.name]
        self.claims = Claims(c for key in (*part.entity.all_keys, part.key or ()) for c in key)
        self.batch_changes: dict[RowId, Row | Mapping[str, Any] | None] = {}
        self.withdrawn: set[RowId] = set()
        self.left_out: set[RowId] = set()
        own = part.fields.own.items() if part.view is None else ()
        self.computed = {c: name for c, name in own if c in self.entity.filled.computed}
        self.noted: dict[RowId, Draft] = {}

    def note_computed(self, draft: Draft, identity: RowId) -> None:
        """Note a record that says what the database computes, to look at once it has."""
        if any(draft.values.get(name) is not None for name in self.computed.values()):
            self.noted[identity] = draft

    def report_computed(self) -> None:
        """Tell, once all is written, what the file says otherwise than the database computes."""
        noted = self.noted
        for identity, row in self.rows.by_id(list(noted)).items():
            draft = noted[identity]
            for column, name in self.computed.items():
                said, now = draft.values.get(name), self.rows.value(row, column)
                if said is not None and not self.part.fields.by_name[name].kind.same(said, now):
                    message = (
                        f"is {shown(said)}, but the database computes it, as {shown(now)}: it is "
                        "not written. Edit what it is computed from"
                    )
                    self.report(draft, "tampered-context", name, said, message, "warning")

    # -- problems
    def error(
        self, draft: Draft, code: str, field: str, value: Any, message: str, cause: str = ""
    ) -> None:
        """Count a record as one that cannot be imported, and say why.

        Of several records with one `cause` only the first is told in full.
        """
        self.counts["errors"] += 1
        self.state.rows_of_records(self.part).failed.add(draft.number)
        if draft.row is not None:
            self.claims.outcomes.setdefault(draft.row[self.rows.id_index], "errors")
        if not self.is_decided:
            self.note_failed(draft.values)
        self.report(draft, code, field, value, message, cause=cause)

    def report(
        self,
        draft: Draft,
        code: str,
        field: str,
        value: Any,
        message: str,
        severity: str = "error",
        cause: str = "",
    ) -> None:
        """Add a problem of a record."""
        self.problems.add(
            Problem(
                code=code,
                severity=severity,
                file=self.part.file,
                record=draft.number,
                key=self.part.fields.called(draft.values),
                label=self.part.fields.label(draft.told),
                entity=self.entity.name,
                field=field or None,
                value=jsonable(value),
                message=str(message),
                **advised(field or None, message),
            ),
            cause,
        )

    # -- what is asked and decided
    def ask(
        self,
        draft: Draft,
        kind: str,
        field: str,
        message: str,
        values: Mapping[str, Any],
        default: str = "",
        why: str = "",
    ) -> Question | None:
        """Ask what is to be done about a record, or a field of it.

        Args:
            draft: The record.
            kind: What kind of question it is.
            field: The field of the file; empty for the whole record.
            message: What is asked, in words.
            values: What `file`, `database` and `base` have, those that are known.
            default: The answer where nobody gives one.
            why: What was wrong with the answer given before.
        """
        if self.is_decided:
            return None  # what cannot be created as decided is asked by its reference
        item = self.part.fields.by_name.get(field)
        question = Question(
            self.entity.name,
            record_key(self.part.fields, draft.number, draft.told, field),
            field,
            kind=kind,
            message=message,
            label=self.part.fields.label(draft.told),
            values={name: whole(value) for name, value in values.items()},
            default=default,
            why=why,
            fields={item.column: field} if item is not None and item.column else {},
        )
        self.state.outcome.ask(question, (self.part.file, draft.number))
        return question

    def apply(self, draft: Draft, decided: Decided) -> None:
        """Note that what was decided about a record was carried out."""
        self.state.outcome.apply(*decided, (self.part.file, draft.number))

    def reject(self, draft: Draft, decided: Decided) -> None:
        """Count a field, or a record, that somebody wants left out."""
        self.counts["rejected"] += 1
        self.apply(draft, decided)

    def leave_out(self, draft: Draft) -> None:
        """Count a record that somebody wants left out; its row, if there is one, is claimed."""
        if draft.decided is None or draft.decided.left_out is None:
            return
        self.counts["skipped"] += 1
        self.reject(draft, draft.decided.left_out)
        if draft.row is None:
            self.note_failed(draft.values)
        elif draft.row[self.rows.id_index] not in self.claims:
            self.claims.claim([draft.row[self.rows.id_index]], [draft.number])
            self.claims.outcomes[draft.row[self.rows.id_index]] = "skipped"

    def note_failed(self, values: Mapping[str, Any]) -> None:
        """Remember what a record that is not imported is called by; `values` by field."""
        named = {c: values[f] for c, f in self.part.fields.own.items() if f in values}
        self.state.outcome.note_failed(self.entity, named)

    # -- counts
    def count(self, what: str, change: Change, batch: Changes) -> None:
        """Count one record and put what happens to it into its batch."""
        self.counts[what] += 1
        written = {"update": batch.updates, "delete": batch.deletes}
        written.get(change.action, batch.others).append(change)
        if change.id is not None and what != "skipped":
            self.claims.outcomes[change.id] = what
        if change.id is not None and change.action == "update":
            self.batch_changes[change.id] = change.new
            self.claims.move([change])
        if change.action in ("update", "delete", "conflict"):
            self.state.outcome.enter([change])
            self.state.outcome.show([change])

    def count_updates(self, changes: Sequence[Change], batch: Changes) -> None:
        """Count many updates at once that name no other rows."""
        self.counts["updated"] += len(changes)
        batch.updates += changes
        ids = dict.fromkeys(change.known_id for change in changes)
        self.claims.outcomes.update(dict.fromkeys(ids, "updated"))
        self.batch_changes.update(ids)
        self.claims.move(changes)
        self.state.outcome.enter(changes)
        self.state.outcome.show(changes)

    def count_created(self, rows: Sequence[Row], numbers: Sequence[int]) -> None:
        """Count rows to be created, and keep them for the preview while there is room."""
        self.counts["created"] += len(rows)
        self.counts[CREATED] += sum(numbers)
        self.enter_created(rows)
        self.state.outcome.show_rows(Changes(self.entity, self.entity.columns, rows, numbers))

    def enter_created(self, rows: Sequence[Row]) -> None:
        """Add rows to be created to what is compared with another plan."""
        if self.state.outcome.is_compared:
            compared = self.state.as_compared(self.entity, rows)
            self.state.outcome.enter_created(self.entity, compared)

    # -- two records mean one row
    @cached_property
    def _contents(self) -> dict[int, int]:
        """{number of a record: hash of its contents}; the file is read once more for them."""
        contents, reader = dict[int, int](), Reader(self.part, Problems())
        for block in self.part.document.blocks():
            records = reader.read(block)
            contents.update((r.number, content_hash(r.values.items())) for r in records)
        return contents

    def _is_same(self, first: int, second: int) -> bool:
        return self._contents[first] == self._contents[second]

    def duplicate(self, draft: Draft, identity: RowId) -> None:
        """Two records mean one row: taken once where they are equal, else both are refused."""
        first = self.claims.record_of[identity]
        named = draft.named(self.part, draft.key or ()) or self.part.fields.called(draft.values)
        what = ", ".join(f"{field} {shown(value)}" for field, value in named.items())
        if self._is_same(first, draft.number):
            self.counts["unchanged"] += 1
            message = f"the same record appears more than once ({what}) and is used once"
            self._report_both([first, draft.number], draft, message, "warning")
            return
        duplicates, name = self.state.outcome.duplicate_keys, self.entity.name
        if (name, identity) in duplicates:
            self.counts["errors"] += 1
            message = f"is another record with the same key ({what})"
            self.report(draft, "duplicate-key", "", None, message)
            return
        duplicates.add((name, identity))
        untouched = "skipped" if self.state.options.mode == "skip-existing" else "unchanged"
        did = self.claims.outcomes.get(identity, untouched)
        remedy = "keep one of them, or give the other one its own key"
        if did in ("created", "updated") and identity not in self.batch_changes:
            # the first went with an earlier batch, and nobody can say which of them is right
            self.counts["errors"] += 1
            message = f"records {first} and {draft.number} differ and have the same key ({what})"
            self.problems.add(
                Problem(
                    code="duplicate-key",
                    file=self.part.file,
                    entity=name,
                    message=f"{message}: {remedy}",
                )
            )
            return
        if did in ("created", "updated") and self.state.options.skip_errors:
            self._withdraw(identity)
        self.counts["errors"] += 2
        self.counts[did] -= 1
        if draft.base is not None and draft.values.get(REV) is not None:
            numbers, message = [draft.number, first], _copied(self.part, first, draft, what)
            self._report_both(numbers, draft, message, "error")
            return
        message = f"different records have the same key ({what}): {remedy}"
        self._report_both([first, draft.number], draft, message, "error")

    def _report_both(self, numbers: list[int], draft: Draft, message: str, severity: str) -> None:
        self.problems.add(
            Problem(
                code="duplicate-key",
                severity=severity,
                file=self.part.file,
                entity=self.entity.name,
                record=numbers[0],
                key=self.part.fields.called(draft.values),
                records=numbers,
                count=2,
                message=message,
            )
        )

    def _withdraw(self, identity: RowId) -> None:
        """Leave what this batch was to write of a row out of it, and let nobody refer to it."""
        change = self.batch_changes[identity]
        self.withdrawn.add(identity)
        self.left_out.add(identity)
        if isinstance(change, Mapping):
            self.parents.release(self.entity, change)
        elif change is not None:
            named = dict(zip(self.entity.columns, change, strict=True))
            self.rows.pending.remove(change)
            for key in self.entity.all_keys:
                self.claims.refused[key, self.rows.key_of(change, key)] = change
            self.state.outcome.note_failed(self.entity, named)
            self.parents.release(self.entity, named)
        self.state.outcome.hide(self.entity, identity)

    def take_out_withdrawn(self, batch: Changes) -> None:
        """Take what was withdrawn out of a batch."""
        if not self.withdrawn:
            return
        batch.updates = [change for change in batch.updates if change.id not in self.withdrawn]
        kept = [
            (row, number)
            for row, number in zip(batch.rows, batch.numbers, strict=True)
            if row[self.rows.id_index] not in self.withdrawn
        ]
        batch.rows, batch.numbers = [row for row, _ in kept], [number for _, number in kept]
        self.withdrawn.clear()


def content_hash(items: Iterable[tuple[str, Any]]) -> int:
    """Return a number equal for records of equal (name, value) pairs, whatever their order."""
    known = list(items)
    try:
        return hash(frozenset(known))
    except TypeError:  # a list or an object among the values
        return hash(frozenset((name, repr(value)) for name, value in known))


def _copied(part: Part, first: int, draft: Draft, what: str) -> str:
    """Say that a record was made of another one, and how it becomes a new one."""
    own = [part.fields.own.get(column, "") for column in (part.entity.primary, "uuid")]
    emptied = [name for name in (*own, REV) if draft.values.get(name) is not None]
    keys = [item.name for item in part.fields.of_role("key")]
    its_own = f" and give it its own {listed(keys)}" if keys else ""
    copy, place = (part.document.place(n) or f"record {n}" for n in (draft.number, first))
    return (
        f"{copy} is a copy of {place} ({what}) with other values: empty its "
        f"{listed(emptied)}{its_own} to add a row of {part.entity.name}, or keep one of the two"
    )
