"""The fast lane: fill an empty table from records that leave no doubt, by row builders generated once per part."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Iterator
from typing import Any

from bakeio_core.catalog.exchange import STAMPS, Changes
from bakeio_core.database.rows import REMEMBERED
from bakeio_core.importing.drafts import CREATED
from bakeio_core.importing.planner import Planner
from bakeio_core.importing.read import Reader
from bakeio_core.importing.sources import Part


class Doubt(Exception):
    """Something in the part wants the careful lane: `PartPlanner` decides and explains."""


class Loader:
    """Give the rows of one part whose table is empty. The outcome is that of `PartPlanner`, or `Doubt` is raised and nothing said.

    What makes it sure: every record has the same known fields, strictly typed; ids rise; references all link; unique keys are
    left to the database's own indexes, built when the table is full.
    """

    def __init__(self, planner: Planner, part: Part) -> None:
        self.planner, self.part, self.entity = planner, part, part.entity
        self.reader = Reader(part, planner.problems)
        self.last = 0
        self.links: list[dict[Any, int | None]] = []
        self._make: Callable[..., list[tuple[Any, ...]]] | None = None
        self._referred: list[tuple[str, Callable[[Any], Any]]] = []
        self._id: Callable[[Any], int] = operator.attrgetter("id")
        self._keys: list[Callable[[list[Any]], set[Any]]] = []

    @staticmethod
    def suits(planner: Planner, part: Part) -> bool:
        """Tell whether the part can be tried: an empty table, a mode that creates, no reference to the entity itself."""
        rows = planner.linker.rows(part.entity)
        own = any(
            reference.target == part.entity.name for reference in part.entity.references.values()
        )
        plain = all(kind.sql_convertible for kind in part.entity.kinds.values())
        return (
            part.view is None
            and rows.was_empty
            and not own
            and plain
            and planner.options.mode != "update-only"
        )

    def changes(self) -> Iterator[Changes]:
        sha = hashlib.sha256()
        for block in self.part.document.blocks(sha.update):
            records = self.reader.typed(block)
            if records is None:
                records = self.reader.careful(block)
            if records is None:
                raise Doubt
            links = self._linked(records)
            if self._make is None:
                raise Doubt
            rows = self._make(records, *links)
            self.reader.accept(len(records))
            yield Changes(
                self.entity,
                self.entity.columns,
                rows,
                range(block.first, block.first + len(records)),
            )
        counts = self.planner.counts[self.entity.name]
        counts["processed"] += self.reader.total
        counts["created"] += self.reader.total
        counts[CREATED] += self.reader.total * (self.reader.total + 1) // 2
        if self.last:
            self.planner.took_id(self.entity, self.last)
        self.planner.linker.loaded.add(self.entity.name)
        for problem in self.planner.source.finish(self.part, sha.hexdigest(), self.reader.total):
            self.planner.problems.add(problem)
        for problem in self.reader.warnings():
            self.planner.problems.add(problem)

    def _linked(self, records: list[Any]) -> list[dict[Any, int | None]]:
        """Check the ids of a batch and link its references; return what the row builders need."""
        if self._make is None:
            self._compile()
        ids = list(map(self._id, records))
        try:
            rising = ids[0] > self.last and all(map(int.__lt__, ids, ids[1:]))
        except TypeError:
            rising = False
        if not rising:
            raise Doubt
        self.last = ids[-1]
        for keys_of, known, reference in zip(
            self._keys, self.links, self.entity.references.values(), strict=True
        ):
            wanted = keys_of(records) - known.keys()
            if wanted:
                self._link(reference, wanted, known)
        for column, value_of in self._referred:
            self.planner.linker.remember(
                self.entity, column, zip(map(value_of, records), ids, strict=True)
            )
        return self.links

    def _link(self, reference: Any, wanted: set[Any], known: dict[Any, int | None]) -> None:
        if len(known) > REMEMBERED:
            kept = {None: None} if None in known else {}
            known.clear()
            known.update(kept)
        target, columns = (
            self.planner.catalog.entities[reference.target],
            list(reference.lookups.values()),
        )
        if len(columns) == 1:
            ids = self.planner.linker.ids(target, columns[0], wanted)
            if len(ids) < len(wanted) or None in ids.values():
                raise Doubt
            known.update(ids)
            return
        keys = {(*value, None): value for value in wanted}
        found = self.planner.linker.quick(target, columns, list(keys))
        for key, value in keys.items():
            if key not in found:
                if reference.nullable and all(part is None for part in value):
                    known[value] = None
                    continue
                raise Doubt
            known[value] = found[key]

    def _compile(self) -> None:
        """Generate `rows(records, links...) -> list of tuples` and one key collector per reference."""
        names, entity = self.reader.names, self.entity
        if entity.primary not in names or ("uuid" in entity.columns and "uuid" not in names):
            raise Doubt
        self._id = operator.attrgetter(names[entity.primary])
        columns = self.planner.linker.referred_columns(entity)
        self._referred = [
            (column, operator.attrgetter(names[column])) for column in columns if column in names
        ]
        constants: dict[str, Any] = {}
        cells = []
        for column in entity.columns:
            if column in entity.references:
                cells.append(self._reference_cell(column))
            elif column in names:
                cells.append(f"r.{names[column]}")
            else:
                value = self.planner.now if column in STAMPS else entity.default(column)
                if value is None and not entity.nullable(column):
                    raise Doubt
                constants[f"c_{column}"] = value
                cells.append(f"c_{column}")
        parameters = ", ".join(["records", *(f"l{place}" for place in range(len(self.links)))])
        exec(
            f"def rows({parameters}):\n    return [({', '.join(cells)},) for r in records]",
            constants,
        )
        self._make = constants["rows"]

    def _reference_cell(self, column: str) -> str:
        reference, names, place = self.entity.references[column], self.reader.names, len(self.links)
        given = [names.get(field) for field in reference.lookups]
        if None in given or not given:
            raise Doubt
        key = (
            f"r.{given[0]}"
            if len(given) == 1
            else "(" + ", ".join(f"r.{attribute}" for attribute in given) + ")"
        )
        made: dict[str, Any] = {}
        exec(f"def keys(records):\n    return {{{key} for r in records}}", made)
        self._keys.append(made["keys"])
        self.links.append({None: None} if reference.nullable and len(given) == 1 else {})
        return f"l{place}[{key}]"
