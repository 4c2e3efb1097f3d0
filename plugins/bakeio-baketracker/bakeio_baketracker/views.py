"""bake-tracker's views: edits of rows that are there, as those of the bakery's own views.

They name a row by its id in the database they came from, and by all they say of it besides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bakeio_baketracker.products import Record, product, size, with_the_rest
from bakeio_core import ForeignDocument

Told = Iterator[tuple[str, Record]]
SHOWN = {
    "products": (
        "last_purchase_price",
        "last_purchase_date",
        "inventory_quantity",
        "date_added",
        "last_modified",
        "preferred_supplier_id",
        "preferred_supplier_name",
        "ingredient_id",
        "uuid",
    ),
    "inventory": ("last_updated", "uuid", "ingredient_id", "ingredient_slug", "purchase_id"),
    "purchases": ("created_at", "uuid", "total_cost", "supplier_id", "ingredient_slug"),
}
"""What a view shows and nobody edits there."""


def kind_of(header: Mapping[str, Any]) -> str:
    """Return what a view is of, empty where a document is none of bake-tracker's."""
    if not isinstance(header.get("_meta"), dict) or "view_name" in header:
        return ""
    return str(header.get("view_type") or header.get("export_type") or "")


def _edited(document: ForeignDocument) -> set[str]:
    """Return the fields that the document says may be edited."""
    told = document.header["_meta"].get("editable_fields")
    return {name for name in told if isinstance(name, str)} if isinstance(told, list) else set()


def _as_edited(record: Record, edited: set[str], fields: Mapping[str, str]) -> Record:
    """Return a record without what is not edited there: it is shown, and may be rounded.

    Args:
        record: As it is imported.
        edited: The fields that may be edited in the document.
        fields: {field of the record: field of the document}.
    """
    return {n: value for n, value in record.items() if n not in fields or fields[n] in edited}


def products(document: ForeignDocument) -> Told:
    """Yield the records of a view of products; bake-tracker's own tables take them as they are."""
    is_its_own = document.has("products", "package_type")
    for raw in document.records():
        if is_its_own:
            yield "products", {n: v for n, v in raw.items() if n not in SHOWN["products"][:-1]}
            continue
        record = product(document, {n: v for n, v in raw.items() if n not in SHOWN["products"]})
        is_hidden = record.pop("is_hidden", False)
        if is_hidden:
            document.leave_out("products: is_hidden", "set it in bakeio")
        yield "products", {"product_id": raw.get("id"), **record}


def inventory(document: ForeignDocument) -> Told:
    """Yield the records of a view of what is on the shelves."""
    edited = _edited(document)
    for raw in document.records():
        record: Record = {
            "inventory_id": raw.get("id"),
            "product_id": raw.get("product_id"),
            "product_name": _title(raw),
            "ingredient_name": raw.get("ingredient_name"),
            "purchase_date": raw.get("purchase_date"),
            "quantity": size(document, raw.get("quantity"), "inventory: quantity"),
            "location": raw.get("location"),
            "notes": raw.get("notes"),
        }
        record = _as_edited(record, edited, {"quantity": "quantity", "location": "location"})
        taken = ("id", "product_slug", "brand", "package_unit", "package_unit_quantity")
        unit_cost = () if raw.get("unit_cost") else ("unit_cost",)
        shown = (*taken, "unit_cost", *unit_cost, "quantity", "location", *SHOWN["inventory"])
        yield "inventory_items", with_the_rest(record, raw, *shown)


def purchases(document: ForeignDocument) -> Told:
    """Yield the records of a view of purchases; what is only shown there is not imported."""
    edited = _edited(document)
    for raw in document.records():
        record: Record = {
            "purchase_id": raw.get("id"),
            "product_id": raw.get("product_id"),
            "product_name": _title(raw),
            "ingredient_name": raw.get("ingredient_name"),
            "supplier_name": raw.get("supplier_name"),
            "purchase_date": raw.get("purchase_date"),
            "unit_price": raw.get("unit_price"),
            "quantity_purchased": raw.get("quantity_purchased"),
            "notes": raw.get("notes"),
        }
        names = ("supplier_name", "purchase_date", "unit_price", "quantity_purchased")
        record = _as_edited(record, edited, dict(zip(names, names, strict=True)))
        taken = ("id", "product_slug", "brand", "supplier_city", "supplier_state", *names)
        yield "purchases", with_the_rest(record, raw, *taken, *SHOWN["purchases"])


def _title(raw: Mapping[str, Any]) -> str | None:
    words = [raw[name] for name in ("brand", "product_name") if raw.get(name)]
    return " ".join(words) or None
