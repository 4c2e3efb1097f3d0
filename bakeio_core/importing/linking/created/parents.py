"""Rows that decisions create for missing references: each once, with the first that needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bakeio_core.catalog.entities.model import Entity, Reference, RowId
from bakeio_core.catalog.exchange import Changes, Decision, Missing
from bakeio_core.importing.linking.drafts import LinkError, PendingParent

PlanParent = Callable[[PendingParent, Changes], "RowId | LinkError"]
"""Plans one row from the values of a decision: its id, or why it cannot be created."""


@dataclass
class CreatedParent:
    """A row a decision creates: its key, what its references hold, how many need it.

    `row` is {column: wire value}.
    """

    entity: Entity
    id: RowId
    key: dict[str, Any]
    row: Mapping[str, Any]
    links: list[tuple[Reference, Any]]
    uses: int = 0


@dataclass
class AppliedDecision:
    """A decision that was carried out: on which key, to which row it led, for how many records."""

    missing: Missing
    decision: Decision
    id: RowId | None
    count: int = 0


class CreatedParents:
    """The rows decisions create and the decisions carried out, in the order of their first use."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, RowId], CreatedParent] = {}
        self.applied: dict[Any, AppliedDecision] = {}
        self._planned: dict[Any, RowId | LinkError] = {}
        self._links: dict[Any, LinkError] = {}

    def __bool__(self) -> bool:
        return bool(self.rows)

    def get(self, wanted: PendingParent, batch: Changes, plan: PlanParent) -> RowId | LinkError:
        """Return the id of the row a decision creates, the same for all records that want it."""
        missing = wanted.link.missing
        if missing is None:
            return plan(wanted, batch)
        self._links.setdefault(missing.identity, wanted.link)
        if missing.identity not in self._planned:
            known = self._planned.get(wanted.creator)
            made = known if isinstance(known, RowId) else plan(wanted, batch)
            self._planned[missing.identity] = made
            if wanted.creator is not None and isinstance(made, RowId):
                self._planned[wanted.creator] = made
        row = self._planned[missing.identity]
        if isinstance(row, RowId):
            self.apply(missing, wanted.chosen or wanted.decision, row)
        return row

    def add(
        self, entity: Entity, identity: RowId, key: dict[str, Any], row: Mapping[str, Any]
    ) -> None:
        """Note a row a decision creates; what it refers to is needed by it."""
        links = [(r, row[column]) for column, r in entity.references.items()]
        self.rows[entity.name, identity] = CreatedParent(entity, identity, key, row, links)
        for link in links:
            self._count(*link, 1)

    def refuse(self, entity: Entity, identity: RowId, why: str) -> LinkError:
        """Take out a row the database refuses.

        Returns:
            Why a reference to it leads nowhere, for all who ask for it from now on too.
        """
        parent = self.rows.pop((entity.name, identity))
        for link in parent.links:
            self._count(*link, -1)
        refused = LinkError("missing-reference", why)
        for key, row in self._planned.items():
            if key[0] == entity.name and row == identity:
                self._planned[key] = refused
                known = self._links.get(key)
                if known is None:
                    continue  # no record has come yet that wants it by this name
                if known.missing is not None:
                    known.missing.why = why
                refused = LinkError(known.code, f"{known.message}; {why}", known.missing)
                self._planned[key] = refused
                self.applied.pop(key, None)
        return refused

    def need(self, entity: Entity, row: Mapping[str, Any]) -> None:
        """Note that a record needs those of the rows it refers to that decisions create."""
        self._count_all(entity, row, 1)

    def release(self, entity: Entity, row: Mapping[str, Any]) -> None:
        """Note that a record does not need what it refers to after all."""
        self._count_all(entity, row, -1)

    def _count_all(self, entity: Entity, row: Mapping[str, Any], times: int) -> None:
        if self.rows:
            for column, reference in entity.references.items():
                self._count(reference, row.get(column), times)

    def _count(self, reference: Reference, held: Any, times: int) -> None:
        parent = self.rows.get((reference.target, held))
        if parent is None or reference.to != parent.entity.primary:
            some = (p for p in self.rows.values() if p.entity.name == reference.target)
            parent = next((p for p in some if p.row.get(reference.to) == held), None)
        if parent is not None:
            parent.uses += times

    def is_needed(self, entity: str, identity: RowId | None) -> bool:
        """Tell whether a record needs a row that a decision creates."""
        parent = None if identity is None else self.rows.get((entity, identity))
        return parent is not None and parent.uses > 0

    def take_unneeded(self) -> list[CreatedParent]:
        """Take out the rows no record needs after all, those that refer to others first."""
        left = []
        for parent in reversed(list(self.rows.values())):
            if parent.uses <= 0:
                left.append(parent)
                del self.rows[parent.entity.name, parent.id]
                for link in parent.links:
                    self._count(*link, -1)
        return left

    @property
    def keys(self) -> dict[str, list[dict[str, Any]]]:
        """The rows that are needed, by their keys: {entity: [{column: value}]}."""
        found: dict[str, list[dict[str, Any]]] = {}
        for parent in self.rows.values():
            if parent.uses > 0:
                found.setdefault(parent.entity.name, []).append(parent.key)
        return found

    def apply(self, missing: Missing, decision: Decision, identity: RowId | None) -> RowId | None:
        """Count one use of a decision and return the id of the row it led to."""
        known = self.applied.get(missing.identity)
        if known is None:
            known = AppliedDecision(missing, decision, identity)
            self.applied[missing.identity] = known
        known.count += 1
        return known.id
