"""What a column holds, in JSON: one `Kind` per column reads what people write, and explains what it cannot take.

Between the files and the database every value has one form, the *wire value*: str, int, float, bool or None, dates as
`YYYY-MM-DD`, instants as `YYYY-MM-DDTHH:MM:SS[.ffffff]Z` (UTC). No arithmetic is done on numbers: a decimal of up to 15
digits keeps its digits as the double next to it (IEEE 754: DBL_DIG is 15), longer ones stay `Decimal`.
"""

from __future__ import annotations

import base64
import json
import math
import re
import uuid as uuids
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, InvalidOperation
from itertools import repeat
from typing import Annotated, Any, ClassVar

import msgspec
from sqlalchemy import CheckConstraint, Column, types

__all__ = ["BadValue", "Kind", "fold", "kind_of", "make_slug", "shown"]

Note = Callable[[str], None]
EXACT_DIGITS = 15
EXACT = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX)
"""For arithmetic that must not round: the usual context keeps 28 digits."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_RANGE = re.compile(r"\s*\"?(\w+)\"?\s*(>=|>|<=|<)\s*(-?\d+(?:\.\d+)?)\s*")


class BadValue(ValueError):
    """A value that cannot be taken: the text says what is wrong with it and how to write it."""


def shown(value: object, most: int = 60) -> str:
    """Return the value as it can be put into a message: JSON-like, short, control characters escaped."""
    if isinstance(value, str):
        text = '"' + printable(value) + '"'
    elif isinstance(value, bool) or value is None:
        text = {True: "true", False: "false", None: "null"}[value]
    elif isinstance(value, Decimal) or (isinstance(value, float) and not math.isfinite(value)):
        text = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value).lower(), str(value))
    elif isinstance(value, dict):
        text = "an object"
    elif isinstance(value, list):
        text = "a list"
    else:
        text = str(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def jsonable(value: Any) -> Any:
    """Return a value as it can stand in a JSON report: short, no Decimal, NaN as text."""
    if isinstance(value, (str, int, bool)) or value is None:
        return value if not isinstance(value, str) or len(value) <= 200 else value[:199] + "…"
    return shown(value, 200).strip('"')


def printable(text: str) -> str:
    """Return the text with everything a terminal could obey shown as an escape (control characters, lone surrogates, bidi marks)."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def shortest(value: Any) -> Any:
    """Return a number as the shortest JSON: whole ones without a point; what is no number (NaN, infinity) as null."""
    if value is None:
        return None
    try:
        whole = int(value)
    except (ValueError, OverflowError):
        return None
    return whole if value == whole else value


def all_shortest(numbers: Sequence[Any]) -> list[Any]:
    """Return `shortest` of each."""
    try:
        if math.isfinite(sum(numbers)):
            return [number if number % 1 else int(number) for number in numbers]
    except (TypeError, OverflowError, InvalidOperation):  # a null, or what is beyond numbers
        pass
    return list(map(shortest, numbers))


class Kind:
    """How one column's values are read, checked and described. Subclasses: one per family of SQLAlchemy types.

    `plain`: the database itself can turn the stored value into the wire value (and back) in SQL.
    `typed`: a value decoded as `fast` is right; the others are looked at by `sound`. `decoded`: what makes its wire value of one decoded as
    `fast`, None where it is that already.
    """

    plain: ClassVar[bool] = True
    typed: bool = False
    fast: Any = Any
    decoded: Callable[[Any], Any] | None = None
    noun: ClassVar[str] = "a value"

    def read(self, value: object, note: Note) -> Any:
        """Return the wire value of what a file holds; `note` is told of every liberty taken. Raises BadValue."""
        raise BadValue(f"{shown(value)} is not {self.noun}")

    def sound(self, values: Sequence[Any]) -> bool:
        """Tell whether wire values decoded by type alone (`fast`) need no second look; None never does."""
        try:
            return all(value is None or self.read(value, lambda note: None) == value for value in values)
        except BadValue:
            return False

    def same(self, one: Any, other: Any) -> bool:
        """Tell whether two wire values are one."""
        return bool(one == other)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of a value that is not null."""
        return {}

    def to_python(self, value: Any) -> Any:
        """Return the object the SQLAlchemy type takes as a parameter for this wire value."""
        return value

    def from_python(self, value: Any) -> Any:
        """Return the wire value of what the SQLAlchemy type gives as a result."""
        return value


class Text(Kind):
    noun = "text"

    def __init__(self, length: int | None = None, choices: Sequence[str] | None = None) -> None:
        self.length, self.choices, self.typed = length, choices, choices is None
        self.fast = Annotated[str, msgspec.Meta(max_length=length)] if length else str

    def read(self, value: object, note: Note) -> str:
        if not isinstance(value, str):
            if isinstance(value, (int, Decimal, float)) and not isinstance(value, bool):
                raise BadValue(f'{shown(value)} is a number where text is wanted: write it in quotes, "{shown(value)}", zeros in front too')
            raise BadValue(f"{shown(value)} is not text")
        if "\0" in value:
            raise BadValue("holds a NUL character, which databases cannot store: remove it")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadValue("holds half of a surrogate pair (a broken emoji or symbol): write the character again") from None
        if self.length and len(value) > self.length:
            raise BadValue(f"{len(value)} characters: at most {self.length} fit")
        if self.choices is not None and value not in self.choices:
            raise BadValue(f"{shown(value)} is not one of {', '.join(map(shown, self.choices))}")
        return value

    def sound(self, values: Sequence[Any]) -> bool:
        return self.choices is None or set(values) <= {*self.choices, None}

    def schema(self) -> dict[str, Any]:
        out: dict[str, Any] = {"type": "string"}
        if self.length:
            out["maxLength"] = self.length
        if self.choices is not None:
            out["enum"] = list(self.choices)
        return out


class Bounds:
    """The range a table's simple CHECK constraints give to a column, such as `size >= 0`."""

    def __init__(self, found: Iterable[tuple[str, Decimal]]) -> None:
        self.rules = list(found)

    def check(self, value: Decimal) -> None:
        words = {">": "more than", ">=": "at least", "<": "less than", "<=": "at most"}
        for sign, limit in self.rules:
            good = {">": value > limit, ">=": value >= limit, "<": value < limit, "<=": value <= limit}[sign]
            if not good:
                raise BadValue(f"{shown(value)} is out of range: must be {words[sign]} {limit}")

    def meta(self, number: type) -> dict[str, Any]:
        names = {">": "gt", ">=": "ge", "<": "lt", "<=": "le"}
        return {names[sign]: number(limit) for sign, limit in self.rules}

    def schema(self) -> dict[str, Any]:
        names = {">": "exclusiveMinimum", ">=": "minimum", "<": "exclusiveMaximum", "<=": "maximum"}
        return {names[sign]: int(limit) if limit == limit.to_integral_value() else float(limit) for sign, limit in self.rules}


def _decimal(value: object, noun: str) -> Decimal:
    """Read a number as people and programs write it; never through binary arithmetic."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        raise BadValue(f"{shown(value)} is not {noun}")
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            stripped = re.sub(r"[^\d.,-]", "", value)
            if len(stripped) > 40 or stripped not in value or re.search(r"\d\s*[^\W\d_]+\s*[+-]?\d", value):
                hint = ""  # letters between digits, as in 1e99999 or 2 1/2: leaving them out would make another number
            elif re.fullmatch(r"-?\d+,\d{1,4}", stripped):
                hint = f": write {stripped.replace(',', '.')} (with a point)"
            elif re.fullmatch(r"-?\d+(\.\d+)?", stripped) or re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", stripped):
                hint = f": write {stripped.replace(',', '')} (digits only, no currency or unit)"
            else:
                hint = ""
            raise BadValue(f"{shown(value)} is not {noun}{hint}")
        value = value.lstrip("+")
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise BadValue(f"{shown(value)} is not {noun}") from None
    if not number.is_finite():
        raise BadValue(f"{shown(number)} is not {noun}: write a number, or null where there is none")
    return number


class Whole(Kind):
    typed = True
    noun = "a whole number"

    def __init__(self, low: int, high: int, bounds: Bounds) -> None:
        self.low, self.high, self.bounds = low, high, bounds
        self.fast = Annotated[int, msgspec.Meta(**({"ge": low, "le": high} | bounds.meta(int)))]

    def read(self, value: object, note: Note) -> int:
        number = _decimal(value, self.noun)
        if number.adjusted() > 30 or number != number.to_integral_value():
            raise BadValue(f"{shown(value)} is not a whole number" if number.adjusted() <= 30 else f"{shown(value, 30)} is too large")
        if not self.low <= number <= self.high:
            raise BadValue(f"{shown(value)} is out of range: must be between {self.low} and {self.high}")
        self.bounds.check(number)
        return int(number)

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high} | self.bounds.schema()


class Number(Kind):
    noun = "a number"

    def __init__(self, precision: int | None, scale: int | None, bounds: Bounds) -> None:
        self.precision, self.scale, self.bounds = precision, scale, bounds
        self.limit = Decimal(10) ** (precision - (scale or 0)) if precision else None
        if precision is None or precision > EXACT_DIGITS:
            self.plain = False  # type: ignore[misc]
            self.fast = Decimal
        else:
            limits = {"gt": -float(self.limit or 0), "lt": float(self.limit or 0)}
            names = bounds.meta(float)
            if "ge" in names:
                limits.pop("gt")
            if "le" in names:
                limits.pop("lt")
            self.fast, self.decoded = Annotated[float, msgspec.Meta(**(limits | names))], shortest

    def read(self, value: object, note: Note) -> int | float | Decimal:
        number = _decimal(value, self.noun)
        self.bounds.check(number)
        if self.limit is not None and number.copy_abs() >= self.limit:
            raise BadValue(f"{shown(value, 30)} is too large: must be below {self.limit:f}")
        if number and abs(number.adjusted()) > 1000:
            raise BadValue(f"{shown(value, 30)} is too {'large' if number.adjusted() > 0 else 'small'} to keep")
        number = number.normalize(EXACT)
        decimals = max(0, -int(number.as_tuple().exponent))
        if self.scale is not None and decimals > self.scale:
            raise BadValue(f"{shown(value, 30)} has {decimals} decimals: at most {self.scale} are kept")
        wire: int | float | Decimal = self.from_python(number)
        return wire

    def sound(self, values: Sequence[Any]) -> bool:
        if not self.plain:
            return False
        scale = self.scale or 0
        # round() is correctly rounded from the exact value, so a double of a decimal with more digits never equals its own rounding
        known = list(set(values) - {None})  # most of them repeat
        return list(map(round, known, repeat(scale))) == known

    def schema(self) -> dict[str, Any]:
        out: dict[str, Any] = {"type": "number"}
        if self.limit is not None:
            limit = int(self.limit) if self.limit >= 1 else float(self.limit)
            out |= {"exclusiveMinimum": -limit, "exclusiveMaximum": limit}
        bounds = self.bounds.schema()
        if "minimum" in bounds:
            out.pop("exclusiveMinimum", None)
        return out | bounds

    def to_python(self, value: Any) -> Any:
        return None if value is None else Decimal(repr(value) if isinstance(value, float) else value)

    def from_python(self, value: Any) -> Any:
        if value is None:
            return None
        number = Decimal(repr(value) if isinstance(value, float) else value).normalize(EXACT)
        if number == number.to_integral_value() and number.adjusted() < 18:
            return int(number)
        return float(number) if self.plain else number


class Real(Kind):
    plain = False
    noun = "a number"

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds

    def read(self, value: object, note: Note) -> float:
        number = _decimal(value, self.noun)
        self.bounds.check(number)
        real = float(number)
        if not math.isfinite(real):
            raise BadValue(f"{shown(value, 30)} is too large")
        wire: float = self.from_python(real)
        return wire

    def schema(self) -> dict[str, Any]:
        return {"type": "number"} | self.bounds.schema()

    def from_python(self, value: Any) -> Any:
        return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


class Truth(Kind):
    typed = True
    noun = "true or false"
    fast = bool

    def read(self, value: object, note: Note) -> bool:
        if isinstance(value, bool):
            return value
        raise BadValue(f"{shown(value)} is not true or false (without quotes)")

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def from_python(self, value: Any) -> Any:
        return None if value is None else bool(value)


_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_SLASHED = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})", re.ASCII)


class _Known(dict[str, bool]):
    """Answers remembered, so that each of the few different days and times of a file is looked at once."""

    def __init__(self, pattern: str, valid: Callable[[str], object]) -> None:
        self.pattern, self.valid = re.compile(pattern, re.ASCII), valid

    def __missing__(self, text: str) -> bool:
        try:
            good = bool(self.pattern.fullmatch(text) and self.valid(text))
        except ValueError:
            good = False
        if len(self) > 200_000:
            self.clear()
        self[text] = good
        return good

    def all(self, texts: Iterable[str]) -> bool:
        return all(map(self.__getitem__, texts))


_DAYS = _Known(r"\d{4}-\d\d-\d\d", date.fromisoformat)
_HOURS = {f"{hour:02}" for hour in range(24)}
_DIGITS = str.maketrans("123456789", "000000000")


class Day(Kind):
    noun = "a date"
    fast = str

    def read(self, value: object, note: Note) -> str:
        if not isinstance(value, str):
            raise BadValue(f'{shown(value)} is not a date: write "YYYY-MM-DD"')
        match = _DAY.fullmatch(value)
        if match:
            try:
                date.fromisoformat(value)
            except ValueError:
                raise BadValue(f"{shown(value)} is no day of the calendar") from None
            return value
        slashed = _SLASHED.fullmatch(value.strip())
        if slashed:
            readings = " or ".join(dict.fromkeys(_readings(*map(int, slashed.groups()))))
            raise BadValue(f"{shown(value)} can be read in more than one way: write {readings or 'YYYY-MM-DD'}")
        if re.match(r"\d{4}-\d{2}-\d{2}[T ]", value):
            raise BadValue(f"{shown(value)} is a date with a time: write only {value[:10]}")
        raise BadValue(f"{shown(value)} is not a date: write YYYY-MM-DD")

    def sound(self, values: Sequence[Any]) -> bool:
        return _DAYS.all(set(values) - {None})

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}

    def to_python(self, value: Any) -> Any:
        return None if value is None else date.fromisoformat(value)

    def from_python(self, value: Any) -> Any:
        return value.isoformat()[:10] if isinstance(value, date) else value


def _readings(first: int, second: int, year: int) -> Iterable[str]:
    year += 2000 if year < 100 else 0
    for month, day in ((first, second), (second, first)):
        try:
            yield date(year, month, day).isoformat()
        except ValueError:
            continue


class Instant(Kind):
    noun = "a date and time"
    fast = str

    def __init__(self, zoned: bool = True) -> None:
        self.zoned = zoned

    def read(self, value: object, note: Note) -> str:
        if not isinstance(value, str) or not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", value, re.ASCII):
            raise BadValue(f"{shown(value)} is not a date and time: write YYYY-MM-DDTHH:MM:SSZ")
        text = value.replace("Z", "+00:00").replace("z", "+00:00")
        text = re.sub(r"[.,](\d{1,9})", lambda m: "." + (m[1] + "00000")[:6], text)
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                note("has no time zone and is read as UTC")
                moment = moment.replace(tzinfo=timezone.utc)
            wire: str = self.from_python(moment)
            return wire
        except (ValueError, OverflowError):
            raise BadValue(f"{shown(value)} is no date and time of the calendar: write YYYY-MM-DDTHH:MM:SSZ") from None

    def sound(self, values: Sequence[Any]) -> bool:
        if None in values:
            values = [value for value in values if value is not None]
        # All at once: every value must be laid out as YYYY-MM-DDTHH:MM:SSZ, and its parts within the clock and the calendar.
        size, text = len(values), "".join(values)
        return (
            len(text) == 20 * size
            and text.translate(_DIGITS) == "0000-00-00T00:00:00Z" * size
            and (not size or (max(text[14::20]) <= "5" and max(text[17::20]) <= "5"))
            and {value[11:13] for value in values} <= _HOURS
            and _DAYS.all({value[:10] for value in values})
        )

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    def to_python(self, value: Any) -> Any:
        return None if value is None else datetime.fromisoformat(value.replace("Z", "+00:00"))

    def from_python(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            return value
        if value.tzinfo is not None:
            value = value.astimezone(timezone.utc).replace(tzinfo=None)
        return value.isoformat() + "Z"


class Moment(Kind):
    """A time of day without a date."""

    plain = False
    noun = "a time of day"

    def read(self, value: object, note: Note) -> str:
        try:
            return time.fromisoformat(value).isoformat()  # type: ignore[arg-type]
        except (ValueError, TypeError):
            raise BadValue(f"{shown(value)} is not a time of day: write HH:MM:SS") from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "time"}

    def to_python(self, value: Any) -> Any:
        return None if value is None else time.fromisoformat(value)

    def from_python(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, time) else value


class Span(Kind):
    """A length of time, in seconds."""

    plain = False
    noun = "a number of seconds"

    def read(self, value: object, note: Note) -> int | float:
        number = _decimal(value, self.noun)
        if number.copy_abs() > 86_399_999_999_999:
            raise BadValue(f"{shown(value, 30)} is too large")
        return int(number) if number == number.to_integral_value() else float(number)

    def schema(self) -> dict[str, Any]:
        return {"type": "number"}

    def to_python(self, value: Any) -> Any:
        return None if value is None else timedelta(seconds=value)

    def from_python(self, value: Any) -> Any:
        return shortest(value.total_seconds()) if isinstance(value, timedelta) else value


class Identifier(Kind):
    """A column of SQLAlchemy's `Uuid` type."""

    plain = False
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
    plain = False
    noun = "base64 text"

    def read(self, value: object, note: Note) -> str:
        try:
            return base64.b64encode(base64.b64decode(value, validate=True)).decode()  # type: ignore[arg-type]
        except (ValueError, TypeError):
            raise BadValue(f"{shown(value)} is not base64 text") from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "contentEncoding": "base64"}

    def to_python(self, value: Any) -> Any:
        return None if value is None else base64.b64decode(value)

    def from_python(self, value: Any) -> Any:
        return None if value is None else base64.b64encode(value).decode()


class Anything(Kind):
    """A JSON column: any JSON value."""

    plain = False
    typed = True

    def read(self, value: object, note: Note) -> Any:
        return without_decimals(value)

    def sound(self, values: Sequence[Any]) -> bool:
        return True

    def same(self, one: Any, other: Any) -> bool:
        return bool(one == other) and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)  # true is not 1


def without_decimals(value: object) -> Any:
    """Return a value read from JSON with floats for its Decimals, in lists and objects too."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [without_decimals(item) for item in value]
    if isinstance(value, dict):
        return {key: without_decimals(item) for key, item in value.items()}
    return value


def _bounds(column: Column[Any]) -> Bounds:
    """Read the simple one-column ranges off the table's CHECK constraints; what is not simple stays the database's to refuse."""
    rules = []
    for constraint in column.table.constraints:
        if isinstance(constraint, CheckConstraint):
            text = str(constraint.sqltext.compile(compile_kwargs={"literal_binds": True}))
            for part in re.split(r"\s+AND\s+", text, flags=re.IGNORECASE):
                match = _RANGE.fullmatch(part.removeprefix(f"{column.table.name}."))
                if match and match[1] == column.name:
                    rules.append((match[2], Decimal(match[3])))
    return Bounds(rules)


_WIDTHS = {types.SmallInteger: 15, types.BigInteger: 63}


def kind_of(column: Column[Any]) -> Kind:
    """Return the `Kind` of a column, read off its SQLAlchemy type and the table's simple CHECK constraints.

    Raises TypeError for a type that has no JSON form bakeio knows.
    """
    declared = column.type
    is_decorated = isinstance(declared, types.TypeDecorator) and not isinstance(declared, types.Interval)  # that is one only within
    kind = _kind(declared.impl_instance if is_decorated else declared, column)  # type: ignore[attr-defined]
    if is_decorated:
        kind.plain = False  # type: ignore[misc]
    return kind


def _kind(declared: types.TypeEngine[Any], column: Column[Any]) -> Kind:
    if isinstance(declared, types.Enum):
        return Text(declared.length, list(declared.enums))
    if isinstance(declared, types.Boolean):
        return Truth()
    if isinstance(declared, types.Integer):
        bits = next((bits for base, bits in _WIDTHS.items() if isinstance(declared, base)), 31)
        # SQLite's integers have 64 bits whatever the type says; a key must fit both databases
        return Whole(-(2**bits), 2**bits - 1, _bounds(column))
    if isinstance(declared, (types.Float, types.Double)):
        return Real(_bounds(column))
    if isinstance(declared, types.Numeric):
        return Number(declared.precision, declared.scale, _bounds(column))
    if isinstance(declared, types.DateTime):
        return Instant(bool(declared.timezone))
    simple: Mapping[type, Callable[[], Kind]] = {
        types.Date: Day, types.Time: Moment, types.Interval: Span, types.Uuid: Identifier, types.LargeBinary: Bytes, types.JSON: Anything,
    }  # fmt: skip
    for base, make in simple.items():
        if isinstance(declared, base):
            return make()
    if isinstance(declared, types.String):
        return Text(declared.length)
    raise TypeError(f"column {column.table.name}.{column.name} has the type {declared!r}, which has no JSON form here")


TYPOGRAPHY = str.maketrans({"‘": "'", "’": "'", "ʼ": "'", "`": "'", "´": "'", "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-"})


def fold(text: str, *, slug: bool = False) -> str:
    """Return the form in which two spellings of one key are equal.

    NFKC, case folded, white space collapsed and stripped, apostrophes and dashes unified; with `slug` also `_`, `-` and space
    are one. Diacritics stay: `e` and `é` are different keys.
    """
    import unicodedata

    text = unicodedata.normalize("NFKC", text.translate(TYPOGRAPHY)).casefold().translate(TYPOGRAPHY)
    if slug:
        text = text.replace("_", " ").replace("-", " ")
    return " ".join(unicodedata.normalize("NFKC", text).split())


def folded_key(key: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return a key {column: value} in the form in which two spellings of it are one question."""
    return tuple(sorted((column, fold(value, slug=column == "slug") if isinstance(value, str) else value) for column, value in key.items()))


def make_slug(parts: Iterable[object]) -> str:
    """Return an ASCII, lower-case, `_`-joined name made of the parts that are not None; empty where nothing is left of them."""
    import unicodedata

    text = " ".join(f"{part:g}" if isinstance(part, float) else str(part) for part in parts if part is not None)
    text = unicodedata.normalize("NFKD", text.translate(TYPOGRAPHY).replace("'", "")).encode("ascii", "ignore").decode().lower()
    return "_".join(re.findall(r"[a-z0-9]+", text))[:190]
