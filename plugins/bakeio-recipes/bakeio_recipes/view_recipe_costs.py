"""The view of recipe costs: what a batch takes and costs, to read and calculate with."""

from functools import partial

from sqlalchemy import JSON, Numeric, Text

from bakeio_core import View, computed, hookimpl, readonly
from bakeio_recipes.costs import Costing

COST = Numeric(16, 6)
with_stock = partial(Costing, with_stock=True)


@hookimpl
def bakeio_views() -> View:
    """Declare `view_recipe_costs.json`; nothing in it is editable."""
    return View(
        name="recipe_costs",
        entity="recipes",
        purpose="What recipes cost by the last purchases, and what a batch of each takes",
        hides="is_archived",
        fields={
            "recipe_id": readonly("id"),
            "recipe_slug": readonly("slug"),
            "name": readonly("name"),
            "category": readonly("category"),
            "yield_quantity": readonly("yield_quantity"),
            "yield_unit": readonly("yield_unit"),
            "cost_per_batch": computed(with_stock, Costing.per_batch, COST),
            "cost_per_unit": computed(with_stock, Costing.per_unit, COST),
            "cost_gaps": computed(with_stock, Costing.gaps, Text),
            "takes": computed(with_stock, Costing.needs, JSON),
        },
    )
