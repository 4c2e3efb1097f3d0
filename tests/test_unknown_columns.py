"""Columns of a table that no plugin declares: an export tells of them, an undo gives them back."""

from __future__ import annotations

from pathlib import Path

from support.commands import Run
from support.databases import sql
from support.files import document

KINDS = {"postgresql": ("text", "numeric(8,3)", "bytea"), "sqlite": ("TEXT", "NUMERIC", "BLOB")}
READ = "SELECT slug, mood, weight, crumbs FROM suppliers ORDER BY slug"


def with_columns(url: str) -> None:
    """Give suppliers three columns that no plugin knows, and fill some of them."""
    kinds = KINDS["postgresql" if url.startswith("postgresql") else "sqlite"]
    for column, kind in zip(("mood", "weight", "crumbs"), kinds, strict=True):
        sql(url, f"ALTER TABLE suppliers ADD COLUMN {column} {kind}")
    crumbs = r"'\x00ff'::bytea" if kinds[2] == "bytea" else "x'00ff'"
    sql(url, f"UPDATE suppliers SET mood = 'glad', weight = 1.5, crumbs = {crumbs} WHERE id < 4")


def test_an_export_says_which_columns_it_leaves_out(bakery: str, run: Run, tmp_path: Path) -> None:
    with_columns(bakery)
    done = run("-d", bakery, "export-complete", "-o", tmp_path / "set", "--prove")
    assert done.code == 0, done.err
    left_out = "left out of suppliers: the columns crumbs, mood, weight, which no plugin declares"
    assert done.out.count(left_out) == 1, done.out
    manifest = document(tmp_path / "set" / "manifest.json")
    assert manifest["omitted_columns"] == {"suppliers": ["crumbs", "mood", "weight"]}
    again = run("-d", bakery, "export-complete", "-o", tmp_path / "two", "--json").json
    assert again["omitted_columns"] == manifest["omitted_columns"]


def test_an_undo_of_a_deletion_gives_columns_back_that_no_plugin_declares(
    bakery: str, run: Run, tmp_path: Path
) -> None:
    assert run("-d", bakery, "undo", "--yes").code == 0
    assert run("-d", bakery, "export-complete", "-o", tmp_path / "empty").code == 0
    assert run("-d", bakery, "undo", "2", "--yes").code == 0
    with_columns(bakery)
    before = sql(bakery, READ)
    words = ("import-complete", tmp_path / "empty", "--mode", "replace", "--yes")
    assert run("-d", bakery, *words).code == 0
    assert sql(bakery, READ) == []
    # forth and back: an undo deletes and creates as well
    for number in (4, 5, 6):
        undone = run("-d", bakery, "undo", number, "--yes")
        assert undone.code == 0, undone.err
        assert sql(bakery, READ) == ([] if number == 5 else before)
    assert run("-d", bakery, "undo", 7, "--yes").code == 0
    sql(bakery, "ALTER TABLE suppliers DROP COLUMN mood")
    undone = run("-d", bakery, "undo", 8, "--yes")
    assert undone.code in (0, 3)
    assert "the column mood is gone" in undone.out, undone.out
    assert sql(bakery, READ.replace("mood, ", "")) == [(slug, *rest) for slug, _, *rest in before]
