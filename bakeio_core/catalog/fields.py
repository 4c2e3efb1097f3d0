"""What a field of a file means: the one map between fields of files and columns of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bakeio_core.catalog.model import Entity

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog


def record_fields(entity: Entity) -> dict[str, tuple[str, str | None]]:
    """Return the fields of an entity's file in order.

    Returns:
        {name: (column, column of the referred row, or None)}.
    """
    fields: dict[str, tuple[str, str | None]] = {}
    for column in entity.columns:
        fields[column] = (column, None)
        if column in entity.references:
            fields |= {
                name: (column, wanted) for name, wanted in entity.references[column].lookups.items()
            }
    return fields


def names_a_row(catalog: Catalog, entity: Entity, source: object) -> bool:
    """Tell whether a source names the row a reference leads to: by one of its keys or a lookup."""
    if not isinstance(source, str) or source.count(".") != 1:
        return False
    step, column = source.split(".")
    reference = entity.references[step]
    return (column,) in catalog.entities[
        reference.target
    ].all_keys or column in reference.lookups.values()
