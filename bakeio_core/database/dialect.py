"""What differs between database systems: what every one of them can do."""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Insert, Table, bindparam, exc
from sqlalchemy.engine import Dialect as SADialect
from sqlalchemy.types import UserDefinedType

from bakeio_core import values
from bakeio_core.catalog.entities.model import Key
from bakeio_core.values.wording import shown

Rows = list[tuple[Any, ...]]
Column = Sequence[Any]
log = logging.getLogger("bakeio")
LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
"""Below and above every number that records are sorted by."""
MOST_JSON_FIELDS = 50
"""SQLite takes 127 arguments in a function call (SQLITE_MAX_FUNCTION_ARG), two for each field."""


class _AsItIs(UserDefinedType[Any]):
    """Of a parameter that the driver gets as it is, whatever the type of its column."""

    cache_ok = True


@dataclass(frozen=True)
class JsonPage:
    """A page of records as JSON made by the database itself.

    Attributes:
        count: How many records they are.
        data: Their JSON, joined by a comma and a line feed; None where a cell may hold something
            else than its column says, so that it must be read with care.
        after, last: The numbers the records are sorted by lie above the first, up to the second.
    """

    count: int
    data: bytes | None
    after: int
    last: int


class Dialect(ABC):
    """Speak with one database system.

    `db` is always a SQLAlchemy connection; the SQL is text and runs without per-row work of
    SQLAlchemy.
    """

    name = ""
    mark = "?"
    by_characters = "BINARY"
    """The collation that sorts texts by their characters alone, in no language's way."""
    adds_checks = True
    """Whether a CHECK constraint can be added to a table that is there."""
    is_strict = True
    """Whether a column holds nothing but what its type says, but for the numbers and times beyond
    all others (NaN, infinity)."""
    snapshot_options: Mapping[str, Any] = MappingProxyType({})
    result_codes: Mapping[type[values.Kind], int] = MappingProxyType({})
    """What the driver calls the types of results that SQLAlchemy asks for to convert them."""

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
        return next(iter(self.fetch(db, sql, parameters)), (None,))[0]

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
        """Tell whether `read_expression` gives the wire value of an expression of this kind."""
        return not isinstance(kind, values.Boolean)

    def read_expression(self, expression: Any, kind: values.Kind) -> Any:
        """Return a computed expression as its wire value."""
        return expression

    def executemany(self, db: Connection, sql: str, rows: Sequence[tuple[Any, ...]]) -> int:
        """Run a statement for each of some parameters; return how many rows it wrote in all."""
        return db.exec_driver_sql(sql, list(rows)).rowcount if rows else 0

    # -- to be given by each system
    def is_refusal(self, error: exc.DBAPIError) -> bool:
        """Tell whether the database refuses the values of a row, not the statement as such."""
        return isinstance(error, (exc.IntegrityError, exc.DataError))

    def prepare_new(self, db: Connection) -> None:
        """Set up a database that is about to be made."""

    def begin(self, db: Connection, sql: str) -> None:
        """Open a transaction with this statement; tell the log of waiting for another program."""
        db.exec_driver_sql(sql)

    def keep_makers_off(self, db: Connection) -> None:
        """Keep others from making tables until the transaction ends."""

    def will_write(self, db: Connection, tables: Iterable[str]) -> None:
        """Make the caller's transaction a writing one before it reads.

        A reading one could not always become one later.
        """

    def take_snapshot(self, db: Connection) -> None: ...

    @abstractmethod
    def only_reading(self, db: Connection) -> AbstractContextManager[None]:
        """Have the database itself refuse to write on a connection, inside the block."""

    def share_snapshot(self, db: Connection) -> str | None:
        """Return a name by which other connections see what this one sees, None without such."""

    def join_snapshot(self, db: Connection, first: Connection, name: str) -> None:
        """See what the first connection sees, which gave it the name; its policies count too."""

    def ensure_begun(self, db: Connection) -> None:
        """Have the driver in a transaction in which values come in the forms read here."""

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
        """Return a function from wire value to parameter, None where the database turns it."""
        return None if kind.sql_convertible else kind.to_driver(column.type, self.sa)

    def parameter(self, kind: values.Kind, name: str) -> ColumnElement[Any]:
        """Return a parameter of SQLAlchemy's that is given what `bind` makes, and nothing else."""
        return bindparam(name, type_=_AsItIs())

    def result(self, kind: values.Kind, column: Any) -> Any:
        """Return a function from the driver's result to the wire value, None where it is that."""
        if kind.sql_convertible:
            return None
        return kind.from_driver(column.type, self.sa, self.result_codes)

    def results(self, kind: values.Kind, column: Any) -> Callable[[Column], Column] | None:
        """Return a function from a column of the driver's results to its wire values.

        None where they are that. The function raises `values.BadValue` for a cell that holds what
        no file can.
        """
        make = self.result(kind, column)
        return None if make is None else partial(_each, kind, make)

    def doubt(self, column: str, kind: values.Kind) -> str | None:
        """Return SQL that is true where a cell may hold something else than its column says.

        None where that is found otherwise, or cannot be.
        """
        return None

    def read_doubtful(self, column: str, kind: values.Kind) -> str:
        """Return SQL of a cell as it is stored, which `Kind.stored` takes."""
        return column

    @abstractmethod
    def existing_columns(self, db: Connection) -> dict[str, set[str]]:
        """Return {table: its columns} as the database really has them."""

    @abstractmethod
    def has_triggers(self, db: Connection, table: Table) -> bool:
        """Tell whether somebody gave a table triggers or rules."""

    @abstractmethod
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
        """Yield pages of records as JSON made by the database itself.

        Args:
            db: a connection.
            fields: {name: SQL of its value}.
            source: what stands after FROM.
            order: SQL of a unique number by which the records are sorted.
            page: how many records a page has, the last one aside.
            where: a WHERE clause, or nothing.
            doubt: SQL that is true for rows that must be read with care.
        """

    @abstractmethod
    def joined_keys(
        self, columns: Sequence[str], table: str, types: Sequence[str], by: Sequence[str] = ()
    ) -> str:
        """Return the FROM part that joins `table` with the keys of `joined_keys_parameters`.

        Args:
            columns: the quoted columns of the key.
            table: the formatted name of the table; it is called `t`.
            types: the SQL type of each column, empty for one that is compared by its text.
            by: those of the columns an index is to be used for (`searchable`), where the choice is
                not left to the database.
        """

    def searchable(self, db: Connection, table: Table, columns: Sequence[str]) -> tuple[str, ...]:
        """Return those of some known columns by which rows are best looked up.

        None where the database knows best.
        """
        return ()

    def joined_keys_parameters(self, keys: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        """Return the keys as the one JSON text `among` takes."""
        return (
            json.dumps(
                [key[0] for key in keys] if keys and len(keys[0]) == 1 else keys,
                ensure_ascii=False,
                default=str,  # a uuid, as drivers take it
            ),
        )

    @abstractmethod
    def insert(
        self,
        db: Connection,
        table: Table,
        columns: Sequence[str],
        kinds: Sequence[values.Kind],
        rows: Sequence[tuple[Any, ...]],
    ) -> int:
        """Write new rows of wire values in one go; return how many the database took."""

    def insert_made(self, table: Table) -> Insert:
        """Return the statement by which SQLAlchemy writes rows of which something is made then."""
        return table.insert()

    @abstractmethod
    def next_id(self, db: Connection, table: Table, primary: str) -> int:
        """Return the lowest id that neither a row has nor had."""

    def kept_ids(self, db: Connection, table: Table, primary: str) -> int:
        """Return up to which id new rows may have one that the database's own counter did not give.

        Any, where this user can make it go on after those (`advance_ids`); else the counter must
        be past it already, or it would give the same once more.
        """
        return HIGHEST

    def draw_ids(self, db: Connection, table: Table, primary: str, count: int) -> Sequence[int]:
        """Take so many ids of the database's own counter for good, rising and of no row."""
        first = self.next_id(db, table, primary)
        return range(first, first + count)

    def advance_ids(self, db: Connection, table: Table, primary: str) -> None:
        """Make the database's own counter go on after the highest id, where this user may."""

    def hold_sequences(self, db: Connection, table: Table, columns: Iterable[str]) -> None:
        """Let what is taken of the sequences behind columns be given back with the transaction."""

    def fate(self, db: Connection) -> Callable[[Connection], bool | None] | None:
        """Return what tells on a later connection whether the transaction of this one was kept.

        It returns None as long as that is not known. None where no server tells.
        """
        return None

    def limit_waiting(self, db: Connection, seconds: float) -> None:
        """Wait for a lock so long at most in this transaction, where it would be for ever."""

    def lock(self, db: Connection, tables: Sequence[Table]) -> None:
        """Keep other writers off the tables until the transaction ends.

        Where it must wait for one, the log is told. Always name tables in the same order.

        Raises:
            DatabaseError: (`locked`) that says who holds them, where the database knows.
        """

    def bytes_of(self, db: Connection, tables: Sequence[Table]) -> int | None:
        """Return what tables take with their indexes; None where the database does not tell."""
        return None

    def hiding_tables(self, db: Connection, tables: Sequence[Table]) -> list[Table]:
        """Return those of some tables of which a policy may hide rows from this user."""
        return []

    @contextmanager
    def seeing_all(self, db: Connection) -> Iterator[None]:
        """Have statements fail inside the block of which a policy would hide rows."""
        yield

    @contextmanager
    def much_work(self, db: Connection, mib: int = 96) -> Iterator[None]:
        """Tune the connection for an import or an export that keeps some MiB of pages in memory."""
        yield

    @contextmanager
    def loading(
        self, db: Connection, table: Table, distinct: Collection[Key]
    ) -> Iterator[Callable[[], None]]:
        """Fill an empty table: indexes are built once, sorted, at the end of the block.

        So are the unique ones of `distinct`: columns of texts, in which all rows will differ. What
        is yielded builds those there and then: call it before rows are found by their keys, and
        once nobody knows any more that these are different.
        """
        yield lambda: None


def is_doubtful(
    db: Connection, dialect: Dialect, table: Table, kinds: Mapping[str, values.Kind]
) -> bool:
    """Tell whether a cell of some columns of a table may hold something else than they say."""
    found = [dialect.doubt(dialect.quote(column), kind) for column, kind in kinds.items()]
    where = " OR ".join(filter(None, found))
    sql = f"SELECT 1 FROM {dialect.format_table(table)} WHERE {where} LIMIT 1"
    return bool(where and dialect.fetch(db, sql))


def stored_cell(kind: values.Kind, make: Callable[[Any], Any] | None, cell: Any) -> Any:
    """Return the wire value of a stored cell.

    Args:
        kind: What its column holds.
        make: What makes the wire value of what the driver gives, where that is another.
        cell: What the driver gives.

    Raises:
        BadValue: It holds what no file can.
    """
    if cell is None:
        return None
    if make is None:
        return kind.stored(cell)
    try:
        return kind.stored(make(cell))
    except values.BadValue:
        raise
    except (ValueError, TypeError, ArithmeticError, AttributeError):
        # what the type of the column has to say of a value that is none of its own
        raise values.BadValue(f"{shown(cell)} is not {kind.noun}") from None


def _each(kind: values.Kind, make: Callable[[Any], Any], cells: Column) -> Column:
    return [stored_cell(kind, make, cell) for cell in cells]
