"""Read what the journal holds: what runs created, deleted and set."""

from __future__ import annotations

import decimal
import json
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import func, select

from bakeio_core.catalog.keys.row_ids import row_id
from bakeio_core.history.journal.journal import UNREADABLE, texts
from bakeio_core.history.journal.packing import HEAD, ends_of, unpacked
from bakeio_core.history.tables import BATCHES, CHANGES, RowNumbers, has_own
from bakeio_core.values.kinds.nested import exact
from bakeio_core.values.wording import Unreadable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.entities.model import Entity, RowId

PAGE = 500


@dataclass
class Batch:
    """Rows one run created or deleted.

    Attributes:
        ids: The ids of created rows.
        records: The records they come from, one for each of them.
        checksums: Theirs as they were created, see `packing.checksums`.
        contents: Of what the file knows them by again, see `packing.content_sums`; empty for rows
            of a set.
        rows: Deleted rows, {column: wire value} each.
    """

    entity: str
    action: str
    file: str
    ids: Sequence[RowId] = ()
    records: Sequence[int] = ()
    checksums: Sequence[int] = ()
    contents: Sequence[int] = ()
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class FieldSet:
    """One field a run set.

    Attributes:
        old: The value before, as JSON text.
        new: The value after, as JSON text.
        stamp: The row's `updated_at` before.
        stamped: The row's `updated_at` after.
        decision: What decided on the value, where something did.
    """

    run: int
    entity: str
    row: RowId
    field: str
    old: str | None
    new: str | None
    file: str | None
    record: int | None
    stamp: str | None
    stamped: str | None
    decision: str | None


def batches(
    db: Connection, run: int | None = None, *, entity: str | None = None, backwards: bool = False
) -> Iterator[tuple[int, Batch]]:
    """Go through what was created and deleted, with one batch in memory at a time.

    Args:
        db: The connection.
        run: Only what this run did.
        entity: Only rows of this entity.
        backwards: The latest batch first.

    Yields:
        (run, batch).
    """
    if not has_own(db, BATCHES):
        return
    query = select(BATCHES.c.run, BATCHES.c.number).order_by(BATCHES.c.run, BATCHES.c.number)
    if run is not None:
        query = query.where(BATCHES.c.run == run)
    if entity is not None:
        query = query.where(BATCHES.c.entity == entity)
    found, named = db.execute(query).all(), RowNumbers(db)
    for of, number in reversed(found) if backwards else found:
        yield of, _batch(db, of, number, named)


def batches_with(db: Connection, entity: Entity, row: RowId) -> Iterator[tuple[int, Batch]]:
    """Go through the batches in which a row of an entity was created or deleted.

    Whether a batch has it is told by a few bytes of most of them.
    """
    if not has_own(db, BATCHES):
        return
    named = RowNumbers(db)
    number = named.find(entity.name, row)
    head = func.substr(BATCHES.c.data, 1, HEAD)
    columns = (BATCHES.c.run, BATCHES.c.number, BATCHES.c.action, BATCHES.c["count"], head)
    query = select(*columns).where(BATCHES.c.entity == entity.name)
    for run, batch, action, count, begin in db.execute(query.order_by(*columns[:2])).all():
        ends = ends_of(bytes(begin), count) if action == "create" else None
        if number is not None and ends is not None and not ends[0] <= number <= ends[1]:
            continue
        found = _batch(db, run, batch, named)
        if row in found.ids or any(row_id(entity, cells) == row for cells in found.rows):
            yield run, found


def _batch(db: Connection, run: int, number: int, named: RowNumbers) -> Batch:
    one = select(BATCHES).where(BATCHES.c.run == run, BATCHES.c.number == number)
    row = db.execute(one).mappings().one()
    data = bytes(row["data"])
    batch = Batch(row["entity"], row["action"], row["file"])
    if row["action"] == "delete":
        decoder = msgspec.json.Decoder(float_hook=decimal.Decimal)
        batch.rows = decoder.decode_lines(zlib.decompress(data))
        return batch
    numbers, data = unpacked(data, row["count"])
    batch.ids = named.ids(batch.entity, numbers)
    batch.records, data = unpacked(data, row["count"])
    sums, size = array("I", data), 2 * row["count"]
    batch.checksums, batch.contents = sums[:size], sums[size:]
    return batch


def fields_set(
    db: Connection,
    run: int | None = None,
    *,
    entity: str | None = None,
    row: RowId | None = None,
    field: str | None = None,
) -> Iterator[FieldSet]:
    """Go through the fields that were set, in the order they were.

    Args:
        db: The connection.
        run: Only what this run set.
        entity: Only fields of this entity.
        row: Only fields of the row with this id.
        field: Only this field.
    """
    query, named = select(CHANGES.c.id), RowNumbers(db)
    if entity is not None and row is not None:
        row = named.find(entity, row)
        if row is None:
            return
    for column, value in (
        ("run", run),
        ("entity", entity),
        ("row", row),
        ("field", field),
    ):
        if value is not None:
            query = query.where(CHANGES.c[column] == value)
    # The ids first: asked for pages in their order, a database may walk through all of the journal,
    # or all of the run, for each.
    ids = sorted(db.execute(query).scalars())
    columns = [CHANGES.c[name] for name in FieldSet.__dataclass_fields__]
    for start in range(0, len(ids), PAGE):
        page = CHANGES.c.id.in_(ids[start : start + PAGE])
        for cells in db.execute(select(*columns).where(page).order_by(CHANGES.c.id)).all():
            found = FieldSet(*cells)
            found.row = named.ids(found.entity, [int(found.row)])[0]
            yield found


def fields_by_row(db: Connection, run: int) -> Iterator[list[FieldSet]]:
    """Go through the fields a run set, those of one row that follow each other together."""
    for _, fields in groupby(fields_set(db, run), lambda item: (item.entity, item.row)):
        yield list(fields)


def last_setter(db: Connection, entity: str, row: RowId, field: str, value: Any) -> int | None:
    """Return the last run that set a row's field, None where its value is not from there."""
    number = RowNumbers(db).find(entity, row)
    query = select(CHANGES.c.id, CHANGES.c.new, CHANGES.c.run).where(
        CHANGES.c.entity == entity, CHANGES.c.row == number, CHANGES.c.field == field
    )
    # not ORDER BY id LIMIT 1: a database may then walk through the whole journal by its ids, the
    # last one first
    last = max(db.execute(query).all(), default=None)
    return last[2] if last is not None and [last[1]] == texts([value]) else None


def entities_of(db: Connection, run: int) -> set[str]:
    """Return the entities a run wrote to."""
    found: set[str] = set()
    for table in (CHANGES, BATCHES):
        found |= set(db.execute(select(table.c.entity).where(table.c.run == run)).scalars())
    return found


def changed_something(db: Connection, run: int) -> bool:
    """Tell whether a run created, deleted or set anything."""
    tables = (CHANGES, BATCHES)
    return any(
        db.execute(select(table.c.run).where(table.c.run == run).limit(1)).first() is not None
        for table in tables
    )


def read_text(text: str | None) -> Any:
    """Return the value of what the journal keeps as text, numbers with decimals as Decimal."""
    return None if text is None else json.loads(text, parse_float=decimal.Decimal)


def wire_value(entity: Entity, column: str, value: Any) -> Any:
    """Return a value of the journal as a wire value: out of its JSON numbers come as Decimal."""
    if isinstance(value, dict) and value.keys() == {UNREADABLE}:
        return Unreadable(value[UNREADABLE])
    kind = entity.kinds.get(column)
    return exact(value) if kind is None else kind.from_json(value)
