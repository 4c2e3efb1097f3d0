"""Tables an application declared on metadata of its own: made where they are missing, proved,
restored and upgraded like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    DDL,
    CheckConstraint,
    Column,
    Date,
    Enum,
    ForeignKey,
    Integer,
    MetaData,
    Sequence,
    String,
    Table,
    event,
    insert,
    inspect,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from support.commands import Run
from support.hosts import guest, identity, name, table
from support.plugins import install

from bakeio_core import Bakeio, DatabaseError, Entity, View, connect, readonly


def shops(schema: str | None = None, *more: Any) -> tuple[Bakeio, dict[str, Table]]:
    """An application of two kinds of metadata; `secrets` is not an entity."""
    own, other = MetaData(schema=schema), MetaData()
    made = [
        Table(
            "shops",
            own,
            *(identity(), name()),
            Column("state", Enum("open", "shut", name="state")),
            Column("number", Integer, Sequence("shop_numbers", metadata=own)),
            Column("since", Date),
            *more,
        ),
        Table("towns", other, identity(), name()),
    ]
    made.append(
        Table("goods", own, identity(), name(), Column("shop_id", ForeignKey(made[0].c.id)))
    )
    Table("secrets", own, identity(), Column("shop_id", ForeignKey(made[0].c.id)))
    fields = {"name": readonly("name"), "twice": readonly(lambda tables: tables["shops"].c.id * 2)}
    core = guest(
        *(Entity(table, keys=["name"]) for table in made[1:]),
        Entity(made[0], keys=["name"], date="since"),
        views=[View(name="doubled", entity="shops", fields=fields)],
    )
    return core, {table.name: table for table in made}


def filled(db: Any, tables: dict[str, Table], **values: Any) -> None:
    db.execute(insert(tables["shops"]).values(id=1, name="s", state="open", number=4, **values))
    db.execute(insert(tables["goods"]).values(id=1, name="g", shop_id=1))
    db.execute(insert(tables["towns"]).values(id=1, name="t"))


def test_tables_are_made_where_they_are_missing_and_no_others(
    new_database: Callable[[], str],
) -> None:
    core, tables = shops()
    event.listen(
        tables["towns"], "after_create", DDL("INSERT INTO towns (id, name) VALUES (7, 'home')")
    )
    engine = connect(new_database())
    with engine.begin() as db:
        tables["shops"].create(db)
        made = core.create_tables(db)
        assert [name for name in made if not name.startswith("bakeio_")] == ["goods", "towns"]
        assert core.create_tables(db) == []
        assert core.upgrade(db) == []
        assert "secrets" not in inspect(db).get_table_names()
        assert table(db, "name", "towns") == [("home",)]
        db.execute(text("DELETE FROM towns"))
        filled(db, tables)
    engine.dispose()


@pytest.mark.parametrize("schema", [None, "shop"])
def test_a_set_is_proved_and_fills_an_empty_database_and_is_taken_back(
    new_postgresql: Callable[[], str], tmp_path: Path, schema: str | None
) -> None:
    core, tables = shops(
        schema,
        Column("extra", JSONB, server_default=text("'{}'::jsonb")),
        Column("code", String(9), CheckConstraint("code ~ '^[a-z]*$'")),
    )
    engine, other = connect(new_postgresql()), connect(new_postgresql())
    where = f"{schema}." if schema else ""
    with engine.begin() as db:
        assert f"{where}shops" in core.create_tables(db)
        filled(db, tables, extra={"a": [1, 0.5]}, code="x")
        done = core.export_complete(db, tmp_path / "set", prove=True)
        assert done.counts == {"shops": 1, "towns": 1, "goods": 1}
        db.execute(insert(tables["shops"]).values(id=2, name="old", since=date(2025, 1, 1)))
        late = core.export_complete(db, tmp_path / "late", since=date(2026, 1, 1))
        assert (late.counts["shops"], late.omitted_records) == (1, {"shops": 1})
        db.execute(tables["shops"].delete().where(tables["shops"].c.id == 2))
        core.export_view(db, "doubled", tmp_path / "v.json")
        assert '"twice":2' in (tmp_path / "v.json").read_text("utf-8")
        assert core.import_complete(db, tmp_path / "set").summary["unchanged"] == 3
    assert not core.validate(tmp_path / "set").errors
    with other.begin() as db:
        core.create_tables(db)
        assert core.import_complete(db, tmp_path / "set").summary["created"] == 3
        cells = "id, name, state, number, extra, code"
        assert list(db.execute(text(f"SELECT {cells} FROM {where}shops"))) == [
            (1, "s", "open", 4, {"a": [1, 0.5]}, "x")
        ]
        db.execute(
            text(f"CREATE TABLE kids (shop_id int REFERENCES {where}shops ON DELETE CASCADE)")
        )
        db.execute(text("INSERT INTO kids VALUES (1)"))
        undone = core.undo(db)
        assert (undone.exit_code, undone.summary["deleted"]) == (3, 2)
        db.execute(text(f"ALTER TABLE {where}shops DROP COLUMN code"))
        db.execute(text(f"DROP TABLE {where}goods"))
        with pytest.raises(DatabaseError, match="older than this bakeio"):
            core.import_complete(db, tmp_path / "set")
        assert core.upgrade(db) == [f"{where}goods", f"{where}shops.code"]
        assert core.import_complete(db, tmp_path / "set").summary["created"] == 2
    engine.dispose()
    other.dispose()


def test_a_table_may_refer_to_one_of_another_metadata(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    one, two = MetaData(), MetaData()
    kids = Table(
        "kids", one, identity(), name(), Column("parent_id", Integer, ForeignKey("parents.id"))
    )
    toys = Table("toys", one, identity(), name(), Column("kid_id", ForeignKey("kids.id")))
    parents = Table("parents", two, identity(), name())
    core = guest(*(Entity(table, keys=["name"]) for table in (toys, kids, parents)))
    engine, other = connect(new_database()), connect(new_database())
    with engine.begin() as db:
        core.create_tables(db)
        for statement in ("parents (id, name) VALUES (1, 'p')", "kids VALUES (1, 'k', 1)"):
            db.execute(text(f"INSERT INTO {statement}"))
        core.export_complete(db, tmp_path / "set", prove=True)
    with other.begin() as db:
        core.create_tables(db)
        assert core.import_complete(db, tmp_path / "set").summary["created"] == 2
        assert table(db, "name, parent_id", "kids") == [("k", 1)]
        assert core.undo(db).summary["deleted"] == 2
    engine.dispose()
    other.dispose()


def test_what_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    engine = connect(tmp_path / "x.db")
    for core, words in (
        (shops("shop")[0], r'no schema "shop": attach'),
        (
            shops(None, Column("made", String, server_default=text("now()::text")))[0],
            r"cannot make the tables shops, .* in this database: ",
        ),
    ):
        with engine.begin() as db, pytest.raises(DatabaseError, match=words):
            core.create_tables(db)
    engine.dispose()


PLUGIN = """
from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import DeclarativeBase, mapped_column
from bakeio_core import Entity, hookimpl

class Base(DeclarativeBase):
    pass

class Person(Base):
    __tablename__ = "people"
    id = mapped_column(Integer, primary_key=True)
    name = mapped_column(String(9), unique=True)

class Secret(Base):
    __tablename__ = "secrets"
    id = mapped_column(Integer, primary_key=True)

@hookimpl
def bakeio_entities():
    return Entity(Person.__table__, keys=["name"])
"""


def test_the_command_line_makes_proves_and_restores_them(
    new_database: Callable[[], str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "plugins", monkeypatch, "people", PLUGIN)
    url, other = new_database(), new_database()
    assert "people" in run("-d", url, "init", "--json").json["tables"]
    engine = connect(url)
    with engine.begin() as db:
        db.execute(text("INSERT INTO people (name) VALUES ('Ann')"))
        assert "secrets" not in inspect(db).get_table_names()
    engine.dispose()
    proved = run("-d", url, "export-complete", "-o", tmp_path / "set", "--prove", "--json")
    assert (proved.code, proved.json["proved"], proved.json["counts"]["people"]) == (0, True, 1)
    done = run("-d", other, "import-complete", tmp_path / "set", "--json")
    assert (done.code, done.json["summary"]["created"]) == (0, 1)
    assert run("-d", other, "upgrade", "--json").json["added"] == []
