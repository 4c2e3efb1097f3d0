"""The only writer: carry out what the planner says, batch by batch, inside one savepoint of the caller's transaction."""

from __future__ import annotations

import contextlib
import uuid as uuids
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import exc

from bakeio_core import ledger
from bakeio_core.changes import Change, Changes
from bakeio_core.database import ensure_begun, savepoint, streaming, translated
from bakeio_core.dialects import dialect_of
from bakeio_core.errors import ImportRefused, Problem, counted
from bakeio_core.hookspecs import hookimpl
from bakeio_core.loading import Doubt, Loader
from bakeio_core.model import Entity
from bakeio_core.plan import Planner
from bakeio_core.sources import Part

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Application", "bakeio_import_records"]


@hookimpl(trylast=True)
def bakeio_import_records(db: Connection, entity: Entity, changes: Changes) -> int:
    """Insert the batch's new rows in one go and update the others, grouped by the columns that change."""
    dialect = dialect_of(db)
    rows, kinds = changes.rows, [entity.kinds[column] for column in changes.columns]
    if changes.text is not None:
        dialect.insert_text(db, entity.table, changes.columns, changes.text)
    else:
        dialect.insert(db, entity.table, changes.columns, kinds, _bound(dialect, entity, changes.columns, list(rows)))
    groups: dict[tuple[str, ...], list[Change]] = {}
    for change in changes.updates:
        if change.new:
            groups.setdefault(tuple(change.new), []).append(change)
    primary = dialect.quote(entity.primary)
    for columns, group in groups.items():
        sets = ", ".join(f"{dialect.quote(column)} = {dialect.write(entity.kinds[column])}" for column in columns)
        values = _bound(dialect, entity, columns, [tuple(change.new.values()) for change in group])
        sql = f"UPDATE {dialect.format_table(entity.table)} SET {sets} WHERE {primary} = {dialect.mark}"
        dialect.executemany(db, sql, [(*row, change.id) for row, change in zip(values, group, strict=True)])
    return len(rows) + sum(map(len, groups.values()))


def _bound(dialect: Any, entity: Entity, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    makers = [(place, make) for place, c in enumerate(columns) if (make := dialect.bind(entity.kinds[c], entity.table.c[c]))]
    if not makers or not rows:
        return rows
    out = []
    for row in rows:
        cells = list(row)
        for place, make in makers:
            cells[place] = None if cells[place] is None else make(cells[place])
        out.append(tuple(cells))
    return out


class Application:
    """Apply one plan: `run()` writes everything and returns, or raises ImportRefused with nothing written.

    `hook` is the caller of `bakeio_import_records`; `journal`: whether the run and the fields it sets are recorded (`run_number`).
    """

    def __init__(self, planner: Planner, hook: Any, journal: bool = True) -> None:
        self.planner, self.db, self.hook, self.journal = planner, planner.db, hook, journal
        self.delayed: list[Change] = []
        self.run_number: int | None = None
        self.parents: set[str] = set()

    def run(self, *, dry_run: bool = False, expected: bytes | None = None) -> None:
        """Write all parts inside a savepoint; a dry run takes it back at the end.

        expected: the digest of the updates and conflicts that were shown; others are `changed-meanwhile`.
        """
        dialect, planner = ensure_begun(self.db), self.planner
        with translated(), savepoint(self.db) as point, streaming(), dialect.much_work(self.db):
            written = [part.entity for part in planner.source.parts]
            written += [planner.catalog.entities[name] for entity in written for name in planner.catalog.dependencies(entity)]
            dialect.lock(self.db, [entity.table for entity in dict.fromkeys(written)])
            if self.journal:
                source = planner.source
                self.run_number = ledger.start_run(self.db, source.name, planner.options.mode, source.export_id, planner.now)
            for part in planner.source.parts:
                self._part(part)
            refused = refusal(planner)
            if refused:
                raise ImportRefused(refused, problems=list(planner.problems))
            if expected is not None and planner.digest.digest() != expected:
                message = "the database changed after the import was planned, and the outcome would be another one: plan it again"
                raise ImportRefused(message, code="changed-meanwhile")
            if dry_run:
                point.rollback()
                return
            if self.run_number is not None:
                ledger.finish_run(self.db, self.run_number, planner.summary)
            grown = {part.entity.name for part in planner.source.parts if planner.counts[part.entity.name]["created"]}
            for name in grown | self.parents:
                entity = planner.catalog.entities[name]
                dialect.advance_ids(self.db, entity.table, entity.primary)

    def _part(self, part: Part) -> None:
        planner = self.planner
        if Loader.suits(planner, part):
            before = Counter(planner.counts[part.entity.name])
            try:
                with savepoint(self.db), dialect_of(self.db).loading(self.db, part.entity.table):
                    for changes in Loader(planner, part).changes():
                        self.hook(db=self.db, entity=part.entity, changes=changes)
                return
            except (Doubt, exc.IntegrityError, exc.DataError):
                planner.counts[part.entity.name] = before
                planner.linker.loaded.discard(part.entity.name)
                planner.linker.forget()
        for changes in planner.planner_of(part).changes():
            self._hold_back_swaps(part, changes)
            self._write(part, changes)
        if self.delayed:
            self._swap(part)

    def _write(self, part: Part, changes: Changes) -> None:
        """Write a batch; where the database refuses it, write its halves, down to the guilty record."""
        if not changes.rows and not changes.updates:
            return
        for parents in changes.parents:
            self.hook(db=self.db, entity=parents.entity, changes=parents)
            self.planner.linker.rows(parents.entity).written(parents.rows)
            self.parents.add(parents.entity.name)
        changes.parents = []
        try:
            with savepoint(self.db):
                self.hook(db=self.db, entity=changes.entity, changes=changes)
                if self.run_number is not None and changes.updates:
                    ledger.record_changes(self.db, self.run_number, part.file, changes.updates)
        except (exc.IntegrityError, exc.DataError) as error:
            size = len(changes.rows) + len(changes.updates)
            if size == 1:
                return self._refused(part, changes, error)
            for half in _halves(changes):
                self._write(part, half)

    def _refused(self, part: Part, changes: Changes, error: exc.DBAPIError) -> None:
        number = changes.numbers[0] if changes.rows else changes.updates[0].record
        counts = self.planner.counts[part.entity.name]
        counts["created" if changes.rows else "updated"] -= 1
        counts["errors"] += 1
        reason = " ".join(str(error.orig).split("\n")[0].split())
        message = f"the database refuses the row: {reason}"
        self.planner.problems.add(Problem(code="constraint", file=part.file, record=number, entity=part.entity.name, message=message))

    # -- unique values that change hands
    def _hold_back_swaps(self, part: Part, changes: Changes) -> None:
        """Keep back updates that take a unique value another row still has: both may be changing, so they are written at the end."""
        rows = self.planner.linker.rows(changes.entity)
        written = None if part.view is None else {part.bindings[name].column for name in part.view.names("editable")}
        for key in changes.entity.unique:
            if len(key) > 1 or (written is not None and key[0] not in written):
                continue
            taking = [change for change in changes.updates if change.new.get(key[0]) is not None]
            holders = rows.by(key, {(change.new[key[0]],) for change in taking}) if taking else {}
            for change in taking:
                if any(row[rows.id_place] != change.id for row in holders.get((change.new[key[0]],), ())):
                    changes.updates.remove(change)
                    self.delayed.append(change)

    def _swap(self, part: Part) -> None:
        entity, delayed, self.delayed = part.entity, self.delayed, []
        unique = [key[0] for key in entity.unique if len(key) == 1]
        parked = []
        for change in delayed:
            apart = {column: f"~{uuids.uuid4().hex}" for column in unique if column in change.new}
            parked.append(Change("update", entity.name, change.record, change.id, apart, {}))
        with contextlib.suppress(exc.IntegrityError, exc.DataError), savepoint(self.db):
            self.hook(db=self.db, entity=entity, changes=Changes(entity, entity.columns, updates=parked))
            self.hook(db=self.db, entity=entity, changes=Changes(entity, entity.columns, updates=delayed))
            if self.run_number is not None:
                ledger.record_changes(self.db, self.run_number, part.file, delayed)
            return
        self._write(part, Changes(entity, entity.columns, updates=delayed))


def _halves(changes: Changes) -> list[Changes]:
    if changes.rows and changes.updates:
        return [
            Changes(changes.entity, changes.columns, changes.rows, changes.numbers),
            Changes(changes.entity, changes.columns, updates=changes.updates),
        ]
    middle, several = len(changes.rows) // 2, len(changes.updates) // 2
    return [
        Changes(changes.entity, changes.columns, changes.rows[:middle], changes.numbers[:middle], changes.updates[:several]),
        Changes(changes.entity, changes.columns, changes.rows[middle:], changes.numbers[middle:], changes.updates[several:]),
    ]


def refusal(planner: Planner) -> str:
    """Return why the plan as it stands must not be committed, empty where it may."""
    source = [p for p in planner.source.problems if p.severity == "error"]
    errors = [problem for problem in planner.problems if problem.severity == "error"]
    about_records = [problem for problem in errors if problem.record is not None or problem.records]
    if source or len(about_records) < len(errors):
        return f"{planner.source.name} has problems of its own: nothing was written"
    summary = planner.summary
    if summary["conflicts"]:
        return f"{counted(summary['conflicts'], 'record')} in conflict with the database: nothing was written"
    if summary["errors"] and not planner.options.skip_errors:
        return f"{counted(summary['errors'], 'record')} cannot be imported: nothing was written"
    return ""
