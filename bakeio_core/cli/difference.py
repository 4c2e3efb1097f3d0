"""The changes of a report for a terminal, by entity and action; samples where there are many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bakeio_core.catalog.exchange import Change
from bakeio_core.report import Report
from bakeio_core.values.wording import printable, shown

SAMPLES = 8
COLORS = {"create": "32", "update": "33", "delete": "31", "conflict": "31"}
TITLES = {"create": "new", "update": "changed", "delete": "deleted", "conflict": "in conflict"}
COUNTED = {"create": "created", "update": "updated", "delete": "deleted", "conflict": "conflicts"}
QUIET = {"uuid", "created_at", "updated_at"}


def differing(change: Change) -> Iterator[tuple[str, Any, Any]]:
    """Yield (column, before, after) of what a change sets, identity and stamps left out."""
    shown_values = change.old if change.action == "delete" else change.new
    for column, value in shown_values.items():
        says_nothing = value is None or (column == "id" and value == change.id)
        whole = change.action in ("create", "delete")
        if column not in QUIET and not (whole and says_nothing):
            yield column, change.old.get(column), value


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
