"""What is decided about references that could not be linked, now or in earlier imports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bakeio_core.catalog.exchange import ABSENT, ALIAS, EXISTING, Decision, Missing
from bakeio_core.catalog.model import Entity, Reference, RowId
from bakeio_core.database.rows import Row
from bakeio_core.importing.linking.drafts import LinkError, PendingParent
from bakeio_core.importing.linking.parents import CreatedParents
from bakeio_core.importing.state import ImportState
from bakeio_core.values.wording import BadValue, shown


class Answers:
    """Find what is decided about references.

    Args:
        state: The import, with its decisions.
        parents: The rows decisions create, and which decisions were carried out.
    """

    def __init__(self, state: ImportState, parents: CreatedParents) -> None:
        self.state, self.parents = state, parents

    def is_chosen(self, link: LinkError) -> bool:
        """Tell whether somebody decided, now or in an earlier import, which row a key means."""
        if link.missing is None:
            return False
        decision = self.state.decisions.get(link.missing)
        if decision is None:
            return self.state.decisions.alias(link.missing) is not None
        return decision.action == EXISTING

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
        rows, wanted = self.state.tables.rows(target), _target_key(target, decision.target)
        hits = rows.find(tuple(decision.target), [wanted]).get(wanted, []) if wanted else []
        if len(hits) == 1:
            return self.parents.apply(missing, decision, hits[0][rows.id_index])
        if decision.by == ALIAS:
            return link  # the row it stood for is gone
        what = ", ".join(f"{column} {shown(value)}" for column, value in decision.target.items())
        found = (
            f"{len(hits)} rows of {target.name} have" if hits else f"no row of {target.name} has"
        )
        why = f"it was decided to use the one with {what}, but {found} it"
        return unanswerable(link, missing, why)


def unanswerable(link: LinkError, missing: Missing, why: str) -> LinkError:
    """Return a reference whose decision cannot be carried out, so that it is asked again."""
    missing.why = why
    return LinkError(link.code, f"{link.message}; {why}", missing, link.ids)


def _target_key(target: Entity, named: Mapping[str, Any]) -> Row:
    """Return the values that name a row as the database has them; none where they cannot be."""
    try:
        return tuple([target.kinds[c].read(value, lambda note: None) for c, value in named.items()])
    except (BadValue, KeyError):
        return ()
