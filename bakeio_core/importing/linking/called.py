"""Rows that a record only calls by a name a view computes, which is not a key: a question each."""

from __future__ import annotations

from bakeio_core.catalog.exchange import Missing
from bakeio_core.catalog.view import OfRow
from bakeio_core.importing.linking.drafts import Draft, LinkError
from bakeio_core.importing.linking.read_only import plain
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.wording import shown


class CalledRows:
    """Ask which row is meant where a new record has nothing but its name.

    Args:
        state: The import.
        part: The part.
    """

    def __init__(self, state: ImportState, part: Part) -> None:
        self.state, self.part, self.entity = state, part, part.entity
        fields = part.view.fields if part.view is not None else {}
        self._fields = {
            item.source.path: name
            for name, item in fields.items()
            if isinstance(item.source, OfRow) and item.source.path in part.entity.references
        }

    def question(self, draft: Draft, column: str) -> LinkError | None:
        """Return what is asked of a required reference; None where there is nothing to ask."""
        reference, field = self.entity.references[column], self._fields.get(column)
        if field is None or column in draft.links or reference.nullable:
            return None
        text = plain(draft.context.get(field))
        if not isinstance(text, str) or not text:
            return None
        target = self.state.catalog.entities[reference.target]
        naming = self.part.fields.naming[column]
        key = {(*target.labels, target.primary)[0]: text}
        fields = {wanted: item.name for wanted, item in naming.items()}
        missing = Missing(target.name, key, nullable=False, fields=fields)
        keys = [item.name for item in naming.values() if item.exported] or list(fields.values())
        message = f"{shown(text)} is not a key of a row of {target.name}: give its {keys[0]}"
        return LinkError("missing-reference", message, missing, field=field)
