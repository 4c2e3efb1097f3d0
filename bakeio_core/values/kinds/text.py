"""Kinds of text, true and false, identifiers, bytes, and the characters texts can have."""

from __future__ import annotations

import base64
import codecs
import decimal
import json
import math
import random
import re
import uuid as uuids
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from bakeio_core.errors import Advice
from bakeio_core.values.bounds import Bounds
from bakeio_core.values.folding import padded
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.wording import BadValue, Note, shown

_TEXTS = {str, type(None)}
_TRUTHS = dict.fromkeys(("true", "t", "yes", "y", "on"), True) | dict.fromkeys(
    ("false", "f", "no", "n", "off"), False
)
"""The words other programs write for true and false."""


MOST_OF_A_STAND_IN = 12
"""How many characters a stand-in has at most: fifty random bits behind a sign."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _in_digits(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, len(_DIGITS))
        digits += _DIGITS[digit]
    return digits


class Text(Kind):
    """Text, of a length where the column says so."""

    is_code = False
    """Whether it is a standard article number, equal however it is padded."""

    typed = True
    noun = "text"

    def __init__(self, length: int | None = None) -> None:
        self.length = length
        self.fast = Annotated[str, msgspec.Meta(max_length=length)] if length else str

    def stand_ins(self, count: int) -> list[str]:
        """Return texts to stand for unique values that change hands; none where too few fit."""
        width = min(self.length or MOST_OF_A_STAND_IN, MOST_OF_A_STAND_IN) - 1
        known = range(len(_DIGITS) ** max(width, 0))
        if count * 10 > len(known):
            return []
        return [f"~{_in_digits(number, width)}" for number in random.sample(known, count)]

    def read(self, value: object, note: Note) -> str:
        if not isinstance(value, str):
            if isinstance(value, (int, decimal.Decimal, float)) and not isinstance(value, bool):
                # nobody means the .0 that a program puts behind a code
                meant = shown(value).removesuffix(".0")
                message = (
                    f"{shown(value)} is a number, but text is expected: "
                    f'write it in quotes, "{meant}", zeros in front too'
                )
                raise BadValue(Advice(message, meant))
            remedy = ": write one value" if isinstance(value, list) else ""
            raise BadValue(f"{shown(value)} is not text{remedy}")
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
        return value

    def same(self, one: Any, other: Any) -> bool:
        return bool(one == other) or (self.is_code and padded(one) == padded(other) != "")

    def stored(self, value: Any) -> Any:
        if isinstance(value, bytes):
            raise BadValue(f"holds bytes that are not text, {shown(value)}")
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

    def kept(self, value: Any) -> Any:
        return self.kept_as_stored(value)

    def tidied(self, cells: Sequence[Any]) -> Sequence[Any]:
        try:
            text = "".join(cells)
        except TypeError:  # a null, or what is not a text
            if not set(map(type, cells)) <= _TEXTS:
                return super().tidied(cells)
            text = "".join(filter(None, cells))
        return super().tidied(cells) if "\0" in text else cells

    def all_valid(self, values: Sequence[Any]) -> bool:
        return True

    def schema(self) -> dict[str, Any]:
        out: dict[str, Any] = {"type": "string"}
        if self.length:
            out["maxLength"] = self.length
        return out


class RuledText(Text):
    """Text of which a CHECK constraint says which texts, or how long ones, are taken."""

    def __init__(self, length: int | None, bounds: Bounds) -> None:
        super().__init__(length)
        self.bounds, self.typed = bounds, False

    def read(self, value: object, note: Note) -> str:
        text = super().read(value, note)
        self.bounds.check(text)
        return text

    def all_valid(self, values: Sequence[Any]) -> bool:
        try:
            for value in set(values) - {None}:
                self.bounds.check(value)
        except BadValue:
            return False
        return super().all_valid(values)

    @property
    def is_checked(self) -> bool:
        return bool(self.bounds)

    def check_range(self, wire: Any) -> None:
        self.bounds.check(wire)

    def schema(self) -> dict[str, Any]:
        out = super().schema() | self.bounds.schema()
        if self.length and "maxLength" in out:
            out["maxLength"] = min(self.length, out["maxLength"])
        return out


_ANY = Text()
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
    """A column of SQLAlchemy's `Uuid` type.

    Args:
        as_uuid: Whether the type takes and gives objects, not texts.
        is_native: Whether a database that has a type for them stores them as that.
    """

    sql_convertible = False
    noun = "a UUID"

    def __init__(self, as_uuid: bool = True, is_native: bool = True) -> None:
        self.as_uuid, self.is_native = as_uuid, is_native

    def read(self, value: object, note: Note) -> str:
        try:
            return str(uuids.UUID(value))  # type: ignore[arg-type]
        except (ValueError, TypeError, AttributeError):
            raise BadValue(f"{shown(value)} is not a UUID") from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "uuid"}

    def to_python(self, value: Any) -> Any:
        return uuids.UUID(value) if self.as_uuid and value is not None else value

    def from_python(self, value: Any) -> Any:
        return None if value is None else str(uuids.UUID(str(value)))


class Verbatim(Kind):
    """What only the database has a type for: files have it as the database writes it."""

    sql_convertible = False
    as_text = True
    noun = "a text as the database writes it"

    def read(self, value: object, note: Note) -> Any:
        if isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool):
            return self.from_json(value)
        return _ANY.read(value, note)

    def from_driver(
        self, declared: TypeEngine[Any], dialect: Dialect, codes: Mapping[type, int]
    ) -> Callable[[Any], Any]:
        return self.from_text

    def to_driver(self, declared: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any]:
        return self.to_text

    def from_text(self, cell: Any) -> Any:
        if cell is None or (isinstance(cell, (int, float)) and math.isfinite(cell)):
            return cell
        if isinstance(cell, str):
            return _ANY.stored(cell)
        raise BadValue(f"{shown(cell)} is not a text")

    def to_text(self, wire: Any) -> Any:
        return wire


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


_OTHERWISE = ((r"WIN(\d+)", r"cp\1"), (r"KOI8([RU])", r"koi8_\1"))
"""What databases call encodings otherwise than Python does."""


@dataclass(frozen=True)
class Charset:
    """The characters of an encoding.

    Attributes:
        name: What the database calls it.
        codec: What Python calls it.
    """

    name: str
    codec: str

    @classmethod
    def of(cls, name: str) -> Charset | None:
        """Return that of an encoding by its name; None where it has all, or nobody can tell."""
        called = name
        for theirs, ours in _OTHERWISE:
            called = re.sub(theirs, ours, called)
        try:
            codec = codecs.lookup(called).name
        except LookupError:
            return None
        return None if codec == "utf-8" else cls(name, codec)

    def has_all(self, data: bytes) -> bool:
        """Tell whether there is a place for all that JSON holds, without escapes."""
        if b"\\u" in data:
            return False
        try:
            return data.isascii() or bool(data.decode().encode(self.codec))
        except UnicodeError:
            return False

    def check(self, value: Any) -> None:
        """Look at a wire value.

        Raises:
            BadValue: It has a character that the database has no place for.
        """
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        if not isinstance(value, str) and "\\u" in text:
            text = json.dumps(value, default=str, ensure_ascii=False)
        try:
            text.encode(self.codec)
        except UnicodeEncodeError as error:
            raise BadValue(
                f"{shown(value)} has {shown(text[error.start])}, for which this database has no "
                f"place (it is encoded in {self.name}): write it otherwise"
            ) from None

    def nearest(self, text: str) -> str:
        """Return a text with escapes in place of what the database has no place for."""
        return text.encode(self.codec, "backslashreplace").decode(self.codec)
