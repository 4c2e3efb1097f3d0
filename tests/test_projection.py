"""What a view shows of rows its own rows refer to: the same whether they are joined or remembered,
whatever is computed of them.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Time,
    TypeDecorator,
    Uuid,
    func,
    literal,
    select,
)
from sqlalchemy.engine import Engine
from support.files import VIEWS

from bakeio_core import (
    Bakeio,
    Entity,
    ImportRefused,
    UsageError,
    View,
    connect,
    editable,
    hookimpl,
    identity_columns,
    key,
    readonly,
    values,
)
from bakeio_core.database.connect import begin_read, begin_write
from bakeio_core.errors import PluginError
from bakeio_core.files.revision import field_hash, hashing, revision_of
from bakeio_core.values.kinds.numbers import Bounds, all_shortest, shortest
from bakeio_core.values.kinds.text import Text


def exported(
    core: Bakeio, engine: Engine, view: str, path: Path, **narrowed: Any
) -> list[dict[str, Any]]:
    with begin_read(engine) as db:
        core.export_view(db, core.view(view).narrow(everything=True, **narrowed), path)
    return list(json.loads(path.read_text("utf-8"))["records"])


@pytest.mark.parametrize("view", VIEWS)
def test_referred_rows_say_the_same_joined_and_remembered(
    bakery: str, tmp_path: Path, core: Bakeio, view: str
) -> None:
    engine = connect(bakery)
    whole = exported(core, engine, view, tmp_path / "whole.json")
    assert len(whole) > 50
    assert (
        exported(core, engine, view, tmp_path / "limited.json", limit=len(whole)) == whole
    )  # joined: nothing is worth remembering
    engine.dispose()


class Reversed(TypeDecorator[str]):
    """Text that is stored backwards."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return value[::-1] if value is not None else None

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        return value[::-1] if value is not None else None


STORED = (
    "tags",
    "height",
    "serial",
    "weight",
    "size",
    "notes",
    "felled",
    "age",
    "watered",
    "tag_id",
    "bark",
    "backwards",
)


class Orchard:
    """Trees and the plots they stand on, some on none; with columns of every kind `_rev` has to
    tell apart.
    """

    @hookimpl
    def bakeio_entities(self, metadata: MetaData) -> list[Entity]:
        plots = Table(
            "plots",
            metadata,
            *identity_columns(),
            Column("slug", String(20), nullable=False, unique=True),
            Column("soil", String(20)),
        )
        trees = Table(
            "trees", metadata, *identity_columns(),
            Column("slug", String(20), nullable=False, unique=True),
            Column("plot_id", Integer, ForeignKey("plots.id")), Column("tags", JSON),
            Column("height", Float), Column("serial", BigInteger),
            Column("weight", Numeric(30, 10)), Column("size", Numeric(10, 3)),
            Column("notes", String(100)), Column("felled", Boolean),
            Column("age", Interval), Column("watered", Time), Column("tag_id", Uuid),
            Column("bark", LargeBinary), Column("backwards", Reversed(20)),
        )  # fmt: skip
        self.plots = plots
        return [Entity(plots, keys=["slug"]), Entity(trees, keys=["slug"])]

    @hookimpl
    def bakeio_views(self) -> View:
        def share(tables: Mapping[str, Table]) -> Any:
            return literal("100 % of ") + tables["trees"].c.slug

        def ground(plot: Any) -> Any:
            return func.coalesce(plot.soil, "unknown") + literal(" (50 %)")

        def alike(plot: Any) -> Any:
            return (
                select(func.count())
                .select_from(self.plots)
                .where(self.plots.c.soil.is_not_distinct_from(plot.soil))
                .scalar_subquery()
            )

        stored = {name: editable(name) for name in STORED}
        return View(
            name="trees", entity="trees",
            fields={"slug": key("slug"), "plot": editable("plot_id.slug"),
                    "ground": readonly("plot_id", ground), "share": readonly(share),
                    "alike": readonly("plot_id", alike), **stored},
        )  # fmt: skip


def tree(slug: str, plot: str | None, *values: Any) -> dict[str, Any]:
    return {"slug": slug, "plot": plot} | dict(zip(STORED, values, strict=True))


DAY, ID = timedelta(days=1), uuid.UUID(int=7)
TREES = [
    tree(
        "oak",
        "north",
        ["old", 1],
        12.5,
        2**60 + 1,
        1234.0625,
        1.5,
        None,
        False,
        DAY,
        time(6, 30),
        ID,
        b"rough",
        "abc",
    ),
    tree(
        "fir",
        "south",
        {"b": 1, "a": [None]},
        3,
        7,
        5,
        5,
        "ä",
        True,
        DAY / 7,
        time(0),
        None,
        b"",
        "aba",
    ),
    tree("elm", None, *[None] * len(STORED)),
    tree(
        "ash",
        "north",
        "one",
        -0.25,
        -(2**53) - 1,
        -1.5,
        0.125,
        "",
        None,
        -DAY,
        time(23, 59, 59),
        ID,
        b"\xff",
        "",
    ),
]
EDITS: dict[str, list[Any]] = {
    "tags": [["new"], [True], '["old", 1]', 1], "height": [12.75], "serial": [2**60 + 2],
    "weight": [5.5], "size": [2.5], "notes": ["mine"],
    "felled": [True], "age": [86401], "watered": ["06:31:00"], "tag_id": [str(uuid.UUID(int=8))],
    "bark": ["c21vb3Ro"], "backwards": ["cba"],
    "plot": ["south"],
}  # fmt: skip
CASES = [(field, value) for field, values in EDITS.items() for value in values]


@pytest.fixture
def orchard() -> Bakeio:
    return Bakeio.discover(plugins=[Orchard()])


@pytest.fixture
def planted(new_database: Callable[[], str], orchard: Bakeio) -> Iterator[Engine]:
    engine = connect(new_database())
    tables = orchard.catalog.metadata.tables
    with begin_write(engine) as db:
        orchard.create_tables(db)
        db.execute(
            tables["plots"].insert(),
            [
                {"id": n, "uuid": f"{n:036}", "slug": s, "soil": o}
                for n, s, o in ((1, "north", "clay"), (2, "south", None))
            ],
        )
        plots = {"north": 1, "south": 2, None: None}
        rows = [
            {**tree, "id": n, "uuid": f"{n:036}", "plot_id": plots[tree["plot"]]}
            for n, tree in enumerate(TREES, 1)
        ]
        db.execute(
            tables["trees"].insert(),
            [{name: value for name, value in row.items() if name != "plot"} for row in rows],
        )
    yield engine
    engine.dispose()


@pytest.mark.parametrize("narrowed", [{}, {"limit": 4}], ids=["remembered", "joined"])
def test_what_is_computed_of_a_referred_row_is_null_where_there_is_none(
    planted: Engine, orchard: Bakeio, tmp_path: Path, narrowed: dict[str, Any]
) -> None:
    records = exported(orchard, planted, "trees", tmp_path / "t.json", **narrowed)
    assert [record["ground"] for record in records] == [
        "clay (50 %)",
        "unknown (50 %)",
        None,
        "clay (50 %)",
    ]
    assert [record["plot"] for record in records] == ["north", "south", None, "north"]
    assert [record["alike"] for record in records] == [1, 1, None, 1]
    assert [record["share"] for record in records] == [f"100 % of {tree['slug']}" for tree in TREES]


def laid_out(
    path: Path, layout: str, change: Callable[[list[Any]], object] = lambda records: None
) -> Path:
    """Change a file's records and write it one record a line or indented, which is read fast, or
    with its header behind, which is read with care.
    """
    document = json.loads(path.read_text("utf-8"))
    change(document["records"])
    text = json.dumps(
        {"records": document["records"]} | document if layout == "header behind" else document,
        indent=2,
    )
    if layout == "lines":
        lines = ",\n".join(map(json.dumps, document.pop("records")))
        text = json.dumps(document, indent=2)[:-2] + f',\n  "records": [\n{lines}\n  ]\n}}\n'
    path.write_text(text, "utf-8")
    return path


LAYOUTS = pytest.mark.parametrize("layout", ["lines", "indented", "header behind"])


@LAYOUTS
def test_a_view_of_every_kind_of_column_comes_back_unedited_edited_and_edited_again(
    planted: Engine, orchard: Bakeio, tmp_path: Path, layout: str
) -> None:
    path = tmp_path / "t.json"
    exported(orchard, planted, "trees", path)
    with begin_write(planted) as db:
        assert orchard.import_(db, laid_out(path, layout)).summary["unchanged"] == len(TREES)
    for field, value in CASES:  # each from the same file, whose own earlier edit is no conflict
        with begin_write(planted) as db:
            laid_out(path, layout, lambda records: records[0].update({field: value}))
            report = orchard.import_(db, path)
        counts = {name: number for name, number in report.summary.items() if number}
        assert counts == {"processed": 4, "updated": 1, "unchanged": 3}, (field, value)
        shown = exported(orchard, planted, "trees", tmp_path / "now.json")[0][field]
        assert json.dumps(shown) == json.dumps(value)


@LAYOUTS
def test_an_edit_on_both_sides_is_a_conflict_in_every_kind_of_column(
    planted: Engine, orchard: Bakeio, tmp_path: Path, layout: str
) -> None:
    both = {
        "serial": (2**60 + 2, 2**60 + 3), "height": (12.75, 13.0), "notes": ("a", "b"),
        "tags": (["a"], ["b"]), "backwards": ("x", "y"),
        "weight": (1234.5, 7), "watered": ("07:00:00", time(8)), "age": (5, timedelta(seconds=6)),
        "tag_id": (str(ID), uuid.UUID(int=10)),
    }  # fmt: skip
    path = tmp_path / "t.json"
    exported(orchard, planted, "trees", path)
    trees = orchard.catalog.metadata.tables["trees"]
    with begin_write(planted) as db:
        db.execute(
            trees.update()
            .where(trees.c.id == 2)
            .values({field: there for field, (_, there) in both.items()})
        )
        laid_out(
            path,
            layout,
            lambda records: records[1].update({field: here for field, (here, _) in both.items()}),
        )
        problems = orchard.plan(db, path).report.problems
    assert {problem.field for problem in problems if problem.code == "conflict"} == both.keys()


def complaints(
    core: Bakeio, engine: Engine, path: Path
) -> list[tuple[str, int | None, str | None]]:
    """Return (code, record, field) of the errors for which a file is refused."""
    with begin_write(engine) as db, pytest.raises(ImportRefused) as refused:
        core.import_(db, path)
    return [
        (problem.code, problem.record, problem.field)
        for problem in refused.value.problems
        if problem.severity == "error"
    ]


BAD = [("height", "NaN"), ("height", True), ("height", "abc"), ("watered", "25:99"),
       ("tag_id", "zz"), ("bark", "%%%"), ("age", "long"),
       ("size", "1 1/2"), ("serial", 2**70), ("notes", "a\0b")]  # fmt: skip
LOST = [
    "2.50000000000000000001",
    "1.0000000000000001",
    "1e-400 ",
    "0.00000000000000000000000000001",
]


@LAYOUTS
def test_what_a_column_cannot_hold_is_named_in_every_layout(
    planted: Engine, orchard: Bakeio, tmp_path: Path, layout: str
) -> None:
    path = tmp_path / "t.json"
    exported(orchard, planted, "trees", path)
    clean = path.read_text("utf-8")
    for field, value in BAD:
        path.write_text(clean, "utf-8")
        laid_out(path, layout, lambda records: records[1].update({field: value}))
        assert complaints(orchard, planted, path) == [("bad-value", 2, field)], value


@pytest.mark.parametrize("joined", [False, True], ids=["one a line", "two on a line"])
def test_digits_a_double_would_lose_are_refused_wherever_the_record_stands(
    planted: Engine, orchard: Bakeio, tmp_path: Path, joined: bool
) -> None:
    path = tmp_path / "t.json"
    exported(orchard, planted, "trees", path)
    clean = laid_out(path, "lines", lambda records: records[3].update(size=777)).read_text("utf-8")
    if joined:
        first, second, *rest = clean.split("},\n{")
        clean = "},\n{".join([first, "}, {".join([second, rest[0]]), *rest[1:]])
    for digits in LOST:
        path.write_text(clean.replace("777", digits), "utf-8")
        assert complaints(orchard, planted, path) == [("bad-value", 4, "size")], digits


@pytest.mark.parametrize("order", ["tampered first", "tampered last"])
@LAYOUTS
def test_a_tampered_twin_does_no_harm_to_the_good_record(
    planted: Engine, orchard: Bakeio, tmp_path: Path, layout: str, order: str
) -> None:
    path = tmp_path / "t.json"
    exported(orchard, planted, "trees", path)

    def twice(records: list[Any]) -> None:
        tampered = records[0] | {"slug": "tampered"}
        records.insert(0 if order == "tampered first" else 1, tampered)

    with begin_write(planted) as db:
        report = orchard.import_(
            db, laid_out(path, layout, twice), skip_errors=True, skipped_log=tmp_path / "log.json"
        )
    assert report.summary["unchanged"] == 4
    assert report.summary["errors"] + report.summary["skipped"] == 1
    assert [p.code for p in report.problems if p.severity == "error"] == ["tampered-context"]


def test_a_rev_of_a_row_that_is_not_there_is_unknown_whatever_its_uuid(
    planted: Engine, orchard: Bakeio, tmp_path: Path
) -> None:
    path = tmp_path / "t.json"
    record = exported(orchard, planted, "trees", path)[0]
    revision = revision_of(orchard.catalog, orchard.view("trees"))
    forged = revision.make("", [record[name] for name in revision.fields])
    laid_out(path, "lines", lambda records: records[0].update(_rev=forged))
    with begin_write(planted) as db:
        assert orchard.plan(db, path).report.summary["errors"] == 1


def test_a_rev_of_another_layout_means_a_two_way_merge_that_says_so(
    planted: Engine, orchard: Bakeio, tmp_path: Path
) -> None:
    path = tmp_path / "t.json"
    exported(orchard, planted, "trees", path)
    document = json.loads(path.read_text("utf-8"))
    for record in document["records"]:
        record["_rev"] = "Gix7tFR6VkEp++DYpXuxHyWgeg/1j0c7n0d2bG9y"
    document["records"][0]["notes"] = "mine"
    path.write_text(json.dumps(document), "utf-8")
    with begin_write(planted) as db:
        report = orchard.import_(db, path)
    assert (report.summary["updated"], report.summary["unchanged"]) == (1, 3)
    assert ["_rev" in problem.message for problem in report.problems] == [True]


def test_a_row_to_compute_from_must_be_led_to_by_a_foreign_key() -> None:
    class Wrong(Orchard):
        @hookimpl
        def bakeio_views(self) -> View:
            return View(
                name="trees",
                entity="trees",
                fields={"slug": key("slug"), "x": readonly("notes", lambda row: row.soil)},
            )

    core = Bakeio.discover(plugins=[Wrong()])
    assert any(
        "notes is not a foreign key, so it leads to no row to compute from" in line
        for line in core.broken()
    )
    with pytest.raises(UsageError):
        core.view("trees")


def test_what_fails_while_it_computes_is_named_with_its_view(
    planted: Engine, tmp_path: Path
) -> None:
    class Failing(Orchard):
        @hookimpl
        def bakeio_views(self) -> View:
            return View(
                name="trees",
                entity="trees",
                fields={"slug": key("slug"), "x": readonly("plot_id", lambda row: row.rain)},
            )

    core = Bakeio.discover(plugins=[Failing()])
    with pytest.raises(
        PluginError,
        match=r'the view "trees" cannot be made: AttributeError: rain \(test_projection\.py:\d+\)$',
    ):
        exported(core, planted, "trees", tmp_path / "t.json")


def test_a_function_of_a_row_wants_the_path_to_it() -> None:
    with pytest.raises(PluginError, match="must be a path to a row"):
        readonly(lambda tables: tables["trees"].c.slug, lambda row: row.slug)


@given(
    pages=st.lists(
        st.lists(st.none() | st.text(st.sampled_from("ab\ud800é"), max_size=2), max_size=30),
        max_size=6,
    )
)
def test_the_hashes_of_a_columns_pages_are_those_of_its_values(pages: list[list[Any]]) -> None:
    for kind, values_of in (
        (Text(), pages),
        (
            values.Float(Bounds([])),
            [[None if value is None else len(value) / 2 for value in page] for page in pages],
        ),
    ):
        hashes = hashing(kind)
        assert [hashes(page) for page in values_of] == [
            [field_hash(value) for value in page] for page in values_of
        ]


numbers = (
    st.none()
    | st.integers()
    | st.floats()
    | st.decimals(places=3)
    | st.sampled_from([1e308, 5.0, -0.0])
)


@given(
    column=st.lists(numbers, max_size=8)
    | st.lists(st.floats(), max_size=8)
    | st.lists(st.decimals(places=2), max_size=8)
)
def test_numbers_of_a_column_are_shortened_as_each_of_them_is(column: list[Any]) -> None:
    assert repr(all_shortest(column)) == repr([shortest(number) for number in column])


class Beds:
    """Beds that a host's own tables identify by a column of the database's type for uuids."""

    @hookimpl
    def bakeio_entities(self, metadata: MetaData) -> Entity:
        uuids = Column("uuid", Uuid, unique=True, nullable=False)
        beds = Table("beds", metadata, Column("id", Integer, primary_key=True), uuids,
                     Column("slug", String(20), unique=True, nullable=False),
                     Column("notes", String(20)))  # fmt: skip
        return Entity(beds, keys=["slug"])

    @hookimpl
    def bakeio_views(self) -> View:
        return View(
            name="beds",
            entity="beds",
            fields={"bed_id": readonly("id"), "slug": key("slug"), "notes": editable("notes")},
        )


@LAYOUTS
def test_rows_may_be_identified_by_a_column_of_uuids(
    new_database: Callable[[], str], tmp_path: Path, layout: str
) -> None:
    core, path = Bakeio.discover(plugins=[Beds()]), tmp_path / "b.json"
    engine = connect(new_database())
    beds = core.catalog.entities["beds"].table
    with begin_write(engine) as db:
        core.create_tables(db)
        db.execute(
            beds.insert(),
            [{"id": n, "uuid": uuid.UUID(int=n), "slug": f"b{n}"} for n in range(1, 6)],
        )
    exported(core, engine, "beds", path)

    def without_bed_ids(records: list[Any]) -> None:
        for record in records:
            record.pop("bed_id")
        records[1].update(notes="b")

    edits: list[Callable[[list[Any]], object]] = [
        lambda records: None,
        lambda records: records[0].update(notes="a"),
        without_bed_ids,
    ]
    for place, edit in enumerate(edits):
        with begin_write(engine) as db:
            report = core.import_(db, laid_out(path, layout, edit))
        assert (report.summary["updated"], report.summary["unchanged"]) == (
            place > 0,
            5 - (place > 0),
        )
    path.write_text(
        json.dumps({"view_name": "beds", "records": [{"slug": "b9", "notes": "new"}]}), "utf-8"
    )
    with begin_write(engine) as db:
        assert core.import_(db, path).summary["created"] == 1
    with begin_read(engine) as db:
        assert core.refresh_view(db, path) == 1
    assert [record["bed_id"] for record in json.loads(path.read_text("utf-8"))["records"]] == [6]
    engine.dispose()
