"""The file of each entity in a set, and what a manifest says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.exchange import Progress
from bakeio_core.errors import ExportRefused, Problem, UsageError
from bakeio_core.exporting.parts.cutting import WrittenFile, write_documents
from bakeio_core.exporting.parts.options import ExportOptions
from bakeio_core.exporting.parts.partial import Part
from bakeio_core.exporting.parts.together import done_together
from bakeio_core.exporting.records import count_rows
from bakeio_core.files.documents.limits import Limits
from bakeio_core.files.sets.manifest import file_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

Written = tuple["list[WrittenFile]", "list[Problem]"]
"""The files of an entity, none where they were not written, and the values no file can hold."""


def write_files(
    hook: Any,
    db: Connection,
    catalog: Catalog,
    part: Part,
    folder: Path,
    common: Mapping[str, Any],
    options: ExportOptions,
    progress: Progress | None,
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Write the file of each entity into a folder, several at a time if so wanted.

    Returns:
        What the manifest says of the files, and the values that no file can hold.
    """
    as_stored, jobs = options.as_stored, options.jobs
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
        write = partial(
            write_documents, _names(folder, order, entity), header, size=options.part_size
        )
        tasks[entity.name] = partial(_write_entity, hook, catalog, entity, write, as_stored)
    # the longest first, where several are written at a time
    largest = sorted(tasks, key=lambda name: -counts[name]) if jobs > 1 else list(tasks)
    done = done_together(db, jobs, [tasks[name] for name in largest], progress)
    written = dict(zip(largest, done, strict=True))
    files: list[dict[str, Any]] = []
    unheld: list[Problem] = []
    for order, entity in enumerate(part.entities.values(), 1):
        known, problems = written[entity.name]
        unheld += problems
        needs = [target for target in catalog.dependencies(entity) if target in part.entities]
        more = _declared_by(catalog, entity)
        files += [entry | more for entry in listed_files(entity, known, order, needs)]
    if len(files) >= Limits.members:
        message = f"the set would have {len(files):,} files, more than an import takes: "
        raise UsageError(f"{message}choose a larger size for its parts")
    return files, unheld


def listed_files(
    entity: Entity, written: Sequence[WrittenFile], order: int, needs: Sequence[str]
) -> list[dict[str, Any]]:
    """Return what a manifest says of the files of an entity.

    Args:
        entity: Whose records they hold.
        written: The files, in order.
        order: The place of the entity in the order of import.
        needs: The entities that it refers to.
    """
    return [
        {
            "filename": file.path.name,
            "entity_type": entity.name,
            "record_count": file.count,
            "checksum_sha256": file.sha256,
            "import_order": order,
            "dependencies": list(needs),
            **({"part": file.part, "parts": len(written)} if file.part else {}),
        }
        for file in written
    ]


def manifest_version(files: Iterable[Mapping[str, Any]]) -> str:
    """Return the version of a manifest that lists files: who knows no parts misses none in 1.0."""
    return "1.1" if any("part" in file for file in files) else "1.0"


def _names(folder: Path, order: int, entity: Entity) -> Callable[[int], Path]:
    return lambda part: folder / file_name(order, entity.name, part)


def _write_entity(
    hook: Any,
    catalog: Catalog,
    entity: Entity,
    write: Callable[..., list[WrittenFile]],
    as_stored: bool,
    db: Connection,
    progress: Progress,
) -> Written:
    """Write the file of one entity, or its parts."""
    batches = partial(hook.bakeio_export_records, db=db, entity=entity, catalog=catalog)
    unheld: list[Problem] = []
    try:
        return write(batches=batches() or (), progress=progress), unheld
    except ExportRefused as refused:
        unheld += refused.problems
        if not as_stored:
            return [], unheld
        return write(batches=batches(entity=entity.with_gaps()) or (), progress=progress), unheld


def _declared_by(catalog: Catalog, entity: Entity) -> dict[str, str]:
    """Return what brought an entity, to be installed where the set is imported."""
    plugin = catalog.provider.get(entity.name)
    if plugin is None or not plugin.distribution:
        return {}
    return {"distribution": plugin.distribution, "distribution_version": plugin.version}


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
    key = list(entity.primary_key)
    return {
        "primary_key": key if len(key) > 1 else key[0],
        "slug_field": "slug" if "slug" in entity.columns else None,
        "foreign_keys": keys,
    }
