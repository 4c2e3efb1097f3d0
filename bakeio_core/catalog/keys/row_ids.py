"""The id of a row: one value that tells it from all others of its table.

It is the wire value of the primary key. Where that has several columns, or holds instants or
numbers with decimals, it is a text of their values joined by `/`, with `~` and `/` in them written
`~0` and `~1` as JSON Pointer does (RFC 6901, section 3); databases make the same text, see
`database/row_ids.py` `row_key`.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable, Mapping
from typing import Any

from bakeio_core.catalog.entities.columns import BY_TEXT
from bakeio_core.catalog.entities.model import ROW_KEY, Entity, RowId
from bakeio_core.values.kinds.numbers import Integer


def row_id(entity: Entity, values: Mapping[str, Any]) -> RowId | None:
    """Return the id of a row with these values, None where one that is needed is null.

    Args:
        entity: Whose row it is.
        values: The wire values of its columns, at least of the primary key.
    """
    parts = [values[column] for column in entity.primary_key]
    if None in parts:
        return None
    return joined(parts) if entity.primary == ROW_KEY else parts[0]


def is_by_text(entity: Entity) -> bool:
    """Tell whether rows are found by the text of their primary key alone, in every database."""
    return any(isinstance(entity.kinds[column], BY_TEXT) for column in entity.primary_key)


def joined(parts: Iterable[Any]) -> str:
    """Return the id of a row whose primary key has these values."""
    return "/".join(_text(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _text(part: Any) -> str:
    """Return a value as the database makes a text of it: numbers without needless zeros."""
    if isinstance(part, (float, decimal.Decimal)):
        exact = decimal.Decimal(str(part))
        return "0" if not exact else f"{exact.normalize():f}"
    return str(part)


def key_parts(entity: Entity, identity: RowId) -> tuple[Any, ...]:
    """Return the values of the primary key that an id stands for, in the order of its columns."""
    if entity.primary != ROW_KEY:
        return (identity,)
    parts = [part.replace("~1", "/").replace("~0", "~") for part in str(identity).split("/")]
    kinds = [entity.kinds[column] for column in entity.primary_key]
    return tuple(
        int(part) if isinstance(kind, Integer) else part
        for kind, part in zip(kinds, parts, strict=True)
    )
