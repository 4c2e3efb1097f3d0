"""Which rows a file's own earlier imports created, and from which of its records."""

from __future__ import annotations

from bakeio_core.database.stored.rows import Row
from bakeio_core.importing.linking.drafts import Draft
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState


class OwnRows:
    """The rows that earlier imports of the file at hand created.

    Args:
        state: The import.
        part: The part of the file.
    """

    def __init__(self, state: ImportState, part: Part) -> None:
        self.state, self.entity = state, part.entity
        self.rows = state.tables.rows(part.entity)

    def created_with(self, content: Row) -> list[Row]:
        """Return rows that were created with a content, whatever they hold by now."""
        ids = self.state.earlier.created_with(self.entity, content)
        return list(self.rows.by_id(ids).values()) if ids else []

    def not_of_others(self, draft: Draft, rows: list[Row]) -> list[Row]:
        """Leave out what other records of the file created of which this one was skipped."""
        created = self.state.earlier.logged(self.entity.name)
        mine = self.state.source.logged_numbers.get(draft.number)
        return [row for row in rows if created.get(row[self.rows.id_index], mine) == mine]
