"""The page of a question about a record: a conflict, a value, a check, what looks odd.

What the columns of a sheet mean is asked so too: its candidates are fields or views, not rows.
"""

from __future__ import annotations

import tkinter
from typing import Any

import customtkinter as ctk

from bakeio_core import Bakeio, Decision, Question, UsageError
from bakeio_desktop.parts import look
from bakeio_desktop.parts.messages import sentence
from bakeio_desktop.parts.table import Column, Row, Table
from bakeio_desktop.wizard.interview import HEADING, decided, field_title
from bakeio_desktop.wizard.page import NotAnswered, shown

HEADINGS = {
    "conflict": "The file and the database both changed this",
    "value": "This cannot be read",
    "check": "This does not pass a check",
    "suspicious": "This looks odd",
    "new-row": "New, or existing?",
    "change": "This would be changed",
    HEADING: "What does this sheet mean?",
}
SIDES = {"base": "When it was exported", "database": "In the database now", "file": "In the file"}
WAYS = {
    "take-file": "Take what the file says",
    "keep-database": "Keep what the database has",
    "accept": "It is right: accept it",
    "value": "Another value:",
    "leave-field": "Leave this field as it is in the database",
    "leave-record": "Leave the whole record out of the import",
}
OF_KINDS = {
    HEADING: {
        "value": "It is the same in all rows:",
        "leave-field": "Leave it out of the import",
    },
    "new-row": {"accept": "It is a new row: add it"},
}
"""The same, where a kind of question says it in other words."""
MOST_SHOWN = 40
"""So many candidates are listed."""


class RecordPage(ctk.CTkFrame):  # type: ignore[misc]
    """Ask what is to become of a record, or a field of it.

    Args:
        parent: Where it stands.
        bakeio: The library with its plugins.
        question: The question.
        offered: The answer given before, if any.
    """

    def __init__(
        self, parent: Any, bakeio: Bakeio, question: Question, offered: Decision | None
    ) -> None:
        super().__init__(parent, fg_color="transparent")
        self.bakeio, self.question = bakeio, question
        self._is_heading = question.kind == HEADING
        action = offered.action if offered is not None else question.default
        self.action = tkinter.StringVar(self, action)
        look.title(self, HEADINGS.get(question.kind, ""), 14).pack(fill="x")
        look.paragraph(self, self._told()).pack(fill="x", pady=(2, look.GAP))
        if question.values:
            self._compare()
        self.candidates: Table | None = None
        self.ways: dict[str, Any] = {}
        if "existing" in question.answers:
            self._ask_for_a_row(offered)
        for action, text in {**WAYS, **OF_KINDS.get(question.kind, {})}.items():
            if action in question.answers:
                self._way(action, text)
        if offered is not None and offered.action == "value":
            self.text.insert(0, shown(offered.values.get("value")))

    # -- what Page promises
    def decision(self) -> Decision:
        """Return the answer."""
        action = self.action.get()
        if not action:
            raise NotAnswered("Choose one of these first.")
        if action == "existing":
            if self.candidates is None or self.candidates.selected is None:
                what = "what it is" if self._is_heading else "the row"
                raise NotAnswered(f"Choose {what} in the list.")
            return decided(self.question, action, target=self.candidates.selected)
        if action != "value":
            return decided(self.question, action)
        text = self.text.get().strip()
        if not text:
            look.focus(self.text)
            raise NotAnswered("Type the value.")
        try:
            value = self.bakeio.typed_value(self.question, text)
        except UsageError as error:
            self.wrong.configure(text=sentence(str(error)))
            self.wrong.pack(fill="x", padx=(30, 0), after=self._line)
            look.focus(self.text)
            raise NotAnswered("The value cannot be used.") from None
        return decided(self.question, action, values={"value": value})

    def begin(self) -> None:
        """Take the keyboard."""
        first = self.ways.get(self.action.get()) or next(iter(self.ways.values()), None)
        if first is not None:
            look.focus(first)

    # -- what is drawn
    def _told(self) -> str:
        question = self.question
        numbers = ", ".join(str(number) for _, number in question.records[:5])
        files = ", ".join(sorted({file for file, _ in question.records}))
        if self._is_heading:
            sentences = [sentence(question.message)]
        else:
            named = ", ".join(f"{field_title(c)} “{shown(v)}”" for c, v in question.key.items())
            field = f"{question.field}: " if question.field else ""
            sentences = [
                f"Record {numbers} of {files}: {named}.",
                sentence(field + question.message),
            ]
        if question.why:
            sentences.append(f"The answer given before cannot be used: {question.why}.")
        return "\n".join(text.replace("..", ".") for text in sentences)

    def _compare(self) -> None:
        box = look.frame(self, raised=True)
        box.pack(fill="x", pady=(0, look.GAP))
        box.columnconfigure(1, weight=1)
        sides = [side for side in SIDES if side in self.question.values]
        for row, side in enumerate(sides):
            above = look.GAP if row == 0 else 2
            below = look.GAP if row == len(sides) - 1 else 2
            look.label(box, SIDES[side], quiet=True).grid(
                row=row, column=0, sticky="nw", padx=look.PAD, pady=(above, below)
            )
            value = look.paragraph(box, shown(self.question.values[side]))
            value.configure(font=look.font(bold=True))
            value.grid(row=row, column=1, sticky="ew", padx=(0, look.PAD), pady=(above, below))

    def _ask_for_a_row(self, offered: Decision | None) -> None:
        head, what = "It is this existing row:", "Existing row"
        if self._is_heading:
            head, what = "It is:", "What it may be"
        self.ways["existing"] = look.radio(self, head, self.action, "existing")
        self.ways["existing"].pack(fill="x", pady=4)
        columns = (Column(what, 320, stretches=True), Column("Why", 340, stretches=True))
        self.candidates = Table(
            self,
            columns,
            height=7 if self._is_heading else 3,
            chosen=lambda _: self.action.set("existing"),
        )
        self.candidates.pack(fill="x", padx=(30, 0))
        rows = [
            Row((one.label, "; ".join(one.reasons)), "", dict(one.key))
            for one in self.question.candidates(MOST_SHOWN)
        ]
        self.candidates.show(rows)
        target = dict(offered.target) if offered is not None else {}
        for place, row in enumerate(rows):
            if target and row.about == target:
                self.candidates.select(place)

    def _way(self, action: str, text: str) -> None:
        if action != "value":
            made = self.ways[action] = look.radio(self, text, self.action, action)
            made.pack(fill="x", pady=4)
            return
        line = self._line = look.frame(self)
        line.pack(fill="x", pady=2)
        self.ways[action] = look.radio(line, text, self.action, action, self._to_text)
        self.ways[action].pack(side="left")
        self.text = look.entry(line, "", 300)
        self.text.pack(side="left", fill="x", expand=True, padx=look.GAP)
        self.text.bind("<Key>", self._typed)
        self.wrong = look.paragraph(self)
        self.wrong.configure(text_color=look.BAD)

    def _to_text(self) -> None:
        look.focus(self.text)

    def _typed(self, event: tkinter.Event[Any]) -> None:
        if event.char and event.char.isprintable():
            self.action.set("value")
