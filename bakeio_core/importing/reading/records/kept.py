"""What a file says a database holds, though its column would not take it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bakeio_core.catalog.fields import REV
from bakeio_core.files.revision import field_hash
from bakeio_core.importing.reading.sources import Part
from bakeio_core.values import BadValue


def kept_value(part: Part, name: str, value: Any, raw: Mapping[str, Any]) -> Any:
    """Return the wire value of what only breaks its column's declaration and was stored so.

    That is what the same kind of database exported, or what `_rev` says was there.

    Args:
        part: The part that is read.
        name: The field.
        value: What the file has in it.
        raw: The whole record.

    Raises:
        BadValue: It was not stored that way, or nothing says that it was.
    """
    item = part.fields.by_name[name]
    kept = item.kind.kept(value)
    if isinstance(kept, float) and item.column in (part.entity.primary, *part.entity.references):
        raise BadValue("names no row")
    if part.keeps_stored and kept is not None:
        item.kind.check_range(kept)  # no database takes what its own constraint refuses
    if not (part.keeps_stored or _is_unedited(part, name, kept, raw.get(REV))):
        raise BadValue("was not stored that way")
    return kept


def _is_unedited(part: Part, name: str, value: Any, rev: Any) -> bool:
    """Tell whether a field is what it was when its record was exported."""
    revision = part.revision
    if revision is None or name not in revision.fields or not isinstance(rev, str):
        return False
    try:
        read = revision.read(rev)
    except ValueError:
        return False
    return read is not None and read.fields[revision.places[name]] == field_hash(value)
