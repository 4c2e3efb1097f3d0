"""Tell a file's own earlier edits from those of others, also of other copies of one export."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from bakeio_core.catalog.entities.model import RowId
from bakeio_core.catalog.fields import REV, FileField
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import Problems
from bakeio_core.files.revision import row_hash
from bakeio_core.history.journal.entries import FieldSet, read_text, wire_value
from bakeio_core.importing.reading.records.reader import Reader
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState


class OwnEdits:
    """The edits of the file at hand that were imported before.

    A value is the file's own where the run that set it came from the same export, and from the
    same path or from a file whose other edits this one still has: somebody else's copy has not.

    Args:
        state: The import.
        part: The part of a view's file.
    """

    def __init__(self, state: ImportState, part: Part) -> None:
        self.state, self.part, self.entity = state, part, part.entity
        self.rows = state.tables.rows(part.entity)
        self._evidence: dict[int, dict[tuple[RowId, str], bool]] = {}

    def __contains__(self, where: tuple[FileField, Row]) -> bool:
        """Tell whether what a row has in the column of a field is an edit of this file."""
        item, row = where
        column, identity = str(item.column), row[self.rows.id_index]
        if column in self.entity.filled.set_on_update:
            return False  # the application set it, with whatever else the run set
        value, earlier = self.rows.value(row, column), self.state.earlier
        run = earlier.setter(self.entity.name, identity, column, value)
        if run is None:
            return False
        return earlier.of_export[run] or self._has_others(run, (identity, column))

    def _has_others(self, run: int, but: tuple[int, str]) -> bool:
        """Tell whether the file has the other edits of a run, and there are any."""
        if run not in self._evidence:
            self._evidence[run] = self._held(self.state.earlier.edits(run))
        others = [held for where, held in self._evidence[run].items() if where != but]
        return bool(others) and all(others)

    def _held(self, edits: list[FieldSet]) -> dict[tuple[RowId, str], bool]:
        """Return {(id, column): whether the file still says so} of edits that can be compared."""
        fields = self.part.fields.own
        known = [e for e in edits if e.entity == self.entity.name and e.field in fields]
        ids = {edit.row for edit in known}
        found = self.rows.select([self.entity.identity], ids, self.entity.primary)
        hashes = {id_: row_hash(str(identity)) for id_, identity in found}
        held = {}
        for edit in known:
            values = self._values.get(hashes.get(edit.row, -1), {})
            kind, new = self.entity.kinds[edit.field], read_text(edit.new)
            imported = wire_value(self.entity, edit.field, new)
            name = fields[edit.field]
            held[edit.row, edit.field] = name in values and kind.same(values[name], imported)
        return held

    @cached_property
    def _values(self) -> dict[int, dict[str, Any]]:
        """{hash of a row's uuid: the values of its record}; the file is read once more for them."""
        found: dict[int, dict[str, Any]] = {}
        reader, revision = Reader(self.part, Problems()), self.part.revision
        for block in self.part.document.blocks() if revision is not None else ():
            for record in reader.read(block):
                text = record.values.get(REV)
                try:
                    read = revision.read(text) if revision is not None and text else None
                except ValueError:
                    continue
                if read is not None:
                    found[read.row] = record.values
        return found
