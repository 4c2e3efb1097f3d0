"""Ctrl-C: it ends a command up to the point of no return, and comes too late from there on."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType

CLEANING_UP = 3.0
"""How many seconds a command that was interrupted takes at most before it is interrupted again."""


class Interrupts:
    """Keep what is said of an interrupted command true.

    Up to the commit, or to the rename that puts a file in its place, SIGINT ends the command, and
    nothing was written. From there on what was done is told to the end. Whoever is impatient and
    presses twice does not break off the cleaning up.

    Attributes:
        said: What an interrupted command says.
        is_late: Whether the point of no return is passed.
    """

    def __init__(self) -> None:
        self.said = "Interrupted: nothing was written."
        self.is_late = False
        self._before: object = None
        self._ending_since: float | None = None

    def __enter__(self) -> Interrupts:
        """Begin to listen, where this is what would be told of an interrupt anyway."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @property
    def is_ending(self) -> bool:
        """Whether the command was interrupted: what fails from then on is of no interest."""
        return self._ending_since is not None

    def point_of_no_return(self) -> None:
        """Let no interrupt come between from now on."""
        self.is_late = True

    def begin_anew(self) -> None:
        """Let interrupts end the command again: what was about to be done was not."""
        self.is_late = False

    def ignore(self) -> None:
        """Let no interrupt spoil the end of a program that has nothing left to do."""
        if self._before is not None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            self._before = None

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        is_clean = self._ending_since is None or now > self._ending_since + CLEANING_UP
        if is_clean and not self.is_late:
            self._ending_since = now
            raise KeyboardInterrupt
