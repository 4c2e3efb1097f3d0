"""Whether every reference of a set finds its row in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.errors import Problem
from bakeio_core.files.sets.manifest import Listed


class Closure:
    """Gather what the records of a set are called by and refer to, and compare at the end.

    Both are kept as 64-bit hashes.
    """

    def __init__(self, catalog: Catalog, present: set[str]) -> None:
        self.catalog, self.present = catalog, present
        self.keys: dict[tuple[str, str], set[int]] = {}
        self.wanted: dict[
            tuple[str, str, str, str], dict[int, tuple[Any, str, list[int], int]]
        ] = {}
        for entity in catalog.entities.values():
            for reference in entity.references.values():
                for column in {
                    *reference.lookups.values(),
                    catalog.entities[reference.target].primary,
                }:
                    self.keys[reference.target, column] = set()

    def read(self, listed: Listed, block: Any) -> list[Any]:
        items = block.as_dicts(listed.filename)
        entity = self.catalog.entities.get(listed.entity)
        if entity is None:
            return items  # type: ignore[no-any-return]
        named = [
            (column, keys) for (name, column), keys in self.keys.items() if name == entity.name
        ]
        references = [
            (r, [*r.lookups.items(), (r.column, self.catalog.entities[r.target].primary)])
            for r in entity.references.values()
        ]
        for number, record in items:
            if isinstance(record, Problem):
                continue
            for column, keys in named:
                if isinstance(record.get(column), (str, int)):
                    keys.add(hash(record[column]))
            for reference, lookups in references:
                if reference.target in self.present:
                    self._want(listed, reference.target, lookups, record, number)
        return [item for _, item in items]

    def _want(
        self,
        listed: Listed,
        target: str,
        lookups: list[tuple[str, str]],
        record: dict[str, Any],
        number: int,
    ) -> None:
        for field, column in lookups:
            value = record.get(field)
            if isinstance(value, (str, int)) and not isinstance(value, bool):
                place = hash(value)
                if target != listed.entity and place in self.keys[target, column]:
                    return  # parents come first, so almost every reference is settled here
                wanted = self.wanted.setdefault(
                    (listed.filename, listed.entity, field, f"{target}.{column}"), {}
                )
                value, name, records, count = wanted.get(place, (value, listed.filename, [], 0))
                wanted[place] = (value, name, [*records, number][:20], count + 1)
                return

    def problems(self, unknown: set[str]) -> Iterator[Problem]:
        """Yield the references that name nothing.

        Those to entities in `unknown`, not wholly read, cannot be told.
        """
        for (file, entity, field, where), wanted in self.wanted.items():
            target, column = where.split(".")
            if target in unknown:
                continue
            for place, (value, _, records, count) in wanted.items():
                if place not in self.keys[target, column]:
                    shown = json.dumps(value, ensure_ascii=False)
                    yield Problem(
                        code="missing-reference",
                        file=file,
                        entity=entity,
                        field=field,
                        value=value,
                        message=f"{shown} is not among the set's {target} ({column})",
                        record=records[0],
                        records=records,
                        count=count,
                    )
