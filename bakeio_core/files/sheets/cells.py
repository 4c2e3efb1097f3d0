"""What stands in the cells of a sheet besides values: guarded texts, and what the sheet is of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

ABOUT = "_about"
"""The first word of the heading that says what a sheet is of; its column is empty."""
_TOLD = (
    "view_name",
    "for_reading",
    "view_version",
    "export_id",
    "database_id",
    "exported_at",
    "record_count",
    "log_of",
)
_RUNS = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_GUARDED = re.compile("''*[=+\\-@\t\r\n＝＋－＠]")


def guarded(texts: Sequence[Any]) -> Sequence[Any]:
    """Return the cells of a column so that no spreadsheet runs one of them as a formula.

    A text that one would run gets an apostrophe in front (as OWASP advises on CSV injection).
    `unguarded` takes it off again, so that every text comes back exact.
    """
    if not any(map(_RUNS.match, [text for text in texts if type(text) is str])):
        return texts
    return [f"'{text}" if isinstance(text, str) and _RUNS.match(text) else text for text in texts]


def unguarded(text: str) -> str:
    """Return a text without what `guarded` puts in front of it."""
    return text[1:] if text[:1] == "'" and _GUARDED.match(text) else text


def flat(cell: Any) -> Any:
    """Return a list or an object as JSON, everything else as it is."""
    return msgspec.json.encode(cell).decode() if isinstance(cell, (list, dict)) else cell


def about(header: Mapping[str, Any]) -> str:
    """Return a heading that says of a sheet what the header of a document does."""
    told = [f"{name}={header[name]}" for name in _TOLD if header.get(name) is not None]
    missing = header.get("missing")
    told += [f"missing={','.join(missing)}"] if missing else []
    return " ".join([ABOUT, *told])


def told_of(heading: str) -> dict[str, Any]:
    """Return the header that a heading made by `about` tells; a number where it is one."""
    told: dict[str, Any] = {}
    for word in heading.split()[1:]:
        name, _, value = word.partition("=")
        if name == "missing":
            told[name] = value.split(",")
        elif name in _TOLD and value:
            is_count = name == "record_count" and value.isdecimal() and len(value) < 12
            told[name] = int(value) if is_count else value
    return told
