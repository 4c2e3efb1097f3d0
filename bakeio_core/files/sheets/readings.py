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

from bakeio_core.files.sheets.days import days_of, number_of
from bakeio_core.files.sheets.texts import EXACT, EXPONENT, NOISE, TRUTHS, Ways, texts_of
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.wording import BadValue, plain

_EXACT_DIGITS = 15
_POWERS = 25
"""Numbers of higher or lower powers of ten have no digits to lose that a column would keep."""
_MOST = 10**_EXACT_DIGITS
"""Where a spreadsheet keeps no more digits, and a number none of its marks."""
POINT = "a point taken for a mark of thousands"
DAY_OF_NUMBER = "a date made of a number"
CURRENCIES = "|".join(
    [
        r"[$€£¥₹₽₺₩₪₫₴฿]|R\$|S?Fr\.?|kr\.?|zł|Kč|Ft|lei|Rs\.?|TL",
        "USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|ILS",
        "ZAR|BRL|MXN|SGD|HKD|KRW|THB",
    ]
)
_AMOUNT = re.compile(
    rf"([+-]?)\s*(?:{CURRENCIES})?\s*([+-]?)\s*(\d[\d.,'\s]*|[.,]\d+)\s*(?:{CURRENCIES})?"
)
_LONGEST = 80
"""Longer texts are no amounts, and looking for one in them would take long."""
_SPACED = re.compile(r"\d{1,3}(?:[\s']\d{3})+(?:[.,]\d+)?|[\d.,]+", re.ASCII)


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


# -- numbers
def _numbers(cell: Any) -> Ways:
    if isinstance(cell, bool):
        return
    if isinstance(cell, Decimal) and -_POWERS < cell.adjusted() < _POWERS and cell % 1:
        yield cell, "", None, True
        cell = float(cell)  # JSON has the digits behind the 15th as well
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
    match = EXPONENT.fullmatch(text)
    if match is None or match[3] == "-":
        return False
    power = int(match[4][:4])
    return power < _EXACT_DIGITS and len(match[1].lstrip("+-") + (match[2] or "")) <= power


def _spelled_numbers(text: str) -> Ways:
    told = plain(text).strip()
    if len(told) <= _LONGEST and told[-1:] in (")", "-", "%"):
        yield from _told_behind(told)
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
        if decimals and not decimals.isdecimal():
            continue
        number = f"{sign}{''.join(parts) or '0'}{'.' + decimals if decimals else ''}"
        has_marks = "." in digits or "," in digits
        how = "a decimal comma" if mark == "," and has_marks else ""
        how = "marks of thousands" if len(parts) > 1 else how
        how = how if is_plain else CURRENCY
        yield number, how, ("decimal", mark) if has_marks else None, is_plain
    if digits.isdecimal() and len(digits) < 16:
        yield from _thousandth(int(sign + digits))


def numbers_of(text: str) -> Iterator[Any]:
    """Yield the numbers that an amount means, with a decimal point and with a decimal comma."""
    return (number for number, how, *_ in _spelled_numbers(text) if how != POINT)


def _is_grouped(parts: Sequence[str]) -> bool:
    """Tell whether digits stand in groups: of thousands, or of lakhs as in India (1,23,456)."""
    first, *between, last = parts
    widths = {len(part) for part in between}
    is_even = 1 <= len(first) <= (2 if widths == {2} else 3)
    return is_even and len(last) == 3 and widths in (set(), {2}, {3}) and not first.startswith("0")


def _told_behind(text: str) -> Ways:
    """Yield what an amount means that says at its end what it is: owed, or a part of a hundred."""
    is_part = text[-1] == "%"
    if text[-1] == ")" and text[0] != "(":
        return
    inner = text[text[-1] == ")" : -1].strip()
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
        yield TRUTHS[word], "in words" if not word.isdecimal() else "1 and 0", None, True


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
    "text": texts_of,
    "code": texts_of,
    "number": _numbers,
    "whole": _numbers,
    "day": _days,
    "moment": _moments,
    "time": _times,
    "truth": _truths,
    "other": _others,
}
