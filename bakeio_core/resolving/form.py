"""What a row to be created needs: the form a person or a file fills in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.exchange import Missing
from bakeio_core.catalog.model import Entity

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog


# -- what a row to be created needs
@dataclass(frozen=True)
class FormField:
    """One field of the form for a new row: its `name` in a decision's values, and what is known of it.

    target: the entity it names a row of, if it is a reference; value: what the file tells already.
    """

    name: str
    required: bool
    choices: tuple[str, ...] = ()
    target: str | None = None
    value: Any = None


def known_values(missing: Missing, entity: Entity, catalog: Catalog) -> dict[str, Any]:
    """Return what the file tells of the row that is missing, as the values of a decision to create it."""
    known = {column: value for column, value in missing.key.items() if column != entity.primary}
    for path, value in missing.context.items():
        column, _, wanted = path.partition(".")
        if value in (None, "") or column not in entity.columns or column == entity.primary:
            continue
        if not wanted or (wanted,) in catalog.entities[entity.references[column].target].all_keys:
            known.setdefault(path, value)
    return known


def required_columns(entity: Entity) -> list[str]:
    """Return the columns a new row must be told: not null, and neither defaulted nor supplied by bakeio."""
    supplied = {
        entity.primary,
        "uuid",
        "created_at",
        "updated_at",
        *(["slug"] if entity.slug_from else []),
    }
    return [
        c for c in entity.columns if c not in supplied and not entity.nullable(c) and entity.default(c) is None
        and entity.table.c[c].server_default is None
    ]  # fmt: skip


def blanks(missing: Missing, catalog: Catalog) -> list[FormField]:
    """Return the form for creating a missing row: what is required, and what people call such a row by, filled with what the file tells."""
    entity = catalog.entities[missing.entity]
    known, required = known_values(missing, entity, catalog), required_columns(entity)
    wanted, out = (
        {*required, *entity.labels, *entity.slug_from, *(path.split(".")[0] for path in known)},
        [],
    )
    for column in (column for column in entity.columns if column in wanted):
        reference = entity.references.get(column)
        if reference is None:
            out.append(
                FormField(
                    column,
                    column in required,
                    tuple(entity.choices.get(column, ())),
                    None,
                    known.get(column),
                )
            )
            continue
        keys = [key[0] for key in catalog.entities[reference.target].all_keys if len(key) == 1]
        paths = [
            path for path in known if path.startswith(f"{column}.") and path.split(".")[1] in keys
        ]
        fields = {wanted: name for name, wanted in reference.lookups.items()}
        best = next((key for key in keys if key != "uuid"), "uuid")
        name = paths[0] if paths else fields.get(best, f"{column}.{best}")
        out.append(FormField(name, column in required, (), reference.target, known.get(name)))
    return out
