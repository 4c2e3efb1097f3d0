"""What an update sets besides what the file gives, in the bulk step: stamps and the like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bakeio_core.catalog.exchange import Change
from bakeio_core.database.stored.rows import Row
from bakeio_core.importing.bulk.part import BulkPart


class TouchedColumns:
    """The columns that every update of a row sets.

    Attributes:
        columns: Their names.
    """

    def __init__(self, bulk: BulkPart) -> None:
        self.rows, self.primary = bulk.rows, bulk.part.entity.primary
        self.set_on_update = bulk.state.set_on_update(bulk.part.entity)
        self.columns = [column for column, _ in self.set_on_update]

    def enter(
        self, updates: Sequence[Change], rows: Mapping[Any, Row], index: Mapping[str, int]
    ) -> None:
        """Enter what updates set in these columns, and what the rows hold there now.

        Args:
            updates: The updates of a block.
            rows: The rows of the block as they were fetched, their id first.
            index: Where each column stands in them; the columns need not be among them.
        """
        if not updates or not self.columns:
            return
        if all(column in index for column in self.columns):
            places = [index[column] for column in self.columns]
            there = {row[0]: [row[place] for place in places] for row in rows.values()}
        else:
            ids = [change.id for change in updates]
            found = self.rows.select(self.columns, ids, self.primary)
            there = {row[0]: list(row[1:]) for row in found}
        stored = zip(*(there[change.id] for change in updates), strict=True)
        pairs = zip(self.columns, stored, strict=True)
        held = [self.rows.cells.tidied(column, cells) for column, cells in pairs]
        for change, *cells in zip(updates, *held, strict=True):
            for (column, value), old in zip(self.set_on_update, cells, strict=True):
                if column not in change.new:
                    change.new = {**change.new, column: value}
                    change.old = {**change.old, column: old}
