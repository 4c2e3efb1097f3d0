"""CSV: one view as lines of values, read whatever separates and encodes them."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
from collections.abc import Iterator, Sequence
from typing import IO, Any

from bakeio_core import DocumentError, Format, Sheet, SheetRows, hookimpl

DELIMITERS = ",;\t|"
LOOKED_AT = 1 << 16
"""Bytes of a file by which its delimiter is told."""
MOST_OF_A_CELL = 16 << 20
LEGACY = "cp1252"
"""How spreadsheets on Windows encode what is not UTF-8."""


@hookimpl
def bakeio_formats() -> Format:
    """Declare the format `csv`."""
    return Format(
        name="csv",
        suffix=".csv",
        suffixes=[".tsv", ".tab"],
        write=write,
        read=read,
        edit=edit,
    )


def write(file: IO[bytes], sheets: Sequence[Sheet]) -> None:
    """Write a view as CSV: UTF-8 with a mark, without which Excel takes it for something else."""
    text = io.TextIOWrapper(file, "utf-8-sig", newline="", write_through=True)
    try:
        lines = csv.writer(text)
        for sheet in sheets:
            lines.writerow([column.name for column in sheet.columns])
            truths = [i for i, c in enumerate(sheet.columns) if c.kind == "truth"]
            rows = (_with_words(row, truths) for row in sheet.rows) if truths else sheet.rows
            lines.writerows(rows)
    finally:
        text.detach()


def _with_words(row: Sequence[Any], truths: Sequence[int]) -> list[Any]:
    words = list(row)
    for index in truths:
        words[index] = _word(words[index])
    return words


def _word(cell: Any) -> Any:
    """Return true and false as words, whatever else as it is."""
    return str(cell).lower() if isinstance(cell, bool) else cell


def read(file: IO[bytes]) -> Iterator[SheetRows]:
    """Read a CSV file of any usual delimiter and encoding.

    Raises:
        DocumentError: It is UTF-16, or a quoted value does not end.
    """
    yield SheetRows("", _rows(_Dialect(file)))


def _rows(dialect: _Dialect) -> Iterator[tuple[int, Sequence[Any]]]:
    with dialect.opened() as text:
        lines = csv.reader(text, delimiter=dialect.delimiter, strict=True)
        last = csv.field_size_limit(MOST_OF_A_CELL)
        try:
            if dialect.says_delimiter:
                next(lines, None)
            yield from enumerate(lines, 1 + dialect.says_delimiter)
        except csv.Error as error:
            raise DocumentError(
                f"line {lines.line_num}: {error}: is a quotation mark missing there or above?"
            ) from None
        finally:
            csv.field_size_limit(last)


class _Dialect:
    """How a CSV file is written: its encoding, its delimiter, its line ends.

    Args:
        file: The file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        file.seek(0)
        head = file.read(LOOKED_AT)
        if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise DocumentError("is UTF-16 text: save it as CSV UTF-8")
        if b"\0" in head:
            raise DocumentError("is not a text: save it as CSV, or give it its own ending")
        self.has_mark = head.startswith(codecs.BOM_UTF8)
        self.encoding = "utf-8-sig" if self.has_mark or _is_utf8(file) else LEGACY
        text = head.decode(self.encoding, "replace")
        self.says_delimiter = text[:4] == "sep=" and len(text) > 4
        self.delimiter = text[4] if self.says_delimiter else _delimiter(text)
        self.line_end = "\r\n" if "\r\n" in text else "\n"

    def opened(self) -> io.TextIOWrapper:
        """Return the file as text, from its beginning."""
        self.file.seek(0)
        return _Text(self.file, self.encoding, newline="", errors="replace")


class _Text(io.TextIOWrapper):
    """A text over a file that somebody else closes."""

    def close(self) -> None:
        with contextlib.suppress(ValueError):  # it is closed already
            self.detach()


def _is_utf8(file: IO[bytes]) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while data := file.read(1 << 20):
            decoder.decode(data)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(text: str) -> str:
    """Return what stands between the values: what the first lines have most of, and as often."""
    best, most = ",", 0
    for delimiter in DELIMITERS:
        try:
            lines = csv.reader(io.StringIO(text), delimiter=delimiter)
            widths = [len(line) for line, _ in zip(lines, range(50), strict=False) if any(line)]
        except csv.Error:
            continue
        score = max((widths.count(width) * (width - 1) for width in set(widths)), default=0)
        if score > most:
            best, most = delimiter, score
    return best


def edit(file: IO[bytes], new: IO[bytes], edits: dict[str, dict[int, dict[int, Any]]]) -> None:
    """Copy a CSV file with some cells set, in the encoding and with the delimiter it has."""
    dialect = _Dialect(file)
    encoding = dialect.encoding if dialect.has_mark or dialect.encoding == LEGACY else "utf-8"
    text = io.TextIOWrapper(new, encoding, newline="", errors="xmlcharrefreplace")
    by_row = edits.get("", {})
    try:
        if dialect.says_delimiter:
            text.write(f"sep={dialect.delimiter}{dialect.line_end}")
        lines = csv.writer(text, delimiter=dialect.delimiter, lineterminator=dialect.line_end)
        for number, cells in _rows(dialect):
            row = list(cells)
            for index, cell in by_row.get(number, {}).items():
                row += [""] * (index + 1 - len(row))
                row[index] = _word(cell)
            lines.writerow(row)
        text.flush()
    finally:
        text.detach()
