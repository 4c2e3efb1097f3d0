"""Several at once: who waits says so and for how long, who gives up says for whom, and what came
between is never written over.
"""

from __future__ import annotations

import json
import logging
import os
import pty
import select
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection
from support.commands import Run
from support.databases import rows_of

from bakeio_core import Bakeio, DatabaseError, ImportRefused, connect
from bakeio_core.database.connect import begin_read, begin_write
from bakeio_core.files.output import new_file

CLI = [sys.executable, "-m", "bakeio_core"]


@pytest.fixture
def server_bakery(new_postgresql: Callable[[], str], core: Bakeio, sample_set: Path) -> str:
    """The sample bakery on PostgreSQL."""
    url = new_postgresql()
    engine = connect(url)
    with begin_write(engine) as db:
        core.create_tables(db)
        core.import_complete(db, sample_set)
    engine.dispose()
    return url


def notes_file(url: str | Path, core: Bakeio, path: Path, notes: str, *numbers: int) -> Path:
    """A view of products in which the notes of some records were edited."""
    engine = connect(str(url))
    with begin_read(engine) as db:
        core.export_view(db, "products", path, force=True)
    engine.dispose()
    document = json.loads(path.read_text("utf-8"))
    for number in numbers or range(len(document["records"])):
        document["records"][number]["notes"] = notes
    path.write_text(json.dumps(document), "utf-8")
    return path


def notes(url: str | Path) -> list[str]:
    """The notes of the products that are in the view: those not hidden."""
    return [row[-3] for row in rows_of(url)["products"] if not row[-4]]


@contextmanager
def held(
    path: Path, how: str = "IMMEDIATE", *, until_waited_for: bool = False
) -> Iterator[sqlite3.Connection]:
    """Another program holds the write lock of an SQLite file, for the whole block or until somebody
    says that he waits for it.
    """
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute(f"BEGIN {how}")

    class Release(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if until_waited_for and record.getMessage().startswith("waiting"):
                other.commit()

    release = Release()
    logging.getLogger("bakeio").addHandler(release)
    yield other
    logging.getLogger("bakeio").removeHandler(release)
    other.close()


def journal(path: Path, mode: str) -> None:
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA journal_mode={mode}")
    other.close()


def until(found: Callable[[], Any]) -> Any:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.02)
    raise AssertionError("it never came to that")


def waiting(db: psycopg.Connection[Any]) -> bool:
    return bool(db.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone())


# -- waiting, on SQLite
def test_who_waits_in_vain_says_how_long_and_that_sqlite_cannot_tell_for_whom(
    run: Run, sample: Path, core: Bakeio, tmp_path: Path
) -> None:
    file, before = notes_file(sample, core, tmp_path / "v.json", "mine"), rows_of(sample)
    with held(sample):
        started = time.monotonic()
        done = run("-d", sample, "--wait", "0.6", "import-view", file, "--json")
        took = time.monotonic() - started
    assert done.code == 1
    assert done.json["error"]["code"] == "locked"
    assert 0.6 <= took < 5
    assert (
        "another program is writing to it, and SQLite cannot tell which"
        in done.json["error"]["message"]
    )
    assert (
        done.err == f"waiting for {sample}, 0.6 seconds at most: another program is writing to it\n"
    )
    assert rows_of(sample) == before


def test_who_waits_and_is_let_in_goes_on(
    run: Run, sample: Path, core: Bakeio, tmp_path: Path
) -> None:
    file = notes_file(sample, core, tmp_path / "v.json", "mine")
    with held(sample, until_waited_for=True):
        done = run("-d", sample, "import-view", file)
    assert done.code == 0
    assert set(notes(sample)) == {"mine"}
    assert (
        done.err == f"waiting for {sample}, 10 seconds at most: another program is writing to it\n"
    )


@pytest.mark.parametrize("words", [["--quiet", "--wait", "0.2"], ["--wait", "0"]])
def test_nothing_is_said_with_quiet_or_where_nobody_waits(
    run: Run, sample: Path, core: Bakeio, tmp_path: Path, words: list[str]
) -> None:
    file = notes_file(sample, core, tmp_path / "v.json", "mine")
    with held(sample):
        done = run("-d", sample, *words, "import-view", file)
    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("Error: the database")
    assert done.err.count("\n") == 1


def test_an_export_beside_a_writer_in_an_older_journal_mode_waits_as_well(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    """Without WAL a writer that commits keeps readers out: the export must wait, and say so."""
    journal(sample, "DELETE")
    with held(sample, "EXCLUSIVE", until_waited_for=True):
        done = run("-d", sample, "export-complete", "-o", tmp_path / "out")
    assert done.code == 0
    assert "waiting for" in done.err


def test_what_was_said_to_be_imported_outlives_a_power_cut(sample: Path) -> None:
    engine = connect(sample)
    with begin_write(engine) as db:
        assert db.exec_driver_sql("PRAGMA synchronous").scalar() == 2, (
            "the log is on the disk before a commit returns"
        )
    engine.dispose()


# -- waiting, on PostgreSQL
@contextmanager
def till(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Another program in the middle of a transaction that has changed the first product."""
    with psycopg.connect(url, application_name="till") as db:
        db.execute("UPDATE products SET brand = 'of the till' WHERE id = 1")
        yield db
        db.rollback()


def test_who_waits_in_vain_is_told_for_whom(
    run: Run, server_bakery: str, core: Bakeio, tmp_path: Path
) -> None:
    file, before = (
        notes_file(server_bakery, core, tmp_path / "v.json", "mine"),
        rows_of(server_bakery),
    )
    with till(server_bakery) as other:
        process = other.info.backend_pid
        done = run("-d", server_bakery, "--wait", "0.6", "import-view", file, "--json")
    assert done.code == 1
    assert done.json["error"]["code"] == "locked"
    assert (
        f"products in the database is locked by till (process {process} of the server, user"
        in done.json["error"]["message"]
    )
    assert done.err.startswith(
        f"waiting, 0.6 seconds at most, for till (process {process} of the server"
    )
    assert rows_of(server_bakery) == before


def test_who_waits_on_a_server_and_is_let_in_goes_on(
    run_process: Run, server_bakery: str, core: Bakeio, tmp_path: Path
) -> None:
    file = notes_file(server_bakery, core, tmp_path / "v.json", "mine")
    with till(server_bakery) as other, psycopg.connect(server_bakery, autocommit=True) as watch:
        threading.Thread(target=lambda: (until(lambda: waiting(watch)), other.commit())).start()
        done = run_process("-d", server_bakery, "import-view", file)
        assert done.code == 0, done.err
        assert "waiting, 10 seconds at most, for till" in done.err, done.err
    assert set(notes(server_bakery)) == {"mine"}
    assert rows_of(server_bakery)["products"][0][4] == "of the till"


def test_an_import_is_known_on_the_server_by_its_process(server_bakery: str) -> None:
    engine = connect(server_bakery)
    with begin_read(engine) as db:
        assert str(db.exec_driver_sql("SHOW application_name").scalar()).startswith(
            f"bakeio (process {os.getpid()} on "
        )
    engine.dispose()
    named = connect(server_bakery + "&application_name=shop")
    with begin_read(named) as db:
        assert db.exec_driver_sql("SHOW application_name").scalar() == "shop"
    named.dispose()


def test_a_timeout_of_zero_does_not_wait_for_ever(
    server_bakery: str, core: Bakeio, tmp_path: Path
) -> None:
    engine = connect(server_bakery, timeout=0)
    with till(server_bakery), pytest.raises(DatabaseError) as refused, begin_write(engine) as db:
        core.import_(db, notes_file(server_bakery, core, tmp_path / "v.json", "mine"))
    assert refused.value.code == "locked"
    engine.dispose()


def test_filling_empty_tables_does_not_wait_for_those_who_read(
    run: Run, new_postgresql: Callable[[], str], sample_set: Path
) -> None:
    url = new_postgresql()
    assert run("-d", url, "init").code == 0
    with psycopg.connect(url) as reader:
        reader.execute("SELECT count(*) FROM purchases, products, suppliers, ingredients")
        done = run("-d", url, "--wait", "1", "import-complete", sample_set)
        assert done.code == 0
        assert done.err == ""
    with psycopg.connect(url) as db:
        keys = db.execute(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = "
            "'purchases'::regclass"
        ).fetchone()
        assert keys == (2,)


def done_again(work: Callable[[], None]) -> None:
    """Do work; on an engine whose locks do not keep two apart, the second one is told to do it
    again, as the command line does.
    """
    try:
        work()
    except DatabaseError as error:
        if not error.retryable or os.getenv("BAKEIO_DIALECT") != "portable":
            raise
        work()


def test_two_that_make_the_tables_at_once_both_succeed(
    new_postgresql: Callable[[], str], core: Bakeio
) -> None:
    url = new_postgresql()
    first, second = connect(url), connect(url)
    made: list[int] = []

    def make() -> None:
        def once() -> None:
            with begin_write(second) as db:
                made.append(len(core.create_tables(db)))

        done_again(once)

    with begin_write(first) as db:
        made.append(len(core.create_tables(db)))
        thread = threading.Thread(target=make)
        thread.start()
        with psycopg.connect(url, autocommit=True) as watch:
            until(lambda: waiting(watch))
    thread.join()
    assert made[0] > 5
    assert made[1:] == [0]
    first.dispose()
    second.dispose()


def test_of_two_first_imports_only_one_gives_the_database_its_identity(
    new_postgresql: Callable[[], str], core: Bakeio, sample_set: Path, tmp_path: Path
) -> None:
    """The second one waits, and by then the database is no longer untouched."""
    import shutil

    url, other = new_postgresql(), Path(shutil.copytree(sample_set, tmp_path / "other"))
    manifest = json.loads((other / "manifest.json").read_text("utf-8"))
    manifest["database_id"] = "00000000-0000-4000-8000-000000000000"
    (other / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    first, second = connect(url), connect(url)
    with begin_write(first) as db:
        core.create_tables(db)
    faults: list[BaseException] = []

    def once() -> None:
        with begin_write(second) as db:
            core.import_complete(db, other)

    def follow() -> None:
        try:
            done_again(once)
        except BaseException as error:
            faults.append(error)

    with psycopg.connect(url) as reader, begin_write(first) as db:
        reader.execute("SELECT 1 FROM suppliers, ingredients, products, purchases, inventory_items")
        core.import_complete(db, sample_set)
        thread = threading.Thread(target=follow)
        thread.start()
        with psycopg.connect(url, autocommit=True) as watch:
            until(lambda: waiting(watch))
    thread.join()
    own = json.loads((sample_set / "manifest.json").read_text("utf-8"))["database_id"]
    with psycopg.connect(url) as db_:
        assert faults == []
        assert db_.execute(
            "SELECT value FROM bakeio_meta WHERE key = 'database_id'"
        ).fetchone() == (own,)
    first.dispose()
    second.dispose()


# -- transactions that lose
def strict(url: str) -> None:
    """Let the server give every new transaction one snapshot, so that it fails where another one
    came between.
    """
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(
            f"ALTER DATABASE {db.info.dbname} SET default_transaction_isolation = 'repeatable read'"
        )


def test_an_import_that_loses_to_another_transaction_is_planned_and_done_again(
    run_process: Run, server_bakery: str, core: Bakeio, tmp_path: Path
) -> None:
    file = notes_file(server_bakery, core, tmp_path / "v.json", "mine")
    strict(server_bakery)
    with till(server_bakery) as other, psycopg.connect(server_bakery, autocommit=True) as watch:
        threading.Thread(target=lambda: (until(lambda: waiting(watch)), other.commit())).start()
        done = run_process("-d", server_bakery, "import-view", file)
        assert done.code == 0, done.err
        assert "another transaction was faster: repeating the import" in done.err, done.err
    assert set(notes(server_bakery)) == {"mine"}
    assert rows_of(server_bakery)["products"][0][4] == "of the till"


def test_an_import_that_would_end_in_a_deadlock_is_done_again(
    run_process: Run, server_bakery: str, core: Bakeio, tmp_path: Path
) -> None:
    file, sides = notes_file(server_bakery, core, tmp_path / "v.json", "mine"), list[str]()

    def other_way_round(other: psycopg.Connection[Any], watch: psycopg.Connection[Any]) -> None:
        until(lambda: waiting(watch))
        other.execute("UPDATE ingredients SET notes = 'of the till' WHERE id = 1")
        other.commit()
        sides.append("the till wrote")

    with till(server_bakery) as other, psycopg.connect(server_bakery, autocommit=True) as watch:
        other.execute(
            "SET LOCAL deadlock_timeout = '60s'"
        )  # the other one finds it, so it is the other one that loses
        thread = threading.Thread(target=other_way_round, args=[other, watch])
        thread.start()
        done = run_process("-d", server_bakery, "import-view", file)
        thread.join()
    assert done.code == 0, done.err
    assert sides == ["the till wrote"], done.err
    assert "repeating the import" in done.err, done.err
    assert set(notes(server_bakery)) == {"mine"}


def test_where_the_caller_owns_the_transaction_it_is_a_clean_error(
    server_bakery: str, core: Bakeio, tmp_path: Path
) -> None:
    file = notes_file(server_bakery, core, tmp_path / "v.json", "mine")
    strict(server_bakery)
    engine = connect(server_bakery)
    with pytest.raises(DatabaseError) as lost, engine.begin() as db:
        db.exec_driver_sql("SELECT 1 FROM products")
        with till(server_bakery) as other:
            other.commit()
        core.import_(db, file)
    assert lost.value.code == "changed-meanwhile"
    assert lost.value.retryable is True
    assert "another transaction changed the same data meanwhile" in str(lost.value)
    engine.dispose()


def test_an_import_in_a_callers_transaction_waits_as_well_and_sees_what_came_before_it(
    sample: Path, core: Bakeio, tmp_path: Path
) -> None:
    """Had it read before it took the lock, it could not write any more after the other one's
    commit.
    """
    journal(sample, "WAL")
    file, engine = notes_file(sample, core, tmp_path / "v.json", "mine"), connect(sample)
    logging.getLogger("bakeio").setLevel(logging.INFO)
    with held(sample, until_waited_for=True) as other, engine.begin() as db:
        other.execute("UPDATE products SET brand = 'of the till' WHERE id = 1")
        assert core.import_(db, file).summary["updated"] == 81
    engine.dispose()
    assert set(notes(sample)) == {"mine"}
    assert rows_of(sample)["products"][0][4] == "of the till"


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="before Python 3.11 the driver does not tell why"
)
def test_a_callers_transaction_that_read_before_another_wrote_is_a_clean_error(
    sample: Path, core: Bakeio, tmp_path: Path
) -> None:
    journal(sample, "WAL")
    file, engine = notes_file(sample, core, tmp_path / "v.json", "mine"), connect(sample)
    with pytest.raises(DatabaseError) as lost, engine.begin() as db:
        db.exec_driver_sql("SELECT count(*) FROM products").scalar()
        with sqlite3.connect(sample) as other:
            other.execute("UPDATE products SET brand = 'of the till' WHERE id = 1")
        other.close()
        core.import_(db, file)
    assert lost.value.code == "changed-meanwhile"
    assert lost.value.retryable is True
    engine.dispose()


# -- what comes first is never replaced
def test_a_database_another_program_makes_meanwhile_is_never_replaced_nor_removed(
    tmp_path: Path,
) -> None:
    for fails in (False, True):
        path = tmp_path / f"bakery{fails}.db"
        with pytest.raises(ValueError if fails else FileExistsError), new_file(path) as part:
            part.write_text("late")
            path.write_text("first")
            if fails:
                raise ValueError
        assert path.read_text() == "first"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bakeryFalse.db", "bakeryTrue.db"]


def test_a_first_import_that_comes_second_is_done_again_into_what_is_there(
    run_process: Run, tmp_path: Path, sample_set: Path
) -> None:
    database = tmp_path / "bakery.db"
    command = [*CLI, "-d", database, "import-complete", sample_set, "--json"]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)
    ]
    done = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], done
    assert sorted(json.loads(out)["summary"]["created"] for out, _ in done) == [0, 776]
    assert [path.name for path in tmp_path.iterdir()] == ["bakery.db"]
    assert len(json.loads(run_process("-d", database, "runs", "--json").out)["runs"]) == 2


# -- planned, then the world moved
@pytest.fixture
def planned(sample: Path, core: Bakeio, tmp_path: Path) -> Iterator[tuple[Connection, Any]]:
    """A plan that updates all products, and a connection to write with."""
    file, engine = notes_file(sample, core, tmp_path / "v.json", "mine"), connect(sample)
    with begin_read(engine) as db:
        plan = core.plan(db, file)
    with begin_write(engine) as db:
        yield db, plan
    engine.dispose()


@pytest.mark.parametrize(
    "moved",
    [
        "UPDATE products SET notes = 'theirs' WHERE id = 3",
        "DELETE FROM inventory_items; DELETE FROM purchases; DELETE FROM products WHERE id = 3",
    ],
)
def test_a_row_that_was_touched_meanwhile_is_not_written_over(
    planned: tuple[Connection, Any], core: Bakeio, moved: str
) -> None:
    db, plan = planned
    for statement in moved.split(";"):
        db.exec_driver_sql(statement)
    with pytest.raises(ImportRefused):
        core.apply(db, plan)
    assert "mine" not in {row[0] for row in db.exec_driver_sql("SELECT notes FROM products")}


def test_a_change_elsewhere_in_the_same_rows_is_no_obstacle(
    planned: tuple[Connection, Any], core: Bakeio
) -> None:
    db, plan = planned
    db.exec_driver_sql("UPDATE products SET brand = 'theirs'")
    assert core.apply(db, plan).summary["updated"] == 81
    assert set(
        db.exec_driver_sql("SELECT DISTINCT notes, brand FROM products WHERE NOT is_hidden")
    ) == {("mine", "theirs")}


def test_a_row_deleted_after_it_was_shown_as_unchanged_is_not_created_again(
    sample: Path, core: Bakeio, sample_set: Path
) -> None:
    engine = connect(sample)
    with begin_read(engine) as db:
        plan = core.plan(db, sample_set)
    assert plan.report.summary["unchanged"] == 776
    with pytest.raises(ImportRefused) as refused, begin_write(engine) as db:
        db.exec_driver_sql("DELETE FROM inventory_items WHERE id = 7")
        core.apply(db, plan)
    assert refused.value.code == "changed-meanwhile"
    engine.dispose()


def test_the_same_number_of_other_creations_is_another_outcome(
    sample: Path, core: Bakeio, sample_set: Path
) -> None:
    engine = connect(sample)
    with begin_write(engine) as db:
        row = db.exec_driver_sql("SELECT * FROM inventory_items WHERE id = 7").one()
        db.exec_driver_sql("DELETE FROM inventory_items WHERE id = 7")
    with begin_read(engine) as db:
        plan = core.plan(db, sample_set)
    assert plan.report.summary["created"] == 1
    with pytest.raises(ImportRefused) as refused, begin_write(engine) as db:
        db.exec_driver_sql("DELETE FROM inventory_items WHERE id = 8")
        db.exec_driver_sql(
            f"INSERT INTO inventory_items VALUES ({', '.join('?' * len(row))})", tuple(row)
        )
        core.apply(db, plan)
    assert refused.value.code == "changed-meanwhile"
    engine.dispose()


@pytest.mark.parametrize("database_is_empty", [True, False])
def test_creations_that_are_as_they_were_shown_go_in(
    core: Bakeio, sample_set: Path, tmp_path: Path, database_is_empty: bool
) -> None:
    """Planning looks at each record; filling an empty table does not: both must tell the same
    outcome.
    """
    engine = connect(tmp_path / "new.db")
    with begin_write(engine) as db:
        core.create_tables(db)
        if not database_is_empty:
            core.import_complete(db, sample_set)
            db.exec_driver_sql("DELETE FROM inventory_items WHERE id % 2 = 1")
    with begin_read(engine) as db:
        plan = core.plan(db, sample_set)
    with begin_write(engine) as db:
        assert core.apply(db, plan).summary["created"] == plan.report.summary["created"] > 50
    engine.dispose()


def answered(words: list[object], question: str, meanwhile: Callable[[], None]) -> tuple[int, str]:
    """Run a command at a terminal; when it asks, do something first and then say yes."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*CLI, *map(str, words)], stdin=slave, stdout=slave, stderr=slave, close_fds=True
    )
    os.close(slave)
    said = b""
    while True:
        try:
            ready, _, _ = select.select([master], [], [], 30)
            data = os.read(master, 65536) if ready else b""
        except OSError:  # the terminal is closed
            data = b""
        said += data
        if not data:
            break
        if question.encode() in said and meanwhile is not None:
            meanwhile()
            os.write(master, b"y\n")
            question = "\0"
    os.close(master)
    return process.wait(30), said.decode()


@pytest.mark.parametrize("moves", [False, True])
def test_what_a_person_confirmed_is_what_is_written_or_nothing(
    sample: Path, core: Bakeio, tmp_path: Path, moves: bool
) -> None:
    file = notes_file(sample, core, tmp_path / "v.json", "mine")
    document = json.loads(file.read_text("utf-8"))
    for record in document["records"]:
        record["upc_code"] = "036000291452"
    file.write_text(json.dumps(document), "utf-8")

    def meanwhile() -> None:
        if moves:
            with sqlite3.connect(sample) as other:
                other.execute("UPDATE products SET notes = 'mine' WHERE id = 3")
            other.close()

    code, said = answered(["-d", sample, "import-view", file], "Write this?", meanwhile)
    if moves:
        assert code == 1, said
        assert "the database changed after the import was planned" in said, said
        assert notes(sample).count("mine") == 1
    else:
        assert code == 0, said
        assert set(notes(sample)) == {"mine"}, said
    left = [path.name for path in tmp_path.iterdir() if path.suffix not in (".db", ".json")]
    assert left == []


# -- the log of skipped records
def test_a_log_that_is_being_imported_is_never_written_over(
    run: Run, sample: Path, core: Bakeio, tmp_path: Path
) -> None:
    file, log = notes_file(sample, core, tmp_path / "v.json", "mine"), tmp_path / "log.json"
    document = json.loads(file.read_text("utf-8"))
    for record in document["records"][:2]:
        record["preferred_supplier"] = record["supplier_name"] = "Nobody"
        record["upc_code"] = "036000291453"
    file.write_text(json.dumps(document), "utf-8")
    assert run("-d", sample, "import-view", file, "--skip-on-error", "--skipped-log", log).code == 3
    before = log.read_bytes()
    again = run("-d", sample, "import", log, "--skip-on-error", "--skipped-log", log)
    assert again.code == 2
    assert log.read_bytes() == before
    assert "is what is being imported: log what is skipped to another file" in again.err


def test_an_import_that_cannot_commit_leaves_an_older_log_as_it_was(
    run: Run, sample: Path, core: Bakeio, tmp_path: Path
) -> None:
    """Without WAL a reader that stays keeps the commit waiting, here in vain."""
    file, log = notes_file(sample, core, tmp_path / "v.json", "mine"), tmp_path / "log.json"
    document = json.loads(file.read_text("utf-8"))
    document["records"][0]["upc_code"] = "036000291453"
    file.write_text(json.dumps(document), "utf-8")
    old_log = '{"skipped_at": "last week", "total_skipped": 0, "records": []}'
    log.write_text(old_log)
    journal(sample, "DELETE")
    reader = sqlite3.connect(sample, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM products").fetchone()
    before = rows_of(sample)
    done = run(
        "-d",
        sample,
        "--wait",
        "0.3",
        "import-view",
        file,
        "--skip-on-error",
        "--skipped-log",
        log,
        "--json",
    )
    reader.close()
    assert done.code == 1
    assert done.json["error"]["code"] == "locked"
    assert log.read_text() == old_log
    assert rows_of(sample) == before
