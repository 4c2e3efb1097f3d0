"""All tables as sheets, for people to read and reckon with: no backup, and never imported."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.exchange import Progress
from bakeio_core.catalog.fields import entity_fields
from bakeio_core.catalog.plugins.formats import Cell, Format, Sheet, SheetColumn
from bakeio_core.database.connect import streaming
from bakeio_core.exporting.sheets.write_views import NARROWEST, WIDEST, decoded
from bakeio_core.files.output import atomic_file, atomic_folder
from bakeio_core.files.sheets.cells import about, flat, guarded
from bakeio_core.files.sheets.readings import form_of
from bakeio_core.files.sheets.writing import write_sheets

if TYPE_CHECKING:
    from sqlalchemy import Connection

NOTES = (
    "This is for reading. It is not a backup, and nothing of it is imported.",
    "A backup is what bakeio export-complete writes without a format.",
    "To edit in a sheet, export a view: bakeio export-view NAME -o FILE.xlsx.",
)


class _Table:
    """The records of one entity on their way into a sheet."""

    def __init__(
        self,
        hook: Any,
        db: Connection,
        catalog: Catalog,
        entity: Entity,
        progress: Progress | None,
    ) -> None:
        self.entity, self.progress, self.count = entity, progress, 0
        batches = hook.bakeio_export_records(db=db, entity=entity, catalog=catalog)
        self._batches = iter(batches or ())
        self._first = list(decoded(next(self._batches, ())))
        fields = entity_fields(entity, catalog)
        self.columns = [
            SheetColumn(item.name, "readonly", form_of(item.kind), width=self._width(item.name))
            for item in fields
            if not self._first or item.name in self._first[0]
        ]

    def _width(self, name: str) -> int:
        shown = [len(str(r[name])) for r in self._first[:500] if r.get(name) is not None]
        return min(max(NARROWEST, len(name) + 3, *shown), WIDEST)

    def sheet(self) -> Sheet:
        """Return the sheet; its rows count the records."""
        told = SheetColumn(about({"for_reading": self.entity.name}), "hidden")
        return Sheet(
            self.entity.name, [*self.columns, told], self._rows(), self.entity.name, list(NOTES)
        )

    def _rows(self) -> Iterator[Sequence[Cell]]:
        names = [column.name for column in self.columns]
        for batch in itertools.chain([self._first], self._batches):
            for record in decoded(batch):
                yield (*guarded([flat(record.get(name)) for name in names]), None)
                self.count += 1
            if self.progress is not None:
                self.progress(self.entity.name, self.count)


def write_tables(
    known: Format,
    hook: Any,
    db: Connection,
    catalog: Catalog,
    target: Path,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Write all entities: as a workbook, or as a folder of files where the format has no sheets.

    Args:
        known: The format.
        hook: Calls the hook that gives records.
        db: The connection, in one consistent view of the database.
        catalog: The entities that are installed.
        target: A new file or folder.
        progress: Called with (entity, records written so far).

    Returns:
        {entity: number of its records}.

    Raises:
        UsageError: The target is there already.
        PluginError: The format's plugin failed.
    """
    with streaming():
        tables = (_Table(hook, db, catalog, e, progress) for e in catalog.entities.values())
        if known.has_sheets:
            whole = list(tables)
            with atomic_file(target, _there) as file:
                _write(known, whole, file, target.name)
            return {table.entity.name: table.count for table in whole}
        counts = {}
        with atomic_folder(target, _there) as folder:
            for number, table in enumerate(tables, 1):
                name = f"{number:02}_{table.entity.name}{known.suffix}"
                with open(folder / name, "xb") as file:
                    _write(known, [table], file, name)
                counts[table.entity.name] = table.count
        return counts


def _write(known: Format, tables: Sequence[_Table], file: Any, name: str) -> None:
    write_sheets(known, file, [table.sheet() for table in tables], name)


def _there(path: Path) -> str:
    return "exists already"
