"""Templates: a receipt, what somebody says, a stock-take, the scans of a phone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, func, select

from bakeio_bakery import headings
from bakeio_core import Template, Totals, View, editable, hookimpl, readonly

PRODUCT = (
    "product is the barcode, the slug or the name of a product, as you know it: what is not clear "
    "is asked once and remembered."
)
BARCODE = "barcode is what the scanner reads, all digits as text; zeros in front do not matter."
DAYS = 'Days are written year first, "2026-11-20".'
PER = {"packages": "product_id.package_unit_quantity"}
NUMBERS = "Numbers are written with a point, without a currency."


def packages(tables: Mapping[str, Table]) -> Any:
    """How many packages of its product a lot is."""
    items, products = tables["inventory_items"], tables["products"]
    held = select(products.c.package_unit_quantity).where(products.c.id == items.c.product_id)
    share = func.round(items.c.quantity / held.scalar_subquery(), 3, type_=items.c.quantity.type)
    return share


def receipt() -> Template:
    """A receipt: each line is a purchase."""
    view = View(
        name="receipt",
        entity="purchases",
        purpose="What a receipt says was bought: a line adds a purchase",
        headings={
            "product": headings.PRODUCT,
            "barcode": headings.BARCODE,
            "shop": headings.SHOP,
            "date": headings.DAY,
            "price": headings.PRICE,
            "quantity": headings.QUANTITY,
            "notes": headings.NOTES,
        },
        fields={
            "product": readonly("product_id.slug"),
            "barcode": readonly("product_id.upc_code"),
            "shop": editable("supplier_id.name"),
            "date": editable("purchase_date"),
            "price": editable("unit_price"),
            "quantity": editable("quantity_purchased"),
            "notes": editable("notes"),
        },
    )
    return Template(
        view,
        required=["product", "shop", "date", "price", "quantity"],
        once=["shop", "date"],
        given={"quantity": 1},
        example={
            "shop": "Costco",
            "date": "2026-11-20",
            "lines": [
                {
                    "product": "king_arthur_unbleached_all_purpose_flour_5lb",
                    "price": 5.49,
                    "quantity": 2,
                },
                {"barcode": "000011580737", "price": 3.29, "notes": "on sale"},
            ],
        },
        instructions=[
            PRODUCT,
            BARCODE,
            "price is that of one package, after discounts; quantity how many packages (1 if it is "
            "left out).",
            "Leave out deposits, taxes and whatever is not a product.",
            DAYS,
            NUMBERS,
        ],
    )


def voice() -> Template:
    """What somebody dictates about purchases."""
    view = View(
        name="voice",
        entity="purchases",
        purpose="What somebody says was bought, as a transcript has it: a line adds a purchase",
        fields={
            "product": readonly("product_id.slug"),
            "shop": editable("supplier_id.name"),
            "date": editable("purchase_date"),
            "price": editable("unit_price"),
            "quantity": editable("quantity_purchased"),
            "heard": editable("notes"),
        },
    )
    return Template(
        view,
        required=["product", "shop", "date", "price"],
        once=["shop", "date"],
        given={"quantity": 1},
        example={
            "shop": "Costco",
            "date": "2026-11-20",
            "lines": [
                {
                    "product": "all purpose flour",
                    "price": 5.49,
                    "quantity": 2,
                    "heard": "two bags of the all purpose flour, five forty-nine each",
                }
            ],
        },
        instructions=[
            PRODUCT,
            "Write the product as it was said; do not guess which one it is.",
            "heard is the words themselves: they are kept as the notes of the purchase.",
            "price is that of one package: divide where a price of all of them was said.",
            "Leave a line out, and say so, where a price was not said.",
            DAYS,
            NUMBERS,
        ],
    )


def stock_take() -> Template:
    """What is on the shelves: each line sets how much there is."""
    view = View(
        name="stock_take",
        entity="inventory_items",
        purpose="What was counted on the shelves: a line sets how much there is",
        headings={
            "product": headings.PRODUCT,
            "barcode": headings.BARCODE,
            "quantity": headings.QUANTITY,
            "location": headings.PLACE,
            "date": headings.DAY,
            "notes": headings.NOTES,
        },
        fields={
            "product": readonly("product_id.slug"),
            "barcode": readonly("product_id.upc_code"),
            "quantity": editable("quantity"),
            "packages": readonly(packages),
            "location": editable("location"),
            "date": editable("addition_date"),
            "notes": editable("notes"),
        },
    )
    return Template(
        view,
        required=["product"],
        once=["location", "date"],
        given={"packages": 1},
        of="quantity",
        per=PER,
        example={
            "location": "Pantry",
            "lines": [
                {"barcode": "000011580737", "packages": 3},
                {"product": "king_arthur_unbleached_all_purpose_flour_5lb", "quantity": 2.5},
            ],
        },
        instructions=[
            "packages is how many whole packages there are, 1 if nothing is said, so that every "
            "one can be scanned by itself: lines of one product are added up.",
            "quantity is what there is in the unit of the product (pounds of flour, not bags), in "
            "open packages too.",
            "With a location only what lies there is counted.",
            "Lots stay as they are where the count agrees: what is less is taken from the oldest "
            "lots, what is more is added to the newest.",
            "What is not counted stays as it is: write quantity 0 for what is gone.",
            PRODUCT,
            BARCODE,
            "date is the day of a lot that was not known before.",
            DAYS,
            NUMBERS,
        ],
        totals=Totals(by=["product_id"], within=["location"], order="addition_date"),
    )


def barcode_scan() -> Template:
    """Scans while something is put on the shelf: each adds a lot."""
    view = View(
        name="barcode_scan",
        entity="inventory_items",
        purpose="What was scanned on its way to the shelf: a scan adds a lot",
        fields={
            "barcode": readonly("product_id.upc_code"),
            "product": readonly("product_id.slug"),
            "packages": readonly(packages),
            "quantity": editable("quantity"),
            "date": editable("addition_date"),
            "location": editable("location"),
            "notes": editable("notes"),
        },
    )
    return Template(
        view,
        required=["barcode", "date"],
        once=["date", "location"],
        given={"packages": 1},
        of="quantity",
        per=PER,
        example={
            "date": "2026-11-20",
            "location": "Pantry",
            "lines": [{"barcode": "000011580737"}, {"barcode": "000011580737", "packages": 6}],
        },
        instructions=[
            BARCODE,
            "packages is how many of them one scan stands for, 1 if it is left out; quantity is "
            "what there is in an open one, in the unit of the product.",
            "An unknown barcode is a question: which product it is, or a new one.",
            "A file that grows is imported again as it is: its earlier scans are known.",
            DAYS,
        ],
    )


@hookimpl
def bakeio_templates() -> list[Template]:
    """Declare the templates."""
    return [receipt(), voice(), stock_take(), barcode_scan()]
