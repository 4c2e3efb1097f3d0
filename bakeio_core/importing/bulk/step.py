"""Decide the easy records of a block at once, before anything is planned with care.

New rows whose references link exactly, records equal to their rows, plain edits of a view: what is
decided here comes out as it would with care, and what is in any doubt is left to care. Nothing else
in the import knows about speed. Work is done column by column, by the built-in functions.
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any

from bakeio_core.catalog.entities.model import Key
from bakeio_core.files.documents.blocks import Block
from bakeio_core.importing.bulk.known_rows import KnownRows
from bakeio_core.importing.bulk.new_rows import NewRowsInBulk
from bakeio_core.importing.bulk.part import BulkPart, Decided, Item


class Bulk:
    """Decide the easy records of one part, block by block.

    Args:
        part: The part. Its reader has read the first block before anything is asked here.
    """

    def __init__(self, part: BulkPart) -> None:
        self.part = part

    @cached_property
    def _known(self) -> KnownRows | None:
        """What compares records with rows, where there are any."""
        is_filling = self.part.rows.was_empty and not self.part.is_view
        return None if is_filling else KnownRows.of(self.part)

    @cached_property
    def _new(self) -> NewRowsInBulk | None:
        """What makes new rows, where the mode adds any."""
        adds = self.part.state.options.mode != "update-only"
        return NewRowsInBulk.of(self.part) if adds else None

    @property
    def has_revision(self) -> bool:
        """Whether every record of the file has a `_rev`."""
        return self.part.has_revision

    def decide(self, block: Block, records: Sequence[Any], apart: Collection[int] = ()) -> Decided:
        """Decide what can be decided of the records of a block, and claim their rows.

        Args:
            block: The block.
            records: The objects that typed reading gave for its records.
            apart: The numbers of those that are left to care in any case.
        """
        items: list[Item] = list(enumerate(records, block.first))
        kept = [item for item in items if item[0] in apart] if apart else []
        items = [item for item in items if item[0] not in apart] if apart else items
        decided, new = Decided(), items
        if self._known is not None:
            new = self._known.decide(block, items, decided)
        elif self.part.is_view:
            new = [item for item in items if self.part.names_no_row(item[1])]
            decided.rest = [item for item in items if not self.part.names_no_row(item[1])]
        elif not self.part.rows.was_empty:
            new, decided.rest = [], items
        if self._new is not None and new:
            new = self._new.decide(block, new, decided, is_verified=True)
        decided.rest = sorted([*decided.rest, *new, *kept], key=operator.itemgetter(0))
        return decided

    @property
    def distinct(self) -> Collection[Key]:
        """The unique keys of texts that are known to differ in all rows that were loaded."""
        return () if self._new is None else self._new.distinct.known

    def forget(self) -> None:
        """Forget keys and links of new rows: the part is at its end, others need the memory."""
        vars(self).pop("_new", None)

    def load(self, block: Block, records: Sequence[Any]) -> Decided | None:
        """Make new rows of all records of a block; None where any of them wants care.

        Unique keys that `distinct` does not name are left to the database, which is to refuse what
        has one twice.
        """
        decided, items = Decided(), list(enumerate(records, block.first))
        if self._new is None or self._new.decide(block, items, decided, is_verified=False):
            return None
        return decided
