"""Take names apart into words and amounts, and tell how alike two words are.

By spelling, plural, abbreviation, initials, units and synonyms.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from rapidfuzz.distance import OSA, JaroWinkler

from bakeio_core.values.folding import TYPOGRAPHY

_WORD = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)?|#")
_POSSESSIVE = re.compile(r"'s\b")
_MARKS = re.compile("[\u0300-\u036f]+")
TYPOGRAPHY_OF = {chr(code): plain for code, plain in TYPOGRAPHY.items()}
_SIGNS = re.compile(f"[{''.join(map(re.escape, TYPOGRAPHY_OF))}]")
LETTERS = re.compile(r"[^\W\d_]+")
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_NO_LETTER = re.compile(r"[^\w\n ][^\w\n]*| [^\w\n]+")  # a single space is as it should be
QUIET = frozenset(
    [
        "the",
        "of",
        "and",
        "a",
        "an",
        "for",
        "in",
        "with",
        "inc",
        "llc",
        "ltd",
        "co",
        "de",
        "la",
        "le",
        "el",
        "n",
    ]
)
"""Words that tell nothing about a row."""
# to gram and millilitre: NIST Handbook 44, appendix C
_UNITS: dict[str, tuple[str, float]] = {
    "g": ("mass", 1),
    "kg": ("mass", 1000),
    "mg": ("mass", 0.001),
    "lb": ("mass", 453.59237),
    "oz": ("mass", 28.349523125),
    "ml": ("volume", 1),
    "cl": ("volume", 10),
    "l": ("volume", 1000),
    "floz": ("volume", 29.5735295625),
    "cup": ("volume", 236.5882365),
    "pt": ("volume", 473.176473),
    "qt": ("volume", 946.352946),
    "gal": ("volume", 3785.411784),
    "ct": ("count", 1),
    "dz": ("count", 12),
}
_SPELLINGS = {
    spelling: unit
    for unit, spellings in {
        "lb": "lbs pound pounds #",
        "oz": "ounce ounces",
        "g": "gram grams gr gm",
        "kg": "kilo kilogram kilograms kgs",
        "l": "liter litre liters litres ltr",
        "ml": "milliliter millilitre milliliters",
        "qt": "quart quarts qts",
        "gal": "gallon gallons",
        "pt": "pint pints",
        "cup": "cups",
        "ct": "count each ea pc pcs pieces pk pack",
        "dz": "dozen doz",
    }.items()
    for spelling in spellings.split()
}


@dataclass
class Words:
    """A text taken apart.

    Attributes:
        words: Its words in order, without plural endings.
        amounts: (dimension, amount in its base unit, the amount as written) of each.
    """

    words: list[str]
    amounts: list[tuple[str, float, str]] = field(default_factory=list)


def plain_text(text: str) -> str:
    """Return the text without diacritics, its signs as ASCII has them."""
    return _MARKS.sub(
        "", unicodedata.normalize("NFKD", _SIGNS.sub(lambda match: TYPOGRAPHY_OF[match[0]], text))
    )


def folded_text(text: str) -> str:
    """Return the text as words are compared.

    In lower case, without diacritics and apostrophes, `_` as space.
    """
    return _lowered(text if text.isascii() else plain_text(text))


def _lowered(text: str) -> str:
    return _POSSESSIVE.sub("", text.lower().replace("_", " ")).replace("'", "")


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return a word without its plural ending."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] not in "su" else word


class _Foreign(dict[str, str]):
    """The plain text of every run of characters beyond ASCII: texts have few different ones."""

    def __missing__(self, run: str) -> str:
        self[run] = plain = plain_text(run)
        return plain


def folded_lines(text: str) -> list[str]:
    """Fold many rows at once, a line each, as `folded_text` does; signs become spaces."""
    if not text.isascii():
        foreign = _Foreign()
        text = _FOREIGN.sub(lambda match: foreign[match[0]], text)
    return _NO_LETTER.sub(" ", _lowered(text)).split("\n")


class Lexicon:
    """What an entity's declarations say about words.

    Args:
        synonyms: Groups of phrases that mean the same.
        lookalikes: Groups of phrases that must not be confused.
    """

    def __init__(
        self, synonyms: Iterable[Sequence[str]], lookalikes: Iterable[Sequence[str]]
    ) -> None:
        self.same: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
        for group in synonyms:
            phrases = [tuple(map(stem, _WORD.findall(folded_text(phrase)))) for phrase in group]
            for phrase in phrases[1:]:
                self.same.setdefault(phrase[0], []).append((phrase, phrases[0]))
        for known in self.same.values():
            known.sort(key=lambda pair: -len(pair[0]))
        self.lookalikes = [
            [tuple(map(stem, _WORD.findall(folded_text(phrase)))) for phrase in group]
            for group in lookalikes
        ]

    def read(self, text: str) -> Words:
        """Take a text apart."""
        found = _WORD.findall(folded_text(text))
        words: list[str] = []
        amounts: list[tuple[str, float, str]] = []
        place = 0
        while place < len(found):
            word = found[place]
            if word[0].isdigit():
                place += self._amount(found, place, words, amounts)
                continue
            if word != "#" and word not in QUIET:
                words.append(stem(word))
            place += 1
        return Words(self._unified(words) if self.same else words, amounts)

    @staticmethod
    def _amount(
        found: list[str], place: int, words: list[str], amounts: list[tuple[str, float, str]]
    ) -> int:
        """Take a number, with its unit if one follows; return how many words that were."""
        number, rest = found[place], found[place + 1 : place + 3]
        unit = _SPELLINGS.get(rest[0], rest[0]) if rest else ""
        taken = 2
        is_fluid = len(rest) > 1 and rest[0] in ("fl", "fluid")
        if is_fluid and _SPELLINGS.get(rest[1], rest[1]) == "oz":
            unit, taken = "floz", 3
        if unit in _UNITS:
            dimension, factor = _UNITS[unit]
            shown = "fl oz" if unit == "floz" else unit
            amounts.append(
                (dimension, float(number.replace(",", ".")) * factor, f"{number} {shown}")
            )
            return taken
        words.append(number.lstrip("0") or "0")
        return 1

    def _unified(self, words: list[str]) -> list[str]:
        out: list[str] = []
        place = 0
        while place < len(words):
            for phrase, canonical in self.same.get(words[place], ()):
                if tuple(words[place : place + len(phrase)]) == phrase:
                    out += canonical
                    place += len(phrase)
                    break
            else:
                out.append(words[place])
                place += 1
        return out

    def variants(self, words: Sequence[str]) -> list[str]:
        """Return the words of other phrases for these: rows are indexed as they stand."""
        return [
            word
            for known in self.same.values()
            for phrase, canonical in known
            if _within(canonical, words)
            for word in phrase
        ]

    def opposite(self, asked: Sequence[str], there: Sequence[str]) -> tuple[str, str] | None:
        """Return (what was asked, what is there) where two texts say opposite things."""
        for group in self.lookalikes:
            ours = [phrase for phrase in group if _within(phrase, asked)]
            theirs = [phrase for phrase in group if _within(phrase, there)]
            if ours and theirs and not set(ours) & set(theirs):
                return " ".join(ours[0]), " ".join(theirs[0])
        return None


def _within(phrase: tuple[str, ...], words: Sequence[str]) -> bool:
    if len(phrase) == 1:
        return phrase[0] in words
    return any(
        tuple(words[place : place + len(phrase)]) == phrase
        for place in range(len(words) - len(phrase) + 1)
    )


def shortened(short: str, long: str) -> float:
    """Return how well a word abbreviates another, in [0, 1]; 0 where it does not.

    An abbreviation begins alike, and its letters stand in the word in order.
    """
    if len(short) < 2 or len(short) >= len(long) or short[0] != long[0]:
        return 0.0
    if long.startswith(short):
        return 0.9 if len(short) >= 3 else 0.6
    letters = iter(long)
    if not all(letter in letters for letter in short):
        return 0.0
    consonants = long[0] + "".join(c for c in long[1:] if c not in "aeiou")
    if short == consonants:
        return 0.92
    if not set(short[1:]) & set("aeiou"):
        return 0.85 if len(short) >= 3 else 0.55
    return 0.7 if len(short) >= 4 else 0.0


@lru_cache(maxsize=1 << 17)
def alike(one: str, other: str) -> float:
    """Return how alike two words are, in [0, 1]."""
    if one == other:
        return 1.0
    if one[0].isdigit() or other[0].isdigit():
        return 0.0
    best = max(shortened(one, other), shortened(other, one))
    shorter = min(len(one), len(other))
    if shorter >= 3:
        spelled = max(
            OSA.normalized_similarity(one, other),
            0.97 * JaroWinkler.similarity(one, other) if shorter > 3 else 0.0,
        )
        limit = 0.66 if shorter == 3 else 0.74
        best = max(best, spelled if spelled >= limit else 0.0)
    return best
