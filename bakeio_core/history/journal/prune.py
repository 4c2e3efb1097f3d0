"""How large the journal is, and how the runs of long ago are taken out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select

from bakeio_core.database.dialects import dialect_of
from bakeio_core.errors import UsageError
from bakeio_core.history.tables import (
    BATCHES,
    CHANGES,
    META,
    RUNS,
    has_journal,
    stored_meta,
    write_own,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

PRUNED = "pruned_to"
"""Under which the last run that was taken out stands in the table of what bakeio keeps."""


@dataclass(frozen=True)
class JournalSize:
    """How much the journal of a database holds.

    Attributes:
        runs: The number of runs.
        pruned: The number of the last run of which only its line in `runs` is left; 0 where there
            is none.
        first: The time of the first run that still has all its details; None if there is none.
        changes: How many fields the remaining runs set.
        batches: How many batches of rows they created and deleted.
        bytes: The size of the journal, if the database can tell.
    """

    runs: int
    pruned: int
    first: str | None
    changes: int
    batches: int
    bytes: int | None


@dataclass(frozen=True)
class Pruned:
    """What was removed from the journal.

    Attributes:
        runs: How many runs.
        to: The number of the last of them, 0 where there was none.
        changes: How many fields they had set.
        batches: How many batches of rows they had created and deleted.
    """

    runs: int
    to: int
    changes: int
    batches: int


def pruned_to(db: Connection) -> int:
    """Return the number of the last run that was taken out of the journal, 0 without any."""
    return int(stored_meta(db).get(PRUNED, 0))


def size_of(db: Connection) -> JournalSize:
    """Find out how large the journal is."""
    if not has_journal(db):
        return JournalSize(0, 0, None, 0, 0, 0)
    known, first = pruned_to(db), select(func.min(RUNS.c.at))
    return JournalSize(
        runs=_count(db, RUNS),
        pruned=known,
        first=db.scalar(first.where(RUNS.c.id > known)),
        changes=_count(db, CHANGES),
        batches=_count(db, BATCHES),
        bytes=dialect_of(db).bytes_of(db, [RUNS, CHANGES, BATCHES]),
    )


def prune(db: Connection, *, keep_days: int | None, keep_runs: int | None) -> Pruned:
    """Take what the runs of long ago did out of the journal; that there were such runs stays.

    Args:
        db: A connection that writes.
        keep_days: Keep the runs of the last N days.
        keep_runs: Keep the latest N runs. If both are given, a run stays if one of them keeps it.

    Raises:
        UsageError: Neither is given.
    """
    if keep_days is None and keep_runs is None:
        raise UsageError("give --keep-days N or --keep-runs N")
    if not has_journal(db):
        return Pruned(0, 0, 0, 0)
    dialect_of(db).lock(db, [RUNS, CHANGES, BATCHES])
    before, last = pruned_to(db), _last_to_go(db, keep_days, keep_runs)
    if last <= before:
        return Pruned(0, before, 0, 0)
    gone = [
        int(db.execute(delete(table).where(table.c.run <= last)).rowcount)
        for table in (CHANGES, BATCHES)
    ]
    runs = select(func.count()).select_from(RUNS).where(RUNS.c.id > before, RUNS.c.id <= last)
    count = int(db.scalar(runs) or 0)
    db.execute(delete(META).where(META.c.key == PRUNED))
    write_own(db, META, META.insert().values(key=PRUNED, value=str(last)))
    return Pruned(count, last, *gone)


def _last_to_go(db: Connection, keep_days: int | None, keep_runs: int | None) -> int:
    """Return the number of the last run that neither reason keeps, 0 where all are kept."""
    numbers = select(RUNS.c.id).order_by(RUNS.c.id.desc())
    ends: list[int] = []
    if keep_runs is not None:
        ends.append(db.scalar(numbers.offset(keep_runs).limit(1)) or 0)
    if keep_days is not None:
        since = datetime.now(timezone.utc).replace(tzinfo=None) - timedelta(days=keep_days)
        # a clock that was set back makes no later run go before an earlier one
        kept = select(func.min(RUNS.c.id)).where(RUNS.c.at >= since.isoformat())
        first = db.scalar(kept)
        earlier = numbers if first is None else numbers.where(RUNS.c.id < first)
        ends.append(db.scalar(earlier.limit(1)) or 0)
    return min(ends)


def _count(db: Connection, table: Any) -> int:
    return int(db.scalar(select(func.count()).select_from(table)) or 0)
