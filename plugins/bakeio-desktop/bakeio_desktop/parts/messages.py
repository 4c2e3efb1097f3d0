"""Windows that tell or ask something, and what an error is in the words of a window."""

from __future__ import annotations

import re
import tkinter
from collections.abc import Callable
from typing import Any

import customtkinter as ctk

from bakeio_core import BakeioError
from bakeio_desktop.parts import look

LOCKED = (
    "Another program, or the one this window belongs to, is writing to the database. Wait until "
    "it has finished, or save your work there, then try again."
)
MOVED = (
    "The file or the database has changed since you looked at it, so the result would differ from "
    "what was shown. Look at it again, then import."
)
_OF_A_COMMAND = re.compile(
    r" Answer it \(--interactive\), or in a file \(--no-input\)|;? ?--wait SECONDS waits longer"
    r"|\s*\((?:--|bakeio )[^)]*\)"
    r"|(?:(?<=\.)|(?<=;)) [^.;]*\bbakeio [a-z-]+\b(?: [A-Z]+)?[^.;]*\.?$"
)
_INSTEAD = {"locked": LOCKED, "changed-meanwhile": MOVED}


def without_commands(text: str) -> str:
    """Return a text of the library without the options of a command line that it names."""
    return _OF_A_COMMAND.sub("", text).rstrip(" ;,:")


def worded(error: Exception) -> str:
    """Return what went wrong and what to do, without options of a command line.

    Args:
        error: What was raised.
    """
    if isinstance(error, BakeioError):
        if error.code in _INSTEAD:
            return _INSTEAD[error.code]
        text = without_commands(str(error)).removesuffix("; run: bakeio init")
        return sentence(text)
    if isinstance(error, OSError):
        return f"{error.filename or 'A file'}: {(error.strerror or str(error)).lower()}."
    return (
        f"An unexpected error: {type(error).__name__}: {error}. "
        "Nothing was written. Please tell those who make bakeio-desktop."
    )


def sentence(text: str) -> str:
    """Return a message as a sentence; one that begins with the name of a file keeps that."""
    is_word = text.split(" ", maxsplit=1)[0].isalpha()
    end = "" if text.endswith((".", "!", "?")) else "."
    return (text[:1].upper() if is_word else text[:1]) + text[1:] + end


class Window(ctk.CTkToplevel):  # type: ignore[misc]
    """A window above another one, which waits until it is closed; Escape closes it.

    Args:
        parent: The window it belongs to.
        title: What stands above it.
        size: Width and height, pixels at 100 %.
    """

    def __init__(self, parent: tkinter.Misc, title: str, size: tuple[int, int]) -> None:
        super().__init__(parent, fg_color=look.BACKGROUND)
        look.draw_without_missing_font(self)
        self.title(title)
        above, factor = parent.winfo_toplevel(), look.scale(self)
        wide, high = min(size[0], self._room(factor)[0]), min(size[1], self._room(factor)[1])
        left = above.winfo_rootx() + max(0, (above.winfo_width() - round(wide * factor)) // 2)
        top = above.winfo_rooty() + max(0, (above.winfo_height() - round(high * factor)) // 3)
        left = max(0, min(left, self.winfo_screenwidth() - round(wide * factor)))
        top = max(0, min(top, self.winfo_screenheight() - round(high * factor)))
        self.geometry(f"{wide}x{high}+{left}+{top}")
        self.minsize(min(wide, 420), min(high, 180))
        self.transient(above)
        self.bind("<Escape>", lambda _: self.leave())
        self.protocol("WM_DELETE_WINDOW", self.leave)
        self.after(10, self._take_over)

    def _room(self, factor: float) -> tuple[int, int]:
        """Return the largest width and height that fit on the screen, at 100 %."""
        return (
            round((self.winfo_screenwidth() - 20) / factor),
            round((self.winfo_screenheight() - 60) / factor),
        )

    def _take_over(self) -> None:
        """Let no other window of the program take input; it must be seen first."""
        if not self.winfo_exists():
            return
        self.lift()
        try:
            self.grab_set()
        except tkinter.TclError:  # it is not drawn yet, or a menu is open
            self.after(30, self._take_over)

    def destroy(self) -> None:
        """Go away, with what was to be done later."""
        super().destroy()
        forget_timers(self.master)

    def leave(self) -> None:
        """Close it."""
        self.grab_release()
        above = self.master
        self.destroy()
        if isinstance(above, Window) and above.winfo_exists():
            above._take_over()


def forget_timers(widget: tkinter.Misc) -> None:
    """Cancel what widgets that are gone wanted to do later.

    Tk knows a function by the place of its object in memory, and keeps the timers of a widget that
    goes away: a function of another window may get that place, and would be called in its stead.
    """
    for timer in widget.tk.splitlist(widget.tk.call("after", "info")):
        command = widget.tk.splitlist(widget.tk.call("after", "info", timer))[0]
        if not widget.tk.call("info", "commands", command):
            widget.tk.call("after", "cancel", timer)


def button_row(window: Any) -> ctk.CTkFrame:
    """Return the row of buttons at the bottom of a window."""
    row = look.frame(window)
    row.pack(side="bottom", fill="x", padx=look.PAD, pady=look.PAD)
    return row


class Message(Window):
    """Tell something, to be read and copied.

    Args:
        parent: The window it belongs to.
        heading: What it is about.
        text: What it says.
        title: What stands above the window.
    """

    def __init__(
        self,
        parent: tkinter.Misc,
        heading: str,
        text: str,
        *,
        title: str = "bakeio",
        size: tuple[int, int] = (540, 260),
    ) -> None:
        super().__init__(parent, title, size)
        self.text = text
        look.title(self, heading).pack(fill="x", padx=look.PAD, pady=(look.PAD, look.GAP))
        row = button_row(self)
        self.close = look.button(row, "Close", self.leave, primary=True)
        self.close.pack(side="right")
        self.copy = look.button(row, "Copy", self._copy)
        self.copy.pack(side="right", padx=look.GAP)
        look.text_box(self, text).pack(fill="both", expand=True, padx=look.PAD)
        self.after(30, lambda: look.focus(self.close))

    def _copy(self) -> None:
        self.clipboard_clear()
        self.clipboard_append(self.text)
        self.copy.configure(text="Copied")


def tell_error(parent: tkinter.Misc, heading: str, error: Exception) -> Message:
    """Tell what went wrong, with its remedy."""
    return Message(parent, heading, worded(error))


class Ask(Window):
    """Ask for a yes; anything else is a no.

    Args:
        parent: The window it belongs to.
        heading: What is asked.
        text: What it means.
        yes: What the button says that does it.
        agreed: Called where that was pressed.
        no: What the other button says.
    """

    def __init__(
        self,
        parent: tkinter.Misc,
        heading: str,
        text: str,
        yes: str,
        agreed: Callable[[], object],
        *,
        no: str = "Cancel",
    ) -> None:
        super().__init__(parent, "bakeio", (480, 210))
        self._agreed = agreed
        look.title(self, heading).pack(fill="x", padx=look.PAD, pady=(look.PAD, look.GAP))
        row = button_row(self)
        self.no = look.button(row, no, self.leave)
        self.no.pack(side="right")
        self.yes = look.button(row, yes, self._agree, primary=True)
        self.yes.pack(side="right", padx=look.GAP)
        look.paragraph(self, text).pack(fill="x", padx=look.PAD)
        self.after(30, lambda: look.focus(self.no))

    def _agree(self) -> None:
        self.leave()
        self._agreed()
