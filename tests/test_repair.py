"""An answer that is refused can be corrected from its problems alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.commands import Run

from bakeio_core import Bakeio, connect
from bakeio_core.history.reports.report import without_options

PURCHASE = {
    "product_slug": "lemons_1each",
    "supplier_name": "Wegmans",
    "purchase_date": "2025-12-28",
    "unit_price": 0.8,
    "quantity_purchased": 6,
}
FAULTY = [
    {"supplier_name": "Costco Wholesale"},
    {"product_slug": "kirkland_signature_unsalted_butter_4lb"},
    {"purchase_date": "12/27/2025"},
    {"purchase_date": "2025-12-28T18:41:00"},
    {"unit_price": "$16.69", "quantity_purchased": "2 lb"},
    {"unit_price": "1.234,50"},
    {"unit_price": ..., "unitprce": 3},
]
PRODUCTS = [
    {"product_slug": "valrhona_caraibe_66_3_kg", "upc_code": "3395321046613"},
    {"product_slug": "argo_cornstarch_35oz", "upc_code": "N/A"},
    {"product_slug": "lemons_1each", "upc_code": "UPC: 021000612239"},
    {"product_slug": "mcintosh_apples_1lb", "notes": 5},
    {"product_slug": "saf_red_instant_yeast_1lb", "ingredient_name": "Yeast", "notes": "x"},
]


def faulty(number: int, bad: dict[str, Any]) -> dict[str, Any]:
    record = {**PURCHASE, "notes": str(number), **bad}
    return {name: value for name, value in record.items() if value is not ...}


def corrected(records: list[dict[str, Any]], problems: list[dict[str, Any]]) -> None:
    """Do what the problems say, as data."""
    for problem in problems:
        if "fix" in problem:
            record, fix = records[problem["record"] - 1], problem["fix"]
            record.pop(fix.get("instead_of"), None)
            record[fix["field"]] = fix["value"]


def test_an_answer_is_mended_in_one_turn_by_what_its_problems_have_as_data(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    for view, records in (
        ("purchases", [faulty(number, bad) for number, bad in enumerate(FAULTY)]),
        ("products", [dict(record) for record in PRODUCTS]),
    ):
        path = tmp_path / "answer.json"
        told: dict[str, Any] = {}
        for code in (1, 0):
            path.write_text(json.dumps({"view_name": view, "records": records}), "utf-8")
            words = ("--dry-run", "--json", "--for", "assistant")
            done = run("-d", sample, "import-view", path, *words)
            assert done.code == code, done.out
            told = told or done.json
            corrected(records, done.json["problems"])
        errors = [problem for problem in told["problems"] if problem["severity"] == "error"]
        assert len(errors) >= len(records)
        assert all(problem["key"] for problem in errors)
        assert "--" not in json.dumps(told)


def test_a_field_of_a_problem_is_called_as_the_file_calls_it_with_what_can_be_taken(
    sample_database: Path, core: Bakeio, tmp_path: Path
) -> None:
    bad = {**PURCHASE, "supplier_name": "Costco, Nashua, NH", "purchase_date": "03/04/2025"}
    (tmp_path / "a.json").write_text(json.dumps({"view_name": "purchases", "records": [bad]}))
    engine = connect(sample_database)
    with engine.connect() as db, db.begin():
        told = core.plan(db, tmp_path / "a.json").report.for_assistant()
    engine.dispose()
    by_field = {problem["field"]: problem for problem in told["problems"] if "field" in problem}
    supplier, day = by_field["supplier_name"], by_field["purchase_date"]
    assert supplier["candidates"][0]["write"] == {"supplier_slug": "costco_waltham_ma"}
    assert "fix" not in supplier  # it is another town: not sure
    assert day["allowed"] == ["2025-03-04", "2025-04-03"]
    assert "fix" not in day
    assert day["label"] == "lemons_1each"


def test_options_of_commands_are_told_to_people_alone() -> None:
    told = {
        "differs. Choose with --on-conflict keep-db or take-file": "differs.",
        "no row. Create it (--auto-create x), choose another (--interactive)": "no row.",
        "is wrong. Read it again (--allow code accepts it)": "is wrong. Read it again",
        "2 new (to change one, give id; to add none: --mode x)": "2 new (to change one, give id)",
        "a-b -- c": "a-b -- c",
    }
    assert {said: without_options(said) for said in told} == told
