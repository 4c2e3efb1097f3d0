"""The journal of one run: what it created, set and deleted, entered in the same transaction as the data, and read again to undo it.

Fields that were set stand one by one. Creations are packed a batch at a time: the ids, the numbers of the records, and 64 bits of each row
by which it can be told later whether the row is still as it was imported. Deletions keep whole rows.
"""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import func, select

from bakeio_core import ledger
from bakeio_core.dialects import dialect_of
from bakeio_core.ledger import BATCHES, CHANGES, RUNS
from bakeio_core.model import Entity
from bakeio_core.values import Number

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.changes import Change

__all__ = ["Batch", "FieldSet", "Journal", "batches", "fields_set", "prints"]

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_SIZE = 8


def prints(entity: Entity, rows: Sequence[tuple[Any, ...]]) -> list[bytes]:
    """Return 64 bits of each row of wire values (BLAKE2b), equal for rows that hold the same, whichever way they were read."""
    if any(isinstance(kind, Number) and not kind.plain for kind in entity.kinds.values()):
        rows = [tuple([float(cell) if isinstance(cell, Decimal) else cell for cell in row]) for row in rows]
    # whole numbers come as 5 from one database and as 5.0 from another
    lines = _ENCODER.encode_lines(rows).replace(b".0,", b",").replace(b".0]", b"]").split(b"\n")
    return [blake2b(line, digest_size=_SIZE).digest() for line in lines[: len(rows)]]


class Journal:
    """What one run enters. `run` is its number."""

    def __init__(self, db: Connection, run: int) -> None:
        self.db, self.run = db, run
        self.batches = self.entered = 0

    @classmethod
    def start(cls, db: Connection, source: str, mode: str, at: str, *, export_id: str | None = None, undoes: int | None = None) -> Journal:
        """Enter a run; the caller's transaction holds it with the data.

        Numbers are counted here, not by the database: its sequences would survive a rollback. The lock keeps two runs from one number.
        """
        dialect_of(db).lock(db, [RUNS, CHANGES, BATCHES])
        number = int(db.execute(select(func.coalesce(func.max(RUNS.c.id), 0))).scalar_one()) + 1
        entry = {"id": number, "at": at, "source": source, "mode": mode, "export_id": export_id, "counts": "{}", "undoes": undoes}
        db.execute(RUNS.insert().values(**entry))
        return cls(db, number)

    def created(self, entity: Entity, file: str, rows: Sequence[tuple[Any, ...]], numbers: Sequence[int]) -> None:
        """Enter rows that were created, and the records they come from."""
        if not len(rows):
            return
        place, known = entity.columns.index(entity.primary), list(rows[:])
        ids, records = array("q", [row[place] for row in known]), array("q", numbers)
        self._enter(entity, "create", file, len(known), ids.tobytes() + records.tobytes() + b"".join(prints(entity, known)))

    def updated(self, file: str, changes: Sequence[Change]) -> None:
        """Enter the fields a batch of updates set."""
        if changes:
            self.entered += 1
            ledger.record_changes(self.db, self.run, file, changes)

    def deleted(self, entity: Entity, rows: Sequence[tuple[Any, ...]]) -> None:
        """Enter rows that were deleted, whole."""
        if rows:
            whole = [dict(zip(entity.columns, row, strict=True)) for row in rows]
            self._enter(entity, "delete", "", len(rows), _ENCODER.encode_lines(whole))

    def _enter(self, entity: Entity, action: str, file: str, count: int, data: bytes) -> None:
        self.batches += 1
        packed = zlib.compress(data, 1)
        entry = {
            "run": self.run,
            "number": self.batches,
            "entity": entity.name,
            "action": action,
            "file": file,
            "count": count,
            "data": packed,
        }
        self.db.execute(BATCHES.insert().values(**entry))

    def finish(self, counts: Mapping[str, int], sha256: str | None = None, decisions: Sequence[Mapping[str, Any]] = ()) -> None:
        """Enter what the run came to, the SHA-256 of what it read, and what was decided in it."""
        told = _ENCODER.encode(list(decisions)).decode() if decisions else None
        entry = {"counts": json.dumps({name: count for name, count in counts.items() if count}), "sha256": sha256, "decisions": told}
        self.db.execute(RUNS.update().where(RUNS.c.id == self.run).values(**entry))


# -- reading it again
@dataclass
class Batch:
    """Rows one run created or deleted. ids, records, prints: of created rows; rows: deleted ones, {column: wire value}."""

    entity: str
    action: str
    file: str
    ids: Sequence[int] = ()
    records: Sequence[int] = ()
    prints: Sequence[bytes] = ()
    rows: list[dict[str, Any]] = field(default_factory=list)


def batches(db: Connection, run: int | None = None, *, entity: str | None = None, backwards: bool = False) -> Iterator[tuple[int, Batch]]:
    """Yield (run, batch) of what a run (or every run) created and deleted, one batch in memory at a time."""
    if BATCHES.name not in dialect_of(db).existing_columns(db):
        return
    query = select(BATCHES.c.run, BATCHES.c.number).order_by(BATCHES.c.run, BATCHES.c.number)
    if run is not None:
        query = query.where(BATCHES.c.run == run)
    if entity is not None:
        query = query.where(BATCHES.c.entity == entity)
    found = db.execute(query).all()
    for of, number in reversed(found) if backwards else found:
        row = db.execute(select(BATCHES).where(BATCHES.c.run == of, BATCHES.c.number == number)).mappings().one()
        data, count = zlib.decompress(row["data"]), row["count"]
        batch = Batch(row["entity"], row["action"], row["file"])
        if row["action"] == "delete":
            batch.rows = msgspec.json.Decoder().decode_lines(data)
        else:
            numbers = array("q")
            numbers.frombytes(data[: 16 * count])
            batch.ids, batch.records = numbers[:count], numbers[count:]
            rest = data[16 * count :]
            batch.prints = [rest[place : place + _SIZE] for place in range(0, _SIZE * count, _SIZE)]
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


def fields_set(db: Connection, run: int | None = None, *, entity: str | None = None, row: int | None = None) -> Iterator[FieldSet]:
    """Yield the fields a run (or every run) set, in the order they were set."""
    query = select(*[CHANGES.c[name] for name in FieldSet.__dataclass_fields__]).order_by(CHANGES.c.id)
    for column, value in (("run", run), ("entity", entity), ("row", row)):
        if value is not None:
            query = query.where(CHANGES.c[column] == value)
    for found in db.execute(query.execution_options(yield_per=2000)):
        yield FieldSet(*found)


def read_text(text: str | None) -> Any:
    """Return the wire value of what the journal keeps as text."""
    return None if text is None else json.loads(text)


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
