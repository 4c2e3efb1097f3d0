"""What the records tell of the rows they miss."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.exchange import Missing
from bakeio_core.importing.reading.sources import Source

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog


def tell_context(source: Source, missing: Iterable[Missing], catalog: Catalog) -> None:
    """Find out what the first record that uses each missing key tells of the row it wants.

    Only views tell more than the key.
    """
    for part in source.parts:
        asked = {
            item.records[0][1]: item
            for item in missing
            if item.records and item.records[0][0] == part.file and not item.context
        }
        if part.view is None or not asked:
            continue
        for number, record in part.records(asked):
            item = asked[number]
            field = part.fields.by_name.get(item.field)
            if field is None or not isinstance(record, dict):
                continue
            for name, declared in part.view.fields.items():
                where = (str(field.column), item.entity, part.entity, catalog)
                path = below(declared.source, *where)
                if path and name in record:
                    item.context = {**item.context, path: record[name]}


def below(source: Any, column: str, wanted: str, entity: Entity, catalog: Catalog) -> str:
    """Return the rest of a path that leads over a reference to a row of the entity `wanted`.

    It is empty where the path does not lead there.
    """
    steps = source.split(".") if isinstance(source, str) else []
    if len(steps) < 2 or steps[0] != column:
        return ""
    for place, step in enumerate(steps[:-1], 1):
        entity = catalog.entities[entity.references[step].target]
        if entity.name == wanted:
            return ".".join(steps[place:])
    return ""
