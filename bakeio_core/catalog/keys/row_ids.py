"""The id of a row: one value that tells it from all others of its table.

It is the wire value of the primary key. Where that has several columns, the id is a text of their
values joined by `/`, with `~` and `/` in them written `~0` and `~1` as JSON Pointer does (RFC 6901,
section 3); databases make the same text, see `Dialect.row_key`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bakeio_core.catalog.model import ROW_KEY, Entity, RowId
from bakeio_core.values.numbers import Integer


def row_id(entity: Entity, values: Mapping[str, Any]) -> RowId | None:
    """Return the id of a row with these values, None where one that is needed is null.

    Args:
        entity: Whose row it is.
        values: The wire values of its columns, at least of the primary key.
    """
    parts = [values[column] for column in entity.primary_key]
    if None in parts:
        return None
    return parts[0] if len(parts) == 1 else joined(parts)


def joined(parts: Iterable[Any]) -> str:
    """Return the id of a row whose primary key has these values."""
    return "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in parts)


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
