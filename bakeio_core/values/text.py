"""Kinds of text, true and false, identifiers, bytes and JSON."""

from __future__ import annotations

import base64
import decimal
import json
import uuid as uuids
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from bakeio_core.values.folding import padded
from bakeio_core.values.kind import Kind
from bakeio_core.values.wording import BadValue, Note, shown

_TEXTS = {str, type(None)}
_TRUTHS = dict.fromkeys(("true", "t", "yes", "y", "on"), True) | dict.fromkeys(
    ("false", "f", "no", "n", "off"), False
)
"""The words other programs write for true and false."""


class Text(Kind):
    """Text, of a length or among choices where the column says so."""

    is_code = False
    """Whether it is a standard article number, equal however it is padded."""

    noun = "text"

    def __init__(self, length: int | None = None, choices: Sequence[str] | None = None) -> None:
        self.length, self.choices, self.typed = length, choices, choices is None
        self.fast = Annotated[str, msgspec.Meta(max_length=length)] if length else str

    def read(self, value: object, note: Note) -> str:
        if not isinstance(value, str):
            if isinstance(value, (int, decimal.Decimal, float)) and not isinstance(value, bool):
                raise BadValue(
                    f"{shown(value)} is a number where text is wanted: "
                    f'write it in quotes, "{shown(value)}", zeros in front too'
                )
            raise BadValue(f"{shown(value)} is not text")
        if "\0" in value:
            raise BadValue("holds a NUL character, which databases cannot store: remove it")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadValue(
                "holds half of a surrogate pair (a broken emoji or symbol): "
                "write the character again"
            ) from None
        if self.length and len(value) > self.length:
            raise BadValue(f"{len(value)} characters: at most {self.length} fit")
        if self.choices is not None and value not in self.choices:
            raise BadValue(f"{shown(value)} is not one of {', '.join(map(shown, self.choices))}")
        return value

    def same(self, one: Any, other: Any) -> bool:
        return bool(one == other) or (self.is_code and padded(one) == padded(other) != "")

    def stored(self, value: Any) -> Any:
        if isinstance(value, bytes):
            raise BadValue(f"holds bytes that are no text, {shown(value)}")
        if not isinstance(value, str):
            return str(value)
        if "\0" in value:
            raise BadValue("holds a NUL character, which no text of a file can hold")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise BadValue("holds half of a surrogate pair") from None
        return value

    def tidied(self, cells: Sequence[Any]) -> Sequence[Any]:
        try:
            text = "".join(cells)
        except TypeError:  # a null, or what is no text
            if not set(map(type, cells)) <= _TEXTS:
                return super().tidied(cells)
            text = "".join(filter(None, cells))
        return super().tidied(cells) if "\0" in text else cells

    def all_valid(self, values: Sequence[Any]) -> bool:
        return self.choices is None or set(values) <= {*self.choices, None}

    def schema(self) -> dict[str, Any]:
        out: dict[str, Any] = {"type": "string"}
        if self.length:
            out["maxLength"] = self.length
        if self.choices is not None:
            out["enum"] = list(self.choices)
        return out


_BITS = {0: False, 1: True, None: None}


class Boolean(Kind):
    """True and false."""

    typed = True
    noun = "true or false"
    fast = bool

    def read(self, value: object, note: Note) -> bool:
        if isinstance(value, bool):
            return value
        raise BadValue(f"{shown(value)} is not true or false (without quotes)")

    def stored(self, value: Any) -> Any:
        if isinstance(value, (bool, int, float)) and value in (0, 1):
            return bool(value)
        truth = _TRUTHS.get(value.strip().lower()) if isinstance(value, str) else None
        if truth is None:
            raise BadValue(f"{shown(value)} is not true or false")
        return truth

    def tidied(self, cells: Sequence[Any]) -> Sequence[Any]:
        try:
            return list(map(_BITS.__getitem__, cells))
        except KeyError:
            return super().tidied(cells)

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def from_python(self, value: Any) -> Any:
        return None if value is None else bool(value)


class Identifier(Kind):
    """A column of SQLAlchemy's `Uuid` type."""

    sql_convertible = False
    noun = "a UUID"

    def read(self, value: object, note: Note) -> str:
        try:
            return str(uuids.UUID(value))  # type: ignore[arg-type]
        except (ValueError, TypeError, AttributeError):
            raise BadValue(f"{shown(value)} is not a UUID") from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "uuid"}

    def to_python(self, value: Any) -> Any:
        return None if value is None else uuids.UUID(value)

    def from_python(self, value: Any) -> Any:
        return None if value is None else str(value)


class Bytes(Kind):
    """Binary data, as base64 (RFC 4648) in files."""

    sql_convertible = False
    noun = "base64 text"

    def read(self, value: object, note: Note) -> str:
        try:
            data = base64.b64decode(value, validate=True)  # type: ignore[arg-type]
            return base64.b64encode(data).decode()
        except (ValueError, TypeError):
            raise BadValue(f"{shown(value)} is not base64 text") from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "contentEncoding": "base64"}

    def to_python(self, value: Any) -> Any:
        return None if value is None else base64.b64decode(value)

    def from_python(self, value: Any) -> Any:
        return None if value is None else base64.b64encode(value).decode()


class Json(Kind):
    """A JSON column: any JSON value."""

    is_scalar = False
    sql_convertible = False
    typed = True

    def read(self, value: object, note: Note) -> Any:
        return without_decimals(value)

    def all_valid(self, values: Sequence[Any]) -> bool:
        return True

    def same(self, one: Any, other: Any) -> bool:
        return bool(one == other) and json.dumps(one, sort_keys=True) == json.dumps(
            other, sort_keys=True
        )  # true is not 1


def without_decimals(value: object) -> Any:
    """Return a value read from JSON with floats for its Decimals, in lists and objects too."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, list):
        return [without_decimals(item) for item in value]
    if isinstance(value, dict):
        return {key: without_decimals(item) for key, item in value.items()}
    return value
