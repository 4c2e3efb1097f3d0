"""Find what of a document's header stands behind its records, as other programs may put it."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import IO, Any

from bakeio_core.errors import DocumentError

_END = re.compile(rb"\}[ \t\r\n]*\][ \t\r\n]*\}[ \t\r\n]*\Z")
"""What a document ends with that has nothing behind its records."""
_TAIL = 4096
COUNTS = frozenset(
    [
        *("view_name", "entity_type", "view_version", "file_version", "manifest_version", "part"),
        *("database_id", "export_id", "exported_at", "record_count", "skipped_at"),
    ]
)
"""The fields of a header that change what an import does."""


def fields_behind(
    open_: Callable[[], IO[bytes]],
    scan: Callable[[IO[bytes]], Iterator[tuple[str | None, Any]]],
    front: Collection[str],
) -> dict[str, Any]:
    """Return the header fields behind the records of a file; none of a stream.

    Nearly all files end with their records, which their last bytes tell. Others are read once more;
    what is broken in them is said where their records are read.

    Args:
        open_: A function returning the document as a binary stream.
        scan: A function yielding (name, value) of a field, (None, ...) of a record, in order.
        front: The fields in front, which stand twice where they are there too.
    """
    found: dict[str, Any] = {}
    with open_() as file:
        if not _may_hold_more(file):
            return found
    has_records = False
    with suppress(DocumentError), open_() as file:
        for name, value in scan(file):
            if name is None:
                has_records = True
            elif has_records and name not in front:
                found[name] = value
    return found


def _may_hold_more(file: IO[bytes]) -> bool:
    try:
        file.fileno()
        size = file.seek(0, os.SEEK_END)
    except (AttributeError, OSError, io.UnsupportedOperation):
        return False
    file.seek(max(0, size - _TAIL))
    return _END.search(file.read()) is None
