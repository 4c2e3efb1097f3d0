"""Turn blocks of a document into records of wire values.

Where nothing is doubtful a block is decoded by a type made for its fields, else record by record,
with an explanation of every fault.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import compress
from typing import Any

import msgspec

from bakeio_core.errors import Problem, Problems, advised
from bakeio_core.files.documents.blocks import Block
from bakeio_core.files.documents.exact import holds_more_than_doubles, is_exact
from bakeio_core.importing.reading.decided_records import DecidedRecords, RecordDecisions
from bakeio_core.importing.reading.records.kept import kept_value
from bakeio_core.importing.reading.records.names import FieldNames
from bakeio_core.importing.reading.sheets.restoring import RestoredValues
from bakeio_core.importing.reading.sources import Part
from bakeio_core.values import Decimal
from bakeio_core.values.wording import BadValue, escapes_nul, jsonable

_KEPT = (
    "does not fit its column, but was stored that way: the same kind of database takes it as it "
    "is, any other refuses it"
)


@dataclass(slots=True)
class Record:
    """One record as read: known fields only, wire values; `bad`: a problem of it was reported.

    `context` holds what it says in fields that a view shows and that are only compared, as it was
    decoded or as `msgspec.Raw`. `told` is what it says by field before that is read. `decided` is
    what somebody decided about it, `faults` are the (field, value, message) of values that cannot
    be read. `shown` has the (value, message) of cells that are no texts, by field: the row may have
    a text that a spreadsheet shows so.
    """

    number: int
    values: dict[str, Any]
    bad: bool = False
    context: dict[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    decided: RecordDecisions | None = None
    faults: list[tuple[str, Any, str]] = field(default_factory=list)
    shown: dict[str, tuple[Any, str]] = field(default_factory=dict)


class Reader:
    """Read the blocks of one part.

    `names` maps the fields of the file to the attributes of the objects that `typed` gives; it is
    known once a block was read, as is `context`, the same for fields that are only compared.
    `total` counts the records read, `known` knows their names, `restored` what a spreadsheet did.

    Args:
        part: What is read.
        problems: Where problems go.
        decided: What is decided about its records.
    """

    def __init__(
        self, part: Part, problems: Problems, decided: DecidedRecords | None = None
    ) -> None:
        self.part, self.problems, self.decided = part, problems, decided
        self.fields = part.fields.by_name
        self.known = FieldNames(part)
        self.names: dict[str, str] = {}
        self.context: dict[str, str] = {}
        self.total = 0
        self.restored = RestoredValues(part)
        self._type: Any = None
        self._decoder: Any = None
        self._order: list[str] = []
        self._renamed: list[tuple[str, str]] = []
        self._extra: list[str] = []
        self._nests = False
        self._checked: list[tuple[Any, Callable[[Any], Any]]] = []

    # -- a block at once
    def typed(self, block: Block, *, mostly_known: bool = False) -> list[Any] | None:
        """Decode a block by a type made for the fields of the first record.

        Args:
            block: What is read.
            mostly_known: Whether most values are those of the database already, so that those
                which are not are looked at one by one (`is_exact`).

        Returns:
            Objects with the attributes of `names`; None on any doubt: an unknown layout, a field
            missing somewhere, a name standing twice, a value that wants a second look.
        """
        data = block.data if self.part.takes_whole(block) else None
        if data is None or (self._decoder is None and not self._prepare(block)):
            return None
        try:
            records: list[Any] = self._decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        is_whole = block.first == self.total + 1 and len(records) == len(block.texts)
        if not is_whole or not _has_each_name_once(data, len(self._order) * len(records)):
            return None
        if self._nests and _nests_too_deep(block, len(records)):
            return None
        zeros = False
        for kind, value_of in self._checked:
            values = list(map(value_of, records))
            if not kind.all_valid(values):
                return None
            zeros = zeros or (isinstance(kind, Decimal) and 0 in values)
        if mostly_known:
            return records
        if escapes_nul(data):
            return None
        return None if self._checked and holds_more_than_doubles(data, zeros) else records

    def _prepare(self, block: Block) -> bool:
        """Make the record type of the fields of the first record; every one must have these."""
        try:
            first = msgspec.json.decode(block.text(block.first))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        if not isinstance(first, dict) or not all(map(_is_plain, first)):
            return False
        if any(self.known.is_typo(name, first) for name in first):
            return False
        attributes = {name: f"f{index}" for index, name in enumerate(first)}
        known = {n: item for n in first if (item := self.part.fields.named(n)) is not None}
        told = {name: item for name, item in known.items() if item.role != "context"}
        if not told or len({item.name for item in known.values()}) < len(known):
            return False
        types = [
            (attribute, _type_of(told[name]) if name in told else msgspec.Raw)
            for name, attribute in attributes.items()
        ]
        self.names = {item.name: attributes[name] for name, item in told.items()}
        said = {item.name: attributes[name] for name, item in known.items()}
        self.context = {name: said[name] for name in self.part.context if name in said}
        self._order, self._extra = list(first), [name for name in first if name not in known]
        self._renamed = [(name, item.name) for name, item in known.items() if name != item.name]
        self._nests = bool(self._extra) or not all(i.kind.is_scalar for i in told.values())
        self._checked = [
            (item.kind, operator.attrgetter(attributes[name]))
            for name, item in told.items()
            if not item.kind.typed
        ]
        self._type = msgspec.defstruct(
            "Record",
            types,
            rename={attribute: name for name, attribute in attributes.items()},
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decoder = msgspec.json.Decoder(list[self._type])  # type: ignore[name-defined]
        return True

    def typed_from_dicts(self, block: Block) -> list[Any] | None:
        """Give what `typed` gives of a block it would not take; None where a record has a fault."""
        if self._type is None:
            return None
        reader = Reader(self.part, Problems())
        numbers = [n for n in self.names if isinstance(self.fields[n].kind, Decimal)]
        told = set(self.names.values())
        extra = {f"f{i}": None for i in range(len(self._order)) if f"f{i}" not in told}
        found = []
        for number, item in block.as_dicts(self.part.file):
            if isinstance(item, Problem):
                return None
            values = reader.read_values(number, item).values
            is_alike = values.keys() == self.names.keys()
            if (
                not is_alike
                or len(reader.problems)
                or reader.known.unknown.keys() - set(self._extra)
            ):
                return None
            for name in numbers:
                values[name] = None if values[name] is None else float(values[name])
            cells = {self.names[name]: value for name, value in values.items()}
            found.append(self._type(**cells, **extra))
        return found

    def accept(self, count: int) -> None:
        """Count the records of a block that `typed` gave and that were taken."""
        self.total += count
        for name in self._extra:
            self.known.unknown[name] += count
        for pair in self._renamed:
            self.known.renamed[pair] += count

    # -- record by record
    def read(self, block: Block) -> list[Record]:
        """Read a block into records, whatever it takes."""
        typed = self.typed(block)
        if typed is None:
            return self.read_dicts(block)
        self.accept(len(typed))
        return self._records(enumerate(typed, block.first))

    def read_dicts(self, block: Block) -> list[Record]:
        """Read a block record by record; what cannot be read is reported and marked `bad`."""
        found = []
        for number, item in block.as_dicts(self.part.file):
            self.total += 1
            if isinstance(item, Problem):
                item.entity = self.part.entity.name
                self.problems.add(item)
                found.append(Record(number, {}, bad=True))
            else:
                found.append(self.read_values(number, item))
        return found

    def records_of(self, block: Block, items: Sequence[tuple[int, Any]]) -> list[Record]:
        """Return (number, object that `typed` gave) as records, those in doubt read once more.

        So are those about which something is decided.
        """
        decided = self.decided_of(items)
        exact = [number not in decided and is_exact(block, number) for number, _ in items]
        read = iter(self._records(compress(items, exact)))
        return [
            next(read) if is_sure else self._read_again(block, number)
            for (number, _), is_sure in zip(items, exact, strict=True)
        ]

    def decided_of(self, items: Iterable[tuple[int, Any]]) -> set[int]:
        """Return the numbers of those (number, object of `typed`) that are decided about."""
        if not self.decided:
            return set()
        read = self._records(items)
        return {r.number for r in read if self.decided.of(r.number, r.values) is not None}

    def _read_again(self, block: Block, number: int) -> Record:
        item = block.as_dict(number, self.part.file)
        if isinstance(item, Problem):
            self.problems.add(item)
            return Record(number, {}, bad=True)
        # fields nobody knows, or by another name, were counted with their block
        self.known.renamed.subtract(self._renamed)
        known = {name: value for name, value in item.items() if name not in self._extra}
        return self.read_values(number, known)

    def _records(self, items: Iterable[tuple[int, Any]]) -> list[Record]:
        attributes = [(name, operator.attrgetter(a)) for name, a in self.names.items()]
        contexts = self.contexts_of
        decoded = {n: make for n in self.names if (make := self.fields[n].kind.decoded) is not None}
        found = []
        for number, item in items:
            values = {name: value_of(item) for name, value_of in attributes}
            for name, make in decoded.items():
                values[name] = make(values[name])
            self.restored.restore(values)
            found.append(Record(number, values, context=contexts(item)))
        return found

    def contexts_of(self, item: Any) -> dict[str, Any]:
        """Return what an object that `typed` gave says in fields that are only compared."""
        said = {name: getattr(item, attribute) for name, attribute in self.context.items()}
        for name in said.keys() & self.names.keys():
            make = self.fields[name].kind.decoded
            said[name] = said[name] if make is None else make(said[name])
        return said

    def read_values(self, number: int, raw: Mapping[str, Any]) -> Record:
        """Read the values of one record as they were decoded, or as a program gives them."""
        record = Record(number, {}, told=raw)
        told = self.known.told(raw, partial(self._report, record, "unknown-field"))
        seen = {name: self.part.document.said(value) for name, value in told.items()}
        record.told = seen
        if self.decided and (decided := self.decided.of(number, seen)) is not None:
            if decided.left_out is not None:  # it is read for the row that it means alone
                quiet = Reader(self.part, Problems()).read_values(number, told)
                return Record(number, quiet.values, context=quiet.context, decided=decided)
            record.decided, applied = decided, self.decided.applied(decided)
            told = {n: told[n] if v is seen.get(n) and n in told else v for n, v in applied.items()}
            for name, value, _, why in decided.faults:
                self._report(record, "changed-meanwhile", name, value, f"{why}: decide again")
        for name, value in told.items():
            if self.fields[name].role != "context":
                self._read_value(record, name, value, raw)
        self.restored.restore(record.values)
        record.context = self.part.compared(told)
        return record

    def _read_value(self, record: Record, name: str, value: Any, raw: Mapping[str, Any]) -> None:
        item = self.fields[name]
        if value is None:
            # of a gap nothing is said: the database holds something
            if item.nullable and self.part.is_gap(name, raw):
                return
            if item.nullable:
                record.values[name] = None
            else:
                self._report(record, "bad-value", name, None, "is null, but a value is required")
            return
        try:
            value = self.part.document.settled(name, value)
            read = item.kind.read(value, partial(self._note, record, name))
            record.values[name] = self.part.placed(read)
        except BadValue as error:
            restored = self.restored.restored(name, value, raw)
            if restored is not None or (value == "" and self.part.view is not None):
                record.values[name] = "" if restored is None else restored  # or it was emptied
                return
            if self.restored.may_be_shown(name, value, raw):
                record.shown[name] = (self.part.document.said(value), error.message)
                return
            try:
                record.values[name] = self.part.placed(kept_value(self.part, name, value, raw))
            except BadValue:
                self._report(record, "bad-value", name, value, error.message)
                return
            if self.part.keeps_stored:
                self._add(record, "bad-value", "warning", name, None, _KEPT)

    # -- what is said
    def _report(self, record: Record, code: str, name: str, value: Any, message: str) -> None:
        record.bad, value = True, self.part.document.said(value)
        if code == "bad-value":
            record.faults.append((name, value, message))
        self._add(record, code, "error", name, value, message)

    def _note(self, record: Record, name: str, note: str) -> None:
        self._add(record, "bad-value", "note", name, None, note)

    def _add(
        self, record: Record, code: str, severity: str, name: str, value: Any, message: str
    ) -> None:
        self.problems.add(
            Problem(
                code=code,
                severity=severity,
                file=self.part.file,
                record=record.number,
                key=self.part.fields.called(record.told),
                label=self.part.fields.label(record.told),
                entity=self.part.entity.name,
                field=jsonable(name) or None,
                value=jsonable(value),
                message=str(message),
                **advised(jsonable(name) or None, message),
            )
        )


_BEFORE_COLON = (b" :", b"\n:", b"\r:", b"\t:")
_APART = re.compile(rb"[\t\r\n][ \t\r\n]*:")


def _has_each_name_once(data: bytes, expected: int) -> bool:
    """Tell whether JSON has so many names of fields, and none of them twice."""
    if data.count(b":") == expected:
        return True
    # There are colons within texts, or too many names. A name standing twice, of which the
    # decoder keeps the last, makes more of these; \": is a quote within a text.
    names = data.count(b'":')
    if names != expected and names - data.count(b'\\":') != expected:
        return False
    # most files lack some of these signs, which is told much sooner than that none precedes a colon
    if not any(mark[:1] in data and mark in data for mark in _BEFORE_COLON):
        return True
    return not (b'" :' in data or b'"  ' in data or _APART.search(data))


def _nests_too_deep(block: Block, count: int) -> bool:
    """Tell whether objects stand within records, or lists nest beyond the limit."""
    data = block.data or b""
    if data.count(b"{") != count:
        return True
    if data.count(b"[") <= block.depth:
        return False
    return max(bytes(text).count(b"[") for text in block.texts) >= block.depth


def _is_plain(name: str) -> bool:
    """Tell whether a typed decoder can have a field of this name."""
    return name.isprintable() and '"' not in name and "\\" not in name


def _type_of(item: Any) -> Any:
    """Return the type a field is decoded as."""
    return item.kind.fast | None if item.nullable else item.kind.fast
