"""Enter what a run did, rows in batches and fields one by one, and tell which runs there are."""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

import msgspec
from sqlalchemy import func, null, select

from bakeio_core.database.dialects import charset_of, dialect_of, tables_there
from bakeio_core.history.journal.packing import checksums, content_sums, packed, remembered_by
from bakeio_core.history.tables import (
    BATCHES,
    CHANGES,
    RUNS,
    RowNumbers,
    has_own,
    refuse_losses,
    write_own,
)
from bakeio_core.values.wording import Unreadable, printable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.entities.model import Entity
    from bakeio_core.catalog.exchange import Change
    from bakeio_core.database.systems.columns.unknown_columns import Cells
    from bakeio_core.history.reports.told import Run

UNKNOWN = "*"
"""Under which a deleted row has what it had in columns nobody declared: no column is called so."""
UNREADABLE = "\0unreadable"
"""The name under which stands what is said of a value that had no form in files."""


def _said_of(value: Any) -> Any:
    if isinstance(value, Unreadable):
        return {UNREADABLE: str(value)}
    raise TypeError(f"the journal has no form for {type(value).__name__}")


_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=_said_of)


def texts(values: Sequence[Any]) -> list[str]:
    """Write wire values as the journal keeps them, one JSON text for each.

    Whole numbers stand without a point, whichever database they come from.
    """
    plain = [
        int(value) if isinstance(value, float) and value.is_integer() else value for value in values
    ]
    return _ENCODER.encode_lines(plain).decode().split("\n")[:-1]


def _records_of(changes: Sequence[Change]) -> list[int]:
    return [change.record for change in changes]


def kept_name(db: Connection, name: str) -> str:
    """Return the name of a file as the journal keeps it, whatever characters the database has."""
    charset = charset_of(db)
    return printable(name) if charset is None else charset.nearest(printable(name))


class Journal:
    """What one run enters.

    Attributes:
        run: Its number.
        keeps_contents: Whether lines without a key are to be known again by what they held.
        batches: How many batches of created or deleted rows it has entered.
        entered: How many batches of updates it has entered.
    """

    def __init__(self, db: Connection, run: int, *, keeps_contents: bool = False) -> None:
        self.db, self.run, self.keeps_contents = db, run, keeps_contents
        self.batches = self.entered = 0
        self._row_numbers = RowNumbers(db)

    @classmethod
    def start(
        cls,
        db: Connection,
        source: str,
        mode: str,
        at: str,
        *,
        export_id: str | None = None,
        path: str | None = None,
        keeps_contents: bool = False,
        undoes: int | None = None,
    ) -> Journal:
        """Enter a run; the caller's transaction holds it with the data.

        Args:
            db: The connection, in a transaction that writes.
            source: What is imported, as people see it.
            mode: The mode of the import, or `undo`.
            at: The moment in UTC, as ISO 8601.
            export_id: The export the file came from, if it says so.
            path: Where the file lies, if it is one.
            keeps_contents: Whether lines without a key are to be known again by what they held.
            undoes: The run that is undone, if it is an undo.
        """
        # Counted here, not by the database: its sequences would survive a rollback. The lock keeps
        # two runs from one number.
        dialect_of(db).lock(db, [RUNS, CHANGES, BATCHES])
        number = int(db.execute(select(func.coalesce(func.max(RUNS.c.id), 0))).scalar_one()) + 1
        entry = {
            "id": number,
            "at": at,
            "source": kept_name(db, source),
            "mode": mode,
            "export_id": export_id,
            "counts": "{}",
            "undoes": undoes,
            "path": None if path is None else kept_name(db, path),
        }
        write_own(db, RUNS, RUNS.insert().values(**entry))
        return cls(db, number, keeps_contents=keeps_contents)

    def created(
        self,
        entity: Entity,
        file: str,
        rows: Sequence[tuple[Any, ...]],
        numbers: Sequence[int],
    ) -> None:
        """Enter rows that were created.

        Args:
            entity: Whose rows they are.
            file: The file they come from.
            rows: Wire values in the order of `entity.columns`.
            numbers: The records they come from, one for each row.
        """
        if not len(rows):
            return
        known, identity = list(rows[:]), itemgetter(entity.columns.index(entity.primary))
        given = self._row_numbers.give(entity.name, list(map(identity, known)))
        data = packed(array("q", given)) + packed(numbers)
        data += checksums(entity, known).tobytes()
        by = remembered_by(entity) if self.keeps_contents or entity.may_lack_keys else ()
        if by:
            cells = list(map(itemgetter(*map(entity.columns.index, by)), known))
            contents = cells if len(by) > 1 else [(cell,) for cell in cells]
            data += content_sums(entity, contents).tobytes()
        self._enter(entity, "create", file, len(known), data)

    def updated(
        self, entity: Entity, file: str, changes: Sequence[Change], numbers: Sequence[int] = ()
    ) -> None:
        """Enter the fields a batch of updates set in rows of an entity, its stamp beside them.

        Args:
            entity: Whose rows they are.
            file: The file they come from.
            changes: The updates.
            numbers: The records of the file they come from, one for each; left out, those they say.
        """
        if not changes:
            return
        self.entered += 1
        dialect, file = dialect_of(self.db), kept_name(self.db, file)
        quoted = list(map(dialect.quote, CHANGES.columns.keys()))
        last = int(dialect.scalar(self.db, f"SELECT max({quoted[0]}) FROM {CHANGES.name}") or 0)
        stamp = next((column for column in entity.filled.stamps if column == "updated_at"), "")
        entered = [
            (change, number, column)
            for change, number in zip(changes, numbers or _records_of(changes), strict=True)
            for column in change.new
            if column != stamp
        ]
        old = texts([change.old.get(column) for change, _, column in entered])
        new = texts([change.new[column] for change, _, column in entered])
        ids = [change.known_id for change, _, _ in entered]
        given = self._row_numbers.give(changes[0].entity, ids)
        values = zip(entered, given, old, new, strict=True)
        rows = [
            (
                last + number,
                self.run,
                change.entity,
                row,
                column,
                before,
                after,
                file,
                record,
                change.old.get(stamp),
                change.new.get(stamp),
                change.reason or None,
            )
            for number, ((change, record, column), row, before, after) in enumerate(values, 1)
        ]
        marks = ", ".join([dialect.mark] * len(quoted))
        sql = f"INSERT INTO {CHANGES.name} ({', '.join(quoted)}) VALUES ({marks})"
        refuse_losses(CHANGES, dialect.executemany(self.db, sql, rows), len(rows))

    def deleted(
        self, entity: Entity, rows: Sequence[tuple[Any, ...]], unknown: Cells | None = None
    ) -> None:
        """Enter rows that were deleted, whole.

        Args:
            entity: Whose rows.
            rows: Their wire values in the order of `entity.columns`.
            unknown: What they had in columns that nobody declared.
        """
        if rows:
            whole: list[dict[str, Any]] = [
                dict(zip(entity.columns, row, strict=True)) for row in rows
            ]
            for row in whole if unknown else ():
                cells = (unknown or {}).get(row[entity.primary])
                row |= {UNKNOWN: cells} if cells else {}
            data = zlib.compress(_ENCODER.encode_lines(whole), 1)
            self._enter(entity, "delete", "", len(rows), data)

    def _enter(self, entity: Entity, action: str, file: str, count: int, data: bytes) -> None:
        self.batches += 1
        entry = {
            "run": self.run,
            "number": self.batches,
            "entity": entity.name,
            "action": action,
            "file": kept_name(self.db, file),
            "count": count,
            "data": data,
        }
        write_own(self.db, BATCHES, BATCHES.insert().values(**entry))

    def finish(
        self,
        counts: Mapping[str, int],
        sha256: str | None = None,
        decisions: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Enter what the run came to.

        Args:
            counts: How many records were created, updated and so on.
            sha256: The SHA-256 of what the run read, in hexadecimal.
            decisions: What was decided in it, as the entries of a decisions file.
        """
        entry = {
            "counts": json.dumps(dict(counts)),
            "sha256": sha256,
            "decisions": _ENCODER.encode(list(decisions)).decode() if decisions else None,
        }
        changed = RUNS.update().where(RUNS.c.id == self.run)
        write_own(self.db, RUNS, changed.values(**entry))


def all_runs(db: Connection) -> list[Run]:
    """Return every run, the latest first."""
    if not has_own(db, RUNS):
        return []
    there = tables_there(db)[RUNS.name]
    columns = [column for column in RUNS.columns if column.name in there]
    found = db.execute(select(*columns).order_by(RUNS.c.id.desc())).mappings()
    texts = ("counts", "decisions")
    runs = [{**row} | {name: json.loads(row[name] or "[]") for name in texts} for row in found]
    return cast("list[Run]", runs)


@dataclass(frozen=True)
class StandingRun:
    """An import that was not taken back: of which export, path and contents it was, and when."""

    number: int
    export_id: str | None
    path: str | None
    sha256: str | None
    at: str


def standing_runs(db: Connection) -> list[StandingRun]:
    """Return the imports that were not taken back, the first one first."""
    if not has_own(db, RUNS):
        return []
    there = tables_there(db)[RUNS.name]
    undone = undone_runs(db)
    # an older database can be read before it is upgraded
    path = RUNS.c.path if "path" in there else null()
    query = select(RUNS.c.id, RUNS.c.export_id, path, RUNS.c.sha256, RUNS.c.at)
    found = db.execute(query.where(RUNS.c.undoes.is_(None)).order_by(RUNS.c.id)).all()
    return [StandingRun(*run) for run in found if run[0] not in undone]


def undone_runs(db: Connection) -> dict[int, int]:
    """Return the runs that are taken back now: {number: number of the undo}.

    What an undo took back is there again once that undo was undone.
    """
    if not has_own(db, RUNS):
        return {}
    query = select(RUNS.c.id, RUNS.c.undoes).where(RUNS.c.undoes.is_not(None))
    undone: dict[int, int] = {}
    # the latest first: whether an undo stands is known before the run is met that it took back
    for undo, run in db.execute(query.order_by(RUNS.c.id.desc())):
        if undo not in undone:
            undone[run] = undo
    return undone
