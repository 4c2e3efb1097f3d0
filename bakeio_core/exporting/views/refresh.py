"""Bring a view's file up to date after its import, and leave everything else in it alone."""

from __future__ import annotations

import codecs
import shutil
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.entities.model import RowId
from bakeio_core.catalog.exchange import EncodedBatch
from bakeio_core.catalog.fields import CLEAR, REV
from bakeio_core.catalog.plugins.formats import Format, blamed
from bakeio_core.catalog.views.view import View
from bakeio_core.database.stored.rows import Rows
from bakeio_core.errors import DocumentError, Problem
from bakeio_core.exporting.views.write_view import view_header
from bakeio_core.files.documents.encoding import CLOSE, encode_as_read, opened_document
from bakeio_core.files.documents.patching import ListText, ObjectText, same_json
from bakeio_core.files.output import Foreign, atomic_file
from bakeio_core.files.revision import row_hash
from bakeio_core.files.sheets.writing import scratch_file
from bakeio_core.importing.reading.sheets.document import SheetDocument
from bakeio_core.importing.reading.sources import Part

if TYPE_CHECKING:
    from sqlalchemy import Connection

Record = dict[str, Any]


def refresh_file(
    hook: Any,
    db: Connection,
    catalog: Catalog,
    part: Part,
    ids: Mapping[int, RowId],
    path: Path,
    foreign: Foreign,
    known: Format | None = None,
) -> int:
    """Write a view's file anew: what was imported as its row is now, the rest as it stands there.

    A record keeps the fields it has, also those that are none of the view; a new one gets what the
    others have. The layout stays where the file is JSON.

    Args:
        hook: Calls the hook that projects views.
        db: The connection, in one consistent view of the database.
        catalog: The entities and views that are installed.
        part: The file as it was read.
        ids: {number of a record that was imported: id of its row}.
        path: The file.
        foreign: Tells a file that can be read as a view from others.
        known: The format of its sheets, None for JSON.

    Returns:
        The number of records that are fresh.

    Raises:
        DocumentError: The file cannot be read, or it cannot be told where a record ends.
    """
    view = part.view
    if view is None:
        raise TypeError("a part without a view")
    records = dict(item for block in part.whole.blocks() for item in block.as_dicts(part.file))
    fresh = _fresh_records(hook, db, catalog, part, view, records, ids)
    header = view_header(db, view, catalog, len(records))
    document = part.whole
    if isinstance(document, SheetDocument) and known is not None:
        _edit_sheets(document, known, path, foreign, records, fresh, header)
        return len(fresh)
    text = _patched(path, records, fresh, header)
    with atomic_file(path, foreign) as file:
        file.write(_anew(part, records, fresh, header) if text is None else text)
    return len(fresh)


def _edit_sheets(
    document: SheetDocument,
    known: Format,
    path: Path,
    foreign: Foreign,
    records: Mapping[int, Record | Problem],
    fresh: Mapping[int, Record],
    header: Mapping[str, Any],
) -> None:
    """Set those cells of a file of sheets that say another thing now; all else in it stays."""
    if known.edit is None:
        raise TypeError(f"the format {known.name} cannot edit")
    is_whole = len(fresh) == len(records)
    names = _header_now(document.header, header, is_whole=is_whole)
    told = {name: header[name] for name in names}
    changed = {number: _changed(records[number], now) for number, now in fresh.items()}
    with open(path, "rb") as file, scratch_file() as scratch:
        try:
            known.edit(file, scratch, document.edits(changed, told))
            scratch.seek(0)
        except Exception as error:
            raise blamed(known, f"edit {path.name}", error) from error
        with atomic_file(path, foreign) as whole:
            shutil.copyfileobj(scratch, whole, 1 << 20)


def _changed(record: Record | Problem, now: Record) -> Record:
    said = record if isinstance(record, dict) else {}
    return {n: v for n, v in now.items() if n not in said or not _is_said(said[n], v)}


def _is_said(said: Any, now: Any) -> bool:
    return bool(said == now) or (said in ("", None) and now in ("", None))


# -- what the records are now
def _fresh_records(
    hook: Any,
    db: Connection,
    catalog: Catalog,
    part: Part,
    view: View,
    records: Mapping[int, Record | Problem],
    ids: Mapping[int, RowId],
) -> dict[int, Record]:
    """Return {number: the fields of its record as they are now} of those that were imported."""
    shown = _rows_shown(hook, db, catalog, part, view, ids)
    exported = [r for r in records.values() if isinstance(r, dict) and REV in r]
    known = {*view.fields, *view.lists}
    common = list(dict.fromkeys(n for record in exported for n in record if n in known))
    if not exported:  # a list written by hand is told at least which rows its records became
        ids_of = [n for n, item in view.fields.items() if item.source == part.entity.primary]
        common = [*ids_of, *view.names("key")]
    fresh, equal = dict[int, Record](), dict[bytes, Record]()
    for number, record in records.items():
        row = shown.get(ids.get(number, -1))
        if not isinstance(record, dict):
            continue
        if row is not None:
            is_new = REV not in record
            names = dict.fromkeys((*record, *(common if is_new else ())))
            fresh[number] = {n: row[n] for n in (*names, REV) if n in row}
            if not is_new:
                equal[encode_as_read(record)] = fresh[number]
        elif REV in record and (twin := equal.get(encode_as_read(record))) is not None:
            fresh[number] = twin  # the same record once more, which was taken once
    return fresh


def _rows_shown(
    hook: Any,
    db: Connection,
    catalog: Catalog,
    part: Part,
    view: View,
    ids: Mapping[int, RowId],
) -> dict[RowId, Record]:
    """Return {id of a row: its record in the view} of the rows that are wanted."""
    revision = part.revision
    if revision is None:
        raise TypeError("a part without _rev")
    known = Rows(db, part.entity)
    found = known.select([part.entity.identity], set(ids.values()), part.entity.primary)
    wanted = {row_hash(str(identity)): id_ for id_, identity in found}
    whole = catalog.views[view.name].narrow(everything=True)
    shown: dict[RowId, Record] = {}
    for batch in hook.bakeio_project_view(db=db, view=whole, catalog=catalog) or ():
        for record in _decoded(batch):
            read = revision.read(record[REV])
            if read is not None and read.row in wanted:
                shown[wanted[read.row]] = record
    return shown


def _decoded(batch: Any) -> list[Record]:
    """Return the records of a batch; numbers keep their digits where their JSON exists already."""
    if not isinstance(batch, EncodedBatch):
        return list(map(dict, batch))
    decoder = msgspec.json.Decoder(list[Record], float_hook=Decimal)
    return decoder.decode(b"[" + batch.data + b"]")


# -- the file
def _patched(
    path: Path,
    records: Mapping[int, Record | Problem],
    fresh: Mapping[int, Record],
    header: Mapping[str, Any],
) -> bytes | None:
    """Return the file with its fresh records in its own layout, None where it is not JSON.

    Args:
        path: The file.
        records: What was read of it.
        fresh: The fields to set.
        header: What a header would say of the file now.

    Raises:
        DocumentError: It cannot be told where each record stands.
    """
    data = path.read_bytes()
    mark = "\ufeff" if data.startswith(codecs.BOM_UTF8) else ""
    try:
        text = data.decode("utf-8-sig")
        start = len(text) - len(text.lstrip())
        whole = None if text.startswith("[", start) else ObjectText(text, start)
        listed = ListText(text, start) if whole is None else ListText(whole.members["records"], 0)
    except (ValueError, KeyError, RecursionError):
        return None
    if len(listed.items) != len(records):
        raise DocumentError(f"{path.name}: the place of each of its records cannot be found")
    changed = {
        number - 1: _patched_record(text, fresh[number])
        for number, text in enumerate(listed.items, 1)
        if number in fresh
    }
    if whole is None:
        return f"{mark}{text[:start]}{listed.patched(changed)}{text[listed.end :]}".encode()
    new = _header_now(whole.members, header, is_whole=len(fresh) == len(records))
    told = whole.patched({**new, "records": listed.patched(changed)}, before="records")
    return f"{mark}{text[:start]}{told}{text[whole.end :]}".encode()


def _header_now(
    there: Mapping[str, Any], header: Mapping[str, Any], *, is_whole: bool
) -> dict[str, str]:
    """Return what a file's header is to say from now on.

    While a record waits that was not imported, the header goes on saying what that is the edit of.
    """
    names = ["database_id", "exported_at"] if is_whole else []
    names += [] if "export_id" in there else ["export_id"]
    names += ["record_count"] if "record_count" in there else []
    return {name: _encoded(header[name]) for name in names}


def _patched_record(text: str, fresh: Mapping[str, Any]) -> str:
    record = ObjectText(text)
    new = {
        name: _encoded(value)
        for name, value in fresh.items()
        if name not in record.members or not same_json(record.members[name], value)
    }
    return record.patched(new, left_out=(CLEAR,))  # what was to be cleared is


def _encoded(value: Any) -> str:
    return encode_as_read(value).decode("utf-8")


def _anew(
    part: Part,
    records: Mapping[int, Record | Problem],
    fresh: Mapping[int, Record],
    header: dict[str, Any],
) -> bytes:
    """Return the file as an export lays it out, where what was there is not JSON."""
    told = []
    for number, record in records.items():
        if isinstance(record, Problem):
            message = f"{part.file}: record {number} {record.message}"
            raise DocumentError(message, code=record.code)
        now = {name: value for name, value in record.items() if name != CLEAR}
        told.append(encode_as_read(now | fresh[number] if number in fresh else record))
    mine = part.document.header
    is_whole = len(fresh) == len(records)
    new = dict.fromkeys(_header_now(mine, header, is_whole=is_whole))
    # while a record waits, a header that said nothing of whose it is goes on saying nothing
    left_out = set() if is_whole else {"database_id", "exported_at"} - mine.keys()
    whole = {**header, **mine, **{name: header[name] for name in new}}
    opened = opened_document({n: value for n, value in whole.items() if n not in left_out})
    return opened + b",\n".join(told) + (CLOSE if told else CLOSE[1:])
