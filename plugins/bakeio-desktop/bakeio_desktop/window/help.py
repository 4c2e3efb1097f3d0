"""The texts of the help menu."""

from __future__ import annotations

from importlib.metadata import version

from bakeio_core import VERSION, Bakeio

_WRITTEN = """\
Out: File > Export > View writes a file that people and assistants fill in. Give it away.

In: File > Import > Import View opens the file that came back. You see every line that would
change, old and new, before anything is written. Sort by a click on a heading; type into the
filter to see fewer lines.

What is unclear is asked, one question a page: a name that is in no table, a field that was
changed here as well, a value that cannot be read. Choose a row that is there, make a new one, or
leave the records out. What you have answered is kept beside the file when you close the window.

An import is written whole or not at all. What cannot be imported can be left out: it goes into a
file of its own beside yours, to correct there and import again.

Back: Edit > Undo Import undoes an import. What was changed since then is kept, and named.

Everything else: File > Export > Complete Set writes all of the database; File > Import >
Import Set brings it back.

Keys: Tab and Shift+Tab go from one thing to the next, Return and the space bar press a button,
the arrows choose. Alt+Right and Alt+Left are Next and Back in questions, Escape closes a window,
F10 or Alt with the underlined letter opens the menu.

More is in the documentation: docs/guides/desktop.md of bakeio, and bakeio --help.
"""
_PARAGRAPHS = _WRITTEN.split("\n\n")
HELP = "\n\n".join(" ".join(paragraph.split()) for paragraph in _PARAGRAPHS)
"""Its lines are as long as the window is wide."""


def about(bakeio: Bakeio) -> str:
    """Return which versions these are, and what is installed."""
    catalog = bakeio.catalog
    return (
        f"bakeio {VERSION}, bakeio-desktop {version('bakeio-desktop')}\n\n"
        f"Entities: {', '.join(catalog.entities)}\n"
        f"Views: {', '.join(catalog.views)}\n"
        f"Files: {', '.join(['json', *bakeio.formats])}"
    )
