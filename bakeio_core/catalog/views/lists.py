"""Lists within a view: rows of other entities that belong to the row of its record."""

from __future__ import annotations

from collections.abc import Mapping

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.views.view import Field, View
from bakeio_core.errors import PluginError


def list_views(view: View, entities: Mapping[str, Entity]) -> dict[str, View]:
    """Return {name of a list: the view of its rows} of the lists of a view.

    The first field of each has the role `parent`: it names the row that the record is of, and
    stands in no file.

    Args:
        view: The view.
        entities: Those that are installed.

    Raises:
        PluginError: A list does not lead to the records of the view.
    """
    return {name: _list_view(view, name, item, entities) for name, item in view.lists.items()}


def parent_column(listed: View) -> str:
    """Return the foreign key by which the rows of a list belong to a record."""
    return next(
        str(item.source).split(".")[0] for item in listed.fields.values() if item.role == "parent"
    )


def named_by(view: View, listed: View, entities: Mapping[str, Entity]) -> str:
    """Return the field of a view that names its records to the rows of a list; "" for none.

    Args:
        view: The view.
        listed: The view of the list's rows.
        entities: Those that are installed.
    """
    parent = str(listed.fields[parent_column(listed)].source)
    _, _, wanted = parent.partition(".")
    reference = entities[listed.entity].references[parent_column(listed)]
    wanted = wanted or reference.to
    return next((name for name, item in view.fields.items() if item.source == wanted), "")


def is_list(view: View) -> bool:
    """Tell whether a view is that of the rows of a list."""
    return any(item.role == "parent" for item in view.fields.values())


def _list_view(view: View, name: str, item: Field, entities: Mapping[str, Entity]) -> View:
    owner, column = str(item.source).split(".")
    entity, where = entities[owner], f'field "{name}"'
    reference = entity.references.get(column)
    if reference is None or reference.target != view.entity or owner == view.entity:
        raise PluginError(
            f"{where}: {item.source} is not a foreign key that leads from another entity to "
            f"{view.entity}"
        )
    for inner, told in item.fields.items():
        steps = told.source.split(".") if isinstance(told.source, str) else []
        if told.role not in ("key", "editable", "readonly") or steps[:1] == [column]:
            raise PluginError(
                f'{where}, "{inner}": a row of a list has fields of key(), editable() and '
                f"readonly(), and the record itself gives {column}"
            )
    if column in item.fields:
        raise PluginError(f'{where}: call its field "{column}" otherwise, which is the foreign key')
    for wanted in item.key:
        if wanted not in entity.columns:
            raise PluginError(f"{where}: key names {wanted}, which is not a column of {owner}")
    parent = Field("parent", _named(column, entities[view.entity]) or column)
    fields = {column: parent, **item.fields}
    return View(f"{view.name}.{name}", owner, fields, version=view.version)


def _named(column: str, target: Entity) -> str:
    """Return a path to what names a row of the target everywhere, empty where nothing does."""
    for key in (target.readable_key, ("uuid",)):
        known = key in target.all_keys and len(key) == 1 and key[0] not in target.references
        if known and not target.nullable(key[0]):
            return f"{column}.{key[0]}"
    return ""
