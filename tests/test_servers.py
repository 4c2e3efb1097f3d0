"""Servers as they are run: behind a pooler, and as replicas."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import Run, export
from support.databases import sql
from support.files import edit, set_contents
from support.receipts import purchase, view_of
from support.servers import cutter, pooler, standby

Make = Callable[..., str]


def test_everything_works_behind_a_pooler_of_transactions(
    new_postgresql: Make, run: Run, sample_template: str, tmp_path: Path
) -> None:
    url = new_postgresql(sample_template)
    with pooler(url) as pooled:
        sets = [tmp_path / f"set{number}" for number in (1, 2)]
        for folder in sets:
            done = run("-d", pooled, "export-complete", "-o", folder)
            assert done.code == 0, done.err
        contents = [set_contents(folder) for folder in sets]
        assert contents[0].keys() == contents[1].keys()
        path = export(run, pooled, "purchases", tmp_path / "p.json")
        edit(path, lambda records: [{**record, "notes": "edited"} for record in records])
        assert run("-d", pooled, "import-view", path).code == 0
        assert run("-d", pooled, "undo", "--yes").code == 0
        again = run("-d", pooled, "import-complete", sets[0], "--json")
        assert again.json["summary"]["unchanged"] == 776, again.err
        for option in ("prepare_threshold=none", "connect_timeout=5"):
            assert run("-d", f"{pooled}&{option}", "runs").code == 0
        refused = run("-d", pooled, "export-complete", "-o", tmp_path / "many", "--jobs", 4)
        if os.environ.get("BAKEIO_DIALECT") != "portable":  # which takes one connection for all
            assert refused.code == 1
            assert "no further connection" in refused.err and "--jobs" in refused.err, refused.err
            assert not (tmp_path / "many").exists()
    with pooler(url, "statement") as pooled:
        for words in (["runs"], ["export-complete", "-o", tmp_path / "s"], ["import-view", path]):
            refused = run("-d", pooled, *words)
            assert refused.code == 1
            assert "use a pool in transaction mode" in refused.err, refused.err


@pytest.mark.parametrize("reaches", [True, False])
def test_a_connection_lost_in_the_moment_of_the_commit_is_told_as_what_happened(
    new_postgresql: Make, run: Run, sample_template: str, tmp_path: Path, reaches: bool
) -> None:
    url = new_postgresql(sample_template)
    bought = view_of(tmp_path / "new.json", [purchase("Wegmans"), purchase("Wegmans", day=99)])
    log = tmp_path / "skipped.json"
    with cutter(url, reaches=reaches) as cut:
        done = run("-d", cut, "import-view", bought, "--skip-on-error", "--skipped-log", log)
    is_kept = sql(url, "SELECT count(*) FROM purchases") == [(401,)]
    if os.environ.get("BAKEIO_DIALECT") == "portable":
        assert (done.code, is_kept) == (1, reaches)
        assert "either everything was written, or nothing" in done.err, done.err
        return
    assert (done.code, is_kept, log.exists()) == ((3, True, True) if reaches else (1, False, False))
    if not reaches:
        assert "Nothing was written" in done.err and "broke off" in done.err, done.err


def test_a_server_that_ends_the_connection_or_a_statement_is_told_in_one_line(
    new_postgresql: Make,
    run: Run,
    sample_template: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = new_postgresql(sample_template)
    bought = view_of(tmp_path / "new.json", [purchase("Wegmans")])
    sql(
        url,
        "CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(1); RETURN NEW; END $$",
        "CREATE TRIGGER away BEFORE INSERT ON purchases FOR EACH ROW EXECUTE FUNCTION away()",
    )
    for words in ([], ["--dry-run"], ["--skip-on-error"]):
        refused = run("-d", url, "import-view", bought, *words)
        assert refused.code == 1
        assert "broke off" in refused.err and "Nothing was written" in refused.err, refused.err
        assert refused.err.count("\n") == 1
    assert sql(url, "SELECT count(*) FROM purchases") == [(400,)]
    # a slow disk: after each file the server waits long enough
    monkeypatch.setattr(os, "fsync", lambda file: time.sleep(0.05))
    for name in ("idle_in_transaction_session_timeout", "transaction_timeout"):
        ended = run("-d", f"{url}&options=-c%20{name}%3D1", "export-complete", "-o", tmp_path / "s")
        # why a connection was closed does not always come through before it is
        told = f"{name}%3D0" if "due to" in ended.err else "a limit of time"
        assert (ended.code, told in ended.err) == (1, True), ended.err
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    "option", ["prepare_threshold=often", "autocommit=true", "row_factory=x", "nonsense=1"]
)
def test_an_option_that_a_url_cannot_have_is_named(postgresql: str, run: Run, option: str) -> None:
    refused = run("-d", f"{postgresql}&{option}", "runs")
    assert refused.code in (1, 2)
    assert option.split("=")[0] in refused.err


@pytest.mark.parametrize("option", ["nonsense=1", "timeout=soon"])
def test_an_option_that_sqlite_cannot_have_is_named(tmp_path: Path, run: Run, option: str) -> None:
    refused = run("-d", f"sqlite:///{tmp_path}/a.db?{option}", "init")
    assert refused.code == 2
    assert option.split("=")[1] in refused.err or "nonsense" in refused.err
    assert list(tmp_path.iterdir()) == []


def test_a_replica_is_read_and_refuses_writes_in_plain_words(
    new_postgresql: Make, run: Run, sample_template: str, tmp_path: Path
) -> None:
    url = new_postgresql(sample_template)
    bought = view_of(tmp_path / "new.json", [purchase("Wegmans")])
    assert run("-d", url, "import-view", bought).code == 0
    whole = tmp_path / "whole"
    assert run("-d", url, "export-complete", "-o", whole).code == 0
    with standby(url) as replica:
        reads = [
            ["export-complete", "-o", tmp_path / "set"],
            ["export-view", "purchases", "-o", tmp_path / "p.json"],
            ["runs"],
            ["why", "suppliers", "wegmans_burlington_ma"],
            ["suggest", "suppliers", "wegman"],
            ["aliases"],
        ]
        for words in reads:
            done = run("-d", replica, *words)
            assert (done.code, done.err) == (0, ""), done.err
        edit(tmp_path / "p.json", lambda records: records[0].update(notes="edited"))
        writes = [
            ["import-view", bought],
            ["import-view", tmp_path / "p.json", "--dry-run"],
            ["import-complete", whole],
            ["import-complete", whole, "--mode", "replace", "--yes"],
            ["undo", "--yes"],
            ["init"],
            ["upgrade"],
        ]
        for words in writes:
            refused = run("-d", replica, *words)
            if words[0] in ("init", "upgrade") and refused.code == 0:
                assert "exist already" in refused.out or "up to date" in refused.out
                continue
            assert refused.code == 1, (words, refused.out)
            assert "is a read-only replica" in refused.err, (words, refused.err)
            assert refused.err.count("Error") == 1
