"""The cells of one column of a sheet as JSON: at once where they are plain, else one by one."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec

from bakeio_core.catalog.fields import FileField
from bakeio_core.catalog.plugins.formats import CellError
from bakeio_core.files.documents.encoding import encode_as_read
from bakeio_core.files.revision import field_hash
from bakeio_core.files.sheets.cells import unguarded
from bakeio_core.files.sheets.proof import Patterns, Proof, Restored, was_empty
from bakeio_core.files.sheets.readings import CURRENCY, Reading, form_of, is_shortened, readings
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.kinds.numbers import shortest
from bakeio_core.values.wording import BadValue, TwoReadings, shown

MOST_DOUBTFUL = 20
NULL, EMPTY = b"null", b'""'
UNTOLD = "_cell"
"""Names, in place of a value, a cell of which nobody can say yet what it means."""
NOUN = "_is"
"""Says beside it what a cell holds that is not a text."""
ERRORS = frozenset(
    [
        *["#N/A", "#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"],
        *["#NV", "#WERT!", "#BEZUG!", "#ZAHL!", "#FIELD!", "#BLOCKED!", "#GETTING_DATA"],
    ]
)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_NUMBERS = re.compile(r"(?:(?:-?(?:0|[1-9]\d*)(?:\.\d+)?|null)\n)*", re.ASCII)
_DOUBTFUL = re.compile(r"(?:^|\n)-?[1-9]\d{0,2}\.\d{3}\n", re.ASCII)
_POINT = re.compile(r"-?\d+\.(?:\d{1,2}|\d{4,})", re.ASCII)
_DAYS = re.compile(r"(?:(?:\d{4}-\d\d-\d\d)?\n)*", re.ASCII)
_TRUTHS: dict[Any, bytes] = {"true": b"true", "false": b"false", True: b"true", False: b"false"}
_MOMENT = re.compile(r"[\dT:.-]+Z", re.ASCII)
_WANT_CARE = "'=#"
_QUOTED = re.compile('="([^"]+)"')
_MIDNIGHT = datetime.time()


class FieldColumn:
    """Turn the cells of one column into the JSON of the values they have.

    Args:
        name: The heading.
        item: The field, None where the heading names none.
        kind: What the field holds.
        proof: Finds what cells were.
        patterns: Is told what cells tell of the column.

    Attributes:
        is_lenient: Whether amounts with a currency are taken, as it is known what the column is.
        tells_emptied: Whether an empty cell may be one that somebody emptied.
        doubtful: The first cells that can be read in more than one way.
    """

    def __init__(
        self, name: str, item: FileField | None, kind: Kind, proof: Proof, patterns: Patterns
    ) -> None:
        self.name = name if item is None else item.name
        self.item, self.kind, self.proof, self.patterns = item, kind, proof, patterns
        self.is_editable = item is not None and item.role == "editable"
        self.place = proof.revision.places.get(self.name)
        self.form = form_of(kind)
        self.restored: Restored = Counter()
        self.read_as: Restored = Counter()
        self.emptied: list[int] = []
        self.is_lenient = False
        self.tells_emptied = True
        self.doubtful: list[str] = []
        self._has_point = False
        # nothing of what is only shown is written, so it need not be told apart from other readings
        is_shown = item is not None and item.role == "context" and self.form in ("number", "whole")
        self._plain: Callable[[Sequence[Any]], Sequence[bytes | None] | None] = (
            _shown_numbers if is_shown else _PLAIN.get(self.form, _no_values)
        )

    def values(
        self, cells: Sequence[Any], first: int, bases: Sequence[Sequence[int] | None]
    ) -> Sequence[bytes]:
        """Return the JSON of the values of some cells.

        Args:
            cells: The cells of the column in some rows.
            first: The number of the record the first of them is of.
            bases: What the `_rev` of each record says its fields were.
        """
        plain = self._plain(cells)
        if not self._has_point and self.form == "number":
            self._look_for_point(cells)
        if plain is None:
            plain = [None] * len(cells)
        if None not in plain:
            return plain  # type: ignore[return-value]
        place = self.place
        return [
            known
            if known is not None
            else self._value(
                cell,
                first + index,
                None if place is None or (base := bases[index]) is None else base[place],
            )
            for index, (known, cell) in enumerate(zip(plain, cells, strict=True))
        ]

    def _look_for_point(self, cells: Sequence[Any]) -> None:
        """Note that the column writes decimals behind a point, once a cell says so for certain."""
        if any(type(cell) is str and _POINT.fullmatch(cell) for cell in cells):
            self._has_point = True
            self.patterns.note(self.name, [Reading(None, pattern=("decimal", "."))])

    def _value(self, cell: Any, number: int, base: int | None) -> bytes:
        if cell is None or cell == "":
            return self._empty(number, base)
        if isinstance(cell, CellError):
            return _untold(cell.text)
        if isinstance(cell, str) and (quoted := _QUOTED.fullmatch(cell)):
            cell = quoted[1]  # how shops keep the zeros of a code in a CSV
        is_told = not isinstance(cell, str) or not _is_no_value(cell)
        cell = unguarded(cell) if isinstance(cell, str) else cell
        if self.form in ("text", "code") and isinstance(cell, str) and is_told:
            return encode_as_read(cell)  # what else it may have been is tried by every reader
        if base is not None and self._is_as_written(cell, base):
            return str(cell).encode()
        found = list(readings(self.kind, cell))
        if base is not None:
            proved = [reading for reading in found if field_hash(reading.value) == base]
            if proved:
                self.patterns.note(self.name, proved)
                how = self.patterns.likeliest(self.name, proved).how
                if how:
                    self.restored[self.name, how] += 1
                return encode_as_read(proved[0].value)
        if isinstance(cell, str) and (not is_told or self._is_shortened(cell)):
            return _untold(cell)
        return self._unproved(cell, self._plain_ones(found))

    def _is_shortened(self, text: str) -> bool:
        return self.form in ("number", "whole") and is_shortened(text)

    def _is_as_written(self, cell: Any, base: int) -> bool:
        """Tell whether a cell is a number just as it was written into the sheet."""
        if self.form != "number" or type(cell) is not str or not _DOUBTFUL.fullmatch(f"{cell}\n"):
            return False
        if field_hash(shortest(float(cell))) != base:
            return False
        self.patterns.note(self.name, [Reading(None, pattern=("decimal", "."))])
        return True

    def readings(self, cell: Any) -> list[Reading]:
        """Return what a cell may mean without a proof."""
        return self._plain_ones(readings(self.kind, cell))

    def _plain_ones(self, found: Iterable[Reading]) -> list[Reading]:
        if not self.is_lenient:
            return [reading for reading in found if reading.is_plain]
        taken = (r for r in found if r.is_plain or r.how == CURRENCY)
        return [replace(reading, is_plain=True) for reading in taken]

    def _unproved(self, cell: Any, found: list[Reading]) -> bytes:
        """Return what a cell is read as that nobody can prove; untold where it has two readings."""
        if not found:
            is_json = isinstance(cell, (str, int, float, Decimal)) and not isinstance(cell, bool)
            return encode_as_read(cell) if is_json else _untold(_told(cell), _noun(cell))
        if len({repr(reading.value) for reading in found}) > 1:
            if len(self.doubtful) < MOST_DOUBTFUL:
                self.doubtful.append(str(cell))
            return _untold(str(cell))
        self.patterns.note(self.name, found)
        how = self.patterns.likeliest(self.name, found).how
        if how and self.item is not None:
            self.read_as[self.name, how] += 1
        return encode_as_read(found[0].value)

    def _empty(self, number: int, base: int | None) -> bytes:
        """Return what an empty cell says: that it was emptied, where `_rev` proves that.

        What was empty is unchanged, and without a proof an empty cell says nothing.
        """
        if base is None or not self.is_editable or not self.tells_emptied:
            return NULL
        if was_empty(base):
            return NULL if base != field_hash("") else EMPTY
        self.emptied.append(number)
        return EMPTY

    def settled(self, text: str, noun: str = "") -> Any:
        """Return the value of a cell that was untold, now that the whole column is known.

        Args:
            text: What stands in the cell.
            noun: What that is, where it is not a text.

        Raises:
            TwoReadings: It may mean several values.
            BadValue: It is none; it says why.
        """
        if noun:
            wanted = "text" if self.form in ("text", "code") else self.kind.noun
            raise BadValue(
                f"{text} is {noun}, but {wanted} is expected: format the cell that way, and enter "
                "the value again"
            )
        if text.startswith("="):
            raise BadValue(
                f"holds the formula {shown(text, 30)} without a result: open the file in a "
                "spreadsheet program and save it there, or write the value"
            )
        if text in ERRORS or text.startswith(("#", "Err:")):
            raise BadValue(
                f"holds the error {text} of a spreadsheet, not a value: correct the cell, or "
                "empty it"
            )
        if self._is_shortened(text):
            raise BadValue(
                f"{shown(text)} was shortened by a spreadsheet and may have lost digits: write the "
                "whole number"
            )
        found = self.readings(text)
        settled = self.patterns.settled(self.name, found)
        if settled is not None:
            if settled.how:
                self.read_as[self.name, settled.how] += 1
            return settled.value
        ways = " or ".join(dict.fromkeys(str(reading.value) for reading in found))
        raise TwoReadings(
            f"{shown(text)} can be read in more than one way: write {ways}, whichever is meant",
            tuple(reading.value for reading in found),
        )


def _untold(text: str, noun: str = "") -> bytes:
    return encode_as_read({UNTOLD: text, **({NOUN: noun} if noun else {})})


def _noun(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true or false"
    is_time = isinstance(cell, (datetime.time, datetime.timedelta))
    return "a time" if is_time else "a day"


def _told(cell: Any) -> str:
    """Return what a cell shows; of a number of hours these, `25:30:00`, and no days."""
    if not isinstance(cell, datetime.timedelta):
        return str(cell)
    minutes, seconds = divmod(abs(cell).total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    sign = "-" if cell < datetime.timedelta() else ""
    return f"{sign}{hours}:{minutes:02}:{seconds:09.6f}".removesuffix(".000000")


def _is_no_value(text: str) -> bool:
    return text in ERRORS or text.startswith(("=", "Err:"))


# -- what is plain is turned at once; None stands for a cell that is not
def _texts(cells: Sequence[Any]) -> Sequence[bytes | None]:
    if all(type(c) is str and c != "" and c[0] not in _WANT_CARE for c in cells):
        return _ENCODER.encode_lines(cells).split(b"\n")[:-1]
    encode = _ENCODER.encode
    return [
        encode(c) if type(c) is str and c != "" and c[0] not in _WANT_CARE else None for c in cells
    ]


def _numbers(cells: Sequence[Any]) -> Sequence[bytes | None] | None:
    kinds = set(map(type, cells))
    if kinds <= {str}:
        text = "\n".join(cells) + "\n"
        if _NUMBERS.fullmatch(text) and not _DOUBTFUL.search(text) and "null" not in text:
            return text.encode().split(b"\n")[:-1]
        one = _NUMBERS.fullmatch
        return [
            c.encode()
            if c not in ("", "null") and one(c + "\n") and not _DOUBTFUL.search(c + "\n")
            else None
            for c in cells
        ]
    if kinds <= {int}:
        return _ENCODER.encode_lines(cells).split(b"\n")[:-1]
    encode = _ENCODER.encode
    return [encode(c) if type(c) is int else _of_float(c) for c in cells]


def _shown_numbers(cells: Sequence[Any]) -> Sequence[bytes | None] | None:
    if set(map(type, cells)) <= {str}:
        text = "\n".join(cells) + "\n"
        if _NUMBERS.fullmatch(text) and "null" not in text:
            return text.encode().split(b"\n")[:-1]
        one = _NUMBERS.fullmatch
        return [c.encode() if c not in ("", "null") and one(f"{c}\n") else None for c in cells]
    return _numbers(cells)


def _of_float(cell: Any) -> bytes | None:
    """Return the JSON of a number with no more digits than a spreadsheet keeps."""
    if type(cell) is float and float(format(cell, ".15g")) == cell and abs(cell) < 1e15:
        return (str(int(cell)) if cell.is_integer() else repr(cell)).encode()
    if type(cell) is str and _NUMBERS.fullmatch(cell + "\n") and not _DOUBTFUL.search(cell + "\n"):
        return cell.encode() if cell != "null" else None
    return None


def _days(cells: Sequence[Any]) -> Sequence[bytes | None] | None:
    kinds = set(map(type, cells))
    if kinds <= {str} and _DAYS.fullmatch("\n".join(cells) + "\n"):
        return [b'"%b"' % c.encode() if c else None for c in cells]
    if datetime.datetime not in kinds:
        return None
    return [
        b'"%b"' % c.date().isoformat().encode()
        if type(c) is datetime.datetime and c.time() == _MIDNIGHT
        else None
        for c in cells
    ]


def _truths(cells: Sequence[Any]) -> Sequence[bytes | None]:
    return [_TRUTHS.get(c) if type(c) in (str, bool) else None for c in cells]


def _moments(cells: Sequence[Any]) -> Sequence[bytes | None]:
    return [
        b'"%b"' % c.encode() if type(c) is str and _MOMENT.fullmatch(c) else None for c in cells
    ]


def _no_values(cells: Sequence[Any]) -> None:
    return None


_PLAIN: dict[str, Callable[[Sequence[Any]], Sequence[bytes | None] | None]] = {
    "text": _texts,
    "code": _texts,
    "number": _numbers,
    "whole": _numbers,
    "day": _days,
    "truth": _truths,
    "moment": _moments,
}
