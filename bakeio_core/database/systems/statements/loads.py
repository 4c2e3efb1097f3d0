"""What PostgreSQL does without while an empty table is filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from bakeio_core.database.dialect import Dialect, Rows


def rebuilt(dialect: Dialect, db: Connection, table: Table) -> tuple[Rows, Rows]:
    """Return the indexes and the foreign keys that a load does without: their names and SQL."""
    name = dialect.format_table(table)
    indexes = dialect.fetch(
        db,
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) "
        "FROM pg_index i WHERE i.indrelid = %s::regclass AND NOT i.indisunique ORDER BY 1",
        (name,),
    )
    # of the references that planning links itself: others are checked row by row
    keys = dialect.fetch(
        db,
        "SELECT c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c "
        "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
        "WHERE c.conrelid = %s::regclass AND c.contype = 'f' "
        "AND cardinality(c.conkey) = 1 AND a.attname = ANY(%s)",
        (name, [key.parent.name for key in table.foreign_keys]),
    )
    return indexes, keys
