"""What a plan is made of: options, changes, drafts of records, rows to create. Plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bakeio_core.catalog.exchange import ALIAS, Change
from bakeio_core.errors import Problem, counted
from bakeio_core.values.wording import printable, shown

COUNTS = (
    "processed",
    "created",
    "updated",
    "unchanged",
    "skipped",
    "conflicts",
    "errors",
    "nulls_kept",
)
SHOWN = 50
UNDO = "undo"
TOLD = ("created", "updated", "deleted", *COUNTS[3:])


@dataclass
class Report:
    """The outcome of one import, the same for a dry run and the real one but for `run`, `dry_run` and times.

    summary: {processed, created, updated, unchanged, skipped, conflicts, errors, nulls_kept}; entities: the same per entity;
    refused: why nothing was written, empty where it was (or would be).
    """

    run: int | None
    dry_run: bool
    mode: str
    source: str
    summary: dict[str, int]
    entities: dict[str, dict[str, int]]
    created_entities: dict[str, list[Any]] = field(default_factory=dict)
    resolved: list[dict[str, Any]] = field(default_factory=list)
    skipped_log: str | None = None
    problems: list[Problem] = field(default_factory=list)
    refused: str = ""
    dropped: int = 0
    changes: list[Change] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 done, 1 refused with nothing written, 3 done with some records skipped for a problem or by decision, or kept by an undo."""
        if self.refused:
            return 1
        if self.mode == UNDO:
            return 3 if any(problem.severity == "warning" for problem in self.problems) else 0
        by_mode = self.mode in ("skip-existing", "update-only")
        return 3 if self.summary["errors"] or (self.summary["skipped"] and not by_mode) else 0

    def as_dict(self) -> dict[str, Any]:
        """Return the object `--json` prints."""
        names = (
            "run",
            "dry_run",
            "mode",
            "source",
            "summary",
            "entities",
            "created_entities",
            "resolved",
            "skipped_log",
        )
        return {name: getattr(self, name) for name in names} | {
            "problems": [msgspec.to_builtins(problem) for problem in self.problems]
        }

    def text(self) -> str:
        """Return the report for a terminal: one line per entity, then the problems, then what it comes to."""
        lines = []
        for name, counts in self.entities.items():
            said = [_said(what, counts[what]) for what in TOLD if counts.get(what)]
            lines.append(
                f"  {name:<20} {counts['processed']:>9,} records: {', '.join(said) or 'nothing to do'}"
            )
        lines += [_resolved_line(entry) for entry in self.resolved[:SHOWN]]
        lines += problem_lines(self.problems, self.dropped)
        total = ", ".join(_said(what, self.summary.get(what, 0)) for what in TOLD
                          if what != "nulls_kept" and (self.summary.get(what) or (what in ("created", "updated") and self.mode != UNDO)))  # fmt: skip
        if self.skipped_log:
            lines.append(
                f"Skipped records are in {self.skipped_log}: mend them there, then: bakeio import {self.skipped_log}"
            )
        if self.refused:
            lines.append(f"Refused: {printable(self.refused)}. ({total})")
        else:
            done = "Taken back" if self.mode == UNDO else "Imported"
            lines.append(f"{'Dry run, nothing was written' if self.dry_run else done}: {total}.")
        return "\n".join(lines)


def _resolved_line(entry: dict[str, Any]) -> str:
    """Return one line on a decision: `ovens: name "Dek" is slug "deck" (3 records)`."""

    def key(values: dict[str, Any]) -> str:
        return ", ".join(f"{column} {shown(value)}" for column, value in values.items())

    ways = {
        "existing": "is",
        "create": "was created as",
        "empty": "was left empty",
        "skip": "was skipped",
    }
    target = f" {key(entry['target'])}" if entry.get("target") else ""
    learned = ", as learned in an earlier import" if entry["by"] == ALIAS else ""
    return f"  {entry['entity']}: {key(entry['key'])} {ways[entry['action']]}{target}{learned} ({counted(entry['records'], 'record')})"


def _said(what: str, count: int) -> str:
    return f"{count:,} {'nulls kept' if what == 'nulls_kept' else what[:-1] if count == 1 and what in ('errors', 'conflicts') else what}"


def problem_lines(problems: Iterable[Problem], dropped: int = 0) -> list[str]:
    """Return one line for each problem, errors first, at most fifty of them."""
    order = {"error": 0, "warning": 1, "note": 2}
    ranked = sorted(problems, key=lambda problem: order[problem.severity])
    lines = []
    for problem in ranked[:SHOWN]:
        lines.append(f"{problem.severity}: {printable(str(problem))} [{problem.code}]")
        if problem.candidates:
            near = ", ".join(f"{shown(c['label'])} ({c['score']:.2f})" for c in problem.candidates)
            lines.append(
                f"    {'one of' if problem.code == 'ambiguous-key' else 'like it'}: {near}"
            )
    left = len(ranked) - SHOWN + dropped
    if left > 0:
        lines.append(f"... and {left} more problems; all of them with --json")
    return lines
