"""bakeio's own side tables in the user's database: its `database_id`, and the journal of runs and the fields they set."""

from __future__ import annotations

import decimal
import json
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, func, select

from bakeio_core.catalog.exchange import STAMPS
from bakeio_core.catalog.model import Entity
from bakeio_core.database.dialects import dialect_of
from bakeio_core.history.tables import BATCHES, CHANGES, RUNS
from bakeio_core.values.numbers import Decimal
from bakeio_core.values.wording import printable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.exchange import Change

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def record_changes(db: Connection, run: int, file: str, changes: Iterable[Change]) -> None:
    """Enter the fields a batch of updates set: old and new wire values as JSON, stamps left out."""
    dialect = dialect_of(db)
    number = int(dialect.scalar(db, f"SELECT max({dialect.quote('id')}) FROM {CHANGES.name}") or 0)
    entered = [
        (change, column) for change in changes for column in change.new if column != "updated_at"
    ]
    old = texts([change.old.get(column) for change, column in entered])
    new = texts([change.new[column] for change, column in entered])
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
        for place, (c, column), before, after in zip(
            count(number + 1), entered, old, new, strict=False
        )
    ]
    names = (
        "id",
        "run",
        "entity",
        "row",
        "field",
        "old",
        "new",
        "file",
        "record",
        "stamp",
        "stamped",
        "decision",
    )
    columns, marks = ", ".join(map(dialect.quote, names)), ", ".join([dialect.mark] * len(names))
    dialect.executemany(db, f"INSERT INTO {CHANGES.name} ({columns}) VALUES ({marks})", rows)


def texts(values: Sequence[Any]) -> list[str]:
    """Return wire values as the journal keeps them: JSON, whole numbers without a point whichever database they come from."""
    plain = [
        int(value) if isinstance(value, float) and value.is_integer() else value for value in values
    ]
    return _ENCODER.encode_lines(plain).decode().split("\n")


def as_text(value: Any) -> str:
    """Return a wire value as the journal keeps it."""
    return texts([value])[0]


def set_by_export(
    db: Connection, entity: str, row: int, field: str, value: Any, export_id: str
) -> bool:
    """Tell whether a row's value is what the last run to set it took from a file of this `export_id`: the file's own earlier edit."""
    if not dialect_of(db).has_table(db, CHANGES.name):
        return False
    query = select(CHANGES.c.id, CHANGES.c.new, RUNS.c.export_id).join(
        RUNS, RUNS.c.id == CHANGES.c.run
    )
    query = query.where(CHANGES.c.entity == entity, CHANGES.c.row == row, CHANGES.c.field == field)
    # not ORDER BY id LIMIT 1: a database may then walk through the whole journal by its ids, the last one first
    last = max(db.execute(query).all(), default=None)
    return last is not None and last[2] == export_id and last[1] == as_text(value)


_ENCODER = msgspec.json.Encoder(decimal_format="number")
PAGE = 500
_PACKER = msgspec.msgpack.Encoder()


def prints(entity: Entity, rows: Sequence[tuple[Any, ...]], *, uniform: bool = False) -> bytes:
    """Return 64 bits of each row of wire values (CRC-32 of all, Adler-32 of all), equal for rows that hold the same, however they were read.

    Ids and stamps are left out: a row that was only touched is still as it was. uniform: numbers with decimals are all floats already, as
    the fast lane reads them; else they may be 5 here and 5.0 or decimal.Decimal there.
    """
    columns = [column for column in entity.columns if column not in (entity.primary, *STAMPS)]
    at = [entity.columns.index(column) for column in columns]
    contents: Iterable[Any] = (
        map(itemgetter(*at), rows)
        if len(at) > 1
        else [tuple([row[place] for place in at]) for row in rows]
    )
    places = {
        place for place, column in enumerate(columns) if isinstance(entity.kinds[column], Decimal)
    }
    if places and not uniform:
        contents = [
            tuple(
                [
                    float(c) if place in places and c is not None else c
                    for place, c in enumerate(row)
                ]
            )
            for row in contents
        ]
    texts = list(map(_PACKER.encode, contents))
    return (
        array("I", map(zlib.crc32, texts)).tobytes()
        + array("I", map(zlib.adler32, texts)).tobytes()
    )


def packed(numbers: Iterable[int]) -> bytes:
    """Return whole numbers compactly: two of them where the numbers follow one another."""
    known = numbers if isinstance(numbers, array) else array("q", numbers)
    if known == array("q", range(known[0], known[0] + len(known))):
        return array("q", [-1, known[0]]).tobytes()
    data = zlib.compress(known.tobytes(), 1)
    return array("q", [len(data), known[0]]).tobytes() + data


def unpacked(data: bytes, count: int) -> tuple[array[int], bytes]:
    """Return the numbers `packed` packed, and what follows them."""
    size, first = array("q", data[:16])
    if size < 0:
        return array("q", range(first, first + count)), data[16:]
    return array("q", zlib.decompress(data[16 : 16 + size])), data[16 + size :]


class Journal:
    """What one run enters. `run` is its number."""

    def __init__(self, db: Connection, run: int) -> None:
        self.db, self.run = db, run
        self.batches = self.entered = 0

    @classmethod
    def start(
        cls,
        db: Connection,
        source: str,
        mode: str,
        at: str,
        *,
        export_id: str | None = None,
        undoes: int | None = None,
    ) -> Journal:
        """Enter a run; the caller's transaction holds it with the data.

        Numbers are counted here, not by the database: its sequences would survive a rollback. The lock keeps two runs from one number.
        """
        dialect_of(db).lock(db, [RUNS, CHANGES, BATCHES])
        number = int(db.execute(select(func.coalesce(func.max(RUNS.c.id), 0))).scalar_one()) + 1
        entry = {
            "id": number,
            "at": at,
            "source": printable(source),
            "mode": mode,
            "export_id": export_id,
            "counts": "{}",
            "undoes": undoes,
        }
        db.execute(RUNS.insert().values(**entry))
        return cls(db, number)

    def created(
        self,
        entity: Entity,
        file: str,
        rows: Sequence[tuple[Any, ...]],
        numbers: Sequence[int],
        *,
        uniform: bool = False,
    ) -> None:
        """Enter rows that were created, and the records they come from; `uniform` as for `prints`."""
        if not len(rows):
            return
        known, identity = list(rows[:]), itemgetter(entity.columns.index(entity.primary))
        data = (
            packed(array("q", map(identity, known)))
            + packed(numbers)
            + prints(entity, known, uniform=uniform)
        )
        self._enter(entity, "create", file, len(known), data)

    def updated(self, file: str, changes: Sequence[Change]) -> None:
        """Enter the fields a batch of updates set."""
        if changes:
            self.entered += 1
            record_changes(self.db, self.run, printable(file), changes)

    def deleted(self, entity: Entity, rows: Sequence[tuple[Any, ...]]) -> None:
        """Enter rows that were deleted, whole."""
        if rows:
            whole = [dict(zip(entity.columns, row, strict=True)) for row in rows]
            self._enter(
                entity, "delete", "", len(rows), zlib.compress(_ENCODER.encode_lines(whole), 1)
            )

    def _enter(self, entity: Entity, action: str, file: str, count: int, data: bytes) -> None:
        self.batches += 1
        entry = {
            "run": self.run,
            "number": self.batches,
            "entity": entity.name,
            "action": action,
            "file": printable(file),
            "count": count,
            "data": data,
        }
        self.db.execute(BATCHES.insert().values(**entry))

    def finish(
        self,
        counts: Mapping[str, int],
        sha256: str | None = None,
        decisions: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Enter what the run came to, the SHA-256 of what it read, and what was decided in it."""
        told = _ENCODER.encode(list(decisions)).decode() if decisions else None
        entry = {"counts": json.dumps(dict(counts)), "sha256": sha256, "decisions": told}
        self.db.execute(RUNS.update().where(RUNS.c.id == self.run).values(**entry))


# -- reading it again
@dataclass
class Batch:
    """Rows one run created or deleted. ids, records, prints (see `prints`): of created rows; rows: deleted ones, {column: wire value}."""

    entity: str
    action: str
    file: str
    ids: Sequence[int] = ()
    records: Sequence[int] = ()
    prints: bytes = b""
    rows: list[dict[str, Any]] = field(default_factory=list)


def batches(
    db: Connection, run: int | None = None, *, entity: str | None = None, backwards: bool = False
) -> Iterator[tuple[int, Batch]]:
    """Yield (run, batch) of what a run (or every run) created and deleted, one batch in memory at a time."""
    if not dialect_of(db).has_table(db, BATCHES.name):
        return
    query = select(BATCHES.c.run, BATCHES.c.number).order_by(BATCHES.c.run, BATCHES.c.number)
    if run is not None:
        query = query.where(BATCHES.c.run == run)
    if entity is not None:
        query = query.where(BATCHES.c.entity == entity)
    found = db.execute(query).all()
    for of, number in reversed(found) if backwards else found:
        row = (
            db.execute(select(BATCHES).where(BATCHES.c.run == of, BATCHES.c.number == number))
            .mappings()
            .one()
        )
        data = bytes(row["data"])
        batch = Batch(row["entity"], row["action"], row["file"])
        if row["action"] == "delete":
            batch.rows = msgspec.json.Decoder(float_hook=decimal.Decimal).decode_lines(
                zlib.decompress(data)
            )
        else:
            batch.ids, data = unpacked(data, row["count"])
            batch.records, batch.prints = unpacked(data, row["count"])
        yield of, batch


@dataclass
class FieldSet:
    """One field a run set: `old` and `new` as JSON text; stamp, stamped: the row's updated_at before and after."""

    run: int
    entity: str
    row: int
    field: str
    old: str | None
    new: str | None
    file: str | None
    record: int | None
    stamp: str | None
    stamped: str | None
    decision: str | None


def fields_set(
    db: Connection, run: int | None = None, *, entity: str | None = None, row: int | None = None
) -> Iterator[FieldSet]:
    """Yield the fields a run (or every run) set, in the order they were set."""
    names = list(FieldSet.__dataclass_fields__)
    query = select(CHANGES.c.id)
    for column, value in (("run", run), ("entity", entity), ("row", row)):
        if value is not None:
            query = query.where(CHANGES.c[column] == value)
    # The ids first: asked for pages in their order, a database may walk through all of the journal, or all of the run, for each.
    ids = sorted(db.execute(query).scalars())
    for start in range(0, len(ids), PAGE):
        page = CHANGES.c.id.in_(ids[start : start + PAGE])
        for cells in db.execute(
            select(*[CHANGES.c[name] for name in names]).where(page).order_by(CHANGES.c.id)
        ).all():
            yield FieldSet(*cells)


def entities_of(db: Connection, run: int) -> set[str]:
    """Return the entities a run wrote to."""
    tables = (CHANGES, BATCHES)
    return {
        name
        for table in tables
        for (name,) in db.execute(select(table.c.entity).where(table.c.run == run).distinct())
    }


def read_text(text: str | None) -> Any:
    """Return the value of what the journal keeps as text, numbers with decimals as Decimal."""
    return None if text is None else json.loads(text, parse_float=decimal.Decimal)


def by_row(found: Iterable[FieldSet]) -> Iterator[list[FieldSet]]:
    """Group fields that follow each other and are of one row."""
    group: list[FieldSet] = []
    for item in found:
        if group and (group[0].entity, group[0].row) != (item.entity, item.row):
            yield group
            group = []
        group.append(item)
    if group:
        yield group
