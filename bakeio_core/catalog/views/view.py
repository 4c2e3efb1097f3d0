"""What a plugin declares of a view: named fields with one of three roles.

A `View` checks itself when it is made, so a wrong declaration is named with its plugin before any
data is touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from sqlalchemy import ColumnElement
from sqlalchemy.types import TypeEngine, to_instance

from bakeio_core.catalog.entities.arguments import refuse_arguments
from bakeio_core.errors import PluginError
from bakeio_core.values.wording import kind_of_thing

T = TypeVar("T")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class OfRow:
    """A value computed from the one row a path of references leads to.

    Args:
        path: foreign keys, joined by points.
        compute: gets that row's columns and returns an expression.
    """

    path: str
    compute: Callable[[Any], ColumnElement[Any]]


@dataclass(frozen=True)
class OfRows:
    """Values that code of a plugin computes for many rows at once, see `computed`.

    Args:
        prepare: gets the connection and the catalog and returns what the values are computed with.
        values: gets that and the ids of rows, and returns their values in the same order.
        type: a SQLAlchemy type, of the values.
    """

    prepare: Callable[[Any, Any], Any]
    values: Callable[[Any, Sequence[Any]], Sequence[Any]]
    type: TypeEngine[Any]


Source = str | Callable[..., ColumnElement[Any]] | OfRow | OfRows


@dataclass(frozen=True)
class Field:
    """One field of a view.

    Args:
        role: `key`, `editable`, `readonly` or `list`; and `parent` for the field by which a row of
            a list tells to which record it belongs, which no file has.
        source: where its value comes from, see `readonly`; of a list see `children`.
        fields: of a list those of each row.
        key: of a list the columns that tell its rows apart.
    """

    role: str
    source: Source
    fields: Mapping[str, Field] = field(default_factory=dict)
    key: tuple[str, ...] = ()


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


def computed(
    prepare: Callable[[Any, Any], T],
    values: Callable[[T, Sequence[Any]], Sequence[Any]],
    type_: TypeEngine[Any] | type[TypeEngine[Any]],
) -> Field:
    """Declare context that your own code computes for many rows at once, where SQL cannot.

    It is never written, and an import compares it as any other context.

    Args:
        prepare: `prepare(db, catalog)` reads what is needed, with as many statements for one row
            as for a million, and returns something to compute with. It is called once for all
            fields of a file that name it; a class will do.
        values: `values(prepared, ids)` returns a value for each of the ids of some rows (up to
            some hundred), in their order, without a statement of its own; null where there is none.
        type_: the SQLAlchemy type of the values, such as `Numeric(10, 2)` or `Text`.

    Raises:
        PluginError: one of the two cannot be called.
    """
    for what, given in (("prepare", prepare), ("values", values)):
        if not callable(given):
            raise PluginError(f"computed: {what} is {given!r:.40}, and must be a function")
    is_type = isinstance(type_, type) and issubclass(type_, TypeEngine)
    if not is_type and not isinstance(type_, TypeEngine):
        named = getattr(type_, "__name__", type_)
        raise PluginError(
            f"computed: type_ is {named}, not a type of SQLAlchemy such as Numeric(10, 2) or Text"
        )
    return Field("readonly", OfRows(prepare, values, to_instance(type_)))


def children(source: str, fields: Mapping[str, Field], key: str | Sequence[str] = ()) -> Field:
    """Declare a list of rows that belong to the row of a record, to be edited with it.

    Each is exported as a small record with a `_rev` of its own, and merged back by that or a key:
    changed, added, and deleted only where it says `"_delete": true`.

    Args:
        source: `entity.column`, the foreign key that leads from these rows to the record's.
        fields: {name: field} in order, as of a view.
        key: the columns that tell the rows of one record apart, where the entity has no such key.

    Raises:
        PluginError: for a source of another form.
    """
    entity, _, column = source.partition(".")
    if not _NAME.fullmatch(entity) or not column or "." in column:
        raise PluginError(
            f'children("{source}"): name the foreign key by which rows of another entity belong to '
            "the record, as entity.column"
        )
    rows = Field("list", source, fields, (key,) if isinstance(key, str) else tuple(key))
    refuse_arguments(rows, f'children("{source}")')
    return rows


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
        headings: {field: what the sheets of others may call it}; it is suggested for a column of
            such a heading, and never taken without a question.
        missing, limit, everything: as `narrow` sets them.
        kept: the fields that stay when it is narrowed; set when it is installed.
        lists: {name: field} of its lists (`children`), which are taken out of `fields`.

    Raises:
        PluginError: naming what does not fit.
    """

    name: str
    entity: str
    fields: Mapping[str, Field]
    purpose: str = ""
    hides: str | None = None
    version: str = "1.0"
    headings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    limit: int | None = None
    everything: bool = False
    kept: tuple[str, ...] = ()
    lists: Mapping[str, Field] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.kept:  # one that is installed was looked at
            refuse_arguments(self, f'view "{self.name}"')
        lists = {n: item for n, item in self.fields.items() if _is_list(item)}
        if lists:
            single = {n: item for n, item in self.fields.items() if n not in lists}
            object.__setattr__(self, "fields", single)
            object.__setattr__(self, "lists", {**self.lists, **lists})
        if not _NAME.fullmatch(self.name.replace(".", "_", 1)):
            raise PluginError(
                f'view "{self.name}": a name must be lower-case letters, digits and _'
            )
        if not self.fields:
            raise PluginError(f'view "{self.name}" has no fields')
        for name, item in {**self.fields, **self.lists}.items():
            if not isinstance(item, Field) or name.startswith("_"):
                raise PluginError(
                    f'view "{self.name}", field "{name}": '
                    "use key(), editable(), readonly() or children(), and no leading _"
                )
            if not name.isprintable() or '"' in name or "\\" in name:
                raise PluginError(
                    f'view "{self.name}", field {name!r}: '
                    "a name must be printable, without quotes and backslashes"
                )
            if not isinstance(item.source, (str, OfRow, OfRows)) and not callable(item.source):
                raise PluginError(
                    f'view "{self.name}", field "{name}": its source is '
                    f"{kind_of_thing(item.source)}, not a column, a path or a function"
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
            fields: the names of those to keep; those that say which row a record is stay.
            missing: only records that lack a value in one of these fields.
            limit: at most so many records.
            everything: the rows that are hidden too.

        Raises:
            PluginError: for a field the view does not have.
        """
        known = {**self.fields, **self.lists}
        for name in [*(fields or ()), *missing]:
            if name not in known or (name in missing and name in self.lists):
                lacks = f'has no field "{name}"' if name not in known else f"lists {name}"
                raise PluginError(
                    f'view "{self.name}" {lacks}; its fields are {", ".join(self.fields)}'
                )
        kept = {
            name: item
            for name, item in self.fields.items()
            if fields is None or name in fields or name in self.kept or item.role == "key"
        }
        lists = {n: item for n, item in self.lists.items() if fields is None or n in fields}
        return replace(
            self,
            fields=kept,
            lists=lists,
            missing=tuple(missing),
            limit=limit,
            everything=everything,
        )


def _is_list(item: object) -> bool:
    return isinstance(item, Field) and item.role == "list"


def plain_view_name(given: str) -> str:
    """Return the name of a view as it is installed: without the ending it has in files."""
    return given.strip().removesuffix("_complete").replace("-", "_")
