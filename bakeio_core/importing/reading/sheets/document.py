"""A sheet as a document: its records in a temporary file, and where in the sheet each stands."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from bakeio_core.errors import Problem, counted
from bakeio_core.files.documents.blocks import Block
from bakeio_core.files.documents.document import Document
from bakeio_core.files.documents.encoding import CLOSE, opened_document
from bakeio_core.files.documents.limits import Limits
from bakeio_core.files.documents.scanner import BLOCK
from bakeio_core.files.sheets.proof import Restored
from bakeio_core.importing.reading.sheets.columns import UNTOLD, FieldColumn
from bakeio_core.importing.reading.sheets.headings import letters


class Spool:
    """Records on their way from cells to a document; the file goes with the last who knows it.

    Attributes:
        tables: The names of the sheets the records are from.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bakeio-")
        self._file: IO[bytes] | None = open(Path(self._folder.name, "records"), "wb")
        self._rows, self._tables = array("L"), array("H")
        self.tables: list[str] = []

    def __len__(self) -> int:
        return len(self._rows)

    def begin(self, header: dict[str, Any], table: str) -> None:
        """Begin the records of a sheet; only the first one's header counts."""
        if self._file is not None and not self.tables:
            self._file.write(opened_document(header))
        self.tables.append(table)

    def add(self, records: list[bytes], rows: list[int]) -> None:
        """Add records as JSON, with the numbers of their rows."""
        if self._file is not None and records:
            self._file.write((b",\n" if len(self._rows) else b"") + b",\n".join(records))
        self._rows.extend(rows)
        self._tables.extend([len(self.tables) - 1] * len(rows))

    def finish(self) -> None:
        """Write the end; from now on `open` may be called."""
        if self._file is not None:
            self._file.write(CLOSE if len(self._rows) else CLOSE[1:])
            self._file.close()
            self._file = None

    def open(self) -> IO[bytes]:
        """Open the records as a document."""
        return open(Path(self._folder.name, "records"), "rb")

    def where(self, number: int) -> tuple[str, int] | None:
        """Return the sheet and the row a record stands in, None for no such record."""
        if not 1 <= number <= len(self._rows):
            return None
        return self.tables[self._tables[number - 1]], self._rows[number - 1]


class SheetDocument(Document):
    """The records of the sheets of one view in a file.

    Args:
        name: How messages call the file.
        open_: A function returning the file as a binary stream.
        limits: How much of it is taken.
        spool: The records.
        columns: {field: (what turned its cells into values, its index)}.
    """

    def __init__(
        self,
        name: str,
        open_: Callable[[], IO[bytes]],
        limits: Limits,
        spool: Spool,
        columns: Mapping[str, tuple[FieldColumn, int]],
    ) -> None:
        super().__init__(name, open_, limits)
        self.spool, self.columns = spool, columns
        self._records = Document(name, spool.open, limits)
        self._header, self._has_records = self._records.header, True

    def blocks(self, seen: Callable[[bytes], object] | None = None) -> Iterator[Block]:
        """Yield all records in blocks; `seen` is given the bytes of the sheet's file."""
        yield from self._records.blocks()
        if seen is not None:
            with self.open() as file:
                while data := file.read(BLOCK):
                    seen(data)

    def place(self, number: int, field: str = "") -> str:
        """Return where a record, or a field of it, stands: `Sheet1!B17`, `row 17`."""
        where = self.spool.where(number)
        if where is None:
            return ""
        table, row = where
        known = self.columns.get(field)
        sheet = f"{table}!" if table else ""
        return f"{sheet}{letters(known[1])}{row}" if known else f"{sheet}row {row}".lstrip()

    def settled(self, name: str, value: Any) -> Any:
        if isinstance(value, dict) and value.keys() == {UNTOLD} and name in self.columns:
            return self.columns[name][0].settled(str(value[UNTOLD]))
        return value

    @property
    def restored(self) -> Restored:
        """How many cells came back from what a spreadsheet did to them."""
        found: Restored = Restored()
        for column, _ in self.columns.values():
            found.update(column.restored)
        return found

    def notes(self, entity: str) -> Iterator[Problem]:
        """Say how cells were read that no `_rev` proves, and which were emptied."""
        common = {"code": "bad-value", "severity": "note", "file": self.name, "entity": entity}
        for column, _ in self.columns.values():
            for (name, how), count in column.read_as.items():
                verb = "is" if count == 1 else "are"
                message = f"{counted(count, 'cell')} {verb} read as {how}"
                yield Problem(**common, field=name, message=message, count=count)  # type: ignore[arg-type]
            if column.emptied:
                count = len(column.emptied)
                verb = "was" if count == 1 else "were"
                message = f"{counted(count, 'cell')} {verb} emptied: that empties the field"
                yield Problem(
                    **common,  # type: ignore[arg-type]
                    field=column.name,
                    records=column.emptied[:20],
                    count=count,
                    message=message,
                )
