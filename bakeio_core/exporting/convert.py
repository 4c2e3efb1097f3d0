"""Write what a plugin's step read of another program's document as a file or set of bakeio."""

from __future__ import annotations

import uuid as uuids
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.errors import Problem
from bakeio_core.exporting.documents import moment
from bakeio_core.exporting.parts.cutting import WrittenFile, write_documents
from bakeio_core.exporting.parts.entity_files import listed_files, manifest_version, schema_block
from bakeio_core.exporting.views.write_view import not_a_view
from bakeio_core.exporting.write_set import write_manifest
from bakeio_core.files.documents.encoding import CLOSE, encode_as_read, opened_document
from bakeio_core.files.output import atomic_file, atomic_folder
from bakeio_core.files.sets.manifest import APPLICATION, file_name
from bakeio_core.files.sets.replaceable import not_a_set, unforced
from bakeio_core.importing.reading.sources import Part, Source
from bakeio_core.version import VERSION


def write_converted(
    source: Source, catalog: Catalog, target: Path, *, force: bool = False
) -> dict[str, int]:
    """Write a source as a normalized set, or as a view's file where it is of a view.

    Args:
        source: What a plugin's step has read.
        catalog: The entities that are installed.
        target: The new folder, of a view the new file; it appears whole or not at all.
        force: Replace what was written there before.

    Returns:
        {entity or view: number of records}.

    Raises:
        UsageError: Anything else is in the way.
    """
    view = source.parts[0].view if source.parts else None
    if view is not None:
        part = source.parts[0]
        with atomic_file(target, not_a_view if force else unforced(not_a_view)) as file:
            file.write(opened_document(dict(part.document.header)))
            count = 0
            for record in _records(part):
                file.write((b",\n" if count else b"") + encode_as_read(record))
                count += 1
            file.write(CLOSE if count else CLOSE[1:])
        return {view.name: count}
    common = {"export_id": str(uuids.uuid4()), "exported_at": moment().isoformat() + "Z"}
    with atomic_folder(target, not_a_set if force else unforced(not_a_set)) as folder:
        there = {part.entity.name for part in source.parts}
        files = list[dict[str, Any]]()
        for order, part in enumerate(source.parts, 1):
            needs = [name for name in catalog.dependencies(part.entity) if name in there]
            written = _write(part, folder, order, common)
            files += listed_files(part.entity, written, order, needs)
        manifest = {
            "manifest_version": manifest_version(files),
            **common,
            "database_id": None,
            "application": APPLICATION,
            "app_version": VERSION,
            "schema_version": "1.0",
            "converted_from": source.name,
            "files": files,
            "omitted_entities": [name for name in catalog.entities if name not in there],
        }
        write_manifest(folder, manifest)
    counts = Counter[str]()
    for item in files:
        counts[item["entity_type"]] += item["record_count"]
    return dict(counts)


def _write(part: Part, folder: Path, order: int, common: dict[str, Any]) -> list[WrittenFile]:
    """Write the file of one entity, or its parts."""
    header = {
        "file_version": "1.0",
        "entity_type": part.entity.name,
        **common,
        "record_count": 0,
        "schema": schema_block(part.entity),
    }

    def name_of(number: int) -> Path:
        return folder / file_name(order, part.entity.name, number)

    return write_documents(name_of, header, _batches(part))


def _batches(part: Part) -> Iterator[list[dict[str, Any]]]:
    for block in part.whole.blocks():
        yield [item for _, item in block.as_dicts(part.file) if not isinstance(item, Problem)]


def _records(part: Part) -> Iterator[dict[str, Any]]:
    for batch in _batches(part):
        yield from batch
