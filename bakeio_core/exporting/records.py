"""Rows -> records of an entity's file: the default of the hook `bakeio_export_records`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.exchange import Batch, EncodedBatch
from bakeio_core.catalog.fields import entity_fields
from bakeio_core.catalog.hookspecs import hookimpl
from bakeio_core.database.dialect import MOST_JSON_FIELDS, Dialect, is_doubtful
from bakeio_core.database.dialects import columns_there, dialect_of
from bakeio_core.database.row_ids import rows_of
from bakeio_core.exporting.careful import PAGE, Cell, StoredRows, refuse
from bakeio_core.values.kinds.numbers import Integer

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog

AS_STORED = ", or write null in their place with --as-stored: the manifest then has them"


def _source(dialect: Dialect, entity: Entity, catalog: Catalog) -> str:
    """Return the FROM part: the table as `t`, the rows its references name as `p0`, `p1`, ..."""
    quote = dialect.quote
    joins = [f"{rows_of(dialect, entity)} t"]
    for index, reference in enumerate(entity.references.values()):
        target = catalog.entities[reference.target]
        on = f"p{index}.{quote(reference.to)} = t.{quote(reference.column)}"
        joins.append(f"LEFT JOIN {dialect.format_table(target.table)} p{index} ON {on}")
    return " ".join(joins)


def _columns(dialect: Dialect, entity: Entity, catalog: Catalog) -> dict[str, Cell]:
    """Return the cell of every field."""
    aliases = {column: f"p{index}" for index, column in enumerate(entity.references)}
    out = {}
    for field in entity_fields(entity, catalog):
        alias, owner, reference = "t", entity, str(field.column)
        if reference in entity.left_out:
            continue
        if field.target is not None:
            alias, owner = aliases[reference], catalog.entities[entity.references[reference].target]
        column = field.target or reference
        sql = f"{alias}.{dialect.quote(column)}"
        out[field.name] = (sql, field.kind, owner.column(column))
    return out


def _doubts(
    dialect: Dialect, entity: Entity, catalog: Catalog, columns: Mapping[str, Cell]
) -> Iterator[str | None]:
    """Yield SQL that is true for rows with a cell that wants care."""
    for name, (sql, kind, column) in columns.items():
        if name not in entity.references and column is not entity.column(entity.primary):
            yield dialect.doubt(sql, kind)
    yield from _dangling(dialect, entity, catalog).values()


def _dangling(dialect: Dialect, entity: Entity, catalog: Catalog) -> dict[str, str]:
    """Return, by reference, SQL that is true for rows whose reference names no row.

    None of a database that keeps references whole.
    """
    found = {}
    for index, reference in enumerate(entity.references.values()):
        to, column = dialect.quote(reference.to), f"t.{dialect.quote(reference.column)}"
        found[reference.column] = f"(p{index}.{to} IS NULL AND {column} IS NOT NULL)"
    return {} if dialect.is_strict else found


@hookimpl(trylast=True)
def bakeio_export_records(db: Connection, entity: Entity, catalog: Catalog) -> Iterator[Batch]:
    """Give every row of the entity in the order of its ids, references with their lookup fields.

    Columns an older database does not have yet are left out.

    Raises:
        ExportRefused: After the last record, where a cell holds what no file can; of an entity
            `with_gaps` it is null.
    """
    return _export(db, entity, catalog)


def _export(db: Connection, entity: Entity, catalog: Catalog) -> Iterator[Batch]:
    dialect = dialect_of(db)
    there = columns_there(db, catalog.tables.values())
    columns = {
        name: found
        for name, found in _columns(dialect, entity, catalog).items()
        if found[2].name in there.get(found[2].table, ())
    }
    if entity.table not in there or not columns:
        return
    source, where = _source(dialect, entity, catalog), _where(dialect, entity)
    dangling = _dangling(dialect, entity, catalog)
    stored = StoredRows(db, dialect, entity, columns, source, where, dangling)
    doubts = _doubts(dialect, entity, catalog, columns)
    doubt = " OR ".join(filter(None, doubts))
    # pages are told by numbers; rows without one are read with care in one go
    is_numbered = isinstance(entity.kinds[entity.primary], Integer)
    if (
        is_numbered
        and len(columns) <= MOST_JSON_FIELDS
        and all(kind.sql_convertible for _, kind, _ in columns.values())
    ):
        fields = {name: dialect.read_json(sql, kind) for name, (sql, kind, _) in columns.items()}
        order = f"t.{dialect.quote(entity.primary)}"
        for page in dialect.json_pages(db, fields, source, order, PAGE, where, doubt):
            if page.data is not None:
                yield EncodedBatch(page.count, page.data)
            elif dialect.is_strict or stored.names_no_row(page.after, page.last):
                yield from stored.careful_pages(page.after, page.last)
            else:
                yield from stored.pages(page.after, page.last)
    elif (
        not is_numbered
        or stored.names_no_row()
        or (dialect.is_strict and is_doubtful(db, dialect, entity.table, entity.kinds))
    ):
        yield from stored.careful_pages()
    else:
        yield from stored.pages()
    if not entity.has_gaps:
        refuse(stored.problems, AS_STORED)


def count_rows(db: Connection, entity: Entity) -> int:
    """Count the records the default export of an entity gives; 0 where its table is missing."""
    dialect = dialect_of(db)
    if not columns_there(db, [entity.table]):
        return 0
    source = f"{rows_of(dialect, entity)} t {_where(dialect, entity)}"
    return int(dialect.scalar(db, f"SELECT count(*) FROM {source}") or 0)


def _where(dialect: Dialect, entity: Entity) -> str:
    if entity.rows is None:
        return ""
    return f"WHERE t.{dialect.quote(entity.primary)} IN ({entity.rows})"
