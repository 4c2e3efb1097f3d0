"""The ingredients view: correct names and categories, add ingredients."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, func, select

from bakeio_core import View, editable, hookimpl, key, readonly


def product_count(tables: Mapping[str, Table]) -> Any:
    """As how many products the ingredient can be bought."""
    products, ingredients = tables["products"], tables["ingredients"]
    count = select(func.count()).select_from(products)
    return count.where(products.c.ingredient_id == ingredients.c.id).scalar_subquery()


@hookimpl
def bakeio_views() -> View:
    """Declare `view_ingredients.json`."""
    return View(
        name="ingredients",
        entity="ingredients",
        purpose="Ingredient corrections and additions (names, categories)",
        fields={
            "ingredient_id": readonly("id"),
            "ingredient_slug": key("slug"),
            "product_count": readonly(product_count),
            "display_name": editable("display_name"),
            "category": editable("category"),
            "notes": editable("notes"),
        },
    )
