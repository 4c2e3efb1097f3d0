"""Undo: an import goes back as it came, what was changed since survives and is named, and nothing
else moves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import JSON, Column, Integer, MetaData, Numeric, String, Table, text
from support.commands import Run, export
from support.databases import exact_rows, exact_rows_of, rows_of, sql
from support.files import Records, edit
from support.terminal import on_terminal

from bakeio_core import Bakeio, BakeioError, Entity, connect, hookimpl
from bakeio_core.database.connect import begin_read, begin_write


def edited(run: Run, url: str | Path, path: Path, change: Callable[[Records], None]) -> Path:
    """The view of products, edited."""
    return edit(export(run, url, "products", path, "--force"), change, layout=json.dumps)


def test_an_import_of_a_whole_set_is_taken_back_to_the_last_row(
    run: Run, new_database: Any, sample_set: Path
) -> None:
    url = new_database()
    run("-d", url, "init")
    before = exact_rows_of(url)
    assert run("-d", url, "import-complete", sample_set).code == 0
    filled = exact_rows_of(url)
    done = run("-d", url, "undo", "--yes", "--json")
    assert done.code == 0
    assert done.json["summary"]["deleted"] == 776
    assert done.json["mode"] == "undo"
    assert exact_rows_of(url) == before
    again = run("-d", url, "undo", str(done.json["run"]), "--json")
    assert again.code == 0
    assert again.json["summary"]["created"] == 776
    assert exact_rows_of(url) == filled


def test_fields_go_back_with_their_stamps_and_undo_of_undo_is_the_import(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    url = bakery

    def change(records: Records) -> None:
        for record in records[:20]:
            record["notes"] = "new"
            record["brand"] = "B"

    before = exact_rows_of(url)
    file = edited(run, url, tmp_path / "v.json", change)
    assert run("-d", url, "import-view", file).code == 0
    imported = exact_rows_of(url)
    dry = run("-d", url, "undo", "--dry-run", "--json")
    assert dry.code == 0
    assert dry.json["summary"]["updated"] == 20
    assert dry.json["run"] is None
    assert exact_rows_of(url) == imported
    done = run("-d", url, "undo", "--json")
    assert done.code == 0
    assert done.json["summary"]["updated"] == 20
    assert exact_rows_of(url) == before
    refused = run("-d", url, "undo", str(done.json["run"] - 1))
    assert refused.code == 1
    assert "undone already" in refused.err
    assert run("-d", url, "undo", str(done.json["run"])).code == 0
    assert exact_rows_of(url) == imported


def test_what_was_changed_since_is_kept_and_named(run: Run, bakery: str, tmp_path: Path) -> None:
    url = bakery

    def change(records: Records) -> None:
        records[0]["notes"] = records[0]["brand"] = "imported"
        records[1]["notes"] = "imported"

    file = edited(run, url, tmp_path / "v.json", change)
    assert run("-d", url, "import-view", file).code == 0
    slug = json.loads(file.read_text("utf-8"))["records"][0]["product_slug"]
    sql(url, f"UPDATE products SET notes = 'mine' WHERE slug = '{slug}'")
    done = run("-d", url, "undo", "--json")
    assert done.code == 3
    problem = next(p for p in done.json["problems"])
    assert (problem["field"], problem["file"], problem["record"]) == ("notes", "v.json", 1)
    assert slug in problem["message"] and "mine" in problem["message"]
    assert sql(url, f"SELECT notes FROM products WHERE slug = '{slug}'") == [("mine",)]
    assert sql(url, f"SELECT brand FROM products WHERE slug = '{slug}'") != [("imported",)]


def test_created_rows_that_others_refer_to_now_are_kept_with_what_they_need(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    url = bakery
    product = "king_arthur_unbleached_all_purpose_flour_5lb"
    records = [{"product_slug": product, "supplier_name": f"Shop {n}",
                "purchase_date": "2025-12-20", "unit_price": n, "quantity_purchased": 1}
               for n in (1, 2)]  # fmt: skip
    file = tmp_path / "v.json"
    file.write_text(json.dumps({"view_name": "purchases", "records": records}), "utf-8")
    assert run("-d", url, "import-view", file, "--auto-create", "suppliers").code == 0
    sql(
        url,
        "UPDATE products SET preferred_supplier_id = (SELECT id FROM suppliers WHERE name = "
        "'Shop 1') WHERE id = 1",
    )
    done = run("-d", url, "undo", "--json")
    assert done.code == 3
    assert done.json["summary"]["deleted"] == 3
    assert done.json["summary"]["skipped"] == 1
    assert "is referred to by products" in done.json["problems"][0]["message"]
    assert sql(url, "SELECT name FROM suppliers WHERE name LIKE 'Shop%'") == [("Shop 1",)]


def test_nothing_to_take_back_is_an_error(run: Run, bakery: str, tmp_path: Path) -> None:
    url = bakery
    assert run("-d", url, "undo", "99").code == 1
    file = edited(
        run, url, tmp_path / "v.json", lambda records: records[0].update(notes="imported")
    )
    assert run("-d", url, "import-view", file).code == 0
    sql(url, "UPDATE products SET notes = 'mine'")
    before = rows_of(url)
    refused = run("-d", url, "undo")
    assert refused.code == 1
    assert "changed since" in refused.err
    assert rows_of(url) == before


def test_why_tells_the_run_the_file_and_the_record(run: Run, bakery: str, tmp_path: Path) -> None:
    url = bakery
    file = edited(
        run, url, tmp_path / "v.json", lambda records: records[2].update(notes="imported")
    )
    assert run("-d", url, "import-view", file).code == 0
    slug = json.loads(file.read_text("utf-8"))["records"][2]["product_slug"]
    found = run("-d", url, "why", "products", slug, "notes", "--json").json["history"]
    last = found[0]
    assert (last["action"], last["file"], last["record"], last["new"]) == (
        "set",
        "v.json",
        3,
        "imported",
    )
    whole = run("-d", url, "why", "products", slug, "--json").json["history"]
    assert [e["action"] for e in whole] == ["set", "create"]
    assert "v.json, record 3" in run("-d", url, "why", "products", slug).out
    assert run("-d", url, "why", "products", "nowhere").code == 2
    assert run("-d", url, "why", "products", slug, "nothing").code == 2


def test_the_journal_can_be_left_out(run: Run, bakery: str, tmp_path: Path) -> None:
    url = bakery
    file = edited(
        run, url, tmp_path / "v.json", lambda records: records[0].update(notes="imported")
    )
    runs = run("-d", url, "runs", "--json").json["runs"]
    assert run("-d", url, "import-view", file, "--no-journal").code == 0
    assert run("-d", url, "runs", "--json").json["runs"] == runs


def test_a_row_with_a_zero_that_had_a_sign_is_as_it_was_created(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    record = {"product_slug": "argo_cornstarch_35oz", "supplier_name": "Wegmans"}
    record |= {"purchase_date": "2025-12-20", "quantity_purchased": 1, "unit_price": -0.0}
    (tmp_path / "v.json").write_text(json.dumps({"view_name": "purchases", "records": [record]}))
    assert run("-d", bakery, "import", tmp_path / "v.json").code == 0
    assert run("-d", bakery, "undo", "--json").json["summary"]["deleted"] == 1


def test_names_that_changed_hands_change_back(run: Run, bakery: str, tmp_path: Path) -> None:
    before = exact_rows_of(bakery)
    assert run("-d", bakery, "export-complete", "-o", tmp_path / "set").code == 0
    file = next((tmp_path / "set").glob("*suppliers.json"))
    document = json.loads(file.read_text("utf-8"))
    first, second = document["records"][:2]
    first["slug"], second["slug"] = second["slug"], first["slug"]
    alone = {key: document[key] for key in ("entity_type", "file_version", "schema")} | {
        "records": [first, second]
    }
    (tmp_path / "suppliers.json").write_text(json.dumps(alone), "utf-8")
    done = run("-d", bakery, "import", tmp_path / "suppliers.json", "--json")
    assert done.code == 0
    assert done.json["summary"]["updated"] == 2
    undone = run("-d", bakery, "undo", "--json")
    assert undone.code == 0
    assert undone.json["problems"] == []
    assert exact_rows_of(bakery) == before


def test_a_name_somebody_else_took_since_is_not_taken_from_them(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    assert run("-d", bakery, "export-complete", "-o", tmp_path / "set").code == 0
    document = json.loads(next((tmp_path / "set").glob("*suppliers.json")).read_text("utf-8"))
    record = document["records"][0]
    old, record["slug"] = record["slug"], "another_name"
    alone = {key: document[key] for key in ("entity_type", "file_version", "schema")} | {
        "records": [record]
    }
    (tmp_path / "suppliers.json").write_text(json.dumps(alone), "utf-8")
    assert run("-d", bakery, "import", tmp_path / "suppliers.json").code == 0
    sql(bakery, f"UPDATE suppliers SET slug = '{old}' WHERE id = {document['records'][1]['id']}")
    before = exact_rows_of(bakery)
    undone = run("-d", bakery, "undo", "--json")
    assert undone.code == 1
    assert "keep" in undone.out or "kept" in undone.out
    assert exact_rows_of(bakery) == before


def test_rows_of_a_plugin_that_is_left_out_are_not_half_taken_back(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    file = edited(
        run, bakery, tmp_path / "v.json", lambda records: records[0].update(notes="imported")
    )
    assert run("-d", bakery, "import-view", file).code == 0
    refused = run("-d", bakery, "--block", "products", "undo")
    assert refused.code == 1
    assert "products" in refused.err
    assert run("-d", bakery, "undo").code == 0


# -- which run goes back, and who was asked
def test_many_rows_are_deleted_only_where_the_run_was_named_or_somebody_said_yes(
    run: Run, bakery: str
) -> None:
    before = exact_rows_of(bakery)
    refused = run("-d", bakery, "undo")
    assert refused.code == 1
    assert "run 1" in refused.err
    assert "delete 776 rows" in refused.err
    assert "bakeio undo 1" in refused.err and "--yes" in refused.err
    as_data = run("-d", bakery, "undo", "--json")
    assert as_data.code == 1
    assert "776 rows" in as_data.json["error"]["message"]
    assert exact_rows_of(bakery) == before
    assert run("-d", bakery, "undo", "--dry-run").code == 0
    assert run("-d", bakery, "undo", "1").code == 0
    assert rows_of(bakery)["products"] == []


def test_on_a_terminal_it_asks_before_many_rows_are_deleted(sample: Path) -> None:
    before = exact_rows_of(sample)
    said_no = on_terminal(["-d", sample, "undo"], ["n"], sample.parent)
    assert said_no.code == 1
    assert said_no.out.endswith("Not done: nothing was written.\n")
    assert "Undoing run 1:" in said_no.out
    assert "Delete 776 rows that run 1 made? [y/N]:" in said_no.out
    assert exact_rows_of(sample) == before
    assert on_terminal(["-d", sample, "undo"], ["y"], sample.parent).code == 0
    assert rows_of(sample)["products"] == []


def test_the_run_is_named_with_its_file_its_time_and_its_counts(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    file = edited(run, bakery, tmp_path / "v.json", lambda records: records[0].update(notes="new"))
    assert run("-d", bakery, "import-view", file).code == 0
    done = run("-d", bakery, "undo")
    assert done.code == 0
    told = done.err.splitlines()[0]
    assert told.startswith("Undoing run 2:  20")
    assert told.endswith("Z  v.json  merge: 1 updated, 80 unchanged")


def test_undo_goes_past_runs_that_changed_nothing_or_were_taken_back(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    before = exact_rows_of(bakery)
    file = edited(run, bakery, tmp_path / "v.json", lambda records: records[0].update(notes="new"))
    assert run("-d", bakery, "import-view", file).code == 0
    assert run("-d", bakery, "import-view", file).code == 0
    done = run("-d", bakery, "undo", "--json")
    assert done.code == 0
    assert done.json["source"] == "run 2: v.json"
    assert exact_rows_of(bakery) == before
    assert run("-d", bakery, "undo").code == 1  # run 1 is the sample
    named = run("-d", bakery, "undo", "3")
    assert named.code == 1
    assert "changed nothing" in named.err


def test_an_import_that_was_undone_and_redone_again_and_again_is_known_for_what_it_is(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    before = exact_rows_of(bakery)
    file = edited(run, bakery, tmp_path / "v.json", lambda records: records[0].update(notes="new"))
    assert run("-d", bakery, "import-view", file).code == 0
    imported = exact_rows_of(bakery)
    for of, wanted in ((2, before), (3, imported), (4, before), (5, imported), (2, before)):
        assert run("-d", bakery, "undo", str(of)).code == 0, of
        assert exact_rows_of(bakery) == wanted
    refused = run("-d", bakery, "undo", "2")
    assert refused.code == 1
    assert "by run 7; to redo it: bakeio undo 7" in refused.err


VALUE = st.one_of(st.none(), st.text(alphabet="ab é'\"\\,.0]", min_size=1, max_size=6))
EDIT = st.tuples(st.integers(0, 9), st.sampled_from(["notes", "brand", "product_name"]), VALUE)
SIZE = st.tuples(
    st.integers(0, 9),
    st.just("package_size"),
    st.one_of(st.none(), st.integers(1, 900), st.floats(0.1, 9).map(lambda x: round(x, 3))),
)


@settings(
    max_examples=13, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    edits=st.lists(st.one_of(EDIT, SIZE), min_size=1, max_size=12),
    elsewhere=st.lists(st.one_of(EDIT, SIZE), max_size=6),
    added=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 99)), max_size=4),
)
def test_import_and_undo_leave_everything_but_what_was_edited_elsewhere(
    core: Bakeio, sample: Path, edits: Any, elsewhere: Any, added: Any
) -> None:
    engine = connect(sample)
    stream = _Bytes()
    with begin_read(engine) as db:
        core.export_view(db, "products", stream)
    document = json.loads(stream.data)
    records = document["records"]
    for place, field, value in edits:
        records[place][field] = value
        clear = {*records[place].get("_clear", ())} - {field}
        records[place]["_clear"] = sorted(clear | ({field} if value is None else set()))
    for package, number in added:
        records.append(
            {"product_slug": f"new_{number}_{len(records)}",
             "ingredient_slug": records[0]["ingredient_slug"], "package_unit": "lb",
             "package_unit_quantity": package, "package_size": number}
        )  # fmt: skip
    file = sample.parent / "v.json"
    file.write_text(json.dumps(document), "utf-8")
    with engine.connect() as db, db.begin():
        before = exact_rows(db)
        original = _products(db)
        report = core.import_(db, file)
        if not report.summary["updated"] + report.summary["created"]:
            return
        imported = _products(db)
        for place, field, value in elsewhere:
            db.execute(
                text(f"UPDATE products SET {field} = :v WHERE slug = :s"),
                {"v": value, "s": records[place]["product_slug"]},
            )
        now = _products(db)
        changed = {
            (slug, field)
            for slug, row in now.items()
            for field in row
            if row[field] != imported[slug][field]
        }
        try:
            undone = core.undo(db)
        except BakeioError:
            assert _products(db) == now
            db.rollback()
            return
        after = _products(db)
        assert after.keys() == original.keys()
        for slug, row in after.items():
            for field, value in row.items():
                if (slug, field) in changed:
                    assert value == now[slug][field]
                elif field != "updated_at":
                    assert value == original[slug][field]
        touched = {
            (slug, field)
            for slug, field in changed
            if imported[slug][field] != original[slug][field] != now[slug][field]
        }
        assert {(p.field, str(p.value)) for p in undone.problems} == {
            (field, str(now[slug][field])) for slug, field in touched
        }
        assert undone.exit_code == (3 if touched else 0)
        if not changed:
            assert exact_rows(db) == before
            core.undo(db, undone.run)
            assert _products(db) == imported
        db.rollback()
    engine.dispose()


class _Bytes:
    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes, /) -> None:
        self.data += data


def _products(db: Any) -> dict[str, dict[str, Any]]:
    return {row["slug"]: dict(row) for row in db.execute(text("SELECT * FROM products")).mappings()}


def test_values_that_are_lists_or_have_many_digits_go_back_and_are_compared_like_others(
    tmp_path: Path,
) -> None:
    class Ovens:
        """Rows with a JSON column and a number longer than a double."""

        @hookimpl
        def bakeio_entities(self, metadata: MetaData) -> Entity:
            columns = [
                Column("slug", String(20), unique=True, nullable=False),
                Column("zones", JSON),
                Column("joule", Numeric(30, 10)),
            ]
            return Entity(
                Table("ovens", metadata, Column("id", Integer, primary_key=True), *columns),
                keys=["slug"],
            )

    core, engine, file = (
        Bakeio.discover(plugins=[Ovens()]),
        connect(tmp_path / "o.db"),
        tmp_path / "ovens.json",
    )

    def imported(db: Any, zones: Any, joule: str) -> None:
        file.write_text(
            f'{{"entity_type": "ovens", "records": [{{"slug": "deck", "zones": {zones}, "joule": '
            f"{joule}}}]}}",
            "utf-8",
        )
        core.import_(db, file)

    with begin_write(engine) as db:
        core.create_tables(db)
        imported(db, '[{"top": 0.1}, 250]', "0.5")
        first = db.execute(text("SELECT * FROM ovens")).all()
        imported(db, '[{"top": 0.2}]', "123456789012345.25")
        assert core.undo(db).exit_code == 0
        assert db.execute(text("SELECT * FROM ovens")).all() == first
        imported(db, '[{"top": 0.3}]', "0.5")
        db.execute(text("UPDATE ovens SET zones = '[]'"))
        with pytest.raises(BakeioError, match="changed since"):
            core.undo(db)
        assert next(
            entry["new"]
            for entry in core.why(db, "ovens", "deck", "zones")
            if entry["action"] == "set"
        ) == [{"top": 0.3}]
    engine.dispose()
