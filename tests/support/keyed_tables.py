"""Tables of an application that keys its rows in every way SQL has, and what stands in them."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Date,
    Engine,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    insert,
    select,
    update,
)

from bakeio_core import Bakeio, Entity, View, connect, editable, hookimpl, key, readonly

TABLES = MetaData()
UNITS = Table(
    "units", TABLES, Column("code", String(10), primary_key=True), Column("label", String(50))
)
BOXES = Table(
    "boxes",
    TABLES,
    Column("id", Uuid, primary_key=True, default=uuid.uuid4),
    Column("name", String(40)),
    Column("unit_code", ForeignKey("units.code")),
)
TAGS = Table(
    "tags",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("slug", String(40), unique=True, nullable=False),
)
ITEMS = Table(
    "Items",
    TABLES,
    Column("ID", Integer, primary_key=True, key="ident"),
    Column("Name", String(40), unique=True, key="called"),
    Column("box_id", ForeignKey("boxes.id")),
    Column("tag_slug", ForeignKey("tags.slug")),
    Column("parent_id", ForeignKey("Items.ident")),
)
ITEM_TAGS = Table(
    "item_tags",
    TABLES,
    Column("item_id", ForeignKey("Items.ident"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id"), primary_key=True),
    Column("note", String(40)),
)
LINES = Table(
    "lines",
    TABLES,
    Column("item_id", ForeignKey("Items.ident"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("part", String(9), primary_key=True),
    Column("text", String(30)),
    Column("after_line", Integer),
    Column("after_part", String(9)),
    ForeignKeyConstraint(
        ["item_id", "after_line", "after_part"], ["lines.item_id", "lines.line", "lines.part"]
    ),
)
NOTES = Table(
    "notes",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("item_id", Integer),
    Column("line", Integer),
    Column("part", String(9)),
    Column("body", String(20), unique=True),
    ForeignKeyConstraint(
        ["item_id", "line", "part"], ["lines.item_id", "lines.line", "lines.part"]
    ),
)
PEOPLE = Table(
    "people",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("kind", String(10)),
    Column("name", String(30), unique=True),
)
BAKERS = Table(
    "bakers",
    TABLES,
    Column("id", ForeignKey("people.id"), primary_key=True),
    Column("oven", String(20)),
)
SHIFTS = Table(
    "shifts",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("baker_id", ForeignKey("bakers.id"), nullable=False),
    Column("day", Date, nullable=False),
    UniqueConstraint("baker_id", "day"),
)
RUNS = Table(
    "runs",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("name", String(9), unique=True),
    Column("snapshot_id", ForeignKey("snapshots.id")),
)
SNAPSHOTS = Table(
    "snapshots",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("name", String(9), unique=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
)
TRIPS = Table(
    "trips",
    TABLES,
    Column("org", String(9), primary_key=True),
    Column("no", Integer, primary_key=True),
    Column("last_org", String(9)),
    Column("last_no", Integer),
    Column("last_leg", Integer),
    ForeignKeyConstraint(
        ["last_org", "last_no", "last_leg"],
        ["legs.org", "legs.no", "legs.leg"],
        use_alter=True,
        name="last_leg_of_trip",
    ),
)
LEGS = Table(
    "legs",
    TABLES,
    Column("org", String(9), primary_key=True),
    Column("no", Integer, primary_key=True),
    Column("leg", Integer, primary_key=True),
    Column("% done", Integer),
    ForeignKeyConstraint(["org", "no"], ["trips.org", "trips.no"]),
)
BUNDLED = ["suppliers", "ingredients", "products", "purchases", "inventory", "sample"]
BUNDLED += ["view_products", "view_inventory", "view_purchases"]
BUNDLED += ["view_suppliers", "view_ingredients", "templates"]
FIRST, SECOND, THIRD = (uuid.UUID(int=number) for number in (1, 2, 3))
NEW_YEAR = datetime.date(2026, 1, 1)


class Keyed:
    """The plugin that hands the tables in."""

    @hookimpl
    def bakeio_entities(self) -> list[Entity]:
        """Declare them."""
        plain = [UNITS, ITEM_TAGS, LINES, BAKERS, TRIPS, LEGS]
        keyed = {TAGS: "slug", ITEMS: "Name", NOTES: "body", PEOPLE: "name"}
        keyed |= {RUNS: "name", SNAPSHOTS: "name"}
        return [
            *map(Entity, plain),
            Entity(BOXES, label="name"),
            Entity(SHIFTS, keys=[("baker_id", "day")]),
            *(Entity(table, keys=[name]) for table, name in keyed.items()),
        ]

    @hookimpl
    def bakeio_views(self) -> list[View]:
        """Declare a view of what has an unusual key, or refers to it."""
        tagging = {"item": readonly("item_id.Name"), "tag": readonly("tag_id.slug")}
        return [
            View(name="tagging", entity="item_tags", fields=tagging | {"note": editable("note")}),
            View(
                name="boxes",
                entity="boxes",
                fields={
                    "id": readonly("id"),
                    "name": editable("name"),
                    "unit": editable("unit_code"),
                },
            ),
            View(
                name="runs",
                entity="runs",
                fields={"name": key("name"), "snapshot": editable("snapshot_id.name")},
            ),
            View(
                name="items",
                entity="Items",
                fields={
                    "name": key("Name"),
                    "tag": editable("tag_slug"),
                    "unit": readonly("box_id.unit_code.label"),
                },
            ),
        ]


def keyed_bakeio() -> Bakeio:
    """Return bakeio with these tables alone."""
    return Bakeio.discover(block=BUNDLED, plugins=[Keyed()])


def made(url: str) -> Engine:
    """Make the tables, and bakeio's own, in an empty database."""
    engine = connect(url)
    with engine.begin() as db:
        TABLES.create_all(db)
        keyed_bakeio().create_tables(db)
    return engine


def fill(db: Connection) -> None:
    """Write some rows of each."""
    rows: Sequence[tuple[Table, list[dict[str, Any]]]] = [
        (UNITS, [{"code": "kg", "label": "Kilo"}, {"code": "a/b~c", "label": "odd"}]),
        (BOXES, [{"id": FIRST, "name": "one", "unit_code": "kg"}]),
        (BOXES, [{"id": SECOND, "name": "two", "unit_code": "a/b~c"}]),
        (BOXES, [{"id": THIRD, "name": None, "unit_code": None}]),
        (TAGS, [{"id": 7, "slug": "new"}, {"id": 8, "slug": "old"}]),
        (ITEMS, [{"ident": 11, "called": "A", "box_id": FIRST, "tag_slug": "new"}]),
        (ITEMS, [{"ident": 12, "called": "B", "box_id": THIRD, "parent_id": 11}]),
        (ITEM_TAGS, [{"item_id": 11, "tag_id": 7, "note": "x"}, {"item_id": 12, "tag_id": 7}]),
        (ITEM_TAGS, [{"item_id": 11, "tag_id": 8, "note": None}]),
        (LINES, [{"item_id": 11, "line": 1, "part": "a/1", "text": "x"}]),
        (LINES, [{"item_id": 11, "line": 1, "part": "~"}, {"item_id": 12, "line": 1, "part": "b"}]),
        (TRIPS, [{"org": "x", "no": 1}]),
        (LEGS, [{"org": "x", "no": 1, "leg": 1, "% done": 100}, {"org": "x", "no": 1, "leg": 2}]),
        (NOTES, [{"id": 1, "item_id": 11, "line": 1, "part": "~", "body": "first"}]),
        (NOTES, [{"id": 2, "body": "second"}]),
        (PEOPLE, [{"id": 3, "kind": "baker", "name": "Eva"}, {"id": 4, "name": "Jo"}]),
        (BAKERS, [{"id": 3, "oven": "big"}]),
        (SHIFTS, [{"id": 1, "baker_id": 3, "day": NEW_YEAR}]),
        (RUNS, [{"id": 1, "name": "r1"}, {"id": 2, "name": "r2"}]),
        (SNAPSHOTS, [{"id": 1, "name": "s1", "run_id": 2}, {"id": 2, "name": "s2", "run_id": 1}]),
    ]
    for table, some in rows:
        for row in some:
            db.execute(insert(table).values(row))
    for run in (1, 2):
        db.execute(update(RUNS).where(RUNS.c.id == run).values(snapshot_id=run))
    db.execute(update(LINES).where(LINES.c.part == "a/1").values(after_line=1, after_part="~"))
    db.execute(update(TRIPS).values(last_org="x", last_no=1, last_leg=2))


def fill_with_others(db: Connection) -> None:
    """Write rows that have ids of the others, and the key of one."""
    db.execute(insert(TAGS), [{"id": 1, "slug": "further"}, {"id": 7, "slug": "other"}])
    db.execute(insert(TAGS).values(id=9, slug="new"))
    db.execute(insert(ITEMS).values(ident=11, called="Z"))
    db.execute(insert(PEOPLE).values(id=3, kind="-", name="Other"))
    db.execute(insert(RUNS).values(id=1, name="q1"))


def contents(engine: Engine) -> dict[str, list[str]]:
    """Return every cell of the tables, {table: rows as texts}."""
    with engine.begin() as db:
        return {
            table.name: sorted(str(tuple(row)) for row in db.execute(select(table)))
            for table in TABLES.tables.values()
        }
