"""The command line's imports: their options, the questions they ask a person, what they show before and after."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bakeio_core.cli.group import bakeio
from bakeio_core.cli.questions import Questions
from bakeio_core.cli.session import Rollback, Session, colored, json_option, show_report, shownable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.host import Plan
    from bakeio_core.report import Report


class Mode(click.ParamType):  # type: ignore[type-arg]
    name = "mode"

    def get_metavar(self, param: Any, ctx: Any = None) -> str:
        return "merge|skip-existing|update-only|replace"

    def convert(self, value: str, parameter: Any, context: Any) -> str:
        mode = value.replace("_", "-")
        if mode not in ("merge", "skip-existing", "update-only", "replace"):
            self.fail(
                f"there is no mode {value!r}; choose merge, skip-existing, update-only or replace",
                parameter,
                context,
            )
        return mode


def only_one(first: Any, second: Any, first_name: str, second_name: str) -> Any:
    """Return the one of two values that was given."""
    if (first is None) == (second is None):
        raise click.UsageError(f"give {first_name} or {second_name}, one of them")
    return first if second is None else second


def import_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options every import takes."""
    options: list[Callable[[Callable[..., Any]], Callable[..., Any]]] = [
        click.option("--input", "-i", "input_", type=click.Path(path_type=Path), help="What to import, instead of the argument."),
        click.option("--mode", type=Mode(), default="merge", show_default=True, help="Update and add, only add, only update, or replace everything by a set."),
        click.option("--dry-run", is_flag=True, help="Do everything, show it, and write nothing."),
        click.option("--report", "html", type=click.Path(path_type=Path), metavar="FILE.html", help="Write the changes as a page to look through."),
        click.option("--yes", "-y", is_flag=True, help="Do not ask before many changes are written."),
        click.option("--interactive", is_flag=True, help="Ask about references that name no row, each one once, before anything is written."),
        click.option("--no-input", is_flag=True, help="Never ask; what is unanswered is written down, to be answered in the file."),
        click.option("--decisions", "decisions_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                     help="Take answers from this file, and keep new ones in it."),
        click.option("--auto-create", "create_missing", multiple=True, metavar="ENTITY",
                     help="Create missing rows of it where the file tells all that is required; may be given more than once."),
        click.option("--on-conflict", type=click.Choice(["fail", "keep-db", "take-file"]), default="fail", show_default=True,
                     help="Where file and database both changed."),
        click.option("--skip-on-error", "skip_errors", is_flag=True, help="Import the good records and log the others."),
        click.option("--skipped-log", type=click.Path(path_type=Path), metavar="FILE",
                     help="Where to log them. Default: docs/exports/import_skipped_<time>.json."),
        click.option("--nulls", type=click.Choice(["keep", "clear"]), default="keep", show_default=True, help="What null means in a view."),
        click.option("--allow", multiple=True, metavar="CHECK", help="Lift the check of a column; may be given more than once."),
        click.option("--allow-duplicates", is_flag=True, help="Add a view's new records even where equal rows are there."),
        click.option("--accept-edits", is_flag=True, help="Take a set whose files were changed after the export."),
        click.option("--refresh", is_flag=True, help="Afterwards write the view's file anew, with ids and _rev of what was added."),
        click.option("--no-journal", is_flag=True, help="Do not record the run in the database."),
        json_option,
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def run_import(
    session: Session, path: Path | None, input_: Path | None, *, kinds: Sequence[str], create: bool, dry_run: bool, html: Path | None,
    yes: bool, as_json: bool, accept_edits: bool, no_journal: bool, skipped_log: Path | None, interactive: bool, no_input: bool,
    decisions_file: Path | None, create_missing: tuple[str, ...], refresh: bool, **options: Any,
) -> None:  # fmt: skip
    """Import what a path holds, after questions and a look at it where a person is there to be asked."""
    from bakeio_core.cli.page import not_a_page
    from bakeio_core.errors import ImportRefused, UsageError
    from bakeio_core.files.output import refuse_file, restored
    from bakeio_core.importing.skipped import not_a_log

    if interactive and no_input:
        raise click.UsageError("--interactive asks and --no-input does not: give one of them")
    target = only_one(path, input_, "PATH", "--input")
    log = skipped_log or Path(
        f"docs/exports/import_skipped_{datetime.now(timezone.utc):%Y-%m-%d_%H%M%S}.json"
    )
    refuse_file(log, not_a_log)
    if html is not None:
        refuse_file(html, not_a_page)
    source = _opened(session, target, kinds, accept_edits, refresh)
    questions = Questions(
        session, source, create, Path(target), decisions_file, writes=interactive or no_input
    )
    options |= {"create": create_missing, "decisions": questions.answers}
    if interactive:
        questions.ask(options)
    shown: Plan | None = None
    agreed: dict[str, int] | None = None
    if options["mode"] == "replace" and not (dry_run or yes):
        with questions.kept_if_stopped():
            agreed = _confirm_replacing(session, source, create, options)
    elif not (dry_run or yes or no_input or as_json) and sys.stdin.isatty() and sys.stdout.isatty():
        with questions.kept_if_stopped():
            shown = _ask(session, source, create, options)
    if source.kind == "skipped" and log.exists() and log.samefile(target):
        raise UsageError(f"{log} is what is being imported: log what is skipped to another file")
    report: Report | None = None

    def work(db: Connection) -> None:
        nonlocal report
        put_back()
        if create:
            session.bakeio.create_tables(db)
        how: dict[str, Any] = {
            "dry_run": dry_run,
            "journal": not no_journal,
            "skipped_log": log,
            "progress": progress,
        }
        report = (
            session.bakeio.apply(db, shown, **how)
            if shown
            else session.bakeio.import_(db, source, **how, **options)
        )
        if agreed is not None and report.summary != agreed:
            message = "the database changed after you were asked, and other rows would be deleted or written: nothing was. Do it again"
            raise ImportRefused(message, code="changed-meanwhile")
        if dry_run:
            raise Rollback

    try:
        with (
            questions.kept_if_stopped(),
            restored(log, not_a_log) as put_back,
            session.progress() as progress,
        ):
            session.write(work, create=create)
    except Rollback:
        pass
    except ImportRefused as refused:
        if refused.report is None:
            raise
        report = refused.report
        if no_input or decisions_file is not None:
            questions.write_down(options)
    if report is None:
        return
    if html is not None:
        _write_page(session, report, html)
    if refresh and not (dry_run or report.refused):
        _refresh(session, Path(target))
    show_report(session, report, as_json)


def _opened(
    session: Session, target: Path, kinds: Sequence[str], accept_edits: bool, refresh: bool
) -> Any:
    """Open what is to be imported. Raises DocumentError where it is of none of the kinds, UsageError where it could not be refreshed."""
    from bakeio_core.errors import DocumentError, UsageError
    from bakeio_core.files.output import refuse_file

    source = session.bakeio.open(
        sys.stdin.buffer if str(target) == "-" else target, accept_edits=accept_edits
    )
    if source.kind not in (*kinds, "skipped"):
        raise DocumentError(
            f"{target}: is a {source.kind}: import it with bakeio import {target}",
            code="bad-document",
        )
    if refresh and (source.kind != "view" or str(target) == "-"):
        raise UsageError("--refresh writes into the file of a view: give the path of one")
    if refresh:
        refuse_file(target, session.bakeio.not_as_view)
    return source


def _refresh(session: Session, path: Path) -> None:
    """Write a view's file anew; where that fails the import is done all the same, and so its exit code stays."""
    from bakeio_core.errors import BakeioError

    try:
        with session.reading() as db:
            count = session.bakeio.refresh_view(db, path)
        session.say(f"{path} is fresh: {count:,} of its records have a row")
    except BakeioError as error:
        click.echo(
            shownable(
                f"Error: {error} (the import is done, only the file is as it was)", sys.stderr
            ),
            err=True,
        )


def _write_page(session: Session, report: Report, path: Path) -> None:
    """Write the report as a page; where that fails the import is done all the same, and so its exit code stays."""
    from bakeio_core.cli.page import not_a_page, page
    from bakeio_core.errors import BakeioError
    from bakeio_core.files.output import atomic_file

    try:
        with atomic_file(path, not_a_page) as file:
            file.write(page(report).encode())
        session.say(f"Wrote {path}")
    except BakeioError as error:
        outcome = (
            "nothing was imported" if report.refused or report.dry_run else "the import is done"
        )
        click.echo(
            shownable(f"Error: {error} ({outcome}, only its report is missing)", sys.stderr),
            err=True,
        )


def _ask(session: Session, source: Any, create: bool, options: dict[str, Any]) -> Plan | None:
    """Show a person what many changes would be, and ask; no transaction is open while they think. Return what they said yes to."""
    from bakeio_core.cli.difference import lines

    if create and not session.is_there():
        return None
    with session.reading() as db:
        plan = session.bakeio.plan(db, source, **options)
    shown = lines(plan.report, color=colored(sys.stderr))
    if len(shown) <= 20 or plan.report.refused:
        return None
    session.say("\n".join(shown), colored=True)
    click.confirm("Write this?", abort=True, err=True)
    return plan


def _confirm_replacing(
    session: Session, source: Any, create: bool, options: dict[str, Any]
) -> dict[str, int] | None:
    """Ask before rows are deleted; where nobody can be asked, `--yes` must say so. Return what was agreed to, None where nothing goes."""
    from bakeio_core.errors import counted

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(
            "--mode replace deletes every row the set does not have: say --yes, or look first with --dry-run"
        )
    if create and not session.is_there():
        return None
    with contextlib.suppress(Rollback), session.writing() as db:
        report = session.bakeio.import_(db, source, dry_run=True, journal=False, **options)
        raise Rollback
    gone = report.summary.get("deleted", 0)
    if gone:
        session.say(
            "\n".join(
                f"  {name:<20} {counts['deleted']:>9,} to be deleted"
                for name, counts in report.entities.items()
            )
        )
        click.confirm(f"Delete {counted(gone, 'row')} the set does not have?", abort=True, err=True)
    return report.summary if gone else None


@bakeio.command("import-complete")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@import_options
@click.pass_obj
def import_complete(session: Session, /, **options: Any) -> None:
    """Import a normalized set: its folder, zip or manifest. Makes missing tables; all of it or nothing."""
    run_import(session, create=True, kinds=("set",), **options)


@bakeio.command("import-view")
@click.argument("path", required=False, metavar="FILE", type=click.Path(path_type=Path))
@import_options
@click.pass_obj
def import_view(session: Session, /, **options: Any) -> None:
    """Import an edited view: only its editable fields are written, and edits of the database are never lost. `-` reads stdin."""
    run_import(session, create=False, kinds=("view",), **options)


@bakeio.command("import")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@import_options
@click.pass_obj
def import_any(session: Session, /, **options: Any) -> None:
    """Import a set, a view or an entity's file, whichever it is."""
    run_import(session, create=False, kinds=("set", "view", "entity"), **options)
