"""What an import would change, as the rows of a table; made where a worker has time for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Number
from typing import Any

from bakeio_core import Problem, Question, Report
from bakeio_desktop.importing.leaving_out import LEFT_OUT, WHOLE
from bakeio_desktop.parts.messages import without_commands
from bakeio_desktop.parts.table import Row

KINDS = {
    "create": "New",
    "update": "Changed",
    "delete": "Deleted",
    LEFT_OUT: "Left out",
    "conflict": "Conflict",
    "error": "Problem",
    "warning": "Warning",
    "note": "Note",
}
"""What the kinds of lines are called, in the order of their weight."""
ORDER = {
    kind: place
    for place, kind in enumerate(
        ("error", "conflict", "delete", "warning", LEFT_OUT, "update", "create", "note")
    )
}


@dataclass(frozen=True)
class Lines:
    """The lines of a preview.

    Attributes:
        rows: One for each change, each problem and all that was left out.
        counts: How many there are of each kind.
        hidden: How many more changes there are than lines.
    """

    rows: list[Row]
    counts: dict[str, int]
    hidden: int


def lines_of(report: Report, left_out: Iterable[Question] = ()) -> Lines:
    """Return what a report tells, the problems first.

    Args:
        report: What an import would come to.
        left_out: What somebody decided not to write, as `Plan.about` names it.
    """
    whole = report.as_dict()
    rows = [_change(change) for change in whole["changes"]]
    # a conflict that stands there with its values need not be told once more in words
    seen = {row.about["record"] for row in rows if row.kind == "conflict"}
    rows += [
        _problem(problem)
        for problem in report.problems
        if problem.code != "conflict" or not {*problem.records} <= seen
    ]
    rows += [_left(question) for question in left_out]
    rows.sort(key=lambda row: ORDER.get(row.kind, 9))
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.kind] = counts.get(row.kind, 0) + 1
    return Lines(rows, counts, whole["more_changes"])


def details(about: Any) -> str:
    """Return all there is to say about a line: every field, whole."""
    if isinstance(about, Problem):
        near = "\n".join(
            f"    similar: {found['label']} ({found['score']:.0%})" for found in about.candidates
        )
        return without_commands(str(about)) + (f"\n{near}" if near else "")
    if isinstance(about, Question):
        return f"{about.entity}: {_row_asked(about)}\n    {about.field or WHOLE}: not written"
    change: Mapping[str, Any] = about
    head = f"{change['entity']}: {_called(change)}"
    record = f", record {change['record']} of the file" if change["record"] else ""
    return "\n".join([head + record, *(f"    {_field(change, f, 2000)}" for f in change["fields"])])


def _change(change: Mapping[str, Any]) -> Row:
    record = change["record"] or 0
    action = change["action"]
    what = KINDS.get(action, action)
    fields = "; ".join(_field(change, field, 60) for field in change["fields"])
    called = _called(change)
    cells = (what, f"{record:,}" if record else "", change["entity"], called, fields)
    order = (ORDER.get(action, 9), record, change["entity"], called.casefold(), fields)
    return Row(cells, action, change, order)


def _problem(problem: Problem) -> Row:
    records = problem.records[:3] or ([problem.record] if problem.record else [])
    first = records[0] if records else 0
    number = f"{first:,}" + (f" +{problem.count - 1:,}" if problem.count > 1 else "")
    called = ", ".join(f"{name} {value}" for name, value in problem.key.items())
    field = f"{problem.field}: " if problem.field else ""
    message = field + without_commands(problem.message)
    entity = problem.entity or ""
    what = KINDS[problem.severity]
    order = (ORDER[problem.severity], first, entity, called.casefold(), message)
    return Row(
        (what, number if first else "", entity, called, message), problem.severity, problem, order
    )


def _left(question: Question) -> Row:
    called, what = _row_asked(question), question.field or WHOLE
    cells = (KINDS[LEFT_OUT], "", question.entity, called, f"{what}: not written")
    order = (ORDER[LEFT_OUT], 0, question.entity, called.casefold(), what)
    return Row(cells, LEFT_OUT, question, order)


def _row_asked(question: Question) -> str:
    return _row({"label": question.label, "key": question.key})


def _called(change: Mapping[str, Any]) -> str:
    """Return what the row of a change is called; the id of a new one is made when it is written."""
    is_made = change["action"] == "create" and [*change["key"].values()] == [change["id"]]
    return _row({**change, "key": {}} if is_made and change["label"] else change)


def _row(row: Mapping[str, Any]) -> str:
    """Return what a row is called, by label and key: `Deck oven (slug deck)`."""
    label, key = row["label"], row["key"]
    named = ", ".join(f"{name} {_shown(value, 60)}" for name, value in key.items())
    if not named or label in ("", *key.values()):
        return named or str(label)
    return f"{label} ({named})"


def _field(change: Mapping[str, Any], field: Mapping[str, Any], most: int) -> str:
    name, action = field["field"], change["action"]
    old, new = _side(field, "old", most), _side(field, "new", most)
    if action == "create":
        return f"{name}: {new}"
    if action == "delete":
        return f"{name}: {old}"
    if action == "conflict":
        was = f" (at export {_shown(field['base'], most)})" if "base" in field else ""
        return f"{name}: database {old}, file {new}{was}"
    return f"{name}: {old} → {new}"


def _side(field: Mapping[str, Any], side: str, most: int) -> str:
    """Return a value before or after; of a reference what the row is called."""
    row = field.get(f"{side}_row")
    return _row(row) if row else _shown(field.get(side), most)


def _shown(value: Any, most: int) -> str:
    if value is None:
        return "(empty)"
    if isinstance(value, str):
        text = value
    elif isinstance(value, Number) and not isinstance(value, bool):
        text = str(value)
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= most else text[: most - 1] + "…"
