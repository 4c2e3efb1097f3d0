"""Entities that refer to each other in a ring: no order of theirs puts all targets first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bakeio_core.catalog.entities.model import Entity


def rings(entities: Mapping[str, Entity]) -> list[list[Entity]]:
    """Return all entities, given in import order, those that may be of one ring together.

    What stands between the members of a ring is taken for one of them.
    """
    place = {name: number for number, name in enumerate(entities)}
    found: list[list[Entity]] = []
    last = -1
    for number, entity in enumerate(entities.values()):
        if number > last:
            found.append([])
        found[-1].append(entity)
        last = max([last, number, *(place[name] for name in _targets(entity))])
    return found


def links_back(entities: Mapping[str, Entity], entity: Entity) -> list[str]:
    """Return the columns that refer to rows of the same entity, or of one that is imported later.

    Such a row may have to be written first and linked then. Columns that must not be null are left
    out.

    Args:
        entities: All of them, in import order.
        entity: The one whose columns are wanted.
    """
    names = list(entities)
    later = {*names[names.index(entity.name) :]}
    columns = [c for f in entity.foreign_keys if f.target in later for c in f.columns]
    return [column for column in dict.fromkeys(columns) if entity.nullable(column)]


def refers_to_itself(entity: Entity) -> bool:
    """Tell whether rows of an entity may refer to each other."""
    return entity.name in _targets(entity)


def _targets(entity: Entity) -> set[str]:
    return {foreign.target for foreign in entity.foreign_keys}
