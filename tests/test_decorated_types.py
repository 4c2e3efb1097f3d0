"""Columns whose values an application converts (`TypeDecorator`): files have its values."""

from __future__ import annotations

import enum
import itertools
import json
import pickle
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    CHAR,
    JSON,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    PickleType,
    String,
    Table,
    TypeDecorator,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql
from support.databases import sql
from support.files import document
from support.tables import bakeio_with, made, reading, writing

from bakeio_core import Bakeio, Entity, ImportRefused, View, editable, identity_columns, key

numbers = itertools.count()


class Cents(TypeDecorator[Decimal]):
    """Money, stored as whole cents."""

    impl, cache_ok = Integer, True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if value is not None and value < 0:
            raise ValueError("money is never negative")
        return None if value is None else int(Decimal(str(value)) * 100)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Decimal(value) / 100


class Words(TypeDecorator[list[str]]):
    """A list, stored as words with commas between them."""

    impl, cache_ok = String(40), True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else ",".join(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.split(",")


class Utc(TypeDecorator[datetime]):
    """Instants with their zone, stored without it."""

    impl, cache_ok = DateTime, True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.replace(tzinfo=timezone.utc)


class Guid(TypeDecorator[uuid.UUID]):
    """The recipe of SQLAlchemy's documentation."""

    impl, cache_ok = CHAR, True

    def load_dialect_impl(self, dialect: Any) -> Any:
        is_server = dialect.name == "postgresql"
        return dialect.type_descriptor(postgresql.UUID() if is_server else CHAR(32))

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return f"{uuid.UUID(str(value)).int:032x}"

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return value if value is None or isinstance(value, uuid.UUID) else uuid.UUID(value)


class Lower(TypeDecorator[str]):
    """Text in small letters, whatever is given."""

    impl, cache_ok = String(40), True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.lower()


class Secret(TypeDecorator[str]):
    """Text that is another one each time it is stored."""

    impl, cache_ok = String(80), True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else f"{next(numbers)}:{value[::-1]}"

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.partition(":")[2][::-1]


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Levels(TypeDecorator[Level]):
    """Members of an enumeration, stored as their numbers."""

    impl, cache_ok = Integer, True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Level(value).value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Level(value)


@dataclass
class Point:
    x: int
    y: int


class Points(TypeDecorator[Point]):
    """An object that JSON knows nothing of, stored as a document."""

    impl, cache_ok = JSON, True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else {"x": value.x, "y": value.y}

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Point(**value)


class Yes(TypeDecorator[bool]):
    """True and false, stored as a letter."""

    impl, cache_ok = String(1), True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else "Y" if value else "N"

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value == "Y"


class Named(TypeDecorator[str]):
    """A text by another name."""

    impl, cache_ok = String(40), True


class Packed(TypeDecorator[str]):
    """Text, stored as bytes."""

    impl, cache_ok = LargeBinary, True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.encode()

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else bytes(value).decode()


KEY = uuid.UUID("0192f0c1-2b3c-4d5e-8f60-718293a4b5c6")
MOMENT = datetime(2025, 1, 5, 10, tzinfo=timezone.utc)
TYPES: dict[str, tuple[Any, Any, Any, Any]] = {
    "cents": (Cents, Decimal("6.99"), 6.99, 7),
    "words": (Words, ["a", "b c"], ["a", "b c"], ["x"]),
    "utc": (Utc, MOMENT, "2025-01-05T10:00:00Z", "2025-02-05T10:00:00Z"),
    "guid": (Guid, KEY, str(KEY), str(uuid.UUID(int=5))),
    "lower": (Lower, "ABC", "abc", "x"),
    "secret": (Secret, "abc", "abc", "x"),
    "level": (Levels, Level.HIGH, 2, 1),
    "point": (Points, Point(1, 2), {"x": 1, "y": 2}, {"x": 3, "y": 4}),
    "yes": (Yes, True, True, False),
    "named": (Named, "abc", "abc", "x"),
    "packed": (Packed, "abc", "abc", "x"),
}
"""A type, a value of the application, that value in a file, and another one in a file."""


def declare(metadata: MetaData) -> list[Entity]:
    name = Column("name", String(20), unique=True)
    typed = [Column(column, case[0]) for column, case in TYPES.items()]
    return [Entity(Table("things", metadata, *identity_columns(), name, *typed), keys=["name"])]


VIEW = View(
    name="things",
    entity="things",
    fields={"name": key("name"), **{name: editable(name) for name in TYPES}},
)


@pytest.fixture(scope="module")
def hosted() -> Bakeio:
    return bakeio_with(declare, [VIEW])


def filled(core: Bakeio, url: str) -> str:
    made(core, url)
    values = {name: case[1] for name, case in TYPES.items()}
    with writing(url) as db:
        table = core.catalog.entities["things"].table
        db.execute(insert(table), [{"name": "full", **values}])
        db.execute(insert(table), [{"name": "empty"}])
    sql(url, "UPDATE things SET point = NULL WHERE name = 'empty'")
    return url


def cells(url: str, *without: str) -> list[Any]:
    columns = [f"CAST({name} AS TEXT)" for name in TYPES if name not in without]
    return sql(url, f"SELECT name, {', '.join(columns)} FROM things ORDER BY id")


def read_by_application(core: Bakeio, url: str) -> Any:
    table = core.catalog.entities["things"].table
    with reading(url) as db:
        return db.execute(select(*[table.c[name] for name in TYPES]).order_by(table.c.id)).all()


def test_files_have_the_values_of_the_application(
    hosted: Bakeio, new_database: Callable[[], str], tmp_path: Path
) -> None:
    home, other = filled(hosted, new_database()), made(hosted, new_database())
    before = cells(home)
    with reading(home) as db:
        hosted.export_complete(db, tmp_path / "set")
    assert len(hosted.validate(tmp_path / "set")) == 0
    full, empty = document(tmp_path / "set" / "01_things.json")["records"]
    assert {name: full[name] for name in TYPES} == {n: case[2] for n, case in TYPES.items()}
    assert {empty[name] for name in TYPES} == {None}
    with writing(other) as db:
        dry = hosted.import_complete(db, tmp_path / "set", dry_run=True)
        done = hosted.import_complete(db, tmp_path / "set")
        again = hosted.import_complete(db, tmp_path / "set")
    assert (dry.summary, list(done.problems)) == (done.summary, [])
    assert (again.summary["created"], again.summary["updated"]) == (0, 0)
    assert cells(other, "secret") == cells(home, "secret")
    assert read_by_application(hosted, other) == read_by_application(hosted, home)
    with writing(home) as db:
        assert hosted.import_complete(db, tmp_path / "set").summary["updated"] == 0
    assert cells(home) == before


def test_edits_of_them_are_taken_and_taken_back(
    hosted: Bakeio, new_database: Callable[[], str], tmp_path: Path
) -> None:
    home = filled(hosted, new_database())
    before, application = cells(home, "secret"), read_by_application(hosted, home)
    with reading(home) as db:
        hosted.export_view(db, "things", tmp_path / "view.json")
    with writing(home) as db:
        assert hosted.import_(db, tmp_path / "view.json").summary["updated"] == 0
    whole = document(tmp_path / "view.json")
    for record in whole["records"]:
        record.update({name: case[3] for name, case in TYPES.items()})
    (tmp_path / "view.json").write_text(json.dumps(whole), "utf-8")
    with writing(home) as db:
        report = hosted.import_(db, tmp_path / "view.json")
    assert report.summary["updated"] == 2
    assert read_by_application(hosted, home)[0] == (
        *(Decimal(7), ["x"], datetime(2025, 2, 5, 10, tzinfo=timezone.utc), uuid.UUID(int=5)),
        *("x", "x", Level.LOW, Point(3, 4), False, "x", "x"),
    )
    with writing(home) as db:
        hosted.undo(db, report.run)
    assert cells(home, "secret") == before
    assert read_by_application(hosted, home) == application


def test_what_the_application_refuses_is_a_bad_value_in_its_words(
    hosted: Bakeio, tmp_path: Path
) -> None:
    url = filled(hosted, str(tmp_path / "a.db"))
    records = [{"name": "full", "cents": -1}, {"name": "empty", "level": 7, "words": 5}]
    file = tmp_path / "file.json"
    file.write_text(json.dumps({"view_name": "things", "records": records}), "utf-8")
    with writing(url) as db, pytest.raises(ImportRefused) as refused:
        hosted.import_(db, file)
    said = [str(problem) for problem in refused.value.problems]
    assert len(said) == 3
    for wrong in (
        "cents: -1 is not taken: money is never negative",
        "level: 7 is not taken: 7 is not a valid Level",
        "words: 5 is not taken: can only join an iterable",
    ):
        assert any(wrong in problem for problem in said), said


def test_what_is_stored_and_the_application_makes_nothing_of_comes_back(
    hosted: Bakeio, new_database: Callable[[], str], tmp_path: Path
) -> None:
    home, other = filled(hosted, new_database()), made(hosted, new_database())
    sql(home, "UPDATE things SET level = 9, lower = 'ABC', words = '', yes = 'q'")
    with reading(home) as db:
        hosted.export_complete(db, tmp_path / "set")
    assert not hosted.validate(tmp_path / "set").errors
    with writing(other) as db:
        report = hosted.import_complete(db, tmp_path / "set")
        again = hosted.import_complete(db, tmp_path / "set")
    assert (again.summary["created"], again.summary["updated"]) == (0, 0)
    assert cells(other, "secret") == cells(home, "secret")
    assert {problem.field for problem in report.problems} == {"level", "lower", "yes"}


def test_pickles_are_carried_as_bytes_and_never_opened(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    def pickled(metadata: MetaData) -> list[Entity]:
        return [Entity(Table("jars", metadata, *identity_columns(), Column("v", PickleType)))]

    core = bakeio_with(pickled)
    home, other = made(core, new_database()), made(core, new_database())
    opened = tmp_path / "opened"
    bomb = pickle.dumps(_Bomb(str(opened)))
    with writing(home) as db:
        table = core.catalog.entities["jars"].table
        db.execute(insert(table), [{"v": {"a": (1, 2)}}, {"v": None}])
    home_is_server = home.startswith("postgresql")
    literal = f"'\\x{bomb.hex()}'" if home_is_server else f"x'{bomb.hex()}'"
    sql(home, f"INSERT INTO jars (v) VALUES ({literal})")
    with reading(home) as db:
        core.export_complete(db, tmp_path / "set")
    with writing(other) as db:
        core.import_complete(db, tmp_path / "set")
        assert core.import_complete(db, tmp_path / "set").summary["updated"] == 0
    query = "SELECT id, CAST(v AS TEXT) FROM jars ORDER BY id"
    query = query if home_is_server else query.replace("CAST(v AS TEXT)", "quote(v)")
    assert sql(other, query) == sql(home, query)
    assert not opened.exists()


class _Bomb:
    """An object whose pickle makes a file when it is opened."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (open, (self.path, "w"))
