"""A table that sorts and filters; of many thousand rows it draws only those that are seen."""

from __future__ import annotations

import tkinter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from tkinter import ttk
from typing import Any, Literal

import customtkinter as ctk

from bakeio_desktop.parts import look

UP, DOWN = "  ▲", "  ▼"
APART = "   "
"""What keeps a number from the text to its right."""
MOST_SEEN = 400
"""So many characters no screen shows beside each other."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: What stands above it.
        width: Pixels at 100 %.
        stretches: Whether it takes what is left of the width.
        is_number: Whether it is written to the right.
    """

    title: str
    width: int
    stretches: bool = False
    is_number: bool = False


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        cells: Its texts.
        kind: How it is coloured, one of the `colors` of its table.
        about: What it shows.
        order: By what its cells are sorted, where that is not their text.
    """

    cells: Sequence[str]
    kind: str = ""
    about: Any = None
    order: Sequence[Any] = field(default_factory=tuple)

    def sorted_by(self, column: int) -> Any:
        """Return by what it is sorted in a column."""
        if self.order:
            return self.order[column]
        return self.cells[column].casefold()


class Table(ctk.CTkFrame):  # type: ignore[misc]
    """Show rows, sorted by the heading that was clicked, narrowed by `narrow`.

    Args:
        parent: Where it stands.
        columns: Its columns.
        height: So many rows are seen at least.
        colors: {kind: colour of its rows}.
        chosen: Called with what the selected row shows.
        opened: Called with it when the row is opened: a double click, or Return.
    """

    def __init__(
        self,
        parent: Any,
        columns: Sequence[Column],
        *,
        height: int = 8,
        colors: dict[str, tuple[str, str]] | None = None,
        chosen: Callable[[Any], object] | None = None,
        opened: Callable[[Any], object] | None = None,
    ) -> None:
        super().__init__(
            parent, fg_color=look.SURFACE, border_color=look.LINE, border_width=1, corner_radius=6
        )
        self.columns, self._colors = columns, colors or {}
        self._chosen, self._opened = chosen, opened
        self._all: list[Row] = []
        self.rows: list[Row] = []
        self._first, self._selected = 0, -1
        self._sorted: tuple[int, bool] | None = None
        self._wanted: Callable[[Row], bool] | None = None
        self._font = look.style_trees(self)
        self.tree = ttk.Treeview(
            self,
            columns=[str(place) for place in range(len(columns))],
            show="headings",
            selectmode="browse",
            style="Bakeio.Treeview",
            height=height,
        )
        self._bar = ctk.CTkScrollbar(self, command=self._scrolled)
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self.tree.grid(row=0, column=0, sticky="nsew", padx=(3, 0), pady=3)
        self._bar.grid(row=0, column=1, sticky="ns", padx=3, pady=3)
        self._listen()
        self._dress()

    # -- what it shows
    def show(self, rows: Sequence[Row]) -> None:
        """Show other rows; sorted and narrowed as the ones before."""
        self._all = list(rows)
        self._arrange()

    def narrow(self, wanted: Callable[[Row], bool] | None) -> None:
        """Show only the rows that are wanted; None for all."""
        self._wanted = wanted
        self._arrange()

    def sort(self, column: int) -> None:
        """Sort by a column; once more the other way round."""
        downward = self._sorted == (column, False)
        self._sorted = (column, downward)
        for place, one in enumerate(self.columns):
            mark = (DOWN if downward else UP) if place == column else ""
            mark = mark or (APART if one.is_number else "")
            self.tree.heading(str(place), text=one.title + mark)
        self._arrange()

    @property
    def selected(self) -> Any:
        """What the selected row shows, None where none is."""
        return self.rows[self._selected].about if 0 <= self._selected < len(self.rows) else None

    def select(self, place: int) -> None:
        """Select a row and bring it into sight."""
        if not self.rows:
            return
        self._selected = max(0, min(place, len(self.rows) - 1))
        seen = self._seen()
        if self._selected < self._first:
            self._first = self._selected
        elif self._selected >= self._first + seen:
            self._first = self._selected - seen + 1
        self._paint()
        if self._chosen is not None:
            self._chosen(self.selected)

    # -- inside
    def _arrange(self) -> None:
        about = self.selected
        rows = self._all
        if self._wanted is not None:
            rows = [row for row in rows if self._wanted(row)]
        if self._sorted is not None:
            column, downward = self._sorted
            rows = sorted(rows, key=lambda row: row.sorted_by(column), reverse=downward)
        self.rows, self._first = rows, 0
        self._selected = -1
        if about is not None:
            found = (place for place, row in enumerate(rows) if row.about is about)
            self._selected = next(found, -1)
        self._paint()

    def _cell(self, column: int, row: Row) -> str:
        text = row.cells[column].replace("\n", " ⏎ ")
        if self.columns[column].is_number:
            return text + APART
        # of a long text a line of a table shows the beginning in any case
        width = int(self.tree.column(str(column), "width")) - round(18 * look.scale(self))
        return look.fitting(text[:MOST_SEEN], self._font, width)

    def _seen(self) -> int:
        """Return how many whole rows fit."""
        height = self.tree.winfo_height()
        row = int(ttk.Style(self).lookup("Bakeio.Treeview", "rowheight") or 28)
        if height <= 1:
            return int(str(self.tree.cget("height")))
        heading = row + round(4 * look.scale(self))
        return max(1, (height - heading) // row)

    def _paint(self) -> None:
        seen, tree = self._seen(), self.tree
        self._first = max(0, min(self._first, len(self.rows) - seen))
        part = self.rows[self._first : self._first + seen]
        there = tree.get_children()
        for item in there[len(part) :]:
            tree.delete(item)
        for place, row in enumerate(part):
            cells = [self._cell(column, row) for column in range(len(self.columns))]
            if place < len(there):
                tree.item(there[place], values=cells, tags=(row.kind,))
            else:
                tree.insert("", "end", values=cells, tags=(row.kind,))
        place = self._selected - self._first
        there = tree.get_children()
        wanted = (there[place],) if 0 <= place < len(there) else ()
        if tree.selection() != wanted:
            tree.selection_set(wanted)
        total = max(1, len(self.rows))
        self._bar.set(self._first / total, min(1.0, (self._first + seen) / total))

    def _fit(self) -> None:
        """Share the width among the columns: what is left goes to those that stretch."""
        factor, width = look.scale(self), self.tree.winfo_width()
        own = [round(column.width * factor) for column in self.columns]
        if width > 1:
            stretching = [n for n, column in enumerate(self.columns) if column.stretches]
            wanted = sum(own[place] for place in stretching)
            left = max(0, width - (sum(own) - wanted))
            for place in stretching:
                own[place] = max(round(60 * factor), left * own[place] // max(1, wanted))
        for place, pixels in enumerate(own):
            self.tree.column(str(place), width=pixels)
        self._paint()

    def _dress(self) -> None:
        factor = look.scale(self)
        self._font = look.style_trees(self)
        for place, column in enumerate(self.columns):
            anchor: Literal["e", "w"] = "e" if column.is_number else "w"
            self.tree.heading(
                str(place),
                text=column.title + (APART if column.is_number else ""),
                anchor=anchor,
                command=partial(self.sort, place),
            )
            self.tree.column(
                str(place),
                minwidth=round(40 * factor),
                stretch=False,
                anchor=anchor,
            )
        for kind, color in self._colors.items():
            self.tree.tag_configure(kind, foreground=look.picked(color))
        self._fit()

    def _listen(self) -> None:
        tree = self.tree
        steps: dict[str, Callable[[], int]] = {
            "<Up>": lambda: self._selected - 1,
            "<Down>": lambda: self._selected + 1,
            "<Prior>": lambda: self._selected - self._seen(),
            "<Next>": lambda: self._selected + self._seen(),
            "<Home>": lambda: 0,
            "<End>": lambda: len(self.rows) - 1,
        }
        for keys, place in steps.items():
            tree.bind(keys, partial(self._step, place))
        tree.bind("<MouseWheel>", lambda event: self._roll(-1 if event.delta > 0 else 1))
        tree.bind("<Button-4>", lambda _: self._roll(-1))
        tree.bind("<Button-5>", lambda _: self._roll(1))
        tree.bind("<<TreeviewSelect>>", self._clicked)
        tree.bind("<Configure>", lambda _: self._fit())
        for opening in ("<Double-1>", "<Return>", "<KP_Enter>"):
            tree.bind(opening, self._open)
        tree.bind("<FocusIn>", self._entered)
        tree.bind("<FocusOut>", lambda _: self.configure(border_color=look.LINE))

    def _entered(self, _: object) -> None:
        self.configure(border_color=look.FOCUS)
        if self._selected < 0 and self.rows:
            self.select(0)

    def _step(self, place: Callable[[], int], _: object) -> str:
        self.select(place())
        return "break"

    def _roll(self, by: int) -> str:
        self._first += 3 * by
        self._paint()
        return "break"

    def _scrolled(self, how: str, amount: str, *_: object) -> None:
        if how == "moveto":
            self._first = round(float(amount) * len(self.rows))
        else:
            self._first += int(amount)
        self._paint()

    def _clicked(self, _: object) -> None:
        chosen = self.tree.selection()
        if chosen:
            place = self._first + self.tree.get_children().index(chosen[0])
            if place != self._selected and place < len(self.rows):
                self._selected = place
                if self._chosen is not None:
                    self._chosen(self.selected)

    def _open(self, event: tkinter.Event[Any]) -> str | None:
        on_heading = self.tree.identify_region(event.x, event.y) == "heading"
        is_click = event.keysym == "??"
        if (is_click and on_heading) or self._opened is None or self.selected is None:
            return None
        self._opened(self.selected)
        return "break"

    # -- what changes about all of the window
    def _set_appearance_mode(self, mode_string: str) -> None:
        super()._set_appearance_mode(mode_string)
        if hasattr(self, "tree"):
            self._dress()

    def _set_scaling(self, *factors: Any, **named: Any) -> None:
        super()._set_scaling(*factors, **named)
        if hasattr(self, "tree"):
            self._dress()
