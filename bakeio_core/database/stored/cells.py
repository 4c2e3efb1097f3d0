"""The wire values of what the cells of rows hold, whatever their columns say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from bakeio_core import values
from bakeio_core.catalog.entities.model import Entity
from bakeio_core.database.dialect import Dialect, stored_cell
from bakeio_core.values.wording import Unreadable, shown


class StoredCells:
    """Make wire values of the cells of one entity's rows.

    Args:
        dialect: That of the database.
        entity: Whose rows.
    """

    def __init__(self, dialect: Dialect, entity: Entity) -> None:
        self.dialect, self.entity = dialect, entity
        self._tidiers = {} if dialect.is_strict else self._made_tidiers()

    def maker(self, column: str) -> Callable[[Any], Any] | None:
        """Return what makes a column's wire value of what the driver gives; None where it is."""
        kind = self.entity.kinds[column]
        make = self.dialect.result(kind, self.entity.column(column))
        return None if make is None else partial(_readable, partial(stored_cell, kind, make))

    def tidied(self, column: str, cells: Sequence[Any]) -> Sequence[Any]:
        """Return the wire values of a column's cells that may hold something else than it says.

        Args:
            column: The column.
            cells: What the driver gives, or what `maker` made of that.
        """
        make = self._tidiers.get(column)
        if make is None:
            return cells
        try:
            return make(cells)
        except values.BadValue:
            return [_readable(partial(_alone, make), cell) for cell in cells]

    def tidy(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return whole rows with the wire values of their cells."""
        if not self._tidiers or not rows:
            return rows
        columns = zip(self.entity.columns, zip(*rows, strict=True), strict=True)
        return list(zip(*[self.tidied(column, cells) for column, cells in columns], strict=True))

    def _made_tidiers(self) -> dict[str, Callable[[Sequence[Any]], Sequence[Any]]]:
        entity, kinds = self.entity, self.entity.kinds
        return {
            column: make
            for column in entity.columns
            if kinds[column].sql_convertible
            and (make := self.dialect.results(kinds[column], entity.column(column))) is not None
        }


def _alone(make: Callable[[Sequence[Any]], Sequence[Any]], cell: Any) -> Any:
    return make([cell])[0]


def _readable(make: Callable[[Any], Any], cell: Any) -> Any:
    """Return the wire value of a cell; where it has none, a text that no file's value equals."""
    try:
        return make(cell)
    except values.BadValue:
        return Unreadable(shown(cell))
