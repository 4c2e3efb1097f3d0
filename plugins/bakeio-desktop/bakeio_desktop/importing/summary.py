"""What an import came to: counts, the log of what was left out, undo, the report as a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tkinter import filedialog
from typing import Any

import customtkinter as ctk

from bakeio_core import BakeioError, Report, write_report
from bakeio_desktop.parts import look
from bakeio_desktop.parts.messages import Message, tell_error, without_commands

COUNTED = {
    "created": "created",
    "updated": "updated",
    "unchanged": "unchanged",
    "skipped": "skipped",
    "conflicts": "conflicts",
    "errors": "left out",
}
MOST_SHOWN = 200_000
"""So many characters of a log are shown; all of them are in its file."""


class Summary(ctk.CTkFrame):  # type: ignore[misc]
    """Show the outcome of an import, and what can be done now.

    Args:
        parent: Where it stands.
        report: The outcome.
        undo: Takes the import back.
        again: Imports another file.
        close: Closes the window.
    """

    def __init__(
        self,
        parent: Any,
        report: Report,
        *,
        undo: Callable[[], object],
        again: Callable[[], object],
        close: Callable[[], object],
    ) -> None:
        super().__init__(parent, fg_color="transparent")
        self.report = report
        look.title(self, "Imported").pack(fill="x")
        self.told = look.paragraph(self, f"{report.source} is in the database now.", quiet=True)
        self.told.pack(fill="x", pady=(0, look.GAP))
        row = look.frame(self)
        row.pack(side="bottom", fill="x")
        self.close = look.button(row, "Close", close, primary=True)
        self.close.pack(side="right")
        self.again = look.button(row, "Import another file", again)
        self.again.pack(side="right", padx=look.GAP)
        self.undo = look.button(row, "Undo this import …", undo)
        self.undo.pack(side="left")
        self.save = look.button(row, "Save report as HTML …", self._save)
        self.save.pack(side="left", padx=look.GAP)
        self._counts()
        self._more(row)
        self.after(30, lambda: look.focus(self.close))

    def taken_back(self) -> None:
        """Say that the import was taken back."""
        self.told.configure(text=f"{self.report.source} was undone.")
        look.enable(self.undo, False)

    def _counts(self) -> None:
        box = look.frame(self, raised=True)
        box.pack(fill="x", pady=look.GAP)
        parents = sum(map(len, self.report.created_entities.values()))
        counts = {title: self.report.summary.get(what, 0) for what, title in COUNTED.items()}
        counts["rows created for references"] = parents
        for place, (title, count) in enumerate(counts.items()):
            box.columnconfigure(place, weight=1)
            number = look.title(box, f"{count:,}", 22)
            number.configure(anchor="center", text_color=look.TEXT if count else look.QUIET)
            number.grid(row=0, column=place, sticky="ew", padx=4, pady=(look.PAD, 0))
            name = ctk.CTkLabel(
                box, text=title, text_color=look.QUIET, font=look.font(12), wraplength=100
            )
            name.grid(row=1, column=place, sticky="new", padx=4, pady=(0, look.PAD))

    def _more(self, row: ctk.CTkFrame) -> None:
        lines = [
            f"{entity}: {', '.join(str(key) for row in keys for key in _values(row))} created"
            for entity, keys in self.report.created_entities.items()
        ]
        lines += [
            without_commands(str(problem))
            for problem in self.report.problems
            if problem.severity != "note"
        ]
        if self.report.skipped_log:
            lines.append(
                f"What was left out is in {self.report.skipped_log}: "
                "correct it there, and import that file."
            )
            self.log = look.button(row, "Show skipped log …", self._show_log)
            self.log.pack(side="left")
        if lines:
            look.text_box(self, "\n".join(lines)).pack(fill="both", expand=True, pady=(0, look.GAP))

    def _show_log(self) -> None:
        path = Path(str(self.report.skipped_log))
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            tell_error(self, "The log cannot be read", error)
            return
        cut = "" if len(text) <= MOST_SHOWN else "\n… the rest is in the file"
        Message(self, str(path), text[:MOST_SHOWN] + cut, title="Skipped log", size=(820, 560))

    def _save(self) -> None:
        name = filedialog.asksaveasfilename(
            parent=self.winfo_toplevel(),
            title="Save report as HTML",
            defaultextension=".html",
            filetypes=[("HTML page", "*.html")],
            initialfile=f"{Path(self.report.source).stem}.html",
        )
        if not name:
            return
        try:
            write_report(self.report, Path(name))
        except (BakeioError, OSError) as error:
            tell_error(self, "The report was not saved", error)
            return
        self.save.configure(text="Report saved")


def _values(key: Any) -> list[Any]:
    return list(key.values()) if isinstance(key, dict) else [key]
