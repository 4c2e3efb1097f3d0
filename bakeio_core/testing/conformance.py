"""The checks as tests, and as a function for programs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any

from bakeio_core.errors import BakeioError, describe
from bakeio_core.testing.checks import cost, declared, edits, files
from bakeio_core.testing.databases import SYSTEMS, why_not
from bakeio_core.testing.faults import Fault
from bakeio_core.testing.trial import Given, Trial, said

ASSEMBLE = "declarations"
CHECKS: Mapping[str, Callable[[Trial], None]] = {
    ASSEMBLE: declared.declarations_assemble,
    "restores": files.sets_restore_everything,
    "unedited": files.unedited_files_change_nothing,
    "same-bytes": files.files_are_the_same_each_time,
    "dry-run": edits.dry_runs_tell_the_truth,
    "edits": edits.edits_arrive,
    "merge": edits.file_and_database_are_merged,
    "undo": edits.undo_brings_everything_back,
    "nulls": edits.nulls_keep_and_gaps_too,
    "unknown-reference": edits.unknown_references_are_questions,
    "skip-on-error": edits.bad_records_leave_the_good_ones,
    "schema": declared.schema_accepts_the_export,
    "documented": declared.fields_are_documented,
    "statements": cost.statements_do_not_grow_with_rows,
    "memory": cost.memory_does_not_grow_with_rows,
    "formats": files.formats_give_back_what_they_wrote,
    "documents": declared.documents_are_left_alone,
    "sample": declared.sample_fits,
}
"""What is checked: {name: function of a `Trial`, which raises `Fault`}."""


def conformance(
    *plugins: Any,
    rows: Given | None = None,
    systems: Collection[str] = SYSTEMS,
    checks: Collection[str] = tuple(CHECKS),
) -> Callable[..., None]:
    """Return a test of plugins for a file of tests: one line gives every check, on each system.

    Write `test_ovens = conformance("bakeio-ovens")`. Rows that fit the tables are made; if
    the plugin brings a sample, its rows come first. Nothing is left in any database of yours.

    Args:
        plugins: Names of installed plugins or distributions, modules, or objects with hooks. What
            they refer to must be installed or handed in with them.
        rows: {entity: records as in its file} to begin with, where rows that fit cannot be
            guessed, such as texts of a form that only the database checks.
        systems: `sqlite`, `postgresql`; the second is left out where no server can be had.
        checks: Those of `CHECKS` that are made.

    Returns:
        A function that pytest collects as tests, one for each check and system.
    """
    import pytest

    @cache
    def trial_on(system: str) -> Trial:
        return Trial(plugins, system, rows or {})

    @pytest.mark.parametrize("check", checks)
    @pytest.mark.parametrize("system", systems)
    def test(check: str, system: str) -> None:
        __tracebackhide__ = True
        missing = why_not(system)
        if missing:
            pytest.skip(missing)
        trial = trial_on(system)
        if check != ASSEMBLE and _fault(ASSEMBLE, trial) is not None:
            pytest.skip("the declarations do not assemble")
        fault = _fault(check, trial)
        if fault is not None:
            pytest.fail(f"{check}: {fault}", pytrace=False)

    return test


def faults_of(
    *plugins: Any,
    rows: Given | None = None,
    system: str = SYSTEMS[0],
    checks: Sequence[str] = tuple(CHECKS),
) -> dict[str, Fault]:
    """Return what is wrong with plugins, {name of the check: fault}; nothing where they conform.

    Args:
        plugins: As for `conformance`.
        rows: As for `conformance`.
        system: `sqlite` or `postgresql`.
        checks: Those of `CHECKS` that are made. If the declarations cannot be used, no other one
            is made.
    """
    trial = Trial(plugins, system, rows or {})
    wrong = _fault(ASSEMBLE, trial)
    if wrong is not None:
        return {ASSEMBLE: wrong}
    found = ((name, _fault(name, trial)) for name in checks)
    return {name: fault for name, fault in found if fault is not None}


def _fault(check: str, trial: Trial) -> Fault | None:
    try:
        CHECKS[check](trial)
    except Fault as fault:
        return fault
    except BakeioError as error:
        return Fault(said(error))
    except Exception as error:  # a stranger's hook, where nothing is expected of the kind
        owner = trial.found.plugins.culprit(error) or "what the plugin declares"
        return Fault(f"{owner} fails: {describe(error)}").with_traceback(error.__traceback__)
    return None
