"""Write a normalized set with its manifest and zip; it appears whole or not at all."""

from __future__ import annotations

import secrets
import uuid as uuids
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.exchange import Progress
from bakeio_core.database.connect import streaming
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.stored.rows import Rows
from bakeio_core.errors import Problem
from bakeio_core.exporting.careful import gaps_of, refuse
from bakeio_core.exporting.documents import moment
from bakeio_core.exporting.parts.entity_files import manifest_version, write_files
from bakeio_core.exporting.parts.options import ExportOptions
from bakeio_core.exporting.parts.partial import (
    Part,
    hidden_references,
    omitted_columns,
    omitted_records,
    omitted_references,
    part_of,
    undated,
)
from bakeio_core.exporting.records import AS_STORED
from bakeio_core.files.documents.encoding import pretty
from bakeio_core.files.output import HashedFile, atomic_file, atomic_folder, refuse_folder
from bakeio_core.files.sets.manifest import APPLICATION, MANIFEST
from bakeio_core.files.sets.replaceable import not_a_set, not_an_archive, unforced
from bakeio_core.history.learned.aliases import all_aliases
from bakeio_core.history.learned.layouts import told_layouts
from bakeio_core.history.tables import database_id
from bakeio_core.version import VERSION

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes:
        folder: The new folder.
        counts: {entity: number of records}, in import order.
        archive: The zip, if one was asked for.
        omitted: The entities that were left out.
        problems: The values that are null in the set because no file can hold them.
        undated: {entity: number of its rows without a date}, where a range was asked for.
        has_undated: Whether those rows are in the set: where the range has no first day.
        omitted_records: {entity: number of its rows outside the days}, where a range was asked for.
        omitted_references: The references to entities that were left out, each with `entity`,
            `field` and the number of `rows` that name something there.
        hidden: The entities of which policies may have hidden rows.
        hidden_references: The references that name rows which policies hide, each with `entity`,
            `field` and the number of `rows`: only this database knows what those mean.
        omitted_columns: {entity: columns of its table that no plugin declares}.
        parts: {entity: number of its files}, where it has several.
    """

    folder: Path
    counts: dict[str, int]
    archive: Path | None = None
    omitted: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    undated: Mapping[str, int] = field(default_factory=dict)
    has_undated: bool = True
    omitted_records: Mapping[str, int] = field(default_factory=dict)
    omitted_references: tuple[Mapping[str, Any], ...] = ()
    hidden: tuple[str, ...] = ()
    hidden_references: tuple[Mapping[str, Any], ...] = ()
    omitted_columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    parts: Mapping[str, int] = field(default_factory=dict)


def write_set(
    hook: Any,
    db: Connection,
    catalog: Catalog,
    folder: Path | None,
    options: ExportOptions,
    *,
    zip_too: bool = False,
    force: bool = False,
    hidden: Collection[str] = (),
    prove: Callable[[Path], dict[str, Any]] | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write every entity's file and the manifest into a new folder, and the archive if asked for.

    Args:
        hook: Calls the hook that gives records.
        db: The connection, in one consistent view of the database.
        catalog: The entities that are installed.
        folder: The new folder; None is `docs/exports/<time>_<6 hex>`.
        options: What the set is to hold.
        zip_too: Also write `archives/<name>.zip` beside the folder.
        force: Replace what an earlier export wrote there.
        hidden: The entities of which policies may hide rows from this user; the manifest then says
            that the set holds what is visible (`visible_only`).
        prove: Called with the folder before it appears; what it returns stands in the manifest as
            `proof`.
        progress: Called with (entity, records written so far).

    Raises:
        UsageError: Anything else is in the way.
        ExportRefused: The database holds values no file can hold.
    """
    now = moment()
    path = folder or Path("docs/exports") / f"{now:%Y-%m-%d_%H%M%S}_{secrets.token_hex(3)}"
    archive = path.parent / "archives" / f"{path.name}.zip" if zip_too else None
    foreign_folder, foreign_archive = (
        known if force else unforced(known) for known in (not_a_set, not_an_archive)
    )
    part = part_of(db, catalog, options)
    common = {
        "export_id": str(uuids.uuid4()),
        "exported_at": now.isoformat() + "Z",
        "database_id": database_id(db),
    }
    if archive is not None:
        refuse_folder(path, foreign_folder)  # before a folder is made for the archive
    whole = atomic_file(archive, foreign_archive) if archive is not None else nullcontext()
    with streaming(), whole as packed, atomic_folder(path, foreign_folder) as scratch:
        files, unheld = write_files(hook, db, catalog, part, scratch, common, options, progress)
        if not options.as_stored:
            refuse(unheld, AS_STORED)
        written = replace(
            _written(db, catalog, part, files, path),
            archive=archive,
            problems=tuple(unheld),
            has_undated=options.since is None,
            hidden=tuple(hidden),
            hidden_references=tuple(hidden_references(db, part, hidden)),
        )
        manifest = {
            **_manifest(db, catalog, part, common, files),
            "export_options": _options(options),
            **_lacking(written),
        }
        write_manifest(scratch, manifest)
        if prove is not None:
            write_manifest(scratch, manifest | {"proof": prove(scratch)})
        if packed is not None:
            # on the disk before the folder is put in: then only its rename is left to do
            _pack(packed, scratch, path.name, now)
            packed.sync()
    return written


def _written(
    db: Connection, catalog: Catalog, part: Part, files: Sequence[Mapping[str, Any]], path: Path
) -> Exported:
    """Return what the files of a set hold, and what of the database they do not."""
    counts, parts = Counter[str](), Counter[str]()
    for item in files:
        counts[item["entity_type"]] += item["record_count"]
        parts[item["entity_type"]] += 1
    return Exported(
        path,
        dict(counts),
        omitted=part.omitted,
        undated=undated(db, part),
        omitted_records=omitted_records(db, part, catalog.entities, counts),
        omitted_references=tuple(omitted_references(db, part)),
        omitted_columns=omitted_columns(db, part),
        parts={name: count for name, count in parts.items() if count > 1},
    )


def _lacking(written: Exported) -> dict[str, Any]:
    """Return what a manifest says of what is not in its set, where anything is not."""
    omitted = {
        "omitted_references": list(written.omitted_references),
        "omitted_records": written.omitted_records,
        "omitted_columns": written.omitted_columns,
        "visible_only": bool(written.hidden),
        "hidden_references": list(written.hidden_references),
        "gaps": gaps_of(list(written.problems)),
    }
    return {name: value for name, value in omitted.items() if value}


def _manifest(
    db: Connection,
    catalog: Catalog,
    part: Part,
    common: Mapping[str, Any],
    files: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return what a manifest says of a set whatever part of the database it holds."""
    manifest = {
        "manifest_version": manifest_version(files),
        **common,
        "database_kind": dialect_of(db).name,
        "application": APPLICATION,
        "app_version": VERSION,
        "schema_version": "1.0",
        "files": files,
        "omitted_entities": list(part.omitted),
    }
    learned = manifest_aliases(db, catalog, part.entities)
    layouts = told_layouts(db)
    manifest |= {"layouts": layouts} if layouts else {}
    return manifest | ({"aliases": learned} if learned else {})


def _options(options: ExportOptions) -> dict[str, Any]:
    """Return what a manifest says of how it was asked for."""
    since, until = options.since, options.until
    return {
        "include_transactional": options.transactional,
        "include_events": True,
        "date_range": _days(since=since, until=until) if since or until else None,
    }


def _days(**days: date | None) -> dict[str, str | None]:
    """Return days as JSON has them."""
    return {name: day.isoformat() if day else None for name, day in days.items()}


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest of a set into its folder."""
    file = HashedFile(folder / MANIFEST)
    file.write(pretty(manifest))
    file.close()


def manifest_aliases(
    db: Connection, catalog: Catalog, names: Collection[str]
) -> list[dict[str, Any]]:
    """Return what was learned of names, as a manifest keeps it: the rows they mean by their keys.

    Args:
        db: The connection.
        catalog: The entities that are installed.
        names: The entities that are in the set.
    """
    found = []
    for name, learned in groupby(all_aliases(db), lambda alias: alias.entity):
        if name not in names:
            continue
        rows, known = Rows(db, catalog.entities[name]), list(learned)
        by_id = rows.by_id(alias.row for alias in known)
        columns = [key[0] for key in catalog.entities[name].all_keys if len(key) == 1]
        for alias in known:
            if alias.row in by_id:
                target = {column: by_id[alias.row][rows.index[column]] for column in columns}
                found.append({"entity": name, "key": dict(alias.key), "target": target})
    return found


def _pack(file: HashedFile, folder: Path, name: str, now: datetime) -> None:
    """Write a folder's files as a zip that unpacks into a folder of this name."""
    with zipfile.ZipFile(cast("IO[bytes]", _Stream(file)), "w", zipfile.ZIP_DEFLATED) as archive:
        for member in sorted(folder.iterdir()):
            info = zipfile.ZipInfo(f"{name}/{member.name}", now.timetuple()[:6])
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            with open(member, "rb") as source, archive.open(info, "w", force_zip64=True) as target:
                while data := source.read(1 << 20):
                    target.write(data)


class _Stream:
    """A hashed file as `zipfile` wants it: written once, never sought."""

    def __init__(self, file: HashedFile) -> None:
        self.file = file

    def write(self, data: bytes) -> int:
        self.file.write(bytes(data))
        return len(data)

    def tell(self) -> int:
        return self.file.size

    def flush(self) -> None: ...

    def close(self) -> None: ...
