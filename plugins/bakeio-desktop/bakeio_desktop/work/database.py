"""The database a window works on, as a program or a person names it."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import URL, Engine
from sqlalchemy.pool import SingletonThreadPool, StaticPool

from bakeio_core import Bakeio, Session, UsageError

WAIT = 5.0
"""Seconds to wait for another program that is writing; a person sees the window meanwhile."""
Target = str | Path | URL | Engine


def open_session(target: Target, bakeio: Bakeio) -> Session:
    """Return what opens a database for one job at a time, each in a connection of its own.

    Args:
        target: A path of an SQLite file, a URL, or the engine of a program.
        bakeio: The library with its plugins.

    Raises:
        UsageError: The engine has one connection for all threads, or one that no other thread
            sees.
    """
    if isinstance(target, Engine):
        if isinstance(target.pool, (StaticPool, SingletonThreadPool)):
            raise UsageError(
                "this database is in the memory of one connection, and the window works in a "
                "thread of its own: keep it in a file, or on a server"
            )
        return Session(target, quiet=True, wait=WAIT, bakeio=bakeio)
    named = target.render_as_string(hide_password=False) if isinstance(target, URL) else target
    return Session(os.fspath(named), quiet=True, wait=WAIT, bakeio=bakeio)
