"""What a database does without while an empty table is filled."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bakeio_core.catalog.entities.model import Key

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from bakeio_core.database.dialect import Dialect, Rows


@dataclass(frozen=True)
class StoredIndex:
    """An index that a table has.

    Attributes:
        name: As SQL names it.
        sql: The statement that makes it.
        is_unique: Whether it keeps rows apart.
        columns: Of a unique one, columns so that it takes all rows that differ in some of them;
            none where something else stands on it.
    """

    name: str
    sql: str
    is_unique: bool
    columns: frozenset[str]


class PostponedIndexes:
    """Drop indexes, to build them of all rows at once.

    Args:
        db: The connection; inside a transaction.
        indexes: Those of the table.
        distinct: Columns of which no two of its rows will have the same values: without such the
            unique indexes stay.
    """

    def __init__(
        self, db: Connection, indexes: Collection[StoredIndex], distinct: Collection[Key]
    ) -> None:
        self.db = db
        self._others = [index.sql for index in indexes if not index.is_unique]
        unique = [index for index in indexes if index.is_unique]
        sure = [index for index in unique if any({*key} <= index.columns for key in distinct)]
        self._unique = [index.sql for index in sure]
        for index in indexes:
            if index in sure or not index.is_unique:
                db.exec_driver_sql(f"DROP INDEX {index.name}")

    def build_unique(self) -> None:
        """Build the unique ones, where that was not done before.

        Raises:
            sqlalchemy.exc.IntegrityError: Two rows are equal.
        """
        while self._unique:
            with self.db.begin_nested():  # after a refusal it is asked which rows are to blame
                self.db.exec_driver_sql(self._unique[0])
            del self._unique[0]

    def build(self) -> None:
        """Build those that are not there yet."""
        self.build_unique()
        for sql in self._others:
            self.db.exec_driver_sql(sql)


def indexes_of_sqlite(dialect: Dialect, db: Connection, table: Table) -> Iterator[StoredIndex]:
    """Yield the indexes of a table that were made by statements, by name."""
    indexes = dialect.fetch(
        db,
        'SELECT m.name, m.sql, l."unique" '
        "FROM sqlite_master m JOIN pragma_index_list(m.tbl_name) l ON l.name = m.name "
        "WHERE m.type = 'index' AND m.tbl_name = ? AND m.sql IS NOT NULL ORDER BY m.name",
        (table.name,),
    )
    referred = dialect.fetch(
        db,
        'SELECT DISTINCT f."to" FROM sqlite_master m, pragma_foreign_key_list(m.name) f '
        "WHERE m.type = 'table' AND lower(f.\"table\") = lower(?)",
        (table.name,),
    )
    for name, sql, is_unique in indexes:
        cells = dialect.fetch(
            db, "SELECT name, coll = 'BINARY' FROM pragma_index_xinfo(?) WHERE key", (name,)
        )
        columns = frozenset(str(column) for column, _ in cells)
        is_exact = all(exact for _, exact in cells)
        is_free = is_exact and columns.isdisjoint(to for (to,) in referred)
        kept_apart = columns if is_free else frozenset[str]()
        yield StoredIndex(dialect.quote(name), sql, bool(is_unique), kept_apart)


def indexes_of_postgresql(dialect: Dialect, db: Connection, table: Table) -> Iterator[StoredIndex]:
    """Yield the indexes of a table, by name."""
    indexes = dialect.fetch(
        db,
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indisunique, "
        "NOT i.indisreplident "
        "AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid) "
        "AND NOT coalesce((to_jsonb(i)->>'indnullsnotdistinct')::bool, false), "
        "ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = i.indrelid "
        "AND a.attnum = ANY((i.indkey::int2[])[0:i.indnkeyatts - 1])) "
        "FROM pg_index i WHERE i.indrelid = %s::regclass ORDER BY 1",
        (dialect.format_table(table),),
    )
    for name, sql, is_unique, is_free, columns in indexes:
        kept_apart = frozenset[str](columns if is_free else ())
        yield StoredIndex(name, sql, is_unique, kept_apart)


def foreign_keys_rebuilt(dialect: Dialect, db: Connection, table: Table) -> Rows:
    """Return the foreign keys that a load on PostgreSQL does without: their names and SQL.

    They are those of the references that planning links itself: others are checked row by row.
    """
    return dialect.fetch(
        db,
        "SELECT c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c "
        "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
        "WHERE c.conrelid = %s::regclass AND c.contype = 'f' "
        "AND cardinality(c.conkey) = 1 AND a.attname = ANY(%s)",
        (dialect.format_table(table), [key.parent.name for key in table.foreign_keys]),
    )
