"""How long `why` takes after many runs, beside another checkout of bakeio.

    python benchmarks/journal.py [--runs 1000] [--before CHECKOUT]

The journal is filled with runs that each set 50 fields and create 5 rows of the sample bakery.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ASKED = ("purchases", "7", "notes")


def fill(path: str, runs: int) -> None:
    """Make a database with the sample bakery and a long journal."""
    from bakeio_core import Bakeio, Change, begin_write, connect
    from bakeio_core.history.journal.journal import Journal

    core, engine, chance = Bakeio.discover(), connect(path), random.Random(1)
    entity = core.catalog.entities["purchases"]
    blank = [None] * (len(entity.columns) - 1)
    with begin_write(engine) as db:
        core.create_tables(db)
        core.load_sample(db)
        for run in range(runs):
            journal = Journal.start(db, "f.json", "merge", "2026-01-01T00:00:00Z")
            rows = [chance.randint(1, 400) for _ in range(50)]
            new = {"notes": f"n{run}"}
            updates = [Change("update", "purchases", 1, row, new, {"notes": "o"}) for row in rows]
            journal.updated(entity, "f.json", updates)
            created = [(100_000 + 10 * run + n, *blank) for n in range(5)]
            journal.created(entity, "f.json", created, [1] * 5)
            journal.finish({})
    engine.dispose()


def measure(path: str) -> float:
    """Return the milliseconds of the quickest of some questions."""
    from bakeio_core import Bakeio, connect

    core, engine = Bakeio.discover(), connect(path)
    best = float("inf")
    for _ in range(7):
        with engine.connect() as db:
            before = time.perf_counter()
            core.why(db, *ASKED)
            best = min(best, time.perf_counter() - before)
    return 1000 * best


def main() -> None:
    parser = argparse.ArgumentParser(description="How long `why` takes after many runs.")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--before", type=Path, help="another checkout of bakeio to compare with")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(f"{measure(arguments.measure):.1f}")
        return
    checkouts = {"now": Path(__file__).parents[1]}
    checkouts |= {"before": arguments.before} if arguments.before else {}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "bakeio.db")
        fill(path, arguments.runs)
        print(f"{arguments.runs:,} runs, a journal of {os.path.getsize(path) / 1e6:.1f} MB")
        for name, checkout in checkouts.items():
            places = [str(checkout), str(checkout / "plugins")]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
            command = [sys.executable, __file__, "--measure", path]
            done = subprocess.run(command, env=environment, capture_output=True, check=True)
            print(f"  {name:<8} {done.stdout.decode().strip():>8} ms")


if __name__ == "__main__":
    main()
