"""A bakery that has recipes: the modules of the package are handed in."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert

from bakeio_core import Bakeio

RECIPES = ["recipes", "densities", "view_recipes", "view_recipe_costs", "sample"]
SHOPPED = "2026-01-05"


def with_packages(*modules: str) -> Bakeio:
    """The bakery with modules of packages, such as `bakeio_recipes.recipes`."""
    return Bakeio.discover(plugins=[importlib.import_module(name) for name in modules])


def with_recipes() -> Bakeio:
    """The bakery with recipes."""
    return with_packages(*(f"bakeio_recipes.{name}" for name in RECIPES))


def put(db: Connection, core: Bakeio, entity: str, *rows: Mapping[str, Any]) -> None:
    """Write rows without bakeio's import."""
    for row in rows:  # one by one: they do not have the same columns
        db.execute(insert(core.catalog.tables[entity]).values(**row))


def shelves(db: Connection, core: Bakeio, *bought: tuple[str, float, float, str]) -> None:
    """Buy ingredients, each by its id, as a product of its own.

    Args:
        db: The connection.
        core: What is installed.
        bought: (name, price of a package, how much is in it, its unit).
    """
    import datetime

    put(db, core, "suppliers", {"id": 1, "slug": "shop", "name": "Shop"})
    for number, (name, price, quantity, unit) in enumerate(bought, 1):
        named = {"slug": name.lower(), "display_name": name, "category": "Any"}
        put(db, core, "ingredients", {"id": number, **named})
        package = {"package_unit": unit, "package_unit_quantity": quantity}
        put(
            db,
            core,
            "products",
            {"id": number, "slug": named["slug"], "ingredient_id": number} | package,
        )
        day = datetime.date.fromisoformat(SHOPPED)
        bill = {"unit_price": price, "quantity_purchased": 1, "purchase_date": day}
        if price:
            put(db, core, "purchases", {"product_id": number, "supplier_id": 1} | bill)
