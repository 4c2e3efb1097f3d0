"""The rows of one entity, found by key a batch at a time: one SELECT per key, exact first, folded only after a miss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.model import Entity, Key
from bakeio_core.database.dialects import dialect_of
from bakeio_core.values.folding import fold
from bakeio_core.values.numbers import Decimal, Integer
from bakeio_core.values.text import Boolean, Text
from bakeio_core.values.times import Date

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog

Row = tuple[Any, ...]
REMEMBERED = 200_000
_ARRAY_TYPES = {Text: "text", Integer: "bigint", Date: "date", Decimal: "numeric"}


class Rows:
    """The rows of one entity as planning sees them: those of the database, and those planned but not written yet (`fresh`).

    A row is a tuple of wire values in the order of the entity's columns.
    """

    def __init__(self, db: Connection, entity: Entity, keys: Iterable[Key]) -> None:
        self.db, self.entity, self.dialect = db, entity, dialect_of(db)
        quote = self.dialect.quote
        self.place = {column: place for place, column in enumerate(entity.columns)}
        self.id_place = self.place[entity.primary]
        self.select = "SELECT " + ", ".join(
            self.dialect.read(f"t.{quote(c)}", kind) for c, kind in entity.kinds.items()
        )
        makers = [
            (p, self.dialect.result(entity.kinds[c], entity.table.c[c]))
            for c, p in self.place.items()
        ]
        # SQLite's 0 and 1 are equal to false and true, which is all that planning asks
        self.makers = [
            (place, make)
            for place, make in makers
            if make and not isinstance(entity.kinds[entity.columns[place]], Boolean)
        ]
        self.was_empty = self.dialect.is_empty(db, entity.table)
        self.keys = tuple(dict.fromkeys(keys))
        self.fresh: dict[Key, dict[Row, list[Row]]] = {key: {} for key in self.keys}
        self.has_fresh = False
        self._folded: dict[str, dict[str, list[int]]] = {}
        self._fresh_folded: dict[str, dict[str, list[int]]] = {}
        self._indexed: dict[Key, Key] = {}

    @cached_property
    def identity_text(self) -> Callable[[Any], str]:
        """What turns the stored value of the entity's `identity` into the text `_rev` has a hash of."""
        make = self.dialect.result(
            self.entity.kinds[self.entity.identity], self.entity.table.c[self.entity.identity]
        )
        return str if make is None else lambda value: str(make(value))

    def differs(self, row: Row, column: str, value: Any) -> bool:
        """Tell whether a row has another value than this one in a column, even after folding."""
        here = row[self.place[column]] if column in self.place else None
        if isinstance(here, str) and isinstance(value, str):
            return self._fold(column, here) != self._fold(column, value)
        return bool(here != value)

    def key_of(self, row: Row, key: Key) -> Row:
        return tuple([row[self.place[column]] for column in key])

    def add(self, row: Row) -> None:
        """Remember a row that is planned but not in the database yet."""
        self.has_fresh = True
        for key, known in self.fresh.items():
            known.setdefault(self.key_of(row, key), []).append(row)
        for column, index in self._fresh_folded.items():
            self._enter(index, column, row)

    def _enter(self, index: dict[str, list[int]], column: str, row: Row) -> None:
        if isinstance(text := row[self.place[column]], str):
            index.setdefault(self._fold(column, text), []).append(row[self.id_place])

    def remove(self, row: Row) -> None:
        """Forget one planned row: it will not be written."""
        for key, known in self.fresh.items():
            rows = known.get(self.key_of(row, key), [])
            if row in rows:
                rows.remove(row)
        for column, index in self._fresh_folded.items():
            text = row[self.place[column]]
            if isinstance(text, str):
                index[self._fold(column, text)].remove(row[self.id_place])

    def written(self, rows: Sequence[Row]) -> None:
        """Forget the planned rows: they are in the database now."""
        for column, index in self._folded.items():
            for row in rows:
                self._enter(index, column, row)
        if self.has_fresh:
            self.fresh = {key: {} for key in self.keys}
            self._fresh_folded.clear()
            self.has_fresh = False

    def forget(self) -> None:
        """Forget the index of folded texts: rows were changed behind it."""
        self._folded.clear()

    def _finished(self, rows: list[Row]) -> list[Row]:
        if not self.makers:
            return rows
        out = []
        for row in rows:
            cells = list(row)
            for place, make in self.makers:
                cells[place] = make(cells[place])
            out.append(tuple(cells))
        return out

    def by(self, key: Key, wanted: Iterable[Row]) -> dict[Row, list[Row]]:
        """Return {key: rows that have it, in the order of their ids} for those of the wanted keys that exist. NULL equals NULL here."""
        wanted = set(wanted)
        found: dict[Row, list[Row]] = {}
        if not wanted:
            return found
        if not self.was_empty or not self.fresh_only:
            for row in self._fetch(key, wanted):
                value = self.key_of(row, key)
                if value in wanted:
                    found.setdefault(value, []).append(row)
        if self.has_fresh and key in self.fresh:
            known = self.fresh[key]
            for value in wanted & known.keys():
                found.setdefault(value, []).extend(known[value])
        for rows in found.values():
            if len(rows) > 1:
                rows.sort(key=lambda row: row[self.id_place])
        return found

    fresh_only = False
    """Set where nothing is written while planning: then a table that was empty stays empty and needs no SELECT."""

    def _fetch(self, key: Key, wanted: set[Row]) -> list[Row]:
        """Return the rows that may have one of the keys, looked up once for each set of parts that are null."""
        quote, table = self.dialect.quote, self.dialect.format_table(self.entity.table)
        groups: dict[tuple[bool, ...], list[Row]] = {}
        for value in wanted:
            groups.setdefault(tuple([part is None for part in value]), []).append(value)
        rows: list[Row] = []
        for nulls, values in groups.items():
            empty = [
                f"t.{quote(column)} IS NULL"
                for column, is_null in zip(key, nulls, strict=True)
                if is_null
            ]
            usable = [
                (place, column, _ARRAY_TYPES[type(kind)])
                for place, column in enumerate(key)
                if not nulls[place]
                and (kind := self.entity.kinds[column]).sql_convertible
                and type(kind) in _ARRAY_TYPES
            ]
            if not usable:
                where = f" WHERE {' AND '.join(empty)}" if empty else ""
                rows += self.dialect.fetch(self.db, f"{self.select} FROM {table} t{where}")
                continue
            by = [
                quote(column)
                for column in self._searchable(tuple(column for _, column, _ in usable))
            ]
            source = self.dialect.among(
                [quote(column) for _, column, _ in usable],
                table,
                [kind for _, _, kind in usable],
                by,
            )
            keys = list({tuple([value[place] for place, _, _ in usable]) for value in values})
            more = "".join(f" AND {condition}" for condition in empty)
            rows += self.dialect.fetch(
                self.db, f"{self.select} FROM {source}{more}", self.dialect.among_parameters(keys)
            )
        return self._finished(rows)

    def _searchable(self, columns: Key) -> Key:
        if len(columns) == 1:
            return columns
        if columns not in self._indexed:
            self._indexed[columns] = self.dialect.searchable(self.db, self.entity.table, columns)
        return self._indexed[columns]

    def slim(self, columns: Sequence[str], values: Iterable[Any], by: str = "") -> list[Row]:
        """Return (id, *columns) of the rows whose `by`, else first column has one of the values: what linking needs, and no more."""
        quote, table, by = (
            self.dialect.quote,
            self.dialect.format_table(self.entity.table),
            by or columns[0],
        )
        kind = (
            "bigint"
            if isinstance(self.entity.kinds[by], Integer)
            else _ARRAY_TYPES.get(type(self.entity.kinds[by]), "text")
        )
        source = self.dialect.among([quote(by)], table, [kind])
        return self.dialect.fetch(
            self.db,
            f"SELECT {self._selected(columns)} FROM {source}",
            self.dialect.among_parameters([(v,) for v in values]),
        )

    def between(self, columns: Sequence[str], low: int, high: int) -> list[Row]:
        """Return (id, *columns) of the rows whose ids lie between two, both included."""
        primary, table = (
            f"t.{self.dialect.quote(self.entity.primary)}",
            self.dialect.format_table(self.entity.table),
        )
        mark, selected = self.dialect.mark, self._selected(columns)
        return self.dialect.fetch(
            self.db,
            f"SELECT {selected} FROM {table} t WHERE {primary} BETWEEN {mark} AND {mark}",
            (low, high),
        )

    def _selected(self, columns: Sequence[str]) -> str:
        return ", ".join(
            self.dialect.read(f"t.{self.dialect.quote(c)}", self.entity.kinds[c])
            for c in (self.entity.primary, *columns)
        )

    def by_id(self, ids: Iterable[int]) -> dict[int, Row]:
        return {
            value[0]: rows[0]
            for value, rows in self.by((self.entity.primary,), {(i,) for i in ids}).items()
        }

    def existing_ids(self, ids: Sequence[int]) -> set[int]:
        """Return those of the ids that rows have."""
        primary = self.dialect.quote(self.entity.primary)
        source = self.dialect.among(
            [primary], self.dialect.format_table(self.entity.table), ["bigint"]
        )
        found = self.dialect.fetch(
            self.db,
            f"SELECT t.{primary} FROM {source}",
            self.dialect.among_parameters([(i,) for i in ids]),
        )
        known = self.fresh.get((self.entity.primary,), {})
        return {row[0] for row in found} | {i for i in ids if (i,) in known}

    def _fold(self, column: str, value: str) -> str:
        return fold(value, slug=column == "slug")

    def folded(self, column: str, value: Any) -> list[int]:
        """Return the ids of rows whose text equals the value after folding; the index is built at the first call."""
        if not isinstance(value, str):
            return []
        if column not in self._folded:
            primary, name = self.dialect.quote(self.entity.primary), self.dialect.quote(column)
            table = self.dialect.format_table(self.entity.table)
            index: dict[str, list[int]] = {}
            for identity, text in self.dialect.fetch(
                self.db,
                f"SELECT {primary}, {name} FROM {table} WHERE {name} IS NOT NULL ORDER BY 1",
            ):
                index.setdefault(self._fold(column, text), []).append(identity)
            self._folded[column] = index
        ids = list(self._folded[column].get(self._fold(column, value), ()))
        if self.has_fresh:
            if column not in self._fresh_folded:
                fresh = self._fresh_folded[column] = {}
                for rows in self.fresh.get((column,), {}).values():
                    for row in rows:
                        self._enter(fresh, column, row)
            ids += self._fresh_folded[column].get(self._fold(column, value), ())
        return list(dict.fromkeys(ids))


class Tables:
    """The rows of every entity, each looked into when it is first asked about."""

    def __init__(self, db: Connection, catalog: Catalog) -> None:
        self.db, self.catalog = db, catalog
        self._rows: dict[str, Rows] = {}
        self.planning = False

    def rows(self, entity: Entity) -> Rows:
        if entity.name not in self._rows:
            keys: list[Key] = [*entity.all_keys, (entity.primary,)] + (
                [tuple(entity.content)] if entity.content else []
            )
            for other in self.catalog.entities.values():
                for reference in other.references.values():
                    if reference.target == entity.name:
                        keys += [(column,) for column in reference.lookups.values()]
            rows = self._rows[entity.name] = Rows(self.db, entity, keys)
            rows.fresh_only = self.planning
        return self._rows[entity.name]

    def named(self, entity: Entity, text: str) -> list[int]:
        """Return the ids of the rows a text names: by a key of one column, exact before folded, by what people call them, or by id."""
        rows = self.rows(entity)
        columns = [
            *(key[0] for key in entity.all_keys if len(key) == 1),
            *(entity.labels if len(entity.labels) == 1 else ()),
        ]
        for column in dict.fromkeys(
            c for c in columns if isinstance(entity.kinds[c], Text) or c == "uuid"
        ):
            ids = [
                row[rows.id_place] for row in rows.by((column,), [(text,)]).get((text,), ())
            ] or rows.folded(column, text)
            if ids:
                return ids
        return (
            sorted(rows.existing_ids([int(text)]))
            if text.isascii() and text.isdigit() and len(text) < 19
            else []
        )

    def key_of(self, entity: Entity, identity: int | None) -> dict[str, Any] | None:
        """Return the best natural key of a row, {column: value}; None where it is gone."""
        rows = self.rows(entity)
        row = rows.by_id([identity]).get(identity) if identity is not None else None
        columns = next(
            (
                key
                for key in entity.all_keys
                if key != ("uuid",) and not set(key) & entity.references.keys()
            ),
            (entity.primary,),
        )
        return None if row is None else {column: row[rows.place[column]] for column in columns}
