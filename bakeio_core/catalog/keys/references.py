"""What the foreign keys of entities refer to, once all entities are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from bakeio_core.catalog.entities.columns import ForeignKeyColumns
from bakeio_core.catalog.entities.model import Entity, Reference
from bakeio_core.errors import meant
from bakeio_core.values.kinds.numbers import Integer
from bakeio_core.values.kinds.text import Identifier


class ReferenceMap:
    """Resolve the references of entities that refer to each other.

    Args:
        entities: All of them by name; every foreign key leads to one.
    """

    def __init__(self, entities: Mapping[str, Entity]) -> None:
        self.entities = entities
        self._known: dict[tuple[str, str], Reference | None] = {}

    def resolve(self) -> None:
        """Tell every entity what its references lead to and what files call that."""
        found = {
            entity.name: {
                column: self._with_lookups(entity, reference)
                for column in entity.columns
                if (reference := self._reference(entity, column)) is not None
            }
            for entity in self.entities.values()
        }
        for name, references in found.items():
            self.entities[name].resolve(references)

    def _reference(self, entity: Entity, column: str) -> Reference | None:
        """Return the reference that a column holds, None where it is a value of its own.

        A column of a foreign key of several columns is one where it holds an id: of the row that
        is referred to, or of one that row refers to in turn.
        """
        place = (entity.name, column)
        if place not in self._known:
            self._known[place] = entity.references.get(column)  # what a ring of columns meets
            self._known[place] = self._looked_up(entity, column)
        return self._known[place]

    def _looked_up(self, entity: Entity, column: str) -> Reference | None:
        declared = entity.references.get(column)
        for foreign in entity.foreign_keys:
            if column not in foreign.columns or foreign.is_reference != (declared is not None):
                continue
            target, to = self._referred(foreign, column)
            if declared is not None:
                return replace(declared, to=to, is_named=self._is_named(target, to))
            if to == target.surrogate:
                nullable, is_late = entity.nullable(column), target is entity
                return Reference(column, target.name, nullable, to=to, is_late=is_late)
            further = self._reference(target, to)
            if further is not None and not further.is_named:
                return replace(further, column=column, nullable=entity.nullable(column), lookups={})
        return None

    def _referred(self, foreign: ForeignKeyColumns, column: str) -> tuple[Entity, str]:
        target = self.entities[foreign.target]
        key = foreign.target_keys[foreign.columns.index(column)]
        return target, target.named_columns([key])[0]

    def _is_named(self, target: Entity, column: str) -> bool:
        """Tell whether what a column holds says in every database which row is meant."""
        further = self._reference(target, column)
        return column != target.surrogate if further is None else further.is_named

    def _with_lookups(self, entity: Entity, reference: Reference) -> Reference:
        """Give a reference without lookups the target's best natural key of one column.

        One that a person can read comes before a uuid; one that can be read and that the reference
        holds itself needs no other.
        """
        target = self.entities[reference.target]
        if reference.lookups or (reference.is_named and _is_readable(target, reference.to)):
            return reference
        single = [key[0] for key in target.all_keys if len(key) == 1]
        single = [c for c in single if c != reference.to and c not in target.references]
        readable = [column for column in single if _is_readable(target, column)] or single
        is_row = entity.primary_key == (reference.column,)  # as of joined inheritance
        stem = reference.target if is_row else reference.column.removesuffix("_id")
        lookups = {f"{stem}_{column}": column for column in readable[:1]}
        lookups = {name: column for name, column in lookups.items() if name not in entity.columns}
        return replace(reference, lookups=lookups)


def _is_readable(target: Entity, column: str) -> bool:
    return column != "uuid" and not isinstance(target.kinds[column], Identifier)


def earlier(entity: Entity) -> set[str]:
    """Return the entities whose rows must be there before those of this one."""
    found = set()
    for foreign in entity.foreign_keys:
        reference = entity.references.get(foreign.columns[0]) if foreign.is_reference else None
        is_late = reference.is_late if reference else foreign.columns in entity.late_keys
        if not is_late:
            found.add(foreign.target)
    found.update(name for _, targets in entity.polymorphic.values() for name in targets.values())
    return found - {entity.name}


def open_ring(ring: list[str], entities: Mapping[str, Entity]) -> bool:
    """Let the references between two of a ring's members be set at the end.

    Args:
        ring: The members, each referred to by the next one, the first once more at the end.
        entities: All entities by name.

    Returns:
        Whether there were some that may be null; else nothing was done.
    """
    for target, name in sorted(pairwise(ring), key=lambda pair: pair[1]):
        entity = entities[name]
        between = [foreign for foreign in entity.foreign_keys if foreign.target == target]
        waiting = [_waiting(entity, foreign) for foreign in between]
        is_told = any(target in targets.values() for _, targets in entity.polymorphic.values())
        if all(waiting) and not is_told:
            late = {column for columns in waiting for column in columns}
            entity.resolve(
                {
                    column: replace(reference, is_late=reference.is_late or column in late)
                    for column, reference in entity.references.items()
                },
                [foreign.columns for foreign in between if not foreign.is_reference],
            )
            return True
    return False


def _waiting(entity: Entity, foreign: ForeignKeyColumns) -> list[str]:
    """Return the columns of a foreign key that may be empty until the row it leads to is there.

    Of several columns those wait that tell nothing but the row; none where each is a reference of
    another kind as well.
    """
    free = [column for column in foreign.columns if entity.nullable(column)]
    if foreign.is_reference:
        return free
    references = entity.references
    return [c for c in free if c not in references or references[c].target == foreign.target]


def wrong_reference(entity: Entity, entities: Mapping[str, Entity]) -> str | None:
    """Say which foreign key or declared lookup cannot name the rows it leads to, None for none."""
    for foreign in entity.foreign_keys:
        target = entities[foreign.target]
        names = target.named_columns(foreign.target_keys)
        for column, name in zip(foreign.columns, names, strict=True):
            own, there = entity.kinds[column], target.kinds[name]
            if isinstance(own, Integer) != isinstance(there, Integer):
                return (
                    f"{column} is {own.noun}, and {target.name}.{name}, which it refers to, is "
                    f"{there.noun}: give both one type"
                )
    for reference in entity.references.values():
        target = entities[reference.target]
        for column in reference.lookups.values():
            if column not in target.columns:
                said = f'lookups of {reference.column} name "{column}"'
                return (
                    f"{said}, which is not a column of {target.name}{meant(column, target.columns)}"
                )
    return None
