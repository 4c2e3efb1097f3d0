"""What is learned of an import: names, headings, and what a set brings along of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bakeio_core.catalog.exchange import ALIAS, EXISTING
from bakeio_core.history.learned.aliases import Alias, learn, learned
from bakeio_core.history.learned.layouts import take_over
from bakeio_core.importing.planning.import_plan import ImportPlan
from bakeio_core.values.folding import folded_key

if TYPE_CHECKING:
    from sqlalchemy import Connection


def lessons(plan: ImportPlan) -> Iterator[Alias]:
    """Yield the keys that were mapped to a row which does not bear them.

    Those are known the next time.
    """
    for applied in plan.parents.applied.values():
        missing, decision = applied.missing, applied.decision
        if applied.id is None or decision.by in (ALIAS, "") or missing.ambiguous_ids:
            continue
        is_made = (missing.entity, applied.id) in plan.parents.rows
        if decision.action == EXISTING or is_made:
            rows = plan.state.tables.rows(plan.state.catalog.entities[missing.entity])
            row = rows.by_id([applied.id]).get(applied.id)
            if row is not None and any(rows.differs(row, *pair) for pair in missing.key.items()):
                yield Alias(missing.entity, dict(missing.key), applied.id)


def learn_from(db: Connection, plan: ImportPlan, run: int) -> None:
    """Remember what a run was told of names and headings, and what its set brings along."""
    source, state = plan.source, plan.state
    if source.layout is not None:
        from bakeio_core.importing.reading.layouts import remember_layout

        remember_layout(db, run, source, state.catalog, state.now)
    if source.aliases:
        _take_over_aliases(db, plan)
    take_over(db, source.layouts, state.now)


def _take_over_aliases(db: Connection, plan: ImportPlan) -> None:
    """Learn what a set brings along, where its rows are here and nothing else was learned."""
    known, lessons, state = learned(db), [], plan.state
    for entry in plan.source.aliases:
        entity = state.catalog.entities.get(entry["entity"])
        if entity is None or (entity.name, folded_key(entry["key"])) in known:
            continue
        rows = state.tables.rows(entity)
        for column, value in entry["target"].items():
            is_named = (column,) in entity.all_keys and isinstance(value, str)
            found = rows.find((column,), [(value,)]).get((value,), []) if is_named else []
            if len(found) == 1:
                lessons.append(Alias(entity.name, entry["key"], found[0][rows.id_index]))
                break
    learn(db, None, lessons, state.now)
