"""Find out what a path holds, and open it as a source: a set, an entity's file, a view; forgiving where the meaning is plain."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import IO, Any

import msgspec

from bakeio_core.catalog import Catalog
from bakeio_core.documents import Document, Format, Limits
from bakeio_core.errors import DocumentError, Problem, Problems
from bakeio_core.output import encode_lines, opened_document, settle_missing
from bakeio_core.sets import MANIFEST, ExportSet
from bakeio_core.skipped import open_log
from bakeio_core.sources import Source, of_entity, of_set, of_view

__all__ = ["open_source"]

FORGIVEN_SIZE = 64 << 20
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/|#[^\n]*', re.DOTALL)
_COMMA = re.compile(r'"(?:\\.|[^"\\])*"|,(?=\s*[}\]])', re.DOTALL)
_FENCE = re.compile(r"```[a-zA-Z]*[ \t]*\r?\n(.*?)\r?\n[ \t]*```", re.DOTALL)


def open_source(
    path: Path | IO[bytes], catalog: Catalog, limits: Limits, *, accept_edits: bool = False, formats: Iterable[Format] = ()
) -> Source:
    """Open a set's folder, zip or manifest, an entity's file or a view's file; a stream holds one file.

    Raises DocumentError where it cannot be read, with the code of the contract.
    """
    if not isinstance(path, Path):
        data = path.read()
        return _open_document(Document("stdin", partial(io.BytesIO, data), limits), data, catalog)
    settle_missing(path)
    if not path.exists():
        raise DocumentError(f"{path}: there is no such file or folder", code="missing-file")
    if path.is_dir() or path.name == MANIFEST or path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        return of_set(ExportSet.open(path, limits), catalog, accept_edits)
    for known in formats:
        if path.suffix.lower() == known.suffix.lower():
            with open(path, "rb") as file:
                header, records = known.read(file)
            data = opened_document(header) + encode_lines(list(records)) + b"\n  ]\n}\n"
            return _open_document(Document(path.name, partial(io.BytesIO, data), limits), None, catalog)
    content = path.read_bytes() if path.stat().st_size <= FORGIVEN_SIZE else None
    return _open_document(Document.at(path, limits), content, catalog)


def _open_document(document: Document, data: bytes | None, catalog: Catalog) -> Source:
    problems = Problems()
    if data is not None and not _is_json(data):
        document = _forgiven(document, data, problems)
    if not document.header:
        document = _with_header(document, catalog, problems)
    kind, header = document.kind, document.header
    if kind == "entity":
        name = header["entity_type"]
        if name not in catalog.entities:
            reason = f"disabled: {catalog.disabled[name]}" if name in catalog.disabled else "no installed entity"
            raise DocumentError(f"{document.name}: holds {json.dumps(name)}, which is {reason}", code="unknown-entity")
        source = of_entity(document, catalog.entities[name], catalog)
        for problem in problems:
            source.problems.add(problem)
        return source
    if kind == "skipped":
        return open_log(document, catalog)
    if kind == "manifest":
        raise DocumentError(f"{document.name}: is the manifest of a set: name it {MANIFEST}, beside its files", code="bad-document")
    if kind != "view":
        raise DocumentError(f'{document.name}: says neither "view_name" nor "entity_type": is it a file bakeio wrote?', code="bad-document")
    return of_view(document, catalog.views[_view_name(document, header.get("view_name"), catalog)], catalog, problems)


def _view_name(document: Document, given: Any, catalog: Catalog) -> str:
    name = str(given).removesuffix("_complete").replace("-", "_")
    if name not in catalog.views:
        why = catalog.disabled.get(f"view {name}")
        known = f"disabled: {why}" if why else f"not installed; installed are {', '.join(catalog.views) or 'none'}"
        raise DocumentError(f'{document.name}: the view "{name}" is {known}', code="unknown-view")
    return name


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True


def _forgiven(document: Document, data: bytes, problems: Problems) -> Document:
    """Read what an assistant or a person's editor leaves around and in JSON; what stays broken is left to be explained."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return document
    done = []
    fenced = _FENCE.search(text)
    if fenced:
        text = fenced[1]
        done.append("the code block around it was taken off")
    bare = _TOKEN.sub(lambda match: match[0] if match[0].startswith('"') else " ", text)
    if bare != text:
        done.append("comments were left out")
    strict = _COMMA.sub(lambda match: match[0] if match[0].startswith('"') else "", bare)
    if strict != bare:
        done.append("commas before a closing bracket were left out")
    cleaned = strict.strip().encode()
    if not done or not _is_json(cleaned):
        return document
    problems.add(Problem(code="bad-document", severity="warning", file=document.name, message=f"is not strict JSON: {'; '.join(done)}"))
    return Document(document.name, partial(io.BytesIO, cleaned), document.limits)


def _with_header(document: Document, catalog: Catalog, problems: Problems) -> Document:
    """A bare list of records: the one view that has all their fields is meant."""
    records = [item for block in document.blocks() for _, item in block.slow(document.name) if isinstance(item, dict)]
    used = {name for record in records[:100] for name in record if not name.startswith("_")}
    fitting = [name for name, view in catalog.views.items() if used and used <= set(view.fields)]
    named = [name for name in fitting if name in document.name]
    if len(fitting) != 1 and len(named) != 1:
        message = f'{document.name}: is a list of records without a header, and it cannot be told of which view: add "view_name"'
        raise DocumentError(message, code="bad-document")
    name = named[0] if len(named) == 1 else fitting[0]
    problems.add(
        Problem(code="bad-document", severity="warning", file=document.name, message=f"has no header and is read as the view {name}")
    )
    header = {"view_name": f"{name}_complete", "record_count": len(records)}
    data = opened_document(header) + encode_lines(records) + b"\n  ]\n}\n" if records else b""
    return Document(document.name, partial(io.BytesIO, data), document.limits)
