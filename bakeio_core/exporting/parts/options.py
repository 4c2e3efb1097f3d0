"""What is wanted of a set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from bakeio_core.errors import UsageError
from bakeio_core.files.documents.limits import PART_SIZE
from bakeio_core.values.wording import kind_of_thing


@dataclass(frozen=True)
class ExportOptions:
    """What a set is to hold, and how it is written.

    Attributes:
        transactional: Also write the entities that have a date, and those that need them.
        since: Only dated rows of this day or later, and what they refer to.
        until: Only dated rows of this day or earlier, and what they refer to.
        as_stored: Write null for each value no file can hold; the manifest then has them as they
            are stored (`gaps`).
        jobs: How many files are written at a time, where the database lets several connections
            see one snapshot.
        part_size: How many bytes a file has at most, None for any number.

    Raises:
        UsageError: The first day comes after the last, or is no day.
    """

    transactional: bool = True
    since: date | None = None
    until: date | None = None
    as_stored: bool = False
    jobs: int = 1
    part_size: int | None = PART_SIZE

    def __post_init__(self) -> None:
        first, last = self.since, self.until
        for day in (first, last):
            if day is not None and (isinstance(day, datetime) or not isinstance(day, date)):
                raise UsageError(f"a day is expected, not {kind_of_thing(day)}: a datetime.date")
        if first is not None and last is not None and first > last:
            raise UsageError(f"the first day, {first}, comes after the last, {last}: swap them")
