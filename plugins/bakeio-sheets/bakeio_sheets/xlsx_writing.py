"""Write views as a workbook that shows what may be edited, and how."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import IO, Any

import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.exceptions import FileCreateError  # type: ignore[import-untyped]

from bakeio_core import BakeioError, Sheet, SheetColumn

COVER, LISTS = "Read me", "_lists"
"""The sheets beside those of the views: what may be edited, and what there is to choose from."""
MOST_ROWS = 1 << 20
MOST_OF_A_CELL = 32_767
MOST_OF_A_LIST = 255
"""Characters of choices that stand in the rule itself; more of them stand in a sheet."""
EXACT_DIGITS = 15
SPARE_ROWS = 1000
"""Rows below the last one that offer the same choices, for what somebody adds."""
DAY, MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
_SHADE, _HEAD, _INK = "#EDEBE6", "#3B3A36", "#FFFFFF"
_ZERO = datetime.datetime(1899, 12, 30)
_FIRST_DAY = datetime.date(1900, 3, 1)


def write(file: IO[bytes], sheets: Sequence[Sheet]) -> None:
    """Write views as the sheets of a workbook, a row at a time.

    Raises:
        BakeioError: A sheet cannot hold what it is to: too many rows, too long a text.
        OSError: There is no room for it, or for the temporary files.
    """
    target = _Target(file)
    options: dict[str, Any] = {
        "constant_memory": True,
        "strings_to_urls": False,
        "strings_to_formulas": False,
    }
    # it leaves its own temporary files where it fails
    with tempfile.TemporaryDirectory(prefix="bakeio-") as folder:
        options |= {"strings_to_numbers": False, "tmpdir": folder}
        book = xlsxwriter.Workbook(target, options)
        try:
            _fill(book, sheets)
            book.close()
        except FileCreateError as error:
            target.gives_up = True
            raise error.args[0] from None
        except BaseException:
            target.gives_up = True
            raise


def _fill(book: Any, sheets: Sequence[Sheet]) -> None:
    looks = _Looks(book)
    _cover(book, looks, sheets)
    lists = _Lists(book)
    for sheet in sheets:
        _Written(book.add_worksheet(sheet.name[:31]), sheet, looks, lists).write()
    lists.write()
    book.get_worksheet_by_name(sheets[0].name[:31]).activate()


class _Target:
    """Where a workbook goes, until writing it fails.

    What packs it then still tries to write an end when it is thrown away, and would say on the
    terminal that it cannot.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.gives_up = file, False

    def write(self, data: bytes) -> int:
        return len(data) if self.gives_up else self.file.write(data)

    def tell(self) -> int:
        return 0 if self.gives_up else self.file.tell()

    def seek(self, place: int, whence: int = 0) -> int:
        return 0 if self.gives_up else self.file.seek(place, whence)

    def flush(self) -> None:
        if not self.gives_up:
            self.file.flush()


class _Looks:
    """How cells look: `of` gives the format of a column's cells."""

    def __init__(self, book: Any) -> None:
        self.head = book.add_format(
            {"bold": True, "bg_color": _HEAD, "font_color": _INK, "border": 1, "valign": "vcenter"}
        )
        self.title = book.add_format({"bold": True, "font_size": 16})
        self.strong = book.add_format({"bold": True, "valign": "top"})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self.shaded = book.add_format({"bg_color": _SHADE, "border": 1, "border_color": "#D5D2CB"})
        self._book, self._known = book, dict[tuple[str, bool], Any]()

    def of(self, column: SheetColumn) -> Any:
        """Return the look of the cells of a column: its number format, its shade."""
        is_shown = column.role != "editable"
        layout = {"day": DAY, "moment": MOMENT, "text": "@", "code": "@"}.get(
            column.kind, "General"
        )
        if (layout, is_shown) not in self._known:
            look: dict[str, Any] = {"num_format": layout, "valign": "top"}
            # a text stands apart from the number before it
            look |= {"indent": 1, "align": "left"} if layout == "@" else {}
            look |= {"bg_color": _SHADE, "border": 1, "border_color": "#D5D2CB"} if is_shown else {}
            self._known[layout, is_shown] = self._book.add_format(look)
        return self._known[layout, is_shown]


class _Lists:
    """The choices that are too many for a rule, each in a column of a hidden sheet."""

    def __init__(self, book: Any) -> None:
        self.book, self.lists = book, list[Sequence[str]]()

    def source(self, choices: Sequence[str]) -> Any:
        """Return where a rule finds its choices."""
        text = ",".join(choices)
        if len(text) <= MOST_OF_A_LIST and not any("," in c or '"' in c for c in choices):
            return list(choices)
        if choices not in self.lists:
            self.lists.append(choices)
        letter = xlsxwriter.utility.xl_col_to_name(self.lists.index(choices))
        return f"='{LISTS}'!${letter}$1:${letter}${len(choices)}"

    def write(self) -> None:
        """Write the sheet, where there is anything in it."""
        if not self.lists:
            return
        sheet = self.book.add_worksheet(LISTS)
        for row in range(max(map(len, self.lists))):
            for index, choices in enumerate(self.lists):
                if row < len(choices):
                    sheet.write_string(row, index, choices[row])
        sheet.hide()


class _Written:
    """One view on its way into a worksheet."""

    def __init__(self, page: Any, sheet: Sheet, looks: _Looks, lists: _Lists) -> None:
        self.page, self.sheet, self.looks, self.lists = page, sheet, looks, lists

    def write(self) -> None:
        """Write headings and rows, then what holds for whole columns."""
        page, columns = self.page, self.sheet.columns
        for index, column in enumerate(columns):
            look, hidden = self.looks.of(column), {"hidden": column.role == "hidden"}
            page.set_column(index, index, column.width, look, hidden)
        page.freeze_panes(1, self._frozen())
        # on paper: all columns side by side, the headings on each page
        page.set_landscape()
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        page.set_row(0, 22)
        for index, column in enumerate(columns):
            page.write_string(0, index, column.name, self.looks.head)
        writers = [self._writer(index, column) for index, column in enumerate(columns)]
        count = 0
        for count, row in enumerate(self.sheet.rows, 1):
            if count >= MOST_ROWS:
                raise BakeioError(
                    f"{self.sheet.name} has more rows than a sheet: write JSON or CSV, or fewer of "
                    "them (--limit, --missing)"
                )
            for write, cell in zip(writers, row, strict=True):
                if cell is not None:
                    write(count, cell)
        page.autofilter(0, 0, max(count, 1), len(columns) - 1)
        for index, column in enumerate(columns):
            rule = self._rule(column)
            if rule:
                page.data_validation(1, index, min(count + SPARE_ROWS, MOST_ROWS - 1), index, rule)

    def _frozen(self) -> int:
        """Return how many columns stay in sight: those up to the first key, if they are few."""
        roles = [column.role for column in self.sheet.columns]
        keys = [index for index, role in enumerate(roles) if role == "key"]
        return keys[0] + 1 if keys and keys[0] < 4 else 0

    def _writer(self, index: int, column: SheetColumn) -> Callable[[int, Any], object]:
        """Return what writes a cell of a column: text as text, days and numbers as such."""
        page, look = self.page, self.looks.of(column)

        def write_text(row: int, cell: Any) -> None:
            text = str(cell)
            if len(text) > MOST_OF_A_CELL:
                raise BakeioError(
                    f"{self.sheet.name}, row {row + 1}, {column.name}: a text of {len(text):,} "
                    f"characters, and a cell holds {MOST_OF_A_CELL:,}: leave the field out "
                    "(--fields), or write JSON"
                )
            page.write_string(row, index, text, look)

        def write_number(row: int, cell: Any) -> None:
            is_exact = isinstance(cell, (int, float, Decimal)) and _digits(cell) <= EXACT_DIGITS
            if not is_exact or isinstance(cell, bool):
                write_text(row, cell)
            else:
                page.write_number(row, index, cell, look)

        def write_day(row: int, cell: Any) -> None:
            moment = _moment(cell)
            if moment is None:
                write_text(row, cell)
            else:
                page.write_datetime(row, index, moment, look)

        def write_truth(row: int, cell: Any) -> None:
            if isinstance(cell, bool):
                page.write_boolean(row, index, cell, look)
            else:
                write_text(row, cell)

        writers = {"number": write_number, "whole": write_number, "truth": write_truth}
        return writers.get(
            column.kind, write_day if column.kind in ("day", "moment") else write_text
        )

    def _rule(self, column: SheetColumn) -> dict[str, Any] | None:
        """Return what a person is offered, or held to, in the cells of a column."""
        if column.role != "editable":
            return None
        if column.choices:
            kind = "warning" if column.is_open else "stop"
            message = "is not in the list. Use it anyway?" if column.is_open else "choose one"
            return {
                "validate": "list",
                "source": self.lists.source(column.choices),
                "error_type": kind,
                "error_title": column.name[:32],
                "error_message": message,
            }
        if column.kind == "truth":
            return {"validate": "list", "source": ["TRUE", "FALSE"]}
        if column.kind in ("number", "whole"):
            return self._number_rule(column)
        if column.kind == "day":
            return {
                "validate": "date",
                "criteria": "between",
                "minimum": _FIRST_DAY,
                "maximum": datetime.date(9999, 12, 31),
                "error_title": column.name[:32],
                "error_message": "Write a date.",
            }
        if column.length:
            return {
                "validate": "length",
                "criteria": "<=",
                "value": column.length,
                "error_title": column.name[:32],
                "error_message": f"At most {column.length} characters fit.",
            }
        return None

    @staticmethod
    def _number_rule(column: SheetColumn) -> dict[str, Any]:
        low = -1e15 if column.low is None else max(float(column.low), -1e15)
        high = 1e15 if column.high is None else min(float(column.high), 1e15)
        return {
            "validate": "integer" if column.kind == "whole" else "decimal",
            "criteria": "between",
            "minimum": low,
            "maximum": high,
            "error_title": column.name[:32],
            "error_message": "Write a number."
            if abs(low) == 1e15
            else f"Write a number of {low:g} or more.",
        }


def _digits(number: Any) -> int:
    return len(Decimal(str(number)).normalize().as_tuple().digits)


def _moment(cell: Any) -> datetime.datetime | None:
    """Return a day or a moment as a workbook counts it, None where it cannot."""
    try:
        moment = datetime.datetime.fromisoformat(str(cell).replace("Z", ""))
    except ValueError:
        return None
    has_fraction = moment.microsecond % 1000
    return None if moment.date() < _FIRST_DAY or has_fraction else moment


def _cover(book: Any, looks: _Looks, sheets: Sequence[Sheet]) -> None:
    """Write the sheet that says in plain words what may be edited."""
    page = book.add_worksheet(COVER)
    page.hide_gridlines(2)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.set_column(0, 0, 26)
    page.set_column(1, 1, 96)
    page.set_row(0, 24)
    page.write_string(0, 0, "What this workbook is", looks.title)
    row = 2
    for sheet in sheets:
        page.write_string(row, 0, sheet.name, looks.strong)
        page.write_string(row, 1, sheet.purpose, looks.wrapped)
        white = [c.name for c in sheet.columns if c.role == "editable"]
        page.write_string(row + 1, 0, "may be edited")
        page.write_string(row + 1, 1, ", ".join(white), looks.wrapped)
        shown = [c.name for c in sheet.columns if c.role in ("key", "readonly")]
        page.write_string(row + 2, 0, "is only shown", looks.shaded)
        page.write_string(row + 2, 1, ", ".join(shown), looks.wrapped)
        row += 4
    for note in dict.fromkeys(note for sheet in sheets for note in sheet.notes):
        page.write_string(row, 1, note, looks.wrapped)
        row += 1
