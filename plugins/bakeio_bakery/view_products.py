"""The products view: fill in barcodes, names and package sizes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, func, select

from bakeio_bakery import headings
from bakeio_core import View, editable, hookimpl, key, readonly

Tables = Mapping[str, Table]


def _last_purchase(tables: Tables, column: str) -> Any:
    purchases, products = tables["purchases"], tables["products"]
    latest = select(purchases.c[column]).where(purchases.c.product_id == products.c.id)
    return (
        latest.order_by(purchases.c.purchase_date.desc(), purchases.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def last_purchase_price(tables: Tables) -> Any:
    """What the product cost when it was last bought."""
    return _last_purchase(tables, "unit_price")


def last_purchase_date(tables: Tables) -> Any:
    """When the product was last bought."""
    return _last_purchase(tables, "purchase_date")


def current_inventory_qty(tables: Tables) -> Any:
    """What is on the shelf of the product, in its package unit."""
    items, products = tables["inventory_items"], tables["products"]
    total = func.round(func.coalesce(func.sum(items.c.quantity), 0), 3, type_=items.c.quantity.type)
    return select(total).where(items.c.product_id == products.c.id).scalar_subquery()


@hookimpl
def bakeio_views() -> View:
    """Declare `view_products.json`, fields and order as in the specification."""
    return View(
        name="products",
        entity="products",
        headings={
            "upc_code": headings.BARCODE,
            "product_slug": headings.PRODUCT,
            "product_name": headings.NAME,
            "brand": headings.BRAND,
            "package_size": headings.SIZE,
            "package_unit": headings.UNIT,
            "notes": headings.NOTES,
        },
        purpose="AI-assisted product augmentation (UPC codes, product names)",
        hides="is_hidden",
        fields={
            "product_id": readonly("id"),
            "product_slug": key("slug"),
            "ingredient_name": readonly("ingredient_id.display_name"),
            "ingredient_slug": readonly("ingredient_id.slug"),
            "ingredient_category": readonly("ingredient_id.category"),
            "preferred_supplier_name": readonly("preferred_supplier_id.name"),
            "last_purchase_price": readonly(last_purchase_price),
            "last_purchase_date": readonly(last_purchase_date),
            "current_inventory_qty": readonly(current_inventory_qty),
            "brand": editable("brand"),
            "product_name": editable("product_name"),
            "package_size": editable("package_size"),
            "package_unit": editable("package_unit"),
            "package_unit_quantity": editable("package_unit_quantity"),
            "upc_code": editable("upc_code"),
            "notes": editable("notes"),
        },
    )
