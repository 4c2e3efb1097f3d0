"""All tables as sheets: for people to read, refused by every import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from support.commands import Run


def test_everything_is_written_as_sheets_and_no_import_takes_them(
    bakery: str, run: Run, tmp_path: Path
) -> None:
    book, folder = tmp_path / "all.xlsx", tmp_path / "all"
    for target, name in ((book, "xlsx"), (folder, "csv")):
        done = run("-d", bakery, "export-complete", "--format", name, "-o", target)
        assert (done.code, "It is not a backup" in done.err) == (0, True), done.err
        again = run("-d", bakery, "export-complete", "--format", name, "-o", target)
        assert (again.code, "exists already" in again.err) == (2, True)
    workbook = openpyxl.load_workbook(book)
    suppliers = [row[2].value for row in workbook["suppliers"].iter_rows()]
    assert suppliers[0] == "slug"
    assert "costco_waltham_ma" in suppliers
    assert any("not a backup" in str(c.value) for row in workbook["Read me"] for c in row)
    table = next(folder.glob("*_suppliers.csv"))
    for path in (book, table):
        refused = run("-d", bakery, "import", path)
        assert refused.code == 1
        assert "nothing of it is imported" in refused.err
    assert run("-d", bakery, "import", folder).code == 1
    assert run("validate-export", folder).code == 1


def test_reading_sheets_go_with_no_option_of_a_set(sample: Path, run: Run, tmp_path: Path) -> None:
    for words in (["--zip", "-o", tmp_path / "a.xlsx"], []):
        done = run("-d", sample, "export-complete", "--format", "xlsx", *words)
        assert done.code == 2
        assert "for reading" in done.err
    assert run("-d", sample, "export-complete", "--format", "ods", "-o", "x").code == 2
    assert list(tmp_path.glob("*.xlsx")) == []


LIMITED = """
import resource, sys
from bakeio_core.cli.run import main
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
sys.exit(main(sys.argv[1:]))
"""
"""A command of which no file may grow larger than that, as where the disk is full."""


@pytest.mark.skipif(os.name == "nt", reason="needs limits of a process")
def test_where_there_is_no_room_no_file_is_left_and_one_line_says_where(
    sample: Path, tmp_path: Path
) -> None:
    temporary, here = tmp_path / "temporary", tmp_path / "here"
    temporary.mkdir()
    here.mkdir()
    command = [sys.executable, "-B", "-c", LIMITED, "-d", str(sample)]
    for words in (
        ["export-view", "products", "purchases", "-o", "x.xlsx"],
        ["export-complete", "--format", "csv", "-o", "all"],
    ):
        done = subprocess.run(
            [*command, *words],
            env={**os.environ, "TMPDIR": str(temporary)},
            cwd=here,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith("Error: cannot write ")
        assert f"in {temporary}, where temporary files go" in done.stderr
        assert [*temporary.iterdir(), *here.iterdir()] == []
