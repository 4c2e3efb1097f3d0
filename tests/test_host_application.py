"""An application with models of its own, and a plugin of forty lines that hands its tables in."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.orm import Session
from support.files import DATA, edit_set
from support.own_tables import BAKERY

from bakeio_core import Bakeio, ImportRefused, connect

DECLARED = [
    *("members", "berths", "gate_keys", "boats", "sailboats", "motorboats", "voyages"),
    *("log_entries", "crew", "bookings", "fees"),
]
OWN = ["sign_ins", "photos", "photo_tags", "reminders"]
"""The tables the harbour keeps to itself."""


@pytest.fixture(scope="session")
def modules() -> tuple[ModuleType, ModuleType]:
    """The application and its plugin."""
    names = ("harbour", "bakeio_harbour")
    others = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, str(DATA / "harbour"))
    found = tuple(map(importlib.import_module, names))
    sys.path.remove(str(DATA / "harbour"))
    for name in names:  # the guide has an application of this name as well
        del sys.modules[name]
    sys.modules.update(others)
    return found[0], found[1]


@pytest.fixture(scope="session")
def app(modules: tuple[ModuleType, ModuleType]) -> ModuleType:
    return modules[0]


@pytest.fixture(scope="session")
def harbour_core(modules: tuple[ModuleType, ModuleType]) -> Bakeio:
    core = Bakeio.discover(block=BAKERY, plugins=[modules[1]])
    if core.broken():
        pytest.skip(f"not every table can be declared: {core.broken()[0]}")
    return core


@pytest.fixture
def new_harbour(new_database: Callable[[], str], app: ModuleType) -> Callable[[], Engine]:
    """Make databases of the application, without a word to bakeio."""

    def make() -> Engine:
        engine = connect(new_database())
        app.Base.metadata.create_all(engine)
        return engine

    return make


@pytest.fixture
def full(new_harbour: Callable[[], Engine], app: ModuleType) -> Engine:
    engine = new_harbour()
    with Session(engine) as session:
        app.fill(session)
        session.commit()
    return engine


def models(app: ModuleType) -> dict[str, Any]:
    return {mapper.local_table.name: mapper.class_ for mapper in app.Base.registry.mappers}


def read(app: ModuleType, engine: Engine) -> dict[str, list[str]]:
    """Read everything that is exported, by the application's own models."""
    found = {}
    with Session(engine) as session:
        for name, model in models(app).items():
            if name in DECLARED:
                columns = [attribute.key for attribute in inspect(model).column_attrs]
                rows = session.query(model).all()
                found[name] = sorted(repr([getattr(row, c) for c in columns]) for row in rows)
        assert all(found.values())
    return found


def own_rows(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    with engine.connect() as db:
        return {n: sorted(map(tuple, db.execute(text(f"SELECT * FROM {n}")))) for n in OWN}


def count(engine: Engine, table: str) -> int:
    with engine.connect() as db:
        return int(db.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_the_plugin_is_short() -> None:
    lines = (DATA / "harbour" / "bakeio_harbour.py").read_text("utf-8").splitlines()
    assert len(lines) <= 40


def test_fifteen_tables_of_an_application_go_round(
    full: Engine,
    new_harbour: Callable[[], Engine],
    app: ModuleType,
    harbour_core: Bakeio,
    tmp_path: Path,
) -> None:
    assert len(app.Base.metadata.tables) == 15
    before, other = read(app, full), new_harbour()
    with full.begin() as db:
        harbour_core.export_complete(db, tmp_path / "set", prove=True)
    assert list(harbour_core.validate(tmp_path / "set")) == []
    with other.begin() as db:
        report = harbour_core.import_complete(db, tmp_path / "set")
    assert report.summary["created"] == sum(map(len, before.values()))
    assert read(app, other) == before
    for engine in (other, full):
        with engine.begin() as db:
            again = harbour_core.import_complete(db, tmp_path / "set").summary
        assert again["unchanged"] == again["processed"]
        assert read(app, engine) == before
    with other.begin() as db:  # the application goes on where the set ends
        session = Session(db)
        session.add(app.Member(email="eve@x.org", name="Eve"))
        session.flush()


def test_a_member_from_a_file_is_one_of_the_application(
    full: Engine, app: ModuleType, harbour_core: Bakeio, tmp_path: Path
) -> None:
    path = tmp_path / "members.json"
    records = [{"email": "eve@x.org", "name": "Eve", "mentor_email": "ann@x.org"}]
    path.write_text(json.dumps({"entity_type": "members", "records": records}))
    with full.begin() as db:
        assert harbour_core.import_(db, path).summary["created"] == 1
    with Session(full) as session:
        eve = session.query(app.Member).filter_by(email="eve@x.org").one()
        assert (eve.role, eve.settings, eve.balance, eve.changed) == (app.Role.CREW, {}, 0, None)
        assert eve.mentor.name == "Ann"
        assert eve.joined is not None
    records[0]["name"] = "Eva"
    path.write_text(json.dumps({"entity_type": "members", "records": records}))
    with full.begin() as db:
        assert harbour_core.import_(db, path).summary["updated"] == 1
        assert harbour_core.import_(db, path).summary["unchanged"] == 1
    with Session(full) as session:
        assert session.query(app.Member).filter_by(name="Eva").one().changed is not None


def test_people_write_in_the_logbook(
    full: Engine, app: ModuleType, harbour_core: Bakeio, tmp_path: Path
) -> None:
    path = tmp_path / "logbook.json"
    with full.begin() as db:
        harbour_core.export_view(db, "logbook", path)
    document = json.loads(path.read_text("utf-8"))
    document["records"][0]["said"] = "cast off at nine"
    document["records"].append({"voyage": "2026-1", "said": "home"})
    path.write_text(json.dumps(document), "utf-8")
    with full.begin() as db:
        summary = harbour_core.import_(db, path).summary
    assert (summary["updated"], summary["created"], summary["errors"]) == (1, 1, 0)
    with Session(full) as session:
        lines = session.query(app.LogEntry).order_by(app.LogEntry.line).all()
        assert [(entry.line, entry.said) for entry in lines] == [
            (1, "cast off at nine"),
            (2, "wind 4 from the west"),
            (3, "home"),
        ]


def test_what_breaks_a_rule_of_the_harbour_is_named(
    full: Engine, harbour_core: Bakeio, tmp_path: Path
) -> None:
    day = "2026-07-01"
    bad = [
        {"number": "G-2", "berth_code": "A1", "arrives": day, "leaves": day},
        {"number": "G-3", "berth_code": "A1", "arrives": day, "leaves": "2026-07-02", "state": "x"},
    ]
    path = tmp_path / "bookings.json"
    path.write_text(json.dumps({"entity_type": "bookings", "records": bad}))
    with full.begin() as db, pytest.raises(ImportRefused) as refused:
        harbour_core.import_(db, path)
    told = {problem.record: problem for problem in refused.value.problems}
    assert (told[2].code, told[2].field) == ("bad-value", "state")
    path.write_text(json.dumps({"entity_type": "bookings", "records": bad[:1]}))
    with full.begin() as db, pytest.raises(ImportRefused) as refused:
        harbour_core.import_(db, path)
    [problem] = [p for p in refused.value.problems if p.severity == "error"]
    assert problem.code == "constraint"
    assert "leaves > arrives (booking_days)" in problem.message


def test_undo_and_replace_leave_the_harbours_own_tables_alone(
    full: Engine,
    new_harbour: Callable[[], Engine],
    app: ModuleType,
    harbour_core: Bakeio,
    tmp_path: Path,
) -> None:
    other = new_harbour()
    with full.begin() as db:
        harbour_core.export_complete(db, tmp_path / "set")
    with other.begin() as db:
        harbour_core.create_tables(db)
        harbour_core.import_complete(db, tmp_path / "set")
    with Session(other) as session:
        member = session.query(app.Member).first()
        session.add_all([app.SignIn(member_id=member.id), app.Photo(boat_id=1)])
        session.add(app.Reminder(fee_id=session.query(app.Fee).one().id))
        session.commit()
    before = own_rows(other)
    with other.begin() as db:
        undone = harbour_core.undo(db)
    assert undone.exit_code == 3
    assert own_rows(other) == before
    kept = [str(problem) for problem in undone.problems]
    assert any("is referred to by 1 row of reminders (fee_id): kept" in line for line in kept)
    assert any("photos (boat_id)" in line for line in kept)

    before = own_rows(full)
    with full.begin() as db:
        harbour_core.create_tables(db)
        harbour_core.import_complete(db, tmp_path / "set", mode="replace")
    assert own_rows(full) == before
    name = next((tmp_path / "set").glob("*_fees.json")).name
    edit_set(tmp_path / "set", name, lambda records: records.clear(), layout=json.dumps)
    with full.begin() as db, pytest.raises(ImportRefused) as refused:
        harbour_core.import_complete(db, tmp_path / "set", mode="replace")
    assert "reminders" in str(refused.value) + str(refused.value.problems)
    assert own_rows(full) == before
    assert count(full, "fees") == 1
