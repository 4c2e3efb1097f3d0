"""bakeio's own side tables in the user's database, and the identity it keeps there."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    exc,
    func,
    select,
)

from bakeio_core.catalog.catalog import Catalog, order_indexes
from bakeio_core.database.dialects import (
    columns_there,
    dialect_of,
    look_again,
    make_schemas,
    once,
    tables_there,
)
from bakeio_core.database.systems.refusals.failures import (
    came_between,
    is_forbidden,
    is_misunderstood,
)
from bakeio_core.errors import DatabaseError, counted
from bakeio_core.values.wording import may_hide

if TYPE_CHECKING:
    from sqlalchemy import Insert, Update

    from bakeio_core.catalog.entities.model import RowId

VERSION = 1
"""The version of these tables; a database of a later one is not written to."""
METADATA = MetaData()
RUNS = Table(
    "bakeio_runs",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("source", Text, nullable=False),
    Column("mode", String(20), nullable=False),
    Column("export_id", String(40)),
    Column("counts", Text, nullable=False),
    Column("sha256", String(64)),
    Column("decisions", Text),
    Column("undoes", Integer),
    Column("path", Text),
)
CHANGES = Table(
    "bakeio_changes",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("run", Integer, ForeignKey("bakeio_runs.id"), nullable=False),
    Column("entity", String(100), nullable=False),
    Column("row", Integer, nullable=False),
    Column("field", String(100), nullable=False),
    Column("old", Text),
    Column("new", Text),
    Column("file", Text),
    Column("record", Integer),
    Column("stamp", String(40)),
    Column("stamped", String(40)),
    Column("decision", String(100)),
    Index("ix_bakeio_changes_run", "run"),
    Index("ix_bakeio_changes_row", "entity", "row", "field"),
)
BATCHES = Table(
    "bakeio_batches",
    METADATA,
    Column("run", Integer, ForeignKey("bakeio_runs.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("entity", String(100), nullable=False),
    Column("action", String(10), nullable=False),
    Column("file", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
ROW_KEYS = Table(
    "bakeio_row_keys",
    METADATA,
    Column("entity", String(100), primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False),
)
ALIASES = Table(
    "bakeio_aliases",
    METADATA,
    Column("entity", String(100), primary_key=True),
    Column("folded", String(1000), primary_key=True),
    Column("key", Text, nullable=False),
    Column("row", Integer, nullable=False),
    Column("run", Integer),
    Column("at", String(40), nullable=False),
)
MARKS = Table(
    "bakeio_marks",
    METADATA,
    Column("entity", String(100), primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("field", String(100), primary_key=True),
    Column("value", Text, nullable=False),
    Column("source", Text),
    Column("unverified", Integer, nullable=False),
    Column("run", Integer, nullable=False),
    Column("at", String(40), nullable=False),
    Column("confirmed_by", String(200)),
    Column("confirmed_at", String(40)),
    Column("confirming_run", Integer),
)
LAYOUTS = Table(
    "bakeio_layouts",
    METADATA,
    Column("headings", String(64), primary_key=True),
    Column("names", Text, nullable=False),
    Column("meaning", Text, nullable=False),
    Column("run", Integer),
    Column("at", String(40), nullable=False),
)
REPLACED = Table(
    "bakeio_replaced",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("learned", String(40), nullable=False),
    Column("key", Text, nullable=False),
    Column("entry", Text, nullable=False),
)
META = Table(
    "bakeio_meta",
    METADATA,
    Column("key", String(50), primary_key=True),
    Column("value", String(200), nullable=False),
)
for _table in METADATA.tables.values():
    order_indexes(_table)


def has_own(db: Connection, table: Table) -> bool:
    """Tell whether the database has one of these tables, to read it.

    Raises:
        DatabaseError: Policies may hide rows of one of them, so that imports seem never made.
    """
    hidden = once(db, "hidden", lambda: dialect_of(db).hiding_tables(db, METADATA.sorted_tables))
    if hidden:
        raise DatabaseError(
            f"{may_hide([each.name for each in hidden])}, so bakeio cannot know what earlier "
            "imports did. Work as a role that sees all rows (ALTER ROLE ... BYPASSRLS), or ask the "
            f"owner to run: ALTER TABLE {hidden[0].name} DISABLE ROW LEVEL SECURITY"
        )
    return table.name in tables_there(db)


def write_own(
    db: Connection, table: Table, statement: Insert | Update, rows: Sequence[Any] = ()
) -> None:
    """Write one row of one of these tables, or several by a statement without values."""
    kept = {"preserve_rowcount": True}
    done = db.execute(statement, rows or None, execution_options=kept)
    refuse_losses(table, done.rowcount, len(rows) or 1)


def refuse_losses(table: Table, written: int, expected: int) -> None:
    """Raise where a trigger or a rule keeps rows out of one of these tables."""
    if 0 <= written < expected:
        raise DatabaseError(
            f"the database reports no error, but keeps {counted(expected - written, 'row')} out "
            f"of {table.name}, where bakeio records what it does: a trigger or a rule of its own "
            "discards what is written. Nothing was kept: ask its owner to take it off that table",
            code="constraint",
        )


def stored_meta(db: Connection) -> dict[str, str]:
    """Return what bakeio keeps of the database itself: {key: value}, empty where it never wrote."""
    sql = f"SELECT key, value FROM {META.name}"
    return dict(dialect_of(db).fetch(db, sql)) if has_own(db, META) else {}


def database_id(db: Connection) -> str | None:
    """Return the UUID this database keeps, None where bakeio has never written to it."""
    return stored_meta(db).get("database_id")


def make_tables(db: Connection, catalog: Catalog, *, own: bool = True) -> list[str]:
    """Create every table that is missing; twice is harmless.

    Args:
        db: The connection.
        catalog: The entities whose tables are made.
        own: Whether those of bakeio are made too.

    Returns:
        The names of the new ones.
    """
    made = make_missing(db, list(catalog.tables.values()))
    return sorted([*made, *(make_own_tables(db) if own else ())])


def make_missing(db: Connection, tables: Sequence[Table]) -> set[str]:
    """Create those of some tables that are missing.

    Returns:
        Their names.

    Raises:
        DatabaseError: One cannot be made here.
    """
    there = columns_there(db, tables)
    if len(there) == len(tables):
        return set()
    # two that made the same table at once would fail on each other
    dialect_of(db).keep_makers_off(db)
    look_again(db)
    there = columns_there(db, tables)
    missing = [table for table in tables if table not in there]
    try:
        make_schemas(db, missing)
        for metadata, some in _by_metadata(tables).items():
            metadata.create_all(db, tables=[table for table in some if _among(table, missing)])
        look_again(db)
    except (exc.CompileError, exc.NoReferenceError, NotImplementedError) as error:
        raise _cannot_make(missing, str(error)) from error
    except exc.DBAPIError as error:
        if came_between(error) or not (is_forbidden(error) or is_misunderstood(error)):
            raise
        remedy = "; its owner may: bakeio init" if is_forbidden(error) else ""
        raise _cannot_make(missing, str(error.orig), remedy) from error
    return {table.fullname for table in missing}


def _cannot_make(tables: Sequence[Table], why: str, remedy: str = "") -> DatabaseError:
    names, first = ", ".join(table.fullname for table in tables), why.splitlines()[0]
    return DatabaseError(f"cannot make the tables {names} in this database: {first}{remedy}")


def _by_metadata(tables: Sequence[Table]) -> dict[MetaData, list[Table]]:
    """Return tables by their metadata, which makes what belongs to them, such as types.

    Where a table refers to one of another metadata, which does not know it, copies of all are
    returned as of one.
    """
    found: dict[MetaData, list[Table]] = {}
    if all(map(_is_known, tables)):
        for table in tables:
            found.setdefault(table.metadata, []).append(table)
        return found
    together = MetaData()
    return {together: [table.to_metadata(together) for table in tables]}


def _is_known(table: Table) -> bool:
    """Tell whether the metadata of a table has the tables it refers to."""
    try:
        return all(key.column is not None for key in table.foreign_keys)
    except exc.NoReferenceError:
        return False


def _among(table: Table, tables: Sequence[Table]) -> bool:
    return any(table.fullname == other.fullname for other in tables)


def make_own_tables(db: Connection) -> set[str]:
    """Create those of bakeio's own tables that are missing, with an identity for the database.

    Returns:
        The names of the new ones.

    Raises:
        DatabaseError: (`no-journal`) This user may not make tables.
    """
    try:
        made = make_missing(db, METADATA.sorted_tables)
    except DatabaseError as error:
        if is_forbidden(error.__cause__):
            raise _not_allowed(error) from error
        raise
    meta = stored_meta(db)
    for key, value in {"database_id": str(uuid.uuid4()), "version": str(VERSION)}.items():
        if key not in meta:
            write_own(db, META, META.insert().values(key=key, value=value))
    return made


def _not_allowed(error: DatabaseError) -> DatabaseError:
    return DatabaseError(
        f"imports are recorded in tables of bakeio's own, which this user may not make: {error}. "
        "Or import without a record (--no-journal), which cannot be undone",
        code="no-journal",
    )


def has_journal(db: Connection) -> bool:
    """Tell whether the side tables of the journal are there."""
    return has_own(db, RUNS)


def adopt_database_id(db: Connection, wanted: str) -> None:
    """Take over the identity of the database a set came from.

    What is rebuilt from a backup is the same bakery.
    """
    db.execute(META.update().where(META.c.key == "database_id").values(value=wanted))


def will_write(db: Connection, catalog: Catalog) -> None:
    """Take the lock of a writer before anything is read, where the caller has not done so."""
    # an application's database may have none of our own tables yet
    others = [e.table.name for e in catalog.entities.values() if e.table.schema is None]
    dialect_of(db).will_write(db, [META.name, *others])


class RowNumbers:
    """The numbers by which the journal knows rows whose ids are texts; a number is its own.

    Args:
        db: The connection; one that writes where new numbers are given.
    """

    def __init__(self, db: Connection) -> None:
        self.db = db
        self._keys: dict[str, dict[int, str]] = {}
        self._numbers: dict[str, dict[str, int]] = {}

    def give(self, entity: str, ids: Sequence[RowId]) -> list[int]:
        """Return the numbers of rows, new ones for those that have none yet."""
        if str not in set(map(type, ids)):
            return list(ids)  # type: ignore[arg-type]
        known = self._known(entity)
        new = list(dict.fromkeys(i for i in ids if isinstance(i, str) and i not in known))
        if new:
            if not has_own(self.db, ROW_KEYS):
                make_own_tables(self.db)  # the journal is older than this table
            last = self.db.scalar(select(func.max(ROW_KEYS.c.row)).where(_is_of(entity))) or 0
            entries = [
                {"entity": entity, "row": number, "key": key}
                for number, key in enumerate(new, last + 1)
            ]
            write_own(self.db, ROW_KEYS, ROW_KEYS.insert(), entries)
            known.update((key, number) for number, key in enumerate(new, last + 1))
            self._keys[entity].update(enumerate(new, last + 1))
        return [known[i] if isinstance(i, str) else i for i in ids]

    def find(self, entity: str, identity: RowId) -> int | None:
        """Return the number of a row, None where the journal never met it."""
        return self._known(entity).get(identity) if isinstance(identity, str) else identity

    def ids(self, entity: str, numbers: Iterable[int]) -> list[RowId]:
        """Return the ids of rows."""
        numbers = list(numbers)
        if not numbers:
            return []
        self._known(entity)
        keys = self._keys[entity]
        return [keys.get(number, number) for number in numbers]

    def _known(self, entity: str) -> dict[str, int]:
        if entity not in self._numbers:
            query = select(ROW_KEYS.c.row, ROW_KEYS.c.key).where(_is_of(entity))
            found = self.db.execute(query).all() if has_own(self.db, ROW_KEYS) else []
            self._keys[entity] = keys = dict(found)
            self._numbers[entity] = {key: number for number, key in keys.items()}
        return self._numbers[entity]


def _is_of(entity: str) -> ColumnElement[bool]:
    return ROW_KEYS.c.entity == entity
