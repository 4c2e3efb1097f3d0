"""The server: its tools, resources and prompts."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError
from mcp.server.mcpserver.resources import FunctionResource
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations

from bakeio_core import VERSION
from bakeio_mcp import plans
from bakeio_mcp.access import NOTICE, Access
from bakeio_mcp.asking import patient
from bakeio_mcp.prompts import add_prompts
from bakeio_mcp.reading import ReadingTools
from bakeio_mcp.refusals import Refused
from bakeio_mcp.writing import WritingTools

INSTRUCTIONS = (
    "bakeio serves views of a database. Read rows with read_view, propose changes with "
    "plan_changes, and ask the person to approve the plan in a terminal: you cannot. "
    "Where a result has `refused`, do what its `next` says. " + NOTICE
)
APPLIES = "apply_plan"
WRITES = (APPLIES, "undo_run")


def make_server(access: Access) -> MCPServer[Any]:
    """Return the server of what is served.

    Args:
        access: The database, and what of it is served.
    """
    tools = [*ReadingTools(access).all(), *WritingTools(access).all()]
    server: MCPServer[Any] = MCPServer(
        "bakeio",
        version=VERSION,
        instructions=INSTRUCTIONS,
        tools=[_tool(access, tool) for tool in tools],
        # what it would log of calls has values in it
        log_level="CRITICAL",
    )
    _add_resources(server, access)
    add_prompts(server, access)
    return server


def _tool(access: Access, call: Callable[..., Any]) -> Tool:
    """Return a tool that takes its own arguments and no other."""
    is_writing = call.__name__ in WRITES
    tool = access.tool(call)
    made = Tool.from_function(
        patient(tool) if call.__name__ == APPLIES else tool,
        structured_output=False,
        annotations=ToolAnnotations(
            read_only_hint=not is_writing, destructive_hint=is_writing, open_world_hint=False
        ),
    )
    model = made.fn_metadata.arg_model
    model.model_config["extra"] = "forbid"
    model.model_rebuild(force=True)
    made.parameters = model.model_json_schema(by_alias=True)
    return made


def _add_resources(server: MCPServer[Any], access: Access) -> None:
    for name, view in access.views.items():
        hiding = access.hiding
        narrowed = view.narrow(fields=[*hiding.visible(view), *hiding.lists(view)])

        def schema(narrowed: Any = narrowed, name: str = name) -> str:
            return json.dumps(_visible(access.bakeio.schema(narrowed), access, name))

        server.add_resource(
            FunctionResource.from_function(
                schema,
                uri=f"bakeio://schema/{name}",
                name=f"schema of {name}",
                description=f"What may be returned of the view {name} (JSON Schema)",
                mime_type="application/schema+json",
            )
        )

    @server.resource("bakeio://plan/{plan_id}", mime_type="application/json")
    def plan(plan_id: str) -> str:
        """Tell of a plan: whether it waits, was approved or applied, and what it changes."""
        return _of_plan(access, plan_id)

    @server.resource("bakeio://error/{code}", mime_type="text/markdown")
    def error(code: str) -> str:
        """Tell what a code of a problem means, and what to do."""
        pages = error_pages()
        if code not in pages:
            raise ResourceError(f"there is no such code; there are {', '.join(pages)}")
        return pages[code]


def _visible(schema: dict[str, Any], access: Access, view: str) -> dict[str, Any]:
    """Return a schema without fields that are hidden."""
    hidden = access.hiding.fields[view]
    record = schema["properties"]["records"]["items"]
    shown = {name: of for name, of in record["properties"].items() if name not in hidden}
    if "_clear" in shown:
        clearable = [name for name in shown["_clear"]["items"]["enum"] if name not in hidden]
        shown["_clear"] = {**shown["_clear"], "items": {"enum": clearable}}
    record["properties"] = shown
    return schema


def _of_plan(access: Access, plan_id: str) -> str:
    with access.session.reading() as db:
        scrubbing = access.hiding.scrubbing(db)
        try:
            known = plans.find(plan_id, access.database(db))
        except Refused as refused:
            return json.dumps(scrubbing.data(refused.as_dict()))
        told = ("action", "label", "key", "fields")
        changes = [
            {name: change[name] for name in told}
            for change in known.changes
            if change["entity"] in access.entities
        ]
        state = "approved" if plans.is_approved(known) else "waits for a person"
        whole = {
            "notice": NOTICE,
            "plan": known.id,
            "state": state,
            "expires_at": known.expires_at,
            "changes": scrubbing.data(changes),
        }
        return json.dumps(whole, ensure_ascii=False)


def error_pages() -> dict[str, str]:
    """Return what each code of a problem means: {code: its page}."""
    whole = files("bakeio_mcp").joinpath("errors.txt").read_text("utf-8")
    _, *parts = whole.split("\n## ")
    return {part.split("\n", 1)[0].strip(): f"# {part.strip()}\n" for part in parts}
