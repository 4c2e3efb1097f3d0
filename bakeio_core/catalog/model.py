"""What a plugin declares of an entity: a table plus what a table cannot say.

An `Entity` checks itself when it is made, so a wrong declaration is named with its plugin before
any data is touched.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import BigInteger, Integer, Table

from bakeio_core.errors import PluginError, Problem
from bakeio_core.values.codes import read_code
from bakeio_core.values.columns import kind_of
from bakeio_core.values.kind import Kind
from bakeio_core.values.text import Text
from bakeio_core.values.wording import BadValue

Key = tuple[str, ...]
Check = Callable[[Any, Any], Any]
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Reference:
    """A foreign key of an entity.

    Args:
        column: holds the id of a row of `target`.
        target: the name of the entity it refers to.
        nullable: whether it may be empty.
        lookups: {field of the file: column of the target}, best first.
    """

    column: str
    target: str
    nullable: bool
    lookups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Suspects:
    """Say from when on a change is told as suspicious. It is written all the same.

    Args:
        times: a number so many times as large or as small as the row's own, or as any other.
        days: a date so many days before the first or after the last there is.
        same: so many rows that get one value.
        moved: so many rows one after another that get the value of the row beside them.
    """

    times: int = 10
    days: int = 366
    same: int = 10
    moved: int = 3


@dataclass(frozen=True, eq=False)
class Entity:
    """Make a table exportable, importable and referable.

    Args:
        table: a SQLAlchemy `Table` built on the metadata handed to the hook (or an application's
            own), with one integer primary key.
        keys: natural keys, best first; each a column or a tuple of columns (a foreign key column
            stands for the row it names).
        content: columns by which rows without any other identity are recognised; equal rows may
            exist more than once.
        lookups: {foreign key column: {field of the file: column of the target}}, best first; left
            out, the target's slug or uuid serves.
        checks: {column: function(old, new) -> value to store, or a `Problem`}; run on values people
            changed, lifted with `--allow column`.
        choices: {column: values offered}; offered, never enforced.
        synonyms: groups of words or phrases that mean the same when candidates are ranked, for
            this entity's rows and those that refer to them.
        lookalikes: groups of words of which two must not be confused there.
        codes: columns of standard article numbers, equal however they are padded.
        field_names: {column: other names by which files call it}; case, spaces and signs make no
            difference, and the column's own name need not be among them.
        suspects: from when on changes of its rows are told as suspicious.
        label: the column (or columns) by which people call a row.
        slug_from: columns a missing `slug` is made from.
        date: the column that makes the entity transactional (`--no-transactional`, `--since`).

    Raises:
        PluginError: naming the column that does not fit.
    """

    table: Table
    keys: Sequence[str | Key] = ()
    content: Key = ()
    lookups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    synonyms: Sequence[Sequence[str]] = ()
    lookalikes: Sequence[Sequence[str]] = ()
    codes: Sequence[str] = ()
    field_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    suspects: Suspects = Suspects()
    label: str | Key = ()
    slug_from: Key = ()
    date: str | None = None
    references: Mapping[str, Reference] = field(default_factory=dict, init=False)
    rows: Any = field(default=None, init=False)
    has_gaps: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        primary = list(self.table.primary_key.columns)
        if not _NAME.fullmatch(self.table.name):
            raise PluginError(
                f'entity "{self.table.name}": a table name must be lower-case letters, digits and _'
            )
        if len(primary) != 1 or not isinstance(primary[0].type, (Integer, BigInteger)):
            raise PluginError(
                f'entity "{self.name}": the table needs one integer primary key column'
            )
        named: dict[str, Sequence[str]] = {f"keys {key}": key for key in self.all_keys}
        named |= {
            "content": self.content,
            "lookups": list(self.lookups),
            "checks": list(self.checks),
            "choices": list(self.choices),
            "codes": self.codes,
            "field_names": list(self.field_names),
            "label": self.labels,
            "slug_from": self.slug_from,
            "date": [self.date] if self.date else [],
        }
        for what, columns in named.items():
            for column in columns:
                if column not in self.table.c:
                    raise PluginError(
                        f'entity "{self.name}": {what} names "{column}", '
                        "which is no column of its table"
                    )
        try:
            kinds = self.kinds
        except TypeError as error:
            raise PluginError(f'entity "{self.name}": {error}') from None
        object.__setattr__(self, "references", self._read_references())
        clash = [name for ref in self.references.values() for name in ref.lookups if name in kinds]
        if clash:
            raise PluginError(
                f'entity "{self.name}": the lookup field "{clash[0]}" is also a column of its table'
            )

    def _read_references(self) -> dict[str, Reference]:
        found = {}
        for column in self.table.columns:
            for foreign in column.foreign_keys:
                target, target_column = foreign.target_fullname.rsplit(".", 1)
                name = str.__str__(column.name)
                found[name] = Reference(
                    name, target, bool(column.nullable), dict(self.lookups.get(name, {}))
                )
                is_own = target == self.name and len(column.foreign_keys) == 1
                if is_own and target_column not in ("id", self.primary):
                    raise PluginError(
                        f'entity "{self.name}": {column.name} must refer '
                        f"to the primary key of {target}"
                    )
        for name in self.lookups:
            if name not in found:
                raise PluginError(
                    f'entity "{self.name}": lookups names "{name}", which is no foreign key'
                )
        return found

    @property
    def name(self) -> str:
        """The name of the entity: that of its table."""
        # SQLAlchemy's own kind of str is a stranger to encoders
        return str.__str__(self.table.name)

    def narrow(self, rows: Any) -> Entity:
        """Return the entity with only the rows whose primary key a SELECT gives; for exports."""
        return self._with("rows", rows)

    def with_gaps(self) -> Entity:
        """Return the entity with null for each cell that no file can hold; for exports."""
        return self._with("has_gaps", True)

    def _with(self, name: str, value: Any) -> Entity:
        changed = copy.copy(self)
        object.__setattr__(changed, name, value)
        return changed

    @cached_property
    def primary(self) -> str:
        """The name of the primary key column."""
        return str.__str__(next(iter(self.table.primary_key.columns)).name)

    @cached_property
    def identity(self) -> str:
        """The name of the column by which `_rev` knows a row: `uuid`, else the primary key."""
        return "uuid" if "uuid" in self.columns else self.primary

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the table's columns, in order."""
        return tuple(str.__str__(column.name) for column in self.table.columns)

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """What each column holds: {column: its `Kind`}."""
        kinds = {str.__str__(column.name): kind_of(column) for column in self.table.columns}
        for code in self.codes:
            if isinstance(kind := kinds[code], Text):
                kind.is_code = True
        return kinds

    @cached_property
    def all_keys(self) -> tuple[Key, ...]:
        """All natural keys as tuples, best first; `uuid` comes before the declared ones."""
        declared = [(key,) if isinstance(key, str) else tuple(key) for key in self.keys]
        is_added = "uuid" in self.table.c and ("uuid",) not in declared
        return (("uuid",), *declared) if is_added else tuple(declared)

    @cached_property
    def readable_key(self) -> Key:
        """The best natural key a person can read: no uuid, no references; else the primary key."""
        readable = (key for key in self.all_keys if not {*key} & {"uuid", *self.references})
        return next(readable, (self.primary,))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The columns by which people call a row."""
        return (self.label,) if isinstance(self.label, str) else tuple(self.label)

    @cached_property
    def calling(self) -> tuple[str, ...]:
        """The columns that say what a row is called: its label, and what tells it from others."""
        columns = dict.fromkeys((*self.labels, *self.slug_from))
        return tuple(column for column in columns if column not in self.references)

    @cached_property
    def unique(self) -> tuple[Key, ...]:
        """The natural keys the database itself keeps unique."""
        unique = {
            tuple(sorted(c.name for c in index.columns))
            for index in self.table.indexes
            if index.unique
        }
        unique |= {(column.name,) for column in self.table.columns if column.unique}
        for constraint in self.table.constraints:
            if type(constraint).__visit_name__ == "unique_constraint":
                unique.add(tuple(sorted(c.name for c in constraint.columns)))  # type: ignore[attr-defined]
        return tuple(key for key in self.all_keys if tuple(sorted(key)) in unique)

    @cached_property
    def all_checks(self) -> dict[str, Check]:
        """The checks of values people changed: that of codes before the declared one."""
        return {c: self._check_of(c) for c in (*self.codes, *self.checks)}

    def _check_of(self, column: str) -> Check:
        declared = self.checks.get(column)
        if column not in self.codes and declared is not None:
            return declared

        def check(old: Any, new: Any) -> Any:
            try:
                code = read_code(new) if isinstance(new, str) else new
            except BadValue as error:
                return Problem(code="check", message=str(error))
            return code if declared is None else declared(old, code)

        return check

    @cached_property
    def _nullable(self) -> frozenset[str]:
        return frozenset(
            str.__str__(column.name) for column in self.table.columns if column.nullable
        )

    def nullable(self, column: str) -> bool:
        """Tell whether a column may be null."""
        return column in self._nullable

    def default(self, column: str) -> Any:
        """Return the plain default of a column as a wire value, None where it has none."""
        default = self.table.c[column].default
        if default is not None and default.is_scalar:
            return self.kinds[column].from_python(default.arg)  # type: ignore[attr-defined]
        return None
