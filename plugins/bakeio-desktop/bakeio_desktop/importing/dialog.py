"""The dialog: choose a file, see what it would do, answer what is unclear, import."""

from __future__ import annotations

import tkinter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bakeio_core import Bakeio, BakeioError, Decision, Plan, Question, Report
from bakeio_desktop.importing.changes import Lines, lines_of
from bakeio_desktop.importing.chooser import Chooser
from bakeio_desktop.importing.facts import facts_of
from bakeio_desktop.importing.job import FileImport, Opened, refused_report
from bakeio_desktop.importing.leaving_out import LeavingOut, not_written, written
from bakeio_desktop.importing.preview import Preview
from bakeio_desktop.importing.summary import Summary
from bakeio_desktop.importing.undo import UndoWindow
from bakeio_desktop.importing.ways import Ways
from bakeio_desktop.parts import look
from bakeio_desktop.parts.messages import Window, forget_timers, tell_error
from bakeio_desktop.parts.progress import Busy, ProgressWindow
from bakeio_desktop.wizard.interview import Interview, left_out
from bakeio_desktop.wizard.wizard import Wizard
from bakeio_desktop.work.database import Target, open_session
from bakeio_desktop.work.worker import Cancelled, Job, Worker

Answers = Mapping[Question, Decision]


class ImportViewDialog(Window):
    """Import an edited file in a window of its own, above one of your program.

    A person chooses the file, sees what it would change, answers what is unclear and imports it, or
    closes the window with nothing written. The work is done in a thread of its own, with
    connections of its own; your window goes on meanwhile, but takes no input.

    Args:
        parent: A window of your program: a `tkinter.Tk` or `tkinter.Toplevel`, or customtkinter's.
        bakeio: The library with its plugins, such as `Bakeio.discover()`.
        engine_or_url: The database: your SQLAlchemy engine, a URL, or the path of an SQLite file.
        file: A file to begin with.
        done: Called with the `Report` when something was imported, and with that of the undo when
            it was taken back.

    Raises:
        UsageError: The database is in the memory of one connection.
    """

    def __init__(
        self,
        parent: tkinter.Misc,
        bakeio: Bakeio,
        engine_or_url: Target,
        *,
        file: str | Path | None = None,
        done: Callable[[Report], object] | None = None,
    ) -> None:
        self.session = open_session(engine_or_url, bakeio)
        super().__init__(parent, "Import", (980, 680))
        self.bakeio, self._done = bakeio, done
        self.worker = Worker(self)
        self.file: FileImport | None = None
        self.opened: Opened | None = None
        self.plan: Plan | None = None
        self.report: Report | None = None
        self.interview: Interview | None = None
        self.wizard: Wizard | None = None
        self.summary: Summary | None = None
        self.busy = Busy(self, self.worker)
        self._wants_to_leave = False
        self._top()
        self._bottom()
        self.preview = Preview(
            self, lambda place: LeavingOut(place, self._leave_out, self._take_in)
        )
        self.preview.pack(fill="both", expand=True, padx=look.PAD)
        self._refresh()
        self.after(30, lambda: look.focus(self.chooser.path))
        if file is not None:
            self.after(40, self.open, file)

    @property
    def progress(self) -> ProgressWindow | None:
        """The window that shows how far the work is, None while there is none."""
        return self.busy.progress

    # -- what is drawn
    def _top(self) -> None:
        self.chooser = Chooser(self, self.bakeio, self.open, self.look)
        self.chooser.pack(fill="x", padx=look.PAD, pady=(look.PAD, look.GAP))

    def _bottom(self) -> None:
        self.bottom = Ways(
            self,
            leave=self.leave,
            go=self._go,
            rest=lambda: self._import(skip_errors=True),
            check=lambda: self._ask(self._doubts()),
        )
        self.bottom.pack(side="bottom", fill="x", padx=look.PAD, pady=look.PAD)
        self.go, self.rest, self.close = self.bottom.go, self.bottom.rest, self.bottom.close
        self.doubts, self.told = self.bottom.doubts, self.bottom.told

    def _refresh(self) -> None:
        """Show what can be done with what was planned."""
        is_idle = self.progress is None
        self.bottom.show(self.plan, self._asked(), self._doubts(), is_idle=is_idle)

    # -- a file
    def open(self, path: str | Path) -> None:
        """Open a file, and look what it would change."""
        if self.progress is not None:
            return
        self._keep()
        self.file = FileImport(self.bakeio, self.session, Path(path))
        self.plan, self.interview = None, None
        self.chooser.show(str(path), "Opening …")
        self.preview.show(Lines([], {}, 0))
        self._refresh()
        self.worker.do(self.file.open, self._opened, self._not_opened)

    def _opened(self, opened: Opened) -> None:
        self.opened = opened
        self.interview = Interview(self.bakeio, opened.kept)
        self.chooser.facts.configure(text=facts_of(opened))
        self.look()

    def _not_opened(self, error: Exception) -> None:
        self.file = None
        self.chooser.facts.configure(text="")
        tell_error(self, "This file cannot be opened", error)

    # -- what it would do
    def look(self, more: Callable[[], Answers] = dict) -> None:
        """Find out what the import would do, with the answers there are.

        Args:
            more: Makes other answers, where there is time for it; they count once it is found out.
        """
        file, interview = self.file, self.interview
        if file is None or interview is None or self.progress is not None:
            return
        answers, options = dict(interview.answers), self.chooser.options()

        def work(job: Job[Any]) -> tuple[Plan, Lines, Answers]:
            made = {**answers, **more()}
            plan = file.plan(job, made, options)
            return plan, lines_of(plan.report, left_out(made)), made

        self._do("Finding what would change", work, self._looked, "This cannot be imported")

    def _looked(self, found: tuple[Plan, Lines, Answers]) -> None:
        self.plan, lines, answers = found
        if self.interview is not None:
            self.interview.answers.update(answers)
        if self.opened is not None:  # of a sheet with strange headings more is known now
            self.opened = replace(self.opened, source=self.plan.source)
            self.chooser.facts.configure(text=facts_of(self.opened))
        self.preview.show(lines)
        if self.wizard is not None and self._asked():
            self.wizard.go_on(self._asked())
        else:
            self._leave_wizard()

    def _leave_out(self, change: Mapping[str, Any], field: str) -> None:
        """Look what it would do without a change, or without a field of it."""
        if (plan := self.plan) is not None:
            self.look(lambda: not_written(plan, change, field))

    def _take_in(self, question: Question) -> None:
        self.look(lambda: written(question))

    # -- what is unclear
    def _asked(self) -> list[Question]:
        """Return what keeps records out, where answers can help at all."""
        return [] if self.plan is None else self.plan.open

    def _doubts(self) -> list[Question]:
        """Return what is taken as it stands where nobody looks at it."""
        if self.plan is None:
            return []
        return [question for question in self.plan.questions if question.default]

    def _go(self) -> None:
        if self._asked():
            self._ask(self._asked())
        else:
            self._import(skip_errors=False)

    def _ask(self, questions: list[Question]) -> None:
        if self.interview is None or self.opened is None:
            return
        self.interview.ask(questions)
        self.preview.pack_forget()
        self.chooser.pack_forget()
        self.bottom.pack_forget()
        self.wizard = Wizard(
            self,
            self.bakeio,
            self.worker,
            self.interview,
            lambda _: self.look(),
            self._leave_wizard,
        )
        self.wizard.pack(fill="both", expand=True, padx=look.PAD, pady=look.PAD)

    def _leave_wizard(self) -> None:
        """Show the preview again."""
        if self.wizard is not None:
            self.wizard.destroy()
            forget_timers(self)
            self.wizard = None
            self._keep()
            self._show_preview()
        self._refresh()

    def _show_preview(self) -> None:
        self.chooser.pack(fill="x", padx=look.PAD, pady=(look.PAD, look.GAP))
        self.bottom.pack(side="bottom", fill="x", padx=look.PAD, pady=look.PAD)
        self.preview.pack(fill="both", expand=True, padx=look.PAD)
        look.focus(self.go)

    def _keep(self) -> None:
        """Keep what was answered, beside the file."""
        if self.file is None or self.interview is None or self.report is not None:
            return
        try:
            self.file.keep(self.interview.answers)
        except (BakeioError, OSError) as error:
            tell_error(self.master, "Your answers could not be kept", error)

    # -- the import
    def _import(self, *, skip_errors: bool) -> None:
        file, plan = self.file, self.plan
        if file is None or plan is None:
            return
        self._keep()

        def work(job: Job[Any]) -> Report:
            return file.write(job, plan, skip_errors=skip_errors)

        self._do("Importing", work, self._imported, "Nothing was imported")

    def _imported(self, report: Report) -> None:
        self.report = report
        self.chooser.pack_forget()
        self.preview.pack_forget()
        self.bottom.pack_forget()
        self.summary = Summary(self, report, undo=self._undo, again=self._again, close=self.leave)
        self.summary.pack(fill="both", expand=True, padx=look.PAD, pady=look.PAD)
        if self._done is not None:
            self._done(report)

    def _again(self) -> None:
        if self.summary is not None:
            self.summary.destroy()
            forget_timers(self)
        self.summary, self.report, self.file = None, None, None
        self.plan, self.interview, self.opened = None, None, None
        self.chooser.show("", "")
        self.preview.show(Lines([], {}, 0))
        self._show_preview()
        self._refresh()
        look.focus(self.chooser.path)

    def _undo(self) -> None:
        run = self.report.run if self.report is not None else None
        UndoWindow(self, self.bakeio, self.session, self.worker, run, self._undone)

    def _undone(self, report: Report) -> None:
        if self.summary is not None:
            self.summary.taken_back()
        if self._done is not None:
            self._done(report)

    # -- work
    def _do(
        self,
        phase: str,
        work: Callable[[Job[Any]], Any],
        done: Callable[[Any], object],
        trouble: str,
    ) -> None:
        """Do work, and go on with what it comes to, or tell what went wrong."""

        def succeeded(result: Any) -> None:
            if not self._left():
                done(result)

        def failed(error: Exception) -> None:
            if self._left():
                return
            self._leave_wizard()
            report = refused_report(error)
            if report is not None:
                self.preview.show(lines_of(report))
            if not isinstance(error, Cancelled):
                tell_error(self, trouble, error)

        total = self.opened.source.count if self.opened is not None else None
        self.busy.do(phase, work, succeeded, failed, total)
        self._refresh()

    def _left(self) -> bool:
        """Close the window where a person asked for it while it worked; tell whether it is gone."""
        if self._wants_to_leave and self.winfo_exists():
            self.leave()
        return not self.winfo_exists()

    def leave(self) -> None:
        """Close the window; while it works a person is asked, and the work is taken back."""
        if self.busy.ask_to_stop(self._stop):
            return
        self._keep()
        self.worker.stop()
        super().leave()

    def destroy(self) -> None:
        """Go away, also with the window it belongs to; what is being done is taken back."""
        self.worker.stop()
        super().destroy()

    def _stop(self) -> None:
        self._wants_to_leave = True
        if self.busy.progress is not None:
            self.busy.progress.leave()
        else:
            self.leave()
