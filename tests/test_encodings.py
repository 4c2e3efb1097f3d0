"""Databases whose texts are not encoded in UTF-8, and values that have no form in files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, String, Table, text
from support.hosts import guest, identity, name, table

from bakeio_core import BakeioError, Entity, ExportRefused, connect

THINGS = Table("things", MetaData(), identity(), name(), Column("note", String(50)))
WORDS = Table(
    "words", MetaData(), Column("word", String(9), primary_key=True), Column("note", String(50))
)
CORE = guest(Entity(THINGS, keys=["name"]), Entity(WORDS))


def test_a_character_the_database_has_no_place_for_blocks_its_record_alone(
    new_postgresql: Callable[..., str], tmp_path: Path
) -> None:
    engine, path = connect(new_postgresql(encoding="LATIN1")), tmp_path / "žito.json"
    records = [{"name": "Café"}, {"name": "Žižkov"}, {"name": "c", "note": "\U0001f35e"}]
    path.write_text(json.dumps({"entity_type": "things", "records": records}), "utf-8")
    with engine.begin() as db:
        CORE.create_tables(db)
        report = CORE.import_(db, path, skip_errors=True)
        again = CORE.import_(db, path, skip_errors=True)
        assert table(db, "name", "things") == [("Café",)]
    errors = [(p.record, p.field, p.code) for p in report.problems if p.severity == "error"]
    assert errors == [(2, "name", "bad-value"), (3, "note", "bad-value")]
    assert 'has "Ž", for which this database has no place (it is encoded in LATIN1)' in str(
        report.problems
    )
    assert (report.summary["created"], again.summary["unchanged"]) == (1, 1)
    engine.dispose()


@pytest.mark.parametrize("system", ["sqlite", "postgresql"])
def test_a_text_that_is_no_utf8_is_named_and_an_undo_does_not_make_another_one_of_it(
    system: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url, stored = str(tmp_path / "a.db"), "CAST(x'436166e9' AS text)"
    if system == "postgresql":
        url = request.getfixturevalue("new_postgresql")(encoding="SQL_ASCII")
        stored = r"convert_from('\x436166e9', 'SQL_ASCII')"
    engine, folder = connect(url), tmp_path / "set"
    with engine.begin() as db:
        CORE.create_tables(db)
        db.execute(text("INSERT INTO things VALUES (1, 'tea', 'Thé'), (2, 'bun', 'x')"))
        db.execute(text("INSERT INTO words VALUES ('tea', 'Thé')"))
        CORE.export_complete(db, folder, prove=True)
        assert CORE.import_(db, folder).summary["unchanged"] == 3
        db.exec_driver_sql(f"UPDATE things SET note = {stored} WHERE id = 1")
        db.exec_driver_sql(f"UPDATE words SET note = {stored}")
        with pytest.raises(ExportRefused) as refused:
            CORE.export_complete(db, tmp_path / "other")
        why = "holds bytes that are not text, x'436166e9'"
        assert sorted(map(str, refused.value.problems)) == [
            f"table things, note: row 1 (tea): {why}",
            f"table words, note: row tea: {why}",
        ]
        CORE.export_complete(db, tmp_path / "gaps", as_stored=True)
        assert CORE.import_(db, tmp_path / "gaps").summary["unchanged"] == 3
        with pytest.raises(ExportRefused):  # they are there yet: no null has taken their place
            CORE.export_complete(db, tmp_path / "other")
        assert CORE.import_(db, folder).summary["updated"] == 2
        with pytest.raises(BakeioError, match="note was x'436166e9' before, which nothing can"):
            CORE.undo(db)
        assert table(db, "note", "things") == [("Thé",), ("x",)]
    engine.dispose()
