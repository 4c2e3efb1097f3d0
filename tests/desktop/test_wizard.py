"""The wizard: questions of an import, one page each, with the rows checked by SQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.commands import Run
from support.databases import sql
from support.screen import FLOUR, LINE, leave_out, looked_at, until, write

from bakeio_core import Bakeio

Dialog = Callable[..., Any]
HandedBack = Callable[..., Path]
TABLES = ("suppliers", "ingredients", "products", "purchases")
COLUMNS = {
    "suppliers": "slug, name, city, state",
    "ingredients": "slug, display_name, category",
    "products": "slug, ingredient_id, brand, product_name, package_size, package_unit",
    "purchases": "product_id, supplier_id, purchase_date, unit_price, quantity_purchased",
}


def counts(database: Path) -> list[int]:
    return [sql(database, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES]


def all_rows(database: Path) -> dict[str, Any]:
    return {t: sql(database, f"SELECT {COLUMNS[t]} FROM {t} ORDER BY id") for t in TABLES}


def typed(widget: Any, text: str) -> None:
    """Fill in a field of a form."""
    if hasattr(widget, "delete"):
        widget.delete(0, "end")
        widget.insert(0, text)
    else:
        widget.set(text)


def create(wizard: Any, **texts: str) -> None:
    """Answer the question on the screen with a new row."""
    wizard.page.way_create.invoke()
    for name, text in texts.items():
        typed(wizard.page.form.fields[name], text)


def gone_on(window: Any) -> Any:
    """Press Next, and wait for the page after it or for the preview."""
    window.wizard.next.invoke()
    return looked_at(window).wizard


def test_a_supplier_a_product_and_its_ingredient_are_made_page_by_page_as_on_the_command_line(
    dialog: Dialog, handed_back: HandedBack, sample: Path, tmp_path: Path, run: Run, core: Bakeio
) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(sample.read_bytes())
    before, rye = counts(sample), {**LINE, "product_slug": "rye_flour_1kg", "unit_price": 3}
    file = handed_back(LINE, rye)
    window = looked_at(dialog(file=file))
    window.go.invoke()
    wizard = until(window, lambda: window.wizard)
    assert wizard.heading.cget("text").startswith("1 of 2: suppliers")
    create(wizard, city="Lexington")
    wizard = gone_on(window)
    assert wizard.heading.cget("text").startswith("2 of 2: products")

    wizard.back.invoke()
    assert wizard.heading.cget("text").startswith("1 of 2: suppliers")
    assert wizard.page.action.get() == "create"
    assert wizard.page.form.fields["city"].get() == "Lexington"
    typed(wizard.page.form.fields["city"], "Concord")
    wizard = gone_on(window)

    create(wizard)
    wizard.next.invoke()
    form = wizard.page.form
    refused = {name for name, label in form.wrong.items() if label.winfo_manager()}
    assert {"ingredient_slug", "package_unit"} <= refused
    assert wizard.told.cget("text") == "Something in the form is missing or cannot be read."
    texts = {
        "ingredient_slug": "concord_rye",
        "package_unit": "kg",
        "package_unit_quantity": "one",
        "product_name": "Rye Flour",
    }
    create(wizard, **{name: text for name, text in texts.items() if name in form.fields})
    wizard.next.invoke()
    assert "not a number" in form.wrong["package_unit_quantity"].cget("text")
    typed(form.fields["package_unit_quantity"], "1")
    wizard = gone_on(window)

    assert wizard.heading.cget("text").startswith("3 of 3: ingredients")
    assert counts(sample) == before
    create(wizard, display_name="Concord Rye", category="Flours & Starches")
    assert gone_on(window) is None
    assert window.told.cget("text") == "2 new"
    assert counts(sample) == before

    window.close.invoke()  # cancelled: nothing is written, the answers are kept
    assert not window.winfo_exists()
    assert counts(sample) == before
    kept = tmp_path / "back.decisions.json"
    assert len(json.loads(kept.read_text("utf-8"))) == 3

    window = looked_at(dialog(file=file))
    assert "3 answers are kept" in window.chooser.facts.cget("text")
    window.go.invoke()
    for _ in range(3):
        assert window.wizard.page.action.get() == "create"
        gone_on(window)
    assert window.wizard is None
    window.go.invoke()
    summary = until(window, lambda: window.summary)
    assert counts(sample) == [count + 1 for count in before[:3]] + [before[3] + 2]
    assert summary.report.created_entities.keys() == {"suppliers", "ingredients", "products"}
    summary.close.invoke()
    done = run("-d", copy, "import-view", file, "--decisions", kept)
    assert done.code == 0, done.err
    assert all_rows(copy) == all_rows(sample)


def test_a_row_that_is_there_is_searched_for_as_one_types_and_used(
    dialog: Dialog, handed_back: HandedBack, sample: Path
) -> None:
    before = counts(sample)
    window = looked_at(dialog(file=handed_back(LINE)))
    window.go.invoke()
    page = window.wizard.page
    write(page.text, "wegm")
    until(window, lambda: any("Wegmans" in row.cells[0] for row in page.candidates.rows))
    page.candidates.select(0)
    assert page.action.get() == "existing"
    assert page.why.cget("text").strip()
    assert gone_on(window) is None
    window.go.invoke()
    until(window, lambda: window.summary)
    name = (
        "SELECT s.name FROM purchases p JOIN suppliers s ON s.id = p.supplier_id "
        "ORDER BY p.id DESC LIMIT 1"
    )
    assert sql(sample, name) == [("Wegmans",)]
    assert counts(sample) == [*before[:3], before[3] + 1]


def test_a_conflict_is_resolved_field_by_field(
    dialog: Dialog, sample: Path, tmp_path: Path, run: Run
) -> None:
    view = tmp_path / "view.json"
    assert run("-d", sample, "export-view", "products", "-o", view).code == 0
    document = json.loads(view.read_text("utf-8"))
    record = next(one for one in document["records"] if one["product_slug"] == FLOUR)
    record |= {"notes": "of the file", "brand": "Of the File"}
    other, third = (one for one in document["records"][:3] if one is not record)
    other |= {"notes": "unwanted", "brand": "Wanted"}
    third["notes"] = "taken in again"
    view.write_text(json.dumps(document), "utf-8")
    where = f"WHERE slug = '{FLOUR}'"
    sql(sample, f"UPDATE products SET notes = 'of here', brand = 'Of Here' {where}")
    window = looked_at(dialog(file=view))
    assert window.go.cget("text") == "Answer 2 questions"
    assert {row.kind for row in window.preview.table.rows} >= {"conflict"}
    window.go.invoke()
    for _ in range(2):
        page = window.wizard.page
        assert page.question.kind == "conflict"
        assert page.question.values["database"].lower() == "of here"
        page.ways["take-file" if page.question.field == "notes" else "keep-database"].invoke()
        gone_on(window)
    leave_out(window, "unwanted", "notes")
    leave_out(window, "taken in again")
    assert window.told.cget("text").startswith("2 changed")
    window.close.invoke()  # what was left out is kept as answers are
    window = looked_at(dialog(file=view))
    assert "2 changes are left out" in window.chooser.facts.cget("text")
    table, leaving_out = window.preview.table, window.preview.leaving_out
    table.select([row.cells[4] for row in table.rows].index("the whole record: not written"))
    leaving_out.button.invoke()
    looked_at(window).go.invoke()
    for _ in range(2):
        gone_on(window)
    window.go.invoke()
    summary = until(window, lambda: window.summary)
    assert summary.report.summary["rejected"] == 1
    found = sql(sample, f"SELECT notes, brand FROM products {where}")
    assert found == [("of the file", "Of Here")]
    slugs = f"'{other['product_slug']}', '{third['product_slug']}'"
    found = sql(sample, f"SELECT notes, brand FROM products WHERE slug IN ({slugs})")
    assert {(None, "Wanted"), ("taken in again", third["brand"])} == {*found}


def test_the_same_answer_for_all_like_it_a_value_typed_and_a_record_left_out(
    dialog: Dialog, handed_back: HandedBack, sample: Path
) -> None:
    known = {**LINE, "supplier_name": None, "supplier_slug": "wegmans_burlington_ma"}
    bad = [
        {**known, "unit_price": price, "purchase_date": f"2026-03-0{day}"}
        for day, price in enumerate(("much", "more", "most"), 2)
    ]
    window = looked_at(dialog(file=handed_back(*bad, {**known, "unit_price": 7})))
    before = counts(sample)
    window.go.invoke()
    wizard = window.wizard
    assert wizard.same.cget("text") == "Same answer for the 2 others of this kind"
    page = wizard.page
    page.ways["value"].invoke()
    page.text.insert(0, "a lot")
    wizard.next.invoke()
    assert "not a number" in page.wrong.cget("text")
    page.text.delete(0, "end")
    page.text.insert(0, "4.25")
    wizard = gone_on(window)
    wizard.page.ways["leave-record"].invoke()
    wizard.same.toggle()
    assert gone_on(window) is None
    window.go.invoke()
    until(window, lambda: window.summary)
    assert counts(sample) == [*before[:3], before[3] + 2]
    prices = sql(sample, "SELECT unit_price FROM purchases ORDER BY id DESC LIMIT 2")
    assert sorted(float(price) for (price,) in prices) == [4.25, 7]


def test_what_the_columns_of_a_strangers_sheet_are_is_asked_in_the_window(
    dialog: Dialog, sample: Path, tmp_path: Path, run: Run
) -> None:
    copy, before = tmp_path / "copy.db", counts(sample)
    copy.write_bytes(sample.read_bytes())
    file = tmp_path / "order.csv"
    text = "EAN;Bestelldatum;Preis;Menge;Palette\n11580737;03.11.2026;1,99 €;3;A1\n"
    file.write_text(text, "utf-8")
    answers = {
        "what the rows are": "purchases",
        "column “Bestelldatum”": "purchase_date",
        "column “Preis”": "unit_price",
        "column “Menge”": "quantity_purchased",
        "column “Palette”": "leave-field",
        "supplier_name": "Costco",
        "how column “Bestelldatum” is written": "2026-11-03",
    }
    window = looked_at(dialog(file=file))
    assert "headings are not known yet" in window.chooser.facts.cget("text")
    window.go.invoke()
    while window.wizard is not None:
        page = window.wizard.page
        answer = answers.pop(window.wizard.heading.cget("text").split(": ", 1)[1])
        if answer in page.ways:
            page.ways[answer].invoke()
        elif page.candidates is None:
            write(page.text, answer)
        else:
            cells = [row.cells[0] for row in page.candidates.rows]
            page.candidates.select(cells.index(answer))
        gone_on(window)
    assert answers == {}
    assert window.chooser.facts.cget("text").startswith("A view: purchases.")
    window.go.invoke()
    until(window, lambda: window.summary)
    assert counts(sample) == [*before[:3], before[3] + 1]
    kept = tmp_path / "order.decisions.json"
    done = run("-d", copy, "import", file, "--decisions", kept, "--no-input")
    assert done.code == 0, done.err
    assert all_rows(copy) == all_rows(sample)
