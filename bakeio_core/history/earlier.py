"""What earlier runs of the same file or the same export did, as far as it was not taken back."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import select

from bakeio_core.history.entries import FieldSet, fields_set, last_setter
from bakeio_core.history.tables import CHANGES, has_journal, standing_runs

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Connection


class EarlierRuns:
    """The runs that imported a file before, or another copy of the same export.

    Args:
        db: The connection.
        export_id: The export the file came from, if it says so.
        path: The path of the file, if it has one.
    """

    def __init__(self, db: Connection, export_id: str | None, path: str | None) -> None:
        self.db, self.export_id, self.path = db, export_id, path
        self._rows_set: dict[str, set[int]] = {}

    @cached_property
    def of_export(self) -> dict[int, bool]:
        """The runs of the same export: {number: whether it was of the same path}."""
        if self.export_id is None or not has_journal(self.db):
            return {}
        return {
            run.number: self.path is not None and run.path == self.path
            for run in standing_runs(self.db)
            if run.export_id == self.export_id
        }

    def rows_set(self, entity: str) -> set[int]:
        """Return the ids of the rows of which runs of the same export set fields."""
        if entity not in self._rows_set:
            found: set[int] = set()
            for run in self.of_export:
                query = select(CHANGES.c.row).where(CHANGES.c.run == run)
                found.update(self.db.execute(query.where(CHANGES.c.entity == entity)).scalars())
            self._rows_set[entity] = found
        return self._rows_set[entity]

    def setter(self, entity: str, row: int, field: str, value: Any) -> int | None:
        """Return the run of the same export that set the value a field has now.

        Returns:
            Its number, None where somebody else set the value.
        """
        if row not in self.rows_set(entity):
            return None
        run = last_setter(self.db, entity, row, field, value)
        return run if run in self.of_export else None

    def edits(self, run: int) -> list[FieldSet]:
        """Return every field a run set."""
        return list(fields_set(self.db, run))
