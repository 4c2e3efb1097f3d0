"""Say a value, and what is wrong with one, in the words of a message."""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable, Sequence
from typing import Any

Note = Callable[[str], None]


class BadValue(ValueError):
    """A value that cannot be taken: the text says what is wrong with it and how to write it."""


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


def said(value: Any) -> str:
    """Return a value as words are read from it: a number without a needless point."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def whole(value: Any) -> Any:
    """Return a value as JSON can hold it, a text whole however long; a Decimal stays one."""
    return value if isinstance(value, (str, decimal.Decimal)) else jsonable(value)


def jsonable(value: Any) -> Any:
    """Return a value as it can stand in a JSON report: short, no Decimal, NaN as text."""
    if isinstance(value, (str, int, bool)) or value is None:
        return value if not isinstance(value, str) or len(value) <= 200 else value[:199] + "…"
    return shown(value, 200).strip('"')


def escapes_nul(data: bytes) -> bool:
    """Tell whether JSON may hold an escaped NUL character.

    To split at backslashes is several times as fast as to search for the whole escape.
    """
    return b"\\" in data and any(part.startswith(b"u0000") for part in data.split(b"\\"))


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
