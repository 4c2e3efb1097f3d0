"""Count the records that the database refuses, and take back what was written of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import exc

from bakeio_core.catalog.entities.model import RowId
from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.database.connect import savepoint
from bakeio_core.errors import Problem
from bakeio_core.history.reports.report import ImportRefused
from bakeio_core.importing.applying.parents import leave_out
from bakeio_core.importing.applying.reasons import Failure, RefusedRow, RefusedRows
from bakeio_core.importing.linking.claims import Claims
from bakeio_core.importing.planning.import_plan import ImportPlan
from bakeio_core.importing.reading.sources import Part
from bakeio_core.values.wording import jsonable


class Refusals:
    """What the database refuses of one import.

    Attributes:
        claims: Which rows the records of each part mean, by the name of its file.
        is_in_use: Whether a new row that cannot stay is referred to.

    Args:
        plan: The plan that is carried out.
        write: Writes a batch, as the hook `bakeio_import_records` does.
    """

    def __init__(self, plan: ImportPlan, write: Callable[..., Any]) -> None:
        self.plan, self.outcome, self.db, self.write = plan, plan.outcome, plan.state.db, write
        self.claims: dict[str, Claims] = {}
        self.is_in_use = False
        self._rows = RefusedRows(plan.state.tables)

    def explain(self, part: Part, change: Change, failure: Failure) -> RefusedRow:
        """Say why a record's change is refused."""
        where = part.fields, partial(self._creating_record, part)
        return self._rows.explain(part.entity, change, failure, *where)

    def report(self, part: Part, change: Change, why: RefusedRow) -> None:
        """Count a record that is refused as one that cannot be imported."""
        if (part.entity.name, change.id) in self.outcome.duplicate_keys:
            return  # told and counted already, with the record that means the same row
        leave_out(self.plan, part, change)
        own, primary = part.fields.own, part.entity.primary
        said = {own[c]: v for c, v in change.new.items() if c in own and c != primary}
        self.outcome.problems.add(
            Problem(
                code=why.code,
                file=part.file,
                record=change.record,
                key=part.fields.called(said),
                entity=part.entity.name,
                field=why.field,
                value=jsonable(why.value),
                message=why.message,
            )
        )

    def _creating_record(self, part: Part, identity: RowId) -> int | None:
        """Return the record of a part that creates a row, None where none does."""
        claims = self.claims[part.file]
        record = claims.record_of.get(identity)
        return record if claims.outcomes.get(identity) == "created" else None

    def take_back(self, part: Part, change: Change) -> None:
        """Delete a new row of which something is refused that is written last."""
        entity = part.entity
        gone = [Change("delete", entity.name, change.record, change.id)]
        changes = Changes(entity, entity.columns, deletes=gone)
        try:
            with savepoint(self.db):
                self.write(db=self.db, entity=entity, changes=changes)
        except exc.IntegrityError:
            self.is_in_use = True

    def refuse_dangling(self) -> None:
        """Refuse everything where the database would, once it looks at references at the end."""
        known = [(part, self.claims[part.file]) for part in self.plan.source.parts]
        found = [(p, *row) for p, claims in known for row in self._rows.dangling(p, claims)]
        for part, change, why in found:
            self.report(part, change, why)
        if found:
            problems = [problem for problem in self.outcome.problems if problem.severity == "error"]
            raise ImportRefused("references name no row: nothing was written", problems=problems)
