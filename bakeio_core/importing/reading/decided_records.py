"""What is decided about single records of a part: found by what a decision calls the record.

A decision names a record by any columns: its key, its id, what the row it belongs to is called. So
one written by hand finds its record as well as one that was asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bakeio_core.catalog.exchange import NEW_ROW, REFERENCE, Decision, Identity, Question
from bakeio_core.catalog.fields import FieldMap
from bakeio_core.importing.reading.records.names import FieldNames
from bakeio_core.importing.reading.sources import Part
from bakeio_core.values.folding import fold, fold_parts
from bakeio_core.values.wording import shown, whole

RECORD = "record"
"""What names a record that says nothing by which it could be called: its number in the file."""
LEAVES = ("leave-field", "keep-database")

Decided = tuple[Question, Decision]


@dataclass(slots=True)
class RecordDecisions:
    """What is decided about one record.

    Attributes:
        told: What the record itself says, by field.
        made: The decisions by field; those about the whole record under "".
        left: What it says in the fields that are left out.
        faults: (field, value, question, why) of decisions that were made about something else.
    """

    told: Mapping[str, Any]
    made: dict[str, list[Decided]]
    left: dict[str, Any] = field(default_factory=dict)
    faults: list[tuple[str, Any, Question, str]] = field(default_factory=list)

    def find(self, name: str, *actions: str, kind: str | None = None) -> Decided | None:
        """Return the decision about a field with one of some actions.

        Args:
            name: The field; "" for the record.
            actions: Those that count.
            kind: Of which question, where an answer to another one does not count.
        """
        for question, decision in self.made.get(name, ()):
            is_asked = kind is None or question.kind in (kind, "change")
            if decision.action in actions and is_asked:
                return question, decision
        return None

    @property
    def left_out(self) -> Decided | None:
        """The decision to leave the whole record out."""
        return self.find("", "leave-record")

    @property
    def row(self) -> Decided | None:
        """The decision which row a new record means."""
        return self.find("", "existing", kind=NEW_ROW)


class DecidedRecords:
    """The decisions about records of one part. It is false where there are none.

    Args:
        fields: The fields of the part.
        decisions: What is decided about any question.
    """

    def __init__(self, fields: FieldMap, decisions: Iterable[Decided]) -> None:
        self.fields = fields
        self.used: set[Identity] = set()
        self._known: dict[tuple[str, ...], dict[tuple[Any, ...], list[Decided]]] = {}
        for question, decision in decisions:
            if question.kind != REFERENCE and question.entity == fields.entity.name:
                named = {c: question.key[c] for c in sorted(question.key)}
                values = tuple([self._folded(c, value) for c, value in named.items()])
                by_value = self._known.setdefault(tuple(named), {})
                by_value.setdefault(values, []).append((question, decision))

    def __bool__(self) -> bool:
        return bool(self._known)

    def of(self, number: int, told: Mapping[str, Any]) -> RecordDecisions | None:
        """Return what is decided about a record, None where nothing is.

        Args:
            number: Its number.
            told: What it says, by field.
        """
        made: dict[str, list[Decided]] = {}
        for columns, by_value in self._known.items():
            named = [(c, said(self.fields, c, number, told)) for c in columns]
            values = tuple([self._folded(c, value) for c, value in named])
            for question, decision in by_value.get(values, ()):
                item = self.fields.named(question.field) if question.field else None
                name = question.field if item is None else item.name
                # whatever kind of question it was asked by, a record is left out whole
                name = "" if decision.action == "leave-record" else name
                made.setdefault(name, []).append((question, decision))
                self.used.add(question.identity)
        return RecordDecisions(told, made) if made else None

    def _folded(self, path: str, value: Any) -> Any:
        """Return what names a record so that spellings are equal that name one row."""
        if not isinstance(value, str):
            return comparable(value)
        column, codes = path.rpartition(".")[2], self.fields.entity.codes if "." not in path else ()
        return fold_parts((column,), (value,), codes)[0]

    def applied(self, decided: RecordDecisions) -> dict[str, Any]:
        """Return what a record says with what is decided about it: values put in, fields left out.

        What names the same reference in another way goes with a field.
        """
        said_now = dict(decided.told)
        for name in decided.made:
            if not name or self._is_stale(decided, name):
                continue
            out = decided.find(name, *LEAVES)
            own = decided.find(name, "value")
            if out is None and own is None:
                continue
            gone = {other: said_now.pop(other) for other in self._beside(name) if other in said_now}
            if out is not None:
                decided.left |= gone
            elif own is not None:
                said_now[name] = own[1].values.get("value")
        return said_now

    def _is_stale(self, decided: RecordDecisions, name: str) -> bool:
        """Note where a decision was made of another value than the record has now."""
        for question, decision in decided.made[name]:
            now = decided.told.get(name)
            if "file" in decision.seen and comparable(decision.seen["file"]) != comparable(now):
                was, is_now = shown(decision.seen["file"]), shown(now)
                why = f"it was decided ({decision.action}) of {was}, but the file says {is_now} now"
                decided.faults.append((name, now, question, why))
                return True
        return False

    def _beside(self, name: str) -> list[str]:
        """Return the fields that are about the column of a field: all that name one row."""
        item = self.fields.by_name.get(name)
        if item is None or item.column is None:
            return [name]
        references = self.fields.entity.references
        if item.column not in references:
            return [name]
        return [other.name for other in self.fields if other.column == item.column]


def record_key(
    fields: FieldMap, number: int, told: Mapping[str, Any], but: str = ""
) -> dict[str, Any]:
    """Return what a record is called, {column: value}: what a decision about it names it by.

    That is its best key a person can read, else its uuid or id, else its content or its label, else
    its number in the file.

    Args:
        fields: The fields of the file.
        number: The number of the record.
        told: What it says, by field.
        but: A field that is not to be part of it: what is asked about.
    """
    entity = fields.entity
    column = fields.by_name[but].column if but in fields.by_name else None
    ways = [entity.readable_key, ("uuid",), (entity.primary,), *entity.all_keys, entity.content]
    for way in ways:
        paths = [path for c in way if c != column and (path := _path(fields, c, told)) is not None]
        is_whole = len(paths) == len(way) - (column in way)
        if paths and (is_whole or way == entity.content):
            return {path: whole(said(fields, path, number, told)) for path in paths}
    labels = {c: said(fields, c, number, told) for c in entity.labels if c != column}
    named = {c: whole(value) for c, value in labels.items() if value not in (None, "")}
    return named or {RECORD: number}


def told_records(part: Part, numbers: Collection[int]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield what those of the records of a part say, by field: (number, {field: value}).

    The file is read once more for them; what cannot be read is left out.
    """
    names = FieldNames(part)
    for number, item in part.records(numbers):
        if isinstance(item, dict):
            told = names.told(item, lambda *said: None)
            yield number, {name: part.document.said(value) for name, value in told.items()}


def _path(fields: FieldMap, column: str, told: Mapping[str, Any]) -> str | None:
    """Return the column, or `reference.column`, by which a record tells what is in a column."""
    paths = [f"{column}.{wanted}" for wanted in fields.naming.get(column, {})]
    for path in (*paths, column):
        if said(fields, path, 0, told) not in (None, ""):
            return path
    return None


def said(fields: FieldMap, path: str, number: int, told: Mapping[str, Any]) -> Any:
    """Return what a record says of a column, or of `reference.column`; None for nothing."""
    column, _, wanted = path.partition(".")
    if wanted:
        item = fields.naming.get(column, {}).get(wanted)
        return None if item is None else told.get(item.name)
    if path == RECORD and path not in fields.entity.columns:
        return number
    return told.get(fields.own.get(column, ""))


def comparable(value: Any) -> Any:
    """Return a value so that two ways to write it are equal: 5 and 5.0, spaces and capitals."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, Decimal)):
        return Decimal(str(value)).normalize()
    if isinstance(value, str):
        return fold(value)
    return repr(value)
