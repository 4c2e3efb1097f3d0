"""The conversation about missing references, as a person sees it: golden transcripts, on a terminal
of 80 columns and through pipes.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.commands import Run, export
from support.databases import hash_of, rows_of
from support.files import DATA, edit
from support.receipts import SUMAC, purchase, view_of
from support.terminal import CTRL_C, on_terminal, piped

SALTED = "plugra_salted_european_style_butter_8oz"
LONG = "Grünkern & " + "very " * 30 + "long"


def two_costcos(database: Path) -> Path:
    """Give the sample bakery a second shop of that name."""
    with sqlite3.connect(database) as db:
        db.execute(
            "INSERT INTO suppliers (uuid, slug, name, city, state) VALUES ('u-9', "
            "'costco_nashua_nh', 'Costco', 'Nashua', 'NH')"
        )
    db.close()
    return database


def five_questions(folder: Path) -> Path:
    """A name of two shops, a name misspelt, a name too long for a line, a look-alike product, and a
    product of an unknown ingredient.
    """
    return view_of(
        folder / "view.json",
        [
            *(purchase("Costco", day) for day in range(1, 4)),
            *(purchase("Wegman's", day) for day in range(4, 11)),
            purchase(LONG, 11),
            purchase("Wegmans", 12, SALTED, ingredient_name="European-Style Butter"),
            purchase("Wegmans", 13, SUMAC, ingredient_name="Sumac"),
        ],
    )


ANSWERS = [
    "b", "c", "", "2",  # two Costcos: no question before, none to create, no answer, the second
    "b", "1", "c", "", "1",  # back, the other one; not created beside one so like it
    # nothing is like the first, something is like the second, nothing is like the third
    "f", "f box & ribbon", "f zzqq", "s",
    "c", "", "plugra butter", "Plugra", "", "", "<", "<", "<", "-",  # the form, and back in it
    "<", "<", "<", "<", "1",  # out of it
    "c", "", "", "", "", "2 1/2", "", "jar", "0",
    "4",  # a product, whose ingredient is the next question
    "b", "c", "", "", "", "", "", "", "",  # back, where the plan was made anew meanwhile
    "c", "", "13", "7",  # a category by its number
    "n",  # not to be written after all
]  # fmt: skip


def compare(name: str, told: str, width: int = 80) -> None:
    """Compare with a transcript; BAKEIO_WRITE_GOLDEN=1 writes it, to be read before it is
    committed.
    """
    golden = DATA / name
    if os.environ.get("BAKEIO_WRITE_GOLDEN"):
        golden.write_text(told, "utf-8")
    assert told == golden.read_text("utf-8")
    assert max(map(len, told.splitlines())) <= width


def test_the_conversation_on_a_terminal_is_the_one_of_the_transcript(
    sample: Path, tmp_path: Path
) -> None:
    two_costcos(sample)
    five_questions(tmp_path)
    done = on_terminal(
        ["-d", sample, "import-view", "view.json", "--interactive"], ANSWERS, tmp_path
    )
    compare("questions_terminal.txt", done.out)
    assert done.code == 1
    assert len(json.loads((tmp_path / "view.decisions.json").read_text("utf-8"))) == 6


def test_answers_may_be_piped_in_and_the_questions_are_the_same(
    sample: Path, tmp_path: Path
) -> None:
    two_costcos(sample)
    five_questions(tmp_path)
    words = ["-d", sample, "import-view", "view.json", "--interactive"]
    done = piped(words, ANSWERS[:-1], tmp_path)
    assert done.code == 3
    compare("questions_piped.txt", done.err)
    compare("questions_report.txt", done.out, width=205)


THIRTY = [
    "Wegman's", "Wegmans Mkt", "Whole Foods Mkt", "Whole Foods Market", "Aldi", "Trader Joes",
    "Trader Joe's", "Target", "Star Market", "Stop & Shop", "BJ's Wholesale", "Walmart",
    "Market Basket", "Sam's Club", "H Mart", "Hannaford", "Shaws", "Roche Bros", "Corner Shop",
    "Valley Farm", "Hill Farm", "Baker's Bin", "Bob's Red Mill Store", "Costco Business Center",
    "Costcoo", "Penzey", "Restaurant Depot", "Shop 1", "Shop 2", "Nuts.com",
]  # fmt: skip
"""Shops the sample does not know: some are its own, misspelt, two are there twice."""


def thirty(folder: Path) -> None:
    view_of(folder / "view.json", [purchase(shop, 1) for shop in THIRTY])


def test_thirty_unknown_shops_are_eight_inputs(sample: Path, tmp_path: Path) -> None:
    thirty(tmp_path)
    answers = ["n", "1", "1", "t", "5", "s", "1", "s all", "n"]
    words = ["-d", sample, "import", "view.json", "--interactive"]
    done = on_terminal(words, answers, tmp_path)
    compare("questions_thirty.txt", done.out)
    assert done.out.count("Your answer:") == 8
    kept = json.loads((tmp_path / "view.decisions.json").read_text("utf-8"))
    actions = [entry["action"] for entry in kept]
    assert [actions.count(action) for action in ("create", "existing", "skip")] == [23, 3, 4]


def test_where_rows_are_created_unasked_somebody_is_asked_about_those_that_may_be_there(
    sample: Path, tmp_path: Path
) -> None:
    thirty(tmp_path)
    words = ["-d", sample, "import", "view.json", "--interactive", "--auto-create", "suppliers"]
    done = piped(words, ["", "1", "1", "1", "1", "1", "1"], tmp_path)
    assert done.code == 0
    assert "24 new rows to be created without a question (--auto-create)." in done.err
    assert re.findall(r'No row of suppliers has name "(.*)"', done.err) == [
        "Wegman's", "Wegmans Mkt", "Whole Foods Market", "Trader Joe's", "Costcoo", "Penzey",
    ]  # fmt: skip
    assert len(rows_of(sample)["suppliers"]) == 8 + 24


# -- stopping
ANSWERED = ["1", "1"]


@pytest.mark.parametrize("way", ["ctrl-c", "ctrl-d", "end of the pipe"])
def test_a_conversation_broken_off_writes_nothing_and_goes_on_from_its_decisions(
    sample: Path, tmp_path: Path, way: str
) -> None:
    two_costcos(sample)
    five_questions(tmp_path)
    before = hash_of(sample)
    words = ["-d", sample, "import-view", "view.json", "--interactive"]
    if way == "end of the pipe":
        done = piped(words, ANSWERED, tmp_path)
        told = done.err
    else:
        done = on_terminal(words, [*ANSWERED, CTRL_C if way == "ctrl-c" else "\x04"], tmp_path)
        told = done.out
    assert done.code == 130
    assert hash_of(sample) == before
    assert told.endswith(
        "2 decisions kept; to go on from there: --decisions view.decisions.json\n"
        "Interrupted: nothing was written.\n"
    )
    kept = json.loads((tmp_path / "view.decisions.json").read_text("utf-8"))
    assert [(entry["key"], entry["target"]) for entry in kept] == [
        ({"name": "Costco"}, {"slug": "costco_waltham_ma"}),
        ({"name": "Wegman's"}, {"slug": "wegmans_burlington_ma"}),
    ]  # fmt: skip
    on = piped([*words, "--decisions", "view.decisions.json"], ["s", "s", "s"], tmp_path)
    assert on.code == 3
    assert on.err.count("Your answer:") == 3
    assert len(json.loads((tmp_path / "view.decisions.json").read_text("utf-8"))) == 5


def test_stopping_by_q_is_a_refusal_and_keeps_the_decisions(sample: Path, tmp_path: Path) -> None:
    two_costcos(sample)
    five_questions(tmp_path)
    before = hash_of(sample)
    done = piped(
        ["-d", sample, "import-view", "view.json", "--interactive"], [*ANSWERED, "q"], tmp_path
    )
    assert done.code == 1
    assert hash_of(sample) == before
    assert done.err.endswith("Error: stopped: nothing was written\n")
    assert len(json.loads((tmp_path / "view.decisions.json").read_text("utf-8"))) == 2


def test_answers_of_a_second_conversation_are_added_to_those_kept_of_the_first(
    sample: Path, tmp_path: Path
) -> None:
    two_costcos(sample)
    five_questions(tmp_path)
    words = ["-d", sample, "import-view", "view.json", "--interactive"]
    piped(words, ["1", "1", "s"], tmp_path)
    piped(words, ["2"], tmp_path)
    kept = json.loads((tmp_path / "view.decisions.json").read_text("utf-8"))
    assert sorted((str(entry["key"].get("name"))[:8], entry.get("target")) for entry in kept) == [
        ("Costco", {"slug": "costco_nashua_nh"}), ("Grünkern", None),
        ("Wegman's", {"slug": "wegmans_burlington_ma"}),
    ]  # fmt: skip


def test_nobody_is_asked_where_the_import_would_be_refused_whatever_the_answers(
    sample: Path, tmp_path: Path
) -> None:
    misspelt = {("unit_prise" if name == "unit_price" else name): value
                for name, value in purchase("Costco", 2).items()}  # fmt: skip
    view_of(tmp_path / "view.json", [purchase("Nobody"), misspelt])
    done = piped(["-d", sample, "import-view", "view.json", "--interactive"], ["s"], tmp_path)
    assert done.code == 1
    assert "Your answer" not in done.err
    assert "No questions yet" in done.err
    assert {"missing-reference", "unknown-field"} == set(re.findall(r"\[([a-z-]+)\]", done.out))
    view_of(
        tmp_path / "view.json", [purchase("Nobody"), purchase("Costco", 2) | {"unit_price": "much"}]
    )
    corrected = piped(
        ["-d", sample, "import-view", "view.json", "--interactive", "--skip-on-error"],
        ["s"],
        tmp_path,
    )
    assert corrected.code == 3
    assert corrected.err.count("Your answer") == 1


def test_records_may_come_through_stdin_and_the_terminal_is_asked(
    sample: Path, tmp_path: Path
) -> None:
    view = view_of(tmp_path / "view.json", [purchase("Wegman's"), purchase("Costco", 2)])
    words = ["-d", sample, "import-view", "-", "--interactive"]
    alone = subprocess.run(
        [sys.executable, "-m", "bakeio_core", *map(str, words)],
        stdin=view.open(),
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    assert alone.returncode == 2
    assert "there is no terminal to ask on" in alone.stderr
    done = on_terminal(words, ["1"], tmp_path, stdin=view)
    assert done.code == 0
    assert done.out.count("Your answer:") == 1
    again = subprocess.run(
        [sys.executable, "-m", "bakeio_core", *map(str, words)],
        stdin=view.open(),
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    assert again.returncode == 0, "nothing is missing, so nobody need be asked"


def test_going_back_over_a_new_plan_drops_the_questions_that_came_of_the_answer(
    sample: Path, tmp_path: Path
) -> None:
    view_of(
        tmp_path / "view.json",
        [purchase("Costco", 1, SUMAC, ingredient_name="Sumac"), purchase("Costco", 2)],
    )
    product = ["c", "", "", "", "", "", "oz", "4"]
    done = piped(
        ["-d", sample, "import-view", "view.json", "--interactive"], [*product, "b", "s"], tmp_path
    )
    assert done.code == 3
    assert re.findall(r"Question (\d of \d): (\w+)", done.err) == [
        ("1 of 1", "products"),
        ("2 of 2", "ingredients"),
        ("1 of 2", "products"),
    ]


def test_answers_given_for_a_dry_run_serve_the_real_one(sample: Path, tmp_path: Path) -> None:
    view_of(tmp_path / "view.json", [purchase("Wegman's")])
    before, words = hash_of(sample), ["-d", sample, "import-view", "view.json"]
    dry = piped([*words, "--interactive", "--dry-run"], ["1"], tmp_path)
    assert dry.code == 0
    assert hash_of(sample) == before
    assert "1 decision kept; to go on from there: --decisions view.decisions.json" in dry.err
    assert piped([*words, "--decisions", "view.decisions.json"], [], tmp_path).code == 0


# -- everything else that is asked
def all_kinds(folder: Path, database: Path, run: Run) -> None:
    """Edit a view so that it asks a question of each kind, and changes this and that besides."""
    path = export(run, database, "products", folder / "view.json")

    def change(records: list[dict[str, Any]]) -> None:
        records[0].update(brand="File", notes="from the file")
        records[1]["upc_code"], records[2]["package_size"] = "036000291453", "a lot"
        for record in records[3:7]:
            record["notes"] = f"Keep dry {record['package_size']}"
        records[7]["package_unit"] = "oz"

    edit(path, change)
    with sqlite3.connect(database) as db:
        db.execute("UPDATE products SET brand = 'Database', notes = 'theirs' WHERE id = 1")
    db.close()


def test_a_review_asks_about_every_kind_and_walks_through_the_changes(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    all_kinds(tmp_path, sample, run)
    before = rows_of(sample)["products"]
    answers = ["d", "b", "d", "v", "typed anew", "x", "l", "v", "much", "", "v", "2 1/2", "2.5"]
    answers += ["?", "a", "a", "o", "n", "r", "", "a", "n", "y"]
    words = ["--review", "--decisions", "view.decisions.json"]
    done = on_terminal(["-d", sample, "import", "view.json", *words], answers, tmp_path)
    compare("review_terminal.txt", done.out)
    assert done.code == 3
    after = rows_of(sample)["products"]
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 4
    kept = json.loads((tmp_path / "view.decisions.json").read_text("utf-8"))
    again = run(
        "-d", sample, "import", tmp_path / "view.json", "--decisions",
        tmp_path / "view.decisions.json", "--no-input", "--json",
    )  # fmt: skip
    assert (again.code, again.json["summary"]["updated"]) == (3, 0)
    assert {entry["action"] for entry in kept} == {
        "keep-database", "value", "leave-field", "leave-record",
    }  # fmt: skip
