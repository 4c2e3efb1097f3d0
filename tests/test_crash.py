"""Killed, without space, without permission: the old state or the new one, and an error that says
what to do.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from support.commands import Ran, Run
from support.databases import rows_of

HERE = Path(__file__).parent
SIZE = 1 << 20


def ran(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *map(str, words)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("Traceback") == 0, done.stdout + done.stderr
    return done.stdout


# -- killed, and several at once: samples of what the commands do at length
def test_killed_at_any_moment_there_is_the_old_state_or_the_new_one(postgresql: str) -> None:
    told = ran(
        HERE / "killer.py",
        "--every",
        35,
        "--only",
        "import: skip|export: set and",
        "--postgresql",
        postgresql,
    )
    assert "never anything else" in told


def test_what_an_interrupted_command_says_is_what_happened() -> None:
    told = ran(HERE / "killer.py", "--aimed", 5, "--sqlite", "--only", "import: skip|export: view$")
    assert "as it was said" in told


def test_several_writers_lose_nothing(postgresql: str) -> None:
    # the second round is the one in which two import the same
    only = ["--only", "PostgreSQL", "--postgresql", postgresql]
    told = ran(HERE / "writers.py", "--rounds", 2, *only)
    assert "3 imports that landed, 1 imports that said conflict" in told


# -- folders that are small, or may not be written
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """Mount a small file system of its own, or skip where that is not permitted."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for one megabyte."""
    yield from mounted(tmp_path / "small")


def read_only(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


def fill_up(folder: Path, left: int) -> None:
    """Use up the room but for some bytes."""
    there = os.statvfs(folder)
    (folder / "ballast").write_bytes(b"." * (there.f_bavail * there.f_bsize - left))


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assert_io_error(done: Ran, *said: str) -> None:
    """It is a clean io-error that names the file and says what to do."""
    assert done.code == 1, done.err
    assert "Traceback" not in done.err, done.err
    error = done.json["error"]
    assert error["code"] == "io-error"
    for text in said:
        assert text in error["message"], error["message"]


@pytest.mark.parametrize("left", [0, 20_000, 100_000])
def test_an_export_without_room_leaves_the_old_one(
    run: Run, sample: Path, small: Path, left: int
) -> None:
    out, view = small / "out", small / "v.json"
    assert run("-d", sample, "export-complete", "-o", out, "--since", "2026-01-01").code == 0
    assert run("-d", sample, "export-view", "products", "--limit", 3, "-o", view).code == 0
    fill_up(small, left)
    before = tree(small)
    assert_io_error(
        run("-d", sample, "export-complete", "-o", out, "--zip", "--force", "--json"),
        str(out),
        "no space left on device",
        "free space there",
    )
    assert tree(small) == before
    if left < 40_000:
        assert_io_error(
            run("-d", sample, "export-view", "products", "-o", view, "--force", "--json"),
            str(view),
            "no space left",
            "free space there",
        )
        assert tree(small) == before
    (small / "ballast").unlink()
    assert run("-d", sample, "export-complete", "-o", out, "--force").code == 0
    assert run("validate-export", out).code == 0


def test_an_archive_without_room_leaves_the_old_folder(run: Run, sample: Path, small: Path) -> None:
    """There is room for the new folder, not for its archive as well."""
    out = small / "out"
    assert run("-d", sample, "export-complete", "-o", out).code == 0
    size = sum(map(len, tree(out).values()))
    fill_up(small, size + 60_000)
    before = tree(small)
    assert_io_error(
        run("-d", sample, "export-complete", "-o", out, "--zip", "--force", "--json"),
        "no space left on device",
    )
    assert tree(small) == before


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
@pytest.mark.parametrize("left", [0, 40_000, 200_000])
def test_an_import_without_room_leaves_the_database(
    run: Run, sample: Path, sample_set: Path, small: Path, mode: str, left: int
) -> None:
    database = small / "bakery.db"
    with sqlite3.connect(sample) as db:
        db.execute("UPDATE products SET notes = NULL")
        db.execute("DELETE FROM inventory_items")
        db.execute("DELETE FROM purchases")
        db.execute(f"PRAGMA user_version={left}")
    db.close()
    shutil.copyfile(sample, database)
    with sqlite3.connect(database, isolation_level=None) as db:
        db.execute("VACUUM")
        db.execute(f"PRAGMA journal_mode={mode}")
    db.close()
    before = rows_of(database)
    fill_up(small, left)
    done = run(
        "-d", database, "import-complete", sample_set, "--on-conflict", "take-file", "--json"
    )
    assert_io_error(done, str(database), "free space on its disk")
    (small / "ballast").unlink()  # without room the database cannot even be read
    assert rows_of(database) == before
    assert (
        run("-d", database, "import-complete", sample_set, "--on-conflict", "take-file").code == 0
    )
    assert sorted(path.name for path in small.iterdir()) == ["bakery.db"]


def test_a_new_database_without_room_is_none(run: Run, sample_set: Path, small: Path) -> None:
    for left in (0, 5_000, 60_000, 200_000):
        fill_up(small, left)
        done = run("-d", small / "bakery.db", "import-complete", sample_set, "--json")
        assert_io_error(done, str(small / "bakery.db"))
        assert ".part-" not in done.out
        assert [path.name for path in small.iterdir()] == ["ballast"]
        (small / "ballast").unlink()
    assert run("-d", small / "bakery.db", "import-complete", sample_set).code == 0


def test_a_log_without_room_takes_the_import_back(
    run: Run, sample: Path, small: Path, tmp_path: Path
) -> None:
    view = tmp_path / "v.json"
    records = [{"product_slug": "x", "supplier_name": f"Nobody {n}", "purchase_date": "2025-12-20",
                "unit_price": 1, "quantity_purchased": 1}
               for n in range(100)]  # fmt: skip
    good = {"product_slug": "king_arthur_unbleached_all_purpose_flour_5lb",
            "supplier_name": "Costco", "purchase_date": "2025-12-20",
            "unit_price": 77, "quantity_purchased": 1}  # fmt: skip
    view.write_text(json.dumps({"view_name": "purchases", "records": [good, *records]}), "utf-8")
    fill_up(small, 0)
    before = rows_of(sample)
    done = run(
        "-d",
        sample,
        "import-view",
        view,
        "--skip-on-error",
        "--skipped-log",
        small / "log.json",
        "--json",
    )
    assert_io_error(done, str(small / "log.json"), "free space there")
    assert rows_of(sample) == before
    assert [path.name for path in small.iterdir()] == ["ballast"]


def test_a_report_without_room_does_not_hide_that_the_import_is_done(
    run: Run, sample: Path, sample_set: Path, small: Path
) -> None:
    with sqlite3.connect(sample) as db:
        db.execute("DELETE FROM inventory_items")
    db.close()
    fill_up(small, 0)
    done = run(
        "-d", sample, "import-complete", sample_set, "--report", small / "report.html", "--json"
    )
    assert done.code == 0
    assert done.json["summary"]["created"] == len(rows_of(sample)["inventory_items"])
    assert f"cannot write {small / 'report.html'}: no space left on device" in done.err
    assert "(the import is done, only its report is missing)" in done.err


def test_a_folder_that_may_not_be_written_is_named(
    run: Run, sample: Path, sample_set: Path, small: Path
) -> None:
    assert (
        run("-d", sample, "export-complete", "-o", small / "out", "--since", "2026-01-01").code == 0
    )
    shutil.copyfile(sample, small / "bakery.db")
    read_only(small)
    before = tree(small)
    export = run("-d", sample, "export-complete", "-o", small / "out", "--force", "--json")
    assert_io_error(export, str(small / "out"), "read-only file system", "allow writing there")
    view = run("-d", sample, "export-view", "products", "-o", small / "deep" / "v.json", "--json")
    assert_io_error(view, str(small / "deep" / "v.json"), "allow writing there")
    assert_io_error(
        run("-d", small / "bakery.db", "import-complete", sample_set, "--json"),
        str(small / "bakery.db"),
        "is not writable",
    )
    assert_io_error(
        run("-d", small / "new.db", "import-complete", sample_set, "--json"),
        str(small / "new.db"),
        "is not writable",
    )
    assert tree(small) == before


def test_permissions_that_forbid_writing_are_named(
    sample: Path, sample_set: Path, tmp_path: Path
) -> None:
    """As another user, because nothing is forbidden to root."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    closed = tmp_path / "closed"
    closed.mkdir()
    shutil.copyfile(sample, closed / "bakery.db")
    own = Path(f"/tmp/bakeio-{uuid.uuid4().hex[:8]}")
    try:
        shutil.copytree(closed, own)
        shutil.copytree(sample_set, own / "set")
        for path in (own, *own.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        for words, named in (
            (["-d", own / "bakery.db", "import-complete", own / "set"], own / "bakery.db"),
            (["-d", own / "new.db", "import-complete", own / "set"], own / "new.db"),
        ):
            done = as_nobody([*words, "--json"])
            assert_io_error(done, str(named), "is not writable")
    finally:
        shutil.rmtree(own)


AS_NOBODY = """
import contextlib, io, json, os, sys
from bakeio_core.cli.run import main
words = json.loads(sys.argv[1])
with contextlib.suppress(SystemExit), contextlib.redirect_stderr(io.StringIO()):
    out, sys.stdout = sys.stdout, io.TextIOWrapper(io.BytesIO())
    main([*words, "--dry-run"])
sys.stdout = out
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
main(words)
"""


def as_nobody(words: list[object]) -> Ran:
    """Run the command line in a process that gives up its rights once a dry run has imported all it
    needs.
    """
    command = [sys.executable, "-W", "ignore", "-c", AS_NOBODY, json.dumps(list(map(str, words)))]
    done = subprocess.run(command, capture_output=True, text=True)
    return Ran(done.returncode, done.stdout, done.stderr)


def test_a_full_disk_of_the_server_takes_the_import_back(
    run: Run, postgresql: str, sample_set: Path
) -> None:
    """A tablespace on a small file system, where the server may use one."""
    folder = Path(f"/tmp/bakeio-{uuid.uuid4().hex[:8]}")
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], capture_output=True
    ).returncode:
        folder.rmdir()
        pytest.skip("a small file system cannot be mounted here")
    name = f"s{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgresql, autocommit=True) as db:
        try:
            home = db.execute("SHOW data_directory").fetchone()
            owner = Path(str(home[0])).stat()  # type: ignore[index]
            os.chown(folder, owner.st_uid, owner.st_gid)
            db.execute(f"CREATE TABLESPACE {name} LOCATION '{folder}'")
            db.execute(f"CREATE DATABASE {name} TEMPLATE template0 TABLESPACE {name}")
            url = postgresql.replace("/postgres?", f"/{name}?")
            assert run("-d", url, "import-complete", sample_set).code == 0
            before = rows_of(url)
            with psycopg.connect(url) as other:
                other.execute(
                    "CREATE TABLE ballast AS SELECT repeat(md5(n::text), 20) AS filler FROM "
                    "generate_series(1, 100) n"
                )
            fill_up_table(url)
            view = folder.with_suffix(".json")
            records = [{"product_slug": "king_arthur_unbleached_all_purpose_flour_5lb",
                        "supplier_name": "Costco",
                        "purchase_date": "2025-12-20", "unit_price": n, "quantity_purchased": 1,
                        "notes": "x" * 900}
                       for n in range(3000)]  # fmt: skip
            view.write_text(json.dumps({"view_name": "purchases", "records": records}), "utf-8")
            assert_io_error(
                run("-d", url, "import-view", view, "--json"),
                "No space left on device",
                "free space on its disk",
            )
            assert rows_of(url) == before
            view.unlink()
        finally:
            db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            db.execute(f"DROP TABLESPACE IF EXISTS {name}")
            subprocess.run(["umount", "-l", str(folder)], check=True)
            folder.rmdir()


def fill_up_table(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        try:
            for _ in range(200):
                db.execute("INSERT INTO ballast SELECT filler FROM ballast LIMIT 400")
        except psycopg.errors.DiskFull:
            pass
