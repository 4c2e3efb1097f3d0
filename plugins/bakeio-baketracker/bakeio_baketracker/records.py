"""What bake-tracker's whole files hold, as records of the bakery: set, single file or catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bakeio_baketracker.gifts import Gifts
from bakeio_baketracker.products import Products, Record, each, number, size, with_the_rest
from bakeio_core import ForeignDocument

Told = Iterator[tuple[str, Record]]
Lists = Callable[[str], Iterator[Record]]

LISTED = {
    "ingredients": "recipe_ingredients",
    "components": "recipe_components",
    "finished_units": "finished_units",
    "production_targets": "event_production_targets",
    "assembly_targets": "event_assembly_targets",
}
"""{list within a record: the entity of its lines}."""
LAST = (
    *["recipients", "events", "finished_units", "finished_goods", "packages"],
    *["compositions", "package_finished_goods", "event_recipient_packages"],
)
"""The tables of gifts, those referred to first."""
NAMED = {"recipes": "recipe", "events": "event"}
OF_COMPONENT = {"recipe_name": "component_recipe_name", "recipe_slug": "component_recipe_slug"}
"""{field of a nested recipe: what it is beside the recipe that it is part of}."""


def whole(document: ForeignDocument, names: list[str], records: Lists) -> Told:
    """Yield all records of a document that holds whole tables, those referred to first.

    Args:
        document: The document.
        names: What its tables are called.
        records: Gives the records of one of them.
    """
    products = Products(document)
    own: dict[str, Callable[[Record], Told]] = {
        "suppliers": lambda raw: _one("suppliers", supplier(raw)),
        "ingredients": lambda raw: _with_density(document, raw),
        "products": lambda raw: _one("products", products.add(raw)),
        "purchases": lambda raw: _one("purchases", purchase(document, products, raw)),
        "inventory_items": lambda raw: _one("inventory_items", lot(document, products, raw)),
        "recipes": lambda raw: _with_lines(document, "recipes", raw),
        "events": lambda raw: _with_lines(document, "events", raw),
    }
    if document.has("event_assignments", "event_id"):
        own |= Gifts(document, records if "finished_units" in names else None).readers
    first = [name for name in own if name in names and name not in LAST]
    last = [name for name in LAST if name in own and name in names]

    for name in (*first, *last, *(name for name in names if name not in own)):
        for raw in records(name):
            yield from own[name](raw) if name in own else _one(name, raw)


def _one(name: str, record: Record) -> Told:
    yield name, record


def supplier(raw: Mapping[str, Any]) -> Record:
    """Return a shop; in catalogs a text says where it is, beside city and state."""
    names = ("id", "uuid", "slug", "name", "city", "state", "notes")
    record = {name: raw[name] for name in names if raw.get(name) is not None}
    if raw.get("zip_code") is not None:
        record["zip"] = raw["zip_code"]
    stamps = ("created_at", "updated_at", "zip_code", "is_active", "display_name", "location")
    is_closed = raw.get("is_active") is False
    return with_the_rest(record, raw, *(stamps if not is_closed else stamps[:3]))


def ingredient(raw: Mapping[str, Any]) -> Record:
    """Return an ingredient; what kind of thing it is belongs to its category."""
    names = ("uuid", "slug", "display_name", "category", "notes")
    record = {name: raw[name] for name in names if raw.get(name) is not None}
    return with_the_rest(record, raw, "date_added", "last_modified")


DENSITY = {
    "density_volume_value": "quantity",
    "density_volume_unit": "unit",
    "density_weight_value": "weight",
    "density_weight_unit": "weight_unit",
}
"""{what an ingredient says of its density: the field of `ingredient_densities`}."""


def _with_density(document: ForeignDocument, raw: Mapping[str, Any]) -> Told:
    """Yield an ingredient, then what an amount of it weighs: that is a row of bakeio-recipes."""
    record = ingredient(raw)
    is_known = document.has("ingredient_densities", "ingredient_id")
    if not is_known or any(record.get(name) is None for name in (*DENSITY, "slug")):
        yield "ingredients", record
        return
    yield "ingredients", {name: value for name, value in record.items() if name not in DENSITY}
    told = {field: record[name] for name, field in DENSITY.items()}
    for field in ("quantity", "weight"):
        told[field] = size(document, told[field], f"ingredient_densities: {field}", digits=6)
    yield "ingredient_densities", {"ingredient_slug": record["slug"], **told}


def purchase(document: ForeignDocument, products: Products, raw: Mapping[str, Any]) -> Record:
    """Return a purchase of a product of the same document."""
    record = {**products.named(raw), **_shop(raw)}
    record |= {"id": raw["id"]} if "id" in raw else {}
    price = raw.get("unit_price")
    if price is None:
        document.note("an empty unit_price of purchases is read as 0, which is written so")
    record |= {
        "purchase_date": _day(raw.get("purchase_date", raw.get("purchased_at"))),
        "unit_price": 0 if price is None else number(price),
        "quantity_purchased": size(
            document, raw.get("quantity_purchased"), "purchases: quantity_purchased"
        ),
    }
    record |= {"notes": raw["notes"]} if raw.get("notes") else {}
    return with_the_rest(record, raw, "uuid", "created_at", "total_cost", *_NAMING)


def lot(document: ForeignDocument, products: Products, raw: Mapping[str, Any]) -> Record:
    """Return a lot on the shelf; the day it was bought is the day it was added."""
    record = {**products.named(raw)}
    record |= {"purchase_id": raw["purchase_id"]} if raw.get("purchase_id") is not None else {}
    record |= {
        "quantity": size(document, raw.get("quantity"), "inventory_items: quantity"),
        "addition_date": _day(raw.get("purchase_date")),
    }
    record |= {name: raw[name] for name in ("location", "notes") if raw.get(name)}
    taken = ("id", "uuid", "purchase_date", "last_updated", "package_size", *_NAMING)
    return with_the_rest(record, raw, *taken)


_NAMING = (
    "product_id",
    "product_slug",
    "ingredient_slug",
    "product_brand",
    "product_name",
    "package_unit",
    "package_unit_quantity",
    "supplier",
    "supplier_id",
    "supplier_name",
)


def _shop(raw: Mapping[str, Any]) -> Record:
    for name in ("supplier_slug", "supplier_id"):
        if raw.get(name) is not None:
            return {name: raw[name]}
    named = raw.get("supplier_name", raw.get("supplier"))
    return {} if named is None else {"supplier_name": named}


def _day(value: Any) -> Any:
    """Return the day of a moment."""
    return value[:10] if isinstance(value, str) else value


def _with_lines(document: ForeignDocument, name: str, raw: Mapping[str, Any]) -> Told:
    """Yield a recipe or an event, then the lines of its lists with what it is called."""
    lists = {key: raw[key] for key in LISTED if isinstance(raw.get(key), list)}
    record = {key: value for key, value in raw.items() if key not in lists}
    yield name, with_the_rest({}, record, "date_added", "last_modified")
    owner = NAMED[name]
    called = {f"{owner}_{key}": raw[key] for key in ("slug", "name") if raw.get(key) is not None}
    for key, lines in lists.items():
        for line in each(lines):
            told = with_the_rest({}, line)
            if key == "components":
                told = {OF_COMPONENT.get(field, field): value for field, value in told.items()}
            if "quantity" in told:
                amount = f"{LISTED[key]}: quantity"
                told["quantity"] = size(document, told["quantity"], amount, digits=6)
            yield LISTED[key], {**called, **told}
