"""Rank the rows a name that matches none may mean.

Exact ones come first, then equal after folding, learned, of the same standard number, then alike.
What is alike is told by words weighted by how rare they are, each matched softly (spelling,
abbreviation, initials), by the whole text, and by amounts ("5 lb" is "80 oz"). Only what is equal
or learned is `automatic`; what is merely alike never is.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.exchange import Candidate
from bakeio_core.catalog.model import Entity, RowId
from bakeio_core.resolving.index import CAPPED, Index
from bakeio_core.resolving.words import Words, alike
from bakeio_core.values.folding import fold, folded_key, padded
from bakeio_core.values.text import Text
from bakeio_core.values.wording import said

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog

SHOWN_FROM = 0.4
"""Below this score a row is no suggestion."""


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
        db: The connection.
        catalog: The entities that are installed.
        aliases: What was learned, {(entity, folded key): id}.
    """

    def __init__(self, db: Connection, catalog: Catalog, aliases: Mapping[Any, RowId]) -> None:
        self.db, self.catalog, self.aliases = db, catalog, aliases
        self._known: dict[str, Index] = {}

    def prepare(self, entities: Iterable[str]) -> None:
        """Index entities and what new rows of them refer to: answers need no database then."""
        for name in entities:
            references = self.catalog.entities[name].references.values()
            for needed in (name, *(reference.target for reference in references)):
                if needed in self.catalog.entities:
                    self.index(needed)

    def index(self, entity: str) -> Index:
        """Return the index of an entity."""
        if entity not in self._known:
            self._known[entity] = Index(self.db, self.catalog, self.catalog.entities[entity])
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
        if missing.among:
            among = set(missing.among)
            reason = f"the same {' and '.join(missing.key)}, which others have too"
            return [
                self._candidate(index, place, 0.9, [reason], "")
                for place, row in enumerate(index.rows)
                if row[0] in among
            ]
        told = {c: v for c, v in missing.context.items() if c in index.main}
        return self.of_values(missing.entity, {**told, **missing.key}, limit)

    def of_text(self, entity: str, text: str, limit: int) -> list[Candidate]:
        """Return the candidates for whatever a person typed."""
        return self.of_values(entity, as_asked(self.catalog.entities[entity], text), limit)

    def of_values(self, entity: str, values: Mapping[str, Any], limit: int) -> list[Candidate]:
        """Return the candidates for a row of which these columns are known, the best first."""
        index = self.index(entity)
        found: dict[int, tuple[float, list[str], str, bool]] = {}
        learned = self.aliases.get((entity, folded_key(values)))
        texts = {
            c: str(v)
            for c, v in values.items()
            if v not in (None, "") and c not in index.entity.codes and c != "uuid"
        }
        order = {column: place for place, column in enumerate(index.main)}
        parts = [index.lexicon.read(texts[c]) for c in index.keys if c in texts and c not in order]
        main = index.lexicon.read(
            " ".join(
                said(texts[c]) for c in sorted(set(texts) & order.keys(), key=order.__getitem__)
            )
        )
        others = [
            index.lexicon.read(texts[c])
            for c in texts
            if c not in order and c not in index.keys and c not in index.entity.references
        ]
        whole = [main, *parts, *others]
        asked = Words(
            list(dict.fromkeys(w for part in whole for w in part.words)),
            [a for part in whole for a in part.amounts],
        )
        strings = ["".join(part.words) for part in (main, *parts)]
        for place in index.shortlist(asked.words) if asked.words else ():
            score, reasons, warning = index.scored(asked, strings, place)
            equal, contrary = self._equal(index, place, texts), self._contrary(index, place, texts)
            if contrary:
                score = min(score * 0.85, CAPPED + 0.1)
                warning = "; ".join(filter(None, (contrary, warning)))
            elif equal:
                score, reasons, warning = equal[0], [equal[1]], ""
            if score >= SHOWN_FROM:
                found[place] = (score, reasons, warning, bool(equal and not contrary))
        self._by_code(index, values, found)
        if learned is not None:
            for place, row in enumerate(index.rows):
                if row[0] == learned:
                    found[place] = (0.98, ["was chosen for this name before"], "", True)
        best = heapq.nsmallest(limit, found, key=lambda place: (-found[place][0], place))
        several = sum(found[place][3] for place in found) > 1
        return [
            self._candidate(
                index, place, *found[place][:3], automatic=found[place][3] and not several
            )
            for place in best
        ]

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
                best = (0.99, f"the same {column} but for capitals, spaces and signs")
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
            asked, there = index.lexicon.read(texts[column]).words, index.lexicon.read(here).words
            if asked and there and max(alike(one, other) for one in asked for other in there) < 0.5:
                return f"{column} is {here}, not {texts[column]}"
        return ""

    @staticmethod
    def _by_code(index: Index, values: Mapping[str, Any], found: dict[int, Any]) -> None:
        for column in index.entity.codes:
            digits = padded(values.get(column))
            for place in index.codes.get(digits, ()) if digits else ():
                if place not in found or found[place][0] < 0.97:
                    found[place] = (0.97, [f"the same {column}"], "", False)

    @staticmethod
    def _candidate(
        index: Index,
        place: int,
        score: float,
        reasons: Sequence[str],
        warning: str,
        automatic: bool = False,
    ) -> Candidate:
        row, entity = index.rows[place], index.entity
        column = index.keys[0] if index.keys else entity.primary
        key = {column: row[index.place[column]] if column in index.place else row[0]}
        return Candidate(
            entity.name,
            row[0],
            key,
            index.label(place),
            round(score, 2),
            tuple(reasons),
            automatic,
            warning,
        )
