"""References to rows that come later in the import: they are set at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bakeio_core.catalog.entities.model import RowId
from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.database.stored.rows import Row
from bakeio_core.importing.linking.drafts import Draft, LinkError
from bakeio_core.importing.linking.references import References


@dataclass
class DeferredLink:
    """A reference to a row that may come later, set once all of its file is planned.

    `old` is what its row has until then, `is_all` whether nothing else of that changes.
    """

    row_id: RowId
    column: str
    key: Row
    number: int
    is_new: bool
    old: Any = None
    is_all: bool = False


class DeferredLinks:
    """The references of one part that wait for rows which are planned later.

    `waiting` are records that need such a row before they can be planned themselves.

    Args:
        references: Links the references of the part.
    """

    def __init__(self, references: References) -> None:
        self.references, self.part, self.entity = references, references.part, references.entity
        self.outcome = references.outcome
        self.links: list[DeferredLink] = []
        self.waiting: list[Draft] = []

    def link_own(self, draft: Draft, column: str, taken: set[RowId]) -> Any:
        """Try a reference to the entity itself again, now that more rows are planned."""
        key = draft.lookups[column]
        link = self.references.links(column, [key], is_exact=True)[key]
        reference = self.entity.references[column]
        if reference.target != self.entity.name:
            return link
        identity = draft.values.get(self.part.fields.own.get(reference.to, ""))
        if isinstance(link, LinkError) and isinstance(identity, RowId) and identity not in taken:
            fields = self.part.fields
            named = [fields.own.get(wanted, "") for wanted in fields.naming[column]]
            own = tuple(draft.values.get(name) for name in named)
            if any(value is not None for value in own) and own == key[:-1]:
                return identity
        return link

    def defer(self, draft: Draft, column: str, row_id: RowId, *, is_new: bool, old: Any) -> None:
        """Leave a reference to a row that may still come to the end.

        Args:
            draft: The record.
            column: The reference.
            row_id: The row that has it.
            is_new: Whether the record creates that row.
            old: What the row has there until then.
        """
        key = draft.lookups[column]
        self.links.append(DeferredLink(row_id, column, key, draft.number, is_new, old))

    def of(self, row_id: RowId) -> list[DeferredLink]:
        """Return what the row of the last record waits for."""
        return [
            link for link in self.links[-len(self.entity.references) :] if link.row_id == row_id
        ]

    def finish(self, batch: Changes) -> None:
        """Set what was deferred, and report what still names no row."""
        for draft in self.waiting:
            column = draft.waiting[0]
            self._report_still_missing(column, draft.lookups[column], draft)
        deferred, self.links = self.links, []
        for item in deferred:
            reference = self.entity.references[item.column]
            if reference.target == self.entity.name:
                self._set(item, batch)
            else:
                self.links.append(item)

    def finish_late(self, batch: Changes) -> None:
        """Set what waited for rows of other entities, once those are planned."""
        deferred, self.links = self.links, []
        for item in deferred:
            self._set(item, batch)

    def _set(self, item: DeferredLink, batch: Changes) -> None:
        if item.row_id in self.outcome.left_out:
            return
        link: Any = self.references.links(item.column, [item.key], is_exact=False)[item.key]
        if isinstance(link, LinkError):
            # its row is written already: another may be named for it, or none, and that is all
            answer = self.references.answers.answered(self.entity.references[item.column], link)
            link = answer if answer is None or isinstance(answer, RowId) else link
        if isinstance(link, LinkError):
            self.outcome.counts["created" if item.is_new else "updated"] -= 1
            draft = Draft(item.number, {}, lookups={item.column: item.key})
            draft.links[item.column] = link
            self._report_still_missing(item.column, item.key, draft)
        elif link == item.old:
            if item.is_all:
                self.outcome.counts["updated"] -= 1
                self.outcome.counts["unchanged"] += 1
        else:
            new, old = {item.column: link}, {item.column: item.old}
            if item.is_all:
                self._touch(item.row_id, new, old)
            change = Change("update", self.entity.name, item.number, item.row_id, new, old)
            batch.updates.append(change)
            self.outcome.state.outcome.enter([change])

    def _touch(self, row_id: RowId, new: dict[str, Any], old: dict[str, Any]) -> None:
        """Add what an update sets besides to one of a row of which nothing else changes."""
        state = self.outcome.state
        rows = state.tables.rows(self.entity)
        row = rows.by_id([row_id])[row_id]
        for column, value in state.set_on_update(self.entity):
            new[column], old[column] = value, rows.value(row, column)

    def _report_still_missing(self, column: str, key: Row, draft: Draft) -> None:
        link = self.references.links(column, [key], is_exact=False)[key]
        if isinstance(link, LinkError):
            self.references.report_missing(draft, column, link, is_first=True)
