"""What an assistant is told instead of a result: as data, with what to do next."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """Say no to a call of a tool, as data.

    Args:
        code: Such as `not-approved`.
        message: Why.
        next_: What can be done about it.
        more: What else is told.
    """

    def __init__(self, code: str, message: str, next_: str, **more: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.next, self.more = code, message, next_, more

    def as_dict(self) -> dict[str, Any]:
        """Return what is told."""
        told = {"refused": self.code, "message": self.message, "next": self.next}
        return {**told, **self.more}
