"""Write the rows decisions create, before the records that need them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import exc

from bakeio_core.catalog.entities.columns import DefaultFailed
from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.database.connect import savepoint
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.stored.rows import Row
from bakeio_core.database.writing import NotTaken
from bakeio_core.errors import Problem
from bakeio_core.importing.applying.reasons import RefusedRows
from bakeio_core.importing.linking.drafts import LinkError
from bakeio_core.importing.planning.import_plan import ImportPlan
from bakeio_core.importing.reading.sources import Part
from bakeio_core.resolving.decisions import with_remedy
from bakeio_core.values.wording import jsonable


class ParentRows:
    """The rows decisions create, as the database takes them or refuses them.

    `written` is {entity: rows}.

    Args:
        plan: The plan that is carried out.
        write: Writes a batch, as the hook `bakeio_import_records` does.
    """

    def __init__(self, plan: ImportPlan, write: Callable[..., Any]) -> None:
        self.plan, self.state, self.outcome = plan, plan.state, plan.outcome
        self.db, self._write = plan.state.db, write
        self.written: dict[str, list[Row]] = {}
        self._refused_rows = RefusedRows(plan.state.tables)
        self._refused: dict[tuple[str, Any], LinkError] = {}

    def write(self, part: Part, changes: Changes) -> None:
        """Write the parents of a batch.

        Records that need one the database refuses are taken out of the batch and reported: the
        decision on it is asked about again, and the other records go on.
        """
        for parents in changes.parents:
            for row in parents.rows:
                self._write_one(Changes(parents.entity, parents.columns, [row], [0]), row)
        changes.parents = []
        if self._refused:
            self._take_out(part, changes)

    def _write_one(self, alone: Changes, row: Row) -> None:
        entity, rows = alone.entity, self.state.tables.rows(alone.entity)
        identity = row[rows.id_index]
        needed = self._needed(alone.entity, dict(zip(alone.columns, row, strict=True)))
        why = needed[1].message if needed is not None else self._refusal(alone)
        if not why:
            rows.written(alone.rows)
            self.written.setdefault(entity.name, []).extend(alone.rows)
            return
        with suppress(ValueError):  # it is forgotten already where another of its entity is written
            rows.pending.remove(row)
        link = self.plan.parents.refuse(entity, identity, f"it cannot be created as decided: {why}")
        self._refused[entity.name, identity] = link

    def _refusal(self, alone: Changes) -> str:
        """Write one row; return why the database refuses it, empty where it takes it."""
        try:
            with savepoint(self.db):
                self._write(db=self.db, entity=alone.entity, changes=alone)
        except (exc.DBAPIError, DefaultFailed, NotTaken) as failure:
            is_error = isinstance(failure, exc.DBAPIError)
            if is_error and not dialect_of(self.db).is_refusal(failure):  # type: ignore[arg-type]
                raise
            why = self._refused_rows.explain(alone.entity, next(iter(alone)), failure)
            return why.message if why.field is None else f"{why.field}: {why.message}"
        return ""

    def _needed(self, entity: Entity, values: Mapping[str, Any]) -> tuple[str, LinkError] | None:
        """Return the first reference of a row to one that is refused, and why that is."""
        for column, reference in entity.references.items():
            link = self._refused.get((reference.target, values.get(column)))
            if link is not None:
                return column, link
        return None

    def _take_out(self, part: Part, changes: Changes) -> None:
        """Take out of a batch what needs a row that is refused."""
        out = [
            (change, needed)
            for change in changes
            if change.action in ("create", "update")
            and (needed := self._needed(changes.entity, change.new)) is not None
        ]
        if not out:
            return
        gone = {change.id for change, _ in out}
        place = changes.columns.index(changes.entity.primary)
        kept = [
            (row, number)
            for row, number in zip(changes.rows, changes.numbers, strict=True)
            if row[place] not in gone
        ]
        changes.rows, changes.numbers = [row for row, _ in kept], [number for _, number in kept]
        changes.updates = [change for change in changes.updates if change.id not in gone]
        for change, (column, link) in out:
            leave_out(self.plan, part, change)
            self._report(part, change, column, link)

    def _report(self, part: Part, change: Change, column: str, link: LinkError) -> None:
        missing = link.missing
        key = {} if missing is None else missing.key
        naming = part.fields.naming.get(column, {})
        name, value = next(
            ((naming[wanted].name, value) for wanted, value in key.items() if wanted in naming),
            (part.fields.own.get(column, column), None),
        )
        message = link.message
        if missing is not None:
            self.outcome.note_missing(missing, part.file, change.record, name)
            message = with_remedy(message, missing, self.plan.options.in_use)
        self.outcome.problems.add(
            Problem(
                code=link.code,
                file=part.file,
                record=change.record,
                entity=part.entity.name,
                field=name,
                value=jsonable(value),
                message=message,
            )
        )


_COUNTED = {"create": "created", "update": "updated", "delete": "deleted"}


def leave_out(plan: ImportPlan, part: Part, change: Change) -> None:
    """Count a record that was planned as one that cannot be imported."""
    counts = plan.outcome.counts[part.entity.name]
    counts[_COUNTED.get(change.action, "updated")] -= 1
    counts["errors"] += 1
    plan.state.rows_of_records(part).failed.add(change.record)
    plan.parents.release(part.entity, change.new)
    if change.id is not None:
        plan.outcome.hide(part.entity, change.id)
