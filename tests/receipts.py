"""The story of the receipts: purchases from four shops, one of them new, and a terminal on which somebody answers."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import select
import signal
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from conftest import TABLES, Ran, rows_of

FLOUR = "king_arthur_unbleached_all_purpose_flour_5lb"
CIDER, SUMAC = "wilsons_farm_apple_cider_64oz", "wilsons_farm_ground_sumac_4oz"
FARM = "Wilson's Farm"
SHOPS = {"Costco": 5, "Wegmans": 3, "Penzeys Spices": 2, FARM: 12}
DECIDED = [
    {"entity": "suppliers", "key": {"name": FARM}, "action": "create", "values": {"name": FARM, "city": "Lincoln", "state": "MA"}},
    {"entity": "products", "key": {"slug": CIDER}, "action": "create",
     "values": {"slug": CIDER, "ingredient_id.slug": "apple_cider", "brand": FARM, "product_name": "Apple Cider", "package_size": 64,
                "package_unit": "oz", "package_unit_quantity": 64}},
    {"entity": "products", "key": {"slug": SUMAC}, "action": "create",
     "values": {"slug": SUMAC, "ingredient_id.display_name": "Sumac", "package_unit": "oz", "package_unit_quantity": 4}},
    {"entity": "ingredients", "key": {"display_name": "Sumac"}, "action": "create",
     "values": {"display_name": "Sumac", "category": "Spices & Extracts"}},
]  # fmt: skip
"""The decisions of the story, as a file holds them."""


def purchase(supplier: str, day: int = 1, product: str = FLOUR, **more: Any) -> dict[str, Any]:
    """A new purchase as a view holds it."""
    return {"product_slug": product, **more, "supplier_name": supplier, "purchase_date": f"2025-12-{day:02d}", "unit_price": 6.5 + day,
            "quantity_purchased": 1}  # fmt: skip


def view_of(path: Path, records: Iterable[dict[str, Any]], **header: Any) -> Path:
    """Write a purchases view."""
    path.write_text(json.dumps({"view_name": "purchases_complete", **header, "records": list(records)}), "utf-8")
    return path


def receipts(path: Path) -> Path:
    """Write the receipts: 24 purchases, 14 of them from a farm nobody knows, with two unknown products, one of an unknown ingredient."""
    known = [purchase(shop, day) for shop, count in SHOPS.items() for day in range(1, count + 1)]
    new = [purchase(FARM, 20, CIDER, ingredient_name="Apple Cider"), purchase(FARM, 21, SUMAC, ingredient_name="Sumac")]
    return view_of(path, [*known, *new])


def decisions(path: Path, entries: object) -> Path:
    """Write a decisions file."""
    path.write_text(json.dumps(entries), "utf-8")
    return path


def contents(url: str | Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of a database without what differs each time: uuid and stamps."""
    out = {}
    for table, rows in rows_of(url).items():
        kept = [place for place, column in enumerate(TABLES[table].split()) if column not in ("uuid", "created_at", "updated_at")]
        out[table] = [tuple(row[place] for place in kept) for row in rows]
    return out


def hash_of(url: str | Path) -> str:
    """One number for all rows and columns of a database."""
    return hashlib.sha256(repr(rows_of(url)).encode()).hexdigest()


def execute(url: str, sql: str) -> None:
    """Run a statement as another program would, without waiting for anybody."""
    if url.startswith("postgresql"):
        import psycopg

        with psycopg.connect(url, options="-c lock_timeout=500") as db:
            db.execute(sql)  # type: ignore[arg-type]
        return
    db = sqlite3.connect(url, timeout=0)
    with db:
        db.execute(sql)
    db.close()


CTRL_C = "\x03"


def on_terminal(words: Sequence[object], answers: Iterable[Any], folder: Path, stdin: Path | None = None) -> Ran:
    """Run the command line on a terminal of 80 columns; `answers` are typed at its questions, a callable is called instead.

    Where there are none left, Ctrl-C is. stdin: a file the command reads there.
    """
    arguments = [sys.executable, "-W", "ignore", "-m", "bakeio_core", *map(str, words)]
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        if stdin is not None:
            os.dup2(os.open(stdin, os.O_RDONLY), 0)
        os.execve(sys.executable, arguments, {**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"})
    told, left = b"", iter(answers)
    try:
        while True:
            if not select.select([terminal], [], [], 60)[0]:
                raise AssertionError(f"it waits for something: {told.decode()[-500:]}")
            try:
                data = os.read(terminal, 1 << 16)
            except OSError:
                break
            if not data:
                break
            told += data
            # a line may come in pieces: it is a question when nothing follows
            if told.endswith(b": ") and not select.select([terminal], [], [], 0.03)[0]:
                answer = next(left, CTRL_C)
                while callable(answer):
                    answer()
                    answer = next(left, CTRL_C)
                os.write(terminal, answer.encode() + (b"" if answer in (CTRL_C, "\x04") else b"\n"))
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        os.close(terminal)
        status = os.waitpid(child, 0)[1]
    text = re.sub(r"\r?\x1b\[K", "", told.decode("utf-8")).replace("\r\n", "\n")
    assert "Traceback" not in text, text
    return Ran(os.waitstatus_to_exitcode(status), text, "")
