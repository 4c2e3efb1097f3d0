"""Kind of one text among some: enumerations as SQLAlchemy stores them."""

from __future__ import annotations

import decimal
import enum
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import types
from sqlalchemy.engine.default import DefaultDialect

from bakeio_core.errors import Advice
from bakeio_core.values.folding import fold
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.kinds.text import Text
from bakeio_core.values.wording import BadValue, Note, shown

MOST_LISTED = 12
"""So many of the values that can be taken are listed in a message."""
_TEXT = Text()
_SCALARS = (str, int, float, decimal.Decimal)


class Choice(Kind):
    """One of the texts of an enumeration, as the database stores them.

    Those are the names of its members, or what `values_callable` makes of them. What else a member
    is called, its value or its name, is taken from files too where only one member is called so.

    Args:
        declared: The type of the column.
    """

    noun = "one of its choices"

    fast = str

    def __init__(self, declared: types.Enum) -> None:
        self.choices = tuple(declared.enums)
        self._known = frozenset([*self.choices, None])
        # what SQLAlchemy does with a value does not depend on the database here
        dialect = DefaultDialect()
        untyped: Any = declared
        self._store = untyped.bind_processor(dialect)
        load = untyped.result_processor(dialect, None)
        self._others = _other_names({text: load(text) for text in self.choices})
        self._has_constraint = bool(declared.create_constraint)

    def read(self, value: object, note: Note) -> str:
        if isinstance(value, str) and value in self.choices:
            return value
        key = _as_key(value)
        meant = self._others.get(key) if key is not None else None
        if meant is not None:
            note(f"{shown(value)} is stored as {shown(meant)}")
            return meant
        near = self._near(value)
        hint = f": did you mean {shown(near[0])}?" if near else ""
        message = f"{shown(value)} is not one of {self._listed()}{hint}"
        raise BadValue(Advice(message, *near, allowed=self.choices))

    def _listed(self) -> str:
        listed = ", ".join(map(shown, self.choices[:MOST_LISTED]))
        more = len(self.choices) - MOST_LISTED
        return f"{listed} and {more} more" if more > 0 else listed

    def _near(self, value: object) -> list[str]:
        if not isinstance(value, str):
            return []
        called = {fold(text): text for text in self.choices}
        called |= {fold(name): text for (_, name), text in self._others.items() if _is_text(name)}
        import difflib

        return [called[near] for near in difflib.get_close_matches(fold(value), called, 1)]

    def all_valid(self, values: Sequence[Any]) -> bool:
        return self._known.issuperset(values)

    def stored(self, value: Any) -> Any:
        return _TEXT.stored(value)

    def kept(self, value: Any) -> Any:
        return self.kept_as_stored(value)

    def tidied(self, cells: Sequence[Any]) -> Sequence[Any]:
        is_sound = self._known.issuperset(cells)
        return cells if is_sound else super().tidied(cells)

    @property
    def is_checked(self) -> bool:
        return self._has_constraint

    def check_range(self, wire: Any) -> None:
        if self._has_constraint and wire not in self.choices:
            raise BadValue(f"{shown(wire)} is not one of {self._listed()}")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices)}

    def from_python(self, value: Any) -> Any:
        return None if value is None else self._store(value)


def _is_text(name: Any) -> bool:
    return isinstance(name, str)


def _as_key(value: object) -> tuple[bool, Any] | None:
    """Return a value of a file or a member so that equal ones are one key; None for no scalar."""
    if isinstance(value, float):
        value = decimal.Decimal(repr(value))
    return (isinstance(value, bool), value) if isinstance(value, _SCALARS) else None


def _other_names(members: dict[str, Any]) -> dict[tuple[bool, Any], str]:
    """Return {what else a member is called: its text}, without what two are called."""
    found: dict[tuple[bool, Any], str | None] = {}
    for text, member in members.items():
        for key in set(_names(member)) - {(False, name) for name in members}:
            found[key] = text if found.get(key, text) == text else None
    return {key: text for key, text in found.items() if text is not None}


def _names(member: Any) -> Iterator[tuple[bool, Any]]:
    if isinstance(member, enum.Enum):
        yield (False, member.name)
        key = _as_key(member.value)
        if key is not None:
            yield key
