"""Sets of a range of days: nothing falls between two halves, a half replaces nothing unasked."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import Run
from support.databases import rows_of, sql
from support.files import document

from bakeio_core import Bakeio, BakeioError, connect

UNDATED = "UPDATE inventory_items SET addition_date = NULL WHERE id IN (1, 2, 3)"


@pytest.fixture
def undated(bakery: str) -> str:
    """A bakery of which three lots have no date."""
    sql(bakery, UNDATED)
    return bakery


def test_rows_without_a_date_are_told_and_are_in_the_half_without_a_first_day(
    undated: str, tmp_path: Path, run: Run
) -> None:
    late = run("-d", undated, "export-complete", "-o", tmp_path / "late", "--since", "2025-06-01")
    assert "note: 3 rows of inventory_items without a date: left out" in late.err
    early = run("-d", undated, "export-complete", "-o", tmp_path / "early", "--until", "2025-05-31")
    assert "note: 3 rows of inventory_items without a date: in this half" in early.err
    lots = document(tmp_path / "early" / "05_inventory_items.json")["records"]
    assert sum(lot["addition_date"] is None for lot in lots) == 3


def test_two_halves_put_together_are_everything(undated: str, tmp_path: Path, run: Run) -> None:
    run("-d", undated, "export-complete", "-o", tmp_path / "late", "--since", "2025-06-01")
    run("-d", undated, "export-complete", "-o", tmp_path / "early", "--until", "2025-05-31")
    for half in ("late", "early"):
        assert run("-d", tmp_path / "new.db", "import-complete", tmp_path / half).code == 0
    new, old = rows_of(tmp_path / "new.db"), rows_of(undated)
    for table in ("purchases", "inventory_items"):
        assert len(new[table]) == len(old[table])


def test_a_first_day_after_the_last_is_a_usage_error(
    sample: Path, tmp_path: Path, run: Run
) -> None:
    words = ("--since", "2025-06-01", "--until", "2025-05-01")
    done = run("-d", sample, "export-complete", "-o", tmp_path / "set", *words)
    assert (done.code, (tmp_path / "set").exists()) == (2, False)
    assert "the first day, 2025-06-01, comes after the last, 2025-05-01" in done.err


def test_a_range_of_days_replaces_nothing_unless_it_is_named(
    bakery: str, core: Bakeio, tmp_path: Path, run: Run
) -> None:
    run("-d", bakery, "export-complete", "-o", tmp_path / "late", "--since", "2025-06-01")
    before = rows_of(bakery)
    replace = ("-d", bakery, "import-complete", tmp_path / "late", "--mode", "replace", "--yes")
    refused = run(*replace)
    assert refused.code == 1
    assert "has only the days 2025-06-01.." in refused.err
    assert "--allow 2025-06-01.." in refused.err
    assert rows_of(bakery) == before
    with (
        connect(bakery).begin() as db,
        pytest.raises(BakeioError, match="has only the days"),
    ):
        core.plan(db, tmp_path / "late", mode="replace")
    meant = run(*replace, "--allow", "2025-06-01..")
    assert meant.code == 0, meant.err
    assert len(rows_of(bakery)["purchases"]) < len(before["purchases"])
