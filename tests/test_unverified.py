"""What an assistant made up can be seen, until a person confirms it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from support.commands import Ran, Run
from support.databases import sql
from support.errors_page import hold_to_page

SLUG, CODE = "valrhona_caraibe_66_3kg", "3395321046613"


@pytest.fixture(autouse=True)
def data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BAKEIO_DATA", str(tmp_path / "data"))


def answered(run: Run, url: object, folder: Path, *words: str) -> Ran:
    """Give out the rows without a barcode, and hand in one barcode with its source."""
    path = folder / "rows.json"
    run("-d", url, "export-view", "products", "--for", "assistant", "--missing", "upc_code",
        "--fill", "upc_code", "--fill", "notes", "-o", path)  # fmt: skip
    given = json.loads(path.read_text("utf-8"))
    (row,) = (row for row, cells in given["rows"].items() if "Caraïbe 66 %" in cells[0])
    answer: dict[str, Any] = {"ticket": given["ticket"]}
    answer["set"] = {"upc_code": [[row, CODE, "the label"]], "notes": [[row, "dark", "a shop"]]}
    (folder / "answer.json").write_text(json.dumps(answer), "utf-8")
    return run("-d", url, "import-view", folder / "answer.json", *words)


def test_a_barcode_of_an_assistant_is_unverified_until_a_person_confirms_it(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    shown = answered(run, bakery, tmp_path, "--dry-run")
    assert f'upc_code: null -> "{CODE}" (unverified, source "the label")' in shown.out
    hold_to_page("unverified", shown.out, tmp_path)
    assert run("-d", bakery, "confirm", "--json").json["unverified"] == []
    done = answered(run, bakery, tmp_path, "--json")
    assert done.code == 0, done.out
    codes = [p["code"] for p in done.json["problems"]]
    assert codes.count("unverified") == 1
    by_name = {field["field"]: field for field in done.json["changes"][0]["fields"]}
    assert (by_name["upc_code"]["unverified"], by_name["upc_code"]["source"]) == (True, "the label")
    assert (by_name["notes"]["source"], "unverified" in by_name["notes"]) == ("a shop", False)
    (left,) = run("-d", bakery, "confirm", "--json").json["unverified"]
    assert (left["field"], left["value"], left["source"]) == ("upc_code", CODE, "the label")
    views = {view["name"]: view for view in run("-d", bakery, "views", "--json").json["views"]}
    assert (views["products"]["unverified"], views["suppliers"]["unverified"]) == (1, 0)
    assert 'unverified, source "the label"' in run("-d", bakery, "why", "products", SLUG).out
    exported = tmp_path / "view.json"
    assert run("-d", bakery, "export-view", "products", "-o", exported).code == 0
    assert "unverified" not in exported.read_text("utf-8")
    assert run("-d", bakery, "confirm", "products", SLUG, "notes").code == 2
    confirmed = run("-d", bakery, "confirm", "products", SLUG, "upc_code")
    assert (confirmed.code, CODE in confirmed.out) == (0, True)
    assert run("-d", bakery, "confirm", "--json").json["unverified"] == []
    assert "confirmed by" in run("-d", bakery, "why", "products", SLUG, "upc_code").out
    assert run("-d", bakery, "confirm", "products", SLUG, "upc_code").code == 2


def test_another_source_that_gives_the_same_confirms_a_value_and_an_echo_does_not(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    def given(source: str) -> Path:
        path = tmp_path / "rows.json"
        run("-d", bakery, "export-view", "products", "--for", "assistant",
            "--fill", "upc_code", "--missing", "upc_code", "-o", path)  # fmt: skip
        rows = json.loads(path.read_text("utf-8"))
        (row,) = (row for row, cells in rows["rows"].items() if "Caraïbe 66 %" in cells[0])
        answer = {"ticket": rows["ticket"], "set": {"upc_code": [[row, CODE, source]]}}
        told = tmp_path / f"answer of {source}.json"
        told.write_text(json.dumps(answer), "utf-8")
        return told

    def left() -> int:
        return len(run("-d", bakery, "confirm", "--json").json["unverified"])

    def imported(path: Path, *words: str) -> list[str]:
        done = run("-d", bakery, "import-view", path, *words, "--json")
        assert (done.code, done.json["summary"]["updated"]) == (0, 0), done.out
        return [p["message"] for p in done.json["problems"] if p["code"] == "unverified"]

    before = tmp_path / "before.json"
    run("-d", bakery, "export-view", "products", "-o", before)
    first, same, other = given("the label"), given("The Label"), given("a shop")
    assert run("-d", bakery, "import-view", first).code == 0
    echo, named = tmp_path / "echo.json", tmp_path / "named.json"
    run("-d", bakery, "export-view", "products", "-o", echo)
    document = json.loads(echo.read_text("utf-8"))
    (record,) = (r for r in document["records"] if r["product_slug"] == SLUG)
    del record["_rev"]
    named.write_text(json.dumps({**document, "records": [record]}), "utf-8")
    for path in (first, echo, named, same):
        assert imported(path) == []
        assert left() == 1
    said = "1 value an assistant gave is confirmed: another source gives the same"
    assert imported(other, "--dry-run") == [said]
    assert left() == 1
    assert imported(other) == [said]
    assert left() == 0
    why = run("-d", bakery, "why", "products", SLUG, "upc_code").out
    assert 'source "the label"), confirmed by "a shop" (answer of a shop.json)' in why
    assert run("-d", bakery, "undo", "--yes").code == 0
    assert left() == 1
    # typed into a file that was exported before the assistant answered
    document = json.loads(before.read_text("utf-8"))
    for record in document["records"]:
        if record["product_slug"] == SLUG:
            record["upc_code"] = CODE
    before.write_text(json.dumps(document), "utf-8")
    assert imported(before) == [said]
    assert left() == 0


def test_a_mark_goes_with_the_value_it_is_about(run: Run, sample: Path, tmp_path: Path) -> None:
    answered(run, sample, tmp_path)
    assert run("-d", sample, "undo", "--yes").code == 0
    assert run("-d", sample, "confirm", "--json").json["unverified"] == []
    answered(run, sample, tmp_path)
    sql(sample, f"UPDATE products SET upc_code = '021000612239' WHERE slug = '{SLUG}'")
    assert run("-d", sample, "confirm", "--json").json["unverified"] == []


def test_a_row_that_was_left_out_comes_back_whole_from_its_log_and_stays_unverified(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    answered(run, sample, tmp_path, "--dry-run")
    path, log = tmp_path / "answer.json", tmp_path / "log.json"
    answer = json.loads(path.read_text("utf-8"))
    ((row, *_),) = answer["set"]["upc_code"]
    answer["set"] |= {"brand": [[row, "Other"]], "upc_code": [[row, CODE, "label"], ["W999", "5"]]}
    path.write_text(json.dumps(answer), "utf-8")
    run("-d", sample, "import-view", path, "--skip-on-error", "--skipped-log", log)
    left_out = json.loads(log.read_text("utf-8"))
    assert left_out["source_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    first, second = (json.loads(each["record_text"]) for each in left_out["records"])
    assert second == {"row": "W999", "upc_code": "5"}
    assert (first.pop("brand"), first["notes"], first["upc_code"]) == ("Other", "dark", CODE)
    left_out["records"] = [{**left_out["records"][0], "record_data": first}]
    log.write_text(json.dumps(left_out), "utf-8")
    assert run("-d", sample, "import", log).code == 0
    (left,) = run("-d", sample, "confirm", "--json").json["unverified"]
    assert (left["value"], left["source"]) == (CODE, "label")
    assert sql(sample, f"SELECT notes FROM products WHERE slug = '{SLUG}'") == [("dark",)]


def test_a_barcode_that_begins_as_those_of_another_maker_is_a_question(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows.json"
    run("-d", bakery, "export-view", "products", "--for", "assistant", "--fill", "upc_code",
        "--missing", "upc_code", "-o", path)  # fmt: skip
    given = json.loads(path.read_text("utf-8"))
    rows = {
        name: row
        for row, cells in given["rows"].items()
        for name in ("King Arthur", "Caraïbe 66 %")
        if name in cells[0]
    }
    kirkland, own = "000015000002", "000011000006"
    for code, count in ((kirkland, 1), (own, 0)):
        answer = {"ticket": given["ticket"], "set": {"upc_code": [[rows["King Arthur"], code]]}}
        (tmp_path / "answer.json").write_text(json.dumps(answer), "utf-8")
        words = ("import-view", tmp_path / "answer.json", "--dry-run", "--json")
        done = run("-d", bakery, *words).json
        asked = [q for q in done["questions"] if "begins like" in q["question"]]
        assert len(asked) == count, done
        assert all("Kirkland Signature" in q["question"] for q in asked)
