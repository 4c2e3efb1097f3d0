"""What assistants gave and nobody has confirmed, and how a person does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bakeio_core.database.connect import ensure_begun, translated
from bakeio_core.errors import UsageError
from bakeio_core.history.reports.told import UnverifiedValue
from bakeio_core.history.tables import will_write
from bakeio_core.history.telling.marks import all_marks, confirm_mark
from bakeio_core.history.upgrade import refuse_writing
from bakeio_core.host.history import History
from bakeio_core.resolving.decisions import now
from bakeio_core.values.wording import listed

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Confirming(History):
    """Know which values an assistant gave, until a person has looked at them."""

    def unverified(self, db: Connection) -> list[UnverifiedValue]:
        """Return the values that assistants gave and nobody has confirmed yet."""
        from bakeio_core.resolving.candidates import Candidates

        ensure_begun(db)
        with translated():
            rows = Candidates(db, self.catalog, {})
            found: list[UnverifiedValue] = []
            for name, entity in self.catalog.entities.items():
                for mark in all_marks(db, entity):
                    if mark.is_unverified:
                        value = UnverifiedValue(
                            entity=name,
                            id=mark.row,
                            label=rows.label(name, mark.row),
                            field=mark.column,
                            value=mark.value,
                            source=mark.source,
                            run=mark.run,
                            at=mark.at,
                        )
                        found.append(value)
            return found

    def confirm(self, db: Connection, entity: str, key: str, field: str, by: str) -> Any:
        """Note in the caller's transaction that a person confirmed a value of an assistant.

        Args:
            db: A connection inside the caller's transaction.
            entity: The name of its entity.
            key: Of the row: its slug, uuid, id or another natural key, or what people call it.
            field: The column.
            by: Who confirms it.

        Returns:
            The value.

        Raises:
            UsageError: There is no such row, or nothing to confirm.
        """
        known = self._entity(entity)
        ensure_begun(db)
        with translated():
            will_write(db, self.catalog)
            refuse_writing(db, self.catalog)
            identity = self._row_called(db, known, key)
            marks = [m for m in all_marks(db, known, identity) if m.is_unverified]
            mark = next((mark for mark in marks if mark.column == field), None)
            if mark is None:
                left = listed([one.column for one in marks]) or "nothing"
                raise UsageError(
                    f'{field} of {known.name} "{key}" needs no confirmation: unverified is {left}'
                )
            confirm_mark(db, known, mark, by, now())
            return mark.value
