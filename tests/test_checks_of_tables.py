"""CHECK constraints are read where they are understood whole, and left to the database else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import (
    CheckConstraint,
    Column,
    Float,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    column,
)
from support.own_tables import Host, table

from bakeio_core import Entity, ImportRefused
from bakeio_core.values import BadValue
from bakeio_core.values.columns import kind_of


def kind(check: Any, type_: Any = Integer, name: str = "n") -> Any:
    checked = Table(
        "p", MetaData(), Column("id", Integer, primary_key=True), CheckConstraint(check)
    )
    checked.append_column(Column(name, type_))
    return kind_of(checked.c[name])


def taken(check: Any, values: Iterable[Any], type_: Any = Integer, name: str = "n") -> list[Any]:
    """The values a column with a CHECK takes."""
    known, found = kind(check, type_, name), []
    for value in values:
        try:
            known.read(value, print)
            found.append(value)
        except BadValue:
            pass
    return found


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("n > 0", [1, 2, 3, 4]),
        ("n > -1 AND (n < 3)", [0, 1, 2]),
        ("0 < n", [1, 2, 3, 4]),
        ("n >= 0.5", [1, 2, 3, 4]),
        ("n = 2", [2]),
        ("n != 2", [-1, 0, 1, 3, 4]),
        ("NOT n < 2", [2, 3, 4]),
        ("NOT (n < 1 OR n = 3)", [1, 2, 4]),
        ("n BETWEEN 1 AND 3 AND n <> 2", [1, 3]),
        ("n NOT BETWEEN 1 AND 3", [-1, 0, 4]),
        ("n IN (1, -1)", [-1, 1]),
        ("n NOT IN (1, 2)", [-1, 0, 3, 4]),
        ("n < 0 OR n > 2", [-1, 3, 4]),
        ("n IS NULL OR n > 2", [3, 4]),
        ("n IS NOT NULL AND n > 2", [3, 4]),
        ('"n" > 2', [3, 4]),
        ('p."n" > 2', [3, 4]),
        ("((n))>(2)", [3, 4]),
        ("N > 2", [3, 4]),
        (column("n") > 2, [3, 4]),
        (column("n").in_([1, 2]), [1, 2]),
        ("n > 0 AND k = 'x'", [1, 2, 3, 4]),
        # left to the database
        ("k = 'x' OR k = 'y' AND n >= 5", [-1, 0, 1, 2, 3, 4]),
        ("n > k", [-1, 0, 1, 2, 3, 4]),
        ("n % 2 = 0", [-1, 0, 1, 2, 3, 4]),
        ("n > '5'", [-1, 0, 1, 2, 3, 4]),
        ("n > 0 COLLATE nocase", [-1, 0, 1, 2, 3, 4]),
        ("abs(n) > 2", [-1, 0, 1, 2, 3, 4]),
        ("CASE WHEN n > 2 THEN 1 ELSE 0 END", [-1, 0, 1, 2, 3, 4]),
        ("n > 2 AND", [-1, 0, 1, 2, 3, 4]),
        ("nn > 2", [-1, 0, 1, 2, 3, 4]),
    ],
)
@pytest.mark.parametrize("type_", [Integer, Float, Numeric(10, 2)])
def test_what_a_check_of_numbers_takes(check: Any, expected: list[int], type_: Any) -> None:
    assert taken(check, range(-1, 5), type_) == expected


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("k IN ('a', 'it''s')", ["a", "it's"]),
        ("k = 'a' OR k = 'bb'", ["a", "bb"]),
        ("k::text = 'a'::text", ["a"]),
        ("k <> ''", ["a", "bb", "it's"]),
        ("length(k) <= 2", ["", "a", "bb"]),
        ("length(k) BETWEEN 1 AND 2 AND k <> 'a'", ["bb"]),
        ("k > 'a'", ["", "a", "bb", "it's"]),
        ("k LIKE 'a%'", ["", "a", "bb", "it's"]),
        ("upper(k) = k", ["", "a", "bb", "it's"]),
    ],
)
def test_what_a_check_of_texts_takes(check: str, expected: list[str]) -> None:
    assert taken(check, ["", "a", "bb", "it's"], String(9), "k") == expected


def test_a_check_may_stand_with_its_column() -> None:
    checked = Table("p", MetaData(), Column("n", Integer, CheckConstraint("n > 1")))
    with pytest.raises(BadValue):
        kind_of(checked.c.n).read(1, print)


def test_another_collation_is_left_to_the_database() -> None:
    assert taken("k = 'a'", ["a", "A"], String(9, collation="NOCASE"), "k") == ["a", "A"]


def test_the_words_name_the_rule() -> None:
    def said(check: str, value: Any, type_: Any = Integer, name: str = "n") -> str:
        with pytest.raises(BadValue) as refused:
            kind(check, type_, name).read(value, print)
        return str(refused.value)

    assert said("n > 0", 0) == "0 is out of range: must be more than 0"
    assert said("n IN (1, 2)", 3) == "3 is not one of 1, 2"
    assert said("k IN ('a', 'b')", "c", String, "k") == '"c" is not one of "a", "b"'
    assert said("length(k) <= 2", "abc", String, "k") == (
        '"abc" has 3 characters: must be at most 2'
    )
    assert said("n < 0 OR n > 5", 3) == "3 is refused by its table, which requires (n < 0 OR n > 5)"


def test_a_schema_says_what_a_check_says() -> None:
    assert kind("n > 0 AND n <= 9.5").schema()["exclusiveMinimum"] == 0
    assert kind("n IN (1, 2)").schema()["enum"] == [1, 2]
    assert kind("length(k) <= 2", String(9), "k").schema()["maxLength"] == 2


# -- the database is of the same opinion
NUMBERS = st.integers(-3, 3).map(str) | st.sampled_from(["0.5", "-1.5"])
SIGNS = st.sampled_from(["<", "<=", ">", ">=", "=", "<>", "!="])
SIMPLE = st.one_of(
    st.builds("n {} {}".format, SIGNS, NUMBERS),
    st.builds("{} {} n".format, NUMBERS, SIGNS),
    st.builds("n BETWEEN {} AND {}".format, NUMBERS, NUMBERS),
    st.builds("n NOT BETWEEN {} AND {}".format, NUMBERS, NUMBERS),
    st.builds("n IN ({}, {})".format, NUMBERS, NUMBERS),
    st.builds("n NOT IN ({}, {})".format, NUMBERS, NUMBERS),
    st.sampled_from(["n IS NULL", "n IS NOT NULL", "k = 'x'", "k <> 'y'", "n > length(k)"]),
)
CHECKS = st.recursive(
    SIMPLE,
    lambda some: st.one_of(
        st.builds("{} AND {}".format, some, some),
        st.builds("{} OR {}".format, some, some),
        st.builds("({})".format, some),
        st.builds("NOT ({})".format, some),
    ),
    max_leaves=5,
)


@given(CHECKS)
def test_nothing_is_refused_that_the_database_takes(check: str) -> None:
    known, db = kind(check), sqlite3.connect(":memory:")
    for value in range(-4, 5):
        verdicts = [
            db.execute(f"SELECT {check} FROM (SELECT ? AS n, ? AS k)", (value, text)).fetchone()[0]
            for text in (None, "x", "y", "zzz")
        ]
        is_refused_always = all(verdict == 0 for verdict in verdicts)
        try:
            known.read(value, print)
        except BadValue:
            assert is_refused_always, (check, value)
        else:
            names_only_n = "k" not in check
            assert not (names_only_n and is_refused_always), (check, value)


# -- through files and databases
def checked(metadata: MetaData) -> Iterable[Entity]:
    things = table(
        metadata,
        "things",
        Column("n", Integer),
        Column("f", Float),
        Column("price", Numeric(10, 2)),
        Column("kind", String(9)),
        Column("state", String(9)),
        CheckConstraint("n > 0 AND n <= 100"),
        CheckConstraint("f > 0"),
        CheckConstraint("price > 0 OR price = -1"),
        CheckConstraint("kind = 'x' OR kind = 'y' AND n >= 5", name="kinds_and_n"),
        CheckConstraint("state IN ('open', 'shut') AND length(state) < 5"),
    )
    yield Entity(things, keys=["name"])


GOOD: dict[str, Any] = {"n": 1, "f": 0.5, "price": -1, "kind": "x", "state": "shut"}


def test_good_rows_go_round_and_bad_ones_are_named(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    host, other = (Host(new_database(), tmp_path, checked) for _ in range(2))
    host.import_("things", {"name": "a", **GOOD}, {"name": "b"}, {"name": "c", "n": 5, "kind": "y"})
    folder = host.export()
    assert not host.core.validate(folder).errors
    assert other.import_file(folder).summary["created"] == 3
    bad = {"n": 0, "f": -1, "price": 0, "state": "half"}
    with pytest.raises(ImportRefused) as refused:
        host.import_("things", *[{"name": f"{c}!", **GOOD, c: v} for c, v in bad.items()])
    assert [(p.code, p.field) for p in refused.value.problems] == [
        ("bad-value", column) for column in bad
    ]
    for layout in (None, 2):
        with pytest.raises(ImportRefused) as refused:
            host.import_("things", {"name": "d", "kind": "y", "n": 4}, indent=layout)
        assert [p.code for p in refused.value.problems] == ["constraint"]


def test_a_set_that_breaks_a_check_is_not_called_valid(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    host = Host(new_database(), tmp_path, checked)
    host.import_("things", {"name": "a", **GOOD})
    folder = host.export()
    [path] = folder.glob("*_things.json")
    path.write_text(path.read_text().replace('"shut"', '"half"'))
    codes = {problem.code for problem in host.core.validate(folder)}
    assert "bad-value" in codes


def test_what_only_an_older_table_took_is_named_at_export(tmp_path: Path) -> None:
    host = Host(str(tmp_path / "a.db"), tmp_path, checked)
    host.import_("things", {"name": "a", **GOOD})
    with sqlite3.connect(tmp_path / "a.db") as db:
        db.execute("PRAGMA ignore_check_constraints = on")
        db.execute("UPDATE things SET state = 'half', price = 0")
    db.close()
    with pytest.raises(Exception, match="cannot be written") as refused:
        host.export()
    fields = {problem.field for problem in refused.value.problems}  # type: ignore[attr-defined]
    assert fields == {"state", "price"}
