"""Delete the rows a run created."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.database.writing import cut_own_links, whole_row
from bakeio_core.history.entries import Batch, batches
from bakeio_core.history.packing import checksums

if TYPE_CHECKING:
    from bakeio_core.catalog.model import Entity, RowId
    from bakeio_core.history.rewrite import Rewrite, Row


def remove_rows(rewrite: Rewrite, run: int) -> None:
    """Delete created rows that nobody changed since, those that refer to others first.

    What is referred to by rows that stay stays as well.

    Args:
        rewrite: What writes.
        run: The run that is taken back.
    """
    known = [
        batch for _, batch in batches(rewrite.db, run, backwards=True) if batch.action == "create"
    ]
    for entity in reversed(rewrite.catalog.entities.values()):
        for batch in known:
            if batch.entity == entity.name:
                _remove(rewrite, entity, batch)


def _remove(rewrite: Rewrite, entity: Entity, batch: Batch) -> None:
    current = rewrite.tables.rows(entity).by_id(batch.ids)
    there = [index for index, identity in enumerate(batch.ids) if identity in current]
    rows = [whole_row(entity, current[batch.ids[index]]) for index in there]
    records = dict(zip(batch.ids, batch.records, strict=True))
    now, then = checksums(entity, rows), batch.checksums
    good: dict[RowId, Row] = {}
    for number, (index, row) in enumerate(zip(there, rows, strict=True)):
        sums = (now[number], now[number + len(rows)])
        if sums == (then[index], then[index + len(batch.ids)]):
            good[batch.ids[index]] = row
        else:
            record = batch.records[index]
            rewrite.skip(entity, row, "was changed after the import", batch.file, record)
    for identity, user in _used(rewrite, entity, set(good)).items():
        why = f"is referred to by {user}"
        rewrite.skip(entity, good.pop(identity), why, batch.file, records[identity])
    for _ in range(len(batch.ids) - len(there)):
        rewrite.count(entity, "unchanged")
    gone = []
    for identity, row in good.items():
        old = dict(zip(entity.columns, row, strict=True))
        gone.append(Change("delete", entity.name, records[identity], identity, {}, old))
    cut_own_links(rewrite.db, entity, good.keys())
    rewrite.write(Changes(entity, entity.columns, deletes=gone), good, batch.file)


def _used(rewrite: Rewrite, entity: Entity, ids: Collection[RowId]) -> dict[RowId, str]:
    """Return {id: by what} for the rows that others refer to which stay."""
    found: dict[RowId, str] = {}
    if not ids:
        return found
    for other in rewrite.catalog.entities.values():
        for column, reference in other.references.items():
            if reference.target != entity.name:
                continue
            users = rewrite.tables.rows(other).select([column], ids)
            more = True
            while more:  # a row that has to stay keeps the one of the same table it refers to
                more = False
                for user, target in users:
                    stays = other is not entity or user not in ids or user in found
                    if stays and target in ids and target not in found:
                        found[target] = f"{other.name} {other.primary} {user} ({column})"
                        more = True
    return found
