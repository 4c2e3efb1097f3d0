"""Plan the records of one part batch by batch: match, link, merge or create, in that order.

What is easy is decided in bulk first (`bulk`). A set's part and a view's part differ in a few
answers only (`set_part`, `view_part`); everything else is put together here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from bakeio_core.catalog.entities.model import RowId
from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.catalog.fields import FileField
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import Problem
from bakeio_core.files.documents.blocks import Block
from bakeio_core.importing.bulk.part import BulkPart, Decided
from bakeio_core.importing.bulk.step import Bulk
from bakeio_core.importing.linking.claims import PartOutcome
from bakeio_core.importing.linking.created.parents import CreatedParents, PlanParent
from bakeio_core.importing.linking.drafts import Draft, LinkError
from bakeio_core.importing.linking.later.deferred import DeferredLinks
from bakeio_core.importing.linking.link import Linker, Names
from bakeio_core.importing.linking.polymorphic import PolymorphicIds
from bakeio_core.importing.linking.read_only import ReadOnlyFields
from bakeio_core.importing.linking.references import References
from bakeio_core.importing.matching.agreeing import Agreement
from bakeio_core.importing.matching.match import Matcher
from bakeio_core.importing.planning.create import NewRows
from bakeio_core.importing.planning.list_rows import ListRows, deletes
from bakeio_core.importing.planning.merge import FieldMerge, Rules
from bakeio_core.importing.planning.noticing.noticed import Noticed
from bakeio_core.importing.planning.questions import MergedRecords, RecordQuestions
from bakeio_core.importing.reading.decided_records import DecidedRecords
from bakeio_core.importing.reading.records.reader import Reader, Record
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState


class PartKind(Protocol):
    """What is answered differently for a set's part and a view's part.

    `rules` and `fields` are what a merge goes by, `two_way` counts records without a base.
    `fits` tells whether a record may speak of a row; `accepted` prepares new records and returns
    those that are good; `found_equal` notes that a record says nothing new of its row; `moved`
    notes where a row of the file ended up; `notes` says at the end what was noticed.
    """

    two_way: int

    @property
    def rules(self) -> Rules: ...
    @property
    def fields(self) -> list[FileField]: ...
    @property
    def typed_mostly_known(self) -> bool: ...

    def fits(self, draft: Draft, row: Row, names: Names) -> bool: ...
    def accepted(self, drafts: Sequence[Draft]) -> list[Draft]: ...
    def found_equal(self, draft: Draft) -> None: ...
    def moved(self, draft: Draft, row: Row) -> None: ...
    def notes(self, reader: Reader) -> Iterator[Problem]: ...


class PartPlan:
    """Plan the records of one part.

    Args:
        state: The import.
        part: The part.
        linker: Links references.
        parents: The rows decisions create.
        kind: Makes what differs for sets and views, of this plan.
        plan_parent: Plans a row that a decision creates.
        is_decided: Whether the records are rows that a decision creates.
    """

    def __init__(
        self,
        state: ImportState,
        part: Part,
        linker: Linker,
        parents: CreatedParents,
        kind: Any,
        plan_parent: PlanParent,
        *,
        is_decided: bool = False,
    ) -> None:
        self.state, self.part, self.entity = state, part, part.entity
        self.linker, self.parents = linker, parents
        self.rows = state.tables.rows(part.entity)
        self.outcome = PartOutcome(state, part, parents, is_decided=is_decided)
        self.claims = self.outcome.claims
        known = () if is_decided else state.decisions.of_records(self.entity.name)
        self.decided = DecidedRecords(part.fields, known)
        self.reader = Reader(part, self.outcome.problems, self.decided)
        self.polymorphic = PolymorphicIds(state, part, linker)
        self.list_rows = ListRows(state, part, self.outcome)
        self.read_only = ReadOnlyFields(state, part)
        self.matcher = Matcher(state, part, linker, self.claims, self.read_only)
        self.references = References(state, part, linker, parents, self.outcome, plan_parent)
        self.deferred = DeferredLinks(self.references)
        self.new_rows = NewRows(state, part, self.outcome, self.references, self.deferred, parents)
        self.kind: PartKind = kind(self)
        self.noticed = Noticed(state, part, self.outcome, self.decided)
        self.agreement = Agreement(state, part, self.decided)
        self.merge = FieldMerge(
            state, part, linker, self.references, self.deferred, self.kind.rules, self.kind.fields
        )
        self.questions = RecordQuestions(state, part, linker, self.outcome)
        common = (self.references, self.deferred, parents)
        self.merged = MergedRecords(state, self.outcome, *common, self.questions)
        self.bulk = Bulk(BulkPart(state, part, linker, self.claims, self.reader, self.read_only))
        self._sha = hashlib.sha256()
        self._blocks = part.document.blocks(self._sha.update)
        self._waiting_block: tuple[Block, list[Any] | None] | None = None
        self._loaded: tuple[Block, int] | None = None
        self._careful: Changes | None = None

    # -- the batches
    def loaded(self) -> Iterator[Changes]:
        """Yield batches of new rows while an empty table fills with nothing else.

        The consumer writes each before it asks for the next; where the database refuses one, it
        takes `with_care` instead. `changes` goes on where this ends.
        """
        is_filling = self.rows.was_empty and self.part.view is None and not self.decided
        if not is_filling or self.state.is_planning:
            return
        for block in self._blocks:
            records = self._typed(block)
            decided = None if records is None else self.bulk.load(block, records)
            if records is None or decided is None:
                self._waiting_block = (block, records)
                return
            self.reader.accept(len(records))
            self._loaded = (block, len(records))
            del records  # the next block need not wait in memory beside it
            batch = self._batch(decided)
            self.noticed.states.look(batch)
            yield batch
            self._loaded = None
            if self._careful is None:
                self._count_created(decided)
                self._forget_batch(decided.rows)
            else:  # the batch was refused, and this is what was written in its place
                self._forget_batch(self._careful.rows)
                self._careful = None
            del decided, batch

    def with_care(self) -> Changes:
        """Plan the records of the last batch that `loaded` gave with care instead."""
        if self._loaded is None:
            raise RuntimeError("no batch was loaded that could be planned with care")
        block, count = self._loaded
        self.reader.accept(-count)
        self._careful = self._plan(self.reader.read(block))
        return self._careful

    def changes(self) -> Iterator[Changes]:
        """Yield the batches of the part; each is to be written before the next is asked for."""
        if self._waiting_block is not None:
            yield from self._handed_over(self._plan_block(*self._waiting_block))
        for block in self._blocks:
            yield from self._handed_over(self._plan_block(block, self._typed(block)))
        last = Changes(self.entity, self.entity.columns)
        self.deferred.finish(last)
        if last.updates:
            yield from self._handed_over(last)
        self._finish()

    def _typed(self, block: Block) -> list[Any] | None:
        records = self.reader.typed(block, mostly_known=self.kind.typed_mostly_known)
        is_filling = self.rows.was_empty and not self.kind.typed_mostly_known
        return self.reader.typed_from_dicts(block) if records is None and is_filling else records

    def _finish(self) -> None:
        name, total = self.entity.name, self.reader.total
        self.outcome.counts["processed"] += total
        self.bulk.forget()
        if self.rows.was_empty:
            self.state.fully_imported.add(name)
        for problem in _remarks(self, self._sha.hexdigest()):
            self.state.problems.add(problem)
        self.state.outcome.used |= self.decided.used
        if self.state.options.mode == "replace":
            self.state.outcome.claimed[name] = set(self.claims.record_of)

    def _batch(self, decided: Decided) -> Changes:
        return Changes(self.entity, self.entity.columns, decided.rows, decided.numbers)

    def _handed_over(self, batch: Changes) -> Iterator[Changes]:
        rows = batch.rows
        self.noticed.look(batch)
        yield batch
        self._forget_batch(rows)

    def _forget_batch(self, rows: Iterable[Row]) -> None:
        """What was handed over is written now, if anything is; then it need not be remembered."""
        self.outcome.batch_changes.clear()
        if not self.state.is_planning:
            self.rows.written(list(rows))

    # -- one block
    def _plan_block(self, block: Block, records: list[Any] | None) -> Changes:
        if records is None:
            return self._plan(self.reader.read_dicts(block))
        self.reader.accept(len(records))
        apart = self.reader.decided_of(enumerate(records, block.first))
        decided = self.bulk.decide(block, records, apart)
        is_skipping = self.state.options.mode == "skip-existing"
        self.outcome.counts["skipped" if is_skipping else "unchanged"] += decided.unchanged
        batch = self._batch(decided)
        for change in decided.updates if self.bulk.has_revision else ():
            change.base = change.old  # what differs from that wants care
        self.outcome.count_updates(decided.updates, batch)
        if not self.bulk.has_revision:
            self.kind.two_way += decided.unchanged + len(decided.updates)
        if decided.rows:
            self.outcome.batch_changes.update(
                (row[self.rows.id_index], row) for row in decided.rows
            )
            self._count_created(decided)
            self.rows.pending.add(decided.rows)
        return self._plan(self.reader.records_of(block, decided.rest), batch)

    def _count_created(self, decided: Decided) -> None:
        ids = [row[self.rows.id_index] for row in decided.rows]
        self.claims.create(ids, decided.numbers)
        self.outcome.count_created(decided.rows, decided.numbers)
        for row in decided.rows if self.parents else ():
            self.parents.need(self.entity, dict(zip(self.entity.columns, row, strict=True)))

    # -- with care
    def _plan(self, records: Sequence[Record], batch: Changes | None = None) -> Changes:
        batch = Changes(self.entity, self.entity.columns) if batch is None else batch
        drafts = [Draft.of(record) for record in records if not record.bad]
        self.polymorphic.translate(drafts)
        self.outcome.counts["errors"] += len(records) - len(drafts)
        bad = [(record, Draft.of(record)) for record in records if record.bad]
        for record, draft in bad:
            self.outcome.note_failed(draft.values)
            self.questions.ask_of_unread(record, draft)
        _report_links_of(self, [draft for _, draft in bad])
        drafts = self.list_rows.link(drafts, batch)
        planned = self._without_left_out(drafts)
        self._plan_drafts(planned, batch)
        while self.deferred.waiting:
            # records that must name a row of their own entity wait until that row is planned
            waiting, self.deferred.waiting = self.deferred.waiting, []
            self._plan_new(waiting, batch)
            if len(self.deferred.waiting) == len(waiting):
                break
        self.outcome.take_out_withdrawn(batch)
        self.list_rows.note(drafts)
        return batch

    def _without_left_out(self, drafts: list[Draft]) -> list[Draft]:
        """Leave out records that somebody does not want; the rows they mean stay as they are."""
        out = [draft for draft in drafts if draft.is_left_out]
        self.matcher.match_known(out)
        for draft in out:
            self.outcome.leave_out(draft)
            if draft.row is not None:
                self.kind.moved(draft, draft.row)
        return [draft for draft in drafts if not draft.is_left_out] if out else drafts

    def _plan_drafts(self, drafts: Sequence[Draft], batch: Changes) -> None:
        self.matcher.match_known(drafts)
        known = [draft for draft in drafts if draft.row is not None]
        names = self.linker.names_of(self.part.fields, [d.row for d in known if d.row is not None])
        self.read_only.compare(known)
        self.references.link_edited(known, names)
        for draft in drafts:
            if self.list_rows.gone(draft):
                self.outcome.counts["unchanged"] += 1
            elif draft.fault is not None:
                self._report_fault(draft, draft.fault)
            elif draft.row is not None:
                self._merge(draft, draft.row, names, batch)
        new = [draft for draft in drafts if draft.row is None and draft.fault is None]
        if new:
            self._plan_new(self.kind.accepted(new), batch)

    def _plan_new(self, drafts: Sequence[Draft], batch: Changes) -> None:
        """Plan records that no key of their own names a row for."""
        for draft in drafts:
            self.references.name(draft)
        self.references.link(drafts)
        found = self.matcher.look_up(drafts)
        taken = self.new_rows.taken_ids(list(drafts))
        for draft in drafts:
            if draft.decided is not None and draft.decided.row is not None:
                self.questions.take_decided_row(draft, draft.decided.row)
            else:
                self.matcher.match_new(draft, found)
            if draft.row is None and draft.fault is None:
                draft.fault = self.matcher.doubt_of_new(draft, taken)
            if draft.fault is not None:
                self._report_fault(draft, draft.fault)
            elif draft.row is None:
                self._create(draft, taken, batch)
            elif draft.was_imported:
                _take_as_imported(self, draft, draft.row, batch)
            else:
                self.read_only.compare([draft])
                names = self.linker.names_of(self.part.fields, [draft.row])
                self._merge(draft, draft.row, names, batch)

    def _report_fault(self, draft: Draft, fault: LinkError) -> None:
        self.outcome.error(draft, fault.code, fault.field, None, fault.message, fault.cause)

    def _create(self, draft: Draft, taken: set[RowId], batch: Changes) -> None:
        if self.list_rows.refuses(draft) or not self.references.settle(draft):
            return
        if self.state.options.mode == "update-only":
            why = "is not in the database"
            skip = Change("skip", self.entity.name, draft.number, reason=why)
            self.outcome.count("skipped", skip, batch)
            return
        draft.empty(self.part, self.kind.rules.cleared(draft) or ())
        self.new_rows.create(draft, taken, batch)
        if draft.row is not None:
            self.kind.moved(draft, draft.row)
            self.questions.settle(draft, self.questions.left_of_new(draft))

    def _merge(self, draft: Draft, row: Row, names: Names, batch: Changes) -> None:
        identity = row[self.rows.id_index]
        is_chosen = draft.decided is not None and draft.decided.row is not None
        if not is_chosen and not self.kind.fits(draft, row, names):
            return
        if identity in self.claims:
            self.outcome.duplicate(draft, identity)
            return
        self.claims.claim([identity], [draft.number])
        self.kind.moved(draft, row)
        if self.state.options.mode == "skip-existing":
            reason = "exists already"
            skip = Change("skip", self.entity.name, draft.number, identity, reason=reason)
            self.outcome.count("skipped", skip, batch)
            return
        self.outcome.note_computed(draft, identity)
        if deletes(draft):
            self.list_rows.delete(draft, row, self.merge.changed_here(draft, row, names), batch)
            self.questions.settle(draft, ())
            return
        merged = self.merge.merge(draft, row, names)
        if merged is not None:
            self.noticed.states.compare(draft, row, is_changed=bool(merged.new))
            left = self.questions.left_of_known(draft, row, names)
            if not self.merged.conclude(draft, row, merged, left, batch):
                self.kind.found_equal(draft)


def _remarks(plan: PartPlan, sha256: str) -> Iterator[Problem]:
    """Yield what is said at the end of a part."""
    yield from plan.state.source.finish(plan.part, sha256, plan.reader.total)
    yield from plan.reader.known.problems()
    yield from plan.kind.notes(plan.reader)
    yield from plan.agreement.settle(plan.claims)


def _report_links_of(plan: PartPlan, drafts: Sequence[Draft]) -> None:
    """Report what records that cannot be imported refer to in vain: one pass tells all."""
    if not drafts:
        return
    plan.matcher.match_known(drafts)
    rows = [draft.row for draft in drafts if draft.row is not None]
    names = plan.linker.names_of(plan.part.fields, rows)
    plan.state.rows_of_records(plan.part).failed.update(draft.number for draft in drafts)
    for draft in drafts:
        if draft.fault is not None:
            fault = draft.fault
            plan.outcome.report(draft, fault.code, fault.field, None, fault.message)
        else:
            plan.references.report_links(draft, names)


def _take_as_imported(plan: PartPlan, draft: Draft, row: Row, batch: Changes) -> None:
    """Take a record of an earlier import, whose row was changed since, for that row."""
    identity = row[plan.rows.id_index]
    if identity in plan.claims:
        plan.outcome.duplicate(draft, identity)
    elif plan.references.settle(draft):
        plan.claims.claim([identity], [draft.number])
        message = (
            "was imported from this file before, and its row was changed since: it is treated "
            "as existing (--allow-duplicates adds it)"
        )
        plan.outcome.report(draft, "duplicate-key", "", None, message, "note")
        reason = "exists already"
        there = Change("unchanged", plan.entity.name, draft.number, identity, reason=reason)
        plan.outcome.count("unchanged", there, batch)
