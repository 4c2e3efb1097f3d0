"""The command line's imports: their options, the questions they ask a person, what they show before and after."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bakeio_core.session import Session, TakeBack, colored, json_option, show_report, shownable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.host import Plan
    from bakeio_core.report import Report

__all__ = ["import_options", "only_one", "run_import"]


class Mode(click.ParamType):  # type: ignore[type-arg]
    name = "mode"

    def get_metavar(self, param: Any, ctx: Any = None) -> str:
        return "merge|skip-existing|update-only|replace"

    def convert(self, value: str, parameter: Any, context: Any) -> str:
        mode = value.replace("_", "-")
        if mode not in ("merge", "skip-existing", "update-only", "replace"):
            self.fail(f"there is no mode {value!r}; choose merge, skip-existing, update-only or replace", parameter, context)
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
    from bakeio_core.errors import ImportRefused, UsageError
    from bakeio_core.output import refuse_file, restored
    from bakeio_core.page import not_a_page
    from bakeio_core.skipped import not_a_log

    if interactive and no_input:
        raise click.UsageError("--interactive asks and --no-input does not: give one of them")
    target = only_one(path, input_, "PATH", "--input")
    log = skipped_log or Path(f"docs/exports/import_skipped_{datetime.now(timezone.utc):%Y-%m-%d_%H%M%S}.json")
    refuse_file(log, not_a_log)
    if html is not None:
        refuse_file(html, not_a_page)
    source = _opened(session, target, kinds, accept_edits, refresh)
    questions = Questions(session, source, create, Path(target), decisions_file, writes=interactive or no_input)
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
        how: dict[str, Any] = {"dry_run": dry_run, "journal": not no_journal, "skipped_log": log, "progress": progress}
        report = session.bakeio.apply(db, shown, **how) if shown else session.bakeio.import_(db, source, **how, **options)
        if agreed is not None and report.summary != agreed:
            message = "the database changed after you were asked, and other rows would be deleted or written: nothing was. Do it again"
            raise ImportRefused(message, code="changed-meanwhile")
        if dry_run:
            raise TakeBack

    try:
        with questions.kept_if_stopped(), restored(log, not_a_log) as put_back, session.progress() as progress:
            session.write(work, create=create)
    except TakeBack:
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


def _opened(session: Session, target: Path, kinds: Sequence[str], accept_edits: bool, refresh: bool) -> Any:
    """Open what is to be imported. Raises DocumentError where it is of none of the kinds, UsageError where it could not be refreshed."""
    from bakeio_core.errors import DocumentError, UsageError
    from bakeio_core.output import refuse_file

    source = session.bakeio.open(sys.stdin.buffer if str(target) == "-" else target, accept_edits=accept_edits)
    if source.kind not in (*kinds, "skipped"):
        raise DocumentError(f"{target}: is a {source.kind}: import it with bakeio import {target}", code="bad-document")
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
        click.echo(shownable(f"Error: {error} (the import is done, only the file is as it was)", sys.stderr), err=True)


class Questions:
    """The answers of one import: read from a file, given on a terminal, written down again.

    writes: whether a decisions file may be new.
    """

    def __init__(self, session: Session, source: Any, create: bool, target: Path, file: Path | None, *, writes: bool) -> None:
        from bakeio_core.errors import DocumentError
        from bakeio_core.output import refuse_file
        from bakeio_core.resolve import read_decisions

        self.session, self.source, self.create, self.given = session, source, create, file
        default = "import.decisions.json" if str(target) == "-" else f"{target.stem or target.name}.decisions.json"
        self.from_stdin = str(target) == "-"
        self.file = file or target.with_name(default) if not self.from_stdin else file or Path(default)
        if file is not None and not file.exists() and not writes:
            raise DocumentError(f"{file}: there is no such file; --interactive or --no-input writes one", code="missing-file")
        if writes:
            refuse_file(self.file, lambda _: None)  # what is in a file is told when it is read
        # a file of that name which was not asked for is only checked: new answers are to be added to it, not lost for its sake
        known = read_decisions(self.file, session.bakeio.catalog) if self.file.exists() and (file is not None or writes) else {}
        self.answers: dict[Any, Any] = known if file is not None else {}
        self.asked = False

    def ask(self, options: dict[str, Any]) -> None:
        """Plan and ask until nothing is missing. What was answered is kept in the decisions file, whatever happens."""
        from bakeio_core.dialogue import Dialogue, Stopped

        dialogue = Dialogue(self.session.bakeio.catalog, self.answers)
        try:
            with contextlib.ExitStack() as opened:
                terminal = None
                while (plan := self._plan(options)).missing:
                    if _hopeless(plan.report, options):
                        self.session.say(
                            "Nothing is asked before the other problems are gone: the import would be refused whatever the answers."
                        )
                        break
                    self.asked = True
                    terminal = terminal or opened.enter_context(self._terminal())
                    _converse(dialogue.ask(plan.missing), terminal)
        except (click.Abort, KeyboardInterrupt, EOFError):
            self.session.say()
            self._keep()
            raise click.Abort from None
        except Stopped:
            self._keep()
            raise click.ClickException("stopped: nothing was written") from None
        if self.asked and self.given is not None:
            self._keep("kept in")

    @contextlib.contextmanager
    def kept_if_stopped(self) -> Iterator[None]:
        """Keep what somebody has answered where nothing is written after all: they should not have to answer again."""
        try:
            yield
        except BaseException:  # a dry run's end too
            if self.asked and self.given is None:
                self._keep()
            raise

    def write_down(self, options: dict[str, Any]) -> None:
        """Write what nobody has answered into the decisions file, ready to be answered."""
        from bakeio_core.errors import counted
        from bakeio_core.resolve import write_decisions

        plan = self._plan(options)
        if plan.missing:
            write_decisions(self.file, self.answers, plan.missing, self.session.bakeio.catalog)
            self.session.say(
                f'{counted(len(plan.missing), "question")} to be answered in {self.file}: fill in "action", then: --decisions {self.file}'
            )

    def _keep(self, how: str = "kept; to go on from there: --decisions") -> None:
        from bakeio_core.errors import counted
        from bakeio_core.resolve import write_decisions

        if self.answers:
            write_decisions(self.file, self.answers, (), self.session.bakeio.catalog)
            self.session.say(f"{counted(len(self.answers), 'decision')} {how} {self.file}")

    def _plan(self, options: dict[str, Any]) -> Any:
        """Find out what is missing; the database is closed again before anybody is asked."""
        with _looked_at(self.session, self.create) as db:
            return self.session.bakeio.plan(db, self.source, **options)

    @contextlib.contextmanager
    def _terminal(self) -> Iterator[tuple[Any, Any]]:
        """Open what answers are read from and questions written to: the terminal itself where the records come through stdin."""
        if not self.from_stdin:
            yield sys.stdin, sys.stderr
            return
        try:
            device = open("CON" if os.name == "nt" else "/dev/tty", "r+b", buffering=0)
        except OSError:
            raise click.UsageError(
                "the records come through stdin and there is no terminal to ask on: give a file, or --decisions"
            ) from None
        with device:
            import io

            yield io.TextIOWrapper(device, "utf-8", "replace", write_through=True), io.TextIOWrapper(device, "utf-8", write_through=True)


def _converse(talk: Any, terminal: tuple[Any, Any]) -> None:
    """Carry on a conversation on a terminal, or with lines somebody piped in. Raises EOFError where there are no more."""
    asked, answered = terminal
    answer = None
    while True:
        try:
            prompt = talk.send(answer)
        except StopIteration:
            return
        for line in prompt.lines:
            click.echo(shownable(line, answered), file=answered)
        click.echo(shownable(prompt.question, answered), file=answered, nl=False)
        line = asked.readline()
        if not line:
            raise EOFError
        if not asked.isatty():
            click.echo(file=answered)
        answer = line.rstrip("\r\n")


def _hopeless(report: Report, options: dict[str, Any]) -> bool:
    """Tell whether an import would be refused whatever is answered."""
    asked = ("missing-reference", "ambiguous-key")
    others = [problem for problem in report.problems if problem.severity == "error" and problem.code not in asked]
    return bool(others) and not options.get("skip_errors")


@contextlib.contextmanager
def _looked_at(session: Session, create: bool) -> Iterator[Connection]:
    """Open the database for a look; one that is to be made is made for the time of the look only."""
    if not create or session.is_there():
        with session.reading() as db:
            yield db
        return
    with contextlib.suppress(TakeBack), session.writing(create=True) as db:
        session.bakeio.create_tables(db)
        yield db
        raise TakeBack


def _write_page(session: Session, report: Report, path: Path) -> None:
    """Write the report as a page; where that fails the import is done all the same, and so its exit code stays."""
    from bakeio_core.errors import BakeioError
    from bakeio_core.output import atomic_file
    from bakeio_core.page import not_a_page, page

    try:
        with atomic_file(path, not_a_page) as file:
            file.write(page(report).encode())
        session.say(f"Wrote {path}")
    except BakeioError as error:
        outcome = "nothing was imported" if report.refused or report.dry_run else "the import is done"
        click.echo(shownable(f"Error: {error} ({outcome}, only its report is missing)", sys.stderr), err=True)


def _ask(session: Session, source: Any, create: bool, options: dict[str, Any]) -> Plan | None:
    """Show a person what many changes would be, and ask; no transaction is open while they think. Return what they said yes to."""
    from bakeio_core.difference import lines

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


def _confirm_replacing(session: Session, source: Any, create: bool, options: dict[str, Any]) -> dict[str, int] | None:
    """Ask before rows are deleted; where nobody can be asked, `--yes` must say so. Return what was agreed to, None where nothing goes."""
    from bakeio_core.errors import counted

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("--mode replace deletes every row the set does not have: say --yes, or look first with --dry-run")
    if create and not session.is_there():
        return None
    with contextlib.suppress(TakeBack), session.writing() as db:
        report = session.bakeio.import_(db, source, dry_run=True, journal=False, **options)
        raise TakeBack
    gone = report.summary.get("deleted", 0)
    if gone:
        session.say("\n".join(f"  {name:<20} {counts['deleted']:>9,} to be deleted" for name, counts in report.entities.items()))
        click.confirm(f"Delete {counted(gone, 'row')} the set does not have?", abort=True, err=True)
    return report.summary if gone else None
