"""What is decided about references that could not be linked, now or in earlier imports."""

from __future__ import annotations

from typing import Any

from bakeio_core.catalog.entities.model import Entity, Reference, RowId
from bakeio_core.catalog.exchange import ABSENT, ALIAS, EXISTING, Decision, Missing
from bakeio_core.importing.linking.created.parents import CreatedParents
from bakeio_core.importing.linking.drafts import LinkError, PendingParent
from bakeio_core.importing.state import ImportState
from bakeio_core.values.wording import shown


class Answers:
    """Find what is decided about references.

    Args:
        state: The import, with its decisions.
        parents: The rows decisions create, and which decisions were carried out.
    """

    def __init__(self, state: ImportState, parents: CreatedParents) -> None:
        self.state, self.parents = state, parents

    def chosen(self, reference: Reference, link: LinkError) -> Any:
        """Return what a reference holds where somebody chose a row that is there, else its link.

        One that is to be created is none yet: whether it will be is only known once a good record
        needs it.
        """
        if link.missing is None:
            return link
        decision = self.state.decisions.get(link.missing)
        is_learned = decision is None and self.state.decisions.alias(link.missing) is not None
        if not is_learned and (decision is None or decision.action != EXISTING):
            return link
        answer = self.answered(reference, link)
        return link if isinstance(answer, PendingParent) else answer

    def answered(self, reference: Reference, link: Any) -> Any:
        """Return what is decided about a reference that could not be linked.

        Returns:
            What the reference is to hold; a row to create (`PendingParent`); None where it is to be
            left empty; ABSENT where the record is to be skipped; the `LinkError` where nothing is
            decided.
        """
        missing = link.missing
        if missing is None:
            return link
        target = self.state.catalog.entities[reference.target]
        decision = self.state.decisions.get(missing)
        if decision is None:
            learned = self.state.decisions.alias(missing)
            if learned is None:
                return link
            decision = Decision(EXISTING, {target.primary: learned}, by=ALIAS)
        if decision.action == "empty" and not reference.nullable:
            why = "it was decided to leave it empty, but it is required"
            return unanswerable(link, missing, why)
        if decision.action == EXISTING:
            found = self._existing(target, decision, link, missing)
            if isinstance(found, RowId):
                return next(iter(self.state.tables.held(reference, (found,))), link)
            return found
        if decision.action == "create":
            return PendingParent(target, decision, link)
        self.parents.apply(missing, decision, None)
        return ABSENT if decision.action == "skip" else None

    def _existing(
        self, target: Entity, decision: Decision, link: LinkError, missing: Missing
    ) -> Any:
        known = self.parents.applied.get(missing.identity)
        if known is not None and known.id is not None:
            return self.parents.apply(missing, decision, known.id)
        hits = self.state.tables.meant(target, decision.target)
        if len(hits) == 1:
            identity = hits[0][self.state.tables.rows(target).id_index]
            return self.parents.apply(missing, decision, identity)
        if decision.by == ALIAS:
            return link  # the row it stood for is gone
        creating = [] if hits else self.state.decisions.creating(target.name, decision.target)
        if len(creating) == 1:
            creator, create = creating[0]
            return PendingParent(target, create, link, decision, creator.identity)
        what = ", ".join(f"{column} {shown(value)}" for column, value in decision.target.items())
        found = (
            f"{len(hits)} rows of {target.name} have" if hits else f"no row of {target.name} has"
        )
        if creating:
            found = f"{len(creating)} decisions create one that has"
        why = f"it was decided to use the one with {what}, but {found} it"
        return unanswerable(link, missing, why)


def unanswerable(link: LinkError, missing: Missing, why: str) -> LinkError:
    """Return a reference whose decision cannot be carried out, so that it is asked again."""
    if missing.why == why and link.message.endswith(why):
        return link  # it was asked for before
    missing.why = why
    return LinkError(link.code, f"{link.message}; {why}", missing, link.ids)
