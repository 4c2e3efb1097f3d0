"""The command `bakeio mcp`."""

from __future__ import annotations

import os

import click

from bakeio_core import Session

TOKEN = "BAKEIO_MCP_TOKEN"


@click.command()
@click.option("--write", is_flag=True, help="Let the assistant apply plans that a person approved.")
@click.option(
    "--view",
    "views",
    multiple=True,
    metavar="VIEW",
    help="Serve only this view; may be given more than once. Default: all.",
)
@click.option(
    "--hide",
    multiple=True,
    metavar="FIELD",
    help="A field that is never shown, VIEW.FIELD or FIELD; may be given more than once.",
)
@click.option(
    "--http",
    "port",
    type=click.IntRange(1, 65_535),
    metavar="PORT",
    help="Serve HTTP on this machine only, for clients with the token, instead of stdio.",
)
@click.pass_obj
def mcp(
    session: Session,
    write: bool,
    views: tuple[str, ...],
    hide: tuple[str, ...],
    port: int | None,
) -> None:
    """Serve the database to an assistant, by the Model Context Protocol over stdio.

    It reads and proposes; nothing is written that no person approved (bakeio approve). The token of
    --http comes from the variable BAKEIO_MCP_TOKEN; without it a new one is printed.
    """
    from bakeio_mcp.access import Access
    from bakeio_mcp.server import make_server

    with session.reading():  # there is one, before anybody waits for it
        pass
    access = Access(session, views, hide, writes=write)
    server = make_server(access)
    if port is None:
        server.run("stdio")
        return
    from bakeio_mcp.http import serve

    serve(session, server, port, os.environ.get(TOKEN))
