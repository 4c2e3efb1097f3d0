"""The plain values hooks speak of: batches, changes, missing references, decisions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bakeio_core.catalog.entities.model import Entity, RowId
from bakeio_core.errors import MeantRow, UsageError
from bakeio_core.values.folding import folded_key
from bakeio_core.values.wording import shown

ABSENT: Any = object()
Progress = Callable[[str, int], None]
"""Told of (entity or view, records done); what it raises ends the work, and nothing is written."""
MOST_SHOWN = 10_000
SHOWN_OF_EACH = 8
"""How many changes of each entity and action are shown, however many others there are."""


@dataclass(slots=True)
class Change:
    """What happens to one record.

    Args:
        action: create, update, delete, unchanged, skip, conflict or error.
        entity: whose row it is.
        record: the number of the record in its file, from 1.
        id: the primary key of the row, where there is one; see `catalog/keys/row_ids.py`.
        new: {column: wire value} of the columns that differ, as the file has them.
        old: the same as the database has them.
        reason: why, in words, where it is not plain.
        key: what the row is called, {field of the file: value}; in reports alone.
        label: what people call it; in reports alone.
        names: what people call the rows it refers to now, {reference: label}; in reports alone.
        links: which rows it refers to, {reference: {"old" and "new": {"key", "label"}}}; in reports
            alone.
        fields: what the file calls its columns, {column: field}; in reports alone.
        base: what columns were when the file was exported, where that is known.
        about: what a decision about its record names it by, {column: value}; where asked for.
        origins: of columns an assistant gave, {column: {"source", "unverified"}}, what there is of
            both; in reports alone.
    """

    action: str
    entity: str
    record: int
    id: RowId | None = None
    new: Mapping[str, Any] = field(default_factory=dict)
    old: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    key: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    base: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def known_id(self) -> RowId:
        """The id of a row that is there.

        Raises:
            ValueError: It is the change of no row.
        """
        if self.id is None:
            raise ValueError(f"{self.action} of {self.entity}, record {self.record}: of which row?")
        return self.id


@dataclass
class Changes:
    """One batch of planned changes of one entity.

    Args:
        entity: whose rows.
        columns: the columns of `rows`, in order.
        rows: the rows to create, as wire values; what only the database or the application makes
            stands in them once they are written.
        numbers: the record each new row comes from.
        updates: the rows to update, one `Change` each.
        others: what needs no writing, one `Change` each.
        parents: rows of other entities that were decided to be created and must be written first.
        deletes: rows to delete, whole in `old`.
    """

    entity: Entity
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]] = field(default_factory=list)
    numbers: Sequence[int] = field(default_factory=list)
    updates: list[Change] = field(default_factory=list)
    others: list[Change] = field(default_factory=list)
    parents: list[Changes] = field(default_factory=list)
    deletes: list[Change] = field(default_factory=list)

    def __iter__(self) -> Iterator[Change]:
        """Every change of the batch, creations first."""
        place = self.columns.index(self.entity.primary)
        for number, row in zip(self.numbers, self.rows, strict=True):
            yield Change(
                "create",
                self.entity.name,
                number,
                row[place],
                dict(zip(self.columns, row, strict=True)),
            )
        yield from self.updates
        yield from self.deletes
        yield from self.others


class EncodedBatch(Sequence[Mapping[str, Any]]):
    """A batch of records whose JSON exists already: written as it is, decoded when somebody looks.

    Args:
        size: how many records they are.
        data: their JSON, joined by a comma and a line feed.
    """

    def __init__(self, size: int, data: bytes) -> None:
        self.size, self.data = size, data
        self._records: list[dict[str, Any]] | None = None

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, place: Any) -> Any:
        if self._records is None:
            self._records = msgspec.json.decode(b"[" + self.data + b"]")
        return self._records[place]


Batch = Sequence[Mapping[str, Any]]


NOTHING_FITS = "nothing fits well: this is the nearest"
"""The first reason of a candidate that is hardly the right row, where there is no better one."""


@dataclass(frozen=True)
class Candidate:
    """A row that may be meant.

    Args:
        entity: whose row it is.
        id: its primary key; None where another decision creates the row.
        key: its natural key, {column: value}, as a decision names it.
        label: what people call it.
        score: how likely it is the right row, from 0 to 1: of ten candidates with 0.8, eight are
            right.
        reasons: the reasons for the score, in words.
        automatic: whether it is certainly the right row (equal, or learned), so that nobody is
            asked.
        warning: why it may be the wrong row; empty if nothing speaks against it.
    """

    entity: str
    id: RowId | None
    key: Mapping[str, Any]
    label: str
    score: float
    reasons: tuple[str, ...]
    automatic: bool = False
    warning: str = ""

    def as_dict(self) -> MeantRow:
        """Return the candidate as JSON shows it; `target` is what a decision takes."""
        return {
            "target": dict(self.key),
            "label": self.label,
            "score": self.score,
            "reasons": list(self.reasons),
            "automatic": self.automatic,
            "warning": self.warning,
        }


ACTIONS = (
    "existing",
    "create",
    "empty",
    "skip",
    "take-file",
    "keep-database",
    "value",
    "accept",
    "leave-field",
    "leave-record",
)
REFERENCE, CONFLICT, VALUE, CHECK = "reference", "conflict", "value", "check"
SUSPICIOUS, NEW_ROW, CHANGE = "suspicious", "new-row", "change"
HEADING = "heading"
ANSWERS = {
    REFERENCE: ("existing", "create", "empty", "skip"),
    CONFLICT: ("take-file", "keep-database", "value", "leave-record"),
    VALUE: ("value", "leave-field", "leave-record"),
    CHECK: ("value", "accept", "leave-field", "leave-record"),
    SUSPICIOUS: ("accept", "value", "leave-field", "leave-record"),
    NEW_ROW: ("accept", "existing", "leave-record"),
    HEADING: ("existing", "value", "leave-field"),
    CHANGE: ("accept", "value", "take-file", "keep-database", "leave-field", "leave-record"),
}
"""What may be answered to each kind of question; a change nobody asks about may be rejected."""
Identity = tuple[Any, ...]
SEEN = ("file", "database")
"""What a decision about a record may say it was made about."""


@dataclass(eq=False)
class Question:
    """A question of an import. It is asked once for all its records; some questions can stay open.

    A reference that names no row is a question about that row: `key` is how the file names it. A
    heading is a question about a column of a sheet that belongs to no view: `key` has the
    `heading`, the `view`, the `constant` or the `pattern`, and its candidates are not rows but what
    it may mean. Every other question is about a record: `key` names the record, and `field` is the
    field in question.

    Args:
        entity: the entity of the row or the record.
        key: what names the row or the record, {column: value}; `reference.column` is a column of a
            referred row.
        field: where in the file.
        count: how many records it is about.
        records: the first 20 of them, as (file, number).
        places: where those stand in a sheet, such as `Sheet1!B17`; none in other files.
        nullable: whether the reference may be left empty.
        ambiguous_ids: the ids of the rows that an ambiguous key may mean.
        why: what was wrong with the last answer.
        context: what the first record says about the row, as {column or reference.column: value}.
        search: the function that `candidates` calls.
        fields: the fields of the file that can name the row, {column: field}.
        kind: reference, conflict, value, check, suspicious, new-row or heading; or change, which is
            never asked.
        message: the question, in words.
        label: what people call the row.
        values: the values that are compared, as far as they are known: `file`, `database` and
            `base` (the value at the export).
        default: the answer if nobody gives one; empty if the import needs one.
        form: what a new row needs, for each value {"name", "required", "choices", "target",
            "value"}.
        offers: the actions that are possible, if not all of its kind are.
    """

    entity: str
    key: Mapping[str, Any]
    field: str = ""
    count: int = 0
    records: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    places: list[str] = dataclasses.field(default_factory=list)
    nullable: bool = True
    ambiguous_ids: tuple[RowId, ...] = ()
    why: str = ""
    context: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    search: Callable[[Question, int], list[Candidate]] | None = dataclasses.field(
        default=None, repr=False
    )
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    kind: str = REFERENCE
    message: str = ""
    label: str = ""
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    default: str = ""
    form: Sequence[Mapping[str, Any]] = ()
    offers: Sequence[str] = ()

    @property
    def identity(self) -> Identity:
        """What identifies the question; it is the same in every plan of the file."""
        about = self.entity, folded_key(self.key)
        return about if self.kind == REFERENCE else (*about, self.kind, self.field)

    @property
    def answers(self) -> tuple[str, ...]:
        """The actions that can be answered."""
        impossible = {"empty": not self.nullable, "create": bool(self.ambiguous_ids)}
        possible = self.offers or ANSWERS[self.kind]
        return tuple(action for action in possible if not impossible.get(action))

    @property
    def seen(self) -> Mapping[str, Any]:
        """The values of `file` and `database`; a decision about others does not count here."""
        return {side: self.values[side] for side in SEEN if side in self.values}

    def is_like(self, other: Question) -> bool:
        """Tell whether a question is of the same kind and field: one answer may fit both."""
        return (self.kind, self.entity, self.field) == (other.kind, other.entity, other.field)

    def candidates(self, limit: int = 5) -> list[Candidate]:
        """Return the rows that may be meant, the most likely first, with scores and reasons."""
        return self.search(self, limit) if self.search else []

    def __hash__(self) -> int:
        return hash(self.identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Question) and self.identity == other.identity

    def __str__(self) -> str:
        named = ", ".join(f"{column} {shown(value)}" for column, value in self.key.items())
        return f"{self.entity}: {named}" + (f", {self.field}" if self.field else "")


Missing = Question
"""A question about a key that names no row, or more than one; the name plugins know it by."""


@dataclass(frozen=True)
class Decision:
    """What to do about a question.

    Args:
        action: about a reference: `existing` (link to a row), `create` one, leave it `empty`, or
            `skip` the records. About a record: `take-file` or `keep-database` where both changed a
            field, a `value` of one's own, `accept` what is doubted, `leave-field` or `leave-record`
            out; `existing` where a new record means a row that is there.
        target: {column: value} that names the existing row.
        values: {column, lookup field or reference.column: value} of the new one; of an answer
            `value` what the field is to be, {"value": value}.
        by: who decided.
        at: when (UTC, ISO 8601).
        seen: what `file` and `database` had when it was decided, where that is known: of anything
            else it decides nothing.
    """

    action: str
    target: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    by: str = ""
    at: str = ""
    seen: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise UsageError(f'a decision is one of {", ".join(ACTIONS)}, not "{self.action}"')

    @classmethod
    def existing(cls, by: str = "", **target: Any) -> Decision:
        """Use the row named by natural key, such as `Decision.existing(slug="deck")`."""
        return cls("existing", target=target, by=by)

    @classmethod
    def create(cls, by: str = "", **values: Any) -> Decision:
        """Create the row with these values; what is required and not given is refused."""
        return cls("create", values=values, by=by)

    @classmethod
    def empty(cls, by: str = "") -> Decision:
        """Leave the reference empty, where the column can be null."""
        return cls("empty", by=by)

    @classmethod
    def skip(cls, by: str = "") -> Decision:
        """Skip the records that use the key."""
        return cls("skip", by=by)

    @classmethod
    def take_file(cls, by: str = "") -> Decision:
        """Write the value of the file, although the field changed in the database too."""
        return cls("take-file", by=by)

    @classmethod
    def keep_database(cls, by: str = "") -> Decision:
        """Leave the field as the database has it."""
        return cls("keep-database", by=by)

    @classmethod
    def value(cls, value: Any, by: str = "") -> Decision:
        """Write another value than that of the file, in the form of the file."""
        return cls("value", values={"value": value}, by=by)

    @classmethod
    def accept(cls, by: str = "") -> Decision:
        """Accept a value that is suspicious or fails a check."""
        return cls("accept", by=by)

    @classmethod
    def leave_field(cls, by: str = "") -> Decision:
        """Leave the field out of the record, as if the file did not have it."""
        return cls("leave-field", by=by)

    @classmethod
    def leave_record(cls, by: str = "") -> Decision:
        """Leave the record out."""
        return cls("leave-record", by=by)


ALIAS, EXISTING = "alias", "existing"
