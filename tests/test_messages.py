"""A reader who sees nothing but a message knows what to write."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.commands import Ran, Run
from support.databases import sql

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
        "record 1: inventory_id 99999 is not a row of inventory_items",
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


# -- what to write
GONE: Any = object()
"""In an answer: the field is to be left out."""
WEGMANS, COSTCO = "wegmans_burlington_ma", "costco_waltham_ma"
LOT = "penzeys_double_strength_vanilla_473ml"
"""Of what the first lot is."""
CHOCOLATE = "valrhona_caraibe_66_3kg"
CREAM_CHEESE = "philadelphia_original_cream_cheese_3lb"
NEW_PRODUCT = {
    "product_slug": "mill_city_rye_5lb",
    "ingredient_slug": "rye_flour",
    "package_unit": "lb",
    "package_unit_quantity": 5,
}


class Told(NamedTuple):
    """A bad record, what is said of it, and what a reader of that alone writes instead."""

    view: str
    record: dict[str, Any]
    said: tuple[str, ...]
    answer: dict[str, Any]


def purchase(said: str | tuple[str, ...], answer: dict[str, Any], **bad: Any) -> Told:
    given = {name: value for name, value in {**PURCHASE, **bad}.items() if value is not GONE}
    return Told("purchases", given, (said,) if isinstance(said, str) else said, answer)


def known_product(said: str | tuple[str, ...], answer: dict[str, Any], **bad: Any) -> Told:
    given = {"product_slug": CHOCOLATE, **bad}
    given = {name: value for name, value in given.items() if value is not GONE}
    return Told("products", given, (said,) if isinstance(said, str) else said, answer)


def new_product(said: str | tuple[str, ...], answer: dict[str, Any], **bad: Any) -> Told:
    given = {name: v for name, v in {**NEW_PRODUCT, **bad}.items() if v is not GONE}
    return Told("products", given, (said,) if isinstance(said, str) else said, answer)


def lot(said: str | tuple[str, ...], answer: dict[str, Any], **bad: Any) -> Told:
    given = {"inventory_id": 1, "product_slug": LOT, "quantity": 3, **bad}
    given = {name: value for name, value in given.items() if value is not GONE}
    return Told("inventory", given, (said,) if isinstance(said, str) else said, answer)


ANSWERED = {
    # numbers
    "a currency": purchase("write 6.99", {"unit_price": 6.99}, unit_price="$6.99"),
    "a decimal comma": purchase("write 17.89", {"unit_price": 17.89}, unit_price="17,89"),
    "marks of thousands": purchase(
        "write 1234.5", {"quantity_purchased": 1234.5}, quantity_purchased="1,234.5"
    ),
    "a comma that may be both": purchase(
        ("write 1234 or 1.234", "whichever is meant"),
        {"quantity_purchased": 1.234},
        quantity_purchased="1,234",
    ),
    "a number with its unit": known_product("write 3", {"package_size": 3}, package_size="3 kg"),
    "digits of another alphabet": purchase("write 5.5", {"unit_price": 5.5}, unit_price="５.５"),
    "no number at all": known_product(
        "is not a number", {"package_unit_quantity": 2}, package_unit_quantity="two"
    ),
    "too many decimals": purchase("at most 4 are kept", {"unit_price": 0.7983}, unit_price=0.79833),
    "less than a check allows": purchase(
        "must be more than 0", {"quantity_purchased": 1}, quantity_purchased=0
    ),
    "a negative stock": lot("must be at least 0", {"quantity": 0}, quantity=-1),
    "too large a number": known_product(
        "must be below 10000000", {"package_size": 10}, package_size=123456789
    ),
    "NaN as a text": purchase("is not a number", {"unit_price": 1}, unit_price="NaN"),
    "a list for a number": lot("a list is not a number", {"quantity": 1}, quantity=[1]),
    "an empty text where a value is required": known_product(
        "is empty, but a value is required", {"package_unit": "kg"}, package_unit=""
    ),
    # days
    "an American day": purchase(
        "write 2025-12-27", {"purchase_date": "2025-12-27"}, purchase_date="12/27/2025"
    ),
    "a German day": purchase(
        "write 2025-12-27", {"purchase_date": "2025-12-27"}, purchase_date="27.12.2025"
    ),
    "a day that may be two": purchase(
        "write 2026-01-02 or 2026-02-01",
        {"purchase_date": "2026-02-01"},
        purchase_date="01/02/2026",
    ),
    "a year of two digits": purchase(
        "write 2025-02-03 or 2003-02-25",
        {"purchase_date": "2025-02-03"},
        purchase_date="25-02-03",
    ),
    "a day with a time": purchase(
        "write only 2025-12-28",
        {"purchase_date": "2025-12-28"},
        purchase_date="2025-12-28T18:41:00",
    ),
    "a day in words": purchase(
        "write YYYY-MM-DD", {"purchase_date": "2025-12-30"}, purchase_date="Dec 30, 2025"
    ),
    "a day the calendar lacks": purchase(
        "is not a day of the calendar", {"purchase_date": "2025-02-28"}, purchase_date="2025-02-30"
    ),
    # texts and codes
    "a number for a text": lot('write it in quotes, "4"', {"location": "4"}, location=4),
    "a text too long": lot("at most 100", {"location": "x" * 100}, location="x" * 101),
    "a code as a number": known_product(
        "in quotes", {"upc_code": "3395321046613"}, upc_code=3395321046613
    ),
    "a code with a wrong check digit": known_product(
        "leave it null", {"upc_code": None}, upc_code="3395321046614"
    ),
    "a code a spreadsheet shortened": known_product(
        "read the code again", {"upc_code": "3395321046613"}, upc_code="3.39532E+12"
    ),
    "a placeholder for a code": known_product(
        "null where there is none", {"upc_code": None}, upc_code="N/A"
    ),
    # fields
    "a misspelt field": known_product(
        'did you mean "package_size"',
        {"package_szie": GONE, "package_size": 3},
        package_szie=3,
    ),
    "a field in two ways": known_product(
        "keep one of the two",
        {"upc": GONE},
        upc="071012010103",
        upc_code="3395321046613",
    ),
    "no field there is": known_product(
        ("its fields are", "product_slug"),
        {"thing": GONE, "product_slug": CHOCOLATE},
        product_slug=GONE,
        thing="Caraibe",
    ),
    "a field that cannot be cleared": known_product(
        "those are brand, product_name", {"_clear": ["brand"]}, _clear=["package_unit"]
    ),
    # which row
    "a key almost right": known_product(
        f'did you mean "{CHOCOLATE}"?',
        {"product_slug": CHOCOLATE},
        product_slug="valrhona_caraibe_66_3_kg",
        notes="from a message",
    ),
    "no key": known_product(
        "product_slug: is missing, so the record names no row",
        {"product_slug": CHOCOLATE},
        product_slug=GONE,
        upc_code="3395321046613",
    ),
    "an id alone": known_product(
        "give product_slug too",
        {"product_slug": CHOCOLATE},
        product_slug=GONE,
        product_id=42,
        notes="from a message",
    ),
    "an id no row has": lot(
        "leave it out of a new record", {"inventory_id": GONE}, inventory_id=99999
    ),
    "an id of another row": lot(
        f'inventory_id 1 has product_slug "{LOT}"', {"product_slug": LOT}, product_slug=FLOUR
    ),
    "a bad value and an id of another row": lot(
        (f'inventory_id 1 has product_slug "{LOT}"', "at least 0"),
        {"product_slug": LOT, "quantity": 1},
        product_slug=FLOUR,
        quantity=-1,
    ),
    "a damaged _rev": known_product("leave _rev out", {"_rev": GONE}, _rev="lost", notes="mine"),
    "another name of the row": known_product(
        "leave read-only fields out",
        {"ingredient_name": GONE},
        ingredient_name="Matcha",
        notes="mine",
    ),
    # new rows
    "a new row without all it needs": new_product(
        "A new row needs package_unit and package_unit_quantity too",
        {"package_unit": "lb", "package_unit_quantity": 5},
        package_unit=GONE,
        package_unit_quantity=GONE,
    ),
    "a new row without what it belongs to": new_product(
        "A new row needs ingredient_slug too",
        {"ingredient_slug": "rye_flour"},
        ingredient_slug=GONE,
    ),
    "a new line without fields": purchase(
        ("unit_price: is missing", "purchase_date: is missing"),
        {"unit_price": 1, "purchase_date": "2026-03-02"},
        unit_price=GONE,
        purchase_date=GONE,
    ),
    "a line that says nothing of itself": purchase(
        ("purchase_id: is missing, so the record names no row of purchases", "product_slug"),
        {"purchase_id": 3, "product_slug": "kirkland_signature_blanched_almond_flour_3lb"},
        **dict.fromkeys(PURCHASE, GONE),
        notes="from a message",
    ),
    "no field at all": known_product(
        ("has no field at all; its fields are", "product_slug"),
        {"product_slug": CHOCOLATE},
        product_slug=GONE,
    ),
    # what is referred to
    "a shop almost right": purchase(
        f'write supplier_slug "{WEGMANS}"',
        {"supplier_name": GONE, "supplier_slug": WEGMANS},
        supplier_slug=GONE,
        supplier_name="Wegmans Burlington",
    ),
    "a shop in capitals": purchase(
        f'write supplier_slug "{COSTCO}"',
        {"supplier_name": GONE, "supplier_slug": COSTCO},
        supplier_slug=GONE,
        supplier_name="COSTCO WHOLESALE",
    ),
    "no shop": purchase(
        "supplier_name: is empty, but every row of purchases needs it",
        {"supplier_name": "Wegmans"},
        supplier_slug=GONE,
        supplier_name="",
    ),
    "two shops": purchase(
        "name two different rows of suppliers: correct one of them",
        {"supplier_name": GONE},
        supplier_name="Costco",
    ),
    "a thing by its name": purchase(
        'write product_slug "kirkland_signature_unsalted_sweet_cream_butter_4lb"',
        {"product_slug": "kirkland_signature_unsalted_sweet_cream_butter_4lb"},
        product_slug=GONE,
        product_name="Kirkland Signature Unsalted Sweet Cream Butter",
    ),
    "a thing by almost its key": purchase(
        'write product_slug "kirkland_signature_unsalted_sweet_cream_butter_4lb"',
        {"product_slug": "kirkland_signature_unsalted_sweet_cream_butter_4lb"},
        product_slug="kirkland_signature_unsalted_butter_4lb",
    ),
    "an ingredient almost right": new_product(
        'write ingredient_slug "rye_flour"',
        {"ingredient_slug": "rye_flour"},
        ingredient_slug="rye_flor",
    ),
}
COLUMNS = {
    "products": r"ingredient_id|preferred_supplier_id|display_name|\bslug\b|\bid\b",
    "purchases": r"supplier_id|\bslug\b|\bid\b|\bname \"",
    "inventory": r"\bslug\b|\bid\b|purchase_uuid|\bname \"",
}
"""Columns for which the view has a field of its own."""


@pytest.mark.parametrize("case", ANSWERED)
def test_a_message_alone_tells_what_to_write(
    run: Run, sample: Path, tmp_path: Path, case: str
) -> None:
    view, record, said, answer = ANSWERED[case]
    path = tmp_path / "v.json"
    refused = handed_in(run, sample, path, view, record)
    lines = refused.out.splitlines()
    places = [place for place, line in enumerate(lines) if line.startswith("error: ")]
    told = "\n".join(
        line for p in places for line in lines[p : p + 2] if line.startswith(("error", "    "))
    )
    assert refused.code == 1, refused.out
    for words in said:
        assert words in told
    assert not re.search(COLUMNS[view], told), told
    written = {name: value for name, value in {**record, **answer}.items() if value is not GONE}
    done = handed_in(run, sample, path, view, written)
    assert done.code == 0, (told, done.out)


def test_forty_messages_are_read_so() -> None:
    assert len(ANSWERED) >= 40


# -- which row is changed
def test_a_preview_calls_rows_by_key_and_label(run: Run, bakery: str, tmp_path: Path) -> None:
    path, page = tmp_path / "v.json", tmp_path / "page.html"
    record = {"product_slug": CHOCOLATE, "notes": "new"}
    path.write_text(json.dumps({"view_name": "products", "records": [record]}), "utf-8")
    done = run("-d", bakery, "import-view", path, "--dry-run", "--report", page)
    called = f'record 1, product_slug "{CHOCOLATE}" ("Valrhona Caraïbe 66 % 3 kg")'
    assert called in done.out
    shown = html.unescape(page.read_text("utf-8"))
    assert '"label":"Valrhona Caraïbe 66 % 3 kg"' in shown


def test_a_row_without_a_name_goes_by_what_it_belongs_to(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = tmp_path / "v.json"
    two = [PURCHASE, {**PURCHASE, "purchase_date": "2026-03-02"}]
    path.write_text(json.dumps({"view_name": "purchases", "records": two}), "utf-8")
    label = '("King Arthur Unbleached All-Purpose Flour 5 lb")'
    done = run("-d", bakery, "import-view", path, "--dry-run")
    assert f"record 1, {label.strip('()')}" in done.out
    linked = 'supplier_name: slug "wegmans_burlington_ma" ("Wegmans Burlington MA")'
    assert linked in done.out
    assert run("-d", bakery, "import-view", path).code == 0
    assert f"record 1, id 401 {label}" in run("-d", bakery, "undo", "--dry-run").out
    sql(bakery, "UPDATE purchases SET notes = 'mine' WHERE id = 401")
    assert f"purchases id 401 {label}" in run("-d", bakery, "undo").out


def test_a_row_planned_in_the_same_import_is_called_by_its_name(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = tmp_path / "v.json"
    record = {**PURCHASE, "supplier_name": "Kornspeicher"}
    del record["supplier_slug"]
    path.write_text(json.dumps({"view_name": "purchases", "records": [record]}), "utf-8")
    words = ("--dry-run", "--auto-create", "suppliers")
    assert '("Kornspeicher")' in run("-d", bakery, "import-view", path, *words).out


def test_a_computed_name_that_differs_is_shown_as_the_row_has_it(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    record = {"inventory_id": 1, "product_slug": LOT, "product_name": "Other", "quantity": 1}
    said = handed_in(run, sample, tmp_path / "v.json", "inventory", record).out
    assert 'product_name: was changed: the row has "Penzeys Double Strength Vanilla"' in said
