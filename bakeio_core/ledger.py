"""bakeio's own side tables in the user's database: its `database_id`, and the journal of runs and the fields they set."""

from __future__ import annotations

import json
import uuid
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
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
    inspect,
    select,
)

from bakeio_core.catalog import Catalog, order_indexes
from bakeio_core.dialects import dialect_of
from bakeio_core.errors import DatabaseError
from bakeio_core.values import folded_key

if TYPE_CHECKING:
    from bakeio_core.changes import Change

__all__ = ["adopt_database_id", "database_id", "make_tables", "refuse_writing", "upgrade"]

VERSION = 1
_ENCODER = msgspec.json.Encoder(decimal_format="number")
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
META = Table("bakeio_meta", METADATA, Column("key", String(50), primary_key=True), Column("value", String(200), nullable=False))
for _table in METADATA.tables.values():
    order_indexes(_table)


def _meta(db: Connection) -> dict[str, str]:
    dialect = dialect_of(db)
    if not dialect.has_table(db, META.name):
        return {}
    return dict(dialect.fetch(db, f"SELECT key, value FROM {META.name}"))


def database_id(db: Connection) -> str | None:
    """Return the UUID this database keeps, None where bakeio has never written to it."""
    return _meta(db).get("database_id")


def make_tables(db: Connection, catalog: Catalog) -> list[str]:
    """Create every table that is missing, the entities' and bakeio's own; return the names of the new ones. Twice is harmless."""
    dialect = dialect_of(db)
    wanted = {*catalog.metadata.tables, *METADATA.tables}
    missing = wanted - dialect.existing_columns(db).keys()
    if missing:
        dialect.keep_makers_off(db)  # two that made the same table at once would fail on each other
        missing = wanted - dialect.existing_columns(db).keys()
        catalog.metadata.create_all(db)
        METADATA.create_all(db)
    meta = _meta(db)
    for key, value in {"database_id": str(uuid.uuid4()), "version": str(VERSION)}.items():
        if key not in meta:
            db.execute(META.insert().values(key=key, value=value))
    return sorted(missing)


def has_journal(db: Connection) -> bool:
    """Tell whether the side tables of the journal are there."""
    return dialect_of(db).has_table(db, RUNS.name)


def record_changes(db: Connection, run: int, file: str, changes: Iterable[Change]) -> None:
    """Enter the fields a batch of updates set: old and new wire values as JSON, stamps left out."""
    dialect = dialect_of(db)
    number = int(dialect.scalar(db, f"SELECT max({dialect.quote('id')}) FROM {CHANGES.name}") or 0)
    entered = [(change, column) for change in changes for column in change.new if column != "updated_at"]
    old = _texts([change.old.get(column) for change, column in entered])
    new = _texts([change.new[column] for change, column in entered])
    rows = [
        (
            place,
            run,
            c.entity,
            c.id,
            column,
            before,
            after,
            file,
            c.record,
            c.old.get("updated_at"),
            c.new.get("updated_at"),
            c.reason or None,
        )
        for place, (c, column), before, after in zip(count(number + 1), entered, old, new, strict=False)
    ]
    names = ("id", "run", "entity", "row", "field", "old", "new", "file", "record", "stamp", "stamped", "decision")
    columns, marks = ", ".join(map(dialect.quote, names)), ", ".join([dialect.mark] * len(names))
    dialect.executemany(db, f"INSERT INTO {CHANGES.name} ({columns}) VALUES ({marks})", rows)


def _texts(values: Sequence[Any]) -> list[str]:
    """Return wire values as the journal keeps them: JSON, whole numbers without a point whichever database they come from."""
    plain = [int(value) if isinstance(value, float) and value.is_integer() else value for value in values]
    return _ENCODER.encode_lines(plain).decode().split("\n")


def as_text(value: Any) -> str:
    """Return a wire value as the journal keeps it."""
    return _texts([value])[0]


# -- what was learned: keys that mean a row which does not bear them
@dataclass(frozen=True)
class Alias:
    """A key that a person once mapped to a row: `key` as it stood in the file, `row` the id here."""

    entity: str
    key: Mapping[str, Any]
    row: int
    at: str = ""
    run: int | None = None


def _folded(alias: Alias) -> str:
    return as_text([list(pair) for pair in folded_key(alias.key)])


def aliases(db: Connection) -> list[Alias]:
    """Return everything learned, in the order of entity and key."""
    if not dialect_of(db).has_table(db, ALIASES.name):
        return []
    found = db.execute(select(ALIASES).order_by(ALIASES.c.entity, ALIASES.c.folded)).mappings()
    return [Alias(row["entity"], json.loads(row["key"]), row["row"], row["at"], row["run"]) for row in found]


def learn(db: Connection, run: int | None, lessons: Iterable[Alias], at: str) -> None:
    """Remember keys and the rows they were mapped to; what was learned of the same key before is replaced."""
    for alias in lessons:
        folded = _folded(alias)
        if len(folded) <= 1000 and dialect_of(db).has_table(db, ALIASES.name):
            db.execute(ALIASES.delete().where(ALIASES.c.entity == alias.entity, ALIASES.c.folded == folded))
            db.execute(
                ALIASES.insert().values(entity=alias.entity, folded=folded, key=as_text(dict(alias.key)), row=alias.row, run=run, at=at)
            )


def forget(db: Connection, entity: str, value: str) -> int:
    """Forget what was learned of a name of an entity, however it is spelled; return how many keys that were."""
    gone = [a for a in aliases(db) if a.entity == entity and {*folded_key(dict.fromkeys(a.key, value))} & {*folded_key(a.key)}]
    for alias in gone:
        db.execute(ALIASES.delete().where(ALIASES.c.entity == entity, ALIASES.c.folded == _folded(alias)))
    return len(gone)


def runs(db: Connection) -> list[dict[str, Any]]:
    """Return every run, the latest first."""
    if not dialect_of(db).has_table(db, RUNS.name):
        return []
    found = db.execute(select(RUNS).order_by(RUNS.c.id.desc())).mappings()
    return [{**row, "counts": json.loads(row["counts"]), "decisions": json.loads(row["decisions"] or "[]")} for row in found]


def set_by_export(db: Connection, entity: str, row: int, field: str, value: Any, export_id: str) -> bool:
    """Tell whether a row's value is what the last run to set it took from a file of this `export_id`: the file's own earlier edit."""
    if not dialect_of(db).has_table(db, CHANGES.name):
        return False
    query = select(CHANGES.c.id, CHANGES.c.new, RUNS.c.export_id).join(RUNS, RUNS.c.id == CHANGES.c.run)
    query = query.where(CHANGES.c.entity == entity, CHANGES.c.row == row, CHANGES.c.field == field)
    # not ORDER BY id LIMIT 1: a database may then walk through the whole journal by its ids, the last one first
    last = max(db.execute(query).all(), default=None)
    return last is not None and last[2] == export_id and last[1] == as_text(value)


def adopt_database_id(db: Connection, wanted: str) -> None:
    """Take over the identity of the database a set came from: what is rebuilt from a backup is the same bakery."""
    db.execute(META.update().where(META.c.key == "database_id").values(value=wanted))


def outdated(db: Connection, catalog: Catalog) -> list[str]:
    """Return what an older database lacks, `table` or `table.column`; empty where there is nothing to upgrade."""
    there = dialect_of(db).existing_columns(db)
    missing = []
    for table in [*catalog.metadata.sorted_tables, *METADATA.sorted_tables]:
        if table.name not in there:
            missing.append(table.name)
        else:
            missing += [f"{table.name}.{column.name}" for column in table.columns if column.name not in there[table.name]]
    return missing


def will_write(db: Connection) -> None:
    """Take the lock of a writer before anything is read, in a transaction of the caller that has not done so."""
    dialect_of(db).will_write(db, META.name)


def refuse_writing(db: Connection, catalog: Catalog) -> None:
    """Raise DatabaseError where this bakeio must not write: the database is newer, or lacks columns `bakeio upgrade` adds."""
    version = int(_meta(db).get("version", VERSION))
    if version > VERSION:
        raise DatabaseError(f"the database was made by a newer bakeio (its version {version}, known here {VERSION}): update bakeio")
    columns = [name for name in outdated(db, catalog) if "." in name]
    if columns or version < VERSION:
        raise DatabaseError(f"the database is older than this bakeio ({_some(columns) or 'side tables'} missing); run: bakeio upgrade")


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _index(db: Connection, catalog: Catalog, added: set[str]) -> list[str]:
    """Create the indexes that are missing; return them as `table(column, ...)`, but for those of columns that were just added.

    One on the same columns serves whatever it is called, and so does one that begins with them. A missing unique index is no matter of
    speed alone: it is made only for new columns.
    """
    made, there = [], inspect(db)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", exc.SAWarning)  # it cannot tell what an index of expressions is on
        known: dict[str, list[Any]] = {
            name: [*there.get_indexes(name), *there.get_unique_constraints(name)] for name in there.get_table_names()
        }
    taken = {index["name"] for indexes in known.values() for index in indexes} | known.keys()
    for table in (*catalog.metadata.sorted_tables, *METADATA.sorted_tables):
        if table.name not in known:  # another schema's
            continue
        whole = [index for index in known[table.name] if not any(option.endswith("_where") for option in index.get("dialect_options", {}))]
        for index in table.indexes:
            columns = [column.name for column in index.columns]
            if index.name in taken:
                continue
            if any(f"{table.name}.{column}" in added for column in columns):
                index.create(db)
            elif not index.unique and not any(other["column_names"][: len(columns)] == columns for other in whole):
                index.create(db)
                made.append(f"{table.name}({', '.join(columns)})")
    return made


def upgrade(db: Connection, catalog: Catalog) -> list[str]:
    """Add the tables, columns and indexes an older database lacks; return what was added. The caller's transaction holds it all.

    Raises DatabaseError where the database is newer, or where a missing column cannot be filled (required, without a default).
    """
    version = int(_meta(db).get("version", VERSION))
    if version > VERSION:
        raise DatabaseError(f"the database was made by a newer bakeio (its version {version}, known here {VERSION}): update bakeio")
    added = outdated(db, catalog)
    make_tables(db, catalog)
    dialect = dialect_of(db)
    for name in added:
        if "." in name:
            table_name, column_name = name.split(".")
            table = (catalog.metadata.tables | METADATA.tables)[table_name]
            dialect.add_column(db, table, table.c[column_name])
    added += _index(db, catalog, set(added))
    db.execute(META.update().where(META.c.key == "version").values(value=str(VERSION)))
    return added
