"""Records as a sheet has them: one row of cells each, below the names of the fields."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import openpyxl

TOLD = ("view_name", "view_version", "export_id", "database_id", "exported_at", "record_count")


def is_table(records: Sequence[Any]) -> bool:
    """Tell whether records can be rows of a sheet: each has a value, and no cell holds a list."""
    return all(
        isinstance(record, dict)
        and any(value not in (None, "") for value in record.values())
        and not any(isinstance(value, (list, dict)) for value in record.values())
        for record in records
    )


def _rows(header: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    names = list(dict.fromkeys(name for record in records for name in record))
    told = " ".join(f"{name}={header[name]}" for name in TOLD if name in header)
    return [[*names, f"_about {told}"], *([record[n] for n in names] for record in records)]


def as_csv(header: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(_rows(header, records))
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(header: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> bytes:
    book, data = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    for number, row in enumerate(_rows(header, records), 1):
        for place, value in enumerate(row, 1):
            if value != "":
                sheet.cell(number, place, value)
    book.save(data)
    return data.getvalue()


SHEETS: dict[str, Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]]], bytes]] = {
    "csv": as_csv,
    "xlsx": as_xlsx,
}
