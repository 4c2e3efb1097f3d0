"""The rows that refer to others, in tables plugins declare and in all others of the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.exchange import Change
from bakeio_core.database.dialects import dialect_of, foreign_keys_of
from bakeio_core.database.row_ids import wire_id
from bakeio_core.database.stored.rows import rows_among, sql_type
from bakeio_core.database.systems.foreign_keys import ForeignKey
from bakeio_core.errors import counted

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog

Named = tuple[str, Any]
"""A row: its entity and its id."""
Uses = Counter[tuple[ForeignKey, Any]]
"""By which key a row is referred to, how often, and the id of one of the rows that do, if known."""


class Referrers:
    """Tell who refers to rows before they are deleted or what they are known by is changed.

    A database that has a foreign key deletes or empties what refers (ON DELETE CASCADE, SET NULL)
    without a word. So its own keys are asked, besides those that plugins declare.

    Args:
        db: A connection in a transaction that writes.
        catalog: The entities.
    """

    def __init__(self, db: Connection, catalog: Catalog) -> None:
        self.db, self.catalog, self.dialect = db, catalog, dialect_of(db)
        self.stored = foreign_keys_of(db)
        self._keys: dict[str, list[ForeignKey]] = {}

    @cached_property
    def _entities(self) -> dict[str | None, Entity]:
        """The entities by the names of their tables in the database."""
        return {self.stored.stored_name(e.table): e for e in self.catalog.entities.values()}

    def keys(self, entity: Entity) -> list[ForeignKey]:
        """Return the foreign keys that refer to an entity: the database's, and declared ones."""
        if entity.name not in self._keys:
            there = self.stored.to(entity.table)
            known = {(key.table, key.columns) for key in there}
            declared = [
                ForeignKey(name, foreign.columns, entity.named_columns(foreign.target_keys))
                for name, other in self._entities.items()
                if name is not None
                for foreign in other.foreign_keys
                if foreign.target == entity.name and (name, foreign.columns) not in known
            ]
            self._keys[entity.name] = [*there, *declared]
        return self._keys[entity.name]

    # -- before rows are deleted
    def staying(
        self, going: Mapping[str, Collection[Any]], besides: Collection[str] = ()
    ) -> dict[Named, Uses]:
        """Find out which of some rows cannot be deleted, because others that stay refer to them.

        Nobody can begin to refer to them before the transaction ends.

        Args:
            going: {entity: ids of the rows that would be deleted}.
            besides: Entities whose rows need not be asked.

        Returns:
            {(entity, id): who refers to it}.
        """
        uses: dict[Named, Uses] = {}
        inside: dict[Named, list[tuple[Named, ForeignKey]]] = {}
        for name, ids in going.items():
            entity = self.catalog.entities[name]
            keys = self.keys(entity) if ids else []
            if keys:
                self.stored.hold(*self._asked(entity, ids))
            for key in keys:
                other = self._entities.get(key.table)
                if other is not None and other.name in besides:
                    continue
                for identity, user, count in self._users(entity, key, other, ids):
                    target = (name, identity)
                    if other is not None and user in going.get(other.name, ()):
                        inside.setdefault((other.name, user), []).append((target, key))
                    else:
                        uses.setdefault(target, Counter())[key, user] += count
        self._spread(uses, inside)
        return uses

    @staticmethod
    def _spread(
        uses: dict[Named, Uses], inside: Mapping[Named, Sequence[tuple[Named, ForeignKey]]]
    ) -> None:
        """Let what rows that have to stay refer to stay as well."""
        left = list(uses)
        while left:
            user = left.pop()
            for target, key in inside.get(user, ()):
                if target not in uses:
                    left.append(target)
                if target != user:
                    uses.setdefault(target, Counter())[key, user[1]] += 1

    def _users(
        self, entity: Entity, key: ForeignKey, other: Entity | None, ids: Collection[Any]
    ) -> list[tuple[Any, Any, int]]:
        """Return (id, id of a row that refers to it if its table is an entity's, how many do)."""
        if not key.is_readable:
            return [(identity, None, 1) for identity in ids]
        quote = self.dialect.quote
        source, parameters = self._asked(entity, ids)
        if key.target_columns == (entity.primary,) and entity.kinds[entity.primary].sql_convertible:
            column, kind = (
                quote(key.columns[0]),
                sql_type(entity.kinds[entity.primary]),
            )
            source, user = self.dialect.joined_keys([column], key.table, [kind]), "t"
            target = f"t.{column}"
        else:
            parts = zip(key.target_columns, key.columns, strict=True)
            on = " AND ".join(f"p.{quote(mine)} = u.{quote(its)}" for mine, its in parts)
            source = f"(SELECT t.* FROM {source}) p JOIN {key.table} u ON {on}"
            target, user = wire_id(self.dialect, "p", entity), "u"
        if other is None:
            sql = f"SELECT {target}, NULL, count(*) FROM {source} GROUP BY {target}"
        else:
            sql = f"SELECT {target}, {wire_id(self.dialect, user, other)}, 1 FROM {source}"
        return self.dialect.fetch(self.db, sql, parameters)

    def _asked(self, entity: Entity, ids: Collection[Any]) -> tuple[str, tuple[Any, ...]]:
        """Return what stands after FROM to select rows, called `t`, and its parameters."""
        return rows_among(self.dialect, entity, (entity.primary,), {(i,) for i in ids})

    def in_words(self, uses: Uses) -> str:
        """Say who refers to a row: `2 rows of a (b_id) and c id 5 (b_id)`."""
        by_key: dict[ForeignKey, list[tuple[Any, int]]] = {}
        for (key, user), count in uses.items():
            by_key.setdefault(key, []).append((user, count))
        return " and ".join(self._users_in_words(*item) for item in by_key.items())

    def _users_in_words(self, key: ForeignKey, users: Sequence[tuple[Any, int]]) -> str:
        columns = ", ".join(key.columns)
        if not key.is_readable:
            return f"rows of {key.table} ({columns}), which this user may not read"
        other = self._entities.get(key.table)
        if other is not None and len(users) == 1:
            return f"{other.name} {other.primary} {users[0][0]} ({columns})"
        name = key.table if other is None else other.name
        return f"{counted(sum(count for _, count in users), 'row')} of {name} ({columns})"

    # -- before rows are updated
    def losing(self, entity: Entity, updates: Sequence[Change]) -> dict[Any, str]:
        """Find out of which updates the database would make others lose what they refer to.

        Args:
            entity: Whose rows they are.
            updates: What is to be written.

        Returns:
            {id: who refers to the row, in words}.
        """
        found: dict[Any, Uses] = {}
        for key in self.keys(entity) if updates else ():
            columns = {*key.target_columns}
            ids = [change.id for change in updates if columns & change.new.keys()]
            if key.follows or not ids:
                continue
            other = self._entities.get(key.table)
            for identity, user, count in self._users(entity, key, other, ids):
                found.setdefault(identity, Counter())[key, user] += count
        return {identity: self.in_words(uses) for identity, uses in found.items()}

    def columns_known_by(self, entity: Entity) -> set[str]:
        """Return the columns of an entity that foreign keys refer to."""
        return {column for key in self.keys(entity) for column in key.target_columns}
