"""What a cell may have been before a spreadsheet changed it: every reading, the plainest first.

A spreadsheet takes zeros off codes, shows days and numbers in the way of its country, numbers days,
writes true and false in its language and sets typographic signs. None of that can be taken back by
a rule; but where `_rev` has the hash of what the cell was, a reading with that hash is what it was.
"""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from bakeio_core.files.sheets.days import days_of, days_without_year, number_of, texts_of_days
from bakeio_core.values.kind import Kind
from bakeio_core.values.wording import BadValue, plain

MOST_DIGITS = 20
"""Digits of the longest code that zeros are put in front of."""
EXACT = ".15g"
"""How many digits a spreadsheet keeps of a number (IEEE 754: DBL_DIG)."""
NOISE = 1e-13
"""How far a sum of a spreadsheet is from what was meant at most, as a part of it: a few of the
units in the 15th digit. Whatever differs by more was typed by somebody."""
_EXACT_DIGITS = 15
_MOST = 10**_EXACT_DIGITS
"""Where a spreadsheet keeps no more digits, and a number none of its marks."""
POINT = "a point taken for a mark of thousands"
NO_ZEROS = "zeros in front lost"
AS_NUMBER = "read as a number"
AS_DAY = "a date made of text"
AS_TIME = "a time made of text"
AS_TRUTH = "read as true or false"
DAY_OF_NUMBER = "a date made of a number"
_CURRENCIES = "|".join(
    [
        r"[$€£¥₹₽₺₩₪₫₴฿]|R\$|S?Fr\.?|kr\.?|zł|Kč|Ft|lei|Rs\.?|TL",
        "USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|ILS",
        "ZAR|BRL|MXN|SGD|HKD|KRW|THB",
    ]
)
_AMOUNT = re.compile(
    rf"([+-]?)\s*(?:{_CURRENCIES})?\s*([+-]?)\s*(\d[\d.,'\s]*|[.,]\d+)\s*(?:{_CURRENCIES})?"
)
_BEHIND = re.compile(r"\((?P<owed>.*\d.*)\)|(?P<minus>.*\d.*)-|(?P<percent>.*\d)\s*%")
"""A negative amount as accountants write it, and a part of a hundred."""
_SPACED = re.compile(r"\d{1,3}(?:[\s']\d{3})+(?:[.,]\d+)?|[\d.,]+", re.ASCII)
_DECIMAL = re.compile(r"([+-]?\d+)[.,](\d+)", re.ASCII)
_EXPONENT = re.compile(r"([+-]?\d+)(?:[.,](\d+))?E([+-]?)0*(\d+)", re.ASCII | re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,5}):(\d\d)(?::(\d\d)(?:[.,]0+)?)?(?: ?([AaPp])\.?[Mm]\.?)?", re.ASCII)
_TRUE = "true wahr vrai verdadero verdadeiro vero waar sant sand sann tosi prawda pravda igaz"
_FALSE = "false falsch faux falso onwaar falskt falsk usann epätosi fałsz nepravda hamis"
SHOWN_TRUTHS = dict.fromkeys([*_TRUE.split(), "doğru", "истина"], True)
SHOWN_TRUTHS |= dict.fromkeys([*_FALSE.split(), "yanliş", "yanlış", "ложь"], False)
"""The words a spreadsheet shows for true and false, by its language."""
TRUTHS = dict.fromkeys(("yes", "ja", "oui", "sí", "si", "y", "j", "x", "1", "on", "t"), True)
TRUTHS |= dict.fromkeys(("no", "nein", "non", "nee", "n", "0", "off", "f"), False)
TRUTHS |= SHOWN_TRUTHS
"""The words for true and false, of spreadsheets and of people."""
_PLAIN_SIGNS = str.maketrans(
    {
        **dict.fromkeys("‘’‚ʼ´`", "'"),
        **dict.fromkeys("“”„«»", '"'),
        **dict.fromkeys("‐‑‒–—−", "-"),
        **dict.fromkeys("\u00a0\u2007\u202f", " "),
        "…": "...",
        "©": "(c)",
        "®": "(r)",
        "™": "(tm)",
        "½": "1/2",
        "¼": "1/4",
        "¾": "3/4",
    }
)
_DOUBLE_DASHES = str.maketrans({"–": "--", "—": "--"})


@dataclass(frozen=True)
class Reading:
    """What a cell may mean.

    Attributes:
        value: The wire value.
        how: What a spreadsheet did to it, or how it is read, in words; empty where it is as it is.
        pattern: (what the reading supposes of the whole column, the supposition), such as
            `("decimal", ",")`; None where it supposes nothing.
        is_plain: Whether it may be taken without a proof.
    """

    value: Any
    how: str = ""
    pattern: tuple[str, str] | None = None
    is_plain: bool = True


Ways = Iterator[tuple[Any, str, tuple[str, str] | None, bool]]
"""What `Kind.read` may take, how it is read, what that supposes, whether it needs no proof."""


CURRENCY = "with a currency"
SHOWN_AS_DAY = "shown as a day or a time"
PERCENT = "shown in percent"


def form_of(kind: Kind) -> str:
    """Return which of the forms of a cell a kind of values has; see `SheetColumn.kind`."""
    schema = kind.schema()
    if getattr(kind, "is_code", False):
        return "code"
    if schema.get("type") == "string" and "contentEncoding" not in schema:
        return {"date": "day", "date-time": "moment", "time": "time"}.get(
            schema.get("format", ""), "text"
        )
    numbers = {"integer": "whole", "number": "number", "boolean": "truth"}
    return numbers.get(str(schema.get("type")), "other")


def readings(kind: Kind, cell: Any) -> Iterator[Reading]:
    """Yield what a cell may mean in a column of a kind, each value once, the plainest first.

    Args:
        kind: What the column holds.
        cell: A text, number, day, moment, time or truth.
    """
    known = set[Any]()
    for value, how, pattern, is_plain in _WAYS[form_of(kind)](cell):
        try:
            wire = kind.read(value, lambda note: None)
        except BadValue:
            continue
        key = (type(wire) is bool, json.dumps(wire, default=str), pattern)
        if key not in known:
            known.add(key)
            yield Reading(wire, how, pattern, is_plain)


# -- texts
def _texts(cell: Any) -> Ways:
    if isinstance(cell, str):
        yield cell, "", None, True
        yield from _signs(cell)
        if cell != (bare := cell.strip()):
            yield bare, "spaces at the ends", None, False
        if cell[:1] == "'":
            yield cell[1:], "an apostrophe in front", None, False
        yield from _codes(cell, is_typed=False)
    elif isinstance(cell, bool):
        yield from _spelled_truths(cell)
    elif isinstance(cell, (int, float, Decimal)):
        text = _written(cell)
        yield text, "a number", None, "E" not in text
        yield from _codes(text, is_typed=True)
    elif isinstance(cell, (datetime.datetime, datetime.date)):
        for text in texts_of_days(cell):
            yield text, AS_DAY, None, False
    elif isinstance(cell, datetime.time):
        yield from _clocks(cell.hour, cell.minute, cell.second)
    elif isinstance(cell, datetime.timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        yield from _clocks(*divmod(minutes, 60), seconds)


def _codes(text: str, *, is_typed: bool) -> Ways:
    if text.isascii() and text.isdigit():
        for length in range(len(text) + 1, MOST_DIGITS + 1):
            yield text.zfill(length), NO_ZEROS, None, False
    if match := _DECIMAL.fullmatch(text):
        for zeros in range(4):
            for mark in ".,":
                decimals = f"{match[1]}{mark}{match[2]}{'0' * zeros}"
                yield decimals, AS_NUMBER, None, False
    elif is_typed or text.isdigit():
        for end in (".0", ".00", ",00", ".000"):
            yield text + end, AS_NUMBER, None, False
        for zeros in range(1, len(text) - len(text.rstrip("0")) + 1):
            for power in (f"E{zeros}", f"e{zeros}", f"E+{zeros}", f"E+{zeros:02}", f"E{zeros:02}"):
                yield text[:-zeros] + power, AS_NUMBER, None, False
    if match := _EXPONENT.fullmatch(text):
        decimals = (match[2] or "").rstrip("0")
        for kept in dict.fromkeys((match[2], decimals)):
            whole = match[1] + (f".{kept}" if kept else "")
            for sign in ("E", "e", "E+", "e+", "E-", "e-"):
                for power in (match[4], match[4].zfill(2)):
                    yield f"{whole}{sign}{power}", AS_NUMBER, None, False
    if text.lower() in SHOWN_TRUTHS:
        yield from _spelled_truths(SHOWN_TRUTHS[text.lower()])
    for day in [*(known.day for known in days_of(text)), *days_without_year(text)]:
        for spelled in texts_of_days(day):
            yield spelled, AS_DAY, None, False
    if match := _CLOCK.fullmatch(text):
        hour, half = int(match[1]), (match[4] or "").lower()
        hour = hour % 12 + (12 if half == "p" else 0) if half else hour
        yield from _clocks(hour, int(match[2]), int(match[3] or 0))


def _clocks(hour: int, minute: int, second: int) -> Ways:
    """Yield texts of which a spreadsheet may have made a time of day, or a number of hours."""
    rest = [f"{minute:02}:{second:02}", *([f"{minute:02}"] if not second else [])]
    half = "AM" if hour < 12 else "PM"
    for end in rest:
        for start in (str(hour), f"{hour:02}"):
            yield f"{start}:{end}", AS_TIME, None, False
        for said in (half, half.lower()) if hour < 24 else ():
            for start in (str(hour % 12 or 12), f"{hour % 12 or 12:02}"):
                yield f"{start}:{end} {said}", AS_TIME, None, False
                yield f"{start}:{end}{said}", AS_TIME, None, False


def _signs(text: str) -> Ways:
    if text.isascii():
        return
    how = "typographic signs"
    yield text.translate(_PLAIN_SIGNS), how, None, False
    yield text.translate(_DOUBLE_DASHES).translate(_PLAIN_SIGNS), how, None, False


def _spelled_truths(truth: bool) -> Ways:
    for word in ("true", "True", "TRUE") if truth else ("false", "False", "FALSE"):
        yield word, AS_TRUTH, None, False


def _written(number: int | float | Decimal) -> str:
    """Return a number as a person writes it, with the digits a spreadsheet keeps."""
    if isinstance(number, float):
        is_whole = number.is_integer() and abs(number) < 1e15
        return str(int(number)) if is_whole else format(number, EXACT).upper()
    # written out, 1e999999999 would fill the memory; nobody writes such a number in that way
    is_short = isinstance(number, Decimal) and abs(number.adjusted()) <= MOST_DIGITS
    return format(number, "f") if is_short else str(number)


# -- numbers
def _numbers(cell: Any) -> Ways:
    if isinstance(cell, bool):
        return
    if isinstance(cell, float):
        yield cell, "", None, True
        yield float(format(cell, EXACT)), "digits behind the 15th", None, True
        if cell.is_integer():
            yield from _thousandth(int(cell))
        for digits in range(12):
            rounded = round(cell, digits)
            if math.isclose(rounded, cell, rel_tol=NOISE):
                yield rounded, "digits behind the 15th", None, False
    elif isinstance(cell, (int, Decimal)):
        yield cell, "", None, True
        yield from _thousandth(cell)
    elif isinstance(cell, (datetime.datetime, datetime.date)):
        for text in (f"{cell.day}.{cell.month}", f"{cell.month}.{cell.day}"):
            yield text, DAY_OF_NUMBER, None, False
        yield f"{cell.month}.{cell.year}", DAY_OF_NUMBER, None, False
        yield from _rounded(number_of(cell), SHOWN_AS_DAY)
    elif isinstance(cell, datetime.time):
        since = datetime.datetime.combine(datetime.date.min, cell) - datetime.datetime.min
        yield from _rounded(since / datetime.timedelta(days=1), SHOWN_AS_DAY)
    elif isinstance(cell, datetime.timedelta):
        yield from _rounded(cell / datetime.timedelta(days=1), SHOWN_AS_DAY)
    elif isinstance(cell, str):
        yield from _spelled_numbers(cell)


def _rounded(number: float, how: str) -> Ways:
    """A day or a time is told to the microsecond, and so the number of it only nearly."""
    for digits in range(10):
        yield round(number, digits), how, None, False


def _thousandth(number: int | float | Decimal) -> Ways:
    """A spreadsheet that marks thousands with a point makes 2625 of 2.625."""
    is_short = math.isfinite(number) and -_MOST < number < _MOST
    if is_short and number == int(number) and number % 10:
        yield Decimal(int(number)) / 1000, POINT, None, False


def is_shortened(text: str) -> bool:
    """Tell whether a number may have lost digits: spreadsheets show `1.23E+06` for 1234567."""
    match = _EXPONENT.fullmatch(text)
    if match is None or match[3] == "-":
        return False
    power = int(match[4][:4])
    return power < _EXACT_DIGITS and len(match[1].lstrip("+-") + (match[2] or "")) <= power


def _spelled_numbers(text: str) -> Ways:
    told = plain(text).strip()
    if (behind := _BEHIND.fullmatch(told)) is not None:
        yield from _behind(behind)
        return
    amount = _AMOUNT.fullmatch(told)
    if amount is None or not _SPACED.fullmatch(amount[3].strip()) or (amount[1] and amount[2]):
        with suppress(ValueError):
            yield float(text.replace(",", ".")), "", None, not is_shortened(text)
        return
    is_plain = len(amount[0].strip()) == len((amount[1] + amount[2] + amount[3]).strip())
    sign, digits = (amount[1] or amount[2]).replace("+", ""), re.sub(r"[\s']", "", amount[3])
    for mark, other in (".", ","), (",", "."):
        whole, _, decimals = digits.partition(mark) if mark in digits else (digits, "", "")
        parts = whole.split(other)
        if len(parts) > 1 and not _is_grouped(parts):
            continue
        if decimals and not decimals.isdigit():
            continue
        number = f"{sign}{''.join(parts) or '0'}{'.' + decimals if decimals else ''}"
        has_marks = "." in digits or "," in digits
        how = "a decimal comma" if mark == "," and has_marks else ""
        how = "marks of thousands" if len(parts) > 1 else how
        how = how if is_plain else CURRENCY
        yield number, how, ("decimal", mark) if has_marks else None, is_plain
    if digits.isdigit() and len(digits) < 16:
        yield from _thousandth(int(sign + digits))


def _is_grouped(parts: Sequence[str]) -> bool:
    """Tell whether digits stand in groups: of thousands, or of lakhs as in India (1,23,456)."""
    first, *between, last = parts
    widths = {len(part) for part in between}
    is_even = 1 <= len(first) <= (2 if widths == {2} else 3)
    return is_even and len(last) == 3 and widths in (set(), {2}, {3}) and not first.startswith("0")


def _behind(behind: re.Match[str]) -> Ways:
    """Yield what an amount means that says behind its digits what it is."""
    inner = next(text for text in behind.groups() if text is not None)
    is_part = behind["percent"] is not None
    for number, how, pattern, _ in list(_spelled_numbers(inner)):
        with suppress(InvalidOperation):
            value = Decimal(str(number))
            yield value / 100 if is_part else -value, PERCENT if is_part else how, pattern, False


# -- days, moments, times, truths, others
def _days(cell: Any) -> Ways:
    for day in days_of(cell):
        yield day.day.isoformat(), day.how, day.pattern, day.is_plain


def _moments(cell: Any) -> Ways:
    if isinstance(cell, str):
        yield cell, "", None, True
    for day in days_of(cell):
        midnight = datetime.time()
        is_plain = day.is_plain or day.time not in (None, midnight)
        for time in (day.time or midnight, midnight):
            moment = datetime.datetime.combine(day.day, time)
            yield f"{moment.isoformat()}Z", day.how, day.pattern, is_plain and time is day.time


def _times(cell: Any) -> Ways:
    if isinstance(cell, datetime.datetime):
        cell = cell.time()
    yield cell.isoformat() if isinstance(cell, datetime.time) else cell, "", None, True
    if isinstance(cell, (int, float)) and 0 <= cell < 1:
        seconds = round(cell * 86_400_000_000)
        time = (datetime.datetime.min + datetime.timedelta(microseconds=seconds)).time()
        yield time.isoformat(), "a part of a day", None, False


def _truths(cell: Any) -> Ways:
    yield cell, "", None, True
    word = str(cell).strip().lower()
    if not isinstance(cell, bool) and word in TRUTHS:
        yield TRUTHS[word], "in words" if not word.isdigit() else "1 and 0", None, True


def _others(cell: Any) -> Ways:
    if isinstance(cell, str):
        with suppress(ValueError, RecursionError):
            yield json.loads(cell, parse_float=Decimal), "", None, True
        yield cell, "", None, True
        yield from _spelled_numbers(cell)
    elif isinstance(cell, datetime.timedelta):
        yield cell.total_seconds(), "", None, True
    elif isinstance(cell, (datetime.datetime, datetime.date)):
        yield from _days(cell)
    else:
        yield cell, "", None, True


_WAYS: dict[str, Callable[[Any], Ways]] = {
    "text": _texts,
    "code": _texts,
    "number": _numbers,
    "whole": _numbers,
    "day": _days,
    "moment": _moments,
    "time": _times,
    "truth": _truths,
    "other": _others,
}
