"""`bakeio new-plugin`: a package that installs, is typed, and passes the kit as it is."""

from __future__ import annotations

import subprocess
import types
from pathlib import Path

import pytest
from support.commands import Run
from support.plugins import Environment

from bakeio_core import Bakeio
from bakeio_core.cli.installed.new_plugin import package
from bakeio_core.testing import faults_of

KINDS = ["view", "entity", "format", "resolver", "command"]


def test_a_new_package_of_every_kind_installs_and_passes_its_own_tests(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "bakeio-ovens"
    done = run("new-plugin", "ovens", *(f"--{kind}" for kind in KINDS), "-o", folder, "--json")
    assert done.code == 0
    assert done.json["folder"] == str(folder)
    stranger = Environment.make(tmp_path / "env")
    stranger.pip("install", "--no-deps", "--no-build-isolation", "--no-index", folder)
    listed = {p["name"]: p["status"] for p in stranger.bakeio("plugins", "--json").json["plugins"]}
    assert [listed[f"ovens_{kind}"] for kind in KINDS[:-1]] == ["active"] * 4
    some = "command or (sqlite and (declarations or restores or formats or sample))"
    command = [stranger.python, "-m", "pytest", "-q", "-k", some, folder / "tests"]
    tested = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert tested.returncode == 0, tested.stdout
    assert "5 passed" in tested.stdout


@pytest.mark.parametrize("of", ["products", "purchases"])
def test_a_view_can_be_begun_of_any_entity_that_is_installed(core: Bakeio, of: str) -> None:
    files = package(core, "new-look", ["view", "resolver"], of)
    others = package(core, "other-look", ["view", "command"], of)
    # pytest runs the tests of several packages at once only where no two files have one name
    assert [name for name in files if name in others and name.startswith("tests/")] == []
    for kind in ("view", "resolver"):
        module = types.ModuleType(f"new_{kind}")
        exec(files[f"bakeio_new_look/{kind}.py"], module.__dict__)
        assert faults_of(module, checks=["declarations", "unedited", "documented"]) == {}


def test_what_cannot_be_made_is_refused_in_words(run: Run, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    for words, said in (
        (["ovens", "-o", there], f"{there} exists already: choose another name, or --output"),
        (["products"], '"products" is the name of an installed plugin: choose another one'),
        (["My Ovens!"], '"My Ovens!" cannot be a plugin: use lower-case letters, digits and hyp'),
        (["ovens", "--of", "nuts"], 'there is no entity "nuts"; installed are suppliers'),
    ):
        done = run("new-plugin", "-o", tmp_path / "new", *words)
        assert (done.code, done.out) == (2, "")
        assert said in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
