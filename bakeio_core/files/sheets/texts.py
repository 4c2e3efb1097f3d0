"""What a text may have been before a spreadsheet took it for a number, a day, a time or a truth."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from bakeio_core.files.sheets.days import days_of, days_without_year, texts_of_days

MOST_DIGITS = 20
"""Digits of the longest code that zeros are put in front of."""
EXACT = ".15g"
"""How many digits a spreadsheet keeps of a number (IEEE 754: DBL_DIG)."""
NOISE = 1e-13
"""How far a sum of a spreadsheet is from what was meant at most, as a part of it: a few of the
units in the 15th digit. Whatever differs by more was typed by somebody."""
_LARGEST_PART = 99
"""Parts of a number are shown in two digits at most, `1 1/2`."""
NO_ZEROS = "zeros in front lost"
AS_NUMBER = "read as a number"
AS_DAY = "a date made of text"
AS_TIME = "a time made of text"
AS_TRUTH = "read as true or false"
_DECIMAL = re.compile(r"([+-]?\d+)[.,](\d+)", re.ASCII)
EXPONENT = re.compile(r"([+-]?\d+)(?:[.,](\d+))?E([+-]?)0*(\d+)", re.ASCII | re.IGNORECASE)
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
Ways = Iterator[tuple[Any, str, tuple[str, str] | None, bool]]
"""What `Kind.read` may take, how it is read, what that supposes, whether it needs no proof."""


def texts_of(cell: Any) -> Ways:
    """Yield the texts a cell may mean, as `Kind.read` takes them."""
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
    if text.isascii() and text.isdecimal():
        for length in range(len(text) + 1, MOST_DIGITS + 1):
            yield text.zfill(length), NO_ZEROS, None, False
    is_whole = is_typed or text.isdecimal()
    for number in _with_decimals(text) or (_as_whole_number(text) if is_whole else []):
        yield number, AS_NUMBER, None, False
    if len(text) <= MOST_DIGITS and (_DECIMAL.fullmatch(text) or text.isdecimal()):
        yield from _spelled_amounts(Decimal(text.replace(",", ".")))
    if text.endswith("%"):
        yield f"{text[:-1].rstrip()} %", AS_NUMBER, None, False
    for number in _with_powers(text):
        yield number, AS_NUMBER, None, False
    if text.lower() in SHOWN_TRUTHS:
        yield from _spelled_truths(SHOWN_TRUTHS[text.lower()])
    for day in [*(known.day for known in days_of(text)), *days_without_year(text)]:
        for spelled in texts_of_days(day):
            yield spelled, AS_DAY, None, False
    if match := _CLOCK.fullmatch(text):
        hour, half = int(match[1]), (match[4] or "").lower()
        hour = hour % 12 + (12 if half == "p" else 0) if half else hour
        yield from _clocks(hour, int(match[2]), int(match[3] or 0))


def _with_decimals(text: str) -> list[str]:
    """Return a number with decimals as it may have been written, with zeros at its end."""
    match = _DECIMAL.fullmatch(text)
    ends = [mark + "{}" + "0" * zeros for zeros in range(4) for mark in ".,"]
    return [match[1] + end.format(match[2]) for end in ends] if match else []


def _as_whole_number(text: str) -> list[str]:
    """Return digits as a whole number may have been written: with decimals, or a power of ten."""
    ends = [text + end for end in (".0", ".00", ",00", ".000")]
    for zeros in range(1, len(text) - len(text.rstrip("0")) + 1):
        powers = (f"E{zeros}", f"e{zeros}", f"E+{zeros}", f"E+{zeros:02}", f"E{zeros:02}")
        ends += [text[:-zeros] + power for power in powers]
    return ends


def _with_powers(text: str) -> Iterator[str]:
    """Yield a number with a power of ten as it may have been written."""
    match = EXPONENT.fullmatch(text)
    if match is None:
        return
    decimals = (match[2] or "").rstrip("0")
    for kept in dict.fromkeys((match[2], decimals)):
        whole = match[1] + (f".{kept}" if kept else "")
        for sign in ("E", "e", "E+", "e+", "E-", "e-"):
            for power in (match[4], match[4].zfill(2)):
                yield f"{whole}{sign}{power}"


def _spelled_amounts(number: Decimal) -> Ways:
    """Yield texts of which a spreadsheet may have made a number: amounts, parts, small ones."""
    shown, part = f"{number.normalize():f}", f"{(number * 100).normalize():f}"
    spelled = [f"{sign}{shown}" for sign in "$€£"] + [f"{shown} €", f"{shown}€"]
    spelled += [f"{part}%", f"{part} %"]
    whole, rest = divmod(number, 1)
    parts = Fraction(rest).limit_denominator(_LARGEST_PART)
    if rest and abs(float(parts) - float(rest)) < NOISE:
        spelled.append(f"{whole} {parts}")
    power = number.adjusted()
    if number and power < 0:
        mantissa = f"{number.scaleb(-power).normalize():f}"
        for sign in ("E-", "e-"):
            spelled += [f"{mantissa}{sign}{-power}", f"{mantissa}{sign}{-power:02}"]
    for text in spelled:
        for one in dict.fromkeys((text, text.replace(".", ","))):
            yield one, AS_NUMBER, None, False


def _clocks(hour: int, minute: int, second: int) -> Ways:
    """Yield texts of which a spreadsheet may have made a time of day, or a number of hours."""
    rest = [f"{minute:02}:{second:02}", *([f"{minute:02}"] if not second else [])]
    half = "AM" if hour < 12 else "PM"
    for width in range(1, 4):  # numbers beside one another, as of a name made of two
        yield f"{hour:0{width}} {minute:02}:{second:02}", AS_TIME, None, False
        yield f"{hour:02}:{minute:02} {second:0{width}}", AS_TIME, None, False
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
