"""Which fields of a view a column may be, and which of them the rows of a sheet need."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import FieldMap, FileField, view_fields
from bakeio_core.catalog.views.view import View


def offered(view: View, catalog: Catalog) -> list[FileField]:
    """Return the fields of a view that a column of a sheet may be.

    They are those that are written or name a row; of ids and what is only shown none.
    """
    fields = view_fields(view, catalog)
    own = {fields.own.get(fields.entity.primary), fields.own.get("uuid")}
    return [item for item in fields if _is_offered(item) and item.name not in own]


def _is_offered(item: FileField) -> bool:
    is_naming = item.target is not None and item.target not in ("uuid", "id")
    return is_naming or (item.role in ("editable", "key") and item.column is not None)


def lacking(view: View, fields: FieldMap, mapped: Collection[str]) -> Iterator[str]:
    """Yield the fields that a new row needs and that no column tells.

    Args:
        view: The view.
        fields: Its fields.
        mapped: The fields that columns tell.
    """
    catalog, entity = fields.catalog, fields.entity
    template = catalog.templates.get(view.name)
    columns = {fields.by_name[name].column for name in mapped}
    if template is not None:
        given = {*template.given, *template.filled}
        for name in template.required:
            if fields.by_name[name].column not in columns and name not in given:
                yield name
        return
    for column in entity.columns:
        is_made = column in (entity.primary, "uuid", *entity.filled.stamps)
        is_slug = column == "slug" and bool(entity.slug_from)
        is_filled = entity.nullable(column) or column in entity.filled.defaults
        default = None if is_made else entity.default(column)
        if column in columns or is_made or is_slug or is_filled or default is not None:
            continue
        names = [i.name for i in offered(view, catalog) if i.column == column]
        yield from names[:1]
