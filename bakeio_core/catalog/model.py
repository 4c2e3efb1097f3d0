"""What a plugin declares: entities and views.

An `Entity` is a table plus what a table cannot say, a `View` is named fields with one of three
roles. Both check themselves when they are made, so a wrong declaration is named with its plugin
before any data is touched.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Table

from bakeio_core.errors import PluginError
from bakeio_core.values.columns import kind_of
from bakeio_core.values.kind import Kind

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
        return {str.__str__(column.name): kind_of(column) for column in self.table.columns}

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


@dataclass(frozen=True)
class OfRow:
    """A value computed from the one row a path of references leads to.

    Args:
        path: foreign keys, joined by points.
        compute: gets that row's columns and returns an expression.
    """

    path: str
    compute: Callable[[Any], ColumnElement[Any]]


Source = str | Callable[..., ColumnElement[Any]] | OfRow


@dataclass(frozen=True)
class Field:
    """One field of a view.

    Args:
        role: `key`, `editable` or `readonly`.
        source: where its value comes from, see `readonly`.
    """

    role: str
    source: Source


def key(source: str) -> Field:
    """Declare the field that finds the row; written when a row is created, never on update.

    Args:
        source: a column of the entity.
    """
    return Field("key", source)


def editable(source: str) -> Field:
    """Declare a field that imports write.

    Args:
        source: a column, or `reference.column` to link the row to another one by that key.
    """
    return Field("editable", source)


def readonly(source: Source, compute: Callable[[Any], ColumnElement[Any]] | None = None) -> Field:
    """Declare context that is never written on update.

    A path that names a referred row supplies the link when a row is new.

    Args:
        source: a column, a dotted path over foreign keys (`a_id.b_id.column`) or a function of the
            tables returning an expression.
        compute: where `source` is a path that ends with a foreign key (`a_id`, `a_id.b_id`), a
            function of the columns of the row it leads to (`row.name`, as of `Table.c`) returning
            an expression; cheaper than looking that row up in a function of the tables.

    Raises:
        PluginError: for `compute` without a path.
    """
    if compute is None:
        return Field("readonly", source)
    if not isinstance(source, str):
        raise PluginError(
            "readonly(path, compute): the first must be a path to a row, such as a_id or a_id.b_id"
        )
    return Field("readonly", OfRow(source, compute))


@dataclass(frozen=True, eq=False)
class View:
    """Declare a denormalized file: its purpose and fields; queries and imports follow from these.

    Args:
        name: as on the command line.
        entity: the entity whose rows are its records.
        fields: {name: field} in order.
        purpose: one line for the person or assistant who will edit the file.
        hides: a true/false column of the entity; rows with true are left out unless all are asked
            for.
        version: of the view, as it stands in the file.
        missing, limit, everything: as `narrow` sets them.

    Raises:
        PluginError: naming what does not fit.
    """

    name: str
    entity: str
    fields: Mapping[str, Field]
    purpose: str = ""
    hides: str | None = None
    version: str = "1.0"
    missing: tuple[str, ...] = ()
    limit: int | None = None
    everything: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise PluginError(
                f'view "{self.name}": a name must be lower-case letters, digits and _'
            )
        if not self.fields:
            raise PluginError(f'view "{self.name}" has no fields')
        for name, item in self.fields.items():
            if not isinstance(item, Field) or name.startswith("_"):
                raise PluginError(
                    f'view "{self.name}", field "{name}": '
                    "use key(), editable() or readonly(), and no leading _"
                )
            if not name.isprintable() or '"' in name or "\\" in name:
                raise PluginError(
                    f'view "{self.name}", field {name!r}: '
                    "a name must be printable, without quotes and backslashes"
                )
            if item.role != "readonly" and not isinstance(item.source, str):
                raise PluginError(
                    f'view "{self.name}", field "{name}": only a column or path can be {item.role}'
                )
            if item.role == "editable" and str(item.source).count(".") > 1:
                raise PluginError(
                    f'view "{self.name}", field "{name}": '
                    "an editable path has one step, reference.column"
                )

    def names(self, *roles: str) -> list[str]:
        """Return the names of the fields with these roles, in order."""
        return [name for name, item in self.fields.items() if item.role in roles]

    def narrow(
        self,
        *,
        fields: Sequence[str] | None = None,
        missing: Sequence[str] = (),
        limit: int | None = None,
        everything: bool = False,
    ) -> View:
        """Return the view with fewer fields or other records.

        Args:
            fields: the names of those to keep; keys stay.
            missing: only records that lack a value in one of these fields.
            limit: at most so many records.
            everything: the rows that are hidden too.

        Raises:
            PluginError: for a field the view does not have.
        """
        for name in [*(fields or ()), *missing]:
            if name not in self.fields:
                raise PluginError(
                    f'view "{self.name}" has no field "{name}"; it has {", ".join(self.fields)}'
                )
        kept = {
            n: f for n, f in self.fields.items() if fields is None or n in fields or f.role == "key"
        }
        return replace(
            self, fields=kept, missing=tuple(missing), limit=limit, everything=everything
        )
