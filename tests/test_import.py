"""What an import does to rows that are there, to files that are wrong, and to nothing at all when
it is a rehearsal.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table
from support.commands import Run
from support.databases import rows_of, sql, state
from support.files import INGREDIENTS, PRODUCTS, PURCHASES, SUPPLIERS, edit_set, resign

from bakeio_core import Bakeio, Entity, connect, hookimpl, identity_columns
from bakeio_core.database.connect import begin_write


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "filled"])
@pytest.mark.parametrize("broken", [False, True], ids=["good", "broken"])
def test_a_dry_run_says_what_the_real_run_does_and_leaves_no_trace(
    run: Run, new_database: Any, folder: Path, filled: bool, broken: bool
) -> None:
    url = new_database()
    if filled:
        run("-d", url, "init", "--sample")
    else:
        run("-d", url, "init")

    def change(records: list[dict[str, Any]]) -> None:
        records[0]["notes"], records[1]["brand"] = "changed", "Another"
        records.append(records[2] | {"id": 7777, "uuid": "0" * 36, "slug": "brand_new"})
        if broken:
            records[3]["ingredient_slug"] = "nowhere"

    edit_set(folder, PRODUCTS, change)
    before = state(url)
    rehearsal = run("-d", url, "import-complete", folder, "--dry-run", "--json")
    assert state(url) == before
    real = run("-d", url, "import-complete", folder, "--json")
    assert rehearsal.code == real.code == (1 if broken else 0)
    first, second = rehearsal.json, real.json
    assert first.pop("dry_run") is True
    assert second.pop("dry_run") is False
    for report in (first, second):
        report.pop("run")
        report.pop("skipped_log")
    assert first == second
    assert (state(url) == before) == broken


def test_a_dry_run_into_no_database_leaves_none(run: Run, tmp_path: Path, sample_set: Path) -> None:
    done = run("-d", tmp_path / "new.db", "import-complete", sample_set, "--dry-run")
    assert done.code == 0
    assert list(tmp_path.glob("new.db*")) == []


def test_a_refused_import_into_no_database_leaves_none(
    run: Run, tmp_path: Path, folder: Path
) -> None:
    edit_set(folder, PRODUCTS, lambda records: records[0].update(ingredient_slug="nowhere"))
    assert run("-d", tmp_path / "new.db", "import-complete", folder).code == 1
    assert list(tmp_path.glob("new.db*")) == []


def test_modes_differ_in_what_they_leave_alone(run: Run, sample: Path, folder: Path) -> None:
    def change(records: list[dict[str, Any]]) -> None:
        records[0]["notes"] = "edited"
        records.append(records[2] | {"id": 9000, "uuid": "1" * 36, "slug": "brand_new"})

    edit_set(folder, PRODUCTS, change)
    counts = {}
    for mode in ("update-only", "skip_existing", "merge"):
        done = run("-d", sample, "import-complete", folder, "--mode", mode, "--json", "--dry-run")
        assert done.code == 0
        counts[mode] = {
            name: number for name, number in done.json["entities"]["products"].items() if number
        }
    assert counts["merge"] == {"processed": 85, "created": 1, "updated": 1, "unchanged": 83}
    assert counts["skip_existing"] == {"processed": 85, "created": 1, "skipped": 84}
    assert counts["update-only"] == {"processed": 85, "updated": 1, "unchanged": 83, "skipped": 1}


def test_every_missing_reference_is_listed_once_with_its_records_and_nothing_is_written(
    run: Run, new_database: Any, folder: Path
) -> None:
    def change(records: list[dict[str, Any]]) -> None:
        for record in records[:14]:
            record |= {"supplier_slug": None, "supplier_name": "Wilson's Farm"}
        records[20]["product_slug"] = "nothing_like_it"

    edit_set(folder, PURCHASES, change)
    url = new_database()
    run("-d", url, "init")
    done = run("-d", url, "import-complete", folder, "--json")
    assert done.code == 1
    problems = [p for p in done.json["problems"] if p["severity"] == "error"]
    assert [
        (p["code"], p["field"], p["value"], p["count"], p["records"]) for p in problems[:2]
    ] == [
        ("missing-reference", "supplier_name", "Wilson's Farm", 14, list(range(1, 15))),
        ("missing-reference", "product_slug", "nothing_like_it", 1, [21]),
    ]
    assert [(p["file"], p["value"]) for p in problems[2:]] == [
        ("05_inventory_items.json", None)
    ]  # lots of those purchases, all in one
    assert "cannot be imported itself" in problems[2]["message"]
    assert not any(rows_of(url).values())


@pytest.mark.parametrize("spelled", ["rye", "RYE", " Rye "])
def test_what_refers_to_a_bad_record_is_no_question_however_it_is_spelled(
    run: Run, new_database: Any, folder: Path, spelled: str
) -> None:
    def add(file: str, **new: Any) -> None:
        edit_set(folder, file, lambda records: records.append({**records[0], **new}))

    add(INGREDIENTS, id=9001, uuid=None, slug="rye", display_name=None)
    add(PRODUCTS, id=9002, uuid=None, slug="rye_1lb", ingredient_id=None, ingredient_slug=spelled)
    url = new_database()
    run("-d", url, "init")
    done = run("-d", url, "import-complete", folder, "--json")
    assert done.code == 1
    bad, following = [p for p in done.json["problems"] if p["severity"] == "error"]
    assert bad["field"] == "display_name"
    assert "cannot be imported itself" in following["message"]
    assert not following["candidates"]


def test_equal_records_are_taken_once_and_different_ones_of_one_key_are_refused(
    run: Run, tmp_path: Path, folder: Path
) -> None:
    edit_set(folder, SUPPLIERS, lambda records: records.append(dict(records[0])))
    done = run("-d", tmp_path / "a.db", "import-complete", folder, "--json")
    assert done.code == 0
    assert done.json["entities"]["suppliers"]["created"] == 8
    assert done.json["entities"]["suppliers"]["unchanged"] == 1
    assert [(p["code"], p["severity"], p["records"]) for p in done.json["problems"]] == [
        ("duplicate-key", "warning", [1, 9])
    ]
    edit_set(folder, SUPPLIERS, lambda records: records[8].update(name="Another Name"))
    done = run("-d", tmp_path / "b.db", "import-complete", folder, "--json")
    assert done.code == 1
    assert [(p["code"], p["severity"], p["records"]) for p in done.json["problems"]] == [
        ("duplicate-key", "error", [1, 9])
    ]
    assert (
        done.json["entities"]["suppliers"] | {"created": 7, "errors": 2}
        == done.json["entities"]["suppliers"]
    )


def test_two_slugs_can_be_exchanged(
    run: Run, new_database: Any, folder: Path, sample_set: Path
) -> None:
    url = new_database()
    run("-d", url, "import-complete", sample_set)

    def swap(records: list[dict[str, Any]]) -> None:
        records[0]["slug"], records[1]["slug"] = records[1]["slug"], records[0]["slug"]

    edit_set(folder, SUPPLIERS, swap)
    for file in (PRODUCTS, PURCHASES):  # the lookups of the file mean the file's own suppliers
        names = [
            record["slug"]
            for record in json.loads((sample_set / "01_suppliers.json").read_text())["records"][:2]
        ]
        text = (
            (folder / file)
            .read_text("utf-8")
            .replace(names[0], "@")
            .replace(names[1], names[0])
            .replace("@", names[1])
        )
        (folder / file).write_text(text, "utf-8")
    resign(folder)
    before = rows_of(url)
    done = run("-d", url, "import-complete", folder, "--json")
    assert done.code == 0, done.out
    assert done.json["summary"]["updated"] == 2
    after = rows_of(url)
    assert [row[2] for row in after["suppliers"][:2]] == [
        row[2] for row in before["suppliers"][1::-1]
    ]
    assert after["purchases"] == before["purchases"]


def test_the_first_changes_of_each_entity_are_shown_however_many_others_there_are(
    core: Bakeio, run: Run, new_database: Any, sample_set: Path
) -> None:
    url = new_database()
    run("-d", url, "init")
    lines = run("-d", url, "import-complete", sample_set, "--dry-run").out.splitlines()
    shown = [line for line in lines if line.endswith(" new")]
    engine = connect(url)
    with begin_write(engine) as db:
        report = core.import_(db, sample_set, dry_run=True, most_changes=3)
    engine.dispose()
    assert len(shown) == len(report.entities)
    counted = Counter(change.entity for change in report.changes)
    assert counted == {name: min(8, of["created"]) for name, of in report.entities.items()}


def test_a_row_edited_after_the_export_is_a_conflict(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    run("-d", sample, "export-complete", "-o", tmp_path / "set")
    connection = sqlite3.connect(sample)
    connection.execute(
        "UPDATE products SET notes = 'theirs', updated_at = '2099-01-01 00:00:00.000000' WHERE "
        "id = 1"
    )
    connection.commit()
    connection.close()
    before = rows_of(sample)
    done = run("-d", sample, "import-complete", tmp_path / "set")
    assert done.code == 1
    assert "conflict" in done.out and "theirs" in done.out
    assert (
        run("-d", sample, "import-complete", tmp_path / "set", "--on-conflict", "keep-db").code == 0
    )
    assert rows_of(sample) == before
    assert (
        run("-d", sample, "import-complete", tmp_path / "set", "--on-conflict", "take-file").code
        == 0
    )
    assert rows_of(sample)["products"][0][-3] != "theirs"


def test_an_edited_file_is_refused_until_the_edits_are_accepted(
    run: Run, sample: Path, folder: Path
) -> None:
    edit_set(folder, PRODUCTS, lambda records: records[0].update(notes="by hand"), signed=False)
    refused = run("-d", sample, "import-complete", folder)
    assert refused.code == 1
    assert "checksum-mismatch" in refused.out
    assert "--accept-edits" in refused.out
    accepted = run("-d", sample, "import-complete", folder, "--accept-edits", "--json")
    assert accepted.code == 0
    assert accepted.json["summary"]["updated"] == 1


def test_a_set_is_told_what_it_says_in_vain_and_what_no_edit_might_say(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    folder = tmp_path / "set"

    def told(*words: str) -> dict[tuple[str, str], tuple[str, int]]:
        done = run("-d", bakery, "import-complete", folder, "--json", *words)
        found = [p for p in done.json["problems"] if p["code"] != "no-journal"]
        return {(p["severity"], p["field"]): (p["entity"], p["count"]) for p in found}

    run("-d", bakery, "export-complete", "-o", folder)
    touched = "SET updated_at = '2099-01-01 00:00:00.000000'"
    sql(bakery, f"UPDATE products {touched} WHERE id = 1")
    assert told() == {}
    stamp, wrong = "2020-01-01T00:00:00Z", "036000291453"

    def change(records: list[dict[str, Any]]) -> None:
        for record in records[:3]:
            record.update(updated_at=stamp)
        for record in records[1:3]:
            record.update(created_at=stamp, upc_code=wrong)
        records[3].update(package_unit=" ")

    edit_set(folder, PRODUCTS, change)
    expected = {
        ("note", "created_at"): ("products", 2),
        ("note", "updated_at"): ("products", 2),
        ("warning", "upc_code"): ("products", 2),
        ("warning", "package_unit"): ("products", 1),
    }
    assert told("--dry-run") == expected
    assert told() == expected
    assert ("warning", "upc_code") not in told(), "the database has it already"


def test_a_record_the_database_refuses_is_named_and_nothing_is_written(
    run: Run, new_database: Any, folder: Path
) -> None:
    url = new_database()
    run("-d", url, "init")
    trigger = "purchases with quantity 77"
    if url.startswith("postgresql"):
        with psycopg.connect(url) as db:
            db.execute(
                "ALTER TABLE purchases ADD CONSTRAINT never_77 CHECK (quantity_purchased <> 77)"
            )
    else:
        connection = sqlite3.connect(url)
        connection.execute(
            "CREATE TRIGGER never_77 BEFORE INSERT ON purchases WHEN NEW.quantity_purchased = 77 "
            "BEGIN SELECT RAISE(ABORT, 'never_77'); END"
        )
        connection.commit()
        connection.close()
    edit_set(folder, PURCHASES, lambda records: records[99].update(quantity_purchased=77))
    done = run("-d", url, "import-complete", folder, "--json")
    assert done.code == 1, trigger
    found = [(p["code"], p["record"]) for p in done.json["problems"] if p["severity"] == "error"]
    assert found[0] == ("constraint", 100)
    assert "never_77" in done.out
    assert not any(rows_of(url).values())


class Chairs:
    """An entity every row of which must name another row of it."""

    @staticmethod
    @hookimpl
    def bakeio_entities(metadata: MetaData) -> Entity:
        table = Table(
            "chairs",
            metadata,
            *identity_columns(),
            Column("slug", String(50), nullable=False, unique=True, index=True),
            Column("behind_id", Integer, ForeignKey("chairs.id"), nullable=False),
        )
        return Entity(table, keys=["slug"])


def test_rows_that_must_name_each_other_are_written_parents_first(
    new_database: Any, tmp_path: Path
) -> None:
    core = Bakeio.discover(plugins=[Chairs])
    chairs = [("d", "c"), ("c", "b"), ("b", "a"), ("a", "a")]
    records = [
        {"id": n, "uuid": f"{n:036}", "slug": slug, "behind_id": None, "behind_slug": behind}
        for n, (slug, behind) in enumerate(chairs, 1)
    ]
    folder = tmp_path / "set"
    folder.mkdir()
    document = {"entity_type": "chairs", "record_count": 4, "records": records}
    (folder / "01_chairs.json").write_text(json.dumps(document))
    listed = {
        "filename": "01_chairs.json",
        "entity_type": "chairs",
        "record_count": 4,
        "checksum_sha256": "",
        "import_order": 1,
        "dependencies": [],
    }
    (folder / "manifest.json").write_text(
        json.dumps({"manifest_version": "1.0", "files": [listed]})
    )
    resign(folder)
    engine = connect(new_database())
    with begin_write(engine) as db:
        core.create_tables(db)
        report = core.import_complete(db, folder)
        assert (report.summary["created"], report.summary["errors"]) == (4, 0)
        names = dict(
            db.exec_driver_sql(
                "SELECT c.slug, b.slug FROM chairs c JOIN chairs b ON b.id = c.behind_id"
            ).fetchall()
        )  # type: ignore[arg-type]
        assert names == dict(chairs)
    engine.dispose()


def test_an_older_database_can_be_read_is_not_written_and_is_upgraded(
    run: Run, new_database: Any, sample_set: Path, tmp_path: Path
) -> None:
    url = new_database()
    run("-d", url, "import-complete", sample_set)
    old = ["ALTER TABLE suppliers DROP COLUMN zip", "ALTER TABLE products DROP COLUMN is_hidden"]
    if url.startswith("postgresql"):
        with psycopg.connect(url) as db:
            for statement in old:
                db.execute(statement)  # type: ignore[call-overload]
    else:
        connection = sqlite3.connect(url)
        for statement in old:
            connection.execute(statement)
        connection.commit()
        connection.close()
    assert run("-d", url, "export-complete", "-o", tmp_path / "old").code == 0
    assert (
        "zip" not in json.loads((tmp_path / "old" / "01_suppliers.json").read_text())["records"][0]
    )
    refused = run("-d", url, "import-complete", sample_set)
    assert refused.code == 1
    assert "bakeio upgrade" in refused.err
    upgraded = run("-d", url, "upgrade", "--json")
    assert upgraded.json == {"added": ["suppliers.zip", "products.is_hidden"]}
    assert run("-d", url, "upgrade").out == "The database is up to date.\n"
    again = run("-d", url, "import-complete", sample_set, "--on-conflict", "take-file", "--json")
    assert again.code == 0
    assert again.json["entities"]["suppliers"]["updated"] == 6
    assert again.json["entities"]["products"]["updated"] == 3


def test_an_upgrade_makes_the_indexes_that_are_missing_and_takes_what_serves_as_well(
    run: Run, new_database: Any, tmp_path: Path
) -> None:
    url = new_database()
    run("-d", url, "init", "--sample")
    sql(
        url,
        "DROP INDEX ix_inventory_items_product_id_quantity",
        # it only begins with the column that is needed, so it does not serve
        "CREATE INDEX of_the_host ON inventory_items (product_id)",
        "DROP INDEX ix_purchases_supplier_id",
        "CREATE INDEX of_the_host_too ON purchases (supplier_id, unit_price)",
        "DROP INDEX ix_products_ingredient_id",
    )
    assert (
        run("-d", url, "import", export_products(run, url, tmp_path)).code == 0
    )  # slower, but no reason to refuse
    added = ["products(ingredient_id)", "inventory_items(product_id, quantity)"]
    assert run("-d", url, "upgrade", "--json").json == {"added": added}
    assert run("-d", url, "upgrade").out == "The database is up to date.\n"


def test_an_upgrade_stumbles_over_no_index_of_somebody_elses(run: Run, new_database: Any) -> None:
    url = new_database()
    run("-d", url, "init", "--sample")
    sql(
        url,
        "DROP INDEX ix_purchases_supplier_id",
        # its name is taken: nothing can be made, and nothing is said to be
        "CREATE INDEX ix_purchases_supplier_id ON suppliers (city)",
        "DROP INDEX ix_products_ingredient_id",
        # of some rows only
        "CREATE INDEX some_of_them ON products (ingredient_id) WHERE is_hidden",
        "CREATE INDEX lowered ON products (lower(slug))",
        "DROP INDEX ix_bakeio_changes_row",
    )
    upgraded = run("-d", url, "upgrade", "--json")
    assert upgraded.json == {
        "added": ["products(ingredient_id)", "bakeio_changes(entity, row, field)"]
    }
    assert upgraded.err == ""
    assert run("-d", url, "upgrade").out == "The database is up to date.\n"


def export_products(run: Run, url: str, tmp_path: Path) -> Path:
    run("-d", url, "export-view", "products", "-o", tmp_path / "p.json")
    return tmp_path / "p.json"


def test_a_newer_database_is_refused(run: Run, sample: Path, sample_set: Path) -> None:
    connection = sqlite3.connect(sample)
    connection.execute("UPDATE bakeio_meta SET value = '99' WHERE key = 'version'")
    connection.commit()
    connection.close()
    for words in (["import-complete", sample_set], ["upgrade"]):
        done = run("-d", sample, *words)
        assert done.code == 1
        assert "newer bakeio" in done.err
