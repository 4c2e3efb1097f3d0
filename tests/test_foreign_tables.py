"""Tables nobody declared: what refers to a row from there stays as it is, whatever the database
would do to it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import (
    Column,
    Engine,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)
from support.commands import Run
from support.hosts import guest, identity, name, table, write_records
from support.keyed_tables import contents, fill, keyed_bakeio, made
from support.plugins import install
from support.reports import codes

from bakeio_core import Bakeio, Entity, ImportRefused, connect

KEYED = keyed_bakeio()
ACTIONS = ("CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION")


class Shop:
    """An application of which bakeio knows three tables: makers, parts of makers, and regions.

    Its other tables, `kids` to `grandkids`, are its own matter.
    """

    def __init__(self) -> None:
        known, own = MetaData(), MetaData()
        makers = Table("makers", known, identity(), name(), Column("code", String(9), unique=True))
        parts = Table(
            "parts",
            known,
            identity(),
            name(),
            Column("maker_id", ForeignKey("makers.id", ondelete="CASCADE")),
            Column("above_id", ForeignKey("parts.id", ondelete="SET NULL")),
        )
        regions = Table(
            "regions",
            known,
            *(identity(), name(), Column("area", Integer), Column("number", Integer)),
            UniqueConstraint("area", "number"),
        )
        self.known, self.own = known, own
        self.core: Bakeio = guest(
            *(Entity(table, keys=["name"]) for table in (makers, parts, regions))
        )
        for copied in (makers, parts, regions):
            copied.to_metadata(own)
        self.kids = {
            action: Table(
                f"kid{number}",
                own,
                identity(),
                Column("maker_id", ForeignKey("makers.id", ondelete=action), server_default="1"),
            )
            for number, action in enumerate(ACTIONS)
        }
        Table(
            "grandkids",
            own,
            identity(),
            Column("kid_id", ForeignKey("kid0.id", ondelete="CASCADE")),
        )
        Table(
            "coded",
            own,
            identity(),
            Column("maker", ForeignKey("makers.code", ondelete="CASCADE", onupdate="CASCADE")),
        )
        Table(
            "tagged",
            own,
            identity(),
            Column("maker", ForeignKey("makers.code", ondelete="CASCADE", onupdate="SET NULL")),
        )
        Table(
            "stays",
            own,
            identity(),
            *(Column("a", Integer), Column("n", Integer)),
            ForeignKeyConstraint(
                ["a", "n"], ["regions.area", "regions.number"], ondelete="SET NULL"
            ),
        )

    def everything(self, engine: Engine) -> dict[str, list[Any]]:
        """All rows of all tables, but for those of bakeio."""
        with engine.connect() as db:
            return {name: table(db, "*", name) for name in self.own.tables}


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture
def engine(new_database: Callable[[], str], shop: Shop) -> Iterator[Engine]:
    made = connect(new_database())
    with made.begin() as db:
        shop.own.create_all(db)
        shop.core.create_tables(db)
        db.execute(text("INSERT INTO makers VALUES (1, 'first', 'f')"))
    yield made
    made.dispose()


def sql(engine: Engine, *statements: str) -> None:
    with engine.begin() as db:
        for statement in statements:
            db.execute(text(statement))


def imported(engine: Engine, shop: Shop, path: Path, entity: str, *records: Any) -> None:
    with engine.begin() as db:
        shop.core.import_(db, write_records(path, entity, *records))


def test_undo_keeps_and_names_the_rows_others_refer_to_whatever_the_foreign_key_would_do(
    engine: Engine, shop: Shop, tmp_path: Path
) -> None:
    names = [f"m{number}" for number in range(len(ACTIONS))]
    records = [{"name": name, "code": name} for name in (*names, "coded", "tagged", "free")]
    imported(engine, shop, tmp_path / "makers.json", "makers", *records)
    with engine.connect() as db:
        ids = dict(table(db, "name, id", "makers"))
    for number, maker in enumerate(names):
        refer = f"INSERT INTO kid{number} (maker_id) VALUES ({ids[maker]})"
        sql(engine, refer, *[refer] * (number == 0))
    sql(
        engine,
        "INSERT INTO grandkids (kid_id) VALUES (1)",
        "INSERT INTO coded (maker) VALUES ('coded')",
        "INSERT INTO tagged (maker) VALUES ('tagged')",
    )
    before = shop.everything(engine)
    with engine.begin() as db:
        undone = shop.core.undo(db)
    assert undone.exit_code == 3
    assert (undone.summary["deleted"], undone.summary["skipped"]) == (1, 7)
    told = {p.record: p.message for p in undone.problems}
    assert told[1] == 'makers name "m0": is referred to by 2 rows of kid0 (maker_id): kept'
    assert all(f"1 row of kid{number} (maker_id)" in told[number + 1] for number in range(1, 5))
    assert "1 row of coded (maker)" in told[6] and "1 row of tagged (maker)" in told[7]
    after = shop.everything(engine)
    before["makers"].remove((ids["free"], "free", "free"))
    assert after == before


PLUGIN = """
from sqlalchemy import Column, Integer, MetaData, String, Table
from bakeio_core import Entity, hookimpl

@hookimpl
def bakeio_entities(metadata):
    columns = [Column("id", Integer, primary_key=True), Column("name", String(9), unique=True)]
    return Entity(Table("makers", metadata, *columns), keys=["name"])
"""


def test_the_command_line_keeps_and_names_them_and_refuses_too(
    new_database: Callable[[], str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "plugins", monkeypatch, "makers", PLUGIN)
    url = new_database()
    assert run("-d", url, "init").code == 0
    assert run("-d", url, "export-complete", "-o", tmp_path / "set").code == 0
    file = write_records(tmp_path / "m.json", "makers", {"name": "a"}, {"name": "b"})
    assert run("-d", url, "import", file).code == 0
    engine = connect(url)
    sql(
        engine,
        "CREATE TABLE kids (maker_id INTEGER REFERENCES makers (id) ON DELETE CASCADE)",
        "INSERT INTO kids SELECT id FROM makers WHERE name = 'a'",
    )
    replace = ("-d", url, "import-complete", tmp_path / "set", "--mode", "replace", "--yes")
    refused = run(*replace, "--json")
    assert (refused.code, codes(refused.json)) == (1, {"constraint"})
    assert "1 row of kids (maker_id)" in run(*replace).out
    dry, done = run("-d", url, "undo", "--dry-run", "--json"), run("-d", url, "undo", "--json")
    assert (dry.code, done.code) == (3, 3)
    assert dry.json["problems"] == done.json["problems"]
    assert done.json["problems"][0]["message"] == (
        'makers name "a": is referred to by 1 row of kids (maker_id): kept'
    )
    with engine.connect() as db:
        assert table(db, "name", "makers") == [("a",)]
        assert len(table(db, "*", "kids")) == 1
    engine.dispose()


def test_a_run_of_which_everything_is_in_use_stands_until_it_is_not(
    engine: Engine, shop: Shop, tmp_path: Path
) -> None:
    imported(engine, shop, tmp_path / "m.json", "makers", {"name": "x"})
    sql(engine, "INSERT INTO kid0 (maker_id) SELECT id FROM makers WHERE name = 'x'")
    before = shop.everything(engine)
    with engine.begin() as db:
        kept = shop.core.undo(db)
        assert (kept.exit_code, kept.run) == (3, None)
        assert [entry["id"] for entry in shop.core.runs(db)] == [1]
        assert kept.text().endswith("Nothing was undone: 1 skipped.")
    assert shop.everything(engine) == before
    sql(engine, "DELETE FROM kid0")
    with engine.begin() as db:
        assert shop.core.undo(db).exit_code == 0
        assert table(db, "name", "makers") == [("first",)]


def test_what_a_row_in_use_refers_to_stays_with_it_and_all_others_go(
    engine: Engine, shop: Shop, tmp_path: Path
) -> None:
    sql(
        engine,
        "CREATE TABLE labels (part_id INTEGER REFERENCES parts (id) ON DELETE CASCADE)",
    )
    records = [{"name": "wheel"}, {"name": "rim", "above_name": "wheel"}, {"name": "bell"}]
    imported(engine, shop, tmp_path / "p.json", "parts", *records)
    sql(engine, "INSERT INTO labels SELECT id FROM parts WHERE name = 'rim'")
    with engine.begin() as db:
        undone = shop.core.undo(db)
        assert table(db, "name", "parts") == [("rim",), ("wheel",)]
        assert [row[0] is None for row in table(db, "above_id", "parts WHERE name = 'rim'")] == [
            False
        ]
    assert undone.exit_code == 3
    said = [problem.message for problem in undone.problems]
    assert "1 row of labels (part_id)" in said[1] and "is referred to by parts id" in said[0]


def test_a_composite_reference_keeps_its_row(engine: Engine, shop: Shop, tmp_path: Path) -> None:
    records = [{"name": f"r{n}", "area": 1, "number": n} for n in range(3)]
    imported(engine, shop, tmp_path / "r.json", "regions", *records)
    sql(engine, "INSERT INTO stays (a, n) VALUES (1, 1), (1, NULL)")
    with engine.begin() as db:
        undone = shop.core.undo(db)
        assert table(db, "name", "regions") == [("r1",)]
        assert table(db, "a, n", "stays WHERE n IS NOT NULL") == [(1, 1)]
    assert "1 row of stays (a, n)" in undone.problems[0].message


@pytest.mark.parametrize("number", range(len(ACTIONS)))
def test_a_replacement_is_refused_where_undeclared_rows_refer_to_what_it_would_delete(
    engine: Engine, shop: Shop, tmp_path: Path, number: int
) -> None:
    with engine.begin() as db:
        shop.core.export_complete(db, tmp_path / "set")
    sql(
        engine,
        "INSERT INTO makers VALUES (7, 'new', 'n'), (8, 'used', 'u')",
        f"INSERT INTO kid{number} (maker_id) VALUES (8), (8), (1)",
    )
    before = shop.everything(engine)
    for dry_run in (True, False):
        with pytest.raises(ImportRefused) as refused, engine.begin() as db:
            shop.core.import_complete(db, tmp_path / "set", mode="replace", dry_run=dry_run)
        assert [p.code for p in refused.value.report.problems] == ["constraint"]
        message = str(refused.value)
        assert "the set lacks 1 row of makers (first: id 8)" in message
        assert f"referred to by 2 rows of kid{number} (maker_id)" in message
        assert shop.everything(engine) == before
    sql(engine, f"DELETE FROM kid{number} WHERE maker_id = 8")
    with engine.begin() as db:
        report = shop.core.import_complete(db, tmp_path / "set", mode="replace")
        assert report.summary["deleted"] == 2
        assert table(db, "maker_id", f"kid{number}") == [(1,)]


def test_a_replacement_leaves_the_names_by_which_undeclared_rows_refer(
    engine: Engine, shop: Shop, tmp_path: Path
) -> None:
    with engine.begin() as db:
        shop.core.export_complete(db, tmp_path / "set")
    sql(
        engine,
        "INSERT INTO makers VALUES (8, 'used', 'u')",
        "INSERT INTO tagged (maker) VALUES ('u')",
    )
    before = shop.everything(engine)
    with pytest.raises(ImportRefused, match=r"1 row of tagged \(maker\)"), engine.begin() as db:
        shop.core.import_complete(db, tmp_path / "set", mode="replace")
    assert shop.everything(engine) == before


def test_an_update_by_which_others_would_lose_their_reference_is_refused_and_one_they_follow_not(
    engine: Engine, shop: Shop, tmp_path: Path
) -> None:
    sql(
        engine,
        "INSERT INTO makers VALUES (7, 'followed', 'a'), (8, 'lost', 'b')",
        "INSERT INTO coded (maker) VALUES ('a')",
        "INSERT INTO tagged (maker) VALUES ('b')",
    )
    before = shop.everything(engine)
    file = write_records(
        tmp_path / "m.json", "makers", {"name": "followed", "code": "c"}, {"name": "lost"}
    )
    with engine.begin() as db:
        shop.core.import_(db, file)
        assert table(db, "maker", "coded") == [("c",)]
        assert shop.core.undo(db).exit_code == 0
    assert shop.everything(engine) == before
    write_records(file, "makers", {"name": "lost", "code": "d"})
    with pytest.raises(ImportRefused) as refused, engine.begin() as db:
        shop.core.import_(db, file)
    problem = refused.value.problems[0]
    assert (problem.code, problem.record) == ("constraint", 1)
    assert "1 row of tagged (maker) would lose its row" in problem.message
    assert shop.everything(engine) == before


def test_undo_does_not_take_back_a_name_by_which_others_refer_now(
    engine: Engine, shop: Shop, tmp_path: Path
) -> None:
    imported(engine, shop, tmp_path / "m.json", "makers", {"name": "first", "code": "g"})
    sql(engine, "INSERT INTO tagged (maker) VALUES ('g')")
    before = shop.everything(engine)
    with engine.begin() as db:
        undone = shop.core.undo(db)
    assert undone.exit_code == 3
    assert "1 row of tagged (maker), which would lose it" in undone.problems[0].message
    assert shop.everything(engine) == before


def test_rows_of_another_schema_and_rows_this_user_may_not_read_are_not_lost(
    new_postgresql: Callable[[], str], shop: Shop, tmp_path: Path
) -> None:
    url = new_postgresql()
    owner = connect(url)
    user = f"guest_{Path(tmp_path).name}".replace("-", "_")[:40].lower()
    with owner.begin() as db:
        shop.own.create_all(db)
        shop.core.create_tables(db)
        for statement in (
            "CREATE SCHEMA other",
            "CREATE TABLE other.seen (maker_id int REFERENCES makers ON DELETE CASCADE)",
            'CREATE TABLE other."Hidden" (maker_id int REFERENCES makers ON DELETE SET NULL)',
            f"CREATE USER {user} PASSWORD 'x'",
            f"GRANT USAGE ON SCHEMA other TO {user}",
            f"GRANT SELECT ON other.seen TO {user}",
            f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}",
            f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {user}",
        ):
            db.execute(text(statement))
    imported(owner, shop, tmp_path / "m.json", "makers", {"name": "a"}, {"name": "b"})
    sql(owner, "INSERT INTO other.seen SELECT id FROM makers WHERE name = 'a'")
    try:
        with owner.begin() as db:
            db.execute(text(f"SET ROLE {user}"))
            hidden = shop.core.undo(db)
            db.execute(text("RESET ROLE"))
        assert hidden.exit_code == 3
        assert hidden.summary["deleted"] == 0
        message = hidden.problems[0].message
        assert "1 row of other.seen (maker_id)" in message
        assert 'rows of other."Hidden" (maker_id), which this user may not read' in message
        with owner.begin() as db:
            assert shop.core.undo(db).summary["deleted"] == 1
            assert len(table(db, "*", "other.seen")) == 1
    finally:
        sql(owner, f"DROP OWNED BY {user}", f"DROP USER {user}")
        owner.dispose()


def test_a_reference_that_is_being_made_meanwhile_is_waited_for_and_kept(
    new_postgresql: Callable[[], str], shop: Shop, tmp_path: Path
) -> None:
    url = new_postgresql()
    engine = connect(url)
    with engine.begin() as db:
        shop.own.create_all(db)
        shop.core.create_tables(db)
    imported(engine, shop, tmp_path / "m.json", "makers", {"name": "a"})
    with closing(psycopg.connect(url)) as other:
        other.execute("INSERT INTO kid0 (maker_id) SELECT id FROM makers")

        def commit() -> None:
            time.sleep(0.4)
            other.commit()

        thread = threading.Thread(target=commit)
        thread.start()
        with engine.begin() as db:
            undone = shop.core.undo(db)
        thread.join()
    assert undone.exit_code == 3
    with engine.begin() as db:
        assert len(table(db, "*", "kid0")) == len(table(db, "*", "makers")) == 1
    engine.dispose()


# -- rows of every kind of key, and tables that refer to each other
@pytest.fixture
def keyed(new_database: Callable[[], str], tmp_path: Path) -> Iterator[Engine]:
    """A database into which a set of rows of every kind of key was imported."""
    source, engine = made(new_database()), made(new_database())
    with source.begin() as db:
        fill(db)
        KEYED.export_complete(db, tmp_path / "set")
    source.dispose()
    with engine.begin() as db:
        KEYED.import_complete(db, tmp_path / "set")
    yield engine
    engine.dispose()


def test_a_ring_of_rows_goes_and_comes_again(keyed: Engine) -> None:
    full = contents(keyed)
    empty: dict[str, list[str]] = {entity: [] for entity in full}
    for wanted in (empty, full, empty):
        with keyed.begin() as db:
            last = KEYED.runs(db)[0]["id"]
            undone = KEYED.undo(db, last)
            assert (undone.exit_code, undone.problems) == (0, [])
        assert contents(keyed) == wanted


def test_a_ring_of_rows_a_set_lacks_is_replaced_and_comes_again(
    keyed: Engine, new_database: Callable[[], str], tmp_path: Path
) -> None:
    empty, full = made(new_database()), contents(keyed)
    with empty.begin() as db:
        KEYED.export_complete(db, tmp_path / "nothing")
    empty.dispose()
    with keyed.begin() as db:
        report = KEYED.import_complete(db, tmp_path / "nothing", mode="replace")
        assert report.summary["deleted"] == sum(map(len, full.values()))
    assert not any(contents(keyed).values())
    with keyed.begin() as db:
        undone = KEYED.undo(db)
        assert (undone.exit_code, undone.problems) == (0, [])
    assert contents(keyed) == full


def test_rows_of_every_kind_of_key_are_kept_where_strangers_refer_to_them(
    keyed: Engine, tmp_path: Path
) -> None:
    uuid_type = "uuid" if keyed.dialect.name == "postgresql" else "CHAR(32)"
    sql(
        keyed,
        f"CREATE TABLE of_boxes (box_id {uuid_type} REFERENCES boxes ON DELETE CASCADE)",
        "INSERT INTO of_boxes SELECT id FROM boxes WHERE name = 'one'",
        "CREATE TABLE of_lines (item_id int, line int, part varchar(9), FOREIGN KEY (item_id, "
        "line, part) REFERENCES lines (item_id, line, part) ON DELETE CASCADE)",
        "INSERT INTO of_lines VALUES (11, 1, 'a/1'), (11, 1, 'a/1'), (11, NULL, '~')",
        "CREATE TABLE of_runs (run_id int REFERENCES runs ON DELETE SET NULL)",
        "INSERT INTO of_runs VALUES (1)",
    )
    before = contents(keyed)
    with keyed.begin() as db:
        undone = KEYED.undo(db)
        counts = [f"SELECT count(*) FROM of_{which}" for which in ("boxes", "lines", "runs")]
        assert [db.scalar(text(count)) for count in counts] == [1, 3, 1]
        assert table(db, "run_id", "of_runs") == [(1,)]
    left = contents(keyed)
    # the line needs its item and the line before; the item its box and tag, the box its unit;
    # the run its snapshot, that the other run, and so on round the ring
    kept = {"units": 1, "boxes": 1, "lines": 2, "Items": 1, "tags": 1, "runs": 2, "snapshots": 2}
    assert {of: len(rows) for of, rows in left.items() if rows} == kept
    assert all({*left[of]} <= {*before[of]} for of in kept)
    said = "\n".join(problem.message for problem in undone.problems)
    assert undone.exit_code == 3
    assert "1 row of of_boxes (box_id)" in said
    assert "2 rows of of_lines (item_id, line, part)" in said
    assert "1 row of of_runs (run_id)" in said
