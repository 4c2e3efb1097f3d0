"""`_rev`: what a view's record was when it was exported, in one short text that travels with it.

It holds a 48-bit hash of the row's uuid and a 32-bit CRC of every key, editable and
reference-naming field, so that an import knows field by field whether the file, the database or
both have changed, with nothing stored anywhere.

It is made for whole pages, column by column: as 32-bit words (low byte first) of which the first
holds 16 bits of the list of fields and 16 of the uuid's hash, the second the other 32 of it, then
one word a field; zeros fill them up to a multiple of three, so that base64 (RFC 4648: four
characters for three bytes) of many rows can be cut into those of each.
"""

from __future__ import annotations

import binascii
import json
import struct
import sys
import zlib
from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.fields import names_a_row
from bakeio_core.catalog.model import View
from bakeio_core.values.kind import Kind
from bakeio_core.values.numbers import Decimal, Float, Interval
from bakeio_core.values.text import Text
from bakeio_core.values.times import Date, DateTime

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog

LAYOUT = "2"
"""Hashed with the list of fields: a `_rev` of another layout is one of another list."""
NOTHING = 0x6E756C6C
"""The hash of null; nothing else gets it but by a chance of one in four thousand million."""
WORD = "I" if array("I").itemsize == 4 else "L"
_double = struct.Struct(">d").pack


def row_hash(uuid: str) -> int:
    """Return 48 bits of a row's uuid: its CRC-32, and above it the upper half of its Adler-32.

    Each of them is another function of it (RFC 1952 and 1950).
    """
    data = uuid.encode()
    return zlib.crc32(data) | (zlib.adler32(data) >> 16) << 32


def field_hash(value: Any) -> int:
    """Return the 32-bit hash of a wire value.

    Texts are hashed as they are, numbers as doubles, which are the same for 5 and 5.0.
    """
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return zlib.crc32(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bool):
        return zlib.crc32(b"\0true" if value else b"\0false")
    if isinstance(value, float) or (isinstance(value, int) and abs(value) <= 1 << 53):
        return zlib.crc32(_double(value))
    if isinstance(value, (list, dict)):
        return zlib.crc32(b"\0" + json.dumps(value, sort_keys=True).encode())  # no text holds a NUL
    return zlib.crc32(b"\0" + str(value).encode())


def _each(values: Iterable[Any]) -> list[int]:
    return list(map(field_hash, values))


def _of_text(values: Sequence[Any]) -> list[int]:
    with suppress(TypeError, UnicodeEncodeError):  # a null, or half of a surrogate pair
        return list(map(zlib.crc32, map(str.encode, values)))
    with suppress(AttributeError, UnicodeEncodeError):
        return [NOTHING if value is None else zlib.crc32(value.encode()) for value in values]
    return _each(values)


def _of_double(values: Sequence[Any]) -> list[int]:
    try:
        return list(map(zlib.crc32, map(_double, values)))
    except (TypeError, OverflowError, struct.error):
        return _each(values)


def hashing(kind: Kind) -> Callable[[Sequence[Any]], list[int]]:
    """Return a function from many values of a column of this kind to the `field_hash` of each."""
    if isinstance(kind, (Text, Date, DateTime)):
        return _of_text
    if isinstance(kind, (Float, Interval)) or (isinstance(kind, Decimal) and kind.sql_convertible):
        return _of_double
    return _each


class Revision:
    """Make and read the `_rev` of one view.

    Two `_rev` with the same first `identity_length` characters are of one row and agree in all of
    the identity fields.

    Args:
        fields: the names of the hashed fields.
        identity_fields: how many of them, the first ones, say which row a record is and what it
            refers to.
    """

    def __init__(self, fields: Sequence[str], identity_fields: int = 0) -> None:
        self.fields = tuple(fields)
        self.identity_length = (2 + identity_fields) * 32 // 6
        self.mark = zlib.crc32("\n".join([LAYOUT, *fields]).encode()) & 0xFFFF
        self._words = -(-(2 + len(fields)) // 3) * 3
        self.length = self._words // 3 * 16
        self._struct = struct.Struct(f"<{self._words}I")

    def texts(self, uuids: Sequence[str], hashes: Sequence[Sequence[int]]) -> list[str]:
        """Return the `_rev` of many rows.

        Args:
            uuids: those of the rows.
            hashes: for each of `fields` those of all rows, in the order of `uuids`.
        """
        rows, words, mark = list(map(str.encode, uuids)), self._words, self.mark
        page = array(WORD, bytes(4 * words * len(rows)))
        page[0::words] = array(
            WORD, [adler & 0xFFFF0000 | mark for adler in map(zlib.adler32, rows)]
        )
        page[1::words] = array(WORD, map(zlib.crc32, rows))
        for place, column in enumerate(hashes, 2):
            page[place::words] = array(WORD, column)
        if sys.byteorder == "big":
            page.byteswap()
        text, length = binascii.b2a_base64(page, newline=False).decode(), self.length
        return [text[start : start + length] for start in range(0, len(text), length)]

    def unpacked(self, text: str | None) -> tuple[int, ...] | None:
        """Return the words of a `_rev`; None for another list of fields or none.

        They are the two of the row (see `of_row`), then the hashes of `fields`.
        """
        if text is None or len(text) != self.length:
            return None
        try:  # characters that are not base64 are left out, and then there are too few bytes
            words = self._struct.unpack(binascii.a2b_base64(text))
        except (ValueError, struct.error):
            return None
        return words if words[0] & 0xFFFF == self.mark else None

    def of_row(self, uuid: str) -> tuple[int, int]:
        """Return the first two words of the `_rev` of a row."""
        data = uuid.encode()
        return zlib.adler32(data) & 0xFFFF0000 | self.mark, zlib.crc32(data)

    def make(self, uuid: str, values: Sequence[Any]) -> str:
        """Return the `_rev` of a row with these values of `fields`."""
        return self.texts([uuid], [[field_hash(value)] for value in values])[0]

    def read(self, text: str) -> tuple[int, tuple[int, ...]] | None:
        """Return (hash of the row's uuid, hashes of `fields`); None for another list of fields.

        Raises ValueError where the text is no `_rev` at all.
        """
        words = self.unpacked(text)
        if words is not None:
            return (words[0] >> 16) << 32 | words[1], words[2 : 2 + len(self.fields)]
        if len(text) < 12 or not text.isascii() or self._begins(text):
            raise ValueError("is no _rev")
        return None

    def _begins(self, text: str) -> bool:
        """Tell whether a text begins as a `_rev` of these fields does."""
        try:
            return int.from_bytes(binascii.a2b_base64(text[:4])[:2], "little") == self.mark
        except ValueError:
            return False


def revision_of(catalog: Catalog, view: View) -> Revision:
    """Return what makes and reads the `_rev` of a view.

    It is over its keys, fields that name a referred row, and other editable fields.
    """
    entity, whole = catalog.entities[view.entity], catalog.views.get(view.name, view)
    identity_fields = [
        name
        for name, item in whole.fields.items()
        if item.role == "key" or names_a_row(catalog, entity, item.source)
    ]
    return Revision(
        [
            *identity_fields,
            *(
                name
                for name, item in whole.fields.items()
                if item.role == "editable" and name not in identity_fields
            ),
        ],
        len(identity_fields),
    )
