"""Fields that never leave: not as values, not in names of rows, not in messages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bakeio_core import Bakeio, Entity, Field, UsageError, View

if TYPE_CHECKING:
    from sqlalchemy import Connection

HIDDEN = "(hidden)"
_PLACE = ("code", "severity", "record", "records", "key", "label")
_SHORT = 3
"""Texts of fewer characters are looked for as words of their own, and so are numbers."""


def entity_of(listed: Field) -> str:
    """Return the name of the entity whose rows a list has."""
    return str(listed.source).partition(".")[0]


class Hiding:
    """Know what is hidden, and take it out of what is about to be told.

    A field hides the columns it shows, and with them every field of every view that tells
    something of those. Where anything is hidden, so is what code of a plugin computes: nobody can
    tell what is in it.

    Args:
        bakeio: The library with its plugins.
        names: The fields to hide: `field`, or `view.field` for those of one view alone.

    Raises:
        UsageError: There is no such field, or rows are found by it.
    """

    def __init__(self, bakeio: Bakeio, names: Collection[str]) -> None:
        self.bakeio = bakeio
        self.views, self.entities = bakeio.catalog.views, bakeio.catalog.entities
        self.columns: set[tuple[str, str]] = set()
        self._named: set[tuple[str, str]] = set()
        for name in names:
            self._hide(name)
        keys = [column for column in sorted(self.columns) if self._finds_rows(*column)]
        if keys:
            entity, column = keys[0]
            raise UsageError(
                f"{column} of {entity} cannot be hidden: results, plans and messages name the rows "
                "by it, and answers find them by it. Leave its views out instead: name those to be "
                "served with --view"
            )

    def _hide(self, name: str) -> None:
        of_view, _, field = name.rpartition(".")
        views = [self.bakeio.view(of_view)] if of_view else list(self.views.values())
        having = [view for view in views if field in view.fields]
        # a column that no view shows may still be told of by what is computed
        columns = {
            (entity.name, field)
            for entity in self.entities.values()
            if not of_view and field in entity.columns
        }
        if not having and not columns:
            raise UsageError(f'there is no field "{name}" to hide; see: bakeio views')
        for view in having:
            self._named.add((view.name, field))
            source = view.fields[field].source
            if isinstance(source, str):
                columns |= self.bakeio.made_of(view, field) or set()
        self.columns |= columns

    def _finds_rows(self, entity: str, column: str) -> bool:
        """Tell whether a column is what `_rev`, an id or a key alone finds a row by."""
        known = self.entities[entity]
        alone = {key[0] for key in known.all_keys if len(key) == 1}
        first = known.readable_key
        is_alone = column in alone and column not in known.labels
        return is_alone or column == known.primary or first == (column,)

    def __bool__(self) -> bool:
        return bool(self.columns or self._named)

    @cached_property
    def fields(self) -> dict[str, frozenset[str]]:
        """The hidden fields of each view."""
        return {
            name: frozenset(field for field in view.fields if self._is_told_by(view, field))
            for name, view in self.views.items()
        }

    def _is_told_by(self, view: View, field: str) -> bool:
        if not self:
            return False
        made = self.bakeio.made_of(view, field)
        return (view.name, field) in self._named or made is None or bool(made & self.columns)

    def visible(self, view: View, *roles: str) -> list[str]:
        """Return the fields of a view that may be told, of some roles, or all."""
        names = view.names(*roles) if roles else list(view.fields)
        return [name for name in names if name not in self.fields[view.name]]

    def lists(self, view: View) -> list[str]:
        """Return the lists of a view whose rows may be given: nothing stored in them is hidden."""
        return [name for name, item in view.lists.items() if not self._stored(view, item)]

    def _stored(self, view: View, listed: Field) -> set[tuple[str, str]]:
        """Return the hidden columns that the rows of a list show."""
        rows = View(view.name, entity_of(listed), listed.fields)
        shown = (self.bakeio.made_of(rows, name) or set() for name in rows.fields)
        return self.columns & set().union(*shown)

    def reason(self, problem: dict[str, Any]) -> dict[str, Any]:
        """Return a problem, that of a hidden field with its place and no word about the field.

        What refuses an answer is told, though what it is about is not.
        """
        if problem.get("field") not in self._words or problem["severity"] != "error":
            return problem
        told = {n: v for n, v in problem.items() if n in _PLACE}
        return {**told, "message": "names a field that is not served here: leave it out"}

    def names_rows_of(self, entity: Entity) -> bool:
        """Tell whether rows, or those they belong to, are called by what is hidden."""
        called = {(entity.name, column) for column in entity.calling}
        for reference in entity.references.values():
            target = self.entities[reference.target]
            called |= {(target.name, column) for column in (*target.labels, *target.calling)}
        return bool(called & self.columns)

    @cached_property
    def _words(self) -> frozenset[str]:
        """What the hidden is called, of a view or of a table, where nothing visible is."""
        hidden = {field for fields in self.fields.values() for field in fields}
        hidden |= {column for _, column in self.columns}
        seen = {field for view in self.views.values() for field in self.visible(view)}
        return frozenset(hidden - seen)

    def scrubbing(self, db: Connection) -> Scrubbing:
        """Return what takes the hidden out of what is told, as the database has it now."""
        return Scrubbing(self._words, list(self._values(db)) if self else [])

    def _values(self, db: Connection) -> Iterator[Any]:
        for entity, column in sorted(self.columns):
            stored = self.entities[entity].column(column)
            query = select(stored).distinct().where(stored.is_not(None))
            yield from db.scalars(query)


class Scrubbing:
    """Take hidden values and fields out of data.

    Args:
        fields: The names of what is hidden.
        values: What it holds.
    """

    def __init__(self, fields: Collection[str], values: Collection[Any]) -> None:
        self.fields = fields
        texts = {text for value in values for text in _texts(value)}
        ordered = sorted(texts, key=len, reverse=True)
        patterns = [rf"\b{re.escape(name)}\b" for name in sorted(fields)]
        patterns[:0] = map(_pattern, ordered)
        self._texts = re.compile("|".join(patterns)) if patterns else None

    def text(self, text: str) -> str:
        """Return a text without hidden values and names of fields."""
        return self._texts.sub(HIDDEN, text) if self._texts is not None else text

    def data(self, value: Any) -> Any:
        """Return data without hidden fields and values."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {n: self.data(v) for n, v in value.items() if n not in self.fields}
        if isinstance(value, (list, tuple)):
            return [self.data(item) for item in value if not self._is_of_hidden(item)]
        return value

    def _is_of_hidden(self, item: Any) -> bool:
        return isinstance(item, dict) and item.get("field") in self.fields


def _texts(value: Any) -> Iterator[str]:
    """Yield how a value may stand in a text."""
    if isinstance(value, bool):
        return
    if isinstance(value, (int, float, Decimal)):
        plain = format(Decimal(str(value)).normalize(), "f")
        forms = {plain, str(value), f"{Decimal(str(value)):.2f}"}
        # a number of one or two digits stands in every message for something else
        yield from (form for form in forms if len(form.strip("-")) >= _SHORT)
    elif str(value).strip():
        yield str(value)


def _pattern(text: str) -> str:
    is_word = len(text) < _SHORT or re.fullmatch(r"-?[\d.]+", text)
    escaped = re.escape(text)
    return rf"(?<![\w.]){escaped}(?![\w.]*\w)" if is_word else escaped
