"""The only writer: carry out what the planner says, batch by batch, inside one savepoint of the caller's transaction."""

from __future__ import annotations

import contextlib
import uuid as uuids
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import exc

from bakeio_core.catalog.exchange import ALIAS, EXISTING, Change, Changes
from bakeio_core.database.connect import ensure_begun, savepoint, streaming, translated
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.writing import halved
from bakeio_core.errors import ImportRefused, Problem, counted
from bakeio_core.history.aliases import Alias, learn
from bakeio_core.history.journal import Journal
from bakeio_core.importing.loading import Doubt, Loader
from bakeio_core.importing.planner import Planner, resolved
from bakeio_core.importing.replace import Replacement
from bakeio_core.importing.sources import Part, Source

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog


def lock_tables(db: Connection, catalog: Catalog, source: Source) -> None:
    """Keep other writers off what an import writes, before anything is read that its plan stands on.

    In the order of the catalog, the same for every import, so that two of them never wait for each other.
    """
    written = {part.entity.name for part in source.parts}
    for name, entity in reversed(
        catalog.entities.items()
    ):  # those that refer come before those referred to
        written |= set(catalog.dependencies(entity)) if name in written else set()
    dialect_of(db).lock(
        db, [entity.table for name, entity in catalog.entities.items() if name in written]
    )


class Application:
    """Apply one plan: `run()` writes everything and returns, or raises ImportRefused with nothing written.

    `hook` is the caller of `bakeio_import_records`; journaled: whether the run and what it does are recorded (`journal`);
    kept: where rows are replaced, the ids that stay, {entity: ids}; all others of those entities are deleted.
    """

    def __init__(
        self,
        planner: Planner,
        hook: Any,
        journaled: bool = True,
        kept: Mapping[str, set[int]] | None = None,
    ) -> None:
        self.planner, self.db, self.hook, self.journaled = planner, planner.db, hook, journaled
        self.replacement = Replacement(planner, hook, kept) if kept is not None else None
        self.delayed: list[Change] = []
        self.journal: Journal | None = None
        self.parents: dict[str, list[tuple[Any, ...]]] = {}

    def run(
        self,
        *,
        dry_run: bool = False,
        expected: bytes | None = None,
        told: Callable[[], None] | None = None,
    ) -> None:
        """Write all parts inside a savepoint; a dry run takes it back at the end.

        expected: the outcome that was shown (`Planner.outcome`); another one is `changed-meanwhile`. told: called while everything is
        written, so that a dry run can tell of it what the real one does.
        """
        dialect, planner = ensure_begun(self.db), self.planner
        with translated(), savepoint(self.db) as point, streaming(), dialect.much_work(self.db):
            if self.journaled:
                source = planner.source
                self.journal = Journal.start(
                    self.db,
                    source.name,
                    planner.options.mode,
                    planner.now,
                    export_id=source.export_id,
                )
            if self.replacement is not None:
                self.replacement.prepare(self.journal)
            for part in planner.source.parts:
                self._part(part)
            if self.replacement is not None and not refusal(planner):
                self.replacement.delete()
            self._take_back_unneeded()
            refused = refusal(planner)
            if refused:
                raise ImportRefused(refused, problems=list(planner.problems))
            if expected is not None and planner.outcome() != expected:
                message = "the database changed after the import was planned, and the outcome would be another one: plan it again"
                raise ImportRefused(message, code="changed-meanwhile")
            if told is not None:
                told()
            if dry_run:
                point.rollback()
                return
            if self.journal is not None:
                self._journal_parents(self.journal)
                gone = (
                    {"deleted": sum(map(len, self.replacement.gone.values()))}
                    if self.replacement is not None
                    else {}
                )
                self.journal.finish(
                    {**planner.summary, **gone}, planner.source.sha256, resolved(planner)
                )
                learn(self.db, self.journal.run, self._lessons(), planner.now)
            grown = {
                part.entity.name
                for part in planner.source.parts
                if planner.counts[part.entity.name]["created"]
            }
            for name in grown | self.parents.keys():
                entity = planner.catalog.entities[name]
                dialect.advance_ids(self.db, entity.table, entity.primary)

    def _take_back_unneeded(self) -> None:
        """Delete the rows that were created for records which then could not be imported."""
        for made in self.planner.unneeded():
            gone = Change("delete", made.entity.name, 0, made.id)
            self.hook(
                db=self.db,
                entity=made.entity,
                changes=Changes(made.entity, made.entity.columns, deletes=[gone]),
            )

    def _journal_parents(self, journal: Journal) -> None:
        """Enter the rows decisions created, parents of others first; they come from no record."""
        for name in sorted(self.parents, key=list(self.planner.catalog.entities).index):
            entity = self.planner.catalog.entities[name]
            place = entity.columns.index(entity.primary)
            rows = [row for row in self.parents[name] if (name, row[place]) in self.planner.parents]
            journal.created(entity, self.planner.source.name, rows, [0] * len(rows))

    def _part(self, part: Part) -> None:
        planner = self.planner
        if Loader.suits(planner, part):
            before = Counter(planner.counts[part.entity.name])
            try:
                with savepoint(self.db), dialect_of(self.db).loading(self.db, part.entity.table):
                    for changes in Loader(planner, part).changes():
                        self.hook(db=self.db, entity=part.entity, changes=changes)
                        self._enter(part.file, changes, uniform=True)
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
        for parents in changes.parents:
            self.hook(db=self.db, entity=parents.entity, changes=parents)
            self.planner.linker.rows(parents.entity).written(parents.rows)
            self.parents.setdefault(parents.entity.name, []).extend(parents.rows)
        changes.parents = []
        if not changes.rows and not changes.updates:
            return
        try:
            with savepoint(self.db):
                self.hook(db=self.db, entity=changes.entity, changes=changes)
                self._enter(part.file, changes)
        except (exc.IntegrityError, exc.DataError) as error:
            size = len(changes.rows) + len(changes.updates)
            if size == 1:
                return self._refused(part, changes, error)
            for half in halved(changes):
                self._write(part, half)

    def _enter(self, file: str, changes: Changes, *, uniform: bool = False) -> None:
        if self.journal is not None:
            self.journal.created(
                changes.entity, file, changes.rows, changes.numbers, uniform=uniform
            )
            self.journal.updated(file, changes.updates)

    def _refused(self, part: Part, changes: Changes, error: exc.DBAPIError) -> None:
        number = changes.numbers[0] if changes.rows else changes.updates[0].record
        identity = (
            changes.rows[0][changes.columns.index(part.entity.primary)]
            if changes.rows
            else changes.updates[0].id
        )
        if (part.entity.name, identity) in self.planner.contested:
            return  # told and counted already, with the record that means the same row
        counts = self.planner.counts[part.entity.name]
        counts["created" if changes.rows else "updated"] -= 1
        counts["errors"] += 1
        reason = " ".join(str(error.orig).split("\n")[0].split())
        message = f"the database refuses the row: {reason}"
        row = (
            dict(zip(changes.columns, changes.rows[0], strict=True))
            if changes.rows
            else changes.updates[0].new
        )
        for column, reference in part.entity.references.items():
            self.planner.needed(reference.target, int(row.get(column) or 0), times=-1)
        self.planner.problems.add(
            Problem(
                code="constraint",
                file=part.file,
                record=number,
                entity=part.entity.name,
                message=message,
            )
        )

    def _lessons(self) -> list[Alias]:
        """Return the keys that were mapped to a row which does not bear them, to be known the next time."""
        lessons = []
        for used in self.planner.used.values():
            missing, decision = used.missing, used.decision
            if used.id is None or decision.by in (ALIAS, "") or missing.among:
                continue
            if decision.action == EXISTING or (missing.entity, used.id) in self.planner.parents:
                rows = self.planner.linker.rows(self.planner.catalog.entities[missing.entity])
                row = rows.by_id([used.id]).get(used.id)
                if row is not None and any(
                    rows.differs(row, column, value) for column, value in missing.key.items()
                ):
                    lessons.append(Alias(missing.entity, dict(missing.key), used.id))
        return lessons

    # -- unique values that change hands
    def _hold_back_swaps(self, part: Part, changes: Changes) -> None:
        """Keep back updates that take a unique value another row still has: both may be changing, so they are written at the end."""
        rows = self.planner.linker.rows(changes.entity)
        written = (
            None
            if part.view is None
            else {part.bindings[name].column for name in part.view.names("editable")}
        )
        for key in changes.entity.unique:
            if len(key) > 1 or (written is not None and key[0] not in written):
                continue
            taking = [change for change in changes.updates if change.new.get(key[0]) is not None]
            holders = rows.by(key, {(change.new[key[0]],) for change in taking}) if taking else {}
            swapping = [
                c
                for c in taking
                if any(row[rows.id_place] != c.id for row in holders.get((c.new[key[0]],), ()))
            ]
            if swapping:
                self.delayed += swapping
                held = set(map(id, swapping))
                changes.updates = [change for change in changes.updates if id(change) not in held]

    def _swap(self, part: Part) -> None:
        entity, delayed, self.delayed = part.entity, self.delayed, []
        unique = [key[0] for key in entity.unique if len(key) == 1]
        parked = []
        for change in delayed:
            apart = {column: f"~{uuids.uuid4().hex}" for column in unique if column in change.new}
            parked.append(Change("update", entity.name, change.record, change.id, apart, {}))
        with contextlib.suppress(exc.IntegrityError, exc.DataError), savepoint(self.db):
            self.hook(
                db=self.db, entity=entity, changes=Changes(entity, entity.columns, updates=parked)
            )
            self.hook(
                db=self.db, entity=entity, changes=Changes(entity, entity.columns, updates=delayed)
            )
            self._enter(part.file, Changes(entity, entity.columns, updates=delayed))
            return
        self._write(part, Changes(entity, entity.columns, updates=delayed))


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
