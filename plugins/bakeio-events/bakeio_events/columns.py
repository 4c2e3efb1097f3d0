"""What the tables of this package have in common."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, MetaData, String, Table, Text

from bakeio_core import identity_columns, stamp_columns


def named_table(name: str, metadata: MetaData, *columns: Any) -> Table:
    """Return a table whose rows are known by a slug, which is made of their name."""
    return Table(
        name,
        metadata,
        *identity_columns(),
        Column("slug", String(200), nullable=False, unique=True, index=True),
        Column("name", String(200), nullable=False, index=True),
        *columns,
        Column("notes", Text),
        *stamp_columns(),
        sqlite_autoincrement=True,
    )


def belonging(column: str, target: str, *, first: bool = False) -> Column[Any]:
    """Return a required reference to a row of another table.

    Args:
        column: What it is called.
        target: The name of the table.
        first: Whether a unique key of the table begins with it, which is its index.
    """
    return Column(column, Integer, ForeignKey(f"{target}.id"), nullable=False, index=not first)


def more_than_none(table: str) -> CheckConstraint:
    """Return the rule that a quantity is more than nothing."""
    return CheckConstraint("quantity > 0", name=f"ck_{table}_quantity")
