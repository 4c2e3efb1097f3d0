"""Which documents are bake-tracker's, and what reads them. None is known by its suffix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bakeio_baketracker import phone, views
from bakeio_baketracker.products import Record, each
from bakeio_baketracker.records import whole
from bakeio_core import DocumentError, DocumentUpgrade, ForeignDocument, hookimpl

APPLICATION = "Seasonal Baking Tracker"
Told = Iterator[tuple[str, Record]]
TABLES = {
    "suppliers": {"name", "city"},
    "ingredients": {"display_name", "category"},
    "products": {"ingredient_slug", "package_unit"},
    "recipes": {"name", "ingredients"},
}
"""{table of a catalog: what each of its records says}."""
BESIDE = {
    "version",
    "exported_at",
    "export_date",
    "application",
    "source",
    "description",
    "metadata",
    "transformed_at",
    "transformation_notes",
}
"""What stands beside the tables of a file."""


# -- a backup: one file per table, and a manifest
def is_backup(header: Mapping[str, Any]) -> bool:
    """Tell whether a folder or zip is a backup of the application."""
    listed = header.get("files")
    return str(header.get("source")).startswith(APPLICATION) and isinstance(listed, list)


def backup(document: ForeignDocument) -> Told:
    """Yield all records of a backup, in the order of its manifest."""
    listed = sorted(each(document.header["files"]), key=lambda item: item["import_order"])
    files = {str(item["entity_type"]): str(item["filename"]) for item in listed}
    missing = [name for name in files.values() if name not in document.files]
    if missing:
        raise DocumentError(f"{document.name}: {missing[0]} is missing: get a complete copy of it")
    return whole(document, list(files), lambda name: document.files[files[name]].records())


# -- a single file: arrays that are called as the tables
def _tables(header: Mapping[str, Any]) -> list[str]:
    return [n for n, value in header.items() if isinstance(value, list) and n not in BESIDE]


def is_single(header: Mapping[str, Any]) -> bool:
    """Tell whether a file holds tables of the application."""
    is_named = header.get("application") == "bake-tracker"
    return is_named and bool(_tables(header)) and not is_unlinked(header)


def is_catalog(header: Mapping[str, Any]) -> bool:
    """Tell whether a file is one table to start with, which does not say of what program."""
    tables = _tables(header)
    others = header.keys() - {*tables} - BESIDE
    if "application" in header or others or len(tables) != 1 or tables[0] not in TABLES:
        return False
    records = header[tables[0]]
    first = records[0] if records else None
    return isinstance(first, dict) and first.keys() >= TABLES[tables[0]]


def single(document: ForeignDocument) -> Told:
    """Yield all records of a single file."""
    return whole(document, _tables(document.header), lambda name: each(document.header[name]))


def is_unlinked(header: Mapping[str, Any]) -> bool:
    """Tell whether a file names products by the ids of a database that it does not hold."""
    used = [*_some(header, "purchases"), *_some(header, "inventory_items")]
    is_by_id = bool(used) and all("product_id" in item for item in used)
    says_more = any("ingredient_slug" in item or "product_slug" in item for item in used)
    return "version" in header and is_by_id and not says_more and not header.get("products")


def _some(header: Mapping[str, Any], name: str) -> list[Any]:
    value = header.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def unlinked(document: ForeignDocument) -> Told:
    """Say why a file cannot be imported."""
    header = document.header
    counts = ", ".join(f"{len(header[name])} {name}" for name in _tables(header) if header[name])
    raise DocumentError(
        f"{document.name}: its purchases and lots ({counts}) name products by their ids in the "
        "database they came from, and the products are not in the file: export a backup or a "
        "single file of version 4 there, and import that"
    )


def _of_view(kind: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda header: views.kind_of(header) == kind


def is_other_view(header: Mapping[str, Any]) -> bool:
    """Tell whether a file is a view of something that the bakery has no view of."""
    return views.kind_of(header) not in ("", "products", "inventory", "purchases")


def other_view(document: ForeignDocument) -> Told:
    """Yield the records of such a view as the whole rows they are."""
    kind = views.kind_of(document.header)
    return whole(document, [kind], lambda name: document.records())


@hookimpl
def bakeio_document_upgrades() -> list[DocumentUpgrade]:
    """Declare what is read."""
    read = DocumentUpgrade
    said = "view of bake-tracker"
    return [
        read(f"a products {said}", _of_view("products"), views.products, view="products"),
        read(f"an inventory {said}", _of_view("inventory"), views.inventory, view="inventory"),
        read(f"a purchases {said}", _of_view("purchases"), views.purchases, view="purchases"),
        read(f"a {said}", is_other_view, other_view),
        read("a backup of bake-tracker", is_backup, backup),
        read("a file of bake-tracker", is_single, single),
        read("a catalog of bake-tracker", is_catalog, single),
        read("a file of bake-tracker without its products", is_unlinked, unlinked),
        read("purchases of bake-tracker's phone", phone.buys, phone.purchases, view="purchases"),
        read("a stock-take of bake-tracker's phone", phone.counts, phone.inventory),
    ]
