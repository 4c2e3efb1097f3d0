"""Find the row each record means: strategies in order, exact before folded, claims respected.

Key is proof, id is a hint: `_rev`, then natural keys, best first; an id counts where the file is of
this very database, or where everything else it says of the row agrees.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from functools import cached_property

from bakeio_core.catalog.entities.model import Key, RowId
from bakeio_core.catalog.exchange import ABSENT
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import Problems
from bakeio_core.history.journal.packing import remembered_by
from bakeio_core.importing.linking.claims import Claims
from bakeio_core.importing.linking.drafts import Draft, LinkError
from bakeio_core.importing.linking.link import Linker
from bakeio_core.importing.linking.read_only import ReadOnlyFields
from bakeio_core.importing.matching.ids import IdMatch
from bakeio_core.importing.matching.own_rows import OwnRows
from bakeio_core.importing.matching.revisions import RevisionMatch
from bakeio_core.importing.reading.records.reader import Reader
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.wording import shown

Found = dict[Key, dict[Row, list[Row]]]


class Matcher:
    """Find the rows the records of one part mean.

    Args:
        state: The import.
        part: The part whose records are matched.
        linker: What links references and knows what rows are called.
        claims: The rows that records of the part mean already.
        read_only: What its records say besides.
    """

    def __init__(
        self,
        state: ImportState,
        part: Part,
        linker: Linker,
        claims: Claims,
        read_only: ReadOnlyFields,
    ) -> None:
        self.state, self.part, self.linker, self.claims = state, part, linker, claims
        self.entity, self.fields = part.entity, part.fields
        self.rows = state.tables.rows(part.entity)
        keys, references = [*self.entity.all_keys], self.entity.references.keys()
        keys += [part.key] if part.key and part.key not in keys else []
        own = next((i for i, key in enumerate(keys) if set(key) & references), len(keys))
        self.keys, self.linked_keys = keys[:own], keys[own:]
        self.content = state.content_of(part)
        self.id_field = self.fields.own.get(self.entity.surrogate)
        self.revisions = RevisionMatch(state, part)
        self.ids = IdMatch(state, part, linker, self.keys, self.key, read_only)
        self.own_rows = OwnRows(state, part)
        # lines without a key are matched by their content, with how often each is there
        self.remembered = () if self.entity.known_by else remembered_by(self.entity)
        self.better_keys = [key for key in keys if key != self.remembered]
        self._meant: dict[RowId, Draft] = {}

    def key(self, draft: Draft, key: Key) -> Row | None:
        """Return the values a record gives for a key, None where it does not give it whole.

        A part that is not mentioned is what a new row would store, where that is known.
        """
        values = [draft.value(self.part, column) for column in key]
        if all(value is ABSENT or value is None for value in values):
            return None
        for index, column in enumerate(key):
            default = self.entity.default(column)
            is_null = self.entity.nullable(column) and column not in self.entity.filled.defaults
            if values[index] is ABSENT and (default is not None or is_null):
                values[index] = default
        return None if ABSENT in values else tuple(values)

    def held(self, draft: Draft) -> Row | None:
        """Return the values a record gives for the content, which may all be null in a set."""
        values = tuple([draft.value(self.part, column) for column in self.content])
        says_nulls = bool(values) and self.part.view is None and {*values} == {None}
        return values if says_nulls else self.key(draft, self.content)

    # -- by what needs no links
    def match_known(self, drafts: Sequence[Draft]) -> None:
        """Find the rows of records by `_rev`, id, and the keys that stand on no reference."""
        left = self.revisions.match(self._of_rows(drafts))
        identity: list[Key] = [("uuid",)] if ("uuid",) in self.keys else []
        for key in identity:
            left = self._by_key(left, key)
        self.ids.refuse_others(drafts)
        left = self.ids.match(left)
        for key in self.keys[len(identity) :]:
            self._meant = {d.row[self.rows.id_index]: d for d in drafts if d.row is not None}
            left = self._by_key(left, key)
        self._meant = {}
        if self.part.view is not None and self.state.source.database_id is None:
            self.ids.match_context(left)
        if self.part.view is not None:
            self.ids.refuse_unknown([draft for draft in left if draft.row is None])
        if self.part.view is not None:
            self._by_code([d for d in left if d.row is None and d.fault is None])

    def _of_rows(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Give records that were made of rows those; return the others."""
        rows = self.rows.by_id(self.part.rows.values()) if self.part.rows else {}
        for draft in drafts:
            identity = self.part.rows.get(draft.number)
            draft.row = None if identity is None else rows.get(identity)
        return [draft for draft in drafts if draft.row is None]

    def _by_key(self, drafts: list[Draft], key: Key) -> list[Draft]:
        wanted = {d.number: value for d in drafts if (value := self.key(d, key)) is not None}
        found = self.rows.find(key, wanted.values())
        return [
            draft
            for draft in drafts
            if draft.number not in wanted or not self._take(draft, key, wanted[draft.number], found)
        ]

    def _take(self, draft: Draft, key: Key, value: Row, found: dict[Row, list[Row]]) -> bool:
        """Take the row a key names; tell whether it names one, or too many."""
        rows = [r for r in found.get(value, ()) if not self._has_left(r, key, value)]
        refused = self.claims.refused.get((key, value))
        if refused is not None:
            rows = [*rows, refused]
        if not rows:
            ids = self.rows.folded(key, value)
            rows = self.unclaimed(list(self.rows.by_id(ids).values())) if ids else []
        elif draft.has_unknown_key:
            rows = self.unclaimed(rows)
        if not rows:
            draft.has_unknown_key = True
        elif len(rows) == 1:
            draft.row, draft.key = rows[0], key
        else:
            draft.fault = self._ambiguous(draft, key, rows)
        return bool(rows)

    def _has_left(self, row: Row, key: Key, value: Row) -> bool:
        """Tell whether another record, which means a row by a better key, takes this one off it."""
        identity = row[self.rows.id_index]
        other, moved = self._meant.get(identity), self.claims.moved.get(identity, {})
        now: Row | None = None
        if not moved.keys().isdisjoint(key):
            now = tuple(
                [moved.get(c, v) for c, v in zip(key, self.rows.key_of(row, key), strict=True)]
            )
        elif other is not None and self.state.options.mode != "skip-existing":
            now = self.key(other, key)
        return now is not None and self.rows.fold(key, now) != self.rows.fold(key, value)

    def _ambiguous(self, draft: Draft, key: Key, rows: Sequence[Row]) -> LinkError:
        """Return that a record says what several rows have."""
        named = draft.named(self.part, key).items()
        what = ", ".join(f"{field} {shown(said)}" for field, said in named)
        best = self.entity.readable_key[0] if self.part.view else self.entity.all_keys[0][0]
        by = f"tell them apart by {self.fields.own.get(best, best)}"
        if best in key:
            by = "only a key that the database keeps unique tells rows apart: declare another one"
        message = f"{len(rows)} rows of {self.entity.name} have {what}: {by}"
        ids = [row[self.rows.id_index] for row in rows]
        return LinkError("ambiguous-key", message, ids=tuple(ids))

    def unclaimed(self, rows: list[Row]) -> list[Row]:
        """Leave out the rows another record of the file means by a better key."""
        if not rows:
            return rows
        index = self.rows.id_index
        free = [row for row in rows if row[index] not in self.claims]
        return [row for row in free if row[index] not in self._best_claims]

    @cached_property
    def _best_claims(self) -> set[RowId]:
        """The ids of the rows that records of the part mean by the best they give, exactly.

        The part is read once more for them, where that is first asked.
        """
        claimed: set[RowId] = set()
        reader = Reader(self.part, Problems())
        for block in self.part.document.blocks() if not self.rows.was_empty else ():
            drafts = [Draft(r.number, r.values) for r in reader.read(block) if not r.bad]
            left = self.ids.match(self.revisions.match(drafts))
            claimed.update(d.row[self.rows.id_index] for d in drafts if d.row is not None)
            for key in self.keys:
                wanted = {value for d in left if (value := self.key(d, key)) is not None}
                for rows in self.rows.find(key, wanted).values():
                    claimed.update(row[self.rows.id_index] for row in rows)
                left = [draft for draft in left if self.key(draft, key) is None]
        return claimed

    # -- by a code
    def _by_code(self, drafts: list[Draft]) -> None:
        """A record of a view that gives no key at all is known by a standard number of its row."""
        for draft in drafts:
            if any(self.key(draft, key) is not None for key in self.keys):
                continue
            if any(self._is_named(draft, key) for key in self.linked_keys):
                continue  # a key comes before a code, once its references are linked
            for code in self.entity.codes:
                value = draft.value(self.part, code)
                ids = self.rows.folded((code,), (value,)) if isinstance(value, str) else []
                rows = self.unclaimed(list(self.rows.by_id(ids).values()))
                if len(rows) == 1:
                    draft.row, draft.key = rows[0], (code,)
                elif rows:
                    draft.fault = self._ambiguous(draft, (code,), rows)

    def _is_named(self, draft: Draft, key: Key) -> bool:
        """Tell whether a record says all that a row of it needs of a key, before it is linked."""
        required = {column for column in key if not self.entity.nullable(column)}
        told = {self.part.fields.by_name[name].column for name in draft.named(self.part, key)}
        return bool(told) and required <= told

    # -- by what stands on links
    def look_up(self, drafts: Sequence[Draft]) -> Found:
        """Look up the keys that stand on references, and the content, of records not matched."""
        found: Found = {}
        for key in self.linked_keys:
            wanted = [value for d in drafts if (value := self.key(d, key)) is not None]
            found[key] = self.rows.find(key, wanted)
        held = [value for d in drafts if self.content and (value := self.held(d)) is not None]
        found[self.content] = self.rows.find(self.content, held)
        return found

    def match_new(self, draft: Draft, found: Found) -> None:
        """Find the row of a record that no exact key named: one planned since, else by the rest.

        Its content names none where equal rows may be added; keys always do.
        """
        if (self.rows.pending or self.claims.refused) and self._take_planned(draft):
            return
        for key in self.linked_keys:
            value = self.key(draft, key)
            if value is not None:
                known = {value: self._with_pending(key, value, found)}
                if self._take(draft, key, value, known):
                    return
        if self.state.options.allow_duplicates and self.state.source.kind != "set":
            return
        value = self.held(draft) if self.content else None
        if value is not None and not draft.has_unknown_key:
            # the k-th record of a content means the k-th such row, in the order of ids
            equal = self._with_pending(self.content, value, found)
            free = self.unclaimed(self.own_rows.not_of_others(draft, equal))
            if not free:
                free = self.unclaimed(self.own_rows.created_with(value))
                draft.was_imported = bool(free)
            if free:
                draft.row, draft.key = free[0], self.content
        if draft.row is None and draft.fault is None:
            self._take_remembered(draft)

    def _take_remembered(self, draft: Draft) -> None:
        """Take the row that an earlier import of the record created, whatever its key is by now.

        A record with a better key than the one it is known by again is known by that.
        """
        key = self.remembered
        if not key or any(self.key(draft, k) is not None for k in self.better_keys):
            return
        value = self.key(draft, key)
        free = self.unclaimed(self.own_rows.created_with(value)) if value is not None else []
        if free:
            draft.row, draft.key, draft.was_imported = free[0], key, True

    def doubt_of_new(self, draft: Draft, taken: Set[RowId]) -> LinkError | None:
        """Return why it cannot be told whether a record's row is there already; None where it can.

        Rows that have nothing but an id, as their keys are null, are known by all they hold, and by
        their ids in the state of this very database. A set of nobody knows which may be an older
        state of it.

        Args:
            draft: A record that no row was found for.
            taken: The ids records give that rows have.
        """
        is_state = self.part.view is None and not self.state.same_database
        if not self.entity.may_lack_keys or not is_state or self.rows.was_empty:
            return None
        if any(self.key(draft, key) is not None for key in (*self.keys, *self.linked_keys)):
            return None
        identity = draft.values.get(self.id_field or "")
        if not self.content or self.held(draft) is None:
            if identity is None and not self.state.earlier.has_any:
                return None
            doubt = "it is not clear whether this row exists already"
        else:
            is_here = isinstance(identity, int) and identity in taken - self.claims.record_of.keys()
            if not is_here or self.state.source.database_id is not None:
                return None
            doubt = "is the id of another row here, or of this one before it was changed"
        which = "whose keys are null have only their ids" if self.keys else "have only their ids"
        message = (
            f"{doubt}: rows of {self.entity.name} {which}, which are valid in their own database "
            "alone. Declare keys that all of them have, or import a set that was exported after "
            "bakeio init, into the same database or an empty one"
        )
        return LinkError("ambiguous-key", message, field=self.id_field or "")

    def _take_planned(self, draft: Draft) -> bool:
        """Take a row that an earlier record of the file is to create, or was to."""
        has_better = False
        for key in self.keys:
            value = self.key(draft, key)
            if value is None:
                continue
            rows = list(self.rows.pending.by(key).get(value, ())) if self.rows.pending else []
            refused = self.claims.refused.get((key, value))
            rows += [refused] if refused is not None else []
            rows = self.unclaimed(rows) if has_better else rows
            if rows:
                draft.row, draft.key = rows[0], key
                return True
            has_better = True
        return False

    def _with_pending(self, key: Key, value: Row, found: Found) -> list[Row]:
        pending = self.rows.pending.by(key).get(value, ()) if self.rows.pending else ()
        rows = {row[self.rows.id_index]: row for row in (*found[key].get(value, ()), *pending)}
        # what an earlier record deletes is nobody's any more
        gone = self.claims.outcomes
        return [rows[i] for i in sorted(rows) if gone.get(i) != "deleted"]
