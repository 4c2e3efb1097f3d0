"""Rows created for references that read like rows which are there, to be told of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bakeio_core.database.dialects import dialect_of
from bakeio_core.errors import Problem
from bakeio_core.importing.linking.created.parents import CreatedParents
from bakeio_core.values.folding import fold, make_slug
from bakeio_core.values.kinds.text import Text
from bakeio_core.values.wording import shown

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog
    from bakeio_core.catalog.entities.model import Entity, RowId

Values = Mapping[str, Any]


def beside_twins(db: Connection, catalog: Catalog, parents: CreatedParents) -> Iterator[Problem]:
    """Warn of each row that a decision creates beside one that reads alike.

    Two rows do where their names or keys have the same letters and digits, whatever the signs,
    accents and capitals, and where nothing else they are told apart by differs.

    Args:
        db: The connection.
        catalog: The entities that are installed.
        parents: The rows that decisions create.
    """
    needed = [parent for parent in parents.rows.values() if parent.uses > 0]
    for name in dict.fromkeys(parent.entity.name for parent in needed):
        entity = catalog.entities[name]
        created = [parent for parent in needed if parent.entity is entity]
        known = _Readings(entity)
        known.read(db, {parent.id for parent in created})
        for parent in created:
            twin = known.twin(parent.row)
            if twin is not None:
                yield _warning(entity, parent.row, twin)
            known.add(parent.row)


class _Readings:
    """The rows of one entity by what people may read them as."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.keys = [
            key[0]
            for key in entity.all_keys
            if len(key) == 1 and key != ("uuid",) and isinstance(entity.kinds[key[0]], Text)
        ]
        self.columns = list(
            dict.fromkeys((*entity.readable_key, *entity.labels, *entity.slug_from, *self.keys))
        )
        self._rows: dict[tuple[str, str], list[Values]] = {}

    def read(self, db: Connection, left_out: set[RowId]) -> None:
        """Take the rows of the database, but for some ids."""
        entity, dialect = self.entity, dialect_of(db)
        selected = ", ".join(
            dialect.read(dialect.quote(column), entity.kinds[column])
            for column in (entity.primary, *self.columns)
        )
        order = dialect.quote(entity.primary)
        table = dialect.format_table(entity.table)
        for identity, *cells in dialect.fetch(
            db, f"SELECT {selected} FROM {table} ORDER BY {order}"
        ):
            if identity not in left_out:
                self.add(dict(zip(self.columns, cells, strict=True)))

    def add(self, row: Values) -> None:
        """Take one row more."""
        for reading in self._of(row):
            self._rows.setdefault(reading, []).append(row)

    def twin(self, row: Values) -> Values | None:
        """Return a row that reads like this one."""
        for reading in self._of(row):
            for other in self._rows.get(reading, ()):
                if not self._is_told_apart(row, other):
                    return other
        return None

    def _of(self, row: Values) -> list[tuple[str, str]]:
        """Return what a row may be read as: (what says so, its letters and digits)."""
        texts = {"name": self.entity.labels, "slug": self.entity.slug_from}
        found = {(column, _letters([row[column]])) for column in self.keys}
        found |= {(what, _letters([row[c] for c in columns])) for what, columns in texts.items()}
        return sorted(reading for reading in found if reading[1])

    def _is_told_apart(self, row: Values, other: Values) -> bool:
        """Tell whether both say something else of what is neither name nor key, such as a place."""
        apart = {*self.entity.slug_from} - {*self.entity.labels, *self.keys}
        pairs = [(row[column], other[column]) for column in apart]
        return any(
            None not in pair and _letters([pair[0]]) != _letters([pair[1]]) for pair in pairs
        )


def _letters(values: list[Any]) -> str:
    told = [value for value in values if value is not None]
    return make_slug(told) or fold(" ".join(map(str, told)))


def _warning(entity: Entity, row: Values, twin: Values) -> Problem:
    return Problem(
        code="duplicate-key",
        severity="warning",
        entity=entity.name,
        message=(
            f"{entity.name}: {_called(entity, row)} is created beside {_called(entity, twin)}, "
            "which is spelled almost the same. If both are the same, choose the existing one "
            "instead "
            "(--interactive or --decisions)"
        ),
    )


def _called(entity: Entity, row: Values) -> str:
    """Return a row by what people call it and its key."""
    label = " ".join(str(row[column]) for column in entity.labels if row[column] is not None)
    key = ", ".join(f"{column} {shown(row[column])}" for column in entity.readable_key)
    return f"{shown(label)} ({key})" if label else key
