"""The suppliers view: correct names and addresses, add shops and farms."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, func, select

from bakeio_core import View, editable, hookimpl, key, readonly


def products_preferred(tables: Mapping[str, Table]) -> Any:
    """How many products are best bought there."""
    products, suppliers = tables["products"], tables["suppliers"]
    count = select(func.count()).select_from(products)
    return count.where(products.c.preferred_supplier_id == suppliers.c.id).scalar_subquery()


def purchase_count(tables: Mapping[str, Table]) -> Any:
    """How often something was bought there."""
    purchases, suppliers = tables["purchases"], tables["suppliers"]
    count = select(func.count()).select_from(purchases)
    return count.where(purchases.c.supplier_id == suppliers.c.id).scalar_subquery()


@hookimpl
def bakeio_views() -> View:
    """Declare `view_suppliers.json`."""
    return View(
        name="suppliers",
        entity="suppliers",
        purpose="Supplier corrections and additions (names, addresses)",
        fields={
            "supplier_id": readonly("id"),
            "supplier_slug": key("slug"),
            "products_preferred": readonly(products_preferred),
            "purchase_count": readonly(purchase_count),
            "name": editable("name"),
            "city": editable("city"),
            "state": editable("state"),
            "zip": editable("zip"),
            "notes": editable("notes"),
        },
    )
