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
