"""Databases as they are run: roles that own nothing, and what is written in their name."""

from __future__ import annotations

import psycopg
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
