"""Inventory: lots on the shelf, each of a product and, where known, from a purchase."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
)

from bakeio_core import Entity, hookimpl, identity_columns, stamp_columns


@hookimpl
def bakeio_entities(metadata: MetaData) -> Entity:
    """Declare `inventory_items`; two equal lots are two lots."""
    items = Table(
        "inventory_items",
        metadata,
        *identity_columns(),
        Column("product_id", Integer, ForeignKey("products.id"), nullable=False),
        Column("purchase_id", Integer, ForeignKey("purchases.id"), index=True),
        Column("quantity", Numeric(10, 3), nullable=False),
        Column("addition_date", Date),
        Column("location", String(100)),
        Column("notes", Text),
        *stamp_columns(),
        CheckConstraint("quantity >= 0", name="ck_inventory_items_quantity"),
        Index(
            "ix_inventory_items_product_id_quantity", "product_id", "quantity"
        ),  # what is on the shelf, without reading the rows
        sqlite_autoincrement=True,
    )
    return Entity(
        items,
        content=("product_id", "purchase_id", "addition_date", "quantity", "location"),
        lookups={"product_id": {"product_slug": "slug"}, "purchase_id": {"purchase_uuid": "uuid"}},
        date="addition_date",
    )
