"""The form of a new row: what it needs, what the file tells of it, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import customtkinter as ctk

from bakeio_desktop.parts import look
from bakeio_desktop.wizard.interview import field_title


class Form(ctk.CTkFrame):  # type: ignore[misc]
    """Fields to fill in.

    Args:
        parent: Where it stands.
        fields: Those of the question's `form`.
        texts: {name: what stands in it}, where that is known already.
    """

    def __init__(
        self, parent: Any, fields: Sequence[Mapping[str, Any]], texts: Mapping[str, str]
    ) -> None:
        super().__init__(parent, fg_color="transparent")
        self.columnconfigure(1, weight=1)
        self.fields: dict[str, Any] = {}
        self.wrong: dict[str, ctk.CTkLabel] = {}
        for field in fields:
            known = "" if field["value"] is None else str(field["value"])
            self._add(field, texts.get(field["name"], known))

    def texts(self) -> dict[str, str]:
        """Return what stands in the fields."""
        return {name: widget.get() for name, widget in self.fields.items()}

    def tell(self, wrong: Mapping[str, str]) -> None:
        """Say at each field what is wrong with it; fields that are missing are added."""
        for name in self.wrong:
            self.wrong[name].grid_remove()
        for name, what in wrong.items():
            if name not in self.fields:
                self._add({"name": name, "required": True, "choices": (), "target": None}, "")
            self.wrong[name].configure(text=what)
            self.wrong[name].grid()
        first = next((name for name in self.fields if name in wrong), None)
        if first is not None:
            look.focus(self.fields[first])

    def begin(self) -> None:
        """Take the keyboard: the first field that needs something and is empty."""
        for widget in self.fields.values():
            if not widget.get():
                look.focus(widget)
                return
        for widget in self.fields.values():
            look.focus(widget)
            return

    def _add(self, field: Mapping[str, Any], text: str) -> None:
        name, row = field["name"], 2 * len(self.fields)
        needed = " *" if field["required"] else ""
        look.label(self, field_title(name) + needed).grid(
            row=row, column=0, sticky="w", padx=(0, look.PAD), pady=3
        )
        if field["choices"]:
            widget = self._choice(list(field["choices"]))
            widget.set(text)
        else:
            target = field["target"]
            widget = look.entry(self, f"name or key, of {target}" if target else "")
            if text:
                widget.insert(0, text)
        widget.grid(row=row, column=1, sticky="ew", pady=3)
        wrong = look.paragraph(self)
        wrong.configure(text_color=look.BAD)
        wrong.grid(row=row + 1, column=1, sticky="ew")
        wrong.grid_remove()
        self.fields[name], self.wrong[name] = widget, wrong

    def _choice(self, choices: list[str]) -> ctk.CTkComboBox:
        """Return a field with choices, which takes others too; the arrow keys go through them."""
        widget = ctk.CTkComboBox(
            self,
            values=choices,
            height=34,
            border_width=2,
            corner_radius=6,
            font=look.font(),
            dropdown_font=look.font(),
            fg_color=look.SURFACE,
            border_color=look.LINE,
            button_color=look.LINE,
            text_color=look.TEXT,
        )

        def step(by: int) -> Any:
            def stepped(_: object) -> str:
                here = widget.get()
                place = choices.index(here) + by if here in choices else 0
                if 0 <= place < len(choices):
                    widget.set(choices[place])
                return "break"

            return stepped

        widget.bind("<Down>", step(1))
        widget.bind("<Up>", step(-1))
        return widget
