"""Rows created for references: what they are called, and what stands beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.commands import Run
from support.databases import sql
from support.receipts import decisions, purchase, view_of
from support.terminal import piped

from bakeio_core.values.folding import make_slug


# -- slugs
@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Straße", "strasse"),
        ("Łódź Market", "lodz_market"),
        ("Smørrebrød & Œuf", "smorrebrod_oeuf"),
        ("Cafe\u0301 “Lotte”", "cafe_lotte"),
        ("Wilson’s", "wilsons"),
        ("Weg\u200bmans", "wegmans"),
        ("½ cup", "1_2_cup"),
        ("パン屋", "panwu"),
        ("Пекарня", "pekarnya"),
        ("объём", "obem"),
        ("東京", "dongjing"),
        ("مخبز", "mkhbz"),
        ("서울", "seoul"),
        ("🥐 Croissant", "croissant"),
        ("🥐", ""),
        ("!!!", ""),
    ],
)
def test_a_slug_is_made_of_the_letters_of_any_alphabet(name: str, slug: str) -> None:
    assert make_slug([name]) == slug


def test_a_shop_in_another_alphabet_is_created_with_a_slug_that_can_be_read(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    view = view_of(tmp_path / "v.json", [purchase("パン屋"), purchase("Straße", 2)])
    done = run("-d", bakery, "import-view", view, "--auto-create", "suppliers", "--json")
    assert done.code == 0
    assert done.json["created_entities"] == {"suppliers": [{"slug": "panwu"}, {"slug": "strasse"}]}


def test_the_slug_is_asked_for_where_none_can_be_made(sample: Path, tmp_path: Path) -> None:
    view = view_of(tmp_path / "v.json", [purchase("🥐")])
    words = ["-d", sample, "import-view", view, "--interactive"]
    done = piped(words, ["c", "", "", "", "", "croissant"], tmp_path)
    assert done.code == 0
    assert "No slug can be made of that: give one" in done.err
    assert "slug is needed." in done.err
    assert sql(sample, "SELECT slug, name FROM suppliers WHERE id > 8") == [("croissant", "🥐")]


def test_the_slug_is_not_asked_for_where_one_can_be_made_of_an_answer(
    sample: Path, tmp_path: Path
) -> None:
    view = view_of(tmp_path / "v.json", [purchase("🥐")])
    words = ["-d", sample, "import-view", view, "--interactive"]
    done = piped(words, ["c", "", "Lyon", ""], tmp_path)
    assert done.code == 0
    assert sql(sample, "SELECT slug, name FROM suppliers WHERE id > 8") == [("lyon", "🥐")]


def test_a_decisions_file_says_that_a_slug_is_required(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    view = view_of(tmp_path / "v.json", [purchase("!!!")])
    assert run("-d", sample, "import-view", view, "--no-input").code == 1
    (entry,) = json.loads((tmp_path / "v.decisions.json").read_text("utf-8"))
    assert entry["required"] == ["name", "slug"]
    entry |= {"action": "create", "values": {"name": "!!!", "slug": "wow"}}
    file = decisions(tmp_path / "d.json", [entry])
    assert run("-d", sample, "import-view", view, "--decisions", file).code == 0
