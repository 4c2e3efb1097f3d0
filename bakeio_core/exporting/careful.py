"""Read stored rows cell by cell, and name the cells that hold what no file can.

A database that does not enforce its types, as SQLite, has in it whatever other programs wrote; and
every database has numbers and times that JSON lacks.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.database.dialect import HIGHEST, LOWEST, Dialect, Rows, stored_cell
from bakeio_core.database.row_ids import order_by, rows_of
from bakeio_core.errors import ExportRefused, Problem, counted
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.kinds.numbers import Integer
from bakeio_core.values.wording import BadValue, jsonable, shown

if TYPE_CHECKING:
    from sqlalchemy import Connection

PAGE = 2000
Cell = tuple[str, Kind, Column[Any]]
"""A column in SQL, its kind, and the column of the table."""


@dataclass
class StoredRows:
    """Read rows of one entity, cell by cell where the cells of a column are not all of its kind.

    Args:
        db: The connection.
        dialect: Speaks with it.
        entity: Whose rows, called `t` in the SQL.
        columns: {field: its cell}.
        source: What stands after FROM.
        where: A WHERE clause, or nothing.
        dangling: {reference: SQL that is true where it names no row}.
        is_restored: Whether the records are to make rows again, which must be in range.

    Attributes:
        problems: One for every cell of the entity that no file can hold; it is null in the records.
    """

    db: Connection
    dialect: Dialect
    entity: Entity
    columns: Mapping[str, Cell]
    source: str
    where: str = ""
    dangling: Mapping[str, str] = field(default_factory=dict)
    is_restored: bool = True
    problems: list[Problem] = field(default_factory=list)

    def pages(self, after: int = LOWEST, last: int = HIGHEST) -> Iterator[list[dict[str, Any]]]:
        """Yield the records whose ids lie above `after`, up to `last`, in pages."""
        makers = [self.dialect.results(kind, column) for _, kind, column in self.columns.values()]
        cells = [self.dialect.read(sql, kind) for sql, kind, _ in self.columns.values()]
        for rows in self._rows([self._order, *cells], after, last):
            _, *columns = zip(*rows, strict=True)
            try:
                made = [
                    make(column) if make is not None else column
                    for make, column in zip(makers, columns, strict=True)
                ]
                for (_, kind, _), column in zip(self.columns.values(), made, strict=True):
                    self._check_range(kind, column)
            except BadValue:
                yield from self.careful_pages(after, rows[-1][0])
            else:
                names = list(self.columns)
                yield [dict(zip(names, row, strict=True)) for row in zip(*made, strict=True)]
            after = rows[-1][0]

    def careful_pages(
        self, after: int = LOWEST, last: int = HIGHEST
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield what `pages` yields, each cell looked at alone."""
        names = [self.entity.primary, *self._called()]
        cells = [f"t.{self.dialect.quote(name)}" for name in names]
        cells += [self.dialect.read_doubtful(sql, kind) for sql, kind, _ in self.columns.values()]
        cells += self.dangling.values()
        makers = {
            name: (kind, self.dialect.result(kind, column) if not kind.sql_convertible else None)
            for name, (_, kind, column) in self.columns.items()
        }
        size, end = len(names), len(names) + len(makers)
        for rows in self._rows(cells, after, last):
            yield [self._record(makers, row[:size], row[size:end], row[end:]) for row in rows]

    def names_no_row(self, after: int = LOWEST, last: int = HIGHEST) -> bool:
        """Tell whether a reference of the rows between two ids names no row."""
        where = " OR ".join(self.dangling.values())
        some = f"{self.where + ' AND' if self.where else 'WHERE'} ({where})"
        between = f"{self._order} > {after} AND {self._order} <= {last}"
        sql = f"SELECT 1 FROM {self.source} {some} AND {between} LIMIT 1"
        return bool(where and self.dialect.fetch(self.db, sql))

    @property
    def _order(self) -> str:
        return f"t.{self.dialect.quote(self.entity.primary)}"

    def _rows(self, cells: Sequence[str], after: int, last: int) -> Iterator[Rows]:
        """Yield rows in pages; the first of the cells is their id.

        Those of ids that are no numbers come all of them, whatever the bounds.
        """
        if not isinstance(self.entity.kinds[self.entity.primary], Integer):
            order = order_by(self.dialect, self.entity)
            sql = f"SELECT {', '.join(cells)} FROM {self.source} {self.where} ORDER BY {order}"
            yield from self._as_stored(sql)
            return
        count, order = PAGE, self._order
        while count == PAGE and after < last:
            some = f"{self.where + ' AND' if self.where else 'WHERE'} {order} > {after}"
            rows = self.dialect.fetch(
                self.db,
                f"SELECT {', '.join(cells)} FROM {self.source} {some} AND {order} <= {last} "
                f"ORDER BY {order} LIMIT {PAGE}",
            )
            count = len(rows)
            if rows:
                after = rows[-1][0]
                yield rows

    def _as_stored(self, sql: str) -> Iterator[Rows]:
        """Yield the rows of a SELECT in pages, texts that are none as bytes."""
        seen = 0
        try:
            for rows in self.dialect.stream(self.db, sql, PAGE):
                yield rows
                seen += len(rows)
        except BadValue:
            rest = self.dialect.fetch(self.db, sql)[seen:]
            yield from (rest[at : at + PAGE] for at in range(0, len(rest), PAGE))

    def _called(self) -> list[str]:
        """Return the columns by which a person knows a row."""
        key = self.entity.readable_key
        return list(key if key != (self.entity.primary,) else self.entity.labels)

    def _record(
        self,
        makers: Mapping[str, tuple[Kind, Any]],
        called: Sequence[Any],
        cells: Sequence[Any],
        dangles: Sequence[Any],
    ) -> dict[str, Any]:
        record: dict[str, Any] = {}
        nowhere = {c for c, does in zip(self.dangling, dangles, strict=True) if does}
        for (name, (kind, make)), cell in zip(makers.items(), cells, strict=True):
            try:
                if name in nowhere:
                    raise BadValue(f"{shown(cell)} is the id of no row of {self._target(name)}")
                record[name] = stored_cell(kind, make, cell)
                self._check_range(kind, [record[name]])
            except BadValue as error:
                record[name] = None
                if self.columns[name][2].table is self.entity.table:
                    # what a referred row is called is named with that row
                    self._name(name, called, cell, str(error))
        return record

    def _check_range(self, kind: Kind, cells: Sequence[Any]) -> None:
        if self.is_restored and kind.is_checked:
            for wire in set(cells) - {None}:
                kind.check_range(wire)

    def _target(self, reference: str) -> str:
        return self.entity.references[reference].target

    def _name(self, name: str, called: Sequence[Any], cell: Any, why: str) -> None:
        identity, *words = called
        label = " ".join(str(word) for word in words if word is not None and word != cell)
        self.problems.append(
            Problem(
                code="bad-value",
                file=f"table {self.entity.name}",
                entity=self.entity.name,
                field=name,
                value={"id": identity, **_as_data(cell)},
                message=f"row {identity}{f' ({label})' if label else ''}: {why}",
            )
        )


def _as_data(cell: Any) -> dict[str, Any]:
    """Return a stored cell as JSON can tell of it."""
    if isinstance(cell, bytes):
        return {"base64": base64.b64encode(cell).decode()}
    return {"stored": cell if isinstance(cell, str) else jsonable(cell)}


def gaps_of(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Return what a manifest says of the cells that are null in its set in place of such values."""
    return [
        {"entity": problem.entity, "field": problem.field, **problem.value} for problem in problems
    ]


def refuse(problems: Sequence[Problem], remedy: str) -> None:
    """Raise where there are cells that no file can hold.

    Raises:
        ExportRefused: It names the first and carries all of them.
    """
    if problems:
        more = f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
        count = counted(len(problems), "value")
        raise ExportRefused(
            f"{count} of the database cannot be written, so nothing was: {problems[0]}{more}. "
            f"Correct {'it' if len(problems) == 1 else 'them'} in the database{remedy}",
            code="bad-value",
            problems=problems,
        )


def named(
    db: Connection, dialect: Dialect, entity: Entity, columns: Iterable[str]
) -> list[Problem]:
    """Return a problem for each cell in some columns of an entity's table that no file can hold."""
    quote = dialect.quote
    cells = {
        name: (f"t.{quote(name)}", entity.kinds[name], entity.column(name)) for name in columns
    }
    source = f"{rows_of(dialect, entity)} t"
    rows = StoredRows(db, dialect, entity, cells, source, is_restored=False)
    for _ in rows.careful_pages():
        pass
    return rows.problems
