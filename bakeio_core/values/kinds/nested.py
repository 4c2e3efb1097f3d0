"""Kinds of values that hold other values: JSON documents, arrays."""

from __future__ import annotations

import decimal
import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ARRAY, JSON
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.wording import BadValue, Note, shown

DEEPEST = 96
"""Lists and objects nested deeper than this are in no file: readers of files take 100 levels."""
MOST_DIGITS = 40
"""Whole numbers of more digits are read as decimals, as from files."""
AS_JSON = "$json"
"""`{"$json": null}` is the null of JSON, where null is that of the database."""


class Json(Kind):
    """A JSON document, as its text is stored.

    A database tells its own null from a document that is `null`; files say `{"$json": null}` for
    the latter. A document that is itself an object of that one field is wrapped in another.
    """

    is_scalar = False
    sql_convertible = False
    as_text = True
    typed = True
    noun = "a JSON document"

    def read(self, value: object, note: Note) -> Any:
        found = _unwrapped(exact(value))
        _check_texts(found)
        return _wrapped(found)

    def all_valid(self, values: Sequence[Any]) -> bool:
        return True

    def same(self, one: Any, other: Any) -> bool:
        return is_same(one, other)

    def to_python(self, value: Any) -> Any:
        return _unwrapped(value)

    def from_python(self, value: Any) -> Any:
        return None if value is None else self.to_wire(value)

    @staticmethod
    def to_wire(value: Any) -> Any:
        """Return the wire value of a document; of None, which is its null, too."""
        return _wrapped(None if value is JSON.NULL else exact(value))

    def from_driver(
        self, declared: TypeEngine[Any], dialect: Dialect, codes: Mapping[type, int]
    ) -> Callable[[Any], Any]:
        return self.from_text

    def to_driver(self, declared: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any]:
        return self.to_text

    def to_text(self, wire: Any) -> str:
        return json_text(_unwrapped(wire))

    def from_text(self, cell: Any) -> Any:
        """Return the wire value of a stored text.

        Args:
            cell: What the driver gives; SQLite stores a document that is a number as a number.

        Raises:
            BadValue: It is not JSON, or some that a file cannot hold as it is.
        """
        if cell is None:
            return None
        if isinstance(cell, bytes):
            raise BadValue(f"holds bytes, {shown(cell)}, where the text of a document is expected")
        text = cell if isinstance(cell, str) else repr(cell)
        try:
            found = json.loads(text, **_HOOKS)
        except BadValue:
            raise
        except (ValueError, ArithmeticError, RecursionError):
            raise BadValue(f"{shown(text)} is not JSON") from None
        if _depth(found) > DEEPEST:
            raise BadValue("holds lists and objects nested too deeply for a file")
        if "\\u" in text or not text.isascii():
            _check_texts(found)
        return _wrapped(found)

    def from_json(self, value: Any) -> Any:
        return exact(value)


class Array(Kind):
    """A list of values of one kind, or of such lists, as some databases store them.

    Args:
        declared: The type.
        item: The kind of the values.
    """

    is_scalar = False
    sql_convertible = False
    noun = "a list"

    def __init__(self, declared: ARRAY[Any], item: Kind) -> None:
        self.declared, self.item = declared, item

    def read(self, value: object, note: Note) -> list[Any]:
        if not isinstance(value, list):
            raise BadValue(f"{shown(value)} is not a list: write [...]")
        read = partial(self.item.read, note=note)
        return [self._each(read, item) for item in value]

    def _each(self, make: Callable[[Any], Any], value: Any) -> Any:
        if isinstance(value, (list, tuple)) and not isinstance(self.item, Json):
            return [self._each(make, item) for item in value]
        return None if value is None else make(value)

    def same(self, one: Any, other: Any) -> bool:
        return is_same(one, other)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {} if self.declared.dimensions else self.item.schema()}

    def to_python(self, value: Any) -> Any:
        return self._each(self.item.to_python, value)

    def from_python(self, value: Any) -> Any:
        return self._each(self._item, value)

    def type_of_parameters(self, dialect: Dialect) -> str:
        # a list of texts is not taken for one of another type
        return self.declared.compile(dialect=dialect)

    def code(self, codes: Mapping[type, int]) -> int | None:
        return self.item.code(codes)

    def _item(self, value: Any) -> Any:
        return self.item.stored(self.item.from_python(value))

    def from_json(self, value: Any) -> Any:
        return self._each(self.item.from_json, value)


def _wrapped(value: Any) -> Any:
    return {AS_JSON: value} if value is None or _is_wrapper(value) else value


def _unwrapped(value: Any) -> Any:
    return value[AS_JSON] if _is_wrapper(value) else value


def _is_wrapper(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == [AS_JSON]


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadValue(f"holds an object in which {shown(twice)} appears twice")
    return found


def _number(text: str) -> float | decimal.Decimal:
    return exact_number(decimal.Decimal(text))


def _whole(text: str) -> int | float | decimal.Decimal:
    return exact_whole(int(text)) if len(text) <= MOST_DIGITS else _number(text)


def _no_number(name: str) -> Any:
    raise BadValue(f"holds {name}, which no JSON has")


def is_same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON: 5 is 5.0, true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


_HOOKS: dict[str, Any] = {
    "object_pairs_hook": _named_once,
    "parse_float": _number,
    "parse_int": _whole,
    "parse_constant": _no_number,
}


def exact_number(number: decimal.Decimal) -> float | decimal.Decimal:
    """Return the double that is written as this number, the number itself where there is none."""
    if not number.is_finite():
        _no_number(shown(number))
    double = float(number)
    return double if decimal.Decimal(repr(double)) == number else number


def exact_whole(number: int) -> int | float | decimal.Decimal:
    """Return a whole number as JSON of 64 bits has it, else as `exact_number` does."""
    return number if -(2**63) <= number < 2**63 else exact_number(decimal.Decimal(number))


def exact(value: object) -> Any:
    """Return a value read from JSON with floats for those of its Decimals they are exact for."""
    if isinstance(value, decimal.Decimal):
        return exact_number(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return exact_whole(value)
    if isinstance(value, float) and not math.isfinite(value):
        _no_number(shown(value))
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    return value


def json_text(value: Any) -> str:
    """Return JSON laid out as the standard library does, with all the digits of its numbers."""
    try:
        return json.dumps(value)
    except TypeError:  # a Decimal
        pass
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(json_text, value))}]"
    items = (f"{json.dumps(name)}: {json_text(item)}" for name, item in value.items())
    return f"{{{', '.join(items)}}}"


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, (list, dict))]:
        depth += 1
        level = [
            inner for item in level for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return depth


def _check_texts(found: Any) -> None:
    """Raise BadValue where a document holds half of a surrogate pair, as escapes can write it."""
    try:
        json.dumps(found, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise BadValue("holds half of a surrogate pair (a broken emoji or symbol)") from None
