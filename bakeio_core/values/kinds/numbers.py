"""Kinds of numbers: whole, decimal, floating, lengths of time. No arithmetic is done on them."""

from __future__ import annotations

import contextlib
import decimal
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, InvalidOperation
from itertools import repeat
from typing import Annotated, Any

import msgspec
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from bakeio_core.values.bounds import Bounds
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.wording import BadValue, Note, number_hint, shown

EXACT_DIGITS = 15
EXACT = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX)
"""For arithmetic that must not round: the usual context keeps 28 digits."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)


def shortest(value: Any) -> Any:
    """Return a number as the shortest JSON: 5 for 5.0, and null for NaN and infinity."""
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


def as_whole(value: Any) -> Any:
    """Return a double that is a whole number as that, where it keeps all its digits; else alike."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < _MOST
    return int(value) if is_whole else value


def as_decimal(value: object, noun: str) -> decimal.Decimal:
    """Read a number as people and programs write it; never through binary arithmetic."""
    if isinstance(value, bool) or not isinstance(value, (int, float, decimal.Decimal, str)):
        raise BadValue(f"{shown(value)} is not {noun}")
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise BadValue(number_hint(value).within(f"{shown(value)} is not {noun}"))
        value = value.lstrip("+")
    try:
        number = decimal.Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise BadValue(f"{shown(value)} is not {noun}") from None
    if not number.is_finite():
        raise BadValue(
            f"{shown(number)} is not {noun}: write a number, or null where there is none"
        )
    return number


_MOST = 10.0**EXACT_DIGITS
_WHOLE = {int, type(None)}


def _kept_number(kind: Kind, value: Any) -> Any:
    if isinstance(value, (str, bool)):
        raise BadValue(f"{shown(value)} is not {kind.noun}")
    wire = kind.stored(float(value) if isinstance(value, decimal.Decimal) else value)
    number = wire if isinstance(wire, decimal.Decimal) else decimal.Decimal(repr(wire))
    # the smallest doubles have fewer digits than were written
    is_short = len(decimal.Decimal(str(value)).as_tuple().digits) <= EXACT_DIGITS
    if number != value and not (is_short and float(value) == wire):
        raise BadValue(f"{shown(value)} has more digits than are kept")
    return wire


class Integer(Kind):
    """Whole numbers, within the width of the column."""

    typed = True
    noun = "a whole number"

    def __init__(self, low: int, high: int, bounds: Bounds) -> None:
        self.low, self.high, self.bounds = low, high, bounds
        self.fast = Annotated[int, msgspec.Meta(**bounds.whole_meta(low, high))]
        self.typed = not bounds.others

    def read(self, value: object, note: Note) -> int:
        number = as_decimal(value, self.noun)
        if number.adjusted() > 30 or number != number.to_integral_value():
            raise BadValue(
                f"{shown(value)} is not a whole number"
                if number.adjusted() <= 30
                else f"{shown(value, 30)} is too large"
            )
        if not self.low <= number <= self.high:
            raise BadValue(
                f"{shown(value)} is out of range: must be between {self.low} and {self.high}"
            )
        self.bounds.check(number)
        return int(number)

    def stored(self, value: Any) -> Any:
        number = as_decimal(value, self.noun)
        # beyond 64 bits a database keeps no whole number
        is_whole = -(2**63) <= number < 2**63 and number == number.to_integral_value()
        return int(number) if is_whole else float(number)

    def tidied(self, cells: Sequence[Any]) -> Sequence[Any]:
        with contextlib.suppress(TypeError):  # a null or a text
            if type(sum(cells)) is int:
                return cells
        return cells if set(map(type, cells)) <= _WHOLE else super().tidied(cells)

    @property
    def is_checked(self) -> bool:
        return bool(self.bounds)

    def check_range(self, wire: Any) -> None:
        self.bounds.check(decimal.Decimal(wire))

    def kept(self, value: Any) -> Any:
        return _kept_number(self, value)

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high} | self.bounds.schema()


class Decimal(Kind):
    """Numbers with decimals, kept digit by digit."""

    noun = "a number"

    def __init__(self, precision: int | None, scale: int | None, bounds: Bounds) -> None:
        self.precision, self.scale, self.bounds = precision, scale, bounds
        self.limit = decimal.Decimal(10) ** (precision - (scale or 0)) if precision else None
        if precision is None or precision > EXACT_DIGITS:
            self.sql_convertible = False  # type: ignore[misc]
            self.fast, self.decoded = decimal.Decimal, self.from_python
        else:
            limits = bounds.meta(float(self.limit or 0))
            self.fast, self.decoded = Annotated[float, msgspec.Meta(**limits)], shortest

    def read(self, value: object, note: Note) -> int | float | decimal.Decimal:
        number = as_decimal(value, self.noun)
        self.bounds.check(number)
        if self.limit is not None and number.copy_abs() >= self.limit:
            raise BadValue(f"{shown(value, 30)} is too large: must be below {self.limit:f}")
        if number and abs(number.adjusted()) > 1000:
            raise BadValue(
                f"{shown(value, 30)} is too {'large' if number.adjusted() > 0 else 'small'} to keep"
            )
        number = number.normalize(EXACT)
        decimals = max(0, -int(number.as_tuple().exponent))
        if self.scale is not None and decimals > self.scale:
            raise BadValue(
                f"{shown(value, 30)} has {decimals} decimals: at most {self.scale} are kept"
            )
        wire: int | float | decimal.Decimal = self.from_python(number)
        return wire

    def stored(self, value: Any) -> Any:
        if isinstance(value, float) and self.sql_convertible and math.isfinite(value):
            # what arithmetic left behind the 15 digits a double keeps (IEEE 754) is noise
            value = float(f"{value:.{EXACT_DIGITS}g}")
            return int(value) if value.is_integer() and abs(value) < 1e18 else value
        if isinstance(value, int) and -(2**63) <= value < 2**63:
            return value
        return self.from_python(as_decimal(value, self.noun))

    def from_driver(
        self, declared: TypeEngine[Any], dialect: Dialect, codes: Mapping[type, int]
    ) -> Callable[[Any], Any]:
        return self.from_python  # a type rounds to its scale what may be stored with more digits

    def to_driver(self, declared: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any]:
        make = super().to_driver(declared, dialect)
        # a whole number keeps all digits where others become doubles
        return lambda wire: int(wire) if abs(wire) < 2**63 and wire == int(wire) else make(wire)

    @property
    def is_checked(self) -> bool:
        return bool(self.bounds)

    def check_range(self, wire: Any) -> None:
        self.bounds.check(decimal.Decimal(repr(wire) if isinstance(wire, float) else wire))

    def tidied(self, cells: Sequence[Any]) -> Sequence[Any]:
        return cells if self._are_plain(cells) else super().tidied(cells)

    def _are_plain(self, cells: Sequence[Any]) -> bool:
        """Tell whether the numbers of a column have no noise behind their decimals.

        A double that is a whole number divided by a power of ten is the one next to that decimal,
        for a division rounds correctly (IEEE 754).
        """
        numbers = [cell for cell in cells if cell is not None] if None in cells else list(cells)
        if not (numbers and self.sql_convertible):
            return not numbers
        factor = 10.0 ** (self.scale or 0)
        try:
            units = list(map(round, map(factor.__mul__, numbers)))
            if list(map(operator.truediv, units, repeat(factor))) != numbers:
                return False
        except (TypeError, ValueError, OverflowError):  # what is not a number, or none that ends
            return False
        return bool(min(units) > -_MOST and max(units) < _MOST)

    def kept(self, value: Any) -> Any:
        return _kept_number(self, value)

    def all_valid(self, values: Sequence[Any]) -> bool:
        if not self.sql_convertible or self.bounds.others:
            return super().all_valid(values)
        scale = self.scale or 0
        # round() is correctly rounded from the exact value, so a double of a decimal with more
        # digits never equals its own rounding
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
        return (
            None
            if value is None
            else decimal.Decimal(repr(value) if isinstance(value, float) else value)
        )

    def from_python(self, value: Any) -> Any:
        if value is None:
            return None
        number = decimal.Decimal(repr(value) if isinstance(value, float) else value).normalize(
            EXACT
        )
        if number == number.to_integral_value() and number.adjusted() < 18:
            return int(number)
        return float(number) if self.sql_convertible else number

    def from_json(self, value: Any) -> Any:
        return self.from_python(value) if isinstance(value, decimal.Decimal) else value


class Float(Kind):
    """Binary floating-point numbers."""

    sql_convertible = False
    noun = "a number"

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds

    def read(self, value: object, note: Note) -> float:
        number = as_decimal(value, self.noun)
        self.bounds.check(number)
        real = float(number)
        if not math.isfinite(real):
            raise BadValue(f"{shown(value, 30)} is too large")
        wire: float = self.from_python(real)
        return wire

    def stored(self, value: Any) -> Any:
        as_decimal(value, self.noun)
        return value

    @property
    def is_checked(self) -> bool:
        return bool(self.bounds)

    def check_range(self, wire: Any) -> None:
        self.bounds.check(as_decimal(wire, self.noun))

    def schema(self) -> dict[str, Any]:
        return {"type": "number"} | self.bounds.schema()

    def from_python(self, value: Any) -> Any:
        return as_whole(value)


class Interval(Kind):
    """A length of time, in seconds."""

    sql_convertible = False
    noun = "a number of seconds"

    def read(self, value: object, note: Note) -> int | float:
        number = as_decimal(value, self.noun)
        if number.copy_abs() > 86_399_999_999_999:
            raise BadValue(f"{shown(value, 30)} is too large")
        return int(number) if number == number.to_integral_value() else float(number)

    def schema(self) -> dict[str, Any]:
        return {"type": "number"}

    def to_python(self, value: Any) -> Any:
        return None if value is None else timedelta(seconds=value)

    def from_python(self, value: Any) -> Any:
        return shortest(value.total_seconds()) if isinstance(value, timedelta) else value
