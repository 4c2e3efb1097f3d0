"""JSON columns: every document comes back, and null is told from null."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Column
from sqlalchemy.dialects.postgresql import JSONB
from support.databases import sql
from support.files import document
from support.tables import bakeio_with, made, reading, things, writing

from bakeio_core import Bakeio, ExportRefused, View, editable, key

DOCUMENTS = [
    "null",
    "true",
    "5",
    "1.5",
    '""',
    '"text"',
    "[]",
    "{}",
    '{"b": [1, 2.50, null, {"c": true}], "a": "é"}',
    '{"$json": null}',
    '{"$json": {"$json": 1}}',
    '{"$json": 1, "b": 2}',
    "[0.1234567890123456789, 12345678901234567890123, 1e400]",
]
VIEW = View(name="things", entity="things", fields={"name": key("name"), "v": editable("v")})


@pytest.fixture(scope="module", params=[True, False], ids=["nullable", "required"])
def hosted(request: pytest.FixtureRequest) -> Bakeio:
    return bakeio_with(things(Column("v", JSON, nullable=request.param)), [VIEW])


def fill(core: Bakeio, url: str, documents: list[str]) -> str:
    """Store texts as another program would."""
    made(core, url)
    for number, text in enumerate(documents):
        sql(url, "INSERT INTO things (name, v) VALUES (:name, :v)", name=f"{number}", v=text)
    if core.catalog.entities["things"].nullable("v"):
        sql(url, "INSERT INTO things (name) VALUES ('none')")
    return url


def stored(url: str) -> list[Any]:
    return [v for (v,) in sql(url, "SELECT CAST(v AS TEXT) FROM things ORDER BY id")]


def numbers_in(texts: list[Any]) -> list[Any]:
    return [text and json.loads(text, parse_float=Decimal) for text in texts]


def carried(core: Bakeio, url: str, other: str, folder: Path) -> dict[str, Any]:
    with reading(url) as db:
        core.export_complete(db, folder)
    assert len(core.validate(folder)) == 0
    made(core, other)
    with writing(other) as db:
        core.import_complete(db, folder)
        again = core.import_complete(db, folder).summary
    assert (again["created"], again["updated"]) == (0, 0)
    with writing(url) as db:
        home = core.import_complete(db, folder).summary
    assert (home["created"], home["updated"]) == (0, 0)
    return {
        record["name"]: record["v"] for record in document(folder / "01_things.json")["records"]
    }


def test_every_document_comes_back_with_all_its_digits(
    hosted: Bakeio, new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = fill(hosted, new_database(), DOCUMENTS)
    other = new_database()
    said = carried(hosted, url, other, tmp_path / "set")
    assert (said["0"], said.get("none")) == ({"$json": None}, None)
    assert said["8"] == json.loads(DOCUMENTS[8])
    assert numbers_in(stored(url)) == numbers_in(stored(other))


def test_an_unedited_view_of_documents_changes_nothing_and_an_edit_is_taken(
    hosted: Bakeio, new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = fill(hosted, new_database(), DOCUMENTS[:12])
    with reading(url) as db:
        hosted.export_view(db, "things", tmp_path / "view.json")
    with writing(url) as db:
        report = hosted.import_(db, tmp_path / "view.json")
    assert (report.summary["updated"], list(report.problems)) == (0, [])
    whole = document(tmp_path / "view.json")
    whole["records"][1]["v"] = {"$json": None}
    whole["records"][2]["v"] = {"x": 1.25}
    (tmp_path / "view.json").write_text(json.dumps(whole), "utf-8")
    before = stored(url)
    with writing(url) as db:
        assert hosted.import_(db, tmp_path / "view.json").summary["updated"] == 2
    assert stored(url)[:3] == ["null", "null", '{"x": 1.25}']
    with writing(url) as db:
        hosted.undo(db)
    assert stored(url) == before


def test_binary_json_of_postgresql_comes_back(
    new_postgresql: Callable[[], str], tmp_path: Path
) -> None:
    core = bakeio_with(things(Column("v", JSON().with_variant(JSONB(), "postgresql"))))
    url, other = fill(core, new_postgresql(), DOCUMENTS), new_postgresql()
    carried(core, url, other, tmp_path / "set")
    assert numbers_in(stored(url)) == numbers_in(stored(other))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{broken", '"{broken" is not JSON'),
        ("[NaN]", "holds NaN, which no JSON has"),
        ('{"a": -Infinity}', "holds -Infinity, which no JSON has"),
        ('{"a": 1, "a": 2}', 'holds an object in which "a" appears twice'),
        (r'"\ud83d"', "holds half of a surrogate pair"),
        ("[" * 97 + "]" * 97, "nested too deeply"),
        ("[" * 9999 + "]" * 9999, "is not JSON"),
    ],
)
def test_what_no_file_can_hold_is_named_by_table_row_and_column(
    hosted: Bakeio, tmp_path: Path, text: str, said: str
) -> None:
    url = fill(hosted, str(tmp_path / "a.db"), ["1", text])
    with reading(url) as db, pytest.raises(ExportRefused) as refused:
        hosted.export_complete(db, tmp_path / "set")
    assert "table things, v: row 2 (1): " in str(refused.value)
    assert said in str(refused.value)
    before = stored(url)
    file = tmp_path / "file.json"
    file.write_text('{"entity_type": "things", "records": [{"name": "1"}]}', "utf-8")
    with writing(url) as db:
        hosted.import_(db, file)
    assert stored(url) == before
