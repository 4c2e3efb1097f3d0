"""Rows -> records of an entity's file: the default of the hook `bakeio_export_records`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select, types

from bakeio_core.catalog.exchange import Batch, EncodedBatch
from bakeio_core.catalog.fields import record_fields
from bakeio_core.catalog.hookspecs import hookimpl
from bakeio_core.catalog.model import Entity
from bakeio_core.database.dialect import MOST_JSON_FIELDS, Dialect
from bakeio_core.database.dialects import dialect_of
from bakeio_core.values.numbers import Decimal

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog

PAGE = 2000


def _source(dialect: Dialect, entity: Entity, catalog: Catalog) -> str:
    quote = dialect.quote
    joins = [f"{dialect.format_table(entity.table)} t"]
    for place, reference in enumerate(entity.references.values()):
        target = catalog.entities[reference.target]
        on = f"p{place}.{quote(target.primary)} = t.{quote(reference.column)}"
        joins.append(f"LEFT JOIN {dialect.format_table(target.table)} p{place} ON {on}")
    return " ".join(joins)


def _columns(entity: Entity, catalog: Catalog, quote: Any) -> dict[str, tuple[str, Any, Any]]:
    """Return {field: (SQL column, its kind, its SQLAlchemy column)}."""
    places = {column: place for place, column in enumerate(entity.references)}
    out = {}
    for name, (column, wanted) in record_fields(entity).items():
        if wanted is None:
            out[name] = (f"t.{quote(column)}", entity.kinds[column], entity.table.c[column])
        else:
            target = catalog.entities[entity.references[column].target]
            out[name] = (
                f"p{places[column]}.{quote(wanted)}",
                target.kinds[wanted],
                target.table.c[wanted],
            )
    return out


@hookimpl(trylast=True)
def bakeio_export_records(db: Connection, entity: Entity, catalog: Catalog) -> Iterator[Batch]:
    """Give every row of the entity in the order of its ids, references with their lookup fields.

    Columns an older database does not have yet are left out.
    """
    return _export(db, entity, catalog)


def _export(db: Connection, entity: Entity, catalog: Catalog) -> Iterator[Batch]:
    dialect = dialect_of(db)
    there = dialect.existing_columns(db)
    columns = {
        name: found
        for name, found in _columns(entity, catalog, dialect.quote).items()
        if found[2].name in there.get(found[2].table.name, ())
    }
    if entity.name not in there or not columns:
        return
    source, order = _source(dialect, entity, catalog), f"t.{dialect.quote(entity.primary)}"
    if len(columns) <= MOST_JSON_FIELDS and all(
        kind.sql_convertible for _, kind, _ in columns.values()
    ):
        fields = {name: dialect.read_json(sql, kind) for name, (sql, kind, _) in columns.items()}
        for count, data in dialect.json_pages(
            db, fields, source, order, PAGE, _where(dialect, entity)
        ):
            yield EncodedBatch(count, data)
        return
    names = list(columns)
    makers = [
        dialect.result(kind, column) or (kind.from_python if isinstance(kind, Decimal) else None)
        for _, kind, column in columns.values()
    ]
    selected = ", ".join(dialect.read(sql, kind) for sql, kind, _ in columns.values())
    last = -(1 << 63)
    while True:
        where = _where(dialect, entity, f"{order} > {last}")
        rows = dialect.fetch(
            db, f"SELECT {selected}, {order} FROM {source} {where} ORDER BY {order} LIMIT {PAGE}"
        )
        if rows:
            last = rows[-1][-1]
            yield [
                {
                    n: make(cell) if make else cell
                    for n, make, cell in zip(names, makers, row, strict=False)
                }
                for row in rows
            ]
        if len(rows) < PAGE:
            return


def in_range(catalog: Catalog, since: date | None, until: date | None) -> dict[str, Entity]:
    """Return the catalog's entities, those with a date narrowed to the days from `since` to `until` (both included).

    A row outside the range is kept where a row inside it refers to it; rows without a date are left out.
    """
    entities = dict(catalog.entities)
    if since is None and until is None:
        return entities
    chosen: dict[str, list[Any]] = {}
    for entity in reversed(
        catalog.entities.values()
    ):  # those that refer come before those referred to
        if entity.date is None:
            continue
        day = entity.table.c[entity.date]
        low, high = _days(day, since, until)
        conditions = [
            and_(
                *([day >= low] if low is not None else []),
                *([day < high] if high is not None else []),
                day.is_not(None),
            )
        ]
        conditions += chosen.get(entity.name, [])
        rows = select(entity.table.c[entity.primary]).where(or_(*conditions))
        entities[entity.name] = entity.narrow(rows)
        for reference in entity.references.values():
            column = entity.table.c[reference.column]
            wanted = select(column).where(
                entity.table.c[entity.primary].in_(rows), column.is_not(None)
            )
            target = catalog.entities[reference.target]
            chosen.setdefault(reference.target, []).append(
                target.table.c[target.primary].in_(wanted)
            )
    return entities


def _days(column: Any, since: date | None, until: date | None) -> tuple[Any, Any]:
    """Return the range as [low, high) in the column's own type."""
    after = until + timedelta(days=1) if until is not None else None
    if isinstance(column.type, types.DateTime):
        return tuple(
            datetime(d.year, d.month, d.day, tzinfo=timezone.utc) if d else None
            for d in (since, after)
        )  # type: ignore[return-value]
    return since, after


def count_rows(db: Connection, entity: Entity) -> int:
    """Return how many records the default export of the entity gives; 0 where its table is missing."""
    dialect = dialect_of(db)
    if not dialect.has_table(db, entity.name):
        return 0
    return int(
        dialect.scalar(
            db,
            f"SELECT count(*) FROM {dialect.format_table(entity.table)} t {_where(dialect, entity)}",
        )
        or 0
    )


def _where(dialect: Dialect, entity: Entity, more: str = "") -> str:
    conditions = [more] if more else []
    if entity.rows is not None:
        sql = str(entity.rows.compile(dialect=dialect.sa, compile_kwargs={"literal_binds": True}))
        conditions.append(f"t.{dialect.quote(entity.primary)} IN ({sql})")
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
