"""Plugins come, break and go: really installed ones, in an environment of their own."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, ForeignKey, Integer, MetaData, String, Table
from support.commands import Ran, Run
from support.files import resign
from support.plugins import Environment

from bakeio_core import (
    Bakeio,
    Change,
    Changes,
    Decision,
    Entity,
    ImportRefused,
    Missing,
    PluginError,
    UsageError,
    connect,
    hookimpl,
    identity_columns,
)

STANDARD = ["suppliers", "ingredients", "products", "purchases", "inventory_items"]

FAILED = {  # plugin: what its reason must say
    "absent": "bakeio_broken.absent",
    "careless": "RuntimeError: the oven is cold .*careless.py",
    "crosseyed": '"colours".*"?colour"? is not a column of suppliers',
    "explodes": "ZeroDivisionError: dividing the dough by nobody .*explodes.py",
    "misspelt": "bakeio_entitites .*did you mean bakeio_entities",
    "nonsense": "bakeio_entities returned int, not an Entity",
    "quits": "SystemExit",
    "unmarked": "bakeio_entities.*@hookimpl",
}
DISABLED = {  # plugin: the entities it declares in vain, and why
    "circle": {
        "hens": "cycle.*(hens -> eggs|eggs -> hens)",
        "eggs": "cycle.*(hens -> eggs|eggs -> hens)",
    },
    "homeless": {"trays": "rack_id refers to racks, which is not installed"},
}
BROKEN = [*FAILED, *DISABLED]
TWINS = {"twin": "suppliers", "twin_with_own_tables": "ingredients"}
"""Plugins that declare an entity another one declares: {plugin: entity}."""
WITHOUT_TWINS = [word for name in TWINS for word in ("--block", name)]


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with every broken plugin, and a good one."""
    made = Environment.make(tmp_path_factory.mktemp("broken") / "env")
    made.install("broken", "ovens")
    return made


@dataclass
class Listed:
    """What `plugins --json` and `entities --json` say."""

    plugins: dict[str, dict[str, Any]]
    entities: list[str]
    disabled: dict[str, str]


def listed(environment: Environment, *block: str) -> Listed:
    options = [word for name in block for word in ("--block", name)]
    plugins, entities = (
        environment.bakeio(*options, "plugins", "--json"),
        environment.bakeio(*options, "entities", "--json"),
    )
    assert (plugins.code, entities.code) == (0, 0)
    by_name = {plugin["name"]: plugin for plugin in plugins.json["plugins"]}
    return Listed(
        by_name, [entity["name"] for entity in entities.json["entities"]], entities.json["disabled"]
    )


@pytest.fixture(scope="session")
def all_broken(broken: Environment) -> Listed:
    return listed(broken, *TWINS)


# -- installed and broken
@pytest.mark.parametrize("name", FAILED)
def test_a_broken_plugin_is_listed_with_its_version_and_the_reason(
    all_broken: Listed, name: str
) -> None:
    plugin = all_broken.plugins[name]
    assert (plugin["distribution"], plugin["version"], plugin["status"], plugin["hooks"]) == (
        "bakeio-broken",
        "9.8.7",
        "failed",
        [],
    )
    assert re.search(FAILED[name], plugin["reason"]), plugin["reason"]
    assert "\n" not in plugin["reason"]


def test_an_entity_that_two_plugins_declare_is_neithers_and_both_are_named(
    broken: Environment,
) -> None:
    both = listed(broken)
    for twin, name in TWINS.items():
        assert name not in both.entities
        assert both.disabled[name] == (
            f"plugin {name} (bakeio 0.1.0) and plugin {twin} (bakeio-broken 9.8.7) declare it, "
            "so neither is used: leave out all but one: "
            'block = ["bakeio"] or block = ["bakeio-broken"] '
            "in bakeio.toml, or --block bakeio or --block bakeio-broken"
        )
    assert both.entities == []
    told = broken.bakeio("views").err
    (line,) = [line for line in told.splitlines() if "suppliers is disabled" in line]
    _, gone = line.split("; also disabled: ")
    assert gone == "ovens, purchases, view colours, view purchases, view suppliers"


@pytest.mark.parametrize("name", DISABLED)
def test_an_entity_whose_references_lead_nowhere_is_disabled_with_the_reason(
    all_broken: Listed, name: str
) -> None:
    assert all_broken.plugins[name]["version"] == "9.8.7"
    for entity, reason in DISABLED[name].items():
        assert entity not in all_broken.entities
        assert re.search(reason, all_broken.disabled[entity]), all_broken.disabled[entity]


def test_everything_else_works_beside_a_dozen_broken_plugins(
    all_broken: Listed, broken: Environment, sample_set: Path, tmp_path: Path
) -> None:
    good = {
        name
        for name, plugin in all_broken.plugins.items()
        if plugin["distribution"] != "bakeio-broken"
        and plugin["reason"] != "used only if a profile names it"
    }
    assert {name: all_broken.plugins[name]["status"] for name in good} == dict.fromkeys(
        good, "active"
    )
    assert sorted(all_broken.entities) == sorted([*STANDARD, "ovens"])
    done = broken.bakeio(
        *WITHOUT_TWINS, "-d", tmp_path / "b.db", "import-complete", sample_set, "--json"
    )
    assert done.code == 0
    assert done.json["summary"]["created"] == 776


def test_each_broken_plugin_is_warned_of_by_name_on_stderr(
    broken: Environment, tmp_path: Path
) -> None:
    done = broken.bakeio(*WITHOUT_TWINS, "-d", tmp_path / "b.db", "init", "--json")
    assert done.code == 0
    assert sorted(done.json["tables"]) == sorted(
        [
            *STANDARD,
            "ovens",
            "bakeio_meta",
            "bakeio_replaced",
            "bakeio_runs",
            "bakeio_changes",
            "bakeio_layouts",
            "bakeio_aliases",
            "bakeio_batches",
            "bakeio_marks",
            "bakeio_row_keys",
        ]
    )
    for name in BROKEN:
        assert re.search(rf"\b{name}\b", done.err), name
    assert "9.8.7" in done.err


@pytest.fixture(scope="session")
def oven_bakery(broken: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of all that works."""
    path = tmp_path_factory.mktemp("ovens") / "b.db"
    assert broken.bakeio(*WITHOUT_TWINS, "-q", "-d", path, "init").code == 0
    return path


def exported(environment: Environment, database: Path, folder: Path, block: Sequence[str]) -> Ran:
    return environment.bakeio(
        "-d",
        database,
        *WITHOUT_TWINS,
        *[word for name in block for word in ("--block", name)],
        "export-complete",
        "-o",
        folder,
    )


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_stops_the_complete_export_until_it_is_blocked(
    broken: Environment, oven_bakery: Path, tmp_path: Path, name: str
) -> None:
    done = exported(
        broken, oven_bakery, tmp_path / "out", [other for other in BROKEN if other != name]
    )
    assert done.code == 1
    assert done.out == ""
    error = done.err[done.err.index("Error: ") :]
    assert re.search(rf"\b{name}\b", error), error
    assert "--block" in error
    assert list(tmp_path.iterdir()) == []


def test_with_the_broken_plugins_blocked_the_export_is_complete(
    broken: Environment, oven_bakery: Path, tmp_path: Path
) -> None:
    done = exported(broken, oven_bakery, tmp_path / "out", BROKEN)
    assert done.code == 0
    assert done.err == ""
    assert (
        len(json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))["files"])
        == len(STANDARD) + 1
    )


# -- installed and sound
@pytest.fixture
def stranger(tmp_path: Path) -> Environment:
    """An environment with a stranger's plugin `ovens`."""
    made = Environment.make(tmp_path / "env")
    made.install("ovens")
    return made


def ovens(database: Path) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(database)
    rows = db.execute(
        "SELECT o.*, s.slug FROM ovens o JOIN suppliers s ON s.id = o.supplier_id ORDER BY o.id"
    ).fetchall()
    db.close()
    return rows


def test_a_strangers_entity_is_exported_imported_and_uninstalled(
    stranger: Environment, tmp_path: Path
) -> None:
    entities = {
        entity["name"]: entity for entity in stranger.bakeio("entities", "--json").json["entities"]
    }
    assert entities["ovens"]["refers_to"] == ["suppliers"]
    assert (entities["ovens"]["distribution"], entities["ovens"]["version"]) == (
        "bakeio-ovens",
        "0.3.0",
    )

    a, b, one, two = tmp_path / "a.db", tmp_path / "b.db", tmp_path / "one", tmp_path / "two"
    assert stranger.bakeio("-d", a, "init", "--sample").code == 0
    assert stranger.bakeio("-d", a, "export-complete", "-o", one).code == 0
    files = {
        item["entity_type"]: item
        for item in json.loads((one / "manifest.json").read_text("utf-8"))["files"]
    }
    assert files["ovens"]["import_order"] > files["suppliers"]["import_order"]
    assert (files["ovens"]["dependencies"], files["ovens"]["record_count"]) == (["suppliers"], 2)

    assert stranger.bakeio("validate-export", one).code == 0
    assert (
        stranger.bakeio("-d", b, "import-complete", one, "--json").json["entities"]["ovens"][
            "created"
        ]
        == 2
    )
    assert ovens(a) == ovens(b)
    assert ovens(b)[0][1:] == ("deck", "Deck oven №1", 1, 350.25, "2024-12-05", "costco_waltham_ma")
    assert stranger.bakeio("-d", b, "export-complete", "-o", two).code == 0
    records = [
        json.loads((folder / files["ovens"]["filename"]).read_text("utf-8"))["records"]
        for folder in (one, two)
    ]
    assert records[0] == records[1]
    again = stranger.bakeio("-d", b, "import-complete", one, "--json").json["summary"]
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 778)

    stranger.pip("uninstall", "--yes", "bakeio-ovens")
    now = listed(stranger)
    assert (
        "ovens" not in now.plugins
        and sorted(now.entities) == sorted(STANDARD)
        and now.disabled == {}
    )
    assert stranger.bakeio("-d", a, "export-complete", "-o", tmp_path / "three").code == 0
    refused = stranger.bakeio("-d", tmp_path / "c.db", "import-complete", one, "--json")
    assert refused.code == 1
    assert [p["code"] for p in refused.json["problems"] if "ovens" in json.dumps(p)] == [
        "unknown-entity"
    ]


# -- blocked
def test_what_depends_on_a_blocked_plugin_is_disabled_with_the_reason(run: Run) -> None:
    done = run("--block", "suppliers", "entities", "--json")
    assert done.code == 0
    assert done.err == ""
    assert [entity["name"] for entity in done.json["entities"]] == ["ingredients"]
    assert sorted(done.json["disabled"]) == ["inventory_items", "products", "purchases"]
    for reason in done.json["disabled"].values():
        assert "suppliers" in reason and "blocked" in reason
    assert (
        done.json["disabled"]["products"]
        == "preferred_supplier_id refers to suppliers, which is blocked"
    )
    text = run("--block", "suppliers", "entities").out
    assert re.search(
        r"^products +disabled: preferred_supplier_id refers to suppliers, which is blocked$",
        text,
        re.M,
    )
    plugins = {
        plugin["name"]: plugin
        for plugin in run("--block", "suppliers", "plugins", "--json").json["plugins"]
    }
    assert plugins["suppliers"]["status"] == "blocked"
    assert plugins["products"]["status"] == "active"


def test_what_goes_with_a_blocked_table_leaves_the_one_of_an_application_alone() -> None:
    class Application:
        @hookimpl
        def bakeio_entities(self) -> Entity:
            own = Table("inventory_items", MetaData(), *identity_columns())
            return Entity(own)

    core = Bakeio.discover(block=["inventory"], plugins=[Application()])
    assert core.broken() == []
    why = "its entity inventory_items is blocked; the one of that name is of plugin Application"
    assert core.catalog.disabled_views == {"inventory": why}
    assert core.catalog.disabled_templates == {"stock_take": why, "barcode_scan": why}
    assert "inventory_items" in core.catalog.entities


def test_without_a_blocked_plugin_the_rest_is_made_and_exported_and_the_omitted_named(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    made = run("-d", tmp_path / "b.db", "--block", "suppliers", "init", "--json")
    assert made.code == 0
    assert made.json["tables"] == [
        "bakeio_aliases",
        "bakeio_batches",
        "bakeio_changes",
        "bakeio_layouts",
        "bakeio_marks",
        "bakeio_meta",
        "bakeio_replaced",
        "bakeio_row_keys",
        "bakeio_runs",
        "ingredients",
    ]
    assert (
        run("-d", sample, "--block", "suppliers", "export-complete", "-o", tmp_path / "out").code
        == 0
    )
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert [item["entity_type"] for item in manifest["files"]] == ["ingredients"]
    assert {"products", "purchases", "inventory_items"} <= set(manifest["omitted_entities"])


def test_the_sample_loads_without_what_a_blocked_plugin_would_hold(
    run: Run, tmp_path: Path
) -> None:
    done = run("-d", tmp_path / "b.db", "--block", "suppliers", "init", "--sample", "--json")
    assert done.code == 0, done.out + done.err
    assert done.json["sample"] > 0


def test_a_set_with_entities_of_a_blocked_plugin_is_refused_naming_them(
    run: Run, sample_set: Path, tmp_path: Path
) -> None:
    done = run(
        "-d", tmp_path / "b.db", "--block", "suppliers", "import-complete", sample_set, "--json"
    )
    assert done.code == 1
    named = [
        p
        for p in done.json["problems"]
        if p["severity"] == "error" and p["code"] in ("blocked", "unknown-entity")
    ]
    assert any("suppliers" in json.dumps(p) for p in named)
    assert not (tmp_path / "b.db").exists()


def test_blocking_what_is_not_installed_is_a_mistake_of_the_caller(run: Run) -> None:
    done = run("--block", "supliers", "entities")
    assert done.code == 2
    assert done.out == ""
    assert "supliers" in done.err and "suppliers" in done.err
    with pytest.raises(UsageError, match="supliers"):
        Bakeio.discover(block=["supliers"])


# -- given by a program
@pytest.fixture
def connection(sample: Path) -> Iterator[Connection]:
    """A connection to the sample bakery, in a transaction that is rolled back."""
    engine = connect(sample)
    with engine.connect() as db:
        yield db
    engine.dispose()


@pytest.fixture
def empty(tmp_path: Path, core: Bakeio) -> Iterator[Connection]:
    engine = connect(tmp_path / "empty.db")
    with engine.connect() as db:
        core.create_tables(db)
        yield db
    engine.dispose()


@pytest.fixture
def farm_set(sample_set: Path, tmp_path: Path) -> Path:
    """The sample's set with three purchases from a supplier nobody knows, spelt in two ways."""
    folder = Path(shutil.copytree(sample_set, tmp_path / "farm"))
    path = folder / "04_purchases.json"
    document = json.loads(path.read_text("utf-8"))
    for place, name in ((3, "Wilson's Farm"), (4, "Wilson's Farm"), (9, "WILSON\u2019S  FARM")):
        document["records"][place].update(
            supplier_slug="wilsons_farm", supplier_name=name, supplier_id=None
        )
    path.write_text(json.dumps(document), "utf-8")
    resign(folder)
    return folder


class Discreet:
    """Export two suppliers of all."""

    @hookimpl
    def bakeio_export_records(self, entity: Entity) -> Iterable[list[dict[str, Any]]] | None:
        if entity.name != "suppliers":
            return None
        return iter(
            [
                [{"id": 1, "slug": "costco_waltham_ma", "name": "Costco"}],
                [],
                [{"id": 2, "slug": "wegmans_burlington_ma", "name": "Wegmans"}],
            ]
        )


class Meter:
    """Count what is written."""

    def __init__(self) -> None:
        self.written = Counter[str]()

    @hookimpl(wrapper=True)
    def bakeio_import_records(self, entity: Entity) -> Any:
        written = yield
        self.written[entity.name] += written
        return written


class Watcher:
    """Look at every change before it is written."""

    def __init__(self) -> None:
        self.seen = list[Change]()

    @hookimpl(tryfirst=True)
    def bakeio_import_records(self, changes: Changes) -> None:
        self.seen += changes


class Knower:
    """Answer every missing key in the same way."""

    def __init__(self, decision: Decision) -> None:
        self.decision, self.asked = decision, list[Missing]()

    @hookimpl
    def bakeio_resolve_references(
        self, db: Connection, missing: Sequence[Missing]
    ) -> dict[Missing, Decision]:
        self.asked += missing
        return dict.fromkeys(missing, self.decision)


def test_a_plugin_exports_an_entity_its_own_way(connection: Connection, tmp_path: Path) -> None:
    bakeio = Bakeio.discover(plugins=[Discreet()])
    done = bakeio.export_complete(connection, tmp_path / "out")
    assert done.counts["suppliers"] == 2
    assert done.counts["ingredients"] > 50
    document = json.loads((tmp_path / "out" / "01_suppliers.json").read_text("utf-8"))
    assert document["record_count"] == 2
    assert [record["name"] for record in document["records"]] == ["Costco", "Wegmans"]


def test_a_wrapper_counts_every_row_that_is_written(empty: Connection, sample_set: Path) -> None:
    meter = Meter()
    report = Bakeio.discover(plugins=[meter]).import_complete(empty, sample_set)
    assert dict(meter.written) == {
        name: counts["created"] for name, counts in report.entities.items()
    }


@pytest.mark.parametrize("way", ["into empty tables", "into a filled database"])
def test_a_plugin_sees_every_change_before_it_is_written(
    empty: Connection, sample_set: Path, way: str
) -> None:
    watcher = Watcher()
    bakeio = Bakeio.discover(plugins=[watcher])
    if way == "into a filled database":
        empty.exec_driver_sql("INSERT INTO suppliers (slug, name) VALUES ('first', 'First')")
    report = bakeio.import_complete(empty, sample_set)
    assert Counter(change.entity for change in watcher.seen) == {
        name: counts["created"] for name, counts in report.entities.items()
    }
    assert {change.action for change in watcher.seen} == {"create"}
    assert [change.record for change in watcher.seen if change.entity == "suppliers"] == list(
        range(1, 9)
    )
    assert next(change.new["slug"] for change in watcher.seen) == "costco_waltham_ma"


def test_a_plugin_that_fails_while_writing_is_named_and_nothing_is_written(
    empty: Connection, sample_set: Path
) -> None:
    class Clumsy:
        @hookimpl
        def bakeio_import_records(self, entity: Entity) -> None:
            if entity.name == "purchases":
                raise KeyError("dropped it")

    with pytest.raises((PluginError, ImportRefused), match="Clumsy"):
        Bakeio.discover(plugins=[Clumsy()]).import_complete(empty, sample_set)
    assert empty.exec_driver_sql("SELECT count(*) FROM suppliers").scalar() == 0


def planned(bakeio: Bakeio, db: Connection, folder: Path, **options: Any) -> Any:
    return bakeio.apply(db, bakeio.plan(db, folder, **options))


def in_one_pass(bakeio: Bakeio, db: Connection, folder: Path, **options: Any) -> Any:
    return bakeio.import_complete(db, folder, **options)


WAYS = pytest.mark.parametrize("way", [planned, in_one_pass])


@WAYS
def test_without_anybody_who_knows_the_unknown_supplier_is_refused(
    empty: Connection, core: Bakeio, farm_set: Path, way: Any
) -> None:
    with pytest.raises(ImportRefused) as refused:
        way(core, empty, farm_set)
    assert {problem.code for problem in refused.value.problems} == {"missing-reference"}
    assert sum(problem.count for problem in refused.value.problems) == 3


@WAYS
def test_a_plugin_that_knows_the_supplier_makes_the_import_succeed(
    empty: Connection, farm_set: Path, way: Any
) -> None:
    knower = Knower(Decision.existing(slug="wegmans_burlington_ma"))
    report = way(Bakeio.discover(plugins=[knower]), empty, farm_set)
    assert (report.summary["created"], report.summary["errors"]) == (776, 0)
    assert {(item.entity, item.key["slug"]) for item in knower.asked} == {
        ("suppliers", "wilsons_farm")
    }
    sql = (
        "SELECT count(*) FROM purchases p JOIN suppliers s ON s.id = p.supplier_id WHERE "
        "s.slug = 'wegmans_burlington_ma' AND p.id IN (4, 5, 10)"
    )
    assert empty.exec_driver_sql(sql).scalar() == 3


@WAYS
def test_a_plugin_that_says_skip_has_just_those_records_skipped(
    empty: Connection, farm_set: Path, way: Any
) -> None:
    report = way(
        Bakeio.discover(plugins=[Knower(Decision.skip())]), empty, farm_set, skip_errors=True
    )
    purchases = report.entities["purchases"]
    assert (purchases["skipped"], purchases["created"]) == (3, purchases["processed"] - 3)
    assert report.exit_code == 3


def test_an_object_with_a_misspelt_hook_is_refused_at_once() -> None:
    class Typo:
        @hookimpl
        def bakeio_export_record(self) -> None: ...

    with pytest.raises(PluginError, match="did you mean bakeio_export_records"):
        Bakeio.discover(plugins=[Typo()])


def test_a_column_without_a_type_is_refused_when_python_skips_assertions() -> None:
    script = """if True:
        from sqlalchemy import Column, Integer, MetaData, Table
        from sqlalchemy.types import NullType
        from bakeio_core import Entity
        columns = [Column("id", Integer, primary_key=True), Column("door", NullType)]
        Entity(Table("ovens", MetaData(), *columns))
    """
    done = subprocess.run([sys.executable, "-O", "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert "PluginError" in done.stderr
    assert "column ovens.door has no type, so nothing says how a file writes it" in done.stderr


def test_a_wrong_lookup_of_an_entity_others_refer_to_disables_both_in_words() -> None:
    class Barns:
        @hookimpl
        def bakeio_entities(self, metadata: MetaData) -> list[Entity]:
            def table(name: str, target: str) -> Table:
                number = Column("id", Integer, primary_key=True)
                to = Column("to_id", Integer, ForeignKey(f"{target}.id"))
                return Table(name, metadata, number, to, Column("slug", String(9), unique=True))

            wrong = {"to_id": {"to_name": "nmae"}}
            barns = Entity(table("barns", "suppliers"), keys=["slug"], lookups=wrong)
            return [barns, Entity(table("hens", "barns"), keys=["slug"])]

    bakeio = Bakeio.discover(plugins=[Barns()])
    why = 'lookups of to_id name "nmae", which is not a column of suppliers; did you mean name?'
    assert bakeio.catalog.disabled["barns"] == why
    assert bakeio.broken() == [
        f"plugin Barns: barns is disabled: {why}; also disabled: hens",
    ]
