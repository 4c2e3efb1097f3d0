"""A sheet as a document: its records in a temporary file, and where in the sheet each stands."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bakeio_core.catalog.plugins.formats import Edits
from bakeio_core.errors import Problem, counted
from bakeio_core.files.documents.blocks import Block
from bakeio_core.files.documents.document import Document
from bakeio_core.files.documents.encoding import CLOSE, opened_document
from bakeio_core.files.documents.limits import Limits
from bakeio_core.files.documents.scanner import BLOCK
from bakeio_core.files.sheets.cells import about, guarded
from bakeio_core.files.sheets.proof import Restored
from bakeio_core.importing.reading.sheets.columns import NOUN, UNTOLD, FieldColumn
from bakeio_core.importing.reading.sheets.headings import letters


@dataclass
class Where:
    """Where in a sheet what stands.

    Attributes:
        name: What the sheet is called.
        row: The number of the row of headings.
        columns: {field: index of its column}.
        about: The index of the column that says what the sheet is of, None where there is none.
    """

    name: str
    row: int
    columns: Mapping[str, int]
    about: int | None = None


class Spool:
    """Records on their way from cells to a document; the file goes with the last who knows it.

    Attributes:
        tables: The sheets the records are from.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bakeio-")
        self._file: IO[bytes] | None = open(Path(self._folder.name, "records"), "wb")
        self._rows, self._tables = array("L"), array("H")
        self.tables: list[Where] = []

    def __len__(self) -> int:
        return len(self._rows)

    def begin(self, header: dict[str, Any], table: Where) -> None:
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

    def where(self, number: int) -> tuple[Where, int] | None:
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
        columns: {field: what turned its cells into values}.

    Attributes:
        logged: Of a log of skipped records {number of a record: its number in their file}.
    """

    def __init__(
        self,
        name: str,
        open_: Callable[[], IO[bytes]],
        limits: Limits,
        spool: Spool,
        columns: Mapping[str, FieldColumn],
    ) -> None:
        super().__init__(name, open_, limits)
        self.has_cells = True
        self.logged: dict[int, int] = {}
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
        index = table.columns.get(field)
        if index is None:
            return f"{table.name} row {row}".lstrip()
        return f"{table.name}!{letters(index)}{row}".lstrip("!")

    def edits(self, fresh: Mapping[int, Mapping[str, Any]], header: Mapping[str, Any]) -> Edits:
        """Return the cells to set so that records say other values.

        Args:
            fresh: {number of a record: {field: value}}; fields without a column are left out.
            header: What the sheets are to say of themselves from now on.
        """
        edits: Edits = {}
        for number, values in fresh.items():
            where = self.spool.where(number)
            if where is None:
                continue
            table, row = where
            named = {table.columns[n]: v for n, v in values.items() if n in table.columns}
            cells = dict(zip(named, guarded(list(named.values())), strict=True))
            edits.setdefault(table.name, {})[row] = cells
        for table in self.spool.tables:
            if table.about is not None:
                row_of_headings = edits.setdefault(table.name, {}).setdefault(table.row, {})
                row_of_headings[table.about] = about({**self.header, **header})
        return edits

    def settled(self, name: str, value: Any) -> Any:
        is_untold = isinstance(value, dict) and UNTOLD in value and name in self.columns
        if is_untold and value.keys() <= {UNTOLD, NOUN}:
            return self.columns[name].settled(str(value[UNTOLD]), str(value.get(NOUN, "")))
        return value

    def said(self, value: Any) -> Any:
        return value[UNTOLD] if isinstance(value, dict) and UNTOLD in value else value

    @property
    def restored(self) -> Restored:
        """How many cells came back from what a spreadsheet did to them."""
        found: Restored = Restored()
        for column in self.columns.values():
            found.update(column.restored)
        return found

    def notes(self, entity: str) -> Iterator[Problem]:
        """Say how cells were read that no `_rev` proves, and which were emptied."""
        common = {"code": "bad-value", "severity": "note", "file": self.name, "entity": entity}
        for column in self.columns.values():
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
