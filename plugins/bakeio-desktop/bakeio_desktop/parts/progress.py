"""The window that shows how far a job is, and stops it."""

from __future__ import annotations

import time
import tkinter
from collections.abc import Callable
from typing import Any

import customtkinter as ctk

from bakeio_desktop.parts import look
from bakeio_desktop.parts.messages import Ask, Window, button_row
from bakeio_desktop.work.worker import Job, Worker

DRAWN = 100
"""Milliseconds between two looks at the job."""


class ProgressWindow(Window):
    """Show how far a job is; `Cancel`, Escape or closing the window stops it.

    It asks nothing: what is stopped has written nothing, and can be begun again. Whoever began the
    job closes it when the job has ended.

    Args:
        parent: The window it belongs to.
        job: The job.
        phase: What is done, such as `Importing`.
        total: How many records there are, None where nobody knows.
    """

    def __init__(self, parent: tkinter.Misc, job: Job[Any], phase: str, total: int | None) -> None:
        super().__init__(parent, phase, (440, 200))
        self._job, self._total = job, total
        look.title(self, phase).pack(fill="x", padx=look.PAD, pady=(look.PAD, 2))
        row = button_row(self)
        self.cancel = look.button(row, "Cancel", self.leave)
        self.cancel.pack(side="right")
        self._hint = look.label(row, "Nothing is written if you cancel.", quiet=True)
        self._hint.pack(side="left")
        self._counts = look.label(self)
        self._counts.pack(fill="x", padx=look.PAD)
        self._bar = ctk.CTkProgressBar(self, progress_color=look.ACCENT, height=10)
        self._bar.pack(fill="x", padx=look.PAD, pady=look.GAP)
        self._bar.configure(mode="determinate" if total else "indeterminate")
        self._bar.set(0)
        if not total:
            self._bar.start()
        self._left = look.label(self, quiet=True)
        self._left.pack(fill="x", padx=look.PAD)
        self.after(30, lambda: look.focus(self.cancel))
        self._tick()

    def leave(self) -> None:
        """Stop the job; the window closes when it has been rolled back."""
        self._job.cancel()
        look.enable(self.cancel, False)
        self._hint.configure(text="Stopping: what was begun is undone …")

    def done(self) -> None:
        """Close it, as the job has ended."""
        super().leave()

    def _tick(self) -> None:
        if not self.winfo_exists():
            return
        records, total = self._job.records, self._total
        of_all = f" of {total:,}" if total and total >= records else ""
        entity = f" ({self._job.name})" if self._job.name else ""
        self._counts.configure(text=f"{records:,}{of_all} records{entity}" if records else "")
        if total and self._bar.cget("mode") == "determinate":
            self._bar.set(min(1.0, records / total))
        self._left.configure(text=self._job.said or self._remaining())
        self.after(DRAWN, self._tick)

    def _remaining(self) -> str:
        records, total = self._job.records, self._total
        if not total or not records:
            return ""
        if records >= total:
            return "Almost done …"
        seconds = (time.monotonic() - self._job.began) / records * (total - records)
        return f"About {duration(seconds)} left"


class Busy:
    """Do the work of a window, with another one above it that shows how far that is.

    Args:
        window: The window.
        worker: Does the work.

    Attributes:
        progress: The window above it, None while nothing is done.
    """

    def __init__(self, window: tkinter.Misc, worker: Worker) -> None:
        self._window, self._worker = window, worker
        self.progress: ProgressWindow | None = None

    def do(
        self,
        phase: str,
        work: Callable[[Job[Any]], Any],
        done: Callable[[Any], object],
        failed: Callable[[Exception], object],
        total: int | None = None,
    ) -> None:
        """Do a piece of work.

        Args:
            phase: What is done, such as `Importing`.
            work: Does it, in the thread of the worker.
            done: Called with the result, once the window above is closed.
            failed: Called with what was raised instead.
            total: How many records there are.
        """

        def ended(tell: Callable[[Any], object]) -> Callable[[Any], None]:
            def tell_it(what: Any) -> None:
                if self.progress is not None:
                    self.progress.done()
                    self.progress = None
                tell(what)

            return tell_it

        job = self._worker.do(work, ended(done), ended(failed))
        if self.progress is None:
            self.progress = ProgressWindow(self._window, job, phase, total)

    def ask_to_stop(self, agreed: Callable[[], object]) -> bool:
        """Ask whether what is done is to be stopped; tell whether there was anything to ask."""
        if self.progress is None:
            return False
        Ask(
            self.progress,
            "Stop and close?",
            "It is not done yet. If you stop it, nothing is written.",
            "Stop and close",
            agreed,
            no="Go on",
        )
        return True


def duration(seconds: float) -> str:
    """Return a time as people say it: `3 minutes`."""
    whole = max(1, round(seconds))
    if whole < 90:
        return f"{whole} second" + ("" if whole == 1 else "s")
    return f"{round(whole / 60)} minutes"
