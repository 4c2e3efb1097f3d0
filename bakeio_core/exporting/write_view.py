"""Write a view's file; it appears whole or not at all."""

from __future__ import annotations

import re
import uuid as uuids
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.exchange import Format
from bakeio_core.catalog.model import View
from bakeio_core.database.connect import streaming
from bakeio_core.database.rows import Rows
from bakeio_core.errors import DocumentError, Problem
from bakeio_core.exporting.documents import Progress, Sink, moment, write_records
from bakeio_core.exporting.view_query import count_records
from bakeio_core.files.documents import Document
from bakeio_core.files.encoding import CLOSE, encode_as_read, encode_lines, opened_document
from bakeio_core.files.output import Foreign, atomic_file
from bakeio_core.files.revision import row_hash
from bakeio_core.files.scanner import BLOCK
from bakeio_core.history.tables import database_id
from bakeio_core.importing.sources import Part

if TYPE_CHECKING:
    from sqlalchemy import Connection

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


def not_in_format(format_: Format, catalog: Catalog) -> Foreign:
    """Return what says why a file must not be replaced by a view in a format: the format cannot read a view in it."""
    fields = [{*view.fields, "_rev", "_clear"} for view in catalog.views.values()]

    def foreign(path: Path) -> str | None:
        try:
            with open(path, "rb") as file:
                header, records = format_.read(file)
                first = next(iter(records), {})
            if (
                _is_view(header)
                if header
                else any(first and known.issuperset(first) for known in fields)
            ):
                return None
        except Exception:  # whatever a reader says of what it was not made for
            pass
        return f"is no view in the format {format_.name}"

    return foreign


def _is_view(header: Mapping[str, Any]) -> bool:
    name = header.get("view_name")
    return header.get("export_type") == "denormalized_view" or (
        isinstance(name, str) and name.endswith("_complete")
    )


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
        "database_id": database_id(db), "exported_at": moment().isoformat() + "Z", "record_count": count, "documentation": documentation,
    }  # fmt: skip


def write_view(
    hook: Any,
    db: Connection,
    catalog: Catalog,
    view: View,
    target: Path | Sink,
    progress: Progress | None = None,
) -> int:
    """Write a view to a path or a stream and return the number of its records."""

    def batches() -> Any:
        return hook.bakeio_project_view(db=db, view=view, catalog=catalog) or ()

    with streaming():
        count = count_records(db, view, catalog)
        if isinstance(target, Path):
            header = view_header(db, view, catalog, count)
            with atomic_file(target, not_a_view) as file:
                while (
                    written := write_records(file, header, batches(), view.name, progress)
                ) != header["record_count"]:
                    header |= {
                        "record_count": written
                    }  # a plugin gave another number of records than the default would
                    file.restart()
            return written
        return write_records(
            target, view_header(db, view, catalog, count), batches(), view.name, progress
        )


def rewrite_view(
    hook: Any,
    db: Connection,
    catalog: Catalog,
    part: Part,
    ids: Mapping[int, int],
    path: Path,
    foreign: Foreign,
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
    rows, fresh = (
        {row_hash(known.identity_text(row[1])): row[0] for row in found},
        dict[int, dict[str, Any]](),
    )
    whole = catalog.views[view.name].narrow(everything=True)
    for batch in hook.bakeio_project_view(db=db, view=whole, catalog=catalog) or ():
        for shown in map(dict, batch):
            read = revision.read(shown["_rev"])
            if read is not None and read[0] in rows:
                fresh[rows[read[0]]] = shown
    count = sum(len(block.slow(part.file)) for block in part.document.blocks())
    with atomic_file(path, foreign) as file:
        file.write(opened_document(view_header(db, whole, catalog, count)))
        written = 0
        for block in part.document.blocks():
            for number, record in block.slow(part.file):
                now = fresh.get(ids.get(number, -1))
                if isinstance(record, Problem):
                    raise DocumentError(
                        f"{part.file}: record {number} {record.message}", code=record.code
                    )
                text = encode_lines([now]) if now is not None else encode_as_read(record)
                file.write((b",\n" if written else b"") + text)
                written += 1
        file.write(CLOSE if written else CLOSE[1:])
    return sum(identity in fresh for identity in ids.values())


def write_view_as(
    format_: Format, hook: Any, db: Connection, catalog: Catalog, view: View, target: Path
) -> int:
    """Write a view in a format of a plugin and return the number of its records."""
    count = 0

    def records() -> Iterator[dict[str, Any]]:
        nonlocal count
        for batch in hook.bakeio_project_view(db=db, view=view, catalog=catalog) or ():
            count += len(batch)
            yield from map(dict, batch)

    header = view_header(db, view, catalog, count_records(db, view, catalog))
    with atomic_file(target, not_in_format(format_, catalog)) as file:
        format_.write(cast("IO[bytes]", file), header, records())
    return count
