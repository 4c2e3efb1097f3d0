"""`_rev`: what a view's record was when it was exported, in one short text that travels with it.

It holds a 48-bit hash of the row's uuid and a 32-bit CRC of every key, editable and reference-naming field, so that an import knows
field by field whether the file, the database or both have changed, with nothing stored anywhere.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from bakeio_core.values import Kind, Number, Real, Span, Text

__all__ = ["Revision", "field_expression", "field_hash", "row_hash"]

NOTHING = 0x6E756C6C
"""The hash of null; no text gets it but by a chance of one in four thousand million."""


def row_hash(uuid: str) -> int:
    """Return 48 bits of a row's uuid: its CRC-32, and above it the upper half of its Adler-32, which is another function of it."""
    data = uuid.encode()
    return zlib.crc32(data) | (zlib.adler32(data) >> 16) << 32


def number_text(value: Any) -> str:
    """Return a number as text that is the same for 5, 5.0 and Decimal("5.00")."""
    whole = int(value)
    return str(whole) if whole == value else repr(float(value))


def field_hash(value: Any) -> int:
    """Return the 32-bit hash of a wire value."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return zlib.crc32(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bool):
        return zlib.crc32(b"true" if value else b"false")
    return zlib.crc32(number_text(value).encode())


class _Hashes(dict[Any, int]):
    """The hashes of values of which many repeat, remembered."""

    def __missing__(self, value: Any) -> int:
        if len(self) > 100_000:
            self.clear()
        hashed = self[value] = field_hash(value)
        return hashed


def field_expression(cell: str, kind: Kind) -> str:
    """Return Python source giving `field_hash` of a value of that kind; `Revision.names` are the names it uses."""
    if isinstance(kind, Text):
        return f"{NOTHING} if {cell} is None else crc({cell}.encode())"
    if isinstance(kind, (Number, Real, Span)):
        return f"hashes[{cell}]"
    return f"hashed({cell})"


class Revision:
    """Make and read the `_rev` of one view. `fields`: the names of the hashed fields; `fingerprint` of that list begins every `_rev`.

    repeated: those whose values many rows share, such as what a referred row is called.
    """

    names: Mapping[str, Any] = MappingProxyType({"crc": zlib.crc32, "adler": zlib.adler32, "hashed": field_hash, "hashes": _Hashes()})
    """What `field_expression` and the hash of a row's uuid use."""

    def __init__(self, fields: Sequence[str], repeated: Collection[str] = ()) -> None:
        self.fields, self.repeated = tuple(fields), frozenset(repeated)
        digest = zlib.crc32("\n".join(fields).encode()) & 0xFFFFFF
        self.fingerprint = base64.urlsafe_b64encode(digest.to_bytes(3, "big")).decode()
        self._struct = struct.Struct(f">HI{len(fields)}I")
        self._length = 4 + (self._struct.size + 2) // 3 * 4

    def expression(self, uuid: str, cells: Mapping[str, tuple[str, Kind]]) -> tuple[str, dict[str, Any]]:
        """Return Python source giving the `_rev` of a row, and the names it uses. cells: {field: (source of its value, its kind)}."""
        parts = [f"adler(u := {uuid}.encode()) >> 16", "crc(u)"]
        for field in self.fields:
            cell, kind = cells[field]
            repeats = field in self.repeated and isinstance(kind, Text)  # true and 1 would be one and the same to a dictionary
            parts.append(f"hashes[{cell}]" if repeats else field_expression(cell, kind))
        return f"'{self.fingerprint}' + b64(pack({', '.join(parts)}), newline=False).decode()", {
            **self.names, "pack": self._struct.pack, "b64": binascii.b2a_base64,
        }  # fmt: skip

    def unpacked(self, text: str | None) -> tuple[int, ...] | None:
        """Return (upper, lower part of the row's hash, hashes of `fields`); None for what `read` would not give that of."""
        if text is None or len(text) != self._length or not text.startswith(self.fingerprint):
            return None
        try:  # characters that are not base64 are left out, and then there are too few bytes
            return self._struct.unpack(binascii.a2b_base64(text[4:]))
        except (ValueError, struct.error):
            return None

    def make(self, uuid: str, values: Sequence[Any]) -> str:
        """Return the `_rev` of a row with these values of `fields`."""
        identity = row_hash(uuid)
        packed = self._struct.pack(identity >> 32, identity & 0xFFFFFFFF, *map(field_hash, values))
        return self.fingerprint + base64.b64encode(packed).decode()

    def read(self, text: str) -> tuple[int, tuple[int, ...]] | None:
        """Return (hash of the row's uuid, hashes of `fields`); None for another list of fields.

        Raises ValueError where the text is no `_rev` at all.
        """
        if not text.startswith(self.fingerprint):
            if len(text) < 12 or not text.isascii():
                raise ValueError("is no _rev")
            return None
        try:
            high, low, *hashes = self._struct.unpack(base64.b64decode(text[4:], validate=True))
        except (binascii.Error, struct.error):
            raise ValueError("is no _rev") from None
        return high << 32 | low, tuple(hashes)
