"""A log of skipped records, read again as a source once it was corrected."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.plugins import packages
from bakeio_core.errors import DocumentError, Problem, Problems
from bakeio_core.files.documents.composed.in_memory import InMemoryDocument
from bakeio_core.files.documents.document import Document
from bakeio_core.files.documents.scanner import BrokenRecord, as_record
from bakeio_core.files.sets.origin import origin_problems
from bakeio_core.importing.reading.building import of_entity, of_view, whose
from bakeio_core.importing.reading.sources import Part, Source
from bakeio_core.values.wording import shown

GIVEN = "from_assistant"
"""The field of an entry with the values an assistant gave, {field: source it named or nothing}."""
Origins = dict[tuple[int, str], str]
Grouped = dict[tuple[str, str], list[tuple[int, dict[str, Any] | Problem]]]
"""{(view, entity), one of them empty: its records, each with its number in the log}."""


def not_a_log(path: Path) -> str | None:
    """Say why a file must not be replaced by a log: None where it is one."""
    with suppress(DocumentError):
        document = Document.at(path)
        if document.kind == "skipped" and "total_skipped" in document.header:
            return None
    return "is not a log of skipped records"


def open_log(document: Document, catalog: Catalog) -> Source:
    """Return the records of a log as a source, one part for each view or entity in it.

    They are numbered as in the log.

    Raises:
        DocumentError: It holds no records, or those of something that is not installed.
    """
    from bakeio_core.resolving.decision_files.file import decisions_of

    header = document.header
    problems = Problems()
    for problem in origin_problems(header, document.name):
        problems.add(problem)
    numbers, grouped, origins = _grouped(document, catalog)
    parts = _parts(document, grouped, catalog, problems)
    decided = decisions_of(header.get("decisions") or [], document.name, catalog)
    log_of = header.get("source_sha256")
    return Source(
        document.name,
        "skipped",
        parts,
        *whose(header),
        problems,
        decisions=decided,
        log_of=log_of if isinstance(log_of, str) else None,
        logged_numbers=numbers,
        origins=origins,
    )


def _grouped(document: Document, catalog: Catalog) -> tuple[dict[int, int], Grouped, Origins]:
    """Return {number in the log: number in its file}, the records of each view or entity, and
    what of them an assistant gave.
    """
    grouped: Grouped = {}
    origins: Origins = {}
    numbers: dict[int, int] = {}
    told = _source_of(document.header.get("source_file"), catalog)
    for block in document.blocks():
        for number, entry in block.as_dicts(document.name):
            data = entry.get("record_data") if isinstance(entry, dict) else None
            if isinstance(entry, Problem):
                raise DocumentError(
                    f"{document.name}: record {number} {entry.message}", code=entry.code
                )
            text = entry.get("record_text") if isinstance(entry, dict) else None
            if data is None and not isinstance(text, str):
                raise DocumentError(
                    f"{document.name}: record {number} holds no record_data: restore it, or take "
                    "the record out"
                )
            if isinstance(index := entry.get("record_index"), int):
                numbers[number] = index
            if isinstance(given := entry.get(GIVEN), dict):
                origins |= {(number, name): str(source or "") for name, source in given.items()}
            view = str(entry.get("view_name") or "").removesuffix("_complete")
            entity = "" if view else str(entry.get("entity_type") or "")
            if not view and not entity:
                view, entity = told
            grouped.setdefault((view, entity), []).append(
                (number, _record(document, number, data, text))
            )
    return numbers, grouped, origins


def _parts(
    document: Document, grouped: Grouped, catalog: Catalog, problems: Problems
) -> list[Part]:
    """Return the parts of a log in import order.

    Raises:
        DocumentError: One is of nothing that is installed.
    """
    parts: list[Part] = []
    for (view, entity), items in grouped.items():
        inner = InMemoryDocument(
            document, {"view_name": view} if view else {"entity_type": entity}, items
        )
        if view and view in catalog.readable:
            parts += of_view(inner, catalog.readable[view], catalog, problems).parts
        elif entity in catalog.entities:
            parts += of_entity(inner, catalog.entities[entity], catalog).parts
        elif not view and not entity:
            raise DocumentError(
                f"{document.name}: record {items[0][0]} does not tell of which view it is: give it "
                f'a "view_name", one of {", ".join(catalog.views)}'
            )
        else:
            named = packages.for_view(view) if view else packages.for_entity(entity)
            known = ", ".join(catalog.views if view else catalog.entities)
            raise DocumentError(
                f"{document.name}: {shown(view or entity)} is not installed"
                + (named or f"; installed are {known}"),
                code="unknown-view" if view else "unknown-entity",
            )
    order = {name: place for place, name in enumerate(catalog.entities)}
    return sorted(parts, key=lambda part: order[part.entity.name])


def _source_of(name: Any, catalog: Catalog) -> tuple[str, str]:
    """Return the (view, entity) whose records a file holds by its name, empty where it tells none.

    As other programs write a log it says so only there: `decks_complete`, or the file's name.
    """
    stem = Path(name).stem if isinstance(name, str) else ""
    view = stem.removeprefix("view_").removesuffix("_complete")
    entity = stem.lstrip("0123456789").removeprefix("_")
    if view in catalog.views:
        return view, ""
    return "", entity if entity in catalog.entities else ""


def _record(document: Document, number: int, data: Any, text: Any) -> dict[str, Any] | BrokenRecord:
    """Return the record of an entry, or the problem with what stands in its place."""
    if data is not None:
        shown_text = json.dumps(data, default=str)
        return as_record(data, number, document.name, document.limits.depth, shown_text)
    message = (
        "is not a record yet: write it as an object {...} in record_data; record_text is what "
        "stood "
        "in its place"
    )
    known = {"code": "bad-json", "file": document.name, "record": number}
    return BrokenRecord.of(text, **known, message=message)
