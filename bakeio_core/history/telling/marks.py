"""Values an assistant gave: with the source it named, and who or what confirmed them.

A mark stands as long as the row has the value it is about: who changes that, or takes the import
back, leaves nothing to confirm.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import null, select

from bakeio_core.catalog.entities.model import ROW_KEY
from bakeio_core.database.dialects import tables_there
from bakeio_core.history.journal.journal import texts, undone_runs
from bakeio_core.history.tables import MARKS, RowNumbers, has_own, make_own_tables, write_own

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.entities.model import Entity, RowId


MOST_NAME = 200
"""So long what confirmed a value is called at most."""
_AT_ONCE = 500
"""So many rows are looked up by one statement."""


@dataclass(frozen=True)
class Mark:
    """What is known of a value that an assistant gave.

    Attributes:
        row: The id of the row.
        column: Which column has it.
        value: The value.
        source: Where the assistant has it from, as it says; empty where it named nothing.
        is_unverified: Whether it is of a kind that is easily made up, and neither a person nor
            another source has confirmed it.
        run: The run that set it.
        at: When it was set, in UTC.
        confirmed_by: Who confirmed it, or which other source; empty for nobody.
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
    if not has_own(db, MARKS):
        make_own_tables(db)  # the journal is older than this table
    numbers = RowNumbers(db).give(entity.name, [mark.row for mark in known])
    values = texts([mark.value for mark in known])
    for mark, number, value in zip(known, numbers, values, strict=True):
        of_it = (MARKS.c.entity == entity.name) & (MARKS.c.row == number)
        db.execute(MARKS.delete().where(of_it & (MARKS.c.field == mark.column)))
        entry = MARKS.insert().values(
            entity=entity.name,
            row=number,
            field=mark.column,
            value=value,
            source=mark.source or None,
            unverified=int(mark.is_unverified),
            run=mark.run,
            at=mark.at,
        )
        write_own(db, MARKS, entry)


def all_marks(db: Connection, entity: Entity, identity: RowId | None = None) -> list[Mark]:
    """Return the marks of an entity's rows, or of one row, that stand.

    Args:
        db: The connection.
        entity: Whose rows they are.
        identity: The id of the one row.
    """
    if not has_own(db, MARKS):
        return []
    there = tables_there(db)[MARKS.name]
    numbers = RowNumbers(db)
    # an older database can be read before it is upgraded
    cells = [cell if cell.name in there else null().label(cell.name) for cell in MARKS.columns]
    query = select(*cells).where(MARKS.c.entity == entity.name)
    if identity is not None:
        query = query.where(MARKS.c.row == numbers.find(entity.name, identity))
    found = db.execute(query.order_by(MARKS.c.row, MARKS.c.field)).all()
    found = [one for one in found if one.field in entity.columns]
    undone = undone_runs(db) if any(one.confirming_run is not None for one in found) else {}
    ids = numbers.ids(entity.name, [one.row for one in found])
    marks = [_mark(one, row, undone) for one, row in zip(found, ids, strict=True)]
    return list(_standing(db, entity, marks))


def _mark(stored: Any, row: RowId, undone: Mapping[int, int]) -> Mark:
    """Return a mark as it counts: what an import confirmed goes when that is taken back."""
    is_confirmed = stored.confirmed_by is not None and stored.confirming_run not in undone
    return Mark(
        row,
        stored.field,
        json.loads(stored.value),
        stored.source or "",
        bool(stored.unverified) and not is_confirmed,
        stored.run,
        stored.at,
        stored.confirmed_by if is_confirmed else "",
    )


def _standing(db: Connection, entity: Entity, marks: Sequence[Mark]) -> Iterator[Mark]:
    """Yield those of some marks whose row has the value they are about."""
    if entity.primary == ROW_KEY:
        yield from marks
        return
    by_column: dict[str, dict[RowId, Any]] = {}
    for column in {mark.column for mark in marks}:
        rows = list(dict.fromkeys(mark.row for mark in marks if mark.column == column))
        by_column[column] = dict(_stored(db, entity, column, rows))
    for mark in marks:
        now = by_column[mark.column].get(mark.row)
        if now is not None and entity.kinds[mark.column].same(now, mark.value):
            yield mark


def _stored(
    db: Connection, entity: Entity, name: str, rows: Sequence[RowId]
) -> Iterator[tuple[RowId, Any]]:
    """Yield (id, wire value) of what rows have in a column."""
    column, primary = entity.column(name), entity.column(entity.primary)
    kind, id_kind = entity.kinds[name], entity.kinds[entity.primary]
    for start in range(0, len(rows), _AT_ONCE):
        ids = [id_kind.to_python(row) for row in rows[start : start + _AT_ONCE]]
        query = select(primary, column).where(primary.in_(ids), column.is_not(None))
        for identity, value in db.execute(query):
            yield id_kind.from_python(identity), kind.from_python(value)


def confirming_runs(db: Connection) -> set[int]:
    """Return the imports that confirmed values assistants gave, without those taken back."""
    there = tables_there(db).get(MARKS.name, ())
    if MARKS.c.confirming_run.name not in there:
        return set()
    found = db.scalars(select(MARKS.c.confirming_run).where(MARKS.c.confirming_run.is_not(None)))
    return set(found) - undone_runs(db).keys()


def confirm_mark(
    db: Connection, entity: Entity, mark: Mark, by: str, at: str, run: int | None = None
) -> None:
    """Note that a value was confirmed.

    Args:
        db: The connection.
        entity: Whose row has it.
        mark: What was known of it.
        by: The person, or the other source that gives the same.
        at: When, in UTC.
        run: The import of that source.
    """
    (number,) = RowNumbers(db).give(entity.name, [mark.row])
    of_it = (MARKS.c.entity == entity.name) & (MARKS.c.row == number)
    change = {"confirmed_by": by[:MOST_NAME], "confirmed_at": at, "confirming_run": run}
    db.execute(MARKS.update().where(of_it & (MARKS.c.field == mark.column)).values(**change))
