"""The rows of one entity by their words, and which of them may fit what is asked."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from rapidfuzz import fuzz, process

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.exchange import Progress
from bakeio_core.resolving.ranking.postings import Entries, Referred, one_line
from bakeio_core.resolving.ranking.vocabulary import (
    Initials,
    Trigrams,
    Vocabulary,
    initial_forms,
    joined_pairs,
)
from bakeio_core.resolving.ranking.words import Lexicon, Words, folded_lines, head_of, stem
from bakeio_core.values.folding import padded
from bakeio_core.values.kinds.text import Text
from bakeio_core.values.wording import said

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog

SHORTLIST = 80
POSTINGS = 20_000
"""So many rows at most are found by words, the rarest words first; the others only rank them."""
ENOUGH = 0.5
"""A row that has this share of what is asked makes a search by the whole text needless."""
BLOCK = 20_000
"""So many rows are taken apart at a time: memory, not speed."""
LOOKED_AT = 40
"""So many rows of a word tell where it stands in names."""
REFERRED = 0.8
"""What a word found in a referred row counts, beside one of the row itself."""


class Index:
    """The rows of one entity by their words; a row is named by its place, its index in `rows`.

    Attributes:
        rows: The id and the values of `columns` of each row, in the order of ids.
        lines: What each row is called, folded, its words parted by spaces.
        told_by_key: The places of rows whose keys say something beyond that.
        postings: {word: the places of the rows that have it}.
        place: {column: its index in a row}.
        referred: {column of a reference: what rows refer to by it}.

    Args:
        catalog: The entities that are installed.
        entity: Whose rows they are.
        rows: The id of each row and its values of `indexed_columns`, in the order of ids.
        labels: {column of a reference: {id of a row: what people call it}}.
        progress: Called with (entity, rows indexed).
    """

    def __init__(
        self,
        catalog: Catalog,
        entity: Entity,
        rows: Sequence[Sequence[Any]],
        labels: Mapping[str, dict[Any, str]],
        progress: Progress | None = None,
    ) -> None:
        self.entity, self.catalog, self.rows = entity, catalog, rows
        self.lexicon = Lexicon(*_declared(catalog, entity))
        self.keys = _text_keys(entity)
        self.main = list(entity.calling) or self.keys
        self.columns = indexed_columns(entity)
        self.place = {column: place for place, column in enumerate(self.columns, 1)}
        self.lines: list[str] = []
        self._read: dict[str, Words] = {}
        self._heads: dict[str, bool] = {}
        self.told_by_key: set[int] = set()
        self.postings = self._read_rows(progress)
        self.referred = {
            column: Referred(known, list(map(operator.itemgetter(self.place[column]), rows)))
            for column, known in labels.items()
        }

    def _read_rows(self, progress: Progress | None) -> dict[str, list[int]]:
        """Enter every row's words.

        Whole columns are taken as one text, a line for each row: a hundred thousand rows are a
        matter of a second.
        """
        entries = Entries()
        main = [self.place[c] for c in self.main]
        keys = [self.place[c] for c in self.keys if c not in self.main]
        for start in range(0, len(self.rows), BLOCK):
            rows = self.rows[start : start + BLOCK]
            lines = _lines(rows, main)
            self.lines += lines
            for key in keys:
                lines = self._with_keys(start, lines, [row[key] for row in rows])
            entries.enter(lines)
            if progress is not None:
                progress(self.entity.name, start + len(rows))
        return entries.finished()

    def _with_keys(self, start: int, lines: list[str], keys: Sequence[Any]) -> list[str]:
        """Return the words of rows with those of a key, where it was not just made of them."""
        others = [
            at
            for at, (line, key) in enumerate(zip(lines, keys, strict=True))
            if key is not None and line.replace(" ", "_") != key
        ]
        folded = _lines([(keys[at],) for at in others], [0])
        lines = list(lines)
        for at, key in zip(others, folded, strict=False):
            if lines[at].replace(" ", "") != key.replace(" ", ""):
                lines[at] = f"{lines[at]} {key}"
                self.told_by_key.add(start + at)
        return lines

    @cached_property
    def codes(self) -> dict[str, list[int]]:
        """{standard number in 14 digits: the places of its rows}, made when first asked for."""
        known: dict[str, list[int]] = {}
        for column in self.entity.codes:
            for place, row in enumerate(self.rows):
                digits = padded(row[self.place[column]])
                if digits:
                    known.setdefault(digits, []).append(place)
        return known

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of the rows and of what they refer to."""
        words = dict.fromkeys(self.postings)
        for referred in self.referred.values():
            words |= dict.fromkeys(referred.postings)
        return Vocabulary(words)

    @cached_property
    def emphasised(self) -> frozenset[str]:
        """The words of the columns that tell more than others."""
        return self._words_of(self.entity.emphasis)

    @cached_property
    def telling_apart(self) -> frozenset[str]:
        """The words that tell rows of one name apart, such as those of places."""
        return self._words_of([c for c in self.main if c not in self.entity.labels])

    def _words_of(self, columns: Sequence[str]) -> frozenset[str]:
        texts: set[str] = set()
        for place in [self.place[c] for c in columns if c in self.place]:
            texts.update(map(_cell, set(map(operator.itemgetter(place), self.rows))))
        return frozenset(stem(w) for line in folded_lines("\n".join(texts)) for w in line.split())

    @cached_property
    def trigrams(self) -> Trigrams:
        """The groups of three letters of the words."""
        return Trigrams(self.vocabulary.words)

    @cached_property
    def initials(self) -> Initials:
        """The first letters of the words of each row."""
        return Initials(self.lines)

    @cached_property
    def _texts(self) -> list[str]:
        return [line.replace(" ", "") for line in self.lines]

    def read_often(self, text: str) -> Words:
        """Take a text apart that many rows have: that of a referred row, or a size."""
        if text not in self._read:
            self._read[text] = self.lexicon.read(text)
        return self._read[text]

    def value(self, place: int, column: str) -> Any:
        """Return a value of a row."""
        return self.rows[place][self.place[column]]

    def lacks_name(self, place: int) -> bool:
        """Tell whether a row has no name of its own, so that it goes by what it refers to."""
        labels = self.entity.labels
        return bool(labels) and bool(self.referred) and self.value(place, labels[-1]) is None

    def label(self, place: int) -> str:
        """Return what people call a row, with what tells it from others of the name."""
        last = self.entity.labels[-1] if self.entity.labels else ""
        parts = []
        for column in self.main:
            value = self.value(place, column)
            if value is not None:
                parts.append(said(value))
            elif column == last and self.lacks_name(place):
                parts += [
                    f"({referred.labels[referred.ids[place]]})"
                    for referred in self.referred.values()
                    if referred.ids[place] in referred.labels
                ]
        return " ".join(parts)

    def weight(self, word: str) -> float:
        """Return how much a word tells: the rarer, the more (inverse document frequency)."""
        known = self.postings.get(word)
        count = len(known) if known else 0
        if not count:
            count = sum(len(referred.postings.get(word, ())) for referred in self.referred.values())
        if not count:
            if word[0].isdigit() or len(word) < 2:
                return 0.12
            return (0.75 if len(word) > 2 else 0.3) * math.log(2 + len(self.rows))
        return math.log(1 + (1 + len(self.rows)) / count) * (0.4 if word[0].isdigit() else 1)

    def is_head(self, word: str) -> bool:
        """Tell whether the names of rows that have a word end in it, as a rule."""
        if word not in self._heads:
            self._heads[word] = self._ends_names(word)
        return self._heads[word]

    def _ends_names(self, word: str) -> bool:
        places = self.postings.get(word, [])[:LOOKED_AT]
        labels = [self.place[c] for c in (self.entity.labels or self.keys) if c in self.place]
        names = [
            [row[at] for at in labels if row[at] is not None]
            for row in map(self.rows.__getitem__, places)
        ]
        heads = [head_of(str(name[-1])) for name in names if name]
        return 2 * heads.count(word) >= len(heads) > 0

    # -- which rows to look at
    def shortlist(self, asked: Sequence[str]) -> list[int]:
        """Return the places of the rows to look at, at most some more than `SHORTLIST`.

        They share the most telling words with what is asked, alike ones too. Where few words are
        shared, rows that are similar as a whole join them.
        """
        pairs = joined_pairs(asked, self.vocabulary)
        wanted = [self._rows_of(word) for word in dict.fromkeys([*asked, *pairs])]
        wanted += self._rows_of_phrasings(asked)
        wanted.sort(key=lambda weighted: sum(len(places) for _, places in weighted))
        found: dict[int, float] = {}
        left = POSTINGS
        for weighted in wanted:
            rows: dict[int, float] = {}
            for weight, places in sorted(weighted, key=operator.itemgetter(0)):
                rows |= dict.fromkeys(places, weight)
            left -= len(rows)
            if not found:
                found = rows
            elif left < 0:  # a word of so many rows only tells among those found so far
                for place in found.keys() & rows.keys():
                    found[place] += rows[place]
            else:
                for place, weight in rows.items():
                    found[place] = found.get(place, 0.0) + weight
        least = min(sorted(found.values())[-SHORTLIST:], default=0.0)
        best = [place for place, weight in found.items() if weight >= least]
        # of rows that share as much, those that say little else
        best.sort(key=lambda place: (-found[place], len(self.lines[place]), place))
        del best[SHORTLIST:]
        enough = ENOUGH * sum(map(self.weight, asked))
        if asked and (not best or found[best[0]] < enough):
            near = process.extract(
                "".join(asked), self._texts, scorer=fuzz.ratio, limit=15, score_cutoff=60
            )
            best += [place for _, _, place in near]
        return list(dict.fromkeys(best))

    def _rows_of(self, word: str) -> list[tuple[float, list[int]]]:
        """Return (weight, places) of the rows that have a word, or what it may stand for."""
        found = []
        for known, similarity in self.vocabulary.near(word).items():
            found += self._rows_with(known, similarity * self.weight(known))
        for other in self.lexicon.alternatives(word):
            found += self._rows_with(other, min(self.weight(other), self.weight(word)))
        for form in initial_forms(word) if len(word) < 3 or word not in self.vocabulary else ():
            found.append((0.9 * self.weight(word), self.initials.places(form)))
        return found

    def _rows_of_phrasings(self, asked: Sequence[str]) -> Iterator[list[tuple[float, list[int]]]]:
        """Yield (weight, places) of the rows that have a word of another phrase for what is asked.

        All its words together weigh as much as those that are asked.
        """
        for phrase, other in self.lexicon.phrasings(asked):
            share = sum(map(self.weight, phrase)) / len(other)
            for word in other:
                if word not in asked:
                    yield self._rows_with(word, share)

    def _rows_with(self, word: str, weight: float) -> list[tuple[float, list[int]]]:
        """Return (weight, places) of the rows that have this very word."""
        found = [(weight, self.postings[word])] if word in self.postings else []
        for referred in self.referred.values():
            if word in referred.postings:
                found.append((weight * REFERRED, referred.places(word)))
        return found


def indexed_columns(entity: Entity) -> list[str]:
    """Return the columns by which the rows of an entity are found, without the id."""
    keys = _text_keys(entity)
    main = entity.calling or keys
    return list(dict.fromkeys((*main, *keys, *entity.codes, *entity.references, *entity.choices)))


def _text_keys(entity: Entity) -> list[str]:
    return [
        key[0]
        for key in entity.all_keys
        if len(key) == 1 and key[0] != "uuid" and isinstance(entity.kinds[key[0]], Text)
    ]


def _lines(rows: Sequence[Any], places: Sequence[int]) -> list[str]:
    """Return the words of these cells, parted by spaces, a line for each row."""
    columns = []
    for place in places:
        cells = list(map(operator.itemgetter(place), rows))
        columns.append(cells if set(map(type, cells)) == {str} else list(map(_cell, cells)))
    lines = list(map(" ".join, zip(*columns, strict=True))) if columns else [""] * len(rows)
    text = "\n".join(lines)
    if text.count("\n") >= len(lines):  # within a cell, too
        text = "\n".join(map(one_line, lines))
    return folded_lines(text)


@lru_cache(maxsize=1 << 12, typed=True)
def _cell(value: Any) -> str:
    return "" if value is None else said(value)


def _declared(
    catalog: Catalog, entity: Entity
) -> tuple[list[Sequence[str]], list[Sequence[str]], dict[str, list[str]]]:
    """Return the synonyms, lookalikes and abbreviations of an entity and of what it refers to.

    A row of it also goes by the words of those.
    """
    targets = [reference.target for reference in entity.references.values()]
    known = [catalog.entities[target] for target in targets if target in catalog.entities]
    concerned = list(dict.fromkeys([entity, *known]))
    abbreviations: dict[str, list[str]] = {}
    for each in concerned:
        for full, shorts in each.abbreviations.items():
            abbreviations.setdefault(full, []).extend(shorts)
    synonyms = [group for each in concerned for group in each.synonyms]
    lookalikes = [group for each in concerned for group in each.lookalikes]
    return synonyms, lookalikes, abbreviations
