"""PostgreSQL, and what speaks its language."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Insert,
    Table,
    cast,
    exc,
    func,
    literal_column,
)
from sqlalchemy.ext.compiler import compiles

from bakeio_core import values
from bakeio_core.catalog.entities.model import Key
from bakeio_core.database.dialect import HIGHEST, LOWEST, Column, Dialect, JsonPage, Rows
from bakeio_core.database.systems.refusals.constraints import is_of_rule
from bakeio_core.database.systems.refusals.failures import raised
from bakeio_core.database.systems.statements import locks
from bakeio_core.database.systems.statements.commits import fate_of
from bakeio_core.database.systems.statements.forms import use_plain_forms
from bakeio_core.database.systems.statements.loads import (
    PostponedIndexes,
    drops,
    foreign_keys_of_postgresql,
    indexes_of_postgresql,
)
from bakeio_core.database.systems.statements.rights import (
    hiding_tables,
    lockable,
    may_rebuild,
    refuse_closed_schemas,
    takes_copies,
    without_policies,
)
from bakeio_core.database.systems.statements.sequences import (
    drawn,
    hold,
    may_advance,
    next_number,
    restart,
    sequence_of,
)
from bakeio_core.values.kinds.numbers import all_shortest


class PostgreSQL(Dialect):
    """PostgreSQL by psycopg 3."""

    name = "postgresql"
    mark = "%s"
    by_characters = '"C"'
    snapshot_options: Mapping[str, Any] = MappingProxyType({"isolation_level": "REPEATABLE READ"})
    result_codes: Mapping[type[values.Kind], int] = MappingProxyType(
        {values.Decimal: 1700, values.Float: 701}
    )  # pg_type: numeric, float8

    def ensure_begun(self, db: Connection) -> None:
        use_plain_forms(db)

    def share_snapshot(self, db: Connection) -> str | None:
        return str(self.scalar(db, "SELECT pg_export_snapshot()"))

    def join_snapshot(self, db: Connection, first: Connection, name: str) -> None:
        db.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{name}'")
        self.ensure_begun(db)
        security = self.scalar(first, "SELECT current_setting('row_security')")
        db.exec_driver_sql(f"SET LOCAL row_security = {security}")

    def is_refusal(self, error: exc.DBAPIError) -> bool:
        """Tell so also of a trigger's exception, a view's check option and a policy."""
        return super().is_refusal(error) or is_of_rule(error)

    def read(self, column: str, kind: values.Kind) -> str:
        if not kind.sql_convertible:
            return f"{column}::text" if kind.as_text else column
        if isinstance(kind, values.Decimal):
            return f"{column}::float8"
        return self.read_json(column, kind)

    def read_json(self, column: str, kind: values.Kind) -> str:
        if isinstance(kind, values.Decimal):
            return f"trim_scale({column})"
        if isinstance(kind, values.Date):
            return f"to_char({column}, 'YYYY-MM-DD')"
        if isinstance(kind, values.DateTime):
            moment = f"{column} AT TIME ZONE 'UTC'" if kind.zoned else column
            return (
                f"replace(to_char({moment}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '.000000', '') || 'Z'"
            )
        return column

    def write(self, kind: values.Kind) -> str:
        name = kind.type_of_parameters(self.sa)
        return f"{self.mark}::{name}" if name else self.mark

    def parameter(self, kind: values.Kind, name: str) -> ColumnElement[Any]:
        given, type_ = super().parameter(kind, name), kind.type_of_parameters(self.sa)
        return given.op("::")(literal_column(type_)) if type_ else given

    def results(self, kind: values.Kind, column: Any) -> Callable[[Column], Column] | None:
        is_double = isinstance(kind, values.Decimal) and kind.sql_convertible
        return all_shortest if is_double else super().results(kind, column)

    def doubt(self, column: str, kind: values.Kind) -> str | None:
        if isinstance(kind, values.Decimal):  # NaN is greater than every number
            return f"({kind.bounds.outside(column, '1e1000')})"
        if isinstance(kind, values.Integer):
            return f"({kind.bounds.outside(column, '1e19')})" if kind.bounds else None
        if isinstance(kind, values.RuledText):
            return f"({' OR '.join(kind.bounds.broken(column))})"
        if isinstance(kind, values.Float):
            return f"{column} IN ('NaN', 'Infinity', '-Infinity')"
        if isinstance(kind, (values.Date, values.DateTime)):
            return f"({column} < '0001-01-01' OR {column} >= '10000-01-01')"
        return None

    def read_doubtful(self, column: str, kind: values.Kind) -> str:
        doubt = self.doubt(column, kind)
        if doubt is None or not kind.sql_convertible:
            return f"{column}::text" if doubt else self.read(column, kind)
        return (
            f"CASE WHEN {doubt} THEN {column}::text ELSE ({self.read_json(column, kind)})::text END"
        )

    def stream(self, db: Connection, sql: str, size: int) -> Iterator[Rows]:
        driver: Any = db.connection.driver_connection
        name = f"bakeio_rows_{next(_cursors)}"
        with raised(db, sql), driver.cursor(name) as cursor:
            cursor.itersize = size
            cursor.execute(sql, ())  # with parameters, so that a doubled % becomes one
            while rows := cursor.fetchmany(size):
                yield rows

    def as_double(self, expression: Any) -> Any:
        return cast(expression, Double)

    def read_expression(self, expression: Any, kind: values.Kind) -> Any:
        if isinstance(kind, values.Date):
            return func.to_char(expression, "YYYY-MM-DD")
        if isinstance(kind, values.DateTime):
            moment = func.timezone("UTC", expression) if kind.zoned else expression
            return func.replace(
                func.to_char(moment, 'YYYY-MM-DD"T"HH24:MI:SS.US'), ".000000", ""
            ).concat("Z")
        return expression

    def existing_columns(self, db: Connection) -> dict[str, set[str]]:
        # information_schema hides what this user may not touch
        sql = (
            "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            f"WHERE {_IS_TABLE} AND a.attnum > 0 AND NOT a.attisdropped"
        )
        found: dict[str, set[str]] = {}
        for table, column in self.fetch(db, sql):
            found.setdefault(table, set()).add(column)
        if not found:
            refuse_closed_schemas(self, db)
        return found

    def has_triggers(self, db: Connection, table: Table) -> bool:
        sql = (
            "SELECT 1 FROM pg_class c WHERE c.oid = %s::regclass AND (c.relhasrules OR EXISTS ("
            "SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal))"
        )
        return bool(self.fetch(db, sql, (self.format_table(table),)))

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
        some = f"{where + ' AND' if where else 'WHERE'} ({doubt})"
        if doubt and self.fetch(db, f"SELECT 1 FROM {source} {some} LIMIT 1"):
            count = self.scalar(db, f"SELECT count(*) FROM {source} {where}")
            yield JsonPage(count, None, LOWEST, HIGHEST)
            return
        # compiling these queries costs more than it gains
        db.exec_driver_sql("SET LOCAL jit = off")
        columns = ", ".join(f"{sql} AS {self.quote(name)}" for name, sql in fields.items())
        # quote and delimiter are characters JSON text cannot hold, so the lines arrive as they are
        sql = (
            f"COPY (SELECT row_to_json(r) FROM "
            f"(SELECT {columns} FROM {source} {where} ORDER BY {order}) r) "
            "TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
        )
        lines: list[bytes] = []
        with raised(db, sql), self._cursor(db).copy(_alone(sql)) as copy:
            for line in copy:
                lines.append(bytes(line))
                if len(lines) == page:
                    yield _page(lines)
                    lines = []
        if lines:
            yield _page(lines)

    @staticmethod
    def _cursor(db: Connection) -> Any:
        return db.connection.driver_connection.cursor()  # type: ignore[union-attr]

    def joined_keys(
        self, columns: Sequence[str], table: str, types: Sequence[str], by: Sequence[str] = ()
    ) -> str:
        # one JSON text: the driver looks at every element of an array on its own
        if len(columns) == 1:
            keys = "json_array_elements_text(%s::json) AS k(k0)"
            return f"{keys} JOIN {table} t ON {_is_key(columns[0], 'k.k0', types[0])}"
        on = " AND ".join(
            _is_key(column, f"(k.k0 ->> {place})", types[place])
            for place, column in enumerate(columns)
        )
        return f"json_array_elements(%s::json) AS k(k0) JOIN {table} t ON {on}"

    def insert(
        self,
        db: Connection,
        table: Table,
        columns: Sequence[str],
        kinds: Sequence[values.Kind],
        rows: Sequence[tuple[Any, ...]],
    ) -> int:
        if not rows:
            return 0
        names, target = ", ".join(map(self.quote, columns)), self.format_table(table)
        if not takes_copies(self, db, target):
            return self.insert_each(db, table, columns, kinds, rows)
        sql = f"COPY {target} ({names}) FROM STDIN"
        cursor = self._cursor(db)
        with raised(db, sql), cursor.copy(_alone(sql)) as copy:
            for row in rows:
                copy.write_row(row)
        return int(cursor.rowcount)

    def insert_made(self, table: Table) -> Insert:
        # what a file says of a column that is GENERATED ALWAYS counts
        always = [c for c in table.columns if c.identity is not None and c.identity.always]
        return _Overriding(table) if always else super().insert_made(table)

    def insert_each(
        self,
        db: Connection,
        table: Table,
        columns: Sequence[str],
        kinds: Sequence[values.Kind],
        rows: Sequence[tuple[Any, ...]],
    ) -> int:
        """Insert rows without COPY."""
        names, marks = ", ".join(map(self.quote, columns)), ", ".join(map(self.write, kinds))
        target = self.format_table(table)
        sql = f"INSERT INTO {target} ({names}) OVERRIDING SYSTEM VALUE VALUES ({marks})"
        return self.executemany(db, sql, rows)

    def next_id(self, db: Connection, table: Table, primary: str) -> int:
        sql = f"SELECT max({self.quote(primary)}) FROM {self.format_table(table)}"
        highest = self.scalar(db, sql) or 0
        sequence = sequence_of(self, db, table, primary)
        following = next_number(self, db, sequence) if sequence else 1
        return max(highest + 1, following, 1)

    def kept_ids(self, db: Connection, table: Table, primary: str) -> int:
        sequence = sequence_of(self, db, table, primary)
        if sequence is None or may_advance(self, db, sequence):
            return HIGHEST
        return next_number(self, db, sequence) - 1

    def draw_ids(self, db: Connection, table: Table, primary: str, count: int) -> Sequence[int]:
        sequence = sequence_of(self, db, table, primary)
        if sequence is None:
            return super().draw_ids(db, table, primary, count)
        return drawn(self, db, sequence, self.format_table(table), self.quote(primary), count)

    def hold_sequences(self, db: Connection, table: Table, columns: Iterable[str]) -> None:
        for column in columns:
            sequence = sequence_of(self, db, table, column)
            if sequence is not None:
                hold(self, db, sequence)

    def advance_ids(self, db: Connection, table: Table, primary: str) -> None:
        sequence = sequence_of(self, db, table, primary)
        if sequence and may_advance(self, db, sequence):
            restart(db, sequence, self.next_id(db, table, primary))

    def fate(self, db: Connection) -> Callable[[Connection], bool | None] | None:
        return fate_of(self, db)

    def limit_waiting(self, db: Connection, seconds: float) -> None:
        locks.limit_waiting(self, db, seconds)

    def lock(self, db: Connection, tables: Sequence[Table]) -> None:
        locks.lock(self, db, lockable(self, db, list(map(self.format_table, tables))))

    def keep_makers_off(self, db: Connection) -> None:
        locks.keep_makers_off(self, db)

    def bytes_of(self, db: Connection, tables: Sequence[Table]) -> int | None:
        sql = "SELECT sum(pg_total_relation_size(n::regclass))::bigint FROM unnest(%s::text[]) n"
        return int(self.scalar(db, sql, (list(map(self.format_table, tables)),)) or 0)

    def hiding_tables(self, db: Connection, tables: Sequence[Table]) -> list[Table]:
        named = {self.format_table(table): table for table in tables}
        return [named[name] for name in hiding_tables(self, db, list(named))]

    @contextmanager
    def only_reading(self, db: Connection) -> Iterator[None]:
        db.exec_driver_sql("SET TRANSACTION READ ONLY")
        yield

    @contextmanager
    def seeing_all(self, db: Connection) -> Iterator[None]:
        with without_policies(self, db):
            yield

    @contextmanager
    def loading(
        self, db: Connection, table: Table, distinct: Collection[Key]
    ) -> Iterator[Callable[[], None]]:
        name = self.format_table(table)
        targets = [key.target_fullname.split(".")[:-1] for key in table.foreign_keys]
        referred = [".".join(map(self.quote, target)) for target in targets]
        names = list(dict.fromkeys([name, *referred]))
        if not may_rebuild(self, db, names) or not locks.tried(
            db, f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE NOWAIT"
        ):
            # somebody reads: an index that stays costs less than waiting, and cannot end in a
            # deadlock
            yield lambda: None
            return
        name = name.replace("%", "%%")  # which the driver takes for the place of a value
        keys = [
            (key, sql)
            for key, sql in foreign_keys_of_postgresql(self, db, table)
            if drops(db, f"ALTER TABLE {name} DROP CONSTRAINT {key}")
        ]
        postponed = PostponedIndexes(db, [*indexes_of_postgresql(self, db, table)], distinct)
        yield postponed.build_unique
        postponed.build()
        for key, sql in keys:
            db.exec_driver_sql(f"ALTER TABLE {name} ADD CONSTRAINT {key} {sql}")


class _Overriding(Insert):
    """An INSERT that gives generated columns the values it is given."""

    inherit_cache = True


@compiles(_Overriding)
def _overriding(element: Any, compiler: Any, **options: Any) -> str:
    sql = str(compiler.visit_insert(element, **options))
    return sql.replace(") VALUES (", ") OVERRIDING SYSTEM VALUE VALUES (", 1)


def _is_key(column: str, key: str, type_: str) -> str:
    return f"t.{column} = {key}::{type_}" if type_ else f"t.{column}::text = {key}"


_cursors = itertools.count(1)


def _alone(sql: str) -> str:
    """Return a statement as one without parameters has it, of which the driver leaves each %."""
    return sql.replace("%%", "%")


_IS_TABLE = (
    "c.relkind IN ('r', 'p', 'v', 'f') "
    "AND c.relnamespace = ANY(current_schemas(false)::regnamespace[])"
)


def _page(lines: list[bytes]) -> JsonPage:
    return JsonPage(len(lines), b"".join(lines)[:-1].replace(b"\n", b",\n"), LOWEST, HIGHEST)
