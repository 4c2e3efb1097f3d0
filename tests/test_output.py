"""Files and folders appear whole or not at all.

What a killed run left is named and cleaned by the next one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.commands import Run

from bakeio_core import Bakeio, connect
from bakeio_core.database.connect import begin_read


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that is over."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


@pytest.fixture
def alive() -> Iterator[int]:
    """The number of a process at work."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.communicate(b"\n")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def hidden(folder: Path) -> list[str]:
    return [name for name in names(folder) if name.startswith(".")]


# -- leftovers
def test_a_leftover_is_named_and_removed_by_the_next_export_of_the_same_file(
    run: Run, sample: Path, tmp_path: Path, dead: int
) -> None:
    (tmp_path / f".v.json.part-{dead}_1").write_text("half")
    done = run("-d", sample, "export-view", "products", "-o", tmp_path / "v.json")
    assert done.code == 0
    assert hidden(tmp_path) == []
    assert (
        done.err
        == f"removed {tmp_path}/.v.json.part-{dead}_1, left by a run that was interrupted\n"
    )
    (tmp_path / f".v.json.part-{dead}_1").write_text("half")
    quiet = run("--quiet", "-d", sample, "export-view", "products", "-o", tmp_path / "v.json")
    assert quiet.code == 0
    assert quiet.err == ""
    assert hidden(tmp_path) == []


def test_what_a_running_process_is_writing_is_left_to_it(
    run: Run, sample: Path, tmp_path: Path, alive: int
) -> None:
    left = tmp_path / f".v.json.part-{alive}_1"
    left.write_text("not finished yet")
    done = run("-d", sample, "export-view", "products", "-o", tmp_path / "v.json")
    assert done.code == 0
    assert done.err == ""
    assert left.read_text() == "not finished yet"


def test_files_of_other_names_are_never_taken_for_leftovers(
    run: Run, sample: Path, tmp_path: Path, dead: int
) -> None:
    others = [
        f".w.json.part-{dead}_1",
        f".v.json.part-{dead}",
        ".v.json.part-mine",
        f"v.json.part-{dead}_1",
        f".v.json.new-{dead}_1",
    ]
    for name in others:
        (tmp_path / name).write_text("precious")
    assert run("-d", sample, "export-view", "products", "-o", tmp_path / "v.json").code == 0
    assert set(others) <= set(names(tmp_path))


def test_what_is_left_of_a_name_made_up_for_one_run_is_removed_by_the_next_such_run(
    run: Run, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead: int
) -> None:
    """Nobody would ever write to that very name again."""
    monkeypatch.chdir(tmp_path)
    left = tmp_path / "docs" / "exports" / f".2026-01-01_000000_abcdef.part-{dead}_1"
    left.mkdir(parents=True)
    (left / "01_suppliers.json").write_text("half")
    (left.parent / f".mine.part-{dead}_1").write_text("another name")
    archive = left.parent / "archives" / f".2026-01-01_000000_abcdef.zip.part-{dead}_2"
    archive.parent.mkdir()
    archive.write_text("half")
    done = run("-d", sample, "export-complete", "--zip")
    assert done.code == 0
    assert hidden(left.parent) == [f".mine.part-{dead}_1"]
    assert hidden(archive.parent) == []
    assert done.err.count("left by a run that was interrupted") == 2


def test_a_name_with_brackets_is_no_pattern(
    run: Run, sample: Path, tmp_path: Path, dead: int
) -> None:
    (tmp_path / f".[v].json.part-{dead}_1").write_text("half")
    assert run("-d", sample, "export-view", "products", "-o", tmp_path / "[v].json").code == 0
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("words", [["validate-export"], ["import-complete", "--dry-run"]])
def test_reading_puts_a_folder_back_that_was_set_aside(
    run: Run, sample: Path, sample_set: Path, tmp_path: Path, dead: int, words: list[str]
) -> None:
    shutil.copytree(sample_set, tmp_path / f".out.old-{dead}_1")
    shutil.copytree(sample_set, tmp_path / f".out.part-{dead}_1")
    done = run("-d", sample, *words, tmp_path / "out")
    assert done.code == 0
    assert hidden(tmp_path) == []
    why = f"a run that was interrupted had set it aside as .out.old-{dead}_1"
    assert f"put {tmp_path / 'out'} back: {why}" in done.err


def test_an_old_folder_is_deleted_once_the_new_one_is_in_place(
    run: Run, sample: Path, sample_set: Path, tmp_path: Path, dead: int
) -> None:
    shutil.copytree(sample_set, tmp_path / f".out.old-{dead}_1")
    shutil.copytree(sample_set, tmp_path / "out")
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    done = run("-d", sample, "export-complete", "-o", tmp_path / "out")
    assert done.code == 2
    assert hidden(tmp_path) == []
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before


def test_a_folder_that_was_being_deleted_never_comes_back(
    run: Run, sample: Path, tmp_path: Path, dead: int
) -> None:
    """Half a folder must not appear.

    A run was killed while it deleted the old folder, then somebody moved the new one away.
    """
    (tmp_path / f".out.gone-{dead}_1").mkdir()
    (tmp_path / f".out.gone-{dead}_1" / "01_suppliers.json").write_text(
        "the rest is deleted already"
    )
    assert run("validate-export", tmp_path / "out").code == 1
    assert names(tmp_path) == ["sample.db"]


def test_an_old_folder_is_no_longer_called_old_when_its_deletion_begins(
    run: Run, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("-d", sample, "export-complete", "-o", tmp_path / "out").code == 0
    deleted: list[Path] = []
    unlink = os.unlink
    monkeypatch.setattr(
        os, "unlink", lambda path, **options: (deleted.append(Path(path)), unlink(path, **options))
    )
    assert run("-d", sample, "export-complete", "-o", tmp_path / "out", "--force").code == 0
    assert {path.parent.name.split("-")[0] for path in deleted if path.suffix == ".json"} == {
        ".out.gone"
    }


# -- failing leaves everything as it was
def test_an_archive_that_cannot_be_written_leaves_the_folder_as_it_was(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    assert run("-d", sample, "export-complete", "-o", tmp_path / "out").code == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    (tmp_path / "archives").write_text("a file is in the way")
    done = run(
        "-d", sample, "export-complete", "-o", tmp_path / "out", "--zip", "--force", "--json"
    )
    assert done.code == 1
    assert done.json["error"]["code"] == "io-error"
    assert hidden(tmp_path) == []
    assert f"cannot write {tmp_path / 'archives' / 'out.zip'}" in done.json["error"]["message"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_refused_export_makes_no_folder_for_its_archive(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    assert run("-d", sample, "export-complete", "-o", tmp_path / "out", "--zip").code == 2
    assert names(tmp_path) == ["out", "sample.db"]


def test_a_folder_another_program_makes_meanwhile_is_not_replaced_without_force(
    core: Bakeio, sample: Path, tmp_path: Path
) -> None:
    def come_first(entity: str, done: int) -> None:
        if not (tmp_path / "out").exists():
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "precious.txt").write_text("mine")

    engine = connect(sample)
    with (
        pytest.raises(Exception, match="was created or changed by another program meanwhile"),
        begin_read(engine) as db,
    ):
        core.export_complete(db, tmp_path / "out", progress=come_first)
    engine.dispose()
    assert names(tmp_path / "out") == ["precious.txt"]
    assert hidden(tmp_path) == []


# -- several at once
def test_threads_that_export_into_one_file_never_mix(
    core: Bakeio, sample: Path, tmp_path: Path
) -> None:
    target, faults = tmp_path / "v.json", list[BaseException]()
    together = threading.Barrier(3)

    def export(view: str) -> None:
        try:
            engine = connect(sample)
            for _ in range(5):
                together.wait(30)
                with begin_read(engine) as db:
                    core.export_view(db, view, target, force=True)
            engine.dispose()
        except BaseException as error:
            faults.append(error)
            together.abort()

    threads = [
        threading.Thread(target=export, args=[view])
        for view in ("purchases", "products", "inventory")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    document: dict[str, Any] = json.loads(target.read_text("utf-8"))
    assert document["record_count"] == len(document["records"]) > 0
    assert hidden(tmp_path) == []


# -- the order a power cut cannot undo
def test_files_are_on_the_disk_before_they_get_their_name_and_the_folder_after(
    run: Run, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This looks at real calls in their real order.

    What was synced is told by the file descriptor's own path.
    """
    done: list[tuple[str, str]] = []

    def noted(name: str, what: str, of: Callable[..., Any]) -> None:
        real = getattr(os, name)

        def call(*arguments: Any) -> Any:
            done.append((what, str(of(*arguments))))
            return real(*arguments)

        monkeypatch.setattr(os, name, call)

    noted("fsync", "sync", lambda descriptor: Path(f"/proc/self/fd/{descriptor}").readlink())
    noted("rename", "name", lambda _, new: new)
    noted("replace", "name", lambda _, new: new)
    out = tmp_path / "deep" / "er" / "out"
    assert run("-d", sample, "export-complete", "-o", out, "--zip").code == 0
    steps = [(what, Path(path).name.split("-")[0]) for what, path in done]
    named, packed = steps.index(("name", "out")), steps.index(("name", "out.zip"))
    before = steps[:named]
    for file in (
        "01_suppliers.json",
        "05_inventory_items.json",
        "manifest.json",
        ".out.part",
        ".out.zip.part",
    ):
        assert ("sync", file) in before, file
    assert steps[named + 1] == ("sync", "er")
    assert ("sync", ".out.zip.part") in steps[:packed]
    assert steps[packed + 1] == ("sync", "archives")
    assert steps[:2] == [("sync", tmp_path.name), ("sync", "deep")], (
        "each new folder is entered in the one above it"
    )
