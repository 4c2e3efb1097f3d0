"""Read the cells of a workbook, lazily, with their types, their errors and their formulas."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from openpyxl import load_workbook
from openpyxl.utils.cell import range_boundaries

from bakeio_core import CellError, DocumentError, Limits, SheetRows
from bakeio_sheets.xlsx_writing import COVER, LISTS

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_FORMULA = re.compile(rb"<f[ />]")
_MERGED = re.compile(
    rb'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"[^>]*>'
)
_TAG = 200
"""More bytes than a tag has that is looked for."""
MOST_MERGED = 100_000
_ERROR = re.compile(r"#[A-Z0-9/]+[?!]?")
LIMITS = Limits()


def read(file: IO[bytes]) -> Iterator[SheetRows]:
    """Read the sheets of a workbook but for those that bakeio wrote beside the views.

    Raises:
        DocumentError: It is not a workbook, protected by a password, or unpacks to too much.
    """
    _refuse_bombs(file)
    try:
        values = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except Exception as error:
        raise DocumentError(f"is not a workbook that can be read ({error})") from None
    told = _look_into(file)
    formulas = load_workbook(file, read_only=True, keep_links=False) if told.has_formulas else None
    sheets: list[Any] = list(values.worksheets)
    for sheet in sheets:
        if sheet.title in (COVER, LISTS) or not hasattr(sheet, "reset_dimensions"):
            continue  # a sheet that is a chart has no cells
        sheet.reset_dimensions()
        rows: Iterable[Sequence[Any]] = sheet.iter_rows(values_only=True)
        if formulas is not None:
            behind = formulas[sheet.title]
            behind.reset_dimensions()
            both = zip(rows, behind.iter_rows(values_only=True), strict=False)
            rows = (_with_formulas(known, told) for known, told in both)
        merged = told.merged.get(sheet._worksheet_path.lstrip("/"))
        rows = _as_shown(rows, merged) if merged else rows
        yield SheetRows(sheet.title, enumerate(map(_cells, rows), 1))


def _as_shown(
    rows: Iterable[Sequence[Any]], merged: Sequence[tuple[int, int, int]]
) -> Iterator[Sequence[Any]]:
    """Yield rows with what merged cells show, in every row they go over.

    Args:
        rows: The rows.
        merged: Their first row, their last one and their column, the first row in front.
    """
    waiting, shown = sorted(merged, reverse=True), dict[int, tuple[int, Any]]()
    for number, row in enumerate(rows, 1):
        shown = {column: one for column, one in shown.items() if one[0] >= number}
        if shown:
            row = [*row, *[None] * (max(shown) + 1 - len(row))]
            for column, (_, cell) in shown.items():
                row[column] = cell
        while waiting and waiting[-1][0] == number:
            _, last, column = waiting.pop()
            shown[column] = last, row[column] if column < len(row) else None
        yield row


def _cells(row: Sequence[Any]) -> Sequence[Any]:
    """Return the cells of a row: errors as errors, texts without the escapes of their format."""
    for index, cell in enumerate(row):
        if type(cell) is str and (cell[:1] == "#" or "_x" in cell):
            row = [*row]
            row[index] = _text(cell)
    return row


def _text(cell: str) -> str | CellError:
    if _ERROR.fullmatch(cell):
        return CellError(cell)
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), cell)


def _with_formulas(values: Sequence[Any], formulas: Sequence[Any]) -> list[Any]:
    """Return the values of a row, and the formulas of cells without a stored result."""
    return [
        CellError(str(told)) if known is None and told is not None else known
        for known, told in zip(values, formulas, strict=False)
    ]


def has_formulas(file: IO[bytes]) -> bool:
    """Tell whether formulas stand in any sheet of a workbook."""
    return _look_into(file).has_formulas


@dataclass
class _Told:
    """What the sheets of a workbook have besides values.

    Attributes:
        has_formulas: Whether any has formulas.
        merged: {path of a sheet: (first row, last row, column) of cells that are merged}.
    """

    has_formulas: bool = False
    merged: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)


def _look_into(file: IO[bytes]) -> _Told:
    """Look for formulas and for cells that are merged over several rows."""
    found = _Told()
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with archive.open(name) as part:
                    tail = b""
                    while data := part.read(1 << 20):
                        data = tail + data
                        found.has_formulas = found.has_formulas or bool(_FORMULA.search(data))
                        for match in _MERGED.finditer(data):
                            _note_merged(found.merged.setdefault(name, []), match[1].decode())
                        last = data.rfind(b"<")
                        is_cut = last >= 0 and b">" not in data[last : last + _TAG]
                        tail = data[last:][:_TAG] if is_cut else b""
    return found


def _note_merged(known: list[tuple[int, int, int]], cells: str) -> None:
    """Note cells that are merged over several rows, and show what stands in the first of them.

    Raises:
        DocumentError: They are more than anybody merges.
    """
    left, top, _, bottom = range_boundaries(cells)
    if top is not None and bottom is not None and left is not None and bottom > top:
        if len(known) >= MOST_MERGED:
            raise DocumentError(f"has more than {MOST_MERGED:,} merged cells", code="too-large")
        known.append((top, bottom, left - 1))


def _refuse_bombs(file: IO[bytes]) -> None:
    """Refuse an archive that is none, or unpacks to more than is taken of a set.

    Raises:
        DocumentError: It says why.
    """
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except zipfile.BadZipFile:
        file.seek(0)
        is_old = file.read(4) == b"\xd0\xcf\x11\xe0"
        what = "an old or a protected workbook" if is_old else "not a workbook"
        raise DocumentError(f"is {what}: save it as .xlsx without a password") from None
    if not any(part.filename == "[Content_Types].xml" for part in parts):
        is_open = any(part.filename == "content.xml" for part in parts)
        what = "an OpenDocument spreadsheet (.ods)" if is_open else "no workbook of Excel"
        raise DocumentError(f"is {what}: save it as .xlsx, or as CSV")
    for part in parts:
        is_bomb = part.file_size > LIMITS.ratio * max(part.compress_size, 1) + LIMITS.record
        if is_bomb or sum(other.file_size for other in parts) > LIMITS.unpacked:
            raise DocumentError(f"{part.filename} in it is too large", code="too-large")
