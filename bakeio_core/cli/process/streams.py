"""The standard streams: a reader may go away, a disk may be full, and the command goes on."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import IO, Any

import click

LEAST_WIDTH = 40
"""Columns; on a narrower terminal, words alone would be longer than its lines."""


class ReaderGone(Exception):
    """Stop writing: nobody reads stdout any more."""


class StandardOutput:
    """Write results to stdout.

    Where that fails, the command is not broken off: what it did is done. Nobody is told of a reader
    who has read enough.

    Attributes:
        failed: Whether something could not be written that somebody waits for.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin with a stream that works."""
        self.failed = self._is_closed = False

    def text(self, text: str) -> None:
        """Write a text and the end of its line."""
        if not self._is_closed:
            try:
                click.echo(text)
            except OSError as error:
                self._give_up(error)

    def line(self, data: bytes) -> None:
        """Write a line of bytes, whatever the encoding of the terminal."""
        with contextlib.suppress(ReaderGone):
            sys.stdout.flush()
            self.write(data)
            self.flush()

    def write(self, data: bytes, /) -> Any:
        """Write a part of something long.

        Raises:
            ReaderGone: Nobody reads it, or it cannot be written, which was told.
        """
        try:
            if not self._is_closed:
                return sys.stdout.buffer.write(data)
        except OSError as error:
            self._give_up(error)
        raise ReaderGone

    def flush(self) -> None:
        """Bring what was written to whoever reads it."""
        try:
            if not self._is_closed:
                sys.stdout.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._is_closed = True
        if not isinstance(error, BrokenPipeError):
            self.failed = True
            reason = (error.strerror or str(error)).lower()
            talk(f"Error: cannot write the output: {reason}")

    def abandon(self) -> None:
        """Write nothing more: the reader has gone."""
        self._is_closed = True

    def close(self) -> None:
        """Point stdout nowhere where it failed, so that nothing complains when the program ends."""
        if self._is_closed:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


OUTPUT = StandardOutput()
"""The stdout of this process."""


def open_closed() -> None:
    """Put something in the place of standard streams that were closed when the program began.

    Else the next file that is opened would be taken for them. Nothing is there to be read, nobody
    is talked to, and results cannot be written, as with a full disk.
    """
    for number, name, flag, mode in (
        (0, "stdin", os.O_RDONLY, "r"),
        (1, "stdout", os.O_RDONLY, "w"),
        (2, "stderr", os.O_WRONLY, "w"),
    ):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, flag)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def talk(text: str, *, end: bool = True) -> None:
    """Write to stderr; where nobody reads that, there is nobody to be told."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True, nl=end)


def fitted(text: str, stream: IO[str]) -> str:
    """Break what is too long for a terminal between words; other streams get lines as they are.

    Args:
        text: Some lines; what is broken off stands further to the right than its beginning. They
            may hold escape sequences of colours, which take no room.
        stream: Where they go.
    """
    if not stream.isatty():
        return text
    width = max(LEAST_WIDTH, shutil.get_terminal_size().columns)
    return "\n".join(_broken(line, width) for line in text.split("\n"))


def _broken(line: str, width: int) -> str:
    """Break a line before words that do not fit; a word stays whole: a key is copied from there."""
    begins = len(line) - len(line.lstrip(" "))
    indent = " " * (begins + 4)
    first, *words = line[begins:].split(" ")
    parts = [line[:begins] + first]
    for word in words:
        longer = f"{parts[-1]} {word}"
        if len(click.unstyle(longer)) <= width:
            parts[-1] = longer
        else:
            parts.append(indent + word)
    return "\n".join(parts)
