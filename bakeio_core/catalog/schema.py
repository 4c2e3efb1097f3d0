"""JSON Schema of a view or a template: what a person or an assistant may return."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import DELETE, FieldMap, FileField, view_fields
from bakeio_core.catalog.plugins.templates import LINES, TEMPLATE, Template
from bakeio_core.catalog.views.lists import is_list, list_views
from bakeio_core.catalog.views.view import Field, View


def view_schema(view: View, catalog: Catalog) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a view's file.

    Editable and key fields are writable, the others marked readOnly. Types, lengths, ranges and
    examples are those of tables and entities; the view's own export is valid against it, but where
    a required text is stored empty.
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
    clearable = [
        name for name in view.names("editable") if _nullable(view, view.fields[name], catalog)
    ]
    properties = {
        name: _as_written(
            _field(view, item, catalog),
            is_required=item.role == "editable" and name not in clearable,
        )
        for name, item in shown.items()
    }
    for name, listed in list_views(view, catalog.entities).items():
        properties[name] = {"type": ["array", "null"], "items": _record(listed, catalog)}
    for item in view_fields(view, catalog):
        if not item.exported and item.role != "parent":
            properties[item.name] = _as_written(_accepted(item))
    properties["_rev"] = {
        "type": "string",
        "readOnly": True,
        "description": "Keep it as it is: it tells what the record was when exported.",
    }
    properties["_clear"] = {
        "type": ["array", "string", "null"],
        "items": {"enum": clearable},
        "pattern": f"^({'|'.join(['', *map(re.escape, clearable)])})$",
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


def _as_written(field: dict[str, Any], *, is_required: bool = False) -> dict[str, Any]:
    """Return the schema of a field with all ways of writing it that an import takes.

    A number may be written as a text, of whose limits a schema can say only those at zero; no
    text has a NUL.

    Args:
        field: The schema of what is stored.
        is_required: Whether what is there may not be emptied.
    """
    types = field.get("type", [])
    if "number" in types or "integer" in types:
        number = _number_as_text(field)
        pattern = number if is_required else f"^$|{number}"
        return {**field, "type": [*types[:-1], "string", "null"], "pattern": pattern}
    if "string" not in types:
        return field
    if "enum" in field and not is_required:
        return {**field, "enum": [*field["enum"], ""]}
    if {"pattern", "enum", "format"} & field.keys():
        return field if is_required else {"anyOf": [field, {"const": ""}]}
    least = {"minLength": 1} if is_required else {}
    return {**field, **least, "pattern": _NO_NUL}


_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"
_NOT_BELOW_ZERO = "(?!-[^eE]*[1-9])"
_NOT_ZERO = "(?=[^eE]*[1-9])"


def _number_as_text(field: Mapping[str, Any]) -> str:
    """Return the pattern of a number that is written as a text."""
    least, above = field.get("minimum", -1), field.get("exclusiveMinimum", -1)
    sign = _NOT_BELOW_ZERO if max(least, above) >= 0 else ""
    nonzero = _NOT_ZERO if above >= 0 or least > 0 else ""
    return f"^{sign}{nonzero}{_NUMBER}"


_NO_NUL = "^[^\\u0000]*$"


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


PROVIDERS = ("plain", "openai", "anthropic", "gemini")
"""Whose subset of JSON Schema a strict schema keeps to; plain: what all but the last take."""
MOST_IN_ENUM = 20
"""So many values of a field are listed; more are told in its description as examples."""
_TYPED = ("type", "enum")


def strict_schema(view: View, catalog: Catalog, provider: str = "plain") -> dict[str, Any]:
    """Return the JSON Schema that a model's answer is held to, as its provider takes it.

    It has the keys and the editable fields of each record, all of them required, and null in each
    where nothing is to be said. Limits stand in descriptions: no provider takes all keywords.

    Args:
        view: The view.
        catalog: What is installed.
        provider: One of `PROVIDERS`.
    """
    record = _strict_record(view, catalog)
    name = {"type": "string", "enum": [f"{view.name}_complete"]}
    whole = _closed({"view_name": name, "records": {"type": "array", "items": record}})
    whole["description"] = view.purpose or f"Edits of the view {view.name}"
    return _as_gemini(whole) if provider == "gemini" else whole


def _strict_record(view: View, catalog: Catalog) -> dict[str, Any]:
    """Return the strict schema of one record, or of one row of a list."""
    named = view.names("key") or [name for name in view.kept if name in view.fields]
    wanted = [n for n in view.fields if n in named or view.fields[n].role == "editable"]
    fields = {
        name: _strict_field(
            _field(view, view.fields[name], catalog),
            is_key=name in named and view.fields[name].role != "editable",
        )
        for name in wanted
    }
    for name, listed in list_views(view, catalog.entities).items():
        items = _strict_record(listed, catalog)
        fields[name] = {"type": ["array", "null"], "items": items}
    return _closed(fields)


def _closed(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _strict_field(full: dict[str, Any], *, is_key: bool) -> dict[str, Any]:
    """Return a field without the keywords that not every provider takes; they become words."""
    out = {name: full[name] for name in _TYPED if name in full}
    out.setdefault("type", ["string", "null"])
    words = ["Names the row; null in a new one." if is_key else "null: nothing to say."]
    if len(out.get("enum", ())) > MOST_IN_ENUM:
        words.append(f"One of: {_listed(out.pop('enum'))}.")
    elif "enum" in out and None not in out["enum"]:
        out["enum"] = [*out["enum"], None]
    if "examples" in full:
        words.append(f"Usual: {_listed(full['examples'][:MOST_IN_ENUM])}.")
    words += [f"{said} {full[name]}." for name, said in _LIMITS.items() if name in full]
    words += [_FORMATS[full["format"]]] if full.get("format") in _FORMATS else []
    return {**out, "description": " ".join(words)}


_LIMITS = {
    "maxLength": "Characters at most:",
    "minLength": "Characters at least:",
    "minimum": "At least",
    "exclusiveMinimum": "More than",
    "maximum": "At most",
    "exclusiveMaximum": "Less than",
    "multipleOf": "A multiple of",
}
_FORMATS = {
    "date": "A date, YYYY-MM-DD.",
    "date-time": "A time in UTC, YYYY-MM-DDTHH:MM:SSZ.",
    "time": "A time of day, HH:MM:SS.",
    "uuid": "A UUID.",
}


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(str(value) for value in values if value is not None)


def _as_gemini(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a strict schema in the words of OpenAPI: one type each, `nullable` beside it."""
    out = {name: value for name, value in schema.items() if name != "additionalProperties"}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    out["type"] = next(one for one in types if one != "null")
    if "null" in types:
        out["nullable"] = True
    if "enum" in out:
        out["enum"] = [value for value in out["enum"] if value is not None]
        # it lists texts alone
        if out["type"] != "string":
            listed = _listed(out.pop("enum"))
            out["description"] = f"{out.get('description', '')} One of: {listed}.".strip()
    if "properties" in out:
        out["properties"] = {n: _as_gemini(of) for n, of in out["properties"].items()}
        out["propertyOrdering"] = list(out["properties"])
    if "items" in out:
        out["items"] = _as_gemini(out["items"])
    return out
