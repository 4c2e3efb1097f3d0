"""How many tokens rows cost on their way to an assistant and back.

    python benchmarks/tokens.py [--products 81 1000 10000]

Counted by the tables o200k_base of the package rs-bpe (`pip install "bakeio[assistant]"`). What is
asked for is the barcode of every product. `signs` is what a row, or a value that comes back, costs
besides the texts and numbers in it: brackets, quotes, commas and the name of the row.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import generate

from bakeio_core.exporting.assistant.tokens import count_tokens

LIMIT = 20_000
CODE = "041570110348"
COLUMNS = (
    "products", "view file", "a record", "to the assistant", "a row", "signs", "answer", "a value",
    "signs", f"files of {LIMIT:,}", "largest", "shown",
)  # fmt: skip


def bakeio(database: Path, *words: object) -> str:
    command = [sys.executable, "-m", "bakeio_core", "-d", str(database), *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def values_of(cells: list[Any]) -> int:
    """The tokens of values alone, without their quotes."""
    return sum(count_tokens(cell if isinstance(cell, str) else json.dumps(cell)) for cell in cells)


def measured(database: Path, folder: Path, columns: tuple[str, ...]) -> list[str]:
    view, lean = folder / "view.json", folder / "lean.json"
    bakeio(database, "export-view", "products", "-o", view, "--force")
    whole = view.read_text("utf-8")
    records = len(json.loads(whole)["records"])
    words = ("export-view", "products", "--for", "assistant", "--fill", "upc_code")
    bakeio(database, *words, *columns, "-o", lean)
    text = lean.read_text("utf-8")
    given = json.loads(text)
    rows = [line for line in text.splitlines() if line.startswith('"') and '":[' in line]
    of_rows = sum(count_tokens(line + "\n") for line in rows)
    signs = of_rows - sum(values_of(cells) for cells in given["rows"].values())
    pairs = [[row, CODE] for row in given["rows"]]
    answer = json.dumps({"ticket": given["ticket"], "set": {"upc_code": pairs}})
    answer = answer.replace(", ", ",").replace(": ", ":")
    of_answer = count_tokens(answer)
    per_value = of_answer / len(pairs)
    cut = json.loads(
        bakeio(database, *words, *columns, "--max-tokens", LIMIT, "-o", folder / "p.json", "--json")
    )
    sizes = [count_tokens(Path(one["file"]).read_text("utf-8")) for one in cut["files"]]
    return [
        f"{records:,}",
        f"{count_tokens(whole):,}",
        f"{count_tokens(whole) / records:.0f}",
        f"{count_tokens(text):,}",
        f"{of_rows / len(rows):.1f}",
        f"{signs / len(rows):.2f}",
        f"{of_answer:,}",
        f"{per_value:.1f}",
        f"{per_value - count_tokens(CODE):.2f}",
        str(len(sizes)),
        f"{max(sizes):,}",
    ]


SHOWN = {
    "label": (),
    "four fields": ("--fields", "brand,product_name,package_size,package_unit"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--products", type=int, nargs="+", default=[81, 1000, 10_000])
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    for count in parser.parse_args().products:
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home)
            database = folder / "bakery.db"
            if count == 81:
                bakeio(database, "init", "--sample")
            else:
                generate.make(count * 5, folder / "made")
                bakeio(database, "import-complete", folder / "made" / "set")
            for shown, columns in SHOWN.items():
                cells = [*measured(database, folder, columns), shown]
                print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
