"""Names learned: what somebody once mapped to a row is known the next time, said so, listed,
forgotten and carried along with a set.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.commands import Ran, Run
from support.databases import execute, rows_of
from support.files import resign
from support.receipts import FARM, decisions, purchase, view_of

from bakeio_core import Bakeio, connect

COSCO = {
    "entity": "suppliers",
    "key": {"name": "Cosco"},
    "action": "existing",
    "target": {"slug": "costco_waltham_ma"},
    "by": "Ann",
}


@pytest.fixture
def taught(new_bakery: Callable[[], str], run: Run, tmp_path: Path) -> str:
    """A sample bakery that has learned that Cosco is Costco."""
    url = new_bakery()
    learn(run, url, tmp_path, "Cosco", COSCO)
    return url


def learn(
    run: Run, url: object, folder: Path, name: str, entry: dict[str, Any], *more: str, code: int = 0
) -> Ran:
    view, file = (
        view_of(folder / "learn.json", [purchase(name, 9)]),
        decisions(folder / "learn.decisions.json", [entry]),
    )
    done = run(
        "-d", url, "import-view", view, "--decisions", file, "--json", "--allow-duplicates", *more
    )
    assert done.code == code, done.out
    return done


def known(run: Run, url: object) -> list[tuple[str, str]]:
    return [
        (alias["key"]["name"], alias["row"])
        for alias in run("-d", url, "aliases", "--json").json["aliases"]
    ]


def test_a_name_once_mapped_is_known_the_next_time_and_said_so(
    run: Run, taught: str, tmp_path: Path
) -> None:
    assert known(run, taught) == [("Cosco", "Costco Waltham MA")]
    view = view_of(tmp_path / "v.json", [purchase("COSCO", 10), purchase("Cosco", 11)])
    told = run("-d", taught, "import-view", view, "--dry-run")
    assert told.code == 0
    assert (
        'suppliers: name "COSCO" is slug "costco_waltham_ma", as learned in an earlier import (2 '
        "records)" in told.out
    )
    done = run("-d", taught, "import-view", view, "--json")
    assert done.code == 0
    assert done.json["summary"]["created"] == 2
    assert done.json["resolved"][0]["by"] == "alias"
    assert [row[3] for row in rows_of(taught)["purchases"][-2:]] == [1, 1]
    again = run("-d", taught, "import-view", view, "--json")
    assert again.code == 0
    assert again.json["summary"]["unchanged"] == 2
    best = run("-d", taught, "suggest", "suppliers", "cosco", "--json").json["candidates"][0]
    assert (best["automatic"], best["reasons"]) == (True, ["was chosen for this name before"])
    listed = run("-d", taught, "aliases")
    assert listed.out.startswith("suppliers      Cosco  is  Costco Waltham MA  (20")


def test_a_name_is_forgotten_with_the_run_that_learned_it_and_known_again_with_it(
    run: Run, taught: str, tmp_path: Path
) -> None:
    undone = run("-d", taught, "undo", "--json")
    assert undone.code == 0
    assert [problem["message"] for problem in undone.json["problems"]] == [
        '"Cosco" is forgotten as a name of suppliers'
    ]
    assert known(run, taught) == []
    view = view_of(tmp_path / "v.json", [purchase("Cosco", 10)])
    assert run("-d", taught, "import-view", view).code == 1
    redone = run("-d", taught, "undo", str(undone.json["run"]), "--json")
    assert redone.code == 0
    assert "known again" in redone.json["problems"][0]["message"]
    assert known(run, taught) == [("Cosco", "Costco Waltham MA")]
    assert run("-d", taught, "import-view", view).code == 0


def test_a_forgotten_name_is_missing_again(run: Run, taught: str, tmp_path: Path) -> None:
    view = view_of(tmp_path / "v.json", [purchase("Cosco", 10)])
    assert run("-d", taught, "aliases", "remove", "suppliers", "nobody").code == 1
    assert run("-d", taught, "aliases", "remove", "suppliers").code == 2
    assert run("-d", taught, "aliases", "remove", "suppliers", "cosco", "--json").json == {
        "removed": 1
    }
    assert known(run, taught) == []
    assert run("-d", taught, "import-view", view).code == 1
    assert "Nothing was learned" in run("-d", taught, "aliases").out


def test_what_was_learned_later_replaces_what_was_learned_before(
    run: Run, taught: str, tmp_path: Path
) -> None:
    learn(
        run,
        taught,
        tmp_path,
        "COSCO",
        COSCO | {"key": {"name": "COSCO"}, "target": {"slug": "wegmans_burlington_ma"}},
    )
    assert known(run, taught) == [("COSCO", "Wegmans Burlington MA")]
    undone = run("-d", taught, "undo", "--json").json
    assert [problem["message"] for problem in undone["problems"]] == [
        '"Cosco" is the name of the row of suppliers again that it was before'
    ]
    assert known(run, taught) == [("Cosco", "Costco Waltham MA")]
    assert run("-d", taught, "undo", str(undone["run"])).code == 0
    assert known(run, taught) == [("COSCO", "Wegmans Burlington MA")]
    assert run("-d", taught, "aliases", "remove", "suppliers", "cosco").code == 0
    run("-d", taught, "undo")
    assert known(run, taught) == []


def test_a_name_whose_row_is_gone_is_missing_again_and_listed_so(
    run: Run, new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    run("-d", url, "init", "--sample")
    created = {
        "entity": "suppliers",
        "key": {"name": "The farm"},
        "action": "create",
        "values": {"name": FARM},
    }
    learn(run, url, tmp_path, "The farm", created)
    assert known(run, url) == [("The farm", FARM)]
    execute(url, "DELETE FROM purchases WHERE id > 400")
    execute(url, f"DELETE FROM suppliers WHERE name = '{FARM.replace(chr(39), chr(39) * 2)}'")
    view = view_of(tmp_path / "v.json", [purchase("The farm", 10)])
    done = run("-d", url, "import-view", view, "--json")
    assert done.code == 1
    assert done.json["problems"][0]["code"] == "missing-reference"
    assert "(a row that is gone)" in run("-d", url, "aliases").out


@pytest.mark.parametrize(
    "way",
    ["a dry run", "a refused import", "an import without a journal", "a row that bears the name"],
)
def test_nothing_is_learned_of(run: Run, sample: Path, tmp_path: Path, way: str) -> None:
    if way == "a dry run":
        learn(run, sample, tmp_path, "Cosco", COSCO, "--dry-run")
    elif way == "a refused import":
        view = view_of(
            tmp_path / "v.json", [purchase("Cosco"), purchase("Costco") | {"unit_price": "much"}]
        )
        assert (
            run(
                "-d",
                sample,
                "import-view",
                view,
                "--decisions",
                decisions(tmp_path / "d.json", [COSCO]),
            ).code
            == 1
        )
    elif way == "an import without a journal":
        learn(run, sample, tmp_path, "Cosco", COSCO, "--no-journal")
    else:
        learn(
            run,
            sample,
            tmp_path,
            FARM,
            {
                "entity": "suppliers",
                "key": {"name": FARM},
                "action": "create",
                "values": {"name": FARM},
            },
        )
    assert known(run, sample) == []


def test_what_was_learned_goes_with_a_set_into_a_database_of_other_ids(
    run: Run, taught: str, core: Bakeio, new_database: Any, tmp_path: Path
) -> None:
    run("-d", taught, "export-complete", "-o", tmp_path / "set", "--zip")
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text("utf-8"))
    assert [(a["entity"], a["key"], a["target"]["slug"]) for a in manifest["aliases"]] == [
        ("suppliers", {"name": "Cosco"}, "costco_waltham_ma"),
    ]  # fmt: skip
    assert run("validate-export", tmp_path / "set").code == 0
    url = new_database()
    run("-d", url, "init")
    first = {
        "entity_type": "suppliers",
        "records": [{"slug": f"shop_{n}", "name": f"Shop {n}"} for n in range(5)],
    }
    (tmp_path / "shops.json").write_text(json.dumps(first), "utf-8")
    assert run("-d", url, "import", tmp_path / "shops.json").code == 0
    assert run("-d", url, "import-complete", tmp_path / "set").code == 0
    assert known(run, url) == [("Cosco", "Costco Waltham MA")]
    done = run(
        "-d", url, "import-view", view_of(tmp_path / "v.json", [purchase("Cosco", 10)]), "--json"
    )
    supplier = next(row[0] for row in rows_of(url)["suppliers"] if row[3] == "Costco")
    assert done.code == 0
    assert supplier > 5
    assert rows_of(url)["purchases"][-1][3] == supplier
    run("-d", url, "aliases", "remove", "suppliers", "Cosco")
    engine = connect(url)
    with engine.begin() as db:
        assert core.import_complete(db, tmp_path / "set", dry_run=True).exit_code == 0
    engine.dispose()
    assert known(run, url) == []


STRANGE: list[object] = [
    [], {}, "x", [1], [{}],
    [{"entity": "suppliers", "key": {"name": []}, "target": {"slug": []}}],
    [{"entity": [], "key": {}, "target": {}}],
    [{"entity": "suppliers", "key": {"name": "A"}, "target": {"id": "x", "slug": 5}}],
]  # fmt: skip


@pytest.mark.parametrize("value", STRANGE)
def test_a_manifest_of_strange_aliases_harms_nobody(
    run: Run, new_database: Any, taught: str, tmp_path: Path, value: object
) -> None:
    run("-d", taught, "export-complete", "-o", tmp_path / "set")
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text("utf-8"))
    (tmp_path / "set" / "manifest.json").write_text(
        json.dumps(manifest | {"aliases": value}), "utf-8"
    )
    resign(tmp_path / "set")
    url = new_database()
    done = run("-d", url, "import-complete", tmp_path / "set")
    assert done.code in (0, 1), done.err
    if done.code == 0:
        assert known(run, url) == []
