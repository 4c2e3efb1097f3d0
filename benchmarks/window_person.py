"""A person at the window, for `window.py person`: what they do, and how fast, with a keyboard."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any


class Person:
    """Press keys in a window, in a thread of its own, and wait for what they come to.

    Args:
        window: The window; its event loop runs in the thread that makes this.
    """

    READS, KEY = 3.0, 120
    """Seconds to read what is new on the screen; milliseconds for a key."""

    def __init__(self, window: Any) -> None:
        self.window = window
        self._sees: tuple[Callable[[], Any], threading.Event] | None = None
        self._is_done = False
        self.trouble: BaseException | None = None
        self._look()

    def _look(self) -> None:
        if self._sees is not None and self._sees[0]():
            seen, self._sees = self._sees[1], None
            seen.set()
        if self._is_done:
            self.window.quit()
        else:
            self.window.after(5, self._look)

    def sees(self, is_so: Callable[[], Any], what: str) -> float:
        """Wait until something is so, and return how many milliseconds that took."""
        began, seen = time.perf_counter(), threading.Event()
        self._sees = is_so, seen
        if not seen.wait(120):
            raise SystemExit(f"nobody sees {what}")
        return 1000 * (time.perf_counter() - began)

    def reads(self) -> None:
        """Read what is on the screen."""
        time.sleep(self.READS)

    def presses(self, *keys: str) -> None:
        """Press keys one after another."""
        for key in keys:
            subprocess.run(["xdotool", "key", key], check=True)
            time.sleep(self.KEY / 1000)

    def types(self, text: str) -> None:
        """Type a text."""
        subprocess.run(["xdotool", "type", "--delay", str(self.KEY), text], check=True)

    def goes_to(self, widget: Any) -> None:
        """Press Tab until a widget has the keyboard."""
        for _ in range(40):
            if self.window.focus_get() is widget:
                return
            self.presses("Tab")
        raise SystemExit(f"no Tab leads to {widget}")

    def does(self, story: Callable[[], None]) -> None:
        """Carry out a story while the window's event loop runs here."""

        def go() -> None:
            try:
                story()
            except BaseException as error:
                self.trouble = error
            self._is_done = True

        threading.Thread(target=go, daemon=True).start()
        self.window.mainloop()
        if self.trouble is not None:
            raise self.trouble


class Day:
    """What a person does with a bakery of many products.

    Args:
        folder: Where the database is, and the files go.
    """

    def __init__(self, folder: Path) -> None:
        from bakeio_desktop.window.main import MainWindow
        from bakeio_desktop.window.remembered import Remembered

        from bakeio_core import Bakeio, Session

        session = Session(str(folder / "bakery.db"), quiet=True, bakeio=Bakeio.discover())
        self.folder, self.found = folder, dict[str, float]()
        self.window = MainWindow(session, Remembered(geometry="1100x760+20+20"))
        self.person = Person(self.window)

    def lives(self) -> dict[str, float]:
        """Do all of it; return what was measured."""
        began = time.perf_counter()
        self.person.does(self.story)
        self.found["seconds for all of it"] = time.perf_counter() - began
        self.window.leave()
        return self.found

    def story(self) -> None:
        """Export, get it back, import, answer; then a receipt."""
        person, window, view = self.person, self.window, self.folder / "view_products.json"
        person.sees(lambda: window.entities.rows, "the database")
        person.reads()
        self.is_in_front(window)
        # what a person does in the menu, whose keys the screen without a window manager eats
        window.after(1, lambda: window.export_view("products"))
        time.sleep(1)
        person.presses("ctrl+slash")  # all of the name that is offered
        person.types(str(view))
        person.presses("Return")
        person.sees(lambda: self.above("Message"), "that it is exported")
        person.reads()
        person.presses("Return")
        given_back(view)
        self.imports(view)
        self.imports(receipt(self.folder, view), "supplier", "product")

    def is_in_front(self, window: Any) -> None:
        """Give a window the keyboard, as a window manager does when the one above it closes."""
        window.after(1, window.focus_force)
        time.sleep(0.2)

    def above(self, kind: str) -> Any:
        """Return the latest window of a kind above the main one."""
        found = [one for one in self.window.winfo_children() if type(one).__name__ == kind]
        return found[-1] if found else None

    def imports(self, file: Path, *asked: str) -> None:
        """Import a file, and answer its questions."""
        person, window, before = self.person, self.window, self.window.dialog
        self.is_in_front(window)
        person.presses("ctrl+i")
        person.sees(lambda: window.dialog is not before and window.dialog.winfo_viewable(), "it")
        dialog = window.dialog
        person.sees(lambda: dialog.focus_get() is dialog.chooser.path._entry, "the field")
        person.types(str(file))
        person.presses("Return")
        idle = lambda: dialog.plan is not None and dialog.progress is None  # noqa: E731
        self.found[f"{file.name}: ms to look"] = person.sees(idle, "what would change")
        person.reads()
        self.is_in_front(dialog)
        person.goes_to(dialog.go)
        person.presses("space")
        for what in asked:
            shown = partial(self.has_candidates, dialog)
            self.found[f"{what}: question ms"] = person.sees(shown, f"the question about {what}")
            person.reads()
            self.answers(dialog.wizard.page, what)
            person.reads()
            person.presses("alt+Right")
        if asked:
            person.sees(lambda: dialog.wizard is None and idle(), "that nothing is asked")
            person.reads()
            self.is_in_front(dialog)
            person.goes_to(dialog.go)
            person.presses("space")
        self.found[f"{file.name}: ms to import"] = person.sees(lambda: dialog.summary, "it done")
        person.reads()
        person.presses("Return")
        person.sees(lambda: not dialog.winfo_exists(), "that it is closed")

    @staticmethod
    def has_candidates(dialog: Any) -> bool:
        """Tell whether a question that is not answered yet stands there with its candidates."""
        page = dialog.wizard and dialog.wizard.page
        return bool(page and not page.action.get() and page.candidates.rows)

    def answers(self, page: Any, what: str) -> None:
        """Make a new shop of the one nobody knows; of products take the likeliest."""
        person = self.person
        if what == "product":
            person.goes_to(page.candidates.tree)
        else:
            person.goes_to(page.way_create)
            person.presses("space")


def given_back(view: Path) -> None:
    """Do what an assistant does: fill in what is asked for."""
    document = json.loads(view.read_text("utf-8"))
    for number, record in enumerate(document["records"][:200]):
        record["notes"] = f"checked {number}"
    view.write_text(json.dumps(document, ensure_ascii=False), "utf-8")


def receipt(folder: Path, view: Path) -> Path:
    """Write a list of purchases of a new shop, one of a product whose name is misspelt."""
    slug = json.loads(view.read_text("utf-8"))["records"][70]["product_slug"]
    line = {"supplier_name": "Wilson's Farm", "unit_price": 5.5, "quantity_purchased": 2}
    lines = [
        {**line, "product_slug": slug, "purchase_date": "2026-03-01"},
        {**line, "product_slug": f"{slug[:4]}{slug[5:]}", "purchase_date": "2026-03-02"},
    ]
    path = folder / "receipt.json"
    path.write_text(json.dumps({"view_name": "purchases_complete", "records": lines}), "utf-8")
    return path


def fill(count: int, folder: Path) -> None:
    """Make a bakery of many products and few suppliers."""
    import suggest
    from sqlalchemy import insert

    from bakeio_core import Bakeio, connect

    suggest.fill(folder / "bakery.db", count)
    engine = connect(str(folder / "bakery.db"))
    names = ("Costco", "Wegmans", "Wilson Farms", "Market Basket", "Penzeys Spices")
    rows = [{"slug": name.lower().replace(" ", "_"), "name": name} for name in names]
    with engine.begin() as db:
        db.execute(insert(Bakeio.discover().catalog.entities["suppliers"].table), rows)
    engine.dispose()
