"""Make the rows of records that certainly are new, many at once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from bakeio_core.catalog.entities.columns import DefaultFailed, unique_indexes
from bakeio_core.catalog.entities.model import ROW_KEY
from bakeio_core.catalog.fields import CLEAR
from bakeio_core.catalog.keys.row_ids import joined
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import Problem
from bakeio_core.files.documents.blocks import Block
from bakeio_core.files.documents.exact import is_block_exact, is_exact
from bakeio_core.importing.bulk.distinct import DistinctKeys, NewKeys
from bakeio_core.importing.bulk.part import BulkPart, Decided, Item, is_plain_text
from bakeio_core.importing.linking.link import to_look_up
from bakeio_core.importing.new_ids import NewIds
from bakeio_core.values import Identifier, Text

_UNLINKED: Any = object()


class NewRowsInBulk:
    """Make rows of records that certainly are new.

    What makes it sure: every record has the same known fields, strictly typed; references link
    exactly; what is required is there; no other row has their keys.
    """

    def __init__(self, bulk: BulkPart, sources: dict[str, Any]) -> None:
        self.bulk, self.state, self.part, self.rows = bulk, bulk.state, bulk.part, bulk.rows
        self.entity, self.fields, self.names = self.part.entity, self.part.fields, bulk.reader.names
        self.is_view = bulk.is_view
        self.sources = sources
        self._last_file_id = 0
        texts = {c for c, kind in self.entity.kinds.items() if isinstance(kind, (Text, Identifier))}
        texts.difference_update(self.entity.primary_key)
        indexed = unique_indexes(self.entity.table)
        self.distinct = DistinctKeys([key for key in indexed if texts.issuperset(key)])
        self.links: dict[str, dict[Any, Any]] = {column: {} for column in self.entity.references}
        self.named = {column for column in self.links if _named(bulk, column)}
        self.keys = NewKeys(bulk, {c for c in self.entity.columns if self._is_given(c)})
        self.text_columns = [
            column
            for column in self.entity.columns
            if self.is_view and isinstance(self.entity.kinds[column], Text)
        ]

    def _is_given(self, column: str) -> bool:
        if column in self.entity.references:
            return column in self.named
        return self.fields.own.get(column, "") in self.names

    @classmethod
    def of(cls, bulk: BulkPart) -> NewRowsInBulk | None:
        """Return what makes the new rows of a file, None where it lacks what a row needs."""
        entity, fields, names = bulk.part.entity, bulk.part.fields, bulk.reader.names
        is_own = any(reference.is_late for reference in entity.references.values())
        is_plain = all(kind.sql_convertible for kind in entity.kinds.values())
        is_marked = CLEAR in names
        keys = [key for key in entity.all_keys if len(key) == 1]
        # what refers to such rows by their ids in the file has to be told which they became
        is_of_another = entity.primary in entity.references
        is_of_another |= bool(entity.polymorphic) and not bulk.state.same_database
        is_computed = bool(entity.filled.computed)
        is_doubtful = is_computed or is_own or not is_plain or is_marked or is_of_another
        if is_doubtful or (keys and keys[0] not in entity.unique):
            return None
        if entity.may_lack_keys and not bulk.rows.was_empty and not bulk.state.same_database:
            return None  # it may be there already
        sources: dict[str, Any] = {}
        for column in entity.columns:
            if column == ROW_KEY:
                continue
            source = cls._source(bulk, column)
            if source is None:
                return None
            sources[column] = source
        has_uuid = fields.own.get("uuid", "") in names or "uuid" not in entity.columns
        has_id = not entity.surrogate or fields.own.get(entity.surrogate, "") in names
        is_whole = bulk.is_view or (has_uuid and has_id)
        return cls(bulk, sources) if is_whole else None

    @staticmethod
    def _source(bulk: BulkPart, column: str) -> Any:
        """Return what gives a column's values of records; None where nothing does.

        Returns:
            A function from records to values, from records to keys for references that are named.
        """
        part, names, entity = bulk.part, bulk.reader.names, bulk.part.entity
        named = _named(bulk, column)
        if named:
            # of one lookup the value itself is the key: nothing is made for each record
            return operator.attrgetter(*named)
        name = part.fields.own.get(column, "")
        if column == entity.surrogate and part.view is not None:
            return lambda records: [None] * len(records)
        if name in names and column in entity.references:
            return None
        if name in names:
            value_of = operator.attrgetter(names[name])
            return lambda records: list(map(value_of, records))
        if column == "slug" and entity.slug_from:
            return None
        filled, now = entity.filled, bulk.state.now
        if column in (*filled.stamps, *filled.uuids, *filled.defaults):
            return lambda records: [filled.supplied(column, now) for _ in records]
        return (lambda records: [None] * len(records)) if entity.nullable(column) else None

    def decide(
        self, block: Block, items: list[Item], decided: Decided, *, is_verified: bool
    ) -> list[Item]:
        """Make rows of the records that certainly are new; return the others.

        Args:
            block: Where the records stand.
            items: The records.
            decided: What the rows are added to.
            is_verified: Whether it is looked up that no row has their keys; else they must only be
                others than those of earlier records.
        """
        records = [record for _, record in items]
        try:
            columns = {c: self._values(c, records) for c in self.sources}
        except DefaultFailed:
            return items  # told with each record
        doubtful = self._doubtful(block, items, columns)
        if is_verified:
            doubtful |= self.keys.known(columns, doubtful)
        elif self.keys.may_be_shared(columns) or self.distinct.repeat(columns):
            return items
        if len(doubtful) == len(items):
            return items
        good = [index for index in range(len(items)) if index not in doubtful]
        ids = self._ids(columns, good)
        if ids is None:
            return items
        columns[self.entity.primary] = ids
        rows: list[Row] = list(zip(*columns.values(), strict=True))
        numbers = [number for number, _ in items]
        if doubtful:
            rows, numbers = [rows[i] for i in good], [numbers[i] for i in good]
        decided.rows, decided.numbers = rows, numbers
        is_kept = self.entity.surrogate and not self.is_view and not self.rows.was_empty
        if is_kept and self.state.new_ids(self.entity).highest_kept:
            # of a table that was empty every id is the file's
            self.state.id_maps[self.entity.name].keep(row[self.rows.id_index] for row in rows)
        return [items[index] for index in sorted(doubtful)]

    def _values(self, column: str, records: list[Any]) -> list[Any]:
        source = self.sources[column]
        if column not in self.named:
            return source(records)  # type: ignore[no-any-return]
        keys = list(map(source, records))
        known = self.links[column]
        self._link(column, to_look_up(known, keys), known)
        return list(map(known.__getitem__, keys))

    def _link(self, column: str, keys: set[Any], known: dict[Any, Any]) -> None:
        """Link keys of a reference that are not known yet; what does not link exactly is marked."""
        reference, naming = self.entity.references[column], self.fields.naming[column]
        columns = [wanted for wanted, field in naming.items() if field.name in self.names]
        is_single = len(columns) == 1
        links = {key: (key, None) if is_single else (*key, None) for key in keys}
        found = self.bulk.linker.link_exact(reference, columns, links.values())
        for key, link in links.items():
            is_empty = reference.nullable and all(part is None for part in link)
            known[key] = found.get(link, None if is_empty else _UNLINKED)

    def _doubtful(self, block: Block, items: list[Item], columns: dict[str, list[Any]]) -> set[int]:
        """Return the indexes of records that want care, whatever rows there are."""
        doubtful: set[int] = set()
        for column, values in columns.items():
            is_reference = column in self.entity.references
            if is_reference and _UNLINKED in values:
                doubtful.update(i for i, value in enumerate(values) if value is _UNLINKED)
            if is_reference and None in values:
                doubtful.update(self._named_by_id(column, values, items))
            if is_reference:
                doubtful.update(self._with_another_id(column, values, items))
            is_made = column == self.entity.surrogate and self.is_view
            takes_null = self.entity.nullable(column) and self.part.takes_null(column)
            is_needed = not takes_null and not is_made
            if is_needed and None in values:
                doubtful.update(i for i, value in enumerate(values) if value is None)
            check = self.entity.all_checks.get(column) if self.is_view else None
            if check is not None:
                doubtful.update(_refused(check, values))
        for column in self.text_columns:
            for index, value in enumerate(columns[column]):
                if value is not None and not is_plain_text(value):
                    doubtful.add(index)
        if self.is_view and not is_block_exact(block):
            numbers = enumerate(number for number, _ in items)
            doubtful.update(i for i, n in numbers if not is_exact(block, n))
        return doubtful

    def _named_by_id(self, column: str, links: list[Any], items: list[Item]) -> list[int]:
        """Return the indexes of records that give an id for a reference, and no name."""
        id_field = self.fields.own.get(column, "")
        if id_field not in self.names:
            return []
        id_of = operator.attrgetter(self.names[id_field])
        pairs = enumerate(zip(links, items, strict=True))
        return [i for i, (link, (_, record)) in pairs if link is None and id_of(record) is not None]

    def _with_another_id(self, column: str, links: list[Any], items: list[Item]) -> list[int]:
        """Return the indexes of records whose id for a reference is not that of the row named."""
        id_field = self.fields.own.get(column, "")
        if self.is_view or id_field not in self.names:
            return []
        id_of, reference = operator.attrgetter(self.names[id_field]), self.entity.references[column]
        given = list(map(id_of, map(operator.itemgetter(1), items)))
        if given == links:
            return []
        is_contrary = self.state.is_contrary
        pairs = enumerate(zip(given, links, strict=True))
        return [i for i, (identity, link) in pairs if is_contrary(reference, identity, link)]

    def _ids(self, columns: dict[str, list[Any]], good: list[int]) -> list[Any] | None:
        """Return the ids of new rows: the file's where they are free, None where that is unsure."""
        given = columns.get(self.entity.primary, [])
        if not self.entity.surrogate:
            parts = [columns[column] for column in self.entity.primary_key]
            return given or list(map(joined, zip(*parts, strict=True)))
        new_ids = self.state.new_ids(self.entity)
        wanted = [given[index] for index in good]
        if not self.is_view:
            if any(type(identity) is not int for identity in wanted):
                return None
            is_rising = all(map(int.__lt__, wanted, wanted[1:]))
            if not is_rising or wanted[0] <= self._last_file_id:
                return None
            self._last_file_id = wanted[-1]
            if new_ids.highest_kept and wanted[-1] > new_ids.highest_kept:
                return None
        if not self.is_view and new_ids.highest_kept:
            return given if self._keep(wanted, new_ids) else None
        ids: list[Any] = [None] * len(given)
        taken = new_ids.take(len(good))
        for index, identity in zip(good, taken, strict=True):
            ids[index] = identity
        if not self.is_view:
            self.state.id_maps[self.entity.name].shift(wanted, taken)
        return ids

    def _keep(self, wanted: list[int], new_ids: NewIds) -> bool:
        """Take the ids of the file, where all of them are free."""
        if wanted[0] <= new_ids.last:
            return False
        if not self.rows.was_empty and self.rows.existing_ids(wanted):
            return False
        new_ids.took(wanted[-1])
        return True


def _named(bulk: BulkPart, column: str) -> list[str]:
    """Return the attributes of records that say what the row of a reference is called."""
    naming, names = bulk.part.fields.naming.get(column, {}), bulk.reader.names
    return [names[field.name] for field in naming.values() if field.name in names]


def _refused(check: Callable[[Any, Any], Any], values: Sequence[Any]) -> list[int]:
    """Return the indexes of values that a check refuses or repairs."""
    refused = []
    for index, value in enumerate(values):
        answer = value if value is None else check(None, value)
        if isinstance(answer, Problem) or answer != value:
            refused.append(index)
    return refused
