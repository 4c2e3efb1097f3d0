"""Plan a whole import: what it would change, as data, part by part. Only SELECTs are made here."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.exchange import MOST_SHOWN, Change, Changes, Decision, Missing
from bakeio_core.catalog.model import Entity
from bakeio_core.database.dialects import dialect_of
from bakeio_core.errors import Problems
from bakeio_core.history.tables import database_id
from bakeio_core.importing.drafts import CREATED, PendingParent
from bakeio_core.importing.linking import Linker, LinkError
from bakeio_core.importing.options import ImportOptions
from bakeio_core.importing.records import PartPlanner
from bakeio_core.importing.sources import Part, Source, decided_part
from bakeio_core.report import COUNTS, Report
from bakeio_core.resolving.decisions import Decisions

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog


@dataclass
class CreatedParent:
    """A row a decision creates: its key, the (entity, id) of the rows it refers to, and how many records need it."""

    entity: Entity
    id: int
    key: dict[str, Any]
    links: list[tuple[str, Any]]
    uses: int = 0


@dataclass
class AppliedDecision:
    """A decision that was carried out: for which key, the id of the row it led to, and for how many records."""

    missing: Missing
    decision: Decision
    id: int | None
    count: int = 0


class Planner:
    """Plan one import part by part. The consumer writes each `Changes` before it asks for the next, or says `planning` and never does.

    view_planner: what plans a view's part; witness: whether `outcome` is to be compared with another run's; counts: {entity: Counter of
    `COUNTS`}; missing: {identity: Missing}; meant: {entity: ids of the rows its records mean}, once planned; problems: everything to report;
    contested: (entity, id) of rows that different records of the file mean.
    """

    def __init__(
        self,
        db: Connection,
        catalog: Catalog,
        source: Source,
        options: ImportOptions,
        decisions: Decisions | None = None,
        planning: bool = True,
        view_planner: Callable[[Planner, Part], PartPlanner] | None = None,
        witness: bool = True,
    ) -> None:
        self.witness = witness
        self.view_planner = view_planner
        self.db, self.catalog, self.source, self.options = db, catalog, source, options
        self.decisions, self.planning = Decisions() if decisions is None else decisions, planning
        own = source.database_id is not None and source.database_id == database_id(db)
        self.linker = Linker(db, catalog, own)
        self.linker.planning = planning
        self.own = own
        self.problems = Problems()
        self.counts: dict[str, Counter[str]] = {
            part.entity.name: Counter() for part in source.parts
        }
        self.parents: dict[tuple[str, int], CreatedParent] = {}
        self.used: dict[Any, AppliedDecision] = {}
        self.meant: dict[str, set[int]] = {}
        self.missing: dict[Any, Missing] = {}
        self.now = datetime.now(timezone.utc).replace(tzinfo=None).isoformat() + "Z"
        self.digest = hashlib.blake2b(digest_size=16)
        self._next: dict[str, int] = {}
        self.kept: list[Change] = []
        self._hidden: set[tuple[str, int]] = set()
        self.contested: set[tuple[str, int]] = set()
        self._made: dict[Any, int | LinkError] = {}
        self._failed: dict[str, set[tuple[str, Any]]] = {}

    def note_failed(self, entity: Entity, values: Mapping[str, Any]) -> None:
        """Remember what a record that cannot be imported is called by, so that those which refer to it are not questions of their own."""
        names = self._failed.setdefault(entity.name, set())
        for column in {
            entity.primary,
            *(column for key in entity.all_keys if len(key) == 1 for column in key),
        }:
            if isinstance(value := values.get(column), (str, int)):
                names.add((column, value))

    def has_failed(self, missing: Missing) -> bool:
        """Tell whether a missing key is that of a record of this very import that cannot be imported."""
        names = self._failed.get(missing.entity, ())
        return any(pair in names for pair in missing.key.items())

    def changes(self) -> Iterator[Changes]:
        """Yield the changes of all parts in import order."""
        for part in self.source.parts:
            planner = self.planner_of(part)
            yield from planner.changes()
            self.meant[part.entity.name] = set(planner.touched)
        self.unneeded()

    def planner_of(self, part: Part) -> PartPlanner:
        """Return what plans a part: a view's records are merged field by field, an entity's file is the state."""
        return (
            PartPlanner(self, part)
            if part.view is None or self.view_planner is None
            else self.view_planner(self, part)
        )

    def show(self, *changes: Change) -> None:
        """Keep changes for the preview, up to 10,000 of them."""
        self.kept += changes[: MOST_SHOWN - len(self.kept)]

    def hide(self, entity: Entity, identity: int) -> None:
        """Leave what was kept of a row out of the preview."""
        self._hidden.add((entity.name, identity))

    @property
    def shown(self) -> list[Change]:
        """The changes kept for the preview."""
        return (
            [change for change in self.kept if (change.entity, change.id) not in self._hidden]
            if self._hidden
            else self.kept
        )

    @property
    def summary(self) -> Counter[str]:
        return Counter(
            {count: sum(counts[count] for counts in self.counts.values()) for count in COUNTS}
        )

    def outcome(self) -> bytes:
        """Return what tells this plan from one with another outcome: which rows it updates and how, which records it creates."""
        whole = self.digest.copy()
        for name, counts in self.counts.items():
            whole.update(f"|{name} {counts[CREATED]}".encode())
        return whole.digest()

    def next_id(self, entity: Entity) -> int:
        """Return an id no row has or had, each call another one."""
        if entity.name not in self._next:
            self._next[entity.name] = dialect_of(self.db).next_id(
                self.db, entity.table, entity.primary
            )
        self._next[entity.name] += 1
        return self._next[entity.name] - 1

    def took_id(self, entity: Entity, identity: int) -> None:
        """Note that a row keeps the id of the file, so that new ids go on after it."""
        if identity >= self._next.setdefault(entity.name, 0):
            if self._next[entity.name] == 0:
                self._next[entity.name] = dialect_of(self.db).next_id(
                    self.db, entity.table, entity.primary
                )
            self._next[entity.name] = max(self._next[entity.name], identity + 1)

    # -- what was decided
    def parent(self, wanted: PendingParent, batch: Changes) -> int | LinkError:
        """Return the id of the row a decision creates, the same for all records that want it."""
        missing = wanted.link.missing
        identity = missing.identity if missing is not None else None
        if identity is None or identity not in self._made:
            made = PartPlanner(self, decided_part(wanted.target, self.catalog)).as_parent(
                wanted, batch
            )
            if identity is None:
                return made
            self._made[identity] = made
        made = self._made[identity]
        if isinstance(made, int) and missing is not None:
            self.use(missing, wanted.decision, made)
        return made

    def made(
        self, entity: Entity, identity: int, key: dict[str, Any], links: list[tuple[str, Any]]
    ) -> None:
        """Note a row a decision creates, and the rows it refers to."""
        self.parents[entity.name, identity] = CreatedParent(entity, identity, key, links)
        for link in links:
            self.needed(*link)

    def needed(self, entity: str, identity: int, times: int = 1) -> None:
        """Note that a record needs a row a decision created, or (times=-1) does not after all."""
        if (entity, identity) in self.parents:
            self.parents[entity, identity].uses += times

    def unneeded(self) -> list[CreatedParent]:
        """Return the rows decisions created which no record needs after all, those that refer to others first."""
        left = []
        for made in reversed(list(self.parents.values())):
            if made.uses <= 0:
                left.append(made)
                del self.parents[made.entity.name, made.id]
                for link in made.links:
                    self.needed(*link, times=-1)
        return left

    @property
    def created(self) -> dict[str, list[dict[str, Any]]]:
        """The rows decisions created, by their keys: {entity: [{column: value}]}."""
        found: dict[str, list[dict[str, Any]]] = {}
        for made in self.parents.values():
            if made.uses > 0:
                found.setdefault(made.entity.name, []).append(made.key)
        return found

    def use(self, missing: Missing, decision: Decision, identity: int | None) -> int | None:
        """Count one use of a decision and return the id of the row it led to."""
        used = self.used.get(missing.identity)
        if used is None:
            used = self.used[missing.identity] = AppliedDecision(missing, decision, identity)
        used.count += 1
        return used.id

    def note_missing(self, missing: Missing, part: Part, number: int, where: str) -> Missing:
        known = self.missing.setdefault(missing.identity, missing)
        known.field = known.field or where
        known.nullable = known.nullable and missing.nullable
        known.why = known.why or missing.why
        known.count += 1
        if len(known.records) < 20:
            known.records.append((part.file, number))
        return known


def resolved(planner: Planner) -> list[dict[str, Any]]:
    """Return the decisions that were carried out: the key asked about, what became of it, by whom, and for how many records.

    A row that was to be created and that no record needed after all is left out.
    """
    found = []
    for used in planner.used.values():
        decision = used.decision
        what: dict[str, Any] = {
            "entity": used.missing.entity,
            "key": dict(used.missing.key),
            "action": decision.action,
        }
        made = planner.parents.get((used.missing.entity, used.id or 0))
        if decision.action in ("existing", "create"):
            # what was created is no row any more when a dry run has taken it back
            what["target"] = (
                made.key
                if made
                else planner.linker.key_of(planner.catalog.entities[used.missing.entity], used.id)
            )
        if decision.action != "create" or what["target"] is not None:
            found.append(
                what
                | {
                    "by": decision.by,
                    "records": made.uses if made and decision.action == "create" else used.count,
                }
            )
    return found


def report_of(
    planner: Planner, *, dry_run: bool, refused: str = "", run: int | None = None
) -> Report:
    """Read the report off a planner that has planned everything."""
    entities = {
        name: {count: counts[count] for count in COUNTS} for name, counts in planner.counts.items()
    }
    problems = [*planner.source.problems, *planner.problems]
    summary = {count: planner.summary[count] for count in COUNTS}
    if planner.options.mode == "replace":
        summary["deleted"] = sum(counts["deleted"] for counts in planner.counts.values())
        for name, counts in planner.counts.items():
            entities[name]["deleted"] = counts["deleted"]
    return Report(
        run, dry_run, planner.options.mode, planner.source.name, summary, entities, planner.created, resolved(planner), None, problems, refused,
        planner.problems.dropped, planner.shown,
    )  # fmt: skip
