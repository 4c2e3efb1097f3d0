"""A row taken apart into the words it is known by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bakeio_core.resolving.ranking.index import Index
from bakeio_core.resolving.ranking.words import Words
from bakeio_core.values.wording import said


@dataclass
class RowWords:
    """A row taken apart.

    Attributes:
        label: The words of its name.
        main: The words of its name, and what tells it from others of the name.
        named: The words of its keys that are not in its name.
        referred: {word of a row it refers to: the column}.
        whole: All that as it was read.
    """

    label: list[str]
    main: list[str]
    named: list[str]
    referred: dict[str, str]
    whole: Words


def read_row(index: Index, place: int) -> RowWords:
    """Take a row apart."""
    entity, read = index.entity, index.lexicon.read
    labels = entity.labels or index.keys
    label = read(_text(index, place, labels))
    rest = index.read_often(_text(index, place, [c for c in index.main if c not in labels]))
    referred: dict[str, str] = {}
    parts = [label, rest]
    for column, known in index.referred.items():
        text = known.labels.get(known.ids[place])
        if text is not None:
            parts.append(index.read_often(text))
            referred |= dict.fromkeys(parts[-1].words, column)
    if referred and index.lacks_name(place):
        label = Words.together(parts[:1] + parts[2:])
        referred = {}
    named = []
    if place in index.told_by_key:
        named = read(_text(index, place, [c for c in index.keys if c not in index.main])).words
    main = [*label.words, *(word for word in rest.words if word not in label.words)]
    extra = {word: column for word, column in referred.items() if word not in main}
    whole = Words.together(parts)
    whole.amounts = label.amounts + rest.amounts
    return RowWords(label.words, main, named, extra, whole)


def _text(index: Index, place: int, columns: Iterable[str]) -> str:
    values = (index.value(place, column) for column in columns)
    return " ".join(said(value) for value in values if value is not None)
