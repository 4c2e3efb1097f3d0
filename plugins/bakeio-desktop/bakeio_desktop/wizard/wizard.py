"""The wizard: one question a page, back and next, the same answer for all of its kind."""

from __future__ import annotations

import tkinter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import customtkinter as ctk

from bakeio_core import Bakeio, Decision, Question
from bakeio_desktop.parts import look
from bakeio_desktop.parts.messages import forget_timers
from bakeio_desktop.wizard.interview import HEADING, REFERENCE, Interview, named
from bakeio_desktop.wizard.page import NotAnswered
from bakeio_desktop.wizard.record import RecordPage
from bakeio_desktop.wizard.reference import ReferencePage
from bakeio_desktop.work.worker import Worker

Plan = Callable[[Mapping[Question, Decision]], object]


class Wizard(ctk.CTkFrame):  # type: ignore[misc]
    """Ask questions, and hand over what is decided.

    It plans nothing itself: where an answer may bring up other questions, and at the end, it gives
    the answers to `answered`, and whoever plans calls `go_on` with what is still to be asked.

    Args:
        parent: Where it stands.
        bakeio: The library with its plugins.
        worker: Searches for rows.
        interview: The questions and the answers.
        answered: Called with the answers where they are to be planned with.
        left: Called where the person wants to go on later.
    """

    def __init__(
        self,
        parent: Any,
        bakeio: Bakeio,
        worker: Worker,
        interview: Interview,
        answered: Plan,
        left: Callable[[], object],
    ) -> None:
        super().__init__(parent, fg_color="transparent")
        self.bakeio, self.worker, self.interview = bakeio, worker, interview
        self._answered = answered
        self.heading = look.title(self)
        self.heading.pack(fill="x")
        self.waiting = look.label(self, quiet=True)
        self.waiting.pack(fill="x", pady=(0, look.GAP))
        row = look.frame(self)
        row.pack(side="bottom", fill="x", pady=(look.GAP, 0))
        self.later = look.button(row, "Answer later", left)
        self.later.pack(side="left")
        self.next = look.button(row, "Next", self.go_next, primary=True)
        self.next.pack(side="right")
        self.back = look.button(row, "Back", self.go_back)
        self.back.pack(side="right", padx=look.GAP)
        self.told = look.label(row)
        self.told.configure(text_color=look.BAD)
        self.told.pack(side="right", padx=look.GAP)
        self.for_all = tkinter.BooleanVar(self, False)
        self.same = look.check(self, "", self.for_all)
        self._place = ctk.CTkScrollableFrame(self, fg_color="transparent", corner_radius=0)
        self._place.pack(fill="both", expand=True)
        self.page: ReferencePage | RecordPage | None = None
        self.bind_all_keys()
        self._show()

    def bind_all_keys(self) -> None:
        """Let Alt and an arrow go back and on from anywhere in the window."""
        window = self.winfo_toplevel()
        window.bind("<Alt-Right>", lambda _: self._if_here(self.go_next))
        window.bind("<Alt-Left>", lambda _: self._if_here(self.go_back))

    def _if_here(self, go: Callable[[], None]) -> None:
        if self.winfo_exists() and self.winfo_ismapped():
            go()

    def go_on(self, questions: Sequence[Question]) -> None:
        """Ask what is still open, now that what was answered is known."""
        self.interview.ask(questions)
        self._show()

    def go_next(self) -> None:
        """Take the answer of this page, and show the next question."""
        if self.page is None or self.next.cget("state") == "disabled":
            return
        try:
            decision = self.page.decision()
        except NotAnswered as error:
            self.told.configure(text=str(error))
            return
        again = self.interview.answer(decision, for_all_like_it=self.for_all.get())
        if again or self.interview.current is None:
            self._wait()
            self._answered(self.interview.answers)
        else:
            self._show()

    def go_back(self) -> None:
        """Show the question before, with the answer it was given."""
        if self.interview.history and self.back.cget("state") != "disabled":
            self.interview.back()
            self._show()

    def _wait(self) -> None:
        look.enable(self.next, False)
        look.enable(self.back, False)
        self.told.configure(text="")

    def _show(self) -> None:
        """Show the current question."""
        question = self.interview.current
        if self.page is not None:
            self.page.destroy()
            forget_timers(self)
            self.page = None
        self.told.configure(text="")
        if question is None:
            return
        place, total = self.interview.place
        self.heading.configure(text=f"{place} of {total}: {named(question)}")
        self.waiting.configure(text=self._who_waits(question))
        offered = self.interview.offered(question)
        if question.kind == REFERENCE:
            answers = self.interview.answers
            self.page = ReferencePage(
                self._place, self.bakeio, self.worker, question, offered, answers
            )
        else:
            self.page = RecordPage(self._place, self.bakeio, question, offered)
        self.page.pack(fill="both", expand=True, padx=(0, look.GAP))
        self._offer_the_same()
        look.enable(self.next, True)
        look.enable(self.back, bool(self.interview.history))
        self.next.configure(text="Next" if total > place else "Done")
        self.page.begin()

    def _offer_the_same(self) -> None:
        others = self.interview.alike()
        self.for_all.set(False)
        self.same.pack_forget()
        if others:
            more = "the other question" if len(others) == 1 else f"the {len(others):,} others"
            self.same.configure(text=f"Same answer for {more} of this kind")
            self.same.pack(side="bottom", fill="x", pady=(look.GAP, 0))

    @staticmethod
    def _who_waits(question: Question) -> str:
        if question.kind == HEADING:
            return "All records wait for this"
        of = next((f" of {file}" for file, _ in question.records), "")
        one = question.count == 1
        return (
            f"{question.count:,} record{'' if one else 's'}{of} wait{'s' if one else ''} for this"
        )
