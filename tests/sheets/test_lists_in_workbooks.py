"""A list of rows within a view is a sheet of its own in a workbook, and no CSV file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from bakeio_sheets import csv_format, xlsx_format
from sqlalchemy import Column, Engine, ForeignKey, Integer, MetaData, Numeric, Table, text
from support.hosts import guest, identity, name

from bakeio_core import (
    Bakeio,
    Entity,
    UsageError,
    View,
    children,
    connect,
    editable,
    key,
)

METADATA = MetaData()
SHELVES = Table("shelves", METADATA, identity(), name(), Column("height", Integer))
JARS = Table(
    "jars",
    METADATA,
    identity(),
    Column("shelf_id", ForeignKey("shelves.id"), nullable=False),
    name(),
    Column("amount", Numeric(9, 2)),
)
VIEW = View(
    "shelves",
    "shelves",
    {
        "name": key("name"),
        "height": editable("height"),
        "jars": children(
            "jars.shelf_id", fields={"jar": key("name"), "amount": editable("amount")}
        ),
    },
)


@pytest.fixture(scope="module")
def core() -> Bakeio:
    made = guest(Entity(SHELVES, keys=["name"]), Entity(JARS, keys=["name"]), views=[VIEW])
    for module in (csv_format, xlsx_format):
        known = module.bakeio_formats()
        made.formats[known.name] = known
    return made


@pytest.fixture
def engine(new_database: Callable[[], str], core: Bakeio) -> Iterator[Engine]:
    made = connect(new_database())
    with made.begin() as db:
        core.create_tables(db)
        db.execute(text("INSERT INTO shelves VALUES (1, 'top', 9), (2, 'low', 1)"))
        db.execute(text("INSERT INTO jars VALUES (1, 1, 'salt', 1.5), (2, 2, 'rye', 3)"))
    yield made
    made.dispose()


def test_the_rows_of_a_list_have_a_sheet_with_the_key_they_belong_to(
    engine: Engine, core: Bakeio, tmp_path: Path
) -> None:
    path = tmp_path / "shelves.xlsx"
    with engine.begin() as db:
        core.export_view(db, "shelves", path)
        assert core.import_(db, path).summary["unchanged"] == 4
    book = openpyxl.load_workbook(path)
    sheet: Any = book["shelves.jars"]
    assert [row[:3] for row in sheet.iter_rows(values_only=True)] == [
        ("shelves.name", "jar", "amount"),
        ("top", "salt", 1.5),
        ("low", "rye", 3),
    ]
    sheet["C2"] = 2.5
    book.save(path)
    for expected in ({"updated": 1, "unchanged": 3}, {"unchanged": 4}):
        with engine.begin() as db:
            summary = core.import_(db, path).summary
        assert {name: summary[name] for name in expected} == expected
    sheet.delete_rows(3)
    book.save(path)
    with engine.begin() as db:
        report = core.import_(db, path)
    (told,) = [p.message for p in report.problems if p.code == "count-mismatch"]
    assert told.startswith("the list of shelves row 3 lacks 1 row that the database has: left")


def test_rows_of_a_list_are_moved_and_added_in_their_sheet(
    engine: Engine, core: Bakeio, tmp_path: Path
) -> None:
    path = tmp_path / "shelves.xlsx"
    with engine.begin() as db:
        core.export_view(db, "shelves", path)
    book = openpyxl.load_workbook(path)
    sheet: Any = book["shelves.jars"]
    sheet["A2"] = "low"
    sheet["A4"], sheet["B4"], sheet["C4"] = "top", "oats", 7
    book.save(path)
    with engine.begin() as db:
        report = core.import_(db, path)
        assert (report.summary["updated"], report.summary["created"]) == (1, 1)
        core.export_view(db, "shelves", tmp_path / "now.json")
    shelves = json.loads((tmp_path / "now.json").read_text("utf-8"))["records"]
    held = {shelf["name"]: {jar["jar"] for jar in shelf["jars"]} for shelf in shelves}
    assert held == {"top": {"oats"}, "low": {"rye", "salt"}}


def test_a_csv_file_refuses_a_list_in_words(engine: Engine, core: Bakeio, tmp_path: Path) -> None:
    path = tmp_path / "shelves.csv"
    with engine.begin() as db, pytest.raises(UsageError, match="has no place for jars: leave that"):
        core.export_view(db, "shelves", path)
    assert not path.exists()
    with engine.begin() as db:
        assert core.export_view(db, core.view("shelves").narrow(fields=["height"]), path) == 2
        assert core.import_(db, path).summary["unchanged"] == 2
