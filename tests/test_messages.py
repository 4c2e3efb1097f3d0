"""A reader who sees nothing but a message knows what to write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.commands import Ran, Run

FLOUR = "king_arthur_unbleached_all_purpose_flour_5lb"
PURCHASE = {
    "product_slug": FLOUR,
    "supplier_slug": "wegmans_burlington_ma",
    "purchase_date": "2026-03-01",
    "unit_price": 5.5,
    "quantity_purchased": 2,
}


def handed_in(run: Run, url: str | Path, path: Path, view: str, *records: Any) -> Ran:
    """Import records of a view, for a person to read what is said."""
    header = {"view_name": f"{view}_complete"}
    path.write_text(json.dumps({**header, "records": records}, ensure_ascii=False), "utf-8")
    return run("-d", url, "import-view", path)


# -- which record is meant
CALLED: dict[str, tuple[str, dict[str, Any], str]] = {
    "its key": (
        "products",
        {"product_slug": FLOUR, "product_id": 1, "package_size": "a few"},
        f'record 1 (product_slug "{FLOUR}"), package_size: "a few" is not a number',
    ),
    "its id and the row it belongs to": (
        "inventory",
        {"inventory_id": 1, "product_slug": FLOUR, "quantity": -1},
        f'record 1 (inventory_id 1, product_slug "{FLOUR}"), quantity: -1 is out of range',
    ),
    "the row it belongs to": (
        "purchases",
        {**PURCHASE, "unit_price": "much"},
        f'record 1 (product_slug "{FLOUR}"), unit_price: "much" is not a number',
    ),
    "its label": (
        "products",
        {"brand": "Penzeys", "package_size": "a few"},
        'record 1 (brand "Penzeys"), package_size: "a few" is not a number',
    ),
    "nothing that is said anyway": (
        "inventory",
        {"inventory_id": 99999, "quantity": 1},
        "record 1: inventory_id 99999 is no row of inventory_items",
    ),
}


@pytest.mark.parametrize("called", CALLED)
def test_a_problem_calls_its_record_by(run: Run, sample: Path, tmp_path: Path, called: str) -> None:
    view, record, said = CALLED[called]
    assert said in handed_in(run, sample, tmp_path / "v.json", view, record).out


def test_a_problem_has_the_key_of_its_first_record_as_data(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    record = {**PURCHASE, "supplier_slug": "no_such_shop"}
    handed_in(run, bakery, tmp_path / "v.json", "purchases", record, record)
    done = run("-d", bakery, "import-view", tmp_path / "v.json", "--json")
    (problem,) = [p for p in done.json["problems"] if p["severity"] == "error"]
    assert (problem["key"], problem["records"]) == ({"product_slug": FLOUR}, [1, 2])
