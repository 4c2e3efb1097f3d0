"""Read the cells of a workbook, lazily, with their types, their errors and their formulas."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from openpyxl import load_workbook

from bakeio_core import CellError, DocumentError, Limits, SheetRows
from bakeio_sheets.xlsx_writing import COVER, LISTS

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_FORMULA = re.compile(rb"<f[ />]")
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
    formulas = load_workbook(file, read_only=True, keep_links=False) if has_formulas(file) else None
    for sheet in values.worksheets:
        if sheet.title in (COVER, LISTS) or not hasattr(sheet, "reset_dimensions"):
            continue  # a sheet that is a chart has no cells
        sheet.reset_dimensions()
        rows: Iterable[Sequence[Any]] = sheet.iter_rows(values_only=True)
        if formulas is not None:
            behind = formulas[sheet.title]
            behind.reset_dimensions()
            both = zip(rows, behind.iter_rows(values_only=True), strict=False)
            rows = (_with_formulas(known, told) for known, told in both)
        yield SheetRows(sheet.title, enumerate(map(_cells, rows), 1))


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
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with archive.open(name) as part:
                    tail = b""
                    while data := part.read(1 << 20):
                        if _FORMULA.search(tail + data):
                            return True
                        tail = data[-3:]
    return False


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
