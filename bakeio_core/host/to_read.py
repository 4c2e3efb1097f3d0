"""What is written for people to read, and never read back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bakeio_core.catalog.plugins import packages
from bakeio_core.database.connect import translated
from bakeio_core.errors import UsageError
from bakeio_core.host.exports import Exports

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.exchange import Progress


class ToRead(Exports):
    """Write a database as sheets, for reading alone."""

    def export_to_read(
        self,
        db: Connection,
        target: str | Path,
        format: str,
        *,
        progress: Progress | None = None,
    ) -> dict[str, int]:
        """Write all entities as sheets, for reading. This is not a backup: no import reads it.

        Args:
            db: A connection.
            target: A new file; a new folder where the format has no sheets.
            format: One of `formats`.
            progress: Called with (entity, records written).

        Returns:
            {entity: number of its records}.

        Raises:
            UsageError: There is no such format, or the target is there already.
            PluginError: A plugin is broken and not blocked.
            ExportRefused: The database holds values no file can hold, or policies of it may hide
                rows.
        """
        from bakeio_core.exporting.sheets.write_tables import write_tables

        known = self.formats.named(format, packages.for_format(format))
        if known is None:
            raise UsageError("a set is JSON as it is: leave the format out")
        self._refuse_broken("an export without it would not be complete")
        with translated(), self._whole(db, visible_only=False):
            return write_tables(known, self.hook, db, self.catalog, Path(target), progress)
