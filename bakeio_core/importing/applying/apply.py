"""The only writer: carry out a plan batch by batch, inside one savepoint of the caller."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import exc

from bakeio_core.catalog.entities.columns import DefaultFailed
from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.database.connect import savepoint, streaming, translated
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.stored.referrers import Referrers
from bakeio_core.database.systems.refusals.constraints import (
    check_deferred,
    deferred_constraints,
    refuse_deferred,
)
from bakeio_core.database.writing import NotTaken, halved
from bakeio_core.history.changing_hands import Turns
from bakeio_core.history.journal.journal import Journal
from bakeio_core.history.reports.report import ImportRefused
from bakeio_core.history.tables import has_journal, make_own_tables
from bakeio_core.history.telling.stored import StoredOtherwise, Triggers, tell_stored
from bakeio_core.importing.applying.late_keys import LateKeys
from bakeio_core.importing.applying.parents import ParentRows
from bakeio_core.importing.applying.reasons import Failure, lost_by_others
from bakeio_core.importing.applying.refusals import Refusals
from bakeio_core.importing.applying.remembering.entering import enter, finish
from bakeio_core.importing.applying.swaps import Swaps
from bakeio_core.importing.planning.import_plan import ImportPlan
from bakeio_core.importing.planning.plan import PartPlan
from bakeio_core.importing.reading.sources import Part, Source

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog
    from bakeio_core.importing.applying.replace import Replacement


class Write(Protocol):
    """Writes a batch: called with db, entity and changes, as the hook `bakeio_import_records` is.

    `is_alone` tells that no plugin writes itself, or stands between.
    """

    is_alone: bool

    def __call__(self, **arguments: Any) -> Any: ...


def lock_tables(db: Connection, catalog: Catalog, source: Source) -> None:
    """Keep other writers off what an import writes, before anything is read that it stands on.

    In the order of the catalog, the same for every import, so that two never wait for each other.
    """
    dialect_of(db).lock(db, [entity.table for entity in _written(catalog, source)])


def _written(catalog: Catalog, source: Source) -> list[Entity]:
    """Return the entities an import may write: those of its parts, and what they refer to."""
    written = {part.entity.name for part in source.parts}
    # those that refer come before those referred to
    for name, entity in reversed(catalog.entities.items()):
        if name in written:
            written |= set(catalog.referred(entity))
    return [entity for name, entity in catalog.entities.items() if name in written]


class Application:
    """Apply one plan: `run` writes everything, or raises ImportRefused with nothing written.

    `journal` is that of the run, None where it is not recorded.

    Args:
        plan: The plan, made to be written.
        write: Writes a batch.
        is_journaled: Whether the run and what it does are recorded.
        replacement: Where rows are replaced, what deletes those the set does not have.
    """

    def __init__(
        self,
        plan: ImportPlan,
        write: Write,
        *,
        is_journaled: bool = True,
        replacement: Replacement | None = None,
    ) -> None:
        self.plan, self.state, self.outcome = plan, plan.state, plan.outcome
        self.db, self.catalog = plan.state.db, plan.state.catalog
        self.write, self.is_journaled, self.replacement = write, is_journaled, replacement
        self.journal: Journal | None = None
        self._late_keys = LateKeys(self.catalog.entities)
        self._triggers = Triggers(self.db)
        self._parents = ParentRows(plan, write)
        self._referrers = Referrers(self.db, self.catalog)
        self._refusals = Refusals(plan, write)
        self._deferred: dict[str, list[str]] = {}

    def run(
        self,
        *,
        dry_run: bool = False,
        expected: bytes | None = None,
        before_commit: Callable[[], None] | None = None,
    ) -> None:
        """Write all parts inside a savepoint; a dry run takes it back at the end.

        Args:
            dry_run: Take everything back at the end.
            expected: The digest of the outcome that was shown.
            before_commit: Called while everything is written, so that a dry run can tell of it
                what the real one does.

        Raises:
            ImportRefused: It must not be done, or (`changed-meanwhile`) the outcome is another
                than was shown.
        """
        dialect, source = dialect_of(self.db), self.plan.source
        with translated(), savepoint(self.db) as point, streaming(), dialect.much_work(self.db):
            if self.is_journaled:
                if not has_journal(self.db):
                    make_own_tables(self.db)
                mode, now = self.plan.options.mode, self.state.now
                self.journal = Journal.start(
                    self.db,
                    source.name,
                    mode,
                    now,
                    export_id=source.export_id,
                    path=source.path,
                    keeps_contents=source.kind != "set",  # whose rows are known by their uuids
                )
            for entity in _written(self.catalog, source):
                made = sorted(entity.filled.made_on_writing)
                if made:
                    dialect.hold_sequences(self.db, entity.table, made)
            if self.replacement is not None:
                self.replacement.prepare(self.journal)
            for part in source.parts:
                self._write_part(part)
            for part, changes in self.plan.late_changes():
                self._write(part, changes)
            for part, changes in self._late_keys.take():
                self._write(part, changes)
            if self.replacement is not None and not self.plan.refusal:
                self.replacement.delete(self.write)
            self._delete_unneeded_parents()
            self._refusals.refuse_dangling()
            refuse_deferred(dialect, self.db)
            if before_commit is not None:
                before_commit()
            self._refuse(expected)
            if self.journal is not None:
                may_delete = self.replacement is not None
                finish(self.journal, self.plan, self._parents.written, may_delete)
            if dry_run:
                point.rollback()
                return
            self._advance_ids()

    def _refuse(self, expected: bytes | None) -> None:
        refusal = self.plan.refusal
        if not refusal and self._refusals.is_in_use:
            refusal = "records refer to one that cannot be imported: nothing was written"
        if refusal:
            problems = sorted(self.outcome.problems, key=lambda p: p.severity != "error")
            raise ImportRefused(refusal, problems=problems)
        if expected is not None and self.plan.digest() != expected:
            raise ImportRefused(
                "the database changed after the import was planned, and the outcome would be "
                "another one: plan it again",
                code="changed-meanwhile",
            )

    # -- a part
    def _write_part(self, part: Part) -> None:
        plan = self.plan.part(part)
        self._refusals.claims[part.file] = plan.claims
        dialect, entity = dialect_of(self.db), part.entity
        self._deferred[entity.name] = deferred_constraints(dialect, self.db, entity.table)
        self._load(part, plan)
        swaps = Swaps(self.state.tables, entity)
        for changes in plan.changes():
            self._parents.write(part, changes)
            self._leave_known(part, changes)
            swaps.hold_back(changes)
            self._write(part, changes)
            self._write(part, swaps.free())
        if (turns := swaps.take()).batches:
            self._swap(part, turns)
        self._write(part, swaps.free())
        plan.outcome.report_computed()

    def _load(self, part: Part, plan: PartPlan) -> None:
        """Fill an empty table with new rows; indexes that may be are built once it is full."""
        batches = plan.loaded()
        first = next(batches, None)
        if first is None:
            return
        dialect, bulk, table = dialect_of(self.db), plan.bulk, part.entity.table
        # what else writes may make equal what is not, or need to find rows by their keys
        is_alone = self.write.is_alone and not dialect.has_triggers(self.db, table)
        with dialect.loading(self.db, table, bulk.distinct if is_alone else ()) as build_unique:
            for changes in chain([first], batches):
                if not bulk.distinct:
                    build_unique()
                if self._refused(part, changes) is not None:
                    build_unique()  # what is planned with care is looked up by its keys
                    careful = plan.with_care()
                    self._parents.write(part, careful)
                    self._write(part, careful)

    def _write(self, part: Part, changes: Changes) -> None:
        """Write a batch; where it is refused, its halves, down to the guilty record."""
        size = len(changes.rows) + len(changes.updates) + len(changes.deletes)
        refused = self._refused(part, changes) if size else None
        if refused is None:
            return
        if size == 1:
            change = next(iter(changes))
            why = self._refusals.explain(part, change, refused)
            if self._late_keys.is_of_new_row(change):
                self._refusals.take_back(part, change)
                change = replace(change, action="create")
            self._refusals.report(part, change, why)
            return
        for half in halved(changes):
            self._write(part, half)

    def _refused(self, part: Part, changes: Changes) -> Failure | None:
        """Write a batch whole; return what refuses it, None where it was written."""
        now = self._late_keys.without(changes)
        try:
            with savepoint(self.db):
                others = self._put(part, now)
                deferred = self._deferred[changes.entity.name]
                if deferred:  # now, while it can be told which record it is
                    check_deferred(dialect_of(self.db), self.db, deferred)
        except exc.DBAPIError as error:
            if dialect_of(self.db).is_refusal(error):
                return error
            raise
        except (DefaultFailed, NotTaken) as failed:
            return failed
        self._late_keys.hold(part, changes, now)
        self._tell_stored(part, others)
        return None

    def _put(
        self, part: Part, changes: Changes, turns: Sequence[Changes] = ()
    ) -> list[StoredOtherwise]:
        """Write a batch and enter what is stored then; return what of it is other than written.

        Args:
            part: Whose batch.
            changes: The batch.
            turns: What to write one after the other in its place.
        """
        before = self._triggers.before(changes)
        for batch in turns or (changes,):
            self.write(db=self.db, entity=changes.entity, changes=batch)
        stored, others = self._triggers.stored(changes, before)
        self._enter(part, stored)
        return others

    def _tell_stored(self, part: Part, others: list[StoredOtherwise]) -> None:
        tell_stored(self.outcome.problems, part.entity, others, part.file, part.fields.own)

    def _enter(self, part: Part, changes: Changes) -> None:
        if self.journal is not None:
            enter(self.journal, self.plan, part, changes)

    def _leave_known(self, part: Part, changes: Changes) -> None:
        """Leave out changes by which rows of others would lose theirs."""
        lost = lost_by_others(self._referrers, part.entity, changes)
        for change, why in lost:
            self._refusals.report(part, change, why)
        gone = {change.id for change, _ in lost}
        changes.updates = [change for change in changes.updates if change.id not in gone]
        changes.deletes = [change for change in changes.deletes if change.id not in gone]

    def _swap(self, part: Part, turns: Turns) -> None:
        """Write what was kept back, in turn."""
        with contextlib.suppress(exc.IntegrityError, exc.DataError, NotTaken), savepoint(self.db):
            self._tell_stored(part, self._put(part, turns.whole, turns.batches))
            return
        self._write(part, turns.whole)

    # -- at the end
    def _delete_unneeded_parents(self) -> None:
        """Delete the rows created for records which then could not be imported."""
        for parent in self.plan.parents.take_unneeded():
            gone = [Change("delete", parent.entity.name, 0, parent.id)]
            changes = Changes(parent.entity, parent.entity.columns, deletes=gone)
            self.write(db=self.db, entity=parent.entity, changes=changes)

    def _advance_ids(self) -> None:
        counts = self.outcome.counts
        grown = {part.entity.name for part in self.plan.source.parts}
        grown = {name for name in grown if counts[name]["created"]} | self._parents.written.keys()
        for name in grown:
            entity = self.catalog.entities[name]
            if entity.surrogate:
                dialect_of(self.db).advance_ids(self.db, entity.table, entity.surrogate)
