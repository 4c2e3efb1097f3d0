"""Sheets as people and spreadsheets leave them: rows of texts, and what Excel makes of a CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

Rows = list[list[Any]]
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def rows_of_csv(path: Path) -> Rows:
    """Return the lines of a CSV file as bakeio writes it."""
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def write_csv(path: Path, rows: Rows, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    """Write lines as a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding, "replace"))
    return path


def edit_csv(path: Path, edit: Callable[[Rows], Any]) -> None:
    """Edit the lines of a CSV file as a program does that changes nothing else."""
    rows = rows_of_csv(path)
    edit(rows)
    write_csv(path, rows)


def column(rows: Rows, name: str) -> int:
    """Return the index of the column with a heading."""
    return rows[0].index(name)


def excel(path: Path, country: str, edit: Callable[[Rows], Any] | None = None) -> Path:
    """Open a CSV file as Excel does by a double click, edit it, and save it again as CSV.

    Every cell that looks like a number or a day is one afterwards, shown in the way of a country:
    `us` or `de`. What the person types in `edit` is not touched.
    """
    rows = rows_of_csv(path)
    shown = [[_shown(cell, country) for cell in row] for row in rows[1:]]
    rows[1:] = shown
    if edit is not None:
        edit(rows)
    width = max(map(len, rows))
    rows = [row + [""] * (width - len(row)) for row in rows]
    target = path.with_name(f"{path.stem}_{country}.csv")
    delimiter, encoding = (";", "cp1252") if country == "de" else (",", "utf-8-sig")
    return write_csv(target, rows, delimiter, encoding)


def _shown(text: str, country: str) -> str:
    if _NUMBER.fullmatch(text):
        shown = _general(Decimal(text))
        return shown.replace(".", ",") if country == "de" else shown
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        day = date.fromisoformat(text)
        us = f"{day.month}/{day.day}/{day.year}"
        return us if country == "us" else f"{day.day:02}.{day.month:02}.{day.year}"
    if text in ("true", "false"):
        return {"us": text.upper(), "de": {"true": "WAHR", "false": "FALSCH"}[text]}[country]
    return "#NAME?" if text.startswith(("=", "+", "-", "@")) else text


def _general(number: Decimal) -> str:
    """Return a number in the format General: at most eleven digits, then with an exponent."""
    if number == number.to_integral_value() and abs(number) < 10**11:
        return str(int(number))
    if abs(number) >= 10**11:
        mantissa, _, exponent = f"{number:.5E}".partition("E")
        return f"{mantissa.rstrip('0').rstrip('.')}E+{int(exponent):02d}"
    return f"{float(number):.10g}"
