"""What records say in fields that are only shown, held against their rows in the bulk step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bakeio_core.catalog.exchange import Change
from bakeio_core.database.stored.rows import Row
from bakeio_core.files.revision import context_hashes
from bakeio_core.importing.bulk.part import BulkPart, Decided, getter

Taken = tuple[int, Any, int, Change, Row]
"""The number of a record, the record, the id of its row, its change, the words of `_rev` if any."""


class ShownFields:
    """Leave records to care that call their row, or one it refers to, by the name of another.

    `is_idle` tells that there is nothing to compare.

    Args:
        bulk: The part.
    """

    def __init__(self, bulk: BulkPart) -> None:
        self.bulk, self.look = bulk, bulk.read_only
        revision, context = bulk.part.revision, bulk.reader.context
        self._place = 2 + len(revision.fields) if revision is not None else 0
        self._names = [name for name in context if name in self.look.names]
        self._said = getter([context[name] for name in self._names])
        self.is_idle = not self._names

    def agreeing(self, taken: Sequence[Taken], decided: Decided) -> list[Change]:
        """Return the changes of the records that agree; the rows of the others are free again.

        Args:
            taken: The records; their rows are claimed.
            decided: Where the others are left to care.
        """
        if self.is_idle or not taken:
            return [item[3] for item in taken]
        doubtful = self._doubtful(taken)
        ids = [item[2] for item in doubtful]
        said = [self._said(item[1]) for item in doubtful]
        differing = self.look.differing(self._names, ids, said)
        refused = set[int]()
        for place, names in differing.items():
            number, record, identity = doubtful[place][:3]
            if self.look.naming.isdisjoint(names):
                self.look.note(number, names)
            else:
                refused.add(number)
                del self.bulk.claims.record_of[identity]
                decided.rest.append((number, record))
        return [item[3] for item in taken if item[0] not in refused]

    def _doubtful(self, taken: Sequence[Taken]) -> list[Taken]:
        """Return the records whose `_rev` has not the hash of what they say in these fields."""
        if not self.bulk.has_revision:
            return list(taken)
        hashes = context_hashes(self.bulk.contexts([item[1] for item in taken]))
        pairs = zip(taken, hashes, strict=True)
        return [item for item, said in pairs if item[4][self._place] != said]
