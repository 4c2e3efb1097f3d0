"""SQLite."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table, exc, func

from bakeio_core import values
from bakeio_core.catalog.entities.model import Key
from bakeio_core.database.dialect import LOWEST, Column, Dialect, JsonPage, Rows, log
from bakeio_core.database.systems.refusals.constraints import refusing
from bakeio_core.database.systems.refusals.failures import raised
from bakeio_core.database.systems.sqlite_cells import (
    UNDECODED,
    doubt,
    from_cell,
    instants,
    is_text,
    plain_number,
    to_cell,
    truth,
    undecoded,
)
from bakeio_core.database.systems.statements.loads import PostponedIndexes, indexes_of_sqlite


class SQLite(Dialect):
    """SQLite by the standard library's driver."""

    name = "sqlite"
    adds_checks = False
    is_strict = False

    def read_expression(self, expression: Any, kind: values.Kind) -> Any:
        if isinstance(kind, values.DateTime):
            tail = func.replace(func.substr(expression, 12), ".000000", "")
            return func.substr(expression, 1, 10).concat("T").concat(tail).concat("Z")
        return expression

    def prepare_new(self, db: Connection) -> None:
        with raised(db, "PRAGMA journal_mode=WAL"):
            driver: Any = db.connection.driver_connection
            driver.execute("PRAGMA journal_mode=WAL")

    def begin(self, db: Connection, sql: str) -> None:
        if sql == "BEGIN":  # takes no lock yet
            db.exec_driver_sql(sql)
        else:
            self._patiently(db, sql)

    def will_write(self, db: Connection, tables: Iterable[str]) -> None:
        for table in tables:
            try:
                return self._patiently(db, f"DELETE FROM {self.quote(table)} WHERE 0")
            except exc.OperationalError as error:
                if "no such table" not in str(error.orig):
                    raise

    def take_snapshot(self, db: Connection) -> None:
        self._patiently(db, "SELECT 1 FROM sqlite_master LIMIT 1")

    @contextmanager
    def only_reading(self, db: Connection) -> Iterator[None]:
        driver: Any = db.connection.driver_connection
        driver.execute("PRAGMA query_only=ON")
        try:
            yield
        finally:
            driver.execute("PRAGMA query_only=OFF")

    def _patiently(self, db: Connection, sql: str) -> None:
        """Run a statement that may meet a lock, for as long as the connection waits for one.

        The driver would wait as long by itself, but say nothing and hear no interrupt.
        """
        driver: Any = db.connection.driver_connection
        seconds = driver.execute("PRAGMA busy_timeout").fetchone()[0] / 1000
        driver.execute("PRAGMA busy_timeout=0")
        end, told = time.monotonic() + seconds, False
        try:
            while True:
                try:
                    driver.execute(sql).fetchone()
                    return
                except self.sa.dbapi.Error as error:  # type: ignore[union-attr]
                    name = getattr(error, "sqlite_errorname", "")
                    is_stale = name == "SQLITE_BUSY_SNAPSHOT"  # waiting would not help
                    if "locked" not in str(error) or is_stale or time.monotonic() >= end:
                        break
                if not told:
                    log.info(
                        "waiting for %s, %g seconds at most: another program is writing to it",
                        db.engine.url.database,
                        seconds,
                    )
                    told = True
                time.sleep(0.02)
            db.exec_driver_sql(sql).close()  # raises what is wrong, as SQLAlchemy does
        finally:
            driver.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")

    def ensure_begun(self, db: Connection) -> None:
        if not db.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
            db.exec_driver_sql("BEGIN")

    def read(self, column: str, kind: values.Kind) -> str:
        if isinstance(kind, values.DateTime) and kind.sql_convertible:
            return f"replace(replace({column}, ' ', 'T'), '.000000', '') || 'Z'"
        return column

    def read_json(self, column: str, kind: values.Kind) -> str:
        if isinstance(kind, values.Boolean):
            return f"json(CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)"
        if isinstance(kind, values.Decimal) and (kind.scale or 0) > 4:
            return plain_number(column, kind.scale or 0)
        return self.read(column, kind)

    def bind(self, kind: values.Kind, column: Any) -> Any:
        return to_cell(kind, column.type, super().bind(kind, column))

    def result(self, kind: values.Kind, column: Any) -> Any:
        if not kind.sql_convertible:
            return from_cell(kind, column.type, super().result(kind, column))
        return truth if isinstance(kind, values.Boolean) else None

    def results(self, kind: values.Kind, column: Any) -> Callable[[Column], Column] | None:
        if not kind.sql_convertible:
            return super().results(kind, column)
        if isinstance(kind, values.DateTime):
            return partial(instants, kind)
        # the key of rows is a whole number in every table
        return None if column.primary_key else kind.tidied

    def doubt(self, column: str, kind: values.Kind) -> str | None:
        return doubt(column, kind) if kind.sql_convertible else None

    def fetch(self, db: Connection, sql: str, parameters: tuple[Any, ...] = ()) -> Rows:
        try:
            return super().fetch(db, sql, parameters)
        except self.sa.dbapi.OperationalError as error:  # type: ignore[union-attr]
            if UNDECODED not in str(error):
                raise
            with undecoded(db):
                return super().fetch(db, sql, parameters)

    def stream(self, db: Connection, sql: str, size: int) -> Iterator[Rows]:
        try:
            yield from super().stream(db, sql, size)
        except self.sa.dbapi.OperationalError as error:  # type: ignore[union-attr]
            if UNDECODED not in str(error):
                raise
            raise values.BadValue("holds bytes that are not UTF-8 text") from None

    def write(self, kind: values.Kind) -> str:
        if isinstance(kind, values.DateTime) and kind.sql_convertible:
            # stored as SQLAlchemy does, with microseconds
            return "substr(replace(replace(?, 'T', ' '), 'Z', '.000000'), 1, 26)"
        return "?"

    def existing_columns(self, db: Connection) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for table, column in self.fetch(
            db,
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_xinfo(m.name) c "
            "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!'",
        ):
            found.setdefault(table, set()).add(column)
        return found

    def has_triggers(self, db: Connection, table: Table) -> bool:
        sql = "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?)"
        return bool(self.fetch(db, sql, (table.name,)))

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
        pairs = ", ".join(
            "'" + name.replace("'", "''") + f"', {sql}" for name, sql in fields.items()
        )
        after = f"{where + ' AND' if where else 'WHERE'} {order} > ? ORDER BY {order} LIMIT {page}"
        # CAST AS BLOB: bytes come out, nothing is decoded and encoded again
        sql = (
            "SELECT count(*), max(place), CAST(group_concat(record, char(44, 10)) AS BLOB), "
            f"max(doubt) FROM (SELECT json_object({pairs}) AS record, {order} AS place, "
            f"{doubt or 0} AS doubt FROM {source} {after})"
        )
        places = f"SELECT count(*), max(place) FROM (SELECT {order} AS place FROM {source} {after})"
        last, count = LOWEST, page
        while count == page:
            start = last
            try:
                count, last, text, is_doubtful = self.fetch(db, sql, (start,))[0]
            except exc.DBAPIError as error:
                if "BLOB" not in str(error.orig):
                    raise
                (count, last), is_doubtful = self.fetch(db, places, (start,))[0], True
            if count:
                is_sure = not is_doubtful and is_text(text)
                yield JsonPage(count, text if is_sure else None, start, last)

    def joined_keys(
        self, columns: Sequence[str], table: str, types: Sequence[str], by: Sequence[str] = ()
    ) -> str:
        if len(columns) == 1:
            return f"{table} t WHERE t.{columns[0]} IN (SELECT value FROM json_each(?))"
        # a + keeps an index from being used for a column: see `searchable`
        named = [f"t.{column}" if column in by or not by else f"+t.{column}" for column in columns]
        on = " AND ".join(
            f"{column} = json_extract(k.value, '$[{place}]')" for place, column in enumerate(named)
        )
        # CROSS: the keys are the outer loop, so an index on the table serves
        return f"json_each(?) k CROSS JOIN {table} t ON {on}"

    def searchable(self, db: Connection, table: Table, columns: Sequence[str]) -> tuple[str, ...]:
        # Without statistics SQLite takes the last made of indexes that look alike to it, be it one
        # that tells next to nothing.
        found: dict[tuple[str, ...], int] = {}
        for index, is_unique, is_partial in self.fetch(
            db,
            'SELECT name, "unique", partial FROM pragma_index_list(?) ORDER BY name',
            (table.name,),
        ):
            named = [
                row[0]
                for row in self.fetch(
                    db, "SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,)
                )
            ]
            known = tuple(itertools.takewhile(columns.__contains__, named))
            if known and not is_partial:
                found[known] = max(found.get(known, 0), is_unique and len(known) == len(named))
        best = max(((is_whole, len(known)) for known, is_whole in found.items()), default=None)
        alike = [known for known, is_whole in found.items() if (is_whole, len(known)) == best]
        return (
            max(alike, key=lambda known: self._different(db, table, known))
            if len(alike) > 1
            else alike[0]
            if alike
            else ()
        )

    def _different(self, db: Connection, table: Table, columns: Sequence[str]) -> int:
        """Return how many different values columns with an index have."""
        names = ", ".join(map(self.quote, columns))
        return int(
            self.scalar(
                db,
                f"SELECT count(*) FROM (SELECT DISTINCT {names} FROM {self.format_table(table)})",
            )
        )

    def insert(
        self,
        db: Connection,
        table: Table,
        columns: Sequence[str],
        kinds: Sequence[values.Kind],
        rows: Sequence[tuple[Any, ...]],
    ) -> int:
        names, marks = ", ".join(map(self.quote, columns)), ", ".join(map(self.write, kinds))
        into = f"{refusing(self, db, table)} INTO {self.format_table(table)}"
        return self.executemany(db, f"INSERT {into} ({names}) VALUES ({marks})", rows)

    def next_id(self, db: Connection, table: Table, primary: str) -> int:
        highest = (
            self.scalar(db, f"SELECT max({self.quote(primary)}) FROM {self.format_table(table)}")
            or 0
        )
        if self.fetch(db, "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"):
            highest = max(
                highest,
                self.scalar(db, "SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,))
                or 0,
            )
        return max(highest, 0) + 1

    def bytes_of(self, db: Connection, tables: Sequence[Table]) -> int | None:
        names = [table.name for table in tables]
        marks = ", ".join("?" * len(names))
        sql = (
            "SELECT sum(pgsize) FROM dbstat WHERE aggregate = TRUE AND name IN "
            f"(SELECT name FROM sqlite_master WHERE tbl_name IN ({marks}))"
        )
        try:
            return int(self.scalar(db, sql, tuple(names)) or 0)
        except exc.OperationalError:  # it was built without this table
            return None

    @contextmanager
    def much_work(self, db: Connection, mib: int = 96) -> Iterator[None]:
        before = self.scalar(db, "PRAGMA cache_size")
        # so that little is spilled and read back
        db.exec_driver_sql(f"PRAGMA cache_size=-{mib * 1024}")
        try:
            yield
        finally:
            # an interrupt within a statement leaves no connection to tune
            with suppress(exc.InvalidRequestError):
                db.exec_driver_sql(f"PRAGMA cache_size={before}")

    @contextmanager
    def loading(
        self, db: Connection, table: Table, distinct: Collection[Key]
    ) -> Iterator[Callable[[], None]]:
        postponed = PostponedIndexes(db, [*indexes_of_sqlite(self, db, table)], distinct)
        yield postponed.build_unique
        postponed.build()
