"""Find rows by key and link references, a batch at a time: one SELECT per entity and key, exact first, folded only after a miss."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bakeio_core.dialects import dialect_of
from bakeio_core.model import Entity, Key, Reference
from bakeio_core.resolve import Missing
from bakeio_core.values import Day, Number, Text, Truth, Whole, fold, shown

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog import Catalog

__all__ = ["Linker", "Rows", "Unlinked"]

Row = tuple[Any, ...]
REMEMBERED = 200_000
_ARRAY_TYPES = {Text: "text", Whole: "bigint", Day: "date", Number: "numeric"}


class Rows:
    """The rows of one entity as planning sees them: those of the database, and those planned but not written yet (`fresh`).

    A row is a tuple of wire values in the order of the entity's columns.
    """

    def __init__(self, db: Connection, entity: Entity, keys: Iterable[Key]) -> None:
        self.db, self.entity, self.dialect = db, entity, dialect_of(db)
        quote = self.dialect.quote
        self.place = {column: place for place, column in enumerate(entity.columns)}
        self.id_place = self.place[entity.primary]
        self.select = "SELECT " + ", ".join(self.dialect.read(f"t.{quote(c)}", kind) for c, kind in entity.kinds.items())
        makers = [(p, self.dialect.result(entity.kinds[c], entity.table.c[c])) for c, p in self.place.items()]
        # SQLite's 0 and 1 are equal to false and true, which is all that planning asks
        self.makers = [(place, make) for place, make in makers if make and not isinstance(entity.kinds[entity.columns[place]], Truth)]
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
        make = self.dialect.result(self.entity.kinds[self.entity.identity], self.entity.table.c[self.entity.identity])
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
            empty = [f"t.{quote(column)} IS NULL" for column, is_null in zip(key, nulls, strict=True) if is_null]
            usable = [
                (place, column, _ARRAY_TYPES[type(kind)])
                for place, column in enumerate(key)
                if not nulls[place] and (kind := self.entity.kinds[column]).plain and type(kind) in _ARRAY_TYPES
            ]
            if not usable:
                where = f" WHERE {' AND '.join(empty)}" if empty else ""
                rows += self.dialect.fetch(self.db, f"{self.select} FROM {table} t{where}")
                continue
            by = [quote(column) for column in self._searchable(tuple(column for _, column, _ in usable))]
            source = self.dialect.among([quote(column) for _, column, _ in usable], table, [kind for _, _, kind in usable], by)
            keys = list({tuple([value[place] for place, _, _ in usable]) for value in values})
            more = "".join(f" AND {condition}" for condition in empty)
            rows += self.dialect.fetch(self.db, f"{self.select} FROM {source}{more}", self.dialect.among_parameters(keys))
        return self._finished(rows)

    def _searchable(self, columns: Key) -> Key:
        if len(columns) == 1:
            return columns
        if columns not in self._indexed:
            self._indexed[columns] = self.dialect.searchable(self.db, self.entity.table, columns)
        return self._indexed[columns]

    def slim(self, columns: Sequence[str], values: Iterable[Any], by: str = "") -> list[Row]:
        """Return (id, *columns) of the rows whose `by`, else first column has one of the values: what linking needs, and no more."""
        quote, table, by = self.dialect.quote, self.dialect.format_table(self.entity.table), by or columns[0]
        kind = "bigint" if isinstance(self.entity.kinds[by], Whole) else _ARRAY_TYPES.get(type(self.entity.kinds[by]), "text")
        source = self.dialect.among([quote(by)], table, [kind])
        return self.dialect.fetch(
            self.db, f"SELECT {self._selected(columns)} FROM {source}", self.dialect.among_parameters([(v,) for v in values])
        )

    def between(self, columns: Sequence[str], low: int, high: int) -> list[Row]:
        """Return (id, *columns) of the rows whose ids lie between two, both included."""
        primary, table = f"t.{self.dialect.quote(self.entity.primary)}", self.dialect.format_table(self.entity.table)
        mark, selected = self.dialect.mark, self._selected(columns)
        return self.dialect.fetch(self.db, f"SELECT {selected} FROM {table} t WHERE {primary} BETWEEN {mark} AND {mark}", (low, high))

    def _selected(self, columns: Sequence[str]) -> str:
        return ", ".join(self.dialect.read(f"t.{self.dialect.quote(c)}", self.entity.kinds[c]) for c in (self.entity.primary, *columns))

    def by_id(self, ids: Iterable[int]) -> dict[int, Row]:
        return {value[0]: rows[0] for value, rows in self.by((self.entity.primary,), {(i,) for i in ids}).items()}

    def existing_ids(self, ids: Sequence[int]) -> set[int]:
        """Return those of the ids that rows have."""
        primary = self.dialect.quote(self.entity.primary)
        source = self.dialect.among([primary], self.dialect.format_table(self.entity.table), ["bigint"])
        found = self.dialect.fetch(self.db, f"SELECT t.{primary} FROM {source}", self.dialect.among_parameters([(i,) for i in ids]))
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
            for identity, text in self.dialect.fetch(self.db, f"SELECT {primary}, {name} FROM {table} WHERE {name} IS NOT NULL ORDER BY 1"):
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


def _agree(given: Row, there: Row) -> bool:
    return all(value is None or value == cell for value, cell in zip(given, there, strict=True))


@dataclass(slots=True)
class Unlinked:
    """A reference that could not be linked, and why. `ids`: the rows it might mean."""

    code: str
    message: str
    missing: Missing | None = None
    ids: tuple[int, ...] = ()


class Translations:
    """Where the rows of this import's file ended up when their id or keys here are not those of the file."""

    def __init__(self) -> None:
        self._moved: dict[tuple[str, Any], int] = {}
        self._kept = array("q")
        self._kept_set: set[int] | None = None

    def add(self, primary: str, file_id: Any, row_id: int) -> None:
        if isinstance(file_id, int):
            if file_id == row_id:
                self._kept.append(file_id)
                self._kept_set = None
            else:
                self._moved[primary, file_id] = row_id

    def add_key(self, column: str, value: Any, row_id: int) -> None:
        self._moved[column, value] = row_id

    def get(self, column: str, value: Any) -> int | None:
        return self._moved.get((column, value))

    def of_id(self, primary: str, file_id: int) -> int | None:
        if (primary, file_id) in self._moved:
            return self._moved[primary, file_id]
        if self._kept_set is None:
            self._kept_set = set(self._kept)
        return file_id if file_id in self._kept_set else None


class Linker:
    """Link references to rows: by their lookup fields in the database, by what this import has moved, by id where an id counts.

    own: whether the file is of this database, so that its ids count.
    """

    def __init__(self, db: Connection, catalog: Catalog, own: bool) -> None:
        self.db, self.catalog, self.own = db, catalog, own
        self._rows: dict[str, Rows] = {}
        self._known: dict[tuple[str, str, Row], int] = {}
        self.translations: dict[str, Translations] = {}
        self.loaded: set[str] = set()
        self._loaded: dict[tuple[str, str], dict[Any, int]] = {}
        self._names: dict[tuple[str, tuple[str, ...]], dict[int, Row]] = {}
        self.planning = False

    def named(self, entity: Entity, text: str) -> list[int]:
        """Return the ids of the rows a text names: by a key of one column, exact before folded, by what people call them, or by id."""
        rows = self.rows(entity)
        columns = [*(key[0] for key in entity.all_keys if len(key) == 1), *(entity.labels if len(entity.labels) == 1 else ())]
        for column in dict.fromkeys(c for c in columns if isinstance(entity.kinds[c], Text) or c == "uuid"):
            ids = [row[rows.id_place] for row in rows.by((column,), [(text,)]).get((text,), ())] or rows.folded(column, text)
            if ids:
                return ids
        return sorted(rows.existing_ids([int(text)])) if text.isascii() and text.isdigit() and len(text) < 19 else []

    def key_of(self, entity: Entity, identity: int | None) -> dict[str, Any] | None:
        """Return the best natural key of a row, {column: value}; None where it is gone."""
        rows = self.rows(entity)
        row = rows.by_id([identity]).get(identity) if identity is not None else None
        columns = next((key for key in entity.all_keys if key != ("uuid",) and not set(key) & entity.references.keys()), (entity.primary,))
        return None if row is None else {column: row[rows.place[column]] for column in columns}

    def rows(self, entity: Entity) -> Rows:
        if entity.name not in self._rows:
            keys: list[Key] = [*entity.all_keys, (entity.primary,)] + ([tuple(entity.content)] if entity.content else [])
            for other in self.catalog.entities.values():
                for reference in other.references.values():
                    if reference.target == entity.name:
                        keys += [(column,) for column in reference.lookups.values()]
            rows = self._rows[entity.name] = Rows(self.db, entity, keys)
            rows.fresh_only = self.planning
        return self._rows[entity.name]

    def link(
        self, reference: Reference, owner: Entity, keys: Iterable[Row], columns: Sequence[str], *, exact: bool = False
    ) -> dict[Row, int | Unlinked]:
        """Link distinct keys: each a tuple of values of the target's `columns`, then the id in the file or None.

        exact: take no row that is equal only after folding, because the very row may still come.
        """
        found: dict[Row, int | Unlinked] = {}
        target, open_ = self.catalog.entities[reference.target], []
        for key in set(keys):
            known = self._known.get((owner.name, reference.column, key))
            if known is None:
                open_.append(key)
            else:
                found[key] = known
        if open_:
            fresh = self._link(reference, target, open_, columns, exact)
            if len(self._known) > REMEMBERED:
                self._known.clear()
            for key, link in fresh.items():
                if isinstance(link, int) and target.name != owner.name:
                    self._known[owner.name, reference.column, key] = link
            found |= fresh
        return found

    def forget(self) -> None:
        """Forget links remembered: what they point to may have been rolled back."""
        self._known.clear()
        self._loaded.clear()

    def _link(
        self, reference: Reference, target: Entity, keys: list[Row], columns: Sequence[str], exact: bool
    ) -> dict[Row, int | Unlinked]:
        rows = self.rows(target)
        found: dict[Row, int | Unlinked] = self.quick(target, columns, keys)  # type: ignore[assignment]
        keys = [key for key in keys if key not in found]
        if not keys:
            return found
        by_column = {
            column: rows.by((column,), {(key[place],) for key in keys if key[place] is not None}) for place, column in enumerate(columns)
        }
        ids = [key[-1] for key in keys if key[-1] is not None and all(value is None for value in key[:-1])]
        existing = rows.existing_ids(ids) if ids and (self.own or target.name in self.loaded) else set()
        return found | {key: self._one(reference, target, rows, columns, by_column, existing, key, exact) for key in keys}

    def ids(self, target: Entity, column: str, values: Iterable[Any]) -> dict[Any, int | None]:
        """Return {value: id of the row that has it in the column, None where several have} for the values some row has."""
        loaded = self._loaded.get((target.name, column), {})
        found: dict[Any, int | None] = {value: loaded[value] for value in values if value in loaded}
        wanted = [value for value in values if value not in found]
        for identity, value in self.rows(target).slim([column], wanted) if wanted else ():
            found[value] = None if value in found else identity
        return found

    def remember(self, entity: Entity, column: str, ids: Iterable[tuple[Any, int]]) -> None:
        """Remember rows just loaded by a unique column, so that those which refer to them need no SELECT; bounded."""
        known = self._loaded.setdefault((entity.name, column), {})
        if len(known) < REMEMBERED:
            known.update(ids)

    def referred_columns(self, entity: Entity) -> list[str]:
        """Return the unique columns of an entity by which others refer to it."""
        used = {
            c for e in self.catalog.entities.values() for r in e.references.values() if r.target == entity.name for c in r.lookups.values()
        }
        return [key[0] for key in entity.unique if len(key) == 1 and key[0] in used]

    def names(self, target: Entity, ids: Iterable[int], columns: tuple[str, ...]) -> dict[int, Row]:
        """Return {id: values of the columns} of rows of a target, remembered from batch to batch."""
        known = self._names.setdefault((target.name, columns), {})
        wanted = {i for i in ids if i is not None}.difference(known)
        if wanted:
            if len(known) > REMEMBERED:
                known.clear()
            known.update({row[0]: row[1:] for row in self.rows(target).slim(columns, wanted, target.primary)})
        return known

    def quick(self, target: Entity, columns: Sequence[str], keys: Iterable[Row]) -> dict[Row, int]:
        """Link the keys whose best lookup names one row that agrees in the others: almost all of them, by one slim SELECT."""
        wanted = {key[0]: key for key in keys if len(key) > 1 and key[0] is not None}
        rows = self.rows(target)
        if not wanted or rows.has_fresh or not all(target.kinds[column].plain for column in columns):
            return {}
        found: dict[Any, Row | None] = {}
        for row in rows.slim(columns, wanted):
            found[row[1]] = None if row[1] in found else row
        linked = {}
        for key in keys:
            hit = found.get(key[0])
            if hit is not None and (key[1:-1] == hit[2:] or _agree(key[1:-1], hit[2:])):
                linked[key] = hit[0]
        return linked

    def _one(
        self,
        reference: Reference,
        target: Entity,
        rows: Rows,
        columns: Sequence[str],
        by_column: Mapping[str, Any],
        existing: set[int],
        key: Row,
        exact_only: bool,
    ) -> int | Unlinked:
        hits: list[tuple[str, Any, tuple[int, ...]]] = []
        for column, value in zip(columns, key, strict=False):
            if value is not None:
                exact = [row[rows.id_place] for row in by_column[column].get((value,), ())]
                hits.append((column, value, tuple(exact) or self._elsewhere(target, rows, column, value, exact_only)))
        if not hits:
            return self._by_id(reference, target, existing, key[-1])
        named = [(column, value, ids) for column, value, ids in hits if ids]
        if not named:
            missing = Missing(target.name, {column: value for column, value, _ in hits}, nullable=reference.nullable)
            what = ", ".join(f"{column} {shown(value)}" for column, value, _ in hits)
            return Unlinked("missing-reference", f"no row of {target.name} has {what}", missing)
        common = set(named[0][2])
        for column, value, ids in named[1:]:
            if not common & set(ids):
                first = f"{named[0][0]} {shown(named[0][1])}"
                message = f"{first} and {column} {shown(value)} name two different rows of {target.name}: correct one of them"
                return Unlinked("identity-mismatch", message, ids=(*common, *ids))
            common &= set(ids)
        if len(common) > 1:
            what = " and ".join(f"{column} {shown(value)}" for column, value, _ in named)
            ids = tuple(sorted(common))
            missing = Missing(target.name, {column: value for column, value, _ in hits}, nullable=reference.nullable, among=ids)
            return Unlinked("ambiguous-key", f"{len(common)} rows of {target.name} have {what}", missing, ids)
        return next(iter(common))

    def _elsewhere(self, target: Entity, rows: Rows, column: str, value: Any, exact_only: bool) -> tuple[int, ...]:
        """A key without an exact match: what this import moved, else rows equal after folding."""
        moved = self.translations.get(target.name)
        if moved is not None:
            found = moved.get(column, value)
            if found is not None:
                return (found,)
        if exact_only or column == "uuid" or not isinstance(target.kinds[column], Text):
            return ()
        return tuple(rows.folded(column, value))

    def _by_id(self, reference: Reference, target: Entity, existing: set[int], identity: Any) -> int | Unlinked:
        moved = self.translations.get(target.name)
        if moved is not None:
            found = moved.of_id(target.primary, identity)
            if found is not None:
                return found
        if identity in existing:
            return int(identity)
        missing = Missing(target.name, {target.primary: identity}, nullable=reference.nullable)
        why = "" if self.own else "; the file is of another database, so its ids mean nothing here unless the row itself is in the set"
        return Unlinked("missing-reference", f"no row of {target.name} has {target.primary} {identity}{why}", missing)
