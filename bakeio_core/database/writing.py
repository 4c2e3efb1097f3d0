"""Write a batch of changes: the default of the hook `bakeio_import_records`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.catalog.hookspecs import hookimpl
from bakeio_core.catalog.model import ROW_KEY, Entity, RowId
from bakeio_core.database.dialect import Dialect
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.row_ids import row_parameters, where_row
from bakeio_core.values.text import Boolean

if TYPE_CHECKING:
    from sqlalchemy import Connection


@hookimpl(trylast=True)
def bakeio_import_records(db: Connection, entity: Entity, changes: Changes) -> int:
    """Write a batch: insert its new rows in one go, update others, and delete.

    Updates are grouped by the columns that change.
    """
    dialect = dialect_of(db)
    _insert(db, dialect, entity, changes)
    groups: dict[tuple[str, ...], list[Change]] = {}
    for change in changes.updates:
        if change.new:
            groups.setdefault(tuple(change.new), []).append(change)
    table, where = dialect.format_table(entity.table), where_row(dialect, entity)
    named = row_parameters(dialect, entity)
    for columns, group in groups.items():
        sets = ", ".join(
            f"{dialect.quote(column)} = {dialect.write(entity.kinds[column])}" for column in columns
        )
        values = _bound(dialect, entity, columns, [tuple(change.new.values()) for change in group])
        ids = (named(change.known_id) for change in group)
        sql = f"UPDATE {table} SET {sets} WHERE {where}"
        pairs = zip(values, ids, strict=True)
        dialect.executemany(db, sql, [(*row, *identity) for row, identity in pairs])
    sql = f"DELETE FROM {table} WHERE {where}"
    dialect.executemany(db, sql, [named(change.known_id) for change in changes.deletes])
    return len(changes.rows) + sum(map(len, groups.values())) + len(changes.deletes)


def _insert(db: Connection, dialect: Dialect, entity: Entity, changes: Changes) -> None:
    stored = [c for c in changes.columns if c != ROW_KEY]
    rows = changes.rows
    if len(stored) < len(changes.columns):
        kept = itemgetter(*map(changes.columns.index, stored))
        rows = list(map(kept, rows))
    kinds = [entity.kinds[column] for column in stored]
    dialect.insert(db, entity.table, stored, kinds, _bound(dialect, entity, stored, rows))


def _bound(
    dialect: Dialect, entity: Entity, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> Sequence[tuple[Any, ...]]:
    makers = [
        (place, make)
        for place, c in enumerate(columns)
        if (make := dialect.bind(entity.kinds[c], entity.column(c)))
    ]
    if not makers or not rows:
        return rows
    out = []
    for row in rows:
        cells = list(row)
        for place, make in makers:
            cells[place] = None if cells[place] is None else make(cells[place])
        out.append(tuple(cells))
    return out


def whole_row(entity: Entity, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row as it is exported: SQLite says 0 and 1 for false and true."""
    kinds = entity.kinds.values()
    return tuple(
        [
            bool(c) if isinstance(kind, Boolean) and c is not None else c
            for kind, c in zip(kinds, row, strict=True)
        ]
    )


def cut_links(
    db: Connection, entity: Entity, columns: Collection[str], ids: Collection[RowId]
) -> None:
    """Empty references of rows about to be deleted: no order of deleting would do for a ring."""
    dialect = dialect_of(db)
    table, where = dialect.format_table(entity.table), where_row(dialect, entity)
    named = list(map(row_parameters(dialect, entity), ids)) if columns else []
    for column in columns:
        sql = f"UPDATE {table} SET {dialect.quote(column)} = NULL WHERE {where}"
        dialect.executemany(db, sql, named)


def halved(changes: Changes) -> list[Changes]:
    """Return a batch in two halves: new rows and the rest, or half of each."""
    if changes.deletes:
        middle = len(changes.deletes) // 2
        parts = [changes.deletes[:middle], changes.deletes[middle:]]
        return [Changes(changes.entity, changes.columns, deletes=part) for part in parts if part]
    if changes.rows and changes.updates:
        return [
            Changes(changes.entity, changes.columns, changes.rows, changes.numbers),
            Changes(changes.entity, changes.columns, updates=changes.updates),
        ]
    middle, several = len(changes.rows) // 2, len(changes.updates) // 2
    return [
        Changes(
            changes.entity,
            changes.columns,
            changes.rows[:middle],
            changes.numbers[:middle],
            changes.updates[:several],
        ),
        Changes(
            changes.entity,
            changes.columns,
            changes.rows[middle:],
            changes.numbers[middle:],
            changes.updates[several:],
        ),
    ]
