"""What earlier imports learned, to be looked at and forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bakeio_core.database.connect import ensure_begun, translated
from bakeio_core.history.learned.aliases import all_aliases, forget_alias
from bakeio_core.history.learned.layouts import forget_layouts, told_layouts
from bakeio_core.history.reports.told import LearnedHeadings, LearnedName
from bakeio_core.host.installed import Installed

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Learned(Installed):
    """List the names and the headings that are known, and forget them."""

    def aliases(self, db: Connection) -> list[LearnedName]:
        """Return the names that were learned in earlier imports."""
        from bakeio_core.resolving.candidates import Candidates

        ensure_begun(db)
        with translated():
            rows = Candidates(db, self.catalog, {})
            return [
                LearnedName(
                    entity=alias.entity,
                    key=dict(alias.key),
                    row=rows.label(alias.entity, alias.row),
                    at=alias.at,
                    run=alias.run,
                )
                for alias in all_aliases(db)
                if alias.entity in self.catalog.entities
            ]

    def forget_alias(self, db: Connection, entity: str, value: str) -> int:
        """Remove what was learned about a name.

        Returns:
            How many keys that were.
        """
        ensure_begun(db)
        with translated():
            return forget_alias(db, entity.replace("-", "_"), value)

    def layouts(self, db: Connection) -> list[LearnedHeadings]:
        """Return what was learned of other people's sheets: their headings, and what they mean."""
        ensure_begun(db)
        with translated():
            return told_layouts(db)

    def forget_layouts(self, db: Connection, view: str, heading: str) -> int:
        """Remove what was learned about sheets with this heading that are read as this view.

        Returns:
            How many kinds of sheets that were.
        """
        ensure_begun(db)
        with translated():
            return forget_layouts(db, view.replace("-", "_"), heading)
