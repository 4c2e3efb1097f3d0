"""The command `bakeio desktop`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click

from bakeio_core import BakeioError, Session

NO_TK = (
    "this Python has no Tk, which draws the window. Install it: apt install python3-tk, "
    "dnf install python3-tkinter or brew install python-tk"
)


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def desktop(session: Session, file: Path | None) -> None:
    """Open the window: look at FILE, answer what is unclear, import it, undo it."""
    if importlib.util.find_spec("_tkinter") is None:
        raise BakeioError(NO_TK, code="io-error")
    import tkinter

    from bakeio_desktop.window.main import MainWindow

    try:
        window = MainWindow(session)
    except tkinter.TclError as error:
        raise BakeioError(
            f"the window cannot be opened: {error}. It needs a screen: on a server use the other "
            "commands, see bakeio --help",
            code="io-error",
        ) from None
    if file is not None:
        window.import_file(file)
    window.mainloop()
