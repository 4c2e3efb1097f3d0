"""References that name no row, from the question to the row: by a terminal, by a file of decisions,
by a program.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table
from support.commands import Ran, Run
from support.databases import MADE_NEW, execute, hash_of, rows_of, rows_without
from support.files import DATA, resign
from support.receipts import CIDER, DECIDED, FARM, SUMAC, decisions, purchase, receipts, view_of
from support.terminal import on_terminal

from bakeio_core import Bakeio, Decision, Entity, Missing, connect, hookimpl
from bakeio_core.files.documents import scanner
from bakeio_core.files.documents.document import Document

STORY = [
    "c",
    "",
    "Lincoln",
    "MA",
    "c",
    "",
    "",
    FARM,
    "Apple Cider",
    "64",
    "oz",
    "64",
    "c",
    "",
    "",
    "",
    "",
    "",
    "oz",
    "4",
    "c",
    "",
    "7",
    "y",
]
"""What somebody types: a supplier, a product of a known ingredient, a product of an unknown one,
that ingredient; and yes, write it.
"""


# -- the story
def test_the_story_end_to_end_on_a_terminal_and_again_from_its_decisions(
    run: Run, new_bakery: Callable[[], str], tmp_path: Path
) -> None:
    first, second, third = new_bakery(), new_bakery(), new_bakery()
    receipts(tmp_path / "receipts.json")
    told = on_terminal(
        ["-d", first, "import-view", "receipts.json", "--interactive", "--decisions", "d.json"],
        STORY,
        tmp_path,
    )
    assert told.code == 0, told.out
    assert told.out.count("Your answer:") == 4
    questions = [line for line in told.out.splitlines() if line.startswith("Question ")]
    assert [line.split(": ")[1] for line in questions] == [
        "suppliers", "products", "products", "ingredients",
    ]  # fmt: skip
    rows = rows_of(first)
    assert [row[3] for row in rows["suppliers"]].count(FARM) == 1
    assert [row[2] for row in rows["products"][-2:]] == [CIDER, SUMAC]
    assert len(rows["purchases"]) == 424
    again = run(
        "-d",
        second,
        "import-view",
        tmp_path / "receipts.json",
        "--decisions",
        tmp_path / "d.json",
        "--json",
    )
    assert again.code == 0
    assert again.json["summary"]["created"] == 24
    assert again.json["summary"]["processed"] == 24
    assert rows_without(second, *MADE_NEW) == rows_without(first, *MADE_NEW)
    by_hand = decisions(tmp_path / "own.json", DECIDED)
    done = run(
        "-d", third, "import-view", tmp_path / "receipts.json", "--decisions", by_hand, "--json"
    ).json
    assert done["created_entities"] == {
        "suppliers": [{"slug": "wilsons_farm_lincoln_ma"}],
        "products": [{"slug": CIDER}, {"slug": SUMAC}], "ingredients": [{"slug": "sumac"}],
    }  # fmt: skip
    assert (
        rows_without(third, *MADE_NEW)["purchases"] == rows_without(first, *MADE_NEW)["purchases"]
    )
    twice = run("-d", third, "import-view", tmp_path / "receipts.json", "--json")
    assert twice.code == 0
    assert twice.json["summary"]["unchanged"] == 24
    assert twice.json["summary"]["created"] == 0


COSTCO_TOO = (
    "INSERT INTO suppliers (uuid, slug, name, city, state) VALUES ('{0}', '{0}', '{1}', "
    "'Nashua', 'NH')"
)


def wrong_values(done: Ran) -> list[tuple[str, Any, int]]:
    """Return (code, value, count) of the errors of a report."""
    return [
        (p["code"], p["value"], p["count"])
        for p in done.json["problems"]
        if p["severity"] == "error"
    ]


# -- nobody waits for a person
@pytest.mark.parametrize("journal", ["wal", "delete", "postgresql"])
def test_others_write_while_a_question_is_open(
    run: Run, sample: Path, tmp_path: Path, request: Any, journal: str
) -> None:
    url = str(sample)
    if journal == "postgresql":
        url = request.getfixturevalue("new_postgresql")()
        run("-d", url, "init", "--sample")
    else:
        db = sqlite3.connect(url)
        assert db.execute(f"PRAGMA journal_mode={journal}").fetchone() == (journal,)
        db.close()
    view_of(tmp_path / "view.json", [purchase(FARM)])
    write = lambda: execute(url, COSTCO_TOO.format("meanwhile", "Meanwhile"))
    done = on_terminal(
        ["-d", url, "import-view", "view.json", "--interactive"],
        [write, "c", "", "Lincoln", "MA"],
        tmp_path,
    )
    assert done.code == 0, done.out
    assert {"Meanwhile", FARM} <= {row[3] for row in rows_of(url)["suppliers"]}


# -- what a decision may be wrong about
def test_a_target_that_is_gone_is_told_asked_again_and_its_decision_is_kept(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    view = view_of(tmp_path / "view.json", [purchase(FARM)])
    gone = {
        "entity": "suppliers",
        "key": {"name": FARM},
        "action": "existing",
        "target": {"slug": "gone"},
        "by": "Ann",
    }
    file, before = decisions(tmp_path / "d.json", [gone]), hash_of(sample)
    done = run("-d", sample, "import-view", view, "--decisions", file, "--json")
    assert done.code == 1
    assert wrong_values(done) == [("missing-reference", FARM, 1)]
    assert hash_of(sample) == before
    message = done.json["problems"][0]["message"]
    why = 'it was decided to use the one with slug "gone", but no row of suppliers has it'
    assert message.count(why) == 1
    kept = json.loads(file.read_text("utf-8"))
    assert {**gone, "at": "", "problem": kept[0]["problem"]} == kept[0]
    assert "no row of suppliers has it" in kept[0]["problem"]
    told = on_terminal(
        ["-d", sample, "import-view", view, "--interactive", "--decisions", file],
        ["f wegmans", "1"],
        tmp_path,
    )
    assert told.code == 0
    assert "The answer given before cannot be used: it was decided to use the one" in " ".join(
        told.out.split()
    )
    assert json.loads(file.read_text("utf-8"))[0]["target"] == {"slug": "wegmans_burlington_ma"}


@pytest.mark.parametrize(
    ("second", "named"),
    [("Costco", "Costco"), ("COSTCO", "costco")],
    ids=["two names", "equal after folding"],
)
def test_a_name_of_two_rows_is_never_picked_but_may_be_decided(
    run: Run, new_bakery: Callable[[], str], tmp_path: Path, second: str, named: str
) -> None:
    url = new_bakery()
    execute(url, COSTCO_TOO.format("costco_nashua_nh", second))
    view = view_of(tmp_path / "view.json", [purchase(named), purchase(named, 2)])
    before = hash_of(url)
    done = run("-d", url, "import-view", view, "--json", "--auto-create", "suppliers")
    assert done.code == 1
    assert wrong_values(done) == [("ambiguous-key", named, 2)]
    assert hash_of(url) == before
    offered = [candidate["target"]["slug"] for candidate in done.json["problems"][0]["candidates"]]
    assert offered == ["costco_waltham_ma", "costco_nashua_nh"]
    entry = {
        "entity": "suppliers",
        "key": {"name": named},
        "action": "existing",
        "target": {"slug": "costco_nashua_nh"},
    }
    decided = run(
        "-d",
        url,
        "import-view",
        view,
        "--decisions",
        decisions(tmp_path / "d.json", [entry]),
        "--json",
    )
    assert decided.code == 0
    assert decided.json["summary"]["created"] == 2
    assert decided.json["resolved"][0]["target"] == {"slug": "costco_nashua_nh"}
    # the name is no less ambiguous the next time
    assert run("-d", url, "aliases", "--json").json["aliases"] == []
    assert [row[3] for row in rows_of(url)["purchases"][-2:]] == [9, 9]
    execute(url, "DELETE FROM purchases WHERE id > 400")
    chosen = on_terminal(["-d", url, "import-view", view, "--interactive"], ["2"], tmp_path)
    assert chosen.code == 0
    assert [row[3] for row in rows_of(url)["purchases"][-2:]] == [9, 9]


def test_an_unedited_view_is_not_disturbed_by_a_second_shop_of_one_name(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    run("-d", sample, "export-view", "purchases", "-o", tmp_path / "view.json")
    execute(str(sample), COSTCO_TOO.format("costco_nashua_nh", "Costco"))
    done = run("-d", sample, "import-view", tmp_path / "view.json", "--json")
    assert done.code == 0
    assert done.json["summary"]["unchanged"] == 400


PACKED = {"slug": CIDER, "package_unit": "oz", "package_unit_quantity": 64}
WHOLE = PACKED | {"ingredient_id.slug": "apple_cider"}
REFUSED = {
    "a reference that is required left empty": ("suppliers", {"name": FARM}, {"action": "empty"},
                                                "leave it empty, but it is required"),
    "a required value not given": ("suppliers", {"name": FARM},
                                   {"action": "create", "values": {"city": "Lincoln"}},
                                   "name: is missing"),
    "a value too long": ("suppliers", {"name": FARM},
                         {"action": "create", "values": {"name": "x" * 201}}, "at most 200"),
    "a value that is not a number": ("products", {"slug": CIDER},
                                  {"action": "create", "values": WHOLE | {"package_size": "big"}},
                                  "big"),
    "a value out of range": ("products", {"slug": CIDER},
                             {"action": "create", "values": WHOLE | {"package_unit_quantity": 0}},
                             "more than 0"),
    "a required reference not given": ("products", {"slug": CIDER},
                                       {"action": "create", "values": PACKED},
                                       "ingredient_slug: is missing"),
    "a reference of the new row nobody knows": (
        "products", {"slug": CIDER}, {"action": "create",
                                      "values": PACKED | {"ingredient_id.slug": "nowhere"}},
                                      'has ingredient_slug "nowhere"'
    ),
    "a target of another type": ("suppliers", {"name": FARM},
                                 {"action": "existing", "target": {"id": "first"}},
                                 "no row of suppliers has it"),
    "a target of several rows": ("suppliers", {"name": FARM},
                                 {"action": "existing", "target": {"state": "MA"}},
                                 "6 rows of suppliers have it"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_decision_that_cannot_be_carried_out_is_refused_and_nothing_is_invented(
    run: Run, new_bakery: Callable[[], str], tmp_path: Path, what: str
) -> None:
    entity, key, entry, said = REFUSED[what]
    url = new_bakery()
    view = view_of(
        tmp_path / "view.json",
        [purchase(FARM) if entity == "suppliers" else purchase("Costco", 1, CIDER)],
    )
    file, before = (
        decisions(tmp_path / "d.json", [{"entity": entity, "key": key, **entry}]),
        hash_of(url),
    )
    for more in ([], ["--dry-run"]):
        done = run("-d", url, "import-view", view, "--decisions", file, "--json", *more)
        assert done.code == 1, what
        assert hash_of(url) == before, what
        assert said in done.json["problems"][0]["message"]
        assert done.json["created_entities"] == {}
        assert done.json["summary"]["errors"] == 1


def test_skipping_by_decision_leaves_out_just_those_records(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    view = view_of(
        tmp_path / "view.json", [purchase(FARM), purchase("Costco", 2), purchase(FARM, 3)]
    )
    file = decisions(
        tmp_path / "d.json", [{"entity": "suppliers", "key": {"name": FARM}, "action": "skip"}]
    )
    done = run("-d", sample, "import-view", view, "--decisions", file, "--json")
    assert done.code == 3
    assert done.json["summary"]["skipped"] == 2
    assert done.json["summary"]["created"] == 1
    assert done.json["resolved"] == [
        {"entity": "suppliers", "key": {"name": FARM}, "action": "skip", "by": "--decisions",
         "records": 2},
    ]  # fmt: skip


def test_a_reference_that_may_be_empty_is_left_empty_by_decision(
    run: Run, new_database: Any, sample_set: Path, tmp_path: Path
) -> None:
    folder, url = shutil.copytree(sample_set, tmp_path / "set"), new_database()
    products = json.loads((folder / "03_products.json").read_text("utf-8"))
    for record in products["records"][:3]:
        record |= {"supplier_slug": "nobody", "supplier_name": None}
    (folder / "03_products.json").write_text(json.dumps(products), "utf-8")
    resign(folder)
    file = decisions(
        tmp_path / "d.json",
        [{"entity": "suppliers", "key": {"slug": "nobody"}, "action": "empty", "by": "Ann"}],
    )
    done = run("-d", url, "import-complete", folder, "--decisions", file, "--json")
    assert done.code == 0
    assert done.json["summary"]["created"] == 776
    assert done.json["resolved"][0]["records"] == 3
    assert [row[10] for row in rows_of(url)["products"][:3]] == [None] * 3


def test_a_decision_about_what_is_known_by_now_changes_nothing(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    view = view_of(tmp_path / "view.json", [purchase("Wegmans")])
    entry = {
        "entity": "suppliers",
        "key": {"name": "Wegmans"},
        "action": "create",
        "values": {"name": "Wegmans", "city": "Lincoln"},
    }
    done = run(
        "-d",
        sample,
        "import-view",
        view,
        "--decisions",
        decisions(tmp_path / "d.json", [entry]),
        "--json",
    )
    assert done.code == 0
    assert done.json["created_entities"] == {}
    assert done.json["resolved"] == []
    assert len(rows_of(sample)["suppliers"]) == 8


@pytest.mark.parametrize("block", [scanner.BLOCK, 1000])
def test_a_report_of_a_dry_run_is_that_of_the_real_run(
    run: Run,
    new_bakery: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    block: int,
) -> None:
    monkeypatch.setattr(scanner, "BLOCK", block)
    url, view, file = (
        new_bakery(),
        receipts(tmp_path / "v.json"),
        decisions(tmp_path / "d.json", DECIDED),
    )
    words = ["-d", url, "import-view", view, "--decisions", file, "--json"]
    before = hash_of(url)
    dry = run(*words, "--dry-run")
    assert hash_of(url) == before
    real = run(*words)
    same = {
        name: value
        for name, value in real.json.items()
        if name not in ("run", "dry_run", "skipped_log")
    }
    assert {name: dry.json[name] for name in same} == same
    assert (dry.code, real.code) == (0, 0)
    used = {
        tuple(entry["key"].values()): (entry["action"], entry["target"], entry["records"])
        for entry in same["resolved"]
    }
    assert used == {
        (FARM,): ("create", {"slug": "wilsons_farm_lincoln_ma"}, 14),
        (CIDER,): ("create", {"slug": CIDER}, 1),
        (SUMAC,): ("create", {"slug": SUMAC}, 1), ("Sumac",): ("create", {"slug": "sumac"}, 1),
    }  # fmt: skip


def test_a_row_created_for_a_record_the_database_refuses_is_not_left_behind(
    run: Run, new_bakery: Callable[[], str], tmp_path: Path
) -> None:
    url = new_bakery()
    if url.startswith("postgresql"):
        execute(url, "ALTER TABLE purchases ADD CONSTRAINT odd CHECK (unit_price <> 666)")
    else:
        execute(
            url,
            "CREATE TRIGGER odd BEFORE INSERT ON purchases WHEN NEW.unit_price = 666 BEGIN "
            "SELECT RAISE(ABORT, 'odd'); END",
        )
    records = [
        purchase(FARM, 1, SUMAC) | {"unit_price": 666},
        purchase("Costco", 2, CIDER),
        purchase("Costco", 3),
    ]
    view, file = view_of(tmp_path / "v.json", records), decisions(tmp_path / "d.json", DECIDED)
    before = rows_of(url)
    words = [
        "-d",
        url,
        "import-view",
        view,
        "--decisions",
        file,
        "--skip-on-error",
        "--skipped-log",
        tmp_path / "log.json",
        "--json",
    ]
    dry, done = run(*words, "--dry-run"), run(*words)
    assert done.code == 3
    assert done.json["summary"]["created"] == 2
    assert done.json["summary"]["errors"] == 1
    assert (
        done.json["created_entities"]
        == {"products": [{"slug": CIDER}]}
        == dry.json["created_entities"]
    )
    assert [entry["key"] for entry in done.json["resolved"]] == [{"slug": CIDER}]
    after = rows_of(url)
    assert (after["suppliers"], after["ingredients"]) == (
        before["suppliers"],
        before["ingredients"],
    )
    assert [row[2] for row in after["products"][84:]] == [CIDER]
    assert json.loads((tmp_path / "log.json").read_text("utf-8"))["total_skipped"] == 1


def importing(url: str, view: Path, folder: Path) -> list[object]:
    """The words that import a view's good records and create the suppliers they need."""
    skipping = ["--skip-on-error", "--skipped-log", folder / "log.json"]
    return ["-d", url, "import-view", view, "--auto-create", "suppliers", *skipping, "--json"]


@pytest.mark.parametrize("refused", [(1,), (2,), (1, 2)])
def test_a_row_created_for_records_of_several_blocks_stays_while_one_of_them_needs_it(
    run: Run,
    new_bakery: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: tuple[int, ...],
) -> None:
    monkeypatch.setattr(scanner, "BLOCK", 300)
    url = new_bakery()
    if url.startswith("postgresql"):
        execute(url, "ALTER TABLE purchases ADD CONSTRAINT odd CHECK (unit_price <> 666)")
    else:
        execute(
            url,
            "CREATE TRIGGER odd BEFORE INSERT ON purchases WHEN NEW.unit_price = 666 BEGIN "
            "SELECT RAISE(ABORT, 'odd'); END",
        )
    records = [purchase(FARM, day, notes="n" * 400) for day in (1, 2)]
    for number in refused:
        records[number - 1]["unit_price"] = 666
    view = view_of(tmp_path / "v.json", records)
    assert len(list(Document.at(view).blocks())) == 2
    words = importing(url, view, tmp_path)
    done = run(*words)
    assert (done.json["summary"]["created"], done.json["summary"]["errors"]) == (
        2 - len(refused),
        len(refused),
    ), done.out
    assert [entry["records"] for entry in done.json["resolved"]] == [1] * (len(refused) < 2)
    assert [row[3] for row in rows_of(url)["suppliers"][8:]] == [FARM] * (len(refused) < 2)


@pytest.mark.parametrize("block", [scanner.BLOCK, 500])
@pytest.mark.parametrize("first", ["contradict each other", "are a conflict"])
def test_a_row_created_for_records_that_are_left_out_is_there_for_a_later_one(
    run: Run,
    new_bakery: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    block: int,
    first: str,
) -> None:
    url, view = new_bakery(), tmp_path / "v.json"
    assert run("-d", url, "export-view", "purchases", "--limit", "3", "-o", view).code == 0
    document = json.loads(view.read_bytes())
    one, two, _ = document["records"]
    left_out = [one | {"supplier_name": FARM, "unit_price": 7.5}]
    if first == "contradict each other":
        left_out.append(left_out[0] | {"notes": "another"})
    else:
        execute(url, f"UPDATE purchases SET unit_price = 123.5 WHERE id = {one['purchase_id']}")
    document["records"] = [*left_out, two | {"supplier_name": FARM, "notes": "n" * 600}]
    view.write_text(json.dumps(document), "utf-8")
    monkeypatch.setattr(scanner, "BLOCK", block)
    words = importing(url, view, tmp_path)
    done = run(*words)
    counts = done.json["summary"]
    assert counts["updated"] == 1, done.out
    assert counts["errors"] + counts["conflicts"] == len(left_out), done.out
    assert counts["created"] == 0, done.out
    assert [entry["records"] for entry in done.json["resolved"]] == [1]
    if first == "are a conflict":  # refused as a whole, and for nothing else
        assert done.code == 1
        assert [p["code"] for p in done.json["problems"] if p["severity"] == "error"] == [
            "conflict"
        ]
        return
    farm = rows_of(url)["suppliers"][8]
    assert [row[0] for row in rows_of(url)["purchases"] if row[3] == farm[0]] == [
        two["purchase_id"]
    ]


def test_a_row_created_for_an_update_that_is_withdrawn_is_not_left_behind(
    run: Run, new_bakery: Callable[[], str], tmp_path: Path
) -> None:
    url, view = new_bakery(), tmp_path / "v.json"
    assert run("-d", url, "export-view", "purchases", "--limit", "2", "-o", view).code == 0
    document = json.loads(view.read_bytes())
    one, two = document["records"]
    changed = one | {"supplier_name": FARM}
    document["records"] = [changed, changed | {"notes": "another"}, two | {"notes": "mine"}]
    view.write_text(json.dumps(document), "utf-8")
    words = importing(url, view, tmp_path)
    dry, done = run(*words, "--dry-run"), run(*words)
    assert done.json["summary"]["updated"] == 1
    assert done.json["summary"]["errors"] == 2
    assert done.json["created_entities"] == {}
    assert dry.json["summary"] == done.json["summary"]
    assert dry.json["created_entities"] == {}
    assert len(rows_of(url)["suppliers"]) == 8


# -- without a person
def test_what_the_file_tells_is_created_automatically_and_the_rest_is_refused(
    run: Run, new_bakery: Callable[[], str], tmp_path: Path
) -> None:
    url, view = new_bakery(), receipts(tmp_path / "v.json")
    before = hash_of(url)
    every = [
        word
        for name in ("suppliers", "ingredients", "products", "inventory-items")
        for word in ("--auto-create", name)
    ]
    done = run("-d", url, "import-view", view, "--json", *every)
    assert done.code == 1
    assert hash_of(url) == before
    assert [
        (problem["value"], "is missing" in problem["message"])
        for problem in done.json["problems"]
        if problem["severity"] == "error"
    ] == [(CIDER, True), (SUMAC, True)]
    farm = view_of(tmp_path / "w.json", [purchase(FARM, day) for day in (1, 2, 3)])
    done = run("-d", url, "import-view", farm, "--auto-create", "suppliers", "--json")
    assert done.code == 0
    assert done.json["created_entities"] == {"suppliers": [{"slug": "wilsons_farm"}]}
    assert done.json["resolved"][0]["by"] == "--auto-create"
    assert rows_of(url)["suppliers"][-1][2:7] == ("wilsons_farm", FARM, None, None, None)
    wrong = run("-d", url, "import-view", farm, "--auto-create", "shops")
    assert wrong.code == 2
    assert 'no entity "shops"' in wrong.err


def test_an_ingredient_is_not_created_without_a_category_and_a_row_may_be_linked_to_one_that_is(
    run: Run, sample: Path, sample_set: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(sample_set, tmp_path / "set")
    products = json.loads((folder / "03_products.json").read_text("utf-8"))
    products["records"][0]["ingredient_slug"] = "sumac"
    (folder / "03_products.json").write_text(json.dumps(products), "utf-8")
    resign(folder)
    words = ["-d", sample, "import-complete", folder, "--json"]
    done = run(*words, "--auto-create", "ingredients")
    assert done.code == 1
    assert (
        "cannot be created as decided: display_name: is missing"
        in done.json["problems"][0]["message"]
    )
    values = {"slug": "sumac", "display_name": "Sumac", "category": "Spices & Extracts"}
    entry = {
        "entity": "ingredients",
        "key": {"slug": "sumac"},
        "action": "create",
        "values": values,
    }
    file = decisions(tmp_path / "d.json", [entry])
    assert [
        run(*words, "--decisions", file, *more).json["summary"]["updated"]
        for more in (["--dry-run"], [])
    ] == [1, 1]
    rows = rows_of(sample)
    assert rows["ingredients"][-1][2] == "sumac"
    assert rows["products"][0][3] == rows["ingredients"][-1][0]


def test_without_input_the_questions_are_written_down_and_can_be_answered_in_the_file(
    run: Run, new_bakery: Callable[[], str], tmp_path: Path
) -> None:
    url, view, file = (
        new_bakery(),
        receipts(tmp_path / "receipts.json"),
        tmp_path / "receipts.decisions.json",
    )
    words = ["-d", url, "import-view", view, "--no-input", "--json"]
    done = run(*words)
    assert done.code == 1
    assert f"3 questions to be answered in {file}" in done.err
    stubs = json.loads(file.read_text("utf-8"))
    assert [(s["entity"], s["action"], s["used_by"], s["required"]) for s in stubs] == [
        ("suppliers", None, 14, ["name"]),
        ("products", None, 1, ["ingredient_id.display_name", "package_unit",
                               "package_unit_quantity"]),
        ("products", None, 1, ["ingredient_id.display_name", "package_unit",
                               "package_unit_quantity"]),
    ]  # fmt: skip
    assert stubs[0]["choose"] == ["existing", "create", "skip"]
    assert stubs[0]["values"] == {"name": FARM, "city": None, "state": None}
    stubs[0] |= {"action": "create"}
    stubs[0]["values"] |= {"city": "Lincoln"}
    for stub in stubs[1:]:
        stub["values"] |= {
            "package_unit": "oz",
            "package_unit_quantity": 4,
        }  # and the action forgotten
    decisions(file, stubs)
    again = run(*words, "--decisions", file)
    assert again.code == 1
    assert "2 questions" in again.err
    stubs = json.loads(file.read_text("utf-8"))
    assert [stub["values"].get("package_unit") for stub in stubs] == [None, "oz", "oz"], (
        "what was filled in is lost"
    )
    for stub in stubs[1:]:
        stub["action"] = "create"
    decisions(file, stubs)
    third = run(*words, "--decisions", file)
    assert third.code == 1
    assert "1 question to be answered" in third.err
    stubs = json.loads(file.read_text("utf-8"))
    assert (stubs[-1]["entity"], stubs[-1]["key"]) == ("ingredients", {"display_name": "Sumac"})
    stubs[-1] |= {
        "action": "create",
        "values": {"display_name": "Sumac", "category": "Spices & Extracts"},
    }
    done = run(*words, "--decisions", decisions(file, stubs))
    assert done.code == 0
    assert done.json["summary"]["created"] == 24


ENTRY = {"entity": "suppliers", "key": {"name": FARM}, "action": "skip"}
MALFORMED: dict[str, tuple[object, str]] = {
    "no list": ({"decisions": []}, "is not a list of decisions"),
    "no object": ([ENTRY, "skip"], "decision 2: is not an object"),
    "no entity": (
        [{"key": {"name": "x"}, "action": "skip"}],
        'decision 1: "entity" is one of suppliers',
    ),
    "an unknown entity": ([ENTRY | {"entity": "shops"}], 'not "shops"'),
    "no key": ([{"entity": "suppliers", "action": "skip"}], 'decision 1: needs "key"'),
    "a key that is a text": ([ENTRY | {"key": FARM}], '"key" is {column: value}'),
    "a key with an unknown column": (
        [ENTRY | {"key": {"nam": FARM}}],
        '"key": there is no "nam"; did you mean "name"?',
    ),
    "a key that is a list": (
        [ENTRY | {"key": {"name": [FARM]}}],
        '"key", name: a list is not a text',
    ),
    "an unknown action": (
        [ENTRY | {"action": "delete"}],
        '"action" is one of existing, create, empty, skip',
    ),
    "an action that is a list": ([ENTRY | {"action": ["skip"]}], '"action" is one of'),
    "existing without a target": ([ENTRY | {"action": "existing"}], '"existing" needs "target"'),
    "a target that is null": (
        [ENTRY | {"action": "existing", "target": {"slug": None}}],
        '"existing" needs "target"',
    ),
    "a target with an unknown column": (
        [ENTRY | {"action": "existing", "target": {"slugg": "x"}}],
        'did you mean "slug"?',
    ),
    "create without values": ([ENTRY | {"action": "create"}], '"create" needs "values"'),
    "values with an unknown column": (
        [ENTRY | {"action": "create", "values": {"town": "x"}}],
        '"values": there is no "town"',
    ),
    "values that hold an object": (
        [ENTRY | {"action": "create", "values": {"name": {}}}],
        '"values", name: an object is not a text',
    ),
    "several faults, each told once": (
        [ENTRY | {"action": "existing", "target": {"slugg": "x"}, "key": {"town": "x"}}, 5, 5],
        """: 3 faults
  decision 1: "key": there is no "town"
  decision 1: "target": there is no "slugg"; did you mean "slug"?
  decisions 2, 3: is not an object {...}""",
    ),
    "the same key twice": (
        [ENTRY, ENTRY | {"key": {"name": FARM.upper()}}],
        "decision 2: decides suppliers",
    ),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_file_of_decisions_that_makes_no_sense_is_named_with_its_entry(
    run: Run, sample: Path, tmp_path: Path, what: str
) -> None:
    entries, said = MALFORMED[what]
    view, file = (
        view_of(tmp_path / "v.json", [purchase(FARM)]),
        decisions(tmp_path / "d.json", entries),
    )
    before, written = hash_of(sample), file.read_bytes()
    done = run("-d", sample, "import-view", view, "--decisions", file, "--json")
    assert done.code == 1
    assert done.json["error"]["code"] == "bad-document"
    assert hash_of(sample) == before
    assert done.json["error"]["message"].startswith(str(file))
    assert said in done.json["error"]["message"]
    assert file.read_bytes() == written


@pytest.mark.parametrize(
    "text", ["", "[", '[{"entity": "suppliers"', "\x00", "[" * 5000, "nonsense"]
)
def test_a_file_of_decisions_that_is_no_json_is_named(
    run: Run, sample: Path, tmp_path: Path, text: str
) -> None:
    (tmp_path / "d.json").write_text(text, "utf-8")
    view = view_of(tmp_path / "v.json", [purchase(FARM)])
    done = run(
        "-d", sample, "import-view", view, "--decisions", tmp_path / "d.json", "--interactive"
    )
    assert done.code == 1
    assert str(tmp_path / "d.json") in done.err


def test_a_file_of_decisions_that_is_not_there_is_told(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    view = view_of(tmp_path / "v.json", [purchase(FARM)])
    done = run("-d", sample, "import-view", view, "--decisions", tmp_path / "none.json")
    assert done.code == 1
    assert "there is no such file" in done.err
    both = run("-d", sample, "import-view", view, "--interactive", "--no-input")
    assert both.code == 2


def test_json_stays_one_object_while_somebody_is_asked(sample: Path, tmp_path: Path) -> None:
    view_of(tmp_path / "v.json", [purchase(FARM)])
    command = [
        sys.executable,
        "-m",
        "bakeio_core",
        "-d",
        str(sample),
        "import-view",
        "v.json",
        "--interactive",
        "--json",
    ]
    done = subprocess.run(
        command,
        input="c\n\nLincoln\nMA\n",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["created_entities"] == {
        "suppliers": [{"slug": "wilsons_farm_lincoln_ma"}]
    }
    assert "Your answer:" in done.stderr


# -- programs and plugins
class Knowing:
    """A plugin that knows one shop."""

    def __init__(self) -> None:
        self.asked = list[Missing]()

    @hookimpl
    def bakeio_resolve_references(self, missing: Sequence[Missing]) -> dict[Missing, Decision]:
        self.asked += missing
        return {
            item: Decision.existing("the plugin", slug="costco_waltham_ma")
            for item in missing
            if item.key.get("name") == "Cosco"
        }


def test_a_program_answers_by_decisions_then_plugin_then_resolver_then_what_is_created(
    sample: Path, tmp_path: Path
) -> None:
    knowing, asked = Knowing(), list[Missing]()
    bakeio = Bakeio.discover(plugins=[knowing])
    view = view_of(
        tmp_path / "v.json",
        [purchase(name, day) for day, name in enumerate(["Cosco", "Wegmanns", FARM, "Penzys"], 1)],
    )

    def resolver(missing: Sequence[Missing]) -> dict[Missing, Decision]:
        asked.extend(missing)
        return {
            item: Decision.existing("me", **item.candidates()[0].key)
            for item in missing
            if item.key["name"] != FARM
        }

    engine = connect(sample)
    with engine.begin() as db:
        known = {
            Missing("suppliers", {"name": "PENZYS"}): Decision.existing(
                "file", slug="penzeys_spices_arlington_ma"
            )
        }
        report = bakeio.import_(db, view, resolve=resolver, decisions=known, create=["suppliers"])
    engine.dispose()
    by_name = {e["key"]["name"]: (e["by"], e["target"]["slug"]) for e in report.resolved}
    assert by_name == {
        "Cosco": ("the plugin", "costco_waltham_ma"), "Wegmanns": ("me", "wegmans_burlington_ma"),
        "Penzys": ("file", "penzeys_spices_arlington_ma"), FARM: ("--auto-create", "wilsons_farm"),
    }  # fmt: skip
    assert {item.key["name"] for item in knowing.asked} == {"Cosco", "Wegmanns", FARM}
    assert {item.key["name"] for item in asked} == {"Wegmanns", FARM}
    assert report.summary["created"] == 4


def test_an_entity_of_a_plugin_goes_the_same_way(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        "ovens_of_this_test", DATA / "ovens" / "bakeio_ovens.py"
    )
    assert spec and spec.loader
    bakeio_ovens = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bakeio_ovens)
    bakeio, engine = Bakeio.discover(plugins=[bakeio_ovens]), connect(tmp_path / "o.db")
    document = {
        "entity_type": "ovens",
        "records": [{"slug": "deck", "title": "Deck", "supplier_slug": "oven_shop"}],
    }
    (tmp_path / "ovens.json").write_text(json.dumps(document), "utf-8")
    with engine.begin() as db:
        bakeio.create_tables(db)
        plan = bakeio.plan(db, tmp_path / "ovens.json")
        assert [(item.entity, item.key, item.nullable) for item in plan.missing] == [
            ("suppliers", {"slug": "oven_shop"}, False)
        ]
        made = {plan.missing[0]: Decision.create("me", slug="oven_shop", name="The Oven Shop")}
        report = bakeio.import_(db, tmp_path / "ovens.json", decisions=made)
        assert report.created_entities == {"suppliers": [{"slug": "oven_shop"}]}
        rows = db.exec_driver_sql(
            "SELECT o.slug, s.name FROM ovens o JOIN suppliers s ON s.id = o.supplier_id"
        ).all()
        assert rows == [("deck", "The Oven Shop")]
        assert [candidate.label for candidate in bakeio.suggest(db, "ovens", "DECK")] == ["Deck"]
    engine.dispose()


class Trays:
    """A plugin whose rows refer to rows of their own kind."""

    @hookimpl
    def bakeio_entities(self, metadata: MetaData) -> Entity:
        above = Column("above_id", Integer, ForeignKey("trays.id"))
        trays = Table(
            "trays",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("slug", String(50), nullable=False, unique=True),
            above,
        )
        return Entity(trays, keys=["slug"], lookups={"above_id": {"above_slug": "slug"}})


@pytest.mark.parametrize(
    ("decision", "above"),
    [(Decision.empty(), None), (Decision.existing(slug="top"), "top"), (None, "refused")],
)
def test_a_reference_to_a_row_of_the_same_kind_may_be_decided_too(
    tmp_path: Path, decision: Decision | None, above: str | None
) -> None:
    bakeio, engine = Bakeio.discover(plugins=[Trays()]), connect(tmp_path / "t.db")
    records = [
        {"slug": "low", "above_slug": "middle"},
        {"slug": "middle", "above_slug": "nowhere"},
        {"slug": "top"},
    ]
    (tmp_path / "trays.json").write_text(
        json.dumps({"entity_type": "trays", "records": records}), "utf-8"
    )
    with engine.begin() as db:
        bakeio.create_tables(db)
        plan = bakeio.plan(
            db,
            tmp_path / "trays.json",
            decisions={Missing("trays", {"slug": "nowhere"}): decision} if decision else None,
        )
        assert [item.key["slug"] for item in plan.missing] == (["nowhere"] if not decision else [])
        assert (plan.report.refused == "") == bool(decision)
        if decision:
            report = bakeio.apply(db, plan)
            assert (report.summary["created"], report.summary["processed"]) == (3, 3)
            sql = "SELECT t.slug, a.slug FROM trays t LEFT JOIN trays a ON a.id = t.above_id"
            assert dict(db.exec_driver_sql(sql).all()) == {
                "low": "middle",
                "middle": above,
                "top": None,
            }
    engine.dispose()


def test_every_record_is_in_exactly_one_count_whatever_becomes_of_it(
    run: Run, new_bakery: Callable[[], str], tmp_path: Path
) -> None:
    url, names = (
        new_bakery(),
        ("processed", "created", "updated", "unchanged", "skipped", "conflicts", "errors"),
    )
    records = [
        purchase("Costco", 1), purchase("Costco", 1), purchase(FARM, 2), purchase("Nobody", 3),
        purchase("Skipped", 4),
        purchase("Costco", 5, SUMAC), purchase("Costco", 6) | {"unit_price": "much"},
        purchase("Cosco", 7),
    ]  # fmt: skip
    entries = [
        *DECIDED, {"entity": "suppliers", "key": {"name": "Skipped"}, "action": "skip"},
        {"entity": "suppliers", "key": {"name": "Cosco"}, "action": "existing",
         "target": {"slug": "costco_waltham_ma"}},
    ]  # fmt: skip
    view, file = view_of(tmp_path / "v.json", records), decisions(tmp_path / "d.json", entries)
    words = [
        "-d",
        url,
        "import-view",
        view,
        "--decisions",
        file,
        "--skip-on-error",
        "--skipped-log",
        tmp_path / "log.json",
        "--json",
    ]
    first, again = run(*words), run(*words)
    assert [first.json["summary"][name] for name in names] == [8, 5, 0, 0, 1, 0, 2]
    assert [again.json["summary"][name] for name in names] == [8, 0, 0, 5, 1, 0, 2]
    assert first.code == 3
    assert again.code == 3
    assert again.json["created_entities"] == {}
