"""`_rev`: what a view's record was when it was exported, in one short text that travels with it.

It holds a 48-bit hash of the row's uuid and a 32-bit CRC of every key, editable and
reference-naming field, so that an import knows field by field whether the file, the database or
both have changed, with nothing stored anywhere. One more CRC is over the other read-only fields of
the record as they stand in the file, and a check value tells damage.

It is made for whole pages, column by column: as 32-bit words (low byte first) of which the first
holds 16 bits of the list of fields and 16 of the uuid's hash, the second the other 32 of it, then
one word a field, one for the read-only ones, and one that makes the exclusive or of all words zero;
zeros fill them up to a multiple of three, so that base64 (RFC 4648: four characters for three
bytes) of many rows can be cut into those of each.
"""

from __future__ import annotations

import binascii
import json
import operator
import re
import struct
import sys
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import msgspec

from bakeio_core.catalog.views.view import View
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.kinds.numbers import Decimal, Float, Interval
from bakeio_core.values.kinds.text import Text
from bakeio_core.values.kinds.times import Date, DateTime

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog

LAYOUT = "3"
"""Hashed with the list of fields: a `_rev` of another layout is one of another list."""
EARLIER_LAYOUT = "2"
"""Without the words for read-only fields and the check; still read."""
NOTHING = 0x6E756C6C
"""The hash of null; nothing else gets it but by a chance of one in four thousand million."""
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}")
WORD = "I" if array("I").itemsize == 4 else "L"
_double = struct.Struct(">d").pack
_ENCODER = msgspec.json.Encoder(decimal_format="number")


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
        return zlib.crc32(
            b"\0" + json.dumps(value, sort_keys=True, default=str).encode()
        )  # no text holds a NUL
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
    the identity fields. `places` tells where the hash of a field stands among those of `fields`.

    Args:
        fields: the names of the hashed fields.
        identity_fields: how many of them, the first ones, say which row a record is and what it
            refers to.
        context: the names of the other read-only fields, in the order of the file.
    """

    def __init__(
        self, fields: Sequence[str], identity_fields: int = 0, context: Sequence[str] = ()
    ) -> None:
        self.fields, self.context = tuple(fields), tuple(context)
        self.places = {name: place for place, name in enumerate(self.fields)}
        self.identity_length = (2 + identity_fields) * 32 // 6
        self.mark = self._mark(LAYOUT)
        self._words = -(-(4 + len(fields)) // 3) * 3
        self.length = self._words // 3 * 16
        self._struct = struct.Struct(f"<{self._words}I")
        self._earlier_mark = self._mark(EARLIER_LAYOUT)
        self._earlier_words = -(-(2 + len(fields)) // 3) * 3

    def _mark(self, layout: str) -> int:
        return zlib.crc32("\n".join([layout, *self.fields]).encode()) & 0xFFFF

    def texts(
        self, uuids: Sequence[str], hashes: Sequence[Sequence[int]], contexts: Sequence[int]
    ) -> list[str]:
        """Return the `_rev` of many rows.

        Args:
            uuids: those of the rows.
            hashes: for each of `fields` those of all rows, in the order of `uuids`.
            contexts: for each row the `context_hash` of its read-only fields.
        """
        rows, words, mark = list(map(str.encode, uuids)), self._words, self.mark
        columns = [
            array(WORD, [adler & 0xFFFF0000 | mark for adler in map(zlib.adler32, rows)]),
            array(WORD, map(zlib.crc32, rows)),
            *(array(WORD, column) for column in (*hashes, contexts)),
        ]
        check = 0
        for column in columns:
            check ^= int.from_bytes(column.tobytes(), "little")
        columns.append(array(WORD, check.to_bytes(4 * len(rows), "little")))
        page = array(WORD, bytes(4 * words * len(rows)))
        for place, column in enumerate(columns):
            page[place::words] = column
        if sys.byteorder == "big":
            page.byteswap()
        text, length = binascii.b2a_base64(page, newline=False).decode(), self.length
        return [text[start : start + length] for start in range(0, len(text), length)]

    def unpacked(self, text: str | None) -> tuple[int, ...] | None:
        """Return the words of a `_rev`; None for another list of fields, damage or none.

        They are the two of the row (see `of_row`), the hashes of `fields`, and that of the
        read-only ones.
        """
        if text is None or len(text) != self.length:
            return None
        try:  # characters that are not base64 are left out, and then there are too few bytes
            words = self._struct.unpack(binascii.a2b_base64(text))
        except (ValueError, struct.error):
            return None
        return words if words[0] & 0xFFFF == self.mark and not _parity(words) else None

    def of_row(self, uuid: str) -> tuple[int, int]:
        """Return the first two words of the `_rev` of a row."""
        data = uuid.encode()
        return zlib.adler32(data) & 0xFFFF0000 | self.mark, zlib.crc32(data)

    def make(self, uuid: str, values: Sequence[Any], context: Sequence[Any] = ()) -> str:
        """Return the `_rev` of a row with these values of `fields` and of `context`."""
        hashes = [[field_hash(value)] for value in values]
        return self.texts([uuid], hashes, [context_hash(context)])[0]

    def read(self, text: str) -> Revised | None:
        """Return what a `_rev` says; None where it is of another list of fields.

        Raises:
            ValueError: The text is no `_rev`, or a damaged one.
        """
        words, count = self.unpacked(text), len(self.fields)
        if words is not None:
            return Revised(_row_of(words), words[2 : 2 + count], words[2 + count])
        if not _BASE64.fullmatch(text) or len(text) % 4:
            raise ValueError("is not a _rev")
        data = binascii.a2b_base64(text)
        words = struct.unpack_from(f"<{len(data) // 4}I", data)
        mark = words[0] & 0xFFFF if words else 0
        if mark == self._earlier_mark and len(words) == self._earlier_words:
            return Revised(_row_of(words), words[2 : 2 + count], None)
        is_ours = mark in (self.mark, self._earlier_mark)
        if is_ours or len(words) < 3 or (len(text) == self.length and _parity(words)):
            raise ValueError("is a damaged _rev")
        return None

    def bases(self, text: Any) -> Sequence[int] | None:
        """Return the hashes of `fields` that a `_rev` holds, None where it cannot be read."""
        if not isinstance(text, str):
            return None
        words = self.unpacked(text)
        if words is not None:
            return words[2 : 2 + len(self.fields)]
        try:
            read = self.read(text)
        except ValueError:
            return None
        return None if read is None else read.fields

    def differing(self, values: Mapping[str, Any], text: Any) -> Iterator[tuple[str, int]]:
        """Yield (field, hash) of what a `_rev` knows of values that are other ones now.

        Args:
            values: The wire values by field; what is empty or null is no other one.
            text: The `_rev`; of one that cannot be read nothing is known.
        """
        for name, base in zip(self.fields, self.bases(text) or (), strict=False):
            value = values.get(name)
            if value is not None and value != "" and field_hash(value) != base:
                yield name, base


@dataclass(frozen=True)
class Revised:
    """What a `_rev` says.

    Attributes:
        row: The hash of the row's uuid.
        fields: The hashes of the fields.
        context: That of the other read-only fields; None in the earlier layout, which has no check
            value either.
    """

    row: int
    fields: tuple[int, ...]
    context: int | None


def _row_of(words: Sequence[int]) -> int:
    return (words[0] >> 16) << 32 | words[1]


def _parity(words: Iterable[int]) -> int:
    return reduce(operator.xor, words)


def context_hash(values: Sequence[Any]) -> int:
    """Return the hash of the read-only fields of a record, in the order of the file.

    Args:
        values: wire values, or `msgspec.Raw` as they stand in the file.
    """
    return zlib.crc32(_encoded(values))


def _encoded(values: Sequence[Any]) -> bytes:
    """Return values as JSON; halves of surrogate pairs, which no export holds, as escapes."""
    try:
        return _ENCODER.encode(values)
    except UnicodeEncodeError:
        return json.dumps(list(values), default=repr).encode()


def context_lines(rows: Iterable[Sequence[Any]]) -> list[bytes]:
    """Return what is hashed of the read-only fields of many records."""
    rows = list(rows)
    try:
        lines = _ENCODER.encode_lines(rows).split(b"\n")[:-1]
    except UnicodeEncodeError:
        lines = []
    # a value that was not decoded may stand on several lines
    return lines if len(lines) == len(rows) else list(map(_encoded, rows))


def context_hashes(rows: Iterable[Sequence[Any]]) -> list[int]:
    """Return the `context_hash` of each of many records."""
    return list(map(zlib.crc32, context_lines(rows)))


def revision_of(catalog: Catalog, view: View) -> Revision:
    """Return what makes and reads the `_rev` of a view.

    It is over its keys, fields that name a referred row, and other editable fields; what else a
    record shows, but for the id, is hashed together.
    """
    entity, whole = catalog.entities[view.entity], catalog.views.get(view.name, view)
    identity_fields = [
        name
        for name, item in whole.fields.items()
        if item.role in ("key", "parent") or catalog.names_a_row(entity, item.source)
    ]
    edited = [name for name in whole.names("editable") if name not in identity_fields]
    hashed = [*identity_fields, *edited]
    context = [
        name
        for name, item in view.fields.items()
        if name not in hashed and item.source != entity.primary
    ]
    return Revision(hashed, len(identity_fields), context)
