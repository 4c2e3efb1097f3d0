"""What an error of a driver means: in words a person can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, exc

from bakeio_core.database.systems.refusals.constraints import refusal_of
from bakeio_core.errors import DatabaseError

_WAIT = "Wait until it has finished, or stop it, then try again; --wait SECONDS waits longer"
_BETWEEN = (
    "another transaction changed the same data meanwhile; nothing was written. "
    "Roll back, then do the same again"
)
_CAUSES = {  # by the name or number the driver gives: (what to say, code, again)
    "SQLITE_BUSY": (
        f"is locked: another program is writing to it, and SQLite cannot tell which. {_WAIT}",
        "locked",
        False,
    ),
    "SQLITE_BUSY_SNAPSHOT": (f"moved on: {_BETWEEN}", "changed-meanwhile", True),
    "40001": (f"moved on: {_BETWEEN}", "changed-meanwhile", True),
    "40P01": (f"met a deadlock: {_BETWEEN}", "locked", True),
    "25006": (
        "is a read-only replica, or set to be read-only: name the server that takes writes. "
        "Nothing was written",
        "io-error",
        False,
    ),
    "replica": (
        "is a replica, and the primary changed what was being read here. Nothing was written: do "
        "the same again, or ask for hot_standby_feedback or a longer max_standby_streaming_delay",
        "changed-meanwhile",
        True,
    ),
    "55P03": (f"is locked: another program is writing to it. {_WAIT}", "locked", False),
}
_LACKING = re.compile(
    r"no such (?P<kind>column|table): (?:\w+\.)?(?P<name>\w+)"
    r"|(?P<kind_>column|relation) \"?(?:\w+\.)?(?P<name_>\w+)\"? does not exist"
)
"""How the databases say that a table or a column is not there."""
_AT_THE_END = {
    "unique": "two rows would have the same {}",
    "missing": "{} is missing in a row",
    "reference": "a reference names no row, or the row it names would go ({})",
    "check": "a row breaks the rule {}",
}
_REMEDIES = (  # by the text, where the driver gives no name
    (
        r"Connection refused|timeout expired|failed to resolve host|could not translate host"
        r"|Name or service not known|No route to host|on socket .* No such file",
        "is the server running, and are host and port of the URL right?",
    ),
    (
        r"password authentication failed|no password supplied|role .* does not exist",
        "check the user and the password in the URL; in a password / is %2F, @ is %40, : is %3A",
    ),
    (
        r"query_wait_timeout|too many (clients|connections)|no more connections|connection slots",
        "it gives no further connection: wait until others have finished, or allow it more; an "
        "export needs one for each of its --jobs",
    ),
    (
        r"due to user request",
        "somebody who looks after the server ended it: nothing was written; do the same again",
    ),
    (
        r"temp_file_limit",
        "it allows this user too little room for sorting: ask for more (temp_file_limit)",
    ),
    (
        r"database system is (starting up|shutting down|in recovery)|not yet accepting connections",
        "it is being started or stopped: wait, then do the same again",
    ),
    (
        r"permission denied for database",
        "ask its owner to run: GRANT CONNECT ON DATABASE ... TO ... (the user of the URL)",
    ),
    (
        r"not allowed in statement pooling mode",
        "every import and export is one transaction: use a pool in transaction mode, or the server "
        "itself",
    ),
    (r'database ".*" does not exist', "make it first, with createdb or CREATE DATABASE"),
    (
        r"file is not a database",
        "it is another kind of file: choose a database, or a new path for one",
    ),
    (
        r"database or disk is full|No space left|disk I/O error",
        "free space on its disk or check the disk, then try again; nothing was written",
    ),
    (
        r"readonly database|unable to open|read-only|attempt to write",
        "it or its folder does not exist or is not writable: change that, or copy the database to "
        "another place; nothing was written",
    ),
)


_TIMEOUT = re.compile(r"due to (statement|transaction|idle-in-transaction|idle-session) timeout")
_LOST = re.compile(r"server closed the connection|connection is (closed|lost)|terminating conn")
_NO_TABLE = re.compile(r'no such table: (\S+)|relation "([^"]+)" does not exist')


def is_forbidden(error: BaseException | None) -> bool:
    """Tell whether the database refuses a statement because this user may not run it."""
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, exc.DBAPIError) else None
    return state == "42501"  # insufficient_privilege


def is_misunderstood(error: exc.DBAPIError) -> bool:
    """Tell whether the database makes no sense of a statement."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    name = getattr(error.orig, "sqlite_errorname", None)
    text = re.search(r"syntax error|unrecognized token|unknown function", str(error.orig))
    return state.startswith("42") or name == "SQLITE_ERROR" or bool(text)


@contextmanager
def raised(db: Connection, sql: str) -> Iterator[None]:
    """Raise what the driver raises as SQLAlchemy would, for what the driver does alone."""
    errors: Any = db.dialect.dbapi.Error  # type: ignore[union-attr]
    try:
        yield
    except errors as error:
        is_lost = db.dialect.is_disconnect(error, db.connection.driver_connection, None)
        raise exc.DBAPIError.instance(
            sql, (), error, errors, connection_invalidated=is_lost, dialect=db.dialect
        ) from error


def came_between(error: exc.DBAPIError) -> bool:
    """Tell whether another one made the same table, or wrote the same of bakeio's own, meanwhile.

    Where the database has no locks that keep two runs apart, the second one learns of the first by
    that alone. No record of a file is to blame.
    """
    table = getattr(getattr(error.orig, "diag", None), "table_name", None) or ""
    state = getattr(error.orig, "sqlstate", None)
    is_of_no_file = state == "23505" and table.startswith(("bakeio_", "pg_"))
    return is_of_no_file or state == "42P07"  # duplicate_table


def explained(error: exc.DatabaseError, where: str, user: str) -> DatabaseError:
    """Say what a driver's error means, and whether the same may succeed when it is done again.

    Args:
        error: The error.
        where: What the database is called, after a space; empty where it has no name.
        user: Who works with it.
    """
    text = str(error.orig).strip().split("\n")[0]
    name = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    if name is None and "locked" in text:
        name = "SQLITE_BUSY"  # Python 3.10 does not tell
    is_lost = error.connection_invalidated or _LOST.search(text)
    if _TIMEOUT.search(text) or (is_lost and not _remedy(text)):
        return _broken_off(text, where)
    if "conflict with recovery" in text:
        name = "replica"
    if came_between(error):
        name = "40001"
    if name in _CAUSES:
        said, code, retryable = _CAUSES[name]
        return DatabaseError(f"the database{where} {said}", code=code, retryable=retryable)
    missing = _NO_TABLE.search(text)
    if missing:
        said = f"has no table {missing[1] or missing[2]}"
        remedy = "run: bakeio upgrade, which adds what is missing (bakeio init in a new database)"
        return DatabaseError(f"the database{where} {said}: {remedy}", code="io-error")
    if is_forbidden(error):
        remedy = _granted(text, error, user)
        return DatabaseError(f"the database{where} does not let {user} do this: {text}. {remedy}")
    if isinstance(error, exc.IntegrityError):
        refused = refusal_of(error)
        named = " and ".join(refused.columns) or refused.rule
        what = _AT_THE_END.get(refused.kind, refused.said).format(named or "one of its columns")
        message = f"the database{where} refuses what was written: {what}. Nothing was kept"
        return DatabaseError(message, code="constraint")
    if lacking := _LACKING.search(text):
        kind, name = (lacking[f"{what}"] or lacking[f"{what}_"] for what in ("kind", "name"))
        what = f"{'table' if kind == 'relation' else kind} {name}"
        return DatabaseError(
            f"the database{where} has no {what}: if it is older than this bakeio, run bakeio "
            "upgrade; if it belongs to another program, name yours with --database"
        )
    if not isinstance(error, exc.OperationalError) and "not a database" not in text:
        return DatabaseError(f"the database{where} refused: {text}", code="io-error")
    return DatabaseError(f"cannot use the database{where}: {text}{_remedy(text)}", code="io-error")


def _remedy(text: str) -> str:
    """Return what to do about an error, behind a colon; nothing where its text says nothing."""
    known = (f": {said}" for pattern, said in _REMEDIES if re.search(pattern, text, re.I))
    return next(known, "")


def _broken_off(text: str, where: str) -> DatabaseError:
    """Say that the server ended the statement or the connection, and with it the transaction."""
    limit = _TIMEOUT.search(text)
    if limit:
        infix = "_session" if limit[1].startswith("idle-in") else ""
        setting = f"{limit[1].replace('-', '_')}{infix}_timeout"
        why = "it ends what takes long, for this user or everybody: allow more in the URL, with "
        why += f"?options=-c%20{setting}%3D0"
    else:
        why = "the server or the network ended it (a restart, or a limit of time, such as "
        why += "idle_in_transaction_session_timeout): do the same again once the server answers"
    return DatabaseError(f"the database{where} broke off: {text}: {why}. Nothing was written")


def _granted(text: str, error: exc.DatabaseError, user: str) -> str:
    """Return who may help, and with which right, as far as the database tells."""
    denied = _DENIED.search(text)
    if denied is None:
        return "Only the owner may"
    what, name = denied.groups()
    words = (error.statement or "").split(None, 3)
    verb = words[0].upper() if words else ""
    if verb == "COPY":
        verb = "SELECT" if words[1].startswith("(") else "INSERT"
    if what == "schema":
        right, on = ("CREATE" if verb in ("CREATE", "ALTER") else "USAGE"), f"SCHEMA {name}"
    elif what == "sequence":
        right, on = "USAGE, SELECT", f"SEQUENCE {name}"
    else:
        right, on = (verb if verb in _RIGHTS else "SELECT"), name
    return f"Ask its owner to run: GRANT {right} ON {on} TO {user}"


_DENIED = re.compile(r"permission denied for (table|relation|view|sequence|schema) (\S+)")
_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
