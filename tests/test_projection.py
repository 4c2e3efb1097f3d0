"""What a view shows of rows its own rows refer to: the same whether they are joined or remembered, whatever is computed of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import Ran
from sqlalchemy import JSON, BigInteger, Column, Float, ForeignKey, Integer, MetaData, Numeric, String, Table, func, literal
from sqlalchemy.engine import Engine

from bakeio_core import Bakeio, Entity, UsageError, View, connect, editable, hookimpl, identity_columns, key, readonly
from bakeio_core.database import begin_read, begin_write

Run = Callable[..., Ran]
VIEWS = ("products", "purchases", "inventory")


def exported(core: Bakeio, engine: Engine, view: str, path: Path, **narrowed: Any) -> list[dict[str, Any]]:
    with begin_read(engine) as db:
        core.export_view(db, core.view(view).narrow(everything=True, **narrowed), path)
    return list(json.loads(path.read_text("utf-8"))["records"])


@pytest.mark.parametrize("view", VIEWS)
def test_referred_rows_say_the_same_joined_and_remembered(filled: str, tmp_path: Path, core: Bakeio, view: str) -> None:
    engine = connect(filled)
    whole = exported(core, engine, view, tmp_path / "whole.json")
    assert len(whole) > 50
    assert exported(core, engine, view, tmp_path / "limited.json", limit=len(whole)) == whole  # joined: nothing is worth remembering
    engine.dispose()


class Orchard:
    """Trees and the plots they stand on, some on none; with columns of every kind `_rev` has to tell apart."""

    @hookimpl
    def bakeio_entities(self, metadata: MetaData) -> list[Entity]:
        plots = Table(
            "plots", metadata, *identity_columns(), Column("slug", String(20), nullable=False, unique=True), Column("soil", String(20))
        )
        trees = Table(
            "trees", metadata, *identity_columns(), Column("slug", String(20), nullable=False, unique=True),
            Column("plot_id", Integer, ForeignKey("plots.id")), Column("tags", JSON), Column("height", Float), Column("serial", BigInteger),
            Column("weight", Numeric(30, 10)), Column("notes", String(100)),
        )  # fmt: skip
        return [Entity(plots, keys=["slug"]), Entity(trees, keys=["slug"])]

    @hookimpl
    def bakeio_views(self) -> View:
        def share(tables: Mapping[str, Table]) -> Any:
            return literal("100 % of ") + tables["trees"].c.slug

        def ground(plot: Any) -> Any:
            return func.coalesce(plot.soil, "unknown") + literal(" (50 %)")

        stored = {name: editable(name) for name in ("tags", "height", "serial", "weight", "notes")}
        return View(
            name="trees", entity="trees",
            fields={"slug": key("slug"), "plot": editable("plot_id.slug"), "ground": readonly("plot_id", ground), "share": readonly(share), **stored},
        )  # fmt: skip


TREES: list[dict[str, Any]] = [
    {
        "slug": "oak",
        "plot": "north",
        "tags": ["old", 1],
        "height": 12.5,
        "serial": 2**60 + 1,
        "weight": 123456789.0123456789,
        "notes": None,
    },
    {"slug": "fir", "plot": "south", "tags": {"b": 1, "a": [None]}, "height": 3, "serial": 7, "weight": 5, "notes": "ä"},
    {"slug": "elm", "plot": None, "tags": None, "height": None, "serial": None, "weight": None, "notes": "-"},
    {"slug": "ash", "plot": "north", "tags": "one", "height": -0.25, "serial": -(2**53) - 1, "weight": -1.5, "notes": ""},
]


@pytest.fixture
def orchard() -> Bakeio:
    return Bakeio.discover(plugins=[Orchard()])


@pytest.fixture
def planted(new_database: Callable[[], str], orchard: Bakeio) -> Iterator[Engine]:
    engine = connect(new_database())
    tables = orchard.catalog.metadata.tables
    with begin_write(engine) as db:
        orchard.create_tables(db)
        db.execute(
            tables["plots"].insert(),
            [{"id": n, "uuid": f"{n:036}", "slug": s, "soil": o} for n, s, o in ((1, "north", "clay"), (2, "south", None))],
        )
        plots = {"north": 1, "south": 2, None: None}
        rows = [{**tree, "id": n, "uuid": f"{n:036}", "plot_id": plots[tree["plot"]]} for n, tree in enumerate(TREES, 1)]
        db.execute(tables["trees"].insert(), [{name: value for name, value in row.items() if name != "plot"} for row in rows])
    yield engine
    engine.dispose()


@pytest.mark.parametrize("narrowed", [{}, {"limit": 4}], ids=["remembered", "joined"])
def test_what_is_computed_of_a_referred_row_is_null_where_there_is_none(
    planted: Engine, orchard: Bakeio, tmp_path: Path, narrowed: dict[str, Any]
) -> None:
    records = exported(orchard, planted, "trees", tmp_path / "t.json", **narrowed)
    assert [record["ground"] for record in records] == ["clay (50 %)", "unknown (50 %)", None, "clay (50 %)"]
    assert [record["plot"] for record in records] == ["north", "south", None, "north"]
    assert [record["share"] for record in records] == [f"100 % of {tree['slug']}" for tree in TREES]


def test_an_unedited_view_of_every_kind_of_column_changes_nothing_and_an_edit_of_each_is_applied(
    planted: Engine, orchard: Bakeio, tmp_path: Path
) -> None:
    path = tmp_path / "t.json"
    exported(orchard, planted, "trees", path)
    with begin_write(planted) as db:
        assert orchard.import_(db, path).summary["unchanged"] == len(TREES)
    document = json.loads(path.read_text("utf-8"))
    edits = {"tags": ["new"], "height": 12.75, "serial": 2**60 + 2, "weight": 5.5, "notes": "mine", "plot": "south"}
    for record, (field, value) in zip([document["records"][0]] * len(edits), edits.items(), strict=True):
        record[field] = value
    path.write_text(json.dumps(document), "utf-8")
    with begin_write(planted) as db:
        report = orchard.import_(db, path)
    assert (report.summary["updated"], report.summary["unchanged"], report.summary["conflicts"]) == (1, 3, 0)
    assert {name: exported(orchard, planted, "trees", path)[0][name] for name in edits} == edits


@pytest.mark.parametrize(
    ("field", "in_file", "in_database"),
    [("serial", 2**60 + 2, 2**60 + 3), ("height", 12.75, 13.0), ("notes", "a", "b"), ("tags", ["a"], ["b"])],
)
def test_an_edit_on_both_sides_is_a_conflict_in_every_kind_of_column(
    planted: Engine, orchard: Bakeio, tmp_path: Path, field: str, in_file: Any, in_database: Any
) -> None:
    path = tmp_path / "t.json"
    exported(orchard, planted, "trees", path)
    trees = orchard.catalog.metadata.tables["trees"]
    with begin_write(planted) as db:
        db.execute(trees.update().where(trees.c.id == 1).values({field: in_database}))
    document = json.loads(path.read_text("utf-8"))
    document["records"][0][field] = in_file
    path.write_text(json.dumps(document), "utf-8")
    with begin_write(planted) as db:
        plan = orchard.plan(db, path)
    assert plan.report.summary["conflicts"] == 1


def test_a_rev_of_another_layout_means_a_two_way_merge_that_says_so(planted: Engine, orchard: Bakeio, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    exported(orchard, planted, "trees", path)
    document = json.loads(path.read_text("utf-8"))
    for record in document["records"]:
        record["_rev"] = "Gix7tFR6VkEp++DYpXuxHyWgeg/1j0c7n0d2bG9y"
    document["records"][0]["notes"] = "mine"
    path.write_text(json.dumps(document), "utf-8")
    with begin_write(planted) as db:
        report = orchard.import_(db, path)
    assert (report.summary["updated"], report.summary["unchanged"]) == (1, 3)
    assert ["_rev" in problem.message for problem in report.problems] == [True]


def test_a_row_to_compute_from_must_be_led_to_by_a_foreign_key() -> None:
    class Wrong(Orchard):
        @hookimpl
        def bakeio_views(self) -> View:
            return View(name="trees", entity="trees", fields={"slug": key("slug"), "x": readonly("notes", lambda row: row.soil)})

    core = Bakeio.discover(plugins=[Wrong()])
    assert any("notes is no foreign key, so it leads to no row to compute from" in line for line in core.broken())
    with pytest.raises(UsageError):
        core.view("trees")
