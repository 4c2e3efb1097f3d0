"""How to import: the options of an import as one value."""

from __future__ import annotations

from dataclasses import dataclass

from bakeio_core.errors import UsageError

MODES = ("merge", "skip-existing", "update-only", "replace")


@dataclass(frozen=True)
class ImportOptions:
    """How to import. mode: merge (update and add), skip-existing (only add), update-only, replace (delete what is not there);
    on_conflict: fail, keep-db or take-file; nulls: what null means in a view, keep or clear; allow: checks lifted; allow_duplicates: add
    records equal to rows that are there.
    """

    mode: str = "merge"
    on_conflict: str = "fail"
    skip_errors: bool = False
    nulls: str = "keep"
    allow: frozenset[str] = frozenset()
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(f'there is no mode "{self.mode}"; choose one of {", ".join(MODES)}')
        if self.on_conflict not in ("fail", "keep-db", "take-file"):
            raise UsageError(
                f'on conflict choose fail, keep-db or take-file, not "{self.on_conflict}"'
            )
        if self.nulls not in ("keep", "clear"):
            raise UsageError(f'for nulls choose keep or clear, not "{self.nulls}"')
        if self.mode == "replace":
            if self.skip_errors:
                raise UsageError(
                    "replace and skip-on-error do not go together: the rows of skipped records would be deleted"
                )
            object.__setattr__(
                self, "on_conflict", "take-file"
            )  # the set is the state, whatever was edited since
