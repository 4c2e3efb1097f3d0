"""Pages of rows: all of one moment, handed out one after another."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bakeio_mcp.refusals import Refused

MINUTES = 30
"""So long what was read is kept for its next pages."""
MOST_KEPT = 16
"""So many queries are kept at once."""
_AGAIN = "call read_view again without a cursor"


@dataclass
class _Kept:
    query: Any
    pages: Sequence[str]
    until: float


class Pages:
    """Keep what was read of a query, so that all of its pages are of one moment.

    A cursor is nothing to be guessed or made: it names what is kept here, and the query it is of.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def keep(self, query: Any, pages: Sequence[str]) -> str | None:
        """Keep the pages of a query. Return the cursor of the second one, None where there is none.

        Args:
            query: What was asked.
            pages: Each as it is handed out.
        """
        if len(pages) < 2:
            return None
        name = secrets.token_hex(8)
        self._kept[name] = _Kept(query, pages, time.monotonic() + MINUTES * 60)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return f"{name}-2"

    def next(self, query: Any, cursor: str) -> tuple[str, str | None]:
        """Return a page, and the cursor of the next one.

        Raises:
            Refused: The cursor is none, of another query, or expired.
        """
        name, _, number = cursor.rpartition("-")
        kept = self._kept.get(name)
        if kept is None or kept.until < time.monotonic():
            raise Refused("expired", "this cursor is not known, or no longer", _AGAIN)
        if kept.query != query:
            raise Refused(
                "foreign-cursor",
                "this cursor is of another query",
                "give the view and the fields it came with, or no cursor",
            )
        page = int(number) if number.isdecimal() and len(number) < 9 else 0
        if not 2 <= page <= len(kept.pages):
            raise Refused("expired", "there is no such page", _AGAIN)
        following = f"{name}-{page + 1}" if page < len(kept.pages) else None
        return kept.pages[page - 1], following
