"""Read one JSON document with a header and records: any layout, streamed, in bounded memory.

What is broken is said record by record. The fast lane is any layout with the header in front: the
stream is cut between records into blocks that a typed decoder takes as they are. What is broken,
and other documents, go through a scanner that decodes one record at a time. No database is needed.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from bakeio_core.errors import DocumentError, Problem
from bakeio_core.files.documents import scanner
from bakeio_core.files.documents.behind import COUNTS, fields_behind
from bakeio_core.files.documents.blocks import (
    Block,
    broken_block,
    in_blocks,
    pieces,
    places_to_cut,
    record_boundaries,
)
from bakeio_core.files.documents.limits import Limits
from bakeio_core.files.documents.scanner import (
    DECODER,
    Duplicated,
    HashingReader,
    Scanner,
    explain_json,
    failed,
)

T = TypeVar("T")
RECORDS = "records"
"""The field of a document that holds the list of its records."""
_RECORDS = re.compile(rb'"records"[ \t\r\n]*:[ \t\r\n]*\[([ \t\r\n]*)(?=\{)')
_KINDS = {
    "manifest_version": "manifest",
    "skipped_at": "skipped",
    "entity_type": "entity",
    "export_type": "view",
    "view_name": "view",
}


@dataclass(frozen=True)
class ReadFile:
    """What a file was found to hold that was read to its end.

    Attributes:
        name: How messages call it.
        header: Everything of it but its records.
        count: How many records it has.
        sha256: Of its bytes, in hexadecimal.
    """

    name: str
    header: dict[str, Any]
    count: int
    sha256: str


class Document:
    """One file with a header and records, opened as often as it is read.

    Args:
        name: how messages call it.
        open_: a function returning it as a binary stream.
        limits: how much of it is taken.

    Raises:
        DocumentError: (`bad-document`, `truncated`, `too-large`) from `header` and `blocks` where
            it cannot be read on.
    """

    def __init__(
        self, name: str, open_: Callable[[], IO[bytes]], limits: Limits | None = None
    ) -> None:
        self.name, self.open, self.limits = name, open_, limits or Limits()
        self._header: dict[str, Any] | None = None
        self._behind: dict[str, Any] = {}
        self._start: tuple[bytes, int] | None = None  # white space before a record, where it ends
        self._has_records = False
        self.is_cut = False
        """Whether it is what was whole of a text that was cut off."""
        self.has_cells = False
        """Whether its values were cells, read and shown in the way of a country."""

    @classmethod
    def at(cls, path: Path, limits: Limits | None = None) -> Document:
        return cls(path.name, lambda: open(path, "rb"), limits)

    @property
    def header(self) -> dict[str, Any]:
        """Everything of the document but its records."""
        return self._known_header()

    def _known_header(self) -> dict[str, Any]:
        if self._header is None:
            self._header = self._read_header()
        return self._header

    @property
    def kind(self) -> str:
        """manifest, entity, view, skipped, or unknown."""
        return next((kind for name, kind in _KINDS.items() if name in self.header), "unknown")

    @property
    def has_records(self) -> bool:
        """Whether it holds a list of records, and be it an empty one."""
        self._known_header()
        return self._has_records

    def place(self, number: int, field: str = "") -> str:
        """Return where a record, or a field of it, stands; empty where its number says that."""
        return ""

    def position(self, number: int) -> tuple[str, int]:
        """Return in which file a record stands, and its number there."""
        return self.name, number

    def by_file(
        self, items: Sequence[T], numbers: Sequence[int]
    ) -> Iterator[tuple[str, Sequence[T], Sequence[int]]]:
        """Yield what belongs to its records by the file they stand in, with the numbers there.

        Args:
            items: What belongs to them.
            numbers: The number of each one's record.
        """
        yield self.name, items, numbers

    def files_read(self, count: int, sha256: str) -> list[ReadFile]:
        """Return what its files were found to hold, now that all of it was read.

        Args:
            count: How many records it was.
            sha256: That of its bytes.
        """
        return [ReadFile(self.name, self.header, count, sha256)]

    def settled(self, name: str, value: Any) -> Any:
        """Return what a value of a field means, now that the whole document was seen.

        Raises:
            BadValue: Nobody can say; it says why.
        """
        return value

    def said(self, value: Any) -> Any:
        """Return a value of a field as a person sees it in the file."""
        return value

    @property
    def restored(self) -> Counter[tuple[str, str]]:
        """How many values of a field came back from what a program did to them: (field, what)."""
        return Counter()

    def notes(self, entity: str) -> Iterator[Problem]:
        """Say how its records were read, where that was not plain."""
        return iter(())

    def _fail(self, code: str, message: str) -> DocumentError:
        return failed(self.name, code, message)

    def _read_header(self) -> dict[str, Any]:
        with self.open() as file:
            head = file.read(scanner.BLOCK)
        if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise self._fail("bad-document", "is UTF-16 text: save it as UTF-8")
        if not head.removeprefix(codecs.BOM_UTF8).strip():
            raise self._fail("bad-document", "is empty")
        start = _RECORDS.search(head)
        if start:
            front = head[: start.start()].removeprefix(codecs.BOM_UTF8) + b'"records":[]}'
            try:
                header = DECODER.decode(front.decode())
                is_proper = isinstance(header, dict) and not isinstance(header, Duplicated)
                if is_proper and self._known(header):
                    self._start, self._has_records = (start[1], start.end()), True
                    return self._with_the_rest(header)
            except (ValueError, RecursionError):
                pass
        header = {}
        with self.open() as file:
            for name, value in self._scan(file):
                if name is not None:
                    if name in header:
                        raise self._stands_twice(name)
                    header[name] = value
                elif self._known(header):
                    return self._with_the_rest(header)
        return header

    def _with_the_rest(self, header: dict[str, Any]) -> dict[str, Any]:
        """Return the fields in front of the records, and those behind."""
        front = {name: value for name, value in header.items() if name != RECORDS}
        self._behind = fields_behind(self.open, self._scan, front)
        return {**front, **self._behind}

    @staticmethod
    def _known(header: dict[str, Any]) -> bool:
        # a view is known by its name alone
        return any(name in header for name in _KINDS if name != "export_type")

    def blocks(self, seen: Callable[[bytes], object] | None = None) -> Iterator[Block]:
        """Yield all records in blocks.

        Args:
            seen: is given every byte of the file once, in order (for a checksum).
        """
        in_front = self.header and self._start
        if not self._has_records:
            raise self._fail("bad-document", 'has no list of records, "records": [...]')
        with self.open() as raw:
            file = HashingReader(raw, seen)
            if in_front:
                yield from self._cut(file, *in_front)
            else:
                yield from in_blocks(self._records_of(file))
            while file.read(scanner.BLOCK):
                pass

    def _records_of(self, file: HashingReader) -> Iterator[Any]:
        has_records = False
        for name, value in self._scan(file):
            if name is None:
                has_records = True
                yield value
            elif has_records:
                self._refuse_more_records(name, value)

    def _cut(self, file: HashingReader, lead: bytes, start: int) -> Iterator[Block]:
        """Cut the stream between records; leave to the scanner what cannot be cut.

        The first record begins at `start`, behind some white space, `lead`; before each other one
        stand a comma and the same, or a space at most.
        """
        joints = (b"}," + lead + b"{",) if b"\n" in lead else (b"},{", b"}, {")
        more = file.read(scanner.BLOCK)
        data, first, last = more[start:], 1, False
        before: Block | None = None
        while not last:
            ended, cuts = len(more) < scanner.BLOCK, record_boundaries(data, joints)
            if not (cuts or ended) and len(data) <= self.limits.record:
                more = file.read(scanner.BLOCK)
                data += more
                continue
            block, cut, last = (
                self._proper(first, data, cuts, ended)
                or broken_block(first, data, cuts, ended, joints[0], self.limits.depth)
                or (None, 0, False)
            )
            if block is None:
                file.push(lead + data)
                json_text = Scanner(file, self.name, self.limits)
                whole = before.as_dict(first - 1, self.name) if before is not None else None
                yield from in_blocks(json_text.records(first - 1, whole))
                return self._check_end("]" + json_text.rest())
            yield block
            first += len(block.texts)
            before = Block(first - 1, b"", [block.text(first - 1)], depth=self.limits.depth)
            del block  # it need not wait in memory beside the next one
            if not last:
                more = file.read(scanner.BLOCK)
                data = data[cut:].lstrip()[1:].lstrip() + more
        file.push(data[cut:])
        self._check_end(Scanner(file, self.name, self.limits).rest())

    def _proper(
        self, first: int, data: bytes, cuts: list[int], ended: bool
    ) -> tuple[Block, int, bool] | None:
        """Return the records up to the first place where that is proper JSON.

        Returns:
            the block, the place, and whether the list ends there; None where there is no such.
        """
        for cut, last in places_to_cut(data, cuts, ended):
            array = b"".join((b"[", memoryview(data)[:cut], b"]"))
            with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return Block(first, array, pieces(array), depth=self.limits.depth), cut, last
        return None

    def _check_end(self, rest: str) -> None:
        """After the records only the end of the document may come, or more of its header."""
        try:
            end = DECODER.decode('{"records": [' + rest)
        except (ValueError, RecursionError) as error:
            text = rest.strip()
            if text.startswith("]") and not text.endswith("}"):
                cut = "ends before its last }: get a complete copy of it"
                raise self._fail("truncated", cut) from None
            said = f"after its records it {explain_json(error)}"
            raise self._fail("bad-document", said) from None
        twice = (
            end.name
            if isinstance(end, Duplicated)
            else next((n for n in end if n in self.header and n not in self._behind), None)
        )
        if twice is not None:
            raise self._stands_twice(twice)
        for name, value in end.items():
            self._refuse_more_records(name, value)

    def _refuse_more_records(self, name: str | None, value: Any) -> None:
        """Raise where what stands behind the records would not be read: more of them, say."""
        if name in COUNTS and name not in self.header:
            raise self._fail("bad-document", f'has its "{name}" behind its records: put it before')
        is_list = name != RECORDS and isinstance(value, list) and value
        if is_list and self.kind == "view" and all(isinstance(item, dict) for item in value):
            raise self._fail(
                "bad-document",
                f'has records in "records" and in "{name}": put all that are meant into "records"',
            )

    def _stands_twice(self, name: str) -> DocumentError:
        return self._fail("bad-document", f'the field "{name}" appears twice in the header')

    def _scan(self, file: IO[bytes] | HashingReader) -> Iterator[tuple[str | None, Any]]:
        """Yield what stands in the file, in its order.

        Returns:
            (name, value) of a header field, (None, (number, record or problem)) of a record.
        """
        json_text = Scanner(file, self.name, self.limits)
        opening = json_text.peek()
        if opening == "[":
            json_text.take()
            self._has_records = True
            yield from ((None, item) for item in json_text.records())
            return json_text.end()
        if opening != "{":
            raise self._fail("bad-document", "is not a JSON document: it must begin with {")
        json_text.take()
        while json_text.peek() != "}":
            name = json_text.value("a field name")
            if not isinstance(name, str) or json_text.peek() != ":":
                raise self._fail(
                    "bad-document", f"is not valid JSON after {json.dumps(name, default=str)[:40]}"
                )
            json_text.take()
            if name == RECORDS and json_text.peek() == "[":
                json_text.take()
                self._has_records = True
                yield from ((None, item) for item in json_text.records())
            else:
                yield name, json_text.value(name)
            if json_text.peek() == ",":
                json_text.take()
                if json_text.peek() == "}":
                    raise self._fail(
                        "bad-document", f'there is a comma after its last field, "{name}"'
                    )
            elif json_text.peek() != "}":
                raise self._fail(
                    "bad-document",
                    f'is not valid JSON after the field "{name}": a comma or }} is missing',
                )
        json_text.take()
        json_text.end()
