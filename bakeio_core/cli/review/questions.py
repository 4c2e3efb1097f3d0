"""The questions of an import on a terminal, and where the answers are kept."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from bakeio_core.cli.process.terminal import terminal_device
from bakeio_core.cli.session import Session, shownable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.exchange import Decision, Question
    from bakeio_core.history.reports.report import Report
    from bakeio_core.importing.reading.sources import Source
    from bakeio_core.importing.run import Plan
    from bakeio_core.resolving.asking.prompts import Talk

Terminal = tuple[IO[str], IO[str]]
"""What answers are read from, and what questions are written to."""


class Questions:
    """The answers of one import: read from a file, given on a terminal, written down again.

    Args:
        session: The database and the plugins.
        source: What is imported.
        create: Whether a missing database is made.
        target: The path of the source; `-` is stdin.
        file: The decisions file that was asked for.
        writes: Whether a decisions file may be new.

    Raises:
        DocumentError: There is no such file, or it makes no sense.
    """

    def __init__(
        self,
        session: Session,
        source: Source,
        create: bool,
        target: Path,
        file: Path | None,
        *,
        writes: bool,
    ) -> None:
        from bakeio_core.errors import DocumentError
        from bakeio_core.files.output import refuse_file

        self.session, self.source, self.create, self.given = session, source, create, file
        self.from_stdin = str(target) == "-"
        default = target.with_name(f"{target.stem or target.name}.decisions.json")
        if self.from_stdin:
            default = Path("import.decisions.json")
        self.file = file or default
        if file is not None and not file.exists() and not writes:
            raise DocumentError(
                f"{file}: there is no such file; --interactive or --no-input writes one",
                code="missing-file",
            )
        if writes:
            session.bakeio.formats.to_write(self.file)  # nobody is to answer in vain
            refuse_file(self.file, lambda _: None)  # what is in a file is told when it is read
        self.answers: dict[Question, Decision] = {}
        if self.file.exists() and (file is not None or writes):
            from bakeio_core.resolving.decision_files.file import read_decisions

            known = read_decisions(self.file, session.bakeio.catalog, session.bakeio.formats)
            # a file of that name which was not asked for is only checked: new answers are to be
            # added to it, not lost for its sake
            self.answers = known if file is not None else {}
        self.asked = False
        self._refused: dict[Question, str] = {}

    def take_back(self, refused: Iterable[Question]) -> bool:
        """Forget answers the database refused, so that they are asked again with the reason.

        Returns:
            Whether one of them was given here.
        """
        mine = [item for item in refused if self.answers.pop(item, None) is not None]
        self._refused |= {item: item.why for item in mine}
        return bool(mine)

    def ask(self, options: dict[str, Any]) -> None:
        """Plan and ask until no question keeps records out.

        What was answered is kept in the decisions file, whatever happens.

        Args:
            options: What `Bakeio.plan` is told.

        Raises:
            click.Abort: Nobody answers any more.
            click.ClickException: The person stopped.
        """
        from bakeio_core.errors import counted
        from bakeio_core.resolving.asking.dialogue import Dialogue, created_unasked

        catalog, create = self.session.bakeio.catalog, options["create"]
        dialogue = Dialogue(catalog, self.answers)
        with self._talking() as talk:
            while asked := _asked(plan := self._plan(options | {"create": ()})):
                if _hopeless(plan.report, options):
                    self.session.say(
                        "No questions yet: correct the other problems first, because the import "
                        "would be refused with any answer."
                    )
                    break
                self.asked = True
                created = created_unasked(catalog, asked, create) if create else {}
                self.answers |= created
                if created:
                    self.session.say(
                        f"{counted(len(created), 'new row')} to be created without a question "
                        "(--auto-create)."
                    )
                asked = [item for item in asked if item not in created]
                if not asked:
                    continue
                for item in asked:
                    item.why = item.why or self._refused.pop(item, "")
                talk(dialogue.ask(asked))
        if self.asked and self.given is not None:
            self._keep("kept in")

    @contextlib.contextmanager
    def _talking(self) -> Iterator[Callable[[Talk], None]]:
        """Open the terminal with the first conversation; what is answered is kept if it breaks off.

        Raises:
            click.Abort: Nobody answers any more.
            click.ClickException: The person stopped.
        """
        from bakeio_core.resolving.asking.prompts import Stopped

        try:
            with contextlib.ExitStack() as opened:
                terminal: list[Terminal] = []

                def talk(conversation: Talk) -> None:
                    if not terminal:
                        terminal.append(opened.enter_context(self._terminal()))
                    _converse(conversation, terminal[0])

                yield talk
        except (click.Abort, KeyboardInterrupt, EOFError):
            self.session.say()
            self._keep()
            raise click.Abort from None
        except Stopped:
            self._keep()
            raise click.ClickException("stopped: nothing was written") from None

    def review(self, options: dict[str, Any]) -> Plan:
        """Walk through what would be changed; what is rejected is kept as decisions.

        Args:
            options: What `Bakeio.plan` is told.

        Returns:
            The plan without what was rejected.

        Raises:
            click.Abort: Nobody answers any more.
            click.ClickException: The person stopped.
        """
        from bakeio_core.cli.review.difference import called, changed
        from bakeio_core.importing.run import name_records
        from bakeio_core.resolving.asking.review import ChangeReview

        plan = self._plan(options)
        if plan.report.refused:
            return plan
        name_records(self.source, plan.changes)
        walk = ChangeReview(self.answers, changed, called)
        with self._talking() as talk:
            talk(walk.ask(plan.changes))
        if walk.rejected:
            self.asked = True
            if self.given is not None:
                self._keep("kept in")
            plan = self._plan(options)
        return plan

    @contextlib.contextmanager
    def kept_if_stopped(self) -> Iterator[None]:
        """Keep what somebody has answered where nothing is written after all."""
        try:
            yield
        except BaseException:
            self.keep_new()
            raise

    def keep_new(self) -> None:
        """Keep answers that are in no file yet: nobody should have to answer again."""
        if self.asked and self.given is None:
            self._keep()

    def write_down(self, options: dict[str, Any]) -> None:
        """Write what nobody has answered into the decisions file, ready to be answered.

        Args:
            options: What `Bakeio.plan` is told.
        """
        from bakeio_core.errors import counted
        from bakeio_core.resolving.decision_files.file import write_decisions

        asked = self._plan(options).open
        core = self.session.bakeio
        if asked:
            write_decisions(self.file, self.answers, asked, core.catalog, core.formats)
            self.session.say(
                f"{counted(len(asked), 'question')} to be answered in {self.file}: "
                f'fill in "action", then: --decisions {self.file}'
            )

    def _keep(self, how: str = "kept; to go on from there: --decisions") -> None:
        from bakeio_core.errors import counted
        from bakeio_core.resolving.decision_files.file import write_decisions

        core = self.session.bakeio
        if self.answers:
            write_decisions(self.file, self.answers, (), core.catalog, core.formats)
            self.session.say(f"{counted(len(self.answers), 'decision')} {how} {self.file}")

    def _plan(self, options: dict[str, Any]) -> Plan:
        """Find out what is missing; the database is closed again before anybody is asked."""
        core = self.session.bakeio
        if not self.create or self.session.is_there():
            with self.session.reading() as db:
                return core.plan(db, self.source, **options)

        def look(db: Connection) -> Plan:
            core.create_tables(db)
            return core.plan(db, self.source, **options)

        # one that is to be made is made for the time of the look only
        return self.session.write(look, create=True, dry_run=True)

    @contextlib.contextmanager
    def _terminal(self) -> Iterator[Terminal]:
        """Open what answers are read from and questions are written to.

        That is the terminal itself where the records come through stdin.
        """
        if not self.from_stdin:
            yield sys.stdin, sys.stderr
            return
        with contextlib.ExitStack() as opened:
            try:
                terminal = opened.enter_context(terminal_device())
            except OSError:
                raise click.UsageError(
                    "the records come through stdin and there is no terminal to ask on: "
                    "give a file, or --decisions"
                ) from None
            yield terminal


def _converse(talk: Talk, terminal: Terminal) -> None:
    """Carry on a conversation on a terminal, or with lines somebody piped in.

    Raises:
        EOFError: There are no more lines.
    """
    asked, answered = terminal
    answer: Any = None  # a generator is begun by sending it nothing
    while True:
        try:
            prompt = talk.send(answer)
        except StopIteration as ended:
            for line in ended.value or ():
                click.echo(shownable(line, answered), file=answered)
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


def _asked(plan: Plan) -> list[Question]:
    """Return what a person is asked: not about records that are left out where they are wrong."""
    from bakeio_core.catalog.exchange import CHECK, VALUE

    left_out = (VALUE, CHECK) if plan.options.skip_errors else ()
    return [question for question in plan.open if question.kind not in left_out]


def _hopeless(report: Report, options: dict[str, Any]) -> bool:
    """Tell whether an import would be refused whatever is answered."""
    codes = {problem.code for problem in report.problems if problem.severity == "error"}
    asked = {
        "unknown-headings",
        "missing-reference",
        "ambiguous-key",
        "conflict",
        "check",
        "bad-value",
    }
    others = codes - asked - {"changed-meanwhile"}
    return bool(others) and not options.get("skip_errors")
