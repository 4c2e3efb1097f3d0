"""How the windows look, and widgets that can be used with the keyboard alone.

Colours are pairs: in the light, in the dark.
"""

from __future__ import annotations

import contextlib
import sys
import tkinter
from collections.abc import Callable, Sequence
from tkinter import ttk
from tkinter.font import Font, families, nametofont
from typing import Any, Literal

import customtkinter as ctk
from customtkinter.windows.widgets.core_rendering import DrawEngine

PAD = 14
"""Pixels at 100 % between a window's edge and what is in it."""
GAP = 8
"""Pixels at 100 % between things that belong together."""
BACKGROUND = ("#f4f4f2", "#1f2023")
SURFACE = ("#ffffff", "#2a2b2f")
LINE = ("#c9cac6", "#45474d")
TEXT = ("#1d1e20", "#e8e8e6")
QUIET = ("#5b5d61", "#a9abaf")
ACCENT = ("#2f6f4f", "#3d8b64")
ACCENT_HOVER = ("#255a40", "#347655")
DISABLED = ("#c4cfc8", "#3a453f")
FOCUS = ("#11487f", "#8cc4ff")
PLAIN_HOVER = ("#e6e7e3", "#3a3c42")
GOOD = ("#1f6b3f", "#7fd6a4")
CHANGED = ("#8a5800", "#f0c060")
BAD = ("#a3231f", "#ff9d98")
SELECTED = ("#cfe3d8", "#35523f")
MORE = "…"
SHAPES = "CustomTkinter_shapes_font"
"""The font of the toolkit whose letters are corners and circles."""


def font(size: int = 13, *, bold: bool = False) -> ctk.CTkFont:
    """Return a font that grows with the scaling.

    On Linux it is the system's own: of the one the toolkit brings there is no bold, and letters
    that are made fat by rule lose the dots of their i.
    """
    weight: Literal["normal", "bold"] = "bold" if bold else "normal"
    if sys.platform.startswith("linux"):
        family = nametofont("TkDefaultFont").actual("family")
        return ctk.CTkFont(family=family, size=size, weight=weight)
    return ctk.CTkFont(size=size, weight=weight)


def picked(color: tuple[str, str]) -> str:
    """Return the colour of a pair that is in use now."""
    return color[1] if ctk.get_appearance_mode() == "Dark" else color[0]


def scale(widget: tkinter.Misc) -> float:
    """Return how much larger than at 100 % widgets are drawn."""
    return float(ctk.ScalingTracker.get_widget_scaling(widget))


def draw_without_missing_font(window: tkinter.Misc) -> None:
    """Let corners and circles be drawn as such, where the font the toolkit has for them is missing.

    It copies the font into the person's folder, and takes for granted that the system looks there.
    Where that is not so, each corner would be a letter of another font.
    """
    is_by_font = DrawEngine.preferred_drawing_method == "font_shapes"
    if is_by_font and SHAPES not in families(window):
        DrawEngine.preferred_drawing_method = "circle_shapes"


# -- texts
def label(parent: Any, text: str = "", *, quiet: bool = False, size: int = 13) -> ctk.CTkLabel:
    """Return a line of text."""
    color = QUIET if quiet else TEXT
    return ctk.CTkLabel(parent, text=text, text_color=color, anchor="w", font=font(size))


def title(parent: Any, text: str = "", size: int = 17) -> ctk.CTkLabel:
    """Return a heading."""
    return ctk.CTkLabel(parent, text=text, text_color=TEXT, anchor="w", font=font(size, bold=True))


def paragraph(parent: Any, text: str = "", *, quiet: bool = False) -> ctk.CTkLabel:
    """Return a text that breaks into lines as wide as its place."""
    made = ctk.CTkLabel(
        parent,
        text=text,
        text_color=QUIET if quiet else TEXT,
        anchor="w",
        justify="left",
        font=font(),
        wraplength=600,
    )

    def broken(event: tkinter.Event[Any]) -> None:
        # only for another width, or the new height would begin it all again
        wanted = max(120, int(event.width / scale(made)) - 8)
        if abs(wanted - made.cget("wraplength")) > 4:
            made.configure(wraplength=wanted)

    # its own bindings are those of the label inside, whose width follows from the lines
    tkinter.Misc.bind(made, "<Configure>", broken, add="+")
    return made


def frame(parent: Any, *, raised: bool = False) -> ctk.CTkFrame:
    """Return a place for other widgets; a raised one has a colour and a line of its own."""
    if raised:
        return ctk.CTkFrame(
            parent, fg_color=SURFACE, border_color=LINE, border_width=1, corner_radius=8
        )
    return ctk.CTkFrame(parent, fg_color="transparent", corner_radius=0)


# -- widgets a keyboard reaches
class PrimaryButton(ctk.CTkButton):  # type: ignore[misc]
    """The button of a window that does what most people want."""


def button(
    parent: Any, text: str, command: Callable[[], object], *, primary: bool = False
) -> ctk.CTkButton:
    """Return a button that Tab reaches, and Return and the space bar press."""
    colors: dict[str, Any] = {
        "fg_color": ACCENT if primary else SURFACE,
        "hover_color": ACCENT_HOVER if primary else PLAIN_HOVER,
        "text_color": ("#ffffff", "#ffffff") if primary else TEXT,
        "text_color_disabled": ("#f6f8f7", "#8b9a92") if primary else ("#9a9b9e", "#77797e"),
        "border_color": ACCENT if primary else LINE,
    }
    kind = PrimaryButton if primary else ctk.CTkButton
    made = kind(
        parent,
        text=text,
        command=command,
        border_width=2,
        corner_radius=6,
        height=34,
        width=0,
        font=font(bold=primary),
        **colors,
    )
    pressed_by_keys(made, made.invoke, colors["border_color"])
    return made


def pressed_by_keys(widget: Any, press: Callable[[], object], color: tuple[str, str]) -> None:
    """Let Tab reach a widget and Return or the space bar press it; a border shows the focus.

    Args:
        widget: It is drawn on a canvas, so that its own bindings are not those of its frame.
        press: What pressing does; nothing where it is disabled.
        color: That of the border without the focus.
    """

    def pressed(_: object) -> str:
        if widget.cget("state") != "disabled":
            press()
        return "break"

    def entered(_: object) -> None:
        widget.configure(border_color=FOCUS)

    def left(_: object) -> None:
        is_off = isinstance(widget, PrimaryButton) and widget.cget("state") == "disabled"
        widget.configure(border_color=DISABLED if is_off else color)

    _reached_by_tab(widget)
    for keys in ("<Return>", "<KP_Enter>", "<space>"):
        tkinter.Misc.bind(widget, keys, pressed)
    tkinter.Misc.bind(widget, "<FocusIn>", entered)
    tkinter.Misc.bind(widget, "<FocusOut>", left)


def _reached_by_tab(widget: Any, is_reached: bool = True) -> None:
    # the toolkit's own `configure` knows nothing of it
    tkinter.Frame.configure(widget, takefocus=is_reached)


def enable(widget: Any, is_enabled: bool) -> None:
    """Let a widget be used, or not; then Tab goes past it."""
    widget.configure(state="normal" if is_enabled else "disabled")
    if isinstance(widget, PrimaryButton):
        color = ACCENT if is_enabled else DISABLED
        widget.configure(fg_color=color, border_color=color)
    _reached_by_tab(widget, is_enabled)


def focus(widget: Any) -> None:
    """Give a widget the keyboard, where it is still there."""
    with contextlib.suppress(tkinter.TclError):
        tkinter.Misc.focus_set(widget) if isinstance(widget, ctk.CTkButton) else widget.focus_set()


def entry(parent: Any, hint: str = "", width: int = 200) -> ctk.CTkEntry:
    """Return a field for one line of text."""
    made = ctk.CTkEntry(
        parent,
        placeholder_text=hint or None,
        width=width,
        height=34,
        border_width=2,
        corner_radius=6,
        font=font(),
        fg_color=SURFACE,
        border_color=LINE,
        text_color=TEXT,
        placeholder_text_color=QUIET,
    )
    made.bind("<FocusIn>", lambda _: made.configure(border_color=FOCUS), add="+")
    made.bind("<FocusOut>", lambda _: made.configure(border_color=LINE), add="+")
    return made


def choice(
    parent: Any,
    values: Sequence[str],
    command: Callable[[str], object] | None = None,
    width: int = 190,
) -> ctk.CTkOptionMenu:
    """Return a choice among texts; the arrow keys go through them."""
    made = ctk.CTkOptionMenu(
        parent,
        values=list(values),
        command=command,
        width=width,
        height=34,
        corner_radius=6,
        font=font(),
        dropdown_font=font(),
        fg_color=SURFACE,
        text_color=TEXT,
        button_color=LINE,
        button_hover_color=PLAIN_HOVER,
    )

    def step(by: int) -> Callable[[object], str]:
        def stepped(_: object) -> str:
            known = list(made.cget("values"))
            place = known.index(made.get()) + by if made.get() in known else 0
            if 0 <= place < len(known) and made.cget("state") != "disabled":
                made.set(known[place])
                if command is not None:
                    command(known[place])
            return "break"

        return stepped

    _reached_by_tab(made)
    tkinter.Misc.bind(made, "<Down>", step(1))
    tkinter.Misc.bind(made, "<Up>", step(-1))
    tkinter.Misc.bind(made, "<FocusIn>", lambda _: made.configure(button_color=FOCUS))
    tkinter.Misc.bind(made, "<FocusOut>", lambda _: made.configure(button_color=LINE))
    return made


CHOSEN = {
    "text_color": TEXT,
    "fg_color": ACCENT,
    "hover_color": ACCENT_HOVER,
    "border_color": QUIET,
}
"""The colours of what is chosen or ticked."""


def radio(
    parent: Any,
    text: str,
    variable: tkinter.StringVar,
    value: str,
    command: Callable[[], object] | None = None,
) -> ctk.CTkRadioButton:
    """Return one of several ways, which the space bar chooses."""
    made = ctk.CTkRadioButton(
        parent,
        text=text,
        variable=variable,
        value=value,
        command=command,
        font=font(),
        radiobutton_width=20,
        radiobutton_height=20,
        **CHOSEN,
    )
    pressed_by_keys(made, made.invoke, QUIET)
    return made


def check(parent: Any, text: str, variable: tkinter.BooleanVar) -> ctk.CTkCheckBox:
    """Return something to tick, with the space bar too."""
    made = ctk.CTkCheckBox(
        parent,
        text=text,
        variable=variable,
        font=font(),
        checkbox_width=20,
        checkbox_height=20,
        **CHOSEN,
    )
    pressed_by_keys(made, made.toggle, QUIET)
    return made


def text_box(parent: Any, text: str = "", height: int = 120) -> ctk.CTkTextbox:
    """Return a text to read and to copy from."""
    made = ctk.CTkTextbox(
        parent,
        height=height,
        font=font(),
        fg_color=SURFACE,
        text_color=TEXT,
        border_color=LINE,
        border_width=1,
        corner_radius=6,
        wrap="word",
    )
    fill(made, text)
    return made


def fill(box: ctk.CTkTextbox, text: str) -> None:
    """Show another text in a box; people read it and do not write there."""
    box.configure(state="normal")
    box.delete("1.0", "end")
    box.insert("1.0", text)
    box.configure(state="disabled")


def fitting(text: str, font: Font, width: int) -> str:
    """Return a text, or as much of it as fits, with the sign that there is more.

    Args:
        text: The text.
        font: The font it is written in.
        width: Pixels.
    """
    measured = font.measure(text)
    if measured <= width:
        return text
    kept = min(len(text), len(text) * max(0, width) // measured + 2)
    while kept > 0 and font.measure(text[:kept].rstrip() + MORE) > width:
        kept -= 1
    return text[:kept].rstrip() + MORE


def style_trees(widget: tkinter.Misc) -> Font:
    """Let the tables of this process look like everything else, at this scaling and in this mode.

    Their style has a name of its own: a program that shows one of the dialogs keeps its own.

    Returns:
        The font of their rows.
    """
    style, factor = ttk.Style(widget), scale(widget)
    family = font().cget("family")
    rows = (family, -round(13 * factor))
    style.configure(
        "Bakeio.Treeview",
        background=picked(SURFACE),
        fieldbackground=picked(SURFACE),
        foreground=picked(TEXT),
        font=rows,
        rowheight=round(28 * factor),
        borderwidth=0,
        relief="flat",
    )
    style.configure(
        "Bakeio.Treeview.Heading",
        background=picked(BACKGROUND),
        foreground=picked(TEXT),
        font=(family, -round(13 * factor), "bold"),
        padding=(round(6 * factor), round(4 * factor)),
        relief="flat",
        borderwidth=0,
    )
    style.map(
        "Bakeio.Treeview",
        background=[("selected", picked(SELECTED))],
        foreground=[("selected", picked(TEXT))],
    )
    style.map("Bakeio.Treeview.Heading", background=[("active", picked(PLAIN_HOVER))])
    style.layout("Bakeio.Treeview", [("Bakeio.Treeview.treearea", {"sticky": "nswe"})])
    return Font(widget, font=rows)
