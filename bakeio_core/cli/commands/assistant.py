"""What goes to an assistant, and the tickets its answers come back under."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bakeio_core.cli.group import bakeio
from bakeio_core.cli.session import Session, json_option

if TYPE_CHECKING:
    from bakeio_core.catalog.views.view import View


def assistant_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of an export for an assistant."""
    options = [
        click.option(
            "--for",
            "reader",
            type=click.Choice(["people", "assistant"]),
            default="people",
            show_default=True,
            help="Write for an assistant: numbered rows with only what its task needs; keys and "
            "_rev are kept here under a ticket.",
        ),
        click.option(
            "--fill",
            multiple=True,
            metavar="FIELD",
            help="For an assistant: ask for this field; may be given more than once. Default: the "
            "fields of --missing, else all that can be edited.",
        ),
        click.option(
            "--only-fill",
            is_flag=True,
            help="For an assistant: its answer never overwrites an existing value.",
        ),
        click.option(
            "--max-tokens",
            type=click.IntRange(min=1),
            metavar="N",
            help="For an assistant: split into files of at most N tokens (o200k_base).",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def for_assistant(given: dict[str, Any], format_: str | None) -> bool:
    """Tell whether an export is for an assistant, where its options go together."""
    is_lean = bool(given["reader"] == "assistant")
    used = [name for name in ("fill", "only_fill", "max_tokens") if given[name]]
    if used and not is_lean:
        option = used[0].replace("_", "-")
        raise click.UsageError(f"--{option} needs --for assistant: give both")
    if is_lean and format_ is not None:
        raise click.UsageError("an assistant gets JSON: leave --format out")
    return is_lean


def export_lean(
    session: Session,
    view: View,
    shown: list[str] | None,
    output: str | None,
    given: dict[str, Any],
    as_json: bool,
) -> None:
    """Write a view for an assistant.

    Args:
        session: The command's.
        view: The view, narrowed to the rows that are meant.
        shown: The fields the assistant sees.
        output: The file; `-` is stdout.
        given: `fill`, `only_fill` and `max_tokens`.
        as_json: Whether what was done is printed as JSON.
    """
    from bakeio_core.errors import counted

    path = output or f"docs/exports/ai_augmentation/assistant_{view.name}.json"
    with session.reading() as db:
        files = session.bakeio.export_for_assistant(
            db,
            view,
            sys.stdout.buffer if path == "-" else path,
            shown=shown,
            fill=given["fill"],
            only_fill=given["only_fill"],
            max_tokens=given["max_tokens"],
        )
    if path == "-":
        return
    told = [
        {
            "file": str(file.path),
            "ticket": file.ticket.ticket,
            "rows": len(file.ticket.rows),
            "expires_at": file.ticket.expires_at,
        }
        for file in files
    ]
    if as_json:
        session.result_json({"view": view.name, "files": told})
        return
    for file in files:
        rows = counted(len(file.ticket.rows), "row")
        session.result(f"Exported {rows} to {file.path}, ticket {file.ticket.ticket}")
    until = files[0].ticket.expires_at[:10]
    session.result(f"Import the answer with: bakeio import-view FILE (until {until})")


@bakeio.command("tickets")
@click.argument("action", required=False, type=click.Choice(["list", "remove"]), default="list")
@click.argument("ticket", required=False)
@json_option
@click.pass_obj
def tickets(session: Session, action: str, ticket: str | None, as_json: bool) -> None:
    """List the tickets of rows that assistants got. Answers to a removed ticket are refused."""
    from bakeio_core.errors import UsageError, counted
    from bakeio_core.files.tickets import all_tickets, data_folder, remove

    if action == "remove":
        if ticket is None:
            raise UsageError("which ticket? bakeio tickets lists them")
        remove(ticket)
        session.result_json({"removed": ticket}) if as_json else session.result(f"Removed {ticket}")
        return
    known = all_tickets()
    if as_json:
        told = [
            {
                "ticket": one.ticket,
                "view": one.view,
                "fill": one.fill,
                "rows": len(one.rows),
                "expires_at": one.expires_at,
            }
            for one in known
        ]
        session.result_json({"folder": str(data_folder("tickets")), "tickets": told})
        return
    for one in known:
        rows = counted(len(one.rows), "row")
        session.result(f"{one.ticket}  {one.view}: {rows}, until {one.expires_at[:10]}")
    session.result(f"{counted(len(known), 'ticket')} in {data_folder('tickets')}")
