"""Every code has bad files that are refused with it and nothing else, and nothing is written."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fuzz import Sqlite
from support.bad_files import CASES, Case, Kit, meanwhile
from support.commands import Run
from support.reports import codes

from bakeio_core.errors import CODES

BY_PROGRAM = {"changed-meanwhile"}
NO_BAD_FILES = {"unknown-headings", "unverified"}
"""Of sheets of others, which are asked about, and a note: tested where those are."""
ERRORS = Path(__file__).resolve().parent.parent / "docs" / "reference" / "errors.md"


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


def example(code: str) -> str:
    """What the page of errors shows for a code."""
    found = re.search(
        rf"^## {code}\n.*?```text\n(.*?)\n```", ERRORS.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert found, code
    return found[1]


def words(message: str) -> set[str]:
    """Return the words of a message; what it quotes is the file's."""
    return set(re.findall(r"[a-z]{3,}", re.sub(r'"(?:\\.|[^"\\])*"', "", message).lower()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_file_is_refused_with_its_code_and_no_other_and_nothing_is_written(
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


def test_a_plan_that_was_overtaken_is_refused(kits: Callable[[], Kit]) -> None:
    assert [code for code, _ in meanwhile(kits())] == ["changed-meanwhile", "changed-meanwhile"]


@pytest.mark.parametrize("code", sorted(CODES - NO_BAD_FILES))
def test_the_documented_example_of_a_code_is_what_is_printed(
    run: Run, kits: Callable[[], Kit], code: str
) -> None:
    printed = [message for _, message in meanwhile(kits())] if code in BY_PROGRAM else []
    for case in CASES:
        if case.code == code:
            done = run(*case.make(kits()))
            printed += (done.out + done.err).splitlines()
    wanted = words(example(code))
    best = max(printed, key=lambda line: len(wanted & words(line)))
    assert len(wanted & words(best)) >= 0.7 * len(wanted), (example(code), best)


def test_every_code_has_two_bad_files_or_situations() -> None:
    found = Counter(case.code for case in CASES)
    assert set(found) | BY_PROGRAM | NO_BAD_FILES == CODES
    assert [code for code, count in found.items() if count < 2] == []
    assert {case.kind for case in CASES} == {"set", "zip", "view", "entity", "skipped"}
