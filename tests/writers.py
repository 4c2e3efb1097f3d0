"""Let several programs write and read one bakery at once, and count what arrived.

    python tests/writers.py --rounds 50

A round starts two imports as processes of their own at the same moment, beside an application that
writes in small transactions and an export. Files that touch different fields both land; files that
touch the same one land or say so; nobody's change is lost; the export is of one moment.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from killer import Bench, Fault, postgresql
from support.receipts import FLOUR

from bakeio_core import Bakeio, connect
from bakeio_core.database.connect import begin_read

CLI = [sys.executable, "-W", "ignore", "-m", "bakeio_core"]


class Bakery:
    """One database for a round, and what a plain driver sees in it."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.url = bench, bench.database.url
        self.server = bench.server is not None

    def connection(self) -> Any:
        if self.server:
            return psycopg.connect(self.url, application_name="till")
        return sqlite3.connect(self.url, timeout=60)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        db = self.connection()
        try:
            return list(db.execute(sql).fetchall())
        finally:
            db.close()

    def view(self, path: Path, name: str) -> dict[str, Any]:
        engine = connect(self.url)
        with begin_read(engine) as db:
            self.bench.core.export_view(db, name, path, force=True)
        engine.dispose()
        return json.loads(path.read_text("utf-8"))  # type: ignore[no-any-return]


@contextmanager
def till(bakery: Bakery, sold: Counter[int]) -> Iterator[None]:
    """An application that reads and writes in small transactions: each reads a lot, writes one
    more, and raises a price; `sold` counts them.
    """
    stop, faults = threading.Event(), list[BaseException]()

    def work() -> None:
        mark = "%s" if bakery.server else "?"
        begin, alone = ("BEGIN", " FOR UPDATE") if bakery.server else ("BEGIN IMMEDIATE", "")
        try:
            db = bakery.connection()
            if bakery.server:
                db.autocommit = True
            else:
                db.isolation_level = None
            while not stop.is_set():
                lot = random.randint(30, 60)
                try:
                    db.execute(begin)
                    (left,) = db.execute(
                        f"SELECT quantity FROM inventory_items WHERE id = {mark}{alone}", (lot,)
                    ).fetchone()
                    db.execute(
                        f"UPDATE inventory_items SET quantity = {mark} WHERE id = {mark}",
                        (left + 1, lot),
                    )
                    db.execute(
                        f"UPDATE purchases SET unit_price = unit_price + 1 WHERE id = {mark}",
                        (lot,),
                    )
                    db.execute("COMMIT")
                except psycopg.errors.DeadlockDetected:
                    db.execute("ROLLBACK")
                    sold["deadlocks of the till"] += 1  # type: ignore[index]
                    continue
                sold[lot] += 1
                time.sleep(0.02)
            db.close()
        except BaseException as error:
            faults.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if faults:
        raise Fault(f"the till failed: {faults[0]!r}")


def start(bakery: Bakery, *words: object) -> subprocess.Popen[str]:
    command = [*CLI, "-d", bakery.url, "--wait", "60", *map(str, words)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )


def ended(process: subprocess.Popen[str], said: Counter[str]) -> tuple[int, dict[str, Any]]:
    out, err = process.communicate(timeout=300)
    if "Traceback" in err:
        raise Fault(err)
    said["imports that waited"] += "waiting" in err
    said["imports done again"] += "repeating the import" in err
    return process.returncode, json.loads(out)


def one_round(bakery: Bakery, folder: Path, overlapping: bool, said: Counter[str]) -> None:
    """Two imports, a till and an export at once."""
    bench = bakery.bench
    bench.database.restore(bench.old)
    before = {
        table: bakery.ask(f"SELECT count(*) FROM {table}")[0][0]
        for table in ("purchases", "bakeio_runs")
    }
    quantities = dict(
        bakery.ask("SELECT id, quantity FROM inventory_items WHERE id BETWEEN 30 AND 60")
    )
    prices = dict(bakery.ask("SELECT id, unit_price FROM purchases WHERE id BETWEEN 30 AND 60"))
    files = [folder / "first.json", folder / "second.json"]
    for place, file in enumerate(files):
        document = bakery.view(file, "purchases")
        for record in document["records"]:
            if overlapping or record["purchase_id"] % 2 == place:
                record["notes"] = f"of file {place}"
        document["records"] += [
            {"product_slug": FLOUR, "supplier_name": "Costco",
             "purchase_date": f"2026-01-0{place + 1}", "unit_price": n + 0.5,
             "quantity_purchased": 1} for n in range(40)
        ]  # fmt: skip
        file.write_text(json.dumps(document), "utf-8")
    sold: Counter[int] = Counter()
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    with till(bakery, sold):
        imports = [start(bakery, "import-view", file, "--json") for file in files]
        export = start(bakery, "export-complete", "-o", out, "--json")
        done = [ended(process, said) for process in imports]
        code, _ = ended(export, Counter())
    said["transactions of the till"] += sum(
        count for lot, count in sold.items() if isinstance(lot, int)
    )
    deadlocks = sold.pop("deadlocks of the till", 0)
    said["deadlocks of the till"] += deadlocks  # type: ignore[call-overload]
    if code:
        raise Fault(f"the export failed: {export.returncode}")
    _check_export(bench, out, before["purchases"], said)
    _check_imports(bakery, done, overlapping, before, said)
    for table, column, start_values in (
        ("inventory_items", "quantity", quantities),
        ("purchases", "unit_price", prices),
    ):
        now = dict(bakery.ask(f"SELECT id, {column} FROM {table} WHERE id BETWEEN 30 AND 60"))
        lost = {
            i: (float(now[i]), float(v) + sold[i])
            for i, v in start_values.items()
            if abs(float(now[i]) - float(v) - sold[i]) > 1e-6
        }
        if lost:
            raise Fault(f"the till lost what it wrote to {table}: {lost}")


def _check_imports(
    bakery: Bakery,
    done: list[tuple[int, dict[str, Any]]],
    overlapping: bool,
    before: dict[str, int],
    said: Counter[str],
) -> None:
    landed = [place for place, (code, _) in enumerate(done) if code == 0]
    for code, outcome in done:
        if code and not any(problem["code"] == "conflict" for problem in outcome["problems"]):
            raise Fault(f"an import was refused for another reason: {outcome}")
    if not overlapping and len(landed) != 2:
        raise Fault(f"of two files that touch nothing in common only {landed} landed: {done}")
    if overlapping and len(landed) != 1:
        raise Fault(f"of two files that contradict each other {landed} landed")
    said["imports that landed"] += len(landed)
    said["imports that said conflict"] += 2 - len(landed)
    notes = Counter(
        dict(
            bakery.ask(
                "SELECT notes, count(*) FROM purchases WHERE notes LIKE 'of file%' GROUP BY notes"
            )
        )
    )
    expected = {
        f"of file {place}": (before["purchases"] if overlapping else before["purchases"] // 2)
        for place in landed
    }
    if dict(notes) != expected:
        raise Fault(f"notes: {dict(notes)}, expected {expected}")
    (rows,) = bakery.ask("SELECT count(*) FROM purchases")[0]
    (runs,) = bakery.ask("SELECT count(*) FROM bakeio_runs")[0]
    (changes,) = bakery.ask(
        "SELECT count(*) FROM bakeio_changes WHERE field = 'notes' AND new LIKE '\"of file%'"
    )[0]
    if (rows, runs, changes) != (
        before["purchases"] + 40 * len(landed),
        before["bakeio_runs"] + len(landed),
        sum(expected.values()),
    ):
        raise Fault(f"{rows} purchases, {runs} runs, {changes} changes after {len(landed)} imports")


def _records(folder: Path) -> dict[str, dict[int, dict[str, Any]]]:
    """Return {entity: {id: record}} of a set; other plugins' files are numbered in between."""
    return {
        name: {r["id"]: r for r in json.loads(file.read_text("utf-8"))["records"]}
        for name in ("purchases", "inventory_items")
        for file in folder.glob(f"*_{name}.json")
    }


def _check_export(bench: Bench, out: Path, purchases: int, said: Counter[str]) -> None:
    """Valid, and of one moment: the till always changes a lot and its purchase together, an import
    brings all of its records.
    """
    problems = bench.core.validate(out)
    if problems.errors:
        raise Fault(f"the export is not valid: {[str(problem) for problem in problems]}")
    read = _records(out)
    added = len(read["purchases"]) - purchases
    if added not in (0, 40, 80):
        raise Fault(f"the export holds {added} of the new purchases: a part of an import")
    said[f"exports with {added // 40} of the imports in it"] += 1
    old = _records(bench.folder / "old" / "out")
    for number in range(30, 61):
        grown = [
            float(read[name][number][column]) - float(old[name][number][column])
            for name, column in (
                ("inventory_items", "quantity"),
                ("purchases", "unit_price"),
            )
        ]
        if abs(grown[0] - grown[1]) > 1e-6:
            raise Fault(
                f"the export is of two moments: lot {number} has grown by {grown[0]}, its "
                f"purchase by {grown[1]}"
            )


def command(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rounds",
        type=int,
        default=50,
        help="for each database system; every second one with files that overlap",
    )
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="begin no other round after so long"
    )
    parser.add_argument(
        "--postgresql", metavar="URL", help="a server to use instead of one of its own"
    )
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"), help="one system alone")
    given = parser.parse_args(arguments)
    core = Bakeio.discover()
    with (
        tempfile.TemporaryDirectory() as temporary,
        postgresql(given.postgresql, Path(temporary)) as server,
    ):
        end = time.monotonic() + given.seconds
        systems = {"SQLite": None, "PostgreSQL": server}
        for name in [given.only] if given.only else systems:
            where = systems[name]
            folder = Path(temporary) / name
            bench, said, rounds = Bench(folder, core, where), Counter[str](), 0
            try:
                while rounds < given.rounds and (rounds < 2 or time.monotonic() < end):
                    one_round(Bakery(bench), folder, bool(rounds % 2), said)
                    rounds += 1
            except Fault as fault:
                print(f"FAULT: {name}, round {rounds + 1}: {fault}")
                return 1
            finally:
                bench.database.drop(bench.empty, bench.old, bench.new)
            print(
                f"{name}: {rounds} rounds; "
                + ", ".join(f"{count:,} {what}" for what, count in sorted(said.items()))
            )
    return 0


if __name__ == "__main__":
    os.environ.pop("BAKEIO_DATABASE", None)
    sys.exit(command())
