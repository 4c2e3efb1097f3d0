"""Delete the rows a run created."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.catalog.keys.rings import links_back, refers_to_itself, rings
from bakeio_core.database.writing import cut_links, whole_row
from bakeio_core.errors import BakeioError, counted
from bakeio_core.history.journal.entries import Batch, batches
from bakeio_core.history.journal.packing import known_checksums
from bakeio_core.history.undoing.restore import restore_exchanged

if TYPE_CHECKING:
    from bakeio_core.catalog.entities.model import Entity, RowId
    from bakeio_core.history.undoing.rewrite import Rewrite, Row


@dataclass
class Going:
    """Created rows that may go.

    Attributes:
        rows: {id: row} of those that nobody changed since.
        records: {id: number of the record the row came from}.
    """

    entity: Entity
    batch: Batch
    rows: dict[RowId, Row]
    records: dict[RowId, int]


def remove_rows(rewrite: Rewrite, run: int) -> None:
    """Delete created rows that nobody changed since, those that refer to others first.

    What is referred to by rows that stay stays as well, whoever declared their table.

    Args:
        rewrite: What writes.
        run: The run to undo.
    """
    known = [
        batch for _, batch in batches(rewrite.db, run, backwards=True) if batch.action == "create"
    ]
    for ring in reversed(rings(rewrite.catalog.entities)):
        some = [
            (entity, batch)
            for entity in reversed(ring)
            for batch in known
            if batch.entity == entity.name
        ]
        if len(ring) > 1 or refers_to_itself(ring[0]):
            _remove(rewrite, [_unchanged(rewrite, *item) for item in some])
        else:  # one batch in memory at a time
            for item in some:
                _remove(rewrite, [_unchanged(rewrite, *item)])
        restore_exchanged(rewrite)  # before what they refer to now is removed


def _unchanged(rewrite: Rewrite, entity: Entity, batch: Batch) -> Going:
    """Return the rows of a batch that are as they were created; the others are kept and named."""
    current = rewrite.tables.rows(entity).by_id(batch.ids)
    there = [index for index, identity in enumerate(batch.ids) if identity in current]
    rows = [whole_row(entity, current[batch.ids[index]]) for index in there]
    forms, then = known_checksums(entity, rows), batch.checksums
    going = Going(entity, batch, {}, dict(zip(batch.ids, batch.records, strict=True)))
    for number, (index, row) in enumerate(zip(there, rows, strict=True)):
        sums = [(now[number], now[number + len(rows)]) for now in forms]
        if (then[index], then[index + len(batch.ids)]) in sums:
            going.rows[batch.ids[index]] = row
        else:
            record = batch.records[index]
            rewrite.skip(entity, row, "was changed after the import", batch.file, record)
    for _ in range(len(batch.ids) - len(there)):
        rewrite.count(entity, "unchanged")
    return going


def _remove(rewrite: Rewrite, some: Sequence[Going]) -> None:
    """Delete rows that only each other refer to."""
    ids: dict[str, set[RowId]] = {}
    for going in some:
        ids.setdefault(going.entity.name, set()).update(going.rows)
    staying, words = rewrite.referrers.staying(ids), rewrite.referrers.in_words
    while sum(_link_again(rewrite, going, staying) for going in some):
        staying = rewrite.referrers.staying(ids)  # what they refer to stays as well
    for going in some:
        entity, batch = going.entity, going.batch
        for identity in [i for i in going.rows if (entity.name, i) in staying]:
            why = f"is referred to by {words(staying[entity.name, identity])}"
            row, record = going.rows.pop(identity), going.records[identity]
            rewrite.skip(entity, row, why, batch.file, record)
            rewrite.in_use += 1
        cut_links(rewrite.db, entity, links_back(rewrite.catalog.entities, entity), going.rows)
    for going in some:
        changes = Changes(going.entity, going.entity.columns, deletes=list(_deletions(going)))
        rewrite.write(changes, going.rows, going.batch.file)
        _refuse_half(rewrite, going)


def _link_again(rewrite: Rewrite, going: Going, staying: Collection[Any]) -> bool:
    """Give rows that stay the references back that they were written with last."""
    name = going.entity.name
    rows = {identity: row for identity, row in going.rows.items() if (name, identity) in staying}
    return rewrite.link_again(going.entity, rows, going.batch.file)


def _refuse_half(rewrite: Rewrite, going: Going) -> None:
    """Raise where the database keeps a row whose references were cut."""
    entity = going.entity
    if not links_back(rewrite.catalog.entities, entity) or not going.rows:
        return
    left = rewrite.tables.rows(entity).existing_ids(list(going.rows))
    if left:
        raise BakeioError(
            f"the database refuses to delete {counted(len(left), 'row')} of {entity.name} (first: "
            f"{entity.primary} {min(left)}), to which others of the run are linked: nothing was "
            "written. See what keeps them (a trigger?), then try again",
            code="constraint",
        )


def _deletions(going: Going) -> Iterator[Change]:
    """Yield what deletes the rows, the last made first: it may refer to those made before."""
    entity = going.entity
    for identity, row in reversed(going.rows.items()):
        old = dict(zip(entity.columns, row, strict=True))
        yield Change("delete", entity.name, going.records[identity], identity, {}, old)
