"""Decode JSON value by value, with a window that grows only to the size of one value."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import IO, Any

import msgspec

from bakeio_core.errors import DocumentError, Problem
from bakeio_core.files.documents.limits import Limits
from bakeio_core.values.wording import shown

BLOCK = 1 << 19


def failed(name: str, code: str, message: str) -> DocumentError:
    """Return the error of a document that cannot be read on."""
    return DocumentError(f"{name}: {message}", code=code)


class Duplicated(dict[str, Any]):
    """A JSON object in which a name stood twice; `name` tells which."""

    name = ""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    duplicated = Duplicated(found)
    for name, _ in pairs:
        if name in seen:
            duplicated.name = name
            break
        seen.add(name)
    return duplicated


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("Infinity")


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) < 40 else _decimal(text)


DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_float=_decimal, parse_int=_integer, parse_constant=float
)


class BrokenRecord(Problem, dict=True):
    """What is not a record, with the text that stands there in its place; no report shows that."""

    @classmethod
    def of(cls, text: str, **known: Any) -> BrokenRecord:
        """Return the problem of a text; `known` are the fields of a `Problem`."""
        problem = cls(**known)
        problem.__dict__["text"] = text
        return problem

    @property
    def text(self) -> str:
        return str(self.__dict__["text"])


def as_record(
    value: Any, number: int, file: str, depth: int, text: str
) -> dict[str, Any] | BrokenRecord:
    """Return the value if it is a proper JSON object, else the problem with it.

    In a proper one no name stands twice, and nothing is nested deeper than `depth`.

    Args:
        value: The value.
        number: Its number among the records.
        file: Where it stands.
        depth: How deep it may be nested.
        text: What it was decoded from.
    """
    if not isinstance(value, dict):
        return BrokenRecord.of(
            text,
            code="bad-json",
            file=file,
            record=number,
            message=f"is not an object {{...}} but {json.dumps(value, default=str)[:40]}",
        )
    level: list[Any] = [value]
    while level:
        twice = next((item for item in level if isinstance(item, Duplicated)), None)
        if twice is not None:
            message = f'the field "{twice.name[:200]}" appears twice in it: remove one'
            name = twice.name[:200]
            where = {"file": file, "record": number, "field": name}
            return BrokenRecord.of(text, code="bad-json", **where, message=message)
        if depth == 0:
            return too_deep(number, file, text)
        inside = [
            child for item in level for child in (item.values() if isinstance(item, dict) else item)
        ]
        level, depth = [child for child in inside if isinstance(child, (dict, list))], depth - 1
    return value


def too_deep(number: int, file: str, text: str) -> BrokenRecord:
    """Return the problem of a record with lists and objects inside each other beyond the limit."""
    return BrokenRecord.of(
        text,
        code="too-large",
        file=file,
        record=number,
        message="is nested too deeply: no field needs that",
    )


_LEFT_OUT = "is in the place of a value: something is missing here. Get the complete file"
_QUOTES = 'are in the place of ": write plain quotes'
_MARKS = {
    "...": f'"..." {_LEFT_OUT}',
    "\u2026": f'"\u2026" {_LEFT_OUT}',
    "'": f"single quotes (') {_QUOTES}",
    **{
        mark: f"typographic quotes ({mark}) {_QUOTES}"
        for mark in "\u201c\u201d\u201e\u201f\u00ab\u00bb"
    },
}
"""What stands in place of JSON in files that people and assistants write, and what to do."""


def explain_json(error: Exception) -> str:
    """Return one line on why text is not JSON."""
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8 text (byte {error.object[error.start]:#04x}): save the file as UTF-8"
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        if error.msg.startswith("Invalid control character"):
            return "a text contains a line break or a tab: write \\n or \\t there"
        seen = next(
            (why for mark, why in _MARKS.items() if error.doc.startswith(mark, error.pos)), ""
        )
        if seen:
            return seen
        near = error.doc[max(0, error.pos - 15) : error.pos + 15]
        said, shown = error.msg[:1].lower() + error.msg[1:], json.dumps(near, ensure_ascii=False)
        return f"is not valid JSON: {said} near {shown}"
    return f"is not valid JSON: {error}"


_BEGUN = re.compile(r"[-.]?[\d.eE+-]*\Z|\\?u?[0-9a-fA-F]{0,4}\"?\Z|[a-zA-Z]{1,8}\Z")
"""What is left of a value whose end is missing."""


def _is_cut(error: json.JSONDecodeError) -> bool:
    """Tell whether text is not JSON only because its end is missing."""
    rest = error.doc[error.pos :].strip(" \t\r\n")
    return error.msg.startswith("Unterminated") or bool(_BEGUN.match(rest))


class HashingReader:
    """A binary stream whose bytes are shown to somebody once.

    A piece of it can be pushed back.
    """

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


class Scanner:
    """Decode a stream of JSON text value by value.

    Its window grows only to the size of one value; `taken` is the text of the last one.
    """

    def __init__(self, file: IO[bytes] | HashingReader, name: str, limits: Limits) -> None:
        self.file, self.name, self.limits = file, name, limits
        self.utf8 = codecs.getincrementaldecoder("utf-8-sig")()
        self.text, self.at, self.ended = "", 0, False
        self.taken = ""

    def more(self, what: str = "") -> bool:
        """Read on; tell whether there is more. `what` is the value that is being read."""
        if self.ended:
            return False
        if len(self.text) - self.at > self.limits.record:
            said = f"holds a value of more than {self.limits.record >> 20} MiB"
            raise failed(self.name, "too-large", f"{said} ({what})" if what else said)
        data = self.file.read(max(BLOCK, len(self.text) - self.at))
        self.ended = not data
        try:
            self.text, self.at = self.text[self.at :] + self.utf8.decode(data, final=self.ended), 0
        except UnicodeDecodeError as error:
            raise failed(self.name, "bad-document", explain_json(error)) from None
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
                raise failed(
                    self.name, "truncated", "ends in the middle: get a complete copy of it"
                )

    def take(self) -> None:
        self.at += 1

    def rest(self) -> str:
        """Read to the end of the stream and return what was not taken."""
        while self.more():
            pass
        return self.text[self.at :]

    def end(self) -> None:
        if self.peek(end_ok=True):
            raise failed(
                self.name,
                "bad-document",
                "has more text after its end: put all records into one list",
            )

    def value(self, what: str) -> Any:
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                cut_short = error.msg.startswith("Unterminated") or error.pos >= len(self.text) - 16
                if cut_short and self.more(what):
                    continue
                said = explain_json(error)
                if said in _MARKS.values() or not (self.ended and _is_cut(error)):
                    raise failed(self.name, "bad-document", f"{what}: {said}") from error
                cut = f"ends in the middle of {what}"
                raise failed(self.name, "truncated", f"{cut}: get a complete copy of it") from error
            except RecursionError as error:
                raise failed(self.name, "too-large", f"{what}: {explain_json(error)}") from error
            if end < len(self.text) or self.ended:
                self.taken, self.at = self.text[self.at : end], end
                return value
            self.more(what)  # a number may go on behind the window

    def records(
        self, number: int = 0, last: dict[str, Any] | Problem | None = None
    ) -> Iterator[tuple[int, dict[str, Any] | Problem]]:
        """Yield the elements of a list up to its end.

        Its opening bracket (or `number` elements, of which `last` is the last) lies behind.
        """
        place = number
        try:
            for place, last in self._records(number):
                yield place, last
        except DocumentError as error:
            if error.code != "truncated" or not place:
                raise
            named = list(last.items())[:2] if isinstance(last, dict) else []
            called = ", ".join(f"{name} {shown(value, 40)}" for name, value in named)
            rest = f"record {place} is the last complete one" + (f" ({called})" if called else "")
            raise DocumentError(f"{error}; {rest}: continue after it", code=error.code) from error

    def _records(self, number: int) -> Iterator[tuple[int, dict[str, Any] | Problem]]:
        name = self.name
        while self.peek() != "]":
            number += 1
            indent = self._indent()
            try:
                value = self.value(f"record {number}")
                item = as_record(value, number, name, self.limits.depth, self.taken)
            except DocumentError as error:
                deep = isinstance(error.__cause__, RecursionError)
                if (
                    not (deep or error.code == "bad-document")
                    or indent is None
                    or (passed := self._next_line(indent)) is None
                ):
                    raise
                message = str(error).split(": ", 2)[-1]
                known = {"code": "bad-json", "file": name, "record": number, "message": message}
                broken = BrokenRecord.of(passed, **known)
                yield number, too_deep(number, name, passed) if deep else broken
                continue
            yield number, item
            if self.peek() == ",":
                self.take()
                if self.peek() == "]":
                    raise failed(
                        self.name,
                        "bad-document",
                        f"there is a comma after the last record ({number})",
                    )
            elif self.peek() != "]":
                raise failed(self.name, "bad-document", f"a comma is missing after record {number}")
        self.take()

    def _indent(self) -> str | None:
        """Return the white space before the record on its line, None where no line begins so."""
        line = self.text.rfind("\n", max(0, self.at - 1000), self.at)
        before = self.text[line + 1 : self.at] if line >= 0 else "no line"
        return None if before.strip() else before

    def _next_line(self, indent: str) -> str | None:
        """Go on at the next line that begins like the broken record's did.

        Returns:
            The text that was passed over, None where there is no such line.
        """
        start = re.compile(r"\n" + re.escape(indent) + r"(?=[{\[])")
        at = self.at
        while True:
            found = start.search(self.text, at)
            if found:
                passed = self.text[self.at : found.start()].rstrip().removesuffix(",")
                self.at = found.end()
                return passed
            if not self.more():
                return None
            at = 0


def is_json(data: bytes) -> bool:
    """Tell whether bytes are one JSON list or object and nothing else."""
    text = data.removeprefix(b"\xef\xbb\xbf")
    if text.lstrip()[:1] not in (b"{", b"["):
        return False
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True
