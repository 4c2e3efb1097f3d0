"""Whether the keys of the records of a file are all different, remembered in few bytes."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bakeio_core.catalog.entities.model import Key

MOST = 250_000
"""So many keys are remembered, some seventy bytes each; beyond that the database looks itself."""


class DistinctKeys:
    """Tell whether records have keys that earlier records of the file have.

    Args:
        keys: The keys that each row is to have for itself. Null is no value: others may have it.
    """

    def __init__(self, keys: Collection[Key]) -> None:
        self._hashes: dict[Key, set[int]] = {key: set() for key in keys}

    @property
    def known(self) -> Collection[Key]:
        """The keys that are different in all records so far; none once they are too many."""
        return self._hashes.keys()

    def repeat(self, columns: Mapping[str, Sequence[Any]]) -> bool:
        """Remember the keys of some records; tell whether any is, or may be, there already.

        Args:
            columns: {column: values of the records}.
        """
        for key, hashes in self._hashes.items():
            known = [columns[column] for column in key]
            values = known[0] if len(known) == 1 else list(zip(*known, strict=True))
            if any(None in cells for cells in known):
                is_whole = (None not in cells for cells in zip(*known, strict=True))
                values = list(itertools.compress(values, is_whole))
            some = set(map(hash, values))
            if len(some) < len(values) or not hashes.isdisjoint(some):
                return True
            hashes |= some
        if sum(map(len, self._hashes.values())) > MOST:
            self._hashes.clear()
        return False
