"""Take one import back: what is still as it left it goes back, what was changed since is kept.

An undo is a run of its own, which can be undone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from bakeio_core.database.connect import savepoint, streaming, translated
from bakeio_core.database.dialects import columns_there, dialect_of
from bakeio_core.database.stored.called import CalledChanges
from bakeio_core.database.systems.refusals.constraints import refuse_deferred
from bakeio_core.errors import BakeioError, Problem
from bakeio_core.history.journal.entries import changed_something, entities_of
from bakeio_core.history.journal.journal import Journal, all_runs, undone_runs
from bakeio_core.history.journal.prune import pruned_to
from bakeio_core.history.learned.aliases import Alias, all_aliases
from bakeio_core.history.learned.layouts import Layout, all_layouts, has_learned_headings
from bakeio_core.history.reports.report import COUNTS, UNDO, Report
from bakeio_core.history.tables import has_journal
from bakeio_core.history.telling.marks import confirming_runs
from bakeio_core.history.undoing.remove import remove_rows
from bakeio_core.history.undoing.restore import (
    keep_refused,
    recreate_later,
    recreate_rows,
    recreate_unknown,
    restore_fields,
)
from bakeio_core.history.undoing.rewrite import Rewrite
from bakeio_core.values.folding import folded_key
from bakeio_core.values.wording import shown

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog
    from bakeio_core.history.reports.told import Run


Headings = dict[str, tuple[list[str], Layout]]
"""What was learned of sheets, as `all_layouts` has it."""


class _Learned(NamedTuple):
    """What is known beside the rows: names, headings, and the runs that confirmed values."""

    names: list[Alias]
    headings: Headings
    confirming: set[int]


def run_to_undo(db: Connection, run: int | None) -> Run:
    """Find the run to be taken back.

    Args:
        db: The connection.
        run: Its number; None is the latest import that changed something and stands, so neither
            an undo nor taken back.

    Returns:
        The entry of the run, as `all_runs` has it.

    Raises:
        BakeioError: There is none, or it was undone already.
    """
    if not has_journal(db):
        raise BakeioError(
            "no import into this database was recorded, so none can be undone: it has no "
            "tables of bakeio's own. The next import makes them, and so does bakeio init",
            code="no-journal",
        )
    known, undone, pruned = all_runs(db), undone_runs(db), pruned_to(db)
    if run is None:
        for entry in known:
            if entry["id"] <= pruned:
                break
            stands = entry["undoes"] is None and entry["id"] not in undone
            if stands and _left_something(db, entry["id"]):
                return entry
            if stands:
                _refuse_unrecorded(entry)
        more = f" (what runs up to {pruned} did was removed from the journal)" if pruned else ""
        raise BakeioError(f"there is no import to undo{more}; see: bakeio runs")
    found = [entry for entry in known if entry["id"] == run]
    if not found:
        raise BakeioError(f"there is no run {run}; see: bakeio runs")
    if run is not None and run <= pruned:
        raise BakeioError(
            f"what run {run} did was removed from the journal, with all runs up to {pruned}: it "
            "cannot be undone. A set exported before it has the rows as they were",
            code="no-journal",
        )
    if run in undone:
        raise BakeioError(
            f"run {run} was undone already, by run {undone[run]}; "
            f"to redo it: bakeio undo {undone[run]}"
        )
    return found[0]


def _refuse_unrecorded(entry: Run) -> None:
    """Raise where a run wrote rows and the journal lacks them: to go past it is no undo of it."""
    number, counts = entry["id"], entry["counts"]
    wrote = [f"{counts[did]} {did}" for did in ("created", "updated", "deleted") if counts.get(did)]
    if wrote:
        raise BakeioError(
            f"what run {number} did ({', '.join(wrote)}) is not in the journal, so it cannot be "
            "undone. To undo an earlier one, name it: bakeio undo RUN (bakeio runs lists them)",
            code="no-journal",
        )


def _left_something(db: Connection, run: int) -> bool:
    """Tell whether a run changed rows, learned what is still known, or confirmed values."""
    has_names = any(alias.run == run for alias in all_aliases(db))
    has_learned = has_names or has_learned_headings(db, run)
    return changed_something(db, run) or has_learned or run in confirming_runs(db)


def undo_run(
    db: Connection,
    catalog: Catalog,
    hook: Any,
    entry: Mapping[str, Any],
    now: str,
    *,
    dry_run: bool = False,
) -> Report:
    """Take everything back that is still as a run left it, inside a savepoint.

    Args:
        db: The connection, in a transaction that writes.
        catalog: The entities that are installed.
        hook: The hook that writes records.
        entry: The run, as `run_to_undo` gives it.
        now: The moment in UTC, as ISO 8601.
        dry_run: Write, look, and take that back in turn.

    Returns:
        What it came to: `deleted` counts besides the others, `skipped` what was kept. Where all of
        it was, because others refer to it, nothing is written and it has no number.

    Raises:
        BakeioError: Nothing can be taken back; nothing was written.
    """
    dialect, number = dialect_of(db), int(entry["id"])
    source = f"run {number}: {entry['source']}"
    with translated(), savepoint(db) as point, streaming():
        there = columns_there(db, catalog.tables.values())
        dialect.lock(db, [table for table in catalog.tables.values() if table in there])
        _refuse_unknown(db, catalog, number)
        before = _learned(db)
        journal = Journal.start(db, source, UNDO, now, undoes=number)
        after = _learned(db)
        rewrite = Rewrite(db, catalog, hook, journal, now)
        later = recreate_rows(rewrite, number)
        restore_fields(rewrite, number)
        remove_rows(rewrite, number)
        keep_refused(rewrite)
        recreate_later(rewrite, later)
        recreate_unknown(rewrite, number)
        total = sum(rewrite.counts.values(), Counter[str]())
        _tell_names(rewrite, before.names, after.names)
        did_something = total["created"] + total["updated"] + total["deleted"]
        _tell_headings(rewrite, before.headings, after.headings)
        is_nothing = not did_something and before == after
        if is_nothing and not rewrite.in_use:
            raise _nothing(number, rewrite.problems.warnings, rewrite.refused)
        refuse_deferred(dialect, db)
        if dry_run or is_nothing:  # the run stands, to be taken back once nothing uses its rows
            point.rollback()
        else:
            journal.finish(total)
            for name in rewrite.recreated:
                entity = catalog.entities[name]
                if entity.surrogate:
                    dialect.advance_ids(db, entity.table, entity.surrogate)
    CalledChanges(rewrite.tables).call(rewrite.shown)
    run = None if dry_run or is_nothing else journal.run
    return _report(rewrite, total, source, run, dry_run=dry_run)


def _report(
    rewrite: Rewrite, total: Counter[str], source: str, run: int | None, *, dry_run: bool
) -> Report:
    """Return what an undo came to; `run` is its number, None where it left nothing."""
    names = ("processed", "created", "updated", "deleted", *COUNTS[3:])
    return Report(
        run=run,
        dry_run=dry_run,
        mode=UNDO,
        source=source,
        summary={name: total[name] for name in names},
        entities={
            entity: {name: counts[name] for name in names}
            for entity, counts in rewrite.counts.items()
        },
        problems=list(rewrite.problems),
        dropped=rewrite.problems.dropped,
        changes=rewrite.shown,
    )


def _refuse_unknown(db: Connection, catalog: Catalog, number: int) -> None:
    """Raise where rows of an entity that is not installed would go back: half an undo is none."""
    for name in sorted(entities_of(db, number) - catalog.entities.keys()):
        why = catalog.disabled.get(name, "not installed")
        raise BakeioError(
            f"run {number} also wrote {name}, which is {why}: nothing was written. "
            "Install it, then try again",
            code="blocked",
        )


def _tell_names(rewrite: Rewrite, before: list[Alias], after: list[Alias]) -> None:
    """Name what is forgotten with the run, or known again, where that was an undo too."""
    was, now = ({(a.entity, folded_key(a.key)): a for a in some} for some in (before, after))
    for key, alias in {**was, **now}.items():
        if was.get(key) == now.get(key):
            continue
        entity, name = alias.entity, ", ".join(map(shown, alias.key.values()))
        message = f"{name} is forgotten as a name of {entity}"
        if key in now:
            message = f"{name} is known again as a name of {entity}"
        if key in was and key in now:
            message = f"{name} is the name of the row of {entity} again that it was before"
        note = Problem(code="missing-reference", severity="note", entity=entity, message=message)
        rewrite.problems.add(note)


def _tell_headings(rewrite: Rewrite, before: Headings, after: Headings) -> None:
    """Name the headings whose meaning is forgotten, or is what it was before."""
    for key, (names, layout) in {**before, **after}.items():
        if before.get(key) == after.get(key):
            continue
        some = ", ".join(map(shown, names[:3])) + (", ..." if len(names) > 3 else "")
        what = "mean again what they meant before" if key in after else "have no known meaning more"
        message = f"the headings {some} {what} in a sheet of {layout.view}"
        rewrite.problems.add(Problem(code="bad-document", severity="note", message=message))


def _learned(db: Connection) -> _Learned:
    return _Learned(all_aliases(db), all_layouts(db), confirming_runs(db))


def _nothing(number: int, kept: int, refused: str) -> BakeioError:
    why = "it changed nothing, or all of it is gone already"
    if refused:
        why = f"{refused} ({kept} kept)"
    elif kept:
        why = f"all of it was changed since ({kept} kept)"
    return BakeioError(
        f"nothing of run {number} can be undone: {why}. To undo an earlier one, name it: bakeio "
        "undo RUN (bakeio runs lists them)",
        code="constraint" if refused else "conflict" if kept else None,
    )
