"""One rule, one room: the same record gives the same answer whichever file it stands in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bakeio_core import Bakeio, Changes, Entity, Report, connect, hookimpl
from bakeio_core.database import begin_write

Contents = dict[str, Any]
SLUG = "king_arthur_unbleached_all_purpose_flour_25lb"


def as_entity_file(records: list[Contents]) -> Contents:
    return {"entity_type": "products", "records": records}


def as_view(records: list[Contents]) -> Contents:
    renamed = [{"product_slug": r["slug"], "notes": r["notes"]} for r in records]
    return {"view_name": "products", "records": renamed}


FORMS = pytest.mark.parametrize("form", [as_entity_file, as_view])


def imported(
    core: Bakeio, url: str, contents: Contents, folder: Path, **options: Any
) -> tuple[Report, dict[str, str | None]]:
    """Import contents and return the report and {slug: notes} of every product with notes."""
    path = folder / "file.json"
    path.write_text(json.dumps(contents))
    engine = connect(url)
    with begin_write(engine) as db:
        report = core.import_(db, path, **options)
        found = db.execute(text("SELECT slug, notes FROM products WHERE notes IS NOT NULL")).all()
    engine.dispose()
    return report, dict(tuple(row) for row in found)


@FORMS
def test_a_slug_in_capitals_alone_is_the_same_row(
    core: Bakeio, bakery: str, tmp_path: Path, form: Callable[[list[Contents]], Contents]
) -> None:
    contents = form([{"slug": SLUG.upper(), "notes": "Keep dry"}])
    report, notes = imported(core, bakery, contents, tmp_path)
    assert report.summary["updated"] == 1
    assert report.summary["created"] == 0
    assert notes[SLUG] == "Keep dry"


@FORMS
def test_a_row_another_record_means_exactly_is_not_taken_by_folding(
    core: Bakeio, bakery: str, tmp_path: Path, form: Callable[[list[Contents]], Contents]
) -> None:
    both = [{"slug": SLUG.upper(), "notes": "By capitals"}, {"slug": SLUG, "notes": "Keep dry"}]
    report, notes = imported(core, bakery, form(both), tmp_path, skip_errors=True)
    assert report.summary["updated"] == 1
    assert report.summary["errors"] == 1
    assert report.problems[0].code == "missing-field"
    assert notes[SLUG] == "Keep dry"


@FORMS
@pytest.mark.parametrize("mode", ["merge", "skip-existing", "update-only"])
def test_a_file_gives_the_same_counts_whichever_form_it_has(
    core: Bakeio,
    bakery: str,
    tmp_path: Path,
    form: Callable[[list[Contents]], Contents],
    mode: str,
) -> None:
    records = [{"slug": SLUG, "notes": "Keep dry"}, {"slug": SLUG.upper(), "notes": None}]
    report, _ = imported(core, bakery, form(records[:1]), tmp_path, mode=mode)
    expected = "skipped" if mode == "skip-existing" else "updated"
    assert report.summary[expected] == 1


# -- what a plugin sees is what is written
class Watcher:
    """Wraps the writing hook and counts what it sees."""

    def __init__(self) -> None:
        self.rows = 0

    @hookimpl(wrapper=True)
    def bakeio_import_records(self, entity: Entity, changes: Changes) -> Any:
        if entity.name == "suppliers":
            self.rows += len(changes.rows) + len(changes.updates)
        return (yield)


@pytest.mark.parametrize("fault", ["no name", "a slug twice", "an id as text"])
def test_every_written_row_is_seen_once_though_the_last_record_is_bad(
    new_database: Callable[[], str], tmp_path: Path, fault: str
) -> None:
    watcher, told = Watcher(), list[int]()
    core = Bakeio.discover(plugins=[watcher])
    count = 20_000
    records: list[Contents] = [
        {"id": n, "uuid": f"{n:036}", "slug": f"shop_{n}", "name": f"Shop {n}"}
        for n in range(1, count + 1)
    ]
    last = records[-1]
    if fault == "no name":
        last["name"] = None
    elif fault == "a slug twice":
        last["slug"] = "shop_1"
    else:
        last["id"] = "the last"
    lines = ",\n".join(map(json.dumps, records))
    path = tmp_path / "suppliers.json"
    path.write_text('{"entity_type":"suppliers","records":[\n' + lines + "\n]}\n")
    engine = connect(new_database())
    with begin_write(engine) as db:
        core.create_tables(db)
    with begin_write(engine) as db:
        report = core.import_(
            db, path, skip_errors=True, progress=lambda name, done: told.append(done)
        )
        stored = db.execute(text("SELECT count(*) FROM suppliers")).scalar_one()
    engine.dispose()
    assert stored == count - 1
    assert report.summary["created"] == count - 1
    assert report.summary["errors"] == 1
    assert told[-1] == count - 1
    assert told == sorted(set(told))
    if fault != "a slug twice":  # which only the database can refuse: the block is tried again
        assert watcher.rows == count - 1


def test_an_unknown_type_of_column_is_refused_without_assertions_too() -> None:
    code = (
        "from sqlalchemy import Column, Integer, MetaData, PickleType, Table\n"
        "from sqlalchemy.types import UserDefinedType\n"
        "from bakeio_core import Entity, PluginError\n"
        "class Odd(UserDefinedType): pass\n"
        "columns = Column('id', Integer, primary_key=True), Column('odd', Odd())\n"
        "try: Entity(Table('odd', MetaData(), *columns))\n"
        "except PluginError as error: print('refused:', error)\n"
    )
    done = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused:")
