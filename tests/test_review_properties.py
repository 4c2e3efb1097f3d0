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

from bakeio_core import Bakeio, Change, Decision, connect
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
        max_examples=25,
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
