"""Find the answers in a document that name a ticket, whatever is wrapped around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bakeio_core.files.documents.document import RECORDS, Document
from bakeio_core.importing.reading.answers.shapes import TICKET

DEEPEST = 4
"""So many wrappers stand around an answer at most."""


def lean_answer(document: Document) -> list[Mapping[str, Any]]:
    """Return the answers in a document that name a ticket; none where it is another document."""
    header = document.header
    if TICKET in header and document.has_records:
        return [header | {RECORDS: _records(document)}]
    if document.kind != "unknown":
        return []
    return list(_answers([header, _records(document)], 0))


def _records(document: Document) -> list[Any]:
    blocks = document.blocks() if document.has_records else ()
    items = (item for block in blocks for _, item in block.as_dicts(document.name))
    return [item for item in items if isinstance(item, dict)]


def _answers(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        if TICKET in value:
            yield value
        elif depth < DEEPEST:
            for inner in value.values():
                yield from _answers(inner, depth + 1)
    elif isinstance(value, list) and depth < DEEPEST:
        for inner in value:
            yield from _answers(inner, depth + 1)
