"""Records on their way through planning, and what may stand between them and their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bakeio_core.catalog.entities.model import Entity, Key, RowId
from bakeio_core.catalog.exchange import ABSENT, Decision, Identity, Missing
from bakeio_core.catalog.fields import CLEAR
from bakeio_core.database.stored.rows import Row
from bakeio_core.importing.reading.decided_records import RecordDecisions
from bakeio_core.importing.reading.records.reader import Record
from bakeio_core.importing.reading.sources import Part


@dataclass(slots=True)
class LinkError:
    """Why a record or a reference could not be linked to one row.

    `ids` are rows it might mean, `field` is where the file says it, `vain` the column of the row
    referred to in which no row has what the file says. Of records with one `cause` the first one
    alone is told in full.
    """

    code: str
    message: str
    missing: Missing | None = None
    ids: tuple[RowId, ...] = ()
    field: str = ""
    vain: str = ""
    cause: str = ""


@dataclass(slots=True)
class PendingParent:
    """A row to be created for a missing reference, once a record that needs it proves good.

    Attributes:
        target: The entity it is of.
        decision: The decision to create it.
        link: The reference that wants it.
        chosen: The decision of the reference, where another one's is to create the row.
        creator: What that one is about.
    """

    target: Entity
    decision: Decision
    link: LinkError
    chosen: Decision | None = None
    creator: Identity | None = None


@dataclass(slots=True)
class Draft:
    """A record on its way through planning.

    Attributes:
        number: The record's number in its file, from 1.
        values: Its wire values by field of the file.
        row: The row it means, None while it means none.
        key: The key by which that row was found; None by `_rev` or context.
        base: The hash of each field of `_rev` as it was exported, None without a usable `_rev`.
        fault: Why its row cannot be told.
        has_unknown_key: Whether it gives a key that no row has.
        was_imported: Whether its row is known only as what an earlier import of it created.
        lookups: What the file calls each referred row: a tuple of values in the order of
            `FieldMap.naming`, then the id in the file or None.
        links: What became of each reference: an id, None, a `LinkError` or a `PendingParent`.
        context: What it says in fields that are only compared.
        context_base: The hash of that as it was exported, None where that is not known.
        differing: What its row says in those of these fields in which it says another thing.
        decided: What somebody decided about it.
        shown: Cells that are no texts, where the row may have one that is shown so; see `Record`.
    """

    number: int
    values: dict[str, Any]
    row: Row | None = None
    key: Key | None = None
    base: tuple[int, ...] | None = None
    fault: LinkError | None = None
    has_unknown_key: bool = False
    was_imported: bool = False
    lookups: dict[str, Row] = field(default_factory=dict)
    links: dict[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    context_base: int | None = None
    differing: Mapping[str, Any] = field(default_factory=dict)
    decided: RecordDecisions | None = None
    shown: Mapping[str, tuple[Any, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, record: Record) -> Draft:
        """Return the draft of a record as it was read."""
        context, decided = record.context, record.decided
        shown = record.shown
        return cls(record.number, record.values, context=context, decided=decided, shown=shown)

    @property
    def is_left_out(self) -> bool:
        """Whether somebody wants the whole record left out."""
        return self.decided is not None and self.decided.left_out is not None

    @property
    def told(self) -> Mapping[str, Any]:
        """What the record itself says, by field, whatever was decided about it."""
        return self.values if self.decided is None else self.decided.told

    @property
    def waiting(self) -> list[str]:
        """The references not linked to a row yet."""
        return [column for column, link in self.links.items() if isinstance(link, LinkError)]

    def said(self, name: str) -> Any:
        """Return what a record says in a field, also in a cell that is no text; else ABSENT."""
        return self.values.get(name, self.shown.get(name, (ABSENT,))[0])

    def value(self, part: Part, column: str) -> Any:
        """Return what a record says of a column, ABSENT where it says nothing or does not link."""
        if column in part.entity.references:
            link = self.links.get(column, ABSENT)
            return ABSENT if isinstance(link, LinkError) else link
        return self.values.get(part.fields.own.get(column, ""), ABSENT)

    def named(self, part: Part, key: Key) -> dict[str, Any]:
        """Return what a record says of a key in the words of its file: {field: value}.

        A reference in it stands for what the record calls the row it refers to.
        """
        found: dict[str, Any] = {}
        for column in key:
            fields = [item.name for item in part.fields.naming.get(column, {}).values()]
            fields.append(part.fields.own.get(column, ""))
            given = [name for name in fields if self.values.get(name) is not None]
            found.update((name, self.values[name]) for name in given[:1])
        return found

    @property
    def to_clear(self) -> list[Any]:
        """What the field `_clear` names, be it a list or a text as a person writes into a cell."""
        asked = self.values.get(CLEAR)
        if asked is None or asked == "":
            return []
        if isinstance(asked, str):
            return [name.strip() for name in asked.split(",") if name.strip()]
        return asked if isinstance(asked, list) else [asked]

    def empty(self, part: Part, names: Iterable[str]) -> None:
        """Take out what a record says in some fields, as it asks itself."""
        for name in names:
            self.values[name] = None
            item = part.fields.by_name[name]
            if item.target is not None:
                self.links[str(item.column)] = None

    def base_of(self, part: Part, field: str) -> int | None:
        """Return the hash of a field as it was exported, None where that is not known."""
        place = None if self.base is None or part.revision is None else part.revision.places
        index = None if place is None else place.get(field)
        return None if index is None or self.base is None else self.base[index]

    def linked(self, new: Mapping[str, Any]) -> dict[str, Any]:
        """Return column values with the ids of created parents where they were waited for."""
        return {
            column: self.links[column] if isinstance(value, PendingParent) else value
            for column, value in new.items()
        }
