"""Whether what a plugin declares of a view goes with the entities that are there."""

from __future__ import annotations

from collections.abc import Mapping

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.views.view import OfRow, View
from bakeio_core.errors import PluginError, meant


def check_view(view: View, entities: Mapping[str, Entity]) -> None:
    """Raise where a view names what is not there, or lets be edited what cannot be.

    Args:
        view: the view.
        entities: those that are installed.

    Raises:
        PluginError: it does; it names the field.
    """
    entity = entities[view.entity]
    if view.hides is not None and view.hides not in entity.columns:
        raise PluginError(
            f'hides names "{view.hides}", which is not a column of {entity.name}'
            f"{meant(view.hides, entity.columns)}"
        )
    written: dict[str, str] = {}
    for name, item in view.fields.items():
        if item.role in ("key", "editable"):
            other = written.setdefault(str(item.source), name)
            if other != name:
                raise PluginError(
                    f'fields "{other}" and "{name}" both write {item.source}, so that the edit of '
                    "one could be lost: make one of them readonly()"
                )
        if isinstance(item.source, str):
            followed(entities, entity, item.source, where=f'field "{name}"')
        if item.role == "editable" and item.source in entity.filled.computed:
            raise PluginError(
                f'field "{name}": the database computes {item.source} from other columns: '
                "make it readonly"
            )
        if isinstance(item.source, OfRow):
            owner, column = followed(entities, entity, item.source.path, where=f'field "{name}"')
            if column not in owner.references:
                raise PluginError(
                    f'field "{name}": {item.source.path} is not a foreign key, '
                    "so it leads to no row to compute from"
                )
        if item.role == "key" and item.source not in entity.columns:
            raise PluginError(
                f'field "{name}": {item.source} is not a column of {entity.name}, and a key is '
                "one: declare it with readonly(), or editable() where it may be changed"
            )
        if item.role == "editable" and str(item.source).split(".")[0] in entity.primary_key:
            raise PluginError(
                f'field "{name}": {item.source} is the primary key of {entity.name}, which '
                "stays as it is: declare it with key() or readonly()"
            )
        if item.role == "editable" and isinstance(item.source, str) and "." in item.source:
            target, column = followed(entities, entity, item.source, where=f'field "{name}"')
            lookups = entity.references[item.source.split(".")[0]].lookups.values()
            if (column,) not in target.all_keys and column not in lookups:
                raise PluginError(
                    f'field "{name}": {item.source} is editable, '
                    f"but {column} is not a key of {target.name}"
                )


def followed(
    entities: Mapping[str, Entity], entity: Entity, path: str, where: str = "path"
) -> tuple[Entity, str]:
    """Follow a dotted path over foreign keys to the entity and column it ends at.

    Args:
        entities: those that are installed.
        entity: where the path begins.
        path: such as `column` or `a_id.b_id.column`.
        where: what messages call the place that names the path.

    Raises:
        PluginError: where a step does not exist.
    """
    *steps, column = path.split(".")
    for step in steps:
        if step not in entity.references:
            raise PluginError(
                f"{where}: {step} is not a foreign key of {entity.name} (in {path})"
                f"{meant(step, entity.references)}"
            )
        entity = entities[entity.references[step].target]
    if column not in entity.columns:
        raise PluginError(
            f"{where}: {column} is not a column of {entity.name} (in {path})"
            f"{meant(column, entity.columns)}"
        )
    return entity, column
