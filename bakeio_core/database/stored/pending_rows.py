"""The rows an import has planned and not written yet, found by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bakeio_core.catalog.entities.model import Key

Row = tuple[Any, ...]


class PendingRows:
    """Rows planned but not written yet; what finds them by a key is made when it is asked for.

    Args:
        key_of: Gives the values of a key's columns in a row.
        fold: Gives the form of the values of a key in which two spellings of it are equal.
    """

    def __init__(
        self, key_of: Callable[[Row, Key], Row], fold: Callable[[Key, Iterable[Any]], Row]
    ) -> None:
        self._key_of, self._fold = key_of, fold
        self.clear()

    def __bool__(self) -> bool:
        return bool(self._all)

    def clear(self) -> None:
        self._all: list[Row] = []
        self._by: dict[tuple[Key, bool], dict[Row, list[Row]]] = {}
        self._entered: dict[tuple[Key, bool], int] = {}

    def add(self, rows: Iterable[Row]) -> None:
        self._all += rows

    def by(self, key: Key) -> dict[Row, list[Row]]:
        """Return {values of the key: rows that have them}."""
        return self._index(key, is_folded=False)

    def folded(self, key: Key) -> dict[Row, list[Row]]:
        """Return {folded values of the key: rows that have them}."""
        return self._index(key, is_folded=True)

    def _index(self, key: Key, *, is_folded: bool) -> dict[Row, list[Row]]:
        name = (key, is_folded)
        index = self._by.setdefault(name, {})
        for row in self._all[self._entered.get(name, 0) :]:
            index.setdefault(self._parts(row, name), []).append(row)
        self._entered[name] = len(self._all)
        return index

    def _parts(self, row: Row, name: tuple[Key, bool]) -> Row:
        key, is_folded = name
        parts = self._key_of(row, key)
        return self._fold(key, parts) if is_folded else parts

    def remove(self, row: Row) -> None:
        """Forget one row: it will not be written."""
        index = self._all.index(row)
        del self._all[index]
        for name, known in self._by.items():
            if index < self._entered[name]:
                self._entered[name] -= 1
                known[self._parts(row, name)].remove(row)
