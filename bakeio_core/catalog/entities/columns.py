"""The columns every standard table begins and ends with, and the defaults of all columns.

Some defaults are known beforehand, some are made by a function of the application, and some only
when the row is written: by the database, or by a function that looks at the row. For these `MADE`
stands in the row until then.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import (
    Column,
    DateTime,
    DefaultClause,
    ForeignKeyConstraint,
    FromClause,
    Identity,
    Integer,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import schema
from sqlalchemy.sql.functions import FunctionElement, current_timestamp

from bakeio_core import values
from bakeio_core.errors import PluginError, describe


class new_uuid(FunctionElement[str]):
    """A random UUID as text, made by the database."""

    type = String(36)
    inherit_cache = True


@compiles(new_uuid)
def _portable(element: Any, compiler: Any, **options: Any) -> str:
    return "(gen_random_uuid()::text)"


@compiles(new_uuid, "sqlite")
def _sqlite(element: Any, compiler: Any, **options: Any) -> str:
    parts = [
        "lower(hex(randomblob(4)))",
        "lower(hex(randomblob(2)))",
        "'4' || substr(lower(hex(randomblob(2))), 2)",
    ]
    parts += [
        "substr('89ab', 1 + (abs(random()) % 4), 1) || substr(lower(hex(randomblob(2))), 2)",
        "lower(hex(randomblob(6)))",
    ]
    return "(" + " || '-' || ".join(parts) + ")"


def identity_columns() -> list[Column[Any]]:
    """Return the columns `id` and `uuid`.

    `id` is an integer primary key; `uuid` has 36 characters, is unique, and is made on insert by
    whoever inserts.
    """
    return [
        Column("id", Integer, Identity(), primary_key=True),
        Column(
            "uuid",
            String(36),
            nullable=False,
            unique=True,
            index=True,
            default=lambda: str(uuid.uuid4()),
            server_default=new_uuid(),
        ),
    ]


def _now() -> datetime:
    return datetime.now(timezone.utc)


def stamp_columns() -> list[Column[Any]]:
    """Return `created_at` and `updated_at` (UTC), filled by whoever inserts."""
    return [
        Column(
            "created_at",
            DateTime(timezone=True),
            nullable=False,
            default=_now,
            server_default=current_timestamp(),
        ),
        Column(
            "updated_at",
            DateTime(timezone=True),
            nullable=False,
            default=_now,
            onupdate=_now,
            server_default=current_timestamp(),
        ),
    ]


# -- what a column holds where nobody gave a value
STAMPS = ("created_at", "updated_at")


class _Made:
    def __repr__(self) -> str:
        return "MADE"


MADE: Any = _Made()
"""Stands in a new row, or among what an update sets, for a value made when that is written."""

_QUOTED = re.compile(r"'((?:[^']|'')*)'(?:::[\w ]+)?")
_BARE = re.compile(r"[+-]?\d+(?:\.\d+)?|true|false", re.IGNORECASE)
_TRUTHS = {"1": True, "true": True, "t": True, "0": False, "false": False, "f": False}


class DefaultFailed(PluginError):
    """A function of the application that makes a value of a column raised.

    Attributes:
        column: The name of the column, empty where it is not known.
    """

    def __init__(self, table: str, column: str, declared_by: str, error: BaseException) -> None:
        owner = f"{declared_by}: " if declared_by else ""
        self.column = column.removeprefix(f"{table}.")
        what = f"the default of {table}.{self.column}" if column else f"a default of {table}"
        super().__init__(f"{owner}{what} failed: {describe(error)}")


@dataclass(frozen=True)
class Default:
    """What a new row gets in a column that nobody gives a value for.

    Args:
        column: The column.
        kind: What it holds.
        constant: The wire value, where it is known beforehand.
        make: The function of the application that makes it of nothing but itself.
    """

    column: Column[Any]
    kind: values.Kind
    constant: Any = None
    make: Callable[[], Any] | None = None

    @property
    def is_made(self) -> bool:
        """Whether the value is there only when the row is written."""
        return self.constant is None and self.make is None

    def value(self, declared_by: str) -> Any:
        """Return the wire value of one new row, `MADE` where it is made on writing.

        Args:
            declared_by: The plugin of the column's table, for the message.

        Raises:
            DefaultFailed: the application's function raised.
        """
        if self.make is None:
            return MADE if self.constant is None else self.constant
        try:
            made = self.kind.from_python(self.make())
            return None if made is None else self.kind.read(made, lambda note: None)
        except Exception as error:
            where = self.column.table.name, self.column.name
            raise DefaultFailed(*where, declared_by, error) from error


class Filled(Protocol):
    """Whose columns are filled: an entity."""

    @property
    def declared_by(self) -> str: ...
    @property
    def kinds(self) -> Mapping[str, values.Kind]: ...
    @property
    def primary_key(self) -> Sequence[str]: ...
    @property
    def references(self) -> Mapping[str, Any]: ...


class FilledColumns:
    """What rows get in columns that nobody gives a value for.

    Attributes:
        stamps: Those of `created_at` and `updated_at` that hold instants: bakeio sets them itself.
        moments: Those stamps, and what else of `set_on_update` holds instants.
        set_on_update: The columns the application sets at each update of a row, stamps aside.
        defaults: What a new row gets: {column: its default}.
        computed: The columns the database computes from others: nobody writes them.
        made_on_writing: The columns whose value is there only when the row is written.
    """

    def __init__(self, owner: Filled, columns: Mapping[str, Column[Any]]) -> None:
        self.owner, kinds = owner, owner.kinds
        self.stamps = tuple(c for c in STAMPS if isinstance(kinds.get(c), values.DateTime))
        changing = (name for name, column in columns.items() if is_set_on_update(column))
        self.set_on_update = tuple(name for name in changing if name not in self.stamps)
        touched = (c for c in self.set_on_update if isinstance(kinds[c], values.DateTime))
        self.moments = (*self.stamps, *touched)
        found = ((name, default_of(column, kinds[name])) for name, column in columns.items())
        self.defaults = {name: default for name, default in found if default is not None}
        self.computed = frozenset(n for n, c in columns.items() if c.computed is not None)
        made = (name for name, default in self.defaults.items() if default.is_made)
        self.made_on_writing = self.computed.union(made)

    def known(self, column: str) -> Any:
        """Return the default of a column that is known beforehand as a wire value, else None."""
        default = self.defaults.get(column)
        return None if default is None else default.constant

    @cached_property
    def uuids(self) -> frozenset[str]:
        """The columns that get a new uuid: `uuid`, and a primary key that is one."""
        kinds, references = self.owner.kinds, self.owner.references
        ids = (c for c in self.owner.primary_key if isinstance(kinds[c], values.Identifier))
        return frozenset(["uuid", *(column for column in ids if column not in references)])

    def supplied(self, column: str, now: str) -> Any:
        """Return what a new row gets in a column its record says nothing of, a slug aside.

        Args:
            column: The column.
            now: What stamps get.

        Returns:
            A wire value, None for null, `MADE` where it is made when the row is written.

        Raises:
            DefaultFailed: The application's function raised.
        """
        if column in self.stamps:
            return now
        default = self.defaults.get(column)
        value = None if default is None else default.value(self.owner.declared_by)
        is_uuid = column in self.uuids and (value is None or value is MADE)
        return str(uuid.uuid4()) if is_uuid else value


def default_of(column: Column[Any], kind: values.Kind) -> Default | None:
    """Return what SQLAlchemy would have a row hold in a column it is not given; None for null.

    What tells a row from others is known before it is written, or bakeio makes it.
    """
    found = None if column.computed is not None else _declared(column, kind)
    return None if found is not None and found.is_made and column.primary_key else found


def _declared(column: Column[Any], kind: values.Kind) -> Default | None:
    own, server = column.default, column.server_default
    if own is None and server is None:
        return None
    if own is not None:
        if own.is_scalar:
            return Default(column, kind, kind.from_python(own.arg))  # type: ignore[attr-defined]
        is_decorated = isinstance(column.type, TypeDecorator)
        if own.is_callable and not is_decorated and not _looks_at_row(own.arg):  # type: ignore[attr-defined]
            return Default(column, kind, make=partial(own.arg, None))  # type: ignore[attr-defined]
        return Default(column, kind)
    return Default(column, kind, _literal(server, kind))


def is_set_on_update(column: Column[Any]) -> bool:
    """Tell whether each update of a row sets the column, unless it is given a value."""
    is_set = column.onupdate is not None or column.server_onupdate is not None
    return is_set and column.computed is None


def _looks_at_row(function: Any) -> bool:
    """Tell whether a default takes SQLAlchemy's context, by which it may look at its row.

    SQLAlchemy wraps those that do not in a function of its own.
    """
    return bool(getattr(function, "__globals__", {}).get("__name__") != schema.__name__)


def _literal(server: Any, kind: values.Kind) -> Any:
    """Return the wire value of a default of the database that is a plain literal, else None."""
    if not isinstance(server, DefaultClause) or not kind.sql_convertible:
        return None
    text = server.arg if isinstance(server.arg, str) else _unquoted(str(server.arg))
    if text is None:
        return None
    try:
        if isinstance(kind, (values.Text, values.Integer, values.Decimal, values.Float)):
            return kind.read(text, lambda note: None)
        if isinstance(kind, (values.Date, values.DateTime)):
            return kind.stored(text)
    except values.BadValue:
        return None  # the database knows what is meant
    return _TRUTHS.get(text.lower()) if isinstance(kind, values.Boolean) else None


def _unquoted(sql: str) -> str | None:
    """Return what a literal of SQL says, None for any other expression."""
    quoted = _QUOTED.fullmatch(sql)
    if quoted is not None:
        return quoted[1].replace("''", "'")
    return sql if _BARE.fullmatch(sql) else None


BY_TEXT = (values.DateTime, values.Decimal)
"""The kinds of primary keys that stand for their rows as texts, which all databases make alike."""


@dataclass(frozen=True)
class ForeignKeyColumns:
    """One foreign key.

    Args:
        columns: the columns that hold it.
        target: the name of the table it refers to.
        target_keys: the columns there, by their keys (`Column.key`).
    """

    columns: tuple[str, ...]
    target: str
    target_keys: tuple[str, ...]

    @property
    def is_reference(self) -> bool:
        """Whether one column holds it, so that it may be the reference of a field."""
        return len(self.columns) == 1


def foreign_keys_of(table: Table) -> tuple[ForeignKeyColumns, ...]:
    """Return the foreign keys of a table, in the order of the first column of each."""
    places = {column.name: place for place, column in enumerate(table.columns)}
    found = []
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            elements = list(constraint.elements)
            # `schema.table.column` or `table.column`; a table of the same schema is meant by both
            *_, target, _ = elements[0].target_fullname.split(".")
            keys = tuple(element.target_fullname.rsplit(".", 1)[1] for element in elements)
            columns = tuple(str.__str__(element.parent.name) for element in elements)
            found.append(ForeignKeyColumns(columns, target, keys))
    return tuple(sorted(found, key=lambda foreign: places[foreign.columns[0]]))


def unique_indexes(table: Table) -> list[tuple[str, ...]]:
    """Return the columns of the unique indexes of a table that hold for all of its rows."""
    whole = [index for index in table.indexes if index.unique and not index.dialect_kwargs]
    plain = [i for i in whole if len(i.columns) == len(i.expressions)]
    return [tuple(str(column.name) for column in index.columns) for index in plain]


def unique_sets(table: Table) -> list[tuple[str, ...]]:
    """Return the columns of which no two rows have the same, set by set, the primary key first.

    Args:
        table: The table; what is declared nowhere but in the database is not known.
    """
    found = [[*table.primary_key.columns]]
    found += [[*index.columns] for index in table.indexes if index.unique]
    found += [[column] for column in table.columns if column.unique]
    found += [[*c.columns] for c in table.constraints if isinstance(c, UniqueConstraint)]
    named = (tuple([str(column.name) for column in columns]) for columns in found if columns)
    return list({frozenset(names): names for names in named}.values())


if TYPE_CHECKING:

    class TableOf:
        """A table as it is given: `Model.__table__` has a wider type than `Table`."""

        def __get__(self, entity: object, of: object = None) -> Table: ...
        def __set__(self, entity: object, table: FromClause) -> None: ...
