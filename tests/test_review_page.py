"""The review page, in a real browser: what is answered and rejected there is what is imported."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.browser import chromium, open_page, wait
from support.commands import Run, export
from support.databases import rows_without, sql
from support.files import Records, edit

from bakeio_core.catalog.exchange import Change
from bakeio_core.cli.review.page import Answering, page
from bakeio_core.history.reports.report import Report

NEW = {
    "product_slug": "argo_cornstarch_35oz",
    "supplier_name": "Wilson's Farm",
    "purchase_date": "2025-12-20",
    "unit_price": 5.49,
    "quantity_purchased": 2,
}
SCREENSHOTS = os.environ.get("BAKEIO_SCREENSHOTS")
"""A folder to keep pictures of the pages in, to be looked at."""


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, which finds what keeps people out."""
    npm, folder = shutil.which("npm"), tmp_path_factory.mktemp("axe")
    if npm is None:
        pytest.skip("there is no npm to get axe-core with")
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", "axe-core@4"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=120)
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if done.returncode or not script.exists():
        pytest.skip("axe-core cannot be fetched from npm here")
    return script.read_text("utf-8")


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for all tests of this file: it takes a second to start."""
    with chromium(tmp_path_factory.mktemp("downloads")) as browser:
        yield browser


@pytest.fixture
def browser(window: Any, tmp_path: Path) -> Any:
    """The browser, as wide as a desk's, which saves files to the folder of the test."""
    to = {"behavior": "allow", "downloadPath": str(tmp_path)}
    window.execute_cdp_cmd("Page.setDownloadBehavior", to)
    window.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    window.get_log("browser")  # what the test before left there
    return window


def as_wide_as(browser: Any, width: int) -> None:
    shape = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)


def serious_faults(browser: Any, axe: str) -> list[str]:
    """Return what axe-core finds wrong with the page that is serious, or worse."""
    browser.execute_script(axe)
    found = browser.execute_async_script(
        "axe.run().then(result => arguments[0](result.violations))"
    )
    return [
        f"{one['id']}: {one['nodes'][0]['html']}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def picture(browser: Any, name: str) -> None:
    if SCREENSHOTS:
        browser.save_screenshot(str(Path(SCREENSHOTS) / f"{name}.png"))


def pick(browser: Any, block: str, choice: str) -> Any:
    """Pick an answer of the question whose title holds a text."""
    path = f'//article[.//h3[contains(., "{block}")]]//label[contains(., "{choice}")]//input'
    found = browser.find_element("xpath", path)
    found.click()
    return found


def asked_and_rejected(run: Run, url: str, folder: Path) -> Path:
    """A file with an unknown shop, a conflict, a failed check and changes besides."""
    path = export(run, url, "purchases", folder / "v.json", "--limit", 20)

    def change(records: Records) -> None:
        records[0]["notes"] = "from the file"
        records[1]["notes"], records[2]["notes"] = "wanted", "unwanted"
        records[1]["unit_price"] = "a lot"
        records.append(NEW)
        records.append({**NEW, "supplier_name": "Wegmans"})

    edit(path, change)
    first = json.loads(path.read_text("utf-8"))["records"][0]["purchase_id"]
    sql(url, f"UPDATE purchases SET notes = 'from the database' WHERE id = {first}")
    return path


def test_what_is_answered_and_rejected_on_the_page_is_what_is_imported(
    run: Run, bakery: str, tmp_path: Path, browser: Any
) -> None:
    path = asked_and_rejected(run, bakery, tmp_path)
    shown, saved = tmp_path / "page.html", tmp_path / "v.decisions.json"
    assert run("-d", bakery, "import", path, "--dry-run", "--report", shown).code == 1
    before = {row["id"]: row for row in rows_without(bakery, "updated_at")["purchases"]}
    open_page(browser, shown)
    picture(browser, "start")
    pick(browser, "name Wilson's Farm", "create a new row")
    browser.find_element(
        "xpath", "//label[contains(., 'city')]/following-sibling::input"
    ).send_keys("Lincoln")
    pick(browser, ": notes", "take what the file says")
    pick(browser, ": unit_price", "another value").find_element(
        "xpath", "./ancestor::fieldset//input[@type='text']"
    ).send_keys("7.25")
    linked = "Wegmans Burlington MA slug wegmans_burlington_ma"
    assert linked in browser.find_element("id", "changes").text
    unwanted = "//article[@class='change'][contains(., 'unwanted')]"
    browser.find_element("xpath", f"{unwanted}//div[@class='head']/input").click()
    picture(browser, "answered")
    assert browser.find_element("id", "open").text == ""
    browser.find_element("id", "save").click()
    wait(saved.exists)
    assert "--decisions v.decisions.json" in browser.find_element("id", "saved").text
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    done = run("-d", bakery, "import", path, "--decisions", saved, "--json")
    assert (done.code, done.json["summary"]["rejected"]) == (3, 1), done.out
    after = {row["id"]: row for row in rows_without(bakery, "updated_at")["purchases"]}
    changed = {i: row for i, row in after.items() if before.get(i) != row}
    notes = sorted(row["notes"] or "" for row in changed.values())
    assert notes == ["", "", "from the file", "wanted"]
    assert {row["unit_price"] for row in changed.values()} >= {5.49, 7.25}
    made = sql(bakery, "SELECT city FROM suppliers WHERE name = 'Wilson''s Farm'")
    assert made == [("Lincoln",)]


def test_what_the_columns_of_a_sheet_are_is_answered_on_the_page(
    run: Run, sample: Path, tmp_path: Path, browser: Any
) -> None:
    path, shown, made = (tmp_path / name for name in ("order.csv", "page.html", "made.json"))
    text = "EAN;Bestelldatum;Preis;Menge;Palette\n11580737;2026-11-03;1,99 €;3;A1\n"
    path.write_text(text, "utf-8")
    entry = {"kind": "heading", "entity": "purchases", "action": "value", "value": "Costco"}
    view = {"kind": "heading", "key": {"view": "?"}, "action": "existing"}
    constant = {**entry, "key": {"constant": "supplier_name"}, "field": "supplier_name"}
    made.write_text(json.dumps([{**view, "target": {"view": "purchases"}}, constant]), "utf-8")
    import_ = ("-d", sample, "import", path, "--decisions", made)
    assert run(*import_, "--dry-run", "--report", shown).code == 1
    open_page(browser, shown)
    picture(browser, "headings")
    assert browser.find_element("tag name", "h3").text == "column Bestelldatum · B1 heading"
    pick(browser, "column Bestelldatum", "purchase_date")
    pick(browser, "column Preis", "unit_price")
    pick(browser, "column Menge", "quantity_purchased")
    pick(browser, "column Palette", "leave it out")
    made.unlink()
    browser.find_element("id", "save").click()
    wait(made.exists)
    assert "is asked once the columns are known" in browser.find_element("id", "saved").text
    done = run(*import_, "--no-input", "--json")
    assert (done.code, done.json["summary"]["created"]) == (0, 1), done.out


WIDER = """
const all = [...document.querySelectorAll("main *")];
const room = document.documentElement.clientWidth;
return all.filter((e) => e.getBoundingClientRect().right > room + 1).map((e) => e.textContent);
"""
"""The elements that reach beyond the window."""


def test_nothing_serious_on_the_page_keeps_people_out(
    run: Run, sample: Path, tmp_path: Path, axe: str, browser: Any
) -> None:
    path, shown = asked_and_rejected(run, str(sample), tmp_path), tmp_path / "page.html"
    run("-d", sample, "import", path, "--dry-run", "--report", shown)
    for width in (1280, 390):
        as_wide_as(browser, width)
        open_page(browser, shown)
        picture(browser, f"questions_{width}")
        assert serious_faults(browser, axe) == []
    as_wide_as(browser, 320)
    assert browser.execute_script(WIDER) == []


def test_the_keyboard_alone_rejects_a_change(
    run: Run, sample: Path, tmp_path: Path, browser: Any
) -> None:
    path, shown = asked_and_rejected(run, str(sample), tmp_path), tmp_path / "page.html"
    run("-d", sample, "import", path, "--dry-run", "--report", shown)
    open_page(browser, shown)
    body = browser.find_element("tag name", "body")
    for key in "jjjjj":
        browser.switch_to.active_element.send_keys(key)
    browser.switch_to.active_element.send_keys("x")
    assert browser.find_element("id", "save").text == "Save decisions (1)"
    browser.switch_to.active_element.send_keys("x")
    assert browser.find_element("id", "save").text == "Save decisions (0)"
    body.send_keys("/")
    assert browser.switch_to.active_element.get_attribute("id") == "text"


def big_page(count: int) -> bytes:
    """A page of so many changed rows."""
    changes = [
        Change(
            "update", "products", number, number, {"notes": f"note {number}", "brand": "New"},
            {"notes": None, "brand": "Old"}, key={"product_slug": f"product_{number}"},
            label=f"Product {number}", about={"slug": f"product_{number}"},
        )
        for number in range(1, count + 1)
    ]  # fmt: skip
    summary = {"processed": count, "created": 0, "updated": count}
    report = Report(
        None, True, "merge", "big.json", summary, {"products": summary}, changes=changes
    )
    return page(report, Answering("big.decisions.json", "bakeio import big.json"))


def test_a_page_of_a_hundred_thousand_changes_is_written_in_three_seconds() -> None:
    began = time.process_time()
    assert big_page(100_000).count(b"product_100000") > 1
    assert time.process_time() - began < 3


def test_ten_thousand_changes_are_filtered_and_rejected_at_once(
    tmp_path: Path, browser: Any
) -> None:
    path = tmp_path / "big.html"
    path.write_bytes(big_page(10_000))
    for width in (1280, 390):
        as_wide_as(browser, width)
        open_page(browser, path)
        picture(browser, f"ten_thousand_{width}")
        timed = """
            const began = performance.now();
            document.getElementById("text").value = arguments[0];
            filter();
            document.body.getBoundingClientRect();
            return [performance.now() - began, document.getElementById("left").textContent];
        """
        browser.execute_script(timed, "warm")
        for words, left in (("product_777", "11 of"), ("", "10,000 of"), ("note 9999", "1 of")):
            took, said = browser.execute_script(timed, words)
            assert said.startswith(left)
            assert took < 200
        browser.execute_script(timed, "")
        # with a good part of them drawn, as they are where somebody has scrolled
        browser.execute_script("while (drawn < 2000) draw();")
        took = browser.execute_script(
            "const began = performance.now();"
            "document.querySelector('#groups input').click();"
            "document.body.getBoundingClientRect(); return performance.now() - began;"
        )
        assert took < 200
        assert browser.find_element("id", "save").text == "Save decisions (10000)"
        ticked = "return document.querySelectorAll('.fields input:checked').length"
        assert browser.execute_script(ticked) == 2000
        overflow = "return document.documentElement.scrollWidth <= window.innerWidth"
        assert browser.execute_script(overflow)


def test_a_page_shows_half_a_character_as_an_escape(sample: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "new.json").write_text(
        '{"view_name": "purchases", "records": [{"product_slug": "flour", "purchase_date": '
        '"x\\udfff", "supplier_name": "Wegmans", "unit_price": 1, "quantity_purchased": 1}]}'
    )
    told = tmp_path / "told.html"
    refused = run("-d", sample, "import-view", tmp_path / "new.json", "--report", told)
    assert (refused.code, refused.err) == (1, f"Wrote {told}\n")
    assert "\\udfff" in told.read_text("utf-8")
