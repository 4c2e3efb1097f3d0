"""What the rows that records refer to are called, as the bulk step compares it."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

from bakeio_core.catalog.fields import FileField
from bakeio_core.database.stored.rows import Row
from bakeio_core.files.revision import field_hash
from bakeio_core.importing.bulk.part import BulkPart, getter
from bakeio_core.importing.linking.link import to_look_up


class NamedRows:
    """What the rows that one reference leads to are called, with the hashes `_rev` has of that.

    Args:
        bulk: The part.
        column: The reference.
        fields: The fields of the file that say what its row is called.
        at: Where the reference stands in the rows that are looked at.
        hashed: The fields `_rev` has hashes of, where those are looked at as well.
    """

    def __init__(
        self, bulk: BulkPart, column: str, fields: list[FileField], at: int, hashed: Sequence[str]
    ) -> None:
        entity, names = bulk.part.entity, bulk.reader.names
        self.state, self.linker, self.at = bulk.state, bulk.linker, at
        self.reference = entity.references[column]
        self.columns = tuple(str(item.target) for item in fields)
        self.is_hashed = bool(hashed)
        self._base_at = [2 + hashed.index(item.name) for item in fields] if self.is_hashed else []
        id_field = bulk.part.fields.own.get(column, "")
        # a set may name a row by its id alone: no name then says nothing
        self._has_id = not bulk.is_view and id_field in names
        attributes = [names[item.name] for item in fields]
        self._names_of = getter(attributes)
        self._id_of = operator.attrgetter(names[id_field]) if self._has_id else None
        self._known: dict[Any, Row] = {}

    def learn(self, rows: list[Row]) -> None:
        """Read what the rows that others refer to are called; no row is called nothing."""
        ids = to_look_up(self._known, (row[self.at] for row in rows))
        if not ids:
            return
        names = self.linker.names(self.reference, ids, self.columns)
        nothing = (None,) * len(self.columns)
        for identity in ids:
            called = names.get(identity, nothing)
            self._known[identity] = (
                (*called, *map(field_hash, called)) if self.is_hashed else called
            )

    def are_called(self, records: Sequence[Any], rows: Sequence[Row]) -> Iterable[bool]:
        """Tell of records and their rows, without `_rev`, what `is_called` tells of each."""
        if self._id_of is not None:
            return map(self.is_called, records, rows, repeat(()))
        called = map(self._known.get, map(operator.itemgetter(self.at), rows))
        return map(operator.eq, map(self._names_of, records), called)

    def is_called(self, record: Any, row: Row, base: Row) -> bool:
        """Tell whether a record calls the row that its row refers to what it is called now."""
        cells = self._names_of(record)
        if self.is_hashed:
            cells = (*cells, *[base[index] for index in self._base_at])
        if cells != self._known.get(row[self.at]):
            return False
        if self._id_of is None:
            return True
        identity, link = self._id_of(record), row[self.at]
        if any(cell is not None for cell in cells):
            return not self.state.is_contrary(self.reference, identity, link)
        return (identity is None) == (link is None)
