"""What goes with entities that are left out: what cannot do without them, references to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.keys.dating import is_required


def with_dependents(names: Collection[str], entities: Mapping[str, Entity]) -> set[str]:
    """Return entities and those whose rows cannot do without a row of them, over any steps.

    Args:
        names: The entities that are left out.
        entities: Those that are installed, by name.
    """
    gone = set(names)
    while more := {
        entity.name
        for entity in entities.values()
        if entity.name not in gone
        and any(is_required(entity, f) and f.target in gone for f in entity.foreign_keys)
    }:
        gone |= more
    return gone


def references_into(entity: Entity, gone: Collection[str]) -> dict[str, str]:
    """Return the columns of an entity that refer to entities which are left out, and may be null.

    Returns:
        {column: the entity it refers to}.
    """
    return {
        column: foreign.target
        for foreign in entity.foreign_keys
        if foreign.target in gone and not is_required(entity, foreign)
        for column in foreign.columns
        if entity.nullable(column)
    }
