"""One example for each command, as the reference shows it.

Those that are cheap are run by the tests, in the order of the page, in a folder with the sample
bakery. The text may have several lines; a comment after a line says what it does.
"""

from __future__ import annotations

FLOUR = "king_arthur_unbleached_all_purpose_flour_25lb"

EXAMPLES: dict[str, str] = {
    "aliases": "bakeio aliases",
    "confirm": "bakeio confirm   # what an assistant gave and nobody has confirmed",
    "doctor": "bakeio doctor",
    "entities": "bakeio entities",
    "export-complete": "bakeio export-complete --output backup --zip",
    "export-view": "bakeio export-view products --missing upc_code --output products.json",
    "help": "bakeio help bad-value\nbakeio help import-view",
    "import": "bakeio import products.json --dry-run\nbakeio import products.json",
    "import-complete": "bakeio --database copy.db import-complete backup",
    "import-view": "bakeio import-view products.json --report changes.html --dry-run",
    "init": "bakeio --database new.db init",
    "journal": "bakeio journal\nbakeio journal prune --keep-days 365",
    "new-plugin": "bakeio new-plugin ovens --entity --view",
    "plugins": "bakeio plugins",
    "runs": "bakeio --database copy.db runs",
    "schema": "bakeio schema products",
    "suggest": 'bakeio suggest suppliers "Wegman\'s"',
    "template": "bakeio template receipt --output receipt.json",
    "tickets": "bakeio tickets",
    "undo": "bakeio --database copy.db undo --yes",
    "upgrade": "bakeio upgrade",
    "validate-export": "bakeio validate-export backup",
    "views": "bakeio views",
    "why": f"bakeio why products {FLOUR} notes",
}
"""{command: lines that work after those of the commands before it}."""

SHOWN: dict[str, str] = {
    "approve": "bakeio approve   # which plans of an assistant wait",
    "convert": "bakeio convert backup.zip --output backup_as_set   # backup.zip of another program",
    "demo": "bakeio demo",
    "desktop": "bakeio desktop receipt.json",
    "mcp": "bakeio mcp --write --hide suppliers.notes",
}
"""{command: lines that the tests do not run}.

They take long, or need a file of another program, a screen or an assistant.
"""
