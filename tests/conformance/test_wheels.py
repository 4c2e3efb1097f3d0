"""Packages as wheels that are really built, in an environment that has bakeio alone."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from support.plugins import Environment

PLUGINS = Path(__file__).parents[2] / "plugins"
ENTITIES = ["suppliers", "ingredients", "products", "purchases", "inventory_items"]
VIEWS = ["ingredients", "inventory", "products", "purchases", "suppliers"]
OF_RECIPES = ["ingredient_densities", "recipe_components", "recipe_ingredients", "recipes"]


def listed(environment: Environment) -> tuple[list[str], list[str]]:
    """The entities in import order, and the views."""
    entities = environment.bakeio("entities", "--json").json
    assert entities["disabled"] == {}
    views = environment.bakeio("views", "--json").json["views"]
    return [e["name"] for e in entities["entities"]], [view["name"] for view in views]


def rows(database: Path, *tables: str) -> dict[str, list[Any]]:
    db = sqlite3.connect(database)
    found = {name: db.execute(f"SELECT * FROM {name} ORDER BY id").fetchall() for name in tables}
    db.close()
    return found


def test_a_wheel_of_recipes_comes_carries_its_rows_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what hides the packages of the repository from other tests would hide the wheel too
    monkeypatch.delenv("PYTHONPATH", raising=False)
    alone = Environment.alone(tmp_path)
    assert listed(alone) == (ENTITIES, VIEWS)
    build = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", tmp_path / "wheels"]
    alone.pip("wheel", *build, PLUGINS / "bakeio-recipes")
    (wheel,) = (tmp_path / "wheels").glob("bakeio_recipes-*.whl")
    alone.pip("install", "--no-deps", "--no-index", wheel)

    entities, views = listed(alone)
    assert sorted({*entities} - {*ENTITIES}) == OF_RECIPES
    assert {*entities} >= {*ENTITIES}
    assert sorted(views) == sorted([*VIEWS, "recipe_costs", "recipes"])

    a, b, folder = tmp_path / "a.db", tmp_path / "b.db", tmp_path / "set"
    assert alone.bakeio("-d", a, "init", "--sample").code == 0
    assert alone.bakeio("-d", a, "export-complete", "-o", folder).code == 0
    files = json.loads((folder / "manifest.json").read_text("utf-8"))["files"]
    order = {item["entity_type"]: item["import_order"] for item in files}
    assert order["ingredients"] < order["recipes"] < order["recipe_ingredients"]
    assert alone.bakeio("-d", b, "import-complete", folder).code == 0
    assert rows(b, *ENTITIES, *OF_RECIPES) == rows(a, *ENTITIES, *OF_RECIPES)

    alone.pip("uninstall", "--yes", "bakeio-recipes")
    assert listed(alone) == (ENTITIES, VIEWS)
    c = tmp_path / "c.db"
    refused = alone.bakeio("-d", c, "import-complete", folder)
    assert refused.code == 1 and not c.exists()
    assert "pip install bakeio-recipes" in refused.err + refused.out
    without = [word for name in OF_RECIPES for word in ("--without", name)]
    assert alone.bakeio("-d", c, "import-complete", folder, *without).code == 0
    assert rows(c, *ENTITIES) == rows(a, *ENTITIES)
