"""What the packages of this repository bring: their entities and views, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bakeio_core

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"bakeio", *(folder.name for folder in (ROOT / "plugins").glob("bakeio-*"))}
"""The distributions of this repository, whose parts the reference shows."""


def package(name: str | None) -> str:
    """Say which package one installs to have something; nothing where it is bakeio itself."""
    if name in (None, "bakeio"):
        return ""
    readme = f"plugins/{name}/README.md"
    told = f"[{name}](../../{readme})" if (ROOT / readme).exists() else f"`{name}`"
    return f"Needs the package {told}.\n"


def bundled(catalog: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the entities and the views of bakeio and of the packages of this repository."""
    entities = {
        name: entity
        for name, entity in sorted(catalog.entities.items())
        if catalog.provider[name].distribution in PACKAGES
    }
    views = {
        name: view
        for name, view in sorted(catalog.views.items())
        if catalog.view_provider[name].distribution in PACKAGES
    }
    return entities, views


def _named_key(key: Any) -> str:
    parts = (key,) if isinstance(key, str) else key
    return f"({', '.join(f'`{part}`' for part in parts)})" if len(parts) > 1 else f"`{parts[0]}`"


def _entity(name: str, entity: Any, of: str) -> list[str]:
    out = [f"## {name}\n", package(of)]
    out += ["| column | type | must be given | refers to | in files by |", "|---|---|---|---|---|"]
    for column in entity.table.columns:
        reference = entity.references.get(column.name)
        target = f"[{reference.target}](#{reference.target})" if reference else ""
        lookups = ", ".join(f"`{field}`" for field in reference.lookups) if reference else ""
        must = _must_be_given(column, entity)
        out.append(f"| `{column.name}` | {column.type} | {must} | {target} | {lookups} |")
    keys = "".join(f", then by {key}" for key in map(_named_key, entity.keys))
    told = f"A record is found by its uuid{keys}"
    if entity.content:
        told += f", then by equal content ({', '.join(f'`{part}`' for part in entity.content)})"
    called = " and ".join(f"`{part}`" for part in entity.labels)
    out.append(f"\n{told}. Messages call it by {called or 'its key'}.\n")
    for column, values in entity.choices.items():
        offered = ", ".join(map(str, values))
        out.append(f"Offered for `{column}`, and others may be given: {offered}.\n")
    for column in entity.checks:
        out.append(f"A changed `{column}` is checked; `--allow {column}` lifts the check.\n")
    return out


def _must_be_given(column: Any, entity: Any) -> str:
    """Say whether a new row needs a value that nothing else makes."""
    if column.name == "slug" and entity.slug_from:
        return f"else made from {', '.join(f'`{part}`' for part in entity.slug_from)}"
    is_made = column.primary_key or column.default is not None or column.server_default is not None
    return "" if column.nullable or is_made else "yes"


def _view(name: str, view: Any, of: str) -> list[str]:
    shown = f"Its records are rows of [{view.entity}](#{view.entity}).\n"
    out = [f"## View {name}\n", package(of), f"{view.purpose}.\n", shown]
    out += ["| field | may be edited | is |", "|---|---|---|", *_fields(view.fields)]
    for title, item in view.lists.items():
        entity, _, column = item.source.partition(".")
        out.append(
            f"\nThe field `{title}` is a list: the rows of [{entity}](#{entity}) whose `{column}` "
            "is the row of the record. A row of it has these fields:\n"
        )
        out += ["| field | may be edited | is |", "|---|---|---|", *_fields(item.fields)]
    return [*out, ""]


def _fields(fields: Any) -> Iterator[str]:
    for name, about in fields.items():
        source = f"`{about.source}`" if isinstance(about.source, str) else "computed"
        may = {"editable": "yes", "key": "names the row"}.get(about.role, "")
        yield f"| `{name}` | {may} | {source} |"


def entities_and_views() -> str:
    """Return the page of the bundled entities and views."""
    catalog = bakeio_core.Bakeio.discover().catalog
    entities, views = bundled(catalog)
    out = ["# Entities and views\n"]
    out.append(
        "These are the entities and views of bakeio and of the packages of this project. "
        "`bakeio entities` and `bakeio views` list what is installed, with those of others.\n\n"
        "Of an entity, *must be given* says whether a new row needs a value that nothing else "
        "makes, and *in files by* names the fields of a file that say which row is referred to. "
        "Of a view, a path such as `ingredient_id.slug` is the `slug` of the row that "
        "`ingredient_id` refers to. A field without a `yes` is only shown.\n"
    )
    links = [f"[{name}](#{name})" for name in entities]
    links += [f"[view {name}](#view-{name})" for name in views]
    out.append(" · ".join(links) + "\n")
    for name, entity in entities.items():
        out += _entity(name, entity, catalog.provider[name].distribution)
    for name, view in views.items():
        out += _view(name, view, catalog.view_provider[name].distribution)
    return "\n".join(out)
