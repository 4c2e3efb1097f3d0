"""Recipes, their lines, and the recipes they are made of."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

from bakeio_core import Entity, hookimpl, identity_columns, stamp_columns

CATEGORIES = (
    "Bars",
    "Breads",
    "Cakes",
    "Candies",
    "Cookies",
    "Fillings & Frostings",
    "Pastries",
    "Doughs",
)


def _recipes(metadata: MetaData) -> Entity:
    table = Table(
        "recipes",
        metadata,
        *identity_columns(),
        Column("slug", String(200), nullable=False, unique=True, index=True),
        Column("name", String(200), nullable=False, unique=True, index=True),
        Column("category", String(100)),
        Column("yield_quantity", Numeric(12, 6)),
        Column("yield_unit", String(50)),
        Column("base_recipe_id", Integer, ForeignKey("recipes.id"), index=True),
        Column("variant_name", String(200)),
        Column("source", String(500)),
        Column("estimated_time_minutes", Integer),
        Column("is_production_ready", Boolean, nullable=False, default=True, server_default=true()),
        Column("is_archived", Boolean, nullable=False, default=False, server_default=false()),
        Column("notes", Text),
        *stamp_columns(),
        CheckConstraint("yield_quantity > 0", name="ck_recipes_yield_quantity"),
        CheckConstraint("estimated_time_minutes >= 0", name="ck_recipes_estimated_time_minutes"),
        sqlite_autoincrement=True,
    )
    return Entity(
        table,
        keys=["slug", "name"],
        lookups={"base_recipe_id": {"base_recipe_slug": "slug"}},
        label="name",
        slug_from=("name",),
        choices={"category": CATEGORIES},
    )


def _lines(metadata: MetaData) -> Entity:
    table = Table(
        "recipe_ingredients",
        metadata,
        *identity_columns(),
        Column("recipe_id", Integer, ForeignKey("recipes.id"), nullable=False, index=True),
        Column("ingredient_id", Integer, ForeignKey("ingredients.id"), nullable=False, index=True),
        Column("quantity", Numeric(12, 6), nullable=False),
        Column("unit", String(50), nullable=False),
        Column("notes", Text),
        Column("sort_order", Integer, nullable=False, default=0, server_default=text("0")),
        *stamp_columns(),
        CheckConstraint("quantity > 0", name="ck_recipe_ingredients_quantity"),
        sqlite_autoincrement=True,
    )
    # no key: a recipe takes sugar for the dough and sugar for the icing
    return Entity(
        table,
        content=("recipe_id", "ingredient_id", "quantity", "unit"),
        lookups={
            "recipe_id": {"recipe_slug": "slug", "recipe_name": "name"},
            "ingredient_id": {"ingredient_slug": "slug", "ingredient_name": "display_name"},
        },
    )


def _components(metadata: MetaData) -> Entity:
    table = Table(
        "recipe_components",
        metadata,
        *identity_columns(),
        Column("recipe_id", Integer, ForeignKey("recipes.id"), nullable=False),
        Column(
            "component_recipe_id", Integer, ForeignKey("recipes.id"), nullable=False, index=True
        ),
        Column("quantity", Numeric(12, 6), nullable=False),
        Column("unit", String(50)),
        Column("notes", Text),
        Column("sort_order", Integer, nullable=False, default=0, server_default=text("0")),
        *stamp_columns(),
        UniqueConstraint("recipe_id", "component_recipe_id", name="uq_recipe_components_recipes"),
        CheckConstraint("quantity > 0", name="ck_recipe_components_quantity"),
        CheckConstraint(
            "component_recipe_id <> recipe_id", name="ck_recipe_components_component_recipe_id"
        ),
        sqlite_autoincrement=True,
    )
    return Entity(
        table,
        keys=[("recipe_id", "component_recipe_id")],
        lookups={
            "recipe_id": {"recipe_slug": "slug", "recipe_name": "name"},
            "component_recipe_id": {
                "component_recipe_slug": "slug",
                "component_recipe_name": "name",
            },
        },
    )


@hookimpl
def bakeio_entities(metadata: MetaData) -> list[Entity]:
    """Declare `recipes`, `recipe_ingredients` and `recipe_components`."""
    return [_recipes(metadata), _lines(metadata), _components(metadata)]
