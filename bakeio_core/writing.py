"""Write exports: a normalized set with its manifest and zip, a view's file; each appears whole or not at all."""

from __future__ import annotations

import re
import secrets
import uuid as uuids
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timezone
from itertools import groupby
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from bakeio_core import export, ledger, output, projection, sets
from bakeio_core.catalog import Catalog
from bakeio_core.database import streaming
from bakeio_core.documents import BLOCK, Document, Format
from bakeio_core.errors import DocumentError, Problem
from bakeio_core.linking import Rows
from bakeio_core.model import Entity, View
from bakeio_core.revision import row_hash
from bakeio_core.sources import Part
from bakeio_core.version import VERSION

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Exported", "write_set", "write_view"]

Progress = Callable[[str, int], None]


class Sink(Protocol):
    """Where bytes go: a hashed file, or stdout."""

    def write(self, data: bytes, /) -> Any: ...


@dataclass(frozen=True)
class Exported:
    """What an export wrote: its folder, the zip if one was asked for, and {entity: number of records}."""

    folder: Path
    counts: dict[str, int]
    archive: Path | None = None
    omitted: tuple[str, ...] = ()


def _moment() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


def write_set(
    hook: Any,
    db: Connection,
    catalog: Catalog,
    folder: Path | None,
    *,
    zip_too: bool = False,
    force: bool = False,
    transactional: bool = True,
    since: date | None = None,
    until: date | None = None,
    prove: Callable[[Path], dict[str, Any]] | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write every entity's file and the manifest into a new folder, and the archive if asked for.

    prove: called with the folder before it appears; what it returns stands in the manifest as `proof`.
    """
    now = _moment()
    path = folder if folder is not None else Path("docs/exports") / f"{now:%Y-%m-%d_%H%M%S}_{secrets.token_hex(3)}"
    common = {"export_id": str(uuids.uuid4()), "exported_at": now.isoformat() + "Z"}
    entities = export.in_range(catalog, since, until)
    undated = [name for name, entity in entities.items() if not transactional and entity.date is not None]
    omitted = (*undated, *sorted(catalog.blocked), *(name for name in catalog.disabled if not name.startswith("view ")))
    files = []
    archive = path.parent / "archives" / f"{path.name}.zip" if zip_too else None
    not_a_set, not_an_archive = (known if force else sets.unforced(known) for known in (sets.not_a_set, sets.not_an_archive))
    if archive is not None:
        output.refuse_folder(path, not_a_set)  # before a folder is made for the archive
    whole = output.atomic_file(archive, not_an_archive) if archive is not None else nullcontext()
    with streaming(), whole as packed, output.atomic_folder(path, not_a_set) as part:
        for order, entity in enumerate((entity for name, entity in entities.items() if name not in omitted), 1):
            header = {"file_version": "1.0", "entity_type": entity.name, **common, "record_count": 0, "schema": schema_block(entity)}
            name = f"{order:02d}_{entity.name}.json"
            count, sha = _write_document(
                part / name, header, export.count_rows(db, entity),
                lambda entity=entity: hook.bakeio_export_records(db=db, entity=entity, catalog=catalog), entity.name, progress,  # type: ignore[misc]
            )  # fmt: skip
            needs = [target for target in catalog.dependencies(entity) if target not in omitted]
            files.append({"filename": name, "entity_type": entity.name, "record_count": count, "checksum_sha256": sha, "import_order": order,
                          "dependencies": needs})  # fmt: skip
        days = {"since": since.isoformat() if since else None, "until": until.isoformat() if until else None}
        options = {"include_transactional": transactional, "include_events": True, "date_range": days if since or until else None}
        manifest = {
            "manifest_version": "1.0", **common, "database_id": ledger.database_id(db), "application": sets.APPLICATION, "app_version": VERSION,
            "schema_version": "1.0", "files": files, "omitted_entities": list(omitted), "export_options": options,
        }  # fmt: skip
        learned = aliases(db, catalog, {str(item["entity_type"]) for item in files})
        if learned:
            manifest["aliases"] = learned
        file = output.HashedFile(part / sets.MANIFEST)
        file.write(output.pretty(manifest))
        file.close()
        if prove is not None:
            proof = prove(part)
            file = output.HashedFile(part / sets.MANIFEST)
            file.write(output.pretty(manifest | {"proof": proof}))
            file.close()
        if packed is not None:  # on the disk before the folder is put in: then only its rename is left to do
            _pack(packed, part, path.name, now)
            packed.sync()
    return Exported(path, {str(item["entity_type"]): int(str(item["record_count"])) for item in files}, archive, omitted)


def aliases(db: Connection, catalog: Catalog, names: Collection[str]) -> list[dict[str, Any]]:
    """Return what was learned of names of these entities, as a manifest keeps it: the rows they mean by uuid and key."""
    found = []
    for name, learned in groupby(ledger.aliases(db), lambda alias: alias.entity):
        if name not in names:
            continue
        rows, known = Rows(db, catalog.entities[name], ()), list(learned)
        by_id = rows.by_id(alias.row for alias in known)
        columns = [key[0] for key in catalog.entities[name].all_keys if len(key) == 1]
        for alias in known:
            if alias.row in by_id:
                target = {column: by_id[alias.row][rows.place[column]] for column in columns}
                found.append({"entity": name, "key": dict(alias.key), "target": target})
    return found


def _write_document(
    path: Path, header: dict[str, Any], expected: int, batches: Callable[[], Iterable[Any] | None], name: str, progress: Progress | None
) -> tuple[int, str]:
    """Write a document whose header tells the number of its records; where a plugin gave another number, once more."""
    while True:
        file = output.HashedFile(path)
        try:
            count = write_records(file, header | {"record_count": expected}, batches() or (), name, progress)
        except BaseException:
            file.file.close()
            raise
        sha = file.close()
        if count == expected:
            return count, sha
        expected = count


def write_records(file: Sink, header: Mapping[str, Any], batches: Iterable[Any], name: str = "", progress: Progress | None = None) -> int:
    """Write a document, one record a line, and return how many there were."""
    file.write(output.opened_document(dict(header)))
    written, separator = 0, b""
    for batch in batches:
        if len(batch):
            data = batch.data if isinstance(batch, export.EncodedBatch) else output.encode_lines(list(batch))
            file.write(separator + data)
            separator, written = b",\n", written + len(batch)
            if progress:
                progress(name, written)
    file.write(output.CLOSE if written else output.CLOSE[1:])
    return written


def schema_block(entity: Entity) -> dict[str, Any]:
    """Return the `schema` of an entity file: primary key, slug field, foreign keys with their lookup fields."""
    keys = {}
    for column, reference in entity.references.items():
        lookups = list(reference.lookups)
        target = f"{reference.target}.id"
        keys[column] = {"references": target, "lookup_field": lookups[-1] if lookups else None, "lookup_fields": lookups}
    return {"primary_key": entity.primary, "slug_field": "slug" if "slug" in entity.columns else None, "foreign_keys": keys}


# -- what a view may replace
_BEGIN = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:```\w*\s*)?\{")
_RECORDS = re.compile(rb'"records"\s*:')
_NAMED = re.compile(rb'"(?:export_type"\s*:\s*"denormalized_view|view_name"\s*:\s*"\w+_complete)"')


def not_a_view(path: Path) -> str | None:
    """Say why a file must not be replaced by a view: None where it is one, also one that was spoilt behind its head."""
    document = Document.at(path)
    try:
        is_view = document.kind == "view" and _is_view(document.header)
    except DocumentError:
        with open(path, "rb") as file:
            head = _RECORDS.split(file.read(BLOCK), 1)[0]
        is_view = bool(_BEGIN.match(head) and _NAMED.search(head))
    return None if is_view else "is no view that bakeio wrote"


def not_in_format(format_: Format, catalog: Catalog) -> output.Foreign:
    """Return what says why a file must not be replaced by a view in a format: the format cannot read a view in it."""
    fields = [{*view.fields, "_rev", "_clear"} for view in catalog.views.values()]

    def foreign(path: Path) -> str | None:
        try:
            with open(path, "rb") as file:
                header, records = format_.read(file)
                first = next(iter(records), {})
            if _is_view(header) if header else any(first and known.issuperset(first) for known in fields):
                return None
        except Exception:  # whatever a reader says of what it was not made for
            pass
        return f"is no view in the format {format_.name}"

    return foreign


def _is_view(header: Mapping[str, Any]) -> bool:
    name = header.get("view_name")
    return header.get("export_type") == "denormalized_view" or (isinstance(name, str) and name.endswith("_complete"))


def view_header(db: Connection, view: View, catalog: Catalog, count: int) -> dict[str, Any]:
    """Return the header of a view's file: whose it is, and what may be edited in it."""
    whole = catalog.views.get(view.name, view)
    instructions = (
        "Change only the editable fields, keep every record's _rev, and return the records you changed (or all of them). A null keeps the "
        'value; to empty a field name it in "_clear": ["field"]. Leave unknown values null: do not invent any.'
    )
    documentation = {
        "purpose": whole.purpose, "editable_fields": view.names("editable"), "readonly_fields": view.names("key", "readonly"),
        "key_fields": view.names("key"), "import_instructions": instructions,
    }  # fmt: skip
    return {
        "export_type": "denormalized_view", "view_name": f"{view.name}_complete", "view_version": view.version, "export_id": str(uuids.uuid4()),
        "database_id": ledger.database_id(db), "exported_at": _moment().isoformat() + "Z", "record_count": count, "documentation": documentation,
    }  # fmt: skip


def write_view(hook: Any, db: Connection, catalog: Catalog, view: View, target: Path | Sink, progress: Progress | None = None) -> int:
    """Write a view to a path or a stream and return the number of its records."""

    def batches() -> Any:
        return hook.bakeio_project_view(db=db, view=view, catalog=catalog) or ()

    with streaming():
        count = projection.count_records(db, view, catalog)
        if isinstance(target, Path):
            header = view_header(db, view, catalog, count)
            with output.atomic_file(target, not_a_view) as file:
                while (written := write_records(file, header, batches(), view.name, progress)) != header["record_count"]:
                    header |= {"record_count": written}  # a plugin gave another number of records than the default would
                    file.restart()
            return written
        return write_records(target, view_header(db, view, catalog, count), batches(), view.name, progress)


def rewrite_view(
    hook: Any, db: Connection, catalog: Catalog, part: Part, ids: Mapping[int, int], path: Path, foreign: output.Foreign
) -> int:
    """Write a view's file anew, each record as its row is now; return the number of records that have a row.

    part: the file as it was read; ids: {number of a record: id of its row}. Records without a row stay as they are.
    foreign: what tells a file that can be read as a view from others.
    """
    view, revision, entity = part.view, part.revision, part.entity
    if view is None or revision is None:
        raise TypeError("a part without a view")
    known = Rows(db, entity, ())
    found = known.slim([entity.identity], set(ids.values()), entity.primary)
    rows, fresh = {row_hash(known.identity_text(row[1])): row[0] for row in found}, dict[int, dict[str, Any]]()
    whole = catalog.views[view.name].narrow(everything=True)
    for batch in hook.bakeio_project_view(db=db, view=whole, catalog=catalog) or ():
        for shown in map(dict, batch):
            read = revision.read(shown["_rev"])
            if read is not None and read[0] in rows:
                fresh[rows[read[0]]] = shown
    count = sum(len(block.slow(part.file)) for block in part.document.blocks())
    with output.atomic_file(path, foreign) as file:
        file.write(output.opened_document(view_header(db, whole, catalog, count)))
        written = 0
        for block in part.document.blocks():
            for number, record in block.slow(part.file):
                now = fresh.get(ids.get(number, -1))
                if isinstance(record, Problem):
                    raise DocumentError(f"{part.file}: record {number} {record.message}", code=record.code)
                text = output.encode_lines([now]) if now is not None else output.encode_as_read(record)
                file.write((b",\n" if written else b"") + text)
                written += 1
        file.write(output.CLOSE if written else output.CLOSE[1:])
    return sum(identity in fresh for identity in ids.values())


def write_view_as(format_: Format, hook: Any, db: Connection, catalog: Catalog, view: View, target: Path) -> int:
    """Write a view in a format of a plugin and return the number of its records."""
    count = 0

    def records() -> Iterator[dict[str, Any]]:
        nonlocal count
        for batch in hook.bakeio_project_view(db=db, view=view, catalog=catalog) or ():
            count += len(batch)
            yield from map(dict, batch)

    header = view_header(db, view, catalog, projection.count_records(db, view, catalog))
    with output.atomic_file(target, not_in_format(format_, catalog)) as file:
        format_.write(cast("IO[bytes]", file), header, records())
    return count


def _pack(file: output.HashedFile, folder: Path, name: str, now: datetime) -> None:
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

    def __init__(self, file: output.HashedFile) -> None:
        self.file = file

    def write(self, data: bytes) -> int:
        self.file.write(bytes(data))
        return len(data)

    def tell(self) -> int:
        return self.file.size

    def flush(self) -> None: ...

    def close(self) -> None: ...
