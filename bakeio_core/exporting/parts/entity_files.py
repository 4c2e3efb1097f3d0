"""The file of each entity in a set, and what a manifest says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.exchange import Progress
from bakeio_core.catalog.model import Entity
from bakeio_core.errors import ExportRefused, Problem
from bakeio_core.exporting.documents import write_records
from bakeio_core.exporting.parts.partial import Part
from bakeio_core.exporting.parts.together import done_together
from bakeio_core.exporting.records import count_rows
from bakeio_core.files.output import HashedFile

if TYPE_CHECKING:
    from sqlalchemy import Connection

Written = tuple["dict[str, Any] | None", "list[Problem]"]
"""What the manifest says of a file, if it was written, and the values that no file can hold."""


def write_files(
    hook: Any,
    db: Connection,
    catalog: Catalog,
    part: Part,
    folder: Path,
    common: Mapping[str, Any],
    as_stored: bool,
    jobs: int,
    progress: Progress | None,
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Write the file of each entity into a folder, several at a time if so wanted.

    Returns:
        What the manifest says of the files, and the values that no file can hold.
    """
    counts = {entity.name: count_rows(db, entity) for entity in part.entities.values()}
    tasks = {}
    for order, entity in enumerate(part.entities.values(), 1):
        header = {
            "file_version": "1.0",
            "entity_type": entity.name,
            **common,
            "record_count": counts[entity.name],
            "schema": schema_block(entity),
        }
        path = folder / f"{order:02d}_{entity.name}.json"
        tasks[entity.name] = partial(_write_file, hook, catalog, entity, path, header, as_stored)
    # the longest first, where several are written at a time
    largest = sorted(tasks, key=lambda name: -counts[name]) if jobs > 1 else list(tasks)
    done = done_together(db, jobs, [tasks[name] for name in largest], progress)
    written = dict(zip(largest, done, strict=True))
    files: list[dict[str, Any]] = []
    unheld: list[Problem] = []
    for order, entity in enumerate(part.entities.values(), 1):
        file, problems = written[entity.name]
        unheld += problems
        if file is not None:
            needs = [target for target in catalog.dependencies(entity) if target in part.entities]
            files.append({**file, "import_order": order, "dependencies": needs})
            files[-1] |= _declared_by(catalog, entity)
    return files, unheld


def _write_file(
    hook: Any,
    catalog: Catalog,
    entity: Entity,
    path: Path,
    header: dict[str, Any],
    as_stored: bool,
    db: Connection,
    progress: Progress,
) -> Written:
    """Write the file of one entity."""
    batches = partial(hook.bakeio_export_records, db=db, entity=entity, catalog=catalog)
    unheld: list[Problem] = []
    try:
        count, sha256 = write_document(path, header, batches, progress)
    except ExportRefused as refused:
        unheld += refused.problems
        if not as_stored:
            return None, unheld
        batches = partial(batches, entity=entity.with_gaps())
        count, sha256 = write_document(path, header, batches, progress)
    file = {
        "filename": path.name,
        "entity_type": entity.name,
        "record_count": count,
        "checksum_sha256": sha256,
    }
    return file, unheld


def _declared_by(catalog: Catalog, entity: Entity) -> dict[str, str]:
    """Return what brought an entity, to be installed where the set is imported."""
    plugin = catalog.provider.get(entity.name)
    if plugin is None or not plugin.distribution:
        return {}
    return {"distribution": plugin.distribution, "distribution_version": plugin.version}


def write_document(
    path: Path,
    header: dict[str, Any],
    batches: Callable[[], Iterable[Any] | None],
    progress: Progress | None,
) -> tuple[int, str]:
    """Write a document whose header tells the number of its records.

    Where a plugin gave another number, it is written once more.

    Returns:
        The number of records, and the SHA-256 of the file.
    """
    while True:
        file = HashedFile(path)
        try:
            count = write_records(file, header, batches() or (), header["entity_type"], progress)
        except BaseException:
            file.file.close()
            raise
        sha256 = file.close()
        if count == header["record_count"]:
            return count, sha256
        header["record_count"] = count


def schema_block(entity: Entity) -> dict[str, Any]:
    """Return the `schema` of an entity file: its primary key, slug field and foreign keys."""
    keys = {}
    for column, reference in entity.references.items():
        if column in entity.left_out:
            continue
        lookups = list(reference.lookups)
        keys[column] = {
            "references": f"{reference.target}.id",
            "lookup_field": lookups[-1] if lookups else None,
            "lookup_fields": lookups,
        }
    return {
        "primary_key": entity.primary,
        "slug_field": "slug" if "slug" in entity.columns else None,
        "foreign_keys": keys,
    }
