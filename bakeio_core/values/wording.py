"""Say a value, what is wrong with one, and what to write instead, in the words of a message.

A hint is followed without a second look, so it never drops a sign, a multiplier or a doubt.
"""

from __future__ import annotations

import decimal
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from bakeio_core.errors import Advice
from bakeio_core.values.folding import TYPOGRAPHY

Note = Callable[[str], None]


class BadValue(ValueError):
    """A value that cannot be taken: the text says what is wrong with it and how to write it.

    `message` is the text, with what to write as data where it is an `Advice`.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TwoReadings(BadValue):
    """A cell is what a spreadsheet shows of several values, and nothing tells of which.

    `values` are those.
    """

    def __init__(self, message: str, values: tuple[Any, ...]) -> None:
        super().__init__(message)
        self.values = values


def shown(value: object, most: int = 60) -> str:
    """Return a value as a message shows it: JSON-like, short, control characters escaped.

    Args:
        value: anything read from JSON.
        most: the most characters of it.
    """
    if isinstance(value, str):
        text = '"' + printable(value) + '"'
    elif isinstance(value, bool) or value is None:
        text = {True: "true", False: "false", None: "null"}[value]
    elif isinstance(value, decimal.Decimal) or (
        isinstance(value, float) and not math.isfinite(value)
    ):
        text = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(
            str(value).lower(), str(value)
        )
    elif isinstance(value, bytes):
        text = f"x'{value.hex()}'"
    elif isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        text = str(int(value))  # whichever of the two a driver gives for 25
    elif isinstance(value, dict):
        text = "an object"
    elif isinstance(value, list):
        text = "a list"
    else:
        text = str(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def may_hide(tables: Sequence[str]) -> str:
    """Say that the user may not see all rows of some tables, as a sentence begins."""
    policies = "policies of the database (row-level security)"
    return f"{policies} may hide rows of {listed(tables)} from this user"


def said(value: Any) -> str:
    """Return a value as words are read from it: a number without a needless point."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def whole(value: Any) -> Any:
    """Return a value as JSON can hold it, a text whole however long; a Decimal stays one.

    Of a number beyond all use only the first digits are told.
    """
    if isinstance(value, int) and value.bit_length() > 600:
        return "a number of more than 180 digits"
    if isinstance(value, decimal.Decimal) and len(value.as_tuple().digits) > 180:
        return shown(value, 200)
    return value if isinstance(value, (str, decimal.Decimal)) else jsonable(value)


def jsonable(value: Any) -> Any:
    """Return a value as it can stand in a JSON report: short, no Decimal, NaN as text."""
    if isinstance(value, (str, int, bool)) or value is None:
        return value if not isinstance(value, str) or len(value) <= 200 else value[:199] + "…"
    return shown(value, 200).strip('"')


_NUL = re.compile(rb"\\u0000")


def escapes_nul(data: bytes) -> bool:
    """Tell whether JSON may hold an escaped NUL character."""
    return _NUL.search(data) is not None


class Unreadable(str):
    """Stands for a stored value that has no form in files: what is said of it in messages."""

    __slots__ = ()


def printable(text: str) -> str:
    """Return the text with everything a terminal could obey shown as an escape.

    That is control characters, lone surrogates and marks of direction.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in text
    )


# -- what to write instead
_SIGNED = re.compile(r"([+-]?)\s*(\d+(\.\d*)?|\.\d+)", re.ASCII)
_AMOUNT = re.compile(
    r"""
    (?P<sign>-?)\s*                      # of the number, not a dash between words
    (?:[A-Z]{2,3}\s?|[$€£¥₹]\s?)?       # USD, $
    (?P<number>\d[\d.,'\ ]*\d|\d)        # with marks between the digits
    \s*(?P<rest>[^\d()<>%+-]*)           # a unit, a currency
    """,
    re.ASCII | re.VERBOSE,
)
_MULTIPLIES = re.compile(
    r"\b(k|m|mio|mn|bn|dozens?|doz|dz|pairs?|hundred|thousand|million|billion|gross|halves|half|"
    r"quarters?|percent|pct|each|x|or|to|and)\b",
    re.IGNORECASE,
)
"""Words behind a number that make another number of it."""
_GROUPED = re.compile(r"\d{1,3}([,' ]\d{3})+(\.\d+)?", re.ASCII)
_GROUPED_BY_POINTS = re.compile(r"\d{1,3}([.' ]\d{3})+,\d+", re.ASCII)
_WITH_COMMA = re.compile(r"\d+,\d{1,4}", re.ASCII)
MOST = 40
"""A longer text than this is not a number with something around it."""
_PARTS = re.compile(r"(\d{1,4})([/. -])(\d{1,2})\2(\d{4}|\d{1,2})", re.ASCII)
_DIGITS_ONLY = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)


def plain(text: str) -> str:
    """Return a text with ASCII digits, dashes and spaces, whatever alphabet it was written in."""
    folded = unicodedata.normalize("NFKC", text.translate(TYPOGRAPHY)).translate(TYPOGRAPHY)
    digits = (str(unicodedata.decimal(c, c)) if not c.isascii() else c for c in folded)
    return " ".join("".join(digits).split())


def number_hint(value: str) -> Advice:
    """Return how a text that is not a number may be written, empty where that is not sure.

    Args:
        value: The text as it stands in the file.
    """
    if len(value) > MOST:
        return Advice("")
    text = plain(value)
    if signed := _SIGNED.fullmatch(text):
        return _write(f"{signed[1].replace('+', '')}{signed[2]}")
    amount = _AMOUNT.fullmatch(text)
    if amount is None or _MULTIPLIES.search(amount["rest"]):
        return Advice("")
    number, sign = amount["number"], amount["sign"]
    without = re.sub(r"[,' ]", "", number)
    if _GROUPED.fullmatch(number) and _WITH_COMMA.fullmatch(number):
        both = f"{sign}{without}", f"{sign}{number.replace(',', '.')}"
        return Advice(f": write {both[0]} or {both[1]}, whichever is meant", *both)
    if _WITH_COMMA.fullmatch(number):
        return _write(f"{sign}{number.replace(',', '.')}", " (with a point)")
    if _GROUPED_BY_POINTS.fullmatch(number):
        whole, _, decimals = number.rpartition(",")
        digits = re.sub(r"[^0-9]", "", whole)
        return _write(f"{sign}{digits}.{decimals}", " (with a point)")
    if re.fullmatch(r"\d+(\.\d+)?", number) or _GROUPED.fullmatch(number):
        return _write(f"{sign}{without}", " (digits only, no currency or unit)")
    return Advice("")


def _write(number: str, remark: str = "") -> Advice:
    return Advice(f": write {number}{remark}", number)


def day_hint(value: str) -> Advice:
    """Return which days a text that is none may mean, empty where it may mean none.

    Args:
        value: The text as it stands in the file.
    """
    text = plain(value)
    days = list(dict.fromkeys(day.isoformat() for day in _days(text)))
    if not days:
        return Advice("")
    which = ", whichever is meant" if len(days) > 1 else ""
    return Advice(f"write {' or '.join(days)}{which}", *days)


def _days(text: str) -> Iterator[date]:
    """Yield the days a text may mean, with a year of two digits in front or at the end."""
    digits = _DIGITS_ONLY.fullmatch(text)
    parts = _PARTS.fullmatch(text)
    if digits is not None:
        orders = [(digits[1], digits[2], digits[3])]
    elif parts is None or len(parts[1]) == 3:
        return
    else:
        first, second, last = parts[1], parts[3], parts[4]
        orders = [] if len(first) == 1 or len(last) == 4 else [(first, second, last)]
        orders += [] if len(first) == 4 else [(last, first, second), (last, second, first)]
    for year, month, day in orders:
        if len(year) not in (2, 4):
            continue
        try:
            yield date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
        except ValueError:
            continue


def kind_of_thing(thing: object) -> str:
    """Return what a program handed in, with its article: `an Engine`, `a dict`."""
    name = type(thing).__name__
    return f"an {name}" if name[0] in "AEIOUaeiou" else f"a {name}"
