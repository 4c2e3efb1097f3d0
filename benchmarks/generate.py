"""A deterministic bakery, and the means to see whether a job's result is right.

generate.py make N OUT
    N purchases -> OUT/full.db, empty.db, set/, view.json, edited.json, expected.json, nothing/ (an
    empty one)
generate.py digest KIND WHERE
    KIND is sqlite, merged, postgresql, set, view: {table: [rows, SHA-256 over all of them]}
generate.py sql URL STATEMENT...
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import floor
from floor_tables import COLUMNS, DATABASE_ID, INSTANTS, NUMBERS, VIEW

VERSION = 1  # raise when the data change: run.py then makes them anew
INGREDIENTS = [
    "All-Purpose Flour", "Crème Fraîche", "Jalapeño Powder", "Açaí Purée", "Weißmehl Type 405",
    "抹茶粉", "Мука ржаная", "شهد", "Cocoa Powder 22/24", "Butter 82%", 'Almond "Marcona"',
    "Pão de Queijo Mix", "Świeże Drożdże", "Çikolata", "Smör", "Sea Salt",
]  # fmt: skip
CATEGORIES = [
    "Flours & Starches",
    "Dairy & Eggs",
    "Spices & Extracts",
    "Nuts & Seeds",
    "Fats & Oils",
    "Misc Ingredients",
]
BRANDS = [
    "King Arthur",
    "Bob's Red Mill",
    "Valrhona",
    "Müller's Mühle",
    "Señor Dulce",
    "Łaciate",
    "森永",
    "Простоквашино",
    "C&H",
]
SHOPS = [
    "Costco",
    "Wilson's Farm",
    "Bäckerei Großhandel",
    "Épicerie Générale",
    "富士食品",
    "Öko-Mühle",
]
CITIES = ["Waltham", "Köln", "Malmö", "São Paulo", "Kraków", "大阪", None]
UNITS = [("lb", 5), ("kg", 1), ("oz", 16), ("g", 500), ("ml", 250), ("each", 12), ("lb", 25)]
SHELVES = ["Pantry Shelf 1", "Walk-in", "Freezer №3", "Keller", None]
NOTES = [None] * 5 + [
    "bulk order",
    '"special" price',
    "Angebot — gültig bis Ende Monat",
    "line 1\nline 2\tTab",
    "päron & äpple 🍎",
]
Row = tuple[Any, ...]


def barcode(digits: str) -> str:
    """Return a UPC-A: eleven digits and the check digit."""
    return digits + str(-(3 * sum(map(int, digits[::2])) + sum(map(int, digits[1::2]))) % 10)


class Bakery:
    """The rows of every table, in the order of its columns.

    Ids step by three: an import that made its own would differ.
    """

    def __init__(self, n: int) -> None:
        self.random = random.Random(20251224)
        self.purchase_count = n
        self.supplier_count, self.ingredient_count, self.product_count = (
            max(5, n // 200),
            max(40, n // 50),
            max(80, n // 5),
        )

    def row(self, first: int, place: int, *values: Any) -> Row:
        created = datetime(2023, 1, 1) + timedelta(seconds=self.random.randrange(86400 * 700))
        updated = created + timedelta(seconds=self.random.randrange(86400 * 30))
        stamps = [f"{moment:%Y-%m-%d %H:%M:%S}.000000" for moment in (created, updated)]
        return (
            first + 3 * place,
            str(UUID(int=self.random.getrandbits(128), version=4)),
            *values,
            self.random.choice(NOTES),
            *stamps,
        )

    def suppliers(self) -> Iterator[Row]:
        r = self.random
        for i in range(self.supplier_count):
            city, state = r.choice(CITIES), r.choice(["MA", "NH", None])
            yield self.row(
                1000,
                i,
                f"supplier_{i}",
                f"{SHOPS[i % len(SHOPS)]} #{i}",
                city,
                state,
                f"{r.randrange(100000):05d}",
            )

    def ingredients(self) -> Iterator[Row]:
        for i in range(self.ingredient_count):
            name = f"{INGREDIENTS[i % len(INGREDIENTS)]} {i}"
            yield self.row(5000, i, f"ingredient_{i}", name, CATEGORIES[i % len(CATEGORIES)])

    def products(self) -> Iterator[Row]:
        r = self.random
        for i in range(self.product_count):
            of, (unit, size), brand = (
                r.randrange(self.ingredient_count),
                r.choice(UNITS),
                r.choice(BRANDS),
            )
            package = size * r.choice([1, 1, 0.5, 2.25])
            name = f"{brand} {INGREDIENTS[of % len(INGREDIENTS)]} ({i})"
            upc = barcode(f"{r.randrange(10**11):011d}") if r.random() > 0.3 else None
            supplier = 1000 + 3 * r.randrange(self.supplier_count) if r.random() > 0.15 else None
            hidden = int(r.random() < 0.03)
            yield self.row(
                20_000,
                i,
                f"product_{of}_{unit}_{i}",
                5000 + 3 * of,
                brand,
                name,
                package,
                unit,
                package,
                upc,
                supplier,
                hidden,
            )

    def purchases(self) -> Iterator[Row]:
        r, self.bought = self.random, list[tuple[int, str]]()
        for i in range(self.purchase_count):
            product, supplier = (
                20_000 + 3 * r.randrange(self.product_count),
                1000 + 3 * r.randrange(self.supplier_count),
            )
            day = str(
                (datetime(2023, 1, 1) + timedelta(days=i * 700 // self.purchase_count)).date()
            )
            scale = r.choice([100, 100, 100, 1000, 10_000])  # prices with up to four decimals
            self.bought.append((product, day))
            yield self.row(
                500_000,
                i,
                product,
                supplier,
                day,
                r.randrange(scale // 2, 120 * scale) / scale,
                r.randrange(1, 20),
            )

    def inventory_items(self) -> Iterator[Row]:
        r = self.random
        for i, (product, day) in enumerate(
            self.bought[::2]
        ):  # every second purchase left something on the shelf
            purchase, quantity = (
                500_000 + 6 * i if r.random() > 0.05 else None,
                r.randrange(1, 80_000) / 1000,
            )
            yield self.row(
                9_000_000,
                i,
                product,
                purchase,
                quantity,
                day if r.random() > 0.02 else None,
                r.choice(SHELVES),
            )


def make(n: int, out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    full, bakery = out / "full.db", Bakery(n)
    subprocess.run(
        [sys.executable, "-m", "bakeio_core", "-d", str(out / "empty.db"), "init"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    shutil.copyfile(out / "empty.db", full)
    with closing(sqlite3.connect(full)) as db:
        for entity, columns in COLUMNS.items():
            marks = ", ".join("?" * len(columns))
            db.executemany(
                f"INSERT INTO {entity} ({', '.join(columns)}) VALUES ({marks})",
                getattr(bakery, entity)(),
            )
        db.execute("UPDATE bakeio_meta SET value = ? WHERE key = 'database_id'", (DATABASE_ID,))
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    nothing = out / "nothing"
    nothing.mkdir()
    floor.export_set(str(out / "empty.db"), str(nothing / "set"))
    floor.export_view(str(out / "empty.db"), str(nothing / "edited.json"))
    floor.export_set(str(full), str(out / "set"))
    floor.export_view(str(full), str(out / "view.json"))
    shutil.copyfile(full, out / "merged.db")
    edit(out / "view.json", out / "edited.json", out / "merged.db")
    found = {
        "full": digest_sqlite(full),
        "merged": digest_merged(out / "merged.db"),
        "view": digest_view(out / "view.json"),
    }
    for left in out.glob("merged.db*"):
        left.unlink()
    (out / "expected.json").write_text(json.dumps({"version": VERSION, "n": n, **found}))


def edit(view: Path, edited: Path, merged: Path) -> None:
    """Change one field of every fifth record of the view, and the same by SQL in a database."""
    lines, number = view.read_text("utf-8").split("\n"), 0
    values: list[Callable[[int], tuple[str, Any]]] = [
        lambda k: ("upc_code", barcode(f"9{k:010d}")), lambda k: ("notes", f"geprüft {k} ✓"),
        lambda k: ("brand", f"Neue Marke {k}"), lambda k: ("package_size", 1000.5 + k),
    ]  # fmt: skip
    with closing(sqlite3.connect(merged)) as db:
        for place, line in enumerate(lines):
            if line.startswith('{"'):
                number += 1
                if number % 5 == 0:
                    record = json.loads(line.rstrip(","))
                    name, value = values[number // 5 % 4](number)
                    lines[place] = json.dumps(
                        record | {name: value}, ensure_ascii=False, separators=(",", ":")
                    ) + "," * line.endswith(",")
                    db.execute(
                        f"UPDATE products SET {name} = ? WHERE slug = ?",
                        (value, record["product_slug"]),
                    )
        db.commit()
    edited.write_text("\n".join(lines), "utf-8")


# -- digest
def clean(name: str, value: Any) -> Any:
    """Return a value in the one spelling that is compared, whatever it came from."""
    if value is None:
        return None
    if name in INSTANTS:
        return str(value)[:19].replace("T", " ")
    if name == "is_hidden":
        return bool(value)
    return float(value) if name in NUMBERS else str(value)


def digest(names: list[str], rows: Iterable[Iterable[Any]]) -> list[Any]:
    """Return the number of rows and a hash over all of them, in their order."""
    sha, count = hashlib.sha256(), 0
    for row in rows:
        count += 1
        sha.update(
            repr([clean(name, value) for name, value in zip(names, row, strict=True)]).encode()
        )
    return [count, sha.hexdigest()]


def compared(entity: str) -> dict[str, str]:
    """Return {field: SQL} of what is compared: all of a row, and the keys of its parents."""
    return floor.selected(entity)[0]


def query(entity: str) -> str:
    columns = ", ".join(compared(entity).values())
    return f"SELECT {columns} FROM {floor.selected(entity)[1]} ORDER BY t.id"


def digest_merged(path: Path) -> dict[str, Any]:
    """The same, but for `updated_at` of the products: a merge makes its own."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE products SET updated_at = '-'")
        db.commit()
    return digest_sqlite(path)


def digest_sqlite(path: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(path)) as db:
        if (
            db.execute("PRAGMA foreign_key_check").fetchone()
            or db.execute("PRAGMA integrity_check").fetchone()[0] != "ok"
        ):
            raise SystemExit(f"{path}: the database is damaged")
        return {
            entity: digest(list(compared(entity)), db.execute(query(entity))) for entity in COLUMNS
        }


def digest_postgresql(url: str) -> dict[str, Any]:
    import psycopg

    with psycopg.connect(url) as db:
        db.execute("SET TimeZone = 'UTC'")
        out = {}
        for entity in COLUMNS:
            with db.cursor(entity) as cursor:
                cursor.itersize = 5000
                out[entity] = digest(list(compared(entity)), cursor.execute(query(entity)))
        return out


def records(path: Path) -> Iterator[dict[str, Any]]:
    """Give the records of a document that has one a line."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.startswith('{"'):
                yield json.loads(line.rstrip(",\n"))


def digest_set(folder: Path) -> dict[str, Any]:
    out = {}
    for listed in json.loads((folder / "manifest.json").read_bytes())["files"]:
        path, entity = folder / listed["filename"], listed["entity_type"]
        with path.open("rb") as file:
            sha = hashlib.sha256()
            while block := file.read(1 << 20):
                sha.update(block)
        names = list(compared(entity))
        out[entity] = digest(names, ([record[name] for name in names] for record in records(path)))
        if (sha.hexdigest(), out[entity][0]) != (listed["checksum_sha256"], listed["record_count"]):
            raise SystemExit(f"{path}: not what its manifest says")
    return out


def digest_view(path: Path) -> dict[str, Any]:
    names, numbers = (
        list(VIEW),
        {"last_purchase_price", "current_inventory_qty", "package_size", "package_unit_quantity"},
    )
    rows = (
        [float(r[name]) if name in numbers and r[name] is not None else r[name] for name in names]
        for r in records(path)
    )
    return {"view": digest(["uuid"] * len(names), rows)}


def sql(url: str, *statements: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as db:
        for statement in statements:
            db.execute(statement)


def main(task: str, *words: str) -> None:
    if task == "make":
        make(int(words[0]), Path(words[1]))
    elif task == "sql":
        sql(*words)
    elif words[0] == "postgresql":
        print(json.dumps(digest_postgresql(words[1])))
    else:
        kinds = {
            "sqlite": digest_sqlite,
            "merged": digest_merged,
            "set": digest_set,
            "view": digest_view,
        }
        print(json.dumps(kinds[words[0]](Path(words[1]))))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
