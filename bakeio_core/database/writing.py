"""Write a batch of changes: the default of the hook `bakeio_import_records`."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exc
from sqlalchemy.engine import ExecutionContext

from bakeio_core.catalog.entities.columns import MADE, DefaultFailed
from bakeio_core.catalog.entities.model import ROW_KEY, Entity, RowId
from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.catalog.hookspecs import hookimpl
from bakeio_core.catalog.keys.row_ids import key_parts
from bakeio_core.database.dialect import Dialect
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.row_ids import row_parameters, where_row
from bakeio_core.database.stored.rows import Row, Rows
from bakeio_core.database.systems.refusals.constraints import refusing
from bakeio_core.errors import DatabaseError, counted
from bakeio_core.values.kinds.text import Boolean
from bakeio_core.values.wording import BadValue

if TYPE_CHECKING:
    from sqlalchemy import Connection


@hookimpl(trylast=True)
def bakeio_import_records(db: Connection, entity: Entity, changes: Changes) -> int:
    """Write a batch: delete rows, insert the new ones in one go, and update others.

    A new row may have the key of one that is deleted. Updates are grouped by the columns that
    change. What is made on writing is written through SQLAlchemy, and stands in `changes`
    afterwards.

    Raises:
        NotTaken: The database reports no error, and yet a row is not as it was written.
        NotKept: The database would keep another value than it is given.
    """
    dialect = dialect_of(db)
    taken = _delete(db, dialect, entity, changes.deletes) if changes.deletes else 0
    if entity.filled.made_on_writing and any(MADE in row for row in changes.rows):
        taken += _insert_made(db, entity, changes)
    else:
        taken += _insert(db, dialect, entity, changes)
    updates = [change for change in changes.updates if change.new]
    made = [change for change in updates if MADE in change.new.values()] if updates else []
    taken += _update_made(db, entity, made)
    groups: dict[tuple[str, ...], list[Change]] = {}
    for change in updates:
        if not made or change not in made:
            groups.setdefault(tuple(change.new), []).append(change)
    for columns, group in groups.items():
        taken += _update(db, dialect, entity, columns, group)
    expected = len(changes.rows) + len(updates) + len(changes.deletes)
    if taken < expected and (lost := _not_taken(db, entity, changes, updates)):
        raise NotTaken(entity.name, lost)
    return expected


def _delete(db: Connection, dialect: Dialect, entity: Entity, gone: Sequence[Change]) -> int:
    table, where = dialect.format_table(entity.table), where_row(dialect, entity)
    named = row_parameters(dialect, entity)
    sql = f"DELETE FROM {table} WHERE {where}"
    return dialect.executemany(db, sql, [named(change.known_id) for change in gone])


class NotTaken(DatabaseError):
    """Look at the triggers and rules of a table: they swallow what is written, without an error."""

    code = "constraint"

    def __init__(self, table: str, rows: int) -> None:
        super().__init__(
            f"the database reports no error, but leaves {counted(rows, 'row')} of {table} as "
            "before: a trigger, a rule or a policy of its own discards the change"
        )


class NotKept(NotTaken):
    """Take a column or a database that keeps the value: this one would keep another.

    Attributes:
        column: The column.
    """

    code = "bad-value"

    def __init__(self, column: str, why: str) -> None:
        DatabaseError.__init__(self, why)
        self.column = column


def _not_taken(db: Connection, entity: Entity, changes: Changes, updates: Sequence[Change]) -> int:
    """Count the rows that are not as they were written.

    The database may have counted fewer for another reason: a trigger did the writing itself.
    """
    rows, primary = Rows(db, entity), changes.columns.index(entity.primary)
    new = [row[primary] for row in changes.rows]
    gone = [change.known_id for change in changes.deletes]
    there = rows.by_id([*new, *gone, *(change.known_id for change in updates)])

    def has(change: Change, column: str, value: Any) -> bool:
        return entity.kinds[column].same(rows.value(there[change.known_id], column), value)

    kept = [
        change
        for change in updates
        if change.known_id not in there
        or not all(has(change, c, v) for c, v in change.new.items() if v is not MADE)
    ]
    missing = sum(identity not in there for identity in new)
    return missing + len(kept) + sum(identity in there for identity in gone)


def _insert(db: Connection, dialect: Dialect, entity: Entity, changes: Changes) -> int:
    stored = [c for c in changes.columns if c != ROW_KEY and c not in entity.filled.computed]
    rows = changes.rows
    if len(stored) < len(changes.columns):
        kept = itemgetter(*map(changes.columns.index, stored))
        rows = list(map(kept, rows)) if len(stored) > 1 else [(kept(row),) for row in rows]
    kinds = [entity.kinds[column] for column in stored]
    return dialect.insert(db, entity.table, stored, kinds, _bound(dialect, entity, stored, rows))


def _update(
    db: Connection,
    dialect: Dialect,
    entity: Entity,
    columns: Sequence[str],
    group: Sequence[Change],
) -> int:
    """Write updates that set the same columns; return how many rows took them."""
    table, where = dialect.format_table(entity.table), where_row(dialect, entity)
    named = row_parameters(dialect, entity)
    sets = ", ".join(
        f"{dialect.quote(column)} = {dialect.write(entity.kinds[column])}" for column in columns
    )
    values = _bound(dialect, entity, columns, [tuple(change.new.values()) for change in group])
    ids = (named(change.known_id) for change in group)
    sql = f"UPDATE {refusing(dialect, db, entity.table)} {table} SET {sets} WHERE {where}"
    pairs = zip(values, ids, strict=True)
    return dialect.executemany(db, sql, [(*row, *identity) for row, identity in pairs])


# -- what the application or the database makes on writing
def _insert_made(db: Connection, entity: Entity, changes: Changes) -> int:
    """Insert rows as the application would, in their order, and read back what was made.

    Returns:
        How many of them are there.
    """
    dialect = dialect_of(db)
    firmly = refusing(dialect, db, entity.table)
    own = [entity.column(column).default for column in entity.filled.made_on_writing]
    # a function or an expression may look at the rows before
    is_one_by_one = any(default is not None and not default.is_sequence for default in own)
    for _, some in itertools.groupby(changes.rows, _made_cells):
        rows = [zip(changes.columns, row, strict=True) for row in some]
        for together in ([row] for row in rows) if is_one_by_one else [rows]:
            given = [_given(dialect, entity, row, is_watched=is_one_by_one) for row in together]
            statement = dialect.insert_made(entity.table).values(given[0][0]).prefix_with(firmly)
            _execute(db, entity, statement, [parameters for _, parameters in given])
    index = changes.columns.index(entity.primary)
    there = Rows(db, entity).by_id([row[index] for row in changes.rows])
    # in place: who planned the rows sees what came of them
    changes.rows[:] = [there.get(row[index], row) for row in changes.rows]  # type: ignore[index]
    return len(there)


def _made_cells(row: Row) -> tuple[bool, ...]:
    return tuple([cell is MADE for cell in row])


def _update_made(db: Connection, entity: Entity, group: Sequence[Change]) -> int:
    """Update rows as the application would, and note what was set besides.

    Returns:
        How many rows took it.
    """
    if not group:
        return 0
    taken, dialect = 0, dialect_of(db)
    firmly = refusing(dialect, db, entity.table)
    changing = [entity.column(column).onupdate for column in entity.filled.set_on_update]
    is_watched = any(own is not None and own.is_callable for own in changing)
    for change in group:
        parts = dict(zip(entity.primary_key, key_parts(entity, change.known_id), strict=True))
        named = (entity.column(c) == entity.kinds[c].to_python(v) for c, v in parts.items())
        sql, given = _given(dialect, entity, change.new.items(), is_watched=is_watched)
        setting = entity.table.update().where(and_(*named)).values(sql).prefix_with(firmly)
        taken += _execute(db, entity, setting, [given] if given else [])
    rows = Rows(db, entity)
    there = rows.by_id([change.known_id for change in group])
    for change in group:
        row = there.get(change.known_id)
        if row is not None:
            made = {c: rows.value(row, c) for c, value in change.new.items() if value is MADE}
            change.new = {**change.new, **made}
    return taken


def _given(
    dialect: Dialect, entity: Entity, cells: Iterable[tuple[str, Any]], *, is_watched: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what SQLAlchemy is to write: {key of a column: SQL}, and the parameters.

    What a database does not convert itself goes past the type of its column: that would make
    something else of a null, or of what is stored and the application does not take.

    Args:
        dialect: That of the database.
        entity: Whose row it is.
        cells: The columns and their wire values; what is made on writing is not given.
        is_watched: Whether functions of the application may look at the row: they see the values
            its types take.
    """
    sql, parameters = dict[str, Any](), dict[str, Any]()
    for place, (name, value) in enumerate(cells):
        if value is MADE or name == ROW_KEY:
            continue
        column, kind = entity.column(name), entity.kinds[name]
        bind = dialect.bind(kind, column)
        if bind is None or (is_watched and value is not None):
            parameters[column.key] = None if value is None else kind.to_python(value)
        else:
            sql[column.key] = dialect.parameter(kind, f"bakeio_{place}")
            try:
                parameters[f"bakeio_{place}"] = None if value is None else bind(value)
            except BadValue as error:
                raise NotKept(name, error.message) from None
    return sql, parameters


def _execute(
    db: Connection, entity: Entity, statement: Any, values: Sequence[dict[str, Any]] = ()
) -> int:
    try:
        return db.execute(statement, list(values) or None).rowcount
    except exc.DBAPIError:
        raise
    except exc.StatementError as error:  # what a function raised that makes a value
        reason = error.orig or error
        column = _column_at_work(reason)
        raise DefaultFailed(entity.name, column, entity.declared_by, reason) from error


def _column_at_work(error: BaseException) -> str:
    """Return the column whose value SQLAlchemy was making, empty where it does not tell."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        context = frame.f_locals.get("self")
        if isinstance(context, ExecutionContext) and hasattr(context, "current_parameters"):
            return str(getattr(context, "current_column", ""))
    return ""


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
            try:
                cells[place] = None if cells[place] is None else make(cells[place])
            except BadValue as error:
                raise NotKept(columns[place], error.message) from None
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
    """Return a batch in two halves: what it deletes and the rest, new rows and the rest, or half.

    What is deleted comes first.
    """
    if changes.deletes and (changes.rows or changes.updates):
        first = Changes(changes.entity, changes.columns, deletes=changes.deletes)
        return [first, replace(changes, deletes=[])]
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
