"""Whether every reference of a set finds its row in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.entities.model import Entity, Key
from bakeio_core.errors import Problem
from bakeio_core.files.sets.manifest import Listed


class Closure:
    """Gather what the records of a set are called by and refer to, and compare at the end.

    Both are kept as 64-bit hashes.
    """

    def __init__(self, catalog: Catalog, present: set[str]) -> None:
        self.catalog, self.present = catalog, present
        self.keys: dict[tuple[str, Key], set[int]] = {}
        self.wanted: dict[tuple[str, str, Key, str, Key], dict[int, _Wanted]] = {}
        self._named = {
            entity.name: list(_named(catalog, entity)) for entity in catalog.entities.values()
        }
        for lookups in self._named.values():
            for target, pairs in lookups:
                for _, columns in pairs:
                    self.keys[target, columns] = set()

    def read(self, listed: Listed, block: Any) -> list[Any]:
        items = block.as_dicts(listed.filename)
        if listed.entity not in self._named:
            return items  # type: ignore[no-any-return]
        called = [
            (columns, keys) for (name, columns), keys in self.keys.items() if name == listed.entity
        ]
        for number, record in items:
            if isinstance(record, Problem):
                continue
            for columns, keys in called:
                if (value := _value(record, columns)) is not None:
                    keys.add(hash(value))
            for target, pairs in self._named[listed.entity]:
                if target in self.present:
                    self._want(listed, target, pairs, record, number)
        return [item for _, item in items]

    def _want(
        self,
        listed: Listed,
        target: str,
        pairs: list[tuple[Key, Key]],
        record: dict[str, Any],
        number: int,
    ) -> None:
        for fields, columns in pairs:
            value = _value(record, fields)
            if value is not None:
                place = hash(value)
                if target != listed.entity and place in self.keys[target, columns]:
                    return  # parents come first, so almost every reference is settled here
                wanted = self.wanted.setdefault(
                    (listed.filename, listed.entity, fields, target, columns), {}
                )
                known = wanted.setdefault(place, _Wanted(value))
                known.count += 1
                known.records += [number][: 20 - len(known.records)]
                return

    def problems(self, unknown: set[str]) -> Iterator[Problem]:
        """Yield the references that name nothing.

        Those to entities in `unknown`, not wholly read, cannot be told.
        """
        for (file, entity, fields, target, columns), wanted in self.wanted.items():
            for place, one in wanted.items() if target not in unknown else ():
                if place not in self.keys[target, columns]:
                    said = ", ".join(json.dumps(part, ensure_ascii=False) for part in one.value)
                    yield Problem(
                        code="missing-reference",
                        file=file,
                        entity=entity,
                        field=", ".join(fields),
                        value=one.value[0] if len(one.value) == 1 else list(one.value),
                        message=f"{said} is not in the set's {target} ({', '.join(columns)})",
                        record=one.records[0],
                        records=one.records,
                        count=one.count,
                    )


@dataclass
class _Wanted:
    """A key that records refer to: its values, how many do, and the first of them."""

    value: tuple[Any, ...]
    count: int = 0
    records: list[int] = field(default_factory=list)


def _named(catalog: Catalog, entity: Entity) -> Iterator[tuple[str, list[tuple[Key, Key]]]]:
    """Yield, of each foreign key, its target and by what: (fields, columns there), best first."""
    for reference in entity.references.values():
        pairs = [((name,), (column,)) for name, column in reference.lookups.items()]
        yield reference.target, [*pairs, ((reference.column,), (reference.to,))]
    for foreign in entity.foreign_keys:
        if not foreign.is_reference:
            columns = catalog.entities[foreign.target].named_columns(foreign.target_keys)
            yield foreign.target, [(foreign.columns, columns)]


def _value(record: dict[str, Any], fields: Key) -> tuple[Any, ...] | None:
    """Return what a record says in some fields, None where one of them names nothing."""
    values = tuple([record.get(name) for name in fields])
    is_whole = all(isinstance(v, (str, int)) and not isinstance(v, bool) for v in values)
    return values if is_whole else None
