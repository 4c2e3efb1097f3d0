"""The changes of a report as one HTML page that needs no network.

It can be filtered, and is readable with ten thousand changes.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from bakeio_core.cli.review.difference import called
from bakeio_core.errors import Problem
from bakeio_core.report import Report, counted_outcome, differing
from bakeio_core.values.wording import printable, shown

HEAD = (
    '<!doctype html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>bakeio: '
)
"""How every page begins: a file that begins otherwise is not replaced."""
STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;
color:#222;background:#fff}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}
td{overflow-wrap:anywhere}thead th{position:sticky;top:0;background:#fff}
tr{content-visibility:auto;contain-intrinsic-size:auto 2rem}
del{background:#fdd;text-decoration:none}ins{background:#dfd;text-decoration:none}
.conflict,.error{color:#a00}.note{color:#555}
input,select{font:inherit;padding:.3rem;margin:0 .5rem 1rem 0}[hidden]{display:none}
"""
SCRIPT = """
const rows=[...document.querySelectorAll('tbody tr')],text=document.getElementById('text'),
kind=document.getElementById('kind'),left=document.getElementById('left');let timer;
function filter(){const words=text.value.toLowerCase().split(/\\s+/).filter(Boolean);let n=0;
for(const row of rows){const on=(!kind.value||row.dataset.kind===kind.value)&&
words.every(w=>row.textContent.toLowerCase().includes(w));
row.hidden=!on;n+=on}left.textContent=n+' of '+rows.length+' lines'}
text.oninput=()=>{clearTimeout(timer);timer=setTimeout(filter,150)};kind.onchange=filter;filter();
"""
KINDS = ("create", "update", "delete", "conflict", "error", "warning", "note")


def not_a_page(path: Path) -> str | None:
    """Say why a file must not be replaced by a page: None where it is one."""
    with open(path, "rb") as file:
        return None if file.read(len(HEAD)) == HEAD.encode() else "is no report that bakeio wrote"


def page(report: Report) -> str:
    """Return the page: totals, problems, and one line per changed field."""
    rows = [_problem_row(problem) for problem in report.problems]
    for change in report.changes:
        for column, before, after in differing(change):
            old = "" if change.action == "create" else f"<del>{_text(before)}</del> "
            new = "" if change.action == "delete" else f"<ins>{_text(after)}</ins>"
            place = f"{change.record}, {called(change)}" if change.record else called(change)
            cells = (escape(change.entity), escape(place), escape(column), old + new)
            rows.append(_row(change.action, *cells))
    totals = ", ".join(
        counted_outcome(name, count) for name, count in report.summary.items() if count
    )
    state = "Dry run: nothing was written" if report.dry_run else "Imported"
    if report.refused:
        state = f"Refused: {report.refused}"
    changed = ("created", "updated", "conflicts", "deleted")
    hidden = sum(report.summary.get(what, 0) for what in changed) - len(report.changes)
    more = f"<p>{hidden:,} more changes are not shown.</p>" if hidden > 0 else ""
    kinds = "".join(f"<option>{kind}</option>" for kind in KINDS)
    source = escape(printable(report.source))
    return (
        f"{HEAD}{source}</title><style>{STYLE}</style><h1>{source}</h1>"
        f"<p>{escape(printable(state))}. {escape(totals)}.</p>{more}"
        '<input id="text" type="search" placeholder="Filter" aria-label="Filter">'
        '<select id="kind" aria-label="Kind">'
        f'<option value="">everything</option>{kinds}</select><span id="left"></span>'
        "<table><thead><tr><th>what<th>entity<th>record<th>field<th>change</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table><script>{SCRIPT}</script></html>\n"
    )


def _row(kind: str, *cells: str) -> str:
    """Return a line of the table; the cells are HTML."""
    rest = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr data-kind="{kind}"><td class="{kind}">{kind}</td>{rest}</tr>'


def _problem_row(problem: Problem) -> str:
    return _row(
        problem.severity,
        escape(problem.entity or ""),
        ", ".join(map(str, problem.records)),
        escape(printable(problem.field or "")),
        escape(printable(f"{problem.message} [{problem.code}]")),
    )


def _text(value: object) -> str:
    return escape(shown(value, 300))
