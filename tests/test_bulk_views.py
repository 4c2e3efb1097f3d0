"""New records of views and files come out of the bulk step as they do with care."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    text,
)
from support.care import with_care
from support.hosts import guest, table, write_records

from bakeio_core import Bakeio, Entity, Report, View, connect, editable, identity_columns, key
from bakeio_core.database import begin_write

TABLES = MetaData()
FIRST = "00000000-0000-4000-8000-000000000001"


def known_by(name: str, *columns: Column[Any]) -> Table:
    return Table(name, TABLES, Column("id", Integer, primary_key=True), *columns)


def edited(*columns: str) -> dict[str, Any]:
    return {column: editable(column) for column in columns}


JARS = Table(
    "jars",
    TABLES,
    *identity_columns(),
    Column("code", String(20), unique=True),
    Column("size", Integer),
    Column("shape", String(20)),
)
PENS = known_by(
    "pens", Column("ean", String(20)), Column("title", String(40)), Column("price", Integer)
)
LIDS = known_by(
    "lids",
    Column("code", String(20), unique=True),
    Column("name", String(20)),
    Column("size", Integer),
)
BOXES = known_by("boxes", Column("aisle", Integer), Column("place", Integer))
SHELVES = known_by("shelves", Column("code", String(20), unique=True, nullable=False))
CUPS, MUGS = (
    known_by(
        name,
        Column("name", String(20), unique=True, nullable=False),
        Column("shelf_id", ForeignKey("shelves.id"), nullable=may_lack, server_default="1"),
    )
    for name, may_lack in (("cups", True), ("mugs", False))
)
BOWLS = known_by(
    "bowls",
    Column("name", String(20), unique=True, nullable=False),
    Column("slug", String(20), unique=True),
    Column("uuid", String(36), unique=True),
    Column("created_at", DateTime(timezone=True)),
)


@pytest.fixture
def shop() -> Bakeio:
    """A bakeio that knows tables whose rows may lack keys."""
    return guest(
        Entity(JARS, keys=["code"], content=("size", "shape")),
        Entity(PENS, content=("title", "price"), codes=["ean"]),
        Entity(LIDS, keys=["code", "name"]),
        Entity(BOXES, keys=[("aisle", "place")]),
        Entity(SHELVES, keys=["code"]),
        Entity(CUPS, keys=["name"]),
        Entity(MUGS, keys=["name"]),
        Entity(BOWLS, keys=["name", "slug"], slug_from=("name",)),
        views=[
            View("lids", "lids", {"code": key("code"), "name": key("name"), **edited("size")}),
            View("jars", "jars", {"code": key("code"), **edited("size", "shape")}),
            View("pens", "pens", edited("ean", "title", "price")),
            View("cups", "cups", {"name": key("name")}),
            View("bowls", "bowls", {"name": key("name"), **edited("slug", "uuid", "created_at")}),
            View("mugs", "mugs", {"name": key("name")}),
        ],
    )


@pytest.fixture
def url(shop: Bakeio, new_database: Callable[[], str]) -> str:
    url = new_database()
    engine = connect(url)
    with begin_write(engine) as db:
        shop.create_tables(db)
    engine.dispose()
    return url


def came_in(core: Bakeio, url: str, path: Path, before: str = "", **options: Any) -> Report:
    """Import a file, after a statement of SQL."""
    engine = connect(url)
    try:
        with begin_write(engine) as db:
            if before:
                db.execute(text(before))
            return core.import_(db, path, **options)
    finally:
        engine.dispose()


def rows(url: str, columns: str, of: str) -> list[tuple[Any, ...]]:
    engine = connect(url)
    with engine.connect() as db:
        found = table(db, columns, of)
    engine.dispose()
    return found


def view(folder: Path, name: str, *records: dict[str, Any]) -> Path:
    """Write the file of a view."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"view_name": name, "records": records}), "utf-8")
    return path


def test_a_record_whose_key_is_null_is_the_row_that_has_its_content(
    shop: Bakeio, url: str, tmp_path: Path
) -> None:
    path = view(tmp_path, "jars", {"code": None, "size": 1, "shape": "round"})
    there = f"INSERT INTO jars VALUES (1, '{FIRST}', 'j1', 1, 'round')"
    assert came_in(shop, url, path, there).summary["unchanged"] == 1
    assert rows(url, "code, size, shape", "jars") == [("j1", 1, "round")]


def test_a_record_of_a_view_without_a_key_is_the_row_that_has_its_code(
    shop: Bakeio, url: str, tmp_path: Path
) -> None:
    new = {"ean": "5901234123457", "title": "Brush", "price": 2}
    path = view(tmp_path, "pens", {"ean": "4006381333931", "title": "Pencil", "price": 5}, new)
    there = "INSERT INTO pens VALUES (1, '04006381333931', 'Pen', 1)"
    summary = came_in(shop, url, path, there).summary
    assert (summary["updated"], summary["created"]) == (1, 1)
    assert rows(url, "title, price", "pens") == [("Brush", 2), ("Pencil", 5)]


def test_two_records_that_only_their_second_key_names_are_refused_in_an_empty_table(
    shop: Bakeio, url: str, tmp_path: Path
) -> None:
    lids = [{"id": i, "code": None, "name": name} for i, name in enumerate(["a", "x", "x"], 1)]
    path = write_records(tmp_path / "lids.json", "lids", *[{**lid, "size": 1} for lid in lids])
    summary = came_in(shop, url, path, skip_errors=True).summary
    assert (summary["created"], summary["errors"]) == (1, 2)
    assert rows(url, "name", "lids") == [("a",)]


def test_two_records_with_one_key_that_the_database_does_not_keep_unique_are_refused(
    shop: Bakeio, url: str, tmp_path: Path
) -> None:
    boxes = [{"id": i, "aisle": 1, "place": place} for i, place in enumerate([1, 2, 2], 1)]
    path = write_records(tmp_path / "boxes.json", "boxes", *boxes)
    summary = came_in(shop, url, path, skip_errors=True).summary
    assert (summary["created"], summary["errors"]) == (1, 2)


@pytest.mark.parametrize("name", ["cups", "mugs"])
@pytest.mark.parametrize("form", ["entity", "view"])
def test_a_reference_of_which_a_file_says_nothing_has_its_default(
    shop: Bakeio, url: str, tmp_path: Path, form: str, name: str
) -> None:
    path = view(tmp_path, name, {"name": "new"})
    if form == "entity":
        path = write_records(path, name, {"id": 9, "name": "new"})
    there = "INSERT INTO shelves VALUES (1, 's1')"
    assert came_in(shop, url, path, there).summary["created"] == 1
    assert rows(url, "name, shelf_id", name) == [("new", 1)]


def test_a_null_in_a_view_makes_no_new_row_without_slug_uuid_and_stamp(
    shop: Bakeio, url: str, tmp_path: Path
) -> None:
    given = {"slug": "given", "uuid": FIRST, "created_at": "2025-01-02T03:04:05Z"}
    nothing = dict.fromkeys(given)
    records = [{"name": "A Bowl", **nothing}, {"name": "Another", **given}]
    assert came_in(shop, url, view(tmp_path, "bowls", *records)).summary["created"] == 2
    found = rows(url, "slug, uuid, created_at", "bowls")
    assert [slug for slug, _, _ in found] == ["a_bowl", "given"]
    assert None not in sum(found, ())


def test_a_stamp_that_a_view_can_edit_is_edited(shop: Bakeio, url: str, tmp_path: Path) -> None:
    path = view(tmp_path, "bowls", {"name": "Bowl", "created_at": "2025-01-02T03:04:05Z"})
    there = "INSERT INTO bowls VALUES (1, 'Bowl', 'bowl', NULL, NULL)"
    assert came_in(shop, url, path, there).summary["updated"] == 1
    assert rows(url, "created_at IS NULL", "bowls")[0][0] in (False, 0)


def test_new_keys_that_read_the_same_are_told_in_one_batch(
    shop: Bakeio, url: str, tmp_path: Path
) -> None:
    path = view(tmp_path, "jars", {"code": "j1", "size": 1}, {"code": "J1", "size": 2})
    assert "reads as in the row with" in str(came_in(shop, url, path).problems[-1])


def test_a_record_that_is_refused_takes_no_key_from_one_after_it(
    shop: Bakeio, url: str, tmp_path: Path
) -> None:
    records = [{"name": None, "uuid": FIRST}, {"name": "Bowl", "uuid": FIRST}]
    summary = came_in(shop, url, view(tmp_path, "bowls", *records), skip_errors=True).summary
    assert (summary["created"], summary["errors"]) == (1, 1)


THERE = {
    "jars": "VALUES (1, 'aaaaaaaa-0000-4000-8000-000000000001', 'j1', 1, 'round'), "
    "(2, 'aaaaaaaa-0000-4000-8000-000000000002', NULL, 2, 'flat')",
    "pens": "VALUES (1, '04006381333931', 'Pen', 1), (2, NULL, 'Brush', 2)",
    "lids": "VALUES (1, 'l1', 'Lid', 1), (2, NULL, 'Top', 2)",
    "bowls": "VALUES (1, 'Bowl', 'bowl', NULL, NULL), (2, 'Dish', NULL, NULL, NULL)",
}
KEPT = {
    "jars": "code, size, shape",
    "pens": "ean, title, price",
    "lids": "code, name, size",
    "bowls": "name, slug, uuid IS NULL, created_at IS NULL",
}
TOLD = {
    "jars": {"code": ["j1", "J1", "j2", "j3"], "size": [1, 2], "shape": ["round", "flat"]},
    "pens": {"ean": ["4006381333931", "5901234123457"], "title": ["Pen", "Cap"], "price": [1, 2]},
    "lids": {"code": ["l1", "L1", "l2"], "name": ["Lid", "Top", "TOP", "Cap"], "size": [1, 2]},
    "bowls": {
        "name": ["Bowl", "BOWL", "Cup", "A cup"],
        "slug": ["bowl", "cup", "dish"],
        "uuid": [FIRST],
        "created_at": ["2025-01-02T03:04:05Z"],
    },
}


def records_of(name: str) -> st.SearchStrategy[tuple[str, list[dict[str, Any]]]]:
    """Records of a view that all have the same fields, some of them null."""
    fields = sorted(TOLD[name])
    some = st.sets(st.sampled_from(fields), min_size=1).map(sorted)
    records = some.flatmap(
        lambda columns: st.lists(
            st.fixed_dictionaries({c: st.sampled_from([None, *TOLD[name][c]]) for c in columns}),
            min_size=1,
            max_size=4,
        )
    )
    return st.tuples(st.just(name), records)


class TakenBack(Exception):
    """Ends a transaction."""


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    file=st.sampled_from(sorted(TOLD)).flatmap(records_of),
    is_filled=st.booleans(),
    options=st.fixed_dictionaries(
        {
            "mode": st.sampled_from(["merge", "skip-existing", "update-only"]),
            "allow_duplicates": st.booleans(),
        }
    ),
)
def test_records_of_views_come_out_alike_in_bulk_and_with_care(
    shop: Bakeio,
    url: str,
    tmp_path: Path,
    file: tuple[str, list[dict[str, Any]]],
    is_filled: bool,
    options: dict[str, Any],
) -> None:
    name, records = file
    path = view(tmp_path, name, *records)
    engine, outcomes = connect(url), list[Any]()
    for is_careful in (False, True):
        with pytest.MonkeyPatch.context() as patched, contextlib.suppress(TakenBack):
            if is_careful:
                with_care(patched)
            with begin_write(engine) as db:
                if is_filled:
                    db.execute(text(f"INSERT INTO {name} {THERE[name]}"))
                report = shop.import_(db, path, skip_errors=True, **options)
                told = sorted((p.code, p.severity, sorted(p.records)) for p in report.problems)
                found = sorted(map(str, table_of(db, name)))
                # which of two records of one row is looked at first decides what is kept of it
                counts = {k: v for k, v in report.summary.items() if k != "nulls_kept"}
                outcomes.append((counts, told, found))
                raise TakenBack
    engine.dispose()
    assert outcomes[0] == outcomes[1]


def table_of(db: Connection, name: str) -> list[Any]:
    return list(db.execute(text(f"SELECT {KEPT[name]} FROM {name}")))
