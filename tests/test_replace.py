"""`--mode replace`: the bakery becomes what the set says; and `--prove`: a set that has been
restored once already.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from support.commands import Run
from support.databases import STAMPS, rows_of, rows_without, sql
from support.files import resign
from support.terminal import on_terminal

from bakeio_core import Bakeio, connect
from bakeio_core.database import begin_read, begin_write


def test_the_rows_are_those_of_the_set_and_undo_brings_the_others_back(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    before = rows_without(bakery, *STAMPS)
    assert run("-d", bakery, "export-complete", "-o", tmp_path / "set").code == 0
    sql(
        bakery,
        "INSERT INTO suppliers (id, uuid, slug, name, created_at, updated_at) SELECT 900, 'new', "
        "'new_shop', 'New', created_at, updated_at "
        "FROM suppliers WHERE id = 1",
        "UPDATE products SET preferred_supplier_id = 900, brand = 'Edited' WHERE id = 1",
        "DELETE FROM inventory_items WHERE id IN (1, 2)",
        "UPDATE suppliers SET slug = 'moved' WHERE id = 2",
    )
    edited = rows_without(bakery, *STAMPS)
    refused = run("-d", bakery, "import-complete", tmp_path / "set", "--mode", "replace")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert rows_without(bakery, *STAMPS) == edited
    dry = run(
        "-d",
        bakery,
        "import-complete",
        tmp_path / "set",
        "--mode",
        "replace",
        "--dry-run",
        "--json",
    ).json["summary"]
    done = run(
        "-d", bakery, "import-complete", tmp_path / "set", "--mode", "replace", "--yes", "--json"
    )
    assert done.code == 0
    assert done.json["summary"] == dry
    assert (dry["deleted"], dry["created"], dry["updated"]) == (1, 2, 2)
    assert rows_without(bakery, *STAMPS) == before
    undone = run("-d", bakery, "undo", "--json")
    assert undone.code == 0
    assert undone.json["problems"] == []
    assert rows_without(bakery, *STAMPS) == edited


def test_a_name_a_vanishing_row_bears_can_be_taken_by_a_record(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    assert run("-d", bakery, "export-complete", "-o", tmp_path / "set").code == 0
    before = rows_without(bakery, *STAMPS)
    sql(
        bakery,
        "UPDATE ingredients SET slug = 'aside', display_name = 'Aside' WHERE id = 1",
        "INSERT INTO ingredients (id, uuid, slug, display_name, category, created_at, "
        f"updated_at) SELECT 900, 'x', '{before['ingredients'][0]['slug']}', "
        "'Other', category, created_at, updated_at FROM ingredients WHERE id = 2",
    )
    done = run(
        "-d", bakery, "import-complete", tmp_path / "set", "--mode", "replace", "--yes", "--json"
    )
    assert done.code == 0
    assert done.json["summary"]["deleted"] == 1
    assert rows_without(bakery, *STAMPS) == before


def test_it_is_refused_where_rows_outside_the_set_would_lose_what_they_refer_to(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    assert (
        run("-d", bakery, "export-complete", "-o", tmp_path / "set", "--no-transactional").code == 0
    )
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text("utf-8"))
    file = (
        tmp_path
        / "set"
        / next(item["filename"] for item in manifest["files"] if item["entity_type"] == "products")
    )
    products = json.loads(file.read_text("utf-8"))
    engine = connect(bakery)
    with engine.connect() as db:
        used = {row[0] for row in db.execute(text("SELECT product_id FROM purchases"))}
    engine.dispose()
    products["records"] = [record for record in products["records"] if record["id"] != min(used)]
    products["record_count"] = len(products["records"])
    file.write_text(json.dumps(products), "utf-8")
    resign(tmp_path / "set")
    before = rows_of(bakery)
    refused = run(
        "-d", bakery, "import-complete", tmp_path / "set", "--mode", "replace", "--yes", "--json"
    )
    assert refused.code == 1
    assert refused.json["problems"][0]["code"] == "constraint"
    assert "purchases" in json.dumps(refused.json)
    assert rows_of(bakery) == before


def test_a_plan_tells_what_is_deleted_as_the_import_does(
    core: Bakeio, bakery: str, sample_set: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(sample_set, tmp_path / "set"))
    file = folder / "05_inventory_items.json"
    contents = json.loads(file.read_text("utf-8"))
    del contents["records"][-1]
    contents["record_count"] -= 1
    file.write_text(json.dumps(contents), "utf-8")
    resign(folder)
    engine = connect(bakery)
    with begin_read(engine) as db:
        planned = core.plan(db, folder, mode="replace").report
    with begin_write(engine) as db:
        done = core.import_(db, folder, mode="replace", dry_run=True)
    engine.dispose()
    assert done.summary["deleted"] == 1
    assert planned.summary == done.summary
    assert planned.entities == done.entities


@pytest.mark.parametrize("meanwhile", [False, True])
def test_what_a_person_agreed_to_is_what_is_deleted(
    run: Run, sample: Path, tmp_path: Path, meanwhile: bool
) -> None:
    assert run("-d", sample, "export-complete", "-o", tmp_path / "set").code == 0
    columns = "created_at, updated_at"
    new = (
        f"INSERT INTO suppliers (id, uuid, slug, name, {columns}) SELECT {{0}}, 'u{{0}}', "
        f"'s{{0}}', 'New', {columns} FROM suppliers WHERE id = 1"
    )
    sql(str(sample), new.format(900))
    answers = [lambda: sql(str(sample), new.format(901)), "y"] if meanwhile else ["y"]
    done = on_terminal(
        ["-d", sample, "import-complete", "set", "--mode", "replace"], answers, tmp_path
    )
    assert "Delete 1 row the set does not have?" in done.out
    left = {row[0] for row in rows_of(sample)["suppliers"] if row[0] >= 900}
    assert done.code == (1 if meanwhile else 0)
    assert left == ({900, 901} if meanwhile else set())
    assert ("changed after you were asked" in done.out) == meanwhile


def test_a_view_replaces_nothing_and_skipped_records_never_delete_rows(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    assert run("-d", bakery, "export-view", "products", "-o", tmp_path / "v.json").code == 0
    assert (
        run("-d", bakery, "import-view", tmp_path / "v.json", "--mode", "replace", "--yes").code
        == 2
    )
    assert run("-d", bakery, "export-complete", "-o", tmp_path / "set").code == 0
    assert (
        run(
            "-d",
            bakery,
            "import-complete",
            tmp_path / "set",
            "--mode",
            "replace",
            "--yes",
            "--skip-on-error",
        ).code
        == 2
    )


def test_a_proved_set_was_restored_once_and_says_so(run: Run, bakery: str, tmp_path: Path) -> None:
    done = run(
        "-d", bakery, "export-complete", "-o", tmp_path / "set", "--prove", "--zip", "--json"
    )
    assert done.code == 0
    assert done.json["proved"] is True
    proof = json.loads((tmp_path / "set" / "manifest.json").read_text("utf-8"))["proof"]
    assert (proof["records"], proof["identical"]) == (776, True)
    assert run("validate-export", tmp_path / "set").code == 0
    assert (
        run("-d", bakery, "import-complete", tmp_path / "set", "--json").json["summary"][
            "unchanged"
        ]
        == 776
    )


def test_what_cannot_be_restored_is_no_backup_and_leaves_nothing(
    run: Run, bakery: str, tmp_path: Path, core: Bakeio
) -> None:
    class Forgetful:
        """A plugin that exports purchases of a product it leaves out."""

        from bakeio_core import hookimpl

        @hookimpl
        def bakeio_export_records(self, db: Any, entity: Any) -> Any:
            return (
                iter([[{"id": 1, "slug": "one", "name": "One"}]])
                if entity.name == "suppliers"
                else None
            )

    broken = Bakeio.discover(plugins=[Forgetful()])
    engine = connect(bakery)
    with engine.connect() as db, pytest.raises(Exception, match="not a backup") as error:
        broken.export_complete(db, tmp_path / "set", prove=True)
    engine.dispose()
    assert getattr(error.value, "code", None) == "checksum-mismatch"
    assert list(tmp_path.glob("*set*")) == []
