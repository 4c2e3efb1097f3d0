"""What is suspicious is the entity's to say; a 0 turns a warning off."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Date, Integer, MetaData, Numeric, String, Table
from support.databases import sql
from support.own_tables import Host

from bakeio_core import Bakeio, Entity, Suspects, connect
from bakeio_core.database import begin_read, begin_write

COUNT = 12


@pytest.mark.parametrize(
    ("suspects", "heat", "day", "words"),
    [
        (Suspects(), 5000, "2026-01-01", "more than 10 times the largest"),
        (Suspects(times=0), 5000, "2026-01-01", None),
        (Suspects(), 200, "2027-12-01", "far from all others"),
        (Suspects(days=0), 200, "2027-12-01", None),
    ],
)
def test_a_zero_turns_a_warning_of_one_value_off(
    new_database: Callable[[], str],
    tmp_path: Path,
    suspects: Suspects,
    heat: int,
    day: str,
    words: str | None,
) -> None:
    host = ovens(new_database(), tmp_path, suspects)
    edited = {"name": "oven 1", "heat": heat, "bought": day}
    report = host.import_("ovens", edited)
    told = [problem.message for problem in report.problems if problem.code == "check"]
    assert len(told) == (words is not None)
    assert all(words is not None and words in message for message in told)


@pytest.mark.parametrize("same", [10, 0])
def test_a_zero_turns_a_warning_of_many_rows_off(
    new_database: Callable[[], str], tmp_path: Path, same: int
) -> None:
    host = ovens(new_database(), tmp_path, Suspects(same=same))
    edited = [{"name": f"oven {n}", "heat": 180} for n in range(1, COUNT + 1)]
    report = host.import_("ovens", *edited)
    told = [problem.message for problem in report.problems if problem.code == "check"]
    assert told == ([f"{COUNT} rows get this one value: is it right?"] if same else [])


def ovens(url: str, folder: Path, suspects: Suspects) -> Host:
    """Return a program with twelve ovens."""

    def declare(metadata: MetaData) -> Iterator[Entity]:
        columns = [
            Column("id", Integer, primary_key=True),
            Column("name", String(50), unique=True, nullable=False),
            Column("heat", Numeric(10, 2)),
            Column("bought", Date),
        ]
        table = Table("ovens", metadata, *columns)
        yield Entity(table, keys=["name"], suspects=suspects)

    host = Host(url, folder, declare)
    known = {"heat": 200, "bought": "2026-01-01"}
    host.import_("ovens", *({"name": f"oven {n}", **known} for n in range(1, COUNT + 1)))
    return host


def test_whose_code_begins_so_is_told_alike_before_and_after_a_maker_is_corrected(
    core: Bakeio, bakery: str, tmp_path: Path
) -> None:
    ours, other = sql(
        bakery, "SELECT slug FROM products WHERE slug LIKE 'king%' AND upc_code IS NULL ORDER BY 1"
    )[:2]
    sql(
        bakery,
        "UPDATE products SET brand = 'Gold Medal', upc_code = '000000000079' "
        f"WHERE slug = '{other[0]}'",
    )
    corrected = {"product_slug": other[0], "brand": "King Arthur"}
    coded = {"product_slug": ours[0], "upc_code": "000000000062"}
    path, engine = tmp_path / "view.json", connect(bakery)
    for records in ([corrected, coded], [coded]):
        path.write_text(json.dumps({"view_name": "products", "records": records}))
        with begin_read(engine) as db:
            planned = core.plan(db, path).report
        with begin_write(engine) as db:
            done = core.import_(db, path, dry_run=True)
        told = [[p.message for p in r.problems if p.code == "check"] for r in (planned, done)]
        assert told[0] == told[1]
        assert len(told[0]) == (records == [coded])
    engine.dispose()
