"""A plan on the review page: to look through in a browser, and to take out what is wrong.

The page can approve nothing, because a program could write what it saves: that is a file of
decisions, and `bakeio approve` shows what is left of the plan and asks on the terminal.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bakeio_core import BakeioError, Session, entries_of, read_decisions, write_report
from bakeio_mcp import plans
from bakeio_mcp.access import Access
from bakeio_mcp.refusals import Refused
from bakeio_mcp.writing import IMPORT, WritingTools


def write_page(session: Session, plan: plans.KeptPlan, path: Path) -> None:
    """Write the review page of a plan.

    Args:
        session: The command's, of the database the plan is of.
        plan: The plan.
        path: The page; an earlier one is replaced.

    Raises:
        BakeioError: The plan is of another database, or it undoes an import.
        UsageError: Anything else is in the way.
    """
    tools = _tools(session, plan)
    with session.reading() as db:
        _find(tools, db, plan)
        planned = tools.planned(db, plan, plan.decisions)
        write_report(planned, path, command=f"bakeio approve {plan.id[:8]} --decisions")


def narrowed(session: Session, plan: plans.KeptPlan, decisions: Path) -> plans.KeptPlan:
    """Return the plan of what a person leaves of another one; it waits for approval like any.

    Args:
        session: The command's, of the database the plan is of.
        plan: The plan.
        decisions: The file that its page saved.

    Raises:
        BakeioError: The plan is of another database, or nothing is left of it.
        DocumentError: The file holds no decisions.
    """
    tools = _tools(session, plan)
    core = session.bakeio
    entries = entries_of(read_decisions(decisions, core.catalog, core.formats))
    with session.reading() as db:
        _find(tools, db, plan)
        planned = tools.planned(db, plan, entries)
        if planned.report.refused:
            raise BakeioError(f"{planned.report.text()}\nnothing was approved", code="blocked")
        if not planned.report.count_changes():
            raise BakeioError("nothing is left of this plan: nothing was approved", code="blocked")
        return tools.keep(db, planned, plan.answer, entries)


def _tools(session: Session, plan: plans.KeptPlan) -> WritingTools:
    if plan.kind != IMPORT:
        raise BakeioError(
            "an undo is approved whole: bakeio approve without --report and --decisions",
            code="blocked",
        )
    return WritingTools(Access(session))


def _find(tools: WritingTools, db: Any, plan: plans.KeptPlan) -> None:
    try:
        plans.find(plan.id, tools.access.database(db))
    except Refused as refused:
        where = f": name it with -d {plan.place}" if refused.code == "foreign-plan" else ""
        raise BakeioError(f"{plan.id}: {refused.message}{where}", code="blocked") from None
