"""A program that asks people itself, such as a window: it takes questions, and gives answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.receipts import purchase, view_of

from bakeio_core import (
    Bakeio,
    Decision,
    FormRefused,
    Plan,
    UsageError,
    begin_read,
    begin_write,
    connect,
    read_decisions,
    write_decisions,
    write_report,
)

FLOUR = "king_arthur_unbleached_all_purpose_flour_5lb"


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    """A receipt of a shop nobody knows, with a price that is none."""
    line = {
        "product_slug": FLOUR,
        "supplier_name": "Wilson's Farm",
        "purchase_date": "2026-03-01",
        "unit_price": 5.5,
        "quantity_purchased": 2,
    }
    records = [line, {**line, "unit_price": "much"}]
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps({"view_name": "purchases_complete", "records": records}), "utf-8")
    return path


def planned(core: Bakeio, url: str, file: Path, **how: Any) -> Plan:
    engine = connect(url)
    with begin_read(engine) as db:
        plan = core.plan(db, file, **how)
    engine.dispose()
    return plan


def test_a_form_is_filled_in_and_each_wrong_field_is_told(
    core: Bakeio, bakery: str, receipt: Path
) -> None:
    shop = planned(core, bakery, receipt).missing[0]
    assert core.new_row(shop, {"name": "Wilson's Farm", "city": ""}) == {"name": "Wilson's Farm"}
    with pytest.raises(FormRefused) as refused:
        core.new_row(shop, {"name": " "})
    assert refused.value.fields == {"name": "This is needed."}
    with pytest.raises(FormRefused) as refused:
        core.new_row(shop, {"name": "…"})
    assert list(refused.value.fields) == ["slug"]
    assert core.candidates(shop, "costco")[0].label.startswith("Costco")


def test_an_answer_offers_its_row_to_the_next_question_and_serves_those_like_it(
    core: Bakeio, sample: Path, tmp_path: Path
) -> None:
    names = ["Zabar's", "Zabars", "Aldi", "Wegman's"]
    view = view_of(tmp_path / "v.json", [purchase(name) for name in names])
    plan = planned(core, str(sample), view)
    zabar, again, aldi, wegman = plan.missing
    answers = {zabar: Decision.create(name="Zabar's", city="New York")}
    assert all(question.is_like(zabar) for question in plan.missing)
    made = [core.same_answer(question, answers[zabar], answers) for question in (again, aldi)]
    assert [decision and decision.values for decision in made] == [None, {"name": "Aldi"}]
    assert core.same_answer(wegman, answers[zabar], answers) is None, "it is there already"
    assert core.same_answer(wegman, Decision.existing(slug="aldi"), answers) is None
    offered = core.candidates(again, answers=answers)[0]
    assert (offered.label, offered.id) == ("Zabar's New York", None)
    assert offered.reasons[0] == 'is to be created for "Zabar\'s"'
    found = core.candidates(aldi, "zabar", answers=answers)[0]
    assert (found.key, found.id) == (offered.key, None), "also to who searches for it"
    answers |= {again: Decision.existing(**offered.key), aldi: Decision.skip()}
    answers |= {wegman: Decision.existing(**core.candidates(wegman)[0].key)}
    with begin_write(connect(sample)) as db:
        report = core.import_(db, view, decisions=answers)
    assert report.created_entities == {"suppliers": [{"slug": "zabars_new_york"}]}
    assert (report.summary["created"], report.summary["skipped"]) == (3, 1)


def test_a_typed_value_is_read_as_the_file_would_say_it_or_is_refused_in_words(
    core: Bakeio, bakery: str, receipt: Path
) -> None:
    price = next(item for item in planned(core, bakery, receipt).questions if item.kind == "value")
    assert str(core.typed_value(price, "6.99")) == "6.99"
    with pytest.raises(UsageError, match="a few"):
        core.typed_value(price, "a few")


def test_answers_are_kept_in_a_file_and_the_report_is_saved_as_a_page(
    core: Bakeio, bakery: str, receipt: Path, tmp_path: Path
) -> None:
    plan = planned(core, bakery, receipt, skip_errors=True)
    answers = {plan.missing[0]: Decision.create(name="Wilson's Farm", by="somebody")}
    kept = tmp_path / "receipt.decisions.json"
    write_decisions(kept, answers, (), core.catalog)
    assert read_decisions(kept, core.catalog) == answers
    engine = connect(bakery)
    with begin_write(engine) as db:
        report = core.import_(db, receipt, decisions=answers, skip_errors=True)
        assert core.database_id(db)
    engine.dispose()
    assert (report.summary["created"], report.summary["errors"]) == (1, 1)
    write_report(report, tmp_path / "report.html")
    assert "Wilson's Farm" in (tmp_path / "report.html").read_text("utf-8")


class Enough(Exception):
    """Somebody wants no more."""


def test_who_tells_how_far_it_is_may_end_it_with_nothing_written(
    core: Bakeio, bakery: str, folder: Path
) -> None:
    looked: list[tuple[str, int]] = []

    def stop_at_products(name: str, done: int) -> None:
        looked.append((name, done))
        if name == "products":
            raise Enough

    with pytest.raises(Enough):
        planned(core, bakery, folder, progress=stop_at_products)
    assert looked[0] == ("suppliers", 8)
    engine = connect(bakery)
    with begin_write(engine) as db:
        db.exec_driver_sql("DELETE FROM inventory_items")
        db.exec_driver_sql("DELETE FROM purchases")
        db.exec_driver_sql("UPDATE products SET preferred_supplier_id = NULL")
        db.exec_driver_sql("DELETE FROM suppliers")
    with pytest.raises(Enough), begin_write(engine) as db:
        core.import_(db, folder, on_conflict="take-file", progress=stop_at_products)
    with begin_read(engine) as db:
        assert db.exec_driver_sql("SELECT count(*) FROM suppliers").scalar() == 0
        assert len(core.runs(db)) == 1
    engine.dispose()
