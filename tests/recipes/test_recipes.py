"""Recipes as a file: out, edited with their lines, and back in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy import Engine, text
from support.recipes import with_recipes

from bakeio_core import Bakeio, ImportRefused, Report, connect
from bakeio_core.catalog.schema import view_schema
from bakeio_core.database.connect import begin_read, begin_write


@pytest.fixture(scope="module")
def core() -> Bakeio:
    return with_recipes()


@pytest.fixture
def engine(new_database: Callable[[], str], core: Bakeio) -> Iterator[Engine]:
    made = connect(new_database())
    with begin_write(made) as db:
        core.create_tables(db)
        core.load_sample(db)
    yield made
    made.dispose()


class Kitchen:
    """Export, edit and import the recipes of a database."""

    def __init__(self, core: Bakeio, engine: Engine, folder: Path) -> None:
        self.core, self.engine, self.path = core, engine, folder / "recipes.json"

    def export(self, view: str = "recipes") -> dict[str, Any]:
        with begin_read(self.engine) as db:
            self.core.export_view(db, view, self.path, force=True)
        return json.loads(self.path.read_text("utf-8"))  # type: ignore[no-any-return]

    def take(self, document: dict[str, Any], **options: Any) -> Report:
        self.path.write_text(json.dumps(document), "utf-8")
        with begin_write(self.engine) as db:
            return self.core.import_(db, self.path, **options)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with self.engine.begin() as db:
            return [tuple(row) for row in db.execute(text(statement))]


@pytest.fixture
def kitchen(core: Bakeio, engine: Engine, tmp_path: Path) -> Kitchen:
    return Kitchen(core, engine, tmp_path)


def recipe(document: dict[str, Any], slug: str) -> dict[str, Any]:
    return next(record for record in document["records"] if record["recipe_slug"] == slug)


def test_the_sample_has_recipes_and_unedited_files_change_nothing(
    kitchen: Kitchen, core: Bakeio, tmp_path: Path
) -> None:
    costs = kitchen.export("recipe_costs")
    report = kitchen.take(costs)
    assert (report.summary["unchanged"], report.problems) == (25, [])
    document = kitchen.export()
    jsonschema.validate(document, view_schema(core.view("recipes"), core.catalog))
    report = kitchen.take(document)
    assert (report.summary["unchanged"], report.problems) == (157, [])
    unknown = [r["recipe_slug"] for r in document["records"] if r["cost_per_batch"] is None]
    assert unknown == [r["recipe_slug"] for r in document["records"] if r["cost_gaps"]]
    assert len(unknown) == 6
    with begin_read(kitchen.engine) as db:
        core.export_complete(db, tmp_path / "set")
    copy = connect(tmp_path / "copy.db")
    with begin_write(copy) as db:
        core.create_tables(db)
        report = core.import_complete(db, tmp_path / "set")
        again = core.import_complete(db, tmp_path / "set")
    copy.dispose()
    assert report.summary["created"] == again.summary["unchanged"] == 134 + 8 + 84 + 400 + 150 + 180


def test_lines_are_changed_added_and_removed_only_when_that_is_said(kitchen: Kitchen) -> None:
    document = kitchen.export()
    cookies, torte = (
        recipe(document, "chocolate_chip_cookies"),
        recipe(document, "cream_puff_torte"),
    )
    dough, rolled = [
        i for i in cookies["ingredients"] if i["ingredient_slug"] == "granulated_sugar"
    ]
    rolled["quantity"] = 3
    cookies["ingredients"].remove(dough)  # left out: it stays
    cookies["ingredients"].append({"ingredient_slug": "walnuts", "quantity": 1, "unit": "cup"})
    torte["components"][0]["_delete"] = True
    torte["components"][1]["component_recipe_slug"] = "frangipane"
    new = {
        "name": "Toast",
        "ingredients": [{"ingredient_slug": "rye_flour", "quantity": 1, "unit": "lb"}],
    }
    document["records"].append(new)
    before = dict(kitchen.sql("SELECT slug, id FROM recipes"))
    dry = kitchen.take(document, dry_run=True)
    report = kitchen.take(document)
    assert dry.summary == report.summary
    counts = {name: report.summary[name] for name in ("created", "updated", "deleted")}
    assert counts == {"created": 3, "updated": 2, "deleted": 1}
    cookie = f"recipe_id = {before['chocolate_chip_cookies']}"
    lines = kitchen.sql(f"SELECT count(*), sum(quantity) FROM recipe_ingredients WHERE {cookie}")
    assert [(count, float(total)) for count, total in lines] == [(11, 26.75)]
    again = kitchen.take(document)
    assert {again.summary[name] for name in ("created", "updated")} == {0}
    assert recipe(kitchen.export(), "toast")["cost_per_batch"] == 4.232


def test_a_sack_of_unknown_ingredients_keeps_the_file_out_and_names_them(
    kitchen: Kitchen,
) -> None:
    document = kitchen.export()
    line = recipe(document, "pie_dough")["ingredients"][0]
    line["ingredient_slug"] = "unicorn_flour"
    recipe(document, "apple_pie")["components"][0]["component_recipe_slug"] = "pie_doug"
    with pytest.raises(ImportRefused) as refused:
        kitchen.take(document)
    told = [str(problem) for problem in refused.value.problems if problem.severity == "error"]
    assert "ingredients, row 1 of record 1, ingredient_slug" in told[0]
    assert '"pie_doug"' in told[1]


def test_a_recipe_that_contains_itself_is_refused_or_said(kitchen: Kitchen) -> None:
    document = kitchen.export()
    pie = {"component_recipe_slug": "apple_pie", "quantity": 1}
    recipe(document, "pie_dough")["components"] = [pie]
    kitchen.take(document)
    found = recipe(kitchen.export(), "pie_dough")
    assert found["cost_gaps"] == "it contains itself: Pie Dough > Apple Pie > Pie Dough"
    document = kitchen.export()
    recipe(document, "frangipane")["components"] = [pie | {"component_recipe_slug": "frangipane"}]
    with pytest.raises(ImportRefused):
        kitchen.take(document)
