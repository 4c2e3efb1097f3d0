"""Read one JSON document with a header and records: any layout, streamed, bounded memory, what is broken said record by record.

The fast lane is any layout with the header in front: the stream is cut between records into blocks that a typed decoder takes as they
are. What is broken, and other documents, go through a scanner that decodes one record at a time. No database is needed here.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, Any

import msgspec

from bakeio_core.errors import DocumentError, Problem

__all__ = ["Block", "Document", "Format", "Gathered", "Limits"]

BLOCK = 1 << 20
TRIES = 32
"""How many places are tried for a cut between records: objects inside of records look like them."""
_RECORDS = re.compile(rb'"records"[ \t\r\n]*:[ \t\r\n]*\[([ \t\r\n]*)(?=\{)')
_TWO_ON_A_LINE = re.compile(rb"\}[ \t]*,[ \t]*\{")
_LIST_END = re.compile(rb"\}(?=[ \t\r\n]*\])")
_ON_A_LINE_OF_ITS_OWN = re.compile(rb"[ \t\r]*\n")
_pieces = msgspec.json.Decoder(list[msgspec.Raw]).decode
_KINDS = {"manifest_version": "manifest", "skipped_at": "skipped", "entity_type": "entity", "export_type": "view", "view_name": "view"}


@dataclass(frozen=True)
class Limits:
    """How much of a stranger's file is taken, in bytes and counts; raise one with `Bakeio.discover(limits=Limits(record=...))`."""

    record: int = 16 << 20
    manifest: int = 16 << 20
    members: int = 1000
    ratio: int = 200
    unpacked: int = 64 << 30
    forgiven: int = 4 << 20
    depth: int = 100


@dataclass(frozen=True)
class Format:
    """How a view is written to a file and read back besides JSON (the hook `bakeio_formats`).

    name: what it is called; suffix: the ending of its files, with the point; write(file, header, records) and
    read(file) -> (header, records) work on binary files.
    """

    name: str
    suffix: str
    write: Callable[[IO[bytes], dict[str, Any], Iterable[dict[str, Any]]], None]
    read: Callable[[IO[bytes]], tuple[dict[str, Any], Iterable[dict[str, Any]]]]


class Duplicated(dict[str, Any]):
    """A JSON object in which a name stood twice; `name` tells which."""

    name = ""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    duplicated = Duplicated(found)
    duplicated.name = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    return duplicated


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("Infinity")


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) < 40 else _decimal(text)


DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_float=_decimal, parse_int=_integer, parse_constant=float)


@dataclass
class Block:
    """Some records of a document, in order. `first` is the number of the first one, counted from 1.

    `data` is a JSON array in bytes and `texts` the JSON text of each record of it; None where only `items` (number, record or problem)
    could be had.
    """

    first: int
    data: bytes | None
    texts: Sequence[bytes | msgspec.Raw] = ()
    items: list[tuple[int, dict[str, Any] | Problem]] = field(default_factory=list)
    depth: int = Limits.depth

    def text(self, number: int) -> bytes:
        """Return the JSON text of a record of `data`."""
        return bytes(self.texts[number - self.first])

    def slow(self, file: str) -> list[tuple[int, dict[str, Any] | Problem]]:
        """Return every record as a plain dictionary, numbers as Decimal, and what is no JSON object as a problem."""
        if self.data is None:
            return self.items
        return [(number, self.slow_one(number, file)) for number in range(self.first, self.first + len(self.texts))]

    def slow_one(self, number: int, file: str) -> dict[str, Any] | Problem:
        """Return what `slow` gives of one record of `data`."""
        try:
            return as_record(DECODER.decode(self.text(number).decode()), number, file, self.depth)
        except ValueError as error:
            return Problem(code="bad-json", file=file, record=number, message=explain_json(error))
        except RecursionError:
            return too_deep(number, file)


def as_record(value: Any, number: int, file: str, depth: int) -> dict[str, Any] | Problem:
    """Return the value if it is a proper JSON object, no name twice in it and not nested deeper than `depth`, else the problem with it."""
    if not isinstance(value, dict):
        return Problem(
            code="bad-json", file=file, record=number, message=f"is not an object {{...}} but {json.dumps(value, default=str)[:40]}"
        )
    level: list[Any] = [value]
    while level:
        twice = next((item for item in level if isinstance(item, Duplicated)), None)
        if twice is not None:
            message = f'the field "{twice.name[:200]}" stands twice in it: remove one'
            return Problem(code="bad-json", file=file, record=number, field=twice.name[:200], message=message)
        if depth == 0:
            return too_deep(number, file)
        inside = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
        level, depth = [child for child in inside if isinstance(child, (dict, list))], depth - 1
    return value


def too_deep(number: int, file: str) -> Problem:
    """Return the problem of a record with lists and objects inside each other beyond the limit."""
    return Problem(code="too-large", file=file, record=number, message="is nested too deeply: no field wants that")


def explain_json(error: Exception) -> str:
    """Return one line on why text is not JSON."""
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8 text (byte {error.object[error.start]:#04x}): save the file as UTF-8"
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        near = error.doc[max(0, error.pos - 15) : error.pos + 15]
        return f"is not valid JSON: {error.msg[:1].lower()}{error.msg[1:]} near {json.dumps(near, ensure_ascii=False)}"
    return f"is not valid JSON: {error}"


class Document:
    """One file with a header and records, opened as often as it is read.

    name: how messages call it; open: a function returning it as a binary stream.
    Raises DocumentError (`bad-document`, `truncated`, `too-large`) from `header` and `blocks` where it cannot be read on.
    """

    def __init__(self, name: str, open_: Callable[[], IO[bytes]], limits: Limits | None = None) -> None:
        self.name, self.open, self.limits = name, open_, limits or Limits()
        self._header: dict[str, Any] | None = None
        self._start: re.Match[bytes] | None = None

    @classmethod
    def at(cls, path: Path, limits: Limits | None = None) -> Document:
        return cls(path.name, lambda: open(path, "rb"), limits)

    @property
    def header(self) -> dict[str, Any]:
        """Everything of the document but its records."""
        if self._header is None:
            self._header = self._read_header()
        return self._header

    @property
    def kind(self) -> str:
        """manifest, entity, view, skipped, or unknown."""
        return next((kind for name, kind in _KINDS.items() if name in self.header), "unknown")

    def _fail(self, code: str, message: str) -> DocumentError:
        return DocumentError(f"{self.name}: {message}", code=code)

    def _read_header(self) -> dict[str, Any]:
        with self.open() as file:
            head = file.read(BLOCK)
        if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise self._fail("bad-document", "is UTF-16 text: save it as UTF-8")
        if not head.strip():
            raise self._fail("bad-document", "is empty")
        start = _RECORDS.search(head)
        if start:
            try:
                header = DECODER.decode((head[: start.start()].removeprefix(codecs.BOM_UTF8) + b'"records":[]}').decode())
                if isinstance(header, dict) and not isinstance(header, Duplicated) and self._known(header):
                    self._start = start
                    return {name: value for name, value in header.items() if name != "records"}
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
                    break
        return header

    @staticmethod
    def _known(header: dict[str, Any]) -> bool:
        return any(name in header for name in _KINDS if name != "export_type")  # a view is known by its name alone

    def blocks(self, seen: Callable[[bytes], object] | None = None) -> Iterator[Block]:
        """Yield all records in blocks; `seen` is given every byte of the file once, in order (for a checksum)."""
        in_front = self.header and self._start
        with self.open() as raw:
            file = _Watched(raw, seen)
            if in_front:
                yield from self._cut(file, in_front)
            else:
                yield from _gathered(value for name, value in self._scan(file) if name is None)
            while file.read(BLOCK):
                pass

    def _cut(self, file: _Watched, start: re.Match[bytes]) -> Iterator[Block]:
        """Cut the stream between records; leave to the scanner what cannot be cut.

        Before the first record stands some white space; before each other one a comma and the same, or a space at most.
        """
        lead = start[1]
        joints = (b"}," + lead + b"{",) if b"\n" in lead else (b"},{", b"}, {")
        more = file.read(BLOCK)
        data, first, last = more[start.end() :], 1, False
        while not last:
            ended, cuts = len(more) < BLOCK, _joints(data, joints)
            if not (cuts or ended) and len(data) <= self.limits.record:
                more = file.read(BLOCK)
                data += more
                continue
            block, cut, last = (
                self._proper(first, data, cuts, ended) or self._broken(first, data, cuts, ended, joints[0]) or (None, 0, False)
            )
            if block is None:
                file.push(lead + data)
                scanner = _Scanner(file, self)
                yield from _gathered(scanner.records(first - 1))
                return self._check_end("]" + scanner.rest())
            yield block
            first += len(block.texts)
            if not last:
                more = file.read(BLOCK)
                data = data[cut:].lstrip()[1:].lstrip() + more
        file.push(data[cut:])
        self._check_end(_Scanner(file, self).rest())

    def _proper(self, first: int, data: bytes, cuts: list[int], ended: bool) -> tuple[Block, int, bool] | None:
        """Return the records up to the first place where that is proper JSON, the place, and whether the list ends there."""
        for cut, last in _places(data, cuts, ended):
            array = b"".join((b"[", memoryview(data)[:cut], b"]"))
            with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return Block(first, array, _pieces(array), depth=self.limits.depth), cut, last
        return None

    def _broken(self, first: int, data: bytes, cuts: list[int], ended: bool, joint: bytes) -> tuple[Block, int, bool] | None:
        """Return what `_proper` does where some records are no JSON, if line ends say for certain where each of them begins and ends."""
        lead = joint[2:-1]
        for cut, last in _places(data, cuts, ended) if b"\n" in lead else ():
            whole = data[:cut]
            texts = whole.split(joint)
            count = len(texts)
            if lead.endswith(b"\n"):
                certain = whole.count(b"\n") == (count - 1) * lead.count(b"\n")
                certain = certain and (whole.count(b"{") == count or not _TWO_ON_A_LINE.search(whole))
            else:
                certain = whole.count(lead + b"{") == count - 1 and whole.count(lead + b"}") == count and whole.endswith(lead + b"}")
            if certain and (not last or _ON_A_LINE_OF_ITS_OWN.match(data, cut)):
                texts = [b"{" * (place > 0) + text + b"}" * (place < count - 1) for place, text in enumerate(texts)]
                return Block(first, b"[" + whole + b"]", texts, depth=self.limits.depth), cut, last
        return None

    def _check_end(self, rest: str) -> None:
        """After the records only the end of the document may come, or more of its header."""
        try:
            end = DECODER.decode('{"records": [' + rest)
        except (ValueError, RecursionError) as error:
            text = rest.strip()
            if text.startswith("]") and not text.endswith("}"):
                raise self._fail("truncated", "ends before its last }: get a complete copy of it") from None
            raise self._fail("bad-document", f"after its records it {explain_json(error)}") from None
        twice = end.name if isinstance(end, Duplicated) else next((name for name in end if name in self.header), None)
        if twice is not None:
            raise self._stands_twice(twice)

    def _stands_twice(self, name: str) -> DocumentError:
        return self._fail("bad-document", f'the field "{name}" stands twice in the header')

    def _scan(self, file: IO[bytes] | _Watched) -> Iterator[tuple[str | None, Any]]:
        """Yield (name, value) for each header field and (None, (number, record or problem)) for each record, in the order of the file."""
        scanner = _Scanner(file, self)
        opening = scanner.peek()
        if opening == "[":
            scanner.take()
            yield from ((None, item) for item in scanner.records())
            return scanner.end()
        if opening != "{":
            raise self._fail("bad-document", "is not a JSON document: it must begin with {")
        scanner.take()
        while scanner.peek() != "}":
            name = scanner.value("a field name")
            if not isinstance(name, str) or scanner.peek() != ":":
                raise self._fail("bad-document", f"is not valid JSON after {json.dumps(name, default=str)[:40]}")
            scanner.take()
            if name == "records" and scanner.peek() == "[":
                scanner.take()
                yield from ((None, item) for item in scanner.records())
            else:
                yield name, scanner.value(name)
            if scanner.peek() == ",":
                scanner.take()
                if scanner.peek() == "}":
                    raise self._fail("bad-document", f'a comma stands after its last field, "{name}"')
            elif scanner.peek() != "}":
                raise self._fail("bad-document", f'is not valid JSON after the field "{name}": a comma or }} is missing')
        scanner.take()
        scanner.end()


class Gathered(Document):
    """Records of a document that were read already, under a header of their own; they keep the numbers they have in that document."""

    def __init__(self, document: Document, header: dict[str, Any], items: list[tuple[int, dict[str, Any] | Problem]]) -> None:
        super().__init__(document.name, document.open, document.limits)
        self._header, self._items = header, items

    def blocks(self, seen: Callable[[bytes], object] | None = None) -> Iterator[Block]:
        """Yield the records in blocks; a checksum of bytes is not theirs, so `seen` is given nothing."""
        return _gathered(self._items)


class _Watched:
    """A binary stream whose bytes are shown to somebody once, and of which a piece can be pushed back."""

    def __init__(self, file: IO[bytes], seen: Callable[[bytes], object] | None) -> None:
        self.file, self.seen, self.pushed = file, seen, b""

    def push(self, data: bytes) -> None:
        self.pushed = data + self.pushed

    def read(self, size: int) -> bytes:
        if self.pushed:
            data, self.pushed = self.pushed, b""
            return data
        data = self.file.read(size)
        if self.seen and data:
            self.seen(data)
        return data


def _joints(data: bytes, joints: Iterable[bytes]) -> list[int]:
    """Return where records may end and others begin, the last place first."""
    cuts, end = list[int](), len(data)
    while len(cuts) < TRIES and (at := max(data.rfind(joint, 0, end) for joint in joints)) >= 0:
        end = at + 1
        cuts.append(end)
    return cuts


def _places(data: bytes, cuts: list[int], ended: bool) -> Iterator[tuple[int, bool]]:
    """Yield where a block may end, and whether the list of records ends there; ended: the stream did, so that this is likely."""
    if not ended:
        yield from ((cut, False) for cut in cuts)
    yield from ((found.end(), True) for found in reversed(deque(_LIST_END.finditer(data), TRIES)))
    if ended:
        yield from ((cut, False) for cut in cuts)


def _gathered(items: Iterable[tuple[int, dict[str, Any] | Problem]]) -> Iterator[Block]:
    batch: list[tuple[int, dict[str, Any] | Problem]] = []
    for item in items:
        batch.append(item)
        if len(batch) == 1000:
            yield Block(batch[0][0], None, items=batch)
            batch = []
    if batch:
        yield Block(batch[0][0], None, items=batch)


class _Scanner:
    """Decode a stream of JSON text value by value, with a window that grows only to the size of one value."""

    def __init__(self, file: IO[bytes] | _Watched, document: Document) -> None:
        self.file, self.document = file, document
        self.utf8 = codecs.getincrementaldecoder("utf-8-sig")()
        self.text, self.at, self.ended = "", 0, False

    def more(self) -> bool:
        if self.ended:
            return False
        if len(self.text) - self.at > self.document.limits.record:
            raise self.document._fail("too-large", f"holds a value of more than {self.document.limits.record >> 20} MiB")
        data = self.file.read(max(BLOCK, len(self.text) - self.at))
        self.ended = not data
        try:
            self.text, self.at = self.text[self.at :] + self.utf8.decode(data, final=self.ended), 0
        except UnicodeDecodeError as error:
            raise self.document._fail("bad-document", explain_json(error)) from None
        return not self.ended

    def peek(self, end_ok: bool = False) -> str:
        while True:
            while self.at < len(self.text):
                if self.text[self.at] not in " \t\r\n":
                    return self.text[self.at]
                self.at += 1
            if not self.more():
                if end_ok:
                    return ""
                raise self.document._fail("truncated", "ends in the middle: get a complete copy of it")

    def take(self) -> None:
        self.at += 1

    def rest(self) -> str:
        """Read to the end of the stream and return what was not taken."""
        while self.more():
            pass
        return self.text[self.at :]

    def end(self) -> None:
        if self.peek(end_ok=True):
            raise self.document._fail("bad-document", "has more text after its end")

    def value(self, what: str) -> Any:
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                cut_short = error.msg.startswith("Unterminated") or error.pos >= len(self.text) - 16
                if cut_short and self.more():
                    continue
                code = "truncated" if cut_short and self.ended else "bad-document"
                remedy = ". Get a complete copy of it" if code == "truncated" else ""
                raise self.document._fail(code, f"{what}: {explain_json(error)}{remedy}") from error
            except RecursionError as error:
                raise self.document._fail("too-large", f"{what}: {explain_json(error)}") from error
            if end < len(self.text) or self.ended:
                self.at = end
                return value
            self.more()  # a number may go on behind the window

    def records(self, number: int = 0) -> Iterator[tuple[int, dict[str, Any] | Problem]]:
        """Yield the elements of a list whose opening bracket (or `number` elements) lies behind, up to its end."""
        name = self.document.name
        while self.peek() != "]":
            number += 1
            indent = self._indent()
            try:
                item = as_record(self.value(f"record {number}"), number, name, self.document.limits.depth)
            except DocumentError as error:
                deep = isinstance(error.__cause__, RecursionError)
                if not (deep or error.code == "bad-document") or indent is None or not self._next_line(indent):
                    raise
                broken = Problem(code="bad-json", file=name, record=number, message=str(error).split(": ", 2)[-1])
                yield number, too_deep(number, name) if deep else broken
                continue
            yield number, item
            if self.peek() == ",":
                self.take()
                if self.peek() == "]":
                    raise self.document._fail("bad-document", f"a comma stands after the last record ({number})")
            elif self.peek() != "]":
                raise self.document._fail("bad-document", f"a comma is missing after record {number}")
        self.take()

    def _indent(self) -> str | None:
        """Return the white space before the record on its line, None where it does not begin one."""
        line = self.text.rfind("\n", max(0, self.at - 1000), self.at)
        before = self.text[line + 1 : self.at] if line >= 0 else "no line"
        return None if before.strip() else before

    def _next_line(self, indent: str) -> bool:
        """Go on at the next line that begins like the broken record's did."""
        start = re.compile(r"\n" + re.escape(indent) + r"(?=[{\[])")
        at = self.at
        while True:
            found = start.search(self.text, at)
            if found:
                self.at = found.end()
                return True
            if not self.more():
                return False
            at = 0
