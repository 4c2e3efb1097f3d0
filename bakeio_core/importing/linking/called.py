"""What records say of the rows they refer to besides a key.

Where that is a name a view computes, and no key, it is a question which row is meant; beside a key
in a set it is compared with the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bakeio_core.catalog.entities.model import Reference, RowId
from bakeio_core.catalog.exchange import Missing
from bakeio_core.catalog.fields import FileField
from bakeio_core.catalog.views.view import OfRow
from bakeio_core.importing.linking.claims import PartOutcome
from bakeio_core.importing.linking.drafts import Draft, LinkError
from bakeio_core.importing.linking.link import Linker
from bakeio_core.importing.linking.read_only import plain
from bakeio_core.importing.reading.sources import Part
from bakeio_core.importing.state import ImportState
from bakeio_core.values.folding import folded_key
from bakeio_core.values.wording import shown


class CalledRows:
    """Ask which row is meant where a new record has nothing but its name.

    Args:
        state: The import.
        part: The part.
    """

    def __init__(self, state: ImportState, part: Part) -> None:
        self.state, self.part, self.entity = state, part, part.entity
        fields = part.view.fields if part.view is not None else {}
        self._fields = {
            item.source.path: name
            for name, item in fields.items()
            if isinstance(item.source, OfRow) and item.source.path in part.entity.references
        }

    def question(self, draft: Draft, column: str) -> LinkError | None:
        """Return what is asked of a required reference; None where there is nothing to ask."""
        reference, field = self.entity.references[column], self._fields.get(column)
        if field is None or column in draft.links or reference.nullable:
            return None
        text = plain(draft.context.get(field))
        if not isinstance(text, str) or not text:
            return None
        target = self.state.catalog.entities[reference.target]
        naming = self.part.fields.naming[column]
        key = {(*target.labels, target.primary)[0]: text}
        fields = {wanted: item.name for wanted, item in naming.items()}
        missing = Missing(target.name, key, nullable=False, fields=fields)
        keys = [item.name for item in naming.values() if item.exported] or list(fields.values())
        message = f"{shown(text)} is not a key of a row of {target.name}: give its {keys[0]}"
        return LinkError("missing-reference", message, missing, field=field)


class SaidBeside:
    """Compare what records of a set say of rows beside the keys by which those were linked.

    Args:
        state: The import.
        part: The part.
        linker: What knows what referred rows are called.
        outcome: Where it is told.
    """

    def __init__(
        self, state: ImportState, part: Part, linker: Linker, outcome: PartOutcome
    ) -> None:
        self.state, self.part, self.linker, self.outcome = state, part, linker, outcome
        self.fields, self.rows = part.fields, state.tables.rows(part.entity)

    def compare(self, column: str, drafts: Sequence[Draft]) -> None:
        """Tell what is not as it is in the rows that a reference was linked to.

        In a set, which may be of another time or bakery, the key counts; of views every name does.
        """
        naming = list(self.fields.naming[column].values())
        if self.part.view is not None or not naming:
            return
        if not self.state.same_database:  # there both count
            self._tell_other_ids(column, drafts)
        linked = [d for d in drafts if isinstance(d.links.get(column), RowId)]
        self._tell_other_names(column, naming, linked)

    def _tell_other_ids(self, column: str, drafts: Sequence[Draft]) -> None:
        """Tell of ids beside names that are of other rows of the file, or of none it has."""
        reference, id_field = self.part.entity.references[column], self.fields.own.get(column, "")
        for draft in drafts:
            held = None if draft.row is None else draft.row[self.rows.index[column]]
            identity, link = draft.values.get(id_field), draft.links.get(column, held)
            is_named = any(draft.values.get(f.name) for f in self.fields.naming[column].values())
            if identity is None or not is_named or not isinstance(link, RowId):
                continue
            if self.state.is_contrary(reference, identity, link):
                message = (
                    "is not the id of the row that is named beside it. The name counts: change "
                    "that to name another row"
                )
                self.outcome.report(draft, "identity-mismatch", id_field, None, message, "warning")

    def _tell_other_names(
        self, column: str, naming: Sequence[FileField], drafts: Sequence[Draft]
    ) -> None:
        reference, wanted = self.part.entity.references[column], [str(f.target) for f in naming]
        held = [draft.links[column] for draft in drafts]
        there = self.linker.names(reference, held, tuple(wanted))
        for draft, link in zip(drafts, held, strict=True):
            told = [(f, draft.values.get(f.name)) for f in naming]
            now = there.get(link, (None,) * len(naming))
            named = [(*one, current) for one, current in zip(told, now, strict=True) if one[1]]
            for field, value, current in named[1:]:
                if self._is_name_of(reference, field, value, current, link):
                    continue
                by = named[0][0].name
                message = (
                    f"{shown(value)} is not that of the row with {by} {shown(named[0][1])}, which "
                    f"has {shown(current)}: {by} counts; change that to name another row"
                )
                where = field.name, value, message, "warning"
                self.outcome.report(draft, "identity-mismatch", *where)

    def _is_name_of(
        self, reference: Reference, field: FileField, value: Any, current: Any, link: Any
    ) -> bool:
        """Tell whether a row is called so here, or by the file."""
        if field.kind.same(value, current) or folded_key({"": value}) == folded_key({"": current}):
            return True
        ids = self.state.id_maps[reference.target].get(str(field.target), value)
        return link in self.state.tables.held(reference, ids)
