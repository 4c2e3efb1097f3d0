"""Which rows have a word: in their own cells, or in a row they refer to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from bakeio_core.resolving.ranking.words import LETTERS, QUIET, folded_lines, stem


class Entries(dict[str, list[int]]):
    """{word as it stands: the places of the rows that have it}.

    There is one list for all words of a stem; places ascend from -1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.postings: dict[str, list[int]] = {}
        self.end: list[int] = []
        self.place = 0
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

    def enter(self, lines: Sequence[str]) -> None:
        """Enter the words of more rows, a line each."""
        place, end = self.place, self.end
        for places in map(self.__getitem__, " \n ".join([*lines, ""]).split(" ")):
            if places is end:
                place += 1
            elif places[-1] != place:
                places.append(place)
        self.place = place

    def finished(self) -> dict[str, list[int]]:
        """Return {word: the places of the rows that have it}."""
        for places in self.postings.values():
            del places[0]
        return self.postings


class Referred:
    """What the rows refer to by one column: a row is also known by its kind of thing.

    Args:
        labels: {id of a referred row: what people call it}.
        ids: What each row refers to.
    """

    def __init__(self, labels: dict[int, str], ids: Sequence[int]) -> None:
        self.labels, self.ids = labels, ids
        self._places: dict[str, list[int]] = {}

    @cached_property
    def postings(self) -> dict[str, list[int]]:
        """{word: the numbers of the labels that have it}."""
        entries = Entries()
        entries.enter(folded_lines("\n".join(map(one_line, self.labels.values()))))
        return entries.finished()

    @cached_property
    def _rows(self) -> list[list[int]]:
        """The places of the rows of each label."""
        rows: dict[int, list[int]] = {identity: [] for identity in self.labels}
        for place, identity in enumerate(self.ids):
            if identity in rows:
                rows[identity].append(place)
        return list(rows.values())

    def places(self, word: str) -> list[int]:
        """Return the places of the rows that refer to one that has this word."""
        if word not in self._places:
            labels = self.postings.get(word, ())
            self._places[word] = [place for label in labels for place in self._rows[label]]
        return self._places[word]


def one_line(text: str) -> str:
    """Return a text without line ends."""
    return text.replace("\n", " ")
