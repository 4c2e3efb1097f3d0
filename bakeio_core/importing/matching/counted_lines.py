"""Lines of a template that count: packages as what is in them, totals as edits of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from bakeio_core.catalog.entities.model import RowId
from bakeio_core.catalog.plugins.templates import Template, Totals
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import Problem, Problems, counted
from bakeio_core.files.documents.blocks import Block, in_blocks
from bakeio_core.files.documents.composed.in_memory import InMemoryDocument
from bakeio_core.importing.linking.drafts import Draft, PendingParent
from bakeio_core.importing.linking.references import References
from bakeio_core.importing.reading.decided_records import DecidedRecords
from bakeio_core.importing.reading.records.reader import Reader
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.folding import fold
from bakeio_core.values.kinds.numbers import shortest

Item = tuple[int, dict[str, Any] | Problem]
Thing = tuple[Any, ...]


@dataclass
class _Counted:
    """What the lines about one thing come to.

    Attributes:
        number: The first of these lines.
        record: What it says.
        total: What all of them come to.
        rows: The rows that hold it now, the oldest first.
    """

    number: int
    record: dict[str, Any]
    total: Decimal
    rows: list[Row] = field(default_factory=list)


class CountedLines:
    """Turn the lines of a part of a template into records of rows.

    A line about something without rows stays as it is: it is asked about, or makes a row.

    Args:
        state: The import.
        part: The part.
        template: The template.
        references: What its lines refer to.
    """

    def __init__(
        self, state: ImportState, part: Part, template: Template, references: References
    ) -> None:
        self.state, self.part, self.template = state, part, template
        self.references, self.fields = references, part.fields
        self.rows = state.tables.rows(part.entity)
        self.count = 0

    def part_of_rows(self) -> Part:
        """Return the part with its lines as records of rows."""
        items = list[Item]()
        things = dict[Thing, _Counted]()
        totals = self.template.totals
        for number, item, draft in self._lines():
            record = item if isinstance(item, Problem) else self._in_units(item, draft)
            key = self._thing(totals, draft) if totals is not None and draft is not None else None
            value = None if isinstance(record, Problem) else self._number(record)
            if key is None or value is None or isinstance(record, Problem):
                items.append((number, record))
            elif key in things:
                things[key].total += value
            else:
                things[key] = _Counted(number, record, value)
        rows = dict[int, RowId]()
        if totals is not None:
            items += self._of_rows(totals, things, rows)
        items.sort(key=lambda item: item[0])
        document = _Counts(self.part.document, self.part.document.header, items)
        return replace(self.part, document=document, rows=rows)

    def _lines(self) -> Iterator[tuple[int, Any, Draft | None]]:
        """Yield (number, what it says, how that is understood) of the lines, with their links."""
        part = self.part
        decided = DecidedRecords(part.fields, self.state.decisions.of_records(part.entity.name))
        reader = Reader(part, Problems(), decided)
        for block in part.document.blocks():
            raw = dict(block.as_dicts(part.file))
            self.count = max([self.count, *raw])
            drafts = {r.number: Draft.of(r) for r in reader.read(block) if not r.bad}
            for draft in drafts.values():
                self.references.name(draft)
            self.references.link(list(drafts.values()))
            yield from ((number, item, drafts.get(number)) for number, item in raw.items())

    # -- what one line says
    @property
    def _of(self) -> str:
        """The field that is counted."""
        return self.fields.own[self.template.of]

    def _number(self, record: Mapping[str, Any]) -> Decimal | None:
        value = record.get(self._of)
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
            return None
        try:
            found = self.fields.by_name[self._of].kind.read(value, lambda _: None)
        except ValueError:
            return None
        return None if found is None else Decimal(str(found))

    def _in_units(self, item: dict[str, Any], draft: Draft | None) -> dict[str, Any]:
        """Return a line whose packages are told as what is in them."""
        per = self.template.per
        record = {
            name if (f := self.fields.named(name)) is None else f.name: value
            for name, value in item.items()
        }
        packages = {name: record.pop(name) for name in per if name in record}
        packages = {name: value for name, value in packages.items() if value not in (None, "")}
        loose = record.get(self._of)
        if not packages and loose in (None, ""):
            packages = {name: value for name, value in self.template.given.items() if name in per}
        if not packages:
            return record
        total = self._number(record) if loose not in (None, "") else Decimal(0)
        for name, value in packages.items():
            number, holds = _decimal(value), self._per(per[name], draft)
            if number is None or total is None:
                return {**record, self._of: value if number is None else loose}
            if holds is None:
                return record
            total += number * holds
        return {**record, self._of: shortest(total)}

    def _per(self, path: str, draft: Draft | None) -> Decimal | None:
        """Return what one of the packages of a line holds, None where that is not known."""
        column, _, wanted = path.partition(".")
        link = None if draft is None else self._settled(column, draft.links.get(column))
        if isinstance(link, PendingParent):
            return _decimal(link.decision.values.get(wanted))
        if not isinstance(link, RowId):
            return None
        reference = self.part.entity.references[column]
        rows = self.state.tables.rows(self.state.catalog.entities[reference.target])
        row = rows.known(reference.to, [link], (wanted,)).get(link)
        return None if row is None else _decimal(row[0])

    def _thing(self, totals: Totals, draft: Draft) -> Thing | None:
        """Return what a line counts, None where it names nothing that is known."""
        key: list[Any] = []
        for column in totals.by:
            link = self._settled(column, draft.links.get(column))
            if not isinstance(link, RowId):
                return None
            key.append(link)
        for column in totals.within:
            value = draft.value(self.part, column)
            key.append(fold(value) if isinstance(value, str) and value else None)
        return tuple(key)

    def _settled(self, column: str, link: Any) -> Any:
        """Return the row a reference means, now or as it was decided."""
        if isinstance(link, RowId) or link is None:
            return link
        return self.references.answers.answered(self.part.entity.references[column], link)

    # -- what all lines come to
    def _of_rows(
        self, totals: Totals, things: Mapping[Thing, _Counted], rows: dict[int, RowId]
    ) -> Iterator[Item]:
        """Yield records of the rows that hold what was counted.

        Args:
            totals: How it was counted.
            things: What was counted.
            rows: Is told which row each record is of, {its number: id}.
        """
        self._find_rows(totals, things)
        several, more = 0, 0
        for thing in things.values():
            if not thing.rows:
                yield thing.number, {**thing.record, self._of: shortest(thing.total)}
                continue
            several += len(thing.rows) > 1
            for place, (identity, value) in enumerate(self._spread(thing)):
                said, number = dict[str, Any](), thing.number
                if place:  # rows besides the first of a line come behind all lines
                    more += 1
                    number = self.count + more
                else:
                    said = self._edits(totals, thing.record)
                rows[number] = identity
                yield number, {**said, self._of: shortest(value)}
        self._tell(totals, several, more)

    def _edits(self, totals: Totals, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a line says of a row that is there, without what tells which one it is."""
        names = {i.name for i in self.fields.of_role("editable") if i.target is None}
        names -= {self.fields.own.get(c, "") for c in (*totals.within, totals.order)}
        return {n: v for n, v in record.items() if n in names and v is not None}

    def _find_rows(self, totals: Totals, things: Mapping[Thing, _Counted]) -> None:
        by = tuple(totals.by)
        found = self.rows.find(by, {key[: len(by)] for key in things})
        places = [self.rows.index[column] for column in totals.within]
        at = self.rows.index[totals.order] if totals.order else self.rows.id_index
        identity = self.rows.id_index
        for key, thing in things.items():
            wanted = list(zip(places, key[len(by) :], strict=True))
            fitting = [
                row
                for row in found.get(key[: len(by)], [])
                if all(value is None or fold(row[place] or "") == value for place, value in wanted)
            ]
            undated = sorted((r for r in fitting if r[at] is None), key=lambda row: row[identity])
            dated = [row for row in fitting if row[at] is not None]
            thing.rows = [*undated, *sorted(dated, key=lambda row: (row[at], row[identity]))]

    def _spread(self, thing: _Counted) -> list[tuple[RowId, Decimal]]:
        """Return (row, what it holds now) of the rows that change, of the newest if none does."""
        of, identity = self.rows.index[self.template.of], self.rows.id_index
        held = {row[identity]: Decimal(str(row[of] or 0)) for row in thing.rows}
        newest = thing.rows[-1][identity]
        more = thing.total - sum(held.values())
        if more >= 0:
            return [(newest, held[newest] + more)]
        changed = list[tuple[RowId, Decimal]]()
        for row, holds in held.items():
            taken = min(holds, -more)
            if taken > 0:
                changed.append((row, holds - taken))
                more += taken
        return changed or [(newest, held[newest])]

    def _tell(self, totals: Totals, several: int, more: int) -> None:
        if not several:
            return
        name, order = self.part.entity.name, f" (by {totals.order})" if totals.order else ""
        verb = "counts" if several == 1 else "count"
        message = (
            f"{counted(several, 'line')} {verb} what several rows of {name} hold: what is more "
            f"is added to the newest of them, what is less is taken from the oldest{order}"
        )
        message += f"; {more} besides those of the lines change" if more else ""
        common: dict[str, Any] = {"file": self.part.file, "entity": name, "count": several}
        problem = Problem(code="bad-document", severity="note", message=message, **common)
        self.state.problems.add(problem)


class _Counts(InMemoryDocument):
    """Records of rows, in place of the lines they come from; the bytes are still those."""

    def blocks(self, seen: Any = None) -> Iterator[Block]:
        yield from in_blocks(self._items)
        if seen is not None:
            for _ in self._document.blocks(seen):
                pass


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return None
