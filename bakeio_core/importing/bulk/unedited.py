"""Tell by `_rev` alone which records of a view nobody edited: nothing of their rows is read."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from bakeio_core.catalog.fields import REV
from bakeio_core.database.stored.rows import Row
from bakeio_core.files.revision import context_hashes, hashing
from bakeio_core.importing.bulk.part import BulkPart, Item, repeated
from bakeio_core.values.kinds.kind import Kind

FEW = 200
"""Records whose values are worked on at a time: so few that they stay in a processor's cache."""


class UneditedRecords:
    """Claim the records whose `_rev` is that of their own values.

    Args:
        bulk: The part, of whose view every record has all fields that `_rev` has hashes of.
        id_of: Gives the id in a record.
    """

    def __init__(self, bulk: BulkPart, id_of: Callable[[Any], Any]) -> None:
        names, revision = bulk.reader.names, bulk.part.revision
        if revision is None:
            raise TypeError("a part without a view")
        self.claims, self.revision, self.id_of = bulk.claims, revision, id_of
        self.own_rows = bulk.own_rows
        kinds = {item.name: item.kind for item in bulk.part.fields}
        self._revision_of = operator.attrgetter(names[REV])
        self._values_of = [operator.attrgetter(names[name]) for name in revision.fields]
        self._context_of = bulk.contexts
        self._hashes = [_hashing(kinds[name]) for name in revision.fields]

    def claim(self, items: list[Item], identities: list[Row]) -> list[tuple[int, Any, str]]:
        """Claim the rows of the records nobody edited.

        Args:
            items: The records.
            identities: (id, identity) of their rows.

        Returns:
            (number, record, the `_rev` of its values) of the others.
        """
        known = {row[0]: str(row[1]) for row in identities}
        several = repeated([self.id_of(record) for _, record in items])
        left: list[tuple[int, Any, str]] = []
        for start in range(0, len(items), FEW):
            left += self._claim_few(items[start : start + FEW], known, several)
        return left

    def _claim_few(
        self, items: list[Item], known: dict[Any, str], several: set[Any]
    ) -> list[tuple[int, Any, str]]:
        records = [record for _, record in items]
        ids = list(map(self.id_of, records))
        uuids = list(map(known.get, ids))
        pairs = zip(self._hashes, self._values_of, strict=True)
        hashes = [hash_(list(map(value_of, records))) for hash_, value_of in pairs]
        contexts = context_hashes(self._context_of(records))
        made = self.revision.texts([uuid or "" for uuid in uuids], hashes, contexts)
        given = map(self._revision_of, records)
        same = [
            uuid is not None and text == wanted and identity not in self.own_rows
            for identity, uuid, text, wanted in zip(ids, uuids, given, made, strict=True)
        ]
        seen = self.claims.record_of
        unedited = {identity for identity, is_same in zip(ids, same, strict=True) if is_same}
        if not (several.isdisjoint(unedited) and seen.keys().isdisjoint(unedited)):
            same = [False] * len(items)  # two of them mean one row: that wants care
        left = []
        for (number, record), identity, text, is_same in zip(items, ids, made, same, strict=True):
            if is_same:
                seen[identity] = number
            else:
                left.append((number, record, text))
        return left


def _hashing(kind: Kind) -> Callable[[Sequence[Any]], list[int]]:
    """Return a function from many values as they were decoded to the `field_hash` of each."""
    make, hash_ = kind.decoded, hashing(kind)
    if make is None or kind.sql_convertible:  # a double has the hash of its wire value
        return hash_
    return lambda values: hash_(list(map(make, values)))
