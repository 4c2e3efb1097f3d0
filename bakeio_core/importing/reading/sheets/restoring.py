"""Values of records as they were before a spreadsheet changed them, in every kind of file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.fields import REV
from bakeio_core.importing.reading.records.names import FieldNames
from bakeio_core.importing.reading.sources import Part
from bakeio_core.values.kinds.numbers import shortest

if TYPE_CHECKING:
    from bakeio_core.files.sheets.proof import Proof, Restored
    from bakeio_core.files.sheets.spoilt import SpoiltColumns

AS_SHOWN = "as a spreadsheet shows it"
"""How a value is read that only its row tells to be the same."""


class RestoredValues:
    """Take back what a spreadsheet did to the values of a part's records, where `_rev` proves it.

    What knows spreadsheets is loaded when the first value is another one than was exported.

    Attributes:
        counts: How many values of which field came back from what.
    """

    def __init__(self, part: Part) -> None:
        self.part = part
        self.counts: Restored = Counter()

    def restore(self, values: dict[str, Any]) -> None:
        """Put back those of the wire values of a record that were changed."""
        revision = self.part.revision
        differing = [] if revision is None else [*revision.differing(values, values.get(REV))]
        if differing and self._proof is not None:
            self._proof.restore(values, differing, self.counts)

    @cached_property
    def _proof(self) -> Proof | None:
        from bakeio_core.files.sheets.proof import Proof
        from bakeio_core.files.sheets.readings import form_of

        revision, of_cells = self.part.revision, self.part.document.has_cells
        if revision is None:
            return None
        # a text that reads as JSON may be meant as one
        forms = ((item.name, item.kind, form_of(item.kind)) for item in self.part.fields)
        kinds = {name: kind for name, kind, form in forms if form != "other"}
        return Proof(revision, kinds, lambda: self._spoilt, of_cells)

    @cached_property
    def _spoilt(self) -> SpoiltColumns:
        """What a spreadsheet did to the columns; the file is read once more for it."""
        from bakeio_core.files.sheets.spoilt import SpoiltColumns

        spoilt, names = SpoiltColumns(self.part.document.has_cells), FieldNames(self.part)
        for block in self.part.document.blocks():
            for _, record in block.as_dicts(self.part.file):
                if isinstance(record, dict):
                    self._note(spoilt, names.told(record, lambda *said: None))
        return spoilt

    def _note(self, spoilt: SpoiltColumns, told: Mapping[str, Any]) -> None:
        proof = self._proof
        bases = None if proof is None else proof.revision.bases(told.get(REV))
        if proof is None or bases is None:
            return
        for name, base in zip(proof.revision.fields, bases, strict=True):
            value = told.get(name)
            if value in (None, "") or name not in proof.kinds or isinstance(value, dict):
                continue
            if isinstance(value, Decimal):
                value = shortest(float(value))
            if not spoilt.note_intact(name, value, base):
                found = proof.proved(name, value, base)
                if found is not None:
                    spoilt.note_changed(name, found.how)

    def restored(self, name: str, value: Any, raw: Mapping[str, Any]) -> Any:
        """Return the wire value that one was which cannot be read now; None where none is proved.

        Args:
            name: The field.
            value: What the file says.
            raw: The record, with its `_rev`.
        """
        if self._proof is None or value == "":
            return None
        base = self._proof.base(raw.get(REV), name)
        reading = self._proof.restored(name, value, base)
        if reading is None:
            return None
        self.counts[name, reading.how] += 1
        return reading.value

    def may_be_shown(self, name: str, value: Any, raw: Mapping[str, Any]) -> bool:
        """Tell whether a cell that is no text may show one, which only the row itself can tell.

        Args:
            name: The field.
            value: What the file says.
            raw: The record, with its `_rev`.
        """
        from bakeio_core.files.sheets.readings import form_of
        from bakeio_core.importing.reading.sheets.columns import NOUN

        proof = self._proof
        if proof is None or not proof.of_cells or name not in proof.kinds:
            return False
        is_typed = NOUN in value if isinstance(value, dict) else not isinstance(value, str)
        is_text = form_of(proof.kinds[name]) in ("text", "code")
        return is_text and is_typed and proof.base(raw.get(REV), name) is not None

    def is_shown(self, name: str, value: Any, current: Any) -> bool:
        """Tell whether a value is only shown otherwise than its row has it, and count it.

        Args:
            name: The field.
            value: What the file says.
            current: What the row has, and had when it was exported.
        """
        from bakeio_core.files.sheets.proof import is_display_of
        from bakeio_core.files.sheets.shown import is_shown_for

        if not is_display_of(value, current):
            is_cell = self.part.document.has_cells and isinstance(current, str)
            if not is_cell or not is_shown_for(current, value):
                return False
            if not self._spoilt.is_spoilt(name, AS_SHOWN, current, value):
                return False
        self.counts[name, AS_SHOWN] += 1
        return True
