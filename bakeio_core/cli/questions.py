"""The questions of an import on a terminal, and where the answers are kept."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bakeio_core.cli.session import Rollback, Session, shownable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.report import Report


class Questions:
    """The answers of one import: read from a file, given on a terminal, written down again.

    writes: whether a decisions file may be new.
    """

    def __init__(
        self,
        session: Session,
        source: Any,
        create: bool,
        target: Path,
        file: Path | None,
        *,
        writes: bool,
    ) -> None:
        from bakeio_core.errors import DocumentError
        from bakeio_core.files.output import refuse_file
        from bakeio_core.resolving.decision_file import read_decisions

        self.session, self.source, self.create, self.given = session, source, create, file
        default = (
            "import.decisions.json"
            if str(target) == "-"
            else f"{target.stem or target.name}.decisions.json"
        )
        self.from_stdin = str(target) == "-"
        self.file = (
            file or target.with_name(default) if not self.from_stdin else file or Path(default)
        )
        if file is not None and not file.exists() and not writes:
            raise DocumentError(
                f"{file}: there is no such file; --interactive or --no-input writes one",
                code="missing-file",
            )
        if writes:
            refuse_file(self.file, lambda _: None)  # what is in a file is told when it is read
        # a file of that name which was not asked for is only checked: new answers are to be added to it, not lost for its sake
        known = (
            read_decisions(self.file, session.bakeio.catalog)
            if self.file.exists() and (file is not None or writes)
            else {}
        )
        self.answers: dict[Any, Any] = known if file is not None else {}
        self.asked = False

    def ask(self, options: dict[str, Any]) -> None:
        """Plan and ask until nothing is missing. What was answered is kept in the decisions file, whatever happens."""
        from bakeio_core.resolving.dialogue import Dialogue, Stopped

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
        from bakeio_core.resolving.decision_file import write_decisions

        plan = self._plan(options)
        if plan.missing:
            write_decisions(self.file, self.answers, plan.missing, self.session.bakeio.catalog)
            self.session.say(
                f'{counted(len(plan.missing), "question")} to be answered in {self.file}: fill in "action", then: --decisions {self.file}'
            )

    def _keep(self, how: str = "kept; to go on from there: --decisions") -> None:
        from bakeio_core.errors import counted
        from bakeio_core.resolving.decision_file import write_decisions

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

            yield (
                io.TextIOWrapper(device, "utf-8", "replace", write_through=True),
                io.TextIOWrapper(device, "utf-8", write_through=True),
            )


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
    others = [
        problem
        for problem in report.problems
        if problem.severity == "error" and problem.code not in asked
    ]
    return bool(others) and not options.get("skip_errors")


@contextlib.contextmanager
def _looked_at(session: Session, create: bool) -> Iterator[Connection]:
    """Open the database for a look; one that is to be made is made for the time of the look only."""
    if not create or session.is_there():
        with session.reading() as db:
            yield db
        return
    with contextlib.suppress(Rollback), session.writing(create=True) as db:
        session.bakeio.create_tables(db)
        yield db
        raise Rollback
