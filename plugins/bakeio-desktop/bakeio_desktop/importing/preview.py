"""The preview: what would change, to sort, to filter and to look at line by line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import customtkinter as ctk

from bakeio_desktop.importing.changes import KINDS, Lines, details
from bakeio_desktop.importing.leaving_out import LEFT_OUT, LeavingOut
from bakeio_desktop.parts import look
from bakeio_desktop.parts.table import Column, Row, Table

COLUMNS = (
    Column("What", 84),
    Column("Record", 74, is_number=True),
    Column("Of", 96),
    Column("Row", 230),
    Column("What happens", 380, stretches=True),
)
COLORS = {
    "create": look.GOOD,
    "update": look.CHANGED,
    "delete": look.BAD,
    "conflict": look.BAD,
    "error": look.BAD,
    "warning": look.CHANGED,
    "note": look.QUIET,
    LEFT_OUT: look.QUIET,
}
PAUSE = 150
"""Milliseconds without a key before the filter is used."""


class Preview(ctk.CTkFrame):  # type: ignore[misc]
    """A filter, the table of lines, and all of the selected line below it.

    Args:
        parent: Where it stands.
        leaving_out: What leaves out the selected line; None where nothing can be left out.
    """

    def __init__(self, parent: Any, leaving_out: Callable[[Any], LeavingOut] | None = None) -> None:
        super().__init__(parent, fg_color="transparent")
        line = look.frame(self)
        line.pack(fill="x", pady=(0, look.GAP))
        self.text = look.entry(line, "Filter: type part of a line", 260)
        self.text.pack(side="left")
        self.text.bind("<KeyRelease>", self._typed)
        self.kind = look.choice(line, ["Everything"], lambda _: self._narrow(), width=190)
        self.kind.pack(side="left", padx=look.GAP)
        self.count = look.label(line, quiet=True)
        self.count.pack(side="right")
        self.leaving_out = None if leaving_out is None else leaving_out(self)
        if self.leaving_out is not None:
            self.leaving_out.pack(side="bottom", fill="x", pady=(look.GAP, 0))
        self.details = look.text_box(self, "", height=92)
        self.details.pack(side="bottom", fill="x", pady=(look.GAP, 0))
        self.table = Table(self, COLUMNS, height=6, colors=COLORS, chosen=self._chosen)
        self.table.pack(fill="both", expand=True)
        self._kinds: dict[str, str] = {}
        self._hidden = 0
        self._pause = ""

    def show(self, lines: Lines) -> None:
        """Show other lines."""
        self._kinds = {
            f"{name} ({lines.counts[kind]:,})": kind
            for kind, name in KINDS.items()
            if kind in lines.counts
        }
        self.kind.configure(values=["Everything", *self._kinds])
        self.kind.set("Everything")
        self._hidden = lines.hidden
        self.table.show(lines.rows)
        self._chosen(None)
        self._narrow()

    def _typed(self, _: object) -> None:
        if self._pause:
            self.after_cancel(self._pause)
        self._pause = self.after(PAUSE, self._narrow)

    def _narrow(self) -> None:
        self._pause = ""
        kind, words = self._kinds.get(self.kind.get()), self.text.get().casefold().split()

        def wanted(row: Row) -> bool:
            if kind is not None and row.kind != kind:
                return False
            text = " ".join(row.cells).casefold() if words else ""
            return all(word in text for word in words)

        self.table.narrow(wanted if kind or words else None)
        shown = len(self.table.rows)
        more = f", and {self._hidden:,} more changes are not shown" if self._hidden else ""
        self.count.configure(text=f"{shown:,} line{'' if shown == 1 else 's'}{more}")

    def _chosen(self, about: Any) -> None:
        look.fill(self.details, "" if about is None else details(about))
        if self.leaving_out is not None:
            self.leaving_out.show(about)
