"""Ctrl-C and its like: up to the point of no return they end a command, then come too late."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType

ENDING = {
    number: before
    for name, before in (
        ("SIGINT", signal.default_int_handler),
        ("SIGTERM", signal.SIG_DFL),
        ("SIGHUP", signal.SIG_DFL),
    )
    if (number := getattr(signal, name, None)) is not None  # Windows has no SIGHUP
}
"""The signals by which a person, a supervisor or a closed terminal ends a command, each with what
is done about it where nobody chose (`nohup` does)."""
CLEANING_UP = 3.0
"""How many seconds a command that was interrupted takes at most before it is interrupted again."""


class Interrupts:
    """Keep what is said of an interrupted command true.

    Up to the commit, or to the rename that puts a file in its place, such a signal ends the command
    as Ctrl-C does, and nothing was written. From there on what was done is told to the end. Whoever
    is impatient and presses twice does not break off the cleaning up.

    Attributes:
        said: What an interrupted command says.
        is_late: Whether the point of no return is passed.
    """

    def __init__(self) -> None:
        self.said = "Interrupted: nothing was written."
        self.is_late = False
        self._listening: list[int] = []
        self._ending_since: float | None = None

    def __enter__(self) -> Interrupts:
        """Begin to listen, where this is what would be told of an interrupt anyway."""
        is_main = threading.current_thread() is threading.main_thread()
        for number, before in ENDING.items():
            if is_main and signal.getsignal(number) == before:
                signal.signal(number, self._interrupt)
                self._listening.append(number)
        return self

    def __exit__(self, *raised: object) -> None:
        for number in self._listening:
            signal.signal(number, ENDING[number])

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
        for number in self._listening:
            signal.signal(number, signal.SIG_IGN)
        self._listening.clear()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        is_clean = self._ending_since is None or now > self._ending_since + CLEANING_UP
        if is_clean and not self.is_late:
            self._ending_since = now
            raise KeyboardInterrupt
