"""Whatever a database holds, it comes back: hypothesis makes the databases."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    select,
)
from support.files import set_contents

from bakeio_core import Bakeio, Entity, connect, hookimpl, identity_columns, stamp_columns
from bakeio_core.database.connect import begin_read, begin_write


class Shelves:
    """An entity with every kind of column, a nullable reference to itself and one to another
    entity.
    """

    @staticmethod
    @hookimpl
    def bakeio_entities(metadata: MetaData) -> list[Entity]:
        rooms = Table(
            "rooms",
            metadata,
            *identity_columns(),
            Column("slug", String(200), nullable=False, unique=True, index=True),
            *stamp_columns(),
        )
        shelves = Table(
            "shelves",
            metadata,
            *identity_columns(),
            Column("slug", String(200), nullable=False, unique=True, index=True),
            Column("parent_id", Integer, ForeignKey("shelves.id")),
            Column("room_id", Integer, ForeignKey("rooms.id")),
            Column("title", Text),
            Column("amount", Numeric(10, 3)),
            Column("price", Numeric(10, 4)),
            Column("tiny", Numeric(14, 8)),
            Column("wide", Numeric(24, 6)),
            Column("day", Date),
            Column("moment", DateTime(timezone=True)),
            Column("open", Boolean),
            *stamp_columns(),
            sqlite_autoincrement=True,
        )
        return [Entity(rooms, keys=["slug"]), Entity(shelves, keys=["slug"])]


# What both databases can hold: no NUL, no lone surrogates.
# Composed and decomposed forms stay apart.
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30
) | st.sampled_from(
    [
        "",
        "é",
        "e\u0301",
        "a-b",
        "a_b",
        "\u2028",
        '"quoted":',
        "\\u0000 not",
        "\t\r\n",
        "‘’“”",
        "\x7f\x1b[31m",
        "{},\n{",
    ]
)
named = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30
)
slugs = st.lists(
    named | st.sampled_from(["é", "e\u0301", "a-b", "a_b", "A_B", "\u2028"]),
    unique=True,
    max_size=12,
)


def decimals(digits: int, scale: int) -> st.SearchStrategy[Decimal | None]:
    most = 10**digits - 1
    return (
        st.none()
        | st.integers(-most, most).map(lambda n: Decimal(n).scaleb(-scale))
        | st.sampled_from([Decimal(0), Decimal(1).scaleb(-scale)])
    )


days = st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31))
stamps = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(
    lambda d: d.replace(tzinfo=timezone.utc)
)
moments = st.none() | stamps


@st.composite
def shelf_rows(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rooms = [
        {"id": n, "uuid": str(uuid.UUID(int=n)), "slug": slug}
        for n, slug in enumerate(draw(slugs), 1)
    ]
    ids = itertools.accumulate(draw(st.lists(st.integers(1, 10**6), min_size=12, max_size=12)))
    shelves: list[dict[str, Any]] = []
    names = draw(slugs)
    chosen = list(itertools.islice(ids, len(names)))
    for identity, slug in zip(chosen, names, strict=True):
        shelves.append({
            "id": identity, "uuid": str(uuid.UUID(int=2**64 + identity)), "slug": slug,
            "parent_id": draw(st.none() | st.sampled_from(chosen)),
            "room_id": draw(st.none() | st.sampled_from([r["id"] for r in rooms] or [None])),
            "title": draw(st.none() | texts), "amount": draw(decimals(10, 3)),
            "price": draw(decimals(10, 4)), "tiny": draw(decimals(14, 8)),
            "wide": draw(decimals(15, 6)), "day": draw(days), "moment": draw(moments),
            "open": draw(st.none() | st.booleans()),
            "created_at": draw(stamps), "updated_at": draw(stamps),
        })  # fmt: skip
    return rooms, shelves


def fill(
    url: str, core: Bakeio, rooms: list[dict[str, Any]], shelves: list[dict[str, Any]]
) -> None:
    engine, tables = connect(url), core.catalog.metadata.tables
    with begin_write(engine) as db:
        core.create_tables(db)
        if rooms:
            db.execute(tables["rooms"].insert(), rooms)
        if shelves:
            db.execute(tables["shelves"].insert(), [row | {"parent_id": None} for row in shelves])
        for row in shelves:
            if row["parent_id"]:
                db.execute(
                    tables["shelves"]
                    .update()
                    .where(tables["shelves"].c.id == row["id"])
                    .values(parent_id=row["parent_id"])
                )
    engine.dispose()


def rows_in(url: str, core: Bakeio) -> list[list[tuple[Any, ...]]]:
    engine, tables = connect(url), core.catalog.metadata.tables
    with begin_read(engine) as db:
        found = []
        for name in ("rooms", "shelves"):
            rows = db.execute(select(tables[name]).order_by(tables[name].c.id)).all()
            found.append(
                [
                    tuple(c.replace(tzinfo=None) if isinstance(c, datetime) else c for c in row)
                    for row in rows
                ]
            )
    engine.dispose()
    return found


def carry(core: Bakeio, source: str, target: str, folder: Path) -> dict[str, bytes]:
    engine, other = connect(source), connect(target)
    with begin_read(engine) as db:
        core.export_complete(db, folder)
    with begin_write(other) as db:
        core.create_tables(db)
        core.import_complete(db, folder)
    with begin_write(other) as db:
        again = core.import_complete(db, folder)
    assert (again.summary["created"], again.summary["updated"]) == (0, 0)
    engine.dispose()
    other.dispose()
    return set_contents(folder, "01_rooms.json", "02_shelves.json")


@pytest.fixture(scope="module")
def shelves_core() -> Bakeio:
    plugins = ("suppliers", "ingredients", "products", "purchases", "inventory", "sample")
    return Bakeio.discover(block=plugins, plugins=[Shelves])


numbers = itertools.count()


@settings(
    max_examples=9,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=shelf_rows())
def test_any_sqlite_database_comes_back_the_same(
    rows: Any, shelves_core: Bakeio, tmp_path: Path
) -> None:
    home = tmp_path / str(next(numbers))
    home.mkdir()
    fill(str(home / "a.db"), shelves_core, *rows)
    one = carry(shelves_core, str(home / "a.db"), str(home / "b.db"), home / "one")
    two = carry(shelves_core, str(home / "b.db"), str(home / "c.db"), home / "two")
    assert one == two
    assert (
        rows_in(str(home / "a.db"), shelves_core)
        == rows_in(str(home / "b.db"), shelves_core)
        == rows_in(str(home / "c.db"), shelves_core)
    )


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=shelf_rows())
def test_any_database_survives_sqlite_to_postgresql_to_sqlite(
    rows: Any, shelves_core: Bakeio, tmp_path: Path, new_postgresql: Callable[[], str]
) -> None:
    home, url = tmp_path / str(next(numbers)), new_postgresql()
    home.mkdir()
    fill(str(home / "a.db"), shelves_core, *rows)
    one = carry(shelves_core, str(home / "a.db"), url, home / "one")
    two = carry(shelves_core, url, str(home / "c.db"), home / "two")
    assert one == two
    assert (
        rows_in(str(home / "a.db"), shelves_core)
        == rows_in(url, shelves_core)
        == rows_in(str(home / "c.db"), shelves_core)
    )
