"""What a database does without while an empty table is filled."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import exc

from bakeio_core.catalog.entities.model import Key

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from bakeio_core.database.dialect import Dialect, Rows


@dataclass(frozen=True)
class StoredIndex:
    """An index of a table, of which the statement that makes it says everything.

    Attributes:
        name: As SQL names it.
        sql: That statement.
        is_unique: Whether it keeps rows apart.
        texts: Of a unique one its columns, where it takes all rows whose texts in them differ, and
            nothing else stands on it; else none.
    """

    name: str
    sql: str
    is_unique: bool
    texts: frozenset[str] = frozenset()


class PostponedIndexes:
    """Drop indexes, to build them of all rows at once; what cannot be dropped stays.

    Args:
        db: The connection; inside a transaction.
        indexes: Those of the table.
        distinct: Columns of texts that will differ in all of its rows: without such the unique
            indexes stay.
    """

    def __init__(
        self, db: Connection, indexes: Collection[StoredIndex], distinct: Collection[Key]
    ) -> None:
        self.db = db
        keys = {frozenset(key) for key in distinct}
        may_go = [index for index in indexes if not index.is_unique or index.texts in keys]
        gone = [index for index in may_go if drops(db, f"DROP INDEX {index.name}")]
        self._unique = [index.sql for index in gone if index.is_unique]
        self._others = [index.sql for index in gone if not index.is_unique]

    def build_unique(self) -> None:
        """Build the unique ones, where that was not done before."""
        while self._unique:
            self.db.exec_driver_sql(self._unique.pop())

    def build(self) -> None:
        """Build those that are not there yet."""
        self.build_unique()
        for sql in self._others:
            self.db.exec_driver_sql(sql)


def drops(db: Connection, sql: str) -> bool:
    """Drop something, where nobody uses it and nothing stands on it; tell whether it is gone."""
    try:
        with db.begin_nested():
            db.exec_driver_sql(sql)
    except exc.DBAPIError:
        return False
    return True


def indexes_of_sqlite(dialect: Dialect, db: Connection, table: Table) -> Iterator[StoredIndex]:
    """Yield the indexes of a table that were made by statements, by name."""
    indexes = dialect.fetch(
        db,
        'SELECT m.name, m.sql, l."unique" '
        "FROM sqlite_master m JOIN pragma_index_list(m.tbl_name) l ON l.name = m.name "
        "WHERE m.type = 'index' AND m.tbl_name = ? AND m.sql IS NOT NULL AND NOT l.partial "
        "ORDER BY m.name",
        (table.name,),
    )
    referred = dialect.fetch(
        db,
        'SELECT DISTINCT lower(f."to") FROM sqlite_master m, pragma_foreign_key_list(m.name) f '
        "WHERE m.type = 'table' AND lower(f.\"table\") = lower(?)",
        (table.name,),
    )
    # whose affinity is TEXT (https://www.sqlite.org/datatype3.html, 3.1): others store 7 for '07'
    columns = (
        "SELECT i.name, i.coll = 'BINARY' AND c.type NOT LIKE '%INT%' AND (c.type LIKE '%CHAR%' "
        "OR c.type LIKE '%CLOB%' OR c.type LIKE '%TEXT%') FROM pragma_index_xinfo(?) i "
        "LEFT JOIN pragma_table_xinfo(?) c ON c.name = i.name WHERE i.key"
    )
    for name, sql, is_unique in indexes:
        cells = dialect.fetch(db, columns, (name, table.name))
        if any(column is None for column, _ in cells):
            continue  # an expression, which may fail for a row
        is_free = not any((column.lower(),) in referred for column, _ in cells)
        is_sure = is_free and all(is_text for _, is_text in cells)
        texts = frozenset(column for column, _ in cells if is_sure)
        yield StoredIndex(dialect.quote(name), sql, bool(is_unique), texts)


def indexes_of_postgresql(dialect: Dialect, db: Connection, table: Table) -> Iterator[StoredIndex]:
    """Yield the indexes of a table, by name.

    Those of partitions and of constraints are left out, and those that have what no statement says:
    a comment, a tablespace, an order of the table by it.
    """
    indexes = dialect.fetch(
        db,
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indisunique, "
        "CASE WHEN EXISTS (SELECT FROM pg_attribute a JOIN pg_opclass o ON o.oid = ANY(i.indclass) "
        "WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) AND (NOT o.opcdefault "
        "OR a.atttypid NOT IN ('text'::regtype, 'varchar'::regtype, 'uuid'::regtype))) "
        "OR EXISTS (SELECT FROM pg_collation l WHERE l.oid = ANY(i.indcollation) "
        "AND NOT l.collisdeterministic) "
        "OR (to_jsonb(i)->>'indnullsnotdistinct')::bool THEN NULL "
        "ELSE ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = i.indrelid "
        "AND a.attnum = ANY(i.indkey)) END "
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indrelid = %s::regclass AND c.relkind = 'i' AND NOT c.relispartition "
        "AND i.indisvalid AND NOT i.indisreplident AND NOT i.indisclustered "
        "AND i.indexprs IS NULL AND i.indpred IS NULL AND c.reltablespace = 0 "
        "AND obj_description(i.indexrelid, 'pg_class') IS NULL "
        "AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid) ORDER BY 1",
        (dialect.format_table(table),),
    )
    for name, sql, is_unique, texts in indexes:
        # the driver takes a % for the place of a value
        name, sql = name.replace("%", "%%"), sql.replace("%", "%%")
        yield StoredIndex(name, sql, is_unique, frozenset(texts or ()))


def foreign_keys_of_postgresql(dialect: Dialect, db: Connection, table: Table) -> Rows:
    """Return the foreign keys that a load on PostgreSQL does without: their names and SQL.

    They are those of the references that planning links itself: others are checked row by row.
    """
    found = dialect.fetch(
        db,
        "SELECT c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c "
        "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
        "WHERE c.conrelid = %s::regclass AND c.contype = 'f' AND c.coninhcount = 0 "
        "AND cardinality(c.conkey) = 1 AND a.attname = ANY(%s)",
        (dialect.format_table(table), [key.parent.name for key in table.foreign_keys]),
    )
    return [(dialect.quote(name).replace("%", "%%"), sql.replace("%", "%%")) for name, sql in found]
