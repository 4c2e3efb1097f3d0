"""What databases say of constraints: why they refuse a row, and what they look at late."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Table, exc

if TYPE_CHECKING:
    from bakeio_core.database.dialect import Dialect


@dataclass(frozen=True)
class Refusal:
    """Why the database refuses what is written to it.

    Attributes:
        kind: `unique`, `missing`, `reference` or `check`; `value` where one does not fit its
            column; empty for any other rule.
        columns: The columns it names.
        rule: The constraint it names: its name, or what it says.
        said: What the database says, on one line.
    """

    kind: str
    columns: tuple[str, ...]
    rule: str
    said: str


_KINDS = {
    "UNIQUE": "unique",
    "NOT NULL": "missing",
    "FOREIGN KEY": "reference",
    "CHECK": "check",
    "23505": "unique",
    "23502": "missing",
    "23503": "reference",
    "23514": "check",
}
_FAILED = re.compile(r"(UNIQUE|NOT NULL|CHECK|FOREIGN KEY) constraint failed(?:: (.*))?", re.DOTALL)
_NAMED_KEY = re.compile(r"\(([\w, \"]+)\)=\(")


def refusal_of(error: exc.DBAPIError) -> Refusal:
    """Return what an error of the driver says of what it refuses."""
    text = str(error.orig)
    said = " ".join(text.split("\n")[0].split())
    diagnosis, failed = getattr(error.orig, "diag", None), _FAILED.match(text)
    if diagnosis is not None:
        state = str(getattr(error.orig, "sqlstate", None) or "")
        named = _NAMED_KEY.search(diagnosis.message_detail or "")
        columns = named[1].replace('"', "").split(", ") if named else [diagnosis.column_name]
        kind = "value" if state[:2] == "22" else _KINDS.get(state, "")
        rule = diagnosis.constraint_name or ""
        return Refusal(kind, tuple(filter(None, columns)), rule, diagnosis.message_primary or said)
    if failed is None:
        return Refusal("", (), "", said)
    kind, about = _KINDS[failed[1]], failed[2] or ""
    if kind == "check" or about.startswith("index "):
        return Refusal(kind, (), about.removeprefix("index ").strip("'"), said)
    columns = [column.rpartition(".")[2] for column in about.split(", ") if column]
    return Refusal(kind, tuple(columns), "", said)


_OF_THE_MOMENT = ("08", "40", "53", "55", "57", "58", "XX")
"""The classes of errors that may be over the next time, whatever raised them."""


def is_of_rule(error: exc.DBAPIError) -> bool:
    """Tell whether a rule beyond constraints refuses a row on a server.

    A trigger's exception, whatever code it has; a view's check option; a policy.
    """
    state = str(getattr(error.orig, "sqlstate", None) or "")
    diagnosis = getattr(error.orig, "diag", None)
    if state[:2] in ("P0", "44"):
        return True
    raised_by = getattr(diagnosis, "source_function", None)  # is in no language of people
    is_raised = raised_by in ("exec_stmt_raise", "ExecWithCheckOptions")
    return is_raised and state[:2] not in _OF_THE_MOMENT


_OF_TABLE = "FROM pg_constraint WHERE conrelid = %s::regclass AND"


def rule_text(dialect: Dialect, db: Connection, table: Table, name: str) -> str:
    """Return what a constraint of a table says, as far as the database tells of it by name."""
    if dialect.name != "postgresql":
        return name  # it names it by what it says, where it has no name
    sql = f"SELECT pg_get_constraintdef(oid) {_OF_TABLE} conname = %s"
    return str(dialect.scalar(db, sql, (dialect.format_table(table), name)) or name)


def refusing(dialect: Dialect, db: Connection, table: Table) -> str:
    """Return what stands behind INSERT and UPDATE where a table has its own way with conflicts.

    `ON CONFLICT REPLACE` would delete other rows without a word. Elsewhere nothing stands there, as
    it binds the statements of triggers too.
    """
    if dialect.name != "sqlite":
        return ""
    sql = (
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? AND sql LIKE '%ON%CONFLICT%'"
    )
    return "OR ABORT" if dialect.fetch(db, sql, (table.name,)) else ""


def deferred_constraints(dialect: Dialect, db: Connection, table: Table) -> list[str]:
    """Return the constraints of a table that are looked at only when a transaction ends."""
    if dialect.name != "postgresql":
        return []  # others cannot be told to look sooner
    sql = f"SELECT conname {_OF_TABLE} condeferred"
    return [row[0] for row in dialect.fetch(db, sql, (dialect.format_table(table),))]


def check_deferred(dialect: Dialect, db: Connection, names: Sequence[str]) -> None:
    """Have such constraints looked at now, and what comes later deferred again."""
    quoted = ", ".join(map(dialect.quote, names))
    db.exec_driver_sql(f"SET CONSTRAINTS {quoted} IMMEDIATE")
    db.exec_driver_sql(f"SET CONSTRAINTS {quoted} DEFERRED")


def refuse_deferred(dialect: Dialect, db: Connection) -> None:
    """Have all that is looked at late looked at now, as the commit will; what comes is as before.

    Raises:
        sqlalchemy.exc.DBAPIError: What the commit would refuse.
    """
    if dialect.name != "postgresql":
        return
    late = "SELECT EXISTS (SELECT FROM pg_constraint WHERE condeferred)"
    if dialect.scalar(db, late):
        point = db.begin_nested()
        try:
            db.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        finally:
            point.rollback()  # which leaves them deferred, as they were


def dangling_references(dialect: Dialect, db: Connection, table: Table) -> list[tuple[int, str]]:
    """Return (number of the row, column) where a reference that is looked at late names no row.

    Only of a database that cannot be told to look now, and knows rows by numbers of its own.
    """
    if dialect.name != "sqlite":
        return []
    made = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
    if "DEFERRABLE" not in str(dialect.scalar(db, made, (table.name,))).upper():
        return []
    name = dialect.quote(table.name)
    columns = {row[0]: row[3] for row in dialect.fetch(db, f"PRAGMA foreign_key_list({name})")}
    found = dialect.fetch(db, f"PRAGMA foreign_key_check({name})")
    return [(number, columns[key]) for _, number, _, key in found if number is not None]
