"""Find out what a path holds and open it; forgiving where the meaning is plain."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.plugins import packages
from bakeio_core.catalog.plugins.formats import HEAD, Format, Formats
from bakeio_core.catalog.plugins.templates import TEMPLATE
from bakeio_core.catalog.views.view import plain_view_name
from bakeio_core.errors import DocumentError, Problems, UsageError, unknown
from bakeio_core.files.documents.document import Document
from bakeio_core.files.documents.limits import Limits
from bakeio_core.files.documents.scanner import is_json
from bakeio_core.files.documents.streams import is_stream, refuse_device
from bakeio_core.files.leftovers import settle_missing
from bakeio_core.files.sets.export_set import ExportSet
from bakeio_core.files.sets.manifest import MANIFEST
from bakeio_core.importing.reading.answers.answered import lean_answer
from bakeio_core.importing.reading.answers.shapes import with_header_and_records
from bakeio_core.importing.reading.building import of_entity, of_set, of_sheets, of_view
from bakeio_core.importing.reading.derived.filled_in import of_template
from bakeio_core.importing.reading.derived.upgraded import upgraded, upgraded_set
from bakeio_core.importing.reading.sources import Source
from bakeio_core.values.wording import kind_of_thing, shown

OWN = {"manifest_version", "view_name", "entity_type", "skipped_at"}
"""What tells that a document is one that bakeio reads itself."""


def open_source(
    path: Path | IO[bytes],
    catalog: Catalog,
    limits: Limits,
    *,
    accept_edits: bool = False,
    without: Collection[str] = (),
    formats: Formats | None = None,
    format_: str | None = None,
) -> Source:
    """Open a set's folder, zip or manifest, an entity's file, a view's file or a workbook of them.

    Args:
        path: Where it lies, or a binary stream that holds one file.
        catalog: What is installed.
        limits: How much is taken.
        accept_edits: Report changed checksums and counts of a set as warnings, not as errors.
        without: Entities of a set that are left out, with what cannot do without them.
        formats: Those plugins bring besides JSON.
        format_: The name of the one it is in; by default that is told by its ending or contents.

    Raises:
        DocumentError: It cannot be read.
        UsageError: There is no such format, it has no such entities, or is not a set.
    """
    is_binary = hasattr(path, "read") and not isinstance(path, io.TextIOBase)
    if not (isinstance(path, Path) or is_binary):
        raise UsageError(
            f"a file is expected, not {kind_of_thing(path)}: "
            "give its path, or a binary stream, such as io.BytesIO(data)"
        )
    known = formats if formats is not None else Formats()
    named = known.named(format_, packages.for_format(format_)) if format_ else None
    guessed = Formats() if format_ else known
    if isinstance(path, Path) and is_stream(path) and not without:
        with open(path, "rb") as stream:
            return _open_stream(stream, catalog, limits, guessed, named, path.name)
    in_sheets = named or (_format_of(path, guessed) if isinstance(path, Path) else None)
    if isinstance(path, Path) and in_sheets is None and _is_set(path):
        return _open_set(path, catalog, limits, accept_edits, without)
    if without:
        name = path.name if isinstance(path, Path) else "stdin"
        raise UsageError(f"--without leaves out entities of a set, and {name} is none")
    if not isinstance(path, Path):
        called = str(getattr(path, "name", "<"))  # that of the standard one is "<stdin>"
        plain = "stdin" if called.startswith("<") or called.isdigit() else Path(called).name
        return _open_stream(path, catalog, limits, guessed, named, plain)
    try:
        return _open_path(path, catalog, limits, in_sheets)
    except DocumentError as error:
        is_foreign = path.is_file() and known.by_suffix(path.name) is None
        hint = packages.for_file(path.name) if is_foreign else ""
        if not hint:
            raise
        raise DocumentError(f"{error}{hint}", code=error.code) from None


def _is_set(path: Path) -> bool:
    """Tell whether a path is the folder, the zip or the manifest of a set.

    Raises:
        DocumentError: There is nothing.
    """
    settle_missing(path)
    if not path.exists():
        raise DocumentError(f"{path}: there is no such file or folder", code="missing-file")
    is_named_so = path.name == MANIFEST or path.suffix.lower() == ".zip"
    return path.is_dir() or is_named_so or zipfile.is_zipfile(path)


def _open_set(
    path: Path, catalog: Catalog, limits: Limits, accept_edits: bool, without: Collection[str]
) -> Source:
    opened = ExportSet.open(path, limits)
    if "manifest_version" not in opened.manifest and not without:
        foreign = upgraded_set(opened, catalog)
        if foreign is not None:
            return foreign
    if without:
        from bakeio_core.files.sets.narrowed import narrowed

        opened = narrowed(opened, without, catalog)
    return of_set(opened, catalog, accept_edits)


def _open_path(path: Path, catalog: Catalog, limits: Limits, known: Format | None) -> Source:
    settle_missing(path)
    if not path.exists():
        raise DocumentError(f"{path}: there is no such file or folder", code="missing-file")
    if known is not None and path.is_file():
        return _open_sheets(known, lambda: open(path, "rb"), path.name, catalog, limits)
    with open(path, "rb") as file:
        content: bytes | None = file.read(limits.lenient + 1)
    content = content if content is not None and len(content) <= limits.lenient else None
    return _open_document(Document.at(path, limits), content, catalog)


def _format_of(path: Path, formats: Formats) -> Format | None:
    """Return the format of a file by its ending, else its first bytes; None for JSON and sets."""
    if not path.is_file():
        return None
    known = formats.by_suffix(path.name)
    if known is None and path.suffix.lower() != ".json":
        with open(path, "rb") as file:
            known = formats.by_head(file.read(HEAD))
    return known


def _open_sheets(
    known: Format, open_: Callable[[], IO[bytes]], name: str, catalog: Catalog, limits: Limits
) -> Source:
    """Open the sheets of a file; each view is a part of its own."""
    from bakeio_core.importing.reading.sheets.logged import LOG_OF
    from bakeio_core.importing.reading.sheets.opening import read_sheets
    from bakeio_core.importing.reading.sheets.strange import StrangeSheet

    problems = Problems()
    documents = read_sheets(known, open_, name, catalog, limits, problems)
    if isinstance(documents, StrangeSheet):
        source = Source(name, "view", [], problems=problems)
        source.strange = documents
    else:
        source = of_sheets(documents, catalog, problems)
        for document in documents.values():
            if document.header.get(LOG_OF):
                source.kind, source.log_of = "skipped", str(document.header[LOG_OF])
                source.logged_numbers = document.logged
    source.format = known
    problems.where = source.where
    return source


def not_as_view(
    path: Path, catalog: Catalog, limits: Limits, formats: Formats | None = None
) -> str | None:
    """Say why a file cannot be written anew as a view; None where it is one."""
    known = _format_of(path, formats) if formats else None
    if known is not None and known.edit is None:
        return f"is in the format {known.name}, of which only new files can be written"
    try:
        source = open_source(path, catalog, limits, formats=formats)
        return None if source.kind == "view" and source.strange is None else "is not a view"
    except DocumentError:
        return "is not a view"


def _open_stream(
    stream: IO[bytes],
    catalog: Catalog,
    limits: Limits,
    formats: Formats,
    named: Format | None,
    name: str = "stdin",
) -> Source:
    """Read a stream, which can be read once, for a document, which is read several times.

    What is long waits in a temporary file, which goes with the document.
    """
    refuse_device(stream, name)
    data = stream.read(limits.lenient + 1)
    known = named or formats.by_head(data[:HEAD])
    if known is None and data.startswith(b"PK\x03\x04"):
        raise DocumentError(f"{name}: is a zip: save it as a file, then import that")
    if len(data) <= limits.lenient and known is not None:
        return _open_sheets(known, partial(io.BytesIO, data), name, catalog, limits)
    if len(data) <= limits.lenient:
        return _open_document(Document(name, partial(io.BytesIO, data), limits), data, catalog)
    if known is None and not data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")):
        said = f"is not JSON, and a file longer than {limits.lenient >> 20} MiB has to be"
        raise DocumentError(f"{name}: {said}", code="bad-json")
    folder = tempfile.TemporaryDirectory(prefix="bakeio-")
    with open(Path(folder.name, "stream"), "wb") as file:
        while data:
            file.write(data)
            if file.tell() > limits.spooled:
                said = f"is longer than {limits.spooled >> 30} GiB: save it as a file first"
                raise DocumentError(f"{name}: {said}", code="too-large")
            data = stream.read(1 << 20)
    if known is not None:
        return _open_sheets(known, partial(_open_spooled, folder), name, catalog, limits)
    return _open_document(Document(name, partial(_open_spooled, folder), limits), None, catalog)


def _open_spooled(folder: tempfile.TemporaryDirectory[str]) -> IO[bytes]:
    return open(Path(folder.name, "stream"), "rb")


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
        from bakeio_core.importing.reading.answers.forgiving import read_leniently

        document = read_leniently(document, data, catalog, problems)
    if OWN.isdisjoint(_keys_of(document)) and (foreign := upgraded(document, catalog)):
        return foreign
    if TEMPLATE in _keys_of(document) and OWN.isdisjoint(_keys_of(document)):
        return of_template(document, catalog, problems)
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
                else "no installed entity"
                + (packages.for_entity(name) or f"; installed are {', '.join(catalog.entities)}")
            )
            raise DocumentError(
                f"{document.name}: holds {shown(name)}, which is {reason}", code="unknown-entity"
            )
        source = of_entity(document, catalog.entities[name], catalog)
        for problem in problems:
            source.problems.add(problem)
        return source
    if kind == "skipped":
        from bakeio_core.importing.reading.skipped_log import open_log

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
    name = _view_name(document, header.get("view_name"), catalog)
    return of_view(document, catalog.readable[name], catalog, problems)


def _of_answers(
    document: Document, answers: list[Mapping[str, Any]], catalog: Catalog, problems: Problems
) -> Source:
    """Return the source of answers to rows that were given out by number."""
    from bakeio_core.importing.reading.answers.lean import of_ticket

    found = of_ticket(document, answers, catalog, problems)
    source = of_view(found, catalog.views[found.view], catalog, problems)
    source.rows, source.origins = found.rows, found.origins
    return source


def _view_name(document: Document, given: Any, catalog: Catalog) -> str:
    name = plain_view_name(str(given))
    if name not in catalog.readable:
        why = catalog.disabled_views.get(name)
        said = f'{document.name}: the view "{name}" is '
        if why:
            raise DocumentError(f"{said}disabled: {why}", code="unknown-view")
        hint = packages.for_view(name)
        message = unknown(f"{said}not installed", name, catalog.views, hint)
        raise DocumentError(message, code="unknown-view")
    return name
