"""Keep the rows a run created in few bytes: their ids, the records they come from, checksums."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from bakeio_core.catalog.entities.model import Entity, Key
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.kinds.numbers import Decimal

_PACKER = msgspec.msgpack.Encoder()


def checksums(entity: Entity, rows: Sequence[tuple[Any, ...]]) -> array[int]:
    """Sum up rows, so that equal sums tell later that nobody changed them.

    Ids, stamps and what the application sets at each update are left out: a row that was only
    touched is still as it was. Numbers with decimals count as doubles: they may be 5 here and 5.0
    or decimal.Decimal there.

    Args:
        entity: Whose rows they are.
        rows: Wire values in the order of `entity.columns`.

    Returns:
        The CRC-32 of every row, then the Adler-32 of every row: two independent sums of 32 bits
        each are 64 bits in all, made by C code without an object for each row.
    """
    return _sums_without(entity, rows, entity.filled.set_on_update)


def known_checksums(entity: Entity, rows: Sequence[tuple[Any, ...]]) -> list[array[int]]:
    """Sum up rows in each form that a journal may have, to compare them with what it says.

    Earlier versions of bakeio summed up what the application sets at each update as well.

    Args:
        entity: Whose rows they are.
        rows: Wire values in the order of `entity.columns`.

    Returns:
        The sums of `checksums`, then those of earlier versions, where they differ.
    """
    earlier = [_sums_without(entity, rows, ())] if entity.filled.set_on_update else []
    return [checksums(entity, rows), *earlier]


def _sums_without(
    entity: Entity, rows: Sequence[tuple[Any, ...]], touched: Sequence[str]
) -> array[int]:
    known = zip(entity.kinds.items(), zip(*rows, strict=True), strict=False)
    left = (entity.primary, *entity.filled.stamps, *touched)
    columns = [(kind, cells) for (column, kind), cells in known if column not in left]
    # of rows that are nothing but their ids every one is as it was
    return _sums(columns or [(entity.kinds[entity.primary], (0,) * len(rows))])


def remembered_by(entity: Entity) -> Key:
    """Return the columns by whose first values the rows that a file created are known again.

    Those by which rows without a key are known; else the last of the keys that people write, as
    slugs are made of the others.
    """
    keys = [key for key in entity.all_keys if key != ("uuid",)]
    return entity.known_by or (keys[-1] if keys else ())


def content_sums(entity: Entity, contents: Sequence[tuple[Any, ...]]) -> array[int]:
    """Sum up what the rows of a file are known by again, as `checksums` does whole rows.

    Args:
        entity: Whose rows they are.
        contents: Wire values in the order of `remembered_by`.
    """
    kinds = [entity.kinds[column] for column in remembered_by(entity)]
    return _sums(list(zip(kinds, zip(*contents, strict=True), strict=False)))


def _sums(columns: Sequence[tuple[Kind, Sequence[Any]]]) -> array[int]:
    cells = [_as_doubles(some) if isinstance(kind, Decimal) else some for kind, some in columns]
    texts = list(map(_PACKER.encode, zip(*cells, strict=True)))
    return array("I", map(zlib.crc32, texts)) + array("I", map(zlib.adler32, texts))


def _as_doubles(cells: Sequence[Any]) -> Sequence[Any]:
    if set(map(type, cells)) <= {float, type(None)} and 0.0 not in cells:
        return cells
    # a zero has no sign in a database, and another text with one: adding nothing takes it off
    return [None if cell is None else float(cell) + 0.0 for cell in cells]


def packed(numbers: Iterable[int]) -> bytes:
    """Keep whole numbers in few bytes: in sixteen where they follow one another.

    Returns:
        Two numbers of 64 bits, -1 and the first one; or the size of what follows and the first
        one, then all of them compressed.
    """
    known = numbers if isinstance(numbers, array) else array("q", numbers)
    if known == array("q", range(known[0], known[0] + len(known))):
        return array("q", [-1, known[0]]).tobytes()
    data = zlib.compress(known.tobytes(), 1)
    return array("q", [len(data), known[0]]).tobytes() + data


HEAD = 16
"""How many bytes of packed numbers tell whether they follow one another."""


def ends_of(head: bytes, count: int) -> tuple[int, int] | None:
    """Return the first and the last of packed numbers that follow one another.

    Returns:
        None where they do not, so that only all of them tell.
    """
    size, first = array("q", head)
    return (first, first + count - 1) if size < 0 else None


def unpacked(data: bytes, count: int) -> tuple[array[int], bytes]:
    """Get back the `count` numbers that `packed` packed, and what follows them."""
    size, first = array("q", data[:16])
    if size < 0:
        return array("q", range(first, first + count)), data[16:]
    return array("q", zlib.decompress(data[16 : 16 + size])), data[16 + size :]
