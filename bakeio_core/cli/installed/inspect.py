"""Commands that tell what is there: entities, views, templates, plugins, schema, suggest."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bakeio_core.cli.group import bakeio, plugin_commands
from bakeio_core.cli.session import Session, json_option

if TYPE_CHECKING:
    from bakeio_core.catalog.plugins.templates import Template


@bakeio.command("help")
@click.argument("what", metavar="[COMMAND|CODE]", required=False)
@click.pass_context
def help_(context: click.Context, what: str | None) -> None:
    """Explain a COMMAND, or the CODE of a problem such as bad-value."""
    import difflib

    from bakeio_core.cli.review.codes import explanation
    from bakeio_core.errors import CODES

    group = context.parent or context
    if what is None:
        Session.result(group.get_help())
        return
    command = bakeio.get_command(group, what)
    if command is not None:
        with click.Context(command, parent=group, info_name=command.name) as of_command:
            Session.result(command.get_help(of_command))
        return
    told = explanation(what)
    if told is None:
        known = [*bakeio.list_commands(group), *sorted(CODES)]
        near = difflib.get_close_matches(what, known, 2)
        meant = f"; did you mean {' or '.join(near)}?" if near else ": bakeio help lists commands"
        raise click.UsageError(f"{what} is neither a command nor the code of a problem{meant}")
    Session.result(told)


@bakeio.command()
@click.argument("view")
@click.option(
    "--strict",
    is_flag=True,
    help="For structured output of a model: only keys and editable fields, all required.",
)
@click.option(
    "--for",
    "provider",
    type=click.Choice(["plain", "openai", "anthropic", "gemini"]),
    help="With --strict: the provider whose keywords are used. Default: plain.",
)
@click.pass_obj
@json_option
def schema(session: Session, view: str, strict: bool, provider: str | None, as_json: bool) -> None:
    """Print the JSON Schema of what a person or an assistant may return of a view."""
    if provider is not None and not strict:
        raise click.UsageError("--for goes with --strict: give both")
    value = session.installed.schema(view, (provider or "plain") if strict else None)
    if as_json:
        session.result_json(value)
    else:
        session.result(json.dumps(value, ensure_ascii=False, indent=2))


@bakeio.command()
@click.argument("entity")
@click.argument("text")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="List at most N candidates.",
)
@json_option
@click.pass_obj
def suggest(session: Session, entity: str, text: str, limit: int, as_json: bool) -> None:
    """List the rows of ENTITY that TEXT may mean, the best first, with scores and reasons."""
    from bakeio_core.resolving.asking.prompts import listed

    bar = session.progress("looking through", silent=as_json)
    with session.reading() as db, bar as progress:
        found = session.bakeio.suggest(db, entity, text, limit, progress=progress)
    if as_json:
        candidates = [candidate.as_dict() for candidate in found]
        name = entity.replace("-", "_")
        session.result_json({"entity": name, "text": text, "candidates": candidates})
        return
    for line in listed(found)[1:]:
        session.result(line)
    if not found:
        session.result("Nothing is similar enough.")


@bakeio.command()
@json_option
@click.pass_obj
def entities(session: Session, as_json: bool) -> None:
    """List what can be exported and imported, in import order."""
    catalog = session.installed.catalog
    rows = [
        {
            "name": name,
            "plugin": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "refers_to": catalog.referred(catalog.entities[name]),
        }
        for name, plugin in ((name, catalog.provider[name]) for name in catalog.entities)
    ]
    if as_json:
        session.result_json({"entities": rows, "disabled": catalog.disabled})
        return
    for row in rows:
        after = f"  refers to {', '.join(row['refers_to'])}" if row["refers_to"] else ""
        session.result(f"{row['name']:<20} {row['distribution']} {row['version']}{after}")
    for name, reason in catalog.disabled.items():
        session.result(f"{name:<20} disabled: {reason}")


def _unverified(session: Session) -> dict[str, int]:
    """Return how many values of each entity nobody has confirmed, where there is a database."""
    from collections import Counter

    from bakeio_core.errors import BakeioError

    try:
        if not session.is_there():
            return {}
        with session.reading() as db:
            return Counter(one["entity"] for one in session.bakeio.unverified(db))
    except BakeioError:  # what is installed can be told without
        return {}


@bakeio.command()
@json_option
@click.pass_obj
def views(session: Session, as_json: bool) -> None:
    """List the views: their purpose, their editable fields, and unverified values."""
    catalog, unverified = session.installed.catalog, _unverified(session)
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "entity": view.entity,
            "purpose": view.purpose,
            "plugin": catalog.view_provider[name].name,
            "distribution": catalog.view_provider[name].distribution,
            "version": catalog.view_provider[name].version,
            "editable": view.names("editable"),
            "unverified": unverified.get(view.entity, 0),
        }
        for name, view in sorted(catalog.views.items())
    ]
    if as_json:
        session.result_json({"views": rows, "disabled": catalog.disabled_views})
        return
    for row in rows:
        session.result(
            f"{row['name']:<12} {row['distribution']} {row['version']}  {row['purpose']}"
        )
        session.result(f"{'':<12} edits {', '.join(row['editable']) or 'nothing'}")
        if row["unverified"]:
            session.result(f"{'':<12} unverified: {row['unverified']:,}; see bakeio confirm")
    for name, reason in catalog.disabled_views.items():
        session.result(f"{name:<12} disabled: {reason}")


@bakeio.command()
@json_option
@click.pass_obj
def plugins(session: Session, as_json: bool) -> None:
    """List the plugins, with their hooks, commands and formats, and the profile in use."""
    from bakeio_core.catalog.plugins.packages import about

    commands = {
        name: " ".join(about(entry.dist)) if entry.dist else ""
        for name, entry in sorted(plugin_commands().items())
    }
    formats = sorted(session.installed.formats)
    found = [
        {
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "status": plugin.status,
            "reason": plugin.reason,
            "hooks": list(plugin.hooks),
        }
        for plugin in session.installed.plugins.all.values()
    ]
    profile = session.profile
    if as_json:
        named = {"path": str(profile.path), "use": profile.use or None, "block": profile.block}
        session.result_json(
            {
                "plugins": found,
                "commands": [{"name": name, "of": of} for name, of in commands.items()],
                "formats": ["json", *formats],
                "profile": named if profile.path else None,
            }
        )
        return
    for row in found:
        what = ", ".join(row["hooks"]) if row["status"] == "active" else row["reason"]
        whose = f"{row['name']:<20} {row['distribution']} {row['version']:<8}"
        session.result(f"{whose} {row['status']:<8} {what}")
    told = ", ".join(f"{name} ({of})" if of else name for name, of in commands.items())
    session.result(f"Commands of plugins: {told or 'none'}")
    session.result(f"Formats: {', '.join(['json', *formats])}")
    if profile.path:
        used = ", ".join(profile.use) or "everything that is installed"
        less = f", without {', '.join(profile.block)}" if profile.block else ""
        session.result(f"The profile {profile.path} uses {used}{less}.")


@bakeio.command()
@click.argument("name", required=False)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Write a file to fill in: a sheet (.csv, .xlsx) with the headings, else the example as "
    "JSON.",
)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of its documents.")
@click.option("--example", is_flag=True, help="Print an example of its documents.")
@json_option
@click.pass_obj
def template(
    session: Session,
    name: str | None,
    output: Path | None,
    schema: bool,
    example: bool,
    as_json: bool,
) -> None:
    """Show what phones, scanners, assistants and people can fill in: fields, example, what to know.

    Without NAME all of them. Import the filled-in file with `bakeio import FILE`.
    """
    installed = session.installed
    if name is None:
        _list(session, as_json)
        return
    found = installed.template(name)
    if output is not None:
        installed.write_template(found.called, output)
        session.say(f"Wrote {output}. When it is filled in: bakeio import {output}")
    elif schema:
        session.result_json(installed.template_schema(name))
    elif example:
        session.result_json(found.document)
    elif as_json:
        session.result_json(
            {
                "name": found.called,
                "purpose": found.view.purpose,
                "instructions": list(found.instructions),
                "example": found.document,
                "schema": installed.template_schema(name),
            }
        )
    else:
        session.result("\n".join(_shown(found)))


def _list(session: Session, as_json: bool) -> None:
    catalog = session.installed.catalog
    if as_json:
        rows = [
            {
                "name": item.called,
                "purpose": item.view.purpose,
                "plugin": catalog.template_provider[name].name,
            }
            for name, item in catalog.templates.items()
        ]
        session.result_json({"templates": rows, "disabled": catalog.disabled_templates})
        return
    for item in catalog.templates.values():
        session.result(f"{item.called:<14} {item.view.purpose}")
    for name, reason in catalog.disabled_templates.items():
        session.result(f"{name.replace('_', '-'):<14} disabled: {reason}")


def _shown(found: Template) -> list[str]:
    """Return a template as text for whoever fills it in."""
    lines = [f"{found.called}: {found.view.purpose}", ""]
    for name in found.view.fields:
        marks = ["needed"] if name in found.required else []
        marks += ["once for all lines or in each"] if name in found.once else []
        marks += [f"{found.given[name]} if left out"] if name in found.given else []
        lines.append(f"  {name:<12} {', '.join(marks)}".rstrip())
    lines.append("")
    for sentence in found.instructions:
        lines += textwrap.wrap(sentence, 78, initial_indent="- ", subsequent_indent="  ")
    lines += ["", "For example:", "", *json.dumps(found.document, indent=2).splitlines()]
    return lines
