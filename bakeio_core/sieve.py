"""Sift a view's records: by generated code those that say nothing new about their row, then those in which only plain values were edited.

What is not recognised takes the careful way of `ViewPlanner`, so the sieve only has to be right when it decides.
"""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bakeio_core.errors import Problem
from bakeio_core.records import content_hash
from bakeio_core.revision import field_hash, row_hash
from bakeio_core.sources import CLEAR, REV, Binding

if TYPE_CHECKING:
    from bakeio_core.merge import ViewPlanner

__all__ = ["Edit", "Sieve"]

UNEDITED = 0xFFFFFFFF
"""Stands for the contents of a record that was recognised as unedited."""


@dataclass(slots=True)
class Edit:
    """One record whose plain values changed: the row, what is new, what was there, and when the row was last updated."""

    number: int
    identity: int
    new: dict[str, Any]
    old: dict[str, Any]
    stamp: Any


@dataclass(slots=True)
class Lane:
    """How one file is sifted. begin(records) prepares a batch; same gives each record's row id where nothing was edited, else None;
    row gives (id, row as {column: value}, hashes of the record when exported or None) of an edited record, None where that is not plain.
    """

    same: Callable[[list[Any]], list[int | None]]
    row: Callable[[Any], tuple[int, tuple[Any, ...], tuple[int, ...] | None] | None]
    begin_edits: Callable[[list[Any]], None]
    at: dict[str, int]


class Sieve:
    """Sift the typed records of one view file, batch by batch."""

    def __init__(self, planner: ViewPlanner) -> None:
        self.planner = planner
        self._lane: Lane | None = None
        self._tried = False
        self._names: tuple[str, ...] = ()
        self._cells: Callable[[Any], tuple[Any, ...]] = tuple
        self._plain: list[tuple[Callable[[Any], Any], str, Binding]] = []
        self._fixed: list[tuple[Callable[[Any], Any], str]] = []

    def sift(self, first: int, records: list[Any]) -> tuple[list[tuple[int, Any]], list[Edit]]:
        """Return (number, record) of those left to the careful way, and the plain edits; the rest is marked as touched."""
        if not self._tried:
            self._tried = True
            self._lane = self._prepare(self.planner.reader.names)
        if self._lane is None:
            return list(enumerate(records, first)), []
        touched, edited = self.planner.touched, []
        for number, (record, identity) in enumerate(zip(records, self._lane.same(records), strict=True), first):
            if identity is None or identity in touched:
                edited.append((number, record))
            else:
                touched[identity] = number << 33 | UNEDITED << 1
        if self.planner.planner.options.mode == "skip-existing":
            left, edits = edited, list[Edit]()
        else:
            left, edits = self._plain_edits(edited)
        if REV not in self.planner.reader.names:
            self.planner.two_way += len(records) - len(left)
        return left, edits

    def _prepare(self, names: dict[str, str]) -> Lane | None:
        planner = self.planner
        self._names, self._cells = tuple(names), operator.attrgetter(*names.values())
        self._plain = [(operator.attrgetter(names[b.name]), b.name, b) for b in planner.editable if b.wanted is None and b.name in names]
        linked = [b.name for b in planner.editable if b.wanted is not None]
        fixed = [*linked, *(b.name for b in (*planner.keys, *planner.naming))]
        self._fixed = [(operator.attrgetter(names[name]), name) for name in fixed if name in names]
        return self._with_revision(names) if REV in names else self._with_row(names)

    # -- edits of plain values
    def _plain_edits(self, edited: list[tuple[int, Any]]) -> tuple[list[tuple[int, Any]], list[Edit]]:
        lane, touched = self._lane, self.planner.touched
        if lane is None or not edited:
            return edited, []
        lane.begin_edits([record for _, record in edited])
        left: list[tuple[int, Any]] = []
        edits: list[Edit] = []
        for number, record in edited:
            known = lane.row(record)
            edit = self._edit(number, record, *known) if known is not None and known[0] not in touched else None
            if edit is None:
                left.append((number, record))
                continue
            content = content_hash(tuple(zip(self._names, self._cells(record), strict=True)))
            touched[edit.identity] = number << 33 | content << 1
            edits.append(edit)
        return left, edits

    def _edit(self, number: int, record: Any, identity: int, row: tuple[Any, ...], base: tuple[int, ...] | None) -> Edit | None:
        """Return the edit of a record whose row is certain, None where anything about it wants care: links, nulls, conflicts, checks."""
        planner, at = self.planner, self._lane.at if self._lane else {}
        if base is not None:
            for value_of, name in self._fixed:
                if field_hash(value_of(record)) != base[planner.place_of[name]]:
                    return None
        new: dict[str, Any] = {}
        old: dict[str, Any] = {}
        for value_of, name, binding in self._plain:
            value, current = value_of(record), row[at[binding.column]]
            if value == current:
                continue
            if base is not None:
                before = base[planner.place_of[name]]
                if field_hash(value) == before:
                    continue
                if field_hash(current) != before:
                    return None
            if value is None or value == "" or (isinstance(value, str) and not unicodedata.is_normalized("NFC", value)):
                return None
            check = planner.entity.checks.get(binding.column)
            if check is not None:
                answer = check(current, value)
                if isinstance(answer, Problem) or answer != value:
                    return None
            new[binding.column], old[binding.column] = value, current
        return Edit(number, identity, new, old, row[at["updated_at"]] if "updated_at" in at else None) if new else None

    # -- with `_rev`
    def _with_revision(self, names: dict[str, str]) -> Lane | None:
        """`_rev` is computed anew from the row's uuid and the record's values: where it is the same, nobody edited the record."""
        planner = self.planner
        rows, revision, entity = planner.rows, planner.revision, planner.entity
        if planner.id_field not in names or CLEAR in names or not set(revision.fields) <= set(names) or "uuid" not in entity.columns:
            return None
        cells = {field: (f"r.{names[field]}", planner.part.bindings[field].kind) for field in revision.fields}
        expression, scope = revision.expression("u", cells)
        identity, rev = f"r.{names[planner.id_field]}", f"r.{names[REV]}"
        exec(
            "def same(records, uuids):\n"
            f"    return [{identity} if (u := uuids.get({identity})) is not None and {rev} == {expression} else None for r in records]",
            scope,
        )
        identity_of, revision_of = operator.attrgetter(names[planner.id_field]), operator.attrgetter(names[REV])
        wanted = [entity.primary, "uuid", *dict.fromkeys(binding.column for _, _, binding in self._plain)]
        wanted += ["updated_at"] if "updated_at" in entity.columns else []
        found: dict[int, tuple[Any, ...]] = {}

        def same(records: list[Any]) -> list[int | None]:
            ids = {identity for record in records if (identity := identity_of(record)) is not None}
            uuids: dict[int, str] = {row[1]: row[2] for row in rows.slim([entity.primary, "uuid"], ids)}
            return scope["same"](records, uuids)  # type: ignore[no-any-return]

        def begin_edits(records: list[Any]) -> None:
            found.clear()
            ids = {identity for record in records if (identity := identity_of(record)) is not None}
            found.update((row[0], row) for row in rows.slim(wanted, ids))

        def row(record: Any) -> tuple[int, tuple[Any, ...], tuple[int, ...] | None] | None:
            there = found.get(identity_of(record))
            try:
                read = revision.read(revision_of(record) or "")
            except ValueError:
                return None
            return (there[0], there, read[1]) if there is not None and read is not None and read[0] == row_hash(there[2]) else None

        return Lane(same, row, begin_edits, {column: place for place, column in enumerate(wanted, 1)})

    # -- without
    def _with_row(self, names: dict[str, str]) -> Lane | None:
        """The best key in the file finds the row; every field that names or may write must agree with it."""
        planner, entity = self.planner, self.planner.entity
        key = next((key[0] for key in entity.all_keys if len(key) == 1 and planner.by_column.get(key[0]) in names), None)
        if key is None or (key,) not in entity.unique or CLEAR in names or any(binding.wanted is not None for binding in planner.editable):
            return None
        fixed = [b for b in planner.keys if b.name in names]
        if planner.planner.own and planner.id_field in names:
            fixed.append(planner.part.bindings[planner.id_field])
        plain = [binding for _, _, binding in self._plain]
        named = self._named(names)
        wanted = list(dict.fromkeys([key, *(b.column for b in (*fixed, *plain) if b.column != entity.primary), *(c for c, _, _ in named)]))
        at = {entity.primary: 0, **{column: place for place, column in enumerate(wanted, 1)}}
        left, right = [f"r.{names[b.name]}" for b in fixed], [f"row[{at[b.column]}]" for b in fixed]
        for place, (column, _, attributes) in enumerate(named):
            left.append("(" + ", ".join(f"r.{attribute}" for attribute in attributes) + ",)")
            right.append(f"n{place}[row[{at[column]}]]")
        edited = [f"r.{names[b.name]}" for b in plain], [f"row[{at[b.column]}]" for b in plain]
        scope: dict[str, Any] = {}
        arguments = ", ".join(["records", "rows", *(f"n{place}" for place in range(len(named)))])
        for name, ours, theirs in (("agrees", left, right), ("same", [*left, *edited[0]], [*right, *edited[1]])):
            equal = " and ".join(f"{a} == {b}" for a, b in zip(ours, theirs, strict=True))
            exec(
                f"def {name}({arguments}):\n    return [row[0] if (row := rows.get(r.{names[planner.by_column[key]]})) is not None "
                f"and {equal} else None for r in records]",
                scope,
            )
        value_of = operator.attrgetter(names[planner.by_column[key]])
        found: dict[Any, tuple[Any, ...]] = {}
        known: list[dict[int, tuple[Any, ...]]] = []

        def same(records: list[Any]) -> list[int | None]:
            values = {value for record in records if (value := value_of(record)) is not None}
            found.clear()
            found.update((row[1], row) for row in planner.rows.slim(wanted, values))
            known[:] = [self._called(column, columns, {row[at[column]] for row in found.values()}) for column, columns, _ in named]
            return scope["same"](records, found, *known)  # type: ignore[no-any-return]

        agreed: dict[int, int | None] = {}
        stamps: dict[int, Any] = {}
        at["updated_at"] = len(wanted) + 1

        def begin_edits(records: list[Any]) -> None:
            agreed.clear()
            identities = scope["agrees"](records, found, *known)
            agreed.update(zip(map(id, records), identities, strict=True))
            stamps.clear()
            if "updated_at" in entity.columns:
                ids = [identity for identity in identities if identity is not None]
                stamps.update((row[0], row[2]) for row in planner.rows.slim([entity.primary, "updated_at"], ids))

        def row(record: Any) -> tuple[int, tuple[Any, ...], tuple[int, ...] | None] | None:
            identity = agreed[id(record)]
            return None if identity is None else (identity, (*found[value_of(record)], stamps.get(identity)), None)

        return Lane(same, row, begin_edits, at)

    def _called(self, column: str, columns: tuple[str, ...], ids: set[Any]) -> dict[Any, tuple[Any, ...]]:
        """Return what the rows a reference names are called, for each of the ids; no row is called nothing."""
        planner = self.planner
        target = planner.catalog.entities[planner.entity.references[column].target]
        known, nothing = planner.linker.names(target, ids, columns), (None,) * len(columns)
        return {identity: known.get(identity, nothing) for identity in ids}

    def _named(self, names: dict[str, str]) -> list[tuple[str, tuple[str, ...], list[str]]]:
        """Return (reference, columns of the referred row, attributes of the record) for the fields that only name a referred row."""
        planner, out = self.planner, []
        for column in planner.lookup_columns:
            used = [binding for binding in planner.naming if binding.column == column and binding.name in names]
            if used:
                out.append((column, tuple(str(b.wanted) for b in used), [names[b.name] for b in used]))
        return out
