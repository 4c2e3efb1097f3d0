"""A program with tables of its own, declared by one plugin of this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, text

from bakeio_core import Bakeio, Entity, Report, View, connect, hookimpl

BAKERY = [
    *("suppliers", "ingredients", "products", "purchases", "inventory", "sample"),
    *("view_products", "view_inventory", "view_purchases", "view_suppliers", "view_ingredients"),
]
"""The plugins of the bakery, which such a program does not use."""


class Host:
    """Tables in a new database, and what is done to them.

    Args:
        url: The database.
        folder: Where files are written.
        declare: Makes the entities on a metadata.
        views: The views.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        declare: Callable[[MetaData], Iterable[Entity]],
        views: Iterable[View] = (),
    ) -> None:
        class Tables:
            @hookimpl
            def bakeio_entities(self, metadata: MetaData) -> Iterable[Entity]:
                return list(declare(metadata))

            @hookimpl
            def bakeio_views(self) -> Iterable[View]:
                return list(views)

        self.core = Bakeio.discover(block=BAKERY, plugins=[Tables()])
        assert self.core.broken() == []
        self.folder, self.files = folder, 0
        self.engine: Engine = connect(url)
        with self.engine.begin() as db:
            self.core.create_tables(db)

    def import_(self, name: str, *records: dict[str, Any], **how: Any) -> Report:
        """Import records of an entity; `lines` and `indent` lay the file out."""
        return self.import_file(self.file(name, *records, indent=how.pop("indent", None)), **how)

    def import_file(self, path: Path, **how: Any) -> Report:
        with self.engine.begin() as db:
            return self.core.import_(db, path, **how)

    def file(self, name: str, *records: dict[str, Any], indent: int | None = None) -> Path:
        """Write records of an entity into a file."""
        self.files += 1
        path = self.folder / f"{name}{self.files}.json"
        path.write_text(json.dumps({"entity_type": name, "records": records}, indent=indent))
        return path

    def export(self, name: str = "set") -> Path:
        with self.engine.begin() as db:
            self.core.export_complete(db, self.folder / name)
        return self.folder / name

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows, if it has any."""
        with self.engine.begin() as db:
            result = db.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []


def table(metadata: MetaData, name: str, *columns: Any) -> Table:
    """Return a table with an id, a uuid and a unique name before its columns."""
    return Table(
        name,
        metadata,
        Column("id", Integer, primary_key=True),
        Column("uuid", String(36), nullable=False, unique=True),
        Column("name", String(40), unique=True),
        *columns,
    )
