"""Set cells of a workbook somebody works in, where all the rest of it can be kept."""

from __future__ import annotations

import datetime
import zipfile
from decimal import Decimal
from typing import IO, Any

from openpyxl import load_workbook

from bakeio_core import DocumentError
from bakeio_sheets.xlsx_reading import has_formulas

MOST_UNPACKED = 64 << 20
"""Bytes of the sheets of a workbook that is held in memory as a whole."""
_LOST = {
    "xl/drawings/": "drawings",
    "xl/charts/": "charts",
    "xl/media/": "pictures",
    "xl/vbaProject": "macros",
    "xl/pivot": "pivot tables",
    "xl/embeddings/": "embedded files",
    "xl/externalLinks/": "links to other workbooks",
    "xl/comments": "comments",
    "xl/threadedComments": "comments",
}
"""What is not kept when a workbook is written anew: {beginning of the name of a part: what}."""


def edit(file: IO[bytes], new: IO[bytes], edits: dict[str, dict[int, dict[int, Any]]]) -> None:
    """Copy a workbook with some cells set.

    Raises:
        DocumentError: It holds what would be lost, or is too large.
    """
    _refuse_losses(file)
    file.seek(0)
    book = load_workbook(file)
    for name, rows in edits.items():
        sheet = book[name]
        for row, cells in rows.items():
            for index, value in cells.items():
                _set(sheet.cell(row, index + 1), value)
    book.save(new)


def _set(cell: Any, value: Any) -> None:
    """Set a cell: a day where it shows days, a text as text, whatever that begins with."""
    if isinstance(value, str) and cell.is_date:
        try:
            cell.value = datetime.datetime.fromisoformat(value.replace("Z", ""))
        except ValueError:
            cell.value = value
    elif isinstance(value, str):
        cell.value = value
        cell.data_type = "s"
    else:
        cell.value = float(value) if isinstance(value, Decimal) else value


def _refuse_losses(file: IO[bytes]) -> None:
    remedy = "export the view again, to another file"
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    names = [part.filename for part in parts]
    found = {what for start, what in _LOST.items() if any(n.startswith(start) for n in names)}
    if has_formulas(file):
        found.add("formulas, whose results are stored with them")
    if found:
        raise DocumentError(f"it holds {', '.join(sorted(found))}, which would be lost: {remedy}")
    if sum(part.file_size for part in parts if "worksheets/" in part.filename) > MOST_UNPACKED:
        raise DocumentError(f"it is too large to be changed in place: {remedy}")
