"""Columns of a table that nobody declared: which there are, and what rows have in them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bakeio_core.database.dialect import Dialect, Rows
from bakeio_core.database.row_ids import row_parameters, where_row

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.entities.model import Entity, RowId

Cells = Mapping["RowId", Mapping[str, Any]]
"""{id of a row: {column: what is stored in it}}, as JSON has it; without nulls."""
_BYTES = "base64"


def unknown_columns(dialect: Dialect, db: Connection, entity: Entity) -> list[str]:
    """Return the columns that the table of an entity has beside those it declares."""
    known = {*entity.columns, *entity.left_out}
    return sorted(column for column, _, _ in _columns(dialect, db, entity) if column not in known)


def unknown_cells(
    dialect: Dialect, db: Connection, entity: Entity, ids: Sequence[RowId]
) -> dict[RowId, Any]:
    """Return what rows have in such columns (`Cells`), but for what the database computes."""
    types = _types(dialect, db, entity) if ids else {}
    if not types:
        return {}
    cells = ", ".join(_read(dialect, column) for column in types)
    table, named = dialect.format_table(entity.table), row_parameters(dialect, entity)
    sql = f"SELECT {cells} FROM {table} WHERE {where_row(dialect, entity)}"
    found = {}
    for identity in ids:
        row = next(iter(dialect.fetch(db, sql, named(identity))), ())
        stored = {c: _as_json(cell) for c, cell in zip(types, row, strict=False)}
        kept = {column: cell for column, cell in stored.items() if cell is not None}
        if kept:
            found[identity] = kept
    return found


def give_back(dialect: Dialect, db: Connection, entity: Entity, cells: Cells) -> list[str]:
    """Put what rows had in such columns into them again.

    Returns:
        The columns that are gone.
    """
    types = _types(dialect, db, entity) if cells else {}
    table, named = dialect.format_table(entity.table), row_parameters(dialect, entity)
    gone: dict[str, None] = {}
    for identity, row in cells.items():
        known = {column: cell for column, cell in row.items() if column in types}
        gone |= dict.fromkeys(row.keys() - known.keys())
        if known:
            sets = ", ".join(f"{dialect.quote(c)} = {_write(dialect, types[c])}" for c in known)
            sql = f"UPDATE {table} SET {sets} WHERE {where_row(dialect, entity)}"
            values = (*map(_as_stored, known.values()), *named(identity))
            dialect.executemany(db, sql, [values])
    return sorted(gone)


def _types(dialect: Dialect, db: Connection, entity: Entity) -> dict[str, str]:
    """Return {column: its type} of the columns nobody declared that can be written."""
    known, found = {*entity.columns, *entity.left_out}, _columns(dialect, db, entity)
    return {column: kind for column, kind, is_made in found if column not in known and not is_made}


def _columns(dialect: Dialect, db: Connection, entity: Entity) -> Rows:
    """Return the columns of a table: (name, type, whether the database alone makes its values)."""
    if dialect.name == "sqlite":
        schema = f"{dialect.quote(entity.table.schema)}." if entity.table.schema else ""
        pragma = f"PRAGMA {schema}table_xinfo({dialect.quote(entity.table.name)})"
        # 1 is a hidden column of a virtual table, 2 and 3 are computed
        return [(row[1], row[2], row[6]) for row in dialect.fetch(db, pragma) if row[6] != 1]
    sql = (
        "SELECT attname, format_type(atttypid, atttypmod), "
        "attgenerated <> '' OR attidentity = 'a' FROM pg_attribute "
        "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
    )
    return dialect.fetch(db, sql, (dialect.format_table(entity.table),))


def _read(dialect: Dialect, column: str) -> str:
    quoted = dialect.quote(column)
    return quoted if dialect.name == "sqlite" else f"{quoted}::text"


def _write(dialect: Dialect, kind: str) -> str:
    return dialect.mark if dialect.name == "sqlite" else f"{dialect.mark}::text::{kind}"


def _as_json(cell: Any) -> Any:
    if isinstance(cell, bytes):
        return {_BYTES: base64.b64encode(cell).decode()}
    return cell


def _as_stored(cell: Any) -> Any:
    if isinstance(cell, Mapping):
        return base64.b64decode(cell[_BYTES])
    return float(cell) if isinstance(cell, Decimal) else cell
