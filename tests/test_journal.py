"""The journal grows: its size is told, and runs of long ago are taken out of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.commands import Run, export
from support.databases import rows_of, sql
from support.files import edit
from support.receipts import purchase, view_of


def test_runs_of_long_ago_are_taken_out_and_told_of(bakery: str, run: Run, tmp_path: Path) -> None:
    for day in (1, 2, 3):
        path = view_of(tmp_path / "new.json", [purchase("Wegmans", day)])
        assert run("-d", bakery, "import-view", path).code == 0
        sql(bakery, "UPDATE bakeio_runs SET at = '2020-01-01T00:00:00Z' WHERE id = 1")
        old = f"UPDATE bakeio_runs SET at = '2020-01-0{day}T00:00:00Z' WHERE id = {day + 1}"
        sql(bakery, old)
    edited = export(run, bakery, "purchases", tmp_path / "p.json")
    edit(edited, lambda records: records[0].update(notes="edited"))
    assert run("-d", bakery, "import-view", edited).code == 0
    size = run("-d", bakery, "journal", "--json").json
    assert (size["runs"], size["pruned"], size["changes"]) == (5, 0, 1)
    assert size["bytes"] is None or size["bytes"] > 10_000
    assert "5 runs" in run("-d", bakery, "journal").out
    before = rows_of(bakery)
    trial = run("-d", bakery, "journal", "prune", "--keep-runs", 2, "--dry-run", "--json")
    assert (trial.json["runs"], trial.json["to"]) == (3, 3)
    assert run("-d", bakery, "journal", "--json").json == size
    done = run("-d", bakery, "journal", "prune", "--keep-days", 1)
    assert done.code == 0, done.err
    assert "4 runs up to 4 were removed" in done.out, done.out
    assert rows_of(bakery) == before
    told = run("-d", bakery, "runs").out.splitlines()
    assert [line.endswith("(removed from the journal)") for line in told] == [False, *4 * [True]]
    refused = run("-d", bakery, "undo", 3)
    assert refused.code == 1
    assert "what run 3 did was removed from the journal, with all runs up to 4" in refused.err
    explained = run("-d", bakery, "why", "purchases", 1)
    assert 'notes: null -> "edited"' in explained.out
    assert "note: what runs up to 4 did was removed from the journal" in explained.err
    assert run("-d", bakery, "undo").code == 0
    assert sql(bakery, "SELECT notes FROM purchases WHERE id = 1") == [(None,)]
    nothing = run("-d", bakery, "undo")
    assert nothing.code == 1 and "runs up to 4 did was removed" in nothing.err
    again = run("-d", bakery, "journal", "prune", "--keep-runs", 99)
    assert again.code == 0 and "No run is old enough" in again.out


def test_what_stays_is_said(bakery: str, run: Run) -> None:
    refused = run("-d", bakery, "journal", "prune")
    assert refused.code == 2
    assert "--keep-days N or --keep-runs N" in refused.err
    assert run("-d", bakery, "journal", "--keep-runs", 3).code == 2


def test_a_database_without_a_journal_has_a_small_one(
    new_database: Callable[[], str], run: Run, folder: Path
) -> None:
    url = new_database()
    assert run("-d", url, "import-complete", folder, "--no-journal").code == 0
    assert run("-d", url, "journal", "--json").json["runs"] == 0
    assert "0 runs" in run("-d", url, "journal").out
    assert run("-d", url, "journal", "prune", "--keep-runs", 0).code == 0
