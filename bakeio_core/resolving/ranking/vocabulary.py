"""The words of an index, and which of them a word that is asked may stand for."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from itertools import accumulate, pairwise

from rapidfuzz import fuzz, process

from bakeio_core.resolving.ranking.words import QUIET, alike, shortened

MOST = 12
"""How many words of the index one word may be a misspelling of."""
LONGER = 25
"""How many words one may abbreviate."""
JOINED = 0.9
"""How likely a word that consists of two known ones means these."""


class Vocabulary:
    """Find the words of an index that a word may stand for.

    Args:
        words: The words, stems.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = [word for word in words if word.isalpha()]
        self._set = frozenset(words)
        self._lines: dict[str, str] = {}
        self._near: dict[str, dict[str, float]] = {}

    def __contains__(self, word: object) -> bool:
        return word in self._set

    def near(self, word: str) -> dict[str, float]:
        """Return the words one may stand for, with how likely."""
        if word not in self._near:
            self._near[word] = self._found(word)
        return self._near[word]

    def _found(self, word: str) -> dict[str, float]:
        found = {word: 1.0} if word in self._set else {}
        if word[0].isdigit() or (found and len(word) > 3):
            return found
        for known, _, _ in process.extract(
            word, self.words, scorer=fuzz.ratio, limit=MOST, score_cutoff=62
        ):
            if (similarity := alike(word, known)) > 0:
                found.setdefault(known, similarity)
        for form in {word, word.removesuffix("s")} if word.isalpha() else ():
            for known in self._longer(form) if 2 <= len(form) <= 6 else ():
                if (similarity := alike(word, known)) > 0:
                    found.setdefault(known, similarity)
        for place in range(3, len(word) - 2):
            parts = word[:place], word[place:]
            if all(part in self._set for part in parts):
                found |= dict.fromkeys(parts, JOINED)
        return found

    def _longer(self, word: str) -> list[str]:
        """Return words that begin as this one does and have its letters in order."""
        if word[0] not in self._lines:
            self._lines[word[0]] = "\n".join([known for known in self.words if known[0] == word[0]])
        pattern = "^" + r"[a-z]*".join(map(re.escape, word)) + "[a-z]*$"
        longer = re.findall(pattern, self._lines[word[0]], re.MULTILINE)
        longer.sort(key=lambda known: (-shortened(word, known), len(known)))
        return longer[:LONGER]


class Initials:
    """The first letters of the words of each row: `Trader Joe's` may be asked for as `TJ`.

    Args:
        lines: The words of each row, parted by spaces.
    """

    MOST = 2000
    """So many rows at most are found by initials; with more they tell nothing."""

    def __init__(self, lines: Sequence[str]) -> None:
        words = " \n ".join(lines).split(" ")
        self._text = "".join([word[:1] for word in words if word not in QUIET])
        self._starts = [0, *accumulate([len(row) + 1 for row in self._text.split("\n")])]
        self._found: dict[str, list[int]] = {}

    def places(self, letters: str) -> list[int]:
        """Return the rows that have words of these initials, one after the other."""
        if letters not in self._found:
            self._found[letters] = self._search(letters)
        return self._found[letters]

    def _search(self, letters: str) -> list[int]:
        found: list[int] = []
        row, at = 0, self._text.find(letters)
        while at >= 0 and len(found) <= self.MOST:
            row += self._text.count("\n", self._starts[row], at)
            found.append(row)
            at = self._text.find(letters, self._starts[row + 1])
        return found if len(found) <= self.MOST else []


def initial_forms(word: str) -> list[str]:
    """Return the initials a word may be: itself, and without the s of a plural or possessive."""
    if not word.isalpha():
        return []
    forms = [word, word[:-1]] if word[-1] == "s" else [word]
    return [form for form in forms if 2 <= len(form) <= 4]


def run_of(words: Sequence[str], text: str) -> Sequence[str]:
    """Return the words, one after the other, that a text without spaces consists of."""
    if len(text) > 5:
        for place, word in enumerate(words):
            if word != text and text.startswith(word):
                end, rest = place, text
                while rest and end < len(words) and rest.startswith(words[end]):
                    rest = rest[len(words[end]) :]
                    end += 1
                if not rest:
                    return words[place:end]
    return ()


def joined_pairs(words: Sequence[str], known: Container[str]) -> list[str]:
    """Return the words of an index that two words of a question, one after the other, make."""
    return [one + other for one, other in pairwise(words) if one + other in known]


class Trigrams:
    """How alike texts are by their groups of three letters, those of few words weighing most.

    Args:
        words: The words of an index.
    """

    def __init__(self, words: Sequence[str]) -> None:
        counted = Counter(gram for word in words for gram in _grams(word))
        self._weights = {g: math.log(1 + len(words) / count) for g, count in counted.items()}
        self._unknown = math.log(1 + len(words))
        self._of_words: dict[str, dict[str, float]] = {}

    def of(self, words: Iterable[str]) -> dict[str, float]:
        """Return {group of letters: its weight} of a text of length 1."""
        found: dict[str, float] = {}
        for word in words:
            if word not in self._of_words:
                self._of_words[word] = {
                    gram: self._weights.get(gram, self._unknown) for gram in _grams(word)
                }
            for gram, weight in self._of_words[word].items():
                found[gram] = found.get(gram, 0.0) + weight
        length = math.sqrt(sum([weight * weight for weight in found.values()]))
        return {gram: weight / length for gram, weight in found.items()} if length else {}

    def cosine(self, one: dict[str, float], words: Iterable[str]) -> float:
        """Return how alike a text is to some words, in [0, 1]."""
        other = self.of(words)
        return sum([weight * other[gram] for gram, weight in one.items() if gram in other])


def _grams(word: str) -> list[str]:
    padded = f" {word} "
    return [padded[at : at + 3] for at in range(len(padded) - 2)]
