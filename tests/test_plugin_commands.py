"""A command of a plugin works with the same session as those of bakeio, and fails as they do.

A program makes a session of an engine it has.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from support.commands import Run
from support.plugins import install

from bakeio_core import Bakeio, DatabaseError, Session, begin_write, connect

CODE = '''
import click
from bakeio_core import DocumentError, Session, json_option


@click.command()
@click.argument("how")
@json_option
@click.pass_obj
def bake(session: Session, how: str, as_json: bool) -> None:
    """Bake."""
    session.say("it gets warm")
    with session.reading() as db:
        runs = len(session.bakeio.runs(db))
    if how == "badly":
        raise DocumentError("bread.json: it is burnt. Bake it again")
    if how == "wildly":
        raise KeyError("flour")
    if how == "carefully":
        session.confirm("Really?")
    if as_json:
        session.result_json({"runs": runs})
    else:
        session.result(f"baked after {runs} run of {session.database}")
'''


README = Path(__file__).parent.parent / "plugins" / "README.md"


@pytest.fixture
def bake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution with the command `bake`."""
    entry = "[bakeio.commands]\nbake = bakeio_ovens:bake\n"
    install(tmp_path / "ovens", monkeypatch, "bakeio_ovens", CODE, "2.1", entry)


def test_a_command_of_a_plugin_uses_the_database_and_prints_as_others(
    bake: None, run: Run, bakery: str
) -> None:
    done = run("-d", bakery, "bake", "well")
    assert (done.code, done.out, done.err) == (
        0,
        f"baked after 1 run of {bakery}\n",
        "it gets warm\n",
    )
    assert run("-q", "-d", bakery, "bake", "well").err == ""
    assert run("-d", bakery, "bake", "well", "--json").json == {"runs": 1}


def test_an_error_of_bakeio_in_a_plugins_command_is_a_message_with_its_exit_code(
    bake: None, run: Run, sample: Path, tmp_path: Path
) -> None:
    burnt = run("-q", "-d", sample, "bake", "badly")
    assert (burnt.code, burnt.err) == (1, "Error: bread.json: it is burnt. Bake it again\n")
    nowhere = run("-d", tmp_path / "none.db", "bake", "well")
    assert (nowhere.code, "run: bakeio init" in nowhere.err) == (1, True)
    assert run("-d", sample, "bake").code == 2


def test_any_other_exception_of_a_plugins_command_is_a_message_with_its_name(
    bake: None, run: Run, sample: Path
) -> None:
    done = run("-q", "-d", sample, "bake", "wildly")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(
        "Error: the command bake of bakeio_ovens 2.1 failed: KeyError: 'flour' (bakeio_ovens.py:"
    )
    said = json.loads(run("-d", sample, "bake", "wildly", "--json").out)
    assert said["error"]["code"] == "plugin-error"


def test_who_does_not_agree_ends_a_plugins_command_with_nothing_done(
    bake: None, run: Run, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    done = run("-q", "-d", sample, "bake", "carefully")
    assert (done.code, done.out) == (1, "")
    assert "Really? [y/N]" in done.err


def test_the_command_of_the_guide_for_plugins_works(
    run: Run, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = README.read_text("utf-8").split("```python\n")[1].split("```")[0]
    entry = "[bakeio.commands]\nempties = bakeio_empties:empties\n"
    install(tmp_path / "empties", monkeypatch, "bakeio_empties", code, "1.0", entry)
    assert run("-d", sample, "empties").out == "All of them have rows.\n"
    assert run("-d", tmp_path / "new.db", "init").code == 0
    assert "products" in run("-d", tmp_path / "new.db", "empties", "--json").json["empty"]


def test_a_session_of_a_hosts_own_engine_uses_its_connections(bakery: str, core: Bakeio) -> None:
    engine = create_engine(connect(bakery).url)
    session = Session(engine, bakeio=core)
    with session.reading() as db:
        assert db.engine is engine
        before = core.runs(db)
    with pytest.raises(ZeroDivisionError):
        session.write(lambda db: (db.exec_driver_sql("DELETE FROM inventory_items"), 1 / 0))
    with session.reading() as db:
        assert core.runs(db) == before
        assert db.exec_driver_sql("SELECT count(*) FROM inventory_items").scalar()
    assert session.bakeio is core
    engine.dispose()


def test_a_session_does_not_wait_for_ever_while_its_host_is_writing(
    bakery: str, core: Bakeio
) -> None:
    args = {"timeout": 0.2} if connect(bakery).dialect.name == "sqlite" else {}
    engine = create_engine(connect(bakery).url, connect_args=args)
    session = Session(engine, wait=0.2, bakeio=core)
    with begin_write(engine) as host:
        host.exec_driver_sql("UPDATE products SET notes = 'x' WHERE id = 1")
        with pytest.raises(DatabaseError) as refused:
            session.write(
                lambda db: db.exec_driver_sql("UPDATE products SET notes = 'y' WHERE id = 1")
            )
    assert refused.value.code == "locked"
    engine.dispose()
