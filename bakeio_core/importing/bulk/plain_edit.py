"""One editable field of a view's records, compared with its row in the bulk step."""

from __future__ import annotations

import operator
from typing import Any

from bakeio_core.catalog.exchange import Change
from bakeio_core.catalog.fields import FileField
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import Problem
from bakeio_core.files.documents.blocks import Block
from bakeio_core.files.documents.exact import is_exact
from bakeio_core.files.revision import field_hash
from bakeio_core.importing.bulk.part import BulkPart, is_plain_text


class PlainEdit:
    """Compare one editable field of a record with its row, and take an edit that wants no care."""

    def __init__(self, bulk: BulkPart, item: FileField, index: int, base: int | None) -> None:
        self.reader, self.name, self.column = bulk.reader, item.name, str(item.column)
        self.kind, self.index, self.base = item.kind, index, base
        self.tidied = bulk.rows.cells.tidied
        self.own_rows = bulk.own_rows if base is not None else set()
        self.check = bulk.part.entity.all_checks.get(self.column)
        self.is_code = self.column in bulk.part.entity.codes
        self._value_of = operator.attrgetter(bulk.reader.names[item.name])

    def enter(
        self, change: Change, block: Block, number: int, record: Any, row: Row, base: Row
    ) -> bool:
        """Enter the edit of a record, if there is one; tell whether it wants no care.

        Nulls, conflicts, and what a check says want care.
        """
        value, current = self._value_of(record), row[self.index]
        if self._is_one(value, current):
            return True
        current = self.tidied(self.column, (current,))[0]
        if self._is_one(value, current):
            return True
        if self.is_code and self.kind.same(value, current):
            return self.base is None  # what a spreadsheet took off is counted
        wire = value if self.kind.decoded is None else self.kind.decoded(value)
        if self.base is not None:
            if field_hash(wire) == base[self.base]:
                return row[0] not in self.own_rows
            if field_hash(current) != base[self.base]:
                return False
            from bakeio_core.files.sheets.proof import may_be_damaged

            if may_be_damaged(wire, current):
                return False
        if not self._fits(block, number, value):
            return False
        if self.check is not None:
            answer = self.check(current, wire)
            if isinstance(answer, Problem) or answer != wire:
                return False
        change.new[self.column] = wire  # type: ignore[index]
        change.old[self.column] = current  # type: ignore[index]
        return True

    def _is_one(self, value: Any, current: Any) -> bool:
        """Tell whether two values are one at first sight."""
        return value == current and (self.kind.sql_convertible or self.kind.same(value, current))

    def _fits(self, block: Block, number: int, value: Any) -> bool:
        """Tell whether a value may be stored as it was decoded: composed, with all its digits."""
        if isinstance(value, str):
            return is_plain_text(value)
        return value is not None and is_exact(block, number, self.name, value)
