"""Rows that fit the tables of entities, references and constraints included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, exc, select

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.entities.model import Entity
from bakeio_core.database.connect import savepoint
from bakeio_core.testing.faults import Fault
from bakeio_core.testing.values import Values

TRIES = 60
"""How often another row is tried where the database refuses one."""
SEVERAL = 20
"""More rows than these are written at once first."""
FILLED = 30
"""After so many tries nothing is left empty: some constraints want a value where another is."""


class Rows:
    """Put rows into the tables of entities.

    Args:
        catalog: The entities.
        values: Knows values that fit their columns.
    """

    def __init__(self, catalog: Catalog, values: Values) -> None:
        self.catalog, self.values = catalog, values
        self._targets: dict[tuple[str, tuple[str, ...]], list[list[Any]]] = {}

    def fill(self, db: Connection, entity: Entity, count: int, begin: int = 0) -> None:
        """Add rows to an entity whose references have rows already.

        The first has a value in every column, the second only what is required, others a mixture.

        Args:
            db: A connection inside a transaction.
            entity: Whose rows.
            count: How many at most: fewer where the table holds no more different ones.
            begin: The number of the first: rows of other numbers are others.

        Raises:
            Fault: Not one row could be made.
        """
        why = ""
        self._targets = {}
        numbers = range(begin, begin + count)
        if count > SEVERAL and self._add_all(db, entity, numbers):
            return
        for number in numbers:
            refused = self._add(db, entity, number)
            why = why or refused
            if refused and number == begin:
                raise Fault(
                    f"no row could be made that fits the table {entity.name}: {why}. Give some, "
                    f"as in its file: conformance(..., rows={{{entity.name!r}: [{{...}}]}})"
                )

    def _add_all(self, db: Connection, entity: Entity, numbers: Sequence[int]) -> bool:
        """Add rows at once; tell whether the database took every one."""
        rows = [self._row(db, entity, number, 0) for number in numbers]
        if any(cell is None and not entity.nullable(c) for row in rows for c, cell in row.items()):
            return False
        try:
            with savepoint(db):
                db.execute(entity.table.insert(), [_python(entity, row) for row in rows])
        except exc.DBAPIError:
            return False
        return True

    def _add(self, db: Connection, entity: Entity, number: int) -> str:
        """Add one row; return why that could not be done, empty where it was."""
        why = "no value fits"
        for attempt in range(TRIES):
            row = self._row(db, entity, number, attempt)
            lacking = [c for c in row if row[c] is None and not entity.nullable(c)]
            if lacking:
                kind = entity.kinds[lacking[0]]
                why = f"no value for {lacking[0]} is known, which must be {kind.noun}"
                continue
            try:
                with savepoint(db):
                    db.execute(entity.table.insert(), _python(entity, row))
                return ""
            except exc.DBAPIError as error:
                why = str(error.orig).splitlines()[0]
        return why

    def _row(self, db: Connection, entity: Entity, number: int, attempt: int) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for place, column in enumerate(entity.columns):
            if column in row or self._is_filled(entity, column, attempt):
                continue
            is_empty = number == 1 or (number > 1 and (number + place) % 4 == 0)
            if entity.nullable(column) and is_empty and attempt < FILLED:
                row[column] = None
                continue
            if column not in entity.references:
                begin = number + attempt * 7
                row[column] = next(self.values.of(entity, column, begin), None)
        row |= self._links(db, entity, number + attempt * 3, row)
        return row

    def _is_filled(self, entity: Entity, column: str, attempt: int) -> bool:
        """Tell whether the application or the database gives a column its value."""
        if column not in {c.name for c in entity.table.columns}:
            return True
        filled = entity.filled
        if column == entity.surrogate:
            return attempt < FILLED or entity.column(column).identity is not None
        given = column == "uuid" or column in (*filled.stamps, *filled.computed)
        return given and (column in filled.computed or column in filled.defaults)

    def _links(
        self, db: Connection, entity: Entity, number: int, row: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return what the references of a row hold: rows that are there, by turns."""
        found: dict[str, Any] = {}
        for place, foreign in enumerate(entity.foreign_keys):
            columns = foreign.columns
            target = self.catalog.entities[foreign.target]
            wanted = target.named_columns(foreign.target_keys)
            is_empty = all(c in row and row[c] is None and entity.nullable(c) for c in columns)
            there = [] if is_empty else self._there(db, target, wanted)
            chosen: Sequence[Any] = [None] * len(columns)
            if there:
                chosen = there[(number // (place * 2 + 1) + place) % len(there)]
            found |= dict(zip(columns, chosen, strict=True))
        for column, (kind_of, targets) in entity.polymorphic.items():
            name, target_name = list(targets.items())[number % len(targets)]
            target = self.catalog.entities[target_name]
            ids = self._there(db, target, (target.primary,))
            if ids:
                found |= {column: ids[number % len(ids)][0], kind_of: name}
        return found

    def _there(self, db: Connection, target: Entity, columns: tuple[str, ...]) -> list[list[Any]]:
        """Return what rows can be referred to, read once while a table is filled."""
        known = self._targets.get((target.name, columns))
        if not known:
            known = self._targets[target.name, columns] = self.wires(db, target, columns)
        return known

    def wires(self, db: Connection, entity: Entity, columns: Sequence[str]) -> list[list[Any]]:
        """Return the wire values of columns of all rows, in the order of their primary keys."""
        cells = [entity.column(column) for column in columns]
        order = [entity.column(column) for column in entity.primary_key]
        kinds = [entity.kinds[column] for column in columns]
        rows = db.execute(select(*cells).order_by(*order)).all()
        return [[k.from_python(cell) for k, cell in zip(kinds, row, strict=True)] for row in rows]


def _python(entity: Entity, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as SQLAlchemy takes it."""
    return {
        entity.column(column).key: None if wire is None else entity.kinds[column].to_python(wire)
        for column, wire in row.items()
    }
