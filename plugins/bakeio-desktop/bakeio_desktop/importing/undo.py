"""Take an import back: what it would come to is shown before."""

from __future__ import annotations

import tkinter
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from bakeio_core import Bakeio, Report, Run, Session
from bakeio_desktop.importing.changes import Lines, lines_of
from bakeio_desktop.importing.preview import Preview
from bakeio_desktop.parts import look
from bakeio_desktop.parts.messages import Window, button_row, tell_error, without_commands
from bakeio_desktop.work.worker import Cancelled, Job, Worker


class UndoWindow(Window):
    """Show what taking an import back would do, and do it when that was agreed to.

    Args:
        parent: The window it belongs to.
        bakeio: The library with its plugins.
        session: The database.
        worker: Does the work.
        run: Which import; None for the latest that changed something.
        done: Called with the report when it was taken back.
    """

    def __init__(
        self,
        parent: tkinter.Misc,
        bakeio: Bakeio,
        session: Session,
        worker: Worker,
        run: int | None,
        done: Callable[[Report], object],
    ) -> None:
        super().__init__(parent, "Undo import", (820, 560))
        self.bakeio, self.session, self.worker = bakeio, session, worker
        self._run, self._done = run, done
        self.heading = look.title(self, "Finding what the undo would change …")
        self.heading.pack(fill="x", padx=look.PAD, pady=(look.PAD, 0))
        self.told = look.paragraph(self, " ", quiet=True)
        self.told.pack(fill="x", padx=look.PAD, pady=(0, look.GAP))
        row = button_row(self)
        self.cancel = look.button(row, "Keep the import", self.leave)
        self.cancel.pack(side="right")
        self.undo = look.button(row, "Undo it", self._undo, primary=True)
        self.undo.pack(side="right", padx=look.GAP)
        look.enable(self.undo, False)
        self.preview = Preview(self)
        self.preview.pack(fill="both", expand=True, padx=look.PAD)
        self._job = worker.do(self._look, self._show, self._failed)

    def leave(self) -> None:
        """Close it; what it is doing is stopped."""
        self._job.cancel()
        super().leave()

    def _look(self, job: Job[Any]) -> tuple[Run, Report, Lines]:
        with self.session.reading() as db:
            entry = self.bakeio.run_to_undo(db, self._run)

        def work(db: Connection) -> Report:
            return self.bakeio.undo(db, entry["id"], dry_run=True)

        report = self.session.write(work, dry_run=True)
        return entry, report, lines_of(report)

    def _show(self, found: tuple[Run, Report, Lines]) -> None:
        if not self.winfo_exists():
            return
        entry, report, lines = found
        self._run, self._seen = entry["id"], report.summary
        self.heading.configure(text=f"Undo the import of {entry['source']}?")
        self.told.configure(
            text=f"Of {str(entry['at'])[:16].replace('T', ' ')} (UTC). {_counts(report)} What was "
            "changed since then is kept, and named as a warning."
        )
        self.preview.show(lines)
        look.enable(self.undo, True)
        look.focus(self.undo)

    def _undo(self) -> None:
        look.enable(self.undo, False)

        def work(job: Job[Any]) -> Report:
            return self.session.write(lambda db: self.bakeio.undo(db, self._run))

        self._job = self.worker.do(work, self._undone, self._failed)

    def _undone(self, report: Report) -> None:
        if self.winfo_exists():
            super().leave()
        self._done(report)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, Cancelled) or not self.winfo_exists():
            return
        self.heading.configure(text="Nothing was undone")
        self.told.configure(text="")
        tell_error(self, "Nothing was undone", error)


def _counts(report: Report) -> str:
    """Return what an undo does, as a sentence."""
    summary = report.summary
    parts = [
        f"{summary.get(what, 0):,} {title}"
        for what, title in (
            ("deleted", "rows deleted again"),
            ("updated", "rows set back"),
            ("created", "rows made again"),
            ("skipped", "kept"),
        )
        if summary.get(what)
    ]
    return without_commands(f"{', '.join(parts) or 'Nothing to undo'}.")
