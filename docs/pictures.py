"""Make the pictures of terminals and spreadsheets that the guides show: `make screenshots`.

    python docs/pictures.py [NAME]...

A picture of a terminal is what commands really print in a new folder with a sample bakery, drawn as
SVG. A picture of a spreadsheet is a workbook that bakeio wrote, printed by LibreOffice (`soffice`,
`pdftoppm` and `convert` of the system).
"""

from __future__ import annotations

import html
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

IMAGES = Path(__file__).resolve().parent / "images"
COLUMNS = 92
NO_BREAK = "\u00a0"
"""A space that no reader of SVG leaves out beside another one."""
SAMPLE = "init --sample"
ORDER = """Item,Barcode,Order date,Price each,Qty
Flour,11580737,11/30/2026,$4.99,2
Cake flour,13419639,11/30/2026,$3.10,1
"""

TERMINALS: dict[str, list[str]] = {
    "terminal-demo": ["demo"],
    "terminal-template": ["template receipt"],
    "terminal-suggest": ['suggest suppliers "Wegman\'s"', "suggest products 'cake flour'"],
    "terminal-assistant": [
        "export-view products --for assistant --missing upc_code --limit 5 --output -"
    ],
    "terminal-strange-sheet": ["import order.csv --no-input"],
    "terminal-new-plugin": ["new-plugin ovens --entity --view"],
}
"""{name of the picture: the commands whose output it shows}."""
COSTS = "name,category,yield_quantity,yield_unit,cost_per_batch,cost_per_unit,cost_gaps"
EDITED = (
    "ingredient_name,brand,product_name,package_size,package_unit,upc_code,preferred_supplier_name"
)
SHEETS: dict[str, tuple[str, str, int]] = {
    "sheet-products": ("products", EDITED, 14),
    "recipes-costs": ("recipe_costs", COSTS, 14),
}
"""{name of the picture: view, its fields, number of rows}."""


def bakeio(home: Path, words: str) -> str:
    """Run a command in a folder; return all it printed."""
    command = f"{sys.executable} -m bakeio_core {words}"
    done = subprocess.run(
        command,
        shell=True,
        cwd=home,
        env={**os.environ, "BAKEIO_DATA": str(home / "data")},  # for the tickets
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout


def terminal(name: str, home: Path) -> None:
    """Draw what the commands of a picture print."""
    lines: list[str] = []
    for words in TERMINALS[name]:
        lines += [*([""] if lines else []), f"$ bakeio {words}"]
        for line in bakeio(home, words).replace(f"{home}/", "").splitlines():
            lines += textwrap.wrap(line, COLUMNS, drop_whitespace=False) or [""]
    width, height = COLUMNS * 8.5 + 32, len(lines) * 19 + 32
    texts = [
        f'<text x="16" y="{32 + 19 * place}"{_weight(line)}>{_escaped(line)}</text>'
        for place, line in enumerate(lines)
        if line.strip()
    ]
    title = html.escape("; ".join(f"bakeio {words}" for words in TERMINALS[name]))
    svg = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" role="img" '
        'aria-labelledby="t" font-family="ui-monospace, DejaVu Sans Mono, monospace" '
        'font-size="14">',
        f'<title id="t">In a terminal: {title}</title>',
        f'<rect width="{width:g}" height="{height}" rx="8" fill="#2b2422"/>',
        '<g fill="#f5ede6">',
        *texts,
        "</g></svg>\n",
    ]
    (IMAGES / f"{name}.svg").write_text("\n".join(svg), "utf-8", newline="\n")


def _escaped(line: str) -> str:
    return html.escape(line).replace(" ", NO_BREAK)


def _weight(line: str) -> str:
    return ' font-weight="bold" fill="#ffcc80"' if line.startswith("$ ") else ""


def sheet(name: str, home: Path) -> None:
    """Print the sheet of a view as a picture."""
    import openpyxl
    from openpyxl.worksheet.properties import PageSetupProperties

    view, fields, rows = SHEETS[name]
    path = home / f"{name}.xlsx"
    print(bakeio(home, f"export-view {view} --fields {fields} --limit {rows} -o {path.name}"))
    book = openpyxl.load_workbook(path)
    for title in book.sheetnames:
        if title != view:
            del book[title]
    shown = book[view]
    shown.page_setup.orientation = "landscape"
    shown.page_setup.fitToWidth, shown.page_setup.fitToHeight = 1, 0
    shown.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    shown.print_options.gridLines = shown.print_options.headings = True
    book.save(path)
    for command in (
        ["soffice", "--headless", "--convert-to", "pdf", path.name],
        ["pdftoppm", "-r", "150", "-png", "-singlefile", f"{name}.pdf", name],
        ["convert", f"{name}.png", "-trim", "+repage", "-resize", "1200x", "-strip",
         "-colors", "64", str(IMAGES / f"{name}.png")],
    ):  # fmt: skip
        subprocess.run(command, cwd=home, check=True, stdout=subprocess.DEVNULL)


def main(names: list[str]) -> None:
    """Make the pictures that were asked for, else all of them."""
    home = Path(tempfile.mkdtemp())
    bakeio(home, SAMPLE)
    (home / "order.csv").write_text(ORDER, "utf-8")
    for name in names or [*TERMINALS, *SHEETS]:
        (terminal if name in TERMINALS else sheet)(name, home)
        print(f"made {name}")
    shutil.rmtree(home)


if __name__ == "__main__":
    main(sys.argv[1:])
