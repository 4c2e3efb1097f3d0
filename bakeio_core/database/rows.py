"""The rows of one entity, found by key a batch at a time: those stored and those only planned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bakeio_core import values
from bakeio_core.catalog.model import Entity, Key
from bakeio_core.database.dialects import dialect_of
from bakeio_core.values.folding import fold_parts
from bakeio_core.values.wording import shown

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog

Row = tuple[Any, ...]
_SQL_TYPES: dict[type[values.Kind], str] = {
    values.Text: "text",
    values.Integer: "bigint",
    values.Date: "date",
    values.Decimal: "numeric",
}
"""The kinds whose values a database compares as planning does, and what they are cast to."""


class Rows:
    """Find the rows of one entity: those of the database and those planned but not written yet.

    A row is a tuple of wire values in the order of the entity's columns; `index` tells where each
    column stands in it, `id_index` where the primary key does. `was_empty` tells whether the table
    had no row when it was first looked into.

    Args:
        db: A connection inside the transaction whose rows are wanted.
        entity: Whose rows.
        is_planning: Whether nothing is written meanwhile: then a table that was empty stays so
            and needs no SELECT.
    """

    def __init__(self, db: Connection, entity: Entity, *, is_planning: bool = False) -> None:
        self.db, self.entity, self.dialect = db, entity, dialect_of(db)
        self.table = self.dialect.format_table(entity.table)
        self.index = {column: index for index, column in enumerate(entity.columns)}
        self.id_index = self.index[entity.primary]
        self.was_empty = self.dialect.is_empty(db, entity.table)
        self.is_known_empty = is_planning and self.was_empty
        self.pending = PendingRows(self)
        self._select = f"SELECT {self._selected(entity.columns)}"
        # SQLite's 0 and 1 are equal to false and true, which is all that planning asks
        self._makers = [
            (index, make)
            for column, index in self.index.items()
            if not isinstance(entity.kinds[column], values.Boolean) and (make := self.maker(column))
        ]
        self._tidied = [] if self.dialect.is_strict else self._tidiers()
        self._folded: dict[Key, dict[Row, list[int]]] = {}
        self._searchable: dict[Key, Key] = {}

    def maker(self, column: str) -> Callable[[Any], Any] | None:
        """Return what makes a column's wire value of what the driver gives; None where it is."""
        make = self.dialect.result(self.entity.kinds[column], self.entity.table.c[column])
        return make  # type: ignore[no-any-return]

    @cached_property
    def identity_text(self) -> Callable[[Any], str]:
        """What makes the text that `_rev` hashes of the stored value of the entity's `identity`."""
        make = self.maker(self.entity.identity)
        return str if make is None else lambda value: str(make(value))

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
        if self.pending:
            known = self.pending.by(key)
            for value in wanted & known.keys():
                found.setdefault(value, []).extend(known[value])
        for rows in found.values():
            rows.sort(key=lambda row: row[self.id_index])
        return found

    def by_id(self, ids: Iterable[int]) -> dict[int, Row]:
        """Return {id: its row} for those of the ids that rows have."""
        found = self.find((self.entity.primary,), [(identity,) for identity in ids])
        return {value[0]: rows[0] for value, rows in found.items()}

    def existing_ids(self, ids: Sequence[int]) -> set[int]:
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
        sql_type = _SQL_TYPES.get(type(self.entity.kinds[by]), "text")
        source = self.dialect.among([self.dialect.quote(by)], self.table, [sql_type])
        sql = f"SELECT {self._selected((self.entity.primary, *columns))} FROM {source}"
        parameters = self.dialect.among_parameters([(value,) for value in wanted])
        return self.dialect.fetch(self.db, sql, parameters)

    def select_range(self, columns: Sequence[str], low: int, high: int) -> list[Row]:
        """Return (id, *columns) of the stored rows whose ids lie between two, both included."""
        mark, primary = self.dialect.mark, f"t.{self.dialect.quote(self.entity.primary)}"
        selected = self._selected((self.entity.primary, *columns))
        where = f"{primary} BETWEEN {mark} AND {mark}"
        sql = f"SELECT {selected} FROM {self.table} t WHERE {where}"
        return self.dialect.fetch(self.db, sql, (low, high))

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
        found = zip(columns, zip(row[::2], row[1::2], strict=True), strict=True)
        return {column: both for column, both in found if None not in both}

    def values_of(self, column: str) -> list[Any]:
        """Return the stored values of a column that are not null."""
        quoted = f"t.{self.dialect.quote(column)}"
        sql = f"SELECT {self._selected((column,))} FROM {self.table} t WHERE {quoted} IS NOT NULL"
        return [row[0] for row in self.dialect.fetch(self.db, sql)]

    def _selected(self, columns: Sequence[str]) -> str:
        read, quote, kinds = self.dialect.read, self.dialect.quote, self.entity.kinds
        return ", ".join(read(f"t.{quote(column)}", kinds[column]) for column in columns)

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
        return self._tidy(found) if self._tidied and found else found

    def _fetch_alike(self, key: Key, nulls: tuple[bool, ...], wanted: list[Row]) -> list[Row]:
        """Return the rows that may have one of some keys of which the same parts are null."""
        quote, kinds = self.dialect.quote, self.entity.kinds
        empty = [
            f"t.{quote(column)} IS NULL"
            for column, is_null in zip(key, nulls, strict=True)
            if is_null
        ]
        usable = [
            (index, column)
            for index, column in enumerate(key)
            if not nulls[index]
            and kinds[column].sql_convertible
            and type(kinds[column]) in _SQL_TYPES
        ]
        if not usable:
            where = f" WHERE {' AND '.join(empty)}" if empty else ""
            return self.dialect.fetch(self.db, f"{self._select} FROM {self.table} t{where}")
        columns = [column for _, column in usable]
        source = self.dialect.among(
            list(map(quote, columns)),
            self.table,
            [_SQL_TYPES[type(kinds[column])] for column in columns],
            list(map(quote, self._columns_to_search(tuple(columns)))),
        )
        more = "".join(f" AND {condition}" for condition in empty)
        parts = list({tuple([value[index] for index, _ in usable]) for value in wanted})
        parameters = self.dialect.among_parameters(parts)
        return self.dialect.fetch(self.db, f"{self._select} FROM {source}{more}", parameters)

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

    def _tidiers(self) -> list[tuple[int, Callable[[Sequence[Any]], Sequence[Any]]]]:
        """Return what makes wire values of the columns of rows: (index, function)."""
        kinds, table = self.entity.kinds, self.entity.table
        return [
            (index, make)
            for column, index in self.index.items()
            if kinds[column].sql_convertible
            and (make := self.dialect.results(kinds[column], table.c[column])) is not None
        ]

    def _tidy(self, found: list[Row]) -> list[Row]:
        """Return rows with the wire values of cells that hold something else than a column says."""
        columns: list[Sequence[Any]] = list(zip(*found, strict=True))
        for index, make in self._tidied:
            try:
                columns[index] = make(columns[index])
            except values.BadValue:
                columns[index] = [_readable(make, cell) for cell in columns[index]]
        return list(zip(*columns, strict=True))

    # -- after folding
    def fold(self, key: Key, parts: Iterable[Any]) -> Row:
        """Return the values of a key in the form in which two spellings of it are equal."""
        return fold_parts(key, parts, self.entity.codes)

    def folds(self, key: Key) -> bool:
        """Tell whether two spellings of a key may be one: it has text, and is no uuid."""
        kinds = [self.entity.kinds[column] for column in key]
        has_text = any(isinstance(kind, values.Text) for kind in kinds)
        return key != ("uuid",) and has_text and all(kind.sql_convertible for kind in kinds)

    def folded(self, key: Key, value: Row) -> list[int]:
        """Return the ids of rows whose key equals the value after folding.

        All rows are read at the first call for a key, and their folded keys remembered.
        """
        if not self.folds(key):
            return []
        if key not in self._folded:
            index: dict[Row, list[int]] = {}
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


def _readable(make: Callable[[Sequence[Any]], Sequence[Any]], cell: Any) -> Any:
    """Return the wire value of a cell; where it has none, a text that no file's value equals."""
    try:
        return make([cell])[0]
    except values.BadValue:
        return shown(cell)


class PendingRows:
    """Rows planned but not written yet; what finds them by a key is made when it is asked for."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.clear()

    def __bool__(self) -> bool:
        return bool(self._all)

    def clear(self) -> None:
        self._all: list[Row] = []
        self._by: dict[tuple[Key, bool], dict[Row, list[Row]]] = {}
        self._entered: dict[tuple[Key, bool], int] = {}

    def add(self, rows: Iterable[Row]) -> None:
        self._all += rows

    def by(self, key: Key) -> dict[Row, list[Row]]:
        """Return {values of the key: rows that have them}."""
        return self._index(key, is_folded=False)

    def folded(self, key: Key) -> dict[Row, list[Row]]:
        """Return {folded values of the key: rows that have them}."""
        return self._index(key, is_folded=True)

    def _index(self, key: Key, *, is_folded: bool) -> dict[Row, list[Row]]:
        name = (key, is_folded)
        index = self._by.setdefault(name, {})
        for row in self._all[self._entered.get(name, 0) :]:
            index.setdefault(self._parts(row, name), []).append(row)
        self._entered[name] = len(self._all)
        return index

    def _parts(self, row: Row, name: tuple[Key, bool]) -> Row:
        key, is_folded = name
        parts = self._rows.key_of(row, key)
        return self._rows.fold(key, parts) if is_folded else parts

    def remove(self, row: Row) -> None:
        """Forget one row: it will not be written."""
        index = self._all.index(row)
        del self._all[index]
        for name, known in self._by.items():
            if index < self._entered[name]:
                self._entered[name] -= 1
                known[self._parts(row, name)].remove(row)


class Tables:
    """The rows of every entity, each looked into when it is first asked about.

    Args:
        db: A connection inside the transaction whose rows are wanted.
        catalog: The entities.
        is_planning: As for `Rows`.
    """

    def __init__(self, db: Connection, catalog: Catalog, *, is_planning: bool = False) -> None:
        self.db, self.catalog, self.is_planning = db, catalog, is_planning
        self._rows: dict[str, Rows] = {}

    def rows(self, entity: Entity) -> Rows:
        """Return the rows of an entity, the same object at every call."""
        if entity.name not in self._rows:
            self._rows[entity.name] = Rows(self.db, entity, is_planning=self.is_planning)
        return self._rows[entity.name]

    def named(self, entity: Entity, text: str) -> list[int]:
        """Return the ids of the rows a text names: by a key of one column, a label, or the id."""
        rows = self.rows(entity)
        columns = [key[0] for key in entity.all_keys if len(key) == 1]
        columns += entity.labels if len(entity.labels) == 1 else ()
        for key in dict.fromkeys((column,) for column in columns):
            if isinstance(entity.kinds[key[0]], values.Text) or key == ("uuid",):
                exact = rows.find(key, [(text,)]).get((text,), ())
                ids = [row[rows.id_index] for row in exact] or rows.folded(key, (text,))
                if ids:
                    return ids
        is_number = text.isascii() and text.isdigit() and len(text) < 19
        return sorted(rows.existing_ids([int(text)])) if is_number else []

    def key_of(self, entity: Entity, identity: int | None) -> dict[str, Any] | None:
        """Return the best natural key of a row, {column: value}; None where it is gone."""
        rows = self.rows(entity)
        row = rows.by_id([identity]).get(identity) if identity is not None else None
        columns = entity.readable_key
        return None if row is None else {column: row[rows.index[column]] for column in columns}
