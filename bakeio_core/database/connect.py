"""Reach a database: connect, open transactions for certain, and say what is wrong when that fails.

What differs between SQLite and PostgreSQL stands in `dialects`; no room above this one names a
dialect.
"""

from __future__ import annotations

import gc
import logging
import os
import re
import socket
import time
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import URL, make_url

from bakeio_core.database.dialect import Dialect
from bakeio_core.database.dialects import dialect_of, look_again
from bakeio_core.database.systems.secrets import shown, without_password, without_secrets
from bakeio_core.errors import DatabaseError, UsageError

BUSY_SECONDS = 10.0
Target = str | Path | URL
Fate = Callable[[Connection], "bool | None"]
"""Tells on another connection whether a transaction was committed, None while nobody knows."""
_WORDS_OF_LIBPQ = re.compile(r"\s*(host|hostaddr|port|dbname|user|password|service|sslmode)\s*=")
"""How other programs name a database of a server, which is no path, and may hold a password."""
_named: ContextVar[Target | None] = ContextVar("named", default=None)


def _url(target: Target) -> URL:
    """Read a URL or a path; a bare path is an SQLite file, a `postgresql://` URL uses psycopg 3."""
    if isinstance(target, URL):
        return target
    text = os.fspath(target)
    is_path = "://" not in text and not text.startswith("sqlite:")
    if is_path and not re.match(r"(postgres|postgresql|cockroachdb)(\+\w+)?:|postgres\w*//", text):
        if _WORDS_OF_LIBPQ.match(text) and not Path(text).exists():
            raise UsageError(
                "the database is given as host=... dbname=...: write it as "
                "postgresql://USER@HOST/NAME, with more options behind ?"
            )
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
        if "@" in (url.host or ""):  # the end of a password
            raise ValueError
    except (exc.ArgumentError, ValueError):  # the latter of a port
        raise UsageError(
            f"cannot read the database URL {without_password(text)!r}: "
            "write a path, sqlite:///PATH or postgresql://USER@HOST/NAME; "
            "in a password / is %2F, @ is %40, : is %3A"
        ) from None
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    return url


def shown_url(target: Target) -> str:
    """Return the database as it may be shown in a message: without its password."""
    url = _url(target)
    if url.get_backend_name() == "sqlite":
        return url.database or ":memory:"
    return shown(url)


def file_of(target: Target) -> str | None:
    """Return the path of the database's file, None where it is not a file."""
    url = _url(target)
    plain = (
        url.get_backend_name() == "sqlite"
        and url.database
        and url.database != ":memory:"
        and not url.database.startswith("file:")
    )
    return url.database if plain else None


def is_there(target: Target) -> bool:
    """Tell whether a database may be there, without creating one: no missing or empty file."""
    path = file_of(target)
    try:
        return path is None or os.path.getsize(path) > 0
    except OSError:
        return False


def connect(target: Target, *, timeout: float = BUSY_SECONDS) -> Engine:
    """Return a SQLAlchemy engine set up for bakeio: `with connect("bakeio.db").begin() as db: ...`.

    On SQLite foreign keys are enforced, and transactions are opened explicitly.

    Args:
        target: a path of an SQLite file, or a URL (`sqlite:///...`, `postgresql://...`).
        timeout: seconds to wait for a lock, 0 not to wait.

    Raises:
        UsageError: for a URL that makes no sense.
    """
    url = _url(target)
    path = file_of(url)
    if path is not None and Path(path).is_dir():
        example = Path(path) / "bakeio.db"
        raise UsageError(f"{path} is a folder: name a file in it, such as {example}")
    plain, arguments = _arguments(url, timeout)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", exc.SAWarning)  # of options that make no sense
            engine = create_engine(plain, connect_args=arguments)
    except (exc.ArgumentError, exc.NoSuchModuleError, ModuleNotFoundError) as error:
        said = without_secrets(str(error), url)
        raise UsageError(f"cannot use {shown_url(url)}: {said}; {_driver_hint(url)}") from None
    except (ValueError, exc.SAWarning) as error:
        said = without_secrets(str(error).split(" and are being ignored")[0], url)
        raise UsageError(f"cannot use the options of {shown_url(url)}: {said}") from None
    for name in ("sqlalchemy", "psycopg"):
        # what they log of errors that are told anyway stays off stderr, where nobody asked for it
        logging.getLogger(name).addHandler(logging.NullHandler())
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _sqlite_on_connect)
        event.listen(engine, "begin", _sqlite_on_begin)
        return engine
    if PREPARED not in arguments:
        event.listen(engine, "connect", _prepare_nothing_for_poolers)
    wait = max(1, int(timeout * 1000))  # 0 would mean to wait for ever

    def begun(db: Connection) -> None:
        db.exec_driver_sql(f"SET LOCAL lock_timeout = '{wait}ms'")
        dialect_of(db).ensure_begun(db)

    event.listen(engine, "begin", begun)
    return engine


def _driver_hint(url: URL) -> str:
    """Say what to do where the driver of a URL is missing or unknown."""
    if url.get_backend_name() != "postgresql":
        return "bakeio works with SQLite and PostgreSQL: write a path or postgresql://..."
    if url.drivername != "postgresql+psycopg":
        return "write postgresql:// in place of it, which uses psycopg"
    return 'for PostgreSQL: pip install "bakeio[postgres]"'


PREPARED = "prepare_threshold"
"""The option of a URL that says how often a statement runs before it is prepared; `none`: never."""
_OF_PROGRAMS = ("autocommit", "context", "row_factory", "cursor_factory")
"""What the driver's `connect` takes of programs, and no URL can say."""


def _arguments(url: URL, timeout: float) -> tuple[URL, dict[str, Any]]:
    """Return the URL, and what the driver is told besides.

    That is how long to wait, or what we are called on the server.

    Raises:
        UsageError: The URL has an option that it cannot have.
    """
    if url.get_backend_name() == "sqlite":
        return url, {"timeout": timeout, "check_same_thread": False}
    if "psycopg" not in url.drivername:
        return url, {}
    name = f"bakeio (process {os.getpid()} on {socket.gethostname()})"
    arguments: dict[str, Any] = {"fallback_application_name": name[:63]}  # NAMEDATALEN, less one
    if "client_encoding" not in url.query:
        arguments["client_encoding"] = "utf8"  # else texts of some databases come as bytes
    for option in _OF_PROGRAMS:
        if option in url.query:
            raise UsageError(f"{option} is not an option of a database URL: leave it out")
    if PREPARED in url.query:
        said = str(url.query[PREPARED])
        if not re.fullmatch(r"\d{1,9}|none", said, re.I):
            raise UsageError(f"{PREPARED}={said} in the database URL: write a number or none")
        arguments[PREPARED] = None if said.lower() == "none" else int(said)
        url = url.difference_update_query([PREPARED])
    return url, arguments


def _prepare_nothing_for_poolers(connection: Any, record: Any) -> None:
    """Prepare no statements where a pooler is between: the next one may go to another server.

    A pooler makes up the number of the server's process that it tells its clients.
    """
    if not hasattr(connection, PREPARED):
        return
    connection.autocommit = True
    told = connection.info.backend_pid
    (real,) = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    connection.autocommit = False
    if told != real:
        connection.prepare_threshold = None


def _sqlite_on_connect(connection: Any, record: Any) -> None:
    # The driver opens no transaction before SAVEPOINT or SELECT: left to itself, a dry run would
    # commit its savepoint.
    connection.isolation_level = None
    # SQLite's own `synchronous=FULL` is left as it is: what was said to be imported outlives a
    # power cut.
    connection.execute("PRAGMA foreign_keys=ON")


def _sqlite_on_begin(db: Connection) -> None:
    dialect_of(db).begin(db, db.get_execution_options().get("bakeio_begin", "BEGIN"))


def connect_scratch(folder: Path, schemas: Collection[str] = ()) -> Engine:
    """Return an engine of a new database in a folder, with schemas of some names."""
    engine = connect(folder / "scratch.db")

    def attach(connection: Any, record: Any) -> None:
        quote = engine.dialect.identifier_preparer.quote_identifier
        for number, schema in enumerate(schemas):
            path = str(folder / f"scratch_{number}.db")
            connection.execute(f"ATTACH DATABASE ? AS {quote(schema)}", (path,))

    event.listen(engine, "connect", attach)
    return engine


@contextmanager
def translated(target: Target | None = None) -> Iterator[None]:
    """Turn the driver's errors inside the block into `DatabaseError`s a person can act on.

    target: what the database is called in them; without it, what a block around this one says.
    """
    named = _named.set(target if target is not None else _named.get())
    try:
        yield
    except exc.DatabaseError as error:
        from bakeio_core.database.systems.refusals.failures import explained

        inside = _named.get()
        url = _url(inside) if inside is not None else None
        where = "" if inside is None else f" {shown_url(inside)}"
        told = explained(error, where, _user(url))
        told.args = (without_secrets(str(told), url),)
        raise told from error
    finally:
        _named.reset(named)


def _user(url: URL | None) -> str:
    """Return who works with a database, as far as it is known."""
    from bakeio_core.database.systems.statements.rights import user_of

    return (user_of(url) if url is not None else None) or "this user"


@contextmanager
def begin_read(engine: Engine) -> Iterator[Connection]:
    """Open one snapshot: everything read inside the block is of one moment.

    The database refuses to write on this connection.
    """
    with translated(engine.url), engine.connect() as db:
        options = dialect_of(db).snapshot_options
        with db.execution_options(**options) if options else db, db.begin():
            dialect_of(db).take_snapshot(db)
            # whatever code reads here, of ours or of a plugin, it cannot write
            with dialect_of(db).only_reading(db):
                yield db


@contextmanager
def begin_write(
    engine: Engine, shown: Target | None = None, *, wait: float = BUSY_SECONDS
) -> Iterator[Connection]:
    """Open the one write transaction: taken at once, committed at the end of the block.

    It is rolled back if the block raises.

    Args:
        engine: the database.
        shown: what the database is called in messages, where that is not the engine's own URL.
        wait: seconds to wait for a lock, where the engine would wait for ever.
    """
    with (
        translated(engine.url if shown is None else shown),
        engine.connect() as db,
        db.execution_options(bakeio_begin="BEGIN IMMEDIATE"),
        _committed(engine, wait) as fate,
        db.begin(),
    ):
        dialect_of(db).limit_waiting(db, wait)
        yield db
        fate.append(dialect_of(db).fate(db))


@contextmanager
def _committed(engine: Engine, wait: float) -> Iterator[list[Fate | None]]:
    """Find out what became of a transaction whose connection is lost while it is committed.

    Yields a list that gets what tells so, before the commit.

    Raises:
        DatabaseError: That cannot be found out; or it was taken back, which is what is raised.
    """
    fate: list[Fate | None] = []
    try:
        yield fate
    except exc.DBAPIError as error:
        if not fate or not error.connection_invalidated:
            raise
        is_kept = None if fate[0] is None else _is_kept(engine, fate[0], wait)
        if is_kept is None:
            text = str(error.orig).strip().split("\n")[0]
            raise DatabaseError(
                f"the connection was lost in the moment of the commit ({text}): either everything "
                "was written, or nothing. See which with bakeio runs before you do it again"
            ) from error
        if not is_kept:
            raise


def _is_kept(engine: Engine, fate: Fate, wait: float) -> bool | None:
    """Tell whether a transaction was committed, None where no server tells in time (seconds)."""
    end = time.monotonic() + wait
    while True:
        with suppress(exc.DBAPIError), engine.connect() as db:
            is_kept = fate(db)
            if is_kept is not None:
                return is_kept
        if time.monotonic() > end:
            return None
        time.sleep(0.1)  # the server may be starting, or be about to notice that nobody listens


def ensure_begun(db: Connection) -> Dialect:
    """Make sure a driver-level transaction is open, so that a rollback takes back what is written.

    A host's own engine may leave the driver without one until the first INSERT; a savepoint
    released then would be a commit.

    Returns:
        the dialect of the connection.
    """
    dialect = dialect_of(db)
    if not db.in_transaction():
        db.begin()
    dialect.ensure_begun(db)
    look_again(db)
    return dialect


@contextmanager
def savepoint(db: Connection) -> Iterator[Any]:
    """Run the block inside a savepoint: rolled back when the block raises, else released.

    Yields the transaction object.
    """
    nested = db.begin_nested()
    try:
        yield nested
    except BaseException as error:
        if db.invalidated:  # the connection is lost, and the savepoint with it
            raise
        is_begun = getattr(db.connection.driver_connection, "in_transaction", True)
        if nested.is_active:
            # a full disk may have ended the whole transaction, and the savepoint with it
            with suppress(exc.OperationalError):
                nested.rollback()
        if not is_begun and isinstance(error, exc.IntegrityError):
            # who went on would write outside of a transaction, which nothing takes back
            raise DatabaseError(
                f"the database took everything back by itself, as RAISE(ROLLBACK) of a trigger and "
                f"ON CONFLICT ROLLBACK of a table do ({error.orig}): nothing was written, and no "
                "record can be skipped. Let them say ABORT, or correct the records",
                code="constraint",
            ) from error
        raise
    if nested.is_active:
        nested.commit()


@contextmanager
def streaming() -> Iterator[None]:
    """Keep the garbage collector from walking over streaming records again and again.

    They form no cycles.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
