"""Say in the words of a file why the database refuses a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import exc

from bakeio_core.catalog.entities.columns import MADE, DefaultFailed, ForeignKeyColumns
from bakeio_core.catalog.entities.model import Entity, RowId
from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.stored.called import CalledChanges
from bakeio_core.database.stored.referrers import Referrers
from bakeio_core.database.stored.tables import Tables
from bakeio_core.database.systems.refusals.constraints import (
    Refusal,
    dangling_references,
    refusal_of,
    rule_text,
)
from bakeio_core.database.writing import NotKept, NotTaken
from bakeio_core.values.columns import checks_of
from bakeio_core.values.wording import listed, shown

if TYPE_CHECKING:
    from bakeio_core.catalog.fields import FieldMap
    from bakeio_core.importing.linking.claims import Claims
    from bakeio_core.importing.reading.sources import Part

Failure = exc.DBAPIError | DefaultFailed | NotTaken
"""What keeps a row out: the database, or the application that makes a value of it."""


@dataclass(frozen=True)
class RefusedRow:
    """Why a row is refused.

    Attributes:
        message: Why, in words.
        field: What the file calls the column it is about, None where it is about several or none.
        value: What the file would say there.
        code: The code of the problem.
    """

    message: str
    field: str | None = None
    value: Any = None
    code: str = "constraint"


class RefusedRows:
    """Explain what the database refuses.

    Args:
        tables: The rows that are there.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables, self.db = tables, tables.db

    def explain(
        self,
        entity: Entity,
        change: Change,
        failure: Failure,
        fields: FieldMap | None = None,
        record_of: Callable[[RowId], int | None] = lambda identity: None,
    ) -> RefusedRow:
        """Say why a row is refused, by looking at the rows that are there.

        Args:
            entity: Whose row it is.
            change: What was to be written.
            failure: What refused it.
            fields: What the file calls its columns; without it they go by their names.
            record_of: Tells which record of the file creates a row.
        """
        if isinstance(failure, DefaultFailed):
            field = self._said(entity, failure.column, None, fields)[0] if failure.column else None
            return RefusedRow(str(failure), field, None, "plugin-error")
        if isinstance(failure, NotKept):
            new = self._values(entity, change)
            told = self._about(entity, failure.column, new, fields, str(failure))
            return replace(told, code=failure.code)
        if isinstance(failure, NotTaken):
            return RefusedRow(str(failure))
        refusal, values = refusal_of(failure), self._values(entity, change)
        if refusal.kind == "unique":
            return self._taken(entity, change, values, refusal, fields, record_of)
        if refusal.kind == "check":
            return self._broken(entity, values, refusal, fields)
        if refusal.kind == "reference":
            return self._leads_nowhere(entity, values, refusal, fields)
        if refusal.kind == "missing" and refusal.columns:
            message = f"is missing: every row of {entity.name} needs it"
            return RefusedRow(message, self._said(entity, refusal.columns[0], None, fields)[0])
        if refusal.kind == "value":
            return RefusedRow(f"a value does not fit its column in the database: {refusal.said}")
        return RefusedRow(f"the database refuses the row: {refusal.said}")

    def _values(self, entity: Entity, change: Change) -> dict[str, Any]:
        """Return the row as it would be: {column: wire value}."""
        new = {column: value for column, value in change.new.items() if value is not MADE}
        if change.action == "create" or change.id is None:
            return new
        rows = self.tables.rows(entity)
        row = rows.by_id([change.id]).get(change.id)
        there = {} if row is None else {column: rows.value(row, column) for column in rows.index}
        return there | new

    def _taken(
        self,
        entity: Entity,
        change: Change,
        values: Mapping[str, Any],
        refusal: Refusal,
        fields: FieldMap | None,
        record_of: Callable[[RowId], int | None],
    ) -> RefusedRow:
        """Name the row that has what may be there once only."""
        named = (i.columns for i in entity.table.indexes if i.name == refusal.rule)
        columns = refusal.columns or tuple(column.name for column in next(named, ()))
        kinds = entity.kinds
        key = tuple(str(c) for c in columns if c in values and kinds[c].is_scalar)
        if not key or len(key) < len(columns):
            rule = refusal.rule or " and ".join(columns)
            return RefusedRow(f"another row of {entity.name} is the same by {rule}")
        rows, wanted = self.tables.rows(entity), tuple(values[column] for column in key)
        there = rows.find(key, [wanted]).get(wanted, [])
        others = [i for row in there if (i := row[rows.id_index]) != change.id]
        said = self._listed(entity, key, values, fields)
        if not others:
            who = f"another row of {entity.name} is equal by"
        elif (record := record_of(others[0])) is not None:
            who = f"record {record} of the file already has"
        else:
            who = f"the row of {entity.name} with {self._called(entity, others[0])} already has"
        message = f"{who} {said}: give this record another value, or leave it out"
        return self._about(entity, key[0], values, fields, message)

    def _called(self, entity: Entity, identity: RowId) -> str:
        known = Change("unchanged", entity.name, 0, identity)
        CalledChanges(self.tables).call([known])
        named = {name: value for name, value in known.key.items() if name != entity.primary}
        key = ", ".join(f"{name} {shown(value)}" for name, value in named.items())
        number = f"{entity.primary} {identity}"
        more = ", ".join(filter(None, (number if key else "", known.label)))
        return (key or number) + (f" ({more})" if more else "")

    def _broken(
        self, entity: Entity, values: Mapping[str, Any], refusal: Refusal, fields: FieldMap | None
    ) -> RefusedRow:
        """Name the rule that a row breaks, and what it says of it."""
        text = self._rule(entity, refusal.rule)
        words = {word.lower() for word in re.findall(r"\w+", text)}
        columns = [column for column in values if column.lower() in words]
        if text != refusal.rule and refusal.rule:
            text = f"{text} ({refusal.rule})"
        if not columns:
            return RefusedRow(f"the row breaks a rule of its table: {text}")
        said = self._listed(entity, columns, values, fields)
        if len(columns) == 1:
            message = f"{said} breaks a rule of its table: {text}"
            return self._about(entity, columns[0], values, fields, message)
        return RefusedRow(f"{said} together break a rule of their table: {text}")

    def _rule(self, entity: Entity, name: str) -> str:
        for constraint in checks_of(entity.table):
            if constraint.name == name:
                return str(constraint.sqltext.compile(compile_kwargs={"literal_binds": True}))
        return rule_text(dialect_of(self.db), self.db, entity.table, name)

    def _leads_nowhere(
        self, entity: Entity, values: Mapping[str, Any], refusal: Refusal, fields: FieldMap | None
    ) -> RefusedRow:
        """Name the reference that names no row."""
        several = self._several_to_nowhere(entity, values)
        if several is not None:
            said = self._listed(entity, several.columns, values, fields)
            return RefusedRow(f"{said} together name no row of {several.target} in the database")
        column = next((column for column in refusal.columns if column in values), None)
        for name, reference in entity.references.items() if column is None else ():
            rows = self.tables.rows(self.tables.catalog.entities[reference.target])
            identity = values.get(name)
            if isinstance(identity, RowId) and not rows.existing_ids([identity]):
                column = name
        if column is None:
            return RefusedRow("one of its references names no row of the database")
        target = entity.references.get(column)
        where = f" of {target.target}" if target is not None else ""
        message = f"{shown(values[column])} names no row{where} in the database"
        return self._about(entity, column, values, fields, message)

    def _several_to_nowhere(
        self, entity: Entity, values: Mapping[str, Any]
    ) -> ForeignKeyColumns | None:
        """Return the foreign key of several columns that names no row, None where there is none."""
        for foreign in entity.foreign_keys:
            wanted = tuple(values.get(column) for column in foreign.columns)
            if foreign.is_reference or None in wanted:
                continue
            target = self.tables.catalog.entities[foreign.target]
            key = target.named_columns(foreign.target_keys)
            if not self.tables.rows(target).find(key, [wanted]).get(wanted):
                return foreign
        return None

    def dangling(self, part: Part, claims: Claims) -> Iterator[tuple[Change, RefusedRow]]:
        """Yield the rows of a part with a reference the database will refuse at the commit."""
        entity, rows = part.entity, self.tables.rows(part.entity)
        found = dangling_references(dialect_of(self.db), self.db, entity.table)
        for identity, column in found if entity.surrogate else ():
            did, record = claims.outcomes.get(identity), claims.record_of.get(identity)
            row = rows.by_id([identity]).get(identity)
            if did not in ("created", "updated") or record is None or row is None:
                continue  # it was so before
            action = "create" if did == "created" else "update"
            new = {column: rows.value(row, column)}
            message = f"{shown(new[column])} names no row of the database"
            why = self._about(entity, column, new, part.fields, message)
            yield Change(action, entity.name, record, identity, new), why

    # -- in the words of the file
    def _said(
        self, entity: Entity, column: str, value: Any, fields: FieldMap | None
    ) -> tuple[str, Any]:
        """Return the field of a column and what it says: of a reference what its row is called."""
        if fields is None:
            return column, value
        reference, naming = entity.references.get(column), fields.naming.get(column, {})
        if reference is not None and value is not None:
            rows = self.tables.rows(self.tables.catalog.entities[reference.target])
            there = rows.find((reference.to,), [(value,)]).get((value,), [])
            for wanted, field in naming.items() if there else ():
                if field.exported and there[0][rows.index[wanted]] is not None:
                    return field.name, rows.value(there[0], wanted)
        return fields.own.get(column, fields.naming_of(column)), value

    def _about(
        self,
        entity: Entity,
        column: str,
        values: Mapping[str, Any],
        fields: FieldMap | None,
        message: str,
    ) -> RefusedRow:
        return RefusedRow(message, *self._said(entity, column, values[column], fields))

    def _listed(
        self,
        entity: Entity,
        columns: Iterable[str],
        values: Mapping[str, Any],
        fields: FieldMap | None,
    ) -> str:
        """Return columns with their values, as the file has them: `size 3 and color "red"`."""
        said = (self._said(entity, column, values[column], fields) for column in columns)
        return listed([f"{name} {shown(value)}" for name, value in said])


def lost_by_others(
    referrers: Referrers, entity: Entity, changes: Changes
) -> list[tuple[Change, RefusedRow]]:
    """Return the changes by which rows of others would lose theirs, and what is said of them.

    Those are updates of what others know a row by, and deletions of rows that they refer to: these
    would be deleted as well, or emptied.

    Args:
        referrers: Knows who refers to rows.
        entity: Whose rows are changed.
        changes: What is written next.
    """
    found = []
    lost = referrers.losing(entity, changes.updates)
    for change in changes.updates if lost else ():
        if change.id in lost:
            reason = f"{lost[change.id]} would lose its row: link it to another row first"
            found.append((change, RefusedRow(reason)))
    ids = [change.known_id for change in changes.deletes]
    used = referrers.staying({entity.name: ids}) if ids else {}
    for change in changes.deletes if used else ():
        uses = used.get((entity.name, change.known_id))
        if uses is not None:
            reason = f"is referred to by {referrers.in_words(uses)}: delete those first, or keep it"
            found.append((change, RefusedRow(reason)))
    return found
