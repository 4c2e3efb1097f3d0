"""Ids whose table another column of the record tells: they follow the rows they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bakeio_core.catalog.entities.model import Reference, RowId
from bakeio_core.importing.linking.drafts import Draft, LinkError
from bakeio_core.importing.linking.link import Linker
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.wording import shown


class PolymorphicIds:
    """Put the ids that rows have here in the place of those a set has of another database.

    Args:
        state: The import.
        part: The part whose records have such ids; those of a view are of this database.
        linker: Knows where the rows of the set ended up.
    """

    def __init__(self, state: ImportState, part: Part, linker: Linker) -> None:
        self.state, self.entity, self.linker = state, part.entity, linker
        self.fields = part.fields
        is_needed = part.view is None and not state.same_database
        self.columns = part.entity.polymorphic if is_needed else {}

    def translate(self, drafts: Sequence[Draft]) -> None:
        """Translate the ids of records; one that is of no row of the set is their fault."""
        for column, (kind, targets) in self.columns.items():
            field, kind_field = self.fields.own.get(column, ""), self.fields.own.get(kind, "")
            named = [draft for draft in drafts if draft.values.get(field) is not None]
            for said in dict.fromkeys(str(draft.values.get(kind_field)) for draft in named):
                some = [draft for draft in named if str(draft.values.get(kind_field)) == said]
                if said in targets:
                    self._translate(some, field, column, targets[said])
                    continue
                known = ", ".join(map(shown, targets))
                message = (
                    f"{shown(said)} is not one of {known}, so nothing tells what {field} means"
                )
                for draft in some:
                    draft.fault = LinkError("bad-value", message, field=kind_field)

    def _translate(self, drafts: Sequence[Draft], field: str, column: str, name: str) -> None:
        target = self.state.catalog.entities[name]
        if not target.surrogate:
            return  # what the file has means the same row here
        reference = Reference(column, name, nullable=True, to=target.surrogate)
        keys = {(draft.values[field],) for draft in drafts}
        links: dict[Any, RowId | LinkError] = self.linker.link(reference, self.entity, keys, {})
        for draft in drafts:
            link = links[(draft.values[field],)]
            if isinstance(link, LinkError):
                draft.fault = LinkError(link.code, link.message, field=field)
            else:
                draft.values[field] = link
