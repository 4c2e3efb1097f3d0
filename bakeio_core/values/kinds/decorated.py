"""Kind of columns whose values an application converts: SQLAlchemy's `TypeDecorator`."""

from __future__ import annotations

import decimal
import enum
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import types
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.default import DefaultDialect

from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.kinds.nested import Json, exact, exact_number, exact_whole, is_same
from bakeio_core.values.kinds.numbers import Interval
from bakeio_core.values.kinds.text import Bytes, Identifier, Text
from bakeio_core.values.kinds.times import Date, DateTime, Time
from bakeio_core.values.wording import BadValue, Note, shown

_KINDS: dict[type, Kind] = {
    UUID: Identifier(),
    datetime: DateTime(),
    date: Date(),
    time: Time(),
    timedelta: Interval(),
    bytes: Bytes(),
}
"""How a file writes what the types of SQLAlchemy give."""
_TEXT = Text()
_REFUSED = (ValueError, TypeError, ArithmeticError)
_PROCESSES = ("process_bind_param", "process_result_value")


class Decorated(Kind):
    """What a `TypeDecorator` makes of stored values.

    A file has the value of the application, which went through `process_result_value`, where JSON
    can hold it and `process_bind_param` leads back from it to what is stored. Else it has what is
    stored. Reading tries the same ways in the same order, so a value means one thing.

    Args:
        declared: The type.
        kind_of: Gives the kind of a type that stores.
    """

    is_scalar = False
    sql_convertible = False

    def __init__(
        self,
        declared: types.TypeDecorator[Any],
        kind_of: Callable[[types.TypeEngine[Any]], Kind],
    ) -> None:
        self.declared, self.kind_of = declared, kind_of
        self.inner = kind_of(declared.impl_instance)
        self.as_text, self.noun = self.inner.as_text, self.inner.noun  # type: ignore[misc]
        self._anywhere = _Ways(self, DefaultDialect())

    @staticmethod
    def changes(declared: types.TypeDecorator[Any]) -> bool:
        """Tell whether a type makes something else of what its impl stores."""
        processors = ("bind_processor", "result_processor")
        return _overrides(declared, *_PROCESSES, *processors, "load_dialect_impl")

    @property
    def converts(self) -> bool:
        """Whether there is a way to what is stored and back."""
        return _overrides(self.declared, *_PROCESSES)

    def read(self, value: object, note: Note) -> Any:
        return self._anywhere.wire_of(self._anywhere.read(exact(value)))

    def kept(self, value: Any) -> Any:
        return self._anywhere.wire_of(self._anywhere.kept(exact(value)))

    def same(self, one: Any, other: Any) -> bool:
        return is_same(one, other)

    def from_python(self, value: Any) -> Any:
        if value is None:
            return None
        return self._anywhere.wire_of(self._anywhere.taken(value))

    def to_python(self, value: Any) -> Any:
        return self._anywhere.kept(value).made

    def from_json(self, value: Any) -> Any:
        return exact(value)

    def from_driver(
        self, declared: types.TypeEngine[Any], dialect: Dialect, codes: Mapping[type, int]
    ) -> Callable[[Any], Any]:
        ways = _Ways(self, dialect)
        load = ways.loader(codes)
        return lambda cell: None if cell is None else ways.wire_of(load(cell))

    def to_driver(self, declared: types.TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any]:
        ways = _Ways(self, dialect)
        dump = ways.dumper()
        return lambda wire: dump(ways.kept(wire))


@dataclass(frozen=True)
class _Stored:
    """What the type that stores takes and gives, and what the application makes of it.

    Attributes:
        value: What is stored.
        made: The value of the application; the exception where it makes none of it.
    """

    value: Any
    made: Any


class _Ways:
    """The ways between files, the application and what one database stores."""

    def __init__(self, kind: Decorated, dialect: Dialect) -> None:
        self.declared, self.dialect, self.converts = kind.declared, dialect, kind.converts
        try:
            self.inner = kind.kind_of(self.declared.load_dialect_impl(dialect))
        except TypeError:
            self.inner = kind.inner

    # -- the database
    def loader(self, codes: Mapping[type, int]) -> Callable[[Any], _Stored]:
        """Return what makes of a cell, as the driver gives it, what is stored in it."""
        load = self._result(self.inner.code(codes))
        return lambda cell: self._stored(load(cell))

    def _result(self, code: int | None) -> Callable[[Any], Any]:
        if self.inner.as_text:
            return lambda cell: self.inner.to_python(self.inner.from_text(cell))
        impl = self.declared.load_dialect_impl(self.dialect).dialect_impl(self.dialect)
        return impl.result_processor(self.dialect, code) or (lambda cell: cell)

    def dumper(self) -> Callable[[_Stored], Any]:
        """Return what makes a parameter of what is to be stored."""
        if self.inner.as_text:
            return lambda stored: self.inner.to_text(_wire(stored.value, self.inner))
        impl = self.declared.load_dialect_impl(self.dialect).dialect_impl(self.dialect)
        process = impl.bind_processor(self.dialect)

        def dump(stored: _Stored) -> Any:
            value = process(stored.value) if process else stored.value
            # beyond 64 bits a database keeps no whole number
            return float(value) if isinstance(value, int) and abs(value) >= 2**63 else value

        return dump

    # -- the application
    def taken(self, made: Any) -> _Stored:
        """Return what is stored for a value of the application."""
        value = made
        if _overrides(self.declared, "process_bind_param"):
            value = self.declared.process_bind_param(made, self.dialect)
        return self._stored(value)

    def _stored(self, value: Any) -> _Stored:
        if not _overrides(self.declared, "process_result_value"):
            return _Stored(value, value)
        try:
            return _Stored(value, self.declared.process_result_value(value, self.dialect))
        except Exception as error:  # a stranger's function
            return _Stored(value, error)

    # -- files
    def wire_of(self, stored: _Stored) -> Any:
        """Return how a file writes what is stored.

        Raises:
            BadValue: There is not JSON that leads back to it.
        """
        is_equal = None
        for wire in self._spelled(stored):
            try:
                back = self.kept(wire)
            except BadValue:
                continue
            if _equal(self._plain(back.value), self._plain(stored.value)):
                return wire
            if is_equal is None and _equal(back.made, stored.made):
                is_equal = wire  # what is encrypted anew is another text each time
        if is_equal is None:
            raise BadValue(f"{shown(self._plain(stored.value))} has no form in a file")
        return is_equal

    def _plain(self, value: Any) -> Any:
        """Return a stored value so that two ways to say it are equal."""
        try:
            return _wire(value, self.inner)
        except BadValue:
            return value

    def _spelled(self, stored: _Stored) -> Iterator[Any]:
        for value, inner in ((stored.made, None), (stored.value, self.inner)):
            try:
                wire = _wire(value, inner)
            except BadValue:
                continue
            if wire is not None:
                yield wire

    def read(self, wire: Any) -> _Stored:
        """Return what is to be stored for a value of a file.

        Raises:
            BadValue: The application would not take it.
        """
        why: list[str] = []
        stored = self._converted(wire, self._fits, why)
        if stored is not None:
            return stored
        try:
            stored = self._stored(self.inner.to_python(self._fits(wire)))
        except _REFUSED as error:
            raise BadValue(why[0] if why else str(error)) from None
        if self.converts and (isinstance(stored.made, Exception) or _has_form(stored.made)):
            # the application has another word for it, or none at all
            raise BadValue(why[0] if why else f"{shown(wire)} is not {self.inner.noun}")
        return stored

    def kept(self, wire: Any) -> _Stored:
        """Return what is stored, which a file wrote so, though the application would not take it.

        Raises:
            BadValue: It was not stored that way.
        """
        stored = self._converted(wire, self.inner.kept, [])
        if stored is not None:
            return stored
        try:
            return self._stored(self.inner.to_python(self.inner.kept(wire)))
        except _REFUSED as error:
            raise BadValue(str(error)) from None

    def _fits(self, wire: Any) -> Any:
        return self.inner.read(wire, _silent)

    def _converted(self, wire: Any, fits: Callable[[Any], Any], why: list[str]) -> _Stored | None:
        """Return what the application makes of a value of a file; None where it takes it not.

        Args:
            wire: The value.
            fits: Raises BadValue of what cannot be stored.
            why: Where is told why the application does not take it.
        """
        for made in self._read(wire) if self.converts else ():
            try:
                stored = self.taken(made)
                fits(_wire(stored.value, self.inner))
            except BadValue as error:
                why.append(str(error))
            except Exception as error:  # a stranger's function
                why.append(f"{shown(wire)} is not taken: {error}")
            else:
                if stored.value is not None and _equal(stored.made, made):
                    return stored
        return None

    def _read(self, wire: Any) -> Iterator[Any]:
        """Yield the values of the application that a value of a file may be."""
        for kind in (self.inner, *_KINDS.values()):
            try:
                yield kind.to_python(kind.read(wire, _silent))
            except BadValue:
                continue
        yield wire
        if isinstance(wire, (int, float)) and not isinstance(wire, bool):
            yield decimal.Decimal(repr(wire))


def _silent(note: str) -> None:
    """Take no note of liberties: what is meant is tried, not decided."""


def _overrides(declared: types.TypeDecorator[Any], *names: str) -> bool:
    return any(
        getattr(type(declared), name) is not getattr(types.TypeDecorator, name) for name in names
    )


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
    except Exception:  # a stranger's comparison
        return False


def _has_form(value: Any) -> bool:
    """Tell whether JSON can hold a value of the application."""
    try:
        return _wire(value, None) is not None
    except BadValue:
        return False


def _wire(value: Any, inner: Kind | None) -> Any:
    """Return the JSON a file has for a value of Python.

    Args:
        value: The value.
        inner: The kind of the type that gave it, where one did.

    Raises:
        BadValue: There is none.
    """
    if isinstance(inner, Json):
        return inner.to_wire(value)
    if inner is not None and value is not None:
        return inner.stored(inner.from_python(value))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (enum.Enum, Exception)):
        raise BadValue(f"{value!r} has no JSON form")
    for known, kind in _KINDS.items():
        if isinstance(value, known):
            return kind.from_python(value)
    if isinstance(value, (int, float, decimal.Decimal)):
        return _number(value)
    if isinstance(value, str):
        return _TEXT.stored(str.__str__(value))
    if type(value) is list:
        return [_wire(item, None) for item in value]
    if type(value) is dict and all(type(name) is str for name in value):
        return {_TEXT.stored(name): _wire(item, None) for name, item in value.items()}
    raise BadValue(f"{shown(str(value))} has no JSON form")


def _number(value: int | float | decimal.Decimal) -> Any:
    if not math.isfinite(value):
        raise BadValue(f"{shown(value)} is not a number")
    if isinstance(value, decimal.Decimal):
        whole = value == value.to_integral_value() and value.adjusted() < 18
        return int(value) if whole else exact_number(value)
    return exact_whole(int(value)) if isinstance(value, int) else value
