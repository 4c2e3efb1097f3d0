"""References of rows to rows of their own table: a key that names none is missing as anywhere
else, and a row that comes later in the file is waited for.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Engine, ForeignKey, MetaData, String, Table, text
from support.hosts import guest, identity, name, table, write_records

from bakeio_core import (
    Bakeio,
    Decision,
    Entity,
    ImportRefused,
    Missing,
    View,
    connect,
    editable,
    key,
)

METADATA = MetaData()
UP = Column("up_id", ForeignKey("nodes.id"))
NODES = Table("nodes", METADATA, identity(), name(), Column("said", String(9)), UP)


@pytest.fixture(scope="module")
def core() -> Bakeio:
    fields = {"name": key("name"), "said": editable("said"), "up": editable("up_id.name")}
    return guest(Entity(NODES, keys=["name"]), views=[View("tree", "nodes", fields)])


@pytest.fixture
def engine(new_database: Callable[[], str], core: Bakeio) -> Iterator[Engine]:
    made = connect(new_database())
    with made.begin() as db:
        core.create_tables(db)
        db.execute(text("INSERT INTO nodes VALUES (1, 'top', NULL, NULL), (2, 'low', NULL, 1)"))
    yield made
    made.dispose()


def view(path: Path, *records: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps({"view_name": "tree", "records": records}), "utf-8")
    return path


def tree(engine: Engine) -> dict[str, str | None]:
    with engine.connect() as db:
        rows = table(db, "id, name, up_id", "nodes")
    names = {identity: name for identity, name, _ in rows}
    return {name: names.get(up) for _, name, up in rows}


@pytest.mark.parametrize("kind", ["view", "entity"])
def test_an_unknown_key_is_a_missing_reference_and_nothing_is_written(
    engine: Engine, core: Bakeio, tmp_path: Path, kind: str
) -> None:
    before = tree(engine)
    field = "up" if kind == "view" else "up_name"
    records = [{"name": "low", "said": "x", field: "nosuch"}, {"name": "new", field: "nosuch"}]
    file = tmp_path / "f.json"
    view(file, *records) if kind == "view" else write_records(file, "nodes", *records)
    with engine.begin() as db:
        missing = core.plan(db, file).missing
        assert [(item.key, item.count) for item in missing] == [({"name": "nosuch"}, 2)]
        with pytest.raises(ImportRefused) as refused:
            core.import_(db, file)
        problems = [p for p in refused.value.problems if p.severity == "error"]
        assert [(p.code, p.field, p.count) for p in problems] == [("missing-reference", field, 2)]
        done = core.import_(db, file, skip_errors=True)
        assert (done.summary["errors"], done.summary["created"]) == (2, 0)
    assert tree(engine) == before
    with engine.connect() as db:
        assert table(db, "said", "nodes") == [(None,), (None,)]


def test_nothing_is_written_of_a_record_that_waits_for_a_bad_one(
    engine: Engine, core: Bakeio, tmp_path: Path
) -> None:
    before = tree(engine)
    records = [{"name": "a", "up_name": "b"}, {"name": "b", "said": "x" * 99}]
    file = write_records(tmp_path / "f.json", "nodes", *records)
    with engine.begin() as db:
        done = core.import_(db, file, skip_errors=True)
        assert done.summary["errors"] == 2
        told = {problem.record: problem.message for problem in done.problems}
        assert "cannot be imported itself" in told[1]
    assert tree(engine) == before


@pytest.mark.parametrize(
    ("decision", "wanted"),
    [
        (Decision("create", values={"name": "nosuch"}), "nosuch"),
        (Decision("existing", {"name": "top"}), "top"),
        (Decision("empty"), None),
        (Decision("skip"), "top"),
    ],
    ids=["created", "mapped", "left empty", "skipped"],
)
def test_an_answer_is_carried_out(
    engine: Engine, core: Bakeio, tmp_path: Path, decision: Decision, wanted: str | None
) -> None:
    before = tree(engine)
    file = view(tmp_path / "v.json", {"name": "low", "up": "nosuch"}, {"name": "x", "up": "nosuch"})

    def answer(missing: Sequence[Missing]) -> dict[Missing, Decision]:
        return dict.fromkeys(missing, decision)

    with engine.begin() as db:
        dry = core.import_(db, file, resolve=answer, dry_run=True)
        done = core.import_(db, file, resolve=answer)
        assert dry.summary == done.summary
    is_skipped = decision.action == "skip"
    made = {"nosuch": None} if decision.action == "create" else {}
    kept = before if is_skipped else before | {"low": wanted, "x": wanted} | made
    assert tree(engine) == kept
    with engine.begin() as db:
        assert core.import_(db, file, resolve=answer).summary["created"] == 0
    assert tree(engine) == kept
    if not is_skipped:
        with engine.begin() as db:
            core.undo(db)
        assert tree(engine) == before


def test_automatic_creation_makes_such_a_row(engine: Engine, core: Bakeio, tmp_path: Path) -> None:
    file = view(tmp_path / "v.json", {"name": "low", "up": "nosuch"})
    with engine.begin() as db:
        assert core.import_(db, file, create=["nodes"]).created_entities == {
            "nodes": [{"name": "nosuch"}]
        }
    assert tree(engine) == {"top": None, "low": "nosuch", "nosuch": None}


@pytest.mark.parametrize("kind", ["view", "entity"])
def test_records_may_refer_to_new_records_of_the_same_file_in_any_order(
    engine: Engine, core: Bakeio, tmp_path: Path, kind: str
) -> None:
    before = tree(engine)
    field = "up" if kind == "view" else "up_name"
    records = [
        {"name": "low", field: "a"},
        {"name": "b", field: "A"},  # known but for its capitals
        {"name": "c", field: "b"},
        {"name": "a", field: "c"},
    ]
    file, wanted = tmp_path / "f.json", {"top": None, "low": "a", "b": "a", "c": "b", "a": "c"}
    for some in itertools.islice(itertools.permutations(records), 0, None, 3):
        view(file, *some) if kind == "view" else write_records(file, "nodes", *some)
        with engine.begin() as db:
            done = core.import_(db, file)
            assert (done.summary["created"], done.summary["updated"]) == (3, 1)
        assert tree(engine) == wanted
        with engine.begin() as db:
            assert core.import_(db, file).summary["unchanged"] == 4
            core.undo(db)
        assert tree(engine) == before


@pytest.mark.parametrize("order", [1, -1], ids=["after it", "before it"])
@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("up_ean", "4006381333931"),
        ("up_ean", "4006381-333931"),
        ("up_name", "4006381333931"),  # the number of a thing where its name should stand
    ],
)
def test_a_code_however_it_is_padded_names_a_new_record_before_it_or_after_it(
    new_database: Callable[[], str], tmp_path: Path, order: int, field: str, code: str
) -> None:
    coded = Table("coded", MetaData(), identity(), name(), Column("ean", String(20)))
    coded.append_column(Column("up_id", ForeignKey("coded.id")))
    lookups = {"up_id": {"up_name": "name", "up_ean": "ean"}}
    core = guest(Entity(coded, keys=["name"], codes=["ean"], lookups=lookups))
    records = [{"name": "thing", "ean": "04006381333931"}, {"name": "part", field: code}]
    file = write_records(tmp_path / "f.json", "coded", *records[::order])
    engine = connect(new_database())
    with engine.begin() as db:
        core.create_tables(db)
        assert core.import_(db, file).summary["created"] == 2
        ids = dict(table(db, "name, id", "coded"))
        assert ("part", ids["thing"]) in table(db, "name, up_id", "coded")
    engine.dispose()


@pytest.mark.parametrize("order", [("root", "leaf"), ("leaf", "root")])
def test_an_undo_keeps_the_same_rows_whole_in_whatever_order_the_file_had_them(
    engine: Engine, core: Bakeio, tmp_path: Path, order: Sequence[str]
) -> None:
    ups = {"root": None, "leaf": "root"}
    file = view(tmp_path / "f.json", *({"name": name, "up": ups[name]} for name in order))
    with engine.begin() as db:
        core.import_(db, file)
        db.execute(text("CREATE TABLE marks (node_id int REFERENCES nodes ON DELETE CASCADE)"))
        db.execute(text("INSERT INTO marks SELECT id FROM nodes WHERE name = 'leaf'"))
        before = table(db, "id, name, up_id", "nodes")
        undone = core.undo(db)
        assert table(db, "id, name, up_id", "nodes") == before
    assert undone.exit_code == 3
    said = sorted(problem.message for problem in undone.problems)
    assert ["kept" in message for message in said] == [True, True]
    assert (undone.summary["updated"], undone.summary["skipped"]) == (0, 2)
