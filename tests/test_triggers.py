"""Rules of the database's own: triggers that refuse or swallow, constraints looked at late."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import Run, export
from support.databases import rows_of, sql
from support.files import document, edit
from support.receipts import purchase, view_of

Make = Callable[..., str]
BODY = {
    "refuse": "RAISE EXCEPTION 'too dear: %', NEW.unit_price{};",
    "swallow": "RETURN NULL;",
}


def trigger(url: str, does: str, event: str, *, code: str = "") -> None:
    """Make a trigger refuse or swallow purchases of a price of 8.5."""
    if url.startswith("postgresql"):
        what = BODY[does].format(f" USING ERRCODE = '{code}'" if code else "")
        sql(
            url,
            "CREATE OR REPLACE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NEW.unit_price = 8.5 THEN {what} END IF; RETURN NEW; END $$",
            f"CREATE TRIGGER guard BEFORE {event} ON purchases "
            "FOR EACH ROW EXECUTE FUNCTION guard()",
        )
        return
    what = "RAISE(ABORT, 'too dear: 8.5')" if does == "refuse" else "RAISE(IGNORE)"
    sql(
        url,
        f"CREATE TRIGGER guard BEFORE {event} ON purchases WHEN NEW.unit_price = 8.5 "
        f"BEGIN SELECT {what}; END",
    )


@pytest.fixture
def bought(tmp_path: Path) -> Path:
    """Three new purchases, the second of a price that triggers know."""
    return view_of(tmp_path / "new.json", [purchase("Wegmans", day) for day in (1, 2, 3)])


@pytest.mark.parametrize(("does", "said"), [("refuse", "too dear"), ("swallow", "discards")])
def test_a_trigger_keeps_out_its_own_record_and_no_other(
    bakery: str, run: Run, bought: Path, tmp_path: Path, does: str, said: str
) -> None:
    trigger(bakery, does, "INSERT")
    before = rows_of(bakery)
    for words in (["--dry-run"], []):
        refused = run("-d", bakery, "import-view", bought, *words)
        assert refused.code == 1
        assert "record 2" in refused.out and said in refused.out, refused.out
        assert "[constraint]" in refused.out
        assert refused.err == ""
    assert rows_of(bakery) == before
    log = tmp_path / "skipped.json"
    for words in (["--dry-run"], []):
        done = run("-d", bakery, "import-view", bought, "--skip-on-error", "--skipped-log", log)
        assert (done.code, done.err) == (3, "")
        if words:
            continue
    assert sql(bakery, "SELECT count(*) FROM purchases WHERE unit_price = 8.5") == [(0,)]
    assert len(document(log)["records"]) == 1


@pytest.mark.parametrize(("does", "said"), [("refuse", "too dear"), ("swallow", "discards")])
def test_an_update_and_an_undo_that_a_trigger_keeps_out_are_told(
    bakery: str, run: Run, tmp_path: Path, does: str, said: str
) -> None:
    path = export(run, bakery, "purchases", tmp_path / "p.json")
    edit(path, lambda records: records[0].update(unit_price=8.5, notes="dear"))
    assert run("-d", bakery, "import-view", path).code == 0
    edit(path, lambda records: records[0].update(unit_price=9))
    edit(path, lambda records: records[1].update(unit_price=8.5, notes="swallowed"))
    trigger(bakery, does, "UPDATE")
    refused = run("-d", bakery, "import-view", path)
    assert refused.code == 1
    assert "record 2" in refused.out and said in refused.out, refused.out
    log = tmp_path / "skipped.json"
    done = run("-d", bakery, "import-view", path, "--skip-on-error", "--skipped-log", log)
    assert (done.code, done.err) == (3, "")
    assert sql(bakery, "SELECT count(*) FROM purchases WHERE notes = 'swallowed'") == [(0,)]
    undone = run("-d", bakery, "undo", "--yes")
    assert undone.code == 1
    assert "nothing of run 3 can be undone" in undone.err and said in undone.err, undone.err


def loud_trigger(url: str) -> None:
    """Make a trigger write notes in capitals, and a price of its own beside them."""
    if url.startswith("postgresql"):
        sql(
            url,
            "CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "NEW.notes := upper(NEW.notes); NEW.unit_price := 77; RETURN NEW; END $$",
            "CREATE TRIGGER loud BEFORE INSERT OR UPDATE ON purchases "
            "FOR EACH ROW EXECUTE FUNCTION loud()",
        )
        return
    for event in ("INSERT", "UPDATE OF notes"):
        sql(
            url,
            f"CREATE TRIGGER loud_{event[:6]} AFTER {event} ON purchases BEGIN UPDATE purchases "
            "SET notes = upper(notes), unit_price = 77 WHERE id = NEW.id; END",
        )


def test_what_a_trigger_changes_is_told_and_can_be_taken_back(
    bakery: str, run: Run, tmp_path: Path
) -> None:
    path = export(run, bakery, "purchases", tmp_path / "p.json", "--limit", 2)
    edit(path, lambda records: records[0].update(notes="quiet"))
    edit(path, lambda records: records.append(purchase("Wegmans", 1) | {"notes": "new"}))
    before = rows_of(bakery)["purchases"]
    loud_trigger(bakery)
    for words in (["--dry-run"], []):
        done = run("-d", bakery, "import-view", path, *words, "--json")
        assert (done.code, done.json["summary"]["updated"]) == (0, 1)
        told = [problem for problem in done.json["problems"] if problem["code"] == "constraint"]
        assert [p["message"].partition(",")[0] for p in told if p["field"] == "notes"] == [
            "is stored otherwise"
        ]
        assert {p["message"].partition(",")[0] for p in told if p["field"] == "unit_price"} == {
            "is stored otherwise",
            "is set by the database besides",
        }
        assert {p["severity"] for p in told} == {"warning"}
    assert '"QUIET"' in run("-d", bakery, "why", "purchases", "1", "notes").out
    undone = run("-d", bakery, "undo", "--yes")
    # the trigger is at work then, too: that the price is not as it was is said
    assert undone.code == 3
    assert "unit_price: is stored otherwise" in undone.out + undone.err
    changed = [
        (was, now)
        for was, now in zip(before, rows_of(bakery)["purchases"], strict=True)
        if was != now
    ]
    assert len(changed) == 1


@pytest.mark.parametrize("code", ["45000", "42501", "ZZ001", "22012"])
def test_a_triggers_exception_is_a_constraint_whatever_its_code(
    new_postgresql: Make, run: Run, sample_template: str, bought: Path, code: str
) -> None:
    url = new_postgresql(sample_template)
    trigger(url, "refuse", "INSERT", code=code)
    refused = run("-d", url, "import-view", bought)
    assert (refused.code, refused.err) == (1, "")
    assert "record 2" in refused.out and "too dear" in refused.out, refused.out
    assert "[constraint]" in refused.out


def test_rules_of_a_table_are_kept(
    new_postgresql: Make, run: Run, sample_template: str, bought: Path
) -> None:
    url = new_postgresql(sample_template)
    sql(
        url,
        "CREATE RULE guard AS ON INSERT TO purchases WHERE NEW.unit_price = 8.5 DO INSTEAD NOTHING",
    )
    refused = run("-d", url, "import-view", bought)
    assert refused.code == 1
    assert "record 2" in refused.out and "discards" in refused.out, refused.out


def test_a_constraint_looked_at_late_is_looked_at_by_the_dry_run(
    new_postgresql: Make, run: Run, sample_template: str, bought: Path
) -> None:
    url = new_postgresql(sample_template)
    sql(
        url,
        "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF (SELECT count(*) FROM purchases) > 402 THEN RAISE EXCEPTION 'too many'; END IF; "
        "RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON purchases DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION late()",
    )
    for words in (["--dry-run"], []):
        refused = run("-d", url, "import-view", bought, *words)
        assert refused.code == 1
        assert "too many" in refused.out + refused.err, refused.out + refused.err
    assert sql(url, "SELECT count(*) FROM purchases") == [(400,)]


def test_a_late_constraint_of_another_table_is_looked_at_by_the_dry_run(
    new_postgresql: Make, run: Run, sample_template: str, bought: Path
) -> None:
    url = new_postgresql(sample_template)
    sql(
        url,
        "CREATE TABLE prices (price numeric PRIMARY KEY)",
        "CREATE TABLE audit (price numeric REFERENCES prices DEFERRABLE INITIALLY DEFERRED)",
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO audit VALUES (NEW.unit_price); RETURN NEW; END $$",
        "CREATE TRIGGER note BEFORE INSERT ON purchases FOR EACH ROW EXECUTE FUNCTION note()",
    )
    for words in (["--dry-run"], []):
        refused = run("-d", url, "import-view", bought, *words)
        assert refused.code == 1
        assert "refuses what was written" in refused.err, refused.out + refused.err
    assert sql(url, "SELECT count(*) FROM purchases") == [(400,)]


def test_a_trigger_that_takes_everything_back_leaves_nothing_half_written(
    sample: Path, run: Run, bought: Path
) -> None:
    sql(
        sample,
        "CREATE TRIGGER guard BEFORE INSERT ON purchases "
        "WHEN (SELECT count(*) FROM purchases) = 402 BEGIN SELECT RAISE(ROLLBACK, 'enough'); END",
    )
    for words in (["--dry-run"], [], ["--no-journal"], ["--skip-on-error"]):
        refused = run("-d", sample, "import-view", bought, *words)
        assert refused.code == 1
        assert "took everything back by itself" in refused.err and "enough" in refused.err
        assert sql(sample, "SELECT count(*) FROM purchases") == [(400,)]
    assert len(sql(sample, "SELECT id FROM bakeio_runs")) == 1
    assert not list(bought.parent.glob("import_skipped*"))


def test_a_journal_that_keeps_nothing_is_told_and_no_earlier_run_is_taken_back(
    bakery: str, run: Run, bought: Path, tmp_path: Path
) -> None:
    path = export(run, bakery, "purchases", tmp_path / "p.json", "--limit", 2)
    edit(path, lambda records: records[0].update(notes="noted"))
    before = rows_of(bakery)
    if bakery.startswith("postgresql"):
        sql(
            bakery,
            "CREATE FUNCTION eat() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        )
    for table, file in (("runs", path), ("changes", path), ("batches", bought)):
        event = f"CREATE TRIGGER eat BEFORE INSERT ON bakeio_{table}"
        if bakery.startswith("postgresql"):
            sql(bakery, f"{event} FOR EACH ROW EXECUTE FUNCTION eat()")
        else:
            sql(bakery, f"{event} BEGIN SELECT RAISE(IGNORE); END")
        for words in (["--dry-run"], ["--skip-on-error"], []):
            refused = run("-d", bakery, "import-view", file, *words)
            assert refused.code == 1, (table, words, refused.out)
            assert f"out of bakeio_{table}" in refused.err, refused.err
        on = f" ON bakeio_{table}" if bakery.startswith("postgresql") else ""
        sql(bakery, f"DROP TRIGGER eat{on}")
    assert rows_of(bakery) == before
    assert run("-d", bakery, "import-view", path).code == 0
    sql(bakery, "DELETE FROM bakeio_changes")
    refused = run("-d", bakery, "undo", "--yes")
    assert refused.code == 1
    assert "what run 2 did (1 updated) is not in the journal" in refused.err, refused.err
    assert run("-d", bakery, "undo", "1", "--yes").code == 3
