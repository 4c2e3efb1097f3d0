"""Commands that make databases, or bring them up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bakeio_core.cli.group import bakeio
from bakeio_core.cli.session import Session, json_option

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.history.reports.report import Report


@bakeio.command()
@click.option(
    "--sample", is_flag=True, help="Fill the empty database with a realistic small bakery."
)
@click.option(
    "--yes",
    "-y",
    is_flag=True,
    help="Create the tables even if the database has tables of another program.",
)
@json_option
@click.pass_obj
def init(session: Session, sample: bool, yes: bool, as_json: bool) -> None:
    """Create the tables that are missing."""
    from bakeio_core.database.connect import shown_url
    from bakeio_core.errors import counted
    from bakeio_core.history.upgrade import BESIDE, refuse_foreign

    core = session.bakeio

    def work(db: Connection) -> tuple[list[str], Report | None]:
        if not yes:
            refuse_foreign(db, core.catalog, BESIDE)
        return core.create_tables(db), core.load_sample(db) if sample else None

    made, report = session.write(work, create=True)
    where = shown_url(session.database)
    if as_json:
        loaded = report.summary["created"] if report else 0
        session.result_json({"database": where, "tables": made, "sample": loaded})
        return
    done = f"made {counted(len(made), 'table')}" if made else "all tables exist already"
    session.result(f"{where}: {done}")
    for name, counts in report.entities.items() if report else ():
        if not counts["created"]:
            continue
        noun = "record" if counts["created"] == 1 else "records"
        session.result(f"  {name:<20} {counts['created']:>6,} {noun}")


@bakeio.command()
@json_option
@click.pass_obj
def upgrade(session: Session, as_json: bool) -> None:
    """Update the tables of an older database to this version, in one transaction."""
    with session.writing() as db:
        added = session.bakeio.upgrade(db)
    if as_json:
        session.result_json({"added": added})
    else:
        session.result(f"Added {', '.join(added)}." if added else "The database is up to date.")
