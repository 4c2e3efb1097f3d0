"""How long sheets take beside JSON: out of the database, and back in without an edit.

    python benchmarks/sheets.py [--rows 100000] [--reps 3]

Each command is a process of its own, in turns; wall, processor time and peak memory come from
`os.wait4`, the median of the repetitions is printed, and how many times that of JSON it is. What
comes back is looked at: nothing may change.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median

FORMATS = ("json", "csv", "xlsx")
MIB = 1024 if sys.platform == "linux" else 1024 * 1024


@dataclass
class Took:
    """What a command took: seconds, seconds of processor time, MiB at its peak."""

    wall: float
    cpu: float
    peak: float


def took(database: Path, *words: object) -> Took:
    command = [sys.executable, "-m", "bakeio_core", "-q", "-d", str(database), *map(str, words)]
    with tempfile.TemporaryFile() as out:
        begun = time.perf_counter()
        child = subprocess.Popen(command, stdout=out)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode()
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}: {text[-500:]}")
    if words[0] == "import-view":
        summary = json.loads(text)["summary"]
        if summary["unchanged"] != summary["processed"]:
            raise SystemExit(f"{words[1]}: {summary}")
    return Took(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / MIB)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--reps", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        database = folder / "bakery.db"
        # in a process of its own: what is started begins with the peak of who starts it
        subprocess.run(
            [sys.executable, "-c", "import generate, pathlib, sys; "
             "generate.make(int(sys.argv[1]), pathlib.Path(sys.argv[2]))",
             str(chosen.rows), str(folder / "made")], check=True, cwd=Path(__file__).parent,
        )  # fmt: skip
        subprocess.run(
            [sys.executable, "-m", "bakeio_core", "-q", "-d", str(database), "import-complete",
             str(folder / "made" / "set")], check=True, capture_output=True,
        )  # fmt: skip
        found = defaultdict[tuple[str, str], list[Took]](list)
        for _ in range(chosen.reps):
            for ending in FORMATS:
                path = folder / f"purchases.{ending}"
                out = took(database, "export-view", "purchases", "-o", path, "--force")
                found["out", ending].append(out)
            for ending in FORMATS:
                path = folder / f"purchases.{ending}"
                back = took(database, "import-view", path, "--json", "--no-journal")
                found["in", ending].append(back)
    print("| purchases | wall s | CPU s | of JSON's | peak MiB |")
    print("|---" * 5 + "|")
    for (way, ending), some in found.items():
        wall, cpu = median(one.wall for one in some), median(one.cpu for one in some)
        plain = median(one.cpu for one in found[way, "json"])
        peak = max(one.peak for one in some)
        print(f"| {ending} {way} | {wall:.1f} | {cpu:.1f} | x{cpu / plain:.2f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
