"""The changes of a report for a terminal: grouped by entity and action, samples where there are many."""

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
        told = change.action in ("create", "delete") and (
            value is None or (column == "id" and value == change.id)
        )
        if column not in QUIET and not told:
            yield column, change.old.get(column), value


def lines(report: Report, *, color: bool = False) -> list[str]:
    """Return the lines that show what changes: every action with its count, the first records of each with their fields."""
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
                told = [f"record {change.record}"] if change.record else []
                out.append(
                    "  " + ", ".join(told + ([f"id {change.id}"] if change.id is not None else []))
                )
                out += [
                    _line(change, column, before, after, color)
                    for column, before, after in differing(change)
                ]
            if total > SAMPLES:
                out.append(f"  ... and {total - min(SAMPLES, len(some)):,} more")
    return out


def _line(change: Change, column: str, before: Any, after: Any, color: bool) -> str:
    if change.action in ("create", "delete"):
        return f"    {printable(column)}: {shown(after, 50)}"
    if change.action == "conflict":
        return f"    {printable(column)}: database {shown(before, 30)}, file {shown(after, 30)}"
    return f"    {printable(column)}: {_colored(shown(before, 30), '31', color)} -> {_colored(shown(after, 30), '32', color)}"


def _colored(text: str, code: str, color: bool) -> str:
    return f"\033[{code}m{text}\033[0m" if color else text
