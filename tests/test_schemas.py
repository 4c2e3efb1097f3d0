"""The schema of a view and the importer agree, and a strict one is what providers take."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from support.commands import Run
from support.databases import sql

from bakeio_core import Bakeio, begin_read, connect

VIEWS = ["products", "purchases", "inventory", "suppliers"]
NEEDS_DATABASE = {  # nothing that a schema could know
    "missing-reference",
    "ambiguous-key",
    "duplicate-key",
    "conflict",
    "constraint",
    "identity-mismatch",
    "check",  # code of a plugin
}
AT_ONCE = 15
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from([20, 21, 50, 51, 100, 101, 200, 201]).map("x".__mul__),
    st.sampled_from(["2026-01-31", "2026-02-30", "2026-1-1", "01/02/2026", "2026-01-01T00:00:00"]),
    st.sampled_from(["6.99", ".5", "1e3", "$6.99", "6,99", "NaN", "five", "a\x00b", "null"]),
    st.sampled_from(["0", "-0", "+0.0", ".0", "0e5", "-1", "-.5", "-1e2", "+7"]),
)
# at most three decimals: how many are kept no schema can say
NUMBERS = st.one_of(
    st.integers(-3, 300),
    st.sampled_from([10**6, 10**7, 2**31, 2**63, -(2**31)]),
    st.integers(-2000, 99_000).map(lambda n: n / 1000),
)
OTHERS = st.one_of(st.none(), st.booleans(), st.lists(st.integers(), max_size=1), st.just({}))
VALUES = st.one_of(TEXTS, NUMBERS, OTHERS)
CLEARED = st.one_of(
    st.lists(st.sampled_from(["notes", "brand", "nothing"]), max_size=2), TEXTS, NUMBERS, OTHERS
)


@pytest.fixture(scope="module")
def reading(sample_database: Path) -> Iterator[Connection]:
    engine = connect(sample_database)
    with begin_read(engine) as db:
        yield db
    engine.dispose()


class Exported(dict[str, Any]):
    """Documents of views, which no failure prints."""

    def __repr__(self) -> str:
        return f"<{', '.join(self)}>"


@pytest.fixture(scope="module")
def exported(core: Bakeio, reading: Connection) -> Exported:
    found = Exported()
    for view in VIEWS:
        stream = io.BytesIO()
        core.export_view(reading, core.view(view).narrow(limit=AT_ONCE), stream)
        found[view] = json.loads(stream.getvalue())
    return found


def is_above_its_limit(items: Any, name: str, value: Any) -> bool:
    """Tell whether a text is a number too large for its field, which no pattern can say."""
    field = items["properties"].get(name, {})
    most = field.get("maximum", field.get("exclusiveMaximum"))
    try:
        return isinstance(value, str) and most is not None and float(value) >= most
    except ValueError:
        return False


@settings(max_examples=25, deadline=None, phases=[Phase.reuse, Phase.generate])
@given(
    st.sampled_from(VIEWS),
    st.lists(st.tuples(st.integers(0, 30), VALUES, CLEARED), min_size=AT_ONCE, max_size=AT_ONCE),
)
def test_a_record_is_valid_where_it_is_accepted(
    core: Bakeio,
    reading: Connection,
    exported: Exported,
    view: str,
    edits: list[tuple[int, Any, Any]],
) -> None:
    names = [*core.view(view).names("editable"), "surprise", "_clear"]
    base, records, given_values = exported[view], [], []
    for record, (number, value, cleared) in zip(exported[view]["records"], edits, strict=False):
        name = names[number % len(names)]
        given_values.append((name, cleared if name == "_clear" else value))
        records.append({**record, name: given_values[-1][1]})
    text = json.dumps({**base, "records": records})
    report = core.plan(reading, core.open(io.BytesIO(text.encode()))).report
    faults: dict[int, set[str]] = {}
    for problem in report.problems:
        # what nobody reads is told once for each name
        numbers = problem.records or [problem.record or 0]
        if problem.code == "unknown-field" and problem.severity != "error":
            numbers = [n for n, (name, _) in enumerate(given_values, 1) if name == "surprise"]
        elif problem.severity != "error":
            continue
        for number in numbers:
            faults.setdefault(number, set()).add(problem.code)
    items = core.schema(view)["properties"]["records"]["items"]
    validator = jsonschema.Draft202012Validator(
        items, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    for number, record in enumerate(records, 1):
        codes = faults.get(number, set())
        if not codes & NEEDS_DATABASE and not is_above_its_limit(items, *given_values[number - 1]):
            said = (view, given_values[number - 1], codes)
            assert validator.is_valid(record) == (not codes), said


@pytest.mark.parametrize("provider", ["plain", "openai", "anthropic", "gemini"])
def test_a_strict_schema_keeps_to_what_its_provider_takes(core: Bakeio, provider: str) -> None:
    taken = {"type", "properties", "required", "items", "enum", "description"}
    taken |= {"nullable", "propertyOrdering"} if provider == "gemini" else {"additionalProperties"}
    for name, view in core.catalog.views.items():
        strict = core.schema(name, provider)
        for part in parts(strict):
            assert part.keys() <= taken
            assert len(part.get("enum", ())) <= 21
            if "properties" in part:
                assert part["required"] == list(part["properties"])
                assert provider == "gemini" or part["additionalProperties"] is False
        (record,) = [strict["properties"]["records"]["items"]]
        assert {*view.names("editable", "key")} <= record["properties"].keys()
        nullable = [
            of.get("nullable") or "null" in of["type"] for of in record["properties"].values()
        ]
        assert all(nullable)


def parts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and all that are in it."""
    yield schema
    for inner in (*schema.get("properties", {}).values(), schema.get("items")):
        if inner is not None:
            yield from parts(inner)


def test_a_strict_answer_changes_what_it_names_and_nothing_else(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    schema = run("schema", "products", "--strict", "--for", "openai").json
    fields = schema["properties"]["records"]["items"]["properties"]
    empty = dict.fromkeys(fields)
    record = {**empty, "product_slug": "argo_cornstarch_35oz", "notes": "opened"}
    whole = {"view_name": "products_complete", "records": [record]}
    jsonschema.validate(whole, schema)
    (tmp_path / "answer.json").write_text(json.dumps(whole), "utf-8")
    done = run("-d", sample, "import-view", tmp_path / "answer.json", "--json")
    assert done.json["summary"]["updated"] == 1, done.out
    changed = [field["field"] for field in done.json["changes"][0]["fields"]]
    assert changed == ["notes"]
    assert sql(sample, "SELECT count(*) FROM products WHERE notes = 'opened'") == [(1,)]
    assert run("schema", "products", "--for", "openai").code == 2
