"""What was learned in earlier imports: keys that mean a row which does not bear them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bakeio_core.history.journal.journal import texts
from bakeio_core.history.learned.replaced import forget, learn_instead, standing
from bakeio_core.history.tables import ALIASES, RowNumbers, has_own
from bakeio_core.values.folding import folded_key

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.entities.model import RowId
    from bakeio_core.catalog.exchange import Identity

MOST_FOLDED = 1000
"""How many characters of a folded key `bakeio_aliases` holds; a longer key is not learned."""


@dataclass(frozen=True)
class Alias:
    """A key that a person once mapped to a row: `key` as it stood in the file, `row` the id here.

    Attributes:
        at: When, in UTC as ISO 8601.
        run: The import it was learned in, None where it came with a set.
    """

    entity: str
    key: Mapping[str, Any]
    row: RowId
    at: str = ""
    run: int | None = None


def _folded(alias: Alias) -> str:
    return texts([[list(pair) for pair in folded_key(alias.key)]])[0]


def all_aliases(db: Connection) -> list[Alias]:
    """Return everything learned and not forgotten, in the order of entity and key.

    What a run had learned is forgotten while that run is taken back.
    """
    named = RowNumbers(db)
    return [
        Alias(
            row["entity"],
            json.loads(row["key"]),
            named.ids(row["entity"], [row["row"]])[0],
            row["at"],
            row["run"],
        )
        for row in standing(db, ALIASES)
    ]


def learned(db: Connection) -> dict[Identity, RowId]:
    """Return what was learned: {identity of a missing key: id of its row}."""
    return {(alias.entity, folded_key(alias.key)): alias.row for alias in all_aliases(db)}


def learn(db: Connection, run: int | None, lessons: Iterable[Alias], at: str) -> None:
    """Remember keys and the rows they were mapped to, instead of what was learned of them before.

    Args:
        db: The connection, in a transaction that writes.
        run: The import that learned, None where a set brought what was learned elsewhere.
        lessons: The keys with their rows.
        at: The moment in UTC, as ISO 8601.
    """
    for alias in lessons:
        folded = _folded(alias)
        if len(folded) <= MOST_FOLDED and has_own(db, ALIASES):
            entry = {
                "entity": alias.entity,
                "folded": folded,
                "key": texts([dict(alias.key)])[0],
                "row": RowNumbers(db).give(alias.entity, [alias.row])[0],
                "run": run,
                "at": at,
            }
            learn_instead(db, ALIASES, entry)


def forget_alias(db: Connection, entity: str, value: str) -> int:
    """Forget what was learned of a name of an entity, however it is spelled.

    Returns:
        How many keys that were.
    """
    gone = [
        alias
        for alias in all_aliases(db)
        if alias.entity == entity
        and {*folded_key(dict.fromkeys(alias.key, value))} & {*folded_key(alias.key)}
    ]
    for alias in gone:
        forget(db, ALIASES, {"entity": entity, "folded": _folded(alias)})
    return len(gone)
