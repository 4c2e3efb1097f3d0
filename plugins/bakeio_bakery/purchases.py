"""Purchases: what was bought where, when and for how much."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
)

from bakeio_core import Entity, hookimpl, identity_columns, stamp_columns


@hookimpl
def bakeio_entities(metadata: MetaData) -> Entity:
    """Declare `purchases`; two equal ones are two purchases."""
    purchases = Table(
        "purchases",
        metadata,
        *identity_columns(),
        Column("product_id", Integer, ForeignKey("products.id"), nullable=False),
        Column("supplier_id", Integer, ForeignKey("suppliers.id"), nullable=False, index=True),
        Column("purchase_date", Date, nullable=False),
        Column("unit_price", Numeric(10, 4), nullable=False),
        Column("quantity_purchased", Numeric(10, 3), nullable=False),
        Column("notes", Text),
        *stamp_columns(),
        CheckConstraint("unit_price >= 0", name="ck_purchases_unit_price"),
        CheckConstraint("quantity_purchased > 0", name="ck_purchases_quantity_purchased"),
        # when and for how much a product was last bought, without reading the rows
        Index(
            "ix_purchases_product_id_purchase_date_id_unit_price",
            "product_id",
            "purchase_date",
            "id",
            "unit_price",
        ),
        sqlite_autoincrement=True,
    )
    return Entity(
        purchases,
        content=("product_id", "supplier_id", "purchase_date", "unit_price", "quantity_purchased"),
        lookups={
            "product_id": {"product_slug": "slug"},
            "supplier_id": {"supplier_slug": "slug", "supplier_name": "name"},
        },
        date="purchase_date",
    )
