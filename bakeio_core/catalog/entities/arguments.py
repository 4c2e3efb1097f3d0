"""Whether what a plugin hands in is what it should be: a table, a text, a list, a function."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Table

from bakeio_core import values
from bakeio_core.errors import PluginError
from bakeio_core.values.wording import kind_of_thing

_LISTS = {"Sequence": "a list", "tuple": "a list", "Key": "a list of columns"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_EMPTY = (tuple, list, dict)
_FUNCTIONS = ("Callable", "Check")
_OURS = ("View", "Suspects", "Totals")
_PLAIN: dict[str, tuple[type, str]] = {
    "str": (str, "a text"),
    "int": (int, "a whole number"),
    "bool": (bool, "True or False"),
    "Mapping": (Mapping, "a mapping"),
}
_KNOWN = {*_LISTS, *_FUNCTIONS, *_OURS, *_PLAIN}
"""What is looked at; an annotation of another name takes anything."""


def refuse_arguments(declared: Any, what: str) -> None:
    """Raise where an argument is of another kind than its class says.

    Without this a text in place of a list is taken letter by letter, and a number in place of a
    function is noticed by the first import that needs it.

    Args:
        declared: An object of a dataclass, which is just being made.
        what: What messages call it, such as `view "errands"`.

    Raises:
        PluginError: It names the argument, and says what it is and what it should be.
    """
    for name, default, kinds in _arguments(declared.__class__):
        value = getattr(declared, name)
        is_left_out = value is default or (isinstance(value, _EMPTY) and not value)
        if not is_left_out and (wrong := _wrong(value, _kinds(kinds), name)):
            raise PluginError(f"{what}: {wrong}")


@cache
def _arguments(kind: type) -> list[tuple[str, Any, str]]:
    """Return name, default and annotation of the arguments of a dataclass."""
    return [(item.name, item.default, str(item.type)) for item in fields(kind) if item.init]


class _Kind(NamedTuple):
    """One alternative of an annotation: its name, and those of what it holds."""

    head: str
    inner: tuple[tuple[_Kind, ...], ...] = ()


@cache
def _kinds(annotation: str) -> tuple[_Kind, ...]:
    """Return the alternatives of an annotation as it is written."""
    return tuple(_alternatives(ast.parse(annotation, mode="eval").body))


def _alternatives(node: ast.expr) -> Iterator[_Kind]:
    if isinstance(node, ast.BinOp):
        yield from _alternatives(node.left)
        yield from _alternatives(node.right)
    elif isinstance(node, ast.Subscript):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        yield from (_Kind(kind.head, tuple(map(_of, inner))) for kind in _alternatives(node.value))
    else:
        yield _Kind(node.id if isinstance(node, ast.Name) else "None")


def _of(node: ast.expr) -> tuple[_Kind, ...]:
    return tuple(_alternatives(node))


def _wrong(value: Any, kinds: tuple[_Kind, ...], name: str) -> str:
    """Return what is wrong with a value, empty where nothing is."""
    kind = next((kind for kind in kinds if _fits(value, kind.head)), None)
    if kind is None:
        wanted = [said for kind in kinds if (said := _said(kind.head))]
        return f"{name} is {kind_of_thing(value)}, not {' or '.join(wanted)}"
    if kind.head == "Mapping" and kind.inner:
        of_names, of_values = kind.inner
        for key in value:
            if not isinstance(key, str):
                return _wrong(key, of_names, f"the name {key!r} in {name}")
        if any(each.head in _KNOWN for each in of_values):
            each = (_wrong(item, of_values, f"{name}[{key!r}]") for key, item in value.items())
            return next(filter(None, each), "")
    elif kind.head == "Sequence" and kind.inner[0][0].inner:  # a list of lists
        each = (_wrong(item, kind.inner[0], f"{item!r:.40} in {name}") for item in value)
        return next(filter(None, each), "")
    return ""


def _fits(value: Any, head: str) -> bool:
    if head in _PLAIN:
        return isinstance(value, _PLAIN[head][0])
    if head in _LISTS:
        return isinstance(value, Collection) and not isinstance(value, (str, bytes, Mapping))
    if head in _FUNCTIONS:
        return callable(value)
    if head in _OURS:
        return head in (kind.__name__ for kind in type(value).__mro__)
    return value is None if head == "None" else True


def _said(head: str) -> str:
    if head in _OURS:
        return f"a {head}"
    plain = {name: said for name, (_, said) in _PLAIN.items()}
    return {**plain, **_LISTS, **dict.fromkeys(_FUNCTIONS, "a function")}.get(head, "")


# -- of an entity
def refuse_table(table: object) -> None:
    """Raise where a thing is no table, or one whose name no file can have."""
    if not isinstance(table, Table):
        named = getattr(table, "__name__", "")
        hint = f": write {named}.__table__" if hasattr(table, "__table__") else ""
        raise PluginError(f"an entity takes a table, not {named or kind_of_thing(table)}{hint}")
    if not _NAME.fullmatch(table.name):
        said = "a table name must be letters, digits and _"
        raise PluginError(f'entity "{table.name}": {said}')
    if table.name.startswith("bakeio_"):
        said = "names of tables that begin with bakeio_ are bakeio's own: choose another one"
        raise PluginError(f'entity "{table.name}": {said}')


def refuse_kinds(
    entity: str,
    kinds: Mapping[str, values.Kind],
    primary_key: Iterable[str],
    known_by: Iterable[str],
) -> None:
    """Raise where rows are to be known by what does not tell them apart.

    Args:
        entity: The name of the entity.
        kinds: {column: what it holds}.
        primary_key: The columns of its primary key.
        known_by: Those of its keys and of its content.
    """
    for column in primary_key:
        good = (
            *(values.Integer, values.Decimal, values.Text, values.Identifier, values.Date),
            *(values.DateTime, values.Choice),
        )
        kind = kinds[column]
        is_long = isinstance(kind, values.Decimal) and not kind.sql_convertible
        if is_long or not isinstance(kind, good):
            many = " of more digits than every database keeps" if is_long else ""
            raise PluginError(
                f'entity "{entity}": its primary key has {column}, which is {kind.noun}{many}; it '
                "must be a number, a text, a uuid, a date, an instant or an enumeration"
            )
    for column in dict.fromkeys(known_by):
        if isinstance(kinds[column], (values.Array, values.Json)):
            raise PluginError(
                f'entity "{entity}": rows are not known by {column}, '
                f"which holds {kinds[column].noun}: leave it out of keys and content"
            )


def refuse_shape(entity: Any) -> None:
    """Raise where an argument of an entity has another form than it should.

    Raises:
        PluginError: It names the argument, and says what to write.
    """
    if wrong := _wrong_shape(entity.keys, entity.lookups):
        raise PluginError(f'entity "{entity.name}": {wrong}')
    refuse_arguments(entity, f'entity "{entity.name}"')
    refuse_arguments(entity.suspects, f'entity "{entity.name}", suspects')


def _wrong_shape(keys: object, lookups: object) -> str:
    """Return what is wrong with natural keys and lookups, empty where nothing is."""
    if isinstance(keys, str):
        return f"keys is a text, not a list of keys: write keys=[{json.dumps(keys)}]"
    if not isinstance(lookups, Mapping):
        return 'lookups is no mapping: write lookups={"a_id": {"a_name": "name"}}'
    for column, told in lookups.items():
        if not isinstance(told, Mapping):
            named = told if isinstance(told, str) else "name"
            field = f"{str(column).removesuffix('_id')}_{named}"
            shape = json.dumps({field: named})
            return (
                f"lookups of {column} must be {{field of the file: column of the target}}: "
                f"write {{{json.dumps(column)}: {shape}}}"
            )
    return ""
