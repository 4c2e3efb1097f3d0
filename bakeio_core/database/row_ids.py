"""The id of a row in SQL: its primary key, or one text of the columns of that.

What the text is like: `catalog/keys/row_ids.py`.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.model import ROW_KEY
from bakeio_core.catalog.keys.row_ids import key_parts
from bakeio_core.values.kinds.choices import Choice
from bakeio_core.values.kinds.numbers import Decimal
from bakeio_core.values.kinds.text import Identifier, Text
from bakeio_core.values.kinds.times import DateTime

if TYPE_CHECKING:
    from bakeio_core.catalog.entities.model import Entity, RowId
    from bakeio_core.database.dialect import Dialect
    from bakeio_core.values.kinds.kind import Kind


def row_key(dialect: Dialect, table: str, entity: Entity) -> str:
    """Return SQL of the id of a row.

    Args:
        dialect: That of the database.
        table: What the statement calls the table, quoted.
        entity: Whose table it is.
    """
    if entity.primary != ROW_KEY:
        return f"{table}.{dialect.quote(entity.primary)}"
    named = ((f"{table}.{dialect.quote(c)}", entity.kinds[c]) for c in entity.primary_key)
    return " || '/' || ".join(_part(dialect, column, kind) for column, kind in named)


def _uuid(column: str) -> str:
    """Return SQL of a uuid with its hyphens: some columns hold its digits alone, as a text."""
    text = f"CAST({column} AS TEXT)"
    places = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    whole = " || '-' || ".join(f"substr({text}, {at}, {size})" for at, size in places)
    return f"CASE length({text}) WHEN 32 THEN {whole} ELSE {text} END"


def _part(dialect: Dialect, column: str, kind: Kind) -> str:
    if isinstance(kind, Identifier):
        return _uuid(column)
    if isinstance(kind, DateTime):
        return dialect.read(column, kind)
    if isinstance(kind, Decimal):
        return f"CAST({dialect.read_json(column, kind)} AS TEXT)"
    text = f"CAST({column} AS TEXT)"
    if isinstance(kind, (Text, Choice)):
        return f"replace(replace({text}, '~', '~0'), '/', '~1')"
    return text


def wire_id(dialect: Dialect, table: str, entity: Entity) -> str:
    """Return SQL of the id of a row as bakeio has it, where the driver may give another value."""
    key = row_key(dialect, table, entity)
    is_uuid = isinstance(entity.kinds[entity.primary], Identifier)
    return _uuid(key) if is_uuid else key


def rows_of(dialect: Dialect, entity: Entity) -> str:
    """Return what stands after FROM for the rows of an entity; the name they get is to follow.

    They have `ROW_KEY` as one more column, where a row has that.
    """
    table = dialect.format_table(entity.table)
    if entity.primary != ROW_KEY:
        return table
    key = f"{row_key(dialect, 'r', entity)} AS {dialect.quote(ROW_KEY)}"
    return f"(SELECT r.*, {key} FROM {table} r)"


def where_row(dialect: Dialect, entity: Entity) -> str:
    """Return the condition that a row has the id whose parameters `row_parameters` makes."""
    named = ((dialect.quote(c), entity.kinds[c]) for c in entity.primary_key)
    return " AND ".join(f"{column} = {dialect.write(kind)}" for column, kind in named)


def row_parameters(dialect: Dialect, entity: Entity) -> Callable[[RowId], tuple[Any, ...]]:
    """Return what makes the parameters of `where_row` of an id."""
    makers = [dialect.bind(entity.kinds[c], entity.column(c)) for c in entity.primary_key]
    if entity.primary != ROW_KEY and makers[0] is None:
        return lambda identity: (identity,)
    numbers = [isinstance(entity.kinds[column], Decimal) for column in entity.primary_key]

    def parameters(identity: RowId) -> tuple[Any, ...]:
        parts = zip(makers, numbers, key_parts(entity, identity), strict=True)
        return tuple(
            part if make is None else make(decimal.Decimal(part) if is_number else part)
            for make, is_number, part in parts
        )

    return parameters


def order_by(dialect: Dialect, entity: Entity) -> str:
    """Return SQL of the order of ids, for the rows called `t`: the same in every database."""
    named = ((f"t.{dialect.quote(column)}", entity.kinds[column]) for column in entity.primary_key)
    return ", ".join(_sorted(dialect, column, kind) for column, kind in named)


def _sorted(dialect: Dialect, column: str, kind: Kind) -> str:
    if isinstance(kind, Choice):  # some databases sort those as they are declared
        column = f"CAST({column} AS TEXT)"
    by_characters = isinstance(kind, (Text, Choice))
    return f"{column} COLLATE {dialect.by_characters}" if by_characters else column
