"""Whether new records have keys that no row has, and no other record of the file."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bakeio_core.catalog.entities.model import Key
from bakeio_core.history.journal.packing import remembered_by
from bakeio_core.importing.bulk.part import BulkPart

Columns = Mapping[str, Sequence[Any]]
"""{column: values of the records}."""

MOST = 250_000
"""So many keys are remembered, some seventy bytes each; beyond that the database looks itself."""


class DistinctKeys:
    """Tell whether records have keys that earlier records of the file have, in few bytes.

    Args:
        keys: The keys that each row is to have for itself. Null is no value: others may have it.
    """

    def __init__(self, keys: Collection[Key]) -> None:
        self._hashes: dict[Key, set[int]] = {key: set() for key in keys}

    @property
    def known(self) -> Collection[Key]:
        """The keys that are different in all records so far; none once they are too many."""
        return self._hashes.keys()

    def repeat(self, columns: Columns) -> bool:
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


class NewKeys:
    """Tell whether some row, or another record, has what new records are known by.

    Args:
        bulk: The part.
        own: The columns its file says something of.
    """

    def __init__(self, bulk: BulkPart, own: Collection[str]) -> None:
        self.state, self.rows, self.claims = bulk.state, bulk.rows, bulk.claims
        self.entity, self.own = bulk.part.entity, own
        told = {*own, *(c for c in self.entity.columns if self._is_known(c))}
        self.keys = [key for key in self.entity.all_keys if told >= {*key} and {*key} & {*own}]
        content = self.state.content_of(bulk.part)
        is_told = told >= {*content} and bool({*content} & {*own})
        self.content = content if is_told and not self.state.options.allow_duplicates else ()
        self.codes = [code for code in self.entity.codes if bulk.is_view and code in own]

    def _is_known(self, column: str) -> bool:
        """Tell whether it is known before writing what rows hold that say nothing of a column."""
        default = self.entity.filled.defaults.get(column)
        return self.entity.nullable(column) if default is None else default.constant is not None

    def known(self, columns: Columns, left_out: Collection[int]) -> set[int]:
        """Return the indexes of records that may mean a row, or what another record means.

        Args:
            columns: What they say.
            left_out: The indexes of those that need not be looked at.
        """
        found: set[int] = set()
        for index, key in enumerate(self.keys):
            if self.rows.was_empty and not self._unnamed(columns, self.keys[:index]):
                break  # a key that another record has counts where no better one is given
            found |= self._with_key(columns, key, left_out)
        unnamed = self._unnamed(columns, self.keys)
        if self.keys and self.entity.may_lack_keys and not self.rows.was_empty:
            found |= unnamed  # other things tell them
        unnamed.difference_update(left_out)
        if self.content:
            found |= self._with_content(columns, unnamed)
        return found | self._with_code(columns, left_out)

    def may_be_shared(self, columns: Columns) -> bool:
        """Tell whether the best key of a record may be one the database lets several rows have."""
        better = (self.keys[:i] for i, k in enumerate(self.keys) if k not in self.entity.unique)
        return any(self._unnamed(columns, keys) for keys in better)

    def _with_key(self, columns: Columns, key: Key, left_out: Collection[int]) -> set[int]:
        cells = list(zip(*(columns[column] for column in key), strict=True))
        # one that is left out may be what another record means, and comes before it
        times = Counter(cells) if len(set(cells)) < len(cells) else {}
        values = {i: value for i, value in enumerate(cells) if i not in left_out}
        wanted = [value for value in values.values() if any(v is not None for v in value)]
        there = self.rows.find(key, wanted)
        folds = not self.rows.was_empty and self.rows.folds(key)
        found: set[int] = set()
        for index, value in values.items():
            is_repeated = times.get(value, 1) > 1 and any(v is not None for v in value)
            is_known = is_repeated or value in there
            if is_known or (folds and self.rows.folded(key, value)):
                found.add(index)
        if self.keys == [key] == [remembered_by(self.entity)]:
            created = self.state.earlier.created_with
            found.update(i for i, value in values.items() if created(self.entity, value))
        return found

    def _with_content(self, columns: Columns, unnamed: Collection[int]) -> set[int]:
        values = {i: tuple(columns[c][i] for c in self.content) for i in unnamed}
        there = self.rows.find(self.content, values.values())
        found: set[int] = set()
        for index, value in values.items():
            rows = there.get(value, ())
            is_there = any(row[self.rows.id_index] not in self.claims for row in rows)
            if is_there or self.state.earlier.created_with(self.entity, value):
                found.add(index)
        return found

    def _with_code(self, columns: Columns, left_out: Collection[int]) -> set[int]:
        """Return the indexes of records without a key of their own that a code may name a row of.

        Whether a key that stands on a reference names it is told with care.
        """
        own = [key for key in self.keys if not {*key} & self.entity.references.keys()]
        unnamed = self._unnamed(columns, own).difference(left_out) if self.codes else ()
        folded = self.rows.folded
        return {
            index
            for code in self.codes
            for index in unnamed
            if columns[code][index] is not None and folded((code,), (columns[code][index],))
        }

    def _unnamed(self, columns: Columns, keys: Collection[Key]) -> set[int]:
        """Return the indexes of records that give none of some keys."""
        left = set(range(len(next(iter(columns.values())))))
        for key in keys:
            given = [columns[column] for column in key if column in self.own]
            if any(None not in cells for cells in given):
                return set()
            left = {index for index in left if all(cells[index] is None for cells in given)}
        return left
