"""How to import: the options of an import as one value."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypedDict, cast

from bakeio_core.catalog.exchange import MOST_SHOWN
from bakeio_core.errors import UsageError

Mode = Literal["merge", "skip-existing", "update-only", "replace"]
OnConflict = Literal["fail", "keep-db", "take-file"]
Nulls = Literal["keep", "clear"]
MODES = ("merge", "skip-existing", "update-only", "replace")


@dataclass(frozen=True)
class ImportOptions:
    """Say how an import is done.

    Args:
        mode: merge (update and add), skip-existing (only add), update-only, or replace (delete
            what a set does not have).
        on_conflict: Where file and database both changed: fail, keep-db or take-file.
        skip_errors: Import the good records and leave the others out.
        accept_edits: Import a set although its files were changed; wrong checksums and counts are
            then warnings.
        without: Entities of a set that are left out, with everything that needs them.
        nulls: The meaning of null in a view, and in a set of another database: keep or clear.
        allow: Columns whose checks are lifted; with replace, the range of days of a set that has no
            others, such as `2025-01-01..`, whose other rows are to be deleted.
        allow_duplicates: Add new records of a view even if equal rows exist.
        create: Entities whose missing rows are created, if the file has all required values.
        most_changes: How many changes a plan and a report hold, besides the first 8 of each entity
            and action; all are counted.

    Raises:
        UsageError: An option has a value that makes no sense, or two do not go together.
    """

    mode: Mode = "merge"
    on_conflict: OnConflict = "fail"
    skip_errors: bool = False
    accept_edits: bool = False
    without: Collection[str] = ()
    nulls: Nulls = "keep"
    allow: Collection[str] = ()
    allow_duplicates: bool = False
    create: Collection[str] = ()
    most_changes: int = MOST_SHOWN

    def __post_init__(self) -> None:
        for name in ("without", "allow", "create"):
            if isinstance(getattr(self, name), str):  # one name, not the letters of it
                object.__setattr__(self, name, (getattr(self, name),))
        if self.mode not in MODES:
            raise UsageError(f'there is no mode "{self.mode}"; choose one of {", ".join(MODES)}')
        if self.on_conflict not in ("fail", "keep-db", "take-file"):
            choices = "fail, keep-db or take-file"
            raise UsageError(f'on conflict choose {choices}, not "{self.on_conflict}"')
        if self.nulls not in ("keep", "clear"):
            raise UsageError(f'for nulls choose keep or clear, not "{self.nulls}"')
        if self.mode == "replace":
            if self.skip_errors:
                raise UsageError(
                    "replace and skip-on-error do not go together: the rows of skipped records "
                    "would be deleted"
                )
            # the set is the state, whatever was edited since
            object.__setattr__(self, "on_conflict", "take-file")

    @property
    def in_use(self) -> list[str]:
        """The options of the command line that were given to get on with missing references."""
        given = [f"--auto-create {name.replace('-', '_')}" for name in self.create]
        return ["--skip-on-error", *given] if self.skip_errors else given


class ImportChoices(TypedDict, total=False):
    """The options of an import by name, as `ImportOptions` explains them."""

    mode: Mode
    on_conflict: OnConflict
    skip_errors: bool
    accept_edits: bool
    without: Collection[str]
    nulls: Nulls
    allow: Collection[str]
    allow_duplicates: bool
    create: Collection[str]
    most_changes: int


def options_of(options: ImportOptions | None, how: ImportChoices) -> ImportOptions:
    """Return options with some of them given by name.

    Raises:
        TypeError: There is no option of a name, as for any unknown argument.
        UsageError: An option has a value that makes no sense.
    """
    known = {field.name for field in fields(ImportOptions)}
    unknown = [name for name in how if name not in known]
    if unknown:
        raise TypeError(f"there is no option {unknown[0]!r}; there are {', '.join(sorted(known))}")
    return replace(options or ImportOptions(), **cast("dict[str, Any]", how))
