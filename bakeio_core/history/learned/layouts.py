"""What was learned of sheets whose headings are no view's: what each of their columns means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from bakeio_core.history.learned.replaced import forget, learn_instead, standing
from bakeio_core.history.reports.told import LearnedHeadings
from bakeio_core.history.tables import LAYOUTS, has_own, make_own_tables
from bakeio_core.values.folding import fold

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass
class Layout:
    """What the headings of a sheet mean.

    Attributes:
        view: The view its rows are of.
        fields: {heading: field}, an empty field for a column that is ignored.
        constants: {field: value} of all rows; None where nothing is said of it.
        patterns: {field: {what a cell supposes: the supposition}}, such as
            `{"weight": {"decimal": ","}}`.
    """

    view: str
    fields: dict[str, str] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    patterns: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, told: Any) -> Layout | None:
        """Return the layout that JSON tells, None where it is none."""
        if not isinstance(told, Mapping) or not isinstance(told.get("view"), str):
            return None
        parts = [told.get(name, {}) for name in ("fields", "constants", "patterns")]
        if not all(isinstance(part, dict) for part in parts):
            return None
        return cls(told["view"], *parts)


def identity(headings: Sequence[str]) -> str:
    """Return what tells the headings of one layout from others, wherever their columns stand."""
    return sha256("\n".join(sorted(map(fold, headings))).encode()).hexdigest()


def all_layouts(db: Connection) -> dict[str, tuple[list[str], Layout]]:
    """Return what was learned: {identity: (headings, what they mean)}.

    What a run had learned is forgotten while that run is taken back.
    """
    found = {}
    for row in standing(db, LAYOUTS):
        layout = Layout.of(json.loads(row["meaning"]))
        if layout is not None:
            found[row["headings"]] = json.loads(row["names"]), layout
    return found


def has_learned_headings(db: Connection, run: int) -> bool:
    """Tell whether a run learned headings that are still known."""
    return any(row["run"] == run for row in standing(db, LAYOUTS))


def learn_layout(
    db: Connection, run: int | None, headings: Sequence[str], layout: Layout, at: str
) -> None:
    """Remember what headings mean, in place of what was known of them.

    Args:
        db: The connection, in a transaction that writes.
        run: The import that learned, None where a set brought it.
        headings: The headings.
        layout: What they mean.
        at: The moment in UTC, as ISO 8601.
    """
    if not has_own(db, LAYOUTS):
        make_own_tables(db)  # the others are older than this table
    key = identity(headings)
    names, meaning = json.dumps(list(headings)), json.dumps(asdict(layout))
    entry = {"headings": key, "names": names, "meaning": meaning, "run": run, "at": at}
    learn_instead(db, LAYOUTS, entry)


def told_layouts(db: Connection) -> list[LearnedHeadings]:
    """Return what was learned as a set takes it along: each with `headings` and `meaning`."""
    return [
        LearnedHeadings(headings=names, meaning=asdict(layout))
        for names, layout in all_layouts(db).values()
    ]


def take_over(db: Connection, told: Sequence[Any], at: str) -> None:
    """Learn what a set brings along, where nothing else was learned of the same headings."""
    known = all_layouts(db)
    for entry in told:
        names = entry.get("headings") if isinstance(entry, Mapping) else None
        layout = Layout.of(entry.get("meaning")) if isinstance(entry, Mapping) else None
        is_said = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if is_said and names and layout is not None and identity(names) not in known:
            learn_layout(db, None, names, layout, at)


def forget_layouts(db: Connection, view: str, heading: str) -> int:
    """Forget the layouts of a view that have a heading; return how many those were."""
    gone = [
        key
        for key, (names, layout) in all_layouts(db).items()
        if layout.view == view and fold(heading) in map(fold, names)
    ]
    for key in gone:
        forget(db, LAYOUTS, {"headings": key})
    return len(gone)
