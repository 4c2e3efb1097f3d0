"""Sources built of what is read: sets, views, sheets, one entity's file, samples of plugins."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.entities.model import Entity, Key
from bakeio_core.catalog.fields import alone_fields, entity_fields, view_fields
from bakeio_core.catalog.keys.omitting import references_into
from bakeio_core.catalog.views.lists import list_views, parent_column
from bakeio_core.catalog.views.view import View
from bakeio_core.errors import PluginError, Problems
from bakeio_core.files.documents.composed.in_memory import InMemoryDocument
from bakeio_core.files.documents.document import Document
from bakeio_core.files.documents.encoding import CLOSE, encode_lines, opened_document
from bakeio_core.files.revision import revision_of
from bakeio_core.files.sets.archive import in_ascii
from bakeio_core.files.sets.export_set import ExportSet
from bakeio_core.files.sets.manifest import of_one_file, version_problem
from bakeio_core.files.sets.origin import is_count, is_kept, origin_problems
from bakeio_core.importing.reading.derived.lists import ListDocument, RecordsAlone
from bakeio_core.importing.reading.sources import Part, Source


def whose(header: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Return what a header says of its origin: database_id, exported_at, export_id.

    What is no short plain text is None.
    """
    said = [header.get(name) for name in ("database_id", "exported_at", "export_id")]
    mine, at, export = (value if is_kept(value) else None for value in said)
    return mine, at, export


def of_set(opened: ExportSet, catalog: Catalog, accept_edits: bool = False) -> Source:
    """Return the source of a normalized set; its structural problems are in `problems`."""
    from bakeio_core.files.sets.verify import structure

    problems = structure(opened, catalog)
    absent = [problem for problem in problems if problem.code in ("unknown-entity", "blocked")]
    if absent:  # once, all that has to be typed
        lacking = dict.fromkeys(in_ascii(problem.entity or "") for problem in absent)
        options = " ".join(f"--without {name}" for name in lacking)
        absent[-1].message += f". To import the rest: {options}"
    if accept_edits:
        for problem in problems:
            if problem.code in ("checksum-mismatch", "count-mismatch"):
                problem.severity = "warning"
    names = set(opened.store.names())
    parts = []
    broken = {problem.file for problem in problems if problem.severity == "error"}
    order = {name: place for place, name in enumerate(catalog.entities)}
    by_entity = opened.by_entity
    for name in sorted(by_entity.keys() & order.keys(), key=order.__getitem__):
        # a file listed twice is told, and read once
        once = {listed.filename: listed for listed in reversed(by_entity[name])}
        readable = [once[file] for file in reversed(once) if file in names and file not in broken]
        names -= once.keys()
        if readable:
            entity = catalog.entities[name]
            unread = references_into(entity, {other.entity for other in opened.left_out})
            fields = entity_fields(entity, catalog).unread(unread)
            part = Part(entity, opened.whole(readable), fields, readable)
            mine = (gap for gap in opened.gaps if gap["entity"] == entity.name)
            part.gaps = frozenset((gap["field"], gap["id"]) for gap in mine)
            parts.append(part)
    return Source(
        opened.name,
        "set",
        parts,
        *whose(opened.manifest),
        problems=problems,
        accept_edits=accept_edits,
        aliases=opened.aliases,
        layouts=opened.layouts,
        database_kind=opened.database_kind,
        days=opened.days,
        is_visible_only=opened.is_visible_only,
    )


def _look_at_header(header: dict[str, Any], file: str, problems: Problems) -> None:
    problem = version_problem(header, "view_version", file)
    for one in (problem, *origin_problems(header, file)):
        if one is not None:
            problems.add(one)


def of_view(document: Document, view: View, catalog: Catalog, problems: Problems) -> Source:
    """Return the source of a view's file."""
    header = document.header
    _look_at_header(header, document.name, problems)
    part = _part_of(document, view, catalog)
    parts = [part]
    if view.lists:
        part.document = RecordsAlone(document, part.fields)
    for name, listed in list_views(view, catalog.entities).items():
        lines = ListDocument(document, part.fields, name, parent_column(listed))
        parts.append(_part_of_list(lines, part, view.lists[name].key, listed, catalog))
    return Source(document.name, "view", parts, *whose(header), problems, declared=_count(header))


def of_sheets(documents: Mapping[str, Document], catalog: Catalog, problems: Problems) -> Source:
    """Return the source of a file of sheets.

    Args:
        documents: {view: its records}; a list within a view has a sheet, and so a name, of its own.
        catalog: What is installed.
        problems: What is told of the file.
    """
    parts = list[Part]()
    for view in catalog.readable.values():
        lists = list_views(view, catalog.entities)
        own = documents.get(view.name)
        nothing = InMemoryDocument(Document("no sheet", io.BytesIO), {}, [])
        part = _part_of(own or nothing, view, catalog)
        if own is not None:
            parts.append(part)
        for name, listed in lists.items():
            if listed.name in documents:
                lines, key = documents[listed.name], view.lists[name].key
                parts.append(_part_of_list(lines, part, key, listed, catalog))
    order = list(catalog.entities)
    parts.sort(key=lambda part: order.index(part.entity.name))
    header = parts[0].document.header
    for part in parts:
        _look_at_header(part.document.header, part.file, problems)
    count = _count(header) if len(parts) == 1 else None
    return Source(parts[0].file, "view", parts, *whose(header), problems, declared=count)


def _count(header: Mapping[str, Any]) -> int | None:
    count = header.get("record_count")
    return count if is_count(count) else None


def _part_of_list(
    document: Document, holder: Part, key: Key, listed: View, catalog: Catalog
) -> Part:
    part = _part_of(document, listed, catalog)
    part.holder, part.key = holder, (parent_column(listed), *key) if key else ()
    return part


def _part_of(document: Document, view: View, catalog: Catalog) -> Part:
    fields, revision = view_fields(view, catalog), revision_of(catalog, view)
    part = Part(catalog.entities[view.entity], document, fields, (), view, revision)
    part.template = catalog.templates.get(view.name)
    return part


def of_entity(document: Document, entity: Entity, catalog: Catalog) -> Source:
    """Return the source of one entity's file without its set."""
    problems, header, file = Problems(), document.header, document.name
    for problem in (*of_one_file(header, file), *origin_problems(header, file)):
        problems.add(problem)
    part = Part(entity, document, alone_fields(entity, catalog))
    return Source(file, "entity", [part], *whose(header), problems)


def sample_source(
    records: Mapping[str, Iterable[Mapping[str, Any]]], catalog: Catalog, strict: bool = True
) -> Source:
    """Return sample records as a source; entities that are not installed are left out.

    Args:
        records: {entity: its records}.
        catalog: What is installed.
        strict: Whether an entity nobody knows is an error.

    Raises:
        PluginError: There are records of an entity nobody knows.
    """
    parts = []
    unknown = [
        name for name in records if name not in catalog.entities and name not in catalog.disabled
    ]
    if unknown and strict:
        raise PluginError(
            f'the sample has records of "{unknown[0]}", which is not an installed entity'
        )
    for name, entity in catalog.entities.items():
        if name in records:
            rows = [dict(record) for record in records[name]]
            data = (
                opened_document({"entity_type": name, "record_count": len(rows)})
                + encode_lines(rows)
                + CLOSE
            )
            parts.append(
                Part(
                    entity,
                    Document(f"sample {name}", partial(io.BytesIO, data)),
                    entity_fields(entity, catalog),
                )
            )
    return Source("sample", "set", parts)
