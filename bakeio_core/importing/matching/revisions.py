"""Find rows by `_rev`, which holds a hash of their uuid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from bakeio_core.catalog.entities.model import RowId
from bakeio_core.catalog.fields import REV
from bakeio_core.database.stored.rows import Row
from bakeio_core.files.revision import field_hash, row_hash
from bakeio_core.importing.linking.drafts import Draft, LinkError
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.wording import shown


def _damaged(text: str | None) -> LinkError:
    what = f"_rev {shown(text, 20)} is damaged"
    return LinkError("bad-value", f"{what}: restore it, or leave _rev out of the record")


class RevisionMatch:
    """Find the rows that the `_rev` of records name.

    Args:
        state: The import.
        part: The part whose records are matched.
    """

    def __init__(self, state: ImportState, part: Part) -> None:
        self.state, self.part, self.entity = state, part, part.entity
        self.rows = state.tables.rows(part.entity)
        self.id_field = part.fields.own.get(part.entity.surrogate)

    def match(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Find rows by the hash of their uuid in `_rev`; return the records without one."""
        if self.part.revision is None:
            return list(drafts)
        left, hashes = [], dict[int, tuple[Draft, int]]()
        for draft in drafts:
            text = draft.values.get(REV)
            try:
                read = self.part.revision.read(text) if text else None
            except ValueError:
                draft.fault = _damaged(text)
                continue
            if read is None:
                left.append(draft)
            else:
                hashes[draft.number] = (draft, read.row)
                draft.base, draft.context_base = read.fields, read.context
        if hashes:
            self._find_hashes(hashes)
        return left

    def _find_hashes(self, hashes: dict[int, tuple[Draft, int]]) -> None:
        """Find rows by the hash of their uuid: the id in the record is tried first."""
        hints = {n: draft.values.get(self.id_field or "") for n, (draft, _) in hashes.items()}
        by_id = self.rows.by_id([hint for hint in hints.values() if isinstance(hint, int)])
        place, missed = self.rows.index[self.entity.identity], list[int]()
        for number, (draft, hashed) in hashes.items():
            row = by_id.get(hints[number])  # type: ignore[arg-type]
            if row is not None and row_hash(str(row[place])) == hashed:
                draft.row = row
            else:
                missed.append(number)
        if not missed:
            return
        ids = {number: self._ids_by_hash.get(hashes[number][1]) for number in missed}
        rows = self.rows.by_id([identity for identity in ids.values() if identity is not None])
        unknown = [hashes[number][0] for number in missed if ids[number] not in rows]
        damaged = self._damaged(unknown, by_id)
        for number in missed:
            draft, row = hashes[number][0], rows.get(ids[number])  # type: ignore[arg-type]
            if row is None and number in damaged:
                draft.fault = _damaged(draft.values.get(REV))
            elif row is None:
                draft.fault = LinkError(
                    "unknown-row",
                    f"its _rev names a row of {self.entity.name} that is not in this database "
                    "(deleted, or of another bakery): remove the record, or remove its _rev and "
                    "id to add a new row",
                )
            elif self.state.same_database and hints[number] is not None:
                draft.fault = LinkError(
                    "identity-mismatch",
                    f"its _rev and {self.id_field} {hints[number]} name two different rows of "
                    f"{self.entity.name}: restore one of them. If the rows were sorted without a "
                    "hidden column, sort them back or export again",
                    cause="its _rev and its id name two rows",
                )
            else:
                draft.row = row

    def _damaged(self, drafts: Sequence[Draft], by_id: Mapping[RowId, Row]) -> set[int]:
        """Return the numbers of records whose `_rev` is damaged where it names a row.

        Of the earlier layout, which has no check value, that is so where the record means a row by
        its key, and was exported under this key; or by its id, and says what it said then.
        """
        earlier = [draft for draft in drafts if draft.context_base is None]
        damaged = {
            d.number
            for d in earlier
            if self.state.same_database and d.values.get(self.id_field or "") in by_id
            if any(d.base_of(self.part, n) == field_hash(v) for n, v in d.values.items() if v)
        }
        for column in [key[0] for key in self.entity.all_keys if len(key) == 1]:
            name = self.part.fields.own.get(column, "")
            named = {d.number: value for d in earlier if (value := d.values.get(name)) is not None}
            found = self.rows.find((column,), [(value,) for value in named.values()])
            damaged |= {
                d.number
                for d in earlier
                if d.number in named
                and (named[d.number],) in found
                and d.base_of(self.part, name) == field_hash(named[d.number])
            }
        return damaged

    @cached_property
    def _ids_by_hash(self) -> dict[int, RowId]:
        """{hash of the uuid: id} of all rows; read when an id first leads nowhere."""
        found, twice = dict[int, RowId](), set[int]()
        for row, identity in self.rows.all((self.entity.identity,)):
            hashed = row_hash(str(identity))
            if found.setdefault(hashed, row) != row:
                twice.add(hashed)
        # 48 bits of two rows may agree by chance: then the hash names neither
        return {hashed: row for hashed, row in found.items() if hashed not in twice}
