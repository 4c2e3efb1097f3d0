"""The upper part of the dialog: which file, what is known of it, and how it is imported."""

from __future__ import annotations

from collections.abc import Callable
from tkinter import filedialog
from typing import Any

import customtkinter as ctk

from bakeio_core import Bakeio
from bakeio_desktop.parts import look

MODES = {
    "Update rows and add new ones": "merge",
    "Only add new rows": "skip-existing",
    "Only update existing rows": "update-only",
}
NULLS = {"Empty values change nothing": "keep", "Empty values clear the field": "clear"}


class Chooser(ctk.CTkFrame):  # type: ignore[misc]
    """Choose a file and how to import it.

    Args:
        parent: Where it stands.
        bakeio: The library with its plugins.
        chosen: Called with the path.
        changed: Called when it is to be imported in another way.
    """

    def __init__(
        self,
        parent: Any,
        bakeio: Bakeio,
        chosen: Callable[[str], object],
        changed: Callable[[], object],
    ) -> None:
        super().__init__(parent, fg_color="transparent")
        self._bakeio, self._chosen = bakeio, chosen
        line = look.frame(self)
        line.pack(fill="x")
        look.label(line, "File").pack(side="left", padx=(0, look.GAP))
        self.path = look.entry(line, "Type or choose the file that you were given back")
        self.path.pack(side="left", fill="x", expand=True)
        self.path.bind("<Return>", self._typed)
        self.folder = look.button(line, "Choose folder …", self._choose_folder)
        self.folder.pack(side="right")
        self.choose = look.button(line, "Choose file …", self._choose)
        self.choose.pack(side="right", padx=look.GAP)
        self.facts = look.paragraph(self, "", quiet=True)
        self.facts.pack(fill="x", pady=(4, look.GAP))
        line = look.frame(self)
        line.pack(fill="x")
        self.mode = look.choice(line, list(MODES), lambda _: changed(), width=260)
        self.mode.pack(side="left")
        self.nulls = look.choice(line, list(NULLS), lambda _: changed(), width=250)
        self.nulls.pack(side="left", padx=look.GAP)

    def options(self) -> dict[str, Any]:
        """Return how it is to be imported."""
        return {"mode": MODES[self.mode.get()], "nulls": NULLS[self.nulls.get()]}

    def show(self, path: str, facts: str) -> None:
        """Show a path and what is known of it."""
        self.path.delete(0, "end")
        if path:
            self.path.insert(0, path)
        self.facts.configure(text=facts)

    def _typed(self, _: object) -> None:
        if self.path.get().strip():
            self._chosen(self.path.get().strip())

    def _choose(self) -> None:
        suffixes = ["*.json", *(f"*{known.suffix}" for known in self._bakeio.formats.values())]
        name = filedialog.askopenfilename(
            parent=self.winfo_toplevel(),
            title="Choose the file to import",
            filetypes=[
                ("Files bakeio reads", " ".join([*suffixes, "*.zip"])),
                ("All files", "*"),
            ],
        )
        if name:
            self._chosen(name)

    def _choose_folder(self) -> None:
        name = filedialog.askdirectory(
            parent=self.winfo_toplevel(), title="Choose the folder of a complete set"
        )
        if name:
            self._chosen(name)
