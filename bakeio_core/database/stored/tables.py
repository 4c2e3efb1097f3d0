"""The rows of every entity, and what people and references call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bakeio_core import values
from bakeio_core.catalog.entities.model import ROW_KEY, Entity, Reference, RowId
from bakeio_core.database.dialects import columns_there, dialect_of
from bakeio_core.database.stored.rows import Row, Rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog


class Tables:
    """The rows of every entity, each looked into when it is first asked about.

    Args:
        db: A connection inside the transaction whose rows are wanted.
        catalog: The entities.
        is_planning: As for `Rows`.
    """

    def __init__(self, db: Connection, catalog: Catalog, *, is_planning: bool = False) -> None:
        self.db, self.catalog, self.is_planning = db, catalog, is_planning
        self._rows: dict[str, Rows] = {}

    def rows(self, entity: Entity) -> Rows:
        """Return the rows of an entity, the same object at every call."""
        if entity.name not in self._rows:
            self._rows[entity.name] = Rows(self.db, entity, is_planning=self.is_planning)
        return self._rows[entity.name]

    def named(self, entity: Entity, text: str) -> list[RowId]:
        """Return the ids of the rows a text names: by a key of one column, a label, or the id."""
        rows = self.rows(entity)
        columns = [key[0] for key in entity.all_keys if len(key) == 1]
        columns += entity.labels if len(entity.labels) == 1 else ()
        for key in dict.fromkeys((column,) for column in columns):
            is_text = isinstance(entity.kinds[key[0]], (values.Text, values.Choice))
            if is_text or key == ("uuid",):
                exact = rows.find(key, [(text,)]).get((text,), ())
                ids = [row[rows.id_index] for row in exact] or rows.folded(key, (text,))
                if ids:
                    return ids
        if not isinstance(entity.kinds[entity.primary], values.Integer):
            is_whole = text.count("/") == len(entity.primary_key) - 1
            return list(rows.existing_ids([text])) if is_whole else []
        is_number = text.isascii() and text.isdigit() and len(text) < 19
        return sorted(rows.existing_ids([int(text)])) if is_number else []

    def meant(self, entity: Entity, target: Mapping[str, Any]) -> list[Row]:
        """Return the rows somebody named: those that have the very values, else after folding.

        Args:
            entity: Whose rows.
            target: {column: value as a file has it}.

        Returns:
            The rows; none where no row can have such values.
        """
        rows, key = self.rows(entity), tuple(target)
        try:
            wanted = tuple([entity.kinds[c].read(target[c], lambda note: None) for c in key])
        except (values.BadValue, KeyError):
            return []
        exact = rows.find(key, [wanted]).get(wanted, []) if wanted else []
        return exact or list(rows.by_id(rows.folded(key, wanted)).values())

    def held(self, reference: Reference, ids: tuple[RowId, ...]) -> tuple[RowId, ...]:
        """Return what a reference holds for the rows with these ids."""
        rows = self.rows(self.catalog.entities[reference.target])
        if reference.to == rows.entity.primary or not ids:
            return ids
        there = rows.by_id(ids)
        return tuple([there[i][rows.index[reference.to]] for i in ids if i in there])

    def key_of(self, entity: Entity, identity: RowId | None) -> dict[str, Any] | None:
        """Return the best natural key of a row, {column: value}; None where it is gone."""
        rows = self.rows(entity)
        row = rows.by_id([identity]).get(identity) if identity is not None else None
        readable = entity.readable_key
        columns = entity.primary_key if readable == (ROW_KEY,) else readable
        return None if row is None else {column: row[rows.index[column]] for column in columns}


def hidden_entities(db: Connection, catalog: Catalog) -> list[str]:
    """Return the entities of which policies of the database may hide rows from this user."""
    there = columns_there(db, catalog.tables.values())
    hiding = dialect_of(db).hiding_tables(db, list(there))
    return [entity.name for entity in catalog.entities.values() if entity.table in hiding]
