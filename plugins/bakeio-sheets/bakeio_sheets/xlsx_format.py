"""XLSX: views as the sheets of a workbook, the way a spreadsheet shows them best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, Any

from bakeio_core import Format, Sheet, SheetRows, hookimpl

OLD = b"\xd0\xcf\x11\xe0"
"""What a workbook of before 2007 begins with, and one with a password."""
OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
"""What the archive of an OpenDocument spreadsheet begins with."""


@hookimpl
def bakeio_formats() -> Format:
    """Declare the format `xlsx`."""
    return Format(
        name="xlsx",
        suffix=".xlsx",
        suffixes=[".xlsm"],
        write=_write,
        read=_read,
        recognises=is_workbook,
        edit=_edit,
        has_sheets=True,
    )


def is_workbook(head: bytes) -> bool:
    """Tell a workbook from other files, also one that is refused on reading, in better words."""
    if head.startswith(OLD):
        return True
    names = (b"[Content_Types].xml", b"_rels/.rels", b"xl/", b"docProps/", OPEN_DOCUMENT)
    return head[:4] == b"PK\x03\x04" and head[30:].startswith(names)


# what makes and reads workbooks takes a while to load, and plugins are loaded for every command
def _write(file: IO[bytes], sheets: Sequence[Sheet]) -> None:
    from bakeio_sheets.xlsx_writing import write

    write(file, sheets)


def _edit(file: IO[bytes], new: IO[bytes], edits: dict[str, dict[int, dict[int, Any]]]) -> None:
    from bakeio_sheets.xlsx_editing import edit

    edit(file, new, edits)


def _read(file: IO[bytes]) -> Iterator[SheetRows]:
    from bakeio_sheets.xlsx_reading import read

    yield from read(file)
