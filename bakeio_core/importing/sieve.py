"""Sift a view's records: by generated code those that say nothing new about their row, then those in which only plain values were edited.

What is not recognised takes the careful way of `ViewPlanner`, so the sieve only has to be right when it decides.
"""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.exchange import Change
from bakeio_core.database.rows import REMEMBERED
from bakeio_core.errors import Problem
from bakeio_core.files.blocks import Block
from bakeio_core.files.revision import field_hash, hashing
from bakeio_core.importing.sources import CLEAR, REV, Binding

if TYPE_CHECKING:
    from bakeio_core.importing.merge import ViewPlanner

UNREAD = 0xFFFFFFFF
"""Stands for the contents of a record that went through the sieve: they are read again where a second record means the same row."""
FEW = 200
"""Records whose values are worked on at a time: so few that they stay in a processor's cache."""
NEAR = 4
"""Rows are fetched as one range of ids where that holds at most so many ids for each record."""
Edit = tuple[int, int, dict[str, Any], dict[str, Any]]
"""What a record edits: its number, the id of its row, {column: new value}, {column: old value}."""


class Sieve:
    """Sift the typed records of one view file, batch by batch."""

    def __init__(self, planner: ViewPlanner) -> None:
        self.planner = planner
        self._lane: Lane | None = None
        self._tried = False

    def sift(self, block: Block, records: list[Any]) -> tuple[list[tuple[int, Any]], list[Change]]:
        """Return (number, record) of those left to the careful way, and the plain edits; the rest is marked as touched."""
        planner = self.planner
        if not self._tried:
            self._tried, names = True, planner.reader.names
            finder = _finder(planner, names)
            self._lane = (
                Lane(planner, names, finder) if finder is not None and CLEAR not in names else None
            )
        if self._lane is None:
            return list(enumerate(records, block.first)), []
        left, edits = self._lane.sift(block, records)
        if not self._lane.has_revision:
            planner.two_way += len(records) - len(left)
        return left, edits


def _finder(planner: ViewPlanner, names: dict[str, str]) -> str | None:
    """Return the column by which the rows of a file's records are certain: the id where it counts or `_rev` vouches for it, else the best key."""
    entity = planner.entity
    if planner.id_field in names and (planner.planner.own or REV in names):
        return entity.primary
    key = next(
        (
            key
            for key in entity.all_keys
            if len(key) == 1 and planner.by_column.get(key[0]) in names
        ),
        None,
    )
    return key[0] if key is not None and key in entity.unique else None


class Lane:
    """How one file is sifted: the fields that name the row, or what it refers to, must be what the database says; the others may be new.

    names: {field: attribute of the records}; finder: the column that finds the rows.
    A row is a tuple: id, `finder`, the columns of the plain editable fields, then what else is compared.
    """

    def __init__(self, planner: ViewPlanner, names: dict[str, str], finder: str) -> None:
        self.planner, self.entity, self.names, self.finder = planner, planner.entity, names, finder
        self.has_revision = REV in names
        self.plain = [b for b in planner.editable if b.wanted is None and b.name in names]
        self.named = self._named()
        self.fixed = [b for b in planner.keys if b.name in names and b.column != finder]
        if planner.planner.own and planner.id_field in names and finder != self.entity.primary:
            self.fixed.append(planner.part.bindings[planner.id_field])
        self.identity = self.entity.identity
        whole = (
            finder == self.entity.primary
            and self.has_revision
            and set(planner.revision.fields) <= names.keys()
        )
        extra = [
            *(b.column for b in self.fixed),
            *self.named,
            *([self.identity] if self.has_revision else []),
        ]
        extra += (
            ["updated_at"] if whole and "updated_at" in self.entity.columns else []
        )  # what is fetched then was edited, most of it
        self.columns = [finder, *(b.column for b in self.plain), *dict.fromkeys(extra)]
        self.at = {
            column: place
            for place, column in enumerate(self.columns[1 + len(self.plain) :], 2 + len(self.plain))
        }
        self.called: list[dict[Any, tuple[Any, ...]]] = [{} for _ in self.named]
        self.rows: dict[Any, tuple[Any, ...]] = {}
        self.block: Block | None = None
        self._key_of = operator.attrgetter(names[planner.by_column[finder]])
        self._id_of = (
            operator.attrgetter(names[planner.id_field]) if planner.id_field in names else None
        )
        self._is_whole = whole
        if whole:
            fields, bindings = planner.revision.fields, planner.part.bindings
            self._revision_of = operator.attrgetter(names[REV])
            self._values_of = [operator.attrgetter(names[field]) for field in fields]
            self._hashes = [hashing(bindings[field].kind) for field in fields]
        self._walk = self._generated()

    def _named(self) -> dict[str, list[Binding]]:
        """Return {reference: fields of the file that say what its row is called}."""
        planner, out = self.planner, dict[str, list[Binding]]()
        for binding in (*planner.naming, *planner.editable):
            if binding.wanted is not None and binding.name in self.names:
                out.setdefault(binding.column, []).append(binding)
        return out

    def sift(self, block: Block, records: list[Any]) -> tuple[list[tuple[int, Any]], list[Change]]:
        touched, self.block = self.planner.touched, block
        items: list[Any] = list(enumerate(records, block.first))
        if self._is_whole:
            items = self._unedited(block.first, records, self._uuids(records))
        if not items:
            return [], []
        edits: list[Edit] = []
        self._fetch([item[1] for item in items])
        return self._walk(items, self.rows, touched, edits), self._changes(edits)

    def _uuids(self, records: list[Any]) -> dict[Any, str]:
        text = self.planner.rows.identity_text
        return {row[0]: text(row[1]) for row in self._rows([self.identity], records)}

    def _changes(self, edits: list[Edit]) -> list[Change]:
        """Return the edits of a batch as changes, with the times their rows were last updated and are updated now."""
        name = self.entity.name
        if edits and "updated_at" in self.entity.columns:
            stamps, now = (
                self._stamps([identity for _, identity, _, _ in edits]),
                self.planner.planner.now,
            )
            for _, identity, new, old in edits:
                new["updated_at"], old["updated_at"] = now, stamps[identity]
        return [Change("update", name, *edit) for edit in edits]

    def _stamps(self, ids: list[int]) -> dict[int, str]:
        """Return when rows of the batch were last updated."""
        if "updated_at" in self.at:
            place = self.at["updated_at"]
            return {row[0]: row[place] for row in self.rows.values()}
        return {
            row[0]: row[1]
            for row in self.planner.rows.slim(["updated_at"], ids, self.entity.primary)
        }

    def _fetch(self, records: list[Any]) -> None:
        """Read the rows of a batch, and what the rows they refer to are called."""
        found = self._rows(self.columns, records)
        self.rows = {row[1]: row for row in found}
        if (
            self._id_of and self.finder != self.entity.primary
        ):  # found by the range of their ids, and some perhaps not
            missing = {
                key
                for key in map(self._key_of, records)
                if key is not None and key not in self.rows
            }
            more = self.planner.rows.slim(self.columns, missing) if missing else []
            self.rows.update({row[1]: row for row in more})
            found += more
        for (column, fields), called in zip(self.named.items(), self.called, strict=True):
            self._learn(
                column,
                fields,
                called,
                set(map(operator.itemgetter(self.at[column]), found)).difference(called),
            )

    def _rows(self, columns: Sequence[str], records: list[Any]) -> list[tuple[Any, ...]]:
        """Return (id, *columns) of rows of a batch: of one range of ids where those of the file lie close together, else by the finder."""
        rows = self.planner.rows
        ids = [i for i in map(self._id_of, records) if i is not None] if self._id_of else []
        if ids and (high := max(ids)) - (low := min(ids)) <= NEAR * len(ids):
            return rows.between(columns, low, high)
        wanted = set(map(self._key_of, records)).difference((None,))
        return rows.slim(columns, wanted, self.finder) if wanted else []

    def _learn(
        self,
        column: str,
        fields: Sequence[Binding],
        called: dict[Any, tuple[Any, ...]],
        ids: set[Any],
    ) -> None:
        """Remember what the rows a reference names are called, with the hashes `_rev` has of that; no row is called nothing."""
        if not ids:
            return
        if len(called) > REMEMBERED:
            called.clear()
        planner = self.planner
        target, columns = (
            planner.catalog.entities[planner.entity.references[column].target],
            tuple(str(b.wanted) for b in fields),
        )
        known, nothing = planner.linker.names(target, ids, columns), (None,) * len(columns)
        for identity in ids:
            names = known.get(identity, nothing)
            called[identity] = (
                (*names, *map(field_hash, names))
                if self.has_revision and not self._is_whole
                else names
            )

    def _generated(self) -> Callable[..., list[tuple[int, Any]]]:
        """Generate the loop over (number, record): (items, rows by the finder, touched, edits) -> those left to the careful way.

        A record whose row is certain and whose edits want no care is added to `edits`; nulls, conflicts and what a check says want care.
        """
        revision, names, at, place_of = (
            self.planner.revision,
            self.names,
            self.at,
            self.planner.place_of,
        )
        scope: dict[str, Any] = {
            "UNREAD": UNREAD,
            "base_of": revision.unpacked,
            "hashed": field_hash,
        }
        conditions = [f"r.{names[b.name]} == row[{at[b.column]}]" for b in self.fixed]
        hashes = []
        for place, (column, fields) in enumerate(self.named.items()):
            cells = [f"r.{names[b.name]}" for b in fields]
            cells += (
                [f"b[{2 + place_of[b.name]}]" for b in fields]
                if self.has_revision and not self._is_whole
                else []
            )
            scope[f"n{place}"] = self.called[place]
            hashes.append(f"({', '.join(cells)},) == n{place}[row[{at[column]}]]")
        if self._is_whole:
            scope["identity"] = slice(revision.identity_length)
            conditions += [
                f"(b := base_of(r.{names[REV]})) is not None",
                f"r.{names[REV]}[identity] == made[identity]",
            ]
        elif self.has_revision:
            scope |= {"of_row": revision.of_row, "text": self.planner.rows.identity_text}
            conditions += [
                f"(b := base_of(r.{names[REV]})) is not None",
                f"b[:2] == of_row(text(row[{at[self.identity]}]))",
            ]
            keys = [binding.name for binding in self.planner.keys if binding.name in names]
            conditions += [f"b[{2 + place_of[name]}] == hashed(r.{names[name]})" for name in keys]
        if self.planner.planner.options.mode == "skip-existing":
            settled = ["if True:", "    return False"]
        else:
            settled = [
                line
                for place, binding in enumerate(self.plain, 2)
                for line in self._compared(binding, place, scope)
            ]
        known: list[str] = []
        if not self._is_whole and all(
            b.kind.sql_convertible for b in self.plain
        ):  # of the others a row may hold what looks like another wire value
            values = "".join(f"r.{names[b.name]}, " for b in self.plain)
            known = [
                f"            if ({values}) == row[2:{2 + len(self.plain)}]:",
                "                touched[row[0]] = number << 33 | UNREAD << 1",
                "                continue",
            ]
        lines = [
            "def settle(number, r, row, b, touched, edits):",
            "    new, old = {}, {}",
            *["    " + line for line in settled],
            "    touched[row[0]] = number << 33 | UNREAD << 1",
            "    if new:",
            "        edits.append((number, row[0], new, old))",
            "    return True",
            "def walk(items, rows, touched, edits):",
            "    left, b = [], None",
            f"    for number, r{', made' if self._is_whole else ''} in items:",
            f"        row = rows.get(r.{names[self.planner.by_column[self.finder]]})",
            f"        if {' and '.join(['row is not None', *conditions, *hashes, 'row[0] not in touched'])}:",
            *known,
            "            if settle(number, r, row, b, touched, edits):",
            "                continue",
            "        left.append((number, r))",
            "    return left",
        ]
        exec("\n".join(lines), scope)
        return scope["walk"]  # type: ignore[no-any-return]

    def _compared(self, binding: Binding, place: int, scope: dict[str, Any]) -> list[str]:
        """Return the lines that compare one field of a record with its row, and take an edit of it that wants no care."""
        column, kind, check = binding.column, binding.kind, self.entity.checks.get(binding.column)
        make = self.planner.rows.dialect.result(kind, self.entity.table.c[column])
        given = {
            "make": make,
            "same": kind.same,
            "check": check,
            "decoded": kind.decoded,
            "fit": self._fit(binding),
        }
        scope |= {f"{name}{place}": value for name, value in given.items()} | {"Problem": Problem}
        value = f"decoded{place}(value)" if kind.decoded is not None else "value"
        differ = (
            "value != current"
            if kind.sql_convertible
            else f"not (value == current and same{place}(value, current))"
        )
        base = f"b[{2 + self.planner.place_of[binding.name]}]"
        lines = [f"if not fit{place}(number, value): return False"]
        if check is not None:
            lines += [
                f"answer = check{place}(current, value)",
                "if isinstance(answer, Problem) or answer != value: return False",
            ]
        lines += [f"new[{column!r}], old[{column!r}] = {value}, current"]
        if self.has_revision:
            lines = [
                f"if hashed(value) != {base}:",
                f"    if hashed(current) != {base}: return False",
                *["    " + line for line in lines],
            ]
        read = f"make{place}(row[{place}])" if make is not None else f"row[{place}]"
        return [
            f"value, current = r.{self.names[binding.name]}, {read}",
            f"if {differ}:",
            *["    " + line for line in lines],
        ]

    def _fit(self, binding: Binding) -> Callable[[int, Any], bool]:
        """Return what tells whether a new value may be stored as it was decoded: no null, composed text, a number with all its digits."""
        name = binding.name

        def fit(number: int, value: Any) -> bool:
            if isinstance(value, str):
                return (
                    value != ""
                    and "\0" not in value
                    and (value.isascii() or unicodedata.is_normalized("NFC", value))
                )
            return (
                value is not None
                and self.block is not None
                and self.planner.reader.is_exact(self.block, number, name, value)
            )

        return fit

    def _unedited(
        self, first: int, records: list[Any], uuids: dict[Any, str]
    ) -> list[tuple[int, Any, str]]:
        """Mark the records whose `_rev` is that of their own values; return (number, record, the `_rev` of its values) of the others.

        Nothing of the row but its uuid is read for them.
        """
        left: list[tuple[int, Any, str]] = []
        for start in range(0, len(records), FEW):
            some = records[start : start + FEW]
            numbers, identities = (
                range(first + start, first + start + len(some)),
                list(map(self._key_of, some)),
            )
            known: list[str | None] = list(map(uuids.get, identities))
            hashes = [
                hash_(list(map(value_of, some)))
                for hash_, value_of in zip(self._hashes, self._values_of)
            ]
            made = self.planner.revision.texts([uuid or "" for uuid in known], hashes)
            edited = list(map(operator.ne, map(self._revision_of, some), made))
            if None in known:
                edited = [is_edited or uuid is None for is_edited, uuid in zip(edited, known)]
            unedited = list(map(operator.not_, edited))
            if not self._mark(list(compress(identities, unedited)), compress(numbers, unedited)):
                edited = [True] * len(some)
            left += compress(zip(numbers, some, made), edited)
        return left

    def _mark(self, rows: list[Any], numbers: Iterable[int]) -> bool:
        """Mark rows as touched by the records of these numbers, which need nothing done; False where two of them mean one row."""
        touched = self.planner.touched
        if len(set(rows)) < len(rows) or not touched.keys().isdisjoint(rows):
            return False
        touched.update(zip(rows, [number << 33 | UNREAD << 1 for number in numbers]))
        return True
