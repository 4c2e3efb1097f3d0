"""Views as files: what is exported, what is forgiven when it comes back, and that an unedited one
changes nothing.
"""

from __future__ import annotations

import io
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy import event
from support.commands import Run, export
from support.databases import rows_of, sql
from support.files import VIEWS, document, edit
from support.reports import counts, found, refused

from bakeio_core import Bakeio, connect
from bakeio_core.database.connect import begin_read, begin_write

# -- unedited


def layouts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield a file as other programs would write it: the same records in other clothes."""
    plain, whole, dice = path.read_text("utf-8"), document(path), random.Random(5)
    yield "as it is", plain
    yield "Windows", "\ufeff" + plain.replace("\n", "\r\n")
    yield "indented, not ASCII escaped", json.dumps(whole, indent=4, ensure_ascii=False)
    yield "indented, ASCII", json.dumps(whole, indent=4)
    yield (
        "keys in another order",
        json.dumps(whole | {"records": [dict(reversed(r.items())) for r in whole["records"]]}),
    )
    yield "header last", json.dumps(dict(reversed(whole.items())))
    yield (
        "records shuffled",
        json.dumps(whole | {"records": dice.sample(whole["records"], len(whole["records"]))}),
    )
    yield "some of the records", json.dumps(whole | {"records": whole["records"][7::3]})
    number = re.compile(
        r'"(package_size|package_unit_quantity|unit_price|quantity_purchased|quantity)":(\d+)(\.\d+)?(?=[,}])'
    )
    yield "5.0", number.sub(lambda m: f'"{m[1]}":{m[2]}{m[3] or ".0"}', plain)
    yield "5.00", number.sub(lambda m: f'"{m[1]}":{m[2]}{m[3] or ".00"}0', plain)
    yield "numbers as text", number.sub(lambda m: f'"{m[1]}":"{m[2]}{m[3] or ""}"', plain)


@pytest.mark.parametrize("view", VIEWS)
def test_an_unedited_export_changes_nothing_in_whatever_clothes_it_comes_back(
    run: Run, bakery: str, tmp_path: Path, core: Bakeio, view: str
) -> None:
    path = export(run, bakery, view, tmp_path / "view.json")
    before, engine = rows_of(bakery), connect(bakery)
    name = {"products": "product_id", "purchases": "purchase_id", "inventory": "inventory_id"}[view]
    shown = [row[0] for row in before[core.view(view).entity] if view != "products" or not row[11]]
    assert [record[name] for record in document(path)["records"]] == shown, (
        "every row once, in the order of ids"
    )
    for name, content in list(layouts(path)):
        (again := tmp_path / "again.json").write_text(content, "utf-8", newline="")
        for mode in ("merge", "update-only", "skip-existing"):
            with begin_write(engine) as db:
                report = core.import_(db, again, mode=mode)
            same = report.summary["skipped" if mode == "skip-existing" else "unchanged"]
            assert report.exit_code == 0, f"{name}: {report.text()}"
            assert same == report.summary["processed"], f"{name}: {report.text()}"
            assert not [problem for problem in report.problems if problem.severity == "error"], name
    engine.dispose()
    assert rows_of(bakery) == before


def test_the_header_may_stand_after_the_records(run: Run, sample: Path, tmp_path: Path) -> None:
    path = edit(
        export(run, sample, "purchases", tmp_path / "view.json"),
        lambda records: records[0].update(notes="mine"),
    )
    path.write_text(json.dumps(document(path), sort_keys=True), "utf-8")
    done = run("-d", sample, "import-view", path, "--json")
    assert done.code == 0, done.out
    assert counts(done) == {"processed": 400, "updated": 1, "unchanged": 399}


def test_numbers_are_written_as_the_shortest_decimal(run: Run, bakery: str, tmp_path: Path) -> None:
    for view in VIEWS:
        lines = export(run, bakery, view, tmp_path / f"{view}.json").read_text("utf-8")
        assert not re.search(r'":\d+\.(0|\d*0)[,}]', lines), view


def test_narrowed_exports_hold_what_was_asked_for_and_come_back_unchanged(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    lacking = sql(
        sample,
        "SELECT count(*) FROM products WHERE NOT is_hidden AND (upc_code IS NULL OR upc_code = '')",
    )[0][0]
    whole = len(document(export(run, sample, "products", tmp_path / "whole.json"))["records"])
    narrowed: dict[tuple[str, ...], int] = {
        ("--fields", "upc_code,notes"): whole, ("--missing", "upc_code"): lacking,
        ("--limit", "5"): 5, ("--all",): whole + 3,
        ("--missing", "upc_code", "--all", "--limit", "2", "--fields", "upc_code"): 2,
    }  # fmt: skip
    before = rows_of(sample)
    for words, count in narrowed.items():
        path = export(run, sample, "products", tmp_path / "view.json", "--force", *words)
        assert document(path)["record_count"] == count, words
        assert len(document(path)["records"]) == count, words
        done = run("-d", sample, "import-view", path, "--json")
        assert done.code == 0
        assert counts(done) == {"processed": count, "unchanged": count}
        assert found(done) == []
        assert not [p for p in done.json["problems"] if "_rev" in p["message"]], (
            "it knows what the record was"
        )
    assert rows_of(sample) == before
    assert set(document(path)["records"][0]) == {"product_slug", "upc_code", "_rev"}


def test_a_file_of_fewer_fields_still_knows_what_the_record_was(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = export(
        run, sample, "products", tmp_path / "view.json", "--fields", "notes", "--limit", "3"
    )
    sql(
        sample,
        "UPDATE products SET brand = 'Theirs' WHERE id = 1",
        "UPDATE products SET notes = 'theirs' WHERE id = 2",
    )
    edit(path, lambda records: [r | {"notes": "mine"} for r in records])
    assert refused(run, sample, path) == [("conflict", "notes", 1)]
    assert (
        counts(run("-d", sample, "import-view", path, "--on-conflict", "keep-db", "--json"))[
            "updated"
        ]
        == 2
    )
    assert sql(sample, "SELECT brand, notes FROM products WHERE id = 1") == [("Theirs", "mine")]


def test_a_view_goes_through_pipes(run: Run, sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("-d", sample, "export-view", "products", "--output", "-")
    assert done.code == 0
    assert len(done.json["records"]) == 81
    changed = done.json
    changed["records"][0]["notes"] = "through a pipe: é"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(changed).encode())))
    back = run("-d", sample, "import-view", "-", "--json")
    assert back.code == 0, back.out
    assert back.json["summary"]["updated"] == 1, back.out
    assert sql(sample, "SELECT notes FROM products WHERE id = 1") == [("through a pipe: é",)]


def test_the_real_views_match_every_row_and_change_none(
    run: Run, new_database: Callable[[], str], real_data: Path
) -> None:
    url = new_database()
    assert run("-d", url, "import-complete", real_data / "bake-tracker-normalized").code == 0
    before = rows_of(url)
    for view in VIEWS:
        done = run(
            "-d",
            url,
            "import-view",
            real_data / "bake-tracker-views" / f"view_{view}.json",
            "--json",
        )
        assert done.code == 0, done.out
        assert counts(done) == {"processed": 156, "unchanged": 156}, done.out
    assert rows_of(url) == before


def test_the_real_products_view_onto_an_empty_database_lists_every_missing_key(
    run: Run, new_database: Callable[[], str], real_data: Path
) -> None:
    url = new_database()
    run("-d", url, "init")
    done = run(
        "-d", url, "import-view", real_data / "bake-tracker-views" / "view_products.json", "--json"
    )
    assert done.code == 1
    assert counts(done) == {"processed": 156, "errors": 156}
    assert {code for code, _, _ in found(done)} <= {"missing-reference", "check"}, (
        "most of its barcodes are no valid ones"
    )
    fields = [field for code, field, _ in found(done) if code == "missing-reference"]
    assert {field: fields.count(field) for field in set(fields)} == {
        "ingredient_slug": 123,
        "preferred_supplier_name": 4,
    }
    assert not any(rows_of(url).values())


# -- reading


def wrapped(path: Path) -> dict[str, str]:
    plain, whole = path.read_text("utf-8"), document(path)
    return {
        "a bare list": json.dumps(whole["records"]),
        "a code block in prose": (
            'Sure! Here is "the" file {with} edits:\n\n'
            f"```json\n{plain}\n```\n\nI left [three] alone.\n"
        ),
        "trailing commas": plain.replace("\n  ]", ",\n  ]").replace('"}', '",}'),
        "comments": "// edited\n"
        + plain.replace('"records": [', '/* all of\n them */ "records": [ // here'),
    }


@pytest.mark.parametrize(
    "kind", ["a bare list", "a code block in prose", "trailing commas", "comments"]
)
def test_what_assistants_leave_around_json_is_forgiven_with_a_warning(
    run: Run, sample: Path, tmp_path: Path, kind: str
) -> None:
    path = export(run, sample, "products", tmp_path / "view.json", "--limit", "9")
    note = "see https://example.org/a, // no comment /* at all */, ,} and ```"
    whole = document(path)
    whole["records"][0]["notes"] = note
    lines = ",\n".join(json.dumps(record) for record in whole.pop("records"))
    path.write_text(
        json.dumps(whole, indent=2)[:-2] + f',\n  "records": [\n{lines}\n  ]\n}}\n', "utf-8"
    )
    path.write_text(wrapped(path)[kind], "utf-8")
    done = run("-d", sample, "import-view", path, "--json")
    assert done.code == 0, done.out
    assert counts(done) == {"processed": 9, "updated": 1, "unchanged": 8}, done.out
    assert "bad-document" in [code for code, _, _ in found(done, "warning")]
    assert sql(sample, "SELECT notes FROM products WHERE id = 1") == [(note,)]


@pytest.mark.parametrize(
    "broken",
    [
        '[{"product_slug": "a"',
        "No file, sorry.",
        "",
        "```json\n{,}\n```",
        '{"records": []}',
        '"text"',
        "[1, 2]",
    ],
)
def test_what_is_broken_beyond_that_is_an_error(
    run: Run, sample: Path, tmp_path: Path, broken: str
) -> None:
    (path := tmp_path / "view.json").write_text(broken, "utf-8")
    before = rows_of(sample)
    done = run("-d", sample, "import-view", path, "--json")
    code = done.json["error"]["code"] if "error" in done.json else done.json["problems"][0]["code"]
    assert done.code == 1, done.out
    assert code in ("bad-json", "bad-document", "truncated"), done.out
    assert rows_of(sample) == before


def test_a_file_cut_off_writes_nothing(run: Run, sample: Path, tmp_path: Path) -> None:
    path = edit(
        export(run, sample, "products", tmp_path / "view.json"),
        lambda records: records[0].update(notes="mine"),
    )
    path.write_bytes(path.read_bytes()[:20_000])
    before = rows_of(sample)
    done = run("-d", sample, "import-view", path, "--json")
    assert done.code == 1
    assert '"truncated"' in done.out
    assert rows_of(sample) == before


def test_an_unknown_view_is_named_with_those_that_are_known(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = export(run, sample, "products", tmp_path / "view.json")
    path.write_text(
        path.read_text("utf-8").replace("products_complete", "recipes_complete"), "utf-8"
    )
    done = run("-d", sample, "import-view", path, "--json")
    assert done.code == 1
    assert done.json["error"]["code"] == "unknown-view"
    assert "purchases" in done.json["error"]["message"]
    for command in ("export-view", "schema"):
        done = run("-d", sample, command, "recipes")
        assert done.code == 2
        assert "purchases" in done.err


def test_a_set_is_no_view_and_a_view_no_set_but_import_takes_either(
    run: Run, sample: Path, sample_set: Path, tmp_path: Path
) -> None:
    view = export(run, sample, "products", tmp_path / "view.json")
    for command, path in (("import-view", sample_set), ("import-complete", view)):
        done = run("-d", sample, command, path)
        assert done.code == 1, done.err
        assert f"bakeio import {path}" in done.err, done.err
    assert run("-d", tmp_path / "none.db", "import-complete", view).code == 1
    assert not (tmp_path / "none.db").exists()
    for path in (sample_set, view):
        done = run("-d", sample, "import", path, "--json")
        assert done.code == 0
        assert {"created", "updated", "errors"} & set(counts(done)) == set()


# -- writing files


def test_edits_not_imported_yet_are_not_overwritten(run: Run, sample: Path, tmp_path: Path) -> None:
    path = export(run, sample, "products", tmp_path / "view.json")
    export(run, sample, "products", path)  # nothing to lose
    content = edit(path, lambda records: records[0].update(notes="mine")).read_bytes()
    done = run("-d", sample, "export-view", "products", "-o", path, "--json")
    assert done.code == 1
    assert done.json["error"]["code"] == "blocked"
    assert "--force" in done.json["error"]["message"]
    assert path.read_bytes() == content
    assert run("-d", sample, "import-view", path).code == 0
    export(run, sample, "products", path)
    assert document(path)["records"][0]["notes"] == "mine"
    edit(path, lambda records: records[0].update(product_slug="broken"))
    assert run("-d", sample, "export-view", "products", "-o", path).code == 1
    export(run, sample, "products", path, "--force")
    assert document(path)["records"][0]["product_slug"] != "broken"


def test_a_rehearsal_shows_before_and_after_reports_the_same_and_writes_nothing(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = export(run, sample, "products", tmp_path / "view.json")
    attack = "<script>alert(1)</script>"
    edit(
        path,
        lambda records: [
            records[0] | {"brand": attack},
            records[1] | {"surprise": 1},
            records[2] | {"package_size": 7},
        ],
    )
    before, page = sample.read_bytes(), tmp_path / "out.html"
    shown = run("-d", sample, "import-view", path, "--dry-run", "--report", page)
    assert shown.code == 0, shown.err
    assert (
        f'brand: "King Arthur" -> "{attack}"' in shown.out and "package_size: 50 -> 7" in shown.out
    )
    html = page.read_text("utf-8")
    assert (
        attack not in html
        and "\\u003cscript>alert(1)\\u003c/script>" in html
        and "King Arthur" in html
    )
    assert not re.search(r"https?:|src=|@import|url\(", html), "one page that needs no network"
    rehearsal = run("-d", sample, "import-view", path, "--dry-run", "--json").json
    assert sample.read_bytes() == before
    real = run("-d", sample, "import-view", path, "--json").json
    assert rehearsal.pop("run") is None
    assert rehearsal.pop("dry_run") is True
    assert real.pop("dry_run") is False
    assert real.pop("run") > 0
    assert rehearsal == real
    assert real["summary"]["updated"] == 2


@pytest.mark.parametrize("view", VIEWS)
def test_the_schema_takes_the_views_own_export_and_refuses_what_the_import_refuses(
    run: Run, sample: Path, tmp_path: Path, view: str
) -> None:
    schema = run("schema", view).json
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    whole = document(
        export(
            run, sample, view, tmp_path / "view.json", *(["--all"] if view == "products" else [])
        )
    )
    assert list(validator.iter_errors(whole)) == []
    first = whole["records"][0]
    too_long = {
        "products": ("brand", "x" * 201),
        "purchases": ("supplier_name", "x" * 201),
        "inventory": ("location", "x" * 101),
    }[view]
    for wrong in (
        {"surprise": 1},
        {too_long[0]: too_long[1]},
        {"notes": 5},
        {"_clear": ["nothing"]},
    ):
        assert list(validator.iter_errors(whole | {"records": [first | wrong]})), wrong
    assert validator.is_valid(
        {"records": [{name: first[name] for name in list(first)[:3]} | {"_clear": ["notes"]}]}
    )
    writable = [
        name
        for name, item in schema["properties"]["records"]["items"]["properties"].items()
        if not item.get("readOnly")
    ]
    assert set(whole["documentation"]["editable_fields"]) <= set(writable)


# -- many rows, and few statements


@contextmanager
def statements(engine: Any) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def fill(core: Bakeio, engine: Any, products: int) -> None:
    """Products with 50 purchases (two of the last day) and 50 lots of a tenth each, without
    bakeio's import.
    """

    def rows(table: str, count: int, values: Callable[[int], dict[str, Any]]) -> None:
        common = {"created_at": datetime(2026, 1, 1), "updated_at": datetime(2026, 1, 1)}
        made = [{"id": n + 1, "uuid": f"{n:036}"} | common | values(n) for n in range(count)]
        db.execute(core.catalog.metadata.tables[table].insert(), made)

    with engine.begin() as db:
        rows("ingredients", 1, lambda n: {"slug": "i", "display_name": "I", "category": "C"})
        rows("suppliers", 1, lambda n: {"slug": "s", "name": "S"})
        rows(
            "products",
            products,
            lambda n: {
                "slug": f"p{n}",
                "ingredient_id": 1,
                "package_unit": "g",
                "package_unit_quantity": 5,
            },
        )
        common = {"supplier_id": 1, "quantity_purchased": 1}
        bought = {
            "purchases": lambda n: (
                {"unit_price": n, "purchase_date": date(2026, 3, n % 25 + 1)} | common
            ),
            "inventory_items": lambda n: {"quantity": Decimal("0.1"), "purchase_id": n + 1},
        }
        for table, values in bought.items():
            rows(
                table,
                products * 50,
                lambda n, values=values: values(n) | {"product_id": n // 50 + 1},
            )  # type: ignore[misc]


def test_many_purchases_and_lots_are_summed_by_as_many_statements_as_few(
    run: Run, new_database: Callable[[], str], tmp_path: Path, core: Bakeio
) -> None:
    numbers = []
    for products in (10, 60):
        url = new_database()
        run("-d", url, "init")
        engine = connect(url)
        fill(core, engine, products)
        with statements(engine) as exporting, begin_read(engine) as db:
            core.export_view(db, "products", path := tmp_path / f"{products}.json")
        whole = document(path)
        assert whole["record_count"] == products
        for place, record in enumerate(whole["records"]):
            last = (
                record["last_purchase_date"],
                record["last_purchase_price"],
                record["current_inventory_qty"],
            )
            assert last == ("2026-03-25", place * 50 + 49, 5)
        edit(path, lambda records: [record | {"notes": "mine"} for record in records])
        with statements(engine) as importing, begin_write(engine) as db:
            assert core.import_(db, path).summary["updated"] == products
        engine.dispose()
        numbers.append((len(exporting), len(importing)))
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("index", [True, False], ids=["indexed", "not indexed"])
def test_values_of_the_last_purchase_are_of_one_row_whether_an_index_has_them_or_not(
    run: Run, bakery: str, tmp_path: Path, core: Bakeio, index: bool
) -> None:
    if not index:
        sql(bakery, "DROP INDEX ix_purchases_product_id_purchase_date_id_unit_price")
    same_day = (
        "SELECT 990, '{}', product_id, supplier_id, purchase_date, 0.5, 1, created_at, "
        "updated_at FROM purchases WHERE id = 1"
    )
    columns = (
        "id, uuid, product_id, supplier_id, purchase_date, unit_price, quantity_purchased, "
        "created_at, updated_at"
    )
    sql(
        bakery,
        f"INSERT INTO purchases ({columns}) {same_day.format('0' * 36)}",
        "UPDATE purchases SET product_id = 1 WHERE product_id = 2",
    )
    engine = connect(bakery)
    with begin_read(engine) as db:
        core.export_view(
            db, core.view("products").narrow(everything=True), path := tmp_path / "all.json"
        )
    engine.dispose()
    rows = sql(
        bakery,
        "SELECT product_id, unit_price, purchase_date FROM purchases ORDER BY purchase_date, id",
    )
    last = {product: (float(price), str(day)) for product, price, day in rows}
    for record in document(path)["records"]:
        shown = (record["last_purchase_price"], record["last_purchase_date"])
        assert shown == last.get(record["product_id"], (None, None))


def test_a_refreshed_file_knows_the_rows_its_new_records_became(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    file, log = tmp_path / "v.json", tmp_path / "log.json"
    assert run("-d", sample, "export-view", "purchases", "--limit", "2", "-o", file).code == 0
    document = json.loads(file.read_text("utf-8"))
    new = {
        "product_slug": document["records"][0]["product_slug"],
        "supplier_name": "Costco",
        "purchase_date": "2025-12-20",
        "quantity_purchased": 1,
    }
    document["records"][0]["notes"] = "edited"
    document["records"] += [
        {**new, "unit_price": 4.25},
        {**new, "unit_price": 1, "supplier_name": "Nobody"},
        {**new, "unit_price": 4.25},
    ]
    file.write_text(json.dumps(document), "utf-8")
    done = run(
        "-d", sample, "import-view", file, "--skip-on-error", "--skipped-log", log, "--refresh"
    )
    assert done.code == 3
    assert "is fresh: 4 records as in the database now" in done.err
    fresh = json.loads(file.read_text("utf-8"))
    assert fresh["record_count"] == 5
    assert [bool(record.get("_rev")) for record in fresh["records"]] == [
        True,
        True,
        True,
        False,
        True,
    ]
    assert len({record.get("purchase_id") for record in fresh["records"]}) == 5
    assert fresh["records"][0]["notes"] == "edited"
    assert fresh["records"][3]["supplier_name"] == "Nobody"
    del fresh["records"][3]
    fresh["records"][4 - 1]["notes"] = "now it has a row"
    file.write_text(json.dumps(fresh), "utf-8")
    again = run("-d", sample, "import-view", file, "--json").json["summary"]
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 1, 3)


def test_only_the_file_of_a_view_can_be_refreshed(run: Run, sample: Path, sample_set: Path) -> None:
    assert run("-d", sample, "import", sample_set, "--refresh").code == 2


# -- suppliers and ingredients


def test_a_city_and_a_category_are_corrected_and_a_shop_added_as_products_are(
    bakery: str, tmp_path: Path, core: Bakeio
) -> None:
    engine = connect(bakery)

    def imported(view: str, change: Callable[[list[dict[str, Any]]], object]) -> Any:
        path = tmp_path / f"{view}.json"
        with begin_read(engine) as db:
            core.export_view(db, view, path)
        whole = document(path)
        edit(path, change)
        with begin_write(engine) as db:
            report = core.import_(db, path)
        assert report.summary["unchanged"] == len(whole["records"]) - 1
        return report.summary

    def correct(records: list[dict[str, Any]]) -> None:
        records[0]["city"] = "Dedham"
        records.append({"name": "Corner Shop", "city": "Lynn", "state": "MA"})

    totals = imported("suppliers", correct)
    assert (totals["updated"], totals["created"]) == (1, 1)
    assert imported("ingredients", lambda r: r[3].update(category="Flours"))["updated"] == 1
    engine.dispose()
    found = sql(bakery, "SELECT slug, city FROM suppliers WHERE id IN (1, 9) ORDER BY id")
    assert found == [("costco_waltham_ma", "Dedham"), ("corner_shop_lynn_ma", "Lynn")]
    assert sql(bakery, "SELECT category FROM ingredients WHERE id = 4") == [("Flours",)]
