"""Decisions as a sheet: a row for each, and in columns what an entry of the file of JSON has.

What is an object there (`key`, `target`, `values`) has a column for each of its names, `key.slug`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.plugins.formats import (
    Cell,
    CellError,
    Format,
    Sheet,
    SheetColumn,
    blamed,
)
from bakeio_core.errors import DocumentError
from bakeio_core.files.output import Sink
from bakeio_core.files.sheets.cells import guarded, unguarded
from bakeio_core.files.sheets.writing import write_sheets
from bakeio_core.values.wording import BadValue

SHEET = "decisions"
LOOKED_AT = 50
"""Rows at the top among which the headings are looked for."""
FIRST = ("question", "choose", "action", "value", "entity", "kind", "field")
"""The columns a person begins with, where there are such."""
WIDEST = 60
_OF_COLUMNS = ("key", "target", "values")
"""What has columns of the entity in it."""
RECORD = "record"
"""What names a record by its number in the file; see `importing/reading/decided_records.py`."""
_TO_READ = frozenset(["question", "choose", "candidates", "used_by", "problem", "required"])
"""What is in an entry only to be read by who decides."""
NOTES = (
    "Fill in the column action, with one of the words in choose; where that is value, fill in "
    "value too.",
    "Leave action empty where you do not know: then it is asked again.",
    "Carry it out with: bakeio import FILE --decisions and the name of this file.",
)


def write_sheet(known: Format, file: Sink, entries: Sequence[Mapping[str, Any]]) -> None:
    """Write the entries of a file of decisions as a sheet.

    Args:
        known: The format.
        file: The file.
        entries: The entries.

    Raises:
        PluginError: The format's plugin failed.
    """
    rows = [dict(_flat(entry)) for entry in entries]
    names = list(dict.fromkeys(name for row in rows for name in row))
    names = [*(n for n in FIRST if n in names), *(n for n in names if n not in FIRST)]
    for name in ("action", "entity"):
        names += [] if name in names else [name]
    columns = [
        SheetColumn(
            name,
            "readonly" if name.partition(".")[0] in _TO_READ else "editable",
            width=min(max(12, *(len(str(row.get(name, ""))) for row in rows), len(name)), WIDEST)
            if rows
            else 12,
        )
        for name in names
    ]
    cells = [guarded([_cell(row.get(name)) for row in rows]) for name in names]
    sheet = Sheet(SHEET, columns, zip(*cells, strict=True), "Answers to questions", NOTES)
    write_sheets(known, file, [sheet], "the decisions")


def read_sheet(known: Format, path: Path, catalog: Catalog) -> list[dict[str, Any]]:
    """Return the entries of a sheet of decisions.

    Args:
        known: The format.
        path: The file.
        catalog: The entities that are installed, for what their columns hold.

    Raises:
        DocumentError: It is none.
        PluginError: The format's plugin failed.
    """
    try:
        with open(path, "rb") as file:
            for table in known.read(file):
                rows = iter(table.rows)
                for _, cells in itertools.islice(rows, LOOKED_AT):
                    names = [str(cell or "").strip() for cell in cells]
                    if {"action", "entity"} <= {*names}:
                        found = [_entry(names, cells) for _, cells in rows]
                        return [_typed(entry, catalog) for entry in found if entry]
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}", code=error.code) from None
    except Exception as error:
        raise blamed(known, f"read {path.name}", error) from error
    raise DocumentError(f"{path}: no row of it has the headings action and entity of decisions")


def _flat(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield (heading, value) of an entry."""
    candidates = entry.get("candidates") or ()
    for name, value in entry.items():
        if name == "candidates":
            keys = [", ".join(map(str, one["target"].values())) for one in candidates]
            labels = [str(one.get("label", "")) for one in candidates]
            yield name, [f"{label} ({key})" for label, key in zip(labels, keys, strict=True)]
        elif name == "target" and value is None and candidates:
            yield from ((f"target.{column}", None) for column in candidates[0]["target"])
        elif isinstance(value, Mapping) and value and not any("." in inner for inner in value):
            yield from ((f"{name}.{inner}", item) for inner, item in value.items())
        else:
            yield name, value


def _cell(value: Any) -> Cell:
    """Return a value as a cell: a text that reads as another value is JSON, in quotes."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "; ".join(value)
    if value is None:
        return None
    if isinstance(value, str):
        return value if _decoded(value) is value else json.dumps(value, ensure_ascii=False)
    return msgspec.json.encode(value, enc_hook=str).decode()


def _decoded(text: str) -> Any:
    """Return what a text is as JSON, the very text where it is none."""
    if text[:1] not in '{["-0123456789tfn':
        return text
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return text


def _entry(names: Sequence[str], cells: Sequence[Any]) -> dict[str, Any]:
    """Return the entry of a row; without what is only to be read."""
    entry: dict[str, Any] = {}
    for heading, cell in zip(names, cells, strict=False):
        name, _, inner = heading.partition(".")
        if not name or cell in (None, "") or name in _TO_READ:
            continue
        if isinstance(cell, CellError):
            raise DocumentError(f"{heading} holds {cell.text}, not a value: correct the cell")
        value = _decoded(unguarded(cell)) if isinstance(cell, str) else cell
        if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
            # typed by a person it may be a code; a field of numbers takes it as text too
            value = str(cell) if name in ("value", *_OF_COLUMNS) else value
        if inner:
            entry.setdefault(name, {})[inner] = value
        else:
            entry[name] = value
    return entry


def _typed(entry: dict[str, Any], catalog: Catalog) -> dict[str, Any]:
    """Return an entry with what its columns hold: a number where one is meant."""
    entity = catalog.entities.get(str(entry.get("entity")))
    for name in _OF_COLUMNS:
        values = entry.get(name)
        if entity is None or not isinstance(values, dict):
            continue
        for column, value in list(values.items()):
            if isinstance(value, str) and column in entity.kinds:
                with suppress(BadValue):
                    values[column] = entity.kinds[column].read(value, lambda note: None)
            elif isinstance(value, str) and column == RECORD:
                values[column] = _decoded(value)
    return entry
