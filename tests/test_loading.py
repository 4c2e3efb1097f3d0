"""An empty table fills without its indexes, and no rule that they keep is lost by that."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from support.databases import sql

from bakeio_core import Bakeio, Changes, Entity, ImportRefused, Report, connect, hookimpl
from bakeio_core.database import begin_write
from bakeio_core.files.documents import scanner
from bakeio_core.importing.bulk import distinct
from bakeio_core.importing.bulk.step import Bulk

COUNT = 600


@pytest.fixture(autouse=True)
def blocks_of_a_few_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "BLOCK", 1 << 12)


def shops(folder: Path, edits: dict[int, dict[str, str]]) -> Path:
    """Write a file of shops, with what single ones have otherwise: {number: {field: value}}."""
    records = [
        {"id": n, "uuid": f"{n:036}", "slug": f"shop_{n}", "name": f"Shop {n}", **edits.get(n, {})}
        for n in range(1, COUNT + 1)
    ]
    lines = ",\n".join(map(json.dumps, records))
    path = folder / "suppliers.json"
    path.write_text('{"entity_type":"suppliers","records":[\n' + lines + "\n]}\n")
    return path


def indexes(db: Connection) -> list[Any]:
    """Return what makes the indexes of the table, as the database itself has it."""
    if db.dialect.name == "sqlite":
        statement = "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
        return sorted(tuple(row) for row in db.exec_driver_sql(statement))
    statement = (
        "SELECT relname, pg_get_indexdef(indexrelid), indisvalid, "
        "coalesce(obj_description(indexrelid, 'pg_class'), '') "
        "FROM pg_index JOIN pg_class c ON c.oid = indexrelid "
        "WHERE c.relnamespace = 'public'::regnamespace"
    )
    return sorted(tuple(row) for row in db.exec_driver_sql(statement))


def filled(
    core: Bakeio, url: str, path: Path, *statements: str, **options: Any
) -> tuple[Report, list[Any]]:
    """Import a file into new tables; return the report and what slugs and names are there."""
    engine = connect(url)
    with begin_write(engine) as db:
        core.create_tables(db)
    if statements:
        sql(url, *statements)
    with begin_write(engine) as db:
        before = indexes(db)
    try:
        with begin_write(engine) as db:
            report = core.import_(db, path, **options)
    except ImportRefused as refused:
        assert refused.report is not None
        report = refused.report
    with begin_write(engine) as db:
        assert indexes(db) == before
        rows = db.exec_driver_sql("SELECT id, slug, name FROM suppliers ORDER BY id").all()
    engine.dispose()
    return report, [tuple(row) for row in rows]


def said(report: Report) -> list[str]:
    return sorted(str(problem) for problem in report.problems if problem.severity == "error")


@pytest.mark.parametrize("slugs", [{600: "shop_1"}, {9: "shop_3", 580: "shop_2"}])
@pytest.mark.parametrize("most", [distinct.MOST, 0, 100])
def test_a_key_that_stands_twice_is_told_as_if_all_indexes_had_stayed(
    core: Bakeio,
    new_database: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    slugs: dict[int, str],
    most: int,
) -> None:
    path = shops(tmp_path, {number: {"slug": slug} for number, slug in slugs.items()})
    monkeypatch.setattr(distinct, "MOST", most)
    report, rows = filled(core, new_database(), path, skip_errors=True)
    with monkeypatch.context() as patched:
        patched.setattr(Bulk, "load", lambda self, block, records: None)
        careful, wanted = filled(core, new_database(), path, skip_errors=True)
    assert said(report) == said(careful)
    assert len(said(report)) == len(slugs)
    assert rows == wanted
    assert dict(report.summary) == dict(careful.summary)


def test_a_key_that_stands_twice_refuses_the_file_by_its_record(
    core: Bakeio, new_database: Callable[[], str], tmp_path: Path
) -> None:
    report, rows = filled(core, new_database(), shops(tmp_path, {500: {"slug": "shop_7"}}))
    assert rows == []
    (problem,) = said(report)
    assert "record 500" in problem
    assert 'slug "shop_7"' in problem


class SameSlug:
    """Gives one shop the slug of another on its way into the database."""

    @hookimpl(wrapper=True)
    def bakeio_import_records(self, entity: Entity, changes: Changes) -> Any:
        if entity.name == "suppliers":
            at = changes.columns.index("slug")
            changes.rows = [
                (*row[:at], "shop_2" if row[at] == "shop_590" else row[at], *row[at + 1 :])
                for row in changes.rows
            ]
        return (yield)


@pytest.mark.parametrize("skips", [False, True])
def test_rows_that_become_equal_on_their_way_are_refused_by_their_records(
    new_database: Callable[[], str], tmp_path: Path, skips: bool
) -> None:
    core = Bakeio.discover(plugins=[SameSlug()])
    url = new_database()
    report, rows = filled(core, url, shops(tmp_path, {}), skip_errors=skips)
    assert len(rows) == (COUNT - 1 if skips else 0)
    assert report.summary["errors"] == 1
    (problem,) = said(report)
    assert "record 590" in problem
    assert 'record 2 of the file already has slug "shop_2"' in problem
    if skips:
        engine = connect(url)
        with begin_write(engine) as db:
            undone = core.undo(db, report.run)
            left = db.exec_driver_sql("SELECT count(*) FROM suppliers").scalar_one()
        engine.dispose()
        assert left == 0
        assert undone.summary["deleted"] == COUNT - 1


def test_a_rule_beyond_the_keys_is_kept_while_a_table_fills(
    core: Bakeio, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    """An index of names that only the database knows, and one that sees no capitals."""
    url = new_database()
    is_sqlite = "postgresql" not in url
    folded = "slug COLLATE NOCASE" if is_sqlite else "lower(slug)"
    statements = (
        "CREATE UNIQUE INDEX only_here ON suppliers (name)",
        f"CREATE UNIQUE INDEX no_capitals ON suppliers ({folded})",
    )
    path = shops(tmp_path, {599: {"slug": "SHOP_4"}})
    report, rows = filled(core, url, path, *statements, skip_errors=True)
    assert len(rows) == COUNT - 1
    (problem,) = said(report)
    assert "record 599" in problem


def test_a_row_that_the_database_refuses_is_planned_with_the_keys_of_all_others(
    core: Bakeio,
    tmp_path: Path,
    new_database: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rule = "CREATE UNIQUE INDEX only_here ON suppliers (name)"
    edits = {100: {"name": "Shop 7"}, 120: {"slug": "shop_3"}, 560: {"slug": "shop_110"}}
    path = shops(tmp_path, edits)
    report, rows = filled(core, new_database(), path, rule, skip_errors=True)
    monkeypatch.setattr(Bulk, "load", lambda self, block, records: None)
    careful, wanted = filled(core, new_database(), path, rule, skip_errors=True)
    assert rows == wanted
    assert len(rows) == COUNT - len(edits)
    assert said(report) == said(careful)


def test_keys_that_lack_a_part_are_none() -> None:
    keys = distinct.DistinctKeys([("shelf", "place"), ("code",)])
    blanks = {"shelf": [1, 1, None, None], "place": [None, None, 2, 2], "code": [None] * 4}
    assert not keys.repeat(blanks)
    assert not keys.repeat({"shelf": [1, 1], "place": [2, 3], "code": ["a", "b"]})
    assert keys.repeat({"shelf": [1], "place": [3], "code": ["c"]})
    assert keys.repeat({"shelf": [9], "place": [9], "code": ["a"]})


PARTED = (
    "CREATE TABLE parted (LIKE suppliers INCLUDING DEFAULTS) PARTITION BY RANGE (id)",
    "DROP TABLE suppliers CASCADE",
    "ALTER TABLE parted RENAME TO suppliers",
    "CREATE TABLE one_part PARTITION OF suppliers DEFAULT",
    "CREATE UNIQUE INDEX ix_suppliers_slug ON suppliers (slug, id)",
    "CREATE INDEX ix_suppliers_city ON suppliers (city)",
)
"""What makes the table one of partitions."""


@pytest.mark.parametrize(
    "statements",
    [
        PARTED,
        (
            "COMMENT ON INDEX ix_suppliers_slug IS 'why'",
            "COMMENT ON INDEX ix_suppliers_name IS '?'",
        ),
        ("ALTER TABLE suppliers ADD CONSTRAINT one_slug EXCLUDE (slug WITH =)",),
        ('CREATE INDEX "50%" ON suppliers (city)', 'CREATE UNIQUE INDEX "%s" ON suppliers (slug)'),
    ],
    ids=["partitions", "comments", "an exclusion", "signs"],
)
def test_indexes_of_every_kind_are_there_again(
    core: Bakeio, new_postgresql: Callable[..., str], tmp_path: Path, statements: tuple[str, ...]
) -> None:
    report, rows = filled(core, new_postgresql(), shops(tmp_path, {}), *statements)
    assert len(rows) == COUNT
    assert said(report) == []


def test_an_index_that_fails_for_one_row_keeps_out_that_row_alone(
    core: Bakeio, new_postgresql: Callable[..., str], tmp_path: Path
) -> None:
    rule = "CREATE INDEX fails ON suppliers ((100 / (id - 300)))"
    report, rows = filled(core, new_postgresql(), shops(tmp_path, {}), rule, skip_errors=True)
    assert len(rows) == COUNT - 1
    assert len(said(report)) == 1
    assert "record 300" in said(report)[0]


def test_a_program_that_reads_meanwhile_can_import(core: Bakeio, tmp_path: Path) -> None:
    engine, paths = connect(str(tmp_path / "b.db")), [shops(tmp_path, {})]
    with begin_write(engine) as db:
        core.create_tables(db)
        for _ in db.exec_driver_sql("SELECT 1 UNION ALL SELECT 2"):
            report = core.import_(db, paths[0])
        before = indexes(db)
    engine.dispose()
    assert report.summary["unchanged"] == COUNT
    assert "ix_suppliers_slug" in [name for name, _ in before]


class Upsert:
    """Writes itself, and takes what is there already for written."""

    @hookimpl
    def bakeio_import_records(self, db: Connection, entity: Entity, changes: Changes) -> Any:
        if entity.name != "suppliers":
            return None
        mark = "?" if db.dialect.name == "sqlite" else "%s"
        names, marks = ", ".join(changes.columns), ", ".join([mark] * len(changes.columns))
        sql_ = f"INSERT INTO suppliers ({names}) VALUES ({marks}) ON CONFLICT (slug) DO NOTHING"
        for row in changes.rows:
            db.exec_driver_sql(sql_, tuple(row))
        return len(changes.rows)


def test_a_plugin_that_writes_itself_finds_all_unique_indexes(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    core = Bakeio.discover(plugins=[Upsert()])
    report, rows = filled(core, new_database(), shops(tmp_path, {}))
    assert len(rows) == COUNT
    assert said(report) == []
