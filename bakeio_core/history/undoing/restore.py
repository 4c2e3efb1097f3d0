"""Give back the rows a run deleted and the values it replaced."""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.columns import MADE
from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.catalog.keys.rings import links_back
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.systems.columns.unknown_columns import give_back
from bakeio_core.errors import Problem
from bakeio_core.history.changing_hands import Takers, blocked, in_turn
from bakeio_core.history.journal.entries import (
    Batch,
    FieldSet,
    batches,
    fields_by_row,
    read_text,
    wire_value,
)
from bakeio_core.history.journal.journal import UNKNOWN
from bakeio_core.history.undoing.rewrite import Waiting
from bakeio_core.values.wording import Unreadable, shown

if TYPE_CHECKING:
    from bakeio_core.catalog.entities.model import Entity, RowId
    from bakeio_core.history.undoing.rewrite import Rewrite, Row

BATCH = 2000


def recreate_rows(rewrite: Rewrite, run: int) -> list[Changes]:
    """Create what a run deleted anew, with its ids, those first that others refer to.

    Args:
        rewrite: What writes.
        run: The run to undo.

    Returns:
        The rows whose key another one has as yet: the run may have created that.
    """
    later = list[Changes]()
    known: dict[str, list[Batch]] = {}
    for _, batch in batches(rewrite.db, run, backwards=True):
        if batch.action == "delete":
            known.setdefault(batch.entity, []).append(batch)
    for name, entity in rewrite.catalog.entities.items():
        for batch in known.get(name, ()):
            later.append(_recreate(rewrite, entity, batch))
    rewrite.link_late()
    return [changes for changes in later if changes.rows]


def recreate_unknown(rewrite: Rewrite, run: int) -> None:
    """Give rows that are there again what they had in columns nobody declares.

    Args:
        rewrite: What wrote the rows.
        run: The run to undo.
    """
    for _, batch in batches(rewrite.db, run) if rewrite.recreated else ():
        entity = rewrite.catalog.entities.get(batch.entity)
        if batch.action != "delete" or entity is None:
            continue
        cells = {
            row[entity.primary]: row[UNKNOWN]
            for row in batch.rows
            if UNKNOWN in row and row[entity.primary] in rewrite.recreated.get(entity.name, ())
        }
        for column in give_back(dialect_of(rewrite.db), rewrite.db, entity, cells):
            why = f"the column {column} is gone, and what rows had in it"
            rewrite.keep(entity, f"table {entity.name}:", why)


def recreate_later(rewrite: Rewrite, later: Sequence[Changes]) -> None:
    """Create what waited for the key of a row that is removed by now."""
    for changes in later:
        rewrite.write(changes, {})
    if later:
        rewrite.link_late()


def _recreate(rewrite: Rewrite, entity: Entity, batch: Batch) -> Changes:
    """Create the rows of a batch; return those whose key another row has."""
    primary = entity.primary
    there = rewrite.tables.rows(entity).existing_ids([row[primary] for row in batch.rows])
    wanted = []
    for row in batch.rows:
        if row[primary] in there:
            name = f"{entity.name} {primary} {row[primary]}"
            rewrite.skip(entity, name, "is there again")
        else:
            cells = [wire_value(entity, column, row.get(column)) for column in entity.columns]
            wanted.append(_writable(rewrite, entity, cells))
    free, taken = _by_free_key(rewrite, entity, wanted)
    rewrite.write(Changes(entity, entity.columns, free, [0] * len(free)), {})
    return Changes(entity, entity.columns, taken, [0] * len(taken))


def _writable(rewrite: Rewrite, entity: Entity, cells: Row | list[Any]) -> Row:
    """Return the cells of a row, null where nothing can write what stood there, and name those."""
    row = list(cells)
    for place, column in enumerate(entity.columns):
        if isinstance(row[place], Unreadable):
            said = row[place]
            row[place] = None if entity.nullable(column) else str(said)
            name = f"{entity.name} {entity.primary} {row[entity.columns.index(entity.primary)]}"
            message = (
                f"{name}: {column} was {said} before, which nothing can write: it is "
                f"{shown(row[place])} now"
            )
            told = {"code": "bad-value", "severity": "warning", "entity": entity.name}
            rewrite.problems.add(Problem(**told, field=column, message=message))  # type: ignore[arg-type]
    return tuple(row)


def _by_free_key(
    rewrite: Rewrite, entity: Entity, wanted: Sequence[Row]
) -> tuple[list[Row], list[Row]]:
    """Return rows no other one has a unique key of, and the rest."""
    rows, taken = rewrite.tables.rows(entity), set[int]()
    for key in entity.unique:
        named = [rows.key_of(row, key) for row in wanted]
        held = rows.find(key, [value for value in named if None not in value])
        taken |= {place for place, value in enumerate(named) if value in held}
    free = [row for place, row in enumerate(wanted) if place not in taken]
    return free, [wanted[place] for place in sorted(taken)]


def restore_fields(rewrite: Rewrite, run: int) -> None:
    """Set every field back that still has the value a run gave it.

    Args:
        rewrite: What writes.
        run: The run to undo.
    """
    rows = fields_by_row(rewrite.db, run)
    while some := list(islice(rows, BATCH)):
        for name in dict.fromkeys(fields[0].entity for fields in some):
            if name in rewrite.catalog.entities:
                entity = rewrite.catalog.entities[name]
                _restore(rewrite, entity, [fields for fields in some if fields[0].entity == name])
    restore_exchanged(rewrite)


def _restore(rewrite: Rewrite, entity: Entity, rows: Sequence[list[FieldSet]]) -> None:
    current = rewrite.tables.rows(entity).by_id({fields[0].row for fields in rows})
    by_file: dict[str, list[Change]] = {}
    links = {*links_back(rewrite.catalog.entities, entity)}
    for fields in rows:
        first, row = fields[0], current.get(fields[0].row)
        if row is None:
            name = f"{entity.name} {entity.primary} {first.row}"
            rewrite.skip(entity, name, "is gone", first.file, first.record)
            continue
        change = _restored(rewrite, entity, row, fields)
        if change is not None:
            by_file.setdefault(first.file or "", []).append(change)
            if links and {column for column, value in change.new.items() if value is None} & links:
                rewrite.unlinked[entity.name, change.id] = change
    for file, changes in by_file.items():
        held = Takers(rewrite.tables.rows(entity), changes).holders()
        rewrite.waiting += [
            Waiting(file, change, current[change.known_id], "another row has its old values")
            for change in changes
            if change.id in held
        ]
        free = [change for change in changes if change.id not in held]
        rewrite.write(Changes(entity, entity.columns, updates=free), current, file)


def _restored(
    rewrite: Rewrite, entity: Entity, row: Row, fields: Sequence[FieldSet]
) -> Change | None:
    """Return the fields of one row that go back; what was changed since is kept and named."""
    now = dict(zip(entity.columns, row, strict=True))
    new: dict[str, Any] = {}
    kept = False
    edits = [item for item in fields if item.field not in entity.filled.set_on_update] or fields
    touched = [item for item in fields if item not in edits and item.field in now]
    for item in edits:
        if item.field not in now:
            continue
        value = now[item.field]
        old, imported = _values(entity, item)
        if _same(value, imported) and isinstance(old, Unreadable):
            kept = True
            why = f"{item.field} was {old} before, which nothing can write"
            rewrite.refused = rewrite.refused or why
            rewrite.keep(entity, row, why, item.file, item.record, field=item.field, value=value)
        elif _same(value, imported):
            new[item.field] = old
        elif not _same(value, old):
            kept = True
            why = f"{item.field} was set to {shown(value)} since, the import set {shown(imported)}"
            rewrite.keep(entity, row, why, item.file, item.record, field=item.field, value=value)
    if not new:
        rewrite.count(entity, "skipped" if kept else "unchanged")
        return None
    if kept:
        rewrite.count(entity, "skipped", 0)
    first = fields[0]
    stamp = (
        "updated_at" if "updated_at" in entity.filled.stamps and first.stamped is not None else ""
    )
    whole = not kept and all(_same(now[i.field], _values(entity, i)[1]) for i in touched)
    whole = whole and (not stamp or _instant(now[stamp]) == _instant(first.stamped))
    # a row that goes back as a whole was not touched at all
    for item in touched:
        new[item.field] = _values(entity, item)[0] if whole else MADE
    if stamp:
        new[stamp] = first.stamp if whole else rewrite.now
    old_values = {column: now[column] for column in new}
    return Change("update", entity.name, first.record or 0, first.row, new, old_values)


def _values(entity: Entity, item: FieldSet) -> tuple[Any, Any]:
    """Return what a field held before a run, and what the run set."""
    texts = (item.old, item.new)
    old, new = (wire_value(entity, item.field, read_text(text)) for text in texts)
    return old, new


def restore_exchanged(rewrite: Rewrite) -> None:
    """Give values back that changed hands; what is refused still waits again.

    Args:
        rewrite: The undo; rows it has removed since may have had them.
    """
    waiting, rewrite.waiting = rewrite.waiting, []
    for name in dict.fromkeys(item.update.entity for item in waiting):
        entity = rewrite.catalog.entities[name]
        some = [item for item in waiting if item.update.entity == name]
        held: dict[RowId, set[RowId]] = {item.update.known_id: set() for item in some}
        rows = rewrite.tables.rows(entity)
        stuck = blocked(held | Takers(rows, [item.update for item in some]).holders())
        rewrite.waiting += [item for item in some if item.update.known_id in stuck]
        free = [item for item in some if item.update.known_id not in stuck]
        updates = [item.update for item in free]
        rewrite.write(
            Changes(entity, entity.columns, updates=updates),
            {item.update.id: item.row for item in free},
            some[0].file,
            turns=in_turn(rewrite.tables, entity, updates).batches,
        )


def keep_refused(rewrite: Rewrite) -> None:
    """Keep and name what the database refused to give back to the last.

    Args:
        rewrite: The undo, once the rows of its run are removed.
    """
    for item in rewrite.waiting:
        rewrite.refused = rewrite.refused or item.why
        entity = rewrite.catalog.entities[item.update.entity]
        rewrite.skip(entity, item.row, item.why, item.file, item.update.record)
    rewrite.waiting = []


def _same(now: Any, then: Any) -> bool:
    """Tell whether a row has the value the journal names.

    SQLite keeps a decimal of many digits as the double next to it.
    """
    numbers = (int, float, decimal.Decimal)
    if isinstance(now, numbers) and isinstance(then, numbers):
        return now == then or float(now) == float(then)
    return bool(now == then)


def _instant(text: Any) -> str:
    """Return a moment without what databases write it with or not."""
    return str(text or "").removesuffix("Z").removesuffix(".000000")
