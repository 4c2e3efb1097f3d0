"""The view of packages: which finished goods are in them."""

from __future__ import annotations

from bakeio_core import View, children, editable, hookimpl, key, readonly


@hookimpl
def bakeio_views() -> View:
    """Declare `view_packages.json`."""
    return View(
        name="packages",
        entity="packages",
        purpose="Say which finished goods are in a package",
        fields={
            "package_id": readonly("id"),
            "package_slug": key("slug"),
            "name": editable("name"),
            "description": editable("description"),
            "notes": editable("notes"),
            "items": children(
                "package_items.package_id",
                fields={
                    "finished_good_name": readonly("finished_good_id.name"),
                    "finished_good_slug": editable("finished_good_id.slug"),
                    "quantity": editable("quantity"),
                    "notes": editable("notes"),
                },
            ),
        },
    )
