"""What a command does not use is not loaded: it would make every start slower."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event
from support.alone import ALONE
from support.commands import Ran, Run, export

from bakeio_core import Bakeio, connect

LOADED = """
import json, sys
from bakeio_core.cli.run import main
try:
    main(sys.argv[1:])
except SystemExit as left:
    code = left.code
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""
IMPORTING = ["bakeio_core.importing", "bakeio_core.files.sets", "bakeio_core.history"]
EXPORTING = ["bakeio_core.exporting.write_set", "bakeio_core.exporting.proving.proof"]
RANKING = ["rapidfuzz", "anyascii", "bakeio_core.resolving.candidates"]
SELDOM = [
    "bakeio_core.cli.review.page",
    "bakeio_core.history.journal.prune",
    "bakeio_core.importing.reading.answers.forgiving",
]
DATABASES = ["sqlalchemy.dialects.postgresql", "psycopg", "bakeio_core.database.connect"]


def loaded(*words: object, folder: Path) -> set[str]:
    """Run a command in a process of its own and return the modules it loaded."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("BAKEIO_", "COV"))}
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert not code, done.stderr
    return set(modules)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["import-view", "--help"]])
def test_help_and_version_load_neither_sqlalchemy_nor_a_plugin(
    words: list[str], tmp_path: Path
) -> None:
    there = loaded(*words, folder=tmp_path)
    assert there.isdisjoint(
        ["sqlalchemy", "msgspec", "pluggy", "bakeio_bakery.suppliers", *IMPORTING]
    )
    assert there.isdisjoint(
        ["email.parser", "importlib_metadata._adapters"]
    )  # names are read from the metadata's head


@pytest.mark.parametrize("command", ["entities", "views", "plugins"])
def test_telling_what_is_installed_loads_nothing_that_opens_files(
    command: str, tmp_path: Path
) -> None:
    there = loaded(command, folder=tmp_path)
    assert there.isdisjoint([*IMPORTING, *EXPORTING, *RANKING])
    assert there.isdisjoint(["sqlalchemy.dialects.postgresql", "psycopg"])


@pytest.mark.parametrize("words", [["export-view", "products"], ["export-complete"]])
def test_an_export_loads_nothing_that_imports(
    words: list[str], sample: Path, tmp_path: Path
) -> None:
    there = loaded("-d", sample, *words, "-o", tmp_path / "out", folder=tmp_path)
    rooms = [f"bakeio_core.importing.{room}" for room in ("run", "planning", "applying", "bulk")]
    assert there.isdisjoint([*rooms, *RANKING])


def test_a_small_import_loads_neither_exports_nor_ranking_nor_another_driver(
    sample: Path, tmp_path: Path
) -> None:
    view = tmp_path / "view.json"
    loaded("-d", sample, "export-view", "products", "-o", view, folder=tmp_path)
    there = loaded("-d", sample, "import-view", view, folder=tmp_path)
    unused = {*EXPORTING, *RANKING, *SELDOM, *DATABASES[:2]}
    assert there & unused == set()


def test_the_collector_rests_until_all_is_loaded_and_then_works(
    run_process: Callable[..., Ran], tmp_path: Path
) -> None:
    watch = tmp_path / "sitecustomize.py"
    watch.write_text(
        "import atexit, gc, sys\n"
        "told = []\n"
        "gc.callbacks.append(lambda when, about: told.append(about['generation']))\n"
        "atexit.register(lambda: print(told.count(2), gc.isenabled(), file=sys.stderr))\n"
    )
    done = run_process("entities", env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ALONE}"})
    assert done.err.splitlines()[-1] == "0 True"


def test_another_import_of_the_same_export_asks_no_more_of_the_database(
    sample: Path, tmp_path: Path, run: Run, core: Bakeio
) -> None:
    view = export(run, sample, "products", tmp_path / "view.json")

    def asked() -> int:
        engine, count = connect(sample), [0]
        event.listen(engine, "before_cursor_execute", lambda *_: count.append(1))
        with engine.begin() as db:
            core.import_(db, view)
        engine.dispose()
        return len(count)

    asked()
    second = asked()
    assert [asked() for _ in range(3)] == [second] * 3
