"""How likely a row is the one meant: what makes scores true, and comparable between entities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from bakeio_core.resolving.ranking.fit import Fit

COMPARED = 12
"""So many rows are looked at; whether a thirteenth is as good tells nothing more."""
NEAR = 0.06
"""Rows that fit worse by no more than this are rivals."""
EQUAL = 0.001
"""Rows that fit worse by no more than this fit as well."""
WIDEST = 0.3
"""A lead above this says no more than this."""


class Coefficients(NamedTuple):
    """A logistic regression, as `tests/suggest_fit.py` finds it.

    It was fitted on one half of the questions there and checked on the other.

    Attributes:
        constant: What is added in any case.
        fitness: Of how well the row fits.
        fitness_squared: Of the square of that.
        lead: Of how much better it fits than the best other row.
        lead_of_fitness: Of both, multiplied.
        found: Of the share of what is asked that it has.
        trigrams: Of how alike the texts are by groups of three letters.
        rivals: Of the logarithm of how many rows fit nearly as well, this one counted.
        equals: Of the logarithm of how many rows fit as well, this one counted.
        words: Of the logarithm of how many words are asked: many are hardly alike by chance.
        weakest: Of how alike that word is to one of the row which is least alike.
    """

    constant: float = -4.52
    fitness: float = 1.70
    fitness_squared: float = 5.02
    lead: float = 2.47
    lead_of_fitness: float = 4.20
    found: float = 1.04
    trigrams: float = -1.72
    rivals: float = -1.74
    equals: float = -2.01
    words: float = 1.03
    weakest: float = 1.03


def likelihoods(fits: Sequence[Fit]) -> list[float]:
    """Return for each row how likely it is the one meant; all together they are 1 at most.

    Args:
        fits: How well the rows fit, the best first.
    """
    likely: list[float] = []
    left = 1.0
    for place in range(len(fits)):
        chance = 0.0
        if place < COMPARED:
            terms = zip(Coefficients(), evidence(fits, place), strict=True)
            odds = sum([weight * value for weight, value in terms])
            chance = min([1 / (1 + math.exp(-odds)), left, *likely[-1:]])
        likely.append(chance)
        left -= chance
    return likely


def evidence(fits: Sequence[Fit], place: int) -> Coefficients:
    """Return what the likelihood of a row is computed of, in the order of the coefficients.

    Args:
        fits: How well the rows fit, the best first.
        place: Which of them.
    """
    fit, compared = fits[place], fits[:COMPARED]
    rival = fits[1 if place == 0 else 0].fitness if len(fits) > 1 else 0.0
    lead = max(-WIDEST, min(WIDEST, fit.fitness - rival))
    rivals = sum([other.fitness > fit.fitness - NEAR for other in compared])
    equals = sum([abs(other.fitness - fit.fitness) < EQUAL for other in compared])
    return Coefficients(
        1.0,
        fit.fitness,
        fit.fitness**2,
        lead,
        lead * fit.fitness,
        fit.found,
        fit.trigrams,
        math.log(rivals),
        math.log(equals),
        math.log(max(1, len(fit.matches))),
        min([likeness for word, (_, likeness) in fit.matches.items() if _counts(word)], default=1),
    )


def _counts(word: str) -> bool:
    """Tell whether a word is neither a number nor initials."""
    return len(word) > 2 and word.isalpha()
