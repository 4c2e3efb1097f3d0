"""Of many entities a report, a preview and an export tell those that have something to say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, Table, text
from support.commands import Run
from support.files import edit_set
from support.hosts import guest, identity, name
from support.plugins import install

from bakeio_core import Bakeio, Entity, ImportRefused, connect

MANY = 30


@pytest.fixture(scope="module")
def core() -> Bakeio:
    metadata = MetaData()
    tables = [Table(f"t{n:02}", metadata, identity(), name()) for n in range(MANY)]
    return guest(*(Entity(table, keys=["name"]) for table in tables))


@pytest.fixture
def engine(tmp_path: Path, core: Bakeio) -> Iterator[Engine]:
    made = connect(tmp_path / "many.db")
    with made.begin() as db:
        core.create_tables(db)
        db.execute(text("INSERT INTO t03 VALUES (1, 'a')"))
        db.execute(text("INSERT INTO t07 VALUES (1, 'b')"))
        core.export_complete(db, tmp_path / "set")
    yield made
    made.dispose()


def lines(report: str) -> list[str]:
    """The names of the entities a report tells of."""
    return [line.split()[0] for line in report.splitlines() if line.startswith("  t")]


def test_a_report_tells_of_the_entities_that_have_records_and_a_refusal_of_those_to_blame(
    engine: Engine, core: Bakeio, tmp_path: Path
) -> None:
    with engine.begin() as db:
        assert lines(core.import_complete(db, tmp_path / "set").text()) == ["t03", "t07"]
        file = next((tmp_path / "set").glob("*t07.json")).name
        edit_set(tmp_path / "set", file, lambda rows: rows[0].update(name=5.5), layout=json.dumps)
        with pytest.raises(ImportRefused) as refused:
            core.import_complete(db, tmp_path / "set")
        assert lines(refused.value.report.text()) == ["t07"]
        assert len(refused.value.report.as_dict()["entities"]) == MANY
        (tmp_path / "set" / file).unlink()
        with pytest.raises(ImportRefused) as refused:
            core.import_complete(db, tmp_path / "set")
        assert lines(refused.value.report.text()) == []


def test_the_command_line_prints_no_zeros(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f"""
from sqlalchemy import Column, Integer, String, Table
from bakeio_core import Entity, hookimpl

@hookimpl
def bakeio_entities(metadata):
    return [
        Entity(
            Table(
                f"t{{n:02}}", metadata,
                Column("id", Integer, primary_key=True), Column("name", String(9), unique=True),
            ),
            keys=["name"],
        )
        for n in range({MANY})
    ]
"""
    install(tmp_path / "plugins", monkeypatch, "many", code)
    url = tmp_path / "x.db"
    assert run("-d", url, "init").code == 0
    engine = connect(url)
    with engine.begin() as db:
        db.execute(text("INSERT INTO t03 VALUES (1, 'a')"))
    engine.dispose()
    exported = run("-d", url, "export-complete", "-o", tmp_path / "set")
    assert lines(exported.out) == ["t03"]
    assert "without records: " in exported.out and "t04" in exported.out
    for words in ((), ("--dry-run",), ("--mode", "replace", "--yes")):
        done = run("-d", url, "import-complete", tmp_path / "set", *words)
        assert lines(done.out) == ["t03"]
    (tmp_path / "set" / "manifest.json").write_text("{}", "utf-8")
    assert lines(run("-d", url, "import-complete", tmp_path / "set").out) == []
