"""When two spellings are one key: folding, and slugs made of names. No other room folds."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

TYPOGRAPHY = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "ʼ": "'",
        "`": "'",
        "´": "'",
        "‐": "-",
        "‑": "-",
        "‒": "-",
        "–": "-",
        "—": "-",
        "−": "-",
    }
)


def fold(text: str, *, slug: bool = False) -> str:
    """Return the form in which two spellings of one key are equal.

    NFKC (Unicode Standard Annex 15), case folded, white space collapsed and stripped, apostrophes
    and dashes unified. Diacritics stay: `e` and `é` are different keys.

    Args:
        text: the spelling.
        slug: whether `_`, `-` and space are one as well.
    """
    import unicodedata

    text = (
        unicodedata.normalize("NFKC", text.translate(TYPOGRAPHY)).casefold().translate(TYPOGRAPHY)
    )
    if slug:
        text = text.replace("_", " ").replace("-", " ")
    return " ".join(unicodedata.normalize("NFKC", text).split())


def padded(value: Any) -> str:
    """Return the 14 digits a standard article number means, however it is padded.

    Empty where it is none, which is all but 7 to 14 digits, spaces and hyphens aside.
    """
    if value is None:
        return ""
    digits = str(value)
    digits = digits if digits.isdigit() else re.sub(r"[\s-]", "", digits.removesuffix(".0"))
    is_number = digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 14
    return digits.zfill(14) if is_number else ""


def fold_parts(
    columns: Iterable[str], parts: Iterable[Any], codes: Collection[str] = ()
) -> tuple[Any, ...]:
    """Return the parts of a key in the form in which two spellings of it are equal.

    Args:
        columns: Those of the key; they tell which parts are slugs.
        parts: Their values.
        codes: Columns of standard article numbers, which are equal however they are padded.
    """
    return tuple(
        [
            (column in codes and padded(part)) or fold(part, slug=column == "slug")
            if isinstance(part, str)
            else part
            for column, part in zip(columns, parts, strict=True)
        ]
    )


def folded_key(key: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return a key {column: value} in the form in which two spellings of it are one question."""
    return tuple(sorted(zip(key, fold_parts(key, key.values()), strict=True)))


def make_slug(parts: Iterable[object]) -> str:
    """Return an ASCII, lower-case, `_`-joined name made of the parts that are not None.

    Letters of every alphabet are written in Latin ones: `Straße` is `strasse`, `東京` is
    `dongjing`. It has 190 characters at most, and none where the parts hold no letter and no digit.
    """
    text = " ".join(
        f"{part:g}" if isinstance(part, float) else str(part) for part in parts if part is not None
    )
    text = text.translate(TYPOGRAPHY).replace("'", "")
    latin = text if text.isascii() else _in_latin(text)
    return "_".join(re.findall(r"[a-z0-9]+", latin.lower()))[:190].rstrip("_")


def _in_latin(text: str) -> str:
    """Return a text with its letters and digits in ASCII, other signs as spaces.

    Signs that nobody sees are left out. Pictures are signs, though they could be called by name.
    """
    import unicodedata

    from anyascii import anyascii  # its tables take longer to load than most slugs need

    latin = []
    for sign in unicodedata.normalize("NFKC", text):
        if sign.isascii():
            latin.append(sign)
            continue
        is_seen = sign.isprintable() or sign.isspace()
        # an identifier may also hold the marks that stand for vowels
        if sign.isalnum() or f"_{sign}".isidentifier():
            latin.append("".join(filter(str.isalnum, anyascii(sign))))
        elif is_seen:
            latin.append(" ")
    return "".join(latin)
