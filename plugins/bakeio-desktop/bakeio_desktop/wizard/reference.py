"""The page of a question about a row that is missing: use one that is there, or create it."""

from __future__ import annotations

import tkinter
from collections.abc import Mapping, Sequence
from typing import Any

import customtkinter as ctk

from bakeio_core import Bakeio, Candidate, Decision, FormRefused, Question
from bakeio_desktop.parts import look
from bakeio_desktop.parts.table import Column, Row, Table
from bakeio_desktop.wizard.form import Form
from bakeio_desktop.wizard.interview import decided, field_title
from bakeio_desktop.wizard.page import NotAnswered, shown
from bakeio_desktop.work.worker import Job, Worker

PAUSE = 180
"""Milliseconds without a key before what was typed is searched for."""
COLUMNS = (
    Column("Existing row", 300, stretches=True),
    Column("Likely", 70, is_number=True),
    Column("Why", 330, stretches=True),
)


class ReferencePage(ctk.CTkFrame):  # type: ignore[misc]
    """Ask which row is meant, or what the new one is to be.

    Args:
        parent: Where it stands.
        bakeio: The library with its plugins.
        worker: Searches.
        question: The question.
        offered: The answer given before, if any.
        answers: What was decided about the others so far.
    """

    def __init__(
        self,
        parent: Any,
        bakeio: Bakeio,
        worker: Worker,
        question: Question,
        offered: Decision | None,
        answers: Mapping[Question, Decision],
    ) -> None:
        super().__init__(parent, fg_color="transparent")
        self.bakeio, self.worker, self.question = bakeio, worker, question
        self._offered, self.answers = offered, answers
        self._reasons: dict[tuple[Any, ...], str] = {}
        self.action = tkinter.StringVar(self, offered.action if offered else "")
        self._searching: Job[list[Candidate]] | None = None
        self._pause = ""
        look.paragraph(self, self._told()).pack(fill="x", pady=(0, look.GAP))
        self._ask_for_a_row()
        self.form: Form | None = None
        if "create" in question.answers:
            self._ask_for_a_new_one()
        if "empty" in question.answers:
            where = f" ({question.field})" if question.field else ""
            self._way("empty", f"Leave it empty{where}")
        if "skip" in question.answers:
            what = "this record" if question.count == 1 else f"these {question.count:,} records"
            self._way("skip", f"Leave {what} out of the import")
        self._show_form()
        self.search("")

    # -- what Page promises
    def decision(self) -> Decision:
        """Return the answer."""
        action = self.action.get()
        if not action:
            raise NotAnswered("Choose one of these first.")
        if action == "existing":
            chosen = self.candidates.selected
            if chosen is None:
                raise NotAnswered("Choose the row in the list.")
            return decided(self.question, "existing", target=dict(chosen))
        if action == "create" and self.form is not None:
            try:
                values = self.bakeio.new_row(self.question, self.form.texts())
            except FormRefused as refused:
                self.form.tell(refused.fields)
                raise NotAnswered("Something in the form is missing or cannot be read.") from None
            return decided(self.question, "create", values=values)
        return decided(self.question, action)

    def begin(self) -> None:
        """Take the keyboard."""
        if self.action.get() == "create" and self.form is not None:
            self.form.begin()
        else:
            look.focus(self.text)

    # -- a row that is there
    def _ask_for_a_row(self) -> None:
        line = look.frame(self)
        line.pack(fill="x", pady=(0, 4))
        self.existing = look.radio(
            line, "Use an existing row", self.action, "existing", self._show_form
        )
        self.existing.pack(side="left", padx=(0, look.PAD))
        self.text = look.entry(line, "Search: type a name", 260)
        self.text.pack(side="right", fill="x", expand=True)
        self.text.bind("<KeyRelease>", self._typed)
        self.text.bind("<Down>", lambda _: look.focus(self.candidates.tree))
        self.candidates: Table = Table(self, COLUMNS, height=4, chosen=self._chosen)
        self.candidates.pack(fill="x")
        self.why = look.paragraph(self, " ", quiet=True)
        self.why.pack(fill="x", pady=(2, look.GAP))

    def _typed(self, event: tkinter.Event[Any]) -> None:
        if event.keysym in ("Tab", "Down", "Up", "Return", "Escape", "Shift_L", "ISO_Left_Tab"):
            return
        if self._pause:
            self.after_cancel(self._pause)
        self._pause = self.after(PAUSE, lambda: self.search(self.text.get().strip()))

    def search(self, text: str) -> None:
        """Look for rows that a text may mean; without one, for those the question means."""
        self._pause = ""
        if self._searching is not None:
            self._searching.cancel()
        question, bakeio, answers = self.question, self.bakeio, dict(self.answers)

        def work(job: Job[list[Candidate]]) -> list[Candidate]:
            return bakeio.candidates(question, text, answers=answers)

        def done(found: list[Candidate]) -> None:
            if self._searching is job and self.winfo_exists():
                self._show(found, text)

        def failed(error: Exception) -> None:
            if self._searching is job and self.winfo_exists():
                self.why.configure(text=f"The search failed: {error}")

        job = self._searching = self.worker.do(work, done, failed)

    def _show(self, found: Sequence[Candidate], text: str) -> None:
        offered = dict(self._offered.target) if self._offered else {}
        rows = [
            Row(
                (one.label, f"{one.score:.0%}", _reasons(one)),
                "careful" if one.warning else "",
                dict(one.key),
            )
            for one in found
        ]
        if offered and not text and all(row.about != offered for row in rows):
            named = ", ".join(map(shown, offered.values()))
            rows.insert(0, Row((named, "", "your answer before"), "", offered))
        self._reasons = {tuple(row.about.items()): row.cells[2] for row in rows}
        self.candidates.show(rows)
        if not rows:
            nothing = f"Nothing is similar to “{text}”." if text else "No existing row is similar."
            self.why.configure(text=nothing)
        if offered and self.action.get() == "existing":
            place = next((n for n, row in enumerate(rows) if row.about == offered), None)
            if place is not None:
                self.candidates.select(place)

    def _chosen(self, key: Any) -> None:
        self.action.set("existing")
        self._show_form()
        if key is not None:
            self.why.configure(text=self._reasons.get(tuple(key.items()), " ") or " ")

    # -- a new one
    def _ask_for_a_new_one(self) -> None:
        self._way("create", f"Create a new row of {self.question.entity}")
        self.form = Form(self, self.question.form, self._texts())
        self._gap = look.frame(self)
        self._gap.configure(height=1)
        self._gap.pack(fill="x")

    def _texts(self) -> dict[str, str]:
        """Return what stood in the form when it was answered before."""
        given = self._offered.values if self._offered is not None else {}
        texts = {name: "" if value is None else str(value) for name, value in given.items()}
        references = self.bakeio.catalog.entities[self.question.entity].references
        for column, reference in references.items():
            # an answer names the row by a key of it, a form by the field that the file has
            by_key = [text for name, text in texts.items() if name.startswith(f"{column}.")]
            for name in reference.lookups if by_key else ():
                texts.setdefault(name, by_key[0])
        return texts

    def _way(self, action: str, text: str) -> None:
        made = look.radio(self, text, self.action, action, self._show_form)
        made.pack(fill="x", pady=4)
        setattr(self, f"way_{action}", made)

    def _show_form(self) -> None:
        if self.form is None:
            return
        if self.action.get() == "create":
            self.form.pack(fill="x", padx=(30, 0), pady=(0, look.GAP), before=self._gap)
            if self.focus_get() is not self.text:
                self.form.begin()
        else:
            self.form.pack_forget()

    def _told(self) -> str:
        question = self.question
        what = " and ".join(f"{c.replace('_', ' ')} “{v}”" for c, v in question.key.items())
        sentences = [f"No row of {question.entity} has {what}."]
        if question.ambiguous_ids:
            sentences = [f"{len(question.ambiguous_ids)} rows of {question.entity} have {what}."]
        known = [
            f"{field_title(path)} “{value}”"
            for path, value in question.context.items()
            if value not in (None, "") and path not in question.key
        ]
        if known:
            sentences.append(f"The file says: {', '.join(known)}.")
        if question.why:
            sentences.append(f"The answer given before cannot be used: {question.why}.")
        return " ".join(sentences)


def _reasons(candidate: Candidate) -> str:
    reasons = "; ".join(candidate.reasons)
    return f"Careful: {candidate.warning}. {reasons}" if candidate.warning else reasons
