"""The changes of a report for a terminal, by entity and action; samples where there are many."""

from __future__ import annotations

import sys
from typing import Any

from bakeio_core.catalog.exchange import Change
from bakeio_core.cli.session import Session, colored
from bakeio_core.report import Report, differing
from bakeio_core.values.wording import printable, shown

SAMPLES = 8
COLORS = {"create": "32", "update": "33", "delete": "31", "conflict": "31"}
TITLES = {"create": "new", "update": "changed", "delete": "deleted", "conflict": "in conflict"}
COUNTED = {"create": "created", "update": "updated", "delete": "deleted", "conflict": "conflicts"}


def lines(report: Report, *, color: bool = False) -> list[str]:
    """Show what changes: every action with its count, the first records of each with their fields.

    Args:
        report: What an import or an undo came to.
        color: Whether the lines may hold escape sequences of colours.
    """
    out: list[str] = []
    for entity, counts in report.entities.items():
        for action, title in TITLES.items():
            total = counts.get(COUNTED[action], 0)
            some = [
                change
                for change in report.changes
                if change.entity == entity and change.action == action
            ]
            if not total or not some:
                continue
            out.append(_colored(f"{printable(entity)}: {total:,} {title}", COLORS[action], color))
            for change in some[:SAMPLES]:
                record = [f"record {change.record}"] if change.record else []
                out.append(f"  {', '.join([*record, called(change)])}")
                out += [_line(change, *cells, color) for cells in differing(change)]
            if total > SAMPLES:
                out.append(f"  ... and {total - min(SAMPLES, len(some)):,} more")
    return out


def called(change: Change) -> str:
    """Return what the row of a change is called: `slug "deck" ("Deck oven")`."""
    key = ", ".join(f"{printable(field)} {shown(value)}" for field, value in change.key.items())
    label = f" ({shown(change.label)})" if change.label else ""
    return f"{key or f'id {change.id}'}{label}"


def _line(change: Change, column: str, before: Any, after: Any, color: bool) -> str:
    what = shown(after, 50)
    if change.action == "conflict":
        what = f"database {shown(before, 30)}, file {shown(after, 30)}"
    elif change.action == "update":
        old, new = _colored(shown(before, 30), "31", color), _colored(shown(after, 30), "32", color)
        what = f"{old} -> {new}"
    name = change.names.get(column)
    return f"    {printable(column)}: {what}" + (f" ({shown(name)})" if name else "")


def _colored(text: str, code: str, color: bool) -> str:
    return f"\033[{code}m{text}\033[0m" if color else text


def show_report(
    session: Session, report: Report, as_json: bool, most_changes: int | None = None
) -> None:
    """Print what an import or an undo came to, and end the command with its exit code.

    Args:
        session: The command's.
        report: What it came to.
        as_json: Print one JSON object instead of text.
        most_changes: How many changes that holds at most.
    """
    if as_json:
        session.result_json(report.as_dict(most_changes))
    else:
        if report.dry_run or report.refused:
            for line in lines(report, color=colored(sys.stdout)):
                session.result(line, colored=True)
        session.result(report.text())
    if report.exit_code:
        raise SystemExit(report.exit_code)
