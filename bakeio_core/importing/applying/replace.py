"""Delete the rows a set does not have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import exc

from bakeio_core.catalog.entities.model import Entity, RowId
from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.catalog.keys.rings import links_back
from bakeio_core.database.connect import savepoint
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.row_ids import row_parameters, where_row
from bakeio_core.database.stored.referrers import Referrers, Uses
from bakeio_core.database.stored.rows import Row
from bakeio_core.database.systems.columns.unknown_columns import unknown_cells
from bakeio_core.database.writing import cut_links, whole_row
from bakeio_core.errors import counted
from bakeio_core.history.journal.journal import Journal
from bakeio_core.history.reports.report import ImportRefused
from bakeio_core.importing.planning.import_plan import ImportPlan
from bakeio_core.values import Text


class Replacement:
    """Delete the rows a set does not have, once its records are written.

    `gone` is {entity: the rows that go}, known once `prepare` was called.

    Args:
        plan: The plan that is carried out, or only looked at.
        kept: {entity: ids of rows that stay}; all others of the set's entities are deleted.
    """

    def __init__(self, plan: ImportPlan, kept: Mapping[str, set[RowId]]) -> None:
        self.plan, self.state, self.db = plan, plan.state, plan.state.db
        self.kept = kept
        self.gone: dict[str, list[Row]] = {}
        self.referrers = Referrers(self.db, self.state.catalog)

    def foretell(self) -> None:
        """Count the rows, for a report before anything is written.

        Whether one of them is in use is not told: to ask that locks rows, and a plan only reads.
        """
        for part in self.plan.source.parts if not self.plan.refusal else ():
            self._count(part.entity.name, len(self._ids_without_record(part.entity)))

    def prepare(self, journal: Journal | None) -> None:
        """Find the rows, enter them whole into the journal, and take their unique names.

        Records of the set may claim those.

        Raises:
            ImportRefused: A row that is not in the set refers to one of them.
        """
        for part in self.plan.source.parts:
            self.gone[part.entity.name] = self._rows_without_record(part.entity)
        inside = {part.entity.name for part in self.plan.source.parts}
        for part in self.plan.source.parts:
            self._refuse_used(part.entity, besides=inside)
        for part in self.plan.source.parts:
            if journal is not None:
                unknown = unknown_cells(
                    dialect_of(self.db), self.db, part.entity, self._ids(part.entity)
                )
                journal.deleted(part.entity, self.gone[part.entity.name], unknown)
            self._park_names(part.entity)

    def _count(self, entity: str, rows: int) -> None:
        self.plan.outcome.counts[entity]["deleted"] += rows

    def _rows_without_record(self, entity: Entity) -> list[Row]:
        rows, ids = self.state.tables.rows(entity), self._ids_without_record(entity)
        return [whole_row(entity, row) for row in rows.by_id(ids).values()]

    def _ids_without_record(self, entity: Entity) -> set[RowId]:
        rows = self.state.tables.rows(entity)
        return {row[0] for row in rows.all(())} - self.kept.get(entity.name, set())

    def _ids(self, entity: Entity) -> list[Any]:
        index = entity.columns.index(entity.primary)
        return [row[index] for row in self.gone[entity.name]]

    def _park_names(self, entity: Entity) -> None:
        """Give the rows made-up names, but for those by which others refer to them."""
        ids, dialect, rows = self._ids(entity), dialect_of(self.db), self.state.tables.rows(entity)
        names = {key[0] for key in entity.unique if len(key) == 1 and ids}
        known_by = self.referrers.columns_known_by(entity) if names else set()
        table, where = dialect.format_table(entity.table), where_row(dialect, entity)
        named = list(map(row_parameters(dialect, entity), ids)) if names else []
        fixed = {*known_by, *entity.references, *entity.primary_key}
        for column in sorted(names - fixed):
            if isinstance(kind := entity.kinds[column], Text):
                sql = f"UPDATE {table} SET {dialect.quote(column)} = {dialect.mark} WHERE {where}"
                stand_ins = kind.stand_ins(len(named))
                parked = [(text, *row) for text, row in zip(stand_ins, named, strict=False)]
                dialect.executemany(self.db, sql, parked)
        rows.forget_folded()

    def _refuse_used(self, entity: Entity, besides: Collection[str] = ()) -> None:
        """Raise where others refer to the rows: the database would delete those too, or empty them.

        Args:
            entity: Whose rows go.
            besides: Entities whose rows need not be asked.
        """
        used = self.referrers.staying({entity.name: self._ids(entity)}, besides)
        if not used:
            return
        by_whom = self.referrers.in_words(sum(used.values(), Uses()))
        first = min((identity for _, identity in used), key=str)
        raise ImportRefused(
            f"the set lacks {counted(len(used), 'row')} of {entity.name} "
            f"(first: {entity.primary} {first}), referred to by {by_whom}: nothing was written. "
            "Let those refer to other rows or delete them, or take a set that has what they refer "
            "to; --mode merge deletes nothing",
            code="constraint",
        )

    def delete(self, write: Callable[..., Any]) -> None:
        """Delete the rows, those that refer to others first.

        Args:
            write: Writes a batch, as the hook `bakeio_import_records` does.

        Raises:
            ImportRefused: Something still refers to one of them.
        """
        parts = list(reversed(self.plan.source.parts))
        for entity in [part.entity for part in parts]:
            back = links_back(self.state.catalog.entities, entity)
            cut_links(self.db, entity, back, self._ids(entity))
        for entity in [part.entity for part in parts]:
            self._refuse_used(entity)
            old = [dict(zip(entity.columns, row, strict=True)) for row in self.gone[entity.name]]
            gone = [Change("delete", entity.name, 0, r[entity.primary], {}, r) for r in old]
            gone.reverse()  # the last made may refer to those made before
            changes = Changes(entity, entity.columns, deletes=gone)
            try:
                with savepoint(self.db):
                    write(db=self.db, entity=entity, changes=changes)
            except exc.IntegrityError as error:
                message = (
                    f"rows of {entity.name} that are not in the set are still referred to "
                    f"({error.orig}): nothing was written"
                )
                raise ImportRefused(" ".join(message.split()), code="constraint") from error
            self._count(entity.name, len(gone))
            self.plan.outcome.show(gone)
