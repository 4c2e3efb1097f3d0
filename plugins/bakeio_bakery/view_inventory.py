"""The inventory view: count what is on the shelves and where."""

from bakeio_bakery import headings
from bakeio_bakery.naming import title
from bakeio_core import View, editable, hookimpl, readonly


@hookimpl
def bakeio_views() -> View:
    """Declare `view_inventory.json`, fields and order as in the specification."""
    return View(
        name="inventory",
        entity="inventory_items",
        headings={
            "product_upc_code": headings.BARCODE,
            "product_slug": headings.PRODUCT,
            "quantity": headings.QUANTITY,
            "addition_date": headings.DAY,
            "location": headings.PLACE,
            "notes": headings.NOTES,
        },
        purpose="Inventory quantity updates and price adjustments",
        fields={
            "inventory_id": readonly("id"),
            "product_id": readonly("product_id"),
            "product_slug": readonly("product_id.slug"),
            "product_name": readonly("product_id", title),
            "ingredient_name": readonly("product_id.ingredient_id.display_name"),
            "ingredient_category": readonly("product_id.ingredient_id.category"),
            "purchase_date": readonly("purchase_id.purchase_date"),
            "purchase_unit_price": readonly("purchase_id.unit_price"),
            "supplier_name": readonly("purchase_id.supplier_id.name"),
            "quantity": editable("quantity"),
            "addition_date": editable("addition_date"),
            "location": editable("location"),
            "notes": editable("notes"),
        },
    )
