"""Files as people and other programs change them: views, sets and archives."""

from __future__ import annotations

import ast
import gc
import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Records = list[dict[str, Any]]
DATA = Path(__file__).resolve().parent.parent / "data"
"""Where the tests' own files are."""
VIEWS = ("products", "purchases", "inventory")
SUPPLIERS, INGREDIENTS, PRODUCTS, PURCHASES, INVENTORY = (
    "01_suppliers.json", "02_ingredients.json", "03_products.json", "04_purchases.json",
    "05_inventory_items.json",
)  # fmt: skip
FILES = {
    "suppliers": SUPPLIERS,
    "ingredients": INGREDIENTS,
    "products": PRODUCTS,
    "purchases": PURCHASES,
    "inventory_items": INVENTORY,
}
"""The files of a set, by their entity."""


def document(path: Path) -> Any:
    """Return a file, parsed."""
    return json.loads(path.read_text("utf-8"))


# -- layouts
def indented(document: dict[str, Any]) -> str:
    """Lay a document out as an editor would."""
    return json.dumps(document, ensure_ascii=False, indent=2)


def lined(document: dict[str, Any]) -> str:
    """Lay a document out as bakeio does: one record a line."""
    head = json.dumps({**document, "records": []}, indent=2).removesuffix("[]\n}")
    records = ",\n".join(
        json.dumps(record, separators=(",", ":")) for record in document["records"]
    )
    return f"{head}[\n{records}\n  ]\n}}\n"


def behind(document: dict[str, Any]) -> dict[str, Any]:
    """Put all of a header but what tells its kind behind the records."""
    kept = ("view_name", "entity_type", "records")
    front = {name: document[name] for name in kept if name in document}
    return {**front, **{name: document[name] for name in document.keys() - kept}}


# -- edits
def edit(
    path: Path, change: Callable[[Records], object], layout: Callable[[Any], str] = indented
) -> Path:
    """Change the records of a view's file as a person would."""
    whole = document(path)
    records = change(whole["records"])
    whole["records"] = records if isinstance(records, list) else whole["records"]
    path.write_text(layout(whole), "utf-8")
    return path


def edit_set(
    folder: Path,
    file: str,
    change: Callable[[Records], object],
    *,
    signed: bool = True,
    layout: Callable[[Any], str] = indented,
) -> None:
    """Change the records of a file of a set, and the manifest with it."""
    whole = document(folder / file)
    records = change(whole["records"])
    whole["records"] = records if isinstance(records, list) else whole["records"]
    whole["record_count"] = len(whole["records"])
    (folder / file).write_text(layout(whole), "utf-8")
    if signed:
        resign(folder)


def sign(folder: Path) -> None:
    """Renew the checksums of a set, whatever its files hold, and leave the counts."""
    manifest = document(folder / "manifest.json")
    for item in manifest["files"]:
        path = folder / item["filename"]
        if path.exists():
            item["checksum_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2), "utf-8")


def resign(folder: Path) -> None:
    """Make the manifest of a set agree with its files again: checksums and counts."""
    sign(folder)
    manifest = document(folder / "manifest.json")
    for item in manifest["files"]:
        # of bytes: a file may begin with a mark of its encoding
        data = (folder / item["filename"]).read_bytes()
        item["record_count"] = len(json.loads(data)["records"])
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2), "utf-8")


# -- whole sets
def set_contents(folder: Path, *names: str) -> dict[str, bytes]:
    """The files of a set, those of the bakery where none are named, without what differs from
    export to export.
    """
    wanted = [folder / name for name in names or FILES.values()]
    changing = re.compile(rb'  "(export_id|exported_at|database_id)": [^\n]*\n')
    return {path.name: changing.sub(b"", path.read_bytes()) for path in wanted}


def zipped(
    folder: Path, path: Path, change: Callable[[zipfile.ZipInfo], object] = lambda info: None
) -> Path:
    """Zip a set; `change` may spoil what the archive says of each file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            info = zipfile.ZipInfo.from_file(file, file.name)
            info.compress_type = zipfile.ZIP_DEFLATED
            change(info)
            archive.writestr(info, file.read_bytes())
    return path


def syntax_of(path: Path) -> ast.Module:
    """Parse a file of Python.

    The collector rests meanwhile: what hypothesis has called by it confuses the count of nested
    nodes that CPython 3.11 keeps.
    """
    gc.disable()
    try:
        return ast.parse(path.read_text("utf-8"))
    finally:
        gc.enable()
