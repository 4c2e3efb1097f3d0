"""Take names apart into words and amounts, and tell how alike two words are.

By spelling, plural, abbreviation, initials, units and synonyms.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
REMARKS = frozenset(
    [
        *["bag", "box", "case", "carton", "pack", "packet", "package", "pkg", "tray", "item"],
        *["can", "canister", "jar", "bottle", "tub", "tin", "pail", "bucket", "pouch"],
        *["new", "sale", "special", "offer", "promo", "deal", "discount", "clearance", "online"],
    ]
)
"""Words that tell how something was packed or sold, and not what it is."""
PRAISE = frozenset(["fresh", "premium", "quality", "choice", "select", "finest", "best"])
"""Words that tell what it is only where another word stands against them."""
_FIRST_PART = re.compile(r"[,(;/]|\bof\b", re.IGNORECASE)
_ALTERNATIVES = re.compile(r"\bor\b", re.IGNORECASE)
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
        "oz": "ounce ounces z",
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
_BARE_UNITS = frozenset(["gal", "gallon", "qt", "quart", "pint", "dz", "dozen"])
"""These mean one of it where no number stands before."""

Phrase = tuple[str, ...]


@dataclass
class Words:
    """A text taken apart.

    Attributes:
        words: Its words in order, without plural endings.
        amounts: (dimension, amount in its base unit, the amount as written) of each.
        written: {word: how it stands in the text}, where it was not replaced by a synonym.
        literal: Its words before any was replaced by a synonym.
    """

    words: list[str]
    amounts: list[tuple[str, float, str]] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)
    literal: frozenset[str] = frozenset()

    @classmethod
    def together(cls, parts: Sequence[Words]) -> Words:
        """Return the words of several texts, each word once."""
        whole = cls(list(dict.fromkeys(word for part in parts for word in part.words)))
        for part in parts:
            whole.amounts += part.amounts
            whole.written |= part.written
            whole.literal |= part.literal
        return whole


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


def head_of(text: str) -> str:
    """Return the last word of a name before a comma: in English it says what kind of thing it is.

    It is empty where a text names several things.
    """
    if _ALTERNATIVES.search(text):
        return ""
    first = _FIRST_PART.split(text, maxsplit=1)[0]
    words = [word for word in LETTERS.findall(folded_text(first)) if not is_unit(word)]
    return stem(words[-1]) if words else ""


class Lexicon:
    """What an entity's declarations say about words.

    Args:
        synonyms: Groups of phrases that mean the same.
        lookalikes: Groups of phrases that must not be confused.
        abbreviations: {word or phrase: its abbreviations}.
    """

    def __init__(
        self,
        synonyms: Iterable[Sequence[str]],
        lookalikes: Iterable[Sequence[str]],
        abbreviations: Mapping[str, Sequence[str]],
    ) -> None:
        self.same: dict[str, list[tuple[Phrase, Phrase]]] = {}
        self.synonyms: dict[str, list[str]] = {}
        self.stands_for: dict[str, frozenset[str]] = {}
        for group in synonyms:
            canonical, *others = filter(None, map(_phrase, group))
            for phrase in others:
                self.same.setdefault(phrase[0], []).append((phrase, canonical))
                if len(phrase) == len(canonical) == 1:
                    self.synonyms.setdefault(canonical[0], []).append(phrase[0])
        for full, shorts in abbreviations.items():
            phrase = self._canonical(_phrase(full))
            for short in map(stem, map(folded_text, shorts)):
                if len(phrase) == 1:
                    known = self.stands_for.get(short, frozenset())
                    self.stands_for[short] = known | {phrase[0]}
                elif phrase:
                    self.same.setdefault(short, []).append(((short,), phrase))
        for pairs in self.same.values():
            pairs.sort(key=lambda pair: -len(pair[0]))
        self.lookalikes = [list(map(_phrase, group)) for group in lookalikes]

    def read(self, text: str) -> Words:
        """Take a text apart."""
        found = _WORD.findall(folded_text(text))
        read = Words([])
        place = 0
        while place < len(found):
            word = found[place]
            if word[0].isdigit():
                place += self._amount(found, place, read.words, read.amounts)
            elif word in _BARE_UNITS:
                self._amount(["1", word], 0, read.words, read.amounts)
                place += 1
            else:
                letters = _letters(found, place)
                if len(letters) > 1:  # C & H is ch
                    place, word = place + len(letters) - 1, letters
                if word != "#" and word not in QUIET:
                    read.words.append(stem(word))
                    read.written.setdefault(read.words[-1], word)
                place += 1
        read.literal = frozenset(read.words)
        if self.same:
            read.words = list(self._canonical(read.words))
        return read

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

    def _canonical(self, words: Sequence[str]) -> Phrase:
        """Return the words with the first phrase of each group in place of the others."""
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
        return tuple(out)

    def alternatives(self, word: str) -> list[str]:
        """Return the words that rows may have for this one: they are indexed as they stand."""
        return [*self.stands_for.get(word, ()), *self.synonyms.get(word, ())]

    def phrasings(self, words: Sequence[str]) -> Iterator[tuple[Phrase, Phrase]]:
        """Yield (phrase of these words, another one for it) of more than one word."""
        for known in self.same.values():
            for phrase, canonical in known:
                if len(phrase) + len(canonical) > 2 and _within(canonical, words):
                    yield canonical, phrase

    def confusable(self, asked: Sequence[str]) -> list[tuple[list[Phrase], list[Phrase]]]:
        """Return (what is asked, what must not be confused with it) of each group of lookalikes."""
        found = []
        for group in self.lookalikes:
            ours = [phrase for phrase in group if _within(phrase, asked)]
            if ours:
                found.append((ours, [phrase for phrase in group if phrase not in ours]))
        return found


def opposite(
    confusable: Sequence[tuple[list[Phrase], list[Phrase]]], there: Sequence[str]
) -> tuple[str, str] | None:
    """Return (what was asked, what is there) where two texts say opposite things.

    Args:
        confusable: Of what is asked, as `Lexicon.confusable` gives it.
        there: The words of a row.
    """
    for ours, others in confusable:
        if any(_within(phrase, there) for phrase in ours):
            continue
        theirs = next((phrase for phrase in others if _within(phrase, there)), None)
        if theirs:
            return " ".join(ours[0]), " ".join(theirs)
    return None


def _letters(found: Sequence[str], place: int) -> str:
    """Return the letters that stand alone from here on, one after the other."""
    end = place
    while end < len(found) and len(found[end]) == 1 and found[end].isalpha():
        end += 1
    return "".join(found[place:end])


def _phrase(text: str) -> Phrase:
    words = _WORD.findall(folded_text(text))
    return tuple([stem(word) for word in words if word not in QUIET])


def _within(phrase: Phrase, words: Sequence[str]) -> bool:
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
    for short, long in ((one, other), (other, one)):  # the s of a plural: dts is dates, a stem
        if best < 0.6 and short[-1] == "s" and 3 <= len(short) <= 5:
            best = max(best, shortened(short[:-1], long))
    shorter = min(len(one), len(other))
    if shorter >= 3:
        spelled = max(
            OSA.normalized_similarity(one, other),
            0.97 * JaroWinkler.similarity(one, other) if shorter > 3 else 0.0,
        )
        limit = 0.66 if shorter == 3 else 0.74
        best = max(best, spelled if spelled >= limit else 0.0)
    return best


def unit_of(word: str) -> str:
    """Return the short form of a word that is the unit of an amount, else empty."""
    unit = _SPELLINGS.get(word, word)
    return unit if unit in _UNITS else ""


def is_unit(text: str) -> bool:
    """Tell whether a text is nothing but the unit of an amount."""
    words = _WORD.findall(folded_text(text))
    return bool(words) and all(
        w in _UNITS or w in _SPELLINGS or w in ("fl", "fluid") for w in words
    )
