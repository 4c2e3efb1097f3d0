"""What CHECK constraints say of the values of one column."""

from __future__ import annotations

import decimal
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bakeio_core.values.wording import BadValue, shown

Limit = decimal.Decimal | str
_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "<>": operator.ne,
}
_INVERSE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "=": "<>", "<>": "="}
_WORDS = {">": "more than", ">=": "at least", "<": "less than", "<=": "at most"}


@dataclass(frozen=True)
class Comparison:
    """A column, or the length of its text, compared with a constant."""

    column: str
    sign: str
    limit: Limit
    is_length: bool = False

    def holds(self, value: Any) -> bool:
        """Tell whether it is true of a value that is not null."""
        return _HOLDS[self.sign](len(value) if self.is_length else value, self.limit)

    def negated(self) -> Condition:
        return Comparison(self.column, _INVERSE[self.sign], self.limit, self.is_length)

    def parts(self) -> Iterator[Condition]:
        """Yield what must all be true."""
        yield self

    def columns(self) -> Iterator[str]:
        """Yield the columns it looks at."""
        yield self.column

    def comparisons(self) -> Iterator[Comparison]:
        """Yield the comparisons in it."""
        yield self

    def sql(self, column: str) -> str:
        """Return it as SQL, the column called so."""
        limit = str(self.limit)
        if isinstance(self.limit, str):
            quoted = limit.replace("'", "''")
            limit = f"'{quoted}'"
        return f"{f'length({column})' if self.is_length else column} {self.sign} {limit}"


@dataclass(frozen=True)
class Null:
    """Whether a column is null; it is asked of none that is."""

    column: str
    is_null: bool

    def holds(self, value: Any) -> bool:
        return not self.is_null

    def negated(self) -> Condition:
        return Null(self.column, not self.is_null)

    def parts(self) -> Iterator[Condition]:
        yield self

    def columns(self) -> Iterator[str]:
        yield self.column

    def comparisons(self) -> Iterator[Comparison]:
        return iter(())

    def sql(self, column: str) -> str:
        return f"{column} IS {'' if self.is_null else 'NOT '}NULL"


@dataclass(frozen=True)
class Several:
    """Conditions of which all must be true, or any."""

    conditions: tuple[Condition, ...]
    is_any: bool

    def holds(self, value: Any) -> bool:
        each = (condition.holds(value) for condition in self.conditions)
        return any(each) if self.is_any else all(each)

    def negated(self) -> Condition:
        negated = tuple(condition.negated() for condition in self.conditions)
        return Several(negated, is_any=not self.is_any)

    def parts(self) -> Iterator[Condition]:
        if self.is_any:
            yield self
            return
        for condition in self.conditions:
            yield from condition.parts()

    def columns(self) -> Iterator[str]:
        for condition in self.conditions:
            yield from condition.columns()

    def comparisons(self) -> Iterator[Comparison]:
        for condition in self.conditions:
            yield from condition.comparisons()

    def sql(self, column: str) -> str:
        joined = " OR " if self.is_any else " AND "
        return f"({joined.join(condition.sql(column) for condition in self.conditions)})"


Condition = Comparison | Null | Several


def _without_null(condition: Condition) -> Iterator[Condition]:
    """Yield what is left of a condition where the column is not null."""
    if isinstance(condition, Null):
        if condition.is_null:
            yield condition
        return
    if isinstance(condition, Several) and condition.is_any:
        known = [c for c in condition.conditions if not isinstance(c, Null)]
        if not known and all(c.is_null for c in condition.conditions if isinstance(c, Null)):
            yield condition.conditions[0]
            return
        if any(isinstance(c, Null) and not c.is_null for c in condition.conditions):
            return
        if len(known) == 1:
            yield from known[0].parts()
            return
        condition = Several(tuple(known), is_any=True)
    yield condition


class Bounds:
    """What a table's CHECK constraints say of one column, such as `size >= 0`.

    Attributes:
        rules: The range of numbers: (sign, limit), one for each end at most.
        others: What is no range.
    """

    def __init__(self, found: Iterable[Condition] = ()) -> None:
        self.others: list[Condition] = []
        lows: list[tuple[decimal.Decimal, bool]] = []
        highs: list[tuple[decimal.Decimal, bool]] = []
        for condition in (left for some in found for left in _without_null(some)):
            if not isinstance(condition, Comparison) or not _is_range(condition):
                self.others.append(condition)
                continue
            limit = decimal.Decimal(condition.limit)
            if condition.sign in (">", ">=", "="):
                lows.append((limit, condition.sign == ">"))
            if condition.sign in ("<", "<=", "="):
                highs.append((-limit, condition.sign == "<"))
        self.rules: list[tuple[str, decimal.Decimal]] = []
        if lows:
            limit, is_strict = max(lows)
            self.rules.append((">" if is_strict else ">=", limit))
        if highs:
            limit, is_strict = max(highs)
            self.rules.append(("<" if is_strict else "<=", -limit))

    def __bool__(self) -> bool:
        return bool(self.rules or self.others)

    def check(self, value: Any) -> None:
        """Raise BadValue where the database would refuse a value."""
        for sign, limit in self.rules:
            if not _HOLDS[sign](value, limit):
                said = f"must be {_WORDS[sign]} {limit}"
                raise BadValue(f"{shown(value)} is out of range: {said}")
        for condition in self.others:
            if not condition.holds(value):
                raise BadValue(_refused(condition, value))

    def outside(self, sql: str, most: str) -> str:
        """Return SQL that tells of a number that it is out of range, or not between -most and most.

        Texts and blobs are greater than every number there.
        """
        inner = [f"{sql} {_INVERSE[sign]} {limit}" for sign, limit in self.rules]
        if not any(sign[0] == ">" for sign, _ in self.rules):
            inner.append(f"{sql} <= -{most}")
        if not any(sign[0] == "<" for sign, _ in self.rules):
            inner.append(f"{sql} >= {most}")
        return " OR ".join([*inner, *self.broken(sql)])

    def broken(self, sql: str) -> list[str]:
        """Return SQL of conditions that are true where a value is against what is no range."""
        return [f"NOT ({condition.sql(sql)})" for condition in self.others]

    def whole_meta(self, low: int, high: int) -> dict[str, Any]:
        """Return the range of whole numbers for a decoder: within low, high and the bounds."""
        for sign, limit in self.rules:
            if sign[0] == ">":
                first = math.floor(limit) + 1 if sign == ">" else math.ceil(limit)
                low = max(low, first)
            else:
                last = math.ceil(limit) - 1 if sign == "<" else math.floor(limit)
                high = min(high, last)
        return {"ge": max(low, -(2**63)), "le": min(high, 2**63 - 1)}

    def meta(self, within: float) -> dict[str, Any]:
        """Return the range of numbers for a decoder: between -within and within, and the bounds."""
        names = {">": "gt", ">=": "ge", "<": "lt", "<=": "le"}
        limits = {names[sign]: float(limit) for sign, limit in self.rules if abs(limit) < within}
        if not limits.keys() & {"gt", "ge"}:
            limits["gt"] = -within
        if not limits.keys() & {"lt", "le"}:
            limits["lt"] = within
        return limits

    def schema(self) -> dict[str, Any]:
        """Return the bounds as JSON Schema says them."""
        names = {">": "exclusiveMinimum", ">=": "minimum", "<": "exclusiveMaximum", "<=": "maximum"}
        found: dict[str, Any] = {names[sign]: _number(limit) for sign, limit in self.rules}
        for condition in self.others:
            if isinstance(condition, Comparison) and condition.is_length:
                found |= _length_schema(condition)
            members = _members(condition)
            if members:
                found["enum"] = [_number(m) if not isinstance(m, str) else m for m in members]
        return found


def _is_range(condition: Comparison) -> bool:
    is_number = isinstance(condition.limit, decimal.Decimal) and not condition.is_length
    return is_number and condition.sign != "<>"


def _members(condition: Condition) -> list[Limit]:
    """Return the values a condition allows, where it names them."""
    if not isinstance(condition, Several) or not condition.is_any:
        return []
    named = [c for c in condition.conditions if isinstance(c, Comparison)]
    is_list = len(named) == len(condition.conditions) and all(
        c.sign == "=" and not c.is_length for c in named
    )
    return [c.limit for c in named] if is_list else []


def _length_schema(condition: Comparison) -> dict[str, int]:
    limit = int(condition.limit)
    if condition.limit != limit:
        return {}
    return {
        "<": {"maxLength": limit - 1},
        "<=": {"maxLength": limit},
        ">": {"minLength": limit + 1},
        ">=": {"minLength": limit},
    }.get(condition.sign, {})


def _refused(condition: Condition, value: Any) -> str:
    members = _members(condition)
    if members:
        return f"{shown(value)} is not one of {', '.join(map(_said, members))}"
    if isinstance(condition, Comparison) and condition.is_length and condition.sign in _WORDS:
        said = f"{_WORDS[condition.sign]} {condition.limit}"
        return f"{shown(value)} has {len(value)} characters: must be {said}"
    rule = condition.sql(next(condition.columns()))
    return f"{shown(value)} is refused by its table, which requires {rule}"


def _said(limit: Limit) -> str:
    return shown(limit) if isinstance(limit, str) else str(limit)


def _number(limit: Limit) -> int | float:
    number = decimal.Decimal(limit)
    return int(number) if number == number.to_integral_value() else float(number)
