"""A virtual screen to draw windows on, where one can be had."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

FLOUR = "king_arthur_unbleached_all_purpose_flour_5lb"
LINE = {
    "product_slug": FLOUR,
    "supplier_name": "Wilson's Farm",
    "purchase_date": "2026-03-01",
    "unit_price": 5.5,
    "quantity_purchased": 2,
}
"""A line of a receipt, of a shop that the sample does not know."""
PATIENCE = 20.0
"""Seconds until something that does not happen is a fault."""


@contextmanager
def screen(size: str = "1280x1000x24") -> Iterator[str]:
    """Start a virtual screen and make it the one that windows are drawn on; skip without one."""
    pytest.importorskip("tkinter", reason="this Python has no Tk")
    pytest.importorskip("customtkinter", reason="customtkinter is not installed")
    program = shutil.which("Xvfb")
    if program is None:
        pytest.skip("there is no virtual screen (Xvfb) here")
    reading, writing = os.pipe()
    command = [program, "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, pass_fds=[writing], **quiet)  # type: ignore[call-overload]
    os.close(writing)
    with os.fdopen(reading) as told:
        name = f":{told.readline().strip()}"
    before = os.environ.get("DISPLAY")
    os.environ["DISPLAY"] = name
    try:
        yield name
    finally:
        if before is None:
            del os.environ["DISPLAY"]
        else:
            os.environ["DISPLAY"] = before
        server.terminate()
        server.wait()


def until(window: Any, is_so: Callable[[], Any], what: str = "") -> Any:
    """Let a window go on until something is so, and return what that was."""
    end = time.monotonic() + PATIENCE
    while True:
        window.update()
        found = is_so()
        if found:
            return found
        assert time.monotonic() < end, f"it does not become so: {what}; {_told(window)}"
        time.sleep(0.005)


KEYSYMS = {" ": "space", "/": "slash", ".": "period", "_": "underscore", "-": "minus"}


def press(widget: Any, *keys: str) -> None:
    """Press keys in a widget, by their names, as the window system would tell Tk of it."""
    import tkinter

    inner = getattr(widget, "_entry", widget)
    tkinter.Misc.focus_force(inner)  # a button of the toolkit would hand it to the text in it
    inner.update()
    for key in keys:
        inner.event_generate(f"<KeyPress-{key}>")
        if not inner.winfo_exists():  # that closed its window
            return
        inner.event_generate(f"<KeyRelease-{key}>")
    inner.update()


def write(widget: Any, text: str) -> None:
    """Type a text into a field."""
    press(widget, *[KEYSYMS.get(letter, letter) for letter in text])


def looked_at(dialog: Any) -> Any:
    """Wait until the dialog of an import has nothing to do but to wait for its person."""
    until(dialog, lambda: dialog.progress is None and dialog.plan is not None, "it has looked")
    return dialog


def _told(window: Any) -> list[str]:
    """Return what messages say that stand above a window."""
    above = [one for one in window.winfo_children() if one.winfo_exists()]
    return [one.text for one in above if type(one).__name__ == "Message"]


def windows(parent: Any, kind: str) -> list[Any]:
    """Return the windows of a kind that stand above another one, the latest last."""
    return [one for one in parent.winfo_children() if type(one).__name__ == kind]


def leave_out(window: Any, text: str, field: str = "the whole record") -> None:
    """Leave out the change whose line has a text, or a field of it."""
    table, leaving_out = window.preview.table, window.preview.leaving_out
    table.select(next(n for n, row in enumerate(table.rows) if text in row.cells[4]))
    leaving_out.what.set(field)
    leaving_out.button.invoke()
    looked_at(window)
