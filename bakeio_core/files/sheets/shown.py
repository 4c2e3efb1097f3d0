"""Tell whether a cell shows what a spreadsheet takes a text for: a number, a day, a time, a truth.

`readings` goes from a cell back to the texts it may have been. That does not do where a spreadsheet
loses a part of the text, or where many texts are one number. Here the text is known, as the
database has it, and it is only asked what a spreadsheet makes of it.
"""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

from bakeio_core.files.sheets.days import days_of, days_without_year, month_named, number_of
from bakeio_core.files.sheets.readings import CURRENCIES, numbers_of
from bakeio_core.files.sheets.texts import NOISE, SHOWN_TRUTHS

LONGEST = 60
"""Longer texts are taken for nothing."""
_MAY_BE_TAKEN = re.compile(
    r"[^\W\d_]{4,9}"  # a truth in words
    r"|(?=\D*\d)[\s\d.,:/+()'%E^-]*(?:[^\W\d_]{1,10}[\s\d.,:/+()'%^-]*){0,3}"
    rf"|(?=\D*\d)[\s\d.,+()'-]*(?:{CURRENCIES})?[\s\d.,+()'-]*(?:{CURRENCIES})?[\s)-]*",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"(?=.*[:ap])(-?)(\d+)(?:[ :](\d+))?(?:[ :](\d+)([.,]\d+)?)?(?:\ ?([ap])\.?m\.?)?",
    re.ASCII | re.IGNORECASE,
)
_MINUTES = re.compile(r"(\d+):(\d+[.,]\d+)", re.ASCII)
_WITH_TIME = re.compile(
    r"(.*\S)[T\s]+(\d+:\d+(?::\d+)?(?:[.,]\d+)?(?:\ ?[ap]\.?m\.?)?)(?:Z|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)
_FRACTION = re.compile(r"(-?)(?:(\d{1,15})\s+)?(\d{1,15})/(\d{1,15})", re.ASCII)
_PLAIN = re.compile(r"-?(?:0|[1-9]\d*)(?:[.,]\d*[1-9])?", re.ASCII)
_EXPONENT = re.compile(r"([+-]?\d*[.,]?\d*)E([+-]?\d{1,6})", re.ASCII | re.IGNORECASE)
_MARKS = re.compile(rf"(?P<percent>%)|(?P<currency>{CURRENCIES})|(?P<part>/)")
_GROUPED = re.compile(r"(\d+)((?:,\d{3})+(?:\.\d+)?|(?:\.\d{3})+(?:,\d+)?)", re.ASCII)
_MARKED = re.compile(r"\d+(?:[.,' ]\d+){2,}", re.ASCII)
_NO_ZEROS = re.compile(r"(?<![\d.,])0+(?=\d)", re.ASCII)
_DECIMALS = re.compile(r"[.,](\d+)")
_LARGEST = Decimal(repr(1.7976931348623157e308))
"""The largest number that a spreadsheet holds; it is what it makes of a larger one."""
_SMALLEST = -307
"""It makes nothing of a number with a lower power of ten."""
_SHOWN = 15
"""Digits that a spreadsheet shows of a number."""
_OF_HOURS = 1 << 16
_MOST_HOURS = 1 << 31
"""LibreOffice keeps 16 bits of the numbers of a time, and nothing of those beyond 31 bits."""
_OF_A_DAY, _OF_AN_HOUR = 86_400, 3_600
_DIGITS = re.compile(r"\d+", re.ASCII)
_PARTS = (("0", 0), ("month", 12), ("hour", 23), ("day", 31), ("minute", 59))
_LONG, _GROUP = 5, 3


def may_be_taken(text: str) -> bool:
    """Tell whether a spreadsheet may take a text for something else, as far as a glance tells."""
    return len(text) <= LONGEST and _MAY_BE_TAKEN.fullmatch(text) is not None


def is_shown_for(text: str, cell: Any) -> bool:
    """Tell whether a cell may be what a spreadsheet holds, or shows, in place of a text.

    Args:
        text: What was written into the sheet.
        cell: A text, number, day, moment, time or truth that came back.
    """
    told = cell.strip() if isinstance(cell, str) else cell
    is_no_form = isinstance(told, str) and not 0 < len(told) <= LONGEST
    if is_no_form or not may_be_taken(text):
        return False
    return any(shows(text.strip(), told) for shows in (_is_number, _is_clock, _is_day, _is_truth))


# -- truths
def _is_truth(text: str, cell: Any) -> bool:
    wanted = SHOWN_TRUTHS.get(text.lower())
    told = SHOWN_TRUTHS.get(cell.lower()) if isinstance(cell, str) else cell
    return wanted is not None and told is wanted


# -- numbers
def _is_number(text: str, cell: Any) -> bool:
    if isinstance(cell, bool) or not isinstance(cell, (int, float, Decimal, str)):
        return False
    shown = cell if isinstance(cell, str) else ""
    marks, told_marks = _marks(text), _marks(shown)
    if not told_marks <= marks:
        return False  # no spreadsheet adds a currency
    is_formatted = bool(marks) or text[:1] in "+(" or _EXPONENT.fullmatch(text) is not None
    if shown and not is_formatted and not _is_written_alike(text, shown):
        return False
    if _MARKED.fullmatch(text) and _digits(text) == _digits(str(cell)):
        return True  # whichever mark is which
    told = list(_amounts(shown)) if shown else [Decimal(str(cell))]
    digits = max((len(found) for found in _DECIMALS.findall(shown)), default=0)
    may_round = is_formatted and digits >= 2
    return any(
        _is_near(number, other) or (may_round and _rounds_to(number, other, shown))
        for number in _amounts(text)
        for other in told
    )


def _marks(text: str) -> set[str]:
    return {str(match.lastgroup) for match in _MARKS.finditer(text)}


def _is_written_alike(text: str, shown: str) -> bool:
    """Tell whether a number stands in a cell as a spreadsheet writes one without a format."""
    if _EXPONENT.fullmatch(shown):
        return True
    if text.isdecimal():
        return shown.isdecimal() and shown[0] != "0"
    return _PLAIN.fullmatch(shown) is not None or len(re.findall("[.,]", text)) > 1


def _amounts(text: str) -> Iterator[Decimal]:
    """Yield the numbers a text is, with either decimal mark."""
    if match := _FRACTION.fullmatch(text):
        if int(match[4]):
            part = Decimal(int(match[3])) / int(match[4]) + int(match[2] or 0)
            yield -part if match[1] else part
        return
    if match := _EXPONENT.fullmatch(text):
        with suppress(InvalidOperation):
            number = Decimal(f"{match[1].replace(',', '.')}E{match[2]}")
            yield max(min(number, _LARGEST), -_LARGEST)
            yield from [Decimal(0)] if number.adjusted() < _SMALLEST else []
        return
    bare = text[:-1] if text[-1:] in (".", ",") else text
    if match := _GROUPED.search(text):  # more digits may stand before the first mark than three
        number = Decimal(match[1] + match[2].replace(match[2][0], "").replace(",", "."))
        number = number / 100 if "%" in text else number
        yield -number if "-" in text or "(" in text else number
    for number in numbers_of(_NO_ZEROS.sub("", bare)):
        with suppress(InvalidOperation):
            yield Decimal(str(number))


def _digits(text: str) -> str:
    return "".join(_DIGITS.findall(text)).strip("0")


def _is_near(number: Decimal, other: Decimal) -> bool:
    return abs(number - other) <= abs(number) * Decimal(NOISE)


def form_of_text(text: str, *, as_number: bool) -> str:
    """Return the form of a text that a spreadsheet may take for something else, empty for others.

    A spreadsheet treats the texts of a column alike that have one form.

    Args:
        text: A text.
        as_number: Whether it is asked what it takes for a number, and not for a day or a time.
    """
    return _DIGITS.sub(_length if as_number else _size, text.lower()) if may_be_taken(text) else ""


def _length(digits: re.Match[str]) -> str:
    """Tell what decides whether a number is shown with all its digits, or is thousands."""
    text, is_behind = digits[0], digits.string[: digits.start()][-1:] in (".", ",")
    zeros = "0" * (len(text) > 1 and text[0] == "0") + "behind" * (is_behind and text[-1] == "0")
    return f"{zeros}{'thousands' if is_behind and len(text) == _GROUP else 9}"


def _size(digits: re.Match[str]) -> str:
    """Tell what decides whether a number may be a part of a day or a time, or thousands."""
    if len(digits[0]) > 2:
        return _length(digits) + "9" * min(len(digits[0]), _LONG)
    part = next((part for part, last in _PARTS if int(digits[0]) <= last), "99")
    return _length(digits) + part


def _rounds_to(number: Decimal, other: Decimal, shown: str) -> bool:
    """Tell whether a number is shown with fewer digits, as `$5.51` or `1.23E+10`."""
    if "E" in shown.upper():
        power = Decimal(1).scaleb(other.adjusted())
        number, other = number / power, other / power
    decimals = max(len(found) for found in _DECIMALS.findall(shown)) + 2 * ("%" in shown)
    return abs(number - other) <= Decimal(1).scaleb(-min(decimals, _SHOWN)) / 2


# -- times
def _is_clock(text: str, cell: Any) -> bool:
    wanted, told = list(_seconds(text)), list(_seconds_told(cell)) if _CLOCK.match(text) else []
    is_part = isinstance(cell, str) and _MINUTES.fullmatch(cell) is not None
    shown = _OF_AN_HOUR if is_part else _OF_A_DAY
    apart = [abs(one - other) % shown for one in wanted for other in told]
    return any(min(seconds, shown - seconds) < 1 for seconds in apart)


def _seconds_told(cell: Any) -> Iterator[float]:
    if isinstance(cell, datetime.timedelta):
        yield cell.total_seconds()
    elif isinstance(cell, datetime.datetime):
        yield number_of(cell) * _OF_A_DAY
    elif isinstance(cell, datetime.time):
        midnight = datetime.datetime.min
        yield (datetime.datetime.combine(midnight, cell) - midnight).total_seconds()
    elif isinstance(cell, str):
        yield from _seconds(cell)
        for day in days_of(cell):
            yield from _seconds_told(
                datetime.datetime.combine(day.day, day.time or datetime.time())
            )


def _seconds(text: str) -> Iterator[float]:
    """Yield the seconds of a time, or of a number of hours."""
    if match := _MINUTES.fullmatch(text):
        yield int(match[1]) * 60 + float(match[2].replace(",", "."))
    is_behind = text[-1:] == "-"  # some write the sign of a number behind it
    match = _CLOCK.fullmatch(text[:-1] if is_behind else text)
    if match is None:
        return
    sign, *numbers, part, half = match.groups()
    rest = float(f"0{part or ''}".replace(",", "."))
    hours, minutes, seconds = (_held(int(number or 0)) for number in numbers)
    for hour in hours:
        shown = hour % 12 + (12 if half.lower() == "p" else 0) if half else hour
        for minute in minutes:
            for second in seconds:
                whole = shown * _OF_AN_HOUR + minute * 60 + second + rest
                yield -whole if sign or is_behind else whole


def _held(number: int) -> set[int]:
    if number < _OF_HOURS:
        return {number}
    return {number, number % _OF_HOURS} if number < _MOST_HOURS else {0, number % _OF_HOURS}


# -- days
def _is_day(text: str, cell: Any) -> bool:
    told = list(_days_told(cell))
    if not told:
        return False
    shift, time = 0, None
    if match := _WITH_TIME.fullmatch(text):
        total = next(_seconds(match[2]), 0.0)
        text, shift, time = match[1], int(total // _OF_A_DAY), total % _OF_A_DAY
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    words = re.findall(r"[^\W\d_]+", text)
    if not 1 <= len(numbers) <= 3 or len(words) > 2 or (len(words) == 2 and len(numbers) > 2):
        return False
    months = {month for word in words if (month := month_named(word))}
    if words and not months:
        return False
    return any(
        (when is None or time is None or abs(when - time) < 1)
        and _consists_of(numbers, months, day - datetime.timedelta(days=shift))
        for day, when in told
    )


def _days_told(cell: Any) -> Iterator[tuple[datetime.date, float | None]]:
    """Yield the days of a cell, with their seconds where it shows any."""
    for day in days_of(cell) if not isinstance(cell, (int, float)) else ():
        since = day.time and datetime.datetime.combine(datetime.date.min, day.time)
        yield day.day, (since - datetime.datetime.min).total_seconds() if since else None
    for other in days_without_year(cell) if isinstance(cell, str) else ():
        yield other, None


def _consists_of(numbers: Sequence[int], months: set[int], day: datetime.date) -> bool:
    """Tell whether a text of some numbers, and the name of a month, is a day.

    A spreadsheet adds the year, or the first of the month, where the text has none.
    """
    if months and months != {day.month}:
        return False
    years = {day.year, day.year % 100}
    parts: list[set[int]] = [{day.day}, years] if months else [{day.day}, {day.month}, years]
    for order in itertools.permutations(parts, len(numbers)) if len(numbers) <= len(parts) else ():
        has_day = parts[0] in order or day.day == 1
        has_month = bool(months) or parts[1] in order
        if has_day and has_month and all(n in part for n, part in zip(numbers, order, strict=True)):
            return True
    return False
