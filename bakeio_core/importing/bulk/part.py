"""What the bulk step knows of a part, and what it decides of a block."""

from __future__ import annotations

import operator
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bakeio_core.catalog.entities.model import RowId
from bakeio_core.catalog.exchange import Change
from bakeio_core.catalog.fields import REV
from bakeio_core.database.stored.rows import Row
from bakeio_core.importing.linking.claims import Claims
from bakeio_core.importing.linking.link import Linker
from bakeio_core.importing.linking.read_only import ReadOnlyFields
from bakeio_core.importing.reading.records.reader import Reader
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState

Item = tuple[int, Any]
"""The number of a record and the object that typed reading gave for it."""


@dataclass
class Decided:
    """What was decided of a block.

    Attributes:
        rows: Rows to create.
        numbers: The records they come from.
        updates: Rows to change.
        unchanged: How many records change nothing.
        rest: The records left to care.
    """

    rows: list[Row] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    updates: list[Change] = field(default_factory=list)
    unchanged: int = 0
    rest: list[Item] = field(default_factory=list)


@dataclass(eq=False)
class BulkPart:
    """A part whose records are to be decided in bulk.

    Attributes:
        state: The import.
        part: The part.
        linker: Links references exactly.
        claims: The rows that records mean already; what is decided is entered.
        reader: What reads the blocks: it knows the fields of the file once it has seen one.
        read_only: Compares fields that are only shown.
    """

    state: ImportState
    part: Part
    linker: Linker
    claims: Claims
    reader: Reader
    read_only: ReadOnlyFields

    def __post_init__(self) -> None:
        self.rows = self.state.tables.rows(self.part.entity)
        self.is_view = self.part.view is not None

    @property
    def has_revision(self) -> bool:
        """Whether every record of the file has a `_rev`."""
        return REV in self.reader.names

    @cached_property
    def own_rows(self) -> set[RowId]:
        """The rows that earlier runs of the same export set: a value may have been typed back."""
        return self.state.earlier.rows_set(self.part.entity.name) if self.is_view else set()

    @cached_property
    def _identity_of(self) -> Callable[[Any], Row]:
        names, own = self.reader.names, self.part.fields.own
        told = (REV, own.get(self.part.entity.primary, ""))
        return getter([names[name] for name in told if name in names and self.is_view])

    @cached_property
    def _context_of(self) -> Callable[[Any], Row]:
        return getter(list(self.reader.context.values()))

    def contexts(self, records: Iterable[Any]) -> Iterable[Row]:
        """Return what records say in fields that are only compared, in the order of the view."""
        context, names = self.reader.context, self.reader.names
        kinds = {n: self.part.fields.by_name[n].kind for n in context if n in names}
        if any(kind.decoded is not None for kind in kinds.values()):
            return (tuple(self.reader.contexts_of(record).values()) for record in records)
        return map(self._context_of, records)

    def names_no_row(self, record: Any) -> bool:
        """Tell whether neither `_rev` nor id of a view's record says that there is a row."""
        return all(value is None for value in self._identity_of(record))


def getter(attributes: Sequence[str]) -> Callable[[Any], Row]:
    """Return a function from a record to the tuple of these attributes, however many."""
    if len(attributes) == 1:
        one = operator.attrgetter(attributes[0])
        return lambda record: (one(record),)
    return operator.attrgetter(*attributes) if attributes else lambda record: ()


def repeated(values: Sequence[Any]) -> set[Any]:
    """Return the values that stand more than once."""
    if len(set(values)) == len(values):
        return set()
    return {value for value, times in Counter(values).items() if times > 1}


def is_plain_text(value: str) -> bool:
    """Tell whether an edited text is stored as it is: not empty, composed, without NUL."""
    is_composed = value.isascii() or unicodedata.is_normalized("NFC", value)
    return value != "" and "\0" not in value and is_composed
