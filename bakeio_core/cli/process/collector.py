"""The collector of garbage rests while a command begins and while it ends."""

from __future__ import annotations

import gc

THRESHOLDS = 20_000, 20, 50
"""How many new objects make it look for garbage: records and rows are many, and form no cycles."""


class Collector:
    """Keep the collector from walking through what lives as long as the process.

    Loading modules makes hundreds of thousands of objects, none of which is garbage, and leaving
    them is left to the system: both are a tenth of the time of a short command. Only the process
    of a command does so; the collector of a host application is its own affair.
    """

    def __init__(self) -> None:
        self._is_resting = False

    def rest(self) -> None:
        """Stop looking for garbage until there is work to do."""
        self._is_resting = gc.isenabled()
        gc.disable()

    def work(self) -> None:
        """Look for garbage from now on, but not among what was loaded."""
        if self._is_resting:
            self._is_resting = False
            gc.freeze()
            gc.set_threshold(*THRESHOLDS)
            gc.enable()

    def end(self) -> None:
        """Look through nothing more: the process ends."""
        gc.freeze()


COLLECTOR = Collector()
"""The collector of this process."""
