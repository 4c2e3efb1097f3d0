"""Delete the rows a set does not have."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import exc

from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.catalog.model import Entity, RowId
from bakeio_core.database.connect import savepoint
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.rows import Row
from bakeio_core.database.writing import cut_own_links, whole_row
from bakeio_core.errors import ImportRefused, counted
from bakeio_core.history.journal import Journal
from bakeio_core.importing.planning.import_plan import ImportPlan
from bakeio_core.values import Text


class Replacement:
    """Delete the rows a set does not have, once its records are written.

    `gone` is {entity: the rows that go}, known once `prepare` was called.

    Args:
        plan: The plan that is carried out.
        write: Writes a batch, as the hook `bakeio_import_records` does.
        kept: {entity: ids of rows that stay}; all others of the set's entities are deleted.
    """

    def __init__(
        self, plan: ImportPlan, write: Callable[..., Any], kept: Mapping[str, set[RowId]]
    ) -> None:
        self.plan, self.state, self.db = plan, plan.state, plan.state.db
        self.write, self.kept = write, kept
        self.gone: dict[str, list[Row]] = {}

    def prepare(self, journal: Journal | None) -> None:
        """Find the rows, enter them whole into the journal, and take their unique names.

        Records of the set may claim those.

        Raises:
            ImportRefused: A row that is not in the set refers to one of them.
        """
        dialect = dialect_of(self.db)
        for part in self.plan.source.parts:
            entity, rows = part.entity, self.state.tables.rows(part.entity)
            primary = dialect.quote(entity.primary)
            there = dialect.fetch(self.db, f"SELECT {primary} FROM {rows.table}")
            ids = {row[0] for row in there} - self.kept.get(entity.name, set())
            self._refuse_used(entity, ids)
            whole = [whole_row(entity, row) for row in rows.by_id(ids).values()]
            self.gone[entity.name] = whole
            if journal is not None and whole:
                journal.deleted(entity, whole)
            names = [key[0] for key in entity.unique if len(key) == 1 and ids]
            for column in names:
                is_text = isinstance(entity.kinds[column], Text)
                if is_text and column not in entity.references:
                    mark, sets = dialect.mark, f"SET {dialect.quote(column)} = {dialect.mark}"
                    sql = f"UPDATE {rows.table} {sets} WHERE {primary} = {mark}"
                    parked = [(f"~{uuids.uuid4().hex}", identity) for identity in ids]
                    dialect.executemany(self.db, sql, parked)
            rows.forget_folded()

    def _refuse_used(self, entity: Entity, ids: set[RowId]) -> None:
        inside = {part.entity.name for part in self.plan.source.parts}
        outside = [e for n, e in self.state.catalog.entities.items() if n not in inside]
        for other in outside if ids else ():
            for column, reference in other.references.items():
                if reference.target != entity.name:
                    continue
                users = self.state.tables.rows(other).select([column], ids)
                if users:
                    raise ImportRefused(
                        f"{counted(len(users), 'row')} of {other.name}, which is not in the set, "
                        f"would lose the row of {entity.name} they refer to "
                        f"(first: {other.primary} {users[0][0]}): nothing was written. "
                        f"Export {other.name} as well",
                        code="constraint",
                    )

    def delete(self) -> None:
        """Delete the rows, those that refer to others first.

        Raises:
            ImportRefused: Something still refers to one of them.
        """
        for part in reversed(self.plan.source.parts):
            entity, rows = part.entity, self.gone[part.entity.name]
            index = entity.columns.index(entity.primary)
            cut_own_links(self.db, entity, [row[index] for row in rows])
            old = [dict(zip(entity.columns, row, strict=True)) for row in rows]
            gone = [Change("delete", entity.name, 0, r[entity.primary], {}, r) for r in old]
            changes = Changes(entity, entity.columns, deletes=gone)
            try:
                with savepoint(self.db):
                    self.write(db=self.db, entity=entity, changes=changes)
            except exc.IntegrityError as error:
                message = (
                    f"rows of {entity.name} that are not in the set are still referred to "
                    f"({error.orig}): nothing was written"
                )
                raise ImportRefused(" ".join(message.split()), code="constraint") from error
            self.plan.outcome.counts[entity.name]["deleted"] += len(gone)
            self.plan.outcome.show(gone)
