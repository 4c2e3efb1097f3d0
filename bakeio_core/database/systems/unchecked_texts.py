"""A PostgreSQL database in SQL_ASCII: it takes whatever bytes a program calls a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from psycopg.adapt import Loader
from sqlalchemy import Connection, exc

from bakeio_core import values
from bakeio_core.database.dialect import Column, Rows
from bakeio_core.database.systems.postgresql import PostgreSQL

_TEXTS = ("text", "varchar", "bpchar", "name")
"""The types whose values come as they were stored."""


class UncheckedTexts(PostgreSQL):
    """PostgreSQL where a text may be no UTF-8: then it is read as the bytes it is.

    A server that is to give UTF-8 refuses the whole statement for one such text.
    """

    is_strict = False

    def fetch(self, db: Connection, sql: str, parameters: tuple[Any, ...] = ()) -> Rows:
        with _as_stored(db):
            return super().fetch(db, sql, parameters)

    def stream(self, db: Connection, sql: str, size: int) -> Iterator[Rows]:
        with _as_stored(db):
            yield from super().stream(db, sql, size)

    def doubt(self, column: str, kind: values.Kind) -> str | None:
        doubt = super().doubt(column, kind)
        if not isinstance(kind, values.Text):
            return doubt
        other = f"{column}::text ~ '[^[:ascii:]]'"
        return f"({other} OR {doubt})" if doubt else f"({other})"

    def results(self, kind: values.Kind, column: Any) -> Callable[[Column], Column] | None:
        return kind.tidied if isinstance(kind, values.Text) else super().results(kind, column)


@contextmanager
def _as_stored(db: Connection) -> Iterator[None]:
    """Have the server give texts as they are stored, inside the block alone.

    It takes no statement then that is not in ASCII.
    """
    adapters: Any = db.connection.driver_connection.adapters  # type: ignore[union-attr]
    for name in _TEXTS:
        adapters.register_loader(name, _AsStored)
    db.exec_driver_sql("SET LOCAL client_encoding = 'SQL_ASCII'")
    try:
        yield
    finally:
        # what failed inside may have ended the transaction, and the setting with it
        with suppress(exc.SQLAlchemyError):
            db.exec_driver_sql("SET LOCAL client_encoding = 'UTF8'")


class _AsStored(Loader):
    """Read a text, or the bytes that are none."""

    def load(self, data: Any) -> str | bytes:
        stored = bytes(data)
        try:
            return stored.decode()
        except UnicodeDecodeError:
            return stored
