"""Whatever a cell holds: an export restores, or names the cell; a set that validates imports."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    PickleType,
    SmallInteger,
    String,
    Table,
    Text,
    Time,
    TypeDecorator,
    Uuid,
    text,
)
from support.files import document
from support.hosts import guest, identity, name
from support.tables import bakeio_with, made, reading, writing

from bakeio_core import Bakeio, BakeioError, Entity, ExportRefused, connect, identity_columns


class Words(TypeDecorator[list[str]]):
    impl, cache_ok = String(9), True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else ",".join(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.split(",")


class Tenths(TypeDecorator[float]):
    impl, cache_ok = Integer, True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else round(value * 10)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value / 10


PLAIN: dict[str, tuple[Any, str]] = {
    "small": (SmallInteger, "1"),
    "whole": (Integer, "1"),
    "big": (BigInteger, "1"),
    "price": (Numeric(10, 4), "1.5"),
    "tiny": (Numeric(14, 8), "1.5"),
    "short": (String(3), "'a'"),
    "text": (Text, "'a'"),
    "truth": (Boolean, "1"),
    "day": (Date, "'2025-01-05'"),
    "moment": (DateTime(timezone=True), "'2025-01-05 10:00:00.000000'"),
    "choice": (Enum("a", "b", native_enum=False, length=5), "'a'"),
    "checked": (Enum("a", "b", native_enum=False, create_constraint=True), "'a'"),
}
"""Types that SQL converts, and a sound value of each."""
CAREFUL: dict[str, tuple[Any, str]] = {
    "wide": (Numeric(30, 10), "1.5"),
    "number": (Numeric, "1.5"),
    "floating": (Float, "1.5"),
    "double": (Double, "1.5"),
    "clock": (Time, "'12:30:00.000000'"),
    "length": (Interval, "'1970-01-02 00:00:00.000000'"),
    "bytes": (LargeBinary, "x'00'"),
    "pickled": (PickleType, "x'00'"),
    "uuid_of": (Uuid, "'0192f0c12b3c4d5e8f60718293a4b5c6'"),
    "document": (JSON, "'{}'"),
    "words": (Words, "'a,b'"),
    "tenths": (Tenths, "15"),
}
"""Types whose values are made one by one, and a sound value of each."""
TABLES = {
    f"{kind}_{name}": (types, kind == "nullable")
    for kind in ("nullable", "required")
    for name, types in (("plain", PLAIN), ("careful", CAREFUL))
}
COLUMNS = [(table, column) for table, (types, _) in TABLES.items() for column in types]
CELLS = [
    *["0", "1", "-1", "2", "32768", "2147483648", "9223372036854775807", "1700000000000"],
    *["0.5", "10.0/7", "1e20", "1e300", "5e-324", "9e999", "-9e999", "123456789012.12345"],
    *["''", "' '", "'abc'", "'abcdef'", "'a'", "'true'", "'null'", "'NaN'", "'Infinity'"],
    *["'1,5'", "'12'", "'{broken'", "'[1, NaN]'", "'{\"a\": 1}'", "'a' || char(0)", "'é'"],
    *["'2025-01-05'", "'2025-02-30'", "'0000-00-00'", "'2025-01-05 10:00:00'", "'12:30'"],
    *["'2025-01-05T10:00:00.5+02:00'", "'1970-01-02 00:00:00.000000'", "'24:61:00'"],
    *["'0192f0c12b3c4d5e8f60718293a4b5c6'", "'0192f0c1-2b3c-4d5e-8f60-718293a4b5c6'"],
    *["x''", "x'ff00'", "x'313233'", "CAST(x'436166e9' AS TEXT)", "'\\ud83d'", "'\"\\ud83d\"'"],
]  # fmt: skip
VALUES: list[Any] = [
    *[None, True, False, 0, 1, -1, 2.5, 1e20, 1e300, 32768, 2**31, 2**63 - 1, 2**63, 10**40],
    *["", " ", "a", "abc", "abcdef", "true", "1", "2.5", "1e400", "NaN", "x\0", "\ud83d"],
    *["2025-01-05", "2025-02-30", "2025-01-05T10:00:00Z", "2025-01-05T10:00:00", "12:30"],
    *["AAEC", "!!", "0192f0c1-2b3c-4d5e-8f60-718293a4b5c6", [], ["a"], ["a", 1], {}],
    *[{"a": [None]}, {"$json": None}, {"$json": 5}, [[[]]], 0.1 + 0.2, 123456.123456789],
]  # fmt: skip


def declare(metadata: MetaData) -> list[Entity]:
    found = []
    for table, (types, is_nullable) in TABLES.items():
        columns = [Column(name, kind, nullable=is_nullable) for name, (kind, _) in types.items()]
        bounded = [Column("bounded", Integer), CheckConstraint("bounded BETWEEN 1 AND 99")]
        found.append(Entity(Table(table, metadata, *identity_columns(), *columns, *bounded)))
    return found


@pytest.fixture(scope="module")
def hosted() -> Bakeio:
    return bakeio_with(declare)


@pytest.fixture(scope="module")
def template(hosted: Bakeio, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("odd") / "template.db"
    made(hosted, str(path))
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


def new(folder: Path, name: str, template: bytes) -> Path:
    path = folder / name
    path.write_bytes(template)
    return path


def stored(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as db:
        found = []
        for table, (types, _) in TABLES.items():
            cells = ", ".join(f"typeof({name}), CAST(quote({name}) AS BLOB)" for name in types)
            query = f"SELECT id, {cells} FROM {table} ORDER BY id"
            found.append(db.execute(query).fetchall())
        return found


def insert(db: sqlite3.Connection, table: str, column: str, cell: str) -> None:
    """Store a cell as another program would, in a row that has sound values beside it."""
    types, is_nullable = TABLES[table]
    row = {name: sound for name, (_, sound) in types.items() if not is_nullable} | {column: cell}
    db.execute("PRAGMA ignore_check_constraints = on")
    names, values = ", ".join(row), ", ".join(row.values())
    db.execute(f"INSERT INTO {table} ({names}) VALUES ({values})")


def check_cells(
    core: Bakeio, template: bytes, folder: Path, cells: list[tuple[tuple[str, str], str]]
) -> str:
    """Hold an export of odd cells to its promise; return what came of it."""
    home, other = new(folder, "home.db", template), new(folder, "other.db", template)
    with closing(sqlite3.connect(home)) as db, db:
        for (table, column), cell in cells:
            insert(db, table, column, cell)
    before, gaps = stored(home), []
    try:
        with reading(home) as db:
            core.export_complete(db, folder / "set")
    except ExportRefused as refused:
        named = {(problem.entity, problem.field) for problem in refused.problems}
        assert named <= {where for where, _ in cells}, named
        with reading(home) as db:
            core.export_complete(db, folder / "set", as_stored=True)
        gaps = document(folder / "set" / "manifest.json")["gaps"]
        assert {(gap["entity"], gap["field"]) for gap in gaps} == named
        if any(not TABLES[gap["entity"]][1] for gap in gaps):
            assert core.validate(folder / "set").errors  # null is not a value there
            return "named"
    problems = core.validate(folder / "set")
    assert not problems.errors, list(map(str, problems))
    with writing(other) as db:
        core.import_complete(db, folder / "set")
    with reading(other) as db:
        core.export_complete(db, folder / "again")
    for file in sorted((folder / "set").glob("0*.json")):
        if not gaps:
            first, again = (document(folder / name / file.name) for name in ("set", "again"))
            assert first["records"] == again["records"]
    for path in (home, other):
        with writing(path) as db:
            summary = core.import_complete(db, folder / "set").summary
        assert (summary["created"], summary["updated"]) == (0, 0)
    assert stored(home) == before
    return "named" if gaps else "restored"


def check_values(
    core: Bakeio, template: bytes, folder: Path, values: list[tuple[tuple[str, str], Any]]
) -> str:
    """Hold validation and import of a set with any values to each other."""
    home = new(folder, "home.db", template)
    with closing(sqlite3.connect(home)) as db, db:
        for (table, column), _ in values:
            insert(db, table, column, TABLES[table][0][column][1])
    with reading(home) as db:
        core.export_complete(db, folder / "set")
    manifest = document(folder / "set" / "manifest.json")
    for listed in manifest["files"]:
        path = folder / "set" / listed["filename"]
        whole = document(path)
        mine = [item for item in values if item[0][0] == listed["entity_type"]]
        for record, ((_, column), value) in zip(whole["records"], mine, strict=True):
            record[column] = value
        path.write_text(json.dumps(whole), "utf-8")
        listed["checksum_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "set" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    is_valid = not core.validate(folder / "set").errors
    try:
        with writing(new(folder, "other.db", template)) as db:
            core.import_complete(db, folder / "set")
    except BakeioError as refused:
        assert not is_valid, f"valid, but refused: {refused} {getattr(refused, 'problems', '')}"
        return "refused"
    assert is_valid, "imported, though not valid"
    return "imported"


columns = st.sampled_from(COLUMNS)
few = settings(
    max_examples=16, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@few
@given(cells=st.lists(st.tuples(columns, st.sampled_from(CELLS)), min_size=1, max_size=3))
def test_odd_cells_are_restored_or_named(
    cells: list[tuple[tuple[str, str], str]],
    hosted: Bakeio,
    template: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    check_cells(hosted, template, tmp_path_factory.mktemp("cells"), cells)


@few
@given(values=st.lists(st.tuples(columns, st.sampled_from(VALUES)), min_size=1, max_size=3))
def test_what_validates_imports_and_what_does_not_is_refused(
    values: list[tuple[tuple[str, str], Any]],
    hosted: Bakeio,
    template: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    check_values(hosted, template, tmp_path_factory.mktemp("values"), values)


def test_a_number_of_more_digits_than_a_database_keeps_is_no_number_of_fewer(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    sums = Table("sums", MetaData(), identity(), name(), Column("sum", Numeric(22, 4)))
    core = guest(Entity(sums, keys=["name"]))
    engine = connect(new_database())
    path = tmp_path / "sums.json"
    path.write_text(
        '{"entity_type": "sums", "records": [{"name": "long", "sum": 1234567890123456.1234},\n'
        '{"name": "whole", "sum": 123456789012345678}, {"name": "short", "sum": 0.0001}]}'
    )
    with engine.begin() as db:
        core.create_tables(db)
        report = core.import_(db, path, skip_errors=True)
        kept = dict(db.execute(text("SELECT name, sum FROM sums")).all())
    short = {"whole": 123456789012345678, "short": Decimal("0.0001")}
    if engine.dialect.name == "postgresql":
        assert kept == {"long": Decimal("1234567890123456.1234"), **short}
    else:
        assert {name: Decimal(str(value)) for name, value in kept.items()} == short
        problem = next(p for p in report.problems if p.record == 1)
        assert (problem.code, problem.field) == ("bad-value", "sum")
        assert "has more digits than SQLite keeps" in str(problem)
    engine.dispose()
