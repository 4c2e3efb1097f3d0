"""Whatever is rejected of a plan, the database afterwards holds exactly the rest."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from support.commands import Run, export

from bakeio_core import Bakeio, Change, Decision, Question, connect
from bakeio_core.database.connect import begin_write

SHOPS = ("Wegmans", "Penzeys Spices", "New Shop", "Other Shop")
VALUES: dict[str, Any] = {
    "notes": st.sampled_from(["Keep dry", "from a list", "x" * 40]),
    "unit_price": st.sampled_from([4.25, 100, 0.01]),
    "quantity_purchased": st.sampled_from([1, 2.5, 1000]),
    "supplier_name": st.sampled_from(SHOPS),
    "purchase_date": st.sampled_from(["2025-06-01", "2019-01-01"]),
}
edit = st.sampled_from(sorted(VALUES)).flatmap(
    lambda name: st.tuples(st.integers(0, 11), st.just(name), VALUES[name])
)
new = st.tuples(st.integers(1, 28), st.sampled_from(SHOPS), VALUES["unit_price"])
COLUMNS = (
    "product_id",
    "supplier_id",
    "purchase_date",
    "unit_price",
    "quantity_purchased",
    "notes",
)
LAYOUTS = {
    "one line": lambda whole: json.dumps(whole),
    "indented": lambda whole: json.dumps(whole, indent=2),
    "a record a line": lambda whole: (
        json.dumps({**whole, "records": []})[:-2]
        + "\n" + ",\n".join(json.dumps(record) for record in whole["records"]) + "\n]}"
    ),
}  # fmt: skip


class Undone(Exception):
    """Leave the transaction as if nothing had happened."""


def purchases(db: Connection) -> dict[int, dict[str, Any]]:
    rows = db.execute(text(f"SELECT id, {', '.join(COLUMNS)} FROM purchases"))
    return {row[0]: dict(zip(COLUMNS, map(plain, row[1:]), strict=True)) for row in rows}


def suppliers(db: Connection) -> dict[int, str]:
    return {row[0]: row[1] for row in db.execute(text("SELECT id, name FROM suppliers"))}


def plain(value: Any) -> Any:
    number = isinstance(value, (int, float)) or type(value).__name__ == "Decimal"
    return float(value) if number else None if value is None else str(value)


def named(row: dict[str, Any], shops: dict[int, str]) -> tuple[Any, ...]:
    """A row by its contents, its shop by name: ids of new rows are no content."""
    return tuple(shops.get(row[c], row[c]) if c == "supplier_id" else row[c] for c in COLUMNS)


def kept_of(change: Change, left: set[str]) -> dict[str, Any]:
    """What is accepted of a change: {column: value}."""
    return {
        column: value
        for column, value in change.new.items()
        if column in COLUMNS and change.fields[column] not in left
    }


@pytest.fixture
def file(run: Run, bakery: str, tmp_path: Path) -> dict[str, Any]:
    path = export(run, bakery, "purchases", tmp_path / "v.json", "--limit", 12)
    return json.loads(path.read_text("utf-8"))  # type: ignore[no-any-return]


def test_what_is_rejected_leaves_no_trace_and_all_else_is_there(
    core: Bakeio, bakery: str, file: dict[str, Any], tmp_path: Path
) -> None:
    engine, path = connect(bakery), tmp_path / "edited.json"

    @settings(
        max_examples=9,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(
        edits=st.lists(edit, max_size=12),
        added=st.lists(new, max_size=4, unique_by=lambda one: one[0]),
        layout=st.sampled_from(sorted(LAYOUTS)),
        data=st.data(),
    )
    def check(edits: Any, added: Any, layout: str, data: st.DataObject) -> None:
        records = [dict(record) for record in file["records"]]
        for place, name, value in edits:
            records[place][name] = value
        for day, shop, price in added:
            records.append(
                {"product_slug": file["records"][0]["product_slug"], "supplier_name": shop,
                 "purchase_date": f"2024-02-{day:02}", "unit_price": price,
                 "quantity_purchased": 3}
            )  # fmt: skip
        path.write_text(LAYOUTS[layout]({**file, "records": records}), "utf-8")
        try:
            with begin_write(engine) as db:
                compare(db, data)
                raise Undone
        except Undone:
            pass

    def compare(db: Connection, data: st.DataObject) -> None:
        before, shops = purchases(db), suppliers(db)
        plan = core.plan(db, path, create=["suppliers"])
        assert not plan.report.refused
        answers: dict[Any, Decision] = {}
        expected, created = {i: dict(row) for i, row in before.items()}, Counter[Any]()
        names, wanted = {**shops}, set[str]()
        for change in plan.changes:
            if change.entity == "suppliers":
                names[int(change.known_id)] = change.new["name"]
        for change in plan.changes:
            if change.entity != "purchases":
                continue
            how = data.draw(st.sampled_from(["take", "take", "fields", "record"]))
            left = set[str]()
            if how == "fields" and change.action == "update":
                fields = sorted({change.fields[c] for c in change.new if c in COLUMNS})
                left = set(data.draw(st.lists(st.sampled_from(fields), unique=True)))
                answers |= {plan.about(change, name): Decision.leave_field() for name in left}
            elif how == "record":
                answers[plan.about(change)] = Decision.leave_record()
                continue
            values = kept_of(change, left)
            row = {c: plain(v) for c, v in values.items()}
            if values.get("supplier_id") is not None:
                wanted.add(names[values["supplier_id"]])
            if change.action == "update":
                expected[int(change.known_id)] |= row
            else:
                created[named({c: row.get(c) for c in COLUMNS}, names)] += 1
        decided = core.plan(db, path, create=["suppliers"], decisions=answers)
        report = core.apply(db, decided)
        after, shops_after = purchases(db), suppliers(db)
        old = {i: row for i, row in after.items() if i in before}
        made = Counter(named(row, shops_after) for i, row in after.items() if i not in before)
        assert {i: named(row, shops_after) for i, row in old.items()} == {
            i: named(row, names) for i, row in expected.items()
        }
        assert made == created
        # the parents of what was rejected leave no trace either
        assert set(shops_after.values()) - set(shops.values()) == wanted - set(shops.values())
        is_rejected = any(d.action.startswith("leave") for d in answers.values())
        assert bool(report.summary["rejected"]) == is_rejected
        assert report.exit_code == (3 if is_rejected else 0)

    check()
    engine.dispose()


# -- answers to every kind of question
BAD: dict[str, Any] = {
    "unit_price": st.sampled_from([-1, "dear"]),
    "quantity_purchased": st.sampled_from([-2, "many"]),
    "purchase_date": st.sampled_from(["someday", "2025-02-30"]),
}
CORRECTED = {"unit_price": 3.75, "quantity_purchased": 7, "purchase_date": "2025-05-05",
          "notes": "typed anew"}  # fmt: skip
good_or_bad = st.sampled_from(sorted(VALUES)).flatmap(
    lambda name: st.tuples(
        st.integers(0, 11), st.just(name), VALUES[name] | BAD.get(name, VALUES[name])
    )
)
meanwhile = st.sampled_from(["notes", "unit_price", "quantity_purchased"]).flatmap(
    lambda name: st.tuples(st.integers(0, 11), st.just(name), VALUES[name])
)


def is_bad(name: str, value: Any) -> bool:
    if name == "purchase_date":
        return value in ("someday", "2025-02-30")
    numbers = ("unit_price", "quantity_purchased")
    return name in numbers and (isinstance(value, str) or value < 0)


def test_whatever_is_answered_is_what_the_database_holds(
    core: Bakeio, bakery: str, file: dict[str, Any], tmp_path: Path
) -> None:
    """Conflicts, bad values and unknown shops at once, each answered in any way it can be."""
    engine, path = connect(bakery), tmp_path / "edited.json"
    ids = [record["purchase_id"] for record in file["records"]]

    @settings(
        max_examples=9,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(
        edits=st.dictionaries(st.integers(0, 11), st.lists(good_or_bad, min_size=1, max_size=3),
                              max_size=6),
        elsewhere=st.lists(meanwhile, max_size=6),
        data=st.data(),
    )  # fmt: skip
    def check(edits: Any, elsewhere: Any, data: st.DataObject) -> None:
        edited: dict[int, dict[str, Any]] = {}
        for place, changes in edits.items():
            was = file["records"][place]
            values = {name: value for _, name, value in changes if value != was[name]}
            edited[place] = values
        records = [{**r, **edited.get(i, {})} for i, r in enumerate(file["records"])]
        path.write_text(json.dumps({**file, "records": records}), "utf-8")
        try:
            with begin_write(engine) as db:
                for place, name, value in elsewhere:
                    if value != file["records"][place][name]:
                        sql = text(f"UPDATE purchases SET {name} = :value WHERE id = :id")
                        db.execute(sql, {"value": value, "id": ids[place]})
                compare(db, edited, data)
                raise Undone
        except Undone:
            pass

    def compare(db: Connection, edited: dict[int, dict[str, Any]], data: st.DataObject) -> None:
        before, shops = purchases(db), suppliers(db)
        answers: dict[Any, Decision] = {}
        plan = core.plan(db, path)
        while open_questions := [question for question in plan.open if question not in answers]:
            for question in open_questions:
                answers[question] = answer(question, shops, data)
            plan = core.plan(db, path, decisions=answers)
        left_out = {
            number - 1
            for question, decision in answers.items()
            if decision.action in ("leave-record", "skip")
            for number in ((number for _, number in question.records))
        }
        by_field = {
            (question.records[0][1] - 1, question.field): decision
            for question, decision in answers.items()
            if question.kind != "reference"
        }
        by_shop = {
            question.key["name"]: decision
            for question, decision in answers.items()
            if question.kind == "reference"
        }
        expected = {i: {**row, "supplier_id": shops[row["supplier_id"]]}
                    for i, row in before.items()}  # fmt: skip
        for place, values in edited.items():
            row = expected[ids[place]]
            if place in left_out:
                continue
            for name, value in values.items():
                column = "supplier_id" if name == "supplier_name" else name
                decision = by_field.get((place, name))
                if is_bad(name, value):
                    assert decision is not None, f"nobody asked about {name} {value!r}"
                if decision is not None:
                    if decision.action in ("keep-database", "leave-field"):
                        continue
                    if decision.action == "value":
                        value = CORRECTED[name]
                shop = by_shop.get(value) if name == "supplier_name" else None
                if shop is not None and shop.action == "existing":
                    value = "Costco"
                row[column] = plain(value)
        report = core.apply(db, core.plan(db, path, decisions=answers))
        after, shops_after = purchases(db), suppliers(db)
        there = {i: {**row, "supplier_id": shops_after[row["supplier_id"]]}
                 for i, row in after.items()}  # fmt: skip
        differing = {i: (row, expected[i]) for i, row in there.items() if row != expected[i]}
        assert differing == {}, (answers, report.text())
        made = {
            value
            for place, values in edited.items()
            if place not in left_out
            for name, value in values.items()
            if name == "supplier_name" and value in by_shop and by_shop[value].action == "create"
        }
        assert set(shops_after.values()) - set(shops.values()) == made
        assert report.exit_code == (3 if any(
            d.action in ("skip", "leave-record", "leave-field") for d in answers.values()
        ) else 0)  # fmt: skip

    check()
    engine.dispose()


def answer(question: Question, shops: dict[int, str], data: st.DataObject) -> Decision:
    action = data.draw(st.sampled_from(question.answers))
    if action == "existing":
        return Decision.existing(name="Costco")
    if action == "create":
        return Decision.create(name=question.key["name"])
    if action == "value":
        return Decision.value(CORRECTED[question.field])
    return {
        "skip": Decision.skip,
        "take-file": Decision.take_file,
        "keep-database": Decision.keep_database,
        "leave-field": Decision.leave_field,
        "leave-record": Decision.leave_record,
    }[action]()
