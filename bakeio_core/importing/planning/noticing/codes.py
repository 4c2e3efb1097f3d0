"""Look at standard article numbers: each belongs to one row, and begins as its maker's others do.

How long the part is that tells the company differs; in the first digits two companies differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bakeio_core.catalog.entities.model import RowId
from bakeio_core.catalog.exchange import Change
from bakeio_core.database.stored.rows import Rows
from bakeio_core.errors import counted
from bakeio_core.importing.planning.noticing.suspicious import Suspicion
from bakeio_core.importing.reading.sources import Part
from bakeio_core.values.folding import padded
from bakeio_core.values.wording import shown

_COMPANY = slice(1, 8)
"""Of fourteen digits those in which companies differ: the first seven of an EAN-13."""


@dataclass(frozen=True, order=True)
class WrittenCode:
    """A code that a record gives a row."""

    record: int
    row: RowId
    value: Any = field(compare=False)


@dataclass(frozen=True)
class _Known:
    """What is known of the codes in one column.

    Attributes:
        owners: {code that is written: rows that have it and keep it}.
        makers: {what tells a company: makers of the rows whose codes begin so and stay}.
    """

    owners: dict[str, set[RowId]] = field(default_factory=lambda: defaultdict(set))
    makers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


class Codes:
    """Look at the codes that changes set, in one pass over the rows of the entity.

    Args:
        rows: The rows of the entity.
        part: The part.
    """

    def __init__(self, rows: Rows, part: Part) -> None:
        self.rows, self.part, self.entity = rows, part, part.entity
        self._written: dict[str, dict[str, list[WrittenCode]]] = {}
        self._code_of: dict[tuple[str, RowId], str] = {}
        self._makers: dict[RowId, Any] = {}

    def look(self, changes: Sequence[Change]) -> None:
        """Remember which rows get a code, which have none any more, and who makes them."""
        for column in self.entity.codes:
            of_column = self._written.setdefault(column, {})
            for change in [change for change in changes if column in change.new]:
                code, row = padded(change.new[column]), change.id or 0
                self._code_of[column, row] = code
                if code:
                    written = WrittenCode(change.record, row, change.new[column])
                    of_column.setdefault(code, []).append(written)
        for maker in self.entity.emphasis[:1]:
            self._makers |= {c.id or 0: c.new[maker] for c in changes if maker in c.new}

    def suspicions(self, given: Collection[int]) -> Iterator[Suspicion]:
        """Tell of codes that another row has, and of those that begin as another maker's do.

        Args:
            given: The records of which an assistant gave anything. What it gave is doubted where
                either maker is known by its codes, anything else where both are.
        """
        found = {column: written for column, written in self._written.items() if written}
        if found:
            self.rows.forget_folded()  # some of them were changed
        for column, written in found.items():
            known = self._known(column, written)
            yield from self._shared(column, written, known)
            yield from self._of_other_makers(column, written, known, given)

    def _known(self, column: str, written: Mapping[str, Sequence[WrittenCode]]) -> _Known:
        """Look at the codes of all rows."""
        known, emphasis = _Known(), self.entity.emphasis[:1]
        for row, *maker, value in self.rows.all((*emphasis, column)):
            code = padded(value)
            if code in written and self._code_of.get((column, row), code) == code:
                known.owners[code].add(row)
            made_by = self._makers.get(row, *maker)
            if code and made_by and (column, row) not in self._code_of:
                known.makers[code[_COMPANY]].add(str(made_by))
        return known

    def _shared(
        self, column: str, written: Mapping[str, list[WrittenCode]], known: _Known
    ) -> Iterator[Suspicion]:
        """Tell of codes that another row has, or gets, as well."""
        for code, each in sorted(written.items(), key=lambda item: min(item[1])):
            each.sort()
            ids = {one.row for one in each}
            others = sorted(known.owners[code] - ids)
            if len(ids) + len(others) < 2:
                continue
            rows = self.rows.by_id(others)
            names = [self._called(rows[row]) for row in others if row in rows][:3]
            has = (
                f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} it already"
                if names
                else f"{counted(len(ids), 'record')} have it"
            )
            message = f"{has}: a code belongs to one row; check which is right"
            yield Suspicion([one.record for one in each], column, each[0].value, message)

    def _called(self, row: tuple[Any, ...]) -> str:
        column = self.entity.readable_key[0]
        return f"{self.part.fields.naming_of(column)} {shown(self.rows.value(row, column))}"

    def _of_other_makers(
        self,
        column: str,
        written: Mapping[str, list[WrittenCode]],
        known: _Known,
        given: Collection[int],
    ) -> Iterator[Suspicion]:
        """Tell of codes that begin as those of another maker do."""
        emphasis = self.entity.emphasis[:1]
        rows = {one.row for each in written.values() for one in each} if emphasis else set[RowId]()
        unnamed = self.rows.by_id(rows.difference(self._makers))
        makers = {row: self.rows.value(cells, emphasis[0]) for row, cells in unnamed.items()}
        makers |= self._makers
        known_makers = set[str]().union(*known.makers.values())
        for code, each in written.items():
            others = known.makers.get(code[_COMPANY], set())
            for one in each:
                maker = makers.get(one.row)
                doubts = [bool(others), str(maker) in known_makers]
                is_doubted = any(doubts) if one.record in given else all(doubts)
                if not maker or str(maker) in others or not is_doubted:
                    continue
                begins = (
                    f"begins like codes of {', '.join(sorted(others)[:3])}, but the row is of "
                    f"{shown(maker)}"
                    if others
                    else f"no other code of {shown(maker)} here begins like it"
                )
                message = f"{begins}: look at the code that is printed on it"
                yield Suspicion([one.record], column, one.value, message)
