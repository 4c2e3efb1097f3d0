"""Find rows by key and link references, a batch at a time: one SELECT per entity and key, exact first, folded only after a miss."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.exchange import Missing
from bakeio_core.catalog.model import Entity, Reference
from bakeio_core.database.rows import REMEMBERED, Row, Rows, Tables
from bakeio_core.values.text import Text
from bakeio_core.values.wording import shown

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog


def _agree(given: Row, there: Row) -> bool:
    return all(value is None or value == cell for value, cell in zip(given, there, strict=True))


@dataclass(slots=True)
class LinkError:
    """A reference that could not be linked, and why. `ids`: the rows it might mean."""

    code: str
    message: str
    missing: Missing | None = None
    ids: tuple[int, ...] = ()


class IdMap:
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


class Linker(Tables):
    """Link references to rows: by their lookup fields in the database, by what this import has moved, by id where an id counts.

    own: whether the file is of this database, so that its ids count.
    """

    def __init__(self, db: Connection, catalog: Catalog, own: bool) -> None:
        super().__init__(db, catalog)
        self.own = own
        self._known: dict[tuple[str, str, Row], int] = {}
        self.translations: dict[str, IdMap] = {}
        self.loaded: set[str] = set()
        self._loaded: dict[tuple[str, str], dict[Any, int]] = {}
        self._names: dict[tuple[str, tuple[str, ...]], dict[int, Row]] = {}

    def link(
        self,
        reference: Reference,
        owner: Entity,
        keys: Iterable[Row],
        columns: Sequence[str],
        *,
        exact: bool = False,
    ) -> dict[Row, int | LinkError]:
        """Link distinct keys: each a tuple of values of the target's `columns`, then the id in the file or None.

        exact: take no row that is equal only after folding, because the very row may still come.
        """
        found: dict[Row, int | LinkError] = {}
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
        self,
        reference: Reference,
        target: Entity,
        keys: list[Row],
        columns: Sequence[str],
        exact: bool,
    ) -> dict[Row, int | LinkError]:
        rows = self.rows(target)
        found: dict[Row, int | LinkError] = self.quick(target, columns, keys)  # type: ignore[assignment]
        keys = [key for key in keys if key not in found]
        if not keys:
            return found
        by_column = {
            column: rows.by((column,), {(key[place],) for key in keys if key[place] is not None})
            for place, column in enumerate(columns)
        }
        ids = [
            key[-1]
            for key in keys
            if key[-1] is not None and all(value is None for value in key[:-1])
        ]
        existing = (
            rows.existing_ids(ids) if ids and (self.own or target.name in self.loaded) else set()
        )
        return found | {
            key: self._one(reference, target, rows, columns, by_column, existing, key, exact)
            for key in keys
        }

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
            c
            for e in self.catalog.entities.values()
            for r in e.references.values()
            if r.target == entity.name
            for c in r.lookups.values()
        }
        return [key[0] for key in entity.unique if len(key) == 1 and key[0] in used]

    def names(self, target: Entity, ids: Iterable[int], columns: tuple[str, ...]) -> dict[int, Row]:
        """Return {id: values of the columns} of rows of a target, remembered from batch to batch."""
        known = self._names.setdefault((target.name, columns), {})
        wanted = {i for i in ids if i is not None}.difference(known)
        if wanted:
            if len(known) > REMEMBERED:
                known.clear()
            known.update(
                {row[0]: row[1:] for row in self.rows(target).slim(columns, wanted, target.primary)}
            )
        return known

    def quick(self, target: Entity, columns: Sequence[str], keys: Iterable[Row]) -> dict[Row, int]:
        """Link the keys whose best lookup names one row that agrees in the others: almost all of them, by one slim SELECT."""
        wanted = {key[0]: key for key in keys if len(key) > 1 and key[0] is not None}
        rows = self.rows(target)
        if (
            not wanted
            or rows.has_fresh
            or not all(target.kinds[column].sql_convertible for column in columns)
        ):
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
    ) -> int | LinkError:
        hits: list[tuple[str, Any, tuple[int, ...]]] = []
        for column, value in zip(columns, key, strict=False):
            if value is not None:
                exact = [row[rows.id_place] for row in by_column[column].get((value,), ())]
                hits.append(
                    (
                        column,
                        value,
                        tuple(exact) or self._elsewhere(target, rows, column, value, exact_only),
                    )
                )
        if not hits:
            return self._by_id(reference, target, existing, key[-1])
        named = [(column, value, ids) for column, value, ids in hits if ids]
        if not named:
            missing = Missing(
                target.name,
                {column: value for column, value, _ in hits},
                nullable=reference.nullable,
            )
            what = ", ".join(f"{column} {shown(value)}" for column, value, _ in hits)
            return LinkError("missing-reference", f"no row of {target.name} has {what}", missing)
        common = set(named[0][2])
        for column, value, ids in named[1:]:
            if not common & set(ids):
                first = f"{named[0][0]} {shown(named[0][1])}"
                message = f"{first} and {column} {shown(value)} name two different rows of {target.name}: correct one of them"
                return LinkError("identity-mismatch", message, ids=(*common, *ids))
            common &= set(ids)
        if len(common) > 1:
            what = " and ".join(f"{column} {shown(value)}" for column, value, _ in named)
            ids = tuple(sorted(common))
            missing = Missing(
                target.name,
                {column: value for column, value, _ in hits},
                nullable=reference.nullable,
                among=ids,
            )
            return LinkError(
                "ambiguous-key", f"{len(common)} rows of {target.name} have {what}", missing, ids
            )
        return next(iter(common))

    def _elsewhere(
        self, target: Entity, rows: Rows, column: str, value: Any, exact_only: bool
    ) -> tuple[int, ...]:
        """A key without an exact match: what this import moved, else rows equal after folding."""
        moved = self.translations.get(target.name)
        if moved is not None:
            found = moved.get(column, value)
            if found is not None:
                return (found,)
        if exact_only or column == "uuid" or not isinstance(target.kinds[column], Text):
            return ()
        return tuple(rows.folded(column, value))

    def _by_id(
        self, reference: Reference, target: Entity, existing: set[int], identity: Any
    ) -> int | LinkError:
        moved = self.translations.get(target.name)
        if moved is not None:
            found = moved.of_id(target.primary, identity)
            if found is not None:
                return found
        if identity in existing:
            return int(identity)
        missing = Missing(target.name, {target.primary: identity}, nullable=reference.nullable)
        why = (
            ""
            if self.own
            else "; the file is of another database, so its ids mean nothing here unless the row itself is in the set"
        )
        return LinkError(
            "missing-reference",
            f"no row of {target.name} has {target.primary} {identity}{why}",
            missing,
        )
