"""References that name no row are data (`Missing`), and so are the answers (`Decision`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bakeio_core.errors import UsageError
from bakeio_core.hookspecs import hookimpl
from bakeio_core.values import fold, shown

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Decision", "Decisions", "Missing", "bakeio_resolve_references"]

ACTIONS = ("existing", "create", "empty", "skip")


def folded(key: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return a key in the form in which two spellings of it are one question."""
    return tuple(sorted((column, fold(value, slug=column == "slug") if isinstance(value, str) else value) for column, value in key.items()))


@dataclass(eq=False)
class Missing:
    """A key that names no row, once for all records that use it: `count` of them, the first 20 in `records` as (file, number)."""

    entity: str
    key: Mapping[str, Any]
    field: str = ""
    count: int = 0
    records: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    nullable: bool = True

    @property
    def identity(self) -> tuple[str, tuple[tuple[str, Any], ...]]:
        return self.entity, folded(self.key)

    def __hash__(self) -> int:
        return hash(self.identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Missing) and self.identity == other.identity

    def __str__(self) -> str:
        return f"{self.entity}: " + ", ".join(f"{column} {shown(value)}" for column, value in self.key.items())


@dataclass(frozen=True)
class Decision:
    """What to do with a missing key: link to an existing row, create one, leave the reference empty, or skip the records.

    target: {column: value} naming the existing row; values: {column or lookup field: value} of the new one.
    """

    action: str
    target: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    by: str = ""

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


Resolver = Callable[[Sequence[Missing]], Mapping[Missing, Decision]]


class Decisions:
    """The answers known so far, found by entity and folded key."""

    def __init__(self, known: Mapping[Missing, Decision] | None = None) -> None:
        self._known = {missing.identity: decision for missing, decision in (known or {}).items()}

    def __len__(self) -> int:
        return len(self._known)

    def get(self, missing: Missing) -> Decision | None:
        return self._known.get(missing.identity)

    def add(self, answers: Mapping[Missing, Decision]) -> int:
        """Add answers, the earlier one of two wins; return how many were new."""
        before = len(self._known)
        for missing, decision in answers.items():
            self._known.setdefault(missing.identity, decision)
        return len(self._known) - before


@hookimpl(trylast=True)
def bakeio_resolve_references(db: Connection, missing: Iterable[Missing]) -> dict[Missing, Decision]:
    """Answer nothing: without a plugin, a person or a file that knows, a missing reference stays missing."""
    return {}
