"""The rows below the headings of sheets as records of a view."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any

import msgspec

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import REV, FileField, plain_name, view_fields
from bakeio_core.catalog.plugins.formats import CellError, SheetRows
from bakeio_core.catalog.views.lists import named_by, parent_column
from bakeio_core.catalog.views.view import View
from bakeio_core.database.view_query import kind_of_source
from bakeio_core.errors import DocumentError, Problem, Problems, counted
from bakeio_core.files.documents.encoding import encode_as_read
from bakeio_core.files.documents.limits import Limits
from bakeio_core.files.revision import revision_of
from bakeio_core.files.sheets.proof import Patterns, Proof
from bakeio_core.importing.reading.sheets.columns import NULL, FieldColumn
from bakeio_core.importing.reading.sheets.document import SheetDocument, Spool, Where
from bakeio_core.importing.reading.sheets.headings import (
    Headings,
    Row,
    is_id,
    letters,
)
from bakeio_core.importing.reading.sheets.logged import INDEX, LOG_OF, REASON
from bakeio_core.values import Json, Kind
from bakeio_core.values.wording import listed

AT_ONCE = 1000
"""Rows that are turned into records at a time."""
TOTALS = frozenset(
    [
        "total",
        "totals",
        "sum",
        "summe",
        "gesamt",
        "gesamtsumme",
        "subtotal",
        "sub-total",
        "zwischensumme",
        "insgesamt",
        "totale",
        "totaal",
        "somme",
        "suma",
        "soma",
        "summa",
        "razem",
        "итого",
        "σ",
        "∑",
        "grand",
    ]
)
_LONGEST = 80
"""Longer texts are no numbers, and looking for one in them would take long."""
_SUMS = ("=SUM(", "=SUBTOTAL(", "=AGGREGATE(")
_NUMBER = re.compile(r"[^\W\d_]{0,3}[\s$€£+-]*\d[\d.,'\s]*[^\W\d_]{0,3}[\s$€£%]*")


class ViewSheets:
    """Collect the records of one view from the sheets of a file.

    Args:
        view: The view; also that of a list within one.
        catalog: What is installed.
        name: How messages call the file.
        problems: Where is told what was left out.
    """

    def __init__(self, view: View, catalog: Catalog, name: str, problems: Problems) -> None:
        self.catalog, self.name, self.problems = catalog, name, problems
        self.view = view
        self.entity = catalog.entities[self.view.entity]
        self.fields = view_fields(self.view, catalog)
        kinds = {item.name: self._kind(item) for item in self.fields}
        self.proof = Proof(revision_of(catalog, self.view), kinds)
        self.patterns, self.spool = Patterns(), Spool()
        template = catalog.templates.get(view.name)
        self.constants: Mapping[str, Any] = {} if template is None else template.filled
        self.columns: dict[str, FieldColumn] = {}
        self.is_lenient = False
        self.is_log = False
        self.logged: dict[int, int] = {}

    def _kind(self, item: FileField) -> Kind:
        shows = self.view.fields.get(item.name)
        if item.role == "context" and shows is not None:
            return kind_of_source(self.catalog, self.entity, shows.source)
        return item.kind

    def read(self, table: SheetRows, headings: Headings, rows: Iterator[Row]) -> None:
        """Read the rows below the headings of a sheet."""
        self._name_parents(headings)
        self.is_log = LOG_OF in headings.header
        header = {
            "view_name": f"{self.view.name}_complete",
            **{name: value for name, value in headings.header.items() if name != "view_name"},
        }
        of_log = (REASON, INDEX) if self.is_log else ()
        index_at = next((i for i, n in headings.names.items() if self.is_log and n == INDEX), None)
        headings.names = {i: n for i, n in headings.names.items() if n not in of_log}
        columns = {index: self._column(name) for index, name in headings.names.items()}
        self.columns |= {column.name: column for column in columns.values()}
        indexes = {column.name: index for index, column in columns.items()}
        self.spool.begin(header, Where(table.name, headings.row, indexes, headings.about))
        reading = _Rows(self, table, headings, columns, index_at)
        count = len(self.spool)
        while block := list(itertools.islice(rows, AT_ONCE)):
            reading.take(block)
        if headings.above and len(self.spool) == count:
            raise DocumentError(
                f"{table.name or 'the sheet'} has no rows below the headings in row "
                f"{headings.row}, and {counted(len(headings.above), 'row')} above them: put the "
                "headings above the rows, one beside the other"
            )
        reading.tell()

    def _name_parents(self, headings: Headings) -> None:
        """Let the heading by which a list's sheet names the records be the field that links."""
        owner = self.catalog.views.get(self.view.name.rpartition(".")[0])
        if owner is None:
            return
        called = f"{owner.name}.{named_by(owner, self.view, self.catalog.entities)}"
        for index, name in headings.names.items():
            if plain_name(name) == plain_name(called):
                headings.names[index] = parent_column(self.view)

    def _column(self, name: str) -> FieldColumn:
        item = self.fields.named(name)
        known = self.columns.get(name if item is None else item.name)
        if known is not None:
            return known
        kind = self.proof.kinds[item.name] if item is not None else Json()
        column = FieldColumn(name, item, kind, self.proof, self.patterns)
        column.is_lenient, column.tells_emptied = self.is_lenient, not self.is_log
        return column

    def document(self, open_: Callable[[], IO[bytes]], limits: Limits) -> SheetDocument:
        """Return all that was read."""
        self.spool.finish()
        document = SheetDocument(self.name, open_, limits, self.spool, self.columns)
        document.logged = self.logged
        return document

    def tell(self, severity: str, message: str) -> None:
        """Note something of a sheet."""
        self.problems.add(
            Problem(code="bad-document", severity=severity, file=self.name, message=message)
        )


class _Rows:
    """Turn the rows of one sheet into records."""

    def __init__(
        self,
        sheets: ViewSheets,
        table: SheetRows,
        headings: Headings,
        columns: dict[int, FieldColumn],
        index_at: int | None,
    ) -> None:
        self.index_at = index_at
        self.sheets, self.table, self.headings, self.columns = sheets, table, headings, columns
        fields = sheets.fields
        self.width = max([*columns, -1 if index_at is None else index_at]) + 1
        self.ids = [i for i, column in columns.items() if is_id(fields, column.name)]
        revisions = [i for i, column in columns.items() if column.name == REV]
        self.revision = revisions[0] if revisions else None
        named = {index: column.name for index, column in columns.items()}
        given = {name: encode_as_read(value) for name, value in sheets.constants.items()}
        self.given = {index: given[name] for index, name in named.items() if name in given}
        names = [msgspec.json.encode(name) for name in headings.names.values()]
        pairs = [b"%b:%%b" % n.replace(b"%", b"%%") for n in names]
        for name in given.keys() - set(named.values()):
            pairs.append((msgspec.json.encode(name) + b":" + given[name]).replace(b"%", b"%%"))
        self.template = b"{" + b",".join(pairs) + b"}"
        self.totals: list[int] = []
        self.repeated: list[int] = []
        self.nameless: dict[int, int] = {}

    def take(self, block: Sequence[Row]) -> None:
        """Turn some rows into records; empty ones and totals are left out."""
        rows, numbers = list[Sequence[Any]](), list[int]()
        width, plain = self.width, range(self.width)
        for number, cells in block:
            if not any(cell is not None and cell != "" for cell in cells):
                continue
            if len(cells) < width:
                cells = [*cells, *[None] * (width - len(cells))]
            if self._is_total(cells):
                self.totals.append(number)
                continue
            if self._is_heading(cells):
                self.repeated.append(number)
                continue
            if len(cells) > width:
                self._look_beyond(number, cells)
            rows.append(cells)
            numbers.append(number)
        if not rows:
            return
        by_index = list(zip(*[cells[:width] for cells in rows], strict=True))
        for index in set(plain) - self.columns.keys() if not self.sheets.is_log else ():
            self._look_at_nameless(index, by_index[index])
        bases: Sequence[Any] = [None] * len(rows)
        if self.revision is not None:
            bases = list(map(self.sheets.proof.revision.bases, map(_text, by_index[self.revision])))
        first = len(self.sheets.spool) + 1
        if self.index_at is not None:
            told = enumerate(by_index[self.index_at], first)
            self.sheets.logged |= {n: int(i) for n, i in told if str(i or "").isdecimal()}
        values = [c.values(by_index[index], first, bases) for index, c in self.columns.items()]
        for place, index in enumerate(self.columns):
            if index in self.given:
                given = self.given[index]
                values[place] = [given if value == NULL else value for value in values[place]]
        template = self.template
        self.sheets.spool.add([template % row for row in zip(*values, strict=True)], numbers)

    def _is_total(self, cells: Sequence[Any]) -> bool:
        """Tell whether a row sums others up: it has nothing but numbers, and says what they are."""
        filled = [cell for cell in cells if cell is not None and cell != ""]
        if 2 * len(filled) > max(len(self.columns), 3):
            return False
        told = [cell for cell in filled if _tells_total(cell)]
        return bool(told) and all(_is_number(cell) for cell in filled if not _tells_total(cell))

    def _is_heading(self, cells: Sequence[Any]) -> bool:
        """Tell whether a row has the headings once more, as above a page."""
        names = self.headings.names
        said = {i: cells[i].strip() for i in names if isinstance(cells[i], str)}
        return len(said) > 1 and said == names

    def _look_beyond(self, number: int, cells: Sequence[Any]) -> None:
        for index in range(self.width, len(cells)):
            if cells[index] not in (None, ""):
                self.nameless.setdefault(index, number)

    def _look_at_nameless(self, index: int, cells: Sequence[Any]) -> None:
        if any(cell not in (None, "") for cell in cells):
            self.nameless.setdefault(index, self.headings.row)

    def tell(self) -> None:
        """Tell what was left out."""
        where = f'sheet "{self.table.name}": ' if self.table.name else ""
        above = self.headings.above
        if above:
            rows = listed([str(row) for row in above[:5]])
            stands = f"row {rows} is above the headings and is left out"
            stand = f"rows {rows} are above the headings and are left out"
            self.sheets.tell("note", where + (stands if len(above) == 1 else stand))
        for row in self.repeated:
            self.sheets.tell("note", f"{where}row {row} repeats the headings and is left out")
        for row in self.totals:
            self.sheets.tell("warning", f"{where}row {row} is a total, no record: it is left out")
        for index in () if self.sheets.is_lenient else self.nameless:
            message = f"{where}column {letters(index)} has no heading, what is in it is ignored"
            self.sheets.tell("warning", message)


def _text(cell: Any) -> Any:
    return cell[1:] if isinstance(cell, str) and cell[:1] == "'" else cell


def _tells_total(cell: Any) -> bool:
    """Tell whether a cell says that its row sums others up, in a word or by what it calculates."""
    if isinstance(cell, CellError):
        return cell.text.upper().startswith(_SUMS)
    return isinstance(cell, str) and cell.split(" ")[0].rstrip(":").lower() in TOTALS


def _is_number(cell: Any) -> bool:
    if isinstance(cell, str):
        return len(cell) <= _LONGEST and _NUMBER.fullmatch(cell.strip()) is not None
    return isinstance(cell, (int, float, CellError)) and not isinstance(cell, bool)
