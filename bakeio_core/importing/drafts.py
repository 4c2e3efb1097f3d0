"""Records on their way through planning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bakeio_core.catalog.exchange import Decision
from bakeio_core.catalog.model import Entity, Key
from bakeio_core.importing.linking import LinkError

CREATED = "sum of created records"
"""Counts the numbers of the records to create, besides `COUNTS`: another record created is another outcome."""


@dataclass(slots=True)
class PendingParent:
    """A row to be created for a missing reference, once a record that needs it proves good."""

    target: Entity
    decision: Decision
    link: LinkError


@dataclass(slots=True)
class Draft:
    """A record on its way: its values by column, its references as links, the row it was matched to."""

    number: int
    values: dict[str, Any]
    links: dict[str, Any]
    lookups: dict[str, tuple[Any, ...]]
    row: tuple[Any, ...] | None = None
    key: Key | None = None
