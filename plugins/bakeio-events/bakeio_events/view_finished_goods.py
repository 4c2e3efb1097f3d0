"""The view of finished goods: what they are baked by, and how many the stock is enough for."""

from __future__ import annotations

from sqlalchemy import Integer, Text

from bakeio_core import View, children, computed, editable, hookimpl, key, readonly
from bakeio_events.baking import Baking


@hookimpl
def bakeio_views() -> View:
    """Declare `view_finished_goods.json`."""
    return View(
        name="finished_goods",
        entity="finished_goods",
        purpose="Say what finished goods are made of, and see how many the stock is enough for",
        fields={
            "finished_good_id": readonly("id"),
            "finished_good_slug": key("slug"),
            "can_be_made": computed(Baking, Baking.can_be_made, Integer),
            "gaps": computed(Baking, Baking.good_gaps, Text),
            "name": editable("name"),
            "description": editable("description"),
            "notes": editable("notes"),
            "items": children(
                "finished_good_items.finished_good_id",
                fields={
                    "recipe_name": readonly("recipe_id.name"),
                    "recipe_slug": editable("recipe_id.slug"),
                    "quantity": editable("quantity"),
                    "unit": editable("unit"),
                    "notes": editable("notes"),
                },
            ),
        },
    )
