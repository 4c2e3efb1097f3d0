"""Ingredients: what products are of, brand by brand the same thing."""

from sqlalchemy import Column, MetaData, String, Table, Text

from bakeio_bakery.ingredient_words import ABBREVIATIONS, LOOKALIKES, SYNONYMS
from bakeio_core import Entity, hookimpl, identity_columns, stamp_columns

CATEGORIES = (
    "Flours & Starches",
    "Sugars & Sweeteners",
    "Dairy & Eggs",
    "Chocolate & Cocoa",
    "Nuts & Seeds",
    "Fruits",
    "Spices & Extracts",
    "Leavening Agents",
    "Fats & Oils",
    "Liquids",
    "Misc Ingredients",
    "Packaging",
)


@hookimpl
def bakeio_entities(metadata: MetaData) -> Entity:
    """Declare `ingredients`, known by slug or display name."""
    ingredients = Table(
        "ingredients",
        metadata,
        *identity_columns(),
        Column("slug", String(200), nullable=False, unique=True, index=True),
        Column("display_name", String(200), nullable=False, unique=True, index=True),
        Column("category", String(100), nullable=False),
        Column("notes", Text),
        *stamp_columns(),
        sqlite_autoincrement=True,
    )
    return Entity(
        ingredients,
        keys=["slug", "display_name"],
        label="display_name",
        slug_from=("display_name",),
        choices={"category": CATEGORIES},
        synonyms=SYNONYMS,
        lookalikes=LOOKALIKES,
        abbreviations=ABBREVIATIONS,
    )
