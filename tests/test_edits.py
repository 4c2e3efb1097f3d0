"""Some hundreds of random edits: a sample of what `python tests/edits.py` does to views."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import edits
import pytest

SEED = 4711


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[edits.Desk]:
    with edits.desk_at(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.mark.parametrize("part", range(2))
def test_no_edit_of_a_view_goes_without_a_word(desk: edits.Desk, part: int) -> None:
    tally = edits.many(desk, SEED, range(part, 70, 2))
    assert tally.failures == []
    assert tally.files == 35
    assert tally.enough, tally.lines()


def test_no_edit_of_a_view_goes_without_a_word_on_postgresql(
    new_postgresql: object, tmp_path: Path
) -> None:
    desk = edits.Desk(edits.connect(new_postgresql()), tmp_path)  # type: ignore[operator]
    tally = edits.many(desk, SEED, range(140, 152))
    desk.engine.dispose()
    assert tally.failures == []


def test_an_edit_nobody_speaks_of_is_noticed(
    desk: edits.Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case = next(
        case
        for case in (desk.case(f"{SEED}:{number}") for number in range(100))
        if case.done == ["change_field"]
        and desk.imported(case).problems
        and not desk.imported(case).refusal
        and not desk.imported(case).summary["updated"]
    )
    outcome = desk.imported(case)
    assert list(edits.complaints(case, outcome)) == []
    outcome.problems = []
    outcome.summary = {**outcome.summary, "errors": 0, "nulls_kept": 0, "skipped": 0}
    assert "neither applied nor told" in "".join(edits.complaints(case, outcome))


def test_a_file_that_fails_is_saved_with_its_database_and_can_be_repeated(
    desk: edits.Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case = next(
        case
        for case in (desk.case(f"{SEED}:{number}") for number in range(100))
        if case.meanwhile and case.done
    )
    folder = edits.saved(desk, case, "it broke", tmp_path)
    assert (folder / "view.json").read_bytes() == case.contents
    work = tmp_path / "again"
    work.mkdir()
    assert edits.repeat(folder, work) is None
    monkeypatch.setattr(edits, "complaints", lambda case, outcome: ["it broke"])
    assert "it broke" in (edits.repeat(folder, work) or "")
