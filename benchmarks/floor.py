"""The floor: the least a Python program has to do for each job, done as fast as we know.

    floor.py export|view-export DATABASE OUT
    floor.py import SET DATABASE
    floor.py merge VIEW DATABASE

It has no plan, no conflicts, no messages. Still refused, with nothing written: a wrong checksum or
count, an unknown parent, a duplicate key, null where a value is required, whatever a CHECK forbids.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from floor_tables import (
    CLOSE,
    COLUMNS,
    DATABASE_ID,
    EDITABLE,
    INSTANTS,
    KEYS,
    MADE,
    NULLABLE,
    NUMBERS,
    OPEN,
    PAGE,
    PARENTS,
    VIEW,
    VIEW_FROM,
)


def connect(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "cache_size=-131072",
    ):
        db.execute(f"PRAGMA {pragma}")
    return db


# -- export
def selected(entity: str) -> tuple[dict[str, str], str]:
    """Return {field of the file: SQL} in order, and the FROM clause."""
    fields, source = {}, f"{entity} t"
    for column in COLUMNS[entity]:
        fields[column] = f"t.{column}"
        parent, lookups = PARENTS.get((entity, column), ("", {}))
        if parent:
            source += f" LEFT JOIN {parent} p_{column} ON p_{column}.id = t.{column}"
            fields |= {name: f"p_{column}.{wanted}" for name, wanted in lookups.items()}
    return fields, source


def write_document(path: Path, header: dict[str, Any], count: int, pages: Iterable[bytes]) -> str:
    """Write header and records, hashed on the way and brought to the disk; return the SHA-256."""
    sha, separator = hashlib.sha256(), b""
    with path.open("wb", buffering=0) as file:

        def write(data: bytes) -> None:
            sha.update(data)
            file.write(data)

        write(
            json.dumps({**header, **MADE, "record_count": count}, ensure_ascii=False, indent=2)[
                :-2
            ].encode()
            + b",\n"
            + OPEN
        )
        for page in pages:
            write(separator + page)
            separator = b",\n"
        write(CLOSE)
        os.fsync(file.fileno())
    return sha.hexdigest()


def write_set(
    out: Path, counted: Callable[[str], int], pages: Callable[[str], Iterable[bytes]]
) -> None:
    """Write one file per entity and the manifest into a folder that appears at the end."""
    part, listed = out.with_name(out.name + ".part"), []
    part.mkdir()
    for order, entity in enumerate(COLUMNS, 1):
        parents = {
            column: (parent, list(lookups))
            for (name, column), (parent, lookups) in PARENTS.items()
            if name == entity
        }
        links = {
            c: {"references": f"{parent}.id", "lookup_field": names[-1], "lookup_fields": names}
            for c, (parent, names) in parents.items()
        }
        schema = {
            "primary_key": "id",
            "slug_field": "slug" if "slug" in COLUMNS[entity] else None,
            "foreign_keys": links,
        }
        name, count = f"{order:02d}_{entity}.json", counted(entity)
        sha = write_document(
            part / name,
            {"file_version": "1.0", "entity_type": entity, "schema": schema},
            count,
            pages(entity),
        )
        listed.append({
            "filename": name, "entity_type": entity, "record_count": count, "checksum_sha256": sha,
            "import_order": order,
            "dependencies": sorted({parent for parent, _ in parents.values()}),
        })  # fmt: skip
    manifest = {
        "manifest_version": "1.0",
        **MADE,
        "database_id": DATABASE_ID,
        "application": "bakeio",
        "schema_version": "1.0",
    }
    with (part / "manifest.json").open("w") as file:
        json.dump({**manifest, "app_version": "0", "files": listed}, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    part.rename(out)


def sqlite_pages(
    db: sqlite3.Connection, fields: dict[str, str], source: str, order: str, where: str = "1"
) -> Iterator[bytes]:
    """SQLite makes the JSON text of whole pages; taken as BLOB nothing is decoded here."""
    pairs = ", ".join(f"'{name}', {sqlite_value(name, sql)}" for name, sql in fields.items())
    page = (
        "SELECT CAST(group_concat(record, char(44, 10)) AS BLOB), max(id) "
        f"FROM (SELECT json_object({pairs}) AS record, {order} AS id "
        f"FROM {source} WHERE {where} AND {order} > ? ORDER BY {order} LIMIT {PAGE})"
    )
    last = -1
    while True:
        text, last = db.execute(page, (last,)).fetchone()
        if text is None:
            return
        yield text


def sqlite_value(name: str, sql: str) -> str:
    if name in INSTANTS:
        return f"substr({sql}, 1, 10) || 'T' || substr({sql}, 12, 8) || 'Z'"
    return f"json(CASE {sql} WHEN 1 THEN 'true' ELSE 'false' END)" if name == "is_hidden" else sql


def export_set(database: str, out: str) -> None:
    with closing(connect(database)) as db:
        db.execute("BEGIN")  # one snapshot for all files
        write_set(
            Path(out), lambda e: counted(db, e), lambda e: sqlite_pages(db, *selected(e), "t.id")
        )


def export_view(database: str, out: str) -> None:
    header = {
        "export_type": "denormalized_view",
        "view_name": "products_complete",
        "view_version": "1.0",
        "database_id": DATABASE_ID,
        "documentation": {
            "editable_fields": EDITABLE,
            "readonly_fields": [name for name in VIEW if name not in EDITABLE],
        },
    }
    with closing(connect(database)) as db:
        db.execute("BEGIN")
        shown = "NOT p.is_hidden"
        count = counted(db, f"products p WHERE {shown}")
        write_document(
            Path(out + ".part"), header, count, sqlite_pages(db, VIEW, VIEW_FROM, "p.id", shown)
        )
    Path(out + ".part").rename(out)


def counted(db: Any, source: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {source}").fetchone()[0])


# -- import
def blocks(path: Path, sha: Any) -> Iterator[bytes]:
    """Yield JSON arrays made of whole lines of a document with one record a line.

    The whole file is read and hashed once.
    """
    data, started, ended = b"", False, False
    with path.open("rb", buffering=0) as file:
        while block := file.read(1 << 20):
            sha.update(block)
            if ended:
                continue
            data += block
            if not started:
                data, started = data[data.index(OPEN) + len(OPEN) :], True
            lines, _, data = data.rpartition(b"\n")
            # no raw line feed stands inside a JSON string: this is the end
            if (end := (b"\n" + lines).find(b"\n  ]")) >= 0:
                lines, ended = lines[: max(end - 1, 0)], True
            if lines:
                yield b"[" + lines.removesuffix(b",") + b"]"
    if not ended:
        raise SystemExit(f"{path}: cut short")


def decoder(name: str, fields: list[str]) -> Callable[[bytes], list[Any]]:
    """Decode into typed structs of the fields that are needed.

    All others are skipped without making objects.
    """
    import msgspec

    def kind(field: str) -> Any:
        plain: Any = (
            int
            if field == "id"
            else bool
            if field == "is_hidden"
            else float
            if field in NUMBERS
            else str
        )
        return plain | None if field in NULLABLE else plain

    struct = msgspec.defstruct(
        name, [(NAMED.get((name, field), field), kind(field)) for field in fields], gc=False
    )
    return msgspec.json.Decoder(list[struct]).decode  # type: ignore[valid-type]


NAMED = {
    (entity, column): next(iter(lookups)) for (entity, column), (_, lookups) in PARENTS.items()
}


def compiled(
    entity: str, expressions: list[str], ids: dict[str, Any], start: str, end: str, **names: Any
) -> Callable[[list[Any]], Any]:
    """Compile a function from records to what the database takes."""
    scope: dict[str, Any] = {f"ids_{parent}": known for parent, known in ids.items()} | names
    exec(f"def make(records):\n    return {start}{', '.join(expressions)}{end}", scope)
    return scope["make"]  # type: ignore[no-any-return]


def load(
    folder: Path, entity: str, ids: dict[str, Any], write: Callable[[list[Any]], object]
) -> None:
    """Read the file of an entity, hand its records on in blocks, remember their keys.

    By these, the records of other entities name them.
    """
    manifest = json.loads((folder / "manifest.json").read_bytes())
    listed = next(item for item in manifest["files"] if item["entity_type"] == entity)
    decode, sha, count, known = (
        decoder(entity, COLUMNS[entity]),
        hashlib.sha256(),
        0,
        ids.setdefault(entity, {}),
    )
    for block in blocks(folder / listed["filename"], sha):
        records = decode(block)
        write(records)
        count += len(records)
        if entity in KEYS:
            key = KEYS[entity]
            known.update([(getattr(record, key), record.id) for record in records])
    if (sha.hexdigest(), count) != (listed["checksum_sha256"], listed["record_count"]):
        raise SystemExit(f"{listed['filename']}: not what the manifest says")


def sqlite_cell(entity: str, column: str) -> str:
    if column in INSTANTS:
        return f"r.{column}[:10] + ' ' + r.{column}[11:19] + '.000000'"
    if (entity, column) in PARENTS:  # an unknown key raises KeyError
        value = f"r.{NAMED[entity, column]}"
        return (
            f"None if {value} is None else " if column in NULLABLE else ""
        ) + f"ids_{PARENTS[entity, column][0]}[{value}]"
    return f"r.{column}"


def import_set(folder: str, database: str) -> None:
    """Fill empty tables in one transaction, with the ids of the file.

    Indexes are dropped and built again, sorted, before the commit.
    """
    ids: dict[str, Any] = {}
    with closing(connect(database)) as db:
        db.execute("BEGIN IMMEDIATE")
        refuse_full(db)
        tables = ", ".join(f"'{entity}'" for entity in COLUMNS)
        indexes = db.execute(
            "SELECT name, sql FROM sqlite_master "
            f"WHERE type = 'index' AND sql > '' AND tbl_name IN ({tables})"
        ).fetchall()
        for name, _ in indexes:
            db.execute(f"DROP INDEX {name}")
        for entity, columns in COLUMNS.items():
            make = compiled(
                entity, [sqlite_cell(entity, c) for c in columns], ids, "[(", ") for r in records]"
            )
            marks = ", ".join("?" * len(columns))
            insert = f"INSERT INTO {entity} ({', '.join(columns)}) VALUES ({marks})"
            load(
                Path(folder),
                entity,
                ids,
                lambda records, m=make, i=insert: db.executemany(i, m(records)),
            )  # type: ignore[misc]
        for _, sql in indexes:
            db.execute(sql)
        db.execute("COMMIT")


def refuse_full(db: Any) -> None:
    for entity in COLUMNS:
        if db.execute(f"SELECT 1 FROM {entity} LIMIT 1").fetchone():
            raise SystemExit(f"{entity} is not empty")


# -- merge
def merge_view(view: str, database: str) -> None:
    """Bring the edited view into the database: rows are found by slug, only changed ones written.

    An unknown slug raises KeyError.
    """
    values, now = (
        ", ".join(f"r.{name}" for name in EDITABLE),
        time.strftime("%Y-%m-%d %H:%M:%S.000000", time.gmtime()),
    )
    with closing(connect(database)) as db:
        db.execute("BEGIN IMMEDIATE")
        rows = {
            row[-1]: row
            for row in db.execute(f"SELECT {', '.join(EDITABLE)}, id, slug FROM products")
        }
        scope: dict[str, Any] = {"rows": rows, "now": now}
        changed = (
            f"[({values}, now, row[-2]) for r in records "
            f"if (row := rows[r.product_slug])[:-2] != ({values})]"
        )
        exec(f"def changes(records):\n    return {changed}", scope)
        decode = decoder("view", ["product_slug", *EDITABLE])
        settings = ", ".join(f"{name} = ?" for name in EDITABLE)
        update = f"UPDATE products SET {settings}, updated_at = ? WHERE id = ?"
        for block in blocks(Path(view), hashlib.sha256()):
            db.executemany(update, scope["changes"](decode(block)))
        db.execute("COMMIT")


def run(jobs: dict[str, Callable[[str, str], None]], usage: str | None) -> None:
    """Do the job the command line names."""
    if len(sys.argv) != 4 or sys.argv[1] not in jobs:
        raise SystemExit(usage)
    gc.disable()  # no reference cycles are made
    jobs[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    run(
        {
            "export": export_set,
            "view-export": export_view,
            "import": import_set,
            "merge": merge_view,
        },
        __doc__,
    )
