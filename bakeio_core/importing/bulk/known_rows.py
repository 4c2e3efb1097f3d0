"""Compare the records of a block with the rows they certainly mean, many at once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from bakeio_core.catalog.exchange import Change
from bakeio_core.catalog.fields import CLEAR, REV, FileField
from bakeio_core.database.stored.rows import Row
from bakeio_core.files.documents.blocks import Block
from bakeio_core.files.revision import field_hash
from bakeio_core.importing.bulk.named_rows import NamedRows
from bakeio_core.importing.bulk.part import BulkPart, Decided, Item, getter, repeated
from bakeio_core.importing.bulk.plain_edit import PlainEdit
from bakeio_core.importing.bulk.shown_fields import ShownFields, Taken
from bakeio_core.importing.bulk.touched import TouchedColumns
from bakeio_core.importing.bulk.unedited import UneditedRecords

NEAR = 4
"""Rows are fetched as one range of ids where it holds at most so many ids for each record."""


class KnownRows:
    """Compare records with the rows they certainly mean.

    A record is certain where the row found for it has the same keys, and what it calls the rows it
    refers to is what they are called. A row is a tuple: id, `finder`, the plain columns, the fixed
    columns, then what else is compared.
    """

    def __init__(self, bulk: BulkPart, finder: str) -> None:
        self.bulk, self.state, self.part, self.rows = bulk, bulk.state, bulk.part, bulk.rows
        self.entity, self.fields, self.names = self.part.entity, self.part.fields, bulk.reader.names
        self.finder, self.has_revision = finder, bulk.has_revision
        self.is_view = bulk.is_view
        self.revision = cast(Any, self.part.revision)
        self.is_skipping = self.state.options.mode == "skip-existing"
        named = self._naming()
        fixed = self._fixed(named)
        self.plain = self._plain([item.name for item in fixed])
        self.is_whole = self._has_whole_revision()
        extra = [*named, *([self.entity.identity] if self.has_revision else [])]
        is_dated = self.state.same_database and bool(self.state.source.exported_at)
        self.touched = TouchedColumns(bulk)
        if self.is_whole or is_dated:
            extra += self.touched.columns  # what is fetched then was edited, most of it
        columns = [*(str(item.column) for item in self.plain), *(str(f.column) for f in fixed)]
        self.columns = [finder, *columns, *dict.fromkeys(extra)]
        self.index = {column: index for index, column in enumerate(self.columns, 1)}
        self._plain_slice = slice(2, 2 + len(self.plain))
        self._fixed_slice = slice(2 + len(self.plain), 2 + len(columns))
        self._plain_in = operator.itemgetter(self._plain_slice)
        self._fixed_in = operator.itemgetter(self._fixed_slice)
        self._has_fixed = bool(fixed)
        self._plain_of = getter([self.names[item.name] for item in self.plain])
        self._fixed_of = getter([self.names[item.name] for item in fixed])
        self._finder_of = operator.attrgetter(self.names[self.fields.own[finder]])
        id_field = self.fields.own.get(self.entity.surrogate, "")
        has_id = id_field in self.names
        self._id_of = operator.attrgetter(self.names[id_field]) if has_id else None
        hashed = self.revision.fields if self.has_revision and not self.is_whole else ()
        self._named = [
            NamedRows(bulk, column, items, self.index[column], hashed)
            for column, items in named.items()
        ]
        self._edits = [self._edit_of(index, item) for index, item in enumerate(self.plain, 2)]
        # of the others a row may hold what looks like another wire value
        self._is_comparable = all(item.kind.sql_convertible for item in self.plain)
        self._keys = self._hashed_keys()
        self._unchanged = Change("unchanged", self.entity.name, 0)
        if self.has_revision:
            self._revision_of = operator.attrgetter(self.names[REV])
        self._unedited = UneditedRecords(bulk, self._finder_of) if self.is_whole else None
        self._shown = ShownFields(bulk)

    @classmethod
    def of(cls, bulk: BulkPart) -> KnownRows | None:
        """Return what compares the records of a file, None where their rows are not certain."""
        names, part, entity = bulk.reader.names, bulk.part, bulk.part.entity
        is_named_otherwise = any(not i.exported and i.name in names for i in part.fields)
        is_computed = entity.filled.computed.intersection(part.fields.own)
        if is_computed and not bulk.is_view:
            return None  # what a file says of them is looked at once all is written
        if CLEAR in names or (is_named_otherwise and REV in names):
            return None  # of what is not exported, `_rev` has no hash
        if entity.polymorphic and not bulk.state.same_database:
            return None
        own = {column for column, name in part.fields.own.items() if name in names}
        named = {str(item.column) for item in part.fields if item.target and item.name in names}
        by_id = own & (entity.references.keys() - named)
        if not bulk.is_view and by_id and not bulk.state.same_database:
            return None  # ids of another database, which mean rows of the same set
        is_sure = bulk.state.same_database or REV in names
        by_key = _finding_key(bulk, own)
        if not bulk.is_view and by_key == "uuid":
            return cls(bulk, "uuid")
        if entity.surrogate in own and is_sure:
            return cls(bulk, entity.surrogate)
        return cls(bulk, by_key) if by_key is not None else None

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
            edited = {str(item.column) for item in self.fields.of_role("editable")}
            fixed += [column for column in self.entity.filled.stamps if column in edited]
        is_told = not self.is_view and self.state.is_of_nobody
        if self.state.same_database or is_told or not self.entity.surrogate:
            fixed += self.entity.primary_key
        if not self.is_view:
            counts = self.state.same_database
            fixed += [c for c in self.entity.references if counts or c not in named]
            is_dated = self.state.same_database and bool(self.state.source.exported_at)
            fixed += self.entity.filled.moments if is_dated else ()
        own = [self.fields.own[c] for c in dict.fromkeys(fixed) if c in self.fields.own]
        items = [self.fields.by_name[name] for name in own if name in self.names]
        return [item for item in items if item.column != self.finder]

    def _plain(self, fixed: Sequence[str]) -> list[FileField]:
        """Return the fields a record may change: those with a value of the row's own."""
        fields = self.fields.of_role("editable") if self.is_view else list(self.fields)
        left = {self.entity.surrogate, self.finder, *self.entity.filled.stamps}
        if not self.is_view:
            left |= {"uuid", *self.entity.references, *self.entity.filled.set_on_update}
        return [
            item
            for item in fields
            if item.target is None
            and item.column not in left
            and item.name in self.names
            and item.name not in fixed
        ]

    def _has_whole_revision(self) -> bool:
        is_by_id = self.finder == self.entity.surrogate
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
        return PlainEdit(self.bulk, item, index, base)

    # -- a block
    def decide(self, block: Block, items: list[Item], decided: Decided) -> list[Item]:
        """Decide what is certain of a block; return the records that no row was found for.

        A record whose `_rev` or id says that there is a row is not among them.
        """
        left: list[tuple[int, Any, str]] = [(number, record, "") for number, record in items]
        if self._unedited is not None:
            records = [record for _, record in items]
            left = self._unedited.claim(items, self._rows_of([self.entity.identity], records))
        decided.unchanged += len(items) - len(left)
        if not left:
            return []
        records = [record for _, record, _ in left]
        rows = {row[1]: row for row in self._fetch(records)}
        compared = left
        if self._is_comparable and not self.has_revision:
            left = self._without_equal(left, rows, decided)
        new, seen = list[Item](), self.bulk.claims.record_of
        taken, doubtful = list[Taken](), set[Any]()
        for number, record, made in left:
            row = rows.get(self._finder_of(record))
            if row is None and self.bulk.names_no_row(record):
                new.append((number, record))
                continue
            edit = base = None
            # of two records that mean one row, the first comes first in care too
            if row is not None and row[0] not in seen and row[0] not in doubtful:
                base = self._base(record, row, made)
                edit = None if base is None else self._compare(block, number, record, row, base)
            if row is None or base is None or edit is None:
                decided.rest.append((number, record))
                doubtful.add(None if row is None else row[0])
                continue
            seen[row[0]] = number
            taken.append((number, record, row[0], edit, base))
        for edit in self._shown.agreeing(taken, decided):
            if edit.new:
                decided.updates.append(edit)
            else:
                decided.unchanged += 1
        self.touched.enter(decided.updates, rows, self.index)
        self._keep_ids(compared, rows)
        return new

    def _without_equal(
        self, items: list[tuple[int, Any, str]], rows: dict[Any, Row], decided: Decided
    ) -> list[tuple[int, Any, str]]:
        """Claim the records that say nothing new of their rows, all at once; return the others."""
        there = [(item, row) for item in items if (row := rows.get(self._finder_of(item[1])))]
        records, known = [item[1] for item, _ in there], [row for _, row in there]
        compared = [named.are_called(records, known) for named in self._named]
        compared.append(map(operator.eq, map(self._plain_of, records), map(self._plain_in, known)))
        if self._has_fixed:
            fixed = map(self._fixed_in, known)
            compared.append(map(operator.eq, map(self._fixed_of, records), fixed))
        same = zip(*compared, strict=True)
        seen, equal = self.bulk.claims.record_of, set[int]()
        several = repeated([row[0] for row in known])
        for ((number, _, _), row), is_equal in zip(there, map(all, same), strict=True):
            if is_equal and row[0] not in seen and row[0] not in several:
                seen[row[0]] = number
                equal.add(number)
        if self._shown.is_idle:
            decided.unchanged += len(equal)
        else:
            same_rows = zip(there, map(operator.itemgetter(0), known), strict=True)
            taken = [
                (number, record, identity, self._unchanged, ())
                for ((number, record, _), _), identity in same_rows
                if number in equal
            ]
            decided.unchanged += len(self._shown.agreeing(taken, decided))
        return [item for item in items if item[0] not in equal]

    def _base(self, record: Any, row: Row, made: str) -> Row | None:
        """Return the words of a record's `_rev` where it certainly means a row, else None.

        Without `_rev` an empty tuple says that it does.
        """
        if self._has_fixed and self._fixed_of(record) != row[self._fixed_slice]:
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
        identity = str(row[self.index[self.entity.identity]])
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
        edits = self._edits
        if is_checked:
            cells = zip(edits, self._plain_of(record), row[self._plain_slice], strict=True)
            edits = [edit for edit, value, current in cells if value != current]
        is_plain = all(edit.enter(change, block, number, record, row, base) for edit in edits)
        is_touched = not base and bool(change.new) and self._was_touched(row)
        return change if is_plain and not is_touched else None

    def _was_touched(self, row: Row) -> bool:
        """Tell whether a row may have been changed since the export."""
        exported = str(self.state.source.exported_at)[: len("YYYY-MM-DD")]
        return "updated_at" in self.index and str(row[self.index["updated_at"]]) >= exported

    def _keep_ids(self, items: list[tuple[int, Any, str]], rows: dict[Any, Row]) -> None:
        """Note where the rows claimed for a set's records are, for others that refer to its ids."""
        if self.is_view or self._id_of is None:
            return
        id_map, primary = self.state.id_maps[self.entity.name], self.entity.surrogate
        record_of = self.bulk.claims.record_of
        for number, record, _ in items:
            row, file_id = rows.get(self._finder_of(record)), self._id_of(record)
            if row is None or record_of.get(row[0]) != number:
                continue
            if file_id == row[0]:
                id_map.keep((file_id,))
            elif file_id is not None:
                id_map.move(primary, file_id, row[0])

    def _fetch(self, records: list[Any]) -> list[Row]:
        """Read the rows of records, and what the rows they refer to are called."""
        found = self._rows_of(self.columns, records)
        if self._id_of is not None and self.finder != self.entity.surrogate:
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
        counts = self.finder == self.entity.surrogate or self.state.same_database
        if ids and counts and max(ids) - min(ids) <= NEAR * len(ids):
            return self.rows.select_range(columns, min(ids), max(ids))
        wanted = set(map(self._finder_of, records)) - {None}
        return self.rows.select(columns, wanted, self.finder) if wanted else []


def _finding_key(bulk: BulkPart, own: set[str]) -> str | None:
    """Return the key that finds rows, None where there is none.

    Args:
        bulk: The part.
        own: The columns that the file has.
    """
    entity = bulk.part.entity
    keys = [key[0] for key in entity.all_keys if len(key) == 1 and key in entity.unique]
    # the id of another row, as joined inheritance has it, is that of its own database
    can_find = own - entity.references.keys()
    if REV in bulk.reader.names:  # what may be edited names no row beside it
        can_find &= {str(item.column) for item in bulk.part.fields.of_role("key")}
    return next((key for key in keys if key in can_find), None)
