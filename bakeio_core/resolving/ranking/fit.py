"""What was found out about how well a row fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bakeio_core.resolving.ranking.row_words import RowWords


@dataclass
class Fit:
    """How well a row fits.

    Attributes:
        place: Which row.
        fitness: How well, in about [0, 1]; only good for comparing rows.
        found: The share of what is asked that the row has.
        trigrams: How alike the two are by groups of three letters.
        reasons: What speaks for it, in words.
        warning: What speaks against it, else empty.
        contrary: Whether a value of the row says something else than what is known.
        row: The row taken apart.
        matches: {word that is asked: (the word of the row, likeness)}.
        missed: The words of the row nothing asks for.
    """

    place: int
    fitness: float
    found: float
    trigrams: float
    reasons: list[str] = field(default_factory=list)
    warning: str = ""
    contrary: bool = False
    row: RowWords | None = field(default=None, repr=False)
    matches: Mapping[str, tuple[str, float]] = field(default_factory=dict, repr=False)
    missed: Sequence[str] = field(default=(), repr=False)

    def warn(self, warning: str, last: bool = False) -> None:
        """Put a warning before those there are, or behind them."""
        both = (self.warning, warning) if last else (warning, self.warning)
        self.warning = "; ".join(filter(None, both))
