"""What records say in fields that are only shown, held against their rows in the bulk step."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from bakeio_core.catalog.exchange import Change
from bakeio_core.catalog.fields import REV
from bakeio_core.files.revision import context_hash
from bakeio_core.importing.bulk.part import BulkPart, Decided


class ShownFields:
    """Leave records to care that call their row, or one it refers to, by the name of another.

    Args:
        bulk: The part.
    """

    def __init__(self, bulk: BulkPart) -> None:
        self.bulk, self.revision = bulk, bulk.part.revision
        self.is_skipping = bulk.state.options.mode == "skip-existing"
        has_revision = bulk.has_revision and self.revision is not None
        self._revision_of = operator.attrgetter(bulk.reader.names[REV]) if has_revision else None

    def agreeing(self, taken: Sequence[tuple[int, Any, Change]], decided: Decided) -> list[Change]:
        """Return the changes of the records that agree; the rows of the others are free again.

        Args:
            taken: (number, record, change of its row); the rows are claimed.
            decided: Where the others are left to care.
        """
        reader, look = self.bulk.reader, self.bulk.read_only
        if not reader.context or self.is_skipping:
            return [edit for _, _, edit in taken]
        doubtful = [item for item in taken if not self._is_unedited(item[1])]
        said = [(edit.id or 0, reader.contexts_of(record)) for _, record, edit in doubtful]
        refused = set[int]()
        for (number, record, edit), names in zip(doubtful, look.differing(said), strict=True):
            if look.naming.isdisjoint(names):
                look.note(number, names)
            else:
                refused.add(number)
                del self.bulk.claims.record_of[edit.id or 0]
                decided.rest.append((number, record))
        return [edit for number, _, edit in taken if number not in refused]

    def _is_unedited(self, record: Any) -> bool:
        """Tell whether `_rev` has the hash of what a record says in these fields."""
        if self._revision_of is None or self.revision is None:
            return False
        words = self.revision.unpacked(self._revision_of(record))
        said = next(iter(self.bulk.contexts([record])))
        return words is not None and words[2 + len(self.revision.fields)] == context_hash(said)
