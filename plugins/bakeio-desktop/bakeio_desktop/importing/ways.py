"""The lower part of the dialog: what can be done with a plan, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import customtkinter as ctk

from bakeio_core import Plan, Question, Report
from bakeio_desktop.parts import look


class Ways(ctk.CTkFrame):  # type: ignore[misc]
    """The buttons, and a line that says what the import would come to.

    Args:
        parent: Where it stands.
        leave: Closes the dialog.
        go: Asks what has to be asked, else imports.
        rest: Imports what can be imported.
        check: Asks about what is doubtful.
    """

    def __init__(
        self,
        parent: Any,
        *,
        leave: Callable[[], object],
        go: Callable[[], object],
        rest: Callable[[], object],
        check: Callable[[], object],
    ) -> None:
        super().__init__(parent, fg_color="transparent", corner_radius=0)
        self.close = look.button(self, "Close", leave)
        self.close.pack(side="left")
        self.go = look.button(self, "Import", go, primary=True)
        self.go.pack(side="right")
        self.rest = look.button(self, "", rest)
        self.doubts = look.button(self, "", check)
        self.told = look.label(self)
        self.told.pack(side="left", padx=look.PAD)

    def show(
        self,
        plan: Plan | None,
        asked: Sequence[Question],
        doubts: Sequence[Question],
        is_idle: bool,
    ) -> None:
        """Show what can be done.

        Args:
            plan: What was planned, None where nothing is.
            asked: What has to be answered first.
            doubts: What is taken as it stands where nobody looks at it.
            is_idle: Whether nothing is being done meanwhile.
        """
        self.rest.pack_forget()
        self.doubts.pack_forget()
        if plan is None:
            self.go.configure(text="Import")
            look.enable(self.go, False)
            self.told.configure(text="")
            return
        text = "Answer 1 question" if len(asked) == 1 else f"Answer {len(asked):,} questions"
        self.go.configure(text=text if asked else "Import")
        look.enable(self.go, is_idle and bool(asked or not plan.report.refused))
        if doubts and is_idle:
            self.doubts.configure(text=f"Check {len(doubts):,} doubtful")
            self.doubts.pack(side="right", padx=look.GAP)
        out = plan.report.summary["errors"]
        if out and not plan.report.summary["conflicts"] and is_idle:
            left = "leave this 1 out" if out == 1 else f"leave these {out:,} out"
            self.rest.configure(text=f"Import the rest, {left}")
            self.rest.pack(side="right", padx=look.GAP)
        self.told.configure(text=_would(plan.report, bool(asked)))


def _would(report: Report, is_asking: bool) -> str:
    """Return what an import would come to, in a line."""
    summary = report.summary
    parts = [
        f"{summary.get(what, 0):,} {title}"
        for what, title in (
            ("created", "new"),
            ("updated", "changed"),
            ("unchanged", "unchanged"),
            ("skipped", "skipped"),
            ("conflicts", "in conflict"),
            ("errors", "wait for answers" if is_asking else "cannot be imported"),
        )
        if summary.get(what)
    ]
    return ", ".join(parts) or "Nothing to import"
