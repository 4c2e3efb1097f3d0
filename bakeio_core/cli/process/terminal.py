"""The terminal itself: what a person types there comes through no pipe."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from typing import IO


@contextlib.contextmanager
def terminal_device() -> Iterator[tuple[IO[str], IO[str]]]:
    """Open the terminal this program was started on, for (reading, writing).

    Raises:
        OSError: It was started on none.
    """
    with open("CON" if os.name == "nt" else "/dev/tty", "r+b", buffering=0) as device:
        yield (
            io.TextIOWrapper(device, "utf-8", "replace", write_through=True),
            io.TextIOWrapper(device, "utf-8", write_through=True),
        )


def ask_on_terminal(text: str, question: str) -> str:
    """Ask a person something that no program may answer for them.

    What stdin holds is not looked at: the answer is read from the terminal device alone.

    Args:
        text: What they need to know; control characters in it are shown as escapes.
        question: What is asked, as it stands before the answer.

    Returns:
        The line they typed, without the spaces around it; empty where they closed the terminal.

    Raises:
        UsageError: There is no terminal.
    """
    from bakeio_core.errors import UsageError
    from bakeio_core.values.wording import printable

    try:
        with terminal_device() as (typed, shown):
            shown.write("\n".join(map(printable, text.split("\n"))) + "\n" + question)
            return typed.readline().strip()
    except OSError:
        raise UsageError(
            "a person has to answer this on a terminal, and there is none: type the command in one"
        ) from None
