"""The rows of one entity, found by key a batch at a time: those stored and those only planned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import types

from bakeio_core import values
from bakeio_core.catalog.entities.model import ROW_KEY, Entity, Key, RowId
from bakeio_core.catalog.keys.row_ids import is_by_text, key_parts
from bakeio_core.database.dialect import Dialect
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.row_ids import row_key, rows_of
from bakeio_core.database.stored.cells import StoredCells
from bakeio_core.database.stored.pending_rows import PendingRows
from bakeio_core.values.folding import fold_parts

if TYPE_CHECKING:
    from sqlalchemy import Connection


Row = tuple[Any, ...]
_SQL_TYPES: dict[type[values.Kind], str] = {
    values.Text: "text",
    values.Integer: "bigint",
    values.Date: "date",
    values.Decimal: "numeric",
    values.Identifier: "uuid",
}
"""The kinds whose values a database compares as planning does, and what they are cast to."""


def sql_type(kind: values.Kind) -> str:
    """Return the SQL type that values of a kind are looked up as, empty for what has its own."""
    if isinstance(kind, values.Choice):
        return ""
    if isinstance(kind, values.Identifier) and not kind.is_native:
        return "text"
    return _SQL_TYPES.get(type(kind), "text")


def _alike(value: Any) -> Any:
    return value


class Rows:
    """Find the rows of one entity: those of the database and those planned but not written yet.

    A row is a tuple of wire values in the order of the entity's columns; `index` tells where each
    column stands in it, `id_index` where the primary key does. `was_empty` tells whether the table
    had no row when it was first looked into. `cells` makes wire values of what rows hold.

    Args:
        db: A connection inside the transaction whose rows are wanted.
        entity: Whose rows.
        is_planning: Whether nothing is written meanwhile: then a table that was empty stays so
            and needs no SELECT.
    """

    def __init__(self, db: Connection, entity: Entity, *, is_planning: bool = False) -> None:
        self.db, self.entity, self.dialect = db, entity, dialect_of(db)
        self.cells = StoredCells(self.dialect, entity)
        self.table = self.dialect.format_table(entity.table)
        self.index = {column: index for index, column in enumerate(entity.columns)}
        self.id_index = self.index[entity.primary]
        self.was_empty = self.dialect.is_empty(db, entity.table)
        self.is_known_empty = is_planning and self.was_empty
        self.pending = PendingRows(self.key_of, self.fold)
        self._select = f"SELECT {self._selected(entity.columns)}"
        # SQLite's 0 and 1 are equal to false and true, which is all that planning asks
        self._makers = [
            (index, make)
            for column, index in self.index.items()
            if not isinstance(entity.kinds[column], values.Boolean)
            and (make := self.cells.maker(column))
        ]
        self._folded: dict[Key, dict[Row, list[RowId]]] = {}
        self._searchable: dict[Key, Key] = {}

    def key_of(self, row: Row, key: Key) -> Row:
        """Return the values of a key's columns in a row."""
        return tuple([row[self.index[column]] for column in key])

    def value(self, row: Row, column: str) -> Any:
        """Return what a row holds as it is shown: true and false, where SQLite says 1 and 0."""
        value = row[self.index[column]]
        is_truth = value is not None and isinstance(self.entity.kinds[column], values.Boolean)
        return bool(value) if is_truth else value

    def differs(self, row: Row, column: str, value: Any) -> bool:
        """Tell whether a row has another value in a column than this one, even after folding."""
        here = row[self.index[column]] if column in self.index else None
        return self.fold((column,), (here,)) != self.fold((column,), (value,))

    # -- exact
    def find(self, key: Key, wanted: Iterable[Row]) -> dict[Row, list[Row]]:
        """Return the rows that have one of some keys; NULL equals NULL here.

        Args:
            key: The columns looked at.
            wanted: Their values, a tuple in the order of `key` each.

        Returns:
            {values: rows that have them, in the order of ids}, only for values some row has.
        """
        wanted = set(wanted)
        found: dict[Row, list[Row]] = {}
        for row in self._fetch(key, wanted) if wanted and not self.is_known_empty else ():
            value = self.key_of(row, key)
            if value in wanted:
                found.setdefault(value, []).append(row)
        if self.pending and wanted:
            known = self.pending.by(key)
            for value in wanted & known.keys():
                found.setdefault(value, []).extend(known[value])
        for rows in found.values():
            rows.sort(key=lambda row: row[self.id_index])
        return found

    def by_id(self, ids: Iterable[RowId]) -> dict[RowId, Row]:
        """Return {id: its row} for those of the ids that rows have."""
        found = self.find((self.entity.primary,), [(identity,) for identity in ids])
        return {value[0]: rows[0] for value, rows in found.items()}

    def existing_ids(self, ids: Sequence[RowId]) -> set[RowId]:
        """Return those of the ids that rows have."""
        known = self.pending.by((self.entity.primary,)) if self.pending else {}
        here = {identity for identity in ids if (identity,) in known}
        stored = self.select((), ids, self.entity.primary) if ids else ()
        return here.union(row[0] for row in stored)

    def select(self, columns: Sequence[str], wanted: Iterable[Any], by: str = "") -> list[Row]:
        """Return (id, *columns) of the stored rows whose `by`, else first column is wanted."""
        if self.is_known_empty:
            return []
        by = by or columns[0]
        if by != self.entity.primary and not self._is_sought(by):
            known, found = set(wanted), self.all((by, *columns))
            return [(row[0], *row[2:]) for row in found if row[1] in known]
        source, parameters = rows_among(
            self.dialect, self.entity, (by,), {(value,) for value in wanted}
        )
        return self._chosen(columns, source, parameters)

    def known(self, by: str, wanted: Iterable[Any], columns: tuple[str, ...]) -> dict[Any, Row]:
        """Return {value of a column: values of others} of rows, those only planned as well.

        Args:
            by: A column no two rows have the same value in, such as the primary key.
            wanted: The values.
            columns: The others.
        """
        wanted = {value for value in wanted if value is not None}
        if not wanted:
            return {}
        stored = self.select((by, *columns), wanted)
        found = {row[1]: row[2:] for row in stored}
        planned = self.pending.by((by,)) if self.pending else {}
        for value in wanted if planned else ():
            for row in planned.get((value,), ()):
                found[value] = self.key_of(row, columns)
        return found

    def _wire(self, columns: Sequence[str], found: list[Row]) -> list[Row]:
        """Return rows of some columns with their wire values, where the driver gives others."""
        if not self._makers or not found:
            return found
        makers = dict(self._makers)
        cells = list(zip(*found, strict=True))
        for place, column in enumerate(columns):
            if make := makers.get(self.index[column]):
                cells[place] = tuple(map(make, cells[place]))
        return list(zip(*cells, strict=True))

    def all(self, columns: Sequence[str]) -> list[Row]:
        """Return (id, *columns) of all stored rows."""
        return self._chosen(columns, f"{self.table} t", ())

    def _chosen(
        self, columns: Sequence[str], source: str, parameters: tuple[Any, ...]
    ) -> list[Row]:
        selected = (self.entity.primary, *columns)
        sql = f"SELECT {self._selected(selected)} FROM {source}"
        return self._wire(selected, self.dialect.fetch(self.db, sql, parameters))

    def select_range(self, columns: Sequence[str], low: int, high: int) -> list[Row]:
        """Return (id, *columns) of the stored rows whose ids lie between two, both included."""
        mark, primary = self.dialect.mark, f"t.{self.dialect.quote(self.entity.primary)}"
        source = f"{self.table} t WHERE {primary} BETWEEN {mark} AND {mark}"
        return self._chosen(columns, source, (low, high))

    def extremes(self, columns: Sequence[str]) -> dict[str, tuple[Any, Any]]:
        """Return the smallest and the largest stored value of each column that has any."""
        if self.is_known_empty or not columns:
            return {}
        read, quote, kinds = self.dialect.read, self.dialect.quote, self.entity.kinds
        ends = ", ".join(
            read(f"{end}(t.{quote(column)})", kinds[column])
            for column in columns
            for end in ("min", "max")
        )
        row = self.dialect.fetch(self.db, f"SELECT {ends} FROM {self.table} t")[0]
        made = [self.dialect.result(kinds[c], self.entity.table.c[c]) or _alike for c in columns]
        found = zip(columns, made, row[::2], row[1::2], strict=True)
        return {c: (made(low), made(high)) for c, made, low, high in found if low is not None}

    def values_of(self, column: str) -> list[Any]:
        """Return the stored values of a column that are not null."""
        quoted = f"t.{self.dialect.quote(column)}"
        sql = f"SELECT {self._selected((column,))} FROM {self.table} t WHERE {quoted} IS NOT NULL"
        return [row[0] for row in self.dialect.fetch(self.db, sql)]

    def _selected(self, columns: Sequence[str]) -> str:
        return ", ".join(map(self._cell, columns))

    def _cell(self, column: str) -> str:
        """Return SQL of what a row, called `t`, holds."""
        if column == ROW_KEY:
            return row_key(self.dialect, "t", self.entity)
        return self.dialect.read(f"t.{self.dialect.quote(column)}", self.entity.kinds[column])

    def _fetch(self, key: Key, wanted: set[Row]) -> list[Row]:
        """Return the rows that may have one of the keys: one SELECT for each set of null parts."""
        groups: dict[tuple[bool, ...], list[Row]] = {}
        for value in wanted:
            groups.setdefault(tuple([part is None for part in value]), []).append(value)
        found: list[Row] = []
        for nulls, some in groups.items():
            found += self._fetch_alike(key, nulls, some)
        if self._makers:
            found = [self._made(row) for row in found]
        return self.cells.tidy(found)

    def _fetch_alike(self, key: Key, nulls: tuple[bool, ...], wanted: list[Row]) -> list[Row]:
        """Return the rows that may have one of some keys of which the same parts are null."""
        quote = self.dialect.quote
        empty = [
            f"t.{quote(column)} IS NULL"
            for column, is_null in zip(key, nulls, strict=True)
            if is_null
        ]
        usable = [
            (index, column)
            for index, column in enumerate(key)
            if not nulls[index] and self._is_sought(column)
        ]
        if not usable:
            where = f" WHERE {' AND '.join(empty)}" if empty else ""
            return self.dialect.fetch(self.db, f"{self._select} FROM {self.table} t{where}")
        columns = tuple([column for _, column in usable])
        parts = {tuple([value[index] for index, _ in usable]) for value in wanted}
        source, parameters = rows_among(
            self.dialect, self.entity, columns, parts, self._columns_to_search(columns)
        )
        more = "".join(f" AND {condition}" for condition in empty)
        return self.dialect.fetch(self.db, f"{self._select} FROM {source}{more}", parameters)

    def _is_sought(self, column: str) -> bool:
        """Tell whether the database finds a value of a column as planning compares it."""
        kind = self.entity.kinds[column]
        is_uuid = isinstance(self.entity.column(column).type, types.Uuid)
        return type(kind) in _SQL_TYPES and (kind.sql_convertible or is_uuid)

    def _columns_to_search(self, columns: Key) -> Key:
        if columns not in self._searchable:
            found = self.dialect.searchable(self.db, self.entity.table, columns)
            self._searchable[columns] = found if len(columns) > 1 else columns
        return self._searchable[columns]

    def _made(self, row: Row) -> Row:
        cells = list(row)
        for index, make in self._makers:
            cells[index] = make(cells[index])
        return tuple(cells)

    # -- after folding
    def fold(self, key: Key, parts: Iterable[Any]) -> Row:
        """Return the values of a key in the form in which two spellings of it are equal."""
        return fold_parts(key, parts, self.entity.codes)

    def folds(self, key: Key) -> bool:
        """Tell whether two spellings of a key may be one: it has text, and is no uuid."""
        kinds = [self.entity.kinds[column] for column in key]
        has_text = any(isinstance(kind, values.Text) for kind in kinds)
        return key != ("uuid",) and has_text and all(kind.sql_convertible for kind in kinds)

    def folded(self, key: Key, value: Row) -> list[RowId]:
        """Return the ids of rows whose key equals the value after folding.

        All rows are read at the first call for a key, and their folded keys remembered.
        """
        if not self.folds(key):
            return []
        if key not in self._folded:
            index: dict[Row, list[RowId]] = {}
            if not self.is_known_empty:
                sql = f"SELECT {self._selected((self.entity.primary, *key))} FROM {self.table} t"
                for identity, *parts in self.dialect.fetch(self.db, f"{sql} ORDER BY 1"):
                    index.setdefault(self.fold(key, parts), []).append(identity)
            self._folded[key] = index
        wanted = self.fold(key, value)
        ids = list(self._folded[key].get(wanted, ()))
        if self.pending:
            ids += [row[self.id_index] for row in self.pending.folded(key).get(wanted, ())]
        return list(dict.fromkeys(ids))

    # -- what is planned becomes what is stored
    def written(self, rows: Iterable[Row]) -> None:
        """Take rows for stored that were planned until now."""
        for key, index in self._folded.items():
            for row in rows:
                parts = self.fold(key, self.key_of(row, key))
                index.setdefault(parts, []).append(row[self.id_index])
        self.pending.clear()

    def forget_folded(self) -> None:
        """Forget the folded keys: rows were changed behind them."""
        self._folded.clear()


def rows_among(
    dialect: Dialect,
    entity: Entity,
    columns: Key,
    wanted: Iterable[Row],
    by: Sequence[str] = (),
) -> tuple[str, tuple[Any, ...]]:
    """Return the FROM part of the rows whose columns have some values, and its parameters.

    Args:
        dialect: That of the database.
        entity: Whose rows.
        columns: The columns.
        wanted: Their values, a tuple each.
        by: Those by which the rows are best looked up.
    """
    table = dialect.format_table(entity.table)
    if columns == (ROW_KEY,) and is_by_text(entity):
        table = rows_of(dialect, entity)
    elif columns == (ROW_KEY,):
        columns, by = entity.primary_key, ()
        wanted = [key_parts(entity, value[0]) for value in wanted]
    kinds = [entity.kinds[column] for column in columns]
    named = zip(kinds, map(entity.column, columns), strict=True)
    makers = [dialect.bind(kind, column) for kind, column in named]
    if any(makers):
        wanted = [
            tuple(
                cell if make is None or cell is None else make(cell)
                for make, cell in zip(makers, value, strict=True)
            )
            for value in wanted
        ]
    source = dialect.joined_keys(
        list(map(dialect.quote, columns)),
        table,
        [sql_type(kind) for kind in kinds],
        list(map(dialect.quote, by)),
    )
    return source, dialect.joined_keys_parameters(list(wanted))
