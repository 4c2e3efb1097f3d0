"""Rows of another table as a list within each record of a view: out, edited, and back in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    Date,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    UniqueConstraint,
    text,
)
from support.hosts import guest, identity, name, table

from bakeio_core import (
    Bakeio,
    Decision,
    Entity,
    ImportRefused,
    PluginError,
    Report,
    View,
    children,
    connect,
    editable,
    key,
    readonly,
)
from bakeio_core.catalog.schema import view_schema

METADATA = MetaData()
PARTS = Table("parts", METADATA, identity(), name())
DECKS = Table("decks", METADATA, identity(), name(), Column("said", String(20)))
CARDS = Table(
    "cards",
    METADATA,
    identity(),
    Column("deck_id", ForeignKey("decks.id"), nullable=False),
    Column("part_id", ForeignKey("parts.id"), nullable=False),
    Column("amount", Numeric(9, 2)),
    Column("said", String(20)),
    UniqueConstraint("deck_id", "part_id"),
)
STICKERS = Table(
    "stickers",
    METADATA,
    identity(),
    Column("card_id", ForeignKey("cards.id")),
    Column("colour", String(9)),
)
LINES = children(
    "cards.deck_id",
    fields={
        "part": editable("part_id.name"),
        "amount": editable("amount"),
        "said": editable("said"),
    },
)
FIELDS = {"name": key("name"), "said": editable("said"), "lines": LINES}


@pytest.fixture(scope="module")
def core() -> Bakeio:
    entities = [
        Entity(PARTS, keys=["name"]),
        Entity(DECKS, keys=["name"]),
        Entity(CARDS, keys=[("deck_id", "part_id")]),
        Entity(STICKERS),
    ]
    return guest(*entities, views=[View("decks", "decks", FIELDS, "Decks and their cards")])


@pytest.fixture
def engine(new_database: Callable[[], str], core: Bakeio) -> Iterator[Engine]:
    made = connect(new_database())
    with made.begin() as db:
        core.create_tables(db)
        for statement in (
            "INSERT INTO parts VALUES (1, 'ace'), (2, 'king'), (3, 'joker')",
            "INSERT INTO decks VALUES (1, 'red', NULL), (2, 'blue', 'old'), (3, 'bare', NULL)",
            "INSERT INTO cards VALUES (4, 2, 1, 1.5, NULL), (5, 1, 2, 2, 'x'), (6, 1, 1, 3, NULL)",
        ):
            db.execute(text(statement))
    yield made
    made.dispose()


@pytest.fixture
def export(engine: Engine, core: Bakeio, tmp_path: Path) -> Callable[[], dict[str, Any]]:
    def export_() -> dict[str, Any]:
        path = tmp_path / "decks.json"
        with engine.begin() as db:
            core.export_view(db, "decks", path, force=True)
        return json.loads(path.read_text("utf-8"))  # type: ignore[no-any-return]

    return export_


@pytest.fixture
def take(engine: Engine, core: Bakeio, tmp_path: Path) -> Callable[..., Report]:
    def take_(document: dict[str, Any], **options: Any) -> Report:
        path = tmp_path / "edited.json"
        path.write_text(json.dumps(document), "utf-8")
        with engine.begin() as db:
            return core.import_(db, path, **options)

    return take_


def cards(engine: Engine) -> dict[tuple[str, str], Any]:
    """{(deck, part): (amount, said)} as the database has them."""
    with engine.connect() as db:
        found = db.execute(
            text(
                "SELECT d.name, p.name, c.amount, c.said FROM cards c "
                "JOIN decks d ON d.id = c.deck_id JOIN parts p ON p.id = c.part_id"
            )
        )
        return {(d, p): (None if a is None else float(a), said) for d, p, a, said in found}


def line(document: dict[str, Any], deck: str, part: str) -> dict[str, Any]:
    record = next(record for record in document["records"] if record["name"] == deck)
    return next(item for item in record["lines"] if item["part"] == part)


def deck(document: dict[str, Any], wanted: str) -> dict[str, Any]:
    return next(record for record in document["records"] if record["name"] == wanted)


def test_each_record_shows_its_own_rows_and_the_schema_allows_it(
    export: Callable[[], dict[str, Any]], core: Bakeio
) -> None:
    document = export()
    shown = {r["name"]: [(i["part"], i["amount"]) for i in r["lines"]] for r in document["records"]}
    assert shown == {"red": [("king", 2), ("ace", 3)], "blue": [("ace", 1.5)], "bare": []}
    assert document["documentation"]["lists"]["lines"]["editable_fields"] == [
        "part",
        "amount",
        "said",
    ]
    jsonschema.validate(document, view_schema(core.view("decks"), core.catalog))


def test_an_unedited_export_changes_nothing_in_whatever_order(
    export: Callable[[], dict[str, Any]], take: Callable[..., Report]
) -> None:
    document = export()
    assert take(document).summary["unchanged"] == 6
    document["records"].reverse()
    for record in document["records"]:
        record["lines"].reverse()
    report = take(document)
    assert (report.summary["unchanged"], report.problems) == (6, [])


def test_what_changes_can_be_named_when_the_connection_is_closed(
    export: Callable[[], dict[str, Any]], core: Bakeio, engine: Engine, tmp_path: Path
) -> None:
    document = export()
    line(document, "red", "king")["amount"] = 9
    (tmp_path / "edited.json").write_text(json.dumps(document), "utf-8")
    with engine.connect() as db:
        plan = core.plan(db, tmp_path / "edited.json")
    (change,) = plan.changes
    assert plan.about(change, "amount").key == {"deck_id.name": "red", "part_id.name": "king"}


def test_rows_are_changed_added_and_left_alone_where_they_are_left_out(
    export: Callable[[], dict[str, Any]], take: Callable[..., Report], engine: Engine
) -> None:
    document = export()
    line(document, "red", "king")["amount"] = 9
    deck(document, "red")["lines"].pop()
    deck(document, "bare")["lines"].append({"part": "joker", "amount": 7})
    new = {"name": "green", "lines": [{"part": "ace", "said": "new"}]}
    document["records"].append(new)
    report = take(document)
    assert (report.summary["created"], report.summary["updated"]) == (3, 1)
    assert cards(engine) == {
        ("red", "king"): (9, "x"),
        ("red", "ace"): (3, None),
        ("blue", "ace"): (1.5, None),
        ("bare", "joker"): (7, None),
        ("green", "ace"): (None, "new"),
    }
    again = take(document)
    assert (again.summary["created"], again.summary["updated"]) == (0, 0)


def test_a_row_is_deleted_only_where_it_says_so_and_undo_brings_it_back(
    export: Callable[[], dict[str, Any]],
    take: Callable[..., Report],
    engine: Engine,
    core: Bakeio,
) -> None:
    before = cards(engine)
    document = export()
    line(document, "red", "ace")["_delete"] = True
    deck(document, "red")["lines"].append({"part": "ace", "amount": 8})
    preview = take(document, dry_run=True)
    assert preview.summary["deleted"] == 1
    assert cards(engine) == before
    report = take(document)
    assert (report.summary["deleted"], report.summary["created"]) == (1, 1)
    assert cards(engine)["red", "ace"] == (8, None)
    assert take(document).summary["unchanged"] == 7
    with engine.begin() as db:
        print(core.undo(db).text())
    assert cards(engine) == before


def test_a_row_taken_out_of_a_list_is_left_alone_and_told(
    export: Callable[[], dict[str, Any]],
    take: Callable[..., Report],
    engine: Engine,
) -> None:
    def told(document: dict[str, Any]) -> list[str]:
        report = take(document)
        assert report.summary["updated"] == 0
        return [p.message for p in report.problems if p.code == "count-mismatch"]

    before, document = cards(engine), export()
    assert told(document) == []
    deck(document, "red")["lines"].pop()
    (message,) = told(document)
    assert "lacks 1 row that the database has: left alone" in message
    for one in document["records"]:
        one["lines"] = []
    (message,) = told(document)
    assert "the lists of record " in message
    assert cards(engine) == before


def test_a_row_is_moved_to_the_record_it_is_put_into(
    export: Callable[[], dict[str, Any]], take: Callable[..., Report], engine: Engine
) -> None:
    document = export()
    king = line(document, "red", "king")
    deck(document, "red")["lines"].remove(king)
    deck(document, "bare")["lines"].append(king)
    report = take(document)
    assert (report.summary["updated"], report.summary["created"]) == (1, 0)
    assert cards(engine).keys() == {("red", "ace"), ("blue", "ace"), ("bare", "king")}


def test_a_row_that_stands_twice_is_refused_unless_it_is_the_same(
    export: Callable[[], dict[str, Any]], take: Callable[..., Report]
) -> None:
    document = export()
    copy = dict(line(document, "red", "king"))
    deck(document, "red")["lines"].append(copy)
    assert [problem.code for problem in take(document).problems] == ["duplicate-key"]
    copy["amount"] = 77
    with pytest.raises(ImportRefused) as refused:
        take(document)
    assert refused.value.problems[0].code == "duplicate-key"


def test_both_sides_of_a_row_are_merged_and_a_contradiction_is_told(
    export: Callable[[], dict[str, Any]], take: Callable[..., Report], engine: Engine
) -> None:
    document = export()
    with engine.begin() as db:
        db.execute(text("UPDATE cards SET amount = 50 WHERE id = 5"))
    line(document, "red", "king")["said"] = "mine"
    assert take(document).summary["updated"] == 1
    assert cards(engine)["red", "king"] == (50, "mine")
    line(document, "red", "king")["amount"] = 60
    with pytest.raises(ImportRefused) as refused:
        take(document)
    assert str(refused.value.problems[0]).startswith(
        'edited.json: lines, row 1 of record 1 (part "king"), amount: changed in the file and'
    )
    line(document, "red", "king")["amount"] = 2
    line(document, "red", "king")["_delete"] = True
    with pytest.raises(ImportRefused) as refused:
        take(document)
    assert "to be deleted" in str(refused.value.problems[0])
    assert take(document, on_conflict="keep-db").summary.get("deleted") is None
    assert take(document, on_conflict="take-file").summary["deleted"] == 1


def test_a_contradiction_in_a_row_is_decided_as_any_other(
    export: Callable[[], dict[str, Any]],
    take: Callable[..., Report],
    engine: Engine,
    core: Bakeio,
    tmp_path: Path,
) -> None:
    document = export()
    with engine.begin() as db:
        db.execute(text("UPDATE cards SET amount = 50 WHERE part_id = 1"))
    line(document, "red", "ace")["amount"] = 60
    line(document, "blue", "ace")["_delete"] = True
    (tmp_path / "edited.json").write_text(json.dumps(document), "utf-8")
    with engine.begin() as db:
        asked = core.plan(db, tmp_path / "edited.json").questions
    assert [(q.key["deck_id.name"], q.values["file"]) for q in asked] == [
        ("red", 60),
        ("blue", "to be deleted"),
    ]
    answers = {question: Decision.take_file() for question in asked}
    assert take(document, decisions=answers).summary["updated"] == 1
    assert cards(engine) == {("red", "ace"): (60, None), ("red", "king"): (2, "x")}


def test_a_row_that_names_its_record_itself_is_refused(
    export: Callable[[], dict[str, Any]], take: Callable[..., Report]
) -> None:
    document = export()
    line(document, "red", "ace")["deckId"] = "blue"
    with pytest.raises(ImportRefused) as refused:
        take(document)
    assert "comes from the record of the row" in str(refused.value.problems[0])


def test_a_row_others_refer_to_is_not_deleted(
    export: Callable[[], dict[str, Any]], take: Callable[..., Report], engine: Engine
) -> None:
    with engine.begin() as db:
        db.execute(text("INSERT INTO stickers VALUES (1, 5, 'gold')"))
    document = export()
    line(document, "red", "king")["_delete"] = True
    with pytest.raises(ImportRefused) as refused:
        take(document)
    assert "stickers" in str(refused.value.problems[0])
    assert len(cards(engine)) == 3


def test_what_is_wrong_with_a_row_is_told_by_its_place_and_leaves_the_others_alone(
    export: Callable[[], dict[str, Any]],
    take: Callable[..., Report],
    engine: Engine,
    core: Bakeio,
    tmp_path: Path,
) -> None:
    document = export()
    line(document, "red", "ace")["amount"] = "many"
    deck(document, "bare")["lines"].append({"part": "queen"})
    deck(document, "blue")["said"] = "new"
    log = tmp_path / "left.json"
    report = take(document, skip_errors=True, skipped_log=log)
    errors = [str(problem) for problem in report.problems if problem.severity == "error"]
    assert len(errors) == 2
    assert errors[0].startswith(
        'edited.json: lines, row 2 of record 1 (part "ace"), amount: "many"'
    )
    assert errors[1].startswith("edited.json: lines, row 1 of record 3, part: no row of parts")
    assert (report.summary["updated"], report.summary["errors"]) == (1, 2)
    left = json.loads(log.read_text("utf-8"))
    assert left["total_skipped"] == 2
    data = [entry["record_data"] for entry in left["records"]]
    assert [(r["name"], len(r["lines"])) for r in data] == [("red", 1), ("bare", 1)]
    data[0]["lines"][0]["amount"] = 4
    data[1]["lines"][0]["part"] = "joker"
    log.write_text(json.dumps(left), "utf-8")
    with engine.begin() as db:
        corrected = core.import_(db, log)
    assert (corrected.summary["created"], corrected.summary["updated"]) == (1, 1)


def test_rows_of_a_record_that_cannot_be_imported_are_not_imported_either(
    export: Callable[[], dict[str, Any]], take: Callable[..., Report], engine: Engine
) -> None:
    before = cards(engine)
    document = export()
    red = deck(document, "red")
    red["said"] = "x" * 30
    red["lines"][0]["amount"] = 99
    report = take(document, skip_errors=True)
    assert report.summary["errors"] == 3
    assert cards(engine) == before


@pytest.mark.parametrize("value", ["ace", {"part": "ace"}, 5])
def test_what_is_no_list_is_told_and_nothing_said_is_nothing_changed(
    export: Callable[[], dict[str, Any]], take: Callable[..., Report], value: Any
) -> None:
    document = export()
    deck(document, "blue")["lines"] = None
    del deck(document, "bare")["lines"]
    assert take(document).summary["unchanged"] == 5
    deck(document, "red")["lines"] = value
    with pytest.raises(ImportRefused) as refused:
        take(document)
    assert "takes a list of rows" in str(refused.value.problems[0])


def test_a_refreshed_file_shows_its_rows_as_they_are_now(
    export: Callable[[], dict[str, Any]],
    engine: Engine,
    core: Bakeio,
    tmp_path: Path,
) -> None:
    document = export()
    path = tmp_path / "decks.json"
    deck(document, "bare")["lines"].append({"part": "joker", "amount": 7})
    line(document, "red", "ace")["_delete"] = True
    path.write_text(json.dumps(document, indent=1), "utf-8")
    with engine.begin() as db:
        core.import_(db, path)
        assert core.refresh_view(db, path) == 3
    fresh = json.loads(path.read_text("utf-8"))
    assert fresh["records"] == export()["records"]


def test_a_narrowed_view_shows_the_rows_of_its_records_alone(
    engine: Engine, core: Bakeio, tmp_path: Path
) -> None:
    with engine.begin() as db:
        for fields, lists in ((["said"], None), (["lines"], [2])):
            path = tmp_path / "some.json"
            view = core.view("decks").narrow(fields=fields, limit=1)
            core.export_view(db, view, path, force=True)
            (record,) = json.loads(path.read_text("utf-8"))["records"]
            assert record["name"] == "red"
            assert (len(record["lines"]) if lists else record.get("lines")) == (lists or [None])[0]
        view = core.view("decks").narrow(missing=["said"])
        core.export_view(db, view, path, force=True)
        records = json.loads(path.read_text("utf-8"))["records"]
        assert [len(record["lines"]) for record in records] == [2, 0]


EDITS = st.lists(
    st.tuples(
        st.sampled_from(
            ["change", "add", "drop", "delete", "move", "exchange", "twice", "shuffle"]
        ),
        st.sampled_from(["red", "blue", "bare"]),
        st.sampled_from(["ace", "king", "joker"]),
        st.integers(1, 99),
        st.sampled_from(["red", "blue", "bare"]),
    ),
    max_size=6,
)


def edit(document: dict[str, Any], wanted: dict[tuple[str, str], Any], step: Any) -> None:
    """Edit a document as a person might, and say what the database is to hold then."""
    what, name, part, amount, other = step
    lines = deck(document, name)["lines"]
    found = [item for item in lines if item["part"] == part and "_delete" not in item]
    if what == "shuffle":
        lines.reverse()
    elif what == "add" and (name, part) not in wanted and not found:
        lines.append({"part": part, "amount": amount})
        wanted[name, part] = (float(amount), None)
    elif what == "change" and found:
        for item in found:
            item["amount"] = amount
        wanted[name, part] = (float(amount), wanted[name, part][1])
    elif what == "twice" and found:
        lines.append(dict(found[0]))
    elif what == "drop" and found and (name, part) in AT_FIRST and "_rev" in found[0]:
        if found[0]["_rev"] == line(AS_EXPORTED, name, part)["_rev"]:
            for item in found:  # an edit that nobody sends
                lines.remove(item)
            wanted[name, part] = AT_FIRST[name, part]
    elif what == "delete" and found and "_rev" in found[0]:
        for item in found:
            item["_delete"] = True
        del wanted[name, part]
    elif what == "move" and len(found) == 1 and (other, part) not in wanted:
        lines.remove(found[0])
        deck(document, other)["lines"].append(found[0])
        wanted[other, part] = wanted.pop((name, part))
    elif what == "exchange" and len(found) == 1 and other != name:
        theirs = deck(document, other)["lines"]
        back = [item for item in theirs if item["part"] == part and "_delete" not in item]
        if len(back) == 1 and has_room(wanted, part, name) and has_room(wanted, part, other):
            lines[lines.index(found[0])], theirs[theirs.index(back[0])] = back[0], found[0]
            both = (name, part), (other, part)
            wanted[both[0]], wanted[both[1]] = wanted[both[1]], wanted[both[0]]


def has_room(wanted: dict[tuple[str, str], Any], part: str, name: str) -> bool:
    """Tell whether one of two lines could step aside, so that they can exchange places."""
    taken = wanted.keys() | AT_FIRST.keys()
    places = [(other, part) for other in ("red", "blue", "bare")]
    places += [(name, other) for other in ("ace", "king", "joker")]
    return any(place not in taken for place in places)


AS_EXPORTED: dict[str, Any] = {}
AT_FIRST = {("red", "king"): (2.0, "x"), ("red", "ace"): (3.0, None), ("blue", "ace"): (1.5, None)}


@settings(
    max_examples=16, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=EDITS)
def test_whatever_is_edited_is_what_the_database_holds_and_undo_brings_back_what_it_was(
    export: Callable[[], dict[str, Any]],
    take: Callable[..., Report],
    engine: Engine,
    core: Bakeio,
    steps: list[Any],
) -> None:
    before, document = cards(engine), export()
    AS_EXPORTED.update(json.loads(json.dumps(document)))
    wanted = dict(before)
    for step in steps:
        edit(document, wanted, step)
    take(document)
    assert cards(engine) == wanted
    again = take(document).summary
    assert (again["created"], again["updated"], again.get("deleted", 0)) == (0, 0, 0)
    if wanted != before:
        with engine.begin() as db:
            core.undo(db)
    assert cards(engine) == before


def test_lines_move_to_where_others_move_away_from(
    export: Callable[[], dict[str, Any]], take: Callable[..., Report], engine: Engine, core: Bakeio
) -> None:
    before, document = cards(engine), export()
    for part, start, end in (("ace", "blue", "bare"), ("ace", "red", "blue")):
        moving = line(document, start, part)
        deck(document, start)["lines"].remove(moving)
        deck(document, end)["lines"].append(moving)
    take(document)
    there = dict(before)
    there["bare", "ace"] = there.pop(("blue", "ace"))
    there["blue", "ace"] = there.pop(("red", "ace"))
    assert cards(engine) == there
    with engine.begin() as db:
        undone = core.undo(db)
    assert (undone.exit_code, cards(engine)) == (0, before)


def test_lines_change_places_and_new_ones_take_what_others_leave(
    export: Callable[[], dict[str, Any]], take: Callable[..., Report], engine: Engine, core: Bakeio
) -> None:
    before, document = cards(engine), export()
    first, second = line(document, "red", "ace"), line(document, "blue", "ace")
    king = line(document, "red", "king")
    deck(document, "red")["lines"] = [second, {"part": "king", "amount": 1}]
    deck(document, "blue")["lines"] = [first]
    document["records"].append({"name": "green", "lines": [king]})  # leaves after it was taken
    report = take(document)
    assert (report.summary["updated"], report.summary["created"]) == (3, 2)
    assert cards(engine) == {
        ("red", "ace"): (1.5, None),
        ("red", "king"): (1, None),
        ("blue", "ace"): (3, None),
        ("green", "king"): (2, "x"),
    }
    with engine.begin() as db:
        undone = core.undo(db)
    assert (undone.exit_code, cards(engine)) == (0, before)


def test_unique_values_of_every_kind_change_hands(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    metadata = MetaData()
    shops = Entity(Table("shops", metadata, identity(), name()), keys=["name"])
    own = (name(), Column("rank", Integer, nullable=False), Column("opens", Date, unique=True))
    shelves = Table(
        "shelves",
        metadata,
        identity(),
        *own,
        Column("shop_id", ForeignKey("shops.id"), unique=True, nullable=False),
        UniqueConstraint("rank"),
    )
    editables = {n: editable(n) for n in ("rank", "opens")} | {"shop": editable("shop_id.name")}
    view = View("shelves", "shelves", {"id": readonly("id"), **editables})
    core, engine = guest(shops, Entity(shelves), views=[view]), connect(new_database())
    path, held = tmp_path / "shelves.json", "rank, opens, shop_id"
    with engine.begin() as db:
        core.create_tables(db)
        db.execute(text("INSERT INTO shops VALUES (1, 'north'), (2, 'south'), (3, 'none')"))
        for values in ("1, 'a', 1, '2026-01-01', 1", "2, 'b', 2, '2026-01-02', 2"):
            db.execute(text(f"INSERT INTO shelves VALUES ({values})"))
        before = [tuple(row) for row in db.execute(text(f"SELECT {held} FROM shelves ORDER BY id"))]
        core.export_view(db, "shelves", path)
        document = json.loads(path.read_text("utf-8"))
        one, other = document["records"]
        for field in editables:
            one[field], other[field] = other[field], one[field]
        path.write_text(json.dumps(document), "utf-8")
        assert core.import_(db, path).summary["updated"] == 2
        after = [tuple(row) for row in db.execute(text(f"SELECT {held} FROM shelves ORDER BY id"))]
        assert after == before[::-1]
        assert core.undo(db).exit_code == 0
        assert table(db, held, "shelves") == before
    engine.dispose()


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        (lambda: children("cards", fields={}), "entity.column"),
        (
            lambda: children("stickers.card_id", fields={"colour": editable("colour")}),
            "not a foreign",
        ),
        (
            lambda: children("cards.deck_id", fields={"deck": readonly("deck_id.name")}),
            "the record itself gives deck_id",
        ),
        (lambda: children("cards.deck_id", fields={"a": editable("colour")}), "colour"),
        (lambda: children("cards.deck_id", fields={"a": editable("said")}, key="b"), "key names b"),
        (lambda: children("cards.deck_id", fields={"a": LINES}), "a row of a list has fields"),
    ],
)
def test_a_list_that_does_not_fit_is_told_with_its_field(declared: Any, says: str) -> None:
    entities = [Entity(PARTS, keys=["name"]), Entity(DECKS, keys=["name"]), Entity(CARDS)]
    with pytest.raises(PluginError, match=says):
        made = guest(
            *entities, Entity(STICKERS), views=[View("decks", "decks", {**FIELDS, "l": declared()})]
        )
        broken = [p for p in made.plugins.all.values() if p.status == "failed"]
        raise PluginError(broken[0].reason)


def test_rows_without_a_key_are_told_apart_by_the_one_the_list_declares(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    listed = children("stickers.card_id", {"colour": editable("colour")}, key="colour")
    view = View("cards", "cards", {"id": readonly("id"), "stickers": listed})
    core = guest(Entity(PARTS), Entity(DECKS), Entity(CARDS), Entity(STICKERS), views=[view])
    engine = connect(new_database())
    with engine.begin() as db:
        core.create_tables(db)
        db.execute(text("INSERT INTO parts VALUES (1, 'ace')"))
        db.execute(text("INSERT INTO decks VALUES (1, 'red', NULL)"))
        db.execute(text("INSERT INTO cards VALUES (1, 1, 1, 2, NULL)"))
        db.execute(text("INSERT INTO stickers VALUES (1, 1, 'gold')"))
        path = tmp_path / "cards.json"
        core.export_view(db, "cards", path)
        document = json.loads(path.read_text("utf-8"))
        for item in document["records"][0]["stickers"]:
            item.pop("_rev")
        document["records"][0]["stickers"].append({"colour": "red"})
        path.write_text(json.dumps(document), "utf-8")
        report = core.import_(db, path)
        assert (report.summary["created"], report.summary["updated"]) == (1, 0)
        assert table(db, "card_id, colour", "stickers") == [(1, "gold"), (1, "red")]
    engine.dispose()
