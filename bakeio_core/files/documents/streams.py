"""Paths at which no file is stored: pipes, which can be read once, and devices."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

from bakeio_core.errors import DocumentError


def is_stream(path: Path) -> bool:
    """Tell whether a path leads to a pipe, a socket or a device."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def refuse_device(stream: IO[bytes], name: str) -> None:
    """Raise where what is read may never end; a terminal does.

    Raises:
        DocumentError: It is a device.
    """
    try:
        number = stream.fileno()
    except (OSError, AttributeError):
        return  # one of a program
    mode = os.fstat(number).st_mode
    if os.path.samestat(os.fstat(number), Path(os.devnull).stat()):
        return  # which is empty
    if (stat.S_ISCHR(mode) and not os.isatty(number)) or stat.S_ISBLK(mode):
        raise DocumentError(f"{name}: is a device: give a file, a folder or a pipe")


def read_whole(path: Path, most: int) -> bytes:
    """Return all bytes of a file or a pipe that is small, as files that people write are.

    Args:
        path: Where it is.
        most: How many bytes it may have.

    Raises:
        DocumentError: It is a device, or has more (`too-large`).
    """
    with open(path, "rb") as stream:
        refuse_device(stream, str(path))
        data = stream.read(most + 1)
    if len(data) > most:
        raise DocumentError(f"{path}: has more than {most:,} bytes", code="too-large")
    return data
