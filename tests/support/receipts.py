"""The story of the receipts: purchases from four shops, one of them new."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

FLOUR = "king_arthur_unbleached_all_purpose_flour_5lb"
CIDER, SUMAC = "wilsons_farm_apple_cider_64oz", "wilsons_farm_ground_sumac_4oz"
FARM = "Wilson's Farm"
SHOPS = {"Costco": 5, "Wegmans": 3, "Penzeys Spices": 2, FARM: 12}
DECIDED = [
    {"entity": "suppliers", "key": {"name": FARM}, "action": "create",
     "values": {"name": FARM, "city": "Lincoln", "state": "MA"}},
    {"entity": "products", "key": {"slug": CIDER}, "action": "create",
     "values": {"slug": CIDER, "ingredient_id.slug": "apple_cider", "brand": FARM,
                "product_name": "Apple Cider", "package_size": 64,
                "package_unit": "oz", "package_unit_quantity": 64}},
    {"entity": "products", "key": {"slug": SUMAC}, "action": "create",
     "values": {"slug": SUMAC, "ingredient_id.display_name": "Sumac", "package_unit": "oz",
                "package_unit_quantity": 4}},
    {"entity": "ingredients", "key": {"display_name": "Sumac"}, "action": "create",
     "values": {"display_name": "Sumac", "category": "Spices & Extracts"}},
]  # fmt: skip
"""The decisions of the story, as a file holds them."""


def purchase(supplier: str, day: int = 1, product: str = FLOUR, **more: Any) -> dict[str, Any]:
    """A new purchase as a view holds it."""
    return {"product_slug": product, **more, "supplier_name": supplier,
            "purchase_date": f"2025-12-{day:02d}", "unit_price": 6.5 + day,
            "quantity_purchased": 1}  # fmt: skip


def view_of(path: Path, records: Iterable[dict[str, Any]], **header: Any) -> Path:
    """Write a purchases view."""
    path.write_text(
        json.dumps({"view_name": "purchases_complete", **header, "records": list(records)}), "utf-8"
    )
    return path


def receipts(path: Path) -> Path:
    """Write the receipts: 24 purchases, 14 of them from a farm nobody knows, with two unknown
    products, one of an unknown ingredient.
    """
    known = [purchase(shop, day) for shop, count in SHOPS.items() for day in range(1, count + 1)]
    new = [
        purchase(FARM, 20, CIDER, ingredient_name="Apple Cider"),
        purchase(FARM, 21, SUMAC, ingredient_name="Sumac"),
    ]
    return view_of(path, [*known, *new])


def decisions(path: Path, entries: object) -> Path:
    """Write a decisions file."""
    path.write_text(json.dumps(entries), "utf-8")
    return path
