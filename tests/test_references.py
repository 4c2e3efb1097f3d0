"""References that name no row, from the question to the row: by a terminal, by a file of decisions, by a program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran, rows_of
from receipts import CIDER, DECIDED, FARM, SUMAC, contents, decisions, on_terminal, receipts

Run = Callable[..., Ran]
STORY = [
    "c",
    "",
    "Lincoln",
    "MA",
    "c",
    "",
    "",
    FARM,
    "Apple Cider",
    "64",
    "oz",
    "64",
    "c",
    "",
    "",
    "",
    "",
    "",
    "oz",
    "4",
    "c",
    "",
    "7",
    "y",
]
"""What somebody types: a supplier, a product of a known ingredient, a product of an unknown one, that ingredient; and yes, write it."""


@pytest.fixture
def bakery(new_database: Callable[[], str], run: Run) -> Callable[[], str]:
    """Make databases with the sample bakery, on each system in turn."""

    def make() -> str:
        url = new_database()
        assert run("-d", url, "init", "--sample").code == 0
        return url

    return make


# -- the story
def test_the_story_end_to_end_on_a_terminal_and_again_from_its_decisions(run: Run, bakery: Callable[[], str], tmp_path: Path) -> None:
    first, second, third = bakery(), bakery(), bakery()
    receipts(tmp_path / "receipts.json")
    told = on_terminal(["-d", first, "import-view", "receipts.json", "--interactive", "--decisions", "d.json"], STORY, tmp_path)
    assert told.code == 0, told.out
    assert told.out.count("Your answer:") == 4
    assert [line.split(": ")[1] for line in told.out.splitlines() if line.startswith("Question ")] == [
        "suppliers", "products", "products", "ingredients",
    ]  # fmt: skip
    rows = rows_of(first)
    assert [row[3] for row in rows["suppliers"]].count(FARM) == 1
    assert [row[2] for row in rows["products"][-2:]] == [CIDER, SUMAC]
    assert len(rows["purchases"]) == 424
    again = run("-d", second, "import-view", tmp_path / "receipts.json", "--decisions", tmp_path / "d.json", "--json")
    assert (again.code, again.json["summary"]["created"], again.json["summary"]["processed"]) == (0, 24, 24)
    assert contents(second) == contents(first)
    by_hand = decisions(tmp_path / "own.json", DECIDED)
    done = run("-d", third, "import-view", tmp_path / "receipts.json", "--decisions", by_hand, "--json").json
    assert done["created_entities"] == {
        "suppliers": [{"slug": "wilsons_farm_lincoln_ma"}], "products": [{"slug": CIDER}, {"slug": SUMAC}], "ingredients": [{"slug": "sumac"}],
    }  # fmt: skip
    assert contents(third)["purchases"] == contents(first)["purchases"]
    twice = run("-d", third, "import-view", tmp_path / "receipts.json", "--json")
    assert (twice.code, twice.json["summary"]["unchanged"], twice.json["summary"]["created"]) == (0, 24, 0)
