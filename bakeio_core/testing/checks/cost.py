"""Whether work grows with the rows only where it must."""

from __future__ import annotations

import gc
import io
import tracemalloc
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from sqlalchemy import Connection, event

from bakeio_core.catalog.views.view import View
from bakeio_core.exporting.careful import PAGE
from bakeio_core.host.bakeio import Bakeio
from bakeio_core.testing.faults import Fault
from bakeio_core.testing.trial import Trial

ADDED = 24
"""How many rows more there are when statements are counted once more."""
MANY = PAGE + 100
"""How many rows tell a hook that gives batches from one that gives all at once."""

READING = ("bakeio_project_view", "bakeio_export_records")


def statements_do_not_grow_with_rows(trial: Trial) -> None:
    """An export takes about the same number of statements, however many rows there are."""
    with trial.filled() as db:
        tried = {**_exports(trial, db)}
        before = {name: _statements(db, work) for name, work in tried.items()}
        trial.more_rows(db, ADDED)
        for name, work in tried.items():
            more = _statements(db, work) - before[name]
            if more >= ADDED // 2:
                raise Fault(
                    f"{name} takes {more} statements more for {ADDED} rows more: read what is "
                    "needed for all rows with one statement, in the first function of computed()"
                )


def _exports(trial: Trial, db: Connection) -> dict[str, Callable[[], Any]]:
    core, records = trial.core, trial.core.hook.bakeio_export_records
    found: dict[str, Callable[[], Any]] = {}
    for view in trial.views:
        whole = view.narrow(everything=True)
        found[f"the view {view.name}"] = partial(_written, core, db, whole)
    for entity in trial.entities:
        ask = partial(records, db=db, entity=entity, catalog=core.catalog)
        found[f"the export of {entity.name}"] = partial(_counted, ask)
    return found


def _written(core: Bakeio, db: Connection, view: View) -> int:
    return core.export_view(db, view, io.BytesIO())


def _counted(ask: Callable[[], Any]) -> int:
    return sum(map(len, ask()))


def _statements(db: Connection, work: Callable[[], Any]) -> int:
    count = 0

    def add(*_: Any) -> None:
        nonlocal count
        count += 1

    event.listen(db, "before_cursor_execute", add)
    try:
        work()
    finally:
        event.remove(db, "before_cursor_execute", add)
    return count


def memory_does_not_grow_with_rows(trial: Trial) -> None:
    """A hook of the plugin that reads rows gives them batch by batch, while they are read."""
    hooks = [hook for hook in READING if trial.implementing(hook)]
    if not hooks:
        return
    with trial.filled() as db:
        trial.more_rows(db, MANY)
        for hook in hooks:
            for name, ask in _asked(trial, db, hook):
                _refuse_hoarding(hook, name, ask)


def _asked(trial: Trial, db: Connection, hook: str) -> Iterable[tuple[str, Callable[[], Any]]]:
    core = trial.core
    views = trial.views or core.catalog.views.values()
    entities = trial.entities or core.catalog.entities.values()
    call = partial(getattr(core.hook, hook), db=db, catalog=core.catalog)
    if hook == READING[0]:
        return [(view.name, partial(call, view=view)) for view in views]
    return [(entity.name, partial(call, entity=entity)) for entity in entities]


def _refuse_hoarding(hook: str, name: str, ask: Callable[[], Any]) -> None:
    gc.collect()
    tracemalloc.start()
    try:
        kept = [list(batch) for batch in ask() or ()]
        held, _ = tracemalloc.get_traced_memory()
        sizes = [len(batch) for batch in kept]
        del kept
        gc.collect()
        base, _ = tracemalloc.get_traced_memory()
        batches = iter(ask() or ())
        first = next(batches, ())
        begun, _ = tracemalloc.get_traced_memory()
        del first, batches
    finally:
        tracemalloc.stop()
    if sum(sizes) < MANY // 2:
        return  # so few rows that nobody can tell
    if max(sizes) > PAGE:
        raise Fault(
            f"{hook} gives {max(sizes)} records of {name} in one batch: yield some hundred at a "
            "time, so that a million rows need no more memory than a thousand"
        )
    is_in_parts = max(sizes) < 0.3 * sum(sizes)
    if is_in_parts and begun - base > 0.8 * (held - base):
        raise Fault(
            f"{hook} has made all records of {name} before it gives the first batch: make each "
            "batch when it is asked for, with yield"
        )
