"""Commands on what was imported: runs, undo, why, aliases."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bakeio_core.cli.group import bakeio
from bakeio_core.cli.session import Session, json_option

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.history.journal.prune import JournalSize, Pruned
    from bakeio_core.history.reports.report import Report

SCREENFUL = 20
"""How many rows an undo deletes without a question where its run was not named."""


@bakeio.command(
    help="List what names and headings of sheets meant in earlier imports, or forget one: "
    "aliases remove ENTITY NAME, aliases remove VIEW HEADING."
)
@click.argument("action", type=click.Choice(["list", "remove"]), default="list")
@click.argument("entity", required=False)
@click.argument("name", required=False)
@json_option
@click.pass_obj
def aliases(
    session: Session, action: str, entity: str | None, name: str | None, as_json: bool
) -> None:
    """List what was learned, or forget one name."""
    core = session.bakeio
    if action == "remove":
        if entity is None or name is None:
            raise click.UsageError("name one: bakeio aliases remove ENTITY NAME")
        with session.writing() as db:
            gone = core.forget_alias(db, entity, name) or core.forget_layouts(db, entity, name)
        if not gone:
            raise click.ClickException(
                f'nothing was learned about "{name}" as a name of {entity}; see: bakeio aliases'
            )
        session.result_json({"removed": gone}) if as_json else session.result(f"Forgot {gone}.")
        return
    with session.reading() as db:
        found = [alias for alias in core.aliases(db) if entity in (None, alias["entity"])]
        layouts = [one for one in core.layouts(db) if entity in (None, one["meaning"]["view"])]
    if as_json:
        session.result_json({"aliases": found, "layouts": layouts})
        return
    for alias in found:
        key = ", ".join(map(str, alias["key"].values()))
        row = alias["row"] or "(a row that is gone)"
        session.result(f"{alias['entity']:<14} {key}  is  {row}  ({alias['at'][:10]})")
    for one in layouts:
        fields = one["meaning"]["fields"].items()
        meant = ", ".join(f"{heading} is {field}" for heading, field in fields if field)
        session.result(f"{one['meaning']['view']:<14} sheet: {meant}")
    if not found and not layouts:
        session.result("Nothing was learned yet.")


@bakeio.command()
@json_option
@click.pass_obj
def runs(session: Session, as_json: bool) -> None:
    """List what was imported, the latest run first."""
    with session.reading() as db:
        found = session.bakeio.runs(db)
        pruned = session.bakeio.journal(db).pruned
    if as_json:
        session.result_json({"runs": found, "pruned": pruned})
        return
    for run in found:
        left = "" if run["id"] > pruned else "  (removed from the journal)"
        session.result(f"{run['id']:>4}  {_what_it_did(run)}{left}")
    if not found:
        session.result("Nothing was imported yet.")


def _what_it_did(run: Mapping[str, Any]) -> str:
    """Return a run as a line without its number: when, of which file, in which mode, the counts."""
    from bakeio_core.history.reports.report import counted_outcome
    from bakeio_core.values.wording import printable

    counts = ", ".join(
        counted_outcome(name, number)
        for name, number in run["counts"].items()
        if number and name not in ("processed", "nulls_kept")
    )
    return f"{run['at'][:19]}Z  {printable(run['source'])}  {run['mode']}: {counts or 'nothing'}"


@bakeio.command(
    help="Undo one import: RUN, or the latest that changed something. What was changed since "
    "is kept and named. Asks before it deletes many rows, unless the run was named."
)
@click.argument("run", required=False, type=click.IntRange(min=1))
@click.option("--dry-run", is_flag=True, help="Show the result, but write nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before many rows are deleted.")
@json_option
@click.pass_obj
def undo(session: Session, run: int | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Undo one import."""
    from bakeio_core.history.reports.report import ImportRefused

    with session.reading() as db:
        entry = session.bakeio.run_to_undo(db, run)
    number = entry["id"]
    session.say(f"Undoing run {number}:  {_what_it_did(entry)}")
    is_agreed = run is not None or yes or dry_run
    most = None if is_agreed else _agreed_deletions(session, number)

    def work(db: Connection) -> Report:
        with session.progress("undoing", silent=as_json) as progress:
            report = session.bakeio.undo(db, number, dry_run=dry_run, progress=progress)
        if most is not None and report.summary["deleted"] > most:
            raise ImportRefused(
                "the database changed after you were asked, and more rows would be deleted: "
                "nothing was. Try again",
                code="changed-meanwhile",
            )
        return report

    from bakeio_core.cli.review.difference import show_report

    show_report(session, session.write(work, dry_run=dry_run), as_json)


def _agreed_deletions(session: Session, run: int) -> int:
    """Ask before more rows than a screenful go with a run that nobody named.

    Returns:
        How many rows may be deleted.

    Raises:
        BakeioError: There is nobody to ask.
        click.Abort: The person said no.
    """
    from bakeio_core.errors import BakeioError, counted

    report = session.write(lambda db: session.bakeio.undo(db, run, dry_run=True), dry_run=True)
    gone = report.summary["deleted"]
    if gone <= SCREENFUL:
        return SCREENFUL
    for name, counts in report.entities.items():
        if counts["deleted"]:
            session.say(f"  {name:<20} {counts['deleted']:>9,} to be deleted")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise BakeioError(
            f"undoing run {run} would delete {counted(gone, 'row')}: nothing was written. "
            f"If that is meant, type: bakeio undo {run}, or: bakeio undo --yes"
        )
    session.confirm(f"Delete {counted(gone, 'row')} that run {run} made?")
    return gone


@bakeio.command()
@click.argument("entity")
@click.argument("key")
@click.argument("field", required=False)
@json_option
@click.pass_obj
def why(session: Session, entity: str, key: str, field: str | None, as_json: bool) -> None:
    """Show which run, file and record created a row or set its FIELD. KEY is its slug, another key
    or its id.
    """
    from bakeio_core.values.wording import printable, shown

    with session.reading() as db:
        found = session.bakeio.why(db, entity, key, field)
        pruned = session.bakeio.journal(db).pruned
    if as_json:
        told = {"entity": entity.replace("-", "_"), "key": key, "field": field, "history": found}
        session.result_json({**told, "pruned": pruned})
        return
    for entry in found:
        what = f"{entry['action']}d"
        if entry["action"] == "set":
            what = f"{entry['field']}: {shown(entry['old'])} -> {shown(entry['new'])}"
        what += "".join(f" {mark['field']}{_marked(mark)}" for mark in entry.get("marks", ()))
        where = str(entry["file"] or entry["source"])
        where += f", record {entry['record']}" if entry["record"] else ""
        session.result(printable(f"{what}  (run {entry['run']}, {entry['at'][:19]}Z, {where})"))
    if pruned:
        session.say(f"note: what runs up to {pruned} did was removed from the journal")
    if not found:
        session.result("No import set it: it was made or changed elsewhere, or without a journal.")


def _marked(mark: Mapping[str, Any]) -> str:
    """Return what is known of a value an assistant gave."""
    from bakeio_core.cli.review.difference import origin

    confirmed = f", confirmed by {mark['confirmed_by']}" if mark["confirmed_by"] else ""
    return f"{origin(mark) or ' (of an assistant)'}{confirmed}"


@bakeio.command()
@click.argument("entity", required=False)
@click.argument("key", required=False)
@click.argument("field", required=False)
@json_option
@click.pass_obj
def confirm(
    session: Session, entity: str | None, key: str | None, field: str | None, as_json: bool
) -> None:
    """Confirm a value from an assistant, after you checked it. Without FIELD:
    list those that nobody has confirmed yet.
    """
    import getpass

    from bakeio_core.values.wording import printable, shown

    if entity is None or key is None or field is None:
        if entity is not None:
            raise click.UsageError("name one value: bakeio confirm ENTITY KEY FIELD")
        with session.reading() as db:
            found = session.bakeio.unverified(db)
        if as_json:
            session.result_json({"unverified": found})
            return
        for one in found:
            told = f"{one['entity']} {one['id']} ({one['label']}), {one['field']}: "
            source = f", source {shown(one['source'])}" if one["source"] else ""
            session.result(printable(f"{told}{shown(one['value'])}{source}  (run {one['run']})"))
        if not found:
            session.result("Nothing is unverified.")
        return
    core, by = session.bakeio, getpass.getuser()
    value = session.write(lambda db: core.confirm(db, entity, key, field, by))
    if as_json:
        session.result_json({"confirmed": value, "field": field, "by": by})
    else:
        session.result(printable(f"Confirmed {field} {shown(value)}"))


@bakeio.command(
    help="Show the size of the journal, which undo and why read; or remove old runs from it: "
    "journal prune --keep-days N."
)
@click.argument("action", type=click.Choice(["show", "prune"]), default="show")
@click.option(
    "--keep-days", type=click.IntRange(min=0), metavar="N", help="Keep the runs of the last N days."
)
@click.option(
    "--keep-runs", type=click.IntRange(min=0), metavar="N", help="Keep the latest N runs."
)
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@json_option
@click.pass_obj
def journal(
    session: Session,
    action: str,
    keep_days: int | None,
    keep_runs: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Show the journal, or thin it."""
    from bakeio_core.errors import counted

    if action == "show":
        if dry_run or keep_days is not None or keep_runs is not None:
            raise click.UsageError("to remove old runs: bakeio journal prune --keep-days N")
        with session.reading() as db:
            size = session.bakeio.journal(db)
        session.result_json(asdict(size)) if as_json else _show_journal(session, size)
        return

    def work(db: Connection) -> Pruned:
        return session.bakeio.prune_journal(db, keep_days=keep_days, keep_runs=keep_runs)

    gone = session.write(work, dry_run=dry_run)
    if as_json:
        session.result_json({"dry_run": dry_run, **asdict(gone)})
        return
    if not gone.runs:
        session.result("No run is old enough: nothing was removed.")
        return
    did = "would be" if dry_run else "was" if gone.runs == 1 else "were"
    session.result(
        f"{counted(gone.runs, 'run')} up to {gone.to} {did} removed from the journal: "
        f"{counted(gone.changes, 'field')} set, {gone.batches:,} batches of rows. "
        "They can no longer be undone or explained."
    )
    if not dry_run:
        session.say(
            "The space is used for later runs; to make the database smaller, run VACUUM in it."
        )


def _show_journal(session: Session, size: JournalSize) -> None:
    from bakeio_core.errors import counted

    session.result(f"{counted(size.runs, 'run')}, {_bytes(size.bytes)}")
    if size.pruned:
        session.result(f"  up to run {size.pruned} only that these runs existed")
    if size.first:
        session.result(f"  everything since {size.first[:19]}Z")
    session.result(f"  {size.changes:>9,} fields set")
    session.result(f"  {size.batches:>9,} batches of rows created and deleted")


def _bytes(size: int | None) -> str:
    if size is None:
        return "of a size that the database does not report"
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"
