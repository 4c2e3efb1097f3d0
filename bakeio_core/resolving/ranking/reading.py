"""Read the rows of an entity into an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.exchange import Progress
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.row_ids import rows_of
from bakeio_core.resolving.ranking.index import Index, indexed_columns

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog


def read_index(
    db: Connection, catalog: Catalog, entity: Entity, progress: Progress | None = None
) -> Index:
    """Index the rows that are in the database; `progress` is called with (entity, rows)."""
    dialect = dialect_of(db)
    selected = ", ".join(
        dialect.read(dialect.quote(column), entity.kinds[column])
        for column in (entity.primary, *indexed_columns(entity))
    )
    order = dialect.quote(entity.primary)
    table = rows_of(dialect, entity)
    rows = dialect.fetch(db, f"SELECT {selected} FROM {table} t ORDER BY {order}")
    return Index(catalog, entity, rows, _labels(db, catalog, entity), progress)


def _labels(db: Connection, catalog: Catalog, entity: Entity) -> dict[str, dict[Any, str]]:
    """Return what people call the rows that each reference leads to, where that is one text."""
    dialect, found = dialect_of(db), {}
    for column, reference in entity.references.items():
        target = catalog.entities.get(reference.target)
        if target is None or reference.nullable or len(target.labels) != 1 or target is entity:
            continue
        label, primary = dialect.quote(target.labels[0]), dialect.quote(target.primary)
        table = rows_of(dialect, target)
        rows = dialect.fetch(db, f"SELECT {primary}, {label} FROM {table} t")
        found[column] = {identity: str(text) for identity, text in rows if text is not None}
    return found
