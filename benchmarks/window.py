"""How a window stays at hand while it works, and how long its person takes.

    python benchmarks/window.py [gap] [person] [--n 100000] [--reps 3]

`gap`: while files of `--n` purchases, all of them changed or all of them new, are looked at and
imported, a timer of 10 ms asks to be called. Printed is by how much it came too late at most, in
the best of some runs, with the processor time the program itself took in between, and beside a
program that only sleeps 10 ms at a time; the peak of memory; and how long the table of changes
takes from the plan to the screen, to filter and to sort.

`person`: with `--n` products a person exports a view, gets it back from an assistant and imports
it, then a receipt of a supplier and a product that nobody knows, all with a keyboard, at the pace
of one who reads and types. Printed is how long all of it took, and how long each question took to
be on the screen with its candidates.

It needs Xvfb and xdotool. Exit status 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "docs"))

GOALS = {"gap ms": 100, "MiB": 400, "first screen ms": 1000, "question ms": 2000, "seconds": 300}
TIMER = 10
"""Milliseconds."""


# -- what is imported
def purchases(folder: Path, what: str) -> Path:
    """Export the purchases of a bakery, and hand them back changed, or as new ones."""
    view = folder / "view_purchases.json"
    database = str(folder / "full.db")
    command = [sys.executable, "-m", "bakeio_core", "-d", database, "export-view", "purchases"]
    subprocess.run([*command, "-o", str(view)], check=True, stdout=subprocess.DEVNULL)
    document = json.loads(view.read_text("utf-8"))
    for number, record in enumerate(document["records"]):
        record["notes"] = f"seen {number}"
        if what == "new":
            for name in ("_rev", "purchase_id", "product_id", "uuid"):
                record.pop(name, None)
            record["purchase_date"] = f"2024-{number % 11 + 1:02}-{number % 28 + 1:02}"
    view.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    return view


# -- the gap
class Timer:
    """Ask the event loop of a window to be called every 10 ms, and keep by how much it is late."""

    def __init__(self, window: Any) -> None:
        self.window, self.late, self.spent = window, 0.0, 0.0
        self._last = time.perf_counter(), time.process_time()
        self._tick()

    def _tick(self) -> None:
        now = time.perf_counter(), time.process_time()
        self.late = max(self.late, now[0] - self._last[0] - TIMER / 1000)
        self.spent = max(self.spent, now[1] - self._last[1])
        self._last = now
        self.window.after(TIMER, self._tick)

    def lap(self, name: str) -> dict[str, float]:
        """Return the largest delay since the last lap, and the most work between two calls, in ms.

        The work is the processor time of the whole program: what the delay would be where nothing
        else runs on the machine.
        """
        found = {f"{name} gap ms": 1000 * self.late, f"{name} gap, work ms": 1000 * self.spent}
        self.late = self.spent = 0.0
        return found


def run_until(window: Any, is_so: Callable[[], Any]) -> None:
    """Run the window's own event loop until something is so."""

    def look() -> None:
        if is_so():
            window.quit()
        else:
            window.after(15, look)

    window.after(1, look)
    window.mainloop()


def timed(window: Any, name: str, do: Callable[[], object]) -> dict[str, float]:
    """Return the milliseconds until what was done is on the screen, and those of its work."""
    began = time.perf_counter(), time.process_time()
    do()
    window.update()
    ended = time.perf_counter(), time.process_time()
    took, spent = (1000 * (end - begin) for begin, end in zip(began, ended, strict=True))
    return {f"{name} ms": took, f"{name}, work ms": spent}


def gap(folder: Path) -> dict[str, float]:
    """Look at a file and import it, in this process; return what was measured."""
    from bakeio_desktop.importing.changes import lines_of
    from bakeio_desktop.importing.dialog import ImportViewDialog
    from customtkinter import CTk

    from bakeio_core import Bakeio

    root, core = CTk(), Bakeio.discover()
    root.geometry("600x400+0+0")
    dialog = ImportViewDialog(root, core, folder / "full.db")
    run_until(root, dialog.winfo_viewable)
    timer, found = Timer(root), dict[str, float]()
    dialog.open(folder / "view_purchases.json")
    run_until(root, lambda: dialog.plan is not None and not dialog.worker._is_working)
    found |= timer.lap("preview")
    plan, preview = dialog.plan, dialog.preview
    assert plan is not None
    found["lines"] = len(preview.table.rows)
    show = lambda: preview.show(lines_of(plan.report))  # noqa: E731
    found |= timed(root, "first screen", show)
    preview.text.insert(0, "seen 77")
    found |= timed(root, "filter", preview._narrow)
    preview.text.delete(0, "end")
    preview._narrow()
    found |= timed(root, "sort", lambda: preview.table.sort(3))
    run_until(root, lambda: True)
    timer.lap("")
    dialog.go.invoke()
    run_until(root, lambda: dialog.summary is not None and not dialog.worker._is_working)
    found |= timer.lap("import")
    assert dialog.summary is not None
    found["records"] = dialog.summary.report.summary["processed"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found["MiB"] = peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
    dialog.leave()
    return found


def nothing() -> None:
    """Sleep 10 ms at a time until standard input ends; print the largest delay in milliseconds."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    late, last = 0.0, time.perf_counter()
    while not ended.is_set():
        time.sleep(TIMER / 1000)
        now = time.perf_counter()
        late, last = max(late, now - last - TIMER / 1000), now
    print(1000 * late)


def gaps(data: Path, reps: int) -> bool:
    """Measure `gap` in processes of their own, print the best; tell whether all goals are met."""
    is_well = True
    for what in ("edited", "new"):
        runs = []
        for _ in range(reps):
            with tempfile.TemporaryDirectory() as folder:
                shutil.copyfile(data / "full.db", Path(folder) / "full.db")
                child(["--prepare", what, folder])
                beside = subprocess.Popen(
                    [sys.executable, __file__, "--nothing"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
                runs.append(json.loads(child(["--gap", folder])))
                runs[-1]["sleeping ms"] = float(beside.communicate()[0])
        best = {name: min(run[name] for run in runs) for name in runs[0]}
        print(f"{what}: {best['records']:,} records, {best['lines']:,} lines in the table")
        for name, value in best.items():
            if name not in ("records", "lines"):
                is_well &= told(name, value)
    return is_well


def told(name: str, value: float) -> bool:
    """Print a figure with its goal, and tell whether that is met."""
    goal = next((most for what, most in GOALS.items() if name.endswith(what)), None)
    missed = goal is not None and value >= goal
    aim = "" if goal is None else f"   below {goal}"
    print(f"  {name:<26} {value:8.0f}{aim}{'   (too much)' if missed else ''}", flush=True)
    return not missed


def child(words: list[str]) -> str:
    """Run this program for a part of the work; return what it printed."""
    done = subprocess.run([sys.executable, __file__, *words], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().strip().split("\n")[-1]


# -- the person
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


def a_day(count: int) -> bool:
    """Measure `person` in a process of its own, print it; tell whether all goals are met."""
    with tempfile.TemporaryDirectory() as folder:
        child(["--fill", str(count), folder])
        found = json.loads(child(["--day", folder]))
    print(f"a person, {count:,} products")
    missed = [name for name, value in found.items() if not told(name, value)]
    return not missed


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


def main() -> None:
    parser = argparse.ArgumentParser(description="How a window stays at hand while it works.")
    parser.add_argument("jobs", nargs="*", metavar="gap|person")
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--nothing", action="store_true", help=argparse.SUPPRESS)
    for inner, words in (("--prepare", 2), ("--gap", 1), ("--fill", 2), ("--day", 1)):
        parser.add_argument(inner, nargs=words, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.nothing:
        nothing()
    elif given.prepare:
        purchases(Path(given.prepare[1]), given.prepare[0])
    elif given.fill:
        fill(int(given.fill[0]), Path(given.fill[1]))
    elif given.gap or given.day:
        from screenshots import screen

        with screen((1280, 1000)):
            print(json.dumps(gap(Path(*given.gap)) if given.gap else Day(Path(*given.day)).lives()))
    else:
        os.environ["HOME"] = tempfile.mkdtemp()
        jobs = given.jobs or ["gap", "person"]
        is_well = True
        if "gap" in jobs:
            with tempfile.TemporaryDirectory() as data:
                command = [sys.executable, str(HERE / "generate.py"), "make", str(given.n), data]
                subprocess.run(command, check=True)
                is_well &= gaps(Path(data), given.reps)
        if "person" in jobs:
            is_well &= a_day(given.n)
        raise SystemExit(0 if is_well else 1)


if __name__ == "__main__":
    main()
