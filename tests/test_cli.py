"""The command line as a person or a script meets it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import Ran, Run


@pytest.mark.parametrize("words", [["export-complete"], ["upgrade"]])
def test_without_a_database_commands_say_so_and_create_nothing(
    run: Run, tmp_path: Path, words: list[str]
) -> None:
    done = run("-d", tmp_path / "none.db", *words)
    assert done.code == 1
    assert done.out == ""
    assert done.err == f"Error: no database at {tmp_path / 'none.db'}; run: bakeio init\n"
    assert list(tmp_path.iterdir()) == []


def test_a_password_is_never_shown(run: Run) -> None:
    done = run("-d", "postgresql://baker:secret@127.0.0.1:1/bakery", "export-complete")
    assert done.code == 1
    assert "secret" not in done.err + done.out
    assert "baker" in done.err


def test_init_twice_is_harmless_and_a_sample_goes_into_an_empty_database_only(
    run: Run, tmp_path: Path
) -> None:
    assert run("-d", tmp_path / "a.db", "init").code == 0
    assert "all tables exist already" in run("-d", tmp_path / "a.db", "init").out
    assert run("-d", tmp_path / "a.db", "init", "--sample", "--json").json["sample"] == 776
    again = run("-d", tmp_path / "a.db", "init", "--sample")
    assert again.code == 2
    assert "empty database only" in again.err


def test_the_database_can_come_from_the_environment(
    run_process: Callable[..., Ran], tmp_path: Path
) -> None:
    assert (
        run_process("init", env={"BAKEIO_DATABASE": str(tmp_path / "env.db")}, cwd=tmp_path).code
        == 0
    )
    assert (tmp_path / "env.db").exists()


def test_underscores_and_hyphens_are_one(run: Run, sample_set: Path) -> None:
    assert run("validate_export", sample_set).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["import-complete"], "give PATH or --input"),
        (["import-complete", "x", "--mode", "sideways"], "no mode 'sideways'"),
        (["no-such-command"], "No such command"),
        (["-d", "mysql://host/db", "init"], "cannot use"),
        (["export-complete", "--since", "yesterday"], "not a date"),
        (["--block", "nobody", "plugins"], 'no plugin is called "nobody"'),
    ],
)
def test_a_wrong_call_is_a_usage_error(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*words)
    assert done.code == 2
    assert said in done.err


def test_json_is_one_object_on_stdout_and_nothing_else(
    run: Run, sample: Path, sample_set: Path, tmp_path: Path
) -> None:
    for words in (
        ["export-complete", "-o", tmp_path / "set", "--zip"],
        ["validate-export", sample_set], ["import-complete", sample_set],
        ["entities"], ["plugins"], ["upgrade"], ["init"], ["export-complete", "-o", sample_set],
        ["validate-export", tmp_path / "nowhere"],
    ):  # fmt: skip
        done = run("-d", sample, *words, "--json")
        assert isinstance(json.loads(done.out), dict), words


def test_an_existing_folder_is_refused_without_force(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious.txt").write_text("mine")
    done = run("-d", sample, "export-complete", "-o", tmp_path / "out")
    assert done.code == 2
    assert (tmp_path / "out" / "precious.txt").read_text() == "mine"
    assert run("-d", sample, "export-complete", "-o", tmp_path / "out", "--force").code == 2
    (tmp_path / "out" / "precious.txt").unlink()
    assert run("-d", sample, "export-complete", "-o", tmp_path / "out").code == 2
    assert run("-d", sample, "export-complete", "-o", tmp_path / "out", "--force").code == 0
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == ["out"]


def test_the_default_folder_and_archive_are_named_by_time(
    run: Run, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("-d", sample, "export-complete", "--zip", "--json").json
    assert re.fullmatch(
        r"docs/exports/\d{4}-\d\d-\d\d_\d{6}_[0-9a-f]{6}", Path(done["folder"]).as_posix()
    )
    assert (
        Path(done["archive"]).as_posix() == f"docs/exports/archives/{Path(done['folder']).name}.zip"
    )


def test_a_range_of_days_keeps_what_its_rows_refer_to(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    done = run(
        "-d",
        sample,
        "export-complete",
        "-o",
        tmp_path / "set",
        "--since",
        "2025-11-01",
        "--until",
        "2025-11-30",
        "--json",
    ).json
    read = {
        name: json.loads((tmp_path / "set" / f"{name}.json").read_text())["records"]
        for name in ("04_purchases", "05_inventory_items")
    }
    assert 0 < done["counts"]["purchases"] < 400
    lots, purchases = (
        read["05_inventory_items"],
        {record["uuid"]: record for record in read["04_purchases"]},
    )
    assert all("2025-11-01" <= lot["addition_date"] <= "2025-11-30" for lot in lots)
    assert all(lot["purchase_uuid"] in purchases for lot in lots if lot["purchase_uuid"])
    assert run("validate-export", tmp_path / "set").code == 0
    assert run("-d", tmp_path / "b.db", "import-complete", tmp_path / "set").code == 0


def test_without_transactional_entities_the_omitted_ones_are_named(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    run("-d", sample, "export-complete", "-o", tmp_path / "set", "--no-transactional")
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text())
    assert [item["entity_type"] for item in manifest["files"]] == [
        "suppliers",
        "ingredients",
        "products",
    ]
    assert manifest["omitted_entities"] == ["purchases", "inventory_items"]
    assert run("validate-export", tmp_path / "set").code == 0


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    command = f"{sys.executable} -m bakeio_core plugins | true"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_a_terminal_that_cannot_show_a_character_gets_an_escape(
    run_process: Callable[..., Ran], tmp_path: Path, sample_set: Path
) -> None:
    done = run_process("validate-export", tmp_path / "Crème", env={"PYTHONIOENCODING": "ascii"})
    assert done.code == 1
    assert "Cr\\xe8me" in done.err


def test_the_demo_is_the_story_its_transcript_tells(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    golden = Path(__file__).parent / "data" / "demo.txt"
    done = run("demo")
    assert done.code == 0
    told = re.sub(r"(manifest.json +)[\d,]+ bytes", r"\1#,### bytes", done.out)
    if os.environ.get("BAKEIO_WRITE_GOLDEN"):
        golden.write_text(told, "utf-8")
    assert told == golden.read_text("utf-8")
    assert len(told.splitlines()) <= 40
    assert max(map(len, told.splitlines())) <= 80
    assert run("demo").out.splitlines()[0] == told.splitlines()[0]


def test_the_demo_keeps_off_a_folder_with_other_files(run: Run, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    assert run("demo", tmp_path).code == 2
    assert (tmp_path / "precious.txt").read_text() == "mine"
