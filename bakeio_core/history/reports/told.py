"""What programs are told about imports: the shapes of runs, decisions, events and what was learned.

They are plain dicts, as `--json` prints them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from bakeio_core.catalog.entities.model import RowId
from bakeio_core.catalog.exchange import NOTHING_FITS
from bakeio_core.errors import Problem

if TYPE_CHECKING:
    from typing_extensions import NotRequired

RunMode = Literal["merge", "skip-existing", "update-only", "replace", "undo"]


class Resolved(TypedDict):
    """A decision that was carried out.

    Attributes:
        entity: Whose row it is about.
        key: What names the row in the file, {column: value}.
        action: What was done: one of those of `Decision`.
        target: The row a reference led to, {column: value}; None where it is gone.
        kind: The kind of the question, if it was not about a reference.
        field: In which field of the file, empty for the whole record; with `kind` alone.
        value: What was written, of the action `value`.
        by: Who decided.
        records: How many records it was applied to.
    """

    entity: str
    key: Mapping[str, Any]
    action: str
    target: NotRequired[Mapping[str, Any] | None]
    kind: NotRequired[str]
    field: NotRequired[str]
    value: NotRequired[Any]
    by: str
    records: int


class Run(TypedDict):
    """One import or undo, as `bakeio runs` lists it.

    Attributes:
        id: Its number.
        at: When it was, in UTC.
        source: The name of the file or folder.
        mode: How it was imported, or `undo`.
        export_id: The export from which its file came; None if that is not known.
        counts: The counts, as in `Report.summary`.
        sha256: The checksum of what was imported.
        decisions: What was decided in it.
        undoes: The number of the run that it undid; None for an import.
        path: The path of the file; unknown in an older database.
    """

    id: int
    at: str
    source: str
    mode: RunMode
    export_id: str | None
    counts: Mapping[str, int]
    sha256: NotRequired[str | None]
    decisions: Sequence[Resolved]
    undoes: NotRequired[int | None]
    path: NotRequired[str | None]


class ValueMark(TypedDict):
    """What is known of a value that an assistant gave.

    Attributes:
        field: The column that has it.
        source: Where the assistant has it from, as it says; empty where it named nothing.
        unverified: Whether it is easily made up and nobody has confirmed it.
        confirmed_by: Who confirmed it; None where nobody did.
    """

    field: str
    source: str
    unverified: bool
    confirmed_by: str | None


class RowEvent(TypedDict):
    """What one run did to a row, or to a field of it, as `bakeio why` tells it.

    Attributes:
        run: The number of the run.
        at: When it was, in UTC.
        source: What was imported.
        file: The file with the value; None if there was no file.
        record: The number of the record in the file, from 1; None if there was none.
        action: `create`, `set` or `delete`.
        field: The column that was set; of `set` alone, as are the next three.
        old: The value before.
        new: The value after.
        decision: The decision about the value; None if none was needed.
        marks: What is known of values that an assistant gave in this run.
    """

    run: int
    at: str
    source: str
    file: str | None
    record: int | None
    action: Literal["create", "set", "delete"]
    field: NotRequired[str]
    old: NotRequired[Any]
    new: NotRequired[Any]
    decision: NotRequired[str | None]
    marks: NotRequired[list[ValueMark]]


class LearnedName(TypedDict):
    """A name that was matched to a row once, and is known in later imports.

    Attributes:
        entity: Whose row it is.
        key: The name as the file had it, {column: value}.
        row: What people call the row; None where it is gone.
        at: When it was learned, in UTC.
        run: The import in which it was learned; None if it came with a set.
    """

    entity: str
    key: Mapping[str, Any]
    row: str | None
    at: str
    run: int | None


class LearnedHeadings(TypedDict):
    """What the headings of another person's sheet mean.

    Attributes:
        headings: The headings, in their order.
        meaning: The view, its field for each heading, and the values that are the same in all rows.
    """

    headings: Sequence[str]
    meaning: Mapping[str, Any]


class UnverifiedValue(TypedDict):
    """A value that an assistant gave and nobody has confirmed.

    Attributes:
        entity: Whose row has it.
        id: The primary key of the row.
        label: What people call the row; None where it is gone.
        field: The column.
        value: The value.
        source: Where the assistant has it from, as it says; empty where it named nothing.
        run: The number of the run that set it.
        at: When that was, in UTC.
    """

    entity: str
    id: RowId
    label: str | None
    field: str
    value: Any
    source: str
    run: int
    at: str


def what_candidates_are(problem: Problem) -> str:
    """Return what the candidates of a problem are, in words to put before them."""
    if problem.code == "ambiguous-key":
        return "one of"
    fits = problem.candidates[0].get("reasons", [])[:1] != [NOTHING_FITS]
    return "similar" if fits else "nothing fits well, the nearest is"
