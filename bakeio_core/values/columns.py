"""Which `Kind` a column is: read off its SQLAlchemy type and simple CHECK constraints."""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import CheckConstraint, Column, types

from bakeio_core.values.choices import Choice
from bakeio_core.values.decorated import Decorated
from bakeio_core.values.kind import Kind
from bakeio_core.values.nested import Array, Json
from bakeio_core.values.numbers import Bounds, Decimal, Float, Integer, Interval
from bakeio_core.values.text import Boolean, Bytes, Identifier, Text, Verbatim
from bakeio_core.values.times import Date, DateTime, Time

_RANGE = re.compile(r"\s*\"?(\w+)\"?\s*(>=|>|<=|<)\s*(-?\d+(?:\.\d+)?)\s*")


def _bounds(column: Column[Any]) -> Bounds:
    """Read the simple one-column ranges off the table's CHECK constraints.

    What is not simple stays the database's to refuse.
    """
    rules = []
    for constraint in column.table.constraints:
        if isinstance(constraint, CheckConstraint):
            text = str(constraint.sqltext.compile(compile_kwargs={"literal_binds": True}))
            for part in re.split(r"\s+AND\s+", text, flags=re.IGNORECASE):
                match = _RANGE.fullmatch(part.removeprefix(f"{column.table.name}."))
                if match and match[1] == column.name:
                    rules.append((match[2], decimal.Decimal(match[3])))
    return Bounds(rules)


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
        return Integer(-(2**bits), 2**bits - 1, _bounds(column))
    if isinstance(declared, (types.Float, types.Double)):
        return Float(_bounds(column))
    if isinstance(declared, types.Numeric):
        return Decimal(declared.precision, declared.scale, _bounds(column))
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
        return Text(declared.length)
    if isinstance(declared, types.ARRAY):
        return Array(declared, _kind(declared.item_type, column))
    if isinstance(declared, types.NullType):
        raise TypeError(
            f"column {column.table.name}.{column.name} has no type, so nothing says how a file "
            "writes it: give it one, or declare the table without it"
        )
    return Interval() if _gives(declared, timedelta) else Verbatim()


def _gives(declared: types.TypeEngine[Any], python: type) -> bool:
    try:
        return issubclass(declared.python_type, python)
    except NotImplementedError:
        return False
