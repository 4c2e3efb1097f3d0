"""What people and assistants hand in: nothing of it is lost without a word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from support.commands import Ran, Run, export
from support.databases import rows_of, sql
from support.files import behind, document, indented
from support.reports import codes, counts, found

from bakeio_core import Bakeio
from bakeio_core.files.revision import EARLIER_LAYOUT, Revision, revision_of

SLUG = "valrhona_caraibe_66_3kg"
CODE = "3395321046613"
RECORD = {"product_slug": SLUG, "upc_code": CODE}
LINE = json.dumps(RECORD)


def handed_in(run: Run, url: str, path: Path, content: Any, *words: object) -> Ran:
    """Import what somebody handed in, a text as it is."""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    path.write_text(text, "utf-8")
    return run("-d", url, "import-view", path, "--json", *words)


def of(view: str, *records: Any, **header: Any) -> dict[str, Any]:
    return {"view_name": f"{view}_complete", **header, "records": list(records)}


@contextmanager
def edited(path: Path) -> Iterator[list[dict[str, Any]]]:
    """Give the records of a file, and write them back as they are then."""
    whole = document(path)
    yield whole["records"]
    path.write_text(json.dumps(whole, ensure_ascii=False), "utf-8")


def code_of(url: str) -> Any:
    return sql(url, f"SELECT upc_code FROM products WHERE slug = '{SLUG}'")[0][0]


def messages(done: Ran) -> str:
    if "error" in done.json:
        return str(done.json["error"]["message"])
    return "\n".join(problem["message"] for problem in done.json["problems"])


# -- documents
READ = {
    "one record alone": LINE,
    "one record a line": f"{LINE}\n{json.dumps({'product_slug': 'argo_cornstarch_35oz'})}\n",
    "records under another name": json.dumps({"view_name": "products", "items": [RECORD]}),
    "a list without header": f"[{LINE}]",
    "as Python writes it": str({"view_name": "products", "records": [{**RECORD, "notes": None}]}),
    "fields within an object": json.dumps(
        of("products", {"product_slug": SLUG, "changes": {"upc_code": CODE}})
    ),
    "an example before the answer": f"Before:\n```json\n{json.dumps({'product_slug': SLUG})}\n```\n"
    f"After:\n```json\n{json.dumps(of('products', RECORD))}\n```\n",
}


@pytest.mark.parametrize("shape", READ)
def test_what_can_mean_only_one_thing_is_read_and_said(
    run: Run, bakery: str, tmp_path: Path, shape: str
) -> None:
    done = handed_in(run, bakery, tmp_path / "v.json", READ[shape])
    assert done.code == 0, done.out
    assert code_of(bakery) == CODE
    assert done.json["summary"]["updated"] == 1
    assert messages(done)


NAMED = {
    '{"view_name": "products", "record": "text"}': 'no list "records"',
    '{"view_name": "products", "records": "[]"}': "is a text, not a list",
    '{"view_name": "products", "records": null}': "is null, not a list",
    '{"view_name": "products", "records": {"1": {}}}': "is an object with 1 field, not a list",
    '{"view_name": "products"}': 'no list "records"',
    '{"entity_type": "suppliers", "rows": 5}': 'no list "records"',
    f'{{"view_name": "products", "records": [{LINE}, ...]}}': "something is missing here",
    "{“view_name”: “products”}": 'no list "records"',
    "{'view_name': 'products', 'records': [{'upc_code': 1, 'upc_code': 2}]}": "appears twice in it",
    '{"view_name": "products", "records": [{"upc_code": “1\\d”}]}': "typographic quotes",
    "product_slug,upc_code\nx,1\n": "a table (CSV), not JSON: write",
    "product_slug;upc_code\nx;1\n": "a table (CSV), not JSON: write",
    "| product_slug | upc_code |\n|---|---|\n| x | 1 |\n": "a Markdown table",
    '[{"op": "replace", "key": "x", "value": 1}]': 'no view has all their fields ("key", "op"',
    '[{"quantity": 1, "location": "x"}]': "view inventory",
    '[{"notes": "x"}]': "fit the views ",
    f'{{"view_name": "products", "records": [\n{LINE},\n{{"product_slug": "a': (
        f'record 1 is the last complete one (product_slug "{SLUG}"'
    ),
}


@pytest.mark.parametrize("text", NAMED)
def test_what_cannot_be_read_is_named_for_what_it_is(
    run: Run, bakery: str, tmp_path: Path, text: str
) -> None:
    before = rows_of(bakery)
    done = handed_in(run, bakery, tmp_path / "v.json", text)
    if text == '[{"quantity": 1, "location": "x"}]':  # of one view alone: read, and lacking a key
        assert done.code == 1
    else:
        assert done.code == 1
        assert NAMED[text] in messages(done)
    assert rows_of(bakery) == before


def test_a_record_without_any_known_field_is_an_error_of_that_record(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    done = handed_in(run, bakery, tmp_path / "v.json", of("products", {"a": 1}, {}, RECORD))
    assert done.code == 1
    assert [code for code, _, _ in found(done)] == ["unknown-field", "unknown-field"]
    assert 'only "a"; its fields are product_id' in messages(done)
    assert counts(done) == {"processed": 3, "updated": 1, "errors": 2}


# -- names of fields
@pytest.mark.parametrize(
    "name", ["upcCode", "UPC_CODE", "upc code", "UPC-Code", "upc", "Barcode", "EAN", "upc_code "]
)
def test_a_field_by_another_name_is_the_field(
    run: Run, bakery: str, tmp_path: Path, name: str
) -> None:
    done = handed_in(
        run, bakery, tmp_path / "v.json", of("products", {"product_slug": SLUG, name: CODE})
    )
    assert (done.code, code_of(bakery)) == (0, CODE)
    assert "is read as upc_code in 1 record" in messages(done)


@pytest.mark.parametrize("name", ["Note", "NOTE", "Package Sizes", "packageSizes", "upc_codes"])
def test_a_misspelt_field_is_an_error_in_whatever_case_and_signs(
    run: Run, bakery: str, tmp_path: Path, name: str
) -> None:
    record = {"product_slug": SLUG, name: "x"}
    done = handed_in(run, bakery, tmp_path / "v.json", of("products", record))
    assert (done.code, found(done)[0][0]) == (1, "unknown-field"), done.out
    assert "did you mean" in messages(done)


def test_a_field_said_twice_must_say_one_thing(run: Run, bakery: str, tmp_path: Path) -> None:
    twice = {**RECORD, "upc": "071012010103"}
    done = handed_in(run, bakery, tmp_path / "v.json", of("products", twice))
    assert (done.code, code_of(bakery)) == (1, None)
    assert "keep one of the two" in messages(done)
    done = handed_in(run, bakery, tmp_path / "v.json", of("products", {**RECORD, "upc": CODE}))
    assert (done.code, code_of(bakery)) == (0, CODE)


PURCHASE = {"purchase_date": "2026-03-01", "unit_price": 5.5, "quantity_purchased": 2}


@pytest.mark.parametrize(
    "naming",
    [
        {"product_upc": "000011960232"},
        {"product_upc_code": "11960232"},
        {"barcode": "0-00011-96023-2"},
        {"product_slug": "000011960232"},
    ],
)
def test_a_row_is_referred_to_by_its_standard_number(
    run: Run, bakery: str, tmp_path: Path, naming: dict[str, str]
) -> None:
    record = {**naming, "supplier_slug": "wegmans_burlington_ma", **PURCHASE}
    done = handed_in(run, bakery, tmp_path / "v.json", of("purchases", record))
    assert done.json["summary"]["created"] == 1, done.out
    assert sql(bakery, "SELECT product_id, supplier_id FROM purchases WHERE id = 401") == [(1, 2)]
    again = handed_in(run, bakery, tmp_path / "v.json", of("purchases", record))
    assert again.json["summary"]["unchanged"] == 1, again.out


def test_a_link_is_moved_by_a_lookup_that_is_not_exported(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = export(run, bakery, "purchases", tmp_path / "v.json")
    slug = sql(bakery, "SELECT slug FROM suppliers WHERE slug LIKE 'bay%'")[0][0]
    with edited(path) as records:
        records[0]["supplier_slug"] = slug
    done = run("-d", bakery, "import-view", path, "--json")
    assert counts(done) == {"processed": 400, "updated": 1, "unchanged": 399}, done.out


def test_an_unknown_key_is_not_replaced_by_a_name_beside_it(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    record = {"product_slug": SLUG, "supplier_slug": "no_such", "supplier_name": "Wegmans"}
    done = handed_in(run, bakery, tmp_path / "v.json", of("purchases", {**record, **PURCHASE}))
    assert (done.code, found(done)[0][0]) == (1, "missing-reference")


# -- which row a record is
def test_a_shifted_column_of_rev_is_one_problem(run: Run, bakery: str, tmp_path: Path) -> None:
    for view, words in (
        ("products", ()),
        ("inventory", ("--fields", "product_name,quantity")),
        ("inventory", ("--fields", "quantity")),
    ):
        path = export(run, bakery, view, tmp_path / "v.json", "--force", *words)
        with edited(path) as records:
            revisions = [record["_rev"] for record in records]
            for record, other in zip(records, [*revisions[1:], revisions[0]], strict=True):
                record["_rev"] = other
        before = rows_of(bakery)
        done = run("-d", bakery, "import-view", path, "--json")
        assert done.code == 1, done.out
        assert done.json["summary"]["updated"] == 0, done.out
        assert rows_of(bakery) == before


def test_rev_alone_names_no_row(run: Run, bakery: str, tmp_path: Path) -> None:
    path = export(run, bakery, "inventory", tmp_path / "v.json", "--limit", "3")
    records = [{"_rev": r["_rev"], "quantity": 5} for r in document(path)["records"]]
    done = handed_in(run, bakery, tmp_path / "w.json", of("inventory", *records))
    assert (done.code, found(done)[0][0]) == (1, "missing-field")
    assert "only by _rev" in messages(done)


@pytest.mark.parametrize("place", [0, 1, 5, 20, 40, 75])
def test_one_wrong_character_of_rev_is_damage(
    run: Run, bakery: str, tmp_path: Path, place: int
) -> None:
    path = export(run, bakery, "products", tmp_path / "v.json", "--limit", "2")
    with edited(path) as records:
        text = records[0]["_rev"]
        other = "B" if text[place] != "B" else "C"
        records[0]["_rev"] = text[:place] + other + text[place + 1 :]
        records[0]["notes"] = "mine"
    done = run("-d", bakery, "import-view", path, "--json")
    assert done.code == 1, done.out
    assert "is damaged" in messages(done)


def test_a_rev_of_the_earlier_layout_still_tells_who_changed_what(
    run: Run, bakery: str, tmp_path: Path, core: Bakeio
) -> None:
    path = export(run, bakery, "products", tmp_path / "v.json", "--limit", "2")
    revision, view = revision_of(core.catalog, core.view("products")), document(path)
    sql(bakery, "UPDATE products SET notes = 'theirs' WHERE id = 1")
    uuids = dict(sql(bakery, "SELECT id, uuid FROM products"))
    for record in view["records"]:
        record["_rev"] = earlier(revision, uuids[record["product_id"]], record)
    view["records"][1]["notes"] = "mine"
    path.write_text(json.dumps(view), "utf-8")
    done = run("-d", bakery, "import-view", path, "--json")
    assert counts(done) == {"processed": 2, "updated": 1, "unchanged": 1}, done.out
    assert sql(bakery, "SELECT notes FROM products WHERE id < 3 ORDER BY id") == [
        ("theirs",),
        ("mine",),
    ]
    # what follows is of no row; the key, or the id, still says that it was of this one
    for record in view["records"]:
        record["_rev"] = earlier(revision, "a damaged one", record)
    del view["records"][0]["product_id"], view["records"][1]["product_slug"]
    path.write_text(json.dumps(view), "utf-8")
    done = run("-d", bakery, "import-view", path, "--json")
    assert [p["code"] for p in done.json["problems"]] == ["bad-value"] * 2
    assert messages(done).count("is damaged") == 2


def earlier(revision: Revision, uuid: str, record: dict[str, Any]) -> str:
    """Make a `_rev` as it was made before it had a check value."""
    import binascii
    import struct
    import zlib

    from bakeio_core.files.revision import field_hash

    mark = zlib.crc32("\n".join([EARLIER_LAYOUT, *revision.fields]).encode()) & 0xFFFF
    words = [zlib.adler32(uuid.encode()) & 0xFFFF0000 | mark, zlib.crc32(uuid.encode())]
    words += [field_hash(record[name]) for name in revision.fields]
    words += [0] * (-len(words) % 3)
    return binascii.b2a_base64(struct.pack(f"<{len(words)}I", *words), newline=False).decode()


def test_a_null_in_a_key_says_nothing(run: Run, bakery: str, tmp_path: Path) -> None:
    for view in ("products", "purchases"):
        path = export(run, bakery, view, tmp_path / "v.json", "--limit", "3", "--force")
        with edited(path) as records:
            for record in records:
                record.update(dict.fromkeys(record.keys() - {"_rev", "product_id"}))
                record["notes"] = "from a strict schema"
        done = run("-d", bakery, "import-view", path, "--json")
        assert done.json["summary"]["updated"] == 3, done.out


@pytest.mark.parametrize("identity", [99999, -1, 0])
def test_an_id_that_names_no_row_makes_none(
    run: Run, bakery: str, tmp_path: Path, identity: int
) -> None:
    record = {"inventory_id": identity, "product_slug": SLUG, "quantity": 1}
    done = handed_in(run, bakery, tmp_path / "v.json", of("inventory", record))
    assert (done.code, found(done)[0][0]) == (1, "unknown-row")


def test_a_link_changed_by_its_id_alone_is_told(run: Run, bakery: str, tmp_path: Path) -> None:
    for view in ("purchases", "inventory"):
        path = export(run, bakery, view, tmp_path / "v.json", "--force")
        with edited(path) as records:
            records[0]["product_id"] = 3
        done = run("-d", bakery, "import-view", path, "--json")
        assert (done.code, found(done)[0][0]) == (1, "tampered-context"), done.out
    assert run("-d", bakery, "export-complete", "-o", tmp_path / "set").code == 0
    with edited(tmp_path / "set" / "04_purchases.json") as records:
        records[0]["supplier_id"] = 3 if records[0]["supplier_id"] != 3 else 4
        mine = records[0]
    done = run("-d", bakery, "import-complete", tmp_path / "set", "--accept-edits", "--json")
    assert (done.code, found(done)[0][0]) == (1, "identity-mismatch"), done.out
    new = tmp_path / "new.db"
    done = run("-d", new, "import-complete", tmp_path / "set", "--accept-edits", "--json")
    assert done.code == 0, done.out  # where the names count alone, the other id is told
    assert ("identity-mismatch", "supplier_id", 1) in found(done, "warning")
    alone = tmp_path / "set" / "04_purchases.json"
    done = run("-d", bakery, "import", alone, "--json")
    assert (done.code, found(done)[0][0]) == (1, "identity-mismatch"), done.out
    whole = document(alone)
    del whole["database_id"]  # nobody knows which row the id is of
    alone.write_text(json.dumps(whole), "utf-8")
    done = run("-d", bakery, "import", alone, "--json")
    assert counts(done) == {"processed": 400, "unchanged": 400}, done.out
    assert found(done, "warning") == [("identity-mismatch", "supplier_id", 1)]
    with edited(alone) as records:  # a new row is told of as well
        records[:] = [{**mine, "id": 999, "uuid": str(UUID(int=9)), "purchase_date": "2020-02-02"}]
    done = run("-d", bakery, "import", alone, "--dry-run", "--json")
    assert (counts(done)["created"], *found(done, "warning")) == (
        1, ("identity-mismatch", "supplier_id", 1)
    )  # fmt: skip


def test_an_entity_file_alone_is_the_state_of_its_own_database(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    assert run("-d", bakery, "export-complete", "-o", tmp_path / "set").code == 0
    alone = tmp_path / "set" / "03_products.json"
    with edited(alone) as records:
        code, records[0]["upc_code"] = records[0]["upc_code"], None
    done = run("-d", bakery, "import", alone, "--json", "--dry-run")
    assert code and counts(done) == {"processed": 84, "unchanged": 83, "updated": 1}, done.out
    sql(bakery, "UPDATE products SET upc_code = '036000291452', updated_at = '2099-01-01 00:00:00'")
    done = run("-d", bakery, "import", alone, "--json", "--dry-run")
    assert counts(done) == {"processed": 84, "conflicts": 84}, done.out


def test_what_a_list_says_of_a_row_beside_its_key_is_compared_with_it(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    supplier = {"supplier_slug": "wegmans_burlington_ma"}
    asked = {
        "by its code": ({"barcode": "11960232"}, (0, "note", "unknown-field", "barcode")),
        "no such code": (
            {"product_slug": SLUG, "product_upc": "036000291452"},
            (1, "error", "missing-reference", "product_upc_code"),
        ),
        "another name": (
            {"product_slug": SLUG, "supplier_name": "Nobody"},
            (0, "warning", "identity-mismatch", "supplier_name"),
        ),
    }
    path = tmp_path / "list.json"
    for said, (code, severity, *told) in asked.values():
        records = [{**supplier, **PURCHASE, **said}]
        path.write_text(json.dumps({"entity_type": "purchases", "records": records}), "utf-8")
        done = run("-d", bakery, "import", path, "--dry-run", "--json")
        assert done.code == code, done.out
        assert found(done, severity) == [(*told, 1)]
    assert run("-d", bakery, "export-complete", "-o", tmp_path / "set").code == 0
    with edited(tmp_path / "set" / "04_purchases.json") as records:
        records[0]["supplier_name"] = "Nobody"
    done = run("-d", bakery, "import", tmp_path / "set", "--accept-edits", "--dry-run", "--json")
    assert ("identity-mismatch", "supplier_name", 1) in found(done, "warning"), done.out


def test_one_id_twice_in_a_set_names_no_row(run: Run, bakery: str, tmp_path: Path) -> None:
    assert run("-d", bakery, "export-complete", "-o", tmp_path / "set").code == 0
    with edited(tmp_path / "set" / "01_suppliers.json") as records:
        copy = {**records[0], "uuid": "1b671a64-40d5-491e-99b0-da01ff1f3341", "slug": "a_copy"}
        records.append({**copy, "name": "A Copy", "city": "Elsewhere"})
    with edited(tmp_path / "set" / "04_purchases.json") as records:
        for record in records:
            if record["supplier_id"] == 1:
                del record["supplier_slug"], record["supplier_name"]
    new = tmp_path / "new.db"
    done = run("-d", new, "import-complete", tmp_path / "set", "--accept-edits", "--json")
    assert done.code == 1, done.out
    assert "ambiguous-key" in [code for code, _, _ in found(done)]


# -- is there already
def test_a_list_without_city_adds_nothing_the_second_time(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = tmp_path / "s.json"
    for record in ({"name": "Joe Farm"}, {"name": "joe farm", "city": "Lincoln"}):
        path.write_text(json.dumps({"entity_type": "suppliers", "records": [record]}), "utf-8")
        made = [run("-d", bakery, "import", path, "--json").json["summary"] for _ in range(2)]
        assert [(m["created"], m["unchanged"]) for m in made] == [(1, 0), (0, 1)]


def test_new_rows_that_read_alike_are_told_in_a_list_and_in_a_view(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    wegmans = {"city": "Burlington", "state": "MA"}  # that row is meant by the record before
    records = [
        {"name": "Café X"},
        {"name": "CAFÉ  X"},
        {"name": "Wegmans", **wegmans},
        {"name": "WEGMANS", **wegmans, "notes": "on Mondays"},
    ]
    for head, slug in (({"entity_type": "suppliers"}, "slug"), (of("suppliers"), "supplier_slug")):
        path = tmp_path / "s.json"
        path.write_text(json.dumps({**head, "records": records}), "utf-8")
        done = run("-d", bakery, "import", path, "--dry-run", "--json")
        assert counts(done) == {"processed": 4, "created": 3, "unchanged": 1}, done.out
        assert found(done, "warning") == [("check", "name", 1)] * 2
        assert [
            f'write {slug} "{known}"' in messages(done)
            for known in ("cafe_x", "wegmans_burlington_ma")
        ] == [True, True]


def test_an_equal_row_with_another_note_is_updated(run: Run, bakery: str, tmp_path: Path) -> None:
    record = {"product_slug": SLUG, "supplier_slug": "wegmans_burlington_ma", **PURCHASE}
    path = tmp_path / "v.json"
    assert handed_in(run, bakery, path, of("purchases", record)).code == 0
    done = handed_in(run, bakery, path, of("purchases", {**record, "notes": "on sale"}))
    assert counts(done) == {"processed": 1, "updated": 1}, done.out
    assert sql(bakery, "SELECT notes FROM purchases WHERE id > 400") == [("on sale",)]


def test_a_made_up_key_beside_the_other_key_of_a_row_updates_it_and_is_told(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = export(run, bakery, "products", tmp_path / "v.json", "--limit", "1")
    record = {n: v for n, v in document(path)["records"][0].items() if n[0] != "_"}
    del record["product_id"]
    made_up = {**record, "product_slug": "a_made_up_slug", "notes": "new supplier"}
    done = handed_in(run, bakery, path, of("products", made_up))
    assert counts(done) == {"processed": 1, "updated": 1}, done.out
    assert "has the same ingredient_slug, brand" in messages(done)
    assert sql(bakery, "SELECT slug, notes FROM products WHERE id = 1") == [
        (record["product_slug"], "new supplier")
    ]


def test_without_rev_a_row_updated_after_the_export_conflicts(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = export(run, bakery, "products", tmp_path / "v.json")
    sql(
        bakery,
        "UPDATE products SET notes = 'theirs', updated_at = '2099-01-01 00:00:00' WHERE id = 1",
    )
    with edited(path) as records:
        for record in records:
            del record["_rev"]
        records[0]["notes"] = "mine"
        records[1]["notes"] = "mine too"
    done = run("-d", bakery, "import-view", path, "--json")
    assert (done.code, found(done)[0][0]) == (1, "conflict"), done.out
    done = run("-d", bakery, "import-view", path, "--json", "--on-conflict", "keep-db")
    assert done.json["summary"]["updated"] == 1, done.out
    assert sql(bakery, "SELECT notes FROM products WHERE id < 3 ORDER BY id") == [
        ("theirs",),
        ("mine too",),
    ]


def test_what_another_bakery_does_not_know_says_nothing(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    assert run("-d", bakery, "export-complete", "-o", tmp_path / "set").code == 0
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text("utf-8"))
    manifest["database_id"] = "b5b1c9a4-7a5e-4b0c-9c39-0c1a1f0a2b3c"
    (tmp_path / "set" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with edited(tmp_path / "set" / "03_products.json") as records:
        records[0].update(notes=None, preferred_supplier_id=None, supplier_slug=None)
        records[0].update(supplier_name=None, brand="Another")
    words = ("-d", bakery, "import-complete", tmp_path / "set", "--accept-edits", "--json")
    before = sql(bakery, "SELECT notes, preferred_supplier_id FROM products WHERE id = 1")
    done = run(*words)
    assert done.json["summary"]["updated"] == 1, done.out
    assert done.json["summary"]["nulls_kept"] >= 1
    assert sql(bakery, "SELECT notes, preferred_supplier_id FROM products WHERE id = 1") == before


@pytest.mark.parametrize(
    ("view", "field", "column"),
    [("products", "package_size", "package_size"), ("inventory", "addition_date", "addition_date")],
)
def test_an_emptied_cell_of_a_number_or_a_date_is_null(
    run: Run, bakery: str, tmp_path: Path, view: str, field: str, column: str
) -> None:
    path = export(run, bakery, view, tmp_path / "v.json", "--limit", "3")
    with edited(path) as records:
        records[1][field] = ""
        table = "products" if view == "products" else "inventory_items"
        identity = records[1][f"{view.removesuffix('s')}_id"]
    done = run("-d", bakery, "import-view", path, "--json")
    assert counts(done) == {"processed": 3, "updated": 1, "unchanged": 2}, done.out
    assert sql(bakery, f"SELECT {column} FROM {table} WHERE id = {identity}") == [(None,)]


def test_an_emptied_cell_where_a_value_is_required_is_an_error(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = export(run, bakery, "inventory", tmp_path / "v.json", "--limit", "3")
    with edited(path) as records:
        records[1]["quantity"] = ""
    done = run("-d", bakery, "import-view", path, "--json")
    assert (done.code, found(done)[0][0]) == (1, "bad-value")
    new = {"product_slug": "new", "ingredient_slug": "matcha", "package_unit": ""}
    done = handed_in(run, bakery, path, of("products", {**new, "package_unit_quantity": ""}))
    assert (done.code, found(done)[0][0]) == (1, "missing-field")


# -- read-only
def test_an_edit_of_a_read_only_field_is_told_with_the_view_that_can(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    for without_rev in (False, True):
        path = export(run, bakery, "products", tmp_path / "v.json", "--force")
        with edited(path) as records:
            records[0]["last_purchase_price"] = 1
            records[1]["current_inventory_qty"] = 2
            records[2]["ingredient_category"] = "Other"
            for record in records if without_rev else ():
                del record["_rev"]
        done = run("-d", bakery, "import-view", path, "--json")
        assert (done.code, counts(done)) == (0, {"processed": 81, "unchanged": 81}), done.out
        said = {p["field"]: p["message"] for p in done.json["problems"] if p["field"]}
        assert "view purchases (unit_price)" in said["last_purchase_price"]
        assert "view inventory (quantity)" in said["current_inventory_qty"]
        assert "ingredient_category" in said


def test_a_file_that_is_out_of_date_is_not_taken_for_edited(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = export(run, bakery, "products", tmp_path / "v.json")
    sql(bakery, "UPDATE inventory_items SET quantity = quantity + 1")
    done = run("-d", bakery, "import-view", path, "--json")
    assert (done.code, done.json["problems"]) == (0, []), done.out


# -- codes
@pytest.mark.parametrize(
    ("code", "stored"),
    [
        ("0-71012-01010-3", "071012010103"),
        ("0 71012 01010 3", "071012010103"),
        ('="071012010103"', "071012010103"),
        ("71012010103", "071012010103"),
        ("71012010103.0", "071012010103"),
        ("０７１０１２０１０１０３", "071012010103"),
        ("7.1012E+10", None),
        ("7,1012e10", None),
        ("N/A", None),
        ("unknown", None),
        ("000000000000", None),
        ("UPC: 071012010103", None),
        ("EAN 071012010103", None),
        ("071012010103 / 036000291452", None),
        ("0000", None),
        ("shop-17", "shop-17"),
    ],
)
def test_a_code_is_stored_as_it_is_meant_or_refused_by_name(
    run: Run, bakery: str, tmp_path: Path, code: str, stored: str | None
) -> None:
    record = {"product_slug": SLUG, "upc_code": code}
    done = handed_in(run, bakery, tmp_path / "v.json", of("products", record))
    assert (done.code, code_of(bakery)) == (0 if stored else 1, stored), done.out


def test_a_code_that_lost_its_zeros_is_unchanged(run: Run, bakery: str, tmp_path: Path) -> None:
    path = export(run, bakery, "products", tmp_path / "v.json")
    with edited(path) as records:
        for record in records:
            record["upc_code"] = record["upc_code"] and record["upc_code"].lstrip("0")
    done = run("-d", bakery, "import-view", path, "--json")
    assert counts(done) == {"processed": 81, "unchanged": 81}, done.out


@pytest.mark.parametrize("given", [None, "036000291452"], ids=["without one", "with another"])
def test_a_code_that_goes_to_another_row_is_of_one_row(
    run: Run, bakery: str, tmp_path: Path, given: str | None
) -> None:
    query = "SELECT slug, upc_code FROM products WHERE upc_code IS NOT NULL ORDER BY id LIMIT 1"
    other, code = sql(bakery, query)[0]
    records = [
        {"product_slug": SLUG, "upc_code": code},
        {"product_slug": other, "upc_code": given},
    ]
    for words in (["--dry-run"], []):
        path, clear = tmp_path / "f.json", ("--nulls", "clear")
        done = handed_in(run, bakery, path, of("products", *records), *clear, *words)
        assert counts(done)["updated"] == 2
        assert "a code belongs to one row" not in messages(done)
    assert code_of(bakery) == code


def test_a_code_that_another_row_has_is_told_with_that_row(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    record = {"product_slug": SLUG, "upc_code": "000011960232"}
    done = handed_in(run, bakery, tmp_path / "v.json", of("products", record))
    assert done.code == 0
    assert "king_arthur_unbleached_all_purpose_flour_25lb" in messages(done)


def test_a_code_comes_after_the_key_a_record_gives_and_names_no_row_where_two_have_it(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    other = {"ingredient_slug": "all_purpose_flour", "brand": "K. Arthur", "product_name": "Flour"}
    size = {"package_size": 25, "package_unit": "lb", "package_unit_quantity": 25}
    path, code = tmp_path / "v.json", {"upc_code": "000011960232"}
    named = handed_in(run, bakery, path, of("products", {**other, **size, **code}))
    assert named.json["summary"]["created"] == 1
    assert "king_arthur_unbleached_all_purpose_flour_25lb" in messages(named)
    done = handed_in(run, bakery, path, of("products", {**code, "notes": "whose?"}))
    assert "2 rows of products have upc_code" in messages(done)
    assert "tell them apart by product_slug" in messages(done)


# -- new rows
def test_new_lots_beside_others_of_the_product_are_told(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    record = {"product_slug": "argo_cornstarch_35oz", "quantity": 3}
    done = handed_in(run, bakery, tmp_path / "v.json", of("inventory", record))
    assert "1 new row of inventory_items; " in messages(done)


def test_a_purchase_that_differs_in_its_price_alone_is_told(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    record = {"product_slug": SLUG, "supplier_slug": "wegmans_burlington_ma", **PURCHASE}
    path = tmp_path / "v.json"
    assert handed_in(run, bakery, path, of("purchases", record)).code == 0
    done = handed_in(run, bakery, path, of("purchases", {**record, "unit_price": 5.6}))
    assert "the only difference to the row with purchase_id 401" in messages(done)


def test_lines_of_one_receipt_are_not_held_against_each_other(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    record = {"product_slug": SLUG, "supplier_slug": "wegmans_burlington_ma", **PURCHASE}
    lines = [record, {**record, "unit_price": 5.6}, {**record, "quantity_purchased": 3}]
    done = handed_in(run, bakery, tmp_path / "v.json", of("purchases", *lines))
    assert done.json["summary"]["created"] == 3
    assert [p for p in done.json["problems"] if p["severity"] == "warning"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("purchase_date", "2205-12-30"), ("purchase_date", "0025-12-30"), ("unit_price", 90000)],
)
def test_a_value_far_from_all_others_is_told(
    run: Run, bakery: str, tmp_path: Path, field: str, value: Any
) -> None:
    record = {"product_slug": SLUG, "supplier_slug": "wegmans_burlington_ma", **PURCHASE}
    done = handed_in(run, bakery, tmp_path / "v.json", of("purchases", {**record, field: value}))
    assert [p["field"] for p in done.json["problems"] if p["severity"] == "warning"] == [field]


def test_a_decision_to_create_what_is_there_links_to_it_and_says_so(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    before = sql(bakery, "SELECT * FROM suppliers ORDER BY id")
    decided = {
        "entity": "suppliers",
        "key": {"name": "The shop"},
        "action": "create",
        "values": {"name": "WEGMANS", "city": "Burlington", "state": "MA"},
    }
    (tmp_path / "d.json").write_text(json.dumps([decided]), "utf-8")
    record = {"product_slug": SLUG, "supplier_name": "The shop", **PURCHASE}
    words = ("--decisions", tmp_path / "d.json")
    done = handed_in(run, bakery, tmp_path / "v.json", of("purchases", record), *words)
    assert done.json["summary"]["created"] == 1, done.out
    assert done.json["resolved"][0]["action"] == "existing"
    assert "exists already and is used" in messages(done)
    assert sql(bakery, "SELECT * FROM suppliers ORDER BY id") == before


def test_a_link_moves_by_its_name_where_the_id_beside_it_was_left(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    assert run("-d", bakery, "export-complete", "-o", tmp_path / "set").code == 0
    with edited(tmp_path / "set" / "04_purchases.json") as records:
        names = {(r["supplier_slug"], r["supplier_name"]) for r in records}
        slug, name = min(names - {(records[0]["supplier_slug"], records[0]["supplier_name"])})
        records[0].update(supplier_slug=slug, supplier_name=name)
    done = run("-d", bakery, "import-complete", tmp_path / "set", "--accept-edits", "--json")
    assert counts(done) == {"processed": 776, "updated": 1, "unchanged": 775}, done.out


@pytest.mark.parametrize("identity", [2, 4711])
def test_an_id_changed_beside_a_uuid_that_stayed_is_told(
    run: Run, bakery: str, tmp_path: Path, identity: int
) -> None:
    assert run("-d", bakery, "export-complete", "-o", tmp_path / "set").code == 0
    with edited(tmp_path / "set" / "01_suppliers.json") as records:
        records[0]["id"] = identity
    done = run("-d", bakery, "import-complete", tmp_path / "set", "--accept-edits", "--json")
    assert done.code == 1, done.out
    assert "identity-mismatch" in [code for code, _, _ in found(done)]
    alone = tmp_path / "set" / "01_suppliers.json"
    whole = document(alone)
    del whole["database_id"]  # an id of nobody knows which database
    alone.write_text(json.dumps(whole), "utf-8")
    done = run("-d", bakery, "import", alone, "--dry-run", "--json")
    assert found(done, "note") == [("identity-mismatch", "id", 1)], done.out
    with edited(alone) as records:
        records[0]["uuid"] = str(UUID(int=9))
    done = run("-d", bakery, "import", alone, "--dry-run", "--json")
    assert found(done, "warning") == [("identity-mismatch", "uuid", 1)], done.out


@pytest.mark.parametrize("version", [1, 1.0, "1.0"])
def test_a_version_is_read_as_a_number_too(
    run: Run, bakery: str, tmp_path: Path, version: Any
) -> None:
    whole = of("products", RECORD, view_version=version)
    assert handed_in(run, bakery, tmp_path / "v.json", whole).code == 0
    newer = of("products", RECORD, view_version=3)
    assert codes(handed_in(run, bakery, tmp_path / "v.json", newer).json) >= {"version-too-new"}


@pytest.mark.parametrize("layout", [indented, json.dumps])
def test_a_header_counts_behind_the_records_too(
    run: Run, bakery: str, tmp_path: Path, layout: Any
) -> None:
    whole = document(export(run, bakery, "products", tmp_path / "v.json"))
    for record in whole["records"]:
        del record["_rev"]
    sql(bakery, "UPDATE products SET brand = 'new', updated_at = '2099-01-01 00:00' WHERE id = 1")
    done = handed_in(run, bakery, tmp_path / "v.json", layout(behind(whole)))
    assert (done.code, done.json["summary"]["conflicts"]) == (1, 1)
    newer = behind({**whole, "view_version": "3.0"})
    done = handed_in(run, bakery, tmp_path / "v.json", layout(newer))
    assert codes(done.json) >= {"version-too-new"}


def test_records_of_no_view_are_told_which_views_their_fields_fit(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    for header in ({}, {"view_version": "1.0"}):
        whole = {**header, "records": [{"product_slug": SLUG, "notes": "x"}]}
        done = handed_in(run, bakery, tmp_path / "v.json", whole)
        assert done.code == 1
        assert "fit the views inventory, products" in messages(done)


def test_signs_that_look_like_digits_are_no_numbers(run: Run, sample: Path, tmp_path: Path) -> None:
    signs = ["²³", "①", "³²E1", "½¼"]
    with edited(export(run, sample, "products", tmp_path / "v.json", "--limit", "4")) as records:
        for record, sign in zip(records, signs, strict=True):
            record["package_unit_quantity"] = sign
    done = run("-d", sample, "import-view", tmp_path / "v.json", "--json")
    assert [code for code, *_ in found(done)] == ["bad-value"] * len(signs), done.out


@pytest.mark.parametrize("form", ["entity", "view"])
def test_unknown_references_are_told_beside_bad_values(
    run: Run, bakery: str, tmp_path: Path, form: str
) -> None:
    record = {"product_slug": "nothing", "supplier_name": "Nobody", **PURCHASE}
    record["purchase_date"] = "soon"
    header = {"entity_type": "purchases"} if form == "entity" else {"view_name": "purchases"}
    (tmp_path / "f.json").write_text(json.dumps({**header, "records": [record]}), "utf-8")
    done = run("-d", bakery, "import", tmp_path / "f.json", "--json")
    fields = sorted(p["field"] for p in done.json["problems"] if p["severity"] == "error")
    assert fields == ["product_slug", "purchase_date", "supplier_name"]
    with edited(export(run, bakery, "purchases", tmp_path / "v.json", "--limit", "2")) as records:
        records[1].update(purchase_date="soon", supplier_name="Nobody")
    done = run("-d", bakery, "import", tmp_path / "v.json", "--json")
    fields = sorted(p["field"] for p in done.json["problems"] if p["severity"] == "error")
    assert fields == ["purchase_date", "supplier_name"]
    assert done.json["summary"]["errors"] == 1
    assert [question["kind"] for question in done.json["questions"]] == ["reference", "value"]


def test_what_a_message_says_to_write_is_right(run: Run, sample: Path, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    bought = {"product_slug": "lemons_1each", "purchase_date": "2026-01-02"}
    bought |= {"unit_price": 3, "quantity_purchased": 1}
    two_names = {**bought, "supplier_slug": "costco_waltham_ma", "supplier_name": "Nobody"}
    done = handed_in(run, sample, path, of("purchases", two_names))
    (problem,) = [p for p in done.json["problems"] if p["severity"] == "error"]
    assert (problem["field"], problem["value"]) == ("supplier_name", "Nobody")
    assert 'while supplier_slug "costco_waltham_ma" is there: leave one' in problem["message"]
    fix = {"field": "supplier_slug", "value": "costco_waltham_ma", "instead_of": "supplier_name"}
    assert problem["fix"] == fix
    done = handed_in(run, sample, path, of("products", {**RECORD, "upc_code": float(CODE)}))
    (problem,) = [p for p in done.json["problems"] if p["severity"] == "error"]
    assert problem["fix"] == {"field": "upc_code", "value": CODE}
    done = handed_in(run, sample, path, of("products", {"product": "Caraibe", "upc_code": CODE}))
    assert "product_slug" in {p["field"] for p in done.json["problems"]}
    assert "product_id" not in messages(done)
    assert "did you mean products?" in messages(handed_in(run, sample, path, of("product")))
