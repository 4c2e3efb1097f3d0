"""Make the rows of new records: what the file gives, what bakeio supplies, nothing invented."""

from __future__ import annotations

from typing import Any

from bakeio_core.catalog.entities.columns import MADE, DefaultFailed
from bakeio_core.catalog.entities.model import ROW_KEY, RowId
from bakeio_core.catalog.exchange import ABSENT, Changes
from bakeio_core.catalog.keys.row_ids import row_id
from bakeio_core.database.dialect import LOWEST
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import Advice
from bakeio_core.importing.linking.claims import PartOutcome
from bakeio_core.importing.linking.created.parents import CreatedParents
from bakeio_core.importing.linking.drafts import Draft, LinkError, PendingParent
from bakeio_core.importing.linking.later.deferred import DeferredLinks
from bakeio_core.importing.linking.references import References
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.resolving.near_keys import NearKeys
from bakeio_core.values.folding import make_slug
from bakeio_core.values.wording import listed, shown


class NewRows:
    """Make rows of the new records of one part.

    Args:
        state: The import.
        part: The part.
        outcome: What comes of its records.
        references: What they refer to.
        deferred: Keeps references to rows that may still come.
        parents: The rows decisions create.
    """

    def __init__(
        self,
        state: ImportState,
        part: Part,
        outcome: PartOutcome,
        references: References,
        deferred: DeferredLinks,
        parents: CreatedParents,
    ) -> None:
        self.state, self.part, self.outcome = state, part, outcome
        self.references, self.deferred, self.parents = references, deferred, parents
        self.entity, self.fields = part.entity, part.fields
        self.rows = state.tables.rows(part.entity)
        self.near = NearKeys(self.rows)
        self._slugs: dict[str, int] = {}

    def taken_ids(self, drafts: list[Draft]) -> set[RowId]:
        """Return those of the ids records give that rows have."""
        ids = [i for draft in drafts if isinstance(i := self._file_id(draft), int)]
        return self.rows.existing_ids(ids) if ids else set()

    def _file_id(self, draft: Draft) -> Any:
        """Return the id of an entity's file; a view's is context and makes no row."""
        name = self.fields.own.get(self.entity.surrogate, "")
        return draft.values.get(name) if self.part.view is None else None

    def create(self, draft: Draft, taken: set[RowId], batch: Changes) -> None:
        """Plan a new row, once all it refers to is known; a parent of its own entity is awaited.

        Args:
            draft: A record whose references are settled.
            taken: Ids that rows have; the new one is added.
            batch: The batch the row goes into.
        """
        waiting = draft.waiting
        for column in waiting:
            link = self.deferred.link_own(draft, column, taken)
            if not isinstance(link, RowId) and not self.entity.references[column].nullable:
                self.deferred.waiting.append(draft)
                return
            draft.links[column] = link
        values = self.values(draft, taken)
        if values is None or not self.references.create_parents(draft, batch):
            return
        row = self._row(draft, values)
        identity = row[self.rows.id_index]
        for column in waiting:
            if not isinstance(draft.links[column], RowId):
                self.deferred.defer(draft, column, identity, is_new=True, old=None)
        taken.add(identity)
        self.rows.pending.add([row])
        self.parents.need(self.entity, dict(zip(self.entity.columns, row, strict=True)))
        self.outcome.claims.claim([identity], [draft.number])
        self.outcome.claims.outcomes[identity] = "created"
        self.outcome.batch_changes[identity] = row
        self.outcome.count_created([row], [draft.number])
        batch.rows.append(row)  # type: ignore[attr-defined]
        batch.numbers.append(draft.number)  # type: ignore[attr-defined]
        draft.row = row
        self.outcome.note_computed(draft, identity)

    def _row(self, draft: Draft, values: dict[str, Any]) -> Row:
        """Return the row of a record all of whose references lead somewhere."""
        linked = draft.linked(values)
        if ROW_KEY in linked:
            linked[ROW_KEY] = row_id(self.entity, linked)
        return tuple(linked.values())

    def values(self, draft: Draft, taken: set[RowId]) -> dict[str, Any] | None:
        """Return {column: value} of a new row; None (and problems) where something is missing."""
        values: dict[str, Any] = {}
        lacking: list[str] = []
        for column in self.entity.columns:
            try:
                value = self._value(draft, column, taken)
            except DefaultFailed as error:
                field = self.fields.own.get(column, column)
                self.outcome.error(draft, "plugin-error", field, None, str(error))
                return None
            if value is None and not self.entity.nullable(column):
                lacking.append(column)
            values[column] = value
        told = [c for c in lacking if not isinstance(draft.links.get(c), LinkError)]
        if told:
            self._report_lacking(draft, told)
        return None if lacking else values

    def _report_lacking(self, draft: Draft, columns: list[str]) -> None:
        """Say what a new row would need; where no row has the key of a record, that above all."""
        key = self.entity.readable_key[0]
        field = self.fields.own.get(key, "")
        said = draft.values.get(field)
        needed = [self.fields.naming_of(c) for c in columns if c != key]
        if key == self.entity.primary:
            given = (draft.value(self.part, column) for column in self.entity.content)
            says_nothing = all(value is ABSENT or value is None for value in given)
            names_none = bool(self.entity.content) and says_nothing
        else:
            names_none = said is not None or key in columns
        if self.part.view is not None and field and needed and names_none:
            advice = self._names_no_row(field, said).within("", f" needs {listed(needed)} too")
            self.outcome.error(draft, "missing-field", field, said, advice)
            return
        message = f"is missing: a new row of {self.entity.name} needs it"
        for place, column in enumerate(columns):
            say = self.outcome.report if place else self.outcome.error
            say(draft, "missing-field", self.fields.naming_of(column), None, message)

    def _names_no_row(self, field: str, said: Any) -> Advice:
        name = self.entity.name
        if said is None:
            return Advice(f"is missing, so the record names no row of {name}; a new one")
        near = self.near.of(self.entity.readable_key[0], said)
        meant = f": did you mean {' or '.join(map(shown, near))}" if near else ""
        said = f"no row of {name} has {field} {shown(said)}{meant}{'?' if near else '.'} A new row"
        return Advice(said, *near)

    def _value(self, draft: Draft, column: str, taken: set[RowId]) -> Any:
        if column in self.entity.filled.computed:
            return MADE
        if column == ROW_KEY:
            return ""  # made of the other columns, once all of them are known
        if column == self.entity.surrogate:
            return self._identity(draft, taken)
        if column in self.entity.references:
            link = draft.links.get(column)
            value = None if isinstance(link, LinkError) else link
        else:
            value = draft.values.get(self.fields.own.get(column, ""))
        return self._supplied(draft, column) if value is None else value

    def _identity(self, draft: Draft, taken: set[RowId]) -> int:
        """Return the id of the file where it is free and may be had, else a new one."""
        wanted, new_ids = self._file_id(draft), self.state.new_ids(self.entity)
        # what somebody makes up is seldom a row's; a set says what rows had
        lowest, highest = LOWEST if self.state.source.kind == "set" else 1, new_ids.highest_kept
        if isinstance(wanted, int) and lowest <= wanted <= highest and wanted not in taken:
            new_ids.took(wanted)
            return wanted
        return new_ids.take()[0]

    def _supplied(self, draft: Draft, column: str) -> Any:
        """Return what bakeio supplies for a column a new record says nothing about."""
        is_said = self.fields.own.get(column, "") in draft.values or column in draft.links
        if is_said and self.part.takes_null(column):
            return None
        if column == "slug" and self.entity.slug_from:
            return self._free_slug(draft)
        return self.entity.filled.supplied(column, self.state.now)

    def _free_slug(self, draft: Draft) -> str | None:
        said = (draft.value(self.part, column) for column in self.entity.slug_from)
        base = make_slug(None if value is ABSENT else value for value in said)
        if not base:
            return None
        number = self._slugs.get(base, 1)
        slug = base if number == 1 else f"{base}_{number}"
        while self.rows.find(("slug",), [(slug,)]):
            number += 1
            slug = f"{base}_{number}"
        self._slugs[base] = number  # the next of this name goes on from here
        return slug

    # -- a row that a decision creates
    def parent(self, draft: Draft, batch: Changes) -> Row | LinkError | None:
        """Return the row a decision creates.

        Returns:
            The row; the reference it waits for in turn; None where the outcome's problems say why
            it cannot be made.
        """
        for column in draft.waiting:
            link = draft.links[column]
            answer = self.references.answers.answered(self.entity.references[column], link)
            if answer is ABSENT:
                said = f"{link.message}; it was decided to skip what needs it"
                answer = LinkError(link.code, said)
            if isinstance(answer, LinkError):
                message = f"is to be created as decided, but {answer.message}"
                return LinkError(answer.code, message, answer.missing, answer.ids)
            draft.links[column] = answer
        values = self.values(draft, set())
        if values is None:
            return None
        for column, link in draft.links.items():
            if isinstance(link, PendingParent):
                parent = self.parents.get(link, batch, self.references.plan_parent)
                if isinstance(parent, LinkError):
                    return parent
                reference = self.entity.references[column]
                draft.links[column] = self.state.tables.held(reference, (parent,))[0]
        return self._row(draft, values)
