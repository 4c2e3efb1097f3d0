"""Turn blocks of a document into records of wire values: typed and fast where nothing is doubtful, else slowly and with explanations."""

from __future__ import annotations

import difflib
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import Any

import msgspec

from bakeio_core.errors import Problem, Problems, counted
from bakeio_core.files.blocks import Block
from bakeio_core.importing.sources import CONTEXT, Part
from bakeio_core.values.numbers import Decimal
from bakeio_core.values.text import Json
from bakeio_core.values.wording import BadValue, jsonable

MOST_NAMES = 1000
"""How many different unknown field names are looked at and told; a file with more is not misspelt."""
OTHERS = "(other names)"


@dataclass(slots=True)
class Record:
    """One record as read: known fields only, wire values. `bad` tells that a problem of it has been reported."""

    number: int
    values: dict[str, Any]
    bad: bool = False


class Reader:
    """Read the blocks of one part. `unknown` counts fields nobody knows; problems go to `problems`.

    `typed(block)` gives objects with the attributes `names` maps to, or None where the block wants the slow reader.
    """

    def __init__(self, part: Part, problems: Problems) -> None:
        self.part, self.problems = part, problems
        self.unknown: Counter[str] = Counter()
        self.names: dict[str, str] = {}
        self.total = 0
        self._type: Any = None
        self._decoder: Any = None
        self._fields = 0
        self._extra: list[str] = []
        self._nests = False
        self._order: list[str] = []
        self._checked: list[tuple[Any, Callable[[Any], Any]]] = []
        self._near: dict[str, str | None] = {}

    def typed(self, block: Block, *, mostly_known: bool = False) -> list[Any] | None:
        """Decode a block by generated types. None on any doubt: unknown layout, a field missing somewhere, a name standing twice.

        mostly_known: where most values are those of the database already, so that those which are not are looked at one by one (`is_exact`).
        """
        data = block.data
        if data is None or (self._decoder is None and not self._prepare(block)):
            return None
        try:
            records: list[Any] = self._decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if data.count(b":") != (
            expected := self._fields * len(records)
        ):  # there are colons within texts, or too many names
            # A name standing twice, of which the decoder keeps the last, makes more of these; \\": is a quote within a text.
            if (names := data.count(b'":')) != expected and names - data.count(b'\\":') != expected:
                return None
            if b'" :' in data or b'"  ' in data or _APART.search(data):
                return None
        if not mostly_known and b"\\" in data and b"\\u0000" in data:
            return None
        if self._nests and data.count(b"{") != len(
            records
        ):  # whatever names stand in an object within a record
            return None
        if (
            self._nests
            and data.count(b"[") > block.depth
            and max(text.count(b"[") for text in map(bytes, block.texts)) >= block.depth
        ):
            return None
        zeros = False
        for kind, cell in self._checked:
            values = list(map(cell, records))
            if not kind.all_valid(values):
                return None
            zeros = zeros or (kind.noun == Decimal.noun and 0 in values)
        if not mostly_known and self._checked and _holds_more_than_doubles(data, zeros):
            return None
        if block.first != self.total + 1 or len(records) != len(block.texts):
            return None
        return records

    @staticmethod
    def is_exact(block: Block, number: int, name: str = "", value: Any = None) -> bool:
        """Tell whether the values of a record of a `mostly_known` block are what the file says: no digits lost, no NUL.

        name, value: where only one field matters, and what `typed` gave for it.
        """
        text = block.text(number)
        if isinstance(value, float):
            whole, digits = repr(value).encode().removesuffix(b".0"), b'"%b":%b'
            for said in (whole, whole + b".0"):
                at = text.find(digits % (name.encode(), said))
                if at >= 0 and text[at + len(name.encode()) + 3 + len(said)] in b",}\r\n":
                    return True
        return b"\\u0000" not in text and not _holds_more_than_doubles(text, True)

    def careful(self, block: Block) -> list[Any] | None:
        """Give what `typed` gives of a block it would not take, by the slow reader; None where any record has a problem."""
        if self._type is None:
            return None
        reader = Reader(self.part, Problems())
        attributes = self.names
        numbers = [
            attribute
            for name, attribute in attributes.items()
            if isinstance(self.part.bindings[name].kind, Decimal)
        ]
        out = []
        for number, item in block.as_dicts(self.part.file):
            record = None if isinstance(item, Problem) else reader._read_record(number, item)
            if (
                record is None
                or record.bad
                or len(reader.problems)
                or reader.unknown.keys() - set(self._extra)
                or record.values.keys() != attributes.keys()
            ):
                return None
            extra = {
                f"f{place}": None
                for place, name in enumerate(self._order)
                if name not in self.names
            }
            values = {attributes[name]: value for name, value in record.values.items()}
            values |= {
                attribute: float(values[attribute])
                for attribute in numbers
                if values[attribute] is not None
            }
            out.append(self._type(**values, **extra))
        return out

    def _prepare(self, block: Block) -> bool:
        """Generate the record type from the fields of the first record; every record must have exactly these."""
        try:
            first = msgspec.json.decode(block.text(block.first))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        if (
            not isinstance(first, dict)
            or not all(map(_is_plain, first))
            or any(self._is_typo(name, first) for name in first)
        ):
            return False
        fields, self.names, self._extra = [], {}, []
        for place, name in enumerate(first):
            attribute = f"f{place}"
            binding = self.part.bindings.get(name)
            if binding is None or binding.column == CONTEXT:
                fields.append((attribute, msgspec.Raw))
                if binding is None:
                    self._extra.append(name)
            else:
                fields.append(
                    (attribute, binding.kind.fast | None if binding.nullable else binding.kind.fast)
                )
                self.names[name] = attribute
        bound = [
            (self.part.bindings[name].kind, attribute) for name, attribute in self.names.items()
        ]
        self._nests = bool(self._extra) or any(isinstance(kind, Json) for kind, _ in bound)
        self._checked = [
            (kind, operator.attrgetter(attribute)) for kind, attribute in bound if not kind.typed
        ]
        self._order = list(first)
        renamed = {f"f{place}": name for place, name in enumerate(first)}
        self._type = msgspec.defstruct(
            "Record", fields, rename=renamed, forbid_unknown_fields=True, gc=False
        )
        self._decoder, self._fields = msgspec.json.Decoder(list[self._type]), len(fields)  # type: ignore[name-defined]
        return True

    def accept(self, count: int) -> None:
        """Count the records of a block that `typed` gave and that were taken."""
        self.total += count
        for name in self._extra:
            self.unknown[name] += count

    def read(self, block: Block) -> list[Record]:
        """Read a block into records, whatever it takes; what cannot be read is reported and marked `bad`."""
        typed = self.typed(block)
        if typed is not None:
            self.accept(len(typed))
            return self.records(enumerate(typed, block.first))
        out = []
        for number, item in block.as_dicts(self.part.file):
            self.total += 1
            if isinstance(item, Problem):
                item.entity = self.part.entity.name
                self.problems.add(item)
                out.append(Record(number, {}, bad=True))
            else:
                out.append(self._read_record(number, item))
        return out

    def records_of(self, block: Block, items: Sequence[tuple[int, Any]]) -> list[Record]:
        """Return (number, object that `typed` gave of a `mostly_known` block) as records, those that are not exact as the slow reader reads them."""
        exact = [self.is_exact(block, number) for number, _ in items]
        read = iter(self.records(compress(items, exact)))
        return [
            next(read) if good else self._reread(block, number)
            for (number, _), good in zip(items, exact, strict=True)
        ]

    def _reread(self, block: Block, number: int) -> Record:
        item = block.as_dict(number, self.part.file)
        if not isinstance(item, Problem):
            return self._read_record(
                number, {name: value for name, value in item.items() if name not in self._extra}
            )
        self.problems.add(item)
        return Record(number, {}, bad=True)

    def records(self, items: Iterable[tuple[int, Any]]) -> list[Record]:
        """Return (number, object that `typed` gave) as records."""
        names, cells = (
            list(self.names),
            operator.attrgetter(*self.names.values(), self.names[next(iter(self.names))]),
        )
        made = [
            (name, decoded)
            for name in names
            if (decoded := self.part.bindings[name].kind.decoded) is not None
        ]
        out = [
            Record(number, dict(zip(names, cells(item), strict=False))) for number, item in items
        ]
        for name, decoded in made:
            for record in out:
                record.values[name] = decoded(record.values[name])
        return out

    def read_values(self, number: int, values: Mapping[str, Any]) -> Record:
        """Read values given by a program or a decision as a record."""
        return self._read_record(number, values)

    def _read_record(self, number: int, raw: Mapping[str, Any]) -> Record:
        record = Record(number, {})
        bindings = self.part.bindings
        for name, value in raw.items():
            binding = bindings.get(name)
            if binding is None:
                if self._is_typo(name, raw):
                    self._report(
                        record,
                        "unknown-field",
                        name,
                        value,
                        f'is no field of {self.part.entity.name}: did you mean "{self._near[name]}"?',
                    )
                else:
                    self.unknown[
                        name if name in self.unknown or len(self.unknown) < MOST_NAMES else OTHERS
                    ] += 1
            elif binding.column == CONTEXT:
                continue
            elif value is None:
                if binding.nullable:
                    record.values[name] = None
                else:
                    self._report(
                        record, "bad-value", name, None, "is null, but a value is required"
                    )
            else:
                try:
                    record.values[name] = binding.kind.read(
                        value, partial(self._note, record, name)
                    )
                except BadValue as error:
                    self._report(record, "bad-value", name, value, str(error))
        return record

    def _is_typo(self, name: str, record: Mapping[str, Any]) -> bool:
        """An unknown field close to a known one that the record lacks is a typing error, not a field of somebody else's."""
        if name in self.part.bindings:
            return False
        if name not in self._near:
            if len(self._near) >= MOST_NAMES:
                return False  # no typing errors any more: guessing takes its time
            near = difflib.get_close_matches(name, list(self.part.bindings), 1, 0.85)
            self._near[name] = near[0] if near else None
        return self._near[name] is not None and self._near[name] not in record

    def _report(self, record: Record, code: str, name: str, value: Any, message: str) -> None:
        record.bad = True
        self.problems.add(self._problem(record, code, "error", name, value, message))

    def _note(self, record: Record, name: str, note: str) -> None:
        self.problems.add(self._problem(record, "bad-value", "note", name, None, note))

    def _problem(
        self, record: Record, code: str, severity: str, name: str, value: Any, message: str
    ) -> Problem:
        return Problem(
            code=code, severity=severity, file=self.part.file, record=record.number, entity=self.part.entity.name, field=jsonable(name),
            value=jsonable(value), message=message,
        )  # fmt: skip

    def warnings(self) -> Sequence[Problem]:
        """Return one warning for each unknown field name, with its count."""
        return [
            Problem(code="unknown-field", severity="warning", file=self.part.file, entity=self.part.entity.name, field=jsonable(name), count=count,
                    message=f"is no field of {self.part.entity.name} and is ignored in {counted(count, 'record')}")
            for name, count in self.unknown.items()
        ]  # fmt: skip


_APART = re.compile(rb"[\t\r\n][ \t\r\n]*:")
_TO_ZEROS = bytes.maketrans(b"123456789", b"000000000")


def _holds_more_than_doubles(data: bytes, zeros: bool) -> bool:
    """Tell whether JSON may hold a number that a double only comes near: with 17 digits in a row, or, read as 0, with a negative exponent."""
    if b"0" * 17 in data.translate(_TO_ZEROS, b"."):
        return True
    rest = data.translate(None, b"0123456789 \t\r\n").lower() if zeros else b""
    return b"e-," in rest or b"e-}" in rest or b"e-]" in rest


def _is_plain(name: str) -> bool:
    """Tell whether a typed decoder can have a field of this name: it takes no quotes, backslashes or control characters in it."""
    return name.isprintable() and '"' not in name and "\\" not in name
