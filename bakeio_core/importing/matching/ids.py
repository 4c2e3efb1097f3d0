"""Find rows by id: a hint, unless the file is of this very database or all it says agrees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from bakeio_core.catalog.entities.model import Key
from bakeio_core.catalog.fields import FileField
from bakeio_core.database.stored.rows import Row
from bakeio_core.importing.linking.drafts import Draft, LinkError
from bakeio_core.importing.linking.link import Linker
from bakeio_core.importing.linking.read_only import ReadOnlyFields, plain
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.wording import shown

GONE = "deleted, or never here; leave it out of a new record"
"""Why an id names no row, and what helps."""


class IdMatch:
    """Find the rows that the ids of records name, and refuse ids that contradict the rest.

    Args:
        state: The import.
        part: The part whose records are matched.
        linker: What knows what referred rows are called.
        keys: The keys that stand on no reference.
        key: Gives the values a record has for a key.
        read_only: What records say in fields that are never written.
    """

    def __init__(
        self,
        state: ImportState,
        part: Part,
        linker: Linker,
        keys: Sequence[Key],
        key: Callable[[Draft, Key], Row | None],
        read_only: ReadOnlyFields,
    ) -> None:
        self.read_only = read_only
        self.state, self.part, self.linker = state, part, linker
        self.entity, self.fields, self.keys, self._key = part.entity, part.fields, keys, key
        self.rows = state.tables.rows(part.entity)
        self.id_field = self.fields.own.get(self.entity.surrogate)

    def refuse_others(self, drafts: Sequence[Draft]) -> None:
        """A set of this very database says the id of the row that its uuid names."""
        if not self.state.same_database or self.part.view is not None or self.id_field is None:
            return
        for draft in drafts:
            identity = draft.values.get(self.id_field)
            row = draft.row
            if row is not None and identity not in (None, row[self.rows.id_index]):
                message = (
                    f"{self.id_field} {identity} and its uuid name two different rows of "
                    f"{self.entity.name}: restore one of them"
                )
                draft.row, draft.fault = None, LinkError("identity-mismatch", message)

    def match(self, drafts: list[Draft]) -> list[Draft]:
        """An id of this very database counts; it must not contradict the record's keys."""
        if not self.state.same_database or self.id_field is None:
            return drafts
        ids = {d.number: i for d in drafts if isinstance(i := d.values.get(self.id_field), int)}
        rows, left = self.rows.by_id(ids.values()), []
        for draft in drafts:
            row = rows.get(ids.get(draft.number, 0))
            if draft.number in ids and (row is not None or self.part.view is not None):
                self._take_by_id(draft, row, ids[draft.number])
            else:
                left.append(draft)
        return left

    def _take_by_id(self, draft: Draft, row: Row | None, identity: int) -> None:
        said, name = f"{self.id_field} {identity}", self.entity.name
        contrary = None if row is None else self._contrary(draft, row)
        if row is None:
            message = f"{said} is not a row of {name} ({GONE})"
            draft.fault = LinkError("unknown-row", message)
        elif contrary is not None:
            field, value = contrary
            if self.part.view is not None:
                message = f"{said} is not the row with {field} {shown(value)}: restore one of them"
            else:
                what = f"{said} and {field} {shown(value)}"
                message = f"{what} name two different rows of {name}: correct one of them"
            draft.fault = LinkError("identity-mismatch", message)
        else:
            draft.row, draft.key = row, (self.entity.primary,)
            if self.part.view is not None:
                draft.key = None

    def _contrary(self, draft: Draft, row: Row) -> tuple[str, Any] | None:
        """Return the (field, value) of a key that speaks of another row than the id does.

        Keys of a view are never written, so there every other value does; an entity's file may
        give a row a new key, unless another row has that one.
        """
        for key in self.keys:
            value = self._key(draft, key)
            if len(key) > 1 or value is None or value[0] == row[self.rows.index[key[0]]]:
                continue
            field = self.fields.own[key[0]]
            is_key = self.part.view is not None and self.fields.by_name[field].role == "key"
            if is_key or (self.part.view is None and self.rows.find(key, [value])):
                return field, value[0]
        return None

    @cached_property
    def _ids_are_of_rows(self) -> bool:
        """Tell whether an id that no row has is of a row that is gone, not of another bakery."""
        return self.state.source.database_id is None and not self.rows.was_empty

    def refuse_unknown(self, drafts: list[Draft]) -> None:
        """A record with an id is of a row that is there: none is made of it."""
        if not self._ids_are_of_rows:
            return
        given = {
            d.number: i for d in drafts if isinstance(i := d.values.get(self.id_field or ""), int)
        }
        there = self.rows.by_id(list(given.values())) if given else {}
        names = self.linker.names_of(self.fields, list(there.values()))
        for draft in drafts:
            identity = given.get(draft.number)
            if identity is None or draft.fault is not None:
                continue
            said, name = f"{self.id_field} {identity}", self.entity.name
            field = self.disagreeing(draft, there[identity], names) if identity in there else None
            if field is not None:
                item = self.fields.by_name[field]
                now = self.linker.current(item, there[identity], names, self.rows)
                said += f" has {field} {shown(now)}, the record says {shown(draft.values[field])}"
                draft.fault = LinkError("identity-mismatch", f"{said}: correct one of the two")
            elif identity in there:
                named = next((field.name for field in self.context if field.exported), "its key")
                message = (
                    f"{said} alone names no row, as it may be of another database: "
                    f"give {named} too, as it is there"
                )
                draft.fault = LinkError("identity-mismatch", message)
            else:
                draft.fault = LinkError("unknown-row", f"{said} is not a row of {name} ({GONE})")

    def match_context(self, drafts: list[Draft]) -> None:
        """An id of nobody knows which database counts where all that names the row agrees.

        What names it is what rows it refers to are called, stored or computed. A row that has
        only half of what the record says of its key is taken for another one.
        """
        ids = [i for d in drafts if isinstance(i := d.values.get(self.id_field or ""), int)]
        rows = self.rows.by_id(ids)
        names = self.linker.names_of(self.fields, list(rows.values()))
        context = [field.name for field in self.context]
        for draft in drafts:
            row = rows.get(draft.values.get(self.id_field or "", 0))
            has_context = any(name in draft.values for name in context)
            if row is None or not self._is_alike(draft, row):
                continue
            if has_context:
                is_it = not self.disagreeing(draft, row, names)
            else:
                is_it = self._is_called_so(draft, row)
            if is_it:
                draft.row = row

    def _is_alike(self, draft: Draft, row: Row) -> bool:
        """Tell whether a row has at least half of what a record says of its key."""
        references = self.entity.references
        columns = {c for key in self.entity.all_keys for c in key if c not in references}
        said = {c: draft.values.get(self.fields.own.get(c, "")) for c in columns}
        known = {c: value for c, value in said.items() if value not in (None, "")}
        kinds = self.entity.kinds
        alike = [kinds[c].same(value, row[self.rows.index[c]]) for c, value in known.items()]
        return not alike or 2 * sum(alike) > len(alike)

    def _is_called_so(self, draft: Draft, row: Row) -> bool:
        """Tell whether the rows that a row refers to are called as a record says."""
        said = {n: draft.context[n] for n in self.read_only.calling if n in draft.context}
        names = [name for name, value in said.items() if plain(value) not in (None, "")]
        values = [tuple(said[name] for name in names)]
        ids = [row[self.rows.id_index]]
        return bool(names) and not self.read_only.differing(names, ids, values)

    def disagreeing(self, draft: Draft, row: Row, names: dict[str, Any]) -> str | None:
        """Return the first key or naming field of a view's record that is not what the row has."""
        for field in self.context:
            now = self.linker.current(field, row, names, self.rows)
            if field.name in draft.values and draft.values[field.name] != now:
                return field.name
        return None

    @cached_property
    def context(self) -> list[FileField]:
        """The fields of a view that name the row or what it refers to, and are never written."""
        naming = [field for field in self.fields.of_role("readonly") if field.target is not None]
        return [*self.fields.of_role("key"), *naming]
