"""Documents of other programs, read by steps that plugins bring."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Engine, ForeignKey, MetaData, String, Table
from support.hosts import identity, name, table

from bakeio_core import (
    Bakeio,
    DocumentError,
    DocumentUpgrade,
    Entity,
    ForeignDocument,
    PluginError,
    UsageError,
    View,
    connect,
    editable,
    hookimpl,
    key,
)
from bakeio_core.exporting.parts.cutting import write_documents

METADATA = MetaData()
OVENS = Table("ovens", METADATA, identity(), name(), Column("said", String(20)))
HEATS = Table(
    "heats", METADATA, identity(), name("code"), Column("oven_id", ForeignKey("ovens.id"))
)


def log(document: ForeignDocument) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, oven in enumerate(document.header["ovens"], 1):
        yield "ovens", {"id": number, **oven}
        for code in oven.pop("codes", ()):
            yield "heats", {"code": code, "oven_id": number}
    for smell in document.header.get("smells", ()):
        yield "smells", {"smell": smell}
    document.leave_out("ovens: their colour")


def archive(document: ForeignDocument) -> Iterator[tuple[str, dict[str, Any]]]:
    for record in document.files["ovens.json"].records():
        yield "ovens", record


def notes(document: ForeignDocument) -> Iterator[tuple[str, dict[str, Any]]]:
    for record in document.records():
        yield "", {"name": record["oven"], "said": record["note"]}


STEPS = [
    DocumentUpgrade("an oven log", lambda header: "ovens" in header, log),
    DocumentUpgrade("an archive of ovens", lambda header: "archive" in header, archive),
    DocumentUpgrade("notes on ovens", lambda header: "notepad" in header, notes, view="ovens"),
]


class Plugin:
    """What a plugin that reads oven logs hands in."""

    def __init__(self, steps: list[DocumentUpgrade]) -> None:
        self.steps = steps

    @hookimpl
    def bakeio_entities(self) -> list[Entity]:
        return [Entity(OVENS, keys=["name"]), Entity(HEATS, keys=["code"])]

    @hookimpl
    def bakeio_views(self) -> View:
        return View("ovens", "ovens", {"name": key("name"), "said": editable("said")})

    @hookimpl
    def bakeio_document_upgrades(self) -> list[DocumentUpgrade]:
        return self.steps


def core_with(*steps: DocumentUpgrade) -> Bakeio:
    installed = Bakeio.discover().plugins.all
    return Bakeio.discover(block=list(installed), plugins=[Plugin(list(steps))])


@pytest.fixture(scope="module")
def core() -> Bakeio:
    return core_with(*STEPS)


@pytest.fixture
def engine(new_database: Callable[[], str], core: Bakeio) -> Iterator[Engine]:
    made = connect(new_database())
    with made.begin() as db:
        core.create_tables(db)
    yield made
    made.dispose()


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), "utf-8")
    return path


OVEN_LOG = {
    "ovens": [
        {"name": "deck", "said": "old", "codes": ["a", "b"], "wheels": 4},
        {"name": "gas", "codes": ["c"], "wheels": 2},
    ],
    "smells": ["bread"],
}


def test_a_foreign_file_is_imported_and_what_has_no_place_is_named_with_a_count(
    core: Bakeio, engine: Engine, tmp_path: Path
) -> None:
    path = write(tmp_path / "log.txt", OVEN_LOG)
    with engine.begin() as db:
        report = core.import_(db, path)
        assert table(db, "name, said", "ovens") == [("deck", "old"), ("gas", None)]
        assert table(db, "code, oven_id", "heats") == [("a", 1), ("b", 1), ("c", 2)]
        told = [str(problem) for problem in report.problems]
        assert "log.txt: is read as an oven log" in told
        assert "log.txt: ovens: their colour has no place here: left out of 1 record" in told
        assert any("wheels" in line and "ignored in 2 records" in line for line in told)
        assert any("1 record of smells has no place" in line for line in told)
        assert core.import_(db, path).summary["created"] == 0


def test_a_conversion_is_the_set_that_the_import_amounts_to(
    core: Bakeio, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, problems = core.convert(write(tmp_path / "log.json", OVEN_LOG), tmp_path / "set")
    assert counts == {"ovens": 2, "heats": 3}
    assert "is read as an oven log" in str(next(iter(problems)))
    assert not core.validate(tmp_path / "set").errors
    with engine.begin() as db:
        assert core.import_complete(db, tmp_path / "set").summary["created"] == 5
        assert core.import_(db, tmp_path / "log.json").summary["unchanged"] == 5
    with pytest.raises(UsageError):
        core.convert(tmp_path / "log.json", tmp_path / "set")
    core.convert(tmp_path / "log.json", tmp_path / "set", force=True)
    with pytest.raises(UsageError, match="bakeio reads it itself"):
        core.convert(tmp_path / "set", tmp_path / "again")
    cut = partial(write_documents, size=10)
    monkeypatch.setattr("bakeio_core.exporting.convert.write_documents", cut)
    assert core.convert(tmp_path / "log.json", tmp_path / "parts")[0] == counts
    assert len(list((tmp_path / "parts").glob("*_heats.*.json"))) == 3
    assert not core.validate(tmp_path / "parts").errors
    with engine.begin() as db:
        report = core.import_complete(db, tmp_path / "parts")
        assert report.summary["unchanged"] == report.summary["processed"] == 5


@pytest.mark.parametrize("is_zip", [False, True])
def test_a_foreign_folder_and_its_zip_give_the_same(
    core: Bakeio, engine: Engine, tmp_path: Path, is_zip: bool
) -> None:
    folder = tmp_path / "backup"
    folder.mkdir()
    write(folder / "manifest.json", {"archive": 1, "files": []})
    write(folder / "ovens.json", {"entity": "ovens", "records": [{"name": "deck"}]})
    path = folder
    if is_zip:
        path = tmp_path / "backup.zip"
        with zipfile.ZipFile(path, "w") as packed:
            for file in folder.iterdir():
                packed.write(file, f"backup/{file.name}")
    with engine.begin() as db:
        assert core.import_(db, path).summary["created"] == 1
        assert table(db, "name", "ovens") == [("deck",)]
    (problem,) = core_with().validate(path)
    assert 'it has "archive" and "files", and no installed plugin reads that' in problem.message
    (problem,) = core.validate(path)
    assert "is an archive of ovens, which has nothing that a set of bakeio is checked by" in (
        problem.message
    )


def test_a_foreign_view_is_somebodys_edits(core: Bakeio, engine: Engine, tmp_path: Path) -> None:
    path = write(
        tmp_path / "pad.json", {"notepad": 1, "records": [{"oven": "deck", "note": "hot"}]}
    )
    with engine.begin() as db:
        core.import_(db, write(tmp_path / "log.json", OVEN_LOG))
        report = core.import_(db, path)
        assert (report.summary["updated"], report.summary["created"]) == (1, 0)
        assert table(db, "name, said", "ovens")[0] == ("deck", "hot")
    assert core.convert(path, tmp_path / "view.json")[0] == {"ovens": 1}
    assert json.loads((tmp_path / "view.json").read_text())["view_name"] == "ovens_complete"
    empty = write(tmp_path / "empty.json", {"notepad": 1, "records": []})
    with engine.begin() as db:
        assert core.import_(db, empty).summary["processed"] == 0


def test_what_bakeio_reads_itself_is_offered_to_no_step(core: Bakeio, tmp_path: Path) -> None:
    greedy = core_with(DocumentUpgrade("anything", lambda header: True, log))
    path = write(tmp_path / "view.json", {"view_name": "ovens", "records": []})
    assert greedy.open(path).kind == "view"


def test_a_document_that_two_steps_would_read_is_refused(tmp_path: Path) -> None:
    twice = core_with(*STEPS, DocumentUpgrade("a smell", lambda header: "smells" in header, log))
    with pytest.raises(PluginError, match=r"an oven log .* and a smell"):
        twice.open(write(tmp_path / "log.json", OVEN_LOG))


@pytest.mark.parametrize(
    "content", [{"ovens": 5}, {"ovens": [5]}, {"ovens": [{"name": 1, "codes": 7}]}]
)
def test_a_document_that_is_not_what_it_looks_like_is_an_error_of_the_document(
    core: Bakeio, tmp_path: Path, content: Any
) -> None:
    with pytest.raises(DocumentError, match="looks like an oven log, but cannot be read as that"):
        core.open(write(tmp_path / "log.json", content))


def test_a_step_that_fails_or_is_none_is_named_with_its_plugin(tmp_path: Path) -> None:
    failing = core_with(DocumentUpgrade("a log", lambda header: 1 / 0 > 1, log))
    with pytest.raises(PluginError, match=r"Plugin.*a log.*ZeroDivisionError"):
        failing.open(write(tmp_path / "log.json", OVEN_LOG))
    wrong = core_with("log")  # type: ignore[arg-type]
    assert "returned str, not a DocumentUpgrade" in wrong.broken()[0]
