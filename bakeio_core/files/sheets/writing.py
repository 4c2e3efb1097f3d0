"""Write sheets by the format of a plugin."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence

from bakeio_core.catalog.plugins.formats import Format, Sheet, blamed
from bakeio_core.files.output import Sink


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
    with tempfile.TemporaryFile() as scratch:
        try:
            known.write(scratch, sheets)
        except Exception as error:
            raise blamed(known, f"write {what}", error) from error
        scratch.seek(0)
        shutil.copyfileobj(scratch, file, 1 << 20)
