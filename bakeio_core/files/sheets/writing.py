"""Write sheets by the format of a plugin."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from bakeio_core.catalog.plugins.formats import Format, Sheet, blamed
from bakeio_core.files.output import Sink


@contextmanager
def scratch_file() -> Iterator[IO[bytes]]:
    """Open a temporary file; closing it raises nothing, also where the disk is full."""
    file = tempfile.TemporaryFile()
    try:
        yield file
    finally:
        with suppress(OSError):  # what is left in the buffer is wanted no more
            file.close()


def write_sheets(known: Format, file: Sink, sheets: Sequence[Sheet], what: str) -> None:
    """Write sheets where bytes go; a format that fails has written nothing there.

    Args:
        known: The format; it is given a real file, in which it may seek.
        file: Where to.
        sheets: The sheets.
        what: What is written, for messages, such as `the decisions`.

    Raises:
        PluginError: The format's plugin failed.
    """
    with scratch_file() as scratch:
        try:
            known.write(scratch, sheets)
            scratch.seek(0)  # writes what is still in a buffer
        except Exception as error:
            raise blamed(known, f"write {what}", error) from error
        shutil.copyfileobj(scratch, file, 1 << 20)
