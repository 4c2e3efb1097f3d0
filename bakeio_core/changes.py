"""What a plan is made of: options, changes, drafts of records, rows to create. Plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bakeio_core.errors import UsageError
from bakeio_core.linking import Unlinked
from bakeio_core.model import Entity, Key
from bakeio_core.resolve import Decision

__all__ = ["ABSENT", "COUNTS", "CREATED", "MODES", "STAMPS", "Change", "Changes", "Draft", "Options", "Wanted"]

MODES = ("merge", "skip-existing", "update-only", "replace")
COUNTS = ("processed", "created", "updated", "unchanged", "skipped", "conflicts", "errors", "nulls_kept")
CREATED = "sum of created records"
"""Counts the numbers of the records to create, besides `COUNTS`: another record created is another outcome."""
ABSENT: Any = object()
MOST_SHOWN = 10_000
STAMPS = ("created_at", "updated_at")


@dataclass(frozen=True)
class Options:
    """How to import. mode: merge (update and add), skip-existing (only add), update-only, replace (delete what is not there);
    on_conflict: fail, keep-db or take-file; nulls: what null means in a view, keep or clear; allow: checks lifted; allow_duplicates: add
    records equal to rows that are there.
    """

    mode: str = "merge"
    on_conflict: str = "fail"
    skip_errors: bool = False
    nulls: str = "keep"
    allow: frozenset[str] = frozenset()
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(f'there is no mode "{self.mode}"; choose one of {", ".join(MODES)}')
        if self.on_conflict not in ("fail", "keep-db", "take-file"):
            raise UsageError(f'on conflict choose fail, keep-db or take-file, not "{self.on_conflict}"')
        if self.nulls not in ("keep", "clear"):
            raise UsageError(f'for nulls choose keep or clear, not "{self.nulls}"')
        if self.mode == "replace":
            if self.skip_errors:
                raise UsageError("replace and skip-on-error do not go together: the rows of skipped records would be deleted")
            object.__setattr__(self, "on_conflict", "take-file")  # the set is the state, whatever was edited since


@dataclass(slots=True)
class Change:
    """What happens to one record: create, update, delete, unchanged, skip, conflict or error; `new` and `old` hold the columns that differ."""

    action: str
    entity: str
    record: int
    id: int | None = None
    new: Mapping[str, Any] = field(default_factory=dict)
    old: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass
class Changes:
    """One batch of planned changes of one entity: `rows` to create (wire values in the order of `columns`) and `updates`.

    numbers: the record each new row comes from; others: what needs no writing, one `Change` each; parents: rows of other entities that
    were decided to be created and must be written first;
    deletes: rows to delete, whole in `old`; text: `rows` in the form the database reads fastest, where it was made.
    """

    entity: Entity
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]] = field(default_factory=list)
    numbers: Sequence[int] = field(default_factory=list)
    updates: list[Change] = field(default_factory=list)
    others: list[Change] = field(default_factory=list)
    parents: list[Changes] = field(default_factory=list)
    text: str | None = None
    deletes: list[Change] = field(default_factory=list)

    def __iter__(self) -> Iterator[Change]:
        """Every change of the batch, creations first."""
        place = self.columns.index(self.entity.primary)
        for number, row in zip(self.numbers, self.rows, strict=True):
            yield Change("create", self.entity.name, number, row[place], dict(zip(self.columns, row, strict=True)))
        yield from self.updates
        yield from self.deletes
        yield from self.others


class LazyRows(Sequence[tuple[Any, ...]]):
    """Rows that are made only when somebody looks at them: what writes them has them in another form already."""

    def __init__(self, size: int, make: Callable[[], list[tuple[Any, ...]]]) -> None:
        self.size, self.make = size, make
        self._rows: list[tuple[Any, ...]] | None = None

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, place: Any) -> Any:
        if self._rows is None:
            self._rows = self.make()
        return self._rows[place]


@dataclass(slots=True)
class Wanted:
    """A row to be created for a missing reference, once a record that needs it proves good."""

    target: Entity
    decision: Decision
    link: Unlinked


@dataclass(slots=True)
class Draft:
    """A record on its way: its values by column, its references as links, the row it was matched to."""

    number: int
    values: dict[str, Any]
    links: dict[str, Any]
    lookups: dict[str, tuple[Any, ...]]
    row: tuple[Any, ...] | None = None
    key: Key | None = None
