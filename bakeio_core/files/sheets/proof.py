"""Tell what a spreadsheet changed from what somebody did: by hashes of `_rev`, by the column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bakeio_core.files.revision import NOTHING, Revision, field_hash
from bakeio_core.files.sheets.readings import POINT, Reading, form_of, readings
from bakeio_core.files.sheets.shown import may_be_taken
from bakeio_core.files.sheets.spoilt import SpoiltColumns
from bakeio_core.files.sheets.texts import NO_ZEROS, TRUTHS
from bakeio_core.values.kinds.kind import Kind

Restored = Counter[tuple[str, str]]
"""How many cells of a field came back from what a spreadsheet did to them: (field, what)."""
_EMPTY = field_hash("")
_SHORTENED = re.compile(r"([+-]?\d)(?:[.,](\d+))?E\+?(\d+)", re.ASCII | re.IGNORECASE)
_DAMAGED = re.compile(
    r"""
    [+-]?\d[\d.,/:-]*(?:[eE][+-]?\d+)?\Z             # a number, a code, a day, a time
    | \d+(?:[.,]\d+)?%\Z                             # a part of a hundred
    | \d{1,2}:[\d:]+\ ?[aApP]\.?[mM]\.?\Z           # a time of the morning
    | \d{1,2}[. -]+[^\W\d_]{3}                      # a day with the name of its month
    | [^\W\d_]{3,}[. -]+\d\d(?:\d\d)?\Z           # a month with its year
    | '                                             # an apostrophe in front
    | .*[‘’‚“”„«»‐‑‒–—−…©®™½¼¾\u00a0\u2007\u202f]      # what typing is replaced by
    """,
    re.VERBOSE | re.DOTALL,
)
_LONG = 9
"""So many digits of a number nobody types to round another one."""


class Proof:
    """Find what cells were before a spreadsheet changed them.

    Args:
        revision: What reads the `_rev` of the records.
        kinds: What the fields hold, by name.
        spoilt: Tells of the columns what a spreadsheet did to them; None where each cell that may
            be damaged is taken for that.
        of_cells: Whether the values were cells: a number of JSON has no marks that the spreadsheet
            of another country takes for others.
    """

    def __init__(
        self,
        revision: Revision,
        kinds: Mapping[str, Kind],
        spoilt: Callable[[], SpoiltColumns] | None = None,
        of_cells: bool = True,
    ) -> None:
        self.revision, self.kinds, self.of_cells = revision, kinds, of_cells
        self._spoilt = spoilt

    def base(self, rev: Any, name: str) -> int | None:
        """Return the hash of one field in a `_rev`, None where it is not known."""
        bases, place = self.revision.bases(rev), self.revision.places.get(name)
        return None if bases is None or place is None else bases[place]

    def restored(self, name: str, cell: Any, base: int | None) -> Reading | None:
        """Return the reading of a cell that is what it was when it was exported, None for none.

        None too where the column tells that somebody edited the cell.
        """
        found = self.proved(name, cell, base)
        if found is None or self._spoilt is None or not self.is_in_doubt(name, found.how):
            return found
        is_spoilt = self._spoilt().is_spoilt(name, found.how, found.value, cell)
        return found if is_spoilt else None

    def is_in_doubt(self, name: str, how: str) -> bool:
        """Tell whether somebody may have typed what else a spreadsheet makes of a value.

        The zeros of codes are none of anybody's: a code means the same without them.
        """
        is_of_code = how == NO_ZEROS and form_of(self.kinds[name]) == "code"
        return SpoiltColumns.is_risky(how) and not is_of_code

    def proved(self, name: str, cell: Any, base: int | None) -> Reading | None:
        """Return the reading of a cell that has the hash of what it was, None for none."""
        if base is None or name not in self.kinds:
            return None
        is_typed = not self.of_cells and not isinstance(cell, str)
        found = (r for r in readings(self.kinds[name], cell) if not (is_typed and r.how == POINT))
        return next((r for r in found if field_hash(r.value) == base), None)

    def restore(
        self, values: dict[str, Any], differing: Iterable[tuple[str, int]], restored: Restored
    ) -> None:
        """Put what a spreadsheet changed in the values of a record back, and count it.

        Args:
            values: The wire values by field.
            differing: Which of them are others now, each with the hash of what it was.
            restored: Is told of each.
        """
        for name, base in differing:
            reading = self.restored(name, values[name], base)
            if reading is not None:
                values[name] = reading.value
                restored[name, reading.how] += 1


def was_empty(base: int) -> bool:
    """Tell whether a hash is that of null or of an empty text."""
    return base in (NOTHING, _EMPTY)


def may_be_damaged(value: Any, current: Any) -> bool:
    """Tell whether a spreadsheet may have made a value of another one, so that it wants care.

    Args:
        value: What a file says.
        current: What the database has.
    """
    if isinstance(value, str):
        if isinstance(current, str):
            is_cut = value.strip() == current.strip() or "?" in value
            if is_cut or may_be_taken(current):
                return True
        return _DAMAGED.match(value) is not None or value.lower() in TRUTHS
    is_number = isinstance(value, (int, float)) and isinstance(current, (int, float))
    if is_number and value == round(current * 1000):
        return True  # the point of 2.625 is a mark of thousands elsewhere
    return isinstance(value, float) and len(repr(value)) > _LONG


def is_display_of(said: Any, current: Any) -> bool:
    """Tell whether a value is how a spreadsheet shows another one, of which it lost a part.

    Long codes are shown with an exponent and numbers with fewer digits; signs that an encoding
    does not have become question marks; spaces at the ends go.
    """
    if isinstance(said, str) and isinstance(current, str):
        shortened = _SHORTENED.fullmatch(said)
        if shortened is not None and current.isascii() and current.isdecimal():
            return _shortens(shortened, current.lstrip("0"))
        is_masked = "?" in said and len(said) == len(current)
        if is_masked and not current.isascii():
            pairs = zip(said, current, strict=True)
            return all(one == other or (one == "?" and ord(other) > 127) for one, other in pairs)
        return bool(said) and said == current.strip() != current
    numbers = (int, float)
    if isinstance(said, numbers) and isinstance(current, float) and not isinstance(said, bool):
        digits = len(repr(said).replace("-", "").replace(".", "").lstrip("0"))
        shown = {float(format(current, f".{n}g")) for n in range(_LONG, 17)}
        return digits >= _LONG and said in shown
    return False


def _shortens(shortened: re.Match[str], digits: str) -> bool:
    """Tell whether a code of these digits is shown so, `4.00022E+11`."""
    shown = shortened[1] + (shortened[2] or "")
    is_long = len(digits) == int(shortened[3]) + 1 and len(digits) > len(shown)
    if not is_long:
        return False
    rounded = format(float(digits), f".{len(shown) - 1}e").partition("e")[0].replace(".", "")
    return rounded == shown or digits.startswith(shown)


class Patterns:
    """How the columns of a sheet are read, as far as their cells tell.

    A cell that can be read in one way only, or of which `_rev` proves one, tells of its column.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], set[str]] = {}

    def note(self, name: str, sure: Iterable[Reading]) -> None:
        """Note what a cell of a field tells.

        Args:
            name: The field.
            sure: The ways to read the cell that are right: two of them may mean one value.
        """
        patterns = [reading.pattern for reading in sure if reading.pattern is not None]
        for group in {group for group, _ in patterns}:
            ways = {way for other, way in patterns if other == group}
            for key in ((name, group), ("", group)):
                self._known[key] = self._known.get(key, ways) & ways

    def likeliest(self, name: str, proved: Sequence[Reading]) -> Reading:
        """Return the one of several readings of one value that its column is known for."""
        return next(
            (r for r in proved if r.pattern and self._known_for(name, r.pattern)), proved[0]
        )

    def _known_for(self, name: str, pattern: tuple[str, str]) -> bool:
        return self._known.get((name, pattern[0])) == {pattern[1]}

    def settled(self, name: str, found: Sequence[Reading]) -> Reading | None:
        """Return the reading that agrees with all cells of its column, None for none or two.

        Where the column tells nothing, all columns of the sheet are asked.
        """
        fitting = [reading for reading in found if reading.is_plain]
        for key in (name, ""):
            left = [r for r in fitting if r.pattern is None or self._allows(key, r.pattern)]
            is_told = any(r.pattern and (key, r.pattern[0]) in self._known for r in fitting)
            if is_told:
                return left[0] if len({repr(r.value) for r in left}) == 1 else None
        return None

    def _allows(self, name: str, pattern: tuple[str, str]) -> bool:
        ways = self._known.get((name, pattern[0]))
        return ways is None or pattern[1] in ways
