"""Events, those who are given something there, and the packages they get."""

from __future__ import annotations

from sqlalchemy import Column, Date, Integer, MetaData, String, Table, Text, UniqueConstraint, text

from bakeio_core import Entity, hookimpl, identity_columns, stamp_columns
from bakeio_events.columns import belonging, more_than_none, named_table


def _assignments(metadata: MetaData) -> Entity:
    table = Table(
        "event_assignments",
        metadata,
        *identity_columns(),
        belonging("event_id", "events", first=True),
        belonging("recipient_id", "recipients"),
        belonging("package_id", "packages"),
        Column("quantity", Integer, nullable=False, default=1, server_default=text("1")),
        Column("notes", Text),
        *stamp_columns(),
        UniqueConstraint(
            "event_id", "recipient_id", "package_id", name="uq_event_assignments_event_id"
        ),
        more_than_none("event_assignments"),
        sqlite_autoincrement=True,
    )
    return Entity(
        table,
        keys=[("event_id", "recipient_id", "package_id")],
        lookups={
            "event_id": {"event_slug": "slug", "event_name": "name"},
            "recipient_id": {"recipient_slug": "slug", "recipient_name": "name"},
            "package_id": {"package_slug": "slug", "package_name": "name"},
        },
    )


@hookimpl
def bakeio_entities(metadata: MetaData) -> list[Entity]:
    """Declare `recipients`, `events` and `event_assignments`."""
    recipients = named_table(
        "recipients",
        metadata,
        Column("household", String(200)),
        Column("address", Text),
    )
    events = named_table("events", metadata, Column("event_date", Date, nullable=False))
    return [
        Entity(
            recipients,
            keys=["slug"],
            content=("name", "household", "address"),
            label="name",
            slug_from=("name",),
        ),
        Entity(
            events,
            keys=["slug", ("name", "event_date")],
            label="name",
            slug_from=("name",),
        ),
        _assignments(metadata),
    ]
