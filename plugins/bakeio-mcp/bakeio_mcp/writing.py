"""The tools that propose changes, and those that carry out what a person approved."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from bakeio_core import ImportRefused, Plan, Report, Source, decisions_of
from bakeio_mcp import plans
from bakeio_mcp.access import NOTICE, Access
from bakeio_mcp.refusals import Refused

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_CHARACTERS = 2_000_000
CALLED = "assistant.json"
"""What messages and the journal call an answer."""
IMPORT, UNDO = "import", "undo"
OPTIONS: Mapping[str, Any] = {"mode": "merge", "on_conflict": "fail"}
"""How an assistant's answer is imported: nothing of it is for the assistant to choose."""


def _as_text(value: Any) -> Any:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


Answer = Annotated[
    str,
    BeforeValidator(_as_text),
    WithJsonSchema({"type": ["object", "string"]}),
    Field(
        max_length=MOST_CHARACTERS,
        description='{"ticket": ..., "set": {FIELD: [[ROW, VALUE], ...]}, "add": [...], '
        '"note": ...} of a page of read_view, or {"view_name": ..., "records": [...]}',
    ),
]
PlanId = Annotated[str, Field(max_length=64, description="As plan_changes gave it")]


class WritingTools:
    """Propose, and apply what a person approved.

    Args:
        access: The database, and what of it is served.
    """

    def __init__(self, access: Access) -> None:
        self.access, self.bakeio = access, access.bakeio

    def all(self) -> list[Callable[..., Any]]:
        """Return the tools; those that write only where the server may."""
        tools: list[Callable[..., Any]] = [self.plan_changes]
        return [*tools, self.apply_plan, self.undo_run] if self.access.writes else tools

    # -- proposing
    def plan_changes(self, answer: Answer) -> dict[str, Any]:
        """Find out what an answer would change; nothing is written.

        Where nothing is wrong with it, the result has the id of a plan that a person can approve.
        """
        with self.access.session.reading() as db:
            source = self._opened(answer)
            plan = self.bakeio.plan(db, source, **OPTIONS)
            kept = None if plan.report.refused else self._kept(db, plan, answer)
            return self._proposal(db, plan.report, kept)

    def _opened(self, answer: str) -> Source:
        """Return an answer as what is imported, where it names nothing but what is served."""
        stream = io.BytesIO(answer.encode("utf-8", "surrogatepass"))
        stream.name = CALLED
        source = self.bakeio.open(stream)
        if source.kind != "view":
            raise Refused(
                "not-an-answer",
                "this is not an answer to the rows of a view",
                "write it as plan_changes says",
            )
        if not source.rows:
            source.note_assistant()
        for part in source.parts:
            name = part.view.name if part.view is not None else ""
            if part.holder is not None and part.holder.view is not None:
                blocks = part.document.blocks()
                if any(record for block in blocks for record in block.as_dicts(part.file)):
                    self._check_list(part.holder.view.name, name.rpartition(".")[2])
                continue
            view = self.access.view(name)
            hidden = self.access.hiding.fields[view.name]
            # what a ticket did not ask for is refused anyway, without a look at the database
            if hidden & {name for _, name in source.origins}:
                raise Refused(
                    "unknown-field",
                    f"the view {view.name} serves some of these fields to nobody",
                    f"leave out all but {', '.join(self.access.hiding.visible(view))}",
                )
        return source

    def _check_list(self, of_view: str, name: str) -> None:
        """Refuse the rows of a list that shows what is hidden."""
        view = self.access.view(of_view)
        served = self.access.hiding.lists(view)
        if name not in served:
            raise Refused(
                "unknown-field",
                f"the view {view.name} serves this list to nobody",
                f"leave out all lists but {', '.join(served)}" if served else "leave out its lists",
            )

    def _kept(self, db: Connection, plan: Plan, answer: str) -> plans.KeptPlan | None:
        if not plan.report.count_changes():
            return None
        return self.keep(db, plan, answer, [])

    def keep(
        self, db: Connection, plan: Plan, answer: str, decisions: Sequence[Any]
    ) -> plans.KeptPlan:
        """Keep the plan of an answer, to be approved and applied.

        Args:
            db: What it was planned on.
            plan: The plan.
            answer: What the assistant answered.
            decisions: What a person decided about it, as the entries of a file of decisions.
        """
        whole = _plain(plan.report.as_dict())
        return plans.keep(
            kind=IMPORT,
            about=", ".join(part.view.name for part in plan.source.parts if part.view),
            answer=answer,
            database=self.access.database(db),
            place=self.access.session.shown,
            options=dict(OPTIONS),
            decisions=list(decisions),
            outcome=plan.digest.hex(),
            changes=whole["changes"],
            preview=plan.preview(),
        )

    def _proposal(
        self, db: Connection, report: Report, kept: plans.KeptPlan | None
    ) -> dict[str, Any]:
        is_refused = bool(report.refused)
        told = {"notice": NOTICE, **self.access.told(report, db)}
        refused = told.pop("refused")
        if is_refused:
            answer = Refused("problems", refused, "correct the answer and plan it again", **told)
            return answer.as_dict()
        if kept is None:
            return {"plan": None, "next": "nothing would change: there is nothing to do", **told}
        return {"plan": kept.id, "expires_at": kept.expires_at, "next": self._next(kept), **told}

    def _next(self, kept: plans.KeptPlan) -> str:
        if not self.access.writes:
            return "show it to the person: this server cannot write, one with --write can"
        return (
            f'ask the person to look at it and to approve it in a terminal with "bakeio approve '
            f'{kept.id}", then call apply_plan'
        )

    # -- carrying out
    def apply_plan(self, plan_id: PlanId) -> dict[str, Any]:
        """Carry out a plan that a person approved, once."""
        with self.access.session.reading() as db:
            kept = plans.find(plan_id, self.access.database(db))
        if not plans.is_approved(kept):
            raise Refused("not-approved", "no person has approved this plan yet", self._next(kept))
        claim = plans.Claim(kept)
        try:
            report, told = self.access.session.write(lambda db: self._carried_out(db, kept))
        except BaseException:
            claim.give_up()  # nothing was written
            raise
        claim.done(report.run)
        return {"applied": True, "run": report.run, **told}

    def _carried_out(self, db: Connection, kept: plans.KeptPlan) -> tuple[Report, dict[str, Any]]:
        work = self._import if kept.kind == IMPORT else self._undo
        report = work(db, kept)
        told = self.access.told(report, db)
        return report, {name: value for name, value in told.items() if name != "refused"}

    def _import(self, db: Connection, kept: plans.KeptPlan) -> Report:
        plan = self.planned(db, kept, kept.decisions)
        if plan.report.refused or plan.digest.hex() != kept.outcome:
            raise _changed()
        try:
            return self.bakeio.apply(db, plan)
        except ImportRefused as refused:
            if refused.code == "changed-meanwhile":
                raise _changed() from None
            raise

    def planned(self, db: Connection, kept: plans.KeptPlan, decisions: Sequence[Any]) -> Plan:
        """Plan the answer of a plan again, with what a person decided about it.

        Raises:
            DocumentError: A decision is none.
        """
        decided = decisions_of(list(decisions), "the decisions", self.bakeio.catalog)
        return self.bakeio.plan(
            db, self._opened(kept.answer), decisions=decided or None, **kept.options
        )

    def _undo(self, db: Connection, kept: plans.KeptPlan) -> Report:
        run = int(kept.about)
        if _digest(self.bakeio.undo(db, run, dry_run=True)) != kept.outcome:
            raise _changed()
        return self.bakeio.undo(db, run)

    def undo_run(
        self, run: Annotated[int, Field(ge=1, description="Its number, as runs has it")]
    ) -> dict[str, Any]:
        """Plan to undo an import; what was changed since stays. A person approves it too."""

        def look(db: Connection) -> dict[str, Any]:
            report = self.bakeio.undo(db, run, dry_run=True)
            kept = plans.keep(
                kind=UNDO,
                about=str(run),
                answer="",
                database=self.access.database(db),
                place=self.access.session.shown,
                options={},
                decisions=[],
                outcome=_digest(report),
                changes=_plain(report.as_dict())["changes"],
                preview=report.text(),
            )
            return self._proposal(db, report, kept)

        return self.access.session.write(look, dry_run=True)


def _changed() -> Refused:
    return Refused(
        "changed-meanwhile",
        "the database changed since: this plan would come to something else; nothing was written",
        "plan the changes again with plan_changes, and have them approved",
    )


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def _digest(report: Report) -> str:
    whole = _plain(report.as_dict())
    told = [whole["changes"], whole["summary"], whole["problems"]]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
