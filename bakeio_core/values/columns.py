"""Which `Kind` a column is: read off its SQLAlchemy type and simple CHECK constraints."""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import CheckConstraint, Column, Table, types

from bakeio_core.values.bounds import Bounds, Comparison, Condition, Null, Several
from bakeio_core.values.kinds.choices import Choice
from bakeio_core.values.kinds.decorated import Decorated
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.kinds.nested import Array, Json
from bakeio_core.values.kinds.numbers import Decimal, Float, Integer, Interval
from bakeio_core.values.kinds.text import Boolean, Bytes, Identifier, RuledText, Text, Verbatim
from bakeio_core.values.kinds.times import Date, DateTime, Time

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<text>'(?:[^']|'')*')"""
    r"""|(?P<name>"(?:[^"]|"")+"|[A-Za-z_]\w*)|(?P<sign><>|!=|<=|>=|[=<>(),.+-])|(?P<end>$))"""
)
_TYPED_NOTHING = re.compile(r"::(?:text|character varying|numeric)\b(?!\s*\[)")
"""Casts by which a database only repeats what a column or a constant is."""
_INVERSE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "=": "<>", "<>": "="}
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_LENGTHS = ("length", "char_length", "character_length")
_WORDS = ("and", "or", "not", "in", "between", "is", "null", "like", "true", "false", "case")


class _NotUnderstoodError(Exception):
    """A CHECK says something that is left to the database."""


class _Check:
    """Read a CHECK expression; what is not understood whole raises.

    Args:
        text: The expression.
        table: The name of the table, which may stand before a column.
    """

    def __init__(self, text: str, table: str) -> None:
        self.table, self.tokens = table, list[tuple[str, str]]()
        text, place = _TYPED_NOTHING.sub("", text), 0
        while not self.tokens or self.tokens[-1][0] != "end":
            match = _TOKEN.match(text, place)
            if match is None:
                raise _NotUnderstoodError
            place = match.end()
            self.tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))

    def read(self) -> Condition:
        condition = self._or()
        self._take("end")
        return condition

    # -- tokens
    def _is_next(self, *words: str) -> bool:
        return self.tokens[0][1].lower() in words and self.tokens[0][0] in ("name", "sign")

    def _take(self, kind: str, *words: str) -> str:
        if self.tokens[0][0] != kind or (words and not self._is_next(*words)):
            raise _NotUnderstoodError
        return self.tokens.pop(0)[1]

    def _takes(self, kind: str, *words: str) -> bool:
        """Take a word if it comes next; tell whether it did."""
        if self.tokens[0][0] != kind or not self._is_next(*words):
            return False
        del self.tokens[0]
        return True

    # -- conditions
    def _or(self) -> Condition:
        parts = [self._and()]
        while self._takes("name", "or"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Several(tuple(parts), is_any=True)

    def _and(self) -> Condition:
        parts = [self._not()]
        while self._takes("name", "and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else Several(tuple(parts), is_any=False)

    def _not(self) -> Condition:
        if self._takes("name", "not"):
            return self._not().negated()
        before = list(self.tokens)
        if self._takes("sign", "("):
            try:
                inner = self._or()
                self._take("sign", ")")
                return inner
            except _NotUnderstoodError:  # the parenthesis is about a column or a constant
                self.tokens = before
        return self._comparison()

    def _comparison(self) -> Condition:
        if self.tokens[0][0] in ("number", "text") or self._is_next("-", "+"):
            limit, sign = self._constant(), self._sign()
            return self._compared(self._column(), _MIRRORED.get(sign, sign), limit)
        column = self._column()
        if self._takes("name", "is"):
            is_null = not self._takes("name", "not")
            self._take("name", "null")
            return Null(column[0], is_null)
        is_not = self._takes("name", "not")
        if self._takes("name", "in"):
            found: Condition = Several(tuple(self._members(column)), is_any=True)
        elif self._takes("name", "between"):
            low = self._compared(column, ">=", self._constant())
            self._take("name", "and")
            high = self._compared(column, "<=", self._constant())
            found = Several((low, high), is_any=False)
        elif is_not:
            raise _NotUnderstoodError
        else:
            sign = self._sign()
            found = self._compared(column, sign, self._constant())
        return found.negated() if is_not else found

    def _members(self, column: tuple[str, bool]) -> Iterator[Condition]:
        self._take("sign", "(")
        yield self._compared(column, "=", self._constant())
        while self._takes("sign", ","):
            yield self._compared(column, "=", self._constant())
        self._take("sign", ")")

    def _sign(self) -> str:
        sign = self._take("sign", *_INVERSE, "!=")
        return "<>" if sign == "!=" else sign

    @staticmethod
    def _compared(column: tuple[str, bool], sign: str, limit: Any) -> Comparison:
        name, is_length = column
        return Comparison(name, sign, limit, is_length)

    def _constant(self) -> decimal.Decimal | str:
        if self._takes("sign", "("):
            inner = self._constant()
            self._take("sign", ")")
            return inner
        if self.tokens[0][0] == "text":
            return self._take("text")[1:-1].replace("''", "'")
        is_negative = self._is_next("-")
        if is_negative or self._is_next("+"):
            self._take("sign")
        number = decimal.Decimal(self._take("number"))
        return -number if is_negative else number

    def _column(self) -> tuple[str, bool]:
        """Take a column, or the length of one; tell which it is and whether its length."""
        if self._takes("sign", "("):
            inner = self._column()
            self._take("sign", ")")
            return inner
        name = self._take("name")
        if self._is_next("("):
            if name.lower() not in _LENGTHS:
                raise _NotUnderstoodError
            column, is_length = self._column()
            if is_length:
                raise _NotUnderstoodError
            return column, True
        if _plain(name) == self.table and self._takes("sign", "."):
            name = self._take("name")
        if name.lower() in _WORDS:
            raise _NotUnderstoodError
        return _plain(name), False


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


@lru_cache(maxsize=1000)
def _condition(text: str, table: str) -> Condition | None:
    """Return what a CHECK expression says, None where it is not understood whole."""
    try:
        return _Check(text, table).read()
    except (_NotUnderstoodError, RecursionError):
        return None


def checks_of(table: Table) -> Iterator[CheckConstraint]:
    """Yield the CHECK constraints of a table and of its columns."""
    of_columns = (constraint for column in table.columns for constraint in column.constraints)
    for constraint in (*table.constraints, *of_columns):
        if isinstance(constraint, CheckConstraint):
            yield constraint


def _bounds(column: Column[Any], fits: Callable[[Comparison], bool]) -> Bounds:
    """Return what the table's CHECK constraints say of one column alone.

    What is not understood, and what looks at other columns too, stays the database's to refuse.

    Args:
        column: The column.
        fits: Tells whether a comparison means the same here as in the database.
    """
    found: list[Condition] = []
    for constraint in checks_of(column.table):
        text = str(getattr(constraint.sqltext, "text", ":"))
        if ":" in text:  # an expression, or a text with a sign of SQLAlchemy's own in it
            text = str(constraint.sqltext.compile(compile_kwargs={"literal_binds": True}))
        condition = _condition(text, column.table.name)
        for part in () if condition is None else condition.parts():
            named = {name.lower() for name in part.columns()}
            if named == {column.name.lower()} and all(map(fits, part.comparisons())):
                found.append(part)
    return Bounds(found)


def _of_numbers(comparison: Comparison) -> bool:
    return isinstance(comparison.limit, decimal.Decimal) and not comparison.is_length


def _of_texts(comparison: Comparison) -> bool:
    """Tell so also of lengths; which text comes first is the database's to say."""
    if comparison.is_length:
        return isinstance(comparison.limit, decimal.Decimal)
    is_text = isinstance(comparison.limit, str) and comparison.sign in ("=", "<>")
    return is_text and "%" not in str(comparison.limit)  # which drivers take for a mark


_WIDTHS = {types.SmallInteger: 15, types.BigInteger: 63}


def kind_of(column: Column[Any]) -> Kind:
    """Return the `Kind` of a column, read off its type and the table's simple CHECK constraints.

    Raises:
        TypeError: for a column without a type.
    """
    return _kind(column.type, column)


def _kind(declared: types.TypeEngine[Any], column: Column[Any]) -> Kind:
    # `Interval` is a decorator only within
    if isinstance(declared, types.TypeDecorator) and not isinstance(declared, types.Interval):
        if not Decorated.changes(declared):
            return _kind(declared.impl_instance, column)
        return Decorated(declared, partial(_kind, column=column))
    if isinstance(declared, types.Enum):
        return Choice(declared)
    if isinstance(declared, types.Boolean):
        return Boolean()
    if isinstance(declared, types.Integer):
        bits = next((bits for base, bits in _WIDTHS.items() if isinstance(declared, base)), 31)
        # SQLite's integers have 64 bits whatever the type says; a key must fit both databases
        return Integer(-(2**bits), 2**bits - 1, _bounds(column, _of_numbers))
    if isinstance(declared, (types.Float, types.Double)):
        return Float(_bounds(column, _of_numbers))
    if isinstance(declared, types.Numeric):
        return Decimal(declared.precision, declared.scale, _bounds(column, _of_numbers))
    if isinstance(declared, types.DateTime):
        return DateTime(bool(declared.timezone))
    if isinstance(declared, types.Uuid):
        return Identifier(bool(declared.as_uuid), bool(declared.native_uuid))
    simple: Mapping[type, Callable[[], Kind]] = {
        types.Date: Date,
        types.Time: Time,
        types.Interval: Interval,
        types.LargeBinary: Bytes,
        types.JSON: Json,
    }
    for base, make in simple.items():
        if isinstance(declared, base):
            return make()
    if isinstance(declared, types.String):
        # other signs may be equal in another collation, and spaces at the end of a CHAR
        is_exact = declared.collation is None and not isinstance(declared, types.CHAR)
        bounds = _bounds(column, _of_texts) if is_exact else Bounds()
        return RuledText(declared.length, bounds) if bounds else Text(declared.length)
    if isinstance(declared, types.ARRAY):
        return Array(declared, _kind(declared.item_type, column))
    if isinstance(declared, types.NullType):
        raise TypeError(
            f"column {column.table.name}.{column.name} has no type, so nothing says how a file "
            "writes it: give it one, or declare the table without it. A foreign key has the type "
            "of its target, where the table is built on the metadata that the hook is given"
        )
    return Interval() if _gives(declared, timedelta) else Verbatim()


def _gives(declared: types.TypeEngine[Any], python: type) -> bool:
    try:
        return issubclass(declared.python_type, python)
    except NotImplementedError:
        return False
