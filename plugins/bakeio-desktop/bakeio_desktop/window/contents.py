"""What is in a database: its entities with counts, and the last imports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, inspect, select

from bakeio_core import Run, Session
from bakeio_desktop.parts.table import Row
from bakeio_desktop.work.worker import Job

DID = (
    ("created", "created"),
    ("updated", "updated"),
    ("deleted", "deleted"),
    ("skipped", "skipped"),
    ("errors", "left out"),
)
MOST_RUNS = 200


@dataclass(frozen=True)
class Contents:
    """A look at a database.

    Attributes:
        entities: One line for each entity, with the number of its rows.
        runs: One line for each import, the latest first.
    """

    entities: list[Row]
    runs: list[Row]


def look_into(session: Session, job: Job[Any]) -> Contents:
    """Count what is in a database, and list what was imported."""
    entities = []
    with session.reading() as db:
        there = inspect(db)
        for name, entity in session.bakeio.catalog.entities.items():
            job.progress(name, 0)
            table = entity.table
            # a package that was installed later has no tables here before `bakeio upgrade`
            if not there.has_table(table.name, schema=table.schema):
                entities.append(Row((name, "no table"), "missing", name, (name, -1)))
                continue
            count = db.execute(select(func.count()).select_from(table)).scalar_one()
            entities.append(Row((name, f"{count:,}"), "", name, (name, count)))
        runs = session.bakeio.runs(db)[:MOST_RUNS]
    return Contents(entities, [_run(run) for run in runs])


def _run(run: Run) -> Row:
    counts = run["counts"]
    did = ", ".join(f"{counts[what]:,} {title}" for what, title in DID if counts.get(what))
    when = str(run["at"])[:16].replace("T", " ")
    cells = (str(run["id"]), when, str(run["source"]), str(run["mode"]), did or "nothing changed")
    return Row(cells, "", run, (run["id"], when, cells[2], cells[3], did))
