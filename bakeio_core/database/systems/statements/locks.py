"""How PostgreSQL keeps other writers off, and whom one waits for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, exc

from bakeio_core.database.dialect import log
from bakeio_core.errors import DatabaseError

if TYPE_CHECKING:
    from bakeio_core.database.dialect import Dialect

_MAKING = int.from_bytes(b"bakeio", "big")
"""The number of the advisory lock under which tables are made."""


def limit_waiting(dialect: Dialect, db: Connection, seconds: float) -> None:
    """Wait for a lock so long at most in this transaction, where it would be for ever."""
    if not _limit(dialect, db):
        db.exec_driver_sql(f"SET LOCAL lock_timeout = '{max(1, int(seconds * 1000))}ms'")


def lock(dialect: Dialect, db: Connection, names: Sequence[str]) -> None:
    """Keep other writers off formatted tables until the transaction ends.

    Raises:
        DatabaseError: (`locked`) that says who holds them.
    """
    modes = "IN SHARE ROW EXCLUSIVE MODE"
    if not names or tried(db, f"LOCK TABLE {', '.join(names)} {modes} NOWAIT"):
        return
    seconds, end = _say_waiting(dialect, db, _holders(dialect, db, names))
    # one by one, so that all of them together are not waited for longer than was said
    for name in names:
        left = max(1, int((end - time.monotonic()) * 1000)) if seconds else 0
        db.exec_driver_sql(f"SET LOCAL lock_timeout = '{left}ms'")
        if not tried(db, f"LOCK TABLE {name} {modes}"):
            raise DatabaseError(
                f"{name} in the database is locked by {_holders(dialect, db, [name])}, "
                f"for more than {seconds:g} seconds: wait until that has finished, or stop it, "
                "then try again; --wait SECONDS waits longer",
                code="locked",
            )
    db.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(seconds * 1000)}ms'")


def keep_makers_off(dialect: Dialect, db: Connection) -> None:
    """Wait until no other bakeio is making tables, and let none begin to."""
    if not dialect.scalar(db, f"SELECT pg_try_advisory_xact_lock({_MAKING})"):
        _say_waiting(dialect, db, "another bakeio that is making tables")
        dialect.fetch(db, f"SELECT pg_advisory_xact_lock({_MAKING})")


def _limit(dialect: Dialect, db: Connection) -> int:
    """Return the milliseconds a connection waits for a lock, 0 for ever."""
    return int(dialect.scalar(db, "SELECT setting FROM pg_settings WHERE name = 'lock_timeout'"))


def _say_waiting(dialect: Dialect, db: Connection, whom: str) -> tuple[float, float]:
    """Tell the log who is waited for.

    Returns:
        the seconds the connection waits at most (0: for ever), and when they are over.
    """
    seconds = _limit(dialect, db) / 1000
    log.info("waiting%s for %s", f", {seconds:g} seconds at most," if seconds else "", whom)
    return seconds, time.monotonic() + seconds


def tried(db: Connection, sql: str) -> bool:
    """Run a statement that takes a lock; tell whether it got it.

    The transaction goes on either way.
    """
    point = db.begin_nested()
    try:
        db.exec_driver_sql(sql)
    except exc.DBAPIError as error:
        point.rollback()
        if getattr(error.orig, "sqlstate", None) != "55P03":
            raise
        return False
    point.commit()
    return True


def _holders(dialect: Dialect, db: Connection, names: Sequence[str]) -> str:
    """Return who keeps others from writing to the tables, as the server knows them."""
    sql = (
        "SELECT DISTINCT coalesce(nullif(a.application_name, ''), a.backend_type), a.pid, "
        "coalesce(', user ' || a.usename, ''), "
        "coalesce(', since ' || to_char(a.xact_start, 'HH24:MI:SS'), '') "
        "FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
        "WHERE l.granted AND l.pid <> pg_backend_pid() "
        "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND l.relation = ANY(%s::regclass[]) "
        "AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')"
    )
    found = [
        f"{name} (process {process} of the server{user}{since})"
        for name, process, user, since in dialect.fetch(db, sql, (list(names),))
    ]
    return " and ".join(found) or "another program"
