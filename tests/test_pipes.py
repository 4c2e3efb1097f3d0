"""Pipes, devices and full disks in the place of files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.commands import Run
from support.databases import sql
from support.receipts import purchase, view_of

if not Path("/dev/full").exists():
    pytest.skip("this system has no such devices", allow_module_level=True)


def shell(line: str, database: Path) -> tuple[list[int], str, str]:
    """Run a line of bash in which `bakeio` works on a database: the exit codes of its parts, what
    came out, and what was said.
    """
    bakeio = f'bakeio() {{ {sys.executable} -m bakeio_core -d {database} "$@"; }}'
    done = subprocess.run(
        ["bash", "-c", f"{bakeio}\n{line}\necho >&2 codes ${{PIPESTATUS[@]}}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    said, _, codes = done.stderr.rpartition("codes ")
    return [int(code) for code in codes.split()], done.stdout, said


def test_a_reader_who_has_read_enough_is_no_error(sample: Path, tmp_path: Path) -> None:
    codes, out, said = shell("bakeio export-view purchases -o - | head -1", sample)
    assert (codes, out, said) == ([0, 0], "{\n", "")
    wrong = view_of(tmp_path / "wrong.json", [purchase(f"Nobody {n}") for n in range(3000)])
    codes, out, said = shell(f"bakeio import-view {wrong} --json | head -c 1", sample)
    assert (codes, out, said) == ([1, 0], "{", "")  # it was refused, whoever read that


def test_a_full_disk_behind_stdout_is_told_in_one_line(sample: Path, tmp_path: Path) -> None:
    told = "Error: cannot write the output: no space left on device\n"
    assert shell("bakeio export-view purchases -o - > /dev/full", sample) == ([1], "", told)
    # what was done is done, and the exit code says so
    bought = view_of(tmp_path / "new.json", [purchase("Wegmans")])
    assert shell(f"bakeio import-view {bought} --json > /dev/full", sample) == ([0], "", told)
    assert sql(sample, "SELECT count(*) FROM purchases") == [(401,)]


def test_a_view_is_read_from_a_pipe(sample: Path, tmp_path: Path, run: Run) -> None:
    bought, pipe = view_of(tmp_path / "new.json", [purchase("Wegmans")]), tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=lambda: pipe.write_bytes(bought.read_bytes())).start()
    done = run("-d", sample, "import-view", pipe, "--json")
    assert done.code == 0, done.err
    assert done.json["summary"]["created"] == 1


def test_who_is_told_to_end_says_what_happened(sample: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "bakeio_core", "-d", str(sample), "import-view"]
    for told in (signal.SIGTERM, signal.SIGHUP):
        pipe = tmp_path / told.name
        os.mkfifo(pipe)
        # who runs the tests by nohup has them ignore one of the two, and bakeio ignores it too then
        process = subprocess.Popen(
            [*words, str(pipe)],
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
        with pipe.open("w"):  # it is open once the command waits for its file
            process.send_signal(told)
            assert process.communicate()[1].strip() == "Interrupted: nothing was written."
        assert process.returncode == 130


@pytest.mark.parametrize("command", ["import-view", "import-complete", "validate-export"])
def test_a_device_that_never_ends_is_refused(sample: Path, run: Run, command: str) -> None:
    refused = run("-d", sample, command, "/dev/zero")
    assert refused.code == 1
    assert "device" in refused.err


def test_so_is_one_that_is_named_as_decisions_or_as_a_profile(
    sample: Path, tmp_path: Path, run: Run
) -> None:
    bought = view_of(tmp_path / "new.json", [purchase("Wegmans")])
    refused = run("-d", sample, "import-view", bought, "--decisions", "/dev/zero")
    assert (refused.code, refused.out) == (1, "")
    assert "/dev/zero: is a device" in refused.err
    refused = run("--profile", "/dev/zero", "-d", sample, "runs")
    assert refused.code == 2
    assert "/dev/zero: has more than 1,048,576 bytes: is it a profile?" in refused.err


def test_standard_streams_may_be_closed(sample: Path) -> None:
    codes, out, said = shell("bakeio runs >&- | cat", sample)
    assert (codes, out) == ([1, 0], "")
    assert said == "Error: cannot write the output: bad file descriptor\n"
    codes, out, said = shell("bakeio import-view - <&-", sample)
    assert (codes, out, said) == ([1], "", "Error: stdin: is empty\n")


def test_what_never_becomes_json_is_not_waited_for(sample: Path) -> None:
    codes, _, said = shell("yes | bakeio import -", sample)
    assert codes[1] == 1
    assert said == "Error: stdin: is not JSON, and a file longer than 4 MiB has to be\n"
