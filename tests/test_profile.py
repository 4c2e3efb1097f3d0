"""Which plugins are used: profiles, blocking by distribution, clashes, and packages to install."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table
from support.commands import Run
from support.plugins import install

from bakeio_core import Bakeio, Entity, PluginError, UsageError, View, hookimpl, key
from bakeio_core.catalog.plugins import packages

STANDARD = ["suppliers", "ingredients", "products", "purchases", "inventory_items"]
HOST = """
from sqlalchemy import Column, ForeignKey, Integer, String, Table
from bakeio_core import Entity, hookimpl

def column():
    return Column("id", Integer, primary_key=True)

def slug():
    return Column("slug", String(50), unique=True)

@hookimpl
def bakeio_entities(metadata):
    suppliers = Table("suppliers", metadata, column(), slug())
    shop = Column("shop", ForeignKey("suppliers.id"))
    products = Table("products", metadata, column(), slug(), shop)
    return [Entity(suppliers, keys=["slug"]), Entity(products, keys=["slug"])]
"""
VIEW = """
from bakeio_core import View, hookimpl, key, editable

@hookimpl
def bakeio_views():
    return View(name="{name}", entity="products", purpose="Mine", fields={{
        "product_slug": key("slug"), "notes": editable("notes")}})
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install a distribution of one module for this test."""

    def install_(name: str, code: str, **options: Any) -> None:
        install(tmp_path / f"site_{name}", monkeypatch, name, code, **options)

    return install_


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, an empty one."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def reorder(installed: Callable[..., None]) -> None:
    """A distribution with a view of its own."""
    entry = "[bakeio]\nview_again = order_again\n"
    installed("order_again", VIEW.format(name="again"), entry_points=entry)


def active(run: Run, *words: object) -> list[str]:
    done = run(*words, "plugins", "--json")
    assert done.code == 0, done.err + done.out
    return [item["name"] for item in done.json["plugins"] if item["status"] == "active"]


# -- profiles
@pytest.mark.usefixtures("reorder")
def test_a_profile_says_which_plugins_and_distributions_are_used(run: Run, here: Path) -> None:
    (here / "bakeio.toml").write_text(
        'use = ["Bakeio"]\nblock = ["view-products", "sample"]\n', "utf-8"
    )
    done = run("plugins", "--json")
    found = {item["name"]: (item["status"], item["reason"]) for item in done.json["plugins"]}
    assert found["suppliers"] == ("active", "")
    assert found["view_products"] == ("blocked", "blocked by bakeio.toml")
    assert found["view_again"] == ("blocked", "not used by bakeio.toml")
    assert done.json["profile"] == {
        "path": "bakeio.toml",
        "use": ["Bakeio"],
        "block": ["view-products", "sample"],
    }
    assert (
        "The profile bakeio.toml uses Bakeio, without view-products, sample." in run("plugins").out
    )
    assert [view["name"] for view in run("views", "--json").json["views"]] == [
        "ingredients",
        "inventory",
        "purchases",
        "suppliers",
    ]
    assert run("views").err == ""
    (here / "bakeio.toml").write_text('use = ["view_products"]', "utf-8")
    assert run("views", "--json").json["disabled"] == {
        "products": "its entity products is not used by bakeio.toml"
    }


@pytest.mark.usefixtures("reorder")
def test_the_profile_beside_the_database_counts_before_that_of_the_current_folder(
    run: Run, here: Path, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "view_again" in active(run, "-d", sample)
    (here / "bakeio.toml").write_text('block = ["order_again"]', "utf-8")
    assert "view_again" not in active(run, "-d", sample)
    (sample.parent / "bakeio.toml").write_text('block = ["view_inventory"]', "utf-8")
    beside = active(run, "-d", sample)
    assert "view_again" in beside and "view_inventory" not in beside
    (here / "named.toml").write_text('block = ["view_purchases"]', "utf-8")
    monkeypatch.setenv("BAKEIO_PROFILE", str(here / "named.toml"))
    assert "view_purchases" not in active(run, "-d", sample)
    (here / "empty.toml").write_text("", "utf-8")
    assert "view_purchases" in active(run, "-d", sample, "--profile", here / "empty.toml")


def test_block_on_the_command_line_leaves_out_what_the_profile_uses(run: Run, here: Path) -> None:
    (here / "bakeio.toml").write_text('use = ["bakeio"]', "utf-8")
    assert "view_products" not in active(run, "--block", "view_products")


def test_the_database_comes_from_the_command_line_then_the_environment_then_the_profile(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "of").mkdir()
    (here / "of" / "bakeio.toml").write_text('database = "profile.db"', "utf-8")
    profile = ("--profile", here / "of" / "bakeio.toml")
    assert run(*profile, "init").code == 0
    monkeypatch.setenv("BAKEIO_DATABASE", "environment.db")
    assert run(*profile, "init").code == 0
    assert run(*profile, "-d", "line.db", "init").code == 0
    made = sorted(path.relative_to(here).as_posix() for path in here.rglob("*.db"))
    assert made == ["environment.db", "line.db", "of/profile.db"]


def test_a_profile_names_a_database_by_its_url(run: Run, here: Path) -> None:
    (here / "bakeio.toml").write_text('database = "nothing://there"', "utf-8")
    done = run("init")
    assert done.code == 2
    assert "nothing://there" in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('user = ["bakeio"]', '"user" is not known: did you mean use? It may hold use, block'),
        ("[plugins]\nx = 1", '"plugins" is not known. It may hold'),
        ('use = "bakeio"', 'use must be a list of names, such as ["bakeio"]'),
        ("block = [1]", "block must be a list of names"),
        ("use = []", "use names nothing: leave the line out to use everything that is installed"),
        ("database = 5", 'database must be a path or a URL, such as "bakeio.db"'),
        ('use = ["bakio"]', 'no plugin is called "bakio", and no distribution of plugins'),
        ('use = ["bakio"]', "did you mean bakeio? A package of your own is installed with"),
        ('block = ["supliers"]', "block: no plugin"),
        ('block = ["supliers"]', "did you mean suppliers?"),
        ('use = ["bakeio"]\nblock = ["bakeio"]', '"bakeio" is in use and in block'),
        ('use = ["bakeio', "the profile is not TOML: "),
        (b"use = ['\xff']", "the profile is not UTF-8: save it as UTF-8"),
        (None, "the profile cannot be read: is a directory"),
    ],
)
def test_a_wrong_profile_is_refused_in_words(
    run: Run, here: Path, text: str | bytes | None, said: str
) -> None:
    path = here / "bakeio.toml"
    if text is None:
        path.mkdir()
    else:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = run("entities")
    assert (done.code, done.out) == (2, "")
    assert "bakeio.toml" in done.err
    assert said in done.err


def test_a_profile_that_is_not_there_is_a_mistake_of_the_caller(run: Run, here: Path) -> None:
    done = run("--profile", "missing.toml", "plugins")
    assert done.code == 2
    assert "missing.toml: the profile cannot be read: no such file" in done.err


def test_a_profile_may_use_a_distribution_that_brings_commands_alone(
    run: Run, here: Path, installed: Callable[..., None]
) -> None:
    installed("window", "", entry_points="[bakeio.commands]\nwindow = window:main\n")
    (here / "bakeio.toml").write_text('use = ["bakeio", "window"]', "utf-8")
    assert "suppliers" in active(run)


@pytest.mark.usefixtures("reorder")
def test_a_program_names_its_profile(here: Path, tmp_path: Path) -> None:
    (here / "bakeio.toml").write_text('use = ["nobody"]', "utf-8")
    assert "suppliers" in Bakeio.discover().catalog.entities  # a program's own folder says nothing
    path = tmp_path / "mine.toml"
    path.write_text('use = ["bakeio"]\nblock = ["inventory"]\ndatabase = "shop.db"', "utf-8")
    bakeio = Bakeio.discover(profile=path)
    assert list(bakeio.catalog.entities) == STANDARD[:4]
    assert "again" not in bakeio.catalog.views
    assert bakeio.plugins.profile.database == str(tmp_path / "shop.db")
    with pytest.raises(UsageError, match=r'use: no plugin .* "nobody"'):
        Bakeio.discover(profile="bakeio.toml")


def test_a_host_with_tables_of_the_bundled_names_needs_one_line(
    run: Run, here: Path, installed: Callable[..., None]
) -> None:
    installed("host", HOST)
    refused = run("init")
    assert refused.code == 0
    assert (
        "suppliers is disabled: plugin host (host 1.0) and plugin suppliers (bakeio 0.1.0) "
        "declare it, so neither is used: leave out all but one: "
        'block = ["host"] or block = ["bakeio"] in bakeio.toml, or --block host or --block bakeio'
    ) in refused.err
    assert len(refused.err.splitlines()) == 2
    (here / "bakeio.toml").write_text('use = ["host"]', "utf-8")
    done = run("-d", "host.db", "init")
    assert (done.code, done.err) == (0, "")
    assert run("-d", "host.db", "export-complete", "-o", "set").code == 0
    files = json.loads((here / "set" / "manifest.json").read_text("utf-8"))["files"]
    assert [file["entity_type"] for file in files] == ["suppliers", "products"]


# -- blocking a distribution
def test_the_manifest_names_the_table_of_a_blocked_plugin_though_nothing_refers_to_it(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    done = run("-d", sample, "--block", "inventory", "export-complete", "-o", tmp_path / "set")
    assert done.code == 0
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text("utf-8"))
    assert manifest["omitted_entities"] == ["inventory_items"]


@pytest.mark.usefixtures("reorder")
@pytest.mark.parametrize("name", ["order-again", "Order_Again"])
def test_blocking_a_distribution_blocks_all_its_plugins(run: Run, here: Path, name: str) -> None:
    assert "view_again" not in active(run, "--block", name)
    without = active(run, "--block", "bakeio")
    assert "view_again" in without and "suppliers" not in without
    assert list(Bakeio.discover(block=["bakeio"]).catalog.entities) == []


# -- clashes
def test_a_strangers_view_never_replaces_the_bundled_one(
    run: Run, here: Path, installed: Callable[..., None]
) -> None:
    installed("a_stranger", VIEW.format(name="products"))
    done = run("views", "--json")
    assert done.json["disabled"]["products"] == (
        "plugin a_stranger (a_stranger 1.0) and plugin view_products (bakeio 0.1.0) declare it, "
        "so neither is used: leave out all but one: "
        'block = ["a_stranger"] or block = ["view_products"] in bakeio.toml, '
        "or --block a_stranger or --block view_products"
    )
    assert "products" not in [view["name"] for view in done.json["views"]]
    assert 'the view "products" is disabled: plugin a_stranger' in run("schema", "products").err
    assert run("--block", "a_stranger", "schema", "products").code == 0


def test_a_plugin_whose_table_another_one_declares_keeps_its_other_tables() -> None:
    def table(name: str, metadata: MetaData) -> Entity:
        number = Column("id", Integer, primary_key=True)
        return Entity(Table(name, metadata, number, Column("slug", String(9))), keys=["slug"])

    class One:
        @hookimpl
        def bakeio_entities(self, metadata: MetaData) -> list[Entity]:
            return [table(name, metadata) for name in ("hens", "eggs")]

    class Two:
        @hookimpl
        def bakeio_entities(self, metadata: MetaData) -> list[Entity]:
            return [table(name, metadata) for name in ("nests", "eggs", "barns")]

    class Broken:
        @hookimpl
        def bakeio_entities(self, metadata: MetaData) -> list[Entity]:
            table("hens", metadata)
            raise RuntimeError("the coop is shut")

    catalog = Bakeio.discover(block=["bakeio"], plugins=[One(), Two(), Broken()]).catalog
    assert sorted(catalog.entities) == ["barns", "hens", "nests"]
    assert sorted(catalog.metadata.tables) == ["barns", "hens", "nests"]
    assert catalog.disabled["eggs"].startswith("plugin One and plugin Two declare it")


def test_two_distributions_with_a_plugin_of_one_name_are_told_until_one_is_blocked(
    run: Run, here: Path, installed: Callable[..., None]
) -> None:
    for name in ("first", "second"):
        entry = f"[bakeio]\nlist = {name}\n"
        installed(name, VIEW.format(name=f"{name}_list"), entry_points=entry)
    told = run("views").err.splitlines()
    reason = (
        "two distributions have a plugin of this name, first 1.0 and second 1.0, so neither is "
        'used: leave out all but one: block = ["first"] or block = ["second"] in bakeio.toml, '
        "or --block first or --block second"
    )
    names = ("plugin list (first 1.0)", "plugin list (second 1.0)")
    assert told == [f"warning: {name}: {reason}" for name in names]
    views = run("--block", "first", "views", "--json").json["views"]
    assert "second_list" in [view["name"] for view in views]


def test_a_module_that_is_there_already_is_used_once(installed: Callable[..., None]) -> None:
    from bakeio_bakery import view_products

    entry = "[bakeio]\ntwice = lists\nonce = lists\n"
    installed("lists", VIEW.format(name="lists"), entry_points=entry)
    core = Bakeio.discover(plugins=[view_products, view_products])
    assert core.broken() == [
        "plugin twice (lists 1.0): its module is that of plugin once (lists 1.0) already: "
        "announce it once"
    ]
    assert core.catalog.view_provider["products"].name == "view_products"
    assert core.catalog.view_provider["lists"].name == "once"
    assert "bakeio_bakery.view_products" not in core.plugins.all


def test_two_objects_of_one_name_are_refused() -> None:
    class Mine:
        @hookimpl
        def bakeio_views(self) -> View:
            return View(name="mine", entity="products", purpose="", fields={"slug": key("slug")})

    with pytest.raises(PluginError, match="two plugins are called Mine: give one of them another"):
        Bakeio.discover(plugins=[Mine(), Mine()])


# -- packages to install
def test_what_is_missing_is_told_with_the_package_that_brings_it(
    run: Run, here: Path, sample: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = "pip install bakeio-"
    made = "KnownPackage('bakeio-stoves', ['stoke'], formats=['heat'])"
    known = f"from bakeio_core import KnownPackage\nALL = [{made}]"
    entry = "[bakeio.packages]\nstoves = stoves_known:ALL\n"
    install(here / "known", monkeypatch, "stoves_known", known, entry_points=entry)
    assert f"bakeio-stoves brings it: {get}stoves" in run("stoke", "some.json").err
    assert "bakeio-recipes brings it" in run("schema", "recipes").err
    asked = run("-d", sample, "export-view", "products", "--format", "heat", "-o", "a.heat")
    assert f"bakeio-stoves brings it: {get}stoves" in asked.err
    (here / "a.heat").write_bytes(b"PK no sheet")
    assert f"bakeio-stoves reads such files: {get}stoves" in run("import", "a.heat").err
    (here / "bakeio.toml").write_text('use = ["bakeio-events"]', "utf-8")
    assert f"It can be had: {get}events" in run("plugins").err
    (here / "bakeio.toml").unlink()

    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["files"][0]["entity_type"] = "recipes"
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    said = run("validate-export", folder).out
    assert '"recipes" is not installed. bakeio-recipes brings it' in said


@pytest.mark.parametrize(
    "document",
    [
        {"version": "1.0", "view_type": "purchases", "export_date": "2025-12-28", "records": [{}]},
        {"version": "1.0", "export_type": "recipes", "export_date": "2026-01-02", "records": []},
        {"application": "bake-tracker", "version": "4.0", "products": [], "recipes": []},
    ],
)
def test_a_foreign_file_is_told_with_the_package_that_reads_it(
    run: Run,
    here: Path,
    sample: Path,
    document: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "_installed_version", lambda distribution: "")
    (here / "bakeio.toml").write_text('use = ["bakeio"]', "utf-8")
    (here / "old.json").write_text(json.dumps(document), "utf-8")
    done = run("-d", sample, "import", "old.json")
    assert done.code == 1
    assert "bakeio-baketracker reads such files: pip install bakeio-baketracker" in done.err


def test_what_a_stranger_declares_as_known_is_told_too_and_a_broken_table_is_passed_over(
    run: Run, here: Path, installed: Callable[..., None]
) -> None:
    code = "from bakeio_core import KnownPackage\nKNOWN = [KnownPackage('ovens', views=['heat'])]"
    installed("known", code, entry_points="[bakeio.packages]\nknown = known:KNOWN\n")
    installed("ruined", "1 / 0", entry_points="[bakeio.packages]\nbad = ruined:KNOWN\n")
    assert "ovens brings it: pip install ovens" in run("schema", "heat").err
    assert "no view" not in run("schema", "nothing").err
    installed("ovens", "")
    assert "ovens brings it, and version 1.0 of it is installed" in run("schema", "heat").err
