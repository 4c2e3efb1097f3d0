"""Commands that make and check files: export, validate, convert."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from bakeio_core.cli.commands.assistant import assistant_options, export_lean, for_assistant
from bakeio_core.cli.group import bakeio
from bakeio_core.cli.import_options import only_one
from bakeio_core.cli.process.streams import OUTPUT
from bakeio_core.cli.review.exported import as_data, set_as_data, tell, tell_set
from bakeio_core.cli.session import Session, json_option
from bakeio_core.files.documents.limits import PART_SIZE


class Day(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 only
    """A day, written as ISO 8601 has it."""

    name = "date"

    def convert(self, value: Any, parameter: Any, context: Any) -> Any:
        """Return the date, or fail saying how to write one."""
        from datetime import date

        try:
            return date.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            self.fail(f"{value!r} is not a date: write YYYY-MM-DD", parameter, context)


class Size(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 only
    """A number of bytes with its unit: 500MB, 1.5GB."""

    name = "size"

    def convert(self, value: Any, parameter: Any, context: Any) -> Any:
        """Return the number of bytes, or fail saying how to write one."""
        if not isinstance(value, str):
            return value
        said = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kMG])B", value.strip(), re.IGNORECASE)
        size = float(said[1]) * _UNITS[said[2].lower()] if said else 0
        if size < 1:
            self.fail(f"{value!r} is no size: write 500MB, or 1.5GB", parameter, context)
        return int(size)


_UNITS = {"k": 10**3, "m": 10**6, "g": 10**9}


@bakeio.command("export-complete")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="A new folder. Default: docs/exports/<time>_<6 hex>.",
)
@click.option(
    "--zip", "as_zip", is_flag=True, help="Also write archives/<name>.zip beside the folder."
)
@click.option(
    "--prove",
    is_flag=True,
    help="Restore the set into a scratch database and compare, before it appears.",
)
@click.option(
    "--force", is_flag=True, help="Replace what an earlier export wrote there, but nothing else."
)
@click.option(
    "--no-transactional",
    is_flag=True,
    help="Leave out entities that have a date, and what needs them.",
)
@click.option(
    "--since", type=Day(), help="Only dated rows of this day or later, and what they refer to."
)
@click.option(
    "--until",
    type=Day(),
    help="Only dated rows of this day or earlier, and what they refer to. Without --since also "
    "rows that have no date.",
)
@click.option(
    "--as-stored",
    is_flag=True,
    help="Write null for values that a file cannot hold; the manifest lists them as stored.",
)
@click.option(
    "--visible-only",
    is_flag=True,
    help="Write the rows this user can see, where policies of the database may hide others.",
)
@click.option(
    "--format",
    "format_",
    help="Write sheets for reading (xlsx: a workbook; csv: a folder): no backup, never imported.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 16),
    default=1,
    help="Write so many files at the same time, if the server lets several connections share a "
    "snapshot.",
)
@click.option(
    "--part-size",
    type=Size(),
    help="Cut files that would be larger into parts of this size, such as 100MB. Default: 1GB.",
)
@json_option
@click.pass_obj
def export_complete(
    session: Session,
    output: Path | None,
    as_zip: bool,
    prove: bool,
    force: bool,
    no_transactional: bool,
    since: Any,
    until: Any,
    as_stored: bool,
    visible_only: bool,
    format_: str | None,
    jobs: int,
    part_size: int | None,
    as_json: bool,
) -> None:
    """Write everything as a normalized set that rebuilds the database anywhere."""
    if format_ is not None and format_ != "json":
        limits = [as_zip, prove, force, no_transactional, since, until, as_stored, visible_only]
        _export_to_read(session, output, format_, [*limits, jobs > 1, part_size], as_json)
        return
    with (
        telling(session, as_json),
        session.exporting() as db,
        session.progress("exporting", session.bakeio.count_records(db), silent=as_json) as progress,
    ):
        done = session.bakeio.export_complete(
            db,
            output,
            zip=as_zip,
            force=force,
            transactional=not no_transactional,
            since=since,
            until=until,
            as_stored=as_stored,
            visible_only=visible_only,
            prove=prove,
            jobs=jobs,
            part_size=part_size or PART_SIZE,
            progress=progress,
        )
    if as_json:
        session.result_json(set_as_data(done) | {"proved": prove})
        return
    tell_set(session, done)
    if prove:
        session.result(
            "Proved: restored into a scratch database and exported again, it is the same."
        )
    if done.archive:
        session.result(f"Archive: {done.archive}")


def _export_to_read(
    session: Session, output: Path | None, format_: str, limits: Sequence[Any], as_json: bool
) -> None:
    """Write sheets that are read by people, and by no import."""
    if output is None or any(limits):
        raise click.UsageError(
            "--format writes sheets for reading, with everything: give --output, and no other "
            "option"
        )
    totals = session.bakeio.count_records
    with (
        telling(session, as_json),
        session.exporting() as db,
        session.progress("exporting", totals(db), silent=as_json) as progress,
    ):
        counts = session.bakeio.export_to_read(db, output, format_, progress=progress)
    if as_json:
        session.result_json({"output": str(output), "counts": counts, "backup": False})
        return
    session.result(f"Wrote {sum(counts.values()):,} records to {output}, for reading.")
    session.say("It is not a backup and is not imported: for that, leave --format out.")


@bakeio.command("validate-export")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--manifest", type=click.Path(path_type=Path), help="The manifest of the set, instead of PATH."
)
@click.option(
    "--values/--no-values",
    default=True,
    show_default=True,
    help="Also read every value as an import would.",
)
@json_option
@click.pass_obj
def validate_export(
    session: Session, path: Path | None, manifest: Path | None, values: bool, as_json: bool
) -> None:
    """Check a set (folder, zip or manifest): sizes, checksums, counts, order, references, values.

    It needs no database, so it does not see rows of a database, such as keys that exist already.
    """
    from bakeio_core.errors import counted
    from bakeio_core.history.reports.report import problem_lines

    target = only_one(path, manifest, "PATH", "--manifest")
    with session.progress("checking", silent=as_json) as progress:
        problems = session.bakeio.validate(target, values=values, progress=progress)
    if as_json:
        session.result_json(
            {"path": str(target), "valid": not problems.errors, "problems": as_data(problems)}
        )
    else:
        for line in problem_lines(problems, problems.dropped):
            session.result(line)
        found = counted(problems.errors, "problem") if problems.errors else "is valid"
        unread = "" if values else " Its values were not checked."
        session.result(f"{target}: {found}.{unread}")
    if problems.errors:
        raise SystemExit(1)


@bakeio.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(path_type=Path),
    help="A new folder for the set; a new file where PATH is edits of a view.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Replace what an earlier conversion wrote there, but nothing else.",
)
@json_option
@click.pass_obj
def convert(session: Session, path: Path, output: Path, force: bool, as_json: bool) -> None:
    """Write a document of another program as files of bakeio, as `import` would read it.

    Which documents are read is for plugins to say. Needs no database.
    """
    from bakeio_core.errors import counted
    from bakeio_core.history.reports.report import problem_lines

    counts, problems = session.bakeio.convert(path, output, force=force)
    if as_json:
        told = {"path": str(path), "output": str(output), "records": counts}
        session.result_json(told | {"problems": as_data(problems)})
        return
    for line in problem_lines(list(problems), problems.dropped):
        session.result(line)
    for name, count in counts.items():
        session.result(f"  {name:<20} {counted(count, 'record')}")
    session.result(f"Wrote {output}. Import it: bakeio import {output}")


@contextlib.contextmanager
def telling(session: Session, as_json: bool) -> Iterator[None]:
    """Tell every value of the database that no file can hold, before the command ends with that."""
    from bakeio_core.errors import ExportRefused

    try:
        yield
    except ExportRefused as refused:
        if not as_json:
            tell(session, refused.problems)
        raise


@bakeio.command("export-view")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option(
    "--output",
    "-o",
    metavar="FILE|-",
    help="The file to write; - is stdout. Its extension says the format. Default: "
    "docs/exports/ai_augmentation/view_<name>.json.",
)
@click.option("--fields", metavar="A,B", help="Only these fields; keys are kept.")
@click.option(
    "--missing",
    multiple=True,
    metavar="FIELD",
    help="Only records that lack this field; may be given more than once.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Export no more records than this.")
@click.option("--all", "everything", is_flag=True, help="Include hidden records.")
@click.option(
    "--format",
    "format_",
    metavar="F",
    help="The format, whatever the file is called: json, or one that a plugin brings.",
)
@click.option("--force", is_flag=True, help="Overwrite a view whose edits are not imported yet.")
@assistant_options
@json_option
@click.pass_obj
def export_view(
    session: Session,
    /,
    names: tuple[str, ...],
    output: str | None,
    fields: str | None,
    missing: tuple[str, ...],
    limit: int | None,
    everything: bool,
    format_: str | None,
    force: bool,
    as_json: bool,
    **lean: Any,
) -> None:
    """Write a view: a file that a person or an assistant edits.

    Several views go into one file where its format has sheets, such as a workbook (.xlsx).
    """
    from bakeio_core.errors import PluginError, UsageError, counted

    core = session.bakeio
    wanted = fields.split(",") if fields else None
    try:
        views = [
            core.view(name).narrow(
                fields=wanted, missing=missing, limit=limit, everything=everything
            )
            for name in names
        ]
    except PluginError as error:
        raise UsageError(str(error)) from None
    if for_assistant(lean, format_):
        if len(names) > 1:
            raise UsageError("an assistant gets one view at a time: name one of them")
        whole = core.view(names[0]).narrow(missing=missing, limit=limit, everything=everything)
        return export_lean(session, whole, wanted, output, lean, as_json)
    known = core.formats.get(format_ or "")
    suffix = known.suffix if known is not None else ".json"
    called = "_".join(view.name for view in views)
    path = output or f"docs/exports/ai_augmentation/view_{called}{suffix}"
    with (
        telling(session, as_json),
        session.exporting() as db,
        session.progress("exporting", core.count_records(db, views), silent=as_json) as progress,
    ):
        if path == "-":
            session.interrupts.said = "Interrupted: the output is incomplete."
            core.export_view(db, views, OUTPUT, format=format_)
            return
        count = core.export_view(db, views, path, format=format_, force=force, progress=progress)
    if as_json:
        session.result_json({"file": path, "view": called, "records": count})
    else:
        session.result(f"Exported {counted(count, 'record')} to {path}")
