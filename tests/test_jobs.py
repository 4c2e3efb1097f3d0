"""Exports of several files at a time: the same bytes, of one moment, and an end where one fails."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.commands import Run

from bakeio_core import Bakeio, connect
from bakeio_core.database.connect import begin_read
from bakeio_core.files.sets.export_set import differences


def test_a_set_written_by_several_jobs_is_the_same(run: Run, bakery: str, tmp_path: Path) -> None:
    for jobs in (1, 3):
        done = run("-d", bakery, "export-complete", "-o", tmp_path / f"{jobs}", "--jobs", jobs)
        assert done.code == 0, done.err
        is_told = "one after another, not 3 at a time" in done.err
        is_alone = bakery.endswith(".db") or os.environ.get("BAKEIO_DIALECT") == "portable"
        assert is_told == (jobs == 3 and is_alone)
    assert list(differences(tmp_path / "1", tmp_path / "3")) == []
    assert run("validate-export", tmp_path / "3").code == 0


def test_all_files_of_several_jobs_are_of_one_moment_and_one_that_fails_ends_all(
    core: Bakeio, sample_template: str, new_postgresql: Callable[..., str], tmp_path: Path
) -> None:
    url = new_postgresql(sample_template)
    counts: dict[str, int] = {}

    def write_between(name: str, count: int) -> None:
        if not counts:
            with psycopg.connect(url) as other:
                for table in ("inventory_items", "purchases"):
                    other.execute(f"DELETE FROM {table}")
        counts[name] = count

    engine = connect(url)
    with begin_read(engine) as db:
        done = core.export_complete(db, tmp_path / "set", jobs=2, progress=write_between)
        assert done.counts["purchases"] == counts["purchases"] > 0
        assert done.counts["inventory_items"] > 0

        def fail(name: str, count: int) -> None:
            raise ValueError(f"{name} is not wanted")

        with pytest.raises(ValueError, match="is not wanted"):
            core.export_complete(db, tmp_path / "other", jobs=2, progress=fail)
    engine.dispose()
    assert not (tmp_path / "other").exists()


def test_an_engine_that_has_less_is_asked_for_nothing_more(
    run: Run,
    sample_template: str,
    new_postgresql: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, empty = new_postgresql(sample_template), new_postgresql()
    run("-d", url, "export-complete", "-o", tmp_path / "usual")
    monkeypatch.setenv("BAKEIO_DIALECT", "portable")
    said: list[str] = []
    optional = re.compile(
        r"^(COPY|LOCK|ALTER|DROP|SELECT pg_(try_)?advisory|SELECT pg_export)", re.IGNORECASE
    )

    def heard(usual: Callable[..., Any]) -> Callable[..., Any]:
        def listen(self: Any, query: Any, *rest: Any, **more: Any) -> Any:
            said.append(str(query))
            return usual(self, query, *rest, **more)

        return listen

    for name in ("execute", "copy"):
        monkeypatch.setattr(psycopg.Cursor, name, heard(getattr(psycopg.Cursor, name)))
    assert run("-d", url, "export-complete", "-o", tmp_path / "set", "--jobs", 2).code == 0
    assert list(differences(tmp_path / "usual", tmp_path / "set")) == []
    assert run("-d", empty, "import-complete", tmp_path / "set").code == 0
    assert run("-d", empty, "export-complete", "-o", tmp_path / "again").code == 0
    assert list(differences(tmp_path / "set", tmp_path / "again")) == []
    assert len(said) > 50
    assert [text for text in said if optional.match(text)] == []
