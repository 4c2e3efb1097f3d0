"""In which forms PostgreSQL gives values, whatever a user or a database prefers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from bakeio_core.errors import UsageError

_FORMS = (
    "SET LOCAL client_encoding = 'UTF8'; SET LOCAL DateStyle = 'ISO, MDY'; "
    "SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 1; "
    "SET LOCAL standard_conforming_strings = on; SET LOCAL bytea_output = 'hex'"
)
"""What the driver reads and writes rightly, with all digits of a number.

It holds no SELECT, which would come before a snapshot can be shared, and is not said at connecting,
as poolers hand on no such options. The time zone stays: defaults tell the time by it.
"""


def use_plain_forms(db: Connection) -> None:
    """Have values come in these forms until the transaction ends.

    Raises:
        UsageError: The connection has no transactions.
    """
    driver: Any = db.connection.driver_connection
    if driver.autocommit:
        raise UsageError(
            "the connection commits each statement by itself (AUTOCOMMIT), so that nothing could "
            "be taken back: give one that opens transactions"
        )
    db.exec_driver_sql(_FORMS, execution_options={"no_parameters": True})


def server_encoding(db: Connection) -> str:
    """Return how the database encodes its texts, by its own name for that."""
    # who looks at an error asks this too, when the connection may be lost
    driver: Any = None if db.invalidated else db.connection.driver_connection
    told = getattr(driver, "info", None)
    return str((told and told.parameter_status("server_encoding")) or "UTF8")
