"""A view's document taken apart: its records without their lists, and the rows of each list."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from bakeio_core.catalog.entities.model import RowId
from bakeio_core.catalog.exchange import ABSENT
from bakeio_core.catalog.fields import FieldMap, plain_name
from bakeio_core.errors import Problem
from bakeio_core.files.documents.blocks import Block, in_blocks
from bakeio_core.files.documents.document import Document
from bakeio_core.values.wording import shown

Item = tuple[int, dict[str, Any] | Problem]


class RecordsAlone(Document):
    """The records of a document without their lists.

    Args:
        whole: The document.
        fields: The fields of its records.
    """

    def __init__(self, whole: Document, fields: FieldMap) -> None:
        super().__init__(whole.name, whole.open, whole.limits)
        self.whole, self._lists = whole, _Lists(fields)

    @property
    def header(self) -> dict[str, Any]:
        return self.whole.header

    @property
    def has_records(self) -> bool:
        return self.whole.has_records

    def blocks(self, seen: Callable[[bytes], object] | None = None) -> Iterator[Block]:
        for block in self.whole.blocks(seen):
            items = [(n, self._alone(n, item)) for n, item in block.as_dicts(self.name)]
            yield Block(block.first, None, items=items)

    def place(self, number: int, field: str = "") -> str:
        return self.whole.place(number, field)

    def said(self, value: Any) -> Any:
        return self.whole.said(value)

    def settled(self, name: str, value: Any) -> Any:
        return self.whole.settled(name, value)

    def _alone(self, number: int, item: dict[str, Any] | Problem) -> dict[str, Any] | Problem:
        if isinstance(item, Problem):
            return item
        for name, value in self._lists.of(item):
            if value is not None and not isinstance(value, list):
                return Problem(
                    code="bad-value",
                    file=self.name,
                    record=number,
                    field=name,
                    message=f"is {shown(value)}, but it takes a list of rows, [{{...}}, {{...}}]",
                )
        lists = {name for name, _ in self._lists.of(item)}
        return {name: value for name, value in item.items() if name not in lists}


class ListDocument(Document):
    """The rows of one list of all records of a document, numbered through from 1.

    Args:
        whole: The document.
        fields: The fields of its records.
        name: The list.
        parent: The field that tells to which record a row belongs; no file has it.

    Attributes:
        stated: The numbers of the records that have the list, be it empty.
        called: Tells what some of the records are called by that field, by their numbers; it is set
            once they were planned.
    """

    def __init__(self, whole: Document, fields: FieldMap, name: str, parent: str) -> None:
        super().__init__(f"{whole.name}: {name}", whole.open, whole.limits)
        self.whole, self.list, self._lists = whole, name, _Lists(fields)
        self.parent = parent
        self.called: Callable[[Collection[int]], Mapping[int, Any]] = lambda numbers: {}
        self._records, self._first, self.stated = array("q"), array("q"), array("q")
        self._is_read = False

    @property
    def header(self) -> dict[str, Any]:
        return self.whole.header

    @property
    def has_records(self) -> bool:
        return self.whole.has_records

    def blocks(self, seen: Callable[[bytes], object] | None = None) -> Iterator[Block]:
        """Yield the rows in blocks; the bytes of the document are those of its records."""
        return in_blocks(self._items())

    def _items(self) -> Iterator[Item]:
        count, is_first = 0, not self._is_read
        for block in self.whole.blocks():
            records = block.as_dicts(self.whole.name)
            called = self.called([number for number, _ in records])
            for number, record in records:
                rows = self._rows(record)
                if rows is None:
                    continue
                if is_first:
                    self.stated.append(number)
                if is_first and rows:
                    self._records.append(number)
                    self._first.append(count + 1)
                for row in rows:
                    count += 1
                    yield count, self._row(count, row, called.get(number))
        self._is_read = True

    def _rows(self, record: dict[str, Any] | Problem) -> list[Any] | None:
        """Return the rows of a record's list, None where it says nothing of them."""
        if isinstance(record, Problem):
            return None
        found = (value for name, value in self._lists.of(record, self.list))
        return next((value for value in found if isinstance(value, list)), None)

    def _row(self, number: int, row: Any, called: Any) -> dict[str, Any] | Problem:
        """Return a row that tells to which record it belongs, or what is wrong with it."""
        common: dict[str, Any] = {"file": self.name, "record": number}
        if not isinstance(row, dict):
            message = f"is {shown(row)}, but a row of {self.list} is an object {{...}}"
            return Problem(code="bad-value", message=message, **common)
        own = next((n for n in row if plain_name(n) == plain_name(self.parent)), None)
        if own is not None:
            message = (
                "comes from the record of the row: leave it out. To move a row, put it into the "
                "list of another record"
            )
            return Problem(code="tampered-context", field=own, message=message, **common)
        return row if called is None else {self.parent: called, **row}

    def record_of(self, number: int) -> int:
        """Return the number of the record that a row which was read stands in."""
        return self._records[self._place(number)]

    def place(self, number: int, field: str = "") -> str:
        """Return where a row that was read stands, such as `row 2 of record 3`."""
        place = self._place(number)
        return f"row {number - self._first[place] + 1} of record {self._records[place]}"

    def only(self, record: dict[str, Any], number: int, rows: Collection[int]) -> dict[str, Any]:
        """Return a record with some of its rows alone.

        Args:
            record: As it stands in the whole document.
            number: Its number there.
            rows: The numbers of the rows that are wanted.
        """
        place = bisect_left(self._records, number)
        first = self._first[place] if number in self._records[place : place + 1] else 0
        wanted = {row - first for row in rows}
        known = [name for name, _ in self._lists.of(record, self.list)]
        some = {n: [r for at, r in enumerate(record[n]) if at in wanted] for n in known}
        return {**record, **some}

    def _place(self, number: int) -> int:
        return bisect_right(self._first, number) - 1


class RecordRows:
    """Where the records of a part ended up, for the rows of their lists.

    `failed` are the numbers of those that cannot be imported.
    """

    def __init__(self) -> None:
        self.failed: set[int] = set()
        self._rows: dict[int, RowId | None] = {}

    def note(self, number: int, row_id: RowId | None) -> None:
        """Note the row of a record; None where it is left out on purpose."""
        self._rows[number] = row_id

    @property
    def numbers(self) -> Collection[int]:
        """The numbers of the records that were noted."""
        return self._rows.keys()

    def find(self, number: int) -> Any:
        """Return the row of a record, ABSENT where it cannot be imported."""
        return ABSENT if number in self.failed else self._rows.get(number, ABSENT)


class _Lists:
    """Find the lists of a record, by whatever name the file calls them."""

    def __init__(self, fields: FieldMap) -> None:
        self.fields = fields

    def of(self, record: dict[str, Any], wanted: str = "") -> Iterator[tuple[str, Any]]:
        """Yield (name in the file, value) of the lists of a record, or of one of them."""
        for name, value in record.items():
            item = self.fields.named(name)
            if item is not None and item.role == "list" and wanted in ("", item.name):
                yield name, value
