"""Rank the rows a name that matches none may mean.

Exact ones come first, then equal after folding, learned, of the same standard number, then alike.
What is alike is told by words weighted by how rare they are, each matched softly (spelling,
abbreviation, initials), by the whole text, and by amounts ("5 lb" is "80 oz"). Only what is equal
or learned is `automatic`; what is merely alike never is.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.model import Entity, RowId
from bakeio_core.catalog.exchange import NOTHING_FITS, Candidate, Progress
from bakeio_core.resolving.ranking.fit import Fit
from bakeio_core.resolving.ranking.fitness import DEFAULT, Question, Weighing
from bakeio_core.resolving.ranking.index import Index
from bakeio_core.resolving.ranking.likelihood import COMPARED, likelihoods
from bakeio_core.resolving.ranking.reading import read_index
from bakeio_core.resolving.ranking.words import Words, alike, head_of, is_unit
from bakeio_core.values.folding import fold, folded_key, padded
from bakeio_core.values.kinds.text import Text
from bakeio_core.values.wording import said

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog

FITS = 0.02
"""Where the best row's score is below this, nothing fits well: there is no suggestion."""
UNLIKELY = 0.05
"""Where it is below this, none of the rows is likely: only the nearest is told, as what it is."""
MOST_FOUND = 0.8
"""But where a row has this share of what is asked, there are only too many that fit."""
BESIDE = 0.01
"""A row is shown beside a better one if its score is at least this share of the other's."""
NOTHING = 0.005
"""A score below this reads as nothing; such rows are only shown where all are like that."""
FILED = 0.05
"""What it counts that a row is filed under the same choice of those a column offers."""
RIVALS = 5
"""So many of the best rows are asked for a word that another one lacks."""
CONTRARY = 0.85
"""What is left of the fitness of a row that says something else than what is known."""


@dataclass
class _Found:
    """A row found, with its score; automatic where it is the very thing."""

    score: float
    reasons: list[str]
    warning: str = ""
    automatic: bool = False


def as_asked(entity: Entity, text: str) -> dict[str, Any]:
    """Return what a person typed for a row as the columns it may stand for.

    That is what people call a row, and its standard number.
    """
    keys = [
        key[0]
        for key in entity.all_keys
        if len(key) == 1 and key[0] != "uuid" and isinstance(entity.kinds[key[0]], Text)
    ]
    return {(*entity.labels, *keys, entity.primary)[0]: text} | {
        code: text for code in entity.codes if padded(text)
    }


class Candidates:
    """Find candidates in the rows of a database.

    An entity is indexed when it is first asked about, or by `prepare` while `db` is open.

    Args:
        db: The connection; None where `known` has every entity that is asked about.
        catalog: The entities that are installed.
        aliases: What was learned, {(entity, folded key): id}.
        weighing: What each kind of evidence counts.
        known: Rows that are not those of the database, {entity: index}.
        progress: Called with (entity, rows indexed).
    """

    def __init__(
        self,
        db: Connection | None,
        catalog: Catalog,
        aliases: Mapping[Any, RowId],
        weighing: Weighing = DEFAULT,
        known: Mapping[str, Index] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.db, self.catalog, self.aliases = db, catalog, aliases
        self.weighing, self._progress = weighing, progress
        self._known: dict[str, Index] = dict(known or {})

    def prepare(self, entities: Iterable[str]) -> None:
        """Index entities and what new rows of them refer to: answers need no database then."""
        for name in entities:
            references = self.catalog.entities[name].references.values()
            for needed in (name, *(reference.target for reference in references)):
                if needed in self.catalog.entities:
                    self.index(needed)

    def index(self, entity: str) -> Index:
        """Return the index of an entity."""
        if entity not in self._known and self.db is not None:
            wanted = self.catalog.entities[entity]
            self._known[entity] = read_index(self.db, self.catalog, wanted, self._progress)
        return self._known[entity]

    def label(self, entity: str, identity: RowId) -> str | None:
        """Return what people call a row, None where it is gone."""
        index = self.index(entity)
        for place, row in enumerate(index.rows):
            if row[0] == identity:
                return index.label(place)
        return None

    def of_missing(self, missing: Any, limit: int) -> list[Candidate]:
        """Return the candidates for a missing key, or the rows an ambiguous one may mean."""
        index = self.index(missing.entity)
        if missing.ambiguous_ids:
            meant = set(missing.ambiguous_ids)
            reason = f"the same {' and '.join(missing.key)}, which others have too"
            return [
                self._candidate(index, place, _Found(0.9, [reason]), automatic=False)
                for place, row in enumerate(index.rows)
                if row[0] in meant
            ]
        known = {*index.columns, *missing.key}
        told = {c: v for c, v in missing.context.items() if c.partition(".")[0] in known}
        return self.of_values(missing.entity, missing.key, limit, told)

    def of_text(self, entity: str, text: str, limit: int) -> list[Candidate]:
        """Return the candidates for whatever a person typed."""
        return self.of_values(entity, as_asked(self.catalog.entities[entity], text), limit)

    def of_values(
        self, entity: str, key: Mapping[str, Any], limit: int, told: Mapping[str, Any] | None = None
    ) -> list[Candidate]:
        """Return the candidates for a row, the best first.

        Args:
            entity: Whose rows.
            key: {column: what names the row}; a choice is learned for these alone.
            limit: How many candidates.
            told: {column: what else is known of it, as a file says it}.
        """
        index, values = self.index(entity), {**(told or {}), **key}
        texts = {
            c: str(v)
            for c, v in values.items()
            if v not in (None, "") and c not in index.entity.codes and c != "uuid"
        }
        fits = self.ranked(entity, texts, max(limit, COMPARED))
        scores = likelihoods(fits)
        found: dict[int, _Found] = {}
        for fit, score in zip(fits, scores, strict=True):
            equal = None if fit.contrary else self._equal(index, fit.place, texts)
            found[fit.place] = (
                _Found(equal[0], [equal[1]], automatic=True)
                if equal
                else _Found(score, fit.reasons, fit.warning)
            )
        self._by_code(index, values, found)
        learned = self.aliases.get((entity, folded_key(key)))
        if learned is not None:
            for place, row in enumerate(index.rows):
                if row[0] == learned:
                    found[place] = _Found(0.98, ["was chosen for this name before"], automatic=True)
        best = heapq.nsmallest(limit, found, key=lambda place: -found[place].score)
        has_most = (
            bool(fits) and fits[0].found >= MOST_FOUND
        )  # so may many rows, none of them likely
        if not best or (found[best[0]].score < FITS and not has_most):
            return []
        top = found[best[0]].score
        if top < UNLIKELY and not has_most:
            del best[1:]
            found[best[0]].reasons.insert(0, NOTHING_FITS)
        least = max(BESIDE * top, NOTHING if top >= FITS else 0.0)
        several = sum(each.automatic for each in found.values()) > 1
        return [
            self._candidate(index, place, found[place], automatic=not several)
            for place in best
            if found[place].score >= least
        ]

    def ranked(self, entity: str, texts: Mapping[str, str], most: int) -> list[Fit]:
        """Return how well the rows fit that may, the best first.

        Args:
            entity: Whose rows.
            texts: {column: what is known of the row}.
            most: How many rows.
        """
        index = self.index(entity)
        read = index.lexicon.read
        order = {column: place for place, column in enumerate(index.main)}
        told = sorted(set(texts) & order.keys(), key=order.__getitem__)
        name = " ".join(said(texts[c]) for c in told)
        main = read(name)
        parts = [read(texts[c]) for c in index.keys if c in texts and c not in order]
        others = [
            read(texts[c])
            for c in texts
            if c not in {*order, *index.keys, *index.entity.references, *index.entity.choices}
        ]
        asked = Words.together([main, *parts, *others])
        if not asked.words:
            return []
        strings = ["".join(part.words) for part in (main, *parts)]
        question = Question(index, asked, strings, self.weighing, head_of(name))
        fits = [question.fit(place) for place in index.shortlist(asked.words)]
        for fit in fits:
            contrary = self._contrary(index, fit.place, texts)
            if contrary:
                fit.fitness *= CONTRARY
                fit.warning = "; ".join(filter(None, (contrary, fit.warning)))
                fit.contrary = True
            self._weigh_choices(index, fit, texts)
        fits.sort(key=lambda fit: (-fit.fitness, fit.place))
        for fit in fits[:most]:
            question.explain(fit, fits[:RIVALS])
        return fits[:most]

    @staticmethod
    def _equal(index: Index, place: int, texts: Mapping[str, str]) -> tuple[float, str] | None:
        """Tell whether a row has one of the very texts as its name or key."""
        best = None
        for column in dict.fromkeys((*index.keys, *index.entity.labels[:1])):
            here = index.rows[place][index.place[column]] if column in index.place else None
            if (
                column not in texts
                or not isinstance(here, str)
                or (column not in index.keys and len(index.entity.labels) > 1)
            ):
                continue
            if here == texts[column]:
                return 1.0, f"the same {column}"
            if fold(here, slug=column == "slug") == fold(texts[column], slug=column == "slug"):
                best = (0.99, f"the same {column} except for capitals, spaces and signs")
        return best

    @staticmethod
    def _contrary(index: Index, place: int, texts: Mapping[str, str]) -> str:
        """Tell where a row says something else than what is known of the one wanted.

        Its name does not count; empty where nothing else does.
        """
        for column in index.main:
            here = index.rows[place][index.place[column]]
            if (
                column in index.entity.labels
                or column in index.keys
                or column not in texts
                or not isinstance(here, str)
            ):
                continue
            if is_unit(texts[column]):  # amounts are compared with their numbers
                continue
            asked, there = index.lexicon.read(texts[column]).words, index.lexicon.read(here).words
            if asked and there and max(alike(one, other) for one in asked for other in there) < 0.5:
                return f"{column} is {here}, not {texts[column]}"
        return ""

    @staticmethod
    def _weigh_choices(index: Index, fit: Fit, texts: Mapping[str, str]) -> None:
        """Weigh in what the row is filed under."""
        for column in index.entity.choices:
            here = index.value(fit.place, column)
            if column in index.main or column not in texts or not isinstance(here, str):
                continue
            fit.fitness *= 1 - FILED
            if fold(here) == fold(texts[column]):
                fit.fitness += FILED
                fit.reasons.append(f"the same {column}")

    @staticmethod
    def _by_code(index: Index, values: Mapping[str, Any], found: dict[int, _Found]) -> None:
        for column in index.entity.codes:
            digits = padded(values.get(column))
            for place in index.codes.get(digits, ()) if digits else ():
                if place not in found or found[place].score < 0.97:
                    found[place] = _Found(0.97, [f"the same {column}"])

    @staticmethod
    def _candidate(index: Index, place: int, found: _Found, automatic: bool) -> Candidate:
        row, entity = index.rows[place], index.entity
        column = index.keys[0] if index.keys else entity.primary
        key = {column: row[index.place[column]] if column in index.place else row[0]}
        return Candidate(
            entity.name,
            row[0],
            key,
            index.label(place),
            round(found.score, 2),
            tuple(found.reasons),
            automatic and found.automatic,
            found.warning,
        )
