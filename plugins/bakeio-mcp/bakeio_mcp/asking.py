"""Ask the person through their client to go and approve a plan: a comfort, and no approval.

A client may show the question to a person, or answer it by itself. So what comes back counts for
nothing: it is only then that is looked whether somebody approved in a terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp.types import CallToolResult
from pydantic import BaseModel

from bakeio_mcp import plans
from bakeio_mcp.refusals import Refused
from bakeio_mcp.writing import PlanId


class Looked(BaseModel):
    """What a client sends back: nothing that counts."""


def ask_person(plan_id: str, context: Context[Any, Any]) -> Looked | Elicit[Looked]:
    """Return the question for the person, where their client asks people and it is open yet."""
    known = context.client_capabilities
    asks = None if known is None else known.elicitation
    if asks is None or (asks.form is None and asks.url is not None):
        return Looked()
    with suppress(Refused):
        if not plans.is_approved(plans.find(plan_id)):
            return Elicit(
                f"The assistant wants to apply plan {plan_id[:8]}. Look at it and approve it in a "
                f'terminal with "bakeio approve {plan_id[:8]}", then go on here.',
                Looked,
            )
    return Looked()


def patient(apply: Callable[..., CallToolResult]) -> Callable[..., CallToolResult]:
    """Return `apply_plan` so that it waits for a person whose client asks them.

    Args:
        apply: The tool itself.
    """

    def apply_plan(
        plan_id: PlanId, looked: Annotated[ElicitationResult[Looked], Resolve(ask_person)]
    ) -> CallToolResult:
        return apply(plan_id)

    apply_plan.__doc__ = apply.__doc__
    return apply_plan
