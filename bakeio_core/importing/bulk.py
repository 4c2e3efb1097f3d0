"""Decide the easy records of a block at once, before anything is planned with care.

New rows whose references link exactly, records equal to their rows, plain edits of a view: what is
decided here comes out as it would with care, and what is in any doubt is left to care. Nothing else
in the import knows about speed. Work is done column by column, by the built-in functions.
"""

from __future__ import annotations

import operator
import unicodedata
import uuid as uuids
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bakeio_core.catalog.exchange import STAMPS, Change
from bakeio_core.catalog.fields import CLEAR, REV, FileField
from bakeio_core.catalog.model import Key
from bakeio_core.database.rows import Row
from bakeio_core.errors import Problem
from bakeio_core.files.blocks import Block
from bakeio_core.files.revision import field_hash, hashing
from bakeio_core.importing.claims import Claims
from bakeio_core.importing.link import REMEMBERED, Linker
from bakeio_core.importing.read import Reader
from bakeio_core.importing.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values import Text

FEW = 200
"""Records whose values are worked on at a time: so few that they stay in a processor's cache."""
NEAR = 4
"""Rows are fetched as one range of ids where it holds at most so many ids for each record."""
_UNLINKED: Any = object()
Item = tuple[int, Any]
"""The number of a record and the object that typed reading gave for it."""


@dataclass
class Decided:
    """What was decided of a block: rows to create and the records they come from, updates, how

    many records change nothing; `rest` are the records left to care.
    """

    rows: list[Row] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    updates: list[Change] = field(default_factory=list)
    unchanged: int = 0
    rest: list[Item] = field(default_factory=list)


class Bulk:
    """Decide the easy records of one part, block by block.

    Args:
        state: The import.
        part: The part.
        linker: Links references exactly.
        claims: The rows that records mean already; what is decided here is entered.
        reader: What read the blocks: it knows the fields of the file once it has seen one.
    """

    def __init__(
        self, state: ImportState, part: Part, linker: Linker, claims: Claims, reader: Reader
    ) -> None:
        self.state, self.part, self.linker = state, part, linker
        self.claims, self.reader = claims, reader
        self.rows = state.tables.rows(part.entity)
        self._known: KnownRows | None = None
        self._new: NewRowsInBulk | None = None
        self._is_prepared = False

    def prepare(self) -> None:
        """Find out, from the fields of the file, what can be decided in bulk."""
        if self._is_prepared:
            return
        self._is_prepared = True
        names, fields = self.reader.names, self.part.fields
        told = [REV, fields.own.get(self.part.entity.primary, "")]
        told = [names[name] for name in told if name in names and self.part.view is not None]
        self._identity_of = _getter(told)
        if not self.rows.was_empty or self.part.view is not None:
            self._known = KnownRows.of(self)
        if self.state.options.mode != "update-only":
            self._new = NewRowsInBulk.of(self)

    @property
    def has_revision(self) -> bool:
        """Whether every record of the file has a `_rev`."""
        return REV in self.reader.names

    def names_no_row(self, record: Any) -> bool:
        """Tell whether neither `_rev` nor id of a view's record says that there is a row."""
        return all(value is None for value in self._identity_of(record))

    def decide(self, block: Block, records: Sequence[Any]) -> Decided:
        """Decide what can be decided of the records of a block, and claim their rows."""
        self.prepare()
        items: list[Item] = list(enumerate(records, block.first))
        decided, new = Decided(), items
        if self._known is not None:
            new = self._known.decide(block, items, decided)
        elif self.part.view is not None:
            new = [item for item in items if self.names_no_row(item[1])]
            decided.rest = [item for item in items if not self.names_no_row(item[1])]
        elif not self.rows.was_empty:
            new, decided.rest = [], items
        if self._new is not None and new:
            new = self._new.decide(block, new, decided, is_verified=True)
        decided.rest = sorted([*decided.rest, *new], key=operator.itemgetter(0))
        return decided

    def load(self, block: Block, records: Sequence[Any]) -> Decided | None:
        """Make new rows of all records of a block; None where any of them wants care.

        Unique keys are left to the database, which is to refuse what has one twice.
        """
        self.prepare()
        decided = Decided()
        items = list(enumerate(records, block.first))
        if self._new is None or self._new.decide(block, items, decided, is_verified=False):
            return None
        return decided


def _getter(attributes: Sequence[str]) -> Callable[[Any], Row]:
    """Return a function from a record to the tuple of these attributes, however many."""
    if len(attributes) == 1:
        one = operator.attrgetter(attributes[0])
        return lambda record: (one(record),)
    return operator.attrgetter(*attributes) if attributes else lambda record: ()


class KnownRows:
    """Compare records with the rows they certainly mean.

    A record is certain where the row found for it has the same keys, and what it calls the rows it
    refers to is what they are called. A row is a tuple: id, `finder`, the plain columns, the fixed
    columns, then what else is compared.
    """

    def __init__(self, bulk: Bulk, finder: str) -> None:
        self.bulk, self.state, self.part, self.rows = bulk, bulk.state, bulk.part, bulk.rows
        self.entity, self.fields, self.names = self.part.entity, self.part.fields, bulk.reader.names
        self.finder, self.has_revision = finder, bulk.has_revision
        self.is_view = self.part.view is not None
        self.is_skipping = self.state.options.mode == "skip-existing"
        named = self._naming()
        fixed = self._fixed(named)
        self.plain = self._plain([item.name for item in fixed])
        self.is_whole = self._has_whole_revision()
        extra = [*named, *([self.entity.identity] if self.has_revision else [])]
        if self.is_whole and "updated_at" in self.entity.columns:
            extra.append("updated_at")  # what is fetched then was edited, most of it
        columns = [*(str(item.column) for item in self.plain), *(str(f.column) for f in fixed)]
        self.columns = [finder, *columns, *dict.fromkeys(extra)]
        self.index = {column: index for index, column in enumerate(self.columns, 1)}
        self._plain_slice = slice(2, 2 + len(self.plain))
        self._fixed_slice = slice(2 + len(self.plain), 2 + len(columns))
        self._plain_of = _getter([self.names[item.name] for item in self.plain])
        self._fixed_of = _getter([self.names[item.name] for item in fixed])
        self._finder_of = operator.attrgetter(self.names[self.fields.own[finder]])
        id_field = self.fields.own.get(self.entity.primary, "")
        has_id = id_field in self.names
        self._id_of = operator.attrgetter(self.names[id_field]) if has_id else None
        self._named = [NamedRows(self, column, items) for column, items in named.items()]
        self._edits = [self._edit_of(index, item) for index, item in enumerate(self.plain, 2)]
        # of the others a row may hold what looks like another wire value
        self._is_comparable = all(item.kind.sql_convertible for item in self.plain)
        self._keys = self._hashed_keys()
        self._unchanged = Change("unchanged", self.entity.name, 0)
        if self.has_revision:
            self._revision_of = operator.attrgetter(self.names[REV])
        if self.is_whole:
            kinds = {item.name: item.kind for item in self.fields}
            hashed = self.revision.fields
            self._values_of = [operator.attrgetter(self.names[name]) for name in hashed]
            self._hashes = [hashing(kinds[name]) for name in hashed]

    @classmethod
    def of(cls, bulk: Bulk) -> KnownRows | None:
        """Return what compares the records of a file, None where their rows are not certain."""
        names, part, entity = bulk.reader.names, bulk.part, bulk.part.entity
        if CLEAR in names:
            return None
        own = {column for column, name in part.fields.own.items() if name in names}
        named = {str(item.column) for item in part.fields if item.target and item.name in names}
        by_id = own & (entity.references.keys() - named)
        if part.view is None and by_id and not bulk.state.same_database:
            return None  # ids of another database, which mean rows of the same set
        is_sure = bulk.state.same_database or REV in names
        keys = [key[0] for key in entity.all_keys if len(key) == 1 and key in entity.unique]
        by_key = next((key for key in keys if key in own), None)
        if part.view is None and by_key == "uuid":
            return cls(bulk, "uuid")
        if entity.primary in own and is_sure:
            return cls(bulk, entity.primary)
        return cls(bulk, by_key) if by_key is not None else None

    @property
    def revision(self) -> Any:
        """What reads and makes the `_rev` of the view."""
        return self.part.revision

    # -- what is compared
    def _naming(self) -> dict[str, list[FileField]]:
        """Return {reference: fields of the file that say what its row is called}."""
        found: dict[str, list[FileField]] = {}
        for item in self.fields:
            if item.target is not None and item.name in self.names:
                found.setdefault(str(item.column), []).append(item)
        return found

    def _fixed(self, named: Iterable[str]) -> list[FileField]:
        """Return the fields that must be what the row has: keys, the id, references by id alone."""
        fixed = [column[0] for column in self.entity.all_keys if len(column) == 1]
        if self.is_view:
            fixed = [str(item.column) for item in self.fields.of_role("key")]
        if self.state.same_database:
            fixed.append(self.entity.primary)
        if not self.is_view:
            fixed += [column for column in self.entity.references if column not in named]
        own = [self.fields.own[c] for c in dict.fromkeys(fixed) if c in self.fields.own]
        items = [self.fields.by_name[name] for name in own if name in self.names]
        return [item for item in items if item.column != self.finder]

    def _plain(self, fixed: Sequence[str]) -> list[FileField]:
        """Return the fields a record may change: those with a value of the row's own."""
        fields = self.fields.of_role("editable") if self.is_view else list(self.fields)
        left = {self.entity.primary, self.finder, *STAMPS}
        if not self.is_view:
            left |= {"uuid", *self.entity.references}
        return [
            item
            for item in fields
            if item.target is None
            and item.column not in left
            and item.name in self.names
            and item.name not in fixed
        ]

    def _has_whole_revision(self) -> bool:
        is_by_id = self.finder == self.entity.primary
        return self.has_revision and is_by_id and set(self.revision.fields) <= self.names.keys()

    def _hashed_keys(self) -> list[tuple[int, Callable[[Any], Any]]]:
        """Return, for keys in `_rev`, where their hash stands in it and what gives the value."""
        if not self.has_revision or self.is_whole:
            return []
        return [
            (2 + self.revision.fields.index(item.name), operator.attrgetter(self.names[item.name]))
            for item in self.fields.of_role("key")
            if item.name in self.names
        ]

    def _edit_of(self, index: int, item: FileField) -> PlainEdit:
        base = 2 + self.revision.fields.index(item.name) if self.has_revision else None
        return PlainEdit(self, item, index, base)

    # -- a block
    def decide(self, block: Block, items: list[Item], decided: Decided) -> list[Item]:
        """Decide what is certain of a block; return the records that no row was found for.

        A record whose `_rev` or id says that there is a row is not among them.
        """
        left: list[tuple[int, Any, str]] = [(number, record, "") for number, record in items]
        if self.is_whole:
            left = self._unedited(items)
        decided.unchanged += len(items) - len(left)
        if not left:
            return []
        records = [record for _, record, _ in left]
        rows = {row[1]: row for row in self._fetch(records)}
        ids, numbers, new = list[int](), list[int](), list[Item]()
        seen = self.bulk.claims.record_of
        for number, record, made in left:
            row = rows.get(self._finder_of(record))
            if row is None and self.bulk.names_no_row(record):
                new.append((number, record))
                continue
            base = None
            if row is None or row[0] in seen or (base := self._base(record, row, made)) is None:
                decided.rest.append((number, record))
                continue
            edit = self._compare(block, number, record, row, base)
            if edit is None:
                decided.rest.append((number, record))
                continue
            seen[row[0]] = number
            ids.append(row[0])
            numbers.append(number)
            if edit.new:
                decided.updates.append(edit)
            else:
                decided.unchanged += 1
        self._stamp(decided.updates, rows)
        self._keep_ids(left, rows)
        return new

    def _base(self, record: Any, row: Row, made: str) -> Row | None:
        """Return the words of a record's `_rev` where it certainly means a row, else None.

        Without `_rev` an empty tuple says that it does.
        """
        if self._fixed_of(record) != row[self._fixed_slice]:
            return None
        base: Row = ()
        if self.has_revision:
            text = self._revision_of(record)
            words = self.revision.unpacked(text)
            if words is None or not self._is_of_row(text, words, record, row, made):
                return None
            base = words
        if all(named.is_called(record, row, base) for named in self._named):
            return base
        return None

    def _is_of_row(self, text: str, words: Row, record: Any, row: Row, made: str) -> bool:
        """Tell whether `_rev` is of a row, and its keys are what they were."""
        if self.is_whole:
            return text[: self.revision.identity_length] == made[: self.revision.identity_length]
        identity = self.rows.identity_text(row[self.index[self.entity.identity]])
        if words[:2] != self.revision.of_row(identity):
            return False
        return all(words[index] == field_hash(value(record)) for index, value in self._keys)

    def _compare(
        self, block: Block, number: int, record: Any, row: Row, base: Row
    ) -> Change | None:
        """Return what a record changes in its row, None where that wants care."""
        is_checked = not self.is_whole and self._is_comparable
        is_equal = is_checked and self._plain_of(record) == row[self._plain_slice]
        if is_equal or self.is_skipping:
            return self._unchanged
        if not self.is_view:
            return None
        change = Change("update", self.entity.name, number, row[0], {}, {})
        is_plain = all(edit.enter(change, block, number, record, row, base) for edit in self._edits)
        return change if is_plain else None

    def _stamp(self, updates: list[Change], rows: dict[Any, Row]) -> None:
        """Note when the rows of a block were last updated, and are updated now."""
        if not updates or "updated_at" not in self.entity.columns:
            return
        if "updated_at" in self.index:
            index = self.index["updated_at"]
            stamps = {row[0]: row[index] for row in rows.values()}
        else:
            ids = [change.id for change in updates]
            found = self.rows.select(["updated_at"], ids, self.entity.primary)
            stamps = {row[0]: row[1] for row in found}
        for change in updates:
            if "updated_at" not in change.new:
                change.new = {**change.new, "updated_at": self.state.now}
                change.old = {**change.old, "updated_at": stamps[change.id]}

    def _keep_ids(self, items: list[tuple[int, Any, str]], rows: dict[Any, Row]) -> None:
        """Note where the rows of a set's file are, for records that refer to them by its ids."""
        if self.is_view or self._id_of is None:
            return
        id_map, primary = self.state.id_maps[self.entity.name], self.entity.primary
        for _, record, _ in items:
            row, file_id = rows.get(self._finder_of(record)), self._id_of(record)
            if row is not None and file_id == row[0]:
                id_map.keep((file_id,))
            elif row is not None and file_id is not None:
                id_map.move(primary, file_id, row[0])

    def _fetch(self, records: list[Any]) -> list[Row]:
        """Read the rows of records, and what the rows they refer to are called."""
        found = self._rows_of(self.columns, records)
        if self._id_of is not None and self.finder != self.entity.primary:
            # some that the range of ids did not give
            known = {row[1] for row in found}
            missing = set(map(self._finder_of, records)) - known - {None}
            found += self.rows.select(self.columns, missing) if missing else []
        for named in self._named:
            named.learn(found)
        return found

    def _rows_of(self, columns: Sequence[str], records: list[Any]) -> list[Row]:
        """Return (id, *columns) of rows: of one range of ids where those lie close together."""
        ids = [i for i in map(self._id_of, records) if i is not None] if self._id_of else []
        counts = self.finder == self.entity.primary or self.state.same_database
        if ids and counts and max(ids) - min(ids) <= NEAR * len(ids):
            return self.rows.select_range(columns, min(ids), max(ids))
        wanted = set(map(self._finder_of, records)) - {None}
        return self.rows.select(columns, wanted, self.finder) if wanted else []

    def _unedited(self, items: list[Item]) -> list[tuple[int, Any, str]]:
        """Claim the records whose `_rev` is that of their own values.

        Nothing of the row but its uuid is read for them.

        Returns:
            (number, record, the `_rev` of its values) of the others.
        """
        records = [record for _, record in items]
        text = self.rows.identity_text
        found = self._rows_of([self.entity.identity], records)
        uuids_of = {row[0]: text(row[1]) for row in found}
        left: list[tuple[int, Any, str]] = []
        for start in range(0, len(items), FEW):
            some = items[start : start + FEW]
            left += self._unedited_of_few(some, uuids_of)
        return left

    def _unedited_of_few(
        self, items: list[Item], uuids_of: dict[Any, str]
    ) -> list[tuple[int, Any, str]]:
        records = [record for _, record in items]
        ids = list(map(self._finder_of, records))
        known = [uuids_of.get(identity) for identity in ids]
        pairs = zip(self._hashes, self._values_of, strict=True)
        hashes = [hash_(list(map(value_of, records))) for hash_, value_of in pairs]
        made = self.revision.texts([uuid or "" for uuid in known], hashes)
        given = map(self._revision_of, records)
        same = [
            uuid is not None and text == wanted
            for uuid, text, wanted in zip(known, given, made, strict=True)
        ]
        seen = self.bulk.claims.record_of
        unedited = [identity for identity, is_same in zip(ids, same, strict=True) if is_same]
        if len(set(unedited)) < len(unedited) or not seen.keys().isdisjoint(unedited):
            same = [False] * len(items)
            unedited = []
        if len(unedited) == len(items):
            seen.update(zip(ids, (number for number, _ in items), strict=True))
            return []
        left = []
        for (number, record), identity, text, is_same in zip(items, ids, made, same, strict=True):
            if is_same:
                seen[identity] = number
            else:
                left.append((number, record, text))
        return left


class NamedRows:
    """What the rows that one reference leads to are called, with the hashes `_rev` has of that."""

    def __init__(self, known: KnownRows, column: str, fields: list[FileField]) -> None:
        self.linker, self.at = known.bulk.linker, known.index[column]
        self.target = known.state.catalog.entities[known.entity.references[column].target]
        self.columns = tuple(str(item.target) for item in fields)
        self.is_hashed = known.has_revision and not known.is_whole
        hashed = known.revision.fields if self.is_hashed else ()
        self._base_at = [2 + hashed.index(item.name) for item in fields] if self.is_hashed else []
        id_field = known.fields.own.get(column, "")
        # a set may name a row by its id alone: no name then says nothing
        self._has_id = not known.is_view and id_field in known.names
        attributes = [known.names[item.name] for item in fields]
        self._names_of = _getter(attributes)
        self._id_of = operator.attrgetter(known.names[id_field]) if self._has_id else None
        self._known: dict[Any, Row] = {}

    def learn(self, rows: list[Row]) -> None:
        """Read what the rows that others refer to are called; no row is called nothing."""
        ids = {row[self.at] for row in rows}.difference(self._known)
        if not ids:
            return
        if len(self._known) > REMEMBERED:
            self._known.clear()
        names = self.linker.names(self.target, ids, self.columns)
        nothing = (None,) * len(self.columns)
        for identity in ids:
            called = names.get(identity, nothing)
            self._known[identity] = (
                (*called, *map(field_hash, called)) if self.is_hashed else called
            )

    def is_called(self, record: Any, row: Row, base: Row) -> bool:
        """Tell whether a record calls the row that its row refers to what it is called now."""
        cells = self._names_of(record)
        if self.is_hashed:
            cells = (*cells, *[base[index] for index in self._base_at])
        if cells != self._known.get(row[self.at]):
            return False
        if self._id_of is None or any(cell is not None for cell in cells):
            return True
        return (self._id_of(record) is None) == (row[self.at] is None)


class PlainEdit:
    """Compare one editable field of a record with its row, and take an edit that wants no care."""

    def __init__(self, known: KnownRows, item: FileField, index: int, base: int | None) -> None:
        self.reader, self.name, self.column = known.bulk.reader, item.name, str(item.column)
        self.kind, self.index, self.base = item.kind, index, base
        self.check = known.entity.checks.get(self.column)
        self._value_of = operator.attrgetter(known.names[item.name])
        self._make = known.rows.dialect.result(item.kind, known.entity.table.c[self.column])

    def enter(
        self, change: Change, block: Block, number: int, record: Any, row: Row, base: Row
    ) -> bool:
        """Enter the edit of a record, if there is one; tell whether it wants no care.

        Nulls, conflicts, and what a check says want care.
        """
        value, current = self._value_of(record), row[self.index]
        if self._make is not None:
            current = self._make(current)
        if value == current and (self.kind.sql_convertible or self.kind.same(value, current)):
            return True
        if self.base is not None:
            if field_hash(value) == base[self.base]:
                return True
            if field_hash(current) != base[self.base]:
                return False
        if not self._fits(block, number, value):
            return False
        if self.check is not None:
            answer = self.check(current, value)
            if isinstance(answer, Problem) or answer != value:
                return False
        decoded = self.kind.decoded
        change.new[self.column] = decoded(value) if decoded is not None else value  # type: ignore[index]
        change.old[self.column] = current  # type: ignore[index]
        return True

    def _fits(self, block: Block, number: int, value: Any) -> bool:
        """Tell whether a value may be stored as it was decoded: composed, with all its digits."""
        if isinstance(value, str):
            return is_plain_text(value)
        return value is not None and self.reader.is_exact(block, number, self.name, value)


def is_plain_text(value: str) -> bool:
    """Tell whether an edited text is stored as it is: not empty, composed, without NUL."""
    is_composed = value.isascii() or unicodedata.is_normalized("NFC", value)
    return value != "" and "\0" not in value and is_composed


class NewRowsInBulk:
    """Make rows of records that certainly are new.

    What makes it sure: every record has the same known fields, strictly typed; references link
    exactly; what is required is there; no other row has their keys.
    """

    def __init__(self, bulk: Bulk, sources: dict[str, Any]) -> None:
        self.bulk, self.state, self.part, self.rows = bulk, bulk.state, bulk.part, bulk.rows
        self.entity, self.fields, self.names = self.part.entity, self.part.fields, bulk.reader.names
        self.is_view = self.part.view is not None
        self.sources = sources
        self.links: dict[str, dict[Any, Any]] = {column: {} for column in self.entity.references}
        own = {column for column in self.entity.columns if self._is_given(column)}
        self.keys = [key for key in self.entity.all_keys if set(key) <= own]
        has_content = bool(self.entity.content) and set(self.entity.content) <= own
        self.content = tuple(self.entity.content) if has_content and not self.keys else ()
        self.text_columns = [
            column
            for column in self.entity.columns
            if self.is_view and isinstance(self.entity.kinds[column], Text)
        ]

    def _is_given(self, column: str) -> bool:
        if column in self.entity.references:
            return bool(self.sources[column])
        return self.fields.own.get(column, "") in self.names

    @classmethod
    def of(cls, bulk: Bulk) -> NewRowsInBulk | None:
        """Return what makes the new rows of a file, None where it lacks what a row needs."""
        entity, fields, names = bulk.part.entity, bulk.part.fields, bulk.reader.names
        is_own = any(r.target == entity.name for r in entity.references.values())
        is_plain = all(kind.sql_convertible for kind in entity.kinds.values())
        is_marked = CLEAR in names
        keys = [key for key in entity.all_keys if len(key) == 1]
        if is_own or not is_plain or is_marked or (keys and keys[0] not in entity.unique):
            return None
        sources: dict[str, Any] = {}
        for column in entity.columns:
            source = cls._source(bulk, column)
            if source is None:
                return None
            sources[column] = source
        has_uuid = fields.own.get("uuid", "") in names or "uuid" not in entity.columns
        has_id = fields.own.get(entity.primary, "") in names
        is_whole = bulk.part.view is not None or (has_uuid and has_id)
        return cls(bulk, sources) if is_whole else None

    @staticmethod
    def _source(bulk: Bulk, column: str) -> Any:
        """Return what gives a column's values of records; None where nothing does.

        Returns:
            A function from records to values; for references one from records to keys, or () where
            the file says nothing of them.
        """
        part, names, entity = bulk.part, bulk.reader.names, bulk.part.entity
        if column in entity.references:
            naming = part.fields.naming[column]
            given = [field.name for field in naming.values()]
            if all(name in names for name in given) and given:
                # of one lookup the value itself is the key: nothing is made for each record
                return operator.attrgetter(*(names[name] for name in given))
            is_said = any(name in names for name in (*given, part.fields.own.get(column, "")))
            return None if is_said or not entity.nullable(column) else ()
        name = part.fields.own.get(column, "")
        if column == entity.primary and part.view is not None:
            return lambda records: [None] * len(records)
        if name in names:
            value_of = operator.attrgetter(names[name])
            return lambda records: list(map(value_of, records))
        if column == "uuid":
            return lambda records: [str(uuids.uuid4()) for _ in records]
        is_slug = column == "slug" and bool(entity.slug_from)
        value = bulk.state.now if column in STAMPS else entity.default(column)
        if is_slug or (value is None and not entity.nullable(column)):
            return None
        return lambda records: [value] * len(records)

    def decide(
        self, block: Block, items: list[Item], decided: Decided, *, is_verified: bool
    ) -> list[Item]:
        """Make rows of the records that certainly are new; return the others.

        Args:
            block: Where the records stand.
            items: The records.
            decided: What the rows are added to.
            is_verified: Whether it is looked up that no row has their keys.
        """
        records = [record for _, record in items]
        columns = {c: self._values(c, records) for c in self.entity.columns}
        doubtful = self._doubtful(block, items, columns)
        if is_verified:
            doubtful |= self._known_keys(columns, doubtful)
        if len(doubtful) == len(items):
            return items
        good = [index for index in range(len(items)) if index not in doubtful]
        ids = self._ids(columns[self.entity.primary], good)
        if ids is None:
            return items
        columns[self.entity.primary] = ids
        rows: list[Row] = list(zip(*columns.values(), strict=True))
        numbers = [number for number, _ in items]
        if doubtful:
            rows, numbers = [rows[i] for i in good], [numbers[i] for i in good]
        decided.rows, decided.numbers = rows, numbers
        if not self.is_view and not self.rows.was_empty:
            # of a table that was empty every id is the file's
            self.state.id_maps[self.entity.name].keep(row[self.rows.id_index] for row in rows)
        return [items[index] for index in sorted(doubtful)]

    def _values(self, column: str, records: list[Any]) -> list[Any]:
        source = self.sources[column]
        if column not in self.entity.references:
            return source(records)  # type: ignore[no-any-return]
        if not source:
            return [None] * len(records)
        keys = list(map(source, records))
        known = self.links[column]
        self._link(column, set(keys).difference(known), known)
        return list(map(known.__getitem__, keys))

    def _link(self, column: str, keys: set[Any], known: dict[Any, Any]) -> None:
        """Link keys of a reference that are not known yet; what does not link exactly is marked."""
        reference, columns = self.entity.references[column], list(self.fields.naming[column])
        if len(known) > REMEMBERED:
            known.clear()
        target = self.state.catalog.entities[reference.target]
        is_single = len(columns) == 1
        links = {key: (key, None) if is_single else (*key, None) for key in keys}
        found = self.bulk.linker.link_exact(target, columns, links.values())
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
            is_made = column == self.entity.primary and self.is_view
            is_needed = not self.entity.nullable(column) and not is_made
            if is_needed and None in values:
                doubtful.update(i for i, value in enumerate(values) if value is None)
            check = self.entity.checks.get(column) if self.is_view else None
            if check is not None:
                doubtful.update(_refused(check, values))
        for column in self.text_columns:
            for index, value in enumerate(columns[column]):
                if value is not None and not is_plain_text(value):
                    doubtful.add(index)
        if self.is_view and not self.bulk.reader.is_block_exact(block):
            numbers = enumerate(number for number, _ in items)
            doubtful.update(i for i, n in numbers if not self.bulk.reader.is_exact(block, n))
        return doubtful

    def _known_keys(self, columns: dict[str, list[Any]], doubtful: set[int]) -> set[int]:
        """Return the indexes of records whose keys or content some row has, or another record."""
        found: set[int] = set()
        for key in self.keys[:1] if self.rows.was_empty else self.keys:
            values = self._cells(columns, key, doubtful)
            wanted = [value for value in values.values() if any(v is not None for v in value)]
            there = self.rows.find(key, wanted)
            times = Counter(wanted) if len(set(wanted)) < len(wanted) else {}
            folds = not self.rows.was_empty and self.rows.folds(key)
            for index, value in values.items():
                is_known = value in there or times.get(value, 1) > 1
                if is_known or (folds and self.rows.folded(key, value)):
                    found.add(index)
        if self.content and not self.state.options.allow_duplicates:
            values = self._cells(columns, self.content, doubtful)
            there, claims = self.rows.find(self.content, values.values()), self.bulk.claims
            for index, value in values.items():
                rows = there.get(value, ())
                if any(row[self.rows.id_index] not in claims for row in rows):
                    found.add(index)
        return found

    @staticmethod
    def _cells(columns: dict[str, list[Any]], key: Key, left_out: set[int]) -> dict[int, Row]:
        """Return {index of a record: values of the key's columns}, without some records."""
        values = enumerate(zip(*(columns[column] for column in key), strict=True))
        return {index: value for index, value in values if index not in left_out}

    def _ids(self, given: list[Any], good: list[int]) -> list[Any] | None:
        """Return the ids of new rows: the file's where they are free, None where that is unsure."""
        if self.is_view:
            first = self.state.next_id(self.entity, len(good))
            ids: list[Any] = [None] * len(given)
            for place, index in enumerate(good):
                ids[index] = first + place
            return ids
        wanted = [given[index] for index in good]
        if any(type(identity) is not int for identity in wanted):
            return None
        is_rising = all(map(int.__lt__, wanted, wanted[1:]))
        if not is_rising or wanted[0] <= self.state.last_id(self.entity):
            return None
        if not self.rows.was_empty and self.rows.existing_ids(wanted):
            return None
        self.state.took_id(self.entity, wanted[-1])
        return given


def _refused(check: Callable[[Any, Any], Any], values: Sequence[Any]) -> list[int]:
    """Return the indexes of values that a check refuses or repairs."""
    refused = []
    for index, value in enumerate(values):
        answer = value if value is None else check(None, value)
        if isinstance(answer, Problem) or answer != value:
            refused.append(index)
    return refused
