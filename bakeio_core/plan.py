"""Plan a whole import: what it would change, as data, part by part. Only SELECTs are made here."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from bakeio_core.changes import COUNTS, MOST_SHOWN, Change, Changes, Options, Wanted
from bakeio_core.dialects import dialect_of
from bakeio_core.errors import Problems
from bakeio_core.ledger import database_id
from bakeio_core.linking import Linker, Unlinked
from bakeio_core.model import Entity
from bakeio_core.records import PartPlanner
from bakeio_core.resolve import Decisions, Missing
from bakeio_core.sources import Part, Source, decided_part

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog import Catalog

__all__ = ["Planner"]


class Planner:
    """Plan one import part by part. The consumer writes each `Changes` before it asks for the next, or says `planning` and never does.

    view_planner: what plans a view's part; witness: whether `digest` is to be compared with another run's; counts: {entity: Counter of
    `COUNTS`}; missing: {identity: Missing}; problems: everything to report; contested: (entity, id) of rows that different records of the file mean.
    """

    def __init__(
        self,
        db: Connection,
        catalog: Catalog,
        source: Source,
        options: Options,
        decisions: Decisions | None = None,
        planning: bool = True,
        view_planner: Callable[[Planner, Part], PartPlanner] | None = None,
        witness: bool = True,
    ) -> None:
        self.witness = witness
        self.view_planner = view_planner
        self.db, self.catalog, self.source, self.options = db, catalog, source, options
        self.decisions, self.planning = decisions or Decisions(), planning
        own = source.database_id is not None and source.database_id == database_id(db)
        self.linker = Linker(db, catalog, own)
        self.linker.planning = planning
        self.own = own
        self.problems = Problems()
        self.counts: dict[str, Counter[str]] = {part.entity.name: Counter() for part in source.parts}
        self.created: dict[str, list[dict[str, Any]]] = {}
        self.missing: dict[Any, Missing] = {}
        self.now = datetime.now(timezone.utc).replace(tzinfo=None).isoformat() + "Z"
        self.digest = hashlib.blake2b(digest_size=16)
        self._next: dict[str, int] = {}
        self.kept: list[Change] = []
        self._hidden: set[tuple[str, int]] = set()
        self.contested: set[tuple[str, int]] = set()
        self._made: dict[Any, int] = {}
        self._failed: dict[str, set[tuple[str, Any]]] = {}

    def note_failed(self, entity: Entity, values: Mapping[str, Any]) -> None:
        """Remember what a record that cannot be imported is called by, so that those which refer to it are not questions of their own."""
        names = self._failed.setdefault(entity.name, set())
        for column in {entity.primary, *(column for key in entity.all_keys if len(key) == 1 for column in key)}:
            if isinstance(value := values.get(column), (str, int)):
                names.add((column, value))

    def has_failed(self, missing: Missing) -> bool:
        """Tell whether a missing key is that of a record of this very import that cannot be imported."""
        names = self._failed.get(missing.entity, ())
        return any(pair in names for pair in missing.key.items())

    def changes(self) -> Iterator[Changes]:
        """Yield the changes of all parts in import order."""
        for part in self.source.parts:
            yield from self.planner_of(part).changes()

    def planner_of(self, part: Part) -> PartPlanner:
        """Return what plans a part: a view's records are merged field by field, an entity's file is the state."""
        return PartPlanner(self, part) if part.view is None or self.view_planner is None else self.view_planner(self, part)

    def show(self, change: Change) -> None:
        """Keep a change for the preview, up to 10,000 of them."""
        if len(self.kept) < MOST_SHOWN:
            self.kept.append(change)

    def hide(self, entity: Entity, identity: int) -> None:
        """Leave what was kept of a row out of the preview."""
        self._hidden.add((entity.name, identity))

    @property
    def shown(self) -> list[Change]:
        """The changes kept for the preview."""
        return [change for change in self.kept if (change.entity, change.id) not in self._hidden] if self._hidden else self.kept

    @property
    def summary(self) -> Counter[str]:
        total: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
        for counts in self.counts.values():
            total.update(counts)
        return total

    def next_id(self, entity: Entity) -> int:
        """Return an id no row has or had, each call another one."""
        if entity.name not in self._next:
            self._next[entity.name] = dialect_of(self.db).next_id(self.db, entity.table, entity.primary)
        self._next[entity.name] += 1
        return self._next[entity.name] - 1

    def took_id(self, entity: Entity, identity: int) -> None:
        """Note that a row keeps the id of the file, so that new ids go on after it."""
        if identity >= self._next.setdefault(entity.name, 0):
            if self._next[entity.name] == 0:
                self._next[entity.name] = dialect_of(self.db).next_id(self.db, entity.table, entity.primary)
            self._next[entity.name] = max(self._next[entity.name], identity + 1)

    def parent(self, wanted: Wanted, batch: Changes) -> int | Unlinked:
        """Return the id of the row a decision creates, the same for all records that want it."""
        missing = wanted.link.missing
        if missing is not None and missing.identity in self._made:
            return self._made[missing.identity]
        made = PartPlanner(self, decided_part(wanted.target, self.catalog)).as_parent(wanted, batch)
        if isinstance(made, int) and missing is not None:
            self._made[missing.identity] = made
        return made

    def note_missing(self, missing: Missing, part: Part, number: int, where: str) -> Missing:
        known = self.missing.setdefault(missing.identity, missing)
        known.field = known.field or where
        known.nullable = known.nullable and missing.nullable
        known.count += 1
        if len(known.records) < 20:
            known.records.append((part.file, number))
        return known
