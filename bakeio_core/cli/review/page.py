"""The plan or the report of an import as one HTML page, to look through and to answer in.

It needs no network: its style and script stand in it, and what it shows as data. Answers and what
is rejected are saved as a file of decisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from bakeio_core.catalog.exchange import Decision, Question
from bakeio_core.cli.review.questions import Questions
from bakeio_core.cli.session import Session, show_error
from bakeio_core.errors import BakeioError, Problem, counted
from bakeio_core.files.output import atomic_file
from bakeio_core.history.reports.report import Report, counted_outcome
from bakeio_core.history.reports.told import what_candidates_are
from bakeio_core.importing.run import Plan, name_records
from bakeio_core.resolving.decision_files.file import entries_of
from bakeio_core.values.wording import printable, shown

HEAD = (
    '<!doctype html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>bakeio: '
)
"""How every page begins: a file that begins otherwise is not replaced."""
KINDS = {
    "create": "new rows",
    "update": "changed rows",
    "delete": "deleted rows",
    "conflict": "conflicts",
}
FEW = 8
"""So many problems are shown without a click."""
_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


@dataclass(frozen=True)
class Answering:
    """Where the answers given on a page go.

    Attributes:
        file: The name of the decisions file that is offered.
        command: What carries them out.
        decided: The entries of decisions that were made already.
    """

    file: str
    command: str
    decided: Sequence[Mapping[str, Any]] = field(default_factory=list)


def not_a_page(path: Path) -> str | None:
    """Say why a file must not be replaced by a page: None where it is one."""
    with open(path, "rb") as file:
        is_report = file.read(len(HEAD)) == HEAD.encode()
    return None if is_report else "is not a report that bakeio wrote"


def write_report(
    report: Report | Plan,
    path: str | Path,
    decisions: Mapping[Question, Decision] | None = None,
    command: str = "",
) -> None:
    """Write a report as one HTML page, to look through and, where nothing was imported, answer in.

    Args:
        report: What an import came to, or its plan: in the page of a plan single rows and fields
            can be left out as well.
        path: The page; an earlier one is replaced.
        decisions: The answers that were given already.
        command: What carries out the file the page saves, whose name is put behind it; else the
            import of the same file.

    Raises:
        UsageError: Anything else is in the way.
        BakeioError: It cannot be written.
    """
    if not isinstance(report, Report):
        name_records(report.source, report.report.changes)
        report = report.report
    name = f"{Path(report.source).stem}.decisions.json"
    command = f"{command or f'bakeio import {report.source} --decisions'} {name}"
    answering = Answering(name, command, entries_of(decisions or {}))
    with atomic_file(Path(path), not_a_page) as file:
        file.write(page(report, answering))


def page(report: Report, answering: Answering) -> bytes:
    """Return the page: totals, problems, questions, and each changed row as one block.

    Args:
        report: What an import came to, or would.
        answering: Where answers go.
    """
    state = "Dry run: nothing was written" if report.dry_run else "Imported"
    if report.refused:
        state = f"Refused: {report.refused}"
    totals = ", ".join(
        counted_outcome(name, count) for name, count in report.summary.items() if count
    )
    whole = report.as_dict()
    data = {
        "editable": bool(report.dry_run or report.refused),
        "questions": whole["questions"],
        "changes": whole["changes"],
        "decided": list(answering.decided),
        "decisions_file": answering.file,
        "command": answering.command,
    }
    return _html(report, f"{state}. {totals}.", whole["more_changes"], data)


def _html(report: Report, state: str, hidden: int, data: dict[str, Any]) -> bytes:
    kinds = "".join(f'<option value="{kind}">{name}</option>' for kind, name in KINDS.items())
    source = escape(printable(report.source))
    more = f"<p>{hidden:,} more changes are not shown (--limit-changes).</p>" if hidden else ""
    saving = ""
    if data["editable"]:
        saving = (
            '<button type="button" class="main" id="save">Save decisions</button>'
            '<span id="open" class="bad"></span>'
        )
    asset = files(__package__)
    style, script = (asset.joinpath(name).read_text("utf-8") for name in ("page.css", "page.js"))
    head = (
        f"{HEAD}{source}</title><style>{style}</style><header><h1>{source}</h1>"
        f'<p>{escape(printable(state))}</p>{more}<p id="saved" role="status"></p>'
        "<noscript><p>This page needs JavaScript, and no network.</p></noscript></header>"
        '<div class="bar" role="search"><div><input id="text" type="search" '
        'placeholder="Filter (press /)" aria-label="Filter changes">'
        '<select id="kind" aria-label="Kind of change"><option value="">all changes</option>'
        f'{kinds}</select><span id="left" role="status"></span>{saving}</div></div><main>'
    )
    sections = [
        _problems(report.problems),
        _section("Questions", '<div id="questions"></div>', bool(data["questions"])),
        _section(
            "What changes",
            '<ul class="plain groups" id="groups"></ul>'
            '<p><button type="button" id="all" hidden></button></p>',
            bool(data["changes"]),
        ),
        _section("Row by row", '<div id="changes"></div>', bool(data["changes"])),
    ]
    # nothing in the data can end the script: "</" does not stand in it
    text = _ENCODER.encode(_sayable(data)).replace(b"<", b"\\u003c")
    return (
        (head + "".join(sections)).encode("utf-8", "backslashreplace")
        + b'<p class="more"><button type="button" id="more" hidden>Show more</button></p></main>'
        + b'<script type="application/json" id="data">'
        + text
        + f"</script><script>{script}</script></html>\n".encode()
    )


def _sayable(value: Any) -> Any:
    """Return data with escapes for halves of characters, which JSON can name and UTF-8 cannot."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_sayable(key): _sayable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_sayable(inner) for inner in value]
    return value


def _section(title: str, inside: str, is_shown: bool) -> str:
    hidden = "" if is_shown else " hidden"
    return f"<section{hidden}><h2>{title}</h2>{inside}</section>"


def _problems(problems: Sequence[Problem]) -> str:
    """Return the list of problems, errors first."""
    order = {"error": 0, "warning": 1, "note": 2}
    looks = {"error": "bad", "warning": "warn", "note": "dim"}
    items = []
    for problem in sorted(problems, key=lambda one: order[one.severity]):
        near = ", ".join(shown(found["label"]) for found in problem.candidates)
        text = f"{problem} [{problem.code}]"
        text += f" {what_candidates_are(problem).capitalize()}: {near}." if near else ""
        severity = f'<strong class="{looks[problem.severity]}">{problem.severity}</strong>'
        items.append(f"<li>{severity} {escape(printable(text))}</li>")
    is_open = " open" if len(items) <= FEW else ""
    lines = f'<ul class="plain">{"".join(items)}</ul>'
    inside = (
        f"<details{is_open}><summary>{counted(len(items), 'problem')}</summary>{lines}</details>"
    )
    return _section("Problems", inside, bool(items))


def write_page(
    session: Session, report: Report, path: Path, target: Path, questions: Questions
) -> None:
    """Write the report of an import as a page; where that fails the import stays as it is.

    Args:
        session: The command's.
        report: What the import came to.
        path: The page.
        target: What was imported.
        questions: What was asked, and answered.
    """
    name = questions.file.name
    command = f"bakeio import {target} --decisions {name}"
    answering = Answering(name, command, entries_of(questions.answers))
    try:
        with atomic_file(path, not_a_page) as file:
            file.write(page(report, answering))
        session.say(f"Wrote {path}")
    except BakeioError as error:
        nothing = report.refused or report.dry_run
        outcome = "nothing was imported" if nothing else "the import is done"
        show_error(f"{error} ({outcome}, only its report is missing)")
