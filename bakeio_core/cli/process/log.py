"""What the library tells its log, said on the terminal."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Talk(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage())


@contextmanager
def hearing(say: Callable[[str], None]) -> Iterator[None]:
    """Say what the library tells its log: what it waits for, what an earlier run left."""
    log, talk = logging.getLogger("bakeio"), _Talk(say)
    log.setLevel(logging.INFO)
    log.addHandler(talk)
    try:
        yield
    finally:
        log.removeHandler(talk)
