"""What an amount of an ingredient weighs, where recipes measure what shops weigh."""

from sqlalchemy import (
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
)

from bakeio_core import Entity, hookimpl, identity_columns, stamp_columns


@hookimpl
def bakeio_entities(metadata: MetaData) -> Entity:
    """Declare `ingredient_densities`: `1 cup` of it weighs `120 g`, `1 stick` weighs `113 g`."""
    table = Table(
        "ingredient_densities",
        metadata,
        *identity_columns(),
        Column("ingredient_id", Integer, ForeignKey("ingredients.id"), nullable=False),
        Column("quantity", Numeric(12, 6), nullable=False),
        Column("unit", String(50), nullable=False),
        Column("weight", Numeric(12, 6), nullable=False),
        Column("weight_unit", String(50), nullable=False),
        Column("notes", Text),
        *stamp_columns(),
        UniqueConstraint("ingredient_id", "unit", name="uq_ingredient_densities_ingredient_id"),
        CheckConstraint("quantity > 0", name="ck_ingredient_densities_quantity"),
        CheckConstraint("weight > 0", name="ck_ingredient_densities_weight"),
        sqlite_autoincrement=True,
    )
    return Entity(
        table,
        keys=[("ingredient_id", "unit")],
        lookups={"ingredient_id": {"ingredient_slug": "slug"}},
    )
