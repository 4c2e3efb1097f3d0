"""Skipped records: the good ones arrive, the others wait in a log that imports again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.commands import Run
from support.databases import rows_of, sql
from support.files import resign
from support.receipts import FLOUR, decisions, purchase, view_of


def receipt(path: Path, count: int = 1000) -> Path:
    """A purchases view of new purchases, every fifth from a shop nobody knows."""
    records = [
        {"product_slug": FLOUR, "supplier_name": "Costco" if n % 5 else f"Nobody {n % 3}",
         "purchase_date": "2025-12-20",
         "unit_price": n + 0.25, "quantity_purchased": 1}
        for n in range(count)
    ]  # fmt: skip
    path.write_text(json.dumps({"view_name": "purchases", "records": records}), "utf-8")
    return path


def test_without_the_flag_nothing_is_written_and_each_missing_key_is_listed_once(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    before = rows_of(sample)
    done = run("-d", sample, "import-view", receipt(tmp_path / "v.json"), "--json")
    assert done.code == 1
    errors = [p for p in done.json["problems"] if p["severity"] == "error"]
    assert sorted((p["value"], p["count"]) for p in errors) == [
        ("Nobody 0", 67),
        ("Nobody 1", 66),
        ("Nobody 2", 67),
    ]
    assert rows_of(sample) == before


def test_good_records_are_imported_and_the_mended_log_brings_the_rest(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    log = tmp_path / "skipped.json"
    file = receipt(tmp_path / "v.json")
    done = run("-d", sample, "import-view", file, "--skip-on-error", "--skipped-log", log, "--json")
    assert done.code == 3
    assert done.json["skipped_log"] == str(log)
    assert (done.json["summary"]["created"], done.json["summary"]["errors"]) == (800, 200)
    written = json.loads(log.read_text("utf-8"))
    assert written["total_skipped"] == 200
    assert len(written["records"]) == 200
    assert written["source_file"] == "v.json"
    first = written["records"][0]
    assert first["record_index"] == 1
    assert first["fk_errors"][0]["field"] == "supplier_name"
    assert first["fk_errors"][0]["value"] == "Nobody 0"
    assert run("-d", sample, "import", log).code == 1
    for entry in written["records"]:
        entry["record_data"]["supplier_name"] = "Wegmans"
    log.write_text(json.dumps(written), "utf-8")
    corrected = run("-d", sample, "import", log, "--json")
    assert corrected.code == 0
    assert corrected.json["summary"]["created"] == 200
    again = run("-d", sample, "import", log, "--json").json["summary"]
    assert (again["created"], again["unchanged"]) == (0, 200)
    assert len(rows_of(sample)["purchases"]) == 400 + 1000


@pytest.mark.parametrize("log", ["log.json", "log.csv"])
def test_a_log_refuses_what_its_view_refused(
    run: Run, bakery: str, tmp_path: Path, log: str
) -> None:
    record = {**purchase("Nobody"), "supplier_slug": "costco_waltham_ma"}
    file, path = tmp_path / "v.json", tmp_path / log
    file.write_text(json.dumps({"view_name": "purchases", "records": [record]}), "utf-8")
    first = run(
        "-d", bakery, "import-view", file, "--skip-on-error", "--skipped-log", path, "--json"
    )
    again = run("-d", bakery, "import", path, "--json")
    assert (first.code, again.code) == (3, 1)
    (one,), (other,) = (
        [(p["code"], p["field"], p["value"]) for p in done.json["problems"] if p["record"]]
        for done in (first, again)
    )
    assert one == other == ("missing-reference", "supplier_name", "Nobody")


def test_a_log_of_an_entity_file_tells_of_other_ids_as_the_file_does(
    run: Run, new_bakery: Callable[[], str], tmp_path: Path
) -> None:
    record = {
        "id": 9999,
        "uuid": "00000000-0000-4000-8000-0000000000aa",
        "slug": "wegmans_burlington_ma",
        "name": "Wegmans",
        "city": "x" * 300,
    }
    file, log = tmp_path / "suppliers.json", tmp_path / "log.json"
    file.write_text(json.dumps({"entity_type": "suppliers", "records": [record]}), "utf-8")
    command = "-d", new_bakery(), "import", file, "--skip-on-error", "--skipped-log", log
    assert run(*command).code == 3
    told = []
    for path in (file, log):
        path.write_text(path.read_text("utf-8").replace("x" * 300, "Town"), "utf-8")
        done = run("-d", new_bakery(), "import", path, "--json")
        assert done.json["summary"]["updated"] == 1
        told.append({(p["code"], p["field"]) for p in done.json["problems"] if p["field"]})
    assert told[0] == told[1] == {("identity-mismatch", "id"), ("identity-mismatch", "uuid")}


def test_a_dry_run_writes_no_log_and_has_the_exit_code_of_the_real_run(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    log = tmp_path / "skipped.json"
    done = run(
        "-d",
        sample,
        "import-view",
        receipt(tmp_path / "v.json", 10),
        "--skip-on-error",
        "--skipped-log",
        log,
        "--dry-run",
    )
    assert done.code == 3
    assert not log.exists()


def test_records_that_refer_to_a_skipped_one_are_skipped_with_it(
    run: Run, new_database: Any, sample_set: Path, tmp_path: Path
) -> None:
    folder, url, log = (
        shutil.copytree(sample_set, tmp_path / "set"),
        new_database(),
        tmp_path / "skipped.json",
    )
    products = json.loads((folder / "03_products.json").read_text("utf-8"))
    gone = products["records"][0]
    gone["ingredient_slug"] = "nowhere"
    (folder / "03_products.json").write_text(json.dumps(products), "utf-8")
    resign(folder)
    done = run(
        "-d", url, "import-complete", folder, "--skip-on-error", "--skipped-log", log, "--json"
    )
    assert done.code == 3
    waiting = json.loads(log.read_text("utf-8"))["records"]
    assert {entry["entity_type"] for entry in waiting} == {
        "products",
        "purchases",
        "inventory_items",
    }
    assert done.json["summary"]["created"] == 776 - len(waiting)
    for entry in waiting:
        if entry["entity_type"] == "products":
            entry["record_data"]["ingredient_slug"] = "all_purpose_flour"
    log.write_text(json.dumps({**json.loads(log.read_text("utf-8")), "records": waiting}), "utf-8")
    corrected = run("-d", url, "import", log, "--json")
    assert corrected.code == 0
    assert corrected.json["summary"]["created"] == len(waiting)
    again = run("-d", url, "import-complete", sample_set, "--json").json["summary"]
    assert again["created"] == 0


def test_the_log_says_field_value_and_candidates_and_carries_what_was_decided(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    log, farm = tmp_path / "skipped.json", "Wilson's Farm"
    records = [
        purchase("Wegmens"),
        purchase(farm, 2) | {"unit_price": "much"},
        purchase("Costco", 3),
    ]
    values = {"name": farm, "city": "Lincoln", "state": "MA"}
    file = decisions(
        tmp_path / "d.json",
        [
            {
                "entity": "suppliers",
                "key": {"name": farm},
                "action": "create",
                "values": values,
                "by": "Ann",
            }
        ],
    )
    words = [
        "import-view",
        view_of(tmp_path / "v.json", records),
        "--decisions",
        file,
        "--skip-on-error",
        "--skipped-log",
        log,
        "--json",
    ]
    done = run("-d", sample, *words)
    assert done.code == 3
    assert done.json["summary"]["created"] == 1
    assert done.json["created_entities"] == {}
    written = json.loads(log.read_text("utf-8"))
    unknown, bad = written["records"]
    assert (unknown["fk_errors"][0]["field"], unknown["fk_errors"][0]["value"]) == (
        "supplier_name",
        "Wegmens",
    )
    assert unknown["fk_errors"][0]["candidates"][0]["target"] == {"slug": "wegmans_burlington_ma"}
    assert bad["fk_errors"][0] == {
        "field": "unit_price",
        "value": "much",
        "error": bad["skip_reason"],
        "candidates": [],
    }
    assert [(entry["key"], entry["by"]) for entry in written["decisions"]] == [
        ({"name": farm}, "Ann")
    ]
    unknown["record_data"]["supplier_name"], bad["record_data"]["unit_price"] = "Wegmans", 4.5
    log.write_text(json.dumps(written), "utf-8")
    corrected = run("-d", sample, "import", log, "--json")
    assert corrected.code == 0
    assert corrected.json["summary"]["created"] == 2
    created = {"suppliers": [{"slug": "wilsons_farm_lincoln_ma"}]}
    assert corrected.json["created_entities"] == created
    log.write_text(json.dumps(written | {"decisions": [{"entity": "shops"}]}), "utf-8")
    assert 'decision 1: "entity" is one of' in run("-d", sample, "import", log).err


def test_records_that_refer_by_id_only_import_from_the_log_all_the_same(
    run: Run, new_database: Any, sample_set: Path, tmp_path: Path
) -> None:
    folder, url, log = (
        shutil.copytree(sample_set, tmp_path / "set"),
        new_database(),
        tmp_path / "skipped.json",
    )
    run("-d", url, "init")
    shops = {
        "entity_type": "suppliers",
        "records": [{"slug": f"shop_{n}", "name": f"Shop {n}"} for n in range(5)],
    }
    (tmp_path / "shops.json").write_text(json.dumps(shops), "utf-8")
    assert (
        run("-d", url, "import", tmp_path / "shops.json").code == 0
    )  # so that the ids of the set are taken by others here
    purchases = json.loads((folder / "04_purchases.json").read_text("utf-8"))
    for record in purchases["records"]:
        for name in ("product_slug", "supplier_slug", "supplier_name"):
            del record[name]
    for record in purchases["records"][:20]:
        record["unit_price"] = "much"
    (folder / "04_purchases.json").write_text(json.dumps(purchases), "utf-8")
    resign(folder)
    done = run(
        "-d", url, "import-complete", folder, "--skip-on-error", "--skipped-log", log, "--json"
    )
    assert done.code == 3
    written = json.loads(log.read_text("utf-8"))
    bad = [
        entry["record_data"] for entry in written["records"] if entry["entity_type"] == "purchases"
    ]
    assert len(bad) == 20
    assert {bool(record["product_slug"] and record["supplier_slug"]) for record in bad} == {True}
    for record in bad:
        record["unit_price"] = 1.25
    log.write_text(json.dumps(written), "utf-8")
    corrected = run("-d", url, "import", log, "--json")
    assert corrected.code == 0
    assert corrected.json["summary"]["created"] == len(written["records"])
    names = {row[0]: row[2] for row in rows_of(url)["suppliers"]}
    told = {
        record["uuid"]: record["supplier_slug"]
        for record in json.loads((sample_set / "04_purchases.json").read_text("utf-8"))["records"]
    }
    assert {row[1]: names[row[3]] for row in rows_of(url)["purchases"]} == told


def test_the_log_mended_by_decisions_brings_the_rest_with_one_new_supplier_each(
    run: Run, bakery: Any, tmp_path: Path
) -> None:
    url, log = bakery, tmp_path / "skipped.json"
    file = receipt(tmp_path / "v.json")
    done = run("-d", url, "import-view", file, "--skip-on-error", "--skipped-log", log, "--json")
    assert (
        done.json["summary"]["created"],
        done.json["summary"]["errors"],
        done.json["summary"]["processed"],
    ) == (800, 200, 1000)
    corrected = run("-d", url, "import", log, "--auto-create", "suppliers", "--json")
    assert corrected.code == 0
    assert corrected.json["summary"]["created"] == 200
    assert sorted(row[3] for row in rows_of(url)["suppliers"][8:]) == [
        "Nobody 0",
        "Nobody 1",
        "Nobody 2",
    ]
    again = run("-d", url, "import-view", file, "--json")
    assert again.json["summary"]["unchanged"] == 1000
    assert len(rows_of(url)["purchases"]) == 1400


NO_RECORDS = ["null", "5", '"costco"', '["a", 1]', '{"notes": "a", "notes": "b"}', '{"notes": }']


def with_no_records(path: Path, joint: str, place: int) -> Path:
    """A purchases view of two good records and of items that are none, from the place on."""
    items = [json.dumps(purchase("Costco", day)) for day in (1, 2)]
    items[place:place] = NO_RECORDS
    text = '{"view_name": "purchases", "records": [' + joint + ("," + joint).join(items) + "]}"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("place", [0, 1])
def test_what_is_no_record_is_kept_in_the_log_as_the_text_it_was(
    run: Run, sample: Path, tmp_path: Path, place: int
) -> None:
    log, second = tmp_path / "log.json", tmp_path / "second.json"
    file = with_no_records(tmp_path / "v.json", "\n", place)
    words = ["--skip-on-error", "--skipped-log", log, "--json"]
    done = run("-d", sample, "import-view", file, *words)
    assert done.code == 3, done.out
    assert (done.json["summary"]["created"], done.json["summary"]["errors"]) == (2, 6)
    assert all("text" not in problem for problem in done.json["problems"])
    written = json.loads(log.read_text("utf-8"))
    assert written["total_skipped"] == len(written["records"]) == 6
    assert [entry["record_text"] for entry in written["records"]] == NO_RECORDS
    refused = run("-d", sample, "import", log)
    assert refused.code == 1
    assert "write it as an object {...} in record_data" in refused.out
    written["records"][0]["record_data"] = purchase("Costco", 3)
    written["records"][1]["record_data"] = [5]
    log.write_text(json.dumps(written), "utf-8")
    words[2] = second
    corrected = run("-d", sample, "import", log, *words)
    assert (corrected.json["summary"]["created"], corrected.json["summary"]["errors"]) == (1, 5)
    left = json.loads(second.read_text("utf-8"))["records"]
    assert [entry["record_text"] for entry in left] == ["[5]", *NO_RECORDS[2:]]


# -- a parent the database refuses
REFUSE_BAD = {
    "sqlite": [
        "CREATE TRIGGER no_bad BEFORE INSERT ON suppliers WHEN NEW.name LIKE 'Bad%' "
        "BEGIN SELECT RAISE(ABORT, 'no bad shops'); END"
    ],
    "postgresql": [
        "CREATE FUNCTION no_bad() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no bad shops'; END $$",
        "CREATE TRIGGER no_bad BEFORE INSERT ON suppliers FOR EACH ROW "
        "WHEN (NEW.name LIKE 'Bad%') EXECUTE FUNCTION no_bad()",
    ],
}


def refuse_bad_shops(url: str) -> None:
    sql(url, *REFUSE_BAD["postgresql" if url.startswith("postgresql") else "sqlite"])


def test_a_parent_the_database_refuses_is_left_out_with_its_records_alone(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    refuse_bad_shops(bakery)
    log = tmp_path / "log.json"
    shops = ["Good", "Bad", "Costco", "Bad", "Better"]
    file = view_of(tmp_path / "v.json", [purchase(s, day) for day, s in enumerate(shops, 1)])
    words = ["--auto-create", "suppliers", "--skip-on-error", "--skipped-log", log, "--json"]
    dry = run("-d", bakery, "import-view", file, *words, "--dry-run")
    done = run("-d", bakery, "import-view", file, *words)
    assert (dry.code, done.code) == (3, 3), done.out
    assert dry.json["problems"] == done.json["problems"]
    assert (done.json["summary"]["created"], done.json["summary"]["errors"]) == (3, 2)
    assert done.json["created_entities"] == {"suppliers": [{"slug": "good"}, {"slug": "better"}]}
    (problem,) = [p for p in done.json["problems"] if p["severity"] == "error"]
    assert (problem["code"], problem["field"], problem["value"], problem["records"]) == (
        "missing-reference",
        "supplier_name",
        "Bad",
        [2, 4],
    )
    assert (
        'no row of suppliers has supplier_name "Bad"; it cannot be created as decided'
        in (problem["message"])
    )
    assert "no bad shops" in problem["message"]
    assert sql(bakery, "SELECT slug FROM suppliers WHERE id > 8 ORDER BY id") == [
        ("good",),
        ("better",),
    ]
    written = json.loads(log.read_text("utf-8"))["records"]
    assert [entry["record_index"] for entry in written] == [2, 4]
    document = json.loads(log.read_text("utf-8"))
    for entry in document["records"]:
        entry["record_data"]["supplier_name"] = "Good"
    log.write_text(json.dumps(document), "utf-8")
    assert run("-d", bakery, "import", log, "--json").json["summary"]["created"] == 2
    assert run("-d", bakery, "undo", "2", "--json").json["summary"]["deleted"] == 4


def test_without_the_flag_a_parent_the_database_refuses_is_a_problem_like_others(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    refuse_bad_shops(bakery)
    before = rows_of(bakery)
    file = view_of(tmp_path / "v.json", [purchase("Bad"), purchase("Costco", 2)])
    done = run("-d", bakery, "import-view", file, "--auto-create", "suppliers")
    assert done.code == 1
    assert "no bad shops" in done.out
    assert "1 record cannot be imported: nothing was written" in done.out
    assert rows_of(bakery) == before


def test_a_parent_of_a_parent_the_database_refuses_takes_both_out(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    sql(bakery, "CREATE UNIQUE INDEX once ON ingredients (notes)")
    sql(bakery, "UPDATE ingredients SET notes = 'taken' WHERE id = 1")
    product = {"slug": "sumac", "package_unit": "oz", "package_unit_quantity": 4}
    entries = [
        {"entity": "products", "key": {"slug": "sumac"}, "action": "create",
         "values": {**product, "ingredient_id.display_name": "Sumac"}},
        {"entity": "ingredients", "key": {"display_name": "Sumac"}, "action": "create",
         "values": {"display_name": "Sumac", "category": "Spices", "notes": "taken"}},
    ]  # fmt: skip
    file = view_of(tmp_path / "v.json", [purchase("Costco", 1, "sumac"), purchase("Costco", 2)])
    words = ["--decisions", decisions(tmp_path / "d.json", entries), "--skip-on-error"]
    log = ["--skipped-log", tmp_path / "log.json", "--json"]
    done = run("-d", bakery, "import-view", file, *words, *log)
    assert done.code == 3, done.out
    assert (done.json["summary"]["created"], done.json["summary"]["errors"]) == (1, 1)
    assert done.json["created_entities"] == {}
    assert (
        'no row of ingredients has ingredient_id.display_name "Sumac"'
        in done.json["problems"][0]["message"]
    )
    assert sql(bakery, "SELECT count(*) FROM products WHERE slug = 'sumac'") == [(0,)]


def test_a_record_a_trigger_refuses_is_left_out_alone(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    refuse_bad_shops(bakery)
    records = [{"slug": "bad", "name": "Bad"}, {"slug": "good", "name": "Good"}]
    file = tmp_path / "s.json"
    file.write_text(json.dumps({"entity_type": "suppliers", "records": records}), "utf-8")
    words = ["--skip-on-error", "--skipped-log", tmp_path / "log.json", "--json"]
    done = run("-d", bakery, "import", file, *words)
    assert done.code == 3
    assert "the database refuses the row: no bad shops" in done.json["problems"][0]["message"]
    assert sql(bakery, "SELECT slug FROM suppliers WHERE id > 8") == [("good",)]


# -- what is said
def test_the_report_says_how_many_were_imported_and_how_many_skipped(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    records = [purchase("Costco"), purchase("Nobody", 2), purchase("Costco", 3)]
    file = view_of(tmp_path / "v.json", records)
    words = ["--skip-on-error", "--skipped-log", tmp_path / "log.json"]
    dry = run("-d", sample, "import-view", file, *words, "--dry-run")
    assert "Dry run, nothing was written. 2 imported, 1 skipped: 2 created" in dry.out
    done = run("-d", sample, "import-view", file, *words)
    assert "\n2 imported, 1 skipped: 2 created, 0 updated, 1 error." in done.out
    assert "merge: 2 created, 1 error\n" in run("-d", sample, "runs").out


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ([], "Create it (--auto-create ingredients), choose another one (--interactive) or leave"),
        (["--skip-on-error"], "Create it (--auto-create ingredients) or choose another one"),
        (
            ["--skip-on-error", "--auto-create", "ingredients"],
            "Decide otherwise (--decisions) or choose another one (--interactive) [",
        ),
    ],
)
def test_no_message_advises_an_option_in_use(
    run: Run, sample: Path, tmp_path: Path, words: list[str], advice: str
) -> None:
    document = {
        "view_name": "products",
        "records": [
            {"product_slug": "sumac", "ingredient_slug": "sumac", "package_unit": "oz",
             "package_unit_quantity": 4}
        ],
    }  # fmt: skip
    path = tmp_path / "v.json"
    path.write_text(json.dumps(document), "utf-8")
    done = run("-d", sample, "import-view", path, *words, "--skipped-log", tmp_path / "log.json")
    assert done.code in (1, 3)
    assert advice in done.out
    assert all(word not in done.out.split("[", 1)[0] for word in words if word.startswith("--"))


def test_one_record_is_counted_as_one(run: Run, sample: Path, tmp_path: Path) -> None:
    path = tmp_path / "v.json"
    assert "Exported 1 record to" in (
        run("-d", sample, "export-view", "products", "--limit", "1", "-o", path).out
    )
    document = json.loads(path.read_text("utf-8"))
    del document["records"][0]["_rev"]
    path.write_text(json.dumps(document), "utf-8")
    done = run("-d", sample, "import-view", path)
    assert " 1 record: 1 unchanged" in done.out
    assert "1 record has no usable _rev" in done.out
    assert "1 records" not in done.out


# -- logs of other programs
@pytest.mark.parametrize("source", ["products_complete", "view_products.json", "03_products.json"])
def test_a_log_that_says_only_in_its_header_whose_records_it_holds_is_read(
    run: Run, bakery: str, tmp_path: Path, source: str
) -> None:
    slug = "slug" if source.startswith("03") else "product_slug"
    data = {slug: "valrhona_caraibe_66_3kg", "notes": "from a log"}
    log = {
        "skipped_at": "2025-12-24T14:30:22Z",
        "source_file": source,
        "total_skipped": 1,
        "records": [{"record_index": 1, "skip_reason": "FK not resolved", "record_data": data}],
        "resolution_instructions": "Re-import with --mode merge",
    }
    path = tmp_path / "import_skipped_2025-12-24_143022.json"
    path.write_text(json.dumps(log, indent=2), "utf-8")
    assert run("-d", bakery, "import", path).code == 0
    assert sql(bakery, "SELECT count(*) FROM products WHERE notes = 'from a log'") == [(1,)]


def test_a_log_that_does_not_say_whose_records_it_holds_is_told_what_to_add(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    log = {"skipped_at": "2025-12-24T14:30:22Z", "total_skipped": 1, "source_file": "unknown"}
    records = [{"record_index": 1, "record_data": {"notes": "x"}}]
    path = tmp_path / "log.json"
    path.write_text(json.dumps({**log, "records": records}), "utf-8")
    said = 'record 1 does not tell of which view it is: give it a "view_name", one of'
    assert said in run("-d", sample, "import", path).err
