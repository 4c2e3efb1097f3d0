"""Fields that code of a plugin computes for many rows at once: out, compared on the way back in,
asked for where they are missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    event,
    select,
    text,
)
from support.hosts import guest, identity, name

from bakeio_core import (
    Bakeio,
    Entity,
    Field,
    PluginError,
    View,
    children,
    computed,
    connect,
    editable,
    key,
)

METADATA = MetaData()
SHIPS = Table("ships", METADATA, identity(), name())
CREWS = Table(
    "crews",
    METADATA,
    identity(),
    Column("ship_id", ForeignKey("ships.id"), nullable=False),
    Column("hands", Integer),
)


class Strength:
    """How many hands each ship has, read by one statement."""

    def __init__(self, db: Connection, catalog: Any) -> None:
        self.hands: dict[int, list[int]] = {}
        for ship, hands in db.execute(select(CREWS.c.ship_id, CREWS.c.hands).order_by(CREWS.c.id)):
            self.hands.setdefault(ship, []).append(hands)

    def total(self, ids: Sequence[int]) -> list[int | None]:
        return [sum(self.hands[ship]) if ship in self.hands else None for ship in ids]

    def told(self, ids: Sequence[int]) -> list[str | None]:
        return [" + ".join(map(str, self.hands[s])) if s in self.hands else None for s in ids]


def halves(db: Connection, catalog: Any) -> Callable[[int], float]:
    hands = dict(tuple(row) for row in db.execute(select(CREWS.c.id, CREWS.c.hands)))
    return lambda crew: hands[crew] / 2


TOTAL = computed(Strength, Strength.total, Numeric(10, 2))
FIELDS: dict[str, Field] = {
    "name": key("name"),
    "strength": TOTAL,
    "told": computed(Strength, Strength.told, Text),
    "crews": children(
        "crews.ship_id",
        {
            "hands": editable("hands"),
            "half": computed(halves, lambda half, ids: list(map(half, ids)), Numeric(10, 2)),
        },
    ),
}


def ships(fields: dict[str, Field]) -> Bakeio:
    entities = [Entity(SHIPS, keys=["name"]), Entity(CREWS)]
    return guest(*entities, views=[View("ships", "ships", fields, "Ships and their crews")])


@pytest.fixture(scope="module")
def core() -> Bakeio:
    return ships(FIELDS)


@pytest.fixture
def engine(new_database: Callable[[], str], core: Bakeio) -> Iterator[Engine]:
    made = connect(new_database())
    with made.begin() as db:
        core.create_tables(db)
        db.execute(text("INSERT INTO ships VALUES (1, 'Ark'), (2, 'Bee'), (3, 'Cog')"))
        db.execute(text("INSERT INTO crews VALUES (1, 1, 3), (2, 3, 4), (3, 1, 5)"))
    yield made
    made.dispose()


def export(core: Bakeio, engine: Engine, path: Path, **narrowed: Any) -> dict[str, Any]:
    with engine.begin() as db:
        core.export_view(db, core.view("ships").narrow(**narrowed), path, force=True)
    return json.loads(path.read_text("utf-8"))  # type: ignore[no-any-return]


def test_computed_fields_are_exported_and_an_unedited_file_changes_nothing(
    core: Bakeio, engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "ships.json"
    records = export(core, engine, path)["records"]
    assert [(r["name"], r["strength"], r["told"]) for r in records] == [
        ("Ark", 8, "3 + 5"),
        ("Bee", None, None),
        ("Cog", 4, "4"),
    ]
    assert [line["half"] for line in records[0]["crews"]] == [1.5, 2.5]
    with engine.begin() as db:
        report = core.import_(db, path)
    assert (report.summary["unchanged"], report.problems) == (6, [])


def test_an_edit_of_one_is_told_and_not_taken_and_what_it_is_made_of_is_written(
    core: Bakeio, engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "ships.json"
    document = export(core, engine, path)
    document["records"][0]["strength"] = 99
    document["records"][0]["crews"][0]["hands"] = 7
    path.write_text(json.dumps(document), "utf-8")
    with engine.begin() as db:
        report = core.import_(db, path)
    (note,) = report.problems
    assert (note.severity, note.field) == ("note", "strength")
    assert report.summary["updated"] == 1
    assert export(core, engine, path)["records"][0]["strength"] == 12
    without = {**document, "records": [{"name": "Ark", "strength": 12}]}
    path.write_text(json.dumps(without), "utf-8")
    with engine.begin() as db:
        again = core.import_(db, path)
    assert [p for p in again.problems if p.field == "strength"] == []


def test_records_that_lack_one_are_found(core: Bakeio, engine: Engine, tmp_path: Path) -> None:
    document = export(core, engine, tmp_path / "ships.json", missing=["told"])
    assert document["record_count"] == 1
    assert [(r["name"], r["crews"]) for r in document["records"]] == [("Bee", [])]


def test_what_they_are_computed_of_is_read_once_for_any_number_of_records(
    core: Bakeio, engine: Engine, tmp_path: Path
) -> None:
    said: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    counts = []
    for more in range(2):
        with engine.begin() as db:
            for start in range(10, 1200 * more, 600):
                rows = ", ".join(f"({n}, 'N{n}')" for n in range(start, start + 600))
                db.execute(text(f"INSERT INTO ships VALUES {rows}"))
        said.clear()
        document = export(core, engine, tmp_path / "ships.json")
        counts.append(sum("FROM crews" in statement for statement in said))
    assert document["record_count"] > 1000
    assert counts[0] == counts[1]


def test_code_that_fails_or_gives_too_little_is_named(engine: Engine, tmp_path: Path) -> None:
    def nothing(prepared: object, ids: Sequence[int]) -> list[int]:
        return []

    def failing(prepared: object, ids: Sequence[int]) -> list[int]:
        raise KeyError("anchor")

    for values, said in (
        (nothing, "nothing gave 0 values for 3 rows: it must give one for each, or null"),
        (failing, "failing: KeyError: 'anchor' (test_computed.py:"),
    ):
        wrong = ships({"name": key("name"), "odd": computed(Strength, values, Integer)})
        with pytest.raises(PluginError) as raised:
            export(wrong, engine, tmp_path / "odd.json")
        assert said in str(raised.value)
