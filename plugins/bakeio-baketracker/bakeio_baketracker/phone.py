"""What bake-tracker's phone writes: scans of barcodes, bought or counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bakeio_baketracker.products import Record, each, with_the_rest
from bakeio_core import DocumentError, ForeignDocument

Told = Iterator[tuple[str, Record]]
DEFAULT = "default"
"""What the phone calls the shop where nobody chose one."""


def _is(header: Mapping[str, Any], kind: str) -> bool:
    return "schema_version" in header and header.get("import_type") == kind


def buys(header: Mapping[str, Any]) -> bool:
    """Tell whether a document holds purchases."""
    return _is(header, "purchases") and isinstance(header.get("purchases"), list)


def counts(header: Mapping[str, Any]) -> bool:
    """Tell whether a document holds what was found on the shelves."""
    return _is(header, "inventory_updates")


def purchases(document: ForeignDocument) -> Told:
    """Yield purchases, each by the barcode of its product and the day it was scanned."""
    header = document.header
    for raw in each(header["purchases"]):
        shop = raw.get("supplier") or raw.get("supplier_name") or header.get("supplier")
        day = raw.get("purchased_at") or raw.get("purchase_date") or raw.get("scanned_at")
        record: Record = {
            "purchase_date": day[:10] if isinstance(day, str) else day,
            "unit_price": raw.get("unit_price"),
            "quantity_purchased": raw.get("quantity_purchased"),
            "notes": raw.get("notes"),
        }
        record |= {"product_upc_code": raw["upc"]} if raw.get("upc") else {}
        record |= {"product_slug": raw["product_slug"]} if raw.get("product_slug") else {}
        record |= {} if shop in (None, DEFAULT) else {"supplier_name": shop}
        taken = ("upc", "scanned_at", "purchased_at", "supplier", "supplier_name")
        yield "purchases", with_the_rest(record, raw, *taken)


def inventory(document: ForeignDocument) -> Told:
    """Say why a stock-take in percent cannot be imported."""
    found = list(each(document.header.get("inventory_updates")))
    raise DocumentError(
        f"{document.name}: its {len(found)} scans tell what is left of each lot in percent, and "
        "not of which lot, nor how much that held: count again in the product's own unit, in the "
        "inventory view"
    )
