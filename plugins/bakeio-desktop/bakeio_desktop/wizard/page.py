"""What the pages of the wizard have in common."""

from __future__ import annotations

from typing import Any, Protocol

from bakeio_core import Decision


class NotAnswered(Exception):
    """There is no answer yet; the text says what to do."""


class Page(Protocol):
    """One question on the screen."""

    def decision(self) -> Decision:
        """Return the answer.

        Raises:
            NotAnswered: There is none yet, or it cannot be taken.
        """

    def begin(self) -> None:
        """Take the keyboard."""


def shown(value: Any) -> str:
    """Return a value as the window shows it."""
    if value is None:
        return "(empty)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if value != "" else "(empty text)"
