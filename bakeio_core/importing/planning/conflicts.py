"""What is said of fields that file and database both changed."""

from __future__ import annotations

from typing import Any

from bakeio_core.importing.linking.claims import PartOutcome
from bakeio_core.importing.linking.drafts import Draft, PendingParent
from bakeio_core.importing.planning.merge import Merged
from bakeio_core.values.wording import jsonable, shown

KEPT_HERE = "The database's value was kept"


def report_conflicts(outcome: PartOutcome, draft: Draft, merged: Merged, *, fails: bool) -> None:
    """Report what file and database both changed in a row: as errors where the import fails."""
    for name, (now, value) in merged.conflicts.items():
        wanted = shown_parent(value)
        said = conflict_message(now, wanted, has_base=draft.base is not None, fails=fails)
        severity = "error" if fails else "warning"
        outcome.report(draft, "conflict", name, jsonable(wanted), said, severity)


def shown_parent(value: Any) -> Any:
    """Return a value as a person reads it: a row yet to be created has no id."""
    return f"a new row of {value.target.name}" if isinstance(value, PendingParent) else value


def conflict_message(current: Any, value: Any, *, has_base: bool, fails: bool) -> str:
    """Return what is said of a field that file and database both changed."""
    remedy = "Choose with --on-conflict keep-db or take-file"
    if not has_base:
        return (
            f"was changed in the database after the export: the database has {shown(current)}, "
            f"the file {shown(value)}. {remedy}"
        )
    return (
        "changed in the file and in the database since the export: the database has "
        f"{shown(current)}, the file {shown(value)}. "
        f"{remedy if fails else KEPT_HERE}"
    )
