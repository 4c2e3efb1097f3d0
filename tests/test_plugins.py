"""Plugins come, break and go: really installed ones, in an environment of their own."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sqlite3
import subprocess
import sysconfig
import venv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Ran

import bakeio_bakery
import bakeio_core
from bakeio_core import Bakeio, UsageError

Run = Callable[..., Ran]
DATA = Path(__file__).resolve().parent / "data"
STANDARD = ["suppliers", "ingredients", "products", "purchases", "inventory_items"]

FAILED = {  # plugin: what its reason must say
    "absent": "bakeio_broken.absent",
    "careless": "RuntimeError: the oven is cold .*careless.py",
    "crosseyed": '"colours".*"?colour"? is no column of suppliers',
    "explodes": "ZeroDivisionError: dividing the dough by nobody .*explodes.py",
    "misspelt": "bakeio_entitites .*did you mean bakeio_entities",
    "nonsense": "bakeio_entities returned int, not an Entity",
    "quits": "SystemExit",
    "twin": r'"suppliers".*plugin suppliers \(bakeio ',
    "twin_with_own_tables": r'"ingredients".*plugin ingredients \(bakeio ',
    "unmarked": "bakeio_entities.*@hookimpl",
}
DISABLED = {  # plugin: the entities it declares in vain, and why
    "circle": {"hens": "cycle.*(hens -> eggs|eggs -> hens)", "eggs": "cycle.*(hens -> eggs|eggs -> hens)"},
    "homeless": {"trays": "rack_id refers to racks, which is not installed"},
}
BROKEN = [*FAILED, *DISABLED]


@dataclass
class Environment:
    """A fresh virtual environment that sees bakeio and what it needs, and to which pip adds."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Environment:
        venv.EnvBuilder(with_pip=importlib.util.find_spec("pip") is None, symlinks=os.name != "nt").create(folder)
        made = cls(folder)
        code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
        packages = subprocess.run([made.python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        paths = sysconfig.get_paths()
        lent = [Path(bakeio_core.__file__).parent.parent, Path(bakeio_bakery.__file__).parent.parent, paths["purelib"], paths["platlib"]]
        (Path(packages) / "lent.pth").write_text("\n".join(dict.fromkeys(map(str, lent))), "utf-8")
        return made

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def pip(self, *words: object) -> None:
        command = [self.python, "-m", "pip", "--disable-pip-version-check", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
        assert done.returncode == 0, done.stdout + done.stderr

    def install(self, name: str) -> None:
        self.pip("install", "--no-deps", "--no-build-isolation", "--no-index", DATA / name)

    def bakeio(self, *words: object) -> Ran:
        env = {name: value for name, value in os.environ.items() if name != "BAKEIO_DATABASE"}
        command = [self.python, "-m", "bakeio_core", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=env, stdin=subprocess.DEVNULL, cwd=self.folder)
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with every broken plugin, and a good one."""
    made = Environment.make(tmp_path_factory.mktemp("broken") / "env")
    made.install("broken")
    made.install("ovens")
    return made


@dataclass
class Listed:
    """What `plugins --json` and `entities --json` say."""

    plugins: dict[str, dict[str, Any]]
    entities: list[str]
    disabled: dict[str, str]


def listed(environment: Environment, *block: str) -> Listed:
    options = [word for name in block for word in ("--block", name)]
    plugins, entities = environment.bakeio(*options, "plugins", "--json"), environment.bakeio(*options, "entities", "--json")
    assert (plugins.code, entities.code) == (0, 0)
    by_name = {plugin["name"]: plugin for plugin in plugins.json["plugins"]}
    return Listed(by_name, [entity["name"] for entity in entities.json["entities"]], entities.json["disabled"])


@pytest.fixture(scope="session")
def all_broken(broken: Environment) -> Listed:
    return listed(broken)


# -- installed and broken
@pytest.mark.parametrize("name", FAILED)
def test_a_broken_plugin_is_listed_with_its_version_and_the_reason(all_broken: Listed, name: str) -> None:
    plugin = all_broken.plugins[name]
    assert (plugin["distribution"], plugin["version"], plugin["status"], plugin["hooks"]) == ("bakeio-broken", "9.8.7", "failed", [])
    assert re.search(FAILED[name], plugin["reason"]), plugin["reason"]
    assert "\n" not in plugin["reason"]


@pytest.mark.parametrize("name", DISABLED)
def test_an_entity_whose_references_lead_nowhere_is_disabled_with_the_reason(all_broken: Listed, name: str) -> None:
    assert all_broken.plugins[name]["version"] == "9.8.7"
    for entity, reason in DISABLED[name].items():
        assert entity not in all_broken.entities
        assert re.search(reason, all_broken.disabled[entity]), all_broken.disabled[entity]


def test_everything_else_works_beside_a_dozen_broken_plugins(all_broken: Listed, broken: Environment, sample_set: Path, tmp_path: Path) -> None:
    good = {name for name, plugin in all_broken.plugins.items() if plugin["distribution"] != "bakeio-broken"}
    assert {name: all_broken.plugins[name]["status"] for name in good} == dict.fromkeys(good, "active")
    assert sorted(all_broken.entities) == sorted([*STANDARD, "ovens"])
    done = broken.bakeio("-d", tmp_path / "b.db", "import-complete", sample_set, "--json")
    assert (done.code, done.json["summary"]["created"]) == (0, 776)


def test_each_broken_plugin_is_warned_of_by_name_on_stderr(broken: Environment, tmp_path: Path) -> None:
    done = broken.bakeio("-d", tmp_path / "b.db", "init", "--json")
    assert (done.code, sorted(done.json["tables"])) == (0, sorted([*STANDARD, "ovens", "bakeio_meta"]))
    for name in BROKEN:
        assert re.search(rf"\b{name}\b", done.err), name
    assert "9.8.7" in done.err


@pytest.fixture(scope="session")
def oven_bakery(broken: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of all that works."""
    path = tmp_path_factory.mktemp("ovens") / "b.db"
    assert broken.bakeio("-q", "-d", path, "init").code == 0
    return path


def exported(environment: Environment, database: Path, folder: Path, block: Sequence[str]) -> Ran:
    return environment.bakeio("-d", database, *[word for name in block for word in ("--block", name)], "export-complete", "-o", folder)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_stops_the_complete_export_until_it_is_blocked(broken: Environment, oven_bakery: Path, tmp_path: Path, name: str) -> None:
    done = exported(broken, oven_bakery, tmp_path / "out", [other for other in BROKEN if other != name])
    assert (done.code, done.out) == (1, "")
    error = done.err[done.err.index("Error: ") :]
    assert re.search(rf"\b{name}\b", error), error
    assert "--block" in error
    assert list(tmp_path.iterdir()) == []


def test_with_the_broken_plugins_blocked_the_export_is_complete(broken: Environment, oven_bakery: Path, tmp_path: Path) -> None:
    done = exported(broken, oven_bakery, tmp_path / "out", BROKEN)
    assert (done.code, done.err) == (0, "")
    assert len(json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))["files"]) == len(STANDARD) + 1


# -- installed and sound
@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment with a stranger's plugin `ovens`."""
    made = Environment.make(tmp_path_factory.mktemp("stranger") / "env")
    made.install("ovens")
    yield made


def ovens(database: Path) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(database)
    rows = db.execute("SELECT o.*, s.slug FROM ovens o JOIN suppliers s ON s.id = o.supplier_id ORDER BY o.id").fetchall()
    db.close()
    return rows


def test_a_strangers_entity_is_exported_imported_and_uninstalled(stranger: Environment, tmp_path: Path) -> None:
    entities = {entity["name"]: entity for entity in stranger.bakeio("entities", "--json").json["entities"]}
    assert entities["ovens"]["refers_to"] == ["suppliers"]
    assert (entities["ovens"]["distribution"], entities["ovens"]["version"]) == ("bakeio-ovens", "0.3.0")

    a, b, one, two = tmp_path / "a.db", tmp_path / "b.db", tmp_path / "one", tmp_path / "two"
    assert stranger.bakeio("-d", a, "init", "--sample").code == 0
    assert stranger.bakeio("-d", a, "export-complete", "-o", one).code == 0
    files = {item["entity_type"]: item for item in json.loads((one / "manifest.json").read_text("utf-8"))["files"]}
    assert files["ovens"]["import_order"] > files["suppliers"]["import_order"]
    assert (files["ovens"]["dependencies"], files["ovens"]["record_count"]) == (["suppliers"], 2)

    assert stranger.bakeio("validate-export", one).code == 0
    assert stranger.bakeio("-d", b, "import-complete", one, "--json").json["entities"]["ovens"]["created"] == 2
    assert ovens(a) == ovens(b)
    assert ovens(b)[0][1:] == ("deck", "Deck oven №1", 1, 350.25, "2024-12-05", "costco_waltham_ma")
    assert stranger.bakeio("-d", b, "export-complete", "-o", two).code == 0
    records = [json.loads((folder / files["ovens"]["filename"]).read_text("utf-8"))["records"] for folder in (one, two)]
    assert records[0] == records[1]
    again = stranger.bakeio("-d", b, "import-complete", one, "--json").json["summary"]
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 778)

    stranger.pip("uninstall", "--yes", "bakeio-ovens")
    try:
        now = listed(stranger)
        assert "ovens" not in now.plugins and sorted(now.entities) == sorted(STANDARD) and now.disabled == {}
        assert stranger.bakeio("-d", a, "export-complete", "-o", tmp_path / "three").code == 0
        refused = stranger.bakeio("-d", tmp_path / "c.db", "import-complete", one, "--json")
        assert refused.code == 1
        assert [p["code"] for p in refused.json["problems"] if "ovens" in json.dumps(p)] == ["unknown-entity"]
    finally:
        stranger.install("ovens")


# -- blocked
def test_what_depends_on_a_blocked_plugin_is_disabled_with_the_reason(run: Run) -> None:
    done = run("--block", "suppliers", "entities", "--json")
    assert (done.code, done.err, [entity["name"] for entity in done.json["entities"]]) == (0, "", ["ingredients"])
    assert sorted(done.json["disabled"]) == ["inventory_items", "products", "purchases"]
    for reason in done.json["disabled"].values():
        assert "suppliers" in reason and "blocked" in reason
    assert done.json["disabled"]["products"] == "preferred_supplier_id refers to suppliers, which is blocked"
    text = run("--block", "suppliers", "entities").out
    assert re.search(r"^products +disabled: preferred_supplier_id refers to suppliers, which is blocked$", text, re.M)
    plugins = {plugin["name"]: plugin for plugin in run("--block", "suppliers", "plugins", "--json").json["plugins"]}
    assert (plugins["suppliers"]["status"], plugins["products"]["status"]) == ("blocked", "active")


def test_without_a_blocked_plugin_the_rest_is_made_and_exported_and_the_omitted_named(run: Run, sample: Path, tmp_path: Path) -> None:
    made = run("-d", tmp_path / "b.db", "--block", "suppliers", "init", "--json")
    assert (made.code, made.json["tables"]) == (0, ["bakeio_meta", "ingredients"])
    assert run("-d", sample, "--block", "suppliers", "export-complete", "-o", tmp_path / "out").code == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert [item["entity_type"] for item in manifest["files"]] == ["ingredients"]
    assert {"products", "purchases", "inventory_items"} <= set(manifest["omitted_entities"])


def test_the_sample_loads_without_what_a_blocked_plugin_would_hold(run: Run, tmp_path: Path) -> None:
    done = run("-d", tmp_path / "b.db", "--block", "suppliers", "init", "--sample", "--json")
    assert done.code == 0, done.out + done.err
    assert done.json["sample"] > 0


def test_a_set_with_entities_of_a_blocked_plugin_is_refused_naming_them(run: Run, sample_set: Path, tmp_path: Path) -> None:
    done = run("-d", tmp_path / "b.db", "--block", "suppliers", "import-complete", sample_set, "--json")
    assert done.code == 1
    named = [p for p in done.json["problems"] if p["severity"] == "error" and p["code"] in ("blocked", "unknown-entity")]
    assert any("suppliers" in json.dumps(p) for p in named)
    assert not (tmp_path / "b.db").exists()


def test_blocking_what_is_not_installed_is_a_mistake_of_the_caller(run: Run) -> None:
    done = run("--block", "supliers", "entities")
    assert (done.code, done.out) == (2, "")
    assert "supliers" in done.err and "suppliers" in done.err
    with pytest.raises(UsageError, match="supliers"):
        Bakeio.discover(block=["supliers"])
