"""Databases with row-level security: what a role does not see, and may not write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import Run, export
from support.databases import rows_of, sql
from support.files import document
from support.receipts import purchase, view_of
from support.servers import as_role

Make = Callable[..., str]


@pytest.fixture
def policed(new_postgresql: Make, sample_template: str) -> tuple[str, str]:
    """A bakery where the application sees and writes purchases of some suppliers only: the URL of
    the owner, and that of the application.
    """
    url = new_postgresql(sample_template)
    app = as_role(url)
    sql(
        url,
        "ALTER TABLE purchases ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY few ON purchases USING (supplier_id < 3)",
    )
    return url, app


def test_a_complete_export_refuses_to_run_where_a_policy_may_hide_rows(
    policed: tuple[str, str], run: Run, tmp_path: Path
) -> None:
    url, app = policed
    for words in ([], ["--prove"], ["--zip"]):
        refused = run("-d", app, "export-complete", "-o", tmp_path / "set", *words)
        assert refused.code == 1
        assert "may hide rows of purchases" in refused.err, refused.err
        assert "BYPASSRLS" in refused.err and "--visible-only" in refused.err
        assert list(tmp_path.iterdir()) == []
    # the owner sees all of them, unless that is forced
    assert run("-d", url, "export-complete", "-o", tmp_path / "whole", "--visible-only").code == 0
    assert "visible_only" not in document(tmp_path / "whole" / "manifest.json")


def test_a_set_of_what_is_visible_says_so_and_replaces_nothing(
    policed: tuple[str, str], run: Run, tmp_path: Path
) -> None:
    url, app = policed
    # what refers to hidden rows makes no whole set
    done = run("-d", app, "export-complete", "-o", tmp_path / "torn", "--visible-only")
    hidden = document(tmp_path / "torn" / "manifest.json")["hidden_references"]
    assert [(each["entity"], each["field"]) for each in hidden] == [
        ("inventory_items", "purchase_id")
    ]
    told = f"inventory_items, purchase_id: {hidden[0]['rows']} rows of the set refer to what this"
    assert done.code == 0 and told in done.err, done.err
    sql(url, "DELETE FROM inventory_items")
    done = run("-d", app, "export-complete", "-o", tmp_path / "set", "--visible-only", "--prove")
    assert done.code == 0, done.err
    assert "only what this user sees of: purchases" in done.out
    manifest = document(tmp_path / "set" / "manifest.json")
    assert manifest["visible_only"] is True and "hidden_references" not in manifest
    visible = sql(app, "SELECT count(*) FROM purchases")[0][0]
    assert 0 < visible < 400
    counts = {file["entity_type"]: file["record_count"] for file in manifest["files"]}
    assert counts["purchases"] == visible
    for database in policed:
        words = ("import-complete", tmp_path / "set", "--mode", "replace", "--yes")
        refused = run("-d", database, *words)
        assert refused.code == 1
        assert "only the rows its exporter could see" in refused.err
    assert run("-d", url, "export-complete", "-o", tmp_path / "whole").code == 0
    refused = run("-d", app, "import-complete", tmp_path / "whole", "--mode", "replace", "--yes")
    assert refused.code == 1 and "what is not seen cannot be replaced" in refused.err
    assert sql(url, "SELECT count(*) FROM purchases") == [(400,)]


def test_an_import_under_policies_names_the_records_they_refuse(
    policed: tuple[str, str], run: Run, tmp_path: Path
) -> None:
    url, app = policed
    path = view_of(tmp_path / "new.json", [purchase("Wegmans"), purchase("Penzeys Spices")])
    refused = run("-d", app, "import-view", path)
    assert refused.code == 1
    assert "record 2" in refused.out and "row-level security policy" in refused.out, refused.out
    assert "[constraint]" in refused.out
    log = tmp_path / "skipped.json"
    for words in (["--dry-run"], []):
        done = run("-d", app, "import-view", path, "--skip-on-error", "--skipped-log", log, *words)
        assert done.code == 3, done.err + done.out
    assert sql(url, "SELECT count(*), max(supplier_id) FROM purchases WHERE id > 400") == [(1, 2)]
    assert len(document(log)["records"]) == 1


def test_an_update_that_a_policy_swallows_is_told(
    policed: tuple[str, str], run: Run, tmp_path: Path
) -> None:
    url, app = policed
    sql(
        url,
        "CREATE POLICY see ON purchases FOR SELECT USING (true)",
        "DROP POLICY few ON purchases",
        "CREATE POLICY few ON purchases FOR UPDATE USING (supplier_id < 3)",
    )
    path = export(run, app, "purchases", tmp_path / "p.json")
    view = json.loads(path.read_text())
    known = {name: i for i, name in enumerate(r["supplier_name"] for r in view["records"])}
    view["records"][known["Wegmans"]]["notes"] = "seen"
    view["records"][known["Penzeys Spices"]]["notes"] = "swallowed"
    path.write_text(json.dumps(view))
    log = tmp_path / "skipped.json"
    refused = run("-d", app, "import-view", path)
    assert refused.code == 1 and "discards the change" in refused.out, refused.out
    done = run("-d", app, "import-view", path, "--skip-on-error", "--skipped-log", log)
    assert done.code == 3
    notes = "SELECT notes FROM purchases WHERE notes IN ('seen', 'swallowed')"
    assert sql(url, notes) == [("seen",)]


def test_what_imports_did_is_not_guessed_where_a_policy_may_hide_it(
    new_postgresql: Make, run: Run, sample_template: str, tmp_path: Path
) -> None:
    url = new_postgresql(sample_template)
    app = as_role(url)
    bought = view_of(tmp_path / "new.json", [purchase("Wegmans")])
    assert run("-d", app, "import-view", bought).code == 0
    before = rows_of(url)
    commands: list[list[object]] = [
        ["undo", "--yes"],  # it would take back the run before, whose rows are there
        ["runs"],
        ["why", "suppliers", "wegmans_burlington_ma"],
        ["import-view", bought, "--dry-run"],
        ["journal"],
        ["export-complete", "-o", tmp_path / "set"],
    ]
    for table, some in (("changes", commands), ("runs", commands[:2]), ("meta", commands[3:4])):
        own = f"ALTER TABLE bakeio_{table} {{}} ROW LEVEL SECURITY"
        sql(url, own.format("ENABLE"), f"CREATE POLICY few ON bakeio_{table} USING (false)")
        for words in some:
            refused = run("-d", app, *words)
            assert refused.code == 1, (words, refused.out)
            assert f"may hide rows of bakeio_{table}" in refused.err, (words, refused.err)
            assert own.format("DISABLE") in refused.err
        assert run("-d", url, "runs").code == 0
        sql(url, own.format("DISABLE"))
    assert rows_of(url) == before
    assert run("-d", app, "undo", "--yes").code == 0
