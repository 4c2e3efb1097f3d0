"""Export a complete set or a view from the main window."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tkinter import filedialog
from typing import TYPE_CHECKING, Any

from bakeio_core import BakeioError
from bakeio_desktop.parts.messages import Ask, Message, without_commands
from bakeio_desktop.work.worker import Job

if TYPE_CHECKING:
    from bakeio_desktop.window.main import MainWindow


class Exporting:
    """Ask where to, and write it.

    Args:
        window: The main window.
    """

    def __init__(self, window: MainWindow) -> None:
        self.window = window

    def export_set(self) -> None:
        """Write everything into a new folder, below one that a person chooses."""
        if self.window.session is None:
            return
        below = filedialog.askdirectory(
            parent=self.window, title="In which folder is the export to be made?"
        )
        if below:
            name = f"export_{datetime.now():%Y-%m-%d_%H%M%S}"
            self.write_set(Path(below) / name)

    def write_set(self, folder: Path) -> None:
        """Write everything into a new folder."""
        session, window = self.window.session, self.window
        if session is None:
            return

        def work(job: Job[Any]) -> Any:
            with session.reading() as db:
                return window.bakeio.export_complete(db, folder, progress=job.progress)

        def done(written: Any) -> None:
            counts = "\n".join(f"{name}: {count:,}" for name, count in written.counts.items())
            Message(window, "Everything is exported", f"{written.folder}\n\n{counts}")

        window.work("Exporting", work, done, "Nothing was exported")

    def export_view(self, name: str) -> None:
        """Write a view into a file that a person chooses."""
        if self.window.session is None:
            return
        formats = self.window.bakeio.formats.values()
        path = filedialog.asksaveasfilename(
            parent=self.window,
            title=f"Export the view {name}",
            initialfile=f"view_{name}.json",
            defaultextension=".json",
            filetypes=[("JSON", "*.json"), *((one.name, f"*{one.suffix}") for one in formats)],
            confirmoverwrite=False,
        )
        if path:
            self.write_view(name, Path(path))

    def write_view(self, name: str, path: Path, *, force: bool = False) -> None:
        """Write a view into a file; what is in it and not imported yet is asked about.

        Args:
            name: That of the view.
            path: The file; its ending says in which format.
            force: Overwrite edits that are not imported yet.
        """
        session, window = self.window.session, self.window
        if session is None:
            return
        formats = window.bakeio.formats.values()
        format = next((one.name for one in formats if path.suffix == one.suffix), None)

        def work(job: Job[Any]) -> int | BakeioError:
            try:
                with session.reading() as db:
                    return window.bakeio.export_view(
                        db, name, path, format=format, force=force, progress=job.progress
                    )
            except BakeioError as error:
                if error.code != "blocked":
                    raise
                return error

        def done(written: int | BakeioError) -> None:
            if isinstance(written, int):
                Message(window, f"{written:,} records are exported", str(path))
                return
            text = without_commands(str(written).replace(" with --force", ""))
            Ask(
                window,
                "Overwrite what was edited there?",
                text,
                "Overwrite",
                lambda: self.write_view(name, path, force=True),
            )

        window.work("Exporting", work, done, "Nothing was exported")
