"""What an export of a set wrote, as data and in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from bakeio_core.cli.session import Session

if TYPE_CHECKING:
    from bakeio_core.exporting.write_set import Exported


MOST_TOLD = 20
"""Values of the database that are told; more of them are counted."""


def set_as_data(done: Exported) -> dict[str, Any]:
    """Return what was written of a set as JSON tells it."""
    return {
        "folder": str(done.folder),
        "archive": str(done.archive) if done.archive else None,
        "counts": done.counts,
        "parts": dict(done.parts),
        "omitted": list(done.omitted),
        "problems": as_data(done.problems),
        "undated": {"rows": dict(done.undated), "included": done.has_undated},
        "omitted_records": dict(done.omitted_records),
        "omitted_references": list(done.omitted_references),
        "omitted_columns": dict(done.omitted_columns),
        "visible_only": list(done.hidden),
        "hidden_references": list(done.hidden_references),
    }


def tell_set(session: Session, done: Exported) -> None:
    """Tell what was written of a set, and what was not."""
    from bakeio_core.errors import counted

    tell(session, done.problems)
    for name, count in done.undated.items():
        where = (
            "in this half, which has no first day"
            if done.has_undated
            else "left out: an export with --until alone has them"
        )
        session.say(f"note: {counted(count, 'row')} of {name} without a date: {where}")
    session.result(f"Exported {counted(sum(done.counts.values()), 'record')} to {done.folder}")
    for name, count in done.counts.items():
        if count:
            files = f"  in {done.parts[name]} files" if name in done.parts else ""
            session.result(f"  {name:<20} {count:>9,}{files}")
    empty = [name for name, count in done.counts.items() if not count]
    if empty:
        session.result(f"  without records: {', '.join(empty)}")
    if done.problems:
        gaps = counted(len(done.problems), "value")
        session.result(f"  null in place of {gaps}; the manifest has what is stored (gaps)")
    if done.omitted:
        session.result(f"  left out: {', '.join(done.omitted)}")
    for name, count in done.omitted_records.items():
        session.result(f"  left out of {name}: {counted(count, 'record')} outside these days")
    for left in done.omitted_references:
        named = f"which names something in {counted(left['rows'], 'row')}"
        session.result(f"  left out of {left['entity']}: {left['field']}, {named}")
    for name, columns in done.omitted_columns.items():
        session.result(f"  left out of {name}: {_columns(columns)}, which no plugin declares")
    if done.hidden:
        session.result(f"  only what this user sees of: {', '.join(done.hidden)}")
    for unseen in done.hidden_references:
        where = f"{unseen['entity']}, {unseen['field']}: {counted(unseen['rows'], 'row')}"
        session.say(
            f"warning: {where} of the set refer to what this user does not see: they can be "
            "imported only where that is there"
        )


def _columns(names: Sequence[str]) -> str:
    return f"the column{'' if len(names) == 1 else 's'} {', '.join(names)}"


def tell(session: Session, problems: Sequence[Any]) -> None:
    """Say the first problems with values of the database, and how many more there are."""
    for problem in problems[:MOST_TOLD]:
        session.say(str(problem))
    if len(problems) > MOST_TOLD:
        session.say(f"... and {len(problems) - MOST_TOLD:,} more; all of them with --json")


def as_data(problems: Iterable[Any]) -> list[Any]:
    """Return problems as `--json` prints them."""
    import msgspec

    return [msgspec.to_builtins(problem) for problem in problems]
