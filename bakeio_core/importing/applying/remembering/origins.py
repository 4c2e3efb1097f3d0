"""Which of the values that are written an assistant gave, from where, and what confirms them."""

from __future__ import annotations

from collections.abc import Iterator

from bakeio_core.catalog.exchange import Changes
from bakeio_core.history.journal.journal import Journal
from bakeio_core.history.telling.marks import Mark, confirm_mark, keep_marks
from bakeio_core.importing.planning.import_plan import ImportPlan
from bakeio_core.importing.reading.sources import Source
from bakeio_core.importing.state import ImportState


def keep_origins(plan: ImportPlan, file: str, changes: Changes, run: int) -> None:
    """Keep what is known of the values of a batch that an assistant gave.

    Args:
        plan: The plan.
        file: Which part of its source the batch is of.
        changes: The batch, which was written.
        run: The run that wrote it.
    """
    if plan.source.origins:
        marks = _marks(plan.source, file, changes, run, plan.state.now)
        keep_marks(plan.state.db, changes.entity, marks)


def keep_confirmed(state: ImportState, journal: Journal | None) -> None:
    """Keep what an import confirms of values that assistants gave before.

    Args:
        state: The import.
        journal: That of its run, None where it is not recorded.
    """
    run = None if journal is None else journal.run
    for entity, mark, by in state.confirmed:
        confirm_mark(state.db, entity, mark, by, state.now, run)


def _marks(source: Source, file: str, changes: Changes, run: int, at: str) -> Iterator[Mark]:
    """Yield what is to be kept of the values of a batch.

    Those of codes are unverified: that a check digit is right says nothing, because models write
    right ones from memory. Of others the source is kept, where one was named.
    """
    entity = changes.entity
    fields = next(part.fields for part in source.parts if part.file == file)
    place = changes.columns.index(entity.primary)
    made = [
        (number, row[place], dict(zip(changes.columns, row, strict=True)))
        for number, row in zip(changes.numbers, changes.rows, strict=True)
    ]
    updated = [(change.record, change.known_id, change.new) for change in changes.updates]
    by_record: dict[int, dict[str, str]] = {}
    for (number, name), given in source.origins.items():
        by_record.setdefault(number, {})[name] = given
    for number, identity, new in [*made, *updated]:
        for name, given in by_record.get(number, {}).items():
            column = fields.by_name[name].column if name in fields.by_name else None
            value = new.get(str(column))
            is_code = column in entity.codes
            if value is not None and (is_code or given):
                yield Mark(identity, str(column), value, given, is_code, run, at)
