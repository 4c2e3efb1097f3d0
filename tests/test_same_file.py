"""The same file again, and copies of it: what an earlier import of it did is known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.commands import Run, export
from support.databases import sql
from support.files import Records, document, edit, indented, lined
from support.receipts import purchase, view_of
from support.reports import counts, refused

LAYOUTS = pytest.mark.parametrize("layout", [indented, lined, json.dumps])


def set_(place: int, **values: Any) -> Callable[[Records], None]:
    return lambda records: records[place].update(values)


# -- edits
@LAYOUTS
def test_another_copy_of_the_same_export_conflicts(
    run: Run, bakery: str, tmp_path: Path, layout: Any
) -> None:
    anna = export(run, bakery, "products", tmp_path / "anna.json", "--limit", "5")
    ben = Path(shutil.copy(anna, tmp_path / "ben.json"))
    carl = Path(shutil.copy(anna, tmp_path / "carl.json"))
    edit(anna, set_(0, brand="Anna's"), layout=layout)
    edit(ben, set_(0, brand="Ben's"), layout=layout)
    edit(ben, set_(1, notes="Ben's, too"), layout=layout)
    assert run("-d", bakery, "import-view", anna).code == 0
    assert refused(run, bakery, ben) == [("conflict", "brand", 1)]
    edit(ben, set_(0, brand="Anna's"), layout=layout)
    assert counts(run("-d", bakery, "import-view", ben, "--json"))["updated"] == 1
    edit(carl, set_(2, notes="Carl's"), layout=layout)
    assert counts(run("-d", bakery, "import-view", carl, "--json"))["updated"] == 1
    assert sql(bakery, "SELECT brand FROM products WHERE id = 1") == [("Anna's",)]


def test_a_file_that_was_moved_is_known_by_its_other_edits(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = export(run, bakery, "products", tmp_path / "v.json", "--limit", "5")
    edit(path, set_(0, notes="first"))
    edit(path, set_(1, brand="first, too"))
    assert run("-d", bakery, "import-view", path).code == 0
    moved = tmp_path / "elsewhere.json"
    path.rename(moved)
    edit(moved, set_(0, notes="second"))
    assert counts(run("-d", bakery, "import-view", moved, "--json"))["updated"] == 1


@LAYOUTS
def test_a_value_typed_back_to_what_it_was_at_the_export_counts(
    run: Run, bakery: str, tmp_path: Path, layout: Any
) -> None:
    path = export(run, bakery, "purchases", tmp_path / "v.json", "--limit", "5")
    original = path.read_bytes()
    old = document(path)["records"][0]
    query = f"SELECT unit_price FROM purchases WHERE id = {old['purchase_id']}"
    edit(path, set_(0, unit_price=3.33), layout=layout)
    assert run("-d", bakery, "import-view", path).code == 0
    edit(path, set_(0, unit_price=old["unit_price"]), layout=layout)
    done = run("-d", bakery, "import-view", path, "--json")
    assert counts(done)["updated"] == 1, done.out
    assert [float(row[0]) for row in sql(bakery, query)] == [old["unit_price"]]
    sql(bakery, f"UPDATE purchases SET unit_price = 4 WHERE id = {old['purchase_id']}")
    again = run("-d", bakery, "import-view", path, "--json")
    assert counts(again).get("updated", 0) == 0  # somebody else's value stays
    path.write_bytes(original)
    assert counts(run("-d", bakery, "import-view", path, "--json")).get("updated", 0) == 0


@LAYOUTS
@pytest.mark.parametrize("nulls", ["keep", "clear"])
def test_a_text_taken_out_of_the_file_again_is_told_or_cleared(
    run: Run, bakery: str, tmp_path: Path, layout: Any, nulls: str
) -> None:
    path = export(run, bakery, "purchases", tmp_path / "v.json", "--limit", "5")
    identity = document(path)["records"][0]["purchase_id"]
    for notes in ("Half off", None):
        edit(path, set_(0, notes=notes), layout=layout)
        done = run("-d", bakery, "import-view", path, "--nulls", nulls, "--json")
    expected = {"nulls_kept": 1, "updated": 0} if nulls == "keep" else {"updated": 1}
    assert {name: counts(done).get(name, 0) for name in expected} == expected, done.out
    held = sql(bakery, f"SELECT notes FROM purchases WHERE id = {identity}")
    assert held == [("Half off" if nulls == "keep" else None,)]


# -- rows without a key
def lines(path: Path, *records: dict[str, Any], **header: Any) -> Path:
    return view_of(path, records, **header)


def test_a_line_without_a_key_empties_what_it_says(run: Run, bakery: str, tmp_path: Path) -> None:
    notes = "SELECT notes FROM purchases WHERE id > 400 ORDER BY id"
    file, line = tmp_path / "r.json", purchase("Wegmans", notes="Half off")
    assert run("-d", bakery, "import-view", lines(file, line)).code == 0
    emptied = {**line, "notes": None, "_clear": ["notes"]}
    made = purchase("Wegmans", 2, _clear="notes")
    done = run("-d", bakery, "import-view", lines(file, emptied, made), "--json")
    assert (counts(done)["updated"], counts(done)["created"]) == (1, 1), done.out
    assert sql(bakery, notes) == [(None,), (None,)]
    strange = lines(file, {**line, "_clear": ["colour"]}, purchase("Wegmans", 3, _clear=0))
    codes = refused(run, bakery, strange)
    assert {code[:2] for code in codes} == {("bad-value", "_clear")}
    assert len(codes) == 2
    both = lines(file, purchase("Wegmans", 4, notes="Both", _clear="notes"))
    assert [code[:2] for code in refused(run, bakery, both)] == [("bad-value", "notes")]


@pytest.mark.parametrize("how", ["a view", "the database itself"])
def test_a_line_that_was_imported_is_known_though_its_row_was_corrected(
    run: Run, bakery: str, tmp_path: Path, how: str
) -> None:
    one, two, three = (purchase("Wegmans", day) for day in (1, 2, 3))
    file = lines(tmp_path / "r.json", one, two)
    assert run("-d", bakery, "import-view", file).code == 0
    if how == "a view":
        view = export(run, bakery, "purchases", tmp_path / "v.json")
        edit(view, lambda records: records[-1].update(unit_price=5.97))
        assert run("-d", bakery, "import-view", view).code == 0
    else:
        sql(bakery, "UPDATE purchases SET unit_price = 5.97 WHERE id = 402")
    lines(file, one, two, three)
    dry = run("-d", bakery, "import-view", file, "--dry-run", "--json")
    done = run("-d", bakery, "import-view", file, "--json")
    assert dry.json["summary"] == done.json["summary"]
    assert (done.json["summary"]["created"], done.json["summary"]["unchanged"]) == (1, 2)
    notes = [p["message"] for p in done.json["problems"] if p["records"] == [2]]
    assert [note.startswith("was imported from this file before") for note in notes] == [True]
    prices = sql(bakery, "SELECT unit_price FROM purchases WHERE id > 400 ORDER BY id")
    assert [float(row[0]) for row in prices] == [7.5, 5.97, 9.5]
    added = run("-d", bakery, "import-view", file, "--allow-duplicates", "--json")
    assert added.json["summary"]["created"] == 3


@pytest.mark.parametrize("more", [(), ("--allow-duplicates",)], ids=["", "duplicates allowed"])
def test_a_key_with_a_reference_in_it_is_a_key_where_duplicates_are_allowed_too(
    run: Run, bakery: str, tmp_path: Path, more: tuple[str, ...]
) -> None:
    columns = "brand", "product_name", "package_size", "package_unit", "package_unit_quantity"
    where = "slug = 'king_arthur_unbleached_all_purpose_flour_25lb'"
    (cells,) = sql(bakery, f"SELECT {', '.join(columns)} FROM products WHERE {where}")
    record = {"ingredient_slug": "all_purpose_flour", **dict(zip(columns, cells, strict=True))}
    text = json.dumps({"view_name": "products", "records": [record]}, default=float)
    (tmp_path / "v.json").write_text(text, "utf-8")
    done = run("-d", bakery, "import-view", tmp_path / "v.json", "--json", *more)
    assert (done.json["summary"]["created"], done.json["summary"]["unchanged"]) == (0, 1)


@pytest.mark.parametrize("more", [(), ("--allow-duplicates",)], ids=["", "duplicates allowed"])
def test_two_new_records_of_one_key_are_one_row_where_duplicates_are_allowed_too(
    run: Run, bakery: str, tmp_path: Path, more: tuple[str, ...]
) -> None:
    record = {"slug": "new_shop", "name": "New Shop", "city": "Salem", "state": "MA"}
    text = json.dumps({"view_name": "suppliers", "records": [record, record]})
    (tmp_path / "v.json").write_text(text, "utf-8")
    done = run("-d", bakery, "import-view", tmp_path / "v.json", "--json", *more)
    assert (done.json["summary"]["created"], done.json["summary"]["unchanged"]) == (1, 1)


def test_a_line_of_another_file_is_another_purchase(run: Run, bakery: str, tmp_path: Path) -> None:
    file = lines(tmp_path / "r.json", purchase("Wegmans"))
    assert run("-d", bakery, "import-view", file).code == 0
    sql(bakery, "UPDATE purchases SET unit_price = 5.97 WHERE id = 401")
    other = lines(tmp_path / "other.json", purchase("Wegmans"))
    done = run("-d", bakery, "import-view", other, "--json")
    assert done.json["summary"]["created"] == 1


def test_a_line_whose_import_was_taken_back_is_new_again(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    file = lines(tmp_path / "r.json", purchase("Wegmans"), purchase("Wegmans", 2))
    assert run("-d", bakery, "import-view", file).code == 0
    sql(bakery, "UPDATE purchases SET unit_price = 5.97 WHERE id = 401")
    assert run("-d", bakery, "undo").code == 3
    done = run("-d", bakery, "import-view", file, "--json")
    assert done.json["summary"]["created"] == 2


@LAYOUTS
def test_the_lines_of_an_entitys_file_are_known_as_well(
    run: Run, bakery: str, tmp_path: Path, layout: Any
) -> None:
    records = [
        {"product_id": 1, "supplier_slug": "costco_waltham_ma", "product_slug": None,
         "purchase_date": f"2025-12-{day:02d}", "unit_price": 3, "quantity_purchased": 1}
        for day in (1, 2)
    ]  # fmt: skip
    slug = sql(bakery, "SELECT slug FROM products WHERE id = 1")[0][0]
    for record in records:
        del record["product_id"]
        record["product_slug"] = slug
    path = tmp_path / "p.json"
    path.write_text(layout({"entity_type": "purchases", "records": records}), "utf-8")
    assert run("-d", bakery, "import", path).code == 0
    sql(bakery, "UPDATE purchases SET unit_price = 4 WHERE id = 402")
    done = run("-d", bakery, "import", path, "--json")
    assert done.json["summary"]["unchanged"] == 2, done.out
    assert float(sql(bakery, "SELECT unit_price FROM purchases WHERE id = 402")[0][0]) == 4
    added = run("-d", bakery, "import", path, "--json", "--dry-run", "--allow-duplicates")
    assert added.json["summary"]["created"] == 2, added.out


def test_a_line_that_was_imported_is_known_though_its_row_has_another_name_by_now(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    shop = {"name": "New Shop", "city": "Salem"}
    meal = {"display_name": "Rye Meal", "category": "Flours"}
    product = {"ingredient_slug": "bread_flour", "brand": "Acme", "package_unit": "lb"}
    product |= {"package_unit_quantity": 2}
    lists = {
        "shops": {"entity_type": "suppliers", "records": [shop]},
        "meals": {"view_name": "ingredients", "records": [meal]},
        "products": {"view_name": "products", "records": [product]},
    }
    for name, contents in lists.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(contents), "utf-8")
        assert counts(run("-d", bakery, "import", path, "--json"))["created"] == 1
    sql(bakery, "UPDATE suppliers SET name = 'Salem Shop', slug = 'salem' WHERE city = 'Salem'")
    sql(bakery, "UPDATE ingredients SET display_name = 'Rye Grits' WHERE slug = 'rye_meal'")
    sql(bakery, "UPDATE products SET brand = 'Acme Inc.' WHERE brand = 'Acme'")
    for name in lists:
        path = tmp_path / f"{name}.json"
        done = run("-d", bakery, "import", path, "--json")
        assert counts(done) == {"processed": 1, "unchanged": 1}, done.out
        assert "was imported from this file before" in done.out
    other = tmp_path / "other.json"
    other.write_text(json.dumps(lists["shops"]), "utf-8")
    for words in ([other], [tmp_path / "shops.json", "--allow-duplicates"]):
        done = run("-d", bakery, "import", *words, "--dry-run", "--json")
        assert counts(done) == {"processed": 1, "created": 1}, done.out


def test_three_equal_lines_stay_three_through_the_log(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    log = tmp_path / "log.json"
    equal = purchase("Wegmans")
    file = lines(tmp_path / "r.json", equal, equal, equal | {"purchase_date": "2025-12-O1"})
    words = ["--skip-on-error", "--skipped-log", log]
    assert run("-d", bakery, "import-view", file, *words).code == 3
    assert run("-d", bakery, "import-view", file, *words).code == 3  # nothing new but the log
    edit(log, lambda records: records[0]["record_data"].update(purchase_date="2025-12-01"))
    done = run("-d", bakery, "import", log, "--json")
    assert done.json["summary"]["created"] == 1, done.out
    assert "only difference" not in done.out, "an equal row has none"
    again = run("-d", bakery, "import", log, "--json")
    assert again.json["summary"]["unchanged"] == 1
    lines(file, equal, equal, equal)
    corrected = run("-d", bakery, "import-view", file, "--json")
    assert corrected.json["summary"]["unchanged"] == 3
