"""The options of the commands that import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from bakeio_core.cli.session import json_option


class Mode(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 only
    """A mode of importing, `-` and `_` in it alike."""

    name = "mode"

    def get_metavar(self, param: Any, ctx: Any = None) -> str:
        """Return what help shows for a value."""
        return "merge|skip-existing|update-only|replace"

    def convert(self, value: str, parameter: Any, context: Any) -> str:
        """Return the mode, or fail saying which there are."""
        mode = value.replace("_", "-")
        if mode not in ("merge", "skip-existing", "update-only", "replace"):
            self.fail(
                f"there is no mode {value!r}; choose merge, skip-existing, update-only or replace",
                parameter,
                context,
            )
        return mode


def only_one(first: Any, second: Any, first_name: str, second_name: str) -> Any:
    """Return the one of two values that was given."""
    if (first is None) == (second is None):
        raise click.UsageError(f"give {first_name} or {second_name}, one of them")
    return first if second is None else second


OPTIONS: Sequence[Callable[[Callable[..., Any]], Callable[..., Any]]] = (
    click.option(
        "--input",
        "-i",
        "input_",
        type=click.Path(path_type=Path),
        help="What to import; the same as the argument.",
    ),
    click.option(
        "--format",
        "format_",
        metavar="F",
        help="The format of the file, whatever it is called: json, or one that a plugin brings.",
    ),
    click.option(
        "--mode",
        type=Mode(),
        default="merge",
        show_default=True,
        help="Update and add, only add, only update, or replace everything by a set.",
    ),
    click.option("--dry-run", is_flag=True, help="Show the result, but write nothing."),
    click.option(
        "--report",
        "html",
        type=click.Path(path_type=Path),
        metavar="FILE.html",
        help="Write the changes as a web page to review.",
    ),
    click.option("--yes", "-y", is_flag=True, help="Do not ask before many changes are written."),
    click.option(
        "--interactive",
        is_flag=True,
        help="Ask, before anything is written, about everything that stops records, each question "
        "once: unknown references, conflicts, bad values, failed checks.",
    ),
    click.option(
        "--review",
        is_flag=True,
        help="Ask what --interactive asks, then show the changes, group by group, to accept or "
        "reject them.",
    ),
    click.option(
        "--no-input",
        is_flag=True,
        help="Never ask; write the open questions into a file, to be answered there.",
    ),
    click.option(
        "--decisions",
        "decisions_file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Read answers from this file, and save new ones in it.",
    ),
    click.option(
        "--auto-create",
        "create_missing",
        multiple=True,
        metavar="ENTITY",
        help="Create missing rows of this entity if the file has all required values; may be "
        "given more than once.",
    ),
    click.option(
        "--on-conflict",
        type=click.Choice(["fail", "keep-db", "take-file"]),
        default="fail",
        show_default=True,
        help="What to do if the file and the database both changed.",
    ),
    click.option(
        "--skip-on-error",
        "skip_errors",
        is_flag=True,
        help="Import the good records and log the others.",
    ),
    click.option(
        "--skipped-log",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The file for the skipped records. Default: docs/exports/import_skipped_<time>.json.",
    ),
    click.option(
        "--nulls",
        type=click.Choice(["keep", "clear"]),
        default="keep",
        show_default=True,
        help="What null means in a view, and in a set of another database.",
    ),
    click.option(
        "--allow",
        multiple=True,
        metavar="CHECK",
        help="Do not apply the check of this column; may be given more than once.",
    ),
    click.option(
        "--allow-duplicates",
        is_flag=True,
        help="Add new records even if equal rows exist (not those of a set).",
    ),
    click.option(
        "--accept-edits",
        is_flag=True,
        help="Accept a set whose files were changed after the export.",
    ),
    click.option(
        "--without",
        multiple=True,
        metavar="ENTITY",
        help="Leave this entity out of the set, and what needs it; may be given more than once.",
    ),
    click.option(
        "--refresh",
        is_flag=True,
        help="After the import, update the view's file: ids and _rev of what was added.",
    ),
    click.option("--no-journal", is_flag=True, help="Do not record the run in the database."),
    click.option(
        "--limit-changes",
        type=click.IntRange(min=0),
        metavar="N",
        help="Keep at most N changes to show; all are counted. Default: 1000 with --json, 10000 "
        "on a page; text shows the first 8 of each entity.",
    ),
    json_option,
    click.option(
        "--json-lines",
        is_flag=True,
        help="Print one JSON object per line: the report, then every problem, question and change.",
    ),
    click.option(
        "--for",
        "reader",
        type=click.Choice(["people", "assistant"]),
        default="people",
        show_default=True,
        help="With --json: tell an assistant how to correct its answer, and name no options.",
    ),
)
"""Those every command that imports takes, in the order of its help."""


def import_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options every import takes."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function
