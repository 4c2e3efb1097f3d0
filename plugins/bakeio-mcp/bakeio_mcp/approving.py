"""The command `bakeio approve`: what no model can do."""

from __future__ import annotations

from pathlib import Path

import click

from bakeio_core import BakeioError, Session, ask_on_terminal, json_option
from bakeio_mcp import plans
from bakeio_mcp.refusals import Refused

MOST_LINES = 200
YES = "yes"


@click.command()
@click.argument("plan", required=False)
@click.option(
    "--report",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.html",
    help="Write the plan as a page to look through in a browser; nothing is approved by that.",
)
@click.option(
    "--decisions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Approve what the file leaves of the plan: the one that the page saved.",
)
@json_option
@click.pass_obj
def approve(
    session: Session, plan: str | None, page: Path | None, decisions: Path | None, as_json: bool
) -> None:
    """Look at the PLAN of an assistant and approve it. Without one: list those that wait.

    The answer is read from the terminal alone, never from a pipe.
    """
    if plan is None:
        _list(session, as_json)
        return
    known = _found(plans.named(plan))
    if page is not None:
        from bakeio_mcp.reviewing import write_page

        write_page(session, known, page)
        session.result_json({"page": str(page)}) if as_json else session.result(f"Wrote {page}")
        return
    whole = known
    if decisions is not None:
        from bakeio_mcp.reviewing import narrowed

        known = narrowed(session, known, decisions)
    if plans.is_approved(known):
        session.result(f"{known.id} is approved already")
        return
    answer = ask_on_terminal(_shown(known), f"Approve this? Type {YES}, or anything else for no: ")
    if answer.lower() != YES:
        if known is not whole:
            plans.forget(known)
        raise BakeioError("not approved: nothing was noted", code="blocked")
    approval = plans.approve(known)
    if known is not whole:
        plans.replace(whole, known)
    if as_json:
        session.result_json({"plan": known.id, "by": approval.by, "at": approval.at})
    else:
        session.result(
            f"Approved {known.id}: the assistant may apply it once, by {known.expires_at}"
        )


def _list(session: Session, as_json: bool) -> None:
    known = plans.waiting()
    if as_json:
        told = [{"plan": p.id, "about": p.about, "expires_at": p.expires_at} for p in known]
        session.result_json({"plans": told})
        return
    for one in known:
        session.result(f"{one.id}  {_what(one)}, until {one.expires_at}")
    if not known:
        session.result("No plan waits for approval.")


def _found(plan: str) -> plans.KeptPlan:
    try:
        return plans.find(plan)
    except Refused as refused:
        raise BakeioError(f"{plan}: {refused.message}", code="blocked") from None


def _what(plan: plans.KeptPlan) -> str:
    what = f"undo of run {plan.about}" if plan.kind == "undo" else f"changes of {plan.about}"
    return f"{what} in {plan.place}"


def _shown(plan: plans.KeptPlan) -> str:
    """Return a plan for a person: what it is, every change, what it comes to."""
    lines = [f"Plan {plan.id}: {_what(plan)}, made {plan.created_at}", ""]
    for change in plan.changes:
        called = change["label"] or ", ".join(f"{n} {v}" for n, v in change["key"].items())
        lines.append(f"{change['action']} {change['entity']}: {called}")
        for field in change["fields"]:
            old_and_new = f"{_value(field, 'old')} -> {_value(field, 'new')}"
            lines.append(f"    {field['field']}: {old_and_new}{_origin(field)}")
    if len(lines) > MOST_LINES:
        left = len(lines) - MOST_LINES
        lines = [*lines[:MOST_LINES], f"... and {left:,} more lines"]
    return "\n".join([*lines, "", plan.preview, ""])


def _value(field: dict[str, object], side: str) -> str:
    value = field.get(side)
    return "nothing" if value is None else str(value)


def _origin(field: dict[str, object]) -> str:
    """Return what is known of a value the assistant gave."""
    told = ["unverified"] if field.get("unverified") else []
    told += [f"source: {field['source']}"] if field.get("source") else []
    return f" ({', '.join(told)})" if told else ""
