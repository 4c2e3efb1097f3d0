"""Formats besides JSON: what plugins write and read tables of cells by, and what they are told."""

from __future__ import annotations

import datetime
import decimal
import errno
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO

from bakeio_core.catalog.entities.arguments import refuse_arguments
from bakeio_core.catalog.plugins import packages
from bakeio_core.errors import BakeioError, DocumentError, PluginError, UsageError, describe

Cell = (
    str
    | int
    | float
    | decimal.Decimal
    | bool
    | datetime.datetime
    | datetime.date
    | datetime.time
    | None
)
"""A cell as a format writes it, and as it reads it, where it is not a `CellError`."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_ROOM = " in {}, where temporary files go: make room there, or name another folder in TMPDIR"
HEAD = 4096
"""How many bytes of a file tell of which format it is."""


@dataclass(frozen=True)
class CellError:
    """A cell that holds no value, though it is not empty.

    Args:
        text: What stands in it: an error such as `#N/A`, or a formula whose result nobody has
            stored, such as `=B2*3`.
    """

    text: str


@dataclass(frozen=True)
class SheetColumn:
    """One column of a sheet that is written, with all that helps the person who will edit it.

    Args:
        name: Its heading, the name of the field.
        role: `key` (finds the row), `editable`, `readonly` (is only shown), or `hidden` (nobody
            need see it: ids and what bakeio needs to know the record again).
        kind: `text`, `code` (digits that are not a number), `number`, `whole`, `day`, `moment` (in
            UTC), `truth` or `other`.
        scale: How many decimals a number has at most; None where any number of them is kept.
        length: How many characters a text may have; None where that is not limited.
        choices: The values to choose from; others are right too where `is_open`.
        is_open: Whether other values than the choices may be written.
        low, high: The least and the greatest number that is taken, None where there is no limit.
        nullable: Whether the cell may be empty.
        width: How many characters wide the column should be.
    """

    name: str
    role: str = "editable"
    kind: str = "text"
    scale: int | None = None
    length: int | None = None
    choices: Sequence[str] = ()
    is_open: bool = True
    low: decimal.Decimal | None = None
    high: decimal.Decimal | None = None
    nullable: bool = True
    width: int = 12


@dataclass
class Sheet:
    """A sheet to write.

    Args:
        name: What it is called, such as `ovens`.
        columns: Its columns, in order.
        rows: The cells of each record, in the order of the columns: texts that no spreadsheet runs
            as a formula, numbers, `True`, `False` and None; days and moments as ISO 8601 texts.
            They are made while they are asked for and can be asked for once.
        purpose: What it is for, in one line.
        notes: What the person who edits it should know, a sentence each.
    """

    name: str
    columns: Sequence[SheetColumn]
    rows: Iterable[Sequence[Cell]]
    purpose: str = ""
    notes: Sequence[str] = ()


@dataclass
class SheetRows:
    """A sheet as it was read, with every row and cell.

    Args:
        name: What the sheet is called; empty where the file has no names for its sheets.
        rows: (number of the row, from 1, and its cells), lazily, while the file is open.
    """

    name: str
    rows: Iterable[tuple[int, Sequence[Cell | CellError]]]


Edits = dict[str, dict[int, dict[int, Cell]]]
"""Cells to set: {name of the sheet: {number of the row: {index of the column, from 0: cell}}}."""


@dataclass(frozen=True)
class Format:
    """Declare how views are written as sheets of a file, and how cells are read.

    A format does not interpret cells: bakeio finds the headings and the records, and knows what a
    spreadsheet changes in values.

    Args:
        name: Its name, such as `csv`.
        suffix: The extension of its files, with the point.
        write: function(file, sheets) that writes to a new binary file, which can be read and
            searched.
        read: function(file) that yields a `SheetRows` for each sheet of a binary file.
        recognises: function(head) that tells by the first 4,096 bytes whether a file is of this
            format, whatever it is called; None where that cannot be told.
        edit: function(file, new, edits) that copies a file into a new one with some cells set;
            None where a file of this format cannot be changed and keep all the rest it holds.
        suffixes: Other extensions of its files.
        has_sheets: Whether a file may hold several sheets.
    """

    name: str
    suffix: str
    write: Callable[[IO[bytes], Sequence[Sheet]], None]
    read: Callable[[IO[bytes]], Iterable[SheetRows]]
    recognises: Callable[[bytes], bool] | None = None
    edit: Callable[[IO[bytes], IO[bytes], Edits], None] | None = None
    suffixes: Sequence[str] = ()
    has_sheets: bool = False

    def __post_init__(self) -> None:
        refuse_arguments(self, f'format "{self.name}"')


class Formats(dict[str, Format]):
    """The formats plugins bring besides JSON: {name: `Format`}."""

    def by_suffix(self, name: str) -> Format | None:
        """Return the format whose ending a file's name has, None for JSON and unknown endings."""
        ending = PurePath(name).suffix.lower()
        for known in self.values():
            if ending and ending in (suffix.lower() for suffix in (known.suffix, *known.suffixes)):
                return known
        return None

    def to_write(self, path: PurePath, remedy: str = "") -> Format | None:
        """Return the format in which a file is to be written, None for JSON.

        Args:
            path: The file.
            remedy: What else can be done where nothing that is installed writes it.

        Raises:
            UsageError: Its ending is that of a format whose package is not installed.
        """
        known = self.by_suffix(path.name)
        hint = "" if known is not None else packages.for_file(path.name)
        if hint:
            said = f"{path}: no installed format writes {path.suffix} files{hint}"
            raise UsageError(f"{said}. {remedy}" if remedy else said)
        return known

    def by_head(self, head: bytes) -> Format | None:
        """Return the format that knows a file by its first bytes, None where none does."""
        for known in self.values():
            if known.recognises is not None and known.recognises(head):
                return known
        return None

    def named(self, name: str, hint: str = "") -> Format | None:
        """Return the format of a name, None for JSON.

        Args:
            name: The name.
            hint: What to say of a name nobody knows, besides which are installed.

        Raises:
            UsageError: There is none of that name.
        """
        if name.lower() == "json":
            return None
        if name not in self:
            installed = ", ".join(self) or "only JSON"
            message = f'there is no format "{name}" for a file; installed: {installed}{hint}'
            raise UsageError(message)
        return self[name]


def blamed(known: Format, what: str, error: Exception) -> BakeioError:
    """Return what a format raised as an error of bakeio that names it.

    Args:
        known: The format.
        what: What it was to do, such as `read x.csv`.
        error: What it raised; where that is the plugin's own word on the file it stays as it is.
    """
    if isinstance(error, PluginError) or not isinstance(error, (BakeioError, OSError)):
        return PluginError(f"the format {known.name} cannot {what}: {describe(error)}")
    if isinstance(error, OSError):
        # files of their own were opened before; what formats write goes into temporary files
        where = _NO_ROOM.format(tempfile.gettempdir()) if error.errno in _FULL else ""
        return DocumentError(f"cannot {what}: {error.strerror or error}{where}", code="io-error")
    return error
