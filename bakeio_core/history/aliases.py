"""What was learned in earlier imports: keys that mean a row which does not bear them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from bakeio_core.database.dialects import dialect_of
from bakeio_core.history.journal import as_text
from bakeio_core.history.tables import ALIASES
from bakeio_core.values.folding import folded_key


# -- what was learned: keys that mean a row which does not bear them
@dataclass(frozen=True)
class Alias:
    """A key that a person once mapped to a row: `key` as it stood in the file, `row` the id here."""

    entity: str
    key: Mapping[str, Any]
    row: int
    at: str = ""
    run: int | None = None


def _folded(alias: Alias) -> str:
    return as_text([list(pair) for pair in folded_key(alias.key)])


def all_aliases(db: Connection) -> list[Alias]:
    """Return everything learned, in the order of entity and key."""
    if not dialect_of(db).has_table(db, ALIASES.name):
        return []
    found = db.execute(select(ALIASES).order_by(ALIASES.c.entity, ALIASES.c.folded)).mappings()
    return [
        Alias(row["entity"], json.loads(row["key"]), row["row"], row["at"], row["run"])
        for row in found
    ]


def learn(db: Connection, run: int | None, lessons: Iterable[Alias], at: str) -> None:
    """Remember keys and the rows they were mapped to; what was learned of the same key before is replaced."""
    for alias in lessons:
        folded = _folded(alias)
        if len(folded) <= 1000 and dialect_of(db).has_table(db, ALIASES.name):
            db.execute(
                ALIASES.delete().where(ALIASES.c.entity == alias.entity, ALIASES.c.folded == folded)
            )
            db.execute(
                ALIASES.insert().values(
                    entity=alias.entity,
                    folded=folded,
                    key=as_text(dict(alias.key)),
                    row=alias.row,
                    run=run,
                    at=at,
                )
            )


def forget_alias(db: Connection, entity: str, value: str) -> int:
    """Forget what was learned of a name of an entity, however it is spelled; return how many keys that were."""
    gone = [
        a
        for a in all_aliases(db)
        if a.entity == entity and {*folded_key(dict.fromkeys(a.key, value))} & {*folded_key(a.key)}
    ]
    for alias in gone:
        db.execute(
            ALIASES.delete().where(ALIASES.c.entity == entity, ALIASES.c.folded == _folded(alias))
        )
    return len(gone)
