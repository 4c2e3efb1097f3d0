"""A working file written anew after its import: nothing a person wrote in it is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.commands import Run, export
from support.databases import sql
from support.files import document, edit, indented, lined
from support.receipts import decisions, purchase, view_of

from bakeio_core.files.documents.patching import ListText, ObjectText, same_json

LAYOUTS: list[Callable[[Any], str]] = [indented, lined, json.dumps]
BAD_CODE = "012345678900"


def without_rev(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "_rev"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_record_that_was_not_imported_stays_in_the_file_as_it_is(
    run: Run, bakery: str, tmp_path: Path, layout: Callable[[Any], str]
) -> None:
    path = export(run, bakery, "products", tmp_path / "v.json", "--limit", "4")

    def change(records: list[dict[str, Any]]) -> None:
        records[0]["notes"] = "good"
        records[2] |= {"upc_code": BAD_CODE, "notes": "also mine"}

    edit(path, change, layout=layout)
    before = document(path)["records"]
    words = ["--skip-on-error", "--skipped-log", tmp_path / "log.json", "--refresh"]
    done = run("-d", bakery, "import-view", path, *words)
    assert done.code == 3
    assert "is fresh: 3 records as in the database now" in done.err
    after = document(path)["records"]
    assert after[2] == before[2]
    assert without_rev(after[0]) == without_rev(before[0])
    assert after[0]["_rev"] != before[0]["_rev"]
    edit(path, lambda records: records[2].update(upc_code=None), layout=layout)
    again = run("-d", bakery, "import-view", path, "--json")
    assert again.json["summary"]["updated"] == 1
    slug = before[2]["product_slug"]
    found = sql(bakery, f"SELECT notes FROM products WHERE slug = '{slug}'")
    assert found == [("also mine",)]


def test_a_conflict_kept_by_the_database_stays_in_the_file(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = export(run, bakery, "products", tmp_path / "v.json", "--limit", "3")
    sql(bakery, "UPDATE products SET notes = 'db' WHERE id = 1")

    def change(records: list[dict[str, Any]]) -> None:
        records[0]["notes"] = "file"
        records[1]["notes"] = "mine"

    edit(path, change)
    before = document(path)["records"]
    done = run("-d", bakery, "import-view", path, "--on-conflict", "keep-db", "--refresh")
    assert done.code == 0
    after = document(path)["records"]
    assert after[0] == before[0]
    assert after[1]["notes"] == "mine"
    assert after[1]["_rev"] != before[1]["_rev"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_keeps_its_fields_its_own_ones_its_order_and_its_layout(
    run: Run, sample: Path, tmp_path: Path, layout: Callable[[Any], str]
) -> None:
    words = ["--fields", "notes", "--limit", "3"]
    path = export(run, sample, "products", tmp_path / "v.json", *words)
    whole = document(path)
    whole["records"].reverse()
    whole["records"][0] = {"mine": "Łódź \U0001f600", **whole["records"][0], "sure": 0.90}
    whole["records"][1]["notes"] = "new"
    whole["my_own"] = [1, {"a": 2}]
    records = whole.pop("records")
    whole["records"] = records
    path.write_text(layout(whole), "utf-8")
    assert run("-d", sample, "import-view", path, "--refresh").code == 0
    text = path.read_text("utf-8")
    after = json.loads(text)
    assert text == layout(after)
    assert list(after) == list(whole)
    assert after["my_own"] == whole["my_own"]
    assert list(map(without_rev, after["records"])) == list(map(without_rev, records))
    assert [list(record) for record in after["records"]] == list(map(list, records))
    unedited = run("-d", sample, "import-view", path, "--json").json["summary"]
    assert unedited["unchanged"] == 3


def test_what_the_database_says_now_comes_into_the_file(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = export(run, sample, "products", tmp_path / "v.json", "--limit", "3")
    sql(sample, "UPDATE products SET brand = 'Another' WHERE id = 2")
    edit(path, lambda records: records[0].update(notes="mine", _clear=["upc_code"]))
    assert run("-d", sample, "import-view", path, "--refresh").code == 0
    first, second, _ = document(path)["records"]
    assert (first["notes"], first["upc_code"], "_clear" in first) == ("mine", None, False)
    assert second["brand"] == "Another"


def test_a_line_that_is_no_json_stays_where_it_is(run: Run, sample: Path, tmp_path: Path) -> None:
    path = export(run, sample, "products", tmp_path / "v.json", "--limit", "4")
    edit(path, lambda records: records[3].update(notes="mine"), layout=lined)
    lines = path.read_text("utf-8").split("\n")
    place = next(n for n, line in enumerate(lines) if line.startswith('{"'))
    lines[place] = lines[place].replace('"notes":', '"notes":half a')
    broken = lines[place]
    assert "half a" in broken
    path.write_text("\n".join(lines), "utf-8")
    words = ["--skip-on-error", "--skipped-log", tmp_path / "log.json", "--refresh"]
    done = run("-d", sample, "import-view", path, *words)
    assert done.code == 3, done.err
    assert broken in path.read_text("utf-8").split("\n")
    assert "is fresh: 3 records" in done.err


def test_the_same_record_twice_is_fresh_twice(run: Run, sample: Path, tmp_path: Path) -> None:
    path = export(run, sample, "products", tmp_path / "v.json", "--limit", "2")

    def change(records: list[dict[str, Any]]) -> None:
        records[0]["notes"] = "mine"
        records.append(dict(records[0]))

    edit(path, change)
    assert run("-d", sample, "import-view", path, "--refresh").code == 0
    again = run("-d", sample, "import-view", path, "--json")
    assert again.code == 0
    assert again.json["summary"]["unchanged"] == 3


def test_a_list_written_by_hand_gets_its_revisions_and_a_header_that_says_whose_it_is(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = view_of(tmp_path / "r.json", [purchase("Cosco"), purchase("Wegmans", 2)], mine="x")
    entry = {
        "entity": "suppliers",
        "key": {"name": "Cosco"},
        "action": "existing",
        "target": {"slug": "costco_waltham_ma"},
    }
    file = decisions(tmp_path / "d.json", [entry])
    assert run("-d", sample, "import-view", path, "--decisions", file, "--refresh").code == 0
    after = document(path)
    assert after["mine"] == "x"
    assert list(after)[-1] == "records"
    assert after["database_id"]
    assert [bool(record["_rev"]) for record in after["records"]] == [True, True]
    assert after["records"][0]["supplier_name"] == "Costco"
    again = run("-d", sample, "import-view", path, "--json")
    assert again.json["summary"]["unchanged"] == 2


def test_comments_do_not_keep_a_file_from_being_fresh(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = export(run, sample, "products", tmp_path / "v.json", "--limit", "2")
    edit(path, lambda records: records[0].update(notes="mine", sure=0.9))
    whole = document(path) | {"my_own": 5}
    whole["records"] = whole.pop("records")
    path.write_text("// mine\n" + json.dumps(whole), "utf-8")
    assert run("-d", sample, "import-view", path, "--refresh").code == 0
    assert document(path)["my_own"] == 5
    assert document(path)["export_id"] == whole["export_id"]
    assert [record.get("sure") for record in document(path)["records"]] == [0.9, None]


# -- texts
@pytest.mark.parametrize(
    ("text", "new", "left_out", "wanted"),
    [
        ('{"a": 1, "b": 2.50}', {"a": "3"}, (), '{"a": 3, "b": 2.50}'),
        ('{"a":1,"b":2}', {"c": "3"}, ("a",), '{"b":2,"c":3}'),
        ('{"a": 1}', {"c": "3"}, (), '{"a": 1, "c": 3}'),
        ('{\n  "a": 1\n}', {"c": "3"}, (), '{\n  "a": 1,\n  "c": 3\n}'),
        ('{\n  "a": 1,\n\n  "b": [1,\n 2] }', {"a": "0"}, (), '{\n  "a": 0,\n\n  "b": [1,\n 2] }'),
        ("{}", {"c": "3"}, (), '{"c":3}'),
        ('{"a": 1}', {}, ("a",), "{}"),
    ],
)
def test_an_object_is_changed_where_it_is_to_be_and_nowhere_else(
    text: str, new: dict[str, str], left_out: tuple[str, ...], wanted: str
) -> None:
    assert ObjectText(text).patched(new, left_out) == wanted


@pytest.mark.parametrize(
    "text", ["", "[]", '{"a"}', '{"a": 1 "b": 2}', '{"a": 1, "a": 2}', "{1: 2}"]
)
def test_what_is_no_object_is_no_object(text: str) -> None:
    with pytest.raises(ValueError):
        ObjectText(text)


def test_items_of_a_list_keep_what_stands_between_them() -> None:
    listed = ListText('[ {"a": 1},\n5 , null]', 0)
    assert listed.items == ['{"a": 1}', "5", "null"]
    assert listed.patched({1: "6"}) == '[ {"a": 1},\n6 , null]'


def test_numbers_are_the_same_by_what_they_amount_to() -> None:
    assert same_json("5.00", 5)
    assert same_json("0.1", 0.1)
    assert not same_json("1", True)
    assert not same_json("null", 0)
