"""A part of a database is whole: what refers to what is left out goes with it, what is referred to
comes along, and the set imports anywhere.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    insert,
    select,
)
from support.commands import Run
from support.plugins import install

from bakeio_core import Bakeio, Entity, connect, hookimpl

SINCE, UNTIL = date(2025, 6, 1), date(2025, 5, 31)


def key() -> list[Column[Any]]:
    return [Column("id", Integer, primary_key=True), Column("slug", String(20), unique=True)]


class Catering:
    """Events and what belongs to them."""

    @hookimpl
    def bakeio_entities(self, metadata: MetaData) -> list[Entity]:
        def made(name: str, *columns: Column[Any], **said: Any) -> Entity:
            return Entity(Table(name, metadata, *key(), *columns), keys=["slug"], **said)

        def to(column: str, target: str, required: bool = True) -> Column[Any]:
            return Column(column, Integer, ForeignKey(f"{target}.id"), nullable=not required)

        return [
            made("halls", to("last_event_id", "events", required=False)),
            made(
                "events", Column("held_on", Date), to("after_id", "events", False), date="held_on"
            ),
            made("guests", to("event_id", "events")),
            made("dishes", to("guest_id", "guests")),
            made("photos", to("event_id", "events", False), date="event_id.held_on"),
        ]


ROWS: dict[str, list[tuple[Any, ...]]] = {
    "events": [
        (1, "first", date(2025, 1, 1), None),
        (2, "second", date(2025, 2, 1), 1),
        (3, "third", date(2025, 7, 1), 2),
        (4, "fourth", date(2025, 3, 1), None),
        (5, "undated", None, None),
    ],
    "halls": [(1, "big", 4), (2, "small", None)],
    "guests": [(1, "of_first", 1), (2, "of_third", 3), (3, "of_undated", 5)],
    "dishes": [(1, "of_guest_1", 1), (2, "of_guest_2", 2)],
    "photos": [(1, "of_second", 2), (2, "of_third", 3), (3, "of_none", None)],
}


@pytest.fixture
def catering() -> Bakeio:
    return Bakeio.discover(block=["bakeio"], plugins=[Catering()])


def filled(bakeio: Bakeio, url: str, rows: Mapping[str, list[tuple[Any, ...]]]) -> str:
    engine = connect(url)
    with engine.begin() as db:
        bakeio.create_tables(db)
        for name in bakeio.catalog.entities:
            table = bakeio.catalog.entities[name].table
            for row in rows.get(name, ()):
                db.execute(insert(table).values(list(row)))
    engine.dispose()
    return url


@dataclass
class Stored:
    """What a database holds, and what imports into it did."""

    bakeio: Bakeio
    url: str

    def rows(self) -> dict[str, set[tuple[Any, ...]]]:
        engine = connect(self.url)
        with engine.connect() as db:
            tables = {name: entity.table for name, entity in self.bakeio.catalog.entities.items()}
            found = {
                name: {tuple(row) for row in db.execute(select(t))} for name, t in tables.items()
            }
        engine.dispose()
        return found

    def export(self, folder: Path, **part: Any) -> dict[str, Any]:
        engine = connect(self.url)
        with engine.connect() as db:
            self.bakeio.export_complete(db, folder, **part)
        engine.dispose()
        assert list(self.bakeio.validate(folder)) == []
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
        return manifest

    def take(self, folder: Path) -> dict[str, int]:
        engine = connect(self.url)
        with engine.begin() as db:
            self.bakeio.create_tables(db)
            report = self.bakeio.import_complete(db, folder)
        engine.dispose()
        assert report.exit_code == 0
        assert [p for p in report.problems if p.severity == "error"] == []
        return dict(report.summary)


@pytest.fixture
def stored(catering: Bakeio, new_database: Callable[[], str]) -> Stored:
    return Stored(catering, filled(catering, new_database(), ROWS))


@pytest.fixture
def restored(catering: Bakeio, new_database: Callable[[], str]) -> Stored:
    return Stored(catering, new_database())


def slugs(rows: Mapping[str, set[tuple[Any, ...]]]) -> dict[str, list[str]]:
    return {name: sorted(row[1] for row in found) for name, found in rows.items() if found}


def test_a_range_of_days_has_its_rows_what_belongs_to_them_and_what_those_refer_to(
    stored: Stored, restored: Stored, tmp_path: Path
) -> None:
    manifest = stored.export(tmp_path / "late", since=SINCE)
    restored.take(tmp_path / "late")
    assert slugs(restored.rows()) == {
        "halls": ["big", "small"],
        "events": ["first", "fourth", "second", "third"],  # after one another; last of a hall
        "guests": ["of_third"],
        "dishes": ["of_guest_2"],
        "photos": ["of_third"],
    }
    assert all(rows <= stored.rows()[name] for name, rows in restored.rows().items())
    assert manifest["omitted_records"] == {"events": 1, "guests": 2, "dishes": 1, "photos": 2}
    summary = stored.take(tmp_path / "late")
    assert (summary["created"], summary["updated"]) == (0, 0)


def test_two_halves_are_everything(stored: Stored, restored: Stored, tmp_path: Path) -> None:
    early, late = tmp_path / "early", tmp_path / "late"
    stored.export(early, until=UNTIL)
    stored.export(late, since=SINCE)
    restored.take(late)
    restored.take(early)
    assert restored.rows() == stored.rows()


def test_without_transactional_entities_no_reference_leads_to_them(
    stored: Stored, restored: Stored, tmp_path: Path
) -> None:
    manifest = stored.export(tmp_path / "set", transactional=False)
    assert manifest["omitted_entities"] == ["events", "photos", "guests", "dishes"]
    assert manifest["omitted_references"] == [
        {"entity": "halls", "field": "last_event_id", "rows": 1}
    ]
    restored.take(tmp_path / "set")
    assert restored.rows()["halls"] == {(1, "big", None), (2, "small", None)}
    before = stored.rows()
    summary = stored.take(tmp_path / "set")
    assert (summary["created"], summary["updated"]) == (0, 0)
    assert stored.rows() == before


@pytest.mark.parametrize("part", [{"transactional": False}, {"since": SINCE}, {"until": UNTIL}])
def test_a_part_is_proved(catering: Bakeio, tmp_path: Path, part: dict[str, Any]) -> None:
    url = filled(catering, str(tmp_path / "a.db"), ROWS)
    manifest = Stored(catering, url).export(tmp_path / "set", prove=True, **part)
    assert manifest["proof"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("held_on", None),
        ("slug.held_on", 'date names "slug.held_on", but slug is not a foreign key of events'),
        ("after_id.on", 'date names "after_id.on", but on is not a column of events'),
    ],
)
def test_a_wrong_path_to_a_date_is_told_when_the_plugin_is_loaded(
    path: str, said: str | None
) -> None:
    class Events:
        @hookimpl
        def bakeio_entities(self, metadata: MetaData) -> Entity:
            after = Column("after_id", Integer, ForeignKey("events.id"))
            table = Table("events", metadata, *key(), Column("held_on", Date), after)
            return Entity(table, keys=["slug"], date=path)

    catalog = Bakeio.discover(block=["bakeio"], plugins=[Events()]).catalog
    assert catalog.disabled == ({"events": said} if said else {})


HOST = """
from bakeio_core import Entity, hookimpl
from sqlalchemy import Column, Date, ForeignKey, Integer, String, Table

@hookimpl
def bakeio_entities(metadata):
    def table(name, *columns):
        number = Column("id", Integer, primary_key=True)
        return Table(name, metadata, number, Column("slug", String(9), unique=True), *columns)
    events = table("events", Column("held_on", Date))
    halls = table("halls", Column("event_id", Integer, ForeignKey("events.id")))
    return [Entity(events, keys=["slug"], date="held_on"), Entity(halls, keys=["slug"])]

@hookimpl
def bakeio_sample():
    return {"events": [{"slug": "old", "held_on": "2024-01-01"}, {"slug": "new",
        "held_on": "2026-01-01"}], "halls": [{"slug": "big", "event_slug": "new"}]}
"""


def test_the_command_says_what_is_left_out(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", monkeypatch, "catering", HOST)
    monkeypatch.chdir(tmp_path)
    Path("bakeio.toml").write_text('use = ["catering"]', "utf-8")
    assert run("init", "--sample").code == 0
    late = run("export-complete", "-o", "late", "--since", "2025-01-01")
    assert "  left out of events: 1 record outside these days" in late.out
    less = run("export-complete", "-o", "less", "--no-transactional")
    assert "  left out: events" in less.out
    assert "  left out of halls: event_id, which names something in 1 row" in less.out
    data = run("export-complete", "-o", "again", "--no-transactional", "--json").json
    assert data["omitted_references"] == [{"entity": "halls", "field": "event_id", "rows": 1}]


# -- keys of every kind
class Orders:
    """Orders known by a code, lines by two columns, and runs that refer to each other."""

    @hookimpl
    def bakeio_entities(self, metadata: MetaData) -> list[Entity]:
        orders = Table(
            "orders",
            metadata,
            Column("code", String(9), primary_key=True),
            Column("day", Date),
        )
        lines = Table(
            "lines",
            metadata,
            Column("order_code", String(9), ForeignKey("orders.code"), primary_key=True),
            Column("line", Integer, primary_key=True),
        )
        remarks = Table(
            "remarks",
            metadata,
            *key(),
            Column("order_code", String(9)),
            Column("line", Integer),
            ForeignKeyConstraint(["order_code", "line"], ["lines.order_code", "lines.line"]),
        )
        runs = Table(
            "runs",
            metadata,
            *key(),
            Column("day", Date),
            Column("snapshot_id", Integer, ForeignKey("snapshots.id")),
        )
        snapshots = Table(
            "snapshots",
            metadata,
            *key(),
            Column("day", Date),
            Column("run_id", Integer, ForeignKey("runs.id")),
        )
        return [
            Entity(orders, date="day"),
            Entity(lines),
            Entity(remarks, keys=["slug"]),
            Entity(runs, keys=["slug"], date="day"),
            Entity(snapshots, keys=["slug"], date="day"),
        ]


ORDERS: dict[str, list[tuple[Any, ...]]] = {
    "orders": [("a/1", date(2025, 1, 1)), ("b", date(2025, 7, 1)), ("c", date(2025, 2, 1))],
    "lines": [("a/1", 1), ("b", 1), ("b", 2), ("c", 1)],
    "remarks": [(1, "on_a", "a/1", 1), (2, "on_none", None, None), (3, "on_b", "b", 2)],
    "snapshots": [(1, "s1", date(2025, 7, 1), None), (2, "s2", date(2025, 1, 1), None)],
    "runs": [(1, "r1", date(2025, 1, 2), None), (2, "r2", date(2025, 1, 3), None)],
}


@pytest.mark.parametrize(
    ("part", "kept"),
    [
        (
            {"since": SINCE},
            {  # a remark that may be alone has no date of its own: all of them are there
                "orders": ["a/1", "b"],
                "lines": ["a/1", "b", "b"],
                "remarks": ["on_a", "on_b", "on_none"],
                "snapshots": ["s1", "s2"],  # s1 is of r1, which is of s2, which is of r2
                "runs": ["r1", "r2"],
            },
        ),
        ({"transactional": False}, {"remarks": ["on_a", "on_b", "on_none"]}),
    ],
)
def test_a_part_is_whole_whatever_its_keys_are(
    new_database: Callable[[], str], tmp_path: Path, part: dict[str, Any], kept: dict[str, Any]
) -> None:
    bakeio = Bakeio.discover(block=["bakeio"], plugins=[Orders()])
    home = Stored(bakeio, filled(bakeio, new_database(), ORDERS))
    engine = connect(home.url)
    with engine.begin() as db:
        db.exec_driver_sql("UPDATE snapshots SET run_id = id")
        db.exec_driver_sql("UPDATE runs SET snapshot_id = 2 WHERE id = 1")
    engine.dispose()
    home.export(tmp_path / "set", **part)
    there = Stored(bakeio, new_database())
    there.take(tmp_path / "set")
    named = {
        name: sorted(row[0 if name in ("orders", "lines") else 1] for row in rows)
        for name, rows in there.rows().items()
        if rows
    }
    assert named == kept
    before = home.rows()
    summary = home.take(tmp_path / "set")
    assert (summary["created"], summary["updated"]) == (0, 0)
    assert home.rows() == before


# -- any host, any rows
@dataclass(frozen=True)
class Told:
    """One entity of a random host.

    Attributes:
        refs: {column: (target, required)}.
        date: its path to a date, empty for none.
        rows: [[a day or none], [an index of the target's rows or none, of each reference]].
    """

    name: str
    refs: Mapping[str, tuple[str, bool]]
    date: str
    rows: list[tuple[date | None, tuple[int | None, ...]]]


@st.composite
def hosts(draw: st.DrawFn) -> list[Told]:
    told: list[Told] = []
    for name in ["a", "b", "c", "d"][: draw(st.integers(2, 4))]:
        targets = draw(st.lists(st.sampled_from([*(each.name for each in told), name]), max_size=2))
        has_rows = {each.name: len(each.rows) for each in told}
        refs = {
            f"r{place}_id": (
                target,
                target != name and bool(has_rows[target]) and draw(st.booleans()),
            )
            for place, target in enumerate(targets)
        }
        through = [f"{column}.day" for column, (target, _) in refs.items()]
        path = draw(st.sampled_from(["", "day", *through]))
        count = draw(st.integers(0, 4))
        days = st.one_of(st.none(), st.dates(date(2025, 1, 1), date(2025, 12, 31)))
        rows = []
        for place in range(count):
            linked = []
            for target, required in refs.values():
                most = place if target == name else has_rows[target]
                one = st.integers(0, most - 1) if most else st.none()
                linked.append(draw(one if required else st.one_of(st.none(), one)))
            rows.append((draw(days), tuple(linked)))
        told.append(Told(name, refs, path, rows))
    return told


class Host:
    """The plugin of a random host."""

    def __init__(self, told: list[Told]) -> None:
        self.told = told

    @hookimpl
    def bakeio_entities(self, metadata: MetaData) -> Iterator[Entity]:
        for each in self.told:
            links = [
                Column(column, Integer, ForeignKey(f"{target}.id"), nullable=not required)
                for column, (target, required) in each.refs.items()
            ]
            table = Table(each.name, metadata, *key(), Column("day", Date), *links)
            yield Entity(table, keys=["slug"], date=each.date or None)


def rows_of_host(told: list[Told]) -> dict[str, list[tuple[Any, ...]]]:
    return {
        each.name: [
            (n + 1, f"{each.name}{n}", day, *(None if to is None else to + 1 for to in links))
            for n, (day, links) in enumerate(each.rows)
        ]
        for each in told
    }


def expected(told: list[Told], since: date | None, until: date | None) -> dict[str, set[int]]:
    """The places of the rows a range must hold, found row by row."""
    by_name, paths = {each.name: each for each in told}, {}
    for each in told:  # parents come first
        required = [
            (column, target)
            for column, (target, needs) in each.refs.items()
            if needs and target in paths
        ]
        if each.date:
            paths[each.name] = each.date
        elif required:
            paths[each.name] = f"{required[0][0]}.{paths[required[0][1]]}"

    def day(name: str, place: int, path: str) -> date | None:
        step, _, rest = path.partition(".")
        if not rest:
            return by_name[name].rows[place][0]
        index = list(by_name[name].refs).index(step)
        to = by_name[name].rows[place][1][index]
        return None if to is None else day(by_name[name].refs[step][0], to, rest)

    def inside(name: str, place: int) -> bool:
        if name not in paths:
            return True
        when = day(name, place, paths[name])
        if when is None:
            return since is None
        return (since is None or when >= since) and (until is None or when <= until)

    ahead = [(e.name, n) for e in told for n in range(len(e.rows)) if inside(e.name, n)]
    kept: dict[str, set[int]] = {each.name: set() for each in told}
    while ahead:
        name, place = ahead.pop()
        if place in kept[name]:
            continue
        kept[name].add(place)
        targets = [target for target, _ in by_name[name].refs.values()]
        links = by_name[name].rows[place][1]
        ahead += [(t, to) for t, to in zip(targets, links, strict=True) if to is not None]
    return kept


RANGES = st.sampled_from([{"since": SINCE}, {"until": UNTIL}, {"since": UNTIL, "until": SINCE}])


@settings(max_examples=13, deadline=None)
@given(hosts(), RANGES, st.booleans())
def test_every_part_of_every_host_imports_anywhere_and_changes_nothing_at_home(
    told: list[Told], days: dict[str, date], is_range: bool
) -> None:
    bakeio = Bakeio.discover(block=["bakeio"], plugins=[Host(told)])
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        home = Stored(bakeio, filled(bakeio, str(work / "home.db"), rows_of_host(told)))
        before, part = home.rows(), days if is_range else {"transactional": False}
        manifest = home.export(work / "set", **part)
        there = Stored(bakeio, str(work / "new.db"))
        there.take(work / "set")
        if is_range:
            places = expected(told, days.get("since"), days.get("until"))
            wanted = {n: {place + 1 for place in places[n]} for n in places}
            assert {n: {row[0] for row in rows} for n, rows in there.rows().items()} == wanted
            assert all(rows <= before[name] for name, rows in there.rows().items())
        else:
            gone = manifest["omitted_entities"]
            assert all(bool(there.rows()[n]) <= (n not in gone) for n in there.rows())
            assert {n: len(rows) for n, rows in there.rows().items() if n not in gone} == {
                n: len(rows) for n, rows in before.items() if n not in gone
            }
        summary = home.take(work / "set")
        assert (summary["created"], summary["updated"]) == (0, 0)
        assert home.rows() == before
