"""Unique values that change hands between rows: who goes first, and who steps aside meanwhile.

An import and its undo both meet them: lines that are numbered anew, rows that exchange names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import select

from bakeio_core.catalog.entities.columns import MADE
from bakeio_core.catalog.entities.model import Entity, Key, RowId
from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.database.stored.rows import Row, Rows
from bakeio_core.database.stored.tables import Tables
from bakeio_core.values.kinds.numbers import Decimal, Float, Integer
from bakeio_core.values.kinds.text import Text
from bakeio_core.values.kinds.times import Date
from bakeio_core.values.wording import BadValue

Named = Mapping[str, Any]
"""{column: value}."""


class Takers:
    """Updates that take unique values, or leave them.

    Attributes:
        there: {id: {column: value}} of the rows whose unique values change.
        wanted: {unique set: {id: the values that the row is to have}}; none with a null, by which
            no two rows are equal.
        left: {unique set: {values that a row has no more afterwards: its id}}.

    Args:
        rows: The rows there are.
        updates: The updates of some of them.
    """

    def __init__(self, rows: Rows, updates: Sequence[Change]) -> None:
        self.rows, self.entity = rows, rows.entity
        self.wanted: dict[Key, dict[RowId, Row]] = {}
        self.left: dict[Key, dict[Row, RowId]] = {}
        kinds = rows.entity.kinds
        sets = [key for key in rows.entity.unique_sets if all(kinds[c].is_scalar for c in key)]
        columns = {column for key in sets for column in key}
        some = [change for change in updates if not change.new.keys().isdisjoint(columns)]
        found = rows.by_id({change.known_id for change in some}) if some else {}
        self.there = {
            i: dict(zip(rows.entity.columns, row, strict=True)) for i, row in found.items()
        }
        for key in sets if some else ():
            self._look_at(key, some)

    def _look_at(self, key: Key, updates: Sequence[Change]) -> None:
        wanted, left = self.wanted.setdefault(key, {}), self.left.setdefault(key, {})
        for change in updates:
            now = self.there.get(change.known_id)
            if now is None or change.new.keys().isdisjoint(key):
                continue
            before = tuple([now[column] for column in key])
            after = tuple([change.new.get(column, now[column]) for column in key])
            if after == before:
                continue
            if None not in before:
                left[before] = change.known_id
            if None not in after:
                wanted[change.known_id] = after

    def holders(self) -> dict[RowId, set[RowId]]:
        """Return {id of a row: those of other rows that have what it takes}."""
        found: dict[RowId, set[RowId]] = {}
        for key, wanted in self.wanted.items():
            held = self.rows.find(key, wanted.values()) if wanted else {}
            for identity, values in wanted.items():
                others = {row[self.rows.id_index] for row in held.get(values, ())} - {identity}
                if others:
                    found.setdefault(identity, set()).update(others)
        return found


def blocked(holders: Mapping[RowId, set[RowId]]) -> set[RowId]:
    """Return those that cannot have what they take, as rows that do not change have it.

    Args:
        holders: {id of a row that changes: those of the rows that have what it takes}.
    """
    takers: dict[RowId, list[RowId]] = {}
    for taker, those in holders.items():
        for holder in those:
            takers.setdefault(holder, []).append(taker)
    found = set[RowId]()
    left = [holder for holder in takers if holder not in holders]
    for holder in left:  # grows meanwhile
        new = [taker for taker in takers.get(holder, ()) if taker not in found]
        found.update(new)
        left += new
    return found


@dataclass(frozen=True)
class Turns:
    """Updates that take unique values of each other, as they can be written.

    Args:
        whole: All of them; who has a value comes before who takes it.
        batches: The same, to be written one after the other. Where rows exchange values, the first
            gives one of them made-up values, and its own update takes those back.
    """

    whole: Changes
    batches: Sequence[Changes]


def in_turn(tables: Tables, entity: Entity, updates: Sequence[Change]) -> Turns:
    """Order updates so that each can be written when its turn comes.

    Args:
        tables: The rows there are.
        entity: Whose rows.
        updates: The updates.
    """
    takers = Takers(tables.rows(entity), updates)
    order, ring = _order({change.known_id: change for change in updates}, takers.holders())
    aside = {change.known_id: change for change in _aside(tables, takers, ring)}
    written = [_with_its_own(takers, change, aside) for change in order] if aside else order
    # a batch is written columns by columns, so its order is lost
    together = [list(some) for _, some in groupby(written, lambda change: [*change.new])]
    steps = [some for some in ([*aside.values()], *together) if some]
    batches = [Changes(entity, entity.columns, updates=some) for some in steps]
    return Turns(Changes(entity, entity.columns, updates=order), batches)


def _order(
    waiting: Mapping[RowId, Change], holders: Mapping[RowId, set[RowId]]
) -> tuple[list[Change], list[Change]]:
    """Return who has a value before who takes it, and of each ring one that steps aside."""
    order, ring = dict[RowId, Change](), dict[RowId, Change]()
    for start in waiting:
        # in depth, without recursion: a list may be numbered anew from end to end
        path = {} if start in order else {start: iter(holders.get(start, ()))}
        while path:
            at = next(reversed(path))
            holder = next(path[at], None)
            if holder is None:
                order[at] = waiting[at]
                del path[at]
            elif holder in path:
                ring[holder] = waiting[holder]
            elif holder in waiting and holder not in order:
                path[holder] = iter(holders.get(holder, ()))
    return list(order.values()), list(ring.values())


def _aside(tables: Tables, takers: Takers, ring: Sequence[Change]) -> list[Change]:
    """Return updates that give rows unique values which nobody has or wants."""
    stand_ins, found = _StandIns(tables, takers, ring), []
    for change in ring:
        apart: dict[str, Any] = {}
        for key, wanted in takers.wanted.items():
            if change.known_id in wanted and apart.keys().isdisjoint(key):
                # what is made on writing stands in the very update: nothing can be added to that
                own = change.new if MADE in change.new.values() else key
                apart |= stand_ins.of(key, own, takers.there[change.known_id])
        if apart:
            name = takers.entity.name
            found.append(Change("update", name, change.record, change.known_id, apart, {}))
    return found


def _with_its_own(takers: Takers, change: Change, aside: Mapping[RowId, Change]) -> Change:
    """Return an update with what its row has where it got made-up values that it does not set."""
    there, apart = takers.there.get(change.known_id, {}), aside.get(change.known_id)
    own = {c: there[c] for c in apart.new if c not in change.new} if apart is not None else {}
    return replace(change, new={**own, **change.new}) if own else change


class _StandIns:
    """Find values that a row can have while others take its own.

    Args:
        tables: The rows there are.
        takers: The updates whose values change hands.
        ring: Those that step aside.
    """

    def __init__(self, tables: Tables, takers: Takers, ring: Sequence[Change]) -> None:
        self.tables, self.takers = tables, takers
        self.entity, self.rows = takers.entity, takers.rows
        self.ids = [change.known_id for change in ring]
        self._free: dict[str, Iterator[Any]] = {}
        self._used: dict[tuple[Key, str], dict[Row, set[Any]]] = {}
        self._targets: dict[str, list[Any]] = {}

    def of(self, key: Key, columns: Collection[str], there: Named) -> dict[str, Any]:
        """Return {column: value} that makes a unique set of a row free; empty where none is found.

        Args:
            key: The unique set.
            columns: Those that may get a value.
            there: The row as it is.
        """
        if any(there[column] is None for column in key):
            return {}
        may = [c for c in key if c in columns and c not in self.entity.primary_key]
        linked = [column for column in may if column in self.entity.references]
        own = [column for column in may if column not in linked]
        for column in own:
            value = next(self._free_values(column), None)
            if value is not None:
                return {column: value}
        for column in linked:
            value = self._free_target(key, column, there)
            if value is not None:
                return {column: value}
        return next(({c: None} for c in (*own, *linked) if self.entity.nullable(c)), {})

    def _free_values(self, column: str) -> Iterator[Any]:
        """Give values of a column that no row has or is to have, one after the other."""
        if column not in self._free:
            kind = self.entity.kinds[column]
            if isinstance(kind, Text):
                self._free[column] = iter(kind.stand_ins(len(self.ids)))
            else:
                self._free[column] = self._beyond(column)
        return self._free[column]

    def _beyond(self, column: str) -> Iterator[Any]:
        """Yield numbers or days after the last there is, then those before the first."""
        kind = self.entity.kinds[column]
        if not isinstance(kind, (Integer, Decimal, Float, Date)):
            return
        number, back = (_day_number, _day) if isinstance(kind, Date) else (int, int)
        known = [*self.rows.extremes([column]).get(column, ())]
        places = {key: key.index(column) for key in self.takers.wanted if column in key}
        known += [v[at] for key, at in places.items() for v in self.takers.wanted[key].values()]
        with suppress(ValueError, OverflowError):
            ends = [*map(number, known)]
            for step, end in ((1, max(ends)), (-1, min(ends))):
                with suppress(BadValue, ValueError, OverflowError):  # nothing more fits
                    while True:
                        end += step
                        yield kind.read(back(end), lambda note: None)

    def _free_target(self, key: Key, column: str, there: Named) -> Any:
        """Return what a reference can hold so that no row has the unique set, None for nothing."""
        rest = tuple([other for other in key if other != column])
        if (key, column) not in self._used:
            used_beside = self._used[key, column] = self._used_beside(key, column, rest)
            most = max(map(len, used_beside.values()), default=0) + len(self.ids)
            self._targets[column] = self._some_targets(column, most)
        used = self._used[key, column].setdefault(tuple([there[c] for c in rest]), set())
        value = next((v for v in self._targets[column] if v not in used), None)
        used.add(value)
        return value

    def _used_beside(self, key: Key, column: str, rest: Key) -> dict[Row, set[Any]]:
        """Return {values of the rest of a unique set: what rows have beside them, or want}."""
        wanted = [
            dict(zip(key, values, strict=True)) for values in self.takers.wanted[key].values()
        ]
        used: dict[Row, set[Any]] = {}
        if not rest:
            used[()] = {*self.rows.values_of(column)}
        else:
            beside = [*(self.takers.there[i] for i in self.ids), *wanted]
            rests = {tuple([named[c] for c in rest]) for named in beside}
            for values, rows in self.rows.find(rest, rests).items():
                used[values] = {row[self.rows.index[column]] for row in rows}
        for named in wanted:
            used.setdefault(tuple([named[c] for c in rest]), set()).add(named[column])
        return used

    def _some_targets(self, column: str, most: int) -> list[Any]:
        """Return some of the values a reference can hold: so many, where there are."""
        reference = self.entity.references[column]
        entity = self.tables.catalog.entities[reference.target]
        target, kind = entity.column(reference.to), entity.kinds[reference.to]
        some = self.tables.db.execute(select(target).order_by(target).limit(most))
        return [kind.from_python(value) for value in some.scalars()]


def _day_number(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def _day(number: int) -> str:
    return date.fromordinal(number).isoformat()
