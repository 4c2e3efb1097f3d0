"""Which run, file and record set a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.model import Entity
from bakeio_core.history.journal import batches, fields_set, read_text
from bakeio_core.history.tables import all_runs
from bakeio_core.history.undo import wire

if TYPE_CHECKING:
    from sqlalchemy import Connection


# -- which run set a value
def history_of(
    db: Connection, entity: Entity, identity: int, column: str | None = None
) -> list[dict[str, Any]]:
    """Return what runs did to a row, the latest first: {run, at, source, file, record, action, field, old, new, decision}."""
    known = {entry["id"]: entry for entry in all_runs(db)}
    found = []
    for item in fields_set(db, entity=entity.name, row=identity):
        if column in (None, item.field):
            told = {
                "action": "set",
                "field": item.field,
                "old": wire(entity, item.field, read_text(item.old)),
                "new": wire(entity, item.field, read_text(item.new)),
                "decision": item.decision,
            }
            found.append((item.run, item.file, item.record, told))
    for run, batch in batches(db, entity=entity.name):
        if batch.action == "create" and identity in batch.ids:
            found.append(
                (
                    run,
                    batch.file,
                    batch.records[list(batch.ids).index(identity)],
                    {"action": "create"},
                )
            )
        for row in batch.rows:
            if row.get(entity.primary) == identity:
                found.append((run, None, None, {"action": "delete"}))
    found.sort(key=lambda item: -item[0])
    return [
        {
            "run": run,
            "at": known[run]["at"],
            "source": known[run]["source"],
            "file": file or None,
            "record": record or None,
            **told,
        }
        for run, file, record, told in found
    ]
