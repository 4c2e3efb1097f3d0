"""What the journal is told of an import: each batch, and at the end what it came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bakeio_core.catalog.exchange import Changes
from bakeio_core.database.stored.rows import Row
from bakeio_core.history.journal.journal import Journal
from bakeio_core.history.learned.aliases import learn
from bakeio_core.importing.applying.remembering.learning import lessons
from bakeio_core.importing.applying.remembering.origins import keep_origins
from bakeio_core.importing.planning.import_plan import ImportPlan
from bakeio_core.importing.reading.sources import Part


def enter(journal: Journal, plan: ImportPlan, part: Part, changes: Changes) -> None:
    """Enter a batch, each record under the file it stands in."""
    entity, document = changes.entity, part.document
    journal.deleted(entity, [tuple(change.old.values()) for change in changes.deletes])
    for file, rows, numbers in document.by_file(changes.rows, changes.numbers):
        journal.created(entity, file, rows, numbers)
    records = [change.record for change in changes.updates]
    for file, updates, numbers in document.by_file(changes.updates, records):
        journal.updated(entity, file, updates, numbers)
    keep_origins(plan, part.file, changes, journal.run)


def finish(
    journal: Journal, plan: ImportPlan, parents: Mapping[str, Sequence[Row]], may_delete: bool
) -> None:
    """Enter what the import came to, the parents no record holds, and what was learned.

    Args:
        journal: That of the run.
        plan: What was carried out.
        parents: {entity: the rows created for records that refer to them}.
        may_delete: Whether it says how many rows were deleted, though none was.
    """
    for name in sorted(parents, key=list(plan.state.catalog.entities).index):
        entity = plan.state.catalog.entities[name]
        index = entity.columns.index(entity.primary)
        rows = [row for row in parents[name] if (name, row[index]) in plan.parents.rows]
        journal.created(entity, plan.source.name, rows, [0] * len(rows))
    counts = dict(plan.outcome.summary)
    deleted = sum(each["deleted"] for each in plan.outcome.counts.values())
    counts |= {"deleted": deleted} if deleted or may_delete else {}
    journal.finish(counts, plan.source.sha256, plan.resolved())
    learn(plan.state.db, journal.run, list(lessons(plan)), plan.state.now)
