"""What differs between SQLite and PostgreSQL: SQL of wire values, bulk writing, key look-ups, ids, locks. The only place that names one."""

from __future__ import annotations

import itertools
import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Double, Table, cast, exc, func, literal
from sqlalchemy.engine import Dialect as SADialect
from sqlalchemy.schema import CreateTable

from bakeio_core import values
from bakeio_core.errors import DatabaseError, UsageError

__all__ = ["Dialect", "dialect_of"]

Rows = list[tuple[Any, ...]]
log = logging.getLogger("bakeio")
MOST_JSON_FIELDS = 50
"""SQLite takes 127 arguments in a function call (SQLITE_MAX_FUNCTION_ARG), two for each field."""


class Dialect(ABC):
    """One database system. `db` is always a SQLAlchemy connection; the SQL is text and runs without per-row work of SQLAlchemy."""

    name = ""
    mark = "?"
    doubles = False
    """Whether decimals are read as doubles, whole ones too; SQLite gives those as integers."""
    snapshot_options: Mapping[str, Any] = MappingProxyType({})
    result_codes: Mapping[type[values.Kind], int] = MappingProxyType({})
    """What the driver calls the types of results that SQLAlchemy wants to know before it converts them."""

    def __init__(self, dialect: SADialect) -> None:
        self.sa = dialect
        self.quote = dialect.identifier_preparer.quote
        self.format_table = dialect.identifier_preparer.format_table

    def fetch(self, db: Connection, sql: str, parameters: tuple[Any, ...] = ()) -> Rows:
        """Return all rows of a SELECT as plain tuples."""
        result = db.exec_driver_sql(sql, parameters)
        rows: Rows = result.cursor.fetchall()  # type: ignore[assignment]
        result.close()
        return rows

    def scalar(self, db: Connection, sql: str, parameters: tuple[Any, ...] = ()) -> Any:
        rows = self.fetch(db, sql, parameters)
        return rows[0][0] if rows else None

    def is_empty(self, db: Connection, table: Table) -> bool:
        return not self.fetch(db, f"SELECT 1 FROM {self.format_table(table)} LIMIT 1")

    def stream(self, db: Connection, sql: str, size: int) -> Iterator[Rows]:
        """Yield the rows of a SELECT in lists of at most `size`, without holding more."""
        result = db.exec_driver_sql(sql)
        cursor: Any = result.cursor  # the driver's own: no object of SQLAlchemy for each row
        try:
            while rows := cursor.fetchmany(size):
                yield rows
        finally:
            result.close()

    def as_double(self, expression: Any) -> Any:
        """Return a computed number as the driver gives it fastest, in double precision."""
        return expression

    def reads_expression(self, kind: values.Kind) -> bool:
        """Tell whether `read_expression` gives the wire value of a computed expression of this kind."""
        return not isinstance(kind, values.Truth)

    def read_expression(self, expression: Any, kind: values.Kind) -> Any:
        """Return a computed expression as its wire value."""
        return expression

    def executemany(self, db: Connection, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            db.exec_driver_sql(sql, list(rows))

    @contextmanager
    def _raised(self, sql: str) -> Iterator[None]:
        """Raise what the driver raises as SQLAlchemy would, where a statement is a matter of the driver alone."""
        errors: Any = self.sa.dbapi.Error  # type: ignore[union-attr]
        try:
            yield
        except errors as error:
            raise exc.DBAPIError.instance(sql, (), error, errors, dialect=self.sa) from error

    # -- to be given by each system
    def prepare_new(self, db: Connection) -> None:
        """Set up a database that is about to be made."""

    def begin(self, db: Connection, sql: str) -> None:
        """Open a transaction with this statement; where it must wait for another program, tell the log."""
        db.exec_driver_sql(sql)

    def keep_makers_off(self, db: Connection) -> None:
        """Keep others from making tables until the transaction ends."""

    def will_write(self, db: Connection, table: str) -> None:
        """Turn the caller's transaction into a writing one before it reads, where a reading one could not become one later."""

    def take_snapshot(self, db: Connection) -> None: ...
    def ensure_begun(self, db: Connection) -> None: ...

    @abstractmethod
    def read(self, column: str, kind: values.Kind) -> str:
        """Return SQL giving the wire value of a stored column."""

    def read_json(self, column: str, kind: values.Kind) -> str:
        """Return SQL giving the JSON value of a stored column, to stand inside `json_record`."""
        return self.read(column, kind)

    def write(self, kind: values.Kind) -> str:
        """Return SQL turning a parameter that holds a wire value into what is stored."""
        return self.mark

    def bind(self, kind: values.Kind, column: Any) -> Any:
        """Return a function from wire value to parameter for kinds the database cannot turn itself, else None."""
        if kind.plain:
            return None
        process = column.type.dialect_impl(self.sa).bind_processor(self.sa)
        return (lambda value: process(kind.to_python(value))) if process else kind.to_python

    def result(self, kind: values.Kind, column: Any) -> Any:
        """Return a function from what the driver gives to the wire value, for kinds that are not plain, else None."""
        if kind.plain:
            return None
        process = column.type.dialect_impl(self.sa).result_processor(self.sa, self.result_codes.get(type(kind)))
        return (lambda value: kind.from_python(process(value))) if process else kind.from_python

    @abstractmethod
    def existing_columns(self, db: Connection) -> dict[str, set[str]]:
        """Return {table: its columns} as the database really has them."""

    @abstractmethod
    def has_table(self, db: Connection, name: str) -> bool:
        """Tell whether the database has a table of that name."""

    def answers_by_index(self, db: Connection, sql: str, table: str) -> bool:
        """Tell whether the database answers a query from an index of a table alone, without its rows and without sorting."""
        return False

    @abstractmethod
    def json_pages(
        self, db: Connection, fields: Mapping[str, str], source: str, order: str, page: int, where: str = ""
    ) -> Iterator[tuple[int, bytes]]:
        """Yield (number of records, their JSON joined by a comma and a line feed), made by the database itself."""

    @abstractmethod
    def among(self, columns: Sequence[str], table: str, types: Sequence[str], by: Sequence[str] = ()) -> str:
        """Return the FROM part that joins `table` with the keys given as the parameters `among_parameters` makes.

        by: those of the columns an index is to be used for (`searchable`), where the choice is not left to the database.
        """

    def searchable(self, db: Connection, table: Table, columns: Sequence[str]) -> tuple[str, ...]:
        """Return those of some columns by which rows are best looked up when all of them are known; none where the database knows best."""
        return ()

    def among_parameters(self, keys: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        """Return the keys as the one JSON text `among` takes."""
        return (json.dumps([key[0] for key in keys] if keys and len(keys[0]) == 1 else keys, ensure_ascii=False),)

    @abstractmethod
    def insert(self, db: Connection, table: Table, columns: Sequence[str], kinds: Sequence[values.Kind], rows: Rows) -> None:
        """Write new rows of wire values in one go."""

    def text_source(self, kinds: Sequence[values.Kind], cells: Sequence[str]) -> tuple[str, Mapping[str, Any]] | None:
        """Return Python source of the text form of a row whose columns are these expressions, and the names it uses.

        None where the system takes rows as they are. `insert_text` writes what the source makes.
        """
        return None

    def insert_text(self, db: Connection, table: Table, columns: Sequence[str], text: str) -> None:
        """Write new rows that are in the text form already."""
        raise TypeError(f"{self.name} has no text form of rows")

    @abstractmethod
    def next_id(self, db: Connection, table: Table, primary: str) -> int:
        """Return the lowest id that neither a row has nor had."""

    def advance_ids(self, db: Connection, table: Table, primary: str) -> None:
        """Make the database's own counter go on after the highest id."""

    def add_column(self, db: Connection, table: Table, column: Any) -> None:
        """Add a column to an existing table. Raises DatabaseError where existing rows could not be filled."""
        default = self.column_default(column)
        if not column.nullable and default is None:
            raise DatabaseError(f"cannot add {table.name}.{column.name}: it is required and has no default. Add it by hand")
        kind = column.type.compile(dialect=self.sa)
        name = f"{self.format_table(table)} ADD COLUMN {self.quote(column.name)} {kind}"
        db.exec_driver_sql(f"ALTER TABLE {name}" + (f" DEFAULT {default}" if default else "") + ("" if column.nullable else " NOT NULL"))
        for foreign in column.foreign_keys:
            self.add_reference(db, table, column, foreign)

    def column_default(self, column: Any) -> str | None:
        """Return the SQL of a column's default that fits into ALTER TABLE, None where it has none."""
        server = column.server_default
        if server is not None:
            return str(self.sa.ddl_compiler(self.sa, CreateTable(column.table)).get_column_default_string(column))
        if column.default is not None and column.default.is_scalar:
            return str(literal(column.default.arg, column.type).compile(dialect=self.sa, compile_kwargs={"literal_binds": True}))
        return None

    def add_reference(self, db: Connection, table: Table, column: Any, foreign: Any) -> None:
        target, target_column = foreign.target_fullname.rsplit(".", 1)
        sql = f"ADD FOREIGN KEY ({self.quote(column.name)}) REFERENCES {self.quote(target)} ({self.quote(target_column)})"
        db.exec_driver_sql(f"ALTER TABLE {self.format_table(table)} {sql}")

    def lock(self, db: Connection, tables: Sequence[Table]) -> None:
        """Keep other writers off the tables until the transaction ends; where it must wait for one, tell the log.

        Raises DatabaseError (`locked`) that says who holds them, where the database knows. Always name tables in the same order.
        """

    @contextmanager
    def much_work(self, db: Connection) -> Iterator[None]:
        """Tune the connection for an import or an export."""
        yield

    @contextmanager
    def loading(self, db: Connection, table: Table) -> Iterator[None]:
        """Fill an empty table: its indexes are built once, sorted, at the end of the block. What violates one is raised then."""
        yield


class SQLite(Dialect):
    name = "sqlite"

    def read_expression(self, expression: Any, kind: values.Kind) -> Any:
        if isinstance(kind, values.Instant):
            tail = func.replace(func.substr(expression, 12), ".000000", "")
            return func.substr(expression, 1, 10).concat("T").concat(tail).concat("Z")
        return expression

    def add_column(self, db: Connection, table: Table, column: Any) -> None:
        default = self.column_default(column)
        if not column.nullable and (default is None or "(" in default or "CURRENT" in default):
            # SQLite adds only columns with constant defaults: add it empty of constraints, then fill it
            if default is None:
                raise DatabaseError(f"cannot add {table.name}.{column.name}: it is required and has no default. Add it by hand")
            name, kind = self.quote(column.name), column.type.compile(dialect=self.sa)
            db.exec_driver_sql(f"ALTER TABLE {self.format_table(table)} ADD COLUMN {name} {kind}")
            db.exec_driver_sql(f"UPDATE {self.format_table(table)} SET {name} = {default}")
            return
        name, kind = self.quote(column.name), column.type.compile(dialect=self.sa)
        refers = "".join(
            f" REFERENCES {self.quote(t)} ({self.quote(c)})" for t, c in (f.target_fullname.rsplit(".", 1) for f in column.foreign_keys)
        )
        rest = (f" DEFAULT {default}" if default else "") + ("" if column.nullable else " NOT NULL") + refers
        db.exec_driver_sql(f"ALTER TABLE {self.format_table(table)} ADD COLUMN {name} {kind}{rest}")

    def prepare_new(self, db: Connection) -> None:
        with self._raised("PRAGMA journal_mode=WAL"):
            db.connection.driver_connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[union-attr]

    def begin(self, db: Connection, sql: str) -> None:
        if sql == "BEGIN":  # takes no lock yet
            db.exec_driver_sql(sql)
        else:
            self._patiently(db, sql)

    def will_write(self, db: Connection, table: str) -> None:
        try:
            self._patiently(db, f"DELETE FROM {self.quote(table)} WHERE 0")
        except exc.OperationalError as error:
            if "no such table" not in str(error.orig):  # a database without it is refused later, with the reason
                raise

    def take_snapshot(self, db: Connection) -> None:
        self._patiently(db, "SELECT 1 FROM sqlite_master LIMIT 1")

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
                    is_stale = getattr(error, "sqlite_errorname", "") == "SQLITE_BUSY_SNAPSHOT"  # waiting would not help
                    if "locked" not in str(error) or is_stale or time.monotonic() >= end:
                        break
                if not told:
                    log.info("waiting for %s, %g seconds at most: another program is writing to it", db.engine.url.database, seconds)
                    told = True
                time.sleep(0.02)
            db.exec_driver_sql(sql).close()  # raises what is wrong, as SQLAlchemy does
        finally:
            driver.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")

    def ensure_begun(self, db: Connection) -> None:
        if not db.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
            db.exec_driver_sql("BEGIN")

    def read(self, column: str, kind: values.Kind) -> str:
        if isinstance(kind, values.Instant) and kind.plain:
            return f"substr({column}, 1, 10) || 'T' || replace(substr({column}, 12), '.000000', '') || 'Z'"
        return column

    def read_json(self, column: str, kind: values.Kind) -> str:
        if isinstance(kind, values.Truth):
            return f"json(CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)"
        if isinstance(kind, values.Number) and (kind.scale or 0) > 4:
            plain = f"json(rtrim(printf('%.{kind.scale}f', {column}), '0'))"
            return f"CASE WHEN {column} <> 0 AND abs({column}) < 0.0001 THEN {plain} ELSE {column} END"
        return self.read(column, kind)

    def result(self, kind: values.Kind, column: Any) -> Any:
        return kind.from_python if isinstance(kind, values.Truth) and kind.plain else super().result(kind, column)

    def write(self, kind: values.Kind) -> str:
        if isinstance(kind, values.Instant) and kind.plain:  # stored as SQLAlchemy does, with microseconds
            return "substr(replace(replace(?, 'T', ' '), 'Z', '.000000'), 1, 26)"
        return "?"

    def existing_columns(self, db: Connection) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for table, column in self.fetch(
            db, "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
        ):
            found.setdefault(table, set()).add(column)
        return found

    def has_table(self, db: Connection, name: str) -> bool:
        return bool(self.fetch(db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)))

    def answers_by_index(self, db: Connection, sql: str, table: str) -> bool:
        steps = [str(row[3]) for row in self.fetch(db, f"EXPLAIN QUERY PLAN {sql}")]
        reads = [step for step in steps if table in step.split()]
        return all("COVERING INDEX" in step for step in reads) and bool(reads) and not any("TEMP B-TREE" in step for step in steps)

    def json_pages(
        self, db: Connection, fields: Mapping[str, str], source: str, order: str, page: int, where: str = ""
    ) -> Iterator[tuple[int, bytes]]:
        pairs = ", ".join("'" + name.replace("'", "''") + f"', {sql}" for name, sql in fields.items())
        # CAST AS BLOB: bytes come out, nothing is decoded and encoded again
        sql = (
            f"SELECT count(*), CAST(group_concat(record, char(44, 10)) AS BLOB), max(place) FROM (SELECT json_object({pairs}) AS record, "
            f"{order} AS place FROM {source} {where + ' AND' if where else 'WHERE'} {order} > ? ORDER BY {order} LIMIT {page})"
        )
        last = -(1 << 63)
        while True:
            count, text, last = self.fetch(db, sql, (last,))[0]
            if count:
                yield count, text
            if count < page:
                return

    def among(self, columns: Sequence[str], table: str, types: Sequence[str], by: Sequence[str] = ()) -> str:
        if len(columns) == 1:
            return f"{table} t WHERE t.{columns[0]} IN (SELECT value FROM json_each(?))"
        # a + keeps an index from being used for a column: see `searchable`
        named = [f"t.{column}" if column in by or not by else f"+t.{column}" for column in columns]
        on = " AND ".join(f"{column} = json_extract(k.value, '$[{place}]')" for place, column in enumerate(named))
        return f"json_each(?) k CROSS JOIN {table} t ON {on}"  # CROSS: the keys are the outer loop, so an index on the table serves

    def searchable(self, db: Connection, table: Table, columns: Sequence[str]) -> tuple[str, ...]:
        # Without statistics SQLite takes the last made of indexes that look alike to it, be it one that tells next to nothing.
        found: dict[tuple[str, ...], int] = {}
        for index, is_unique, is_partial in self.fetch(
            db, 'SELECT name, "unique", partial FROM pragma_index_list(?) ORDER BY name', (table.name,)
        ):
            named = [row[0] for row in self.fetch(db, "SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,))]
            known = tuple(itertools.takewhile(columns.__contains__, named))
            if known and not is_partial:
                found[known] = max(found.get(known, 0), is_unique and len(known) == len(named))
        best = max(((is_whole, len(known)) for known, is_whole in found.items()), default=None)
        alike = [known for known, is_whole in found.items() if (is_whole, len(known)) == best]
        return max(alike, key=lambda known: self._different(db, table, known)) if len(alike) > 1 else alike[0] if alike else ()

    def _different(self, db: Connection, table: Table, columns: Sequence[str]) -> int:
        """Return how many different values columns with an index have."""
        names = ", ".join(map(self.quote, columns))
        return int(self.scalar(db, f"SELECT count(*) FROM (SELECT DISTINCT {names} FROM {self.format_table(table)})"))

    def insert(self, db: Connection, table: Table, columns: Sequence[str], kinds: Sequence[values.Kind], rows: Rows) -> None:
        names, marks = ", ".join(map(self.quote, columns)), ", ".join(map(self.write, kinds))
        self.executemany(db, f"INSERT INTO {self.format_table(table)} ({names}) VALUES ({marks})", rows)

    def next_id(self, db: Connection, table: Table, primary: str) -> int:
        highest = self.scalar(db, f"SELECT max({self.quote(primary)}) FROM {self.format_table(table)}") or 0
        if self.fetch(db, "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"):
            highest = max(highest, self.scalar(db, "SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)) or 0)
        return max(highest, 0) + 1

    @contextmanager
    def much_work(self, db: Connection) -> Iterator[None]:
        before = self.scalar(db, "PRAGMA cache_size")
        db.exec_driver_sql("PRAGMA cache_size=-98304")  # 96 MiB of pages, so that little is spilled and read back
        try:
            yield
        finally:
            db.exec_driver_sql(f"PRAGMA cache_size={before}")

    @contextmanager
    def loading(self, db: Connection, table: Table) -> Iterator[None]:
        indexes = self.fetch(
            db, "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY name", (table.name,)
        )
        for name, _ in indexes:
            db.exec_driver_sql(f"DROP INDEX {self.quote(name)}")
        yield
        for _, sql in indexes:
            db.exec_driver_sql(sql)


class PostgreSQL(Dialect):
    name = "postgresql"
    mark = "%s"
    doubles = True
    snapshot_options: Mapping[str, Any] = MappingProxyType({"isolation_level": "REPEATABLE READ"})
    result_codes: Mapping[type[values.Kind], int] = MappingProxyType({values.Number: 1700, values.Real: 701})  # pg_type: numeric, float8

    def read(self, column: str, kind: values.Kind) -> str:
        if not kind.plain:
            return column
        if isinstance(kind, values.Number):
            return f"{column}::float8"
        return self.read_json(column, kind)

    def read_json(self, column: str, kind: values.Kind) -> str:
        if isinstance(kind, values.Number):
            return f"trim_scale({column})"
        if isinstance(kind, values.Day):
            return f"to_char({column}, 'YYYY-MM-DD')"
        if isinstance(kind, values.Instant):
            moment = f"{column} AT TIME ZONE 'UTC'" if kind.zoned else column
            return f"replace(to_char({moment}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '.000000', '') || 'Z'"
        return column

    def stream(self, db: Connection, sql: str, size: int) -> Iterator[Rows]:
        with self._raised(sql), db.connection.driver_connection.cursor(f"bakeio_rows_{next(_cursors)}") as cursor:  # type: ignore[union-attr]
            cursor.itersize = size
            cursor.execute(sql, ())  # with parameters, so that a doubled % becomes one
            while rows := cursor.fetchmany(size):
                yield rows

    def as_double(self, expression: Any) -> Any:
        return cast(expression, Double)

    def read_expression(self, expression: Any, kind: values.Kind) -> Any:
        if isinstance(kind, values.Day):
            return func.to_char(expression, "YYYY-MM-DD")
        if isinstance(kind, values.Instant):
            moment = func.timezone("UTC", expression) if kind.zoned else expression
            return func.replace(func.to_char(moment, 'YYYY-MM-DD"T"HH24:MI:SS.US'), ".000000", "").concat("Z")
        return expression

    def existing_columns(self, db: Connection) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        sql = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ANY(current_schemas(false))"
        for table, column in self.fetch(db, sql):
            found.setdefault(table, set()).add(column)
        return found

    def has_table(self, db: Connection, name: str) -> bool:
        sql = (
            "SELECT 1 FROM pg_class WHERE relname = %s AND relkind IN ('r', 'p', 'v', 'f') "  # the kinds information_schema has columns of
            "AND relnamespace = ANY(current_schemas(false)::regnamespace[])"
        )
        return bool(self.fetch(db, sql, (name,)))

    def json_pages(
        self, db: Connection, fields: Mapping[str, str], source: str, order: str, page: int, where: str = ""
    ) -> Iterator[tuple[int, bytes]]:
        db.exec_driver_sql("SET LOCAL jit = off")  # compiling these queries costs more than it gains
        columns = ", ".join(f"{sql} AS {self.quote(name)}" for name, sql in fields.items())
        # quote and delimiter are characters JSON text cannot hold, so the lines arrive as they are
        sql = (
            f"COPY (SELECT row_to_json(r) FROM (SELECT {columns} FROM {source} {where} ORDER BY {order}) r) "
            "TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
        )
        lines: list[bytes] = []
        with self._raised(sql), self._cursor(db).copy(sql) as copy:
            for line in copy:
                lines.append(bytes(line))
                if len(lines) == page:
                    yield page, b"".join(lines)[:-1].replace(b"\n", b",\n")
                    lines = []
        if lines:
            yield len(lines), b"".join(lines)[:-1].replace(b"\n", b",\n")

    @staticmethod
    def _cursor(db: Connection) -> Any:
        return db.connection.driver_connection.cursor()  # type: ignore[union-attr]

    def among(self, columns: Sequence[str], table: str, types: Sequence[str], by: Sequence[str] = ()) -> str:
        # one JSON text: the driver looks at every element of an array on its own
        if len(columns) == 1:
            return f"json_array_elements_text(%s::json) AS k(k0) JOIN {table} t ON t.{columns[0]} = k.k0::{types[0]}"
        on = " AND ".join(f"t.{column} = (k.k0 ->> {place})::{types[place]}" for place, column in enumerate(columns))
        return f"json_array_elements(%s::json) AS k(k0) JOIN {table} t ON {on}"

    def insert(self, db: Connection, table: Table, columns: Sequence[str], kinds: Sequence[values.Kind], rows: Rows) -> None:
        if not rows:
            return
        if all(kind.plain for kind in kinds):
            return self.insert_text(db, table, columns, _copy_maker(tuple(map(type, kinds)))(rows))
        sql = self._copy_in(table, columns)
        with self._raised(sql), self._cursor(db).copy(sql) as copy:
            for row in rows:
                copy.write_row(row)
        return None

    def _copy_in(self, table: Table, columns: Sequence[str]) -> str:
        return f"COPY {self.format_table(table)} ({', '.join(map(self.quote, columns))}) FROM STDIN"

    def text_source(self, kinds: Sequence[values.Kind], cells: Sequence[str]) -> tuple[str, Mapping[str, Any]] | None:
        return _copy_template(list(map(type, kinds)), cells), _COPY_NAMES

    def insert_text(self, db: Connection, table: Table, columns: Sequence[str], text: str) -> None:
        sql = self._copy_in(table, columns)
        with self._raised(sql), self._cursor(db).copy(sql) as copy:
            copy.write(text.encode())

    def next_id(self, db: Connection, table: Table, primary: str) -> int:
        highest = self.scalar(db, f"SELECT max({self.quote(primary)}) FROM {self.format_table(table)}") or 0
        sequence = self._sequence(db, table, primary)
        if sequence:
            last, called = self.fetch(db, f"SELECT last_value, is_called FROM {sequence}")[0]
            highest = max(highest, last if called else last - 1)
        return max(highest, 0) + 1

    def _sequence(self, db: Connection, table: Table, primary: str) -> str | None:
        return self.scalar(db, "SELECT pg_get_serial_sequence(%s, %s)", (self.format_table(table), primary))  # type: ignore[no-any-return]

    def advance_ids(self, db: Connection, table: Table, primary: str) -> None:
        sequence = self._sequence(db, table, primary)
        if sequence:  # RESTART belongs to the transaction, setval does not
            db.exec_driver_sql(f"ALTER SEQUENCE {sequence} RESTART WITH {self.next_id(db, table, primary)}")

    def lock(self, db: Connection, tables: Sequence[Table]) -> None:
        names = list(map(self.format_table, tables))
        if not names or self._tried(db, f"LOCK TABLE {', '.join(names)} IN SHARE ROW EXCLUSIVE MODE NOWAIT"):
            return
        seconds, end = self._say_waiting(db, self._holders(db, names))
        for name in names:  # one by one, so that all of them together are not waited for longer than was said
            left = max(1, int((end - time.monotonic()) * 1000)) if seconds else 0
            db.exec_driver_sql(f"SET LOCAL lock_timeout = '{left}ms'")
            if not self._tried(db, f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE"):
                raise DatabaseError(
                    f"{name} in the database is locked by {self._holders(db, [name])}, for more than {seconds:g} seconds: wait for that to "
                    "finish or end it, then try again; --wait SECONDS waits longer",
                    code="locked",
                )
        db.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(seconds * 1000)}ms'")

    def keep_makers_off(self, db: Connection) -> None:
        if not self.scalar(db, f"SELECT pg_try_advisory_xact_lock({_MAKING})"):
            self._say_waiting(db, "another bakeio that is making tables")
            self.fetch(db, f"SELECT pg_advisory_xact_lock({_MAKING})")

    def _say_waiting(self, db: Connection, whom: str) -> tuple[float, float]:
        """Tell the log who is waited for; return the seconds the connection waits at most (0: for ever), and when they are over."""
        seconds = int(self.scalar(db, "SELECT setting FROM pg_settings WHERE name = 'lock_timeout'")) / 1000
        log.info("waiting%s for %s", f", {seconds:g} seconds at most," if seconds else "", whom)
        return seconds, time.monotonic() + seconds

    @staticmethod
    def _tried(db: Connection, sql: str) -> bool:
        """Run a statement that takes a lock; tell whether it got it. The transaction goes on either way."""
        point = db.begin_nested()
        try:
            db.exec_driver_sql(sql)
        except exc.OperationalError as error:
            point.rollback()
            if getattr(error.orig, "sqlstate", None) != "55P03":
                raise
            return False
        point.commit()
        return True

    def _holders(self, db: Connection, names: Sequence[str]) -> str:
        """Return who keeps others from writing to the tables, as the server knows them."""
        sql = (
            "SELECT DISTINCT coalesce(nullif(a.application_name, ''), a.backend_type), a.pid, a.usename, to_char(a.xact_start, 'HH24:MI:SS') "
            "FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.granted AND l.pid <> pg_backend_pid() "
            "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND l.relation = ANY(%s::regclass[]) AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')"
        )
        found = [
            f"{name} (process {process} of the server{f', user {user}' if user else ''}{f', since {since}' if since else ''})"
            for name, process, user, since in self.fetch(db, sql, (list(names),))
        ]
        return " and ".join(found) or "another program"

    @contextmanager
    def loading(self, db: Connection, table: Table) -> Iterator[None]:
        name = self.format_table(table)
        referred = [self.format_table(key.column.table) for key in table.foreign_keys]
        if not self._tried(db, f"LOCK TABLE {', '.join(dict.fromkeys([name, *referred]))} IN ACCESS EXCLUSIVE MODE NOWAIT"):
            yield  # somebody reads: an index that stays costs less than waiting, and cannot end in a deadlock
            return
        indexes = self.fetch(
            db,
            "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = %s::regclass "
            "AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
            (name,),
        )
        keys = self.fetch(
            db, "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'", (name,)
        )
        for index, _ in indexes:
            db.exec_driver_sql(f"DROP INDEX {index}")
        for key, _ in keys:
            db.exec_driver_sql(f"ALTER TABLE {name} DROP CONSTRAINT {self.quote(key)}")
        yield
        for _, sql in indexes:
            db.exec_driver_sql(sql)
        for key, sql in keys:
            db.exec_driver_sql(f"ALTER TABLE {name} ADD CONSTRAINT {self.quote(key)} {sql}")


_cursors = itertools.count(1)
_MAKING = int.from_bytes(b"bakeio", "big")
"""The number of the advisory lock under which tables are made."""
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v"})


def _copy_template(kinds: Sequence[type[values.Kind]], cells: Sequence[str]) -> str:
    """Return the source of an f-string: one line of COPY's text format from these cells. Only text can hold what must be escaped.

    The escapes are those of PostgreSQL's documentation of COPY, "Text Format".
    """
    escaped = "NULL if (v := {cell}) is None else v if v.isprintable() and slash not in v else v.translate(escapes)"
    plain = "NULL if (v := {cell}) is None else v"
    line = "\\t".join(
        "{" + (escaped if kind is values.Text else plain).format(cell=cell) + "}" for kind, cell in zip(kinds, cells, strict=True)
    )
    return f"f'{line}\\n'"


_COPY_NAMES: Mapping[str, Any] = MappingProxyType({"escapes": _ESCAPES, "slash": "\\", "NULL": "\\N"})


@lru_cache
def _copy_maker(kinds: tuple[type[values.Kind], ...]) -> Callable[[Rows], str]:
    """Generate a function from rows of plain wire values to COPY's text format."""
    scope: dict[str, Any] = dict(_COPY_NAMES)
    template = _copy_template(kinds, [f"row[{place}]" for place in range(len(kinds))])
    exec(f"def lines(rows):\n    return ''.join([{template} for row in rows])", scope)
    return scope["lines"]  # type: ignore[no-any-return]


def dialect_of(db: Connection) -> Dialect:
    """Return what is known of the connection's database system. Raises UsageError for one bakeio does not know."""
    known: dict[str, type[Dialect]] = {"sqlite": SQLite, "postgresql": PostgreSQL, "cockroachdb": PostgreSQL}
    if db.dialect.name not in known:
        raise UsageError(f"bakeio works with {' and '.join(sorted(set(known) - {'cockroachdb'}))}, not with {db.dialect.name}")
    return known[db.dialect.name](db.dialect)
