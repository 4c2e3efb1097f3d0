"""The main window: a database, what is in it, what was imported; everything else from its menu."""

from __future__ import annotations

import sys
import tkinter
from collections.abc import Callable
from pathlib import Path
from tkinter import filedialog
from types import TracebackType
from typing import Any

import customtkinter as ctk

from bakeio_core import BakeioError, Session
from bakeio_desktop.importing.dialog import ImportViewDialog
from bakeio_desktop.importing.undo import UndoWindow
from bakeio_desktop.parts import look
from bakeio_desktop.parts.messages import Message, tell_error
from bakeio_desktop.parts.progress import Busy
from bakeio_desktop.parts.table import Column, Table
from bakeio_desktop.window.contents import Contents, look_into
from bakeio_desktop.window.exporting import Exporting
from bakeio_desktop.window.help import HELP, about
from bakeio_desktop.window.menu import Menu
from bakeio_desktop.window.remembered import Remembered
from bakeio_desktop.work.database import open_session
from bakeio_desktop.work.worker import Cancelled, Job, Worker

ENTITIES = (Column("Of", 190, stretches=True), Column("Rows", 64, is_number=True))
RUNS = (
    Column("No.", 50, is_number=True),
    Column("When (UTC)", 130),
    Column("File", 180, stretches=True),
    Column("How", 90),
    Column("What it did", 200, stretches=True),
)
DATABASES = [("Databases", "*.db *.sqlite *.sqlite3"), ("All files", "*")]


class MainWindow(ctk.CTk):  # type: ignore[misc]
    """The window of `bakeio desktop`.

    Args:
        session: What the command line said: the database and the plugins.
        remembered: What is remembered of the person; None reads it.
    """

    def __init__(self, session: Session, remembered: Remembered | None = None) -> None:
        self.remembered = remembered if remembered is not None else Remembered.read()
        ctk.set_appearance_mode(self.remembered.appearance)
        self._scale()
        super().__init__(fg_color=look.BACKGROUND)
        look.draw_without_missing_font(self)
        self.title("bakeio")
        self.bakeio = session.bakeio
        self.session: Session | None = None
        self.worker = Worker(self)
        self.busy = Busy(self, self.worker)
        self._waiting: Path | None = None
        self.dialog: ImportViewDialog | None = None
        self.exporting = Exporting(self)
        self._place()
        self._build()
        self.menu = Menu(self)
        self.protocol("WM_DELETE_WINDOW", self.leave)
        if session.is_there():
            self.open_database(session.database)
        else:
            self._show_database()

    # -- what is drawn
    def _build(self) -> None:
        top = look.frame(self)
        top.pack(fill="x", padx=look.PAD, pady=(look.PAD, look.GAP))
        self.importing = look.button(top, "Import View …", self.import_file, primary=True)
        self.importing.pack(side="right")
        self.undoing = look.button(top, "Undo Import …", self.undo)
        self.undoing.pack(side="right", padx=look.GAP)
        self.name = look.title(top)
        self.name.pack(fill="x")
        self.told = look.label(self, quiet=True)
        self.told.pack(fill="x", padx=look.PAD)
        self.begin = look.frame(self)
        buttons: dict[str, Callable[[], object]] = {
            "Open a database …": self.choose_database,
            "Make a new one …": self.new_database,
            "Make a new one with sample data …": self.new_sample_database,
        }
        for text, do in buttons.items():
            look.button(self.begin, text, do).pack(anchor="w", pady=4)
        self.both = look.frame(self)
        self.both.columnconfigure(0, weight=2, uniform="both")
        self.both.columnconfigure(1, weight=5, uniform="both")
        self.both.rowconfigure(1, weight=1)
        look.title(self.both, "What is in it", 14).grid(row=0, column=0, sticky="w", pady=4)
        look.title(self.both, "What was imported", 14).grid(row=0, column=1, sticky="w", pady=4)
        self.entities = Table(self.both, ENTITIES, colors={"missing": look.QUIET})
        self.entities.grid(row=1, column=0, sticky="nsew", padx=(0, look.PAD))
        self.runs = Table(self.both, RUNS)
        self.runs.grid(row=1, column=1, sticky="nsew")

    def _show_database(self) -> None:
        """Show which database is open, or how to get one."""
        is_open = self.session is not None
        for widget in (self.importing, self.undoing):
            look.enable(widget, is_open)
        self.both.pack_forget()
        self.begin.pack_forget()
        if self.session is None:
            self.name.configure(text="No database is open")
            self.told.configure(text="Open one, or make a new one.")
            self.begin.pack(fill="both", expand=True, padx=look.PAD, pady=look.PAD)
            look.focus(self.begin.winfo_children()[0])
        else:
            shown = self.session.shown
            self.name.configure(text=Path(shown).name if "://" not in shown else shown)
            self.told.configure(text=_lies(shown) if "://" not in shown else "")
            self.both.pack(fill="both", expand=True, padx=look.PAD, pady=(0, look.PAD))
            look.focus(self.importing)
        self.menu.build()

    # -- databases
    def open_database(self, database: str) -> None:
        """Open a database and show what is in it."""
        try:
            session = open_session(database, self.bakeio)
        except BakeioError as error:
            tell_error(self, "This database cannot be opened", error)
            return

        def work(job: Job[Any]) -> Contents:
            if not session.is_there():
                raise BakeioError(f"there is no database at {session.shown}", code="io-error")
            return look_into(session, job)

        def done(found: Contents) -> None:
            self.session = session
            self.remembered.opened(session.database)
            self._show_database()
            self._show(found)
            if self._waiting is not None:
                self.import_file(self._waiting)

        self.work("Opening", work, done, "This database cannot be opened")

    def choose_database(self) -> None:
        """Let a person choose a database's file."""
        name = filedialog.askopenfilename(parent=self, title="Open a database", filetypes=DATABASES)
        if name:
            self.open_database(name)

    def choose_url(self) -> None:
        """Let a person type the URL of a database on a server."""
        asked = ctk.CTkInputDialog(
            title="Open a database", text="URL, such as postgresql://user@host/name"
        )
        url = (asked.get_input() or "").strip()
        if url:
            self.open_database(url)

    def new_database(self) -> None:
        """Make a new database where a person says."""
        self._make(with_sample=False)

    def new_sample_database(self) -> None:
        """Make a new database with the sample data of the plugins."""
        self._make(with_sample=True)

    def _make(self, *, with_sample: bool) -> None:
        name = filedialog.asksaveasfilename(
            parent=self,
            title="Make a new database",
            defaultextension=".db",
            filetypes=DATABASES,
            confirmoverwrite=False,
        )
        if name:
            self.make_database(name, with_sample=with_sample)

    def make_database(self, path: str, *, with_sample: bool) -> None:
        """Make a database in a file that is not there yet, and open it."""
        if Path(path).exists():
            message = f"{path} exists already. Open it, or choose another name"
            tell_error(self, "No database was made", BakeioError(message))
            return
        session = open_session(path, self.bakeio)

        def work(job: Job[Any]) -> None:
            def make(db: Any) -> None:
                self.bakeio.create_tables(db)
                if with_sample:
                    self.bakeio.load_sample(db)

            session.write(make, create=True)

        def done(_: None) -> None:
            self.open_database(path)

        self.work("Making the database", work, done, "No database was made")

    def refresh(self) -> None:
        """Look again what is in the database."""
        session = self.session
        if session is not None:
            self.worker.do(lambda job: look_into(session, job), self._show, lambda error: None)

    def _show(self, found: Contents) -> None:
        self.entities.show(found.entities)
        self.runs.show(found.runs)
        look.enable(self.undoing, bool(found.runs))

    # -- import, undo, export
    def import_file(self, file: Path | None = None) -> None:
        """Open the dialog that imports a file; without a database, as soon as one is open."""
        self._waiting = file if self.session is None else None
        if self.session is None:
            return
        self.dialog = ImportViewDialog(
            self, self.bakeio, self.session.database, file=file, done=lambda _: self.refresh()
        )

    def import_set(self) -> None:
        """Choose the folder of a set, and open the dialog with it."""
        name = filedialog.askdirectory(parent=self, title="Choose the folder of a complete set")
        if name:
            self.import_file(Path(name))

    def undo(self) -> None:
        """Take back the import that is selected, else the latest that changed something."""
        if self.session is None:
            return
        chosen = self.runs.selected
        run = chosen["id"] if chosen is not None else None
        UndoWindow(self, self.bakeio, self.session, self.worker, run, lambda _: self.refresh())

    def export_set(self) -> None:
        """Export everything."""
        self.exporting.export_set()

    def export_view(self, name: str) -> None:
        """Export a view."""
        self.exporting.export_view(name)

    # -- how it looks
    def set_appearance(self, name: str) -> None:
        """Be light, dark or as the system is."""
        self.remembered.appearance = name
        ctk.set_appearance_mode(name)
        self.menu.build()

    def set_scaling(self, factor: float) -> None:
        """Draw everything so large, 1.0 for 100 %; 0 for what the system says."""
        self.remembered.scaling = factor
        self._scale()
        self.menu.build()

    def _scale(self) -> None:
        factor = self.remembered.scaling or scaling_of_system()
        ctk.set_widget_scaling(factor)
        ctk.set_window_scaling(factor)

    def _place(self) -> None:
        self.geometry("1000x640")
        self.minsize(640, 400)
        width, height, left, top = _numbers(self.remembered.geometry)
        is_seen = left < self.winfo_screenwidth() - 80 and top < self.winfo_screenheight() - 80
        if width >= 640 and height >= 400 and is_seen:
            self.geometry(self.remembered.geometry)

    # -- the rest
    def show_help(self) -> None:
        """Tell how it works."""
        Message(self, "How it works", HELP, title="Help", size=(680, 560))

    def show_about(self) -> None:
        """Tell which version it is."""
        Message(self, "bakeio", about(self.bakeio), title="About")

    def work(
        self,
        phase: str,
        work: Callable[[Job[Any]], Any],
        done: Callable[[Any], object],
        trouble: str,
    ) -> None:
        """Do work with a window that shows how far it is, and stops it."""

        def failed(error: Exception) -> None:
            if self.session is None:
                self._show_database()
            if not isinstance(error, Cancelled):
                tell_error(self, trouble, error)

        self.busy.do(phase, work, done, failed)

    def leave(self) -> None:
        """Close the window; what is being written is asked about, and taken back."""
        dialog = self.dialog
        if dialog is not None and dialog.winfo_exists() and dialog.progress is not None:
            dialog.leave()  # it asks; who then still wants to closes this window once more
            return
        if not self.busy.ask_to_stop(self._stop):
            self._stop()

    def _stop(self) -> None:
        self.remembered.geometry = self.geometry()
        self.remembered.write()
        self.worker.stop()
        self.worker.wait(10)
        self.destroy()

    def report_callback_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Tell of a fault of the window itself, which goes on."""
        if isinstance(error, Exception):
            tell_error(self, "That did not work", error)


def _lies(path: str) -> str:
    """Return where a file lies, beginning with ~ where that is below a person's own folder."""
    whole = Path(path).absolute()
    if whole.is_relative_to(Path.home()):
        return str(Path("~") / whole.relative_to(Path.home()))
    return str(whole)


def scaling_of_system() -> float:
    """Return what the screen says, where the toolkit does not see to it itself."""
    if not sys.platform.startswith("linux"):
        return 1.0
    # asked of a window of its own: one that is there already would not grow all at once
    asked = tkinter.Tk()
    asked.withdraw()
    told = float(asked.winfo_fpixels("1i")) / 96
    asked.destroy()
    return max(1.0, min(3.0, round(told * 4) / 4))


def _numbers(geometry: str) -> tuple[int, int, int, int]:
    """Return width, height, left and top of a geometry; nothing makes sense as 0."""
    try:
        size, left, top = geometry.split("+")
        width, height = size.split("x")
        return int(width), int(height), int(left), int(top)
    except ValueError:
        return 0, 0, 0, 0
