"""One thread that does the work of a window; the thread of the window only draws.

A job opens its connection itself, so that no other thread ever uses it.
"""

from __future__ import annotations

import gc
import logging
import queue
import sys
import threading
import time
import tkinter
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")
POLLED = 20
"""Milliseconds between two looks at what is done."""
REST = 200
"""Milliseconds without work until what it left is collected."""
TURN = 0.0005
"""Seconds that a worker goes on while the window wants to draw."""


class Cancelled(Exception):
    """Somebody wants no more of a job; what it began is rolled back."""


class Job(Generic[T]):
    """One piece of work, with what a window shows of it meanwhile.

    Args:
        work: What to do, in the thread of the worker; it is given the job.
        done: Called with the result, in the thread of the window.
        failed: Called with what was raised, `Cancelled` too, in the thread of the window.

    Attributes:
        name: The entity whose records are worked on.
        records: How many of them are done.
        said: The last that the library told its log, such as for whom it waits.
        began: When it began, as `time.monotonic` has it; 0 while it waits for its turn.
    """

    def __init__(
        self,
        work: Callable[[Job[T]], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.work, self.done, self.failed = work, done, failed
        self.name, self.records, self.said, self.began = "", 0, "", 0.0
        self._finished = {"": 0}
        self._is_cancelled = threading.Event()

    def cancel(self) -> None:
        """Stop it as soon as it looks; nothing of it is written."""
        self._is_cancelled.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody wants it to stop."""
        return self._is_cancelled.is_set()

    def progress(self, name: str, done: int) -> None:
        """Take how far it is, from the library.

        Raises:
            Cancelled: Somebody wants it to stop.
        """
        if self.is_cancelled:
            raise Cancelled
        self.name = name
        self._finished[name] = done
        self.records = sum(self._finished.values())

    def begin_phase(self) -> None:
        """Count from 0 again.

        Raises:
            Cancelled: Somebody wants it to stop.
        """
        self._finished = {"": 0}
        self.began = time.monotonic()
        self.progress("", 0)


class Worker:
    """Do jobs one after another in a thread, and hand over what they come to.

    Args:
        widget: One whose event loop the results are taken in; it must outlive the worker.
    """

    def __init__(self, widget: tkinter.Misc) -> None:
        self._widget = widget
        self._jobs: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._outstanding: list[Job[Any]] = []
        self._thread: threading.Thread | None = None
        self._is_stopped = self._is_working = False
        self._polling = self._resting = ""
        self._last: Job[Any] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether anything is being done, or waits for it."""
        return bool(self._outstanding)

    def do(
        self,
        work: Callable[[Job[T]], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> Job[T]:
        """Do a piece of work after those that were asked for before; see `Job`."""
        job = Job(work, done, failed)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="bakeio", daemon=True)
            self._thread.start()
        if not self._is_working:
            self._is_working = True
            _INTERPRETER.begin()
        self._outstanding.append(job)
        self._jobs.put(job)
        if len(self._outstanding) == 1:
            self._polling = self._widget.after(POLLED, self._poll)
        return job

    def stop(self) -> None:
        """Do nothing more, and tell nobody of what is still being done."""
        if self._is_stopped:
            return
        self._is_stopped = True
        for job in self._outstanding:
            job.cancel()
        self._jobs.put(None)
        self._end_work()
        for waiting in filter(None, (self._polling, self._resting)):
            self._widget.after_cancel(waiting)  # the widget may go away before

    def wait(self, seconds: float) -> None:
        """Wait until what was stopped has been rolled back, so long at most."""
        if self._thread is not None:
            self._thread.join(seconds)

    # -- in the thread of the window
    def _poll(self) -> None:
        if self._is_stopped:
            return
        try:
            while not self._results.empty():
                self._results.get()()
        finally:  # whatever was raised by who was told: there may be more to tell
            if self._outstanding and not self._is_stopped:
                self._polling = self._widget.after(POLLED, self._poll)

    def _settle(self, job: Job[Any], tell: Callable[[], None]) -> None:
        self._outstanding.remove(job)
        # what the thread let go of last: it may do so a moment later than it told of it, and what
        # the job knows of windows must not go away in that thread
        self._last = job
        if not self._outstanding:
            # first what it came to is drawn: to collect the garbage of long work takes a while too
            self._resting = self._widget.after(REST, self._rest)
        tell()

    def _rest(self) -> None:
        if not self._outstanding:
            self._end_work()

    def _end_work(self) -> None:
        if self._is_working:
            self._is_working = False
            _INTERPRETER.end()

    # -- in the thread of the worker
    def _run(self) -> None:
        while self._do_next():
            pass

    def _do_next(self) -> bool:
        """Do the next job; it is forgotten here when this returns."""
        job = self._jobs.get()
        if job is None:
            return False
        self._results.put(self._carried_out(job))
        return True

    def _carried_out(self, job: Job[Any]) -> Callable[[], None]:
        """Do a job; return what tells the window of it."""
        try:
            with _Listening(job):
                job.begin_phase()
                result = job.work(job)
        except Exception as raised:
            error = raised
            return lambda: self._settle(job, lambda: job.failed(error))
        return lambda: self._settle(job, lambda: job.done(result))


class _Interpreter:
    """Set the interpreter so that windows and workers get on, while any worker works.

    The collector of garbage is off: it may run in any thread, and what it finds of windows calls
    Tk as it goes away, which in another thread than theirs waits for ever.

    Threads take short turns: a window lets go of the interpreter at each call of Tk, dozens of
    times to draw one thing, and waits for a turn of the worker to end each time.
    """

    def __init__(self) -> None:
        self._working, self._was_on, self._turn = 0, False, 0.0

    def begin(self) -> None:
        """One more worker begins."""
        if not self._working:
            self._was_on, self._turn = gc.isenabled(), sys.getswitchinterval()
            gc.disable()
            sys.setswitchinterval(min(TURN, self._turn))
        self._working += 1

    def end(self) -> None:
        """One worker less: after the last one all is as it was before."""
        self._working -= 1
        if self._working:
            return
        sys.setswitchinterval(self._turn)
        if self._was_on:
            gc.enable()


_INTERPRETER = _Interpreter()


class _Listening(logging.Handler):
    """Keep what the library tells its log in this thread, for the window to show."""

    def __init__(self, job: Job[Any]) -> None:
        super().__init__(logging.INFO)
        self._job, self._log = job, logging.getLogger("bakeio")
        self._thread = threading.get_ident()

    def __enter__(self) -> None:
        self._level = self._log.level
        self._log.setLevel(logging.INFO)
        self._log.addHandler(self)

    def __exit__(self, *raised: object) -> None:
        self._log.removeHandler(self)
        self._log.setLevel(self._level)

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._job.said = record.getMessage()
