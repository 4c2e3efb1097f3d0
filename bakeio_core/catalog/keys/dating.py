"""Which entities are transactional, and by which date: their own, or that of a row they belong to.

An entity that cannot do without a row of a transactional one is transactional too: it comes and
goes with that row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bakeio_core.catalog.entities.columns import ForeignKeyColumns
from bakeio_core.catalog.entities.model import Entity


@dataclass(frozen=True)
class Step:
    """One step of a path over foreign keys.

    Attributes:
        columns: Those that hold the foreign key.
        target: The entity it leads to.
        to: The columns there, by name.
        given: (column, value) where it leads there only from rows that have the value.
    """

    columns: tuple[str, ...]
    target: Entity
    to: tuple[str, ...]
    given: tuple[str, str] | None = None


def step_over(foreign: ForeignKeyColumns, entities: Mapping[str, Entity]) -> Step:
    """Return where a foreign key leads to."""
    target = entities[foreign.target]
    to = (str.__str__(target.table.columns[key].name) for key in foreign.target_keys)
    return Step(foreign.columns, target, tuple(to))


def polymorphic_steps(entity: Entity, entities: Mapping[str, Entity]) -> Iterator[Step]:
    """Yield where the ids lead to whose entity another column tells."""
    for column, (kind, targets) in entity.polymorphic.items():
        for value, name in targets.items():
            target = entities[name]
            yield Step((column,), target, (target.primary,), given=(kind, value))


def step_from(entity: Entity, column: str, entities: Mapping[str, Entity]) -> Step | None:
    """Return the step that a column of a path makes, None where it is not a foreign key."""
    foreign_keys = [f for f in entity.foreign_keys if f.columns[0] == column]
    for foreign in sorted(foreign_keys, key=lambda foreign: len(foreign.columns)):
        return step_over(foreign, entities)
    reference = entity.references.get(column)
    if reference is None:
        return None
    return Step((column,), entities[reference.target], (reference.to,))


def is_required(entity: Entity, foreign: ForeignKeyColumns) -> bool:
    """Tell whether each row has to refer to one."""
    return not any(entity.nullable(column) for column in foreign.columns)


def date_paths(entities: Mapping[str, Entity]) -> dict[str, str]:
    """Return the path to the date of each transactional entity.

    Args:
        entities: Those that work, by name.

    Returns:
        {entity: a column, or foreign keys and a column, such as `a_id.b_id.column`}.
    """
    paths = {name: entity.date for name, entity in entities.items() if entity.date}
    grows = True
    while grows:
        found = {
            name: path
            for name, entity in entities.items()
            if name not in paths and (path := _through_parent(entity, paths))
        }
        paths |= found
        grows = bool(found)
    return paths


def _through_parent(entity: Entity, paths: Mapping[str, str]) -> str | None:
    """Return the path over the first required reference that leads to a transactional entity."""
    for foreign in entity.foreign_keys:
        if is_required(entity, foreign) and foreign.target in paths:
            return f"{foreign.columns[0]}.{paths[foreign.target]}"
    return None


def wrong_date(entity: Entity, entities: Mapping[str, Entity]) -> str | None:
    """Say what is wrong with the declared path to an entity's date, None where nothing is.

    Args:
        entity: Whose path.
        entities: Those that are declared, by name; one that is not there is told elsewhere.
    """
    *steps, column = (entity.date or "").split(".")
    owner = entity
    for step in steps:
        targets = [f.target for f in owner.foreign_keys if step in f.columns]
        if not targets:
            return f'date names "{entity.date}", but {step} is not a foreign key of {owner.name}'
        if targets[0] not in entities:
            return None
        owner = entities[targets[0]]
    if column and column not in owner.columns:
        return f'date names "{entity.date}", but {column} is not a column of {owner.name}'
    return None
