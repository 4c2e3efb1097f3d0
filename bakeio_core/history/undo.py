"""Take one import back: what is still as it left it goes back, what was changed since is kept and named. An undo is a run of its own."""

from __future__ import annotations

import decimal
import uuid as uuids
from array import array
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import exc

from bakeio_core.catalog.exchange import MOST_SHOWN, Change, Changes
from bakeio_core.catalog.model import Entity
from bakeio_core.database.connect import ensure_begun, savepoint, streaming, translated
from bakeio_core.database.rows import Rows, Tables
from bakeio_core.database.writing import cut_own_links, halved, whole_row
from bakeio_core.errors import BakeioError, Problem, Problems
from bakeio_core.history.journal import (
    Batch,
    FieldSet,
    Journal,
    batches,
    by_row,
    entities_of,
    fields_set,
    prints,
    read_text,
)
from bakeio_core.history.tables import all_runs
from bakeio_core.report import COUNTS, UNDO, Report
from bakeio_core.values.numbers import Decimal
from bakeio_core.values.text import Text, without_decimals
from bakeio_core.values.wording import shown

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog

BATCH = 2000
Row = tuple[Any, ...]


def run_to_undo(db: Connection, run: int | None) -> dict[str, Any]:
    """Return the run to be taken back: the one asked for, else the latest that is neither an undo nor undone.

    Raises BakeioError where there is none, or where it was taken back already.
    """
    known = all_runs(db)
    undone = {entry["undoes"]: entry["id"] for entry in known if entry["undoes"] is not None}
    undone = {of: by for of, by in undone.items() if by not in undone}
    if run is None:
        found = next(
            (entry for entry in known if entry["undoes"] is None and entry["id"] not in undone),
            None,
        )
        if found is None:
            raise BakeioError("there is no import to take back; see: bakeio runs")
        return found
    found = next((entry for entry in known if entry["id"] == run), None)
    if found is None:
        raise BakeioError(f"there is no run {run}; see: bakeio runs")
    if run in undone:
        raise BakeioError(
            f"run {run} was taken back already, by run {undone[run]}; to have it again: bakeio undo {undone[run]}"
        )
    return found


class Undo:
    """Take back one run inside a savepoint. counts: {entity: Counter}; problems: what is kept, and history_of; shown: the changes made."""

    def __init__(
        self, db: Connection, catalog: Catalog, hook: Any, entry: Mapping[str, Any], now: str
    ) -> None:
        self.db, self.catalog, self.hook, self.entry, self.now = db, catalog, hook, entry, now
        self.tables = Tables(db, catalog)
        self.counts: dict[str, Counter[str]] = {}
        self.problems = Problems()
        self.shown: list[Change] = []
        self.journal: Journal | None = None
        self.grown: set[str] = set()
        self.delayed: list[tuple[str, Change, Row]] = []

    def run(self, *, dry_run: bool = False) -> None:
        """Take everything back that is still as the run left it; a dry run takes that back in turn.

        Raises BakeioError, with nothing written, where nothing can be taken back.
        """
        dialect, number = ensure_begun(self.db), int(self.entry["id"])
        with translated(), savepoint(self.db) as point, streaming():
            dialect.lock(self.db, [entity.table for entity in self.catalog.entities.values()])
            self._refuse_unknown(number)
            self.journal = Journal.start(
                self.db, f"run {number}: {self.entry['source']}", "undo", self.now, undoes=number
            )
            self._recreate(number)
            self._restore(number)
            self._restore_delayed()
            self._remove(number)
            total = sum(self.counts.values(), Counter[str]())
            if not total["created"] + total["updated"] + total["deleted"]:
                kept = (
                    f": all of it was changed since ({self.problems.warnings} kept)"
                    if self.problems.warnings
                    else ": it changed nothing"
                )
                raise BakeioError(
                    f"nothing of run {number} can be taken back{kept}",
                    code="conflict" if self.problems.warnings else None,
                )
            if dry_run:
                point.rollback()
                return
            self.journal.finish(total)
            for name in self.grown:
                entity = self.catalog.entities[name]
                dialect.advance_ids(self.db, entity.table, entity.primary)

    def report(self, *, dry_run: bool) -> Report:
        """Read the report off an undo: `deleted` counts besides the others, `skipped` what was kept."""
        names = ("processed", "created", "updated", "deleted", *COUNTS[3:])
        entities = {
            name: {count: counts[count] for count in names} for name, counts in self.counts.items()
        }
        summary = {count: sum(counts[count] for counts in entities.values()) for count in names}
        run = self.journal.run if self.journal and not dry_run else None
        source = f"run {self.entry['id']}: {self.entry['source']}"
        report = Report(
            run,
            dry_run,
            UNDO,
            source,
            summary,
            entities,
            problems=list(self.problems),
            dropped=self.problems.dropped,
        )
        report.changes = self.shown
        return report

    def _refuse_unknown(self, number: int) -> None:
        """Raise where rows of an entity that is not installed would have to go back: half an undo is none."""
        unknown = {
            name for name in entities_of(self.db, number) if name not in self.catalog.entities
        }
        for name in sorted(unknown):
            history_of = self.catalog.disabled.get(name, "not installed")
            raise BakeioError(
                f"run {number} also wrote {name}, which is {history_of}: nothing was written. Install it, then try again",
                code="blocked",
            )

    def _count(self, entity: Entity, what: str, number: int = 1) -> None:
        counts = self.counts.setdefault(entity.name, Counter())
        counts[what] += number
        counts["processed"] += number

    def _keep(
        self,
        entity: Entity,
        row: Row | None,
        where: str,
        history_of: str,
        file: str | None,
        record: int | None,
        value: Any = None,
    ) -> None:
        """Name what is kept: a row or one of its fields."""
        key = "" if row is None else self._named(entity, row) + ": "
        common = {
            "file": file or None,
            "record": record or None,
            "entity": entity.name,
            "field": where or None,
            "value": value,
        }
        self.problems.add(
            Problem(
                code="conflict", severity="warning", message=f"{key}{history_of}: kept", **common
            )
        )

    def _named(self, entity: Entity, row: Row) -> str:
        key = next(
            (
                k
                for k in entity.all_keys
                if k != ("uuid",) and not set(k) & entity.references.keys()
            ),
            (entity.primary,),
        )
        return f"{entity.name} " + ", ".join(
            f"{c} {shown(row[entity.columns.index(c)])}" for c in key
        )

    # -- what the run deleted
    def _recreate(self, number: int) -> None:
        known: dict[str, list[Batch]] = {}
        for _, batch in batches(self.db, number):
            if batch.action == "delete" and batch.entity in self.catalog.entities:
                known.setdefault(batch.entity, []).append(batch)
        for name, entity in self.catalog.entities.items():
            for batch in reversed(known.get(name, [])):
                self._recreate_batch(entity, self.tables.rows(entity), batch)

    def _recreate_batch(self, entity: Entity, rows: Rows, batch: Batch) -> None:
        there = rows.existing_ids([row[entity.primary] for row in batch.rows])
        for row in batch.rows:
            if row[entity.primary] in there:
                self._count(entity, "skipped")
                self._keep(
                    entity,
                    None,
                    "",
                    f"{entity.name} {entity.primary} {row[entity.primary]} is there again",
                    None,
                    None,
                )
        rows_ = [row for row in batch.rows if row[entity.primary] not in there]
        wanted = [
            tuple([wire(entity, column, row.get(column)) for column in entity.columns])
            for row in rows_
        ]
        self._write(Changes(entity, entity.columns, wanted, [0] * len(wanted)))

    # -- what the run set
    def _restore(self, number: int) -> None:
        groups = by_row(fields_set(self.db, number))
        while some := list(islice(groups, BATCH)):
            for name in dict.fromkeys(group[0].entity for group in some):
                if name in self.catalog.entities:
                    self._restore_batch(
                        self.catalog.entities[name],
                        [group for group in some if group[0].entity == name],
                    )

    def _restore_batch(self, entity: Entity, groups: list[list[FieldSet]]) -> None:
        current = self.tables.rows(entity).by_id({group[0].row for group in groups})
        by_file: dict[str, list[Change]] = {}
        for group in groups:
            first, row = group[0], current.get(group[0].row)
            if row is None:
                self._count(entity, "skipped")
                self._keep(
                    entity,
                    None,
                    "",
                    f"{entity.name} {entity.primary} {first.row} is gone",
                    first.file,
                    first.record,
                )
                continue
            change = self._restored(entity, row, group)
            if change is not None:
                by_file.setdefault(first.file or "", []).append(change)
        for file, changes in by_file.items():
            self._write(Changes(entity, entity.columns, updates=changes), rows=current, file=file)

    def _restore_delayed(self) -> None:
        """Give unique values back that changed hands: park them all, then set them. Where that fails too, each is kept and named."""
        delayed, self.delayed = self.delayed, []
        for name in dict.fromkeys(change.entity for _, change, _ in delayed):
            entity, some = (
                self.catalog.entities[name],
                [item for item in delayed if item[1].entity == name],
            )
            unique = [
                key[0]
                for key in entity.unique
                if len(key) == 1 and isinstance(entity.kinds[key[0]], Text)
            ]
            apart = [
                Change(
                    "update",
                    name,
                    0,
                    change.id,
                    {column: f"~{uuids.uuid4().hex}" for column in unique if column in change.new},
                )
                for _, change, _ in some
            ]
            self._write(
                Changes(entity, entity.columns, updates=[change for _, change, _ in some]), rows={row_id(c): row for _, c, row in some},
                file=some[0][0], before=Changes(entity, entity.columns, updates=apart),
            )  # fmt: skip
        left, self.delayed = self.delayed, []
        for file, change, row in left:
            entity = self.catalog.entities[change.entity]
            self._count(entity, "skipped")
            self._keep(
                entity,
                row,
                "",
                "another row has its old values now, and the database takes no two",
                file,
                change.record,
            )

    def _restored(self, entity: Entity, row: Row, group: list[FieldSet]) -> Change | None:
        """Return the fields of one row that go back; what was changed since is kept and named."""
        new: dict[str, Any] = {}
        place = {column: place for place, column in enumerate(entity.columns)}
        kept = 0
        for item in group:
            if item.field not in place:
                continue
            old, imported = (
                wire(entity, item.field, read_text(text)) for text in (item.old, item.new)
            )
            now = row[place[item.field]]
            if _same(now, imported):
                new[item.field] = old
            elif not _same(now, old):
                kept += 1
                told = (
                    f"{item.field} was set to {shown(now)} since, the import set {shown(imported)}"
                )
                self._keep(entity, row, item.field, told, item.file, item.record, now)
        if not new:
            self._count(entity, "skipped" if kept else "unchanged")
            return None
        if kept:
            self._count(entity, "skipped", 0)
        old_values = {column: row[place[column]] for column in new}
        if "updated_at" in place and group[0].stamped is not None:
            whole = not kept and _instant(row[place["updated_at"]]) == _instant(group[0].stamped)
            new |= {"updated_at": group[0].stamp if whole else self.now}
            old_values |= {"updated_at": row[place["updated_at"]]}
        return Change("update", entity.name, group[0].record or 0, group[0].row, new, old_values)

    # -- what the run created
    def _remove(self, number: int) -> None:
        """Delete created rows, those that refer to others first; what is referred to by rows that stay stays as well."""
        known = [
            b
            for _, b in batches(self.db, number, backwards=True)
            if b.action == "create" and b.entity in self.catalog.entities
        ]
        for entity in reversed(self.catalog.entities.values()):
            for batch in known:
                if batch.entity == entity.name:
                    self._remove_batch(entity, batch)

    def _remove_batch(self, entity: Entity, batch: Batch) -> None:
        rows = self.tables.rows(entity)
        current = rows.by_id(batch.ids)
        there = [
            (place, identity) for place, identity in enumerate(batch.ids) if identity in current
        ]
        whole = [whole_row(entity, current[identity]) for _, identity in there]
        good: dict[int, Row] = {}
        records: dict[int, int] = {}
        now, then = (array("I", text) for text in (prints(entity, whole), batch.prints))
        for number, ((place, identity), row) in enumerate(zip(there, whole, strict=True)):
            records[identity] = batch.records[place]
            if (now[number], now[number + len(whole)]) == (
                then[place],
                then[place + len(batch.ids)],
            ):
                good[identity] = row
            else:
                self._count(entity, "skipped")
                self._keep(
                    entity,
                    row,
                    "",
                    "was changed after the import",
                    batch.file,
                    batch.records[place],
                )
        for identity, by in self._referred(entity, set(good)).items():
            self._count(entity, "skipped")
            self._keep(
                entity,
                good.pop(identity),
                "",
                f"is referred to by {by}",
                batch.file,
                records[identity],
            )
        for _ in range(len(batch.ids) - len(there)):
            self._count(entity, "unchanged")
        gone = [
            Change(
                "delete",
                entity.name,
                records[i],
                i,
                {},
                dict(zip(entity.columns, row, strict=True)),
            )
            for i, row in good.items()
        ]
        cut_own_links(self.db, entity, good.keys())
        self._write(Changes(entity, entity.columns, deletes=gone), rows=good, file=batch.file)

    def _referred(self, entity: Entity, ids: set[int]) -> dict[int, str]:
        """Return {id: by what} for the rows other rows, which stay, refer to."""
        found: dict[int, str] = {}
        for other in self.catalog.entities.values():
            for column, reference in other.references.items():
                if reference.target != entity.name or not ids:
                    continue
                users = [
                    (user, target) for user, target in self.tables.rows(other).slim([column], ids)
                ]
                more = True
                while more:
                    more = False
                    for user, target in users:
                        if (
                            target not in found
                            and target in ids
                            and (other is not entity or user not in ids or user in found)
                        ):
                            found[target], more = (
                                f"{other.name} {other.primary} {user} ({column})",
                                True,
                            )
        return found

    # -- writing
    def _write(
        self,
        changes: Changes,
        *,
        rows: Mapping[int, Row] | None = None,
        file: str = "",
        before: Changes | None = None,
    ) -> None:
        """Write a batch, `before` first and unsaid; of what the database refuses, unique values wait for each other, the rest is kept and named."""
        size = len(changes.rows) + len(changes.updates) + len(changes.deletes)
        if not size or self.journal is None:
            return
        entity = changes.entity
        try:
            with savepoint(self.db):
                if before is not None:
                    self.hook(db=self.db, entity=entity, changes=before)
                self._insert(changes)
                self.journal.created(entity, file, changes.rows, changes.numbers)
                self.journal.updated(file, changes.updates)
                self.journal.deleted(
                    entity, [(rows or {})[change.id or 0] for change in changes.deletes]
                )
        except (exc.IntegrityError, exc.DataError) as error:
            if size > 1:
                for half in halved(changes):
                    self._write(half, rows=rows, file=file)
                return
            if changes.updates and before is None:
                self.delayed.append(
                    (file, changes.updates[0], (rows or {})[row_id(changes.updates[0])])
                )
                return
            self._count(entity, "skipped")
            reason = " ".join(str(error.orig).split("\n")[0].split())
            row = (
                changes.rows[0]
                if changes.rows
                else (rows or {}).get((changes.updates or changes.deletes)[0].id or 0)
            )
            record = (changes.updates or changes.deletes)[0].record if not changes.rows else None
            self._keep(
                entity, row, "", f"the database refuses to take it back ({reason})", file, record
            )
            return
        self._count(entity, "created", len(changes.rows)) if changes.rows else None
        self._count(entity, "updated", len(changes.updates)) if changes.updates else None
        self._count(entity, "deleted", len(changes.deletes)) if changes.deletes else None
        if changes.rows:
            self.grown.add(entity.name)
        self.shown += islice(changes, max(0, MOST_SHOWN - len(self.shown)))

    def _insert(self, changes: Changes) -> None:
        """Write a batch; new rows that refer to each other are written first and linked then."""
        entity = changes.entity
        own = [
            c
            for c, reference in entity.references.items()
            if reference.target == entity.name and reference.nullable
        ]
        places = {changes.columns.index(column): column for column in own} if changes.rows else {}
        if not places:
            self.hook(db=self.db, entity=entity, changes=changes)
            return
        primary = changes.columns.index(entity.primary)
        bare = [
            tuple([None if place in places else cell for place, cell in enumerate(row)])
            for row in changes.rows
        ]
        self.hook(
            db=self.db,
            entity=entity,
            changes=Changes(entity, changes.columns, bare, changes.numbers),
        )
        links = [
            Change(
                "update",
                entity.name,
                0,
                row[primary],
                {column: row[place] for place, column in places.items()},
            )
            for row in changes.rows
        ]
        self.hook(
            db=self.db, entity=entity, changes=Changes(entity, changes.columns, updates=links)
        )


def row_id(change: Change) -> int:
    return change.id or 0


def wire(entity: Entity, column: str, value: Any) -> Any:
    """Return a value of the journal as a wire value: numbers come as decimal.Decimal out of its JSON."""
    kind = entity.kinds.get(column)
    return (
        kind.from_python(value)
        if isinstance(kind, Decimal) and isinstance(value, decimal.Decimal)
        else without_decimals(value)
    )


def _same(now: Any, then: Any) -> bool:
    """Tell whether a row has the value the journal names; SQLite keeps a decimal of many digits as the double next to it."""
    numbers = (int, float, decimal.Decimal)
    return bool(
        now == then
        or (isinstance(now, numbers) and isinstance(then, numbers) and float(now) == float(then))
    )


def _instant(text: Any) -> str:
    return str(text or "").removesuffix("Z").removesuffix(".000000")
