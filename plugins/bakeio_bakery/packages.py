"""Packages that go with a bakery, for messages that say what to install.

The table is read only when something is missing; see the entry points of `bakeio.packages`.
"""

from __future__ import annotations

from bakeio_core import KnownPackage

PACKAGES = [
    KnownPackage("bakeio-desktop", commands=["desktop"]),
    KnownPackage("bakeio-mcp", commands=["mcp"]),
    KnownPackage("bakeio-sheets", formats=["csv", "xlsx"]),
    KnownPackage("bakeio-view-reorder", views=["reorder"]),
    KnownPackage(
        "bakeio-recipes",
        entities=["recipes", "recipe_ingredients", "recipe_components", "ingredient_densities"],
        views=["recipes", "recipe_costs"],
    ),
    KnownPackage(
        "bakeio-events",
        entities=[
            "recipients",
            "events",
            "finished_goods",
            "packages",
            "finished_good_items",
            "package_items",
            "event_assignments",
        ],
        views=["events", "finished_goods", "packages"],
    ),
    KnownPackage(
        "bakeio-baketracker",
        documents=[
            ("view_type", "export_date"),
            ("export_type", "export_date"),
            ("version", "export_date", "source", "files"),
            ("schema_version", "import_type", "device_id"),
            ("schema_version", "import_type", "created_at"),
            ("application", "version", "products"),
            ("version", "suppliers", "inventory_items"),
            ("metadata", "suppliers"),
            ("version", "ingredients"),
            ("version", "products"),
            ("version", "recipes"),
        ],
    ),
]
