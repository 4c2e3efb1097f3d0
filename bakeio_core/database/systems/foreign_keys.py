"""The foreign keys a database itself has: it acts on them, whatever plugins declare."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Table

Fetch = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]
"""Runs a SELECT with parameters."""
Quote = Callable[[str], str]


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key as the database has it, whoever declared its table.

    Attributes:
        table: The table that refers, as SQL names it.
        columns: The columns that refer, in the order of `target_columns`.
        target_columns: The columns they refer to.
        follows: Whether it goes with an update of those, or keeps one off; the others (ON UPDATE
            SET NULL, SET DEFAULT) lose what they refer to.
        is_readable: Whether all rows of the table can be read.
    """

    table: str
    columns: tuple[str, ...]
    target_columns: tuple[str, ...]
    follows: bool = True
    is_readable: bool = True


class ForeignKeys(ABC):
    """The foreign keys of one database.

    Args:
        fetch: Runs a SELECT.
        quote: Quotes a name.
        format_table: Names a table in SQL.
    """

    def __init__(self, fetch: Fetch, quote: Quote, format_table: Callable[[Table], str]) -> None:
        self._fetch, self._quote, self._format_table = fetch, quote, format_table

    @abstractmethod
    def stored_name(self, table: Table) -> str | None:
        """Return a table as `ForeignKey.table` names it; None where it is not there."""

    @abstractmethod
    def to(self, table: Table) -> list[ForeignKey]:
        """Return those that refer to a table, its own too."""

    def hold(self, source: str, parameters: tuple[Any, ...]) -> None:
        """Keep others from referring to rows until the transaction ends; wait for those who do.

        Args:
            source: What stands after FROM; the table is called `t`.
            parameters: Those of it.
        """


class OfSQLite(ForeignKeys):
    """Those of an SQLite file, whose rows only one transaction changes at a time."""

    def stored_name(self, table: Table) -> str | None:
        master = f"{self._quote(table.schema or 'main')}.sqlite_master"
        sql = f"SELECT name FROM {master} WHERE type = 'table' AND lower(name) = lower(?)"
        found = self._fetch(sql, (table.name,))
        return self._beside(table, found[0][0]) if found else None

    def to(self, table: Table) -> list[ForeignKey]:
        place = table.schema or "main"
        sql = "SELECT name FROM pragma_table_info(?, ?) WHERE pk ORDER BY pk"
        primary = [row[0] for row in self._fetch(sql, (table.name, place))]
        # a reference does not leave its own file
        sql = (
            'SELECT m.name, f.id, f."from", f."to", f.on_update '
            f"FROM {self._quote(place)}.sqlite_master m, pragma_foreign_key_list(m.name, ?) f "
            "WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' "
            'AND lower(f."table") = lower(?) ORDER BY m.name, f.id, f.seq'
        )
        found, keys = self._fetch(sql, (place, table.name)), []
        for (name, _), parts in groupby(found, lambda row: row[:2]):
            pairs = list(parts)
            columns, targets = [row[2] for row in pairs], [row[3] for row in pairs]
            named = tuple(primary if None in targets else targets)
            follows = pairs[0][4] not in ("SET NULL", "SET DEFAULT")
            keys.append(ForeignKey(self._beside(table, name), tuple(columns), named, follows))
        return keys

    def _beside(self, table: Table, name: str) -> str:
        """Return a table of the same file as another one, as SQL names it."""
        quoted = self._quote(name)
        return f"{self._quote(table.schema)}.{quoted}" if table.schema else quoted


_NAMES = (
    "ARRAY(SELECT a.attname::text FROM unnest({numbers}) WITH ORDINALITY k(number, place) "
    "JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = k.number ORDER BY k.place)"
)
# of partitions only the key of their whole table counts; policies may hide rows
_KEYS = (
    "SELECT c.conrelid::regclass::text, "
    f"{_NAMES.format(numbers='c.conkey', table='c.conrelid')}, "
    f"{_NAMES.format(numbers='c.confkey', table='c.confrelid')}, "
    "c.confupdtype NOT IN ('n', 'd'), "
    "has_table_privilege(r.oid, 'SELECT') "
    "AND has_schema_privilege(r.relnamespace, 'USAGE') AND NOT row_security_active(r.oid) "
    "FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid "
    "WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confrelid = to_regclass(%s) "
    "ORDER BY 1, c.conname"
)


class OfPostgreSQL(ForeignKeys):
    """Those of a PostgreSQL database, from whatever schema."""

    def stored_name(self, table: Table) -> str | None:
        found = self._fetch("SELECT to_regclass(%s)::text", (self._format_table(table),))
        return found[0][0]  # type: ignore[no-any-return]

    def to(self, table: Table) -> list[ForeignKey]:
        found = self._fetch(_KEYS, (self._format_table(table),))
        return [
            ForeignKey(name, tuple(columns), tuple(targets), follows, is_readable)
            for name, columns, targets, follows, is_readable in found
        ]

    def hold(self, source: str, parameters: tuple[Any, ...]) -> None:
        # The lock of a table lets others lock its rows, as inserting a reference does; what is
        # inserted would vanish with the row unseen.
        self._fetch(f"SELECT 1 FROM {source} FOR UPDATE OF t", parameters)
