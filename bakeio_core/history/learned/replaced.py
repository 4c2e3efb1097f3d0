"""Keep what an import learned otherwise, so that taking it back brings the earlier meaning again.

A table of what was learned holds one row for each name, and here stands what it held before.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, and_, func, select

from bakeio_core.history.journal.journal import undone_runs
from bakeio_core.history.tables import REPLACED, has_own, make_own_tables, write_own

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

Learned = dict[str, Any]
"""A row of a table of what was learned, by column; `run` is the import that learned it."""


def standing(db: Connection, table: Table) -> list[Learned]:
    """Return what is known, in the order of the table's key.

    What a run had learned is forgotten while that run is taken back, and what it replaced counts
    again.
    """
    if not has_own(db, table):
        return []
    found = db.execute(select(table).order_by(*table.primary_key.columns)).mappings()
    rows = [dict(row) for row in found]
    undone = undone_runs(db) if rows else {}
    if all(row["run"] not in undone for row in rows):
        return rows
    before = _replaced(db, table, undone)
    known = (row if row["run"] not in undone else before.get(_key(table, row)) for row in rows)
    return [row for row in known if row is not None]


def _replaced(db: Connection, table: Table, undone: Collection[int]) -> dict[str, Learned]:
    """Return the latest of what was replaced and stands, by key."""
    if not has_own(db, REPLACED):
        return {}
    query = select(REPLACED.c.key, REPLACED.c.entry).where(REPLACED.c.learned == table.name)
    found: dict[str, Learned] = {}
    for key, text in db.execute(query.order_by(REPLACED.c.id)):
        entry = json.loads(text)
        if entry["run"] not in undone:
            found[key] = entry
    return found


def learn_instead(db: Connection, table: Table, entry: Learned) -> None:
    """Enter what was learned in place of what was known, which is kept.

    What is known already stays the knowledge of the run that learned it first.
    """
    if any(_meaning(row) == _meaning(entry) for row in standing(db, table)):
        return
    before = db.execute(select(table).where(_same(table, entry))).mappings().first()
    if before is not None:
        if not has_own(db, REPLACED):
            make_own_tables(db)  # the others are older than this table
        last, text = db.scalar(select(func.max(REPLACED.c.id))) or 0, json.dumps(dict(before))
        kept = {"id": last + 1, "learned": table.name, "key": _key(table, entry), "entry": text}
        write_own(db, REPLACED, REPLACED.insert().values(**kept))
        db.execute(table.delete().where(_same(table, entry)))
    write_own(db, table, table.insert().values(**entry))


def forget(db: Connection, table: Table, entry: Learned) -> None:
    """Forget what is known under a key, and what was known before."""
    db.execute(table.delete().where(_same(table, entry)))
    if has_own(db, REPLACED):
        of_it = (REPLACED.c.learned == table.name) & (REPLACED.c.key == _key(table, entry))
        db.execute(REPLACED.delete().where(of_it))


def _same(table: Table, entry: Learned) -> ColumnElement[bool]:
    return and_(*(column == entry[column.name] for column in table.primary_key.columns))


def _meaning(entry: Learned) -> Learned:
    return {name: value for name, value in entry.items() if name not in ("run", "at")}


def _key(table: Table, entry: Learned) -> str:
    return json.dumps([entry[column.name] for column in table.primary_key.columns])
