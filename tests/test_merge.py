"""Edited views meet a database that went on living: no edit of either side is lost unsaid, and
nothing is written by mistake.
"""

from __future__ import annotations

import json
import re
import sqlite3
import tempfile
import unicodedata
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.commands import Run, export
from support.databases import rows_of, rows_without, sql
from support.files import Records, document, edit
from support.reports import counts, found, refused

from bakeio_core import Bakeio, ImportRefused, connect
from bakeio_core.database.connect import begin_read, begin_write


def upc(number: int) -> str:
    """Return a valid UPC-A made of a number."""
    digits = [int(digit) for digit in f"{number:011}"]
    return f"{number:011}{-(sum(digits[::2]) * 3 + sum(digits[1::2])) % 10}"


def set_(place: int, **values: Any) -> Callable[[Records], None]:
    """Return an edit of one record of a file."""
    return lambda records: records[place].update(values)


@pytest.fixture
def view(run: Run, sample: Path, tmp_path: Path) -> Path:
    """The products view of the sample bakery."""
    return export(run, sample, "products", tmp_path / "view.json")


@pytest.fixture
def purchases(run: Run, sample: Path, tmp_path: Path) -> Path:
    return export(run, sample, "purchases", tmp_path / "purchases.json")


@pytest.mark.parametrize("kind", ["sample", "real"])
def test_thirty_barcodes_change_thirty_barcodes(
    run: Run,
    new_database: Callable[[], str],
    tmp_path: Path,
    kind: str,
    request: pytest.FixtureRequest,
) -> None:
    url = new_database()
    if kind == "real":
        run(
            "-d",
            url,
            "import-complete",
            request.getfixturevalue("real_data") / "bake-tracker-normalized",
        )
    else:
        run("-d", url, "init", "--sample")
    path, before = (
        export(run, url, "products", tmp_path / "view.json"),
        rows_without(url, "updated_at"),
    )
    records = document(path)["records"]
    new = {
        record["product_id"]: upc(73_000_000 + place)
        for place, record in enumerate(records[5:65:2])
    }
    edit(
        path,
        lambda records: [
            r | {"upc_code": new.get(r["product_id"], r["upc_code"])} for r in records
        ],
    )
    done = run("-d", url, "import-view", path, "--json")
    assert done.code == 0
    assert counts(done) == {
        "processed": len(records),
        "updated": 30,
        "unchanged": len(records) - 30,
    }
    for row in before["products"]:
        row["upc_code"] = new.get(row["id"], row["upc_code"])
    assert rows_without(url, "updated_at") == before


# -- both sides changed


def test_an_update_on_either_side_is_kept_and_one_on_both_is_a_conflict(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path, code = export(run, bakery, "products", tmp_path / "view.json"), upc(1)
    sql(
        bakery,
        "UPDATE products SET brand = 'Theirs' WHERE id = 1",
        "UPDATE products SET notes = 'their note' WHERE id = 2",
    )
    edit(
        path,
        lambda records: [
            records[0] | {"upc_code": code},
            records[1] | {"notes": "my note"},
            *records[2:],
        ],
    )
    before = rows_of(bakery)
    shown = run("-d", bakery, "import-view", path)
    assert shown.code == 1
    assert rows_of(bakery) == before
    assert f'-> "{code}"' in shown.out and "brand" not in shown.out
    assert 'notes: database "their note", file "my note"' in shown.out
    done = run("-d", bakery, "import-view", path, "--json")
    assert counts(done) == {"processed": 81, "updated": 1, "unchanged": 79, "conflicts": 1}
    assert [(p["code"], p["record"], p["field"], p["value"]) for p in done.json["problems"]] == [
        ("conflict", 2, "notes", "my note")
    ]
    query = "SELECT brand, upc_code, notes FROM products WHERE id < 3 ORDER BY id"
    old = sql(bakery, query)
    kept = run("-d", bakery, "import-view", path, "--on-conflict", "keep-db", "--json")
    assert kept.code == 0
    assert counts(kept) == {"processed": 81, "updated": 1, "unchanged": 80}
    assert sql(bakery, query) == [("Theirs", code, old[0][2]), (*old[1][:2], "their note")]
    taken = run("-d", bakery, "import-view", path, "--on-conflict", "take-file", "--json")
    assert taken.code == 0
    assert counts(taken) == {"processed": 81, "updated": 1, "unchanged": 80}
    assert sql(bakery, query) == [("Theirs", code, old[0][2]), (*old[1][:2], "my note")]


VALUES: dict[str, list[Any]] = {
    "brand": ["a", "b", None],
    "notes": ["a", "b", "é", None],
    "package_unit_quantity": [1, 2.5, 3],
}
cells = st.sampled_from(list(VALUES)).flatmap(
    lambda name: st.tuples(st.integers(1, 3), st.just(name), st.sampled_from(VALUES[name]))
)
steps = st.lists(
    st.tuples(st.sampled_from(["database", "file"]), cells) | st.just(("import", None)), max_size=14
)


@settings(max_examples=12, deadline=None)
@given(steps=steps, policy=st.sampled_from(["fail", "keep-db", "take-file"]))
def test_no_edit_of_either_side_is_ever_lost_unsaid(
    core: Bakeio, sample_database: Path, steps: list[Any], policy: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "bakery.db")
        copy.write_bytes(sample_database.read_bytes())
        engine, path = connect(copy), Path(folder, "view.json")
        with begin_read(engine) as db:
            core.export_view(db, core.view("products").narrow(limit=3), path)
        base = {
            (r["product_id"], name): r[name] for r in document(path)["records"] for name in VALUES
        }
        there, file, own = dict(base), dict(base), dict[Any, Any]()
        with closing(sqlite3.connect(copy, isolation_level=None)) as other:
            for kind, cell in [*steps, ("import", None)]:
                if kind == "database":
                    there[cell[:2]] = cell[2]
                    other.execute(
                        f"UPDATE products SET {cell[1]} = ? WHERE id = ?", (cell[2], cell[0])
                    )
                elif kind == "file":
                    file[cell[:2]] = cell[2]
                    edit(path, set_(cell[0] - 1, **{cell[1]: cell[2]}))
                else:
                    there = _imported(core, engine, path, policy, base, there, file, own)
                    now = other.execute(
                        f"SELECT id, {', '.join(VALUES)} FROM products WHERE id < 4"
                    ).fetchall()
                    assert {
                        (row[0], name): value
                        for row in now
                        for name, value in zip(VALUES, row[1:], strict=True)
                    } == there
        engine.dispose()


def _imported(
    core: Bakeio,
    engine: Any,
    path: Path,
    policy: str,
    base: Any,
    there: Any,
    file: Any,
    own: dict[Any, Any],
) -> Any:
    """Import, look whether the report says what it must, and return what the database must hold
    now.
    """
    mine = {cell for cell, value in own.items() if there[cell] == value}
    edits = {
        cell
        for cell in base
        if file[cell] not in (None, there[cell]) and (file[cell] != base[cell] or cell in mine)
    }
    clashes = {
        cell
        for cell in edits
        if there[cell] != base[cell] and (cell not in own or own[cell] != there[cell])
    }
    applied = edits - clashes if policy != "take-file" else edits
    try:
        with begin_write(engine) as db:
            report = core.import_(db, path, on_conflict=policy)
        assert not (clashes and policy == "fail")
    except ImportRefused as refusal:
        report = refusal.report
        assert (
            clashes
            and policy == "fail"
            and report.summary["conflicts"] == len({cell[0] for cell in clashes})
        )
    said = {
        (record, p.field)
        for p in report.problems
        if p.code == "conflict"
        for record in p.records or [p.record]
    }
    assert said == clashes if policy == "fail" else said >= (clashes - applied), (
        "a file's edit that is not taken is named"
    )
    nulls = [
        cell
        for cell in base
        if file[cell] is None
        and there[cell] is not None
        and (base[cell] is not None or cell in mine)
    ]
    assert report.summary["nulls_kept"] == len(nulls)
    if report.refused:
        return there
    shown = {
        (c.id, n): (c.old[n], v)
        for c in report.changes
        if c.action == "update"
        for n, v in c.new.items()
        if n != "updated_at"
    }
    assert shown == {cell: (there[cell], file[cell]) for cell in applied}, (
        "what is overwritten is shown with what it was"
    )
    own.update({cell: file[cell] for cell in applied})
    return there | {cell: file[cell] for cell in applied}


def test_the_same_cell_corrected_in_the_same_file_is_no_conflict(
    run: Run, sample: Path, view: Path
) -> None:
    for value in ("first", "second", "third"):
        done = run("-d", sample, "import-view", edit(view, set_(3, notes=value)), "--json")
        assert done.code == 0
        assert done.json["summary"]["updated"] == 1
        assert found(done) == []
    sql(sample, "UPDATE products SET notes = 'theirs' WHERE id = 4")
    assert refused(run, sample, edit(view, set_(3, notes="fourth"))) == [("conflict", "notes", 1)]


@pytest.mark.parametrize("others", [0, 3], ids=["restored", "beside other rows"])
def test_a_view_finds_the_same_rows_in_a_restored_copy(
    run: Run,
    sample: Path,
    view: Path,
    sample_set: Path,
    new_database: Callable[[], str],
    others: int,
) -> None:
    url = new_database()
    run("-d", url, "init")
    stamp = "'2026-01-01 00:00:00', '2026-01-01 00:00:00'"
    for n in range(1, others + 1):
        sql(
            url,
            "INSERT INTO ingredients (id, uuid, slug, display_name, category, "
            "created_at, updated_at) "
            f"VALUES ({n}, 'i{n}', 'i{n}', 'I{n}', 'C', {stamp})",
            "INSERT INTO products (id, uuid, slug, ingredient_id, package_unit, "
            "package_unit_quantity, is_hidden, created_at, updated_at) "
            f"VALUES ({n}, 'p{n}', 'p{n}', {n}, 'g', 1, false, {stamp})",
        )
    assert run("-d", url, "import-complete", sample_set).code == 0
    edit(view, lambda records: [r | {"notes": f"of {r['product_slug']}"} for r in records])
    done = run("-d", url, "import-view", view, "--json")
    assert done.code == 0, done.out
    assert counts(done) == {"processed": 81, "updated": 81}, done.out
    assert sql(url, "SELECT count(*) FROM products WHERE notes = 'of ' || slug") == [(81,)]
    gone = sql(
        url, "SELECT id FROM products WHERE slug = 'gold_medal_hotel_restaurant_flour_50lb'"
    )[0][0]
    sql(
        url,
        f"DELETE FROM inventory_items WHERE product_id = {gone}",
        f"DELETE FROM purchases WHERE product_id = {gone}",
        f"DELETE FROM products WHERE id = {gone}",
    )
    assert refused(run, url, edit(view, set_(0, notes="again"))) == [("unknown-row", None, 1)]


def test_a_view_of_another_bakery_finds_nothing_there(
    run: Run, view: Path, new_database: Callable[[], str], real_data: Path
) -> None:
    url = new_database()
    run("-d", url, "import-complete", real_data / "bake-tracker-normalized")
    codes = refused(run, url, view)
    assert {code for code, _, _ in codes} == {"unknown-row"} and sum(
        count for _, _, count in codes
    ) == 81


# -- tampering


def without_supplier(records: Records) -> dict[str, Any]:
    return next(record for record in records if record["preferred_supplier_name"] is None)


WRONG: dict[str, tuple[Callable[[Records], Any], set[tuple[str, str | None]]]] = {
    "slug": (set_(0, product_slug="another"), {("tampered-context", "product_slug")}),
    "slug of another": (lambda r: r[0].update(product_slug=r[1]["product_slug"]),
                        {("tampered-context", "product_slug")}),
    "ingredient": (lambda r: r[0].update(ingredient_slug=r[4]["ingredient_slug"]),
                   {("tampered-context", "ingredient_slug")}),
    "ingredient emptied": (set_(0, ingredient_slug=""),
                           {("tampered-context", "ingredient_slug")}),
    "supplier": (set_(0, preferred_supplier_name="Wegmans"),
                 {("tampered-context", "preferred_supplier_name")}),
    "supplier, where there was none": (
        lambda r: without_supplier(r).update(preferred_supplier_name="Wegmans"),
        {("tampered-context", "preferred_supplier_name")}),
    "supplier added by its slug": (lambda r: without_supplier(r).update(supplier_slug="wegmans"),
                                   {("tampered-context", "supplier_slug")}),
    "ids swapped": (lambda r: [r[0].update(product_id=2), r[1].update(product_id=1)],
                    {("identity-mismatch", None)}),
    "_rev of another": (lambda r: r[0].update(_rev=r[1]["_rev"]), {("identity-mismatch", None)}),
    "_rev damaged": (lambda r: r[0].update(_rev=r[0]["_rev"][:-5]), {("bad-value", None)}),
    "_rev nonsense": (set_(0, _rev="lost"), {("bad-value", None)}),
    "twice, differently": (lambda r: [*r, r[0] | {"notes": "second"}], {("duplicate-key", None)}),
    "twice, first changed": (lambda r: [r[0] | {"notes": "first"}, *r], {("duplicate-key", None)}),
    "invented": (lambda r: [*r, {"product_slug": "new", "brand": "B"}],
                 {("missing-field", "product_slug")}),
    "invented id": (lambda r: [*r, r[0] | {"product_id": 999, "product_slug": "new", "_rev": None}],
                    {("unknown-row", None)}),
    "barcode as number": (set_(0, upc_code=11960233), {("bad-value", "upc_code")}),
    "misspelt": (lambda r: r[0].update(upc_cod=r[0].pop("upc_code")),
                 {("unknown-field", "upc_cod")}),
    "no _rev, ingredient": (lambda r: r[0].update(_rev=None, ingredient_slug="salt"),
                            {("tampered-context", "ingredient_slug")}),
    "no _rev, slug": (lambda r: r[0].update(_rev=None, product_slug=r[1]["product_slug"]),
                      {("identity-mismatch", None)}),
    "zero quantity": (set_(0, package_unit_quantity=0), {("bad-value", "package_unit_quantity")}),
    "clears what is required": (set_(0, _clear=["package_unit"]), {("bad-value", "_clear")}),
    "clears what it gives": (set_(0, _clear=["notes"], notes="x"), {("bad-value", "notes")}),
    "clears what it gives, without _rev": (
        set_(0, _clear="notes", notes="x", _rev=None),
        {("bad-value", "notes")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_what_tampers_with_a_record_is_refused_by_name(
    run: Run, sample: Path, view: Path, kind: str
) -> None:
    change, expected = WRONG[kind]
    edit(
        view,
        lambda records: (
            change(records)
            if kind.startswith("twice") or kind.startswith("invented")
            else (change(records), None)[1]
        ),
    )
    assert {(code, field) for code, field, _ in refused(run, sample, view)} == expected
    if kind == "misspelt":
        assert 'did you mean \\"upc_code\\"' in run("-d", sample, "import-view", view, "--json").out


HARMLESS: dict[str, Callable[[Records], Any]] = {
    "computed context": set_(
        1, last_purchase_price=0.01, current_inventory_qty=9, ingredient_category="X"
    ),
    "hidden, twenty times": lambda r: [record.update(is_hidden=True) for record in r[:20]],
    "dropped": lambda r: r.pop(1),
    "twice the same": lambda r: r.append(dict(r[1])),
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_a_view_may_not_write_is_not_written(
    run: Run, sample: Path, view: Path, kind: str
) -> None:
    edit(view, lambda records: (HARMLESS[kind](records), records[0].update(notes="mine"))[1])
    whole = document(view)
    whole["documentation"]["editable_fields"] += [
        "is_hidden",
        "product_slug",
        "last_purchase_price",
        "ingredient_category",
    ]
    view.write_text(json.dumps(whole), "utf-8")
    before = rows_without(sample, "updated_at")
    done = run("-d", sample, "import-view", view, "--json")
    total = len(whole["records"])
    assert done.code == 0, done.out
    assert counts(done) == {"processed": total, "updated": 1, "unchanged": total - 1}, done.out
    before["products"][0]["notes"] = "mine"
    assert rows_without(sample, "updated_at") == before
    warnings = {
        "hidden, twenty times": [("unknown-field", "is_hidden", 20)],
        "twice the same": [("duplicate-key", None, 2)],
    }
    assert found(done, "warning") == warnings.get(kind, [])


@pytest.mark.parametrize("rev", [None, "AAAA" + "A" * 60], ids=["without", "of other fields"])
def test_a_record_without_its_rev_is_compared_with_the_row_as_it_is_and_that_is_said(
    run: Run, sample: Path, view: Path, rev: str | None
) -> None:
    sql(sample, "UPDATE products SET brand = 'Theirs' WHERE id = 1")
    edit(view, lambda records: [records[0] | {"_rev": rev, "notes": "mine"}, *records[1:]])
    done = run("-d", sample, "import-view", view, "--json")
    assert done.code == 0
    assert done.json["summary"]["updated"] == 1
    assert [p["severity"] for p in done.json["problems"] if "_rev" in p["message"]] == ["note"]
    assert sql(sample, "SELECT brand, notes FROM products WHERE id = 1") == [
        ("King Arthur", "mine")
    ]


# -- new purchases


def bought(record: dict[str, Any], **values: Any) -> dict[str, Any]:
    names = ("product_slug", "supplier_name", "unit_price")
    return (
        {name: record[name] for name in names}
        | {"purchase_date": "2026-07-01", "quantity_purchased": 2}
        | values
    )


def test_new_purchases_are_added_once_unless_duplicates_are_allowed(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    path = export(run, bakery, "purchases", tmp_path / "view.json")
    edit(path, lambda r: [*r, bought(r[0], notes="one"), bought(r[0], notes="two"), bought(r[1])])
    done = run("-d", bakery, "import-view", path, "--json")
    assert done.code == 0, done.out
    assert counts(done) == {"processed": 403, "created": 3, "unchanged": 400}, done.out
    new = sql(
        bakery,
        "SELECT id, product_id, supplier_id, quantity_purchased, notes, uuid FROM purchases "
        "WHERE id > 400 ORDER BY id",
    )
    assert [row[0] for row in new] == [401, 402, 403] and [row[4] for row in new] == [
        "one",
        "two",
        None,
    ]
    assert len({row[5] for row in new}) == 3 and {len(row[5]) for row in new} == {36}
    assert (
        sql(bakery, "SELECT product_id, supplier_id FROM purchases WHERE id IN (1, 401, 402)")
        == [tuple(new[0][1:3])] * 3
    )
    again = run("-d", bakery, "import-view", path, "--json")
    assert again.code == 0
    assert counts(again) == {"processed": 403, "unchanged": 403}
    assert [note for note in found(again, "note") if note[0] == "duplicate-key"] == [
        ("duplicate-key", None, 3)
    ]
    allowed = run("-d", bakery, "import-view", path, "--allow-duplicates", "--json")
    assert counts(allowed) == {"processed": 403, "created": 3, "unchanged": 400}
    assert sql(bakery, "SELECT count(*) FROM purchases") == [(406,)]


def test_an_unknown_supplier_is_listed_once(run: Run, sample: Path, purchases: Path) -> None:
    edit(
        purchases,
        lambda r: [
            r[0] | {"supplier_name": "Wilson's Farm"},
            *r[1:],
            *[bought(r[n], supplier_name="Wilson's Farm") for n in (1, 2)],
        ],
    )
    assert refused(run, sample, purchases) == [("missing-reference", "supplier_name", 3)]


def test_another_supplier_links_the_purchase_to_it(run: Run, sample: Path, purchases: Path) -> None:
    before = rows_without(sample, "updated_at")
    done = run(
        "-d", sample, "import-view", edit(purchases, set_(0, supplier_name="Wegmans")), "--json"
    )
    assert done.code == 0
    assert done.json["summary"]["updated"] == 1
    before["purchases"][0]["supplier_id"] = 2
    assert rows_without(sample, "updated_at") == before


def test_two_suppliers_of_one_name_trouble_only_who_asks_for_that_name(
    run: Run, sample: Path, purchases: Path
) -> None:
    sql(
        sample,
        "INSERT INTO suppliers (uuid, slug, name, created_at, updated_at) "
        "SELECT 'x', 'other', name, created_at, updated_at FROM suppliers WHERE id = 1",
        "UPDATE suppliers SET name = 'Wegmans Market' WHERE id = 2",
    )
    other = next(
        place
        for place, record in enumerate(document(purchases)["records"])
        if record["supplier_name"] == "Penzeys Spices"
    )
    done = run("-d", sample, "import-view", edit(purchases, set_(0, notes="of Costco")), "--json")
    assert done.code == 0, done.out
    assert counts(done) == {"processed": 400, "updated": 1, "unchanged": 399}, done.out
    assert refused(run, sample, edit(purchases, set_(other, supplier_name="Costco"))) == [
        ("ambiguous-key", "supplier_name", 1)
    ]


# -- values


def test_nulls_keep_unless_told_and_required_values_never_go(
    run: Run, sample: Path, view: Path
) -> None:
    sql(sample, "UPDATE products SET notes = 'old', brand = 'old' WHERE id < 4")
    export(run, sample, "products", view, "--force")
    nothing = {"notes": None, "package_unit": None}
    edit(
        view,
        lambda r: [
            r[0] | nothing,
            r[1] | {"notes": None, "_clear": ["notes"]},
            r[2] | {"brand": "", "_clear": []},
            *r[3:],
        ],
    )
    query = "SELECT brand, notes, package_unit IS NULL FROM products WHERE id < 4 ORDER BY id"
    done = run("-d", sample, "import-view", view, "--json")
    assert done.code == 0
    assert done.json["summary"]["nulls_kept"] == 2
    assert done.json["summary"]["updated"] == 2
    assert sql(sample, query) == [("old", "old", 0), ("old", None, 0), (None, "old", 0)]
    done = run("-d", sample, "import-view", view, "--nulls", "clear", "--json")
    assert done.code == 0
    assert done.json["summary"]["nulls_kept"] == 1
    assert done.json["summary"]["updated"] == 1
    assert sql(sample, query)[0] == ("old", None, 0)
    assert refused(run, sample, edit(view, set_(5, package_unit=""))) == [
        ("bad-value", "package_unit", 1)
    ]


def test_text_is_composed_where_it_was_changed_and_left_alone_elsewhere(
    run: Run, sample: Path, view: Path
) -> None:
    apart = unicodedata.normalize("NFD", "Crème fraîche")
    engine = connect(sample)
    with engine.begin() as db:
        db.exec_driver_sql("UPDATE products SET notes = ? WHERE id < 3", (apart,))
    engine.dispose()
    export(run, sample, "products", view, "--force")
    done = run("-d", sample, "import-view", edit(view, set_(0, brand=apart)), "--json")
    assert counts(done)["updated"] == 1
    composed = unicodedata.normalize("NFC", apart)
    query = "SELECT brand = 'King Arthur', brand, notes FROM products WHERE id < 3 ORDER BY id"
    assert sql(sample, query) == [
        (0, composed, apart), (1, "King Arthur", apart),
    ]  # fmt: skip


def test_invented_barcodes_are_refused_lost_zeros_put_back_and_old_oddities_left_alone(
    run: Run, sample: Path, view: Path
) -> None:
    sql(sample, "UPDATE products SET upc_code = '123456789013' WHERE id = 3")
    export(run, sample, "products", view, "--force")
    good = upc(4_815_162_342)
    assert good[0] == "0"
    edit(view, set_(1, upc_code=good[1:]))
    done = run(
        "-d", sample, "import-view", edit(view, set_(2, notes="its barcode is odd")), "--json"
    )
    assert done.code == 0
    assert done.json["summary"]["updated"] == 2
    assert found(done, "note") == [("check", "upc_code", 1)]
    assert sql(sample, "SELECT upc_code FROM products WHERE id IN (2, 3) ORDER BY id") == [
        (good,),
        ("123456789013",),
    ]
    again = run("-d", sample, "import-view", view, "--json")
    assert again.code == 0, "the repaired value is not an edit again"
    assert again.json["summary"]["updated"] == 0, "the repaired value is not an edit again"
    edit(edit(view, set_(1, upc_code=good)), set_(0, upc_code="012345678901"))
    assert refused(run, sample, view) == [("check", "upc_code", 1)]
    assert (
        counts(run("-d", sample, "import-view", view, "--allow", "upc_code", "--json"))["updated"]
        == 1
    )
    assert sql(sample, "SELECT upc_code FROM products WHERE id = 1") == [("012345678901",)]


def test_modes_the_journal_and_doing_without_it(run: Run, sample: Path, tmp_path: Path) -> None:
    def change(records: Records) -> None:
        new = {
            name: records[1][name]
            for name in ("product_slug", "supplier_name", "purchase_date", "unit_price")
        }
        records[0]["notes"] = "mine"
        records.append(new | {"quantity_purchased": 999})

    path = edit(export(run, sample, "purchases", tmp_path / "view.json"), change)
    expected = {
        "update-only": {"processed": 401, "updated": 1, "unchanged": 399, "skipped": 1},
        "skip-existing": {"processed": 401, "created": 1, "skipped": 400},
        "merge": {"processed": 401, "created": 1, "updated": 1, "unchanged": 399},
    }
    for mode, wanted in expected.items():
        done = run("-d", sample, "import-view", path, "--mode", mode, "--dry-run", "--json")
        assert done.code == 0, mode
        assert counts(done) == wanted, mode
    assert len(run("-d", sample, "runs", "--json").json["runs"]) == 1
    assert (
        run(
            "-d", sample, "import-view", path, "--no-journal", "--mode", "skip-existing", "--json"
        ).json["run"]
        is None
    )
    assert len(run("-d", sample, "runs", "--json").json["runs"]) == 1
    assert sql(sample, "SELECT count(*) FROM bakeio_changes") == [(0,)]
    done = run("-d", sample, "import-view", path, "--json")
    latest = run("-d", sample, "runs", "--json").json["runs"][0]
    assert latest["id"] == done.json["run"]
    assert latest["source"] == "view.json"
    assert latest["counts"]["updated"] == 1
    assert latest["export_id"] == document(path)["export_id"]
    assert "1 updated" in run("-d", sample, "runs").out


# -- quickly or with care

EDITS: dict[str, list[Any]] = {
    "brand": ["a", "é", "e\u0301", "", None], "notes": ["a", None, "two\nlines"],
    "package_size": [1, 2.5, 1e3, None, 1.2345],
    "package_unit_quantity": [1, 2.5, None], "upc_code": [upc(7), "012345678901", upc(5)[1:], None],
    "product_slug": ["nowhere", None],
    "ingredient_name": ["Nothing"], "preferred_supplier_name": [None, "Costco"],
    "product_id": [1, 2, 999, None], "_rev": [None, "broken"],
}  # fmt: skip
STORED = {
    "brand": ["a", "b"],
    "notes": ["a", None],
    "package_size": [1, 2.5],
    "upc_code": [upc(7)],
    "preferred_supplier_id": [1, None],
}
several = st.sampled_from(list(EDITS)).flatmap(
    lambda name: st.tuples(st.integers(0, 4), st.just(name), st.sampled_from(EDITS[name]))
)
stored = st.sampled_from(list(STORED)).flatmap(
    lambda name: st.tuples(st.integers(1, 5), st.just(name), st.sampled_from(STORED[name]))
)
whose = st.sampled_from(["own", "of another", "of nobody"])


def imported(core: Bakeio, database: Path, path: Path, **options: Any) -> Any:
    """Plan a file, then import it; return all that was said and done."""
    engine = connect(database)
    with begin_read(engine) as db:
        plan = core.plan(db, path, skip_errors=True, **options).report
    try:
        with begin_write(engine) as db:
            done = core.import_(db, path, skip_errors=True, **options)
    except ImportRefused as refused:
        assert refused.report is not None
        done = refused.report
    engine.dispose()
    assert plan.summary == done.summary
    assert len(plan.problems) == len(done.problems)
    kept = [c for c in done.changes if c.new]
    made = ("uuid", "created_at", "updated_at")
    changes = sorted(
        [
            c.record,
            c.id,
            c.action,
            repr({k: v for k, v in c.new.items() if k not in made}),
            repr(c.old),
        ]
        for c in kept
    )
    rows = [
        {column: value for column, value in row.items() if column not in made}
        for row in rows_without(database, "updated_at")["products"]
    ]
    with closing(sqlite3.connect(database)) as db:
        journal = sorted(
            db.execute('SELECT entity, "row", field, old, new, record FROM bakeio_changes')
        )
    return done.summary, sorted(map(str, done.problems)), changes, journal, rows


@settings(max_examples=10, deadline=None)
@given(
    edits=st.lists(several, max_size=6),
    there=st.lists(stored, max_size=3),
    twice=st.none() | st.integers(0, 4),
    rev=st.booleans(),
    whose=whose,
    options=st.sampled_from(
        [{}, {"on_conflict": "take-file"}, {"nulls": "clear"}, {"mode": "skip-existing"}]
    ),
)
@example(  # a code that goes from one row to another
    edits=[(0, "upc_code", "000000000079")],
    there=[(3, "upc_code", "000000000079")],
    twice=None,
    rev=False,
    whose="own",
    options={"nulls": "clear"},
)
def test_a_file_is_planned_and_written_alike_in_any_layout_read_quickly_or_with_care(
    core: Bakeio,
    sample_database: Path,
    edits: list[Any],
    there: list[Any],
    twice: int | None,
    rev: bool,
    whose: str,
    options: Any,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        outcomes = []
        engine = connect(sample_database)
        with begin_read(engine) as db:
            core.export_view(db, core.view("products").narrow(limit=5), Path(folder, "export.json"))
        engine.dispose()
        whole = document(Path(folder, "export.json"))
        records = whole.pop("records")
        for place, name, value in edits:
            records[place][name] = value
        records += [] if twice is None else [dict(records[twice])]
        records = (
            records
            if rev
            else [
                {name: value for name, value in record.items() if name != "_rev"}
                for record in records
            ]
        )
        whole["database_id"] = {
            "own": whole["database_id"],
            "of another": "another",
            "of nobody": None,
        }[whose]
        header = json.dumps(whole, ensure_ascii=False, indent=2)[:-2]
        lines = ",\n".join(
            json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records
        )
        for layout in (
            f'{header},\n  "records": [\n{lines}\n  ]\n}}\n',
            json.dumps(whole | {"records": records}, ensure_ascii=False, indent=1),
            json.dumps(
                {"records": records} | whole, ensure_ascii=False
            ),  # read with care, for want of a header in front
        ):
            home = Path(tempfile.mkdtemp(dir=folder))
            (home / "view.json").write_text(layout, "utf-8")
            (home / "bakery.db").write_bytes(sample_database.read_bytes())
            with closing(sqlite3.connect(home / "bakery.db", isolation_level=None)) as other:
                for identity, column, value in there:
                    other.execute(
                        f"UPDATE products SET {column} = ? WHERE id = ?", (value, identity)
                    )
            outcomes.append(imported(core, home / "bakery.db", home / "view.json", **options))
        assert outcomes[0] == outcomes[1] == outcomes[2]


def test_a_whole_number_edited_again_in_the_same_file_is_no_conflict(
    core: Bakeio, sample_database: Path, tmp_path: Path
) -> None:
    copy, path = tmp_path / "bakery.db", tmp_path / "view.json"
    copy.write_bytes(sample_database.read_bytes())
    engine = connect(copy)
    with begin_read(engine) as db:
        core.export_view(db, core.view("products").narrow(limit=3), path)
    plain = path.read_text("utf-8")
    for size in ("7", "8"):
        path.write_text(re.sub(r'"package_size":[^,]+', f'"package_size":{size}', plain), "utf-8")
        with begin_write(engine) as db:
            assert core.import_(db, path).summary["updated"] == 3
    with begin_read(engine) as db:
        assert {tuple(row) for row in db.exec_driver_sql("SELECT new FROM bakeio_changes")} == {
            ("7",),
            ("8",),
        }
    engine.dispose()


def test_an_unedited_record_that_stands_twice_is_taken_once(
    run: Run, sample: Path, view: Path
) -> None:
    head, first, rest = re.split(
        r"(?<=\"records\": \[\n)(.*,\n)", view.read_text("utf-8"), maxsplit=1
    )
    view.write_text(head + first + first + rest, "utf-8")
    done = run("-d", sample, "import-view", view, "--json")
    assert done.code == 0
    assert found(done) == []
    assert found(done, "warning") == [("duplicate-key", None, 2)]
