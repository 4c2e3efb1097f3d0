"""Tell a column that a spreadsheet went over from one in which somebody edited a cell.

A spreadsheet changes every cell of a form that it changes at all: it takes the zeros off all codes,
not off one. So where a value of the same form was left alone, one that differs was edited.
"""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import Any

from bakeio_core.files.revision import field_hash
from bakeio_core.files.sheets.readings import DAY_OF_NUMBER, POINT
from bakeio_core.files.sheets.shown import form_of_text
from bakeio_core.files.sheets.texts import (
    AS_DAY,
    AS_NUMBER,
    AS_TIME,
    AS_TRUTH,
    NO_ZEROS,
    SHOWN_TRUTHS,
)

ENOUGH = 2
"""So many values of a column, none of them a cell, nobody changes in one way by hand."""
_RISKY = frozenset([NO_ZEROS, AS_NUMBER, AS_DAY, AS_TIME, AS_TRUTH, POINT, DAY_OF_NUMBER])
_NUMERIC = frozenset([NO_ZEROS, AS_NUMBER, POINT])
_MONTH = "(?:0?[1-9]|1[0-2])"
_FORMS = {
    "zeros": re.compile(r"0\d+", re.ASCII),
    "time": re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d", re.ASCII),
    "half of a day": re.compile(r"(?:0?\d|1[0-2]):[0-5]\d ?[AaPp][Mm]", re.ASCII),
    **{
        f"day {mark}": re.compile(f"{_MONTH}{mark}{_MONTH}(?:{mark}\\d\\d(?:\\d\\d)?)?", re.ASCII)
        for mark in map(re.escape, ".,-/")
    },
}
"""Forms of texts; a spreadsheet set to one country treats all texts of a form alike."""
_THOUSANDTHS = re.compile(r"-?[1-9]\d{0,2}\.\d\d[1-9]", re.ASCII)


class SpoiltColumns:
    """Know of the columns of a file what a spreadsheet did to them.

    Args:
        of_cells: Whether the values were cells. Other files are written by people and programs as
            they mean them, so one value alone is no sign of a spreadsheet there.
    """

    def __init__(self, of_cells: bool) -> None:
        self.of_cells = of_cells
        self._intact = set[tuple[str, str]]()
        self._changed = Counter[tuple[str, str]]()

    @staticmethod
    def is_risky(how: str) -> bool:
        """Tell whether a reading undoes what somebody may have typed as well."""
        return how in _RISKY

    def note_intact(self, name: str, value: Any, base: int) -> bool:
        """Note a value that is what it was; tell whether it is.

        Args:
            name: The field.
            value: What the file says.
            base: The hash of what it was.
        """
        if field_hash(value) != base:
            return False
        self._intact |= {(name, form) for form in _forms(value)}
        return True

    def note_changed(self, name: str, how: str) -> None:
        """Note a value that a spreadsheet may have made of what was there."""
        self._changed[name, how] += 1

    def is_spoilt(self, name: str, how: str, was: Any, value: Any) -> bool:
        """Tell whether a spreadsheet changed a value, and nobody edited it.

        Args:
            name: The field.
            how: What a spreadsheet would have done.
            was: What the value would have been.
            value: What the file says.
        """
        form = _forms(was)[how in _NUMERIC]
        if form and (name, form) in self._intact:
            return False
        is_alone = not self.of_cells and isinstance(value, str)
        return not is_alone or self._changed[name, how] >= ENOUGH


def _forms(value: Any) -> tuple[str, str]:
    """Return the form of a value as it may be a day or a time, and as it may be a number.

    It is empty where no spreadsheet treats the value in a way of its own.
    """
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        form = POINT if _THOUSANDTHS.fullmatch(str(value)) else ""
        return form, form
    if not isinstance(value, str):
        return "", ""
    if value.lower() in SHOWN_TRUTHS:
        return value, value
    known = next((form for form, pattern in _FORMS.items() if pattern.fullmatch(value)), "")
    as_number = form_of_text(value, as_number=True)
    return known or form_of_text(value, as_number=False), as_number
