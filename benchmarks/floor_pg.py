"""The floor on PostgreSQL, see floor.py.

floor_pg.py export URL OUT
floor_pg.py import SET URL
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from floor import NAMED, compiled, counted, load, refuse_full, run, selected, write_set
from floor_tables import COLUMNS, INSTANTS, NULLABLE, NUMBERS, PAGE, PARENTS

# holds no tab, line feed or backslash
NO_TEXT = {"id", "uuid", "is_hidden", "purchase_date", "addition_date"} | NUMBERS | INSTANTS
NULL = "\\N"


def postgres(url: str) -> Any:
    import psycopg

    return psycopg.connect(url)


def postgres_pages(db: Any, entity: str) -> Iterator[bytes]:
    """Let the server make the JSON.

    The CSV quote and delimiter cannot occur in it, so the lines arrive as they are.
    """
    fields, source = selected(entity)
    values = ", ".join(f"{postgres_value(name, sql)} AS {name}" for name, sql in fields.items())
    query = f"SELECT row_to_json(r) FROM (SELECT {values} FROM {source} ORDER BY t.id) r"
    lines: list[bytes] = []
    with db.cursor().copy(
        f"COPY ({query}) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
    ) as copy:
        for line in copy:
            lines.append(line)
            if len(lines) == PAGE:
                yield b"".join(lines)[:-1].replace(b"\n", b",\n")
                lines = []
    if lines:
        yield b"".join(lines)[:-1].replace(b"\n", b",\n")


def postgres_value(name: str, sql: str) -> str:
    if name in INSTANTS:
        return f"""to_char({sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
    return f"{sql}::float8" if name in NUMBERS else sql  # 6.99, not 6.9900; exact up to 15 digits


def export_postgres(url: str, out: str) -> None:
    with postgres(url) as db:
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        db.execute("SET LOCAL jit = off")  # compiling these queries costs more than it gains
        write_set(Path(out), lambda e: counted(db, e), lambda e: postgres_pages(db, e))


def escape(text: str | None) -> str:
    """Return a value of COPY's text format."""
    if text is None:
        return NULL
    if "\\" in text or "\n" in text or "\t" in text or "\r" in text:
        return (
            text.replace("\\", "\\\\")
            .replace("\t", "\\t")
            .replace("\n", "\\n")
            .replace("\r", "\\r")
        )
    return text


def postgres_cell(entity: str, column: str) -> str:
    if (entity, column) in PARENTS:
        return f"ids_{PARENTS[entity, column][0]}[r.{NAMED[entity, column]}]"
    if column not in NO_TEXT:
        return f"escape(r.{column})"
    return f"NULL if r.{column} is None else r.{column}" if column in NULLABLE else f"r.{column}"


def import_postgres(folder: str, url: str) -> None:
    """COPY text straight into the empty tables.

    Foreign keys and indexes are made again at the end of the same transaction.
    """
    ids: dict[str, Any] = {entity: {None: NULL} for entity in COLUMNS}
    with postgres(url) as db:
        refuse_full(db)
        before, after = postgres_constraints(db)
        for statement in before:
            db.execute(statement)
        for entity, columns in COLUMNS.items():
            row = "\\t".join(f"{{{postgres_cell(entity, c)}}}" for c in columns) + "\\n"
            make = compiled(
                entity,
                [f'f"""{row}"""'],
                ids,
                "''.join([",
                " for r in records]).encode()",
                escape=escape,
                NULL=NULL,
            )
            with db.cursor().copy(f"COPY {entity} ({', '.join(columns)}) FROM STDIN") as copy:
                load(
                    Path(folder),
                    entity,
                    ids,
                    lambda records, c=copy, m=make: c.write(m(records)),  # type: ignore[misc]
                )
            db.execute(
                f"SELECT setval(pg_get_serial_sequence('{entity}', 'id'), coalesce(max(id), 1)) "
                f"FROM {entity}"
            )
        for statement in after:
            db.execute(statement)


def postgres_constraints(db: Any) -> tuple[list[str], list[str]]:
    """Return what takes indexes and foreign keys away, and what makes them again."""
    tables = list(COLUMNS)
    keys = db.execute(
        "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)",
        (tables,),
    ).fetchall()
    indexes = db.execute(
        "SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE indrelid::regclass::text = ANY(%s) AND NOT indisprimary",
        (tables,),
    ).fetchall()
    before = [f"ALTER TABLE {table} DROP CONSTRAINT {name}" for table, name, _ in keys] + [
        f"DROP INDEX {name}" for name, _ in indexes
    ]
    return before, [sql for _, sql in indexes] + [
        f"ALTER TABLE {table} ADD CONSTRAINT {name} {sql}" for table, name, sql in keys
    ]


if __name__ == "__main__":
    run({"export": export_postgres, "import": import_postgres}, __doc__)
