"""Barcodes (GTIN-8, -12, -13, -14): is the check digit right, and was only a zero lost in front?"""

from __future__ import annotations

from typing import Any

from bakeio_core import Problem


def check_digit_is_right(digits: str) -> bool:
    """Tell whether the last digit is the check digit of the others.

    The weights are 3 and 1 from the right (GS1 General Specifications, section 7.9).
    """
    return (sum(map(int, digits[::-2])) + 3 * sum(map(int, digits[-2::-2]))) % 10 == 0


def gtin(old: Any, new: Any) -> str | Problem:
    """Return a new barcode as it is to be stored, or the problem with it.

    Eleven digits that are a valid UPC-A with a zero in front get it back. A wrong check digit is
    refused, because a barcode somebody made up is worse than none. Other lengths and codes with
    letters are a shop's own and taken as they are.
    """
    text = str(new)
    if not (text.isascii() and text.isdigit()):
        return text
    if len(text) == 11 and check_digit_is_right("0" + text):
        return "0" + text
    if len(text) in (8, 12, 13, 14) and not check_digit_is_right(text):
        message = f"{text} is not a valid barcode: its check digit is wrong"
        return Problem(code="check", message=f"{message}. Read it again, or leave it null")
    return text
