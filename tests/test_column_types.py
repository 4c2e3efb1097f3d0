"""Every type of column: what is stored comes back cell by cell, on both databases."""

from __future__ import annotations

import enum
import json
import shutil
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    Enum,
    Float,
    Identity,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    Time,
    Uuid,
    create_engine,
    insert,
    make_url,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType
from support.databases import sql
from support.files import document
from support.tables import bakeio_with, made, reading, things, writing

from bakeio_core import (
    Bakeio,
    BakeioError,
    Entity,
    ImportRefused,
    PluginError,
    UsageError,
    View,
    editable,
    identity_columns,
    key,
    readonly,
)


class State(enum.Enum):
    DRAFT = "draft"
    SENT = "sent"


UTC = timezone.utc
KEY = UUID("0192f0c1-2b3c-4d5e-8f60-718293a4b5c6")
TYPES: dict[str, tuple[Any, list[Any]]] = {
    "small": (SmallInteger, [0, -32768, 32767]),
    "whole": (Integer, [0, -(2**31), 2**31 - 1]),
    "big": (BigInteger, [0, -(2**63), 2**63 - 1]),
    "price": (Numeric(10, 4), [Decimal("0.1000"), Decimal("-999999.9999"), Decimal(0)]),
    "wide": (Numeric(30, 10), [Decimal("12345.6789012345"), Decimal("-0.0000000001")]),
    "any_number": (Numeric, [Decimal("1.5"), Decimal("1234567.125")]),
    "as_float": (Numeric(10, 2, asdecimal=False), [1.25, -3.5]),
    "floating": (Float, [0.1, -1e300, 5e-324, 3.0]),
    "double": (Double, [0.1, 1e16, 12345678.9]),
    "short": (String(10), ["", " x ", "é", "e\u0301", "\U0001f967"]),
    "text": (Text, ["", "line\nline", '"quoted"', "x" * 5000, "null"]),
    "truth": (Boolean, [True, False]),
    "day": (Date, [date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29)]),
    "moment": (DateTime, [datetime(2025, 1, 5, 10, 0, 0, 123456), datetime(1, 1, 1)]),
    "zoned": (DateTime(timezone=True), [datetime(2025, 1, 5, 10, tzinfo=UTC)]),
    "clock": (Time, [time(0), time(23, 59, 59, 999999), time(7, 30)]),
    "length": (Interval, [timedelta(0), timedelta(days=40, seconds=3, microseconds=7),
                          -timedelta(days=2, hours=1)]),
    "bytes": (LargeBinary, [b"", b"\x00\xff\xfe", b"plain"]),
    "uuid": (Uuid, [KEY, UUID(int=0)]),
    "uuid_text": (Uuid(native_uuid=False), [KEY]),
    "uuid_string": (Uuid(as_uuid=False), [str(KEY)]),
    "named": (Enum(State), [State.SENT, State.DRAFT]),
    "listed": (Enum("a", "b", native_enum=False, length=9), ["b"]),
    "document": (JSON, [None, {"a": [1, 2.5, None]}, [], "text", 5, True]),
}  # fmt: skip


def declare(metadata: MetaData) -> list[Entity]:
    return [
        Entity(Table(f"t_{name}", metadata, *identity_columns(), Column("v", kind)))
        for name, (kind, _) in TYPES.items()
    ]


@pytest.fixture(scope="module")
def hosted() -> Bakeio:
    return bakeio_with(declare)


def filled(core: Bakeio, url: str) -> str:
    """Store a NULL and the values in each table, as an application does."""
    made(core, url)
    with writing(url) as db:
        for name, (_, values) in TYPES.items():
            table = core.catalog.entities[f"t_{name}"].table
            db.execute(insert(table), [{}])
            db.execute(insert(table), [{"v": value} for value in values])
    return url


PREFERRED = {
    "DateStyle": "'German'",
    "IntervalStyle": "'sql_standard'",
    "extra_float_digits": "0",
    "client_encoding": "'LATIN1'",
    "standard_conforming_strings": "off",
    "bytea_output": "'escape'",
    "TimeZone": "'Asia/Tokyo'",
}
"""How somebody set up a server: none of it may change what is exported or restored."""


def peculiar(url: str) -> str:
    """Let a database of a server prefer other forms of values than most do."""
    if url.startswith("postgresql"):
        name = make_url(url).database
        sql(url, *(f"ALTER DATABASE {name} SET {key} = {to}" for key, to in PREFERRED.items()))
    return url


def cells(core: Bakeio, url: str) -> dict[str, list[Any]]:
    """What each table holds, in the database's own words."""
    is_server = url.startswith("postgresql")
    value = "CAST(v AS TEXT)" if is_server else "typeof(v) || ' ' || quote(v)"
    query = "SELECT id, uuid, {} FROM {} ORDER BY id"
    return {name: sql(url, query.format(value, name)) for name in core.catalog.entities}


def test_what_is_stored_comes_back_cell_by_cell(
    hosted: Bakeio, new_database: Callable[[], str], tmp_path: Path
) -> None:
    home = filled(hosted, peculiar(new_database()))
    other = made(hosted, peculiar(new_database()))
    before, nothing = cells(hosted, home), cells(hosted, other)
    with reading(home) as db:
        hosted.export_complete(db, tmp_path / "set")
    assert [str(problem) for problem in hosted.validate(tmp_path / "set")] == []
    with writing(home) as db:
        again = hosted.import_complete(db, tmp_path / "set")
    assert (again.summary["created"], again.summary["updated"]) == (0, 0)
    with writing(other) as db:
        dry = hosted.import_complete(db, tmp_path / "set", dry_run=True)
    assert cells(hosted, other) == nothing
    with writing(other) as db:
        report = hosted.import_complete(db, tmp_path / "set")
    assert report.summary == dry.summary
    assert [str(problem) for problem in report.problems] == []
    assert cells(hosted, other) == before
    with writing(other) as db:
        again = hosted.import_complete(db, tmp_path / "set")
    assert (again.summary["created"], again.summary["updated"]) == (0, 0)
    with writing(other) as db:
        hosted.undo(db, report.run)
    assert cells(hosted, other) == nothing
    assert cells(hosted, home) == before


def test_every_value_can_take_the_place_of_another_and_come_back(
    hosted: Bakeio, new_database: Callable[[], str], tmp_path: Path
) -> None:
    home = filled(hosted, new_database())
    before = cells(hosted, home)
    with reading(home) as db:
        hosted.export_complete(db, tmp_path / "set")
    for file in sorted((tmp_path / "set").glob("*_t_*.json")):
        whole = document(file)
        values = [record["v"] for record in whole["records"]]
        for record, value in zip(whole["records"], [*values[1:], values[0]], strict=True):
            record["v"] = value
        file.write_text(json.dumps(whole), "utf-8")
    wanted = {
        name: [(*row[:2], v) for row, v in zip(rows, [*rows[1:], rows[0]], strict=True)
               for v in [v[2]]]
        for name, rows in before.items()
    }  # fmt: skip
    options: dict[str, Any] = {"accept_edits": True, "on_conflict": "take-file"}
    with writing(home) as db:
        dry = hosted.import_complete(db, tmp_path / "set", dry_run=True, **options)
    assert cells(hosted, home) == before
    with writing(home) as db:
        report = hosted.import_complete(db, tmp_path / "set", **options)
    assert report.summary == dry.summary
    assert cells(hosted, home) == wanted
    with writing(home) as db:
        hosted.undo(db, report.run)
    assert cells(hosted, home) == before
    shutil.rmtree(tmp_path / "set")


SERVER_TYPES: dict[str, tuple[Any, list[Any]]] = {
    "texts": (postgresql.ARRAY(String(9)), [["a", "b,c", None, '"'], [], ["{x}", ""]]),
    "numbers": (ARRAY(Numeric(10, 2)), [[Decimal("1.50"), Decimal(-2)], [None]]),
    "grid": (ARRAY(Integer, dimensions=2), [[[1, 2], [3, 4]]]),
    "days": (ARRAY(Date), [[date(2024, 2, 29)], []]),
    "moments": (ARRAY(DateTime(timezone=True)), [[datetime(2025, 1, 5, 10, tzinfo=UTC)]]),
    "states": (ARRAY(Enum(State)), [[State.DRAFT, State.SENT], []]),
    "uuids": (ARRAY(Uuid), [[KEY, None]]),
    "truths": (ARRAY(Boolean), [[True, False, None]]),
    "blobs": (ARRAY(LargeBinary), [[b"", b"\x00\xff"]]),
    "span": (postgresql.INTERVAL, [timedelta(days=2, microseconds=5)]),
    "address": (postgresql.INET, ["10.0.0.1", "10.1.0.0/16"]),
    "bits": (postgresql.BIT(3), ["101"]),
    "ranges": (postgresql.INT4RANGE, ["[1,5)", "empty"]),
    "words": (postgresql.TSVECTOR, ["'a':1 'b':2"]),
    "binary_json": (postgresql.JSONB, [{"a": [1, None]}, None]),
}


def numbered() -> list[Column[Any]]:
    """A number that only the server gives, and one that it computes, which is there on writing."""
    number = Column("number", Integer, Identity(always=True, start=5))
    return [number, Column("double", Integer, Computed("id * 2"))]


def test_types_that_only_a_server_has_come_back(
    new_postgresql: Callable[[], str], tmp_path: Path
) -> None:
    def of_server(metadata: MetaData) -> list[Entity]:
        return [
            Entity(
                Table(
                    f"t_{name}",
                    metadata,
                    *identity_columns(),
                    Column("v", kind),
                    *numbered(),
                    postgresql.ExcludeConstraint(("id", "="), using="btree"),
                )
            )
            for name, (kind, _) in SERVER_TYPES.items()
        ]

    core = bakeio_with(of_server)
    home, other = (made(core, peculiar(new_postgresql())) for _ in range(2))
    with writing(home) as db:
        for entity in core.catalog.entities.values():
            db.execute(insert(entity.table), [{}])
            for value in SERVER_TYPES[entity.name.removeprefix("t_")][1]:
                if entity.name in ("t_ranges", "t_words"):
                    literal = text(f"INSERT INTO {entity.name} (v) VALUES (:v)")
                    db.execute(literal, {"v": value})
                else:
                    db.execute(insert(entity.table), [{"v": value}])
    before, nothing = cells(core, home), cells(core, other)
    of_the_host = create_engine(home.replace("postgresql:", "postgresql+psycopg:", 1))
    with of_the_host.begin() as db:
        core.export_complete(db, tmp_path / "set", prove=True)
    at_once = of_the_host.execution_options(isolation_level="AUTOCOMMIT")
    with at_once.connect() as db, pytest.raises(UsageError, match="give one that opens"):
        core.export_complete(db, tmp_path / "of_no_moment")
    of_the_host.dispose()
    assert [str(problem) for problem in core.validate(tmp_path / "set")] == []
    for url, wanted in ((home, 0), (other, sum(map(len, before.values())))):
        with writing(url) as db:
            summary = core.import_complete(db, tmp_path / "set").summary
        assert (summary["created"], summary["updated"]) == (wanted, 0)
        assert cells(core, url) == before
    for file in sorted((tmp_path / "set").glob("*_t_*.json")):
        whole = document(file)
        values = [record["v"] for record in whole["records"]]
        for record, value in zip(whole["records"], [*values[1:], values[0]], strict=True):
            record["v"] = value
        file.write_text(json.dumps(whole), "utf-8")
    with writing(other) as db:
        options: dict[str, Any] = {"accept_edits": True, "on_conflict": "take-file"}
        core.import_complete(db, tmp_path / "set", **options)
    for name, rows in before.items():
        values = [row[2] for row in rows]
        assert [row[2] for row in cells(core, other)[name]] == [*values[1:], values[0]]
    for _ in range(2):
        with writing(other) as db:
            core.undo(db)
    assert cells(core, other) == nothing


def test_a_list_of_wrong_values_is_refused(
    new_postgresql: Callable[[], str], tmp_path: Path
) -> None:
    column = Column("v", ARRAY(Numeric(10, 2)))
    core = bakeio_with(things(column), [])
    url = made(core, new_postgresql())
    file = tmp_path / "file.json"
    records = [{"name": "a", "v": [1, "x"]}, {"name": "b", "v": 5}, {"name": "c", "v": {"a": 1}}]
    file.write_text(json.dumps({"entity_type": "things", "records": records}), "utf-8")
    with writing(url) as db, pytest.raises(ImportRefused) as refused:
        core.import_(db, file)
    said = " ".join(str(problem) for problem in refused.value.problems)
    assert 'v: "x" is not a number' in said
    assert "v: 5 is not a list: write [...]" in said
    assert "v: an object is not a list" in said


def test_a_column_without_a_type_is_named_with_a_way_out() -> None:
    def untyped(metadata: MetaData) -> list[Entity]:
        return [Entity(Table("things", metadata, *identity_columns(), Column("v")))]

    with pytest.raises(PluginError) as refused:
        untyped(MetaData())
    assert "column things.v has no type" in str(refused.value)
    assert "give it one, or declare the table without it" in str(refused.value)


def test_rows_are_known_by_no_list_and_no_document() -> None:
    for options in ({"keys": ["v"]}, {"content": ("name", "v")}):
        with pytest.raises(PluginError, match="rows are not known by v, which holds a JSON doc"):
            things(Column("v", JSON), **options)(MetaData())


class Odd(UserDefinedType[str]):
    """A type of an extension, which SQLAlchemy knows nothing of."""

    cache_ok = True

    def get_col_spec(self, **options: Any) -> str:
        return "TEXT"


def test_a_type_that_nobody_knows_is_carried_as_it_is_stored(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    core = bakeio_with(things(Column("v", Odd())))
    home, other = made(core, new_database()), made(core, new_database())
    sql(home, "INSERT INTO things (name, v) VALUES ('a', 'POINT(1 2)'), ('b', NULL)")
    with reading(home) as db:
        core.export_complete(db, tmp_path / "set")
    with writing(other) as db:
        core.import_complete(db, tmp_path / "set")
        assert core.import_complete(db, tmp_path / "set").summary["updated"] == 0
    query = "SELECT name, v FROM things ORDER BY id"
    assert sql(other, query) == sql(home, query) == [("a", "POINT(1 2)"), ("b", None)]


def with_uuids(metadata: MetaData) -> list[Entity]:
    found = []
    for name, kind in (("native", Uuid()), ("texts", Uuid(as_uuid=False, native_uuid=False))):
        columns = [
            Column("id", Integer, primary_key=True),
            Column("uuid", kind, unique=True),
            Column("title", String(20)),
        ]
        found.append(Entity(Table(name, metadata, *columns)))
    return found


VIEWS = [
    View(name=name, entity=name, fields={"uuid": key("uuid"), "title": editable("title")})
    for name in ("native", "texts")
]


def test_rows_are_found_by_a_uuid_of_its_own_type_and_one_may_be_null(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    core = bakeio_with(with_uuids, VIEWS)
    home, other = made(core, new_database()), made(core, new_database())
    for name in ("native", "texts"):
        kind = core.catalog.entities[name].table
        with writing(home) as db:
            value = KEY if name == "native" else str(KEY)
            db.execute(insert(kind), [{"uuid": value, "title": "a"}, {"uuid": None, "title": "b"}])
    with reading(home) as db:
        core.export_complete(db, tmp_path / "set")
    with writing(other) as db:
        core.import_complete(db, tmp_path / "set")
        again = core.import_complete(db, tmp_path / "set").summary
    assert (again["created"], again["updated"]) == (0, 0)
    for name in ("native", "texts"):
        query = f"SELECT id, CAST(uuid AS TEXT), title FROM {name} ORDER BY id"
        assert sql(other, query) == sql(home, query)
        with reading(other) as db:
            core.export_view(db, name, tmp_path / f"{name}.json")
        whole = document(tmp_path / f"{name}.json")
        for record in whole["records"]:
            record["title"] += "!"
        (tmp_path / f"{name}.json").write_text(json.dumps(whole), "utf-8")
        with writing(other) as db:
            assert core.import_(db, tmp_path / f"{name}.json").summary["updated"] == 2
        listed = {"view_name": name, "records": [{"uuid": str(KEY).upper(), "title": "c"}]}
        (tmp_path / f"{name}.json").write_text(json.dumps(listed), "utf-8")
        with writing(other) as db:
            assert core.import_(db, tmp_path / f"{name}.json").summary["updated"] == 1
        assert sql(other, f"SELECT title FROM {name} ORDER BY id") == [("c",), ("b!",)]


def computing(metadata: MetaData) -> list[Entity]:
    columns = [
        Column("name", String(20), unique=True),
        Column("amount", Integer),
        Column("price", Integer),
        Column("total", Integer, Computed("amount * price", persisted=True), nullable=False),
        Column("title", String(40), Computed("name || '!'", persisted=True)),
    ]
    return [Entity(Table("sums", metadata, *identity_columns(), *columns), keys=["name"])]


SUMS = View(
    name="sums",
    entity="sums",
    fields={"name": key("name"), "amount": editable("amount"), "total": readonly("total")},
)


def test_what_the_database_computes_is_exported_and_never_written(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    core = bakeio_with(computing, [SUMS])
    home, other = made(core, new_database()), made(core, new_database())
    with writing(home) as db:
        table = core.catalog.entities["sums"].table
        rows = [{"name": "a", "amount": 2, "price": 3}, {"name": "b", "amount": 5, "price": 1}]
        db.execute(insert(table), rows)
    with reading(home) as db:
        core.export_complete(db, tmp_path / "set")
    file = tmp_path / "set" / "01_sums.json"
    assert [record["total"] for record in document(file)["records"]] == [6, 5]
    assert len(core.validate(tmp_path / "set")) == 0
    query = "SELECT id, uuid, name, amount, price, total, title FROM sums ORDER BY id"
    for url, created in ((other, 2), (other, 0), (home, 0)):
        with writing(url) as db:
            report = core.import_complete(db, tmp_path / "set")
        assert (report.summary["created"], report.summary["updated"]) == (created, 0)
        assert list(report.problems) == []
        assert sql(url, query) == sql(home, query)
    with writing(home) as db, pytest.raises(BakeioError, match="no import to undo"):
        core.undo(db)
    with writing(other) as db:
        core.undo(db)
    assert sql(other, query) == []


def test_an_edit_of_what_the_database_computes_is_told(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    core = bakeio_with(computing, [SUMS])
    url = made(core, new_database())
    file = tmp_path / "file.json"
    said = [
        {"name": "a", "amount": 2, "price": 3, "total": 7},
        {"name": "b", "amount": 5, "price": 1, "total": 5},
        {"name": "c", "amount": 1, "price": 1},
    ]
    reports = []
    for records in (said, [{**said[0], "amount": 4, "total": 12}, {**said[1], "total": 9}]):
        file.write_text(json.dumps({"entity_type": "sums", "records": records}), "utf-8")
        with writing(url) as db:
            dry = core.import_(db, file, dry_run=True)
            reports.append(core.import_(db, file))
        assert list(map(str, dry.problems)) == list(map(str, reports[-1].problems))
    first, second = ([str(problem) for problem in report.problems] for report in reports)
    assert len(first) == len(second) == 1
    assert 'record 1 (name "a"), total: is 7, but the database computes it, as 6' in first[0]
    assert 'record 2 (name "b"), total: is 9, but the database computes it, as 5' in second[0]
    assert sql(url, "SELECT total FROM sums ORDER BY id") == [(12,), (5,), (1,)]
    with reading(url) as db:
        core.export_view(db, "sums", tmp_path / "view.json")
    whole = document(tmp_path / "view.json")
    whole["records"][0] |= {"amount": 1, "total": 99}
    (tmp_path / "view.json").write_text(json.dumps(whole), "utf-8")
    with writing(url) as db:
        report = core.import_(db, tmp_path / "view.json")
    assert report.summary["updated"] == 1
    assert "total" in str(next(iter(report.problems)))
    for _ in range(3):
        with writing(url) as db:
            core.undo(db)
    assert sql(url, "SELECT total FROM sums ORDER BY id") == []


def test_a_view_in_which_it_could_be_edited_is_refused() -> None:
    view = View(name="sums", entity="sums", fields={"total": editable("total")})
    with pytest.raises(AssertionError, match="the database computes total from other columns"):
        bakeio_with(computing, [view])
