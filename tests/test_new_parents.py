"""Rows created for references: what they are called, and what stands beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.commands import Ran, Run
from support.databases import sql
from support.receipts import decisions, purchase, view_of
from support.terminal import piped

from bakeio_core.values.folding import make_slug


def warnings_of(done: Ran) -> list[dict[str, Any]]:
    """What is to be looked at; that rows are new is a note."""
    return [problem for problem in done.json["problems"] if problem["severity"] != "note"]


# -- slugs
@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Straße", "strasse"),
        ("Łódź Market", "lodz_market"),
        ("Smørrebrød & Œuf", "smorrebrod_oeuf"),
        ("Cafe\u0301 “Lotte”", "cafe_lotte"),
        ("Wilson’s", "wilsons"),
        ("Weg\u200bmans", "wegmans"),
        ("½ cup", "1_2_cup"),
        ("パン屋", "panwu"),
        ("Пекарня", "pekarnya"),
        ("объём", "obem"),
        ("東京", "dongjing"),
        ("مخبز", "mkhbz"),
        ("서울", "seoul"),
        ("🥐 Croissant", "croissant"),
        ("🥐", ""),
        ("!!!", ""),
    ],
)
def test_a_slug_is_made_of_the_letters_of_any_alphabet(name: str, slug: str) -> None:
    assert make_slug([name]) == slug


def test_a_shop_in_another_alphabet_is_created_with_a_slug_that_can_be_read(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    view = view_of(tmp_path / "v.json", [purchase("パン屋"), purchase("Straße", 2)])
    done = run("-d", bakery, "import-view", view, "--auto-create", "suppliers", "--json")
    assert done.code == 0
    assert done.json["created_entities"] == {"suppliers": [{"slug": "panwu"}, {"slug": "strasse"}]}


def test_the_slug_is_asked_for_where_none_can_be_made(sample: Path, tmp_path: Path) -> None:
    view = view_of(tmp_path / "v.json", [purchase("🥐")])
    words = ["-d", sample, "import-view", view, "--interactive"]
    done = piped(words, ["c", "", "", "", "", "croissant"], tmp_path)
    assert done.code == 0
    assert "No slug can be made of that: give one" in done.err
    assert "slug is needed." in done.err
    assert sql(sample, "SELECT slug, name FROM suppliers WHERE id > 8") == [("croissant", "🥐")]


def test_the_slug_is_not_asked_for_where_one_can_be_made_of_an_answer(
    sample: Path, tmp_path: Path
) -> None:
    view = view_of(tmp_path / "v.json", [purchase("🥐")])
    words = ["-d", sample, "import-view", view, "--interactive"]
    done = piped(words, ["c", "", "Lyon", ""], tmp_path)
    assert done.code == 0
    assert sql(sample, "SELECT slug, name FROM suppliers WHERE id > 8") == [("lyon", "🥐")]


def test_a_decisions_file_says_that_a_slug_is_required(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    view = view_of(tmp_path / "v.json", [purchase("!!!")])
    assert run("-d", sample, "import-view", view, "--no-input").code == 1
    (entry,) = json.loads((tmp_path / "v.decisions.json").read_text("utf-8"))
    assert entry["required"] == ["name", "slug"]
    entry |= {"action": "create", "values": {"name": "!!!", "slug": "wow"}}
    file = decisions(tmp_path / "d.json", [entry])
    assert run("-d", sample, "import-view", view, "--decisions", file).code == 0


def test_an_answer_the_database_refuses_is_asked_for_again(sample: Path, tmp_path: Path) -> None:
    sql(sample, "CREATE UNIQUE INDEX one_city ON suppliers (city)")
    view = view_of(tmp_path / "v.json", [purchase("Corner Shop")])
    words = ["-d", sample, "import-view", view, "--interactive"]
    burlington = ["c", "", "Burlington", "MA"]
    done = piped(words, [*burlington, "c", "", "Lexington", "MA"], tmp_path)
    assert done.code == 0, done.err
    told = " ".join(done.err.split())
    assert "The answer given before cannot be used: it cannot be created as decided: city:" in told
    assert 'with slug "wegmans_burlington_ma"' in told
    assert 'already has city "Burlington"' in told
    assert sql(sample, "SELECT name, city FROM suppliers WHERE id > 8") == [
        ("Corner Shop", "Lexington")
    ]


# -- beside a row that reads alike
@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("Weg\u200bmans", 'slug "wegmans_burlington_ma"'),
        ("W\u00e9gmans", 'slug "wegmans_burlington_ma"'),
        ("Wegmans!", 'slug "wegmans_burlington_ma"'),
    ],
)
def test_a_row_is_not_created_beside_one_that_reads_alike_without_a_warning(
    run: Run, bakery: str, tmp_path: Path, name: str, there: str
) -> None:
    view = view_of(tmp_path / "v.json", [purchase(name), purchase(name, 2)])
    words = ["-d", bakery, "import-view", view, "--auto-create", "suppliers", "--json"]
    planned = warnings_of(run(*words, "--dry-run"))
    done = run(*words)
    assert done.code == 0
    (problem,) = warnings_of(done)
    assert planned == [problem]
    assert (problem["code"], problem["severity"]) == ("duplicate-key", "warning")
    assert there in problem["message"]
    assert 'slug "wegmans"' in problem["message"]
    assert "--interactive or --decisions" in problem["message"]


def test_a_slug_with_a_number_behind_it_is_told_of(run: Run, bakery: str, tmp_path: Path) -> None:
    sql(bakery, "UPDATE suppliers SET slug = 'corner_shop' WHERE id = 1")
    view = view_of(tmp_path / "v.json", [purchase("Corner Shop")])
    done = run("-d", bakery, "import-view", view, "--auto-create", "suppliers")
    assert done.code == 0
    assert 'slug "corner_shop_2") is created beside "Costco"' in done.out


def test_two_new_rows_that_read_alike_are_told_of(run: Run, bakery: str, tmp_path: Path) -> None:
    view = view_of(tmp_path / "v.json", [purchase("Wilson's Mill"), purchase("Wilsons Mill", 2)])
    done = run("-d", bakery, "import-view", view, "--auto-create", "suppliers", "--json")
    assert done.code == 0
    assert 'slug "wilsons_mill_2"' in warnings_of(done)[0]["message"]
    assert 'slug "wilsons_mill")' in warnings_of(done)[0]["message"]


def test_a_row_that_is_told_apart_by_its_place_is_no_twin(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    view = view_of(tmp_path / "v.json", [purchase("Wegmans \u2014 Boston")])
    entry = {
        "entity": "suppliers",
        "key": {"name": "Wegmans \u2014 Boston"},
        "action": "create",
        "values": {"name": "Wegmans", "city": "Boston", "state": "MA"},
    }
    file = decisions(tmp_path / "d.json", [entry])
    done = run("-d", bakery, "import-view", view, "--decisions", file, "--json")
    assert done.code == 0
    assert warnings_of(done) == []


def test_a_key_may_mean_a_row_that_another_decision_creates(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    view = view_of(tmp_path / "v.json", [purchase("Zabar", 1), purchase("Zabar's", 2)])
    new = {"entity": "suppliers", "key": {"name": "Zabar's"}, "action": "create",
           "values": {"name": "Zabar's", "city": "New York"}}  # fmt: skip
    same = {"entity": "suppliers", "key": {"name": "Zabar"}, "action": "existing",
            "target": {"name": "Zabar's"}}  # fmt: skip
    words = ["-d", bakery, "import-view", view, "--json"]
    given = decisions(tmp_path / "d.json", [same, new])
    dry = run(*words, "--decisions", given, "--dry-run")
    done = run(*words, "--decisions", given)
    assert (done.code, warnings_of(done)) == (0, [])
    assert dry.json["resolved"] == done.json["resolved"]
    assert done.json["created_entities"] == {"suppliers": [{"slug": "zabars_new_york"}]}
    assert {(entry["key"]["name"], entry["action"], entry["records"])
            for entry in done.json["resolved"]} == {
        ("Zabar", "existing", 1), ("Zabar's", "create", 2),
    }  # fmt: skip
    again = run(*words, "--decisions", given)
    assert again.json["summary"]["unchanged"] == 2
    assert run("-d", bakery, "aliases").out.count("Zabar") >= 1
    other = new | {"key": {"name": "Zabars"}, "values": {"name": "Zabar's", "city": "Boston"}}
    unclear = run(
        "-d", bakery, "import-view",
        view_of(tmp_path / "w.json", [purchase("Zabbar", 3), purchase("Zabars", 4)]),
        "--decisions",
        decisions(tmp_path / "e.json", [
            same | {"key": {"name": "Zabbar"}, "target": {"name": "Zoo"}},
            other | {"values": {"name": "Zoo", "city": "Boston"}},
            other | {"key": {"name": "Zabart"}, "values": {"name": "Zoo", "city": "Salem"}},
        ]),
    )  # fmt: skip
    assert unclear.code == 1
    assert 'name "Zoo", but 2 decisions create one that has it' in unclear.out


# -- values that are looked at
PRODUCT = {
    "slug": "new_flour",
    "ingredient_id.slug": "bread_flour",
    "product_name": "Cafe\u0301",
    "package_unit": "lb",
    "package_unit_quantity": 1,
}


def created_for(
    run: Run, bakery: str, folder: Path, values: dict[str, Any], *options: str
) -> tuple[Ran, list[tuple[Any, ...]]]:
    """Import a purchase of a product that a decision creates; return that product."""
    record = {**purchase("Wegmans"), "product_slug": "new_flour"}
    view = view_of(folder / "v.json", [record])
    entry = {"kind": "reference", "entity": "products", "key": {"slug": "new_flour"}}
    entry |= {"action": "create", "values": {**PRODUCT, **values}}
    file = decisions(folder / "d.json", [entry])
    done = run("-d", bakery, "import-view", view, "--decisions", file, "--json", *options)
    return done, sql(bakery, "SELECT product_name FROM products WHERE slug = 'new_flour'")


def test_the_values_of_a_decision_are_stored_in_composed_unicode(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    done, products = created_for(run, bakery, tmp_path, {})
    assert (done.code, products) == (0, [("Caf\u00e9",)])


@pytest.mark.parametrize("options", [(), ("--allow", "upc_code")])
def test_a_value_of_a_decision_that_a_check_refuses_is_told_unless_it_is_allowed(
    run: Run, bakery: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    bad = {"upc_code": "036000291453"}
    done, products = created_for(run, bakery, tmp_path, bad, *options)
    assert (done.code, len(products)) == (0, 1)
    told = [(problem["code"], problem["field"]) for problem in warnings_of(done)]
    assert told == ([] if options else [("check", "upc_code")])


def test_a_blank_text_in_a_decision_is_told_where_one_is_required(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    done, products = created_for(run, bakery, tmp_path, {"package_unit": "  "})
    assert (done.code, len(products)) == (0, 1)
    (told,) = warnings_of(done)
    assert (told["entity"], told["field"]) == ("products", "package_unit")
    assert told["key"] == {"slug": "new_flour"}
    assert told["message"].startswith("is blank, though a value is required")
