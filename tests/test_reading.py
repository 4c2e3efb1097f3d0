"""What only reads cannot write."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bakeio_core import BakeioError, begin_read, begin_write, connect


def test_the_database_refuses_to_write_where_only_reading_was_asked_for(bakery: str) -> None:
    engine = connect(bakery)
    with pytest.raises((BakeioError, Exception)) as refused, begin_read(engine) as db:
        db.execute(text("UPDATE suppliers SET name = 'x'"))
    assert "read" in str(refused.value)
    with begin_write(engine) as db:  # the same connection of the pool
        assert db.execute(text("UPDATE suppliers SET notes = 'x'")).rowcount
    engine.dispose()
