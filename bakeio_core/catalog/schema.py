"""JSON Schema of a view or a template: what a person or an assistant may return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import DELETE, FieldMap, FileField, view_fields
from bakeio_core.catalog.lists import is_list, list_views
from bakeio_core.catalog.plugins.templates import LINES, TEMPLATE, Template
from bakeio_core.catalog.view import Field, View


def view_schema(view: View, catalog: Catalog) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a view's file.

    Editable and key fields are writable, the others marked readOnly. Types, lengths, ranges and
    examples are those of tables and entities; the view's own export is valid against it.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"view_{view.name}.json",
        "description": view.purpose,
        "type": "object",
        "required": ["records"],
        "properties": {
            "export_type": {"const": "denormalized_view"},
            "view_name": {"enum": [f"{view.name}_complete", view.name]},
            "view_version": {"type": "string"},
            "records": {"type": "array", "items": _record(view, catalog)},
        },
    }


def _record(view: View, catalog: Catalog) -> dict[str, Any]:
    """Return the schema of one record, or of one row of a list."""
    shown = {name: item for name, item in view.fields.items() if item.role != "parent"}
    properties = {name: _field(view, item, catalog) for name, item in shown.items()}
    for name, listed in list_views(view, catalog.entities).items():
        properties[name] = {"type": ["array", "null"], "items": _record(listed, catalog)}
    clearable = [
        name for name in view.names("editable") if _nullable(view, view.fields[name], catalog)
    ]
    for item in view_fields(view, catalog):
        if not item.exported and item.role != "parent":
            properties[item.name] = _accepted(item)
    properties["_rev"] = {
        "type": "string",
        "readOnly": True,
        "description": "Keep it as it is: it tells what the record was when exported.",
    }
    properties["_clear"] = {
        "type": "array",
        "items": {"enum": clearable},
        "description": "Fields to empty; a null keeps the value.",
    }
    if is_list(view):
        properties[DELETE] = {
            "type": "boolean",
            "description": "true deletes the row; one that is left out of the list stays.",
        }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def template_schema(template: Template, catalog: Catalog) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the documents of a template.

    What is said once may stand beside the lines or in each of them.
    """
    fields = view_fields(template.view, catalog)
    properties: dict[str, Any] = {}
    for name, item in template.view.fields.items():
        if name in template.per:
            own = fields.own[template.of]
            entity = catalog.entities[template.view.entity]
            properties[name] = entity.kinds[template.of].schema()
            properties[name]["description"] = f"Whole packages; {own} is what is in them."
        else:
            properties[name] = _field(template.view, item, catalog)
            properties[name].pop("readOnly", None)
        if name in template.given:
            properties[name]["default"] = template.given[name]
    always = [n for n in template.required if n not in template.once and n not in template.given]
    naming = [name for item in fields.naming.values() for name in _named(item, template)]
    line: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [name for name in always if name not in naming],
        "additionalProperties": False,
    }
    line |= _one_of(fields, template, always)
    once = {name: properties[name] for name in template.once}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{template.called}.json",
        "description": " ".join([f"{template.view.purpose}.", *template.instructions]),
        "type": "object",
        "required": [TEMPLATE, LINES],
        "properties": {
            TEMPLATE: {"const": template.called},
            **once,
            LINES: {"type": "array", "items": line},
        },
        "additionalProperties": False,
        "examples": [template.document],
    }


def _named(naming: Mapping[str, FileField], template: Template) -> list[str]:
    """Return the fields of a template that name one row, where there are several ways to."""
    names = [item.name for item in naming.values() if item.name in template.view.fields]
    return names if len(names) > 1 else []


def _one_of(fields: FieldMap, template: Template, always: Sequence[str]) -> dict[str, Any]:
    """Return what says that one of several ways to name a row is enough."""
    ways = [names for item in fields.naming.values() if (names := _named(item, template))]
    needed = [names for names in ways if set(names) & set(always)]
    return {"anyOf": [{"required": [name]} for name in needed[0]]} if needed else {}


def _accepted(item: FileField) -> dict[str, Any]:
    """Return the schema of a field that is taken and not exported."""
    out = item.kind.schema()
    if "type" in out:
        out["type"] = [out["type"], "null"]
    if item.role == "readonly":
        out["readOnly"] = True
    return out | {"description": "Not exported; names the row in another way."}


def _nullable(view: View, item: Field, catalog: Catalog) -> bool:
    return isinstance(item.source, str) and catalog.entities[view.entity].nullable(
        item.source.split(".")[0]
    )


def _field(view: View, item: Field, catalog: Catalog) -> dict[str, Any]:
    if not isinstance(item.source, str):
        return {"readOnly": True}
    entity, column = catalog.follow(catalog.entities[view.entity], item.source)
    out = entity.kinds[column].schema()
    if column in entity.choices:
        out["examples"] = list(entity.choices[column])
    if "type" in out:
        out["type"] = [out["type"], "null"]
    if "enum" in out:
        out["enum"] = [*out["enum"], None]
    if item.role == "readonly":
        out["readOnly"] = True
    return out
