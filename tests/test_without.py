"""Sets know their makers, and are imported without some of their entities."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.commands import Run
from support.databases import rows_of, sql

from bakeio_core import Bakeio, UsageError, connect
from bakeio_core.version import VERSION


def manifest_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text("utf-8"))  # type: ignore[no-any-return]


def ovens(folder: Path, needs: str = "suppliers", **declared: object) -> None:
    """Add a file of an entity that nobody here knows, as a package would have written it."""
    name, manifest = "06_ovens.json", manifest_of(folder)
    header = {"file_version": "1.0", "entity_type": "ovens", "export_id": manifest["export_id"]}
    (folder / name).write_text(json.dumps({**header, "records": [{"id": 1}]}), "utf-8")
    entry = {"filename": name, "entity_type": "ovens", "record_count": 1, "import_order": 6}
    manifest["files"].append({**entry, "checksum_sha256": "", "dependencies": [needs], **declared})
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def test_a_manifest_names_the_package_that_declares_each_entity(folder: Path) -> None:
    made = {(f["distribution"], f["distribution_version"]) for f in manifest_of(folder)["files"]}
    assert made == {("bakeio", VERSION)}


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({}, '"ovens" is not installed. Install its plugin. To import the rest: '),
        (
            {"distribution": "bakeio-ovens", "distribution_version": "2.1"},
            "bakeio-ovens 2.1 declared it where the set was written: if you trust that, pip "
            "install bakeio-ovens. To import the rest: --without ovens",
        ),
        ({"distribution": "bakeio"}, f"here version {VERSION} is installed: see bakeio plugins"),
        ({"distribution": "x; rm -rf /", "distribution_version": 4}, "Install its plugin."),
        ({"distribution": ["x"], "distribution_version": "y" * 900}, "Install its plugin."),
    ],
)
def test_what_is_not_installed_is_told_with_the_package_that_declared_it(
    core: Bakeio, folder: Path, declared: dict[str, Any], said: str
) -> None:
    ovens(folder, **declared)
    told = [p for p in core.open(folder).problems if p.code == "unknown-entity"]
    assert [problem.severity for problem in told] == ["error"]
    assert said in str(told[0])


def test_the_rest_is_imported_without_a_stranger(
    run: Run, folder: Path, tmp_path: Path, sample: Path
) -> None:
    ovens(folder)
    done = run("-d", tmp_path / "new.db", "import-complete", folder)
    assert (done.code, "--without ovens [unknown-entity]" in done.out) == (1, True)
    done = run("-d", tmp_path / "new.db", "import-complete", folder, "--without", "ovens")
    assert done.code == 0
    assert rows_of(tmp_path / "new.db") == rows_of(sample)


def test_what_needs_a_stranger_that_is_left_out_goes_with_it(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    ovens(folder, needs="products")
    done = run(
        *("-d", tmp_path / "new.db", "import-complete", folder, "--without", "products", "--json")
    )
    assert done.code == 0
    assert set(done.json["entities"]) == {"suppliers", "ingredients"}
    (note,) = done.json["problems"]
    assert note["message"] == (
        "purchases, inventory_items and ovens are left out as well: without products there is "
        "nothing that the rows could refer to"
    )


def test_references_that_may_be_empty_are_left_out_and_nothing_there_is_touched(
    run: Run, folder: Path, new_database: Callable[[], str], bakery: str
) -> None:
    new = new_database()
    without = ("import-complete", folder, "--without", "purchases", "--json")
    done = run("-d", new, *without)
    assert done.json["summary"]["created"] == 8 + 134 + 84 + 150
    (note,) = done.json["problems"]
    assert (note["file"], note["field"]) == ("05_inventory_items.json", "purchase_id")
    assert sql(new, "SELECT count(*), count(purchase_id) FROM inventory_items") == [(150, 0)]
    before = rows_of(bakery)
    again = run("-d", bakery, *without)
    assert again.json["summary"]["unchanged"] == 8 + 134 + 84 + 150
    assert rows_of(bakery) == before
    dry = run("-d", new, *without, "--mode", "replace", "--yes", "--dry-run")
    assert dry.json["summary"]["unchanged"] == 8 + 134 + 84 + 150


def test_only_entities_of_a_set_can_be_left_out(
    run: Run, folder: Path, sample: Path, tmp_path: Path, core: Bakeio
) -> None:
    done = run("-d", sample, "import-complete", folder, "--without", "recipes")
    assert (done.code, "has no entity" in done.err) == (2, True)
    view = tmp_path / "view.json"
    run("-d", sample, "export-view", "products", "-o", view)
    done = run("-d", sample, "import", view, "--without", "products")
    assert done.code == 2
    assert "--without leaves out entities of a set, and view.json is none" in done.err
    source = core.open(folder, without=["purchases"])
    assert [part.entity.name for part in source.parts][-1] == "inventory_items"
    with (
        connect(sample).connect() as db,
        pytest.raises(UsageError, match=r"give without to open\(\)"),
    ):
        core.import_complete(db, source, without=["purchases"])
