"""A view as a package of its own: really built, really installed by pip into a fresh environment,
and gone when uninstalled.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.plugins import Environment

PACKAGE = Path(__file__).parent.parent / "plugins" / "bakeio-view-reorder"

BUNDLED = ["ingredients", "inventory", "products", "purchases", "suppliers"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment that sees bakeio and what it needs, but no installed reorder view."""
    yield Environment.alone(tmp_path_factory.mktemp("alone"))


def views(environment: Environment) -> list[str]:
    return [view["name"] for view in environment.bakeio("views", "--json").json["views"]]


def test_the_reorder_view_is_there_when_installed_and_gone_when_uninstalled(
    alone: Environment, tmp_path: Path
) -> None:
    assert views(alone) == BUNDLED
    alone.pip("install", "--no-deps", "--no-build-isolation", "--no-index", PACKAGE)
    assert views(alone) == sorted([*BUNDLED, "reorder"])
    database, file = tmp_path / "a.db", tmp_path / "view_reorder.json"
    assert alone.bakeio("-d", database, "init", "--sample").code == 0
    assert alone.bakeio("-d", database, "export-view", "reorder", "-o", file).code == 0
    document = json.loads(file.read_text("utf-8"))
    record = next(
        item
        for item in document["records"]
        if item["supplier_name"] == "Costco" and item["last_price"]
    )
    assert list(record) == [
        "product_slug",
        "ingredient_slug",
        "in_stock",
        "last_price",
        "last_supplier",
        "supplier_name",
        "notes",
        "_rev",
    ]
    assert alone.bakeio("-d", database, "import-view", file).code == 0
    record |= {"supplier_name": "Wegmans", "notes": "nearer"}
    file.write_text(json.dumps(document), "utf-8")
    done = alone.bakeio("-d", database, "import-view", file, "--json")
    assert done.code == 0
    assert done.json["summary"]["updated"] == 1
    assert done.json["summary"]["unchanged"] == len(document["records"]) - 1
    connection = sqlite3.connect(database)
    sql = (
        "SELECT s.name, p.notes FROM products p JOIN suppliers s ON s.id = "
        "p.preferred_supplier_id WHERE p.slug = ?"
    )
    assert connection.execute(sql, (record["product_slug"],)).fetchone() == ("Wegmans", "nearer")
    connection.close()
    alone.pip("uninstall", "--yes", "bakeio-view-reorder")
    assert views(alone) == BUNDLED
    assert alone.bakeio("-d", database, "import-view", file).code == 1
