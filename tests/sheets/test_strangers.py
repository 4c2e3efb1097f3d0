"""Sheets of shops, whose headings are none of ours: asked about once, then known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from support.commands import Ran, Run
from support.terminal import on_terminal

CSV_DE = (
    "Musterhandel GmbH;;;;;\n"
    "Artikel;EAN;Bestelldatum;Preis;Menge;Palette\n"
    "Mehl 405;11580737;03.11.2026;1,99 €;3;A1\n"
    "Kuchenmehl;13419639;04.11.2026;2,49 €;1;A2\n"
    "Unbekannt;4000220000005;14.11.2026;1.002,49 €;1;A2\n"
    "Summe;;;1.006,97;;\n"
)
GERMAN = {
    "?": "purchases",
    "Artikel": "notes",
    "EAN": "product_upc_code",
    "Bestelldatum": "purchase_date",
    "Preis": "unit_price",
    "Menge": "quantity_purchased",
    "Palette": None,
    "supplier_name": "Costco",
}
CSV_US = (
    "Item no,Description,UPC,Order date,Price each,Qty\n"
    "K1,Flour,000011580737,11/3/2026,$4.99,2\n"
    "K2,Cake flour,000013419639,11/4/2026,$3.10,1\n"
)
AMERICAN = {
    "?": "purchases",
    "Item no": None,
    "Description": None,
    "UPC": "product_upc_code",
    "Order date": "purchase_date",
    "Price each": "unit_price",
    "Qty": "quantity_purchased",
    "supplier_name": "Wegmans",
    "3": "2026-11-03",
}
FRENCH = {
    "?": "products",
    "Référence": None,
    "Désignation": "product_name",
    "Code-barres": "upc_code",
    "Prix": None,
    "ingredient_name": None,
    "package_unit": None,
    "package_unit_quantity": None,
}


def made(done: Ran) -> tuple[int, int]:
    summary = done.json["summary"]
    return summary["created"], summary["updated"]


def answer(path: Path, answers: dict[str, Any]) -> list[dict[str, Any]]:
    """Fill in the open questions of a decisions file, and return them as they were."""
    entries = json.loads(path.read_text("utf-8"))
    asked = [dict(entry) for entry in entries if entry["action"] is None]
    for entry in entries:
        if entry["action"] is not None:
            continue
        (kind, said), name = next(iter(entry["key"].items())), {"view": "view", "heading": "field"}
        wanted = answers[str(said)] if kind != "pattern" else answers["pattern"]
        if wanted is None:
            entry["action"] = "leave-field"
        elif kind == "constant":
            entry |= {"action": "value", "value": wanted}
        else:
            entry |= {"action": "existing", "target": {name.get(kind, "is"): wanted}}
    path.write_text(json.dumps(entries), "utf-8")
    return asked


def mapped(run: Run, url: object, path: Path, answers: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer until nothing is asked of the headings; return all questions."""
    decisions, asked = path.with_suffix(".decisions.json"), list[dict[str, Any]]()
    words = ["-d", url, "import", path, "--no-input", "--dry-run"]
    run(*words)
    while any(e["action"] is None for e in json.loads(decisions.read_text("utf-8"))):
        asked += answer(decisions, answers)
        if asked[-1].get("kind") != "heading" or run(*words, "--decisions", decisions).code == 0:
            break
        left = json.loads(decisions.read_text("utf-8"))
        if any(e["action"] is None and e.get("kind") != "heading" for e in left):
            break
    return asked


def test_of_views_that_know_all_headings_that_one_is_meant_which_calls_its_fields_so(
    bakery: str, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "answer.csv"  # purchases have a product_upc_code, which may be called so too
    path.write_text("product_slug,upc_code\nargo_cornstarch_35oz,036000291452\n", "utf-8")
    assert made(run("-d", bakery, "import-view", path, "--json")) == (0, 1)


def test_a_german_price_list_is_mapped_once_and_then_known(
    bakery: str, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "laden.csv"
    path.write_text(CSV_DE, "cp1252")
    asked = mapped(run, bakery, path, GERMAN)
    assert [question["key"] for question in asked] == [
        {"view": "?"},
        *({"heading": name} for name in GERMAN if name in CSV_DE and name != "EAN"),
        {"constant": "supplier_name"},
    ]
    first = {str(q["key"]): [c["label"] for c in q.get("candidates", ())] for q in asked}
    assert first["{'view': '?'}"][0] == "purchases"
    assert first["{'heading': 'Preis'}"][0] == "unit_price"
    assert first["{'heading': 'Bestelldatum'}"][0] == "purchase_date"
    decisions = ["--decisions", path.with_suffix(".decisions.json")]
    refused = run("-d", bakery, "import", path, *decisions, "--json")
    assert refused.code == 1, "the new product is asked for"
    told = [p for p in refused.json["problems"] if p["severity"] == "error"]
    assert [p["code"] for p in told] == ["missing-reference"]
    skipping = ["--skip-on-error", "--skipped-log", tmp_path / "log.json", "--json"]
    done = run("-d", bakery, "import", path, *decisions, *skipping)
    assert (done.code, made(done)) == (3, (2, 0))
    preview = [p["message"] for p in done.json["problems"] if p["code"] == "unknown-headings"]
    assert preview[0].startswith("is read as purchases: Artikel is notes, EAN is product_upc_code")
    assert any("unit_price 1.99" in message for message in preview)
    again = run("-d", bakery, "import", path, *skipping)
    assert made(again) == (0, 0)
    path.write_text(CSV_DE.replace("03.11.2026", "05.11.2026"), "cp1252")
    later = run("-d", bakery, "import", path, *skipping)
    assert made(later) == (1, 0)


def test_dates_that_may_be_two_are_asked_about_once_a_column(
    sample: Path, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "order.csv"
    path.write_text(CSV_US)
    asked = mapped(run, sample, path, AMERICAN | {"pattern": "2026-11-03"})
    assert asked[-1]["key"] == {"pattern": "Order date"}
    assert {c["label"] for c in asked[-1]["candidates"]} == {"2026-11-03", "2026-03-11"}
    decisions = path.with_suffix(".decisions.json")
    done = run("-d", sample, "import", path, "--decisions", decisions, "--json")
    assert made(done) == (2, 0), done.out
    assert '"2026-11-03"' in done.out
    assert '"2026-03-11"' not in done.out
    assert made(run("-d", sample, "import", path, "--json")) == (0, 0)


def test_a_workbook_finds_products_by_barcode_and_the_layout_travels_with_a_set(
    sample: Path, run: Run, tmp_path: Path
) -> None:
    path, book = tmp_path / "tarif.xlsx", openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Référence", "Désignation", "Code-barres", "Prix"])
    sheet.append(["A1", "Farine de blé", 11580737, 1.99])
    sheet.append(["A2", "Farine fine", "000013419639", 2.49])
    book.save(path)
    mapped(run, sample, path, FRENCH)
    decisions = path.with_suffix(".decisions.json")
    assert made(run("-d", sample, "import", path, "--decisions", decisions, "--json")) == (0, 2)
    assert "Désignation is product_name" in run("-d", sample, "aliases").out
    folder = tmp_path / "set"
    assert run("-d", sample, "export-complete", "-o", folder).code == 0
    assert run("validate-export", folder).code == 0
    other = tmp_path / "other.db"
    assert run("-d", other, "import-complete", folder).code == 0
    assert made(run("-d", other, "import", path, "--json")) == (0, 0)
    gone = run("-d", other, "aliases", "remove", "products", "Désignation")
    assert gone.out.strip() == "Forgot 1."
    assert run("-d", other, "import", path).code == 1


def test_an_import_that_is_taken_back_takes_its_layout_with_it(
    sample: Path, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "order.csv"
    path.write_text(CSV_US.replace("11/3", "11/30"))
    mapped(run, sample, path, AMERICAN)
    decisions = path.with_suffix(".decisions.json")
    words = ("-d", sample, "import", path, "--decisions", decisions, "--json")
    assert made(run(*words)) == (2, 0)
    entries = json.loads(decisions.read_text("utf-8"))
    (other,) = (entry for entry in entries if entry["key"].get("heading") == "Description")
    other |= {"action": "existing", "target": {"field": "notes"}}
    decisions.write_text(json.dumps(entries))
    assert made(run(*words)) == (0, 2)
    assert "Description is notes" in run("-d", sample, "aliases").out
    back = run("-d", sample, "undo")
    assert "mean again what they meant before" in back.err + back.out
    assert "Description is notes" not in run("-d", sample, "aliases").out
    assert made(run("-d", sample, "import", path, "--json")) == (0, 0)
    assert run("-d", sample, "undo", "--yes").code == 0
    asks = run("-d", sample, "import", path)
    assert asks.code == 1
    assert "the headings match no view" in asks.out


def test_a_layout_that_is_all_an_import_left_is_taken_back_too(
    sample: Path, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "order.csv"
    path.write_text(CSV_US.replace("11/3", "11/30"))
    mapped(run, sample, path, AMERICAN)
    decisions = path.with_suffix(".decisions.json")
    assert made(run("-d", sample, "import", path, "--decisions", decisions, "--json")) == (2, 0)
    assert run("-d", sample, "aliases", "remove", "purchases", "Order date").code == 0
    again = run("-d", sample, "import", path, "--decisions", decisions, "--json")
    assert made(again) == (0, 0)
    undone = run("-d", sample, "undo", again.json["run"], "--yes")
    assert undone.code == 0, undone.err
    assert "have no known meaning more" in undone.out + undone.err
    assert "the headings match no view" in run("-d", sample, "import", path).out


def test_headings_are_asked_about_at_the_terminal_with_suggestions(
    sample: Path, tmp_path: Path
) -> None:
    path = tmp_path / "order.csv"
    path.write_text(CSV_US)
    # the view, five columns, the shop, how days are written; then the preview is agreed to
    answers = ["1", "l", "l", "1", "1", "1", "v", "Wegmans", "1", "y"]
    done = on_terminal(["-d", sample, "import", path, "--interactive"], answers, tmp_path)
    assert done.code == 0, done.out
    assert "purchase_date" in done.out
    assert "2 of 2 are dates" in done.out
    assert "Write this?" in done.out
    assert "Imported: 2 created" in done.out


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            {"key": {"heading": "Qty"}, "action": "existing", "target": {"field": "colour"}},
            "colour",
        ),
        ({"key": {"colour": "Qty"}, "action": "leave-field"}, 'there is no "colour"'),
        ({"key": {"view": "?"}, "action": "existing", "target": {"view": "ovens"}}, "ovens"),
        ({"key": {"view": "?"}, "action": "skip"}, '"action" of a heading is one of'),
        (
            {"key": {"constant": "unit_price"}, "action": "value", "value": "cheap"},
            "is not a number",
        ),
    ],
)
def test_an_answer_about_headings_that_makes_no_sense_is_told(
    sample: Path, run: Run, tmp_path: Path, entry: Any, said: str
) -> None:
    path, decisions = tmp_path / "o.csv", tmp_path / "o.decisions.json"
    path.write_text(CSV_US.replace("Price each", "Colour"))
    run("-d", sample, "import", path, "--no-input")
    mapped(
        run, sample, path, AMERICAN | {"Colour": None, "unit_price": "1", "pattern": "2026-11-03"}
    )
    entries = json.loads(decisions.read_text("utf-8"))
    _replaced(entries, entry)
    decisions.write_text(json.dumps(entries), "utf-8")
    done = run("-d", sample, "import", path, "--decisions", decisions)
    assert done.code == 1
    assert said in done.out + done.err


def _replaced(entries: list[Any], entry: Any) -> None:
    kept = [one for one in entries if one["key"] != entry["key"]]
    asked = next((one for one in entries if one["key"] == entry["key"]), entries[0])
    entries[:] = [*kept, {**asked, **entry, "kind": "heading"}]


def test_headings_of_which_some_are_ours_are_asked_about_where_no_row_can_be_told(
    sample: Path, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Brand,Notes,EAN,Weight,Unit price\nKing Arthur,ok,000011960232,25 lb,4.99\n")
    done = run("-d", sample, "import", path, "--json", "--no-input")
    assert [q["kind"] for q in done.json["questions"]] == ["heading"]
    assert "to which view do the rows belong?" in done.json["questions"][0]["question"]


def test_a_sheet_that_is_no_table_is_still_refused(sample: Path, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("buy more flour\nand sugar\n")
    done = run("-d", sample, "import", path)
    assert (done.code, "no row of it has the headings of a view" in done.err) == (1, True)
    refreshed = tmp_path / "order.csv"
    refreshed.write_text(CSV_US)
    done = run("-d", sample, "import", refreshed, "--refresh")
    assert done.code in (1, 2)
    assert refreshed.read_text() == CSV_US
