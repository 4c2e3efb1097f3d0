"""A sheet whose headings are no view's, until somebody says what they mean."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.plugins.formats import CellError, Format, SheetRows, blamed
from bakeio_core.errors import DocumentError, Problems
from bakeio_core.files.documents.limits import Limits
from bakeio_core.files.sheets.readings import Reading
from bakeio_core.history.learned.layouts import Layout
from bakeio_core.importing.reading.sheets.columns import FieldColumn
from bakeio_core.importing.reading.sheets.document import SheetDocument
from bakeio_core.importing.reading.sheets.headings import LOOKED_AT, Headings, Row
from bakeio_core.importing.reading.sheets.records import ViewSheets
from bakeio_core.values.folding import fold

SAMPLE = 30
"""Rows below the headings that tell what a column holds."""
FEWEST = 2
"""So many columns a table has at least."""


@dataclass
class Doubt:
    """A column whose cells can be read in more than one way.

    Attributes:
        field: The field.
        heading: Its heading.
        cell: The first of those cells.
        ways: {what the cell means: the readings that suppose it}.
    """

    field: str
    heading: str
    cell: str
    ways: dict[str, Reading]


class StrangeSheet:
    """The tables of a file that have other headings than any view.

    Attributes:
        row: The number of the row of headings.
        headings: {index of a column: its heading}.
        samples: {heading: the first cells below it}.

    Args:
        known: The format of the file.
        open_: Returns the file as a binary stream.
        name: How messages call it.
        catalog: What is installed.
        limits: How much is taken.
        top: The first rows of its first table that has headings.
    """

    def __init__(
        self,
        known: Format,
        open_: Callable[[], IO[bytes]],
        name: str,
        catalog: Catalog,
        limits: Limits,
        top: Sequence[Row],
    ) -> None:
        self.known, self.open, self.name = known, open_, name
        self.catalog, self.limits = catalog, limits
        found = headings_of(top)
        if found is None:
            raise DocumentError(f"{name}: no row of it looks like headings")
        self.row, self.headings = found
        below = [cells for number, cells in top if number > self.row][:SAMPLE]
        self.samples = {
            heading: [cells[at] for cells in below if at < len(cells) and _is_value(cells[at])]
            for at, heading in self.headings.items()
        }

    @property
    def names(self) -> list[str]:
        """The headings in order."""
        return list(self.headings.values())

    def read(self, layout: Layout, problems: Problems) -> ViewSheets:
        """Read the records as somebody said the headings mean.

        Args:
            layout: What they mean.
            problems: Where is told what was left out.
        """
        view = self.catalog.readable[layout.view]
        sheets = ViewSheets(view, self.catalog, self.name, problems)
        sheets.is_lenient = True
        said = {n: value for n, value in layout.constants.items() if value is not None}
        sheets.constants = {**sheets.constants, **said}
        for field, supposed in layout.patterns.items():
            for pattern in supposed.items():
                sheets.patterns.note(field, [Reading(None, pattern=pattern)])
        try:
            with self.open() as file:
                for table in self.known.read(file):
                    self._read_table(sheets, table, layout)
        except DocumentError as error:
            raise DocumentError(f"{self.name}: {error}", code=error.code) from None
        except Exception as error:
            raise blamed(self.known, f"read {self.name}", error) from error
        return sheets

    def _read_table(self, sheets: ViewSheets, table: SheetRows, layout: Layout) -> None:
        rows = iter(table.rows)
        top = list(itertools.islice(rows, LOOKED_AT))
        found = headings_of(top)
        if found is None or set(map(fold, found[1].values())) != set(map(fold, self.names)):
            if top:
                sheets.tell("note", f'the sheet "{table.name}" has other headings and is ignored')
            return
        number, names = found
        meant = {fold(heading): field for heading, field in layout.fields.items()}
        fields = {i: field for i, name in names.items() if (field := meant.get(fold(name)))}
        headings = Headings(layout.view, number, fields)
        below = (row for row in top if row[0] > number)
        sheets.read(table, headings, itertools.chain(below, rows))

    def document(self, sheets: ViewSheets) -> SheetDocument:
        """Return the records that were read as a document."""
        return sheets.document(self.open, self.limits)

    def doubts(self, sheets: ViewSheets, layout: Layout) -> Iterator[Doubt]:
        """Yield the columns of which nothing tells how they are written."""
        headings = {field: heading for heading, field in layout.fields.items() if field}
        for name, column in sheets.columns.items():
            cell = _undecided(column)
            if cell is None or name not in headings:
                continue
            ways = {str(reading.value): reading for reading in column.readings(cell)}
            yield Doubt(name, headings[name], cell, ways)


def _undecided(column: FieldColumn) -> str | None:
    """Return a cell of a column that stays untold, None where the column tells enough."""
    for cell in column.doubtful:
        if column.patterns.settled(column.name, column.readings(cell)) is None:
            return cell
    return None


def headings_of(rows: Iterable[Row]) -> tuple[int, dict[int, str]] | None:
    """Return (number of the row, {index: heading}) of what looks like headings, None for nothing.

    That is the first of the rows with the most texts in it that are all different, with something
    below it.
    """
    best: tuple[int, dict[int, str]] | None = None
    waiting: tuple[int, dict[int, str]] | None = None
    for number, cells in rows:
        filled = {i: cell for i, cell in enumerate(cells) if _is_value(cell)}
        if waiting is not None and len(filled) >= FEWEST:
            best, waiting = waiting, None
        texts = {i: " ".join(c.split()) for i, c in filled.items() if isinstance(c, str)}
        words = {i: text for i, text in texts.items() if any(map(str.isalpha, text))}
        is_whole = len(words) == len(filled) and len({*map(fold, words.values())}) == len(words)
        most = max(len(one[1]) if one else 0 for one in (best, waiting))
        if is_whole and len(words) >= FEWEST and len(words) > most:
            waiting = number, words
    return best


def _is_value(cell: Any) -> bool:
    return cell is not None and not isinstance(cell, CellError) and str(cell).strip() != ""
