"""What a person may write for a number or a day that cannot be taken: the same meaning, or nothing.

A hint is followed without a second look, so it never drops a sign, a multiplier or a doubt.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date

from bakeio_core.values.folding import TYPOGRAPHY

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
"""A longer text than this is no number with something around it."""
_PARTS = re.compile(r"(\d{1,4})([/. -])(\d{1,2})\2(\d{4}|\d{1,2})", re.ASCII)
_DIGITS_ONLY = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)


def plain(text: str) -> str:
    """Return a text with ASCII digits, dashes and spaces, whatever alphabet it was written in."""
    folded = unicodedata.normalize("NFKC", text.translate(TYPOGRAPHY)).translate(TYPOGRAPHY)
    digits = (str(unicodedata.decimal(c, c)) if not c.isascii() else c for c in folded)
    return " ".join("".join(digits).split())


def number_hint(value: str) -> str:
    """Return how a text that is no number may be written, empty where that is not sure.

    Args:
        value: The text as it stands in the file.
    """
    if len(value) > MOST:
        return ""
    text = plain(value)
    if signed := _SIGNED.fullmatch(text):
        return f": write {signed[1].replace('+', '')}{signed[2]}"
    amount = _AMOUNT.fullmatch(text)
    if amount is None or _MULTIPLIES.search(amount["rest"]):
        return ""
    number, sign = amount["number"], amount["sign"]
    without = re.sub(r"[,' ]", "", number)
    if _GROUPED.fullmatch(number) and _WITH_COMMA.fullmatch(number):
        return f": write {sign}{without} or {sign}{number.replace(',', '.')}, whichever is meant"
    if _WITH_COMMA.fullmatch(number):
        return f": write {sign}{number.replace(',', '.')} (with a point)"
    if _GROUPED_BY_POINTS.fullmatch(number):
        whole, _, decimals = number.rpartition(",")
        return f": write {sign}{re.sub(r'[^0-9]', '', whole)}.{decimals} (with a point)"
    if re.fullmatch(r"\d+(\.\d+)?", number) or _GROUPED.fullmatch(number):
        return f": write {sign}{without} (digits only, no currency or unit)"
    return ""


def day_hint(value: str) -> str:
    """Return which days a text that is none may mean, empty where it may mean none.

    Args:
        value: The text as it stands in the file.
    """
    text = plain(value)
    days = list(dict.fromkeys(day.isoformat() for day in _days(text)))
    if not days:
        return ""
    return f"write {' or '.join(days)}" + (", whichever is meant" if len(days) > 1 else "")


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
