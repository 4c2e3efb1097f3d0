"""Commands that import: what was asked for, what a person is shown before, what comes after."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bakeio_core.cli.group import bakeio
from bakeio_core.cli.import_options import import_options, only_one
from bakeio_core.cli.process.streams import fitted
from bakeio_core.cli.review.questions import Questions
from bakeio_core.cli.session import Session, colored, show_error

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.history.reports.report import Report
    from bakeio_core.importing.reading.sources import Source
    from bakeio_core.importing.run import Plan

MOST_IN_JSON = 1000
"""How many changes and questions `--json` holds where nobody says otherwise."""
ALL = 10**9
FEW = 10
"""So many changed rows are written without a look at them before."""


@dataclass
class Request:
    """What was asked for on the command line.

    Attributes:
        target: What to import; `-` is stdin.
        format_: The name of its format, where that was said.
        kinds: What it may be: set, view, entity.
        create: Whether a missing database is made.
        log: Where skipped records are logged.
        html: Where the changes are written as a page.
        decisions_file: Where answers are read from and kept.
        options: What `Bakeio.plan` is told besides the answers.
        limit: How many changes JSON holds.
        reader: Whom JSON is for: people, or an assistant that is to correct its answer.
    """

    target: Path
    format_: str | None
    kinds: Sequence[str]
    create: bool
    log: Path
    html: Path | None
    decisions_file: Path | None
    dry_run: bool
    yes: bool
    interactive: bool
    review: bool
    no_input: bool
    accept_edits: bool
    without: Sequence[str]
    refresh: bool
    no_journal: bool
    as_json: bool
    json_lines: bool
    reader: str
    options: dict[str, Any]
    limit: int

    @property
    def may_show(self) -> bool:
        """Whether a person is there to look at many changes before they are written."""
        silent = self.dry_run or self.yes or self.no_input or self.as_json
        return not silent and sys.stdin.isatty() and sys.stdout.isatty()


@dataclass
class Agreed:
    """What a person agreed to: a plan they saw, or the totals of a replacement; None unasked."""

    plan: Plan | None = None
    totals: dict[str, int] | None = None


def _requested(
    *,
    path: Path | None,
    input_: Path | None,
    skipped_log: Path | None,
    create_missing: Sequence[str],
    interactive: bool,
    review: bool,
    no_input: bool,
    as_json: bool,
    json_lines: bool,
    limit_changes: int | None,
    reader: str,
    **given: Any,
) -> Request:
    """Return what was asked for, where it makes sense."""
    if (interactive or review) and no_input:
        asks = "--interactive" if interactive else "--review"
        raise click.UsageError(f"{asks} asks and --no-input does not: give one of them")
    if review and given["mode"] == "replace":
        raise click.UsageError("--mode replace makes the database what the set says: no --review")
    if reader == "assistant" and not as_json:
        raise click.UsageError("--for assistant is about --json: give it too")
    if as_json and json_lines:
        raise click.UsageError("--json is one object and --json-lines many: give one of them")
    most = ALL if (json_lines or review) and limit_changes is None else limit_changes
    planned = ("mode", "on_conflict", "skip_errors", "nulls", "allow", "allow_duplicates")
    now = datetime.now(timezone.utc)
    return Request(
        target=only_one(path, input_, "PATH", "--input"),
        log=skipped_log or Path(f"docs/exports/import_skipped_{now:%Y-%m-%d_%H%M%S}.json"),
        interactive=interactive,
        review=review,
        no_input=no_input,
        as_json=as_json or json_lines,
        json_lines=json_lines,
        reader=reader,
        limit=MOST_IN_JSON if most is None else most,
        options={name: given.pop(name) for name in planned}
        | {"create": create_missing}
        | ({} if most is None else {"most_changes": most}),
        **given,
    )


def run_import(session: Session, **given: Any) -> None:
    """Import what a path holds, after questions and a look at it where a person is to be asked.

    Args:
        session: The database and the plugins.
        given: The options of the command, with `kinds` and `create` as in `Request`.
    """
    from bakeio_core.cli.review.difference import show_report
    from bakeio_core.importing.run import name_records

    request = _requested(**given)
    source = _opened(session, request)
    if not (request.as_json or request.html is not None or source.origins):
        request.options.setdefault("most_changes", 0)  # text shows the first of each kind alone
    questions = Questions(
        session,
        source,
        request.create,
        request.target,
        request.decisions_file,
        writes=request.interactive or request.no_input or request.review,
    )
    request.options["decisions"] = questions.answers
    while True:
        if request.interactive or request.review:
            questions.ask(request.options)
        with questions.kept_if_stopped():
            agreed = _agreed(session, request, source, questions)
            _refuse_own_log(request, source)
            report = _imported(session, request, source, agreed)
        asks_again = (request.interactive or request.review) and report.refused
        if not (asks_again and questions.take_back(report.refused_decisions)):
            break
    if request.dry_run:
        questions.keep_new()
    if report.refused and (request.no_input or request.decisions_file is not None):
        questions.write_down(request.options)
    if request.as_json or request.html is not None:
        name_records(source, report.changes)
    if request.html is not None:
        from bakeio_core.cli.review.page import write_page

        write_page(session, report, request.html, request.target, questions)
    if request.refresh and not (request.dry_run or report.refused):
        _refresh(session, request)
    if request.json_lines:
        for line in report.as_lines():
            session.result_json(line)
        raise SystemExit(report.exit_code)
    if request.reader == "assistant":
        session.result_json(report.for_assistant())
        raise SystemExit(report.exit_code)
    show_report(session, report, request.as_json, request.limit)


def _opened(session: Session, request: Request) -> Source:
    """Open what is to be imported, when the files that are to be written may be written.

    Raises:
        DocumentError: It is of none of the kinds.
        UsageError: It could not be refreshed, or a file is in the way.
    """
    from bakeio_core.errors import DocumentError, UsageError
    from bakeio_core.files.output import refuse_file
    from bakeio_core.importing.reading.skipped_log import not_a_log

    target, from_stdin = request.target, str(request.target) == "-"
    refuse_file(request.log, not_a_log)
    if request.html is not None:
        from bakeio_core.cli.review.page import not_a_page

        refuse_file(request.html, not_a_page)
    source = session.bakeio.open(
        sys.stdin.buffer if from_stdin else target,
        accept_edits=request.accept_edits,
        without=request.without,
        format=request.format_,
    )
    if source.kind not in (*request.kinds, "skipped"):
        raise DocumentError(
            f"{target}: is a {source.kind}: import it with bakeio import {target}",
            code="bad-document",
        )
    if request.refresh:
        if source.kind != "view" or from_stdin:
            raise UsageError("--refresh writes into the file of a view: give the path of one")
        refuse_file(target, session.bakeio.not_as_view)
    return source


def _refuse_own_log(request: Request, source: Source) -> None:
    from bakeio_core.errors import UsageError

    log = request.log
    if source.kind == "skipped" and log.exists() and log.samefile(request.target):
        raise UsageError(f"{log} is what is being imported: log what is skipped to another file")


def _agreed(session: Session, request: Request, source: Source, questions: Questions) -> Agreed:
    """Ask before rows are deleted or many are changed; no transaction is open while people think.

    Raises:
        click.Abort: They said no.
    """
    if request.review:
        plan = questions.review(request.options)
        is_writing = not (request.dry_run or plan.report.refused)
        if is_writing and not request.yes:
            told = "\n".join(plan.preview().split("\n")[: len(plan.report.entities)])
            session.say(f"\n{fitted(told, sys.stderr)}")
            session.confirm("Write this?")
        return Agreed(plan=plan if is_writing else None)
    if request.options["mode"] == "replace" and not (request.dry_run or request.yes):
        return Agreed(totals=_confirm_replacing(session, request, source))
    if request.may_show:
        return Agreed(plan=_confirm_changes(session, request, source))
    return Agreed()


def _confirm_changes(session: Session, request: Request, source: Source) -> Plan | None:
    """Show what many changes would be, and ask. Return what was agreed to, None where few are."""
    from bakeio_core.cli.review.difference import how_read, lines

    if request.create and not session.is_there():
        return None
    with session.reading() as db, session.progress("planning", source.totals) as progress:
        plan = session.bakeio.plan(db, source, progress=progress, **request.options)
    few = 0 if source.is_new_layout else FEW
    if plan.report.count_changes() <= few or plan.report.refused:
        return None
    shown = [*how_read(plan.report), *lines(plan.report, color=colored(sys.stderr))]
    session.say(fitted("\n".join(shown), sys.stderr), colored=True)
    session.confirm("Write this?")
    return plan


def _confirm_replacing(session: Session, request: Request, source: Source) -> dict[str, int] | None:
    """Say how many rows would be deleted, and ask; where nobody can be asked, `--yes` must say so.

    Returns:
        The totals that were agreed to, None where nothing goes.
    """
    from bakeio_core.errors import counted

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(
            "--mode replace deletes every row the set does not have: say --yes, or look first "
            "with --dry-run"
        )
    if request.create and not session.is_there():
        return None

    def look(db: Connection) -> Report:
        return session.bakeio.import_(db, source, dry_run=True, journal=False, **request.options)

    report = session.write(look, dry_run=True)
    gone = report.summary.get("deleted", 0)
    if not gone:
        return None
    for name, counts in report.entities.items():
        if counts["deleted"]:
            session.say(f"  {name:<20} {counts['deleted']:>9,} to be deleted")
    session.confirm(f"Delete {counted(gone, 'row')} the set does not have?")
    return report.summary


def _imported(session: Session, request: Request, source: Source, agreed: Agreed) -> Report:
    """Import in one write transaction. Return the report, also that of an import that was refused.

    Raises:
        ImportRefused: It was refused before there was anything to report.
    """
    from bakeio_core.files.output import restored
    from bakeio_core.history.reports.report import ImportRefused
    from bakeio_core.history.upgrade import BESIDE, refuse_foreign
    from bakeio_core.importing.reading.skipped_log import not_a_log

    def work(db: Connection) -> Report:
        put_back()  # another attempt may have logged
        if request.create:
            # in a database that is there already, the import itself makes bakeio's own and says so
            is_new = not session.has_tables(db)
            if is_new and not request.yes:
                refuse_foreign(db, session.bakeio.catalog, BESIDE)
            session.bakeio.create_tables(db, journal=is_new and not request.no_journal)
        how: dict[str, Any] = {
            "dry_run": request.dry_run,
            "journal": not request.no_journal,
            "skipped_log": request.log,
            "progress": progress,
        }
        if agreed.plan is not None:
            return session.bakeio.apply(db, agreed.plan, **how)
        report = session.bakeio.import_(db, source, **how, **request.options)
        if agreed.totals is not None and report.summary != agreed.totals:
            raise ImportRefused(
                "the database changed after you were asked, and other rows would be deleted or "
                "written: nothing was. Try again",
                code="changed-meanwhile",
            )
        return report

    try:
        with (
            restored(request.log, not_a_log) as put_back,
            _showing(session, request, source) as progress,
        ):
            return session.write(work, create=request.create, dry_run=request.dry_run)
    except ImportRefused as refused:
        if refused.report is None:
            raise
        return refused.report


def _showing(
    session: Session, request: Request, source: Source
) -> AbstractContextManager[Callable[[str, int], None] | None]:
    """Show how much of a file is imported."""
    phase = "trying" if request.dry_run else "importing"
    silent = request.as_json or request.json_lines or request.reader == "assistant"
    return session.progress(phase, source.totals, silent=silent)


def _refresh(session: Session, request: Request) -> None:
    """Write a view's file anew; where that fails the import, and so its exit code, stays."""
    from bakeio_core.errors import BakeioError, counted

    path, decisions = request.target, request.options["decisions"]
    try:
        with session.reading() as db:
            count = session.bakeio.refresh_view(db, path, decisions=decisions)
        session.say(f"{path} is fresh: {counted(count, 'record')} as in the database now")
    except BakeioError as error:
        show_error(f"{error} (the import is done, only the file is as it was)")


@bakeio.command("import-complete")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@import_options
@click.pass_obj
def import_complete(session: Session, /, **options: Any) -> None:
    """Import a normalized set: its folder, zip or manifest. Makes missing tables; all of it or
    nothing.
    """
    run_import(session, create=True, kinds=("set",), **options)


@bakeio.command(
    "import-view",
    help="Import an edited view: only its editable fields are written, and edits of the database "
    "are never lost. `-` reads stdin.",
)
@click.argument("path", required=False, metavar="FILE", type=click.Path(path_type=Path))
@import_options
@click.pass_obj
def import_view(session: Session, /, **options: Any) -> None:
    """Import an edited view."""
    run_import(session, create=False, kinds=("view",), **options)


@bakeio.command("import")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@import_options
@click.pass_obj
def import_any(session: Session, /, **options: Any) -> None:
    """Import any file of bakeio: a set, a view, an entity file or a log."""
    run_import(session, create=False, kinds=("set", "view", "entity"), **options)
