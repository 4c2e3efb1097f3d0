"""Find out what a path holds and open it; forgiving where the meaning is plain."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.exchange import Format
from bakeio_core.catalog.plugins import packages
from bakeio_core.catalog.view import plain_view_name
from bakeio_core.errors import DocumentError, Problems
from bakeio_core.files.documents.document import Document
from bakeio_core.files.documents.encoding import encode_lines, opened_document
from bakeio_core.files.documents.limits import Limits
from bakeio_core.files.leftovers import settle_missing
from bakeio_core.files.sets.export_set import ExportSet
from bakeio_core.files.sets.manifest import MANIFEST
from bakeio_core.importing.reading.answers.forgiving import forgiven, is_json
from bakeio_core.importing.reading.answers.lean import lean_answer, of_ticket
from bakeio_core.importing.reading.answers.shapes import with_header_and_records
from bakeio_core.importing.reading.skipped_log import open_log
from bakeio_core.importing.reading.sources import Source, of_entity, of_set, of_view
from bakeio_core.values.wording import shown


def open_source(
    path: Path | IO[bytes],
    catalog: Catalog,
    limits: Limits,
    *,
    accept_edits: bool = False,
    formats: Collection[Format] = (),
) -> Source:
    """Open a set's folder, zip or manifest, an entity's file or a view's file.

    Args:
        path: Where it lies, or a binary stream that holds one file.
        catalog: What is installed.
        limits: How much is taken.
        accept_edits: Changed checksums and counts of a set are warnings.
        formats: Those plugins bring besides JSON.

    Raises:
        DocumentError: It cannot be read.
    """
    if not isinstance(path, Path):
        return _open_stream(path, catalog, limits)
    try:
        return _open_path(path, catalog, limits, accept_edits, formats)
    except DocumentError as error:
        suffixes = {known.suffix.lower() for known in formats}
        is_foreign = path.is_file() and path.suffix.lower() not in suffixes
        hint = packages.for_file(path.name) if is_foreign else ""
        if not hint:
            raise
        raise DocumentError(f"{error}{hint}", code=error.code) from None


def _open_path(
    path: Path, catalog: Catalog, limits: Limits, accept_edits: bool, formats: Collection[Format]
) -> Source:
    settle_missing(path)
    if not path.exists():
        raise DocumentError(f"{path}: there is no such file or folder", code="missing-file")
    if (
        path.is_dir()
        or path.name == MANIFEST
        or path.suffix.lower() == ".zip"
        or zipfile.is_zipfile(path)
    ):
        return of_set(ExportSet.open(path, limits), catalog, accept_edits)
    for known in formats:
        if path.suffix.lower() == known.suffix.lower():
            with open(path, "rb") as file:
                header, records = known.read(file)
            data = opened_document(header) + encode_lines(list(records)) + b"\n  ]\n}\n"
            return _open_document(
                Document(path.name, partial(io.BytesIO, data), limits), None, catalog
            )
    content = path.read_bytes() if path.stat().st_size <= limits.forgiven else None
    return _open_document(Document.at(path, limits), content, catalog)


def not_as_view(
    path: Path, catalog: Catalog, limits: Limits, formats: Collection[Format] = ()
) -> str | None:
    """Say why a file cannot be written anew as a view; None where it is one, in JSON."""
    if path.suffix.lower() in {known.suffix.lower() for known in formats}:
        return "is in a plugin's format, and only JSON can be written anew"
    try:
        return None if open_source(path, catalog, limits).kind == "view" else "is no view"
    except DocumentError:
        return "is no view"


def _open_stream(stream: IO[bytes], catalog: Catalog, limits: Limits) -> Source:
    """Read a stream, which can be read once, for a document, which is read several times.

    What is long waits in a temporary file, which goes with the document.
    """
    data = stream.read(limits.forgiven + 1)
    if len(data) <= limits.forgiven:
        return _open_document(Document("stdin", partial(io.BytesIO, data), limits), data, catalog)
    folder = tempfile.TemporaryDirectory(prefix="bakeio-")
    with open(Path(folder.name, "stdin"), "wb") as file:
        file.write(data)
        shutil.copyfileobj(stream, file, 1 << 20)
    return _open_document(Document("stdin", partial(_open_spooled, folder), limits), None, catalog)


def _open_spooled(folder: tempfile.TemporaryDirectory[str]) -> IO[bytes]:
    return open(Path(folder.name, "stdin"), "rb")


def _open_document(document: Document, data: bytes | None, catalog: Catalog) -> Source:
    try:
        return _source_of(document, data, catalog)
    except DocumentError as error:
        hint = packages.for_document(_keys_of(document))
        if not hint:
            raise
        said = str(error)
        after = hint.removeprefix(".") if said.endswith("?") else hint
        raise DocumentError(f"{said}{after}", code=error.code) from None


def _keys_of(document: Document) -> Collection[str]:
    """Return the keys that stand beside the records, none where nothing can be read."""
    try:
        return document.header.keys()
    except (DocumentError, OSError):
        return ()


def _source_of(document: Document, data: bytes | None, catalog: Catalog) -> Source:
    problems = Problems()
    if data is not None and not is_json(data):
        document = forgiven(document, data, catalog, problems)
    if answers := lean_answer(document):
        return _of_answers(document, answers, catalog, problems)
    document = with_header_and_records(document, catalog, problems)
    kind, header = document.kind, document.header
    if kind == "entity":
        name = header["entity_type"]
        if not isinstance(name, str) or name not in catalog.entities:
            reason = (
                f"disabled: {catalog.disabled[name]}"
                if isinstance(name, str) and name in catalog.disabled
                else f"no installed entity{packages.for_entity(name)}"
            )
            raise DocumentError(
                f"{document.name}: holds {shown(name)}, which is {reason}", code="unknown-entity"
            )
        source = of_entity(document, catalog.entities[name], catalog)
        for problem in problems:
            source.problems.add(problem)
        return source
    if kind == "skipped":
        return open_log(document, catalog)
    if kind == "manifest":
        raise DocumentError(
            f"{document.name}: is the manifest of a set: name it {MANIFEST}, beside its files",
            code="bad-document",
        )
    if "view_name" not in header:
        raise DocumentError(
            f'{document.name}: has no "view_name"; '
            f"the views that are installed are {', '.join(catalog.views) or 'none'}"
        )
    return of_view(
        document,
        catalog.views[_view_name(document, header.get("view_name"), catalog)],
        catalog,
        problems,
    )


def _of_answers(
    document: Document, answers: list[Mapping[str, Any]], catalog: Catalog, problems: Problems
) -> Source:
    """Return the source of answers to rows that were given out by number."""
    found = of_ticket(document, answers, catalog, problems)
    source = of_view(found, catalog.views[found.view], catalog, problems)
    source.rows, source.origins = found.rows, found.origins
    return source


def _view_name(document: Document, given: Any, catalog: Catalog) -> str:
    name = plain_view_name(str(given))
    if name not in catalog.views:
        why = catalog.disabled_views.get(name)
        known = (
            f"disabled: {why}"
            if why
            else f"not installed; installed are {', '.join(catalog.views) or 'none'}"
            + packages.for_view(name)
        )
        raise DocumentError(f'{document.name}: the view "{name}" is {known}', code="unknown-view")
    return name
