"""What assistants do wrong is caught by name, whatever form the exchange has."""

from __future__ import annotations

import copy
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.assistant import Assistant, play, serving
from support.commands import Run
from support.databases import rows_of, sql

SLUG, CODE, WRONG = "valrhona_caraibe_66_3kg", "3395321046613", "3395321046614"
FIELDS = ["brand", "product_name", "package_size", "package_unit", "upc_code"]
Records = list[dict[str, Any]]
Caught = dict[str, list[str]]
"""{what was done wrong: what is told of it, each with its code}."""
NAMED = {
    "invented row": ("bad-value", "every row of products needs it"),
    "invented barcode": ("check", "its check digit is wrong"),
    "another's barcode": ("check", "has it already: a code belongs to one row"),
    "another's prefix": ("check", 'begins like codes of Domino, but the row is of "King Arthur"'),
    "dropped": ("count-mismatch", "left alone"),
    "duplicated": ("duplicate-key", "is a copy of"),
    "swapped keys": ("tampered-context", "was changed: the row of its _rev has"),
    "edited context": ("tampered-context", "was changed: the row of its _rev has"),
    "shifted values": ("check", "has the value of"),
    "stale": ("conflict", "changed in the file and in the database since the export"),
}
"""What each of them is called, in a view's file; {wrong: (code, words)}."""
OF_A_TICKET = {
    "invented row": ("unknown-row", "is not a row of this ticket"),
    "duplicated": ("duplicate-key", "is given twice"),
    "swapped keys": ("unknown-row", "its letter is wrong"),
    "edited context": ("tampered-context", "was not asked for"),
}
"""Where the rows are given by number, other words than those of a view."""


def wrong_records(records: Records) -> dict[str, Records]:
    """Return the records of a view as an assistant spoils them."""
    place = next(n for n, one in enumerate(records) if one["product_slug"] == SLUG)
    empty = dict.fromkeys(records[0], "" if type(records[0]["package_size"]) is str else None)

    def spoiled(change: Callable[[Records], object]) -> Records:
        spoilt = copy.deepcopy(records)
        change(spoilt)
        return spoilt

    def moved(spoilt: Records, name: str, numbers: slice) -> None:
        values = [one[name] for one in spoilt[numbers]]
        for one, value in zip(spoilt[numbers], values[1:] + values[:1], strict=True):
            one[name] = value

    domino = next(one["upc_code"] for one in records if one["brand"] == "Domino")
    own = [n for n, one in enumerate(records) if one["brand"] == "King Arthur"]
    new = {**empty, "product_slug": "moon_cheese_1kg", "upc_code": CODE}
    return {
        "invented row": spoiled(lambda r: r.append(new)),
        "invented barcode": spoiled(lambda r: r[place].update(upc_code=WRONG)),
        "another's barcode": spoiled(lambda r: r[place].update(upc_code=records[0]["upc_code"])),
        "another's prefix": spoiled(lambda r: r[own[0]].update(upc_code=beside(domino))),
        "dropped": spoiled(lambda r: r.__delitem__(slice(3, 40))),
        "duplicated": spoiled(lambda r: r.append({**r[place], "upc_code": CODE})),
        "swapped keys": spoiled(lambda r: moved(r, "product_slug", slice(place, place + 2))),
        "edited context": spoiled(lambda r: r[place].update(ingredient_name="Cocoa")),
        "shifted values": spoiled(lambda r: moved(r, "upc_code", slice(None))),
        "stale": spoiled(lambda r: r[place].update(upc_code=CODE)),
    }


def beside(code: str) -> str:
    """Return a barcode of the same maker, with a right check digit."""
    digits = [*map(int, code[:-2]), (int(code[-2]) + 1) % 10]
    total = sum(d * (3 if n % 2 == 0 else 1) for n, d in enumerate(reversed(digits)))
    return "".join(map(str, digits)) + str(-total % 10)


def wrong_answers(page: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return answers to rows that were given by number, as an assistant spoils them."""
    rows, columns = page["rows"], page["columns"]
    names, last = list(rows), len(columns) - 1
    place = next(n for n, cells in enumerate(rows.values()) if "Caraïbe" in str(cells[1]))
    name, following = names[place : place + 2]
    codes = [cells[last] for cells in rows.values()]
    domino = next(cells[last] for cells in rows.values() if cells[0] == "Domino")
    own = next(row for row, cells in rows.items() if cells[0] == "King Arthur")

    def told(*pairs: list[Any]) -> dict[str, Any]:
        return {"ticket": page["ticket"], "set": {"upc_code": list(pairs)}}

    edited = {**rows, name: ["Nestlé", *rows[name][1:]]}
    shifted = zip(names, codes[1:] + codes[:1], strict=True)
    return {
        "invented row": told(["K999", CODE]),
        "invented barcode": told([name, WRONG]),
        "another's barcode": told([name, codes[0]]),
        "another's prefix": told([own, beside(domino)]),
        "dropped": told([name, CODE]),
        "duplicated": told([name, CODE], [name, codes[0]]),
        "swapped keys": told([name[0] + following[1:], CODE], [following[0] + name[1:], codes[0]]),
        "edited context": {"ticket": page["ticket"], "columns": columns, "rows": edited},
        "shifted values": told(*([row, code] for row, code in shifted if code)),
        "stale": told([name, CODE]),
    }


def told(report: dict[str, Any]) -> list[str]:
    return [f"{p['code']}: {p['message']}" for p in report["problems"]]


def hold(caught: Caught, named: dict[str, tuple[str, str]]) -> None:
    """See that each of them is told by its name."""
    assert caught.keys() == NAMED.keys()
    for wrong, said in caught.items():
        code, words = named[wrong]
        assert any(one.startswith(f"{code}: ") and words in one for one in said), (wrong, said)


def change_meanwhile(database: object) -> None:
    sql(database, f"UPDATE products SET upc_code = '021000612239' WHERE slug = '{SLUG}'")


@pytest.mark.parametrize("form", ["json", "csv"])
def test_in_a_view_each_is_caught_by_name(
    run: Run, sample: Path, tmp_path: Path, form: str
) -> None:
    path, before = tmp_path / f"view.{form}", rows_of(sample)
    fields = ",".join([*FIELDS, "ingredient_name"])
    run("-d", sample, "export-view", "products", "--fields", fields, "-o", path)
    whole = path.read_text("utf-8-sig")
    records = json.loads(whole)["records"] if form == "json" else list(csv.DictReader(
        io.StringIO(whole)))  # fmt: skip
    caught: Caught = {}
    for wrong, spoilt in wrong_records(records).items():
        if wrong == "stale":
            assert rows_of(sample) == before
            change_meanwhile(sample)
        if form == "json":
            path.write_text(json.dumps({**json.loads(whole), "records": spoilt}), "utf-8")
        else:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(records[0]))
                writer.writeheader()
                writer.writerows(spoilt)
        caught[wrong] = told(run("-d", sample, "import", path, "--dry-run", "--json").json)
    hold(caught, NAMED)


def test_under_a_ticket_and_over_mcp_each_is_caught_by_name(
    run: Run, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAKEIO_DATA", str(tmp_path / "data"))
    words = ("--for", "assistant", "--fill", "upc_code", "--fields", ",".join(FIELDS[:-1]))
    run("-d", sample, "export-view", "products", *words, "-o", tmp_path / "rows.json")
    given = json.loads((tmp_path / "rows.json").read_text("utf-8"))
    path, under_a_ticket, over_mcp = tmp_path / "answer.json", Caught(), Caught()

    async def part(assistant: Assistant) -> None:
        asked = {"view": "products", "show": FIELDS[:-1], "fill": ["upc_code"]}
        page = await assistant.call("read_view", max_tokens=20_000, **asked)
        for wrong, answer in wrong_answers(page).items():
            if wrong == "stale":
                change_meanwhile(sample)
            report = await assistant.call("plan_changes", answer=answer)
            over_mcp[wrong] = told(report)
        for wrong, answer in wrong_answers(given).items():
            if wrong != "stale":
                sql(sample, f"UPDATE products SET upc_code = NULL WHERE slug = '{SLUG}'")
            else:
                change_meanwhile(sample)
            path.write_text(json.dumps(answer), "utf-8")
            under_a_ticket[wrong] = told(
                run("-d", sample, "import", path, "--dry-run", "--json").json
            )

    async def served() -> None:
        async with serving(sample, tmp_path / "log") as assistant:
            await part(assistant)

    play(served)
    hold(under_a_ticket, NAMED | OF_A_TICKET)
    hold(over_mcp, NAMED | OF_A_TICKET)
