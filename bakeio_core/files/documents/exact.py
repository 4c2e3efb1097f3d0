"""Tell whether typed decoding lost something of what a file says: digits, a NUL character."""

from __future__ import annotations

from typing import Any

from bakeio_core.files.documents.blocks import Block
from bakeio_core.values.wording import escapes_nul

_TO_ZEROS = bytes.maketrans(b"123456789", b"000000000")


def is_block_exact(block: Block) -> bool:
    """Tell whether the values of a `mostly_known` block are what the file says."""
    return block.data is None or _is_exact(block.data)


def is_exact(block: Block, number: int, name: str = "", value: Any = None) -> bool:
    """Tell whether values of a record of a `mostly_known` block are what the file says.

    Args:
        block: Where the record stands.
        number: Its number.
        name: The field, where only one matters.
        value: What `typed` gave for that.

    Returns:
        Whether no digits were lost, and no NUL character is in it.
    """
    if block.data is None:
        return True
    text = block.text(number)
    if isinstance(value, float):
        whole, start = repr(value).encode().removesuffix(b".0"), b'"%b":' % name.encode()
        for said in (start + whole, start + whole + b".0"):
            at = text.find(said)
            if at >= 0 and text[at + len(said)] in b",}\r\n":
                return True
    return _is_exact(text)


def _is_exact(text: bytes) -> bool:
    return not escapes_nul(text) and not holds_more_than_doubles(text, True)


def holds_more_than_doubles(data: bytes, zeros: bool) -> bool:
    """Tell whether JSON may hold a number that a double only comes near.

    That is one with 17 digits in a row (IEEE 754: 15 are kept), or, read as 0, with a negative
    exponent.
    """
    if b"0" * 17 in data.translate(_TO_ZEROS, b"."):
        return True
    rest = data.translate(None, b"0123456789 \t\r\n").lower() if zeros else b""
    return b"e-," in rest or b"e-}" in rest or b"e-]" in rest
