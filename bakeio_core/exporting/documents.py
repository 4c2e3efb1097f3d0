"""Write a document of a header and records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from bakeio_core.catalog.exchange import EncodedBatch, Progress
from bakeio_core.files.documents.encoding import CLOSE, encode_lines, opened_document
from bakeio_core.files.output import Sink


def moment() -> datetime:
    """Return this moment in UTC, without its zone: files end it with a Z of their own."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


def write_records(
    file: Sink,
    header: Mapping[str, Any],
    batches: Iterable[Any],
    name: str = "",
    progress: Progress | None = None,
) -> int:
    """Write a document, one record a line.

    Args:
        file: Where to.
        header: The fields before `records`.
        batches: The records, as the hooks give them.
        name: What `progress` is told they are of.
        progress: Called after each batch.

    Returns:
        How many records there were.
    """
    file.write(opened_document(dict(header)))
    written = 0
    for batch in batches:
        if len(batch):
            data = batch.data if isinstance(batch, EncodedBatch) else encode_lines(list(batch))
            file.write(b",\n" + data if written else data)
            written += len(batch)
            if progress:
                progress(name, written)
    file.write(CLOSE if written else CLOSE[1:])
    return written
