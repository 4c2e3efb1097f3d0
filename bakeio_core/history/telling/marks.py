"""Values an assistant gave: with the source it named, and whether a person confirmed them.

A mark stands as long as the row has the value it is about: who changes that, or takes the import
back, leaves nothing to confirm.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bakeio_core.database.dialects import dialect_of
from bakeio_core.history.journal import texts
from bakeio_core.history.tables import MARKS, RowNumbers, make_own_tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.model import Entity, RowId


@dataclass(frozen=True)
class Mark:
    """What is known of a value that an assistant gave.

    Attributes:
        row: The id of the row.
        column: Which column has it.
        value: The value.
        source: Where the assistant has it from, as it says; empty where it named nothing.
        is_unverified: Whether it is of a kind that is easily made up, and nobody confirmed it.
        run: The run that set it.
        at: When it was set, in UTC.
        confirmed_by: Who confirmed it; empty for nobody.
    """

    row: RowId
    column: str
    value: Any
    source: str
    is_unverified: bool
    run: int
    at: str
    confirmed_by: str = ""


def keep_marks(db: Connection, entity: Entity, marks: Iterable[Mark]) -> None:
    """Keep what is known of values that were just written; it replaces what was known before."""
    known = list(marks)
    if not known:
        return
    if not dialect_of(db).has_table(db, MARKS.name):
        make_own_tables(db)  # the journal is older than this table
    numbers = RowNumbers(db).give(entity.name, [mark.row for mark in known])
    values = texts([mark.value for mark in known])
    for mark, number, value in zip(known, numbers, values, strict=True):
        of_it = (MARKS.c.entity == entity.name) & (MARKS.c.row == number)
        db.execute(MARKS.delete().where(of_it & (MARKS.c.field == mark.column)))
        db.execute(
            MARKS.insert().values(
                entity=entity.name,
                row=number,
                field=mark.column,
                value=value,
                source=mark.source or None,
                unverified=int(mark.is_unverified),
                run=mark.run,
                at=mark.at,
            )
        )


def all_marks(db: Connection, entity: Entity, identity: RowId | None = None) -> list[Mark]:
    """Return the marks of an entity's rows, or of one row, that stand.

    Args:
        db: The connection.
        entity: Whose rows they are.
        identity: The id of the one row.
    """
    if not dialect_of(db).has_table(db, MARKS.name):
        return []
    numbers = RowNumbers(db)
    query = select(MARKS).where(MARKS.c.entity == entity.name)
    if identity is not None:
        query = query.where(MARKS.c.row == numbers.find(entity.name, identity))
    found = db.execute(query.order_by(MARKS.c.row, MARKS.c.field)).all()
    marks = [
        Mark(
            numbers.ids(entity.name, [one.row])[0],
            one.field,
            json.loads(one.value),
            one.source or "",
            bool(one.unverified) and one.confirmed_by is None,
            one.run,
            one.at,
            one.confirmed_by or "",
        )
        for one in found
        if one.field in entity.columns
    ]
    return [mark for mark in marks if _stands(db, entity, mark)]


def _stands(db: Connection, entity: Entity, mark: Mark) -> bool:
    """Tell whether a row has the value that a mark is about."""
    if len(entity.primary_key) > 1:
        return True
    column, primary = entity.column(mark.column), entity.column(entity.primary)
    kind = entity.kinds[mark.column]
    stored = db.scalar(select(column).where(primary == _as_id(entity, mark.row)))
    return stored is not None and kind.same(kind.from_python(stored), mark.value)


def _as_id(entity: Entity, identity: RowId) -> Any:
    """Return the id of a row as its column takes it."""
    return entity.kinds[entity.primary].to_python(identity)


def confirm_mark(db: Connection, entity: Entity, mark: Mark, by: str, at: str) -> None:
    """Note that a person confirmed a value."""
    (number,) = RowNumbers(db).give(entity.name, [mark.row])
    of_it = (MARKS.c.entity == entity.name) & (MARKS.c.row == number)
    change: Mapping[str, Any] = {"confirmed_by": by, "confirmed_at": at}
    db.execute(MARKS.update().where(of_it & (MARKS.c.field == mark.column)).values(**change))
