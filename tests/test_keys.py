"""Rows keyed by a text, a uuid, several columns, another row; references to them; cycles."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Date,
    DateTime,
    Engine,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Uuid,
    insert,
    select,
    update,
)
from support.hosts import guest
from support.keyed_tables import (
    BAKERS,
    BOXES,
    BUNDLED,
    FIRST,
    ITEM_TAGS,
    ITEMS,
    LINES,
    NEW_YEAR,
    NOTES,
    PEOPLE,
    RUNS,
    SHIFTS,
    SNAPSHOTS,
    TAGS,
    THIRD,
    UNITS,
    contents,
    fill,
    fill_with_others,
    keyed_bakeio,
    made,
)

from bakeio_core import (
    Bakeio,
    Entity,
    ImportRefused,
    View,
    connect,
    editable,
    hookimpl,
    readonly,
)

NewDatabase = Callable[[], str]
BAKEIO = keyed_bakeio()


@pytest.fixture
def source(new_database: NewDatabase) -> Engine:
    """A database with rows of every kind."""
    engine = made(new_database())
    with engine.begin() as db:
        fill(db)
    return engine


@pytest.fixture
def exported(source: Engine, tmp_path: Path) -> Path:
    """A set of them."""
    with source.begin() as db:
        BAKEIO.export_complete(db, tmp_path / "set")
    return tmp_path / "set"


def imported(engine: Engine, path: Path, **options: Any) -> Any:
    with engine.begin() as db:
        return BAKEIO.import_(db, path, **options)


def counts(report: Any) -> dict[str, int]:
    return {name: count for name, count in report.summary.items() if count}


def test_every_table_is_read_as_it_is() -> None:
    assert BAKEIO.broken() == []
    assert len(BAKEIO.catalog.entities) == 14


def test_rows_of_every_key_restore_and_a_second_import_changes_nothing(
    source: Engine, exported: Path, new_database: NewDatabase
) -> None:
    empty = made(new_database())
    assert list(BAKEIO.validate(exported)) == []
    dry = imported(empty, exported, dry_run=True)
    assert contents(empty) == {name: [] for name in contents(source)}
    report = imported(empty, exported)
    assert (report.exit_code, counts(report)) == (0, {"processed": 28, "created": 28})
    assert dry.summary == report.summary
    assert contents(empty) == contents(source)
    for engine in (empty, source):
        assert counts(imported(engine, exported)) == {"processed": 28, "unchanged": 28}
    with empty.begin() as db:
        assert BAKEIO.undo(db).exit_code == 0
    assert contents(empty) == {name: [] for name in contents(source)}


def test_rows_keyed_by_instants_or_decimals_are_those_of_any_other_key(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    moments = [datetime(2026, 1, 1), datetime(2026, 1, 1, 12, 30, 5, 123456), datetime(1999, 1, 1)]
    keys = list(zip(moments, map(Decimal, ("1.500", "2", "-0.125")), strict=True))
    tables, price = MetaData(), Numeric(10, 3)
    one = Table("one", tables, Column("k", DateTime, primary_key=True), Column("note", String(9)))
    two = Table(
        *("two", tables, Column("k", price, primary_key=True)),
        Column("n", Integer, primary_key=True),
    )
    three = Table("three", tables, Column("k", price, primary_key=True))
    refs = Table(
        *("refs", tables, Column("id", Integer, primary_key=True), Column("two_n", Integer)),
        *(Column("one_k", ForeignKey("one.k")), Column("three_k", ForeignKey("three.k"))),
        *(Column("two_k", price), ForeignKeyConstraint(["two_k", "two_n"], ["two.k", "two.n"])),
        Column("name", String(9), unique=True),
    )
    view = View("ones", "one", {"k": readonly("k"), "note": editable("note")})
    core = guest(*map(Entity, (one, two, three)), Entity(refs, keys=["name"]), views=[view])
    home, other = connect(new_database()), connect(new_database())
    everything = [select(t).order_by(*t.primary_key) for t in (one, two, three, refs)]

    def held(engine: Engine) -> list[Any]:
        with engine.begin() as db:
            return [db.execute(query).all() for query in everything]

    def take(engine: Engine, path: Path, **options: Any) -> dict[str, int]:
        with engine.begin() as db:
            return counts(core.import_(db, path, **options))

    for engine in (home, other):
        with engine.begin() as db:
            core.create_tables(db)
    with home.begin() as db:
        for number, (moment, value) in enumerate(keys, -1):  # ids that no counter gives stay too
            db.execute(insert(one).values(k=moment, note="n"))
            db.execute(insert(two), [{"k": value, "n": 1}, {"k": value, "n": 2}])
            db.execute(insert(three).values(k=value))
            named = {"one_k": moment, "two_k": value, "two_n": 2, "three_k": value}
            db.execute(insert(refs).values(id=number, name=f"{number}", **named))
        core.export_complete(db, tmp_path / "set", prove=True)
        core.export_view(db, "ones", tmp_path / "ones.json")
    there, size = held(home), 5 * len(keys)
    assert take(other, tmp_path / "set") == {"processed": size, "created": size}
    assert held(other) == there
    for engine in (home, other):
        assert take(engine, tmp_path / "set") == {"processed": size, "unchanged": size}
    document = json.loads((tmp_path / "ones.json").read_text())
    for record in document["records"]:
        record["note"] = "edited"
    (tmp_path / "ones.json").write_text(json.dumps(document))
    assert take(home, tmp_path / "ones.json")["updated"] == len(keys)
    for engine, before in ((home, there), (other, [[], [], [], []])):
        with engine.begin() as db:
            assert core.undo(db).exit_code == 0
        assert held(engine) == before
        engine.dispose()


def test_references_follow_rows_that_get_other_ids(
    exported: Path, new_database: NewDatabase
) -> None:
    other = made(new_database())
    with other.begin() as db:
        fill_with_others(db)
    before = contents(other)
    report = imported(other, exported)
    assert counts(report) == {"processed": 28, "created": 27, "unchanged": 1}
    with other.begin() as db:
        tags = {slug: number for number, slug in db.execute(select(TAGS))}
        items = dict(db.execute(select(ITEMS.c.called, ITEMS.c.ident)).all())
        taggings = {tuple(row) for row in db.execute(select(ITEM_TAGS))}
        a, b = items["A"], items["B"]
        assert taggings == {(a, 9, "x"), (b, 9, None), (a, tags["old"], None)}
        lines = set(db.execute(select(LINES.c.item_id, LINES.c.part)).all())
        assert lines == {(a, "a/1"), (a, "~"), (b, "b")}
        assert db.execute(select(NOTES.c.item_id).where(NOTES.c.body == "first")).scalar() == a
        eva = db.execute(select(PEOPLE.c.id).where(PEOPLE.c.name == "Eva")).scalar()
        assert eva != 3
        assert db.execute(select(BAKERS)).all() == [(eva, "big")]
        assert db.execute(select(SHIFTS.c.baker_id)).scalar() == eva
        ring = select(RUNS.c.name, SNAPSHOTS.c.name).join(
            SNAPSHOTS, RUNS.c.snapshot_id == SNAPSHOTS.c.id
        )
        assert set(db.execute(ring).all()) == {("r1", "s1"), ("r2", "s2")}
    assert counts(imported(other, exported)) == {"processed": 28, "unchanged": 28}
    with other.begin() as db:
        assert BAKEIO.undo(db).exit_code == 0
    assert contents(other) == before


def test_the_id_of_another_row_names_none_of_another_database(
    exported: Path, new_database: NewDatabase
) -> None:
    other = made(new_database())
    with other.begin() as db:
        fill_with_others(db)
        db.execute(insert(BAKERS).values(id=3, oven="theirs"))
    assert counts(imported(other, exported))["created"] == 27
    with other.begin() as db:
        ovens = select(PEOPLE.c.name, BAKERS.c.oven).join(BAKERS, BAKERS.c.id == PEOPLE.c.id)
        assert set(db.execute(ovens).all()) == {("Other", "theirs"), ("Eva", "big")}


def test_a_database_becomes_what_a_set_says_and_back(
    source: Engine, exported: Path, new_database: NewDatabase
) -> None:
    other = made(new_database())
    with other.begin() as db:
        fill(db)
        db.execute(insert(LINES).values(item_id=12, line=9, part="z"))
        db.execute(insert(ITEM_TAGS).values(item_id=12, tag_id=8))
        db.execute(insert(UNITS).values(code="lb"))
        db.execute(insert(RUNS).values(id=9, name="r9"))
        db.execute(insert(SNAPSHOTS).values(id=9, name="s9", run_id=9))
        db.execute(update(RUNS).where(RUNS.c.id == 9).values(snapshot_id=9))
    before = contents(other)
    assert imported(other, exported, mode="replace").exit_code == 0
    assert contents(other) == contents(source)
    with other.begin() as db:
        assert BAKEIO.undo(db).exit_code == 0
    assert contents(other) == before


@pytest.mark.parametrize("view", ["tagging", "boxes", "runs", "items"])
def test_an_unedited_view_of_such_rows_changes_nothing(
    source: Engine, tmp_path: Path, view: str
) -> None:
    with source.begin() as db:
        BAKEIO.export_view(db, view, tmp_path / "view.json")
    report = imported(source, tmp_path / "view.json")
    assert report.summary["unchanged"] == report.summary["processed"] > 0


EDITS = {
    "tagging": ({"item": "A", "tag": "new"}, {"note": "fresh"}, ITEM_TAGS, "fresh"),
    "boxes": ({"name": "one"}, {"unit": "a/b~c"}, BOXES, "a/b~c"),
    "runs": ({"name": "r1"}, {"snapshot": "s2"}, RUNS, 2),
    "items": ({"name": "B"}, {"tag": "old"}, ITEMS, "old"),
}


@pytest.mark.parametrize("view", EDITS)
def test_an_edit_of_such_a_row_is_made_journaled_and_undone(
    source: Engine, tmp_path: Path, view: str
) -> None:
    named, edit, table, value = EDITS[view]
    before, path = contents(source), tmp_path / "view.json"
    with source.begin() as db:
        BAKEIO.export_view(db, view, path)
    document = json.loads(path.read_text("utf-8"))
    edited = [r for r in document["records"] if named.items() <= r.items()]
    assert len(edited) == 1
    edited[0].update(edit)
    path.write_text(json.dumps(document), "utf-8")
    assert counts(imported(source, path))["updated"] == 1
    with source.begin() as db:
        cells = [cell for row in db.execute(select(table)) for cell in row]
        assert value in cells
    assert imported(source, path).summary["updated"] == 0
    with source.begin() as db:
        assert BAKEIO.undo(db).exit_code == 0
    assert contents(source) == before


def test_a_row_of_several_key_columns_is_updated_by_its_key(source: Engine, exported: Path) -> None:
    with source.begin() as db:
        db.execute(update(LINES).where(LINES.c.part == "a/1").values(text="changed since"))
        db.execute(update(BAKERS).values(oven="small"))
    changed = contents(source)
    report = imported(source, exported)
    assert counts(report) == {"processed": 28, "updated": 2, "unchanged": 26}
    with source.begin() as db:
        assert db.execute(select(BAKERS.c.oven)).scalar() == "big"
        events = BAKEIO.why(db, "lines", "11/1/a~11", "text")
        assert [(e["old"], e["new"]) for e in events] == [("changed since", "x")]
        assert BAKEIO.undo(db).exit_code == 0
    assert contents(source) == changed


def test_a_code_that_names_no_row_is_a_question_as_any_other(
    source: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "boxes.json"
    path.write_text(
        json.dumps({"entity_type": "boxes", "records": [{"id": str(FIRST), "unit_code": "pound"}]}),
        "utf-8",
    )
    with source.begin() as db:
        plan = BAKEIO.plan(db, path)
    assert [(m.entity, dict(m.key)) for m in plan.missing] == [("units", {"code": "pound"})]
    report = imported(source, path, create={"units"})
    assert counts(report)["updated"] == 1
    assert report.created_entities == {"units": [{"code": "pound"}]}
    with source.begin() as db:
        assert db.execute(select(BOXES.c.unit_code).where(BOXES.c.id == FIRST)).scalar() == "pound"


def test_a_reference_to_a_unique_column_is_linked_by_what_it_holds(
    source: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "items.json"
    records = [{"Name": "C", "tag_slug": "fresh"}, {"Name": "D", "tag_slug": "NEW"}]
    path.write_text(json.dumps({"entity_type": "Items", "records": records}), "utf-8")
    with pytest.raises(ImportRefused) as refused:
        imported(source, path)
    [problem] = refused.value.problems
    assert 'no row of tags has tag_slug "fresh"' in problem.message
    assert counts(imported(source, path, create={"tags"}))["created"] == 2
    with source.begin() as db:
        slugs = dict(db.execute(select(ITEMS.c.called, ITEMS.c.tag_slug)).all())
    assert (slugs["C"], slugs["D"]) == ("fresh", "new")


def test_validation_finds_a_key_of_several_columns_that_leads_nowhere(
    exported: Path, new_database: NewDatabase
) -> None:
    path = next(exported.glob("*_notes.json"))
    path.write_text(path.read_text("utf-8").replace('"part":"~"', '"part":"?"'), "utf-8")
    problems = list(BAKEIO.validate(exported))
    said = [p.message for p in problems if p.code == "missing-reference"]
    assert said == ['11, 1, "?" is not in the set\'s lines (item_id, line, part)']
    with pytest.raises(ImportRefused) as refused:
        imported(made(new_database()), exported, accept_edits=True)
    assert "constraint" in {p.code for p in refused.value.problems}


def test_another_value_of_a_primary_key_is_refused_by_name(source: Engine, tmp_path: Path) -> None:
    class Numbered:
        @hookimpl
        def bakeio_entities(self, metadata: MetaData) -> Entity:
            return Entity(
                Table(
                    "codes",
                    metadata,
                    Column("code", String(9), primary_key=True),
                    Column("uuid", String(36), unique=True, nullable=False),
                )
            )

    bakeio = Bakeio.discover(block=BUNDLED, plugins=[Numbered()])
    with source.begin() as db:
        bakeio.create_tables(db)
        table = bakeio.catalog.entities["codes"].table
        db.execute(insert(table).values(code="a", uuid=str(THIRD)))
        bakeio.export_complete(db, tmp_path / "codes")
    path = next((tmp_path / "codes").glob("*_codes.json"))
    path.write_text(path.read_text("utf-8").replace('"code":"a"', '"code":"b"'), "utf-8")
    with source.begin() as db, pytest.raises(ImportRefused) as refused:
        bakeio.import_(db, tmp_path / "codes", accept_edits=True)
    [problem] = [p for p in refused.value.problems if p.code == "identity-mismatch"]
    assert problem.field == "code"
    assert 'the row has "a"' in problem.message


def test_a_key_that_names_no_row_is_told_where_another_one_finds_the_row(
    source: Engine, tmp_path: Path
) -> None:
    coded = Table(
        "coded",
        MetaData(),
        Column("code", String(9), primary_key=True),
        Column("name", String(9), unique=True),
    )
    path = tmp_path / "coded.json"
    path.write_text('{"entity_type": "coded", "records": [{"code": "b", "name": "one"}]}')
    with source.begin() as db:
        core = guest(Entity(coded, keys=["name"]))
        core.create_tables(db)
        db.execute(insert(coded).values(code="a", name="one"))
        problems = core.import_(db, path).problems
    [told] = [problem for problem in problems if problem.severity == "warning"]
    assert (told.code, told.field) == ("identity-mismatch", "code")
    assert 'no row has "b"; the one with "a" has the same name' in told.message


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ([Column("size", Float, primary_key=True)], "primary key has size, which is a number"),
        ([Column("size", Float)], "has no primary key"),
    ],
    ids=["a measure", "none"],
)
def test_a_table_whose_rows_cannot_be_told_apart_is_refused_by_name(
    columns: list[Column[Any]], said: str
) -> None:
    with pytest.raises(Exception, match=said):
        Entity(Table("loose", MetaData(), *columns))


def test_a_cycle_of_required_references_is_told_once_for_all_its_members() -> None:
    class Ring:
        @hookimpl
        def bakeio_entities(self, metadata: MetaData) -> list[Entity]:
            names = ("a", "b", "c")
            return [
                Entity(
                    Table(
                        name,
                        metadata,
                        Column("id", Integer, primary_key=True),
                        Column(
                            "next_id", Integer, ForeignKey(f"{names[i - 1]}.id"), nullable=False
                        ),
                    )
                )
                for i, name in enumerate(names)
            ]

    broken = Bakeio.discover(block=BUNDLED, plugins=[Ring()]).broken()
    assert len(broken) == 1
    assert "all of them are required" in broken[0]


def test_a_view_edits_no_primary_key() -> None:
    class Editing:
        @hookimpl
        def bakeio_entities(self) -> list[Entity]:
            return [Entity(UNITS)]

        @hookimpl
        def bakeio_views(self) -> View:
            return View(name="units", entity="units", fields={"code": editable("code")})

    broken = Bakeio.discover(block=BUNDLED, plugins=[Editing()]).broken()
    assert len(broken) == 1
    assert 'field "code": code is the primary key of units' in broken[0]


class Commented:
    """Comments on tags and on people: a column tells on which of them."""

    @hookimpl
    def bakeio_entities(self, metadata: MetaData) -> list[Entity]:
        """Declare them."""
        comments = Table(
            "comments",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("said", String(20), unique=True),
            Column("of", String(9)),
            Column("of_id", Integer),
        )
        named = {"tag": "tags", "person": "people"}
        return [
            Entity(TAGS, keys=["slug"]),
            Entity(PEOPLE, keys=["name"]),
            Entity(comments, keys=["said"], polymorphic={"of_id": ("of", named)}),
        ]


def test_a_part_holds_what_such_an_id_means(new_database: NewDatabase, tmp_path: Path) -> None:
    class Dated(Commented):
        @hookimpl
        def bakeio_entities(self, metadata: MetaData) -> list[Entity]:
            """Declare them, and that shifts are dated."""
            tags, people, comments = super().bakeio_entities(metadata)
            days = Table("days", metadata, Column("id", Integer, primary_key=True))
            days.append_column(Column("day", Date))
            days.append_column(Column("name", String(9), unique=True))
            kinds = {"tag": "tags", "day": "days"}
            entity = Entity(comments.table, keys=["said"], polymorphic={"of_id": ("of", kinds)})
            return [tags, people, entity, Entity(days, keys=["name"], date="day")]

    bakeio = Bakeio.discover(block=BUNDLED, plugins=[Dated()])
    days, comments = (bakeio.catalog.entities[name].table for name in ("days", "comments"))
    engine, empty = connect(new_database()), connect(new_database())
    with engine.begin() as db:
        bakeio.create_tables(db)
        for number, name in enumerate(("old", "meant", "fresh"), 1):
            day = NEW_YEAR.replace(year=2020 if number < 3 else 2026)
            db.execute(insert(days).values(id=number, day=day, name=name))
        db.execute(insert(TAGS).values(id=1, slug="hot"))
        db.execute(insert(comments).values(said="a", of="tag", of_id=1))
        db.execute(insert(comments).values(said="b", of="day", of_id=2))
        bakeio.export_complete(db, tmp_path / "set", since=NEW_YEAR)
    assert list(bakeio.validate(tmp_path / "set")) == []
    with empty.begin() as db:
        bakeio.create_tables(db)
        assert bakeio.import_(db, tmp_path / "set").exit_code == 0
        assert set(db.execute(select(days.c.name)).scalars()) == {"meant", "fresh"}


def test_an_id_whose_table_another_column_tells_follows_its_row(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    bakeio = Bakeio.discover(block=BUNDLED, plugins=[Commented()])
    comments = bakeio.catalog.entities["comments"].table
    engines = [connect(new_database()) for _ in range(2)]
    for engine in engines:
        with engine.begin() as db:
            bakeio.create_tables(db)
    with engines[0].begin() as db:
        db.execute(insert(TAGS).values(id=1, slug="hot"))
        db.execute(insert(PEOPLE).values(id=1, name="Eva"))
        said = [("a", "tag", 1), ("b", "person", 1), ("c", None, None)]
        for text, kind, of in said:
            db.execute(insert(comments).values(said=text, of=kind, of_id=of))
        bakeio.export_complete(db, tmp_path / "set")
    with engines[1].begin() as db:
        db.execute(insert(TAGS), [{"id": 1, "slug": "cold"}, {"id": 5, "slug": "hot"}])
        db.execute(insert(PEOPLE).values(id=1, name="Jo"))
        assert bakeio.import_(db, tmp_path / "set").exit_code == 0
        eva = db.execute(select(PEOPLE.c.id).where(PEOPLE.c.name == "Eva")).scalar()
        found = db.execute(select(comments.c.said, comments.c.of, comments.c.of_id))
        assert sorted(map(tuple, found)) == [("a", "tag", 5), ("b", "person", eva), said[2]]
        again = bakeio.import_(db, tmp_path / "set")
        assert (again.summary["created"], again.summary["updated"]) == (0, 0)
    path = next((tmp_path / "set").glob("*_comments.json"))
    path.write_text(path.read_text("utf-8").replace('"of_id":1', '"of_id":77'), "utf-8")
    with engines[1].begin() as db, pytest.raises(ImportRefused) as refused:
        bakeio.import_(db, tmp_path / "set", accept_edits=True)
    wrong = [p for p in refused.value.problems if p.code == "missing-reference"]
    assert {p.field for p in wrong} == {"of_id"}


class Scattered:
    """Rows keyed by a uuid that is stored as text, alone and with a day and a text beside it."""

    @hookimpl
    def bakeio_entities(self, metadata: MetaData) -> list[Entity]:
        """Declare them."""
        texts = Uuid(native_uuid=False)
        crates = Table("crates", metadata, Column("id", texts, primary_key=True))
        stays = Table(
            "stays",
            metadata,
            Column("crate_id", texts, ForeignKey("crates.id"), primary_key=True),
            Column("day", Date, primary_key=True),
            Column("place", String(9), primary_key=True),
            Column("note", String(9)),
        )
        return [Entity(crates), Entity(stays)]

    @hookimpl
    def bakeio_views(self) -> View:
        """Declare a view of the second."""
        fields = {"crate": readonly("crate_id"), "place": readonly("place")}
        fields["note"] = editable("note")
        return View(name="stays", entity="stays", fields=fields)


def test_a_uuid_stored_as_text_is_a_part_of_a_key_as_any_other(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    bakeio = Bakeio.discover(block=BUNDLED, plugins=[Scattered()])
    crates, stays = (bakeio.catalog.entities[name].table for name in ("crates", "stays"))
    engine, empty = connect(new_database()), connect(new_database())
    for each in (engine, empty):
        with each.begin() as db:
            bakeio.create_tables(db)
    with engine.begin() as db:
        db.execute(insert(crates).values(id=FIRST))
        db.execute(insert(stays).values(crate_id=FIRST, day=NEW_YEAR, place="a/b", note="x"))
        rows = db.execute(select(stays)).all()
        bakeio.export_complete(db, tmp_path / "set")
        bakeio.export_view(db, "stays", tmp_path / "stays.json")
    with empty.begin() as db:
        assert bakeio.import_(db, tmp_path / "set").summary["created"] == 2
        assert db.execute(select(stays)).all() == rows
        assert bakeio.import_(db, tmp_path / "set").summary["unchanged"] == 2
    path = tmp_path / "stays.json"
    path.write_text(path.read_text("utf-8").replace('"note":"x"', '"note":"y"'), "utf-8")
    with engine.begin() as db:
        assert bakeio.import_(db, path).summary["updated"] == 1
        assert bakeio.why(db, "stays", f"{FIRST}/2026-01-01/a~1b")[0]["new"] == "y"
        assert bakeio.undo(db).exit_code == 0
        assert db.execute(select(stays)).all() == rows
    with empty.begin() as db:
        assert bakeio.undo(db, 1).exit_code == 0
        assert db.execute(select(crates)).all() == []


def test_rows_are_sorted_alike_whatever_language_a_database_sorts_by(tmp_path: Path) -> None:
    signs = Table("signs", MetaData(), Column("code", String(9), primary_key=True))
    bakeio, engine = guest(Entity(signs)), connect(tmp_path / "a.db")
    with engine.begin() as db:
        db.exec_driver_sql("CREATE TABLE signs (code VARCHAR(9) COLLATE NOCASE PRIMARY KEY)")
        db.execute(insert(signs), [{"code": code} for code in ("b", "A", "a1", "B1")])
        bakeio.export_complete(db, tmp_path / "set", prove=True)
    records = json.loads((tmp_path / "set" / "01_signs.json").read_text("utf-8"))["records"]
    assert [record["code"] for record in records] == ["A", "B1", "a1", "b"]
