"""Merge a record into its row, field by field: two-way is three-way without a base.

What a record was when it was exported is its base: `_rev` has a hash of each field. Without one it
is known at most whether the row was touched since. What a null, an empty text or a new value comes
to is the rule of the file: the state (`StateRules`) or somebody's edits (`EditRules`).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any, Protocol

from bakeio_core.catalog.exchange import ABSENT, CHECK, VALUE
from bakeio_core.catalog.fields import CLEAR, FileField
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import Advice, Problem
from bakeio_core.files.revision import field_hash
from bakeio_core.importing.linking.claims import PartOutcome
from bakeio_core.importing.linking.drafts import Draft, LinkError
from bakeio_core.importing.linking.later.deferred import DeferredLinks
from bakeio_core.importing.linking.link import Linker, Names
from bakeio_core.importing.linking.references import References
from bakeio_core.importing.planning.own_edits import OwnEdits
from bakeio_core.importing.reading.decided_records import comparable
from bakeio_core.importing.reading.sheets.restoring import RestoredValues
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values import Json
from bakeio_core.values.folding import fold_parts
from bakeio_core.values.wording import BadValue, shown, whole

KEPT: Any = object()
"""What a field settles to where the row keeps its own value."""


class Rules(Protocol):
    """What the values of a file come to.

    `settle` returns the value to store, KEPT where the row keeps its own, ABSENT where a problem
    was reported; `cleared` the fields a record asks to empty, None where a problem was reported.
    """

    def settle(self, draft: Draft, item: FileField, current: Any, value: Any) -> Any: ...
    def cleared(self, draft: Draft) -> set[str] | None: ...


class StateRules:
    """An entity's file is the state: values as they are; a null is one where it is of this bakery.

    What another bakery does not know says nothing of a row here, unless nulls are to clear.
    """

    def __init__(self, state: ImportState, part: Part, outcome: PartOutcome) -> None:
        self.entity, self.outcome = part.entity, outcome
        clears = state.options.nulls == "clear" or state.options.mode == "replace"
        self.clears = state.same_database or clears

    def settle(self, draft: Draft, item: FileField, current: Any, value: Any) -> Any:
        if value is not None:
            return value
        if not self.entity.nullable(str(item.column)):
            return KEPT  # a null where bakeio supplies the value says nothing
        if self.clears:
            return None
        self.outcome.counts["nulls_kept"] += 1
        return KEPT

    def cleared(self, draft: Draft) -> set[str] | None:
        return set()


class EditRules:
    """A view's file is somebody's edits: a null keeps the value, new values are checked."""

    def __init__(self, state: ImportState, part: Part, outcome: PartOutcome) -> None:
        self.state, self.entity, self.outcome = state, part.entity, outcome
        self.editable = {item.name: item for item in part.fields.of_role("editable")}

    def settle(self, draft: Draft, item: FileField, current: Any, value: Any) -> Any:
        if item.name in draft.shown:
            return self._refused(draft, item, current, value, draft.shown[item.name][1])
        is_nullable = self.entity.nullable(str(item.column))
        if value == "" and not isinstance(item.kind, Json):
            if is_nullable:
                return None
            return self._refused(draft, item, current, value, "is empty, but a value is required")
        if value is None:
            is_cleared = self.state.options.nulls == "clear" or item.name in draft.to_clear
            if is_nullable and is_cleared:
                return None
            self.outcome.counts["nulls_kept"] += 1
            return KEPT
        return value if item.target is not None else self.checked(draft, item, current, value)

    def _refused(self, draft: Draft, item: FileField, current: Any, value: Any, why: str) -> Any:
        self.outcome.error(draft, "bad-value", item.name, value, why)
        self.outcome.ask(draft, VALUE, item.name, why, {"file": value, "database": current})
        return ABSENT

    def checked(self, draft: Draft, item: FileField, old: Any, value: Any) -> Any:
        """Return a new value as it is stored, in composed Unicode; ABSENT where a check refuses."""
        if isinstance(value, str):
            value = unicodedata.normalize("NFC", value)
        column = str(item.column)
        if draft.decided is not None and draft.decided.find(item.name, "accept", kind=CHECK):
            return value
        check = self.entity.all_checks.get(column)
        answer = value if check is None else check(old, value)
        if isinstance(answer, Problem):
            if column in self.state.options.allow:
                return value
            advice = (
                answer.message if isinstance(answer.message, Advice) else Advice(answer.message)
            )
            lifted = f" (--allow {column} accepts it)"
            self.outcome.error(draft, "check", item.name, value, advice.within("", lifted))
            values = {"file": value, "database": old}
            self.outcome.ask(draft, CHECK, item.name, answer.message, values)
            return ABSENT
        if answer != value:
            message = f"{shown(value)} is stored as {shown(answer)}"
            self.outcome.report(draft, "check", item.name, value, message, "note")
        return answer

    def accepts_new(self, draft: Draft, fields: list[FileField]) -> bool:
        """Check what a new record gives for fields that are written; tell whether it is good."""
        for item in fields:
            value = draft.values.get(item.name, ABSENT)
            if value is not ABSENT and value is not None and item.target is None:
                value = self.checked(draft, item, None, value)
                if value is ABSENT:
                    return False
                draft.values[item.name] = value
        return True

    def cleared(self, draft: Draft) -> set[str] | None:
        """Return the fields `_clear` names, None (and a problem) where one cannot be cleared."""
        can = [n for n, item in self.editable.items() if self.entity.nullable(str(item.column))]
        for name in draft.to_clear:
            if name in can and self._is_given(draft, self.editable[name]):
                value = draft.values[name]
                message = f"{shown(value)} is given, and _clear names it: leave one of the two out"
                self.outcome.error(draft, "bad-value", name, value, message)
                return None
            if name not in can:
                said = (
                    f"{shown(name)} is not a field that can be cleared; those are {', '.join(can)}"
                )
                self.outcome.error(draft, "bad-value", CLEAR, name, said)
                return None
        return set(draft.to_clear)

    def _is_given(self, draft: Draft, item: FileField) -> bool:
        """Tell whether a record gives a field a value that is not the one it was exported with."""
        said, base = draft.values.get(item.name), draft.base_of(self.outcome.part, item.name)
        if said is None or said == "" or draft.row is None or base is not None:
            return said not in (None, "") and (base is None or field_hash(said) != base)
        now = self.outcome.rows.value(draft.row, str(item.column))
        return item.target is None and not item.kind.same(said, now)


@dataclass
class Merged:
    """What a record changes in its row: values to set by column, and {field: (now, wanted)}.

    `stale` says of conflicts why what was decided about them holds no more.
    """

    new: dict[str, Any] = field(default_factory=dict)
    conflicts: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)


class FieldMerge:
    """Merge records into their rows.

    Args:
        state: The import.
        part: The part.
        linker: Knows what referred rows are called.
        references: Links what is called otherwise now.
        deferred: Keeps references to rows that may still come.
        rules: What the values of the file come to.
        fields: The fields that are written.

    Attributes:
        shown: Knows the values that are only shown otherwise than the database has them.
    """

    def __init__(
        self,
        state: ImportState,
        part: Part,
        linker: Linker,
        references: References,
        deferred: DeferredLinks,
        rules: Rules,
        fields: list[FileField],
    ) -> None:
        self.state, self.part, self.linker = state, part, linker
        self.references, self.deferred = references, deferred
        self.rules, self.fields = rules, fields
        self.entity, self.rows = part.entity, state.tables.rows(part.entity)
        self.own_edits = OwnEdits(state, part)
        self.shown = RestoredValues(part)

    def merge(self, draft: Draft, row: Row, names: Names) -> Merged | None:
        """Return what a record changes in its row, None where a problem was reported."""
        cleared = self.rules.cleared(draft)
        if cleared is None or not self.references.settle(draft):
            return None
        merged, kept = Merged(), self._kept_columns(draft)
        for item in self.fields:
            if str(item.column) in kept:
                continue
            if not self._merge_field(merged, draft, row, names, item, item.name in cleared):
                return None
        return merged

    def _merge_field(
        self,
        merged: Merged,
        draft: Draft,
        row: Row,
        names: Names,
        item: FileField,
        is_cleared: bool,
    ) -> bool:
        """Merge one field; tell whether to go on with the record."""
        column, is_link = str(item.column), str(item.column) in self.entity.references
        if is_link and self.part.view is None:
            return self._merge_link(merged, draft, row, column)
        value = None if is_cleared else draft.said(item.name)
        current = self.linker.current(item, row, names, self.rows)
        if value is ABSENT or item.kind.same(value, current):
            return True
        if column in self.entity.primary_key:
            return self._refuse_new_key(draft, column, current)
        base = draft.base_of(self.part, item.name)
        is_as_exported = base is not None and field_hash(value) == base and not is_cleared
        # it may be typed back to that, after an import of another value
        if is_as_exported and (item, row) not in self.own_edits:
            return True
        is_of_then = base is not None and field_hash(current) == base
        if is_of_then and self.shown.is_shown(item.name, value, current):
            return True
        settled = self.rules.settle(draft, item, current, value)
        if settled is ABSENT:
            return False
        if settled is KEPT or item.kind.same(settled, current):
            return True
        stored = settled
        now = row[self.rows.index[column]]
        if item.target is not None:
            stored = None if settled is None else draft.links.get(column)
            if isinstance(stored, LinkError):
                stored = self.deferred.link_own(draft, column, set())
            if stored == now:
                return True
            draft.links[column] = stored
        if self._changed_here(draft, item, row, names) and not self._is_decided(
            merged, draft, item.name, current
        ):
            merged.conflicts[item.name] = (current, settled)
            if self.state.options.on_conflict != "take-file":
                return True
        if isinstance(stored, LinkError):
            self.deferred.defer(draft, column, row[self.rows.id_index], is_new=False, old=now)
            return True
        merged.new[column] = stored
        return True

    def _refuse_new_key(self, draft: Draft, column: str, now: Any) -> bool:
        """Refuse a record that would give its row another primary key; others may refer to it."""
        is_alone = len(self.entity.primary_key) == 1
        if is_alone and column not in self.entity.references and not self.state.same_database:
            return True  # the row of another database is called otherwise there
        field = self.part.fields.naming_of(column)
        message = (
            f"is part of the primary key of {self.entity.name}, which stays as it is: the row has "
            f"{shown(now)}. Restore that, or leave the uuid out to add another row"
        )
        self.references.outcome.error(draft, "identity-mismatch", field, None, message)
        return False

    def _merge_link(self, merged: Merged, draft: Draft, row: Row, column: str) -> bool:
        """Merge a reference of an entity's file, which is known by the row it means."""
        link, now = draft.links.get(column, ABSENT), row[self.rows.index[column]]
        if isinstance(link, LinkError):
            link = self.deferred.link_own(draft, column, set())
            if isinstance(link, LinkError):
                identity = row[self.rows.id_index]
                self.deferred.defer(draft, column, identity, is_new=False, old=now)
                return True
        if link is ABSENT or link == now:
            return True
        if column in self.entity.primary_key:
            return self._refuse_new_key(draft, column, now)
        own = self.part.fields.by_name[column]
        if link is None and self.rules.settle(draft, own, now, None) is KEPT:
            return True
        if self._was_touched(row) and not self._is_decided(merged, draft, column, now):
            merged.conflicts[column] = (now, link)
            if self.state.options.on_conflict != "take-file":
                return True
        merged.new[column] = link
        return True

    def _is_decided(self, merged: Merged, draft: Draft, name: str, current: Any) -> bool:
        """Tell whether somebody decided what is right of a field that both sides changed.

        What was decided when the database had another value decides nothing.
        """
        alike = [name] if draft.decided is None else self._alike(name)
        found = [draft.decided.find(n, "take-file", "value") for n in alike if draft.decided]
        decided = next(filter(None, found), None)
        if decided is None:
            return False
        seen = decided[1].seen
        if "database" not in seen or comparable(seen["database"]) == comparable(whole(current)):
            return True
        was, is_now = shown(seen["database"]), shown(current)
        merged.stale[name] = f"it was decided when the database had {was}, and it has {is_now} now"
        return False

    def _alike(self, name: str) -> list[str]:
        """Return the fields that are about the same reference as one does."""
        column = self.part.fields.by_name[name].column
        is_link = column in self.entity.references
        return [f.name for f in self.part.fields if f.column == column] if is_link else [name]

    def _kept_columns(self, draft: Draft) -> set[str]:
        """A row found by a key keeps its uuid, that key as it is spelled here, and better ones."""
        if self.part.view is not None:
            return set(draft.key or ())
        keys = self.entity.all_keys
        rank = keys.index(draft.key) if draft.key in keys else len(keys)
        rank = 0 if draft.key == (self.entity.primary,) else rank
        kept = [key for key in keys[:rank] if len(key) == 1]
        return {"uuid", *(column for key in (*kept, draft.key or ()) for column in key)}

    # -- who changed it
    def changed_here(self, draft: Draft, row: Row, names: Names) -> dict[str, Any]:
        """Return {field: value now} of those that the database changed since the export."""
        items = [item for item in self.fields if self._changed_here(draft, item, row, names)]
        return {i.name: self.linker.current(i, row, names, self.rows) for i in items}

    def _changed_here(self, draft: Draft, item: FileField, row: Row, names: Names) -> bool:
        """Tell whether the database changed a field since the export.

        A reference may be named in a way that was not exported: then by how it was.
        """
        is_link = item.target is not None
        alike = self.part.fields.naming[str(item.column)].values() if is_link else [item]
        bases = {f.name: base for f in alike if (base := draft.base_of(self.part, f.name))}
        if not bases:
            return self._was_touched(row) and (item, row) not in self.own_edits
        was_changed = any(
            field_hash(self.linker.current(field, row, names, self.rows)) != bases[field.name]
            for field in alike
            if field.name in bases
        )
        return was_changed and (item, row) not in self.own_edits

    def _was_touched(self, row: Row) -> bool:
        """Tell whether a row of this very database was updated after the export."""
        exported = self.state.source.exported_at
        if (
            not self.state.same_database
            or not exported
            or "updated_at" not in self.entity.filled.stamps
        ):
            return False
        try:
            moment = self.entity.kinds["updated_at"].read(exported, lambda note: None)
        except BadValue:
            return False
        updated = row[self.rows.index["updated_at"]]
        return bool(updated > moment) and updated not in self.state.earlier.moments

    def tampered(
        self, draft: Draft, row: Row, names: Names, context: list[FileField]
    ) -> str | None:
        """Return the first field that names the row, or what it refers to, and was changed."""
        for item in context:
            value = draft.values.get(item.name, ABSENT)
            if value is ABSENT or value is None:
                continue  # a null says nothing
            column = str(item.column)
            link = draft.links.get(column, ABSENT)
            if item.target is not None and link == row[self.rows.index[column]]:
                continue  # it is named in another way
            base = draft.base_of(self.part, item.name)
            now = self.linker.current(item, row, names, self.rows)
            is_same = item.kind.same(value, now) or field_hash(value) == base
            name = (item.target or str(item.column),)
            if not is_same and fold_parts(name, (value,)) != fold_parts(name, (now,)):
                return item.name
        return None
