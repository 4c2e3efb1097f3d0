"""Which rows a part of a database needs: some of each entity, and all that those refer to."""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.keys.dating import Step, polymorphic_steps, step_over
from bakeio_core.database.row_ids import row_key
from bakeio_core.values.kinds.numbers import Integer

if TYPE_CHECKING:
    from bakeio_core.database.dialect import Dialect

Group = tuple[str, ...]


class Closure:
    """Find the rows that are in a part, in SQL of one `WITH` clause, a query for each group.

    A group is an entity, or entities that refer to each other round about: their rows are found by
    a recursive query.

    Args:
        dialect: That of the database.
        entities: All of them, by name.
        inside: SQL by which a row, called `r`, is in the part for its own sake, for each entity
            that is to be narrowed; of the others all rows are.

    Attributes:
        rows: A SELECT of the ids that are in the part, for each narrowed entity.
    """

    def __init__(
        self, dialect: Dialect, entities: Mapping[str, Entity], inside: Mapping[str, str]
    ) -> None:
        self.dialect, self.entities = dialect, entities
        self.rows: dict[str, str] = {}
        self._wanted = {name: [condition] for name, condition in inside.items()}
        self._queries: list[str] = []
        for name, entity in entities.items():
            if name not in inside:
                self._want(entity, "")
        for group in _groups(self._graph()):
            self._find(group)

    def _steps(self, entity: Entity) -> Iterator[Step]:
        """Yield the steps from an entity to narrowed ones."""
        for foreign in entity.foreign_keys:
            if foreign.target in self._wanted:
                yield step_over(foreign, self.entities)
        for step in polymorphic_steps(entity, self.entities):
            if step.target.name in self._wanted:
                yield step

    def _graph(self) -> dict[str, set[str]]:
        return {
            name: {step.target.name for step in self._steps(self.entities[name])}
            for name in self._wanted
        }

    def _want(self, entity: Entity, condition: str) -> None:
        """Note which rows an entity's rows refer to.

        Args:
            entity: Which refers.
            condition: SQL by which a row of it, called `c`, is in the part; nothing for all.
        """
        for step in self._steps(entity):
            to, columns = self._named("r", step.to), self._named("c", step.columns)
            both = " AND ".join(filter(None, (condition and f"({condition})", self._given(step))))
            where = f" WHERE {both}" if both else ""
            table = self.dialect.format_table(entity.table)
            wanted = f"({to}) IN (SELECT {columns} FROM {table} c{where})"
            self._wanted[step.target.name].append(wanted)

    def _given(self, step: Step) -> str:
        """Return the condition under which a row, called `c`, makes a step; empty for none."""
        if step.given is None:
            return ""
        column, value = step.given
        quoted = value.replace("'", "''").replace("%", "%%")
        return f"c.{self.dialect.quote(column)} = '{quoted}'"

    def _named(self, rows: str, columns: Collection[str]) -> str:
        return ", ".join(f"{rows}.{self.dialect.quote(column)}" for column in columns)

    def _find(self, group: Group) -> None:
        name = f"kept_{len(self._queries)}"
        members = [self.entities[each] for each in group]
        is_number = all(isinstance(e.kinds[e.primary], Integer) for e in members)
        # all queries of a recursion must give one type
        kind = "BIGINT" if is_number else "TEXT"
        first = [
            f"SELECT {place}, {self._id(entity, 'r', kind)} "
            f"FROM {self.dialect.format_table(entity.table)} r "
            f"WHERE {' OR '.join(self._wanted[entity.name])}"
            for place, entity in enumerate(members)
        ]
        query = " UNION ".join([*first, *self._further(name, group, kind)])
        self._queries.append(f"{name} (place, id) AS ({query})")
        for place, entity in enumerate(members):
            kept = f"(SELECT id FROM {name} WHERE place = {place})"
            table = self.dialect.format_table(entity.table)
            self.rows[entity.name] = (
                f"WITH RECURSIVE {', '.join(self._queries)} "
                f"SELECT {row_key(self.dialect, 'k', entity)} FROM {table} k "
                f"WHERE {self._id(entity, 'k', kind)} IN {kept}"
            )
        for place, entity in enumerate(members):
            kept = f"(SELECT id FROM {name} WHERE place = {place})"
            self._want(entity, f"{self._id(entity, 'c', kind)} IN {kept}")

    def _id(self, entity: Entity, rows: str, kind: str) -> str:
        return f"CAST({row_key(self.dialect, rows, entity)} AS {kind})"

    def _further(self, name: str, group: Group, kind: str) -> Iterator[str]:
        """Yield the query of what the rows found so far refer to within their group, if any."""
        steps = []
        for place, each in enumerate(group):
            entity = self.entities[each]
            for step in self._steps(entity):
                if step.target.name in group:
                    named = zip(step.to, step.columns, strict=True)
                    on = " AND ".join(
                        f"{self._named('t', [to])} = {self._named('c', [column])}"
                        for to, column in named
                    )
                    on = " AND ".join(filter(None, (on, self._given(step))))
                    steps.append(
                        f"SELECT {place} AS place, {self._id(entity, 'c', kind)} AS id, "
                        f"{group.index(step.target.name)} AS to_place, "
                        f"{self._id(step.target, 't', kind)} AS to_id "
                        f"FROM {self.dialect.format_table(entity.table)} c "
                        f"JOIN {self.dialect.format_table(step.target.table)} t ON {on}"
                    )
        if steps:
            yield (
                f"SELECT s.to_place, s.to_id FROM ({' UNION ALL '.join(steps)}) s "
                f"JOIN {name} known ON s.place = known.place AND s.id = known.id"
            )


def _groups(graph: Mapping[str, Collection[str]]) -> Iterator[Group]:
    """Yield entities that refer to each other round about, before those they refer to.

    An entity that is in no circle is a group by itself.

    Args:
        graph: {entity: those it refers to}.
    """
    reach = {name: _reached(name, graph) for name in graph}
    group_of = {
        name: tuple(
            other
            for other in graph
            if other == name or (other in reach[name] and name in reach[other])
        )
        for name in graph
    }
    users: dict[Group, set[Group]] = {group: set() for group in group_of.values()}
    for name, targets in graph.items():
        for target in targets:
            if group_of[target] != group_of[name]:
                users[group_of[target]].add(group_of[name])
    yield from graphlib.TopologicalSorter(users).static_order()


def _reached(name: str, graph: Mapping[str, Collection[str]]) -> set[str]:
    """Return what can be reached from an entity over references."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        new = {*graph[ahead.pop()]} - found
        found |= new
        ahead += new
    return found
