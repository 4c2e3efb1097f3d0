"""Plan an import until nothing more can be decided, or carry it out, as a host asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from bakeio_core.catalog.exchange import (
    CHANGE,
    REFERENCE,
    Change,
    Decision,
    Missing,
    Progress,
    Question,
)
from bakeio_core.database.connect import streaming, translated
from bakeio_core.database.dialects import columns_there, dialect_of
from bakeio_core.errors import Problem
from bakeio_core.history.journal.journal import all_runs
from bakeio_core.history.reports.report import ImportRefused, Report
from bakeio_core.history.tables import METADATA, adopt_database_id, has_journal, will_write
from bakeio_core.history.upgrade import refuse_writing
from bakeio_core.importing.applying.apply import Application, Write, lock_tables
from bakeio_core.importing.applying.context import tell_context
from bakeio_core.importing.applying.remembering.learning import learn_from
from bakeio_core.importing.applying.remembering.origins import keep_confirmed
from bakeio_core.importing.options import ImportOptions
from bakeio_core.importing.planning.import_plan import ImportPlan
from bakeio_core.importing.reading.decided_records import record_key, told_records
from bakeio_core.importing.reading.sources import Source
from bakeio_core.resolving.decisions import Decisions, name_candidates

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog
    from bakeio_core.importing.applying.left_out.log import Skipped
    from bakeio_core.importing.applying.left_out.sheet import LogFile
    from bakeio_core.importing.applying.replace import Replacement
    from bakeio_core.resolving.candidates import Candidates

Answer = Callable[[Sequence[Question]], Iterable[Mapping[Question, Decision]]]
"""Asks whoever may know for answers to questions, one after another."""


@dataclass
class Plan:
    """Look at what an import would do before it is done.

    `report` is the report that the real import would give, `questions` what can or must be decided,
    `missing` the questions about references that name no row, `changes` the changes. Pass the plan
    to `Bakeio.apply`, which plans a second time inside its transaction, and refuses if the outcome
    is different.
    """

    source: Source
    options: ImportOptions
    decisions: Decisions
    report: Report
    questions: list[Question]
    changes: list[Change] = field(default_factory=list)
    sha256: str = ""
    digest: bytes = b""

    @property
    def missing(self) -> list[Missing]:
        """The questions about keys that name no row, or more than one."""
        return [question for question in self.questions if question.kind == REFERENCE]

    @property
    def open(self) -> list[Question]:
        """The questions that must be answered before their records can be imported."""
        return [question for question in self.questions if not question.default]

    def about(self, change: Change, field: str = "") -> Question:
        """Return the question that a decision about a change answers, such as to reject it.

        Args:
            change: One of `changes`.
            field: The field of the file; empty means the whole record.
        """
        if not change.about:
            name_records(self.source, [change])
        return Question(change.entity, change.about, field, kind=CHANGE, label=change.label)

    def preview(self) -> str:
        """Return the plan as text for a person."""
        return self.report.text()


def plan_import(
    db: Connection,
    catalog: Catalog,
    source: Source,
    options: ImportOptions,
    known: Decisions,
    answer: Answer,
    progress: Progress | None = None,
) -> Plan:
    """Plan an import again and again, until nothing is asked or nobody knows more answers.

    Args:
        db: A connection inside the caller's transaction; it is only read from.
        catalog: Every entity and view.
        source: What is imported.
        options: How.
        known: The answers known; it grows.
        answer: Asks for more.
        progress: Told how many records of an entity were planned, or rows looked through for one
            that may be meant.

    Returns:
        The plan, with the report a real import would give.
    """
    from bakeio_core.resolving.candidates import Candidates

    with translated(), streaming():
        _leave_out_missing(db, source)
        search = Candidates(db, catalog, known.aliases, progress=progress)
        while True:
            headings = _settled(db, catalog, source, known)
            plan = ImportPlan(db, catalog, source, options, known).run(progress)
            missing = _ordered(plan, search)
            asked = [*headings, *missing, *plan.outcome.asked]
            new = [known.add(answers) for answers in answer(asked)] if asked else []
            if not sum(new):
                break
        _tell_of_journal(db, plan, is_journaled=True)
        search.prepare({item.entity for item in missing})
        if options.mode == "replace":
            _replacement(plan, plan).foretell()
        report = plan.report(dry_run=True, refused=plan.refusal)
        report.questions = asked
        name_candidates(report.problems, missing)
        digest = plan.digest()
        fingerprint = source.fingerprint()
        return Plan(source, options, known, report, asked, report.changes, fingerprint, digest)


def carry_out(
    db: Connection,
    catalog: Catalog,
    source: Source,
    options: ImportOptions,
    decisions: Decisions,
    write: Write,
    *,
    dry_run: bool,
    is_journaled: bool,
    expected: bytes | None = None,
    skipped_log: LogFile | None = None,
) -> Report:
    """Import a source inside the caller's transaction: all of it, or nothing.

    Args:
        db: A connection inside the caller's transaction.
        catalog: Every entity and view.
        source: What is imported.
        options: How.
        decisions: The answers known.
        write: Writes a batch.
        dry_run: Write everything, report it, and roll back.
        is_journaled: Record the run, where the database has a journal.
        expected: The digest of the outcome that was shown.
        skipped_log: Where the records left out are written before this returns.

    Raises:
        ImportRefused: Nothing was written; the error has `report`.
    """
    with translated():
        will_write(db, catalog)
        refuse_writing(db, catalog)
        _leave_out_missing(db, source)
        headings = _settled(db, catalog, source, decisions)
        lock_tables(db, catalog, source)
        plan = ImportPlan(
            db,
            catalog,
            source,
            options,
            decisions,
            is_planning=False,
            is_compared=expected is not None,
        )
        plan.state.is_trial = dry_run
        _tell_of_journal(db, plan, is_journaled=is_journaled)
        replacement = _replacement(plan, _first(plan)) if options.mode == "replace" else None
        adopts = _adopts_identity(db, catalog, plan)
    skipped = _noting(plan) if options.skip_errors else None
    application = Application(plan, write, is_journaled=is_journaled, replacement=replacement)
    report = _applied(application, headings, dry_run=dry_run, expected=expected)
    if dry_run:
        return report
    if adopts and has_journal(db) and not plan.state.has_moved_ids:
        adopt_database_id(db, str(source.database_id))
    if application.journal is not None:
        report.run = application.journal.run
        learn_from(db, plan, report.run)
    keep_confirmed(plan.state, application.journal)
    if skipped_log is not None and skipped is not None and skipped.reasons:
        skipped.write(plan, report.problems, skipped_log)
        report.skipped_log = str(skipped_log.path)
    return report


def _noting(plan: ImportPlan) -> Skipped:
    """Return what takes note of the records that the import leaves out."""
    from bakeio_core.importing.applying.left_out.log import Skipped

    skipped = Skipped()
    plan.outcome.problems.listener = skipped.note
    return skipped


def _replacement(plan: ImportPlan, planned: ImportPlan) -> Replacement:
    """Return what deletes the rows a set does not have, by a plan of it that was run."""
    from bakeio_core.importing.applying.replace import Replacement

    return Replacement(plan, planned.outcome.claimed)


def _first(plan: ImportPlan) -> ImportPlan:
    """Run a plan of the same source, which is read once to know the rows it has."""
    state = plan.state
    with streaming():
        first = ImportPlan(state.db, state.catalog, plan.source, plan.options, state.decisions)
        return first.run()


def _applied(
    application: Application,
    headings: Sequence[Question],
    *,
    dry_run: bool,
    expected: bytes | None,
) -> Report:
    """Apply a plan; return its report, made while everything is written.

    Args:
        application: Of the plan.
        headings: What is to be asked of the sheet besides.
        dry_run: Take everything back.
        expected: The digest of the outcome that was shown.

    Raises:
        ImportRefused: Nothing was written; the error has `report`.
    """
    plan, reports = application.plan, list[Report]()

    def before_commit() -> None:
        reports.append(plan.report(dry_run=dry_run))
        if not plan.refusal:
            _tell_missing(plan.state.db, plan, reports[0])

    try:
        application.run(dry_run=dry_run, expected=expected, before_commit=before_commit)
    except ImportRefused as refused:
        # what was made while all was written knows what rows are called that are gone now
        report = reports[0] if reports else plan.report(dry_run=dry_run)
        report.questions = [*headings, *report.questions]
        _tell_refusal(plan.state.db, plan, report, refused)
        raise
    return reports[0]


def _leave_out_missing(db: Connection, source: Source) -> None:
    """Leave out the parts of a set that say nothing, of tables the database does not have.

    Where not every plugin's tables were made, an export has a file without records for the others.
    """
    if source.kind == "set":
        there = columns_there(db, [part.entity.table for part in source.parts])
        source.parts = [
            part for part in source.parts if part.entity.table in there or not part.is_empty
        ]


def _settled(
    db: Connection, catalog: Catalog, source: Source, decisions: Decisions
) -> list[Question]:
    """Find out what the headings of a stranger's sheet mean; return what is to be asked yet."""
    if source.strange is None:
        return []
    # what ranks fields takes a while to load, and most files are views
    from bakeio_core.importing.reading.layouts import settle_layout

    return settle_layout(db, catalog, source, decisions)


def _ordered(plan: ImportPlan, search: Candidates) -> list[Missing]:
    """Return what is missing in import order, with its context and a way to find candidates."""
    from bakeio_core.resolving.form import blanks

    order = {name: index for index, name in enumerate(plan.state.catalog.entities)}
    found = sorted(plan.outcome.missing.values(), key=lambda item: order[item.entity])
    tell_context(plan.source, found, plan.state.catalog)
    for item in found:
        item.search = search.of_missing
        if "create" in item.answers:
            item.form = [asdict(blank) for blank in blanks(item, plan.state.catalog)]
    return found


def name_records(source: Source, changes: Sequence[Change]) -> None:
    """Say of changes what a decision about their records calls these (`Change.about`).

    Args:
        source: What was imported; it is read once more.
        changes: The changes of its report.
    """
    for part in source.parts:
        of_part = [c for c in changes if c.entity == part.entity.name and c.record]
        told = dict(told_records(part, {change.record for change in of_part}))
        for change in of_part:
            if change.record in told:
                change.about = record_key(part.fields, change.record, told[change.record])


def _tell_refusal(db: Connection, plan: ImportPlan, report: Report, refused: ImportRefused) -> None:
    """Put why nothing was written into a report, and the report into the refusal."""
    report.refused, refused.report = str(refused), report
    if refused.code is not None:
        file = plan.source.name
        report.problems.append(Problem(code=refused.code, file=file, message=str(refused)))
    _tell_missing(db, plan, report)


def _tell_missing(db: Connection, plan: ImportPlan, report: Report) -> None:
    """Put the questions about references, and the rows that may be meant, into a report."""
    if plan.outcome.missing:
        # what ranks candidates takes a while to load, and most imports lack nothing
        from bakeio_core.resolving.candidates import Candidates

        with translated():
            search = Candidates(db, plan.state.catalog, plan.state.decisions.aliases)
            missing = _ordered(plan, search)
            search.prepare({item.entity for item in missing})
            name_candidates(report.problems, missing)
            others = [question for question in report.questions if question.kind != REFERENCE]
            report.questions = [*missing, *others]


def _tell_of_journal(db: Connection, plan: ImportPlan, *, is_journaled: bool) -> None:
    """Note that the import makes tables nobody asked for, or what it does without."""
    if not is_journaled:
        message = (
            "this import is not recorded: it cannot be undone or explained (why), and a second "
            "import of the file does not recognize its own edits"
        )
    elif not has_journal(db):
        message = (
            "no import into this database was recorded so far: tables of bakeio's own are made "
            f"({', '.join(METADATA.tables)}), so that it can be undone. An import without a "
            "record (--no-journal) makes none"
        )
    else:
        return
    problem = Problem(code="no-journal", severity="note", file=plan.source.name, message=message)
    plan.outcome.problems.add(problem)


def _adopts_identity(db: Connection, catalog: Catalog, plan: ImportPlan) -> bool:
    """Tell whether a set makes this database the one it is of: nothing was ever in it."""
    source = plan.source
    if source.kind != "set" or not source.database_id or plan.state.same_database:
        return False
    dialect = dialect_of(db)
    there = columns_there(db, catalog.tables.values())
    is_empty = all(dialect.is_empty(db, table) for table in there)
    return is_empty and not all_runs(db)
