"""A view's records onto the database: three-way, field by field, by what `_rev` says the record was when it was exported."""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from bakeio_core.catalog.exchange import ABSENT, Change, Changes
from bakeio_core.catalog.model import Key
from bakeio_core.database.dialects import dialect_of
from bakeio_core.errors import Problem, Problems, counted
from bakeio_core.files.blocks import Block
from bakeio_core.files.revision import field_hash, row_hash
from bakeio_core.importing.drafts import Draft, PendingParent
from bakeio_core.importing.linking import LinkError
from bakeio_core.importing.planner import Planner
from bakeio_core.importing.read import Reader, Record
from bakeio_core.importing.records import PartPlanner, content_hash
from bakeio_core.importing.sieve import UNREAD, Sieve
from bakeio_core.importing.sources import CLEAR, REV, Part
from bakeio_core.values.text import Text
from bakeio_core.values.wording import jsonable, shown

KEPT: Any = object()
"""What a field settles to where the row keeps its own value."""


class ViewPlanner(PartPlanner):
    """Plan the records of a view: rows by `_rev`, key or id; only the installed view's editable fields are written."""

    def __init__(self, planner: Planner, part: Part) -> None:
        super().__init__(planner, part)
        view, revision = part.view, part.revision
        if view is None or revision is None:
            raise TypeError("a part without a view")
        self.view, self.revision = view, revision
        bindings = part.bindings
        self.editable = [bindings[name] for name in view.names("editable")]
        self.keys = [bindings[name] for name in view.names("key")]
        self.naming = [
            bindings[n] for n in view.names("readonly") if bindings[n].wanted is not None
        ]
        self.id_field = next(
            (
                b.name
                for b in bindings.values()
                if b.column == self.entity.primary and b.wanted is None
            ),
            None,
        )
        self.place_of = {name: place for place, name in enumerate(revision.fields)}
        self.foreign = planner.source.database_id is not None and not planner.own
        self.bases: dict[int, tuple[int, ...]] = {}
        self.present: list[int] = []
        self.two_way = 0
        self._by_hash: dict[int, int] | None = None
        self._fields = [
            (b.name, self.place[b.column] if b.wanted is None else None, b) for b in self.editable
        ]
        self._key_places = [(b.name, self.place[b.column]) for b in self.keys]
        self.sieve = Sieve(self)

    def changes(self) -> Iterator[Changes]:
        yield from super().changes()
        source, add = self.planner.source, self.planner.problems.add
        common: dict[str, Any] = {"file": self.part.file, "entity": self.entity.name}
        if source.declared is not None and source.declared != self.reader.total:
            more = (
                ""
                if self.reader.total > source.declared
                else "; rows of records left out are left alone"
            )
            message = f"holds {counted(self.reader.total, 'record')}, its header says {source.declared}{more}"
            add(Problem(code="count-mismatch", severity="note", message=message, **common))
        if self.two_way:
            message = f"{self.two_way} records have no usable _rev: what changed in the database since the export cannot be told for them"
            add(Problem(code="bad-document", severity="note", message=message, **common))
        if self.present:
            message = "equal rows are there already, so these are taken as present (--allow-duplicates adds them)"
            add(
                Problem(
                    code="duplicate-key",
                    severity="note",
                    message=message,
                    records=self.present[:20],
                    count=len(self.present),
                    **common,
                )
            )

    # -- reading
    def _plan_block(self, block: Block) -> Changes:
        """Read a block; records in which nothing or only plain values were edited are settled at once, the others with care."""
        typed = self.reader.typed(block, mostly_known=True)
        if typed is None:
            return self._plan(self.reader.read(block))
        self.reader.accept(len(typed))
        left, edits = self.sieve.sift(block, typed)
        self.counts["skipped" if self.planner.options.mode == "skip-existing" else "unchanged"] += (
            len(typed) - len(left) - len(edits)
        )
        batch = Changes(self.entity, self.columns)
        self._count_updates(edits, batch)
        return self._plan(self.reader.records_of(block, left), batch)

    def _duplicate(self, draft: Draft, identity: int) -> None:
        known = self.touched[identity]
        if known >> 1 & UNREAD == UNREAD:
            self.touched[identity] = known ^ (UNREAD ^ self._contents[(known >> 33) - 1]) << 1
        super()._duplicate(draft, identity)

    @cached_property
    def _contents(self) -> array[int]:
        """The contents of each record of the file, which is read once more: only where two records mean one row."""
        contents, reader = array("L"), Reader(self.part, Problems())
        for block in self.part.document.blocks():
            contents.extend(content_hash(record.values.items()) for record in reader.read(block))
        return contents

    def _draft(self, record: Record) -> Draft:
        return Draft(record.number, record.values, {}, {})

    def _name_references(self, draft: Draft) -> None:
        """Note what a new record calls the rows it refers to; for rows that exist this is context."""
        values = draft.values
        for column, names in self.lookup_fields.items():
            file_id = values.get(self.by_column.get(column, ""), ABSENT)
            given = [values.get(name, ABSENT) for name in names]
            if file_id is not ABSENT or any(value is not ABSENT for value in given):
                key = tuple(None if value in (ABSENT, "") else value for value in (*given, file_id))
                draft.lookups[column] = (
                    key if all(value is None for value in key[:-1]) else (*key[:-1], None)
                )

    def _plan_drafts(self, drafts: list[Draft], batch: Changes) -> None:
        self.bases.clear()
        known = self._known_rows(drafts)
        new: list[Draft] = []
        for draft in drafts:
            row = known.get(draft.number)
            if isinstance(row, LinkError):
                self._error(draft, row.code, "", None, row.message)
            elif row is None:
                new.append(draft)
            else:
                draft.row = row
        names = self._names([draft.row for draft in drafts if draft.row is not None])
        self._link_edited([draft for draft in drafts if draft.row is not None], names)
        for draft in drafts:
            if draft.row is not None:
                self._merge(draft, draft.row, names, batch)
        if new:
            self._plan_new(new, batch)

    def _plan_new(self, drafts: list[Draft], batch: Changes) -> None:
        """Records that are no known row: found by a key that needs links, by content, or new."""
        for draft in drafts:
            self._name_references(draft)
            draft.values = {
                self.part.bindings[n].column if self.part.bindings[n].wanted is None else n: v
                for n, v in draft.values.items()
            }
            for column in (REV, CLEAR, self.entity.primary):
                draft.values.pop(column, None)
            for column, value in draft.values.items():
                if value == "" and column in self.entity.columns and self.entity.nullable(column):
                    draft.values[column] = None
        checked = []
        for draft in drafts:
            if self._checked_new(draft):
                checked.append(draft)
            else:
                self._say_links(draft)
        super()._plan_drafts(checked, batch)

    def _say_links(self, draft: Draft) -> None:
        """Report what a record that is refused already refers to in vain as well, so that one pass tells all."""
        self._link([draft])
        for column, link in draft.links.items():
            if isinstance(link, LinkError):
                answer = self._answered(self.entity.references[column], link)
                if isinstance(answer, LinkError):
                    self._unanswered(draft, column, answer, False)

    def _checked_new(self, draft: Draft) -> bool:
        for binding in (*self.editable, *self.keys):
            value = draft.values.get(binding.column, ABSENT) if binding.wanted is None else ABSENT
            if value is ABSENT or value is None:
                continue
            settled = self._settled(draft, binding.name, binding.column, None, value)
            if settled is ABSENT:
                return False
            draft.values[binding.column] = settled
        return True

    def _decide(self, draft: Draft, found: dict[Key, Any], taken: set[int], batch: Changes) -> None:
        match = None if self.planner.options.allow_duplicates else self._match(draft, found)
        if match is None or isinstance(match, LinkError):
            return super()._decide(
                draft, {} if self.planner.options.allow_duplicates else found, taken, batch
            )
        draft.row = match
        identity = match[self.rows.id_place]
        if identity in self.touched:
            return self._duplicate(draft, identity)
        if not self._settle_links(draft):
            return None
        self._remember(identity, draft)
        self.present.append(draft.number)
        return self._count(
            "unchanged",
            Change(
                "unchanged", self.entity.name, draft.number, identity, reason="is there already"
            ),
            batch,
        )

    def _scan_claims(self) -> set[int]:
        """Read the whole file once to learn which rows its records mean by `_rev`, id or key."""
        bases, two_way, claims = dict(self.bases), self.two_way, set()
        reader = Reader(self.part, Problems())
        for block in self.part.document.blocks():
            known = self._known_rows(
                [self._draft(record) for record in reader.read(block) if not record.bad]
            )
            claims |= {row[self.rows.id_place] for row in known.values() if isinstance(row, tuple)}
        self.bases, self.two_way = bases, two_way
        return claims

    # -- which row
    def _known_rows(self, drafts: list[Draft]) -> dict[int, Any]:
        """Return {record number: its row, or why it cannot be}: by `_rev`, by an id of this database, by key."""
        found: dict[int, Any] = {}
        left = []
        for draft in drafts:
            text = draft.values.get(REV)
            read = self._revision(draft, text) if text else None
            if isinstance(read, LinkError):
                found[draft.number] = read
            elif read is None:
                left.append(draft)
            else:
                self.bases[draft.number] = read[1]
                found[draft.number] = read[0]
        self._rows_by_revision(drafts, found)
        if self.planner.own:
            left = self._rows_by_id(left, found)
        for key in self.entity.all_keys:
            if len(key) == 1 and left:
                left = self._rows_by_key(left, key[0], found)
        if left and self.id_field and not self.foreign and self.planner.source.database_id is None:
            self._rows_by_context(left, found)
        for draft in drafts:
            row = found.get(draft.number)
            if isinstance(row, tuple) and draft.number not in self.bases:
                self.two_way += 1
        return found

    def _revision(self, draft: Draft, text: str) -> Any:
        try:
            read = self.revision.read(text)
        except ValueError:
            return LinkError(
                "bad-value",
                f"_rev {shown(text, 20)} is damaged: restore it, or leave _rev out of the record",
            )
        return read

    def _rows_by_revision(self, drafts: list[Draft], found: dict[int, Any]) -> None:
        wanted = {
            draft.number: found[draft.number]
            for draft in drafts
            if isinstance(found.get(draft.number), int)
        }
        if not wanted:
            return
        hints = (
            {
                draft.number: draft.values.get(self.id_field)
                for draft in drafts
                if draft.number in wanted
            }
            if self.id_field
            else {}
        )
        place = self.place[self.entity.identity]
        by_id = self.rows.by_id([hint for hint in hints.values() if isinstance(hint, int)])
        missed = []
        for number, hashed in wanted.items():
            row = by_id.get(hints.get(number))  # type: ignore[arg-type]
            if row is not None and row_hash(str(row[place])) == hashed:
                found[number] = row
            else:
                missed.append(number)
        if not missed:
            return
        index = self._hash_index()
        ids = {number: index.get(wanted[number]) for number in missed}
        rows = self.rows.by_id([i for i in ids.values() if i is not None])
        for number in missed:
            row = rows.get(ids[number])  # type: ignore[arg-type]
            if row is None:
                message = f"its _rev names a row of {self.entity.name} that is not in this database (deleted, or of another bakery)"
                found[number] = LinkError("unknown-row", message)
            elif self.planner.own and hints.get(number) is not None:
                message = f"its _rev and {self.id_field} {hints[number]} name two different rows of {self.entity.name}: restore one of them"
                found[number] = LinkError("identity-mismatch", message)
            else:
                found[number] = row

    def _hash_index(self) -> dict[int, int]:
        """Return {hash of the uuid: id} of all rows; made when an id first leads nowhere."""
        if self._by_hash is None:
            dialect = dialect_of(self.planner.db)
            identity = dialect.quote(self.entity.identity)
            table, primary = (
                dialect.format_table(self.entity.table),
                dialect.quote(self.entity.primary),
            )
            self._by_hash, twice = {}, set()
            for uuid, row in dialect.fetch(
                self.planner.db, f"SELECT {identity}, {primary} FROM {table}"
            ):
                hashed = row_hash(self.rows.identity_text(uuid))
                if self._by_hash.setdefault(hashed, row) != row:
                    twice.add(hashed)
            for (
                hashed
            ) in twice:  # 48 bits of two rows may agree by chance: then the hash names neither
                del self._by_hash[hashed]
        return self._by_hash

    def _rows_by_id(self, drafts: list[Draft], found: dict[int, Any]) -> list[Draft]:
        """An id of this very database counts; it must not contradict the record's keys."""
        hints = {
            draft.number: draft.values[self.id_field or ""]
            for draft in drafts
            if isinstance(draft.values.get(self.id_field or ""), int)
        }
        rows = self.rows.by_id(hints.values())
        for draft in drafts:
            if draft.number in hints:
                row = rows.get(hints[draft.number])
                wrong = row and next(
                    (
                        b
                        for b in self.keys
                        if draft.values.get(b.name) not in (None, row[self.place[b.column]])
                    ),
                    None,
                )
                if row is None:
                    message = f"{self.id_field} {hints[draft.number]} is no row of {self.entity.name} (deleted, or never here)"
                    found[draft.number] = LinkError("unknown-row", message)
                elif wrong:
                    value = draft.values[wrong.name]
                    message = f"{self.id_field} {hints[draft.number]} is not the row with {wrong.name} {shown(value)}: restore one of them"
                    found[draft.number] = LinkError("identity-mismatch", message)
                else:
                    found[draft.number] = row
        return [draft for draft in drafts if draft.number not in hints]

    def _rows_by_key(self, drafts: list[Draft], column: str, found: dict[int, Any]) -> list[Draft]:
        name = self.by_column.get(column)
        wanted = {
            d.number: d.values[name] for d in drafts if name and d.values.get(name) is not None
        }
        rows = self.rows.by((column,), {(value,) for value in wanted.values()})
        left = []
        for draft in drafts:
            hits = rows.get((wanted.get(draft.number),), ())
            if (
                not hits
                and draft.number in wanted
                and column != "uuid"
                and isinstance(self.entity.kinds[column], Text)
            ):
                ids = self.rows.folded(column, wanted[draft.number])
                hits = list(self.rows.by_id(ids).values()) if ids else ()
            if len(hits) == 1:
                found[draft.number], draft.key = hits[0], (column,)
            elif hits:
                message = f"{len(hits)} rows of {self.entity.name} have {column} {shown(wanted[draft.number])}"
                found[draft.number] = LinkError("ambiguous-key", message)
            else:
                left.append(draft)
        return left

    def _rows_by_context(self, drafts: list[Draft], found: dict[int, Any]) -> None:
        """An id of nobody knows which database counts only where every stored context field agrees."""
        hints = {draft.number: draft.values.get(self.id_field or "") for draft in drafts}
        rows = self.rows.by_id([hint for hint in hints.values() if isinstance(hint, int)])
        names = self._names(list(rows.values()))
        for draft in drafts:
            row = rows.get(hints[draft.number])  # type: ignore[arg-type]
            if (
                row is not None
                and any(b.name in draft.values for b in (*self.naming, *self.keys))
                and not self._disagreeing(draft, row, names)
            ):
                found[draft.number] = row

    def _disagreeing(self, draft: Draft, row: tuple[Any, ...], names: dict[str, Any]) -> str | None:
        """Return the first key or naming field of a record that is not what the row has."""
        values = draft.values
        for name, place in self._key_places:
            if name in values and values[name] != row[place]:
                return name
        for binding in self.naming:
            if binding.name in values and values[binding.name] != self._current(
                binding, row, names
            ):
                return binding.name
        return None

    def _names(self, rows: Sequence[tuple[Any, ...] | None]) -> dict[str, Any]:
        """Return, for each reference, what its rows are called now: {reference: (columns, {id: values})}."""
        names: dict[str, Any] = {}
        for column, columns in self.lookup_columns.items():
            if columns:
                target = self.catalog.entities[self.entity.references[column].target]
                ids = {row[self.place[column]] for row in rows if row is not None}
                names[column] = (columns, self.linker.names(target, ids, tuple(columns)))
        return names

    def _current(self, binding: Any, row: tuple[Any, ...], names: dict[str, Any]) -> Any:
        """Return what the database has now for a field."""
        if binding.wanted is None:
            return row[self.place[binding.column]]
        columns, by_id = names[binding.column]
        known = by_id.get(row[self.place[binding.column]])
        return known[columns.index(binding.wanted)] if known else None

    # -- merging
    def _link_edited(self, drafts: list[Draft], names: dict[str, Any]) -> None:
        """Link the references whose editable field says another name than the row's now."""
        for binding in self.editable:
            if binding.wanted is not None:
                wanted = {}
                for draft in drafts:
                    value = draft.values.get(binding.name)
                    if value not in (None, "") and value != self._current(
                        binding, draft.row or (), names
                    ):
                        place = self.lookup_fields[binding.column].index(binding.name)
                        key = (
                            *tuple(
                                value if p == place else None
                                for p in range(len(self.lookup_fields[binding.column]))
                            ),
                            None,
                        )
                        wanted[draft.number] = key
                        draft.lookups[binding.column] = key
                links = self._links(binding.column, wanted.values()) if wanted else {}
                for draft in drafts:
                    if draft.number in wanted:
                        draft.links[binding.column] = links[wanted[draft.number]]

    def _merge(
        self, draft: Draft, row: tuple[Any, ...], names: dict[str, Any], batch: Changes
    ) -> None:
        identity = row[self.rows.id_place]
        base = self.bases.get(draft.number)
        tampered = self._tampered(draft, row, names, base)
        if tampered:
            now = self._current(self.part.bindings[tampered], row, names)
            message = f"says which row this is or refers to, and was changed (the row has {shown(now)}): restore it, or edit another field"
            return self._error(draft, "tampered-context", tampered, draft.values[tampered], message)
        if identity in self.touched:
            return self._duplicate(draft, identity)
        self._remember(identity, draft)
        if self.planner.options.mode == "skip-existing":
            return self._count(
                "skipped",
                Change("skip", self.entity.name, draft.number, identity, reason="exists already"),
                batch,
            )
        new: dict[str, Any] = {}
        conflicts: dict[str, Any] = {}
        clear = self._cleared(draft)
        if clear is None:
            return None
        values = draft.values
        for name, place, binding in self._fields:
            if name in values:
                value = values[name]
                current = (
                    self._stored(row, binding.column)
                    if place is not None
                    else self._current(binding, row, names)
                )
                if name in clear:
                    value = None
                if binding.kind.same(value, current):
                    continue
            elif name in clear:
                value, current = None, self._current(binding, row, names)
            else:
                continue
            before = base[self.place_of[binding.name]] if base is not None else None
            if before is not None and field_hash(value) == before and binding.name not in clear:
                continue
            outcome = self._settled_field(draft, binding, current, value, binding.name in clear)
            if outcome is ABSENT:
                return None
            if outcome is KEPT or binding.kind.same(outcome, current):
                continue
            if (
                before is not None
                and field_hash(current) != before
                and not self._own_edit(identity, binding.column, row)
            ):
                conflicts[binding.name] = (current, outcome)
                if self.planner.options.on_conflict != "take-file":
                    continue
            new[binding.column] = (
                draft.links[binding.column] if binding.wanted is not None else outcome
            )
        self._conclude(draft, row, new, conflicts, batch)

    def _tampered(
        self,
        draft: Draft,
        row: tuple[Any, ...],
        names: dict[str, Any],
        base: tuple[int, ...] | None,
    ) -> str | None:
        if base is None:
            return (
                self._disagreeing(draft, row, names) if draft.key is None or self.naming else None
            )
        for binding in (*self.keys, *self.naming):
            value = draft.values.get(binding.name, ABSENT)
            if value is not ABSENT and field_hash(value) != base[self.place_of[binding.name]]:
                return binding.name
        return None

    def _cleared(self, draft: Draft) -> set[str] | None:
        """Return the fields `_clear` names; None (and a problem) where it names what cannot be cleared."""
        asked = draft.values.get(CLEAR)
        if asked in (None, []):
            return set()
        known = {b.name: b for b in self.editable}
        for name in asked if isinstance(asked, list) else [asked]:
            if (
                not isinstance(name, str)
                or name not in known
                or not self.entity.nullable(known[name].column)
            ):
                self._error(
                    draft,
                    "bad-value",
                    CLEAR,
                    name,
                    f"{shown(name)} is no field that can be cleared; those are {', '.join(self._clearable())}",
                )
                return None
        return set(asked)

    def _clearable(self) -> list[str]:
        return [b.name for b in self.editable if self.entity.nullable(b.column)]

    def _settled_field(
        self, draft: Draft, binding: Any, current: Any, value: Any, cleared: bool
    ) -> Any:
        """Return the value to store, KEPT where the row keeps its own, ABSENT where a problem was reported."""
        nullable = self.entity.nullable(binding.column)
        if value == "" and isinstance(binding.kind, Text):
            if not nullable:
                self._error(
                    draft, "bad-value", binding.name, value, "is empty, but a value is required"
                )
                return ABSENT
            return None if binding.wanted is None else self._unlink(draft, binding)
        if value is None:
            if not nullable or not (cleared or self.planner.options.nulls == "clear"):
                self.counts["nulls_kept"] += 1
                return KEPT
            return None if binding.wanted is None else self._unlink(draft, binding)
        if binding.wanted is not None:
            if not self._settle_links(draft):
                return ABSENT
            same = draft.links[binding.column] == (draft.row or ())[self.place[binding.column]]
            return KEPT if same else value
        return self._settled(draft, binding.name, binding.column, current, value)

    @staticmethod
    def _unlink(draft: Draft, binding: Any) -> None:
        draft.links[binding.column] = None

    def _settled(self, draft: Draft, name: str, column: str, old: Any, value: Any) -> Any:
        """Return a new or changed value as it is stored: composed Unicode, checked; ABSENT where a check refuses it."""
        if isinstance(value, str):
            value = unicodedata.normalize("NFC", value)
        check = self.entity.checks.get(column)
        if check is None:
            return value
        answer = check(old, value)
        if isinstance(answer, Problem):
            if column in self.planner.options.allow:
                return value
            self._error(
                draft,
                "check",
                name,
                value,
                f"{answer.message} (--allow {column} takes it all the same)",
            )
            return ABSENT
        if answer != value:
            message = f"{shown(value)} is stored as {shown(answer)}"
            self.planner.problems.add(
                Problem(code="check", severity="note", file=self.part.file, record=draft.number, entity=self.entity.name, field=name,
                        value=jsonable(value), message=message)
            )  # fmt: skip
        return answer

    def _own_edit(self, identity: int, column: str, row: tuple[Any, ...]) -> bool:
        """Tell whether the database's value was set by an earlier import of this very file."""
        from bakeio_core.history.entries import set_by_export

        export_id = self.planner.source.export_id
        if export_id is None:
            return False
        return set_by_export(
            self.planner.db,
            self.entity.name,
            identity,
            column,
            self._stored(row, column),
            export_id,
        )

    def _conclude(
        self,
        draft: Draft,
        row: tuple[Any, ...],
        new: dict[str, Any],
        conflicts: dict[str, Any],
        batch: Changes,
    ) -> None:
        if any(isinstance(value, PendingParent) for value in new.values()):
            if not self._parents(draft, batch):
                return None
            new = {
                column: draft.links[column] if isinstance(value, PendingParent) else value
                for column, value in new.items()
            }
        identity, options = row[self.rows.id_place], self.planner.options
        if conflicts and options.on_conflict != "take-file":
            fails = options.on_conflict == "fail"
            for name, (current, value) in conflicts.items():
                message = f"changed in the file and in the database since the export: the database has {shown(current)}, the file {shown(value)}. "
                message += (
                    "Choose with --on-conflict keep-db or take-file"
                    if fails
                    else "The database's value was kept"
                )
                self.planner.problems.add(
                    Problem(code="conflict", severity="error" if fails else "warning", file=self.part.file, record=draft.number,
                            entity=self.entity.name, field=name, value=jsonable(value), message=message)
                )  # fmt: skip
        if conflicts and options.on_conflict == "fail":
            ours = {name: current for name, (current, _) in conflicts.items()}
            theirs = {name: value for name, (_, value) in conflicts.items()}
            return self._count(
                "conflicts",
                Change("conflict", self.entity.name, draft.number, identity, theirs, ours),
                batch,
            )
        if not new:
            self.counts["unchanged"] += 1
            return None
        old = {column: self._stored(row, column) for column in new}
        if "updated_at" in self.place:
            new["updated_at"], old["updated_at"] = self.planner.now, row[self.place["updated_at"]]
        self._need(new)
        return self._count(
            "updated", Change("update", self.entity.name, draft.number, identity, new, old), batch
        )
