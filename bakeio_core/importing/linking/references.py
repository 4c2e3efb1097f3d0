"""Link the references of a part's records, and carry out what is decided about those that fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bakeio_core.catalog.entities.model import Reference, RowId
from bakeio_core.catalog.exchange import (
    ABSENT,
    Changes,
)
from bakeio_core.catalog.fields import FileField
from bakeio_core.catalog.views.lists import parent_column
from bakeio_core.database.stored.rows import Row
from bakeio_core.files.revision import field_hash
from bakeio_core.importing.linking.called import CalledRows, SaidBeside
from bakeio_core.importing.linking.claims import PartOutcome
from bakeio_core.importing.linking.created.answers import Answers
from bakeio_core.importing.linking.created.parents import CreatedParents, PlanParent
from bakeio_core.importing.linking.drafts import Draft, LinkError, PendingParent
from bakeio_core.importing.linking.later.coming import ComingRows
from bakeio_core.importing.linking.link import Linker, Names
from bakeio_core.importing.linking.read_only import plain
from bakeio_core.importing.reading.derived.lists import ListDocument
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.resolving.decisions import with_remedy
from bakeio_core.values.wording import shown


class References:
    """Link the references of the records of one part.

    Args:
        state: The import.
        part: The part.
        linker: Links keys.
        parents: The rows decisions create.
        outcome: What comes of the part's records.
        plan_parent: Plans a row that a decision creates.
    """

    def __init__(
        self,
        state: ImportState,
        part: Part,
        linker: Linker,
        parents: CreatedParents,
        outcome: PartOutcome,
        plan_parent: PlanParent,
    ) -> None:
        self.state, self.part, self.linker, self.parents = state, part, linker, parents
        self.outcome, self.plan_parent = outcome, plan_parent
        self.answers, self.called = Answers(state, parents), CalledRows(state, part)
        self.said = SaidBeside(state, part, linker, outcome)
        self.entity, self.fields = part.entity, part.fields
        self.rows = state.tables.rows(part.entity)
        self.coming, self.coming_rows = self._coming(state), ComingRows(state)
        # what a row of a list belongs to is told by the record it stands in, if it stands in one
        is_within = part.view is not None and isinstance(part.document, ListDocument)
        told = parent_column(part.view) if is_within and part.view is not None else ""
        self.looked_up = [column for column in self.entity.references if column != told]

    def _coming(self, state: ImportState) -> set[str]:
        """Return the entities whose rows may come later in the import: this one and late ones."""
        names = [part.entity.name for part in state.source.parts]
        later = names[names.index(self.entity.name) :] if self.entity.name in names else []
        late = {r.target for r in self.entity.references.values() if r.is_late}
        return {self.entity.name} | late.intersection(later)

    def _may_come(self, reference: Reference, link: LinkError) -> bool:
        """Tell whether a reference names a row that may come later in the import."""
        is_unknown = link.code == "missing-reference" and link.missing is not None
        return is_unknown and reference.target in self.coming

    def _waits(self, draft: Draft, column: str, link: LinkError) -> bool:
        """Tell whether a reference waits for a row to come; link it by its folded key if not."""
        reference = self.entity.references[column]
        if link.missing is None or not self._may_come(reference, link):
            return False
        if self.coming_rows.has(link.missing):
            return True
        key = draft.lookups[column]
        draft.links[column] = self.links(column, [key], is_exact=False)[key]
        return False

    # -- what the file calls the rows
    def name(self, draft: Draft) -> None:
        """Note what a record calls the rows it refers to: a name counts, not the id beside it."""
        for column in self.looked_up:
            key = self._key(draft, column)
            if key is not None:
                draft.lookups[column] = key

    def _key(self, draft: Draft, column: str) -> Row | None:
        """Return lookups and id a record gives for a reference, None where it says nothing."""
        nothing = (ABSENT, "") if self.part.view is not None else (ABSENT,)
        identity = draft.values.get(self.fields.own.get(column, ""), ABSENT)
        given = [draft.values.get(f.name, ABSENT) for f in self.fields.naming[column].values()]
        if identity is ABSENT and all(value is ABSENT for value in given):
            return None
        named = [None if value in nothing else value for value in given]
        is_named = any(value is not None for value in named)
        return (*named, None if is_named or identity in nothing else identity)

    def link(self, drafts: Sequence[Draft]) -> None:
        """Link what `name` noted of many records."""
        for column in self.looked_up:
            keys = {d.number: d.lookups[column] for d in drafts if column in d.lookups}
            self._link_column(column, drafts, keys)
            self.said.compare(column, drafts)
            for draft in drafts:
                question = self.called.question(draft, column)
                if question is not None:
                    reference = self.entity.references[column]
                    draft.links[column] = self.answers.chosen(reference, question)

    def link_edited(self, drafts: Sequence[Draft], names: Names) -> None:
        """Link the references of known rows that are called otherwise than the row's is now.

        What is called as it is now is not looked up: two rows of one name hurt no unedited file.
        """
        for column in self.looked_up:
            keys = {}
            for draft in drafts:
                key = self._edited_key(draft, column, names)
                if key is not None:
                    keys[draft.number] = draft.lookups[column] = key
            self._link_column(column, drafts, keys)
            self.said.compare(column, drafts)

    def _edited_key(self, draft: Draft, column: str, names: Names) -> Row | None:
        """Return the key of a reference that is not what the row has, None where it is."""
        row = draft.row or ()
        if self.part.view is None:
            key = self._key(draft, column)
            if key is None or not self._is_current(draft, key, row, column, names):
                return key
            return None
        naming = self.fields.naming[column].values()
        given = [(field, draft.values.get(field.name)) for field in naming]
        edited = [
            value if self._is_edited(draft, field, value, row, names) else None
            for field, value in given
        ]
        return (*edited, None) if any(value is not None for value in edited) else None

    def _is_edited(
        self, draft: Draft, field: FileField, value: Any, row: Row, names: Names
    ) -> bool:
        """Tell whether a record of a view gives a reference another name than its row has."""
        if field.role not in ("editable", "parent") or value in (None, ""):
            return False
        base = draft.base_of(self.part, field.name)
        if base is not None and field_hash(value) == base:
            return False  # it is called otherwise here by now
        return not field.kind.same(value, self.linker.current(field, row, names, self.rows))

    def _given_id(self, draft: Draft, column: str) -> Any:
        """Return the id a record of a set of this very database gives, None for none.

        Of a row that came back under another one it is that.
        """
        if self.part.view is not None or not self.state.same_database:
            return None
        identity = draft.values.get(self.fields.own.get(column, ""))
        reference = self.entity.references[column]
        return None if identity is None else self.state.id_here(reference, identity)

    def _is_current(self, draft: Draft, key: Row, row: Row, column: str, names: Names) -> bool:
        """Tell whether a key names the row that the reference means now."""
        now = row[self.rows.index[column]]
        if self._given_id(draft, column) not in (None, now):
            return False
        if all(part is None for part in key):
            return now is None
        if key[-1] is not None:
            return bool(self.state.same_database and key[-1] == now)
        known = names[column][1].get(now)
        given = zip(key, known or (), strict=False)
        return known is not None and all(part in (None, cell) for part, cell in given)

    def _link_column(self, column: str, drafts: Sequence[Draft], keys: Mapping[int, Row]) -> None:
        reference = self.entity.references[column]
        named = {key for key in keys.values() if any(value is not None for value in key)}
        is_exact = reference.target in self.coming
        links = self.links(column, named, is_exact=is_exact) if named else {}
        for draft in drafts:
            if draft.number in keys:
                link = self._with_given_id(draft, column, links.get(keys[draft.number]))
                # known before rows are looked for: content may be made of references
                is_open = isinstance(link, LinkError)
                draft.links[column] = self.answers.chosen(reference, link) if is_open else link

    def _with_given_id(self, draft: Draft, column: str, link: Any) -> Any:
        """Return a link, or that the id beside the name of its row is that of another one."""
        identity = self._given_id(draft, column)
        if not isinstance(link, RowId) or identity in (None, link):
            return link
        if draft.row is not None and identity == draft.row[self.rows.index[column]]:
            return link  # only the name was changed
        reference = self.entity.references[column]
        naming = list(self.fields.naming[column].values())
        named = zip(naming, draft.lookups[column], strict=False)
        name = next((f"{f.name} {shown(v)}" for f, v in named if v is not None), "its name")
        message = (
            f"{column} {draft.values[self.fields.own[column]]} and {name} name two different rows "
            f"of {reference.target}: correct one of them"
        )
        return LinkError("identity-mismatch", message, ids=(link,))

    def links(
        self, column: str, keys: Iterable[Row], *, is_exact: bool
    ) -> dict[Row, RowId | LinkError]:
        """Link keys of one reference."""
        reference, naming = self.entity.references[column], self.fields.naming[column]
        columns = {wanted: field.name for wanted, field in naming.items()}
        return self.linker.link(reference, self.entity, keys, columns, is_exact=is_exact)

    # -- settling a record
    def settle(self, draft: Draft) -> bool:
        """Turn what could not be linked into problems or what is decided; tell whether to go on.

        A reference to the entity itself may be left waiting: its row may come later in the file.
        """
        is_good, is_skipped = True, False
        for column, link in list(draft.links.items()):
            reference = self.entity.references[column]
            if link is None and not reference.nullable:
                if is_good:
                    message = f"is empty, but every row of {self.entity.name} needs it"
                    field = self.fields.naming_of(column)
                    self.outcome.error(draft, "bad-value", field, None, message)
                is_good = False
            if not isinstance(link, LinkError) or self._waits(draft, column, link):
                continue
            link = draft.links[column]
            if not isinstance(link, LinkError):
                continue
            now = draft.row[self.rows.index[column]] if draft.row is not None else None
            if link.code == "ambiguous-key" and now in link.ids:
                draft.links[column] = now
                continue
            answer = self.answers.answered(reference, link)
            if isinstance(answer, LinkError):
                self.report_missing(draft, column, answer, is_first=is_good)
                is_good = False
            elif answer is ABSENT:
                is_skipped = True
            else:
                draft.links[column] = answer
        if is_good and is_skipped:
            self.outcome.counts["skipped"] += 1
        return is_good and not is_skipped

    def report_missing(self, draft: Draft, column: str, link: LinkError, *, is_first: bool) -> None:
        """Report a reference nobody could link or decide on.

        Args:
            is_first: Whether it is the first problem of its record, which counts the record.
        """
        field, value, message = *self._where(draft, column, link), link.message
        if link.missing is not None:
            is_named_in_vain = link.code == "missing-reference"
            target, key = self.state.catalog.entities[link.missing.entity], link.missing.key
            if is_named_in_vain and self.state.outcome.has_failed(target, key):
                message = (
                    f"refers to a record of {link.missing.entity} in this import that cannot be "
                    "imported itself"
                )
                value = None
            else:
                where = (self.part.file, draft.number, field)
                self.state.outcome.note_missing(link.missing, *where)
                message = with_remedy(message, link.missing, self.state.options.in_use)
        say = self.outcome.error if is_first else self.outcome.report
        say(draft, link.code, field, value, message)

    def _where(self, draft: Draft, column: str, link: LinkError) -> tuple[str, Any]:
        """Return the field and value a person looks at: the first lookup given, else the id."""
        if link.field:
            return link.field, plain(draft.context.get(link.field))
        naming = self.fields.naming[column]
        if link.vain in naming:  # of several names the one that leads nowhere
            place = list(naming).index(link.vain)
            return naming[link.vain].name, draft.lookups[column][place]
        names = [field.name for field in naming.values()]
        names.append(self.fields.own.get(column, column))
        for name, value in zip(names, draft.lookups[column], strict=True):
            if value is not None:
                return name, value
        return self.fields.naming_of(column), None

    def report_links(self, draft: Draft, names: Names) -> None:
        """Report what a record that is refused already refers to in vain: one pass tells all.

        Args:
            draft: The record.
            names: What the rows are called that known rows refer to.
        """
        if draft.row is None:
            self.name(draft)
            self.link([draft])
        else:
            self.link_edited([draft], names)
        for column in draft.waiting:
            link = draft.links[column]
            if draft.row is not None and draft.row[self.rows.index[column]] in link.ids:
                continue  # one of the rows it may mean is the one it means now
            answer = self.answers.answered(self.entity.references[column], link)
            if isinstance(answer, LinkError):
                self.report_missing(draft, column, answer, is_first=False)

    def create_parents(self, draft: Draft, batch: Changes) -> bool:
        """Create the rows a good record waits for, as decided; tell whether all could be."""
        for column, link in list(draft.links.items()):
            if not isinstance(link, PendingParent):
                continue
            row = self.parents.get(link, batch, self.plan_parent)
            if isinstance(row, LinkError):
                self.report_missing(draft, column, row, is_first=True)
                return False
            reference = self.entity.references[column]
            draft.links[column] = self.state.tables.held(reference, (row,))[0]
        return True
