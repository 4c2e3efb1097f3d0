"""The command line: the only module that prints. Results go to stdout, talk to stderr; heavy modules are loaded by the command that needs them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bakeio_core.version import VERSION

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.host import Bakeio, Plan
    from bakeio_core.report import Report

__all__ = ["Session", "json_option", "main"]

COMMANDS = "bakeio.commands"
ATTEMPTS = 5
T = TypeVar("T")


class Commands(click.Group):
    """The commands of bakeio and those of plugins (entry points of `bakeio.commands`), loaded only when called; `-` and `_` are one."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *_plugin_commands()})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        name = name.replace("_", "-")
        known = super().get_command(context, name)
        if known is None and name in (found := _plugin_commands()):
            try:
                known = found[name].load()
            except Exception as error:
                raise click.ClickException(f"the command {name} of a plugin cannot be loaded: {type(error).__name__}: {error}") from None
        return known

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List plugin commands without importing them: their help is their own."""
        plugins = {
            name: f"Of {entry.dist.metadata['Name']}: bakeio {name} --help" for name, entry in _plugin_commands().items() if entry.dist
        }
        own = {name: command.get_short_help_str(formatter.width) for name, command in self.commands.items()}
        rows = sorted({**plugins, **own}.items())
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _plugin_commands() -> dict[str, Any]:
    import importlib_metadata

    return {entry.name: entry for entry in importlib_metadata.entry_points(group=COMMANDS)}


class Session:
    """What the global options say, and what every command needs: the database, the plugins, a way to print."""

    def __init__(self, database: str, block: Sequence[str], quiet: bool, wait: float = 10.0) -> None:
        self.database, self.block, self.quiet, self.wait = database, block, quiet, wait
        self._bakeio: Bakeio | None = None

    @property
    def bakeio(self) -> Bakeio:
        if self._bakeio is None:
            from bakeio_core.host import Bakeio

            self._bakeio = Bakeio.discover(block=self.block)
            for line in self._bakeio.broken():
                self.say(f"warning: {line}")
        return self._bakeio

    def say(self, text: str = "", *, colored: bool = False) -> None:
        """Print talk: to stderr, unless quiet; `colored` text holds escape sequences of ours and none of anybody else."""
        if not self.quiet:
            click.echo(shownable(text, sys.stderr, colored=colored), err=True)

    @contextlib.contextmanager
    def talking(self) -> Iterator[None]:
        """Say what the library tells its log: what it waits for, what an earlier run left behind."""
        import logging

        say = self.say

        class Talk(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                say(record.getMessage())

        log, talk = logging.getLogger("bakeio"), Talk()
        log.setLevel(logging.INFO)
        log.addHandler(talk)
        try:
            yield
        finally:
            log.removeHandler(talk)

    @staticmethod
    def result(text: str, *, colored: bool = False) -> None:
        """Print a result: to stdout."""
        click.echo(shownable(text, sys.stdout, colored=colored))

    @staticmethod
    def result_json(value: dict[str, Any]) -> None:
        """Print the one JSON object of a command, in UTF-8 whatever the terminal."""
        sys.stdout.flush()
        sys.stdout.buffer.write(json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace") + b"\n")
        sys.stdout.flush()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open the database for one consistent look at it. Raises DatabaseError where there is none."""
        from bakeio_core.database import begin_read, connect

        self._require()
        engine = connect(self.database, timeout=self.wait)
        try:
            with begin_read(engine) as db:
                self._require_tables(db)
                yield db
        finally:
            engine.dispose()

    @contextlib.contextmanager
    def writing(self, *, create: bool = False) -> Iterator[Connection]:
        """Open the database for one write transaction; `create` makes a missing one, which appears when the block has ended well."""
        from bakeio_core.database import file_of
        from bakeio_core.errors import DatabaseError
        from bakeio_core.output import new_file, settle

        path = file_of(self.database)
        if not create:
            self._require()
        if path is None or os.path.lexists(path):
            if path is not None:
                with contextlib.suppress(OSError):
                    settle(Path(path))
            with self._transaction(self.database, create) as db:
                yield db
            return
        try:
            with new_file(Path(path)) as part, self._transaction(str(part), create) as db:
                yield db
        except FileExistsError:
            message = f"{path} was made by another program meanwhile: nothing was written. Do the same again"
            raise DatabaseError(message, code="changed-meanwhile", again=True) from None

    @contextlib.contextmanager
    def _transaction(self, target: str, create: bool) -> Iterator[Connection]:
        from bakeio_core.database import begin_write, connect, is_there, translated
        from bakeio_core.dialects import dialect_of

        engine = connect(target, timeout=self.wait)
        try:
            if not is_there(target):
                with translated(self.database), engine.connect() as db:
                    dialect_of(db).prepare_new(db)
            with begin_write(engine, self.database) as db:
                if not create:
                    self._require_tables(db)
                yield db
        finally:
            engine.dispose()

    def write(self, work: Callable[[Connection], T], *, create: bool = False) -> T:
        """Do the work in one write transaction; where another one came between, all of it again, a few times at most."""
        from bakeio_core.errors import DatabaseError

        attempt = 1
        while True:
            try:
                with self.writing(create=create) as db:
                    return work(db)
            except DatabaseError as error:
                if not error.again or attempt == ATTEMPTS:
                    raise
            attempt += 1
            self.say("another transaction came between: doing it all again")
            time.sleep(random.uniform(0.05, 0.3))

    def _is_there(self) -> bool:
        from bakeio_core.database import is_there

        return is_there(self.database)

    def _require(self) -> None:
        if not self._is_there():
            self._none()

    def _require_tables(self, db: Connection) -> None:
        from bakeio_core.dialects import dialect_of

        there = dialect_of(db).existing_columns(db)
        if not any(name in there for name in self.bakeio.catalog.entities):
            self._none()

    def _none(self) -> None:
        from bakeio_core.database import shown_url
        from bakeio_core.errors import DatabaseError

        raise DatabaseError(f"no database at {shown_url(self.database)}; run: bakeio init")


def shownable(text: str, stream: Any, *, colored: bool = False) -> str:
    """Return the text with what a terminal would obey and what the stream's encoding cannot show as escapes."""
    from bakeio_core.values import printable

    if not colored:
        text = "\n".join(map(printable, text.split("\n")))
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json`: one UTF-8 JSON object on stdout and nothing else there."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")(function)


def _progress(session: Session) -> Callable[[str, int], None] | None:
    """Show how far it is on a terminal, beyond 1,000 records."""
    if session.quiet or not sys.stderr.isatty():
        return None
    last = [0.0]

    def show(name: str, done: int) -> None:
        if done > 1000 and time.monotonic() - last[0] > 0.2:
            last[0] = time.monotonic()
            click.echo(f"\r  {shownable(name, sys.stderr)} {done:,}\033[K", err=True, nl=False)

    return show


def _end_progress(progress: Any) -> None:
    if progress:
        click.echo("\r\033[K", err=True, nl=False)


class Day(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 only
    name = "date"

    def convert(self, value: Any, parameter: Any, context: Any) -> Any:
        from datetime import date

        try:
            return date.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            self.fail(f"{value!r} is not a date: write YYYY-MM-DD", parameter, context)


class Mode(click.ParamType):  # type: ignore[type-arg]
    name = "mode"

    def get_metavar(self, param: Any, ctx: Any = None) -> str:
        return "merge|skip-existing|update-only|replace"

    def convert(self, value: str, parameter: Any, context: Any) -> str:
        mode = value.replace("_", "-")
        if mode not in ("merge", "skip-existing", "update-only", "replace"):
            self.fail(f"there is no mode {value!r}; choose merge, skip-existing, update-only or replace", parameter, context)
        return mode


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--database",
    "-d",
    envvar="BAKEIO_DATABASE",
    default="bakeio.db",
    metavar="URL|PATH",
    show_default=True,
    help="The database: a path of an SQLite file, or a URL such as postgresql://user@host/name. Also from BAKEIO_DATABASE.",
)
@click.option("--block", multiple=True, metavar="PLUGIN", help="Leave a plugin out; may be given more than once.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing on stderr but errors.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0, max=86_400),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for another program that is writing; 0: not at all.",
)
@click.version_option(VERSION, prog_name="bakeio")
@click.pass_context
def bakeio(context: click.Context, database: str, block: tuple[str, ...], quiet: bool, wait: float) -> None:
    """Take a bakery's data out of its database as files, and bring enriched files back in without losing anything."""
    context.obj = Session(database, block, quiet, wait)
    context.with_resource(context.obj.talking())


@bakeio.command()
@click.option("--sample", is_flag=True, help="Load a realistic small bakery into the empty database.")
@json_option
@click.pass_obj
def init(session: Session, sample: bool, as_json: bool) -> None:
    """Create the tables; doing it twice is harmless."""
    from bakeio_core.database import shown_url

    core = session.bakeio
    made, report = session.write(lambda db: (core.create_tables(db), core.load_sample(db) if sample else None), create=True)
    where = shown_url(session.database)
    if as_json:
        session.result_json({"database": where, "tables": made, "sample": report.summary["created"] if report else 0})
        return
    session.result(f"{where}: made {len(made)} tables" if made else f"{where}: all tables are there already")
    if report:
        session.result("\n".join(f"  {name:<20} {counts['created']:>6,} records" for name, counts in report.entities.items()))


@bakeio.command()
@json_option
@click.pass_obj
def upgrade(session: Session, as_json: bool) -> None:
    """Bring an older database's tables up to this version, in one transaction."""
    with session.writing() as db:
        added = session.bakeio.upgrade(db)
    if as_json:
        session.result_json({"added": added})
    else:
        session.result(f"Added {', '.join(added)}." if added else "The database is up to date.")


@bakeio.command("export-complete")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="A new folder. Default: docs/exports/<time>_<6 hex>.")
@click.option("--zip", "as_zip", is_flag=True, help="Also write archives/<name>.zip beside the folder.")
@click.option("--prove", is_flag=True, help="Restore the set into a scratch database and compare, before it appears.")
@click.option("--force", is_flag=True, help="Replace an existing folder.")
@click.option("--no-transactional", is_flag=True, help="Leave out entities that have a date.")
@click.option("--since", type=Day(), help="Only dated rows of this day or later, and what they refer to.")
@click.option("--until", type=Day(), help="Only dated rows of this day or earlier, and what they refer to.")
@json_option
@click.pass_obj
def export_complete(
    session: Session,
    output: Path | None,
    as_zip: bool,
    prove: bool,
    force: bool,
    no_transactional: bool,
    since: Any,
    until: Any,
    as_json: bool,
) -> None:
    """Write everything as a normalized set that rebuilds the database anywhere."""
    progress = _progress(session)
    with session.reading() as db:
        done = session.bakeio.export_complete(
            db,
            output,
            zip=as_zip,
            force=force,
            transactional=not no_transactional,
            since=since,
            until=until,
            prove=prove,
            progress=progress,
        )
    _end_progress(progress)
    if as_json:
        archive = str(done.archive) if done.archive else None
        told = {"folder": str(done.folder), "archive": archive, "counts": done.counts, "omitted": list(done.omitted), "proved": prove}
        session.result_json(told)
        return
    session.result(f"Exported {sum(done.counts.values()):,} records to {done.folder}")
    session.result("\n".join(f"  {name:<20} {count:>9,}" for name, count in done.counts.items()))
    if done.omitted:
        session.result(f"  left out: {', '.join(done.omitted)}")
    if prove:
        session.result("Proved: restored into a scratch database and exported again, it is the same.")
    if done.archive:
        session.result(f"Archive: {done.archive}")


@bakeio.command("validate-export")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--manifest", type=click.Path(path_type=Path), help="The manifest of the set, instead of PATH.")
@json_option
@click.pass_obj
def validate_export(session: Session, path: Path | None, manifest: Path | None, as_json: bool) -> None:
    """Check a set (folder, zip or manifest): sizes, checksums, counts, order, references. Needs no database."""
    target = _only_one(path, manifest, "PATH", "--manifest")
    problems = session.bakeio.validate(target)
    if as_json:
        session.result_json({"path": str(target), "valid": not problems.errors, "problems": _as_data(problems)})
    else:
        from bakeio_core.errors import counted
        from bakeio_core.report import problem_lines

        for line in problem_lines(problems, problems.dropped):
            session.result(line)
        session.result(f"{target}: {'is valid' if not problems.errors else counted(problems.errors, 'problem')}.")
    if problems.errors:
        raise SystemExit(1)


def _only_one(first: Any, second: Any, first_name: str, second_name: str) -> Any:
    if (first is None) == (second is None):
        raise click.UsageError(f"give {first_name} or {second_name}, one of them")
    return first if second is None else second


def _as_data(problems: Any) -> list[Any]:
    import msgspec

    return [msgspec.to_builtins(problem) for problem in problems]


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


def _import(session: Session, path: Path | None, input_: Path | None, dry_run: bool, html: Path | None, yes: bool, as_json: bool,
            accept_edits: bool, no_journal: bool, skipped_log: Path | None, create: bool, kinds: Sequence[str], interactive: bool, no_input: bool,
            decisions_file: Path | None, create_missing: tuple[str, ...], refresh: bool, **options: Any) -> None:  # fmt: skip
    """Import what a path holds, after questions and a look at it where a person is there to be asked."""
    from bakeio_core.errors import DocumentError, ImportRefused, UsageError
    from bakeio_core.output import restored

    if interactive and no_input:
        raise click.UsageError("--interactive asks and --no-input does not: give one of them")
    target = _only_one(path, input_, "PATH", "--input")
    core = session.bakeio
    source = core.open(sys.stdin.buffer if str(target) == "-" else target, accept_edits=accept_edits)
    if source.kind not in (*kinds, "skipped"):
        raise DocumentError(f"{target}: is a {source.kind}: import it with bakeio import {target}", code="bad-document")
    if refresh and (source.kind != "view" or str(target) == "-"):
        raise UsageError("--refresh writes into the file of a view: give the path of one")
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
            shown = _ask(session, core, source, create, options)
    progress = _progress(session)
    log = skipped_log or Path(f"docs/exports/import_skipped_{datetime.now(timezone.utc):%Y-%m-%d_%H%M%S}.json")
    if source.kind == "skipped" and log.exists() and log.samefile(target):
        raise UsageError(f"{log} is what is being imported: log what is skipped to another file")
    report: Report | None = None

    def work(db: Connection) -> None:
        nonlocal report
        put_back()
        if create:
            core.create_tables(db)
        how: dict[str, Any] = {"dry_run": dry_run, "journal": not no_journal, "skipped_log": log, "progress": progress}
        report = core.apply(db, shown, **how) if shown else core.import_(db, source, **how, **options)
        if agreed is not None and report.summary != agreed:
            message = "the database changed after you were asked, and other rows would be deleted or written: nothing was. Do it again"
            raise ImportRefused(message, code="changed-meanwhile")
        if dry_run:
            raise _TakeBack

    try:
        with questions.kept_if_stopped(), restored(log) as put_back:
            session.write(work, create=create)
    except _TakeBack:
        pass
    except ImportRefused as refused:
        if refused.report is None:
            raise
        report = refused.report
        if no_input or decisions_file is not None:
            questions.write_down(options)
    _end_progress(progress)
    if report is None:
        return
    if html is not None:
        _write_page(session, report, html)
    if refresh and not (dry_run or report.refused):
        _refresh(session, Path(target))
    _show_report(session, report, as_json)


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
        from bakeio_core.resolve import read_decisions

        self.session, self.source, self.create, self.given = session, source, create, file
        default = "import.decisions.json" if str(target) == "-" else f"{target.stem or target.name}.decisions.json"
        self.from_stdin = str(target) == "-"
        self.file = file or target.with_name(default) if not self.from_stdin else file or Path(default)
        if file is not None and not file.exists() and not writes:
            raise DocumentError(f"{file}: there is no such file; --interactive or --no-input writes one", code="missing-file")
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
    if not create or session._is_there():
        with session.reading() as db:
            yield db
        return
    with contextlib.suppress(_TakeBack), session.writing(create=True) as db:
        session.bakeio.create_tables(db)
        yield db
        raise _TakeBack


def _write_page(session: Session, report: Report, path: Path) -> None:
    """Write the report as a page; where that fails the import is done all the same, and so its exit code stays."""
    from bakeio_core.errors import BakeioError
    from bakeio_core.output import atomic_file
    from bakeio_core.page import page

    try:
        with atomic_file(path) as file:
            file.write(page(report).encode())
        session.say(f"Wrote {path}")
    except BakeioError as error:
        outcome = "nothing was imported" if report.refused or report.dry_run else "the import is done"
        click.echo(shownable(f"Error: {error} ({outcome}, only its report is missing)", sys.stderr), err=True)


def _ask(session: Session, core: Bakeio, source: Any, create: bool, options: dict[str, Any]) -> Plan | None:
    """Show a person what many changes would be, and ask; no transaction is open while they think. Return what they said yes to."""
    from bakeio_core.difference import lines

    if create and not session._is_there():
        return None
    with session.reading() as db:
        plan = core.plan(db, source, **options)
    shown = lines(plan.report, color=_colored(sys.stderr))
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
    if create and not session._is_there():
        return None
    with contextlib.suppress(_TakeBack), session.writing() as db:
        report = session.bakeio.import_(db, source, dry_run=True, journal=False, **options)
        raise _TakeBack
    gone = report.summary.get("deleted", 0)
    if gone:
        session.say("\n".join(f"  {name:<20} {counts['deleted']:>9,} to be deleted" for name, counts in report.entities.items()))
        click.confirm(f"Delete {counted(gone, 'row')} the set does not have?", abort=True, err=True)
    return report.summary if gone else None


def _colored(stream: Any) -> bool:
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR")


@bakeio.command("import-complete")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@import_options
@click.pass_obj
def import_complete(session: Session, /, **options: Any) -> None:
    """Import a normalized set: its folder, zip or manifest. Makes missing tables; all of it or nothing."""
    _import(session, create=True, kinds=("set",), **options)


@bakeio.command("import-view")
@click.argument("path", required=False, metavar="FILE", type=click.Path(path_type=Path))
@import_options
@click.pass_obj
def import_view(session: Session, /, **options: Any) -> None:
    """Import an edited view: only its editable fields are written, and edits of the database are never lost. `-` reads stdin."""
    _import(session, create=False, kinds=("view",), **options)


@bakeio.command("import")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@import_options
@click.pass_obj
def import_any(session: Session, /, **options: Any) -> None:
    """Import a set, a view or an entity's file, whichever it is."""
    _import(session, create=False, kinds=("set", "view", "entity"), **options)


@bakeio.command("export-view")
@click.argument("name")
@click.option("--output", "-o", metavar="FILE|-", help="The file; - is stdout. Default: docs/exports/ai_augmentation/view_<name>.json.")
@click.option("--fields", metavar="A,B", help="Only these fields; keys stay.")
@click.option("--missing", multiple=True, metavar="FIELD", help="Only records that lack this field; may be given more than once.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many records.")
@click.option("--all", "everything", is_flag=True, help="With hidden records.")
@click.option("--format", "format_", metavar="F", help="A format a plugin brings, instead of JSON.")
@click.option("--force", is_flag=True, help="Overwrite a file whose edits are not imported yet.")
@json_option
@click.pass_obj
def export_view(session: Session, name: str, output: str | None, fields: str | None, missing: tuple[str, ...], limit: int | None,
                everything: bool, format_: str | None, force: bool, as_json: bool) -> None:  # fmt: skip
    """Write a view: a file a person or an assistant edits, to be imported again."""
    from bakeio_core.errors import PluginError, UsageError

    core = session.bakeio
    whole = core.view(name)
    try:
        view = whole.narrow(fields=fields.split(",") if fields else None, missing=missing, limit=limit, everything=everything)
    except PluginError as error:
        raise UsageError(str(error)) from None
    suffix = core.formats[format_].suffix if format_ in core.formats else ".json"
    path = output or f"docs/exports/ai_augmentation/view_{view.name}{suffix}"
    progress = _progress(session)
    with session.reading() as db:
        if path == "-":
            core.export_view(db, view, sys.stdout.buffer)
            return
        count = core.export_view(db, view, path, format=format_, force=force, progress=progress)
    _end_progress(progress)
    if as_json:
        session.result_json({"file": path, "view": view.name, "records": count})
    else:
        session.result(f"Exported {count:,} records to {path}")


@bakeio.command()
@click.argument("view")
@click.pass_obj
@json_option
def schema(session: Session, view: str, as_json: bool) -> None:
    """Print the JSON Schema of what a person or an assistant may return of a view."""
    from bakeio_core.schema import view_schema

    core = session.bakeio
    value = view_schema(core.view(view), core.catalog)
    if as_json:
        session.result_json(value)
    else:
        session.result(json.dumps(value, ensure_ascii=False, indent=2))


@bakeio.command()
@click.argument("entity")
@click.argument("text")
@click.option("--limit", type=click.IntRange(min=1), default=5, show_default=True, help="At most so many candidates.")
@json_option
@click.pass_obj
def suggest(session: Session, entity: str, text: str, limit: int, as_json: bool) -> None:
    """List the rows of ENTITY that TEXT may mean, the best first, with scores and reasons."""
    with session.reading() as db:
        found = session.bakeio.suggest(db, entity, text, limit)
    if as_json:
        session.result_json({"entity": entity.replace("-", "_"), "text": text, "candidates": [candidate.as_dict() for candidate in found]})
        return
    from bakeio_core.dialogue import listed

    for line in listed(found)[1:]:
        session.result(line)
    if not found:
        session.result("Nothing is like it.")


@bakeio.command()
@click.argument("action", type=click.Choice(["list", "remove"]), default="list")
@click.argument("entity", required=False)
@click.argument("name", required=False)
@json_option
@click.pass_obj
def aliases(session: Session, action: str, entity: str | None, name: str | None, as_json: bool) -> None:
    """List what names were mapped to in earlier imports, or forget one: aliases remove ENTITY NAME."""
    core = session.bakeio
    if action == "remove":
        if entity is None or name is None:
            raise click.UsageError("say which: bakeio aliases remove ENTITY NAME")
        with session.writing() as db:
            gone = core.forget_alias(db, entity, name)
        if not gone:
            raise click.ClickException(f'nothing was learned of "{name}" as a name of {entity}; see: bakeio aliases')
        session.result_json({"removed": gone}) if as_json else session.result(f"Forgot {gone}.")
        return
    with session.reading() as db:
        found = [alias for alias in core.aliases(db) if entity in (None, alias["entity"])]
    if as_json:
        session.result_json({"aliases": found})
        return
    for alias in found:
        said = ", ".join(map(str, alias["key"].values()))
        session.result(f"{alias['entity']:<14} {said}  is  {alias['row'] or '(a row that is gone)'}  ({alias['at'][:10]})")
    if not found:
        session.result("Nothing was learned yet.")


@bakeio.command()
@json_option
@click.pass_obj
def runs(session: Session, as_json: bool) -> None:
    """List what was imported, the latest run first."""
    from bakeio_core.values import printable

    with session.reading() as db:
        found = session.bakeio.runs(db)
    if as_json:
        session.result_json({"runs": found})
        return
    for run in found:
        counts = ", ".join(
            f"{number:,} {name}" for name, number in run["counts"].items() if number and name not in ("processed", "nulls_kept")
        )
        session.result(f"{run['id']:>4}  {run['at'][:19]}Z  {printable(run['source'])}  {run['mode']}: {counts or 'nothing'}")
    if not found:
        session.result("Nothing was imported yet.")


@bakeio.command()
@click.argument("run", required=False, type=click.IntRange(min=1))
@click.option("--dry-run", is_flag=True, help="Do everything, show it, and write nothing.")
@json_option
@click.pass_obj
def undo(session: Session, run: int | None, dry_run: bool, as_json: bool) -> None:
    """Take one import back: the latest, or RUN. What was changed since is kept and named."""
    report: Report | None = None

    def work(db: Connection) -> None:
        nonlocal report
        report = session.bakeio.undo(db, run, dry_run=dry_run)
        if dry_run:
            raise _TakeBack

    with contextlib.suppress(_TakeBack):
        session.write(work)
    if report is not None:
        _show_report(session, report, as_json)


@bakeio.command()
@click.argument("entity")
@click.argument("key")
@click.argument("field", required=False)
@json_option
@click.pass_obj
def why(session: Session, entity: str, key: str, field: str | None, as_json: bool) -> None:
    """Tell which run, file and record made a row or set its FIELD. KEY is its slug, another key or its id."""
    from bakeio_core.values import printable, shown

    with session.reading() as db:
        found = session.bakeio.why(db, entity, key, field)
    if as_json:
        session.result_json({"entity": entity.replace("-", "_"), "key": key, "field": field, "history": found})
        return
    for entry in found:
        what = {"create": "created", "delete": "deleted"}.get(
            entry["action"]
        ) or f"{entry['field']}: {shown(entry['old'])} -> {shown(entry['new'])}"
        where = f"{entry['file'] or entry['source']}" + (f", record {entry['record']}" if entry["record"] else "")
        session.result(printable(f"{what}  (run {entry['run']}, {entry['at'][:19]}Z, {where})"))
    if not found:
        session.result("No import set it: it was made or changed elsewhere, or without a journal.")


class _TakeBack(Exception):
    """Leave the write transaction without writing, tables and all."""


def _show_report(session: Session, report: Report, as_json: bool) -> None:
    from bakeio_core.difference import lines

    if as_json:
        session.result_json(report.as_dict())
    else:
        preview = lines(report, color=_colored(sys.stdout)) if report.dry_run or report.refused else []
        if preview:
            session.result("\n".join(preview), colored=True)
        session.result(report.text())
    if report.exit_code:
        raise SystemExit(report.exit_code)


@bakeio.command()
@json_option
@click.pass_obj
def entities(session: Session, as_json: bool) -> None:
    """List what can be exported and imported, in import order."""
    catalog = session.bakeio.catalog
    rows = [
        {"name": name, "plugin": plugin.name, "distribution": plugin.distribution, "version": plugin.version, "refers_to": catalog.dependencies(entity)}
        for name, entity in catalog.entities.items()
        for plugin in [catalog.provider[name]]
    ]  # fmt: skip
    disabled = {name: reason for name, reason in catalog.disabled.items() if not name.startswith("view ")}
    if as_json:
        session.result_json({"entities": rows, "disabled": disabled})
        return
    for row in rows:
        after = f"  refers to {', '.join(row['refers_to'])}" if row["refers_to"] else ""
        session.result(f"{row['name']:<20} {row['distribution']} {row['version']}{after}")
    for name, reason in disabled.items():
        session.result(f"{name:<20} disabled: {reason}")


@bakeio.command()
@json_option
@click.pass_obj
def views(session: Session, as_json: bool) -> None:
    """List the views: what each is for, and which fields may be edited."""
    catalog = session.bakeio.catalog
    rows = [
        {"name": name, "entity": view.entity, "purpose": view.purpose, "plugin": catalog.view_provider[name].name,
         "distribution": catalog.view_provider[name].distribution, "version": catalog.view_provider[name].version,
         "editable": view.names("editable")}
        for name, view in sorted(catalog.views.items())
    ]  # fmt: skip
    disabled = {name.removeprefix("view "): reason for name, reason in catalog.disabled.items() if name.startswith("view ")}
    if as_json:
        session.result_json({"views": rows, "disabled": disabled})
        return
    for row in rows:
        session.result(
            f"{row['name']:<12} {row['distribution']} {row['version']}  {row['purpose']}\n{'':<12} edits {', '.join(row['editable'])}"
        )
    for name, reason in disabled.items():
        session.result(f"{name:<12} disabled: {reason}")


@bakeio.command()
@json_option
@click.pass_obj
def plugins(session: Session, as_json: bool) -> None:
    """List the plugins: name, distribution, version, status, hooks."""
    found = [
        {"name": p.name, "distribution": p.distribution, "version": p.version, "status": p.status, "reason": p.reason, "hooks": list(p.hooks)}
        for p in session.bakeio.plugins.all.values()
    ]  # fmt: skip
    if as_json:
        session.result_json({"plugins": found})
        return
    for plugin in found:
        what = ", ".join(plugin["hooks"]) if plugin["status"] == "active" else plugin["reason"]
        session.result(f"{plugin['name']:<20} {plugin['distribution']} {plugin['version']:<8} {plugin['status']:<8} {what}")


def _explain(error: Any, as_json: bool) -> int:
    """Print what went wrong and return the exit code it means."""
    from bakeio_core.errors import UsageError
    from bakeio_core.values import printable

    code = 2 if isinstance(error, UsageError) else 1
    if as_json:
        Session.result_json({"error": {"code": error.code, "message": str(error)}, "problems": _as_data(getattr(error, "problems", []))})
    else:
        click.echo(shownable(f"Error: {printable(str(error))}", sys.stderr), err=True)
    return code


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; the process ends with the exit code of the contract."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        bakeio.main(words, prog_name="bakeio", standalone_mode=False)
        code = 0
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        code = done.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted: nothing was written.", err=True)
        code = 130
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        click.echo(shownable(said.getvalue().rstrip("\n"), sys.stderr), err=True)
        code = error.exit_code
    except BrokenPipeError:
        # the reader has gone: point stdout nowhere, so that nothing complains at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except Exception as error:
        from bakeio_core.errors import BakeioError

        if not isinstance(error, (BakeioError, OSError)):
            raise
        if isinstance(error, OSError):
            error = BakeioError(f"{error.filename or 'a file'}: {(error.strerror or str(error)).lower()}", code="io-error")
        code = _explain(error, "--json" in words)
    raise SystemExit(code)
