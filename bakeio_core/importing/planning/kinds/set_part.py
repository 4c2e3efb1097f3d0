"""What is answered for the part of a set, or one entity's file: the file is the state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bakeio_core.catalog.fields import FileField
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import Problem
from bakeio_core.importing.linking.drafts import Draft
from bakeio_core.importing.linking.link import Names
from bakeio_core.importing.planning.merge import StateRules
from bakeio_core.importing.planning.plan import PartPlan
from bakeio_core.importing.planning.questions import tell_kept_key
from bakeio_core.importing.reading.records.reader import Reader


class SetPart:
    """The answers of an entity's file; see `PartKind`."""

    typed_mostly_known = False
    two_way = 0

    def __init__(self, plan: PartPlan) -> None:
        self.plan, self.state, self.part, self.entity = plan, plan.state, plan.part, plan.entity
        self.rows, self.rules = plan.rows, StateRules(plan.state, plan.part, plan.outcome)
        # what is set at each update says when a row was touched, not what it is
        kept = (
            plan.entity.surrogate,
            *plan.entity.filled.stamps,
            *plan.entity.filled.set_on_update,
            *plan.entity.filled.computed,
        )
        self.fields: list[FileField] = [
            item
            for item in plan.part.fields
            if (item.target is None or item.name == item.column) and item.column not in kept
        ]

    def fits(self, draft: Draft, row: Row, names: Names) -> bool:
        keys = self.entity.all_keys
        better = keys[: keys.index(draft.key)] if draft.key in keys else ()
        if draft.key == (self.entity.primary,) and draft.key not in keys:
            better = tuple(key for key in keys if key == ("uuid",))
        # a uuid differs from database to database, and says nothing in another one
        counts = self.state.same_database or self.state.is_of_nobody
        for column in (key[0] for key in better if len(key) == 1):
            item = self.part.fields.by_name.get(self.part.fields.own.get(column, ""))
            if item is not None and (counts or column != "uuid"):
                tell_kept_key(self.plan.outcome, draft, item, self.rows.value(row, column))
        if self.state.is_of_nobody:
            self._tell_other_id(draft, row)
        return True

    def _tell_other_id(self, draft: Draft, row: Row) -> None:
        field = self.part.fields.own.get(self.entity.surrogate, "")
        if draft.values.get(field, row[self.rows.id_index]) in (None, row[self.rows.id_index]):
            return
        message = (
            "is not the id that the row has here, and is not looked at: the file does not say "
            "that it is of this database"
        )
        self.plan.outcome.report(draft, "identity-mismatch", field, None, message, "note")

    def accepted(self, drafts: Sequence[Draft]) -> list[Draft]:
        return list(drafts)

    def found_equal(self, draft: Draft) -> None:
        """The file is the state: that a row has it already is no news."""

    def moved(self, draft: Draft, row: Row) -> None:
        """Note where a record of the file ended up, for those that refer to it by id or key."""
        identity, id_map = row[self.rows.id_index], self.state.id_maps[self.entity.name]
        own = self.part.fields.own
        file_id = draft.values.get(own.get(self.entity.primary, ""))
        if isinstance(file_id, int) and file_id == identity:
            id_map.keep((identity,))
        elif isinstance(file_id, int):
            id_map.move(self.entity.primary, file_id, identity)
        for key in self.entity.all_keys:
            value = draft.values.get(own.get(key[0], "")) if len(key) == 1 else None
            if value is not None and value != row[self.rows.index[key[0]]]:
                id_map.move(key[0], value, identity)

    def notes(self, reader: Reader) -> Iterator[Problem]:
        return self.plan.noticed.problems()
