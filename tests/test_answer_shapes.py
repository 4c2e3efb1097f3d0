"""Answers as they come: one thing meant is read and said, anything else is refused by its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bakeio_core import Bakeio, DocumentError, connect

SLUG, CODE = "valrhona_caraibe_66_3kg", "3395321046613"
OTHER, OTHER_CODE = "philadelphia_original_cream_cheese_3lb", "021000612239"
RECORD, SECOND = (
    {"product_slug": SLUG, "upc_code": CODE},
    {"product_slug": OTHER, "upc_code": OTHER_CODE},
)
ONE, TWO = json.dumps(RECORD), json.dumps(SECOND)
WANTED = {SLUG: CODE, OTHER: OTHER_CODE}
Planned = Callable[[str], tuple[dict[str, Any], list[str], str]]


def view(*records: Any, **header: Any) -> str:
    return json.dumps({"view_name": "products_complete", **header, "records": list(records)})


def fenced(text: str, language: str = "json") -> str:
    return f"```{language}\n{text}\n```"


@pytest.fixture(scope="module")
def planned(
    sample_database: Path, core: Bakeio, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Planned]:
    """Plan an answer: {slug: barcode} of what would be written, what is said, why it is refused."""
    engine, path = connect(sample_database), tmp_path_factory.mktemp("answers") / "answer.txt"

    def plan(text: str) -> tuple[dict[str, Any], list[str], str]:
        path.write_bytes(text.encode())
        with engine.connect() as db, db.begin():
            try:
                report = core.plan(db, path).report
            except DocumentError as error:
                return {}, [], str(error)
            slugs = dict(db.exec_driver_sql("SELECT id, slug FROM products").fetchall())
        written = {
            slugs[change.id]: change.new["upc_code"]
            for change in report.changes
            if change.action == "update"
        }
        said = [str(problem) for problem in report.problems if problem.severity != "error"]
        errors = [str(problem) for problem in report.problems if problem.severity == "error"]
        return written, said, "\n".join(errors)

    yield plan
    engine.dispose()


BOTH = view(RECORD, SECOND)
SHAPES = {
    "prose around it": f"Here {{you}} are [as asked]:\n\n{BOTH}\n\nAnything else?",
    "a tag around it": f'<think>{{"a": 1}}</think>\n<answer>{BOTH}</answer>',
    "a fence of tildes": f"~~~\n{BOTH}\n~~~",
    "a fence on one line": f"```json {BOTH} ```",
    "a list in prose": f"Sure: [{ONE}, {TWO}]. Done [1].",
    "two blocks with a header each": f"{fenced(view(RECORD))}\nand\n{fenced(view(SECOND))}",
    "two blocks of lists": f"{fenced(f'[{ONE}]')}\nand\n{fenced(f'[{TWO}]')}",
    "objects one after another": f"{json.dumps(RECORD, indent=2)}\n{json.dumps(SECOND, indent=2)}",
    "lines with commas": f"{ONE},\n{TWO},\n",
    "lines below a header": f'{{"view_name": "products"}}\n{ONE}\n{TWO}\n',
    "a result around it": f'{{"result": {BOTH}}}',
    "data in a response": f'{{"status": "ok", "response": {{"data": [{ONE}, {TWO}]}}}}',
    "a text of JSON in a message": json.dumps({"role": "assistant", "content": BOTH}),
    "a text of JSON": json.dumps(BOTH),
    "objects by key": json.dumps({SLUG: {"upc_code": CODE}, OTHER: {"upc_code": OTHER_CODE}}),
    "records by key": json.dumps(
        {
            "view_name": "products",
            "records": {SLUG: {"upc_code": CODE}, OTHER: {"upc": OTHER_CODE}},
        }
    ),
    "each in an object": json.dumps([{"record": RECORD}, {"record": SECOND}]),
    "changes of a field": json.dumps(
        [
            {"op": "replace", "key": SLUG, "field": "upc_code", "value": CODE},
            {"op": "set", "key": OTHER, "field": "upc_code", "value": OTHER_CODE},
        ]
    ),
    "changes with old and new": json.dumps(
        {
            "view_name": "products",
            "changes": [
                {"product_slug": r["product_slug"], "field": "upc_code", "old_value": None,
                 "new_value": r["upc_code"]}
                for r in (RECORD, SECOND)
            ],
        }
    ),
    "columns and rows": json.dumps(
        {
            "view_name": "products",
            "columns": ["product_slug", "upc_code"],
            "rows": [[SLUG, CODE], [OTHER, OTHER_CODE]],
        }
    ),
    "values with remarks": view(
        {"product_slug": SLUG, "upc_code": {"value": CODE, "confidence": 0.9}},
        {"product_slug": OTHER, "upc_code": {"old": None, "new": OTHER_CODE}},
    ),
    "the view under another name": json.dumps({"view": "products", "Records": [RECORD, SECOND]}),
    "Python with null": BOTH.replace('"', "'").replace("}]", ", 'notes': null}]"),
    "Python with tuples": f"records = {(RECORD, {**SECOND, 'notes': None})!r}",
    "names without quotes": BOTH.replace('"records"', "records").replace('"upc_code"', "upc_code"),
    "typographic quotes": BOTH.replace('"', "\u201d"),
    "German quotes": BOTH.replace(' "', " \u201e").replace('"', "\u201c"),
    "backslashes of Markdown": BOTH.replace("_", "\\_"),
    "odd spaces": BOTH.replace(": ", ":\u00a0"),
    "a brace too many": BOTH + "\n}",
    "words of JavaScript": view({**RECORD, "notes": None}, SECOND).replace("null", "undefined"),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_an_answer_that_can_mean_one_thing_is_read_whole(planned: Planned, shape: str) -> None:
    written, said, refused = planned(SHAPES[shape])
    assert refused == ""
    assert written == WANTED
    assert said


REFUSED = {
    "two blocks that contradict": (
        f"{fenced(view(RECORD))}\nCorrected:\n{fenced(view({**RECORD, 'upc_code': OTHER_CODE}))}",
        "different records have one key",
    ),
    "two lists": (
        json.dumps({"view_name": "products", "updated": [RECORD], "added": [SECOND]}),
        'in "updated" and "added": put all that are meant into one list: write {"view_name"',
    ),
    "a list beside the records": (
        json.dumps({"view_name": "products", "items": [SECOND], "records": [RECORD]}),
        'records in "records" and in "items"',
    ),
    "a list behind the records": (
        json.dumps({"view_name": "products", "records": [RECORD], "items": [SECOND]}),
        'records in "records" and in "items"',
    ),
    "blocks of two views": (
        f"{fenced(view(RECORD))}\n{fenced(view(SECOND).replace('products_', 'inventory_'))}",
        "of products and inventory: make a file of each",
    ),
    "a broken block": (
        f"{fenced(view(RECORD))}\n{fenced(view(SECOND).replace(',', ''))}",
        "number 2 is no JSON",
    ),
    "a change by its place": (
        json.dumps([{"op": "replace", "path": "/records/3/upc_code", "value": CODE}]),
        'no view has all their fields ("op", "path", "value"): write {"view_name"',
    ),
    "a change that removes": (
        json.dumps([{"op": "remove", "key": SLUG, "field": "upc_code", "value": None}]),
        "no view has all their fields",
    ),
    "prose alone": ("I am sure of none.", 'only text ("I am sure of none."): write {"view_name"'),
    "a table in prose": (
        f"Here:\n\n| product_slug | upc_code |\n|---|---|\n| {SLUG} | {CODE} |\n",
        'is a Markdown table, not JSON: write {"view_name": "products"',
    ),
    "a quote inside of a text": (
        view({"product_slug": SLUG, "notes": "8 X box"}).replace("X", '"'),
        "record 1: is not valid JSON: expecting ',' delimiter",
    ),
    "no number": (view({"product_slug": SLUG, "package_size": float("nan")}), "NaN is not a num"),
    "a value with two values": (
        view({"product_slug": SLUG, "upc_code": {"value": CODE, "new": OTHER_CODE}}),
        "an object is not text",
    ),
}


@pytest.mark.parametrize("shape", REFUSED)
def test_an_answer_that_can_mean_two_things_is_refused_by_what_was_seen(
    planned: Planned, shape: str
) -> None:
    text, message = REFUSED[shape]
    _, _, refused = planned(text)
    assert message in refused


@pytest.mark.parametrize(
    "text",
    [
        view(RECORD, SECOND, {"product_slug": "cut"})[:-12],
        fenced(view(RECORD, SECOND, {"product_slug": "cut"}))[:-20],
        f"[{ONE},\n{TWO},\n{{",
        f"{ONE}\n{TWO}\n{ONE[:20]}",
        view(RECORD, SECOND)[:-2],
    ],
)
def test_what_was_whole_of_an_answer_cut_off_is_read_and_says_where_to_go_on(
    planned: Planned, text: str
) -> None:
    written, _, refused = planned(text)
    assert written == WANTED
    assert "ends in the middle of it: record 2 is the last whole one (product_slug" in refused
    assert "go on after it" in refused
