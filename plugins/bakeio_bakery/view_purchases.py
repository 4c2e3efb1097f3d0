"""The purchases view: correct suppliers, dates and prices, add purchases from a receipt."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, func, select

from bakeio_bakery import headings
from bakeio_bakery.naming import title
from bakeio_core import View, editable, hookimpl, readonly


def inventory_quantity(tables: Mapping[str, Table]) -> Any:
    """What is left on the shelf of the purchase."""
    items, purchases = tables["inventory_items"], tables["purchases"]
    total = func.round(func.coalesce(func.sum(items.c.quantity), 0), 3, type_=items.c.quantity.type)
    return select(total).where(items.c.purchase_id == purchases.c.id).scalar_subquery()


@hookimpl
def bakeio_views() -> View:
    """Declare `view_purchases.json`, fields and order as in the specification."""
    return View(
        name="purchases",
        entity="purchases",
        headings={
            "product_upc_code": headings.BARCODE,
            "product_slug": headings.PRODUCT,
            "supplier_name": headings.SHOP,
            "purchase_date": headings.DAY,
            "unit_price": headings.PRICE,
            "quantity_purchased": headings.QUANTITY,
            "notes": [*headings.NOTES, *headings.NAME],
        },
        purpose="Purchase data augmentation (supplier info, dates, prices)",
        fields={
            "purchase_id": readonly("id"),
            "product_id": readonly("product_id"),
            "product_slug": readonly("product_id.slug"),
            "product_name": readonly("product_id", title),
            "ingredient_name": readonly("product_id.ingredient_id.display_name"),
            "inventory_quantity": readonly(inventory_quantity),
            "supplier_name": editable("supplier_id.name"),
            "purchase_date": editable("purchase_date"),
            "unit_price": editable("unit_price"),
            "quantity_purchased": editable("quantity_purchased"),
            "notes": editable("notes"),
        },
    )
