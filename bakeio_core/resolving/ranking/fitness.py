"""How well a row fits what is asked, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from rapidfuzz import fuzz

from bakeio_core.resolving.ranking.index import REFERRED, Index
from bakeio_core.resolving.ranking.row_words import RowWords, read_row
from bakeio_core.resolving.ranking.vocabulary import JOINED, initial_forms, run_of
from bakeio_core.resolving.ranking.words import Words, alike, is_unit, opposite, unit_of

COUNTERPART = 0.6
"""From this likeness on two words may be one."""
ANSWERED = COUNTERPART * REFERRED
SAME_WORD = 0.97
INITIALS = 0.88
SPELLED = 0.8
"""Below this likeness a word is hardly another one, misspelt."""
UNKNOWN = 5
"""A word that is not known means something if it has so many letters; a place may have one less."""
MUCH = 0.4
"""A row that lacks known words of this share of what is asked may be another thing."""


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
    """

    def __init__(
        self, index: Index, asked: Words, texts: Sequence[str], weighing: Weighing
    ) -> None:
        self.index, self.asked = index, asked
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
        initials = "".join([word[0] for word in row.main])
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
        initials = "".join([word[0] for word in row.main])
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
    def explain(self, fit: Fit) -> None:
        """Say which words are the same, which may be, and which have no counterpart."""
        row, matches = fit.row, fit.matches
        if row is None:
            return
        written = row.whole.written | self.asked.written
        same, near = [], []
        for word, (other, likeness) in matches.items():
            if word == other and other in row.referred:
                column = row.referred[other]
                near.append(f"{written.get(other, other)}, its {_title(column)}")
            elif word == other:
                same.append(written.get(word, word))
            elif likeness >= ANSWERED:
                meant = " ".join(row.whole.written.get(each, each) for each in other.split())
                near.append(f"{written.get(word, word)} may be {meant}")
        words = [f"same words: {', '.join(same)}"] if same else []
        fit.reasons[:0] = [*words, *near[:3]] or ["similar as a whole"]
        self._tell_lacks(fit, row)

    def _tell_lacks(self, fit: Fit, row: RowWords) -> None:
        """Say what the row lacks, and warn where that may make it another thing."""
        likenesses = {word: likeness for word, (_, likeness) in fit.matches.items()}
        lacks = [word for word, like in likenesses.items() if like < ANSWERED and self._tells(word)]
        has = [word for word in fit.missed if self._tells(word)]
        ours, theirs = self.asked.written, row.whole.written
        if lacks:
            fit.reasons.append("lacks " + ", ".join(ours.get(word, word) for word in lacks[:3]))
        pairs = ((asked, there) for asked in lacks for there in has)
        contrary = next((pair for pair in pairs if self._contrary(*pair, row)), None)
        known = [word for word in lacks if word in self.index.vocabulary]
        if contrary:
            asked, there = ours.get(contrary[0], contrary[0]), theirs.get(contrary[1], contrary[1])
            if f", not {asked}" not in fit.warning.casefold():
                _warn(fit, f"has {there}, not {asked}", last=True)
        elif sum(map(self.weight, known)) > MUCH * self.total:
            _warn(fit, f"says nothing of {ours.get(known[0], known[0])}", last=True)
        elif max(likenesses.values(), default=0.0) < SPELLED:
            _warn(fit, "no word is the same", last=True)

    def _tells(self, word: str) -> bool:
        """Tell whether a word means something.

        It is known, such as the two letters of a place, or too long to be a till's remark.
        """
        if not word.isalpha() or is_unit(word):
            return False
        if word in self.index.telling_apart:
            return len(word) >= 2
        return len(word) >= (3 if word in self.index.vocabulary else UNKNOWN - 1)

    def _contrary(self, asked: str, there: str, row: RowWords) -> bool:
        """Tell whether a word of a row may stand where another one is asked for.

        Who asks for a shop need not name its place: a place only speaks against another place. And
        who writes `cook` may mean cookies.
        """
        if there.startswith(asked):
            return False
        places = self.index.telling_apart
        if asked in self.index.vocabulary:
            return there in row.label or asked in places
        return len(asked) >= UNKNOWN or (there in places and there not in row.label)

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
                _warn(fit, f"{others[0][1]}, not {written}")
            elif any(text.split()[0] == written.split()[0] for _, _, text in whole.amounts):
                fit.fitness = fit.fitness * 0.97 + 0.03
                fit.reasons.append(f"the same number as in {written}")
            else:
                fit.fitness *= self.weighing.no_amount
        for number, other, counted in _other_numbers(self.asked.words, whole.words):
            fit.fitness *= self.weighing.other_amount
            _warn(fit, f"{other} {counted}, not {number} {counted}")
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
            _warn(fit, f"says {found[1]}, not {found[0]}")


def _other_numbers(asked: Sequence[str], there: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (number asked, number there, word behind both) of what is counted or measured.

    Such as 12 inch where 18 inch is asked for.
    """
    theirs = {word: number for number, word in pairwise(there) if number[0].isdigit()}
    for number, word in pairwise(asked):
        if number[0].isdigit() and word.isalpha() and theirs.get(word, number) != number:
            yield number, theirs[word], word


def _warn(fit: Fit, warning: str, last: bool = False) -> None:
    """Put a warning before those there are, or behind them."""
    both = (fit.warning, warning) if last else (warning, fit.warning)
    fit.warning = "; ".join(filter(None, both))


def _title(column: str) -> str:
    return column.removesuffix("_id").replace("_", " ")
