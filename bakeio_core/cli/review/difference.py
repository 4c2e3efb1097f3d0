"""The changes of a report for a terminal, by entity and action; samples where there are many."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from bakeio_core.catalog.exchange import SHOWN_OF_EACH, Change
from bakeio_core.cli.process.streams import fitted
from bakeio_core.cli.session import Session, colored
from bakeio_core.database.stored.called import row_text
from bakeio_core.history.reports.report import Report, differing
from bakeio_core.values.wording import printable, shown

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
    by_decision = report.created_entities
    for entity in dict.fromkeys([*by_decision, *report.entities]):
        counts = report.entities.get(entity, {})
        for action, title in TITLES.items():
            total = counts.get(COUNTED[action], 0)
            total += len(by_decision.get(entity, ())) if action == "create" else 0
            some = [
                change
                for change in report.changes
                if change.entity == entity and change.action == action
            ]
            if not total or not some:
                continue
            out.append(_colored(f"{printable(entity)}: {total:,} {title}", COLORS[action], color))
            for change in some[:SHOWN_OF_EACH]:
                record = [f"record {change.record}"] if change.record else []
                out.append(f"  {', '.join([*record, called(change)])}")
                out += [f"    {_line(change, *cells, color)}" for cells in differing(change)]
            if total > SHOWN_OF_EACH:
                out.append(f"  ... and {total - min(SHOWN_OF_EACH, len(some)):,} more")
    return out


def how_read(report: Report) -> list[str]:
    """Return how the headings of a sheet that is of no view were read, with its first records."""
    return [printable(str(p)) for p in report.problems if p.code == "unknown-headings"]


def called(change: Change) -> str:
    """Return what the row of a change is called: `slug "deck" ("Deck oven")`."""
    is_unknown = change.action == "create" and list(change.key.values()) == [change.id]
    if is_unknown and change.label:
        return shown(change.label)  # the id is made when it is written
    return row_text(change.key or {"id": change.id}, change.label)


def changed(change: Change, column: str, before: Any, after: Any) -> str:
    """Return what a change does to one field on one line."""
    return _line(change, column, before, after, False)


def _line(change: Change, column: str, before: Any, after: Any, color: bool) -> str:
    what = shown(after, 50)
    if change.action == "conflict":
        what = f"database {shown(before, 30)}, file {shown(after, 30)}"
    elif change.action == "update":
        old, new = _colored(shown(before, 30), "31", color), _colored(shown(after, 30), "32", color)
        what = f"{old} -> {new}"
    name = change.names.get(column)
    field = change.fields.get(column, column)
    if change.links.get(column):
        sides = ("old", "new") if change.action == "update" else ("new",)
        old_and_new = [_row(change, column, side) for side in sides]
        return f"{printable(field)}: {' -> '.join(old_and_new)}"
    named = f" ({shown(name)})" if name else ""
    return f"{printable(field)}: {what}{named}{origin(change.origins.get(column, {}))}"


def origin(told: Mapping[str, Any]) -> str:
    """Return what is known of a value an assistant gave: ` (unverified, source "label")`."""
    parts = ["unverified"] if told.get("unverified") else []
    parts += [f"source {shown(told['source'])}"] if told.get("source") else []
    return f" ({', '.join(parts)})" if parts else ""


def _row(change: Change, column: str, side: str) -> str:
    """Return what a row that is referred to is called, before or after."""
    link = change.links[column].get(side)
    if link is None:
        values = change.old if side == "old" else change.new
        return shown(values.get(column))
    return row_text(link["key"], link["label"])


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
                session.result(fitted(line, sys.stdout), colored=True)
        session.result(fitted(report.text(), sys.stdout))
    if report.exit_code:
        raise SystemExit(report.exit_code)
