"""HTTP on this machine alone, for those who have the token."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.responses import JSONResponse

from bakeio_core import Session, UsageError

LOOPBACK = "127.0.0.1"
LEAST = 16
"""Characters of a token that nobody guesses."""
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Guarded:
    """Let those in who have the token.

    Args:
        app: What is guarded.
        token: The token.
    """

    def __init__(self, app: Any, token: str) -> None:
        self.app, self._expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._expected):
                refusal = JSONResponse(
                    {"error": "give the token that bakeio mcp printed: Authorization: Bearer ..."},
                    status_code=401,
                    headers={"WWW-Authenticate": "Bearer"},
                )
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


def serve(session: Session, server: MCPServer[Any], port: int, token: str | None) -> None:
    """Serve until somebody ends it.

    Args:
        session: Says where, and the token, on stderr.
        server: What is served.
        port: Of this machine.
        token: The token; None for a new one.

    Raises:
        UsageError: The token can be guessed.
    """
    if token is not None and len(token) < LEAST:
        raise UsageError(f"the token in BAKEIO_MCP_TOKEN is short: take {LEAST} characters or more")
    known = token or secrets.token_urlsafe(24)
    session.say(f"Serving http://{LOOPBACK}:{port}/mcp")
    if token is None:
        session.say(f"Authorization: Bearer {known}")
    app = Guarded(server.streamable_http_app(host=LOOPBACK), known)
    uvicorn.run(app, host=LOOPBACK, port=port, log_level="error", access_log=False)
