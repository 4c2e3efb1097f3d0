"""Read an answer to rows that were given out by number, under its ticket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import FieldMap, FileField, plain_name, view_fields
from bakeio_core.errors import Advice, DocumentError, Problem, Problems, advised, counted
from bakeio_core.files.documents.composed.in_memory import InMemoryDocument
from bakeio_core.files.documents.document import RECORDS, Document
from bakeio_core.files.documents.scanner import BrokenRecord, Duplicated
from bakeio_core.files.tickets import LABEL, Ticket, find
from bakeio_core.importing.reading.answers.shapes import TICKET, numbered
from bakeio_core.values.wording import BadValue, listed, shown

_KNOWN = frozenset([TICKET, "set", "add", "note", "rows", "columns", RECORDS])
_ECHOED = frozenset(["part", "purpose", "rules", "usual", "sources"])
"""What the file that was given out has, and an answer may repeat."""
_VALUE = ("value", "new", "newvalue")
_SHAPE = '{"ticket": ..., "set": {"FIELD": [["ROW", VALUE], ...]}}'


class LeanDocument(InMemoryDocument):
    """The answer as records of its view.

    Attributes:
        view: The view they are of.
        rows: What its records are called in the exchange, {number: name}.
        origins: {(number, field): source} of the values an assistant gave, "" where it named none.
    """

    view: str
    rows: dict[int, str]
    origins: dict[tuple[int, str], str]


def of_ticket(
    document: Document,
    answers: list[Mapping[str, Any]],
    catalog: Catalog,
    problems: Problems,
) -> LeanDocument:
    """Return answers as records of the view their tickets are of.

    Args:
        document: The document they stand in.
        answers: They, each under its ticket.
        catalog: What is installed.
        problems: Where is told how they were read.

    Raises:
        DocumentError: A ticket is not known here, or they are of several views.
    """
    items: list[tuple[int, dict[str, Any] | Problem]] = []
    rows, origins, header = dict[int, str](), dict[tuple[int, str], str](), dict[str, Any]()
    views = set[str]()
    for answer in answers:
        reading = _Answer(document, find(answer.get(TICKET), document.name), catalog, problems)
        offset = max((number for number, _ in items), default=0)
        reading.read(answer)
        views.add(reading.ticket.view)
        header = header or {**reading.ticket.header, TICKET: reading.ticket.ticket}
        items += reading.items(offset)
        rows |= {offset + number: name for number, name in reading.names.items()}
        origins |= {(offset + n, name): source for (n, name), source in reading.origins.items()}
        if document.is_cut and answer is answers[-1]:
            reading.tell_cut()
    if len(views) != 1:
        raise DocumentError(
            f"{document.name}: its tickets are of the views {listed(sorted(views))}: one file each"
        )
    found = LeanDocument(document, header, items)
    found.view, found.rows, found.origins = views.pop(), rows, origins
    return found


@dataclass
class _Fault:
    """What cannot be taken of an answer: the field, what is told of it, and all that was said."""

    name: str
    value: Any
    message: str
    code: str
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class _Row:
    """What an answer says of one row."""

    record: dict[str, Any]
    faults: list[_Fault] = field(default_factory=list)


class _Answer:
    """Read one answer."""

    def __init__(
        self, document: Document, ticket: Ticket, catalog: Catalog, problems: Problems
    ) -> None:
        self.document, self.ticket, self.problems = document, ticket, problems
        if ticket.view not in catalog.views:
            raise DocumentError(
                f"{document.name}: its ticket is of the view {ticket.view}, which is not installed",
                code="unknown-view",
            )
        self.fields: FieldMap = view_fields(catalog.views[ticket.view], catalog)
        self.rows: dict[int, _Row] = {}
        self.last = 0
        self.strange: list[_Fault] = []
        self.added: list[Any] = []
        self.names: dict[int, str] = {}
        self.origins: dict[tuple[int, str], str] = {}

    def read(self, answer: Mapping[str, Any]) -> None:
        """Read everything an answer says."""
        self._once("it", answer)
        if "row" in answer:  # one row alone
            alone = {n: v for n, v in answer.items() if n not in _ECHOED | _KNOWN}
            self._fields(answer["row"], alone)
            answer = {n: v for n, v in answer.items() if n not in alone}
        unknown = [name for name in answer if name not in _KNOWN | _ECHOED]
        if len(unknown) == 1 and _are_rows(answer[unknown[0]]) and not answer.get(RECORDS):
            answer = {**answer, RECORDS: answer[unknown[0]]}
            self._tell(f"its {shown(unknown[0])} are read as its rows", "note")
        elif unknown:
            self._refuse(f"it has {listed(list(map(shown, unknown[:8])))}, which is not read")
        given = answer.get("set", {})
        if isinstance(given, list) and all(isinstance(c, list) and len(c) == 3 for c in given):
            for row, name, value in given:
                self._cell(row, str(name), value)
            given = {}
        if not isinstance(given, dict):
            self._refuse('its "set" is not an object')
        self._once('its "set"', given)
        for name, cells in given.items():
            self._set(name, cells)
        columns = answer.get("columns")
        if "rows" in answer:
            self._echoed(columns, answer["rows"])
        for record in answer.get(RECORDS, ()):
            self._record(record)
        added = answer.get("add", [])
        if not isinstance(added, list):
            self._refuse('its "add" is not a list')
        self.added = added
        if len(self.rows) < len(self.ticket.rows):
            said = f"answers {len(self.rows):,} of the {len(self.ticket.rows):,} rows of its ticket"
            self._tell(f"{said}; the others are left alone", "note", "count-mismatch")
        if answer.get("note") not in (None, ""):
            self._tell(f"its note: {shown(answer['note'], 300)}", "note")

    def _once(self, called: str, value: Any) -> None:
        """Refuse an object in which a name stands twice: nobody can tell which is meant."""
        if isinstance(value, Duplicated):
            self._refuse(f"{called} has {shown(value.name)} twice")

    def _refuse(self, seen: str) -> None:
        raise DocumentError(f"{self.document.name}: {seen}: write {_SHAPE}")

    # -- the forms of an answer
    def _set(self, name: str, cells: Any) -> None:
        """Read what is said of one field: pairs, or an object by row."""
        if isinstance(cells, dict):
            is_by_row = self.ticket.number_of(name)[0] is not None
            pairs: list[Any] = [[row, value] for row, value in cells.items()]
            if is_by_row:  # {row: {field: value}}
                self._fields(name, cells)
                return
            self._once(f'{shown(name)} in its "set"', cells)
        elif isinstance(cells, list):
            is_one = len(cells) in (2, 3) and self.ticket.number_of(cells[0])[0] is not None
            pairs = [cells] if is_one else cells
        else:
            self._refuse(f'in "set", {shown(name)} is {shown(cells)}')
        for pair in pairs:
            if isinstance(pair, dict) and "row" in pair:
                pair = [pair["row"], {n: v for n, v in pair.items() if n != "row"}]
            if not isinstance(pair, list) or not 2 <= len(pair) <= 3:
                message = f'{shown(pair)} is not ["ROW", VALUE]'
                self.strange.append(_Fault(name, None, message, "bad-json", {name: pair}))
            else:
                self._cell(pair[0], name, pair[1], *pair[2:])

    def _echoed(self, columns: Any, rows: Any) -> None:
        """Read rows as they were given out, with what was changed in them."""
        is_named = isinstance(rows, dict) and all(isinstance(c, dict) for c in rows.values())
        if not isinstance(columns, list) or not isinstance(rows, (dict, list)):
            if not is_named:
                self._refuse('its "rows" have no "columns"')
            columns = []
        self._once('its "rows"', rows)
        columns = columns[1:] if columns[:1] == ["row"] else columns
        named = rows.items() if isinstance(rows, dict) else map(_name_and_cells, rows)
        for row, cells in named:
            if isinstance(cells, dict):
                self._fields(row, cells)
                continue
            if not isinstance(cells, list) or len(cells) != len(columns):
                count = len(cells) if isinstance(cells, list) else 0
                there = f"and there are {counted(len(columns), 'column')}"
                message = f"{shown(row)} has {counted(count, 'value')}, {there}"
                said = {"row": row, "values": cells}
                self.strange.append(_Fault("", shown(row), message, "bad-json", said))
                continue
            for name, value in zip(columns, cells, strict=True):
                self._cell(row, name, value)

    def _record(self, record: Mapping[str, Any]) -> None:
        """Read a record that names its row."""
        if "row" in record:
            self._fields(record["row"], record)
        else:
            self.added.append(dict(record))

    def _fields(self, row: Any, values: Mapping[str, Any]) -> None:
        """Take the values of one row, by field."""
        if isinstance(values, Duplicated):
            message = f"{shown(row)} has {shown(values.name)} twice: keep one"
            said = {"row": row, **values}
            self.strange.append(_Fault(values.name, shown(row), message, "duplicate-key", said))
            return
        for name, value in values.items():
            if name != "row":
                self._cell(row, name, value)

    def _cell(self, row: Any, name: str, value: Any, source: Any = "") -> None:
        """Take one value of one row."""
        number, why = self.ticket.number_of(row)
        if number is None:
            said = {"row": row, name: value}
            self.strange.append(_Fault(name, row, f"{shown(row)} {why}", "unknown-row", said))
            return
        if isinstance(value, dict):
            source = next((v for n, v in value.items() if plain_name(n) == "source"), source)
            given = [n for n in value if plain_name(n) in _VALUE]
            value = value[given[0]] if len(given) == 1 else value
        kept = self.ticket.rows[number - 1]
        known = self.rows.setdefault(number, _Row(dict(kept.record)))
        self.last = number
        self.names[number] = self.ticket.row_name(number)
        if name == LABEL and LABEL not in self.fields.by_name:
            if value not in (None, kept.label):
                message = f"was changed: {self.names[number]} is {shown(kept.label)}. Restore it"
                advice = Advice(message, kept.label)
                known.faults.append(_Fault(LABEL, value, advice, "tampered-context"))
            return
        item = self.fields.named(name)
        field_name = name if item is None else item.name
        if self._is_said_otherwise(known, kept.record, field_name, value):
            message = f"is given twice, as {shown(known.record[field_name])} and as {shown(value)}"
            message = f"{message}: keep one"
            known.faults.append(_Fault(field_name, value, message, "duplicate-key"))
            return
        held = kept.held.get(field_name)
        unasked = self._unasked(item, field_name, value, held)
        if unasked:
            code = "unknown-field" if item is None else "tampered-context"
            known.faults.append(_Fault(field_name, value, unasked, code))
            return
        is_said = value is not None and not (item and _is_same(item, value, held))
        if self.ticket.only_fill and is_said and held is not None:
            message = (
                f"has the value {shown(held)} already, and only what is empty is filled under this "
                "ticket: leave it out"
            )
            known.faults.append(_Fault(field_name, value, message, "check"))
            return
        known.record[field_name] = value
        if item is not None and item.role == "editable" and is_said:
            self.origins[number, field_name] = source if isinstance(source, str) else ""

    def _unasked(self, item: FileField | None, name: str, value: Any, held: Any) -> str:
        """Say what is wrong with a value of a field that nobody asked for; empty for nothing."""
        asked = listed(self.ticket.fill)
        if item is None:
            return f"is not a field of {self.fields.entity.name}; asked for is {asked}"
        if item.role != "editable" or name in self.ticket.fill:
            return ""
        if value is None or _is_same(item, value, held):
            return ""
        return f"was not asked for: leave it as it is or out; asked for is {asked}"

    @staticmethod
    def _is_said_otherwise(known: _Row, kept: Mapping[str, Any], name: str, value: Any) -> bool:
        return name in known.record and name not in kept and known.record[name] != value

    # -- what comes of it
    def items(self, offset: int) -> list[tuple[int, dict[str, Any] | Problem]]:
        """Return the records, each by the number of its row, and what cannot be taken."""
        found: list[tuple[int, dict[str, Any] | Problem]] = []
        for number in sorted(self.rows):
            row, record = self.rows[number], offset + number
            found.append((record, self._refused(number, record) if row.faults else row.record))
        after = offset + len(self.ticket.rows)
        for _, record_or_problem in numbered(self.document, self.added):
            after += 1
            found.append((after, record_or_problem))
            if isinstance(record_or_problem, dict):
                self._note_given(after - offset, record_or_problem)
        for fault in self.strange:
            after += 1
            found.append((after, self._broken(after, fault, fault.said)))
            self._note_given(after - offset, fault.said)
        return found

    def _note_given(self, number: int, said: Mapping[str, Any]) -> None:
        named = map(self.fields.named, said)
        self.origins |= {(number, item.name): "" for item in named if item}

    def _refused(self, number: int, record: int) -> Problem:
        """Return the problem of a row of which something cannot be taken.

        It keeps all that was said of the row, as a record of the view.
        """
        row, kept = self.rows[number], self.ticket.rows[number - 1]
        first, *others = row.faults
        alike = [fault.name for fault in others if fault.message == first.message]
        beside = [f"the same of {listed(alike)}"] if alike else []
        beside += [f"{o.name} {o.message}" for o in others if o.message != first.message]
        said = {**{fault.name: fault.value for fault in row.faults}, **row.record}
        told = self._broken(record, first, said)
        told.message = "; ".join([told.message, *beside])
        told.key, told.label = {"row": self.names[number]}, kept.label
        return told

    def _broken(self, record: int, fault: _Fault, said: Mapping[str, Any]) -> BrokenRecord:
        return BrokenRecord.of(
            json.dumps(said, ensure_ascii=False, default=str),
            code=fault.code,
            file=self.document.name,
            record=record,
            field=fault.name or None,
            value=fault.value if isinstance(fault.value, (str, int)) else None,
            message=str(fault.message),
            **advised(fault.name or None, fault.message),
        )

    def tell_cut(self) -> None:
        """Say where an answer that was cut off is to be gone on with."""
        after = f"continue after {self.names[self.last]}" if self.last else "none was whole"
        said = f"the answer ends in the middle; {counted(len(self.rows), 'whole row')} read"
        self._tell(f"{said}: {after}", "warning", "truncated")

    def _tell(self, message: str, severity: str, code: str = "bad-document") -> None:
        self.problems.add(
            Problem(code=code, severity=severity, file=self.document.name, message=message)
        )


def _are_rows(value: Any) -> bool:
    """Tell whether a list has records that name their rows."""
    is_list = isinstance(value, list) and bool(value)
    return is_list and all(isinstance(one, dict) and "row" in one for one in value)


def _name_and_cells(row: Any) -> tuple[Any, Any]:
    """Return what a row of a list is called, and its cells."""
    return (row[0], row[1:]) if isinstance(row, list) and row else (row, None)


def _is_same(item: FileField, value: Any, held: Any) -> bool:
    """Tell whether a value is what a field has already, however it is written."""
    if held is None or value is None:
        return value is held
    try:
        read = [item.kind.read(one, lambda note: None) for one in (value, held)]
    except BadValue:
        return bool(value == held)
    return item.kind.same(*read)
