"""The recipes view: write recipes down with all that goes into them, and see what they cost."""

from sqlalchemy import Numeric, Text

from bakeio_core import View, children, computed, editable, hookimpl, key, readonly
from bakeio_recipes.costs import Costing

COST = Numeric(16, 6)


@hookimpl
def bakeio_views() -> View:
    """Declare `view_recipes.json`."""
    return View(
        name="recipes",
        entity="recipes",
        purpose="Recipes with their ingredients and nested recipes, and what they cost",
        hides="is_archived",
        fields={
            "recipe_id": readonly("id"),
            "recipe_slug": key("slug"),
            "cost_per_batch": computed(Costing, Costing.per_batch, COST),
            "cost_per_unit": computed(Costing, Costing.per_unit, COST),
            "cost_gaps": computed(Costing, Costing.gaps, Text),
            "name": editable("name"),
            "category": editable("category"),
            "yield_quantity": editable("yield_quantity"),
            "yield_unit": editable("yield_unit"),
            "base_recipe_slug": editable("base_recipe_id.slug"),
            "variant_name": editable("variant_name"),
            "source": editable("source"),
            "estimated_time_minutes": editable("estimated_time_minutes"),
            "is_production_ready": editable("is_production_ready"),
            "notes": editable("notes"),
            "ingredients": children(
                "recipe_ingredients.recipe_id",
                fields={
                    "ingredient_name": readonly("ingredient_id.display_name"),
                    "cost": computed(Costing, Costing.of_lines, COST),
                    "ingredient_slug": editable("ingredient_id.slug"),
                    "quantity": editable("quantity"),
                    "unit": editable("unit"),
                    "notes": editable("notes"),
                },
            ),
            "components": children(
                "recipe_components.recipe_id",
                fields={
                    "component_name": readonly("component_recipe_id.name"),
                    "cost": computed(Costing, Costing.of_components, COST),
                    "component_recipe_slug": editable("component_recipe_id.slug"),
                    "quantity": editable("quantity"),
                    "unit": editable("unit"),
                    "notes": editable("notes"),
                },
            ),
        },
    )
