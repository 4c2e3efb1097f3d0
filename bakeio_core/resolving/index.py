"""The rows of one entity by their words, and how well each fits what is asked."""

from __future__ import annotations

import heapq
import math
import operator
import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rapidfuzz import fuzz, process

from bakeio_core.catalog.model import Entity
from bakeio_core.database.dialects import dialect_of
from bakeio_core.resolving.words import (
    LETTERS,
    QUIET,
    Lexicon,
    Words,
    alike,
    folded_lines,
    shortened,
    stem,
)
from bakeio_core.values.folding import padded
from bakeio_core.values.text import Text
from bakeio_core.values.wording import said

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog

CAPPED = 0.6
"""What a row that says the opposite, or another amount, can score at most."""
SHORTLIST = 150
POSTINGS = 60_000
"""How many entries of the word index one question may walk through, the rarest words first."""


class _Entries(dict[str, list[int]]):
    """{word as it stands: the places of the rows that have it}.

    There is one list for all words of a stem; places ascend from -1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.postings: dict[str, list[int]] = {}
        self.end: list[int] = []
        self["\n"] = self.end

    def __missing__(self, word: str) -> list[int]:
        if word.isalpha() or not word:
            known = "" if word in QUIET else stem(word)
        else:  # of what is both, such as 5lb, only a whole word counts
            known = (
                (word.lstrip("0") or "0")
                if word.isdecimal()
                else max(LETTERS.findall(word), key=len, default="")
            )
            known = known if word.isdecimal() or len(known) > 2 else ""
        self[word] = places = self.postings.setdefault(known, [-1]) if known else [-1]
        return places

    def enter(self, words: Sequence[str]) -> None:
        """Enter the words of rows, each row ended by a line feed."""
        place, end = 0, self.end
        for places in map(self.__getitem__, words):
            if places is end:
                place += 1
            elif places[-1] != place:
                places.append(place)
        for places in self.postings.values():
            del places[0]


class Index:
    """The rows of one entity by their words; a row is named by its place, its index in `rows`.

    Attributes:
        rows: The id and the values of `columns` of each row, in the order of ids.
        texts: The text each row is known by, folded and without spaces.
        postings: {word: the places of the rows that have it}.
        place: {column: its index in a row}.
    """

    def __init__(self, db: Connection, catalog: Catalog, entity: Entity) -> None:
        self.entity, self.catalog = entity, catalog
        self.lexicon = Lexicon(*_declared(catalog, entity))
        self.keys = [
            key[0]
            for key in entity.all_keys
            if len(key) == 1 and key[0] != "uuid" and isinstance(entity.kinds[key[0]], Text)
        ]
        self.main = list(entity.calling) or self.keys
        self.columns = list(
            dict.fromkeys((*self.main, *self.keys, *entity.codes, *entity.references))
        )
        self.place = {column: place for place, column in enumerate(self.columns, 1)}
        dialect = dialect_of(db)
        selected = ", ".join(
            dialect.read(dialect.quote(c), entity.kinds[c]) for c in (entity.primary, *self.columns)
        )
        order = dialect.quote(entity.primary)
        self.rows = dialect.fetch(
            db, f"SELECT {selected} FROM {dialect.format_table(entity.table)} ORDER BY {order}"
        )
        self.postings: dict[str, list[int]] = {}
        self.pairs: dict[str, set[tuple[str, ...]]] = {}
        self.texts: list[str] = []
        self._read_rows()
        self.vocabulary = [word for word in self.postings if word.isalpha()]
        self.joined = "\n".join(self.vocabulary)
        self.parents = self._read_parents(db)

    def _read_rows(self) -> None:
        """Enter every row's words.

        Whole columns are taken as one text, a line for each row: a hundred thousand rows are a
        matter of a second.
        """
        entries = _Entries()
        lines = self._lines([self.place[c] for c in self.main])
        self.texts = [line.replace(" ", "") for line in lines]
        keys = [self.place[c] for c in self.keys if c not in self.main]
        if keys:
            lines = list(map(" ".join, zip(lines, self._lines(keys), strict=True)))
        words = " \n ".join(lines).split(" ")
        entries.enter(words)
        self.postings = entries.postings
        runs: list[set[tuple[str, ...]]] = [
            {pair for pair in set(pairwise(words)) if pair[0].isalpha() and pair[1].isalpha()}
        ]
        if len(self.rows) <= 20_000:
            runs.append(set(zip(words, words[1:], words[2:], strict=False)))
        for run in runs:
            for raw in run:
                if all(map(str.isalpha, raw)):
                    phrase = tuple([stem(word) for word in raw])
                    self.pairs.setdefault("".join([word[0] for word in phrase]), set()).add(phrase)
                    if len(phrase) == 2:
                        self.pairs.setdefault("".join(phrase), set()).add(phrase)

    def _lines(self, places: Sequence[int]) -> list[str]:
        """Return the words of these cells, parted by spaces, a line for each row."""
        columns = []
        for place in places:
            cells = list(map(operator.itemgetter(place), self.rows))
            columns.append(cells if set(map(type, cells)) == {str} else list(map(_cell, cells)))
        lines = list(map(" ".join, zip(*columns, strict=True)))
        text = "\n".join(lines)
        if text.count("\n") >= len(lines):  # within a cell, too
            text = "\n".join([line.replace("\n", " ") for line in lines])
        return folded_lines(text)

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

    def _read_parents(self, db: Connection) -> dict[str, dict[int, list[str]]]:
        """Return the words of what the rows refer to: a row is also known by its kind of thing."""
        found = {}
        for column, reference in self.entity.references.items():
            target = self.catalog.entities.get(reference.target)
            if (
                target is None
                or reference.nullable
                or len(target.labels) != 1
                or target is self.entity
            ):
                continue
            dialect = dialect_of(db)
            label, primary = dialect.quote(target.labels[0]), dialect.quote(target.primary)
            rows = dialect.fetch(
                db, f"SELECT {primary}, {label} FROM {dialect.format_table(target.table)}"
            )
            found[column] = {
                identity: self.lexicon.read(str(text)).words
                for identity, text in rows
                if text is not None
            }
        return found

    def label(self, place: int) -> str:
        """Return what people call a row, with what tells it from others of the name."""
        return " ".join(
            said(value) for c in self.main if (value := self.rows[place][self.place[c]]) is not None
        )

    def weight(self, word: str) -> float:
        """Return how much a word tells: the rarer, the more (inverse document frequency)."""
        known = self.postings.get(word)
        if known is None:
            if word[0].isdigit() or len(word) < 2:
                return 0.12
            return (0.75 if len(word) > 2 else 0.3) * math.log(2 + len(self.rows))
        return math.log(1 + (1 + len(self.rows)) / len(known)) * (0.4 if word[0].isdigit() else 1)

    # -- which rows to look at
    def shortlist(self, asked: Sequence[str]) -> list[int]:
        """Return the places of the rows to look at.

        They share the most telling words with what is asked, alike ones too, or are alike as a
        whole.
        """
        found: dict[int, float] = {}
        wanted: list[tuple[int, float, str]] = []
        for word in dict.fromkeys([*asked, *self.lexicon.variants(asked)]):
            for known, similarity in self._expanded(word).items():
                wanted.append((len(self.postings[known]), similarity * self.weight(known), known))
        left = POSTINGS
        for count, weight, known in sorted(wanted):
            if count > left and found:
                break
            left -= count
            for place in self.postings[known]:
                found[place] = found.get(place, 0.0) + weight
        best = heapq.nlargest(SHORTLIST, found, key=found.__getitem__)
        text = "".join(asked)
        if text:
            near = process.extract(
                text, self.texts, scorer=fuzz.ratio, limit=15, score_cutoff=60, processor=None
            )
            best += [place for _, _, place in near]
        return list(dict.fromkeys(best))

    def _expanded(self, word: str) -> dict[str, float]:
        """Return the words of the index a word may stand for, with how likely."""
        found = {word: 1.0} if word in self.postings else {}
        for words in self.pairs.get(word, ()):
            for known in words:
                if known in self.postings:  # words that say nothing stand in no index
                    found[known] = max(found.get(known, 0.0), 0.9)
        if word[0].isdigit() or (word in found and len(word) > 3):
            return found
        for known, _, _ in process.extract(
            word, self.vocabulary, scorer=fuzz.ratio, limit=12, score_cutoff=62
        ):
            if (similarity := alike(word, known)) > 0:
                found.setdefault(known, similarity)
        if 2 <= len(word) <= 6 and word.isalpha():
            pattern = "^" + r"[a-z]*".join(map(re.escape, word)) + "[a-z]*$"
            longer = re.findall(pattern, self.joined, re.MULTILINE)
            longer.sort(key=lambda known: (-shortened(word, known), len(known)))
            for known in longer[:25]:
                if (similarity := alike(word, known)) > 0:
                    found.setdefault(known, similarity)
        return found

    # -- how well a row fits
    def scored(
        self, asked: Words, texts: Sequence[str], place: int
    ) -> tuple[float, list[str], str]:
        """Return score, reasons and warning of one row."""
        row = self.rows[place]
        labels = [self.place[c] for c in (self.entity.labels or self.keys)]
        there = self.lexicon.read(" ".join(said(row[p]) for p in labels if row[p] is not None))
        whole = self.lexicon.read(self.label(place))
        main = list(dict.fromkeys([*there.words, *whole.words]))
        named = [
            word
            for c in self.keys
            if row[self.place[c]] is not None
            for word in self.lexicon.read(row[self.place[c]]).words
        ]
        extra = [
            word
            for column, by_id in self.parents.items()
            for word in by_id.get(row[self.place[column]], ())
        ]
        recall, matches = self._covered(asked.words, main, named, extra)
        precision = self._explained(main, frozenset(there.words), asked.words)
        soft = recall**0.62 * precision**0.38
        own = ["".join(there.words), "".join(whole.words), "".join(named)]
        text = max(
            (fuzz.ratio(mine, theirs) / 100 for mine in texts for theirs in own if mine and theirs),
            default=0.0,
        )
        ordered = "".join(sorted(asked.words))
        text = max(
            text,
            0.98
            * max(
                fuzz.ratio(ordered, "".join(sorted(words))) / 100
                for words in (there.words, whole.words, main)
            ),
        )
        score = min(0.95, 0.68 * soft + 0.32 * text)
        return self._weighed(score, asked, whole, [*main, *named], matches)

    def _covered(
        self, asked: Sequence[str], main: Sequence[str], named: Sequence[str], extra: Sequence[str]
    ) -> tuple[float, list[tuple[str, str, float]]]:
        """Return how much of what is asked the row has, and which of its words stand for which."""
        initials = "".join(word[0] for word in main)
        total = got = 0.0
        matches = []
        for word in asked:
            weight = self.weight(word)
            total += weight
            best, as_ = 0.0, ""
            for words, share in ((main, 1.0), (named, 0.97), (extra, 0.8)):
                for other in words:
                    similarity = alike(word, other) * share
                    if similarity > best:
                        best, as_ = similarity, other
            if best < 0.88 and 2 <= len(word) <= 4 and (at := initials.find(word)) >= 0:
                best, as_ = 0.88, " ".join(main[at : at + len(word)])
            got += weight * best
            if best >= 0.5:
                matches.append((word, as_, best))
        return (got / total if total else 0.0), matches

    def _explained(self, main: Sequence[str], label: frozenset[str], asked: Sequence[str]) -> float:
        """Return how much of the row is asked for; what is beyond its name counts little."""
        joined, total, got = "".join(asked), 0.0, 0.0
        initials = "".join(word[0] for word in main)
        by_initials: set[str] = set()
        for word in asked:
            at = initials.find(word) if 2 <= len(word) <= 4 else -1
            by_initials.update(main[at : at + len(word)] if at >= 0 else ())
        for word in main:
            weight = self.weight(word) * (1.0 if word in label else 0.15)
            best = max((alike(word, other) for other in asked), default=0.0)
            if best < 0.9 and (word in by_initials or (len(word) > 4 and word in joined)):
                best = 0.9
            total += weight
            got += weight * best
        return got / total if total else 0.0

    def _weighed(
        self,
        score: float,
        asked: Words,
        whole: Words,
        there: Sequence[str],
        matches: Sequence[tuple[str, str, float]],
    ) -> tuple[float, list[str], str]:
        """Weigh amounts and look-alikes in, and put it all in words."""
        same = [word for word, other, similarity in matches if similarity >= 0.97 and word == other]
        reasons = [f"same words: {', '.join(dict.fromkeys(same))}"] if same else []
        reasons += [f"{word} may be {other}" for word, other, _ in matches if word != other][:3]
        warning = ""
        for dimension, amount, written in asked.amounts:
            others = [(theirs, text) for d, theirs, text in whole.amounts if d == dimension]
            if any(abs(theirs - amount) <= 0.02 * max(theirs, amount) for theirs, _ in others):
                score = min(0.95, score * 0.94 + 0.06)
                reasons.append(f"same amount: {written}")
            elif others:
                warning = f"{others[0][1]}, not {written}"
                score = min(score * 0.85, CAPPED)
            elif any(text.split()[0] == written.split()[0] for _, _, text in whole.amounts):
                score = min(0.95, score * 0.97 + 0.03)
                reasons.append(f"the same number as in {written}")
        numbers = [text.split()[0] for _, _, text in whole.amounts]
        if not asked.amounts and any(word in numbers for word in asked.words):
            score = min(0.95, score * 0.97 + 0.03)
            number = next(word for word in asked.words if word in numbers)
            reasons.append(f"the same number: {number}")
        opposite = self.lexicon.opposite(asked.words, there)
        if opposite:
            warning = f"says {opposite[1]}, not {opposite[0]}" + (f"; {warning}" if warning else "")
            score = min(score * 0.75, CAPPED)
        return score, reasons, warning


@lru_cache(maxsize=1 << 12, typed=True)
def _cell(value: Any) -> str:
    return "" if value is None else said(value)


def _declared(catalog: Catalog, entity: Entity) -> tuple[list[Sequence[str]], list[Sequence[str]]]:
    """Return the synonyms and lookalikes of an entity and of what it refers to.

    A row of it also goes by the words of those.
    """
    targets = [reference.target for reference in entity.references.values()]
    known = [catalog.entities[target] for target in targets if target in catalog.entities]
    concerned = list(dict.fromkeys([entity, *known]))
    synonyms = [group for each in concerned for group in each.synonyms]
    return synonyms, [group for each in concerned for group in each.lookalikes]
