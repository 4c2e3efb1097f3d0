"""Commands on what was imported: runs, undo, why, aliases."""

from __future__ import annotations

import click

from bakeio_core.cli.group import bakeio
from bakeio_core.cli.session import Session, json_option, show_report


@bakeio.command(
    help="List what names were mapped to in earlier imports, or forget one: "
    "aliases remove ENTITY NAME."
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
            raise click.UsageError("say which: bakeio aliases remove ENTITY NAME")
        with session.writing() as db:
            gone = core.forget_alias(db, entity, name)
        if not gone:
            raise click.ClickException(
                f'nothing was learned of "{name}" as a name of {entity}; see: bakeio aliases'
            )
        session.result_json({"removed": gone}) if as_json else session.result(f"Forgot {gone}.")
        return
    with session.reading() as db:
        found = [alias for alias in core.aliases(db) if entity in (None, alias["entity"])]
    if as_json:
        session.result_json({"aliases": found})
        return
    for alias in found:
        key = ", ".join(map(str, alias["key"].values()))
        row = alias["row"] or "(a row that is gone)"
        session.result(f"{alias['entity']:<14} {key}  is  {row}  ({alias['at'][:10]})")
    if not found:
        session.result("Nothing was learned yet.")


@bakeio.command()
@json_option
@click.pass_obj
def runs(session: Session, as_json: bool) -> None:
    """List what was imported, the latest run first."""
    from bakeio_core.values.wording import printable

    with session.reading() as db:
        found = session.bakeio.runs(db)
    if as_json:
        session.result_json({"runs": found})
        return
    for run in found:
        counts = ", ".join(
            f"{number:,} {name}"
            for name, number in run["counts"].items()
            if number and name not in ("processed", "nulls_kept")
        )
        what = f"{printable(run['source'])}  {run['mode']}: {counts or 'nothing'}"
        session.result(f"{run['id']:>4}  {run['at'][:19]}Z  {what}")
    if not found:
        session.result("Nothing was imported yet.")


@bakeio.command()
@click.argument("run", required=False, type=click.IntRange(min=1))
@click.option("--dry-run", is_flag=True, help="Do everything, show it, and write nothing.")
@json_option
@click.pass_obj
def undo(session: Session, run: int | None, dry_run: bool, as_json: bool) -> None:
    """Take one import back: the latest, or RUN. What was changed since is kept and named."""
    report = session.write(
        lambda db: session.bakeio.undo(db, run, dry_run=dry_run), dry_run=dry_run
    )
    show_report(session, report, as_json)


@bakeio.command()
@click.argument("entity")
@click.argument("key")
@click.argument("field", required=False)
@json_option
@click.pass_obj
def why(session: Session, entity: str, key: str, field: str | None, as_json: bool) -> None:
    """Tell which run, file and record made a row or set its FIELD. KEY is its slug, another key or
    its id.
    """
    from bakeio_core.values.wording import printable, shown

    with session.reading() as db:
        found = session.bakeio.why(db, entity, key, field)
    if as_json:
        session.result_json(
            {"entity": entity.replace("-", "_"), "key": key, "field": field, "history": found}
        )
        return
    for entry in found:
        what = f"{entry['action']}d"
        if entry["action"] == "set":
            what = f"{entry['field']}: {shown(entry['old'])} -> {shown(entry['new'])}"
        where = str(entry["file"] or entry["source"])
        where += f", record {entry['record']}" if entry["record"] else ""
        session.result(printable(f"{what}  (run {entry['run']}, {entry['at'][:19]}Z, {where})"))
    if not found:
        session.result("No import set it: it was made or changed elsewhere, or without a journal.")
