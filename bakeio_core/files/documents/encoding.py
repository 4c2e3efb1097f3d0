"""Records as JSON: one a line, numbers as they were read."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import msgspec

from bakeio_core.values.wording import shown

CLOSE = b"\n  ]\n}\n"


def pretty(value: Any) -> bytes:
    """Return JSON for people: two spaces, UTF-8, a line feed at the end."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


def opened_document(header: dict[str, Any]) -> bytes:
    """Return a document up to its first record: the header, then the opened list of records."""
    return pretty(header)[:-3] + b',\n  "records": [\n'


_ENCODER = msgspec.json.Encoder(decimal_format="number")


def encode_lines(records: list[Any]) -> bytes:
    """Return records as JSON, joined by a comma and a line feed."""
    return _ENCODER.encode_lines(records)[:-1].replace(b"\n", b",\n")


def encode_as_read(value: Any) -> bytes:
    """Return a value that was read from JSON as JSON again.

    Numbers keep their digits, halves of surrogate pairs stay escapes.
    """
    if isinstance(value, dict):
        return (
            b"{"
            + b",".join(
                [
                    json.dumps(name).encode() + b":" + encode_as_read(item)
                    for name, item in value.items()
                ]
            )
            + b"}"
        )
    if isinstance(value, list):
        return b"[" + b",".join([encode_as_read(item) for item in value]) + b"]"
    if isinstance(value, (float, Decimal)) and not math.isfinite(value):
        return json.dumps(
            shown(value)
        ).encode()  # no JSON; in quotes it is refused when it comes back, as it was
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value).encode()
