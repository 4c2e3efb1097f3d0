"""What became of rows in a table whose triggers may store other values than were written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.columns import MADE
from bakeio_core.catalog.entities.model import Entity, RowId
from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.stored.rows import Row, Rows
from bakeio_core.errors import Problem, Problems
from bakeio_core.values.wording import jsonable, shown

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class StoredOtherwise:
    """A cell in which the database has another value than it was given.

    Attributes:
        record: Of the row.
        column: The column.
        written: What it was given, or what was there where the batch did not set the column.
        stored: What it has now.
        is_own: Whether the batch set the column.
    """

    record: int
    column: str
    written: Any
    stored: Any
    is_own: bool

    def said(self, table: str) -> str:
        """Return it in words."""
        by, one, other = f"a trigger of {table} does that", shown(self.written), shown(self.stored)
        if self.is_own:
            return f"is stored otherwise, {other} in place of {one}: {by}"
        return f"is set by the database besides, from {one} to {other}: {by}"


def tell_stored(
    problems: Problems,
    entity: Entity,
    others: Iterable[StoredOtherwise],
    file: str | None,
    names: Mapping[str, str],
) -> None:
    """Tell of values that are stored otherwise than they were written.

    Each field is told once, by the values of the first record.

    Args:
        problems: Where it is told.
        entity: Whose rows they are in.
        others: The values.
        file: The file whose records they come from.
        names: {column: what that file calls it}, where that is another name.
    """
    for one in others:
        problem = Problem(
            code="constraint",
            severity="warning",
            file=file,
            record=one.record or None,
            entity=entity.name,
            field=names.get(one.column, one.column),
            value=jsonable(one.written) if one.is_own else None,
            message=one.said(entity.name),
        )
        problems.add(problem, cause=f"stored otherwise: {one.is_own}")


class Triggers:
    """Look at rows before and after a batch, where their table has triggers.

    Args:
        db: The connection.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._known: dict[str, bool] = {}

    def are_on(self, entity: Entity) -> bool:
        """Tell whether the table of an entity has any."""
        known = self._known.get(entity.name)
        if known is None:
            known = dialect_of(self._db).has_triggers(self._db, entity.table)
            self._known[entity.name] = known
        return known

    def before(self, changes: Changes) -> Mapping[RowId, Row]:
        """Return the rows that a batch updates, as they are; none where there are no triggers."""
        if not changes.updates or not self.are_on(changes.entity):
            return {}
        ids = [change.known_id for change in changes.updates]
        return Rows(self._db, changes.entity).by_id(ids)

    def stored(
        self, changes: Changes, before: Mapping[RowId, Row]
    ) -> tuple[Changes, list[StoredOtherwise]]:
        """Return a batch as it was stored, and what of it is other than it was written.

        Args:
            changes: The batch, which was written.
            before: What `before` gave of it.
        """
        entity, found = changes.entity, list[StoredOtherwise]()
        if not (changes.rows or changes.updates) or not self.are_on(entity):
            return changes, found
        rows = Rows(self._db, entity)
        place = changes.columns.index(entity.primary)
        new = [row[place] for row in changes.rows]
        there = rows.by_id([*new, *(change.known_id for change in changes.updates)])
        created = list(changes.rows)
        for index, (row, record) in enumerate(zip(changes.rows, changes.numbers, strict=True)):
            stored = there.get(row[place], row)
            pairs = zip(changes.columns, row, stored, strict=True)
            found += _others(entity, record, pairs, is_own=True)
            created[index] = stored
        updated = []
        for change in changes.updates:
            now, was = there.get(change.known_id), before.get(change.known_id)
            if now is None or was is None:
                updated.append(change)
                continue
            own, others = _compared(rows, change, was, now)
            found += [*own, *others]
            cells = {one.column: one.stored for one in (*own, *others)}
            old = {one.column: one.written for one in others}
            new_cells = {**change.new, **cells}
            updated.append(replace(change, new=new_cells, old={**change.old, **old}))
        seen = [one for one in found if one.column not in entity.filled.stamps]
        return replace(changes, rows=created, updates=updated), seen


def _compared(
    rows: Rows, change: Change, was: Row, now: Row
) -> tuple[list[StoredOtherwise], list[StoredOtherwise]]:
    """Return what of a row is other than an update set it, and what it did not set."""
    entity = rows.entity
    cells = [(column, value, rows.value(now, column)) for column, value in change.new.items()]
    rest = [
        (column, rows.value(was, column), rows.value(now, column))
        for column in entity.columns
        if column not in change.new and column not in entity.filled.computed
    ]
    own = _others(entity, change.record, cells, is_own=True)
    return own, _others(entity, change.record, rest, is_own=False)


def _others(entity: Entity, record: int, cells: Any, *, is_own: bool) -> list[StoredOtherwise]:
    return [
        StoredOtherwise(record, column, written, stored, is_own)
        for column, written, stored in cells
        if written is not MADE and not _same(entity, column, written, stored)
    ]


def _same(entity: Entity, column: str, one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return entity.kinds[column].same(one, other)
