"""Write a document of a header and records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, Protocol

from bakeio_core.catalog.exchange import EncodedBatch
from bakeio_core.files.encoding import CLOSE, encode_lines, opened_document

Progress = Callable[[str, int], None]


class Sink(Protocol):
    """Where bytes go: a hashed file, or stdout."""

    def write(self, data: bytes, /) -> Any: ...


def moment() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


def write_records(
    file: Sink,
    header: Mapping[str, Any],
    batches: Iterable[Any],
    name: str = "",
    progress: Progress | None = None,
) -> int:
    """Write a document, one record a line, and return how many there were."""
    file.write(opened_document(dict(header)))
    written, separator = 0, b""
    for batch in batches:
        if len(batch):
            data = batch.data if isinstance(batch, EncodedBatch) else encode_lines(list(batch))
            file.write(separator + data)
            separator, written = b",\n", written + len(batch)
            if progress:
                progress(name, written)
    file.write(CLOSE if written else CLOSE[1:])
    return written
