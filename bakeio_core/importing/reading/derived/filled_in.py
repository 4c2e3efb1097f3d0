"""A document of a template as records of its view: what is said once stands in every line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import plain_name, view_fields
from bakeio_core.catalog.plugins.templates import LINES, TEMPLATE, Template
from bakeio_core.catalog.views.view import plain_view_name
from bakeio_core.errors import DocumentError, Problem, Problems, counted
from bakeio_core.files.documents.blocks import Block
from bakeio_core.files.documents.composed.in_memory import InMemoryDocument
from bakeio_core.files.documents.document import Document
from bakeio_core.files.documents.scanner import BLOCK, as_record
from bakeio_core.importing.reading.building import of_view
from bakeio_core.importing.reading.sources import Source
from bakeio_core.values.wording import shown

LISTS = (LINES, "records")
"""Where a document of a template has its lines."""
OF_DOCUMENTS = {TEMPLATE, *LISTS, "version", "exported_at", "database_id", "export_id"}


class FilledIn(InMemoryDocument):
    """The lines of a document of a template."""

    def blocks(self, seen: Callable[[bytes], object] | None = None) -> Iterator[Block]:
        """Yield the lines in blocks; `seen` is given the bytes of the document."""
        yield from super().blocks()
        if seen is not None:
            with self.open() as file:
                while data := file.read(BLOCK):
                    seen(data)


def of_template(document: Document, catalog: Catalog, problems: Problems) -> Source:
    """Return the source of a document that says it is of a template.

    Args:
        document: The document.
        catalog: What is installed.
        problems: What is told of it already.

    Raises:
        DocumentError: There is no such template, or it has no lines.
    """
    template = _template_of(document, catalog)
    lines = list(_lines(document, template))
    once = _said_once(document, template, catalog, problems)
    filled = {**template.filled, **once}
    items: list[tuple[int, dict[str, Any] | Problem]] = []
    for number, line in enumerate(lines, 1):
        text = json.dumps(line, default=str)
        record = as_record(line, number, document.name, document.limits.depth, text)
        items.append((number, record if isinstance(record, Problem) else _with(filled, record)))
    header = {"view_name": f"{template.name}_complete"}
    source = of_view(FilledIn(document, header, items), template.view, catalog, problems)
    source.read_as = f"a {template.called} document"
    return source


def _with(filled: Mapping[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    """Return a line with what it leaves to the document to say."""
    said = {plain_name(name) for name, value in line.items() if value is not None}
    return {**line, **{n: value for n, value in filled.items() if plain_name(n) not in said}}


def _template_of(document: Document, catalog: Catalog) -> Template:
    said = document.header[TEMPLATE]
    name = plain_view_name(str(said))
    if name in catalog.templates:
        return catalog.templates[name]
    known = ", ".join(template.called for template in catalog.templates.values()) or "none"
    why = catalog.disabled_templates.get(name)
    state = f"disabled: {why}" if why else f"not installed; installed are {known}"
    raise DocumentError(
        f"{document.name}: the template {shown(said)} is {state}", code="unknown-view"
    )


def _lines(document: Document, template: Template) -> Iterator[Any]:
    """Yield what stands in the list of lines, whatever it is."""
    listed = next((document.header[n] for n in LISTS if n in document.header), None)
    if listed is None and document.has_records:
        for block in document.blocks():
            yield from (item for _, item in block.as_dicts(document.name))
    elif isinstance(listed, list):
        yield from listed
    else:
        example = json.dumps(template.example[LINES][:1])
        raise DocumentError(
            f'{document.name}: has no list "{LINES}": a {template.called} document says '
            f'{{"template": "{template.called}", "{LINES}": {example}}}'
        )


def _said_once(
    document: Document, template: Template, catalog: Catalog, problems: Problems
) -> dict[str, Any]:
    """Return what a document says beside its lines; what is not a field is told."""
    fields, once = view_fields(template.view, catalog), dict[str, Any]()
    for name, value in document.header.items():
        item = fields.named(name)
        if name in OF_DOCUMENTS:
            continue
        if item is not None and (item.name in template.once or item.column is not None):
            once[item.name] = value
            continue
        near = difflib.get_close_matches(name, template.once, 1)
        hint = f': did you mean "{near[0]}"?' if near else " and is ignored"
        problems.add(
            Problem(
                code="unknown-field",
                severity="error" if near else "warning",
                file=document.name,
                field=name,
                message=f"is not a field of a {template.called} document{hint}",
            )
        )
    if once:
        said = ", ".join(f"{name} {shown(value)}" for name, value in once.items())
        message = f"{said}: of all its lines that do not say otherwise"
        count = counted(len(document.header.get(LINES, ())), "line")
        problems.add(
            Problem(
                code="bad-document",
                severity="note",
                file=document.name,
                message=f"is a {template.called} document of {count}; {message}",
            )
        )
    return once
