"""The view of events: who gets which packages, and what must be baked for that."""

from __future__ import annotations

from sqlalchemy import JSON, Text

from bakeio_core import View, children, computed, editable, hookimpl, key, readonly
from bakeio_events.baking import Baking


@hookimpl
def bakeio_views() -> View:
    """Declare `view_events.json`."""
    return View(
        name="events",
        entity="events",
        purpose="Plan events: who gets which packages, and what must be baked",
        fields={
            "event_id": readonly("id"),
            "event_slug": key("slug"),
            "must_bake": computed(Baking, Baking.must_bake, JSON),
            "gaps": computed(Baking, Baking.event_gaps, Text),
            "name": editable("name"),
            "event_date": editable("event_date"),
            "notes": editable("notes"),
            "assignments": children(
                "event_assignments.event_id",
                fields={
                    "recipient_name": readonly("recipient_id.name"),
                    "package_name": readonly("package_id.name"),
                    "recipient_slug": editable("recipient_id.slug"),
                    "package_slug": editable("package_id.slug"),
                    "quantity": editable("quantity"),
                    "notes": editable("notes"),
                },
            ),
        },
    )
