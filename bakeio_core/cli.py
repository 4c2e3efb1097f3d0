"""The commands of the command line, each loading the heavy modules it needs, and `main`, which turns what happens into an exit code."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bakeio_core.importing import import_options, only_one, run_import
from bakeio_core.session import Session, TakeBack, json_option, show_report, shownable
from bakeio_core.version import VERSION

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.report import Report

__all__ = ["Session", "json_option", "main"]

COMMANDS = "bakeio.commands"


class Commands(click.Group):
    """The commands of bakeio and those of plugins (entry points of `bakeio.commands`), loaded only when called; `-` and `_` are one."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *_plugin_commands()})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        name = name.replace("_", "-")
        known = super().get_command(context, name)
        if known is None and name in (found := _plugin_commands()):
            try:
                known = found[name].load()
            except Exception as error:
                raise click.ClickException(f"the command {name} of a plugin cannot be loaded: {type(error).__name__}: {error}") from None
        return known

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List plugin commands without importing them: their help is their own."""
        plugins = {
            name: f"Of {entry.dist.metadata['Name']}: bakeio {name} --help" for name, entry in _plugin_commands().items() if entry.dist
        }
        own = {name: command.get_short_help_str(formatter.width) for name, command in self.commands.items()}
        rows = sorted({**plugins, **own}.items())
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _plugin_commands() -> dict[str, Any]:
    import importlib_metadata

    return {entry.name: entry for entry in importlib_metadata.entry_points(group=COMMANDS)}


class Day(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 only
    name = "date"

    def convert(self, value: Any, parameter: Any, context: Any) -> Any:
        from datetime import date

        try:
            return date.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            self.fail(f"{value!r} is not a date: write YYYY-MM-DD", parameter, context)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--database",
    "-d",
    envvar="BAKEIO_DATABASE",
    default="bakeio.db",
    metavar="URL|PATH",
    show_default=True,
    help="The database: a path of an SQLite file, or a URL such as postgresql://user@host/name. Also from BAKEIO_DATABASE.",
)
@click.option("--block", multiple=True, metavar="PLUGIN", help="Leave a plugin out; may be given more than once.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing on stderr but errors.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0, max=86_400),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for another program that is writing; 0: not at all.",
)
@click.version_option(VERSION, prog_name="bakeio")
@click.pass_context
def bakeio(context: click.Context, database: str, block: tuple[str, ...], quiet: bool, wait: float) -> None:
    """Take a bakery's data out of its database as files, and bring enriched files back in without losing anything."""
    context.obj = Session(database, block, quiet, wait)
    context.with_resource(context.obj.talking())


@bakeio.command()
@click.option("--sample", is_flag=True, help="Load a realistic small bakery into the empty database.")
@json_option
@click.pass_obj
def init(session: Session, sample: bool, as_json: bool) -> None:
    """Create the tables; doing it twice is harmless."""
    from bakeio_core.database import shown_url

    core = session.bakeio
    made, report = session.write(lambda db: (core.create_tables(db), core.load_sample(db) if sample else None), create=True)
    where = shown_url(session.database)
    if as_json:
        session.result_json({"database": where, "tables": made, "sample": report.summary["created"] if report else 0})
        return
    session.result(f"{where}: made {len(made)} tables" if made else f"{where}: all tables are there already")
    if report:
        session.result("\n".join(f"  {name:<20} {counts['created']:>6,} records" for name, counts in report.entities.items()))


@bakeio.command()
@json_option
@click.pass_obj
def upgrade(session: Session, as_json: bool) -> None:
    """Bring an older database's tables up to this version, in one transaction."""
    with session.writing() as db:
        added = session.bakeio.upgrade(db)
    if as_json:
        session.result_json({"added": added})
    else:
        session.result(f"Added {', '.join(added)}." if added else "The database is up to date.")


@bakeio.command("export-complete")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="A new folder. Default: docs/exports/<time>_<6 hex>.")
@click.option("--zip", "as_zip", is_flag=True, help="Also write archives/<name>.zip beside the folder.")
@click.option("--prove", is_flag=True, help="Restore the set into a scratch database and compare, before it appears.")
@click.option("--force", is_flag=True, help="Replace what an earlier export wrote there, and nothing else.")
@click.option("--no-transactional", is_flag=True, help="Leave out entities that have a date.")
@click.option("--since", type=Day(), help="Only dated rows of this day or later, and what they refer to.")
@click.option("--until", type=Day(), help="Only dated rows of this day or earlier, and what they refer to.")
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
    as_json: bool,
) -> None:
    """Write everything as a normalized set that rebuilds the database anywhere."""
    with session.progress() as progress, session.reading() as db:
        done = session.bakeio.export_complete(
            db,
            output,
            zip=as_zip,
            force=force,
            transactional=not no_transactional,
            since=since,
            until=until,
            prove=prove,
            progress=progress,
        )
    if as_json:
        archive = str(done.archive) if done.archive else None
        told = {"folder": str(done.folder), "archive": archive, "counts": done.counts, "omitted": list(done.omitted), "proved": prove}
        session.result_json(told)
        return
    session.result(f"Exported {sum(done.counts.values()):,} records to {done.folder}")
    session.result("\n".join(f"  {name:<20} {count:>9,}" for name, count in done.counts.items()))
    if done.omitted:
        session.result(f"  left out: {', '.join(done.omitted)}")
    if prove:
        session.result("Proved: restored into a scratch database and exported again, it is the same.")
    if done.archive:
        session.result(f"Archive: {done.archive}")


@bakeio.command("validate-export")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--manifest", type=click.Path(path_type=Path), help="The manifest of the set, instead of PATH.")
@json_option
@click.pass_obj
def validate_export(session: Session, path: Path | None, manifest: Path | None, as_json: bool) -> None:
    """Check a set (folder, zip or manifest): sizes, checksums, counts, order, references. Needs no database."""
    target = only_one(path, manifest, "PATH", "--manifest")
    problems = session.bakeio.validate(target)
    if as_json:
        session.result_json({"path": str(target), "valid": not problems.errors, "problems": _as_data(problems)})
    else:
        from bakeio_core.errors import counted
        from bakeio_core.report import problem_lines

        for line in problem_lines(problems, problems.dropped):
            session.result(line)
        session.result(f"{target}: {'is valid' if not problems.errors else counted(problems.errors, 'problem')}.")
    if problems.errors:
        raise SystemExit(1)


def _as_data(problems: Any) -> list[Any]:
    import msgspec

    return [msgspec.to_builtins(problem) for problem in problems]


@bakeio.command("import-complete")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@import_options
@click.pass_obj
def import_complete(session: Session, /, **options: Any) -> None:
    """Import a normalized set: its folder, zip or manifest. Makes missing tables; all of it or nothing."""
    run_import(session, create=True, kinds=("set",), **options)


@bakeio.command("import-view")
@click.argument("path", required=False, metavar="FILE", type=click.Path(path_type=Path))
@import_options
@click.pass_obj
def import_view(session: Session, /, **options: Any) -> None:
    """Import an edited view: only its editable fields are written, and edits of the database are never lost. `-` reads stdin."""
    run_import(session, create=False, kinds=("view",), **options)


@bakeio.command("import")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@import_options
@click.pass_obj
def import_any(session: Session, /, **options: Any) -> None:
    """Import a set, a view or an entity's file, whichever it is."""
    run_import(session, create=False, kinds=("set", "view", "entity"), **options)


@bakeio.command("export-view")
@click.argument("name")
@click.option("--output", "-o", metavar="FILE|-", help="The file; - is stdout. Default: docs/exports/ai_augmentation/view_<name>.json.")
@click.option("--fields", metavar="A,B", help="Only these fields; keys stay.")
@click.option("--missing", multiple=True, metavar="FIELD", help="Only records that lack this field; may be given more than once.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many records.")
@click.option("--all", "everything", is_flag=True, help="With hidden records.")
@click.option("--format", "format_", metavar="F", help="A format a plugin brings, instead of JSON.")
@click.option("--force", is_flag=True, help="Overwrite a view whose edits are not imported yet.")
@json_option
@click.pass_obj
def export_view(session: Session, name: str, output: str | None, fields: str | None, missing: tuple[str, ...], limit: int | None,
                everything: bool, format_: str | None, force: bool, as_json: bool) -> None:  # fmt: skip
    """Write a view: a file a person or an assistant edits, to be imported again."""
    from bakeio_core.errors import PluginError, UsageError

    core = session.bakeio
    whole = core.view(name)
    try:
        view = whole.narrow(fields=fields.split(",") if fields else None, missing=missing, limit=limit, everything=everything)
    except PluginError as error:
        raise UsageError(str(error)) from None
    suffix = core.formats[format_].suffix if format_ in core.formats else ".json"
    path = output or f"docs/exports/ai_augmentation/view_{view.name}{suffix}"
    with session.progress() as progress, session.reading() as db:
        if path == "-":
            core.export_view(db, view, sys.stdout.buffer)
            return
        count = core.export_view(db, view, path, format=format_, force=force, progress=progress)
    if as_json:
        session.result_json({"file": path, "view": view.name, "records": count})
    else:
        session.result(f"Exported {count:,} records to {path}")


@bakeio.command()
@click.argument("view")
@click.pass_obj
@json_option
def schema(session: Session, view: str, as_json: bool) -> None:
    """Print the JSON Schema of what a person or an assistant may return of a view."""
    from bakeio_core.schema import view_schema

    core = session.bakeio
    value = view_schema(core.view(view), core.catalog)
    if as_json:
        session.result_json(value)
    else:
        session.result(json.dumps(value, ensure_ascii=False, indent=2))


@bakeio.command()
@click.argument("entity")
@click.argument("text")
@click.option("--limit", type=click.IntRange(min=1), default=5, show_default=True, help="At most so many candidates.")
@json_option
@click.pass_obj
def suggest(session: Session, entity: str, text: str, limit: int, as_json: bool) -> None:
    """List the rows of ENTITY that TEXT may mean, the best first, with scores and reasons."""
    with session.reading() as db:
        found = session.bakeio.suggest(db, entity, text, limit)
    if as_json:
        session.result_json({"entity": entity.replace("-", "_"), "text": text, "candidates": [candidate.as_dict() for candidate in found]})
        return
    from bakeio_core.dialogue import listed

    for line in listed(found)[1:]:
        session.result(line)
    if not found:
        session.result("Nothing is like it.")


@bakeio.command()
@click.argument("action", type=click.Choice(["list", "remove"]), default="list")
@click.argument("entity", required=False)
@click.argument("name", required=False)
@json_option
@click.pass_obj
def aliases(session: Session, action: str, entity: str | None, name: str | None, as_json: bool) -> None:
    """List what names were mapped to in earlier imports, or forget one: aliases remove ENTITY NAME."""
    core = session.bakeio
    if action == "remove":
        if entity is None or name is None:
            raise click.UsageError("say which: bakeio aliases remove ENTITY NAME")
        with session.writing() as db:
            gone = core.forget_alias(db, entity, name)
        if not gone:
            raise click.ClickException(f'nothing was learned of "{name}" as a name of {entity}; see: bakeio aliases')
        session.result_json({"removed": gone}) if as_json else session.result(f"Forgot {gone}.")
        return
    with session.reading() as db:
        found = [alias for alias in core.aliases(db) if entity in (None, alias["entity"])]
    if as_json:
        session.result_json({"aliases": found})
        return
    for alias in found:
        said = ", ".join(map(str, alias["key"].values()))
        session.result(f"{alias['entity']:<14} {said}  is  {alias['row'] or '(a row that is gone)'}  ({alias['at'][:10]})")
    if not found:
        session.result("Nothing was learned yet.")


@bakeio.command()
@json_option
@click.pass_obj
def runs(session: Session, as_json: bool) -> None:
    """List what was imported, the latest run first."""
    from bakeio_core.values import printable

    with session.reading() as db:
        found = session.bakeio.runs(db)
    if as_json:
        session.result_json({"runs": found})
        return
    for run in found:
        counts = ", ".join(
            f"{number:,} {name}" for name, number in run["counts"].items() if number and name not in ("processed", "nulls_kept")
        )
        session.result(f"{run['id']:>4}  {run['at'][:19]}Z  {printable(run['source'])}  {run['mode']}: {counts or 'nothing'}")
    if not found:
        session.result("Nothing was imported yet.")


@bakeio.command()
@click.argument("run", required=False, type=click.IntRange(min=1))
@click.option("--dry-run", is_flag=True, help="Do everything, show it, and write nothing.")
@json_option
@click.pass_obj
def undo(session: Session, run: int | None, dry_run: bool, as_json: bool) -> None:
    """Take one import back: the latest, or RUN. What was changed since is kept and named."""
    report: Report | None = None

    def work(db: Connection) -> None:
        nonlocal report
        report = session.bakeio.undo(db, run, dry_run=dry_run)
        if dry_run:
            raise TakeBack

    with contextlib.suppress(TakeBack):
        session.write(work)
    if report is not None:
        show_report(session, report, as_json)


@bakeio.command()
@click.argument("entity")
@click.argument("key")
@click.argument("field", required=False)
@json_option
@click.pass_obj
def why(session: Session, entity: str, key: str, field: str | None, as_json: bool) -> None:
    """Tell which run, file and record made a row or set its FIELD. KEY is its slug, another key or its id."""
    from bakeio_core.values import printable, shown

    with session.reading() as db:
        found = session.bakeio.why(db, entity, key, field)
    if as_json:
        session.result_json({"entity": entity.replace("-", "_"), "key": key, "field": field, "history": found})
        return
    for entry in found:
        what = {"create": "created", "delete": "deleted"}.get(
            entry["action"]
        ) or f"{entry['field']}: {shown(entry['old'])} -> {shown(entry['new'])}"
        where = f"{entry['file'] or entry['source']}" + (f", record {entry['record']}" if entry["record"] else "")
        session.result(printable(f"{what}  (run {entry['run']}, {entry['at'][:19]}Z, {where})"))
    if not found:
        session.result("No import set it: it was made or changed elsewhere, or without a journal.")


@bakeio.command()
@json_option
@click.pass_obj
def entities(session: Session, as_json: bool) -> None:
    """List what can be exported and imported, in import order."""
    catalog = session.bakeio.catalog
    rows = [
        {"name": name, "plugin": plugin.name, "distribution": plugin.distribution, "version": plugin.version, "refers_to": catalog.dependencies(entity)}
        for name, entity in catalog.entities.items()
        for plugin in [catalog.provider[name]]
    ]  # fmt: skip
    disabled = {name: reason for name, reason in catalog.disabled.items() if not name.startswith("view ")}
    if as_json:
        session.result_json({"entities": rows, "disabled": disabled})
        return
    for row in rows:
        after = f"  refers to {', '.join(row['refers_to'])}" if row["refers_to"] else ""
        session.result(f"{row['name']:<20} {row['distribution']} {row['version']}{after}")
    for name, reason in disabled.items():
        session.result(f"{name:<20} disabled: {reason}")


@bakeio.command()
@json_option
@click.pass_obj
def views(session: Session, as_json: bool) -> None:
    """List the views: what each is for, and which fields may be edited."""
    catalog = session.bakeio.catalog
    rows = [
        {"name": name, "entity": view.entity, "purpose": view.purpose, "plugin": catalog.view_provider[name].name,
         "distribution": catalog.view_provider[name].distribution, "version": catalog.view_provider[name].version,
         "editable": view.names("editable")}
        for name, view in sorted(catalog.views.items())
    ]  # fmt: skip
    disabled = {name.removeprefix("view "): reason for name, reason in catalog.disabled.items() if name.startswith("view ")}
    if as_json:
        session.result_json({"views": rows, "disabled": disabled})
        return
    for row in rows:
        session.result(
            f"{row['name']:<12} {row['distribution']} {row['version']}  {row['purpose']}\n{'':<12} edits {', '.join(row['editable'])}"
        )
    for name, reason in disabled.items():
        session.result(f"{name:<12} disabled: {reason}")


@bakeio.command()
@json_option
@click.pass_obj
def plugins(session: Session, as_json: bool) -> None:
    """List the plugins: name, distribution, version, status, hooks."""
    found = [
        {"name": p.name, "distribution": p.distribution, "version": p.version, "status": p.status, "reason": p.reason, "hooks": list(p.hooks)}
        for p in session.bakeio.plugins.all.values()
    ]  # fmt: skip
    if as_json:
        session.result_json({"plugins": found})
        return
    for plugin in found:
        what = ", ".join(plugin["hooks"]) if plugin["status"] == "active" else plugin["reason"]
        session.result(f"{plugin['name']:<20} {plugin['distribution']} {plugin['version']:<8} {plugin['status']:<8} {what}")


def _explain(error: Any, as_json: bool) -> int:
    """Print what went wrong and return the exit code it means."""
    from bakeio_core.errors import UsageError
    from bakeio_core.values import printable

    code = 2 if isinstance(error, UsageError) else 1
    if as_json:
        Session.result_json({"error": {"code": error.code, "message": str(error)}, "problems": _as_data(getattr(error, "problems", []))})
    else:
        click.echo(shownable(f"Error: {printable(str(error))}", sys.stderr), err=True)
    return code


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; the process ends with the exit code of the contract."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        bakeio.main(words, prog_name="bakeio", standalone_mode=False)
        code = 0
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        code = done.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted: nothing was written.", err=True)
        code = 130
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        click.echo(shownable(said.getvalue().rstrip("\n"), sys.stderr), err=True)
        code = error.exit_code
    except BrokenPipeError:
        # the reader has gone: point stdout nowhere, so that nothing complains at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except Exception as error:
        from bakeio_core.errors import BakeioError

        if not isinstance(error, (BakeioError, OSError)):
            raise
        if isinstance(error, OSError):
            error = BakeioError(f"{error.filename or 'a file'}: {(error.strerror or str(error)).lower()}", code="io-error")
        code = _explain(error, "--json" in words)
    raise SystemExit(code)
