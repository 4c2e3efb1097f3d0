"""How far is bakeio from the least a Python program has to do?

python benchmarks/run.py [JOB ...] [--n 100000] [--reps 3] [--url URL]

The floor (floor.py, floor_pg.py) and bakeio run alternately as separate processes; wall, CPU and
peak memory come from os.wait4 (not on Windows). Progress goes to stderr, the table of ratios to
stdout. Exit status 1 where a job failed, its result was wrong, or a start took too long.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from server import BAKEIO, HERE, PYTHON, Failed, Server, generate, postgresql

VERSION = 1  # of the data set, as in generate.py


@dataclass(frozen=True)
class Job:
    """One piece of work.

    {data} is the data set, {work} a fresh folder, {db} a database in it or on the server.

    Attributes:
        start: The database it begins with (empty, full).
        floor, bakeio: Their arguments.
        check: What generate.py digests, and where.
        expected: Which of the known digests that must be.
    """

    start: str
    floor: str
    bakeio: str
    check: str
    expected: str


JOBS = {
    "export": Job(
        "full",
        "export {db} {work}/out",
        "export-complete --output {work}/out",
        "set {work}/out",
        "full",
    ),
    "import": Job(
        "empty", "import {data}/set {db}", "import-complete {data}/set", "sqlite {db}", "full"
    ),
    "merge": Job(
        "full",
        "merge {data}/edited.json {db}",
        "import-view {data}/edited.json",
        "merged {db}",
        "merged",
    ),
    "view-export": Job(
        "full",
        "view-export {db} {work}/out",
        "export-view products --output {work}/out",
        "view {work}/out",
        "view",
    ),
    "pg-import": Job(
        "empty", "import {data}/set {db}", "import-complete {data}/set", "postgresql {db}", "full"
    ),
    "pg-export": Job(
        "full",
        "export {db} {work}/out",
        "export-complete --output {work}/out",
        "set {work}/out",
        "full",
    ),
}


@dataclass(frozen=True)
class Run:
    wall: float
    cpu: float
    memory: float


def measure(command: list[str], folder: Path) -> Run:
    """Run a program to its end.

    Raises:
        Failed: It exits with anything but 0; these are its last words.
    """
    log = folder.parent / "log"
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last = " ".join(log.read_text("utf-8", "replace").split("\n")[-4:]).strip()
        raise Failed(f"exit {process.returncode}: {last[-300:]}")
    return Run(
        wall,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10),
    )


def ready_data(n: int) -> Path:
    """Return the folder of the data set, made once."""
    folder = Path(tempfile.gettempdir()) / "bakeio-benchmark" / str(n)
    try:
        known = json.loads((folder / "expected.json").read_bytes())
    except (OSError, ValueError):
        known = {}
    if (known.get("version"), known.get("n")) != (VERSION, n):
        say(f"making a bakery of {n:,} purchases in {folder}")
        generate("make", str(n), str(folder))
    # read once, so that the first run is not the one that waits for the disk
    for path in (folder / "set").iterdir():
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
    return folder


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# -- one job
class Comparison:
    """Floor and bakeio at one job, alternately, each time from a fresh start."""

    def __init__(self, name: str, data: Path, work: Path, server: Server | None) -> None:
        self.job, self.data, self.work, self.server = JOBS[name], data, work, server
        self.runs: dict[str, list[Run]] = {
            who: [] for who in ("floor", "bakeio", "floor start", "bakeio start")
        }

    def prepare(self, who: str, nothing: bool = False) -> list[str]:
        """Make the work folder and the database anew; return the command.

        Args:
            who: floor or bakeio.
            nothing: The same job on an empty bakery, which is all start-up.
        """
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        db, start = str(self.work / "bakery.db"), "empty" if nothing else self.job.start
        if self.server is None:
            shutil.copyfile(self.data / f"{start}.db", db)
        else:
            db = self.server.create("run", "empty") if start == "empty" else self.server.url("full")
        self.places = {
            "data": self.data / "nothing" if nothing else self.data,
            "work": self.work,
            "db": db,
        }
        os.sync()  # the copying is not left to the measured program
        if who == "floor":
            return [
                PYTHON,
                str(HERE / ("floor_pg.py" if self.server else "floor.py")),
                *self.words(self.job.floor),
            ]
        return [*BAKEIO, "--quiet", "-d", db, *self.words(self.job.bakeio)]

    def words(self, text: str) -> list[str]:
        return [word.format(**self.places) for word in text.split()]

    def check(self) -> int:
        """Return how many rows were compared with the source; raises Failed where one differs."""
        kind, where = self.words(self.job.check)
        found = json.loads(generate("digest", kind, where))
        expected = json.loads((self.data / "expected.json").read_bytes())[self.job.expected]
        wrong = [
            f"{table} {found.get(table, [0])[0]} rows, expected {expected[table][0]}"
            for table in expected
            if found.get(table) != expected[table]
        ]
        if wrong:
            raise Failed("WRONG RESULT: " + ", ".join(wrong))
        return sum(count for count, _ in found.values())

    def run(self, reps: int) -> int:
        rows = 0
        for repetition in range(reps):
            for who in ("floor", "bakeio") if repetition % 2 == 0 else ("bakeio", "floor"):
                self.runs[who].append(measure(self.prepare(who), self.work))
                if repetition == 0:
                    rows = self.check()
                self.runs[f"{who} start"].append(
                    measure(self.prepare(who, nothing=True), self.work)
                )
        return rows

    def middle(self, who: str, what: Callable[[Run], float]) -> float:
        return median(map(what, self.runs[who]))

    def ratio(self, what: Callable[[Run], float]) -> str:
        """Return the ratio without start-up.

        There is none where the floor is mostly start-up, for that would mostly be noise.
        """
        floor, bakeio = (
            self.middle(who, what) - self.middle(f"{who} start", what)
            for who in ("floor", "bakeio")
        )
        return (
            f"x{bakeio / floor:.2f}"
            if floor > self.middle("floor start", what) / 2
            else "too short"
        )

    def line(self, name: str, rows: int) -> str:
        wall, cpu, memory = (lambda run: run.wall), (lambda run: run.cpu), (lambda run: run.memory)
        whole = [
            f"x{self.middle('bakeio', what) / self.middle('floor', what):.2f}"
            for what in (wall, cpu)
        ]
        seconds = f"{self.middle('floor', wall):.2f} / {self.middle('bakeio', wall):.2f}"
        peaks = f"{self.middle('floor', memory):.0f} / {self.middle('bakeio', memory):.0f}"
        cells = [name, self.ratio(wall), self.ratio(cpu), *whole, seconds, peaks, f"{rows:,}"]
        return "| " + " | ".join(cells) + " |"


HEAD = """\
| job | wall | CPU | wall, with start | CPU, with start | wall s, floor / bakeio | \
peak MiB, floor / bakeio | rows compared |
|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Start:
    """A command that is mostly start-up.

    Attributes:
        words: Its arguments.
        beside: What it cannot do without, as a statement of Python; it is started beside it.
        goal: How many milliseconds of processor time it may take beyond that.
    """

    words: str
    beside: str
    goal: int


STARTS = [
    Start("--version", "import click", 60),
    Start("--help", "import click", 60),
    Start("entities", "import sqlalchemy", 120),
    Start("-d small.db import-view small.json", "import sqlalchemy", 120),
]


def keep_bytecode() -> None:
    """Have the programs find their bytecode, as those of a package that pip installed do."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        folder = Path(tempfile.gettempdir()) / "bakeio-benchmark" / "bytecode"
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(folder))


def start_up(work: Path, reps: int) -> bool:
    """Print start-up times, each command beside what it cannot do without.

    Returns:
        Whether each reaches its goal.
    """
    work.mkdir(parents=True, exist_ok=True)
    for words in (
        "-d small.db init --sample",
        "-d small.db export-view products --limit 5 --force -o small.json",
    ):
        subprocess.run([*BAKEIO, *words.split()], cwd=work, check=True, capture_output=True)
    shutil.copyfile(work / "small.db", work / "fresh.db")
    well = True
    print("\n| start | beside | CPU ms beyond it | goal | CPU ms | wall ms |")
    print("|---|---|---|---|---|---|")
    for start in STARTS:
        runs = []
        for _ in range(reps + 1):
            shutil.copyfile(work / "fresh.db", work / "small.db")  # no import is a second one
            bare = measure([PYTHON, "-c", start.beside], work)
            runs.append((bare, measure([*BAKEIO, *start.words.split()], work)))
        del runs[0]  # compiles what is new
        beyond = median(mine.cpu - bare.cpu for bare, mine in runs) * 1000
        wall = median(mine.wall for _, mine in runs) * 1000
        cpu = median(mine.cpu for _, mine in runs) * 1000
        told = f"{beyond:.0f}" + (" (too much)" if beyond > start.goal else "")
        well &= beyond <= start.goal
        print(
            f"| bakeio {start.words} | {start.beside} | {told} | {start.goal} "
            f"| {cpu:.0f} | {wall:.0f} |",
            flush=True,
        )
    return well


def compare(names: list[str], data: Path, work: Path, reps: int, server: Server | None) -> bool:
    """Print a line for each job; tell whether all went well."""
    well = True
    for name in names:
        say(f"{name}: {reps} pairs")
        comparison = Comparison(name, data, work / "run", server)
        try:
            print(comparison.line(name, comparison.run(reps)), flush=True)
        except Failed as failed:
            print(f"| {name} | {failed} |", flush=True)
            well = False
    return well


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "jobs", nargs="*", metavar="JOB", help=f"{', '.join(JOBS)}, start (default: all)"
    )
    parser.add_argument(
        "--n",
        type=int,
        default=100_000,
        help="purchases in the bakery (default 100000); about 1.7 n rows in all",
    )
    parser.add_argument("--reps", type=int, default=3, help="pairs of runs (default 3)")
    parser.add_argument(
        "--url",
        help="a PostgreSQL server where databases may be made: "
        "postgresql://user:password@host/postgres",
    )
    options = parser.parse_args()
    names = options.jobs or [*JOBS, "start"]
    if unknown := set(names) - {*JOBS, "start"}:
        parser.error(
            f"there is no job {', '.join(sorted(unknown))}; choose from {', '.join(JOBS)}, start"
        )
    keep_bytecode()
    data, well = ready_data(options.n), True
    print(
        f"n = {options.n:,}, {options.reps} pairs, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}\n"
    )
    with tempfile.TemporaryDirectory(prefix="bakeio-bench-") as folder:
        work = Path(folder)
        # tables of other packages would be made and exported as well
        profile = work / "bakeio.toml"
        profile.write_text('use = ["bakeio"]\n', "utf-8")
        os.environ["BAKEIO_PROFILE"] = str(profile)
        if jobs := [name for name in names if name in JOBS]:
            print(HEAD)
            well = compare(
                [name for name in jobs if not name.startswith("pg-")],
                data,
                work,
                options.reps,
                None,
            )
        if jobs := [name for name in jobs if name.startswith("pg-")]:
            with postgresql(options.url) as url:
                server = Server(url, data)
                try:
                    well &= compare(jobs, data, work, options.reps, server)
                finally:
                    server.close()
        if "start" in names:
            well &= start_up(work / "run", 5 * options.reps)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
