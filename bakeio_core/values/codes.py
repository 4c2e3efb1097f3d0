"""Standard article numbers as people, scanners and spreadsheets leave them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from bakeio_core.errors import Advice, Problem
from bakeio_core.values.folding import fold, padded
from bakeio_core.values.wording import BadValue, shown

_PLACEHOLDERS = frozenset(
    [
        *["n/a", "na", "n.a.", "none", "null", "nil", "nan", "unknown", "tbd", "todo", "missing"],
        *["not available", "not applicable", "not found", "no code", "-", "--", "?", "???", "x"],
        *["tba", "pending", "unavailable", "undefined", "#n/a", "no barcode", "no upc", "no ean"],
        *[".", "...", "…", "??"],
    ]
)
_NAMES = frozenset(["upc", "ean", "gtin", "jan", "isbn", "code", "barcode"])
"""What people call a standard number beside it, as a label does."""
_PARTS = frozenset(["bar", "no", "nr", "number", "a"])
"""What may stand with such a name, as in `UPC-A no.`."""
_SHORTENED = re.compile(r"\d+([.,]\d+)?\s*[eE]\s*\+?\d+")
_DIGITS = re.compile(r"(?<!\d)\d{7,14}(?!\d)")
_QUOTED = re.compile(r"""^(?:="?|')(.*?)"?$""", re.DOTALL)


def read_code(text: str) -> str:
    """Return a standard article number as it is stored.

    Spaces, hyphens, a spreadsheet's quotes and a needless point are taken off where digits are left
    (7 to 14 of them); codes of a shop's own stay as they are.

    Args:
        text: What somebody wrote.

    Raises:
        BadValue: It is plainly none: shortened to an exponent, a word for nothing, only zeros.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if _SHORTENED.fullmatch(plain):
        raise BadValue(
            f"{shown(text)} was shortened by a spreadsheet and has lost digits: read the code again"
        )
    if fold(plain) in _PLACEHOLDERS:
        said = f"{shown(text)} is not a code: leave it null where there is none"
        raise BadValue(Advice(said, None))
    bare = plain
    if plain[:1] in ("=", "'"):
        bare = (_QUOTED.match(plain) or [plain, plain])[1]
    if padded(bare):
        digits = re.sub(r"[\s-]", "", bare.removesuffix(".0"))
        if not digits.strip("0"):
            said = f"{shown(text)} has only zeros: leave it null where there is none"
            raise BadValue(Advice(said, None))
        return digits
    if plain and not plain.strip("0"):
        raise BadValue(
            Advice(f"{shown(text)} is not a code: leave it null where there is none", None)
        )
    _refuse_more_than_a_code(text, plain)
    return text


def _refuse_more_than_a_code(text: str, plain: str) -> None:
    """Raise where a standard number stands within signs or words that only say that it is one."""
    found = _DIGITS.findall(plain)
    beside = {word.casefold() for word in re.findall(r"[^\W\d_]+", plain)}
    is_named = not beside or (beside & _NAMES and beside <= _NAMES | _PARTS)
    if not found or not (is_named or re.search(r"[:=]", plain)):
        return
    if len(found) > 1:
        raise BadValue(f"{shown(text)} has {len(found)} codes: write the one of this row")
    said = f'{shown(text)} has more than the code: write "{found[0]}"'
    raise BadValue(Advice(said, found[0]))


def code_check(declared: Callable[[Any, Any], Any] | None) -> Callable[[Any, Any], Any]:
    """Return the check of article numbers: the number itself, then what was declared."""

    def check(old: Any, new: Any) -> Any:
        try:
            code = read_code(new) if isinstance(new, str) else new
        except BadValue as error:
            return Problem(code="check", message=error.message)
        return code if declared is None else declared(old, code)

    return check
