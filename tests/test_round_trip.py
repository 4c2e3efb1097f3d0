"""Out and in again, the same rows: SQLite and PostgreSQL, in every direction."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.commands import Run
from support.databases import rows_of
from support.files import set_contents


def test_sample_out_and_into_a_new_database_gives_the_same_files_and_rows(
    run: Run, tmp_path: Path, sample: Path
) -> None:
    assert run("-d", sample, "export-complete", "-o", tmp_path / "one").code == 0
    done = run("-d", tmp_path / "b.db", "import-complete", tmp_path / "one")
    assert done.code == 0
    assert done.err == ""
    assert "776 created" in done.out
    run("-d", tmp_path / "b.db", "export-complete", "-o", tmp_path / "two")
    assert set_contents(tmp_path / "one") == set_contents(tmp_path / "two")
    assert rows_of(sample) == rows_of(tmp_path / "b.db")


def test_sample_survives_sqlite_to_postgresql_to_sqlite(
    run: Run, tmp_path: Path, sample: Path, new_postgresql: Any
) -> None:
    url = new_postgresql()
    run("-d", sample, "export-complete", "-o", tmp_path / "one")
    assert run("-d", url, "import-complete", tmp_path / "one").code == 0
    run("-d", url, "export-complete", "-o", tmp_path / "two")
    assert run("-d", tmp_path / "b.db", "import-complete", tmp_path / "two").code == 0
    run("-d", tmp_path / "b.db", "export-complete", "-o", tmp_path / "three")
    assert (
        set_contents(tmp_path / "one")
        == set_contents(tmp_path / "two")
        == set_contents(tmp_path / "three")
    )
    assert rows_of(sample) == rows_of(url) == rows_of(tmp_path / "b.db")


def test_a_set_imported_twice_changes_nothing(
    run: Run, new_database: Any, sample_set: Path
) -> None:
    url = new_database()
    run("-d", url, "import-complete", sample_set)
    before = rows_of(url)
    again = run("-d", url, "import-complete", sample_set, "--json").json
    assert again["summary"]["created"] == again["summary"]["updated"] == 0
    assert again["summary"]["unchanged"] == again["summary"]["processed"] == 776
    assert rows_of(url) == before


def test_a_rebuilt_database_keeps_the_identity_of_its_source_and_another_does_not(
    run: Run, sample_set: Path, tmp_path: Path
) -> None:
    run("-d", tmp_path / "restored.db", "import-complete", sample_set)
    run("-d", tmp_path / "restored.db", "export-complete", "-o", tmp_path / "again")
    source, restored = (
        json.loads((folder / "manifest.json").read_text())["database_id"]
        for folder in (sample_set, tmp_path / "again")
    )
    assert source == restored
    run("-d", tmp_path / "other.db", "init", "--sample")
    run("-d", tmp_path / "other.db", "import-complete", sample_set)
    run("-d", tmp_path / "other.db", "export-complete", "-o", tmp_path / "other")
    assert json.loads((tmp_path / "other" / "manifest.json").read_text())["database_id"] != source


@pytest.fixture
def crowded(run: Run, new_database: Any, sample_set: Path, tmp_path: Path) -> str:
    """A database with other rows under the ids of the sample, and some of its slugs under other
    ids.
    """
    url = new_database()
    run("-d", url, "init")
    statements = [
        "INSERT INTO suppliers (id, slug, name) VALUES (1, 'somebody_else', 'Somebody Else'), "
        "(90, 'costco_waltham_ma', 'Costco')",
        "INSERT INTO ingredients (id, slug, display_name, category) VALUES (1, 'sand', 'Sand', "
        "'Misc'), (2, 'all_purpose_flour', 'Plain', 'Misc')",
        "INSERT INTO products (id, slug, ingredient_id, package_unit, package_unit_quantity) "
        "VALUES (1, 'bag_of_sand', 1, 'bag', 1)",
        "INSERT INTO purchases (id, product_id, supplier_id, purchase_date, unit_price, "
        "quantity_purchased) VALUES (1, 1, 1, '2020-02-02', 3, 1)",
    ]
    if url.startswith("postgresql"):
        with psycopg.connect(url) as db:
            for statement in statements:
                db.execute(statement)
    else:
        connection = sqlite3.connect(url)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()
    return url


PARENTS = {
    "products": (
        "SELECT p.uuid, i.slug, s.slug FROM products p JOIN ingredients i "
        "ON i.id = p.ingredient_id LEFT JOIN suppliers s ON s.id = p.preferred_supplier_id"
    ),
    "purchases": (
        "SELECT u.uuid, p.slug, s.slug FROM purchases u JOIN products p ON p.id = "
        "u.product_id JOIN suppliers s ON s.id = u.supplier_id"
    ),
    "inventory_items": (
        "SELECT n.uuid, p.slug, u.uuid FROM inventory_items n JOIN products p ON p.id = "
        "n.product_id LEFT JOIN purchases u ON u.id = n.purchase_id"
    ),
}


def parents(url: str | Path) -> dict[str, dict[str, tuple[Any, ...]]]:
    """Which natural keys every row's parents have, by its uuid."""
    if str(url).startswith("postgresql"):
        with psycopg.connect(str(url)) as db:
            return {
                name: {row[0]: row[1:] for row in db.execute(sql).fetchall()}
                for name, sql in PARENTS.items()
            }  # type: ignore[arg-type]
    connection = sqlite3.connect(str(url))
    found = {
        name: {row[0]: row[1:] for row in connection.execute(sql)} for name, sql in PARENTS.items()
    }
    connection.close()
    return found


def test_other_rows_under_the_same_ids_never_become_the_wrong_parents(
    run: Run, crowded: str, sample: Path, sample_set: Path
) -> None:
    first = run("-d", crowded, "import-complete", sample_set, "--json")
    assert first.code == 0, first.out
    summary = first.json["summary"]
    assert (summary["created"], summary["processed"], summary["errors"]) == (774, 776, 0)
    expected, found = parents(sample), parents(crowded)
    for entity, by_uuid in expected.items():
        assert {uuid: found[entity][uuid] for uuid in by_uuid} == by_uuid
    second = run("-d", crowded, "import-complete", sample_set, "--json").json["summary"]
    assert (second["created"], second["updated"]) == (0, 0)


def test_the_next_ordinary_insert_works_after_an_import(
    run: Run, crowded: str, sample_set: Path
) -> None:
    run("-d", crowded, "import-complete", sample_set)
    sql = "INSERT INTO suppliers (slug, name) VALUES ('new', 'New') RETURNING id"
    if crowded.startswith("postgresql"):
        with psycopg.connect(crowded) as db:
            new = db.execute(sql).fetchone()
            highest = db.execute("SELECT max(id) FROM suppliers").fetchone()
    else:
        connection = sqlite3.connect(crowded)
        new = connection.execute(sql).fetchone()
        highest = connection.execute("SELECT max(id) FROM suppliers").fetchone()
        connection.close()
    assert new == highest


def test_the_real_set_validates_and_imports_with_the_counts_of_its_readme(
    run: Run, real_data: Path, new_database: Any
) -> None:
    url, folder = new_database(), real_data / "bake-tracker-normalized"
    assert run("validate-export", folder).code == 0
    first = run("-d", url, "import-complete", folder, "--json").json["summary"]
    second = run("-d", url, "import-complete", folder, "--json").json["summary"]
    assert (first["created"], first["errors"]) == (887, 0)
    assert (second["created"], second["updated"], second["unchanged"]) == (0, 0, 887)


def test_a_zip_imports_like_its_folder(run: Run, sample: Path, tmp_path: Path) -> None:
    run("-d", sample, "export-complete", "-o", tmp_path / "one", "--zip")
    archive = tmp_path / "archives" / "one.zip"
    assert run("validate-export", archive).code == 0
    assert run("-d", tmp_path / "b.db", "import-complete", archive).code == 0
    assert rows_of(sample) == rows_of(tmp_path / "b.db")
