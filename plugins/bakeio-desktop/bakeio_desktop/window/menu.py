"""The menu of the main window, and the keys that do the same."""

from __future__ import annotations

import sys
import tkinter
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from bakeio_desktop.parts import look

if TYPE_CHECKING:
    from bakeio_desktop.window.main import MainWindow

APPEARANCES = ("System", "Light", "Dark")
SCALINGS = {"As the system says": 0.0, "100 %": 1.0, "125 %": 1.25, "150 %": 1.5, "200 %": 2.0}
KEY, SHOWN = ("Command", "Cmd") if sys.platform == "darwin" else ("Control", "Ctrl")


class Menu:
    """Build the menu anew whenever what it says has changed.

    Args:
        window: Whose menu it is.
    """

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self._appearance = tkinter.StringVar(window, window.remembered.appearance)
        self._scaling = tkinter.DoubleVar(window, window.remembered.scaling)
        keys: dict[str, Callable[[], object]] = {
            "o": window.choose_database,
            "n": window.new_database,
            "i": window.import_file,
            "e": window.export_set,
            "q": window.leave,
        }
        for key, do in keys.items():
            window.bind(f"<{KEY}-{key}>", partial(_pressed, do))
        window.bind("<F1>", lambda _: window.show_help())

    def build(self) -> None:
        """Show the menu as it is to be now."""
        window, is_open = self.window, self.window.session is not None
        bar = self._menu(window)
        file = self._under(bar, "File", 0)
        self._item(file, "New Database …", window.new_database, key="N")
        self._item(file, "New Database with Sample Data …", window.new_sample_database)
        self._item(file, "Open Database …", window.choose_database, key="O")
        self._item(file, "Open Database by URL …", window.choose_url)
        recent = self._under(file, "Open Recent", 5)
        for name in window.remembered.databases:
            self._item(recent, name, partial(window.open_database, name))
        file.add_separator()
        exporting = self._under(file, "Export", 0)
        self._item(exporting, "Complete Set …", window.export_set, is_open, "E")
        views = self._under(exporting, "View", 0)
        for name in window.bakeio.catalog.views:
            self._item(views, name, partial(window.export_view, name), is_open)
        importing = self._under(file, "Import", 0)
        self._item(importing, "Import View …", window.import_file, is_open, "I")
        self._item(importing, "Import Set …", window.import_set, is_open)
        file.add_separator()
        self._item(file, "Quit", window.leave, key="Q")
        edit = self._under(bar, "Edit", 0)
        self._item(edit, "Undo Import …", window.undo, is_open)
        self._view(bar)
        about = self._under(bar, "Help", 0)
        about.add_command(label="How It Works", command=window.show_help, accelerator="F1")
        self._item(about, "About", window.show_about)
        window.configure(menu=bar)

    def _view(self, bar: tkinter.Menu) -> None:
        view = self._under(bar, "View", 0)
        for name in APPEARANCES:
            text = "As the system" if name == "System" else name
            view.add_radiobutton(
                label=text,
                variable=self._appearance,
                value=name,
                command=partial(self.window.set_appearance, name),
            )
        view.add_separator()
        for text, factor in SCALINGS.items():
            view.add_radiobutton(
                label=text,
                variable=self._scaling,
                value=factor,
                command=partial(self.window.set_scaling, factor),
            )

    def _under(self, menu: tkinter.Menu, text: str, underlined: int) -> tkinter.Menu:
        made = self._menu(menu)
        menu.add_cascade(label=text, menu=made, underline=underlined)
        return made

    def _menu(self, parent: tkinter.Misc) -> tkinter.Menu:
        factor = look.scale(self.window)
        colors: dict[str, Any] = {
            "background": look.picked(look.BACKGROUND),
            "foreground": look.picked(look.TEXT),
            "activebackground": look.picked(look.ACCENT),
            "activeforeground": "#ffffff",
            "disabledforeground": look.picked(look.QUIET),
            "selectcolor": look.picked(look.TEXT),
        }
        family = look.font().cget("family")
        size = (family, -round(13 * factor))
        return tkinter.Menu(parent, tearoff=False, font=size, borderwidth=0, **colors)

    def _item(
        self,
        menu: tkinter.Menu,
        text: str,
        do: Callable[[], object],
        is_enabled: bool = True,
        key: str = "",
    ) -> None:
        menu.add_command(
            label=text,
            command=do,
            underline=0,
            state="normal" if is_enabled else "disabled",
            accelerator=f"{SHOWN}+{key}" if key else "",
        )


def _pressed(do: Callable[[], object], _: object) -> str:
    do()
    return "break"
