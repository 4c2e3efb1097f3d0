"""A document of a template to be filled in: a sheet with its headings, or the example as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import view_fields
from bakeio_core.catalog.plugins.formats import Formats, Sheet, SheetColumn
from bakeio_core.catalog.plugins.templates import Template
from bakeio_core.database.view_query import kind_of_source
from bakeio_core.files.output import atomic_file, refuse_file
from bakeio_core.files.sheets.cells import about
from bakeio_core.files.sheets.readings import form_of
from bakeio_core.files.sheets.writing import write_sheets

WIDEST = 28


def write_template(template: Template, catalog: Catalog, formats: Formats, path: Path) -> None:
    """Write a document to be filled in; its file is new.

    Args:
        template: Its template.
        catalog: What is installed.
        formats: Those plugins bring besides JSON.
        path: The file, whose ending tells the format.

    Raises:
        UsageError: It is there already, or nothing writes such files.
        PluginError: The format's plugin failed.
    """
    refuse_file(path, _there)
    known = formats.to_write(path)
    with atomic_file(path, _there) as file:
        if known is None:
            file.write(json.dumps(template.document, indent=2, ensure_ascii=False).encode() + b"\n")
        else:
            write_sheets(known, file, [_sheet(template, catalog)], path.name)


def _there(path: Path) -> str:
    return "exists already"


def _sheet(template: Template, catalog: Catalog) -> Sheet:
    view, entity = template.view, catalog.entities[template.view.entity]
    fields = view_fields(view, catalog)
    columns = [
        SheetColumn(
            name,
            kind=form_of(kind_of_source(catalog, entity, item.source)),
            scale=getattr(fields.by_name[name].kind, "scale", None),
            nullable=name not in template.required,
            width=min(max(12, len(name) + 3), WIDEST),
        )
        for name, item in view.fields.items()
    ]
    told = SheetColumn(about({"view_name": f"{view.name}_complete"}), "hidden")
    return Sheet(view.name, [*columns, told], [], view.purpose, list(template.instructions))
