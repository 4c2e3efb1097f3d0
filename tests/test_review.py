"""Every question of an import is one kind of thing, and an answer lands where it belongs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, DateTime, Float, Integer
from support.commands import Ran, Run, export
from support.databases import sql
from support.files import Records, document, edit, indented, lined
from support.reports import codes, counts
from support.tables import bakeio_with, made, things, writing

from bakeio_core import (
    Bakeio,
    Decision,
    Question,
    UsageError,
    View,
    connect,
    editable,
    hookimpl,
    key,
)
from bakeio_core.database.connect import begin_write

SLUG = "valrhona_caraibe_66_3kg"
GOOD, OTHER, BAD = "3395321046613", "036000291452", "036000291453"


def one_line(whole: Any) -> str:
    return json.dumps(whole, ensure_ascii=False)


def of(records: Records, slug: str = SLUG) -> dict[str, Any]:
    return next(record for record in records if record["product_slug"] == slug)


def product(url: str, slug: str = SLUG) -> dict[str, Any]:
    columns = ("brand", "upc_code", "notes")
    row = sql(url, f"SELECT {', '.join(columns)} FROM products WHERE slug = '{slug}'")[0]
    return dict(zip(columns, row, strict=True))


def decisions(path: Path, *entries: dict[str, Any]) -> Path:
    path.write_text(json.dumps(list(entries)), "utf-8")
    return path


def about(field: str, action: str, slug: str = SLUG, **more: Any) -> dict[str, Any]:
    """An entry as a hand writes it."""
    return {"entity": "products", "key": {"slug": slug}, "field": field, "action": action, **more}


def imported(run: Run, url: str, path: Path, *words: object) -> Ran:
    return run("-d", url, "import", path, "--json", *words)


@pytest.fixture
def both_edited(run: Run, bakery: str, tmp_path: Path) -> Path:
    """A file of which three fields were edited, while somebody else edited the same ones."""
    path = export(run, bakery, "products", tmp_path / "v.json")
    edit(path, lambda records: of(records).update(brand="File", upc_code=GOOD, notes="from file"))
    sql(
        bakery,
        f"UPDATE products SET brand = 'Database', upc_code = '{OTHER}', notes = 'from database' "
        f"WHERE slug = '{SLUG}'",
    )
    return path


def test_each_field_in_conflict_is_decided_on_its_own(
    run: Run, bakery: str, both_edited: Path, tmp_path: Path
) -> None:
    refused = imported(run, bakery, both_edited)
    assert (refused.code, codes(refused.json)) == (1, {"conflict"})
    made = decisions(
        tmp_path / "d.json",
        about("brand", "keep-database"),
        about("upc_code", "take-file"),
        about("notes", "value", value="typed anew"),
    )
    dry = imported(run, bakery, both_edited, "--decisions", made, "--dry-run")
    done = imported(run, bakery, both_edited, "--decisions", made)
    assert (done.code, counts(done)) == (0, counts(dry))
    assert counts(done)["updated"] == 1
    assert product(bakery) == {"brand": "Database", "upc_code": GOOD, "notes": "typed anew"}
    assert {(entry["field"], entry["action"]) for entry in done.json["resolved"]} == {
        ("brand", "keep-database"),
        ("upc_code", "take-file"),
        ("notes", "value"),
    }


def test_one_field_left_undecided_holds_its_record_back(
    run: Run, bakery: str, both_edited: Path, tmp_path: Path
) -> None:
    made = decisions(tmp_path / "d.json", about("brand", "take-file"))
    refused = imported(run, bakery, both_edited, "--decisions", made)
    assert (refused.code, refused.json["summary"]["conflicts"]) == (1, 1)
    assert {p["field"] for p in refused.json["problems"]} == {"upc_code", "notes"}
    assert product(bakery)["brand"] == "Database"


def test_what_was_decided_about_another_value_decides_nothing(
    run: Run, bakery: str, both_edited: Path, tmp_path: Path
) -> None:
    """The file was edited, or the database changed, after the decision was made."""
    seen = {"file": "File", "database": "Database"}
    fine = about("brand", "take-file", **seen)
    rest = (about("upc_code", "keep-database"), about("notes", "keep-database"))
    for wrong, said in (({"file": "Old"}, '"Old"'), ({"database": "Before"}, '"Before"')):
        made = decisions(tmp_path / "d.json", {**fine, **wrong}, *rest)
        refused = imported(run, bakery, both_edited, "--decisions", made)
        assert refused.code == 1
        assert product(bakery)["brand"] == "Database"
        run("-d", bakery, "import", both_edited, "--no-input", "--decisions", made)
        problems = [entry.get("problem", "") for entry in json.loads(made.read_text("utf-8"))]
        assert said in "".join(problems)
    made = decisions(tmp_path / "d.json", fine, *rest)
    assert imported(run, bakery, both_edited, "--decisions", made).code == 0
    assert product(bakery)["brand"] == "File"


@pytest.mark.parametrize("layout", [lined, indented, one_line], ids=["lined", "indented", "one"])
def test_a_rejected_field_or_record_leaves_no_trace_and_is_counted(
    run: Run, bakery: str, tmp_path: Path, layout: Any
) -> None:
    path = export(run, bakery, "products", tmp_path / "v.json")
    slugs: list[str] = []

    def change(records: Records) -> None:
        slugs.extend(record["product_slug"] for record in records[:4])
        for record in records[:4]:
            record["notes"] = "Rewritten"
        records[0]["brand"] = "Acme"

    edit(path, change, layout)
    before = [product(bakery, slug) for slug in slugs]
    made = decisions(
        tmp_path / "d.json",
        about("notes", "leave-field", slugs[0]),
        about("notes", "leave-field", slugs[1]),
        {"entity": "products", "key": {"slug": slugs[2].upper()}, "action": "leave-record"},
    )
    done = imported(run, bakery, path, "--decisions", made)
    assert done.code == 3
    assert {n: done.json["summary"][n] for n in ("updated", "skipped", "rejected")} == {
        "updated": 2,
        "skipped": 2,
        "rejected": 3,
    }
    after = [product(bakery, slug) for slug in slugs]
    assert after[0] == {**before[0], "brand": "Acme"}
    assert after[1:3] == before[1:3]
    assert after[3]["notes"] == "Rewritten"
    told = run("-d", bakery, "import", path, "--decisions", made, "--dry-run").out
    assert f'slug "{slugs[1]}", notes was left out' in told


def test_a_check_is_lifted_for_one_field_and_a_bad_value_typed_anew(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = export(run, bakery, "products", tmp_path / "v.json")
    slugs: list[str] = []

    def change(records: Records) -> None:
        slugs.extend(record["product_slug"] for record in records[:3])
        records[0]["upc_code"] = records[1]["upc_code"] = BAD
        records[2]["package_size"] = "a lot"

    edit(path, change)
    assert codes(imported(run, bakery, path).json) == {"check", "bad-value"}
    made = decisions(
        tmp_path / "d.json",
        about("upc_code", "accept", slugs[0]),
        about("upc_code", "value", slugs[1], value=OTHER),
        about("package_size", "value", slugs[2], value=2.5),
    )
    done = imported(run, bakery, path, "--decisions", made)
    assert done.code == 0, done.out
    assert product(bakery, slugs[0])["upc_code"] == BAD
    assert product(bakery, slugs[1])["upc_code"] == OTHER
    size = f"SELECT package_size FROM products WHERE slug = '{slugs[2]}'"
    assert float(sql(bakery, size)[0][0]) == 2.5


def test_questions_of_every_kind_are_written_down_to_be_answered(
    run: Run, bakery: str, both_edited: Path, tmp_path: Path
) -> None:
    def change(records: Records) -> None:
        records[0]["upc_code"], records[1]["package_size"] = BAD, "a lot"

    edit(both_edited, change)
    file = tmp_path / "d.json"
    done = run("-d", bakery, "import", both_edited, "--no-input", "--decisions", file)
    assert done.code == 1
    entries = json.loads(file.read_text("utf-8"))
    kinds = {entry["kind"]: entry for entry in entries}
    assert set(kinds) == {"conflict", "check", "value"}
    assert kinds["conflict"]["key"] == {"slug": SLUG}
    assert kinds["conflict"]["choose"][:2] == ["take-file", "keep-database"]
    assert {"file", "database"} <= kinds["conflict"].keys()
    answers = {"conflict": "take-file", "check": "leave-field", "value": "leave-record"}
    for entry in entries:
        entry["action"] = answers[entry["kind"]]
    file.write_text(json.dumps(entries), "utf-8")
    done = imported(run, bakery, both_edited, "--decisions", file)
    assert done.code == 3, done.out
    assert product(bakery) == {"brand": "File", "upc_code": GOOD, "notes": "from file"}
    assert done.json["summary"]["rejected"] == 2


# -- what a program is told
def test_json_tells_changes_questions_and_the_reason_of_a_refusal(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = tmp_path / "receipts.json"
    receipt = {
        "product_slug": "argo_cornstarch_35oz",
        "supplier_name": "Wegmans",
        "purchase_date": "2026-01-05",
        "unit_price": 5.49,
        "quantity_purchased": 1,
    }
    records = [receipt, {**receipt, "supplier_name": "Wegman's Market"}]
    path.write_text(json.dumps({"view_name": "purchases", "records": records}), "utf-8")
    done = imported(run, bakery, path, "--dry-run")
    assert done.code == 1
    assert "1 record cannot be imported" in done.json["refused"]
    [question] = done.json["questions"]
    assert (question["kind"], question["key"]) == ("reference", {"name": "Wegman's Market"})
    assert question["answers"] == ["existing", "create", "skip"]
    assert question["candidates"][0]["target"] == {"slug": "wegmans_burlington_ma"}
    assert {blank["name"] for blank in question["form"]} >= {"name", "city"}
    done = imported(run, bakery, path, "--dry-run", "--auto-create", "suppliers")
    made, linked, new = done.json["changes"]
    assert (made["action"], made["entity"], made["record"]) == ("create", "suppliers", None)
    assert linked["label"] == "Argo 35 oz"
    supplier = next(f for f in linked["fields"] if f["field"] == "supplier_name")
    assert supplier["new_row"] == {
        "key": {"slug": "wegmans_burlington_ma"},
        "label": "Wegmans Burlington MA",
    }
    supplier = next(f for f in new["fields"] if f["field"] == "supplier_name")
    assert supplier["new_row"] == {"key": made["key"], "label": made["label"]}
    words = ("--dry-run", "--auto-create", "suppliers")
    few = imported(run, bakery, path, *words, "--limit-changes", 1)
    assert (len(few.json["changes"]), few.json["more_changes"]) == (1, 2)
    lines = run("-d", bakery, "import", path, *words, "--json-lines")
    objects = [json.loads(line) for line in lines.out.splitlines()]
    assert [one["type"] for one in objects if one["type"] != "problem"] == [
        "report",
        *["change"] * 3,
    ]
    assert objects[0]["summary"] == done.json["summary"]


def test_an_edit_is_told_with_what_the_field_was(run: Run, bakery: str, both_edited: Path) -> None:
    edit(both_edited, lambda records: records[0].update(notes="Fresh"))
    done = imported(run, bakery, both_edited, "--on-conflict", "take-file", "--dry-run")
    told = {change["about"]["slug"]: change["fields"] for change in done.json["changes"]}
    mine = told.pop(SLUG)
    assert {(f["field"], f["old"], f["new"]) for f in mine} >= {("brand", "Database", "File")}
    [[field]] = told.values()
    assert (field["field"], field["new"], field["base"]) == ("notes", "Fresh", field["old"])


# -- what is suspicious
CONTENT = ["product_slug", "supplier_name", "purchase_date", "unit_price", "quantity_purchased"]


def suspicious(run: Run, url: str, path: Path, *words: object) -> dict[tuple[str, str], str]:
    """Return {(label or key, field): question} of what is suspicious of a file."""
    done = imported(run, url, path, "--dry-run", *words)
    assert done.code == 0, done.out
    asked = [q for q in done.json["questions"] if q["default"] == "accept"]
    return {(next(iter(q["key"].values())), q["field"]): q["question"] for q in asked}


def test_values_out_of_line_are_told_and_written_all_the_same(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = export(run, bakery, "purchases", tmp_path / "v.json")
    ids: list[int] = []

    def change(records: Records) -> None:
        ids.extend(record["purchase_id"] for record in records)
        for record in records[:1] + records[50:60]:
            record["unit_price"] = round(record["unit_price"] * 10, 2)
        records[1]["purchase_date"] = "2019-01-05"
        for record in records[5:20]:
            record["notes"] = "Unknown"
        same = {name: records[70][name] for name in CONTENT}
        there = same["supplier_name"] == "Wegmans"
        records.append({**same, "supplier_name": "Costco" if there else "Wegmans"})
        moved = [record["quantity_purchased"] for record in records[30:40]]
        for record, value in zip(records[31:41], moved, strict=True):
            record["quantity_purchased"] = value

    edit(path, change)
    told = suspicious(run, bakery, path)
    problems = imported(run, bakery, path, "--dry-run").json["problems"]
    prices = [p for p in problems if p["code"] == "check" and p["field"] == "unit_price"]
    assert (len(prices) <= 2, sum(p["count"] for p in prices)) == (True, 11)
    assert "was " in told[ids[0], "unit_price"] or "largest" in told[ids[0], "unit_price"]
    assert "a day far from all others" in told[ids[1], "purchase_date"]
    assert "15 rows get this one value" in told[ids[5], "notes"]
    assert any("column move by a row" in question for question in told.values())
    beside = f"is the only difference to the row with purchase_id {ids[70]}: to change that row"
    assert any(beside in question for question in told.values())
    made = tmp_path / "d.json"
    price, day = (
        {"entity": "purchases", "key": {"id": ids[n]}, "field": name, "kind": "suspicious"}
        for n, name in enumerate(("unit_price", "purchase_date"))
    )
    decisions(made, {**price, "action": "leave-field"}, {**day, "action": "accept"})
    left = imported(run, bakery, path, "--decisions", made, "--dry-run")
    assert left.json["summary"]["rejected"] == 1
    fields = {(q["key"].get("id"), q["field"]) for q in left.json["questions"]}
    assert not fields & {(ids[0], "unit_price"), (ids[1], "purchase_date")}
    assert imported(run, bakery, path).code == 0


def test_one_value_in_place_of_many_and_many_that_go_are_told(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = export(run, bakery, "ingredients", tmp_path / "v.json")

    def change(records: Records) -> None:
        for record in records[:40]:
            record |= {"_clear": ["upc_code"]} if "upc_code" in record else {"category": "Spices"}

    edit(path, change)
    assert set(suspicious(run, bakery, path).values()) == {
        "40 rows get this one value: is it right?"
    }
    path = export(run, bakery, "products", tmp_path / "p.json")
    edit(path, change)
    [message] = set(suspicious(run, bakery, path).values())
    assert message.endswith("rows lose their value: is it right?")


def test_a_value_replaced_in_a_file_of_what_lacks_one_is_told(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    """Without `_rev` nothing else tells that somebody was faster."""
    path = export(run, bakery, "products", tmp_path / "v.json", "--missing", "upc_code")
    whole = document(path)
    whole["records"] = [{**whole["records"][0], "upc_code": OTHER}]
    del whole["records"][0]["_rev"], whole["exported_at"]
    path.write_text(json.dumps(whole), "utf-8")
    slug = whole["records"][0]["product_slug"]
    assert suspicious(run, bakery, path) == {}
    sql(bakery, f"UPDATE products SET upc_code = '{GOOD}' WHERE slug = '{slug}'")
    assert list(suspicious(run, bakery, path)) == [(slug, "upc_code")]


def test_a_new_row_that_looks_like_another_can_be_said_to_be_it(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = tmp_path / "v.json"
    misspelt = {"product_slug": f"{SLUG}g", "ingredient_slug": "bread_flour", "notes": "hm",
                "package_unit": "kg", "package_unit_quantity": 1}  # fmt: skip
    path.write_text(json.dumps({"view_name": "products", "records": [misspelt]}), "utf-8")
    done = imported(run, bakery, path, "--dry-run")
    [question] = done.json["questions"]
    assert (question["kind"], question["candidates"][0]["target"]) == ("new-row", {"slug": SLUG})
    entry = {"kind": "new-row", "entity": "products", "key": question["key"]}
    made = decisions(tmp_path / "d.json", {**entry, "action": "existing", "target": {"slug": SLUG}})
    done = imported(run, bakery, path, "--decisions", made)
    assert counts(done)["updated"] == 1, done.out
    assert product(bakery)["notes"] == "hm"
    decisions(made, {**entry, "action": "existing", "target": {"slug": "nowhere"}})
    assert codes(imported(run, bakery, path, "--decisions", made).json) >= {"unknown-row"}
    [(name, city, slug)] = sql(bakery, "SELECT name, city, slug FROM suppliers WHERE id = 1")
    shop = {"name": name, "city": city, "state": "Massachusetts"}
    path.write_text(json.dumps({"view_name": "suppliers", "records": [shop]}), "utf-8")
    [question] = imported(run, bakery, path, "--dry-run").json["questions"]
    assert f'only difference to the row with supplier_slug "{slug}"' in question["question"]


@pytest.mark.parametrize("view", ["products", "purchases", "inventory"])
def test_an_unedited_view_asks_nothing(run: Run, bakery: str, tmp_path: Path, view: str) -> None:
    path = export(run, bakery, view, tmp_path / "v.json")
    done = imported(run, bakery, path)
    assert (done.json["questions"], done.json["changes"]) == ([], [])
    assert not [p for p in done.json["problems"] if p["severity"] != "note"]


def test_an_unedited_set_and_real_data_over_themselves_ask_nothing(
    run: Run, sample: Path, folder: Path, real_data: Path, tmp_path: Path
) -> None:
    done = imported(run, sample, folder)
    assert (done.json["questions"], done.json["changes"]) == ([], [])
    real = tmp_path / "real.db"
    for _ in range(2):
        done = run("-d", real, "import-complete", real_data / "bake-tracker-normalized", "--json")
        assert (done.code, done.json["questions"]) == (0, [])
    for path in sorted((real_data / "bake-tracker-views").glob("view_*.json")):
        done = imported(run, str(real), path)
        assert (done.code, done.json["questions"], done.json["changes"]) == (0, [], [])


# -- programs and plugins
class Deciding:
    """A plugin that takes the file's brand and accepts what is suspicious."""

    def __init__(self) -> None:
        self.kinds = set[str]()

    @hookimpl
    def bakeio_answer(self, questions: Sequence[Question]) -> dict[Question, Decision]:
        self.kinds |= {question.kind for question in questions}
        brands = [q for q in questions if (q.kind, q.field) == ("conflict", "brand")]
        return {question: Decision.take_file("a plugin") for question in brands}


def test_plugins_and_programs_answer_questions_of_any_kind(bakery: str, both_edited: Path) -> None:
    plugin = Deciding()
    core = Bakeio.discover(plugins=[plugin])
    edit(both_edited, lambda records: records[0].update(upc_code=BAD))
    asked: list[Question] = []

    def resolver(questions: Sequence[Question]) -> dict[Question, Decision]:
        asked.extend(questions)
        return {
            question: Decision.value(OTHER)
            if question.kind == "check"
            else Decision.keep_database()
            for question in questions
        }

    engine = connect(bakery)
    with begin_write(engine) as db:
        plan = core.plan(db, both_edited, resolve=resolver)
        assert plan.open == []
        report = core.apply(db, plan)
    engine.dispose()
    assert plugin.kinds == {"conflict", "check"}
    assert {question.field for question in asked} == {"upc_code", "notes"}
    assert product(bakery) == {"brand": "File", "upc_code": OTHER, "notes": "from database"}
    assert report.summary["updated"] == 2
    assert {entry["by"] for entry in report.resolved} == {"a plugin", ""}


def test_what_is_no_answer_to_a_question_is_refused_by_name(
    core: Bakeio, bakery: str, both_edited: Path
) -> None:
    engine = connect(bakery)
    refused = pytest.raises(UsageError, match=r"brand: \"create\" is not an answer")
    with engine.connect() as db, refused:
        core.plan(db, both_edited, resolve=lambda questions: {questions[0]: Decision.create(x=1)})
    engine.dispose()


# -- suspicious values of columns of any kind
MEASURED = {
    "pieces": (Integer, [3, 5], 90),
    "weight": (Float, [0.5, 0.75], 12.5),
    "made": (
        DateTime(timezone=True),
        ["2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z"],
        "2062-03-01T10:00:00Z",
    ),
}


def test_numbers_and_moments_of_any_type_are_looked_at(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    columns = [Column(name, type_) for name, (type_, *_) in MEASURED.items()]
    fields = {name: editable(name) for name in MEASURED}
    view = View("things", "things", {"name": key("name"), **fields})
    core = bakeio_with(things(*columns), [view])
    path = tmp_path / "v.json"

    def told(*records: dict[str, Any]) -> set[tuple[str | None, str]]:
        path.write_text(json.dumps({"view_name": "things", "records": records}), "utf-8")
        with writing(url) as db:
            problems = core.import_(db, path).problems
        return {(p.field, p.message) for p in problems if p.severity != "note"}

    url = made(core, new_database())
    rows = [{"name": f"t{n}"} | {c: v[1][n] for c, v in MEASURED.items()} for n in range(2)]
    assert told(*rows) == set()
    strange = {"name": "t0"} | {c: v[2] for c, v in MEASURED.items()}
    assert told(strange) == {
        ("pieces", "is more than 10 times the largest there is (5): is it right?"),
        ("weight", "is more than 10 times the largest there is (0.75): is it right?"),
        ("made", "is a day far from today: is it right?"),
    }
    later = {"name": "t1", "pieces": 50, "made": "2028-01-01T00:00:00Z"}
    assert told(later, {"name": "t2", "made": "2024-01-01T00:00:00Z"}) == {
        ("pieces", "is 50 now, was 5: is it right?"),
        ("made", "is a day far from all others (2026-03-02 to 2062-03-01): is it right?"),
    }
