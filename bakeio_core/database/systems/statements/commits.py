"""What became of a transaction whose connection was lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from bakeio_core.database.dialect import Dialect

_KEPT = {"committed": True, "aborted": False}


def fate_of(dialect: Dialect, db: Connection) -> Callable[[Connection], bool | None]:
    """Return what tells on another connection whether the transaction of this one was kept."""
    number = dialect.scalar(db, "SELECT pg_current_xact_id_if_assigned()::text")

    def is_kept(later: Connection) -> bool | None:
        if number is None:  # it wrote nothing that could be lost
            return True
        return _KEPT.get(dialect.scalar(later, "SELECT pg_xact_status(%s::text::xid8)", (number,)))

    return is_kept
