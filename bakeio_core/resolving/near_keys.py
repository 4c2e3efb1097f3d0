"""Find the keys of rows that one which names none may have been meant for."""

from __future__ import annotations

from typing import Any

from bakeio_core.database.stored.rows import Rows

ALIKE = 75
"""From this likeness on (0 to 100, rapidfuzz's ratio) a key is offered."""
MOST_ASKED = 200
"""For so many unknown keys others are looked for; a file with more has another fault."""


class NearKeys:
    """Look for the keys nearest to one that no row has.

    Args:
        rows: The rows.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._known: dict[str, list[str]] = {}
        self._asked = 0

    def of(self, column: str, value: Any, limit: int = 3) -> list[str]:
        """Return the stored values of a column nearest to a text, the best first."""
        self._asked += 1
        if not isinstance(value, str) or self._asked > MOST_ASKED:
            return []
        if column not in self._known:
            self._known[column] = list(map(str, self.rows.values_of(column)))
        from rapidfuzz import fuzz, process, utils  # few imports need near keys

        found = process.extract(
            value,
            self._known[column],
            scorer=fuzz.ratio,
            processor=utils.default_process,
            score_cutoff=ALIKE,
            limit=limit,
        )
        return [text for text, _, _ in found]
