"""Hostile documents: a sample of what `python tests/fuzz.py` throws at the command
line.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import fuzz
import pytest
from support.mutations import make

SEED = 4711


@pytest.mark.parametrize("part", range(2))
def test_hostile_documents_break_nothing(part: int, tmp_path: Path) -> None:
    tally = fuzz.many(tmp_path, SEED, range(part, 70, 2))
    assert tally.failures == []
    assert tally.documents == 35
    assert tally.enough, tally.lines()


def test_hostile_documents_break_nothing_on_postgresql(postgresql: str, tmp_path: Path) -> None:
    tally = fuzz.many(tmp_path, SEED, range(960, 972), postgresql)
    assert tally.failures == []
    assert tally.enough, tally.lines()


def test_a_document_that_fails_is_saved_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    with fuzz.kitchen_at(work) as kitchen:
        number = next(
            n for n in range(100) if make(Random(f"{SEED}:{n}"), kitchen.material).kind == "view"
        )
        with monkeypatch.context() as patch:
            patch.setattr(fuzz, "CODES", frozenset())
            patch.setattr(fuzz, "SECONDS", -1.0)
            broken = fuzz.one(kitchen, fuzz.Tally(), f"{SEED}:{number}")
        assert broken
        with monkeypatch.context() as patch:
            patch.chdir(home)
            folder = home / fuzz.saved(f"{SEED}:{number}", kitchen, broken)
        saved = {path.name: path.read_bytes() for path in (folder / "document").iterdir()}
        assert saved == {path.name: path.read_bytes() for path in (work / "document").iterdir()}
    assert json.loads((folder / "case.json").read_bytes())["kind"] == "view"
    (tmp_path / "again").mkdir()
    assert fuzz.repeat(tmp_path / "again", folder) is None
    monkeypatch.setattr(fuzz, "SECONDS", -1.0)
    (tmp_path / "third").mkdir()
    assert "took" in (fuzz.repeat(tmp_path / "third", folder) or "")


def test_too_few_documents_that_reach_planning_are_a_failure() -> None:
    assert fuzz.Tally(documents=100, planned=50, accepted=5).enough
    assert not fuzz.Tally(documents=100, planned=49, accepted=50).enough
    assert not fuzz.Tally(documents=100, planned=100, accepted=4).enough


@pytest.mark.parametrize(("out", "said"), [
    (b"", "not one JSON object"), (b"{}{}", "not one JSON object"), (b'{"a": NaN}', "NaN"),
    (b"[]", "no JSON object"), (b'{"a": "\xff"}', "not one JSON object"),
    (b'{"problems": [{"code": "odd"}]}', "unknown code"), (b'{"valid": true}', "valid"),
    (b'{"summary": {"processed": 1, "created": 0, "updated": 0, "unchanged": 0, "skipped": 0, '
     b'"conflicts": 0, "errors": 0}, "entities": {}}', "add up"),
])  # fmt: skip
def test_an_answer_that_is_not_right_is_noticed(out: bytes, said: str) -> None:
    with pytest.raises(fuzz.Broken, match=said):
        fuzz.checked_json(fuzz.Ran([], 1, out, b""))


def test_what_a_terminal_would_obey_is_noticed() -> None:
    fuzz.checked_text(fuzz.Ran([], 0, "Crème\n".encode(), b""))
    with pytest.raises(fuzz.Broken, match="stderr"):
        fuzz.checked_text(fuzz.Ran([], 0, b"", b"\x1b[2J\n"))
