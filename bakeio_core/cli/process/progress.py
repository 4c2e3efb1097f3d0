"""How far long work is, as a bar on a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

DELAY = 0.7
"""Seconds before anything is shown: most work is done by then."""


class Bars:
    """A bar for each entity or view in turn: phase, done of total, rate, time left.

    Args:
        phase: What is done.
        totals: How many records there are of each, as far as that is known.
    """

    def __init__(self, phase: str, totals: Mapping[str, int]) -> None:
        self.phase, self.totals = phase, totals
        self._bar: Any = None
        self._name: str | None = None

    def show(self, name: str, done: int) -> None:
        """Move the bar of an entity or view to how many records are done."""
        if name != self._name:
            self.close()
            self._name, self._bar = name, self._begun(name)
        self._bar.update(done - self._bar.n)

    def _begun(self, name: str) -> Any:
        from tqdm import tqdm

        return tqdm(
            total=self.totals.get(name),
            desc=f"  {self.phase} {name}".rstrip(),
            unit=" records",
            delay=DELAY,
            leave=False,
            dynamic_ncols=True,
            file=sys.stderr,
        )

    def close(self) -> None:
        """Take the bar off the terminal."""
        if self._bar is not None:
            self._bar.close()


@contextlib.contextmanager
def showing(
    phase: str, totals: Mapping[str, int], is_seen: bool = True
) -> Iterator[Callable[[str, int], None] | None]:
    """Give what moves the bars, and take them off at the end; None where nobody sees them."""
    if not is_seen:
        yield None
        return
    bars = Bars(phase, totals)
    try:
        yield bars.show
    finally:
        bars.close()
