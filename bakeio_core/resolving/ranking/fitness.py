"""How well a row fits what is asked, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from rapidfuzz import fuzz

from bakeio_core.resolving.ranking.explaining import COUNTERPART, Explanation
from bakeio_core.resolving.ranking.fit import Fit
from bakeio_core.resolving.ranking.index import REFERRED, Index
from bakeio_core.resolving.ranking.row_words import RowWords, read_row
from bakeio_core.resolving.ranking.vocabulary import JOINED, initial_forms, run_of
from bakeio_core.resolving.ranking.words import Words, alike, opposite, unit_of

SAME_WORD = 0.97
INITIALS = 0.88


class Weighing(NamedTuple):
    """What each kind of evidence counts; measured by `tests/suggest_quality.py --without`.

    Attributes:
        known_words: What is left of the likeness of two words that are both in the index.
        emphasis: How much more a word of an emphasised column tells.
        trigrams: The share of the likeness by groups of three letters in the whole.
        whole_text: The share of the likeness of the whole texts in the rest.
        other_amount: What is left of the fitness of a row of another amount.
        no_amount: What is left of it where the row has no such amount.
        opposite: What is left of the fitness of a row that says a look-alike of what is asked.
        literal: The share of how many words are the very ones, and no synonyms.
    """

    known_words: float = 1 / 3
    emphasis: float = 1.5
    trigrams: float = 0.12
    whole_text: float = 0.32
    other_amount: float = 0.75
    no_amount: float = 0.9
    opposite: float = 0.7
    literal: float = 0.02


DEFAULT = Weighing()


class _Likeness(dict[str, float]):
    """How alike words are to one that is asked."""

    def __init__(self, word: str, index: Index, known_words: float) -> None:
        super().__init__()
        self.word = word
        self.stands_for = index.lexicon.stands_for
        self.synonyms = index.lexicon.synonyms
        self.meant = self.stands_for.get(word, frozenset())
        # who writes a word that is known, or short for one, means it: it is not a misspelling
        self.share = known_words if self.meant or word in index.vocabulary else 1.0

    def __missing__(self, other: str) -> float:
        word = self.word
        if word == other:
            similarity = 1.0
        elif other in self.meant or word in self.stands_for.get(other, ()):
            similarity = SAME_WORD
        else:
            forms = (other, *self.synonyms.get(other, ()))
            similarity = max([alike(word, form) for form in forms]) * self.share
        self[other] = similarity
        return similarity


class Question:
    """What is asked, ready to be compared with many rows.

    Args:
        index: Whose rows.
        asked: The words and amounts.
        texts: The same as texts without spaces, one for each thing that is told.
        weighing: What each kind of evidence counts.
        head: The word that says what kind of thing is asked for, empty for none.
    """

    def __init__(
        self, index: Index, asked: Words, texts: Sequence[str], weighing: Weighing, head: str = ""
    ) -> None:
        self.index, self.asked, self.head = index, asked, head
        self.texts = [text for text in texts if text]
        self.weighing = weighing
        self.ordered = "".join(sorted(asked.words))
        self._weights: dict[str, float] = {}
        self.total = sum(map(self.weight, asked.words))
        self.likeness = {
            word: _Likeness(word, index, self.weighing.known_words) for word in asked.words
        }
        self.grams = index.trigrams.of(asked.words)
        self.confusable = index.lexicon.confusable(asked.words)

    def weight(self, word: str) -> float:
        """Return how much a word tells."""
        weight = self._weights.get(word)
        if weight is None:
            weight = self.index.weight(word)
            if word in self.index.emphasised:
                weight *= self.weighing.emphasis
            self._weights[word] = weight
        return weight

    # -- one row
    def fit(self, place: int) -> Fit:
        """Return how well a row fits; `explain` adds the words."""
        row = read_row(self.index, place)
        recall, matches = self._covered(row)
        precision, missed = self._explained(row)
        text = self._whole_text(row)
        share = self.weighing.trigrams
        grams = self.index.trigrams.cosine(self.grams, [*row.main, *row.referred])
        soft = recall**0.62 * precision**0.38
        fitness = (1 - self.weighing.whole_text) * soft + self.weighing.whole_text * text
        fit = Fit(place, (1 - share) * fitness + share * grams, recall, grams)
        fit.row, fit.matches, fit.missed = row, matches, missed
        self._weigh_literal(fit, row.whole)
        self._weigh_amounts(fit, row.whole)
        self._weigh_opposites(fit, row)
        return fit

    def _covered(self, row: RowWords) -> tuple[float, dict[str, tuple[str, float]]]:
        """Return the share of what is asked that the row has, and {word: (its word, likeness)}."""
        initials = "".join([word[0] for word in row.label])
        got = 0.0
        matches = {}
        for word in self.asked.words:
            near = self.likeness[word]
            best, as_ = max([(near[other], other) for other in row.main], default=(0.0, ""))
            for words, share in ((row.named, SAME_WORD), (row.referred, REFERRED)):
                for other in words:
                    if near[other] * share > best:
                        best, as_ = near[other] * share, other
            for form in initial_forms(word) if best < INITIALS else ():
                if (at := initials.find(form)) >= 0:
                    best, as_ = INITIALS, " ".join(row.main[at : at + len(form)])
            if best < JOINED and (run := run_of(row.main, word)):
                best, as_ = JOINED, " ".join(run)
            got += self.weight(word) * best
            matches[word] = (as_, best)
        return (got / self.total if self.total else 0.0), matches

    def _explained(self, row: RowWords) -> tuple[float, list[str]]:
        """Return the share of the row that is asked for, and its words that are not.

        What is beyond its name counts little.
        """
        total = got = 0.0
        missed = []
        initials = "".join([word[0] for word in row.label])
        told: set[str] = set()
        for word in self.asked.words:
            told.update(run_of(row.main, word))
            for form in initial_forms(word):
                at = initials.find(form)
                told.update(row.main[at : at + len(form)] if at >= 0 else ())
        label = set(row.label)
        for word in row.main:
            best = max([near[word] for near in self.likeness.values()], default=0.0)
            if best < JOINED and (word in told or run_of(self.asked.words, word)):
                best = JOINED
            weight = self.weight(word) * (1.0 if word in label else 0.15)
            total += weight
            got += weight * best
            if best < COUNTERPART:
                missed.append(word)
        return (got / total if total else 0.0), missed

    def _whole_text(self, row: RowWords) -> float:
        """Return how alike the texts are as a whole, letter by letter."""
        own = {"".join(words) for words in (row.label, row.main, row.named) if words}
        best = max([fuzz.ratio(mine, theirs) for mine in self.texts for theirs in own], default=0.0)
        in_order = [
            fuzz.ratio(self.ordered, "".join(sorted(words))) for words in (row.label, row.main)
        ]
        return max(best, 0.98 * max(in_order)) / 100

    # -- what speaks for it and against it
    def explain(self, fit: Fit, others: Sequence[Fit] = ()) -> None:
        """Say why a row fits, and warn where it may be another thing.

        Args:
            fit: The row.
            others: Other rows that fit.
        """
        if fit.row is not None:
            Explanation(self.index, self.asked, fit, fit.row, others, self._share, self.head).tell()

    def _share(self, words: Sequence[str]) -> float:
        """Return how much of what is asked some of its words are."""
        return sum(map(self.weight, words)) / self.total if self.total else 0.0

    def _weigh_literal(self, fit: Fit, whole: Words) -> None:
        """Prefer the very words to synonyms: quick rise yeast is instant, but not by name."""
        literal = self.asked.literal
        if literal:
            share = len(literal & whole.literal) / len(literal)
            fit.fitness += self.weighing.literal * (share - fit.fitness)

    def _weigh_amounts(self, fit: Fit, whole: Words) -> None:
        for dimension, amount, written in self.asked.amounts:
            others = [(theirs, text) for d, theirs, text in whole.amounts if d == dimension]
            if any(abs(theirs - amount) <= 0.02 * max(theirs, amount) for theirs, _ in others):
                fit.fitness = fit.fitness * 0.94 + 0.06
                fit.reasons.append(f"same amount: {written}")
            elif others:
                fit.fitness *= self.weighing.other_amount
                fit.warn(f"{others[0][1]}, not {written}")
            elif any(text.split()[0] == written.split()[0] for _, _, text in whole.amounts):
                fit.fitness = fit.fitness * 0.97 + 0.03
                fit.reasons.append(f"the same number as in {written}")
            else:
                fit.fitness *= self.weighing.no_amount
        for number, other, counted in _other_numbers(self.asked.words, whole.words):
            fit.fitness *= self.weighing.other_amount
            fit.warn(f"{other} {counted}, not {number} {counted}")
        units = {text.split()[-1] for _, _, text in whole.amounts}
        if any(unit_of(word) in units for word in self.asked.words):
            fit.fitness = fit.fitness * 0.97 + 0.03
        numbers = [text.split()[0] for _, _, text in whole.amounts]
        if not self.asked.amounts and any(word in numbers for word in self.asked.words):
            fit.fitness = fit.fitness * 0.97 + 0.03
            number = next(word for word in self.asked.words if word in numbers)
            fit.reasons.append(f"the same number: {number}")

    def _weigh_opposites(self, fit: Fit, row: RowWords) -> None:
        found = opposite(self.confusable, [*row.main, *row.named])
        if found:
            fit.fitness *= self.weighing.opposite
            fit.warn(f"says {found[1]}, not {found[0]}")


def _other_numbers(asked: Sequence[str], there: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (number asked, number there, word behind both) of what is counted or measured.

    Such as 12 inch where 18 inch is asked for.
    """
    theirs = {word: number for number, word in pairwise(there) if number[0].isdigit()}
    for number, word in pairwise(asked):
        if number[0].isdigit() and word.isalpha() and theirs.get(word, number) != number:
            yield number, theirs[word], word
