"""One file of decisions, whoever wrote it: the terminal, the page, a hand or the window; the rows
are the same on both databases, and on a fresh copy nothing is asked again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.browser import chromium, open_page, wait
from support.commands import Run
from support.databases import MADE_NEW, rows_without, sql
from support.files import Records, edit
from support.screen import leave_out, looked_at
from support.terminal import piped

from bakeio_core import Bakeio, Decision, Missing, Question, Report, connect, read_decisions
from bakeio_core.database import begin_write

SUMAC = {
    "product_slug": "sumac_jar",
    "ingredient_slug": "sumac",
    "package_unit": "jar",
    "package_unit_quantity": 4,
}
FIRST, BAD = "king_arthur_unbleached_all_purpose_flour_25lb", "036000291453"
THEIRS = f"UPDATE products SET brand = 'Database' WHERE slug = '{FIRST}'"


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory, sample_database: Path) -> Path:
    """The sample, in which somebody changed a brand after a file was exported and edited."""
    from bakeio_core.cli.run import main

    folder = tmp_path_factory.mktemp("edited")
    (folder / "sample.db").write_bytes(sample_database.read_bytes())
    path = folder / "v.json"
    with pytest.raises(SystemExit):
        main(["-d", str(folder / "sample.db"), "export-view", "products", "-o", str(path)])

    def change(records: Records) -> None:
        records[0]["brand"], records[1]["upc_code"] = "File", BAD
        records[2]["notes"], records[3]["notes"] = "unwanted", "wanted"
        records.append(SUMAC)

    edit(path, change)
    sql(folder / "sample.db", THEIRS)
    return folder


def by_terminal(folder: Path, made: Path) -> None:
    words = ["-d", folder / "sample.db", "import", "v.json", "--review", "--decisions", made]
    answers = ["c", "", "Sumac", "Spices", "f", "a", "", "", "o", "n", "", "", "n"]
    done = piped(words, answers, folder)
    assert made.exists(), done.err


def by_hand(folder: Path, made: Path) -> None:
    records = json.loads((folder / "v.json").read_text("utf-8"))["records"]
    slugs = [record["product_slug"] for record in records]
    of = [{"entity": "products", "key": {"slug": slug}} for slug in slugs]
    made.write_text(
        json.dumps([
            {"entity": "ingredients", "key": {"slug": "sumac"}, "action": "create",
             "values": {"slug": "sumac", "display_name": "Sumac", "category": "Spices"}},
            {**of[0], "field": "brand", "action": "take-file"},
            {**of[1], "field": "upc_code", "action": "accept"},
            {**of[2], "field": "notes", "action": "leave-field"},
        ]),
        "utf-8",
    )  # fmt: skip


def by_page(folder: Path, made: Path) -> None:
    from bakeio_core.cli.run import main

    shown = folder / "page.html"
    words = ["-d", str(folder / "sample.db"), "import", str(folder / "v.json"), "--dry-run"]
    with pytest.raises(SystemExit):
        main([*words, "--report", str(shown)])
    with chromium(made.parent) as browser:
        open_page(browser, shown)

        def pick(block: str, choice: str) -> None:
            title = f"//article[.//h3[contains(., '{block}')]]"
            browser.find_element("xpath", f"{title}//label[contains(., '{choice}')]/input").click()

        def fill(label: str, value: str) -> None:
            field = f"//label[contains(., '{label}')]/following-sibling::input"
            browser.find_element("xpath", field).send_keys(value)

        pick("ingredients: slug sumac", "create a new row")
        fill("display_name", "Sumac")
        fill("category", "Spices")
        pick(": brand", "take what the file says")
        pick(": upc_code", "accept it as it is")
        row = "//article[@class='change'][contains(., 'unwanted')]//div[@class='fields']//input"
        browser.find_element("xpath", row).click()
        browser.find_element("id", "save").click()
        saved = made.parent / "v.decisions.json"
        wait(saved.exists)
        saved.rename(made)


def by_window(folder: Path, made: Path) -> None:
    import customtkinter
    from bakeio_desktop import ImportViewDialog

    root = customtkinter.CTk()
    window = ImportViewDialog(root, Bakeio.discover(), folder / "sample.db", file=folder / "v.json")
    looked_at(window).go.invoke()
    page = window.wizard.page
    page.way_create.invoke()
    page.form.fields["display_name"].insert(0, "Sumac")
    page.form.fields["category"].set("Spices")
    for way in ("take-file", "accept"):
        window.wizard.next.invoke()
        looked_at(window).wizard.page.ways[way].invoke()
    window.wizard.next.invoke()
    leave_out(looked_at(window), "unwanted", "notes")
    window.close.invoke()
    root.destroy()
    (folder / "v.decisions.json").rename(made)


@pytest.fixture(
    scope="module",
    params=[by_terminal, by_page, by_hand, by_window],
    ids=["terminal", "page", "hand", "window"],
)
def made(request: Any, edited: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of decisions, written in one of the ways; once for both databases."""
    path: Path = tmp_path_factory.mktemp("made") / "made.json"
    if request.param is by_window:
        request.getfixturevalue("display")
    request.param(edited, path)
    return path


@pytest.fixture(scope="module")
def expected(edited: Path, core: Bakeio) -> Any:
    """All rows after the decisions of a hand were carried out."""
    copy, hand = edited / "copy.db", edited / "hand.json"
    copy.write_bytes((edited / "sample.db").read_bytes())
    by_hand(edited, hand)
    decisions = read_decisions(hand, core.catalog)
    with connect(str(copy)).begin() as db:
        core.import_(db, edited / "v.json", decisions=decisions)
    return rows_without(copy, *MADE_NEW)


def test_terminal_page_hand_and_window_write_decisions_that_are_carried_out_alike(
    run: Run, edited: Path, bakery: str, made: Path, expected: Any
) -> None:
    sql(bakery, THEIRS)  # a fresh copy, of either system, where nobody is asked
    words = ("import", edited / "v.json", "--decisions", made, "--no-input", "--json")
    done = run("-d", bakery, *words)
    assert (done.code, done.json["summary"]["rejected"]) == (3, 1), done.out
    assert done.json["questions"] == []
    rows = rows_without(bakery, *MADE_NEW)
    assert rows == expected
    products = {row["slug"]: row for row in rows["products"]}
    assert products[FIRST]["brand"] == "File"
    assert {BAD, "wanted"} <= {value for row in products.values() for value in row.values()}
    assert "unwanted" not in {row["notes"] for row in products.values()}
    assert "sumac_jar" in products


SPELLED = pytest.mark.parametrize("spelled", [str, str.upper, lambda slug: slug.replace("_", "-")])


def decided(url: str, core: Bakeio, path: Path, view: str, record: Any, *made: Any) -> Report:
    """Import one record of a view with one decision, and return the report."""
    path.write_text(json.dumps({"view_name": view, "records": [record]}), "utf-8")
    engine = connect(url)
    with begin_write(engine) as db:
        report = core.import_(db, path, decisions=dict([made]))
    engine.dispose()
    return report


@SPELLED
def test_the_row_of_a_decision_is_found_however_its_key_is_spelled(
    core: Bakeio, bakery: str, tmp_path: Path, spelled: Callable[[str], str]
) -> None:
    known = {"slug": spelled("wegmans_burlington_ma")}
    bought = {"product_slug": FIRST, "supplier_name": "Nobody", "purchase_date": "2025-01-01"}
    bought |= {"unit_price": 1, "quantity_purchased": 1}
    question = Missing("suppliers", {"name": "nobody"})
    file, decision = tmp_path / "f.json", Decision("existing", known)
    report = decided(bakery, core, file, "purchases", bought, question, decision)
    assert report.changes[0].names["supplier_id"] == "Wegmans Burlington MA"
    new = {"slug": "new_one", "name": "New One", "zip": "01803"}
    question = Question("suppliers", {"slug": "new_one"}, kind="new-row")
    report = decided(bakery, core, file, "suppliers", new, question, decision)
    assert report.summary["created"] == 0


@SPELLED
def test_the_record_of_a_decision_is_found_however_its_key_is_spelled(
    core: Bakeio, bakery: str, tmp_path: Path, spelled: Callable[[str], str]
) -> None:
    question = Question("products", {"slug": spelled(FIRST)}, "notes", kind="change")
    record, decision = {"product_slug": FIRST, "notes": "bad"}, Decision.value("good")
    file = tmp_path / "f.json"
    report = decided(bakery, core, file, "products", record, question, decision)
    assert report.changes[0].new["notes"] == "good"
