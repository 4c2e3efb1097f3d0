"""Below the preview: leave the selected change out, or take it in again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import customtkinter as ctk

from bakeio_core import Decision, Plan, Question
from bakeio_desktop.parts import look
from bakeio_desktop.wizard.interview import decided

WHOLE = "the whole record"
LEFT_OUT = "left-out"
"""The kind of the lines that say what was left out."""


def not_written(plan: Plan, change: Mapping[str, Any], field: str) -> Mapping[Question, Decision]:
    """Return the answer that leaves a change out, or one field of it; the file is read once more.

    Args:
        plan: The plan that has the change.
        change: The change, as `Report.as_dict` has it.
        field: The field of the file; empty for all of the record.
    """
    about = (change["action"], change["entity"], change["record"])
    meant = next(one for one in plan.changes if (one.action, one.entity, one.record) == about)
    question = plan.about(meant, field)
    return {question: decided(question, "leave-field" if field else "leave-record")}


def written(question: Question) -> Mapping[Question, Decision]:
    """Return the answer that takes a change in again: a file of decisions may have the other."""
    return {question: decided(question, "accept")}


class LeavingOut(ctk.CTkFrame):  # type: ignore[misc]
    """A button, and what of the record it is about.

    Args:
        parent: Where it stands.
        leave: Called with a change, as `Report.as_dict` has it, and a field of it that is not to be
            written; an empty field means all of the record.
        take: Called with the question whose answer was to leave something out.
    """

    def __init__(
        self,
        parent: Any,
        leave: Callable[[Mapping[str, Any], str], object],
        take: Callable[[Question], object],
    ) -> None:
        super().__init__(parent, fg_color="transparent", corner_radius=0)
        self._leave, self._take = leave, take
        self._about: Any = None
        self.button = look.button(self, "Leave out", self._press)
        self.button.pack(side="left")
        self.what = look.choice(self, [WHOLE], width=260)
        self.show(None)

    def show(self, about: Any) -> None:
        """Show what can be done with what a line is about."""
        self._about = about
        is_left = isinstance(about, Question)
        can_be = isinstance(about, Mapping) and about["action"] in ("create", "update")
        self.what.pack_forget()
        if can_be and about["record"]:
            is_new = about["action"] == "create"
            fields = [] if is_new else [field["field"] for field in about["fields"]]
            self.what.configure(values=[WHOLE, *fields])
            self.what.set(WHOLE)
            if fields:
                self.what.pack(side="left", padx=look.GAP)
        self.button.configure(text="Take it in again" if is_left else "Leave out")
        look.enable(self.button, is_left or bool(can_be and about["record"]))

    def _press(self) -> None:
        about = self._about
        if isinstance(about, Question):
            self._take(about)
        elif about is not None:
            field = self.what.get()
            self._leave(about, "" if field == WHOLE else field)
