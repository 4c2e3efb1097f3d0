"""Plan a row that a decision creates, from the values the decision gives."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.entities.columns import MADE
from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.exchange import Changes
from bakeio_core.catalog.fields import decision_fields
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import Problem
from bakeio_core.files.documents.composed.in_memory import InMemoryDocument
from bakeio_core.files.documents.document import Document
from bakeio_core.importing.linking.created.answers import unanswerable
from bakeio_core.importing.linking.drafts import Draft, LinkError, PendingParent
from bakeio_core.importing.planning.plan import PartPlan
from bakeio_core.importing.reading.sources import Part
from bakeio_core.values.wording import shown


def plan_decided(plan: PartPlan, wanted: PendingParent, batch: Changes) -> int | LinkError:
    """Plan one row from the values of a decision; an equal one that is there already is taken.

    Args:
        plan: A plan of a part without records, of the entity of the row.
        wanted: What is to be created.
        batch: What the row is written with.

    Returns:
        The row's id, or why it cannot be created, so that it is asked again.
    """
    record = plan.reader.read_values(1, decided_values(plan.entity, wanted.decision.values))
    draft = Draft(1, record.values)
    row: Row | LinkError | None = None
    if not record.bad:
        _compose(draft)
        row = _there_already(plan, draft)
        if isinstance(row, tuple):
            row = _linked_instead(plan, draft, row, wanted.link)
        if row is None:
            row = plan.new_rows.parent(draft, batch)
            if isinstance(row, tuple):
                _add(plan, row, batch)
                _look(plan, row)
    if isinstance(row, LinkError):
        return row
    if row is not None:
        return row[plan.rows.id_index]  # type: ignore[no-any-return]
    fault = next(problem for problem in plan.outcome.problems if problem.severity == "error")
    what = f" as decided: {fault.field}" if fault.field else ""
    said, link = f"it cannot be created{what}: {fault.message}", wanted.link
    if link.missing is not None:
        return unanswerable(link, link.missing, said)
    return LinkError(fault.code, f"{link.message}; {said}")


def _compose(draft: Draft) -> None:
    """Take texts in composed Unicode, as those of a view's new record: somebody typed them."""
    for name, value in draft.values.items():
        if isinstance(value, str):
            draft.values[name] = unicodedata.normalize("NFC", value)


def _look(plan: PartPlan, row: Row) -> None:
    """Tell what is worth a look in a new row."""
    plan.noticed.states.look(Changes(plan.entity, plan.entity.columns, [row], [0]))
    for problem in plan.noticed.states.problems():
        told = Problem(code=problem.code, severity=problem.severity, message=problem.message)
        told.entity, told.field = problem.entity, problem.field
        key = plan.entity.readable_key
        told.key = {column: plan.rows.value(row, column) for column in key}
        plan.state.problems.add(told)


def _there_already(plan: PartPlan, draft: Draft) -> Row | LinkError | None:
    """Return the row that the values name already, or why that cannot be told."""
    plan.matcher.match_known([draft])
    if draft.row is None and draft.fault is None:
        plan.references.name(draft)
        plan.references.link([draft])
        plan.matcher.match_new(draft, plan.matcher.look_up([draft]))
    return draft.fault or draft.row


def _linked_instead(plan: PartPlan, draft: Draft, row: Row, link: LinkError) -> Row | LinkError:
    """Return the row that is there in place of a new one, and say so.

    Where the values given are those of two rows, or call this one otherwise, that is asked again.
    """
    entity, rows = plan.entity, plan.rows
    called = {row[rows.id_index]: row}
    for key in entity.all_keys:
        value = plan.matcher.key(draft, key)
        ids = rows.folded(key, value) if value is not None else []
        called |= rows.by_id(ids)
    label = {c: draft.values.get(plan.part.fields.own.get(c, "")) for c in entity.labels}
    others = {c: v for c, v in label.items() if v is not None and rows.differs(row, c, v)}
    names = [_called(plan, one) for one in called.values()]
    if len(called) == 1 and not others:
        said = f"{link.message}; {names[0]} exists already and is used, none is created"
        plan.state.problems.add(
            Problem(code="duplicate-key", severity="note", entity=entity.name, message=said)
        )
        return row
    why = f"the values given are those of {' and '.join(names)}"
    return unanswerable(link, link.missing, why) if link.missing else LinkError(link.code, why)


def _called(plan: PartPlan, row: Row) -> str:
    columns = dict.fromkeys((*plan.entity.readable_key, *plan.entity.labels))
    named = ((column, plan.rows.value(row, column)) for column in columns)
    return ", ".join(f"{column} {shown(value)}" for column, value in named if value is not None)


def _add(plan: PartPlan, row: Row, batch: Changes) -> None:
    """Add a row to what is written before a batch, and note who needs what."""
    plan.rows.pending.add([row])
    plan.outcome.enter_created([row])
    created = Changes(plan.entity, plan.entity.columns, [row], [0])
    plan.state.outcome.show_rows(created)
    batch.parents.append(created)
    keys, named = plan.entity.all_keys, dict(zip(plan.entity.columns, row, strict=True))
    best = keys[1] if len(keys) > 1 else keys[0]
    key = {column: named[column] for column in best if named[column] is not MADE}
    plan.parents.add(plan.entity, row[plan.rows.id_index], key, named)


def decided_part(entity: Entity, catalog: Catalog) -> Part:
    """Return a part without records, to plan rows of an entity that decisions create."""
    nothing = Document(f"decision on {entity.name}", io.BytesIO)
    document = InMemoryDocument(nothing, {"entity_type": entity.name}, [])
    return Part(entity, document, decision_fields(entity, catalog))


def decided_values(entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a decision by the fields of `decided_part`.

    `reference.column` may also stand for a lookup field.
    """
    fields = {
        f"{c}.{wanted}": name
        for c, reference in entity.references.items()
        for name, wanted in reference.lookups.items()
    }
    return {fields.get(name, name): value for name, value in values.items()}
