"""Prompts: tasks a person can hand to an assistant with one choice."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import MCPServer

from bakeio_mcp.access import NOTICE, Access

_END = (
    " Plan it with plan_changes, correct what it names, show me the changes in a few words, and "
    "ask "
    f"me to approve the plan. Leave out what you do not know: invent nothing. {NOTICE}"
)


def add_prompts(server: MCPServer[Any], access: Access) -> None:
    """Add the prompts of the tasks that what is served allows.

    Args:
        server: The server.
        access: The database, and what of it is served.
    """
    codes = _code_fields(access)
    first = next(iter(access.views), "")

    def fill_barcodes(view: str = next(iter(codes), first)) -> str:
        """Fill in barcodes that are missing, with the source of each."""
        field = codes.get(view, "the field of the barcode")
        return (
            f"Read the rows of the view {view} that lack {field} (read_view with missing), and "
            f"give the codes you know for certain, each with its source as a third element." + _END
        )

    def correct_names(view: str = first) -> str:
        """Correct names that are misspelt or abbreviated."""
        return (
            f"Read the view {view} page by page, and correct names that are misspelt, shouted or "
            "cut short; leave those you are not sure of." + _END
        )

    def receipt(text: str, view: str = "purchases") -> str:
        """Enter what a receipt says as new records."""
        return (
            f"Enter this receipt into the view {view}: find each article with find, and give new "
            'records under "add" or as {"view_name": ..., "records": [...]} with the fields of '
            f"bakeio://schema/{view}. What is not on it, leave out." + _END + f"\n\n{text}"
        )

    def stock_take(text: str, view: str = "inventory") -> str:
        """Enter what was counted on the shelves."""
        return (
            f"Compare this count with the view {view} (read_view, find), and change the "
            "quantities that differ; say which articles you could not find." + _END + f"\n\n{text}"
        )

    for prompt in (fill_barcodes, correct_names, receipt, stock_take):
        server.prompt()(prompt)


def _code_fields(access: Access) -> dict[str, str]:
    """Return the field of each view that holds standard article numbers: {view: field}."""
    found = {}
    for name, view in access.views.items():
        codes = access.entity(view).codes
        for field in access.hiding.visible(view, "editable"):
            if view.fields[field].source in codes:
                found[name] = field
    return found
