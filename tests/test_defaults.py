"""What nobody gave is what an insert or an update through SQLAlchemy would have stored."""

from __future__ import annotations

import datetime
import itertools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    FetchedValue,
    Float,
    Integer,
    MetaData,
    Numeric,
    Sequence,
    String,
    func,
    text,
    true,
)
from support.own_tables import Host, table

from bakeio_core import Decision, Entity, ImportRefused, View, editable, key
from bakeio_core.history.journal import journal
from bakeio_core.history.journal.packing import known_checksums

NewHost = Callable[..., Host]


@pytest.fixture
def new_host(new_database: Callable[[], str], tmp_path: Path) -> NewHost:
    return lambda declare, views=(): Host(new_database(), tmp_path, declare, views)


def doubled(context: Any) -> int:
    """A default that looks at its row."""
    return int(context.get_current_parameters()["size"]) * 2


def things(metadata: MetaData) -> Iterable[Entity]:
    numbers = itertools.count(100)
    things = table(
        metadata,
        "things",
        Column("size", Integer, nullable=False, default=7),
        Column("state", String(9), nullable=False, server_default="new"),
        Column("is_open", Boolean, nullable=False, server_default=true()),
        Column("price", Numeric(10, 2), nullable=False, server_default=text("1.50")),
        Column("number", Integer, nullable=False, default=lambda: next(numbers)),
        Column("extra", JSON, nullable=False, default=dict),
        Column("twice", Integer, nullable=False, default=doubled),
        Column("word", String(9), nullable=False, default=func.lower("ABC")),
        Column("born", DateTime, nullable=False, server_default=func.now()),
        Column("maybe", Float, server_default="0.5"),
    )
    yield Entity(things, keys=["name"])


THING_VIEWS = [
    View(
        "things",
        "things",
        {n: (key if n == "name" else editable)(n) for n in ("name", "size", "is_open", "maybe")},
    )
]
MADE = "SELECT name, size, state, is_open, price, number, extra, twice, word, maybe FROM things"


def test_a_new_row_gets_every_default_whichever_way_it_is_written(new_host: NewHost) -> None:
    host = new_host(things, THING_VIEWS)
    assert host.import_("things", {"name": "a"}, {"name": "b", "size": 1, "word": "x"}).run
    host.import_("things", {"name": "c", "maybe": None, "state": "old"}, indent=2)
    found = {row[0]: row[1:] for row in host.sql(MADE)}
    number = {name: row[4] for name, row in found.items()}
    assert sorted(number.values()) == sorted(set(number.values()))
    assert min(number.values()) >= 100
    plain = {
        name: (*row[:3], float(row[3]), json.loads(row[5]) if row[5] == "{}" else row[5], *row[6:])
        for name, row in found.items()
    }
    assert plain == {
        "a": (7, "new", True, 1.5, {}, 14, "abc", 0.5),
        "b": (1, "new", True, 1.5, {}, 2, "x", 0.5),
        "c": (7, "old", True, 1.5, {}, 14, "abc", None),
    }
    assert host.sql("SELECT count(*) FROM things WHERE born IS NULL") == [(0,)]
    # an empty cell of a sheet is null too: in a view it says nothing that a row cannot do without
    empty = {"name": "d", "size": None, "is_open": "", "maybe": None}
    view = host.folder / "view.json"
    view.write_text(json.dumps({"view_name": "things", "records": [empty]}))
    assert host.import_file(view).summary["created"] == 1
    of_view = "SELECT size, is_open, maybe FROM things WHERE name = 'd'"
    assert host.sql(of_view) == [(7, True, None)]
    with pytest.raises(ImportRefused) as refused:
        host.import_("things", {"name": "e", "size": None})
    assert "size: is null, but a value is required" in str(refused.value.report.problems[0])


def test_what_was_made_is_there_for_a_second_import_and_for_undo(new_host: NewHost) -> None:
    host = new_host(things)
    records = [{"name": name} for name in "abc"]
    host.import_("things", *records)
    again = host.import_("things", *records)
    assert (again.summary["unchanged"], again.summary["updated"]) == (3, 0)
    assert host.import_file(host.export()).summary["unchanged"] == 3
    with host.engine.begin() as db:
        report = host.core.undo(db)
    assert (report.exit_code, host.sql(MADE)) == (0, [])


def test_defaults_hold_in_a_load_of_an_empty_table(new_host: NewHost) -> None:
    host = new_host(things)
    given = [
        {"id": n, "uuid": f"00000000-0000-4000-8000-{n:012}", "name": f"n{n}"} for n in range(1, 51)
    ]
    host.import_("things", *given)
    assert host.sql("SELECT count(*), min(twice), max(word) FROM things") == [(50, 14, "abc")]


def test_a_set_restores_values_and_not_defaults(new_host: NewHost) -> None:
    host, other = new_host(things), new_host(things)
    host.import_("things", {"name": "a"}, {"name": "b", "maybe": None})
    other.import_file(host.export())
    assert sorted(other.sql(MADE)) == sorted(host.sql(MADE))


def fails(metadata: MetaData) -> Iterable[Entity]:
    def broken() -> int:
        raise RuntimeError("no number today")

    def wrong() -> object:
        return object()

    def broken_by_row(context: Any) -> int:
        raise RuntimeError("not for this row")

    yield Entity(table(metadata, "early", Column("n", Integer, default=broken)), keys=["name"])
    yield Entity(table(metadata, "odd", Column("n", Integer, default=wrong)), keys=["name"])
    late = table(metadata, "late", Column("n", Integer, default=broken_by_row))
    yield Entity(late, keys=["name"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("early", "RuntimeError: no number today"),
        ("odd", "is not a whole number"),
        ("late", "RuntimeError: not for this row"),
    ],
)
def test_a_default_that_raises_is_named_with_its_column_and_plugin(
    new_host: NewHost, name: str, said: str
) -> None:
    host = new_host(fails)
    with pytest.raises(ImportRefused) as refused:
        host.import_(name, {"name": "a"}, {"name": "b", "n": 1})
    problem = refused.value.problems[0]
    assert (problem.code, problem.field, problem.records) == ("plugin-error", "n", [1])
    assert f"the default of {name}.n failed: " in problem.message
    assert said in problem.message
    assert "plugin Tables" in problem.message
    assert host.sql(f"SELECT * FROM {name}") == []
    report = host.import_(name, {"name": "a"}, {"name": "b", "n": 1}, skip_errors=True)
    assert (report.summary["created"], report.summary["errors"]) == (1, 1)


# -- keys
def test_an_omitted_part_of_a_key_is_its_default(new_host: NewHost) -> None:
    def declare(metadata: MetaData) -> Iterable[Entity]:
        lots = table(
            metadata,
            "lots",
            Column("code", String(9), nullable=False),
            Column("place", String(9), nullable=False, server_default="here"),
        )
        yield Entity(lots, keys=[("code", "place")])

    host = new_host(declare)
    first = host.import_("lots", {"code": "x"}, {"code": "y", "place": "there"})
    again = host.import_("lots", {"code": "x"}, {"code": "y", "place": "there"})
    assert (first.summary["created"], again.summary["created"]) == (2, 0)


def test_a_uuid_is_made_as_the_application_makes_it(new_host: NewHost) -> None:
    def declare(metadata: MetaData) -> Iterable[Entity]:
        numbers = itertools.count()
        cups = table(metadata, "cups")
        cups.c.uuid.default = Column(default=lambda: f"cup-{next(numbers)}").default
        yield Entity(cups, keys=["name"])

    host = new_host(declare)
    host.import_("cups", {"name": "a"}, {"name": "b"})
    assert all(uuid.startswith("cup-") for (uuid,) in host.sql("SELECT uuid FROM cups"))


# -- a row that a decision creates, a row of a view
def shelves(metadata: MetaData) -> Iterable[Entity]:
    from sqlalchemy import ForeignKey

    racks = table(
        metadata,
        "racks",
        Column("room", String(9), nullable=False, server_default="cellar"),
        Column("height", Integer, nullable=False, default=doubled),
        Column("size", Integer, nullable=False, default=4),
    )
    yield Entity(racks, keys=["name"])
    rack = Column("rack_id", ForeignKey("racks.id"), nullable=False)
    jars = table(metadata, "jars", rack, Column("lid", String(9), nullable=False, default="tin"))
    yield Entity(jars, keys=["name"], lookups={"rack_id": {"rack_name": "name"}})


SHELF_VIEWS = [
    View(
        name="jars",
        entity="jars",
        fields={"name": key("name"), "lid": editable("lid"), "rack": editable("rack_id.name")},
    )
]


def test_a_parent_that_is_created_asks_for_nothing_that_has_a_default(new_host: NewHost) -> None:
    host = new_host(shelves, SHELF_VIEWS)
    path = host.folder / "view.json"
    path.write_text(json.dumps({"view_name": "jars", "records": [{"name": "plum", "rack": "A"}]}))

    def create(missing: Any) -> Any:
        return {item: Decision.create(**item.key) for item in missing}

    with host.engine.begin() as db:
        report = host.core.apply(db, host.core.plan(db, path, resolve=create))
    assert report.created_entities == {"racks": [{"name": "A"}]}
    assert host.sql("SELECT name, room, height FROM racks") == [("A", "cellar", 8)]
    assert host.sql("SELECT name, lid FROM jars") == [("plum", "tin")]


# -- sequences and what only the database makes
def numbered(metadata: MetaData) -> Iterable[Entity]:
    yield Entity(
        table(
            metadata,
            "bills",
            Column("number", Integer, Sequence("bill_numbers", start=500), nullable=False),
        ),
        keys=["name"],
    )


def test_a_sequence_counts_on(new_postgresql: Callable[[], str], tmp_path: Path) -> None:
    host = Host(new_postgresql(), tmp_path, numbered)
    host.import_("bills", {"name": "a"}, {"name": "b"}, dry_run=True)
    assert host.sql("SELECT last_value, is_called FROM bill_numbers") == [(500, False)]
    host.import_("bills", {"name": "a"}, {"name": "b"}, {"name": "c", "number": 3})
    assert host.sql("SELECT name, number FROM bills ORDER BY 1") == [
        ("a", 500),
        ("b", 501),
        ("c", 3),
    ]


def test_a_primary_key_by_a_sequence_of_its_own_counts_on_after_an_import(
    new_postgresql: Callable[[], str], tmp_path: Path
) -> None:
    def declare(metadata: MetaData) -> Iterable[Entity]:
        cups = table(metadata, "cups")
        cups.c.id.default = None
        Sequence("cup_ids", metadata=metadata)._set_parent(cups.c.id)
        yield Entity(cups, keys=["name"])

    host = Host(new_postgresql(), tmp_path, declare)
    host.import_("cups", {"name": "a"}, {"name": "b"})
    with host.engine.begin() as db:
        db.execute(host.core.catalog.entities["cups"].table.insert().values(uuid="u", name="c"))
    assert host.sql("SELECT id FROM cups ORDER BY id") == [(1,), (2,), (3,)]


def test_a_column_that_a_trigger_fills_is_left_to_it(new_host: NewHost) -> None:
    def declare(metadata: MetaData) -> Iterable[Entity]:
        yield Entity(
            table(metadata, "cups", Column("mark", String(9), server_default=FetchedValue())),
            keys=["name"],
        )

    host = new_host(declare)
    if host.engine.dialect.name == "postgresql":
        host.sql(
            "CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN NEW.mark = NEW.name || ''!''; RETURN NEW; END'"
        )
        host.sql("CREATE TRIGGER m BEFORE INSERT ON cups FOR EACH ROW EXECUTE FUNCTION mark()")
    else:
        host.sql(
            "CREATE TRIGGER m AFTER INSERT ON cups BEGIN "
            "UPDATE cups SET mark = NEW.name || '!' WHERE id = NEW.id; END"
        )
    host.import_("cups", {"name": "a"})
    assert host.sql("SELECT mark FROM cups") == [("a!",)]
    with host.engine.begin() as db:
        assert host.core.undo(db).exit_code == 0


# -- stamps, and what an update sets
def test_stamps_are_stamps_only_where_they_hold_instants(new_host: NewHost) -> None:
    def declare(metadata: MetaData) -> Iterable[Entity]:
        created, updated = Column("created_at", Integer), Column("updated_at", String(9))
        yield Entity(table(metadata, "cups", created, updated), keys=["name"])

    host = new_host(declare)
    host.import_("cups", {"name": "a", "created_at": 5}, {"name": "b"})
    assert host.sql("SELECT name, created_at, updated_at FROM cups ORDER BY 1") == [
        ("a", 5, None),
        ("b", None, None),
    ]
    host.import_("cups", {"name": "a", "created_at": 6, "updated_at": "today"})
    assert host.sql("SELECT created_at, updated_at FROM cups WHERE name = 'a'") == [(6, "today")]
    with host.engine.begin() as db:
        host.core.undo(db)
    assert host.sql("SELECT created_at, updated_at FROM cups WHERE name = 'a'") == [(5, None)]


def touched(metadata: MetaData) -> Iterable[Entity]:
    moments = map(datetime.datetime(2030, 1, 1).replace, itertools.count(2031))
    yield Entity(
        table(
            metadata,
            "cups",
            Column("size", Integer),
            Column("modified", DateTime, onupdate=lambda: next(moments)),
            Column("version", Integer, nullable=False, default=1, onupdate=text("version + 1")),
        ),
        keys=["name"],
    )


CUP_VIEWS = [
    View(
        name="cups",
        entity="cups",
        fields={"name": key("name"), "size": editable("size"), "modified": editable("modified")},
    )
]
CUPS = "SELECT name, size, version, modified IS NULL FROM cups ORDER BY name"


def test_an_update_sets_what_the_application_sets_and_an_unchanged_import_does_not(
    new_host: NewHost,
) -> None:
    host = new_host(touched)
    host.import_("cups", {"name": "a", "size": 1}, {"name": "b", "size": 1})
    before = host.sql("SELECT * FROM cups ORDER BY id")
    folder = host.export()
    host.import_("cups", {"name": "a", "size": 2}, {"name": "b", "size": 1})
    assert host.sql(CUPS) == [("a", 2, 2, False), ("b", 1, 1, True)]
    again = host.import_("cups", {"name": "a", "size": 2}, {"name": "b", "size": 1})
    assert again.summary["updated"] == 0
    assert host.sql(CUPS) == [("a", 2, 2, False), ("b", 1, 1, True)]
    with host.engine.begin() as db:
        assert host.core.undo(db, 2).exit_code == 0
    assert host.sql("SELECT * FROM cups ORDER BY id") == before
    assert host.import_file(folder).summary["updated"] == 0


@pytest.mark.parametrize("is_earlier_journal", [False, True])
def test_an_undo_takes_back_new_rows_that_were_only_touched(
    new_host: NewHost, monkeypatch: pytest.MonkeyPatch, *, is_earlier_journal: bool
) -> None:
    if is_earlier_journal:  # of rows as they were created it has other sums
        monkeypatch.setattr(journal, "checksums", lambda *rows: known_checksums(*rows)[-1])
    host = new_host(touched)
    host.import_("cups", *({"name": name, "size": 1} for name in "abc"))
    if not is_earlier_journal:
        host.sql("UPDATE cups SET version = 5 WHERE name = 'a'")
    host.sql("UPDATE cups SET size = 2 WHERE name = 'b'")
    with host.engine.begin() as db:
        undone = host.core.undo(db, 1)
    assert (undone.summary["deleted"], undone.summary["skipped"]) == (2, 1)
    assert host.sql("SELECT name FROM cups") == [("b",)]


def test_what_the_application_set_is_no_conflict_later(new_host: NewHost) -> None:
    host = new_host(touched, CUP_VIEWS)
    host.import_("cups", {"name": "a", "size": 1}, {"name": "b", "size": 1})
    path = host.folder / "view.json"
    with host.engine.begin() as db:
        host.core.export_view(db, "cups", path)
    document = json.loads(path.read_text())
    for size in (2, 3):
        document["records"][0]["size"] = size
        path.write_text(json.dumps(document))
        assert host.import_file(path).summary["updated"] == 1
        assert host.import_file(path).summary["updated"] == 0
    assert host.sql(CUPS) == [("a", 3, 3, False), ("b", 1, 1, True)]


def test_undo_keeps_what_was_touched_since_touched(new_host: NewHost) -> None:
    host = new_host(touched)
    host.import_("cups", {"name": "a", "size": 1})
    host.import_("cups", {"name": "a", "size": 2})
    host.sql("UPDATE cups SET version = 9 WHERE name = 'a'")
    with host.engine.begin() as db:
        assert host.core.undo(db).exit_code == 0
    assert host.sql(CUPS) == [("a", 1, 10, False)]


def test_a_row_linked_at_the_end_is_touched_once_and_a_new_one_is_not(new_host: NewHost) -> None:
    from sqlalchemy import ForeignKey

    def declare(metadata: MetaData) -> Iterable[Entity]:
        cups = table(
            metadata,
            "cups",
            Column("next_id", ForeignKey("cups.id")),
            Column("updated_at", DateTime),
            Column("version", Integer, nullable=False, default=1, onupdate=text("version + 1")),
        )
        yield Entity(cups, keys=["name"], lookups={"next_id": {"next": "name"}})

    host = new_host(declare)
    host.import_("cups", {"name": "a", "updated_at": "2020-01-01T00:00:00Z"})
    before = host.sql("SELECT * FROM cups")
    host.import_("cups", {"name": "a", "next": "z"}, {"name": "b", "next": "z"}, {"name": "z"})
    assert host.sql("SELECT name, next_id, version FROM cups ORDER BY name") == [
        ("a", 3, 2),
        ("b", 3, 1),
        ("z", None, 1),
    ]
    assert host.sql("SELECT count(*) FROM cups WHERE updated_at < '2021-01-01'") == [(0,)]
    with host.engine.begin() as db:
        assert host.core.undo(db).exit_code == 0
    assert host.sql("SELECT * FROM cups") == before
