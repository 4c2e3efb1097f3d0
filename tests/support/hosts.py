"""An application with tables of its own, and bakeio as a guest that knows some of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Integer, String, text

from bakeio_core import Bakeio, Entity, View, hookimpl


def guest(*entities: Entity, views: Sequence[View] = ()) -> Bakeio:
    """A bakeio that knows nothing but these entities and views."""

    class Application:
        """What the application hands in."""

        @hookimpl
        def bakeio_entities(self) -> list[Entity]:
            return list(entities)

        @hookimpl
        def bakeio_views(self) -> list[View]:
            return list(views)

    installed = Bakeio.discover().plugins.all
    return Bakeio.discover(block=list(installed), plugins=[Application()])


def identity() -> Column[Any]:
    """An integer primary key."""
    return Column("id", Integer, primary_key=True)


def name(column: str = "name") -> Column[Any]:
    """A unique name."""
    return Column(column, String(40), unique=True, nullable=False)


def write_records(path: Path, entity: str, *records: dict[str, Any]) -> Path:
    """Write the file of one entity."""
    path.write_text(json.dumps({"entity_type": entity, "records": records}), "utf-8")
    return path


def table(db: Connection, columns: str, of: str) -> list[tuple[Any, ...]]:
    """The rows of a table, in order."""
    return sorted(tuple(row) for row in db.execute(text(f"SELECT {columns} FROM {of}")))
