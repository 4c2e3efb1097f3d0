"""Databases whose tables belong to somebody else than who works with the rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import Run
from support.databases import rows_without, sql
from support.receipts import purchase, view_of
from support.servers import as_role

Make = Callable[..., str]


@pytest.fixture
def bought(tmp_path: Path) -> Path:
    """Two new purchases."""
    return view_of(tmp_path / "new.json", [purchase("Wegmans"), purchase("Wegmans", day=2)])


def test_a_role_that_owns_nothing_fills_empty_tables_with_ids_of_their_sequences(
    new_postgresql: Make, run: Run, sample_template: str, folder: Path
) -> None:
    url = new_postgresql(sample_template)
    for table in ("inventory_items", "purchases", "products", "suppliers", "ingredients"):
        sql(url, f"DELETE FROM {table}")
    app = as_role(url)
    before = sql(url, "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")
    trial = run("-d", app, "import-complete", folder, "--dry-run", "--json")
    assert trial.code == 0, trial.err + trial.out
    assert sql(url, "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1") == before
    done = run("-d", app, "import-complete", folder, "--json")
    assert done.code == 0, done.err + done.out
    assert done.json["summary"] == trial.json["summary"]
    # the sample had taken 1 to 8 of the sequence already
    assert sql(url, "SELECT min(id), max(id) FROM suppliers") == [(9, 16)]
    new = sql(
        app,
        "INSERT INTO suppliers (uuid, slug, name, created_at, updated_at) "
        "VALUES ('u', 'new', 'New', now(), now()) RETURNING id",
    )
    assert new == [(17,)]
    sql(app, "DELETE FROM suppliers WHERE id = 17")
    again = run("-d", app, "import-complete", folder, "--json").json["summary"]
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, again["processed"])
    left_out = ("id", "product_id", "supplier_id", "ingredient_id", "purchase_id")
    whole = new_postgresql(sample_template)
    left_out += ("preferred_supplier_id", "created_at", "updated_at")
    assert rows_without(app, *left_out) == rows_without(whole, *left_out)
    named = (
        "SELECT i.uuid, p.slug, b.uuid FROM inventory_items i JOIN products p "
        "ON p.id = i.product_id LEFT JOIN purchases b ON b.id = i.purchase_id ORDER BY 1"
    )
    assert sql(app, named) == sql(whole, named)


def test_a_role_that_owns_nothing_adds_rows_to_a_view_and_takes_them_back(
    new_postgresql: Make, run: Run, sample_template: str, bought: Path
) -> None:
    url = new_postgresql(sample_template)
    app = as_role(url)
    trial = run("-d", app, "import-view", bought, "--dry-run", "--json")
    done = run("-d", app, "import-view", bought, "--json")
    assert (trial.code, done.code) == (0, 0), done.err + done.out
    assert trial.json["summary"] == done.json["summary"]
    assert sql(url, "SELECT id FROM purchases ORDER BY id DESC LIMIT 2") == [(402,), (401,)]
    assert sql(url, "SELECT last_value FROM purchases_id_seq") == [(402,)]
    assert run("-d", app, "undo", "--yes").code == 0
    assert sql(url, "SELECT count(*) FROM purchases") == [(400,)]
    undone = run("-d", app, "undo", "3", "--yes")
    assert undone.code == 0, undone.err
    assert sql(url, "SELECT count(*) FROM purchases") == [(402,)]


def test_a_sequence_that_lags_behind_gives_no_id_twice(
    new_postgresql: Make, run: Run, sample_template: str, bought: Path
) -> None:
    url = new_postgresql(sample_template)
    sql(url, "SELECT setval('purchases_id_seq', 398)")
    done = run("-d", as_role(url), "import-view", bought)
    assert done.code == 0, done.err + done.out
    assert sql(url, "SELECT id FROM purchases ORDER BY id DESC LIMIT 2") == [(402,), (401,)]


def test_who_may_take_no_numbers_is_told_what_to_grant_by_the_dry_run_too(
    new_postgresql: Make, run: Run, sample_template: str, bought: Path
) -> None:
    url = new_postgresql(sample_template)
    app = as_role(url, sequences="")
    for words in (["--dry-run"], []):
        refused = run("-d", app, "import-view", bought, *words)
        assert refused.code == 1
        assert "GRANT USAGE ON SEQUENCE public.purchases_id_seq TO bakeio_app" in refused.err
    assert sql(url, "SELECT count(*) FROM purchases") == [(400,)]
    edited = run("-d", app, "export-view", "purchases", "-o", bought.parent / "p.json")
    assert edited.code == 0
    document = json.loads((bought.parent / "p.json").read_text())
    document["records"][0]["notes"] = "edited"
    (bought.parent / "p.json").write_text(json.dumps(document))
    assert run("-d", app, "import-view", bought.parent / "p.json").code == 0


def test_who_may_only_read_is_told_so_by_the_dry_run_too(
    new_postgresql: Make, run: Run, sample_template: str, bought: Path
) -> None:
    reader = as_role(new_postgresql(sample_template), "SELECT")
    for words in (["--dry-run"], []):
        refused = run("-d", reader, "import-view", bought, *words)
        assert refused.code == 1
        assert "bakeio_app" in refused.err and "GRANT" in refused.err, refused.err
    assert run("-d", reader, "runs").code == 0
    ended = run("-d", f"{reader}&options=-c%20statement_timeout%3D1", "import-view", bought)
    assert (ended.code, "statement_timeout%3D0" in ended.err) == (1, True), ended.err


def test_tables_that_may_not_be_read_are_no_missing_tables(
    new_postgresql: Make,
    run: Run,
    sample_template: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = new_postgresql(sample_template)
    stranger = as_role(url, "", sequences="", role="bakeio_stranger")
    for words in (["export-complete", "-o", tmp_path / "s"], ["runs"], ["init"]):
        refused = run("-d", stranger, *words)
        told = refused.err + refused.out
        assert "bakeio init" not in told, told
        is_denied = "GRANT SELECT ON" in told and "TO bakeio_stranger" in told
        # of tables that are there already none is made
        assert is_denied or (words == ["init"] and "exist already" in told), told
        assert refused.code == (0 if words == ["init"] and not is_denied else 1)
    sql(url, "GRANT SELECT ON suppliers, bakeio_meta TO bakeio_stranger")
    assert run("-d", stranger, "export-complete", "-o", tmp_path / "s").code == 1
    assert not (tmp_path / "s").exists()
    sql(url, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO bakeio_stranger")
    sql(url, "REVOKE SELECT ON suppliers FROM bakeio_stranger")
    refused = run("-d", stranger, "export-view", "purchases", "-o", tmp_path / "p.json")
    assert refused.code == 1
    assert "GRANT SELECT ON suppliers TO bakeio_stranger" in refused.err, refused.err
    assert "[SQL" not in refused.err
    monkeypatch.setenv("PGUSER", "bakeio_stranger")
    as_other = f"{url}&options=-c%20role%3Dbakeio_stranger"
    for same in (stranger.replace("//bakeio_stranger@", "//"), as_other):
        refused = run("-d", same, "export-view", "purchases", "-o", tmp_path / "p.json")
        assert "GRANT SELECT ON suppliers TO bakeio_stranger" in refused.err, refused.err
    sql(url, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    for words in (["export-complete", "-o", tmp_path / "s"], ["init"]):
        refused = run("-d", stranger, *words)
        assert refused.code == 1, refused.out
        assert "GRANT USAGE ON SCHEMA public TO bakeio_stranger" in refused.err
    sql(url, "GRANT USAGE ON SCHEMA public TO bakeio_stranger", "DROP TABLE bakeio_replaced")
    refused = run("-d", stranger, "init")
    assert refused.code == 1
    assert "cannot make the tables bakeio_replaced" in refused.err, refused.err
    assert "its owner may: bakeio init" in refused.err


def test_which_schemas_were_looked_into_is_said(
    run: Run, new_postgresql: Callable[[], str]
) -> None:
    url = new_postgresql()
    sql(url, "CREATE SCHEMA other")
    told = {
        "nowhere": "schemas of the search_path (nowhere), and the database has none of these",
        "other": "(looked into the schema other); run: bakeio init",
    }
    for schema, said in told.items():
        done = run("-d", f"{url}&options=-csearch_path%3D{schema}", "runs")
        assert (done.code, said in done.err) == (1, True), done.err
