"""What a plugin declares of a view: named fields with one of three roles.

A `View` checks itself when it is made, so a wrong declaration is named with its plugin before any
data is touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement

from bakeio_core.errors import PluginError

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
        kept: the fields that stay when it is narrowed; set when it is installed.

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
    kept: tuple[str, ...] = ()

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
            fields: the names of those to keep; those that say which row a record is stay.
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
            name: item
            for name, item in self.fields.items()
            if fields is None or name in fields or name in self.kept or item.role == "key"
        }
        return replace(
            self, fields=kept, missing=tuple(missing), limit=limit, everything=everything
        )
