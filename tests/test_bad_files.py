"""Every code has bad files that are refused with it and nothing else, and nothing is written."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fuzz import Sqlite
from support.bad_files import CASES, Case, Kit, meanwhile
from support.commands import Run
from support.errors_page import hold_to_page
from support.reports import codes

from bakeio_core.errors import CODES

BY_PROGRAM = {"changed-meanwhile"}
NO_BAD_FILES = {"unknown-headings", "unverified"}
"""Of sheets of others, which are asked about, and a note: tested where those are."""


@pytest.fixture
def kits(
    run: Run,
    sample_database: Path,
    sample_set: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[], Kit]]:
    """Lay out the sample bakery and its set, as often as asked."""
    with contextlib.ExitStack() as held, monkeypatch.context() as patch:

        def make() -> Kit:
            home = tmp_path / str(next(numbers))
            home.mkdir()
            database = home / "sample.db"
            database.write_bytes(sample_database.read_bytes())

            def export(name: str, path: Path) -> None:
                assert run("-d", database, "export-view", name, "-o", path, "--force").code == 0

            return Kit(
                home, database, shutil.copytree(sample_set, home / "set"), export, patch, held
            )

        numbers = itertools.count()
        yield make


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_file_is_refused_with_its_code_alone_writes_nothing_and_reads_as_documented(
    run: Run, kits: Callable[[], Kit], case: Case
) -> None:
    if case.code == "symlink" and case.kind == "set" and os.name == "nt":
        pytest.skip("links need rights there")
    kit = kits()
    command = case.make(kit)
    before = Sqlite(kit.home).state(str(kit.database))
    people, programs = run(*command), run(*command, "--json")
    assert codes(programs.json) == {case.code}, programs.out
    assert (people.code, programs.code) == (1, 1)
    assert Sqlite(kit.home).state(str(kit.database)) == before
    if case.shown:
        hold_to_page(case.code, people.out + people.err, kit.home)


def test_a_plan_that_was_overtaken_is_refused(kits: Callable[[], Kit]) -> None:
    kit = kits()
    (_, of_file), (_, of_rows) = found = list(meanwhile(kit))
    assert {code for code, _ in found} == BY_PROGRAM
    assert "the file changed" in of_file
    hold_to_page("changed-meanwhile", f"Error: {of_rows}", kit.home)


def test_every_code_has_two_bad_files_or_situations() -> None:
    found = Counter(case.code for case in CASES)
    assert set(found) | BY_PROGRAM | NO_BAD_FILES == CODES
    assert [code for code, count in found.items() if count < 2] == []
    shown = Counter(case.code for case in CASES if case.shown)
    assert set(shown.values()) == {1} and set(shown) == set(found)
    assert {case.kind for case in CASES} == {"set", "zip", "view", "entity", "skipped"}
