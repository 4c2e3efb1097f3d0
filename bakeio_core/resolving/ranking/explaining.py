"""Say why a row fits what is asked, and warn where it may be another thing all the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property

from bakeio_core.resolving.ranking.fit import Fit
from bakeio_core.resolving.ranking.index import REFERRED, Index
from bakeio_core.resolving.ranking.row_words import RowWords
from bakeio_core.resolving.ranking.words import PRAISE, REMARKS, Words, alike, is_unit

COUNTERPART = 0.6
"""From this likeness on two words may be one."""
ANSWERED = COUNTERPART * REFERRED
SPELLED = 0.8
"""Below this likeness a word is hardly another one, misspelt."""
CLEARLY = 0.1
"""By so much more another word is alike, where the row's is not the one that was meant."""
UNKNOWN = 5
"""A word that is not known means something if it has so many letters; a place may have one less."""
MUCH = 0.4
"""A row that lacks known words of this share of what is asked may be another thing."""
AS_MUCH = 0.15
"""A row fits about as well that has so much less of what is asked."""
PART = 4
"""A word that another one begins with has so many letters, or it is hardly a part of it."""
ENDINGS = ("ed", "d", "ing", "y", "er", "ly")


class Explanation:
    """What speaks for a row and against it, in words.

    Args:
        index: Whose row.
        asked: What is asked.
        fit: How well the row fits; it is told the reasons and the warning.
        row: The row taken apart.
        others: The other rows that fit.
        share: Tells how much of what is asked some of its words are.
        head: The word that says what kind of thing is asked for, empty for none.
    """

    def __init__(
        self,
        index: Index,
        asked: Words,
        fit: Fit,
        row: RowWords,
        others: Sequence[Fit],
        share: Callable[[Sequence[str]], float],
        head: str,
    ) -> None:
        self.index, self.asked = index, asked
        self.fit, self.row, self.others, self.share = fit, row, others, share
        self.head = head

    def tell(self) -> None:
        """Say which words are the same, which may be, and which have no counterpart."""
        written = self.row.whole.written | self.asked.written
        same, near = [], []
        for word, (other, likeness) in self.fit.matches.items():
            if word == other and other in self.row.referred:
                column = self.row.referred[other]
                near.append(f"{written.get(other, other)}, its {_title(column)}")
            elif word == other:
                same.append(written.get(word, word))
            elif likeness >= ANSWERED and not self._is_far(word, other, likeness):
                meant = " ".join(self.row.whole.written.get(each, each) for each in other.split())
                near.append(f"{written.get(word, word)} may be {meant}")
        words = [f"same words: {', '.join(same)}"] if same else []
        self.fit.reasons[:0] = [*words, *near[:3]] or ["similar as a whole"]
        if self.lacks:
            self.fit.reasons.append("lacks " + ", ".join(map(self._ours, self.lacks[:3])))
        self._warn()

    @cached_property
    def lacks(self) -> list[str]:
        """The words asked for that the row does not have in any form."""
        return [
            word
            for word, (other, likeness) in self.fit.matches.items()
            if (likeness < ANSWERED or self._is_far(word, other, likeness))
            and self._tells(word)
            and not self._is_written_there(word)
        ]

    def _warn(self) -> None:
        matches = self.fit.matches.items()
        sure = {other for _, (other, likeness) in matches if likeness >= SPELLED}
        far = [other for word, (other, like) in matches if self._is_far(word, other, like)]
        far = [other for other in far if other not in sure]
        has = [word for word in dict.fromkeys((*far, *self.fit.missed)) if self._tells(word)]
        telling = [word for word in self.lacks if not self._is_like(word, PRAISE)]
        pairs = ((asked, there) for asked in telling for there in has)
        contrary = next((pair for pair in pairs if self._contrary(*pair)), None)
        known = [word for word in telling if self._is_known(word)]
        other = next(self._meant_otherwise(), None)
        better = next(self._told_by_others(known), None)
        if contrary:
            there = self.row.whole.written.get(contrary[1], contrary[1])
            asked = self._ours(contrary[0])
            if f", not {asked}" not in self.fit.warning.casefold():
                self.fit.warn(f"has {there}, not {asked}", last=True)
        elif known and (self.share(known) > MUCH or self._names_kind(known[-1])):
            self.fit.warn(f"says nothing of {self._ours(known[-1])}", last=True)
        elif better:
            word, label = better
            self.fit.warn(f"says nothing of {self._ours(word)}, as {label} does", last=True)
        elif other:
            self.fit.warn(f"{self._ours(other[0])} may be {other[1]}", last=True)
        elif max((like for _, like in self.fit.matches.values()), default=0.0) < SPELLED:
            self.fit.warn("no word is the same", last=True)

    def _ours(self, word: str) -> str:
        return self.asked.written.get(word, word)

    def _names_kind(self, word: str) -> bool:
        """Tell whether a word says what kind of thing is asked for: a `garden hose` is a hose.

        It is the last one, as in the rows that have it.
        """
        return word == self.head and self.index.is_head(word)

    def _told_by_others(self, words: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield (word, label of a row) of words that a row has which fits as well in other words.

        Where such rows are there, one without the word is hardly meant.
        """
        for other in self.others:
            for word in words:
                there, likeness = other.matches.get(word, ("", 0.0))
                is_there = there == word or there in self._meant(word)
                if is_there and likeness >= SPELLED and other.found > self.fit.found - AS_MUCH:
                    yield word, self.index.label(other.place)

    # -- words
    def _tells(self, word: str) -> bool:
        """Tell whether a word means something.

        It is known, such as the two letters of a place, or too long to be a till's remark.
        """
        if not word.isalpha() or is_unit(word) or self._is_like(word, REMARKS):
            return False
        if word in self.index.telling_apart:
            return len(word) >= 2
        return len(word) >= (3 if word in self.index.vocabulary else UNKNOWN - 1)

    def _is_like(self, word: str, words: Collection[str]) -> bool:
        """Tell whether a word is one of some, or one of them misspelt."""
        if word in words or word in self.index.vocabulary:
            return word in words
        return any(alike(word, other) >= SPELLED for other in words)

    def _is_known(self, word: str) -> bool:
        """Tell whether a word is known, or a misspelling of one that is."""
        return word in self.index.vocabulary or bool(self._meant(word))

    def _meant(self, word: str) -> dict[str, float]:
        """Return the known words that one is likely to be, misspelt or cut short."""
        near = self.index.vocabulary.near(word)
        best = max(near.values(), default=0.0)
        return {known: like for known, like in near.items() if SPELLED <= like > best - CLEARLY / 2}

    def _meant_otherwise(self) -> Iterator[tuple[str, str]]:
        """Yield (word asked, known word) where the row's is far less alike to it."""
        for word, (there, likeness) in self.fit.matches.items():
            is_guess = there != word and likeness >= ANSWERED and self._tells(word)
            if not is_guess or word in self.index.vocabulary or " " in there:
                continue
            meant = self._meant(word)
            if meant and there not in meant and min(meant.values()) > likeness + CLEARLY:
                yield word, next(iter(meant))

    def _is_far(self, word: str, other: str, likeness: float) -> bool:
        """Tell whether a word is hardly the one of the row that it is most alike to.

        Nobody misspells the first letter and much of the rest; it may have been left out.
        """
        if not ANSWERED <= likeness < SPELLED or len(word) < UNKNOWN or " " in other:
            return False
        is_unlike = word[0] != other[0] and not other.endswith(word)
        return is_unlike and word not in self.index.vocabulary

    def _is_written_there(self, word: str) -> bool:
        """Tell whether the row has a word in another form, or as a part of one of its words."""
        written = {*self.row.whole.literal, *self.row.main, *self.row.named}
        return any(
            (len(word) >= PART and other.startswith(word))
            or word in [other + ending for ending in ENDINGS]
            or (not self._is_sure(word, other) and alike(word, other) >= SPELLED)
            for other in written
        )

    def _is_sure(self, word: str, other: str) -> bool:
        """Tell whether two words are both known, so that neither is the other one misspelt."""
        return word in self.index.vocabulary and other in self.index.vocabulary

    def _contrary(self, asked: str, there: str) -> bool:
        """Tell whether a word of a row may stand where another one is asked for.

        Who asks for a shop need not name its place: a place only speaks against another place. And
        who writes `cook` may mean cookies.
        """
        if there.startswith(asked):
            return False
        places = self.index.telling_apart
        if self._is_known(asked):
            return there in self.row.label or asked in places
        return len(asked) >= UNKNOWN or (there in places and there not in self.row.label)


def _title(column: str) -> str:
    return column.removesuffix("_id").replace("_", " ")
