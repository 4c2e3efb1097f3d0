"""What the library tells its log, said on the terminal."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bakeio_core.cli.process.streams import talk


class _Talk(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage())


@contextmanager
def hearing(say: Callable[[str], None]) -> Iterator[None]:
    """Print what the library writes to its log, such as what it waits for."""
    log, talk = logging.getLogger("bakeio"), _Talk(say)
    log.setLevel(logging.INFO)
    log.addHandler(talk)
    try:
        yield
    finally:
        log.removeHandler(talk)


@contextmanager
def tracing() -> Iterator[None]:
    """Print each call of a plugin with its time; they were asked for, so `--quiet` hides none."""
    from bakeio_core.values.wording import printable

    log = logging.getLogger("bakeio.plugins")
    trace = _Talk(lambda text: talk(f"trace: {printable(text)}"))
    log.setLevel(logging.DEBUG)
    log.addHandler(trace)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(trace)
        log.setLevel(logging.NOTSET)
        log.propagate = True
