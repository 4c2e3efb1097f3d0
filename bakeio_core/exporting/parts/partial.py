"""Which part of a database a set holds, so that every reference in it finds its row.

Of a range of days a set holds the rows dated in it and whatever those refer to, over any number of
steps. A row without a date of its own has that of the row it belongs to
(`catalog/keys/dating.py`).
Where transactional entities are left out, references to them are left out of the others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, literal_column, or_, types

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.keys.dating import date_paths, step_from, step_over
from bakeio_core.catalog.keys.omitting import references_into
from bakeio_core.database.dialects import columns_there, dialect_of, tables_there
from bakeio_core.database.systems.columns.unknown_columns import unknown_columns
from bakeio_core.exporting.parts.closure import Closure
from bakeio_core.exporting.parts.options import ExportOptions
from bakeio_core.exporting.records import count_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.types import TypeEngine

    from bakeio_core.catalog.catalog import Catalog
    from bakeio_core.database.dialect import Dialect

ROWS = "r"
"""What SQL of a date calls the rows it is of."""


@dataclass(frozen=True)
class Part:
    """What of a database a set holds.

    Attributes:
        entities: Those it holds, in import order, with the rows and references it holds.
        omitted: The names of those that are left out.
        dates: SQL of the date of each narrowed entity's rows, which it calls `ROWS`, by name.
    """

    entities: Mapping[str, Entity]
    omitted: tuple[str, ...] = ()
    dates: Mapping[str, str] = field(default_factory=dict)


def part_of(db: Connection, catalog: Catalog, options: ExportOptions) -> Part:
    """Tell what a set is to hold.

    Rows without a date are in the half that has no first day, so that two halves are everything.

    Args:
        db: The connection.
        catalog: The entities that are installed.
        options: What is wanted.
    """
    since, until = options.since, options.until
    dialect = dialect_of(db)
    there = tables_there(db)
    paths = date_paths(catalog.entities)
    blocked = {*filter(catalog.is_blocked, there)}
    gone = {} if options.transactional else paths
    omitted = (*gone, *sorted(catalog.blocked | blocked), *catalog.disabled)
    if gone:
        kept = [entity for name, entity in catalog.entities.items() if name not in gone]
        left = {e.name: e.without(references_into(e, gone)) for e in kept}
        return Part(left, omitted)
    if since is None and until is None:
        return Part(catalog.entities, omitted)
    tables = columns_there(db, catalog.tables.values())  # in whatever schema they are
    made = {name: entity for name, entity in catalog.entities.items() if entity.table in tables}
    dates, inside = {}, {}
    for name, path in paths.items():
        if name in made:
            dates[name], kind = _date(dialect, made, made[name], path)
            inside[name] = _within(dialect, dates[name], kind, since, until)
    rows = Closure(dialect, made, inside).rows
    entities = {
        name: entity.narrow(rows[name]) if name in rows else entity
        for name, entity in catalog.entities.items()
    }
    return Part(entities, omitted, dates)


# -- days
def _date(
    dialect: Dialect, entities: Mapping[str, Entity], entity: Entity, path: str, rows: str = ROWS
) -> tuple[str, TypeEngine[Any]]:
    """Return SQL of what a path leads to, null where it leads to no row; and its type.

    Args:
        dialect: That of the database.
        entities: All of them, by name.
        entity: Where the path begins.
        path: A column, or foreign keys and a column.
        rows: What the entity's rows are called.
    """
    quote = dialect.quote
    first, _, rest = path.partition(".")
    step = step_from(entity, first, entities) if rest else None
    if step is None:
        return f"{rows}.{quote(first)}", entity.column(first).type
    parents = f"{rows}p"
    value, kind = _date(dialect, entities, step.target, rest, parents)
    on = " AND ".join(
        f"{parents}.{quote(to)} = {rows}.{quote(column)}"
        for to, column in zip(step.to, step.columns, strict=True)
    )
    table = dialect.format_table(step.target.table)
    return f"(SELECT {value} FROM {table} {parents} WHERE {on})", kind


def _within(
    dialect: Dialect, value: str, kind: TypeEngine[Any], since: date | None, until: date | None
) -> str:
    """Return SQL that tells whether a date is within the range, in the type of its column."""
    bounds: list[date | None] = [since, until + timedelta(days=1) if until is not None else None]
    if isinstance(kind, types.DateTime):
        bounds = [
            datetime(day.year, day.month, day.day, tzinfo=timezone.utc) if day else None
            for day in bounds
        ]
    low, high = bounds
    day = literal_column(value, kind)
    conditions: list[ColumnElement[bool]] = []
    if low is not None:
        conditions.append(day >= low)
    if high is not None:
        conditions.append(day < high)
    inside = and_(*conditions)
    whole = inside if low is not None else or_(inside, day.is_(None))
    return str(whole.compile(dialect=dialect.sa, compile_kwargs={"literal_binds": True}))


# -- what is not in it
def omitted_records(
    db: Connection, part: Part, entities: Mapping[str, Entity], counts: Mapping[str, int]
) -> dict[str, int]:
    """Count the rows of narrowed entities that are not in the set: {entity: number}."""
    found = {name: count_rows(db, entities[name]) - counts[name] for name in part.dates}
    return {name: count for name, count in found.items() if count > 0}


def omitted_references(db: Connection, part: Part) -> list[dict[str, Any]]:
    """Tell which references are left out, and in how many rows they name something."""
    quote = dialect_of(db).quote
    return [
        {
            "entity": entity.name,
            "field": column,
            "rows": _count(db, entity, f"{ROWS}.{quote(column)} IS NOT NULL"),
        }
        for entity in part.entities.values()
        for column in sorted(entity.left_out)
    ]


def hidden_references(db: Connection, part: Part, hidden: Collection[str]) -> list[dict[str, Any]]:
    """Tell in how many rows references name one that policies hide; none of zero.

    Args:
        db: The connection.
        part: What the set holds.
        hidden: The entities of which policies may hide rows.
    """
    quote, found = dialect_of(db).quote, []
    for entity in part.entities.values():
        steps = [step_over(f, part.entities) for f in entity.foreign_keys if f.target in hidden]
        for step in steps:
            pairs = zip(step.to, step.columns, strict=True)
            on = " AND ".join(f"t.{quote(to)} = {ROWS}.{quote(column)}" for to, column in pairs)
            table = dialect_of(db).format_table(step.target.table)
            named = [f"{ROWS}.{quote(column)} IS NOT NULL" for column in step.columns]
            unseen = [*named, f"NOT EXISTS (SELECT 1 FROM {table} t WHERE {on})"]
            count = _count(db, entity, " AND ".join(unseen))
            field = "/".join(step.columns)
            found += [{"entity": entity.name, "field": field, "rows": count}] if count else []
    return found


def omitted_columns(db: Connection, part: Part) -> dict[str, list[str]]:
    """Return the columns that the tables of a set have, and nobody declared: {entity: columns}."""
    dialect = dialect_of(db)
    found = {name: unknown_columns(dialect, db, entity) for name, entity in part.entities.items()}
    return {name: columns for name, columns in found.items() if columns}


def undated(db: Connection, part: Part) -> dict[str, int]:
    """Count the rows of narrowed entities that have no date: {entity: number}, none of zero."""
    found = {
        name: _count(db, part.entities[name], f"{value} IS NULL")
        for name, value in part.dates.items()
    }
    return {name: count for name, count in found.items() if count}


def _count(db: Connection, entity: Entity, condition: str) -> int:
    dialect = dialect_of(db)
    if not columns_there(db, [entity.table]):
        return 0
    table = dialect.format_table(entity.table)
    return int(dialect.scalar(db, f"SELECT count(*) FROM {table} {ROWS} WHERE {condition}") or 0)
