"""Events: what must be baked, what the stock is enough for, and files that come back."""

from __future__ import annotations

import datetime
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine
from support.recipes import RECIPES, put, shelves, with_packages

from bakeio_core import Bakeio, connect
from bakeio_core.testing import faults_of

EVENTS = ["events", "finished_goods", "view_events", "view_finished_goods", "view_packages"]
MODULES = [f"bakeio_events.{name}" for name in EVENTS]
FILES = Path(__file__).resolve().parents[3] / "shared" / "data" / "bake-tracker-files"


@pytest.fixture(scope="module")
def core() -> Bakeio:
    return with_packages(*(f"bakeio_recipes.{name}" for name in RECIPES), *MODULES)


@pytest.fixture
def engine(tmp_path: Path, core: Bakeio) -> Iterator[Engine]:
    made = connect(tmp_path / "events.db")
    with made.begin() as db:
        core.create_tables(db)
    yield made
    made.dispose()


def party(db: Connection, core: Bakeio) -> None:
    """One event: a box of six buns for each of two guests; buns are 12 a batch of 600 g flour."""
    shelves(db, core, ("Flour", 2.0, 1000, "g"))
    put(db, core, "inventory_items", {"product_id": 1, "quantity": 1500})
    bun = {"id": 1, "slug": "bun", "name": "Bun", "yield_quantity": 12, "yield_unit": "each"}
    put(db, core, "recipes", bun)
    flour = {"recipe_id": 1, "ingredient_id": 1, "quantity": 600, "unit": "g"}
    put(db, core, "recipe_ingredients", flour)
    put(db, core, "recipients", {"id": 1, "slug": "ann", "name": "Ann"})
    put(db, core, "recipients", {"id": 2, "slug": "bob", "name": "Bob"})
    day = datetime.date(2026, 12, 24)
    put(db, core, "events", {"id": 1, "slug": "xmas", "name": "Christmas", "event_date": day})
    put(db, core, "finished_goods", {"id": 1, "slug": "six", "name": "Six buns"})
    put(db, core, "finished_goods", {"id": 2, "slug": "air", "name": "Air"})
    six = {"finished_good_id": 1, "recipe_id": 1, "quantity": 6, "unit": "each"}
    put(db, core, "finished_good_items", six)
    put(db, core, "packages", {"id": 1, "slug": "box", "name": "Box"})
    put(db, core, "package_items", {"package_id": 1, "finished_good_id": 1, "quantity": 1})
    for guest in (1, 2):
        given = {"event_id": 1, "recipient_id": guest, "package_id": 1, "quantity": guest}
        put(db, core, "event_assignments", given)


def view_of(core: Bakeio, db: Connection, name: str, folder: Path) -> list[dict[str, Any]]:
    core.export_view(db, name, folder / f"{name}.json")
    document = json.loads((folder / f"{name}.json").read_text("utf-8"))
    return document["records"]  # type: ignore[no-any-return]


def test_an_event_says_what_must_be_baked_and_goods_how_many_the_stock_is_enough_for(
    core: Bakeio, engine: Engine, tmp_path: Path
) -> None:
    with engine.connect() as db:
        party(db, core)
        (event,) = view_of(core, db, "events", tmp_path)
        # one box and two boxes, six buns each: 18 of 12
        bun = {"recipe_slug": "bun", "recipe_name": "Bun", "batches": 1.5}
        assert (event["must_bake"], event["gaps"]) == ([bun], None)
        assert [a["recipient_slug"] for a in event["assignments"]] == ["ann", "bob"]
        six, air = view_of(core, db, "finished_goods", tmp_path)
        # 1500 g of flour, 300 g for six
        assert (six["can_be_made"], six["gaps"]) == (5, None)
        assert (air["can_be_made"], air["gaps"]) == (None, "nothing is in it")
        put(
            *(db, core, "finished_good_items"),
            {"finished_good_id": 2, "recipe_id": 1, "quantity": 1, "unit": "cup"},
        )
        put(db, core, "package_items", {"package_id": 1, "finished_good_id": 2, "quantity": 1})
        (event,) = view_of(core, db, "events", tmp_path)
        assert event["gaps"] == "Bun: used by cup, and its yield is in each"


def test_assignments_are_changed_added_and_removed_in_the_file(
    core: Bakeio, engine: Engine, tmp_path: Path
) -> None:
    with engine.connect() as db:
        party(db, core)
        view_of(core, db, "events", tmp_path)
        path = tmp_path / "events.json"
        document = json.loads(path.read_text("utf-8"))
        ann, bob = document["records"][0]["assignments"]
        ann["quantity"] = 4
        bob["_delete"] = True
        path.write_text(json.dumps(document), "utf-8")
        core.import_(db, path)
        (event,) = view_of(core, db, "events", tmp_path / "..")
        assert [(a["recipient_slug"], a["quantity"]) for a in event["assignments"]] == [("ann", 4)]
        assert event["must_bake"][0]["batches"] == 2


def test_without_recipes_it_says_what_to_install() -> None:
    alone = with_packages(*MODULES)
    why = "recipe_id refers to recipes, which is not installed. bakeio-recipes brings it"
    assert alone.catalog.disabled["finished_good_items"].startswith(why)
    assert {"events", "packages"} <= alone.catalog.views.keys()
    told = [line for line in alone.broken() if "finished_good_items" in line]
    assert len(told) == 1 and told[0].endswith("also disabled: view finished_goods")


def test_the_package_conforms() -> None:
    given = [importlib.import_module(f"bakeio_recipes.{name}") for name in RECIPES]
    given += [importlib.import_module(name) for name in MODULES]
    checks = ["declarations", "restores", "unedited", "undo", "statements"]
    assert faults_of(*given, checks=checks) == {}


@pytest.mark.skipif(not FILES.is_dir(), reason="bake-tracker's files are not here")
def test_old_events_and_what_is_given_there_land_in_their_entities(
    core: Bakeio, engine: Engine
) -> None:
    with engine.connect() as db:
        core.catalog.views.pop("reorder", None)
        report = core.import_(db, FILES / "single_4x.json", skip_errors=True)
        created = {name: counts["created"] for name, counts in report.entities.items()}
        wanted = {"recipients": 3, "events": 2, "finished_goods": 20, "packages": 2}
        assert {name: created[name] for name in wanted} == wanted
        assert created["finished_good_items"] == 20
        # it has two events and two packages of one name, and names them by that alone
        asked = {p.entity: p.count for p in report.problems if p.code == "ambiguous-key"}
        assert asked == {"event_assignments": 3, "package_items": 2}
        made = "SELECT r.slug, i.quantity FROM finished_good_items i JOIN recipes r ON r.id = "
        (slug, batches), *_ = db.exec_driver_sql(f"{made} i.recipe_id ORDER BY i.id").all()
        assert (slug, float(batches)) == ("almond_biscotti", 1)


@pytest.mark.parametrize("entity", ["recipients", "finished_goods", "packages"])
def test_what_is_given_by_its_name_alone_is_there_the_second_time(
    core: Bakeio, engine: Engine, tmp_path: Path, entity: str
) -> None:
    path = tmp_path / "some.json"
    path.write_text(json.dumps({"entity_type": entity, "records": [{"name": "Ann"}]}), "utf-8")
    with engine.connect() as db:
        done = [core.import_(db, path).summary for _ in range(2)]
    assert [(one["created"], one["unchanged"]) for one in done] == [(1, 0), (0, 1)]
