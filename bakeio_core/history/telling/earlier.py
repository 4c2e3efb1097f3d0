"""What earlier runs of the same file or the same export did, as far as it was not taken back."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import select

from bakeio_core.history.journal.entries import (
    FieldSet,
    batches,
    fields_set,
    last_setter,
    read_text,
    wire_value,
)
from bakeio_core.history.journal.journal import StandingRun, kept_name, standing_runs
from bakeio_core.history.journal.packing import content_sums
from bakeio_core.history.tables import CHANGES, RowNumbers, has_journal

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Connection

    from bakeio_core.catalog.entities.model import Entity, RowId


class EarlierRuns:
    """The runs that imported a file before, or another copy of the same export.

    Args:
        db: The connection.
        export_id: The export the file came from, if it says so.
        path: The path of the file, if it has one.
        log_of: The SHA-256 of the file whose skipped records these are, if they are.
    """

    def __init__(
        self,
        db: Connection,
        export_id: str | None,
        path: str | None,
        log_of: str | None = None,
    ) -> None:
        self.db, self.export_id, self.log_of = db, export_id, log_of
        self.path = None if path is None else kept_name(db, path)
        self._rows_set: dict[str, set[RowId]] = {}
        self._created: dict[str, dict[tuple[int, int], list[RowId]]] = {}
        self._logged: dict[str, dict[RowId, int]] = {}

    @cached_property
    def of_export(self) -> dict[int, bool]:
        """The runs of the same export: {number: whether it was of the same path}."""
        if self.export_id is None:
            return {}
        return {
            run.number: self.path is not None and run.path == self.path
            for run in self._standing
            if run.export_id == self.export_id
        }

    @cached_property
    def has_any(self) -> bool:
        """Whether there was such a run."""
        of_path = [run for run in self._standing if run.path == self.path is not None]
        return bool(of_path or self.of_export)

    @cached_property
    def _standing(self) -> list[StandingRun]:
        return standing_runs(self.db)

    @cached_property
    def moments(self) -> set[str]:
        """When this very file was imported, as the stamps of its rows say it."""
        return {run.at for run in self._standing if self.of_export.get(run.number)}

    def rows_set(self, entity: str) -> set[RowId]:
        """Return the ids of the rows of which runs of the same export set fields."""
        if entity not in self._rows_set:
            query = select(CHANGES.c.row).where(CHANGES.c.run.in_(self.of_export)).distinct()
            numbers = self.db.execute(query.where(CHANGES.c.entity == entity)).scalars()
            self._rows_set[entity] = set(RowNumbers(self.db).ids(entity, numbers))
        return self._rows_set[entity]

    def setter(self, entity: str, row: RowId, field: str, value: Any) -> int | None:
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

    def values_before(self, entity: Entity, row: int, field: str) -> list[Any]:
        """Return the values that runs found in a field of a row and replaced, the latest first."""
        if not has_journal(self.db):
            return []
        found = [e for e in fields_set(self.db, entity=entity.name, row=row) if e.field == field]
        return [wire_value(entity, field, read_text(e.old)) for e in reversed(found)]

    # -- rows that were created
    def created_with(self, entity: Entity, content: tuple[Any, ...]) -> list[RowId]:
        """Return the ids of rows that runs of this path or export created with a content.

        Args:
            entity: Whose rows they are.
            content: Wire values in the order of `remembered_by`, as they were created.
        """
        if entity.name not in self._created:
            self._created[entity.name] = self._created_contents(entity)
        known = self._created[entity.name]
        first, second = content_sums(entity, [content]) if known else (0, 0)
        return known.get((first, second), [])

    def _created_contents(self, entity: Entity) -> dict[tuple[int, int], list[RowId]]:
        found: dict[tuple[int, int], list[RowId]] = {}
        for run in self._standing:
            is_same_path = self.path is not None and run.path == self.path
            if not is_same_path and run.number not in self.of_export:
                continue
            for _, batch in batches(self.db, run.number, entity=entity.name):
                pairs = zip(batch.contents, batch.contents[len(batch.ids) :], strict=False)
                for identity, pair in zip(batch.ids, pairs, strict=False):
                    found.setdefault(pair, []).append(identity)
        return found

    def logged(self, entity: str) -> dict[RowId, int]:
        """Return {id: number of its record} of what was created of the file the log is of."""
        if entity not in self._logged:
            runs = [run for run in self._standing if run.sha256 == self.log_of]
            self._logged[entity] = {
                identity: number
                for run in runs
                if self.log_of is not None
                for _, batch in batches(self.db, run.number, entity=entity)
                for identity, number in zip(batch.ids, batch.records, strict=False)
            }
        return self._logged[entity]
