"""Make the pictures of the guide to the window, on a virtual screen: `make screenshots`.

    python docs/screenshots.py [--all FOLDER]

Without arguments it writes those of the guide. With `--all` it writes every window into a folder,
light and dark, at 100 and 150 %, to look whether anything is cut off.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
GUIDE = HERE / "guides" / "images"
SIZE = {1.0: (1100, 800), 1.5: (1640, 1140)}
LINE = {
    "product_slug": "king_arthur_unbleached_all_purpose_flour_5lb",
    "supplier_name": "Wilson's Farm",
    "purchase_date": "2026-03-01",
    "unit_price": 5.5,
    "quantity_purchased": 2,
}
CHANGED = "UPDATE products SET notes = 'On offer this week' WHERE id = 1"


@contextmanager
def screen(size: tuple[int, int]) -> Iterator[None]:
    """Draw on a virtual screen of this size."""
    program = shutil.which("Xvfb")
    if program is None:
        raise SystemExit("there is no virtual screen here: apt install xvfb imagemagick")
    reading, writing = os.pipe()
    command = [program, "-displayfd", str(writing), "-screen", "0", f"{size[0]}x{size[1]}x24"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as told:
        os.environ["DISPLAY"] = f":{told.readline().strip()}"
    try:
        yield
    finally:
        server.terminate()
        server.wait()


class Tour:
    """Go through the windows, and take a picture of each.

    Args:
        folder: Where the pictures go.
        appearance: Light or Dark.
        scaling: 1.0 for 100 %.
        suffix: What the names of the pictures end with.
    """

    def __init__(self, folder: Path, appearance: str, scaling: float, suffix: str = "") -> None:
        self.folder, self.suffix = folder, suffix
        self.home = Path(tempfile.mkdtemp())
        # before the toolkit is loaded, which puts its fonts there
        os.environ["HOME"] = str(self.home)
        os.chdir(self.home)
        from bakeio_desktop.window.main import MainWindow
        from bakeio_desktop.window.remembered import Remembered

        from bakeio_core import Bakeio, Session

        self.bakeio = Bakeio.discover()
        session = Session("bakery.db", quiet=True, bakeio=self.bakeio)
        session.write(self._filled, create=True)
        self.session = session
        self.window = MainWindow(session, Remembered(appearance=appearance, scaling=scaling))
        self.until(lambda: self.window.entities.rows)

    def _filled(self, db: Any) -> None:
        self.bakeio.create_tables(db)
        self.bakeio.load_sample(db)

    def until(self, is_so: Callable[[], Any]) -> Any:
        """Let the window go on until something is so."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            self.window.update()
            found = is_so()
            if found:
                return found
            time.sleep(0.01)
        raise SystemExit("the window hangs")

    def take(self, name: str, of: Any = None) -> None:
        """Take a picture of a window, else of the main one."""
        shown, until = of or self.window, time.monotonic() + 0.5
        while time.monotonic() < until:
            self.window.update()
            time.sleep(0.01)
        place = (
            shown.winfo_width(),
            shown.winfo_height(),
            shown.winfo_rootx(),
            shown.winfo_rooty(),
        )
        path = self.folder / f"{name}{self.suffix}.png"
        cut = "{}x{}+{}+{}".format(*place)
        command = ["import", "-window", "root", "-crop", cut, "+repage", "-strip", str(path)]
        subprocess.run(command, check=True)

    def handed_back(self, *records: Any) -> Path:
        """Write a file that somebody gives back."""
        path = Path("receipt.json")
        document = {"view_name": "purchases_complete", "records": records}
        path.write_text(json.dumps(document), "utf-8")
        return path

    def looked_at(self, dialog: Any) -> Any:
        """Wait until a dialog has looked at its file."""
        self.until(lambda: dialog.plan is not None and dialog.progress is None)
        return dialog

    def run(self) -> None:
        """Take every picture."""
        self.take("main")
        self._receipt()
        self._conflict()
        self._others()
        self.window.leave()
        shutil.rmtree(self.home)

    def _receipt(self) -> None:
        known = {**LINE, "supplier_name": "Wegmans"}
        bad = {**known, "unit_price": "about 5", "purchase_date": "2026-03-02"}
        self.window.import_file(self.handed_back(LINE, {**LINE, "unit_price": 6.5}, known, bad))
        dialog = self.looked_at(self.window.dialog)
        dialog.preview.table.select(1)
        self.take("preview", dialog)
        dialog.go.invoke()
        page = dialog.wizard.page
        self.until(lambda: page.candidates.rows)
        page.candidates.select(0)
        self.take("question-existing", dialog)
        page.way_create.invoke()
        self.take("question", dialog)
        dialog.wizard.next.invoke()
        dialog.wizard.page.ways["value"].invoke()
        dialog.wizard.page.text.insert(0, "a few")
        dialog.wizard.next.invoke()
        self.take("question-value", dialog)
        dialog.wizard.page.ways["leave-record"].invoke()
        dialog.wizard.next.invoke()
        self.looked_at(dialog)
        self.take("answered", dialog)
        dialog.go.invoke()
        summary = self.until(lambda: dialog.summary)
        self.take("summary", dialog)
        summary.undo.invoke()
        undo = dialog.winfo_children()[-1]
        self.until(lambda: undo.undo.cget("state") == "normal")
        self.take("undo", undo)
        undo.cancel.invoke()
        dialog.leave()

    def _conflict(self) -> None:
        view = Path("view_products.json")
        with self.session.reading() as db:
            self.bakeio.export_view(db, "products", view)
        document = json.loads(view.read_text("utf-8"))
        for number, record in enumerate(document["records"][:12]):
            record["notes"] = f"Shelf {number + 1}"
        view.write_text(json.dumps(document), "utf-8")
        first = document["records"][0]["product_id"]
        self.session.write(lambda db: db.exec_driver_sql(CHANGED.replace("= 1", f"= {first}")))
        self.window.import_file(view)
        dialog = self.looked_at(self.window.dialog)
        self.take("changes", dialog)
        dialog.go.invoke()
        self.take("conflict", dialog)
        dialog.leave()

    def _others(self) -> None:
        from bakeio_desktop.parts.messages import Ask
        from bakeio_desktop.parts.progress import ProgressWindow
        from bakeio_desktop.work.worker import Job

        self.window.show_help()
        help = self.window.winfo_children()[-1]
        self.take("help", help)
        help.leave()
        job: Job[None] = Job(lambda job: None, lambda result: None, lambda error: None)
        job.begin_phase()
        job.began -= 8
        job.progress("purchases", 41_250)
        progress = ProgressWindow(self.window, job, "Importing", 100_000)
        self.take("progress", progress)
        progress.done()
        text = "It is not done yet. If you stop it, nothing is written."
        ask = Ask(self.window, "Stop and close?", text, "Stop and close", lambda: None, no="Go on")
        self.take("ask", ask)
        ask.leave()


OF_THE_GUIDE = ("main", "preview", "question", "conflict", "summary")


def main() -> None:
    """Take the pictures that were asked for."""
    parser = argparse.ArgumentParser(description="Make the pictures of the window.")
    parser.add_argument("--all", type=Path, metavar="FOLDER")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        folder, appearance, scaling = given.one
        suffix = f"-{appearance.lower()}-{int(float(scaling) * 100)}"
        with screen(SIZE[float(scaling)]):
            Tour(Path(folder), appearance, float(scaling), suffix).run()
        return
    target = given.all.resolve() if given.all else Path(tempfile.mkdtemp())
    target.mkdir(parents=True, exist_ok=True)
    ways = [(look, factor) for look in ("Light", "Dark") for factor in ("1.0", "1.5")]
    for appearance, scaling in ways if given.all else ways[:1]:
        # a process each: appearance and scaling are those of a process
        words = [sys.executable, __file__, "--one", str(target), appearance, scaling]
        subprocess.run(words, check=True)
    if not given.all:
        GUIDE.mkdir(exist_ok=True)
        for name in OF_THE_GUIDE:
            shutil.copy(target / f"{name}-light-100.png", GUIDE / f"desktop-{name}.png")
        shutil.rmtree(target)


if __name__ == "__main__":
    main()
