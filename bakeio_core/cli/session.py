"""What every command of the command line has: the database, the plugins, and a way to print.

Results go to stdout, talk to stderr.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

from bakeio_core.cli.process.collector import COLLECTOR
from bakeio_core.cli.process.interrupts import Interrupts
from bakeio_core.cli.process.streams import OUTPUT, talk

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from bakeio_core.catalog.plugins.profile import Profile
    from bakeio_core.errors import BakeioError
    from bakeio_core.host.bakeio import Bakeio
    from bakeio_core.host.installed import Installed
    from bakeio_core.host.shapes import Shapes

DATABASE = "bakeio.db"
"""The database where nobody names one."""
ATTEMPTS = 5
"""How often work is begun where other transactions come between."""
T = TypeVar("T")
Found = TypeVar("Found", bound="Installed")


class Session:
    """Give a command what the global options say: the database, the plugins, ways to print and ask.

    A command takes it with `@click.pass_obj`. A program may make one for a database of its own.

    Args:
        database: A path of an SQLite file, a URL, or an engine, whose connections are used then;
            None is what the profile says, or `bakeio.db`.
        block: The plugins and distributions to leave out.
        quiet: Print only errors on stderr.
        wait: How many seconds to wait for another program that is writing; an engine that knows
            how long keeps to that.
        profile: The file of the profile; None is the one beside the database's file, else the one
            in the current folder.
        bakeio: The library with its plugins, where a program has it already.
    """

    def __init__(
        self,
        database: str | Engine | None = None,
        block: Sequence[str] = (),
        quiet: bool = False,
        wait: float = 10.0,
        profile: str | Path | None = None,
        bakeio: Bakeio | None = None,
    ) -> None:
        self.block, self.quiet, self.wait = block, quiet, wait
        self.interrupts = Interrupts()
        self._engine: Engine | None = None
        self._named_database: str | None = None
        if database is None or isinstance(database, str):
            self._named_database = database
        else:
            self._engine = database
            self._named_database = database.url.render_as_string(hide_password=False)
        self._named_profile = None if profile is None else Path(profile)
        if bakeio is not None:
            self.bakeio = bakeio

    @cached_property
    def profile(self) -> Profile:
        """What the profile says.

        Raises:
            UsageError: It cannot be read, or says something it cannot mean.
        """
        from bakeio_core.catalog.plugins.profile import Profile
        from bakeio_core.database.connect import file_of

        if self._named_profile is not None:
            return Profile.read(self._named_profile)
        file = file_of(self._named_database) if self._named_database else None
        return Profile.find(Path(file).parent if file else None)

    @cached_property
    def database(self) -> str:
        """The database, as somebody named it: here, in the environment or in the profile.

        A path or a URL, with its password; `reading`, `writing` and `write` open it.
        """
        return self._named_database or self.profile.database or DATABASE

    @cached_property
    def bakeio(self) -> Bakeio:
        """The library with its plugins; they are loaded when a command first needs them."""
        from bakeio_core.host.bakeio import Bakeio

        return self._discovered(Bakeio)

    @cached_property
    def installed(self) -> Shapes:
        """What is installed, for commands that open neither database nor file: sooner there."""
        from bakeio_core.host.shapes import Shapes

        return self._discovered(Shapes)

    def _discovered(self, kind: type[Found]) -> Found:
        found = kind.discover(block=self.block, profile=self.profile.path)
        COLLECTOR.work()
        for line in found.broken():
            self.say(f"warning: {line}")
        return found

    def say(self, text: str = "", *, colored: bool = False) -> None:
        """Print a message to stderr, unless `quiet`.

        Args:
            text: The line or lines.
            colored: Whether they hold escape sequences of ours and none of anybody else.
        """
        if not self.quiet:
            talk(shownable(text, sys.stderr, colored=colored))

    @contextlib.contextmanager
    def talking(self) -> Iterator[None]:
        """Print what the library writes to its log, such as what it waits for."""
        from bakeio_core.cli.process.log import hearing

        with hearing(self.say):
            yield

    @staticmethod
    def result(text: str, *, colored: bool = False) -> None:
        """Print a result to stdout."""
        OUTPUT.text(shownable(text, sys.stdout, colored=colored))

    @staticmethod
    def result_json(value: dict[str, Any]) -> None:
        """Print the one JSON object of a command, in UTF-8 whatever the terminal."""
        text = json.dumps(value, ensure_ascii=False, default=str) + "\n"
        OUTPUT.line(text.encode("utf-8", "backslashreplace"))

    @staticmethod
    def confirm(question: str) -> None:
        """Ask a person to agree; an empty answer means no.

        Args:
            question: What is asked, such as `Write this?`; it goes to stderr.

        Raises:
            Declined: The person said no; the command ends with exit code 1.
            click.Abort: Nobody answers; it ends with exit code 130.
        """
        if not click.confirm(question, err=True):
            raise Declined

    @contextlib.contextmanager
    def progress(
        self, phase: str = "", totals: Mapping[str, int] | None = None, *, silent: bool = False
    ) -> Iterator[Callable[[str, int], None] | None]:
        """Show on a terminal how far long work is until the block ends: a bar on stderr.

        Args:
            phase: What is done, such as `planning`.
            totals: How many records of each entity or view there are, where that is known; then
                the bar tells how much time is left.
            silent: Show nothing, as for `--json`.

        Returns:
            A function of (entity, records done), for the `progress` of `Bakeio`; None where
            nobody sees it.
        """
        from bakeio_core.cli.process.progress import showing

        is_plain = self.quiet or silent or os.environ.get("TERM") == "dumb"
        with showing(phase, totals or {}, not is_plain and sys.stderr.isatty()) as show:
            yield show

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open the database to read one consistent snapshot.

        Raises:
            DatabaseError: There is none.
        """
        from bakeio_core.database.connect import begin_read

        self._require()
        with self._connected(self.database) as engine, begin_read(engine) as db:
            self._require_tables(db)
            yield db

    @contextlib.contextmanager
    def writing(self, *, create: bool = False) -> Iterator[Connection]:
        """Open the database for one write transaction.

        Args:
            create: Make a missing one, which appears when the block has ended well.

        Raises:
            DatabaseError: There is none, or another program made it meanwhile.
        """
        from bakeio_core.database.connect import connect, file_of
        from bakeio_core.errors import DatabaseError
        from bakeio_core.files.leftovers import settle
        from bakeio_core.files.output import new_file

        path = file_of(self.database)
        if not create:
            self._require()
        if path is None or self._engine is not None or os.path.lexists(path):
            if path is not None:
                with contextlib.suppress(OSError):
                    settle(Path(path))
            with self._transaction(self.database, create) as db:
                yield db
            return
        connect(self.database).dispose()  # its options make sense, before its path alone is used
        try:
            with new_file(Path(path)) as part, self._transaction(str(part), create) as db:
                yield db
        except FileExistsError:
            raise DatabaseError(
                f"{path} was created by another program meanwhile: nothing was written. Try again",
                code="changed-meanwhile",
                retryable=True,
            ) from None

    @contextlib.contextmanager
    def _transaction(self, target: str, create: bool) -> Iterator[Connection]:
        from bakeio_core.database.connect import begin_write, is_there, translated
        from bakeio_core.database.dialects import dialect_of

        with self._connected(target) as engine:
            if not is_there(target):
                with translated(self.database), engine.connect() as db:
                    dialect_of(db).prepare_new(db)
            with begin_write(engine, self.database, wait=self.wait) as db:
                if not create:
                    self._require_tables(db)
                yield db
                self.interrupts.point_of_no_return()

    @contextlib.contextmanager
    def _connected(self, target: str) -> Iterator[Engine]:
        """Give the engine of a program, or one for as long as the block lasts."""
        from bakeio_core.database.connect import connect

        if self._engine is not None:
            yield self._engine
            return
        engine = connect(target, timeout=self.wait)
        try:
            yield engine
        finally:
            engine.dispose()

    def write(
        self, work: Callable[[Connection], T], *, create: bool = False, dry_run: bool = False
    ) -> T:
        """Do work in one write transaction and return its result.

        If another transaction came between, all of it is done again, a few times at most.

        Args:
            work: What to do.
            create: As for `writing`.
            dry_run: Do the work and roll back, also the new tables.
        """
        from bakeio_core.errors import DatabaseError

        for attempt in range(1, ATTEMPTS + 1):
            try:
                with contextlib.suppress(_Rollback), self.writing(create=create) as db:
                    result = work(db)
                    if dry_run:
                        raise _Rollback
                break
            except DatabaseError as error:
                if not error.retryable or attempt == ATTEMPTS:
                    raise
            self.interrupts.begin_anew()
            self.say("another transaction was faster: repeating the import")
            time.sleep(random.uniform(0.05, 0.3))
        return result

    @property
    def shown(self) -> str:
        """The database as it may be shown to people: without its password."""
        from bakeio_core.database.connect import shown_url

        return shown_url(self.database)

    @contextlib.contextmanager
    def exporting(self) -> Iterator[Connection]:
        """Read as `reading` does for files, after whose swap an interrupt comes too late."""
        from bakeio_core.files.output import telling_swaps

        with self.reading() as db, telling_swaps(self.interrupts.point_of_no_return):
            yield db

    def is_there(self) -> bool:
        """Tell whether the database exists."""
        from bakeio_core.database.connect import is_there

        return is_there(self.database)

    def _require(self) -> None:
        if not self.is_there():
            raise _no_database(self.database)

    def has_tables(self, db: Connection) -> bool:
        """Tell whether the database has the table of any entity."""
        from bakeio_core.database.dialects import columns_there

        return bool(columns_there(db, self.bakeio.catalog.tables.values()))

    def _require_tables(self, db: Connection) -> None:
        from bakeio_core.database.dialects import schemas_looked_into
        from bakeio_core.history.upgrade import refuse_foreign

        if not self.has_tables(db):
            refuse_foreign(db, self.bakeio.catalog, "run: bakeio init --yes")
            raise _no_database(self.database, schemas_looked_into(db))


def _no_database(target: str, schemas: Sequence[str] = ()) -> BakeioError:
    """Return that there is no database, and in which schemas it was looked for."""
    from bakeio_core.database.connect import shown_url
    from bakeio_core.errors import DatabaseError

    looked = f" (looked into the schema {' and '.join(schemas)})" if schemas else ""
    return DatabaseError(f"no database at {shown_url(target)}{looked}; run: bakeio init")


def show_error(message: str) -> None:
    """Write a message to stderr as that of an error, though the command goes on."""
    talk(shownable(f"Error: {message}", sys.stderr))


def shownable(text: str, stream: Any, *, colored: bool = False) -> str:
    """Make a text harmless: what a terminal would obey or cannot show stands in it as escapes.

    Args:
        text: The text.
        stream: Where it goes, whose encoding counts.
        colored: Whether it holds escape sequences of ours, which stay.
    """
    from bakeio_core.values.wording import printable

    if not colored:
        text = "\n".join(map(printable, text.split("\n")))
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json`: one UTF-8 JSON object on stdout and nothing else there."""
    option = click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object on stdout."
    )
    return option(function)


def colored(stream: Any) -> bool:
    """Tell whether a stream is to be written to in colours."""
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return bool(stream.isatty()) and not is_plain


class Declined(click.ClickException):
    """End a command because the person said no."""

    def __init__(self) -> None:
        super().__init__("Not done: nothing was written.")

    def show(self, file: IO[Any] | None = None) -> None:
        """Say so; it is not an error."""
        click.echo(self.message, file=file, err=True)


class _Rollback(Exception):
    """Leave the write transaction without writing."""
