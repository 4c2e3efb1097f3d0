"""Rows go to an assistant by number and come back under a ticket; what it does wrong is caught."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.commands import Ran, Run
from support.databases import rows_of, sql
from support.reports import counts

from bakeio_core.exporting.assistant.tokens import count_tokens

CARAIBE, CHEESE = (
    ("valrhona_caraibe_66_3kg", "3395321046613"),
    (
        "philadelphia_original_cream_cheese_3lb",
        "021000612239",
    ),
)


@pytest.fixture(autouse=True)
def data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("BAKEIO_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


class Exchange:
    """What was given out, and how to hand in an answer."""

    def __init__(self, run: Run, url: str | Path, folder: Path, *words: str) -> None:
        self.run, self.url, self.folder = run, url, folder
        path = folder / "rows.json"
        words = words or ("--missing", "upc_code")
        done = run("-d", url, "export-view", "products", "--for", "assistant", "-o", path, *words)
        assert done.code == 0, done.err
        self.file = json.loads(path.read_text("utf-8"))

    def row(self, product: str) -> str:
        """The row of a product, by what it is called."""
        (found,) = (row for row, cells in self.file["rows"].items() if product in cells[0])
        return str(found)

    def answer(self, content: Any, *words: str) -> Ran:
        path = self.folder / "answer.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return self.run("-d", self.url, "import-view", path, "--json", *words)

    def set(self, *pairs: list[Any], field: str = "upc_code", **more: Any) -> dict[str, Any]:
        return {"ticket": self.file["ticket"], "set": {field: list(pairs)}, **more}


def errors(done: Ran) -> list[tuple[str, str]]:
    return [(p["code"], p["message"]) for p in done.json["problems"] if p["severity"] == "error"]


def code_of(url: str | Path, slug: str) -> Any:
    return sql(url, f"SELECT upc_code FROM products WHERE slug = '{slug}'")[0][0]


def test_an_assistant_sees_what_its_task_needs_and_its_answer_finds_the_rows(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    given = Exchange(run, bakery, tmp_path)
    assert given.file["columns"] == ["label"]
    text = json.dumps(given.file)
    assert not re.search(r"_rev|_slug|_id\b|[0-9a-f]{8}-[0-9a-f]{4}", text)
    pairs = [
        [given.row("Caraïbe 66 %"), CARAIBE[1]],
        [given.row("Original Cream Cheese"), CHEESE[1]],
    ]
    done = given.answer(given.set(*pairs, note="two of them"))
    assert done.code == 0, done.out
    assert counts(done) == {"processed": 2, "updated": 2}
    assert [code_of(bakery, slug) for slug, _ in (CARAIBE, CHEESE)] == [CARAIBE[1], CHEESE[1]]
    assert [change["key"]["row"] for change in done.json["changes"]] == [
        pair[0] for pair in reversed(pairs)
    ]
    assert given.answer(given.set(*pairs)).json["summary"]["unchanged"] == 2


def test_every_form_of_an_answer_means_the_same(run: Run, sample: Path, tmp_path: Path) -> None:
    given = Exchange(run, sample, tmp_path)
    row, ticket = given.row("Caraïbe 66 %"), given.file["ticket"]
    whole = given.file
    forms = {
        "pairs": given.set([row, CARAIBE[1]]),
        "an object": {"ticket": ticket, "set": {"upc_code": {row: CARAIBE[1]}}},
        "by row": {"ticket": ticket, "set": {row: {"upc": CARAIBE[1]}}},
        "a value with its source": given.set([row, {"value": CARAIBE[1], "source": "label"}]),
        "records": {"ticket": ticket, "records": [{"row": row, "upc_code": CARAIBE[1]}]},
        "all rows": {
            **whole,
            "columns": [*whole["columns"], "upc_code"],
            "rows": {
                r: [*cells, CARAIBE[1] if r == row else None] for r, cells in whole["rows"].items()
            },
        },
        "all rows as lists": {
            **whole,
            "columns": ["row", *whole["columns"], "upc_code"],
            "rows": [
                [r, *cells, CARAIBE[1] if r == row else None] for r, cells in whole["rows"].items()
            ],
        },
        "rows of objects": {"ticket": ticket, "columns": ["x"], "rows": {row: {"upc": CARAIBE[1]}}},
        "rows of objects alone": {"ticket": ticket, "rows": {row: {"upc_code": CARAIBE[1]}}},
        "triples": {"ticket": ticket, "set": [[row, "upc_code", CARAIBE[1]]]},
        "one pair": {"ticket": ticket, "set": {"upc_code": [row, CARAIBE[1]]}},
        "pairs as objects": given.set({"row": row, "value": CARAIBE[1], "source": "label"}),  # type: ignore[arg-type]
        "a list of rows": [{"ticket": ticket, "row": row, "upc_code": CARAIBE[1]}],
        "another name": {"ticket": ticket, "answers": [{"row": row, "upc_code": CARAIBE[1]}]},
        "with its label": given.set([f"{row} {whole['rows'][row][0]}", CARAIBE[1]]),
        "called a row": given.set([f"row {row}", CARAIBE[1]]),
        "the ticket in capitals": {**given.set([row, CARAIBE[1]]), "ticket": ticket.upper()},
        "wrapped": {"result": given.set([row, CARAIBE[1]])},
        "in a code block": f"Here:\n```json\n{json.dumps(given.set([row, CARAIBE[1]]))}\n```\n",
        "two answers": json.dumps(given.set()) + "\n" + json.dumps(given.set([row, CARAIBE[1]])),
        "in small letters": given.set([row.lower(), CARAIBE[1]]),
        "the number first": given.set([f"{row[1:]}{row[0]}", CARAIBE[1]]),
    }
    for form, answer in forms.items():
        done = given.answer(answer, "--dry-run")
        assert done.code == 0, (form, done.out)
        assert done.json["summary"]["updated"] == 1, form
        assert done.json["changes"][0]["fields"][0]["new"] == CARAIBE[1], form


def test_what_an_assistant_does_wrong_is_caught_by_name(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    given = Exchange(run, sample, tmp_path)
    row, ticket = given.row("Caraïbe 66 %"), given.file["ticket"]
    shifted = f"{row[0]}{int(row[1:]) + 1}"
    whole = given.file
    once = f'{{"ticket": "{ticket}", "set": {{%s}}}}'
    edited = {**whole["rows"], "x": whole["rows"][row]}
    table = {"ticket": ticket, "columns": whole["columns"]}
    before = rows_of(sample)
    wrong: dict[str, tuple[Any, str, str]] = {
        "a row made up": (given.set(["K99", "1"]), "unknown-row", "is not a row of this ticket"),
        "a row with another label": (
            given.set([f"{row} Other", "1"]), "unknown-row", "is called otherwise",
        ),
        "no row": (given.set(["Valrhona", "1"]), "unknown-row", "rows are called as"),
        "a letter left out": (given.set([row[1:], "1"]), "unknown-row", "its letter is wrong"),
        "shifted rows": (given.set([shifted, CARAIBE[1]]), "unknown-row", "its letter is wrong"),
        "a value twice": (
            given.set([row, CARAIBE[1]], [row, CHEESE[1]]), "duplicate-key", "is given twice",
        ),
        "no pair": (given.set([row]), "bad-json", 'is not ["ROW", VALUE]'),
        "a wrong check digit": (given.set([row, "3395321046614"]), "check", "check digit is wrong"),
        "a field nobody asked for": (
            given.set([row, "Other"], field="brand"), "tampered-context", "asked for is upc_code",
        ),
        "a field that is none": (
            given.set([row, "red"], field="color"), "unknown-field", "is not a field of products",
        ),
        "a field to read": (
            given.set([row, "Other"], field="ingredient_name"), "tampered-context", "was changed",
        ),
        "an edited name of a row": ({**table, "rows": edited}, "unknown-row", "is not a row"),
        "an edited label": ({**table, "rows": {row: ["Other"]}}, "tampered-context", "Restore it"),
        "a row cut short": ({**table, "rows": {row: []}}, "bad-json", "has 0 values"),
        "a new row without what it needs": (
            given.set(add=[{"brand": "New"}]), "missing-field", "a new row of products needs it",
        ),
    }  # fmt: skip
    for fault, (answer, code, message) in wrong.items():
        done = given.answer(answer)
        assert done.code == 1, (fault, done.out)
        assert any(code == c and message in m for c, m in errors(done)), (fault, done.out)
    for fault, answer, message in (
        ("another ticket", {"ticket": "abcdefgh", "set": {}}, "is not known here"),
        ("a way out", {"ticket": "../../x", "set": {}}, "is not known here"),
        ("a row twice", once % f'"upc_code": {{"{row}": 1, "{row}": 2}}', f'has "{row}" twice'),
        ("a field twice", once % '"brand": {}, "brand": {}', 'its "set" has "brand" twice'),
        ("another list", {"ticket": ticket, "values": []}, 'it has "values", which is not read'),
    ):  # fmt: skip
        done = given.answer(answer)
        assert done.code == 1, fault
        assert message in done.json["error"]["message"], fault
    assert rows_of(sample) == before


def test_a_value_that_changed_meanwhile_is_a_conflict(
    run: Run, bakery: str, tmp_path: Path
) -> None:
    given = Exchange(run, bakery, tmp_path)
    sql(bakery, f"UPDATE products SET upc_code = '{CHEESE[1]}' WHERE slug = '{CARAIBE[0]}'")
    done = given.answer(given.set([given.row("Caraïbe 66 %"), CARAIBE[1]]))
    assert done.code == 1
    assert [code for code, _ in errors(done)] == ["conflict"]


def test_only_fill_never_overwrites_what_is_there(run: Run, sample: Path, tmp_path: Path) -> None:
    given = Exchange(run, sample, tmp_path, "--fill", "brand", "--fill", "notes", "--only-fill")
    row = given.row("Cocoa Rouge")
    done = given.answer(given.set([row, "Other"], field="brand"))
    assert errors(done)[0][0] == "check"
    assert "only what is empty is filled" in errors(done)[0][1]
    assert given.answer(given.set([row, "x"], field="notes")).json["summary"]["updated"] == 1


def test_an_answer_cut_off_is_read_as_far_as_it_was_whole(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    given = Exchange(run, sample, tmp_path)
    pairs = [[given.row("Caraïbe 66 %"), CARAIBE[1]], [given.row("Cocoa Rouge"), "0415"]]
    done = given.answer("```json\n" + json.dumps(given.set(*pairs))[:-6])
    assert done.code == 0, done.out
    told = [p["message"] for p in done.json["problems"] if p["code"] == "truncated"]
    assert told == [
        f"the answer ends in the middle; 1 whole row read: continue after {pairs[0][0]}"
    ]
    assert code_of(sample, CARAIBE[0]) == CARAIBE[1]


def test_parts_fit_and_come_back_in_any_order(run: Run, sample: Path, tmp_path: Path) -> None:
    words = ("--for", "assistant", "--max-tokens", "700", "--fill", "notes", "--json")
    done = run("-d", sample, "export-view", "products", "-o", tmp_path / "p.json", *words)
    files = [Path(one["file"]) for one in done.json["files"]]
    assert [path.name for path in files[:2]] == [f"p.part{n}of{len(files)}.json" for n in (1, 2)]
    assert max(count_tokens(path.read_text("utf-8")) for path in files) <= 700
    parts = [json.loads(path.read_text("utf-8")) for path in files]
    assert sum(len(part["rows"]) for part in parts) == 81
    for part in reversed(parts):
        answer = {"ticket": part["ticket"], "set": {"notes": [[list(part["rows"])[-1], "last"]]}}
        (tmp_path / "a.json").write_text(json.dumps(answer))
        assert run("-d", sample, "import-view", tmp_path / "a.json").code == 0
    assert sql(sample, "SELECT count(*) FROM products WHERE notes = 'last'") == [(len(parts),)]
    few = run("-d", sample, "export-view", "products", *words[:2], "--max-tokens", "20", "-o", "-")
    assert few.code == 2
    assert "20 tokens are too few" in few.err


def test_a_ticket_is_its_owners_expires_and_can_be_removed(
    run: Run, sample: Path, tmp_path: Path, data_folder: Path
) -> None:
    given = Exchange(run, sample, tmp_path)
    (kept,) = (data_folder / "tickets").iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    answer = given.set([given.row("Caraïbe 66 %"), CARAIBE[1]])
    kept.write_text(re.sub(r'("expires_at":")\d{4}', r"\g<1>2020", kept.read_text("utf-8")))
    assert "expired at 2020-" in given.answer(answer).json["error"]["message"]
    os.utime(kept, (0, 0))
    Exchange(run, sample, tmp_path)  # what is expired goes with the next one
    assert "is not known here" in given.answer(answer).json["error"]["message"]
    (ticket,) = run("tickets", "--json").json["tickets"]
    assert (ticket["view"], ticket["fill"]) == ("products", ["upc_code"])
    assert run("tickets", "remove", ticket["ticket"]).code == 0
    assert run("tickets", "--json").json["tickets"] == []
    assert run("tickets", "remove", "../x").code == 2


def test_an_export_for_an_assistant_replaces_nothing_but_its_like(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    path = tmp_path / "v.json"
    assert run("-d", sample, "export-view", "products", "-o", path).code == 0
    whole = path.read_bytes()
    words = ("--for", "assistant", "-o", path)
    done = run("-d", sample, "export-view", "products", *words)
    assert (done.code, path.read_bytes()) == (2, whole)
    path.unlink()
    for _ in range(2):
        assert run("-d", sample, "export-view", "products", *words).code == 0
    assert run("-d", sample, "export-view", "products", "--only-fill").code == 2
    assert run("-d", sample, "export-view", "products", *words, "--fill", "color").code == 2
    assert run("-d", sample, "export-view", "products", *words, "--fill", "product_slug").code == 2


def test_without_the_tables_the_package_that_has_them_is_named(
    run: Run, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from bakeio_core.exporting.assistant import tokens

    clear: Callable[[], None] = tokens._tables.cache_clear
    clear()
    monkeypatch.setitem(sys.modules, "rs_bpe.bpe", None)
    words = ("--for", "assistant", "--max-tokens", "900", "-o", "-")
    done = run("-d", sample, "export-view", "products", *words)
    assert done.code == 2
    assert 'pip install "bakeio[assistant]"' in done.err
