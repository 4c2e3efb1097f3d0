"""What speaks the language of PostgreSQL and lacks some of its statements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table

from bakeio_core import values
from bakeio_core.catalog.entities.model import Key
from bakeio_core.database.dialect import HIGHEST, LOWEST, JsonPage
from bakeio_core.database.systems.postgresql import PostgreSQL
from bakeio_core.database.systems.statements.sequences import (
    go_on,
    may_advance,
    next_number,
    sequence_of,
)


class Portable(PostgreSQL):
    """PostgreSQL without the statements that only make it faster, or its sequences tidier.

    There is no COPY, no shared snapshot, no LOCK TABLE, no advisory lock and no ALTER SEQUENCE, and
    no index is dropped. So a rollback leaves out numbers of a sequence, and what another program
    writes between plan and end is refused by the database instead of waiting; of two imports at
    once the second one is done again.
    """

    def share_snapshot(self, db: Connection) -> str | None:
        return None

    def json_pages(
        self,
        db: Connection,
        fields: Mapping[str, str],
        source: str,
        order: str,
        page: int,
        where: str = "",
        doubt: str = "",
    ) -> Iterator[JsonPage]:
        """Leave all rows to who reads them with care, in pages."""
        count = self.scalar(db, f"SELECT count(*) FROM {source} {where}")
        if count:
            yield JsonPage(count, None, LOWEST, HIGHEST)

    def insert(
        self,
        db: Connection,
        table: Table,
        columns: Sequence[str],
        kinds: Sequence[values.Kind],
        rows: Sequence[tuple[Any, ...]],
    ) -> int:
        return self.insert_each(db, table, columns, kinds, rows) if rows else 0

    def advance_ids(self, db: Connection, table: Table, primary: str) -> None:
        sequence = sequence_of(self, db, table, primary)
        if sequence and may_advance(self, db, sequence):
            number = self.next_id(db, table, primary)
            # nothing keeps others off, and what they took meanwhile must not be given again
            if number > next_number(self, db, sequence):
                go_on(self, db, sequence, number)

    def fate(self, db: Connection) -> Callable[[Connection], bool | None] | None:
        return None

    def hold_sequences(self, db: Connection, table: Table, columns: Iterable[str]) -> None: ...

    def lock(self, db: Connection, tables: Sequence[Table]) -> None: ...

    def keep_makers_off(self, db: Connection) -> None: ...

    @contextmanager
    def loading(
        self, db: Connection, table: Table, distinct: Collection[Key]
    ) -> Iterator[Callable[[], None]]:
        yield lambda: None
