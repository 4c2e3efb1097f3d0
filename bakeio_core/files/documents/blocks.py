"""Blocks of records, and where a stream of JSON may be cut between records."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bakeio_core.errors import Problem
from bakeio_core.files.documents.limits import Limits
from bakeio_core.files.documents.scanner import (
    DECODER,
    BrokenRecord,
    as_record,
    explain_json,
    too_deep,
)

TRIES = 32
"""How many places are tried for a cut between records: objects inside of records look like them."""
_TWO_ON_A_LINE = re.compile(rb"\}[ \t]*,[ \t]*\{")
_LIST_END = re.compile(rb"\}(?=[ \t\r\n]*\])")
_ON_A_LINE_OF_ITS_OWN = re.compile(rb"[ \t\r]*\n")
pieces = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass
class Block:
    """Some records of a document, in order.

    Args:
        first: the number of the first one, counted from 1.
        data: a JSON array of them in bytes; None where only `items` could be had.
        texts: the JSON text of each record of `data`.
        items: (number, record or problem), where there is no `data`.
        depth: how deep a record may be nested.
    """

    first: int
    data: bytes | None
    texts: Sequence[bytes | msgspec.Raw] = ()
    items: list[tuple[int, dict[str, Any] | Problem]] = field(default_factory=list)
    depth: int = Limits.depth

    def text(self, number: int) -> bytes:
        """Return the JSON text of a record of `data`."""
        return bytes(self.texts[number - self.first])

    def as_dicts(
        self, file: str, numbers: Collection[int] | None = None
    ) -> list[tuple[int, dict[str, Any] | Problem]]:
        """Return every record, or those of some numbers, as (number, record).

        Records are plain dictionaries, numbers `Decimal`; what is not a JSON object is a problem.
        """
        if self.data is None:
            return [item for item in self.items if numbers is None or item[0] in numbers]
        return [
            (number, self.as_dict(number, file))
            for number in range(self.first, self.first + len(self.texts))
            if numbers is None or number in numbers
        ]

    def as_dict(self, number: int, file: str) -> dict[str, Any] | Problem:
        """Return what `as_dicts` gives of one record of `data`."""
        data = self.text(number)
        text = data.decode("utf-8", "backslashreplace")
        try:
            return as_record(DECODER.decode(data.decode()), number, file, self.depth, text)
        except ValueError as error:
            known = {"code": "bad-json", "file": file, "record": number}
            return BrokenRecord.of(text, **known, message=explain_json(error))
        except RecursionError:
            return too_deep(number, file, text)


def record_boundaries(data: bytes, joints: Iterable[bytes]) -> list[int]:
    """Return where records may end and others begin, the last place first."""
    cuts, end = list[int](), len(data)
    while len(cuts) < TRIES and (at := max(data.rfind(joint, 0, end) for joint in joints)) >= 0:
        end = at + 1
        cuts.append(end)
    return cuts


def places_to_cut(data: bytes, cuts: list[int], ended: bool) -> Iterator[tuple[int, bool]]:
    """Yield where a block may end, and whether the list of records ends there.

    Args:
        data: the stream so far, from its first record.
        cuts: what `record_boundaries` gives of it.
        ended: whether the stream did, so that the end of the list is likely.
    """
    if not ended:
        yield from ((cut, False) for cut in cuts)
    yield from ((found.end(), True) for found in reversed(deque(_LIST_END.finditer(data), TRIES)))
    if ended:
        yield from ((cut, False) for cut in cuts)


def in_blocks(items: Iterable[tuple[int, dict[str, Any] | Problem]]) -> Iterator[Block]:
    """Yield decoded records in blocks of 1,000."""
    batch: list[tuple[int, dict[str, Any] | Problem]] = []
    for item in items:
        batch.append(item)
        if len(batch) == 1000:
            yield Block(batch[0][0], None, items=batch)
            batch = []
    if batch:
        yield Block(batch[0][0], None, items=batch)


def broken_block(
    first: int, data: bytes, cuts: list[int], ended: bool, joint: bytes, depth: int
) -> tuple[Block, int, bool] | None:
    """Return what `Document._proper` does where some records are no JSON.

    That can be done if line ends say for certain where each of them begins and ends.
    """
    lead = joint[2:-1]
    for cut, last in places_to_cut(data, cuts, ended) if b"\n" in lead else ():
        whole = data[:cut]
        texts = whole.split(joint)
        count = len(texts)
        if lead.endswith(b"\n"):
            certain = whole.count(b"\n") == (count - 1) * lead.count(b"\n")
            certain = certain and (whole.count(b"{") == count or not _TWO_ON_A_LINE.search(whole))
        else:
            certain = (
                whole.count(lead + b"{") == count - 1
                and whole.count(lead + b"}") == count
                and whole.endswith(lead + b"}")
            )
        if certain and (not last or _ON_A_LINE_OF_ITS_OWN.match(data, cut)):
            texts = [
                b"{" * (place > 0) + text + b"}" * (place < count - 1)
                for place, text in enumerate(texts)
            ]
            return Block(first, b"[" + whole + b"]", texts, depth=depth), cut, last
    return None
