"""Products: an ingredient as a shop sells it, of a brand and in a package."""

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
    false,
)

from bakeio_bakery.barcodes import gtin
from bakeio_core import Entity, hookimpl, identity_columns, stamp_columns


@hookimpl
def bakeio_entities(metadata: MetaData) -> Entity:
    """Declare `products`."""
    products = Table(
        "products",
        metadata,
        *identity_columns(),
        Column("slug", String(200), nullable=False, unique=True, index=True),
        Column("ingredient_id", Integer, ForeignKey("ingredients.id"), nullable=False, index=True),
        Column("brand", String(200)),
        Column("product_name", String(200)),
        Column("package_size", Numeric(10, 3)),
        Column("package_unit", String(50), nullable=False),
        Column("package_unit_quantity", Numeric(10, 3), nullable=False),
        Column("upc_code", String(20)),
        Column("preferred_supplier_id", Integer, ForeignKey("suppliers.id"), index=True),
        Column("is_hidden", Boolean, nullable=False, default=False, server_default=false()),
        Column("notes", Text),
        *stamp_columns(),
        CheckConstraint("package_size > 0", name="ck_products_package_size"),
        CheckConstraint("package_unit_quantity > 0", name="ck_products_package_unit_quantity"),
        sqlite_autoincrement=True,
    )
    return Entity(
        products,
        keys=["slug", ("ingredient_id", "brand", "product_name", "package_size", "package_unit")],
        lookups={
            "ingredient_id": {"ingredient_slug": "slug"},
            "preferred_supplier_id": {"supplier_slug": "slug", "supplier_name": "name"},
        },
        label=("brand", "product_name"),
        emphasis=["brand"],
        checks={"upc_code": gtin},
        codes=["upc_code"],
        field_names={"upc_code": ["upc", "barcode", "ean", "gtin"]},
        slug_from=("brand", "product_name", "package_size", "package_unit"),
    )
