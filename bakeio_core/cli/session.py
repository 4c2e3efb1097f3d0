"""What every command of the command line has: the database, the plugins, and a way to print. Results go to stdout, talk to stderr."""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.host import Bakeio
    from bakeio_core.report import Report

ATTEMPTS = 5
T = TypeVar("T")


class Session:
    """What the global options say, and what every command needs: the database, the plugins, a way to print."""

    def __init__(
        self, database: str, block: Sequence[str], quiet: bool, wait: float = 10.0
    ) -> None:
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
        sys.stdout.buffer.write(
            json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace")
            + b"\n"
        )
        sys.stdout.flush()

    @contextlib.contextmanager
    def progress(self) -> Iterator[Callable[[str, int], None] | None]:
        """Show how far it is on a terminal, beyond 1,000 records, until the block ends."""
        if self.quiet or not sys.stderr.isatty():
            yield None
            return
        last = [0.0]

        def show(name: str, done: int) -> None:
            if done > 1000 and time.monotonic() - last[0] > 0.2:
                last[0] = time.monotonic()
                click.echo(f"\r  {shownable(name, sys.stderr)} {done:,}\033[K", err=True, nl=False)

        try:
            yield show
        finally:
            click.echo("\r\033[K", err=True, nl=False)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open the database for one consistent look at it. Raises DatabaseError where there is none."""
        from bakeio_core.database.connect import begin_read, connect

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
        from bakeio_core.database.connect import file_of
        from bakeio_core.errors import DatabaseError
        from bakeio_core.files.leftovers import settle
        from bakeio_core.files.output import new_file

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
        from bakeio_core.database.connect import begin_write, connect, is_there, translated
        from bakeio_core.database.dialects import dialect_of

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

    def is_there(self) -> bool:
        """Tell whether the database exists."""
        from bakeio_core.database.connect import is_there

        return is_there(self.database)

    def _require(self) -> None:
        if not self.is_there():
            self._none()

    def _require_tables(self, db: Connection) -> None:
        from bakeio_core.database.dialects import dialect_of

        there = dialect_of(db).existing_columns(db)
        if not any(name in there for name in self.bakeio.catalog.entities):
            self._none()

    def _none(self) -> None:
        from bakeio_core.database.connect import shown_url
        from bakeio_core.errors import DatabaseError

        raise DatabaseError(f"no database at {shown_url(self.database)}; run: bakeio init")


def shownable(text: str, stream: Any, *, colored: bool = False) -> str:
    """Return the text with what a terminal would obey and what the stream's encoding cannot show as escapes."""
    from bakeio_core.values.wording import printable

    if not colored:
        text = "\n".join(map(printable, text.split("\n")))
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json`: one UTF-8 JSON object on stdout and nothing else there."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")(
        function
    )


def colored(stream: Any) -> bool:
    """Tell whether a stream is to be written to in colours."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR")


class Rollback(Exception):
    """Leave the write transaction without writing, tables and all."""


def show_report(session: Session, report: Report, as_json: bool) -> None:
    """Print what an import or an undo came to; one that was refused ends the command with its exit code."""
    from bakeio_core.cli.difference import lines

    if as_json:
        session.result_json(report.as_dict())
    else:
        preview = (
            lines(report, color=colored(sys.stdout)) if report.dry_run or report.refused else []
        )
        if preview:
            session.result("\n".join(preview), colored=True)
        session.result(report.text())
    if report.exit_code:
        raise SystemExit(report.exit_code)
