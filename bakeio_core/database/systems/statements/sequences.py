"""The sequences of PostgreSQL: which one stands behind a column, what this user may do to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, Table, exc

from bakeio_core.errors import DatabaseError

if TYPE_CHECKING:
    from bakeio_core.database.dialect import Dialect


def sequence_of(dialect: Dialect, db: Connection, table: Table, column: str) -> str | None:
    """Return the sequence behind a column: its own, else one that its default asks."""
    named = (dialect.format_table(table), column)
    own: str | None = dialect.scalar(db, "SELECT pg_get_serial_sequence(%s, %s)", named)
    default = next(c.default for c in table.columns if c.name == column)
    if own is None and default is not None and default.is_sequence:
        declared = dialect.sa.identifier_preparer.format_sequence(default)  # type: ignore[arg-type]
        own = dialect.scalar(db, "SELECT to_regclass(%s)::text", (declared,))
    asked = (
        "SELECT s.oid::regclass::text FROM pg_attrdef a JOIN pg_attribute c "
        "ON c.attrelid = a.adrelid AND c.attnum = a.adnum "
        "JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid "
        "JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S' "
        "WHERE a.adrelid = %s::regclass AND c.attname = %s LIMIT 1"
    )
    return own or dialect.scalar(db, asked, named)


def may_advance(dialect: Dialect, db: Connection, sequence: str) -> bool:
    """Tell whether this user may make a sequence go on elsewhere.

    Raises:
        DatabaseError: They may not even take numbers of it.
    """
    owns, takes = dialect.fetch(
        db,
        "SELECT pg_has_role(relowner, 'USAGE'), has_sequence_privilege(oid, 'USAGE, UPDATE') "
        "FROM pg_class WHERE oid = %s::regclass",
        (sequence,),
    )[0]
    if not (owns or takes):
        user = dialect.quote(dialect.scalar(db, "SELECT current_user"))
        raise DatabaseError(
            f"no row can be made here: {user} may not use the sequence {sequence}. "
            f"Ask its owner to run: GRANT USAGE ON SEQUENCE {sequence} TO {user}"
        )
    return bool(owns)


def next_number(dialect: Dialect, db: Connection, sequence: str) -> int:
    """Return what a sequence will give next, as far as this user may see that."""
    reads = "SELECT has_sequence_privilege(%s, 'SELECT')"
    if dialect.scalar(db, reads, (sequence,)):
        last, called = dialect.fetch(db, f"SELECT last_value, is_called FROM {sequence}")[0]
    else:  # one that was never asked gives nothing here
        last = dialect.scalar(db, "SELECT pg_sequence_last_value(%s::regclass)", (sequence,))
        called = last is not None
    return int((last or 0) + 1 if called else (last or 1))


def drawn(
    dialect: Dialect, db: Connection, sequence: str, table: str, primary: str, count: int
) -> list[int]:
    """Take so many numbers of a sequence for good, but for those that rows have.

    Args:
        dialect: That of the database.
        db: The connection.
        sequence: The sequence.
        table, primary: The formatted table whose rows get them, and its quoted column.
        count: How many.
    """
    found: list[int] = []
    sql = (
        "WITH k AS MATERIALIZED (SELECT nextval(%s) AS id FROM generate_series(1, %s)) "
        f"SELECT id FROM k WHERE NOT EXISTS (SELECT FROM {table} t WHERE t.{primary} = k.id) "
        "ORDER BY id"
    )
    while len(found) < count:
        found += [row[0] for row in dialect.fetch(db, sql, (sequence, count - len(found)))]
    return found


def restart(db: Connection, sequence: str, number: int) -> None:
    """Make a sequence go on with a number; RESTART belongs to the transaction, setval does not."""
    db.exec_driver_sql(f"ALTER SEQUENCE {sequence} RESTART WITH {number}")


def go_on(dialect: Dialect, db: Connection, sequence: str, number: int) -> None:
    """Make a sequence go on with a number, whatever becomes of the transaction."""
    dialect.fetch(db, "SELECT setval(%s::regclass, %s, false)", (sequence, number))


def hold(dialect: Dialect, db: Connection, sequence: str) -> None:
    """Make a sequence go on as it would, within the transaction."""
    sql = (
        "SELECT v.last_value + CASE WHEN v.is_called THEN s.seqincrement ELSE 0 END "
        f"FROM {sequence} v, pg_sequence s WHERE s.seqrelid = %s::regclass"
    )
    point = db.begin_nested()
    try:
        # what is taken afterwards belongs to the transaction too
        restart(db, sequence, dialect.scalar(db, sql, (sequence,)))
        point.commit()
    except exc.DBAPIError:  # it is somebody else's: then numbers may be left out
        point.rollback()
