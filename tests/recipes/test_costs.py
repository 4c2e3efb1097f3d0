"""What recipes cost, held against calculations by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text
from support.recipes import put, shelves, with_recipes

from bakeio_core import Bakeio, connect

FLOUR, SUGAR, MILK, EGGS, BUTTER, SAFFRON, VANILLA = range(1, 8)
BOUGHT = [
    ("Flour", 8, 10, "kg"),  # 0.0008 a gram
    ("Sugar", 3, 2, "kg"),  # 0.0015 a gram
    ("Milk", 1.2, 1, "L"),  # 0.0012 a milliliter
    ("Eggs", 9, 30, "ct"),  # 0.30 an egg
    ("Butter", 5, 1, "lb"),  # 5 / 453.59237 a gram
    ("Saffron", 0, 1, "g"),  # never bought
    ("Vanilla", 30, 10, "bag"),
]
DOUGH, CREAM, TART, CAKE, PARTY, BARE, LOOP, POOL, ODD = range(1, 10)
RECIPES = {
    DOUGH: ("Dough", 1, "kg"),
    CREAM: ("Cream", 500, "g"),
    TART: ("Tart", 8, "each"),
    CAKE: ("Cake", 2, "dozen"),
    PARTY: ("Party", None, None),
    BARE: ("Bare", 1, "each"),
    LOOP: ("Loop", 1, "each"),
    POOL: ("Pool", 1, "each"),
    ODD: ("Odd", 1, "each"),
}
LINES: dict[int, list[tuple[int, float, str]]] = {
    # 300 g x .0008 + 2 cups of 120 g x .0008 + 0.5 lb x 5 + 2 eggs x .30 = .24 + .192 + 2.5 + .6
    DOUGH: [(FLOUR, 300, "g"), (FLOUR, 2, "cups"), (BUTTER, 0.5, "lb"), (EGGS, 2, "each")],
    # 2 cups of 236.5882365 ml x .0012 = .5678117676; 4 tbsp of 12.5 g x .0015 = .075; 3 eggs
    CREAM: [(MILK, 2, "Cup"), (SUGAR, 4, "Tbsp."), (EGGS, 0.25, "dozen")],
    TART: [(SUGAR, 1, "oz")],  # 28.349523125 g x .0015 = .0425242846875
    CAKE: [(FLOUR, 1, "kg"), (BUTTER, 1, "stick")],  # .8 + 113 g x 5 / 453.59237 = 1.245612...
    PARTY: [(EGGS, 1, "dozen")],
    LOOP: [(EGGS, 1, "each")],
    ODD: [(SAFFRON, 1, "pinch"), (VANILLA, 10, "g"), (MILK, 1, "kg"), (EGGS, 1, "each")],
}
COMPONENTS: dict[int, list[tuple[int, float, str | None]]] = {
    TART: [(DOUGH, 250, "g"), (CREAM, 0.5, "batch")],
    CAKE: [(CREAM, 250, "g")],
    PARTY: [(TART, 12, "each"), (CAKE, 1, None)],
    LOOP: [(POOL, 1, None)],
    POOL: [(LOOP, 1, None)],
    ODD: [(PARTY, 100, "g"), (DOUGH, 1, "cup"), (LOOP, 1, None)],
}


def cook(db: Connection, core: Bakeio) -> None:
    """Write the bakery of the calculations."""
    shelves(db, core, *BOUGHT)
    weights = [(FLOUR, 1, "cup", 120, "g"), (SUGAR, 1, "cup", 200, "g")]
    for ingredient, quantity, unit, weight, of in [*weights, (BUTTER, 1, "stick", 113, "g")]:
        known = {"quantity": quantity, "unit": unit, "weight": weight, "weight_unit": of}
        put(db, core, "ingredient_densities", {"ingredient_id": ingredient} | known)
    for number, (name, quantity, unit) in RECIPES.items():
        given = {"id": number, "slug": name.lower(), "name": name}
        put(db, core, "recipes", given | {"yield_quantity": quantity, "yield_unit": unit})
    for recipe, lines in LINES.items():
        for of, quantity, unit in lines:
            line = {"recipe_id": recipe, "quantity": quantity, "unit": unit}
            put(db, core, "recipe_ingredients", line | {"ingredient_id": of})
    for recipe, components in COMPONENTS.items():
        for of, quantity, measure in components:
            nested = {"recipe_id": recipe, "quantity": quantity, "unit": measure}
            put(db, core, "recipe_components", nested | {"component_recipe_id": of})


@pytest.fixture(scope="module")
def core() -> Bakeio:
    return with_recipes()


@pytest.fixture
def engine(new_database: Callable[[], str], core: Bakeio) -> Iterator[Engine]:
    made = connect(new_database())
    with made.begin() as db:
        core.create_tables(db)
        cook(db, core)
    yield made
    made.dispose()


def export(core: Bakeio, engine: Engine, path: Path, view: str = "recipes") -> dict[str, Any]:
    with engine.begin() as db:
        core.export_view(db, view, path, force=True)
    document = json.loads(path.read_text("utf-8"))
    return {r["recipe_slug"]: r for r in document["records"]}


def test_costs_are_those_of_a_calculation_by_hand(
    core: Bakeio, engine: Engine, tmp_path: Path
) -> None:
    records = export(core, engine, tmp_path / "recipes.json")
    costs = {name: (r["cost_per_batch"], r["cost_per_unit"]) for name, r in records.items()}
    assert costs["dough"] == (3.532, 3.532)  # a kilogram
    assert costs["cream"] == (1.5428, 0.003086)  # .5678117676 + .075 + .9, a gram
    # .0425242846875 + 3.532 / 4 + 1.5428117676 / 2 = 1.6969301684875
    assert costs["tart"] == (1.6969, 0.212116)
    # .8 + 1.24561178... + 1.5428117676 / 2 = 2.8170176..., half of it a dozen
    assert costs["cake"] == (2.817, 1.408509)
    # 12 x .30 + 1.5 x 1.6969301684875 + 2.8170176... = 8.9624128...
    assert costs["party"] == (8.9624, None)
    lines = {i["component_recipe_slug"]: i["cost"] for i in records["party"]["components"]}
    assert lines == {"tart": 2.5454, "cake": 2.817}
    assert [i["cost"] for i in records["dough"]["ingredients"]] == [0.24, 0.192, 2.5, 0.6]


def test_what_has_no_price_density_or_yield_is_said_and_not_guessed(
    core: Bakeio, engine: Engine, tmp_path: Path
) -> None:
    records = export(core, engine, tmp_path / "recipes.json")
    assert records["party"]["cost_gaps"] == "yield_quantity is not known"
    assert records["bare"]["cost_gaps"] == "nothing is in it"
    assert records["loop"]["cost_gaps"] == "it contains itself: Loop > Pool > Loop"
    assert records["odd"]["cost_per_batch"] is None
    assert records["odd"]["cost_gaps"].split("; ") == [
        "Saffron: no purchase of it",
        "Vanilla: bought by bag, used by g, and what bag of it weighs is not known",
        "Milk: bought by L, used by kg, and what L of it weighs is not known",
        "Party: used by g, and its yield is not known",
        "Dough: used by cup, and its yield is in kg",
        "Loop > it contains itself: Loop > Pool > Loop",
    ]
    assert records["dough"]["cost_gaps"] is None


def test_a_batch_takes_what_all_of_its_recipes_take(
    core: Bakeio, engine: Engine, tmp_path: Path
) -> None:
    with engine.begin() as db:
        for product, quantity in ((FLOUR, 2), (FLOUR, 0.5), (EGGS, 24)):
            put(db, core, "inventory_items", {"product_id": product, "quantity": quantity})
    takes = export(core, engine, tmp_path / "costs.json", "recipe_costs")["tart"]["takes"]
    assert {t["ingredient_slug"]: (t["quantity"], t["unit"], t["in_stock"]) for t in takes} == {
        "sugar": (53.349523, "g", 0),  # 1 oz + half of 4 tbsp of 12.5 g
        "flour": (135, "g", 2500),
        "butter": (56.699046, "g", 0),
        "eggs": (2, "each", 24),
        "milk": (236.588237, "ml", 0),
    }


def test_the_last_purchase_counts_whatever_the_product(
    core: Bakeio, engine: Engine, tmp_path: Path
) -> None:
    with engine.begin() as db:
        other = {"id": 50, "slug": "fine", "ingredient_id": FLOUR, "package_unit": "g"}
        put(db, core, "products", other | {"package_unit_quantity": 500, "is_hidden": True})
        bill = {"product_id": 50, "supplier_id": 1, "unit_price": 1, "quantity_purchased": 1}
        for day in ("2026-01-04", "2026-01-06"):
            db.execute(
                text(
                    "INSERT INTO purchases (product_id, supplier_id, unit_price, "
                    "quantity_purchased, purchase_date) VALUES (:product_id, :supplier_id, "
                    f":unit_price, :quantity_purchased, '{day}')"
                ),
                bill,
            )
    lines = export(core, engine, tmp_path / "recipes.json")["dough"]["ingredients"]
    assert lines[0]["cost"] == 0.6  # 300 g of 500 g for 1


def test_costs_take_as_many_statements_for_one_recipe_as_for_many(
    core: Bakeio, engine: Engine, tmp_path: Path
) -> None:
    said: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    counts = []
    for number in (100, 500):
        said.clear()
        records = export(core, engine, tmp_path / "recipes.json")
        counts.append(sum(word in s for s in said for word in ("purchase", "recipe_ingredients")))
        with engine.begin() as db:
            for n in range(number, 500):
                put(db, core, "recipes", {"id": n, "slug": f"r{n}", "name": f"R{n}"})
                inner = max(n - 1, 100) if n > 100 else DOUGH
                nested = {"recipe_id": n, "component_recipe_id": inner, "quantity": 1}
                put(db, core, "recipe_components", nested)
    assert counts[0] == counts[1]
    assert records["r499"]["cost_per_batch"] == 3.532, "through four hundred recipes"
