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
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "docs"))

from window_person import Day, fill  # noqa: E402  (beside this file)

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
def a_day(count: int) -> bool:
    """Measure `person` in a process of its own, print it; tell whether all goals are met."""
    with tempfile.TemporaryDirectory() as folder:
        child(["--fill", str(count), folder])
        found = json.loads(child(["--day", folder]))
    print(f"a person, {count:,} products")
    missed = [name for name, value in found.items() if not told(name, value)]
    return not missed


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
