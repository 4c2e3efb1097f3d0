"""A host application: its own engine, its own session, its own transaction. bakeio is a guest in
it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, inspect, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from support.databases import rows_of
from support.files import edit_set

from bakeio_core import Bakeio, Decision, ImportRefused, Missing, connect

TABLES = {
    "suppliers",
    "ingredients",
    "products",
    "purchases",
    "inventory_items",
    "bakeio_meta",
    "bakeio_replaced",
    "bakeio_runs",
    "bakeio_aliases",
    "bakeio_batches",
    "bakeio_marks",
    "bakeio_row_keys",
    "bakeio_changes",
    "bakeio_layouts",
}


class Base(DeclarativeBase):
    """The host's models."""


class Memo(Base):
    """A row of the host's own."""

    __tablename__ = "host_memos"
    id: Mapped[int] = mapped_column(primary_key=True)
    said: Mapped[str]


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """The host's engine, made without bakeio, and a database that has only the host's table."""
    plain = (
        url.replace("postgresql://", "postgresql+psycopg://")
        if url.startswith("postgresql")
        else f"sqlite:///{url}"
    )
    made = create_engine(plain)
    Base.metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def full(engine: Engine, core: Bakeio, sample_set: Path) -> Engine:
    """The host's database after a committed import."""
    with engine.begin() as db:
        core.create_tables(db)
        core.import_complete(db, sample_set)
    return engine


def change(folder: Path, name: str, record: int, **values: object) -> None:
    """Change fields of one record of a set, and sign the set again."""
    edit_set(folder, name, lambda records: records[record].update(values), layout=json.dumps)


def memos(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return list(session.scalars(select(Memo.said).order_by(Memo.id)))


def tables(engine: Engine) -> set[str]:
    return {name for name in inspect(engine).get_table_names() if not name.startswith("sqlite_")}


def one(engine: Engine, sql: str) -> Any:
    with engine.connect() as db:
        return db.execute(text(sql)).scalar()


# -- the host's transaction
def test_the_hosts_rollback_leaves_no_table_and_no_row(
    engine: Engine, core: Bakeio, sample_set: Path
) -> None:
    with Session(engine) as session:
        session.add(Memo(said="never"))
        db = session.connection()
        core.create_tables(db)
        report = core.import_complete(db, sample_set)
        assert report.summary["created"] == 776
        session.rollback()
    assert tables(engine) == {"host_memos"}
    assert memos(engine) == []


def test_the_hosts_rollback_after_reading_first_leaves_rows_as_they_were(
    full: Engine, url: str, core: Bakeio, folder: Path
) -> None:
    change(folder, "01_suppliers.json", 0, notes="new notes")
    before = rows_of(url)
    with Session(full) as session:
        assert list(session.scalars(select(Memo))) == []
        assert core.import_complete(session.connection(), folder).summary["updated"] == 1
        session.rollback()
    assert rows_of(url) == before


def test_the_hosts_commit_keeps_everything(
    engine: Engine, url: str, core: Bakeio, sample_set: Path, sample_database: Path
) -> None:
    with Session(engine) as session, session.begin():
        session.add(Memo(said="before"))
        core.create_tables(session.connection())
        core.import_complete(session.connection(), sample_set)
        session.add(Memo(said="after"))
    assert tables(engine) == TABLES | {"host_memos"}
    assert memos(engine) == ["before", "after"]
    assert rows_of(url) == rows_of(sample_database)


def test_a_connection_that_is_never_committed_leaves_nothing(
    engine: Engine, core: Bakeio, sample_set: Path
) -> None:
    with engine.connect() as db:
        core.create_tables(db)
        core.import_complete(db, sample_set)
    assert tables(engine) == {"host_memos"}


def test_a_refused_import_leaves_the_hosts_own_rows_and_none_of_its_own(
    engine: Engine, url: str, core: Bakeio, folder: Path
) -> None:
    change(folder, "04_purchases.json", 100, unit_price="$6.99")
    with engine.begin() as db:
        core.create_tables(db)
    with Session(engine) as session, session.begin():
        session.add(Memo(said="before"))
        session.flush()
        with pytest.raises(ImportRefused) as refused:
            core.import_complete(session.connection(), folder)
        session.add(Memo(said="after"))
    assert [
        (problem.code, problem.record, problem.field) for problem in refused.value.problems
    ] == [("bad-value", 101, "unit_price")]
    assert refused.value.report.exit_code == 1
    assert memos(engine) == ["before", "after"]
    assert not any(rows_of(url).values())


def test_a_dry_run_leaves_nothing_though_the_host_commits(
    engine: Engine, url: str, core: Bakeio, sample_set: Path
) -> None:
    with engine.begin() as db:
        core.create_tables(db)
    with Session(engine) as session, session.begin():
        session.add(Memo(said="before"))
        session.flush()
        dry = core.import_complete(session.connection(), sample_set, dry_run=True)
    assert memos(engine) == ["before"]
    assert not any(rows_of(url).values())
    with engine.begin() as db:
        real = core.import_complete(db, sample_set)
    assert real.as_dict() | {"run": None, "dry_run": True} == dry.as_dict() | {"run": None}


def test_the_hosts_settings_of_a_connection_are_untouched(
    tmp_path: Path, core: Bakeio, sample_set: Path
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'host.db'}")
    names = [
        "foreign_keys",
        "journal_mode",
        "synchronous",
        "cache_size",
        "temp_store",
        "defer_foreign_keys",
        "recursive_triggers",
        "busy_timeout",
    ]
    with engine.connect() as db:
        before = {name: db.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}
        driver: Any = db.connection.driver_connection
        manner = driver.isolation_level, driver.row_factory, driver.text_factory
        core.create_tables(db)
        core.import_complete(db, sample_set)
        db.commit()
        assert {name: db.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names} == before
        assert (driver.isolation_level, driver.row_factory, driver.text_factory) == manner
    engine.dispose()


# -- plan, then apply
def test_a_plan_reads_only_and_its_application_does_what_it_showed(
    full: Engine, url: str, core: Bakeio, folder: Path
) -> None:
    change(folder, "01_suppliers.json", 0, notes="new notes")
    before = rows_of(url)
    with Session(full) as session, session.begin():
        plan = core.plan(session.connection(), folder)
    assert rows_of(url) == before
    assert [
        (c.action, c.entity, dict(c.new)["notes"]) for c in plan.changes if c.action != "unchanged"
    ] == [("update", "suppliers", "new notes")]
    assert "1 updated" in plan.preview()
    with Session(full) as session, session.begin():
        report = core.apply(session.connection(), plan)
    assert report.summary == plan.report.summary
    assert (report.summary["updated"], report.summary["unchanged"]) == (1, 775)
    assert one(full, "SELECT count(*) FROM suppliers WHERE notes = 'new notes'") == 1


def changed_meanwhile(engine: Engine, url: str, core: Bakeio, plan: Any) -> None:
    before = rows_of(url)
    with Session(engine) as session, session.begin():
        session.add(Memo(said="mine"))
        with pytest.raises(ImportRefused) as refused:
            core.apply(session.connection(), plan)
    assert refused.value.code == "changed-meanwhile"
    assert rows_of(url) == before
    assert memos(engine) == ["mine"]


def test_a_file_changed_after_the_plan_is_refused(
    full: Engine, url: str, core: Bakeio, folder: Path
) -> None:
    with full.connect() as db:
        plan = core.plan(db, folder)
    change(folder, "01_suppliers.json", 0, notes="changed behind the preview")
    changed_meanwhile(full, url, core, plan)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE suppliers SET notes = 'somebody was faster' WHERE id = 1",
        "UPDATE products SET notes = 'this was unchanged when planned' WHERE id = 3",
    ],
)
def test_a_row_changed_after_the_plan_is_refused(
    full: Engine, url: str, core: Bakeio, folder: Path, sql: str
) -> None:
    change(folder, "01_suppliers.json", 0, notes="new notes")
    with full.connect() as db:
        plan = core.plan(db, folder)
    with full.begin() as db:
        assert db.execute(text(sql)).rowcount == 1
    changed_meanwhile(full, url, core, plan)


def test_a_row_made_after_the_plan_that_was_to_be_created_is_refused(
    engine: Engine, url: str, core: Bakeio, folder: Path
) -> None:
    with engine.begin() as db:
        core.create_tables(db)
        plan = core.plan(db, folder)
    assert plan.report.summary["created"] == 776
    with engine.begin() as db:
        db.execute(
            text(
                "INSERT INTO suppliers (slug, name) VALUES ('costco_waltham_ma', 'Costco, typed "
                "by hand')"
            )
        )
    changed_meanwhile(engine, url, core, plan)


RECEIPTS: dict[str, Any] = {
    "view_name": "purchases_complete",
    "records": [
        {
            "product_slug": "argo_cornstarch_35oz",
            "supplier_name": supplier,
            "purchase_date": f"2026-01-0{day}",
            "unit_price": 5.49,
            "quantity_purchased": 1,
        }
        for day, supplier in enumerate(["Wegmans", "Wegmans", "Penzeys Spices", "New Shop"], 1)
    ],
}


def test_new_rows_that_would_refer_to_other_rows_than_shown_are_refused(
    full: Engine, url: str, core: Bakeio, tmp_path: Path
) -> None:
    """The plan is shown, and then the suppliers exchange their names."""
    path = tmp_path / "receipts.json"
    path.write_text(json.dumps(RECEIPTS), "utf-8")
    with full.connect() as db:
        plan = core.plan(db, path, create=["suppliers"])
    with full.begin() as db:
        db.execute(text("UPDATE suppliers SET name = 'x' WHERE name = 'Wegmans'"))
        db.execute(text("UPDATE suppliers SET name = 'Wegmans' WHERE name = 'Penzeys Spices'"))
        db.execute(text("UPDATE suppliers SET name = 'Penzeys Spices' WHERE name = 'x'"))
    changed_meanwhile(full, url, core, plan)


def test_rows_that_others_add_meanwhile_do_not_hinder_new_ones(
    full: Engine, core: Bakeio, tmp_path: Path
) -> None:
    path = tmp_path / "receipts.json"
    path.write_text(json.dumps(RECEIPTS), "utf-8")
    with full.connect() as db:
        plan = core.plan(db, path, create=["suppliers"])
    with full.begin() as db:
        db.execute(text("INSERT INTO suppliers (slug, name) VALUES ('other', 'Another')"))
    with full.begin() as db:
        report = core.apply(db, plan)
    assert report.summary["created"] == 4
    assert len(report.created_entities["suppliers"]) == 1


# -- the example of the documentation
def test_the_documented_program_works(sample: Path, core: Bakeio, tmp_path: Path) -> None:
    asked: list[str] = []

    def my_resolver(missing: Sequence[Missing]) -> dict[Missing, Decision]:
        asked.extend(str(item) for item in missing)
        return {}

    bakeio = Bakeio.discover()
    engine = connect(f"sqlite:///{sample}")
    with engine.begin() as db:
        done = bakeio.export_complete(db, tmp_path / "backups" / "today", zip=True)
        assert done.archive is not None
        assert zipfile.ZipFile(done.archive).testzip() is None
        plan = bakeio.plan(db, done.archive, mode="merge", resolve=my_resolver)
        assert "0 created, 0 updated" in plan.preview()
        report = bakeio.apply(db, plan, skip_errors=True)
        assert report.summary["unchanged"] == sum(done.counts.values()) == 776
        assert list(bakeio.catalog.entities)[-1] == "inventory_items"
        batches = bakeio.hook.bakeio_export_records(
            db=db, entity=bakeio.catalog.entities["suppliers"], catalog=bakeio.catalog
        )
        records = [dict(record) for batch in batches for record in batch]
    assert len(records) == 8
    assert records[0]["slug"] == "costco_waltham_ma"
    assert asked == []
    engine.dispose()


def test_a_resolver_is_asked_once_for_each_key_and_its_answers_are_applied(
    full: Engine, core: Bakeio, folder: Path
) -> None:
    for record in (3, 4, 5):
        change(
            folder,
            "04_purchases.json",
            record,
            supplier_slug="wilsons_farm",
            supplier_name="Wilson's Farm",
            supplier_id=None,
        )
    asked: list[Missing] = []

    def resolver(missing: Sequence[Missing]) -> dict[Missing, Decision]:
        asked.extend(missing)
        return {item: Decision.existing(slug="wegmans_burlington_ma") for item in missing}

    with full.begin() as db:
        plan = core.plan(db, folder, resolve=resolver)
        report = core.apply(db, plan)
    assert [(item.entity, item.key.get("slug"), item.count) for item in asked] == [
        ("suppliers", "wilsons_farm", 3)
    ]
    assert report.summary["errors"] == 0
    assert plan.missing == []


def test_a_plan_with_missing_references_names_them_and_is_refused(
    full: Engine, url: str, core: Bakeio, folder: Path
) -> None:
    change(
        folder,
        "04_purchases.json",
        3,
        supplier_slug="wilsons_farm",
        supplier_name="Wilson's Farm",
        supplier_id=None,
    )
    before = rows_of(url)
    with full.begin() as db:
        plan = core.plan(db, folder)
        assert [item.entity for item in plan.missing] == ["suppliers"]
        with pytest.raises(ImportRefused) as refused:
            core.apply(db, plan)
    assert [problem.code for problem in refused.value.problems] == ["missing-reference"]
    assert rows_of(url) == before
