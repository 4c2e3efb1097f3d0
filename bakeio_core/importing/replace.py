"""Delete the rows a set does not have."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Mapping
from typing import Any

from sqlalchemy import exc

from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.catalog.model import Entity
from bakeio_core.database.connect import savepoint
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.writing import cut_own_links, whole_row
from bakeio_core.errors import ImportRefused, counted
from bakeio_core.history.journal import Journal
from bakeio_core.importing.planner import Planner
from bakeio_core.values.text import Text


class Replacement:
    """Delete the rows a set does not have, those that refer to others first, after its records are written."""

    def __init__(self, planner: Planner, hook: Any, kept: Mapping[str, set[int]]) -> None:
        self.planner, self.db, self.hook, self.kept = planner, planner.db, hook, kept
        self.gone: dict[str, list[tuple[Any, ...]]] = {}

    def prepare(self, journal: Journal | None) -> None:
        """Find the rows, enter them into the journal whole, and take their unique names from them, which records may claim.

        Raises ImportRefused where a row that is not in the set refers to one of them.
        """
        dialect = dialect_of(self.db)
        for part in self.planner.source.parts:
            entity, rows = part.entity, self.planner.linker.rows(part.entity)
            primary, table = dialect.quote(entity.primary), dialect.format_table(entity.table)
            ids = {
                row[0] for row in dialect.fetch(self.db, f"SELECT {primary} FROM {table}")
            } - self.kept.get(entity.name, set())
            self._refuse_used(entity, ids)
            whole = [whole_row(entity, row) for row in rows.by_id(ids).values()]
            self.gone[entity.name] = whole
            if journal is not None and whole:
                journal.deleted(entity, whole)
            for key in entity.unique:
                if (
                    ids
                    and len(key) == 1
                    and isinstance(entity.kinds[key[0]], Text)
                    and key[0] not in entity.references
                ):
                    sql = f"UPDATE {table} SET {dialect.quote(key[0])} = {dialect.mark} WHERE {primary} = {dialect.mark}"
                    dialect.executemany(
                        self.db, sql, [(f"~{uuids.uuid4().hex}", identity) for identity in ids]
                    )
            rows.forget()

    def _refuse_used(self, entity: Entity, ids: set[int]) -> None:
        inside = {part.entity.name for part in self.planner.source.parts}
        for other in self.planner.catalog.entities.values():
            for column, reference in other.references.items():
                if reference.target == entity.name and other.name not in inside and ids:
                    users = self.planner.linker.rows(other).slim([column], ids)
                    if users:
                        message = (
                            f"{counted(len(users), 'row')} of {other.name}, which is not in the set, would lose the row of {entity.name} they "
                            f"refer to (first: {other.primary} {users[0][0]}): nothing was written. Export {other.name} as well"
                        )
                        raise ImportRefused(message, code="constraint")

    def delete(self) -> None:
        """Delete the rows. Raises ImportRefused where something still refers to one of them."""
        for part in reversed(self.planner.source.parts):
            entity, rows = part.entity, self.gone[part.entity.name]
            place = entity.columns.index(entity.primary)
            cut_own_links(self.db, entity, [row[place] for row in rows])
            gone = [
                Change(
                    "delete",
                    entity.name,
                    0,
                    row[place],
                    {},
                    dict(zip(entity.columns, row, strict=True)),
                )
                for row in rows
            ]
            try:
                with savepoint(self.db):
                    self.hook(
                        db=self.db,
                        entity=entity,
                        changes=Changes(entity, entity.columns, deletes=gone),
                    )
            except exc.IntegrityError as error:
                message = f"rows of {entity.name} that are not in the set are still referred to ({error.orig}): nothing was written"
                raise ImportRefused(" ".join(message.split()), code="constraint") from error
            self.planner.counts[entity.name]["deleted"] += len(gone)
            for change in gone:
                self.planner.show(change)
