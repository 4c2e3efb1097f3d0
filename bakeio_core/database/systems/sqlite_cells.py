"""What is in the cells of SQLite, which keeps a value of any type in a column of any other."""

from __future__ import annotations

import codecs
import decimal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import CompileError
from sqlalchemy.types import TypeEngine

from bakeio_core import values
from bakeio_core.values.kinds.numbers import as_decimal
from bakeio_core.values.wording import escapes_nul, shown

SHAPES = ("????-??-?????:??:??.?????[0-9]", "????-??-?????:??:??")
"""How instants are stored, by SQLAlchemy and by SQLite itself. The last digit tells them from an
instant with its zone, the other places from every other layout: looking at more costs more."""
UNDECODED = "Could not decode to UTF-8"
_PIECE = 1 << 12
"""Bytes that are decoded at once, where the text is not kept."""


def doubt(column: str, kind: values.Kind) -> str | None:
    """Return what `Dialect.doubt` returns of a column that SQL converts."""
    # As little as tells it, for it is asked of every cell. What is not a text in a column of texts
    # is found where JSON is made of it, or in the page.
    if isinstance(kind, values.Integer):
        outside = kind.bounds.outside(column, "9e18") if kind.bounds else ""
        return " OR ".join(filter(None, [f"{column} <> CAST({column} AS INTEGER)", outside]))
    if isinstance(kind, values.Decimal):
        outside, scale = kind.bounds.outside(column, "1e15"), kind.scale or 0
        if scale <= 4:
            return outside
        rounded = f"CAST(printf('%.{scale}f', {column}) AS REAL)"
        return f"{outside} OR (abs({column}) < 0.0001 AND {rounded} <> {column})"
    if isinstance(kind, values.RuledText):
        return " OR ".join(kind.bounds.broken(column))
    if isinstance(kind, values.Boolean):
        return f"{column} NOT IN (0, 1)"
    if isinstance(kind, values.Choice) and kind.is_checked:
        known = ", ".join("'" + text.replace("'", "''") + "'" for text in kind.choices)
        return f"{column} NOT IN ({known})"
    if isinstance(kind, values.Date):
        # with a modifier it counts days, so that one of no calendar comes out as another
        return f"date({column}, '+0 days') IS NOT {column}"
    if isinstance(kind, values.DateTime):
        return "(" + " AND ".join(f"{column} NOT GLOB '{shape}'" for shape in SHAPES) + ")"
    return None


Make = Callable[[Any], Any]


@lru_cache(maxsize=1000)
def _is_strange(declared: TypeEngine[Any]) -> bool:
    """Tell whether a type is one of another database, such as an array."""
    try:
        declared.compile(dialect=sqlite.dialect())
    except CompileError:
        return True
    return False


def to_cell(kind: values.Kind, declared: TypeEngine[Any], make: Make | None) -> Make | None:
    """Return what makes the parameter of a wire value, where it must be made.

    Args:
        kind: What the column holds.
        declared: Its type. What only another database has a type for is kept as JSON.
        make: What makes the parameter as SQLAlchemy does.
    """
    if make is not None and _is_strange(declared):
        write = values.Json().to_text  # as `from_cell` reads it
        return lambda wire: None if wire is None else write(wire)
    return partial(exact, make) if make and isinstance(kind, values.Decimal) else make


def from_cell(kind: values.Kind, declared: TypeEngine[Any], make: Make) -> Make:
    """Return what makes the wire value of a cell that `to_cell` made."""
    if not _is_strange(declared):
        return make
    read = values.Json().from_text
    return lambda cell: None if cell is None else kind.from_json(read(cell))


def truth(cell: Any) -> Any:
    """Return a stored truth as a wire value; what is none stays as it is."""
    try:
        return None if cell is None else values.Boolean().stored(cell)
    except values.BadValue:
        return cell


def exact(make: Callable[[Any], Any], wire: Any) -> Any:
    """Return what is stored of a number: a double, where it is not whole.

    Args:
        make: Makes the parameter of a wire value.
        wire: The wire value.

    Raises:
        BadValue: It has more digits than a double.
    """
    cell = make(wire)
    if isinstance(cell, float) and decimal.Decimal(repr(cell)) != as_decimal(wire, "a number"):
        why = "has more digits than SQLite keeps of a number with decimals (15 always, 17 at most)"
        raise values.BadValue(f"{shown(wire, 40)} {why}: import it into PostgreSQL")
    return cell


def instants(kind: values.DateTime, cells: Sequence[Any]) -> Sequence[Any]:
    """Return the wire values of instants as `SQLite.read` gives them."""
    if kind.all_valid(cells):
        return cells
    texts = (cell.removesuffix("Z") if isinstance(cell, str) else cell for cell in cells)
    return [None if cell is None else kind.stored(cell) for cell in texts]


def plain_number(column: str, scale: int) -> str:
    """Return SQL of a number as JSON without an exponent, where it is that small."""
    plain = f"json(rtrim(rtrim(printf('%.{scale}f', {column}), '0'), '.'))"
    is_small = f"typeof({column}) = 'real' AND {column} <> 0 AND abs({column}) < 0.0001"
    return f"CASE WHEN {is_small} THEN {plain} ELSE {column} END"


@contextmanager
def undecoded(db: Connection) -> Iterator[None]:
    """Read texts that are no UTF-8 as bytes."""
    driver: Any = db.connection.driver_connection
    before, driver.text_factory = driver.text_factory, _decoded
    try:
        yield
    finally:
        driver.text_factory = before


def _decoded(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def is_text(page: bytes) -> bool:
    """Tell whether a page of JSON is UTF-8, without a NUL character in its texts."""
    if not page.isascii():
        # one sign beyond the first plane, and the text of a whole page takes four times its bytes
        view, start = memoryview(page), 0
        try:
            while start < len(page):
                piece = view[start : start + _PIECE]
                start += codecs.utf_8_decode(piece, "strict", len(piece) < _PIECE)[1]
        except UnicodeDecodeError:
            return False
    return not escapes_nul(page)
