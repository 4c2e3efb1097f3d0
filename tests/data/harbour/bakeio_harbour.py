"""Hand the tables of the harbour to bakeio."""

from __future__ import annotations

from collections.abc import Iterator

from harbour import Base
from sqlalchemy import MetaData

from bakeio_core import Entity, View, editable, hookimpl, key, readonly

KEYS = {
    "members": ["email"],
    "boats": ["name"],
    "voyages": ["code"],
    "log_entries": [("voyage_id", "line")],
    "bookings": ["number"],
    "fees": [("booking_id", "amount")],
}
OTHERS = ["berths", "gate_keys", "sailboats", "motorboats", "crew"]
LOOKUPS = {
    "voyages": {"boat_id": {"boat_name": "name"}},
    "log_entries": {"voyage_id": {"voyage_code": "code"}},
}


@hookimpl
def bakeio_entities(metadata: MetaData) -> Iterator[Entity]:
    """Declare what is exported; `metadata` is for plugins that make tables of their own."""
    for name in (*KEYS, *OTHERS):
        table = Base.metadata.tables[name]
        yield Entity(table, keys=KEYS.get(name, ()), lookups=LOOKUPS.get(name, {}))


@hookimpl
def bakeio_views() -> View:
    """Declare the logbook, for people to write in."""
    fields = {"voyage": readonly("voyage_id.code"), "line": key("line"), "said": editable("said")}
    return View(name="logbook", entity="log_entries", fields=fields)
