"""An assistant that talks to `bakeio mcp` through the SDK's own client: a real child process."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import anyio

T = TypeVar("T")


class Assistant:
    """What an assistant can do, and everything it was told."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.heard: list[str] = []

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; return what it told as data."""
        done = await self.client.call_tool(tool, arguments)
        self.heard.append(done.model_dump_json())
        return done.structured_content or {"error": done.content[0].text}

    async def resource(self, uri: str) -> str:
        """Read a resource."""
        done = await self.client.read_resource(uri)
        self.heard.append(done.model_dump_json())
        return str(done.contents[0].text)

    async def tools(self) -> dict[str, Any]:
        """Return the tools by name."""
        listed = await self.client.list_tools()
        self.heard.append(listed.model_dump_json())
        return {tool.name: tool for tool in listed.tools}


@asynccontextmanager
async def serving(
    database: object, log: Path, *words: str, asked: Any = None
) -> AsyncIterator[Assistant]:
    """Start a server over stdio, and end it with the block.

    Args:
        database: The database.
        log: Where the server's stderr goes.
        words: Options of `bakeio mcp`.
        asked: What the client does where the server asks a person; None is a client that cannot.
    """
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client

    command = ["-W", "ignore", "-m", "bakeio_core", "-d", str(database), "mcp", *words]
    env = {n: v for n, v in os.environ.items() if n.startswith(("BAKEIO", "PYTHON"))}
    server = StdioServerParameters(command=sys.executable, args=command, env=env)
    with log.open("w") as errors:
        talk = stdio_client(server, errlog=errors)
        async with Client(talk, read_timeout_seconds=60, elicitation_callback=asked) as client:
            yield Assistant(client)


def play(part: Callable[[], Awaitable[T]]) -> T:
    """Run the part of an assistant."""
    return anyio.run(part)
