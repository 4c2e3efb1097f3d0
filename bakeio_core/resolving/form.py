"""What a row to be created needs: the form a person or a file fills in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.model import ROW_KEY, Entity
from bakeio_core.catalog.exchange import Missing
from bakeio_core.values.folding import make_slug

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog


@dataclass(frozen=True)
class FormField:
    """One field of the form for a new row.

    Attributes:
        name: What a decision's values name it.
        required: Whether the row cannot be without it.
        choices: The values people choose from.
        target: The entity it names a row of, if it is a reference.
        value: What the file tells already.
    """

    name: str
    required: bool
    choices: tuple[str, ...] = ()
    target: str | None = None
    value: Any = None


SLUG = FormField("slug", required=True)
"""Asked for last, and only where the values say nothing that a slug can be made of."""


def known_values(missing: Missing, entity: Entity, catalog: Catalog) -> dict[str, Any]:
    """Return what the file tells of a missing row, as the values of a decision to create it."""
    known = {column: value for column, value in missing.key.items() if column != entity.surrogate}
    for path, value in missing.context.items():
        column, _, wanted = path.partition(".")
        if value in (None, "") or column not in entity.columns or column == entity.surrogate:
            continue
        if not wanted or (wanted,) in catalog.entities[entity.references[column].target].all_keys:
            known.setdefault(path, value)
    return known


def required_columns(entity: Entity) -> list[str]:
    """Return the columns a new row needs: not null, and neither defaulted nor bakeio's to fill."""
    filled = {entity.surrogate, ROW_KEY, "uuid", *entity.filled.stamps, *entity.filled.defaults}
    filled |= {"slug"} if entity.slug_from else set()
    return [c for c in entity.columns if c not in filled and not entity.nullable(c)]


def needs_slug(entity: Entity, values: Mapping[str, Any]) -> bool:
    """Tell whether a new row must be given a slug, because none can be made of its values.

    Args:
        entity: Whose row it is.
        values: What is known of it, as a decision to create it has it.
    """
    if not entity.slug_from or entity.nullable("slug") or values.get("slug") is not None:
        return False
    names = {*entity.slug_from}
    for column in names & entity.references.keys():
        names |= {*entity.references[column].lookups}
    return not make_slug(
        value for path, value in values.items() if path.split(".")[0] in names and value is not None
    )


def blanks(missing: Missing, catalog: Catalog) -> list[FormField]:
    """Return the form for creating a missing row, filled with what the file tells.

    It has what is required, and what people call such a row by; `SLUG` where it must be given.
    """
    entity = catalog.entities[missing.entity]
    known, required = known_values(missing, entity, catalog), required_columns(entity)
    wanted = {*required, *entity.labels, *entity.slug_from}
    wanted |= {path.split(".")[0] for path in known}
    out = []
    for column in entity.columns:
        if column not in wanted:
            continue
        name, target, reference = column, None, entity.references.get(column)
        if reference is not None:
            target = reference.target
            keys = [key[0] for key in catalog.entities[target].all_keys if len(key) == 1]
            told = [path for path in known if path in {f"{column}.{key}" for key in keys}]
            fields = {looked_up: field for field, looked_up in reference.lookups.items()}
            best = next((key for key in keys if key != "uuid"), "uuid")
            name = told[0] if told else fields.get(best, f"{column}.{best}")
        offered = entity.choices.get(column) or entity.kinds[column].choices
        choices = () if reference else tuple(offered)
        out.append(FormField(name, column in required, choices, target, known.get(name)))
    return [*out, SLUG] if needs_slug(entity, known) else out
