"""Tell which run, file and record set a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from bakeio_core.history.journal.entries import batches_with, fields_set, read_text, wire_value
from bakeio_core.history.journal.journal import all_runs
from bakeio_core.history.reports.told import RowEvent

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.entities.model import Entity, RowId

Action = Literal["create", "set", "delete"]


def history_of(
    db: Connection, entity: Entity, identity: RowId, column: str | None = None
) -> list[RowEvent]:
    """Find out what runs did to a row.

    Args:
        db: The connection.
        entity: Whose row it is.
        identity: The id of the row.
        column: Only what was done to this column, besides creating and deleting the row.

    Returns:
        {run, at, source, file, record, action, field, old, new, decision} of each event, the
        latest first; without the last four where the row was created or deleted.
    """
    known = {entry["id"]: entry for entry in all_runs(db)}
    if not known:
        return []
    found: list[RowEvent] = []

    def event(run: int, file: str | None, record: int | None, action: Action, **more: Any) -> None:
        told = RowEvent(
            run=run,
            at=known[run]["at"],
            source=known[run]["source"],
            file=file or None,
            record=record or None,
            action=action,
        )
        found.append(cast("RowEvent", {**told, **more}))

    for item in fields_set(db, entity=entity.name, row=identity, field=column):
        old, new = (
            wire_value(entity, item.field, read_text(text)) for text in (item.old, item.new)
        )
        values = {"field": item.field, "old": old, "new": new, "decision": item.decision}
        event(item.run, item.file, item.record, "set", **values)
    for run, batch in batches_with(db, entity, identity):
        if batch.action == "create":
            event(run, batch.file, batch.records[list(batch.ids).index(identity)], "create")
        else:
            event(run, None, None, "delete")
    return sorted(found, key=lambda entry: -entry["run"])
