"""Days as spreadsheets and people write them: in the order of a country, by number, by name."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bakeio_core.values.wording import plain

FIRST = datetime.date(1899, 12, 30)
"""The day that spreadsheets number 0, so that 1 March 1900 is 61 as in all of them."""
_BEHIND_LEAP = 61
"""Below it days are numbered one less: spreadsheets have a 29 February 1900, which never was."""
_ONE = datetime.timedelta(days=1)
SINCE_1904 = 1462
"""By how many days the numbers of old workbooks of the Macintosh are behind."""
_PARTS = re.compile(r"(\d{1,4})([./ -])\s?(\d{1,2})\2\s?(\d{4}|\d{1,2})[.]?", re.ASCII)
_NAMED = re.compile(r"(\d{1,2})[. -]+([a-z]{3,})[. -]+(\d{4}|\d\d)")
_NAMED_FIRST = re.compile(r"([a-z]{3,})[. -]+(\d{1,2}),? +(\d{4})")
_NO_YEAR = re.compile(r"(\d{1,2})[. -]+([a-z]{3,})\.?")
_NO_DAY = re.compile(r"([a-z]{3,})[. -]+(\d\d|\d{4})")
_TIME = re.compile(
    r"(.*?)[T ]+(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,6}))?)?(?: ?([ap])\.?m\.?)?"
    r"(Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
_MONTHS = [
    *["january", "february", "march", "april", "may", "june", "july", "august", "september"],
    *["october", "november", "december"],
]
_SPELLED = {name[:3]: number for number, name in enumerate(_MONTHS, 1)}
_SPELLED |= {"ene": 1, "gen": 1, "sty": 1, "fev": 2, "lut": 2, "mrz": 3, "maa": 3, "mrt": 3}
_SPELLED |= {"avr": 4, "abr": 4, "kwi": 4, "mai": 5, "mag": 5, "mei": 5, "maj": 5, "juin": 6}
_SPELLED |= {"giu": 6, "cze": 6, "juil": 7, "lug": 7, "lip": 7, "aou": 8, "ago": 8, "sie": 8}
_SPELLED |= {"set": 9, "wrz": 9, "okt": 10, "out": 10, "ott": 10, "paz": 10, "lis": 11}
_SPELLED |= {"dez": 12, "dic": 12, "des": 12, "gru": 12}
"""How names of months begin, without accents, in the languages of spreadsheets."""
LONGEST = 80
"""Longer texts are no days, and looking for one in them would take long."""
ELSEWHERE = "midnight of another time zone"
ORDERS = {"ymd": "year{0}month{0}day", "dmy": "day{0}month{0}year", "mdy": "month{0}day{0}year"}


@dataclass(frozen=True)
class Day:
    """A day that a cell may mean, with its time of day where the cell has one.

    `how`, `pattern` and `is_plain` are those of a `Reading`.
    """

    day: datetime.date
    time: datetime.time | None = None
    how: str = ""
    pattern: tuple[str, str] | None = None
    is_plain: bool = True


def days_of(cell: Any) -> Iterator[Day]:
    """Yield the days a cell may mean.

    Args:
        cell: A text, a day, a moment, or the number of a day.
    """
    if isinstance(cell, datetime.datetime):
        yield Day(cell.date(), cell.time(), is_plain=not any(cell.timetuple()[3:6]))
    elif isinstance(cell, datetime.date):
        yield Day(cell)
    elif isinstance(cell, (int, float)) and not isinstance(cell, bool):
        yield from _numbered(float(cell))
    elif isinstance(cell, str) and len(cell) <= LONGEST:
        yield from _spelled(plain(cell))


def number_of(day: datetime.date) -> float:
    """Return the number spreadsheets have for a day, or for a moment."""
    midnight = datetime.datetime.combine(FIRST, datetime.time())
    moment = day if isinstance(day, datetime.datetime) else None
    moment = moment or datetime.datetime.combine(day, datetime.time())
    number = (moment.replace(tzinfo=None) - midnight) / _ONE
    return number if number >= _BEHIND_LEAP else number - 1


def _numbered(number: float) -> Iterator[Day]:
    for days, how in (number, "the number of a day"), (number + SINCE_1904, "since 1904"):
        with suppress(OverflowError, ValueError):
            moment = datetime.datetime.combine(FIRST, datetime.time())
            moment += datetime.timedelta(seconds=round(days * 86_400))
            yield Day(moment.date(), moment.time(), how, ("day", how), is_plain=False)


def _spelled(text: str) -> Iterator[Day]:
    time, is_midnight, zone = None, True, None
    if match := _TIME.fullmatch(text):
        half = (match[6] or "").lower()
        hour = int(match[2]) % 12 + (12 if half == "p" else 0) if half else int(match[2])
        micro = int(((match[5] or "") + "000000")[:6])
        with suppress(ValueError):
            time = datetime.time(hour, int(match[3]), int(match[4] or 0), micro)
            text, is_midnight, zone = match[1].rstrip(", "), time == datetime.time(), match[7]
    is_plain = is_midnight and zone in (None, "Z", "z")
    for year, month, day, how, pattern in _calendar(text):
        with suppress(ValueError):
            full = year + (2000 if year < 70 else 1900) if year < 100 else year
            found = datetime.date(full, month, day)
            yield Day(found, time, how, pattern, is_plain)
            if zone is not None and not is_midnight:
                yield Day(found + _ONE, None, ELSEWHERE, None, is_plain=False)
    if re.fullmatch(r"\d{5}([.,]\d+)?", text):
        yield from _numbered(float(text.replace(",", ".")))


def days_without_year(text: str) -> Iterator[datetime.date]:
    """Yield days of a text that a spreadsheet shows for `7-11` (11-Jul) or `7/2011` (Jul-11)."""
    lower = _without_accents(text) if len(text) <= LONGEST else ""
    with suppress(ValueError):
        if (match := _NO_YEAR.fullmatch(lower)) and (month := _month(match[2])):
            yield datetime.date(2000, month, int(match[1]))
        elif (match := _NO_DAY.fullmatch(lower)) and (month := _month(match[1])):
            yield datetime.date(2000 + int(match[2]) % 100, month, 1)


def _without_accents(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.lower())
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def _calendar(text: str) -> Iterator[tuple[int, int, int, str, tuple[str, str] | None]]:
    """Yield (year, month, day, how it is read, what that supposes) of a text."""
    if any(sign in text for sign in "年月日"):
        text = re.sub("[年月]", "-", text).rstrip("日")
    if match := re.fullmatch(r"(\d{4})(\d\d)(\d\d)", text):
        yield int(match[1]), int(match[2]), int(match[3]), "yearmonthday", None
    if match := _PARTS.fullmatch(text):
        one, mark, two, three = match.groups()
        for order, called in ORDERS.items():
            numbers = dict(zip(order, (one, two, three), strict=True))
            is_year = len(numbers["y"]) == 4 or (len(numbers["y"]) == 2 and order != "ymd")
            is_year = is_year or (len(one) == 2 and mark == "-")
            if is_year and max(len(numbers["m"]), len(numbers["d"])) <= 2:
                is_iso = order == "ymd" and mark == "-" and len(one) == 4
                how = "" if is_iso else called.format(mark)
                pattern = None if len(one) == 4 else (f"day{mark}", order)
                year, month, day = (int(numbers[part]) for part in "ymd")
                yield year, month, day, how, pattern
    lower = _without_accents(text)
    if match := _NAMED.fullmatch(lower):
        if month := _month(match[2]):
            yield int(match[3]), month, int(match[1]), "the name of a month", None
    elif (match := _NAMED_FIRST.fullmatch(lower)) and (month := _month(match[1])):
        yield int(match[3]), month, int(match[2]), "the name of a month", None


def month_named(name: str) -> int:
    """Return the number of the month that a word is the name of, or begins it; 0 for none."""
    return _month(_without_accents(name))


def _month(name: str) -> int:
    return _SPELLED.get(name[:4], 0) or _SPELLED.get(name[:3], 0)


def texts_of_days(day: datetime.date) -> Iterator[str]:
    """Yield texts of which a spreadsheet may have made a day."""
    y, m, d = day.year, day.month, day.day
    yield f"{y:04}-{m:02}-{d:02}"
    for first, second in (d, m), (m, d):
        for mark in ".-/":
            yield f"{first}{mark}{second}"
            yield f"{first:02}{mark}{second:02}"
            yield f"{first}{mark}{second}{mark}{y}"
            yield f"{first:02}{mark}{second:02}{mark}{y}"
            yield f"{first}{mark}{second}{mark}{y % 100:02}"
            yield f"{first:02}{mark}{second:02}{mark}{y % 100:02}"
    yield f"{d}.{m}."
    for mark in "-/.":
        yield f"{m}{mark}{y}"
        yield f"{m:02}{mark}{y}"
        yield f"{y}{mark}{m:02}"
        yield f"{m}{mark}{y % 100:02}"
    names = (_MONTHS[m - 1][:3], _MONTHS[m - 1], *(["sept"] if m == 9 else []))
    spelled = (name for name in names for name in (name, name.capitalize(), name.upper()))
    for month in dict.fromkeys(spelled):
        yield f"{month}{d}"
        yield f"{month} {d}"
        yield f"{month}{y % 100:02}"
        yield f"{month}-{d}"
        yield f"{month}-{d:02}"
        yield f"{d}-{month}"
        yield f"{d} {month}"
        yield f"{d}{month}"
        yield f"{month}-{y % 100:02}"
        yield f"{month} {y}"
        yield f"{month} {y % 100}"
        yield f"{month}-{y % 100}"
