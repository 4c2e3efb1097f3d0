"""The rows that may come later in the import, as far as the records say what they are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bakeio_core.catalog.exchange import EXISTING, Missing
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import Problems
from bakeio_core.importing.reading.records.reader import Reader
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.folding import fold_parts, padded


class ComingRows:
    """Tell whether a file has a record of a key that names no row yet.

    Where it has none, the key is missing: there is nothing to wait for.

    Args:
        state: The import.
    """

    def __init__(self, state: ImportState) -> None:
        self.state = state
        self._values: dict[tuple[str, str], set[Any]] = {}

    def has(self, missing: Missing) -> bool:
        """Tell whether a record of the import has a key, or that of the row decided for it."""
        decision = self.state.decisions.get(missing)
        is_other = decision is not None and decision.action == EXISTING
        keys = [missing.key, *([decision.target] if decision is not None and is_other else ())]
        return any(self._gives(missing.entity, key) for key in keys)

    def _gives(self, entity: str, key: Mapping[str, Any]) -> bool:
        return bool(key) and all(
            any(self._has(entity, each, value) for each in self._columns_for(entity, column, value))
            for column, value in key.items()
        )

    def _columns_for(self, entity: str, column: str, value: Any) -> tuple[str, ...]:
        """Return in which columns a row may have a value: a standard number may stand for a key."""
        codes = self.state.catalog.entities[entity].codes if padded(value) else ()
        return (column, *codes)

    def _has(self, entity: str, column: str, value: Any) -> bool:
        return self._folded(entity, column, value) in self._of_column(entity, column)

    def _folded(self, entity: str, column: str, value: Any) -> Row:
        return fold_parts((column,), (value,), self.state.catalog.entities[entity].codes)

    def _of_column(self, entity: str, column: str) -> set[Any]:
        """Return the folded values of a column in all records; the file is read once for them."""
        place = (entity, column)
        if place not in self._values:
            parts = [part for part in self.state.source.parts if part.entity.name == entity]
            self._values[place] = {value for part in parts for value in self._given(part, column)}
        return self._values[place]

    def _given(self, part: Part, column: str) -> Iterator[Any]:
        """Yield the folded values of a column; what a bad record is called is known to fail."""
        field, reader = part.fields.own.get(column), Reader(part, Problems())
        if field is None:
            return
        for record in (record for block in part.document.blocks() for record in reader.read(block)):
            value = record.values.get(field)
            if record.bad:
                self.state.outcome.note_failed(part.entity, {column: value})
            elif value is not None:
                yield self._folded(part.entity.name, column, value)
