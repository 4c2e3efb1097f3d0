"""Several connections that see one snapshot, each of them at work on another entity."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from bakeio_core.catalog.exchange import Progress
from bakeio_core.database.dialects import dialect_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger("bakeio")
T = TypeVar("T")
Task = Callable[["Connection", Progress], T]
"""Works with a connection, and tells how far it is."""


class _Ended(Exception):
    """Another one failed: what this one does is not wanted any more."""


def done_together(
    db: Connection, jobs: int, tasks: Sequence[Task[T]], progress: Progress | None
) -> list[T]:
    """Return what tasks come to, in their order; some are done at a time where that can be.

    Args:
        db: The connection whose snapshot all of them see.
        jobs: How many connections are at work at most; with one, or where the database does not
            share a snapshot, it is `db` alone, and
            the log `bakeio` is told.
        tasks: The largest first, so that none is left when all others are done.
        progress: Told of all of them, by one at a time.
    """
    tell = progress or _nobody
    jobs = min(jobs, len(tasks))
    snapshot = dialect_of(db).share_snapshot(db) if jobs > 1 else None
    if snapshot is None:
        if jobs > 1:
            log.info(
                "the files are written one after another, not %d at a time: this database lets no "
                "two connections see one snapshot",
                jobs,
            )
        return [task(db, tell) for task in tasks]
    ended, turn = threading.Event(), threading.Lock()

    def told(name: str, count: int) -> None:
        if ended.is_set():
            raise _Ended
        with turn:
            tell(name, count)

    free: SimpleQueue[Connection] = SimpleQueue()

    def run(task: Task[T]) -> T:
        worker = free.get()
        try:
            if ended.is_set():
                raise _Ended
            return task(worker, told)
        finally:
            free.put(worker)

    with ExitStack() as opened:
        for _ in range(jobs):
            free.put(opened.enter_context(_joined(db, snapshot)))
        with ThreadPoolExecutor(jobs) as pool:
            futures = [pool.submit(run, task) for task in tasks]
            try:
                return _results(futures)
            finally:
                ended.set()
                pool.shutdown(cancel_futures=True)


def _results(futures: Sequence[Future[T]]) -> list[T]:
    """Return the results, or raise what the first one failed of that failed."""
    ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in futures:
        if future in ended:
            future.result()
    return [future.result() for future in futures]


@contextmanager
def _joined(db: Connection, snapshot: str) -> Iterator[Connection]:
    """Open another connection that sees a snapshot, and all rows where the first one does."""
    dialect = dialect_of(db)
    with db.engine.connect().execution_options(**dialect.snapshot_options) as other, other.begin():
        dialect.join_snapshot(other, db, snapshot)
        yield other


def _nobody(name: str, count: int) -> None: ...
